//! What was found beyond the flags.

use serde::{Deserialize, Serialize};

use super::FlaggedRow;

/// What was found beyond the flags.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpansionRecord {
    /// The finding in a sentence or two.
    pub sentence: String,
    /// What the flagged rows share: single values and ranges first, then pairs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<ExpansionShare>,
    /// The rules, in the order in which they were found.
    pub rules: Vec<ExpansionRule>,
    /// Estimated share of wrong rows among the proposed; absent where there are none.
    pub expected_precision: Option<f64>,
    /// Rows that contradict the rest of their group or a proxy of the label; the repair left them alone.
    pub contradictions: usize,
    /// Rows proposed for being like the flagged ones.
    pub proposed: usize,
    /// Rows that follow a rule but are not sure enough to be proposed.
    pub doubtful: usize,
    /// How many of those were taken as wrong.
    pub doubtful_taken: usize,
    /// Each row that was taken as wrong beside the flagged ones, with its chance of being wrong; the class it was trained as (where a
    /// method trains on it) as its correction.
    pub rows: Vec<FlaggedRow>,
}

/// A value, range or pair of such in which flagged rows are over-represented. Counts are of training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpansionShare {
    /// The condition in words, columns in backticks.
    pub conditions: String,
    /// Flagged rows in it.
    pub flags: usize,
    /// All flagged rows.
    pub flagged: usize,
    /// Rows in it.
    pub rows: usize,
    /// All rows.
    pub of_rows: usize,
    /// Share of the flagged rows over the share of all rows.
    pub lift: f64,
    /// Chance of this many flags in it if they were spread at random, corrected for everything tried.
    pub p: f64,
    /// Whether slips on rows of these classes would lie there too.
    pub as_slips_would: bool,
}

/// A rule that flagged rows follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpansionRule {
    /// Its conditions in words, columns in backticks.
    pub conditions: String,
    /// Flagged rows that follow it.
    pub flags: usize,
    /// Training rows that follow it, flagged ones included.
    pub rows: usize,
    /// Estimated number of wrong rows among them.
    pub estimated_wrong: f64,
    /// Rows proposed by it.
    pub proposed: usize,
    /// Estimated share of wrong rows among the proposed.
    pub expected_precision: Option<f64>,
}
