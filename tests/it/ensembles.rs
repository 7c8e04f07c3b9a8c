//! Networks of several members, and networks that are chosen by later rows.

use std::path::Path;

use serde_json::Value;

use crate::program::{contents, json, recant, text, works};

/// Orders in the order of their days; `score` says how likely they are late from two numbers and a mode: by the logistic curve.
fn sheet(folder: &Path, score: impl Fn(f64, f64, &str) -> f64) {
    let mut state = 11_u64;
    let mut unit = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1_u64 << 31) as f64
    };
    let mut lines = String::from("order,day,weight,distance,mode,label\n");
    for row in 0..900 {
        let (weight, distance) = (2.0 * unit() - 1.0, 2.0 * unit() - 1.0);
        let mode = if unit() < 0.5 { "air" } else { "sea" };
        let chance = 1.0 / (1.0 + (-score(weight, distance, mode)).exp());
        let label = if unit() < chance { "late" } else { "on time" };
        let (month, date) = (1 + row / 28 % 12, 1 + row % 28);
        let year = 2021 + row / 336;
        lines += &format!(
            "{},{year}-{month:02}-{date:02},{weight:.4},{distance:.4},{mode},{label}\n",
            5000 + row
        );
    }
    std::fs::write(folder.join("orders.csv"), lines).unwrap();
}

/// What no line tells.
fn together(weight: f64, distance: f64, mode: &str) -> f64 {
    4.0 * if mode == "air" { weight } else { distance - weight }
}

const TRAIN: [&str; 10] = [
    "train",
    "orders.csv",
    "--profile",
    "generic",
    "--label",
    "label",
    "--time",
    "day",
    "--key",
    "order",
];

fn model_json(folder: &Path, model: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(model).join("model.json")).unwrap()).unwrap()
}

#[test]
fn a_network_without_hidden_layers_is_taken_where_a_line_is_all_there_is_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    sheet(at, |weight, distance, _| 2.5 * (weight - distance));
    let said = text(&works(at, &[&TRAIN[..], &["--out", "model", "--threads", "1"]].concat()));
    assert!(
        said.contains("a network without hidden layers predicts later rows better than one of 4 members of 2x50"),
        "{said}"
    );
    assert!(said.contains("`--network \"4 of 2x50\"` trains the other"), "{said}");
    // It is a logistic regression itself, so that another one is no simpler model to be beaten.
    assert!(said.contains("This model is useful"), "{said}");
    let network = &model_json(at, "model")["network"];
    assert_eq!(network["hidden"], Value::Array(Vec::new()), "{network}");
    works(at, &[&TRAIN[..], &["--out", "again", "--threads", "2"]].concat());
    assert_eq!(
        contents(&at.join("model"))[Path::new("weights.safetensors")],
        contents(&at.join("again"))[Path::new("weights.safetensors")]
    );
    // Whoever names one gets it.
    let named = json(at, &[&TRAIN[..], &["--out", "named", "--network", "4 of 2x50"]].concat());
    assert!(!named.to_string().contains("network-chosen"), "{named}");
    assert_eq!(model_json(at, "named")["network"]["members"], 4);
}

#[test]
fn hidden_layers_are_kept_where_numbers_work_together() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    sheet(at, together);
    let found = json(at, &[&TRAIN[..], &["--out", "model", "--network", "2 of 2x30 or none"]].concat());
    assert!(!found.to_string().contains("network-chosen"), "{found}");
    let network = &model_json(at, "model")["network"];
    assert_eq!(
        (&network["members"], &network["hidden"]),
        (&Value::from(2), &Value::from(vec![60, 60]))
    );
}

#[test]
fn an_ensemble_is_repaired_by_every_method_exported_and_shared() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    sheet(at, together);
    let train = [&TRAIN[..], &["--network", "3 of 12,10", "--epochs", "15"]].concat();
    works(at, &[&train[..], &["--out", "model", "--threads", "1"]].concat());
    works(at, &[&train[..], &["--out", "again", "--threads", "2"]].concat());
    for file in ["weights.safetensors", "initial.safetensors", "importances.safetensors"] {
        let bytes = |model: &str| std::fs::read(at.join(model).join(file)).unwrap();
        assert_eq!(bytes("model"), bytes("again"), "{file}");
    }
    let flags: String = (5020..5050).map(|order| format!("{order}\n")).collect();
    std::fs::write(at.join("flags.csv"), format!("order\n{flags}")).unwrap();
    let repair = [
        "repair",
        "--model",
        "model",
        "--data",
        "orders.csv",
        "--flags",
        "flags.csv",
        "--method",
        "all",
        "--out",
        "repaired",
    ];
    let found = json(at, &repair);
    let methods = found["methods"].as_array().unwrap();
    let names: Vec<&str> = methods.iter().map(|method| method["name"].as_str().unwrap()).collect();
    for name in ["assd", "ssd", "finetune", "scrub", "neggrad-plus", "cf", "retrain"] {
        assert!(names.contains(&name), "{names:?}");
    }
    for method in methods {
        let after = method["test"]["after"]["accuracy"]["estimate"].as_f64().unwrap();
        assert!(after > 0.5, "{method}");
    }
    assert_eq!(model_json(at, "repaired")["network"]["members"], 3);
    // Exported as dense layers, it says the same.
    works(at, &["share", "repaired", "--out", "shared"]);
    let told = json(at, &["export", "shared", "--out", "model.onnx", "--data", "orders.csv"]);
    assert!(told["largest_difference"].as_f64().unwrap() <= 1e-5, "{told}");
}

#[test]
fn what_is_no_size_of_an_ensemble_is_refused_with_one_that_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    sheet(at, |weight, distance, _| 2.5 * (weight - distance));
    for wrong in ["0 of 2x50", "4 of none", "a of 2x50", "65 of 2x5", "2x50 or"] {
        let output = recant(at, &[&TRAIN[..], &["--out", "model", "--network", wrong]].concat());
        let said = text(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("4 of 2x50") || said.contains("3x100"), "{said}");
        assert!(!at.join("model").exists());
    }
}
