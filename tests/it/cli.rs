//! The program as a person runs it: commands of the README, messages, exit codes, same seed same bytes, nothing half-written.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::program::{contents, json, recant, text, trial, works};

#[test]
fn the_commands_of_the_readme_work_as_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("data/sample")).unwrap();
    for name in ["orders.csv.gz", "next_week.csv"] {
        fs::copy(root.join("data/sample").join(name), folder.path().join("data/sample").join(name)).unwrap();
    }
    let mut ran = 0;
    for block in readme.split("```console").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            let Some(command) = line.strip_prefix("$ recant ") else { continue };
            if command == "check --read check.xlsx" {
                // What the person does in between.
                let read = |name: &str| recant::tables::read(&folder.path().join(name), &Default::default(), &mut Default::default());
                let (drawn, clean) = (read("check.xlsx").unwrap(), read("data/sample/orders.csv.gz").unwrap());
                let form = super::check::filled(&drawn, &clean);
                form.write(&folder.path().join("check.xlsx"), &mut Default::default()).unwrap();
            }
            works(folder.path(), &command.split_whitespace().collect::<Vec<_>>());
            ran += 1;
        }
    }
    assert!(ran >= 6, "the README shows the whole job, {ran} commands found");
    assert!(folder.path().join("model-repaired/report/report.html").is_file());
    assert!(folder.path().join("predictions.xlsx").is_file());
}

#[test]
fn a_full_row_flag_file_repairs_without_the_training_sheet() {
    let at = trial();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("repaired");
    let record = json(
        at,
        &[
            "repair",
            "--model",
            "model",
            "--flags",
            "trial/flags.csv",
            "--test",
            "orders.csv",
            "--method",
            "assd",
            "--out",
            out.to_str().unwrap(),
        ],
    );
    assert_eq!(record["chosen"], "assd");
    assert!(record["test"]["accuracy"].as_f64().unwrap() <= 1.0);
    assert!(record["methods"][0]["dampening"]["dampened"].as_u64().unwrap() > 0);
    let old = fs::read(at.join("model/weights.safetensors")).unwrap();
    assert_ne!(old, fs::read(out.join("weights.safetensors")).unwrap());
    let rebuilt = folder.path().join("again");
    works(at, &["report", out.to_str().unwrap(), "--out", rebuilt.to_str().unwrap()]);
    assert_eq!(
        fs::read(rebuilt.join("report.html")).unwrap(),
        fs::read(out.join("report/report.html")).unwrap()
    );
    // A second repair has neither fresh sums nor the sheet to measure them on, and says what to add.
    let again = recant(
        at,
        &[
            "repair",
            "--model",
            out.to_str().unwrap(),
            "--flags",
            "trial/flags.csv",
            "--method",
            "assd",
            "--out",
            folder.path().join("third").to_str().unwrap(),
        ],
    );
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again).contains("--data SHEET"), "{}", text(&again));
}

#[test]
fn without_test_rows_a_repair_says_that_it_was_not_evaluated() {
    let at = trial();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("repaired");
    let record = json(
        at,
        &[
            "repair",
            "--model",
            "model",
            "--flags",
            "trial/flags.csv",
            "--out",
            out.to_str().unwrap(),
        ],
    );
    assert_eq!(record["test"], Value::Null);
    assert!(
        record["notes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|note| note["code"] == "not-evaluated")
    );
    assert!(fs::read_to_string(out.join("report/report.html")).unwrap().contains("ot evaluated"));
}

#[test]
fn keys_alone_need_the_sheet_and_the_message_says_so() {
    let at = trial();
    let folder = tempfile::tempdir().unwrap();
    let flags = fs::read_to_string(at.join("trial/truth/true-labels.csv")).unwrap();
    let keys: Vec<&str> = flags.lines().map(|line| line.split(',').next().unwrap()).collect();
    fs::write(folder.path().join("keys.csv"), keys.join("\n")).unwrap();
    let keys = folder.path().join("keys.csv");
    let out = folder.path().join("out");
    let refused = recant(
        at,
        &[
            "repair",
            "--model",
            "model",
            "--flags",
            keys.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ],
    );
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    assert!(text(&refused).contains("--data SHEET"), "{}", text(&refused));
    assert!(!out.exists());
    let record = json(
        at,
        &[
            "repair",
            "--model",
            "model",
            "--flags",
            keys.to_str().unwrap(),
            "--data",
            "trial/corrupted.csv",
            "--method",
            "all",
            "--out",
            out.to_str().unwrap(),
        ],
    );
    let names: Vec<&str> = record["methods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|method| method["name"].as_str().unwrap())
        .collect();
    let all: Vec<&str> = recant::repair::METHODS.iter().map(|method| method.name()).collect();
    assert_eq!(names, all);
    assert!(record["methods"][0]["validation"].is_object());
}

#[test]
fn auto_takes_a_method_or_keeps_the_old_model_and_shows_the_affected_rows_apart() {
    let at = trial();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let record = json(
        at,
        &[
            "repair",
            "--model",
            "model",
            "--flags",
            "trial/flags.csv",
            "--data",
            "trial/corrupted.csv",
            "--affected",
            "trial/truth/affected-rows.csv",
            "--method",
            "auto",
            "--out",
            out.to_str().unwrap(),
        ],
    );
    let chosen = record["chosen"].as_str().unwrap();
    let recommended = record["recommendation"]["method"].as_str();
    assert_eq!(chosen, recommended.unwrap_or("none"));
    let reason = record["recommendation"]["reason"].as_str().unwrap();
    assert!(reason.contains("that can be trusted"), "{reason}");
    assert!(["use", "keep", "check-first"].contains(&record["recommendation"]["advice"].as_str().unwrap()));
    let methods = record["methods"].as_array().unwrap();
    assert_eq!(methods.len(), recant::repair::METHODS.len() + 1);
    assert_eq!(methods.last().unwrap()["name"], "none");
    assert!(record["affected"]["rows"].as_u64().unwrap() > 0);
    assert!(out.join("report").join("report.html").exists());
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_one_and_two_threads() {
    let at = trial();
    let folder = tempfile::tempdir().unwrap();
    let run = |threads: &str| {
        let home = folder.path().join(threads);
        fs::create_dir(&home).unwrap();
        let sheet = at.join("trial/corrupted.csv");
        works(
            &home,
            &[
                "train",
                sheet.to_str().unwrap(),
                "--epochs",
                "3",
                "--threads",
                threads,
                "--out",
                "model",
                "--seed",
                "7",
            ],
        );
        let flags = at.join("trial/flags.csv");
        works(
            &home,
            &[
                "repair",
                "--model",
                "model",
                "--flags",
                flags.to_str().unwrap(),
                "--data",
                sheet.to_str().unwrap(),
                "--method",
                "all",
                "--threads",
                threads,
                "--out",
                "repaired",
            ],
        );
        let mut files = contents(&home);
        // These tell seconds, or hash a file that does.
        let timed = [
            "report/report.html",
            "report/report.xlsx",
            "report/timings.json",
            "report.seal.json",
        ];
        files.retain(|path, _| !timed.iter().any(|name| path.ends_with(name)));
        files
    };
    let (one, two) = (run("1"), run("2"));
    for name in [
        "model/model.json",
        "model/training.json",
        "repaired/weights.safetensors",
        "repaired/report/record.json",
    ] {
        assert!(one.contains_key(Path::new(name)), "{name}");
    }
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    for (path, bytes) in &one {
        assert!(two[path] == *bytes, "{} differs", path.display());
    }
}

#[test]
fn prediction_needs_no_label_columns_and_keeps_every_row() {
    let at = trial();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("predictions.csv");
    let value = json(at, &["predict", "week.csv", "--model", "model", "--out", out.to_str().unwrap()]);
    assert_eq!(value["rows"], 40);
    let written = fs::read_to_string(&out).unwrap();
    assert_eq!(written.lines().count(), 41);
    let header = written.lines().next().unwrap();
    for column in [
        "predicted",
        "probability of early",
        "probability of on time",
        "probability of late",
        "warning",
    ] {
        assert!(header.contains(column), "{header}");
    }
    let refused = recant(at, &["predict", "week.csv", "--model", "model", "--out", "week.csv"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn with_json_an_error_is_one_object_as_well() {
    let output = recant(trial(), &["train", "nowhere.csv", "--out", "x", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["error"]["exit_code"], 2);
    assert!(value["error"]["hint"].is_string());
}

#[test]
fn help_has_examples_and_completions_are_scripts() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["demo", "inspect", "train", "inject", "repair", "predict", "report", "generate"] {
        let help = text(&works(folder.path(), &[command, "--help"]));
        assert!(help.contains("Examples:") && help.contains(&format!("recant {command}")), "{help}");
    }
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(text(&works(folder.path(), &["completions", shell])).contains("recant"));
    }
}

/// Killed at any moment, a command leaves a whole model or none.
#[cfg(unix)]
#[test]
fn a_killed_training_leaves_no_half_written_model() {
    let at = trial();
    let folder = tempfile::tempdir().unwrap();
    for round in 0..8_u64 {
        let out = folder.path().join(format!("model-{round}"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_recant"))
            .current_dir(at)
            .args([
                "train",
                "trial/corrupted.csv",
                "--epochs",
                "2",
                "--quiet",
                "--out",
                out.to_str().unwrap(),
            ])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(40 + 170 * round));
        // SIGINT to some, SIGKILL to others.
        if round % 2 == 0 {
            let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        } else {
            let _ = child.kill();
        }
        let status = child.wait().unwrap();
        if out.exists() {
            works(
                at,
                &[
                    "predict",
                    "week.csv",
                    "--model",
                    out.to_str().unwrap(),
                    "--quiet",
                    "--force",
                    "--out",
                    folder.path().join("p.csv").to_str().unwrap(),
                ],
            );
        } else {
            assert!(!status.success());
        }
    }
}
