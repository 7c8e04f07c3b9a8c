//! Which sheet of a workbook holds the rows, where nobody says: the first visible one, unless that is a cover, a note, a pivot or a list to look things up
//! in, and another sheet has many times the rows.

use super::Book;
use crate::error::Result;
use crate::notes::Notes;
use crate::tables::header::counted;
use crate::tables::read::ReadOptions;
use crate::tables::table::Table;

/// A first sheet of more rows is taken as it is.
const FEW: usize = 60;
/// Another sheet must have as many times the rows, and as many rows, to be read in its place.
const TIMES: usize = 4;
const MANY: usize = 20;
/// Sheets that are looked into.
const SHEETS: usize = 12;

/// The first sheet, or the sheet of a workbook that holds the rows in its place. `first`: the first sheet as a table, or why it is none.
///
/// # Errors
/// Where the first sheet is no table and no other has the rows.
pub(super) fn of(book: &mut Book<'_>, first: Result<Table>, visible: &[String], options: &ReadOptions, notes: &mut Notes) -> Result<Table> {
    let rows = first.as_ref().map_or(0, Table::height);
    if rows > FEW || visible.len() < 2 || options.header_row.is_some() {
        return first;
    }
    let of_first = first
        .as_ref()
        .ok()
        .and_then(|table| table.source().sheet.clone())
        .or_else(|| visible.first().cloned());
    let mut best: Option<(Table, Notes)> = None;
    for sheet in visible.iter().filter(|sheet| Some(*sheet) != of_first.as_ref()).take(SHEETS) {
        let options = ReadOptions {
            sheet: Some(sheet.clone()),
            ..options.clone()
        };
        let mut own = Notes::new();
        if let Ok((Ok(table), _)) = book.table(&options, &mut own)
            && best.as_ref().is_none_or(|(known, _)| table.height() > known.height())
        {
            best = Some((table, own));
        }
    }
    let is_larger =
        |table: &Table| table.width() > 1 && table.height() >= MANY && table.height() >= TIMES * rows && !is_same_table(&first, table);
    let (Some((table, own)), Some(name)) = (best.filter(|(table, _)| is_larger(table)), of_first) else {
        return first;
    };
    let chosen = table.source().sheet.clone().unwrap_or_default();
    *notes = own;
    notes.add(
        "other-sheets",
        format!(
            "`{}` has several sheets, and the first, `{name}`, is not the one with the rows",
            table.source().file_name
        ),
        format!(
            "read `{chosen}` with its {}; `--sheet \"{name}\"` reads the first",
            counted(table.height(), "row")
        ),
    );
    Ok(table)
}

/// Whether the first sheet has the columns of the other: then it is a short table of the same kind, such as next week's orders before all of them.
fn is_same_table(first: &Result<Table>, other: &Table) -> bool {
    let Ok(first) = first else { return false };
    let shared = first.names().iter().filter(|name| other.has(name)).count();
    first.width() > 2 && shared * 10 >= first.width() * 6
}
