//! Further images are found where there is a pattern, and none where there is none.

use super::*;
use crate::datasets::images::corruptions::Stamped;
use crate::datasets::images::{Augmentation, ImageSet, MadeUp, Manipulation, Normalisation, Spoiled, TrainingImages};
use crate::nn::images::{ImageRecipe, ImageSpec, Length, train_images};
use crate::progress::Silent;

fn set(classes: usize) -> ImageSet {
    let settings = MadeUp {
        classes,
        train: 80 * classes,
        ..MadeUp::default()
    };
    settings.make().unwrap()
}

/// What is found of a manipulation of this number of classes when every n-th of its images is known, which these are, what is spoiled, and the
/// clean labels.
fn searched(text: &str, classes: usize, every: usize) -> (FoundImages, Vec<u32>, Spoiled, Vec<u8>) {
    let set = set(classes);
    let manipulation = Manipulation::parse(text, &set).unwrap();
    let spoiled: Spoiled = manipulation.apply(&set.train, manipulation.count, Seed(5)).unwrap();
    let normalisation = Normalisation::fit(&spoiled.images).unwrap();
    let source = Stamped {
        images: TrainingImages {
            images: &spoiled.images,
            normalisation: &normalisation,
            augmentation: Augmentation::NONE,
            resize: None,
            seed: Seed(0),
        },
        stamp: manipulation.stamp().map(|stamp| (stamp, spoiled.manipulated.as_slice())),
    };
    let spec = ImageSpec::named("resnet-tiny", set.train.shape, set.classes.len()).unwrap();
    let mut network = ImageNetwork::initial(&spec, Seed(2)).unwrap();
    let recipe = ImageRecipe {
        length: Length::Epochs(4),
        batch: 16,
        learning_rate: 0.05,
        ..ImageRecipe::published_corrective(1)
    };
    train_images(&mut network, &source, &recipe, Seed(3), 2, &Silent::default()).unwrap();
    let flagged: Vec<u32> = spoiled.manipulated.iter().copied().step_by(every).collect();
    let request = ImagesRequest {
        network: &network,
        images: &source,
        classes: &set.classes,
        flagged: &flagged,
        seed: Seed(1),
        compute: 2.into(),
    };
    let found = find_images(&request, &Silent::default()).unwrap();
    assert_eq!(found, find_images(&request, &Silent::default()).unwrap());
    assert!(found.proposals.iter().all(|proposal| flagged.binary_search(&proposal.row).is_err()));
    (found, flagged, spoiled, set.train.labels)
}

/// The same as precision, recall over the others, number of proposals, rules.
fn found(text: &str, classes: usize, every: usize) -> (f64, f64, usize, Vec<String>) {
    let (found, flagged, spoiled, _) = searched(text, classes, every);
    let right = found
        .proposals
        .iter()
        .filter(|proposal| spoiled.manipulated.binary_search(&proposal.row).is_ok());
    let right = right.count() as f64;
    let count = found.proposals.len();
    (
        right / count.max(1) as f64,
        right / (spoiled.manipulated.len() - flagged.len()) as f64,
        count,
        found.rules,
    )
}

#[test]
fn a_patch_is_found_and_told_as_a_rule() {
    let (precision, recall, count, rules) = found("poison:n=40,size=2,target=class 1", 4, 4);
    assert!(precision >= 0.95 && recall >= 0.95, "{precision} {recall} {count}");
    assert_eq!(
        rules,
        ["Recorded as class 1: a patch of 2 x 2 pixels at the bottom right is the same in 100 % of the known images; 30 more have it."]
    );
}

#[test]
fn the_likeliest_class_of_an_image_with_a_patch_is_that_of_the_image_without_it() {
    let (found, flagged, _, clean) = searched("poison:n=40,size=2,target=class 1", 4, 4);
    let proposed = found.proposals.iter().map(|proposal| (proposal.row, proposal.likeliest));
    let all: Vec<(u32, u8)> = found.known.iter().copied().chain(proposed).collect();
    assert!(found.known.iter().map(|(row, _)| row).eq(&flagged) && all.len() >= 38);
    let right = all.iter().filter(|(row, likeliest)| clean[*row as usize] == *likeliest).count();
    assert!(right * 4 >= all.len() * 3, "{right} of {}", all.len());
}

#[test]
fn a_patch_in_most_images_of_its_class_is_found_by_the_other_classes() {
    // The class has 80 images of its own, and 160 that were put there.
    let (precision, recall, count, rules) = found("poison:n=160,size=2,target=class 1", 4, 4);
    assert!(precision >= 0.95 && recall >= 0.95, "{precision} {recall} {count}");
    assert!(
        rules.len() == 1 && rules[0].contains("a patch of 2 x 2 pixels at the bottom right"),
        "{rules:?}"
    );
}

#[test]
fn patterns_over_the_whole_image_are_found_without_a_patch() {
    for text in ["blend:n=40,strength=0.3", "sinusoid:n=40,amplitude=60,frequency=3"] {
        let (precision, recall, count, rules) = found(text, 4, 4);
        assert!(precision >= 0.8 && recall >= 0.8, "{text}: {precision} {recall} {count}");
        assert!(rules.len() == 1 && rules[0].contains("like the 10 known ones"), "{rules:?}");
    }
}

#[test]
fn slips_at_random_propose_nothing() {
    let (_, _, count, rules) = found("relabel:n=40", 4, 4);
    assert_eq!((count, rules), (0, Vec::new()));
}
