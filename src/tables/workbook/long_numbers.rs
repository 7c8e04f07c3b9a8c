//! Numbers of more than 15 digits: a workbook keeps them as floats, so that different ids may have become one.

use super::super::cells::{Cell, Cells, CellsBuilder};
use super::super::header::counted;
use crate::notes::Notes;

/// The first number of 16 digits, and the first whole number whose neighbour a float cannot tell from it.
const LONG: f64 = 1e15;
const INEXACT: f64 = 9_007_199_254_740_992.0;
/// So many numbers of 16 digits that all end in 0 are no chance: Excel keeps 15 digits.
const ENOUGH: usize = 8;

/// Whether a column of ids has lost digits: nearly all its numbers are whole and long, and none shows a digit that proves it exact.
fn is_rounded(cells: &Cells) -> bool {
    let numbers: Vec<f64> = cells
        .cells
        .iter()
        .filter_map(|cell| match cell {
            Cell::Number(number) => Some(number.abs()),
            Cell::Integer(number) => Some(number.unsigned_abs() as f64),
            _ => None,
        })
        .collect();
    let long: Vec<f64> = numbers.iter().copied().filter(|number| *number >= LONG).collect();
    if long.is_empty() || long.len() * 10 < numbers.len() * 9 || long.iter().any(|number| number.fract() != 0.0) {
        return false;
    }
    // Moments in nanoseconds are whole seconds, and those are exact in a float.
    if long.iter().all(|number| number % 1e9 == 0.0) {
        return false;
    }
    let inexact = long.iter().filter(|number| **number >= INEXACT).count();
    inexact > 0 || long.len() >= ENOUGH && long.iter().all(|number| number % 10.0 == 0.0)
}

/// Turns rounded numbers into texts as Excel shows them (`1.23456789012346E+17`), which no id equals, and says so.
pub(super) fn mark_rounded(columns: &mut [Cells], names: &[String], rows: &[u32], file_name: &str, notes: &mut Notes) {
    for (cells, name) in columns.iter_mut().zip(names) {
        if !is_rounded(cells) {
            continue;
        }
        let mut builder = CellsBuilder::default();
        let (mut count, mut first) = (0, None);
        for (row, cell) in cells.cells.iter().enumerate() {
            let number = match cell {
                Cell::Number(number) => *number,
                Cell::Integer(number) => *number as f64,
                _ => 0.0,
            };
            let cell = if number.abs() >= LONG {
                count += 1;
                first.get_or_insert(row);
                builder.text_cell(&as_excel_shows(number))
            } else {
                match cell {
                    Cell::Text(code) => builder.text_cell(cells.text(*code)),
                    other => *other,
                }
            };
            builder.push(cell);
        }
        *cells = builder.finish();
        let row = first.and_then(|row| rows.get(row)).copied().unwrap_or(0);
        notes.add(
            "rounded-numbers",
            format!(
                "column `{name}` of `{file_name}` holds {} of more than 15 digits, the first in row {row}: Excel keeps 15 digits, the others are lost, \
                 and different numbers may have become one",
                counted(count, "number")
            ),
            "no row is found by them; export the numbers as text",
        );
    }
}

/// A number with 15 digits and an exponent.
fn as_excel_shows(number: f64) -> String {
    let shown = format!("{number:.14E}");
    match shown.split_once('E') {
        Some((digits, exponent)) => format!("{digits}E+{exponent}"),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(numbers: &[f64]) -> Cells {
        Cells {
            cells: numbers.iter().map(|number| Cell::Number(*number)).collect(),
            texts: Vec::new(),
        }
    }

    #[test]
    fn only_ids_that_lost_digits_are_rounded() {
        assert!(is_rounded(&column(&[123_456_789_012_345_680.0, 123_456_789_012_345_700.0])));
        assert!(is_rounded(&column(&[1_234_567_890_123_450.0; 8])));
        assert!(!is_rounded(&column(&[1_234_567_890_123_450.0, 1_234_567_890_123_451.0])));
        assert!(!is_rounded(&column(&[123_456_789_012_345.0; 9])));
        assert!(!is_rounded(&column(&[1_514_764_800_000_000_000.0, 1_514_851_200_000_000_000.0])));
        // An amount among others is no id.
        assert!(!is_rounded(&column(&[5.0, 7.0, 1e17])));
    }

    #[test]
    fn rounded_numbers_are_shown_as_excel_does() {
        assert_eq!(as_excel_shows(123_456_789_012_345_680.0), "1.23456789012346E+17");
        let mut columns = vec![column(&[123_456_789_012_345_680.0, 123_456_789_012_345_700.0])];
        let mut notes = Notes::new();
        mark_rounded(&mut columns, &["Id".to_owned()], &[2, 3], "a.xls", &mut notes);
        assert!(notes.has("rounded-numbers"));
        assert_eq!(columns[0].text(0), "1.23456789012346E+17");
    }
}
