//! Simple models on the same rows: what a network has to beat to be worth its trouble.

use crate::error::Result;
use crate::evaluate::{Baseline, majority_baseline};
use crate::features::{Coding, Encoder, Part, Prepared};
use crate::jobs::train::{TrainRequest, examples};
use crate::nn::{logistic_regression, predictions, probabilities};
use crate::notes::Notes;

/// Groups that a number's values are cut into, each as large as the others.
const NUMBER_GROUPS: usize = 16;
/// Share of the training rows, the first, that a column is looked up in to choose the best one by the others.
const LOOKED_UP: f64 = 0.7;

/// The commonest class, the best column alone, and a logistic regression, on the test rows.
pub(super) fn baselines(request: &TrainRequest, prepared: &Prepared, classes: &[String], notes: &mut Notes) -> Result<Vec<Baseline>> {
    let test = &prepared.test;
    let mut list = vec![majority_baseline(&prepared.train.labels, classes, test.len())?];
    list.extend(lookup(prepared, classes.len()));
    match logistic_regression(&examples(&prepared.train, prepared), classes.len()) {
        Ok(logistic) => list.push(Baseline {
            name: "logistic-regression".to_owned(),
            title: "a logistic regression".to_owned(),
            probabilities: probabilities(&logistic, &test.inputs, request.threads)?,
        }),
        Err(error) => notes.add(
            "baseline-left-out",
            format!("the logistic regression to compare with could not be trained ({})", error.message()),
            "the model is compared with the other simple ones only",
        ),
    }
    Ok(list)
}

/// Class shares by the value of one column.
struct Lookup<'a> {
    encoder: &'a Encoder,
    /// Where a number's groups end.
    ends: Vec<f32>,
    /// Groups x classes.
    shares: Vec<f32>,
    classes: usize,
}

impl<'a> Lookup<'a> {
    /// Counts the classes of rows `rows` of a part by this encoder's value; each group leans on the overall shares as if it had one row more.
    fn count(encoder: &'a Encoder, part: &Part, rows: std::ops::Range<usize>, width: usize, classes: usize) -> Self {
        let ends = match &encoder.coding {
            Coding::Number(coding) => coding.output.map_or_else(Vec::new, |output| {
                let mut values: Vec<f32> = rows.clone().map(|row| part.inputs[row * width + output]).collect();
                values.sort_unstable_by(f32::total_cmp);
                let cut = |group: usize| values[group * values.len() / NUMBER_GROUPS];
                (1..NUMBER_GROUPS).map(cut).collect()
            }),
            Coding::Category(_) => Vec::new(),
        };
        let mut lookup = Self {
            encoder,
            ends,
            shares: Vec::new(),
            classes,
        };
        let groups = match &encoder.coding {
            Coding::Number(_) => NUMBER_GROUPS + 1,
            Coding::Category(coding) => coding.outputs.len() + 3,
        };
        let mut counts = vec![0.0_f64; groups * classes];
        let mut overall = vec![0.0_f64; classes];
        for row in rows.clone() {
            let class = usize::from(part.labels[row]);
            counts[lookup.group(&part.inputs[row * width..][..width]) * classes + class] += 1.0;
            overall[class] += 1.0 / rows.len().max(1) as f64;
        }
        lookup.shares = counts
            .chunks_exact(classes)
            .flat_map(|group| {
                let total: f64 = group.iter().sum();
                let share = |(count, overall): (&f64, &f64)| ((count + overall) / (total + 1.0)) as f32;
                group.iter().zip(&overall).map(share).collect::<Vec<_>>()
            })
            .collect();
        lookup
    }

    fn group(&self, inputs: &[f32]) -> usize {
        let on = |output: &Option<usize>| output.is_some_and(|output| inputs[output] != 0.0);
        match &self.encoder.coding {
            Coding::Number(coding) if on(&coding.indicator) => NUMBER_GROUPS,
            Coding::Number(coding) => coding
                .output
                .map_or(0, |output| self.ends.iter().filter(|end| inputs[output] > **end).count()),
            Coding::Category(coding) => {
                let all = coding.outputs.iter().chain([&coding.other, &coding.missing]);
                all.clone().position(on).unwrap_or_else(|| all.count())
            }
        }
    }

    fn probabilities(&self, part: &Part, rows: std::ops::Range<usize>, width: usize) -> Vec<f32> {
        let of_row = |row: usize| {
            let group = self.group(&part.inputs[row * width..][..width]);
            self.shares[group * self.classes..][..self.classes].to_vec()
        };
        rows.flat_map(of_row).collect()
    }
}

/// The column that alone predicts best, chosen on later training rows than those it is looked up in.
fn lookup(prepared: &Prepared, classes: usize) -> Option<Baseline> {
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
        title: format!("looking up `{}` alone", encoder.source.name()),
        probabilities: lookup.probabilities(&prepared.test, 0..prepared.test.len(), width),
    })
}
