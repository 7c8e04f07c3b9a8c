//! From a comparison to what may be said.

use super::compare::Unjudged;
use super::record::{Comparison, EvaluationSettings, Interval, Recommendation, Verdict};
use super::words::{count, p_value, percent, points, signed_points};
use crate::error::Result;
use crate::stats::holm;

/// Corrects the p-values of one family of comparisons (the methods of a job on the same rows) by Holm and says what may be said.
///
/// Better or worse needs both a corrected p-value below the level and a difference of at least the minimum effect;
/// everything else is "no change detected". With a group column the p-value is the group-wise one, because rows of one
/// group (the items of an order) are not independent.
///
/// # Errors
/// Only if a p-value is none, which [`super::compare`] does not produce.
pub fn judge(comparisons: Vec<Unjudged>, settings: &EvaluationSettings) -> Result<Vec<Comparison>> {
    let raw: Vec<f64> = comparisons.iter().map(|unjudged| unjudged.raw_p).collect();
    let corrected = holm(&raw)?;
    let family = comparisons.len();
    Ok(comparisons
        .into_iter()
        .zip(corrected)
        .map(|(unjudged, p_holm)| {
            let Unjudged {
                set,
                raw_p,
                mut comparison,
            } = unjudged;
            comparison.p_holm = p_holm;
            let difference = comparison.difference.estimate;
            let significant = p_holm < settings.significance;
            comparison.verdict = match () {
                () if significant && difference >= settings.minimum_effect && difference > 0.0 => Verdict::Better,
                () if significant && -difference >= settings.minimum_effect && difference < 0.0 => Verdict::Worse,
                () => Verdict::NoChangeDetected,
            };
            comparison.sentence = Sentence {
                rows: set.words(),
                raw_p,
                family,
                settings,
                comparison: &comparison,
            }
            .write();
            comparison
        })
        .collect())
}

/// What a verdict sentence is made from.
struct Sentence<'a> {
    rows: &'a str,
    raw_p: f64,
    family: usize,
    settings: &'a EvaluationSettings,
    comparison: &'a Comparison,
}

impl Sentence<'_> {
    fn write(&self) -> String {
        let Comparison {
            before, after, mcnemar, ..
        } = self.comparison;
        let rows = count(self.comparison.rows);
        let name = self.rows;
        if mcnemar.fixed + mcnemar.broken == 0 {
            let accuracy = percent(after.accuracy.estimate, 1);
            return format!(
                "No change detected: none of the {rows} {name} went from wrong to right or from right to wrong (accuracy {accuracy})."
            );
        }
        let interval = self.interval();
        let decimals = self.decimals(interval.estimate);
        let start = percent(before.accuracy.estimate, decimals);
        let end = percent(after.accuracy.estimate, decimals);
        let moved = match interval.estimate {
            gain if gain > 0.0 => format!("rose from {start} to {end}"),
            loss if loss < 0.0 => format!("fell from {start} to {end}"),
            _ => format!("stayed at {end}"),
        };
        let title = match self.comparison.verdict {
            Verdict::Better => "Better",
            Verdict::Worse => "Worse",
            Verdict::NoChangeDetected => "No change detected",
        };
        let by_group = match (&self.comparison.difference_by_group, &self.settings.group_column) {
            (Some(_), Some(column)) => format!(" by \"{column}\""),
            (Some(_), None) => " by group".to_owned(),
            (None, _) => String::new(),
        };
        format!(
            "{title}: accuracy on the same {rows} {name} {moved} ({} points, 95 % interval{by_group} {} to {}; {} fixed, {} broken; {}){}.",
            signed_points(interval.estimate, decimals),
            signed_points(interval.low, decimals),
            signed_points(interval.high, decimals),
            super::words::count_of(mcnemar.fixed, "row"),
            count(mcnemar.broken),
            self.p(),
            self.ending(interval),
        )
    }

    /// The interval that goes with the p-value the verdict uses.
    fn interval(&self) -> Interval {
        self.comparison.difference_by_group.unwrap_or(self.comparison.difference)
    }

    fn p(&self) -> String {
        let p = p_value(self.comparison.p_holm, self.settings.significance);
        match self.family {
            0 | 1 => p,
            family => format!("{p} after correction for {family} methods"),
        }
    }

    /// Enough decimals to see the difference and on which side of the minimum effect it lies.
    fn decimals(&self, difference: f64) -> usize {
        let size = difference.abs();
        let start = match size {
            size if size >= 0.01 => 1,
            size if size >= 0.000_1 || size == 0.0 => 2,
            _ => 3,
        };
        let least = self.settings.minimum_effect;
        let tells = |decimals: &usize| {
            let scale = 10_f64.powi(*decimals as i32);
            let shown = (size * 100.0 * scale).round() / scale;
            (shown >= least * 100.0 - 1e-12) == (size >= least)
        };
        (start..=6).find(tells).unwrap_or(6)
    }

    /// What the figures in brackets mean, where that is not plain from the title.
    fn ending(&self, interval: Interval) -> String {
        let least = self.settings.minimum_effect;
        let level = self.settings.significance;
        let size = points(least);
        let p = self.comparison.p_holm;
        match self.comparison.verdict {
            Verdict::Better if interval.low < least => {
                format!("; the true gain may be smaller than the {size} points that count as a change")
            }
            Verdict::Worse if -interval.high < least => {
                format!("; the true loss may be smaller than the {size} points that count as a change")
            }
            Verdict::Better | Verdict::Worse => String::new(),
            Verdict::NoChangeDetected if p < level => {
                format!("; the difference is real but smaller than the {size} points that count as a change")
            }
            Verdict::NoChangeDetected if self.raw_p < level => format!(
                "; alone this method would pass ({}), but {} were tried on the same rows",
                p_value(self.raw_p, level),
                self.family
            ),
            Verdict::NoChangeDetected if self.comparison.group_p.is_some() && self.comparison.mcnemar.p < level => {
                "; row by row this looks like more than chance, but rows of one group are not independent".to_owned()
            }
            Verdict::NoChangeDetected if least > 0.0 && interval.low > -least && interval.high < least => {
                format!("; any change is smaller than the {size} points that count")
            }
            Verdict::NoChangeDetected if interval.estimate.abs() >= least && interval.estimate != 0.0 => {
                "; a difference of this size can be chance on so few changed rows".to_owned()
            }
            Verdict::NoChangeDetected => format!("; a change of {size} points or more is neither shown nor ruled out"),
        }
    }
}

/// What `all` recommends: among the methods that are better on the validation rows, the one with the highest accuracy there (the
/// first on ties). Test rows play no part.
///
/// Each method comes with its name and its comparison on validation rows, in the order in which they ran.
pub fn recommend(methods: &[(&str, Option<&Comparison>)]) -> Recommendation {
    let judged: Vec<(&str, &Comparison)> = methods
        .iter()
        .filter_map(|(name, comparison)| comparison.map(|c| (*name, c)))
        .collect();
    if judged.is_empty() {
        return Recommendation {
            method: None,
            reason: "No recommendation: the model was trained on every row before the test period, so there are no validation rows to choose by, \
                     and test rows are never used to choose."
                .to_owned(),
        };
    }
    let best = judged.iter().filter(|(_, comparison)| comparison.verdict == Verdict::Better).fold(
        None::<(&str, &Comparison)>,
        |best, &(name, comparison)| match best {
            Some((_, leader)) if leader.after.accuracy.estimate >= comparison.after.accuracy.estimate => best,
            _ => Some((name, comparison)),
        },
    );
    match best {
        Some((name, comparison)) => Recommendation {
            method: Some(name.to_owned()),
            reason: format!(
                "{name} had the highest accuracy of the methods that were better on validation rows. {}",
                comparison.sentence
            ),
        },
        None => {
            let tried = judged.len();
            let none = if tried == 1 {
                format!("{} was not better than the old model", judged[0].0)
            } else {
                format!("none of the {tried} methods was better than the old model")
            };
            Recommendation {
                method: None,
                reason: format!(
                    "No recommendation: {none} on the {} validation rows, so keep the old model.",
                    count(judged[0].1.rows)
                ),
            }
        }
    }
}
