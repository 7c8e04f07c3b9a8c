//! Parquet through Polars' reader. What the file claims about itself is checked first, so that no claim makes the reader ask for more memory than the
//! file can need.

use std::io::Cursor;

use polars::prelude::DataFrame;
use polars_io::SerReader;
use polars_io::prelude::ParquetReader;

use super::csv::with_thousands;
use super::frame::{self, CONTRADICTION};
use super::package;
use super::pandas_index;
use super::panics::caught_on_own_stack;
use super::source::{Format, Source};
use super::table::Table;
use super::thrift::{STRUCT, Thrift};
use crate::error::{Error, Result};
use crate::notes::Notes;

fn damaged(detail: impl std::fmt::Display) -> Error {
    frame::damaged("Parquet", detail)
}

/// Reads a Parquet file. Columns of lists or structures are left out, with a note.
///
/// # Errors
/// For a damaged file, one without columns, and one beyond the limits.
pub(crate) fn read(bytes: Vec<u8>, mut source: Source, notes: &mut Notes) -> Result<Table> {
    source.format = Format::Parquet;
    check(&bytes)?;
    let (frame, left_out) = caught_on_own_stack(|| plain_columns(&bytes)).map_err(|words| frame::gave_up("Parquet", &words))??;
    drop(bytes);
    frame::sheet(frame, left_out, source, notes)
}

/// The file with the key of Arrow's own schema respelt, so that the types are those of Parquet; `None` where it has none.
fn without_arrow_schema(bytes: &[u8]) -> Option<Vec<u8>> {
    const KEY: &[u8] = b"ARROW:schema";
    let place = memchr::memmem::rfind(bytes, KEY)?;
    let mut without = bytes.to_vec();
    without[place..place + KEY.len()].make_ascii_lowercase();
    Some(without)
}

/// The columns that are no lists or structures, and the names of those that are.
fn plain_columns(bytes: &[u8]) -> Result<(DataFrame, Vec<String>)> {
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let schema = reader.schema().map_err(damaged)?;
    // Arrow's schema may say that times of day are seconds. Parquet has no such type and stores thousandths, which Polars would take for seconds.
    if schema.iter_values().any(frame::is_of_seconds)
        && let Some(without) = without_arrow_schema(bytes)
    {
        return plain_columns(&without);
    }
    let height = reader.num_rows().map_err(damaged)?;
    let (places, left_out) = frame::plain_places(schema.iter_values());
    frame::check_size(height, schema.len())?;
    if places.is_empty() {
        return Ok((DataFrame::empty_with_height(height), left_out));
    }
    let frame = reader.with_projection(Some(places)).finish().map_err(damaged)?;
    Ok((pandas_index::with_index(frame, bytes), left_out))
}

/// How deep columns may be nested.
const MAX_NESTING: usize = 50;

/// Where the pages of a column lie, and what is claimed of them.
#[derive(Default)]
struct Chunk {
    values: i64,
    packed: i64,
    data: i64,
    dictionary: Option<i64>,
    /// Whether the column is no part of a list or structure.
    flat: bool,
}

/// Goes over the footer and all page headers: lengths that the file cannot hold, sizes that no honest file unpacks to, wrong numbers of values.
///
/// # Errors
/// For a file that claims any of these, or cannot be walked over.
fn check(bytes: &[u8]) -> Result<()> {
    let cut_off = || damaged("it is cut off");
    let length = bytes.len();
    if length < 12 || &bytes[length - 4..] != b"PAR1" {
        return Err(cut_off());
    }
    let claimed = bytes[..length - 4].last_chunk::<4>().map_or(0, |last| u32::from_le_bytes(*last)) as usize;
    let footer = (length - 8)
        .checked_sub(claimed)
        .filter(|start| *start >= 4)
        .and_then(|start| bytes.get(start..length - 8));
    let groups = footer.and_then(groups).ok_or_else(|| damaged(CONTRADICTION))?;
    let mut unpacked = 0_u64;
    for (rows, chunks) in &groups {
        for chunk in chunks {
            let values = check_pages(bytes, chunk, &mut unpacked)?;
            if chunk.flat && (values != *rows || values != chunk.values) {
                return Err(damaged(format_args!(
                    "a column has {} values for {} rows",
                    with_thousands(values.max(0) as usize),
                    with_thousands((*rows).max(0) as usize)
                )));
            }
        }
    }
    Ok(())
}

/// The row groups of a footer: their rows, and where their columns lie.
fn groups(footer: &[u8]) -> Option<Vec<(i64, Vec<Chunk>)>> {
    let mut thrift = Thrift::new(footer);
    let (mut groups, mut leaves, mut total) = (Vec::new(), None, None);
    thrift.structure(|thrift, number, _| {
        match number {
            2 => leaves = Some(leaves_of_schema(thrift)?),
            3 => total = Some(thrift.integer()?),
            4 => {
                let (kind, size) = thrift.list()?;
                for _ in 0..size {
                    groups.push((kind == STRUCT).then(|| group(thrift))??);
                }
            }
            _ => return Some(false),
        }
        Some(true)
    })?;
    let leaves: usize = leaves?;
    let rows = groups
        .iter()
        .try_fold(0_i64, |sum, (rows, _)| sum.checked_add(*rows).filter(|_| *rows >= 0))?;
    (total? == rows && groups.iter().all(|(_, chunks)| chunks.len() == leaves)).then_some(groups)
}

/// How many columns a schema has that hold values; `None` for one that is nested too deep or whose tree has holes.
fn leaves_of_schema(thrift: &mut Thrift<'_>) -> Option<usize> {
    let (kind, size) = thrift.list()?;
    let mut leaves = 0;
    // For each open structure, how many of its members are still to come.
    let mut open: Vec<i64> = vec![1];
    for _ in 0..size {
        let mut children = 0;
        (kind == STRUCT).then_some(())?;
        thrift.structure(|thrift, number, _| {
            if number == 5 {
                children = thrift.integer()?;
            }
            Some(number == 5)
        })?;
        while open.last() == Some(&0) {
            open.pop();
        }
        *open.last_mut()? -= 1;
        match children {
            0 => leaves += 1,
            1.. => open.push(children),
            _ => return None,
        }
        (open.len() <= MAX_NESTING).then_some(())?;
    }
    open.iter().all(|left| *left == 0).then_some(leaves)
}

fn group(thrift: &mut Thrift<'_>) -> Option<(i64, Vec<Chunk>)> {
    let (mut rows, mut chunks) = (None, Vec::new());
    thrift.structure(|thrift, number, _| {
        match number {
            1 => {
                let (kind, size) = thrift.list()?;
                for _ in 0..size {
                    let mut found = None;
                    (kind == STRUCT).then_some(())?;
                    thrift.structure(|thrift, number, kind| {
                        if number == 3 && kind == STRUCT {
                            found = Some(chunk(thrift)?);
                        }
                        Some(number == 3 && kind == STRUCT)
                    })?;
                    chunks.push(found?);
                }
            }
            3 => rows = Some(thrift.integer()?),
            _ => return Some(false),
        }
        Some(true)
    })?;
    Some((rows?, chunks))
}

fn chunk(thrift: &mut Thrift<'_>) -> Option<Chunk> {
    let mut chunk = Chunk::default();
    let mut seen = 0;
    thrift.structure(|thrift, number, _| {
        match number {
            3 => {
                let (_, depth) = thrift.list()?;
                chunk.flat = depth == 1;
                (0..depth).try_for_each(|_| thrift.text())?;
            }
            5 => chunk.values = thrift.integer()?,
            7 => chunk.packed = thrift.integer()?,
            9 => chunk.data = thrift.integer()?,
            11 => chunk.dictionary = Some(thrift.integer()?),
            _ => return Some(false),
        }
        seen += i32::from(number != 11);
        Some(true)
    })?;
    (seen == 4).then_some(chunk)
}

/// Goes over the page headers of a column; returns how many values its pages claim to hold.
fn check_pages(bytes: &[u8], chunk: &Chunk, unpacked: &mut u64) -> Result<i64> {
    let start = chunk
        .dictionary
        .filter(|start| *start > 0)
        .map_or(chunk.data, |start| start.min(chunk.data));
    let range = usize::try_from(start).ok().zip(usize::try_from(chunk.packed).ok());
    let mut rest = range
        .and_then(|(start, length)| bytes.get(start..start.checked_add(length)?))
        .ok_or_else(|| damaged("a column lies beyond its end"))?;
    let mut values = 0_i64;
    while !rest.is_empty() {
        let (page, length) = page(rest).ok_or_else(|| damaged(CONTRADICTION))?;
        *unpacked = unpacked.saturating_add(page.unpacked);
        if package::is_bomb(bytes.len() as u64, *unpacked) {
            return Err(package::bomb());
        }
        values = values.saturating_add(page.values);
        rest = rest.get(length..).ok_or_else(|| damaged("a page lies beyond its end"))?;
    }
    Ok(values)
}

struct Page {
    unpacked: u64,
    /// Values of the column; none for a dictionary.
    values: i64,
}

/// A page's header, and how many bytes header and page take together.
fn page(bytes: &[u8]) -> Option<(Page, usize)> {
    let mut thrift = Thrift::new(bytes);
    let (mut unpacked, mut packed, mut values, mut entries) = (None, None, 0, 0);
    thrift.structure(|thrift, number, kind| {
        match (number, kind) {
            (2, _) => unpacked = Some(u64::try_from(thrift.integer()?).ok()?),
            (3, _) => packed = Some(usize::try_from(thrift.integer()?).ok()?),
            (5 | 8, STRUCT) => values = count_of(thrift)?,
            (7, STRUCT) => entries = count_of(thrift)?,
            _ => return Some(false),
        }
        Some(true)
    })?;
    let unpacked = unpacked?;
    // An entry of a dictionary takes a byte at least.
    (entries as u64 <= unpacked).then_some(())?;
    Some((Page { unpacked, values }, thrift.position().checked_add(packed?)?))
}

/// The number of values, first in the header of every kind of page.
fn count_of(thrift: &mut Thrift<'_>) -> Option<i64> {
    let mut count = None;
    thrift.structure(|thrift, number, _| {
        if number == 1 {
            count = Some(thrift.integer()?);
        }
        Some(number == 1)
    })?;
    count.filter(|count| *count >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A footer that claims a list of `size` elements.
    fn file_with_footer(footer: &[u8]) -> Vec<u8> {
        let mut bytes = b"PAR1".to_vec();
        bytes.extend_from_slice(footer);
        bytes.extend_from_slice(&(footer.len() as u32).to_le_bytes());
        bytes.extend_from_slice(b"PAR1");
        bytes
    }

    #[test]
    fn a_list_longer_than_the_file_is_refused_before_memory_is_taken() {
        let bytes = file_with_footer(&[0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x00]);
        assert_eq!(bytes.len(), 21);
        let error = check(&bytes).unwrap_err();
        assert!(error.to_string().contains("damaged"), "{error}");
    }

    #[test]
    fn a_schema_nested_without_end_is_refused() {
        // Ten thousand structures of one member each.
        let mut footer = vec![0x29, 0xfc, 0x90, 0x4e];
        for _ in 0..10_000 {
            footer.extend_from_slice(&[0x55, 0x02, 0x00]);
        }
        footer.push(0);
        assert!(check(&file_with_footer(&footer)).is_err());
    }

    #[test]
    fn sixteen_bit_floats_are_numbers() {
        use polars::prelude::{Column, DataType};
        use polars_io::prelude::ParquetWriter;

        let numbers = Column::new("half".into(), [Some(0.1_f32), None, Some(59.0), Some(-2.5)]);
        let half = numbers.cast(&DataType::Float16).unwrap();
        let mut frame = DataFrame::new(4, vec![half]).unwrap();
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
        let source = Source::named(std::path::Path::new("half.parquet"), Format::Parquet);
        let table = read(bytes, source, &mut Notes::new()).unwrap();
        assert_eq!(
            table.numbers("half", &mut Notes::new()).unwrap(),
            [Some(0.1), None, Some(59.0), Some(-2.5)]
        );
    }

    #[test]
    fn ids_of_sixteen_bytes_are_as_they_are_written_and_other_bytes_are_left_out() {
        use polars::prelude::Column;
        use polars_io::prelude::ParquetWriter;

        let id: Vec<u8> = (0..16).map(|byte| byte * 0x11).collect();
        let ids = Column::new("id".into(), [Some(id.as_slice()), None]);
        let raw = Column::new("raw".into(), [Some(&id[..5]), Some(&[0, 0xff][..])]);
        let mut frame = DataFrame::new(2, vec![ids, raw]).unwrap();
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
        let source = Source::named(std::path::Path::new("ids.parquet"), Format::Parquet);
        let mut notes = Notes::new();
        let table = read(bytes, source, &mut notes).unwrap();
        assert_eq!(table.names(), ["id"]);
        assert_eq!(table.texts("id").unwrap().get(0), Some("00112233-4455-6677-8899-aabbccddeeff"));
        assert_eq!(table.texts("id").unwrap().get(1), None);
        assert!(notes.has("unreadable-columns"));
    }

    #[test]
    fn a_dictionary_of_more_entries_than_bytes_is_refused() {
        let header = |entries: u8| [0x15, 4, 0x15, 20, 0x15, 20, 0x4c, 0x15, entries, 0, 0];
        assert_eq!(page(&header(20)).map(|(page, length)| (page.unpacked, length)), Some((10, 21)));
        assert!(page(&header(22)).is_none());
    }
}
