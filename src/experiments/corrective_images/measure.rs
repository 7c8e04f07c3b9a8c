//! Counting right predictions of a model. Clean labels are used here and nowhere a method could see them.

use super::record::Record;
use crate::datasets::images::corruptions::{Stamp, Stamped};
use crate::datasets::images::{Affected, Augmentation, Images, Normalisation, Resize, TrainingImages};
use crate::error::Result;
use crate::nn;
use crate::nn::images::{Compute, ImageNetwork, source_logits};
use crate::progress::Progress;
use crate::seed::Seed;

/// The images that the models of one manipulation are judged by.
pub(super) struct Judged<'a> {
    /// Test images as they are.
    pub test: &'a Images,
    pub affected: &'a Affected,
    /// Training images as they were spoiled, and numbers of the manipulated ones.
    pub spoiled: &'a Images,
    pub manipulated: &'a [u32],
    /// Clean labels of all training images.
    pub clean_labels: &'a [u8],
    /// What is written over triggered images after augmentation.
    pub stamp: Option<Stamp>,
    pub normalisation: &'a Normalisation,
    pub resize: Option<&'a Resize>,
    pub compute: Compute<'a>,
}

impl Judged<'_> {
    /// How many of these images a network gives the right class; `stamped`: whether they carry the stamp, where there is one.
    fn right(
        &self,
        network: &ImageNetwork<f32>,
        (images, rows): (&Images, &[u32]),
        stamped: bool,
        clean: impl Fn(u32) -> u8,
        progress: &dyn Progress,
    ) -> Result<u32> {
        if rows.is_empty() {
            return Ok(0);
        }
        let source = Stamped {
            images: TrainingImages {
                images,
                normalisation: self.normalisation,
                augmentation: Augmentation::NONE,
                resize: self.resize,
                seed: Seed(0),
            },
            stamp: self.stamp.filter(|_| stamped).map(|stamp| (stamp, rows)),
        };
        let logits = source_logits(network, &source, rows, 0, self.compute, progress)?;
        let predicted = nn::predictions(&logits, network.spec().classes);
        Ok(predicted.iter().zip(rows).filter(|(found, row)| **found == clean(**row)).count() as u32)
    }

    /// A record of this model, still without flags and settings.
    pub fn record(&self, network: &ImageNetwork<f32>, progress: &dyn Progress) -> Result<Record> {
        let affected: Vec<u32> = (0..self.affected.images.len() as u32).collect();
        let images = &self.affected.images;
        let label = |row: u32| images.labels[row as usize];
        Ok(Record {
            training_images: self.spoiled.len() as u32,
            affected: affected.len() as u32,
            affected_right: self.right(network, (images, &affected), true, label, progress)?,
            elsewhere: self.affected.elsewhere.len() as u32,
            elsewhere_right: {
                let label = |row: u32| self.test.labels[row as usize];
                self.right(network, (self.test, &self.affected.elsewhere), false, label, progress)?
            },
            manipulated: self.manipulated.len() as u32,
            manipulated_right: {
                let label = |row: u32| self.clean_labels[row as usize];
                self.right(network, (self.spoiled, self.manipulated), true, label, progress)?
            },
            ..Record::default()
        })
    }
}
