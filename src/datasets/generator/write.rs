//! Writes a generated sheet to a file.

use std::io::Write;
use std::path::Path;

use flate2::{Compression, GzBuilder};

use super::orders::Order;
use super::row::Row;
use super::{Sheet, Summary};
use crate::error::{Error, Result};
use crate::files::{self, Existing};
use crate::notes::Notes;
use crate::progress::{Progress, Silent};
use crate::tables::check_writable_name;

/// Rows of an Excel sheet without its header.
const EXCEL_ROWS: usize = 1_048_575;

impl Sheet {
    /// Writes the sheet by the ending of `path`: `.csv` and `.csv.gz` as the original comes, latin-1 with `M/D/YYYY H:MM` dates, drawn and
    /// written piece by piece; other formats that [`Table::write`](crate::tables::Table::write) knows, such as `.xlsx` and `.parquet`, with
    /// real dates and numbers. The file appears whole or not at all.
    ///
    /// # Errors
    /// Where the ending is unknown, the file cannot be written or cannot hold as many rows (Excel), or the person stops the run.
    pub fn write(&self, path: &Path, progress: &dyn Progress) -> Result<Summary> {
        self.write_new(path, Existing::Replace, progress)
    }

    /// As [`Sheet::write`], for a file that a person named: what is there already is kept unless it is to be replaced.
    ///
    /// # Errors
    /// As [`Sheet::write`], and where the file exists and is to be kept.
    pub fn write_new(&self, path: &Path, existing: Existing, progress: &dyn Progress) -> Result<Summary> {
        check_writable_name(path)?;
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().to_lowercase())
            .unwrap_or_default();
        if name.ends_with(".xlsx") && self.rows > EXCEL_ROWS {
            return Err(Error::input(format!(
                "an Excel sheet holds {EXCEL_ROWS} rows below its header, not {}",
                self.rows
            ))
            .in_file(path)
            .hint("choose fewer rows, or a name that ends in .csv.gz or .parquet"));
        }
        let failed = |error: std::io::Error| Error::io("write", path, &error);
        let mut summary = None;
        if name.ends_with(".csv") {
            files::write_file(path, existing, |writer| {
                summary = Some(self.csv(progress, |bytes| writer.write_all(bytes).map_err(failed))?);
                Ok(())
            })?;
        } else if name.ends_with(".csv.gz") {
            files::write_file(path, existing, |writer| {
                let mut packed = GzBuilder::new().mtime(0).write(writer, Compression::new(6));
                summary = Some(self.csv(progress, |bytes| packed.write_all(bytes).map_err(failed))?);
                packed.finish().map_err(failed)?;
                Ok(())
            })?;
        } else {
            self.table(&name, progress)?.write_new(path, existing, &mut Notes::new())?;
            summary = Some(self.summary());
        }
        summary.ok_or_else(|| Error::internal("a sheet was written without being summed up"))
    }

    /// The whole sheet as the bytes of a latin-1 CSV.
    ///
    /// # Errors
    /// None in practice; a sheet too large for memory aborts like any allocation.
    pub fn csv_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.csv(&Silent::default(), |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }
}

/// The items of some orders as CSV lines. No cell needs quotes: a test keeps commas, quotes and line breaks out of the vocabulary.
pub(super) fn csv_lines(orders: &[Order], outcome: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(orders.len() * 1_400);
    let mut row = Row::default();
    for order in orders {
        for item in &order.items {
            row.fill(order, item, outcome);
            for (place, cell) in row.cells().enumerate() {
                if place > 0 {
                    bytes.push(b',');
                }
                push_latin1(&mut bytes, cell);
            }
            bytes.push(b'\n');
        }
    }
    bytes
}

/// Latin-1 is the first 256 letters of Unicode; the vocabulary holds no others (a test sees to it), and one that slipped in becomes `?`.
fn push_latin1(bytes: &mut Vec<u8>, text: &str) {
    if text.is_ascii() {
        bytes.extend_from_slice(text.as_bytes());
    } else {
        bytes.extend(text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?')));
    }
}
