//! Values at the same places that are the same in nearly all known images and in few others: a patch.

use crate::error::Result;
use crate::nn::images::ImageShape;

/// A value counts as the same within this, in standard deviations of its channel: two steps of brightness of most images.
const SAME: f32 = 0.05;
/// Share of the known images that a value is the same in.
const OF_KNOWN: f64 = 0.9;
/// Most of the others that have it.
const OF_OTHERS: f64 = 0.5;
/// Share of the template's values that an image must have.
const OF_TEMPLATE: f64 = 0.9;

/// Values that the known images share.
pub(super) struct Template {
    shape: ImageShape,
    /// Places within an image.
    places: Vec<usize>,
    /// By candidate whether it has them.
    has: Vec<bool>,
    known: usize,
}

/// Looks for one among `count` candidates, the known ones first, whose values `each` tells.
///
/// # Errors
/// As `each`.
pub(super) fn find(
    count: usize,
    known: usize,
    shape: ImageShape,
    each: impl Fn(&mut dyn FnMut(usize, &[f32])) -> Result<()>,
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
    let same = |image: &[f32], (at, middle): &(usize, f32)| (image[*at] - middle).abs() <= SAME;
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
    let values: Vec<(usize, f32)> = rare.map(|(value, _)| *value).collect();
    if values.len() < shape.channels.max(2) {
        return Ok(None);
    }
    let mut has = vec![false; count];
    each(&mut |place, image| {
        let found = values.iter().filter(|value| same(image, value)).count();
        has[place] = found as f64 >= OF_TEMPLATE * values.len() as f64;
    })?;
    let template = Template {
        shape,
        places: values.into_iter().map(|(at, _)| at).collect(),
        has,
        known,
    };
    Ok((template.of_known() >= 0.5).then_some(template))
}

impl Template {
    /// Whether a candidate has it.
    pub fn has(&self, place: usize) -> bool {
        self.has[place]
    }

    fn of_known(&self) -> f64 {
        self.has[..self.known].iter().filter(|has| **has).count() as f64 / self.known as f64
    }

    /// As a rule.
    pub fn in_words(&self, class: &str) -> String {
        let more = self.has[self.known..].iter().filter(|has| **has).count();
        let pixels = self.places.iter().map(|at| at % self.shape.plane());
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
        format!(
            "Recorded as {class}: a patch of {} x {} pixels {where_it_is} is the same in {:.0} % of the known images; {more} more have it.",
            bottom - top + 1,
            right - left + 1,
            100.0 * self.of_known()
        )
    }
}
