//! Values that lie far from all others of their column: mistyped (1000 for 1), or standing for "unknown" (-99999).

use super::encode::{Coding, NumberCoding};
use super::fitted::FittedFeatures;
use super::load::Values;
use super::words::shown;
use crate::notes::Notes;
use crate::tables::Table;

/// A far value lies more than this many interquartile ranges from the median ...
const FAR: f64 = 20.0;
/// ... and this many times farther than the farthest of the others.
const GAP: f64 = 5.0;
/// Share of a column's values that can be far ones; more of them are what the column is like.
const MOST: f64 = 0.02;
/// Rows named in a note.
const NAMED: usize = 3;

/// Notes the far values among the training rows, with row and column. `table` holds the usable rows, `train` the training rows among them.
pub(super) fn note_far_values(features: &FittedFeatures, values: &[Values], table: &Table, train: &[usize], notes: &mut Notes) {
    for (encoder, values) in features.encoders().iter().zip(values) {
        let (Coding::Number(coding), Values::Numbers(numbers, _)) = (&encoder.coding, values) else {
            continue;
        };
        if encoder.source.part.is_some() || !coding.smooth {
            continue;
        }
        let far = far_rows(coding, numbers, train);
        if far.is_empty() {
            continue;
        }
        let name = shown(&encoder.source.column);
        let named: Vec<String> = far
            .iter()
            .take(NAMED)
            .map(|row| format!("row {} ({})", table.row_number(*row), numbers[*row].unwrap_or_default()))
            .collect();
        let more = if far.len() > NAMED {
            format!(" and {} more", far.len() - NAMED)
        } else {
            String::new()
        };
        notes.add(
            "far-value",
            format!("`{name}` lies far from all its other values in {}{more}", named.join(", ")),
            "it counts as one that is just beyond the others; correct it, or blank it if it stands for \"unknown\"",
        );
    }
}

/// Rows whose value lies far from all others, the farthest first.
fn far_rows(coding: &NumberCoding, numbers: &[Option<f64>], train: &[usize]) -> Vec<usize> {
    let distance = |value: f64| ((value - coding.offset) * coding.scale).abs();
    let mut rows: Vec<(f64, usize)> = train
        .iter()
        .filter_map(|row| numbers[*row].map(|value| (distance(value), *row)))
        .collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let most = ((rows.len() as f64 * MOST) as usize).max(1).min(rows.len().saturating_sub(1));
    let gap = (1..=most)
        .rev()
        .find(|count| rows[count - 1].0 > FAR && rows[count - 1].0 > GAP * rows[*count].0);
    gap.map_or_else(Vec::new, |count| rows[..count].iter().map(|(_, row)| *row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coding() -> NumberCoding {
        NumberCoding {
            output: Some(0),
            indicator: None,
            fill: 0.5,
            offset: 0.5,
            scale: 2.0,
            low: 0.0,
            high: 1.0,
            clip: false,
            smooth: true,
            exceptions: Vec::new(),
        }
    }

    fn rows_found(far: &[(usize, f64)]) -> Vec<usize> {
        let mut numbers: Vec<Option<f64>> = (0..300).map(|row| Some(f64::from(row % 101) / 100.0)).collect();
        numbers[7] = None;
        far.iter().for_each(|(row, value)| numbers[*row] = Some(*value));
        let train: Vec<usize> = (0..250).collect();
        far_rows(&coding(), &numbers, &train)
    }

    #[test]
    fn mistyped_and_sentinel_values_are_found_in_training_rows_alone() {
        assert_eq!(rows_found(&[]), Vec::<usize>::new());
        assert_eq!(rows_found(&[(3, 1000.0)]), [3]);
        assert_eq!(rows_found(&[(3, -99_999.0), (90, -99_999.0)]), [3, 90]);
        assert_eq!(rows_found(&[(3, 50.0), (90, 1e6)]), [90, 3]);
        assert_eq!(rows_found(&[(270, 1000.0)]), Vec::<usize>::new());
    }

    #[test]
    fn a_column_of_steadily_growing_values_has_none() {
        let numbers: Vec<Option<f64>> = (0..300).map(|row| Some(1.05_f64.powi(row))).collect();
        let train: Vec<usize> = (0..300).collect();
        assert_eq!(far_rows(&coding(), &numbers, &train), Vec::<usize>::new());
    }

    #[test]
    fn one_far_value_moves_no_other_input_and_stays_within_reach() {
        let coding = coding();
        assert!((coding.input(Some(1.0)) - 1.0 / (1.0_f32 + 1.0 / 9.0).sqrt()).abs() < 1e-6);
        assert!(coding.input(Some(1e9)) <= 3.0 && coding.input(Some(-1e9)) >= -3.0);
        assert!(coding.input(Some(1000.0)) > coding.input(Some(1.0)));
    }
}
