//! From errors of the library to exceptions.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use recant::Error;
use recant::error::ErrorKind;

/// `recant.RecantError` with cause, place and hint.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    let build = || -> PyResult<PyErr> {
        let kind = match error.kind() {
            ErrorKind::Input => "input",
            ErrorKind::Io => "io",
            ErrorKind::Interrupted => "interrupted",
            ErrorKind::Internal => "internal",
        };
        let fields = PyDict::new(py);
        fields.set_item("kind", kind)?;
        fields.set_item("file", error.file().map(|file| file.display().to_string()))?;
        fields.set_item("sheet", error.sheet())?;
        fields.set_item("row", error.row())?;
        fields.set_item("column", error.column())?;
        fields.set_item("place", error.place())?;
        fields.set_item("hint", error.hint_text())?;
        let class = py.import("recant._errors")?.getattr("RecantError")?;
        Ok(PyErr::from_value(class.call((error.message(),), Some(&fields))?))
    };
    build().unwrap_or_else(|failed| failed)
}

/// The result of a step that needs no work apart.
pub(crate) fn raised<T>(py: Python<'_>, result: recant::Result<T>) -> PyResult<T> {
    result.map_err(|error| raise(py, &error))
}
