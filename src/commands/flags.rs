//! The rows that a flag file or a corrected sheet names, for a person to look at before a repair.

use std::path::Path;

use super::SheetSource;
use super::repair::{FlagsOf, WrongRows};
use crate::error::Result;
use crate::label_errors::flags::{FlagOptions, Part};
use crate::model::ModelFolder;
use crate::notes::Notes;
use crate::tables::ReadOptions;

/// Which rows are named.
pub struct FlaggedSheet<'a> {
    /// Model folder.
    pub model: &'a Path,
    /// A flag file, or a corrected sheet.
    pub wrong: WrongRows<'a>,
    /// How to read a flag file.
    pub flag_options: FlagOptions,
    /// The sheet that the model was trained on.
    pub sheet: SheetSource<'a>,
    /// How to read the sheets.
    pub reading: ReadOptions,
}

/// A row that is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlaggedRow {
    /// Its number in the sheet.
    pub sheet_row: usize,
    /// The label that it has.
    pub given: Option<String>,
    /// The correct label, where one is stated.
    pub correct: Option<String>,
}

/// Reads which rows are named, in the order of the sheet, without repairing anything.
///
/// # Errors
/// Where model, flags or sheets cannot be used.
pub fn flagged_rows(request: &FlaggedSheet) -> Result<(Vec<FlaggedRow>, Notes)> {
    let mut notes = Notes::new();
    let (model, _) = ModelFolder::load(request.model)?;
    let table = request.sheet.read(&request.reading, &mut notes)?;
    let flags = FlagsOf {
        wrong: request.wrong,
        options: &request.flag_options,
        worksheet: None,
        reading: &request.reading,
        index: &model.rows,
        label: &model.profile.label,
        inputs: model.features.source_columns(),
        sheet: Some((request.sheet, &table)),
        sheet_columns: model.sheet_columns(),
    };
    let (_, resolved) = flags.find(&mut notes)?;
    let class = |label: u8| model.info.classes.get(usize::from(label)).cloned();
    let mut rows: Vec<FlaggedRow> = resolved
        .training
        .iter()
        .map(|flag| FlaggedRow {
            sheet_row: flag.sheet_row,
            given: class(flag.observed),
            correct: flag.correction.and_then(class),
        })
        .collect();
    // Rows to judge by are named as well: they must not count as truth.
    for (part, positions) in [(Part::Validation, &resolved.validation), (Part::Test, &resolved.test)] {
        let entries = model.rows.part(part);
        rows.extend(
            positions
                .iter()
                .filter_map(|position| entries.get(*position as usize))
                .map(|entry| FlaggedRow {
                    sheet_row: entry.sheet_row as usize,
                    given: entry.label.and_then(class),
                    correct: None,
                }),
        );
    }
    rows.sort_by_key(|row| row.sheet_row);
    Ok((rows, notes))
}
