//! Importances of an image network's parameters, in evaluation mode; see [`ImportanceKind`].

use std::sync::RwLock;

use super::network::ImageNetwork;
use super::pass::{Mode, Workspace, cross_entropy, most_parts};
use super::source::ImageSource;
use crate::error::{Error, Result};
use crate::nn::importance::{Importance, ImportanceKind, finite};
use crate::nn::kernels;
use crate::nn::real::Real;
use crate::nn::team::{self, write};
use crate::progress::Progress;

/// Parameters that a thread folds at a time.
const BLOCK: usize = 1 << 14;

/// Importance of every parameter for the images `rows` of `source` (taken as in epoch 0; nothing should be augmented), in mini-batches of
/// `batch` images in the order given, the last one smaller. For [`ImportanceKind::PerSampleFisher`] the batch size does not matter: every
/// image has a gradient of its own, a few at a time, so memory stays that of a few gradients.
///
/// # Errors
/// Where images and network do not fit each other, there are no rows, a gradient is not a finite number, or the person asks to stop.
pub fn image_importance<T: Real>(
    network: &ImageNetwork<T>,
    source: &dyn ImageSource<T>,
    rows: &[u32],
    (kind, batch): (ImportanceKind, usize),
    threads: usize,
    progress: &dyn Progress,
) -> Result<Importance> {
    if rows.is_empty() {
        return Err(Error::input("there are no images to measure importances on"));
    }
    if batch == 0 {
        return Err(Error::input("the batch size for importances is 0, and must be at least 1"));
    }
    let labels = source.labels();
    if let Some(row) = rows.iter().find(|row| **row as usize >= labels.len()) {
        return Err(Error::internal(format!("image {row} of {}", labels.len())));
    }
    // As many images at once as there are parts: then every part is one image.
    let at_once = match kind {
        ImportanceKind::SquaredBatchGradient => batch,
        ImportanceKind::PerSampleFisher => most_parts(network.parameters().len()),
    };
    let mut totals = vec![0.0; network.parameters().len()];
    let mut workspace = Workspace::new();
    let mut values = Vec::new();
    progress.start("measuring importances", rows.len() as u64);
    let mut measure = || {
        for rows in rows.chunks(at_once) {
            progress.check()?;
            values.resize(rows.len() * source.shape().len(), T::ZERO);
            source.fill(0, rows, threads, &mut values)?;
            let own: Vec<u8> = rows.iter().map(|row| labels[*row as usize]).collect();
            network.check(&values, &own)?;
            let scale = match kind {
                ImportanceKind::SquaredBatchGradient => 1.0 / rows.len() as f64,
                ImportanceKind::PerSampleFisher => 1.0,
            };
            workspace.pass(network, &values, Mode::Evaluation, threads, &|range, logits, deltas| {
                cross_entropy(&own[range], logits, scale, deltas)
            });
            add_squares(&workspace, kind, threads, &mut totals);
            progress.advance(rows.len() as u64);
        }
        Ok(())
    };
    let outcome = measure();
    progress.finish();
    outcome?;
    let count = match kind {
        ImportanceKind::SquaredBatchGradient => rows.len().div_ceil(batch),
        ImportanceKind::PerSampleFisher => rows.len(),
    };
    for total in &mut totals {
        *total /= count as f64;
    }
    finite(&totals)?;
    Ok(Importance { kind, values: totals })
}

/// Adds the square of the sum of the parts' gradients, or the sum of their squares.
fn add_squares<T: Real>(workspace: &Workspace<T>, kind: ImportanceKind, threads: usize, totals: &mut [f64]) {
    let blocks: Vec<_> = totals.chunks_mut(BLOCK).map(RwLock::new).collect();
    workspace.with_gradients(|parts| {
        team::run(threads.clamp(1, blocks.len().max(1)), |member| {
            let mut sum = Vec::new();
            for index in member.share(blocks.len()) {
                let mut totals = write(&blocks[index]);
                let place = index * BLOCK..index * BLOCK + totals.len();
                match kind {
                    ImportanceKind::SquaredBatchGradient => {
                        sum.clear();
                        sum.resize(place.len(), T::ZERO);
                        for part in parts {
                            super::kernels::add_into(&mut sum, &part[place.clone()]);
                        }
                        kernels::add_squares(&mut totals, &sum, 1.0);
                    }
                    ImportanceKind::PerSampleFisher => {
                        for part in parts {
                            kernels::add_squares(&mut totals, &part[place.clone()], 1.0);
                        }
                    }
                }
            }
        });
    });
}
