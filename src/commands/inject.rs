//! Mislabelling rows of a sheet, for trials where the truth is known.

use std::path::Path;

use super::{Run, SheetSource, check_new_folder};
use crate::error::{Error, Result};
use crate::features::{Overrides, Profile};
use crate::files;
use crate::label_errors::{Amount, InjectedSheet, InjectionPlan, Known, LabelCorruption, inject_sheet, kinds};
use crate::notes::Notes;
use crate::tables::{ReadOptions, Table};

/// Share mislabelled where neither the person nor the kind says how many.
const DEFAULT_SHARE: f64 = 0.05;

/// What to mislabel.
pub struct InjectSheet<'a> {
    /// The sheet.
    pub sheet: SheetSource<'a>,
    /// How to read it.
    pub reading: ReadOptions,
    /// Name of a built-in profile, or a profile file.
    pub profile: Option<&'a str>,
    /// What the person says on top of the profile.
    pub overrides: Overrides,
    /// Kinds of error, such as `uniform` or `segment:RULE`.
    pub kinds: &'a [String],
    /// How many rows, where the kinds do not say.
    pub rate: Option<Amount>,
    /// Whether all rows of a group are hit together.
    pub whole_groups: bool,
    /// Which of the wrong rows get into the flags.
    pub known: Known,
    /// Whether the flags carry all columns.
    pub full_rows: bool,
    /// Folder to make, where one is wanted.
    pub out: Option<&'a Path>,
}

/// What was done.
pub struct InjectedIntoSheet {
    /// The corrupted sheet, its flags and the truth.
    pub injected: InjectedSheet,
    /// Name of the corrupted sheet's file.
    pub file: String,
    /// What was noticed.
    pub notes: Notes,
}

/// Mislabels rows of a sheet, and writes it with flags and truth.
///
/// # Errors
/// Where the sheet or a kind cannot be used, or the folder exists or cannot be made.
pub fn inject_into(run: &Run, request: &InjectSheet) -> Result<InjectedIntoSheet> {
    if let Some(out) = request.out {
        check_new_folder(out)?;
    }
    let mut notes = Notes::new();
    let table = request.sheet.read_rows(&request.reading, &mut notes)?;
    let profile = Profile::choose(&table, request.profile, &request.overrides, &mut notes)?;
    let plan = plan(run, request, &profile, &table)?;
    let injected = inject_sheet(&table, &profile, &plan, &mut notes)?;
    let file = format!("corrupted.{}", extension(&table));
    if let Some(out) = request.out {
        files::write_folder(out, |folder| write_injected(&injected, folder, &file, &mut notes))?;
    }
    Ok(InjectedIntoSheet { injected, file, notes })
}

fn plan(run: &Run, request: &InjectSheet, profile: &Profile, table: &Table) -> Result<InjectionPlan> {
    let label = profile.label.resolve(table)?;
    let amount = |mistake: &dyn LabelCorruption| match (request.rate, mistake.amount(), mistake.condition()) {
        (Some(rate), _, _) => Some(rate),
        (None, None, None) => Some(Amount::ShareOfTraining(DEFAULT_SHARE)),
        _ => None,
    };
    let mistakes = request.kinds.iter().map(|kind| {
        let mistake = kinds::parse(kind, label.classes())?;
        let amount = amount(mistake.as_ref());
        Ok((mistake, amount))
    });
    Ok(InjectionPlan {
        mistakes: mistakes.collect::<Result<_>>()?,
        whole_groups: request.whole_groups,
        spare_validation: false,
        known: request.known.clone(),
        full_rows: request.full_rows,
        seed: run.seed,
    })
}

/// The corrupted sheet keeps the form of the original where that can be written.
fn extension(table: &Table) -> &'static str {
    let name = table.source().file_name.to_lowercase();
    if name.ends_with(".parquet") {
        "parquet"
    } else if [".xlsx", ".xls", ".xlsb", ".ods"].iter().any(|end| name.ends_with(end)) {
        "xlsx"
    } else {
        "csv"
    }
}

/// Writes corrupted sheet and flags side by side, the truth in a folder of its own.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write_injected(injected: &InjectedSheet, folder: &Path, corrupted: &str, notes: &mut Notes) -> Result<()> {
    injected.corrupted.write(&folder.join(corrupted), notes)?;
    injected.flags.write(&folder.join("flags.csv"), notes)?;
    injected.truth.write(&folder.join("truth").join("true-labels.csv"), notes)?;
    injected.affected.write(&folder.join("truth").join("affected-rows.csv"), notes)?;
    let summary = serde_json::to_vec_pretty(&injected.summary).map_err(|error| Error::internal(error.to_string()))?;
    files::write_bytes(&folder.join("truth").join("injection.json"), &summary)
}
