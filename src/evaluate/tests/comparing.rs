//! Metrics, comparisons and verdicts.

use proptest::prelude::*;

use super::{classes, saying, scene, settings};
use crate::evaluate::record::{Comparison, EvaluationSettings, Interval, Verdict};
use crate::evaluate::*;

fn verdict_on(fixed: usize, broken: usize, right: usize, wrong: usize, settings: &EvaluationSettings) -> Comparison {
    let (labels, before, after) = scene(fixed, broken, right, wrong);
    let rows = Rows {
        set: RowSet::Test,
        labels: &labels,
        groups: None,
        classes: &classes(&["on time", "late"]),
    };
    let unjudged = compare(&rows, &before, &after, settings).unwrap();
    judge(vec![unjudged], settings).unwrap().remove(0)
}

#[test]
fn metrics_match_a_table_worked_by_hand() {
    let names = classes(&["a", "b", "c"]);
    // Predicted: a, a, b, b, a; observed: a, b, b, b, a. Class c never occurs and is never predicted.
    let probabilities = [
        0.8, 0.1, 0.1, //
        0.5, 0.4, 0.1, //
        0.2, 0.7, 0.1, //
        0.0, 1.0, 0.0, //
        0.9, 0.1, 0.0_f32,
    ];
    let found = metrics(&[0, 1, 1, 1, 0], &probabilities, &names).unwrap();
    assert_eq!(found.accuracy.estimate, 0.8);
    assert!((found.balanced_accuracy - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
    assert_eq!(found.confusion, [[2, 0, 0], [1, 2, 0], [0, 0, 0]]);
    assert_eq!(found.classes[0].precision, Some(2.0 / 3.0));
    assert_eq!((found.classes[0].recall, found.classes[1].recall), (Some(1.0), Some(2.0 / 3.0)));
    assert_eq!(
        (found.classes[2].precision, found.classes[2].recall, found.classes[2].f1),
        (None, None, None)
    );
    assert!((found.macro_f1 - 0.8).abs() < 1e-12);
    let log_loss = -(0.8_f64.ln() + 0.4_f64.ln() + 0.7_f64.ln() + 1.0_f64.ln() + 0.9_f64.ln()) / 5.0;
    assert!((found.log_loss - log_loss).abs() < 1e-7);
    // Every row has a bin of its own: 0.8, 0.5, 0.7, 1.0, 0.9 against 1, 0, 1, 1, 1.
    assert!((found.calibration_error - (0.2 + 0.5 + 0.3 + 0.0 + 0.1) / 5.0).abs() < 1e-7);
    assert_eq!(found.calibration.len(), 5);
}

#[test]
fn metrics_agree_with_scikit_learn() {
    let fixture: serde_json::Value = serde_json::from_str(include_str!("../../../tests/fixtures/metrics.json")).unwrap();
    for case in fixture["cases"].as_array().unwrap() {
        let list = |name: &str| case[name].as_array().unwrap();
        let labels: Vec<u8> = list("labels").iter().map(|label| label.as_u64().unwrap() as u8).collect();
        let probabilities: Vec<f32> = list("probabilities").iter().map(|value| value.as_f64().unwrap() as f32).collect();
        let names: Vec<String> = (0..case["classes"].as_u64().unwrap()).map(|class| format!("c{class}")).collect();
        let found = metrics(&labels, &probabilities, &names).unwrap();
        let near = |value: f64, name: &str| {
            assert!(
                (value - case[name].as_f64().unwrap()).abs() < 1e-9,
                "{name}: {value} {}",
                case[name]
            )
        };
        near(found.accuracy.estimate, "accuracy");
        near(found.balanced_accuracy, "balanced_accuracy");
        near(found.macro_f1, "macro_f1");
        near(found.log_loss, "log_loss");
        near(found.calibration_error, "calibration_error");
        for (class, index) in found.classes.iter().zip(0..) {
            let close = |value: Option<f64>, name: &str| match (value, list(name)[index].as_f64()) {
                (Some(value), Some(expected)) => assert!((value - expected).abs() < 1e-12, "{name} of {}", class.name),
                (value, expected) => assert_eq!(value, expected, "{name} of {}", class.name),
            };
            close(class.precision, "precision");
            close(class.recall, "recall");
            assert_eq!(class.rows as u64, list("rows")[index].as_u64().unwrap());
        }
        assert_eq!(serde_json::json!(found.confusion), case["confusion"]);
    }
}

#[test]
fn a_class_that_occurs_but_is_never_predicted_has_f1_zero_and_no_precision() {
    let found = metrics(&[0, 1], &saying(&[0, 0]), &classes(&["a", "b"])).unwrap();
    assert_eq!(
        (found.classes[1].precision, found.classes[1].recall, found.classes[1].f1),
        (None, Some(0.0), Some(0.0))
    );
    assert!((found.macro_f1 - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn a_confident_error_costs_a_finite_log_loss() {
    let found = metrics(&[1], &[1.0, 0.0], &classes(&["a", "b"])).unwrap();
    assert!((found.log_loss + SMALLEST_PROBABILITY.ln()).abs() < 1e-12);
}

#[test]
fn probabilities_that_are_none_are_refused() {
    let names = classes(&["a", "b"]);
    let error = metrics(&[0], &[f32::NAN, 0.5], &names).unwrap_err();
    assert!(error.hint_text().unwrap().contains("--learning-rate"), "{error}");
    assert!(metrics(&[0], &[0.9, 0.9], &names).is_err());
    assert!(metrics(&[0], &[1.5, -0.5], &names).is_err());
    assert!(metrics(&[2], &[0.5, 0.5], &names).is_err());
    assert!(metrics(&[0, 1], &[0.5, 0.5], &names).is_err());
    assert!(metrics(&[0], &[0.5, 0.5, 0.0], &names).is_err());
    assert!(metrics(&[], &[], &names).unwrap_err().message().contains("no rows"));
}

#[test]
fn a_clear_gain_is_called_better_with_its_figures() {
    let found = verdict_on(301, 75, 9_812, 1_710, &settings());
    assert_eq!(found.verdict, Verdict::Better);
    assert_eq!(
        found.sentence,
        "Better: accuracy on the same 11,898 test rows rose from 83.1 % to 85.0 % (+1.9 points, 95 % interval +1.6 to +2.2; \
         301 rows fixed, 75 broken; p < 0.001)."
    );
}

#[test]
fn a_clear_loss_is_called_worse() {
    let found = verdict_on(75, 301, 9_812, 1_710, &settings());
    assert_eq!(found.verdict, Verdict::Worse);
    assert!(
        found
            .sentence
            .starts_with("Worse: accuracy on the same 11,898 test rows fell from 85.0 % to 83.1 % (-1.9 points")
    );
}

#[test]
fn nothing_changed_is_said_so_and_its_interval_has_width() {
    let found = verdict_on(0, 0, 900, 100, &settings());
    assert_eq!(found.verdict, Verdict::NoChangeDetected);
    assert_eq!(
        found.sentence,
        "No change detected: none of the 1,000 test rows went from wrong to right or from right to wrong (accuracy 90.0 %)."
    );
    assert!(
        found.difference.low < -0.000_9 && found.difference.high > 0.000_9,
        "{:?}",
        found.difference
    );
    assert_eq!(found.mcnemar.p, 1.0);
}

#[test]
fn a_real_difference_below_the_minimum_effect_is_no_change() {
    let found = verdict_on(60, 20, 90_000, 9_920, &settings());
    assert_eq!(found.verdict, Verdict::NoChangeDetected);
    assert!(found.p_holm < 0.001);
    assert!(
        found.sentence.contains("(+0.04 points")
            && found
                .sentence
                .ends_with("; the difference is real but smaller than the 0.1 points that count."),
        "{}",
        found.sentence
    );
    let lower = EvaluationSettings {
        minimum_effect: 0.000_4,
        ..settings()
    };
    assert_eq!(verdict_on(60, 20, 90_000, 9_920, &lower).verdict, Verdict::Better);
}

#[test]
fn a_small_difference_that_may_be_larger_says_as_measured() {
    let found = verdict_on(70, 30, 50_000, 5_000, &settings());
    assert_eq!(found.verdict, Verdict::NoChangeDetected);
    assert!(found.difference.high > 0.001 && found.p_holm < 0.001);
    let ending = "; the difference is real, but as measured it is smaller than the 0.1 points that count.";
    assert!(found.sentence.ends_with(ending), "{}", found.sentence);
}

#[test]
fn a_gain_whose_interval_reaches_below_the_minimum_effect_says_so() {
    let found = verdict_on(40, 20, 9_000, 940, &settings());
    assert_eq!(found.verdict, Verdict::Better);
    assert!(
        found
            .sentence
            .ends_with("; the true gain may be smaller than the 0.1 points that count."),
        "{}",
        found.sentence
    );
}

#[test]
fn the_three_ways_of_not_knowing_differ() {
    let narrow = verdict_on(10, 10, 90_000, 9_980, &settings());
    assert!(
        narrow
            .sentence
            .ends_with("; any difference is smaller than the 0.1 points that count."),
        "{}",
        narrow.sentence
    );
    assert!(narrow.sentence.contains("stayed at"));
    let chance = verdict_on(5, 2, 85, 8, &settings());
    assert!(
        chance
            .sentence
            .ends_with("; a difference of this size can be chance on so few rows that differ."),
        "{}",
        chance.sentence
    );
    let open = verdict_on(10, 10, 800, 180, &settings());
    assert!(
        open.sentence
            .ends_with("; a difference of 0.1 points or more is neither shown nor ruled out."),
        "{}",
        open.sentence
    );
}

#[test]
fn many_methods_on_the_same_rows_are_corrected_for() {
    let (labels, before, after) = scene(25, 11, 800, 164);
    let names = classes(&["on time", "late"]);
    let rows = Rows {
        set: RowSet::Test,
        labels: &labels,
        groups: None,
        classes: &names,
    };
    let trusted = vec![Standing::Trusted; labels.len()];
    let alone = compare_sorted(&rows, &trusted, None, &before, &[&after], &settings()).unwrap();
    assert_eq!(alone[0].trusted.as_ref().unwrap().verdict, Verdict::Better);
    let many = compare_sorted(&rows, &trusted, None, &before, &[&after, &before, &after, &before], &settings()).unwrap();
    assert!((many[0].trusted.as_ref().unwrap().p_holm - 4.0 * alone[0].trusted.as_ref().unwrap().p_holm).abs() < 1e-12);
    assert_eq!(many[0].trusted.as_ref().unwrap().verdict, Verdict::NoChangeDetected);
    assert!(
        many[0].trusted.as_ref().unwrap().sentence.contains(
            "after correction for 4 methods); it would pass if it were the only one (p = 0.029), but 4 were tried on the same rows."
        ),
        "{}",
        many[0].trusted.as_ref().unwrap().sentence
    );
}

#[test]
fn rows_of_one_order_do_not_count_as_independent_evidence() {
    // 60 rows fixed and 20 broken, but in orders of 10: 6 orders against 2.
    let (labels, before, after) = scene(60, 20, 800, 120);
    let groups: Vec<u32> = (0..1_000).map(|row| row / 10).collect();
    let names = classes(&["on time", "late"]);
    let with_groups = EvaluationSettings {
        group_column: Some("Order Id".to_owned()),
        ..settings()
    };
    let rows = Rows {
        set: RowSet::Test,
        labels: &labels,
        groups: Some(&groups),
        classes: &names,
    };
    let found = judge(vec![compare(&rows, &before, &after, &with_groups).unwrap()], &with_groups)
        .unwrap()
        .remove(0);
    assert!(found.mcnemar.p < 0.001);
    // Two-sided binomial(8, 1/2) tail of 2: 2 * (1 + 8 + 28) / 256.
    assert!((found.group_p.unwrap() - 0.289_062_5).abs() < 1e-12);
    assert_eq!((found.groups, found.verdict), (Some(100), Verdict::NoChangeDetected));
    let (by_row, by_group) = (found.difference, found.difference_by_group.unwrap());
    assert!(by_group.high - by_group.low > 2.5 * (by_row.high - by_row.low));
    assert!(found.sentence.contains("95 % interval by \"Order Id\""), "{}", found.sentence);
    assert!(
        found.sentence.ends_with("rows of one group are not independent."),
        "{}",
        found.sentence
    );
}

#[test]
fn rows_without_a_group_stand_alone() {
    let (labels, before, after) = scene(30, 5, 60, 5);
    let names = classes(&["on time", "late"]);
    let rows = Rows {
        set: RowSet::Test,
        labels: &labels,
        groups: Some(&[u32::MAX; 100]),
        classes: &names,
    };
    let found = compare(&rows, &before, &after, &settings()).unwrap().comparison;
    assert_eq!(found.groups, Some(100));
    assert!((found.group_p.unwrap() - found.mcnemar.p).abs() < 1e-12);
}

#[test]
fn what_limits_a_verdict_is_said() {
    let (labels, before, after) = scene(9, 0, 40, 1);
    let names = classes(&["on time", "late"]);
    let one_group = vec![7; 50];
    let rows = Rows {
        set: RowSet::Validation,
        labels: &labels,
        groups: Some(&one_group),
        classes: &names,
    };
    let found = judge(vec![compare(&rows, &before, &after, &settings()).unwrap()], &settings())
        .unwrap()
        .remove(0);
    assert_eq!(
        (found.groups, found.group_p, found.verdict),
        (Some(1), Some(1.0), Verdict::NoChangeDetected)
    );
    let cautions = found.cautions.join(" ");
    assert!(cautions.contains("Only 50 validation rows"), "{cautions}");
    assert!(cautions.contains("of class \"late\""), "{cautions}");
    assert!(cautions.contains("one group"), "{cautions}");
}

#[test]
fn settings_out_of_range_are_refused_with_a_hint() {
    let (labels, before, after) = scene(1, 1, 1, 1);
    let names = classes(&["on time", "late"]);
    let rows = Rows {
        set: RowSet::Test,
        labels: &labels,
        groups: None,
        classes: &names,
    };
    let wrong = [
        EvaluationSettings {
            minimum_effect: f64::NAN,
            ..settings()
        },
        EvaluationSettings {
            minimum_effect: -0.1,
            ..settings()
        },
        EvaluationSettings {
            significance: 0.0,
            ..settings()
        },
        EvaluationSettings {
            significance: 1.0,
            ..settings()
        },
        EvaluationSettings {
            resamples: 0,
            ..settings()
        },
    ];
    for settings in wrong {
        assert!(compare(&rows, &before, &after, &settings).unwrap_err().hint_text().is_some());
    }
}

#[test]
fn a_class_that_is_lost_is_told_although_accuracy_rises() {
    // 1,000 rows: 300 on time rows are fixed, and of 200 late ones 150 are no longer found.
    let labels: Vec<u8> = (0..1_000).map(|row| u8::from(row < 200)).collect();
    let before: Vec<u8> = (0..1_000).map(|row| u8::from(row < 500)).collect();
    let after: Vec<u8> = (0..1_000).map(|row| u8::from(row < 50)).collect();
    let names = classes(&["on time", "late"]);
    let rows = Rows {
        set: RowSet::Test,
        labels: &labels,
        groups: None,
        classes: &names,
    };
    let found = judge(
        vec![compare(&rows, &saying(&before), &saying(&after), &settings()).unwrap()],
        &settings(),
    )
    .unwrap()
    .remove(0);
    assert_eq!(found.verdict, Verdict::Better);
    assert_eq!(found.losing_classes.len(), 1);
    assert!(!found.losing_classes[0].never_predicted);
    assert_eq!(
        losses_in_words(&found).unwrap(),
        "\"late\" is now found 25.0 % of the time, 100.0 % before"
    );
    assert!(found.losing_classes[0].protected);
    let same = judge(
        vec![compare(&rows, &saying(&after), &saying(&after), &settings()).unwrap()],
        &settings(),
    )
    .unwrap()
    .remove(0);
    assert_eq!(losses_in_words(&same), None);
}

#[test]
fn fewer_false_alarms_make_up_for_a_class_found_less_often() {
    // Of 200 late rows 100 are found, later 80; of the others 400 were called late, later 10.
    let labels: Vec<u8> = (0..1_000).map(|row| u8::from(row < 200)).collect();
    let before: Vec<u8> = (0..1_000).map(|row| u8::from((100..600).contains(&row))).collect();
    let after: Vec<u8> = (0..1_000).map(|row| u8::from((120..210).contains(&row))).collect();
    let names = classes(&["on time", "late"]);
    let rows = Rows {
        set: RowSet::Test,
        labels: &labels,
        groups: None,
        classes: &names,
    };
    let named = EvaluationSettings {
        matters: classes(&["late"]),
        ..settings()
    };
    for (settings, protected) in [(settings(), false), (named, true)] {
        let compared = compare(&rows, &saying(&before), &saying(&after), &settings).unwrap();
        let found = judge(vec![compared], &settings).unwrap().remove(0);
        assert_eq!((found.verdict, found.losing_classes[0].protected), (Verdict::Better, protected));
        assert_eq!(
            losses_in_words(&found).unwrap(),
            "\"late\" is now found 40.0 % of the time, 50.0 % before"
        );
        let made_up_for = (!protected).then(|| "Where \"late\" is predicted it is right 88.9 % of the time, 20.0 % before.".to_owned());
        assert_eq!(made_up_for_in_words(&found), made_up_for);
    }
}

#[test]
fn test_and_interval_say_the_same() {
    for (fixed, broken) in [(9, 2), (10, 2), (8, 1), (6, 0), (5, 0), (30, 15), (2, 11), (0, 6)] {
        let found = verdict_on(fixed, broken, 400, 100, &settings());
        let interval = found.main_interval();
        let holds_zero = interval.low <= 0.0 && interval.high >= 0.0;
        if found.mcnemar.p >= 0.05 {
            assert!(holds_zero, "{fixed} {broken} {interval:?}");
        }
        assert_eq!(found.verdict == Verdict::NoChangeDetected, holds_zero || found.mcnemar.p >= 0.05);
    }
}

/// Both directions of the same rows, judged; groups of `size` rows that follow each other, none where it is 0.
fn both_ways(counts: (usize, usize, usize, usize), size: usize, settings: &EvaluationSettings) -> [Comparison; 2] {
    let (labels, before, after) = scene(counts.0, counts.1, counts.2, counts.3);
    let groups: Vec<u32> = (0..labels.len()).map(|row| row.checked_div(size).unwrap_or(0) as u32).collect();
    let rows = Rows {
        set: RowSet::Test,
        labels: &labels,
        groups: (size > 0).then_some(&groups),
        classes: &classes(&["on time", "late"]),
    };
    [(&before, &after), (&after, &before)].map(|(before, after)| {
        let unjudged = compare(&rows, before, after, settings).unwrap();
        judge(vec![unjudged], settings).unwrap().remove(0)
    })
}

fn has_signed_zero(interval: Interval) -> bool {
    [interval.estimate, interval.low, interval.high]
        .iter()
        .any(|value| *value == 0.0 && value.is_sign_negative())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn swapping_before_and_after_mirrors_the_comparison(
        counts in (0_usize..40, 0_usize..40, 1_usize..200, 0_usize..200),
        size in 0_usize..6,
        balanced in any::<bool>(),
    ) {
        let few = EvaluationSettings {
            resamples: 200,
            metric: if balanced { Metric::BalancedAccuracy } else { Metric::Accuracy },
            ..settings()
        };
        let [one, two] = both_ways(counts, size, &few);
        prop_assert_eq!(one.p_holm, two.p_holm);
        let mirrored = match two.verdict {
            Verdict::Better => Verdict::Worse,
            Verdict::Worse => Verdict::Better,
            same => same,
        };
        prop_assert_eq!(one.verdict, mirrored);
        for (interval, swapped) in [(one.difference, two.difference), (one.main_interval(), two.main_interval()), (one.counted_interval(), two.counted_interval())] {
            prop_assert_eq!((interval.estimate, interval.low, interval.high), (-swapped.estimate, -swapped.high, -swapped.low));
            prop_assert!(interval.low <= interval.estimate && interval.estimate <= interval.high && interval.low < interval.high);
            prop_assert!(!has_signed_zero(interval) && !has_signed_zero(swapped));
        }
        // Test and interval agree.
        let counted = one.counted_interval();
        match one.verdict {
            Verdict::Better => prop_assert!(counted.low > 0.0),
            Verdict::Worse => prop_assert!(counted.high < 0.0),
            _ if one.p_holm >= 0.05 => prop_assert!(counted.low <= 0.0 && counted.high >= 0.0),
            _ => {}
        }
    }
}
