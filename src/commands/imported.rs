//! Repairing a model that somebody else trained: its file in, a file of the same format out, with its report beside it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::repair::{WrongRows, check_evidence, table_of_keys, write_report};
use super::{Run, SheetSource};
use crate::error::{Error, Result};
use crate::evaluate::record::{EvaluationSettings, RepairRecord};
use crate::files::{self, Existing};
use crate::jobs::imported::{Imported, ImportedJob, RepairedModel, RetrainCommand, SheetPlan, methods, probabilities, run as run_job};
use crate::label_errors::flags::{self, FlagOptions, FlagPlace, FlagSource};
use crate::learner::Classifier;
use crate::model::MODEL;
use crate::notes::Notes;
use crate::onnx::{self, Model, check_gradients};
use crate::repair::RepairOptions;
use crate::tables::ReadOptions;

/// Rows on which the gradient of every variable is compared with finite differences.
const CHECKED_ROWS: usize = 16;

/// Rows on which the written model is compared with the repaired one.
const COMPARED_ROWS: usize = 1000;

/// What the outputs of the written model may differ by from those of the repaired network.
const OUTPUT_TOLERANCE: f32 = 1e-5;

/// Learning rate where none is given: that of Adam's default, which small steps of SGD stay well below.
pub const LEARNING_RATE: f64 = 0.001;

/// Refuses the first given of options, by name, that say what a model of Recant's own knows by itself. `by`: how the file of another model is given, such as
/// " with `--model`".
///
/// # Errors
/// Where one is given.
pub fn refuse_for_own_models(options: &[(&str, bool)], by: &str) -> Result<()> {
    match options.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((option, _)) => Err(Error::input(format!(
            "`{option}` is for a model that was trained elsewhere, and this is one of Recant's own, which knows it"
        ))
        .hint(format!(
            "leave `{option}` out, or give the file of such a model{by} (.onnx, .safetensors, .pt)"
        ))),
    }
}

/// Refuses the first given of options, by name, that need more than the file of a model that was trained elsewhere.
///
/// # Errors
/// Where one is given.
pub fn refuse_for_imported_models(options: &[(&str, bool)]) -> Result<()> {
    match options.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((option, _)) => {
            Err(Error::input(format!("`{option}` needs a model that Recant trained")).hint(format!("leave `{option}` out")))
        }
    }
}

/// What to repair, and with what.
pub struct RepairImported<'a> {
    /// The model's file.
    pub model: &'a Path,
    /// The sheet that it was trained on.
    pub data: SheetSource<'a>,
    /// How the sheet is read.
    pub plan: SheetPlan,
    /// The flags, in a file, a table, or as keys.
    pub wrong: WrongRows<'a>,
    /// How to read them.
    pub flag_options: FlagOptions,
    /// Their worksheet.
    pub flags_sheet: Option<String>,
    /// A sheet to judge by.
    pub test: Option<SheetSource<'a>>,
    /// A sheet to choose among several methods by.
    pub validation: Option<SheetSource<'a>>,
    /// The command that trains the model, and how long it may take.
    pub retrain: Option<(&'a str, Duration)>,
    /// How to read the sheets.
    pub reading: ReadOptions,
    /// Name of a method, `auto` or `all`.
    pub method: &'a str,
    /// Settings of the methods.
    pub options: RepairOptions,
    /// Learning rate of methods that train on.
    pub learning_rate: f64,
    /// What counts as evidence.
    pub evidence: EvaluationSettings,
    /// The file to write.
    pub out: &'a Path,
}

/// Whether a model is a file of somebody else's, and not one of Recant's own, which is a folder.
pub fn is_imported(model: &Path) -> bool {
    let inside_a_folder = || model.with_file_name(MODEL).is_file();
    onnx::is_model_file(model) || (model.is_file() && !inside_a_folder())
}

/// That what is written has the ending of the old model's file, by which the format is told.
fn check_ending(old: &Path, out: &Path) -> Result<()> {
    let ending = |path: &Path| path.extension().unwrap_or_default().to_ascii_lowercase();
    if ending(old) == ending(out) {
        return Ok(());
    }
    let ending = ending(old).to_string_lossy().into_owned();
    Err(Error::input(format!(
        "`{}` is to be a file like the old model, and does not end in .{ending}",
        out.display()
    ))
    .hint(format!("name the file to write: `--out repaired.{ending}`")))
}

/// The folder of a written model's report.
pub fn report_folder(out: &Path) -> PathBuf {
    let mut name = out.file_stem().unwrap_or_default().to_os_string();
    name.push("-report");
    out.with_file_name(name)
}

/// Repairs an imported model, and writes it and its report.
///
/// # Errors
/// Where model, sheets or flags cannot be used, something is at `out` already, or the person stops it.
pub fn repair_imported(run: &Run, request: &RepairImported) -> Result<RepairedModel> {
    let report = report_folder(request.out);
    check_ending(request.model, request.out)?;
    files::check_new_file(request.out, Existing::KeepForGood)?;
    files::check_new_folder(&report)?;
    if !(request.learning_rate.is_finite() && request.learning_rate > 0.0) {
        return Err(Error::input("a learning rate is a number above 0"));
    }
    let mut notes = Notes::new();
    let model = Model::read(request.model, &request.plan.layers)?;
    let table = request.data.read_rows(&request.reading, &mut notes)?;
    let imported = Imported::new(&model, &table, &request.plan, run.threads, &mut notes).map_err(|error| error.in_file(request.model))?;
    told(&imported, run, &mut notes)?;
    check_evidence(&request.evidence, &imported.classes)?;
    let index = imported.index(&table, &request.plan)?;
    let columns: Vec<&str> = imported.columns.iter().map(String::as_str).collect();
    let flag_reading = ReadOptions {
        sheet: request.flags_sheet.clone(),
        visible_only: request.reading.visible_only,
        ..ReadOptions::default()
    };
    let keys = match request.wrong {
        WrongRows::Keys(keys) => Some(table_of_keys(keys, &request.flag_options, &index)?),
        _ => None,
    };
    let place = match (request.wrong, &keys) {
        (WrongRows::Flags(path), _) => FlagPlace::File {
            path,
            reading: &flag_reading,
        },
        (WrongRows::FlagTable(table), _) | (_, Some(table)) => FlagPlace::Table(table),
        _ => {
            return Err(
                Error::input("a model that was trained elsewhere is repaired by flags, and not by a corrected sheet")
                    .hint("give the wrong rows: `--flags FILE`"),
            );
        }
    };
    let (read, resolved) = flags::find(
        &FlagSource {
            place,
            options: &request.flag_options,
            index: &index,
            label: None,
            inputs: &columns,
            sheet: Some(&table),
            sheet_columns: None,
        },
        &mut notes,
    )?;
    let mut other = |source: Option<SheetSource>| {
        let Some(source) = source else { return Ok::<_, Error>(None) };
        let table = source.read_rows(&request.reading, &mut notes)?;
        imported.other_rows(&table, &request.plan, &mut notes).map(Some)
    };
    let (test, validation) = (other(request.test)?, other(request.validation)?);
    let methods = methods(request.method, request.retrain.is_some(), &mut notes)?;
    let job = ImportedJob {
        imported: &imported,
        model_name: file_name(request.model),
        data: (table.source().file_name.clone(), table.source().sha256.clone()),
        flags: &resolved,
        test,
        validation,
        auto: request.method == "auto",
        methods,
        retrain: retrain(run, request)?,
        options: request.options.clone(),
        learning_rate: request.learning_rate,
        settings: request.evidence.clone(),
        command: run.command.clone(),
        threads: run.threads,
    };
    let repaired = run_job(&job, &mut notes, run.progress)?;
    write(&model, &imported, &repaired, request, run.threads)?;
    let card = card(&repaired.record, request, &model, &read.table.source().sha256);
    let written = files::write_folder(&report, |folder| {
        write_report(folder, &repaired.record, &repaired.timings)?;
        files::write_bytes(&folder.join("MODEL-CARD.md"), card.as_bytes())
    });
    if let Err(error) = written {
        remove(repaired.model.as_ref().unwrap_or(&model), request.out);
        return Err(error);
    }
    Ok(repaired)
}

/// The command that trains the model, which reads the sheet from its file.
fn retrain(run: &Run, request: &RepairImported) -> Result<Option<RetrainCommand>> {
    let Some((line, longest)) = request.retrain else { return Ok(None) };
    let data = request.data.path().ok_or_else(|| {
        Error::input("a command that trains the model needs its sheet as a file").hint("write the table into a file, and give that")
    })?;
    Ok(Some(RetrainCommand {
        line: line.to_owned(),
        longest,
        data: data.to_owned(),
        model: request.model.to_owned(),
        layers: request.plan.layers.clone(),
        seed: run.seed,
    }))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Takes away what was written of a model that cannot be kept.
fn remove(model: &Model, out: &Path) {
    let folder = out.parent().unwrap_or(Path::new(""));
    for path in model.data_files().into_iter().map(|name| folder.join(name)).chain([out.to_owned()]) {
        let _ = std::fs::remove_file(path);
    }
}

/// What the person is told of a model, and the check of its gradients.
fn told(imported: &Imported, run: &Run, notes: &mut Notes) -> Result<()> {
    let (model, network) = (imported.model, &imported.network);
    let check = check_gradients(network, &imported.rows.encoded, &imported.rows.labels, CHECKED_ROWS, run.threads)?;
    notes.add(
        "imported",
        format!(
            "the model has {} trainable values in {} initialisers; its gradients agree with finite differences (largest relative difference {:.0e}, {} rows)",
            network.parameters().len(),
            check.tensors,
            check.worst,
            check.rows
        ),
        format!("its inputs are read, in this order, from {}", shown(&imported.columns)),
    );
    if !model.fixed().is_empty() {
        notes.add(
            "fixed-values",
            format!("{} are statistics, bounds or scales of raw inputs", model.fixed().join(", ")),
            "a repair leaves them as they are",
        );
    }
    if model.is_half() {
        notes.add(
            "half-precision",
            "the model's weights are of half precision",
            "repaired weights are rounded to it before they are judged, so changes that are too small for it are lost; a model in single \
             precision keeps them",
        );
    }
    if model.has_batch_norm() {
        notes.add(
            "batch-norm",
            "the model's batch norm goes by its stored statistics, as it does where it is deployed",
            "methods that train do so too, and leave the statistics as they are",
        );
    }
    Ok(())
}

/// Columns, the first and the last of many.
fn shown(columns: &[String]) -> String {
    match columns {
        [first @ .., last] if columns.len() > 8 => format!("{} columns: {}, ..., {last}", columns.len(), first[..4].join(", ")),
        _ => columns.join(", "),
    }
}

/// Writes the model, reads it again, and compares its outputs with those of the repaired network.
fn write(old: &Model, imported: &Imported, repaired: &RepairedModel, request: &RepairImported, threads: usize) -> Result<()> {
    let out = request.out;
    let model = repaired.model.as_ref().unwrap_or(old);
    let places: Vec<usize> = (0..imported.rows.labels.len().min(COMPARED_ROWS)).collect();
    let rows = imported.rows.subset(&places);
    model.write(repaired.network.parameters(), out)?;
    let compared = Model::read(out, &request.plan.layers).and_then(|written| {
        let encoded = rows.encoded_by(&written)?;
        let before = rows.encoded_by(model)?;
        let wanted = probabilities(&repaired.network, &before, threads)?;
        let found = probabilities(&written.network(&encoded)?, &encoded, threads)?;
        match wanted
            .iter()
            .zip(&found)
            .any(|(wanted, found)| (wanted - found).abs() > OUTPUT_TOLERANCE)
        {
            true => Err(Error::input("the written model's outputs differ from those of the repaired one")
                .hint("export the model in single precision, and repair that")),
            false => Ok(()),
        }
    });
    if compared.is_err() {
        remove(model, out);
    }
    compared
}

/// What was done to the model, in plain Markdown.
fn card(record: &RepairRecord, request: &RepairImported, model: &Model, flags_sha256: &str) -> String {
    let chosen = record.methods.iter().find(|method| method.name == record.chosen);
    let changed = chosen
        .and_then(|method| method.dampening.as_ref())
        .map_or_else(String::new, |found| {
            format!(
                "\n- {} of {} values were dampened, {} of them to 0",
                found.dampened, found.parameters, found.zeroed
            )
        });
    let sentence = chosen
        .and_then(|method| method.verdict_sentence())
        .unwrap_or("There were no test rows to judge by.");
    format!(
        "# {out}\n\n\
         {what}\n\n\
         - method: {title}{changed}\n\
         - trained on `{data}` ({rows} rows), of which {flagged} were flagged as wrongly labelled in `{flags}` (SHA-256 {sha})\n\
         - classes, in the order of its outputs: {classes}\n\
         - command: `{command}`, Recant {version}, seed {seed}\n\n\
         {sentence}\n",
        out = file_name(request.out),
        what = origin(record, model),
        title = chosen.map_or("", |method| method.title.as_str()),
        data = record.model.data_file,
        rows = record.model.training_rows,
        flagged = record.flags.used,
        flags = record.flags.file,
        sha = flags_sha256,
        classes = record.model.classes.join(", "),
        command = record.command,
        version = record.recant_version,
        seed = record.settings.seed,
    )
}

/// What the written model is made of.
fn origin(record: &RepairRecord, old: &Model) -> String {
    let name = &record.model.name;
    let (from, parts) = match (old.read_as(), old.producer()) {
        (Some(read_as), _) => (format!("a state_dict of PyTorch, read as {}", read_as.network), "tensors"),
        (None, "") => (
            format!("written by an unnamed program, operator set {}", old.opset()),
            "initialisers",
        ),
        (None, producer) => (format!("written by {producer}, operator set {}", old.opset()), "initialisers"),
    };
    match record.chosen.as_str() {
        "retrain" => format!(
            "A model in the place of `{name}` ({from}), trained without the flagged rows by the \
             command that `--retrain` names."
        ),
        "none" => format!("The bytes of `{name}` ({from}): no repair was accepted."),
        _ => format!("A repaired copy of `{name}` ({from}). Nothing but values of its {parts} differs from it."),
    }
}
