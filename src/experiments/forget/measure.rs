//! Accuracy on what is kept and on what is to be forgotten, and membership inference.

use crate::datasets::images::{ImageSet, TrainingImages};
use crate::error::Result;
use crate::nn::images::{Compute, ImageNetwork, source_logits};
use crate::nn::{self, softened};
use crate::progress::Progress;
use crate::stats::LogisticLine;

use super::task::ForgetSet;

/// What is counted of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub retain: u32,
    pub retain_right: u32,
    pub forget: u32,
    pub forget_right: u32,
    pub members: u32,
}

/// The images that models of one forget set are judged by.
pub(super) struct Judged<'a> {
    pub set: &'a ImageSet,
    pub forget_set: &'a ForgetSet,
    /// Training images that are kept, as the membership inference sees them.
    pub members: &'a [u32],
    /// Training and test images as they are.
    pub train: TrainingImages<'a>,
    pub test: TrainingImages<'a>,
    pub compute: Compute<'a>,
}

impl Judged<'_> {
    /// Membership inference: a logistic regression of balanced classes on the entropy of the output learns to tell kept training images
    /// from test images; counted are the forgotten training images that it takes for training images.
    pub fn counts(&self, network: &ImageNetwork<f32>, progress: &dyn Progress) -> Result<Counts> {
        let classes = network.spec().classes;
        let logits = |source: &TrainingImages, rows: &[u32]| source_logits(network, source, rows, 0, self.compute, progress);
        let all: Vec<u32> = (0..self.set.test.len() as u32).collect();
        let test = logits(&self.test, &all)?;
        let forgotten = logits(&self.train, &self.forget_set.forget)?;
        let kept = logits(&self.train, self.members)?;
        let line = LogisticLine::balanced(&entropies(&kept, classes), &entropies(&test, classes))?;
        let members = entropies(&forgotten, classes).into_iter().filter(|entropy| line.is_first(*entropy));

        let predicted = nn::predictions(&test, classes);
        let right = |rows: &[u32]| {
            let own = rows
                .iter()
                .filter(|row| predicted[**row as usize] == self.set.test.labels[**row as usize]);
            own.count() as u32
        };
        let (forget, forget_right) = if self.forget_set.forget_test.is_empty() {
            let labels = self.forget_set.forget.iter().map(|row| self.set.train.labels[*row as usize]);
            let hits = nn::predictions(&forgotten, classes)
                .into_iter()
                .zip(labels)
                .filter(|(one, other)| one == other);
            (self.forget_set.forget.len(), hits.count() as u32)
        } else {
            (self.forget_set.forget_test.len(), right(&self.forget_set.forget_test))
        };
        Ok(Counts {
            retain: self.forget_set.retain_test.len() as u32,
            retain_right: right(&self.forget_set.retain_test),
            forget: forget as u32,
            forget_right,
            members: members.count() as u32,
        })
    }
}

/// Entropy of every image's answer, natural logarithm.
fn entropies(logits: &[f32], classes: usize) -> Vec<f64> {
    let wide: Vec<f64> = logits.iter().map(|logit| f64::from(*logit)).collect();
    let entropy = |shares: &[f64]| -> f64 { shares.iter().filter(|share| **share > 0.0).map(|share| -share * share.ln()).sum() };
    softened(&wide, classes, 1.0).chunks_exact(classes).map(entropy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entropy_of_an_even_answer_is_the_logarithm_of_the_classes_and_of_a_sure_one_0() {
        let found = entropies(&[1.0, 1.0, 1.0, 900.0, 0.0, 0.0, 0.0, 0.0, f32::MIN], 3);
        assert!(
            (found[0] - 3.0_f64.ln()).abs() < 1e-12 && found[1] == 0.0 && (found[2] - 2.0_f64.ln()).abs() < 1e-12,
            "{found:?}"
        );
    }
}
