//! Images resized on the way into a network, batch by batch: 50,000 images of 224 x 224 would fill 30 GB, and lie in memory at 32 x 32.

use crate::error::{Error, Result};
use crate::nn::images::ImageShape;

/// From one size to another: bilinear, and where images become smaller over all pixels that fall together. What torchvision's `Resize`
/// does to a tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Resize {
    from: ImageShape,
    to: ImageShape,
    down: Vec<Taps>,
    across: Vec<Taps>,
}

/// Where the value of one row or column comes from: this many in a row from the first, with weights that add up to 1.
#[derive(Debug, Clone, PartialEq)]
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

impl Resize {
    /// Between two sizes.
    ///
    /// # Errors
    /// Where the channels differ in number or a side is 0.
    pub fn new(from: ImageShape, to: ImageShape) -> Result<Self> {
        if from.channels != to.channels || from.is_empty() || to.is_empty() {
            return Err(Error::input(format!("images of {from} cannot be resized to {to}")));
        }
        Ok(Self {
            down: taps(from.height, to.height),
            across: taps(from.width, to.width),
            from,
            to,
        })
    }

    /// Size of the images that go in.
    pub fn from(&self) -> ImageShape {
        self.from
    }

    /// Size of the images that come out.
    pub fn to(&self) -> ImageShape {
        self.to
    }

    /// Resizes one image, channel by channel. `between` is room that is used again from image to image.
    pub(super) fn apply(&self, image: &[f32], between: &mut Vec<f32>, into: &mut [f32]) {
        let (width, new_width) = (self.from.width, self.to.width);
        between.resize(self.from.height * new_width, 0.0);
        for (plane, into) in image.chunks_exact(self.from.plane()).zip(into.chunks_exact_mut(self.to.plane())) {
            for (row, into) in plane.chunks_exact(width).zip(between.chunks_exact_mut(new_width)) {
                for (taps, into) in self.across.iter().zip(into) {
                    *into = row[taps.first..]
                        .iter()
                        .zip(&taps.weights)
                        .map(|(value, weight)| value * weight)
                        .sum();
                }
            }
            for (taps, into) in self.down.iter().zip(into.chunks_exact_mut(new_width)) {
                into.fill(0.0);
                for (row, weight) in between[taps.first * new_width..].chunks_exact(new_width).zip(&taps.weights) {
                    for (into, value) in into.iter_mut().zip(row) {
                        *into += weight * value;
                    }
                }
            }
        }
    }
}

/// The taps of one side: a triangle around where each new pixel lies, as wide as a pixel of the coarser side.
fn taps(from: usize, to: usize) -> Vec<Taps> {
    let scale = from as f64 / to as f64;
    let support = scale.max(1.0);
    let one = |index: usize| {
        let center = (index as f64 + 0.5) * scale;
        let first = (center - support + 0.5).max(0.0) as usize;
        let end = ((center + support + 0.5) as usize).min(from);
        let weights = (first..end).map(|place| (1.0 - ((place as f64 - center + 0.5) / support).abs()).max(0.0));
        let total: f64 = weights.clone().sum();
        Taps {
            first,
            weights: weights.map(|weight| (weight / total) as f32).collect(),
        }
    };
    (0..to).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_resized_as_pytorch_resizes_them() {
        let text = include_str!("../../../tests/fixtures/image_resize.json");
        let golden: serde_json::Value = serde_json::from_str(text).unwrap();
        let cases = golden["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 5);
        for case in cases {
            let side = |name: &str, index: usize| case[name][index].as_u64().unwrap() as usize;
            let from = ImageShape::new(2, side("from", 0), side("from", 1));
            let to = ImageShape::new(2, side("to", 0), side("to", 1));
            let image: Vec<f32> = (0..from.len()).map(|index| (0.7 * index as f64).sin() as f32).collect();
            let (mut between, mut found) = (vec![7.0; 3], vec![7.0; to.len()]);
            Resize::new(from, to).unwrap().apply(&image, &mut between, &mut found);
            let expected = case["values"].as_array().unwrap();
            assert_eq!(expected.len(), found.len());
            for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
                let expected = expected.as_f64().unwrap();
                assert!(
                    (f64::from(*found) - expected).abs() < 1e-6,
                    "{from} to {to}, {index}: {found} {expected}"
                );
            }
        }
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        for (from, to) in [((3, 4, 4), (1, 4, 4)), ((3, 0, 4), (3, 4, 4)), ((3, 4, 4), (3, 4, 0))] {
            let shape = |(channels, height, width)| ImageShape::new(channels, height, width);
            assert!(Resize::new(shape(from), shape(to)).is_err());
        }
    }
}
