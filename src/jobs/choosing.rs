//! Choosing a method by rows of the training period that can be trusted, and putting it to the test of others and of a placebo.

use super::placebo::{halves, placebo};
use super::repair::{Judgement, Ran, RepairJob, run_one};
use crate::error::Result;
use crate::evaluate::record::Recommendation;
use crate::evaluate::{Candidate, Seen, SingledOut, Standing, TURNS, accept, pick};
use crate::jobs::rows::{JudgedRows, TrainingData};
use crate::nn::probabilities;
use crate::progress::Progress;
use crate::repair::{self, RepairMethod};
use crate::seed::Seed;

/// Trusted validation rows, where a method is chosen among several: a random half selects, the other accepts.
pub(super) struct Choosing {
    selecting: Vec<bool>,
    accepting: Vec<bool>,
    /// Inputs and labels of the rows that select.
    pub(super) inputs: Vec<f32>,
    pub(super) labels: Vec<u8>,
}

impl Choosing {
    pub(super) fn of(job: &RepairJob) -> Option<Self> {
        let rows = job.validation.as_ref().filter(|_| job.methods.len() > 1)?;
        let width = job.model.network.spec().inputs;
        let usable = usable(job, rows);
        let (selecting, accepting) = halves(&usable, rows.groups.as_deref(), Seed(job.settings.seed));
        let kept = || selecting.iter().enumerate().filter(|(_, selects)| **selects).map(|(row, _)| row);
        Some(Self {
            inputs: kept()
                .flat_map(|row| rows.inputs[row * width..(row + 1) * width].iter().copied())
                .collect(),
            labels: kept().map(|row| rows.labels[row]).collect(),
            selecting,
            accepting,
        })
    }
}

/// Marks of the validation rows that may choose: the trusted ones; all but the flagged ones where only their label is under suspicion.
fn usable(job: &RepairJob, rows: &JudgedRows) -> Vec<bool> {
    let may = |standing: &Standing| standing.is_trusted() || (job.label_alone && *standing != Standing::KnownWrong);
    rows.standing.iter().map(may).collect()
}

/// A method or none, by trusted validation rows, the flagged rows and a placebo.
pub(super) fn choose(
    judged: &Judgement,
    job: &RepairJob,
    ran: &[Ran],
    choosing: Option<&Choosing>,
    progress: &dyn Progress,
) -> Result<Recommendation> {
    let none = |reason: String| Recommendation {
        advice: None,
        method: None,
        reason,
    };
    let (Some(part), Some((before, after)), Some(choosing)) = (&job.validation, &judged.on_validation, choosing) else {
        return Ok(none(
            "the model was trained on every row before the test period, so there are no validation rows to choose by, and test rows are \
             never used to choose."
                .to_owned(),
        ));
    };
    let classes = &job.model.info.classes;
    let (tried, candidates): (Vec<&Ran>, Vec<Candidate>) = ran
        .iter()
        .zip(after)
        .zip(&judged.flagged_after)
        .filter(|((ran, _), _)| ran.method.name() != repair::NO_REPAIR.name())
        .map(|((ran, validation), flagged)| {
            let name = ran.method.name();
            (ran, Candidate { name, validation, flagged })
        })
        .unzip();
    let validation = Seen {
        labels: &part.labels,
        before,
        groups: part.groups.as_deref(),
    };
    let flagged = Seen {
        labels: &job.flagged.labels,
        before: &judged.flagged_before,
        groups: None,
    };
    let trusted = usable(job, part);
    let (ranked, no_reason) = pick(
        classes,
        (validation, &choosing.selecting, &trusted),
        (flagged, stands_for(job, part)),
        &candidates,
        &job.settings,
    )?;
    let mut refused: Vec<(&str, String)> = Vec::new();
    for (turn, picked) in ranked.iter().take(TURNS).enumerate() {
        let on_placebo = match &job.training {
            Some(training) => {
                let others = (validation, &*part.inputs, &*trusted);
                Some(on_placebo(job, tried[picked.place], training, others, progress)?)
            }
            None => None,
        };
        let candidate = &candidates[picked.place];
        let by = (validation, &*choosing.accepting);
        let found = accept(classes, (picked, turn), candidate, by, on_placebo, &job.settings)?;
        if found.method.is_some() {
            let first = refused.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" and ");
            let reason = match first.as_str() {
                "" => found.reason,
                first => format!("After {first}, which did not pass: {}", found.reason),
            };
            return Ok(Recommendation { reason, ..found });
        }
        refused.push((candidate.name, found.reason));
    }
    let Some((_, reason)) = refused.first() else {
        return Ok(none(format!("{no_reason}.")));
    };
    let others: Vec<&str> = refused[1..].iter().map(|(name, _)| *name).collect();
    let end = match others.as_slice() {
        [] => String::new(),
        names => format!(" Neither did {} pass, next in order.", names.join(" and ")),
    };
    Ok(none(format!("{reason}{end}")))
}

/// Share of all rows that the flagged ones stand for: theirs of the training rows, or that of the rows under suspicion where it is more.
fn stands_for(job: &RepairJob, validation: &JudgedRows) -> f64 {
    let share = |part: usize, all: usize| (part as f64 / all.max(1) as f64).min(1.0);
    let suspect = usable(job, validation).iter().filter(|usable| !**usable).count();
    share(job.flags.training.len(), job.model.info.train.rows).max(share(suspect, validation.standing.len()))
}

/// What the same repair does to random rows with like labels; compared with the trusted rows among `others` (with their inputs).
fn on_placebo(
    job: &RepairJob,
    ran: &Ran,
    training: &TrainingData,
    (others, inputs, trusted): (Seen<'_>, &[f32], &[bool]),
    progress: &dyn Progress,
) -> Result<SingledOut> {
    progress.start("trying the repair on random rows", 0);
    let width = job.model.network.spec().inputs;
    let rows = placebo(job.flags, training, width, Seed(job.settings.seed));
    let (mut before, mut after, mut after_others) = (Vec::new(), Vec::new(), others.before.to_vec());
    if !rows.labels.is_empty() {
        let repaired = run_one(job, ran.method, &rows, None, &ran.options, progress)?;
        before = probabilities(&job.model.network, &rows.inputs, job.threads)?;
        after = probabilities(&repaired.network, &rows.inputs, job.threads)?;
        after_others = probabilities(&repaired.network, inputs, job.threads)?;
    }
    progress.finish();
    let seen = Seen {
        labels: &rows.labels,
        before: &before,
        groups: None,
    };
    SingledOut::of(job.model.info.classes.len(), seen, others, trusted, (&after, &after_others))
}
