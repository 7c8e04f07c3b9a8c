//! Likely label errors without any flags: confident learning.
//!
//! Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70 (2021). With probabilities by
//! models that did not see the row (cross-fitting; rows of a group share a fold), a row labelled i counts as truly j where its
//! probability of j reaches the mean probability of j among the rows labelled j (equation 1 of the paper; of several such classes, the
//! likeliest). Rows counted off the diagonal are the suspects (the paper's C_confusion method), and how many there are of each
//! kind follows from the counts scaled to the class shares (equation 3).

use serde::{Deserialize, Serialize};

use super::out_of_fold::Subject;
use crate::error::Result;
use crate::features::Prepared;
use crate::nn::Recipe;
use crate::progress::Progress;
use crate::seed::Seed;

/// What is needed to rank likely label errors.
pub struct SuspectsRequest<'a> {
    /// The sheet, made ready for training.
    pub prepared: &'a Prepared,
    /// Observed labels of the training rows, as the model was trained with them.
    pub labels: &'a [u8],
    /// Hidden layers of the models: those of the model.
    pub hidden: &'a [usize],
    /// How they are trained.
    pub recipe: &'a Recipe,
    /// Parts that the rows are cut into; at least 2.
    pub folds: usize,
    /// Probabilities (rows x classes) by models that did not see the row, where the person has them: no models are trained then.
    pub said: Option<&'a [f32]>,
    /// Run seed.
    pub seed: Seed,
    /// Cores to use.
    pub threads: usize,
}

/// A row whose label is probably wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Suspect {
    /// Position among the training rows.
    pub row: u32,
    /// The likeliest other class.
    pub likeliest: u8,
    /// Quality of the label, from 0 (surely wrong) to 1: half of one plus its probability less that of the likeliest other class.
    pub quality: f64,
}

/// Likely label errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suspects {
    /// Worst label first.
    pub rows: Vec<Suspect>,
    /// The confident joint: rows by (given, likeliest) class, row-major; rows that reach no threshold are in none.
    pub counts: Vec<usize>,
    /// The same as estimated shares of all rows: the confident joint scaled to the class shares.
    pub joint: Vec<f64>,
    /// Mean probability of each class among the rows labelled so; absent for a class without rows.
    pub thresholds: Vec<Option<f64>>,
    /// Training rows.
    pub training_rows: usize,
}

/// Ranks the rows whose label the cross-fitted models confidently contradict.
///
/// # Errors
/// Where training fails or the person stops it.
pub fn suspects(request: &SuspectsRequest, progress: &dyn Progress) -> Result<Suspects> {
    let classes = request.prepared.profile.label.classes().len();
    let subject = Subject {
        inputs: &request.prepared.train.inputs,
        width: request.prepared.features.width(),
        labels: request.labels,
        groups: request.prepared.train.groups.as_deref(),
        classes,
        hidden: request.hidden,
        recipe: request.recipe,
        seed: request.seed,
        threads: request.threads,
    };
    if let Some(said) = request.said {
        return Ok(confident(said, request.labels, classes));
    }
    let nobody = vec![false; request.labels.len()];
    let said = subject.cross_fitted(&nobody, request.folds.max(2), progress)?;
    Ok(confident(&said, request.labels, classes))
}

/// Confident learning on probabilities (rows x classes) that are out of sample.
pub fn confident(said: &[f32], labels: &[u8], classes: usize) -> Suspects {
    let rows = labels.len();
    let of = |row: usize| &said[row * classes..(row + 1) * classes];
    let mut sums = vec![0.0_f64; classes];
    let mut given = vec![0_usize; classes];
    for (row, label) in labels.iter().enumerate() {
        sums[usize::from(*label)] += f64::from(of(row)[usize::from(*label)]);
        given[usize::from(*label)] += 1;
    }
    let thresholds: Vec<Option<f64>> = sums
        .iter()
        .zip(&given)
        .map(|(sum, given)| (*given > 0).then(|| sum / *given as f64))
        .collect();
    let mut counts = vec![0_usize; classes * classes];
    let mut found = Vec::new();
    for (row, label) in labels.iter().enumerate() {
        let label = usize::from(*label);
        let said = of(row);
        let reaches = |class: &usize| thresholds[*class].is_some_and(|threshold| f64::from(said[*class]) >= threshold);
        let confident = (0..classes).filter(reaches).fold(None, |best: Option<usize>, class| match best {
            Some(best) if said[best] >= said[class] => Some(best),
            _ => Some(class),
        });
        let Some(class) = confident else { continue };
        counts[label * classes + class] += 1;
        if class != label {
            found.push(Suspect {
                row: row as u32,
                likeliest: class as u8,
                quality: (f64::from(said[label]) - f64::from(said[class]) + 1.0) / 2.0,
            });
        }
    }
    found.sort_by(|a, b| a.quality.total_cmp(&b.quality).then(a.row.cmp(&b.row)));
    let mut joint = vec![0.0; classes * classes];
    for label in 0..classes {
        let counted: usize = counts[label * classes..(label + 1) * classes].iter().sum();
        for class in 0..classes {
            let share = match counted {
                0 => f64::from(u8::from(class == label)),
                _ => counts[label * classes + class] as f64 / counted as f64,
            };
            joint[label * classes + class] = share * given[label] as f64 / rows.max(1) as f64;
        }
    }
    Suspects {
        rows: found,
        counts,
        joint,
        thresholds,
        training_rows: rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: the thresholds are the mean self-confidences, (0.9 + 0.7 + 0.2) / 3 = 0.6 and (0.8 + 0.6 + 0.3) / 3 = 0.5667.
    #[test]
    fn the_confident_joint_is_what_the_paper_counts() {
        let said = [0.9, 0.1, 0.7, 0.3, 0.2, 0.8, 0.2, 0.8, 0.4, 0.6, 0.7, 0.3_f32];
        let found = confident(&said, &[0, 0, 0, 1, 1, 1], 2);
        assert_eq!(found.counts, [2, 1, 1, 2]);
        let rows: Vec<(u32, u8)> = found.rows.iter().map(|suspect| (suspect.row, suspect.likeliest)).collect();
        assert_eq!(rows, [(2, 1), (5, 0)]);
        assert!((found.rows[0].quality - 0.2).abs() < 1e-6 && (found.rows[1].quality - 0.3).abs() < 1e-6);
        assert!((found.thresholds[0].unwrap() - 0.6).abs() < 1e-6);
        for (found, wanted) in found.joint.iter().zip([2.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0, 2.0 / 6.0]) {
            assert!((found - wanted).abs() < 1e-12);
        }
    }

    #[test]
    fn a_class_without_rows_has_no_threshold_and_nobody_is_suspected_of_it() {
        let found = confident(&[0.1, 0.0, 0.9, 0.6, 0.0, 0.4], &[0, 0], 3);
        assert_eq!(found.thresholds[2], None);
        assert!(found.rows.is_empty());
    }
}
