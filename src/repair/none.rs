//! No repair: the old model, as one of the choices.

use super::{Needs, RepairMethod, RepairOptions, RepairOutcome, Repairable};
use crate::error::Result;
use crate::progress::Progress;

/// Leaves the model as it is. Not among [`super::METHODS`]: nobody asks for it, but a choice among methods may end with it.
pub struct NoRepair;

impl RepairMethod for NoRepair {
    fn name(&self) -> &'static str {
        "none"
    }

    fn title(&self) -> &'static str {
        "No repair"
    }

    fn description(&self) -> &'static str {
        "Keeps the model as it is."
    }

    fn needs(&self) -> Needs {
        Needs::StoredImportances
    }

    fn repair(&self, _model: &mut dyn Repairable, _options: &RepairOptions, _progress: &dyn Progress) -> Result<RepairOutcome> {
        Ok(RepairOutcome::default())
    }
}
