//! Finding the rest: from a few flagged rows to the rule that they follow, and the other rows that follow it.
//!
//! 1. Cross-fitted models, trained without the flagged rows, say what each row's label should be.
//! 2. A search over conjunctions of conditions on the sheet's columns looks for a rule that gathers the flags far more than slips
//!    would (`search`). What slips would do is known: a slip that books b hits any row of another class, so flags would be spread as
//!    the rows of the other classes are. Where no rule earns its cost, there is no pattern and nothing is proposed as one.
//!    Bounds in time are taken away again where they are those of whoever looked and the errors run on (`reach`).
//! 3. A model that never saw the rules' regions says what should be there; a mixture fitted to the observed labels of each region says
//!    how many of its rows are wrong and which (`mixture`).
//! 4. Rows that contradict the rest of their group, or a proxy of the label, are listed apart (`contradictions`).
//!
//! No clean label comes in, and nothing is built in about columns or patterns.

mod contradictions;
mod judge;
mod mixture;
mod outcome;
mod random;
mod reach;
mod rules;
mod sample;
mod search;
pub(super) mod shared;
mod siblings;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use super::columns::{self, Column};
use super::out_of_fold::Subject;
use crate::error::{Error, Result};
use crate::features::Prepared;
use crate::nn::Recipe;
use crate::notes::Notes;
use crate::progress::Progress;
use crate::seed::Seed;
use crate::stats::wilson;
use crate::tables::{Rule, Table};
pub use outcome::{Contradiction, Expansion, PatternRule, Proposal, Unchecked, Verdict};
use random::Doubted;
pub(super) use search::{Condition, Test};
pub use shared::Shared;
pub(super) use words::conditions;

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
    /// The rows that somebody looked at for errors, where these are not all: flags elsewhere could not be.
    pub checked: Option<Rule>,
}

impl Default for ExpandOptions {
    fn default() -> Self {
        Self {
            significance: 0.01,
            precision: 0.93,
            most_rules: 6,
            folds: 3,
            checked: None,
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
    /// Correct labels of flagged rows, where the person gave them.
    pub corrections: &'a BTreeMap<u32, u8>,
    /// Hidden layers of the models for a second opinion: those of the model.
    pub hidden: &'a [usize],
    /// How they are trained.
    pub recipe: &'a Recipe,
    /// Probabilities (rows x classes) by models that did not see the row, where the person has them, in place of cross-fitted ones.
    pub said: Option<&'a [f32]>,
    /// What to look for.
    pub options: &'a ExpandOptions,
    /// Run seed.
    pub seed: Seed,
    /// Cores to use.
    pub threads: usize,
}

/// Standard errors of an interval of 95 %.
const NORMAL_95: f64 = 1.96;
/// Fewest flags that can show a pattern.
const FEWEST_FLAGS: usize = 3;
/// Fewest flags, all in one corner, from which somebody may have looked only there.
const FEWEST_FOR_A_CORNER: usize = 8;

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
    let truth = match request.said {
        Some(said) => said.to_vec(),
        None => work.subject().cross_fitted(&work.flagged, request.options.folds.max(2), progress)?,
    };
    progress.check()?;
    progress.start("looking for a pattern", 0);
    let (shared, found) = if work.flags.len() < FEWEST_FLAGS {
        (Vec::new(), Vec::new())
    } else {
        (work.shared(&columns, &truth), work.rules(&columns, &truth))
    };
    progress.finish();
    let found = work.over_all_times(&columns, found, progress)?;
    let judged = work.judged(&columns, &found, &truth, progress)?;
    progress.check()?;
    let pattern = judged.pattern;
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
    let doubted = work.doubted(&truth).filter(|_| work.flags.len() >= FEWEST_FLAGS);
    let mut expansion = work.conclude(&columns, judged.rules, shared, doubted, contradicted);
    expansion.expected_precision =
        (!pattern.is_empty()).then(|| pattern.iter().map(|proposal| proposal.score).sum::<f64>() / pattern.len() as f64);
    expansion.pattern = pattern;
    expansion.explained = judged.explained;
    expansion.doubtful = judged.doubtful;
    expansion.contradictions = contradictions;
    Ok(expansion)
}

struct Work<'a> {
    request: &'a ExpandRequest<'a>,
    classes: usize,
    flagged: Vec<bool>,
    /// The flagged rows, ascending, each once.
    flags: Vec<u32>,
    /// By row whether somebody looked at it for errors: all where nothing is said of it.
    checked: Vec<bool>,
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
            .hint("flag only rows that are known to be wrong, or correct the sheet and train again"));
        }
        let mut flagged = vec![false; rows];
        flags.iter().for_each(|row| flagged[*row as usize] = true);
        let checked = checked_rows(request, &flagged)?;
        Ok(Self {
            checked,
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

    /// `elsewhere`: rows that it proposes as well but that another rule is surer of. `complete`: whether the list of flags seems to be.
    fn sentence(&self, rule: &PatternRule, elsewhere: usize, complete: bool) -> String {
        let names = self.class_names();
        let share = rule.flags as f64 / self.flags.len() as f64 * 100.0;
        let recorded = match (rule.recorded_as, rule.truly) {
            (Some(recorded), Some(truly)) => format!(
                ", recorded {} though the model without them says {}",
                names[usize::from(recorded)],
                names[usize::from(truly)]
            ),
            (Some(recorded), None) => format!(", recorded {}", names[usize::from(recorded)]),
            (None, _) => ", recorded otherwise than the model without them says".to_owned(),
        };
        let others = rule.rows - rule.flags;
        let more = match rule.proposed {
            0 if elsewhere > 0 => format!("{} rows like these, all proposed by another rule", grouped(elsewhere)),
            0 if others == 0 => "no further row meets it".to_owned(),
            0 if complete && rule.estimated_wrong - rule.flags as f64 >= 1.0 => format!(
                "of the {} other rows that meet it about {} look wrong, and none is proposed: where most of the flags lie, no further row looks wrong, so \
                 the list may well be complete",
                grouped(others),
                grouped((rule.estimated_wrong - rule.flags as f64).round() as usize)
            ),
            0 if rule.estimated_wrong - rule.flags as f64 >= 1.0 => format!(
                "of the {} other rows that meet it about {} are wrong, but which cannot be told",
                grouped(others),
                grouped((rule.estimated_wrong - rule.flags as f64).round() as usize)
            ),
            0 => format!("of the {} other rows that meet it none looks wrong", grouped(others)),
            1 => "1 more row like these".to_owned(),
            several => format!("{} more rows like these", grouped(several)),
        };
        let beside = rule.unchecked.map(|unchecked| {
            format!(
                "; {} rows that nobody checked are recorded so too: by what models expect there, {} to {} of them are wrong (95 %)",
                grouped(unchecked.rows),
                grouped(unchecked.wrong_low.round() as usize),
                grouped(unchecked.wrong_high.round() as usize)
            )
        });
        let within = rule.flags_within.as_ref().map(|within| {
            format!("; the flags lie at {within}, and rows of other times are recorded so no less often than there, so the error is taken to run on")
        });
        format!(
            "{share:.0} % of the flagged rows: {}{recorded}; {more}{}{}",
            rule.conditions,
            beside.unwrap_or_default(),
            within.unwrap_or_default()
        )
    }

    /// Verdict and sentence where the flags share something and no rule says which further rows are wrong.
    fn share_something(&self, first: &Shared, all: &[Shared]) -> (Verdict, String) {
        let told = |shared: &Shared| {
            format!(
                "{} of these {} flagged rows have {}, where {:.1} % of all rows do ({})",
                grouped(shared.flags),
                grouped(shared.flagged),
                shared.conditions,
                shared.rows as f64 / shared.of_rows.max(1) as f64 * 100.0,
                p_value(shared.p)
            )
        };
        match all.iter().find(|shared| !shared.as_slips_would) {
            Some(beyond) => (
                Verdict::Shared,
                format!(
                    "{}; which further rows are wrong cannot be told from that, nor whether somebody looked only there",
                    told(beyond)
                ),
            ),
            None => (
                Verdict::IndependentSlips,
                format!(
                    "{}; slips on rows of these classes would lie there too, so no further row is proposed",
                    told(first)
                ),
            ),
        }
    }

    /// What follows for rows that nobody checked, if errors are as frequent there as flags are among the checked ones.
    fn elsewhere(&self) -> String {
        let checked = self.checked.iter().filter(|checked| **checked).count();
        let others = self.checked.len() - checked;
        let Ok((low, high)) = wilson(self.flags.len() as u64, checked as u64, 0.95) else {
            return String::new();
        };
        if others == 0 {
            return String::new();
        }
        let of = |share: f64| grouped((share * others as f64).round() as usize);
        format!(
            ". Of the {} checked rows {:.1} % are flagged; if as many are wrong of the {} that nobody checked, {} to {} of those are (95 %), and flags \
             do not tell which",
            grouped(checked),
            self.flags.len() as f64 / checked.max(1) as f64 * 100.0,
            grouped(others),
            of(low),
            of(high)
        )
    }

    /// The rule of a value or range that all flags have, beyond what slips would, and which therefore may be where somebody looked.
    fn corner(&self, shared: &[Shared]) -> Option<String> {
        if self.request.options.checked.is_some() || self.flags.len() < FEWEST_FOR_A_CORNER {
            return None;
        }
        let of_all = |shared: &&Shared| shared.flags == shared.flagged && !shared.as_slips_would;
        shared.iter().find(of_all)?.rule.clone()
    }

    /// What was found, still without rows.
    fn conclude(
        &self,
        columns: &[Column],
        rules: Vec<PatternRule>,
        shared: Vec<Shared>,
        doubted: Option<Doubted>,
        contradicted: Vec<Contradiction>,
    ) -> Expansion {
        let flagged = self.flags.len();
        let at_random = doubted.filter(|doubted| doubted.as_at_random());
        let (verdict, sentence) = if flagged < FEWEST_FLAGS {
            let rows = if flagged == 1 { "row says" } else { "rows say" };
            let sentence = format!("{flagged} flagged {rows} nothing about others: at least {FEWEST_FLAGS} are needed to see a pattern");
            (Verdict::TooFewFlags, sentence)
        } else if let Some(first) = shared.first().filter(|_| rules.is_empty()) {
            self.share_something(first, &shared)
        } else if let Some(doubted) = at_random.filter(|_| rules.is_empty()) {
            (Verdict::RandomSample, self.random_sample(doubted))
        } else if rules.is_empty() {
            let mut sentence = format!(
                "no pattern: these {} flagged rows look like independent slips, so no further row is proposed for being like them",
                grouped(flagged)
            );
            sentence.push_str(&self.elsewhere());
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
            corner: self.corner(&shared),
            shared,
            rules,
            pattern: Vec::new(),
            explained: Vec::new(),
            doubtful: Vec::new(),
            contradicted,
            contradictions: Vec::new(),
            expected_precision: None,
            columns_used,
            flagged,
            training_rows: self.flagged.len(),
        }
    }
}

/// By training row whether somebody looked at it: all where no rule says which. A flagged row was looked at whatever the rule says.
fn checked_rows(request: &ExpandRequest, flagged: &[bool]) -> Result<Vec<bool>> {
    let Some(rule) = &request.options.checked else {
        return Ok(vec![true; flagged.len()]);
    };
    let meets = rule.matches(request.table, &mut Notes::new())?;
    let rows = &request.prepared.train.table_rows;
    let inside: Vec<bool> = rows.iter().map(|row| meets.get(*row) == Some(&true)).collect();
    let hits = inside.iter().zip(flagged).filter(|(inside, flagged)| **inside && **flagged).count();
    if hits == 0 {
        return Err(Error::input(format!(
            "no flagged training row meets `{rule}`, so these are not the rows that were checked"
        ))
        .hint("give `--checked` the rule of the rows that somebody looked at, such as \"Market = LATAM\""));
    }
    Ok(inside.iter().zip(flagged).map(|(inside, flagged)| *inside || *flagged).collect())
}

/// A chance as people read it.
fn p_value(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
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
