//! One column of the frame, made ready for reading cell by cell.
//!
//! A column of the frame has one type: text, number, whole number, truth value or date. A column of a workbook may mix them: such a column is text
//! in the frame, and remembers which of its texts stand for cells of another type.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use polars::prelude::{
    BooleanChunked, DataType, Float64Chunked, Int64Chunked, IntoSeries, NamedFrom, PlSmallStr, PolarsDataType, Series, StringChunked,
    StringType, TimeUnit,
};

use super::text;

/// One cell as the accessors see it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CellView<'a> {
    Blank,
    Text(Cow<'a, str>),
    Number(f64),
    Integer(i64),
    Bool(bool),
    /// Microseconds since 1970-01-01 00:00, local time as written.
    Date(i64),
    Error(&'static str),
}

impl CellView<'_> {
    /// The cell as a person reads it; `None` for a blank one.
    pub(crate) fn shown(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Blank => return None,
            Self::Text(text) => Cow::Borrowed(text.as_ref()),
            Self::Number(number) => Cow::Owned(text::number_text(*number)),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Bool(truth) => Cow::Borrowed(if *truth { "TRUE" } else { "FALSE" }),
            Self::Date(micros) => Cow::Owned(text::date_text(*micros)),
            Self::Error(error) => Cow::Borrowed(error),
        })
    }
}

/// What a cell was in a column of several types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum CellType {
    Text,
    Number,
    Integer,
    Bool,
    Date,
    Error,
}

impl CellType {
    pub(crate) const COUNT: usize = 6;
    pub(crate) const ALL: [Self; Self::COUNT] = [Self::Text, Self::Number, Self::Integer, Self::Bool, Self::Date, Self::Error];
}

/// The error values of spreadsheet programs, as they are shown.
const ERRORS: [&str; 12] = [
    "#N/A",
    "#DIV/0!",
    "#VALUE!",
    "#REF!",
    "#NAME?",
    "#NUM!",
    "#NULL!",
    "#GETTING_DATA",
    "#SPILL!",
    "#CALC!",
    "#FIELD!",
    "#BLOCKED!",
];

#[derive(Debug, Clone)]
enum Values {
    Text(Pieces),
    Number(Float64Chunked),
    Integer(Int64Chunked),
    Bool(BooleanChunked),
    Date(Int64Chunked),
}

/// Texts as they lie in memory: in one piece, or in a few that were parsed side by side.
#[derive(Debug, Clone)]
struct Pieces {
    arrays: Vec<<StringType as PolarsDataType>::Array>,
    /// The row that each piece begins with.
    starts: Vec<usize>,
}

impl Pieces {
    fn of(texts: &StringChunked) -> Self {
        let arrays: Vec<_> = texts.downcast_iter().cloned().collect();
        let ends = arrays.iter().scan(0, |end, array| {
            *end += array.len();
            Some(*end)
        });
        let starts = std::iter::once(0).chain(ends).take(arrays.len()).collect();
        Self { arrays, starts }
    }

    /// The text of a row that is there.
    fn get(&self, index: usize) -> Option<&str> {
        let place = match self.arrays.len() {
            1 => 0,
            _ => self.starts.partition_point(|start| *start <= index).checked_sub(1)?,
        };
        self.arrays[place].get(index - self.starts[place])
    }

    /// Calls `found` with each of some rows and its text, in order.
    fn each(&self, rows: Range<usize>, mut found: impl FnMut(usize, Option<&str>)) {
        for (array, start) in self.arrays.iter().zip(&self.starts) {
            for row in rows.start.max(*start)..rows.end.min(start + array.len()) {
                found(row, array.get(row - start));
            }
        }
    }
}

/// A column of the frame. Cloning shares the cells.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    series: Series,
    values: Values,
    /// What the cells were, where the column is one of several types.
    types: Option<Arc<[CellType]>>,
}

impl Column {
    /// A column whose cells are of the series' type.
    pub(crate) fn plain(series: Series) -> Self {
        Self::of(series, None)
    }

    /// A column of texts (or numbers) that stand for cells of the given types.
    pub(crate) fn mixed(series: Series, types: Arc<[CellType]>) -> Self {
        Self::of(series, Some(types))
    }

    /// A column of the frame: its type is one of the five.
    pub(crate) fn of(series: Series, types: Option<Arc<[CellType]>>) -> Self {
        let texts = series.dtype() == &DataType::String;
        let series = if series.n_chunks() > 1 && !texts {
            series.rechunk()
        } else {
            series
        };
        let values = match series.dtype() {
            DataType::Float64 => series.f64().map(|numbers| Values::Number(numbers.clone())),
            DataType::Int64 => series.i64().map(|numbers| Values::Integer(numbers.clone())),
            DataType::Boolean => series.bool().map(|truths| Values::Bool(truths.clone())),
            DataType::Datetime(TimeUnit::Microseconds, None) => series.datetime().map(|dates| Values::Date(dates.physical().clone())),
            _ => series.str().map(|texts| Values::Text(Pieces::of(texts))),
        };
        match values {
            Ok(values) => Self { series, values, types },
            // Of no type that a sheet has: blank.
            Err(_) => Self::plain(Series::full_null(PlSmallStr::EMPTY, series.len(), &DataType::String)),
        }
    }

    pub(crate) fn series(&self) -> &Series {
        &self.series
    }

    pub(crate) fn types(&self) -> Option<&Arc<[CellType]>> {
        self.types.as_ref()
    }

    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// Calls `told` with each of some rows that are there, and whether its cell is filled, as can be told at a glance: a text that begins with a visible
    /// ASCII character. `false` says nothing.
    pub(crate) fn at_a_glance(&self, rows: Range<usize>, mut told: impl FnMut(usize, bool)) {
        let visible = |text: &str| text.as_bytes().first().is_some_and(u8::is_ascii_graphic);
        match &self.values {
            Values::Text(texts) if self.types.is_none() => texts.each(rows, |row, text| told(row, text.is_some_and(visible))),
            _ => rows.for_each(|row| told(row, false)),
        }
    }

    /// Calls `found` with each of some rows that are there and its cell, in order.
    pub(crate) fn each(&self, rows: Range<usize>, mut found: impl FnMut(usize, CellView<'_>)) {
        match &self.values {
            Values::Text(texts) => texts.each(rows, |row, text| found(row, self.of_text(row, text))),
            _ => rows.for_each(|row| found(row, self.get(row))),
        }
    }

    fn of_text<'a>(&self, index: usize, text: Option<&'a str>) -> CellView<'a> {
        match text {
            None | Some("") => CellView::Blank,
            Some(text) => match self.types.as_ref().and_then(|types| types.get(index)) {
                None | Some(CellType::Text) => CellView::Text(Cow::Borrowed(text)),
                Some(kind) => remembered(*kind, text),
            },
        }
    }

    /// The cell of a row; blank past the end.
    pub(crate) fn get(&self, index: usize) -> CellView<'_> {
        if index >= self.series.len() {
            return CellView::Blank;
        }
        match &self.values {
            Values::Text(texts) => self.of_text(index, texts.get(index)),
            Values::Number(numbers) => match numbers.get(index) {
                None => CellView::Blank,
                Some(number) => match self.types.as_ref().and_then(|types| types.get(index)) {
                    Some(CellType::Integer) => CellView::Integer(number as i64),
                    _ => CellView::Number(number),
                },
            },
            Values::Integer(numbers) => numbers.get(index).map_or(CellView::Blank, CellView::Integer),
            Values::Bool(truths) => truths.get(index).map_or(CellView::Blank, CellView::Bool),
            Values::Date(micros) => micros.get(index).map_or(CellView::Blank, CellView::Date),
        }
    }
}

/// A cell of a mixed column, from its text and what it was. The texts of numbers and dates give back the very same ones.
fn remembered(kind: CellType, text: &str) -> CellView<'_> {
    let found = match kind {
        CellType::Text => None,
        CellType::Number => text.parse().ok().map(CellView::Number),
        CellType::Integer => text.parse().ok().map(CellView::Integer),
        CellType::Bool => Some(CellView::Bool(text == "TRUE")),
        CellType::Date => text::date_micros(text).map(CellView::Date),
        CellType::Error => Some(CellView::Error(
            ERRORS.iter().find(|error| **error == text).copied().unwrap_or("#ERROR!"),
        )),
    };
    found.unwrap_or(CellView::Text(Cow::Borrowed(text)))
}

/// A nameless series.
pub(crate) fn series<T>(values: Vec<Option<T>>) -> Series
where
    Series: NamedFrom<Vec<Option<T>>, [Option<T>]>,
{
    Series::new(PlSmallStr::EMPTY, values)
}

/// Dates from microseconds since 1970.
pub(crate) fn dates_from(micros: Vec<Option<i64>>) -> Option<Series> {
    let micros = series(micros).i64().ok()?.clone();
    Some(micros.into_datetime(TimeUnit::Microseconds, None).into_series())
}
