//! Repair methods: what to do about a trained model once some of its training rows are known to be wrong.
//!
//! A method sees a model only through [`Repairable`], so it never knows which network it repairs, and it never sees a row:
//! what stands behind that trait ([`MlpRepair`]) holds observed labels and corrections typed in by the person, and has no
//! place for clean labels.
//!
//! A new method is one file here and one line in [`METHODS`].

mod assd;
mod dampening;
mod finetune;
mod mlp;
mod retrain;
mod ssd;

use serde::{Deserialize, Serialize};

pub use dampening::{Dampening, RatioBin, TensorDampening, assd_alpha, dampen};
pub use mlp::{MlpRepair, RepairRequest, TrainedMlp, TrainingRows};

use crate::error::{Error, Result, closest};
use crate::nn::{ImportanceKind, TensorSpec, TrainingLog};
use crate::progress::Progress;

/// All methods, the default first.
pub static METHODS: &[&dyn RepairMethod] = &[&assd::Assd, &ssd::Ssd, &finetune::FineTune, &retrain::Retrain];

/// The method of this name.
///
/// # Errors
/// Where there is none; the hint lists all.
pub fn method(name: &str) -> Result<&'static dyn RepairMethod> {
    let names = || METHODS.iter().map(|method| method.name());
    METHODS.iter().find(|method| method.name() == name).copied().ok_or_else(|| {
        let hint = match closest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("methods: {}", names().collect::<Vec<_>>().join(", ")),
        };
        Error::input(format!("there is no repair method `{name}`")).hint(hint)
    })
}

/// A way to repair a model.
pub trait RepairMethod: Send + Sync {
    /// Name as on the command line.
    fn name(&self) -> &'static str;
    /// Title for people.
    fn title(&self) -> &'static str;
    /// One sentence on what it does.
    fn description(&self) -> &'static str;
    /// What it works from.
    fn needs(&self) -> Needs;
    /// Repairs the model in place. Called by [`apply`], which has dealt with empty and total forget sets.
    ///
    /// # Errors
    /// Where what the method needs is not at hand, or training fails or is stopped; the model is then as it was.
    fn repair(&self, model: &mut dyn Repairable, options: &RepairOptions, progress: &dyn Progress) -> Result<RepairOutcome>;
}

/// What a method works from, beside the flagged rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// What training stored with the model (or, instead, the training rows).
    StoredImportances,
    /// The training rows.
    TrainingRows,
}

/// What the flagged rows' importances are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reference {
    /// The training rows that are not flagged, in the batches they were trained in: from what training stored, without the data.
    RetainOnOriginalBatches,
    /// The training rows that are not flagged, batched anew, as the published code of ASSD for tables does it: needs the data.
    Retain,
    /// All training rows, flagged ones included, as in SSD.
    Full,
}

impl Reference {
    /// All of them, the default first.
    pub const ALL: [Reference; 3] = [Reference::RetainOnOriginalBatches, Reference::Retain, Reference::Full];

    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::RetainOnOriginalBatches => "retain-original-batches",
            Self::Retain => "retain",
            Self::Full => "full",
        }
    }

    /// Name as in reports.
    pub fn title(self) -> &'static str {
        match self {
            Self::RetainOnOriginalBatches => "retain set on the original batches",
            Self::Retain => "retain set",
            Self::Full => "full training set",
        }
    }
}

/// Settings that a person may change; the defaults are those that hold up (see the design notes in each field).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RepairOptions {
    /// Which importance ASSD and SSD compare.
    pub importance: ImportanceKind,
    /// What they compare the flagged rows with. Over the full set the flagged rows sit on both sides, and on DataCo accuracy
    /// collapses; over the retain set it holds.
    pub reference: Reference,
    /// Selection weighting alpha of SSD, above 0 (arXiv 2308.07707 searches 0.1 to 100; 10 is its choice for image networks).
    pub ssd_alpha: f64,
    /// Dampening constant lambda of SSD, from 0 (paper: 0.1 to 5, default 1).
    pub ssd_lambda: f64,
    /// Epochs of fine-tuning.
    pub finetune_epochs: usize,
}

impl Default for RepairOptions {
    fn default() -> Self {
        Self {
            importance: ImportanceKind::SquaredBatchGradient,
            reference: Reference::RetainOnOriginalBatches,
            ssd_alpha: 10.0,
            ssd_lambda: 1.0,
            finetune_epochs: 1,
        }
    }
}

impl RepairOptions {
    /// That every setting is in its range.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self) -> Result<()> {
        if !(self.ssd_alpha > 0.0 && self.ssd_alpha.is_finite()) {
            return Err(Error::input(format!("alpha is {}, and must be a number above 0", self.ssd_alpha)));
        }
        if !(self.ssd_lambda >= 0.0 && self.ssd_lambda.is_finite()) {
            return Err(Error::input(format!(
                "lambda is {}, and must be a number from 0 up",
                self.ssd_lambda
            )));
        }
        if self.finetune_epochs == 0 {
            return Err(Error::input("fine-tuning needs at least one epoch"));
        }
        Ok(())
    }
}

/// A trained model together with the flagged rows, as methods see both.
pub trait Repairable {
    /// Its trainable tensors, in network order; offsets count in the flat parameter vector.
    fn tensors(&self) -> Vec<TensorSpec>;
    /// All trainable parameters. Running statistics are no parameters and are never dampened.
    fn parameters(&self) -> Vec<f64>;
    /// Replaces all trainable parameters.
    ///
    /// # Errors
    /// Where their number is wrong.
    fn set_parameters(&mut self, parameters: &[f64]) -> Result<()>;
    /// Rows the model was trained on.
    fn training_rows(&self) -> usize;
    /// Flagged rows among them: the forget set.
    fn forget_rows(&self) -> usize;
    /// Flagged rows whose correct label the person gave.
    fn corrected_rows(&self) -> usize;
    /// Importance of every parameter for the forget set.
    ///
    /// # Errors
    /// Where it cannot be measured.
    fn forget_importance(&self, kind: ImportanceKind) -> Result<Vec<f64>>;
    /// Importance of every parameter for what the forget set is compared with.
    ///
    /// # Errors
    /// Where it cannot be measured, or neither stored importances nor the training rows it takes are at hand.
    fn reference_importance(&self, kind: ImportanceKind, reference: Reference) -> Result<Vec<f64>>;
    /// Trains on for `epochs` epochs at the next learning rate of the schedule, on the retain set and the corrected rows with
    /// their corrected labels.
    ///
    /// # Errors
    /// Where the training rows are not at hand, or training fails or is stopped.
    fn finetune(&mut self, epochs: usize, progress: &dyn Progress) -> Result<TrainingLog>;
    /// Trains anew from the same initial weights, on the same rows as [`Repairable::finetune`].
    ///
    /// # Errors
    /// As [`Repairable::finetune`].
    fn retrain(&mut self, progress: &dyn Progress) -> Result<TrainingLog>;
}

/// What a repair did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RepairOutcome {
    /// What was dampened; only for methods that dampen, and not where the forget set was empty.
    pub dampening: Option<Dampening>,
    /// What training saw; only for methods that train.
    pub training: Option<TrainingLog>,
}

/// Repairs a model with a method. An empty forget set changes nothing, whatever the method.
///
/// # Errors
/// Where an option is out of range, every training row is flagged (and the person corrected none, or the method cannot use
/// corrections), or the method fails; the model is then as it was.
pub fn apply(
    method: &dyn RepairMethod,
    model: &mut dyn Repairable,
    options: &RepairOptions,
    progress: &dyn Progress,
) -> Result<RepairOutcome> {
    options.check()?;
    if model.forget_rows() == 0 {
        return Ok(RepairOutcome::default());
    }
    let usable_corrections = if method.needs() == Needs::TrainingRows {
        model.corrected_rows()
    } else {
        0
    };
    if model.forget_rows() >= model.training_rows() && usable_corrections == 0 {
        return Err(
            Error::input("every training row is flagged, so nothing is left to repair the model with").hint("flag the wrong rows only"),
        );
    }
    method.repair(model, options, progress)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_have_distinct_names_and_full_sentences() {
        let mut names: Vec<_> = METHODS.iter().map(|method| method.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), METHODS.len());
        for method in METHODS {
            assert!(method.description().ends_with('.'));
            assert!(!method.title().is_empty());
        }
    }

    #[test]
    fn a_misspelt_method_gets_a_suggestion() {
        assert_eq!(method("assd").unwrap().name(), "assd");
        let error = method("fine-tune").err().unwrap();
        assert_eq!(error.hint_text(), Some("did you mean `finetune`?"));
        assert!(method("zzz").err().unwrap().hint_text().unwrap().contains("retrain"));
    }

    #[test]
    fn options_out_of_range_are_named() {
        for (alpha, lambda, epochs) in [
            (0.0, 1.0, 1),
            (f64::NAN, 1.0, 1),
            (1.0, -0.1, 1),
            (1.0, f64::INFINITY, 1),
            (1.0, 1.0, 0),
        ] {
            let options = RepairOptions {
                ssd_alpha: alpha,
                ssd_lambda: lambda,
                finetune_epochs: epochs,
                ..RepairOptions::default()
            };
            assert!(options.check().is_err());
        }
        RepairOptions::default().check().unwrap();
    }
}
