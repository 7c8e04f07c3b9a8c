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
    /// The images as bytes, for a device that makes of them by itself what [`ImageSource::fill`] writes; `None` where there are none.
    fn bytes(&self) -> Option<ByteImages<'_>> {
        None
    }
    /// What happens to images `rows` in epoch `epoch`, where there are bytes.
    ///
    /// # Errors
    /// Where a row does not exist, or there are no bytes.
    fn augment_params(&self, _epoch: u32, _rows: &[u32]) -> Result<Vec<AugmentParams>> {
        Err(Error::internal("a source without bytes is asked what happens to them"))
    }
}

/// Images as bytes.
#[derive(Debug, Clone)]
pub struct ByteImages<'a> {
    /// Size of every image.
    pub shape: ImageShape,
    /// Image after image, channel, row, column.
    pub pixels: &'a [u8],
    /// What each brightness becomes, by channel.
    pub tables: Vec<[f32; 256]>,
}

/// What happens to an image of [`ByteImages`]: turned about its middle (nearest neighbour), mirrored, moved; what comes in from outside is
/// brightness 0. The value at (x, y) is looked up where it was before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AugmentParams {
    /// Number of the image.
    pub image: u32,
    /// Rows by which the place looked up lies below.
    pub down: i32,
    /// Columns by which it lies to the right.
    pub right: i32,
    /// Whether it is mirrored left to right.
    pub mirrored: bool,
    /// Cosine and sine of the turn; absent where there is none.
    pub turn: Option<(f64, f64)>,
}

impl AugmentParams {
    /// As the kernels read it: `AugmentParams` in `gpu/kernels.cu`.
    pub fn to_bytes(self) -> [u8; 32] {
        let (cosine, sine) = self.turn.unwrap_or((1.0, 0.0));
        let flags = i32::from(self.mirrored) | i32::from(self.turn.is_some()) << 1;
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&self.image.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.down.to_ne_bytes());
        bytes[8..12].copy_from_slice(&self.right.to_ne_bytes());
        bytes[12..16].copy_from_slice(&flags.to_ne_bytes());
        bytes[16..24].copy_from_slice(&cosine.to_ne_bytes());
        bytes[24..].copy_from_slice(&sine.to_ne_bytes());
        bytes
    }
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

    fn of_inner(&self, rows: &[u32]) -> Result<Vec<u32>> {
        let of_inner = rows.iter().map(|row| self.rows.get(*row as usize).copied());
        of_inner
            .collect::<Option<Vec<u32>>>()
            .ok_or_else(|| Error::internal(format!("an image beyond {}", self.rows.len())))
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
        self.inner.fill(epoch, &self.of_inner(rows)?, threads, into)
    }

    fn bytes(&self) -> Option<ByteImages<'_>> {
        self.inner.bytes()
    }

    fn augment_params(&self, epoch: u32, rows: &[u32]) -> Result<Vec<AugmentParams>> {
        self.inner.augment_params(epoch, &self.of_inner(rows)?)
    }
}
