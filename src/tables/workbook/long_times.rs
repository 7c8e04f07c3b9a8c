//! Durations of a day and more in a format that shows times of day (`h:mm`): their cells come as days of January 1900, when nobody took orders.

use super::super::cells::{Cell, Cells, CellsBuilder};
use super::super::dates;
use super::super::text::clock_text;
use crate::notes::Notes;
use crate::tables::header::counted;

const DAY: i64 = 86_400_000_000;
/// Days from the beginning of Excel's calendar that are durations: 59, before its 29 February 1900, which never was.
const MOST_DAYS: i64 = 59;

/// The duration of a cell in seconds, where its day is one of the first of the calendar.
fn seconds_of(micros: i64, is_1904: bool) -> Option<f64> {
    let zero = if is_1904 {
        dates::days_from_civil(1904, 1, 1)
    } else {
        dates::days_from_civil(1899, 12, 31)
    };
    let since = micros - zero * DAY;
    (0..=MOST_DAYS * DAY).contains(&since).then_some(since as f64 / 1e6)
}

/// Whether a text is a time of day or a duration as cells with such a format come.
fn is_clock(text: &str) -> bool {
    text.split(':').count() == 3 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'-'))
}

/// Whether a column holds durations: its dates are all of the calendar's first days, not all of them whole ones, and what else it holds are times of day.
fn holds_durations(cells: &Cells, is_1904: bool) -> bool {
    let mut uneven = false;
    for cell in &cells.cells {
        match cell {
            Cell::Date(micros) if seconds_of(*micros, is_1904).is_some() => uneven |= micros % DAY != 0,
            Cell::Text(code) if is_clock(cells.text(*code)) => uneven = true,
            Cell::Blank | Cell::Error(_) => {}
            _ => return false,
        }
    }
    uneven
}

/// Turns the dates of such columns into durations (`36:15:00`), and says so.
pub(super) fn as_durations(columns: &mut [Cells], names: &[String], rows: &[u32], is_1904: bool, notes: &mut Notes) {
    for (cells, name) in columns.iter_mut().zip(names) {
        let is_date = |cell: &Cell| matches!(cell, Cell::Date(_));
        let Some(first) = cells.cells.iter().position(is_date) else {
            continue;
        };
        if !holds_durations(cells, is_1904) {
            continue;
        }
        let mut builder = CellsBuilder::default();
        for cell in &cells.cells {
            let cell = match cell {
                Cell::Date(micros) => builder.text_cell(&clock_text(seconds_of(*micros, is_1904).unwrap_or_default())),
                Cell::Text(code) => builder.text_cell(cells.text(*code)),
                other => *other,
            };
            builder.push(cell);
        }
        let count = cells.cells.iter().filter(|cell| is_date(cell)).count();
        *cells = builder.finish();
        notes.add(
            "long-times",
            format!(
                "{} of column `{name}` {} of a day and more in a format that shows times of day, the first in row {}",
                counted(count, "cell"),
                if count == 1 { "is a duration" } else { "are durations" },
                rows.get(first).copied().unwrap_or_default()
            ),
            "read as durations: Excel shows 36 hours as `12:00` in such a format, and as `36:00` in the format `[h]:mm`",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(serials: &[f64], is_1904: bool) -> Cells {
        let zero = if is_1904 {
            dates::days_from_civil(1904, 1, 1)
        } else {
            dates::days_from_civil(1899, 12, 31)
        };
        let mut builder = CellsBuilder::default();
        for serial in serials {
            let cell = if *serial < 1.0 {
                builder.text_cell(&clock_text(serial * 86_400.0))
            } else {
                Cell::Date(zero * DAY + (serial * DAY as f64) as i64)
            };
            builder.push(cell);
        }
        builder.finish()
    }

    #[test]
    fn times_of_day_beyond_a_day_are_durations() {
        for is_1904 in [false, true] {
            let mut columns = [column(&[0.25, 1.5, 2.0, 58.75], is_1904)];
            let mut notes = Notes::new();
            as_durations(&mut columns, &["Transit".to_owned()], &[2, 3, 4, 5], is_1904, &mut notes);
            let shown: Vec<&str> = (0..4).map(|code| columns[0].text(code)).collect();
            assert_eq!(shown, ["6:00:00", "36:00:00", "48:00:00", "1410:00:00"]);
            let told = &notes.iter().next().unwrap().found;
            assert!(
                told.contains("3 cells of column `Transit` are durations") && told.contains("row 3"),
                "{told}"
            );
        }
    }

    #[test]
    fn days_that_stand_for_none_stay_dates() {
        // 1900-01-01 in whole cells, and a column with dates of orders.
        for serials in [vec![1.0, 1.0], vec![1.5, 43_101.0], vec![0.25, 43_101.0]] {
            assert!(!holds_durations(&column(&serials, false), false), "{serials:?}");
        }
    }
}
