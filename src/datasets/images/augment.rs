//! Images as training sees them: cropped after padding, flipped, turned a little, normalised.
//!
//! What happens to an image is drawn from the run's seed, the epoch and the number of the image alone, so it is the same on any
//! number of threads and in any order of the rows. The three steps follow torchvision's `RandomCrop(size, padding)`,
//! `RandomHorizontalFlip()` and `RandomRotation(degrees)` (nearest neighbour), in this order; what comes in from outside is black.

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::nn::images::{AugmentParams, ImageShape};
use crate::seed::Seed;

/// What may happen to an image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Augmentation {
    /// Black pixels put around before a crop back to the old size; 0 for no crop.
    pub crop_padding: usize,
    /// Whether half of the images are mirrored left to right.
    pub flip: bool,
    /// Whether an image is mirrored in every second epoch, from one drawn for it, and not in epochs drawn afresh (arXiv 2404.00498, section
    /// 3.6: each pair of epochs shows every image both ways).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alternating: bool,
    /// The most an image is turned, to either side, in degrees from 0 to 180.
    pub degrees: f64,
}

/// What happens to one image in one epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Draw {
    /// First row of the crop in the padded image.
    pub down: usize,
    /// First column of the crop in the padded image.
    pub right: usize,
    /// Whether it is mirrored.
    pub flipped: bool,
    /// By how much it is turned against the clock.
    pub degrees: f64,
}

impl Augmentation {
    /// Nothing happens.
    pub const NONE: Augmentation = Augmentation {
        crop_padding: 0,
        flip: false,
        alternating: false,
        degrees: 0.0,
    };
    /// As SSD's published image training has it: crop with padding 4, mirror, turn by up to 15 degrees.
    pub const PUBLISHED: Augmentation = Augmentation {
        crop_padding: 4,
        flip: true,
        alternating: false,
        degrees: 15.0,
    };
    /// Of small networks that are trained for few epochs, after airbench94 (arXiv 2404.00498): crop with padding 2, mirror every second epoch.
    pub const FEW_EPOCHS: Augmentation = Augmentation {
        crop_padding: 2,
        flip: true,
        alternating: true,
        degrees: 0.0,
    };

    /// That the settings can be used with images of this shape.
    ///
    /// # Errors
    /// Where they are out of range.
    pub fn check(&self, shape: ImageShape) -> Result<()> {
        if !(0.0..=180.0).contains(&self.degrees) {
            return Err(Error::input(format!("images cannot be turned by up to {} degrees", self.degrees)).hint("use 0 to 180"));
        }
        if self.crop_padding > shape.height.min(shape.width) {
            return Err(Error::input(format!(
                "a padding of {} pixels is more than the images have ({shape})",
                self.crop_padding
            )));
        }
        Ok(())
    }

    /// What happens to image `row` in epoch `epoch`.
    pub fn draw(&self, seed: Seed, epoch: u32, row: u32) -> Draw {
        if *self == Self::NONE {
            return Draw::nothing(0);
        }
        let mut random = seed.stream("augmentation", u64::from(epoch) << 32 | u64::from(row));
        // Always the same draws, so that switching one step off leaves the others as they were.
        let down = random.random_range(0..=2 * self.crop_padding as u64) as usize;
        let right = random.random_range(0..=2 * self.crop_padding as u64) as usize;
        let mut flipped = random.random::<bool>() && self.flip;
        let degrees = (2.0 * random.random::<f64>() - 1.0) * self.degrees;
        if self.flip && self.alternating {
            let first = seed.stream("augmentation/first-mirrored", u64::from(row)).random::<bool>();
            flipped = first == epoch.is_multiple_of(2);
        }
        Draw {
            down,
            right,
            flipped,
            degrees,
        }
    }
}

impl Draw {
    /// The image as it is, where it was padded by so much.
    fn nothing(padding: usize) -> Self {
        Self {
            down: padding,
            right: padding,
            flipped: false,
            degrees: 0.0,
        }
    }

    /// The same for a device.
    pub fn params(&self, image: u32, padding: usize) -> AugmentParams {
        let (sine, cosine) = (-self.degrees.to_radians()).sin_cos();
        AugmentParams {
            image,
            down: self.down as i32 - padding as i32,
            right: self.right as i32 - padding as i32,
            mirrored: self.flipped,
            turn: (self.degrees != 0.0).then_some((cosine, sine)),
        }
    }

    /// Writes the image after crop, mirror and turn; `tables` says what each brightness becomes, by channel.
    pub(super) fn apply(&self, padding: usize, shape: ImageShape, image: &[u8], tables: &[[f32; 256]], into: &mut [f32]) {
        let (height, width) = (shape.height as isize, shape.width as isize);
        let (center_x, center_y) = (width as f64 / 2.0, height as f64 / 2.0);
        let (sine, cosine) = (-self.degrees.to_radians()).sin_cos();
        let turned = self.degrees != 0.0;
        let (shift_down, shift_right) = (self.down as isize - padding as isize, self.right as isize - padding as isize);
        for y in 0..height {
            for x in 0..width {
                let (mut from_x, mut from_y) = (x, y);
                if turned {
                    // The middle of the pixel, looked up where it was before the turn, as Pillow's `rotate` does it.
                    let (right, down) = (x as f64 + 0.5 - center_x, y as f64 + 0.5 - center_y);
                    from_x = (cosine * right + sine * down + center_x).floor() as isize;
                    from_y = (cosine * down - sine * right + center_y).floor() as isize;
                }
                let inside = (0..width).contains(&from_x) && (0..height).contains(&from_y);
                if self.flipped {
                    from_x = width - 1 - from_x;
                }
                let (from_x, from_y) = (from_x + shift_right, from_y + shift_down);
                let inside = inside && (0..width).contains(&from_x) && (0..height).contains(&from_y);
                let place = (y * width + x) as usize;
                for (channel, table) in tables.iter().enumerate() {
                    let value = match inside {
                        true => image[channel * shape.plane() + (from_y * width + from_x) as usize],
                        false => 0,
                    };
                    into[channel * shape.plane() + place] = table[usize::from(value)];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MadeUp, Normalisation, TrainingImages};
    use super::*;
    use crate::nn::images::ImageSource;

    /// Tables that leave the brightness as it is.
    fn plain(channels: usize) -> Vec<[f32; 256]> {
        vec![std::array::from_fn(|value| value as f32); channels]
    }

    fn applied(draw: Draw, padding: usize, shape: ImageShape, image: &[u8]) -> Vec<u8> {
        let mut into = vec![0.0; shape.len()];
        draw.apply(padding, shape, image, &plain(shape.channels), &mut into);
        into.iter().map(|value| *value as u8).collect()
    }

    #[test]
    fn an_image_is_turned_as_pillow_turns_it() {
        let text = include_str!("../../../tests/fixtures/image_rotation.json");
        let golden: serde_json::Value = serde_json::from_str(text).unwrap();
        let mut turned = 0;
        for case in golden["cases"].as_array().unwrap() {
            let number = |name: &str| case[name].as_f64().unwrap();
            let shape = ImageShape::new(1, number("height") as usize, number("width") as usize);
            let image: Vec<u8> = (1..=shape.len() as u8).collect();
            let expected: Vec<u8> = case["pixels"]
                .as_array()
                .unwrap()
                .iter()
                .map(|value| value.as_u64().unwrap() as u8)
                .collect();
            let draw = Draw {
                degrees: number("degrees"),
                ..Draw::nothing(0)
            };
            assert_eq!(applied(draw, 0, shape, &image), expected, "{shape} by {} degrees", draw.degrees);
            turned += usize::from(expected != image);
        }
        assert!(turned > 5, "most cases have to change something");
    }

    #[test]
    fn alternating_mirrors_show_every_image_both_ways_in_each_pair_of_epochs() {
        let way = Augmentation::FEW_EPOCHS;
        let flipped = |epoch, row| way.draw(Seed(5), epoch, row).flipped;
        let first = (0..1_000).filter(|row| flipped(0, *row)).count();
        assert!((440..560).contains(&first), "half of the images begin mirrored: {first}");
        for row in 0..1_000 {
            assert!(flipped(0, row) != flipped(1, row) && flipped(0, row) == flipped(6, row));
        }
        // The crop is drawn as it is without.
        let plain = Augmentation { alternating: false, ..way };
        let (one, other) = (way.draw(Seed(5), 3, 7), plain.draw(Seed(5), 3, 7));
        assert_eq!((one.down, one.right), (other.down, other.right));
        let still = Augmentation { flip: false, ..way };
        assert!((0..100).all(|row| !still.draw(Seed(5), 1, row).flipped));
    }

    #[test]
    fn a_crop_moves_the_image_over_black_and_a_flip_mirrors_it() {
        let shape = ImageShape::new(1, 2, 3);
        let image = [1, 2, 3, 4, 5, 6];
        let draw = Draw {
            down: 0,
            right: 2,
            flipped: false,
            degrees: 0.0,
        };
        assert_eq!(applied(draw, 1, shape, &image), [0, 0, 0, 2, 3, 0]);
        let flipped = Draw { flipped: true, ..draw };
        assert_eq!(applied(flipped, 1, shape, &image), [0, 0, 0, 0, 3, 2]);
        assert_eq!(applied(Draw::nothing(1), 1, shape, &image), image);
        let only_flipped = Draw {
            flipped: true,
            ..Draw::nothing(0)
        };
        assert_eq!(applied(only_flipped, 0, shape, &image), [3, 2, 1, 6, 5, 4]);
    }

    #[test]
    fn what_happens_to_an_image_depends_on_seed_epoch_and_row_alone() {
        let set = MadeUp::default().make().unwrap();
        let images = &set.train;
        let normalisation = Normalisation::fit(images).unwrap();
        let rows: Vec<u32> = (0..9).rev().collect();
        let make = |rows: &[u32], seed, epoch, threads| {
            let mut batch = vec![0.0; rows.len() * images.shape.len()];
            let augmentation = Augmentation {
                crop_padding: 2,
                ..Augmentation::PUBLISHED
            };
            let source = TrainingImages {
                images,
                normalisation: &normalisation,
                augmentation,
                resize: None,
                seed: Seed(seed),
            };
            source.fill(epoch, rows, threads, &mut batch).unwrap();
            batch
        };
        let one = make(&rows, 1, 0, 1);
        for threads in [2, 3, 50] {
            assert!(one == make(&rows, 1, 0, threads), "{threads} threads");
        }
        let alone = make(&rows[4..5], 1, 0, 1);
        assert!(
            alone == one[4 * images.shape.len()..][..images.shape.len()],
            "other rows in the batch change nothing"
        );
        assert!(one != make(&rows, 1, 1, 1) && one != make(&rows, 2, 0, 1));
    }

    #[test]
    fn all_places_sides_and_angles_come_up() {
        let draws: Vec<Draw> = (0..2_000).map(|row| Augmentation::PUBLISHED.draw(Seed(3), 7, row)).collect();
        for offset in 0..=8 {
            let share = |of: &dyn Fn(&Draw) -> usize| draws.iter().filter(|draw| of(draw) == offset).count();
            assert!((150..300).contains(&share(&|draw| draw.down)) && (150..300).contains(&share(&|draw| draw.right)));
        }
        let flipped = draws.iter().filter(|draw| draw.flipped).count();
        assert!((900..1_100).contains(&flipped), "{flipped}");
        let angles = || draws.iter().map(|draw| draw.degrees);
        assert!(angles().all(|angle| angle.abs() <= 15.0) && angles().any(|angle| angle > 14.0) && angles().any(|angle| angle < -14.0));
        assert_eq!(Augmentation::NONE.draw(Seed(3), 7, 1), Draw::nothing(0));
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let turned = |degrees| Augmentation {
            degrees,
            ..Augmentation::NONE
        };
        assert!(turned(f64::NAN).check(ImageShape::CIFAR).is_err() && turned(181.0).check(ImageShape::CIFAR).is_err());
        assert!(Augmentation::PUBLISHED.check(ImageShape::new(3, 3, 3)).is_err());
        let images = MadeUp::default().make().unwrap().train;
        let normalisation = Normalisation::fit(&images).unwrap();
        let wrong = |rows: &[u32], room: usize| {
            let source = TrainingImages {
                images: &images,
                normalisation: &normalisation,
                augmentation: Augmentation::NONE,
                resize: None,
                seed: Seed(0),
            };
            source.fill(0, rows, 2, &mut vec![0.0; room])
        };
        assert!(wrong(&[0], 5).is_err() && wrong(&[u32::MAX], images.shape.len()).is_err());
        assert!(wrong(&[], 0).is_ok());
    }
}
