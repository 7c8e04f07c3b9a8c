//! Days counted from the beginning of a year: `2018-032` (ISO 8601), and as numbers `2018032`, `118032` (century since 1900, year, day, as JD Edwards
//! stores dates).

use super::Item;
use super::parse::{Form, Parsed, civil_from_days, days_from_civil};
use super::words::Tongue;
use crate::tables::column::{CellView, Column};
use crate::tables::text::trimmed;

/// Years between the first and the last of such numbers, at most.
const MOST_YEARS: i64 = 60;

/// The day of a year as days since 1970; `None` where the year has no such day.
pub(super) fn days(year: i64, day: u32) -> Option<i64> {
    let year = i32::try_from(year).ok()?;
    let first = days_from_civil(year, 1, 1);
    let length = days_from_civil(year + 1, 1, 1) - first;
    ((1950..2100).contains(&year) && (1..=length).contains(&i64::from(day))).then(|| first + i64::from(day) - 1)
}

/// The same as a date.
pub(super) fn parsed(year: i64, day: u32) -> Option<(u32, u32, u32)> {
    let (year, month, day) = civil_from_days(days(year, day)?);
    Some((u32::try_from(year).ok()?, month, day))
}

/// A number as the day of a year, in days since 1970.
fn of_number(number: f64) -> Option<i64> {
    if number.fract() != 0.0 || !(100_001.0..2_100_000.0).contains(&number) {
        return None;
    }
    let number = number as u32;
    let (year, day) = (i64::from(number / 1000), number % 1000);
    // From 1960 on JD Edwards writes five digits (60001), which are spreadsheets' day counts as well: read are the years from 2000 on.
    let year = if number < 1_000_000 { year + 1900 } else { year };
    days(year, day)
}

/// Whether all numbers are days of a year, of years not far from each other, and not all of them are dates of day, month and year without marks.
pub(crate) fn are_days_of_years(numbers: impl Iterator<Item = f64>) -> bool {
    let (mut any, mut only) = (false, false);
    let (mut first, mut last) = (i64::MAX, i64::MIN);
    for number in numbers {
        let Some(day) = of_number(number) else { return false };
        any = true;
        only |= super::run_together(number).is_none_or(|found| !super::is_date(found));
        (first, last) = (first.min(day), last.max(day));
    }
    any && only && last - first <= MOST_YEARS * 366
}

/// Reads the numbers of a column as days of years where they are.
pub(super) fn settle(column: &Column, items: &mut [Item]) {
    // Numbers that are no dates otherwise.
    if !items.iter().any(|item| matches!(item, Item::Unreadable)) {
        return;
    }
    let without_marks = |parsed: &Parsed| matches!(parsed.form, Form::Numbers { .. }) && parsed.tongue == Tongue::Unknown;
    let bare = |item: &Item| match item {
        Item::Text(parsed) => without_marks(parsed),
        other => matches!(other, Item::Unreadable),
    };
    let number = |row: usize| match column.get(row) {
        CellView::Integer(number) => Some(number as f64),
        CellView::Number(number) => Some(number),
        CellView::Text(text) => {
            let text = trimmed(&text).trim_start_matches('\'').to_owned();
            let digits = matches!(text.len(), 6 | 7) && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        }
        _ => None,
    };
    let rows: Vec<usize> = (0..items.len()).filter(|row| bare(&items[*row])).collect();
    let numbers: Option<Vec<f64>> = rows.iter().map(|row| number(*row)).collect();
    let Some(numbers) = numbers.filter(|numbers| are_days_of_years(numbers.iter().copied())) else {
        return;
    };
    for (row, number) in rows.into_iter().zip(numbers) {
        if let Some(days) = of_number(number) {
            items[row] = Item::DayOfYear(days * 86_400);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_years_are_read_as_iso_8601_and_jd_edwards_count_them() {
        assert_eq!(parsed(2018, 32), Some((2018, 2, 1)));
        assert_eq!(parsed(2020, 366), Some((2020, 12, 31)));
        assert_eq!((parsed(2018, 366), parsed(2018, 0)), (None, None));
        assert_eq!(of_number(118_032.0), of_number(2_018_032.0));
        assert_eq!(of_number(118_032.0), Some(days_from_civil(2018, 2, 1)));
        for none in [99_365.0, 118_000.0, 118_400.0, 118_032.5, 2_118_001.0] {
            assert_eq!(of_number(none), None, "{none}");
        }
        // 12 January 2031 or 2012 as well, and so no day of a year for certain; with another that can be nothing else, both are.
        assert!(!are_days_of_years([120_131.0].into_iter()));
        assert!(are_days_of_years([120_131.0, 119_131.0].into_iter()));
        assert!(!are_days_of_years([119_131.0, 7.0].into_iter()));
        assert!(!are_days_of_years([1_950_100.0, 2_018_032.0].into_iter()));
    }
}
