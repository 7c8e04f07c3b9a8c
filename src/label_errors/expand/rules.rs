//! Looking for rules that gather the flags far more than slips would.

use std::collections::BTreeMap;

use super::columns::Column;
use super::search::{self, Condition, Evidence, Found};
use super::shared::{self, Shared};
use super::{FEWEST_FLAGS, Work};

/// A rule with the rows that meet its conditions.
pub(super) struct Region {
    pub found: Found,
    pub recorded_as: Option<u8>,
    pub rows: Vec<usize>,
    /// Rows that meet the conditions and that nobody checked.
    pub unchecked: Vec<usize>,
    /// Where flags reach a part of the time only and the errors run on: by row whether they could have been flagged.
    pub reached: Option<Vec<bool>>,
    /// That part of the time, in words.
    pub flags_within: Option<String>,
}

impl Work<'_> {
    /// Rules that gather the flags, one after the other: each on the flags that the earlier ones leave.
    pub(super) fn rules(&self, columns: &[Column], truth: &[f32]) -> Vec<Region> {
        let mut left: Vec<u32> = self.flags.clone();
        let mut found = Vec::new();
        let enough = (1.0 / self.request.options.significance.clamp(1e-12, 1.0)).ln();
        while found.len() < self.request.options.most_rules && left.len() >= FEWEST_FLAGS {
            let best = |doubted| {
                let holds = |region: &Region| region.found.gain >= enough && self.bear_out(region, &left);
                let region = self.best_rule(columns, truth, &left, (doubted, true)).filter(holds)?;
                if !self.sample_of_its_rows(&region, truth) {
                    return Some(region);
                }
                // Errors of two places with opposite directions are one mixture as long as labels are taken together.
                let of_one_label = self.best_rule(columns, truth, &left, (doubted, false)).filter(holds)?;
                let apart = !self.sample_of_its_rows(&of_one_label, truth) && self.stands_out_of(&region, &of_one_label, &left);
                apart.then_some(of_one_label)
            };
            let first = if found.is_empty() { best(false) } else { None };
            let Some(region) = first.or_else(|| best(true)) else {
                break;
            };
            let mut inside = vec![false; self.flagged.len()];
            region.rows.iter().for_each(|row| inside[*row] = true);
            let follows =
                |row: u32| inside[row as usize] && region.recorded_as.is_none_or(|class| self.request.labels[row as usize] == class);
            let before = left.len();
            left.retain(|row| !follows(*row));
            if before - left.len() < FEWEST_FLAGS {
                break;
            }
            found.push(region);
        }
        found
    }

    /// What the flags share, value by value.
    pub(super) fn shared(&self, columns: &[Column], truth: &[f32]) -> Vec<Shared> {
        let mut chance = vec![0.0; self.flagged.len()];
        for (class, rows) in self.by_class(&self.flags).iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
            let share = rows.len() as f64 / self.flags.len() as f64;
            let of_class = self.chance_of_a_slip(truth, class, rows);
            chance.iter_mut().zip(&of_class).for_each(|(all, chance)| *all += share * chance);
        }
        let rows: Vec<u32> = (0..self.flagged.len() as u32).filter(|row| self.checked[*row as usize]).collect();
        let columns: Vec<Column> = columns.iter().filter(|column| !self.nearly_the_label(column)).cloned().collect();
        shared::shared(&shared::Given {
            columns: &columns,
            rows: &rows,
            flagged: &self.flagged,
            groups: self.request.prepared.train.groups.as_deref(),
            chance: &chance,
            significance: self.request.options.significance,
        })
    }

    /// Rows by the class that they are recorded as.
    fn by_class(&self, rows: &[u32]) -> Vec<Vec<u32>> {
        let mut by_class = vec![Vec::new(); self.classes];
        rows.iter()
            .for_each(|row| by_class[usize::from(self.request.labels[*row as usize])].push(*row));
        by_class
    }

    /// The best rule for any one recorded class, or for all of them together. `doubted`: some flags may be false, as what a first rule leaves over,
    /// and those lie where right rows of their class lie. `any`: whether a rule may be for all classes together.
    fn best_rule(&self, columns: &[Column], truth: &[f32], left: &[u32], (doubted, any): (bool, bool)) -> Option<Region> {
        let by_class = self.by_class(left);
        let present = by_class.iter().filter(|rows| !rows.is_empty()).count();
        let choice = ((present + 1) as f64).ln();
        let mut together = vec![0.0; self.flagged.len()];
        let mut together_if_false = vec![0.0; self.flagged.len()];
        let mut best: Option<(Found, Option<u8>)> = None;
        let mut consider = |found: Option<Found>, class: Option<u8>| {
            if let Some(mut found) = found {
                found.gain -= choice;
                if best.as_ref().is_none_or(|(best, _)| found.gain > best.gain) {
                    best = Some((found, class));
                }
            }
        };
        for (class, rows) in by_class.iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
            let chance = self.chance_of_a_slip(truth, class, rows);
            let share = rows.len() as f64 / left.len() as f64;
            together.iter_mut().zip(&chance).for_each(|(all, chance)| *all += share * chance);
            let if_false = self.chance_of_a_false_flag(class);
            together_if_false
                .iter_mut()
                .zip(&if_false)
                .for_each(|(all, chance)| *all += share * chance);
            if rows.len() >= FEWEST_FLAGS {
                let evidence = self.evidence(columns, &chance, doubted.then_some(&if_false[..]), rows);
                consider(search::search(&evidence), Some(class as u8));
            }
        }
        if present > 1 && any {
            let if_false = doubted.then_some(&together_if_false[..]);
            consider(search::search(&self.evidence(columns, &together, if_false, left)), None);
        }
        let (found, recorded_as) = best?;
        // Only rows that were checked can be judged by where flags lie.
        let rows = (0..self.flagged.len())
            .filter(|row| self.checked[*row] && meets(&found.conditions, columns, *row))
            .collect();
        let unchecked = (0..self.flagged.len())
            .filter(|row| !self.checked[*row] && meets(&found.conditions, columns, *row))
            .collect();
        Some(Region {
            found,
            recorded_as,
            rows,
            unchecked,
            reached: None,
            flags_within: None,
        })
    }

    fn evidence<'b>(&self, columns: &'b [Column], chance: &'b [f64], if_false: Option<&'b [f64]>, rows: &[u32]) -> Evidence<'b> {
        let mut of_group: BTreeMap<(u32, u8), f64> = BTreeMap::new();
        let groups = self.request.prepared.train.groups.as_deref();
        let name = |row: u32| groups.map(|groups| (groups[row as usize], self.request.labels[row as usize]));
        rows.iter()
            .filter_map(|row| name(*row))
            .for_each(|group| *of_group.entry(group).or_default() += 1.0);
        let weight = |row: u32| name(row).and_then(|group| of_group.get(&group)).map_or(1.0, |count| 1.0 / count);
        Evidence {
            columns,
            chance,
            chance_if_false: if_false,
            flags: rows.iter().map(|row| (*row, weight(*row))).collect(),
        }
    }

    /// For every row the chance that it is the next one of `class` to be flagged although it is right: rows of the class are hit alike.
    fn chance_of_a_false_flag(&self, class: usize) -> Vec<f64> {
        let of_class = |(label, checked): (&u8, &bool)| f64::from(u8::from(usize::from(*label) == class && *checked));
        let chances = self.request.labels.iter().zip(&self.checked).map(of_class);
        normalised(chances.collect())
    }

    /// For every row the chance that it is the next one to be recorded as `class` by a slip: rows of the true class a are hit alike, and
    /// how often each a is hit is estimated from what the models say of the flagged rows.
    fn chance_of_a_slip(&self, truth: &[f32], class: usize, flags: &[u32]) -> Vec<f64> {
        let (rows, classes) = (self.flagged.len(), self.classes);
        let of = |row: usize| &truth[row * classes..(row + 1) * classes];
        let mut sums = vec![1e-9_f64; classes];
        let mut counts = vec![1e-9_f64; classes];
        for row in 0..rows {
            of(row).iter().zip(&mut sums).for_each(|(said, sum)| *sum += f64::from(*said));
            if !self.flagged[row] {
                counts[usize::from(self.request.labels[row])] += 1.0;
            }
        }
        let others: Vec<usize> = (0..classes).filter(|other| *other != class).collect();
        let mut hit = vec![1.0 / others.len().max(1) as f64; classes];
        for _ in 0..30 {
            let mut next = vec![0.0; classes];
            for row in flags {
                let said = of(*row as usize);
                let shares: Vec<f64> = others
                    .iter()
                    .map(|other| hit[*other] * f64::from(said[*other]) / sums[*other] + 1e-15)
                    .collect();
                let all: f64 = shares.iter().sum();
                others.iter().zip(&shares).for_each(|(other, share)| next[*other] += share / all);
            }
            // A little for every class, so that none is ruled out by a few flags.
            let all = flags.len() as f64 + 0.5 * others.len() as f64;
            others.iter().for_each(|other| hit[*other] = (next[*other] + 0.5) / all);
        }
        let chances = (0..rows)
            .map(|row| {
                if !self.checked[row] {
                    return 0.0;
                }
                let said = of(row);
                let label = usize::from(self.request.labels[row]);
                let soft: f64 = others
                    .iter()
                    .map(|other| hit[*other] * f64::from(said[*other]) / sums[*other])
                    .sum();
                let counted = !self.flagged[row] && label != class;
                let hard = if counted { hit[label] / counts[label] } else { 0.0 };
                // Neither source is trusted alone: labels are depleted where a pattern took them, and models can be wrong.
                0.4 * soft + 0.4 * hard + 0.2 / rows as f64
            })
            .collect();
        match self.request.options.checked {
            Some(_) => normalised(chances),
            None => chances,
        }
    }
}

/// Chances that sum to 1.
fn normalised(mut chances: Vec<f64>) -> Vec<f64> {
    let all = chances.iter().sum::<f64>().max(1e-300);
    chances.iter_mut().for_each(|chance| *chance /= all);
    chances
}

pub(super) fn meets(conditions: &[Condition], columns: &[Column], row: usize) -> bool {
    conditions
        .iter()
        .all(|condition| condition.test.holds(columns[condition.column].codes[row]))
}
