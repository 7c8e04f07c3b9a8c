//! Numbers of several files that write decimals with different marks.

use super::decide::{self, evidence_of};
use super::{DecimalMark, NumberColumn, conversion, mark_shown, may_be_one_currency, multiplied, numbers};
use crate::error::Result;
use crate::notes::Notes;
use crate::tables::exceptions;
use crate::tables::several::{PartOfFile, note_by_file};
use crate::tables::table::Table;

/// A column read file by file: by the mark that its own numbers show, else by that of the file's other numbers. `None` where one file holds durations
/// and another does not, or their units cannot be told in one another: such a column is looked at whole.
pub(super) fn numbers_of_files(parts: &[PartOfFile], name: &str, height: usize, notes: &mut Notes) -> Result<Option<NumberColumn>> {
    let mut own = Notes::new();
    let mut values = vec![None; height];
    let mut words = Vec::new();
    let (mut hours, mut measured, mut marked) = (Vec::new(), false, false);
    let mut unit: Option<String> = None;
    for part in parts {
        let column = part.table.column(name)?;
        let read = numbers(&part.table, &column, name, part.shown.decimal, &mut own)?;
        marked |= mark_shown(&part.table, &column).is_some();
        measured |= read.measured;
        let factor = match (&read.unit, &unit) {
            (Some(own), Some(first)) => match conversion(own, first) {
                Some(factor) => factor,
                None if may_be_one_currency(own, first) => 1.0,
                None => {
                    note_other_unit(&part.table, name, [own, first], notes);
                    return Ok(None);
                }
            },
            _ => 1.0,
        };
        unit = unit.or(read.unit);
        if read.values.iter().any(Option::is_some) {
            hours.push(read.hours);
        }
        for (place, row) in part.rows.iter().enumerate() {
            values[*row] = read.values[place].map(|value| multiplied(value, factor));
        }
        words.extend(part.words(&read.exceptions));
    }
    hours.dedup();
    if hours.len() > 1 {
        return Ok(None);
    }
    // What it says of one file is said of all of them here.
    own.drop("decimal-comma");
    notes.extend(own);
    if marked {
        note_by_file(
            parts,
            "decimal-marks-by-file",
            "decimals",
            |shown| shown.decimal.map(DecimalMark::described),
            notes,
        );
    }
    Ok(Some(NumberColumn {
        values,
        exceptions: (!words.is_empty()).then(|| exceptions::collect(height, words.into_iter())),
        hours: hours == [true],
        measured,
        unit,
    }))
}

/// Says that the number formats of one of several workbooks show another unit; where the cells hold it, reading the whole column tells.
fn note_other_unit(table: &Table, name: &str, [own, first]: [&str; 2], notes: &mut Notes) {
    if table.source().shown_units.contains_key(name) {
        notes.add(
            "mixed-formats",
            format!(
                "the cells of column `{name}` show `{own}` by their formats in `{}` and `{first}` in another file",
                table.source().file_name
            ),
            "nothing was converted: the numbers were taken as they are stored, check them",
        );
    }
}

/// Says which of several files would be read with the other mark by itself: none of its numbers shows which it is.
///
/// # Errors
/// Where the column is not there.
pub(super) fn note_undecided_files(table: &Table, name: &str, mark: DecimalMark, notes: &mut Notes) -> Result<()> {
    let mut undecided = Vec::new();
    for part in table.parts_by_file(name)? {
        let column = part.table.column(name)?;
        let evidence = evidence_of(&column, part.table.height());
        let open = evidence.ambiguous() > 0 && evidence.verdict().is_none();
        if open && decide::alone(&part.table, &evidence).mark != mark {
            undecided.push(format!("`{}`", part.table.source().file_name));
        }
    }
    if !undecided.is_empty() {
        notes.add(
            "ambiguous-files",
            format!(
                "no number of column `{name}` in {} shows whether its marks separate thousands or decimals",
                undecided.join(", ")
            ),
            format!(
                "read as in the other files, decimals {}; read that file alone with `--decimal` if it is written otherwise",
                mark.described()
            ),
        );
    }
    Ok(())
}
