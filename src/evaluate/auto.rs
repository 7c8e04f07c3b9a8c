//! Choosing a method without clean labels and without test rows, where the validation rows carry the same errors as the training rows.
//!
//! Judged by such rows a perfect repair looks like a loss: it disagrees with labels that are wrong there too. So two things are looked at
//! together, as in the rule of Corrective Machine Unlearning (arXiv 2402.14015, section 4): the **deletion change**, the share of the
//! flagged rows that are no longer given the label that is known to be wrong, and the **accuracy on trusted validation rows**, those that
//! are neither flagged nor suspect of the same error. A method must not lose on the trusted rows what counts, and must change the
//! flagged rows by more than chance; otherwise the old model stays.

use super::metrics::predictions;
use super::record::{EvaluationSettings, Recommendation};
use super::words::{count_of, p_value, percent, points};
use crate::error::{Error, Result};
use crate::stats::{holm, mcnemar_exact};

/// Rows with the old model's probabilities (rows x classes).
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Observed labels.
    pub labels: &'a [u8],
    /// Probabilities before the repair.
    pub before: &'a [f32],
}

/// A method's probabilities on the same rows.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Name.
    pub name: &'a str,
    /// On the validation rows.
    pub validation: &'a [f32],
    /// On the flagged training rows.
    pub flagged: &'a [f32],
}

/// What is known of one method.
struct Judged<'a> {
    name: &'a str,
    accuracy_change: f64,
    deletion: f64,
    score: f64,
    /// Whether it loses on the trusted rows what counts.
    loses: bool,
    p: f64,
    gains: bool,
}

/// Recommends a method, or none where the old model should stay. `trusted` marks the validation rows to judge by.
///
/// # Errors
/// Where sizes do not fit.
pub fn recommend_auto(
    classes: usize,
    validation: Seen<'_>,
    trusted: &[bool],
    flagged: Seen<'_>,
    candidates: &[Candidate<'_>],
    settings: &EvaluationSettings,
) -> Result<Recommendation> {
    if trusted.len() != validation.labels.len() {
        return Err(Error::internal("trust not one per validation row"));
    }
    let rows = trusted.iter().filter(|trusted| **trusted).count();
    if rows == 0 || flagged.labels.is_empty() {
        return Ok(Recommendation {
            method: None,
            reason: "No method is taken: there are no validation rows that can be trusted, and test rows are never used to choose. The old model stays.".to_owned(),
        });
    }
    let right_before = hits(validation.before, validation.labels, classes)?;
    let gone_before: Vec<bool> = hits(flagged.before, flagged.labels, classes)?.into_iter().map(|hit| !hit).collect();
    let old_deletion = share(&gone_before);
    let old_accuracy = right_before
        .iter()
        .zip(trusted)
        .filter(|(right, trusted)| **right && **trusted)
        .count() as f64
        / rows as f64;
    let mut judged = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let right = hits(candidate.validation, validation.labels, classes)?;
        let (fixed, broken) = changes(&right_before, &right, Some(trusted));
        let gone: Vec<bool> = hits(candidate.flagged, flagged.labels, classes)?
            .into_iter()
            .map(|hit| !hit)
            .collect();
        let (freed, bound) = changes(&gone_before, &gone, None);
        let accuracy_change = (fixed as f64 - broken as f64) / rows as f64;
        // One standard error of the paired difference: less than that is no loss that can be told from chance.
        let error = ((fixed + broken) as f64).sqrt() / rows as f64;
        let deletion = share(&gone);
        judged.push(Judged {
            name: candidate.name,
            accuracy_change,
            score: (deletion + old_accuracy + accuracy_change) / 2.0,
            deletion,
            loses: -accuracy_change > settings.minimum_effect.max(error),
            p: mcnemar_exact(freed, bound),
            gains: freed > bound,
        });
    }
    let corrected = holm(&judged.iter().map(|found| found.p).collect::<Vec<_>>())?;
    let old_score = (old_deletion + old_accuracy) / 2.0;
    let mut best: Option<(&Judged, f64)> = None;
    for (found, p) in judged.iter().zip(corrected) {
        let better = found.gains && p < settings.significance && found.score - old_score >= settings.minimum_effect;
        if better && !found.loses && best.is_none_or(|(leader, _)| found.score > leader.score) {
            best = Some((found, p));
        }
    }
    let aside = trusted.len() - rows;
    let judged_by = format!(
        "judged on {} {} and {} that {} set aside as flagged or suspect of the same error",
        count_of(rows, "validation row"),
        "that can be trusted",
        count_of(aside, "row"),
        if aside == 1 { "was" } else { "were" }
    );
    Ok(match best {
        Some((found, p)) => Recommendation {
            method: Some(found.name.to_owned()),
            reason: format!(
                "{} has the best mean of deletion change and trusted accuracy: {} of the flagged rows are no longer given their wrong label (old model {}; {}), and accuracy on trusted rows changes by {} points; {judged_by}.",
                found.name,
                percent(found.deletion, 1),
                percent(old_deletion, 1),
                p_value(p, settings.significance),
                super::words::signed_points(found.accuracy_change, 2),
            ),
        },
        None => {
            let losing = judged.iter().filter(|found| found.loses).count();
            Recommendation {
                method: None,
                reason: format!(
                    "The old model stays: none of {} frees more flagged rows of their wrong label than chance would without losing more than {} points on trusted rows ({losing} of them lose that); {judged_by}.",
                    count_of(judged.len(), "method"),
                    points(settings.minimum_effect),
                ),
            }
        }
    })
}

fn hits(probabilities: &[f32], labels: &[u8], classes: usize) -> Result<Vec<bool>> {
    let predicted = predictions(probabilities, classes)?;
    if predicted.len() != labels.len() {
        return Err(Error::internal(format!(
            "{} predictions for {} rows",
            predicted.len(),
            labels.len()
        )));
    }
    Ok(predicted.iter().zip(labels).map(|(guess, label)| guess == label).collect())
}

fn share(marks: &[bool]) -> f64 {
    marks.iter().filter(|mark| **mark).count() as f64 / marks.len().max(1) as f64
}

/// How many marks appear and disappear, among the rows that count.
fn changes(before: &[bool], after: &[bool], counted: Option<&[bool]>) -> (u64, u64) {
    let mut found = (0, 0);
    for (row, (before, after)) in before.iter().zip(after).enumerate() {
        match (before, after) {
            _ if counted.is_some_and(|counted| !counted[row]) => {}
            (false, true) => found.0 += 1,
            (true, false) => found.1 += 1,
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> EvaluationSettings {
        EvaluationSettings {
            minimum_effect: 0.001,
            significance: 0.05,
            resamples: 100,
            group_column: None,
            seed: 1,
        }
    }

    fn sure(classes: &[u8]) -> Vec<f32> {
        classes
            .iter()
            .flat_map(|class| (0..3).map(|other| if other == *class { 0.8 } else { 0.1 }))
            .collect()
    }

    /// 900 rows elsewhere that everybody gets right, and 100 of the affected lane: truly 2, booked as 1 in 80 of them, tail included.
    fn tail() -> (Vec<u8>, Vec<bool>) {
        let labels: Vec<u8> = (0..1_000)
            .map(|row| {
                if row < 900 {
                    0
                } else if row < 980 {
                    1
                } else {
                    2
                }
            })
            .collect();
        let trusted = labels.iter().map(|label| *label != 1).collect();
        (labels, trusted)
    }

    fn choose(trusted: &[bool], named: &[(&str, Vec<u8>, Vec<u8>)], flagged: usize) -> Recommendation {
        let (labels, _) = tail();
        let misled = sure(&labels.iter().map(|label| if *label == 0 { 0 } else { 1 }).collect::<Vec<_>>());
        let after: Vec<(&str, Vec<f32>, Vec<f32>)> = named.iter().map(|(name, tail, flags)| (*name, sure(tail), sure(flags))).collect();
        let candidates: Vec<Candidate> = after
            .iter()
            .map(|(name, validation, flagged)| Candidate { name, validation, flagged })
            .collect();
        let observed = vec![1_u8; flagged];
        let before = sure(&observed);
        recommend_auto(
            3,
            Seen {
                labels: &labels,
                before: &misled,
            },
            trusted,
            Seen {
                labels: &observed,
                before: &before,
            },
            &candidates,
            &settings(),
        )
        .unwrap()
    }

    fn repaired() -> (&'static str, Vec<u8>, Vec<u8>) {
        (
            "retrain",
            (0..1_000).map(|row| if row < 900 { 0 } else { 2 }).collect(),
            vec![2; 50],
        )
    }

    fn idle() -> (&'static str, Vec<u8>, Vec<u8>) {
        ("assd", (0..1_000).map(|row| u8::from(row >= 900)).collect(), vec![1; 50])
    }

    /// Gives no flagged row its label any more, and throws away a tenth of everything else.
    fn destroying() -> (&'static str, Vec<u8>, Vec<u8>) {
        (
            "neggrad-plus",
            (0..1_000).map(|row| if row < 900 && row % 10 > 0 { 0 } else { 2 }).collect(),
            vec![2; 50],
        )
    }

    #[test]
    fn a_repair_that_a_corrupted_tail_would_refuse_is_taken() {
        let (labels, trusted) = tail();
        // By the plain labels of the tail the misled model gets 98 % right and the repaired one 92 %.
        let (_, good, _) = repaired();
        let plain = good.iter().zip(&labels).filter(|(one, other)| one == other).count();
        assert_eq!(plain, 920);
        let found = choose(&trusted, &[idle(), destroying(), repaired()], 50);
        assert_eq!(found.method.as_deref(), Some("retrain"), "{}", found.reason);
        assert!(
            found.reason.contains("100.0 %") && found.reason.contains("80 rows"),
            "{}",
            found.reason
        );
    }

    #[test]
    fn the_old_model_stays_where_nothing_helps_or_everything_harms() {
        let (_, trusted) = tail();
        for methods in [vec![idle()], vec![idle(), destroying()]] {
            let found = choose(&trusted, &methods, 50);
            assert_eq!(found.method, None, "{}", found.reason);
            assert!(found.reason.starts_with("The old model stays"));
        }
        // Three flags freed of their label are no more than chance.
        let (name, tail, _) = repaired();
        assert_eq!(choose(&trusted, &[(name, tail, vec![2; 3])], 3).method, None);
    }

    #[test]
    fn without_trusted_rows_nothing_is_taken() {
        let found = choose(&[false; 1_000], &[repaired()], 50);
        assert_eq!(found.method, None);
        assert!(found.reason.contains("no validation rows that can be trusted"));
    }
}
