//! Excel workbooks: numbers as numbers, dates as dates, every text as a text.

use std::collections::BTreeMap;

use rust_xlsxwriter::{DataValidation, DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::typed::{self, Typed};
use super::{WriteOptions, plain_number, points_are_decimal, text_of};
use crate::error::{Error, ErrorKind, Result};
use crate::files;
use crate::tables::column::{CellView, Column};
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
pub(super) fn to_bytes(table: &Table, options: &WriteOptions) -> Result<Vec<u8>> {
    // The writer keeps rows in a temporary file, and panics where the disk takes no more of it.
    caught(|| build(table, options)).unwrap_or_else(|message| {
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

fn build(table: &Table, options: &WriteOptions) -> Result<Vec<u8>> {
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
    files::check_clock()?;
    let mut book = Workbook::new();
    // A fixed date, so that the same table gives the same bytes.
    let created = ExcelDateTime::from_ymd(2000, 1, 1).map_err(failed)?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&created));
    let sheet = book.add_worksheet_with_low_memory().map_err(failed)?;
    if let Some(name) = &table.source().sheet {
        // A name that Excel refuses leaves the usual one.
        let _ = sheet.set_name(name);
    }
    fill(sheet, table, options)?;
    for_people(sheet, table, options)?;
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

/// A filter, and lists to choose from.
fn for_people(sheet: &mut Worksheet, table: &Table, options: &WriteOptions) -> Result<()> {
    /// Excel's bound on a list to choose from that is written out.
    const LONGEST_LIST: usize = 255;
    let (Some(last), rows) = (table.width().checked_sub(1), table.height() as u32) else {
        return Ok(());
    };
    if options.filter {
        sheet.autofilter(0, 0, rows.max(1), last as u16).map_err(failed)?;
    }
    for (name, choices) in &options.choices {
        let Some(column) = table.names().iter().position(|column| column == name) else {
            continue;
        };
        let written: usize = choices.iter().map(|choice| choice.encode_utf16().count() + 1).sum();
        // A list that Excel cannot hold, or whose commas it would cut at, is left out: the cells take any text.
        if rows == 0 || choices.is_empty() || written > LONGEST_LIST || choices.iter().any(|choice| choice.contains([',', '"'])) {
            continue;
        }
        let list = DataValidation::new()
            .allow_list_strings(choices)
            .map_err(failed)?
            .show_error_message(false);
        sheet
            .add_data_validation(1, column as u16, rows, column as u16, &list)
            .map_err(failed)?;
    }
    Ok(())
}

fn fill(sheet: &mut Worksheet, table: &Table, options: &WriteOptions) -> Result<()> {
    let formats = Formats {
        header: Format::new().set_bold(),
        day: Format::new().set_num_format("yyyy-mm-dd"),
        moment: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
        decimals: (1..=DIGITS)
            .map(|count| (count, Format::new().set_num_format(format!("0.{}", "0".repeat(count)))))
            .collect(),
    };
    sheet.set_freeze_panes(1, 0).map_err(failed)?;
    let columns = table.columns();
    for (column, name) in table.names().iter().enumerate() {
        let widest = (0..table.height().min(50))
            .filter_map(|row| columns[column].get(row).shown().map(|shown| shown.chars().count()))
            .chain([name.chars().count()])
            .max();
        let width = widest.unwrap_or(8).clamp(6, 40) as f64 + 2.0;
        sheet.set_column_width(column as u16, width).map_err(failed)?;
        check_length(name, table, None, name)?;
        sheet
            .write_string_with_format(0, column as u16, name, &formats.header)
            .map_err(failed)?;
    }
    let decimal: Vec<bool> = columns.iter().map(|column| points_are_decimal(table, column)).collect();
    let typed: Vec<Typed> = (0..table.width())
        .map(|column| match options.typed_columns {
            true => typed::of(table, column, &columns[column]),
            false => Typed::ByCell,
        })
        .collect();
    for row in 0..table.height() {
        for (column, points) in decimal.iter().enumerate() {
            match &typed[column] {
                Typed::ByCell => write_cell(sheet, table, row, (column, &columns[column]), *points, &formats)?,
                Typed::Texts => write_text(sheet, table, row, (column, &columns[column]))?,
                Typed::Numbers(numbers) => {
                    if let Some(number) = numbers.get(row).copied().flatten() {
                        sheet.write_number(row as u32 + 1, column as u16, number).map_err(failed)?;
                    }
                }
                Typed::Dates(dates) => {
                    if let Some(seconds) = dates.get(row).copied().flatten() {
                        write_date(sheet, row, column, seconds * 1_000_000, &formats)?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// Microseconds since 1970 as a day or a moment.
fn write_date(sheet: &mut Worksheet, row: usize, column: usize, micros: i64, formats: &Formats) -> Result<()> {
    let serial = (micros - EPOCH) as f64 / 86_400_000_000.0;
    let format = if micros.rem_euclid(86_400_000_000) == 0 {
        &formats.day
    } else {
        &formats.moment
    };
    sheet
        .write_number_with_format(row as u32 + 1, column as u16, serial, format)
        .map_err(failed)?;
    Ok(())
}

/// The cell as the text that it is.
fn write_text(sheet: &mut Worksheet, table: &Table, row: usize, (column, cells): (usize, &Column)) -> Result<()> {
    if let Some(text) = cells.get(row).shown() {
        check_length(&text, table, Some(row), &table.names()[column])?;
        sheet.write_string(row as u32 + 1, column as u16, text).map_err(failed)?;
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

fn write_cell(
    sheet: &mut Worksheet,
    table: &Table,
    row: usize,
    (column, cells): (usize, &Column),
    points: bool,
    formats: &Formats,
) -> Result<()> {
    let (line, place) = (row as u32 + 1, column as u16);
    let view = cells.get(row);
    let written = match &view {
        CellView::Blank => return Ok(()),
        CellView::Bool(truth) => sheet.write_boolean(line, place, *truth),
        CellView::Number(number) if number.is_nan() => return Ok(()),
        CellView::Number(number) if number.is_finite() => sheet.write_number(line, place, *number),
        // Beyond 15 digits Excel would round a whole number.
        CellView::Integer(number) if number.unsigned_abs() < 1_000_000_000_000_000 => sheet.write_number(line, place, *number as f64),
        CellView::Date(micros) if (FIRST_DAY..=LAST_DAY).contains(micros) && micros % 1000 == 0 => {
            return write_date(sheet, row, column, *micros, formats);
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
