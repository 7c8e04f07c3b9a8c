//! The records as tables: `records.csv`, `records.parquet`, `sweep.csv`.
//!
//! Chunks are read one after another in the order of the plan, so memory does not grow with the batch, and the bytes depend neither on
//! the order in which chunks were computed nor on who computed them.

use super::record::{ChunkRecords, Row, Split, SweepRow};
use super::settings::Settings;
use super::{Chunk, record};
use crate::error::{Error, Result};
use crate::experiments::tables::{Cells, Value, csv_file, maybe, parquet_file, text, whole};
use crate::experiments::{RunFolder, Unit};
use crate::label_errors::Amount;

/// Writes the tables.
pub(super) fn write(folder: &RunFolder<Settings>) -> Result<()> {
    let units = folder.units()?;
    let records = || {
        units.iter().flat_map(|unit| {
            rows_of(folder, unit, |found, chunk| {
                let training_rows = training_rows(&found);
                let rows = found.rows.iter();
                rows.map(|row| cells(folder.settings(), chunk, row, training_rows)).collect()
            })
        })
    };
    csv_file(folder, "records.csv", &mut records())?;
    parquet_file(folder, "records.parquet", &mut records())?;
    if folder.settings().sweep_runs > 0 {
        let sweep = units.iter().flat_map(|unit| {
            rows_of(folder, unit, |found, chunk| {
                let rows = found.sweep.iter();
                rows.map(|row| sweep_cells(folder.settings(), chunk, row)).collect()
            })
        });
        csv_file(folder, "sweep.csv", &mut { sweep })?;
    }
    Ok(())
}

/// Rows of a chunk; a single error where it cannot be read.
fn rows_of(folder: &RunFolder<Settings>, unit: &Unit<Chunk>, rows: impl Fn(ChunkRecords, &Chunk) -> Vec<Cells>) -> Vec<Result<Cells>> {
    let read = || {
        let found: Option<Vec<record::Record>> = folder.records(unit)?;
        found.ok_or_else(|| Error::internal(format!("chunk {} vanished while it was read", unit.name)))
    };
    match read() {
        Ok(found) => rows(found.into(), &unit.key).into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    }
}

/// The error rate as a share of the training rows, where it is one.
pub(super) fn share(error: &str) -> Option<f64> {
    match error.parse::<Amount>() {
        Ok(Amount::ShareOfTraining(share)) => Some(share),
        _ => None,
    }
}

/// Rows of the training split, which every scenario has.
fn training_rows(records: &ChunkRecords) -> u32 {
    let of_train = records.rows.iter().find(|row| row.split == Split::Train);
    of_train.map_or(0, |row| row.rows)
}

/// With these columns and the sheet any row can be computed again.
fn cells(settings: &Settings, chunk: &Chunk, row: &Row, training_rows: u32) -> Cells {
    let number = |number: f64| Value::Number(Some(number));
    let error = &settings.errors[chunk.cell.error];
    let dampening = row.dampening;
    vec![
        ("size", text(&settings.sizes[chunk.cell.size].size)),
        ("error_kind", text(&settings.error_kind)),
        ("error_rate", text(error)),
        ("error_share", Value::Number(share(error))),
        ("run", whole(row.run)),
        ("init", whole(row.init)),
        ("method", text(&row.method)),
        ("split", text(row.split.name())),
        ("rows", whole(row.rows)),
        ("right", whole(row.right)),
        ("accuracy", number(f64::from(row.right) / f64::from(row.rows.max(1)))),
        ("training_rows", whole(training_rows)),
        ("flagged", whole(row.flagged)),
        ("mislabelled", whole(row.mislabelled)),
        ("flagged_right", maybe(row.flagged_right)),
        ("flagged_as_observed", maybe(row.flagged_as_observed)),
        ("percentile", Value::Number(dampening.and_then(|dampening| dampening.percentile))),
        ("alpha", Value::Number(dampening.map(|dampening| dampening.alpha))),
        ("lambda", Value::Number(dampening.map(|dampening| dampening.lambda))),
        ("dampened", maybe(dampening.map(|dampening| dampening.dampened))),
        ("parameters", whole(row.parameters)),
        ("learning_rate", number(row.learning_rate)),
        ("weight_decay", number(row.weight_decay)),
        ("epochs", Value::Whole(i64::try_from(settings.epochs).ok())),
        ("batch", Value::Whole(i64::try_from(settings.batch).ok())),
        ("decay", number(settings.decay)),
        ("importance", text(&settings.importance)),
        ("reference", text(&settings.reference)),
        ("init_seeds", whole(settings.init_seeds)),
        ("seed", text(settings.seed.to_string())),
        ("profile", text(&settings.profile_name)),
        ("data_file", text(&settings.data_file)),
        ("data_sha256", text(&settings.data_sha256)),
        ("recant_version", text(&settings.recant_version)),
    ]
}

fn sweep_cells(settings: &Settings, chunk: &Chunk, row: &SweepRow) -> Cells {
    let number = |number: f64| Value::Number(Some(number));
    vec![
        ("size", text(&settings.sizes[chunk.cell.size].size)),
        ("error_kind", text(&settings.error_kind)),
        ("error_rate", text(&settings.errors[chunk.cell.error])),
        ("run", whole(row.run)),
        ("init", whole(row.init)),
        ("sweep", text(row.sweep.name())),
        ("alpha", number(row.alpha)),
        ("lambda", number(row.lambda)),
        ("dampened", whole(row.dampened)),
        ("test_rows", whole(row.rows)),
        ("test_right", whole(row.right)),
        ("test_accuracy", number(f64::from(row.right) / f64::from(row.rows.max(1)))),
        ("flagged", whole(row.flagged)),
        ("flagged_as_observed", whole(row.flagged_as_observed)),
    ]
}
