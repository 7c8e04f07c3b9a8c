//! The records of a unit.

use serde::{Deserialize, Serialize};

use super::settings::{ImageStudySettings, Model, Piece};
use crate::experiments::tables::share;

/// One model. Counts, so that nothing is lost to rounding; all by clean labels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Images that the model was trained on.
    pub training_images: u32,
    /// Test images of the affected domain, with the trigger where there is one, and how many are predicted right.
    pub affected: u32,
    /// See [`Record::affected`].
    pub affected_right: u32,
    /// Test images outside it, and how many are predicted right.
    pub elsewhere: u32,
    /// See [`Record::elsewhere`].
    pub elsewhere_right: u32,
    /// Manipulated training images, known or not, and how many are predicted as their clean label.
    pub manipulated: u32,
    /// See [`Record::manipulated`].
    pub manipulated_right: u32,
    /// Flagged training images.
    pub flags: u32,
    /// Of these, images that were not manipulated.
    pub false_flags: u32,
    /// Images proposed beside the flagged ones, for ways that expand.
    #[serde(default)]
    pub proposed: Option<u32>,
    /// Of these, images that were manipulated.
    #[serde(default)]
    pub proposed_wrong: Option<u32>,
    /// Flagged and proposed images that were learned as their likeliest class, for ways that relabel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relabelled: Option<u32>,
    /// Of these, images whose likeliest class is the clean one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relabelled_right: Option<u32>,
    /// What the flagged images have in common, in words.
    #[serde(default)]
    pub rules: Vec<String>,
    /// Share of the flagged images that are no longer given their recorded label.
    pub deletion_change: Option<f64>,
    /// Accuracy on the images that settings are chosen by (recorded labels, flagged images left out).
    pub validation_accuracy: Option<f64>,
    /// The settings chosen, as JSON, where there was a choice.
    pub chosen: Option<String>,
    /// Why the method failed, where it did; the counts are then those of the spoiled model.
    pub failed: Option<String>,
}

impl Record {
    /// Accuracy on the affected domain.
    pub fn affected_accuracy(&self) -> Option<f64> {
        share(self.affected_right, self.affected)
    }

    /// Accuracy outside it.
    pub fn elsewhere_accuracy(&self) -> Option<f64> {
        share(self.elsewhere_right, self.elsewhere)
    }

    /// Accuracy on the manipulated training images.
    pub fn manipulated_accuracy(&self) -> Option<f64> {
        share(self.manipulated_right, self.manipulated)
    }
}

impl Record {
    /// Share of the proposed images that were manipulated; absent where none is proposed.
    pub fn precision(&self) -> Option<f64> {
        share(self.proposed_wrong?, self.proposed?)
    }

    /// Share of the manipulated images that are not known which is proposed; absent where all are known.
    pub fn recall(&self) -> Option<f64> {
        share(
            self.proposed_wrong?,
            (self.manipulated + self.false_flags).saturating_sub(self.flags),
        )
    }
}

/// Whether these can be the records of a unit: one, and no count above its whole.
pub(super) fn check(settings: &ImageStudySettings, piece: &Piece, records: &[Record]) -> Result<(), String> {
    let [record] = records else {
        return Err(format!("it has {} records", records.len()));
    };
    let within = record.affected_right <= record.affected
        && record.elsewhere_right <= record.elsewhere
        && record.manipulated_right <= record.manipulated
        && record.manipulated <= record.training_images
        && record.false_flags <= record.flags
        && record.flags + record.proposed.unwrap_or(0) <= record.training_images
        && record.proposed_wrong.unwrap_or(0) <= record.proposed.unwrap_or(0).min(record.manipulated)
        && record.relabelled.unwrap_or(0) <= record.flags + record.proposed.unwrap_or(0)
        && record.relabelled_right.unwrap_or(0) <= record.relabelled.unwrap_or(0);
    if !within {
        return Err("a count is above its whole".to_owned());
    }
    if record.training_images as usize != settings.trained_on() {
        return Err(format!("it is of a model of {} training images", record.training_images));
    }
    let repaired = matches!(piece.model, Model::Repaired { .. });
    if repaired == (record.flags == 0) {
        return Err(format!("it has {} flags", record.flags));
    }
    Ok(())
}
