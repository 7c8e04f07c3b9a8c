//! Dates of several files that write day and month in different orders.

use super::{DateColumn, DateOrder, dates, items, order};
use crate::error::Result;
use crate::notes::Notes;
use crate::tables::exceptions;
use crate::tables::several::{PartOfFile, note_by_file};

/// A column read file by file: in the order that its own dates show, else in that of the file's other dates.
pub(super) fn dates_of_files(parts: &[PartOfFile], name: &str, height: usize, notes: &mut Notes) -> Result<DateColumn> {
    let mut seconds = vec![None; height];
    let mut further = vec![0; height];
    let mut words = Vec::new();
    let mut ambiguous = false;
    for part in parts {
        let column = part.table.column(name)?;
        let items = items(&column, part.table.height(), part.table.source());
        let shown = match order::evident(&items) {
            None => part.shown.dates.filter(|order| order::fits(&items, *order)),
            Some(_) => None,
        };
        ambiguous |= items.iter().any(order::has_two_readings);
        let read = dates(&part.table, &column, name, shown, notes)?;
        for (place, row) in part.rows.iter().enumerate() {
            seconds[*row] = read.seconds[place];
            further[*row] = read.further_days.as_ref().map_or(0, |days| days[place]);
        }
        words.extend(part.words(&read.exceptions));
    }
    if ambiguous {
        note_by_file(
            parts,
            "date-orders-by-file",
            "dates",
            |shown| shown.dates.map(DateOrder::described),
            notes,
        );
    }
    Ok(DateColumn {
        exceptions: (!words.is_empty()).then(|| exceptions::collect(height, words.into_iter())),
        further_days: further.iter().any(|days| *days > 0).then_some(further),
        seconds,
    })
}
