//! A column of durations or times of day as hours.

use std::collections::BTreeSet;

use super::{NumberColumn, Quick, durations, parse};
use crate::notes::Notes;
use crate::tables::cells::CellsBuilder;
use crate::tables::column::{CellView, Column};
use crate::tables::exceptions::{self, Different, Mix};
use crate::tables::table::{Table, shortened};
use crate::tables::text::{is_missing_value, trimmed};
use crate::tables::unreadable::note_unreadable;

/// A column of times of day with a point, `08.30`, with colons in place of the points; `None` where it is another.
///
/// They look like decimals. Those have no zero before a digit in front, and of two decimals four tenths are 60 and more: of a dozen different ones all are
/// below in one of 500 columns.
pub(super) fn with_colons(column: &Column, height: usize) -> Option<Column> {
    const DIFFERENT: usize = 12;
    const LOOKED_AT: usize = 20;
    let is_clock = |text: &str| match text.as_bytes() {
        b"24.00" => true,
        [hours @ .., b'.', tens, ones] if matches!(hours.len(), 1 | 2) && hours.iter().all(u8::is_ascii_digit) => {
            (hours.len() == 1 || hours < &b"24"[..]) && (b'0'..b'6').contains(tens) && ones.is_ascii_digit()
        }
        // In the other rows of another file, say.
        _ => text.contains(':') && durations::seconds(text).is_some(),
    };
    let texts = || {
        (0..height).filter_map(|row| match column.get(row) {
            CellView::Text(text) => Some(trimmed(&text).to_owned()).filter(|text| !text.is_empty() && !is_missing_value(text)),
            CellView::Blank | CellView::Error(_) => None,
            _ => Some(String::new()),
        })
    };
    // The first few tell most columns.
    if !texts().take(LOOKED_AT).all(|text| is_clock(&text)) {
        return None;
    }
    let mut different: BTreeSet<String> = BTreeSet::new();
    let mut padded = false;
    for text in texts() {
        if !is_clock(&text) {
            return None;
        }
        padded |= text.starts_with('0') && !text.starts_with("00") && text.len() == 5 && text.contains('.');
        if different.len() < DIFFERENT {
            different.insert(text);
        }
    }
    if different.len() < DIFFERENT || !padded {
        return None;
    }
    let mut builder = CellsBuilder::with_capacity(height);
    for row in 0..height {
        match column.get(row) {
            CellView::Text(text) if text.contains(':') => builder.push_text(trimmed(&text)),
            CellView::Text(text) => builder.push_text(&trimmed(&text).replacen('.', ":", 1)),
            cell => builder.push_view(&cell),
        }
    }
    Some(builder.finish().into_column())
}

/// The column as hours, where at least half of its filled cells are durations or times of day and all others are words.
pub(super) fn hours(table: &Table, column: &Column, name: &str, cells: &[Quick], notes: &mut Notes) -> Option<NumberColumn> {
    if is_ledger(column, cells) {
        return None;
    }
    let (mut mix, mut different) = (Mix::default(), Different::default());
    let (mut below_a_day, mut zeros) = (true, 0);
    let mut values = vec![None; cells.len()];
    let mut rest = Vec::new();
    for (row, (cell, value)) in cells.iter().zip(&mut values).enumerate() {
        match cell {
            Quick::Missing | Quick::Marked | Quick::NotFinite => continue,
            // No time at all may be written as 0.
            Quick::Value(0.0) => {
                zeros += 1;
                *value = Some(0.0);
                continue;
            }
            Quick::Value(_) | Quick::Maybe(_) => {
                mix.others += 1;
                rest.push(row);
                // A column of numbers is told soon.
                if mix.values == 0 && mix.others > 1000 {
                    return None;
                }
                continue;
            }
            Quick::Odd => {}
        }
        let CellView::Text(text) = column.get(row) else {
            mix.others += 1;
            rest.push(row);
            continue;
        };
        match durations::seconds(&text) {
            Some(seconds) => {
                mix.values += 1;
                below_a_day &= (0.0..86_400.0).contains(&seconds);
                different.see(seconds.to_bits());
                *value = Some(seconds / 3600.0);
            }
            None => {
                if exceptions::is_exception(&text) {
                    mix.exceptions += 1;
                } else {
                    mix.others += 1;
                }
                rest.push(row);
            }
        }
        if mix.values == 0 && mix.others + mix.exceptions > 1000 {
            return None;
        }
    }
    mix.differ = different.enough();
    if mix.values == 0 || !(mix.nearly_all_values() || mix.values_with_exceptions()) {
        return None;
    }
    let texts = rest
        .iter()
        .map(|row| (*row, column.get(*row).shown().unwrap_or_default().into_owned()));
    let texts = exceptions::collect(cells.len(), texts);
    let filled = mix.values + zeros + rest.len();
    if rest.is_empty() {
    } else if mix.nearly_all_values() {
        note_unreadable(table, (column, name), &rest, ("unreadable-numbers", "number"), notes);
    } else {
        exceptions::note(name, "duration", &texts, filled, notes);
    }
    let found = if below_a_day {
        "times of day or durations below a day"
    } else {
        "durations"
    };
    notes.add(
        "hours",
        format!("column `{name}` holds {found} such as `{}`", example(column, &values)),
        "read as hours: `36:15` is 36.25, `08:30` is 8.5, a day is 24",
    );
    Some(NumberColumn {
        values,
        exceptions: (!mix.nearly_all_values()).then_some(texts),
        hours: true,
        measured: true,
        unit: None,
    })
}

/// Whether `H` and `S` behind the amounts of a column are credits and debits: hours and seconds have other units and small letters beside them.
fn is_ledger(column: &Column, cells: &[Quick]) -> bool {
    let (mut credits, mut debits) = (false, false);
    for (row, cell) in cells.iter().enumerate() {
        if *cell == Quick::Odd
            && let CellView::Text(text) = column.get(row)
        {
            match parse::soll_or_haben(trimmed(&text)) {
                Some(true) => credits = true,
                Some(false) => debits = true,
                None if durations::seconds(&text).is_some() => return false,
                None => {}
            }
        }
    }
    credits && debits
}

/// The first cell with a value other than 0.
fn example(column: &Column, values: &[Option<f64>]) -> String {
    let row = values
        .iter()
        .position(|value| value.is_some_and(|value| value != 0.0))
        .unwrap_or_default();
    shortened(&column.get(row).shown().unwrap_or_default())
}
