//! A model folder as an ONNX file: the file is read back and predicts what the model predicts.

use std::fs;
use std::path::Path;

use super::program::{json, recant, text, trial, works};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn an_exported_model_predicts_what_its_folder_predicts() {
    let here = tempfile::tempdir().unwrap();
    let (model, sheet) = (root().join("models/delay-sample"), root().join("data/sample/orders.csv.gz"));
    let (model, sheet) = (model.to_str().unwrap(), sheet.to_str().unwrap());
    let told = json(here.path(), &["export", model, "--out", "model.onnx", "--data", sheet]);
    assert!(told["compared_rows"].as_u64().unwrap() > 1000, "{told}");
    assert!(told["largest_difference"].as_f64().unwrap() <= 1e-5, "{told}");
    let kinds: Vec<&str> = told["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|input| input["kind"].as_str().unwrap())
        .collect();
    for kind in ["text", "number", "days"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    // The same bytes without a sheet, from a shared folder, and for every number of threads; the formula for dates is in the file.
    works(here.path(), &["share", model, "--out", "shared"]);
    works(here.path(), &["export", "shared", "--out", "again.onnx", "--threads", "1"]);
    let bytes = fs::read(here.path().join("model.onnx")).unwrap();
    assert_eq!(bytes, fs::read(here.path().join("again.onnx")).unwrap());
    assert!(String::from_utf8_lossy(&bytes).contains("days since 1970-01-01 00:00, in local time as written"));
}

#[test]
fn next_weeks_orders_without_labels_and_with_new_values_are_compared_too() {
    let here = tempfile::tempdir().unwrap();
    let (model, week) = (trial().join("model"), trial().join("week.csv"));
    let (model, week) = (model.to_str().unwrap(), week.to_str().unwrap());
    let letters: String = fs::read(week).unwrap().into_iter().map(char::from).collect();
    let changed = letters.replace("Standard Class", "Rocket").replace("LATAM", "");
    fs::write(here.path().join("week.csv"), changed).unwrap();
    let told = json(here.path(), &["export", model, "--out", "model.onnx", "--data", "week.csv"]);
    assert!(told["largest_difference"].as_f64().unwrap() <= 1e-5, "{told}");
    let output = works(
        here.path(),
        &["export", model, "--out", "model.onnx", "--force", "--data", "week.csv"],
    );
    assert!(text(&output).contains("no probability differs by more than"), "{}", text(&output));
}

/// The exported file takes sheets as the folder does: what `predict` writes is the same but for warnings.
#[test]
fn an_exported_file_predicts_a_raw_sheet() {
    let here = tempfile::tempdir().unwrap();
    let (model, week) = (trial().join("model"), trial().join("week.csv"));
    works(here.path(), &["export", model.to_str().unwrap(), "--out", "model.onnx"]);
    let predicted = |model: &str, out: &str| {
        let told = json(here.path(), &["predict", week.to_str().unwrap(), "--model", model, "--out", out]);
        told["predicted"].clone()
    };
    assert_eq!(predicted("model.onnx", "a.csv"), predicted(model.to_str().unwrap(), "b.csv"));
}

#[test]
fn nothing_is_overwritten_and_what_is_no_model_is_refused() {
    let here = tempfile::tempdir().unwrap();
    let model = trial().join("model");
    let model = model.to_str().unwrap();
    fs::write(here.path().join("there.onnx"), "mine").unwrap();
    for (arguments, said) in [
        (["export", model, "--out", "there.onnx"], "already exists"),
        (["export", model, "--out", "model.txt"], "does not end in .onnx"),
        (["export", "there.onnx", "--out", "new.onnx"], "is an ONNX file already"),
        (["export", "nowhere", "--out", "new.onnx"], "nowhere"),
    ] {
        let output = recant(here.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output).contains(said), "{}", text(&output));
    }
    assert_eq!(fs::read(here.path().join("there.onnx")).unwrap(), b"mine");
    assert!(!here.path().join("new.onnx").exists());
}
