//! Ways to spoil a part of an image set on purpose, to see what repairs it (arXiv 2402.14015, section 4). A new one is one file with its
//! [`CorruptionKind`] and one line in [`CORRUPTIONS`].
//!
//! What comes of it is kept apart: the images with their recorded labels ([`Spoiled::images`]), which of them were manipulated
//! ([`Spoiled::manipulated`]), and the test images of the affected domain ([`Affected`]). Clean labels stay with the caller, in the set that
//! was spoiled.

mod blend;
mod confusion;
mod poison;
mod relabel;
mod settings;
mod sinusoid;
mod stamp;

use std::fmt;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

pub use settings::Given;
pub use stamp::{Stamp, Stamped};

use super::{ImageSet, Images};
use crate::error::{Error, Result, closest};
use crate::nn::images::ImageShape;
use crate::seed::Seed;

/// All kinds, in the order in which help lists them.
pub const CORRUPTIONS: &[&dyn CorruptionKind] = &[
    &poison::Poison,
    &blend::Blend,
    &sinusoid::Sinusoid,
    &confusion::Confusion,
    &relabel::Relabel,
];

/// A kind of corruption: what it is called, and how its settings are read.
pub trait CorruptionKind: Sync {
    /// Name on the command line, such as `poison`.
    fn name(&self) -> &'static str;
    /// Name and settings, such as `confusion:n=2500,pair=cat/dog`.
    fn usage(&self) -> &'static str;
    /// One sentence on what it does.
    fn about(&self) -> &'static str;
    /// Reads its settings, all but `n`, for images like those of this set.
    ///
    /// # Errors
    /// Where one is out of range, cannot be read, or does not fit the set.
    fn parse(&self, given: &mut Given, set: &ImageSet) -> Result<Box<dyn Corruption>>;
}

/// A way to spoil images, its settings read.
pub trait Corruption: fmt::Debug + Send + Sync {
    /// Its settings in a form that reads back to the same.
    fn settings(&self) -> Vec<(&'static str, String)>;
    /// What happens to an image, in words.
    fn in_words(&self) -> String;
    /// Whether images of this clean label are hit.
    fn can_hit(&self, clean: u8) -> bool;
    /// The label that an image of this clean label is recorded with; never `clean`. Called only for labels that
    /// [`Corruption::can_hit`] accepts.
    fn wrong_label(&self, clean: u8, random: &mut ChaCha8Rng) -> u8;
    /// Two classes that each give half of the manipulated images, the first one more of an odd number; `None`: drawn whatever the class.
    fn halves(&self) -> Option<[u8; 2]> {
        None
    }
    /// Whether a trigger is put into the images. The affected domain is then any image with the trigger put in.
    fn triggered(&self) -> bool {
        false
    }
    /// Writes the trigger into stored pixels (channel x height x width), where it belongs there.
    fn paint(&self, shape: ImageShape, pixels: &mut [u8]) {
        let _ = (shape, pixels);
    }
    /// What is written over the values that a network takes, after augmentation, where the trigger belongs there.
    fn stamp(&self) -> Option<Stamp> {
        None
    }
}

/// A corruption and how many training images it hits.
#[derive(Debug)]
pub struct Manipulation {
    kind: &'static str,
    /// Training images to manipulate.
    pub count: usize,
    corruption: Box<dyn Corruption>,
}

/// Images after a manipulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoiled {
    /// The images with recorded labels.
    pub images: Images,
    /// Numbers of the manipulated ones, ascending.
    pub manipulated: Vec<u32>,
}

/// The affected domain among test images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// Numbers of its images, ascending.
    pub rows: Vec<u32>,
    /// These images, with the trigger where there is one, and their clean labels.
    pub images: Images,
    /// Numbers of the images outside it; all of them where a trigger decides, since without it they are as they were.
    pub elsewhere: Vec<u32>,
}

impl Manipulation {
    /// Reads `KIND:n=COUNT` with further settings after commas.
    ///
    /// # Errors
    /// For an unknown kind (with the closest name), a missing or impossible count, or settings that its kind refuses.
    pub fn parse(text: &str, set: &ImageSet) -> Result<Self> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let kind = kind(name)?;
        let mut given = Given::read(kind, rest)?;
        let count = given.whole("n")?.ok_or_else(|| {
            Error::input(format!("`{}` does not say how many images", text.trim())).hint(format!("write `{}`", kind.usage()))
        })?;
        if count == 0 {
            return Err(Error::input(format!("`{}` manipulates no image", text.trim())).hint("give `n=1` or more"));
        }
        let corruption = kind.parse(&mut given, set)?;
        given.finish()?;
        Ok(Self {
            kind: kind.name(),
            count,
            corruption,
        })
    }

    /// Name of its kind.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// All settings in a form that reads back to the same.
    pub fn spec(&self) -> String {
        let mut text = format!("{}:n={}", self.kind, self.count);
        for (name, value) in self.corruption.settings() {
            text.push_str(&format!(",{name}={value}"));
        }
        text
    }

    /// What happens, in words.
    pub fn in_words(&self) -> String {
        let noun = if self.count == 1 { "image" } else { "images" };
        format!("{} training {noun}: {}", self.count, self.corruption.in_words())
    }

    /// Whether a trigger decides which images are affected.
    pub fn triggered(&self) -> bool {
        self.corruption.triggered()
    }

    /// What is written over values after augmentation, where it is.
    pub fn stamp(&self) -> Option<Stamp> {
        self.corruption.stamp()
    }

    /// Spoils `count` of these images, drawn from a seed; with one seed, a larger count hits all that a smaller one does.
    ///
    /// # Errors
    /// Where fewer can be hit; the hint gives their number.
    pub fn apply(&self, clean: &Images, count: usize, seed: Seed) -> Result<Spoiled> {
        let mut random = seed.stream("image-corruption/images", 0);
        let manipulated = match self.corruption.halves() {
            None => self.drawn(clean, count, |label| self.corruption.can_hit(label), &mut random)?,
            Some([first, second]) => {
                let mut rows = self.drawn(clean, count.div_ceil(2), |label| label == first, &mut random)?;
                rows.extend(self.drawn(clean, count / 2, |label| label == second, &mut random)?);
                rows.sort_unstable();
                rows
            }
        };
        let mut images = clean.clone();
        let size = clean.shape.len();
        for row in &manipulated {
            // A stream for each image, so that its label does not hang on how many others are hit.
            let mut random = seed.stream("image-corruption/labels", u64::from(*row));
            let row = *row as usize;
            images.labels[row] = self.corruption.wrong_label(clean.labels[row], &mut random);
            self.corruption.paint(clean.shape, &mut images.pixels[row * size..][..size]);
        }
        Ok(Spoiled { images, manipulated })
    }

    /// How many of these images can be hit at most.
    pub fn most(&self, clean: &Images) -> usize {
        let of = |wanted: &dyn Fn(u8) -> bool| clean.labels.iter().filter(|label| wanted(**label)).count();
        match self.corruption.halves() {
            None => of(&|label| self.corruption.can_hit(label)),
            Some([first, second]) => (2 * of(&|label| label == first)).min(2 * of(&|label| label == second) + 1),
        }
    }

    fn drawn(&self, clean: &Images, count: usize, wanted: impl Fn(u8) -> bool, random: &mut ChaCha8Rng) -> Result<Vec<u32>> {
        let all = 0..clean.len() as u32;
        let mut rows: Vec<u32> = all.filter(|row| wanted(clean.labels[*row as usize])).collect();
        if count > rows.len() {
            return Err(Error::input(format!(
                "`{}` is to manipulate more images than it can: at most {} of {} training images",
                self.spec(),
                self.most(clean),
                clean.len()
            ))
            .hint(format!("give at most `n={}`, or use more training images", self.most(clean))));
        }
        rows.shuffle(random);
        rows.truncate(count);
        rows.sort_unstable();
        Ok(rows)
    }

    /// The affected domain among clean test images: every image with the trigger put in, or the images of the classes that are hit.
    ///
    /// # Errors
    /// Where there is no such image.
    pub fn affected(&self, test: &Images) -> Result<Affected> {
        let all = 0..test.len() as u32;
        let (rows, outside): (Vec<u32>, Vec<u32>) =
            all.partition(|row| self.triggered() || self.corruption.can_hit(test.labels[*row as usize]));
        if rows.is_empty() {
            return Err(Error::input(format!(
                "no test image is of the classes that `{}` hits, so nothing tells what it did",
                self.spec()
            ))
            .hint("use more test images, or name classes that have some"));
        }
        let mut images = test.take(&rows)?;
        for pixels in images.pixels.chunks_exact_mut(test.shape.len()) {
            self.corruption.paint(test.shape, pixels);
        }
        let elsewhere = if self.triggered() { rows.clone() } else { outside };
        Ok(Affected { rows, images, elsewhere })
    }
}

/// The kind of this name.
fn kind(name: &str) -> Result<&'static dyn CorruptionKind> {
    let names = || CORRUPTIONS.iter().map(|kind| kind.name());
    CORRUPTIONS.iter().find(|kind| kind.name() == name.trim()).copied().ok_or_else(|| {
        let hint = match closest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("manipulations: {}", names().collect::<Vec<_>>().join(", ")),
        };
        Error::input(format!("there is no manipulation `{}`", name.trim())).hint(hint)
    })
}

/// The number of classes as a label type.
fn class_count(set: &ImageSet) -> Result<u8> {
    u8::try_from(set.classes.len())
        .ok()
        .filter(|classes| *classes >= 2)
        .ok_or_else(|| Error::input(format!("labels of {} classes cannot be made wrong", set.classes.len())))
}

/// The class that triggered images are recorded as: the one named, else the first.
fn target(given: &mut Given, set: &ImageSet) -> Result<u8> {
    class_count(set)?;
    given.text("target").map_or(Ok(0), |name| set.class(&name, false))
}

#[cfg(test)]
mod tests;
