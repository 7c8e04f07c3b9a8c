//! A placebo for a repair: the same repair on random rows with like labels, flagged in the stead of the flagged ones.

use rand::seq::SliceRandom;

use super::repair::ForgetSet;
use crate::jobs::rows::TrainingData;
use crate::label_errors::flags::ResolvedFlag;
use crate::seed::Seed;

/// As many rows that are not flagged as are flagged, label by label, with the corrections of those; fewer where a label has no more rows. `corner`: marks
/// of the training rows of the place where flags lie that follow no rule. The placebo then has as many rows there as the flags have, since right rows flagged
/// in one place differ from rows of other places, but not from those beside them. Ascending by position.
pub(super) fn placebo(flags: &[ResolvedFlag], training: &TrainingData, corner: Option<&[bool]>, width: usize, seed: Seed) -> ForgetSet {
    let rows = training.labels.len();
    let mut flagged = vec![false; rows];
    flags.iter().for_each(|flag| flagged[flag.position as usize] = true);
    let mut random = seed.stream("placebo", 0);
    let inside = |row: usize| corner.and_then(|corner| corner.get(row)) == Some(&true);
    let mut by_label: Vec<Vec<u32>> = vec![Vec::new(); 512];
    let kind = |label: u8, row: usize| usize::from(label) + if inside(row) { 256 } else { 0 };
    (0..rows)
        .filter(|row| !flagged[*row])
        .for_each(|row| by_label[kind(training.labels[row], row)].push(row as u32));
    by_label.iter_mut().for_each(|rows| rows.shuffle(&mut random));
    let mut drawn: Vec<(u32, Option<u8>)> = flags
        .iter()
        .filter_map(|flag| Some((by_label[kind(flag.observed, flag.position as usize)].pop()?, flag.correction)))
        .collect();
    drawn.sort_unstable();
    let row = |position: &u32| *position as usize;
    ForgetSet {
        inputs: drawn
            .iter()
            .flat_map(|(position, _)| training.inputs[row(position) * width..(row(position) + 1) * width].iter().copied())
            .collect(),
        labels: drawn.iter().map(|(position, _)| training.labels[row(position)]).collect(),
        corrections: drawn.iter().map(|(_, correction)| *correction).collect(),
        positions: drawn.into_iter().map(|(position, _)| position).collect(),
    }
}

/// Marks of rows that select and rows that accept, among the trusted ones: a random half each, whole groups together.
pub(super) fn halves(trusted: &[bool], groups: Option<&[u32]>, seed: Seed) -> (Vec<bool>, Vec<bool>) {
    use rand::Rng;
    use std::collections::BTreeMap;
    let mut random = seed.stream("rows-that-accept", 0);
    let mut of_group: BTreeMap<u32, bool> = BTreeMap::new();
    let accepts: Vec<bool> = (0..trusted.len())
        .map(|row| match groups.map(|groups| groups[row]) {
            Some(group) if group != u32::MAX => *of_group.entry(group).or_insert_with(|| random.random_bool(0.5)),
            _ => random.random_bool(0.5),
        })
        .collect();
    let of = |wanted: bool| {
        trusted
            .iter()
            .zip(&accepts)
            .map(|(trusted, accepts)| *trusted && *accepts == wanted)
            .collect()
    };
    (of(false), of(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placebo_lies_where_the_flags_lie() {
        // Rows 0 to 99 of two labels in turn; flags on eight of the first forty, where all of them lie, and on two of the others.
        let training = TrainingData {
            inputs: (0..100).map(|row| row as f32).collect(),
            labels: (0..100).map(|row| (row % 2) as u8).collect(),
        };
        let positions = [0, 3, 7, 10, 12, 21, 30, 39, 50, 71];
        let flags = positions.map(|position| ResolvedFlag {
            position,
            name: String::new(),
            sheet_row: 0,
            observed: (position % 2) as u8,
            correction: None,
            flag: 0,
        });
        let corner: Vec<bool> = (0..100).map(|row| row < 40).collect();
        let drawn = placebo(&flags, &training, Some(&corner), 1, Seed(4));
        assert_eq!(drawn.positions.len(), positions.len());
        assert!(drawn.positions.iter().all(|position| !positions.contains(position)));
        assert_eq!(drawn.positions.iter().filter(|position| **position < 40).count(), 8);
        assert_eq!(drawn.labels.iter().filter(|label| **label == 1).count(), 5);
    }

    #[test]
    fn halves_share_no_row_and_no_group() {
        let trusted: Vec<bool> = (0..400).map(|row| row % 5 > 0).collect();
        let groups: Vec<u32> = (0..400).map(|row| row / 4).collect();
        let (selecting, accepting) = halves(&trusted, Some(&groups), Seed(3));
        for row in 0..400 {
            assert_eq!(selecting[row] ^ accepting[row], trusted[row]);
        }
        for group in 0..100 {
            let of = |marks: &[bool]| marks[group * 4..group * 4 + 4].contains(&true);
            assert!(!(of(&selecting) && of(&accepting)));
        }
        assert!(accepting.iter().filter(|accepts| **accepts).count() > 100);
    }
}
