//! Repairing a model that somebody else trained: its rows from a sheet, the methods that start from the model, and the record.

mod rows;

use std::time::Instant;

pub use rows::{Imported, ImportedRows, SheetPlan, input_columns};

use crate::error::{Error, Result};
use crate::evaluate::record::{
    Advice, EvaluationSettings, MethodRecord, ModelSummary, RECORD_VERSION, Recommendation, RepairRecord, Timings, Verdict,
};
use crate::evaluate::{
    RowNames, RowSet, Rows as JudgedRows, SortedComparison, Standing, advise, changed_rows, compare_sorted, flagged_agreement,
    flagged_rows, losses_in_words,
};
use crate::jobs::convert;
use crate::label_errors::flags::ResolvedFlags;
use crate::learner::{Classifier, Rows};
use crate::nn::Recipe;
use crate::notes::Notes;
use crate::onnx::OnnxNetwork;
use crate::progress::Progress;
use crate::repair::{self, RepairMethod, RepairOptions, Request, Session, Trained};
pub(crate) use rows::probabilities;

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
    /// Methods to run, in order.
    pub methods: Vec<&'static dyn RepairMethod>,
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
    /// What the report shows.
    pub record: RepairRecord,
    /// Seconds.
    pub timings: Timings,
}

/// The methods that a name stands for: those that start from the model.
///
/// # Errors
/// Where there is no such method, or it starts from weights that an imported model does not have.
pub fn methods(name: &str, notes: &mut Notes) -> Result<Vec<&'static dyn RepairMethod>> {
    let why = "an imported model does not hold the weights and the recipe that its training started from";
    let retrains = |method: &&'static dyn RepairMethod| method.name() == "retrain";
    match name {
        "auto" => {
            notes.add(
                "auto-without-validation",
                "`--method auto` chooses by validation rows, and an imported model has none",
                "ASSD ran, which chooses its own settings; `--method all` shows all methods side by side",
            );
            Ok(vec![repair::method("assd")?])
        }
        "all" => {
            notes.add("methods-left-out", format!("retrain cannot run: {why}"), "the other methods ran");
            Ok(repair::METHODS.iter().copied().filter(|method| !retrains(method)).collect())
        }
        _ => {
            let method = repair::method(name)?;
            match retrains(&method) {
                true => Err(Error::input(format!("`{name}` cannot run: {why}"))
                    .hint("train it again where it was trained, without the flagged rows; or `--method assd`")),
                false => Ok(vec![method]),
            }
        }
    }
}

struct Ran {
    method: &'static dyn RepairMethod,
    network: OnnxNetwork,
    outcome: repair::RepairOutcome,
}

/// Runs the methods, and judges them on the test rows.
///
/// # Errors
/// Where a method fails, or the person stops it.
pub fn run(job: &ImportedJob, notes: &mut Notes, progress: &dyn Progress) -> Result<RepairedModel> {
    let mut timings = Timings::default();
    let mut ran = Vec::with_capacity(job.methods.len());
    for method in &job.methods {
        progress.check()?;
        progress.start(&format!("repairing: {}", method.name()), 0);
        let start = Instant::now();
        match run_one(job, *method, progress) {
            Ok(done) => ran.push(done),
            Err(error) if job.methods.len() > 1 && error.kind() == crate::error::ErrorKind::Input => {
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
    let record = record(job, &ran, notes)?;
    progress.finish();
    timings.stages.push(("judging".to_owned(), start.elapsed().as_secs_f64()));
    let network = ran.swap_remove(0).network;
    Ok(RepairedModel { network, record, timings })
}

fn run_one(job: &ImportedJob, method: &'static dyn RepairMethod, progress: &dyn Progress) -> Result<Ran> {
    let (network, rows) = (&job.imported.network, &job.imported.rows);
    let recipe = Recipe {
        learning_rate: job.learning_rate,
        weight_decay: 0.0,
        decay: 1.0,
        ..Recipe::default()
    };
    let trained = Trained {
        classifier: network,
        initial: None,
        importance_batch: recipe.batch,
        plan: (&recipe).into(),
        training_rows: rows.labels.len(),
        stored: None,
        full_set: &[],
    };
    let positions = job.flags.positions();
    let corrections: Vec<Option<u8>> = job.flags.training.iter().map(|flag| flag.correction).collect();
    let request = Request {
        positions: &positions,
        flagged: None,
        corrections: &corrections,
        training: Some(Rows::table(&rows.encoded.values, rows.encoded.width, &rows.labels)),
        augmented: None,
    };
    let mut repairable = Session::new(trained, request, job.threads, progress)?;
    let outcome = repair::apply(method, &mut repairable, &job.options, progress)?;
    let network = repairable.into_network();
    match network.is_finite() {
        true => Ok(Ran { method, network, outcome }),
        false => Err(Error::input(format!("{} made weights that are not finite numbers", method.name()))
            .hint("give a lower learning rate: `--learning-rate 0.0001`")),
    }
}

fn record(job: &ImportedJob, ran: &[Ran], notes: &mut Notes) -> Result<RepairRecord> {
    let (imported, classes) = (job.imported, &job.imported.classes);
    let flagged = flagged_part(imported, job.flags);
    let before = probabilities(&imported.network, &flagged.encoded, job.threads)?;
    let after = ran
        .iter()
        .map(|ran| probabilities(&ran.network, &flagged.encoded, job.threads))
        .collect::<Result<Vec<_>>>()?;
    let test = on_test(job, ran)?;
    let mut methods = Vec::with_capacity(ran.len());
    for (place, ran) in ran.iter().enumerate() {
        let compared = test.as_ref().map(|(_, _, compared)| &compared[place]);
        methods.push(MethodRecord {
            name: ran.method.name().to_owned(),
            title: ran.method.title().to_owned(),
            description: ran.method.description().to_owned(),
            dampening: ran.outcome.dampening.as_ref().map(convert::dampening),
            test: compared.and_then(|compared| compared.trusted.clone()),
            test_as_recorded: None,
            whole: None,
            validation: None,
            flagged_agreement: flagged_agreement(&flagged.labels, &before, &after[place], classes.len())?,
        });
    }
    let corrections: Vec<Option<u8>> = job.flags.training.iter().map(|flag| flag.correction).collect();
    let names = |rows: &'_ ImportedRows| (rows.keys.clone(), rows.numbers.clone());
    let (keys, numbers) = names(&flagged);
    let named = RowNames {
        keys: &keys,
        numbers: Some(&numbers),
    };
    let flagged_rows = flagged_rows(&flagged.labels, Some(&corrections), named, &before, &after[0], classes)?;
    let changed = match (&job.test, &test) {
        (Some(part), Some((before, after, _))) => {
            let named = RowNames {
                keys: &part.keys,
                numbers: Some(&part.numbers),
            };
            changed_rows(&judged(part, classes), named, before, &after[0], None)?
        }
        _ => Vec::new(),
    };
    if job.test.is_none() {
        notes.add(
            "not-evaluated",
            "there are no test rows to judge the repair by",
            "the model was repaired and not evaluated; `--test SHEET` adds the evidence",
        );
    }
    if ran.len() > 1 {
        notes.add(
            "not-recommended",
            "an imported model has no validation rows to recommend a method by",
            format!(
                "the model of {}, the first that ran, was written; `--method NAME` writes another's",
                ran[0].method.title()
            ),
        );
    }
    Ok(RepairRecord {
        record_version: RECORD_VERSION,
        recant_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: job.command.clone(),
        model: summary(job),
        flags: convert::flag_counts(&job.flags.counts),
        settings: job.settings.clone(),
        recommendation: recommendation(&methods[0], ran.len() > 1),
        methods,
        chosen: ran[0].method.name().to_owned(),
        leakage: None,
        flagged_rows,
        changed_rows: changed,
        affected: None,
        expansion: None,
        notes: notes.clone(),
    })
}

/// The flagged rows, in the order of the flags.
fn flagged_part(imported: &Imported, flags: &ResolvedFlags) -> ImportedRows {
    let (rows, width) = (&imported.rows, imported.rows.encoded.width);
    let places: Vec<usize> = flags.training.iter().map(|flag| flag.position as usize).collect();
    let mut encoded = rows.encoded.clone();
    encoded.values = places
        .iter()
        .flat_map(|row| rows.encoded.values[row * width..(row + 1) * width].iter().copied())
        .collect();
    ImportedRows {
        encoded,
        labels: places.iter().map(|row| rows.labels[*row]).collect(),
        table_rows: places.iter().map(|row| rows.table_rows[*row]).collect(),
        keys: places.iter().map(|row| rows.keys[*row].clone()).collect(),
        numbers: places.iter().map(|row| rows.numbers[*row]).collect(),
    }
}

fn judged<'a>(rows: &'a ImportedRows, classes: &'a [String]) -> JudgedRows<'a> {
    JudgedRows {
        set: RowSet::Test,
        labels: &rows.labels,
        groups: None,
        classes,
    }
}

type OnTestRows = (Vec<f32>, Vec<Vec<f32>>, Vec<SortedComparison>);

fn on_test(job: &ImportedJob, ran: &[Ran]) -> Result<Option<OnTestRows>> {
    let Some(part) = &job.test else { return Ok(None) };
    let before = probabilities(&job.imported.network, &part.encoded, job.threads)?;
    let after = ran
        .iter()
        .map(|ran| probabilities(&ran.network, &part.encoded, job.threads))
        .collect::<Result<Vec<_>>>()?;
    let slices: Vec<&[f32]> = after.iter().map(Vec::as_slice).collect();
    // The person vouches for a sheet of its own.
    let standing = vec![Standing::Trusted; part.labels.len()];
    let compared = compare_sorted(
        &judged(part, &job.imported.classes),
        &standing,
        None,
        &before,
        &slices,
        &job.settings,
    )?;
    Ok(Some((before, after, compared)))
}

fn recommendation(written: &MethodRecord, several: bool) -> Recommendation {
    let losses = written.test.as_ref().and_then(losses_in_words);
    let verdict = written.verdict();
    let advice = advise(verdict, None, losses.is_some());
    let reason = match (advice, verdict) {
        (Advice::CheckFirst, _) => "There are no test rows, so nothing shows whether the repaired model is better.".to_owned(),
        (Advice::Use, _) => "The repaired model is better on the test rows.".to_owned(),
        (Advice::Keep, Some(Verdict::Worse)) => "On the test rows the repaired model is worse.".to_owned(),
        (Advice::Keep, _) => match losses {
            Some(losses) => format!("A class is lost: {}.", losses.trim_start_matches("but ")),
            None => "The repair is not shown to help.".to_owned(),
        },
    };
    Recommendation {
        advice: (!several).then_some(advice),
        method: None,
        reason,
    }
}

fn summary(job: &ImportedJob) -> ModelSummary {
    let (imported, rows) = (job.imported, &job.imported.rows);
    let count = imported.classes.len();
    let share =
        |class: usize| rows.labels.iter().filter(|label| usize::from(**label) == class).count() as f64 / rows.labels.len().max(1) as f64;
    ModelSummary {
        name: job.model_name.clone(),
        network: format!("imported (ONNX {})", imported.model.opset()),
        parameters: imported.network.parameters().len(),
        inputs: rows.encoded.width,
        classes: imported.classes.clone(),
        profile: "imported".to_owned(),
        data_file: job.data.0.clone(),
        data_sha256: job.data.1.clone(),
        training_rows: rows.labels.len(),
        training_period: None,
        test_period: None,
        class_shares: (0..count).map(share).collect(),
        seed: job.settings.seed,
    }
}

#[cfg(test)]
mod tests;
