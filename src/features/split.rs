//! Dividing rows into training, validation and test: by time, or at random by group where there is no time column.
//!
//! Both work the same way. Every unit (a row, or all rows of a group) has a position; units are sorted by it, the last share is test,
//! and of what is left the last share is validation. By time the position is the latest time among the unit's rows, so that no training
//! row is later than the cut; at random it is a hash of the seed and the group's (or row's) name, which is the same in any sheet that
//! holds the group. What is stored, [`SplitBounds`], divides another sheet of the same kind in the same place.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::calendar;
use super::profile::{SplitRule, Ties, TimeSort};
use crate::error::{Error, Result};
use crate::notes::Notes;

/// Where a sheet was cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitBounds {
    /// By time or at random.
    pub by: SplitBy,
    /// Between training and validation; absent where there is no validation part.
    pub validation: Option<Cut>,
    /// Before the test part.
    pub test: Cut,
}

/// What rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitBy {
    /// Time in seconds.
    Time,
    /// 365 x year + 31 x month + day.
    PublishedIndex,
    /// Hash of seed and group.
    Random,
}

/// A place in the sorted units: those below `position` come before it, and so do the first `ties` (in file order) at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Seconds, index or hash.
    pub position: i64,
    /// How many units at exactly this position come before the cut.
    pub ties: usize,
}

/// Row indices of the parts, each sorted by position, equal positions in file order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// Training rows.
    pub train: Vec<usize>,
    /// Validation rows; empty where there is no such part.
    pub validation: Vec<usize>,
    /// Test rows.
    pub test: Vec<usize>,
}

/// What a split looks at, one entry per row.
pub struct SplitRows<'a> {
    /// Times in seconds; `None`: the division is random.
    pub times: Option<&'a [i64]>,
    /// Group of each row as a small number, rows of a group alike; `None`: every row stands alone.
    pub groups: Option<&'a [u32]>,
    /// Name of each row's group, or of the row, for the random division.
    pub names: Box<dyn Fn(usize) -> String + 'a>,
    /// How many rows.
    pub height: usize,
}

/// A unit that is never divided.
struct Unit {
    position: i64,
    rows: Vec<usize>,
}

/// Finds the cuts for a sheet and divides it.
///
/// # Errors
/// Where a part would be empty.
pub fn divide(rows: &SplitRows, rule: &SplitRule, sort: TimeSort, notes: &mut Notes) -> Result<(Division, SplitBounds)> {
    let by = split_by(rows, sort);
    let units = units(rows, by, rule);
    let sizes: Vec<usize> = units.iter().map(|unit| unit.rows.len()).collect();
    let wanted = ((rows.height as f64) * rule.test) as usize;
    let first_test = cut_index(&units, &sizes, wanted, rule.ties);
    let left: usize = sizes[..first_test].iter().sum();
    let first_validation = if rule.validation > 0.0 {
        let wanted = ((left as f64) * rule.validation) as usize;
        Some(cut_index(&units[..first_test], &sizes[..first_test], wanted, rule.ties))
    } else {
        None
    };
    let bounds = SplitBounds {
        by,
        validation: first_validation.map(|index| cut_before(&units, index)),
        test: cut_before(&units, first_test),
    };
    let division = gather(&units, &bounds, rows);
    check(&division, rows.height, rule, notes)?;
    Ok((division, bounds))
}

/// Divides a sheet at stored cuts.
///
/// # Errors
/// Where the stored cuts are by time and the sheet's rows have none.
pub fn divide_at(rows: &SplitRows, bounds: &SplitBounds, rule: &SplitRule) -> Result<Division> {
    if bounds.by != SplitBy::Random && rows.times.is_none() {
        return Err(Error::input(
            "the model was trained with a split by time, but the profile at hand has no time column",
        ));
    }
    Ok(gather(&units(rows, bounds.by, rule), bounds, rows))
}

fn split_by(rows: &SplitRows, sort: TimeSort) -> SplitBy {
    match (rows.times, sort) {
        (None, _) => SplitBy::Random,
        (Some(_), TimeSort::Exact) => SplitBy::Time,
        (Some(_), TimeSort::PublishedIndex) => SplitBy::PublishedIndex,
    }
}

/// Rows gathered into units, sorted by position; units of equal position stay in file order of their first row.
fn units(rows: &SplitRows, by: SplitBy, rule: &SplitRule) -> Vec<Unit> {
    let position = |row: usize| match (by, rows.times) {
        (SplitBy::Time, Some(times)) => times[row],
        (SplitBy::PublishedIndex, Some(times)) => calendar::published_index(times[row]),
        _ => hashed_position(rule.seed, &(rows.names)(row)),
    };
    let mut units: Vec<Unit> = Vec::with_capacity(rows.height);
    match rows.groups {
        Some(groups) if rule.ties == Ties::Together => {
            let mut unit_of: BTreeMap<u32, usize> = BTreeMap::new();
            for (row, group) in groups.iter().enumerate() {
                if let Some(index) = unit_of.get(group) {
                    let unit = &mut units[*index];
                    unit.rows.push(row);
                    // The hash is that of the group's name, so taking the latest changes nothing at random.
                    unit.position = unit.position.max(position(row));
                } else {
                    unit_of.insert(*group, units.len());
                    units.push(Unit {
                        position: position(row),
                        rows: vec![row],
                    });
                }
            }
        }
        _ => units.extend((0..rows.height).map(|row| Unit {
            position: position(row),
            rows: vec![row],
        })),
    }
    units.sort_by_key(|unit| unit.position);
    units
}

/// A number between 0 and `i64::MAX` that depends on seed and name alone.
fn hashed_position(seed: u64, name: &str) -> i64 {
    let mut hash = Sha256::new();
    hash.update(b"recant-split-v1");
    hash.update(seed.to_le_bytes());
    hash.update(name.as_bytes());
    let digest = hash.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    (u64::from_le_bytes(first) >> 1) as i64
}

/// The first unit after the cut, so that about `wanted` rows lie after it.
fn cut_index(units: &[Unit], sizes: &[usize], wanted: usize, ties: Ties) -> usize {
    let mut after = 0;
    let mut exact = units.len();
    while exact > 0 && after < wanted {
        exact -= 1;
        after += sizes[exact];
    }
    if ties == Ties::FileOrder || exact == 0 || exact == units.len() {
        return exact;
    }
    // Units of equal position stay together: the boundary just before or just after the run that `exact` lies in, whichever is nearer.
    let same = units[exact].position;
    let low = units.partition_point(|unit| unit.position < same);
    let high = units.partition_point(|unit| unit.position <= same);
    let rows_after = |index: usize| sizes[index..].iter().sum::<usize>();
    let (with, without) = (rows_after(low), rows_after(high));
    let index = if with.abs_diff(wanted) <= wanted.abs_diff(without) {
        low
    } else {
        high
    };
    let share = rows_after(index);
    // A run so long that the share would be far off (a sheet with a few dates only) has to be divided after all.
    if index == 0 || share * 2 < wanted || share > wanted * 2 {
        exact
    } else {
        index
    }
}

fn cut_before(units: &[Unit], index: usize) -> Cut {
    match units.get(index) {
        Some(unit) => Cut {
            position: unit.position,
            ties: index - units.partition_point(|other| other.position < unit.position),
        },
        None => Cut {
            position: i64::MAX,
            ties: units.len(),
        },
    }
}

fn gather(units: &[Unit], bounds: &SplitBounds, rows: &SplitRows) -> Division {
    let index = |cut: Cut| {
        let low = units.partition_point(|unit| unit.position < cut.position);
        let high = units.partition_point(|unit| unit.position <= cut.position);
        low.saturating_add(cut.ties).min(high)
    };
    let first_test = index(bounds.test);
    let first_validation = bounds.validation.map_or(first_test, |cut| index(cut).min(first_test));
    let sorted = |units: &[Unit]| {
        let mut found: Vec<(i64, usize)> = Vec::new();
        for unit in units {
            for row in &unit.rows {
                let own = match (bounds.by, rows.times) {
                    // Within a group rows keep their own time.
                    (SplitBy::Time, Some(times)) => times[*row],
                    _ => unit.position,
                };
                found.push((own, *row));
            }
        }
        found.sort_unstable();
        found.into_iter().map(|(_, row)| row).collect()
    };
    Division {
        train: sorted(&units[..first_validation]),
        validation: sorted(&units[first_validation..first_test]),
        test: sorted(&units[first_test..]),
    }
}

fn check(division: &Division, height: usize, rule: &SplitRule, notes: &mut Notes) -> Result<()> {
    let percent = |share: f64| format!("{}", (share * 1000.0).round() / 10.0);
    for (name, rows) in [("training", &division.train), ("test", &division.test)] {
        if rows.is_empty() {
            return Err(Error::input(format!(
                "{height} usable rows in groups that stay together leave no {name} rows at a test share of {} %",
                percent(rule.test)
            ))
            .hint("use a sheet with more rows, or change `[split]` in the profile"));
        }
    }
    if rule.validation > 0.0 && division.validation.is_empty() {
        notes.add(
            "no-validation-rows",
            format!("{height} usable rows are too few for validation rows of their own"),
            "no recommendation among repair methods can be made",
        );
    }
    let share = division.test.len() as f64 / height as f64;
    if (share - rule.test).abs() > 0.05 {
        notes.add(
            "test-share-differs",
            format!(
                "rows that stay together make the test share {} % instead of {} %",
                percent(share),
                percent(rule.test)
            ),
            "the cut nearest to the wanted share was taken",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows<'a>(times: Option<&'a [i64]>, groups: Option<&'a [u32]>, height: usize) -> SplitRows<'a> {
        SplitRows {
            times,
            groups,
            names: Box::new(move |row| groups.map_or_else(|| row.to_string(), |groups| groups[row].to_string())),
            height,
        }
    }

    fn rule(test: f64, validation: f64, ties: Ties) -> SplitRule {
        SplitRule {
            test,
            validation,
            ties,
            seed: 7,
        }
    }

    fn divided(rows: &SplitRows, rule: &SplitRule) -> (Division, SplitBounds) {
        divide(rows, rule, TimeSort::Exact, &mut Notes::new()).unwrap()
    }

    #[test]
    fn file_order_cuts_exactly_and_ties_keep_their_order() {
        let times = [3, 1, 1, 1, 2, 2, 1, 1, 1, 1];
        let (division, bounds) = divided(&rows(Some(&times), None, 10), &rule(0.35, 0.0, Ties::FileOrder));
        assert_eq!(division.train, [1, 2, 3, 6, 7, 8, 9]);
        assert_eq!(division.test, [4, 5, 0]);
        assert_eq!(bounds.test, Cut { position: 2, ties: 0 });
        let (division, bounds) = divided(&rows(Some(&times), None, 10), &rule(0.5, 0.0, Ties::FileOrder));
        assert_eq!(division.test, [8, 9, 4, 5, 0]);
        assert_eq!(bounds.test, Cut { position: 1, ties: 5 });
    }

    #[test]
    fn equal_times_stay_together_on_the_nearer_side() {
        let times = [1, 1, 1, 1, 2, 2, 2, 3, 3, 3];
        let (division, _) = divided(&rows(Some(&times), None, 10), &rule(0.2, 0.0, Ties::Together));
        assert_eq!(division.test, [7, 8, 9]);
        // Two dates only: keeping them together would make the test part far too large, so they are divided after all.
        let times = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
        let (division, _) = divided(&rows(Some(&times), None, 10), &rule(0.2, 0.0, Ties::Together));
        assert_eq!(division.test, [8, 9]);
    }

    #[test]
    fn a_group_lies_where_its_latest_row_does() {
        let times = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        let groups = [0, 1, 2, 3, 4, 5, 6, 0, 8, 9];
        let (division, _) = divided(&rows(Some(&times), Some(&groups), 10), &rule(0.3, 0.0, Ties::Together));
        // Row 0 belongs to the group whose other row is the eighth: it may not be trained on.
        assert_eq!(division.test, [0, 7, 8, 9]);
    }

    #[test]
    fn a_random_division_puts_a_group_on_the_same_side_in_any_sheet() {
        let groups: Vec<u32> = (0..400).map(|row| row / 4).collect();
        let (division, bounds) = divided(&rows(None, Some(&groups), 400), &rule(0.25, 0.1, Ties::Together));
        assert_eq!(bounds.by, SplitBy::Random);
        assert!((80..=120).contains(&division.test.len()), "{}", division.test.len());
        let reversed: Vec<u32> = groups.iter().rev().copied().collect();
        let again = divide_at(&rows(None, Some(&reversed), 400), &bounds, &rule(0.25, 0.1, Ties::Together)).unwrap();
        let groups_of = |rows: &[usize], groups: &[u32]| rows.iter().map(|row| groups[*row]).collect::<std::collections::BTreeSet<u32>>();
        assert_eq!(groups_of(&division.test, &groups), groups_of(&again.test, &reversed));
        assert_eq!(groups_of(&division.validation, &groups), groups_of(&again.validation, &reversed));
        let other_seed = SplitRule {
            seed: 8,
            ..rule(0.25, 0.1, Ties::Together)
        };
        assert_ne!(divided(&rows(None, Some(&groups), 400), &other_seed).0.test, division.test);
    }

    proptest! {
        #[test]
        fn parts_are_disjoint_and_whole_and_groups_and_times_never_straddle(
            times in proptest::collection::vec(0_i64..40, 2..200),
            group_size in 1_usize..5,
            test in 0.05_f64..0.6,
            validation in 0.0_f64..0.5,
        ) {
            let groups: Vec<u32> = (0..times.len()).map(|row| (row / group_size) as u32).collect();
            let rule = rule(test, validation, Ties::Together);
            let subject = rows(Some(&times), Some(&groups), times.len());
            let Ok((division, bounds)) = divide(&subject, &rule, TimeSort::Exact, &mut Notes::new()) else { return Ok(()) };
            let mut all: Vec<usize> = [&division.train, &division.validation, &division.test].into_iter().flatten().copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..times.len()).collect::<Vec<_>>());
            let part_of = |row: usize| if division.train.contains(&row) { 0 } else if division.validation.contains(&row) { 1 } else { 2 };
            for (row, group) in groups.iter().enumerate() {
                let first = groups.iter().position(|other| other == group).unwrap();
                prop_assert_eq!(part_of(row), part_of(first));
            }
            // No training row is later than a test row's group.
            let latest = |row: usize| (0..times.len()).filter(|other| groups[*other] == groups[row]).map(|other| times[other]).max().unwrap();
            let last_train = division.train.iter().map(|row| times[*row]).max().unwrap();
            for row in &division.test {
                prop_assert!(latest(*row) >= last_train);
            }
            // The stored cuts divide the same sheet in the same way.
            prop_assert_eq!(divide_at(&subject, &bounds, &rule).unwrap(), division);
        }
    }
}
