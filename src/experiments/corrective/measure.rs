//! Counting right predictions of a model on the rows a study looks at. Clean labels are used here and nowhere a method could see them.

use super::record::Row;
use crate::error::Result;
use crate::nn::{self, Network};

/// The rows of a unit and their clean labels.
pub(super) struct Judged<'a> {
    /// Test rows, rows x width.
    pub test: &'a [f32],
    /// Their clean labels.
    pub test_labels: &'a [u8],
    /// Which of them the errors could have hit.
    pub affected: &'a [bool],
    /// The affected rows' inputs where a trigger must be written into them first, in their order.
    pub triggered: Option<&'a [f32]>,
    /// Manipulated training rows, rows x width, and their clean labels.
    pub manipulated: &'a [f32],
    /// See above.
    pub manipulated_labels: &'a [u8],
    /// Training rows in all.
    pub training_rows: usize,
}

/// Predicted classes.
pub(super) fn predict(network: &Network<f32>, inputs: &[f32]) -> Result<Vec<u8>> {
    Ok(nn::predictions(&nn::logits(network, inputs, 1)?, network.spec().classes))
}

/// How many of these rows are learned as a class that was put in the place of their label, and for how many of these it is the clean one.
pub(in crate::experiments) fn relabelled(positions: &[u32], classes: &[Option<u8>], clean: &[u8]) -> (u32, u32) {
    let learned = positions.iter().zip(classes).filter_map(|(row, class)| Some((*row, (*class)?)));
    let right = learned.clone().filter(|(row, class)| clean[*row as usize] == *class);
    (learned.count() as u32, right.count() as u32)
}

fn right(predicted: impl Iterator<Item = u8>, labels: impl Iterator<Item = u8>) -> u32 {
    predicted.zip(labels).filter(|(one, other)| one == other).count() as u32
}

impl Judged<'_> {
    /// A record of this model, still without flags and settings.
    pub fn row(&self, method: &str, network: &Network<f32>) -> Result<Row> {
        let predicted = predict(network, self.test)?;
        let of = |wanted: bool| {
            let rows = predicted.iter().zip(self.test_labels).zip(self.affected);
            rows.filter(move |(_, affected)| **affected == wanted)
                .map(|((guess, label), _)| (*guess, *label))
        };
        let affected = of(true).count() as u32;
        let affected_right = match self.triggered {
            None => of(true).filter(|(guess, label)| guess == label).count() as u32,
            Some(inputs) => right(predict(network, inputs)?.into_iter(), of(true).map(|(_, label)| label)),
        };
        // A trigger leaves the rows as they are clean, so all of them tell about the use elsewhere.
        let (elsewhere, elsewhere_right) = if self.triggered.is_some() {
            (
                predicted.len() as u32,
                right(predicted.iter().copied(), self.test_labels.iter().copied()),
            )
        } else {
            (
                of(false).count() as u32,
                of(false).filter(|(guess, label)| guess == label).count() as u32,
            )
        };
        Ok(Row {
            known: None,
            method: method.to_owned(),
            flags: 0,
            false_flags: 0,
            proposed: None,
            proposed_wrong: None,
            relabelled: None,
            relabelled_right: None,
            affected,
            affected_right,
            elsewhere,
            elsewhere_right,
            manipulated: self.manipulated_labels.len() as u32,
            manipulated_right: right(
                predict(network, self.manipulated)?.into_iter(),
                self.manipulated_labels.iter().copied(),
            ),
            training_rows: self.training_rows as u32,
            deletion_change: None,
            validation_accuracy: None,
            chosen: None,
            failed: None,
        })
    }
}
