//! The records of a finished run as tables: what the studies share, and `timings.csv`.

use std::io::{self, Write};
use std::path::Path;

use polars::prelude::{Column, DataFrame, NamedFrom, PolarsError, Series};
use polars_io::parquet::write::{BatchedWriter, ParquetWriter};

use super::folder::RunFolder;
use super::study::Study;
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::tables::Table;

/// Rows of a row group in a Parquet file: bounds memory.
const ROW_GROUP: usize = 65_536;

/// A cell of a table; an absent value is an empty cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A text.
    Text(Option<String>),
    /// A whole number.
    Whole(Option<i64>),
    /// A number.
    Number(Option<f64>),
}

/// A row of a table: names of the columns and what stands in them, in order. All rows of a table have the same names.
pub type Cells = Vec<(&'static str, Value)>;

/// A text.
pub fn text(text: impl Into<String>) -> Value {
    Value::Text(Some(text.into()))
}

/// A count.
pub fn whole(number: impl Into<i64>) -> Value {
    Value::Whole(Some(number.into()))
}

/// A count that may be absent.
pub fn maybe<N: Into<i64>>(number: Option<N>) -> Value {
    Value::Whole(number.map(Into::into))
}

/// A part as a share of the whole; absent where the whole is nothing.
pub fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

/// Writes the tables of a run and its timings if every unit is there. Returns whether it did.
///
/// # Errors
/// Where a unit is damaged or the folder cannot be written.
pub(super) fn write<S: Study>(folder: &RunFolder<S>, progress: &dyn Progress) -> Result<bool> {
    for unit in folder.units()? {
        if folder.records(&unit)?.is_none() {
            return Ok(false);
        }
    }
    // Of several shards that end together, the last one to come here sees everything.
    let _tables = folder.alone("tables", progress)?;
    let write = || {
        S::tables(folder)?;
        timings(folder)
    };
    write().map_err(|error| folder.resumable(error))?;
    Ok(true)
}

fn timings<S: Study>(folder: &RunFolder<S>) -> Result<()> {
    let mut rows: Vec<Cells> = Vec::new();
    let rounded = |seconds: f64| Value::Number(Some((seconds * 1e3).round() / 1e3));
    for unit in folder.units()? {
        let timings = folder.timings(&unit).unwrap_or_default();
        let parts = timings.stages.iter().map(|(part, seconds)| (part.as_str(), *seconds));
        for (part, seconds) in std::iter::once(("all", timings.seconds)).chain(parts) {
            rows.push(vec![
                ("unit", text(&unit.name)),
                ("models", whole(timings.models)),
                ("threads", Value::Whole(i64::try_from(timings.threads).ok())),
                ("part", text(part)),
                ("seconds", rounded(seconds)),
            ]);
        }
    }
    csv_file(folder, "timings.csv", &mut rows.into_iter().map(Ok))
}

/// Writes rows as a CSV file of the run folder.
///
/// # Errors
/// Where a row cannot be had or written.
pub fn csv_file<S: Study>(folder: &RunFolder<S>, name: &str, rows: &mut Rows<'_>) -> Result<()> {
    folder.write(name, |writer| write_csv(&folder.path().join(name), rows, writer))
}

/// Writes rows as a Parquet file of the run folder.
///
/// # Errors
/// Where a row cannot be had or written.
pub fn parquet_file<S: Study>(folder: &RunFolder<S>, name: &str, rows: &mut Rows<'_>) -> Result<()> {
    folder.write(name, |writer| write_parquet(&folder.path().join(name), rows, writer))
}

/// Rows as a table, for studies of few rows.
///
/// # Errors
/// Only by a fault of ours.
pub fn table(name: &str, rows: &[Cells]) -> Result<Table> {
    let mut table = Table::new(name, rows.len());
    for (place, (column, first)) in rows.first().into_iter().flatten().enumerate() {
        let cells = rows.iter().map(|row| &row[place].1);
        table = match first {
            Value::Text(_) => table.with_column(column, cells.map(as_text).collect())?,
            Value::Whole(_) => table.with_integers(column, cells.map(as_whole).collect())?,
            Value::Number(_) => table.with_numbers(column, cells.map(as_number).collect())?,
        };
    }
    Ok(table)
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => text.clone(),
        _ => None,
    }
}

fn as_whole(value: &Value) -> Option<i64> {
    match value {
        Value::Whole(number) => *number,
        _ => None,
    }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => *number,
        _ => None,
    }
}

fn csv(value: &Value) -> String {
    match value {
        Value::Text(Some(text)) => quoted(text),
        Value::Whole(Some(number)) => number.to_string(),
        // The shortest text that reads back to the same number.
        Value::Number(Some(number)) => number.to_string(),
        Value::Text(None) | Value::Whole(None) | Value::Number(None) => String::new(),
    }
}

fn quoted(text: &str) -> String {
    // File names are the person's own: no cell may become a formula.
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// Rows, one after the other, for studies whose rows may be too many for memory.
pub type Rows<'a> = dyn Iterator<Item = Result<Cells>> + 'a;

/// Writes rows as CSV, with a header. `path`: the file, for messages.
fn write_csv(path: &Path, rows: &mut Rows<'_>, writer: &mut dyn Write) -> Result<()> {
    let mut put = |cells: Vec<String>| {
        let line = format!("{}\n", cells.join(","));
        writer.write_all(line.as_bytes()).map_err(|error| Error::io("write", path, &error))
    };
    for (index, row) in rows.enumerate() {
        let row = row?;
        if index == 0 {
            put(row.iter().map(|(name, _)| (*name).to_owned()).collect())?;
        }
        put(row.iter().map(|(_, value)| csv(value)).collect())?;
    }
    Ok(())
}

/// Remembers why writing failed: the Parquet writer passes on the words alone.
struct Watched<'a> {
    inner: &'a mut dyn Write,
    failed: &'a mut Option<io::Error>,
}

impl Watched<'_> {
    fn note<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        outcome.inspect_err(|error| {
            let copy = error.raw_os_error().map(io::Error::from_raw_os_error);
            self.failed.get_or_insert(copy.unwrap_or_else(|| error.kind().into()));
        })
    }
}

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let outcome = self.inner.write(bytes);
        self.note(outcome)
    }

    fn flush(&mut self) -> io::Result<()> {
        let outcome = self.inner.flush();
        self.note(outcome)
    }
}

/// Writes rows as Parquet, each column of the type of its values. `path`: the file, for messages.
fn write_parquet(path: &Path, rows: &mut Rows<'_>, writer: &mut dyn Write) -> Result<()> {
    let mut failed = None;
    let watched = Watched {
        inner: writer,
        failed: &mut failed,
    };
    let outcome = parquet(rows, watched);
    match (outcome, failed) {
        (Err(_), Some(error)) => Err(Error::io("write", path, &error)),
        (outcome, _) => outcome,
    }
}

fn parquet(rows: &mut Rows<'_>, writer: Watched<'_>) -> Result<()> {
    let fault = |error: PolarsError| Error::internal(format!("records as Parquet: {error}"));
    let mut output: Option<BatchedWriter<Watched<'_>>> = None;
    let mut slot = Some(writer);
    loop {
        let group = rows.take(ROW_GROUP).collect::<Result<Vec<Cells>>>()?;
        if group.is_empty() {
            break;
        }
        let frame = frame(&group)?;
        if let Some(writer) = slot.take() {
            output = Some(ParquetWriter::new(writer).batched(frame.schema()).map_err(fault)?);
        }
        if let Some(output) = &mut output {
            output.write_batch(&frame).map_err(fault)?;
        }
    }
    if let Some(output) = output {
        output.finish().map_err(fault)?;
    }
    Ok(())
}

fn frame(rows: &[Cells]) -> Result<DataFrame> {
    let columns = rows.first().into_iter().flatten().enumerate().map(|(place, (name, first))| {
        let name = (*name).into();
        let cells = rows.iter().map(|row| &row[place].1);
        Column::from(match first {
            Value::Text(_) => Series::new(name, cells.map(|value| as_text(value).unwrap_or_default()).collect::<Vec<_>>()),
            Value::Whole(_) => Series::new(name, cells.map(as_whole).collect::<Vec<_>>()),
            Value::Number(_) => Series::new(name, cells.map(as_number).collect::<Vec<_>>()),
        })
    });
    DataFrame::new(rows.len(), columns.collect()).map_err(|error| Error::internal(format!("records as a table: {error}")))
}
