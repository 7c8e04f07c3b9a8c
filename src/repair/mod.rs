//! Repair methods: what to do about a trained model once some of its training rows are known to be wrong.
//!
//! A method sees a model only through [`Repairable`], so it never knows which network it repairs, and it never sees a row:
//! what stands behind that trait ([`Session`], over any [`Classifier`](crate::learner::Classifier)) holds observed labels and corrections typed in by the person, and has no
//! place for clean labels.
//!
//! A new method is one file here and one line in [`METHODS`].

mod assd;
mod badt;
mod cf;
pub mod choose;
mod dampening;
mod finetune;
mod gradient;
mod lfssd;
mod neggrad;
mod none;
mod potion;
mod retrain;
mod scrub;
mod session;
mod ssd;
pub mod steps;

use serde::{Deserialize, Serialize};

pub use assd::percentile as assd_percentile;
pub use badt::BadTeacherOptions;
pub use cf::CfOptions;
pub use choose::{Chosen, Trial, apply_best};
pub use dampening::{Dampening, RatioBin, TensorDampening, assd_alpha, dampen};
pub use finetune::FinetuneOptions;
pub use neggrad::NegGradOptions;
pub use none::NoRepair;
pub use scrub::ScrubOptions;
pub use session::{Request, Session, Trained};
pub use ssd::SsdOptions;
pub use steps::{Distillation, GradientStep, LossTerm, Teacher};

use crate::error::{Error, Result, closest};
use crate::learner::TrainingSchedule;
use crate::nn::{ImportanceKind, OutputSize, TensorSpec, TrainingLog};
use crate::progress::Progress;

/// All methods, the default first.
pub static METHODS: &[&dyn RepairMethod] = &[
    &assd::Assd,
    &ssd::Ssd,
    &lfssd::LossFreeSsd,
    &potion::Potion,
    &finetune::FineTune,
    &cf::ContinuedTraining,
    &scrub::Scrub,
    &badt::BadTeacher,
    &neggrad::NegGradPlus,
    &retrain::Retrain,
];

/// The old model as one of the choices of `--method auto`.
pub static NO_REPAIR: NoRepair = NoRepair;

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
    /// Settings that a search tries ([`apply_best`]), around the ones given; the ones given alone where there is nothing to choose.
    fn grid(&self, model: &dyn Repairable, options: &RepairOptions) -> Vec<RepairOptions> {
        let _ = model;
        vec![options.clone()]
    }
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
    /// The training rows that are not flagged, batched again, as the published code of ASSD for tables does it: needs the data.
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
    /// Settings of SSD, which LFSSD shares.
    #[serde(flatten)]
    pub ssd: SsdOptions,
    /// Whether SSD and SCRUB follow the text of Corrective Machine Unlearning (arXiv 2402.14015) where it differs from its code and from the
    /// methods' own papers: SSD's lambda counts in multiples of alpha; SCRUB climbs on a batch of flagged rows before each step of its first fifth.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_text: bool,
    /// Settings of fine-tuning.
    #[serde(flatten)]
    pub finetune: FinetuneOptions,
    /// Settings of the methods that take steps of their own.
    #[serde(default)]
    pub unlearning: UnlearningOptions,
}

/// Settings of the methods that take steps of their own: each has its options, ranges and defaults in its file. Where a paper gives a default for
/// images that means something here, it is taken.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UnlearningOptions {
    /// Learning rate, above 0; absent: for CF that of the start of training, for the others the next of the training's schedule.
    pub learning_rate: Option<f64>,
    /// CF.
    #[serde(flatten)]
    pub cf: CfOptions,
    /// SCRUB.
    #[serde(flatten)]
    pub scrub: ScrubOptions,
    /// Bad teacher.
    #[serde(flatten)]
    pub badt: BadTeacherOptions,
    /// NegGrad+.
    #[serde(flatten)]
    pub neggrad: NegGradOptions,
    /// Seed of the bad teacher's weights.
    pub seed: u64,
}

impl UnlearningOptions {
    fn check(&self) -> Result<()> {
        if let Some(rate) = self.learning_rate {
            within("the learning rate of the repair", rate, above_zero(rate), "a number above 0")?;
        }
        self.cf.check()?;
        self.scrub.check()?;
        self.badt.check()?;
        self.neggrad.check()
    }
}

/// An error that names a setting, its value and its range, unless it is `right`.
fn within(name: &str, value: f64, right: bool, range: &str) -> Result<()> {
    match right {
        true => Ok(()),
        false => Err(Error::input(format!("{name} is {value}, and must be {range}"))),
    }
}

fn above_zero(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

fn from_zero_up(value: f64) -> bool {
    value >= 0.0 && value.is_finite()
}

/// An error that says what is needed where a number of steps, layers or passes is 0.
fn at_least_one(needed: &str, count: usize) -> Result<()> {
    match count {
        0 => Err(Error::input(needed)),
        _ => Ok(()),
    }
}

impl Default for RepairOptions {
    fn default() -> Self {
        Self {
            importance: ImportanceKind::SquaredBatchGradient,
            reference: Reference::RetainOnOriginalBatches,
            ssd: SsdOptions::default(),
            by_text: false,
            finetune: FinetuneOptions::default(),
            unlearning: UnlearningOptions::default(),
        }
    }
}

impl RepairOptions {
    /// That every setting is in its range.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self) -> Result<()> {
        self.ssd.check()?;
        self.finetune.check()?;
        self.unlearning.check()
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
    /// Retrains from the same initial weights, on the same rows as [`Repairable::finetune`].
    ///
    /// # Errors
    /// As [`Repairable::finetune`].
    fn retrain(&mut self, progress: &dyn Progress) -> Result<TrainingLog>;
    /// How it was trained.
    fn schedule(&self) -> TrainingSchedule;
    /// Learning rates of `steps` steps, `per_pass` of them a pass, that begin again at `first_rate` and fall as training's did.
    fn rates(&self, steps: usize, per_pass: usize, first_rate: f64) -> Vec<f64>;
    /// Rows of the retain set: those that are not flagged, and flagged ones whose label the person corrected.
    ///
    /// # Errors
    /// Where the training rows are not at hand.
    fn retain_rows(&self) -> Result<usize>;
    /// Takes gradient steps from the model as it is now. The seed is that of the random teacher, where a step names it; parameters before
    /// the number beside it stand still.
    ///
    /// # Errors
    /// Where the training rows are not at hand, a step's rows do not exist, or the steps diverge or are stopped.
    fn gradient_steps(
        &mut self,
        steps: &mut dyn Iterator<Item = GradientStep>,
        seed_and_from: (u64, usize),
        progress: &dyn Progress,
    ) -> Result<TrainingLog>;
    /// How much the output reacts to every parameter over the forget set: mean over mini-batches of |d mean size of the logits / d parameter|.
    ///
    /// # Errors
    /// Where it cannot be measured.
    fn forget_sensitivity(&self, size: OutputSize) -> Result<Vec<f64>>;
    /// The same over the retain set or all training rows.
    ///
    /// # Errors
    /// Where it cannot be measured, or the training rows are not at hand.
    fn reference_sensitivity(&self, size: OutputSize, reference: Reference) -> Result<Vec<f64>>;
    /// Share of the forget set that the model does not give its observed label; 1 of an empty set.
    ///
    /// # Errors
    /// Where the rows do not fit the model.
    fn deletion_change(&self) -> Result<f64>;
    /// Accuracy on the validation rows, with observed labels; `None` where there are none.
    ///
    /// # Errors
    /// Where the rows do not fit the model.
    fn validation_accuracy(&self) -> Result<Option<f64>>;
    /// Undoes every repair.
    fn start_over(&mut self);
}

/// What a repair did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RepairOutcome {
    /// What was dampened; only for methods that dampen, and not where the forget set was empty.
    pub dampening: Option<Dampening>,
    /// What training saw; only for methods that train.
    pub training: Option<TrainingLog>,
}

impl RepairOutcome {
    /// Of a method that trains.
    fn trained(log: TrainingLog) -> Result<Self> {
        Ok(Self {
            training: Some(log),
            dampening: None,
        })
    }
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
mod tests;
#[cfg(test)]
mod tests_images;
