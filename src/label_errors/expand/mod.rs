//! Finding the rest: from a few flagged rows to the rule that they follow, and the other rows that follow it.
//!
//! 1. Cross-fitted models, trained without the flagged rows, say what each row's label should be.
//! 2. A search over conjunctions of conditions on the sheet's columns looks for a rule that gathers the flags far more than slips
//!    would (`search`). What slips would do is known: a slip that books b hits any row of another class, so flags would be spread as
//!    the rows of the other classes are. Where no rule earns its cost, there is no pattern and nothing is proposed as one.
//! 3. A model that never saw the rules' regions says what should be there; a mixture fitted to the observed labels of each region says
//!    how many of its rows are wrong and which (`mixture`).
//! 4. Rows that contradict the rest of their group, or a near copy of the label, are listed apart (`contradictions`).
//!
//! No clean label comes in, and nothing is built in about columns or patterns.

mod columns;
mod contradictions;
mod mixture;
mod search;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::out_of_fold::Subject;
use crate::error::{Error, Result};
use crate::features::Prepared;
use crate::nn::Recipe;
use crate::progress::Progress;
use crate::seed::Seed;
use crate::tables::Table;
use columns::Column;
use search::{Condition, Evidence, Found};

/// What to look for.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpandOptions {
    /// Chance of a rule coming up although the errors follow none.
    pub significance: f64,
    /// Share of right rows among the proposed ones that is put up with: the cut is raised until the expected precision is above one
    /// minus this, as long as that keeps most of the wrong rows.
    pub precision: f64,
    /// Most rules.
    pub most_rules: usize,
    /// Folds of the cross-fitted models.
    pub folds: usize,
}

impl Default for ExpandOptions {
    fn default() -> Self {
        Self {
            significance: 0.01,
            precision: 0.93,
            most_rules: 6,
            folds: 3,
        }
    }
}

/// What is needed to find the rest.
pub struct ExpandRequest<'a> {
    /// The sheet.
    pub table: &'a Table,
    /// The same sheet, made ready for training.
    pub prepared: &'a Prepared,
    /// Observed labels of the training rows, as the model was trained with them.
    pub labels: &'a [u8],
    /// Positions of the flagged rows among the training rows.
    pub flagged: &'a [u32],
    /// Hidden layers of the models for a second opinion: those of the model.
    pub hidden: &'a [usize],
    /// How they are trained.
    pub recipe: &'a Recipe,
    /// What to look for.
    pub options: &'a ExpandOptions,
    /// Run seed.
    pub seed: Seed,
    /// Cores to use.
    pub threads: usize,
}

/// What the flags are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// They follow a rule.
    Pattern,
    /// They follow no rule that could be found: they look like independent slips.
    IndependentSlips,
    /// There are too few to tell.
    TooFewFlags,
}

/// A further row that is probably wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Position among the training rows.
    pub row: u32,
    /// Estimated chance that its label is wrong.
    pub score: f64,
    /// The likeliest other class.
    pub likeliest: u8,
    /// Index of the rule (for a pattern) or of the contradiction.
    pub rule: usize,
}

/// A rule that flagged rows follow. Counts are of training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatternRule {
    /// The conditions in words.
    pub conditions: String,
    /// The whole rule as a sentence.
    pub words: String,
    /// The conditions as a rule that `recant inject` reads, where they can be written so.
    pub rule: Option<String>,
    /// Class that rows are wrongly booked as; absent where it is several.
    pub booked_as: Option<u8>,
    /// Class that most of them should have.
    pub truly: Option<u8>,
    /// Flagged rows that follow it.
    pub flags: usize,
    /// Rows that meet the conditions, whatever their label.
    pub region_rows: usize,
    /// Rows that meet the conditions and are booked so, flagged ones included.
    pub rows: usize,
    /// Estimated number of wrong rows among them.
    pub estimated_wrong: f64,
    /// Rows proposed by it.
    pub proposed: usize,
    /// Estimated share of wrong rows among the proposed.
    pub expected_precision: Option<f64>,
    /// Least chance of being wrong that a proposed row has.
    pub cut: f64,
    /// Share of its flagged rows that the cut would have found.
    pub flags_above_cut: f64,
    /// Evidence for the rule beyond its cost, in nats.
    pub evidence: f64,
    /// Log-likelihood that the region's labels gain by some of them being wrong, in nats.
    pub label_evidence: f64,
}

/// Something that rows contradict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contradiction {
    /// The column that they contradict.
    pub column: String,
    /// What they contradict, as a sentence.
    pub words: String,
    /// Rows that do.
    pub rows: usize,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expansion {
    /// What the flags are.
    pub verdict: Verdict,
    /// The same in a sentence or two.
    pub sentence: String,
    /// The rules, in the order in which they were found.
    pub rules: Vec<PatternRule>,
    /// Rows like the flagged ones, by ascending row; never a flagged row.
    pub pattern: Vec<Proposal>,
    /// Flagged rows that follow a rule, with their likeliest class, by ascending row.
    pub explained: Vec<Proposal>,
    /// What rows contradict.
    pub contradicted: Vec<Contradiction>,
    /// Rows that contradict something, by ascending row; neither flagged rows nor rows of a pattern.
    pub contradictions: Vec<Proposal>,
    /// Estimated share of wrong rows among all rows proposed as a pattern; absent where there are none.
    pub expected_precision: Option<f64>,
    /// Columns that were looked at.
    pub columns_used: Vec<String>,
    /// Flagged training rows.
    pub flagged: usize,
    /// Training rows.
    pub training_rows: usize,
}

impl Expansion {
    /// Positions of the rows proposed as a pattern, ascending.
    pub fn pattern_rows(&self) -> Vec<u32> {
        self.pattern.iter().map(|proposal| proposal.row).collect()
    }
}

/// Fewest flags that can show a pattern.
const FEWEST_FLAGS: usize = 3;
/// A region with more than this share of the rows leaves too little to learn from what should be in it.
const LARGEST_REGION: f64 = 0.6;
/// Fewest nats by which the labels of a region must be better explained by wrong rows among them.
const LABEL_EVIDENCE: f64 = 3.0;
/// Share of the wrong rows that a raised cut must still find.
const KEPT_BY_CUT: f64 = 0.6;
/// Models that judge a region together.
const JUDGES: usize = 2;

/// Finds the rows that are wrong in the way the flagged ones are, and those that contradict something.
///
/// # Errors
/// Where positions do not fit, nothing is flagged or more than half of the rows are, training fails, or the person stops it.
pub fn expand(request: &ExpandRequest, progress: &dyn Progress) -> Result<Expansion> {
    let work = Work::new(request)?;
    progress.start("reading columns", 0);
    let columns = columns::columns(request.table, request.prepared)?;
    progress.finish();
    progress.check()?;
    let truth = work.subject().cross_fitted(&work.flagged, request.options.folds.max(2), progress)?;
    progress.check()?;
    progress.start("looking for a pattern", 0);
    let found = if request.flagged.len() < FEWEST_FLAGS {
        Vec::new()
    } else {
        work.rules(&columns, &truth)
    };
    progress.finish();
    let (rules, pattern, explained) = work.judged(&columns, &found, progress)?;
    progress.check()?;
    let mut aside = work.flagged.clone();
    pattern.iter().for_each(|proposal| aside[proposal.row as usize] = true);
    let mut contradicted = Vec::new();
    let given = contradictions::Given {
        labels: request.labels,
        classes: work.classes,
        class_names: work.class_names(),
        groups: request.prepared.train.groups.as_deref(),
        group_name: request.prepared.profile.group.as_deref(),
        truth: &truth,
        aside: &aside,
    };
    let contradictions = contradictions::find(&given, &columns, &mut contradicted);
    let mut expansion = work.conclude(&columns, rules, contradicted);
    expansion.expected_precision =
        (!pattern.is_empty()).then(|| pattern.iter().map(|proposal| proposal.score).sum::<f64>() / pattern.len() as f64);
    expansion.pattern = pattern;
    expansion.explained = explained;
    expansion.contradictions = contradictions;
    Ok(expansion)
}

/// Rules, rows proposed by them, and flagged rows that follow them; rows ascending.
type Judged = (Vec<PatternRule>, Vec<Proposal>, Vec<Proposal>);

/// A rule with the rows that meet its conditions.
struct Region {
    found: Found,
    booked_as: Option<u8>,
    rows: Vec<usize>,
}

struct Work<'a> {
    request: &'a ExpandRequest<'a>,
    classes: usize,
    flagged: Vec<bool>,
    /// The flagged rows, ascending, each once.
    flags: Vec<u32>,
}

impl<'a> Work<'a> {
    fn new(request: &'a ExpandRequest<'a>) -> Result<Self> {
        let rows = request.labels.len();
        if rows != request.prepared.train.len() {
            return Err(Error::internal(format!("{rows} labels for {} rows", request.prepared.train.len())));
        }
        let flags: BTreeSet<u32> = request.flagged.iter().copied().collect();
        if flags.is_empty() {
            return Err(Error::input("no training row is flagged, so there is nothing to start from")
                .hint("`recant suspects SHEET --model MODEL --out FILE` ranks likely label errors without any flags"));
        }
        if let Some(beyond) = flags.iter().find(|row| **row as usize >= rows) {
            return Err(Error::internal(format!("flagged row {beyond} of {rows}")));
        }
        if flags.len() * 2 > rows {
            return Err(Error::input(format!(
                "{} of the {rows} training rows are flagged: with more than half of them wrong, the others are no yardstick",
                flags.len()
            ))
            .hint("flag only rows that are known to be wrong, or correct the sheet and train anew"));
        }
        let mut flagged = vec![false; rows];
        flags.iter().for_each(|row| flagged[*row as usize] = true);
        Ok(Self {
            request,
            classes: request.prepared.profile.label.classes().len(),
            flagged,
            flags: flags.into_iter().collect(),
        })
    }

    fn class_names(&self) -> &'a [String] {
        self.request.prepared.profile.label.classes()
    }

    fn subject(&self) -> Subject<'a> {
        let request = self.request;
        Subject {
            inputs: &request.prepared.train.inputs,
            width: request.prepared.features.width(),
            labels: request.labels,
            groups: request.prepared.train.groups.as_deref(),
            classes: self.classes,
            hidden: request.hidden,
            recipe: request.recipe,
            seed: request.seed,
            threads: request.threads,
        }
    }

    /// Rules that gather the flags, one after the other: each on the flags that the earlier ones leave.
    fn rules(&self, columns: &[Column], truth: &[f32]) -> Vec<Region> {
        let mut left: Vec<u32> = self.flags.clone();
        let mut found = Vec::new();
        let enough = (1.0 / self.request.options.significance.clamp(1e-12, 1.0)).ln();
        while found.len() < self.request.options.most_rules && left.len() >= FEWEST_FLAGS {
            let Some(region) = self
                .best_rule(columns, truth, &left, !found.is_empty())
                .filter(|region| region.found.gain >= enough)
            else {
                break;
            };
            let mut inside = vec![false; self.flagged.len()];
            region.rows.iter().for_each(|row| inside[*row] = true);
            let follows =
                |row: u32| inside[row as usize] && region.booked_as.is_none_or(|class| self.request.labels[row as usize] == class);
            let before = left.len();
            left.retain(|row| !follows(*row));
            if before - left.len() < FEWEST_FLAGS {
                break;
            }
            found.push(region);
        }
        found
    }

    /// The best rule for any one booked class, or for all of them together. `doubted`: what a first rule leaves over may be false flags, and
    /// those lie where right rows of their class lie.
    fn best_rule(&self, columns: &[Column], truth: &[f32], left: &[u32], doubted: bool) -> Option<Region> {
        let mut by_class = vec![Vec::new(); self.classes];
        left.iter()
            .for_each(|row| by_class[usize::from(self.request.labels[*row as usize])].push(*row));
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
        if present > 1 {
            let if_false = doubted.then_some(&together_if_false[..]);
            consider(search::search(&self.evidence(columns, &together, if_false, left)), None);
        }
        let (found, booked_as) = best?;
        let rows = (0..self.flagged.len())
            .filter(|row| meets(&found.conditions, columns, *row))
            .collect();
        Some(Region { found, booked_as, rows })
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
        let of_class = |label: &u8| usize::from(*label) == class;
        let count = self.request.labels.iter().filter(|label| of_class(label)).count().max(1) as f64;
        let chance = |label: &u8| if of_class(label) { 1.0 / count } else { 0.0 };
        self.request.labels.iter().map(chance).collect()
    }

    /// For every row the chance that it is the next one to be booked as `class` by a slip: rows of the true class a are hit alike, and
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
        (0..rows)
            .map(|row| {
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
            .collect()
    }

    /// Judges each rule's region by models that saw none of them, and cuts: the rules, what they propose, and the flagged rows that
    /// follow them.
    fn judged(&self, columns: &[Column], found: &[Region], progress: &dyn Progress) -> Result<Judged> {
        let rows = self.flagged.len();
        let usable: Vec<&Region> = found
            .iter()
            .filter(|region| (region.rows.len() as f64) < LARGEST_REGION * rows as f64)
            .collect();
        let mut inside = vec![false; rows];
        usable
            .iter()
            .for_each(|region| region.rows.iter().for_each(|row| inside[*row] = true));
        let wanted: Vec<usize> = (0..rows).filter(|row| inside[*row]).collect();
        if wanted.is_empty() {
            return Ok(Judged::default());
        }
        let kept_out: Vec<bool> = (0..rows).map(|row| inside[row] || self.flagged[row]).collect();
        let said = self.subject().left_out(&kept_out, &wanted, JUDGES, progress)?;
        let mut truth: Vec<f64> = said.iter().map(|said| f64::from(*said)).collect();
        self.weigh_in_near_copy(columns, &kept_out, &wanted, &mut truth);
        let mut rules = Vec::new();
        let mut best: BTreeMap<u32, Proposal> = BTreeMap::new();
        for region in usable {
            if let Some((rule, proposals)) = self.cut(columns, region, &wanted, &truth, rules.len()) {
                rules.push(rule);
                for proposal in proposals {
                    let better = best.get(&proposal.row).is_none_or(|other| other.score < proposal.score);
                    if better {
                        best.insert(proposal.row, proposal);
                    }
                }
            }
        }
        let (explained, pattern) = best.into_values().partition(|proposal| self.flagged[proposal.row as usize]);
        Ok((rules, pattern, explained))
    }

    /// Bayes' rule with the column, outside the model's inputs, that tells most about the label: a near copy of it, say.
    fn weigh_in_near_copy(&self, columns: &[Column], kept_out: &[bool], wanted: &[usize], truth: &mut [f64]) {
        let classes = self.classes;
        let inputs = self.request.prepared.features.source_columns();
        let mut base = vec![0.5_f64; classes];
        (0..kept_out.len())
            .filter(|row| !kept_out[*row])
            .for_each(|row| base[usize::from(self.request.labels[row])] += 1.0);
        let uncertainty = entropy(&base);
        let mut best: Option<(f64, &Column, Vec<f64>)> = None;
        for column in columns {
            let few = column.bin_count() <= 60 && !inputs.contains(&column.name.as_str());
            if !few || matches!(column.taken, columns::Taken::Period) {
                continue;
            }
            let values = column.bin_count() + 1;
            let mut counts = vec![0.5_f64; values * classes];
            for row in (0..kept_out.len()).filter(|row| !kept_out[*row]) {
                counts[usize::from(column.codes[row]) * classes + usize::from(self.request.labels[row])] += 1.0;
            }
            let all: f64 = counts.iter().sum();
            let left: f64 = counts
                .chunks(classes)
                .map(|counts| counts.iter().sum::<f64>() / all * entropy(counts))
                .sum();
            let told = 1.0 - left / uncertainty.max(1e-12);
            if told >= 0.25 && best.as_ref().is_none_or(|(most, _, _)| told > *most) {
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
    fn cut(
        &self,
        columns: &[Column],
        region: &Region,
        wanted: &[usize],
        truth: &[f64],
        number: usize,
    ) -> Option<(PatternRule, Vec<Proposal>)> {
        let classes = self.classes;
        let place = |row: usize| wanted.binary_search(&row).unwrap_or_default();
        let labels: Vec<u8> = region.rows.iter().map(|row| self.request.labels[*row]).collect();
        let flagged: Vec<bool> = region.rows.iter().map(|row| self.flagged[*row]).collect();
        let said: Vec<f64> = region
            .rows
            .iter()
            .flat_map(|row| truth[place(*row) * classes..(place(*row) + 1) * classes].iter().copied())
            .collect();
        let mixture = mixture::fit(&mixture::Region {
            truth: &said,
            labels: &labels,
            flagged: &flagged,
            booked_as: region.booked_as,
            classes,
            columns: columns
                .iter()
                .map(|column| {
                    let codes = region.rows.iter().map(|row| column.codes[*row]).collect();
                    (codes, column.bin_count() + 1)
                })
                .collect(),
        });
        if mixture.gain < LABEL_EVIDENCE {
            return None;
        }
        let booked: Vec<usize> = (0..region.rows.len())
            .filter(|index| region.booked_as.is_none_or(|class| labels[*index] == class))
            .collect();
        let mut open: Vec<usize> = booked.iter().copied().filter(|index| !flagged[*index]).collect();
        open.sort_by(|a, b| mixture.wrong[*b].total_cmp(&mixture.wrong[*a]).then(a.cmp(b)));
        let estimated: f64 = open.iter().map(|index| mixture.wrong[*index]).sum();
        let likely = open.iter().take_while(|index| mixture.wrong[**index] >= 0.5).count();
        let taken = self.raised(&open[..likely], &mixture.wrong, estimated);
        let chosen = &open[..taken];
        let cut = chosen.last().map_or(0.5, |index| mixture.wrong[*index]);
        let flags: Vec<usize> = booked.iter().copied().filter(|index| flagged[*index]).collect();
        let above = flags.iter().filter(|index| mixture.wrong[**index] >= cut.min(0.5)).count();
        let mean = |rows: &[usize]| rows.iter().map(|index| mixture.wrong[*index]).sum::<f64>() / rows.len().max(1) as f64;
        let truly = most_frequent(chosen.iter().chain(&flags).map(|index| mixture.likeliest[*index]), classes);
        let mut rule = PatternRule {
            conditions: words::conditions(&region.found.conditions, columns),
            words: String::new(),
            rule: words::as_rule(&region.found.conditions, columns),
            booked_as: region.booked_as,
            truly,
            flags: flags.len(),
            region_rows: region.rows.len(),
            rows: booked.len(),
            estimated_wrong: estimated + flags.len() as f64,
            proposed: chosen.len(),
            expected_precision: (!chosen.is_empty()).then(|| mean(chosen)),
            cut,
            flags_above_cut: above as f64 / flags.len().max(1) as f64,
            evidence: region.found.gain,
            label_evidence: mixture.gain,
        };
        rule.words = self.sentence(&rule);
        let proposals = chosen.iter().chain(&flags).map(|index| Proposal {
            row: region.rows[*index] as u32,
            score: mixture.wrong[*index],
            likeliest: mixture.likeliest[*index],
            rule: number,
        });
        Some((rule, proposals.collect()))
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

    fn sentence(&self, rule: &PatternRule) -> String {
        let names = self.class_names();
        let share = rule.flags as f64 / self.flags.len() as f64 * 100.0;
        let booked = match (rule.booked_as, rule.truly) {
            (Some(booked), Some(truly)) => format!(
                ", booked {} though the model without them says {}",
                names[usize::from(booked)],
                names[usize::from(truly)]
            ),
            (Some(booked), None) => format!(", booked {}", names[usize::from(booked)]),
            (None, _) => ", booked otherwise than the model without them says".to_owned(),
        };
        let more = match rule.proposed {
            0 => "no further row like these".to_owned(),
            1 => "1 more row like these".to_owned(),
            several => format!("{} more rows like these", grouped(several)),
        };
        format!("{share:.0} % of the flagged rows: {}{booked}; {more}", rule.conditions)
    }

    /// What was found, still without rows.
    fn conclude(&self, columns: &[Column], rules: Vec<PatternRule>, contradicted: Vec<Contradiction>) -> Expansion {
        let flagged = self.flags.len();
        let (verdict, sentence) = if flagged < FEWEST_FLAGS {
            let rows = if flagged == 1 { "row says" } else { "rows say" };
            let sentence = format!("{flagged} flagged {rows} nothing about others: at least {FEWEST_FLAGS} are needed to see a pattern");
            (Verdict::TooFewFlags, sentence)
        } else if rules.is_empty() {
            let sentence = format!(
                "no pattern: these {} flagged rows look like independent slips, so no further row is proposed for being like them",
                grouped(flagged)
            );
            (Verdict::IndependentSlips, sentence)
        } else {
            let told: Vec<&str> = rules.iter().map(|rule| rule.words.as_str()).collect();
            (Verdict::Pattern, told.join(". "))
        };
        let mut columns_used: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        columns_used.extend(self.request.prepared.features.source_columns().into_iter().map(str::to_owned));
        let mut seen = BTreeSet::new();
        columns_used.retain(|name| seen.insert(name.clone()));
        Expansion {
            verdict,
            sentence,
            rules,
            pattern: Vec::new(),
            explained: Vec::new(),
            contradicted,
            contradictions: Vec::new(),
            expected_precision: None,
            columns_used,
            flagged,
            training_rows: self.flagged.len(),
        }
    }
}

fn meets(conditions: &[Condition], columns: &[Column], row: usize) -> bool {
    conditions
        .iter()
        .all(|condition| condition.test.holds(columns[condition.column].codes[row]))
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

/// A count with thousands separators.
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
