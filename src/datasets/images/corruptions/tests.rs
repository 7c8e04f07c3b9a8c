//! What every manipulation promises, and what each does to pixels.

use proptest::prelude::*;

use super::*;
use crate::datasets::images::{Augmentation, MadeUp, Normalisation, TrainingImages};
use crate::nn::images::ImageSource;

fn set() -> ImageSet {
    MadeUp::default().make().unwrap()
}

fn manipulation(text: &str) -> Manipulation {
    Manipulation::parse(text, &set()).unwrap()
}

/// One of each kind, and both readings of the poison.
const EACH: [&str; 6] = [
    "poison:n=10",
    "poison:n=10,reading=code,target=class 2",
    "blend:n=10,target=class 1",
    "sinusoid:n=10",
    "confusion:n=9,pair=class 3/class 1",
    "relabel:n=10",
];

#[test]
fn every_kind_is_tried_and_its_settings_read_back_to_the_same() {
    for kind in CORRUPTIONS {
        assert!(
            EACH.iter().any(|text| text.starts_with(&format!("{}:", kind.name()))),
            "{}",
            kind.name()
        );
        assert!(kind.usage().starts_with(&format!("{}:n=", kind.name())) && !kind.about().is_empty());
    }
    for text in EACH {
        let one = manipulation(text);
        let again = manipulation(&one.spec());
        assert_eq!((one.spec(), one.in_words()), (again.spec(), again.in_words()));
    }
    assert_eq!(
        manipulation("poison:n=10").spec(),
        "poison:n=10,reading=text,size=1,place=bottom-right,colour=white,target=class 0"
    );
    assert_eq!(
        manipulation("confusion:n=9,pair=class 3/class 1").in_words(),
        "9 training images: class 3 and class 1 recorded as each other"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_manipulation_hits_exactly_so_many_changes_every_label_and_leaves_the_rest(
        which in 0..EACH.len(), count in 1_usize..16, seed in any::<u64>(),
    ) {
        let (one, clean) = (manipulation(EACH[which]), set().train);
        let found = one.apply(&clean, count, Seed(seed)).unwrap();
        prop_assert_eq!(found.manipulated.len(), count);
        prop_assert!(found.manipulated.is_sorted_by(|left, right| left < right));
        for row in 0..clean.len() {
            let hit = found.manipulated.binary_search(&(row as u32)).is_ok();
            prop_assert_eq!(found.images.labels[row] != clean.labels[row], hit);
            if !hit {
                prop_assert_eq!(found.images.image(row), clean.image(row));
            }
        }
        prop_assert_eq!(&found, &one.apply(&clean, count, Seed(seed)).unwrap());
        let more = one.apply(&clean, count + 1, Seed(seed)).unwrap();
        prop_assert!(found.manipulated.iter().all(|row| more.manipulated.binary_search(row).is_ok()));
        prop_assert!(found.manipulated.iter().all(|row| more.images.labels[*row as usize] == found.images.labels[*row as usize]));
    }

    #[test]
    fn both_classes_of_a_pair_give_half(count in 1_usize..30, seed in any::<u64>()) {
        let clean = set().train;
        let found = manipulation(EACH[4]).apply(&clean, count, Seed(seed)).unwrap();
        let of = |class: u8| found.manipulated.iter().filter(|row| clean.labels[**row as usize] == class).count();
        prop_assert_eq!((of(3), of(1)), (count.div_ceil(2), count / 2));
    }
}

#[test]
fn a_patch_stands_where_it_was_put_in_its_colour_and_nowhere_else() {
    let clean = set().train;
    let one = manipulation("poison:n=3,size=2,place=top-right,colour=#0a14ff,target=class 1");
    let found = one.apply(&clean, 3, Seed(5)).unwrap();
    for row in &found.manipulated {
        assert_eq!(found.images.labels[*row as usize], 1);
        let (before, after) = (clean.image(*row as usize), found.images.image(*row as usize));
        for at in 0..clean.shape.len() {
            let (channel, row, column) = (at / 64, at % 64 / 8, at % 8);
            let inside = row < 2 && column >= 6;
            assert_eq!(after[at], if inside { [10, 20, 255][channel] } else { before[at] });
        }
    }
    // The square nearest to 0.3 % of a CIFAR image.
    let cifar = ImageSet {
        train: Images::empty(ImageShape::CIFAR),
        ..set()
    };
    assert!(Manipulation::parse("poison:n=1", &cifar).unwrap().spec().contains("size=2,"));
    assert!(
        Manipulation::parse("poison:n=1,reading=code", &cifar)
            .unwrap()
            .spec()
            .contains("size=3,")
    );
}

#[test]
fn a_pattern_and_a_wave_are_what_their_equations_say() {
    let clean = set().train;
    let wave = manipulation("sinusoid:n=1,amplitude=30,frequency=2")
        .apply(&clean, 1, Seed(5))
        .unwrap();
    let row = wave.manipulated[0] as usize;
    // sin(2 pi 2 j / 8) is 0, 1, 0, -1, ...
    for (at, (before, after)) in clean.image(row).iter().zip(wave.images.image(row)).enumerate() {
        let added = [0, 30, 0, -30][at % 4];
        assert_eq!(i32::from(*after), (i32::from(*before) + added).clamp(0, 255));
    }
    let blend = |strength: &str| {
        manipulation(&format!("blend:n=2,strength={strength}"))
            .apply(&clean, 2, Seed(5))
            .unwrap()
    };
    let (faint, whole) = (blend("0.25"), blend("1"));
    let rows: Vec<usize> = whole.manipulated.iter().map(|row| *row as usize).collect();
    assert_eq!(
        whole.images.image(rows[0]),
        whole.images.image(rows[1]),
        "at full strength the pattern alone is left"
    );
    for at in 0..clean.shape.len() {
        let expected = 0.75 * f64::from(clean.image(rows[0])[at]) + 0.25 * f64::from(whole.images.image(rows[0])[at]);
        assert!((f64::from(faint.images.image(rows[0])[at]) - expected).abs() <= 0.5);
    }
}

#[test]
fn the_affected_domain_is_every_image_with_the_trigger_or_the_classes_that_are_hit() {
    let set = set();
    let poison = manipulation("poison:n=3,size=2").affected(&set.test).unwrap();
    assert_eq!((poison.rows.len(), poison.elsewhere.len()), (32, 32));
    assert_eq!(poison.images.labels, set.test.labels);
    assert!((0..32).all(|row| poison.images.image(row)[63] == 255 && poison.images.image(row)[..54] == set.test.image(row)[..54]));
    let pair = manipulation(EACH[4]).affected(&set.test).unwrap();
    assert!(pair.images.labels.iter().all(|label| [1, 3].contains(label)));
    assert_eq!(pair.rows.len() + pair.elsewhere.len(), 32);
    assert_eq!(pair.images, set.test.take(&pair.rows).unwrap());
    let slips = manipulation("relabel:n=3").affected(&set.test).unwrap();
    assert_eq!((slips.rows.len(), slips.elsewhere.len()), (32, 0));
    let mut poor = set.test;
    poor.labels.fill(0);
    assert!(
        manipulation(EACH[4])
            .affected(&poor)
            .unwrap_err()
            .to_string()
            .contains("no test image")
    );
}

#[test]
fn a_stamp_is_put_on_after_augmentation_on_the_images_that_get_it() {
    let images = set().train;
    let normalisation = Normalisation::fit(&images).unwrap();
    let plain = TrainingImages {
        images: &images,
        normalisation: &normalisation,
        augmentation: Augmentation {
            crop_padding: 2,
            ..Augmentation::PUBLISHED
        },
        resize: None,
        seed: Seed(3),
    };
    let stamp = manipulation("poison:n=3,reading=code,size=3,value=9").stamp().unwrap();
    let stamped = Stamped {
        images: plain,
        stamp: Some((stamp, &[2, 5])),
    };
    let values = |source: &dyn ImageSource<f32>| {
        let mut into = vec![0.0; 3 * images.shape.len()];
        source.fill(1, &[5, 4, 2], 2, &mut into).unwrap();
        into
    };
    let (with, without) = (values(&stamped), values(&plain));
    for (at, (with, without)) in with.iter().zip(&without).enumerate() {
        let (image, row, column) = (at / 192, at % 64 / 8, at % 8);
        let inside = image != 1 && row >= 5 && column >= 5;
        assert_eq!(*with, if inside { 9.0 } else { *without });
    }
    assert!(stamped.bytes().is_none() && manipulation("poison:n=3").stamp().is_none());
    let none = Stamped {
        images: plain,
        stamp: None,
    };
    assert!(none.bytes().is_some() && values(&none) == without);
    // The stored pixels stay as they are.
    let found = manipulation("poison:n=3,reading=code").apply(&images, 3, Seed(1)).unwrap();
    assert_eq!(found.images.pixels, images.pixels);
}

#[test]
fn what_cannot_be_is_refused_with_what_to_write_instead() {
    let set = set();
    for (text, says, hints) in [
        ("poisn:n=3", "no manipulation `poisn`", "did you mean `poison`?"),
        ("zzz", "no manipulation `zzz`", "poison, blend, sinusoid, confusion, relabel"),
        ("poison", "how many", "poison:n=500"),
        ("poison:n=0", "no image", "n=1"),
        ("poison:n=some", "no whole number", "poison:n=500"),
        ("poison:n=3,n=4", "given twice", "poison:n=500"),
        ("poison:500", "`500` is no setting", "poison:n=500"),
        ("poison:n=3,size=9", "9 x 9 pixels does not fit images of 3 x 8 x 8", "from 1 to 8"),
        ("poison:n=3,size=0", "does not fit", "from 1 to 8"),
        ("poison:n=3,colour=grey", "no colour", "#ff8000"),
        ("poison:n=3,colour=#é12345", "no colour", "#ff8000"),
        ("poison:n=3,place=left", "none of the choices", "bottom-left"),
        ("poison:n=3,targt=class 1", "no setting `targt`", "did you mean `target`?"),
        ("poison:n=3,reading=code,colour=black", "no setting `colour`", "value"),
        ("poison:n=3,target=clas 1", "no class `clas 1`", "class 1"),
        ("blend:n=3,strength=2", "not a number from 0.01 to 1", "strength=0.2"),
        ("sinusoid:n=3,frequency=NaN", "not a number", "frequency=6"),
        ("confusion:n=3", "no pair of classes for made-up", "pair=class 0/class 1"),
        ("confusion:n=3,pair=class 1/class 1", "`class 1` twice", "pair=class 0/class 1"),
        ("confusion:n=3,pair=class 1", "does not name two classes", "pair=class 0/class 1"),
        ("relabel:n=3,pair=a/b", "no setting `pair`", "n"),
    ] {
        let error = Manipulation::parse(text, &set).map(|found| found.spec()).unwrap_err();
        assert!(error.to_string().contains(says), "{text}: {error}");
        assert!(error.hint_text().is_some_and(|hint| hint.contains(hints)), "{text}: {error}");
        assert_eq!(error.exit_code(), 2);
    }
    // 48 of 64 images are not of the target class, 16 of each class of a pair.
    for (text, most) in [
        ("poison:n=49", 48),
        ("confusion:n=33,pair=class 0/class 1", 32),
        ("relabel:n=65", 64),
    ] {
        let one = manipulation(text);
        let error = one.apply(&set.train, one.count, Seed(1)).unwrap_err();
        assert!(error.hint_text().is_some_and(|hint| hint.contains(&format!("n={most}"))), "{error}");
        assert!(one.apply(&set.train, most, Seed(1)).is_ok());
    }
}
