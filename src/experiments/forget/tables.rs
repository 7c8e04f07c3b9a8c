//! The records of a run as tables: `records.csv` and `records.json`, `sweep.csv`.

use serde_json::{Value as Json, json};

use super::SWEEP;
use super::record::Record;
use super::settings::{ForgetSettings, Piece};
use crate::error::{Error, Result};
use crate::experiments::RunFolder;
use crate::experiments::tables::{Cells, Value, table, text, whole};
use crate::notes::Notes;

/// Writes the tables.
pub(super) fn write(folder: &RunFolder<ForgetSettings>) -> Result<()> {
    let settings = folder.settings();
    let mut lines: Vec<(Piece, Record)> = Vec::new();
    for unit in folder.units()? {
        let records = folder.records(&unit)?.unwrap_or_default();
        lines.extend(records.into_iter().map(|record| (unit.key.clone(), record)));
    }
    let (sweep, records): (Vec<_>, Vec<_>) = lines.iter().partition(|(piece, _)| piece.name == SWEEP);
    for (name, lines) in [("records", &records), ("sweep", &sweep)] {
        if !lines.is_empty() {
            let rows: Vec<Cells> = lines.iter().map(|(piece, record)| cells(settings, piece, record)).collect();
            table(name, &rows)?.write(&folder.path().join(format!("{name}.csv")), &mut Notes::new())?;
        }
    }
    let as_json = |lines: &[&(Piece, Record)]| {
        lines
            .iter()
            .map(|(piece, record)| line(settings, piece, record))
            .collect::<Result<Vec<Json>>>()
    };
    let value = json!({
        "settings": settings,
        "complete": true,
        "records": as_json(&records)?,
        "sweep": as_json(&sweep)?,
    });
    folder.write_json("records.json", &value)
}

fn method(piece: &Piece) -> &str {
    if piece.name == SWEEP { "ssd" } else { &piece.name }
}

fn line(settings: &ForgetSettings, piece: &Piece, record: &Record) -> Result<Json> {
    let mut value = json!({
        "dataset": settings.part(piece).dataset,
        "task": settings.task(piece).task,
        "seed": piece.seed,
        "method": method(piece),
        "retain_accuracy": record.retain_accuracy(),
        "forget_accuracy": record.forget_accuracy(),
        "membership": record.membership(),
    });
    let counts = serde_json::to_value(record).map_err(|error| Error::internal(format!("a record as JSON: {error}")))?;
    if let (Json::Object(value), Json::Object(counts)) = (&mut value, counts) {
        value.extend(counts);
    }
    Ok(value)
}

fn cells(settings: &ForgetSettings, piece: &Piece, record: &Record) -> Cells {
    let large = |number: Option<u64>| Value::Whole(number.and_then(|number| i64::try_from(number).ok()));
    vec![
        ("dataset", text(&settings.part(piece).dataset)),
        ("network", text(&settings.network)),
        ("task", text(&settings.task(piece).task)),
        ("seed", whole(piece.seed)),
        ("method", text(method(piece))),
        ("retain_accuracy", Value::Number(record.retain_accuracy())),
        ("forget_accuracy", Value::Number(record.forget_accuracy())),
        ("membership", Value::Number(record.membership())),
        ("retain", whole(record.retain)),
        ("retain_right", whole(record.retain_right)),
        ("forget", whole(record.forget)),
        ("forget_right", whole(record.forget_right)),
        ("forget_rows", whole(record.forget_rows)),
        ("members", whole(record.members)),
        ("training_rows", whole(record.training_rows)),
        ("alpha", Value::Number(record.alpha)),
        ("lambda", Value::Number(record.lambda)),
        ("percentile", Value::Number(record.percentile)),
        ("dampened", large(record.dampened)),
        ("parameters", large(Some(record.parameters))),
        ("failed", Value::Text(record.failed.clone())),
    ]
}
