//! A model that was trained elsewhere, from its file to the repaired file.

use std::fs;
use std::path::Path;

use super::program::{contents, json, recant, text, works};

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx").join(name)
}

/// A model of scikit-learn with its twelve rows as a sheet, two of them flagged by their keys.
fn job() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("scikit.onnx"), folder.path().join("model.onnx")).unwrap();
    let all: serde_json::Value = serde_json::from_slice(&fs::read(fixture("expected.json")).unwrap()).unwrap();
    let (inputs, labels) = (&all["scikit"]["inputs"][0], &all["scikit"]["labels"]);
    let names = ["early", "late", "on time"];
    let mut sheet = "order,a,b,c,d,status\n".to_owned();
    for row in 0..12 {
        let cells: Vec<String> = (0..4).map(|column| inputs[row * 4 + column].to_string()).collect();
        sheet += &format!("O-{row},{},{}\n", cells.join(","), names[labels[row].as_u64().unwrap() as usize]);
    }
    fs::write(folder.path().join("train.csv"), &sheet).unwrap();
    fs::write(folder.path().join("test.csv"), sheet.replace("O-", "T-")).unwrap();
    fs::write(folder.path().join("wrong.csv"), "order\nO-2\nO-7\n").unwrap();
    folder
}

const REPAIR: &[&str] = &[
    "repair",
    "--model",
    "model.onnx",
    "--data",
    "train.csv",
    "--label",
    "status",
    "--key",
    "order",
    "--flags",
    "wrong.csv",
    "--test",
    "test.csv",
];

#[test]
fn a_model_of_somebody_elses_comes_out_repaired_with_its_report() {
    let at = job();
    let record = json(at.path(), &[REPAIR, &["--out", "repaired.onnx"]].concat());
    assert_eq!(record["chosen"], "assd");
    assert_eq!(record["model"]["classes"], serde_json::json!(["early", "late", "on time"]));
    assert_eq!(record["flags"]["used"], 2);
    assert!(record["methods"][0]["dampening"]["dampened"].as_u64().unwrap() > 0);
    assert!(record["methods"][0]["test"]["rows"] == 12, "{record}");
    let (before, after) = (
        fs::read(at.path().join("model.onnx")).unwrap(),
        fs::read(at.path().join("repaired.onnx")).unwrap(),
    );
    assert_eq!(before, fs::read(fixture("scikit.onnx")).unwrap(), "the old file is as it was");
    assert_eq!(before.len(), after.len());
    let changed = before.iter().zip(&after).filter(|(one, other)| one != other).count();
    let dampened = record["methods"][0]["dampening"]["dampened"].as_u64().unwrap() as usize;
    assert!((1..=4 * dampened).contains(&changed), "{changed} bytes of {dampened} values");
    let report = at.path().join("repaired-report");
    for name in ["report.html", "record.json", "MODEL-CARD.md"] {
        assert!(report.join(name).is_file(), "{name}");
    }
    // Equal seeds give equal bytes, and nothing is overwritten.
    let first = contents(at.path());
    works(at.path(), &[REPAIR, &["--out", "again.onnx", "--threads", "1"]].concat());
    assert_eq!(after, fs::read(at.path().join("again.onnx")).unwrap());
    let refused = recant(at.path(), &[REPAIR, &["--out", "repaired.onnx"]].concat());
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    assert_eq!(first["repaired.onnx".as_ref() as &Path], after);
}

#[test]
fn every_method_that_starts_from_the_model_runs_and_retraining_is_refused_with_its_reason() {
    let at = job();
    let record = json(at.path(), &[REPAIR, &["--method", "all", "--out", "all.onnx"]].concat());
    let names: Vec<&str> = record["methods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|method| method["name"].as_str().unwrap())
        .collect();
    assert!(
        names.len() > 7 && names.contains(&"scrub") && !names.contains(&"retrain"),
        "{names:?}"
    );
    let refused = recant(at.path(), &[REPAIR, &["--method", "retrain", "--out", "no.onnx"]].concat());
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused).contains("does not hold the weights"), "{}", text(&refused));
    assert!(!at.path().join("no.onnx").exists());
}

#[test]
fn what_does_not_fit_an_imported_model_is_said() {
    let at = job();
    let said = |arguments: &[&str]| {
        let output = recant(at.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(!at.path().join("no.onnx").exists());
        text(&output)
    };
    let with = |change: &[&str]| said(&[REPAIR, change, &["--out", "no.onnx"]].concat());
    assert!(
        with(&["--inputs", "a,b"]).contains("takes 4 values a row"),
        "{}",
        with(&["--inputs", "a,b"])
    );
    assert!(
        with(&["--classes", "early,late"]).contains("`on time`"),
        "{}",
        with(&["--classes", "early,late"])
    );
    assert!(with(&["--expand"]).contains("--expand"));
    assert!(said(&["repair", "--model", "model.onnx", "--flags", "wrong.csv", "--out", "no.onnx"]).contains("--data"));
    fs::write(at.path().join("broken.onnx"), &fs::read(fixture("scikit.onnx")).unwrap()[..600]).unwrap();
    let broken: Vec<&str> = REPAIR
        .iter()
        .map(|argument| if *argument == "model.onnx" { "broken.onnx" } else { *argument })
        .collect();
    assert!(said(&[&broken, &["--out", "no.onnx"][..]].concat()).contains("broken.onnx"));
}
