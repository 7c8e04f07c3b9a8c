//! The model in `models/`: what its card says holds, it predicts and it can be repaired.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn recant(folder: &Path, arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_recant"))
        .current_dir(folder)
        .args(arguments)
        .arg("--json")
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The accuracy that the card prints for the model itself.
fn accuracy_on_the_card() -> f64 {
    let card = fs::read_to_string(root().join("models/delay-sample/MODEL_CARD.md")).unwrap();
    let line = card.lines().find(|line| line.starts_with("| Accuracy |")).unwrap();
    let figure = line
        .split('|')
        .nth(2)
        .unwrap()
        .trim_end_matches(|letter: char| !letter.is_ascii_digit());
    figure.trim().parse::<f64>().unwrap() / 100.0
}

#[test]
fn the_bundled_model_is_what_its_command_makes() {
    let readme = fs::read_to_string(root().join("models/README.md")).unwrap();
    let command = readme.lines().find_map(|line| line.strip_prefix("$ recant train ")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("data/sample")).unwrap();
    fs::copy(
        root().join("data/sample/orders.csv.gz"),
        folder.path().join("data/sample/orders.csv.gz"),
    )
    .unwrap();
    fs::create_dir(folder.path().join("models")).unwrap();
    // What the search found is taken from the model, so that the test takes one training and not eleven.
    let model = fs::read_to_string(root().join("models/delay-sample/model.json")).unwrap();
    let recipe = &serde_json::from_str::<Value>(&model).unwrap()["recipe"];
    let found = format!(
        "--learning-rate {} --weight-decay {}",
        recipe["learning_rate"], recipe["weight_decay"]
    );
    let command = command.replace("--trials 10", &found);
    assert!(command.contains(&found), "{command}");
    let words: Vec<&str> = ["train"].into_iter().chain(command.split_whitespace()).collect();
    let trained = recant(folder.path(), &words);
    // Matrix products are summed in another order by other processors, so the last places of the weights may differ: not the model.
    let accuracy = trained["test"]["accuracy"].as_f64().unwrap();
    assert!((accuracy - accuracy_on_the_card()).abs() < 0.005, "{accuracy}");
    let made = folder.path().join("models/delay-sample");
    for name in ["features.json", "profile.toml"] {
        let bundled = fs::read(root().join("models/delay-sample").join(name)).unwrap();
        assert!(bundled == fs::read(made.join(name)).unwrap(), "{name} differs from the bundled one");
    }
}

#[test]
fn the_bundled_model_predicts_next_week_and_takes_a_repair() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("predictions.csv");
    let model = root().join("models/delay-sample");
    let (model, out) = (model.to_str().unwrap(), out.to_str().unwrap());
    let predicted = recant(&root(), &["predict", "data/sample/next_week.csv", "--model", model, "--out", out]);
    assert_eq!(predicted["rows"], 250);
    assert_eq!(fs::read_to_string(out).unwrap().lines().count(), 251);

    let flags = folder.path().join("flags.csv");
    fs::write(&flags, "Order Item Id\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20\n").unwrap();
    let repaired = folder.path().join("repaired");
    let record = recant(
        &root(),
        &[
            "repair",
            "--model",
            model,
            "--flags",
            flags.to_str().unwrap(),
            "--data",
            "data/sample/orders.csv.gz",
            "--out",
            repaired.to_str().unwrap(),
        ],
    );
    assert!(record["test"]["accuracy"].as_f64().unwrap() > 0.5, "{record}");
    assert!(repaired.join("weights.safetensors").is_file());
}
