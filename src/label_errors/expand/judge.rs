//! Judging the rows of a rule: how many are wrong, which, and from where on they are sure enough to be proposed.

use std::collections::BTreeMap;

use super::super::doubt::{sharpness, softmax};
use super::columns::{self, Column};
use super::rules::Region;
use super::sample::Corner;
use super::search::Condition;
use super::siblings::Elsewhere;
use super::{NORMAL_95, PatternRule, Proposal, Unchecked, Work, mixture, words};
use crate::error::Result;
use crate::progress::Progress;

/// A region with more than this share of the rows leaves too little to learn from what should be in it.
pub(super) const LARGEST_REGION: f64 = 0.6;
/// Fewest nats by which the labels of a region must be better explained by wrong rows among them.
const LABEL_EVIDENCE: f64 = 3.0;
/// Share of the wrong rows that a raised cut must still find.
const KEPT_BY_CUT: f64 = 0.6;
/// Rows elsewhere from which it is told how sure models may be.
const FEWEST_TO_JUDGE_BY: usize = 500;
/// Share by which models may be off in how many rows of a region they expect to be of a class.
const MODEL_ERROR: f64 = 0.05;
/// Models that judge a region together.
pub(super) const JUDGES: usize = 2;

/// What was judged; rows ascending.
#[derive(Default)]
pub(super) struct Judged {
    pub rules: Vec<PatternRule>,
    pub pattern: Vec<Proposal>,
    /// Flagged rows that follow a rule.
    pub explained: Vec<Proposal>,
    /// Rows recorded as a rule says that are below its cut.
    pub doubtful: Vec<Proposal>,
}

/// What is said of the regions' rows.
struct Said<'a> {
    /// The rows, ascending.
    wanted: &'a [usize],
    /// Their probabilities by models that saw none of them, wanted x classes.
    truth: &'a [f64],
    /// Probabilities of all rows by models that saw the rest of their region.
    out_of_fold: &'a [f32],
    elsewhere: Option<Elsewhere<'a>>,
}

/// One rule with its rows: proposed and flagged ones, and those below the cut.
struct Cut {
    rule: PatternRule,
    taken: Vec<Proposal>,
    doubtful: Vec<Proposal>,
}

impl Work<'_> {
    /// Judges each rule's region by models that saw none of them, and cuts: the rules, what they propose, and the flagged rows that
    /// follow them.
    pub(super) fn judged(&self, columns: &[Column], found: &[Region], out_of_fold: &[f32], progress: &dyn Progress) -> Result<Judged> {
        let rows = self.flagged.len();
        let usable: Vec<&Region> = found
            .iter()
            .filter(|region| (region.rows.len() as f64) < LARGEST_REGION * rows as f64)
            .collect();
        let mut inside = vec![false; rows];
        for region in &usable {
            region.rows.iter().for_each(|row| inside[*row] = true);
            self.judged_beside(region).for_each(|row| inside[row] = true);
        }
        let wanted: Vec<usize> = (0..rows).filter(|row| inside[*row]).collect();
        if wanted.is_empty() {
            return Ok(Judged::default());
        }
        let kept_out: Vec<bool> = (0..rows).map(|row| inside[row] || self.flagged[row]).collect();
        let said = self.subject().left_out(&kept_out, &wanted, JUDGES, progress)?;
        let mut truth = self.no_surer_than_right(&said, out_of_fold, &kept_out);
        self.weigh_in_proxy_column(columns, &kept_out, &wanted, &mut truth);
        let judged = Said {
            wanted: &wanted,
            truth: &truth,
            out_of_fold,
            elsewhere: self.elsewhere_with(columns, &kept_out),
        };
        let mut rules = Vec::new();
        let mut best: BTreeMap<u32, Proposal> = BTreeMap::new();
        let mut unsure: BTreeMap<u32, Proposal> = BTreeMap::new();
        for region in usable {
            if let Some(cut) = self.cut(columns, region, &judged, rules.len()) {
                rules.push(cut.rule);
                keep_likeliest(&mut best, cut.taken);
                keep_likeliest(&mut unsure, cut.doubtful);
            }
        }
        let complete = self.list_is_complete(&rules);
        if complete {
            let (flagged, others): (BTreeMap<_, _>, BTreeMap<_, _>) = best.into_iter().partition(|(row, _)| self.flagged[*row as usize]);
            best = flagged;
            keep_likeliest(&mut unsure, others.into_values());
        }
        let doubtful = unsure.into_values().filter(|proposal| !best.contains_key(&proposal.row)).collect();
        let (explained, pattern): (Vec<Proposal>, Vec<Proposal>) =
            best.into_values().partition(|proposal| self.flagged[proposal.row as usize]);
        // A row that several rules propose is listed once, and counted there.
        for (number, rule) in rules.iter_mut().enumerate() {
            let listed: Vec<f64> = pattern.iter().filter(|row| row.rule == number).map(|row| row.score).collect();
            let elsewhere = if complete { 0 } else { rule.proposed - listed.len() };
            rule.proposed = listed.len();
            rule.expected_precision = (!listed.is_empty()).then(|| listed.iter().sum::<f64>() / listed.len() as f64);
            rule.words = self.sentence(rule, elsewhere, complete);
        }
        Ok(Judged {
            rules,
            pattern,
            explained,
            doubtful,
        })
    }

    /// Whether the list of flags seems complete: most of them follow one rule, and of the other rows that meet it none looks wrong. Further rows of
    /// rules with a few flags are then listed and not proposed, since whoever found all of one kind has looked for the others, too.
    fn list_is_complete(&self, rules: &[PatternRule]) -> bool {
        rules
            .iter()
            .any(|rule| 2 * rule.flags > self.flags.len() && rule.rows > rule.flags && rule.estimated_wrong < rule.flags as f64 + 0.5)
    }

    /// Probabilities of the regions' rows, less sure where models of their kind are surer than they are right about the rows elsewhere that they
    /// did not see (`out_of_fold`, all rows x classes). A chance of being wrong is no better than they are.
    fn no_surer_than_right(&self, said: &[f32], out_of_fold: &[f32], kept_out: &[bool]) -> Vec<f64> {
        let log = |said: &f32| f64::from(*said).max(1e-7).ln();
        let elsewhere: Vec<usize> = (0..kept_out.len()).filter(|row| !kept_out[*row]).collect();
        let logs: Vec<f64> = out_of_fold.iter().map(log).collect();
        let factor = match self.request.said {
            None if elsewhere.len() >= FEWEST_TO_JUDGE_BY => sharpness(&logs, self.request.labels, &elsewhere).min(1.0),
            _ => return said.iter().map(|said| f64::from(*said)).collect(),
        };
        let scaled: Vec<f64> = said.iter().map(|said| factor * log(said)).collect();
        scaled.chunks_exact(self.classes).flat_map(softmax).collect()
    }

    /// Share of the label's uncertainty that a column outside the model's inputs takes away, and its counts by value and class, over the rows
    /// that are not `kept_out`; absent where that is below a quarter.
    fn told(&self, column: &Column, kept_out: &[bool]) -> Option<(f64, Vec<f64>)> {
        let classes = self.classes;
        let inputs = self.request.prepared.features.source_columns();
        if column.bin_count() > 60 || inputs.contains(&column.name.as_str()) || matches!(column.taken, columns::Taken::Period) {
            return None;
        }
        let uncertainty = entropy(&self.base(kept_out));
        let mut counts = vec![0.5_f64; (column.bin_count() + 1) * classes];
        for row in (0..kept_out.len()).filter(|row| !kept_out[*row]) {
            counts[usize::from(column.codes[row]) * classes + usize::from(self.request.labels[row])] += 1.0;
        }
        let all: f64 = counts.iter().sum();
        let left: f64 = counts
            .chunks(classes)
            .map(|counts| counts.iter().sum::<f64>() / all * entropy(counts))
            .sum();
        let told = 1.0 - left / uncertainty.max(1e-12);
        (told >= 0.25).then_some((told, counts))
    }

    /// Whether a column says by itself much of what the label says: that flags share its value says only what they should be labelled.
    pub(super) fn nearly_the_label(&self, column: &Column) -> bool {
        self.told(column, &self.flagged).is_some()
    }

    /// The conditions that do not say nearly what the label says, as a rule: where the errors are, whatever the label. `None` where these are
    /// all of them, or none.
    fn place(&self, conditions: &[Condition], columns: &[Column]) -> Option<String> {
        let of_place = |condition: &&Condition| !self.nearly_the_label(&columns[condition.column]);
        let kept: Vec<Condition> = conditions.iter().filter(of_place).cloned().collect();
        (!kept.is_empty() && kept.len() < conditions.len())
            .then(|| words::as_rule(&kept, columns))
            .flatten()
    }

    /// Rows of each class that are not `kept_out`, half a row added.
    fn base(&self, kept_out: &[bool]) -> Vec<f64> {
        let mut base = vec![0.5_f64; self.classes];
        (0..kept_out.len())
            .filter(|row| !kept_out[*row])
            .for_each(|row| base[usize::from(self.request.labels[row])] += 1.0);
        base
    }

    /// Bayes' rule with the column, outside the model's inputs, that tells most about the label: a proxy of it, say.
    fn weigh_in_proxy_column(&self, columns: &[Column], kept_out: &[bool], wanted: &[usize], truth: &mut [f64]) {
        let classes = self.classes;
        let base = self.base(kept_out);
        let mut best: Option<(f64, &Column, Vec<f64>)> = None;
        for column in columns {
            if let Some((told, counts)) = self.told(column, kept_out)
                && best.as_ref().is_none_or(|(most, _, _)| told > *most)
            {
                best = Some((told, column, counts));
            }
        }
        let Some((_, column, counts)) = best else { return };
        for (row, truth) in wanted.iter().zip(truth.chunks_exact_mut(classes)) {
            let start = usize::from(column.codes[*row]) * classes;
            for (class, truth) in truth.iter_mut().enumerate() {
                *truth *= counts[start + class] / base[class];
            }
            let all: f64 = truth.iter().sum();
            truth.iter_mut().for_each(|truth| *truth /= all.max(1e-300));
        }
    }

    /// Fits the mixture of one region and takes the rows above the cut, and the flagged rows that follow the rule.
    fn cut(&self, columns: &[Column], region: &Region, judged: &Said, number: usize) -> Option<Cut> {
        let (classes, wanted, truth) = (self.classes, judged.wanted, judged.truth);
        let place = |row: usize| wanted.binary_search(&row).unwrap_or_default();
        let labels: Vec<u8> = region.rows.iter().map(|row| self.request.labels[*row]).collect();
        let flagged: Vec<bool> = region.rows.iter().map(|row| self.flagged[*row]).collect();
        let known: Vec<Option<u8>> = region
            .rows
            .iter()
            .map(|row| self.request.corrections.get(&(*row as u32)).copied())
            .collect();
        let said: Vec<f64> = region
            .rows
            .iter()
            .flat_map(|row| truth[place(*row) * classes..(place(*row) + 1) * classes].iter().copied())
            .collect();
        let mixture = mixture::fit(&mixture::Region {
            truth: &said,
            labels: &labels,
            flagged: &flagged,
            reached: region.reached.as_deref(),
            known: &known,
            recorded_as: region.recorded_as,
            classes,
            columns: columns
                .iter()
                .map(|column| {
                    let codes = region.rows.iter().map(|row| column.codes[*row]).collect();
                    (codes, column.bin_count() + 1)
                })
                .collect(),
        });
        // The labels of the other rows do not bear out that some of them are wrong. Flags that all carry one label are a pattern all the same:
        // every wrong row may be flagged already. Flags of several labels may as well be slips where somebody looked.
        let nothing_left = mixture.gain < LABEL_EVIDENCE;
        let only_the_label = || {
            region
                .found
                .conditions
                .iter()
                .all(|condition| self.nearly_the_label(&columns[condition.column]))
        };
        if nothing_left && (region.recorded_as.is_none() || only_the_label()) {
            return None;
        }
        let recorded: Vec<usize> = (0..region.rows.len())
            .filter(|index| region.recorded_as.is_none_or(|class| labels[*index] == class))
            .collect();
        let mut open: Vec<usize> = recorded.iter().copied().filter(|index| !flagged[*index]).collect();
        open.sort_by(|a, b| mixture.wrong[*b].total_cmp(&mixture.wrong[*a]).then(a.cmp(b)));
        let claimed: f64 = open.iter().map(|index| mixture.wrong[*index]).sum();
        let row_of = |index: &usize| region.rows[*index];
        let corner = Corner {
            flags: recorded.iter().filter(|index| flagged[**index]).map(row_of).collect(),
            others: open.iter().map(row_of).collect(),
            recorded_as: region.recorded_as,
        };
        if !nothing_left && self.is_a_sample(&corner, &region.rows, claimed, judged.out_of_fold) {
            return None;
        }
        if nothing_left {
            open.clear();
        }
        let estimated: f64 = open.iter().map(|index| mixture.wrong[*index]).sum();
        let likely = open.iter().take_while(|index| mixture.wrong[**index] >= 0.5).count();
        let taken = self.raised(&open[..likely], &mixture.wrong, estimated);
        let chosen = &open[..taken];
        let cut = chosen.last().map_or(0.5, |index| mixture.wrong[*index]);
        let flags: Vec<usize> = recorded.iter().copied().filter(|index| flagged[*index]).collect();
        let wrong_range = judged.elsewhere.as_ref().filter(|_| !nothing_left).and_then(|elsewhere| {
            let class = usize::from(region.recorded_as?);
            let expected: Vec<f64> = said.chunks_exact(classes).map(|said| said[class]).collect();
            let (low, high) = self.range_of_wrong(elsewhere, region, &expected, (open.len(), estimated))?;
            Some((low + flags.len() as f64, high + flags.len() as f64))
        });
        let above = flags.iter().filter(|index| mixture.wrong[**index] >= cut.min(0.5)).count();
        let mean = |rows: &[usize]| rows.iter().map(|index| mixture.wrong[*index]).sum::<f64>() / rows.len().max(1) as f64;
        let truly = most_frequent(chosen.iter().chain(&flags).map(|index| mixture.likeliest[*index]), classes);
        let rule = PatternRule {
            conditions: words::conditions(&region.found.conditions, columns),
            words: String::new(),
            rule: words::as_rule(&region.found.conditions, columns),
            place: self.place(&region.found.conditions, columns),
            recorded_as: region.recorded_as,
            truly,
            flags: flags.len(),
            region_rows: region.rows.len(),
            rows: recorded.len(),
            estimated_wrong: estimated + flags.len() as f64,
            wrong_range,
            proposed: chosen.len(),
            expected_precision: (!chosen.is_empty()).then(|| mean(chosen)),
            cut,
            flags_above_cut: above as f64 / flags.len().max(1) as f64,
            evidence: region.found.gain,
            label_evidence: mixture.gain,
            flags_within: region.flags_within.clone(),
            unchecked: self.unchecked(region, &|row| &truth[place(row) * classes..(place(row) + 1) * classes]),
        };
        let proposal = |index: &usize| Proposal {
            row: region.rows[*index] as u32,
            score: mixture.wrong[*index],
            likeliest: mixture.likeliest[*index],
            rule: number,
        };
        Some(Cut {
            rule,
            taken: chosen.iter().chain(&flags).map(proposal).collect(),
            doubtful: open[taken..].iter().map(proposal).collect(),
        })
    }

    /// Rows that nobody checked which meet a rule, where enough others are left to learn from.
    fn judged_beside<'r>(&self, region: &'r Region) -> impl Iterator<Item = usize> + use<'r> {
        let all = region.rows.len() + region.unchecked.len();
        let enough = (all as f64) < LARGEST_REGION * self.flagged.len() as f64;
        region.unchecked.iter().copied().filter(move |_| enough)
    }

    /// Of rows that meet a rule and that nobody checked: nothing is proposed there, only told how many are recorded as the rule says beyond what
    /// models expect that saw none of them. `of`: probabilities of a row.
    fn unchecked<'p>(&self, region: &Region, of: &dyn Fn(usize) -> &'p [f64]) -> Option<Unchecked> {
        let labels = self.request.labels;
        let (mut rows, mut expected, mut variance) = (0_usize, 0.0, 0.0);
        for row in self.judged_beside(region) {
            let label = region.recorded_as?;
            let chance = of(row)[usize::from(label)];
            rows += usize::from(labels[row] == label);
            expected += chance;
            variance += chance * (1.0 - chance);
        }
        let error = NORMAL_95 * (variance + (MODEL_ERROR * expected).powi(2)).sqrt();
        let beyond = |wrong: f64| wrong.clamp(0.0, rows as f64);
        (rows > 0).then_some(Unchecked {
            rows,
            wrong_low: beyond(rows as f64 - expected - error),
            wrong_high: beyond(rows as f64 - expected + error),
        })
    }

    /// How many of the likeliest rows to take: as many as keep the expected precision, unless that loses most of the wrong rows.
    fn raised(&self, likely: &[usize], wrong: &[f64], estimated: f64) -> usize {
        let (mut sum, mut keeping) = (0.0, 0);
        let mut kept = 0.0;
        for (place, index) in likely.iter().enumerate() {
            sum += wrong[*index];
            if sum / (place as f64 + 1.0) >= self.request.options.precision {
                keeping = place + 1;
                kept = sum;
            }
        }
        if kept >= KEPT_BY_CUT * estimated { keeping } else { likely.len() }
    }
}

/// Where several rules judge a row, the one that is surest of it being wrong counts.
fn keep_likeliest(best: &mut BTreeMap<u32, Proposal>, proposals: impl IntoIterator<Item = Proposal>) {
    for proposal in proposals {
        let better = best.get(&proposal.row).is_none_or(|other| other.score < proposal.score);
        if better {
            best.insert(proposal.row, proposal);
        }
    }
}

fn entropy(counts: &[f64]) -> f64 {
    let all: f64 = counts.iter().sum();
    counts
        .iter()
        .filter(|count| **count > 0.0)
        .map(|count| -(count / all) * (count / all).ln())
        .sum()
}

fn most_frequent(classes: impl Iterator<Item = u8>, count: usize) -> Option<u8> {
    let mut counts = vec![0_usize; count];
    classes.for_each(|class| counts[usize::from(class)] += 1);
    let (class, most) = counts
        .iter()
        .enumerate()
        .max_by_key(|(class, count)| (**count, usize::MAX - class))?;
    (*most > 0).then_some(class as u8)
}
