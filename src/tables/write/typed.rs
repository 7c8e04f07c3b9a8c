//! One type for every column of a workbook that people go on working with.

use super::super::column::Column;
use super::super::kind::ColumnKind;
use super::super::table::Table;
use super::super::text::{is_missing_value, trimmed};
use super::{plain_number, points_are_decimal, text_of};
use crate::notes::Notes;

/// How the cells of a column are written.
pub(super) enum Typed {
    /// Each as what it is: no text among them needs another.
    ByCell,
    /// All as numbers.
    Numbers(Vec<Option<f64>>),
    /// All as dates, in seconds since 1970.
    Dates(Vec<Option<i64>>),
    /// All as texts.
    Texts,
}

/// Digits that a workbook keeps.
const DIGITS: usize = 15;
/// The days that a workbook counts alike everywhere: from 1900-03-01 to 9999-12-31.
const DAYS: std::ops::RangeInclusive<i64> = -2_203_891_200..=253_402_300_799;

/// How to write a column: texts become numbers or dates only where all of them do and nothing about them is in doubt.
pub(super) fn of(table: &Table, column: usize, cells: &Column) -> Typed {
    let Some(name) = table.names().get(column) else {
        return Typed::ByCell;
    };
    let points = points_are_decimal(table, cells);
    let (mut texts, mut others, mut plain, mut padded) = (0_usize, 0_usize, 0_usize, false);
    for row in 0..table.height() {
        let view = cells.get(row);
        let Some(text) = text_of(&view) else {
            others += usize::from(view.shown().is_some());
            continue;
        };
        let text = trimmed(text);
        if text.is_empty() || is_missing_value(text) {
            continue;
        }
        texts += 1;
        plain += usize::from(plain_number(text, points, DIGITS).is_some());
        let digits = text.trim_start_matches('-');
        let many = digits.bytes().filter(u8::is_ascii_digit).count() > DIGITS;
        padded |= many || digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    }
    // Numbers among texts, or all cells of one type already.
    if texts == 0 || texts == plain || others > 0 {
        return Typed::ByCell;
    }
    let filled = |row: usize| {
        let view = cells.get(row);
        view.shown().is_some_and(|text| !trimmed(&text).is_empty())
    };
    let mut doubts = Notes::new();
    match table.kind(name) {
        Ok(ColumnKind::Number) if !padded => match table.numbers(name, &mut doubts) {
            Ok(numbers) if doubts.iter().all(|note| note.code == "decimal-comma") && all_read(&numbers, &filled) => Typed::Numbers(numbers),
            _ => Typed::Texts,
        },
        Ok(ColumnKind::Date) => match table.dates(name, None, &mut doubts) {
            Ok(dates) if doubts.is_empty() && all_read(&dates, &filled) && dates.iter().flatten().all(|date| DAYS.contains(date)) => {
                Typed::Dates(dates)
            }
            _ => Typed::Texts,
        },
        _ => Typed::Texts,
    }
}

fn all_read<T>(values: &[Option<T>], filled: &dyn Fn(usize) -> bool) -> bool {
    values.iter().enumerate().all(|(row, value)| value.is_some() || !filled(row))
}
