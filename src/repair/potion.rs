//! Potion (Schoepf, Foster, Brintrup 2024, arXiv 2406.09173): dampening that goes on until the flagged rows have lost their labels.
//!
//! Importance is how much the length of the output reacts to each parameter, the mean over mini-batches of |d mean ||f(x)|| / d parameter|
//! with f the logits. LFSSD has the square of the length, in which a few rows of large outputs outweigh all others. Dampening is ASSD's:
//! lambda = 1, alpha the p-th percentile of the ratios, p = 100 - ln(1 + 100 s).
//!
//! The search for s (PTN, poison trigger neutralisation): s starts at a 25th of the flagged rows' share of the training rows and grows by a tenth
//! at a time, always from the model as it was, until the accuracy on the flagged rows with their recorded labels is at most rho times what it
//! was: how far it goes depends on what becomes of the flagged rows and not on how many of the wrong rows are flagged. Steps and
//! start are those of the published program, which tries rho from 0 to 0.75; here it is 0.2. Where no share gets there, that program keeps
//! the model as it was; here the share is taken with which fewest flagged rows keep their label, and the model stays as it was only where no share
//! makes fewer of them keep it. Labels are not read, so that can be: rows that share their parameters with all others, such as those of one corner of
//! the inputs, have ratios near 1, which dampens little.

use super::dampening::{self, Dampener, Strength};
use super::{Needs, RepairMethod, RepairOptions, RepairOutcome, Repairable};
use crate::error::Result;
use crate::nn::OutputSize;
use crate::progress::Progress;

/// Potion.
pub struct Potion;

/// Of the flagged rows that have their recorded label before, the share that may keep it: rho.
const KEPT: f64 = 0.2;
/// The first s, as a share of the flagged rows' share.
const START: f64 = 1.0 / 25.0;
/// Factor on s from one try to the next.
const STEP: f64 = 1.1;
/// Most tries; by then about half of all parameters are dampened.
const TRIES: i32 = 500;

/// Percentile of the ratios at which a try cuts, for flagged rows of this share of all.
fn percentile(share: f64, number: i32) -> f64 {
    100.0 - (100.0 * share * START * STEP.powi(number)).ln_1p()
}

impl RepairMethod for Potion {
    fn name(&self) -> &'static str {
        "potion"
    }

    fn title(&self) -> &'static str {
        "Potion"
    }

    fn description(&self) -> &'static str {
        "Shrinks a growing share of the parameters that move the output most for the flagged rows, until these lose their recorded labels."
    }

    fn needs(&self) -> Needs {
        Needs::TrainingRows
    }

    fn repair(&self, model: &mut dyn Repairable, options: &RepairOptions, progress: &dyn Progress) -> Result<RepairOutcome> {
        let share = model.forget_rows() as f64 / model.training_rows() as f64;
        let had = 1.0 - model.deletion_change()?;
        let mut dampener = Dampener::new(model, dampening::by_reaction(model, options, OutputSize::Length)?)?;
        let outcome = search(model, &mut dampener, (share, had), progress);
        if outcome.is_err() {
            dampener.undo(model)?;
        }
        outcome
    }
}

/// Tries one share of parameters after the other; `had` of the flagged rows have their recorded label before.
fn search(model: &mut dyn Repairable, dampener: &mut Dampener, (share, had): (f64, f64), progress: &dyn Progress) -> Result<RepairOutcome> {
    let mut best: Option<(f64, Strength)> = None;
    let mut last = 0;
    for number in 0..TRIES {
        progress.check()?;
        let strength = Strength::Percentile(percentile(share, number).max(0.0));
        // The parameters of one try are among those of the next, so with as many of them it is the same model.
        let selected = dampener.selected(&strength)?;
        if std::mem::replace(&mut last, selected) == selected {
            continue;
        }
        let outcome = dampener.dampen(model, strength)?;
        let keep = 1.0 - model.deletion_change()?;
        if keep <= KEPT * had {
            return Ok(outcome);
        }
        if keep < best.as_ref().map_or(had, |(least, _)| *least) {
            best = Some((keep, strength));
        }
    }
    match best {
        Some((_, strength)) => dampener.dampen(model, strength),
        // Dampening that takes no label away would do nothing but harm.
        None => {
            dampener.undo(model)?;
            Ok(RepairOutcome::default())
        }
    }
}
