//! Images of a study as a sheet, and how they are divided.

use rand::seq::SliceRandom;

use crate::datasets::images::Images;
use crate::error::Result;
use crate::experiments::corrective_images::settings::HELD_OUT;
use crate::experiments::tables::{Cells, table, text};
use crate::seed::Seed;
use crate::tables::Table;

/// Class and recorded label of images as a sheet, for conditions. Behind them stands every class once, so that a condition may name one that
/// none of these images has.
pub(super) fn columns(classes: &[String], clean: &[u8], recorded: &[u8]) -> Result<Table> {
    let every = 0..classes.len() as u8;
    let rows = clean.iter().copied().zip(recorded.iter().copied()).chain(every.clone().zip(every));
    let name = |label: u8| text(&classes[usize::from(label)]);
    let rows: Vec<Cells> = rows
        .map(|(clean, recorded)| vec![("class", name(clean)), ("label", name(recorded))])
        .collect();
    table("images", &rows)
}

/// The images to train on and those held out, drawn at random.
pub(super) fn divided(images: &Images, seed: Seed) -> Result<(Images, Images)> {
    let mut all: Vec<u32> = (0..images.len() as u32).collect();
    all.shuffle(&mut seed.stream("corrective-images/held-out", 0));
    let (held_out, train) = all.split_at_mut((images.len() as f64 * HELD_OUT).round() as usize);
    held_out.sort_unstable();
    train.sort_unstable();
    Ok((images.take(train)?, images.take(held_out)?))
}
