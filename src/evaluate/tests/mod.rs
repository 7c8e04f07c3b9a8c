//! Helpers that make probabilities from wanted predictions.

mod cells;
mod changed;
mod comparing;
mod measures;
mod simulated;
mod training;

use super::record::EvaluationSettings;

pub fn classes(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub fn settings() -> EvaluationSettings {
    EvaluationSettings {
        minimum_effect: 0.001,
        significance: 0.05,
        resamples: 2_000,
        group_column: None,
        seed: 1,
        metric: crate::evaluate::Metric::Accuracy,
        matters: Vec::new(),
    }
}

/// Probabilities over two classes that predict what is asked for.
pub fn saying(predicted: &[u8]) -> Vec<f32> {
    predicted
        .iter()
        .flat_map(|&class| if class == 0 { [0.75, 0.25] } else { [0.25, 0.75] })
        .collect()
}

/// All labels 1; `fixed` rows wrong before and right after, `broken` the other way, then `right` and `wrong` both times.
pub fn scene(fixed: usize, broken: usize, right: usize, wrong: usize) -> (Vec<u8>, Vec<f32>, Vec<f32>) {
    let parts = [(fixed, 0, 1), (broken, 1, 0), (right, 1, 1), (wrong, 0, 0)];
    let spread = |which: fn(&(usize, u8, u8)) -> u8| -> Vec<u8> { parts.iter().flat_map(|part| vec![which(part); part.0]).collect() };
    let rows = fixed + broken + right + wrong;
    (vec![1; rows], saying(&spread(|part| part.1)), saying(&spread(|part| part.2)))
}
