//! Some of the rows by themselves.

use super::compare::{RowSet, Rows};

/// Rows picked from others, in their order.
pub(super) struct Part<'a> {
    kept: Vec<usize>,
    labels: Vec<u8>,
    groups: Option<Vec<u32>>,
    set: RowSet,
    classes: &'a [String],
}

impl<'a> Part<'a> {
    /// The rows for which `wanted` holds; `None` where there are none.
    pub fn of(rows: &Rows<'a>, set: RowSet, wanted: impl Fn(usize) -> bool) -> Option<Self> {
        let kept: Vec<usize> = (0..rows.labels.len()).filter(|row| wanted(*row)).collect();
        (!kept.is_empty()).then(|| Self {
            labels: kept.iter().map(|&row| rows.labels[row]).collect(),
            groups: rows.groups.map(|groups| kept.iter().map(|&row| groups[row]).collect()),
            set,
            classes: rows.classes,
            kept,
        })
    }

    pub fn rows(&self) -> Rows<'_> {
        Rows {
            set: self.set,
            labels: &self.labels,
            groups: self.groups.as_deref(),
            classes: self.classes,
        }
    }

    /// Their part of probabilities (all rows x classes).
    pub fn pick(&self, values: &[f32]) -> Vec<f32> {
        let width = self.classes.len();
        self.kept
            .iter()
            .flat_map(|&row| values[row * width..(row + 1) * width].iter().copied())
            .collect()
    }
}
