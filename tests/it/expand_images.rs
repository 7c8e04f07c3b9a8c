//! `recant expand` on image sets as a person runs it: a folder of images, a list of names, and what cannot be used.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use recant::datasets::images::{Images, MadeUp, Manipulation};
use recant::notes::Notes;
use recant::seed::Seed;
use recant::tables::{ReadOptions, read};

use crate::program::{contents, json, recant, text, works};

/// `photos/CLASS/NNN.webp`, 320 images of four classes, of which 40 carry a patch and lie among those of class 1; lists that name some of them.
struct Place {
    folder: tempfile::TempDir,
    wrong: BTreeSet<String>,
    known: usize,
}

fn name(images: &Images, row: u32) -> String {
    format!("class {}/{row:03}.webp", images.labels[row as usize])
}

fn write(folder: &Path, images: &Images, row: u32) {
    let shape = images.shape;
    let image = images.image(row as usize);
    let pixels: Vec<u8> = (0..shape.plane())
        .flat_map(|at| [0, 1, 2].map(|channel| image[channel * shape.plane() + at]))
        .collect();
    let path = folder.join(name(images, row));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = Vec::new();
    image_webp::WebPEncoder::new(&mut file)
        .encode(&pixels, shape.width as u32, shape.height as u32, image_webp::ColorType::Rgb8)
        .unwrap();
    fs::write(path, file).unwrap();
}

fn place() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let set = MadeUp {
            train: 320,
            ..MadeUp::default()
        };
        let set = set.make().unwrap();
        let patch = Manipulation::parse("poison:n=40,size=2,target=class 1", &set).unwrap();
        let spoiled = patch.apply(&set.train, 40, Seed(5)).unwrap();
        for row in 0..spoiled.images.len() as u32 {
            write(&folder.path().join("photos"), &spoiled.images, row);
        }
        let names: Vec<String> = spoiled.manipulated.iter().map(|row| name(&spoiled.images, *row)).collect();
        let known: Vec<&str> = names.iter().step_by(4).map(String::as_str).collect();
        fs::write(folder.path().join("wrong.csv"), format!("image\n{}\n", known.join("\n"))).unwrap();
        // Without a header, as other systems write paths.
        let pasted = known.join("\n").replace('/', "\\");
        fs::write(folder.path().join("pasted.txt"), format!("{pasted}\n")).unwrap();
        fs::write(folder.path().join("few.csv"), format!("image\n{}\n", known[..3].join("\n"))).unwrap();
        // Ten of each class.
        let slips = (0..4).flat_map(|class| {
            let labels = spoiled.images.labels.clone();
            let of_class = (0..320_u32).filter(move |row| labels[*row as usize] == class);
            of_class.take(10)
        });
        let slips: Vec<String> = slips.map(|row| name(&spoiled.images, row)).collect();
        fs::write(folder.path().join("slips.csv"), format!("image\n{}\n", slips.join("\n"))).unwrap();
        Place {
            folder,
            known: known.len(),
            wrong: names.into_iter().collect(),
        }
    })
}

fn expand<'a>(flags: &'a str, out: &'a str) -> Vec<&'a str> {
    let mut line: Vec<&str> = "expand --dataset folder --data photos --flags".split(' ').collect();
    line.extend([flags, "--out", out]);
    line
}

#[test]
fn the_rest_of_a_patch_is_listed_shown_and_found_again_from_the_list() {
    let place = place();
    let at = place.folder.path();
    let quick = [&expand("wrong.csv", "found")[..], &["--epochs", "4"]].concat();
    let told = text(&works(at, &quick));
    let digits = |line: &str| {
        // Figures differ between processors.
        let figures = ["Network", "Proposed"].iter().any(|start| line.trim_start().starts_with(start));
        if figures {
            line.chars()
                .map(|letter| if letter.is_ascii_digit() { '#' } else { letter })
                .collect()
        } else {
            line.to_owned()
        }
    };
    insta::assert_snapshot!("expand_images", told.lines().map(digits).collect::<Vec<_>>().join("\n"));

    let list = read(&at.join("found/images.csv"), &ReadOptions::default(), &mut Notes::new()).unwrap();
    let columns = ["image", "is_label_issue", "kind", "given_label", "chance_wrong", "likeliest_label"];
    assert_eq!(list.names(), columns);
    let (given, likeliest) = (list.texts("given_label").unwrap(), list.texts("likeliest_label").unwrap());
    assert!((0..list.height()).all(|row| likeliest.get(row).is_some() && likeliest.get(row) != given.get(row)));
    let (names, kinds) = (list.texts("image").unwrap(), list.texts("kind").unwrap());
    let of = |kind: &str| -> BTreeSet<String> {
        let rows = (0..list.height()).filter(|row| kinds.get(*row) == Some(kind));
        rows.map(|row| names.get(row).unwrap().to_owned()).collect()
    };
    let (known, proposed) = (of("known"), of("proposed"));
    assert_eq!(known.len(), place.known);
    let right = proposed.intersection(&place.wrong).count();
    assert!(
        right >= 28 && proposed.len() <= 33 && known.is_disjoint(&proposed),
        "{right} of {}",
        proposed.len()
    );

    let page = fs::read_to_string(at.join("found/report.html")).unwrap();
    assert_eq!(page.matches("<img src=\"data:image/png;base64,").count(), list.height());
    assert!(page.contains("a patch of 2 x 2 pixels at the bottom right"));

    // The network that was left serves the next search: from the same flags the same is found.
    let again = [&expand("pasted.txt", "again")[..], &["--model", "found/network.safetensors"]].concat();
    json(at, &again);
    let bytes = |folder: &str| contents(&at.join(folder));
    assert_eq!(bytes("again"), bytes("found"));
    // From the whole list nothing further is found.
    let more = json(
        at,
        &[&expand("found/images.csv", "more")[..], &["--model", "found/network.safetensors"]].concat(),
    );
    assert_eq!(more["known"], list.height());
    assert!(more["proposed"].as_u64().unwrap() <= 3, "{more}");
}

#[test]
fn slips_at_random_and_a_handful_of_flags_propose_nothing_and_say_so() {
    let at = place().folder.path();
    let found = json(at, &[&expand("slips.csv", "slips")[..], &["--epochs", "1"]].concat());
    assert_eq!((&found["verdict"], &found["proposed"]), (&"at-random".into(), &0.into()));
    let page = fs::read_to_string(at.join("slips/report.html")).unwrap();
    assert!(page.contains("No further image is proposed") && page.contains("as mistakes at random would be"));
    let told = text(&works(at, &[&expand("few.csv", "few")[..], &["--epochs", "1"]].concat()));
    assert!(
        told.contains("Too few images are known") && told.contains("no further image"),
        "{told}"
    );
    assert!(!told.contains("Next, look through"), "{told}");
}

#[test]
fn what_cannot_be_used_is_refused_with_what_to_write_instead() {
    let place = place();
    let at = place.folder.path();
    let lists = [
        (
            "unknown.csv",
            format!("image\n{}\nclass 9/000.webp\n", place.wrong.first().unwrap()),
        ),
        ("nothing.csv", "image\n".to_owned()),
        ("columns.csv", "a,b\n1,2\n".to_owned()),
    ];
    for (name, content) in lists {
        fs::write(at.join(name), content).unwrap();
    }
    let all: Vec<String> = contents(&at.join("photos"))
        .keys()
        .take(200)
        .map(|path| path.display().to_string())
        .collect();
    fs::write(at.join("most.csv"), format!("image\n{}\n", all.join("\n"))).unwrap();
    // Two classes and two sizes.
    let (small, large) = (
        MadeUp::default().make().unwrap(),
        MadeUp {
            shape: recant::nn::images::ImageShape::new(3, 9, 9),
            ..MadeUp::default()
        },
    );
    let large = large.make().unwrap();
    for row in 0..20 {
        write(&at.join("mixed"), if row % 2 == 0 { &small.train } else { &large.train }, row);
        write(&at.join("others"), &small.train, row);
    }
    fs::write(at.join("one.csv"), format!("image\n{}\n", name(&small.train, 0))).unwrap();
    let base = "expand --dataset folder --data photos --out refused --flags";
    let fails = |line: &str, says: &str, hints: &str| {
        let output = recant(at, &line.split(' ').collect::<Vec<_>>());
        let told = text(&output);
        assert_eq!(output.status.code(), Some(2), "{line}: {told}");
        let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(says) && flat.contains(hints), "{line}: {told}");
        assert!(!at.join("refused").exists(), "{line}");
    };
    fails(
        &format!("{base} unknown.csv"),
        "no image is called `class 9/000.webp` (in unknown.csv, row 3",
        "did you mean `class",
    );
    fails(&format!("{base} nothing.csv"), "names no image", "below the column name `image`");
    fails(&format!("{base} columns.csv"), "no column of the list names images", "`image`");
    fails(
        &format!("{base} most.csv"),
        "more than half",
        "name those that are known to be wrong",
    );
    fails(&format!("{base} absent.csv"), "no such file", "hint:");
    fails(
        &format!("{base} wrong.csv --network fsat"),
        "no image network `fsat`",
        "did you mean `fast`?",
    );
    fails(&format!("{base} wrong.csv --network fast"), "", "--image-size 32");
    fails(
        &format!("{base} wrong.csv --model wrong.csv"),
        "no network that `recant expand` left",
        "leave `--model` out",
    );
    let mixed = "expand --dataset folder --data mixed --flags one.csv --out refused";
    fails(mixed, "pixels, and", "--image-size 32");
    fails(
        "expand --dataset folder --flags wrong.csv --out refused",
        "no folder of images",
        "--data DIR",
    );
    fails(
        "expand --dataset folders --flags wrong.csv --out refused",
        "no image set `folders`",
        "did you mean `folder`?",
    );
    fails(
        "expand --dataset cifar10 --flags wrong.csv --out refused",
        "none were named",
        "--data DIR",
    );
    fails(
        "expand --dataset folder --data photos --flags wrong.csv --out found.csv",
        "is the name of a file",
        "--out found`",
    );
    fails(
        "expand photos --flags wrong.csv --label status --out refused",
        "is a folder of images",
        "recant expand --dataset folder --data photos",
    );
    fails(
        "expand photos --dataset folder --flags wrong.csv --out refused",
        "cannot be used with",
        "",
    );
    // A network of other images.
    works(
        at,
        &"expand --dataset folder --data others --flags one.csv --epochs 1 --out of-others"
            .split(' ')
            .collect::<Vec<_>>(),
    );
    fails(
        &format!("{base} wrong.csv --model of-others/network.safetensors"),
        "the network was trained on images of other classes",
        "leave `--model` out",
    );
}
