//! Parquet into columns of typed cells. Columns are decoded side by side through polars' Parquet reader, array by array, so that types a polars series
//! would need extra machinery for (small integers, decimals, categories) are read as well.

use std::io::Cursor;

use polars_arrow::array::{Array, BinaryViewArray, BooleanArray, PrimitiveArray, Utf8ViewArray};
use polars_arrow::datatypes::{ArrowDataType, Field, TimeUnit};
use polars_arrow::types::NativeType;
use polars_buffer::Buffer;
use polars_parquet::parquet::page::CompressedPage;
use polars_parquet::read::{
    BasicDecompressor, ColumnChunkMetadata, FileMetadata, Filter, PageReader, column_iter_to_arrays, infer_schema, read_metadata,
};
use rayon::prelude::*;

use super::column::{Cell, Cells, CellsBuilder, Column};
use super::csv::with_thousands;
use super::header::{self, counted, listed};
use super::limits::{MAX_CELL_BYTES, MAX_COLUMNS, MAX_WORKBOOK_CELLS};
use super::package;
use super::panics::caught;
use super::source::{Format, Source};
use super::table::{RowNumbers, Table};
use crate::error::{Error, Result};
use crate::notes::Notes;

fn damaged(detail: impl std::fmt::Display) -> Error {
    Error::input(format!("the Parquet file is damaged: {detail}"))
        .hint("copy or download it again; a file cut off in the middle looks like this")
}

/// What the decoder says when it gave up in a way that tells a person nothing.
const CONTRADICTION: &str = "its contents contradict each other";

/// Reads a Parquet file. Columns of lists or structures are left out, with a note.
///
/// # Errors
/// For a damaged file, one without columns, and one beyond the limits.
pub(crate) fn read(bytes: Vec<u8>, mut source: Source, notes: &mut Notes) -> Result<Table> {
    source.format = Format::Parquet;
    let packed = bytes.len() as u64;
    let bytes = Buffer::from_vec(bytes);
    let metadata = caught(|| read_metadata(&mut Cursor::new(bytes.as_slice())))
        .map_err(|_| damaged(CONTRADICTION))?
        .map_err(damaged)?;
    let schema = caught(|| infer_schema(&metadata))
        .map_err(|_| damaged(CONTRADICTION))?
        .map_err(damaged)?;
    let fields: Vec<Field> = schema.iter_values().cloned().collect();
    let height: usize = metadata
        .row_groups
        .iter()
        .map(|group| group.num_rows())
        .fold(0, usize::saturating_add);
    if fields.is_empty() {
        return Err(Error::input("the Parquet file has no columns"));
    }
    if fields.len() > MAX_COLUMNS || height.saturating_mul(fields.len()) > MAX_WORKBOOK_CELLS {
        return Err(Error::input(format!(
            "the table is too large: {} rows and {} columns; Recant reads up to {} columns and {} cells of a Parquet file",
            with_thousands(height),
            with_thousands(fields.len()),
            with_thousands(MAX_COLUMNS),
            with_thousands(MAX_WORKBOOK_CELLS)
        ))
        .hint("leave out columns or rows that are not needed"));
    }
    caught(|| check_pages(&bytes, &metadata, packed)).map_err(|_| damaged(CONTRADICTION))??;
    let read: Vec<Option<(Cells, Vec<Trouble>)>> = fields
        .par_iter()
        .map(|field| {
            caught(|| column(&bytes, &metadata, field, height)).map_err(|_| damaged(CONTRADICTION).in_column(field.name.as_str()))?
        })
        .collect::<Result<_>>()?;
    let mut columns = Vec::new();
    let mut names = Vec::new();
    let mut left_out = Vec::new();
    for (place, (field, cells)) in fields.iter().zip(read).enumerate() {
        match cells {
            Some((cells, troubles)) => {
                troubles.iter().for_each(|trouble| trouble.note(field.name.as_str(), notes));
                names.push((place, field.name.to_string()));
                columns.push(Column::cells(cells));
            }
            None => left_out.push(field.name.to_string()),
        }
    }
    if !left_out.is_empty() {
        notes.add(
            "unreadable-columns",
            format!(
                "{} of `{}` hold lists, structures or raw bytes: {}",
                counted(left_out.len(), "column"),
                source.file_name,
                listed(&left_out)
            ),
            "left out",
        );
    }
    if columns.is_empty() {
        return Err(Error::input("no column of the Parquet file holds plain values"));
    }
    let names = header::names(&names, &source.file_name, notes);
    Ok(Table::assemble(source, names, columns, height, RowNumbers::From(2)))
}

/// Something about a column's type that the person should know.
enum Trouble {
    /// The zone is not known here: times are UTC.
    UnknownZone(String),
    /// Times were stored as UTC and shown in this zone.
    Zone(String),
}

impl Trouble {
    fn note(&self, name: &str, notes: &mut Notes) {
        match self {
            Self::UnknownZone(zone) => notes.add(
                "time-zones",
                format!("the times of column `{name}` name the zone `{zone}`, which is not known"),
                "read as UTC",
            ),
            Self::Zone(zone) => notes.add(
                "time-zones",
                format!("the times of column `{name}` are in the zone `{zone}`"),
                "the local time of that zone was kept and the zone left out",
            ),
        }
    }
}

fn chunk_of(bytes: &Buffer<u8>, chunk: &ColumnChunkMetadata) -> Result<Buffer<u8>> {
    let range = chunk.byte_range();
    if range.start > range.end || range.end > bytes.len() as u64 {
        return Err(damaged("a column lies beyond its end"));
    }
    Ok(bytes.clone().sliced(range.start as usize..range.end as usize))
}

/// Walks over the page headers, so that nothing is unpacked that claims an absurd size or a wrong number of values.
fn check_pages(bytes: &Buffer<u8>, metadata: &FileMetadata, packed: u64) -> Result<()> {
    let mut unpacked: u64 = 0;
    for group in &metadata.row_groups {
        for chunk in group.parquet_columns() {
            let content = chunk_of(bytes, chunk)?;
            unpacked = unpacked.saturating_add(first_page_claim(&content));
            let pages = PageReader::new(Cursor::new(content), chunk, Vec::new(), bytes.len());
            let mut values: usize = 0;
            for page in pages {
                let claimed = match page.map_err(damaged)? {
                    CompressedPage::Data(page) => {
                        values = values.saturating_add(page.num_values());
                        page.uncompressed_size()
                    }
                    // A dictionary comes first and is counted above: the reader does not tell its size.
                    CompressedPage::Dict(_) => 0,
                };
                unpacked = unpacked.saturating_add(claimed as u64);
                if package::is_bomb(packed, unpacked) {
                    return Err(package::bomb());
                }
            }
            let flat = chunk.descriptor().path_in_schema.len() == 1;
            if flat && values != group.num_rows() {
                return Err(damaged(format_args!(
                    "a column has {} values for {} rows",
                    with_thousands(values),
                    with_thousands(group.num_rows())
                )));
            }
        }
    }
    Ok(())
}

/// What the first page of a column claims to unpack to: the second field of its Thrift header (compact protocol: a byte that says "next field, i32",
/// then a zigzag varint). Zero where the header looks otherwise; the reader then refuses it.
fn first_page_claim(bytes: &[u8]) -> u64 {
    const NEXT_I32: u8 = 0x15;
    let mut rest = bytes.iter().copied();
    let mut field = || {
        if rest.next() != Some(NEXT_I32) {
            return None;
        }
        let mut value: u64 = 0;
        for shift in (0..35).step_by(7) {
            let byte = rest.next()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value >> 1);
            }
        }
        None
    };
    field().and_then(|_page_type| field()).unwrap_or(0)
}

/// The type to decode a column as; `None` for what is no plain value.
fn plain_type(dtype: &ArrowDataType) -> Option<ArrowDataType> {
    use ArrowDataType as D;
    Some(match dtype {
        D::Dictionary(_, values, _) => return plain_type(values),
        D::Extension(extension) => return plain_type(&extension.inner),
        D::Utf8 | D::LargeUtf8 | D::Utf8View => D::Utf8View,
        D::Binary | D::LargeBinary | D::BinaryView => D::BinaryView,
        D::Float16 => D::Float32,
        D::Null | D::Boolean | D::Int8 | D::Int16 | D::Int32 | D::Int64 | D::UInt8 | D::UInt16 | D::UInt32 | D::UInt64 => dtype.clone(),
        D::Float32 | D::Float64 | D::Date32 | D::Date64 | D::Time32(_) | D::Time64(_) | D::Timestamp(..) | D::Duration(_) => dtype.clone(),
        D::Decimal(precision, scale) | D::Decimal32(precision, scale) | D::Decimal64(precision, scale) => D::Decimal(*precision, *scale),
        _ => return None,
    })
}

fn column(bytes: &Buffer<u8>, metadata: &FileMetadata, field: &Field, height: usize) -> Result<Option<(Cells, Vec<Trouble>)>> {
    let Some(dtype) = plain_type(&field.dtype) else {
        return Ok(None);
    };
    let field = Field::new(field.name.clone(), dtype, true);
    let mut builder = CellsBuilder::with_capacity(height);
    for group in &metadata.row_groups {
        let chunks: Vec<&ColumnChunkMetadata> = match group.columns_under_root_iter(&field.name) {
            Some(chunks) => chunks.collect(),
            None => Vec::new(),
        };
        let before = builder.len();
        if let [chunk] = chunks.as_slice() {
            let pages = PageReader::new(Cursor::new(chunk_of(bytes, chunk)?), chunk, Vec::new(), bytes.len());
            let types = vec![&chunk.descriptor().descriptor.primitive_type];
            let filter = Some(Filter::new_limited(group.num_rows()));
            let (arrays, _) = column_iter_to_arrays(vec![BasicDecompressor::new(pages, Vec::new())], types, field.clone(), filter)
                .map_err(|error| damaged(error).in_column(field.name.as_str()))?;
            for array in &arrays {
                if !push_array(&mut builder, array.as_ref())? {
                    return Ok(None);
                }
            }
        }
        if builder.len() != before + group.num_rows() && !chunks.is_empty() {
            return Err(damaged("a column has too few values").in_column(field.name.as_str()));
        }
        builder.pad(before + group.num_rows());
    }
    let mut troubles = Vec::new();
    let mut cells = builder.finish();
    if let ArrowDataType::Timestamp(_, Some(zone)) = &field.dtype {
        troubles.extend(to_local(&mut cells, zone));
    }
    Ok(Some((cells, troubles)))
}

/// Turns moments in UTC into the local time of their zone.
fn to_local(cells: &mut Cells, zone: &str) -> Option<Trouble> {
    use chrono::{DateTime, Offset, TimeZone};
    if matches!(zone, "UTC" | "Etc/UTC" | "Z" | "+00:00" | "GMT") {
        return Some(Trouble::Zone("UTC".to_owned()));
    }
    type Offsets = Box<dyn Fn(&DateTime<chrono::Utc>) -> i64>;
    let offset: Offsets = if let Ok(zone) = zone.parse::<chrono_tz::Tz>() {
        Box::new(move |moment| i64::from(zone.offset_from_utc_datetime(&moment.naive_utc()).fix().local_minus_utc()))
    } else if let Ok(fixed) = zone.parse::<chrono::FixedOffset>() {
        Box::new(move |_| i64::from(fixed.local_minus_utc()))
    } else {
        return Some(Trouble::UnknownZone(zone.to_owned()));
    };
    for cell in &mut cells.cells {
        if let Cell::Date(micros) = cell
            && let Some(moment) = DateTime::from_timestamp_micros(*micros)
        {
            *micros += offset(&moment) * 1_000_000;
        }
    }
    Some(Trouble::Zone(zone.to_owned()))
}

fn downcast<A: 'static>(array: &dyn Array) -> Result<&A> {
    array
        .as_any()
        .downcast_ref::<A>()
        .ok_or_else(|| damaged("a column is not of the type it claims"))
}

fn push_primitive<T: NativeType>(builder: &mut CellsBuilder, array: &dyn Array, cell: impl Fn(&mut CellsBuilder, T) -> Cell) -> Result<()> {
    for value in downcast::<PrimitiveArray<T>>(array)? {
        let cell = match value {
            Some(value) => cell(builder, *value),
            None => Cell::Blank,
        };
        builder.push(cell);
    }
    Ok(())
}

/// Appends an array; says whether its values are plain ones.
fn push_array(builder: &mut CellsBuilder, array: &dyn Array) -> Result<bool> {
    use ArrowDataType as D;
    const DAY: i64 = 86_400_000_000;
    match array.dtype() {
        D::Null => builder.pad(builder.len() + array.len()),
        D::Boolean => {
            for value in downcast::<BooleanArray>(array)? {
                builder.push(value.map_or(Cell::Blank, Cell::Bool));
            }
        }
        D::Int8 => push_primitive::<i8>(builder, array, |_, value| Cell::Integer(value.into()))?,
        D::Int16 => push_primitive::<i16>(builder, array, |_, value| Cell::Integer(value.into()))?,
        D::Int32 => push_primitive::<i32>(builder, array, |_, value| Cell::Integer(value.into()))?,
        D::Int64 => push_primitive::<i64>(builder, array, |_, value| Cell::Integer(value))?,
        D::UInt8 => push_primitive::<u8>(builder, array, |_, value| Cell::Integer(value.into()))?,
        D::UInt16 => push_primitive::<u16>(builder, array, |_, value| Cell::Integer(value.into()))?,
        D::UInt32 => push_primitive::<u32>(builder, array, |_, value| Cell::Integer(value.into()))?,
        D::UInt64 => push_primitive::<u64>(builder, array, |builder, value| match i64::try_from(value) {
            Ok(value) => Cell::Integer(value),
            Err(_) => builder.text_cell(&value.to_string()),
        })?,
        // The shortest digits that give the value back, as everybody else shows it: 0.1, not 0.10000000149.
        D::Float32 => push_primitive::<f32>(builder, array, |_, value| {
            Cell::Number(value.to_string().parse().unwrap_or(f64::from(value)))
        })?,
        D::Float64 => push_primitive::<f64>(builder, array, |_, value| Cell::Number(value))?,
        D::Date32 => push_primitive::<i32>(builder, array, |_, days| Cell::Date(i64::from(days) * DAY))?,
        D::Date64 => push_primitive::<i64>(builder, array, |_, value| moment(value, TimeUnit::Millisecond))?,
        D::Timestamp(unit, _) => {
            let unit = *unit;
            push_primitive::<i64>(builder, array, move |_, value| moment(value, unit))?;
        }
        D::Time32(unit) => {
            let unit = *unit;
            push_primitive::<i32>(builder, array, move |builder, value| clock(builder, i64::from(value), unit))?;
        }
        D::Time64(unit) | D::Duration(unit) => {
            let unit = *unit;
            push_primitive::<i64>(builder, array, move |builder, value| clock(builder, value, unit))?;
        }
        D::Decimal(_, scale) => {
            let scale = *scale;
            push_primitive::<i128>(builder, array, move |builder, value| decimal(builder, value, scale))?;
        }
        D::Utf8View => {
            for value in downcast::<Utf8ViewArray>(array)? {
                push_text(builder, value.unwrap_or(""))?;
            }
        }
        D::BinaryView => {
            // Old writers mark text as bytes.
            for value in downcast::<BinaryViewArray>(array)? {
                match std::str::from_utf8(value.unwrap_or(b"")) {
                    Ok(text) if !text.contains('\0') => push_text(builder, text)?,
                    _ => return Ok(false),
                }
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn push_text(builder: &mut CellsBuilder, text: &str) -> Result<()> {
    if text.len() > MAX_CELL_BYTES {
        return Err(Error::input(format!(
            "a cell of {} bytes; Recant reads up to {}",
            with_thousands(text.len()),
            with_thousands(MAX_CELL_BYTES)
        ))
        .at_row(builder.len() + 2)
        .hint("shorten the text in that cell or leave the column out"));
    }
    builder.push_text(text);
    Ok(())
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// A moment as microseconds; blank where the calendar ends (years 1 to 9999).
fn moment(value: i64, unit: TimeUnit) -> Cell {
    const FIRST: i64 = -62_135_596_800_000_000;
    const LAST: i64 = 253_402_300_799_999_999;
    let micros = match unit {
        TimeUnit::Nanosecond => Some(value.div_euclid(1_000)),
        _ => value.checked_mul(1_000_000 / per_second(unit)),
    };
    match micros {
        Some(micros) if (FIRST..=LAST).contains(&micros) => Cell::Date(micros),
        _ => Cell::Blank,
    }
}

/// A time of day or a span as `22:56:00`.
fn clock(builder: &mut CellsBuilder, value: i64, unit: TimeUnit) -> Cell {
    let seconds = value as f64 / per_second(unit) as f64;
    builder.text_cell(&super::text::clock_text(seconds))
}

/// A decimal number: whole where it is, exact as text where a float would lose digits.
fn decimal(builder: &mut CellsBuilder, value: i128, scale: usize) -> Cell {
    let Some(divisor) = u32::try_from(scale).ok().and_then(|scale| 10_i128.checked_pow(scale)) else {
        return Cell::Blank;
    };
    if value % divisor == 0 {
        return match i64::try_from(value / divisor) {
            Ok(whole) => Cell::Integer(whole),
            Err(_) => builder.text_cell(&(value / divisor).to_string()),
        };
    }
    let sign = if value < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:0scale$}", (value / divisor).abs(), (value % divisor).abs());
    let text = text.trim_end_matches('0');
    match text.parse::<f64>() {
        Ok(number) if super::text::number_text(number) == text => Cell::Number(number),
        _ => builder.text_cell(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_digits() {
        let mut builder = CellsBuilder::default();
        assert_eq!(decimal(&mut builder, 1250, 2), Cell::Number(12.5));
        assert_eq!(decimal(&mut builder, -5, 2), Cell::Number(-0.05));
        assert_eq!(decimal(&mut builder, 1200, 2), Cell::Integer(12));
        let long = decimal(&mut builder, 123_456_789_012_345_678_901, 2);
        assert_eq!(long, Cell::Text(0));
        assert_eq!(builder.finish().text(0), "1234567890123456789.01");
    }

    #[test]
    fn the_size_a_page_claims_is_read_from_its_header() {
        assert_eq!(first_page_claim(&[0x15, 0x04, 0x15, 0x80, 0x01, 0x15, 0x20]), 64);
        assert_eq!(first_page_claim(&[0x15, 0x04]), 0);
        assert_eq!(first_page_claim(&[0x15, 0x04, 0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), 0);
        assert_eq!(first_page_claim(&[]), 0);
    }

    #[test]
    fn moments_outside_the_calendar_are_blank() {
        assert_eq!(moment(1_517_356_800, TimeUnit::Second), Cell::Date(1_517_356_800_000_000));
        assert_eq!(moment(-1, TimeUnit::Nanosecond), Cell::Date(-1));
        assert_eq!(moment(i64::MAX, TimeUnit::Second), Cell::Blank);
        assert_eq!(moment(i64::MAX, TimeUnit::Microsecond), Cell::Blank);
    }
}
