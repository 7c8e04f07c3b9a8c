//! Other models on the same rows: simple ones, which a network has to beat to be worth its trouble, and boosted trees, which an analyst might
//! take instead.

mod groups;
mod lookup;
mod trees;

use crate::error::Result;
use crate::evaluate::{Baseline, BaselineKind, majority_baseline};
use crate::features::Prepared;
use crate::jobs::train::{TrainRequest, examples};
use crate::nn::{MlpSpec, Recipe, logistic_regression, probabilities};
use crate::notes::Notes;

/// The commonest class, the best column alone, a logistic regression, and, beside the standard recipe, boosted trees, on the test rows. The
/// paper's recipe is for runs like the paper's, which compares with no trees and is quick. A network without hidden layers is a logistic
/// regression itself: another one is not the simpler model that it has to beat.
pub(super) fn baselines(
    request: &TrainRequest,
    prepared: &Prepared,
    (spec, recipe): (&MlpSpec, &Recipe),
    classes: &[String],
    notes: &mut Notes,
) -> Result<Vec<Baseline>> {
    let test = &prepared.test;
    let mut list = vec![majority_baseline(&prepared.train.labels, classes, test.len())?];
    list.extend(lookup::lookup(prepared, classes.len()));
    match logistic_regression(&examples(&prepared.train, prepared), classes.len()) {
        Ok(logistic) => list.push(Baseline {
            name: "logistic-regression".to_owned(),
            title: "a logistic regression".to_owned(),
            kind: match spec.hidden.is_empty() {
                true => BaselineKind::Strong,
                false => BaselineKind::Simple,
            },
            probabilities: probabilities(&logistic, &test.inputs, request.threads)?,
        }),
        Err(error) => notes.add(
            "baseline-left-out",
            format!("the logistic regression to compare with could not be trained ({})", error.message()),
            "the model is compared with the other simple ones only",
        ),
    }
    if recipe.standard.is_some() {
        list.extend(trees::boosted_trees(prepared, classes.len()));
    }
    Ok(list)
}
