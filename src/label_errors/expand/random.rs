//! Whether the flags tell wrong rows from others at all, or look like a random sample of rows: flags on right rows lie where rows of their
//! labels lie, and models that did not learn from them do not doubt them more than others.

use std::collections::{BTreeMap, BTreeSet};

use super::Work;
use super::grouped;
use super::rules::Region;
use crate::stats::{average_ranks, hypergeometric_at_least, tie_term};

/// Chance of as many flags following a rule, had they been drawn at random from the rows of their label, from which on the flags do not bear the
/// rule out. The rule was sought among many, though by another measure, which a level of 5 % would not make up for.
const CONCENTRATED: f64 = 0.001;
/// The same within a region that a first search found, where nothing but its search sets a rule apart.
const SEARCHED: f64 = 0.00001;
/// Standard errors by which flags must be doubted more than other rows of their labels, to be told from a random sample, and less than wrong rows
/// would be, to be called one (1 %, one-sided).
const TOLD_APART: f64 = 2.33;
/// Fewest flags of which it is told that they look like a random sample.
const FEWEST_FOR_A_SAMPLE: usize = 10;
/// Chance of labels as unlike those of the rows of a region, from which on its flags are no sample of them.
const LIKE_LABELS: f64 = 0.01;
/// Share of the flags of a region that have another label than most: with fewer they speak of one label.
const OTHER_LABELS: f64 = 0.1;
/// Right rows are missed by models that saw the rest of their region less than this many times as often as rows elsewhere.
const NOISIER: f64 = 2.0;

/// How much the flagged rows are doubted beside other rows of their labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Doubted {
    /// Chance that a flagged row is doubted more than another row of its label, both at random; 0.5 for a random sample.
    pub chance: f64,
    /// The same of a row of another label, the least doubted one, if it had the flagged row's: as wrong rows would be doubted at least. Near 0.5
    /// models know too little to tell.
    pub if_wrong: f64,
    /// Standard error of `chance` (Mann and Whitney's test, summed over labels).
    pub error: f64,
    pub flags: usize,
}

impl Doubted {
    /// Whether a random sample of rows would be doubted as the flags are, and wrong rows would not.
    pub fn as_at_random(self) -> bool {
        let apart = TOLD_APART * self.error;
        self.flags >= FEWEST_FOR_A_SAMPLE && !self.more_than_others() && self.if_wrong - self.chance > apart
    }

    /// Whether the flagged rows are doubted more than others.
    fn more_than_others(self) -> bool {
        self.chance - 0.5 >= TOLD_APART * self.error
    }
}

impl Work<'_> {
    /// Whether more flags follow a rule than if as many were drawn at random from the checked rows of the same label; where rows of a group
    /// belong together, also by groups. `left`: the flags that earlier rules leave. A search takes flags to be right: where slips would lie
    /// elsewhere, it finds a rule in flags on right rows too.
    pub(super) fn bear_out(&self, region: &Region, left: &[u32]) -> bool {
        let checked: Vec<usize> = (0..self.flagged.len()).filter(|row| self.checked[*row]).collect();
        let flags: Vec<usize> = left.iter().map(|row| *row as usize).collect();
        self.chance_of_flags(region, &flags, &checked) < CONCENTRATED
    }

    /// Whether within a wider region, whose own flags look like a random sample of its rows, a rule gathers flags beyond what a search finds in such
    /// a sample.
    pub(super) fn stands_out_of(&self, wider: &Region, region: &Region, left: &[u32]) -> bool {
        let flags: Vec<usize> = left.iter().map(|row| *row as usize).collect();
        let inside: Vec<usize> = flags.into_iter().filter(|row| wider.rows.binary_search(row).is_ok()).collect();
        self.chance_of_flags(region, &inside, &wider.rows) < SEARCHED
    }

    /// Chance that this many flags or more follow a rule, if they were drawn from these rows at random, label by label; by rows and by groups.
    fn chance_of_flags(&self, region: &Region, flags: &[usize], among: &[usize]) -> f64 {
        let labelled = |row: usize| region.recorded_as.is_none_or(|class| self.request.labels[row] == class);
        let mut meets = vec![false; self.flagged.len()];
        region.rows.iter().for_each(|row| meets[*row] = true);
        let of_label = |rows: &[usize]| -> Vec<usize> { rows.iter().copied().filter(|row| labelled(*row)).collect() };
        let (flags, all) = (of_label(flags), of_label(among));
        let inside = |rows: &[usize]| -> Vec<usize> { rows.iter().copied().filter(|row| meets[*row]).collect() };
        let chance = |count: &dyn Fn(&[usize]) -> u64| {
            hypergeometric_at_least(count(&inside(&flags)), count(&inside(&all)), count(&flags), count(&all))
        };
        let by_row = chance(&|rows| rows.len() as u64);
        let by_group = self.request.prepared.train.groups.as_deref().map_or(0.0, |groups| {
            chance(&|rows| rows.iter().map(|row| groups[*row]).collect::<BTreeSet<u32>>().len() as u64)
        });
        by_row.max(by_group)
    }

    /// Whether the flags of a region, of several labels, look like a random sample of its own rows: their labels are mixed as those rows' are, models
    /// that saw the rest of the region doubt them no more than the others, and miss the labels there not much more often than elsewhere. An error of
    /// a region has a direction, or spoils its labels; flags on right rows of the one place where somebody looked have neither. `truth`:
    /// probabilities, rows x classes.
    pub(super) fn sample_of_its_rows(&self, region: &Region, truth: &[f32]) -> bool {
        let (flags, others): (Vec<usize>, Vec<usize>) = region.rows.iter().copied().partition(|row| self.flagged[*row]);
        let label = |row: &usize| usize::from(self.request.labels[*row]);
        let mut counts = vec![0_usize; self.classes];
        flags.iter().for_each(|row| counts[label(row)] += 1);
        let of_other_labels = flags.len() - counts.iter().copied().max().unwrap_or_default();
        if of_other_labels < 2 || (of_other_labels as f64) < OTHER_LABELS * flags.len() as f64 {
            return false;
        }
        let by_row = self.chance_of_labels(&flags, &region.rows, &|row| row as u32);
        let groups = self.request.prepared.train.groups.as_deref();
        let by_group = groups.map_or(0.0, |groups| self.chance_of_labels(&flags, &region.rows, &|row| groups[row]));
        if by_row.max(by_group) < LIKE_LABELS {
            return false;
        }
        if self.doubted_among(&region.rows, truth).is_some_and(Doubted::more_than_others) {
            return false;
        }
        let missed = |rows: &mut dyn Iterator<Item = &usize>| {
            let (mut missed, mut all) = (0.0, 0.0_f64);
            for row in rows {
                let said = &truth[row * self.classes..(row + 1) * self.classes];
                missed += f64::from(u8::from(said.iter().any(|chance| *chance > said[label(row)])));
                all += 1.0;
            }
            missed / all.max(1.0)
        };
        let elsewhere: Vec<usize> = (0..self.flagged.len())
            .filter(|row| !self.flagged[*row] && region.rows.binary_search(row).is_err())
            .collect();
        elsewhere.is_empty() || missed(&mut others.iter()) < NOISIER * missed(&mut elsewhere.iter())
    }

    /// Chance of labels so unlike those of the rows that the flags are among, if flags were drawn from them at random: the rarest or commonest label's,
    /// times the number of labels (hypergeometric). Rows that `unit` gives one number count once a label.
    fn chance_of_labels(&self, flags: &[usize], rows: &[usize], unit: &dyn Fn(usize) -> u32) -> f64 {
        let counts = |rows: &[usize]| {
            let units: BTreeSet<(u8, u32)> = rows.iter().map(|row| (self.request.labels[*row], unit(*row))).collect();
            let mut counts: BTreeMap<u8, u64> = BTreeMap::new();
            units.iter().for_each(|(label, _)| *counts.entry(*label).or_default() += 1);
            (units.len() as u64, counts)
        };
        let ((drawn, of_flags), (all, of_rows)) = (counts(flags), counts(rows));
        let rarest = of_rows.iter().map(|(label, there)| {
            let found = of_flags.get(label).copied().unwrap_or_default();
            let more = hypergeometric_at_least(found, *there, drawn, all);
            more.min(hypergeometric_at_least(drawn - found, all - there, drawn, all))
        });
        (rarest.fold(1.0, f64::min) * 2.0 * of_rows.len() as f64).min(1.0)
    }

    /// How much the flags are doubted beside the other checked rows of their labels, by models that did not learn from them; `None` where there is
    /// nothing to compare. `truth`: probabilities, rows x classes.
    pub(super) fn doubted(&self, truth: &[f32]) -> Option<Doubted> {
        let checked: Vec<usize> = (0..self.flagged.len()).filter(|row| self.checked[*row]).collect();
        self.doubted_among(&checked, truth)
    }

    /// The same among some of the rows.
    fn doubted_among(&self, rows: &[usize], truth: &[f32]) -> Option<Doubted> {
        let mut flagged = 0;
        let (mut wins, mut of_wrong, mut pairs, mut variance) = (0.0, 0.0, 0.0, 0.0);
        for label in 0..self.classes {
            let doubt = |row: &usize| -f64::from(truth[row * self.classes + label]);
            let has_it = |row: &usize| usize::from(self.request.labels[*row]) == label;
            let (flags, others): (Vec<usize>, Vec<usize>) = rows.iter().copied().filter(has_it).partition(|row| self.flagged[*row]);
            flagged += flags.len();
            let of_others: Vec<f64> = others.iter().map(doubt).collect();
            let compared = beats(&flags.iter().map(doubt).collect::<Vec<f64>>(), &of_others);
            // Wrong rows may be of the class that models can tell least from this one.
            let of_class = |class: usize| {
                let rows = rows
                    .iter()
                    .filter(|row| !self.flagged[**row] && usize::from(self.request.labels[**row]) == class);
                let doubts: Vec<f64> = rows.map(doubt).collect();
                Some(beats(&doubts, &of_others)?.0 / (doubts.len() * others.len()) as f64)
            };
            let classes = (0..self.classes).filter(|class| *class != label);
            let (Some((won, variance_of_won)), Some(if_wrong)) = (compared, classes.filter_map(of_class).reduce(f64::min)) else {
                continue;
            };
            let here = (flags.len() * others.len()) as f64;
            wins += won;
            variance += variance_of_won;
            of_wrong += if_wrong * here;
            pairs += here;
        }
        (variance > 0.0).then(|| Doubted {
            chance: wins / pairs,
            if_wrong: of_wrong / pairs,
            error: variance.sqrt() / pairs,
            flags: flagged,
        })
    }

    /// The sentence on flags that no rule explains and that nothing sets apart.
    pub(super) fn random_sample(&self, doubted: Doubted) -> String {
        let of = if self.request.options.checked.is_some() {
            "the checked rows"
        } else {
            "rows"
        };
        format!(
            "your {} flags look like a random sample of {of}: no pattern sets them apart, and models that did not learn from them doubt them no more \
             than other rows of the same labels (a flagged row more than another one in {:.0} % of pairs; 50 % by chance, {:.0} % or more if they were wrong). \
             Check whether they are wrong; no further row is proposed for being like them",
            grouped(self.flags.len()),
            doubted.chance * 100.0,
            doubted.if_wrong * 100.0
        )
    }
}

/// In how many of all pairs the first is larger, ties counting half, with the variance of that number if both are alike (Mann and Whitney 1947);
/// `None` where there are no pairs.
fn beats(first: &[f64], second: &[f64]) -> Option<(f64, f64)> {
    let (m, n) = (first.len() as f64, second.len() as f64);
    let (ranks, ties) = average_ranks(&[first, second].concat());
    let all = m + n;
    (m * n > 0.0).then(|| {
        (
            ranks[..first.len()].iter().sum::<f64>() - m * (m + 1.0) / 2.0,
            m * n / 12.0 * (all + 1.0 - tie_term(&ties) / (all * (all - 1.0))),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 3 beats both, 1 ties with 1 and beats none; without the tie the variance would be 2 * 2 / 12 * 5.
    #[test]
    fn pairs_are_won_lost_or_halved() {
        let (wins, variance) = beats(&[3.0, 1.0], &[1.0, 2.0]).unwrap();
        assert!((wins - 2.5).abs() < 1e-12 && (variance - 4.0 / 12.0 * (5.0 - 6.0 / 12.0)).abs() < 1e-12);
        assert_eq!(beats(&[], &[1.0]), None);
    }

    #[test]
    fn a_random_sample_is_told_only_by_models_that_would_doubt_wrong_rows() {
        let doubted = |chance: f64, if_wrong: f64, error: f64| Doubted {
            chance,
            if_wrong,
            error,
            flags: 40,
        };
        assert!(doubted(0.52, 0.8, 0.05).as_at_random());
        assert!(!doubted(0.57, 0.6, 0.05).as_at_random(), "the models know too little");
        assert!(!doubted(0.75, 0.8, 0.05).as_at_random(), "the flags are doubted");
    }
}
