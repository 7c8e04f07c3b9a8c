//! What can be said of every row's label without it: several kinds of models that did not see the row, and the other rows of its group.
//!
//! - The model's own networks and boosted trees ([`crate::trees`]) judge rows of folds that they did not learn from. Rows of a group share a
//!   fold. The trees do so twice: with folds at random, and with periods of time as folds, where there are times. Their logarithms are mixed
//!   by the weight that fits the recorded labels best (out of fold, so that neither wins by memory).
//! - Where rows of a group nearly always have one label, the labels of the others say most (Bayes' rule). How much that counts, and how sure
//!   the models may be, is what fits the recorded labels best.

use rayon::prelude::*;

use super::columns::Column;
use super::out_of_fold::{FEWEST_ROWS, Subject, said_by_trees};
use crate::error::Result;
use crate::progress::Progress;
use crate::trees::{self, Binned, MOST_CLASSES, Sheet};

/// Weights that are tried.
const WEIGHTS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// Factors of all logarithms that are tried: above 1 the models are too timid, below too sure.
const SHARPNESS: [f64; 9] = [0.4, 0.55, 0.7, 0.85, 1.0, 1.15, 1.35, 1.6, 2.0];
/// A row with which all others of its group agree keeps so much of its score: a group can be entered wrongly as a whole, so they do not clear
/// it.
const AGREED: f64 = 0.6;
/// Others of a group that count at most, each as one that is asked by itself: they are alike.
const MOST_OTHERS: f64 = 4.0;
/// Least probability.
const FLOOR: f64 = 1e-6;

/// Rows, and how they are judged.
pub(super) struct Judges<'a> {
    pub subject: &'a Subject<'a>,
    /// The columns that trees may look at.
    pub columns: &'a [&'a Column],
    /// Seconds, where there are times.
    pub times: Option<&'a [i64]>,
    pub folds: usize,
}

/// What is said of every row's label without it.
pub(super) struct Doubt {
    /// Probabilities, rows x classes.
    pub said: Vec<f64>,
    /// The same without the rest of a row's group.
    pub alone: Vec<f64>,
    /// What trees of other periods say (rows x classes), where there are times.
    pub by_time: Option<Vec<f64>>,
    /// By row, where it has others in its group, whether all of them have its label.
    agree: Vec<Option<bool>>,
    classes: usize,
}

/// What trees say, in logarithms, rows x classes.
struct Grown {
    /// The mean of both kinds of folds.
    mean: Vec<f64>,
    /// With periods of time as folds, where there are times.
    by_time: Option<Vec<f64>>,
}

impl Doubt {
    /// Of probabilities (rows x classes) that somebody has.
    pub fn of(said: &[f32], classes: usize) -> Self {
        let said: Vec<f64> = said.iter().map(|said| f64::from(*said)).collect();
        Self {
            alone: said.clone(),
            by_time: None,
            agree: vec![None; said.len() / classes.max(1)],
            said,
            classes,
        }
    }

    /// Whether the rest of a group says more than the columns do.
    pub fn is_by_groups(&self) -> bool {
        self.agree.iter().any(Option::is_some)
    }

    /// What is said of a row.
    pub fn of_row(&self, row: usize) -> &[f64] {
        &self.said[row * self.classes..(row + 1) * self.classes]
    }

    /// The likeliest class other than a row's label, and the score: one half of one plus its probability less that of the label. In a
    /// group of several labels no row is cleared by the others, in a group of one label none is cleared altogether.
    pub fn score(&self, row: usize, label: usize) -> (usize, f64) {
        let alone = margin(&self.alone[row * self.classes..(row + 1) * self.classes], label);
        match self.agree[row] {
            None => alone,
            Some(true) => (alone.0, AGREED * alone.1),
            Some(false) => {
                let together = margin(self.of_row(row), label);
                if together.1 >= alone.1 { together } else { alone }
            }
        }
    }

    /// The score that a row would have with another label.
    pub fn score_as(&self, row: usize, own: usize, label: usize) -> f64 {
        match own == label {
            true => self.score(row, label).1,
            false => margin(self.of_row(row), label).1,
        }
    }
}

/// The likeliest class other than `label`, and one half of one plus its probability less that of `label`.
fn margin(said: &[f64], label: usize) -> (usize, f64) {
    let others = (0..said.len()).filter(|class| *class != label);
    let other = others.fold(None, |best: Option<usize>, class| match best {
        Some(best) if said[best] >= said[class] => Some(best),
        _ => Some(class),
    });
    let other = other.unwrap_or(label);
    (other, (said[other] - said[label] + 1.0) / 2.0)
}

impl Judges<'_> {
    /// What models that did not see a row, and the rest of its group, say.
    ///
    /// # Errors
    /// Where training fails or the person stops it.
    pub fn doubt(&self, progress: &dyn Progress) -> Result<Doubt> {
        let subject = self.subject;
        let classes = subject.classes;
        let nobody = vec![false; subject.labels.len()];
        let networks = subject.cross_fitted(&nobody, self.folds, progress)?;
        let networks: Vec<f64> = networks.iter().map(|said| f64::from(*said).max(FLOOR).ln()).collect();
        let shares = |logs: &[f64]| -> Vec<f64> { logs.chunks_exact(classes).flat_map(softmax).collect() };
        let (mut logs, by_time) = match self.trees(progress)? {
            Some(trees) => {
                let by_time = trees.by_time.map(|mut logs| {
                    self.sharpen(&mut logs);
                    shares(&logs)
                });
                (self.best_sum(&networks, &trees.mean, |weight| (weight, 1.0 - weight)), by_time)
            }
            None => (networks, None),
        };
        self.sharpen(&mut logs);
        let alone = shares(&logs);
        let Some(others) = self.others() else {
            return Ok(Doubt {
                said: alone.clone(),
                alone,
                by_time,
                agree: vec![None; subject.labels.len()],
                classes,
            });
        };
        logs = self.best_sum(&logs, &others.logs, |weight| (1.0, weight));
        self.sharpen(&mut logs);
        Ok(Doubt {
            said: shares(&logs),
            alone,
            by_time,
            agree: others.agree,
            classes,
        })
    }

    /// The sum of two weighed logarithms that fits the recorded labels best. `weights`: of both, for each weight that is tried.
    fn best_sum(&self, one: &[f64], other: &[f64], weights: impl Fn(f64) -> (f64, f64)) -> Vec<f64> {
        let sum = |weight: f64| -> Vec<f64> {
            let (first, second) = weights(weight);
            one.iter().zip(other).map(|(one, other)| first * one + second * other).collect()
        };
        let fits = WEIGHTS.map(|weight| self.fits(&sum(weight)));
        sum(WEIGHTS[greatest(&fits)])
    }

    /// Logarithms by trees, with both kinds of folds; `None` where there are no columns for them.
    fn trees(&self, progress: &dyn Progress) -> Result<Option<Grown>> {
        let subject = self.subject;
        let (rows, classes) = (subject.labels.len(), subject.classes);
        let looked_at: Vec<Binned<'_>> = self.columns.iter().map(|column| column.binned()).collect();
        let sheet = Sheet::new(&looked_at, rows);
        if sheet.is_empty() || classes > MOST_CLASSES {
            return Ok(None);
        }
        let by_time = match self.times {
            Some(times) => subject.periods(times, self.folds),
            None => subject.random_folds(self.folds, 1),
        };
        let divisions = [subject.random_folds(self.folds, 0), by_time];
        let nobody = vec![false; rows];
        let mut jobs: Vec<(Vec<u32>, Vec<u32>)> = Vec::new();
        for fold_of in &divisions {
            for (fold, train) in subject.training_rows(fold_of, self.folds, &nobody).into_iter().enumerate() {
                let wanted = (0..rows as u32).filter(|row| usize::from(fold_of[*row as usize]) == fold);
                jobs.push((wanted.collect(), train));
            }
        }
        progress.start("growing trees", jobs.len() as u64);
        let judged: Vec<Vec<f64>> = jobs
            .par_iter()
            .map(|(wanted, train)| {
                progress.check()?;
                let said = match train.len() >= FEWEST_ROWS {
                    true => {
                        let grown = trees::Grown {
                            rows: train,
                            labels: subject.labels,
                            classes,
                        };
                        said_by_trees(&sheet, wanted, &grown)
                    }
                    false => subject
                        .shares(train, wanted.len())
                        .iter()
                        .map(|share| f64::from(*share).ln())
                        .collect(),
                };
                progress.advance(1);
                Ok(said)
            })
            .collect::<Result<_>>()?;
        progress.finish();
        let mut mean = vec![0.0; rows * classes];
        let mut by_time = vec![0.0; rows * classes];
        for (number, ((wanted, _), said)) in jobs.iter().zip(&judged).enumerate() {
            for (row, said) in wanted.iter().zip(said.chunks_exact(classes)) {
                let start = *row as usize * classes;
                let means = mean[start..start + classes].iter_mut().zip(said);
                means.for_each(|(mean, said)| *mean += said / divisions.len() as f64);
                if number >= self.folds {
                    by_time[start..start + classes].copy_from_slice(said);
                }
            }
        }
        Ok(Some(Grown {
            mean,
            by_time: self.times.map(|_| by_time),
        }))
    }

    /// Mean log-likelihood of the recorded labels.
    fn fits(&self, logs: &[f64]) -> f64 {
        let all: Vec<usize> = (0..self.subject.labels.len()).collect();
        fits(logs, self.subject.labels, &all, 1.0)
    }

    /// Scales the logarithms so that they fit the recorded labels best.
    fn sharpen(&self, logs: &mut [f64]) {
        let all: Vec<usize> = (0..self.subject.labels.len()).collect();
        let best = sharpness(logs, self.subject.labels, &all);
        logs.iter_mut().for_each(|log| *log *= best);
    }

    /// What the other rows of each row's group say; `None` without groups of several rows.
    fn others(&self) -> Option<Others> {
        let (subject, groups) = (self.subject, self.subject.groups?);
        let (rows, classes) = (subject.labels.len(), subject.classes);
        let count = groups.iter().max().map_or(0, |last| *last as usize + 1);
        let mut of_group = vec![0.0_f64; count * classes];
        for (group, label) in groups.iter().zip(subject.labels) {
            of_group[*group as usize * classes + usize::from(*label)] += 1.0;
        }
        let counts = |row: usize| {
            let start = groups[row] as usize * classes;
            let mut others = of_group[start..start + classes].to_vec();
            others[usize::from(subject.labels[row])] -= 1.0;
            let all: f64 = others.iter().sum();
            (others, all)
        };
        // How often a row of one class stands beside one of another.
        let mut beside = vec![0.5_f64; classes * classes];
        let mut several = 0;
        for row in 0..rows {
            let (others, all) = counts(row);
            if all > 0.0 {
                several += 1;
                let start = usize::from(subject.labels[row]) * classes;
                others
                    .iter()
                    .enumerate()
                    .for_each(|(class, count)| beside[start + class] += count / all);
            }
        }
        if several == 0 {
            return None;
        }
        let total: f64 = beside.iter().sum();
        let sums: Vec<f64> = beside.chunks_exact(classes).map(|row| row.iter().sum()).collect();
        let by_column: Vec<f64> = (0..classes)
            .map(|class| (0..classes).map(|own| beside[own * classes + class]).sum())
            .collect();
        let mut found = Others {
            logs: vec![0.0; rows * classes],
            agree: vec![None; rows],
        };
        for row in 0..rows {
            let (others, all) = counts(row);
            if all == 0.0 {
                continue;
            }
            found.agree[row] = Some(others[usize::from(subject.labels[row])] >= all);
            for own in 0..classes {
                let ratio = |class: usize| (beside[own * classes + class] * total / (sums[own] * by_column[class])).ln();
                let mean: f64 = (0..classes).map(|class| others[class] / all * ratio(class)).sum();
                found.logs[row * classes + own] = mean * all.min(MOST_OTHERS);
            }
        }
        Some(found)
    }
}

/// The factor of logarithms (all rows x classes) with which they fit the recorded labels of some rows best: below 1 where models are too sure.
pub(super) fn sharpness(logs: &[f64], labels: &[u8], rows: &[usize]) -> f64 {
    let fits = SHARPNESS.map(|sharpness| fits(logs, labels, rows, sharpness));
    SHARPNESS[greatest(&fits)]
}

/// Mean log-likelihood of the recorded labels of some rows, with all logarithms times a factor.
fn fits(logs: &[f64], labels: &[u8], rows: &[usize], sharpness: f64) -> f64 {
    let classes = logs.len() / labels.len().max(1);
    let of_row = |row: &usize| {
        let sharp: Vec<f64> = logs[row * classes..(row + 1) * classes].iter().map(|log| sharpness * log).collect();
        softmax(&sharp)[usize::from(labels[*row])].max(FLOOR).ln()
    };
    rows.iter().map(of_row).sum::<f64>() / rows.len().max(1) as f64
}

/// What the others of a row's group say.
struct Others {
    /// Logarithms of how much they speak for each class, rows x classes.
    logs: Vec<f64>,
    /// Where there are others, whether all of them have the row's label.
    agree: Vec<Option<bool>>,
}

pub(super) fn softmax(logs: &[f64]) -> Vec<f64> {
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raised: Vec<f64> = logs.iter().map(|log| (log - most).exp()).collect();
    let all: f64 = raised.iter().sum();
    raised.iter().map(|raised| raised / all).collect()
}

/// Index of the greatest, the first of equals.
pub(super) fn greatest(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, next| if values[next] > values[best] { next } else { best })
}
