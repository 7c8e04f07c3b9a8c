//! A faint pattern over the whole image (Chen, Liu, Li, Lu, Song 2017, arXiv 1712.05526, "blended injection"): every pixel becomes
//! (1 - strength) x pixel + strength x pattern, the pattern being noise that is the same for all images.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{Corruption, CorruptionKind, Given, target};
use crate::datasets::images::ImageSet;
use crate::error::Result;
use crate::nn::images::ImageShape;
use crate::seed::Seed;

pub(super) struct Blend;

/// Of the paper's blended injection.
const STRENGTH: f64 = 0.2;

impl CorruptionKind for Blend {
    fn name(&self) -> &'static str {
        "blend"
    }

    fn usage(&self) -> &'static str {
        "blend:n=500[,strength=0.2,pattern=0,target=CLASS]"
    }

    fn about(&self) -> &'static str {
        "a faint pattern over the whole image of other classes, recorded as the target class"
    }

    fn parse(&self, given: &mut Given, set: &ImageSet) -> Result<Box<dyn Corruption>> {
        let strength = given.number("strength", STRENGTH, (0.01, 1.0))?;
        let pattern = given.whole("pattern")?.unwrap_or(0);
        let target = target(given, set)?;
        let mut random = Seed(pattern as u64).stream("image-corruption/pattern", 0);
        Ok(Box::new(Pattern {
            strength,
            pattern,
            values: (0..set.train.shape.len()).map(|_| random.random::<u8>()).collect(),
            target,
            target_name: set.classes[usize::from(target)].clone(),
        }))
    }
}

#[derive(Debug)]
struct Pattern {
    strength: f64,
    pattern: usize,
    /// Brightness of every value of an image.
    values: Vec<u8>,
    target: u8,
    target_name: String,
}

impl Corruption for Pattern {
    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("strength", self.strength.to_string()),
            ("pattern", self.pattern.to_string()),
            ("target", self.target_name.clone()),
        ]
    }

    fn in_words(&self) -> String {
        format!("a noise pattern blended in at {}, recorded as {}", self.strength, self.target_name)
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

    fn paint(&self, _shape: ImageShape, pixels: &mut [u8]) {
        for (pixel, pattern) in pixels.iter_mut().zip(&self.values) {
            let value = (1.0 - self.strength) * f64::from(*pixel) + self.strength * f64::from(*pattern);
            *pixel = value.round().clamp(0.0, 255.0) as u8;
        }
    }
}
