//! Retraining without the flagged rows: the yardstick, and the slowest.

use super::{Needs, RepairMethod, RepairOptions, RepairOutcome, Repairable};
use crate::error::Result;
use crate::progress::Progress;

/// Trains from the same initial weights (all of them, not only the head) without the flagged rows.
pub struct Retrain;

impl RepairMethod for Retrain {
    fn name(&self) -> &'static str {
        "retrain"
    }

    fn title(&self) -> &'static str {
        "Retrain"
    }

    fn description(&self) -> &'static str {
        "Trains a new model from the same start on the rows that are not flagged, and on flagged rows with the label you corrected."
    }

    fn needs(&self) -> Needs {
        Needs::TrainingRows
    }

    fn repair(&self, model: &mut dyn Repairable, _options: &RepairOptions, progress: &dyn Progress) -> Result<RepairOutcome> {
        Ok(RepairOutcome {
            training: Some(model.retrain(progress)?),
            dampening: None,
        })
    }
}
