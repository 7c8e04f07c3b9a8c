//! The records of a unit.

use serde::{Deserialize, Serialize};

use super::SWEEP;
use super::settings::Piece;
use crate::experiments::tables::share;

/// One model after one method (or one setting of a sweep). Counts, so that nothing is lost to rounding.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Training images of the model.
    pub training_rows: u32,
    /// Training images to forget.
    pub forget_rows: u32,
    /// Test images of the retain accuracy, and how many are predicted right.
    pub retain: u32,
    /// See [`Record::retain`].
    pub retain_right: u32,
    /// Images of the forget accuracy, and how many are predicted right.
    pub forget: u32,
    /// See [`Record::forget`].
    pub forget_right: u32,
    /// Training images to forget that membership inference takes for training images.
    pub members: u32,
    /// Selection weighting, for methods that dampen.
    pub alpha: Option<f64>,
    /// Dampening constant, for methods that dampen.
    pub lambda: Option<f64>,
    /// Percentile of the ratios that ASSD cut at.
    pub percentile: Option<f64>,
    /// Parameters that became smaller.
    pub dampened: Option<u64>,
    /// Parameters in all.
    pub parameters: u64,
    /// Why the method failed, where it did; the counts are then those of the model as it was.
    pub failed: Option<String>,
}

impl Record {
    /// Accuracy on the test images that are to be kept.
    pub fn retain_accuracy(&self) -> Option<f64> {
        share(self.retain_right, self.retain)
    }

    /// Accuracy on the images that are to be forgotten.
    pub fn forget_accuracy(&self) -> Option<f64> {
        share(self.forget_right, self.forget)
    }

    /// Share of the training images to forget that membership inference takes for training images.
    pub fn membership(&self) -> Option<f64> {
        share(self.members, self.forget_rows)
    }
}

/// Whether these can be the records of a unit: one, or those of a sweep, and no count above its whole.
pub(super) fn check(piece: &Piece, records: &[Record]) -> Result<(), String> {
    let counts = |record: &Record| {
        record.retain_right <= record.retain
            && record.forget_right <= record.forget
            && record.members <= record.forget_rows
            && record.forget_rows <= record.training_rows
            && record.dampened.unwrap_or(0) <= record.parameters
    };
    if !records.iter().all(counts) {
        return Err("a count is above its whole".to_owned());
    }
    let swept = piece.name == SWEEP;
    if records.is_empty() || (records.len() > 1 && !swept) {
        return Err(format!("it has {} records", records.len()));
    }
    if swept && records.iter().any(|record| record.alpha.is_none() || record.lambda.is_none()) {
        return Err("a record of the sweep has no alpha or no lambda".to_owned());
    }
    Ok(())
}
