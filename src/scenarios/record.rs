//! The records of a batch: one row per scenario, method and split, and one per point of the alpha and lambda grids.
//!
//! Accuracies are kept as counts, so nothing is lost to rounding. No clock is in here: see [`ChunkTimings`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::nn::search::Trial;

/// Name of the method that stands for the corrupted model before any repair.
pub const BASELINE: &str = "baseline";

/// Which rows an accuracy is over. Labels are the clean ones in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// The test rows.
    Test,
    /// All training rows, flagged ones included, against their clean labels.
    Train,
}

impl Split {
    /// Both, in the order of the records.
    pub const ALL: [Split; 2] = [Split::Test, Split::Train];

    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Split::Test => "test",
            Split::Train => "train",
        }
    }
}

/// One method in one scenario on one split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Scenario number within its cell, counted from 0.
    pub run: u32,
    /// Initialisation number, counted from 0.
    pub init: u32,
    /// Method, [`BASELINE`] for the corrupted model.
    pub method: String,
    /// Split.
    pub split: Split,
    /// Rows of the split.
    pub rows: u32,
    /// Rows predicted right.
    pub right: u32,
    /// Flagged rows of the scenario.
    pub flagged: u32,
    /// Flagged rows whose label really differs from the clean one (the `paper` kind returns some to the true label).
    pub mislabelled: u32,
    /// Training split: flagged rows that the model predicts by their clean label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flagged_right: Option<u32>,
    /// Training split: flagged rows that the model predicts by their observed label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flagged_as_observed: Option<u32>,
    /// Learning rate of the first epoch.
    pub learning_rate: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Trainable parameters.
    pub parameters: u32,
    /// What dampening did, for methods that dampen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dampening: Option<Dampening>,
}

/// What dampening did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dampening {
    /// Percentile p of ASSD; absent for SSD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentile: Option<f64>,
    /// Selection weighting.
    pub alpha: f64,
    /// Dampening constant.
    pub lambda: f64,
    /// Parameters dampened.
    pub dampened: u32,
}

/// What a grid point varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sweep {
    /// Alpha varies, lambda is 1 (Figure 2).
    Alpha,
    /// Lambda varies, alpha is the one ASSD picks (Figure 3).
    Lambda,
}

impl Sweep {
    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Sweep::Alpha => "alpha",
            Sweep::Lambda => "lambda",
        }
    }
}

/// Dampening at one point of a grid, in one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepRow {
    /// Scenario number.
    pub run: u32,
    /// Initialisation number.
    pub init: u32,
    /// What varies.
    pub sweep: Sweep,
    /// Selection weighting.
    pub alpha: f64,
    /// Dampening constant.
    pub lambda: f64,
    /// Parameters dampened.
    pub dampened: u32,
    /// Test rows.
    pub rows: u32,
    /// Test rows predicted right.
    pub right: u32,
    /// Flagged training rows.
    pub flagged: u32,
    /// Flagged training rows that the model still predicts by their observed label.
    pub flagged_as_observed: u32,
}

/// All that a chunk yields.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChunkRecords {
    /// By scenario, initialisation, method, split.
    pub rows: Vec<Row>,
    /// By scenario, initialisation, sweep, grid point.
    pub sweep: Vec<SweepRow>,
}

/// How long a chunk took. In a file of its own, because it differs from run to run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChunkTimings {
    /// Wall seconds of the chunk.
    pub seconds: f64,
    /// Trained baselines in it: scenarios times initialisations.
    pub scenarios: u32,
    /// Threads.
    pub threads: usize,
    /// Processor seconds by stage (`train`, `retrain`, `finetune`, `assd`, ...), summed over the scenarios.
    pub stages: BTreeMap<String, f64>,
}

/// What the search for learning rate and weight decay found for one size, and how the model trained on clean data does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tuned {
    /// Network size.
    pub size: String,
    /// Learning rate used by every scenario of this size.
    pub learning_rate: f64,
    /// Weight decay used by every scenario of this size.
    pub weight_decay: f64,
    /// The trials, in order; empty where both values were given.
    pub trials: Vec<Trial>,
    /// Training rows the trials trained on, the first by time.
    pub trial_training_rows: u32,
    /// Training rows the trials were judged on, the last by time.
    pub trial_validation_rows: u32,
    /// Trained on all training rows with clean labels, with the first initialisation.
    pub clean: CleanModel,
}

/// The model trained on clean data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CleanModel {
    /// Test rows.
    pub test_rows: u32,
    /// Test rows predicted right.
    pub test_right: u32,
    /// Training rows.
    pub train_rows: u32,
    /// Training rows predicted right.
    pub train_right: u32,
    /// Rows of the largest class among the test rows: what always saying that class gets right.
    pub test_majority: u32,
    /// Standard error of the test accuracy with rows as the unit.
    pub standard_error: f64,
    /// Standard error of the test accuracy with groups (such as orders) as the unit, where the profile names a group column.
    pub standard_error_by_group: Option<f64>,
}
