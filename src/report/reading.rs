//! Reading stored records, with a clear word where one is truncated, newer or altered.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::evaluate::record::{Comparison, Metrics, RECORD_VERSION, RepairRecord, Timings};
use crate::evaluate::train_record::{TRAIN_RECORD_VERSION, TrainRecord};
use crate::files;
use crate::model::check_report;
use crate::report::format::total;

/// Largest record that is read; a record of a million flagged rows has a fifth of it.
const LARGEST: u64 = 2 << 30;

const AGAIN: &str = "run the repair again, or restore the file from a copy";

/// Reads `record.json` for `recant report`.
///
/// # Errors
/// Where the file cannot be read, is no record, is cut off, was written by a newer version, contradicts itself, or is not as its model folder sealed it.
pub fn read_record(path: &Path) -> Result<RepairRecord> {
    check_report(path)?;
    let record: RepairRecord = read_versioned(path, RECORD_VERSION)?;
    match contradiction(&record) {
        Some(what) => Err(contradicts(path, &what)),
        None => Ok(record),
    }
}

/// Reads `training.json`.
///
/// # Errors
/// As [`read_record`].
pub fn read_training(path: &Path) -> Result<TrainRecord> {
    check_report(path)?;
    let record: TrainRecord = read_versioned(path, TRAIN_RECORD_VERSION)?;
    match contradiction_in_training(&record) {
        Some(what) => Err(contradicts(path, &what)),
        None => Ok(record),
    }
}

fn contradicts(path: &Path, what: &str) -> Error {
    Error::input(format!("the record contradicts itself: {what}"))
        .in_file(path)
        .hint(AGAIN)
}

/// Reads a record after a look at its version, which every record tells in the same place.
fn read_versioned<R: DeserializeOwned>(path: &Path, known: u32) -> Result<R> {
    #[derive(Deserialize)]
    struct Version {
        record_version: u32,
        recant_version: Option<String>,
    }
    let text = read_text(path)?;
    let version: Version = serde_json::from_str(&text).map_err(|error| not_a_record(path, &text, &error))?;
    let found = version.record_version;
    if found > known {
        let by = version
            .recant_version
            .map_or_else(|| "a newer Recant".to_owned(), |by| format!("Recant {by}"));
        let message = format!("the record was written by {by} in layout {found}; this version reads up to layout {known}");
        return Err(Error::input(message).in_file(path).hint("install the newest Recant"));
    }
    serde_json::from_str(&text).map_err(|error| not_a_record(path, &text, &error))
}

/// Reads `timings.json`; no timings where the file is missing, since a report does without.
///
/// # Errors
/// Where the file is there but cannot be read.
pub fn read_timings(path: &Path) -> Result<Timings> {
    if !path.exists() {
        return Ok(Timings::default());
    }
    let text = read_text(path)?;
    serde_json::from_str(&text).map_err(|error| not_a_record(path, &text, &error))
}

fn read_text(path: &Path) -> Result<String> {
    let bytes = files::read("read", path, LARGEST)?;
    String::from_utf8(bytes).map_err(|_| {
        Error::input("the file is not a record of Recant: it is not UTF-8 text")
            .in_file(path)
            .hint(AGAIN)
    })
}

fn not_a_record(path: &Path, text: &str, error: &serde_json::Error) -> Error {
    // A cut within a number or a word is a fault of syntax, at the very end.
    let last_line = text.lines().last().unwrap_or_default();
    let at_the_end = error.line() >= text.lines().count() && error.column() >= last_line.len();
    let message = if error.is_eof() || (error.is_syntax() && at_the_end && !text.is_empty()) {
        "the record is cut off: the file ends in the middle".to_owned()
    } else if error.is_syntax() {
        format!("the file is not a record of Recant or was altered: {error}")
    } else {
        format!("the record was altered or is of another kind: {error}")
    };
    Error::input(message).in_file(path).hint(AGAIN)
}

/// What in a record cannot be so.
fn contradiction(record: &RepairRecord) -> Option<String> {
    let classes = record.model.classes.len();
    if record.methods.is_empty() {
        return Some("it holds no method".to_owned());
    }
    if !record.methods.iter().any(|method| method.name == record.chosen) {
        return Some(format!("the written method `{}` is not among the methods", record.chosen));
    }
    if record.flags.used > record.model.training_rows {
        return Some("more rows are flagged than the model was trained on".to_owned());
    }
    for method in &record.methods {
        // In records of older versions the confusion tables of validation rows leave the flagged ones out.
        let compared = [(&method.test, true), (&method.test_as_recorded, true), (&method.validation, false)];
        for (comparison, all_rows) in compared {
            if let Some(what) = comparison
                .as_ref()
                .and_then(|comparison| contradiction_of(comparison, classes, all_rows))
            {
                return Some(format!("method `{}`: {what}", method.name));
            }
        }
        if let Some(dampening) = &method.dampening
            && (dampening.dampened > dampening.parameters || dampening.zeroed > dampening.dampened)
        {
            return Some(format!("method `{}`: more parameters dampened than there are", method.name));
        }
    }
    None
}

/// What in a training record cannot be so.
fn contradiction_in_training(record: &TrainRecord) -> Option<String> {
    let classes = record.model.classes.len();
    let parts = [
        (Some(&record.training_metrics), record.split.training_rows, "training"),
        (record.validation.as_ref(), record.split.validation_rows, "validation"),
        (record.test.as_ref(), record.split.test_rows, "test"),
    ];
    for (metrics, rows, part) in parts {
        if let Some(what) = metrics.and_then(|metrics| contradiction_in(metrics, rows, classes, true)) {
            return Some(format!("{part} rows: {what}"));
        }
    }
    let judged = record.baselines.iter();
    judged
        .filter_map(|baseline| {
            contradiction_of(&baseline.comparison, classes, true).map(|what| format!("baseline `{}`: {what}", baseline.name))
        })
        .next()
}

fn contradiction_of(comparison: &Comparison, classes: usize, all_rows: bool) -> Option<String> {
    for metrics in [&comparison.before, &comparison.after] {
        if let Some(what) = contradiction_in(metrics, comparison.rows, classes, all_rows) {
            return Some(what);
        }
    }
    if comparison.mcnemar.fixed.saturating_add(comparison.mcnemar.broken) > comparison.rows {
        return Some("more rows changed than there are".to_owned());
    }
    None
}

fn contradiction_in(metrics: &Metrics, rows: usize, classes: usize, all_rows: bool) -> Option<String> {
    let square = metrics.confusion.len() == classes && metrics.confusion.iter().all(|row| row.len() == classes);
    if !square || metrics.classes.len() != classes {
        return Some(format!("its tables do not have {classes} classes"));
    }
    let counted = total(metrics.confusion.iter().flatten().copied());
    if counted > rows || (all_rows && counted != rows) {
        return Some(format!("the confusion table counts {counted} rows, not {rows}"));
    }
    let fractions = [
        metrics.accuracy.estimate,
        metrics.balanced_accuracy,
        metrics.macro_f1,
        metrics.calibration_error,
    ];
    if fractions.iter().any(|value| !(0.0..=1.0).contains(value)) {
        return Some("a share lies outside 0 to 1".to_owned());
    }
    None
}
