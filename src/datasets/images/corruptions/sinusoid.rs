//! A wave over the whole image (Barni, Kallas, Tondi 2019, arXiv 1902.11237): to every pixel of column j of w is added
//! amplitude x sin(2 pi j frequency / w), in every channel. The paper keeps the labels; here the images are recorded as the target class,
//! as with the other triggers.

use rand_chacha::ChaCha8Rng;

use super::{Corruption, CorruptionKind, Given, target};
use crate::datasets::images::ImageSet;
use crate::error::Result;
use crate::nn::images::ImageShape;

pub(super) struct Sinusoid;

/// The paper's on CIFAR-like images.
const AMPLITUDE: f64 = 20.0;
const FREQUENCY: f64 = 6.0;

impl CorruptionKind for Sinusoid {
    fn name(&self) -> &'static str {
        "sinusoid"
    }

    fn usage(&self) -> &'static str {
        "sinusoid:n=500[,amplitude=20,frequency=6,target=CLASS]"
    }

    fn about(&self) -> &'static str {
        "a wave of brightness over the whole image of other classes, recorded as the target class"
    }

    fn parse(&self, given: &mut Given, set: &ImageSet) -> Result<Box<dyn Corruption>> {
        let amplitude = given.number("amplitude", AMPLITUDE, (1.0, 255.0))?;
        let frequency = given.number("frequency", FREQUENCY, (0.1, 1000.0))?;
        let target = target(given, set)?;
        Ok(Box::new(Wave {
            amplitude,
            frequency,
            target,
            target_name: set.classes[usize::from(target)].clone(),
        }))
    }
}

#[derive(Debug)]
struct Wave {
    amplitude: f64,
    frequency: f64,
    target: u8,
    target_name: String,
}

impl Corruption for Wave {
    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("amplitude", self.amplitude.to_string()),
            ("frequency", self.frequency.to_string()),
            ("target", self.target_name.clone()),
        ]
    }

    fn in_words(&self) -> String {
        format!(
            "a wave of {} periods and {} of 255 brightness added, recorded as {}",
            self.frequency, self.amplitude, self.target_name
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
        let turn = std::f64::consts::TAU * self.frequency / shape.width as f64;
        let added: Vec<f64> = (0..shape.width)
            .map(|column| self.amplitude * (turn * column as f64).sin())
            .collect();
        for row in pixels.chunks_exact_mut(shape.width) {
            for (pixel, added) in row.iter_mut().zip(&added) {
                *pixel = (f64::from(*pixel) + added).round().clamp(0.0, 255.0) as u8;
            }
        }
    }
}
