//! Choosing a method without clean labels and without test rows, and accepting it or keeping the old model.
//!
//! Picking goes by what Corrective Machine Unlearning (arXiv 2402.14015, section 4) looks at: the **deletion change**, the share of the
//! flagged rows that are no longer given the label that is said to be wrong, and the **accuracy on trusted validation rows**. There both
//! count alike, so that a method which forgets too much wins; here each counts for as many rows as it stands for, which estimates the
//! change in accuracy over all rows. What picks the best of many always looks good, so the pick is accepted by rows that chose nothing:
//!
//! - on other trusted validation rows it must not be worse than chance allows (one-sided exact test, 5 %), nor on these and those that picked it
//!   together (which flatters it), must lose no class that counts, and what is lost there as measured must be outweighed by the flagged rows;
//! - it must single out the flagged rows: free them of their labels more than other rows with these labels, by more than the same repair
//!   singles out as many random rows with these labels, flagged in their stead (a placebo). Flags on right rows are singled out no more
//!   than that; a method that forgets the whole class singles out none.

use super::classwise::{losing_classes, losses_of};
use super::compare::{RowSet, Rows, changes as fixed_and_broken, p_of_no_change};
use super::metrics::{metrics, predictions};
use super::part::Part;
use super::record::{EvaluationSettings, Recommendation};
use super::singled_out::{Seen, SingledOut, hits};
use super::words::{count_of, p_value, percent, points, signed_points};
use crate::error::{Error, Result};
use crate::stats::{exceeds, holm, mcnemar_exact};

/// Fewest trusted rows that can pick, or accept.
pub const FEWEST_ROWS: usize = 30;
/// A loss on the rows that select or accept is put down to chance where chance makes such a loss, or a greater one, this often. It must be outweighed by
/// what the flagged rows gain even then.
const LOSS_BY_CHANCE: f64 = 0.05;
/// Level of the test against the placebo: one in a hundred sheets whose flags are all false.
const PLACEBO_LEVEL: f64 = 0.01;

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

/// A method that would be taken, if it is accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Picked {
    /// Its place among the candidates.
    pub place: usize,
    /// Estimated change in accuracy over all rows.
    pub score: f64,
    /// Share of all rows that the flagged ones stand for.
    pub weight: f64,
    /// Why, as the middle of a sentence.
    pub reason: String,
    /// The flagged rows against others.
    pub singled_out: SingledOut,
}

/// Most methods that are put to the test of rows that chose nothing, one after the other.
pub const TURNS: usize = 3;

/// Ranks the candidates that free flagged rows by more than chance and do not lose on the rows that `selecting` marks, best first; says why
/// there are none.
///
/// The score estimates the change in accuracy over all rows: how much more of the flagged rows than of `others` (trusted rows that are not
/// flagged) with their labels lose their label, for the `weight` that the flagged rows stand for, and the change in accuracy on the rows
/// that select for the rest. A method that forgets the whole class frees the flagged rows too, and gains nothing by it.
///
/// # Errors
/// Where sizes do not fit.
pub fn pick(
    names: &[String],
    (validation, selecting, others): (Seen<'_>, &[bool], &[bool]),
    (flagged, weight): (Seen<'_>, f64),
    candidates: &[Candidate<'_>],
    settings: &EvaluationSettings,
) -> Result<(Vec<Picked>, String)> {
    if selecting.len() != validation.labels.len() || others.len() != selecting.len() {
        return Err(Error::internal("marks not one per validation row"));
    }
    let rows = selecting.iter().filter(|selects| **selects).count();
    if rows < FEWEST_ROWS || flagged.labels.is_empty() {
        let usable = match rows {
            0 => "no validation row".to_owned(),
            _ => format!("only {}", count_of(rows, "validation row")),
        };
        let reason = format!(
            "{usable} to choose by can be trusted (at least {} are needed), and test rows are never used to choose",
            2 * FEWEST_ROWS
        );
        return Ok((Vec::new(), reason));
    }
    let classes = names.len();
    let given_before = hits(flagged.before, flagged.labels, classes)?;
    let mut judged = Vec::with_capacity(candidates.len());
    for (place, candidate) in candidates.iter().enumerate() {
        let Moved { change, by_chance, lost } = Moved::of(validation, candidate.validation, selecting, names, settings)?;
        let (bound, freed) = changes(&given_before, &hits(candidate.flagged, flagged.labels, classes)?);
        let loses = lost.is_some() || (-change > settings.minimum_effect && by_chance < LOSS_BY_CHANCE);
        let p = if freed > bound { mcnemar_exact(freed, bound) } else { 1.0 };
        let singled_out = SingledOut::of(classes, flagged, validation, others, (candidate.flagged, candidate.validation))?;
        let found = Picked {
            place,
            score: overall(weight, &singled_out, change),
            weight,
            reason: format!(
                "{} does best on flagged and trusted rows together. It takes their label from {} flagged rows and from {} of other rows \
                 with that label, and {} on {} that can be trusted changes by {} points",
                candidate.name,
                singled_out.words(),
                percent(singled_out.others, 1),
                settings.metric.change_words(),
                count_of(rows, "validation row"),
                signed_points(change, 2),
            ),
            singled_out,
        };
        judged.push((found, loses, p));
    }
    let corrected = holm(&judged.iter().map(|found| found.2).collect::<Vec<_>>())?;
    let tried = judged.len();
    let mut ranked: Vec<Picked> = judged
        .into_iter()
        .zip(corrected)
        .filter(|((found, loses, _), p)| *p < settings.significance && found.score >= settings.minimum_effect && !loses)
        .map(|((found, ..), _)| found)
        .collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    let reason = format!(
        "none of {} singles out the flagged rows by more than chance without losing, overall or in a class, on {} that can be trusted",
        count_of(tried, "method"),
        count_of(rows, "validation row"),
    );
    Ok((ranked, reason))
}

/// Estimated change in accuracy over all rows: of the flagged ones, for their weight, and of the others.
fn overall(weight: f64, singled_out: &SingledOut, change: f64) -> f64 {
    weight * singled_out.difference() + (1.0 - weight) * change
}

/// Accepts what was picked, or keeps the old model, by the rows that `accepting` marks, these and those that selected together, and the placebo; `None`
/// where none could be run.
/// `turn` counts from 0: a pick after the first must not lose as measured, and the level of the test against the placebo is that of all.
///
/// # Errors
/// Where sizes do not fit.
pub fn accept(
    names: &[String],
    (picked, turn): (&Picked, usize),
    candidate: &Candidate<'_>,
    (validation, selecting, accepting): (Seen<'_>, &[bool], &[bool]),
    placebo: Option<SingledOut>,
    settings: &EvaluationSettings,
) -> Result<Recommendation> {
    let keep = |why: String| Recommendation {
        advice: None,
        method: None,
        reason: format!("{}. But {why}.", picked.reason),
    };
    let rows = accepting.iter().filter(|accepts| **accepts).count();
    if rows < FEWEST_ROWS {
        return Ok(keep(format!(
            "only {} that chose nothing can be trusted, too few to accept it by",
            count_of(rows, "validation row")
        )));
    }
    let Moved { change, by_chance, lost } = Moved::of(validation, candidate.validation, accepting, names, settings)?;
    let on_others = format!(
        "on {}, which chose nothing, {} changes by {} points",
        count_of(rows, "other row"),
        settings.metric.change_words(),
        signed_points(change, 2)
    );
    if -change > settings.minimum_effect && by_chance < LOSS_BY_CHANCE {
        return Ok(keep(format!(
            "{on_others}: more than the {} that count are lost, and more than chance would ({})",
            points(settings.minimum_effect),
            p_value(by_chance, LOSS_BY_CHANCE)
        )));
    }
    // What picked flatters the pick: a loss on both halves together tells all the more.
    let either: Vec<bool> = selecting
        .iter()
        .zip(accepting)
        .map(|(selects, accepts)| *selects || *accepts)
        .collect();
    let together = Moved::of(validation, candidate.validation, &either, names, settings)?;
    if -together.change > settings.minimum_effect && together.by_chance < LOSS_BY_CHANCE {
        return Ok(keep(format!(
            "{on_others}, and on all of them together by {}: more is lost than chance would ({})",
            signed_points(together.change, 2),
            p_value(together.by_chance, LOSS_BY_CHANCE)
        )));
    }
    if let Some(lost) = lost {
        return Ok(keep(format!("{on_others}, and there {lost}")));
    }
    if overall(picked.weight, &picked.singled_out, change) < settings.minimum_effect || (turn > 0 && -change > settings.minimum_effect) {
        return Ok(keep(format!("{on_others}: the flagged rows do not outweigh that")));
    }
    let Some(placebo) = placebo else {
        return Ok(keep(
            "without the training sheet the same repair cannot be tried on random rows, so nothing shows that the flags are right: give it \
             with `--data SHEET`"
                .to_owned(),
        ));
    };
    let flagged = &picked.singled_out;
    let p = match flagged.held.min(placebo.held) {
        0 => 1.0,
        _ => exceeds((flagged.difference(), flagged.variance), (placebo.difference(), placebo.variance))?,
    };
    let level = PLACEBO_LEVEL / TURNS as f64;
    let beside = format!(
        "tried on random rows, takes their label from {} of these and from {} of other rows with that label ({})",
        placebo.words(),
        percent(placebo.others, 1),
        p_value(p, level)
    );
    if p >= level {
        return Ok(keep(format!(
            "the same repair, {beside}: flags on right rows would be singled out as much"
        )));
    }
    Ok(Recommendation {
        advice: None,
        method: Some(candidate.name.to_owned()),
        reason: format!("{}; {on_others}. The same repair, {beside}.", picked.reason),
    })
}

/// What a method does to the measure that counts.
struct Moved {
    /// Its change, positive where it gets better.
    change: f64,
    /// One-sided p-value of no change; rows of one group move together.
    by_chance: f64,
    /// Classes that must not be lost and are found less often by more than chance, in words; absent where there are none.
    lost: Option<String>,
}

impl Moved {
    /// On the rows that `counted` marks.
    fn of(seen: Seen<'_>, after: &[f32], counted: &[bool], names: &[String], settings: &EvaluationSettings) -> Result<Self> {
        let values = counted.len() * names.len();
        if seen.before.len() != values || after.len() != values || seen.labels.len() != counted.len() {
            return Err(Error::internal("predictions not one per marked row"));
        }
        let all = Rows {
            set: RowSet::Validation,
            labels: seen.labels,
            groups: seen.groups,
            classes: names,
        };
        let part = Part::of(&all, RowSet::TrustedValidation, |row| counted[row]).ok_or_else(|| Error::internal("no row is marked"))?;
        let (rows, before, after) = (part.rows(), part.pick(seen.before), part.pick(after));
        let (old, new) = (predictions(&before, names.len())?, predictions(&after, names.len())?);
        let worth = settings.metric.worth(rows.labels, &old, &new, names)?;
        let changes = worth.changes(rows.labels, &old, &new);
        let measured = (metrics(rows.labels, &before, names)?, metrics(rows.labels, &after, names)?);
        let fixed_and_broken = fixed_and_broken(rows.labels, &old, &new);
        let losing = losing_classes(&rows, (&measured.0, &measured.1), &fixed_and_broken, settings)?;
        Ok(Self {
            lost: losses_of(losing.iter().filter(|class| class.protected)),
            change: worth.unit() * changes.iter().sum::<i64>() as f64 / rows.labels.len() as f64,
            by_chance: p_of_no_change(rows.groups, &changes)? / 2.0,
        })
    }
}

/// How many marks appear and disappear.
fn changes(before: &[bool], after: &[bool]) -> (u64, u64) {
    let mut found = (0, 0);
    for (before, after) in before.iter().zip(after) {
        match (before, after) {
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
            resamples: 100,
            ..crate::evaluate::tests::settings()
        }
    }

    fn names() -> Vec<String> {
        ["early", "on time", "late"].map(str::to_owned).to_vec()
    }

    fn sure(classes: &[u8]) -> Vec<f32> {
        classes
            .iter()
            .flat_map(|class| (0..3).map(|other| if other == *class { 0.8 } else { 0.1 }))
            .collect()
    }

    /// 900 rows elsewhere that everybody gets right, and 100 of the affected lane, which are not trusted; of the others every second one
    /// selects and the rest accept.
    fn marks() -> (Vec<u8>, Vec<bool>, Vec<bool>) {
        let labels = (0..1_000).map(|row| u8::from(row >= 900)).collect();
        let half = |odd: usize| (0..1_000).map(|row| row < 900 && row % 2 == odd).collect();
        (labels, half(0), half(1))
    }

    /// Name, predictions on the validation rows and on 50 flagged ones that the old model gives their label, 1.
    type Method = (&'static str, Vec<u8>, Vec<u8>);

    fn repaired() -> Method {
        (
            "retrain",
            (0..1_000).map(|row| if row < 900 { 0 } else { 2 }).collect(),
            vec![2; 50],
        )
    }

    fn idle() -> Method {
        ("assd", (0..1_000).map(|row| u8::from(row >= 900)).collect(), vec![1; 50])
    }

    /// Gives no flagged row its label any more, and throws away a tenth of everything else.
    fn destroying() -> Method {
        let validation = (0..1_000).map(|row| if row < 900 && row % 10 > 1 { 0 } else { 2 }).collect();
        ("neggrad-plus", validation, vec![2; 50])
    }

    fn choose(methods: &[Method], placebo: Option<SingledOut>) -> Recommendation {
        let (labels, selecting, accepting) = marks();
        let after: Vec<(&str, Vec<f32>, Vec<f32>)> = methods.iter().map(|(name, tail, flags)| (*name, sure(tail), sure(flags))).collect();
        let candidates: Vec<Candidate> = after
            .iter()
            .map(|(name, validation, flagged)| Candidate { name, validation, flagged })
            .collect();
        let (observed, before) = (vec![1_u8; 50], sure(&labels));
        let on_flags = sure(&observed);
        let validation = Seen {
            labels: &labels,
            before: &before,
            groups: None,
        };
        let flagged = Seen {
            labels: &observed,
            before: &on_flags,
            groups: None,
        };
        let trusted: Vec<bool> = (0..1_000).map(|row| row < 900).collect();
        let (ranked, reason) = pick(
            &names(),
            (validation, &selecting, &trusted),
            (flagged, 0.1),
            &candidates,
            &settings(),
        )
        .unwrap();
        let Some(best) = ranked.first() else {
            return Recommendation {
                advice: None,
                method: None,
                reason,
            };
        };
        accept(
            &names(),
            (best, 0),
            &candidates[best.place],
            (validation, &selecting, &accepting),
            placebo,
            &settings(),
        )
        .unwrap()
    }

    fn placebo(freed: usize, others: f64) -> SingledOut {
        SingledOut {
            held: 50,
            freed,
            others,
            variance: 0.004,
        }
    }

    #[test]
    fn other_rows_are_taken_in_the_mix_of_labels_of_those_to_forget() {
        // To forget: 30 rows of class 0, of which 15 are freed, and 10 of class 1, all freed. Others: 20 of class 0 (2 freed), 100 of 1 (50).
        let forget: Vec<u8> = (0..40).map(|row| u8::from(row >= 30)).collect();
        let others: Vec<u8> = (0..120).map(|row| u8::from(row >= 20)).collect();
        let after_forget: Vec<u8> = (0..40).map(|row| if row < 15 { 0 } else { 2 }).collect();
        let after_others: Vec<u8> = (0..120)
            .map(|row| {
                if row < 2 {
                    2
                } else if row < 20 {
                    0
                } else {
                    (row % 2) as u8
                }
            })
            .collect();
        let (forget_before, others_before) = (sure(&forget), sure(&others));
        let seen = |labels, before| Seen {
            labels,
            before,
            groups: None,
        };
        let found = SingledOut::of(
            3,
            seen(&forget, &forget_before),
            seen(&others, &others_before),
            &[true; 120],
            (&sure(&after_forget), &sure(&after_others)),
        )
        .unwrap();
        assert_eq!((found.held, found.freed), (40, 25));
        assert!((found.others - (0.75 * 0.1 + 0.25 * 0.5)).abs() < 1e-12, "{}", found.others);
        assert!(found.variance > 0.004 && found.variance < 0.02, "{}", found.variance);
    }

    #[test]
    fn a_small_loss_on_each_half_that_is_none_by_chance_on_both_keeps_the_old_model() {
        let (name, mut validation, flagged) = repaired();
        // Three rows of the half that selects and three of that which accepts.
        validation[..6].fill(2);
        let found = choose(&[(name, validation.clone(), flagged.clone())], Some(placebo(5, 0.1)));
        assert_eq!(found.method, None, "{}", found.reason);
        assert!(found.reason.contains("on all of them together by -0.67"), "{}", found.reason);
        // Two and two happen by chance.
        validation[4..6].fill(0);
        let found = choose(&[(name, validation, flagged)], Some(placebo(5, 0.1)));
        assert_eq!(found.method.as_deref(), Some("retrain"), "{}", found.reason);
    }

    #[test]
    fn a_repair_that_singles_out_more_than_a_placebo_is_taken() {
        let placebo = placebo(5, 0.1);
        let found = choose(&[idle(), destroying(), repaired()], Some(placebo));
        assert_eq!(found.method.as_deref(), Some("retrain"), "{}", found.reason);
        assert!(
            found.reason.contains("50 of 50") && found.reason.contains("5 of 50"),
            "{}",
            found.reason
        );
    }

    #[test]
    fn the_old_model_stays_where_nothing_helps_everything_harms_or_a_placebo_does_as_well() {
        let placebo = |freed, others| Some(placebo(freed, others));
        for methods in [vec![idle()], vec![idle(), destroying()]] {
            let found = choose(&methods, placebo(5, 0.1));
            assert_eq!(found.method, None, "{}", found.reason);
        }
        let same = choose(&[repaired()], placebo(49, 0.0));
        assert_eq!(same.method, None);
        assert!(same.reason.contains("would be singled out as much"), "{}", same.reason);
        // Where the placebo takes the whole class with it, it singles out nothing.
        assert_eq!(choose(&[repaired()], placebo(49, 0.95)).method.as_deref(), Some("retrain"));
        assert_eq!(choose(&[repaired()], None).method, None);
    }

    /// Frees every flagged row and throws away two points elsewhere.
    #[test]
    fn forgetting_too_much_does_not_win() {
        let gentle: Vec<u8> = (0..50).map(|row| if row < 40 { 2 } else { 1 }).collect();
        let (name, validation, flags) = repaired();
        let harsh = validation
            .iter()
            .enumerate()
            .map(|(row, class)| if row < 900 && row % 50 < 2 { 2 } else { *class })
            .collect();
        let methods = [("neggrad-plus", harsh, flags), (name, validation, gentle)];
        let found = choose(&methods, Some(placebo(5, 0.1)));
        assert_eq!(found.method.as_deref(), Some("retrain"), "{}", found.reason);
    }

    #[test]
    fn a_loss_on_rows_that_chose_nothing_refuses_the_pick() {
        // Right on the rows that select, wrong on a tenth of those that accept.
        let lucky = |row: usize| row < 900 && row % 20 != 1;
        let validation = (0..1_000).map(|row| if lucky(row) { 0 } else { 2 }).collect();
        let found = choose(&[("cf", validation, vec![2; 50])], Some(placebo(0, 0.0)));
        assert_eq!(found.method, None);
        assert!(found.reason.contains("are lost"), "{}", found.reason);
        // A loss that chance can make is taken where the flagged rows outweigh it.
        let two_lost = |row: usize| row < 900 && ![1, 3].contains(&row);
        let validation = |kept: &dyn Fn(usize) -> bool| (0..1_000).map(|row| if kept(row) { 0 } else { 2 }).collect::<Vec<u8>>();
        let few = Some(placebo(5, 0.1));
        let taken = choose(&[("cf", validation(&two_lost), vec![2; 50])], few);
        assert_eq!(taken.method.as_deref(), Some("cf"), "{}", taken.reason);
    }

    #[test]
    fn without_trusted_rows_nothing_is_picked() {
        let (labels, ..) = marks();
        let (name, validation, flagged) = repaired();
        let (validation, flagged_after, before) = (sure(&validation), sure(&flagged), sure(&labels));
        let observed = vec![1_u8; 50];
        let seen = Seen {
            labels: &labels,
            before: &before,
            groups: None,
        };
        let on_flags = sure(&observed);
        let flagged = Seen {
            labels: &observed,
            before: &on_flags,
            groups: None,
        };
        let candidate = Candidate {
            name,
            validation: &validation,
            flagged: &flagged_after,
        };
        let none = [false; 1_000];
        let (ranked, reason) = pick(&names(), (seen, &none, &none), (flagged, 0.1), &[candidate], &settings()).unwrap();
        assert!(ranked.is_empty());
        assert!(reason.starts_with("no validation row"), "{reason}");
    }

    #[test]
    fn rows_of_one_group_are_one_piece_of_evidence() {
        let (before, after) = (sure(&[0; 20]), sure(&(0..20).map(|row| u8::from(row < 8)).collect::<Vec<_>>()));
        let fours: Vec<u32> = (0..20).map(|row| row / 4).collect();
        let chance = |groups| {
            let seen = Seen {
                labels: &[0; 20],
                before: &before,
                groups,
            };
            Moved::of(seen, &after, &[true; 20], &names(), &settings()).unwrap().by_chance
        };
        let (alone, together) = (chance(None), chance(Some(fours.as_slice())));
        assert!(
            (alone - 0.5_f64.powi(8)).abs() < 1e-12 && (together - 0.25).abs() < 1e-12,
            "{alone} {together}"
        );
    }
}
