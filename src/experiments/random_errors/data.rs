//! The rows a batch works on: encoded once, shared by every scenario.

use crate::error::{Error, Result};
use crate::features::{Part, Prepared};

/// Encoded rows with their clean labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// Class names.
    pub classes: Vec<String>,
    /// Input columns.
    pub width: usize,
    /// Training rows, in the order training goes through them.
    pub train: Rows,
    /// Test rows.
    pub test: Rows,
    /// Whether rare classes count more in training.
    pub balanced: bool,
}

/// Rows, row-major inputs, and clean labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// rows x width.
    pub inputs: Vec<f32>,
    /// Clean labels.
    pub labels: Vec<u8>,
    /// Group of each row, such as its order.
    pub groups: Option<Vec<u32>>,
}

impl Rows {
    fn of(part: &Part) -> Self {
        Self {
            inputs: part.inputs.clone(),
            labels: part.labels.clone(),
            groups: part.groups.clone(),
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

impl Data {
    /// The training and test rows of a prepared sheet. Rows that the profile keeps for validation are not used.
    ///
    /// # Errors
    /// Where there are no test rows, or too few training rows to search a learning rate on.
    pub fn of(prepared: &Prepared) -> Result<Self> {
        let data = Self {
            classes: prepared.profile.label.classes().to_vec(),
            width: prepared.features.width(),
            train: Rows::of(&prepared.train),
            test: Rows::of(&prepared.test),
            balanced: prepared.profile.training.class_weights == crate::features::ClassWeights::Balanced,
        };
        if data.test.is_empty() {
            return Err(Error::input("the sheet has no test rows, so no scenario can be judged")
                .hint("let the profile keep a share of the rows for testing: `[split] test = 0.2`"));
        }
        if data.train.len() < 10 {
            return Err(Error::input(format!("{} training rows are too few for scenarios", data.train.len())).hint("use a larger sheet"));
        }
        Ok(data)
    }

    /// Weights that make every class count the same, by these labels; `None` where the profile does not ask for it.
    pub fn class_weights(&self, labels: &[u8]) -> Option<Vec<f64>> {
        self.balanced.then(|| {
            let mut counts = vec![0_usize; self.classes.len()];
            for label in labels {
                counts[usize::from(*label)] += 1;
            }
            let each = labels.len() as f64 / counts.len() as f64;
            counts
                .iter()
                .map(|count| if *count == 0 { 0.0 } else { each / *count as f64 })
                .collect()
        })
    }
}
