//! What `model.json` says.

use serde::{Deserialize, Serialize};

use crate::features::{LeftOut, SplitBounds};
use crate::nn::{MlpSpec, Recipe};

/// Version of the folder's layout; a newer one is refused.
pub const FORMAT_VERSION: u32 = 1;

/// What a model is and where it came from. Fractions are fractions; what is unknown is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Layout of the folder, [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Version of Recant that wrote it.
    pub recant_version: String,
    /// How much of the training the folder holds.
    #[serde(default, skip_serializing_if = "Contents::is_whole")]
    pub contents: Contents,
    /// Class names, in label order.
    pub classes: Vec<String>,
    /// Shape of the network.
    pub network: MlpSpec,
    /// How it was trained.
    pub recipe: Recipe,
    /// Run seed.
    pub seed: u64,
    /// The training sheet.
    pub data: DataInfo,
    /// Where the sheet was cut into parts.
    pub split: SplitBounds,
    /// Training rows.
    pub train: PartInfo,
    /// Validation rows, where there are any.
    pub validation: Option<PartInfo>,
    /// Test rows.
    pub test: PartInfo,
    /// Rows that no part uses, by reason.
    pub left_out: Vec<LeftOut>,
    /// What this model was repaired from, the nearest repair last; empty for a trained model.
    pub repairs: Vec<Repair>,
}

/// How much of its training a model folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contents {
    /// All that a repair needs.
    #[default]
    Whole,
    /// The same without hashes of keys and groups, and with gradients of larger batches only (`recant train --private`).
    Private,
    /// What a prediction needs and nothing else (`recant share`).
    Prediction,
}

impl Contents {
    fn is_whole(&self) -> bool {
        *self == Self::Whole
    }

    /// Fewest rows in a batch whose gradient is stored; see `docs/privacy.md` for what fewer would give away.
    pub fn smallest_batch(self) -> usize {
        match self {
            Self::Whole | Self::Prediction => 32,
            Self::Private => 1_024,
        }
    }
}

/// A training sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataInfo {
    /// File name, without folders.
    pub file: String,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// Data rows in it.
    pub rows: usize,
}

/// One part of the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartInfo {
    /// Rows.
    pub rows: usize,
    /// First and last time, ISO 8601, where the profile has a time column.
    pub period: Option<(String, String)>,
    /// Rows of each class by observed label, in label order.
    pub class_counts: Vec<usize>,
    /// Share of the rows that the model predicts right, where measured.
    pub accuracy: Option<f64>,
}

/// One repair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Repair {
    /// The model that was repaired.
    pub parent: Parent,
    /// Method, as on the command line.
    pub method: String,
    /// File name of the flags.
    pub flags_file: String,
    /// SHA-256 of the flag file, lower-case hex.
    pub flags_sha256: String,
    /// Flagged training rows.
    pub flagged: usize,
    /// Of these, rows whose correct label was used.
    pub corrected: usize,
    /// Whether the method was recommended by the validation rows; absent where there were none to judge by.
    #[serde(default)]
    pub recommended: Option<bool>,
}

/// A model that was repaired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Folder name.
    pub name: String,
    /// SHA-256 of its `model.json`, which holds those of all its files.
    pub sha256: String,
}
