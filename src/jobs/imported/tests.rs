//! ASSD on an imported network against PyTorch in double precision (`examples/onnx/assd_golden.py`).

use std::path::PathBuf;

use serde_json::Value as Json;

use super::*;
use crate::label_errors::flags::{FlagCounts, ResolvedFlag};
use crate::learner::{Compute, Statistic};
use crate::nn::ImportanceKind;
use crate::onnx::Layers;
use crate::progress::Silent;
use crate::tables::Table;

const ROWS: usize = 2400;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx").join(name)
}

/// The rows of the script, by the same formulas.
fn sheet() -> (Table, Vec<u32>) {
    let mut columns: Vec<Vec<Option<f64>>> = vec![Vec::new(); 4];
    let (mut labels, mut wrong) = (Vec::new(), Vec::new());
    for row in 0..ROWS {
        let number = row as f64;
        let x: Vec<f64> = (0..4)
            .map(|column| f64::from((number * (0.7 + 0.31 * f64::from(column)) + f64::from(column)).sin() as f32))
            .collect();
        let truth = usize::from(x[0] + 0.5 * x[1] > 0.0) + usize::from(x[2] > 0.3);
        let is_wrong = truth == 2 && x[3] > 0.2;
        if is_wrong {
            wrong.push(row as u32);
        }
        labels.push(Some(["early", "on time", "late"][if is_wrong { 1 } else { truth }].to_owned()));
        columns.iter_mut().zip(x).for_each(|(column, value)| column.push(Some(value)));
    }
    let mut table = Table::new("train.csv", ROWS);
    for (name, column) in ["a", "b", "c", "d"].iter().zip(columns) {
        table = table.with_numbers(name, column).unwrap();
    }
    (table.with_column("status", labels).unwrap(), wrong.into_iter().step_by(2).collect())
}

fn flags(imported: &Imported, places: &[u32]) -> ResolvedFlags {
    let table = sheet().0;
    let plan = SheetPlan {
        label: "status".to_owned(),
        ..SheetPlan::default()
    };
    let mut flags = ResolvedFlags::none(&imported.index(&table, &plan).unwrap());
    flags.training = places
        .iter()
        .map(|place| ResolvedFlag {
            position: *place,
            name: format!("row {}", place + 2),
            sheet_row: *place as usize + 2,
            observed: imported.rows.labels[*place as usize],
            correction: None,
            flag: usize::MAX,
        })
        .collect();
    flags.counts = FlagCounts {
        used: places.len(),
        ..flags.counts
    };
    flags
}

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

/// Relative to the largest of all.
fn close(one: &[f64], other: &[f64], what: &str) {
    assert_eq!(one.len(), other.len(), "{what}");
    let scale = other.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    for (place, (one, other)) in one.iter().zip(other).enumerate() {
        assert!((one - other).abs() <= 1e-4 * scale, "{what}, value {place}: {one} and {other}");
    }
}

#[test]
fn assd_dampens_what_pytorch_says_to_the_values_that_it_says() {
    let golden: Json = serde_json::from_slice(&std::fs::read(fixture("assd.json")).unwrap()).unwrap();
    let (table, places) = sheet();
    assert_eq!(places.len() as u64, golden["flagged"].as_u64().unwrap());
    let plan = SheetPlan {
        label: "status".to_owned(),
        ..SheetPlan::default()
    };
    let model = Model::read(&fixture("assd.onnx"), &Layers::default()).unwrap();
    let imported = Imported::new(&model, &table, &plan, 1, &mut Notes::new()).unwrap();
    let names: Vec<String> = imported.network.tensors().into_iter().map(|tensor| tensor.name).collect();
    assert_eq!(names, serde_json::from_value::<Vec<String>>(golden["names"].clone()).unwrap());
    let rows = Rows::table(&imported.rows.encoded.values, 4, &imported.rows.labels);
    let kind = Statistic::Importance(ImportanceKind::SquaredBatchGradient);
    let forget = imported
        .network
        .measure(kind, (&rows, &places), 1024, Compute::from(1), &Silent::default())
        .unwrap();
    close(&forget, &numbers(&golden["forget"]), "importances of the flagged rows");
    let kept: Vec<Vec<u32>> = (0..ROWS as u32)
        .collect::<Vec<_>>()
        .chunks(1024)
        .map(|batch| batch.iter().filter(|row| places.binary_search(row).is_err()).copied().collect())
        .collect();
    let reference = imported
        .network
        .measure_in_batches(&rows, &kept, Compute::from(1), &Silent::default())
        .unwrap();
    close(&reference, &numbers(&golden["reference"]), "importances of the others");
    let job = ImportedJob {
        imported: &imported,
        model_name: "assd.onnx".to_owned(),
        data: ("train.csv".to_owned(), String::new()),
        flags: &flags(&imported, &places),
        test: None,
        validation: None,
        auto: false,
        methods: methods("assd", false, &mut Notes::new()).unwrap(),
        retrain: None,
        options: RepairOptions::default(),
        learning_rate: 0.001,
        settings: EvaluationSettings {
            minimum_effect: 0.001,
            significance: 0.05,
            resamples: 100,
            group_column: None,
            seed: 1,
            metric: crate::evaluate::Metric::Accuracy,
            matters: Vec::new(),
        },
        command: String::new(),
        threads: 1,
    };
    let repaired = run(&job, &mut Notes::new(), &Silent::default()).unwrap();
    let dampening = repaired.record.methods[0].dampening.as_ref().unwrap();
    let (alpha, percentile) = (golden["alpha"].as_f64().unwrap(), golden["percentile"].as_f64().unwrap());
    assert!((dampening.alpha - alpha).abs() <= 1e-4 * alpha, "{} and {alpha}", dampening.alpha);
    assert!((dampening.percentile.unwrap() - percentile).abs() < 1e-6);
    let before = imported.network.parameters();
    let after: Vec<f64> = repaired.network.parameters().iter().map(|value| f64::from(*value)).collect();
    let dampened: Vec<usize> = (0..after.len())
        .filter(|place| after[*place] != f64::from(before[*place]))
        .collect();
    assert_eq!(dampened, serde_json::from_value::<Vec<usize>>(golden["dampened"].clone()).unwrap());
    close(&after, &numbers(&golden["after"]), "values after");
}
