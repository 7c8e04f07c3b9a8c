//! How a network is trained, and what training reports.

use serde::{Deserialize, Serialize};

use super::network::MlpSpec;
use crate::error::{Error, Result};

/// How a network is trained: SGD on mean cross entropy over mini-batches.
///
/// Without [`Recipe::standard`], the paper's way: rows in the order given (no shuffling), the last partial batch kept, learning rate times
/// `decay` after every epoch, as `torch.optim.SGD` does it.
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
    /// What the standard recipe does otherwise; absent: the paper's way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard: Option<Standard>,
}

/// The standard recipe: batches of rows in an order drawn again for every epoch; a learning rate that rises over the first steps and falls
/// along half a cosine, by steps (Loshchilov and Hutter 2017); and, as the trained network, a moving average of the weights over the last
/// steps (Polyak and Juditsky 1992), with the averaged running statistics. Which epoch training ends at is chosen on rows that are not
/// trained on: the schedule then stops short of its horizon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standard {
    /// Epochs in which the learning rate falls to its lowest; later epochs stay there.
    pub horizon: usize,
    /// Seed of the orders of the rows.
    pub order: u64,
    /// Epochs over which weights are averaged.
    pub averaging: f64,
    /// What the logits are divided by when training is done (temperature scaling, Guo et al. 2017): the last layer's weights and biases are
    /// divided by it, so that probabilities are as right as they say wherever the network is used. 1 while it is not known.
    #[serde(default = "unscaled", skip_serializing_if = "is_unscaled")]
    pub temperature: f64,
}

/// A seed of orders from a drawn number: whole numbers up to 2^53 are the same in every reader of JSON.
pub fn order_seed(drawn: u64) -> u64 {
    drawn >> 11
}

fn unscaled() -> f64 {
    1.0
}

fn is_unscaled(temperature: &f64) -> bool {
    *temperature == 1.0
}

impl Standard {
    /// Lowest learning rate, as a share of the highest.
    pub const FLOOR: f64 = 0.05;
    /// Share of the horizon in which the learning rate rises.
    const WARM_UP: f64 = 0.05;

    /// Learning rate, as a share of the highest, when this share of the horizon is done.
    fn share(done: f64) -> f64 {
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * done.min(1.0)).cos());
        Self::FLOOR + (1.0 - Self::FLOOR) * cosine
    }

    /// Learning rate of a step, as a share of the highest; steps are counted from the start of the schedule.
    pub(super) fn share_at(&self, step: usize, steps_per_epoch: usize) -> f64 {
        let horizon = (self.horizon * steps_per_epoch).max(1) as f64;
        let rise = (step as f64 + 1.0) / (Self::WARM_UP * horizon).max(1.0);
        rise.min(1.0) * Self::share(step as f64 / horizon)
    }

    /// Share of the average that stays when the weights after step `done` (counted from 1) join it: shorter at first, so that the start
    /// is soon forgotten.
    pub(super) fn keep(&self, done: usize, steps_per_epoch: usize) -> f64 {
        let steps = (self.averaging * steps_per_epoch as f64).max(1.0);
        (1.0 - 1.0 / (1.0 + steps)).min(done as f64 / (done as f64 + 10.0))
    }
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
            standard: None,
        }
    }
}

impl Recipe {
    /// The standard recipe for at most `horizon` epochs.
    pub fn standard(horizon: usize, learning_rate: f64, weight_decay: f64, batch: usize, order: u64) -> Self {
        Self {
            epochs: horizon,
            learning_rate,
            decay: Standard::FLOOR.powf(1.0 / horizon.max(1) as f64),
            weight_decay,
            momentum: 0.9,
            batch,
            class_weights: None,
            first_epoch: 0,
            standard: Some(Standard {
                horizon,
                order,
                averaging: 1.0,
                temperature: 1.0,
            }),
        }
    }

    /// The standard recipe with a schedule of twice as many epochs; `None` for one without such a schedule.
    pub fn lengthened(&self) -> Option<Self> {
        let standard = self.standard.as_ref()?;
        let horizon = 2 * standard.horizon;
        Some(Self {
            epochs: horizon,
            decay: Standard::FLOOR.powf(1.0 / horizon.max(1) as f64),
            standard: Some(Standard {
                horizon,
                ..standard.clone()
            }),
            ..self.clone()
        })
    }

    /// Learning rate of the `epoch`-th epoch of this recipe, for steps without momentum: that of the standard recipe counts as often as
    /// momentum repeats it.
    pub fn rate(&self, epoch: usize) -> f64 {
        if let Some(standard) = &self.standard {
            let done = self.first_epoch.saturating_add(epoch) as f64 / standard.horizon.max(1) as f64;
            return self.learning_rate * Standard::share(done) / (1.0 - self.momentum);
        }
        let exponent = i32::try_from(self.first_epoch.saturating_add(epoch)).unwrap_or(i32::MAX);
        self.learning_rate * self.decay.powi(exponent)
    }

    /// The recipe that goes on for `epochs` epochs where this one ends, at the next learning rate of the schedule. The weights that it starts
    /// from are divided by the temperature already.
    #[must_use]
    pub fn continued(&self, epochs: usize) -> Self {
        Self {
            epochs,
            first_epoch: self.first_epoch.saturating_add(self.epochs),
            standard: self.standard.clone().map(|standard| Standard {
                temperature: unscaled(),
                ..standard
            }),
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
        if let Some(standard) = &self.standard
            && !(standard.horizon > 0 && standard.averaging >= 0.0 && standard.averaging.is_finite())
        {
            return Err(Error::input("the recipe's schedule has no epochs, or it averages over none"));
        }
        if let Some(standard) = &self.standard
            && !(standard.temperature > 0.0 && standard.temperature.is_finite())
        {
            return wrong("the temperature", standard.temperature, "a number above 0");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_rate_rises_and_falls_by_steps_and_stays_at_its_floor() {
        let recipe = Recipe::standard(10, 0.03, 0.0, 32, 1);
        let standard = recipe.standard.clone().unwrap();
        // 20 steps an epoch, 200 in all, of which the first 10 rise.
        let shares: Vec<f64> = (0..200).map(|step| standard.share_at(step, 20)).collect();
        assert!((shares[0] - 0.1).abs() < 1e-9, "{}", shares[0]);
        assert!(shares[..10].windows(2).all(|pair| pair[0] < pair[1]));
        assert!(shares[10..].windows(2).all(|pair| pair[0] > pair[1]));
        assert!((standard.share_at(100, 20) - 0.525).abs() < 1e-9);
        assert!((standard.share_at(5_000, 20) - Standard::FLOOR).abs() < 1e-12);
    }

    #[test]
    fn steps_without_momentum_get_a_rate_as_large_as_momentum_makes_it() {
        let recipe = Recipe::standard(10, 0.03, 0.0, 32, 1);
        assert!((recipe.rate(0) - 0.3).abs() < 1e-12);
        assert!((recipe.rate(10) - 0.3 * Standard::FLOOR).abs() < 1e-12);
        assert!((recipe.rate(0) * recipe.decay.powi(10) - recipe.rate(10)).abs() < 1e-12);
        assert!((recipe.continued(1).rate(0) - recipe.rate(10)).abs() < 1e-12);
    }

    #[test]
    fn a_longer_schedule_is_that_of_twice_the_epochs() {
        let recipe = Recipe::standard(10, 0.03, 0.01, 32, 1);
        assert_eq!(recipe.lengthened(), Some(Recipe::standard(20, 0.03, 0.01, 32, 1)));
        assert_eq!(Recipe::default().lengthened(), None);
    }

    #[test]
    fn the_paper_recipe_is_written_as_it_always_was() {
        let text = serde_json::to_string(&Recipe::default()).unwrap();
        assert!(!text.contains("standard"), "{text}");
        let standard = Recipe::standard(10, 0.03, 0.0, 32, 1);
        let again: Recipe = serde_json::from_str(&serde_json::to_string(&standard).unwrap()).unwrap();
        assert_eq!(again, standard);
    }
}
