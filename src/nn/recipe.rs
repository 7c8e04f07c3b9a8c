//! How a network is trained, and what training reports.

use serde::{Deserialize, Serialize};

use super::network::MlpSpec;
use crate::error::{Error, Result};

/// How a network is trained: SGD on mean cross entropy over mini-batches of rows in the order given (no shuffling), the last
/// partial batch kept, learning rate times `decay` after every epoch, as `torch.optim.SGD` does it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Passes over the rows.
    pub epochs: usize,
    /// Learning rate of epoch 0.
    pub learning_rate: f64,
    /// Factor on the learning rate per epoch: epoch e uses `learning_rate * decay^(first_epoch + e)`.
    pub decay: f64,
    /// Weight decay: this times the parameter is added to its gradient, for every trainable parameter.
    pub weight_decay: f64,
    /// Momentum, 0 for none; velocities start at 0 (PyTorch's `SGD` without dampening or Nesterov).
    pub momentum: f64,
    /// Rows of a mini-batch. A single row left over at the end joins the batch before it: batch norm has no variance for
    /// one row (PyTorch refuses it).
    pub batch: usize,
    /// Weight of each class in the loss; the mean is then over the sum of the rows' weights, as in PyTorch.
    pub class_weights: Option<Vec<f64>>,
    /// Number of the first epoch in the learning-rate schedule: 0 to train, the number of epochs done to continue.
    pub first_epoch: usize,
}

impl Default for Recipe {
    /// The paper's: 25 epochs, batches of 1024, decay 0.95; the rate and weight decay are middling values of its search range.
    fn default() -> Self {
        Self {
            epochs: 25,
            learning_rate: 0.03,
            decay: 0.95,
            weight_decay: 1e-5,
            momentum: 0.0,
            batch: 1024,
            class_weights: None,
            first_epoch: 0,
        }
    }
}

impl Recipe {
    /// Learning rate of the `epoch`-th epoch of this recipe.
    pub fn rate(&self, epoch: usize) -> f64 {
        let exponent = i32::try_from(self.first_epoch.saturating_add(epoch)).unwrap_or(i32::MAX);
        self.learning_rate * self.decay.powi(exponent)
    }

    /// The recipe that goes on for `epochs` epochs where this one ends, at the next learning rate of the schedule.
    #[must_use]
    pub fn continued(&self, epochs: usize) -> Self {
        Self {
            epochs,
            first_epoch: self.first_epoch.saturating_add(self.epochs),
            ..self.clone()
        }
    }

    /// That the settings can be used with a network.
    ///
    /// # Errors
    /// Where a setting is out of range or not a number, or the class weights are not one per class.
    pub fn check(&self, spec: &MlpSpec) -> Result<()> {
        let wrong = |name: &str, value: f64, range: &str| Err(Error::input(format!("{name} is {value}, and must be {range}")));
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return wrong("the learning rate", self.learning_rate, "a number above 0");
        }
        if !(self.decay > 0.0 && self.decay <= 1.0) {
            return wrong("the learning-rate decay", self.decay, "above 0 and at most 1");
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return wrong("the weight decay", self.weight_decay, "a number from 0 up");
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return wrong("the momentum", self.momentum, "from 0 to below 1");
        }
        if self.batch == 0 || (self.batch == 1 && !spec.hidden.is_empty()) {
            return wrong(
                "the batch size",
                self.batch as f64,
                "at least 2 (batch norm needs more than one row)",
            );
        }
        if let Some(weights) = &self.class_weights {
            if weights.len() != spec.classes {
                return Err(Error::input(format!(
                    "{} class weights for {} classes",
                    weights.len(),
                    spec.classes
                )));
            }
            if let Some(weight) = weights.iter().find(|weight| !(**weight >= 0.0 && weight.is_finite())) {
                return wrong("a class weight", *weight, "a number from 0 up");
            }
        }
        Ok(())
    }
}

/// What training saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingLog {
    /// One entry per epoch.
    pub epochs: Vec<EpochLog>,
}

/// One epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochLog {
    /// Number in the learning-rate schedule, from 0.
    pub epoch: usize,
    /// Learning rate.
    pub learning_rate: f64,
    /// Mean loss over the epoch's rows, each measured when its batch was trained on (batch norm in training mode).
    pub loss: f64,
}
