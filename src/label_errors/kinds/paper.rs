//! The injector behind the published tables of the ASSD paper (arXiv 2402.10098), faults and all.
//!
//! It goes through the classes in order and replaces each row that *now* has that class by another class, drawn uniformly; a row that
//! was just replaced is met again under its new class. With three classes that gives, by clean label:
//!
//! | clean | recorded as 0 | as 1 | as 2 |
//! |---|---|---|---|
//! | 0 | 5/8 | 3/8 | 0 |
//! | 1 | 3/4 | 1/4 | 0 |
//! | 2 | 1/2 | 1/2 | 0 |
//!
//! So 62.5 % of the "errors" of class 0 and 25 % of those of class 1 return to the true label, and the last class is never the result.
//! Kept to compare with the published figures only; `uniform` is what the paper describes.

use rand_chacha::ChaCha8Rng;

use super::{CorruptionKind, LabelCorruption, any_other, class_count, no_argument};
use crate::error::Result;

pub(super) struct Paper;

impl CorruptionKind for Paper {
    fn name(&self) -> &'static str {
        "paper"
    }

    fn usage(&self) -> &'static str {
        "paper"
    }

    fn about(&self) -> &'static str {
        "the published injector with its faults: part of the flagged rows keep their true label, and the last class is never the result"
    }

    fn parse(&self, argument: Option<&str>, classes: &[String]) -> Result<Box<dyn LabelCorruption>> {
        no_argument(self, argument)?;
        Ok(Box::new(PaperCorruption {
            classes: class_count(classes)?,
        }))
    }
}

#[derive(Debug)]
struct PaperCorruption {
    classes: u8,
}

impl LabelCorruption for PaperCorruption {
    fn spec(&self) -> String {
        "paper".to_owned()
    }

    fn in_words(&self) -> String {
        "any row".to_owned()
    }

    fn reaches(&self, clean: u8, label: u8) -> bool {
        clean != label && label + 1 < self.classes
    }

    fn wrong_label(&self, clean: u8, rng: &mut ChaCha8Rng) -> u8 {
        let mut label = clean;
        for class in 0..self.classes {
            if label == class {
                label = any_other(label, self.classes, rng);
            }
        }
        label
    }
}
