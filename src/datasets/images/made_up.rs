//! Made-up images for tests and demonstrations: stripes whose colour and direction tell the class.
//!
//! Only additions, multiplications and roundings go into a pixel, so the bytes are the same on every machine.

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{ImageSet, Images};
use crate::error::{Error, Result};
use crate::nn::images::ImageShape;
use crate::seed::Seed;

/// Settings of a made-up set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MadeUp {
    /// Size of the images; three channels.
    pub shape: ImageShape,
    /// Classes, 2 to 24.
    pub classes: usize,
    /// Images to train on, spread evenly over the classes.
    pub train: usize,
    /// Images to test on.
    pub test: usize,
    /// Most that noise moves a pixel's brightness to either side, 0 to 255.
    pub noise: u8,
    /// Seed.
    pub seed: Seed,
}

impl Default for MadeUp {
    fn default() -> Self {
        Self {
            shape: ImageShape::new(3, 8, 8),
            classes: 4,
            train: 64,
            test: 32,
            noise: 60,
            seed: Seed(0),
        }
    }
}

/// Directions in which the brightness changes, as steps right and down.
const DIRECTIONS: [(f64, f64); 4] = [(1.0, 0.0), (0.0, 1.0), (0.7, 0.7), (0.7, -0.7)];
/// Colours of the stripes: share of red, green and blue.
const COLOURS: [[f64; 3]; 6] = [
    [1.0, 0.3, 0.3],
    [0.3, 1.0, 0.3],
    [0.3, 0.3, 1.0],
    [1.0, 1.0, 0.3],
    [1.0, 0.3, 1.0],
    [0.3, 1.0, 1.0],
];

impl MadeUp {
    /// Makes the set.
    ///
    /// # Errors
    /// Where there are too few or too many classes, no images, or another number of channels than three.
    pub fn make(&self) -> Result<ImageSet> {
        let most = DIRECTIONS.len() * COLOURS.len();
        if !(2..=most).contains(&self.classes) {
            return Err(Error::input(format!(
                "a made-up image set has 2 to {most} classes, not {}",
                self.classes
            )));
        }
        if self.shape.channels != 3 || self.shape.is_empty() || self.train == 0 || self.test == 0 {
            return Err(Error::input(format!(
                "{} training and {} test images of {} cannot be made",
                self.train, self.test, self.shape
            ))
            .hint("ask for at least one of each, with three channels"));
        }
        Ok(ImageSet {
            name: "made-up".to_owned(),
            classes: (0..self.classes).map(|class| format!("class {class}")).collect(),
            sub_classes: Vec::new(),
            train: self.images("made-up-training-images", self.train),
            test: self.images("made-up-test-images", self.test),
        })
    }

    fn images(&self, stream: &str, count: usize) -> Images {
        let mut images = Images::empty(self.shape);
        images.labels = (0..count).map(|row| (row % self.classes) as u8).collect();
        images.labels.shuffle(&mut self.seed.stream(stream, 0));
        images.pixels.reserve(count * self.shape.len());
        for (row, label) in images.labels.iter().enumerate() {
            let mut random = self.seed.stream(stream, row as u64 + 1);
            self.draw(usize::from(*label), &mut random, &mut images.pixels);
        }
        images
    }

    fn draw(&self, class: usize, random: &mut ChaCha8Rng, pixels: &mut Vec<u8>) {
        // The first few classes differ in colour and in direction, so small sets are easy.
        let (right, down) = DIRECTIONS[class % DIRECTIONS.len()];
        let colour = COLOURS[(class + class / DIRECTIONS.len()) % COLOURS.len()];
        let phase: f64 = random.random();
        let length = self.shape.height.max(self.shape.width) as f64 * (0.4 + 0.2 * random.random::<f64>());
        for share in colour {
            for y in 0..self.shape.height {
                for x in 0..self.shape.width {
                    let along = (x as f64 * right + y as f64 * down) / length + phase;
                    // A wave made of straight lines, from 0 up to 1 and down again.
                    let wave = 1.0 - (2.0 * (along - along.floor()) - 1.0).abs();
                    let noise = (2.0 * random.random::<f64>() - 1.0) * f64::from(self.noise);
                    let value = share * (60.0 + 160.0 * wave) + noise;
                    pixels.push(value.round().clamp(0.0, 255.0) as u8);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Share of the test images that are nearest to the mean training image of their own class.
    fn nearest_mean_accuracy(set: &ImageSet) -> f64 {
        let size = set.train.shape.len();
        let mut means = vec![vec![0.0; size]; set.classes.len()];
        let counts = set.train.class_counts(set.classes.len());
        for row in 0..set.train.len() {
            let class = usize::from(set.train.labels[row]);
            for (mean, value) in means[class].iter_mut().zip(set.train.image(row)) {
                *mean += f64::from(*value) / counts[class] as f64;
            }
        }
        let distance = |row: usize, class: usize| -> f64 {
            let values = set.test.image(row).iter().zip(&means[class]);
            values.map(|(value, mean)| (f64::from(*value) - mean).powi(2)).sum()
        };
        let classes = || 0..set.classes.len();
        let nearest = |row: usize| classes().min_by(|a, b| distance(row, *a).total_cmp(&distance(row, *b))).unwrap();
        let right = (0..set.test.len()).filter(|row| nearest(*row) == usize::from(set.test.labels[*row]));
        right.count() as f64 / set.test.len() as f64
    }

    #[test]
    fn classes_can_be_learned_and_every_class_is_there() {
        for classes in [4, 10] {
            let set = MadeUp {
                classes,
                train: 200,
                test: 100,
                ..MadeUp::default()
            }
            .make()
            .unwrap();
            assert!(set.train.class_counts(classes).iter().all(|count| *count == 200 / classes));
            let accuracy = nearest_mean_accuracy(&set);
            assert!(accuracy > 3.0 / classes as f64 || accuracy > 0.9, "{classes} classes: {accuracy}");
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_bytes_and_another_makes_others() {
        let made = |seed| {
            MadeUp {
                seed: Seed(seed),
                ..MadeUp::default()
            }
            .make()
            .unwrap()
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1).train, made(2).train);
        assert_ne!(made(1).train.pixels[..192], made(1).test.pixels[..192]);
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        let wrong = [
            MadeUp {
                classes: 1,
                ..MadeUp::default()
            },
            MadeUp {
                classes: 25,
                ..MadeUp::default()
            },
            MadeUp {
                train: 0,
                ..MadeUp::default()
            },
            MadeUp {
                shape: ImageShape::new(1, 8, 8),
                ..MadeUp::default()
            },
        ];
        assert!(wrong.iter().all(|settings| settings.make().is_err()));
    }
}
