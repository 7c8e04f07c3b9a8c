//! Sheets in and tables out, by the Arrow C stream interface (<https://arrow.apache.org/docs/format/CStreamInterface.html>).
#![allow(unsafe_code)] // The interface is made of raw pointers.

use std::ffi::CStr;
use std::path::PathBuf;

use polars::prelude::{ArrayRef, ArrowField, Column, CompatLevel, DataFrame, DataType, NamedFrom, PlSmallStr, Series};
use polars_arrow::array::{Array, StructArray};
use polars_arrow::datatypes::ArrowDataType;
use polars_arrow::ffi::{ArrowArrayStream, ArrowArrayStreamReader, export_iterator};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use recant::commands::SheetSource;
use recant::notes::Notes;
use recant::tables::{Table, Writing};
use serde_json::{Map, Value};

use crate::error::{raise, raised};

const STREAM: &CStr = c"arrow_array_stream";

/// A sheet as it was handed in.
pub(crate) enum Sheet {
    /// A file, a folder or a pattern.
    Path(PathBuf),
    /// A table in memory.
    Batches {
        fields: Vec<ArrowField>,
        batches: Vec<Vec<ArrayRef>>,
    },
}

impl<'py> FromPyObject<'py> for Sheet {
    fn extract_bound(given: &Bound<'py, PyAny>) -> PyResult<Self> {
        if given.hasattr("__arrow_c_stream__")? {
            let capsule = given.call_method0("__arrow_c_stream__")?;
            return read_stream(capsule.cast::<PyCapsule>()?);
        }
        given.extract().map(Self::Path).map_err(|_| {
            let kind = given.get_type();
            PyTypeError::new_err(format!(
                "a sheet is a path, or a table with the Arrow C stream interface (pandas, Polars, pyarrow), not {kind}"
            ))
        })
    }
}

/// Takes all batches of a stream. The arrays keep sharing memory with where they came from.
fn read_stream(capsule: &Bound<'_, PyCapsule>) -> PyResult<Sheet> {
    if capsule.name()? != Some(STREAM) {
        return Err(PyValueError::new_err("this is no Arrow stream"));
    }
    let py = capsule.py();
    let refused = |what: String| {
        let hint = "hand in plain columns: texts, numbers, dates (pandas: `frame[[...]].astype(str)`, pyarrow: `column.cast(...)`)";
        raise(py, &recant::Error::input(what).hint(hint))
    };
    let broken = |error: polars::prelude::PolarsError| refused(format!("a column of the table is of a type that cannot be read: {error}"));
    let mut batches = Vec::new();
    // SAFETY: a capsule of this name holds an `ArrowArrayStream`, by the interface's rules, and stays alive until this function ends; the
    // producer answers for what its callbacks return.
    let field = unsafe {
        let stream = &mut *capsule.pointer().cast::<ArrowArrayStream>();
        let mut reader = ArrowArrayStreamReader::try_new(stream).map_err(broken)?;
        if let ArrowDataType::Struct(fields) = &reader.field().dtype
            && let Some(wide) = fields.iter().find(|field| has_wide_decimals(&field.dtype))
        {
            return Err(refused(format!(
                "column `{}` holds decimals of more than 38 digits, which cannot be read",
                wide.name
            )));
        }
        while let Some(array) = reader.next() {
            batches.push(array.map_err(broken)?);
        }
        reader.field().clone()
    };
    let ArrowDataType::Struct(fields) = field.dtype else {
        return Err(PyTypeError::new_err("a sheet has columns; this is a single one: hand in a table"));
    };
    let batches = batches
        .into_iter()
        .map(|batch| {
            let rows = batch.as_any().downcast_ref::<StructArray>();
            let whole = rows.filter(|rows| rows.null_count() == 0);
            whole.map(|rows| rows.values().to_vec())
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| PyValueError::new_err("the Arrow stream holds rows that are null as a whole"))?;
    Ok(Sheet::Batches { fields, batches })
}

/// Whether values of this type are, or hold, decimals of 256 bits, which Polars has none of.
fn has_wide_decimals(dtype: &ArrowDataType) -> bool {
    use ArrowDataType as A;
    match dtype {
        A::Decimal256(..) => true,
        A::List(inner) | A::LargeList(inner) | A::FixedSizeList(inner, _) | A::Map(inner, _) => has_wide_decimals(&inner.dtype),
        A::Struct(fields) => fields.iter().any(|field| has_wide_decimals(&field.dtype)),
        A::Union(union) => union.fields.iter().any(|field| has_wide_decimals(&field.dtype)),
        A::Dictionary(_, values, _) => has_wide_decimals(values),
        A::Extension(extension) => has_wide_decimals(&extension.inner),
        _ => false,
    }
}

/// A sheet ready for a command.
pub(crate) enum Opened {
    Path(PathBuf),
    Table(Box<Table>),
}

impl Sheet {
    /// Makes a table of batches, with the notes of reading them. `name` is what messages call it.
    pub(crate) fn open(self, name: &str, writing: Writing, notes: &mut Notes) -> recant::Result<Opened> {
        Ok(match self {
            Self::Path(path) => Opened::Path(path),
            Self::Batches { fields, batches } => {
                let table = Table::from_arrow(name, &fields, batches, notes)?;
                Opened::Table(Box::new(table.written_as(writing)))
            }
        })
    }
}

impl Opened {
    pub(crate) fn source(&self) -> SheetSource<'_> {
        match self {
            Self::Path(path) => SheetSource::File(path),
            Self::Table(table) => SheetSource::Table(table),
        }
    }
}

/// A table of Recant's; pandas, Polars and pyarrow take it by the Arrow C stream interface.
#[pyclass(frozen, module = "recant._recant")]
pub(crate) struct ArrowTable {
    frame: DataFrame,
}

impl From<Table> for ArrowTable {
    fn from(table: Table) -> Self {
        Self { frame: table.into_frame() }
    }
}

impl ArrowTable {
    /// A table of proposals: its column of ticks, texts in a sheet, as truth values.
    pub(crate) fn of_proposals(table: Table) -> recant::Result<Self> {
        const TICKS: &str = "is_label_issue";
        let mut frame = table.into_frame();
        if let Ok(ticks) = frame.column(TICKS)
            && let Ok(texts) = ticks.as_materialized_series().str()
        {
            let ticks: Vec<Option<bool>> = texts.iter().map(|text| text.map(|text| text == "TRUE")).collect();
            frame.with_column(Series::new(TICKS.into(), ticks).into()).map_err(internal)?;
        }
        Ok(Self { frame })
    }
}

#[pymethods]
impl ArrowTable {
    /// The table as an Arrow stream of one batch. Texts are large strings, which every reader knows.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(&self, py: Python<'py>, requested_schema: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyCapsule>> {
        // A schema that is requested need not be kept to.
        let _ = requested_schema;
        let level = CompatLevel::oldest();
        let mut fields = Vec::with_capacity(self.frame.width());
        let mut arrays = Vec::with_capacity(self.frame.width());
        for column in self.frame.columns() {
            let series = column.as_materialized_series().rechunk();
            let array = series.to_arrow(0, level);
            fields.push(ArrowField::new(column.name().clone(), array.dtype().clone(), true));
            arrays.push(array);
        }
        let dtype = ArrowDataType::Struct(fields);
        let batch = StructArray::new(dtype.clone(), self.frame.height(), arrays, None);
        let batch: Box<dyn Array> = Box::new(batch);
        let stream = export_iterator(
            Box::new(std::iter::once(Ok(batch))),
            ArrowField::new(PlSmallStr::EMPTY, dtype, false),
        );
        PyCapsule::new(py, stream, Some(STREAM.to_owned()))
    }

    /// Rows and columns.
    #[getter]
    fn shape(&self) -> (usize, usize) {
        self.frame.shape()
    }

    /// Names of the columns.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.frame.columns().iter().map(|column| column.name().to_string()).collect()
    }

    /// The first `rows` rows as lists of texts, for showing.
    fn head(&self, rows: usize) -> Vec<Vec<String>> {
        let shown = |column: &Column, row: usize| match column.get(row) {
            Ok(value) if value.is_null() => String::new(),
            Ok(value) => value.str_value().into_owned(),
            Err(_) => String::new(),
        };
        (0..rows.min(self.frame.height()))
            .map(|row| self.frame.columns().iter().map(|column| shown(column, row)).collect())
            .collect()
    }
}

/// Records with the same fields as a table. `columns`: the fields, in order, with what they hold.
pub(crate) fn of_records(records: &[Map<String, Value>], columns: &[(&str, DataType)]) -> recant::Result<ArrowTable> {
    let column = |(name, dtype): &(&str, DataType)| {
        let cells = records.iter().map(|record| record.get(*name).unwrap_or(&Value::Null));
        let name = PlSmallStr::from(*name);
        let series = match dtype {
            DataType::Boolean => Series::new(name, cells.map(Value::as_bool).collect::<Vec<_>>()),
            DataType::Int64 => Series::new(name, cells.map(Value::as_i64).collect::<Vec<_>>()),
            DataType::Float64 => Series::new(name, cells.map(Value::as_f64).collect::<Vec<_>>()),
            _ => Series::new(name, cells.map(as_text).collect::<Vec<_>>()),
        };
        series.into()
    };
    let frame = DataFrame::new(records.len(), columns.iter().map(column).collect());
    let frame = frame.map_err(|error| recant::Error::internal(format!("records as a table: {error}")))?;
    Ok(ArrowTable { frame })
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// A table of one column with the marks of rows, as flag files have it.
#[pyfunction]
pub(crate) fn mask_table(py: Python<'_>, marks: Vec<u8>) -> PyResult<ArrowTable> {
    let marks: Vec<bool> = marks.into_iter().map(|mark| mark != 0).collect();
    let series = Series::new("is_label_issue".into(), marks);
    let frame = DataFrame::new(series.len(), vec![series.into()]);
    raised(py, frame.map(|frame| ArrowTable { frame }).map_err(internal))
}

/// A table of texts.
#[pyfunction]
pub(crate) fn text_table(py: Python<'_>, names: Vec<String>, columns: Vec<Vec<Option<String>>>) -> PyResult<ArrowTable> {
    let height = columns.first().map_or(0, Vec::len);
    let named = names.into_iter().zip(columns);
    let series = named.map(|(name, cells)| Series::new(name.into(), cells).into()).collect();
    raised(
        py,
        DataFrame::new(height, series).map(|frame| ArrowTable { frame }).map_err(internal),
    )
}

/// A table of numbers. `values`: rows x columns, 64-bit little-endian, row-major; NaN is blank.
#[pyfunction]
pub(crate) fn number_table(py: Python<'_>, names: Vec<String>, values: &[u8]) -> PyResult<ArrowTable> {
    let (numbers, rest) = values.as_chunks::<8>();
    let width = names.len().max(1);
    if !rest.is_empty() || !numbers.len().is_multiple_of(width) {
        return Err(PyValueError::new_err("the values do not fill the columns"));
    }
    let height = numbers.len() / width;
    let column = |(place, name): (usize, String)| {
        let cells = numbers.iter().skip(place).step_by(width).map(|bytes| f64::from_le_bytes(*bytes));
        let cells: Vec<Option<f64>> = cells.map(|number| (!number.is_nan()).then_some(number)).collect();
        Series::new(name.into(), cells).into()
    };
    let frame = DataFrame::new(height, names.into_iter().enumerate().map(column).collect());
    raised(py, frame.map(|frame| ArrowTable { frame }).map_err(internal))
}

/// A sheet with a column of labels behind its own, and the names of its columns of numbers.
#[pyfunction]
pub(crate) fn with_labels(py: Python<'_>, sheet: Sheet, name: String, labels: Vec<String>) -> PyResult<(ArrowTable, Vec<String>)> {
    let made = py.detach(|| {
        let opened = sheet.open("X", Writing::default(), &mut Notes::new())?;
        let table = match opened {
            Opened::Path(path) => recant::tables::read(&path, &Default::default(), &mut Notes::new())?,
            Opened::Table(table) => *table,
        };
        let labelled = table.with_column(&name, labels.into_iter().map(Some).collect())?.into_frame();
        let is_number = |column: &&Column| matches!(column.dtype(), DataType::Float64 | DataType::Int64 | DataType::Boolean);
        let numbers = labelled
            .columns()
            .iter()
            .filter(is_number)
            .map(|column| column.name().to_string())
            .collect();
        Ok((ArrowTable { frame: labelled }, numbers))
    });
    raised(py, made)
}

fn internal(error: polars::prelude::PolarsError) -> recant::Error {
    recant::Error::internal(format!("a table: {error}"))
}
