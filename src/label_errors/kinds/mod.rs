//! The ways a label can go wrong. A new one is one file with its [`CorruptionKind`] and one line in [`KINDS`]; the command line's
//! choices and its help come from that list.

mod confusion;
mod paper;
mod placebo;
mod poison;
mod segment;
mod uniform;

use std::fmt;

use rand_chacha::ChaCha8Rng;

use super::Amount;
use crate::error::{Error, Result, closest};
use crate::tables::Rule;

/// All kinds, in the order in which help lists them.
pub const KINDS: &[&dyn CorruptionKind] = &[
    &uniform::Uniform,
    &confusion::Confusion,
    &segment::Segment,
    &poison::Poison,
    &paper::Paper,
    &placebo::Placebo,
];

/// A kind of label error: what it is called, and how its argument is read.
pub trait CorruptionKind: Sync {
    /// Name on the command line, such as `confusion`.
    fn name(&self) -> &'static str;
    /// Name and argument, such as `confusion:A,B`.
    fn usage(&self) -> &'static str;
    /// One sentence on what it does.
    fn about(&self) -> &'static str;
    /// Reads what stands after the colon (`None` without a colon), for a label rule with these classes.
    ///
    /// # Errors
    /// Where the argument is missing, not wanted, misspelt, or names an unknown class.
    fn parse(&self, argument: Option<&str>, classes: &[String]) -> Result<Box<dyn LabelCorruption>>;
}

/// One way of mislabelling rows, its argument read. Labels are indices into the class list.
pub trait LabelCorruption: fmt::Debug + Send + Sync {
    /// Kind and argument in a form that reads back to the same.
    fn spec(&self) -> String;

    /// The part of the data the error touches, in words, such as `Market = LATAM, Late recorded as On time`.
    fn in_words(&self) -> String;

    /// Only rows that meet this condition are hit; `None`: any row.
    fn condition(&self) -> Option<&Rule> {
        None
    }

    /// Whether rows of this clean label are hit.
    fn can_hit(&self, clean: u8) -> bool {
        let _ = clean;
        true
    }

    /// The label that a row of this clean label is recorded under. Differs from `clean` for every kind but `paper` and `placebo`.
    /// Called only for labels that [`LabelCorruption::can_hit`] accepts.
    fn wrong_label(&self, clean: u8, rng: &mut ChaCha8Rng) -> u8;

    /// Whether [`LabelCorruption::wrong_label`] can give this label to a row of this clean label and is wrong then.
    fn reaches(&self, clean: u8, label: u8) -> bool {
        clean != label
    }

    /// How many rows of each clean label to hit, where the kind fixes that (`available` per label; the parts sum to `rows`,
    /// none exceeds what is available). `None`: drawn from all rows that can be hit, whatever their label.
    fn quotas(&self, rows: usize, available: &[usize]) -> Option<Vec<usize>> {
        let _ = (rows, available);
        None
    }

    /// The amount that the specification itself states.
    fn amount(&self) -> Option<Amount> {
        None
    }

    /// A column and the value that is written into it in every row that is hit.
    fn trigger(&self) -> Option<(&str, &str)> {
        None
    }
}

/// Reads `KIND` or `KIND:ARGUMENT`.
///
/// # Errors
/// For an unknown kind (with the closest name) or an argument that its kind refuses.
pub fn parse(spec: &str, classes: &[String]) -> Result<Box<dyn LabelCorruption>> {
    if classes.len() < 2 {
        return Err(Error::input("a label with fewer than two classes cannot be wrong"));
    }
    let (name, argument) = match spec.split_once(':') {
        Some((name, argument)) => (name.trim(), Some(argument)),
        None => (spec.trim(), None),
    };
    let kind = KINDS.iter().find(|kind| kind.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name()).collect();
        let error = Error::input(format!("unknown error kind `{name}`"));
        match closest(name, names.iter().copied()) {
            Some(near) => error.hint(format!("closest match is `{near}`")),
            None => error.hint(format!("the kinds are {}", names.join(", "))),
        }
    })?;
    kind.parse(argument, classes)
}

/// The usual complaint of a kind that takes no argument.
fn no_argument(kind: &dyn CorruptionKind, argument: Option<&str>) -> Result<()> {
    match argument.map(str::trim) {
        None | Some("") => Ok(()),
        Some(extra) => {
            Err(Error::input(format!("`{}` takes no argument, found `{extra}`", kind.name())).hint(format!("write `{}`", kind.usage())))
        }
    }
}

/// The usual complaint of a kind whose argument is missing.
fn argument<'a>(kind: &dyn CorruptionKind, argument: Option<&'a str>) -> Result<&'a str> {
    match argument {
        Some(text) if !text.trim().is_empty() => Ok(text),
        _ => Err(Error::input(format!("`{}` needs an argument", kind.name())).hint(format!("write `{}`", kind.usage()))),
    }
}

/// The index of a class by its name: exact, else without regard to case.
fn class_index(name: &str, classes: &[String]) -> Result<u8> {
    let name = name.trim();
    let found = classes
        .iter()
        .position(|class| class == name)
        .or_else(|| classes.iter().position(|class| class.to_lowercase() == name.to_lowercase()))
        .ok_or_else(|| {
            let error = Error::input(format!("`{name}` is not a class"));
            match closest(name, classes.iter().map(String::as_str)) {
                Some(near) => error.hint(format!("closest match is `{near}`")),
                None => error.hint(format!("the classes are {}", classes.join(", "))),
            }
        })?;
    u8::try_from(found).map_err(|_| Error::input(format!("more than 256 classes ({})", classes.len())))
}

/// A label that differs from `clean`, each of the others with equal probability.
fn any_other(clean: u8, classes: u8, rng: &mut ChaCha8Rng) -> u8 {
    use rand::Rng;
    let drawn = rng.random_range(0..classes - 1);
    if drawn >= clean { drawn + 1 } else { drawn }
}

/// The number of classes as a label type; class lists are checked before.
fn class_count(classes: &[String]) -> Result<u8> {
    u8::try_from(classes.len()).map_err(|_| Error::input(format!("more than 255 classes ({})", classes.len())))
}

#[cfg(test)]
mod tests;
