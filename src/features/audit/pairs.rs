//! Two columns whose difference is the label, or what it is made from: a shipping date and an order date, say.

use super::rule::{self, Halves, Score};
use super::{CERTAIN, COPY, Finding, Judged, LeakKind, Subject, percent};
use crate::features::words;
use crate::tables::ColumnKind;

/// Rows that pairs are tried on; more would cost time and change no verdict.
const SAMPLE: usize = 6_000;
/// Most columns of a kind that are paired with each other.
const COLUMNS: usize = 60;

/// A column as a number per row, in days for dates.
struct Side<'a> {
    judged: &'a Judged,
    values: Vec<Option<f64>>,
}

/// All pairs of dates and all pairs of numbers whose difference gives the label away although neither does alone.
pub fn findings(subject: &Subject, judged: &[Judged], sources: &[(String, Vec<Option<f64>>)], known: &[String]) -> Vec<Finding> {
    let step = subject.labels.len().div_ceil(SAMPLE).max(1);
    let rows: Vec<usize> = (0..subject.labels.len()).step_by(step).collect();
    let sample = Sample {
        labels: rows.iter().map(|row| subject.labels[*row]).collect(),
        halves: subject.halves.at(&rows),
        classes: subject.classes(),
        sources: sources
            .iter()
            .map(|(name, values)| (name.as_str(), rows.iter().map(|row| values[*row]).collect()))
            .collect(),
    };
    let mut found = Vec::new();
    for kind in [ColumnKind::Date, ColumnKind::Number] {
        let sides: Vec<Side> = judged
            .iter()
            .filter(|column| column.look.kind == kind && column.look.distinct() > 1 && !known.contains(&column.column))
            .take(COLUMNS)
            .map(|judged| Side {
                judged,
                values: rows.iter().map(|row| value(judged, *row)).collect(),
            })
            .collect();
        for (index, first) in sides.iter().enumerate() {
            for second in &sides[index + 1..] {
                if let Some((evidence, score)) = sample.evidence(first, second) {
                    for (culprit, partner) in culprits(subject, first, second) {
                        let evidence = format!("its difference to `{}` {evidence}", partner.judged.column);
                        let mut finding = subject.finding(culprit.judged, LeakKind::Pair, true, evidence);
                        finding.accuracy = Some(score.accuracy);
                        finding.majority = Some(score.majority);
                        found.push(finding);
                    }
                }
            }
        }
    }
    // One finding a column: the first pair that convicts it.
    let mut kept: Vec<Finding> = Vec::new();
    for finding in found {
        if !kept.iter().any(|other| other.column == finding.column) {
            kept.push(finding);
        }
    }
    kept
}

struct Sample<'a> {
    labels: Vec<u8>,
    halves: Halves,
    classes: usize,
    sources: Vec<(&'a str, Vec<Option<f64>>)>,
}

impl Sample<'_> {
    fn evidence(&self, first: &Side, second: &Side) -> Option<(String, Score)> {
        let whole_days = first.judged.look.kind == ColumnKind::Date;
        let pairs = || first.values.iter().zip(&second.values);
        let difference: Vec<Option<f64>> = pairs().map(|(a, b)| Some((*a)? - (*b)?)).collect();
        let by_day: Vec<Option<f64>> = if whole_days {
            pairs().map(|(a, b)| Some(a.as_ref()?.floor() - b.as_ref()?.floor())).collect()
        } else {
            difference.clone()
        };
        let score = || rule::by_number(&by_day, &self.labels, self.classes, &self.halves);
        for (name, source) in &self.sources {
            for values in [&difference, &by_day] {
                let turned: Vec<Option<f64>> = values.iter().map(|value| value.map(|value| -value)).collect();
                if let Some(share) = equal_share(values, source).or_else(|| equal_share(&turned, source)) {
                    let days = if whole_days { " in days" } else { "" };
                    return Some((
                        format!("{days} equals {name} in {} of the rows", percent(share))
                            .trim_start()
                            .to_owned(),
                        score(),
                    ));
                }
            }
        }
        let score = score();
        let best = score.avoided().max(score.best_class().map_or(0.0, |(_, avoided)| avoided));
        let alone = |side: &Side| {
            let score = &side.judged.score;
            score.avoided().max(score.best_class().map_or(0.0, |(_, avoided)| avoided))
        };
        if best < CERTAIN || alone(first).max(alone(second)) > best - 0.2 {
            return None;
        }
        let evidence = format!(
            "names the class of {} of held-out rows ({} by always saying the most frequent class)",
            percent(score.accuracy),
            percent(score.majority)
        );
        Some((evidence, score))
    }
}

/// Which of the two is to blame: the one that is known only afterwards; never the time column or a plan; else both.
fn culprits<'a>(subject: &Subject, first: &'a Side<'a>, second: &'a Side<'a>) -> Vec<(&'a Side<'a>, &'a Side<'a>)> {
    let innocent = |side: &Side| {
        let name = &side.judged.column;
        subject.time.as_ref() == Some(name) || words::names_plan(name) || words::names_start(name)
    };
    let after = |side: &Side| words::after_the_fact(&side.judged.column).is_some();
    match (innocent(first), innocent(second), after(first), after(second)) {
        (true, false, ..) => vec![(second, first)],
        (false, true, ..) => vec![(first, second)],
        (_, _, false, true) => vec![(second, first)],
        (_, _, true, false) => vec![(first, second)],
        _ => vec![(first, second), (second, first)],
    }
}

fn value(judged: &Judged, row: usize) -> Option<f64> {
    match (&judged.look.numbers, &judged.look.dates) {
        (Some(numbers), _) => numbers[row],
        (_, Some(dates)) => dates[row].map(|seconds| seconds as f64 / 86_400.0),
        _ => None,
    }
}

/// The share of equal values among rows that have both, if it makes a copy and the values vary.
pub fn equal_share(values: &[Option<f64>], source: &[Option<f64>]) -> Option<f64> {
    let (mut both, mut equal) = (0_usize, 0_usize);
    let mut first = None;
    let mut varies = false;
    for (value, source) in values.iter().zip(source) {
        if let (Some(value), Some(source)) = (value, source) {
            both += 1;
            equal += usize::from((value - source).abs() <= 1e-6 * source.abs().max(1.0));
            varies |= *first.get_or_insert(*source) != *source;
        }
    }
    let share = equal as f64 / both.max(1) as f64;
    (varies && both * 2 >= values.len() && share >= COPY).then_some(share)
}
