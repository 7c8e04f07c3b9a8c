//! How well one column alone tells the label of rows it was not fitted on.

use crate::tables::Texts;

/// Quantile bins of a number with many values.
const BINS: usize = 64;
/// Most values of a number that are looked at one by one: beyond, hardly any comes up in both halves often enough.
const VALUES: usize = 1_000;

/// Two halves of the rows: a rule is made on one and judged on the other, both ways round.
pub struct Halves {
    /// For every row whether it is in the second half.
    second: Vec<bool>,
}

impl Halves {
    /// Rows of a group share a half, so that a rule cannot know a row by its neighbours.
    pub fn new(height: usize, groups: Option<&[u32]>) -> Self {
        let mixed = |number: u64| {
            // SplitMix64's finaliser: neighbouring numbers land in unrelated halves.
            let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            (mixed ^ (mixed >> 31)) & 1 == 1
        };
        let second = (0..height)
            .map(|row| mixed(groups.map_or(row as u64, |groups| u64::from(groups[row]))))
            .collect();
        Self { second }
    }

    /// The earlier and the later half of rows in the order of time: a number that runs on, such as that of a purchase with several rows, is
    /// then never one of those that a rule knows. A group is where its first row is.
    pub fn in_time(height: usize, groups: Option<&[u32]>) -> Self {
        let later = |row: usize| row >= height / 2;
        let Some(groups) = groups else {
            return Self {
                second: (0..height).map(later).collect(),
            };
        };
        let mut first = std::collections::BTreeMap::new();
        for (row, group) in groups.iter().enumerate() {
            first.entry(*group).or_insert(row);
        }
        let second = groups.iter().map(|group| first.get(group).is_some_and(|row| later(*row)));
        Self { second: second.collect() }
    }

    /// The halves of some of the rows.
    pub fn at(&self, rows: &[usize]) -> Self {
        Self {
            second: rows.iter().map(|row| self.second[*row]).collect(),
        }
    }
}

/// How well a rule does on held-out rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Share of the rows whose class it names.
    pub accuracy: f64,
    /// Share that always naming the most frequent class gets right.
    pub majority: f64,
    /// Per class the share of errors it avoids when only asked "this class or not", against the better constant answer;
    /// absent where the class or its rest is rarer than 1 %.
    pub one_class: Vec<Option<f64>>,
}

impl Score {
    /// Share of the majority rule's errors that it avoids; below 0 where it does worse.
    pub fn avoided(&self) -> f64 {
        if self.majority >= 1.0 {
            0.0
        } else {
            (self.accuracy - self.majority) / (1.0 - self.majority)
        }
    }

    /// The class that it tells best from the rest, and the share of errors avoided.
    pub fn best_class(&self) -> Option<(usize, f64)> {
        let found = self
            .one_class
            .iter()
            .enumerate()
            .filter_map(|(class, avoided)| avoided.map(|avoided| (class, avoided)));
        found.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
    }
}

/// Scores the rule "the most frequent class among rows of the same value".
pub fn by_value(codes: &[u32], distinct: usize, labels: &[u8], classes: usize, halves: &Halves) -> Score {
    // A blank is a value like any other: that a cell is still empty may give the label away.
    let code = |row: usize| {
        if codes[row] == Texts::MISSING {
            distinct
        } else {
            codes[row] as usize
        }
    };
    let mut counts = vec![vec![0_u32; (distinct + 1) * classes]; 2];
    let mut totals = vec![vec![0_u32; classes]; 2];
    for (row, label) in labels.iter().enumerate() {
        let half = usize::from(halves.second[row]);
        counts[half][code(row) * classes + usize::from(*label)] += 1;
        totals[half][usize::from(*label)] += 1;
    }
    let most = |counts: &[u32]| (0..counts.len()).rev().max_by_key(|class| counts[*class]).unwrap_or(0);
    let majority: Vec<usize> = totals.iter().map(|totals| most(totals)).collect();
    let rule = |half: usize, code: usize| {
        let counts = &counts[half][code * classes..(code + 1) * classes];
        if counts.iter().all(|count| *count == 0) {
            majority[half]
        } else {
            most(counts)
        }
    };
    let (mut right, mut majority_right) = (0_usize, 0_usize);
    let mut one_right = vec![0_usize; classes];
    for (row, label) in labels.iter().enumerate() {
        // Made on the other half.
        let half = usize::from(!halves.second[row]);
        let predicted = rule(half, code(row));
        let label = usize::from(*label);
        right += usize::from(predicted == label);
        majority_right += usize::from(majority[half] == label);
        for (class, right) in one_right.iter_mut().enumerate() {
            // "This class or not" by the more frequent of the two among rows of the same value.
            let counts = &counts[half][code(row) * classes..(code(row) + 1) * classes];
            let total: u32 = counts.iter().sum();
            let says = if total == 0 {
                2 * totals[half][class] > totals[half].iter().sum()
            } else {
                2 * counts[class] > total
            };
            *right += usize::from(says == (label == class));
        }
    }
    let height = labels.len().max(1) as f64;
    let one_class = (0..classes)
        .map(|class| {
            let rows = f64::from(totals[0][class] + totals[1][class]) / height;
            let constant = rows.max(1.0 - rows);
            (constant < 0.99).then(|| (one_right[class] as f64 / height - constant) / (1.0 - constant))
        })
        .collect();
    Score {
        accuracy: right as f64 / height,
        majority: majority_right as f64 / height,
        one_class,
    }
}

/// The better of by quantile bin and, where there are few enough for it to matter, by value.
pub fn by_number(numbers: &[Option<f64>], labels: &[u8], classes: usize, halves: &Halves) -> Score {
    let mut sorted: Vec<f64> = numbers.iter().flatten().copied().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let edges: Vec<f64> = match sorted.len() {
        0 => Vec::new(),
        height => {
            let mut edges: Vec<f64> = (1..BINS).map(|bin| sorted[bin * height / BINS]).collect();
            edges.dedup();
            edges
        }
    };
    let by_edges = |edges: &[f64]| {
        let code = |number: &Option<f64>| number.map_or(Texts::MISSING, |number| edges.partition_point(|edge| *edge <= number) as u32);
        let codes: Vec<u32> = numbers.iter().map(code).collect();
        by_value(&codes, edges.len() + 1, labels, classes, halves)
    };
    let by_bin = by_edges(&edges);
    sorted.dedup();
    if sorted.len() <= edges.len() + 1 || sorted.len() > VALUES {
        return by_bin;
    }
    let by_exact_value = by_edges(&sorted);
    if by_exact_value.accuracy > by_bin.accuracy {
        by_exact_value
    } else {
        by_bin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(count: usize) -> Vec<u8> {
        (0..count).map(|row| ((row * 7919 / 13) % 3) as u8).collect()
    }

    #[test]
    fn a_unique_id_tells_nothing_about_rows_it_has_not_seen() {
        let labels = labels(3000);
        let codes: Vec<u32> = (0..3000).collect();
        let score = by_value(&codes, 3000, &labels, 3, &Halves::new(3000, None));
        assert!(score.avoided().abs() < 0.01, "{score:?}");
    }

    #[test]
    fn a_copy_of_the_label_tells_everything() {
        let labels = labels(3000);
        let codes: Vec<u32> = labels.iter().map(|label| u32::from(*label)).collect();
        let score = by_value(&codes, 3, &labels, 3, &Halves::new(3000, None));
        assert_eq!(score.accuracy, 1.0);
        assert_eq!(score.avoided(), 1.0);
    }

    #[test]
    fn a_flag_for_one_class_is_seen_through_although_the_other_classes_stay_mixed() {
        let labels = labels(3000);
        let codes: Vec<u32> = labels.iter().map(|label| u32::from(*label == 2)).collect();
        let score = by_value(&codes, 2, &labels, 3, &Halves::new(3000, None));
        assert_eq!(score.best_class(), Some((2, 1.0)));
        assert!(score.accuracy < 0.8);
    }

    #[test]
    fn rows_of_a_group_do_not_give_each_other_away() {
        // Ten rows a group, all of one class: by row the group column knows everything, by group nothing.
        let groups: Vec<u32> = (0..3000).map(|row| row / 10).collect();
        let labels: Vec<u8> = groups.iter().map(|group| ((group * 7919 / 13) % 3) as u8).collect();
        let by_row = by_value(&groups, 300, &labels, 3, &Halves::new(3000, None));
        assert!(by_row.avoided() > 0.9, "{by_row:?}");
        let by_group = by_value(&groups, 300, &labels, 3, &Halves::new(3000, Some(&groups)));
        assert!(by_group.avoided() < 0.1, "{by_group:?}");
    }

    #[test]
    fn a_number_that_runs_on_in_time_gives_nothing_away_in_later_rows() {
        // As above, without a column that says which rows belong together.
        let numbers: Vec<u32> = (0..3000).map(|row| row / 10).collect();
        let labels: Vec<u8> = numbers.iter().map(|number| ((number * 7919 / 13) % 3) as u8).collect();
        let score = by_value(&numbers, 300, &labels, 3, &Halves::in_time(3000, None));
        assert!(score.avoided() < 0.01, "{score:?}");
        let copy: Vec<u32> = labels.iter().map(|label| u32::from(*label)).collect();
        assert_eq!(by_value(&copy, 3, &labels, 3, &Halves::in_time(3000, None)).accuracy, 1.0);
        // A group whose rows lie on both sides is on one.
        let halves = Halves::in_time(4, Some(&[0, 1, 1, 2]));
        assert_eq!(halves.second, [false, false, false, true]);
    }

    #[test]
    fn a_threshold_on_a_number_is_found_by_bins() {
        let numbers: Vec<Option<f64>> = (0..5000).map(|row| Some(((row * 2_654_435_761_u64) % 1_000_003) as f64)).collect();
        let labels: Vec<u8> = numbers.iter().map(|number| u8::from(number.unwrap() > 400_000.0)).collect();
        let score = by_number(&numbers, &labels, 2, &Halves::new(5000, None));
        assert!(score.accuracy > 0.98, "{score:?}");
    }
}
