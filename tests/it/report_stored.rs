//! Stored records: a report is made again from one, damaged ones are refused.

use std::fs;

use recant::evaluate::record::Timings;
use recant::report::terminal::Look;
use recant::report::{self, terminal};

use super::report::{made_up, records, trainings};
use super::report_plots::parses;

#[test]
fn a_report_can_be_rebuilt_from_its_stored_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.json");
    for (name, record, timings) in records() {
        fs::write(&path, serde_json::to_vec_pretty(&record).unwrap()).unwrap();
        let read = report::read_record(&path).unwrap();
        assert_eq!(read, record, "{name}");
        assert_eq!(
            report::html(&read, &timings).unwrap().0,
            report::html(&record, &timings).unwrap().0,
            "{name}"
        );
    }
    let path = folder.path().join("training.json");
    for (name, record) in trainings() {
        fs::write(&path, serde_json::to_vec(&record).unwrap()).unwrap();
        assert_eq!(report::read_training(&path).unwrap(), record, "{name}");
    }
    assert_eq!(
        report::read_timings(&folder.path().join("timings.json")).unwrap(),
        Timings::default()
    );
}

#[test]
fn a_damaged_record_is_told_from_a_newer_one_and_from_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.json");
    let whole = serde_json::to_string(&made_up::no_change()).unwrap();
    let said = |text: &str| {
        fs::write(&path, text).unwrap();
        let error = report::read_record(&path).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.place().unwrap().contains("record.json"), "{error}");
        assert!(error.hint_text().is_some(), "{error}");
        error.message().to_owned()
    };
    for length in (1..whole.len() - 1).step_by(whole.len() / 40) {
        assert!(said(&whole[..length]).contains("cut off"), "{length}");
    }
    let newer = whole.replacen("\"record_version\":1", "\"record_version\":99", 1);
    assert!(said(&newer).contains("layout 99"));
    assert!(said("{\"a\": 1}").contains("another kind"));
    assert!(said("PK\u{3}\u{4}").contains("not a record"));
    assert!(said(&whole.replacen("\"chosen\":\"assd\"", "\"chosen\":\"magic\"", 1)).contains("`magic`"));
    assert!(said(&whole.replacen("2310", "2311", 1)).contains("counts 11899 rows, not 11898"));
    fs::write(&path, [0xFF, 0xFE, 0x00]).unwrap();
    assert!(report::read_record(&path).unwrap_err().message().contains("UTF-8"));
    assert!(
        report::read_record(&folder.path().join("none.json"))
            .unwrap_err()
            .to_string()
            .contains("no such file")
    );
}

/// All places of a JSON value, as pointers.
fn places(value: &serde_json::Value, at: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => fields.iter().for_each(|(key, field)| places(field, &format!("{at}/{key}"), found)),
        serde_json::Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(place, item)| places(item, &format!("{at}/{place}"), found)),
        _ => {}
    }
    found.push(at.to_owned());
}

#[test]
fn an_altered_record_is_refused_or_drawn_and_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.json");
    let mut record = made_up::rich();
    record.methods.truncate(2);
    record.flagged_rows.truncate(1);
    record.changed_rows.truncate(1);
    let whole = serde_json::to_value(&record).unwrap();
    let mut all = Vec::new();
    places(&whole, "", &mut all);
    let strange = [
        "null",
        "0",
        "-1",
        "1e308",
        "-1e-308",
        "18446744073709551615",
        "\"\"",
        "[]",
        "{}",
        "true",
    ];
    let strange: Vec<serde_json::Value> = strange.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let (mut refused, mut drawn) = (0, 0);
    // Every place and every strange value in turn, in steps that meet all combinations over the places of one kind.
    for (step, place) in all.iter().enumerate().skip(1).step_by(3) {
        let mut altered = whole.clone();
        *altered.pointer_mut(place).unwrap() = strange[(step / 3) % strange.len()].clone();
        fs::write(&path, serde_json::to_vec(&altered).unwrap()).unwrap();
        match report::read_record(&path) {
            Err(_) => refused += 1,
            Ok(record) => {
                drawn += 1;
                let (_, plots) = report::html(&record, &Timings::default()).unwrap();
                plots.iter().for_each(|plot| parses(&plot.file(), place));
                terminal::repair(&record, &Timings::default(), Look { width: 60, colour: false }).unwrap();
                report::workbook::workbook(&record, &Timings::default()).unwrap();
            }
        }
    }
    assert!(refused > 50 && drawn > 20, "{refused} refused, {drawn} drawn");
}

#[test]
fn a_report_that_cannot_be_written_says_so_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    fs::write(&file, "a file, not a folder").unwrap();
    let error = report::write_all(&file, &made_up::no_change(), &Timings::default()).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert_eq!(fs::read_to_string(&file).unwrap(), "a file, not a folder");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
