//! From a comparison to what may be said.

use super::compare::{Unjudged, Wording};
use super::record::{Comparison, EvaluationSettings, Interval, Measured, Verdict};
use super::words::{count, count_of, decimals_for_shares, p_value, percent, points, signed_points};
use crate::error::Result;
use crate::stats::holm;

/// Corrects the p-values of one family of comparisons (the methods of a job on the same rows) by Holm and says what may be said.
///
/// Better or worse needs a corrected p-value below the level, an interval without zero, and a difference (as measured) of at least the
/// minimum effect; everything else is "no change detected". With a group column the p-value is the group-wise one, because rows of one
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
                wording,
                raw_p,
                mut comparison,
            } = unjudged;
            comparison.p_holm = p_holm;
            comparison.verdict = verdict_of(p_holm, comparison.counted_interval(), settings);
            comparison.sentence = Sentence {
                wording: &wording,
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

/// What a corrected p-value and the interval that goes with it allow to say.
pub(super) fn verdict_of(p: f64, interval: Interval, settings: &EvaluationSettings) -> Verdict {
    let least = settings.minimum_effect;
    match interval {
        _ if p >= settings.significance => Verdict::NoChangeDetected,
        Interval { estimate, low, .. } if low > 0.0 && estimate >= least => Verdict::Better,
        Interval { estimate, high, .. } if high < 0.0 && -estimate >= least => Verdict::Worse,
        _ => Verdict::NoChangeDetected,
    }
}

/// A measure other than accuracy as in "recall of "late" rose from 18.4 % to 25.0 %".
pub(super) fn moved_in_words(measured: &Measured, decimals: usize) -> String {
    let Some(values) = measured.values else {
        return format!("{} cannot be told from these rows", measured.words);
    };
    let show = |value: f64| match measured.dearest {
        Some(_) => amount(value),
        None => percent(value, decimals),
    };
    match values.after - values.before {
        0.0 => format!("{} stayed at {}", measured.words, show(values.after)),
        change => {
            let how = if change > 0.0 { "rose" } else { "fell" };
            format!("{} {how} from {} to {}", measured.words, show(values.before), show(values.after))
        }
    }
}

/// The same of two models, as in "recall of "late" 25.0 % against 18.4 %".
fn against_in_words(measured: &Measured, decimals: usize) -> String {
    let Some(values) = measured.values else {
        return format!("{} cannot be told from these rows", measured.words);
    };
    let show = |value: f64| match measured.dearest {
        Some(_) => amount(value),
        None => percent(value, decimals),
    };
    format!("{} {} against {}", measured.words, show(values.after), show(values.before))
}

/// Its gain with the interval: in points, or in what a prediction saves.
pub(super) fn gain_in_words(measured: &Measured, by_group: &str, decimals: usize) -> String {
    let Interval { estimate, low, high } = measured.gain;
    match measured.dearest {
        Some(dearest) => format!(
            "{} saved a prediction, 95 % interval{by_group} {} to {}",
            amount(estimate * dearest),
            amount(low * dearest),
            amount(high * dearest)
        ),
        None => format!(
            "{} points, 95 % interval{by_group} {} to {}",
            signed_points(estimate, decimals),
            signed_points(low, decimals),
            signed_points(high, decimals)
        ),
    }
}

/// A cost with four significant digits.
fn amount(value: f64) -> String {
    let whole = value.abs().log10().floor();
    let decimals = if whole.is_finite() {
        (3.0 - whole).clamp(0.0, 9.0) as usize
    } else {
        0
    };
    format!("{value:.decimals$}")
}

/// What a verdict sentence is made from.
struct Sentence<'a> {
    wording: &'a Wording,
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
        let interval = self.interval();
        let (start, end) = (before.accuracy.estimate, after.accuracy.estimate);
        let (start, end) = match self.comparison.measured.as_ref().and_then(|measured| measured.values) {
            Some(values) if self.comparison.measured.as_ref().is_some_and(|measured| measured.dearest.is_none()) => {
                (values.before, values.after)
            }
            _ => (start, end),
        };
        let decimals = decimals_for_shares(start, end, interval.estimate, self.settings.minimum_effect);
        let rows = format!("{} {}", count(self.comparison.rows), self.wording.rows());
        let measured = self.comparison.measured.as_ref();
        if mcnemar.fixed + mcnemar.broken == 0 && measured.is_none_or(|measured| measured.gain.estimate == 0.0) {
            let accuracy = percent(end, 1);
            return match self.wording {
                Wording::Repair(_) => {
                    format!("No change detected: none of the {rows} went from wrong to right or from right to wrong (accuracy {accuracy}).")
                }
                Wording::Against(_, other) => {
                    format!("Not better than {other}: right and wrong on exactly the same of the {rows} (accuracy {accuracy}).")
                }
            };
        }
        let (start, end) = (percent(start, decimals), percent(end, decimals));
        let opening = match (self.wording, self.comparison.verdict) {
            (Wording::Repair(_), verdict) => {
                let title = match verdict {
                    Verdict::Better => "Better",
                    Verdict::Worse => "Worse",
                    Verdict::NoChangeDetected | Verdict::CannotBeJudged => "No change detected",
                };
                if let Some(measured) = measured {
                    let moved = moved_in_words(measured, decimals);
                    return format!(
                        "{title}: on the same {rows} {moved} ({}){}.",
                        self.figures(interval, decimals),
                        self.ending(interval)
                    );
                }
                let moved = match interval.estimate {
                    gain if gain > 0.0 => format!("rose from {start} to {end}"),
                    loss if loss < 0.0 => format!("fell from {start} to {end}"),
                    _ => format!("stayed at {end}"),
                };
                format!("{title}: accuracy on the same {rows} {moved}")
            }
            (Wording::Against(_, other), verdict) => {
                let title = match verdict {
                    Verdict::Better => "Better than",
                    Verdict::Worse => "Worse than",
                    Verdict::NoChangeDetected | Verdict::CannotBeJudged => "Cannot be told apart from",
                };
                match measured {
                    Some(measured) => {
                        let against = against_in_words(measured, decimals);
                        return format!(
                            "{title} {other}: on the same {rows} {against} ({}){}.",
                            self.figures(interval, decimals),
                            self.ending(interval)
                        );
                    }
                    None => format!("{title} {other}: {end} against {start} of the same {rows} right"),
                }
            }
        };
        format!("{opening} ({}){}.", self.figures(interval, decimals), self.ending(interval))
    }

    /// Difference, interval, changed rows and p-value.
    fn figures(&self, interval: Interval, decimals: usize) -> String {
        let by_group = match (&self.comparison.difference_by_group, &self.settings.group_column) {
            (Some(_), Some(column)) => format!(" by \"{column}\""),
            (Some(_), None) => " by group".to_owned(),
            (None, _) => String::new(),
        };
        let changed = match self.wording {
            Wording::Repair(_) => {
                let fixed = count_of(self.comparison.mcnemar.fixed, "row");
                format!(" {fixed} fixed, {} broken;", count(self.comparison.mcnemar.broken))
            }
            Wording::Against(..) => String::new(),
        };
        let p = p_value(self.comparison.p_holm, self.settings.significance);
        let corrected = match (self.wording, self.family) {
            (_, 0 | 1) => String::new(),
            (Wording::Repair(_), family) => format!(" after correction for {family} methods"),
            (Wording::Against(..), family) => format!(" after correction for {family} comparisons"),
        };
        if let Some(measured) = &self.comparison.measured {
            let accuracy = self.comparison.main_interval().estimate;
            return format!(
                "{};{changed} accuracy {} points; {p}{corrected}",
                gain_in_words(measured, &by_group, decimals),
                signed_points(accuracy, decimals)
            );
        }
        format!(
            "{} points, 95 % interval{by_group} {} to {};{changed} {p}{corrected}",
            signed_points(interval.estimate, decimals),
            signed_points(interval.low, decimals),
            signed_points(interval.high, decimals),
        )
    }

    /// The interval that goes with the p-value the verdict uses.
    fn interval(&self) -> Interval {
        self.comparison.counted_interval()
    }

    /// What the figures in brackets mean, where that is not plain from the title.
    fn ending(&self, interval: Interval) -> String {
        let least = self.settings.minimum_effect;
        let level = self.settings.significance;
        let size = points(least);
        let p = self.comparison.p_holm;
        match self.comparison.verdict {
            Verdict::Better if interval.low < least => format!("; the true gain may be smaller than the {size} points that count"),
            Verdict::Worse if -interval.high < least => format!("; the true loss may be smaller than the {size} points that count"),
            Verdict::Better | Verdict::Worse | Verdict::CannotBeJudged => String::new(),
            Verdict::NoChangeDetected if p < level && interval.low > -least && interval.high < least => {
                format!("; the difference is real but smaller than the {size} points that count")
            }
            Verdict::NoChangeDetected if p < level && interval.estimate.abs() >= least => {
                "; the test alone would call this more than chance, but the interval reaches zero".to_owned()
            }
            Verdict::NoChangeDetected if p < level => {
                format!("; the difference is real, but as measured it is smaller than the {size} points that count")
            }
            Verdict::NoChangeDetected if self.raw_p < level => format!(
                "; it would pass if it were the only one ({}), but {} were tried on the same rows",
                p_value(self.raw_p, level),
                self.family
            ),
            Verdict::NoChangeDetected if self.comparison.group_p.is_some() && self.comparison.mcnemar.p < level => {
                "; row by row this looks like more than chance, but rows of one group are not independent".to_owned()
            }
            Verdict::NoChangeDetected if least > 0.0 && interval.low > -least && interval.high < least => {
                format!("; any difference is smaller than the {size} points that count")
            }
            Verdict::NoChangeDetected if interval.estimate.abs() >= least && interval.estimate != 0.0 => {
                "; a difference of this size can be chance on so few rows that differ".to_owned()
            }
            Verdict::NoChangeDetected => format!("; a difference of {size} points or more is neither shown nor ruled out"),
        }
    }
}
