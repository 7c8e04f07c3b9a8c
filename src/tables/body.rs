//! The rows of a delimited text below its header. Our own scanner goes first: it names the row of an open quote or of a row that is too long, finds
//! blank and short rows, and counts the rows as a spreadsheet shows them. Then Polars parses the text, every column as texts.
//!
//! The scanner reads the text in ranges, side by side. Where a range starts is a guess: after the first line end past a fixed place. The guess is wrong
//! only where that line end is inside a quoted cell, and then the range before does not stop exactly there; such a range is read again from where the
//! one before stopped. So the outcome is that of reading from front to back, whatever the ranges and the number of threads.
//!
//! Polars gets the text as it stands where nothing in it is out of the ordinary, and else a clean copy of the range: blank rows left out, short rows
//! filled, stray quotes written as text, the apostrophes that guard formulas taken off.

use polars::prelude::{DataFrame, DataType, Field, PlSmallStr, PolarsError, Schema, Series};
use polars_io::prelude::_csv_read_internal::read_chunk;
use polars_io::prelude::CsvParseOptions;
use rayon::prelude::*;

use super::csv::{Record, Scanner, unquoted, with_thousands};
use super::guard;
use super::limits::{BYTES_OF_A_CELL, MAX_FILLED_CELLS};
use super::panics::caught;
use crate::error::{Error, Result};
use crate::memory;

/// Bytes of a range.
const RANGE: usize = 2 << 20;
/// Pieces that a column is made of, about. Cells of a few pieces are found as fast as those of one, and putting the pieces together would cost a tenth of
/// the time that reading takes.
const PIECES: usize = 8;
/// Bytes of a piece that is written again before Polars gets it, at most.
const MOST_CLEANED: usize = 16 << 20;

/// Rows that were not as wide as the header, and rows that held nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Irregular {
    pub(crate) short: usize,
    pub(crate) first_short: Option<usize>,
    pub(crate) long: usize,
    pub(crate) first_long: Option<usize>,
    pub(crate) blank: usize,
    pub(crate) trailing_blank: usize,
}

/// The rows below the header.
#[derive(Debug)]
pub(crate) struct Body {
    /// Texts, a column each: without their quotes and without the apostrophe that guards a formula.
    pub(crate) columns: Vec<Series>,
    pub(crate) height: usize,
    pub(crate) irregular: Irregular,
    /// Numbers of the kept rows where they do not simply count on from the header.
    pub(crate) row_numbers: Option<Vec<u32>>,
}

/// How a text is cut into cells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// Where the text begins, the rows above the header included.
    pub(crate) start: usize,
    pub(crate) delimiter: u8,
    /// Lines end in CR alone, as old Macs wrote them.
    pub(crate) carriage_returns: bool,
    /// The number of the row with the column names, counted from 1 at `start`.
    pub(crate) header_row: usize,
    /// Cells of the header, one at least.
    pub(crate) width: usize,
}

/// Reads all records after the header.
///
/// # Errors
/// As [`Scanner::next`], for a row with filled cells beyond the header's last (of several the first in the text), and for far more missing cells than
/// the text has bytes.
pub(crate) fn body(text: &str, cut: Cut) -> Result<Body> {
    body_in_ranges(text, cut, RANGE)
}

fn body_in_ranges(text: &str, cut: Cut, range: usize) -> Result<Body> {
    let mut scanner = Scanner::new(text, cut.start, cut.delimiter, cut.carriage_returns);
    let mut ends = Vec::new();
    for _ in 0..cut.header_row {
        scanner.next(&mut ends)?;
    }
    let places = range_starts(text, scanner.position(), cut.carriage_returns, range);
    let reader = Reader { text, cut };
    let guesses: Vec<Option<Part>> = places
        .par_windows(2)
        .map(|range| reader.check(range[0], range[1], cut.header_row).ok())
        .collect();
    let mut joined = Joined {
        piece: range.max(text.len() / PIECES),
        ..Joined::default()
    };
    let (mut at, mut row) = (scanner.position(), cut.header_row);
    for (guess, range) in guesses.into_iter().zip(places.windows(2)) {
        let stop = range[1];
        if at >= stop {
            // A cell of a range before runs past this one.
            continue;
        }
        let part = match guess {
            Some(part) if range[0] == at => part,
            _ => reader.check(at, stop, row)?,
        };
        at = part.stop;
        joined.add(part, row);
        row = joined.records + cut.header_row;
    }
    let cells = joined.height.saturating_mul(cut.width);
    if cells > text.len().saturating_add(MAX_FILLED_CELLS) {
        return Err(Error::input(format!(
            "the rows lack {} of the {} cells that the header calls for",
            with_thousands(cells.saturating_sub(text.len())),
            with_thousands(cells)
        ))
        .at_row(joined.irregular.first_short.unwrap_or(cut.header_row))
        .hint("is the row with the column names the right one, and is the delimiter?"));
    }
    memory::check_values(
        cells,
        BYTES_OF_A_CELL,
        "the cells of the sheet",
        "leave out columns or rows that are not needed",
    )?;
    let columns = reader.columns(&joined.segments, joined.height)?;
    Ok(joined.finish(columns))
}

/// Where ranges begin, and the end of the text: the first begins at `start`, the others after a line end.
fn range_starts(text: &str, start: usize, carriage_returns: bool, range: usize) -> Vec<usize> {
    let bytes = text.as_bytes();
    let line_end = if carriage_returns { b'\r' } else { b'\n' };
    let mut places = vec![start];
    let mut at = start;
    while let Some(from) = at.checked_add(range.max(1)).filter(|from| *from < bytes.len()) {
        let Some(found) = memchr::memchr(line_end, &bytes[from..]) else {
            break;
        };
        at = from + found + 1;
        places.push(at);
    }
    if places.last() != Some(&bytes.len()) {
        places.push(bytes.len());
    }
    places
}

/// The records of one range.
#[derive(Debug)]
struct Part {
    start: usize,
    /// Where the record after the last one begins.
    stop: usize,
    records: usize,
    /// For each kept row its place among the records of the range, from 1; empty where no record before the last kept one is blank.
    numbers: Vec<u32>,
    kept: usize,
    /// Blank records before the last kept one, and after it.
    blank: usize,
    blank_after: usize,
    short: usize,
    /// The first short row's place among the records of the range, from 1.
    first_short: Option<usize>,
    /// Rows with blank cells beyond the header.
    long: usize,
    first_long: Option<usize>,
    /// Whether Polars may have the range as it stands.
    plain: bool,
}

/// A piece of the text for Polars.
#[derive(Debug, Clone, Copy)]
struct Segment {
    start: usize,
    stop: usize,
    kept: usize,
    plain: bool,
}

struct Reader<'a> {
    text: &'a str,
    cut: Cut,
}

impl Reader<'_> {
    /// Checks the records that begin at `start` or later and before `stop`; `row` is the number of the record before the first.
    fn check(&self, start: usize, stop: usize, row: usize) -> Result<Part> {
        let width = self.cut.width;
        let mut scanner = Scanner::new(self.text, start, self.cut.delimiter, self.cut.carriage_returns).from(start, row);
        let mut ends = Vec::with_capacity(width + 1);
        let mut numbers = Vec::new();
        let (mut records, mut blank, mut blank_after) = (0, 0, 0);
        let (mut short, mut first_short, mut long, mut first_long) = (0, None, 0, None);
        let (mut kept, mut even) = (0, true);
        while scanner.position() < stop
            && let Some(record) = scanner.next(&mut ends)?
        {
            records += 1;
            if record.blank {
                blank_after += 1;
                continue;
            }
            if blank_after > 0 && blank == 0 {
                numbers.extend(1..=kept as u32);
            }
            blank += std::mem::take(&mut blank_after);
            kept += 1;
            if blank > 0 {
                numbers.push(records as u32);
            }
            even &= ends.len() == width;
            if ends.len() < width {
                short += 1;
                first_short.get_or_insert(records);
            } else if ends.len() > width {
                self.check_extra(&ends, record)?;
                long += 1;
                first_long.get_or_insert(records);
            }
        }
        let stop = scanner.position();
        Ok(Part {
            start,
            stop,
            records,
            numbers,
            kept,
            blank,
            blank_after,
            short,
            first_short,
            long,
            first_long,
            plain: even && blank + blank_after == 0 && self.is_plain(start..stop, &scanner),
        })
    }

    /// Whether Polars sees the cells of a scanned range as the scanner does: quotes only around whole cells, no formulas, guarded or of a constant, usual line ends, and
    /// no beginning that looks like a packed file or a mark.
    fn is_plain(&self, range: std::ops::Range<usize>, scanner: &Scanner<'_>) -> bool {
        let bytes = &self.text.as_bytes()[range];
        let count = |byte: u8| memchr::memchr_iter(byte, bytes).count();
        let begins_a_cell = |at: usize| {
            let before = at.checked_sub(1).map(|before| bytes[before]);
            before.is_none_or(|before| before == self.cut.delimiter || matches!(before, b'\n' | b'"'))
        };
        // An apostrophe guards what follows the beginning of a cell, or a separator of another program inside one.
        let may_guard = |at: usize| {
            let before = at.checked_sub(1).map(|before| bytes[before]);
            before.is_none_or(|before| matches!(before, b'\n' | b'\r' | b'"' | b',' | b';' | b'\t' | b'|') || before == self.cut.delimiter)
        };
        !self.cut.carriage_returns
            && bytes.last() == Some(&b'\n')
            && bytes.first().is_some_and(|first| first.is_ascii() && *first != b'x')
            && !scanner.stray
            && count(b'"') == scanner.quotes
            && count(b'\r') == scanner.windows_ends
            && !memchr::memchr_iter(b'=', bytes).any(begins_a_cell)
            && !memchr::memchr_iter(b'\'', bytes).any(may_guard)
    }

    /// Cells beyond the header are dropped when blank (`a,b,,`), refused when filled.
    fn check_extra(&self, ends: &[u32], record: Record) -> Result<()> {
        let (width, delimiter) = (self.cut.width, self.cut.delimiter);
        let extra_from = ends.get(width.wrapping_sub(1)).map_or(record.start, |end| *end as usize + 1);
        let extra_to = ends.last().map_or(extra_from, |end| *end as usize);
        let extra = self.text.get(extra_from..extra_to).unwrap_or("");
        if extra.bytes().all(|byte| byte == delimiter || byte <= b' ' || byte == b'"') {
            return Ok(());
        }
        let hint = if delimiter == b',' {
            "quote cells that contain a comma, or save with another delimiter; numbers such as 1,5 are a common cause"
        } else {
            "quote cells that contain the delimiter; where every row has one cell more, name the column that has no name"
        };
        Err(Error::input(format!("the row has {} cells but the header has {width}", ends.len()))
            .at_row(record.row)
            .hint(hint))
    }

    /// A checked range written again: every kept row with as many cells as the header, quoted where need be.
    fn cleaned(&self, segment: Segment) -> Result<String> {
        let (width, delimiter) = (self.cut.width, self.cut.delimiter);
        let mut scanner = Scanner::new(self.text, segment.start, delimiter, self.cut.carriage_returns);
        let mut ends = Vec::with_capacity(width + 1);
        let mut clean = String::with_capacity(segment.stop - segment.start + segment.kept * 3);
        while scanner.position() < segment.stop
            && let Some(record) = scanner.next(&mut ends)?
        {
            if record.blank {
                continue;
            }
            let mut from = record.start;
            for place in 0..width {
                if place > 0 {
                    clean.push(char::from(delimiter));
                }
                let Some(end) = ends.get(place).map(|end| *end as usize) else {
                    continue;
                };
                let cell = guard::unguarded(unquoted(self.text.get(from..end).unwrap_or("")), delimiter);
                let special = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
                // The first cell in quotes, so that no row looks blank and no text like anything else than a table.
                if place == 0 || cell.bytes().any(special) {
                    clean.push('"');
                    clean.push_str(&cell.replace('"', "\"\""));
                    clean.push('"');
                } else {
                    clean.push_str(&cell);
                }
                from = end + 1;
            }
            clean.push('\n');
        }
        Ok(clean)
    }

    /// All columns, each in a few pieces.
    fn columns(&self, segments: &[Segment], height: usize) -> Result<Vec<Series>> {
        let width = self.cut.width;
        let fields = (0..width).map(|place| Field::new(PlSmallStr::from_string(place.to_string()), DataType::String));
        let schema = Schema::from_iter(fields);
        let frames: Vec<DataFrame> = segments
            .par_iter()
            .map(|segment| self.parsed(*segment, &schema))
            .collect::<Result<_>>()?;
        let mut by_column: Vec<Vec<Series>> = (0..width).map(|_| Vec::with_capacity(frames.len())).collect();
        for frame in frames {
            for (pieces, column) in by_column.iter_mut().zip(frame.into_columns()) {
                pieces.push(column.take_materialized_series());
            }
        }
        by_column
            .into_par_iter()
            .map(|pieces| {
                let mut whole: Option<Series> = None;
                for piece in pieces {
                    match &mut whole {
                        None => whole = Some(piece),
                        Some(whole) => {
                            whole.append_owned(piece).map_err(disagreed)?;
                        }
                    }
                }
                let whole = whole.unwrap_or_else(|| Series::new_empty(PlSmallStr::EMPTY, &DataType::String));
                debug_assert_eq!(whole.len(), height);
                Ok(if whole.n_chunks() > 2 * PIECES { whole.rechunk() } else { whole })
            })
            .collect()
    }

    fn parsed(&self, segment: Segment, schema: &Schema) -> Result<DataFrame> {
        let clean;
        let text = if segment.plain {
            &self.text[segment.start..segment.stop]
        } else {
            clean = self.cleaned(segment)?;
            clean.as_str()
        };
        let options = CsvParseOptions::default()
            .with_separator(self.cut.delimiter)
            .with_quote_char(Some(b'"'));
        let columns: Vec<usize> = (0..self.cut.width).collect();
        // The rows are counted and divided already, so the reader that does both goes unused.
        let parse = || {
            let (bytes, rows) = (text.as_bytes(), segment.kept);
            read_chunk(bytes, &options, schema, false, &columns, 0, rows, None, rows, bytes.len(), Some(0))
        };
        let frame = caught(parse)
            .map_err(|message| Error::internal(format!("the CSV parser gave up: {message}")))?
            .map_err(disagreed)?;
        if frame.height() != segment.kept {
            return Err(Error::internal(format!(
                "the CSV parser found {} rows where {} are",
                frame.height(),
                segment.kept
            )));
        }
        Ok(frame)
    }
}

fn disagreed(error: PolarsError) -> Error {
    Error::internal(format!("the CSV parser refused a checked text: {error}"))
}

/// The ranges put one after the other.
#[derive(Debug, Default)]
struct Joined {
    /// Bytes of a segment, at most.
    piece: usize,
    segments: Vec<Segment>,
    height: usize,
    irregular: Irregular,
    records: usize,
    /// For each range: the number of the record before it, rows kept, and their places among its records.
    numbers: Vec<(usize, usize, Vec<u32>)>,
}

impl Joined {
    fn add(&mut self, part: Part, row: usize) {
        self.records += part.records;
        if part.first_short.is_some() && self.irregular.first_short.is_none() {
            self.irregular.first_short = part.first_short.map(|place| row + place);
        }
        if part.first_long.is_some() && self.irregular.first_long.is_none() {
            self.irregular.first_long = part.first_long.map(|place| row + place);
        }
        self.irregular.short += part.short;
        self.irregular.long += part.long;
        if part.kept == 0 {
            self.irregular.trailing_blank += part.blank_after;
            return;
        }
        // Blank rows that more rows follow were not at the end after all.
        self.irregular.blank += part.blank + std::mem::replace(&mut self.irregular.trailing_blank, part.blank_after);
        self.height += part.kept;
        self.numbers.push((row, part.kept, part.numbers));
        let most = if part.plain { self.piece } else { self.piece.min(MOST_CLEANED) };
        match self.segments.last_mut() {
            Some(last) if last.plain == part.plain && last.stop == part.start && part.stop - last.start <= most => {
                last.stop = part.stop;
                last.kept += part.kept;
            }
            _ => self.segments.push(Segment {
                start: part.start,
                stop: part.stop,
                kept: part.kept,
                plain: part.plain,
            }),
        }
    }

    fn finish(self, columns: Vec<Series>) -> Body {
        let row_numbers = (self.irregular.blank > 0).then(|| {
            let mut listed = Vec::with_capacity(self.height);
            for (before, kept, numbers) in &self.numbers {
                let before = *before as u32;
                if numbers.is_empty() {
                    listed.extend((1..=*kept as u32).map(|place| before + place));
                } else {
                    listed.extend(numbers.iter().map(|place| before + place));
                }
            }
            listed
        });
        Body {
            columns,
            height: self.height,
            irregular: self.irregular,
            row_numbers,
        }
    }
}

#[cfg(test)]
mod tests;
