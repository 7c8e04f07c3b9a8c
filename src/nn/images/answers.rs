//! What a network answers to the images of a source.

use super::device::{Batch, Compute};
use super::network::ImageNetwork;
use super::pass::image_logits;
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
    let size = source.shape().len();
    let (mut values, mut logits) = (Vec::new(), Vec::with_capacity(rows.len() * network.spec().classes));
    let compute = compute.into();
    let mut device = compute.start(network)?;
    if let Some(device) = &mut device {
        device.hold(source)?;
    }
    for rows in rows.chunks(BLOCK) {
        progress.check()?;
        if let Some(device) = &device {
            logits.extend(device.logits(&Batch::Rows(source, epoch, rows))?);
            continue;
        }
        values.resize(rows.len() * size, T::ZERO);
        source.fill(epoch, rows, compute.threads, &mut values)?;
        logits.extend(image_logits(network, &values, compute.threads)?);
    }
    Ok(logits)
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
