//! Parquet: a column of whole numbers, numbers, dates or truth values gets that type, any other one is text.

use polars::prelude::{Column as PolarsColumn, DataFrame, DataType, IntoColumn, NamedFrom, Series, TimeUnit};
use polars_io::prelude::ParquetWriter;
use rayon::prelude::*;

use super::{plain_number, points_are_decimal};
use crate::error::{Error, Result};
use crate::tables::column::{CellView, Column};
use crate::tables::panics::caught;
use crate::tables::table::Table;
use crate::tables::text;

/// Digits that a 64-bit float keeps for certain.
const DIGITS: usize = 15;

/// The file's bytes; the same for the same table and any number of threads.
///
/// # Errors
/// Only where the writer itself fails.
pub(super) fn to_bytes(table: &Table) -> Result<Vec<u8>> {
    let failed = |detail: String| Error::internal(format!("the Parquet writer failed: {detail}"));
    let columns: Vec<PolarsColumn> = table
        .columns()
        .par_iter()
        .zip(table.names())
        .map(|(cells, name)| column(table, name, cells))
        .collect();
    let mut bytes = Vec::new();
    caught(|| {
        let mut frame = DataFrame::new(table.height(), columns)?;
        ParquetWriter::new(&mut bytes).finish(&mut frame).map(|_| ())
    })
    .map_err(failed)?
    .map_err(|error| failed(error.to_string()))?;
    Ok(bytes)
}

/// What all cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unknown,
    Integer,
    Number,
    Bool,
    Date,
    Text,
}

impl Kind {
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, kind) | (kind, Self::Unknown) => kind,
            (Self::Integer, Self::Number) | (Self::Number, Self::Integer) => Self::Number,
            (a, b) if a == b => a,
            _ => Self::Text,
        }
    }
}

/// A text as a whole number; `None` where another spelling would come back.
fn integer(typed: &str) -> Option<i64> {
    let number: i64 = typed.parse().ok()?;
    (number.to_string() == text::canonical(typed)).then_some(number)
}

/// A text that every accessor takes for missing.
fn is_blank(text: &str) -> bool {
    text::is_missing(text::trimmed(text))
}

fn kind(view: &CellView<'_>, points: bool) -> Kind {
    match view {
        CellView::Blank | CellView::Error(_) => Kind::Unknown,
        CellView::Integer(_) => Kind::Integer,
        CellView::Number(number) if number.is_nan() => Kind::Unknown,
        CellView::Number(_) => Kind::Number,
        CellView::Bool(_) => Kind::Bool,
        CellView::Date(_) => Kind::Date,
        CellView::Text(text) if integer(text).is_some() => Kind::Integer,
        CellView::Text(text) if plain_number(text, points, DIGITS).is_some() => Kind::Number,
        CellView::Text(text) if is_blank(text) => Kind::Unknown,
        CellView::Text(_) => Kind::Text,
    }
}

fn column(table: &Table, name: &str, cells: &Column) -> PolarsColumn {
    let points = points_are_decimal(table, cells);
    let views = || (0..table.height()).map(|row| cells.get(row));
    let mut whole = Kind::Unknown;
    let mut large = false;
    for view in views() {
        whole = whole.with(kind(&view, points));
        large |= match &view {
            CellView::Integer(number) => number.unsigned_abs() >= 1 << 53,
            CellView::Text(text) => integer(text).is_some_and(|number| number.unsigned_abs() >= 1 << 53),
            _ => false,
        };
        if whole == Kind::Text {
            break;
        }
    }
    // As a float such a number would lose digits.
    if whole == Kind::Number && large {
        whole = Kind::Text;
    }
    let series = match whole {
        Kind::Integer => Series::new(name.into(), views().map(|view| as_integer(&view)).collect::<Vec<_>>()),
        Kind::Number => Series::new(name.into(), views().map(|view| as_number(&view)).collect::<Vec<_>>()),
        Kind::Bool => Series::new(
            name.into(),
            views()
                .map(|view| if let CellView::Bool(truth) = view { Some(truth) } else { None })
                .collect::<Vec<_>>(),
        ),
        Kind::Date => {
            let micros = views().map(|view| if let CellView::Date(micros) = view { Some(micros) } else { None });
            let series = Series::new(name.into(), micros.collect::<Vec<_>>());
            match series.cast(&DataType::Datetime(TimeUnit::Microseconds, None)) {
                Ok(dates) => dates,
                Err(_) => texts(name, views()),
            }
        }
        Kind::Text | Kind::Unknown => texts(name, views()),
    };
    series.into_column()
}

fn as_integer(view: &CellView<'_>) -> Option<i64> {
    match view {
        CellView::Integer(number) => Some(*number),
        CellView::Text(text) => integer(text),
        _ => None,
    }
}

fn as_number(view: &CellView<'_>) -> Option<f64> {
    match view {
        CellView::Integer(number) => Some(*number as f64),
        CellView::Number(number) if !number.is_nan() => Some(*number),
        CellView::Text(text) => plain_number(text, true, DIGITS).or_else(|| integer(text).map(|number| number as f64)),
        _ => None,
    }
}

fn texts<'a>(name: &str, views: impl Iterator<Item = CellView<'a>>) -> Series {
    let cells: Vec<Option<String>> = views.map(|view| view.shown().map(std::borrow::Cow::into_owned)).collect();
    Series::new(name.into(), cells)
}
