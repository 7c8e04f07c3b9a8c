//! What may be said of all test rows.

use serde::{Deserialize, Serialize};

use super::{Interval, Verdict};

/// What may be said of all test rows, where the labels of some do not hold. Counts are of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WholeRecord {
    /// All of them.
    pub rows: usize,
    /// That can be trusted.
    pub trusted: usize,
    /// In the region of the pattern with a label that it does not give.
    pub beside_pattern: usize,
    /// Flagged, without a right label.
    pub known_wrong: usize,
    /// In the pattern, with the label that it gives.
    pub doubtful: usize,
    /// On which the change depends on a label that is not known.
    pub open: usize,
    /// Change over all rows, in the measure that counts, with every open row taken against the repair.
    pub worst: Interval,
    /// The same with every open row taken for it.
    pub best: Interval,
    /// Expected change over the doubtful rows, each weighed by its chance of being wrong; absent where the chances are not known.
    pub estimate: Option<Interval>,
    /// Change over all rows with each doubtful row weighed by its chance of being wrong, and its uncertainty; rows without a known chance are
    /// taken against the repair in the lower limit, and for it in the upper one. Absent where no chance is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_chance: Option<Interval>,
    /// Whether the verdict rests on that, because the bounds allow none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rests_on_chances: bool,
    /// Better or worse, where the verdict is that it cannot be judged and yet nine tenths of what the chances allow lie on that side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leans: Option<Verdict>,
    /// The verdict that holds at both bounds; else the one by the chances.
    pub verdict: Verdict,
    /// The verdict as a sentence with its figures.
    pub sentence: String,
}
