//! Delimited text: where its records and cells lie.
//!
//! Polars parses the cells (see [`super::body`]); this goes first, since Polars names no row for a ragged line or an open quote, and drops blank lines
//! (so row numbers would drift from what the person sees).

use std::borrow::Cow;

use super::limits::{MAX_CELL_BYTES, MAX_COLUMNS};
use crate::error::{Error, Result};

/// Removes the quotes of a quoted cell; whatever follows the closing quote is kept, as Excel does.
pub(crate) fn unquoted(raw: &str) -> Cow<'_, str> {
    let Some(inside) = raw.strip_prefix('"') else {
        return Cow::Borrowed(raw);
    };
    match inside.find('"') {
        Some(end) if end + 1 == inside.len() => Cow::Borrowed(&inside[..end]),
        _ => {
            let mut content = String::with_capacity(inside.len());
            let mut rest = inside;
            while let Some(at) = rest.find('"') {
                content.push_str(&rest[..at]);
                rest = &rest[at + 1..];
                match rest.strip_prefix('"') {
                    Some(after) => {
                        content.push('"');
                        rest = after;
                    }
                    None => break,
                }
            }
            content.push_str(rest);
            Cow::Owned(content)
        }
    }
}

/// Walks through the records of a delimited text.
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    position: usize,
    delimiter: u8,
    /// Lines end in CR alone, as old Macs wrote them.
    carriage_returns: bool,
    /// The number of the record last read, from 1: the row a spreadsheet shows.
    row: usize,
    /// Whether reading stopped because a record had too many cells.
    pub(crate) too_wide: bool,
    /// Quotation marks that open, close or stand doubled in a quoted cell.
    pub(crate) quotes: usize,
    /// Records that end in CR LF.
    pub(crate) windows_ends: usize,
    /// Whether a quoted cell went on after its closing quote.
    pub(crate) stray: bool,
}

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) row: usize,
    pub(crate) start: usize,
    /// Whether no cell holds anything but blanks.
    pub(crate) blank: bool,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str, start: usize, delimiter: u8, carriage_returns: bool) -> Self {
        Self {
            bytes: text.as_bytes(),
            position: start,
            delimiter,
            carriage_returns,
            row: 0,
            too_wide: false,
            quotes: 0,
            windows_ends: 0,
            stray: false,
        }
    }

    /// Starts at a later place, the beginning of a record; `row` is the number of the record before it.
    pub(crate) fn from(mut self, position: usize, row: usize) -> Self {
        self.position = position;
        self.row = row;
        self
    }

    /// Where the next record begins.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Reads a record into `ends` (one end per cell). `None` at the end of the text.
    ///
    /// # Errors
    /// For a quote that is never closed, a cell beyond [`MAX_CELL_BYTES`], more columns than [`MAX_COLUMNS`]; each names the row.
    pub(crate) fn next(&mut self, ends: &mut Vec<u32>) -> Result<Option<Record>> {
        ends.clear();
        if self.position >= self.bytes.len() {
            return Ok(None);
        }
        self.row += 1;
        let start = self.position;
        let mut blank = true;
        loop {
            let cell_start = self.position;
            let quoted = self.bytes.get(self.position) == Some(&b'"');
            if quoted {
                self.skip_quoted()?;
                blank = false;
            }
            let rest = self.position;
            let (end, stop) = self.skip_plain(&mut blank);
            self.stray |= quoted && end > rest;
            if end - cell_start > MAX_CELL_BYTES {
                return Err(self.oversized(end - cell_start));
            }
            if ends.len() == MAX_COLUMNS {
                self.too_wide = true;
                return Err(self.width_error());
            }
            ends.push(end as u32);
            if stop {
                return Ok(Some(Record {
                    row: self.row,
                    start,
                    blank,
                }));
            }
        }
    }

    /// Moves past the closing quote.
    fn skip_quoted(&mut self) -> Result<()> {
        let opened = self.position;
        self.quotes += 1;
        let mut at = self.position + 1;
        loop {
            match memchr::memchr(b'"', &self.bytes[at.min(self.bytes.len())..]) {
                Some(offset) => {
                    at += offset + 1;
                    self.quotes += 1;
                    if self.bytes.get(at) == Some(&b'"') {
                        self.quotes += 1;
                        at += 1;
                    } else {
                        self.position = at;
                        return Ok(());
                    }
                }
                None => {
                    if self.bytes.len() - opened > MAX_CELL_BYTES {
                        return Err(self.oversized(self.bytes.len() - opened));
                    }
                    return Err(Error::input("a quotation mark opens a cell here and is never closed")
                        .at_row(self.row)
                        .hint("close the quote, or write a quotation mark inside a cell twice (\"\"); a file cut off in the middle looks like this too"));
                }
            }
            if at - opened > MAX_CELL_BYTES {
                return Err(self.oversized(at - opened));
            }
        }
    }

    /// Moves to the end of a cell and past what ends it; says where the cell ends and whether the record does.
    fn skip_plain(&mut self, blank: &mut bool) -> (usize, bool) {
        let mut at = self.position;
        if *blank {
            // Blanks are looked through one by one until the record holds something.
            let mut seen = 0u8;
            while let Some(byte) = self.bytes.get(at)
                && !self.ends_cell(*byte)
            {
                seen |= u8::from(*byte > b' ');
                at += 1;
            }
            *blank = seen == 0;
        } else {
            let rest = &self.bytes[at..];
            let found = if self.carriage_returns {
                memchr::memchr3(self.delimiter, b'\n', b'\r', rest)
            } else {
                memchr::memchr2(self.delimiter, b'\n', rest)
            };
            at += found.unwrap_or(rest.len());
        }
        let start = self.position;
        self.position = at + 1;
        match self.bytes.get(at) {
            None => {
                self.position = at;
                (at, true)
            }
            Some(byte) if *byte == self.delimiter => (at, false),
            Some(b'\n') if at > start && self.bytes[at - 1] == b'\r' => {
                self.windows_ends += 1;
                (at - 1, true)
            }
            Some(_) => (at, true),
        }
    }

    fn ends_cell(&self, byte: u8) -> bool {
        byte == self.delimiter || byte == b'\n' || (byte == b'\r' && self.carriage_returns)
    }

    fn oversized(&self, bytes: usize) -> Error {
        Error::input(format!(
            "a cell of {} bytes or more begins here; Excel holds 32,767 characters and Recant reads up to {}",
            with_thousands(bytes),
            with_thousands(MAX_CELL_BYTES)
        ))
        .at_row(self.row)
        .hint("most likely a quotation mark is opened and not closed")
    }

    fn width_error(&self) -> Error {
        Error::input(format!(
            "the row has more than {} cells, the most a spreadsheet holds",
            with_thousands(MAX_COLUMNS)
        ))
        .at_row(self.row)
        .hint("does the file have line ends, and is the delimiter right?")
    }
}

/// `1048576` as `1,048,576`.
pub(crate) fn with_thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str, delimiter: u8) -> Vec<Vec<String>> {
        let mut scanner = Scanner::new(text, 0, delimiter, !text.contains('\n'));
        let mut ends = Vec::new();
        let mut all = Vec::new();
        while let Some(record) = scanner.next(&mut ends).unwrap() {
            let mut from = record.start;
            all.push(
                ends.iter()
                    .map(|end| {
                        let cell = unquoted(&text[from..*end as usize]).into_owned();
                        from = *end as usize + 1;
                        cell
                    })
                    .collect(),
            );
        }
        all
    }

    #[test]
    fn quotes_newlines_and_doubled_quotes_are_read() {
        assert_eq!(
            records("a,b\r\n\"x, y\",\"l1\nl2\"\n\"he said \"\"no\"\"\",5\" pipe\n", b','),
            vec![vec!["a", "b"], vec!["x, y", "l1\nl2"], vec!["he said \"no\"", "5\" pipe"]]
        );
        assert_eq!(records("a\rb\rc", b','), vec![vec!["a"], vec!["b"], vec!["c"]]);
        assert_eq!(records("a;;\n", b';'), vec![vec!["a", "", ""]]);
        assert_eq!(records("\"ab\"cd,e\n\"\",\"\"", b','), vec![vec!["abcd", "e"], vec!["", ""]]);
    }

    #[test]
    fn an_open_quote_names_its_row() {
        let mut scanner = Scanner::new("a,b\n1,2\n3,\"4\n5,6\n", 0, b',', false);
        let mut ends = Vec::new();
        scanner.next(&mut ends).unwrap();
        scanner.next(&mut ends).unwrap();
        let error = scanner.next(&mut ends).unwrap_err();
        assert!(error.place().unwrap().contains("row 3"), "{error}");
    }
}
