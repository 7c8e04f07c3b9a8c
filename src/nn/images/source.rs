//! Where a network's images come from.

use super::shape::ImageShape;
use crate::error::{Error, Result};
use crate::nn::real::Real;

/// Labelled images as a network takes them, which may be other ones in every epoch (augmentation).
pub trait ImageSource<T>: Sync {
    /// Size of the images.
    fn shape(&self) -> ImageShape;
    /// Observed label of every image.
    fn labels(&self) -> &[u8];
    /// Writes the normalised values of images `rows` in epoch `epoch` into `into`, image after image.
    ///
    /// # Errors
    /// Where a row does not exist.
    fn fill(&self, epoch: u32, rows: &[u32], threads: usize, into: &mut [T]) -> Result<()>;
}

/// Images that lie ready in memory and are the same in every epoch.
#[derive(Debug, Clone, Copy)]
pub struct PlainImages<'a, T> {
    /// Size of the images.
    pub shape: ImageShape,
    /// Normalised values, image after image.
    pub values: &'a [T],
    /// Observed label of every image.
    pub labels: &'a [u8],
}

impl<T: Real> ImageSource<T> for PlainImages<'_, T> {
    fn shape(&self) -> ImageShape {
        self.shape
    }

    fn labels(&self) -> &[u8] {
        self.labels
    }

    fn fill(&self, _epoch: u32, rows: &[u32], _threads: usize, into: &mut [T]) -> Result<()> {
        let size = self.shape.len().max(1);
        for (row, into) in rows.iter().zip(into.chunks_exact_mut(size)) {
            let start = *row as usize * size;
            let image = self.values.get(start..start + size);
            into.copy_from_slice(image.ok_or_else(|| Error::internal(format!("image {row} of {}", self.labels.len())))?);
        }
        Ok(())
    }
}
