//! Interclass confusion (Goel, Prabhu, Torr, Kumaraguru, Sanyal 2022, arXiv 2201.06640, as in arXiv 2402.14015, section 4): half of the manipulated images
//! from each of two classes, recorded as each other. Which images is drawn at random (the published code takes the first by number).

use rand_chacha::ChaCha8Rng;

use super::{Corruption, CorruptionKind, Given};
use crate::datasets::images::ImageSet;
use crate::error::{Error, Result};

pub(super) struct Confusion;

/// The published pairs, of CIFAR-10 and CIFAR-100.
const PAIRS: [[&str; 2]; 2] = [["cat", "dog"], ["maple_tree", "oak_tree"]];

impl CorruptionKind for Confusion {
    fn name(&self) -> &'static str {
        "confusion"
    }

    fn usage(&self) -> &'static str {
        "confusion:n=2500[,pair=cat/dog]"
    }

    fn about(&self) -> &'static str {
        "images of two classes recorded as each other, half of them from each"
    }

    fn parse(&self, given: &mut Given, set: &ImageSet) -> Result<Box<dyn Corruption>> {
        let example = || {
            let names: Vec<&str> = set.classes.iter().take(2).map(String::as_str).collect();
            format!("name two classes, such as `pair={}`", names.join("/"))
        };
        let pair = match given.text("pair") {
            Some(text) => named(&text, set).map_err(|error| {
                if error.hint_text().is_some() {
                    error
                } else {
                    error.hint(example())
                }
            })?,
            None => {
                let known = PAIRS.iter().find_map(|[one, other]| {
                    let of = |name: &str| {
                        set.classes
                            .iter()
                            .position(|class| class == name)
                            .and_then(|at| u8::try_from(at).ok())
                    };
                    Some([of(one)?, of(other)?])
                });
                known.ok_or_else(|| Error::input(format!("`confusion` has no pair of classes for {}", set.name)).hint(example()))?
            }
        };
        if pair[0] == pair[1] {
            let name = &set.classes[usize::from(pair[0])];
            return Err(Error::input(format!("`confusion` needs two different classes, found `{name}` twice")).hint(example()));
        }
        Ok(Box::new(Pair {
            pair,
            names: pair.map(|class| set.classes[usize::from(class)].clone()),
        }))
    }
}

/// Class names may hold slashes: every slash is tried, and the split taken where both sides are classes.
fn named(text: &str, set: &ImageSet) -> Result<[u8; 2]> {
    let both = |at: usize| Some([set.class(&text[..at], false).ok()?, set.class(&text[at + 1..], false).ok()?]);
    if let Some(found) = text.match_indices('/').find_map(|(at, _)| both(at)) {
        return Ok(found);
    }
    let Some((first, second)) = text.split_once('/') else {
        return Err(Error::input(format!("`pair={text}` does not name two classes")));
    };
    Ok([set.class(first, false)?, set.class(second, false)?])
}

#[derive(Debug)]
struct Pair {
    pair: [u8; 2],
    names: [String; 2],
}

impl Corruption for Pair {
    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![("pair", self.names.join("/"))]
    }

    fn in_words(&self) -> String {
        format!("{} and {} recorded as each other", self.names[0], self.names[1])
    }

    fn can_hit(&self, clean: u8) -> bool {
        self.pair.contains(&clean)
    }

    fn wrong_label(&self, clean: u8, _random: &mut ChaCha8Rng) -> u8 {
        if clean == self.pair[0] { self.pair[1] } else { self.pair[0] }
    }

    fn halves(&self) -> Option<[u8; 2]> {
        Some(self.pair)
    }
}
