//! Made-up records of trainings.

use recant::evaluate::record::*;
use recant::evaluate::train_record::*;
use recant::notes::Notes;

use super::report_fixture::*;

/// A training with a search, baselines, left-out rows and a leaking column.
pub fn training() -> TrainRecord {
    let classes = ["early", "on time", "late"];
    let test = metrics(&classes, &[&[2310, 420, 128], &[402, 1510, 318], &[96, 290, 6424]]);
    let majority = metrics(&classes, &[&[0, 1, 2857], &[0, 1, 2229], &[0, 1, 6809]]);
    let logistic = metrics(&classes, &[&[2100, 520, 238], &[502, 1210, 518], &[196, 390, 6224]]);
    let validation = metrics(&classes, &[&[930, 160, 50], &[150, 610, 120], &[40, 110, 2589]]);
    let training = metrics(&classes, &[&[9700, 1300, 320], &[1400, 6700, 840], &[300, 900, 26133]]);
    let rows = |metrics: &Metrics| metrics.confusion.iter().flatten().sum::<usize>();
    let column = |column: &str, role: &str, inputs: usize, why: Option<&str>| ColumnUse {
        column: column.to_owned(),
        role: role.to_owned(),
        inputs,
        why: why.map(str::to_owned),
    };
    let baseline = |name: &str, title: &str, metrics: &Metrics, changed| {
        let mut comparison = comparison(metrics, &test, changed, Verdict::Better);
        comparison.sentence = format!("Better than {title}.");
        BaselineRecord {
            name: name.to_owned(),
            title: title.to_owned(),
            comparison,
        }
    };
    let mut settings = rich().settings;
    settings.minimum_effect = 0.005;
    TrainRecord {
        record_version: TRAIN_RECORD_VERSION,
        recant_version: "0.0.0-made-up".to_owned(),
        command: "recant train orders.csv --profile dataco --trials 10 --out delay-model".to_owned(),
        model: model(&classes),
        split: SplitSummary {
            sheet_rows: rows(&training) + rows(&validation) + rows(&test) + 1271,
            training_rows: rows(&training),
            validation_rows: rows(&validation),
            test_rows: rows(&test),
            rule: "last 20 % by `order date (DateOrders)`, orders kept whole".to_owned(),
            training_period: Some(("2015-01-01T00:00:00".to_owned(), "2017-01-14T00:00:00".to_owned())),
            validation_period: Some(("2017-01-14T00:10:00".to_owned(), "2017-03-14T00:00:00".to_owned())),
            test_period: Some(("2017-03-14T08:30:00".to_owned(), "2018-01-31T00:00:00".to_owned())),
            left_out: vec![LeftOutRows {
                reason: "`Order Status` is not COMPLETE".to_owned(),
                count: 1271,
            }],
        },
        columns: vec![
            column("Shipping Mode", "category", 4, None),
            column("Benefit per order", "number", 1, None),
            column("order date (DateOrders)", "time", 3, None),
            column("Late_delivery_risk", "number", 1, None),
            column("Delivery Status", "dropped", 0, Some("only known after the fact")),
            column("Customer Street", "dropped", 0, Some("people's data")),
            column("Order Item Id", "key", 0, None),
        ],
        training: TrainingSettings {
            most_epochs: None,
            temperature: None,
            epochs: 25,
            learning_rate: 0.0372,
            decay: 0.95,
            weight_decay: 0.00021,
            batch: 1024,
            class_weights: Some(vec![1.4, 1.8, 0.58]),
        },
        search: Some(SearchRecord {
            sampler: "TPE".to_owned(),
            measure: "accuracy on 4,759 validation rows".to_owned(),
            trials: (0..10)
                .map(|trial| SearchTrial {
                    learning_rate: 10f64.powf(-0.5 * f64::from(trial) - 1.0),
                    weight_decay: 10f64.powf(-0.4 * f64::from(trial) - 1.0),
                    score: (trial != 3).then(|| 0.86 - 0.004 * f64::from(trial - 2).powi(2)),
                })
                .collect(),
            chosen: 2,
        }),
        epochs: (1..=25)
            .map(|epoch| EpochRecord {
                epoch,
                learning_rate: 0.0372 * 0.95f64.powi(epoch as i32 - 1),
                loss: 0.31 + 0.7 * (-0.3 * epoch as f64).exp(),
                validation_accuracy: None,
            })
            .collect(),
        settings,
        training_metrics: training,
        validation: Some(validation),
        baselines: vec![
            baseline("majority", "always answering \"late\"", &majority, (3900, 430)),
            baseline("logistic-regression", "a logistic regression", &logistic, (900, 190)),
        ],
        usefulness: UsefulnessRecord {
            usefulness: Usefulness::Useful,
            sentence: "This model is useful. Better than always answering \"late\": 86.1 % against 57.2 % of the same 11,898 test rows right (+28.9 points, 95 % interval by \"Order Id\" +27.5 to +30.2; p < 0.001 after correction for 2 comparisons).".to_owned(),
            balanced_accuracy: Some(Interval {
                estimate: test.balanced_accuracy,
                low: test.balanced_accuracy - 0.01,
                high: test.balanced_accuracy + 0.01,
            }),
            balanced_accuracy_by_chance: Some(1.0 / 3.0),
        },
        test: Some(test),
        leakage: Some(leakage()),
        notes: notes(),
    }
}

/// A training without test rows, validation rows, search, audit or columns.
pub fn bare_training() -> TrainRecord {
    let mut record = training();
    record.test = None;
    record.validation = None;
    record.baselines.clear();
    record.search = None;
    record.epochs.truncate(1);
    record.columns.clear();
    record.leakage = None;
    record.notes = Notes::new();
    record.split.left_out.clear();
    record.split.test_rows = 0;
    record.split.validation_rows = 0;
    record.split.sheet_rows = record.split.training_rows;
    record.usefulness = UsefulnessRecord::not_evaluated();
    record
}

/// A training with hostile text wherever text comes from the person's files.
pub fn hostile_training() -> TrainRecord {
    let mut record = training();
    let mut next = HOSTILE.iter().cycle().map(|text| (*text).to_owned());
    let mut take = || next.next().unwrap();
    record.model = hostile().model;
    record.command = HOSTILE.join(" ");
    record.split.rule = take();
    record.split.left_out[0].reason = take();
    for column in &mut record.columns {
        column.column = take();
        column.role = take();
        column.why = Some(take());
    }
    if let Some(search) = &mut record.search {
        search.sampler = take();
        search.measure = take();
    }
    for baseline in &mut record.baselines {
        baseline.name = take();
        baseline.title = take();
        baseline.comparison.cautions = vec![take()];
    }
    record.usefulness.sentence = HOSTILE.join(" ");
    for class in &mut record.test.as_mut().unwrap().classes {
        class.name = take();
    }
    for finding in record.leakage.iter_mut().flatten() {
        finding.column = take();
        finding.evidence = take();
    }
    record
}
