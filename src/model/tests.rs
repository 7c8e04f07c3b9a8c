use std::fs;
use std::path::PathBuf;

use super::*;
use crate::features::{Prepared, prepare};
use crate::label_errors::flags::KeyHash;
use crate::label_errors::testing::{orders, profile};
use crate::nn::{Examples, MlpSpec, Recipe, store_importances, train};
use crate::notes::Notes;
use crate::progress::Silent;
use crate::seed::Seed;

fn part(part: &crate::features::Part, classes: usize) -> PartInfo {
    let mut class_counts = vec![0; classes];
    part.labels.iter().for_each(|label| class_counts[usize::from(*label)] += 1);
    PartInfo {
        rows: part.len(),
        period: part.period(),
        class_counts,
        accuracy: Some(0.8125),
    }
}

/// A small model, trained for one epoch.
fn model() -> ModelFolder {
    let table = orders(300);
    let prepared: Prepared = prepare(&table, &profile(), &mut Notes::new()).unwrap();
    let spec = MlpSpec::new(prepared.features.width(), vec![6, 4], 3).unwrap();
    let initial = Network::<f32>::initial(&spec, Seed(5)).unwrap();
    let mut network = initial.clone();
    let recipe = Recipe {
        epochs: 1,
        batch: 64,
        ..Recipe::default()
    };
    let examples = Examples::all(&prepared.train.inputs, spec.inputs, &prepared.train.labels);
    train(&mut network, &examples, &recipe, 1, &Silent::default()).unwrap();
    let importances = store_importances(&network, &examples, recipe.batch, 1).unwrap();
    ModelFolder {
        info: ModelInfo {
            format_version: FORMAT_VERSION,
            recant_version: "0.1.0".to_owned(),
            contents: Contents::Whole,
            classes: prepared.profile.label.classes().to_vec(),
            network: spec,
            recipe,
            seed: u64::MAX,
            data: DataInfo {
                file: "orders|<b>.csv".to_owned(),
                sha256: "ab".repeat(32),
                rows: table.height(),
            },
            split: prepared.bounds.clone(),
            train: part(&prepared.train, 3),
            validation: prepared.validation.as_ref().map(|rows| part(rows, 3)),
            test: part(&prepared.test, 3),
            left_out: prepared.left_out.clone(),
            repairs: vec![Repair {
                parent: Parent {
                    name: "model".to_owned(),
                    sha256: "cd".repeat(32),
                },
                method: "assd".to_owned(),
                flags_file: "flags.csv".to_owned(),
                flags_sha256: "ef".repeat(32),
                flagged: 12,
                corrected: 0,
                recommended: Some(false),
            }],
        },
        rows: RowIndex::from_prepared(&table, &prepared, KeyHash::default()).unwrap(),
        evaluation: Some(EvaluationRows {
            validation: prepared.validation.as_ref().unwrap().inputs.clone(),
            test: prepared.test.inputs.clone(),
        }),
        training: Some(serde_json::json!({"test": {"accuracy": 0.1 + 0.2}, "epochs": [1, 2]})),
        profile: prepared.profile,
        features: prepared.features,
        network,
        initial,
        importances: Some(importances),
    }
}

/// A saved model; the folder lives as long as the first value.
fn saved() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    model().save(&path).unwrap();
    (folder, path)
}

fn files_of(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn refused(path: &Path) -> Error {
    let error = ModelFolder::load(path).map(|_| ()).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    error
}

/// Puts a changed `model.json` in place, with its own hash put right again.
fn rewrite(path: &Path, change: impl FnOnce(String) -> String) {
    let file = path.join(sealed::MODEL);
    let text = change(fs::read_to_string(&file).unwrap());
    let at = text.rfind("\"model_json_sha256\": \"").unwrap() + "\"model_json_sha256\": \"".len();
    let emptied = [&text[..at], &text[at + 64..]].concat();
    let own = sealed::sha256(emptied.as_bytes());
    fs::write(&file, [&text[..at], &own, &text[at + 64..]].concat()).unwrap();
}

/// Replaces a file and makes `model.json` vouch for it.
fn replace(path: &Path, name: &str, bytes: &[u8]) {
    let former = fs::read(path.join(name)).unwrap();
    fs::write(path.join(name), bytes).unwrap();
    rewrite(path, |text| {
        let text = text.replace(&sealed::sha256(&former), &sealed::sha256(bytes));
        let (before, after) = (format!("\"bytes\": {},", former.len()), format!("\"bytes\": {},", bytes.len()));
        let at = text.find(&format!("\"{name}\": {{")).unwrap();
        [&text[..at], &text[at..].replacen(&before, &after, 1)].concat()
    });
}

#[test]
fn a_saved_model_loads_as_it_was() {
    let (_folder, path) = saved();
    let (loaded, origin) = ModelFolder::load(&path).unwrap();
    assert_eq!(loaded, model());
    assert_eq!(origin.name, "model");
    assert_eq!(origin.sha256, files::sha256_of(&path.join("model.json")).unwrap());
    assert_eq!(
        files_of(&path),
        [
            "MODEL_CARD.md",
            "evaluation.safetensors",
            "features.json",
            "importances.safetensors",
            "initial.safetensors",
            "model.json",
            "profile.toml",
            "rows.safetensors",
            "training.json",
            "weights.safetensors"
        ]
    );
}

#[test]
fn what_is_optional_may_be_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let lean = ModelFolder {
        importances: None,
        training: None,
        evaluation: None,
        ..model()
    };
    let path = folder.path().join("lean");
    lean.save(&path).unwrap();
    assert_eq!(ModelFolder::load(&path).unwrap().0, lean);
    assert_eq!(files_of(&path).len(), 7);
}

#[test]
fn equal_models_give_equal_bytes() {
    let ((_first, one), (_second, two)) = (saved(), saved());
    for name in files_of(&one) {
        assert!(fs::read(one.join(&name)).unwrap() == fs::read(two.join(&name)).unwrap(), "{name}");
    }
}

#[test]
fn a_model_is_never_written_over_another() {
    let (_folder, path) = saved();
    let before = fs::read(path.join("model.json")).unwrap();
    assert!(model().save(&path).unwrap_err().message().contains("never overwritten"));
    assert_eq!(fs::read(path.join("model.json")).unwrap(), before);
}

#[test]
fn a_model_whose_parts_do_not_fit_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let other = MlpSpec::new(3, vec![2], 3).unwrap();
    let mut nan = model();
    nan.network.parameters_mut()[3] = f32::NAN;
    let mut short = model();
    short.evaluation.as_mut().unwrap().test.pop();
    let mut classes = model();
    classes.info.classes[0] = "sooner".to_owned();
    let mut rows = model();
    rows.info.train.rows += 1;
    let shape = ModelFolder {
        initial: Network::zeros(&other).unwrap(),
        ..model()
    };
    for (what, wrong) in [
        ("nan", nan),
        ("short", short),
        ("classes", classes),
        ("rows", rows),
        ("shape", shape),
    ] {
        assert!(wrong.save(&path).is_err(), "{what}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{what}");
    }
}

#[test]
fn what_is_no_model_folder_is_said_with_a_hint() {
    let (folder, path) = saved();
    let error = refused(&folder.path().join("absent"));
    assert!(error.message().contains("no such file or folder"), "{error}");
    let error = refused(&path.join("weights.safetensors"));
    assert!(error.message().contains("is a file, not a model folder"), "{error}");
    assert!(error.hint_text().unwrap().contains(&path.display().to_string()));
    let error = refused(folder.path());
    assert!(error.message().contains("is not a model folder"), "{error}");
    assert!(error.hint_text().unwrap().contains(&path.display().to_string()));
    let empty = tempfile::tempdir().unwrap();
    assert!(refused(empty.path()).hint_text().unwrap().contains("recant train"));
}

#[test]
fn a_missing_truncated_lengthened_or_altered_file_is_named() {
    let (folder, path) = saved();
    for name in files_of(&path) {
        let bytes = fs::read(path.join(&name)).unwrap();
        let mut tried: Vec<(String, Option<Vec<u8>>)> = vec![("deleted".to_owned(), None), ("emptied".to_owned(), Some(Vec::new()))];
        for tenth in 1..10 {
            let at = bytes.len() * tenth / 10;
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (tenth % 8);
            tried.push((format!("bit flipped at {at}"), Some(flipped)));
            tried.push((format!("cut at {at}"), Some(bytes[..at].to_vec())));
        }
        tried.push(("last byte cut".to_owned(), Some(bytes[..bytes.len() - 1].to_vec())));
        tried.push(("lengthened".to_owned(), Some([bytes.clone(), vec![b' ']].concat())));
        for (what, content) in tried {
            match content {
                Some(content) => fs::write(path.join(&name), content).unwrap(),
                None => fs::remove_file(path.join(&name)).unwrap(),
            }
            // Whether trailing space changes JSON is a matter of taste; it does change the folder's hash.
            if name == "model.json" && what == "lengthened" {
                assert!(ModelFolder::load(&path).is_err(), "{name} {what}");
                continue;
            }
            let error = refused(&path);
            let text = format!("{error}");
            assert!(text.contains(&name), "{name} {what}: {text}");
            assert!(error.hint_text().is_some(), "{name} {what}: {text}");
        }
        fs::write(path.join(&name), &bytes).unwrap();
    }
    assert!(ModelFolder::load(&path).is_ok());
    drop(folder);
}

#[test]
fn flipped_bits_all_over_model_json_are_noticed() {
    let (_folder, path) = saved();
    let file = path.join("model.json");
    let bytes = fs::read(&file).unwrap();
    for at in (0..bytes.len()).step_by(11) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(&file, flipped).unwrap();
        refused(&path);
    }
}

#[test]
fn a_newer_format_is_refused_by_name_even_if_all_else_differs() {
    let (_folder, path) = saved();
    fs::write(
        path.join("model.json"),
        r#"{"format_version": 7, "recant_version": "9.1.0", "shape": {}}"#,
    )
    .unwrap();
    let error = refused(&path);
    assert!(error.message().contains("Recant 9.1.0 in format 7"), "{error}");
    assert_eq!(error.hint_text(), Some("install the newer Recant"));
    for text in [
        "{}",
        "[]",
        "null",
        "7",
        r#"{"format_version": 0}"#,
        r#"{"format_version": "1"}"#,
        r#"{"format_version": -1}"#,
        r#"{"format_version": 1}"#,
    ] {
        fs::write(path.join("model.json"), text).unwrap();
        assert!(refused(&path).message().contains("altered"), "{text}");
    }
}

#[test]
fn a_forged_folder_that_vouches_for_itself_is_still_checked() {
    let tensors = |path: &Path, name: &str| tensors::read(&fs::read(path.join(name)).unwrap()).unwrap();
    let write = |list: &[crate::nn::NamedTensor]| tensors::write(list).unwrap();
    type Forgery<'a> = (&'a str, &'a str, Box<dyn Fn(&Path) -> Vec<u8> + 'a>);
    let forgeries: Vec<Forgery> = vec![
        (
            "weights.safetensors",
            "is missing",
            Box::new(|path| write(&tensors(path, "weights.safetensors")[1..])),
        ),
        (
            "weights.safetensors",
            "not a finite number",
            Box::new(|path| {
                let mut list = tensors(path, "weights.safetensors");
                list[0].values[0] = f32::INFINITY;
                write(&list)
            }),
        ),
        ("weights.safetensors", "not a safetensors file", Box::new(|_| vec![b'x'; 5_000])),
        ("weights.safetensors", "too short", Box::new(|_| vec![0; 8])),
        ("rows.safetensors", "not a safetensors file", Box::new(|_| vec![0xff; 64])),
        (
            "rows.safetensors",
            "tensor `rows_of_train",
            Box::new(|path| fs::read(path.join("weights.safetensors")).unwrap()),
        ),
        (
            "importances.safetensors",
            "do not fit",
            Box::new(|_| {
                let mut other = model();
                let half = other.info.train.rows / 2;
                let prepared = prepare(&orders(300), &profile(), &mut Notes::new()).unwrap();
                let width = other.network.spec().inputs;
                let examples = Examples::all(&prepared.train.inputs[..half * width], width, &prepared.train.labels[..half]);
                other.importances = Some(store_importances(&other.network, &examples, 64, 1).unwrap());
                write(&other.importances.unwrap().to_tensors(other.network.spec()))
            }),
        ),
        ("features.json", "cannot be understood", Box::new(|_| b"{\"names\": 3}".to_vec())),
        (
            "features.json",
            "",
            Box::new(|_| b"{\"names\": [\"x\"], \"encoders\": []}".to_vec()),
        ),
        ("profile.toml", "", Box::new(|_| b"name = 3".to_vec())),
        ("profile.toml", "not a text file", Box::new(|_| vec![0xff, 0xfe, 0xfd])),
        ("training.json", "cannot be understood", Box::new(|_| b"{".to_vec())),
        (
            "evaluation.safetensors",
            "encoded values",
            Box::new(|path| {
                let mut list = tensors(path, "evaluation.safetensors");
                list.iter_mut().for_each(|tensor| {
                    tensor.shape[0] = 1;
                    tensor.values.truncate(tensor.shape[1]);
                });
                write(&list)
            }),
        ),
    ];
    for (name, message, forge) in forgeries {
        let (_folder, path) = saved();
        let bytes = forge(&path);
        replace(&path, name, &bytes);
        let error = refused(&path);
        assert!(error.to_string().contains(message), "{name}, {message}: {error}");
        assert!(error.place().is_some(), "{name}: {error}");
        assert!(
            !error.message().contains("altered after"),
            "the forgery must be convincing: {error}"
        );
    }
    let json: [(&str, &str); 6] = [
        ("\"inputs\": ", "\"inputs\": 9999999999"),
        ("\"classes\": 3", "\"classes\": 0"),
        ("\"weights.safetensors\": {", "\"../weights.safetensors\": {"),
        ("\"weights.safetensors\": {", "\".weights\": {"),
        ("\"profile.toml\": {", "\"profile.txt\": {"),
        ("\"early\"", "\"sooner\""),
    ];
    for (from, to) in json {
        let (_folder, path) = saved();
        rewrite(&path, |text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        refused(&path);
    }
}

#[test]
fn the_card_tells_the_main_facts_and_takes_no_markup_from_names() {
    let (_folder, path) = saved();
    let card = fs::read_to_string(path.join("MODEL_CARD.md")).unwrap();
    for fact in ["early, on time, late", "orders\\|&lt;b&gt;.csv", "81.25 %", "12 flagged rows"] {
        assert!(card.contains(fact), "{fact}:\n{card}");
    }
    assert!(card.contains("6,4 hidden"), "{card}");
    assert!(!card.contains("<b>"));
    let other = path.with_file_name("other");
    model().save_with_card(&other, "# Another card\n").unwrap();
    let other_card = fs::read_to_string(other.join("MODEL_CARD.md")).unwrap();
    assert!(
        other_card.starts_with("# Another card\n\n## What this folder holds\n"),
        "{other_card}"
    );
    assert_eq!(ModelFolder::load(&other).unwrap().0, model());
}

#[test]
fn flags_are_resolved_by_a_loaded_model_as_by_the_sheet() {
    let (_folder, path) = saved();
    let (loaded, _) = ModelFolder::load(&path).unwrap();
    let table = orders(300);
    let prepared = prepare(&table, &profile(), &mut Notes::new()).unwrap();
    assert_eq!(loaded.rows, RowIndex::from_prepared(&table, &prepared, KeyHash::default()).unwrap());
    assert_eq!(loaded.rows.part(Part::Train).len(), prepared.train.len());
    for (entry, (row, label)) in loaded
        .rows
        .part(Part::Train)
        .iter()
        .zip(prepared.train.table_rows.iter().zip(&prepared.train.labels))
    {
        assert_eq!((entry.table_row as usize, entry.label), (*row, Some(*label)));
    }
    assert!(loaded.rows.excluded_because().contains("Status"));
}

#[test]
fn hashes_with_a_key_of_the_folders_own_read_back_and_a_private_folder_has_none() {
    let place = tempfile::tempdir().unwrap();
    let table = orders(300);
    let prepared = prepare(&table, &profile(), &mut Notes::new()).unwrap();
    let hashing = KeyHash::drawn(Seed(3), "ab");
    let model = ModelFolder {
        rows: RowIndex::from_prepared(&table, &prepared, hashing).unwrap(),
        ..model()
    };
    let (whole, private) = (place.path().join("whole"), place.path().join("private"));
    model.save(&whole).unwrap();
    assert_eq!(ModelFolder::load(&whole).unwrap().0, model);
    let stripped = model.private().unwrap();
    stripped.save(&private).unwrap();
    let read = ModelFolder::load(&private).unwrap().0;
    assert_eq!(read, stripped);
    assert_eq!(
        (read.rows.key_column(), read.rows.group_column(), read.evaluation),
        (None, None, None)
    );
    assert_eq!(read.importances.unwrap().batches(), 1);
}

#[test]
fn an_altered_report_is_noticed_and_a_removed_one_is_not_missed() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("m");
    files::write_folder(&folder, |inside| {
        model().write_into(inside, None, |inside| {
            files::write_bytes(&inside.join("report/record.json"), b"{}")?;
            files::write_bytes(&inside.join("report/plots/a.svg"), b"<svg/>")
        })
    })
    .unwrap();
    ModelFolder::load(&folder).unwrap();
    let record = folder.join("report/record.json");
    assert_eq!(altered_reports(&folder).unwrap(), Vec::<String>::new());
    check_report(&record).unwrap();
    check_report(&folder.join("model.json")).unwrap();
    fs::write(&record, b"[]").unwrap();
    assert_eq!(altered_reports(&folder).unwrap(), ["report/record.json"]);
    let error = check_report(&record).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.message().contains("was altered"), "{error}");
    // The model itself is whole, and a file that belongs to no model has no seal.
    ModelFolder::load(&folder).unwrap();
    let alone = place.path().join("record.json");
    fs::write(&alone, b"[]").unwrap();
    check_report(&alone).unwrap();
    fs::remove_file(&record).unwrap();
    fs::write(folder.join("report/plots/a.svg"), b"<svg></svg>").unwrap();
    assert_eq!(altered_reports(&folder).unwrap(), ["report/plots/a.svg"]);
}
