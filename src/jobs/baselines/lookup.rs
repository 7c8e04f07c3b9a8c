//! The best column alone.

use super::groups::Groups;
use crate::evaluate::{Baseline, BaselineKind};
use crate::features::{Encoder, Part, Prepared};
use crate::nn::predictions;

/// Groups that a number's values are cut into, each as large as the others.
const NUMBER_GROUPS: usize = 16;
/// Share of the training rows, the first, that a column is looked up in to choose the best one by the others.
const LOOKED_UP: f64 = 0.7;

/// Class shares by the value of one column.
struct Lookup<'a> {
    groups: Groups<'a>,
    /// Groups x classes.
    shares: Vec<f32>,
    classes: usize,
}

impl<'a> Lookup<'a> {
    /// Counts the classes of rows `rows` of a part by this encoder's value; each group leans on the overall shares as if it had one row more.
    fn count(encoder: &'a Encoder, part: &Part, rows: std::ops::Range<usize>, width: usize, classes: usize) -> Self {
        let groups = Groups::new(encoder, part, rows.clone(), width, NUMBER_GROUPS);
        let mut counts = vec![0.0_f64; groups.count() * classes];
        let mut overall = vec![0.0_f64; classes];
        for row in rows.clone() {
            let class = usize::from(part.labels[row]);
            counts[groups.of(&part.inputs[row * width..][..width]) * classes + class] += 1.0;
            overall[class] += 1.0 / rows.len().max(1) as f64;
        }
        let shares = counts
            .chunks_exact(classes)
            .flat_map(|group| {
                let total: f64 = group.iter().sum();
                let share = |(count, overall): (&f64, &f64)| ((count + overall) / (total + 1.0)) as f32;
                group.iter().zip(&overall).map(share).collect::<Vec<_>>()
            })
            .collect();
        Self { groups, shares, classes }
    }

    fn probabilities(&self, part: &Part, rows: std::ops::Range<usize>, width: usize) -> Vec<f32> {
        let of_row = |row: usize| {
            let group = self.groups.of(&part.inputs[row * width..][..width]);
            self.shares[group * self.classes..][..self.classes].to_vec()
        };
        rows.flat_map(of_row).collect()
    }
}

/// The column that alone predicts best, chosen on later training rows than those it is looked up in.
pub(super) fn lookup(prepared: &Prepared, classes: usize) -> Option<Baseline> {
    let (train, width) = (&prepared.train, prepared.features.width());
    let cut = (train.len() as f64 * LOOKED_UP) as usize;
    if cut < NUMBER_GROUPS {
        return None;
    }
    let right = |encoder: &Encoder| {
        let lookup = Lookup::count(encoder, train, 0..cut, width, classes);
        let predicted = predictions(&lookup.probabilities(train, cut..train.len(), width), classes);
        predicted
            .iter()
            .zip(&train.labels[cut..])
            .filter(|(one, other)| one == other)
            .count()
    };
    let mut best: Option<(usize, &Encoder)> = None;
    for encoder in prepared.features.encoders() {
        let right = right(encoder);
        if best.is_none_or(|(most, _)| right > most) {
            best = Some((right, encoder));
        }
    }
    let (_, encoder) = best?;
    let lookup = Lookup::count(encoder, train, 0..train.len(), width, classes);
    Some(Baseline {
        name: "lookup".to_owned(),
        kind: BaselineKind::Simple,
        title: format!("looking up `{}` alone", encoder.source.name()),
        probabilities: lookup.probabilities(&prepared.test, 0..prepared.test.len(), width),
    })
}
