//! Importances of an image network's parameters, in evaluation mode; see [`ImportanceKind`].

use std::ops::Range;
use std::sync::RwLock;

use super::device::{Back, Batch, Compute, Term};
use super::network::ImageNetwork;
use super::pass::{Mode, Workspace, cross_entropy, most_parts};
use super::source::ImageSource;
use crate::error::{Error, Result};
use crate::nn::importance::{Importance, ImportanceKind, OutputSize, finite};
use crate::nn::kernels;
use crate::nn::real::Real;
use crate::nn::team::{self, write};
use crate::progress::Progress;

/// Parameters that a thread folds at a time.
const BLOCK: usize = 1 << 14;

/// What is added up over batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sum {
    /// The square of the gradient of the batch's mean loss.
    SquaredGradient,
    /// The squares of the images' gradients.
    Squares,
    /// The absolute values of the gradient of the mean size of the logits.
    Reaction(OutputSize),
}

/// Importance of every parameter for the images `rows` of `source` (taken as in epoch 0; nothing should be augmented), in mini-batches of
/// `batch` images in the order given, the last one smaller. For [`ImportanceKind::PerSampleFisher`] the batch size does not matter: every
/// image has a gradient of its own, a few at a time, so memory stays that of a few gradients.
///
/// # Errors
/// Where images and network do not fit each other, there are no rows, a gradient is not a finite number, or the person asks to stop.
pub fn image_importance<'c, T: Real>(
    network: &ImageNetwork<T>,
    source: &dyn ImageSource<T>,
    rows: &[u32],
    (kind, batch): (ImportanceKind, usize),
    compute: impl Into<Compute<'c>>,
    progress: &dyn Progress,
) -> Result<Importance> {
    let compute = compute.into();
    let (sum, size) = match kind {
        ImportanceKind::SquaredBatchGradient => (Sum::SquaredGradient, batch),
        // A device keeps images apart whatever their number.
        ImportanceKind::PerSampleFisher if compute.has_device(network) => (Sum::Squares, batch),
        // As many images at once as there are parts: then every part is one image.
        ImportanceKind::PerSampleFisher => (Sum::Squares, most_parts(network.parameters().len()).min(batch.saturating_mul(8))),
    };
    let batches = cut(rows, size)?;
    let values = over_batches(network, source, &batches, sum, compute, progress)?;
    Ok(Importance { kind, values })
}

/// The squared batch gradient over mini-batches given one by one: the training's own with the flagged images left out, say. Empty ones
/// do not count.
///
/// # Errors
/// As [`image_importance`].
pub fn image_importance_in_batches<'c, T: Real>(
    network: &ImageNetwork<T>,
    source: &dyn ImageSource<T>,
    batches: &[Vec<u32>],
    compute: impl Into<Compute<'c>>,
    progress: &dyn Progress,
) -> Result<Importance> {
    let batches: Vec<&[u32]> = batches.iter().filter(|rows| !rows.is_empty()).map(Vec::as_slice).collect();
    let values = over_batches(network, source, &batches, Sum::SquaredGradient, compute.into(), progress)?;
    let kind = ImportanceKind::SquaredBatchGradient;
    Ok(Importance { kind, values })
}

/// How much the output reacts to every parameter: the mean over mini-batches of |d mean size of the logits / d parameter|, in evaluation
/// mode. Labels are not read.
///
/// # Errors
/// As [`image_importance`].
pub fn image_output_sensitivity<'c, T: Real>(
    network: &ImageNetwork<T>,
    source: &dyn ImageSource<T>,
    rows: &[u32],
    (size, batch): (OutputSize, usize),
    compute: impl Into<Compute<'c>>,
    progress: &dyn Progress,
) -> Result<Vec<f64>> {
    over_batches(network, source, &cut(rows, batch)?, Sum::Reaction(size), compute.into(), progress)
}

fn cut(rows: &[u32], batch: usize) -> Result<Vec<&[u32]>> {
    if batch == 0 {
        return Err(Error::input("the batch size for importances is 0, and must be at least 1"));
    }
    Ok(rows.chunks(batch).collect())
}

/// Mean over the batches, or over the images where each has a share of its own.
fn over_batches<T: Real>(
    network: &ImageNetwork<T>,
    source: &dyn ImageSource<T>,
    batches: &[&[u32]],
    sum: Sum,
    compute: Compute,
    progress: &dyn Progress,
) -> Result<Vec<f64>> {
    let threads = compute.threads;
    let images: usize = batches.iter().map(|rows| rows.len()).sum();
    if images == 0 {
        return Err(Error::input("there are no images to measure importances on"));
    }
    let labels = source.labels();
    if let Some(row) = batches.iter().copied().flatten().find(|row| **row as usize >= labels.len()) {
        return Err(Error::internal(format!("image {row} of {}", labels.len())));
    }
    let mut device = compute.start(network)?;
    if let Some(device) = &mut device {
        device.upload(source)?;
    }
    let mut totals = vec![0.0; network.parameters().len()];
    let mut workspace = Workspace::new();
    let mut values = Vec::new();
    progress.start("measuring importances (images)", images as u64);
    let mut measure = || {
        for rows in batches {
            progress.check()?;
            let own: Vec<u8> = rows.iter().map(|row| labels[*row as usize]).collect();
            let scale = match sum {
                Sum::Squares => 1.0,
                Sum::SquaredGradient | Sum::Reaction(_) => 1.0 / rows.len() as f64,
            };
            let deltas = |range: Range<usize>, logits: &[T], deltas: &mut [T]| match sum {
                Sum::Reaction(size) => output_size(logits, (size, network.spec().classes), scale, deltas),
                _ => cross_entropy(&own[range], logits, scale, deltas),
            };
            if let Some(device) = &device {
                network.check_labels(&own, rows.len())?;
                let back = if sum == Sum::Squares { Back::Squares } else { Back::Gradient };
                let batch = Batch::Rows(source, 0, rows);
                device.pass(&batch, Mode::Evaluation, back, network.spec().classes, &deltas, &|_| Ok(()))?;
                match sum {
                    Sum::Squares => {}
                    Sum::SquaredGradient => device.add_up(Term::Square)?,
                    Sum::Reaction(_) => device.add_up(Term::Size)?,
                }
            } else {
                values.resize(rows.len() * source.shape().len(), T::ZERO);
                source.fill(0, rows, threads, &mut values)?;
                network.check(&values, &own)?;
                workspace.pass(network, &values, Mode::Evaluation, threads, &deltas);
                add_up(&workspace, sum, threads, &mut totals);
            }
            progress.advance(rows.len() as u64);
        }
        if let Some(device) = &device {
            totals = device.totals()?;
        }
        Ok(())
    };
    let outcome = measure();
    progress.finish();
    outcome?;
    let count = match sum {
        Sum::Squares => images,
        Sum::SquaredGradient | Sum::Reaction(_) => batches.len(),
    };
    for total in &mut totals {
        *total /= count as f64;
    }
    finite(&totals)?;
    Ok(totals)
}

/// d (scale * size of the logits) / d logits of every image into `deltas`; returns the sum of what is derived.
fn output_size<T: Real>(logits: &[T], (size, classes): (OutputSize, usize), scale: f64, deltas: &mut [T]) -> f64 {
    let mut total = 0.0;
    for (deltas, logits) in deltas.chunks_mut(classes).zip(logits.chunks(classes)) {
        let slope = scale * size.slope(logits.iter().copied());
        // The derivative times the logits is the length itself, and twice its square.
        let share = if size == OutputSize::SquaredLength { 0.5 } else { 1.0 };
        for (delta, logit) in deltas.iter_mut().zip(logits) {
            let logit = logit.to_f64();
            *delta = T::from_f64(slope * logit);
            total += share * slope * logit * logit;
        }
    }
    total
}

/// Adds what a batch's parts make together, or each by itself.
fn add_up<T: Real>(workspace: &Workspace<T>, sum: Sum, threads: usize, totals: &mut [f64]) {
    let blocks: Vec<_> = totals.chunks_mut(BLOCK).map(RwLock::new).collect();
    workspace.with_gradients(|parts| {
        team::run(threads.clamp(1, blocks.len().max(1)), |member| {
            let mut together = Vec::new();
            for index in member.share(blocks.len()) {
                let mut totals = write(&blocks[index]);
                let place = index * BLOCK..index * BLOCK + totals.len();
                if sum == Sum::Squares {
                    for part in parts {
                        kernels::add_squares(&mut totals, &part[place.clone()], 1.0);
                    }
                    continue;
                }
                together.clear();
                together.resize(place.len(), T::ZERO);
                for part in parts {
                    super::kernels::add_into(&mut together, &part[place.clone()]);
                }
                match sum {
                    Sum::Reaction(_) => {
                        for (total, value) in totals.iter_mut().zip(&together) {
                            *total += value.to_f64().abs();
                        }
                    }
                    _ => kernels::add_squares(&mut totals, &together, 1.0),
                }
            }
        });
    });
}
