//! No error at all: rows are flagged, and their labels stay right.
//!
//! What a repair "gains" on such flags is not a repair: it is another training, or fewer rows. Beside real errors it shows how much of a
//! gain is that.

use rand_chacha::ChaCha8Rng;

use super::{CorruptionKind, LabelCorruption, no_argument};
use crate::error::Result;

pub(super) struct Placebo;

impl CorruptionKind for Placebo {
    fn name(&self) -> &'static str {
        "placebo"
    }

    fn usage(&self) -> &'static str {
        "placebo"
    }

    fn about(&self) -> &'static str {
        "no error: the flagged rows are right, so what a repair changes is no repair"
    }

    fn parse(&self, argument: Option<&str>, _classes: &[String]) -> Result<Box<dyn LabelCorruption>> {
        no_argument(self, argument)?;
        Ok(Box::new(NoCorruption))
    }
}

#[derive(Debug)]
struct NoCorruption;

impl LabelCorruption for NoCorruption {
    fn spec(&self) -> String {
        "placebo".to_owned()
    }

    fn in_words(&self) -> String {
        "no row: the flags are false".to_owned()
    }

    fn reaches(&self, _clean: u8, _label: u8) -> bool {
        false
    }

    fn wrong_label(&self, clean: u8, _rng: &mut ChaCha8Rng) -> u8 {
        clean
    }
}
