//! The record of a training: everything its report shows. Serialised as `training.json`; timings live apart.

use serde::{Deserialize, Serialize};

use super::record::{Comparison, EvaluationSettings, Interval, LeakageFinding, Metrics, ModelSummary};
use crate::notes::Notes;

/// Version of the layout; a report refuses a newer one.
pub const TRAIN_RECORD_VERSION: u32 = 1;

/// One training: the sheet, the split, the network, how it did, and whether it is of any use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainRecord {
    /// Layout version, [`TRAIN_RECORD_VERSION`].
    pub record_version: u32,
    /// Version of Recant that wrote it.
    pub recant_version: String,
    /// The command line that made it, for provenance, with file names only.
    pub command: String,
    /// The model.
    pub model: ModelSummary,
    /// Which rows went where.
    pub split: SplitSummary,
    /// Which columns the model sees, and which it does not.
    pub columns: Vec<ColumnUse>,
    /// How it was trained.
    pub training: TrainingSettings,
    /// The hyper-parameter search; absent where none was made.
    pub search: Option<SearchRecord>,
    /// Epoch by epoch.
    pub epochs: Vec<EpochRecord>,
    /// Settings of the evaluation.
    pub settings: EvaluationSettings,
    /// On the training rows' observed labels.
    pub training_metrics: Metrics,
    /// On the validation tail; absent where there is none.
    pub validation: Option<Metrics>,
    /// On the test rows; absent without test rows.
    pub test: Option<Metrics>,
    /// Simple models on the same test rows.
    pub baselines: Vec<BaselineRecord>,
    /// Whether the model is of any use.
    pub usefulness: UsefulnessRecord,
    /// Columns that give the label away; empty if the audit found none, absent if no audit was made.
    pub leakage: Option<Vec<LeakageFinding>>,
    /// Warnings, and what was done about each.
    pub notes: Notes,
}

/// Which rows of the sheet went where. `sheet_rows = training + validation + test + the sum of those left out`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitSummary {
    /// Data rows in the sheet.
    pub sheet_rows: usize,
    /// Training rows.
    pub training_rows: usize,
    /// Validation rows (0: none were held back).
    pub validation_rows: usize,
    /// Test rows.
    pub test_rows: usize,
    /// The rule in words: "last 20 % by `order date (DateOrders)`, orders kept whole".
    pub rule: String,
    /// First and last value of the time column, ISO 8601, by part, where the profile has a time column.
    pub training_period: Option<(String, String)>,
    /// The same for the validation rows.
    pub validation_period: Option<(String, String)>,
    /// The same for the test rows.
    pub test_period: Option<(String, String)>,
    /// Rows that went nowhere, by reason.
    pub left_out: Vec<LeftOutRows>,
}

/// Rows that were not used, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeftOutRows {
    /// A sentence: "`Order Status` is not COMPLETE".
    pub reason: String,
    /// How many.
    pub count: usize,
}

/// What becomes of one column of the sheet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnUse {
    /// Column name as in the sheet.
    pub column: String,
    /// `number`, `category`, `time`, `label`, `key`, `group`, `filter`, `dropped`.
    pub role: String,
    /// Input columns made from it (0 where it is not a feature).
    pub inputs: usize,
    /// Why it was dropped, where it was.
    pub why: Option<String>,
}

/// How the network was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingSettings {
    /// Epochs.
    pub epochs: usize,
    /// Learning rate of the first epoch.
    pub learning_rate: f64,
    /// Factor on the learning rate from epoch to epoch.
    pub decay: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Rows of a mini-batch.
    pub batch: usize,
    /// Weight of each class in the loss, where they are weighted.
    pub class_weights: Option<Vec<f64>>,
    /// With the standard recipe: the epochs that its schedule was made for, of which `epochs` were the best; absent with the paper's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_epochs: Option<usize>,
    /// With the standard recipe: what the logits were divided by after training, so that the probabilities are as right as they say on rows
    /// that were not trained on; it is in the last layer's weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
}

/// A hyper-parameter search on validation rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchRecord {
    /// What was searched with, such as "TPE".
    pub sampler: String,
    /// What was compared: "accuracy on 4,759 validation rows".
    pub measure: String,
    /// The trials, in order.
    pub trials: Vec<SearchTrial>,
    /// Number (from 0) of the trial that was chosen.
    pub chosen: usize,
}

/// One trial of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchTrial {
    /// Learning rate.
    pub learning_rate: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// The measure on the validation rows; absent where the training went astray.
    pub score: Option<f64>,
}

/// One epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Number, from 1.
    pub epoch: usize,
    /// Learning rate.
    pub learning_rate: f64,
    /// Mean training loss over its mini-batches.
    pub loss: f64,
    /// Accuracy on the validation rows after it, where that was measured.
    pub validation_accuracy: Option<f64>,
}

/// A simple model on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineRecord {
    /// Short name: `majority`, `logistic-regression`.
    pub name: String,
    /// Title for people, fit for "better than ...": "always answering \"late\"".
    pub title: String,
    /// The baseline (`before`) against the model (`after`); its verdict is about the model.
    pub comparison: Comparison,
}

/// What the model is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Usefulness {
    /// Better than every simple model.
    Useful,
    /// Better than always answering the commonest class, but not shown to be better than a simple model.
    NoBetterThanSimple,
    /// A simple model is shown to do better, and tells the classes apart better, too.
    WorseThanSimple,
    /// Not more often right than always answering the commonest class, yet it tells the classes apart better than chance.
    TellsClassesApart,
    /// Neither.
    Useless,
    /// There were no test rows to judge on.
    NotEvaluated,
}

/// Whether the model is of any use, in one sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UsefulnessRecord {
    /// The judgement.
    pub usefulness: Usefulness,
    /// In plain words, with figures.
    pub sentence: String,
    /// Balanced accuracy of the model on these rows with a 95 % bootstrap interval (by group where there are groups);
    /// always answering one class has 1 / (classes that occur). Absent where it was not evaluated.
    pub balanced_accuracy: Option<Interval>,
    /// Balanced accuracy of always answering one class.
    pub balanced_accuracy_by_chance: Option<f64>,
}
