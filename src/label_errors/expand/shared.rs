//! What flagged rows share: single values and ranges of the sheet's columns in which flags are over-represented, then pairs of them.
//!
//! Each is tested against flags spread at random over the rows, by the exact hypergeometric chance of at least this many flags in it, and,
//! where rows of a group belong together, over the groups; the larger of both counts. The chance is corrected for everything tried: times
//! the number of columns, and times the number of values (or ranges) of the column (Bonferroni with equal weight for every column).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::columns::{Bins, Column};
use super::search::{Condition, Test, evidence};
use super::words;
use crate::stats::{binomial_at_least, hypergeometric_at_least};

/// Fewest flags that a value must hold.
const FEWEST: usize = 3;
/// Values or ranges of one column that are looked at more closely.
const MOST_OF_A_COLUMN: usize = 4;
/// Most single values told.
const MOST_SINGLE: usize = 4;
/// Most pairs told.
const MOST_PAIRS: usize = 2;
/// Share of the rows of two conditions that they must have in common to say the same.
const SAME_ROWS: f64 = 0.9;

/// A value, range or pair of such that flagged rows share. Counts are of training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shared {
    /// The condition in words.
    pub conditions: String,
    /// The condition as a rule to paste, where it can be written so.
    pub rule: Option<String>,
    /// Flagged rows in it.
    pub flags: usize,
    /// All flagged rows.
    pub flagged: usize,
    /// Rows in it, flagged or not.
    pub rows: usize,
    /// All rows.
    pub of_rows: usize,
    /// Share of the flagged rows in it over the share of all rows in it.
    pub lift: f64,
    /// Chance of at least this many flags in it if flags were spread at random, corrected for everything tried; at most 1.
    pub p: f64,
    /// Whether slips would gather there as well: they hit rows of the classes that were mislabelled, and those lie there.
    pub as_slips_would: bool,
    /// Conditions on other columns that select nearly the same rows.
    pub also: Vec<String>,
    /// Flagged rows in it, ascending.
    #[serde(skip)]
    pub members: Vec<u32>,
}

/// Rows, and which of them are flagged.
pub(in crate::label_errors) struct Given<'a> {
    pub columns: &'a [Column],
    /// The rows that flags can lie on: all, or those that somebody looked at.
    pub rows: &'a [u32],
    /// By row.
    pub flagged: &'a [bool],
    pub groups: Option<&'a [u32]>,
    /// For every row the chance of being the next to be mislabelled by a slip.
    pub chance: &'a [f64],
    /// Chance of telling something although flags are spread at random.
    pub significance: f64,
}

struct Found {
    conditions: Vec<Condition>,
    rows: Vec<u32>,
    flags: Vec<u32>,
    evidence: f64,
    p: f64,
}

/// What the flags share: the single values with most evidence first, then pairs that say more than either of their parts.
pub(in crate::label_errors) fn shared(given: &Given) -> Vec<Shared> {
    let flags: Vec<u32> = given.rows.iter().copied().filter(|row| given.flagged[*row as usize]).collect();
    if flags.len() < FEWEST {
        return Vec::new();
    }
    let all = Within::new(given, given.rows.to_vec(), flags);
    let mut singles: Vec<Found> = (0..given.columns.len()).flat_map(|column| all.best_of(column)).collect();
    singles.sort_by(|a, b| b.evidence.total_cmp(&a.evidence));
    let mut kept: Vec<(Found, Vec<String>)> = Vec::new();
    for single in singles {
        if let Some((_, also)) = kept.iter_mut().find(|(other, _)| same_rows(&other.rows, &single.rows)) {
            also.push(words::conditions(&single.conditions, given.columns));
            continue;
        }
        let implied = kept.iter().any(|(other, _)| !all.says_more(other, &single));
        if !implied && kept.len() < MOST_SINGLE {
            kept.push((single, Vec::new()));
        }
    }
    let mut pairs: Vec<Found> = Vec::new();
    for (single, _) in &kept {
        let inside = Within::new(given, single.rows.clone(), single.flags.clone());
        for column in (0..given.columns.len()).filter(|column| single.conditions[0].column != *column) {
            pairs.extend(inside.best_of(column).into_iter().filter_map(|second| all.pair(single, second)));
        }
    }
    pairs.sort_by(|a, b| b.evidence.total_cmp(&a.evidence));
    let mut told: Vec<(Found, Vec<String>)> = Vec::new();
    for pair in pairs {
        let seen = |other: &Found| same_rows(&other.rows, &pair.rows);
        if told.len() < MOST_PAIRS && !told.iter().chain(&kept).any(|(other, _)| seen(other)) {
            told.push((pair, Vec::new()));
        }
    }
    kept.into_iter().chain(told).map(|(found, also)| all.told(found, also)).collect()
}

/// Rows, with the flagged ones among them.
struct Within<'a> {
    given: &'a Given<'a>,
    rows: Vec<u32>,
    flags: Vec<u32>,
}

impl<'a> Within<'a> {
    fn new(given: &'a Given<'a>, rows: Vec<u32>, flags: Vec<u32>) -> Self {
        Self { given, rows, flags }
    }

    /// The values or ranges of a column in which flags are over-represented, tested.
    fn best_of(&self, index: usize) -> Vec<Found> {
        let column = &self.given.columns[index];
        let bins = column.bin_count() + 1;
        let mut rows = vec![0_usize; bins];
        let mut flags = vec![0_usize; bins];
        self.rows.iter().for_each(|row| rows[usize::from(column.codes[*row as usize])] += 1);
        self.flags
            .iter()
            .for_each(|row| flags[usize::from(column.codes[*row as usize])] += 1);
        let ranges = matches!(column.bins, Bins::Ranges(_));
        let choices = match ranges {
            true => (bins * (bins - 1) / 2 + 1) as f64,
            false => rows.iter().filter(|rows| **rows > 0).count() as f64,
        };
        let mut tests: Vec<(f64, Test)> = Vec::new();
        let mut consider = |test: Test, flags: usize, rows: usize| {
            let weight = self.evidence(flags, rows);
            if flags >= FEWEST && weight > 0.0 {
                tests.push((weight, test));
            }
        };
        for low in 0..bins {
            let last = if ranges && low + 1 < bins { bins - 2 } else { low };
            let (mut inside, mut flagged) = (0, 0);
            // A best range begins and ends at a bin with flags.
            for high in low..=last {
                inside += rows[high];
                flagged += flags[high];
                if flags[low] > 0 && flags[high] > 0 {
                    let test = match ranges && low + 1 < bins {
                        true => Test::Between(low as u16, high as u16),
                        false => Test::Among(vec![low as u16]),
                    };
                    consider(test, flagged, inside);
                }
            }
        }
        tests.sort_by(|a, b| b.0.total_cmp(&a.0));
        tests.truncate(if ranges { 1 } else { MOST_OF_A_COLUMN });
        let tried = choices * self.given.columns.len() as f64;
        tests
            .into_iter()
            .map(|(weight, test)| self.narrowed(Condition { column: index, test }, weight, tried))
            .filter(|found| found.p < self.given.significance)
            .collect()
    }

    fn evidence(&self, flags: usize, rows: usize) -> f64 {
        let all = self.flags.len() as f64;
        evidence(flags as f64, rows as f64 / self.rows.len().max(1) as f64 * all, all)
    }

    fn narrowed(&self, condition: Condition, weight: f64, tried: f64) -> Found {
        let codes = &self.given.columns[condition.column].codes;
        let holds = |row: &u32| condition.test.holds(codes[*row as usize]);
        let rows: Vec<u32> = self.rows.iter().copied().filter(holds).collect();
        let flags: Vec<u32> = self.flags.iter().copied().filter(holds).collect();
        Found {
            p: (self.chance_of(&flags, &rows) * tried).min(1.0),
            conditions: vec![condition],
            rows,
            flags,
            evidence: weight,
        }
    }

    /// Chance of at least this many flags among these rows if flags were spread at random: over rows, and over groups.
    fn chance_of(&self, flags: &[u32], rows: &[u32]) -> f64 {
        let by_row = hypergeometric_at_least(
            flags.len() as u64,
            rows.len() as u64,
            self.flags.len() as u64,
            self.rows.len() as u64,
        );
        let Some(groups) = self.given.groups else { return by_row };
        let count = |rows: &[u32]| rows.iter().map(|row| groups[*row as usize]).collect::<BTreeSet<u32>>().len() as u64;
        by_row.max(hypergeometric_at_least(
            count(flags),
            count(rows),
            count(&self.flags),
            count(&self.rows),
        ))
    }

    /// Whether flags are over-represented in `other` also among the rows that meet `told`, or among those that do not: else it only
    /// repeats it.
    fn says_more(&self, told: &Found, other: &Found) -> bool {
        let inside: BTreeSet<u32> = told.rows.iter().copied().collect();
        [true, false].into_iter().any(|wanted| {
            let part = |rows: &[u32]| -> Vec<u32> { rows.iter().copied().filter(|row| inside.contains(row) == wanted).collect() };
            let within = Within::new(self.given, part(&self.rows), part(&self.flags));
            let (flags, rows) = (part(&other.flags), part(&other.rows));
            let tried = self.given.columns.len() as f64;
            flags.len() >= FEWEST && within.chance_of(&flags, &rows) * tried < self.given.significance
        })
    }

    /// Both conditions together, where each says more than the other alone.
    fn pair(&self, first: &Found, second: Found) -> Option<Found> {
        let condition = second.conditions[0].clone();
        let codes = &self.given.columns[condition.column].codes;
        let holds = |row: &u32| condition.test.holds(codes[*row as usize]);
        let pick = |rows: &[u32]| -> Vec<u32> { rows.iter().copied().filter(holds).collect() };
        let alone = Within::new(self.given, pick(&self.rows), pick(&self.flags));
        let tried = self.given.columns.len() as f64;
        let needed = alone.chance_of(&second.flags, &second.rows) * tried < self.given.significance;
        needed.then(|| {
            let mut conditions = first.conditions.clone();
            conditions.push(condition);
            Found {
                conditions,
                evidence: self.evidence(second.flags.len(), second.rows.len()),
                p: first.p.max(second.p),
                ..second
            }
        })
    }

    fn told(&self, found: Found, also: Vec<String>) -> Shared {
        let share = |some: usize, all: usize| some as f64 / all.max(1) as f64;
        let by_slips: f64 = found.rows.iter().map(|row| self.given.chance[*row as usize]).sum();
        let all: f64 = self.rows.iter().map(|row| self.given.chance[*row as usize]).sum();
        let chance = binomial_at_least(found.flags.len() as u64, self.flags.len() as u64, by_slips / all.max(1e-300));
        Shared {
            conditions: words::conditions(&found.conditions, self.given.columns),
            rule: words::as_rule(&found.conditions, self.given.columns),
            flags: found.flags.len(),
            flagged: self.flags.len(),
            rows: found.rows.len(),
            of_rows: self.rows.len(),
            lift: share(found.flags.len(), self.flags.len()) / share(found.rows.len(), self.rows.len()).max(1e-300),
            p: found.p,
            as_slips_would: chance >= self.given.significance,
            also,
            members: found.flags,
        }
    }
}

/// Whether two ascending lists of rows are nearly the same.
fn same_rows(one: &[u32], other: &[u32]) -> bool {
    let (mut common, mut a, mut b) = (0_usize, 0, 0);
    while a < one.len() && b < other.len() {
        match one[a].cmp(&other[b]) {
            std::cmp::Ordering::Less => a += 1,
            std::cmp::Ordering::Greater => b += 1,
            std::cmp::Ordering::Equal => {
                common += 1;
                a += 1;
                b += 1;
            }
        }
    }
    common as f64 >= SAME_ROWS * (one.len() + other.len() - common) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label_errors::expand::columns::Taken;
    use crate::seed::Seed;
    use rand::Rng;

    const ROWS: usize = 2_000;

    fn column(name: &str, values: u16, codes: Vec<u16>) -> Column {
        Column {
            name: name.to_owned(),
            taken: Taken::Value,
            bins: Bins::Values((0..values).map(|value| format!("v{value}")).collect()),
            codes,
        }
    }

    /// Four columns of values, a copy of the first under other names, and numbers 0 to 39.
    fn columns(seed: u64) -> Vec<Column> {
        let mut rng = Seed(30).stream("shared-tests", seed);
        let mut draw = |values: u16| (0..ROWS).map(|_| rng.random_range(0..values)).collect::<Vec<u16>>();
        let mut columns: Vec<Column> = [8, 3, 40, 5]
            .iter()
            .enumerate()
            .map(|(place, values)| column(&format!("c{place}"), *values, draw(*values)))
            .collect();
        columns.push(column("copy", 8, columns[0].codes.iter().map(|code| 7 - code).collect()));
        columns.push(Column {
            bins: Bins::Ranges((0..40).map(|number| (f64::from(number), f64::from(number))).collect()),
            ..column("number", 1, draw(40))
        });
        columns
    }

    fn told(columns: &[Column], flags: &[u32], groups: Option<&[u32]>) -> Vec<Shared> {
        let mut flagged = vec![false; ROWS];
        flags.iter().for_each(|row| flagged[*row as usize] = true);
        shared(&Given {
            columns,
            rows: &(0..ROWS as u32).collect::<Vec<u32>>(),
            flagged: &flagged,
            groups,
            chance: &[1.0 / ROWS as f64; ROWS],
            significance: 0.01,
        })
    }

    fn rows(wanted: impl Fn(usize) -> bool, most: usize) -> Vec<u32> {
        (0..ROWS).filter(|row| wanted(*row)).take(most).map(|row| row as u32).collect()
    }

    #[test]
    fn a_value_that_all_flags_have_is_told_once_with_its_counts_and_its_chance() {
        let columns = columns(0);
        let flags = rows(|row| columns[0].codes[row] == 2, 20);
        let found = told(&columns, &flags, None);
        let [only] = found.as_slice() else { panic!("{found:#?}") };
        let inside = columns[0].codes.iter().filter(|code| **code == 2).count();
        assert_eq!(
            (only.conditions.as_str(), only.also.as_slice()),
            ("`c0` = v2", &["`copy` = v5".to_owned()][..])
        );
        assert_eq!((only.flags, only.flagged, only.rows, only.of_rows), (20, 20, inside, ROWS));
        assert_eq!(only.members, flags);
        assert!((only.lift - ROWS as f64 / inside as f64).abs() < 1e-9);
        // All of 20 among those rows, by the product of its factors; six columns, eight values.
        let alone: f64 = (0..20).map(|place| (inside - place) as f64 / (ROWS - place) as f64).product();
        assert!((only.p / (alone * 48.0) - 1.0).abs() < 1e-6 && !only.as_slips_would, "{only:?}");
        assert_eq!(only.rule.as_deref(), Some("\"c0\" = \"v2\""));
    }

    #[test]
    fn a_range_is_told_and_two_values_that_need_each_other_are_a_pair() {
        let columns = columns(1);
        let range = told(&columns, &rows(|row| (10..16).contains(&columns[5].codes[row]), 30), None);
        assert_eq!(range[0].conditions, "`number` from 10 to 15");
        let pair = told(
            &columns,
            &rows(|row| columns[0].codes[row] == 1 && columns[3].codes[row] == 4, 30),
            None,
        );
        let words: Vec<&str> = pair.iter().map(|shared| shared.conditions.as_str()).collect();
        assert_eq!(words, ["`c0` = v1", "`c3` = v4", "`c0` = v1, `c3` = v4"]);
        assert!(pair[2].lift > pair[0].lift && pair[2].flags == 30);
    }

    /// Something is promised to be told of at most one of a hundred sheets whose flags are random; here of none of forty.
    #[test]
    fn random_flags_share_nothing() {
        for sheet in 0..40 {
            let mut rng = Seed(31).stream("shared-random", sheet);
            let flags: Vec<u32> = (0..40).map(|_| rng.random_range(0..ROWS as u32)).collect();
            let found = told(&columns(sheet), &flags, None);
            assert!(found.is_empty(), "sheet {sheet}: {found:#?}");
        }
    }

    /// Twelve flagged rows of three orders, all in one rare value, are three things that happened, not twelve.
    #[test]
    fn rows_of_one_group_count_together() {
        let groups: Vec<u32> = (0..ROWS as u32).map(|row| row / 4).collect();
        let mut columns = columns(2);
        columns.push(column("lane", 10, groups.iter().map(|group| (group % 10) as u16).collect()));
        let flags: Vec<u32> = [3, 13, 23].iter().flat_map(|group| group * 4..group * 4 + 4).collect();
        assert_eq!(told(&columns, &flags, None)[0].conditions, "`lane` = v3");
        let grouped = told(&columns, &flags, Some(&groups));
        assert!(grouped.is_empty(), "{grouped:#?}");
    }
}
