//! The records of a finished study as tables: `records.csv`, `records.parquet`, `timings.csv`.

use super::folder::{Row, StudyFolder};
use super::settings::Unit;
use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::tables::Table;

/// Writes the tables if every unit is there. Returns whether it did.
///
/// # Errors
/// Where a unit cannot be read or the folder cannot be written.
pub fn assemble(folder: &StudyFolder) -> Result<bool> {
    let mut all: Vec<(Unit, Row)> = Vec::new();
    let mut timings: Vec<(Unit, String, f64)> = Vec::new();
    for unit in folder.settings().units() {
        let Some(rows) = folder.unit(&unit)? else { return Ok(false) };
        all.extend(rows.into_iter().map(|row| (unit.clone(), row)));
        timings.extend(
            folder
                .timings(&unit)
                .into_iter()
                .map(|(part, seconds)| (unit.clone(), part, seconds)),
        );
    }
    let records = records(folder, &all)?;
    let mut notes = Notes::new();
    records.write(&folder.path().join("records.csv"), &mut notes)?;
    records.write(&folder.path().join("records.parquet"), &mut notes)?;
    let text = |pick: &dyn Fn(&(Unit, String, f64)) -> String| timings.iter().map(|line| Some(pick(line))).collect::<Vec<_>>();
    Table::new("timings", timings.len())
        .with_column("unit", text(&|line| line.0.name()))?
        .with_column("part", text(&|line| line.1.clone()))?
        .with_numbers("seconds", timings.iter().map(|line| Some((line.2 * 1e3).round() / 1e3)).collect())?
        .write(&folder.path().join("timings.csv"), &mut notes)?;
    Ok(true)
}

fn records(folder: &StudyFolder, all: &[(Unit, Row)]) -> Result<Table> {
    let settings = folder.settings();
    let text = |pick: &dyn Fn(&Unit, &Row) -> Option<String>| all.iter().map(|(unit, row)| pick(unit, row)).collect::<Vec<_>>();
    let whole =
        |pick: &dyn Fn(&Unit, &Row) -> Option<u32>| all.iter().map(|(unit, row)| pick(unit, row).map(i64::from)).collect::<Vec<_>>();
    let number = |pick: &dyn Fn(&Unit, &Row) -> Option<f64>| all.iter().map(|(unit, row)| pick(unit, row)).collect::<Vec<_>>();
    let share = |right: u32, of: u32| (of > 0).then(|| f64::from(right) / f64::from(of));
    let seed = i64::try_from(settings.seed).map_err(|_| Error::input("the seed is too large for a table"))?;
    Table::new("records", all.len())
        .with_column("kind", text(&|unit, _| Some(settings.kinds[unit.kind].clone())))?
        .with_column("rate", text(&|unit, _| Some(settings.rates[unit.rate].clone())))?
        .with_integers("repetition", whole(&|unit, _| Some(unit.repetition)))?
        .with_numbers("known", number(&|_, row| row.known))?
        .with_column("method", text(&|_, row| Some(row.method.clone())))?
        .with_integers("flags", whole(&|_, row| Some(row.flags)))?
        .with_integers("false_flags", whole(&|_, row| Some(row.false_flags)))?
        .with_integers("proposed", whole(&|_, row| row.proposed))?
        .with_integers("proposed_wrong", whole(&|_, row| row.proposed_wrong))?
        .with_integers("relabelled", whole(&|_, row| row.relabelled))?
        .with_integers("relabelled_right", whole(&|_, row| row.relabelled_right))?
        .with_integers("affected", whole(&|_, row| Some(row.affected)))?
        .with_integers("affected_right", whole(&|_, row| Some(row.affected_right)))?
        .with_numbers("affected_accuracy", number(&|_, row| share(row.affected_right, row.affected)))?
        .with_integers("elsewhere", whole(&|_, row| Some(row.elsewhere)))?
        .with_integers("elsewhere_right", whole(&|_, row| Some(row.elsewhere_right)))?
        .with_numbers("elsewhere_accuracy", number(&|_, row| share(row.elsewhere_right, row.elsewhere)))?
        .with_integers("manipulated", whole(&|_, row| Some(row.manipulated)))?
        .with_integers("manipulated_right", whole(&|_, row| Some(row.manipulated_right)))?
        .with_numbers(
            "manipulated_accuracy",
            number(&|_, row| share(row.manipulated_right, row.manipulated)),
        )?
        .with_integers("training_rows", whole(&|_, row| Some(row.training_rows)))?
        .with_numbers("deletion_change", number(&|_, row| row.deletion_change))?
        .with_numbers("validation_accuracy", number(&|_, row| row.validation_accuracy))?
        .with_column("chosen", text(&|_, row| row.chosen.clone()))?
        .with_column("failed", text(&|_, row| row.failed.clone()))?
        .with_column("network", text(&|_, _| Some(settings.network.clone())))?
        .with_column("profile", text(&|_, _| Some(settings.profile_name.clone())))?
        .with_column("data_file", text(&|_, _| Some(settings.data_file.clone())))?
        .with_column("data_sha256", text(&|_, _| Some(settings.data_sha256.clone())))?
        .with_integers("seed", vec![Some(seed); all.len()])?
        .with_column("recant_version", text(&|_, _| Some(settings.recant_version.clone())))
}
