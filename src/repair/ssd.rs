//! SSD, selective synaptic dampening (arXiv 2308.07707, equations 3 and 4).

use serde::{Deserialize, Serialize};

use super::dampening::{self, Strength};
use super::{Needs, RepairMethod, RepairOptions, RepairOutcome, Repairable, above_zero, from_zero_up, within};
use crate::error::Result;
use crate::progress::Progress;

/// SSD with the alpha and lambda of the options.
pub struct Ssd;

/// Settings of SSD.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SsdOptions {
    /// Selection weighting alpha, above 0 (arXiv 2308.07707 searches 0.1 to 100; 10, the default, is its choice for image networks).
    #[serde(rename = "ssd_alpha")]
    pub alpha: f64,
    /// Dampening constant lambda, from 0 (paper: 0.1 to 5, default 1).
    #[serde(rename = "ssd_lambda")]
    pub lambda: f64,
}

impl Default for SsdOptions {
    fn default() -> Self {
        Self { alpha: 10.0, lambda: 1.0 }
    }
}

impl SsdOptions {
    pub(super) fn check(&self) -> Result<()> {
        within("alpha", self.alpha, above_zero(self.alpha), "a number above 0")?;
        within("lambda", self.lambda, from_zero_up(self.lambda), "a number from 0 up")
    }
}

/// The 10 x 5 grid over which the corrective paper (arXiv 2402.14015) searches SSD's settings; the rule is in [`super::choose`].
pub const ALPHAS: [f64; 10] = [0.1, 1.0, 10.0, 50.0, 100.0, 500.0, 1e3, 1e4, 1e5, 1e6];
/// See [`ALPHAS`]; multiples of alpha where [`RepairOptions::by_text`].
pub const LAMBDAS: [f64; 5] = [0.1, 0.5, 1.0, 5.0, 10.0];

/// The grid, large alphas first: of settings that are as good as each other the one that changes least is taken.
pub(super) fn grid(options: &RepairOptions) -> Vec<RepairOptions> {
    let mut all = Vec::with_capacity(ALPHAS.len() * LAMBDAS.len());
    for alpha in ALPHAS.iter().rev() {
        for lambda in LAMBDAS.iter().rev() {
            all.push(RepairOptions {
                ssd: SsdOptions {
                    alpha: *alpha,
                    lambda: *lambda,
                },
                ..options.clone()
            });
        }
    }
    all
}

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

    fn grid(&self, _model: &dyn Repairable, options: &RepairOptions) -> Vec<RepairOptions> {
        grid(options)
    }

    fn repair(&self, model: &mut dyn Repairable, options: &RepairOptions, _progress: &dyn Progress) -> Result<RepairOutcome> {
        let strength = Strength::Fixed {
            alpha: options.ssd.alpha,
            lambda: options.ssd.lambda * if options.by_text { options.ssd.alpha } else { 1.0 },
        };
        dampening::repair(model, options, strength)
    }
}
