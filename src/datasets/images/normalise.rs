//! From brightness 0 to 255 to what a network takes: per channel (value / 255 - mean) / standard deviation.

use serde::{Deserialize, Serialize};

use super::Images;
use crate::error::{Error, Result};
use crate::nn::images::ImageShape;

/// Mean and standard deviation of every channel, of values from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Normalisation {
    /// Means.
    pub means: Vec<f64>,
    /// Standard deviations (of the population), above 0.
    pub deviations: Vec<f64>,
}

impl Normalisation {
    /// Fitted on images: training images, and no others. A channel that never varies gets the deviation 1.
    ///
    /// # Errors
    /// Where there is no image.
    pub fn fit(images: &Images) -> Result<Self> {
        if images.is_empty() {
            return Err(Error::input("there are no images to take mean and deviation of"));
        }
        // Counted in whole numbers, so that the result depends on no order.
        let mut counts = vec![[0_u64; 256]; images.shape.channels];
        for image in images.pixels.chunks_exact(images.shape.len()) {
            for (plane, counts) in image.chunks_exact(images.shape.plane()).zip(&mut counts) {
                for value in plane {
                    counts[usize::from(*value)] += 1;
                }
            }
        }
        let total = (images.len() * images.shape.plane()) as f64;
        let mut fitted = Self {
            means: Vec::new(),
            deviations: Vec::new(),
        };
        for counts in &counts {
            let values = || {
                counts
                    .iter()
                    .enumerate()
                    .map(|(value, count)| (value as f64 / 255.0, *count as f64))
            };
            let mean = values().map(|(value, count)| value * count).sum::<f64>() / total;
            let variance = values().map(|(value, count)| (value - mean).powi(2) * count).sum::<f64>() / total;
            fitted.means.push(mean);
            fitted.deviations.push(if variance > 0.0 { variance.sqrt() } else { 1.0 });
        }
        Ok(fitted)
    }

    /// That it suits images of this shape.
    ///
    /// # Errors
    /// Where the channels differ in number, or a deviation is not above 0.
    pub fn check(&self, shape: ImageShape) -> Result<()> {
        if self.means.len() != shape.channels || self.deviations.len() != shape.channels {
            return Err(Error::input(format!(
                "mean and deviation of {} channels were stored, and the images have {}",
                self.means.len(),
                shape.channels
            )));
        }
        if self.means.iter().any(|mean| !mean.is_finite()) || self.deviations.iter().any(|value| !(*value > 0.0 && value.is_finite())) {
            return Err(Error::input("a stored mean or deviation of a channel is not a usable number"));
        }
        Ok(())
    }

    /// What each brightness becomes, by channel.
    pub(super) fn tables(&self) -> Vec<[f32; 256]> {
        let pairs = self.means.iter().zip(&self.deviations);
        pairs
            .map(|(mean, deviation)| std::array::from_fn(|value| ((value as f64 / 255.0 - mean) / deviation) as f32))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_deviation_are_those_of_each_channel() {
        let images = Images {
            shape: ImageShape::new(2, 1, 2),
            pixels: vec![0, 255, 51, 51, 0, 255, 51, 51],
            labels: vec![0, 1],
            sub_labels: None,
        };
        let fitted = Normalisation::fit(&images).unwrap();
        assert_eq!((fitted.means[0], fitted.deviations[0]), (0.5, 0.5));
        assert!((fitted.means[1] - 0.2).abs() < 1e-15);
        assert_eq!(fitted.deviations[1], 1.0, "a channel that never varies");
        assert_eq!((fitted.tables()[0][0], fitted.tables()[0][255]), (-1.0, 1.0));
        fitted.check(images.shape).unwrap();
        assert!(fitted.check(ImageShape::CIFAR).is_err());
        assert!(Normalisation::fit(&Images::empty(images.shape)).is_err());
    }
}
