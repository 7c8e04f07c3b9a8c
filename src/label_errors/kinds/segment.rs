//! A systematic error: rows that meet a condition over real columns, from one class to another.

use rand_chacha::ChaCha8Rng;

use super::{CorruptionKind, LabelCorruption, any_other, argument, class_count, class_index};
use crate::error::{Error, Result};
use crate::label_errors::Amount;
use crate::tables::Rule;
use crate::tables::rules::{Trouble, quote};

pub(super) struct Segment;

impl CorruptionKind for Segment {
    fn name(&self) -> &'static str {
        "segment"
    }

    fn usage(&self) -> &'static str {
        "segment:CONDITION: FROM -> TO[, SHARE]"
    }

    fn about(&self) -> &'static str {
        "rows that meet a condition, such as `segment:Market = LATAM and \"Shipping Mode\" = \"Standard Class\": Late -> On time, 60%`"
    }

    fn parse(&self, text: Option<&str>, classes: &[String]) -> Result<Box<dyn LabelCorruption>> {
        let text = argument(self, text)?;
        let (rule, change) = Rule::parse_with_change(text).map_err(|error| error.hint(format!("the form is `{}`", self.usage())))?;
        let class = |name: &str, at: usize| class_index(name, classes).map_err(|error| at_place(error, at, text));
        let from = match class(&change.from, change.from_at) {
            Ok(index) => Some(index),
            Err(_) if ["any", "*"].contains(&change.from.to_lowercase().as_str()) => None,
            Err(error) => return Err(error),
        };
        let to = match class(&change.to, change.to_at) {
            Ok(index) => Some(index),
            Err(_) if change.to.eq_ignore_ascii_case("other") => None,
            Err(error) => return Err(error),
        };
        if from.is_some() && from == to {
            return Err(Trouble::new(change.to_at, format!("`{}` is recorded as itself", change.to))
                .hint(format!("the classes are {}", classes.join(", ")))
                .in_rule(text));
        }
        let name =
            |index: Option<u8>, else_name: &str| index.map_or_else(|| else_name.to_owned(), |index| classes[usize::from(index)].clone());
        Ok(Box::new(SegmentCorruption {
            rule,
            from,
            to,
            from_name: name(from, "any"),
            to_name: name(to, "other"),
            amount: change.amount,
            classes: class_count(classes)?,
        }))
    }
}

/// An error about a class, pointing at its place in the rule.
fn at_place(error: Error, at: usize, text: &str) -> Error {
    let trouble = Trouble::new(at, error.message().to_owned());
    match error.hint_text() {
        Some(hint) => trouble.hint(hint),
        None => trouble,
    }
    .in_rule(text)
}

#[derive(Debug)]
struct SegmentCorruption {
    rule: Rule,
    /// `None`: any class.
    from: Option<u8>,
    /// `None`: any other class, each with equal probability.
    to: Option<u8>,
    from_name: String,
    to_name: String,
    amount: Option<Amount>,
    classes: u8,
}

impl LabelCorruption for SegmentCorruption {
    fn spec(&self) -> String {
        let amount = self.amount.map_or_else(String::new, |amount| format!(", {amount}"));
        format!(
            "segment:{}: {} -> {}{amount}",
            self.rule,
            quote(&self.from_name),
            quote(&self.to_name)
        )
    }

    fn in_words(&self) -> String {
        let from = if self.from.is_some() {
            self.from_name.as_str()
        } else {
            "any class"
        };
        let to = if self.to.is_some() {
            self.to_name.as_str()
        } else {
            "another class"
        };
        format!("{}: {from} recorded as {to}", self.rule)
    }

    fn condition(&self) -> Option<&Rule> {
        Some(&self.rule)
    }

    fn can_hit(&self, clean: u8) -> bool {
        self.from.is_none_or(|from| from == clean) && self.to != Some(clean)
    }

    fn reaches(&self, clean: u8, label: u8) -> bool {
        clean != label && self.to.is_none_or(|to| to == label)
    }

    fn wrong_label(&self, clean: u8, rng: &mut ChaCha8Rng) -> u8 {
        self.to.unwrap_or_else(|| any_other(clean, self.classes, rng))
    }

    fn amount(&self) -> Option<Amount> {
        self.amount
    }
}
