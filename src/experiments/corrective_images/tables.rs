//! The records of a finished study as tables: `records.csv`, `records.parquet`.

use super::record::Record;
use super::settings::{ImageStudySettings, Piece};
use crate::error::{Error, Result};
use crate::experiments::RunFolder;
use crate::experiments::tables::{Cells, Value, maybe, table, text, whole};
use crate::notes::Notes;

/// Writes the tables.
pub(super) fn write(folder: &RunFolder<ImageStudySettings>) -> Result<()> {
    let settings = folder.settings();
    let seed = i64::try_from(settings.seed).map_err(|_| Error::input("the seed is too large for a table"))?;
    let mut rows: Vec<Cells> = Vec::new();
    for unit in folder.units()? {
        let records = folder.records(&unit)?.unwrap_or_default();
        rows.extend(records.iter().map(|record| cells(settings, &unit.key, record, seed)));
    }
    let records = table("records", &rows)?;
    for name in ["records.csv", "records.parquet"] {
        records.write(&folder.path().join(name), &mut Notes::new())?;
    }
    Ok(())
}

fn cells(settings: &ImageStudySettings, piece: &Piece, record: &Record, seed: i64) -> Cells {
    vec![
        ("dataset", text(&settings.dataset)),
        ("network", text(&settings.network)),
        ("manipulation", text(&settings.manipulations[piece.manipulation])),
        ("model", whole(piece.seed)),
        ("known", Value::Number(settings.known(piece))),
        ("method", text(settings.method(piece))),
        ("flags", whole(record.flags)),
        ("false_flags", whole(record.false_flags)),
        ("proposed", maybe(record.proposed)),
        ("proposed_wrong", maybe(record.proposed_wrong)),
        ("relabelled", maybe(record.relabelled)),
        ("relabelled_right", maybe(record.relabelled_right)),
        ("affected", whole(record.affected)),
        ("affected_right", whole(record.affected_right)),
        ("affected_accuracy", Value::Number(record.affected_accuracy())),
        ("elsewhere", whole(record.elsewhere)),
        ("elsewhere_right", whole(record.elsewhere_right)),
        ("elsewhere_accuracy", Value::Number(record.elsewhere_accuracy())),
        ("manipulated", whole(record.manipulated)),
        ("manipulated_right", whole(record.manipulated_right)),
        ("manipulated_accuracy", Value::Number(record.manipulated_accuracy())),
        ("training_images", whole(record.training_images)),
        ("deletion_change", Value::Number(record.deletion_change)),
        ("validation_accuracy", Value::Number(record.validation_accuracy)),
        ("chosen", Value::Text(record.chosen.clone())),
        ("failed", Value::Text(record.failed.clone())),
        ("data_sha256", text(&settings.data_sha256)),
        ("seed", whole(seed)),
        ("recant_version", text(&settings.recant_version)),
    ]
}
