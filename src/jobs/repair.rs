//! Repairing a model: run the methods, judge each on the same rows, recommend by validation rows, write the record.

use std::time::Instant;

use crate::error::{Error, Result};
use crate::evaluate::record::{
    Advice, AffectedDomain, BeforeAfter, Comparison, EvaluationSettings, MethodRecord, ModelSummary, RECORD_VERSION, Recommendation,
    RepairRecord, Timings, Verdict,
};
use crate::evaluate::{
    RowNames, RowSet, Rows, Seen, SingledOut, SortedComparison, advise, affected_domain, changed_rows, compare_sorted, flagged_agreement,
    flagged_rows, losses_in_words,
};
use crate::jobs::choosing::{Choosing, Tried, UNCHOSEN, choose, settled, singled_out, without_a_choice};
use crate::jobs::convert;
use crate::jobs::placebo::placebo;
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
    /// Validation rows to choose by.
    pub validation: Option<JudgedRows>,
    /// Marks of the training rows where the flags lie, where these share something and follow no rule: a placebo lies there too.
    pub corner: Option<Vec<bool>>,
    /// What rows under suspicion have in common, in words.
    pub pattern: Option<String>,
    /// Whether validation rows are under suspicion for nothing but a label that nearly all flags carry. Then all of them would be, and none
    /// could choose. They may: a wrong one among them speaks against a repair, never for it.
    pub label_alone: bool,
    /// For trials: which test rows the error touched, and that in words.
    pub affected: Option<(Vec<bool>, String)>,
    /// Whether the old model is kept where no method is accepted, and settings are chosen too.
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
    /// The settings it ran with.
    options: RepairOptions,
}

/// Flagged rows as a method is given them.
pub(super) struct ForgetSet {
    /// Row-major, rows x input columns.
    pub inputs: Vec<f32>,
    /// Observed labels.
    pub labels: Vec<u8>,
    /// Positions among the training rows.
    pub positions: Vec<u32>,
    /// Labels that the person says are right.
    pub corrections: Vec<Option<u8>>,
}

/// Repairs the model with every method requested and judges them all on the same rows.
///
/// # Errors
/// Where a method fails, sizes do not fit, or the person stops it.
pub fn run(job: &RepairJob, notes: &mut Notes, progress: &dyn Progress) -> Result<Repaired> {
    let mut timings = Timings::default();
    let mut ran = Vec::with_capacity(job.methods.len());
    let width = job.model.network.spec().inputs;
    let by = job.validation.as_ref().filter(|_| job.methods.len() > 1);
    let choosing = by.map(|rows| Choosing::of(rows, width, job.label_alone, Seed(job.settings.seed)));
    let flagged = ForgetSet {
        inputs: job.flagged.inputs.clone(),
        labels: job.flagged.labels.clone(),
        positions: job.flags.positions(),
        corrections: job.flags.training.iter().map(|flag| flag.correction).collect(),
    };
    for method in &job.methods {
        progress.check()?;
        progress.start(&format!("repairing: {}", method.name()), 0);
        let start = Instant::now();
        let by = choosing.as_ref().filter(|rows| job.auto && !rows.labels.is_empty());
        ran.push(run_one(job, *method, &flagged, by, &job.options, progress)?);
        timings.methods.insert(method.name().to_owned(), start.elapsed().as_secs_f64());
        progress.finish();
    }
    progress.start("judging", 0);
    let start = Instant::now();
    let judged = Judgement::of(job, &ran)?;
    progress.finish();
    let recommendation = match ran.len() {
        0 | 1 => None,
        _ => Some(recommend(&judged, job, &ran, choosing.as_ref(), progress)?),
    };
    let fixed = ran.iter().position(|ran| ran.method.name() == UNCHOSEN);
    let fixed = fixed.and_then(|place| judged.test.as_ref()?.2.get(place));
    let too_few = job.auto && choosing.as_ref().is_none_or(Choosing::too_few);
    let recommendation = match (recommendation, fixed) {
        (Some(none), Some(compared)) if too_few => Some(without_a_choice(UNCHOSEN, compared, none)),
        (recommendation, _) => recommendation,
    };
    let (mut recommendation, chosen) = settled(recommendation, job.auto, ran[0].method);
    let place = ran.iter().position(|ran| ran.method.name() == chosen);
    let compared = place.and_then(|place| judged.test.as_ref()?.2.get(place));
    advise_on(compared, ran.len() > 1, &mut recommendation);
    let record = record(job, &ran, &judged, &chosen, recommendation, notes)?;
    timings.stages.push(("judging".to_owned(), start.elapsed().as_secs_f64()));
    let network = ran.into_iter().find(|ran| ran.method.name() == chosen).map(|ran| ran.network);
    let network = network.ok_or_else(|| Error::internal("the chosen method did not run"))?;
    Ok(Repaired { network, record, timings })
}

/// A method or none, of those that ran.
fn recommend(
    judged: &Judgement,
    job: &RepairJob,
    ran: &[Ran],
    choosing: Option<&Choosing>,
    progress: &dyn Progress,
) -> Result<Recommendation> {
    let validation = match (&job.validation, &judged.on_validation, choosing) {
        (Some(part), Some(seen), Some(choosing)) => Some((part, choosing, seen)),
        _ => None,
    };
    let tried = Tried {
        classes: &job.model.info.classes,
        names: ran.iter().map(|ran| ran.method.name()).collect(),
        validation,
        validation_in_sheet: job.training.is_none() && job.model.info.validation.is_some(),
        flagged: Seen {
            labels: &job.flagged.labels,
            before: &judged.flagged_before,
            groups: None,
        },
        flagged_after: &judged.flagged_after,
        training_rows: job.model.info.train.rows,
        label_alone: job.label_alone,
        settings: &job.settings,
    };
    choose(&tried, &mut |place, others, trusted| {
        on_placebo(job, &ran[place], others, trusted, progress)
    })
}

/// What the same repair does to random rows with like labels; `None` without the training sheet.
fn on_placebo(job: &RepairJob, ran: &Ran, others: Seen<'_>, trusted: &[bool], progress: &dyn Progress) -> Result<Option<SingledOut>> {
    let (Some(training), Some(part)) = (&job.training, &job.validation) else {
        return Ok(None);
    };
    progress.start("trying the repair on random rows", 0);
    let rows = placebo(
        &job.flags.training,
        training,
        job.corner.as_deref(),
        job.model.network.spec().inputs,
        Seed(job.settings.seed),
    );
    let found = singled_out(job.model.info.classes.len(), &rows, others, trusted, || {
        let repaired = run_one(job, ran.method, &rows, None, &ran.options, progress)?;
        Ok((
            probabilities(&job.model.network, &rows.inputs, job.threads)?,
            probabilities(&repaired.network, &rows.inputs, job.threads)?,
            probabilities(&repaired.network, &part.inputs, job.threads)?,
        ))
    })?;
    progress.finish();
    Ok(Some(found))
}

fn run_one(
    job: &RepairJob,
    method: &'static dyn RepairMethod,
    forget: &ForgetSet,
    choosing: Option<&Choosing>,
    options: &RepairOptions,
    progress: &dyn Progress,
) -> Result<Ran> {
    let model = job.model;
    let trained = Trained {
        classifier: &model.network,
        initial: Some(&model.initial),
        plan: (&model.info.recipe).into(),
        training_rows: model.info.train.rows,
        importance_batch: model.info.recipe.batch,
        stored: model.importances.as_ref(),
        full_set: &[],
    };
    let width = model.network.spec().inputs;
    let training = job.training.as_ref();
    let request = Request {
        positions: &forget.positions,
        flagged: Some(ModelRows::table(&forget.inputs, width, &forget.labels)),
        corrections: &forget.corrections,
        training: training.map(|data| ModelRows::table(&data.inputs, width, &data.labels)),
        augmented: None,
    };
    let mut repairable = Session::new(trained, request, job.threads, progress)?;
    let (outcome, options) = match choosing {
        // Where a method is chosen, its settings are chosen too, by the rule of the paper.
        Some(rows) => {
            repairable = repairable.with_validation(ModelRows::table(&rows.inputs, width, &rows.labels))?;
            let mut found = repair::apply_best(method, &mut repairable, options, progress)?;
            (found.outcome, found.trials.swap_remove(found.best).options)
        }
        None => (repair::apply(method, &mut repairable, options, progress)?, options.clone()),
    };
    Ok(Ran {
        method,
        network: repairable.into_network(),
        outcome,
        options,
    })
}

/// Probabilities before, after each method, and their comparisons.
type OnTestRows = (Vec<f32>, Vec<Vec<f32>>, Vec<SortedComparison>);

/// All methods on all sets of rows; probabilities are rows x classes.
struct Judgement {
    test: Option<OnTestRows>,
    validation: Option<Vec<Option<Comparison>>>,
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
                let compared = compare_sorted(
                    &part.rows(RowSet::Test, classes),
                    &part.standing,
                    job.pattern.as_deref(),
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
                let rows = part.rows(RowSet::Validation, classes);
                let compared = compare_sorted(&rows, &part.standing, job.pattern.as_deref(), before, &slices, &job.settings)?;
                Some(compared.into_iter().map(|compared| compared.trusted).collect())
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

/// Brings the verdict on the chosen model (`compared`; `None` without test rows) and the choice together into one advice, with the reason
/// in full sentences.
pub(super) fn advise_on(compared: Option<&SortedComparison>, several: bool, recommendation: &mut Recommendation) {
    let trusted = compared.and_then(|compared| compared.trusted.as_ref());
    let whole = compared.and_then(|compared| compared.whole.as_ref());
    let verdict = whole.map(|whole| whole.verdict).or(trusted.map(|trusted| trusted.verdict));
    let accepted = several.then(|| recommendation.method.is_some());
    let losses = trusted.and_then(losses_in_words);
    let loses = trusted.is_some_and(Comparison::loses_a_class);
    let advice = advise(verdict, accepted, loses);
    let on_test = match (advice, verdict) {
        (Advice::CheckFirst, None) => "There are no test rows, so nothing shows whether the repaired model is better.".to_owned(),
        (Advice::CheckFirst, _) => match whole.and_then(|whole| whole.leans).filter(|_| !loses) {
            Some(Verdict::Better) => {
                "The estimate speaks for the repaired model, but too much hangs on labels that may be wrong themselves: thirty rows looked up can decide it."
            }
            Some(Verdict::Worse) => {
                "The estimate speaks against the repaired model, but too much hangs on labels that may be wrong themselves: thirty rows looked up can decide it."
            }
            _ => "Too much hangs on labels that may be wrong themselves.",
        }
        .to_owned(),
        (Advice::Keep, Some(Verdict::Worse)) => "On the test rows the repaired model is worse.".to_owned(),
        (Advice::Keep, _) if loses && accepted != Some(false) => {
            format!("A class is lost: {}.", losses.unwrap_or_default())
        }
        (Advice::Keep, Some(Verdict::NoChangeDetected)) if !several => "The repair is not shown to help.".to_owned(),
        (Advice::Use, Some(Verdict::Better)) if whole.is_some_and(|whole| whole.rests_on_chances) => {
            "With each doubtful row weighed by its chance of being wrong the repaired model is better on the test rows.".to_owned()
        }
        (Advice::Use, Some(Verdict::Better)) => "The repaired model is better on the test rows.".to_owned(),
        (Advice::Use, _) => "On the test rows no change is detected.".to_owned(),
        _ => String::new(),
    };
    // What the advice rests on comes first.
    let parts = [on_test, capital(&recommendation.reason)];
    recommendation.reason = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    recommendation.advice = Some(advice);
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
            dampening: ran.outcome.dampening.clone(),
            test: compared.and_then(|compared| compared.trusted.clone()),
            test_as_recorded: compared.and_then(|compared| compared.recorded.clone()),
            whole: compared.and_then(|compared| compared.whole.clone()),
            validation: judged.validation.as_ref().and_then(|compared| compared[place].clone()),
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
    if ran.len() > 1 && recommendation.method.is_none() && chosen != repair::NO_REPAIR.name() {
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

/// With a capital first letter, unless it begins with a method's name.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next();
    let named = repair::METHODS.iter().any(|method| text.starts_with(method.name()));
    match first {
        Some(first) if !named => first.to_uppercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
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
    pub(super) fn rows<'a>(&'a self, set: RowSet, classes: &'a [String]) -> Rows<'a> {
        Rows {
            set,
            labels: &self.labels,
            groups: self.groups.as_deref(),
            classes,
        }
    }
}
