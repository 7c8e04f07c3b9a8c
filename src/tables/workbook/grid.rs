//! The filled cells of a workbook's sheet, whatever parser they come from.

use std::collections::BTreeMap;

use calamine::{CellErrorType, DataRef, ExcelDateTime};

use super::super::cells::{Cell, CellsBuilder};
use super::super::csv::with_thousands;
use super::super::header::{self, counted};
use super::super::limits::{BYTES_OF_A_CELL, MAX_CELL_BYTES, MAX_COLUMNS, MAX_WORKBOOK_CELLS};
pub(super) use super::super::package::damaged;
use super::super::{dates, guard, text};
use crate::error::{Error, Result};
use crate::memory;
use crate::notes::Notes;

pub(super) fn locked() -> Error {
    Error::input("the workbook is locked with a password")
        .hint("open it in Excel and save a copy without the password (File, Info, Protect Workbook)")
}

/// The filled cells of a sheet: rows and columns without a filled cell are left out.
#[derive(Default)]
pub(super) struct Grid {
    /// Row numbers as the person sees them, from 1.
    pub(super) rows: Vec<u32>,
    pub(super) columns: BTreeMap<u32, CellsBuilder>,
    pub(super) errors: usize,
    pub(super) first_error: Option<(u32, u32)>,
    pub(super) formulas: Formulas,
}

/// Formulas, by what the file stores as their results.
#[derive(Default)]
pub(super) struct Formulas {
    count: usize,
    /// Without a stored result, and the place of the first.
    pub(super) unanswered: usize,
    first_unanswered: Option<(u32, u32)>,
    /// With the result 0, and the place of the first.
    zero: usize,
    first_zero: Option<(u32, u32)>,
    pub(super) to_be_calculated: bool,
}

impl Formulas {
    pub(super) fn see(&mut self, (row, column): (u32, u32), value: &DataRef<'_>) {
        self.count += 1;
        let place = (row.saturating_add(1), column);
        match value {
            DataRef::Empty => {
                self.unanswered += 1;
                self.first_unanswered.get_or_insert(place);
            }
            DataRef::Int(0) => {
                self.zero += 1;
                self.first_zero.get_or_insert(place);
            }
            DataRef::Float(number) if *number == 0.0 => {
                self.zero += 1;
                self.first_zero.get_or_insert(place);
            }
            _ => {}
        }
    }

    /// Says where results are missing or were never calculated.
    pub(super) fn note(&self, file_name: &str, notes: &mut Notes) {
        let place = |(row, column): (u32, u32)| format!("{}{row}", header::letters(column as usize));
        if let Some(first) = self.first_unanswered {
            notes.add(
                "formulas-without-results",
                format!(
                    "{} in `{file_name}` have no stored result, the first in {}: the file was made by a program that does not calculate",
                    counted(self.unanswered, "formula"),
                    place(first)
                ),
                "taken as blank; open the file in Excel and save it, then read it again",
            );
        }
        // Some programs store 0 for every formula and ask Excel to calculate; one other result shows that somebody did.
        if let Some(first) = self.first_zero
            && self.to_be_calculated
            && self.zero + self.unanswered == self.count
        {
            notes.add(
                "formulas-never-calculated",
                format!(
                    "{} in `{file_name}` have the stored result 0, the first in {}, and none has another: \
                     the file was made by a program that does not calculate",
                    counted(self.zero, "formula"),
                    place(first)
                ),
                "taken as 0, as stored; open the file in Excel and save it, then read it again",
            );
        }
    }
}

impl Grid {
    /// Adds a cell; cells come row by row.
    pub(super) fn push(&mut self, (row, column): (u32, u32), value: Value<'_>) -> Result<()> {
        if matches!(value, Value::Blank) {
            return Ok(());
        }
        let number = row.saturating_add(1);
        match self.rows.last() {
            Some(last) if *last == number => {}
            Some(last) if *last > number => return Err(damaged("its rows are out of order")),
            _ => self.rows.push(number),
        }
        if column as usize >= MAX_COLUMNS {
            return Err(damaged("it has cells beyond the last column a sheet can have"));
        }
        let height = self.rows.len();
        if self.columns.len().saturating_mul(height) > MAX_WORKBOOK_CELLS {
            return Err(
                Error::input(format!("the sheet has more than {} cells", with_thousands(MAX_WORKBOOK_CELLS)))
                    .hint("save it as CSV or Parquet, which take less room"),
            );
        }
        if height.is_power_of_two() {
            memory::check_values(
                self.columns.len().saturating_mul(height),
                BYTES_OF_A_CELL,
                "the cells of the sheet",
                "leave out columns or rows that are not needed",
            )?;
        }
        let builder = self.columns.entry(column).or_default();
        if builder.len() >= height {
            return Err(damaged("it holds one cell twice"));
        }
        builder.pad(height - 1);
        let cell = match value {
            Value::Blank => return Ok(()),
            Value::Text(text) if text.contains('\0') => {
                return Err(Error::input("a cell holds a NUL character, which text never does")
                    .at_row(number as usize)
                    .in_column(header::letters(column as usize))
                    .hint("the file is damaged or was written by a faulty program; open it in Excel, clear that cell and save it again"));
            }
            Value::Text(text) if text.len() > MAX_CELL_BYTES => {
                return Err(Error::input(format!(
                    "a cell of {} bytes; Excel holds 32,767 characters and Recant reads up to {}",
                    with_thousands(text.len()),
                    with_thousands(MAX_CELL_BYTES)
                ))
                .at_row(number as usize)
                .in_column(header::letters(column as usize))
                .hint("shorten the text in that cell or leave the column out"));
            }
            Value::Text(text) => match guard::constant(text) {
                Some(shown) => builder.text_cell(&shown),
                None => builder.text_cell(text),
            },
            Value::Typed(cell) => cell,
        };
        if matches!(cell, Cell::Error(_)) {
            self.errors += 1;
            self.first_error.get_or_insert((number, column));
        }
        builder.push(cell);
        Ok(())
    }
}

pub(super) enum Value<'a> {
    Blank,
    Text(&'a str),
    Typed(Cell),
}

impl Grid {
    /// Adds a cell as a parser gives it.
    pub(super) fn push_value(&mut self, place: (u32, u32), value: &DataRef<'_>) -> Result<()> {
        let grid = self;
        match value {
            DataRef::Int(number) => grid.push(place, Value::Typed(Cell::Integer(*number))),
            DataRef::Float(number) => grid.push(place, Value::Typed(Cell::Number(*number))),
            DataRef::String(text) => grid.push(place, Value::Text(text)),
            DataRef::SharedString(text) => grid.push(place, Value::Text(text)),
            DataRef::Bool(truth) => grid.push(place, Value::Typed(Cell::Bool(*truth))),
            DataRef::DateTime(moment) => push_moment(grid, place, *moment),
            DataRef::DateTimeIso(text) => push_iso(grid, place, text),
            DataRef::DurationIso(text) => push_duration(grid, place, text),
            DataRef::Error(error) => grid.push(place, Value::Typed(Cell::Error(error_text(error)))),
            DataRef::Empty => grid.push(place, Value::Blank),
        }
    }
}

pub(super) fn error_text(error: &CellErrorType) -> &'static str {
    match error {
        CellErrorType::Div0 => "#DIV/0!",
        CellErrorType::NA => "#N/A",
        CellErrorType::Name => "#NAME?",
        CellErrorType::Null => "#NULL!",
        CellErrorType::Num => "#NUM!",
        CellErrorType::Ref => "#REF!",
        CellErrorType::Value => "#VALUE!",
        CellErrorType::GettingData => "#GETTING_DATA",
    }
}

/// A cell with a date format: a date, a time of day or a duration; a number where the calendar has no such day.
pub(super) fn push_moment(grid: &mut Grid, place: (u32, u32), moment: ExcelDateTime) -> Result<()> {
    const LAST_DAY: f64 = 2_958_466.0;
    let serial = moment.as_f64();
    if !(0.0..LAST_DAY).contains(&serial) && !moment.is_duration() {
        return grid.push(place, Value::Typed(Cell::Number(serial)));
    }
    if moment.is_duration() || serial < 1.0 {
        return grid.push(place, Value::Text(&text::clock_text(serial * 86_400.0)));
    }
    match moment.as_datetime() {
        Some(moment) => grid.push(place, Value::Typed(Cell::Date(moment.and_utc().timestamp_micros()))),
        None => grid.push(place, Value::Typed(Cell::Number(serial))),
    }
}

/// OpenDocument writes dates as ISO text.
pub(super) fn push_iso(grid: &mut Grid, place: (u32, u32), value: &str) -> Result<()> {
    match dates::iso_micros(value) {
        Some(micros) => grid.push(place, Value::Typed(Cell::Date(micros))),
        None => grid.push(place, Value::Text(value)),
    }
}

/// `PT22H56M00S` as `22:56:00`.
pub(super) fn push_duration(grid: &mut Grid, place: (u32, u32), value: &str) -> Result<()> {
    let seconds = value.strip_prefix("PT").and_then(|rest| {
        let (hours, rest) = rest.split_once('H')?;
        let (minutes, rest) = rest.split_once('M')?;
        let seconds = rest.strip_suffix('S')?.replace(',', ".");
        Some(hours.parse::<f64>().ok()? * 3600.0 + minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
    });
    match seconds {
        Some(seconds) => grid.push(place, Value::Text(&text::clock_text(seconds))),
        None => grid.push(place, Value::Text(value)),
    }
}
