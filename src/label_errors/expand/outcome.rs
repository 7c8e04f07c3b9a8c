//! What was found.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::shared::Shared;
use crate::seed::Seed;

/// What the flags are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// They follow a rule.
    Pattern,
    /// They share something, but whether further rows are wrong cannot be told.
    Shared,
    /// They follow no rule that could be found: they look like independent slips.
    IndependentSlips,
    /// They look like a random sample of rows: no rule sets them apart, and models do not doubt them more than others.
    RandomSample,
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
    /// The rule without conditions on columns that say nearly what the label says, where it has such: the rows among which the errors lie,
    /// whatever their label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Class that rows are wrongly recorded as; absent where it is several.
    pub recorded_as: Option<u8>,
    /// Class that most of them should have.
    pub truly: Option<u8>,
    /// Flagged rows that follow it.
    pub flags: usize,
    /// Rows that meet the conditions, whatever their label.
    pub region_rows: usize,
    /// Rows that meet the conditions and are recorded so, flagged ones included.
    pub rows: usize,
    /// Estimated number of wrong rows among them.
    pub estimated_wrong: f64,
    /// Interval of that number (95 %), where other values of the rule's columns show how far models are off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong_range: Option<(f64, f64)>,
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
    /// The part of the time that the flags lie in, in words, where the errors run on beyond it: it is no condition of the rule then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flags_within: Option<String>,
    /// Of rows that nobody checked, where [`super::ExpandOptions::checked`] says which were: how many meet it and are recorded so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unchecked: Option<Unchecked>,
}

/// Rows that follow a rule and that nobody checked.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Unchecked {
    /// How many.
    pub rows: usize,
    /// So many of them at least are recorded so beyond what models expect that saw none of them (95 %).
    pub wrong_low: f64,
    /// At most.
    pub wrong_high: f64,
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
    /// What the flags share: single values and ranges first, then pairs.
    #[serde(default)]
    pub shared: Vec<Shared>,
    /// A condition that all flags meet, which somebody may have checked alone: [`super::ExpandOptions::checked`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corner: Option<String>,
    /// The rules, in the order in which they were found.
    pub rules: Vec<PatternRule>,
    /// Rows like the flagged ones, by ascending row; never a flagged row.
    pub pattern: Vec<Proposal>,
    /// Flagged rows that follow a rule, with their likeliest class, by ascending row.
    pub explained: Vec<Proposal>,
    /// Rows that meet a rule and are recorded as it says, but are not sure enough to be proposed, by ascending row; never a flagged row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubtful: Vec<Proposal>,
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

/// Chance of being wrong from which a doubtful row is listed.
const LISTED_FROM: f64 = 0.1;

impl Expansion {
    /// Doubtful rows that are listed as such: with a chance of a tenth or more, and not listed already because they contradict something.
    pub fn listed_doubtful(&self) -> Vec<Proposal> {
        let listed = |proposal: &&Proposal| proposal.score >= LISTED_FROM && !self.contradicts(proposal.row);
        self.doubtful.iter().filter(listed).copied().collect()
    }

    /// Whether a row is listed for contradicting something.
    pub fn contradicts(&self, row: u32) -> bool {
        self.contradictions.binary_search_by_key(&row, |proposal| proposal.row).is_ok()
    }

    /// Why a flagged row is what it is, in words: the rule that it follows, else the first thing that it shares with other flagged rows.
    pub fn why_flagged(&self, row: u32) -> String {
        let explained = self.explained.binary_search_by_key(&row, |proposal| proposal.row).ok();
        let rule = explained.and_then(|place| self.rules.get(self.explained[place].rule));
        let shared = self.shared.iter().find(|shared| shared.members.binary_search(&row).is_ok());
        match (rule, shared) {
            (Some(rule), _) => rule.conditions.clone(),
            (None, Some(shared)) => format!(
                "shares {} with {} of {} flagged rows",
                shared.conditions, shared.flags, shared.flagged
            ),
            (None, None) => String::new(),
        }
    }

    /// Positions of the rows proposed as a pattern, ascending.
    pub fn pattern_rows(&self) -> Vec<u32> {
        self.pattern.iter().map(|proposal| proposal.row).collect()
    }

    /// Rows of the pattern and below the cut, each taken with its chance of being wrong, by ascending row. Learned as their likeliest
    /// class, they leave the labels of a rule's rows on average as they would be in the clean sheet, as far as the chances are right.
    pub fn drawn(&self, seed: Seed) -> Vec<Proposal> {
        let mut random = seed.stream("drawn-proposals", 0);
        let mut all: Vec<Proposal> = self.pattern.iter().chain(&self.doubtful).copied().collect();
        all.sort_by_key(|proposal| proposal.row);
        all.retain(|proposal| random.random_bool(proposal.score.clamp(0.0, 1.0)));
        all
    }
}
