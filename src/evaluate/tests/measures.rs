//! Measures other than accuracy.

use rand::Rng;

use super::{classes, saying, settings};
use crate::evaluate::metric::{CostTable, Metric};
use crate::evaluate::record::{EvaluationSettings, Verdict};
use crate::evaluate::{RowSet, Rows, compare, judge, losses_in_words, metrics};
use crate::seed::Seed;

fn costs() -> Metric {
    Metric::Cost(CostTable {
        file: "costs.csv".to_owned(),
        classes: classes(&["late", "early", "on time"]),
        costs: vec![vec![0.0, 7.0, 5.5], vec![1.0, 0.0, 0.5], vec![2.0, 0.25, 0.0]],
    })
}

fn sure(predicted: &[u8]) -> Vec<f32> {
    let one = |class: &u8| (0..3).map(|other| if other == *class { 0.8 } else { 0.1 }).collect::<Vec<f32>>();
    predicted.iter().flat_map(one).collect()
}

/// The oracle: the measure before and after from the confusion tables, subtracted.
#[test]
fn the_changes_of_rows_add_up_to_the_change_of_the_measure() {
    let names = classes(&["early", "on time", "late"]);
    let mut random = Seed(3).stream("measures", 0);
    for trial in 0..40 {
        let rows = random.random_range(5..200);
        // Sometimes a class does not occur.
        let last = if trial % 4 == 0 { 2 } else { 3 };
        let mut draw = |most: u8| -> Vec<u8> { (0..rows).map(|_| random.random_range(0..most)).collect() };
        let (labels, before, after) = (draw(last), draw(3), draw(3));
        let (old, new) = (
            metrics(&labels, &sure(&before), &names).unwrap(),
            metrics(&labels, &sure(&after), &names).unwrap(),
        );
        let recall = Metric::Recall("on time".to_owned());
        for metric in [Metric::Accuracy, Metric::BalancedAccuracy, Metric::MacroF1, recall, costs()] {
            let worth = metric.worth(&labels, &before, &after, &names).unwrap();
            let sum: i64 = worth.changes(&labels, &before, &after).iter().sum();
            let change = worth.unit() * sum as f64 / f64::from(rows);
            let (Some(start), Some(end)) = (metric.value(&old), metric.value(&new)) else {
                assert_eq!(sum, 0);
                continue;
            };
            let expected = match &metric {
                Metric::Cost(table) => (start - end) / table.dearest(),
                _ => end - start,
            };
            // Whole numbers of a thousandth of the largest weight.
            let largest = worth.unit() * worth.largest() as f64;
            assert!((change - expected).abs() <= 0.001 * largest, "{metric:?}: {change} {expected}");
        }
    }
}

/// 900 rows on time, 100 late: late orders are found better, at the price of more rows on time.
fn late_for_on_time() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let labels: Vec<u8> = (0..1_000).map(|row| u8::from(row >= 900)).collect();
    let before = (0..1_000).map(|row| u8::from(row >= 980)).collect();
    let after = (0..1_000).map(|row| u8::from(!(60..940).contains(&row))).collect();
    (labels, before, after)
}

fn verdict(metric: Metric, matters: &[&str]) -> (Verdict, String, Option<String>, bool) {
    let names = classes(&["on time", "late"]);
    let (labels, before, after) = late_for_on_time();
    let rows = Rows {
        set: RowSet::Test,
        labels: &labels,
        groups: None,
        classes: &names,
    };
    let settings = EvaluationSettings {
        metric,
        matters: classes(matters),
        ..settings()
    };
    let found = judge(
        vec![compare(&rows, &saying(&before), &saying(&after), &settings).unwrap()],
        &settings,
    )
    .unwrap();
    let losses = losses_in_words(&found[0]);
    let protected = found[0].losing_classes.iter().any(|class| class.protected);
    (found[0].verdict, found[0].sentence.clone(), losses, protected)
}

#[test]
fn the_measure_that_counts_makes_the_verdict() {
    let (by_accuracy, _, losses, protected) = verdict(Metric::Accuracy, &[]);
    assert_eq!(by_accuracy, Verdict::NoChangeDetected);
    assert!(protected && losses.unwrap().contains("\"on time\" is now found 93.3 %"));
    let (by_recall, sentence, losses, protected) = verdict(Metric::Recall("late".to_owned()), &[]);
    assert_eq!(by_recall, Verdict::Better);
    assert!(
        sentence.starts_with("Better: on the same 1,000 test rows recall of \"late\" rose from 20.0 % to 60.0 % (+40.0 points"),
        "{sentence}"
    );
    assert!(sentence.contains("accuracy -2.0 points"), "{sentence}");
    // The lost class is told, and does not decide unless it matters.
    assert!(losses.is_some() && !protected);
    assert!(verdict(Metric::Recall("late".to_owned()), &["on time"]).3);
    assert!(!verdict(Metric::Accuracy, &["late"]).3);
    for metric in [Metric::BalancedAccuracy, Metric::MacroF1] {
        assert_eq!(verdict(metric, &[]).0, Verdict::Better);
    }
    let cheap = |late: f64| {
        Metric::Cost(CostTable {
            file: "costs.csv".to_owned(),
            classes: classes(&["on time", "late"]),
            costs: vec![vec![0.0, 1.0], vec![late, 0.0]],
        })
    };
    let (dear, sentence, ..) = verdict(cheap(10.0), &[]);
    assert_eq!(dear, Verdict::Better);
    // 80 late orders missed at 10 a piece before; 40, and 60 false alarms at 1, after.
    assert!(
        sentence.contains("mean cost of a prediction (costs.csv) fell from 0.8000 to 0.4600 (0.3400 saved"),
        "{sentence}"
    );
    assert_eq!(verdict(cheap(0.1), &[]).0, Verdict::Worse);
}

#[test]
fn a_class_that_no_row_has_or_the_model_does_not_know() {
    let names = classes(&["on time", "late"]);
    let rows = Rows {
        set: RowSet::Test,
        labels: &[0; 50],
        groups: None,
        classes: &names,
    };
    let of = |metric| EvaluationSettings { metric, ..settings() };
    let recall = of(Metric::Recall("late".to_owned()));
    let found = judge(
        vec![compare(&rows, &saying(&[0; 50]), &saying(&[1; 50]), &recall).unwrap()],
        &recall,
    )
    .unwrap();
    assert_eq!(found[0].verdict, Verdict::NoChangeDetected);
    assert!(
        found[0].sentence.contains("cannot be told from these rows"),
        "{}",
        found[0].sentence
    );
    let unknown = of(Metric::Recall("lost".to_owned()));
    let error = compare(&rows, &saying(&[0; 50]), &saying(&[1; 50]), &unknown).unwrap_err();
    assert!(
        error.to_string().contains("`lost`") && error.hint_text().is_some_and(|hint| hint.contains("on time, late")),
        "{error}"
    );
    assert!(costs().check(&classes(&["on time", "late"])).is_ok());
    assert!(costs().check(&classes(&["on time", "lost"])).is_err());
}
