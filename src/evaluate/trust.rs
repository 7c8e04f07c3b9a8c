//! Judging a repair on rows some of whose labels are under suspicion.
//!
//! Rows to judge on come from the same people who made the errors. A recorded label under suspicion never counts as the truth: a row that
//! is known to be wrong may be of any other class, a doubtful one of any class at all. So a change in accuracy on all rows is known between
//! two bounds only (partial identification, Manski 2003): each open row taken against the repair, and each taken for it. The verdict on
//! all rows is one that holds at both bounds; where none does, the rows cannot judge.
//!
//! Accuracy and the tables per class are of the trusted rows. A region in which rows are doubtful is left out of those whole, rows with
//! another label too: those that remained would be a selection by label, and flatter a model that always says that label.

use super::by_chance::{Found, Weighed};
use super::compare::{RowSet, Rows, Unjudged, compare, groupwise};
use super::metric::{Metric, Worth};
use super::metrics::{check_labels, predictions};
use super::part::Part;
use super::record::{Comparison, EvaluationSettings, Interval, Verdict, WholeRecord};
use super::verdict::{gain_in_words, judge, moved_in_words, verdict_of};
use super::words::{count, count_of, percent, signed_points};
use crate::error::{Error, Result};
use crate::stats::holm;

/// A chance of being wrong, as estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chance {
    /// The chance.
    pub of: f64,
    /// Its standard error.
    pub error: f64,
}

/// What is known of the label of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing {
    /// Not flagged, outside every found pattern; or corrected, or vouched for by the person.
    Trusted,
    /// In the region of a found pattern, with a label that the pattern does not give: right as far as is known, but no sample of the region.
    BesidePattern,
    /// Flagged, and the right label is not known.
    KnownWrong,
    /// In a found pattern, with the label that it gives.
    Doubtful {
        /// Chance of being wrong, where it could be estimated.
        chance: Option<Chance>,
        /// The class that it then has, where the pattern tells.
        truly: Option<u8>,
    },
}

impl Standing {
    /// Whether the row counts among those that figures are given of.
    pub fn is_trusted(self) -> bool {
        matches!(self, Standing::Trusted)
    }

    /// Whether the recorded label stands.
    pub fn label_holds(self) -> bool {
        matches!(self, Standing::Trusted | Standing::BesidePattern)
    }
}

/// What [`compare_sorted`] finds for one method.
#[derive(Debug, Clone, PartialEq)]
pub struct SortedComparison {
    /// On the trusted rows (all rows where all are trusted); absent where there are none.
    pub trusted: Option<Comparison>,
    /// On all rows by their recorded labels, as if those were right; absent where all rows are trusted.
    pub recorded: Option<Comparison>,
    /// What may be said of all rows; absent where all are trusted, and then the first comparison says it.
    pub whole: Option<WholeRecord>,
}

/// Compares and judges all methods of a job on the same rows, sorted by what is known of their labels. Holm over the methods.
///
/// `before` and every one of `after` are probabilities, rows x classes; `pattern` says in words what the doubtful rows have in common.
///
/// # Errors
/// As [`compare`](super::compare()).
pub fn compare_sorted(
    rows: &Rows,
    standing: &[Standing],
    pattern: Option<&str>,
    before: &[f32],
    after: &[&[f32]],
    settings: &EvaluationSettings,
) -> Result<Vec<SortedComparison>> {
    if standing.len() != rows.labels.len() {
        return Err(Error::internal(format!("{} marks for {} rows", standing.len(), rows.labels.len())));
    }
    let on = |rows: &Rows, before: &[f32], after: &[&[f32]]| -> Result<Vec<Comparison>> {
        let compared = after.iter().map(|after| compare(rows, before, after, settings));
        judge(compared.collect::<Result<Vec<_>>>()?, settings)
    };
    if standing.iter().all(|standing| standing.is_trusted()) {
        let bare = |trusted| SortedComparison {
            trusted: Some(trusted),
            recorded: None,
            whole: None,
        };
        return Ok(on(rows, before, after)?.into_iter().map(bare).collect());
    }
    let recorded = on(rows, before, after)?;
    let trusted = match trusted(rows, standing) {
        Some(part) => {
            let after: Vec<Vec<f32>> = after.iter().map(|after| part.pick(after)).collect();
            let after: Vec<&[f32]> = after.iter().map(Vec::as_slice).collect();
            on(&part.rows(), &part.pick(before), &after)?.into_iter().map(Some).collect()
        }
        None => vec![None; after.len()],
    };
    let wholes = wholes(rows, standing, before, after, settings)?;
    Ok(trusted
        .into_iter()
        .zip(recorded)
        .zip(wholes)
        .map(|((trusted, recorded), mut whole)| {
            whole.sentence = sentence(&whole, trusted.as_ref(), pattern, rows.set, &settings.metric);
            SortedComparison {
                trusted,
                recorded: Some(recorded),
                whole: Some(whole),
            }
        })
        .collect())
}

/// The trusted rows by themselves; `None` where there are none.
fn trusted<'a>(rows: &Rows<'a>, standing: &[Standing]) -> Option<Part<'a>> {
    let set = match rows.set {
        RowSet::Test => RowSet::TrustedTest,
        RowSet::Validation => RowSet::TrustedValidation,
        other => other,
    };
    Part::of(rows, set, |row| standing[row].is_trusted())
}

/// The least and the most that a row can add to the measure that counts, over every class that it may have; in units of `worth`.
pub(super) fn bounds(standing: Standing, label: u8, before: u8, after: u8, classes: usize, worth: &Worth) -> (i64, i64) {
    let change = |truth: u8| worth.change(truth, before, after);
    if before == after {
        return (0, 0);
    }
    if standing.label_holds() {
        return (change(label), change(label));
    }
    let possible = (0..classes as u8).filter(|truth| *truth != label || matches!(standing, Standing::Doubtful { .. }));
    let each = possible.map(change);
    each.fold(None, |range: Option<(i64, i64)>, change| {
        Some(range.map_or((change, change), |(low, high)| (low.min(change), high.max(change))))
    })
    .unwrap_or((0, 0))
}

/// What may be said of all rows, by method; sentences are still empty.
fn wholes(rows: &Rows, standing: &[Standing], before: &[f32], after: &[&[f32]], settings: &EvaluationSettings) -> Result<Vec<WholeRecord>> {
    let classes = rows.classes.len();
    let old = predictions(before, classes)?;
    check_labels(rows.labels, old.len(), classes)?;
    let counted = |wanted: fn(&Standing) -> bool| standing.iter().filter(|standing| wanted(standing)).count();
    let mut found = Vec::with_capacity(after.len());
    let mut raw: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    let mut weighed = Vec::with_capacity(after.len());
    for after in after {
        let new = predictions(after, classes)?;
        check_labels(rows.labels, new.len(), classes)?;
        let worth = settings.metric.worth(rows.labels, &old, &new, rows.classes)?;
        let each: Vec<(i64, i64)> = (0..standing.len())
            .map(|row| bounds(standing[row], rows.labels[row], old[row], new[row], classes, &worth))
            .collect();
        let (low_p, low) = groupwise(rows.groups, &each.iter().map(|(low, _)| *low).collect::<Vec<_>>(), &worth, settings)?;
        let (high_p, high) = groupwise(
            rows.groups,
            &each.iter().map(|(_, high)| *high).collect::<Vec<_>>(),
            &worth,
            settings,
        )?;
        raw[0].push(low_p);
        raw[1].push(high_p);
        // Of accuracy only: what a row is worth to another measure hangs on labels that are not known.
        let by_chance = match settings.metric.is_accuracy() {
            true => Weighed {
                labels: rows.labels,
                standing,
                before: &old,
                after: &new,
                groups: rows.groups,
                classes,
                worth: &worth,
            }
            .changes()?,
            false => None,
        };
        found.push(WholeRecord {
            rows: standing.len(),
            trusted: counted(|standing| standing.is_trusted()),
            beside_pattern: counted(|standing| matches!(standing, Standing::BesidePattern)),
            known_wrong: counted(|standing| matches!(standing, Standing::KnownWrong)),
            doubtful: counted(|standing| matches!(standing, Standing::Doubtful { .. })),
            open: each.iter().filter(|(low, high)| low != high).count(),
            worst: low,
            best: high,
            estimate: estimate(rows.labels, standing, &old, &new).filter(|_| settings.metric.is_accuracy()),
            by_chance: by_chance.map(|[(_, low), (_, high)]| Interval {
                estimate: (low.estimate + high.estimate) / 2.0,
                low: low.low,
                high: high.high,
            }),
            rests_on_chances: false,
            leans: None,
            verdict: Verdict::CannotBeJudged,
            sentence: String::new(),
        });
        weighed.push(by_chance);
    }
    let [low_p, high_p] = [holm(&raw[0])?, holm(&raw[1])?];
    for ((whole, low_p), high_p) in found.iter_mut().zip(low_p).zip(high_p) {
        let verdicts = [verdict_of(low_p, whole.worst, settings), verdict_of(high_p, whole.best, settings)];
        whole.verdict = match verdicts {
            [Verdict::Better, _] => Verdict::Better,
            [_, Verdict::Worse] => Verdict::Worse,
            [Verdict::NoChangeDetected, Verdict::NoChangeDetected] => Verdict::NoChangeDetected,
            _ => Verdict::CannotBeJudged,
        };
    }
    judge_by_chances(&mut found, &weighed, settings)?;
    for whole in &mut found {
        whole.leans = leaning(whole, settings.minimum_effect);
    }
    Ok(found)
}

/// What the estimate by chances speaks for where no verdict is possible: the side on which nine tenths of it lie, and it by the minimum effect.
fn leaning(whole: &WholeRecord, least: f64) -> Option<Verdict> {
    // Of a 95 % interval the part that leaves a tenth out on one side.
    const PART: f64 = 1.281_6 / 1.96;
    let by_chance = whole
        .by_chance
        .filter(|_| whole.verdict == Verdict::CannotBeJudged && whole.trusted > 0)?;
    let [down, up] = [by_chance.estimate - by_chance.low, by_chance.high - by_chance.estimate];
    if by_chance.estimate >= least && by_chance.estimate - PART * down > 0.0 {
        Some(Verdict::Better)
    } else if by_chance.estimate <= -least && by_chance.estimate + PART * up < 0.0 {
        Some(Verdict::Worse)
    } else {
        None
    }
}

/// Where the bounds allow no verdict, one by the chances; Holm over the methods.
fn judge_by_chances(found: &mut [WholeRecord], weighed: &[Option<[Found; 2]>], settings: &EvaluationSettings) -> Result<()> {
    let p_of = |side: usize| -> Result<Vec<f64>> {
        holm(
            &weighed
                .iter()
                .map(|found| found.as_ref().map_or(1.0, |sides| sides[side].0))
                .collect::<Vec<_>>(),
        )
    };
    let (low_p, high_p) = (p_of(0)?, p_of(1)?);
    for (place, whole) in found.iter_mut().enumerate() {
        let (Verdict::CannotBeJudged, Some([(_, low), (_, high)])) = (whole.verdict, &weighed[place]) else {
            continue;
        };
        let verdict = match (verdict_of(low_p[place], *low, settings), verdict_of(high_p[place], *high, settings)) {
            (Verdict::Better, _) => Verdict::Better,
            (_, Verdict::Worse) => Verdict::Worse,
            _ => continue,
        };
        (whole.verdict, whole.rests_on_chances) = (verdict, true);
    }
    Ok(())
}

/// Expected change in accuracy over the rows whose label does not hold, each weighed by its chance of being wrong; the interval is that of
/// the truths being drawn with these chances and of other rows having been met. Absent where the chances of too few are known.
fn estimate(labels: &[u8], standing: &[Standing], before: &[u8], after: &[u8]) -> Option<Interval> {
    let change = |row: usize, truth: u8| f64::from(u8::from(after[row] == truth)) - f64::from(u8::from(before[row] == truth));
    let (mut rows, mut sum, mut squares) = (0.0_f64, 0.0, 0.0);
    for (row, standing) in standing.iter().enumerate() {
        let (chance, truly) = match standing {
            Standing::Doubtful {
                chance: Some(chance),
                truly: Some(truly),
            } => (chance.of, *truly),
            Standing::Doubtful { .. } => return None,
            _ => continue,
        };
        let (right, wrong) = (change(row, labels[row]), change(row, truly));
        rows += 1.0;
        sum += (1.0 - chance) * right + chance * wrong;
        squares += (1.0 - chance) * right * right + chance * wrong * wrong;
    }
    if rows < 2.0 {
        return None;
    }
    let mean = sum / rows;
    let reach = 1.96 * ((squares / rows - mean * mean).max(0.0) / rows).sqrt();
    Some(Interval {
        estimate: mean,
        low: mean - reach,
        high: mean + reach,
    })
}

/// The verdict on all rows, and what it rests on.
fn sentence(whole: &WholeRecord, trusted: Option<&Comparison>, pattern: Option<&str>, set: RowSet, metric: &Metric) -> String {
    let name = set.words();
    let opening = match whole.verdict {
        Verdict::Better if whole.rests_on_chances => "Better, with each doubtful row weighed by its chance of being wrong",
        Verdict::Worse if whole.rests_on_chances => "Worse, with each doubtful row weighed by its chance of being wrong",
        Verdict::Better => "Better, whatever the true labels of the doubtful rows are",
        Verdict::Worse => "Worse, whatever the true labels of the doubtful rows are",
        Verdict::NoChangeDetected => "No change detected, whatever the true labels of the doubtful rows are",
        Verdict::CannotBeJudged => match whole.leans {
            Some(Verdict::Better) => "Probably better, but cannot be judged from these rows for certain",
            Some(Verdict::Worse) => "Probably worse, but cannot be judged from these rows for certain",
            _ => "Cannot be judged from these rows",
        },
    };
    let mut why = Vec::new();
    if whole.known_wrong > 0 {
        why.push(format!("{} flagged as wrong", count(whole.known_wrong)));
    }
    let inside = whole.doubtful + whole.beside_pattern;
    if inside > 0 {
        let of = pattern.map_or_else(
            || "where the flagged rows lie".to_owned(),
            |pattern| format!("where the errors lie ({pattern})"),
        );
        why.push(format!("{} {of}", count(inside)));
    }
    let mut text = format!(
        "{opening}: {} of {} can be trusted; {}.",
        count(whole.trusted),
        count_of(whole.rows, name.trim_end_matches('s')),
        why.join(", ")
    );
    if whole.open > 0 {
        text.push_str(&format!(
            " Old and repaired model differ on {} of uncertain label; over all rows {} changes by {} points if those labels speak against \
             the repair, by {} if for it.",
            count_of(whole.open, "row"),
            metric.change_words(),
            signed_points(whole.worst.estimate, 1),
            signed_points(whole.best.estimate, 1),
        ));
    } else {
        text.push_str(&format!(
            " Over all rows {} changes by {} points (95 % interval {} to {}).",
            metric.change_words(),
            signed_points(whole.best.estimate, 1),
            signed_points(whole.best.low, 1),
            signed_points(whole.best.high, 1),
        ));
    }
    if let Some(by_chance) = whole.by_chance.filter(|_| whole.open > 0) {
        text.push_str(&format!(
            " Weighed by their chances it changes by {} points (95 % interval {} to {}).",
            signed_points(by_chance.estimate, 1),
            signed_points(by_chance.low, 1),
            signed_points(by_chance.high, 1),
        ));
    }
    match trusted {
        Some(Comparison {
            measured: Some(measured), ..
        }) => text.push_str(&format!(
            " On the trusted rows {} ({}).",
            moved_in_words(measured, 1),
            gain_in_words(measured, "", 1)
        )),
        Some(trusted) => text.push_str(&format!(
            " On the trusted rows: {} before, {} after ({} points, 95 % interval {} to {}).",
            percent(trusted.before.accuracy.estimate, 1),
            percent(trusted.after.accuracy.estimate, 1),
            signed_points(trusted.difference.estimate, 1),
            signed_points(trusted.main_interval().low, 1),
            signed_points(trusted.main_interval().high, 1),
        )),
        None => text.push_str(" No row can be trusted."),
    }
    if let Some(estimate) = whole.estimate.filter(|_| whole.by_chance.is_none()) {
        text.push_str(&format!(
            " Estimate for the {} doubtful rows, each weighed by its chance of being wrong: {} points ({} to {}).",
            count(whole.doubtful),
            signed_points(estimate.estimate, 1),
            signed_points(estimate.low, 1),
            signed_points(estimate.high, 1),
        ));
    }
    text
}

/// An unjudged comparison of the trusted rows, for callers that correct over a family of their own.
///
/// # Errors
/// As [`compare`](super::compare()).
pub fn compare_trusted(
    rows: &Rows,
    standing: &[Standing],
    before: &[f32],
    after: &[f32],
    settings: &EvaluationSettings,
) -> Result<Option<Unjudged>> {
    trusted(rows, standing)
        .map(|part| compare(&part.rows(), &part.pick(before), &part.pick(after), settings))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> EvaluationSettings {
        EvaluationSettings {
            minimum_effect: 0.001,
            significance: 0.05,
            resamples: 500,
            group_column: None,
            seed: 1,
            metric: crate::evaluate::Metric::Accuracy,
            matters: Vec::new(),
        }
    }

    fn sure(classes: &[u8]) -> Vec<f32> {
        classes
            .iter()
            .flat_map(|class| (0..2).map(|other| if other == *class { 0.9 } else { 0.1 }))
            .collect()
    }

    const DOUBTFUL: Standing = Standing::Doubtful {
        chance: Some(Chance { of: 0.8, error: 0.2 }),
        truly: Some(1),
    };

    fn one(labels: &[u8], standing: &[Standing], before: &[u8], after: &[u8]) -> SortedComparison {
        let classes: Vec<String> = ["on time", "late"].map(str::to_owned).to_vec();
        let rows = Rows {
            set: RowSet::Test,
            labels,
            groups: None,
            classes: &classes,
        };
        compare_sorted(&rows, standing, Some("Market = LATAM"), &sure(before), &[&sure(after)], &settings())
            .unwrap()
            .remove(0)
    }

    /// The error runs through the test rows: 100 late orders of a lane are recorded as on time (0), and 20 are. The repaired model says late.
    fn lane(recorded_late: usize) -> (Vec<u8>, Vec<Standing>, Vec<u8>, Vec<u8>) {
        let labels: Vec<u8> = (0..1_000).map(|row| u8::from(row >= 120 || row < recorded_late)).collect();
        let standing = (0..1_000)
            .map(|row| match row {
                row if row < recorded_late => Standing::BesidePattern,
                0..120 => DOUBTFUL,
                _ => Standing::Trusted,
            })
            .collect();
        let before = (0..1_000).map(|row| u8::from(row >= 120)).collect();
        (labels, standing, before, vec![1; 1_000])
    }

    #[test]
    fn a_loss_by_recorded_labels_under_suspicion_is_no_verdict() {
        let (labels, standing, before, after) = lane(0);
        let found = one(&labels, &standing, &before, &after);
        assert_eq!(found.recorded.unwrap().verdict, Verdict::Worse);
        let whole = found.whole.unwrap();
        assert_eq!(whole.verdict, Verdict::CannotBeJudged, "{}", whole.sentence);
        assert_eq!((whole.open, whole.doubtful, whole.trusted), (120, 120, 880));
        assert!((whole.worst.estimate + 0.12).abs() < 1e-12 && (whole.best.estimate - 0.12).abs() < 1e-12);
        // Four in five wrong: + .8 - .2.
        assert!((whole.estimate.unwrap().estimate - 0.6).abs() < 1e-12);
        assert_eq!(found.trusted.unwrap().rows, 880);
    }

    #[test]
    fn a_chance_that_is_known_well_decides_where_the_bounds_do_not() {
        let (labels, mut standing, before, after) = lane(0);
        let sure = |of| Standing::Doubtful {
            chance: Some(Chance { of, error: 0.05 }),
            truly: Some(1),
        };
        let mut with = |of| {
            standing[..120].fill(sure(of));
            one(&labels, &standing, &before, &after).whole.unwrap()
        };
        let better = with(0.8);
        assert_eq!(
            (better.verdict, better.rests_on_chances),
            (Verdict::Better, true),
            "{}",
            better.sentence
        );
        assert!(
            better.sentence.starts_with("Better, with each doubtful row weighed by its chance"),
            "{}",
            better.sentence
        );
        let by_chance = better.by_chance.unwrap();
        assert!((by_chance.estimate - 0.072).abs() < 1e-12 && by_chance.low > 0.0 && by_chance.high < better.best.high);
        assert_eq!(with(0.2).verdict, Verdict::Worse);
        let even = with(0.5);
        assert_eq!((even.verdict, even.leans), (Verdict::CannotBeJudged, None));
        assert!(even.sentence.starts_with("Cannot be judged from these rows: "), "{}", even.sentence);
        // The bounds go first: where they decide, chances are not needed.
        let (labels, standing, before, after) = lane(100);
        assert!(!one(&labels, &standing, &before, &after).whole.unwrap().rests_on_chances);
    }

    #[test]
    fn an_estimate_too_uncertain_for_a_verdict_is_told_as_what_it_leans_to() {
        let (labels, mut standing, before, after) = lane(0);
        let mut with = |of, error| {
            standing[..120].fill(Standing::Doubtful {
                chance: Some(Chance { of, error }),
                truly: Some(1),
            });
            one(&labels, &standing, &before, &after).whole.unwrap()
        };
        let better = with(0.8, 0.18);
        assert_eq!(
            (better.verdict, better.leans),
            (Verdict::CannotBeJudged, Some(Verdict::Better)),
            "{}",
            better.sentence
        );
        assert!(better.by_chance.unwrap().low < 0.0, "the interval holds both sides");
        assert!(
            better
                .sentence
                .starts_with("Probably better, but cannot be judged from these rows for certain: "),
            "{}",
            better.sentence
        );
        assert_eq!(with(0.2, 0.18).leans, Some(Verdict::Worse));
        assert_eq!(with(0.8, 0.4).leans, None, "an estimate that could be anything leans to nothing");
        assert_eq!(with(0.8, 0.05).leans, None, "where there is a verdict it says enough");
    }

    #[test]
    fn labels_that_the_pattern_does_not_give_show_a_gain_where_the_error_stopped() {
        let (labels, standing, before, after) = lane(100);
        let whole = one(&labels, &standing, &before, &after).whole.unwrap();
        assert_eq!(whole.verdict, Verdict::Better, "{}", whole.sentence);
        assert_eq!(whole.open, 20);
    }

    #[test]
    fn a_flag_on_a_row_of_two_classes_tells_its_label() {
        let standing: Vec<Standing> = (0..100)
            .map(|row| if row < 40 { Standing::KnownWrong } else { Standing::Trusted })
            .collect();
        let found = one(
            &[0; 100],
            &standing,
            &[0; 100],
            &(0..100).map(|row| u8::from(row < 40)).collect::<Vec<_>>(),
        );
        let whole = found.whole.unwrap();
        assert_eq!((whole.verdict, whole.open), (Verdict::Better, 0));
        // Of three classes the flagged one is ruled out and no more.
        let classes: Vec<String> = ["early", "on time", "late"].map(str::to_owned).to_vec();
        let worth = Metric::Accuracy.worth(&[0], &[0], &[0], &classes).unwrap();
        let of = |standing, label, before, after| bounds(standing, label, before, after, 3, &worth);
        assert_eq!(of(Standing::KnownWrong, 0, 0, 1), (0, 1));
        assert_eq!(of(Standing::KnownWrong, 0, 1, 0), (-1, 0));
        assert_eq!(of(Standing::KnownWrong, 0, 1, 2), (-1, 1));
        assert_eq!(of(DOUBTFUL, 0, 0, 1), (-1, 1));
        assert_eq!(of(DOUBTFUL, 0, 1, 1), (0, 0));
        assert_eq!(of(Standing::BesidePattern, 0, 0, 1), (-1, -1));
    }

    #[test]
    fn where_nothing_can_be_trusted_nothing_is_claimed() {
        let found = one(&[0; 50], &[DOUBTFUL; 50], &[0; 50], &[1; 50]);
        assert!(found.trusted.is_none());
        let whole = found.whole.unwrap();
        assert_eq!(whole.verdict, Verdict::CannotBeJudged);
        assert!(whole.sentence.contains("No row can be trusted"), "{}", whole.sentence);
    }
}
