//! Searching for a rule that tells the flagged rows from those that could as well have been mislabelled.
//!
//! A rule is a conjunction of conditions on columns. Its evidence is the log-likelihood ratio of the flags falling into its region at
//! one rate and outside at another, against one rate everywhere; its cost is the logarithm of the number of rules of its form that the
//! search chooses from. Evidence minus cost above ln(1/alpha) therefore comes up by chance in at most a share alpha of sheets whose
//! errors follow no rule (a union bound with the cost as prior weight, as in minimum description length).

use rayon::prelude::*;

use super::columns::{Bins, Column};

/// Rules kept at each depth.
const BEAM: usize = 20;
/// Most conditions of a rule.
const DEEPEST: usize = 4;
/// Most values that one condition lists.
const MOST_LISTED: usize = 8;

/// What a condition asks of a column's bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::label_errors) enum Test {
    /// One of these bins, ascending.
    Among(Vec<u16>),
    /// Within these bins, ends included.
    Between(u16, u16),
}

impl Test {
    pub fn holds(&self, code: u16) -> bool {
        match self {
            Test::Among(codes) => codes.binary_search(&code).is_ok(),
            Test::Between(low, high) => (*low..=*high).contains(&code),
        }
    }
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::label_errors) struct Condition {
    /// Index of the column.
    pub column: usize,
    pub test: Test,
}

/// The flags, and where they would fall if they followed no rule.
pub(super) struct Evidence<'a> {
    pub columns: &'a [Column],
    /// For every row the chance that it, of all rows, is the next to be mislabelled by a slip; sums to 1.
    pub chance: &'a [f64],
    /// The same for a flag on a row that is right: where some flags may be false, a rule must gather them beyond either, and so beyond any
    /// mixture of the two.
    pub chance_if_false: Option<&'a [f64]>,
    /// Flagged rows with their weights: flags of one group count together as one.
    pub flags: Vec<(u32, f64)>,
}

/// A rule that the search found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub conditions: Vec<Condition>,
    /// Evidence minus cost, in nats.
    pub gain: f64,
}

struct State {
    conditions: Vec<Condition>,
    rows: Vec<u32>,
    flags: Vec<(u32, f64)>,
    cost: f64,
    gain: f64,
}

struct Candidate {
    state: usize,
    condition: Condition,
    cost: f64,
    gain: f64,
    weight: f64,
    expected: f64,
}

/// Log-likelihood ratio of `inside` of `all` flags where `expected` would be by chance; 0 where there are fewer than expected.
pub(super) fn evidence(inside: f64, expected: f64, all: f64) -> f64 {
    let expected = expected.clamp(1e-9 * all, all);
    if inside <= expected || inside <= 0.0 {
        return 0.0;
    }
    let outside = all - inside;
    let rest = if outside > 1e-9 {
        outside * (outside / (all - expected).max(1e-9)).ln()
    } else {
        0.0
    };
    (inside * (inside / expected).ln() + rest).max(0.0)
}

/// The best rule there is, whatever its evidence; `None` where no condition covers a flag better than chance.
pub(super) fn search(given: &Evidence) -> Option<Found> {
    let all: f64 = given.flags.iter().map(|(_, weight)| weight).sum();
    let mut beam = vec![State {
        conditions: Vec::new(),
        rows: (0..given.chance.len() as u32).collect(),
        flags: given.flags.clone(),
        cost: 0.0,
        gain: 0.0,
    }];
    let mut best: Option<Found> = None;
    for _ in 0..DEEPEST {
        let mut candidates: Vec<Candidate> = Vec::new();
        for (number, state) in beam.iter().enumerate() {
            let found: Vec<Vec<Candidate>> = (0..given.columns.len())
                .into_par_iter()
                .map(|column| extend(given, state, number, column, all))
                .collect();
            candidates.extend(found.into_iter().flatten());
        }
        candidates.sort_by(|a, b| b.gain.total_cmp(&a.gain).then(a.state.cmp(&b.state)));
        let mut kept: Vec<&Candidate> = Vec::new();
        for candidate in &candidates {
            let same = |other: &&Candidate| {
                (other.weight - candidate.weight).abs() < 1e-9 && (other.expected - candidate.expected).abs() < 1e-9 * all
            };
            if !kept.iter().any(same) {
                kept.push(candidate);
            }
            if kept.len() == BEAM {
                break;
            }
        }
        let next: Vec<State> = kept
            .iter()
            .map(|candidate| narrowed(given, &beam[candidate.state], candidate))
            .collect();
        let Some(first) = next.first() else { break };
        let improved = best.as_ref().is_none_or(|best| first.gain > best.gain);
        if improved {
            best = Some(Found {
                conditions: first.conditions.clone(),
                gain: first.gain,
            });
        } else if best.as_ref().is_some_and(|best| best.gain > 0.0) {
            break;
        }
        beam = next;
    }
    best.filter(|best| best.gain > 0.0)
}

fn narrowed(given: &Evidence, state: &State, candidate: &Candidate) -> State {
    let codes = &given.columns[candidate.condition.column].codes;
    let holds = |row: u32| candidate.condition.test.holds(codes[row as usize]);
    let mut conditions = state.conditions.clone();
    conditions.push(candidate.condition.clone());
    State {
        conditions,
        rows: state.rows.iter().copied().filter(|row| holds(*row)).collect(),
        flags: state.flags.iter().copied().filter(|(row, _)| holds(*row)).collect(),
        cost: candidate.cost,
        gain: candidate.gain,
    }
}

/// The best conditions on one column that narrow a rule.
fn extend(given: &Evidence, state: &State, number: usize, index: usize, all: f64) -> Vec<Candidate> {
    let column = &given.columns[index];
    if state.conditions.iter().any(|condition| condition.column == index) {
        return Vec::new();
    }
    let bins = column.bin_count() + 1;
    let mut flagged = vec![0.0_f64; bins];
    for (row, weight) in &state.flags {
        flagged[usize::from(column.codes[*row as usize])] += weight;
    }
    let mut expected = vec![[0.0_f64; 2]; bins];
    for row in &state.rows {
        let place = *row as usize;
        let expected = &mut expected[usize::from(column.codes[place])];
        expected[0] += given.chance[place] * all;
        expected[1] += given.chance_if_false.map_or(0.0, |chance| chance[place] * all);
    }
    let base = state.cost + (given.columns.len() as f64).ln();
    let judged = |test: Test, weight: f64, expected: Expected, cost: f64| Candidate {
        state: number,
        condition: Condition { column: index, test },
        gain: evidence(weight, most(expected), all) - base - cost,
        cost: base + cost,
        weight,
        expected: most(expected),
    };
    let mut found = match column.bins {
        Bins::Values(_) => by_value(&flagged, &expected, &judged),
        Bins::Ranges(_) => by_range(&flagged, &expected, &judged),
    };
    found.sort_by(|a, b| b.gain.total_cmp(&a.gain));
    found.truncate(3);
    found
}

/// Flags expected by chance: if they were slips, and if they were false.
type Expected = [f64; 2];

type Judge<'a> = dyn Fn(Test, f64, Expected, f64) -> Candidate + 'a;

fn most(expected: Expected) -> f64 {
    expected[0].max(expected[1])
}

fn plus(one: Expected, other: Expected) -> Expected {
    [one[0] + other[0], one[1] + other[1]]
}

/// Single values, and lists of the values that flags are densest in.
fn by_value(flagged: &[f64], expected: &[Expected], judged: &Judge) -> Vec<Candidate> {
    let mut values: Vec<usize> = (0..flagged.len()).filter(|value| flagged[*value] > 0.0).collect();
    let density = |value: usize| flagged[value] / most(expected[value]).max(1e-12);
    values.sort_by(|a, b| density(*b).total_cmp(&density(*a)).then(a.cmp(b)));
    let mut found: Vec<Candidate> = Vec::new();
    let choices = flagged.len() as f64;
    for value in &values {
        let test = Test::Among(vec![*value as u16]);
        found.push(judged(test, flagged[*value], expected[*value], choices.ln()));
    }
    // A list is written out value by value: each costs its name, and how long the list is costs one more choice.
    let (mut weight, mut chance) = (0.0, [0.0; 2]);
    let mut cost = 0.0;
    let mut listed: Vec<u16> = Vec::new();
    // By the weight of evidence first, so that a value with one stray flag does not lead the list.
    let mut by_evidence = values.clone();
    by_evidence.sort_by(|a, b| {
        let gain = |value: usize| flagged[value] * (flagged[value] / most(expected[value]).max(1e-12)).ln();
        gain(*b).total_cmp(&gain(*a)).then(a.cmp(b))
    });
    for (place, value) in by_evidence.iter().take(MOST_LISTED).enumerate() {
        weight += flagged[*value];
        chance = plus(chance, expected[*value]);
        cost += ((choices - place as f64) / (place as f64 + 1.0)).max(1.0).ln();
        listed.push(*value as u16);
        if place > 0 {
            let mut sorted = listed.clone();
            sorted.sort_unstable();
            found.push(judged(Test::Among(sorted), weight, chance, cost + (MOST_LISTED as f64).ln()));
        }
    }
    found
}

/// The best range of bins; blanks are a bin of their own.
fn by_range(flagged: &[f64], expected: &[Expected], judged: &Judge) -> Vec<Candidate> {
    let bins = flagged.len() - 1;
    let choices = (bins * (bins + 1) / 2) as f64 + 1.0;
    let cost = choices.ln();
    let mut found: Vec<Candidate> = Vec::new();
    if flagged[bins] > 0.0 {
        found.push(judged(Test::Among(vec![bins as u16]), flagged[bins], expected[bins], cost));
    }
    for low in 0..bins {
        // A best range begins and ends at a bin with flags.
        if flagged[low] == 0.0 {
            continue;
        }
        let (mut weight, mut chance) = (0.0, [0.0; 2]);
        for high in low..bins {
            weight += flagged[high];
            chance = plus(chance, expected[high]);
            if flagged[high] > 0.0 && weight > most(chance) {
                found.push(judged(Test::Between(low as u16, high as u16), weight, chance, cost));
            }
        }
    }
    found
}
