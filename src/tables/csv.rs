//! Delimited text: the whole text is kept once, with one 32-bit position per cell, and no cell becomes a string before somebody asks for it.
//!
//! polars' parser is not used here: it names no row for a ragged line or an open quote, drops blank lines (so row numbers drift from what the
//! person sees), and copies every column. On well-formed files both agree cell for cell (`tests/it/tables_formats.rs` compares them).

use std::borrow::Cow;

use super::guard;
use super::limits::{MAX_CELL_BYTES, MAX_COLUMNS};
use crate::error::{Error, Result};

/// A delimited text and where its cells are.
#[derive(Debug)]
pub(crate) struct CsvText {
    text: String,
    width: usize,
    /// Where each kept row begins.
    starts: Vec<u32>,
    /// For each kept row and column where the cell ends; a cell begins one past the end of the one before.
    ends: Vec<u32>,
}

impl CsvText {
    /// The content of a cell: without its quotes and without the apostrophe that guards a formula.
    pub(crate) fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        guard::unguarded(unquoted(self.raw(row, column)))
    }

    /// The bytes of a cell as they stand in the file.
    fn raw(&self, row: usize, column: usize) -> &str {
        let place = row * self.width + column;
        let (Some(end), Some(start)) = (
            self.ends.get(place),
            if column == 0 {
                self.starts.get(row).copied()
            } else {
                self.ends.get(place - 1).map(|end| end + 1)
            },
        ) else {
            return "";
        };
        self.text.get(start as usize..*end as usize).unwrap_or("")
    }

    pub(crate) fn height(&self) -> usize {
        self.starts.len()
    }
}

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
        }
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
            if self.bytes.get(self.position) == Some(&b'"') {
                self.skip_quoted()?;
                blank = false;
            }
            let (end, stop) = self.skip_plain(&mut blank);
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
        let mut at = self.position + 1;
        loop {
            match memchr::memchr(b'"', &self.bytes[at.min(self.bytes.len())..]) {
                Some(offset) => {
                    at += offset + 1;
                    if self.bytes.get(at) == Some(&b'"') {
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
        let mut seen = 0u8;
        while let Some(byte) = self.bytes.get(at) {
            if *byte == self.delimiter {
                *blank &= seen == 0;
                self.position = at + 1;
                return (at, false);
            }
            if *byte == b'\n' || (*byte == b'\r' && self.carriage_returns) {
                let end = if *byte == b'\n' && at > self.position && self.bytes[at - 1] == b'\r' {
                    at - 1
                } else {
                    at
                };
                *blank &= seen == 0;
                self.position = at + 1;
                return (end, true);
            }
            seen |= u8::from(*byte > b' ');
            at += 1;
        }
        *blank &= seen == 0;
        self.position = at;
        (at, true)
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

/// Rows that were not as wide as the header, and rows that held nothing.
#[derive(Debug, Default)]
pub(crate) struct Irregular {
    pub(crate) short: usize,
    pub(crate) first_short: Option<usize>,
    pub(crate) blank: usize,
    pub(crate) trailing_blank: usize,
}

/// The rows below the header.
pub(crate) struct Body {
    pub(crate) text: CsvText,
    pub(crate) irregular: Irregular,
    /// Numbers of the kept rows where they do not simply count on from the header.
    pub(crate) row_numbers: Option<Vec<u32>>,
}

/// Reads all records after the header at `header_row`, which has `width` cells.
///
/// # Errors
/// As [`Scanner::next`], and for a row with filled cells beyond the header's last.
pub(crate) fn body(text: String, start: usize, delimiter: u8, carriage_returns: bool, header_row: usize, width: usize) -> Result<Body> {
    let mut starts = Vec::new();
    let mut all_ends: Vec<u32> = Vec::new();
    let mut numbers: Option<Vec<u32>> = None;
    let mut irregular = Irregular::default();
    let mut blanks_in_a_row = 0;
    let mut ends = Vec::with_capacity(width + 1);
    let mut scanner = Scanner::new(&text, start, delimiter, carriage_returns);
    while let Some(record) = scanner.next(&mut ends)? {
        if record.row <= header_row {
            continue;
        }
        if record.blank {
            blanks_in_a_row += 1;
            continue;
        }
        irregular.blank += blanks_in_a_row;
        blanks_in_a_row = 0;
        if numbers.is_none() && record.row != header_row + 1 + starts.len() {
            numbers = Some((0..starts.len()).map(|index| (header_row + 1 + index) as u32).collect());
        }
        if let Some(numbers) = &mut numbers {
            numbers.push(record.row as u32);
        }
        if ends.len() < width {
            irregular.short += 1;
            irregular.first_short.get_or_insert(record.row);
        } else if ends.len() > width {
            check_extra(&text, &ends, width, record, delimiter)?;
        }
        if starts.is_empty() {
            // A guess at the height from the first row saves copying while growing.
            let row_bytes = (scanner.position - record.start).max(1);
            let rows = (text.len() - start) / row_bytes + 16;
            let rows = rows.min((text.len() - start) / width.max(1) + 16);
            starts.reserve(rows);
            all_ends.reserve(rows.saturating_mul(width));
        }
        starts.push(record.start as u32);
        let last = ends.last().copied().unwrap_or(record.start as u32);
        ends.resize(width, last);
        all_ends.extend_from_slice(&ends);
    }
    irregular.trailing_blank = blanks_in_a_row;
    starts.shrink_to_fit();
    all_ends.shrink_to_fit();
    Ok(Body {
        text: CsvText {
            text,
            width,
            starts,
            ends: all_ends,
        },
        irregular,
        row_numbers: numbers,
    })
}

/// Cells beyond the header are dropped when blank (`a,b,,`), refused when filled.
fn check_extra(text: &str, ends: &[u32], width: usize, record: Record, delimiter: u8) -> Result<()> {
    let extra_from = ends.get(width.wrapping_sub(1)).map_or(record.start, |end| *end as usize + 1);
    let extra_to = ends.last().map_or(extra_from, |end| *end as usize);
    let extra = text.get(extra_from..extra_to).unwrap_or("");
    if extra.bytes().all(|byte| byte == delimiter || byte <= b' ' || byte == b'"') {
        return Ok(());
    }
    let hint = if delimiter == b',' {
        "quote cells that contain a comma, or save with another delimiter; numbers such as 1,5 are a common cause"
    } else {
        "quote cells that contain the delimiter"
    };
    Err(Error::input(format!("the row has {} cells but the header has {width}", ends.len()))
        .at_row(record.row)
        .hint(hint))
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

    #[test]
    fn row_numbers_count_blank_lines_but_not_quoted_newlines() {
        let text = "h,i\n\"a\nb\",1\n\nc,2\n\n\n";
        let body = body(text.to_owned(), 0, b',', false, 1, 2).unwrap();
        assert_eq!(body.row_numbers, Some(vec![2, 4]));
        assert_eq!((body.irregular.blank, body.irregular.trailing_blank), (1, 2));
        assert_eq!(body.text.cell(0, 0), "a\nb");
        assert_eq!(body.text.cell(1, 1), "2");
    }

    #[test]
    fn short_rows_are_filled_and_long_rows_refused() {
        let body_of = |text: &str| body(text.to_owned(), 0, b',', false, 1, 3);
        let read = body_of("a,b,c\n1\n1,2,3,,\n").unwrap();
        assert_eq!(read.irregular.short, 1);
        assert_eq!(read.text.cell(0, 1), "");
        assert_eq!(read.text.cell(0, 2), "");
        assert_eq!(read.text.cell(1, 2), "3");
        let error = body_of("a,b,c\n1,2,3\n1,2,3,4\n").err().unwrap();
        assert!(
            error.to_string().contains("4 cells") && error.to_string().contains("row 3"),
            "{error}"
        );
    }
}
