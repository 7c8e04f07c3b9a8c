//! Days counted from the beginning of a year: `2018-032` (ISO 8601), and as numbers `2018032`, `118032` (century since 1900, year, day, as JD Edwards
//! stores dates).

use super::order::resolve;
use super::parse::{Form, Parsed, civil_from_days, days_from_civil};
use super::{DateOrder, Item};
use crate::tables::column::{CellView, Column};
use crate::tables::text::trimmed;

/// Years between the first and the last of such numbers, at most.
const MOST_YEARS: i64 = 60;
/// Share of the numbers that must be dates in one order.
const NEARLY_ALL: f64 = 0.9;

/// The day of a year as days since 1970; `None` where the year has no such day.
fn days(year: i64, day: u32) -> Option<i64> {
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
    // Of the years before 2000 JD Edwards has five digits, which spreadsheets' day counts have as well.
    let year = if number < 1_000_000 { year + 1900 } else { year };
    let far = number < 1_000_000 && year >= 2060;
    days(year, day).filter(|_| !far)
}

/// Whether all numbers are days of a year, of years not far from each other, and are not as well read as dates without marks (`180131`).
pub(crate) fn are_days_of_years(numbers: impl Iterator<Item = f64> + Clone) -> bool {
    let Some(of_years) = numbers.clone().map(of_number).collect::<Option<Vec<i64>>>() else {
        return false;
    };
    let span = |days: &[i64]| Some(days.iter().max()? - days.iter().min()?);
    let Some(span_of_years) = span(&of_years) else { return false };
    let dates = [DateOrder::DayFirst, DateOrder::MonthFirst, DateOrder::YearFirst]
        .into_iter()
        .any(|order| {
            let read: Vec<i64> = numbers.clone().filter_map(|number| without_marks(number, order)).collect();
            let nearly_all = read.len() as f64 >= NEARLY_ALL * of_years.len() as f64;
            // The day of a year, taken for a year, is any of a century: what lies closer together is what was meant.
            nearly_all && span(&read).is_some_and(|span| span <= span_of_years)
        });
    span_of_years <= MOST_YEARS * 366 && !dates
}

/// A number as day, month and year without marks, in days since 1970.
fn without_marks(number: f64, order: DateOrder) -> Option<i64> {
    let found = super::run_together(number)?;
    let Form::Numbers { first, second, third, .. } = found.form else {
        return None;
    };
    let (year, month, day) = resolve(first, second, third, found.short_year, order)?;
    Some(days_from_civil(year, month, day))
}

/// Reads the numbers of a column as days of years where they are.
pub(super) fn settle(column: &Column, items: &mut [Item]) {
    let of_numbers = |parsed: &Parsed| matches!(parsed.form, Form::Numbers { .. });
    let bare = |item: &Item| match item {
        Item::Text(parsed) => of_numbers(parsed),
        other => matches!(other, Item::Unreadable),
    };
    let number = |row: usize| match column.get(row) {
        CellView::Integer(number) => Some(number as f64),
        CellView::Number(number) => Some(number),
        CellView::Text(text) => {
            let text = trimmed(&text).trim_start_matches('\'');
            let digits = matches!(text.len(), 6 | 7) && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        }
        _ => None,
    };
    // Ends at the first text such as `1/2/2018`.
    let rows = (0..items.len()).filter(|row| bare(&items[*row]));
    let numbers: Option<Vec<(usize, f64)>> = rows.map(|row| Some((row, number(row)?))).collect();
    let of_years = numbers.filter(|numbers| are_days_of_years(numbers.iter().map(|(_, number)| *number)));
    for (row, number) in of_years.into_iter().flatten() {
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
        // 12 January 2031 or 2012 as well.
        assert!(!are_days_of_years([120_131.0].into_iter()));
        assert!(are_days_of_years([118_131.0, 119_131.0].into_iter()));
        assert!(!are_days_of_years([119_131.0, 7.0].into_iter()));
        assert!(!are_days_of_years([1_950_100.0, 2_018_032.0].into_iter()));
        // Every day of 2021 is one of the 12th month as well, of any year; the first quarter of 2012 is one of 2012, or of the year 112.
        assert!(are_days_of_years((1..=365).map(|day| f64::from(121_000 + day))));
        // January 2021 alone is October 2012 as well.
        assert!(!are_days_of_years((1..=28).map(|day| f64::from(121_000 + day))));
        assert!(!are_days_of_years(
            (1..=3).flat_map(|month| (1..=28).map(move |day| f64::from(120_000 + month * 100 + day)))
        ));
    }
}
