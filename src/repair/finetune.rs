//! Fine-tuning on the rows that are not flagged.

use serde::{Deserialize, Serialize};

use super::{Needs, RepairMethod, RepairOptions, RepairOutcome, Repairable, at_least_one};
use crate::error::Result;
use crate::progress::Progress;

/// Trains on for one epoch (or as many as the options say) without the flagged rows.
pub struct FineTune;

/// Settings of fine-tuning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FinetuneOptions {
    /// Epochs, at least 1.
    #[serde(rename = "finetune_epochs")]
    pub epochs: usize,
}

impl Default for FinetuneOptions {
    fn default() -> Self {
        Self { epochs: 1 }
    }
}

impl FinetuneOptions {
    pub(super) fn check(&self) -> Result<()> {
        at_least_one("fine-tuning needs at least one epoch", self.epochs)
    }
}

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
            training: Some(model.finetune(options.finetune.epochs, progress)?),
            dampening: None,
        })
    }
}
