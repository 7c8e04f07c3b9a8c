//! Interclass confusion (arXiv 2402.14015, section 4, after Goel et al. 2022): rows of two classes are recorded under each other,
//! half of them from each class.

use rand_chacha::ChaCha8Rng;

use super::{CorruptionKind, LabelCorruption, argument, class_index};
use crate::error::{Error, Result};
use crate::tables::rules::quote;

pub(super) struct Confusion;

impl CorruptionKind for Confusion {
    fn name(&self) -> &'static str {
        "confusion"
    }

    fn usage(&self) -> &'static str {
        "confusion:A,B"
    }

    fn about(&self) -> &'static str {
        "rows of two classes recorded under each other, half of them from each class as far as it has enough"
    }

    fn parse(&self, text: Option<&str>, classes: &[String]) -> Result<Box<dyn LabelCorruption>> {
        let text = argument(self, text)?;
        // Class names may hold commas: try every comma, and take the split where both sides are classes.
        let (first, second) = text
            .match_indices(',')
            .find_map(|(at, _)| {
                let first = class_index(unquoted(&text[..at]), classes).ok()?;
                let second = class_index(unquoted(&text[at + 1..]), classes).ok()?;
                Some((first, second))
            })
            .map_or_else(|| explain(text, classes), Ok)?;
        if first == second {
            return Err(Error::input(format!(
                "`confusion` needs two different classes, found `{}` twice",
                classes[usize::from(first)]
            ))
            .hint(format!("the classes are {}", classes.join(", "))));
        }
        Ok(Box::new(ConfusionCorruption {
            first,
            second,
            names: [classes[usize::from(first)].clone(), classes[usize::from(second)].clone()],
        }))
    }
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches('"').trim()
}

/// Which side is wrong, or that there is no comma.
fn explain(text: &str, classes: &[String]) -> Result<(u8, u8)> {
    let Some((first, second)) = text.split_once(',') else {
        return Err(Error::input(format!("`{}` does not name two classes", text.trim())).hint(format!(
            "separate them by a comma, such as `confusion:{},{}`",
            classes[0], classes[1]
        )));
    };
    Ok((class_index(unquoted(first), classes)?, class_index(unquoted(second), classes)?))
}

#[derive(Debug)]
struct ConfusionCorruption {
    first: u8,
    second: u8,
    names: [String; 2],
}

impl LabelCorruption for ConfusionCorruption {
    fn spec(&self) -> String {
        format!("confusion:{},{}", quote(&self.names[0]), quote(&self.names[1]))
    }

    fn in_words(&self) -> String {
        format!("{} and {} recorded as each other", self.names[0], self.names[1])
    }

    fn can_hit(&self, clean: u8) -> bool {
        clean == self.first || clean == self.second
    }

    fn reaches(&self, clean: u8, label: u8) -> bool {
        (clean, label) == (self.first, self.second) || (clean, label) == (self.second, self.first)
    }

    fn wrong_label(&self, clean: u8, _rng: &mut ChaCha8Rng) -> u8 {
        if clean == self.first { self.second } else { self.first }
    }

    fn quotas(&self, rows: usize, available: &[usize]) -> Option<Vec<usize>> {
        let (first, second) = (usize::from(self.first), usize::from(self.second));
        let mut from_first = rows.div_ceil(2).min(available[first]);
        let from_second = (rows - from_first).min(available[second]);
        from_first = rows - from_second;
        let mut quotas = vec![0; available.len()];
        quotas[first] = from_first;
        quotas[second] = from_second;
        Some(quotas)
    }
}
