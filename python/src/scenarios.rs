//! Batches of random error scenarios, computed and judged in one call.

use std::path::PathBuf;

use polars::prelude::DataType;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use recant::Result;
use recant::commands::{JudgeScenarios, PlanScenarios, default_evidence, judge_scenarios, plan_scenarios};
use recant::evaluate::record::EvaluationSettings;
use recant::experiments::random_errors::settings::CPU;
use recant::experiments::random_errors::{BatchOptions, BatchReport, RandomErrors};
use recant::experiments::{RunFolder, run};
use recant::notes::Notes;
use recant::report;

use crate::exchange::{ArrowTable, Sheet};
use crate::results::{Page, json, rows_of};
use crate::settings::{ProfileChoice, Reading, Running, share};
use crate::work::work;

/// What to compute, and how it is judged.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Batch {
    sizes: String,
    errors: String,
    runs: String,
    published: bool,
    methods: Option<String>,
    kind: Option<String>,
    init_seeds: u32,
    learning_rate: Option<f64>,
    weight_decay: Option<f64>,
    trials: u32,
    epochs: Option<usize>,
    importance: String,
    reference: Option<String>,
    sweep_runs: u32,
    chunk: u32,
    minimum_effect: f64,
    resamples: usize,
}

impl Batch {
    fn options(&self, seed: u64, reading: String) -> BatchOptions {
        BatchOptions {
            sizes: self.sizes.clone(),
            runs: self.runs.clone(),
            errors: self.errors.clone(),
            published: self.published,
            error_kind: self.kind.clone(),
            methods: self.methods.clone(),
            init_seeds: self.init_seeds,
            importance: self.importance.clone(),
            reference: self.reference.clone(),
            epochs: self.epochs,
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            trials: self.trials,
            sweep_runs: self.sweep_runs,
            chunk: self.chunk,
            seed,
            reading,
            device: CPU.to_owned(),
        }
    }
}

/// Computes what is missing of a run folder, judges it, and writes the report into its folder `report`.
#[pyfunction]
pub(crate) fn scenarios<'py>(
    py: Python<'py>,
    sheet: Sheet,
    out: PathBuf,
    reading: Reading,
    profile: ProfileChoice,
    batch: Batch,
    running: Running,
) -> PyResult<Bound<'py, PyDict>> {
    let (done, record, cells, page, read) = work(py, running.progress.as_ref(), |progress| {
        recant::files::check_clock()?;
        let evaluation = EvaluationSettings {
            minimum_effect: share("minimum_effect", batch.minimum_effect)?,
            resamples: batch.resamples,
            ..default_evidence(running.seed())
        };
        let mut read = Notes::new();
        let options = reading.options()?;
        let sheet = sheet.open("frame", options.writing, &mut read)?;
        let request = PlanScenarios {
            sheet: sheet.source(),
            reading: options,
            profile: profile.profile.as_deref(),
            overrides: profile.overrides(running.seed())?,
            options: batch.options(running.seed().0, reading.words()),
        };
        let (settings, data) = plan_scenarios(&request, &mut read)?;
        let folder = RunFolder::create_or_resume(&out, &settings, None, &mut read)?;
        let mut engine = RandomErrors::new(&data, &settings, running.threads()?)?;
        let done = run(&folder, None, &mut engine, progress, &mut read)?;
        drop(folder);
        let request = JudgeScenarios {
            run: &out,
            with: &[],
            evaluation,
            out: &out.join("report"),
        };
        let judged = judge_scenarios(&request, &mut read)?;
        let page = Page::new(report::scenarios::headline(&judged), report::scenarios::html(&judged)?);
        Ok(((done.computed, done.found), json(&judged)?, cells_of(&judged)?, page, json(&read)?))
    })?;
    let result = PyDict::new(py);
    result.set_item("computed", done.0)?;
    result.set_item("found", done.1)?;
    result.set_item("record", record)?;
    result.set_item("cells", cells)?;
    result.set_item("notes", read)?;
    page.put(&result)?;
    Ok(result)
}

/// A line for each method in each cell.
fn cells_of(judged: &BatchReport) -> Result<ArrowTable> {
    use DataType as D;
    let lines: Vec<serde_json::Value> = judged
        .cells
        .iter()
        .flat_map(|cell| cell.methods.iter().map(move |method| (cell, method)))
        .map(|(cell, method)| {
            let test = &method.test;
            serde_json::json!({
                "size": cell.size,
                "errors": cell.error,
                "scenarios": cell.scenarios,
                "method": method.method,
                "accuracy_before": test.baseline.mean,
                "accuracy_after": test.repaired.mean,
                "change": test.difference.mean,
                "change_low": test.interval.map(|interval| interval.low),
                "change_high": test.interval.map(|interval| interval.high),
                "p_holm": test.p_holm,
                "verdict": test.verdict,
                "sentence": test.sentence,
            })
        })
        .collect();
    let columns = [
        ("size", D::String),
        ("errors", D::String),
        ("scenarios", D::Int64),
        ("method", D::String),
        ("accuracy_before", D::Float64),
        ("accuracy_after", D::Float64),
        ("change", D::Float64),
        ("change_low", D::Float64),
        ("change_high", D::Float64),
        ("p_holm", D::Float64),
        ("verdict", D::String),
        ("sentence", D::String),
    ];
    rows_of(&lines, &columns)
}
