//! What is said of cells that hold no date.

use super::Item;
use super::order::Orders;
use super::parse::Form;
use crate::error::Error;
use crate::tables::column::Column;
use crate::tables::table::{Table, shortened};

pub(super) fn unreadable_error(
    table: &Table,
    column: &Column,
    name: &str,
    unreadable: &[usize],
    items: &[Item],
    filled: usize,
    orders: &Orders,
) -> Error {
    let first = unreadable.first().copied().unwrap_or_default();
    let shown = shortened(&column.get(first).shown().unwrap_or_default());
    let hint = if let Some(Item::Text(parsed)) = items.get(first) {
        let mark = match parsed.form {
            Form::Numbers { separator, .. } => separator,
            _ => b'/',
        };
        format!(
            "column `{name}` was read {}, {}; `--dates dmy`, `--dates mdy` or `--dates ymd` states another order",
            orders.described(mark),
            orders.reason
        )
    } else if unreadable.len() * 2 > filled {
        format!("most of column `{name}` is no date; name another time column")
    } else {
        "write it as 2018-01-31 or 2018-01-31 22:56, or empty the cell".to_owned()
    };
    table.at(Error::input(format!("`{shown}` is not a date")), first, name).hint(hint)
}
