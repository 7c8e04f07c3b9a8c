//! Choosing a method's settings without clean labels and without test rows, by the rule of Corrective Machine Unlearning (arXiv
//! 2402.14015, section 4): the setting with the best mean of the **deletion change**, the share of the deletion set that the model
//! does not give its observed, wrong label any more, and the **accuracy on validation rows** with observed labels.

use serde::{Deserialize, Serialize};

use super::{RepairMethod, RepairOptions, RepairOutcome, Repairable, apply};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Progress;

/// A setting that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The setting.
    pub options: RepairOptions,
    /// Share of the deletion set that the model no longer gives its observed label.
    pub deletion_change: f64,
    /// Accuracy on the validation rows.
    pub validation_accuracy: f64,
}

impl Trial {
    /// What the rule compares.
    pub fn score(&self) -> f64 {
        (self.deletion_change + self.validation_accuracy) / 2.0
    }
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// All settings that could be applied, in the order of the method's grid.
    pub trials: Vec<Trial>,
    /// Which of them was taken: the best, of equals the first.
    pub best: usize,
    /// What the method did with it.
    pub outcome: RepairOutcome,
}

/// Tries every setting of the method's grid from the model as it was trained, and leaves the model repaired with the best. Settings
/// that fail (steps that diverge) are left out.
///
/// # Errors
/// Where the model has no validation rows, every setting fails, or the person asks to stop.
pub fn apply_best(
    method: &dyn RepairMethod,
    model: &mut dyn Repairable,
    options: &RepairOptions,
    progress: &dyn Progress,
) -> Result<Chosen> {
    options.check()?;
    let mut trials: Vec<Trial> = Vec::new();
    let mut failure = None;
    for candidate in method.grid(model, options) {
        progress.check()?;
        model.start_over();
        match apply(method, model, &candidate, progress) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Input => {
                failure = Some(error);
                continue;
            }
            Err(error) => return Err(error),
        }
        let validation_accuracy = model.validation_accuracy()?.ok_or_else(|| {
            Error::input("settings are chosen on validation rows, and there are none")
                .hint("keep a share of the training period for validation when training: `[split] validation = 0.1` in the profile")
        })?;
        trials.push(Trial {
            options: candidate,
            deletion_change: model.deletion_change()?,
            validation_accuracy,
        });
    }
    let mut best = 0;
    for (index, trial) in trials.iter().enumerate() {
        if trial.score() > trials[best].score() {
            best = index;
        }
    }
    let Some(taken) = trials.get(best) else {
        return Err(failure.unwrap_or_else(|| Error::internal("a method without settings")));
    };
    model.start_over();
    let outcome = apply(method, model, &taken.options, progress)?;
    Ok(Chosen { trials, best, outcome })
}
