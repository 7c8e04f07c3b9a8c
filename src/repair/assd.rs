//! ASSD, adaptive selective synaptic dampening (arXiv 2402.10098): SSD that chooses its own alpha.

use super::dampening::{self, Strength};
use super::{Needs, RepairMethod, RepairOptions, RepairOutcome, Repairable};
use crate::error::Result;
use crate::progress::Progress;

/// ASSD: lambda = 1, alpha = the p-th percentile of the importance ratios with p = 100 - ln(1 + 100 * forget rows / all rows).
pub struct Assd;

/// Percentile of the importance ratios at which ASSD cuts, for a forget set of this share of the training rows. Equation 4
/// of the paper prints the inverse ratio; its selection rule needs this one.
pub fn percentile(forget_rows: usize, training_rows: usize) -> f64 {
    100.0 - (100.0 * forget_rows as f64 / training_rows as f64).ln_1p()
}

impl RepairMethod for Assd {
    fn name(&self) -> &'static str {
        "assd"
    }

    fn title(&self) -> &'static str {
        "ASSD (adaptive selective synaptic dampening)"
    }

    fn description(&self) -> &'static str {
        "Shrinks the few parameters that matter much more for the flagged rows than for the rest; chooses by itself how many."
    }

    fn needs(&self) -> Needs {
        Needs::StoredImportances
    }

    fn repair(&self, model: &mut dyn Repairable, options: &RepairOptions, _progress: &dyn Progress) -> Result<RepairOutcome> {
        let percentile = percentile(model.forget_rows(), model.training_rows());
        dampening::repair(model, options, Strength::Percentile(percentile))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_percentile_follows_the_share_of_flagged_rows() {
        // The value of the reference program for 7 of 96 rows.
        assert!((percentile(7, 96) - 97.884_749_005_623_45).abs() < 1e-12);
        assert!((percentile(1, 1) - (100.0 - 101.0_f64.ln())).abs() < 1e-12);
        assert!(percentile(1, 1_000_000) < 100.0);
    }
}
