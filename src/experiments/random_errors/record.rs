//! The records of a batch: one row per scenario, method and split, and one per point of the alpha and lambda grids.
//!
//! Accuracies are kept as counts, so nothing is lost to rounding. No clock is in here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::plan::Chunk;
use super::settings::Settings;
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
    /// Flagged rows whose label really differs from the clean one (the `paper` kind returns some to the true label, `placebo` changes none).
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

/// One line of a chunk's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// A method in a scenario.
    Row(Row),
    /// A point of a grid.
    Sweep(SweepRow),
}

impl From<ChunkRecords> for Vec<Record> {
    fn from(found: ChunkRecords) -> Self {
        let rows = found.rows.into_iter().map(Record::Row);
        rows.chain(found.sweep.into_iter().map(Record::Sweep)).collect()
    }
}

impl From<Vec<Record>> for ChunkRecords {
    fn from(records: Vec<Record>) -> Self {
        let mut found = Self::default();
        for record in records {
            match record {
                Record::Row(row) => found.rows.push(row),
                Record::Sweep(row) => found.sweep.push(row),
            }
        }
        found
    }
}

/// Whether these can be the records of a chunk: each method once in each scenario, initialisation and split, and no count above its whole.
/// A checksum tells damage; that nobody made the file up, it cannot tell.
pub(super) fn check(settings: &Settings, chunk: &Chunk, records: &[Record]) -> Result<(), String> {
    let methods: Vec<&str> = std::iter::once(BASELINE)
        .chain(settings.methods.iter().map(String::as_str))
        .collect();
    let mut seen = BTreeSet::new();
    let mut sizes = [None; Split::ALL.len()];
    for record in records {
        match record {
            Record::Row(row) => {
                if *sizes[row.split as usize].get_or_insert(row.rows) != row.rows || !can_be(row) {
                    return Err(format!("a count of scenario {} cannot be", row.run));
                }
                let planned = chunk.runs.contains(&row.run) && row.init < settings.init_seeds && methods.contains(&row.method.as_str());
                if !planned {
                    return Err(format!("it tells of `{}` in scenario {}", row.method, row.run));
                }
                if !seen.insert((row.run, row.init, row.method.as_str(), row.split)) {
                    return Err(format!("it tells twice of `{}` in scenario {}", row.method, row.run));
                }
            }
            Record::Sweep(row) => {
                let planned = chunk.runs.contains(&row.run) && row.run < settings.sweep_runs && row.init < settings.init_seeds;
                if !planned || !sweep_can_be(row) {
                    return Err(format!("a point of the grid of scenario {} cannot be", row.run));
                }
            }
        }
    }
    let expected = (chunk.runs.len() as u64)
        .saturating_mul(u64::from(settings.init_seeds))
        .saturating_mul(methods.len() as u64 * Split::ALL.len() as u64);
    if seen.len() as u64 != expected {
        return Err(format!("it has {} of {expected} records", seen.len()));
    }
    Ok(())
}

fn can_be(row: &Row) -> bool {
    let of_flagged = |count: Option<u32>| count.is_none_or(|count| count <= row.flagged);
    let dampened = row.dampening.is_none_or(|done| {
        done.dampened <= row.parameters && done.alpha.is_finite() && done.lambda.is_finite() && done.percentile.is_none_or(f64::is_finite)
    });
    row.rows > 0
        && row.right <= row.rows
        && row.parameters > 0
        && row.mislabelled <= row.flagged
        && of_flagged(row.flagged_right)
        && of_flagged(row.flagged_as_observed)
        && row.learning_rate.is_finite()
        && row.weight_decay.is_finite()
        && dampened
}

fn sweep_can_be(row: &SweepRow) -> bool {
    row.rows > 0 && row.right <= row.rows && row.flagged_as_observed <= row.flagged && row.alpha.is_finite() && row.lambda.is_finite()
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
