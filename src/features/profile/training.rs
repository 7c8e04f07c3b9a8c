//! How a profile trains.

use serde::{Deserialize, Serialize};

use super::is_default;
use crate::error::{Error, Result};

/// Training settings of a profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingDefaults {
    /// The standard recipe, or that of the paper.
    #[serde(skip_serializing_if = "is_default")]
    pub recipe: RecipeKind,
    /// Hidden layers, such as `3x100`, or `4 of 2x50` for the mean of four networks; or several to choose from, such as `4 of 2x50 or none`: the
    /// standard recipe takes the one that predicts later rows best. The paper's recipe and studies train a single network of the first size.
    pub network: String,
    /// Passes over the training rows; with the standard recipe those of its schedule, which ends at the best of them, and which is twice, four
    /// times ... as long where a small sheet still learns at its end.
    pub epochs: usize,
    /// Rows per step.
    pub batch: usize,
    /// Where the training rows make fewer steps than this per epoch, the batch is halved until they do not (down to 32 rows); 0: never.
    pub least_steps: usize,
    /// Learning rate of the first epoch; with the standard recipe the highest.
    pub learning_rate: f64,
    /// Factor on the learning rate after every epoch; not used by the standard recipe.
    pub decay: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Whether rare classes count more.
    pub class_weights: ClassWeights,
}

impl Default for TrainingDefaults {
    fn default() -> Self {
        Self {
            recipe: RecipeKind::Standard,
            network: "3x100".to_owned(),
            epochs: 25,
            batch: 1024,
            least_steps: 25,
            learning_rate: 0.03,
            decay: 0.95,
            weight_decay: 1e-2,
            class_weights: ClassWeights::None,
        }
    }
}

/// Batches are not made smaller than this on small sheets: batch norm needs some rows.
const SMALLEST_BATCH: usize = 32;

impl TrainingDefaults {
    /// Rows per step of this many training rows: halved on small sheets, see [`least_steps`](Self::least_steps).
    pub fn batch_for(&self, rows: usize) -> usize {
        let mut batch = self.batch;
        while batch >= 2 * SMALLEST_BATCH && rows < batch * self.least_steps {
            batch /= 2;
        }
        batch
    }

    /// Hidden layers where nothing is chosen and no ensemble is trained: those of a member of the first.
    pub fn usual_network(&self) -> &str {
        // As long as the text itself, whatever its case.
        let folded = self.network.to_ascii_lowercase();
        let end = folded.find(" or ").unwrap_or(folded.len());
        let start = folded[..end].find(" of ").map_or(0, |at| at + " of ".len());
        &self.network[start..end]
    }
}

/// How a network is trained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecipeKind {
    /// Shuffled batches, a learning rate that rises and then falls by steps, dropout, averaged weights, an end chosen on validation rows.
    #[default]
    Standard,
    /// That of arXiv 2402.10098: rows in time order, all epochs, the learning rate times a factor after each.
    Paper,
}

impl std::str::FromStr for RecipeKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let names = || Self::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| Error::input(format!("`{text}` is no recipe")).hint(format!("the recipes are {}", names())))
    }
}

impl RecipeKind {
    /// All of them, the default first.
    pub const ALL: [RecipeKind; 2] = [RecipeKind::Standard, RecipeKind::Paper];

    /// Name as on the command line and in profiles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Paper => "paper",
        }
    }
}

/// Weights of the classes in the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// Every row counts the same.
    None,
    /// Every class counts the same in sum.
    Balanced,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_network_is_a_member_of_the_first() {
        for (network, usual) in [
            ("3x100", "3x100"),
            ("4 of 2x50 or none", "2x50"),
            ("4 OF 2x50 OR none", "2x50"),
            ("none or 2 of 64,32", "none"),
        ] {
            let training = TrainingDefaults {
                network: network.to_owned(),
                ..TrainingDefaults::default()
            };
            assert_eq!(training.usual_network(), usual);
        }
    }
}
