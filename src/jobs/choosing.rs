//! Choosing a method by rows of the training period that can be trusted, and putting it to the test of others and of a placebo.

use super::placebo::halves;
use super::repair::ForgetSet;
use crate::error::Result;
use crate::evaluate::record::{Comparison, EvaluationSettings, Recommendation, Verdict};
use crate::evaluate::{Candidate, FEWEST_ROWS, Seen, SingledOut, SortedComparison, Standing, TURNS, accept, pick};
use crate::jobs::rows::JudgedRows;
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
    /// Of rows with `width` input columns.
    pub(super) fn of(rows: &JudgedRows, width: usize, label_alone: bool, seed: Seed) -> Self {
        let usable = usable(rows, label_alone);
        let (selecting, accepting) = halves(&usable, rows.groups.as_deref(), seed);
        let kept = || selecting.iter().enumerate().filter(|(_, selects)| **selects).map(|(row, _)| row);
        Self {
            inputs: kept()
                .flat_map(|row| rows.inputs[row * width..(row + 1) * width].iter().copied())
                .collect(),
            labels: kept().map(|row| rows.labels[row]).collect(),
            selecting,
            accepting,
        }
    }

    /// Whether there are too few rows to select a method by.
    pub(super) fn too_few(&self) -> bool {
        self.labels.len() < FEWEST_ROWS
    }
}

/// The method that is put to the test rows where there is nothing to choose by: it has no settings, and undoes most.
pub(super) const UNCHOSEN: &str = "retrain";

/// On a small sheet nothing can choose among methods. One that is fixed beforehand needs no choice: it is taken where the test rows, which then chose
/// nothing, call it better whatever the labels under suspicion are.
pub(super) fn without_a_choice(name: &str, compared: &SortedComparison, none: Recommendation) -> Recommendation {
    let trusted = compared.trusted.as_ref();
    let better = match (&compared.whole, trusted) {
        (Some(whole), _) => whole.verdict == Verdict::Better && !whole.rests_on_chances,
        (None, Some(trusted)) => trusted.verdict == Verdict::Better,
        (None, None) => false,
    };
    if none.method.is_some() || !better || trusted.is_some_and(Comparison::loses_a_class) {
        return none;
    }
    Recommendation {
        method: Some(name.to_owned()),
        reason: format!("{} So {name} alone, which needs no choice, was put to the test rows.", none.reason),
        ..none
    }
}

/// Marks of the validation rows that may choose: the trusted ones; all but the flagged ones where only their label is under suspicion.
fn usable(rows: &JudgedRows, label_alone: bool) -> Vec<bool> {
    let may = |standing: &Standing| standing.is_trusted() || (label_alone && *standing != Standing::KnownWrong);
    rows.standing.iter().map(may).collect()
}

/// Probabilities before, and after each method (rows x classes).
pub(super) type BeforeAndAfter = (Vec<f32>, Vec<Vec<f32>>);

/// Methods that ran on a model, and what they did to it.
pub(super) struct Tried<'a> {
    /// Class names, in label order.
    pub(super) classes: &'a [String],
    /// Names of the methods that ran.
    pub(super) names: Vec<&'a str>,
    /// Validation rows, what there is to choose by among them, and probabilities on them before and after each method.
    pub(super) validation: Option<(&'a JudgedRows, &'a Choosing, &'a BeforeAndAfter)>,
    /// Whether there are validation rows in a sheet that is not at hand.
    pub(super) validation_in_sheet: bool,
    /// The flagged rows.
    pub(super) flagged: Seen<'a>,
    /// Probabilities on them after each method.
    pub(super) flagged_after: &'a [Vec<f32>],
    /// Training rows, flagged or not.
    pub(super) training_rows: usize,
    /// Whether validation rows are under suspicion for nothing but their label.
    pub(super) label_alone: bool,
    /// What counts as evidence.
    pub(super) settings: &'a EvaluationSettings,
}

/// What the method at a place does to random rows with like labels, compared with the validation rows that the marks trust; `None` where that
/// cannot be tried.
pub(super) type OnPlacebo<'a> = dyn FnMut(usize, Seen<'_>, &[bool]) -> Result<Option<SingledOut>> + 'a;

/// A method or none, by trusted validation rows, the flagged rows and a placebo.
pub(super) fn choose(tried: &Tried, on_placebo: &mut OnPlacebo) -> Result<Recommendation> {
    let none = |reason: String| Recommendation {
        advice: None,
        method: None,
        reason,
    };
    let Some((part, choosing, (before, after))) = tried.validation else {
        if tried.validation_in_sheet {
            return Ok(none(
                "the validation rows that choose a method are in the sheet that the model was trained on, which was not given, and test rows \
                 are never used to choose."
                    .to_owned(),
            ));
        }
        return Ok(none(
            "the model was trained on every row before the test period, so there are no validation rows to choose by, and test rows are \
             never used to choose."
                .to_owned(),
        ));
    };
    let (classes, settings) = (tried.classes, tried.settings);
    let (places, candidates): (Vec<usize>, Vec<Candidate>) = tried
        .names
        .iter()
        .zip(after)
        .zip(tried.flagged_after)
        .enumerate()
        .filter(|(_, ((name, _), _))| **name != repair::NO_REPAIR.name())
        .map(|(place, ((name, validation), flagged))| (place, Candidate { name, validation, flagged }))
        .unzip();
    let validation = Seen {
        labels: &part.labels,
        before,
        groups: part.groups.as_deref(),
    };
    let trusted = usable(part, tried.label_alone);
    let (ranked, no_reason) = pick(
        classes,
        (validation, &choosing.selecting, &trusted),
        (tried.flagged, stands_for(tried, &trusted)),
        &candidates,
        settings,
    )?;
    let mut refused: Vec<(&str, String)> = Vec::new();
    for (turn, picked) in ranked.iter().take(TURNS).enumerate() {
        let placebo = on_placebo(places[picked.place], validation, &trusted)?;
        let candidate = &candidates[picked.place];
        let by = (validation, &*choosing.selecting, &*choosing.accepting);
        let found = accept(classes, (picked, turn), candidate, by, placebo, settings)?;
        if found.method.is_some() {
            let first = refused.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" and ");
            let reason = match first.as_str() {
                "" => found.reason,
                first => format!("Tried first, {first} did not pass. {}", found.reason),
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
fn stands_for(tried: &Tried, usable: &[bool]) -> f64 {
    let share = |part: usize, all: usize| (part as f64 / all.max(1) as f64).min(1.0);
    let suspect = usable.iter().filter(|usable| !**usable).count();
    share(tried.flagged.labels.len(), tried.training_rows).max(share(suspect, usable.len()))
}

/// What is recommended, nothing where a single method ran, and the name of the method whose model is written: without a recommendation the first that ran,
/// or, where the choice was left to us, no repair.
pub(super) fn settled(recommended: Option<Recommendation>, auto: bool, first: &dyn RepairMethod) -> (Recommendation, String) {
    let fallback = if auto && recommended.is_some() {
        repair::NO_REPAIR.name()
    } else {
        first.name()
    };
    let recommendation = recommended.unwrap_or(Recommendation {
        advice: None,
        method: None,
        reason: String::new(),
    });
    let chosen = recommendation.method.clone().unwrap_or_else(|| fallback.to_owned());
    (recommendation, chosen)
}

/// What a repair did to the rows of a placebo: `repair` gives the old model's probabilities on them, and the repaired one's on them and on
/// the other rows. Without rows nothing is repaired.
pub(super) fn singled_out(
    classes: usize,
    rows: &ForgetSet,
    others: Seen<'_>,
    trusted: &[bool],
    repair: impl FnOnce() -> Result<(Vec<f32>, Vec<f32>, Vec<f32>)>,
) -> Result<SingledOut> {
    let (before, after, after_others) = match rows.labels.is_empty() {
        true => (Vec::new(), Vec::new(), others.before.to_vec()),
        false => repair()?,
    };
    let seen = Seen {
        labels: &rows.labels,
        before: &before,
        groups: None,
    };
    SingledOut::of(classes, seen, others, trusted, (&after, &after_others))
}
