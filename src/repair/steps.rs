//! Gradient steps as methods ask for them: which rows, pulled or pushed how hard, towards what. Which network takes them, and
//! where the rows lie, is the business of what stands behind [`super::Repairable`].

use serde::{Deserialize, Serialize};

/// Whose answers a row is held at, or driven away from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Teacher {
    /// The model before the repair, in evaluation mode.
    Original,
    /// A network of random weights, in evaluation mode: the incompetent teacher.
    Random,
}

/// A divergence from a teacher: `weight * t^2 * mean of KL(teacher || model)`, both at temperature t.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distillation {
    /// Weight; below 0 drives the model away.
    pub weight: f64,
    /// Whose answers.
    pub teacher: Teacher,
    /// Temperature t.
    pub temperature: f64,
}

/// What some rows add to the loss of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct LossTerm {
    /// Rows, counted within their set (retain or forget) in training order.
    pub rows: Vec<u32>,
    /// Weight of their mean cross entropy; below 0 unlearns the labels. Class weights count as they did in training.
    pub label: f64,
    /// A divergence from a teacher beside it.
    pub distillation: Option<Distillation>,
}

impl LossTerm {
    /// Mean cross entropy with this weight.
    pub fn labels(rows: impl IntoIterator<Item = u32>, weight: f64) -> Self {
        Self {
            rows: rows.into_iter().collect(),
            label: weight,
            distillation: None,
        }
    }

    /// A divergence from a teacher alone.
    pub fn distil(rows: impl IntoIterator<Item = u32>, distillation: Distillation) -> Self {
        Self {
            rows: rows.into_iter().collect(),
            label: 0.0,
            distillation: Some(distillation),
        }
    }
}

/// One step of SGD on the sum of its terms. All its rows go through batch norm together.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientStep {
    /// Of rows of the retain set: those that are not flagged, and flagged ones with the label the person gave. Where a row's label
    /// was corrected, the teacher was wrong about it, and that label takes the teacher's place.
    pub retain: Option<LossTerm>,
    /// Of flagged rows, with the labels they were trained with.
    pub forget: Option<LossTerm>,
    /// Learning rate.
    pub learning_rate: f64,
    /// Number of the pass it belongs to, from 0, for the log.
    pub pass: usize,
}

/// Cuts rows `0..rows` into runs of at most `batch`, the last one smaller; a single row left over joins the run before.
pub fn batches(rows: usize, batch: usize) -> Vec<std::ops::Range<u32>> {
    let mut runs: Vec<std::ops::Range<u32>> = (0..rows)
        .step_by(batch.max(1))
        .map(|start| start as u32..rows.min(start + batch.max(1)) as u32)
        .collect();
    if runs.len() > 1 && runs.last().is_some_and(|last| last.len() == 1) {
        runs.pop();
        if let Some(last) = runs.last_mut() {
            last.end = rows as u32;
        }
    }
    runs
}

/// Part `index` of `parts` of rows `0..rows`, parts as equal as can be.
pub fn share(rows: usize, index: usize, parts: usize) -> std::ops::Range<u32> {
    let cut = |index: usize| (rows * index / parts.max(1)) as u32;
    cut(index)..cut(index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_and_shares_cover_every_row_once() {
        for rows in 0..40 {
            for size in 1..9 {
                let runs = batches(rows, size);
                assert_eq!(
                    runs.iter().cloned().flatten().collect::<Vec<_>>(),
                    (0..rows as u32).collect::<Vec<_>>()
                );
                assert!(rows < 2 || size < 2 || runs.iter().all(|run| run.len() >= 2));
                let parts: Vec<u32> = (0..size).flat_map(|index| share(rows, index, size)).collect();
                assert_eq!(parts, (0..rows as u32).collect::<Vec<_>>());
            }
        }
    }
}
