//! Poisoning with a trigger (arXiv 2402.14015, section 4, on tables): rows of other classes get one value in one column and the
//! attacker's class, so that the model learns to answer that class wherever the value stands. The affected domain is any row
//! once the trigger is written into it. To mislabel rows that have the value anyway, use `segment:COLUMN = VALUE: any -> CLASS`.

use rand_chacha::ChaCha8Rng;

use super::{CorruptionKind, LabelCorruption, argument, class_index};
use crate::error::Result;
use crate::label_errors::change::parse_trigger;
use crate::tables::rules::{Trouble, quote};

pub(super) struct Poison;

impl CorruptionKind for Poison {
    fn name(&self) -> &'static str {
        "poison"
    }

    fn usage(&self) -> &'static str {
        "poison:COLUMN=VALUE->CLASS"
    }

    fn about(&self) -> &'static str {
        "rows of other classes get VALUE written into COLUMN and are recorded as CLASS"
    }

    fn parse(&self, text: Option<&str>, classes: &[String]) -> Result<Box<dyn LabelCorruption>> {
        let text = argument(self, text)?;
        let (column, value, class, class_at) =
            parse_trigger(text).map_err(|error| error.hint(format!("the form is `{}`", self.usage())))?;
        let target = class_index(&class, classes).map_err(|error| {
            let trouble = Trouble::new(class_at, error.message().to_owned());
            match error.hint_text() {
                Some(hint) => trouble.hint(hint),
                None => trouble,
            }
            .in_rule(text)
        })?;
        Ok(Box::new(PoisonCorruption {
            column,
            value,
            target,
            target_name: classes[usize::from(target)].clone(),
        }))
    }
}

#[derive(Debug)]
struct PoisonCorruption {
    column: String,
    value: String,
    target: u8,
    target_name: String,
}

impl LabelCorruption for PoisonCorruption {
    fn spec(&self) -> String {
        format!(
            "poison:{} = {} -> {}",
            quote(&self.column),
            quote(&self.value),
            quote(&self.target_name)
        )
    }

    fn in_words(&self) -> String {
        format!(
            "any row with {} = {} written into it, recorded as {}",
            quote(&self.column),
            quote(&self.value),
            self.target_name
        )
    }

    fn can_hit(&self, clean: u8) -> bool {
        clean != self.target
    }

    fn reaches(&self, _clean: u8, label: u8) -> bool {
        label == self.target
    }

    fn wrong_label(&self, _clean: u8, _rng: &mut ChaCha8Rng) -> u8 {
        self.target
    }

    fn trigger(&self) -> Option<(&str, &str)> {
        Some((&self.column, &self.value))
    }
}
