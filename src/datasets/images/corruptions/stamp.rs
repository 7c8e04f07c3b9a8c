//! A patch over what a network takes, after augmentation.

use crate::datasets::images::TrainingImages;
use crate::error::{Error, Result};
use crate::nn::images::{AugmentParams, ByteImages, ImageShape, ImageSource};

/// Where a square stands in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    name: &'static str,
}

impl Place {
    /// All places, the default first.
    pub const NAMES: [&'static str; 5] = ["bottom-right", "bottom-left", "top-right", "top-left", "middle"];

    /// The place of this name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn named(name: &str) -> Result<Self> {
        let found = Self::NAMES.iter().find(|other| **other == name);
        found
            .map(|name| Self { name })
            .ok_or_else(|| Error::internal(format!("no place is called {name}")))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Row and column of the first pixel of a square.
    fn corner(self, size: usize, shape: ImageShape) -> (usize, usize) {
        let (down, right) = (shape.height.saturating_sub(size), shape.width.saturating_sub(size));
        match self.name {
            "bottom-left" => (down, 0),
            "top-right" => (0, right),
            "top-left" => (0, 0),
            "middle" => (down / 2, right / 2),
            _ => (down, right),
        }
    }

    /// Calls `touch` with the place within a channel of every pixel of a square.
    pub fn each(self, size: usize, shape: ImageShape, mut touch: impl FnMut(usize)) {
        let (down, right) = self.corner(size, shape);
        for row in down..(down + size).min(shape.height) {
            for column in right..(right + size).min(shape.width) {
                touch(row * shape.width + column);
            }
        }
    }
}

/// A square of one normalised value in all channels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stamp {
    /// Side in pixels.
    pub size: usize,
    /// Where it stands.
    pub place: Place,
    /// The value, in standard deviations.
    pub value: f32,
}

/// Images some of which are stamped after augmentation.
#[derive(Debug, Clone, Copy)]
pub struct Stamped<'a> {
    /// The images.
    pub images: TrainingImages<'a>,
    /// The stamp, and the numbers of the images that get it, ascending.
    pub stamp: Option<(Stamp, &'a [u32])>,
}

impl ImageSource<f32> for Stamped<'_> {
    fn shape(&self) -> ImageShape {
        self.images.shape()
    }

    fn labels(&self) -> &[u8] {
        self.images.labels()
    }

    fn fill(&self, epoch: u32, rows: &[u32], threads: usize, into: &mut [f32]) -> Result<()> {
        self.images.fill(epoch, rows, threads, into)?;
        let Some((stamp, stamped)) = self.stamp else { return Ok(()) };
        let shape = self.shape();
        for (row, image) in rows.iter().zip(into.chunks_exact_mut(shape.len())) {
            if stamped.binary_search(row).is_ok() {
                for plane in image.chunks_exact_mut(shape.plane()) {
                    stamp.place.each(stamp.size, shape, |at| plane[at] = stamp.value);
                }
            }
        }
        Ok(())
    }

    /// Of stamped images there are no bytes: a device takes the values.
    fn bytes(&self) -> Option<ByteImages<'_>> {
        if self.stamp.is_some() { None } else { self.images.bytes() }
    }

    fn augment_params(&self, epoch: u32, rows: &[u32]) -> Result<Vec<AugmentParams>> {
        self.images.augment_params(epoch, rows)
    }
}
