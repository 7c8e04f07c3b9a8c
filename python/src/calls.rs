//! One function for each command.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use recant::Result;
use recant::commands::{
    CheckDraw, ExpandSheet, ExportModel, InjectSheet, InspectSheet, PredictSheet, RepairSheet, Run, SuspectSheet, TrainSheet, WrongRows,
    draw_check, expand_sheet, export_model, inject_into, inspect_sheet, is_imported, key_path, predict_sheet, read_check, repair_sheet,
    share_model, suspect_sheet, train_sheet,
};
use recant::error::Error;
use recant::files;
use recant::model::ModelFolder;
use recant::notes::Notes;
use recant::progress::Progress;
use recant::report;
use recant::tables::Rule;

use crate::elsewhere::{self, Elsewhere, Search, Training as ElsewhereTraining};
use crate::error::raised;
use crate::exchange::{self, ArrowTable, Opened, Sheet};
use crate::results::{Page, RepairResult, columns_of, json};
use crate::scenarios;
use crate::settings::{FlagReading, Injecting, ProfileChoice, Reading, Repairing, Running, Training};
use crate::work::work;

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(inspect, module)?)?;
    module.add_function(wrap_pyfunction!(train, module)?)?;
    module.add_function(wrap_pyfunction!(inject, module)?)?;
    module.add_function(wrap_pyfunction!(expand, module)?)?;
    module.add_function(wrap_pyfunction!(suspects, module)?)?;
    module.add_function(wrap_pyfunction!(repair, module)?)?;
    module.add_function(wrap_pyfunction!(draw, module)?)?;
    module.add_function(wrap_pyfunction!(judge, module)?)?;
    module.add_function(wrap_pyfunction!(predict, module)?)?;
    module.add_function(wrap_pyfunction!(model, module)?)?;
    module.add_function(wrap_pyfunction!(scenarios::scenarios, module)?)?;
    module.add_function(wrap_pyfunction!(export, module)?)?;
    module.add_function(wrap_pyfunction!(share, module)?)?;
    module.add_function(wrap_pyfunction!(program, module)?)?;
    module.add_function(wrap_pyfunction!(exchange::mask_table, module)?)?;
    module.add_function(wrap_pyfunction!(exchange::text_table, module)?)?;
    module.add_function(wrap_pyfunction!(exchange::number_table, module)?)?;
    module.add_function(wrap_pyfunction!(exchange::with_labels, module)?)
}

/// What a command is given.
pub(crate) fn run<'a>(running: &Running, progress: &'a dyn Progress) -> Result<Run<'a>> {
    files::check_clock()?;
    Ok(Run {
        seed: running.seed(),
        threads: running.threads()?,
        command: running.command.clone(),
        progress,
    })
}

/// Looks into a sheet.
#[pyfunction]
fn inspect<'py>(
    py: Python<'py>,
    sheet: Sheet,
    reading: Reading,
    profile: ProfileChoice,
    write_profile: Option<PathBuf>,
    running: Running,
) -> PyResult<Bound<'py, PyDict>> {
    let (found, columns, read) = work(py, running.progress.as_ref(), |progress| {
        let mut read = Notes::new();
        let reading = reading.options()?;
        let sheet = sheet.open("frame", reading.writing, &mut read)?;
        let request = InspectSheet {
            sheet: sheet.source(),
            reading,
            profile: profile.profile.as_deref(),
            overrides: profile.overrides(running.seed())?,
            write_profile: write_profile.as_deref(),
        };
        let found = inspect_sheet(&run(&running, progress)?, &request)?;
        let columns = columns_of(&found.inspection.columns)?;
        read.extend(found.notes.clone());
        Ok((json(&found.inspection)?, columns, json(&read)?))
    })?;
    let result = PyDict::new(py);
    result.set_item("record", found)?;
    result.set_item("columns", columns)?;
    result.set_item("notes", read)?;
    Ok(result)
}

/// Trains a classifier.
#[pyfunction]
fn train<'py>(
    py: Python<'py>,
    sheet: Sheet,
    out: PathBuf,
    reading: Reading,
    profile: ProfileChoice,
    training: Training,
    running: Running,
) -> PyResult<Bound<'py, PyDict>> {
    let (record, timings, page, read) = work(py, running.progress.as_ref(), |progress| {
        let mut read = Notes::new();
        let reading = reading.options()?;
        let sheet = sheet.open("frame", reading.writing, &mut read)?;
        let request = TrainSheet {
            sheet: sheet.source(),
            reading,
            profile: profile.profile.as_deref(),
            overrides: profile.overrides(running.seed())?,
            recipe: training.recipe.as_deref().map(str::parse).transpose()?,
            options: training.options(),
            metric: recant::commands::metric(&training.metric)?,
            keep_test_rows: training.keep_test_rows,
            out: &out,
        };
        let trained = train_sheet(&run(&running, progress)?, &request)?;
        let headline = report::training::headline(&trained.record);
        let page = Page::new(headline, report::training::html(&trained.record, &trained.timings)?);
        Ok((json(&trained.record)?, json(&trained.timings)?, page, json(&read)?))
    })?;
    let result = PyDict::new(py);
    result.set_item("record", record)?;
    result.set_item("timings", timings)?;
    result.set_item("notes", read)?;
    page.put(&result)?;
    Ok(result)
}

/// Mislabels rows.
#[pyfunction]
fn inject<'py>(
    py: Python<'py>,
    sheet: Sheet,
    out: Option<PathBuf>,
    reading: Reading,
    profile: ProfileChoice,
    injecting: Injecting,
    running: Running,
) -> PyResult<Bound<'py, PyDict>> {
    let (done, summary, read) = work(py, running.progress.as_ref(), |progress| {
        let mut read = Notes::new();
        let reading = reading.options()?;
        let sheet = sheet.open("frame", reading.writing, &mut read)?;
        let request = InjectSheet {
            sheet: sheet.source(),
            reading,
            profile: profile.profile.as_deref(),
            overrides: profile.overrides(running.seed())?,
            kinds: &injecting.kind,
            rate: injecting.rate()?,
            whole_groups: injecting.whole_groups,
            known: injecting.known()?,
            full_rows: injecting.full_rows,
            out: out.as_deref(),
        };
        let done = inject_into(&run(&running, progress)?, &request)?;
        read.extend(done.notes.clone());
        let summary = json(&done.injected.summary)?;
        Ok((done, summary, json(&read)?))
    })?;
    let result = PyDict::new(py);
    result.set_item("record", summary)?;
    result.set_item("notes", read)?;
    result.set_item("file", done.file)?;
    result.set_item("corrupted", ArrowTable::from(done.injected.corrupted))?;
    result.set_item("flags", ArrowTable::from(done.injected.flags))?;
    result.set_item("truth", ArrowTable::from(done.injected.truth))?;
    result.set_item("affected", ArrowTable::from(done.injected.affected))?;
    Ok(result)
}

/// Which rows are wrong, as handed in.
#[derive(FromPyObject)]
pub(crate) enum Wrong {
    #[pyo3(transparent)]
    Keys(Vec<String>),
    #[pyo3(transparent)]
    Sheet(Sheet),
}

/// The same, ready for a command.
pub(crate) enum OpenedWrong {
    Keys(Vec<String>),
    Flags(Opened),
    Corrected(Opened),
}

impl Wrong {
    pub(crate) fn open(self, notes: &mut Notes) -> Result<OpenedWrong> {
        Ok(match self {
            Self::Keys(keys) => OpenedWrong::Keys(keys),
            Self::Sheet(sheet) => OpenedWrong::Flags(sheet.open("flags", Default::default(), notes)?),
        })
    }
}

impl OpenedWrong {
    pub(crate) fn rows(&self) -> WrongRows<'_> {
        match self {
            Self::Keys(keys) => WrongRows::Keys(keys),
            Self::Flags(Opened::Path(path)) => WrongRows::Flags(path),
            Self::Flags(Opened::Table(table)) => WrongRows::FlagTable(table),
            Self::Corrected(opened) => WrongRows::Corrected(opened.source()),
        }
    }
}

/// Finds further wrong rows.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn expand<'py>(
    py: Python<'py>,
    sheet: Sheet,
    search: Search,
    flags: Wrong,
    out: Option<PathBuf>,
    reading: Reading,
    flag_reading: FlagReading,
    ticks: (bool, bool),
    checked: Option<String>,
    running: Running,
) -> PyResult<Bound<'py, PyDict>> {
    let (found, proposals, read) = work(py, running.progress.as_ref(), |progress| {
        let mut read = Notes::new();
        let reading = reading.options()?;
        let sheet = sheet.open("frame", reading.writing, &mut read)?;
        let search = search.open(reading.writing, &mut read)?;
        let flags = flags.open(&mut read)?;
        let request = ExpandSheet {
            sheet: sheet.source(),
            reading,
            from: search.from()?,
            flags: flags.rows(),
            flag_options: flag_reading.options()?,
            flags_sheet: flag_reading.flags_sheet.clone(),
            checked: checked.as_deref().map(Rule::parse).transpose()?,
            tick_contradictions: ticks.0,
            tick_doubtful: ticks.1,
            out: out.as_deref(),
            existing: running.existing(),
        };
        let found = expand_sheet(&run(&running, progress)?, &request)?;
        read.extend(found.notes);
        Ok((json(&found.found)?, ArrowTable::of_proposals(found.proposals)?, json(&read)?))
    })?;
    let result = PyDict::new(py);
    result.set_item("record", found)?;
    result.set_item("proposals", proposals)?;
    result.set_item("notes", read)?;
    Ok(result)
}

/// Ranks likely label errors.
#[pyfunction]
fn suspects<'py>(
    py: Python<'py>,
    sheet: Sheet,
    search: Search,
    listing: (usize, bool),
    out: Option<PathBuf>,
    reading: Reading,
    running: Running,
) -> PyResult<Bound<'py, PyDict>> {
    let (folds, all) = listing;
    let (found, classes, proposals, read) = work(py, running.progress.as_ref(), |progress| {
        if !(2..=50).contains(&folds) {
            return Err(Error::input(format!("`folds` is {folds}")).hint("give 2 to 50"));
        }
        let mut read = Notes::new();
        let reading = reading.options()?;
        let sheet = sheet.open("frame", reading.writing, &mut read)?;
        let search = search.open(reading.writing, &mut read)?;
        let request = SuspectSheet {
            sheet: sheet.source(),
            reading,
            from: search.from()?,
            folds,
            all,
            out: out.as_deref(),
            existing: running.existing(),
        };
        let found = suspect_sheet(&run(&running, progress)?, &request)?;
        read.extend(found.notes);
        let proposals = ArrowTable::of_proposals(found.proposals)?;
        Ok((json(&found.found)?, found.classes, proposals, json(&read)?))
    })?;
    let result = PyDict::new(py);
    result.set_item("record", found)?;
    result.set_item("classes", classes)?;
    result.set_item("proposals", proposals)?;
    result.set_item("notes", read)?;
    Ok(result)
}

/// The sheets and files of a repair.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct RepairSheets {
    pub(crate) flags: Option<Wrong>,
    pub(crate) corrected: Option<Sheet>,
    pub(crate) data: Option<Sheet>,
    pub(crate) test: Option<Sheet>,
    pub(crate) looked_up: Option<PathBuf>,
    pub(crate) affected: Option<PathBuf>,
    pub(crate) out: Option<PathBuf>,
}

/// Repairs a model.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn repair<'py>(
    py: Python<'py>,
    model: PathBuf,
    sheets: RepairSheets,
    elsewhere: (Elsewhere, ElsewhereTraining),
    reading: Reading,
    flag_reading: FlagReading,
    repairing: Repairing,
    running: Running,
) -> PyResult<Bound<'py, PyDict>> {
    if is_imported(&model) {
        return elsewhere::repair(py, &model, sheets, elsewhere, reading, flag_reading, repairing, running);
    }
    let done = work(py, running.progress.as_ref(), |progress| {
        elsewhere.0.plan(&model, None)?;
        elsewhere.1.refuse_own()?;
        let mut read = Notes::new();
        let reading = reading.options()?;
        let writing = reading.writing;
        let wrong = match (sheets.flags, sheets.corrected) {
            (Some(flags), None) => flags.open(&mut read)?,
            (None, Some(sheet)) => OpenedWrong::Corrected(sheet.open("corrected", writing, &mut read)?),
            _ => return Err(Error::input("a repair needs the wrong rows, in one form").hint("give `flags` or `corrected`")),
        };
        let mut open = |sheet: Option<Sheet>, name: &str| sheet.map(|sheet| sheet.open(name, writing, &mut read)).transpose();
        let (data, test) = (open(sheets.data, "data")?, open(sheets.test, "test")?);
        let request = RepairSheet {
            model: &model,
            wrong: wrong.rows(),
            flag_options: flag_reading.options()?,
            flags_sheet: flag_reading.flags_sheet.clone(),
            data: data.as_ref().map(Opened::source),
            test: test.as_ref().map(Opened::source),
            reading,
            looked_up: sheets.looked_up.as_deref(),
            affected: sheets.affected.as_deref(),
            further: repairing.further(),
            checked: repairing.checked()?,
            method: &repairing.method,
            options: repairing.options()?,
            evidence: repairing.evidence(running.seed())?,
            out: sheets.out.as_deref(),
        };
        let done = repair_sheet(&run(&running, progress)?, &request)?;
        RepairResult::new(&done.repaired.record, &done.repaired.timings, &read)
    })?;
    done.into_dict(py)
}

/// Draws rows to look up.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn draw<'py>(
    py: Python<'py>,
    model: PathBuf,
    repaired: PathBuf,
    sheet: Sheet,
    rows: usize,
    elsewhere: Elsewhere,
    out: PathBuf,
    reading: Reading,
    running: Running,
) -> PyResult<Bound<'py, PyDict>> {
    let (drawn, key, read) = work(py, running.progress.as_ref(), |progress| {
        if !(1..=2000).contains(&rows) {
            return Err(Error::input(format!("`rows` is {rows}")).hint("give 1 to 2000"));
        }
        let mut read = Notes::new();
        let reading = reading.options()?;
        let sheet = sheet.open("frame", reading.writing, &mut read)?;
        let request = CheckDraw {
            model: &model,
            repaired: &repaired,
            plan: elsewhere.plan(&model, None)?,
            sheet: sheet.source(),
            reading,
            rows,
            out: &out,
            existing: running.existing(),
        };
        let found = draw_check(&run(&running, progress)?, &request)?;
        read.extend(found.notes);
        Ok((found.drawn.sheet, json(&found.drawn.key)?, json(&read)?))
    })?;
    let result = PyDict::new(py);
    result.set_item("sheet", ArrowTable::from(drawn))?;
    result.set_item("record", key)?;
    result.set_item("key_path", key_path(&out))?;
    result.set_item("notes", read)?;
    Ok(result)
}

/// Reads a filled-in check.
#[pyfunction]
fn judge<'py>(py: Python<'py>, filled: PathBuf, minimum_effect: f64) -> PyResult<Bound<'py, PyDict>> {
    let (checked, notes) = work(py, None, |_| {
        let found = read_check(&filled, minimum_effect)?;
        Ok((json(&found.checked)?, json(&found.notes)?))
    })?;
    let result = PyDict::new(py);
    result.set_item("record", checked)?;
    result.set_item("notes", notes)?;
    Ok(result)
}

/// Predicts a sheet.
#[pyfunction]
fn predict<'py>(
    py: Python<'py>,
    sheet: Sheet,
    model: PathBuf,
    out: Option<PathBuf>,
    elsewhere: Elsewhere,
    reading: Reading,
    running: Running,
) -> PyResult<Bound<'py, PyDict>> {
    let (found, read) = work(py, running.progress.as_ref(), |progress| {
        let mut read = Notes::new();
        let reading = reading.options()?;
        let sheet = sheet.open("frame", reading.writing, &mut read)?;
        let request = PredictSheet {
            sheet: sheet.source(),
            reading,
            model: &model,
            plan: elsewhere.plan(&model, None)?,
            out: out.as_deref(),
            existing: running.existing(),
        };
        let found = predict_sheet(&run(&running, progress)?, &request)?;
        read.extend(found.notes.clone());
        Ok((found, json(&read)?))
    })?;
    let predictions = &found.predictions;
    let bytes: Vec<u8> = predictions.probabilities.iter().flat_map(|number| number.to_le_bytes()).collect();
    let result = PyDict::new(py);
    result.set_item("counts", predictions.counts())?;
    result.set_item("predicted", PyBytes::new(py, &predictions.predicted))?;
    result.set_item("probabilities", PyBytes::new(py, &bytes))?;
    result.set_item("warned", predictions.warnings.iter().flatten().count())?;
    result.set_item("notes", read)?;
    result.set_item("classes", found.classes)?;
    result.set_item("frame", ArrowTable::from(found.table))?;
    Ok(result)
}

/// Writes a model folder as an ONNX file.
#[pyfunction]
fn export<'py>(
    py: Python<'py>,
    model: PathBuf,
    out: PathBuf,
    data: Option<Sheet>,
    reading: Reading,
    running: Running,
) -> PyResult<Bound<'py, PyDict>> {
    let (record, read) = work(py, running.progress.as_ref(), |progress| {
        let mut read = Notes::new();
        let reading = reading.options()?;
        let data = data.map(|data| data.open("data", reading.writing, &mut read)).transpose()?;
        let request = ExportModel {
            model: &model,
            out: &out,
            existing: running.existing(),
            data: data.as_ref().map(Opened::source),
            reading,
        };
        let written = export_model(&run(&running, progress)?, &request)?;
        read.extend(written.notes);
        let input = |input: &recant::jobs::export::RawInput| serde_json::json!({ "name": input.name, "column": input.column, "kind": input.kind, "meaning": input.told() });
        let record = serde_json::json!({
            "inputs": written.exported.inputs.iter().map(input).collect::<Vec<_>>(),
            "classes": written.exported.classes,
            "compared_rows": written.compared.map(|(rows, _)| rows),
            "largest_difference": written.compared.map(|(_, largest)| largest),
        });
        Ok((json(&record)?, json(&read)?))
    })?;
    let result = PyDict::new(py);
    result.set_item("record", record)?;
    result.set_item("notes", read)?;
    Ok(result)
}

/// Copies what a prediction needs of a model folder.
#[pyfunction]
fn share(py: Python<'_>, model: PathBuf, out: PathBuf) -> PyResult<()> {
    let shared = py.detach(|| share_model(&model, &out).map(drop));
    raised(py, shared)
}

/// The program: its command line, and its exit code. The first argument is the name of the program.
#[pyfunction]
fn program(py: Python<'_>, arguments: Vec<std::ffi::OsString>) -> u8 {
    py.detach(|| recant::cli::exit_code(arguments))
}

/// What a model folder says of itself.
#[pyfunction]
fn model(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    let found = py.detach(|| {
        let (model, _) = ModelFolder::load(&path)?;
        json(&serde_json::json!({
            "classes": model.info.classes,
            "network": model.network.spec(),
            "parameters": model.network.parameters().len(),
            "inputs": model.features.source_columns(),
            "key": model.rows.key_column(),
            "group": model.rows.group_column(),
            "data": model.info.data,
            "training_rows": model.info.train.rows,
            "repairs": model.info.repairs,
        }))
    });
    raised(py, found)
}
