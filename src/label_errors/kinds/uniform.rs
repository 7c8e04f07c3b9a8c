//! Slips without a pattern: any row, always to another class, each other class with equal probability.

use rand_chacha::ChaCha8Rng;

use super::{CorruptionKind, LabelCorruption, any_other, class_count, no_argument};
use crate::error::Result;

pub(super) struct Uniform;

impl CorruptionKind for Uniform {
    fn name(&self) -> &'static str {
        "uniform"
    }

    fn usage(&self) -> &'static str {
        "uniform"
    }

    fn about(&self) -> &'static str {
        "any row, recorded under another class, each with equal probability"
    }

    fn parse(&self, argument: Option<&str>, classes: &[String]) -> Result<Box<dyn LabelCorruption>> {
        no_argument(self, argument)?;
        Ok(Box::new(UniformCorruption {
            classes: class_count(classes)?,
        }))
    }
}

#[derive(Debug)]
struct UniformCorruption {
    classes: u8,
}

impl LabelCorruption for UniformCorruption {
    fn spec(&self) -> String {
        "uniform".to_owned()
    }

    fn in_words(&self) -> String {
        "any row".to_owned()
    }

    fn wrong_label(&self, clean: u8, rng: &mut ChaCha8Rng) -> u8 {
        any_other(clean, self.classes, rng)
    }
}
