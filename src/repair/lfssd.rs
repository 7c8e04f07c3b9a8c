//! LFSSD, loss-free SSD (Foster, Schoepf, Brintrup 2024, arXiv 2402.19308): SSD with, in place of the Fisher information, how much the
//! output reacts to each parameter, the mean over mini-batches of |d mean ||f(x)||^2 / d parameter| with f the logits. It reads no label,
//! so flags alone tell it what to forget.

use super::dampening::{self, Strength};
use super::ssd::grid;
use super::{Needs, RepairMethod, RepairOptions, RepairOutcome, Repairable};
use crate::error::Result;
use crate::nn::OutputSize;
use crate::progress::Progress;

/// SSD without labels.
pub struct LossFreeSsd;

impl RepairMethod for LossFreeSsd {
    fn name(&self) -> &'static str {
        "lfssd"
    }

    fn title(&self) -> &'static str {
        "LFSSD (loss-free SSD)"
    }

    fn description(&self) -> &'static str {
        "As SSD, with the reaction of the model's output to each parameter as importance, which takes no labels."
    }

    fn needs(&self) -> Needs {
        Needs::TrainingRows
    }

    fn grid(&self, _model: &dyn Repairable, options: &RepairOptions) -> Vec<RepairOptions> {
        grid(options)
    }

    fn repair(&self, model: &mut dyn Repairable, options: &RepairOptions, _progress: &dyn Progress) -> Result<RepairOutcome> {
        let measured = dampening::by_reaction(model, options, OutputSize::SquaredLength)?;
        let strength = Strength::Fixed {
            alpha: options.ssd.alpha,
            lambda: options.ssd.lambda,
        };
        dampening::repair_by(model, measured, strength)
    }
}
