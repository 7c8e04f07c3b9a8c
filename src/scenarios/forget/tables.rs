//! The records of a run as tables: `records.csv` and `records.json`, `sweep.csv`, and apart from them `timings.csv`.

use serde_json::{Value, json};

use super::folder::{ForgetFolder, Record};
use super::settings::Unit;
use super::{BASELINE, SWEEP};
use crate::error::{Error, Result};
use crate::files::write_bytes;
use crate::notes::Notes;
use crate::tables::Table;

/// A record with where it belongs.
struct Line {
    unit: Unit,
    method: String,
    record: Record,
}

/// Writes the tables of the pieces that are there. Returns whether all are.
///
/// # Errors
/// Where a piece cannot be read or the folder cannot be written.
pub fn write(folder: &ForgetFolder) -> Result<bool> {
    let settings = folder.settings();
    let (mut records, mut sweep, mut timings) = (Vec::new(), Vec::new(), Vec::new());
    let mut complete = true;
    for unit in settings.units() {
        for piece in settings.pieces() {
            let Some(found) = folder.piece(&unit, piece)? else {
                complete = false;
                continue;
            };
            let (into, method) = if piece == SWEEP {
                (&mut sweep, "ssd")
            } else {
                (&mut records, piece)
            };
            into.extend(found.into_iter().map(|record| Line {
                unit,
                method: method.to_owned(),
                record,
            }));
            let seconds = folder.timings(&unit, piece);
            timings.extend(seconds.into_iter().map(|(part, seconds)| (unit, part, seconds)));
        }
    }
    let mut notes = Notes::new();
    table(folder, &records, "records")?.write(&folder.path().join("records.csv"), &mut notes)?;
    if !sweep.is_empty() {
        table(folder, &sweep, "sweep")?.write(&folder.path().join("sweep.csv"), &mut notes)?;
    }
    let value = json!({
        "settings": settings,
        "complete": complete,
        "records": records.iter().map(|line| as_json(folder, line)).collect::<Result<Vec<Value>>>()?,
        "sweep": sweep.iter().map(|line| as_json(folder, line)).collect::<Result<Vec<Value>>>()?,
    });
    let mut text = serde_json::to_string_pretty(&value).map_err(|error| Error::internal(format!("records as JSON: {error}")))?;
    text.push('\n');
    write_bytes(&folder.path().join("records.json"), text.as_bytes())?;
    let text = |pick: &dyn Fn(&(Unit, String, f64)) -> String| timings.iter().map(|line| Some(pick(line))).collect::<Vec<_>>();
    Table::new("timings", timings.len())
        .with_column("dataset", text(&|line| settings.part(&line.0).dataset.clone()))?
        .with_column("task", text(&|line| settings.task(&line.0).task.clone()))?
        .with_integers("seed", timings.iter().map(|line| Some(i64::from(line.0.seed))).collect())?
        .with_column("part", text(&|line| line.1.clone()))?
        .with_numbers("seconds", timings.iter().map(|line| Some((line.2 * 1e3).round() / 1e3)).collect())?
        .write(&folder.path().join("timings.csv"), &mut notes)?;
    Ok(complete)
}

fn as_json(folder: &ForgetFolder, line: &Line) -> Result<Value> {
    let settings = folder.settings();
    let mut value = json!({
        "dataset": settings.part(&line.unit).dataset,
        "task": settings.task(&line.unit).task,
        "seed": line.unit.seed,
        "method": line.method,
        "retain_accuracy": line.record.retain_accuracy(),
        "forget_accuracy": line.record.forget_accuracy(),
        "membership": line.record.membership(),
    });
    let counts = serde_json::to_value(&line.record).map_err(|error| Error::internal(format!("a record as JSON: {error}")))?;
    if let (Value::Object(value), Value::Object(counts)) = (&mut value, counts) {
        value.extend(counts);
    }
    Ok(value)
}

fn table(folder: &ForgetFolder, lines: &[Line], name: &str) -> Result<Table> {
    let settings = folder.settings();
    let text = |pick: &dyn Fn(&Line) -> Option<String>| lines.iter().map(pick).collect::<Vec<_>>();
    let number = |pick: &dyn Fn(&Record) -> Option<f64>| lines.iter().map(|line| pick(&line.record)).collect::<Vec<_>>();
    let whole = |pick: &dyn Fn(&Record) -> u32| lines.iter().map(|line| Some(i64::from(pick(&line.record)))).collect::<Vec<_>>();
    Table::new(name, lines.len())
        .with_column("dataset", text(&|line| Some(settings.part(&line.unit).dataset.clone())))?
        .with_column("network", text(&|_| Some(settings.network.clone())))?
        .with_column("task", text(&|line| Some(settings.task(&line.unit).task.clone())))?
        .with_integers("seed", lines.iter().map(|line| Some(i64::from(line.unit.seed))).collect())?
        .with_column("method", text(&|line| Some(line.method.clone())))?
        .with_numbers("retain_accuracy", number(&Record::retain_accuracy))?
        .with_numbers("forget_accuracy", number(&Record::forget_accuracy))?
        .with_numbers("membership", number(&Record::membership))?
        .with_integers("retain", whole(&|record| record.retain))?
        .with_integers("retain_right", whole(&|record| record.retain_right))?
        .with_integers("forget", whole(&|record| record.forget))?
        .with_integers("forget_right", whole(&|record| record.forget_right))?
        .with_integers("forget_rows", whole(&|record| record.forget_rows))?
        .with_integers("members", whole(&|record| record.members))?
        .with_integers("training_rows", whole(&|record| record.training_rows))?
        .with_numbers("alpha", number(&|record| record.alpha))?
        .with_numbers("lambda", number(&|record| record.lambda))?
        .with_numbers("percentile", number(&|record| record.percentile))?
        .with_integers(
            "dampened",
            lines
                .iter()
                .map(|line| line.record.dampened.and_then(|count| i64::try_from(count).ok()))
                .collect(),
        )?
        .with_integers(
            "parameters",
            lines.iter().map(|line| i64::try_from(line.record.parameters).ok()).collect(),
        )?
        .with_column("failed", text(&|line| line.record.failed.clone()))
}

/// Whether a method's own time is that of the model's training: the model as it was trained has none.
pub(super) fn own_seconds(folder: &ForgetFolder, unit: &Unit, piece: &str) -> Option<f64> {
    let part = if piece == BASELINE { "train" } else { piece };
    folder.timings(unit, piece).get(part).copied()
}
