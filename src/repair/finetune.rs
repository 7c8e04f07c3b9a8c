//! Fine-tuning on the rows that are not flagged.

use super::{Needs, RepairMethod, RepairOptions, RepairOutcome, Repairable};
use crate::error::Result;
use crate::progress::Progress;

/// Trains on for one epoch (or as many as the options say) without the flagged rows.
pub struct FineTune;

impl RepairMethod for FineTune {
    fn name(&self) -> &'static str {
        "finetune"
    }

    fn title(&self) -> &'static str {
        "Fine-tune"
    }

    fn description(&self) -> &'static str {
        "Trains the model a little further on the rows that are not flagged, and on flagged rows with the label you corrected."
    }

    fn needs(&self) -> Needs {
        Needs::TrainingRows
    }

    fn repair(&self, model: &mut dyn Repairable, options: &RepairOptions, progress: &dyn Progress) -> Result<RepairOutcome> {
        Ok(RepairOutcome {
            training: Some(model.finetune(options.finetune_epochs, progress)?),
            dampening: None,
        })
    }
}
