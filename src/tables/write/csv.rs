//! Delimited text.

use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use rayon::prelude::*;

use super::{WriteOptions, text_of};
use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::tables::column::{CellView, Column};
use crate::tables::guard::guarded;
use crate::tables::numbers::DecimalMark;
use crate::tables::table::Table;

const CHUNK: usize = 1 << 12;
/// Chunks formatted side by side before they are written: bounds memory.
const AT_ONCE: usize = 16;

/// Everything decided before the first byte.
pub(super) struct Plan {
    delimiter: u8,
    encoding: &'static Encoding,
    byte_order_mark: bool,
    line_end: &'static str,
    decimal: DecimalMark,
}

impl Plan {
    pub(super) fn new(table: &Table, options: &WriteOptions, tab: bool, notes: &mut Notes) -> Result<Self> {
        let delimiter = options.delimiter.unwrap_or(if tab { b'\t' } else { b',' });
        if !delimiter.is_ascii()
            || delimiter.is_ascii_alphanumeric()
            || matches!(delimiter, b'"' | b'\n' | b'\r' | b'\'' | b'.' | b'-' | b'+')
        {
            return Err(
                Error::input(format!("`{}` cannot separate columns", char::from(delimiter))).hint("use a comma, a semicolon or a tab")
            );
        }
        let wanted = match &options.encoding {
            Some(label) => Encoding::for_label(label.as_bytes()).ok_or_else(|| {
                Error::input(format!("`{label}` is not a text encoding known here")).hint("use `utf-8` or `windows-1252`")
            })?,
            None => UTF_8,
        };
        let mut plan = Self {
            delimiter,
            encoding: wanted,
            byte_order_mark: false,
            line_end: if options.windows_lines { "\r\n" } else { "\n" },
            decimal: options.decimal_mark.unwrap_or(DecimalMark::Point),
        };
        let wide = |encoding: &'static Encoding| encoding == UTF_16LE || encoding == UTF_16BE;
        let content = plan.content(table);
        if wanted != UTF_8 && !wide(wanted) && content == Content::Beyond {
            notes.add(
                "encoding",
                format!("some characters do not exist in the encoding {}", wanted.name()),
                "the file was written as UTF-8",
            );
            plan.encoding = UTF_8;
        }
        plan.byte_order_mark = match options.byte_order_mark {
            _ if wide(plan.encoding) => true,
            Some(mark) if plan.encoding == wanted => mark && plan.encoding == UTF_8,
            _ => plan.encoding == UTF_8 && content != Content::Ascii,
        };
        Ok(plan)
    }

    /// Looks over all texts for what lies beyond ASCII and beyond the encoding.
    fn content(&self, table: &Table) -> Content {
        let columns = table.columns();
        let of_text = |text: &str| {
            if text.is_ascii() {
                Content::Ascii
            } else if self.encoding == UTF_8 || !self.encoding.encode(text).2 {
                Content::Encodable
            } else {
                Content::Beyond
            }
        };
        let names = table.names().iter().map(|name| of_text(name)).max().unwrap_or(Content::Ascii);
        let rows = (0..table.height())
            .into_par_iter()
            .with_min_len(CHUNK)
            .map(|row| {
                columns
                    .iter()
                    .map(|column| match column.get(row) {
                        CellView::Text(text) => of_text(&text),
                        _ => Content::Ascii,
                    })
                    .max()
                    .unwrap_or(Content::Ascii)
            })
            .max()
            .unwrap_or(Content::Ascii);
        names.max(rows)
    }

    /// Writes header and rows. The same bytes for any number of threads.
    pub(super) fn write(&self, table: &Table, writer: &mut dyn Write, gzip: bool, path: &Path) -> Result<()> {
        let failed = |error: std::io::Error| Error::io("write", path, &error);
        if gzip {
            let mut packer = flate2::write::GzEncoder::new(writer, flate2::Compression::default());
            self.write_plain(table, &mut packer).map_err(failed)?;
            packer.finish().map(|_| ()).map_err(failed)
        } else {
            self.write_plain(table, writer).map_err(failed)
        }
    }

    fn write_plain(&self, table: &Table, writer: &mut dyn Write) -> std::io::Result<()> {
        let mut line = String::new();
        if self.byte_order_mark {
            line.push('\u{feff}');
        }
        let names: Vec<Cow<'_, str>> = table.names().iter().map(|name| Cow::Borrowed(name.as_str())).collect();
        self.push_row(&mut line, &names);
        writer.write_all(&self.encoded(&line))?;
        let columns = table.columns();
        let chunks = table.height().div_ceil(CHUNK);
        for first in (0..chunks).step_by(AT_ONCE) {
            let formatted: Vec<Vec<u8>> = (first..(first + AT_ONCE).min(chunks))
                .into_par_iter()
                .map(|chunk| self.chunk(&columns, chunk * CHUNK..((chunk + 1) * CHUNK).min(table.height())))
                .collect();
            for bytes in formatted {
                writer.write_all(&bytes)?;
            }
        }
        Ok(())
    }

    fn chunk(&self, columns: &[Column], rows: std::ops::Range<usize>) -> Vec<u8> {
        let mut lines = String::with_capacity(rows.len() * columns.len() * 8);
        for row in rows {
            let views: Vec<CellView<'_>> = columns.iter().map(|column| column.get(row)).collect();
            let cells: Vec<Cow<'_, str>> = views.iter().map(|view| self.cell(view)).collect();
            self.push_row(&mut lines, &cells);
        }
        match self.encoded(&lines) {
            Cow::Borrowed(_) => lines.into_bytes(),
            Cow::Owned(bytes) => bytes,
        }
    }

    fn cell<'a>(&self, view: &'a CellView<'a>) -> Cow<'a, str> {
        if text_of(view).is_none()
            && self.decimal == DecimalMark::Comma
            && let CellView::Number(_) = view
        {
            return Cow::Owned(view.shown().unwrap_or_default().replace('.', ","));
        }
        view.shown().unwrap_or(Cow::Borrowed(""))
    }

    fn push_row(&self, line: &mut String, cells: &[Cow<'_, str>]) {
        // A row without anything would read as a blank line; quotes say that it is a row.
        if cells.iter().all(|cell| cell.trim().is_empty()) && cells.first().is_some_and(|cell| cell.is_empty()) {
            line.push_str("\"\"");
        }
        for (place, cell) in cells.iter().enumerate() {
            if place > 0 {
                line.push(char::from(self.delimiter));
            }
            let cell = guarded(cell, self.delimiter);
            let special = |byte: u8| byte == self.delimiter || matches!(byte, b'"' | b'\n' | b'\r');
            let edge_blank = cell.starts_with([' ', '\t', '\u{feff}']) || cell.ends_with([' ', '\t', '\u{1a}']);
            if edge_blank || cell.bytes().any(special) {
                line.push('"');
                line.push_str(&cell.replace('"', "\"\""));
                line.push('"');
            } else {
                line.push_str(&cell);
            }
        }
        line.push_str(self.line_end);
    }

    fn encoded<'a>(&self, text: &'a str) -> Cow<'a, [u8]> {
        if self.encoding == UTF_8 {
            Cow::Borrowed(text.as_bytes())
        } else if self.encoding == UTF_16LE {
            Cow::Owned(text.encode_utf16().flat_map(u16::to_le_bytes).collect())
        } else if self.encoding == UTF_16BE {
            Cow::Owned(text.encode_utf16().flat_map(u16::to_be_bytes).collect())
        } else {
            self.encoding.encode(text).0
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Content {
    Ascii,
    Encodable,
    Beyond,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that is full after this many bytes.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
            if self.0 < buffer.len() {
                return Err(std::io::ErrorKind::StorageFull.into());
            }
            self.0 -= buffer.len();
            Ok(buffer.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_an_error_wherever_it_strikes() {
        let table = Table::new("a", 10_000).with_integers("n", (0..10_000).map(Some).collect()).unwrap();
        let plan = Plan::new(&table, &WriteOptions::default(), false, &mut Notes::new()).unwrap();
        for (room, gzip) in [(0, false), (1, false), (20_000, false), (0, true), (12, true)] {
            let error = plan.write(&table, &mut Full(room), gzip, Path::new("a.csv")).unwrap_err();
            assert!(error.to_string().contains("the disk is full"), "{error}");
        }
        assert!(plan.write(&table, &mut Full(1 << 20), false, Path::new("a.csv")).is_ok());
    }
}
