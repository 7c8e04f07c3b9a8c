//! Models that were trained elsewhere: what their file does not tell, and their repair.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use recant::Result;
use recant::commands::{LEARNING_RATE, LabelledSheet, RepairImported, SearchFrom, is_imported, refuse_for_own_models, repair_imported};
use recant::error::{Error, closest};
use recant::jobs::imported::SheetPlan;
use recant::notes::Notes;
use recant::onnx::{ACTIVATIONS, Activation, Layers};
use recant::tables::Writing;

use crate::calls::{RepairSheets, run};
use crate::exchange::{Opened, Sheet};
use crate::results::RepairResult;
use crate::settings::{FlagReading, Reading, Repairing, Running};
use crate::work::work;

/// How a sheet is read for a model that was trained elsewhere.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Elsewhere {
    label: Option<String>,
    inputs: Vec<String>,
    classes: Vec<String>,
    activation: Option<String>,
    layers: Vec<String>,
}

impl Elsewhere {
    /// The plan; for a model of Recant's own nothing may be said.
    pub(crate) fn plan(&self, model: &Path, key: Option<&str>) -> Result<SheetPlan> {
        if !is_imported(model) {
            refuse(&[
                ("label", self.label.is_some()),
                ("inputs", !self.inputs.is_empty()),
                ("classes", !self.classes.is_empty()),
                ("activation", self.activation.is_some()),
                ("layers", !self.layers.is_empty()),
            ])?;
        }
        Ok(SheetPlan {
            label: self.label.clone().unwrap_or_default(),
            key: key.map(str::to_owned),
            inputs: self.inputs.clone(),
            classes: self.classes.clone(),
            layers: Layers {
                activation: self.activation.as_deref().map(activation).transpose()?,
                order: self.layers.clone(),
            },
        })
    }
}

fn activation(name: &str) -> Result<Activation> {
    if let Some(found) = Activation::of(name) {
        return Ok(found);
    }
    let names: Vec<&str> = ACTIVATIONS.iter().map(|known| known.name).collect();
    let error = Error::input(format!("there is no activation `{name}`"));
    Err(match closest(name, names.iter().copied()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("there are {}", names.join(", "))),
    })
}

fn refuse(options: &[(&str, bool)]) -> Result<()> {
    refuse_for_own_models(options, "")
}

/// What a search for wrong rows starts from: a model folder, or a sheet whose model Recant did not train.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Search {
    model: Option<PathBuf>,
    label: Option<String>,
    key: Option<String>,
    classes: Vec<String>,
    probabilities: Option<Sheet>,
}

/// The same, ready for a command.
pub(crate) struct OpenedSearch {
    model: Option<PathBuf>,
    label: Option<String>,
    key: Option<String>,
    classes: Vec<String>,
    probabilities: Option<Opened>,
}

impl Search {
    pub(crate) fn open(self, writing: Writing, notes: &mut Notes) -> Result<OpenedSearch> {
        let probabilities = self.probabilities.map(|sheet| sheet.open("probabilities", writing, notes));
        Ok(OpenedSearch {
            model: self.model,
            label: self.label,
            key: self.key,
            classes: self.classes,
            probabilities: probabilities.transpose()?,
        })
    }
}

impl OpenedSearch {
    pub(crate) fn from(&self) -> Result<SearchFrom<'_>> {
        if let Some(folder) = self.model.as_deref().filter(|model| !is_imported(model)) {
            refuse(&[
                ("label", self.label.is_some()),
                ("probabilities", self.probabilities.is_some()),
                ("classes", !self.classes.is_empty()),
            ])?;
            return Ok(SearchFrom::Model(folder));
        }
        let label = self.label.as_deref().ok_or_else(|| {
            Error::input("a search without a model folder needs the column that holds the class").hint("name it: `label=COLUMN`")
        })?;
        Ok(SearchFrom::Labels(LabelledSheet {
            label,
            key: self.key.as_deref(),
            model: self.model.as_deref(),
            classes: &self.classes,
            probabilities: self.probabilities.as_ref().map(Opened::source),
        }))
    }
}

/// What the file of a model does not tell of its repair.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Training {
    learning_rate: Option<f64>,
    validation: Option<Sheet>,
    retrain: Option<String>,
    retrain_seconds: u64,
}

impl Training {
    /// That nothing is said of a model of Recant's own.
    pub(crate) fn refuse_own(&self) -> Result<()> {
        refuse(&[
            ("learning_rate", self.learning_rate.is_some()),
            ("validation", self.validation.is_some()),
            ("retrain", self.retrain.is_some()),
        ])
    }
}

/// Repairs a model that was trained elsewhere: its file in, a file of the same format out.
#[allow(clippy::too_many_arguments)]
pub(crate) fn repair<'py>(
    py: Python<'py>,
    model: &Path,
    sheets: RepairSheets,
    (elsewhere, training): (Elsewhere, Training),
    reading: Reading,
    flag_reading: FlagReading,
    repairing: Repairing,
    running: Running,
) -> PyResult<Bound<'py, PyDict>> {
    let done = work(py, running.progress.as_ref(), |progress| {
        let needed = |what: &str, why: &str, hint: &str| {
            Error::input(format!("a model that was trained elsewhere needs {what}: {why}")).hint(hint.to_owned())
        };
        let flag_options = flag_reading.options()?;
        let plan = elsewhere.plan(model, flag_options.key.as_deref())?;
        if plan.label.is_empty() {
            return Err(needed(
                "`label`",
                "its file does not name the column that it predicts",
                "name it: `label=COLUMN`",
            ));
        }
        let out = sheets.out.as_deref().ok_or_else(|| {
            needed(
                "`out`",
                "its repair is a file like it",
                "name the file to write, with the same ending",
            )
        })?;
        repairing.own_models_only(sheets.corrected.is_some(), sheets.looked_up.is_some(), sheets.affected.is_some())?;
        let mut read = Notes::new();
        let reading = reading.options()?;
        let writing = reading.writing;
        let flags = sheets.flags.ok_or_else(|| {
            needed(
                "`flags`",
                "nothing else tells which rows are wrong",
                "hand in keys, row numbers or a table",
            )
        })?;
        let flags = flags.open(&mut read)?;
        let mut open = |sheet: Option<Sheet>, name: &str| sheet.map(|sheet| sheet.open(name, writing, &mut read)).transpose();
        let (data, test) = (open(sheets.data, "data")?, open(sheets.test, "test")?);
        let validation = open(training.validation, "validation")?;
        let data = data.ok_or_else(|| {
            needed(
                "`data`",
                "its file does not hold what its training rows were",
                "give the sheet that it was trained on: `data=SHEET`",
            )
        })?;
        let request = RepairImported {
            model,
            data: data.source(),
            plan,
            wrong: flags.rows(),
            flag_options,
            flags_sheet: flag_reading.flags_sheet.clone(),
            test: test.as_ref().map(Opened::source),
            validation: validation.as_ref().map(Opened::source),
            retrain: training
                .retrain
                .as_deref()
                .map(|line| (line, Duration::from_secs(training.retrain_seconds))),
            reading,
            method: &repairing.method,
            options: repairing.options()?,
            learning_rate: training.learning_rate.unwrap_or(LEARNING_RATE),
            evidence: repairing.evidence(running.seed())?,
            out,
        };
        let done = repair_imported(&run(&running, progress)?, &request)?;
        RepairResult::new(&done.record, &done.timings, &read)
    })?;
    done.into_dict(py)
}
