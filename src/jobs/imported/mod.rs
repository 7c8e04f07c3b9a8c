//! Repairing a model that somebody else trained: its rows from a sheet, the methods that start from the model, the choice among them.

mod columns;
mod divide;
mod predict;
mod reading;
mod record;
mod retrain;
mod rows;
mod spelling;

use std::time::Instant;

pub use columns::input_columns;
pub use predict::predict;
pub use retrain::RetrainCommand;
pub(crate) use rows::probabilities;
pub use rows::{Imported, ImportedRows, SheetPlan};

use crate::error::{Error, ErrorKind, Result};
use crate::evaluate::record::{EvaluationSettings, Recommendation, RepairRecord, Timings};
use crate::evaluate::{Seen, SingledOut};
use crate::jobs::choosing::{Choosing, Tried, choose, settled, singled_out};
use crate::jobs::placebo::placebo;
use crate::jobs::repair::{ForgetSet, advise_on};
use crate::label_errors::flags::ResolvedFlags;
use crate::learner::{Classifier, Rows};
use crate::nn::Recipe;
use crate::notes::Notes;
use crate::onnx::{Model, OnnxNetwork};
use crate::progress::Progress;
use crate::repair::{self, RepairMethod, RepairOptions, Request, Session, Trained};
use crate::seed::Seed;
use divide::Divided;
use record::{Judgement, record};
use retrain::LeftOut;

/// A repair of an imported model.
pub struct ImportedJob<'a> {
    /// Model and training rows.
    pub imported: &'a Imported<'a>,
    /// Name of the model's file.
    pub model_name: String,
    /// Name and SHA-256 of the training sheet.
    pub data: (String, String),
    /// The flagged rows.
    pub flags: &'a ResolvedFlags,
    /// Rows to judge by, which the person vouches for.
    pub test: Option<ImportedRows>,
    /// Rows to choose by, which the person vouches for.
    pub validation: Option<ImportedRows>,
    /// Whether the old model is kept where no method is accepted, and settings are chosen too.
    pub auto: bool,
    /// Methods to run, in order.
    pub methods: Vec<&'static dyn RepairMethod>,
    /// How the model is trained, where the person says so.
    pub retrain: Option<RetrainCommand>,
    /// Settings of the methods.
    pub options: RepairOptions,
    /// Learning rate that the model's training ended with; methods that train go on from it.
    pub learning_rate: f64,
    /// What counts as evidence.
    pub settings: EvaluationSettings,
    /// Command line for records.
    pub command: String,
    /// Cores to use.
    pub threads: usize,
}

/// A repaired network, its record and the seconds it took.
pub struct RepairedModel {
    /// Of the method that was chosen.
    pub network: OnnxNetwork,
    /// The file that the network is of, where it is not the old one: the person's own command wrote it.
    pub model: Option<Model>,
    /// What the report shows.
    pub record: RepairRecord,
    /// Seconds.
    pub timings: Timings,
}

fn retrains(method: &dyn RepairMethod) -> bool {
    method.name() == "retrain"
}

/// The methods that a name stands for: those that start from the model, and retraining where there is a command for it.
///
/// # Errors
/// Where there is no such method, or it starts from weights that an imported model does not have.
pub fn methods(name: &str, can_retrain: bool, notes: &mut Notes) -> Result<Vec<&'static dyn RepairMethod>> {
    let why = "an imported model does not hold the weights and the recipe that its training started from";
    let able = |method: &&'static dyn RepairMethod| can_retrain || !retrains(*method);
    match name {
        "auto" | "all" => {
            if !can_retrain {
                notes.add(
                    "methods-left-out",
                    format!("retrain cannot run: {why}"),
                    "the other methods ran; `--retrain COMMAND` adds it, with the command that trains your model",
                );
            }
            let mut methods: Vec<&'static dyn RepairMethod> = repair::METHODS.iter().copied().filter(able).collect();
            if name == "auto" {
                methods.push(&repair::NO_REPAIR);
            }
            Ok(methods)
        }
        _ => {
            let method = repair::method(name)?;
            match able(&method) {
                true => Ok(vec![method]),
                false => Err(Error::input(format!("`{name}` cannot run: {why}"))
                    .hint("name the command that trains your model: `--retrain COMMAND` (docs/onnx.md); or `--method assd`")),
            }
        }
    }
}

/// What one method left behind.
struct Ran {
    method: &'static dyn RepairMethod,
    network: OnnxNetwork,
    model: Option<Model>,
    outcome: repair::RepairOutcome,
    /// The settings it ran with.
    options: RepairOptions,
}

impl Ran {
    /// Probabilities on some rows.
    fn probabilities(&self, rows: &ImportedRows, threads: usize) -> Result<Vec<f32>> {
        match &self.model {
            None => probabilities(&self.network, &rows.encoded, threads),
            Some(model) => {
                let encoded = rows.encoded_by(model)?;
                probabilities(&self.network, &encoded, threads)
            }
        }
    }
}

/// Runs the methods, judges them on the test rows, and chooses among several by rows that are not flagged.
///
/// # Errors
/// Where a method fails, or the person stops it.
pub fn run(job: &ImportedJob, notes: &mut Notes, progress: &dyn Progress) -> Result<RepairedModel> {
    let mut timings = Timings::default();
    let divided = Divided::of(job, notes)?;
    let width = job.imported.rows.encoded.width;
    let choosing = divided
        .validation
        .as_ref()
        .map(|rows| Choosing::of(&rows.judged, width, rows.label_alone, Seed(job.settings.seed)));
    let by = choosing.as_ref().filter(|rows| job.auto && !rows.labels.is_empty());
    let forget = divided.forget(width);
    let mut ran = Vec::with_capacity(job.methods.len());
    for method in &job.methods {
        progress.check()?;
        progress.start(&format!("repairing: {}", method.name()), 0);
        let start = Instant::now();
        match run_one(job, *method, (&divided, &forget), by, &job.options, progress) {
            Ok(done) => ran.push(done),
            Err(error) if job.methods.len() > 1 && error.kind() == ErrorKind::Input => {
                notes.add(
                    "method-failed",
                    format!("{} failed: {error}", method.name()),
                    "the other methods ran",
                );
            }
            Err(error) => return Err(error),
        }
        timings.methods.insert(method.name().to_owned(), start.elapsed().as_secs_f64());
        progress.finish();
    }
    if ran.is_empty() {
        return Err(Error::input("every method failed on this model").hint("check the sheet and the flags"));
    }
    progress.start("judging", 0);
    let start = Instant::now();
    let judged = Judgement::of(job, &divided, &ran)?;
    progress.finish();
    let recommendation = match job.methods.len() {
        0 | 1 => None,
        _ => Some(recommend(job, (&divided, choosing.as_ref()), &judged, &ran, progress)?),
    };
    let (mut recommendation, chosen) = settled(recommendation, job.auto, ran[0].method);
    let place = ran.iter().position(|ran| ran.method.name() == chosen);
    let place = place.ok_or_else(|| Error::internal("the chosen method did not run"))?;
    advise_on(judged.compared(place), job.methods.len() > 1, &mut recommendation);
    let record = record(job, &ran, &judged, place, recommendation, notes)?;
    timings.stages.push(("judging".to_owned(), start.elapsed().as_secs_f64()));
    let Ran { network, model, .. } = ran.swap_remove(place);
    Ok(RepairedModel {
        network,
        model,
        record,
        timings,
    })
}

/// A method or none, of those that ran.
fn recommend(
    job: &ImportedJob,
    (divided, choosing): (&Divided, Option<&Choosing>),
    judged: &Judgement,
    ran: &[Ran],
    progress: &dyn Progress,
) -> Result<Recommendation> {
    let validation = match (&divided.validation, &judged.on_validation, choosing) {
        (Some(part), Some(seen), Some(choosing)) => Some((part, seen, choosing)),
        _ => None,
    };
    let tried = Tried {
        classes: &job.imported.classes,
        names: ran.iter().map(|ran| ran.method.name()).collect(),
        validation: validation.map(|(part, seen, choosing)| (&part.judged, choosing, seen)),
        validation_in_sheet: false,
        flagged: Seen {
            labels: &judged.flagged.labels,
            before: &judged.flagged_before,
            groups: None,
        },
        flagged_after: &judged.flagged_after,
        training_rows: divided.training.labels.len(),
        label_alone: validation.is_some_and(|(part, ..)| part.label_alone),
        settings: &job.settings,
    };
    choose(&tried, &mut |place, others, trusted| {
        on_placebo(job, divided, &ran[place], others, trusted, progress).map(Some)
    })
}

/// What the same repair does to random rows with like labels.
fn on_placebo(
    job: &ImportedJob,
    divided: &Divided,
    ran: &Ran,
    others: Seen<'_>,
    trusted: &[bool],
    progress: &dyn Progress,
) -> Result<SingledOut> {
    progress.start("trying the repair on random rows", 0);
    let width = job.imported.rows.encoded.width;
    let drawn = placebo(&divided.flags.training, &divided.training, None, width, Seed(job.settings.seed));
    let found = singled_out(job.imported.classes.len(), &drawn, others, trusted, || {
        let repaired = run_one(job, ran.method, (divided, &drawn), None, &ran.options, progress)?;
        let places: Vec<usize> = drawn.positions.iter().map(|row| divided.kept[*row as usize]).collect();
        let rows = job.imported.rows.subset(&places);
        let part = divided.validation.as_ref().map(|part| &part.rows);
        let after_others = part.map_or_else(|| Ok(Vec::new()), |part| repaired.probabilities(part, job.threads))?;
        Ok((
            probabilities(&job.imported.network, &rows.encoded, job.threads)?,
            repaired.probabilities(&rows, job.threads)?,
            after_others,
        ))
    })?;
    progress.finish();
    Ok(found)
}

fn run_one(
    job: &ImportedJob,
    method: &'static dyn RepairMethod,
    (divided, forget): (&Divided, &ForgetSet),
    choosing: Option<&Choosing>,
    options: &RepairOptions,
    progress: &dyn Progress,
) -> Result<Ran> {
    if retrains(method) {
        return retrained(job, method, divided, forget, options, progress);
    }
    let width = job.imported.rows.encoded.width;
    let recipe = Recipe {
        learning_rate: job.learning_rate,
        weight_decay: 0.0,
        decay: 1.0,
        ..Recipe::default()
    };
    let trained = Trained {
        classifier: &job.imported.network,
        initial: None,
        importance_batch: recipe.batch,
        plan: (&recipe).into(),
        training_rows: divided.training.labels.len(),
        stored: None,
        full_set: &[],
    };
    let request = Request {
        positions: &forget.positions,
        flagged: None,
        corrections: &forget.corrections,
        training: Some(Rows::table(&divided.training.inputs, width, &divided.training.labels)),
        augmented: None,
    };
    let mut repairable = Session::new(trained, request, job.threads, progress)?;
    let (outcome, options) = match choosing {
        Some(rows) => {
            repairable = repairable.with_validation(Rows::table(&rows.inputs, width, &rows.labels))?;
            let mut found = repair::apply_best(method, &mut repairable, options, progress)?;
            (found.outcome, found.trials.swap_remove(found.best).options)
        }
        None => (repair::apply(method, &mut repairable, options, progress)?, options.clone()),
    };
    let mut network = repairable.into_network();
    // What is judged is what the file will hold.
    job.imported.model.round(network.parameters_mut());
    match network.is_finite() {
        true => Ok(Ran {
            method,
            network,
            model: None,
            outcome,
            options,
        }),
        false => Err(Error::input(format!("{} made weights that are not finite numbers", method.name()))
            .hint("give a lower learning rate: `--learning-rate 0.0001`")),
    }
}

/// What the person's own command makes without some rows.
fn retrained(
    job: &ImportedJob,
    method: &'static dyn RepairMethod,
    divided: &Divided,
    forget: &ForgetSet,
    options: &RepairOptions,
    progress: &dyn Progress,
) -> Result<Ran> {
    let command = job
        .retrain
        .as_ref()
        .ok_or_else(|| Error::internal("retraining without a command"))?;
    let (rows, classes) = (&job.imported.rows, &job.imported.classes);
    let name = |class: u8| classes.get(usize::from(class)).map_or("", String::as_str);
    let left_out: Vec<LeftOut> = forget
        .positions
        .iter()
        .zip(&forget.corrections)
        .map(|(row, correction)| {
            let row = divided.kept[*row as usize];
            let nameless = rows.keys[row] == format!("row {}", rows.numbers[row]);
            LeftOut {
                sheet_row: rows.numbers[row],
                key: (!nameless).then_some(rows.keys[row].as_str()),
                label: name(rows.labels[row]),
                correct: correction.map(name),
            }
        })
        .collect();
    let found = command.run(job.imported, &left_out, progress)?;
    Ok(Ran {
        method,
        network: found.network,
        model: Some(found.model),
        outcome: repair::RepairOutcome::default(),
        options: options.clone(),
    })
}

#[cfg(test)]
mod tests;
