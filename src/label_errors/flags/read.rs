//! From a file of any form to a [`FlagFile`]: which column says what.

use std::collections::BTreeSet;
use std::path::Path;

use super::columns::{Columns, note_right};
use super::labels::LabelCodes;
use super::mask::{self, Mask};
use super::numbering::numpy_whole;
use super::verdicts::InSheet;
use super::{Addressing, Flag, FlagFile, Numbering, RowIndex};
use crate::error::Result;
use crate::features::LabelRule;
use crate::label_errors::Amount;
use crate::label_errors::proposals::{CORRECT_LABEL, LIKELIEST_LABEL};
use crate::notes::Notes;
use crate::tables::{ReadOptions, Table, Texts};

/// What the person stated about a flag file. All of it may be left out where the file speaks for itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FlagOptions {
    /// The column that names rows (`--key`): keys, group names, or row numbers if `numbering` is given.
    pub key: Option<String>,
    /// Where row numbers start (`--row-numbers`).
    pub numbering: Option<Numbering>,
    /// The column that says which lines are wrong (`--flag-column`): 1, true, yes, x, or 0, false, no, blank. `COLUMN=VALUE` flags the lines
    /// with this value there, `COLUMN=*` those with any.
    pub flag_column: Option<String>,
    /// The column with the label a row is said to have (`--given-column`); by default `given_label`.
    pub given_column: Option<String>,
    /// The column with the label a row should have (`--correct-column`); by default `correct_label`.
    pub correct_column: Option<String>,
    /// Flag lines whose score is at least as bad as this (`--score-cut`).
    pub score_cut: Option<f64>,
    /// Flag the lines with the worst scores (`--worst`): a count, or a share of the lines; the whole of them also where the file has no scores.
    pub worst: Option<Amount>,
    /// Whether keys that differ only in leading zeros, `.0`, spaces or case count as the same (`--loose-keys`).
    pub loose_keys: bool,
    /// What labels that are numbers mean (`--label-codes`).
    pub label_codes: Option<LabelCodes>,
}

/// A flag file with the table it came from.
#[derive(Debug, Clone)]
pub struct ReadFlags {
    /// The flags.
    pub file: FlagFile,
    /// All lines of the file; [`Flag::table_row`] is an index into it. Where it has the columns of the features, a repair needs no
    /// other data.
    pub table: Table,
}

impl ReadFlags {
    /// The lines of these flags (indices into [`FlagFile::flags`]) as a table of their own.
    pub fn rows(&self, flags: &[usize]) -> Table {
        let rows: Vec<usize> = flags.iter().filter_map(|flag| self.file.flags.get(*flag)?.table_row).collect();
        self.table.take(&rows)
    }

    /// Which of these columns the file lacks.
    pub fn missing_columns<'a>(&self, wanted: &[&'a str]) -> Vec<&'a str> {
        wanted.iter().copied().filter(|column| !self.table.has(column)).collect()
    }
}

/// Reads a flag file. `index` tells what the model's key and group columns are called; `label`, where given, computes the label of full
/// rows, which is then checked like a given label.
///
/// # Errors
/// Where the file cannot be read, a named column is not there, a cell is neither wrong nor fine, or it is not clear which lines are
/// flagged or how they name rows; the hint then lists the options to choose from.
pub fn read(
    path: &Path,
    read_options: &ReadOptions,
    options: &FlagOptions,
    index: &RowIndex,
    label: Option<&LabelRule>,
    notes: &mut Notes,
) -> Result<ReadFlags> {
    let mut reading = Notes::new();
    let table = crate::tables::read(path, read_options, &mut reading)?;
    read_noted(table, reading, options, index, (label, &|_| true), notes)
}

/// As [`from_table`], with the notes of reading the table; those that the flags show to be mistaken are left out.
pub(super) fn read_noted(
    table: Table,
    mut reading: Notes,
    options: &FlagOptions,
    index: &RowIndex,
    known: (Option<&LabelRule>, InSheet),
    notes: &mut Notes,
) -> Result<ReadFlags> {
    let mut own = Notes::new();
    let read = of_table(table, options, index, known, &mut own);
    if own.has("flags-without-header") {
        reading.drop("header-looks-like-data");
    }
    notes.extend(reading);
    notes.extend(own);
    read
}

/// As [`read`], from a table that is already there, such as the training sheet with a flag column in it.
///
/// # Errors
/// As [`read`].
pub fn from_table(
    table: Table,
    options: &FlagOptions,
    index: &RowIndex,
    label: Option<&LabelRule>,
    notes: &mut Notes,
) -> Result<ReadFlags> {
    of_table(table, options, index, (label, &|_| true), notes)
}

/// As [`from_table`], with what tells the columns of the sheet from those that only the flags have.
fn of_table(
    table: Table,
    options: &FlagOptions,
    index: &RowIndex,
    (label, in_sheet): (Option<&LabelRule>, InSheet),
    notes: &mut Notes,
) -> Result<ReadFlags> {
    let file_name = table.source().file_name.clone();
    read_table(&table, options, index, (label, in_sheet), notes)
        .map(|file| ReadFlags { file, table })
        .map_err(|error| error.in_file(&file_name))
}

fn read_table(
    table: &Table,
    options: &FlagOptions,
    index: &RowIndex,
    (label, in_sheet): (Option<&LabelRule>, InSheet),
    notes: &mut Notes,
) -> Result<FlagFile> {
    let columns = Columns { table, options };
    let rows_by = [index.key_column(), index.group_column()];
    if let Some(mask) = mask::find(&columns, index)? {
        return Ok(of_mask(table, &mask, notes));
    }
    let first_line = columns.header_that_is_a_flag(index, notes);
    let correct_column = match options.correct_column.as_deref() {
        None if columns.find(CORRECT_LABEL).is_none() => columns.correct_by_name(in_sheet, &rows_by, index.classes(), notes)?,
        stated => stated,
    };
    // Where each line has its correct label, the lines that are right show it.
    let marks = match columns.marks(notes)? {
        None if columns.every_line() => None,
        None if correct_column.is_none() && columns.find(CORRECT_LABEL).is_none() => {
            columns.verdicts(in_sheet, &rows_by, index.classes(), notes)?
        }
        marks => marks,
    };
    let (addressing, mut names) = columns.addressing(index, marks.is_some(), first_line.as_deref(), notes)?;
    let by_key = matches!(addressing, Addressing::Key { .. } | Addressing::Group { .. });
    if let Some(names) = names.as_mut().filter(|_| by_key) {
        numpy_keys(names);
    }
    let first_line = first_line.map(|name| numpy_whole(&name).filter(|_| by_key).unwrap_or(name));
    let given = columns.labels(options.given_column.as_deref(), "given_label")?;
    let correct = columns.labels(correct_column, CORRECT_LABEL)?;
    if let Some(column) = correct_column.filter(|_| options.correct_column.is_none()) {
        notes.add(
            "correct-column-found",
            format!("the column `{column}` of the flag file holds classes"),
            "read as the correct labels: lines where it is that of the sheet are not wrong; `--correct-column COLUMN` names another column",
        );
    }
    // In a sheet of proposals the word of a person wins over the likeliest label.
    let said = match options.correct_column.as_deref() {
        Some(LIKELIEST_LABEL) => columns.labels(None, CORRECT_LABEL)?,
        _ => None,
    };
    let computed = match (&given, label) {
        (None, Some(rule)) if rule.sources().iter().all(|column| table.has(column)) => Some(rule.labels(table, notes)?),
        _ => None,
    };
    let text = |texts: &Option<Texts>, row: usize| texts.as_ref().and_then(|texts| texts.get(row)).map(str::to_owned);
    let mut flags: Vec<Flag> = first_line
        .into_iter()
        .map(|name| Flag {
            name,
            line: table.source().header_row,
            ..Flag::default()
        })
        .collect();
    let mut fine: Vec<Flag> = Vec::new();
    for row in 0..table.height() {
        let name = names.as_ref().map(|names| names.get(row).unwrap_or_default());
        let flagged = marks.as_ref().is_none_or(|marks| marks[row]);
        let computed = computed
            .as_ref()
            .and_then(|labels| labels[row])
            .and_then(|class| index.classes().get(usize::from(class)).cloned());
        let line = Flag {
            name: name.map_or_else(|| row.to_string(), str::to_owned),
            line: table.row_number(row),
            table_row: Some(row),
            given: text(&given, row).or(computed),
            correct: text(&said, row).or_else(|| text(&correct, row)).filter(|_| flagged),
        };
        if flagged {
            flags.push(line);
        } else {
            fine.push(line);
        }
    }
    // Lines that name a whole order may well list some of its items as wrong and others as fine, but then the order is no name for them.
    let names_of_fine: BTreeSet<&str> = fine.iter().map(|line| line.name.as_str()).filter(|name| !name.is_empty()).collect();
    let contradicted = flags
        .iter()
        .map(|flag| flag.name.as_str())
        .filter(|name| names_of_fine.contains(name))
        .map(str::to_owned)
        .collect();
    Ok(FlagFile {
        file: table.source().file_name.clone(),
        sha256: table.source().sha256.clone(),
        addressing,
        sorted_by: columns.sorted_by(),
        perhaps_corrected: marks.is_none() && correct.is_none() && computed.is_some(),
        flags,
        fine,
        contradicted,
        loose_keys: options.loose_keys,
        label_codes: options.label_codes.clone(),
    })
}

/// The lines that a mask ticks.
fn of_mask(table: &Table, mask: &Mask, notes: &mut Notes) -> FlagFile {
    let above = usize::from(mask.headless);
    if mask.headless {
        notes.add(
            "flags-without-header",
            format!("the flag file has no header: its first line is `{}`", table.names()[0]),
            "the first line is taken as a line of the mask",
        );
    }
    notes.add(
        "mask",
        format!(
            "the flag file holds nothing but marks, one line for each of the {} rows of the sheet",
            mask.ticked.len()
        ),
        format!("{} rows are taken as flagged", mask.ticked.iter().filter(|ticked| **ticked).count()),
    );
    if mask.inverted {
        note_right(&table.names()[0], notes);
    }
    let (mut flags, mut fine) = (Vec::new(), Vec::new());
    for (row, ticked) in mask.ticked.iter().enumerate() {
        let table_row = row.checked_sub(above);
        let line = Flag {
            name: row.to_string(),
            line: table_row.map_or(table.source().header_row, |row| table.row_number(row)),
            table_row,
            ..Flag::default()
        };
        if *ticked {
            flags.push(line);
        } else {
            fine.push(line);
        }
    }
    FlagFile {
        file: table.source().file_name.clone(),
        sha256: table.source().sha256.clone(),
        addressing: Addressing::LineByLine { lines: mask.ticked.len() },
        flags,
        fine,
        contradicted: BTreeSet::new(),
        sorted_by: None,
        perhaps_corrected: false,
        loose_keys: false,
        label_codes: None,
    }
}

/// Keys that numpy's `savetxt` wrote as `1.000500000000000000e+04` are what they were: 10005.
fn numpy_keys(names: &mut Texts) {
    let whole: Option<Vec<String>> = names.values.iter().map(|text| numpy_whole(text)).collect();
    if let Some(whole) = whole {
        names.values = whole;
    }
}

#[cfg(test)]
mod tests;
