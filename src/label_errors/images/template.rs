//! Values at the same places that are the same in nearly all known images and in few others: a patch.
//!
//! Some images have such values by nature, as a white background has those of a white patch. They go on around the place of the patch, in the images of
//! the other classes (where no one put it) as in these, and seldom in the known ones: so each image's surroundings say how likely it was put there.

use super::LEAST_CHANCE;
use crate::error::Result;
use crate::nn::images::ImageShape;

/// A value counts as the same within this, in standard deviations of its channel: two steps of brightness of most images.
const SAME: f32 = 0.05;
/// Share of the known images that a value is the same in.
const OF_KNOWN: f64 = 0.9;
/// Most of the others that have it.
const OF_OTHERS: f64 = 0.5;
/// Most of the images of other classes that have a patch which most others of this class have as well: it was put into most of this class.
const OF_OTHER_CLASSES: f64 = 0.05;
/// Most of the surroundings of such a patch that go on, on average over the known images: it does not lie there by nature.
const MOST_AROUND: f64 = 0.3;
/// Share of the template's values that an image must have.
const OF_TEMPLATE: f64 = 0.9;
/// Pixels around the patch that count as its surroundings.
const AROUND: usize = 2;
/// Parts that shares of like surroundings are sorted into.
const BINS: usize = 5;
/// Fewest images of other classes that have the values by nature; with less, those of this class are as rare.
const LEAST_BY_NATURE: usize = 10;
/// Rounds of expectation-maximisation.
const ROUNDS: usize = 100;
/// Most that the chance of an image can be.
const MOST: f64 = 0.99;

/// Values that the known images share.
pub(super) struct Template {
    shape: ImageShape,
    /// Values there.
    values: Vec<(usize, f32)>,
    /// Values around, and what they would be if the patch went on.
    around: Vec<(usize, f32)>,
    /// By candidate that has them, the share of values around that go on.
    has: Vec<Option<f64>>,
    /// By candidate the chance that they were put there.
    chances: Vec<f64>,
    known: usize,
}

fn same(image: &[f32], (at, value): &(usize, f32)) -> bool {
    (image[*at] - value).abs() <= SAME
}

/// Looks for one among `count` candidates, the known ones first, whose values `each` tells; `others` tells those of the images of other classes.
///
/// # Errors
/// As `each` and `others`.
pub(super) fn find(
    count: usize,
    known: usize,
    shape: ImageShape,
    each: impl Fn(&mut dyn FnMut(usize, &[f32])) -> Result<()>,
    others: impl Fn(&mut dyn FnMut(usize, &[f32])) -> Result<()>,
) -> Result<Option<Template>> {
    let mut of_known: Vec<f32> = Vec::with_capacity(known * shape.len());
    each(&mut |place, image| {
        if place < known {
            of_known.extend_from_slice(image);
        }
    })?;
    let shared: Vec<(usize, f32)> = (0..shape.len())
        .filter_map(|at| {
            let mut values: Vec<f32> = (0..known).map(|image| of_known[image * shape.len() + at]).collect();
            let middle = *values.select_nth_unstable_by(known / 2, f32::total_cmp).1;
            let same = values.iter().filter(|value| (*value - middle).abs() <= SAME).count();
            (same as f64 >= OF_KNOWN * known as f64).then_some((at, middle))
        })
        .collect();
    let mut of_others = vec![0_usize; shared.len()];
    each(&mut |place, image| {
        if place >= known {
            of_others
                .iter_mut()
                .zip(&shared)
                .for_each(|(count, value)| *count += usize::from(same(image, value)));
        }
    })?;
    let most = OF_OTHERS * (count - known) as f64;
    let rare = shared.iter().zip(&of_others).filter(|(_, count)| **count as f64 <= most);
    let mut values: Vec<(usize, f32)> = rare.map(|(value, _)| *value).collect();
    let least = shape.channels.max(2);
    let of_most = values.len() < least;
    if of_most {
        values = rare_elsewhere(shared, &others)?;
    }
    if values.len() < least {
        return Ok(None);
    }
    let mut template = Template {
        shape,
        around: around(&values, shape),
        values,
        has: Vec::new(),
        chances: vec![0.0; count],
        known,
    };
    let mut has = vec![None; count];
    each(&mut |place, image| has[place] = template.goes_on(image))?;
    template.has = has;
    if template.of_known() < 0.5 || of_most && template.goes_on_in_known() > MOST_AROUND {
        return Ok(None);
    }
    let mut by_nature = Vec::new();
    others(&mut |_, image| by_nature.extend(template.goes_on(image)))?;
    template.judge(&by_nature);
    Ok(Some(template))
}

/// The values that few images of other classes have.
fn rare_elsewhere(shared: Vec<(usize, f32)>, others: impl Fn(&mut dyn FnMut(usize, &[f32])) -> Result<()>) -> Result<Vec<(usize, f32)>> {
    let (mut counts, mut images) = (vec![0_usize; shared.len()], 0_usize);
    others(&mut |_, image| {
        images += 1;
        let each = counts.iter_mut().zip(&shared);
        each.for_each(|(count, value)| *count += usize::from(same(image, value)));
    })?;
    let most = OF_OTHER_CLASSES * images as f64;
    let rare = shared.into_iter().zip(counts).filter(|(_, count)| *count as f64 <= most);
    Ok(rare.map(|(value, _)| value).collect())
}

/// The places around those of the values, each with the value of its channel that is nearest.
fn around(values: &[(usize, f32)], shape: ImageShape) -> Vec<(usize, f32)> {
    let place = |at: usize| (at / shape.plane(), at % shape.plane() / shape.width, at % shape.width);
    let taken: Vec<usize> = values.iter().map(|(at, _)| *at).collect();
    let apart = |(channel, row, column): (usize, usize, usize), at: usize| {
        let (other, down, right) = place(at);
        (other == channel).then(|| row.abs_diff(down).max(column.abs_diff(right)))
    };
    (0..shape.len())
        .filter(|at| taken.binary_search(at).is_err())
        .filter_map(|at| {
            let near = values.iter().filter_map(|(other, value)| Some((apart(place(at), *other)?, *value)));
            let nearest = near.min_by_key(|(apart, _)| *apart)?;
            (nearest.0 <= AROUND).then_some((at, nearest.1))
        })
        .collect()
}

impl Template {
    /// Chance that the patch was put into a candidate; 0 where it does not have it.
    pub fn chance(&self, place: usize) -> f64 {
        self.chances[place]
    }

    /// Whether a candidate has the values.
    pub fn has(&self, place: usize) -> bool {
        self.has[place].is_some()
    }

    /// Covers the patch by what lies around it: each channel by its mean there, or by the mean of all images where nothing does.
    pub fn cover(&self, image: &mut [f32]) {
        let plane = self.shape.plane();
        for channel in 0..self.shape.channels {
            let of_channel = |at: usize| at / plane == channel;
            let around: Vec<f32> = self
                .around
                .iter()
                .filter(|(at, _)| of_channel(*at))
                .map(|(at, _)| image[*at])
                .collect();
            let mean = around.iter().sum::<f32>() / around.len().max(1) as f32;
            for (at, _) in self.values.iter().filter(|(at, _)| of_channel(*at)) {
                image[*at] = mean;
            }
        }
    }

    /// Share of the known images that have it.
    pub fn of_known(&self) -> f64 {
        self.has[..self.known].iter().flatten().count() as f64 / self.known as f64
    }

    /// Share of the values around that go on, on average over the known images that have it.
    fn goes_on_in_known(&self) -> f64 {
        let known = self.has[..self.known].iter().flatten();
        known.clone().sum::<f64>() / known.count().max(1) as f64
    }

    /// Of an image that has the values, the share of those around it that go on.
    fn goes_on(&self, image: &[f32]) -> Option<f64> {
        let found = self.values.iter().filter(|value| same(image, value)).count();
        if (found as f64) < OF_TEMPLATE * self.values.len() as f64 {
            return None;
        }
        let on = self.around.iter().filter(|value| same(image, value)).count();
        Some(on as f64 / self.around.len().max(1) as f64)
    }

    /// Chances of the candidates: those that have the values are a mixture of images like the known ones and of images that have them by nature, whose
    /// surroundings are those in other classes; the share of each is estimated by expectation-maximisation.
    fn judge(&mut self, by_nature: &[f64]) {
        let (known, rest) = self.has.split_at(self.known);
        let bin = |share: f64| ((share * BINS as f64) as usize).min(BINS - 1);
        let spread = |shares: &mut dyn Iterator<Item = f64>| {
            let mut counts = [0.5; BINS];
            shares.for_each(|share| counts[bin(share)] += 1.0);
            let sum: f64 = counts.iter().sum();
            counts.map(|count| count / sum)
        };
        let put = spread(&mut known.iter().flatten().copied());
        let nature = spread(&mut by_nature.iter().copied());
        let found: Vec<f64> = rest.iter().flatten().copied().collect();
        let mut share = if by_nature.len() < LEAST_BY_NATURE { 1.0 } else { 0.5 };
        let chance = |share: f64, like: f64| share * put[bin(like)] / (share * put[bin(like)] + (1.0 - share) * nature[bin(like)]);
        for _ in 0..ROUNDS {
            let sum: f64 = found.iter().map(|like| chance(share, *like)).sum();
            share = if found.is_empty() { share } else { sum / found.len() as f64 };
        }
        let chances = self.has.iter().map(|like| like.map_or(0.0, |like| chance(share, like).min(MOST)));
        self.chances = chances.collect();
    }

    /// As a rule.
    pub fn in_words(&self, class: &str) -> String {
        let more = self.chances[self.known..].iter().filter(|chance| **chance >= LEAST_CHANCE).count();
        let by_nature = self.has[self.known..].iter().flatten().count() - more;
        let pixels = self.values.iter().map(|(at, _)| at % self.shape.plane());
        let (width, height) = (self.shape.width, self.shape.height);
        let edge = |of: fn(usize, usize) -> usize, pixels: &mut dyn Iterator<Item = usize>| {
            let places: Vec<usize> = pixels.map(|pixel| of(pixel, width)).collect();
            (places.iter().copied().min().unwrap_or(0), places.iter().copied().max().unwrap_or(0))
        };
        let (top, bottom) = edge(|pixel, width| pixel / width, &mut pixels.clone());
        let (left, right) = edge(|pixel, width| pixel % width, &mut pixels.clone());
        let where_it_is = match (top == 0, bottom + 1 == height, left == 0, right + 1 == width) {
            (false, true, false, true) => "at the bottom right".to_owned(),
            (false, true, true, false) => "at the bottom left".to_owned(),
            (true, false, false, true) => "at the top right".to_owned(),
            (true, false, true, false) => "at the top left".to_owned(),
            _ => format!("from row {} and column {}", top + 1, left + 1),
        };
        let others = match by_nature {
            0 => String::new(),
            count => format!(" ({count} others are of this colour around it as well, and are taken to be so by nature)"),
        };
        format!(
            "Recorded as {class}: a patch of {} x {} pixels {where_it_is} is the same in {:.0} % of the known images; {more} more have it{others}.",
            bottom - top + 1,
            right - left + 1,
            100.0 * self.of_known()
        )
    }
}
