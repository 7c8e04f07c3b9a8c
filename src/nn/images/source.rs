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

/// Some images of a source, as a source of their own. An image is augmented as in the whole source.
#[derive(Clone)]
pub struct SelectedImages<'a, T> {
    inner: &'a dyn ImageSource<T>,
    rows: Vec<u32>,
    labels: Vec<u8>,
}

impl<'a, T> SelectedImages<'a, T> {
    /// The images `rows` of `inner`, with its labels.
    ///
    /// # Errors
    /// Where a row does not exist.
    pub fn new(inner: &'a dyn ImageSource<T>, rows: Vec<u32>) -> Result<Self> {
        let labels = inner.labels();
        let own = rows.iter().map(|row| labels.get(*row as usize).copied());
        let labels = own
            .collect::<Option<Vec<u8>>>()
            .ok_or_else(|| Error::internal(format!("an image beyond {}", labels.len())))?;
        Ok(Self { inner, rows, labels })
    }

    /// With labels of one's own.
    ///
    /// # Errors
    /// Where they are not one per image.
    pub fn with_labels(mut self, labels: Vec<u8>) -> Result<Self> {
        if labels.len() != self.rows.len() {
            return Err(Error::internal("labels not one per image"));
        }
        self.labels = labels;
        Ok(self)
    }
}

impl<T: Real> ImageSource<T> for SelectedImages<'_, T> {
    fn shape(&self) -> ImageShape {
        self.inner.shape()
    }

    fn labels(&self) -> &[u8] {
        &self.labels
    }

    fn fill(&self, epoch: u32, rows: &[u32], threads: usize, into: &mut [T]) -> Result<()> {
        let of_inner = rows.iter().map(|row| self.rows.get(*row as usize).copied());
        let of_inner = of_inner
            .collect::<Option<Vec<u32>>>()
            .ok_or_else(|| Error::internal(format!("an image beyond {}", self.rows.len())))?;
        self.inner.fill(epoch, &of_inner, threads, into)
    }
}
