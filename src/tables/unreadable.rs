//! Cells that do not hold what their column holds.

use super::column::Column;
use super::header::counted;
use super::table::{Table, shortened};
use crate::notes::Notes;

/// Tells of cells of a column that hold no number (or date) and were taken as missing.
pub(super) fn note_unreadable(
    table: &Table,
    (column, name): (&Column, &str),
    unreadable: &[usize],
    (code, what): (&'static str, &str),
    notes: &mut Notes,
) {
    let first = unreadable.first().copied().unwrap_or_default();
    let shown = shortened(&column.get(first).shown().unwrap_or_default());
    let hold = if unreadable.len() == 1 { "holds" } else { "hold" };
    notes.add(
        code,
        format!(
            "{} of column `{name}` {hold} no {what}, the first in row {}: `{shown}`",
            counted(unreadable.len(), "cell"),
            table.row_number(first)
        ),
        "taken as missing (up to 1 % of the filled cells, or two of a short column)",
    );
}
