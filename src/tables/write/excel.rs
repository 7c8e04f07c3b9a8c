//! Excel workbooks: numbers as numbers, dates as dates, every text as a text.

use std::collections::BTreeMap;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::{plain_number, points_are_decimal, text_of};
use crate::error::{Error, ErrorKind, Result};
use crate::tables::column::CellView;
use crate::tables::csv::with_thousands;
use crate::tables::limits::{MAX_COLUMNS, MAX_EXCEL_ROWS};
use crate::tables::panics::caught;
use crate::tables::table::Table;

/// Excel keeps this many digits of a number.
const DIGITS: usize = 15;
/// UTF-16 units of one cell.
const MAX_TEXT: usize = 32_767;
/// 1900-03-01: before it Excel's calendar has a day that never was.
const FIRST_DAY: i64 = -2_203_891_200_000_000;
/// 9999-12-31 23:59:59.
const LAST_DAY: i64 = 253_402_300_799_000_000;
/// 1899-12-30, from which Excel counts days, in microseconds since 1970.
const EPOCH: i64 = -2_209_161_600_000_000;

fn failed(error: XlsxError) -> Error {
    match error {
        XlsxError::IoError(error) => Error::io("write", std::path::Path::new("a temporary file"), &error),
        other => Error::internal(format!("the Excel writer failed: {other}")),
    }
}

/// The workbook's bytes; the same for the same table.
///
/// # Errors
/// Where an Excel sheet cannot hold the table.
pub(super) fn to_bytes(table: &Table) -> Result<Vec<u8>> {
    // The writer keeps rows in a temporary file, and panics where the disk takes no more of it.
    caught(|| build(table)).unwrap_or_else(|message| {
        let folder = std::env::temp_dir();
        let full = ["No space left", "StorageFull", "FileTooLarge", "QuotaExceeded"];
        Err(if full.iter().any(|sign| message.contains(sign)) {
            let message =
                "cannot write the rows of a workbook into a temporary file: the disk is full, or a limit of this session is reached";
            Error::new(ErrorKind::Io, message)
                .in_file(&folder)
                .hint("free some space there, name another folder in the variable TMPDIR, or write .csv or .parquet")
        } else {
            Error::internal(format!("the Excel writer gave up: {message}"))
        })
    })
}

fn build(table: &Table) -> Result<Vec<u8>> {
    if table.height() + 1 > MAX_EXCEL_ROWS || table.width() > MAX_COLUMNS {
        return Err(Error::input(format!(
            "the table has {} rows and {} columns; an Excel sheet holds {} rows and {} columns",
            with_thousands(table.height()),
            with_thousands(table.width()),
            with_thousands(MAX_EXCEL_ROWS - 1),
            with_thousands(MAX_COLUMNS)
        ))
        .hint("write .csv or .parquet instead"));
    }
    let mut book = Workbook::new();
    // A fixed date, so that the same table gives the same bytes.
    let created = ExcelDateTime::from_ymd(2000, 1, 1).map_err(failed)?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&created));
    let sheet = book.add_worksheet_with_low_memory().map_err(failed)?;
    if let Some(name) = &table.source().sheet {
        // A name that Excel refuses leaves the usual one.
        let _ = sheet.set_name(name);
    }
    fill(sheet, table)?;
    book.save_to_buffer().map_err(failed)
}

/// The formats of the sheet, made once.
struct Formats {
    header: Format,
    day: Format,
    moment: Format,
    /// By number of decimals.
    decimals: BTreeMap<usize, Format>,
}

fn fill(sheet: &mut Worksheet, table: &Table) -> Result<()> {
    let formats = Formats {
        header: Format::new().set_bold(),
        day: Format::new().set_num_format("yyyy-mm-dd"),
        moment: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
        decimals: (1..=DIGITS)
            .map(|count| (count, Format::new().set_num_format(format!("0.{}", "0".repeat(count)))))
            .collect(),
    };
    sheet.set_freeze_panes(1, 0).map_err(failed)?;
    for (column, name) in table.names().iter().enumerate() {
        let widest = (0..table.height().min(50))
            .filter_map(|row| table.view(row, column).shown().map(|shown| shown.chars().count()))
            .chain([name.chars().count()])
            .max();
        let width = widest.unwrap_or(8).clamp(6, 40) as f64 + 2.0;
        sheet.set_column_width(column as u16, width).map_err(failed)?;
        check_length(name, table, None, name)?;
        sheet
            .write_string_with_format(0, column as u16, name, &formats.header)
            .map_err(failed)?;
    }
    let decimal: Vec<bool> = (0..table.width()).map(|column| points_are_decimal(table, column)).collect();
    for row in 0..table.height() {
        for (column, points) in decimal.iter().enumerate() {
            write_cell(sheet, table, row, column, *points, &formats)?;
        }
    }
    Ok(())
}

fn check_length(text: &str, table: &Table, row: Option<usize>, name: &str) -> Result<()> {
    if text.len() <= MAX_TEXT || text.encode_utf16().count() <= MAX_TEXT {
        return Ok(());
    }
    let error = Error::input(format!(
        "a text is longer than the {} characters an Excel cell holds",
        with_thousands(MAX_TEXT)
    ));
    let error = match row {
        Some(row) => error.at_row(table.row_number(row)),
        None => error,
    };
    Err(error
        .in_column(crate::tables::table::shortened(name))
        .hint("write .csv or .parquet instead"))
}

fn write_cell(sheet: &mut Worksheet, table: &Table, row: usize, column: usize, points: bool, formats: &Formats) -> Result<()> {
    let (line, place) = (row as u32 + 1, column as u16);
    let view = table.view(row, column);
    let written = match &view {
        CellView::Blank => return Ok(()),
        CellView::Bool(truth) => sheet.write_boolean(line, place, *truth),
        CellView::Number(number) if number.is_nan() => return Ok(()),
        CellView::Number(number) if number.is_finite() => sheet.write_number(line, place, *number),
        // Beyond 15 digits Excel would round a whole number.
        CellView::Integer(number) if number.unsigned_abs() < 1_000_000_000_000_000 => sheet.write_number(line, place, *number as f64),
        CellView::Date(micros) if (FIRST_DAY..=LAST_DAY).contains(micros) && micros % 1000 == 0 => {
            let serial = (micros - EPOCH) as f64 / 86_400_000_000.0;
            let format = if micros.rem_euclid(86_400_000_000) == 0 {
                &formats.day
            } else {
                &formats.moment
            };
            sheet.write_number_with_format(line, place, serial, format)
        }
        other => match text_of(other) {
            Some(text) => match plain_number(text, points, DIGITS) {
                Some(number) => {
                    let trailing = text.ends_with('0').then(|| text.split_once('.')).flatten();
                    match trailing.and_then(|(_, fraction)| formats.decimals.get(&fraction.len())) {
                        Some(format) => sheet.write_number_with_format(line, place, number, format),
                        None => sheet.write_number(line, place, number),
                    }
                }
                None => {
                    check_length(text, table, Some(row), &table.names()[column])?;
                    sheet.write_string(line, place, text)
                }
            },
            None => sheet.write_string(line, place, other.shown().unwrap_or_default()),
        },
    };
    written.map(|_| ()).map_err(failed)
}
