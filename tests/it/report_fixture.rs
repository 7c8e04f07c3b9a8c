//! Made-up records for looking at reports: figures that hang together, but measured nowhere.

use std::collections::BTreeMap;

use recant::evaluate::record::*;
use recant::notes::Notes;

pub use super::report_fixture_hostile::{HOSTILE, hostile};
pub use super::report_fixture_training::{bare_training, hostile_training, training};

/// A repair with everything a report can show: four methods, groups, flagged test rows, dampening, leakage, warnings.
pub fn rich() -> RepairRecord {
    let classes = ["early", "on time", "late"];
    let before = metrics(&classes, &[&[2310, 420, 128], &[402, 1510, 318], &[96, 290, 6424]]);
    let better = metrics(&classes, &[&[2380, 371, 107], &[331, 1622, 277], &[88, 239, 6483]]);
    let same = metrics(&classes, &[&[2309, 421, 128], &[400, 1511, 319], &[97, 289, 6424]]);
    let worse = metrics(&classes, &[&[2201, 480, 177], &[450, 1402, 378], &[130, 340, 6340]]);
    let mut assd = method(
        "assd",
        "ASSD (adaptive dampening)",
        "Weakens the parameters that matter far more for the flagged rows than for the rest; needs no tuning and no training data.",
    );
    assd.dampening = Some(dampening());
    assd.test = Some(comparison(&before, &better, (402, 161), Verdict::Better));
    let small_before = metrics(&classes, &[&[2270, 418, 126], &[399, 1480, 310], &[95, 285, 6390]]);
    let small_after = metrics(&classes, &[&[2338, 369, 107], &[330, 1590, 269], &[87, 234, 6449]]);
    assd.test_as_recorded = Some(comparison(&small_before, &small_after, (394, 157), Verdict::Better));
    assd.validation = Some(comparison(&before, &better, (402, 161), Verdict::Better));
    assd.flagged_agreement = Some(BeforeAfter {
        before: 0.612,
        after: 0.184,
    });
    let mut ssd = method(
        "ssd",
        "SSD (selective dampening)",
        "As ASSD, with a cut and a strength that somebody has to choose.",
    );
    ssd.test = Some(comparison(&before, &worse, (120, 441), Verdict::Worse));
    ssd.validation = Some(comparison(&before, &worse, (120, 441), Verdict::Worse));
    ssd.flagged_agreement = Some(BeforeAfter {
        before: 0.612,
        after: 0.151,
    });
    let mut finetune = method("finetune", "Fine-tuning", "One more epoch of training without the flagged rows.");
    finetune.test = Some(comparison(&before, &same, (31, 31), Verdict::NoChangeDetected));
    finetune.validation = Some(comparison(&before, &same, (31, 31), Verdict::NoChangeDetected));
    let mut retrain = method(
        "retrain",
        "Retraining",
        "Training from the same initial weights without the flagged rows.",
    );
    retrain.test = Some(comparison(&before, &better, (455, 214), Verdict::Better));
    retrain.validation = Some(comparison(&before, &better, (455, 214), Verdict::Better));
    RepairRecord {
        record_version: RECORD_VERSION,
        recant_version: "0.0.0-made-up".to_owned(),
        command: "recant repair --model delay-model --flags wrong-rows.csv --data orders.csv --method all --out delay-model-repaired"
            .to_owned(),
        model: model(&classes),
        flags: flags(&[640, 512, 1228]),
        settings: EvaluationSettings {
            minimum_effect: 0.001,
            significance: 0.05,
            resamples: 2000,
            group_column: Some("Order Id".to_owned()),
            seed: 7,
            metric: recant::evaluate::Metric::Accuracy,
            matters: Vec::new(),
        },
        methods: vec![assd, ssd, finetune, retrain],
        chosen: "assd".to_owned(),
        recommendation: Recommendation {
            advice: Some(Advice::Use),
            method: Some("assd".to_owned()),
            reason: "assd had the highest accuracy of the methods that were better on validation rows. Better: accuracy on the same 4,759 validation rows rose from 85.9 % to 87.8 % (+1.9 points, 95 % interval by \"Order Id\" +1.4 to +2.4; p < 0.001 after correction for 4 methods).".to_owned(),
        },
        leakage: Some(leakage()),
        flagged_rows: flagged_rows(60, &classes),
        changed_rows: changed_rows(402, 161, &classes),
        affected: Some(AffectedDomain {
            rule: "Market = LATAM and Shipping Mode = Standard Class, late recorded as on time".to_owned(),
            rows: 1204,
            before: 0.532,
            after: [("assd", 0.768), ("finetune", 0.535), ("retrain", 0.772), ("ssd", 0.481)]
                .into_iter()
                .map(|(name, accuracy)| (name.to_owned(), accuracy))
                .collect(),
        }),
        expansion: Some(expansion(&classes)),
        notes: notes(),
    }
}

/// Seconds for [`rich`].
pub fn timings() -> Timings {
    let methods: BTreeMap<String, f64> = [("assd", 0.21), ("ssd", 0.2), ("finetune", 0.9), ("retrain", 24.7)]
        .into_iter()
        .map(|(name, seconds)| (name.to_owned(), seconds))
        .collect();
    Timings {
        methods,
        stages: vec![
            ("reading".to_owned(), 1.4),
            ("repair".to_owned(), 26.0),
            ("evaluation".to_owned(), 3.1),
        ],
    }
}

/// One method that changed nothing worth telling, without groups, flagged test rows, validation or audit.
pub fn no_change() -> RepairRecord {
    let mut record = rich();
    let classes = ["early", "on time", "late"];
    let before = metrics(&classes, &[&[2310, 420, 128], &[402, 1510, 318], &[96, 290, 6424]]);
    let same = metrics(&classes, &[&[2309, 421, 128], &[400, 1511, 319], &[97, 289, 6424]]);
    let method = &mut record.methods[0];
    method.test = Some(comparison(&before, &same, (31, 31), Verdict::NoChangeDetected));
    method.test_as_recorded = None;
    method.validation = None;
    record.methods.truncate(1);
    record.flags.on_test_rows = 0;
    record.settings.group_column = None;
    if let Some(test) = &mut record.methods[0].test {
        test.groups = None;
        test.difference_by_group = None;
        test.group_p = None;
    }
    record.recommendation = Recommendation {
        advice: Some(Advice::Keep),
        method: None,
        reason: "No recommendation: there are no validation rows to choose by; the model was trained on every training row.".to_owned(),
    };
    record.leakage = Some(Vec::new());
    record.changed_rows = changed_rows(31, 31, &classes);
    record.affected = None;
    record.expansion = None;
    record.notes = Notes::new();
    record
}

/// Nothing flagged, no test rows, one method, no audit.
pub fn bare() -> RepairRecord {
    let mut record = no_change();
    record.methods[0].test = None;
    record.methods[0].flagged_agreement = None;
    let dampening = record.methods[0].dampening.as_mut().unwrap();
    dampening.dampened = 0;
    dampening.zeroed = 0;
    dampening.tensors.iter_mut().for_each(|layer| layer.dampened = 0);
    dampening.ratio_histogram.clear();
    record.model.training_period = None;
    record.model.test_period = None;
    record.flags = FlagSummary {
        file: "empty.csv".to_owned(),
        addressed_by: "key column `Order Item Id`".to_owned(),
        flagged: 0,
        used: 0,
        on_test_rows: 0,
        ignored: Vec::new(),
        with_correction: 0,
        per_class: vec![0, 0, 0],
        share_of_training: 0.0,
    };
    record.flagged_rows.clear();
    record.changed_rows.clear();
    record.leakage = None;
    record
}

/// Forty classes and ten thousand flagged rows.
pub fn large() -> RepairRecord {
    let mut record = rich();
    let names: Vec<String> = (0..40).map(|class| format!("lane {class:02} via Hub {}", class % 7)).collect();
    let classes: Vec<&str> = names.iter().map(String::as_str).collect();
    let table = |shift: usize| -> Vec<Vec<usize>> {
        let cell = |observed: usize, predicted: usize| {
            if observed == predicted {
                200 + 3 * observed + shift
            } else {
                (observed * 7 + predicted * 3) % 5
            }
        };
        (0..40)
            .map(|observed| (0..40).map(|predicted| cell(observed, predicted)).collect())
            .collect()
    };
    let of = |rows: &[Vec<usize>]| metrics(&classes, &rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let before = of(&table(0));
    let mut moved = table(0);
    for (observed, row) in moved.iter_mut().enumerate() {
        let worst = (observed + 1) % 40;
        row[observed] += row[worst];
        row[worst] = 0;
    }
    let after = of(&moved);
    record.model.classes.clone_from(&names);
    record.model.class_shares = vec![1.0 / 40.0; 40];
    record.flags = flags(&[250; 40]);
    record.flagged_rows = flagged_rows(10_000, &classes);
    record.expansion = None;
    record.changed_rows = changed_rows(90, 10, &classes);
    for method in &mut record.methods {
        method.test_as_recorded = None;
        method.validation = None;
        method.test = Some(comparison(&before, &after, (90, 10), Verdict::Better));
    }
    record
}

pub(super) fn method(name: &str, title: &str, description: &str) -> MethodRecord {
    MethodRecord {
        name: name.to_owned(),
        title: title.to_owned(),
        description: description.to_owned(),
        dampening: None,
        test: None,
        test_as_recorded: None,
        whole: None,
        validation: None,
        flagged_agreement: None,
    }
}

pub(super) fn model(classes: &[&str]) -> ModelSummary {
    ModelSummary {
        name: "delay-model".to_owned(),
        network: "3x100".to_owned(),
        parameters: 24_103,
        inputs: 28,
        classes: classes.iter().map(|class| (*class).to_owned()).collect(),
        profile: "dataco".to_owned(),
        data_file: "orders.csv".to_owned(),
        data_sha256: "0123456789abcdef".repeat(4),
        training_rows: 47_593,
        training_period: Some(("2015-01-01T00:00:00".to_owned(), "2017-03-14T00:00:00".to_owned())),
        test_period: Some(("2017-03-14T08:30:00".to_owned(), "2018-01-31T00:00:00".to_owned())),
        class_shares: vec![0.238, 0.188, 0.574],
        seed: 42,
    }
}

pub(super) fn flags(per_class: &[usize]) -> FlagSummary {
    let used: usize = per_class.iter().sum();
    FlagSummary {
        file: "wrong-rows.csv".to_owned(),
        addressed_by: "key column `Order Item Id`".to_owned(),
        flagged: used + 127,
        used,
        on_test_rows: 93,
        ignored: vec![
            IgnoredFlags {
                reason: "not in the training sheet".to_owned(),
                count: 19,
                examples: vec!["999001".to_owned(), "999002".to_owned(), "O-17".to_owned()],
            },
            IgnoredFlags {
                reason: "in the sheet, but filtered out of training".to_owned(),
                count: 15,
                examples: vec!["180311".to_owned()],
            },
        ],
        with_correction: 0,
        per_class: per_class.to_vec(),
        share_of_training: used as f64 / 47_593.0,
    }
}

pub(super) fn dampening() -> Dampening {
    // A bell around 0.3 with a thin right tail beyond the cut.
    let ratio_histogram: Vec<RatioBin> = (0..44)
        .map(|place| {
            let low = -3.0 + 0.125 * f64::from(place);
            let bell = 2400.0 * (-(low + 0.5).powi(2) / 0.5).exp() + 30.0 * (-(low - 1.2).powi(2) / 0.4).exp();
            RatioBin {
                low,
                high: low + 0.125,
                count: bell as usize,
            }
        })
        .collect();
    let tensors = [
        ("layers.0.linear.weight", 2800, 9),
        ("layers.0.linear.bias", 100, 0),
        ("layers.0.norm.weight", 100, 1),
        ("layers.1.linear.weight", 10_000, 71),
        ("layers.1.linear.bias", 100, 0),
        ("layers.2.linear.weight", 10_000, 132),
        ("layers.2.linear.bias", 100, 0),
        ("head.weight", 300, 17),
        ("head.bias", 3, 1),
    ];
    Dampening {
        importance: "squared batch gradient".to_owned(),
        reference: "retain set on the original batches".to_owned(),
        percentile: Some(98.2082),
        alpha: 4.731,
        lambda: 1.0,
        parameters: 24_103,
        dampened: 231,
        zeroed: 2,
        selected: 240,
        tensors: tensors
            .into_iter()
            .map(|(tensor, parameters, dampened)| TensorDampening {
                tensor: tensor.to_owned(),
                parameters,
                dampened,
            })
            .collect(),
        ratio_histogram,
    }
}

pub(super) fn leakage() -> Vec<LeakageFinding> {
    vec![
        LeakageFinding {
            column: "Late_delivery_risk".to_owned(),
            kind: "near-copy".to_owned(),
            evidence: "equals 1 in 100.0 % of the rows labelled late and 0 in all others".to_owned(),
            accuracy: Some(BeforeAfter {
                before: 0.578,
                after: 0.869,
            }),
            dropped: false,
        },
        LeakageFinding {
            column: "shipping date (DateOrders)".to_owned(),
            kind: "pair".to_owned(),
            evidence: "minus `order date (DateOrders)` it equals the real shipping days in every row".to_owned(),
            accuracy: None,
            dropped: true,
        },
    ]
}

pub(super) fn notes() -> Notes {
    let mut notes = Notes::new();
    notes.add(
        "mixed-dates",
        "Column `shipping date (DateOrders)` mixes real dates (41,020 rows) with text (18,471 rows); Excel swaps day and month that way.",
        "The text was read as month/day/year, and the swapped dates were swapped back.",
    );
    notes.add(
        "leaking-column",
        "Column `Late_delivery_risk` nearly determines the label and is used by the model.",
        "Nothing: the profile `dataco-paper` keeps it so that published figures can be compared.",
    );
    notes
}

pub(super) fn expansion(classes: &[&str]) -> ExpansionRecord {
    let rows = flagged_rows(90, classes).into_iter().map(|row| FlaggedRow {
        key: format!("7{}", row.key),
        correction: Some(classes[2].to_owned()),
        ..row
    });
    ExpansionRecord {
        sentence: "84 % of the flagged rows: `Market` = LATAM and `Shipping Mode` = Standard Class, recorded on time though the model without them says late; 90 more rows like these".to_owned(),
        shared: Vec::new(),
        rules: vec![ExpansionRule {
            conditions: "`Market` = LATAM and `Shipping Mode` = Standard Class".to_owned(),
            flags: 51,
            rows: 412,
            estimated_wrong: 148.3,
            proposed: 90,
            expected_precision: Some(0.942),
        }],
        expected_precision: Some(0.942),
        contradictions: 12,
        proposed: 84,
        doubtful: 31,
        doubtful_taken: 9,
        rows: rows.collect(),
    }
}

fn flagged_rows(rows: usize, classes: &[&str]) -> Vec<FlaggedRow> {
    (0..rows)
        .map(|row| FlaggedRow {
            key: format!("{}", 10_001 + row * 37),
            row: Some(2 + row * 37),
            observed: classes[row % classes.len()].to_owned(),
            correction: None,
            before: classes[row % classes.len()].to_owned(),
            before_probability: 0.5 + (row % 49) as f64 / 100.0,
            after: classes[(row + usize::from(row % 3 > 0)) % classes.len()].to_owned(),
            after_probability: 0.4 + (row % 31) as f64 / 60.0,
        })
        .collect()
}

fn changed_rows(fixed: usize, broken: usize, classes: &[&str]) -> Vec<ChangedRow> {
    (0..fixed + broken)
        .map(|row| {
            let (right, wrong) = (
                classes[row % classes.len()].to_owned(),
                classes[(row + 1) % classes.len()].to_owned(),
            );
            let is_fixed = row < fixed;
            ChangedRow {
                key: format!("{}", 170_001 + row * 3),
                row: Some(150_000 + row * 3),
                observed: right.clone(),
                before: if is_fixed { wrong.clone() } else { right.clone() },
                after: if is_fixed { right } else { wrong },
                fixed: is_fixed,
                flagged: row % 40 == 3,
            }
        })
        .collect()
}

pub(super) fn metrics(classes: &[&str], confusion: &[&[usize]]) -> Metrics {
    let rows: usize = confusion.iter().map(|row| row.iter().sum::<usize>()).sum();
    let right: usize = (0..classes.len()).map(|class| confusion[class][class]).sum();
    let accuracy = right as f64 / rows as f64;
    let half = 1.96 * (accuracy * (1.0 - accuracy) / rows as f64).sqrt();
    let per_class: Vec<ClassMetrics> = classes
        .iter()
        .enumerate()
        .map(|(class, name)| {
            let of_class: usize = confusion[class].iter().sum();
            let predicted: usize = confusion.iter().map(|row| row[class]).sum();
            let recall = confusion[class][class] as f64 / of_class as f64;
            let precision = confusion[class][class] as f64 / predicted as f64;
            ClassMetrics {
                name: (*name).to_owned(),
                rows: of_class,
                precision: (predicted > 0).then_some(precision),
                recall: Some(recall),
                f1: (predicted > 0).then(|| 2.0 * precision * recall / (precision + recall).max(1e-9)),
            }
        })
        .collect();
    let mean = |of: &dyn Fn(&ClassMetrics) -> f64| per_class.iter().map(of).sum::<f64>() / per_class.len() as f64;
    let calibration = (6..15)
        .map(|bin| {
            let confidence = (f64::from(bin) + 0.5) / 15.0;
            CalibrationBin {
                rows: 100 + (bin as usize).pow(3),
                confidence,
                accuracy: (confidence - (1.0 - accuracy) * (1.0 - confidence) * 3.0).clamp(0.0, 1.0),
            }
        })
        .collect();
    Metrics {
        accuracy: Interval {
            estimate: accuracy,
            low: accuracy - half,
            high: accuracy + half,
        },
        balanced_accuracy: mean(&|class| class.recall.unwrap()),
        macro_f1: mean(&|class| class.f1.unwrap_or(0.0)),
        log_loss: 1.4 * (1.0 - accuracy) + 0.2,
        calibration_error: (1.0 - accuracy) * 0.3,
        calibration,
        classes: per_class,
        confusion: confusion.iter().map(|row| row.to_vec()).collect(),
    }
}

pub(super) fn comparison(before: &Metrics, after: &Metrics, (fixed, broken): (usize, usize), verdict: Verdict) -> Comparison {
    let rows: usize = before.confusion.iter().flatten().sum();
    let estimate = after.accuracy.estimate - before.accuracy.estimate;
    let half = 1.96 * ((fixed + broken) as f64).sqrt() / rows as f64;
    let around = |half: f64| Interval {
        estimate,
        low: estimate - half,
        high: estimate + half,
    };
    let p = if verdict == Verdict::NoChangeDetected { 0.899 } else { 3.2e-9 };
    let (start, end) = (before.accuracy.estimate * 100.0, after.accuracy.estimate * 100.0);
    let (low, high) = ((estimate - half * 1.7) * 100.0, (estimate + half * 1.7) * 100.0);
    let told = recant::evaluate::words::count(rows);
    let figures = format!(
        "{:+.1} points, 95 % interval by \"Order Id\" {low:+.1} to {high:+.1}; {fixed} rows fixed, {broken} broken",
        end - start
    );
    let sentence = match verdict {
        Verdict::NoChangeDetected | Verdict::CannotBeJudged => {
            format!("No change detected: accuracy on the same {told} test rows stayed at {end:.1} % ({figures}; p = 0.90).")
        }
        Verdict::Better => {
            format!("Better: accuracy on the same {told} test rows rose from {start:.1} % to {end:.1} % ({figures}; p < 0.001).")
        }
        Verdict::Worse => {
            format!("Worse: accuracy on the same {told} test rows fell from {start:.1} % to {end:.1} % ({figures}; p < 0.001).")
        }
    };
    Comparison {
        rows,
        groups: Some(4343),
        before: before.clone(),
        after: after.clone(),
        difference: around(half),
        difference_by_group: Some(around(half * 1.7)),
        mcnemar: McNemarRecord { fixed, broken, p },
        group_p: Some(p * 1.1),
        measured: None,
        p_holm: (p * 4.0).min(1.0),
        verdict,
        sentence,
        cautions: Vec::new(),
        losing_classes: Vec::new(),
    }
}
