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
    let assd = &[REPAIR, &["--method", "assd"]].concat();
    let record = json(at.path(), &[assd, &["--out", "repaired.onnx"][..]].concat());
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
    works(at.path(), &[assd, &["--out", "again.onnx", "--threads", "1"][..]].concat());
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
    assert!(with(&["--activation", "tanh"]).contains("an ONNX file holds its own"));
    assert!(said(&["repair", "--model", "model.onnx", "--flags", "wrong.csv", "--out", "no.onnx"]).contains("--data"));
    fs::write(at.path().join("broken.onnx"), &fs::read(fixture("scikit.onnx")).unwrap()[..600]).unwrap();
    let broken: Vec<&str> = REPAIR
        .iter()
        .map(|argument| if *argument == "model.onnx" { "broken.onnx" } else { *argument })
        .collect();
    assert!(said(&[&broken, &["--out", "no.onnx"][..]].concat()).contains("broken.onnx"));
}

/// A file of another program is no model folder, and what to do depends on the program.
#[test]
fn files_of_other_kinds_are_told_what_to_do_about_them() {
    let at = job();
    for (name, hint) in [
        ("model.joblib", "skl2onnx.to_onnx"),
        ("model.keras", "format=\"onnx\""),
        ("model.bin", "recant train --out"),
    ] {
        fs::write(at.path().join(name), b"model").unwrap();
        let words: Vec<&str> = REPAIR
            .iter()
            .map(|argument| if *argument == "model.onnx" { name } else { *argument })
            .collect();
        let new = format!("new-{name}");
        for arguments in [
            [&words, &["--out", &new][..]].concat(),
            vec!["predict", "train.csv", "--model", name, "--label", "status", "--out", "p.csv"],
        ] {
            let output = recant(at.path(), &arguments);
            assert_eq!(output.status.code(), Some(2), "{}", text(&output));
            let said = text(&output);
            assert!(
                said.contains("neither a model folder nor a file of a model") && said.contains(hint),
                "{said}"
            );
        }
    }
}

/// Twelve rows are too few to choose a method by: the old model is written, byte for byte, and said so.
#[test]
fn without_enough_rows_to_choose_by_the_old_model_stays() {
    let at = job();
    let record = json(at.path(), &[REPAIR, &["--out", "kept.onnx"]].concat());
    assert_eq!(record["chosen"], "none");
    assert!(
        record["recommendation"]["reason"].as_str().unwrap().contains("to choose by"),
        "{record}"
    );
    assert_eq!(
        fs::read(at.path().join("kept.onnx")).unwrap(),
        fs::read(fixture("scikit.onnx")).unwrap()
    );
    let card = fs::read_to_string(at.path().join("kept-report/MODEL-CARD.md")).unwrap();
    assert!(card.contains("no repair was accepted"), "{card}");
    let by_sheet = json(at.path(), &[REPAIR, &["--validation", "test.csv", "--out", "again.onnx"]].concat());
    assert_eq!(by_sheet["chosen"], "none");
    let notes = by_sheet["notes"].to_string();
    assert!(
        !notes.contains("validation-rows-drawn") && record["notes"].to_string().contains("validation-rows-drawn"),
        "{notes}"
    );
}

#[test]
fn an_imported_model_predicts_and_is_checked_against_its_repair() {
    let at = job();
    works(at.path(), &[REPAIR, &["--method", "assd", "--out", "repaired.onnx"]].concat());
    let predict = [
        "predict",
        "train.csv",
        "--model",
        "model.onnx",
        "--inputs",
        "a,b,c,d",
        "--out",
        "p.csv",
    ];
    let said = json(at.path(), &predict);
    assert_eq!(said["rows"], 12);
    assert_eq!(said["predicted"].as_object().unwrap().len(), 3);
    let header = fs::read_to_string(at.path().join("p.csv"))
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .to_owned();
    assert!(
        header.contains("predicted") && header.contains("probability of on time"),
        "{header}"
    );
    let all: serde_json::Value = serde_json::from_slice(&fs::read(fixture("expected.json")).unwrap()).unwrap();
    let wanted = all["scikit"]["outputs"][0].as_f64().unwrap();
    let first = fs::read_to_string(at.path().join("p.csv"))
        .unwrap()
        .lines()
        .nth(1)
        .unwrap()
        .to_owned();
    assert!(
        first.contains(&format!("{:.4}", wanted).trim_end_matches('0').to_owned()),
        "{first}: {wanted}"
    );
    // An input that is missing is named with its row; without `--inputs` the columns do not fit.
    let sheet = fs::read_to_string(at.path().join("train.csv")).unwrap();
    fs::write(at.path().join("all.csv"), sheet).unwrap();
    let refused = recant(at.path(), &["predict", "all.csv", "--model", "model.onnx", "--out", "no.csv"]);
    assert!(text(&refused).contains("--inputs"), "{}", text(&refused));
    let check = [
        "check",
        "--model",
        "model.onnx",
        "--repaired",
        "model.onnx",
        "--data",
        "train.csv",
        "--inputs",
        "a,b,c,d",
        "--out",
        "c.csv",
    ];
    let same = recant(at.path(), &check);
    assert!(text(&same).contains("say the same on all 12 rows"), "{}", text(&same));
    let other = fixture("mlp.onnx");
    let strangers = check.map(|word| if word == "model.onnx" { other.to_str().unwrap() } else { word });
    let mut strangers = strangers.to_vec();
    strangers[2] = "model.onnx";
    let output = recant(at.path(), &strangers);
    assert!(text(&output).contains("do not belong together"), "{}", text(&output));
}

#[cfg(unix)]
mod retraining {
    use super::*;

    fn with(command: &str, out: &str) -> Vec<String> {
        let words = [REPAIR, &["--method", "retrain", "--retrain", command, "--out", out]].concat();
        words.into_iter().map(str::to_owned).collect()
    }

    fn run(at: &Path, command: &str) -> std::process::Output {
        let words = with(command, "retrained.onnx");
        recant(at, &words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn the_owners_command_gets_the_flags_and_its_model_is_judged_and_written() {
        let at = job();
        let words = with(
            "cp \"$RECANT_FLAGS\" seen.csv && test -s \"$RECANT_DATA\" && echo talk && cp \"$RECANT_MODEL\" \"$RECANT_OUT\"",
            "retrained.onnx",
        );
        let record = json(at.path(), &words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(record["chosen"], "retrain");
        assert_eq!(record["methods"][0]["test"]["rows"], 12);
        let seen = fs::read_to_string(at.path().join("seen.csv")).unwrap();
        let lines: Vec<&str> = seen.lines().collect();
        assert_eq!(lines[0], "sheet_row,key,label,correct_label");
        assert!(
            lines[1].starts_with("4,\"O-2\",\"") && lines[2].starts_with("9,\"O-7\",\"") && lines.len() == 3,
            "{seen}"
        );
        assert_eq!(
            fs::read(at.path().join("retrained.onnx")).unwrap(),
            fs::read(fixture("scikit.onnx")).unwrap()
        );
        let card = fs::read_to_string(at.path().join("retrained-report/MODEL-CARD.md")).unwrap();
        assert!(card.contains("trained without the flagged rows"), "{card}");
        // No folder of the person's machine stands in the record, and every word of the command does.
        let words = with(
            "cp /no/such/place/model.onnx \"$RECANT_OUT\" || cp \"$RECANT_MODEL\" \"$RECANT_OUT\"",
            "again.onnx",
        );
        let record = json(at.path(), &words.iter().map(String::as_str).collect::<Vec<_>>());
        let line = record["command"].as_str().unwrap();
        assert!(line.contains("--retrain 'cp model.onnx") && !line.contains("such"), "{line}");
    }

    #[test]
    fn a_command_that_fails_is_told_with_what_it_said() {
        let at = job();
        let other = format!("cp '{}' \"$RECANT_OUT\"", fixture("mlp.onnx").display());
        for (command, said) in [
            ("echo out of memory >&2; exit 3", "ended with code 3: out of memory"),
            ("true", "wrote no model"),
            ("echo no > \"$RECANT_OUT\"", "cannot be used"),
            (other.as_str(), "other inputs than the old one"),
        ] {
            let output = run(at.path(), command);
            assert_eq!(output.status.code(), Some(2), "{}", text(&output));
            assert!(text(&output).contains(said), "{command}: {}", text(&output));
            assert!(!at.path().join("retrained.onnx").exists());
        }
        // Among other methods it is left out, and they go on.
        let all = [REPAIR, &["--method", "all", "--retrain", "exit 1", "--out", "all.onnx"]].concat();
        let notes = json(at.path(), &all)["notes"].to_string();
        assert!(notes.contains("retrain failed"), "{notes}");
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended_with_what_it_started() {
        let at = job();
        let words = [
            REPAIR,
            &[
                "--method",
                "retrain",
                "--retrain",
                "sleep 300 & echo $! > child; wait",
                "--retrain-seconds",
                "1",
                "--out",
                "late.onnx",
            ],
        ]
        .concat();
        let output = recant(at.path(), &words);
        assert!(text(&output).contains("took longer than 1 s"), "{}", text(&output));
        let child = fs::read_to_string(at.path().join("child")).unwrap();
        let running = || {
            let state = fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
            !state.is_empty() && !state.contains(") Z ")
        };
        // Its end may take the system a moment.
        for _ in 0..100 {
            if !running() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("what the command started still runs");
    }
}
