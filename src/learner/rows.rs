//! Rows with observed labels, whatever they are made of.

use std::borrow::Cow;
use std::fmt;

use crate::error::{Error, Result};
use crate::nn::Real;
use crate::nn::images::{AugmentParams, ByteImages, ImageShape, ImageSource};

/// Rows of inputs with their observed labels; nothing is copied. There is no place for clean labels.
#[derive(Clone, Copy)]
pub struct Rows<'a, T> {
    values: Values<'a, T>,
    labels: &'a [u8],
}

#[derive(Clone, Copy)]
enum Values<'a, T> {
    /// Row-major, the same in every epoch.
    Table { inputs: &'a [T], width: usize },
    /// As a source makes them, which may be other ones in every epoch.
    Images(&'a dyn ImageSource<T>),
}

impl<T> fmt::Debug for Rows<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows", self.labels.len())
    }
}

impl<'a, T: Real> Rows<'a, T> {
    /// Rows of a matrix, row-major, `width` columns.
    pub fn table(inputs: &'a [T], width: usize, labels: &'a [u8]) -> Self {
        Self {
            values: Values::Table { inputs, width },
            labels,
        }
    }

    /// The images of a source.
    pub fn images(source: &'a dyn ImageSource<T>) -> Self {
        Self {
            values: Values::Images(source),
            labels: source.labels(),
        }
    }

    /// The same with other observed labels.
    ///
    /// # Errors
    /// Where they are not one per row.
    pub fn with_labels<'b>(self, labels: &'b [u8]) -> Result<Rows<'b, T>>
    where
        'a: 'b,
    {
        if labels.len() != self.labels.len() {
            return Err(Error::internal("labels not one per row"));
        }
        Ok(Rows {
            values: self.values,
            labels,
        })
    }

    /// Observed label of every row.
    pub fn labels(&self) -> &'a [u8] {
        self.labels
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Values of a row.
    pub fn width(&self) -> usize {
        match self.values {
            Values::Table { width, .. } => width,
            Values::Images(source) => source.shape().len(),
        }
    }

    /// Size of the images; `None` for rows of a table.
    pub fn image_shape(&self) -> Option<ImageShape> {
        match self.values {
            Values::Table { .. } => None,
            Values::Images(source) => Some(source.shape()),
        }
    }

    /// Whether they are the same in every epoch.
    pub fn fixed(&self) -> bool {
        matches!(self.values, Values::Table { .. })
    }

    /// All values, row-major; of images those of epoch 0.
    ///
    /// # Errors
    /// Where images cannot be made.
    pub fn values(&self, threads: usize) -> Result<Cow<'a, [T]>> {
        match self.values {
            Values::Table { inputs, .. } => Ok(Cow::Borrowed(inputs)),
            Values::Images(_) => {
                let all: Vec<u32> = (0..self.labels.len() as u32).collect();
                self.gathered(0, &all, threads).map(Cow::Owned)
            }
        }
    }

    /// Values of some rows as they are in an epoch, row-major.
    ///
    /// # Errors
    /// Where a row does not exist.
    pub fn gathered(&self, epoch: u32, which: &[u32], threads: usize) -> Result<Vec<T>> {
        let mut values = vec![T::ZERO; which.len() * self.width()];
        self.fill(epoch, which, threads, &mut values)?;
        Ok(values)
    }

    /// The same into `into`.
    ///
    /// # Errors
    /// As [`Rows::gathered`].
    pub fn fill(&self, epoch: u32, which: &[u32], threads: usize, into: &mut [T]) -> Result<()> {
        match self.values {
            Values::Images(source) => source.fill(epoch, which, threads, into),
            Values::Table { inputs, width } => {
                for (row, into) in which.iter().zip(into.chunks_exact_mut(width.max(1))) {
                    let start = *row as usize * width;
                    let from = inputs.get(start..start + width);
                    into.copy_from_slice(from.ok_or_else(|| Error::internal(format!("row {row} of {}", self.labels.len())))?);
                }
                Ok(())
            }
        }
    }
}

/// Rows as images of a size; rows of a table become images of that size where their values are as many.
#[derive(Clone, Copy)]
pub(super) struct AsImages<'a, T> {
    pub rows: Rows<'a, T>,
    pub shape: ImageShape,
}

impl<T: Real> ImageSource<T> for AsImages<'_, T> {
    fn shape(&self) -> ImageShape {
        self.rows.image_shape().unwrap_or(self.shape)
    }

    fn labels(&self) -> &[u8] {
        self.rows.labels
    }

    fn fill(&self, epoch: u32, rows: &[u32], threads: usize, into: &mut [T]) -> Result<()> {
        self.rows.fill(epoch, rows, threads, into)
    }

    fn bytes(&self) -> Option<ByteImages<'_>> {
        match self.rows.values {
            Values::Table { .. } => None,
            Values::Images(source) => source.bytes(),
        }
    }

    fn augment_params(&self, epoch: u32, rows: &[u32]) -> Result<Vec<AugmentParams>> {
        match self.rows.values {
            Values::Table { .. } => Err(Error::internal("a table is not augmented")),
            Values::Images(source) => source.augment_params(epoch, rows),
        }
    }
}
