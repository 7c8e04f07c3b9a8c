//! Arrow IPC files (Feather) and streams through Polars' readers. As for Parquet, what the file claims about its sizes is checked first.

use std::io::Cursor;
use std::sync::atomic::{AtomicBool, Ordering};

use polars::prelude::{ArrowDataType, ArrowField, DataFrame};
use polars_io::SerReader;
use polars_io::prelude::{IpcReader, IpcStreamReader};

use super::frame::{self, CONTRADICTION};
use super::package;
use super::pandas_index;
use super::panics::caught_on_own_stack;
use super::source::{Format, Source};
use super::table::Table;
use crate::error::{Error, Result};
use crate::notes::Notes;

fn damaged(detail: impl std::fmt::Display) -> Error {
    frame::damaged("Arrow", detail)
}

/// How an Arrow stream starts.
pub(super) const STREAM: [u8; 4] = [0xff; 4];

/// Reads an Arrow file or stream. Columns of lists or structures are left out, with a note.
///
/// # Errors
/// For a damaged file, one without columns, and one beyond the limits.
pub(crate) fn read(bytes: Vec<u8>, mut source: Source, notes: &mut Notes) -> Result<Table> {
    source.format = Format::Arrow;
    let claims = claims(&bytes).ok_or_else(|| damaged(CONTRADICTION))?;
    if package::is_bomb(bytes.len() as u64, claims.unpacked) {
        return Err(package::bomb());
    }
    frame::check_size(usize::try_from(claims.rows).unwrap_or(usize::MAX), 1)?;
    let has_union = AtomicBool::new(false);
    let read = caught_on_own_stack(|| plain_columns(&bytes, claims.rows as usize, &has_union));
    // The reader gives up on passing over a union, in words that say nothing of it.
    let (frame, left_out) = read.map_err(|words| match has_union.load(Ordering::Relaxed) {
        true => frame::unknown_type("Arrow"),
        false => frame::gave_up("Arrow", &words),
    })??;
    drop(bytes);
    if claims.endless {
        notes.add(
            "endless-stream",
            format!("the Arrow stream `{}` stops without its end mark", source.file_name),
            "read as far as it goes; make sure that it was not cut off",
        );
    }
    frame::sheet(frame, left_out, source, notes)
}

/// The columns that are no lists or structures, and the names of those that are. `has_union`: whether there is a union among them.
fn plain_columns(all: &[u8], height: usize, has_union: &AtomicBool) -> Result<(DataFrame, Vec<String>)> {
    let stream = all.starts_with(&STREAM);
    let bytes = || Cursor::new(all);
    let schema = if stream {
        IpcStreamReader::new(bytes()).arrow_schema().map(Into::into)
    } else {
        IpcReader::new(bytes()).schema()
    };
    let schema = schema.map_err(damaged)?;
    let (places, left_out) = frame::plain_places(schema.iter_values());
    let union = |field: &ArrowField| matches!(field.dtype(), ArrowDataType::Union(_));
    has_union.store(schema.iter_values().any(union), Ordering::Relaxed);
    frame::check_size(height, schema.len())?;
    if places.is_empty() {
        return Ok((DataFrame::empty_with_height(height), left_out));
    }
    let frame = if stream {
        IpcStreamReader::new(bytes()).with_projection(Some(places)).finish()
    } else {
        IpcReader::new(bytes()).with_projection(Some(places)).finish()
    };
    let frame = frame.map_err(damaged)?;
    if frame.columns().iter().any(|column| column.len() != height) {
        return Err(damaged("its columns differ in length"));
    }
    Ok((pandas_index::with_index(frame, all), left_out))
}

/// What a file claims to hold.
#[derive(Debug, Default, PartialEq, Eq)]
struct Claims {
    rows: u64,
    /// Bytes of all cells once unpacked.
    unpacked: u64,
    /// Whether a stream stops without its end mark, as one that was cut off between two batches does.
    endless: bool,
}

/// What a file or a stream claims; `None` where it points outside itself.
fn claims(bytes: &[u8]) -> Option<Claims> {
    match bytes.starts_with(&STREAM) {
        true => claims_of_stream(bytes),
        false => claims_of_file(bytes),
    }
}

/// Goes over the footer and the headers of all batches.
fn claims_of_file(bytes: &[u8]) -> Option<Claims> {
    const BLOCK: usize = 24;
    const DICTIONARIES: usize = 2;
    const BATCHES: usize = 3;
    let end = bytes.len().checked_sub(10).filter(|_| bytes.ends_with(b"ARROW1"))?;
    let length = usize::try_from(i32_at(bytes, end)?).ok()?;
    let footer = Flat::root(bytes.get(end.checked_sub(length)?..end)?)?;
    let mut claims = Claims::default();
    for list in [DICTIONARIES, BATCHES] {
        let Some(blocks) = footer.vector(list, BLOCK) else {
            continue;
        };
        for block in blocks?.chunks_exact(BLOCK) {
            let offset = usize::try_from(i64_at(block, 0)?).ok()?;
            let header = usize::try_from(i32_at(block, 8)?).ok()?;
            let (rows, _) = batch(bytes, offset, header, &mut claims.unpacked)?;
            claims.rows = claims.rows.checked_add(rows)?;
        }
    }
    Some(claims)
}

/// Goes over the messages of a stream, one after the other.
fn claims_of_stream(bytes: &[u8]) -> Option<Claims> {
    const START: usize = 8;
    let mut claims = Claims {
        endless: true,
        ..Claims::default()
    };
    let mut at = 0;
    while at < bytes.len() {
        bytes.get(at..)?.starts_with(&STREAM).then_some(())?;
        let length = usize::try_from(i32_at(bytes, at + STREAM.len())?).ok()?;
        if length == 0 {
            claims.endless = false;
            break;
        }
        let header = START.checked_add(length)?;
        let (rows, body) = batch(bytes, at, header, &mut claims.unpacked)?;
        claims.rows = claims.rows.checked_add(rows)?;
        at = at.checked_add(header)?.checked_add(body)?;
        (at <= bytes.len()).then_some(())?;
    }
    Some(claims)
}

/// Adds what a batch unpacks to; its number of rows (none for a dictionary or a schema), and the bytes that follow its header.
fn batch(bytes: &[u8], offset: usize, header: usize, unpacked: &mut u64) -> Option<(u64, usize)> {
    const SCHEMA: u8 = 1;
    const DICTIONARY: u8 = 2;
    const BUFFER: usize = 16;
    let message = bytes.get(offset..offset.checked_add(header)?)?;
    let start = if message.starts_with(&STREAM) { 8 } else { 4 };
    let message = Flat::root(message.get(start..)?)?;
    let kind = *message.buffer.get(message.field(1)??)?;
    let length = match message.field(3) {
        Some(at) => usize::try_from(i64_at(message.buffer, at?)?).ok()?,
        None => 0,
    };
    if kind == SCHEMA {
        return Some((0, length));
    }
    let mut batch = message.table(2)??;
    if kind == DICTIONARY {
        batch = batch.table(1)??;
    }
    let packed = batch.field(3).is_some();
    let body = offset + header;
    if let Some(buffers) = batch.vector(2, BUFFER) {
        for buffer in buffers?.chunks_exact(BUFFER) {
            let from = body.checked_add(usize::try_from(i64_at(buffer, 0)?).ok()?)?;
            let length = usize::try_from(i64_at(buffer, 8)?).ok()?;
            let content = bytes.get(from..from.checked_add(length)?)?;
            *unpacked = unpacked.saturating_add(content.len() as u64);
            if packed && length >= 8 {
                // The size once unpacked stands in front; -1 says that the rest is not packed.
                let claimed = i64_at(content, 0)?;
                *unpacked = unpacked.saturating_add(if claimed == -1 { 0 } else { u64::try_from(claimed).ok()? });
            }
        }
    }
    let rows = match batch.field(0) {
        Some(at) if kind != DICTIONARY => u64::try_from(i64_at(batch.buffer, at?)?).ok()?,
        _ => 0,
    };
    Some((rows, length))
}

fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    bytes.get(at..)?.first_chunk::<4>().map(|value| i32::from_le_bytes(*value))
}

fn i64_at(bytes: &[u8], at: usize) -> Option<i64> {
    bytes.get(at..)?.first_chunk::<8>().map(|value| i64::from_le_bytes(*value))
}

/// A table of a flat buffer. A field is `None` where the table leaves it out, `Some(None)` where it points outside the buffer.
#[derive(Clone, Copy)]
struct Flat<'a> {
    buffer: &'a [u8],
    at: usize,
}

impl<'a> Flat<'a> {
    fn root(buffer: &'a [u8]) -> Option<Self> {
        let at = usize::try_from(i32_at(buffer, 0)?).ok()?;
        (at < buffer.len()).then_some(Self { buffer, at })
    }

    /// Where a field lies.
    fn field(&self, number: usize) -> Option<Option<usize>> {
        let found = || {
            let vtable = (self.at as i64).checked_sub(i64::from(i32_at(self.buffer, self.at)?))?;
            let vtable = usize::try_from(vtable).ok()?;
            let u16_at = |at: usize| {
                self.buffer
                    .get(at..)?
                    .first_chunk::<2>()
                    .map(|value| usize::from(u16::from_le_bytes(*value)))
            };
            let place = 4 + 2 * number;
            if place + 2 > u16_at(vtable)? {
                return Some(0);
            }
            u16_at(vtable + place)
        };
        match found() {
            Some(0) => None,
            Some(offset) => Some(Some(self.at + offset)),
            None => Some(None),
        }
    }

    /// Where a field points.
    fn target(&self, number: usize) -> Option<Option<usize>> {
        let at = self.field(number)?;
        Some(at.and_then(|at| at.checked_add(usize::try_from(i32_at(self.buffer, at)?).ok()?)))
    }

    fn table(&self, number: usize) -> Option<Option<Self>> {
        let at = self.target(number)?;
        Some(at.filter(|at| *at < self.buffer.len()).map(|at| Self { at, ..*self }))
    }

    /// The bytes of a list of structures of a size.
    fn vector(&self, number: usize, size: usize) -> Option<Option<&'a [u8]>> {
        let at = self.target(number)?;
        Some(at.and_then(|at| {
            let count = usize::try_from(i32_at(self.buffer, at)?).ok()?;
            self.buffer.get(at + 4..(at + 4).checked_add(count.checked_mul(size)?)?)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::{Column, NamedFrom, Series};
    use polars_io::SerWriter;
    use polars_io::ipc::{IpcCompression, IpcStreamWriter, IpcWriter};

    fn frame() -> DataFrame {
        let texts: Vec<String> = (0..1000).map(|row| format!("some text of row {}", row % 10)).collect();
        let columns = vec![
            Column::from(Series::new("Id".into(), (0..1000_i64).collect::<Vec<_>>())),
            Column::from(Series::new("Mode".into(), texts)),
        ];
        DataFrame::new(1000, columns).unwrap()
    }

    fn file(compression: Option<IpcCompression>) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        IpcWriter::new(&mut bytes)
            .with_compression(compression)
            .finish(&mut frame())
            .unwrap();
        bytes.into_inner()
    }

    fn stream(compression: Option<IpcCompression>) -> Vec<u8> {
        let mut bytes = Vec::new();
        IpcStreamWriter::new(&mut bytes)
            .with_compression(compression)
            .finish(&mut frame())
            .unwrap();
        bytes
    }

    #[test]
    fn files_and_streams_packed_or_not_are_read() {
        let lz4 = Some(IpcCompression::LZ4);
        for bytes in [file(None), file(lz4), stream(None), stream(lz4)] {
            let found = claims(&bytes).unwrap();
            assert_eq!(found.rows, 1000);
            assert!((16_000..100_000).contains(&found.unpacked), "{found:?}");
            let source = Source::named(std::path::Path::new("a.arrow"), Format::Arrow);
            let table = read(bytes, source, &mut Notes::new()).unwrap();
            assert_eq!((table.height(), table.names()), (1000, &["Id".to_owned(), "Mode".to_owned()][..]));
            assert_eq!(table.cell(11, "Mode").unwrap().as_deref(), Some("some text of row 1"));
        }
    }

    #[test]
    fn a_buffer_that_claims_too_much_is_refused_before_memory_is_taken() {
        let bytes = file(Some(IpcCompression::LZ4));
        let honest = claims(&bytes).unwrap().unpacked;
        // The first packed buffer holds 8,000 bytes of whole numbers.
        let at = bytes.windows(8).position(|window| window == 8000_i64.to_le_bytes()).unwrap();
        let mut forged = bytes.clone();
        forged[at..at + 8].copy_from_slice(&(1_i64 << 40).to_le_bytes());
        assert!(claims(&forged).is_none_or(|found| found.unpacked > honest));
        let source = Source::named(std::path::Path::new("a.arrow"), Format::Arrow);
        assert!(read(forged, source.clone(), &mut Notes::new()).is_err());
        for cut in [7, 20, bytes.len() / 2, bytes.len() - 1] {
            assert!(read(bytes[..cut].to_vec(), source.clone(), &mut Notes::new()).is_err());
        }
    }

    #[test]
    fn a_stream_that_is_cut_off_is_refused_or_told() {
        let bytes = stream(None);
        let source = Source::named(std::path::Path::new("a.arrows"), Format::Arrow);
        for cut in [4, 7, 20, bytes.len() / 2, bytes.len() - 12] {
            assert!(
                read(bytes[..cut].to_vec(), source.clone(), &mut Notes::new()).is_err(),
                "cut at {cut}"
            );
        }
        // Between the last batch and the mark that ends the stream.
        let mut notes = Notes::new();
        read(bytes[..bytes.len() - 8].to_vec(), source.clone(), &mut notes).unwrap();
        assert!(notes.has("endless-stream"));
        let mut notes = Notes::new();
        read(bytes, source, &mut notes).unwrap();
        assert!(notes.is_empty());
    }

    #[test]
    fn whole_numbers_of_every_width_are_numbers() {
        use polars::prelude::DataType as D;
        let numbers = Series::new("n".into(), [Some(0_i64), None, Some(59), Some(7)]);
        for width in [D::Int8, D::Int16, D::Int32, D::UInt8, D::UInt16, D::UInt32, D::UInt64] {
            let mut frame = DataFrame::new(4, vec![Column::from(numbers.cast(&width).unwrap())]).unwrap();
            let mut parquet = Vec::new();
            polars_io::prelude::ParquetWriter::new(&mut parquet).finish(&mut frame).unwrap();
            let mut stream = Vec::new();
            IpcStreamWriter::new(&mut stream).finish(&mut frame).unwrap();
            let mut file = Cursor::new(Vec::new());
            IpcWriter::new(&mut file).finish(&mut frame).unwrap();
            let source = |format| Source::named(std::path::Path::new("n"), format);
            let tables = [
                super::super::parquet::read(parquet, source(Format::Parquet), &mut Notes::new()),
                read(stream, source(Format::Arrow), &mut Notes::new()),
                read(file.into_inner(), source(Format::Arrow), &mut Notes::new()),
            ];
            for table in tables {
                assert_eq!(
                    table.unwrap().numbers("n", &mut Notes::new()).unwrap(),
                    [Some(0.0), None, Some(59.0), Some(7.0)],
                    "{width}"
                );
            }
        }
    }
}
