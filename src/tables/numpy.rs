//! Arrays of NumPy: `.npy`, and `.npz` archives of several with equally many rows. Nothing is unpickled: arrays of Python objects are refused.
//!
//! The format is that of `numpy.lib.format`, versions 1 to 3: a header that is a Python literal, then the values.

use std::io::{Cursor, Read};

use half::f16;
use polars::prelude::{Column as PolarsColumn, DataFrame, IntoColumn, NamedFrom, Series};
use zip::ZipArchive;

use super::frame;
use super::package;
use super::source::{Format, Source};
use super::table::Table;
use crate::error::{Error, Result};
use crate::notes::Notes;

/// What every `.npy` file begins with.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// Bytes of the longest header that is read.
const LONGEST_HEADER: usize = 1 << 20;

/// How deep a header may be nested.
const MOST_NESTED: usize = 8;

fn damaged(detail: impl std::fmt::Display) -> Error {
    frame::damaged("NumPy", detail)
}

fn refused(what: String) -> Error {
    Error::input(what).hint("save an array of rows x columns of numbers or texts, or a data frame as Parquet or CSV")
}

/// Whether a zip archive holds NumPy's arrays and nothing else.
pub(crate) fn is_archive(bytes: &[u8]) -> bool {
    let Ok(archive) = ZipArchive::new(Cursor::new(bytes)) else {
        return false;
    };
    let mut names = archive.file_names();
    !archive.is_empty() && names.all(|name| name.is_ok_and(|name| name.ends_with(".npy")))
}

/// Reads one array.
///
/// # Errors
/// For a damaged file, one of Python objects or of more than two dimensions, and one beyond the limits.
pub(crate) fn read(bytes: &[u8], mut source: Source, notes: &mut Notes) -> Result<Table> {
    source.format = Format::Numpy;
    let array = Array::parse(bytes)?;
    frame::check_size(array.rows, array.columns())?;
    let columns = array.read("")?;
    sheet(array.rows, columns, source, notes)
}

/// Reads an archive of arrays, whose columns stand side by side.
///
/// # Errors
/// As [`read`]; and where the arrays differ in their number of rows.
pub(crate) fn read_archive(bytes: &[u8], mut source: Source, notes: &mut Notes) -> Result<Table> {
    source.format = Format::Numpy;
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    let mut unpacked = 0_u64;
    for place in 0..archive.len() {
        unpacked = unpacked.saturating_add(archive.by_index_raw(place).map_err(damaged)?.size());
    }
    if package::is_bomb(bytes.len() as u64, unpacked) {
        return Err(package::bomb());
    }
    let (mut first, mut width, mut columns): (Option<(String, usize)>, usize, Vec<PolarsColumn>) = (None, 0, Vec::new());
    for place in 0..archive.len() {
        let part = archive.by_index(place).map_err(damaged)?;
        let name = part.name().map_err(damaged)?.trim_end_matches(".npy").to_owned();
        let mut values = Vec::new();
        let size = part.size();
        part.take(size).read_to_end(&mut values).map_err(damaged)?;
        let array = Array::parse(&values).map_err(|error| error.in_column(&name))?;
        let (other, rows) = first.get_or_insert_with(|| (name.clone(), array.rows));
        if *rows != array.rows {
            return Err(refused(format!("array `{name}` has {} rows, and `{other}` has {rows}", array.rows)));
        }
        width += array.columns();
        frame::check_size(array.rows, width)?;
        columns.extend(array.read(&name).map_err(|error| error.in_column(&name))?);
    }
    sheet(first.map_or(0, |(_, rows)| rows), columns, source, notes)
}

fn sheet(rows: usize, columns: Vec<PolarsColumn>, source: Source, notes: &mut Notes) -> Result<Table> {
    let frame = DataFrame::new(rows, columns).map_err(damaged)?;
    frame::sheet(frame, Vec::new(), source, notes)
}

/// What the values of a column are, and where they lie in an item.
#[derive(Debug, Clone, PartialEq)]
struct Field {
    /// Empty where the array has no names.
    name: String,
    kind: u8,
    /// Bytes of a value.
    size: usize,
    big_endian: bool,
    /// First byte in an item.
    start: usize,
}

/// An array whose header was read and whose values are all there.
struct Array<'a> {
    fields: Vec<Field>,
    /// Bytes of an item: of all fields.
    item: usize,
    rows: usize,
    /// Items of a row.
    width: usize,
    /// Whether it has one dimension.
    flat: bool,
    by_column: bool,
    values: &'a [u8],
}

impl<'a> Array<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self> {
        let cut_off = || damaged("it is cut off");
        let version = bytes.strip_prefix(MAGIC).and_then(|rest| rest.first()).ok_or_else(cut_off)?;
        let (length, start) = match version {
            1 => (bytes.get(8..10).map(|two| usize::from(u16::from_le_bytes([two[0], two[1]]))), 10),
            2 | 3 => (
                bytes
                    .get(8..12)
                    .and_then(|four| four.first_chunk::<4>())
                    .map(|four| u32::from_le_bytes(*four) as usize),
                12,
            ),
            other => return Err(refused(format!("the NumPy file is of version {other}, and 1 to 3 are read"))),
        };
        let length = length.ok_or_else(cut_off)?;
        if length > LONGEST_HEADER {
            return Err(damaged("its header is too long"));
        }
        let header = bytes.get(start..start + length).ok_or_else(cut_off)?;
        let header = String::from_utf8_lossy(header);
        let literal = Literal::parse(&header).ok_or_else(|| damaged("its header cannot be read"))?;
        let entry = |key: &str| literal.entry(key).ok_or_else(|| damaged(format_args!("its header has no `{key}`")));
        let (fields, item) = fields(entry("descr")?)?;
        let by_column = matches!(entry("fortran_order")?, Literal::Word(word) if word == "True");
        let shape: Option<Vec<usize>> = match entry("shape")? {
            Literal::List(sizes) => sizes.iter().map(Literal::whole).collect(),
            _ => None,
        };
        let (rows, width, flat) = match shape.ok_or_else(|| damaged("its shape is no list of whole numbers"))?.as_slice() {
            [] => return Err(refused("the array is a single value".to_owned())),
            [rows] => (*rows, 1, true),
            [rows, width] => (*rows, *width, false),
            sizes => return Err(refused(format!("the array has {} dimensions", sizes.len()))),
        };
        let values = &bytes[start + length..];
        let needed = rows.checked_mul(width).and_then(|items| items.checked_mul(item));
        if needed != Some(values.len()) {
            return Err(damaged(format_args!(
                "its header says {rows} x {width} items of {item} bytes, and {} bytes follow",
                values.len()
            )));
        }
        Ok(Self {
            fields,
            item,
            rows,
            width,
            flat,
            by_column,
            values,
        })
    }

    fn columns(&self) -> usize {
        self.width.saturating_mul(self.fields.len())
    }

    /// The columns, by the names of the fields, else by the array's name and their places from 0.
    fn read(&self, name: &str) -> Result<Vec<PolarsColumn>> {
        let mut columns = Vec::with_capacity(self.columns());
        for place in 0..self.width {
            for field in &self.fields {
                let name = match (field.name.as_str(), name, self.flat) {
                    ("", "", _) => place.to_string(),
                    ("", name, true) => name.to_owned(),
                    ("", name, false) => format!("{name}_{place}"),
                    (field, _, true) => field.to_owned(),
                    (field, _, false) => format!("{field}_{place}"),
                };
                columns.push(self.column(field, place).with_name(name.as_str().into()).into_column());
            }
        }
        Ok(columns)
    }

    /// The bytes of a field in every row.
    fn cells(&self, field: &Field, place: usize) -> impl Iterator<Item = &'a [u8]> {
        let (values, item, width, rows, by_column) = (self.values, self.item, self.width, self.rows, self.by_column);
        let (start, size) = (field.start, field.size);
        (0..rows).map(move |row| {
            let item_at = if by_column { place * rows + row } else { row * width + place };
            &values[item_at * item + start..item_at * item + start + size]
        })
    }

    fn column(&self, field: &Field, place: usize) -> Series {
        let cells = self.cells(field, place);
        let bits = |cell: &[u8]| {
            let mut eight = [0; 8];
            eight[..cell.len()].copy_from_slice(cell);
            if field.big_endian {
                eight[..cell.len()].reverse();
            }
            u64::from_le_bytes(eight)
        };
        let name = "".into();
        match (field.kind, field.size) {
            (b'f', 2) => Series::new(
                name,
                cells.map(|cell| f16::from_bits(bits(cell) as u16).to_f32()).collect::<Vec<_>>(),
            ),
            (b'f', 4) => Series::new(name, cells.map(|cell| f32::from_bits(bits(cell) as u32)).collect::<Vec<_>>()),
            (b'f', _) => Series::new(name, cells.map(|cell| f64::from_bits(bits(cell))).collect::<Vec<_>>()),
            (b'i', size) => {
                let shift = 64 - 8 * size as u32;
                Series::new(name, cells.map(|cell| ((bits(cell) << shift) as i64) >> shift).collect::<Vec<_>>())
            }
            (b'u', _) => Series::new(name, cells.map(bits).collect::<Vec<_>>()),
            (b'b', _) => Series::new(name, cells.map(|cell| bits(cell) != 0).collect::<Vec<_>>()),
            (b'U', _) => Series::new(name, cells.map(|cell| letters(cell, field.big_endian)).collect::<Vec<_>>()),
            _ => {
                let text = |cell: &[u8]| String::from_utf8_lossy(cell).trim_end_matches('\0').to_owned();
                Series::new(name, cells.map(text).collect::<Vec<_>>())
            }
        }
    }
}

/// A text of four bytes a letter, filled up with zeros.
fn letters(cell: &[u8], big_endian: bool) -> String {
    let letter = |four: &[u8]| {
        let code = match (four, big_endian) {
            (&[a, b, c, d], false) => u32::from_le_bytes([a, b, c, d]),
            (&[a, b, c, d], true) => u32::from_be_bytes([a, b, c, d]),
            _ => 0,
        };
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
    };
    let text: String = cell.chunks_exact(4).map(letter).collect();
    text.trim_end_matches('\0').to_owned()
}

/// The fields of an item and its bytes: one without a name, or those of a structured array.
fn fields(descr: &Literal) -> Result<(Vec<Field>, usize)> {
    let mut start = 0_usize;
    let mut fields = Vec::new();
    let mut add = |name: &str, code: &str| -> Result<()> {
        let (kind, size, big_endian) = kind(name, code)?;
        fields.push(Field {
            name: name.to_owned(),
            kind,
            size,
            big_endian,
            start,
        });
        start = start.checked_add(size).ok_or_else(|| damaged("its items are too large"))?;
        Ok(())
    };
    match descr {
        Literal::Text(code) => add("", code)?,
        Literal::List(parts) if !parts.is_empty() => {
            for part in parts {
                match part {
                    Literal::List(pair) => match pair.as_slice() {
                        [Literal::Text(name), Literal::Text(code)] if !name.is_empty() => add(name, code)?,
                        [Literal::Text(name), ..] if !name.is_empty() => {
                            return Err(refused(format!("field `{name}` of the array holds arrays or structures")));
                        }
                        _ => return Err(damaged("its header describes a field without a name")),
                    },
                    _ => return Err(damaged("its header describes no fields")),
                }
            }
        }
        _ => return Err(damaged("its header does not say what its values are")),
    }
    Ok((fields, start))
}

/// Kind, bytes and order of bytes of a value, as `<f4` says them.
fn kind(name: &str, code: &str) -> Result<(u8, usize, bool)> {
    let whose = if name.is_empty() {
        "the array".to_owned()
    } else {
        format!("field `{name}` of the array")
    };
    let (order, rest) = match code.as_bytes() {
        [order @ (b'<' | b'>' | b'|' | b'='), rest @ ..] => (*order, rest),
        rest => (b'|', rest),
    };
    let (letter, size) = match rest {
        [letter, size @ ..] => (*letter, std::str::from_utf8(size).ok().and_then(|size| size.parse::<usize>().ok())),
        [] => (0, None),
    };
    let size = match (letter, size) {
        (b'f', Some(size @ (2 | 4 | 8))) | (b'i' | b'u', Some(size @ (1 | 2 | 4 | 8))) | (b'b', Some(size @ 1)) => Some(size),
        (b'S' | b'a', Some(size)) if size > 0 => Some(size),
        (b'U', Some(size)) if size > 0 => size.checked_mul(4),
        _ => None,
    };
    let size = size.ok_or_else(|| match letter {
        b'O' => refused(format!("{whose} holds Python objects, which only Python can load")),
        b'M' | b'm' => refused(format!("{whose} holds dates (`{code}`), which are not read from NumPy files")),
        _ => refused(format!("{whose} holds values of the kind `{code}`, which are not read")),
    })?;
    Ok((letter, size, order == b'>'))
}

/// A Python literal, as far as headers have them.
#[derive(Debug, Clone, PartialEq)]
enum Literal {
    Text(String),
    /// A number or a name such as `True`.
    Word(String),
    /// A tuple or list.
    List(Vec<Literal>),
    Dictionary(Vec<(Literal, Literal)>),
}

impl Literal {
    fn parse(text: &str) -> Option<Self> {
        let mut left = text.trim();
        let found = Self::take(&mut left, 0)?;
        left.trim().is_empty().then_some(found)
    }

    fn whole(&self) -> Option<usize> {
        match self {
            Self::Word(word) => word.trim_end_matches('L').parse().ok(),
            _ => None,
        }
    }

    fn entry(&self, key: &str) -> Option<&Self> {
        let Self::Dictionary(entries) = self else { return None };
        let found = entries.iter().find(|(own, _)| matches!(own, Self::Text(own) if own == key));
        found.map(|(_, value)| value)
    }

    fn take(left: &mut &str, depth: usize) -> Option<Self> {
        *left = left.trim_start();
        let first = left.chars().next().filter(|_| depth < MOST_NESTED)?;
        match first {
            '\'' | '"' => {
                let end = left[1..].find(first)? + 1;
                let text = &left[1..end];
                *left = &left[end + 1..];
                (!text.contains('\\')).then(|| Self::Text(text.to_owned()))
            }
            '(' | '[' => {
                let close = if first == '(' { ')' } else { ']' };
                let mut parts = Vec::new();
                *left = &left[1..];
                while !closes(left, close) {
                    parts.push(Self::take(left, depth + 1)?);
                    comma(left, close)?;
                }
                Some(Self::List(parts))
            }
            '{' => {
                let mut entries = Vec::new();
                *left = &left[1..];
                while !closes(left, '}') {
                    let key = Self::take(left, depth + 1)?;
                    *left = left.trim_start().strip_prefix(':')?;
                    entries.push((key, Self::take(left, depth + 1)?));
                    comma(left, '}')?;
                }
                Some(Self::Dictionary(entries))
            }
            _ => {
                let end = left.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(left.len());
                let word = &left[..end];
                *left = &left[end..];
                (!word.is_empty()).then(|| Self::Word(word.to_owned()))
            }
        }
    }
}

/// Passes over the end of a list, if that is next.
fn closes(left: &mut &str, close: char) -> bool {
    let rest = left.trim_start().strip_prefix(close);
    rest.map(|rest| *left = rest).is_some()
}

/// Passes over a comma, which must stand before anything but the end.
fn comma(left: &mut &str, close: char) -> Option<()> {
    *left = left.trim_start();
    match left.strip_prefix(',') {
        Some(rest) => *left = rest,
        None if left.starts_with(close) => {}
        None => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests;
