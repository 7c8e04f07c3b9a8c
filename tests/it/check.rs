//! Drawing rows on which two models differ, filling in their truth, and what that says.

use std::fs;

use recant::notes::Notes;
use recant::tables::{ReadOptions, Table, read};

use crate::program::{json, recant, text, trial, works};

/// The drawn sheet with the truth of each row from the clean sheet.
pub(super) fn filled(sheet: &Table, clean: &Table) -> Table {
    let column = |table: &Table, name: &str| table.texts(name).unwrap();
    let of = |table: &Table, name: &str| -> Vec<String> {
        let texts = column(table, name);
        texts.codes.iter().map(|code| texts.values[*code as usize].clone()).collect()
    };
    let (keys, real, planned) = (
        of(clean, "Order Item Id"),
        clean.numbers("Days for shipping (real)", &mut Notes::new()).unwrap(),
        clean.numbers("Days for shipment (scheduled)", &mut Notes::new()).unwrap(),
    );
    let drawn = of(sheet, "Order Item Id");
    let truth = drawn.iter().map(|key| {
        let row = keys.iter().position(|other| other == key).unwrap();
        let gap = real[row].unwrap() - planned[row].unwrap();
        Some(
            if gap < 0.0 {
                "early"
            } else if gap > 0.0 {
                "late"
            } else {
                "on time"
            }
            .to_owned(),
        )
    });
    let truth = truth.collect();
    sheet.without(&["true_label"]).with_column("true_label", truth).unwrap()
}

#[test]
fn truths_looked_up_judge_a_repair_and_the_next_one() {
    let at = trial();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (repaired, form) = (path("repaired"), path("check.xlsx"));
    let flags = ["--flags", "trial/flags.csv", "--data", "trial/corrupted.csv"];
    works(
        at,
        &[
            &["repair", "--model", "model", "--method", "retrain", "--out", &repaired],
            &flags[..],
        ]
        .concat(),
    );
    let draw = [
        "check",
        "--model",
        "model",
        "--repaired",
        &repaired,
        "--data",
        "trial/corrupted.csv",
        "--rows",
        "20",
        "--out",
        &form,
    ];
    let drawn = json(at, &draw);
    let again = recant(at, &draw);
    assert_eq!(again.status.code(), Some(2));
    assert!(
        text(&again).contains("--force"),
        "a sheet that may be filled in is not replaced: {}",
        text(&again)
    );
    let count = drawn["drawn"].as_u64().unwrap() as usize;
    assert!(count > 0 && count <= 20, "{drawn}");
    // The sheet has the rows' own columns and an empty one, and nothing that the models said.
    let sheet = read(form.as_ref(), &ReadOptions::default(), &mut Notes::new()).unwrap();
    assert_eq!(sheet.height(), count);
    assert_eq!(&sheet.names()[..2], ["check_row", "true_label"]);
    assert_eq!(sheet.missing_count("true_label").unwrap(), count);
    assert!(
        !sheet
            .names()
            .iter()
            .any(|name| name.contains("predicted") || name.contains("probability"))
    );
    // Same seed, same rows.
    let first = fs::read(&form).unwrap();
    json(at, &[&draw[..], &["--force"]].concat());
    assert_eq!(fs::read(&form).unwrap(), first);
    let empty = recant(at, &["check", "--read", &form]);
    assert_eq!(empty.status.code(), Some(2));
    assert!(text(&empty).contains("no truth is filled in"), "{}", text(&empty));
    let clean = read(&at.join("orders.csv"), &ReadOptions::default(), &mut Notes::new()).unwrap();
    filled(&sheet, &clean).write(form.as_ref(), &mut Notes::new()).unwrap();
    let said = json(at, &["check", "--read", &form]);
    assert_eq!(said["looked_up"], count);
    let (low, high) = (said["change"]["low"].as_f64().unwrap(), said["change"]["high"].as_f64().unwrap());
    assert!(low <= said["change"]["estimate"].as_f64().unwrap() && said["change"]["estimate"].as_f64().unwrap() <= high);
    let again = path("again");
    let next = [
        "repair",
        "--model",
        "model",
        "--method",
        "retrain",
        "--looked-up",
        &form,
        "--out",
        &again,
    ];
    let record = json(at, &[&next[..], &flags].concat());
    assert!(record["recommendation"]["advice"].is_string());
}

#[test]
fn what_a_check_cannot_do_is_said() {
    let at = trial();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let same = recant(
        at,
        &[
            "check",
            "--model",
            "model",
            "--repaired",
            "model",
            "--data",
            "trial/corrupted.csv",
            "--out",
            &path("c.xlsx"),
        ],
    );
    assert_eq!(same.status.code(), Some(2));
    assert!(text(&same).contains("say the same on all"), "{}", text(&same));
    let lacking = recant(at, &["check", "--model", "model"]);
    assert_eq!(lacking.status.code(), Some(2));
    assert!(text(&lacking).contains("hint: recant check --model OLD"), "{}", text(&lacking));
    let form = path("lost.csv");
    fs::write(&form, "check_row,true_label\n1,late\n").unwrap();
    let lost = recant(at, &["check", "--read", &form]);
    assert!(text(&lost).contains("lost.csv.key.json"), "{}", text(&lost));
}
