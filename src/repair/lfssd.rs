//! LFSSD, loss-free SSD (Foster, Schoepf, Brintrup 2024, arXiv 2402.19308): SSD with, in place of the Fisher information, how much the
//! output reacts to each parameter, the mean over mini-batches of |d mean ||f(x)||^2 / d parameter| with f the logits. It reads no label,
//! so flags alone tell it what to forget.

use super::dampening::{self, Strength};
use super::ssd::grid;
use super::{Needs, Reference, RepairMethod, RepairOptions, RepairOutcome, Repairable};
use crate::error::Result;
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
        // Sensitivities are not stored by training, so the retain set is batched again.
        let reference = match options.reference {
            Reference::Full => Reference::Full,
            Reference::Retain | Reference::RetainOnOriginalBatches => Reference::Retain,
        };
        let measured = dampening::Measured {
            forget: model.forget_sensitivity()?,
            against: model.reference_sensitivity(reference)?,
            importance: "sensitivity of the output".to_owned(),
            reference: reference.title().to_owned(),
        };
        let strength = Strength::Fixed {
            alpha: options.ssd_alpha,
            lambda: options.ssd_lambda,
        };
        dampening::repair_by(model, measured, strength)
    }
}
