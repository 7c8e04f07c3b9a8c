//! From any Polars frame to the columns of a sheet: text, numbers, whole numbers, truth values and dates.

use polars::prelude::{
    ArrowDataType, ArrowField, ArrowTimeUnit, Column as PolarsColumn, DataFrame, DataType, IntoSeries, NewChunkedArray, PlSmallStr, Series,
    StringChunked, TimeUnit,
};
use rayon::prelude::*;

use super::column::{Column, dates_from, series};
use super::csv::with_thousands;
use super::header::{self, counted, listed};
use super::limits::{BYTES_OF_A_CELL, MAX_CELL_BYTES, MAX_COLUMNS, MAX_WORKBOOK_CELLS};
use super::source::Source;
use super::table::{RowNumbers, Table};
use super::text;
use crate::error::{Error, Result};
use crate::memory;
use crate::notes::Notes;

/// What a reader says when it gave up in a way that tells a person nothing.
pub(super) const CONTRADICTION: &str = "its contents contradict each other";

/// A file of a kind (`Parquet`) that cannot be read.
pub(super) fn damaged(kind: &str, detail: impl std::fmt::Display) -> Error {
    Error::input(format!("the {kind} file is damaged: {detail}"))
        .hint("copy or download it again, since a file cut off in the middle looks like this; or save it with plain columns: texts, numbers, dates")
}

/// A file of a kind whose reader panicked with these words: it knows the format, and not the type of some column; or the file is damaged.
pub(super) fn gave_up(kind: &str, words: &str) -> Error {
    let unknown = ["not yet implemented", "not implemented", "not supported by Polars"];
    match unknown.iter().any(|part| words.contains(part)) {
        true => unknown_type(kind),
        false => damaged(kind, CONTRADICTION),
    }
}

/// A sound file with a column that its reader does not know, and cannot pass over.
pub(super) fn unknown_type(kind: &str) -> Error {
    Error::input(format!(
        "the {kind} file has a column of a type that cannot be read, such as a list view, runs of equal values, or a union"
    ))
    .hint(
        "leave that column out where the file is made, or save it as texts, numbers or dates (pandas: `frame.drop(columns=[\"COLUMN\"])`)",
    )
}

/// Places of the columns that hold plain values, and the names of the others (lists, structures, extension types).
pub(super) fn plain_places<'a>(fields: impl Iterator<Item = &'a ArrowField>) -> (Vec<usize>, Vec<String>) {
    let (mut places, mut left_out) = (Vec::new(), Vec::new());
    for (place, field) in fields.enumerate() {
        use ArrowDataType as A;
        // Polars as built here has no structures, and gives up on their names.
        let nested = matches!(
            field.dtype(),
            A::Struct(_) | A::Map(..) | A::List(_) | A::LargeList(_) | A::FixedSizeList(..) | A::Union(_)
        );
        let plain = || {
            let dtype = DataType::from_arrow_field(field);
            !dtype.is_nested() && !matches!(dtype, DataType::Unknown(_))
        };
        if !nested && !is_foreign(field.dtype()) && plain() {
            places.push(place);
        } else {
            left_out.push(field.name.to_string());
        }
    }
    (places, left_out)
}

/// Whether a column is said to hold times of day in seconds.
pub(super) fn is_of_seconds(field: &ArrowField) -> bool {
    matches!(field.dtype(), ArrowDataType::Time32(ArrowTimeUnit::Second))
}

/// Whether values of this type are known to the program that wrote them alone: a period of pandas is stored as a bare number.
fn is_foreign(dtype: &ArrowDataType) -> bool {
    use ArrowDataType as A;
    match dtype {
        A::Dictionary(_, values, _) => is_foreign(values) || matches!(**values, A::Struct(_)),
        other => matches!(other, A::Extension(_) | A::Interval(_) | A::Decimal256(..) | A::Unknown),
    }
}

/// Checks a table against the limits before its cells are read.
///
/// # Errors
/// Where it has more columns or cells than Recant reads.
pub(crate) fn check_size(height: usize, width: usize) -> Result<()> {
    if width <= MAX_COLUMNS && height.saturating_mul(width) <= MAX_WORKBOOK_CELLS {
        return memory::check_values(
            height.saturating_mul(width),
            BYTES_OF_A_CELL,
            "the cells of the sheet",
            "leave out columns or rows that are not needed",
        );
    }
    Err(Error::input(format!(
        "the table is too large: {} rows and {} columns; Recant reads up to {} columns and {} cells of a typed file",
        with_thousands(height),
        with_thousands(width),
        with_thousands(MAX_COLUMNS),
        with_thousands(MAX_WORKBOOK_CELLS)
    ))
    .hint("leave out columns or rows that are not needed"))
}

/// A sheet of the plain columns of a frame; its first row is row 2. `left_out` names columns that the reader could not take into the frame.
///
/// # Errors
/// For a frame without plain columns, one beyond the limits, and one with an oversized cell.
pub(crate) fn sheet(frame: DataFrame, mut left_out: Vec<String>, mut source: Source, notes: &mut Notes) -> Result<Table> {
    let height = frame.height();
    if frame.width() == 0 && left_out.is_empty() {
        return Err(Error::input("the table has no columns"));
    }
    check_size(height, frame.width())?;
    let read: Vec<(String, Option<Plain>)> = frame
        .into_columns()
        .into_par_iter()
        .map(|column| {
            let name = column.name().to_string();
            let plain = plain(column).map_err(|error| error.in_column(name.as_str()))?;
            Ok((name, plain))
        })
        .collect::<Result<_>>()?;
    let mut columns = Vec::new();
    let mut names = Vec::new();
    for (place, (name, plain)) in read.into_iter().enumerate() {
        match plain {
            Some(plain) => {
                if let Some(zone) = plain.zone {
                    zone.note(&name, notes);
                    source.zones.insert(name.clone(), zone.into_name());
                }
                names.push((place, name));
                columns.push(Column::plain(plain.series));
            }
            None => left_out.push(name),
        }
    }
    if !left_out.is_empty() {
        notes.add(
            "unreadable-columns",
            format!(
                "{} of `{}` {} lists, structures, raw bytes or extension types: {}",
                counted(left_out.len(), "column"),
                source.file_name,
                if left_out.len() == 1 { "holds" } else { "hold" },
                listed(&left_out)
            ),
            "left out; save them as texts, numbers or dates where they matter",
        );
    }
    if columns.is_empty() {
        return Err(Error::input(format!(
            "no column of the {} holds plain values",
            source.format.name()
        )));
    }
    let names = header::names(&names, &source.file_name, notes);
    Table::assemble(source, names, columns, height, RowNumbers::From(2))
}

/// A column as the sheet keeps it, and what is to be said about its time zone.
struct Plain {
    series: Series,
    zone: Option<Zone>,
}

/// The time zone of a column.
enum Zone {
    /// Not known here: times are UTC.
    Unknown(String),
    /// Times were stored as UTC and shown in this zone.
    Known(String),
}

impl Zone {
    fn into_name(self) -> String {
        match self {
            Self::Unknown(_) => "UTC".to_owned(),
            Self::Known(zone) => zone,
        }
    }

    fn note(&self, name: &str, notes: &mut Notes) {
        match self {
            Self::Unknown(zone) => notes.add(
                "time-zones",
                format!("the times of column `{name}` name the zone `{zone}`, which is not known"),
                "read as UTC",
            ),
            Self::Known(zone) => notes.add(
                "time-zones",
                format!("the times of column `{name}` are in the zone `{zone}`"),
                "the local time of that zone was kept and the zone left out",
            ),
        }
    }
}

/// A column as one of the sheet's types; `None` for lists, structures and raw bytes.
fn plain(column: PolarsColumn) -> Result<Option<Plain>> {
    use DataType as D;
    let column = column.take_materialized_series();
    let cast = |to: &DataType| column.cast(to).map_err(failed);
    let series = match column.dtype() {
        D::String => checked_texts(column)?,
        D::Float64 | D::Int64 | D::Boolean => column,
        D::Int8 | D::Int16 | D::Int32 | D::UInt8 | D::UInt16 | D::UInt32 => cast(&D::Int64)?,
        // Beyond what a whole number holds the digits are kept as text.
        D::UInt64 | D::Int128 | D::UInt128 => {
            let whole = cast(&D::Int64)?;
            if whole.null_count() == column.null_count() {
                whole
            } else {
                cast(&D::String)?
            }
        }
        // The shortest digits that give the value back, as everybody else shows it: 0.1, not 0.10000000149.
        D::Float32 => shortest(&column, |number| number.to_string())?,
        D::Float16 => shortest(&cast(&D::Float32)?, half_text)?,
        D::Date => {
            let days = cast(&D::Int32)?;
            let days = days.i32().map_err(failed)?;
            dates(
                days.iter()
                    .map(|days| days.and_then(|days| i64::from(days).checked_mul(DAY)).and_then(in_calendar))
                    .collect(),
            )?
        }
        D::Datetime(unit, zone) => {
            let (unit, zone) = (*unit, zone.as_ref().map(|zone| zone.to_string()));
            let moments = column.datetime().map_err(failed)?;
            let mut micros: Vec<Option<i64>> = moments
                .physical()
                .iter()
                .map(|value| value.and_then(|value| moment(value, unit)))
                .collect();
            let zone = zone.map(|zone| to_local(&mut micros, &zone));
            return Ok(Some(Plain {
                series: dates(micros)?,
                zone,
            }));
        }
        D::Time => {
            let times = column.time().map_err(failed)?;
            clocks(times.physical().iter(), TimeUnit::Nanoseconds)
        }
        D::Duration(unit) => {
            let unit = *unit;
            let spans = column.duration().map_err(failed)?;
            clocks(spans.physical().iter(), unit)
        }
        D::Decimal(_, _) => {
            let decimals = column.decimal().map_err(failed)?;
            decimals_as_plain(decimals.physical().iter().collect(), decimals.scale())
        }
        D::Categorical(..) | D::Enum(..) | D::Null => checked_texts(cast(&D::String)?)?,
        D::Binary => match (texts_of_bytes(&column)?, ids_of_bytes(&column)?) {
            (Some(texts), _) => checked_texts(texts)?,
            (None, Some(ids)) => ids,
            (None, None) => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some(Plain { series, zone: None }))
}

fn failed(error: polars::prelude::PolarsError) -> Error {
    Error::input(format!("the column cannot be read: {error}")).hint("save the table with plain columns: texts, numbers, dates")
}

/// Refuses cells beyond the limit.
fn checked_texts(column: Series) -> Result<Series> {
    let texts = column.str().map_err(failed)?;
    let oversized = texts.iter().position(|text| text.is_some_and(|text| text.len() > MAX_CELL_BYTES));
    match oversized {
        None => Ok(column),
        Some(row) => Err(Error::input(format!(
            "a cell of {} bytes; Recant reads up to {}",
            with_thousands(texts.get(row).map_or(0, str::len)),
            with_thousands(MAX_CELL_BYTES)
        ))
        .at_row(row + 2)
        .hint("shorten the text in that cell or leave the column out")),
    }
}

/// Universally unique identifiers, which are kept as 16 bytes each, as they are written: `00112233-4455-6677-8899-aabbccddeeff`.
fn ids_of_bytes(column: &Series) -> Result<Option<Series>> {
    let bytes = column.binary().map_err(failed)?;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let id = |value: &[u8]| {
        let value: &[u8; 16] = value.try_into().ok()?;
        let parts = [&value[..4], &value[4..6], &value[6..8], &value[8..10], &value[10..]];
        Some(parts.map(hex).join("-"))
    };
    let ids: Option<Vec<Option<String>>> = bytes
        .iter()
        .map(|value| match value {
            None => Some(None),
            Some(value) => id(value).map(Some),
        })
        .collect();
    Ok(ids.map(|ids| StringChunked::from_iter_options(PlSmallStr::EMPTY, ids.into_iter()).into_series()))
}

/// Old writers mark text as bytes.
fn texts_of_bytes(column: &Series) -> Result<Option<Series>> {
    let bytes = column.binary().map_err(failed)?;
    let texts: Option<Vec<Option<&str>>> = bytes
        .iter()
        .map(|value| match value {
            None => Some(None),
            Some(value) => std::str::from_utf8(value).ok().filter(|text| !text.contains('\0')).map(Some),
        })
        .collect();
    Ok(texts.map(|texts| StringChunked::from_iter_options(PlSmallStr::EMPTY, texts.into_iter()).into_series()))
}

fn shortest(column: &Series, digits: impl Fn(f32) -> String) -> Result<Series> {
    let numbers = column.f32().map_err(failed)?;
    let exact = |number: f32| digits(number).parse().unwrap_or(f64::from(number));
    Ok(series(numbers.iter().map(|number| number.map(exact)).collect::<Vec<_>>()))
}

/// The shortest digits that give a half-precision number back.
fn half_text(number: f32) -> String {
    let wanted = half::f16::from_f32(number);
    if !number.is_finite() {
        return number.to_string();
    }
    (0..=5)
        .map(|digits| format!("{number:.digits$e}"))
        .find(|text| text.parse::<f32>().is_ok_and(|back| half::f16::from_f32(back) == wanted))
        .unwrap_or_else(|| number.to_string())
}

fn dates(micros: Vec<Option<i64>>) -> Result<Series> {
    dates_from(micros).ok_or_else(|| Error::internal("dates are whole numbers"))
}

const DAY: i64 = 86_400_000_000;

/// Moments of the years 1 to 9999.
fn in_calendar(micros: i64) -> Option<i64> {
    const FIRST: i64 = -62_135_596_800_000_000;
    const LAST: i64 = 253_402_300_799_999_999;
    (FIRST..=LAST).contains(&micros).then_some(micros)
}

/// A moment as microseconds; blank where the calendar ends.
fn moment(value: i64, unit: TimeUnit) -> Option<i64> {
    match unit {
        TimeUnit::Nanoseconds => Some(value.div_euclid(1_000)),
        TimeUnit::Microseconds => Some(value),
        TimeUnit::Milliseconds => value.checked_mul(1_000),
    }
    .and_then(in_calendar)
}

/// Times of day or spans as `22:56:00`.
fn clocks(values: impl Iterator<Item = Option<i64>>, unit: TimeUnit) -> Series {
    let per_second = match unit {
        TimeUnit::Milliseconds => 1_000.0,
        TimeUnit::Microseconds => 1_000_000.0,
        TimeUnit::Nanoseconds => 1_000_000_000.0,
    };
    series(
        values
            .map(|value| value.map(|value| text::clock_text(value as f64 / per_second)))
            .collect::<Vec<_>>(),
    )
}

/// Decimal numbers: whole where all are, else floats, else (where a float would lose digits) exact texts.
fn decimals_as_plain(values: Vec<Option<i128>>, scale: usize) -> Series {
    let texts: Vec<Option<String>> = values
        .into_iter()
        .map(|value| value.map(|value| decimal_text(value, scale)))
        .collect();
    let whole: Option<Vec<Option<i64>>> = texts
        .iter()
        .map(|text| text.as_ref().map_or(Some(None), |text| text.parse().ok().map(Some)))
        .collect();
    if let Some(whole) = whole {
        return series(whole);
    }
    let exact = |text: &String| text.parse().ok().filter(|number| text::number_text(*number) == *text);
    let numbers: Option<Vec<Option<f64>>> = texts
        .iter()
        .map(|text| text.as_ref().map_or(Some(None), |text| exact(text).map(Some)))
        .collect();
    match numbers {
        Some(numbers) => series(numbers),
        None => series(texts),
    }
}

/// A decimal number as people write it: `12.5`, `-0.05`, `12`.
fn decimal_text(value: i128, scale: usize) -> String {
    let digits = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// Turns moments in UTC into the local time of their zone.
fn to_local(micros: &mut [Option<i64>], zone: &str) -> Zone {
    use chrono::{DateTime, Offset, TimeZone};
    if matches!(zone, "UTC" | "Etc/UTC" | "Z" | "+00:00" | "GMT") {
        return Zone::Known("UTC".to_owned());
    }
    type Offsets = Box<dyn Fn(&DateTime<chrono::Utc>) -> i64>;
    let offset: Offsets = if let Ok(zone) = zone.parse::<chrono_tz::Tz>() {
        Box::new(move |moment| i64::from(zone.offset_from_utc_datetime(&moment.naive_utc()).fix().local_minus_utc()))
    } else if let Ok(fixed) = zone.parse::<chrono::FixedOffset>() {
        Box::new(move |_| i64::from(fixed.local_minus_utc()))
    } else {
        return Zone::Unknown(zone.to_owned());
    };
    for micros in micros.iter_mut().flatten() {
        if let Some(moment) = DateTime::from_timestamp_micros(*micros) {
            *micros += offset(&moment) * 1_000_000;
        }
    }
    Zone::Known(zone.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_digits() {
        for (value, scale, shown) in [
            (1250, 2, "12.5"),
            (-5, 2, "-0.05"),
            (1200, 2, "12"),
            (0, 0, "0"),
            (123_456_789_012_345_678_901, 2, "1234567890123456789.01"),
        ] {
            assert_eq!(decimal_text(value, scale), shown);
        }
        let kind = |values: &[i128]| decimals_as_plain(values.iter().copied().map(Some).collect(), 2).dtype().clone();
        assert_eq!(kind(&[100, 2500]), DataType::Int64);
        assert_eq!(kind(&[100, 2550]), DataType::Float64);
        assert_eq!(kind(&[100, 123_456_789_012_345_678_901]), DataType::String);
    }

    #[test]
    fn moments_outside_the_calendar_are_blank() {
        assert_eq!(moment(1_517_356_800_000, TimeUnit::Milliseconds), Some(1_517_356_800_000_000));
        assert_eq!(moment(-1, TimeUnit::Nanoseconds), Some(-1));
        assert_eq!(moment(i64::MAX, TimeUnit::Milliseconds), None);
        assert_eq!(moment(i64::MAX, TimeUnit::Microseconds), None);
    }

    #[test]
    fn half_precision_numbers_show_their_shortest_digits() {
        for (number, shown) in [(0.1, "1e-1"), (2.5, "2.5e0"), (1234.0, "1.234e3"), (0.0, "0e0")] {
            assert_eq!(half_text(half::f16::from_f32(number).to_f32()), shown);
        }
    }
}
