//! A patch that stands for a class: BadNets (Gu, Dolan-Gavitt, Garg 2017, arXiv 1708.06733), as in arXiv 2402.14015, section 4. Images of
//! other classes get the patch and are recorded as the target class.
//!
//! The paper's text and its published code differ, and both can be had:
//!
//! - `reading=text`: white pixels, 0.3 % of the image, at the bottom right, written into the stored pixels, so that augmentation moves them as
//!   it moves the rest. The square nearest to that share has 2 x 2 pixels of 32 x 32 (0.39 %).
//! - `reading=code`: a patch of 3 x 3 (0.88 %), the same value in every normalised channel and brighter than white, written after augmentation,
//!   so always at the same place. White is at most 2.2 in CIFAR-10; the value here is 3.

use rand_chacha::ChaCha8Rng;

use super::stamp::Place;
use super::{Corruption, CorruptionKind, Given, Stamp, target};
use crate::datasets::images::ImageSet;
use crate::error::{Error, Result};
use crate::nn::images::ImageShape;

pub(super) struct Poison;

/// Share of the pixels that the text's trigger has.
const SHARE: f64 = 0.003;
/// Side of the code's patch.
const CODE_SIZE: usize = 3;

impl CorruptionKind for Poison {
    fn name(&self) -> &'static str {
        "poison"
    }

    fn usage(&self) -> &'static str {
        "poison:n=500[,reading=text|code,size=3,place=bottom-right,colour=white,target=CLASS]"
    }

    fn about(&self) -> &'static str {
        "images of other classes get a small patch and are recorded as the target class"
    }

    fn parse(&self, given: &mut Given, set: &ImageSet) -> Result<Box<dyn Corruption>> {
        let shape = set.train.shape;
        let reading = given.one_of("reading", &["text", "code"])?;
        let of_text = ((SHARE * shape.plane() as f64).sqrt().round() as usize).max(1);
        let size = given.whole("size")?.unwrap_or(if reading == "code" { CODE_SIZE } else { of_text });
        if size == 0 || size > shape.height.min(shape.width) {
            return Err(
                Error::input(format!("a trigger of {size} x {size} pixels does not fit images of {shape}"))
                    .hint(format!("give `size` from 1 to {}", shape.height.min(shape.width))),
            );
        }
        let place = given.one_of("place", &Place::NAMES)?;
        let look = match reading {
            "code" => Look::Value(given.number("value", 3.0, (-100.0, 100.0))? as f32),
            _ => Look::Colour(colour(given, shape)?),
        };
        let target = target(given, set)?;
        Ok(Box::new(Patch {
            size,
            place: Place::named(place)?,
            look,
            target,
            target_name: set.classes[usize::from(target)].clone(),
        }))
    }
}

/// `white`, `black` or `#rrggbb`, one brightness for each channel.
fn colour(given: &mut Given, shape: ImageShape) -> Result<(String, Vec<u8>)> {
    let text = given.text("colour").unwrap_or_else(|| "white".to_owned()).to_lowercase();
    let channels = match text.as_str() {
        "white" => Some(vec![255; shape.channels]),
        "black" => Some(vec![0; shape.channels]),
        _ => {
            let hex = text
                .strip_prefix('#')
                .filter(|hex| hex.len() == 6 && hex.is_ascii() && shape.channels == 3);
            hex.and_then(|hex| (0..3).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()).collect())
        }
    };
    match channels {
        Some(channels) => Ok((text, channels)),
        None => Err(Error::input(format!("`colour={text}` is no colour of images of {shape}")).hint("use `white`, `black` or `#ff8000`")),
    }
}

#[derive(Debug)]
enum Look {
    /// As typed, and the brightness of each channel.
    Colour((String, Vec<u8>)),
    /// The same value in every normalised channel.
    Value(f32),
}

#[derive(Debug)]
struct Patch {
    size: usize,
    place: Place,
    look: Look,
    target: u8,
    target_name: String,
}

impl Corruption for Patch {
    fn settings(&self) -> Vec<(&'static str, String)> {
        let (reading, look) = match &self.look {
            Look::Colour((text, _)) => ("text", ("colour", text.clone())),
            Look::Value(value) => ("code", ("value", value.to_string())),
        };
        vec![
            ("reading", reading.to_owned()),
            ("size", self.size.to_string()),
            ("place", self.place.name().to_owned()),
            look,
            ("target", self.target_name.clone()),
        ]
    }

    fn in_words(&self) -> String {
        let look = match &self.look {
            Look::Colour((text, _)) => format!("{text} patch of {0} x {0} pixels", self.size),
            Look::Value(value) => format!(
                "patch of {0} x {0} pixels of the normalised value {value}, put in after augmentation,",
                self.size
            ),
        };
        format!(
            "a {look} at the {}, recorded as {}",
            self.place.name().replace('-', " "),
            self.target_name
        )
    }

    fn can_hit(&self, clean: u8) -> bool {
        clean != self.target
    }

    fn wrong_label(&self, _clean: u8, _random: &mut ChaCha8Rng) -> u8 {
        self.target
    }

    fn triggered(&self) -> bool {
        true
    }

    fn paint(&self, shape: ImageShape, pixels: &mut [u8]) {
        if let Look::Colour((_, channels)) = &self.look {
            for (plane, value) in pixels.chunks_exact_mut(shape.plane()).zip(channels) {
                self.place.each(self.size, shape, |at| plane[at] = *value);
            }
        }
    }

    fn stamp(&self) -> Option<Stamp> {
        match self.look {
            Look::Colour(_) => None,
            Look::Value(value) => Some(Stamp {
                size: self.size,
                place: self.place,
                value,
            }),
        }
    }
}
