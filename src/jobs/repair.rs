//! Repairing a model: run the methods, judge each on the same rows, recommend by validation rows, write the record.

use std::time::Instant;

use crate::error::{Error, Result};
use crate::evaluate::record::{
    AffectedDomain, BeforeAfter, Comparison, EvaluationSettings, MethodRecord, ModelSummary, RECORD_VERSION, Recommendation, RepairRecord,
    Timings,
};
use crate::evaluate::{
    Candidate, MethodComparisons, RowNames, RowSet, Rows, Seen, affected_domain, changed_rows, compare_methods, compare_on_flagged_tail,
    flagged_agreement, flagged_rows, recommend, recommend_auto,
};
use crate::jobs::auto::trusted_rows;
use crate::jobs::convert;
use crate::jobs::rows::{FlaggedInputs, JudgedRows, TrainingData};
use crate::label_errors::flags::ResolvedFlags;
use crate::learner::Rows as ModelRows;
use crate::model::ModelFolder;
use crate::nn::{Network, probabilities};
use crate::notes::Notes;
use crate::progress::Progress;
use crate::repair::{self, Needs, RepairMethod, RepairOptions, Request, Session, Trained};
use crate::seed::Seed;

/// Everything a repair needs; clean labels are not among it (`affected` is used after the repair, to judge it).
pub struct RepairJob<'a> {
    /// The model to repair.
    pub model: &'a ModelFolder,
    /// Its folder's name, for records.
    pub model_name: String,
    /// The flagged rows, matched with the model's.
    pub flags: &'a ResolvedFlags,
    /// Their inputs, in the order of `flags.training`.
    pub flagged: FlaggedInputs,
    /// The training rows, where the sheet is at hand.
    pub training: Option<TrainingData>,
    /// Test rows to judge by.
    pub test: Option<JudgedRows>,
    /// Validation rows to recommend by.
    pub validation: Option<JudgedRows>,
    /// For trials: which test rows the error touched, and that in words.
    pub affected: Option<(Vec<bool>, String)>,
    /// Whether a method is taken by [`recommend_auto`], and the old model kept where none helps.
    pub auto: bool,
    /// Methods to run, in order.
    pub methods: Vec<&'static dyn RepairMethod>,
    /// Settings of the methods.
    pub options: RepairOptions,
    /// What counts as evidence.
    pub settings: EvaluationSettings,
    /// Command line for records.
    pub command: String,
    /// Cores to use.
    pub threads: usize,
}

/// A finished repair.
pub struct Repaired {
    /// The repaired network.
    pub network: Network<f32>,
    /// What the report shows.
    pub record: RepairRecord,
    /// Seconds.
    pub timings: Timings,
}

/// The methods that a name on the command line stands for; `all` is all of them that can run with what is at hand, and `auto` the same
/// and the old model.
///
/// # Errors
/// Where there is no such method, or it needs the training sheet and that is not given.
pub fn methods(name: &str, have_data: bool, model: &ModelFolder, notes: &mut Notes) -> Result<Vec<&'static dyn RepairMethod>> {
    if name == "auto" {
        let mut able = methods("all", have_data, model, notes)?;
        able.push(&repair::NO_REPAIR);
        return Ok(able);
    }
    if name != "all" {
        let method = repair::method(name)?;
        if let Some(missing) = lacking(method, have_data, model) {
            return Err(
                Error::input(format!("{} {missing}", method.title())).hint("give the sheet that the model was trained on: `--data SHEET`")
            );
        }
        return Ok(vec![method]);
    }
    let (able, unable): (Vec<_>, Vec<_>) = repair::METHODS
        .iter()
        .copied()
        .partition(|method| lacking(*method, have_data, model).is_none());
    if able.is_empty() {
        return Err(Error::input("no repair method can run without the training sheet on this model").hint("give it with `--data SHEET`"));
    }
    if !unable.is_empty() {
        let names: Vec<_> = unable.iter().map(|method| method.name()).collect();
        notes.add(
            "methods-left-out",
            format!("{} cannot run without the training sheet", names.join(" and ")),
            "the other methods ran; `--data SHEET` adds these",
        );
    }
    Ok(able)
}

fn lacking(method: &dyn RepairMethod, have_data: bool, model: &ModelFolder) -> Option<&'static str> {
    match method.needs() {
        Needs::TrainingRows if !have_data => Some("trains on the rows that are not flagged, and so needs the training sheet"),
        Needs::StoredImportances if !have_data && model.importances.is_none() => {
            Some("works from what training stored, and this model was repaired since without its training sheet")
        }
        _ => None,
    }
}

/// What one method left behind.
struct Ran {
    method: &'static dyn RepairMethod,
    network: Network<f32>,
    outcome: repair::RepairOutcome,
}

/// Repairs the model with every method asked for and judges them all on the same rows.
///
/// # Errors
/// Where a method fails, sizes do not fit, or the person stops it.
pub fn run(job: &RepairJob, notes: &mut Notes, progress: &dyn Progress) -> Result<Repaired> {
    let mut timings = Timings::default();
    let mut ran = Vec::with_capacity(job.methods.len());
    let trusted = trusted(job, progress)?;
    for method in &job.methods {
        progress.check()?;
        progress.start(&format!("repairing: {}", method.name()), 0);
        let start = Instant::now();
        let (network, outcome) = run_one(job, *method, trusted.as_ref(), progress)?;
        timings.methods.insert(method.name().to_owned(), start.elapsed().as_secs_f64());
        progress.finish();
        ran.push(Ran {
            method: *method,
            network,
            outcome,
        });
    }
    progress.start("judging", 0);
    let start = Instant::now();
    let judged = Judgement::of(job, &ran)?;
    let (recommendation, chosen) = if job.auto {
        let recommendation = judged.automatic(job, &ran, trusted.as_ref())?;
        let kept = || repair::NO_REPAIR.name().to_owned();
        let chosen = recommendation.method.clone().unwrap_or_else(kept);
        (recommendation, chosen)
    } else {
        let recommendation = judged.recommendation(&ran);
        let several = recommendation.method.clone().filter(|_| ran.len() > 1);
        let chosen = several.unwrap_or_else(|| ran[0].method.name().to_owned());
        (recommendation, chosen)
    };
    let record = record(job, &ran, &judged, &chosen, recommendation, notes)?;
    timings.stages.push(("judging".to_owned(), start.elapsed().as_secs_f64()));
    progress.finish();
    let network = ran.into_iter().find(|ran| ran.method.name() == chosen).map(|ran| ran.network);
    let network = network.ok_or_else(|| Error::internal("the chosen method did not run"))?;
    Ok(Repaired { network, record, timings })
}

/// Validation rows that can be trusted where a method is chosen among all: marks, and these rows alone.
struct Trusted {
    marks: Vec<bool>,
    inputs: Vec<f32>,
    labels: Vec<u8>,
}

fn trusted(job: &RepairJob, progress: &dyn Progress) -> Result<Option<Trusted>> {
    let Some(rows) = job.validation.as_ref().filter(|_| job.auto) else {
        return Ok(None);
    };
    let width = job.model.network.spec().inputs;
    let (seed, positions) = (Seed(job.settings.seed), job.flags.positions());
    let marks = trusted_rows(rows, job.training.as_ref(), &positions, width, seed, job.threads, progress)?;
    let kept = || marks.iter().enumerate().filter(|(_, trusted)| **trusted).map(|(row, _)| row);
    Ok(Some(Trusted {
        inputs: kept()
            .flat_map(|row| rows.inputs[row * width..(row + 1) * width].iter().copied())
            .collect(),
        labels: kept().map(|row| rows.labels[row]).collect(),
        marks,
    }))
}

fn run_one(
    job: &RepairJob,
    method: &dyn RepairMethod,
    trusted: Option<&Trusted>,
    progress: &dyn Progress,
) -> Result<(Network<f32>, repair::RepairOutcome)> {
    let model = job.model;
    let positions = job.flags.positions();
    let corrections: Vec<Option<u8>> = job.flags.training.iter().map(|flag| flag.correction).collect();
    let width = model.network.spec().inputs;
    let trained = Trained {
        classifier: &model.network,
        initial: Some(&model.initial),
        plan: (&model.info.recipe).into(),
        training_rows: model.info.train.rows,
        importance_batch: model.info.recipe.batch,
        stored: model.importances.as_ref(),
        full_set: &[],
    };
    let training = job.training.as_ref();
    let request = Request {
        positions: &positions,
        flagged: Some(ModelRows::table(&job.flagged.inputs, width, &job.flagged.labels)),
        corrections: &corrections,
        training: training.map(|data| ModelRows::table(&data.inputs, width, &data.labels)),
        augmented: None,
    };
    let mut repairable = Session::new(trained, request, job.threads, progress)?;
    let outcome = match trusted.filter(|rows| !rows.labels.is_empty()) {
        // Where a method is chosen, its settings are chosen too, by the rule of the paper.
        Some(rows) => {
            repairable = repairable.with_validation(ModelRows::table(&rows.inputs, width, &rows.labels))?;
            repair::apply_best(method, &mut repairable, &job.options, progress)?.outcome
        }
        None => repair::apply(method, &mut repairable, &job.options, progress)?,
    };
    Ok((repairable.into_network(), outcome))
}

/// Probabilities before, after each method, and their comparisons.
type OnTestRows = (Vec<f32>, Vec<Vec<f32>>, Vec<MethodComparisons>);

/// All methods on all sets of rows; probabilities are rows x classes.
struct Judgement {
    test: Option<OnTestRows>,
    validation: Option<Vec<Comparison>>,
    /// Probabilities on the validation rows, before and after.
    on_validation: Option<(Vec<f32>, Vec<Vec<f32>>)>,
    flagged_before: Vec<f32>,
    flagged_after: Vec<Vec<f32>>,
}

impl Judgement {
    fn of(job: &RepairJob, ran: &[Ran]) -> Result<Self> {
        let classes = &job.model.info.classes;
        let predict = |inputs: &[f32]| -> Result<(Vec<f32>, Vec<Vec<f32>>)> {
            let before = probabilities(&job.model.network, inputs, job.threads)?;
            let after = ran.iter().map(|ran| probabilities(&ran.network, inputs, job.threads));
            Ok((before, after.collect::<Result<_>>()?))
        };
        let test = match &job.test {
            None => None,
            Some(part) => {
                let (before, after) = predict(&part.inputs)?;
                let slices: Vec<&[f32]> = after.iter().map(Vec::as_slice).collect();
                let compared = compare_methods(
                    &part.rows(RowSet::Test, classes),
                    Some(&part.flagged),
                    &before,
                    &slices,
                    &job.settings,
                )?;
                Some((before, after, compared))
            }
        };
        let on_validation = job.validation.as_ref().map(|part| predict(&part.inputs)).transpose()?;
        let validation = match (&job.validation, &on_validation) {
            (Some(part), Some((before, after))) => {
                let slices: Vec<&[f32]> = after.iter().map(Vec::as_slice).collect();
                Some(compare_on_flagged_tail(
                    &part.rows(RowSet::Validation, classes),
                    &part.flagged,
                    before,
                    &slices,
                    &job.settings,
                )?)
            }
            _ => None,
        };
        let (flagged_before, flagged_after) = predict(&job.flagged.inputs)?;
        Ok(Self {
            test,
            validation,
            on_validation,
            flagged_before,
            flagged_after,
        })
    }

    fn recommendation(&self, ran: &[Ran]) -> Recommendation {
        let judged: Vec<(&str, Option<&Comparison>)> = ran
            .iter()
            .enumerate()
            .map(|(index, ran)| (ran.method.name(), self.validation.as_ref().map(|compared| &compared[index])))
            .collect();
        recommend(&judged)
    }

    /// A method or none, by trusted validation rows and the flagged rows.
    fn automatic(&self, job: &RepairJob, ran: &[Ran], trusted: Option<&Trusted>) -> Result<Recommendation> {
        let (labels, marks, empty) = match (&job.validation, trusted) {
            (Some(part), Some(trusted)) => (part.labels.as_slice(), trusted.marks.as_slice(), Vec::new()),
            _ => (&[][..], &[][..], vec![Vec::new(); ran.len()]),
        };
        let none: Vec<f32> = Vec::new();
        let (before, after) = self
            .on_validation
            .as_ref()
            .map_or((&none, &empty), |(before, after)| (before, after));
        let candidates: Vec<Candidate> = ran
            .iter()
            .zip(after)
            .zip(&self.flagged_after)
            .filter(|((ran, _), _)| ran.method.name() != repair::NO_REPAIR.name())
            .map(|((ran, validation), flagged)| Candidate {
                name: ran.method.name(),
                validation,
                flagged,
            })
            .collect();
        recommend_auto(
            job.model.info.classes.len(),
            Seen { labels, before },
            marks,
            Seen {
                labels: &job.flagged.labels,
                before: &self.flagged_before,
            },
            &candidates,
            &job.settings,
        )
    }

    fn agreement(&self, job: &RepairJob, index: usize) -> Result<Option<BeforeAfter>> {
        flagged_agreement(
            &job.flagged.labels,
            &self.flagged_before,
            &self.flagged_after[index],
            job.model.info.classes.len(),
        )
    }

    fn affected(&self, job: &RepairJob, ran: &[Ran]) -> Result<Option<AffectedDomain>> {
        let (Some((marks, rule)), Some(part), Some((before, after, _))) = (&job.affected, &job.test, &self.test) else {
            return Ok(None);
        };
        let named: Vec<(&str, &[f32])> = ran
            .iter()
            .zip(after)
            .map(|(ran, after)| (ran.method.name(), after.as_slice()))
            .collect();
        affected_domain(rule, marks, &part.rows(RowSet::Test, &job.model.info.classes), before, &named)
    }
}

fn record(
    job: &RepairJob,
    ran: &[Ran],
    judged: &Judgement,
    chosen: &str,
    recommendation: Recommendation,
    notes: &mut Notes,
) -> Result<RepairRecord> {
    let classes = &job.model.info.classes;
    let index = ran
        .iter()
        .position(|ran| ran.method.name() == chosen)
        .ok_or_else(|| Error::internal("the chosen method did not run"))?;
    let mut methods = Vec::with_capacity(ran.len());
    for (place, ran) in ran.iter().enumerate() {
        let compared = judged.test.as_ref().map(|(_, _, compared)| &compared[place]);
        methods.push(MethodRecord {
            name: ran.method.name().to_owned(),
            title: ran.method.title().to_owned(),
            description: ran.method.description().to_owned(),
            dampening: ran.outcome.dampening.as_ref().map(convert::dampening),
            test: compared.map(|compared| compared.all.clone()),
            test_without_flagged: compared.and_then(|compared| compared.without_flagged.clone()),
            validation: judged.validation.as_ref().map(|compared| compared[place].clone()),
            flagged_agreement: judged.agreement(job, place)?,
        });
    }
    let keys: Vec<String> = job.flags.training.iter().map(|flag| flag.name.clone()).collect();
    let numbers: Vec<usize> = job.flags.training.iter().map(|flag| flag.sheet_row).collect();
    let corrections: Vec<Option<u8>> = job.flags.training.iter().map(|flag| flag.correction).collect();
    let names = RowNames {
        keys: &keys,
        numbers: Some(&numbers),
    };
    let flagged = flagged_rows(
        &job.flagged.labels,
        Some(&corrections),
        names,
        &judged.flagged_before,
        &judged.flagged_after[index],
        classes,
    )?;
    let changed = match (&job.test, &judged.test) {
        (Some(part), Some((before, after, _))) => {
            let names = RowNames {
                keys: &part.keys,
                numbers: part.numbers.as_deref(),
            };
            changed_rows(&part.rows(RowSet::Test, classes), names, before, &after[index], Some(&part.flagged))?
        }
        _ => Vec::new(),
    };
    if job.test.is_none() {
        notes.add(
            "not-evaluated",
            "there are no test rows to judge the repair by",
            "the model was repaired and not evaluated; `--test SHEET` or `--data SHEET` adds the evidence",
        );
    }
    if ran.len() > 1 && recommendation.method.is_none() {
        notes.add(
            "not-recommended",
            format!("none of the {} methods is recommended", ran.len()),
            format!(
                "the model of {}, the first that ran, was written so that there is one; it is not recommended: keep the old model, \
                 or say with `--method` which method's model to write",
                ran[index].method.title()
            ),
        );
    }
    Ok(RepairRecord {
        record_version: RECORD_VERSION,
        recant_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: job.command.clone(),
        model: model_summary(job),
        flags: convert::flag_counts(&job.flags.counts),
        settings: job.settings.clone(),
        methods,
        chosen: chosen.to_owned(),
        recommendation,
        leakage: leakage_from_training(job.model),
        flagged_rows: flagged,
        changed_rows: changed,
        affected: judged.affected(job, ran)?,
        expansion: None,
        notes: notes.clone(),
    })
}

fn model_summary(job: &RepairJob) -> ModelSummary {
    let info = &job.model.info;
    let rows = info.train.rows.max(1) as f64;
    ModelSummary {
        name: job.model_name.clone(),
        network: info.network.name(),
        parameters: info.network.parameters(),
        inputs: info.network.inputs,
        classes: info.classes.clone(),
        profile: job.model.profile.name.clone(),
        data_file: info.data.file.clone(),
        data_sha256: info.data.sha256.clone(),
        training_rows: info.train.rows,
        training_period: info.train.period.clone(),
        test_period: job.test.as_ref().and_then(|part| part.period.clone()),
        class_shares: info.train.class_counts.iter().map(|count| *count as f64 / rows).collect(),
        seed: info.seed,
    }
}

/// The audit made when the model was trained.
fn leakage_from_training(model: &ModelFolder) -> Option<Vec<crate::evaluate::record::LeakageFinding>> {
    let record: crate::evaluate::train_record::TrainRecord = serde_json::from_value(model.training.clone()?).ok()?;
    record.leakage
}

/// Labelled rows of one of the sets, as evaluation takes them.
impl JudgedRows {
    fn rows<'a>(&'a self, set: RowSet, classes: &'a [String]) -> Rows<'a> {
        Rows {
            set,
            labels: &self.labels,
            groups: self.groups.as_deref(),
            classes,
        }
    }
}
