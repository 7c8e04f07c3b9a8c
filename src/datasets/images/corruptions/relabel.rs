//! Slips without a pattern: any image, recorded as another class, each of them with equal probability.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{Corruption, CorruptionKind, Given, class_count};
use crate::datasets::images::ImageSet;
use crate::error::Result;

pub(super) struct Relabel;

impl CorruptionKind for Relabel {
    fn name(&self) -> &'static str {
        "relabel"
    }

    fn usage(&self) -> &'static str {
        "relabel:n=1000"
    }

    fn about(&self) -> &'static str {
        "any image, recorded as another class at random"
    }

    fn parse(&self, _given: &mut Given, set: &ImageSet) -> Result<Box<dyn Corruption>> {
        Ok(Box::new(Slips {
            classes: class_count(set)?,
        }))
    }
}

#[derive(Debug)]
struct Slips {
    classes: u8,
}

impl Corruption for Slips {
    fn settings(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn in_words(&self) -> String {
        "recorded as another class at random".to_owned()
    }

    fn can_hit(&self, _clean: u8) -> bool {
        true
    }

    fn wrong_label(&self, clean: u8, random: &mut ChaCha8Rng) -> u8 {
        let drawn = random.random_range(0..self.classes - 1);
        if drawn >= clean { drawn + 1 } else { drawn }
    }
}
