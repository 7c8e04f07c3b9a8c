//! Rows whose label contradicts something else in the sheet: the other rows of their group, or a proxy of the label.

use super::columns::{Bins, Column, Taken};
use super::{Contradiction, Proposal};

/// Share of rows whose label agrees with the rest of their group, from which groups are taken to share one label.
const AGREEING: f64 = 0.85;
/// Share of errors avoided from which a column is a proxy of a class.
const NEAR_COPY: f64 = 0.8;
/// Share of a class's rows that the values vouching for it must have: one region that is nearly always late is no copy of the label.
const COVERED: f64 = 0.5;
/// Rows of a value from which it can vouch for a class.
const FEWEST_OF_VALUE: usize = 30;

pub(super) struct Given<'a> {
    pub labels: &'a [u8],
    pub classes: usize,
    pub class_names: &'a [String],
    pub groups: Option<&'a [u32]>,
    pub group_name: Option<&'a str>,
    /// Out-of-fold probabilities, rows x classes.
    pub truth: &'a [f32],
    /// Rows that count neither as witnesses nor as suspects.
    pub aside: &'a [bool],
}

/// All contradictions, by row; a row with several reasons has the one of most weight.
pub(super) fn find(given: &Given, columns: &[Column], contradictions: &mut Vec<Contradiction>) -> Vec<Proposal> {
    let mut best: std::collections::BTreeMap<u32, Proposal> = std::collections::BTreeMap::new();
    let mut add = |found: Vec<Proposal>| {
        for proposal in found {
            let better = best.get(&proposal.row).is_none_or(|other| other.score < proposal.score);
            if better {
                best.insert(proposal.row, proposal);
            }
        }
    };
    if let (Some(groups), Some(name)) = (given.groups, given.group_name) {
        let place = contradictions.len();
        if let Some((agreeing, found)) = in_groups(given, groups, place) {
            contradictions.push(Contradiction {
                column: name.to_owned(),
                words: format!(
                    "rows of one `{name}` share their label in {:.1} % of the cases, and these rows differ from the rest of theirs",
                    agreeing * 100.0
                ),
                rows: found.len(),
            });
            add(found);
        }
    }
    for column in columns {
        let place = contradictions.len();
        if let Some((words, found)) = proxy_column(given, column, place) {
            contradictions.push(Contradiction {
                column: column.name.clone(),
                words,
                rows: found.len(),
            });
            add(found);
        }
    }
    // A row is listed once, for its weightiest reason, and counted there.
    let listed: Vec<Proposal> = best.into_values().collect();
    for (place, contradiction) in contradictions.iter_mut().enumerate() {
        contradiction.rows = listed.iter().filter(|proposal| proposal.rule == place).count();
    }
    listed
}

/// Rows that differ from the majority of the other rows of their group; where two rows stand against each other, the likelier one stays.
fn in_groups(given: &Given, groups: &[u32], rule: usize) -> Option<(f64, Vec<Proposal>)> {
    let most = *groups.iter().max()? as usize + 1;
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); most];
    for (row, group) in groups.iter().enumerate() {
        if !given.aside[row] {
            members[*group as usize].push(row as u32);
        }
    }
    let (mut judged, mut agreeing) = (0_usize, 0_usize);
    let mut found = Vec::new();
    for rows in members.iter().filter(|rows| rows.len() > 1) {
        let mut counts = vec![0_usize; given.classes];
        rows.iter().for_each(|row| counts[usize::from(given.labels[*row as usize])] += 1);
        for row in rows {
            let label = usize::from(given.labels[*row as usize]);
            judged += 1;
            let others = rows.len() - 1;
            if counts[label] - 1 == others {
                agreeing += 1;
            }
            let Some(other) = (0..given.classes)
                .filter(|class| *class != label)
                .max_by_key(|class| counts[*class])
            else {
                continue;
            };
            // More than half of the other rows say something else, and more of them than say the same.
            let against = counts[other];
            if against * 2 <= others || against < counts[label] {
                continue;
            }
            if against == counts[label] {
                let said = &given.truth[*row as usize * given.classes..(*row as usize + 1) * given.classes];
                if said[other] <= said[label] {
                    continue;
                }
            }
            let score = against as f64 / (rows.len() as f64);
            found.push((*row, score, other as u8));
        }
    }
    let agreeing = agreeing as f64 / judged.max(1) as f64;
    (judged >= 50 && agreeing >= AGREEING).then(|| {
        let proposals = found.into_iter().map(|(row, score, likeliest)| Proposal {
            row,
            score: score * agreeing,
            likeliest,
            rule,
        });
        (agreeing, proposals.collect())
    })
}

/// Rows whose value of a column nearly always means another class.
fn proxy_column(given: &Given, column: &Column, rule: usize) -> Option<(String, Vec<Proposal>)> {
    let Bins::Values(values) = &column.bins else {
        return proxy_column_of_numbers(given, column, rule);
    };
    (column.taken == Taken::Value).then_some(())?;
    judged_by_value(given, column, rule, &|code| values.get(code).cloned().unwrap_or_default())
}

/// Numbers with a few different values, such as a flag of 0 and 1.
fn proxy_column_of_numbers(given: &Given, column: &Column, rule: usize) -> Option<(String, Vec<Proposal>)> {
    let Bins::Ranges(ranges) = &column.bins else { return None };
    let few = ranges.len() <= 20 && ranges.iter().all(|(low, high)| low == high);
    (few && column.taken == Taken::Value).then_some(())?;
    judged_by_value(given, column, rule, &|code| {
        ranges.get(code).map(|(low, _)| low.to_string()).unwrap_or_default()
    })
}

fn judged_by_value(given: &Given, column: &Column, rule: usize, name: &dyn Fn(usize) -> String) -> Option<(String, Vec<Proposal>)> {
    let values = column.bin_count() + 1;
    let mut counts = vec![0_usize; values * given.classes];
    let mut by_class = vec![0_usize; given.classes];
    let mut rows = 0;
    for (row, code) in column.codes.iter().enumerate() {
        if !given.aside[row] {
            counts[usize::from(*code) * given.classes + usize::from(given.labels[row])] += 1;
            by_class[usize::from(given.labels[row])] += 1;
            rows += 1;
        }
    }
    // What each value vouches for: a class that has nearly all of its rows, far more than of the others.
    let mut vouched: Vec<Option<(usize, f64)>> = (0..values)
        .map(|value| {
            let counts = &counts[value * given.classes..(value + 1) * given.classes];
            let all: usize = counts.iter().sum();
            let (class, count) = counts
                .iter()
                .enumerate()
                .max_by_key(|(class, count)| (**count, usize::MAX - class))?;
            let share = *count as f64 / all.max(1) as f64;
            let base = by_class[class] as f64 / rows.max(1) as f64;
            let avoided = 1.0 - (1.0 - share) / (1.0 - base).max(1e-9);
            // One in fifty rows at least: a rare value can look certain by chance.
            let frequent = all >= FEWEST_OF_VALUE && all * 50 >= rows;
            (frequent && avoided >= NEAR_COPY).then_some((class, share))
        })
        .collect();
    let mut covered = vec![0_usize; given.classes];
    for (value, (class, _)) in vouched.iter().enumerate().filter_map(|(value, vouched)| Some((value, (*vouched)?))) {
        covered[class] += counts[value * given.classes + class];
    }
    let is_covered = |class: usize| covered[class] as f64 >= COVERED * by_class[class] as f64;
    for slot in &mut vouched {
        *slot = slot.filter(|(class, _)| is_covered(*class));
    }
    let (best, (class, share)) = vouched
        .iter()
        .enumerate()
        .filter_map(|(value, vouched)| Some((value, (*vouched)?)))
        .max_by(|a, b| a.1.1.total_cmp(&b.1.1).then(b.0.cmp(&a.0)))?;
    let found: Vec<Proposal> = column
        .codes
        .iter()
        .enumerate()
        .filter_map(|(row, code)| {
            let (class, share) = vouched[usize::from(*code)]?;
            let differs = usize::from(given.labels[row]) != class && !given.aside[row];
            differs.then_some(Proposal {
                row: row as u32,
                score: share,
                likeliest: class as u8,
                rule,
            })
        })
        .collect();
    let words = format!(
        "`{}` is nearly a copy of the label (`{}` means {} in {:.1} % of the rows), and these rows say otherwise",
        column.name,
        if best + 1 == values { "blank".to_owned() } else { name(best) },
        given.class_names[class],
        share * 100.0
    );
    Some((words, found))
}
