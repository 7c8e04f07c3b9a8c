//! The records of a unit.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::settings::StudySettings;
use super::{CLEAN, NONE};

/// One method in one unit at one known share. Counts, so that nothing is lost to rounding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Share of the manipulated rows that is known; absent for the clean and the corrupted model.
    pub known: Option<f64>,
    /// Method.
    pub method: String,
    /// Flagged training rows.
    pub flags: u32,
    /// Of these, rows that are not wrong.
    pub false_flags: u32,
    /// Rows proposed beside the flagged ones, for methods that expand.
    pub proposed: Option<u32>,
    /// Of these, rows that are wrong.
    pub proposed_wrong: Option<u32>,
    /// Flagged and proposed rows that were learned as their likeliest class, for ways that relabel.
    pub relabelled: Option<u32>,
    /// Of these, rows whose clean label that is.
    pub relabelled_right: Option<u32>,
    /// Test rows of the affected domain, and how many are predicted as their clean label.
    pub affected: u32,
    /// See [`Row::affected`].
    pub affected_right: u32,
    /// Test rows outside it, and how many are predicted right.
    pub elsewhere: u32,
    /// See [`Row::elsewhere`].
    pub elsewhere_right: u32,
    /// Manipulated training rows (known or not), and how many are predicted as their clean label.
    pub manipulated: u32,
    /// See [`Row::manipulated`].
    pub manipulated_right: u32,
    /// Training rows.
    pub training_rows: u32,
    /// Share of the deletion set that is no longer given its observed label.
    pub deletion_change: Option<f64>,
    /// Accuracy on the rows that settings were chosen by (observed labels, flagged rows left out).
    pub validation_accuracy: Option<f64>,
    /// The settings chosen, as JSON, where there was a choice.
    pub chosen: Option<String>,
    /// Why the method failed, where it did; its counts are then those of the corrupted model.
    pub failed: Option<String>,
}

/// Whether these can be the records of a unit: the clean and the corrupted model, every way at every known share once, and no count above
/// its whole.
pub(super) fn check(settings: &StudySettings, rows: &[Row]) -> Result<(), String> {
    let mut missing: BTreeSet<(Option<u64>, &str)> = [CLEAN, NONE].map(|model| (None, model)).into();
    for known in &settings.known {
        missing.extend(settings.methods.iter().map(|method| (Some(known.to_bits()), method.as_str())));
    }
    for row in rows {
        let within = row.affected_right <= row.affected
            && row.elsewhere_right <= row.elsewhere
            && row.manipulated_right <= row.manipulated
            && row.manipulated <= row.training_rows
            && row.false_flags <= row.flags
            && row.proposed_wrong.unwrap_or(0) <= row.proposed.unwrap_or(0)
            && row.relabelled_right.unwrap_or(0) <= row.relabelled.unwrap_or(0);
        if !within {
            return Err(format!("a count of `{}` is above its whole", row.method));
        }
        if !missing.remove(&(row.known.map(f64::to_bits), row.method.as_str())) {
            return Err(format!("it tells twice of `{}`, or of what was not computed", row.method));
        }
    }
    match missing.first() {
        Some((_, method)) => Err(format!("it does not tell of `{method}`")),
        None => Ok(()),
    }
}
