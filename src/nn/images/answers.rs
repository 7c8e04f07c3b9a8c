//! What a network answers to the images of a source.

use super::device::{Batch, Compute, OnDevice};
use super::evaluation::{Evaluation, image_logits};
use super::network::ImageNetwork;
use super::source::ImageSource;
use crate::error::{Error, Result};
use crate::nn::Real;
use crate::progress::Progress;

/// Images that are made ready at a time.
const BLOCK: usize = 512;

/// Logits of the images `rows` of `source` as they are in epoch `epoch`, in evaluation mode: images x classes.
///
/// # Errors
/// Where images and network do not fit each other, a row does not exist, or the person asks to stop.
pub fn source_logits<'c, T: Real>(
    network: &ImageNetwork<T>,
    source: &dyn ImageSource<T>,
    rows: &[u32],
    epoch: u32,
    compute: impl Into<Compute<'c>>,
    progress: &dyn Progress,
) -> Result<Vec<T>> {
    if source.shape() != network.spec().input {
        return Err(Error::input(format!(
            "the images are {} and the network takes {}",
            source.shape(),
            network.spec().input
        )));
    }
    let mut logits = Vec::with_capacity(rows.len() * network.spec().classes);
    let mut answers = ImageAnswers::new(network, source, compute.into())?;
    for rows in rows.chunks(BLOCK) {
        progress.check()?;
        logits.extend(answers.logits(source, epoch, rows)?);
    }
    Ok(logits)
}

/// A network and the images that it is asked about again and again; a device keeps both until this goes.
pub struct ImageAnswers<'c, T: Real> {
    network: &'c ImageNetwork<T>,
    device: Option<OnDevice<'c>>,
    threads: usize,
    values: Vec<T>,
    evaluation: Evaluation<T>,
}

impl<'c, T: Real> ImageAnswers<'c, T> {
    /// Brings both together.
    ///
    /// # Errors
    /// Where the device that computes has no room.
    pub fn new(network: &'c ImageNetwork<T>, source: &dyn ImageSource<T>, compute: Compute<'c>) -> Result<Self> {
        let mut device = compute.start(network)?;
        if let Some(device) = &mut device {
            device.upload(source)?;
        }
        Ok(Self {
            network,
            device,
            threads: compute.threads,
            values: Vec::new(),
            evaluation: Evaluation::of(network),
        })
    }

    /// Logits of images `rows` of the source, which must be the same as at first, as they are in epoch `epoch`, in evaluation mode:
    /// images x classes.
    ///
    /// # Errors
    /// Where images and network do not fit each other or a row does not exist.
    pub fn logits(&mut self, source: &dyn ImageSource<T>, epoch: u32, rows: &[u32]) -> Result<Vec<T>> {
        if let Some(device) = &self.device {
            return device.logits(&Batch::Rows(source, epoch, rows));
        }
        self.values.resize(rows.len() * source.shape().len(), T::ZERO);
        source.fill(epoch, rows, self.threads, &mut self.values)?;
        self.evaluation.logits(self.network, &self.values, self.threads)
    }
}

/// Logits of images in evaluation mode, images x classes; `images` holds normalised values, image after image.
///
/// # Errors
/// Where `images` is no whole number of images of the network's size, or the device fails.
pub fn logits_with<T: Real>(network: &ImageNetwork<T>, images: &[T], compute: Compute) -> Result<Vec<T>> {
    match compute.start(network)? {
        Some(device) if images.len().is_multiple_of(network.spec().input.len()) => device.logits(&Batch::Values(images)),
        _ => image_logits(network, images, compute.threads),
    }
}
