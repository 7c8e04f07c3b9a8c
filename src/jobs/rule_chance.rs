//! What the rules of a search tell of rows that nobody flagged: whether most flags follow one, and how often labels that follow it are wrong.

use crate::evaluate::Chance;
use crate::label_errors::Expansion;

/// Standard error of the search's estimate of a rule's wrong share: by simulation on made-up orders it is off by 0.11 (root mean square).
const ERROR_OF_CHANCE: f64 = 0.12;

/// How often labels that follow a rule are wrong: in the training rows as the search estimated it, in others by how many of them there are.
///
/// Of the rows of the rule's region some have its label rightly; the share of these is known from the training rows. As many are expected
/// among the rows to judge by, and what is there beyond is wrong: where the error stopped before their time, that is nobody.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RuleChance {
    /// Rows of the region with the rule's label rightly, as a share of the region's training rows.
    rightly: f64,
    /// Standard error of that share.
    error: f64,
    /// Chance of being wrong among the training rows that follow the rule.
    in_training: f64,
}

impl RuleChance {
    /// From counts of training rows: in the region, with the rule's label, and estimated to be wrong.
    pub(super) fn of(region: usize, labelled: usize, wrong: f64) -> Self {
        let (region, labelled) = (region.max(1) as f64, labelled as f64);
        let wrong = wrong.clamp(0.0, labelled);
        let rightly = ((labelled - wrong) / region).clamp(0.0, 1.0);
        let sampling = rightly * (1.0 - rightly) / region;
        let estimation = ERROR_OF_CHANCE * labelled / region;
        Self {
            rightly,
            error: (sampling + estimation * estimation).sqrt(),
            in_training: wrong / labelled.max(1.0),
        }
    }

    /// Among the rows to judge by, of which this many lie in the region, this many of these have the rule's label, and this many of those are flagged:
    /// the chance of the others.
    pub(super) fn among(self, region: usize, labelled: usize, flagged: usize) -> Chance {
        let region = region as f64;
        let wrong = (labelled as f64 - region * self.rightly).min(labelled as f64 * self.in_training) - flagged as f64;
        let labelled = labelled.saturating_sub(flagged).max(1) as f64;
        let drawn = region * self.rightly * (1.0 - self.rightly);
        let known = region * self.error;
        Chance {
            // Never more than in training: what else makes a label common is no error.
            of: (wrong / labelled).clamp(0.0, 1.0),
            error: ((drawn + known * known).sqrt() / labelled).max(ERROR_OF_CHANCE),
        }
    }
}

/// Whether further rows that follow the rules may be wrong like the flagged ones for all that the flags tell: most of them follow one. That flags
/// bear each rule out the search has tested.
pub fn flags_follow(found: &Expansion) -> bool {
    let explained: usize = found.rules.iter().map(|rule| rule.flags).sum();
    !found.rules.is_empty() && 2 * explained >= found.flagged
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a search found from 200 flags among 4,000 rows: one rule of 800 rows that this many flags follow.
    fn found(flags: usize) -> Expansion {
        serde_json::from_value(serde_json::json!({
            "verdict": "pattern", "sentence": "", "pattern": [], "explained": [], "contradicted": [], "contradictions": [],
            "expected_precision": null, "columns_used": [], "flagged": 200, "training_rows": 4_000,
            "rules": [{
                "conditions": "`Market` = LATAM", "words": "", "rule": null, "recorded_as": 1, "truly": 2, "flags": flags, "region_rows": 1_000,
                "rows": 800, "estimated_wrong": 500.0, "proposed": 300, "expected_precision": null, "cut": 0.5, "flags_above_cut": 0.9,
                "evidence": 50.0, "label_evidence": 900.0,
            }],
        }))
        .unwrap()
    }

    #[test]
    fn flags_of_which_most_lie_elsewhere_follow_no_rule_however_sure_the_search_is() {
        assert!(!flags_follow(&found(80)));
        assert!(flags_follow(&found(190)));
    }

    #[test]
    fn where_an_error_stopped_the_rows_to_judge_by_are_not_doubted() {
        // Of 1,000 training rows of a lane 700 are recorded as on time, 500 of them wrongly.
        let rule = RuleChance::of(1_000, 700, 500.0);
        assert!((rule.in_training - 500.0 / 700.0).abs() < 1e-12 && (rule.rightly - 0.2).abs() < 1e-12);
        let runs_on = rule.among(100, 70, 0);
        assert!(
            (runs_on.of - 50.0 / 70.0).abs() < 1e-12 && (0.09..0.2).contains(&runs_on.error),
            "{runs_on:?}"
        );
        let stopped = rule.among(100, 20, 0);
        assert!(stopped.of.abs() < 1e-12 && stopped.error > 0.2, "{stopped:?}");
        // More than in training is taken for something else than the error.
        assert!((rule.among(100, 95, 0).of - rule.in_training).abs() < 1e-12);
        // Ten of the fifty wrong ones are flagged: forty are left among sixty.
        assert!((rule.among(100, 70, 10).of - 40.0 / 60.0).abs() < 1e-12);
        assert_eq!(rule.among(0, 0, 0).of, 0.0);
    }
}
