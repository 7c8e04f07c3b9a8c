//! What is said of cells that hold no number.

use crate::error::Error;
use crate::tables::column::{CellView, Column};
use crate::tables::header::counted;
use crate::tables::limits::EXCEPTION_SHARE;
use crate::tables::table::{Table, shortened};

pub(super) fn unreadable_error(table: &Table, column: &Column, name: &str, unreadable: &[usize], filled: usize) -> Error {
    let first = unreadable.first().copied().unwrap_or_default();
    let cell = column.get(first);
    let shown = shortened(&cell.shown().unwrap_or_default());
    let hint = if matches!(cell, CellView::Date(_)) {
        "this column holds dates; name it as the time column or leave it out".to_owned()
    } else if unreadable.len() * 2 > filled {
        format!(
            "most of column `{name}` is text: treat it as categories, or leave it out ({} unreadable)",
            counted(unreadable.len(), "cell")
        )
    } else {
        format!(
            "correct or empty the cell; {} in all {} unreadable; up to 1 % of the filled cells would be taken as missing, \
             and words in up to {:.0} % of a column with many different numbers",
            counted(unreadable.len(), "cell"),
            if unreadable.len() == 1 { "is" } else { "are" },
            100.0 * EXCEPTION_SHARE
        )
    };
    table.at(Error::input(format!("`{shown}` is not a number")), first, name).hint(hint)
}
