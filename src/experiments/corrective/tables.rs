//! The records of a finished study as tables: `records.csv`, `records.parquet`.

use super::record::Row;
use super::settings::{Place, StudySettings};
use crate::error::{Error, Result};
use crate::experiments::RunFolder;
use crate::experiments::tables::{Cells, Value, maybe, share, table, text, whole};
use crate::notes::Notes;

/// Writes the tables.
pub(super) fn write(folder: &RunFolder<StudySettings>) -> Result<()> {
    let settings = folder.settings();
    let seed = i64::try_from(settings.seed).map_err(|_| Error::input("the seed is too large for a table"))?;
    let mut rows: Vec<Cells> = Vec::new();
    for unit in folder.units()? {
        let records = folder.records(&unit)?.unwrap_or_default();
        rows.extend(records.iter().map(|row| cells(settings, &unit.key, row, seed)));
    }
    let records = table("records", &rows)?;
    for name in ["records.csv", "records.parquet"] {
        records.write(&folder.path().join(name), &mut Notes::new())?;
    }
    Ok(())
}

fn cells(settings: &StudySettings, place: &Place, row: &Row, seed: i64) -> Cells {
    vec![
        ("kind", text(&settings.kinds[place.kind])),
        ("rate", text(&settings.rates[place.rate])),
        ("repetition", whole(place.repetition)),
        ("known", Value::Number(row.known)),
        ("method", text(&row.method)),
        ("flags", whole(row.flags)),
        ("false_flags", whole(row.false_flags)),
        ("proposed", maybe(row.proposed)),
        ("proposed_wrong", maybe(row.proposed_wrong)),
        ("relabelled", maybe(row.relabelled)),
        ("relabelled_right", maybe(row.relabelled_right)),
        ("affected", whole(row.affected)),
        ("affected_right", whole(row.affected_right)),
        ("affected_accuracy", Value::Number(share(row.affected_right, row.affected))),
        ("elsewhere", whole(row.elsewhere)),
        ("elsewhere_right", whole(row.elsewhere_right)),
        ("elsewhere_accuracy", Value::Number(share(row.elsewhere_right, row.elsewhere))),
        ("manipulated", whole(row.manipulated)),
        ("manipulated_right", whole(row.manipulated_right)),
        ("manipulated_accuracy", Value::Number(share(row.manipulated_right, row.manipulated))),
        ("training_rows", whole(row.training_rows)),
        ("deletion_change", Value::Number(row.deletion_change)),
        ("validation_accuracy", Value::Number(row.validation_accuracy)),
        ("chosen", Value::Text(row.chosen.clone())),
        ("failed", Value::Text(row.failed.clone())),
        ("network", text(&settings.network)),
        ("profile", text(&settings.profile_name)),
        ("data_file", text(&settings.data_file)),
        ("data_sha256", text(&settings.data_sha256)),
        ("seed", whole(seed)),
        ("recant_version", text(&settings.recant_version)),
    ]
}
