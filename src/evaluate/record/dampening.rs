//! What a method dampened, for the report.

use serde::{Deserialize, Serialize};

/// What dampening did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DampeningRecord {
    /// "squared batch gradient" or "per-sample Fisher".
    pub importance: String,
    /// What the flagged rows were compared with: "retain set on the original batches", "retain set", "full training set".
    pub reference: String,
    /// Percentile p of ASSD (equation 4 of arXiv 2402.10098); absent for SSD.
    pub percentile: Option<f64>,
    /// Selection weighting alpha: parameters whose importance ratio exceeds it are dampened.
    pub alpha: f64,
    /// Dampening constant lambda.
    pub lambda: f64,
    /// Parameters in all.
    pub parameters: usize,
    /// Parameters that were dampened.
    pub dampened: usize,
    /// Parameters that became exactly 0.
    pub zeroed: usize,
    /// Per tensor, in network order.
    pub layers: Vec<LayerDampening>,
    /// Histogram of log10(forget importance / reference importance) over finite positive ratios.
    pub ratio_histogram: Vec<HistogramBin>,
}

/// What dampening did to one tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerDampening {
    /// Tensor name, such as `layers.0.linear.weight`.
    pub tensor: String,
    /// Parameters in it.
    pub parameters: usize,
    /// Of these dampened.
    pub dampened: usize,
}

/// `[low, high)` in log10 of the ratio, and how many parameters fall in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HistogramBin {
    /// Lower edge.
    pub low: f64,
    /// Upper edge.
    pub high: f64,
    /// Count.
    pub count: usize,
}
