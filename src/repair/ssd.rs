//! SSD, selective synaptic dampening (arXiv 2308.07707, equations 3 and 4).

use super::dampening::{self, Strength};
use super::{Needs, RepairMethod, RepairOptions, RepairOutcome, Repairable};
use crate::error::Result;
use crate::progress::Progress;

/// SSD with the alpha and lambda of the options.
pub struct Ssd;

impl RepairMethod for Ssd {
    fn name(&self) -> &'static str {
        "ssd"
    }

    fn title(&self) -> &'static str {
        "SSD (selective synaptic dampening)"
    }

    fn description(&self) -> &'static str {
        "Shrinks the parameters whose importance for the flagged rows exceeds alpha times that for the rest."
    }

    fn needs(&self) -> Needs {
        Needs::StoredImportances
    }

    fn repair(&self, model: &mut dyn Repairable, options: &RepairOptions, _progress: &dyn Progress) -> Result<RepairOutcome> {
        let strength = Strength::Fixed {
            alpha: options.ssd_alpha,
            lambda: options.ssd_lambda,
        };
        dampening::repair(model, options, strength)
    }
}
