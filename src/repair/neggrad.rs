//! NegGrad+ (Kurmanji et al. 2023, arXiv 2302.09880, section 4): descends on the rows that are not flagged and climbs on the flagged ones,
//!
//! L(w) = beta / |D_r| sum_r l(f(x_r; w), y_r) - (1 - beta) / |D_f| sum_f l(f(x_f; w), y_f).
//!
//! Every step takes a batch of the retain set and the next batch of the forget set, which is gone through again and again. Both go
//! through batch norm together, so that a few flagged rows of one kind do not become what the model takes for the average row.

use serde::{Deserialize, Serialize};

use super::steps::{GradientStep, LossTerm, batches};
use super::{Needs, RepairMethod, RepairOptions, RepairOutcome, Repairable, at_least_one, within};
use crate::error::Result;
use crate::progress::Progress;

/// NegGrad+.
pub struct NegGradPlus;

/// Weights beta, and factors on the learning rate, which a search tries.
const WEIGHTS: [f64; 3] = [0.9, 0.95, 0.99];
const RATES: [f64; 2] = [1.0, 3.0];

/// Settings of NegGrad+.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NegGradOptions {
    /// Weight beta on the retain set, from above 0.5 to 1.
    #[serde(rename = "neggrad_weight")]
    pub weight: f64,
    /// Passes over the retain set, at least 1.
    #[serde(rename = "neggrad_passes")]
    pub passes: usize,
}

impl Default for NegGradOptions {
    fn default() -> Self {
        Self { weight: 0.95, passes: 2 }
    }
}

impl NegGradOptions {
    pub(super) fn check(&self) -> Result<()> {
        let right = self.weight > 0.5 && self.weight <= 1.0;
        within("the weight of NegGrad+", self.weight, right, "above 0.5 and at most 1")?;
        at_least_one("NegGrad+ needs at least one pass", self.passes)
    }
}

impl RepairMethod for NegGradPlus {
    fn name(&self) -> &'static str {
        "neggrad-plus"
    }

    fn title(&self) -> &'static str {
        "NegGrad+"
    }

    fn description(&self) -> &'static str {
        "Unlearns the labels of the flagged rows step by step while learning on from the rest."
    }

    fn needs(&self) -> Needs {
        Needs::TrainingRows
    }

    fn grid(&self, model: &dyn Repairable, options: &RepairOptions) -> Vec<RepairOptions> {
        let rate = options.unlearning.learning_rate.unwrap_or(model.schedule().next_rate);
        let mut all = Vec::new();
        for weight in WEIGHTS {
            for factor in RATES {
                let mut one = options.clone();
                one.unlearning.learning_rate = Some(rate * factor);
                one.unlearning.neggrad.weight = weight;
                all.push(one);
            }
        }
        all
    }

    fn repair(&self, model: &mut dyn Repairable, options: &RepairOptions, progress: &dyn Progress) -> Result<RepairOutcome> {
        let settings = &options.unlearning;
        let schedule = model.schedule();
        let learning_rate = settings.learning_rate.unwrap_or(schedule.next_rate);
        let retain = batches(model.retain_rows()?, schedule.batch);
        let forget = batches(model.forget_rows(), schedule.batch);
        let weight = settings.neggrad.weight;
        let mut again = forget.iter().cycle();
        let mut steps = (0..settings.neggrad.passes * retain.len()).map(|number| GradientStep {
            retain: Some(LossTerm::labels(retain[number % retain.len()].clone(), weight)),
            forget: again.next().map(|run| LossTerm::labels(run.clone(), weight - 1.0)),
            learning_rate,
            pass: number / retain.len(),
        });
        RepairOutcome::trained(model.gradient_steps(&mut steps, (settings.seed, 0), progress)?)
    }
}
