//! Whether a fresh model is of any use.

use super::{classes, saying, settings};
use crate::evaluate::record::EvaluationSettings;
use crate::evaluate::train_record::{Usefulness, UsefulnessRecord};
use crate::evaluate::*;

/// `late` rows of class 1 among `rows`; the model says 1 on the first `hits` of them and on `alarms` of the others.
fn judged(rows: usize, late: usize, hits: usize, alarms: usize, simple: Option<(usize, usize)>) -> UsefulnessRecord {
    judged_beside_trees(rows, late, (hits, alarms), simple, None)
}

/// The same, beside boosted trees that say 1 as `trees` tells.
fn judged_beside_trees(
    rows: usize,
    late: usize,
    (hits, alarms): (usize, usize),
    simple: Option<(usize, usize)>,
    trees: Option<(usize, usize)>,
) -> UsefulnessRecord {
    let names = classes(&["on time", "late"]);
    let labels: Vec<u8> = (0..rows).map(|row| u8::from(row < late)).collect();
    let says = |hits: usize, alarms: usize| -> Vec<f32> {
        let guesses: Vec<u8> = (0..rows)
            .map(|row| u8::from(row < hits || (row >= late && row < late + alarms)))
            .collect();
        saying(&guesses)
    };
    let mut baselines = vec![majority_baseline(&labels, &names, rows).unwrap()];
    if let Some((hits, alarms)) = simple {
        baselines.push(Baseline {
            name: "logistic-regression".to_owned(),
            title: "a logistic regression".to_owned(),
            kind: BaselineKind::Simple,
            probabilities: says(hits, alarms),
        });
    }
    if let Some((hits, alarms)) = trees {
        baselines.push(Baseline {
            name: "boosted-trees".to_owned(),
            title: "boosted trees".to_owned(),
            kind: BaselineKind::Strong,
            probabilities: says(hits, alarms),
        });
    }
    let rows = Rows {
        set: RowSet::Test,
        labels: &labels,
        groups: None,
        classes: &names,
    };
    let (records, usefulness) = judge_usefulness(&rows, &says(hits, alarms), &baselines, &settings()).unwrap();
    assert_eq!(records.len(), baselines.len());
    assert_eq!(records[0].name, "majority");
    usefulness
}

#[test]
fn the_majority_baseline_answers_the_commonest_class_with_the_class_shares() {
    let found = majority_baseline(&[1, 1, 0, 2], &classes(&["a", "b", "c"]), 2).unwrap();
    assert_eq!(found.title, "always answering \"b\"");
    assert_eq!(found.probabilities, [0.25, 0.5, 0.25, 0.25, 0.5, 0.25]);
    assert!(majority_baseline(&[], &classes(&["a"]), 2).is_err());
    assert!(majority_baseline(&[3], &classes(&["a"]), 2).is_err());
}

#[test]
fn a_model_better_than_every_simple_one_is_useful() {
    let found = judged(2_000, 900, 800, 60, Some((600, 100)));
    assert_eq!(found.usefulness, Usefulness::Useful);
    assert_eq!(
        found.sentence,
        "This model is useful. Better than always answering \"on time\": 92.0 % against 55.0 % of the same 2,000 test rows right \
         (+37.0 points, 95 % interval +34.6 to +39.3; p < 0.001 after correction for 2 comparisons)."
    );
}

#[test]
fn boosted_trees_are_told_where_they_do_better_and_change_nothing_else() {
    let alone = judged(2_000, 900, 800, 60, Some((600, 100)));
    let worse = judged_beside_trees(2_000, 900, (800, 60), Some((600, 100)), Some((700, 60)));
    assert_eq!(alone, worse, "trees that do no better are in the table only");
    let better = judged_beside_trees(2_000, 900, (800, 60), Some((600, 100)), Some((890, 20)));
    assert_eq!(better.usefulness, Usefulness::Useful);
    assert_eq!(
        better.sentence.strip_prefix(&alone.sentence),
        Some(
            " It is worse than boosted trees: 92.0 % against 98.5 % of the same 2,000 test rows right (-6.5 points, 95 % interval -7.6 to -5.5; p < 0.001)."
        )
    );
}

#[test]
fn what_counts_is_what_the_person_names() {
    let names = classes(&["on time", "late"]);
    let labels: Vec<u8> = (0..1_000).map(|row| u8::from(row < 100)).collect();
    // Finds 80 of 100 late rows at the price of 200 false alarms: worse by accuracy, better by balanced accuracy.
    let guesses: Vec<u8> = (0..1_000).map(|row| u8::from(!(80..800).contains(&row))).collect();
    let rows = Rows {
        set: RowSet::Test,
        labels: &labels,
        groups: None,
        classes: &names,
    };
    let majority = || vec![majority_baseline(&labels, &names, 1_000).unwrap()];
    let (_, by_accuracy) = judge_usefulness(&rows, &saying(&guesses), &majority(), &settings()).unwrap();
    assert_ne!(by_accuracy.usefulness, Usefulness::Useful);
    let balanced = EvaluationSettings {
        metric: Metric::BalancedAccuracy,
        ..settings()
    };
    let (_, found) = judge_usefulness(&rows, &saying(&guesses), &majority(), &balanced).unwrap();
    assert_eq!(found.usefulness, Usefulness::Useful, "{}", found.sentence);
    assert!(
        found
            .sentence
            .contains("on the same 1,000 test rows balanced accuracy 78.9 % against 50.0 % (+28.9 points"),
        "{}",
        found.sentence
    );
}

#[test]
fn a_model_no_better_than_a_logistic_regression_is_told_so() {
    let found = judged(2_000, 900, 800, 60, Some((801, 60)));
    assert_eq!(found.usefulness, Usefulness::NoBetterThanSimple);
    assert!(
        found
            .sentence
            .contains("but cannot be told apart from a logistic regression. Cannot be told apart from a logistic")
    );
}

#[test]
fn a_model_that_a_simple_one_beats_is_told_so_whatever_else_it_can_do() {
    // It tells the classes apart, and is no more often right than the majority: the simple model does both better.
    let found = judged(2_000, 900, 400, 350, Some((800, 60)));
    assert_eq!(found.usefulness, Usefulness::WorseThanSimple, "{}", found.sentence);
    assert!(
        found
            .sentence
            .starts_with("Use a logistic regression rather than this model. Worse than a"),
        "{}",
        found.sentence
    );
    // Better than the majority, and a simple model is better still.
    assert_eq!(
        judged(2_000, 900, 700, 200, Some((880, 20))).usefulness,
        Usefulness::WorseThanSimple
    );
    // A simple model that never says the rare class is more often right, and no better for that.
    assert_eq!(judged(2_000, 100, 80, 150, Some((0, 0))).usefulness, Usefulness::TellsClassesApart);
}

#[test]
fn a_useless_model_is_called_useless() {
    let constant = judged(2_000, 900, 0, 0, None);
    assert_eq!(constant.usefulness, Usefulness::Useless);
    assert!(constant.sentence.starts_with("This model is useless"), "{}", constant.sentence);
    assert!(
        constant
            .sentence
            .contains("right and wrong on exactly the same of the 2,000 test rows"),
        "{}",
        constant.sentence
    );
    // Says "late" for as large a share of late rows as of the others.
    let blind = judged(2_000, 900, 450, 550, None);
    assert_eq!(blind.usefulness, Usefulness::Useless);
    assert!(blind.sentence.contains("Worse than always answering"), "{}", blind.sentence);
}

#[test]
fn finding_rare_rows_is_worth_something_even_if_accuracy_says_no() {
    // 5 % late; finds 80 of 100 at the price of 150 false alarms: 91.5 % right against 95 %.
    let found = judged(2_000, 100, 80, 150, None);
    assert_eq!(found.usefulness, Usefulness::TellsClassesApart);
    assert!(found.sentence.contains("balanced accuracy 86.1 %"), "{}", found.sentence);
    // Two late rows in all prove nothing.
    assert_eq!(judged(2_000, 2, 2, 150, None).usefulness, Usefulness::Useless);
}

#[test]
fn one_class_in_the_test_rows_cannot_make_a_model_useful() {
    assert_eq!(judged(500, 500, 500, 0, None).usefulness, Usefulness::Useless);
}
