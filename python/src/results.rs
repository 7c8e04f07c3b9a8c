//! What Python is handed: JSON texts, tables and pages.

use polars::prelude::DataType;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use recant::Result;
use recant::error::Error;
use recant::evaluate::record::{RepairRecord, Timings};
use recant::notes::Notes;
use recant::report::{self, plots::Plot};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::exchange::{ArrowTable, of_records};

pub(crate) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::internal(format!("a result cannot be written as JSON: {error}")))
}

/// Records as a table.
pub(crate) fn rows_of(records: &impl Serialize, columns: &[(&str, DataType)]) -> Result<ArrowTable> {
    let fault = |error: serde_json::Error| Error::internal(format!("records as a table: {error}"));
    let value = serde_json::to_value(records).map_err(fault)?;
    let records: Vec<Map<String, Value>> = serde_json::from_value(value).map_err(fault)?;
    of_records(&records, columns)
}

/// A page and its plots.
pub(crate) struct Page {
    headline: String,
    html: String,
    plots: Vec<(String, String)>,
}

impl Page {
    pub(crate) fn new(headline: String, (html, plots): (String, Vec<Plot>)) -> Self {
        Self {
            headline,
            html,
            plots: plots.iter().map(|plot| (plot.name.clone(), plot.file().to_string())).collect(),
        }
    }

    pub(crate) fn put(self, result: &Bound<'_, PyDict>) -> PyResult<()> {
        result.set_item("headline", self.headline)?;
        result.set_item("html", self.html)?;
        result.set_item("plots", self.plots)
    }
}

pub(crate) fn columns_of(columns: &impl Serialize) -> Result<ArrowTable> {
    use DataType as D;
    let fields = [
        ("name", D::String),
        ("kind", D::String),
        ("role", D::String),
        ("missing", D::Int64),
        ("distinct", D::Int64),
        ("range", D::String),
        ("examples", D::String),
        ("why", D::String),
    ];
    rows_of(columns, &fields)
}

/// What Python is handed of a repair.
pub(crate) struct RepairResult {
    record: String,
    timings: String,
    notes: String,
    recommended: bool,
    kept: bool,
    verdict: Option<String>,
    sentence: Option<String>,
    change: Option<(f64, f64, f64)>,
    flagged: ArrowTable,
    changed: ArrowTable,
    methods: ArrowTable,
    page: Page,
}

impl RepairResult {
    pub(crate) fn new(record: &RepairRecord, timings: &Timings, read: &Notes) -> Result<Self> {
        use DataType as D;
        let context = report::Context::new(record, timings)?;
        let headline = report::repair::headline(&context);
        let flagged = [
            ("key", D::String),
            ("row", D::Int64),
            ("observed", D::String),
            ("correction", D::String),
            ("before", D::String),
            ("before_probability", D::Float64),
            ("after", D::String),
            ("after_probability", D::Float64),
        ];
        let changed = [
            ("key", D::String),
            ("row", D::Int64),
            ("observed", D::String),
            ("before", D::String),
            ("after", D::String),
            ("fixed", D::Boolean),
            ("flagged", D::Boolean),
        ];
        let chosen = context.chosen;
        let verdict = chosen.verdict().map(|verdict| json(&verdict)).transpose()?;
        Ok(Self {
            recommended: record.recommends_the_written(),
            kept: record.kept_the_old(),
            verdict: verdict.map(|text| text.trim_matches('"').to_owned()),
            sentence: chosen.verdict_sentence().map(str::to_owned),
            change: chosen.change().map(|change| (change.estimate, change.low, change.high)),
            flagged: rows_of(&record.flagged_rows, &flagged)?,
            changed: rows_of(&record.changed_rows, &changed)?,
            methods: methods_of(record)?,
            page: Page::new(headline, report::html(record, timings)?),
            record: json(record)?,
            timings: json(timings)?,
            notes: json(read)?,
        })
    }

    pub(crate) fn into_dict(self, py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        let result = PyDict::new(py);
        result.set_item("record", self.record)?;
        result.set_item("timings", self.timings)?;
        result.set_item("notes", self.notes)?;
        result.set_item("recommended", self.recommended)?;
        result.set_item("kept", self.kept)?;
        result.set_item("verdict", self.verdict)?;
        result.set_item("sentence", self.sentence)?;
        result.set_item("change", self.change)?;
        result.set_item("flagged_rows", self.flagged)?;
        result.set_item("changed_rows", self.changed)?;
        result.set_item("methods", self.methods)?;
        self.page.put(&result)?;
        Ok(result)
    }
}

/// A line for each method.
fn methods_of(record: &RepairRecord) -> Result<ArrowTable> {
    use DataType as D;
    let lines: Vec<Value> = record
        .methods
        .iter()
        .map(|method| {
            let test = method.test.as_ref();
            let change = method.change();
            serde_json::json!({
                "method": method.name,
                "title": method.title,
                "accuracy_before": test.map(|test| test.before.accuracy.estimate),
                "accuracy_after": test.map(|test| test.after.accuracy.estimate),
                "change": change.map(|change| change.estimate),
                "change_low": change.map(|change| change.low),
                "change_high": change.map(|change| change.high),
                "p_holm": test.map(|test| test.p_holm),
                "verdict": method.verdict(),
                "chosen": method.name == record.chosen,
            })
        })
        .collect();
    let columns = [
        ("method", D::String),
        ("title", D::String),
        ("accuracy_before", D::Float64),
        ("accuracy_after", D::Float64),
        ("change", D::Float64),
        ("change_low", D::Float64),
        ("change_high", D::Float64),
        ("p_holm", D::Float64),
        ("verdict", D::String),
        ("chosen", D::Boolean),
    ];
    rows_of(&lines, &columns)
}
