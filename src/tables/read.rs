//! From a path to a table.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::body::{self, Body, Cut};
use super::column::{CellView, Column};
use super::header::{self, Header, LOOK_AT_ROWS, TopRow, counted};
use super::limits::MAX_TEXT_BYTES;
use super::sniff::{self, Kind};
use super::source::{Format, Source, Writing};
use super::table::{RowNumbers, Table};
use super::{
    aligned, arrow, as_above, delimiter, encoding, markup, no_orders, numpy, other_quotes, package, parquet, stray_quotes, text, workbook,
};
use crate::error::{Error, Result};
use crate::files::{self, hex};
use crate::memory;
use crate::notes::Notes;

/// What the person knows about a sheet; everything left out is detected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The sheet of a workbook by its name, or by its number from 1.
    pub sheet: Option<String>,
    /// The row that holds the column names, as seen in the sheet (1 is the first).
    pub header_row: Option<usize>,
    /// The encoding of a delimited file by its usual name (`utf-8`, `latin1`, `windows-1252`, `utf-16le`, ...).
    pub encoding: Option<String>,
    /// The delimiter of a delimited file.
    pub delimiter: Option<u8>,
    /// How numbers and dates are written.
    pub writing: Writing,
    /// Leave out the rows of a workbook that are hidden, by hand or by a filter.
    pub visible_only: bool,
}

/// Reads a delimiter as people name it.
///
/// # Errors
/// Where it cannot stand between cells.
pub fn parse_delimiter(text: &str) -> Result<u8> {
    match text {
        "tab" | "\\t" | "\t" => Ok(b'\t'),
        "comma" => Ok(b','),
        "semicolon" => Ok(b';'),
        _ => match text.as_bytes() {
            [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && *byte != b'"' => Ok(*byte),
            _ => Err(Error::input(format!("`{text}` cannot stand between cells"))
                .hint("use `--delimiter ,` or `--delimiter ';'` or `--delimiter tab`")),
        },
    }
}

/// Reads a sheet: delimited text (also packed with gzip), `.xlsx`, `.xls`, `.xlsb`, `.ods`, Parquet, Arrow or NumPy, told apart by content.
///
/// Blank rows and columns are left out; row numbers stay those of the sheet (see [`Table`]). Rows with fewer cells than the header are filled with
/// blanks, with a note.
///
/// # Errors
/// Every error names the file, and sheet, row and column where they are known: unreadable, empty, damaged or locked files, files that are no sheet,
/// unknown sheet or encoding names, rows with more filled cells than the header, a quote that is never closed, anything beyond [`super::limits`].
pub fn read(path: &Path, options: &ReadOptions, notes: &mut Notes) -> Result<Table> {
    let mut found = Notes::new();
    let table = read_file(path, options, &mut found).map_err(|error| error.in_file(path))?;
    let table = no_orders::leave_out(table, &mut found);
    as_above::note(&table, &mut found);
    if table.height() == 0 {
        found.add(
            "no-rows",
            format!("`{}` has column names but no rows", table.source().file_name),
            "read as a table of no rows",
        );
    }
    notes.extend(found);
    Ok(table)
}

/// The worksheets of a workbook, in its order; none for a file that is no workbook.
///
/// # Errors
/// As [`read`], for what keeps a workbook from being opened.
pub fn worksheets(path: &Path) -> Result<Vec<String>> {
    let find = || {
        let bytes = load(path)?;
        match sniff::kind(&bytes)? {
            Kind::Zip => {
                let package = package::check(&bytes)?;
                workbook::worksheets(&bytes, package.format, Some(package))
            }
            Kind::Ole => {
                refuse_locked(&bytes)?;
                workbook::worksheets(&bytes, Format::Xls, None)
            }
            _ => Ok(Vec::new()),
        }
    };
    find().map_err(|error| error.in_file(path))
}

fn read_file(path: &Path, options: &ReadOptions, notes: &mut Notes) -> Result<Table> {
    let mut bytes = load(path)?;
    let mut source = Source::named(path, Format::Csv);
    source.stated = options.writing;
    let mut kind = sniff::kind(&bytes)?;
    if kind == Kind::Gzip {
        let (sha256, unpacked) = rayon::join(|| hex(&Sha256::digest(&bytes)), || gunzip(&bytes));
        source.sha256 = sha256;
        source.gzip = true;
        bytes = unpacked?;
        kind = sniff::kind(&bytes)?;
        if kind == Kind::Gzip {
            return Err(Error::input("the file is packed with gzip twice").hint("unpack it once with `gunzip`"));
        }
    }
    let hashed = !source.sha256.is_empty();
    match kind {
        Kind::Text => {
            // The bytes are given away for decoding, so they are hashed first.
            if !hashed {
                source.sha256 = hex(&Sha256::digest(&bytes));
            }
            read_text(bytes, options, source, notes)
        }
        Kind::Markup => {
            if !hashed {
                source.sha256 = hex(&Sha256::digest(&bytes));
            }
            read_markup(bytes, options, source, notes)
        }
        Kind::Gzip => Err(Error::internal("gzip inside gzip")),
        Kind::Parquet => {
            if !hashed {
                source.sha256 = hex(&Sha256::digest(&bytes));
            }
            parquet::read(bytes, source, notes)
        }
        Kind::Arrow => {
            if !hashed {
                source.sha256 = hex(&Sha256::digest(&bytes));
            }
            arrow::read(bytes, source, notes)
        }
        Kind::Numpy => {
            if !hashed {
                source.sha256 = hex(&Sha256::digest(&bytes));
            }
            numpy::read(&bytes, source, notes)
        }
        Kind::Zip | Kind::Ole => {
            if !hashed {
                source.sha256 = hex(&Sha256::digest(&bytes));
            }
            if kind == Kind::Ole {
                refuse_locked(&bytes)?;
                return workbook::read(&bytes, Format::Xls, None, options, source, notes);
            }
            if numpy::is_archive(&bytes) {
                return numpy::read_archive(&bytes, source, notes);
            }
            let package = package::check(&bytes)?;
            workbook::read(&bytes, package.format, Some(package), options, source, notes)
        }
    }
}

/// The whole file. Endless devices and files beyond the limit are refused before memory runs out.
fn load(path: &Path) -> Result<Vec<u8>> {
    let failed = |error: std::io::Error| Error::io("read", path, &error);
    let (file, length) = files::open("read", path)?;
    if length > MAX_TEXT_BYTES {
        return Err(encoding::too_long());
    }
    // Once as it is and once decoded.
    memory::check(length.saturating_mul(2), "the text of the file", "cut the file into several")?;
    let mut bytes = Vec::with_capacity(length as usize + 1);
    file.take(MAX_TEXT_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_TEXT_BYTES {
        return Err(encoding::too_long());
    }
    Ok(bytes)
}

fn gunzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let packed = bytes.len() as u64;
    // The last four bytes claim the size; they are a hint for the first allocation and no more.
    let claimed = bytes.last_chunk::<4>().map_or(0, |last| u64::from(u32::from_le_bytes(*last)));
    let mut unpacked = Vec::with_capacity(claimed.min(packed.saturating_mul(20)).min(1 << 30) as usize + 1);
    let mut reader = flate2::bufread::MultiGzDecoder::new(bytes);
    let mut block = vec![0; 1 << 18];
    loop {
        let read = reader.read(&mut block).map_err(|error| {
            let reason = if error.kind() == std::io::ErrorKind::UnexpectedEof {
                "it is cut off".to_owned()
            } else {
                error.to_string()
            };
            Error::input(format!("the packed file is damaged: {reason}")).hint("copy or download it again")
        })?;
        if read == 0 {
            return Ok(unpacked);
        }
        if unpacked.len() + read > unpacked.capacity() {
            // The old and the doubled room are both held for a moment.
            memory::check_values(unpacked.capacity(), 3, "the unpacked file", "cut the file into several")?;
        }
        unpacked.extend_from_slice(&block[..read]);
        if package::is_bomb(packed, unpacked.len() as u64) {
            return Err(package::bomb());
        }
    }
}

/// An Office file with a password hides in the container of old Excel files.
fn refuse_locked(bytes: &[u8]) -> Result<()> {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    if memchr::memmem::find(bytes, &name).is_some() {
        return Err(Error::input("the workbook is locked with a password")
            .hint("open it in Excel and save a copy without the password (File, Info, Protect Workbook)"));
    }
    Ok(())
}

/// A byte that separates nothing, for a sheet of one column: a control character that the text does not hold.
fn no_delimiter(text: &str) -> u8 {
    let absent = |byte: &u8| memchr::memchr(*byte, text.as_bytes()).is_none();
    [0x1f, 0x1e, 0x1d, 0x1c, 0x01, 0x02].into_iter().find(absent).unwrap_or(0x1f)
}

/// The largest table of a web page or XML spreadsheet.
fn read_markup(bytes: Vec<u8>, options: &ReadOptions, mut source: Source, notes: &mut Notes) -> Result<Table> {
    let named = || markup::named_encoding(&bytes).filter(|_| std::str::from_utf8(&bytes).is_err());
    let asked = options.encoding.clone().or_else(named);
    let decoded = encoding::decode(bytes, asked.as_deref(), &source.file_name, notes)?;
    source.encoding = Some(decoded.encoding.name().to_owned());
    let (text, rows) = markup::largest_table(&decoded.text[decoded.start..]).ok_or_else(sniff::no_table)?;
    notes.add(
        "markup-table",
        format!("`{}` is a web page or XML spreadsheet under another name", source.file_name),
        format!("its largest table was read ({}); rows are numbered within it", counted(rows, "row")),
    );
    let options = ReadOptions {
        delimiter: Some(b','),
        sheet: None,
        ..options.clone()
    };
    read_decoded(text, 0, &options, source, notes)
}

fn read_text(bytes: Vec<u8>, options: &ReadOptions, mut source: Source, notes: &mut Notes) -> Result<Table> {
    if let Some(sheet) = &options.sheet {
        return Err(
            Error::input(format!("there is no sheet `{sheet}`: this is a text file, which has no sheets")).hint("leave the sheet out"),
        );
    }
    let decoded = encoding::decode(bytes, options.encoding.as_deref(), &source.file_name, notes)?;
    source.encoding = Some(decoded.encoding.name().to_owned());
    source.byte_order_mark = decoded.byte_order_mark;
    read_decoded(decoded.text, decoded.start, options, source, notes)
}

fn read_decoded(mut text: String, mut start: usize, options: &ReadOptions, mut source: Source, notes: &mut Notes) -> Result<Table> {
    let is_empty = |letter: char| letter.is_whitespace() || letter.is_control() || matches!(letter, ',' | ';' | '|' | '"');
    if text.get(start..).is_none_or(|rest| rest.chars().all(is_empty)) {
        return Err(Error::input("the file holds no text").hint("export the sheet again"));
    }
    let first_line_feed = memchr::memchr(b'\n', text.as_bytes());
    let carriage_returns = first_line_feed.is_none() && text.contains('\r');
    source.windows_lines = first_line_feed.is_some_and(|at| at > 0 && text.as_bytes()[at - 1] == b'\r');
    let mut chosen = options.delimiter;
    if let Some((delimiter, after)) = separator_line(&text[start..]) {
        start += after;
        chosen = chosen.or(Some(delimiter));
    }
    let tab_expected = matches!(source.path.extension().and_then(|end| end.to_str()), Some("tsv" | "tab"));
    let mut detected = chosen.or_else(|| delimiter::detect(&text, start, carriage_returns, tab_expected));
    if detected.is_none()
        && let Some((lines, delimiter)) = quoted_lines(&text[start..], &source.file_name, notes)
    {
        (text, start, detected) = (lines, 0, Some(delimiter));
    }
    if detected.is_none()
        && let Some(lines) = aligned::divided(&text[start..])
    {
        notes.add(
            "aligned-columns",
            format!(
                "the columns of `{}` stand below each other with blanks between them",
                source.file_name
            ),
            "divided where all rows have a blank; check that no column was cut",
        );
        (text, start, detected) = (lines, 0, Some(b'\t'));
    }
    source.delimiter = Some(detected.unwrap_or(b','));
    let delimiter = detected.unwrap_or_else(|| no_delimiter(&text));
    if matches!(delimiter, b'"' | b'\n' | b'\r') {
        return Err(Error::input("a quotation mark or a line end cannot separate columns").hint("use a comma, a semicolon or a tab"));
    }
    if !carriage_returns && let Some((plain, open, close)) = other_quotes::plain(&text[start..], delimiter) {
        notes.add(
            "other-quotes",
            format!("the cells of `{}` stand in {open}such quotes{close}", source.file_name),
            "the quotes were left out",
        );
        (text, start) = (plain, 0);
    }
    if !carriage_returns && let Cow::Owned(mended) = stray_quotes::without(&text, start, delimiter, &source.file_name, notes) {
        text = mended;
    }
    let mut rules = 0;
    if delimiter == b'|'
        && let Some((without, lines)) = aligned::without_rules(&text[start..])
    {
        notes.add(
            "rule-lines",
            format!(
                "{} between the rows of `{}`",
                if lines == 1 {
                    "1 line of dashes".to_owned()
                } else {
                    format!("{lines} lines of dashes")
                },
                source.file_name
            ),
            "left out",
        );
        (text, start, rules) = (without, 0, lines);
    }
    let top = delimiter::top_rows(&text, start, delimiter, carriage_returns, LOOK_AT_ROWS)?;
    if top.is_empty() {
        return Err(Error::input("the file holds no text").hint("export the sheet again"));
    }
    let mut found = header::find(&top, options.header_row)?;
    if found.first == found.last && header::lacks_row_names(&found.cells, &top[found.last + 1..]) {
        // The column is named after its place, with a note.
        found.cells.insert(0, String::new());
    }
    note_header(&top, &found, &source.file_name, options, notes);
    let header = &TopRow {
        row: top[found.last].row,
        cells: found.cells,
    };
    source.header_row = header.row;
    let width = header_width(header, &top[found.last + 1..]);
    let cut = Cut {
        start,
        delimiter,
        carriage_returns,
        header_row: header.row,
        width,
    };
    let mut body = body::body(&text, cut)?;
    drop(text);
    // Lines of dashes are told as such.
    let irregular = &mut body.irregular;
    let last = rules.min(irregular.trailing_blank);
    irregular.trailing_blank -= last;
    irregular.blank = irregular.blank.saturating_sub(rules - last);
    assemble(body, header, width, source, notes)
}

/// Lines that stand in quotes as a whole, each of them the cells of a row: what a spreadsheet writes that had them all in its first column.
fn quoted_lines(text: &str, file_name: &str, notes: &mut Notes) -> Option<(String, u8)> {
    let inside = |line: &'_ str| Some(line.trim_end().strip_prefix('"')?.strip_suffix('"')?.replace("\"\"", "\""));
    let lines: Option<Vec<String>> = text
        .lines()
        .map(|line| {
            if line.trim().is_empty() {
                Some(String::new())
            } else {
                inside(line)
            }
        })
        .collect();
    let lines = lines?.join("\n");
    let delimiter = delimiter::detect(&lines, 0, false, false)?;
    notes.add(
        "quoted-lines",
        format!("every line of `{file_name}` stands in quotes as a whole"),
        format!(
            "the quotes were left out and the lines divided by `{}`",
            char::from(delimiter).escape_default()
        ),
    );
    Some((lines, delimiter))
}

/// Excel's `sep=;` line in front: the delimiter and how many bytes to skip.
fn separator_line(text: &str) -> Option<(u8, usize)> {
    let rest = text
        .get(..4)
        .filter(|start| start.eq_ignore_ascii_case("sep="))
        .and_then(|_| text.get(4..))?;
    let delimiter = *rest.as_bytes().first()?;
    let after = rest.get(1..)?;
    let end = if after.starts_with("\r\n") {
        2
    } else if after.starts_with(['\n', '\r']) {
        1
    } else {
        return None;
    };
    (delimiter.is_ascii() && !matches!(delimiter, b'"' | b'\n' | b'\r')).then_some((delimiter, 5 + end))
}

/// Cells of the header row, without the blank ones at its end that no row near the top fills.
fn header_width(header: &TopRow, below: &[TopRow]) -> usize {
    let filled = |cells: &[String]| {
        cells
            .iter()
            .rposition(|cell| !text::trimmed(cell).is_empty())
            .map_or(0, |last| last + 1)
    };
    let named = filled(&header.cells);
    let used = below.iter().map(|row| filled(&row.cells)).max().unwrap_or(0);
    // Unnamed columns are kept where the header has a (blank) cell for them.
    named.max(used.min(header.cells.len())).max(1)
}

/// Says where the header was found, and when it looks like a row of data.
pub(crate) fn note_header(top: &[TopRow], found: &Header, file_name: &str, options: &ReadOptions, notes: &mut Notes) {
    let (Some(first), Some(last)) = (top.get(found.first), top.get(found.last)) else {
        return;
    };
    if found.first > 0 && options.header_row.is_none() {
        notes.add(
            "title-block",
            format!("`{file_name}` begins with {} above the column names", counted(found.first, "row")),
            format!("the column names were taken from row {}", last.row),
        );
    }
    if found.first < found.last {
        notes.add(
            "two-row-header",
            format!(
                "the column names of `{file_name}` stand in row {}, with names of groups above them in row {}",
                last.row, first.row
            ),
            "the names were taken from there, with those of the groups where they need them; name another row with `--header-row`",
        );
    }
    if header::looks_like_data(last) {
        notes.add(
            "header-looks-like-data",
            format!(
                "row {} of `{file_name}`, taken for the column names, holds mostly numbers or dates",
                last.row
            ),
            if last.cells.len() > 20 && top.len() * 2 < last.cells.len() {
                "if its rows are its columns, turn it (Excel: copy, Paste Special, Transpose); if it has no column names, add a row with names on top"
            } else {
                "if the sheet has no column names, add a row with names on top"
            },
        );
    }
}

fn assemble(body: Body, header: &TopRow, width: usize, source: Source, notes: &mut Notes) -> Result<Table> {
    let irregular = &body.irregular;
    if let Some(first) = irregular.first_short {
        notes.add(
            "short-rows",
            format!(
                "{} of `{}` {} fewer cells than the header, the first is row {first}",
                counted(irregular.short, "row"),
                source.file_name,
                if irregular.short == 1 { "has" } else { "have" }
            ),
            "the cells that are not there were taken as blank; is the file cut off?",
        );
    }
    // A delimiter at the end of every line means nothing.
    if let Some(first) = irregular.first_long.filter(|_| irregular.long * 2 < body.height) {
        notes.add(
            "long-rows",
            format!(
                "{} of `{}` {} one cell more than the others, a blank one at the end, the first is row {first}",
                counted(irregular.long, "row"),
                source.file_name,
                if irregular.long == 1 { "has" } else { "have" }
            ),
            "the blank cell was left out; check these rows: a comma inside a cell without quotes moves all cells behind it by one",
        );
    }
    if irregular.blank > 0 {
        notes.add(
            "blank-rows",
            format!(
                "{} between the rows of `{}`",
                counted(irregular.blank, "blank row"),
                source.file_name
            ),
            "left out",
        );
    }
    if irregular.trailing_blank > 0 {
        notes.add(
            "trailing-blank",
            format!(
                "{} at the end of `{}`",
                counted(irregular.trailing_blank, "blank row"),
                source.file_name
            ),
            "left out",
        );
    }
    let height = body.height;
    let mut kept = Vec::with_capacity(width);
    let mut columns = Vec::with_capacity(width);
    let mut dropped = 0;
    for (place, series) in body.columns.into_iter().enumerate() {
        let name = header.cells.get(place).cloned().unwrap_or_default();
        let column = Column::plain(series);
        let blank = |row: usize| !matches!(column.get(row), CellView::Text(cell) if !text::trimmed(&cell).is_empty());
        if text::trimmed(&name).is_empty() && (0..height).all(blank) {
            dropped += 1;
            continue;
        }
        kept.push((place, name));
        columns.push(column);
    }
    if dropped > 0 {
        notes.add(
            "trailing-blank",
            format!("{} without name or content in `{}`", counted(dropped, "column"), source.file_name),
            "left out",
        );
    }
    let names = header::names(&kept, &source.file_name, notes);
    let rows = match body.row_numbers {
        Some(numbers) => RowNumbers::Listed(numbers.into()),
        None => RowNumbers::From(header.row + 1),
    };
    Table::assemble(source, names, columns, height, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_line_is_understood() {
        assert_eq!(separator_line("sep=;\r\na;b"), Some((b';', 7)));
        assert_eq!(separator_line("SEP=,\na,b"), Some((b',', 6)));
        assert_eq!(separator_line("sep=count,b"), None);
        assert_eq!(separator_line("a;b"), None);
    }
}
