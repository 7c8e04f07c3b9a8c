//! A corrected sheet as flags: the rows whose label is another one there than the model was trained with, each with its correction.

mod matching;

use matching::{by_key, refuse_other_rows};

use super::columns::folded;
use super::{Addressing, Flag, FlagFile, Numbering, ReadFlags, ResolvedFlags, RowIndex, resolve};
use crate::error::{Error, Result};
use crate::features::LabelRule;
use crate::notes::{Notes, rows_have};
use crate::tables::Table;

/// Of the cells beside the label, how many may differ between two sheets whose rows are matched by their order.
const MAY_DIFFER: f64 = 0.01;

/// Finds the rows of a corrected sheet whose label differs from the one that the model was trained with. Rows are matched by the model's key
/// column; without one by their order, which `sheet`, the training sheet, must confirm.
///
/// # Errors
/// Where the label cannot be computed, the rows cannot be matched, or none differs.
pub fn find_corrected(
    corrected: Table,
    index: &RowIndex,
    label: &LabelRule,
    sheet: Option<&Table>,
    notes: &mut Notes,
) -> Result<(ReadFlags, ResolvedFlags)> {
    let name = corrected.source().file_name.clone();
    let wanted: Vec<&str> = label.sources().into_iter().chain(index.key_column()).collect();
    let corrected = with_names(corrected, &wanted, notes)?;
    let found = differing(&corrected, index, label, sheet, notes).map_err(|error| error.in_file(&name))?;
    let read = ReadFlags {
        file: found,
        table: corrected,
    };
    let mut resolved = resolve(&read.file, index, notes)?;
    resolved.counts.addressed_by = format!(
        "rows with another label in the corrected sheet, by {}",
        resolved.counts.addressed_by
    );
    Ok((read, resolved))
}

fn differing(corrected: &Table, index: &RowIndex, label: &LabelRule, sheet: Option<&Table>, notes: &mut Notes) -> Result<FlagFile> {
    for source in label.sources() {
        corrected.require(source)?;
    }
    let labels = label.labels(corrected, notes)?;
    let entries = match index.key_column() {
        Some(key) => {
            let found = by_key(corrected, key, index, (&labels, &label.sources(), sheet), notes)?;
            refuse_other_rows(corrected, &found, &label.sources(), (key, index), sheet)?;
            found
        }
        None => by_order(corrected, index, label, sheet)?,
    };
    let keys = index.key_column().map(|key| corrected.texts(key)).transpose()?;
    // A key that names several rows cannot say which of them differs.
    let repeated = keys.as_ref().is_some_and(|keys| keys.counts().iter().any(|count| *count > 1));
    let class = |label: u8| index.classes().get(usize::from(label)).cloned();
    let mut flags = Vec::new();
    let mut unknown = 0;
    for (row, entry) in entries.iter().enumerate() {
        let Some(entry) = entry.map(|entry| index.entries()[entry]) else {
            continue;
        };
        let Some(observed) = entry.label else { continue };
        if labels[row] == Some(observed) {
            continue;
        }
        unknown += usize::from(labels[row].is_none());
        let key = keys.as_ref().filter(|_| !repeated).and_then(|keys| keys.get(row));
        flags.push(Flag {
            name: key.map_or_else(|| entry.sheet_row.to_string(), str::to_owned),
            line: corrected.row_number(row),
            table_row: Some(row),
            given: class(observed),
            correct: labels[row].and_then(class),
        });
    }
    if flags.is_empty() {
        return Err(Error::input(
            "no row of the corrected sheet has another label than the model was trained with, so nothing is to be repaired",
        )
        .hint("correct the cells that the label is made from"));
    }
    notes.add(
        "corrected-sheet",
        format!(
            "the label of {} in `{}` differs from the one that the model was trained with",
            rows(flags.len()),
            corrected.source().file_name
        ),
        if unknown > 0 {
            format!(
                "taken as flagged, with the label there as the correct one; {} no label there and so no correct one",
                rows_have(unknown)
            )
        } else {
            "taken as flagged, with the label there as the correct one".to_owned()
        },
    );
    note_same_class(corrected, &entries, &labels, index, label, sheet, notes)?;
    let by_names = keys.filter(|_| !repeated).and(index.key_column());
    Ok(FlagFile {
        file: corrected.source().file_name.clone(),
        sha256: corrected.source().sha256.clone(),
        addressing: match by_names {
            Some(key) => Addressing::Key { column: key.to_owned() },
            None => Addressing::RowNumbers {
                numbering: Some(Numbering::Sheet),
            },
        },
        flags,
        fine: Vec::new(),
        contradicted: Default::default(),
        sorted_by: None,
        perhaps_corrected: false,
        loose_keys: false,
        label_codes: None,
    })
}

fn rows(count: usize) -> String {
    format!("{count} {}", if count == 1 { "row" } else { "rows" })
}

/// The sheet with the columns that are looked for under the names that the model knows, where they differ in case, blanks and dashes only.
fn with_names(mut corrected: Table, wanted: &[&str], notes: &mut Notes) -> Result<Table> {
    for name in wanted {
        let same: Vec<String> = corrected
            .names()
            .iter()
            .filter(|own| folded(own) == folded(name))
            .cloned()
            .collect();
        if let ([own], false) = (same.as_slice(), corrected.has(name)) {
            corrected = corrected.with_made(name, corrected.column(own)?)?.without(&[own.as_str()]);
            notes.add(
                "columns-by-other-names",
                format!("`{}` has no column `{name}` but `{own}`", corrected.source().file_name),
                "taken for it",
            );
        }
    }
    Ok(corrected)
}

/// Rows matched by their order, where everything but the label says that it is the same.
fn by_order(corrected: &Table, index: &RowIndex, label: &LabelRule, sheet: Option<&Table>) -> Result<Vec<Option<usize>>> {
    let need_key = "train with a key column (`--key COLUMN`), by which rows can be matched";
    let sheet = sheet.ok_or_else(|| {
        Error::input("the model was trained without a key column, so a corrected sheet is matched with its rows by their order").hint(
            format!("give the sheet that the model was trained on, to see that the order is the same: `--data SHEET`; or {need_key}"),
        )
    })?;
    let height = index.entries().len();
    if corrected.height() != height || sheet.height() != height {
        return Err(Error::input(format!(
            "the model was trained without a key column, so rows are matched by their order; but the corrected sheet has {} rows, `{}` has {} and the model knows {height}",
            corrected.height(),
            sheet.source().file_name,
            sheet.height()
        ))
        .hint(format!("correct cells only, and leave all rows in place; or {need_key}")));
    }
    let sources = label.sources();
    let (mut cells, mut other) = (0_usize, 0_usize);
    for column in corrected
        .names()
        .iter()
        .filter(|name| sheet.has(name) && !sources.contains(&name.as_str()))
    {
        let (own, known) = (corrected.texts(column)?, sheet.texts(column)?);
        cells += height;
        other += (0..height).filter(|row| own.get(*row) != known.get(*row)).count();
    }
    if cells == 0 || other as f64 > MAY_DIFFER * cells as f64 {
        return Err(Error::input(format!(
            "the rows of the corrected sheet are not in the order of `{}`: {other} of {cells} cells beside the label differ",
            sheet.source().file_name
        ))
        .hint(format!("correct cells only, and leave all rows in place; or {need_key}")));
    }
    Ok((0..height).map(|row| index.at_table_row(row)).collect())
}

/// Notes corrections that leave the class what it was.
fn note_same_class(
    corrected: &Table,
    entries: &[Option<usize>],
    labels: &[Option<u8>],
    index: &RowIndex,
    label: &LabelRule,
    sheet: Option<&Table>,
    notes: &mut Notes,
) -> Result<()> {
    let Some(sheet) = sheet.filter(|sheet| sheet.height() == index.entries().len()) else {
        return Ok(());
    };
    let mut changed = vec![false; corrected.height()];
    for source in label.sources().into_iter().filter(|source| sheet.has(source)) {
        let (own, known) = (corrected.texts(source)?, sheet.texts(source)?);
        for (row, entry) in entries.iter().enumerate() {
            let Some(entry) = entry.map(|entry| index.entries()[entry]) else {
                continue;
            };
            changed[row] |= entry.label.is_some() && entry.label == labels[row] && own.get(row) != known.get(entry.table_row as usize);
        }
    }
    let same = changed.iter().filter(|changed| **changed).count();
    if same > 0 {
        notes.add(
            "corrected-same-class",
            format!("{} other values in the corrected sheet that give the same class", rows_have(same)),
            "their label was not wrong: they are not flagged",
        );
    }
    Ok(())
}
