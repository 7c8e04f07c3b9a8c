//! CF, catastrophic forgetting by continued training (Goel et al. 2022, arXiv 2201.06640, with all layers or the last few, as in Corrective Machine
//! Unlearning, arXiv 2402.14015, section 4): the model trains on without the flagged rows at the learning rate of the start of its
//! training, for as many steps as asked, and forgets them over that. [`super::METHODS`]' `finetune` goes on where training stopped instead, for one
//! pass at the small rate reached there.

use serde::{Deserialize, Serialize};

use super::steps::{GradientStep, LossTerm, batches};
use super::{Needs, RepairMethod, RepairOptions, RepairOutcome, Repairable, at_least_one};
use crate::error::Result;
use crate::nn::TensorSpec;
use crate::progress::Progress;

/// Continued training for a number of steps.
pub struct ContinuedTraining;

/// Without a number of steps: as many as this share of the training's passes has.
const SHARE_OF_TRAINING: f64 = 0.2;

/// Settings of CF.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CfOptions {
    /// Steps, at least 1; absent: a fifth of those of training.
    #[serde(rename = "cf_steps")]
    pub steps: Option<usize>,
    /// Layers that are trained, counted from the last (weights of a convolution or linear layer with what follows them), at least 1; absent: all.
    #[serde(rename = "cf_layers", default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<usize>,
}

impl CfOptions {
    pub(super) fn check(&self) -> Result<()> {
        at_least_one("CF needs at least one step", self.steps.unwrap_or(1))?;
        at_least_one("CF needs at least one layer to train", self.layers.unwrap_or(1))
    }
}

impl RepairMethod for ContinuedTraining {
    fn name(&self) -> &'static str {
        "cf"
    }

    fn title(&self) -> &'static str {
        "CF (continued training)"
    }

    fn description(&self) -> &'static str {
        "Trains on without the flagged rows, in steps as large as those of the first pass, for a fifth of the training's length."
    }

    fn needs(&self) -> Needs {
        Needs::TrainingRows
    }

    fn repair(&self, model: &mut dyn Repairable, options: &RepairOptions, progress: &dyn Progress) -> Result<RepairOutcome> {
        let schedule = model.schedule();
        let runs = batches(model.retain_rows()?, schedule.batch);
        let passes = ((schedule.epochs as f64 * SHARE_OF_TRAINING).round() as usize).max(1);
        let wanted = options.unlearning.cf.steps.unwrap_or(passes * runs.len());
        let first = options.unlearning.learning_rate.unwrap_or(schedule.first_rate);
        let rates = model.rates(wanted, runs.len(), first);
        let mut steps = rates.iter().enumerate().map(|(number, rate)| GradientStep {
            retain: Some(LossTerm::labels(runs[number % runs.len()].clone(), 1.0)),
            forget: None,
            learning_rate: *rate,
            pass: number / runs.len(),
        });
        let from = options
            .unlearning
            .cf
            .layers
            .map_or(0, |layers| first_of_last(layers, &model.tensors()));
        RepairOutcome::trained(model.gradient_steps(&mut steps, (options.unlearning.seed, from), progress)?)
    }
}

/// First parameter of the last `layers` layers: each begins with a matrix or the kernels of a convolution.
fn first_of_last(layers: usize, tensors: &[TensorSpec]) -> usize {
    let begins = tensors.iter().rev().filter(|tensor| tensor.shape.len() >= 2);
    begins.take(layers).last().map_or(0, |tensor| tensor.offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_begin_with_their_weights() {
        let tensor = |offset: usize, shape: &[usize]| TensorSpec {
            name: String::new(),
            shape: shape.to_vec(),
            offset,
        };
        let tensors = [
            tensor(0, &[4, 3, 3, 3]),
            tensor(108, &[4]),
            tensor(112, &[4]),
            tensor(116, &[2, 4]),
            tensor(124, &[2]),
        ];
        assert_eq!([1, 2, 3].map(|layers| first_of_last(layers, &tensors)), [116, 0, 0]);
        assert_eq!(first_of_last(1, &[]), 0);
    }
}
