//! What a network answers to the images of a source.

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
pub fn source_logits<T: Real>(
    network: &ImageNetwork<T>,
    source: &dyn ImageSource<T>,
    rows: &[u32],
    epoch: u32,
    threads: usize,
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
    for rows in rows.chunks(BLOCK) {
        progress.check()?;
        values.resize(rows.len() * size, T::ZERO);
        source.fill(epoch, rows, threads, &mut values)?;
        logits.extend(image_logits(network, &values, threads)?);
    }
    Ok(logits)
}
