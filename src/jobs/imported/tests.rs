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

/// One method, judged by nothing.
fn job<'a>(imported: &'a Imported<'a>, flags: &'a ResolvedFlags, method: &str) -> ImportedJob<'a> {
    ImportedJob {
        imported,
        model_name: "assd.onnx".to_owned(),
        data: ("train.csv".to_owned(), String::new()),
        flags,
        test: None,
        validation: None,
        auto: false,
        methods: methods(method, false, &mut Notes::new()).unwrap(),
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
    let flags = flags(&imported, &places);
    let job = job(&imported, &flags, "assd");
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

/// Three inputs of their own names, of which `mode` takes what it was trained on and nothing else.
fn by_mode(modes: &[&str], days: &[Option<f64>]) -> Table {
    let text = |values: &[&str]| values.iter().map(|value| Some((*value).to_owned())).collect();
    Table::new("orders.csv", modes.len())
        .with_numbers("weight", (0..modes.len()).map(|row| Some(row as f64 / 7.0)).collect())
        .and_then(|table| table.with_column("status", text(&["late", "on time"].repeat(modes.len() / 2))))
        .and_then(|table| table.with_numbers("days", days.to_vec()))
        .and_then(|table| table.with_column("mode", text(modes)))
        .unwrap()
}

fn strict(table: &Table, inputs: &[&str]) -> Result<Vec<f32>> {
    let model = Model::read(&fixture("strict.onnx"), &Layers::default())?;
    let plan = SheetPlan {
        label: "status".to_owned(),
        inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
        ..SheetPlan::default()
    };
    let imported = Imported::new(&model, table, &plan, 1, &mut Notes::new())?;
    probabilities(&imported.network, &imported.rows.encoded, 1)
}

#[test]
fn several_inputs_go_by_their_names_whatever_the_order_of_the_columns() {
    let table = by_mode(&["air", "sea", "road", "sea"], &[Some(1.0), Some(6.0), Some(3.0), Some(0.0)]);
    let wanted = strict(&table, &[]).unwrap();
    assert_eq!(strict(&table, &["weight", "mode", "days"]).unwrap(), wanted);
    assert_eq!(strict(&table, &["mode", "days", "weight"]).unwrap(), wanted);
}

#[test]
fn a_cell_that_a_model_cannot_take_is_named_with_its_row_and_what_to_do() {
    let days = [Some(1.0), Some(6.0), Some(3.0), Some(0.0)];
    let error = strict(&by_mode(&["air", "sea", "rail", "sea"], &days), &[]).unwrap_err();
    assert_eq!(
        (error.row(), error.file()),
        (Some(4), Some(std::path::Path::new("orders.csv"))),
        "{error}"
    );
    assert!(
        error.message().contains("`OneHotEncoder`") && error.message().contains("is given `rail`"),
        "{error}"
    );
    assert!(error.hint_text().is_some(), "{error}");
    let gap = [Some(1.0), None, Some(3.0), Some(0.0)];
    let error = strict(&by_mode(&["air", "sea", "road", "sea"], &gap), &[]).unwrap_err();
    assert_eq!((error.row(), error.column()), (Some(3), Some("days")), "{error}");
}

/// The same model with some of the file's text exchanged for others of the same length.
fn strict_with(from: &str, to: &str, table: &Table, inputs: &[&str]) -> Result<(Vec<f32>, Notes)> {
    assert_eq!(from.len(), to.len());
    let mut bytes = std::fs::read(fixture("strict.onnx")).unwrap();
    for at in 0..bytes.len() - from.len() {
        if &bytes[at..at + from.len()] == from.as_bytes() {
            bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
        }
    }
    let model = Model::from_bytes(bytes)?;
    let plan = SheetPlan {
        label: "status".to_owned(),
        inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
        ..SheetPlan::default()
    };
    let mut notes = Notes::new();
    let imported = Imported::new(&model, table, &plan, 1, &mut notes)?;
    Ok((probabilities(&imported.network, &imported.rows.encoded, 1)?, notes))
}

const DAYS: [Option<f64>; 4] = [Some(1.0), Some(6.0), Some(3.0), Some(0.0)];

/// DataCo's regions end in blanks, and a model that was trained on them knows them so.
#[test]
fn texts_reach_a_model_as_it_knows_them_sign_by_sign() {
    let wanted = strict(&by_mode(&["air", "sea", "road", "sea"], &DAYS), &[]).unwrap();
    let (found, notes) = strict_with("road", "roa ", &by_mode(&["air", "sea", "roa ", "sea"], &DAYS), &[]).unwrap();
    assert_eq!(found, wanted);
    assert!(!notes.has("spelling"));
    // Where a cell is no category sign by sign, the one that it is another spelling of is taken, and told.
    let (found, notes) = strict_with("road", "roa ", &by_mode(&["air", " sea", "roa", "sea"], &DAYS), &[]).unwrap();
    assert_eq!(found, wanted);
    assert!(notes.has("spelling"));
    for (category, cell) in [("1.50", "1.5"), ("True", "TRUE"), ("True", "True")] {
        let (found, notes) = strict_with("road", category, &by_mode(&["air", "sea", cell, "sea"], &DAYS), &[]).unwrap();
        assert_eq!((found, notes.has("spelling")), (wanted.clone(), category != cell), "{cell}");
    }
    // A mark of a missing value is one, unless the model knows it as a category.
    let (found, _) = strict_with("road", "NULL", &by_mode(&["air", "sea", "NULL", "sea"], &DAYS), &[]).unwrap();
    assert_eq!(found, wanted);
    let error = strict(&by_mode(&["air", "sea", "NULL", "sea"], &DAYS), &[]).unwrap_err();
    assert!(error.message().contains("is given a blank"), "{error}");
}

/// scikit-learn's exporter writes `Order Item Total` as `Order_Item_Total`.
#[test]
fn inputs_go_by_names_as_the_exporter_writes_them() {
    let modes = ["air", "sea", "road", "sea"];
    let table = by_mode(&modes, &DAYS);
    let wanted = strict(&table, &[]).unwrap();
    let blanks = table
        .with_numbers("we ght", (0..4).map(|row| Some(f64::from(row) / 7.0)).collect())
        .unwrap();
    let (found, _) = strict_with("weight", "we_ght", &blanks, &["days", "mode", "we ght"]).unwrap();
    assert_eq!(found, wanted);
    // By its place in the sheet an input would take the column that another one is named after.
    let error = strict_with("weight", "mass12", &table, &[]).map(|_| ()).unwrap_err();
    assert!(error.message().contains("would be given the column"), "{error}");
    assert!(
        error.message().contains("`mass12`") && error.hint_text().unwrap().contains("--inputs"),
        "{error}"
    );
}

/// pandas writes truth values as `True`, a sheet shows them as `TRUE`, and scikit-learn's exporter makes them 0 and 1.
#[test]
fn truth_values_are_labels_however_the_model_names_its_classes() {
    for classes in [["0", "1"], ["False", "True"], ["FALSE", "TRUE"], ["on time", "late"]] {
        assert_eq!(
            truths(classes, &["TRUE", "False", "true"]),
            [Some(1), Some(0), Some(1)],
            "{classes:?}"
        );
    }
    assert_eq!(truths(["False", "True"], &["1", "0", "1.0"]), [Some(1), Some(0), Some(1)]);
}

fn truths(classes: [&str; 2], labels: &[&str]) -> Vec<Option<u8>> {
    let cells = labels.iter().map(|label| Some((*label).to_owned())).collect();
    let table = Table::new("train.csv", labels.len()).with_column("status", cells).unwrap();
    let plan = SheetPlan {
        label: "status".to_owned(),
        ..SheetPlan::default()
    };
    rows::labels(&table, &plan, &classes.map(str::to_owned)).unwrap()
}

#[test]
fn the_hint_names_the_columns_that_hold_numbers() {
    let (table, _) = sheet();
    let table = table
        .with_column("key", (0..ROWS).map(|row| Some(format!("K{row}"))).collect())
        .unwrap();
    let model = Model::read(&fixture("assd.onnx"), &Layers::default()).unwrap();
    let plan = SheetPlan {
        label: "status".to_owned(),
        ..SheetPlan::default()
    };
    let error = Imported::new(&model, &table, &plan, 1, &mut Notes::new()).err().unwrap();
    assert!(
        error
            .message()
            .starts_with("the model takes 4 values a row, and the sheet has 5 columns"),
        "{error}"
    );
    assert!(error.hint_text().unwrap().contains("`--inputs \"a,b,c,d\"`"), "{error}");
}

/// The file holds what was judged, down to the last bit.
#[test]
fn a_model_of_half_precision_is_repaired_within_its_precision() {
    let (table, places) = sheet();
    let plan = SheetPlan {
        label: "status".to_owned(),
        ..SheetPlan::default()
    };
    let model = Model::read(&fixture("half.onnx"), &Layers::default()).unwrap();
    let imported = Imported::new(&model, &table, &plan, 1, &mut Notes::new()).unwrap();
    let flags = flags(&imported, &places);
    let job = job(&imported, &flags, "assd");
    let repaired = run(&job, &mut Notes::new(), &Silent::default()).unwrap();
    let after = repaired.network.parameters().to_vec();
    assert_ne!(after, imported.network.parameters());
    let mut rounded = after.clone();
    model.round(&mut rounded);
    assert_eq!(rounded, after);
}

/// A person who names the classes in another order than the outputs' would have the model taught the wrong ones.
#[test]
fn classes_that_are_stated_in_a_wrong_order_are_refused_with_the_right_one() {
    let (table, _) = sheet();
    let model = Model::read(&fixture("assd.onnx"), &Layers::default()).unwrap();
    let read = |classes: &[&str]| {
        let plan = SheetPlan {
            label: "status".to_owned(),
            classes: classes.iter().map(|name| (*name).to_owned()).collect(),
            ..SheetPlan::default()
        };
        let mut notes = Notes::new();
        Imported::new(&model, &table, &plan, 1, &mut notes).map(|_| notes)
    };
    assert!(!read(&["early", "on time", "late"]).unwrap().has("class-order"));
    let error = read(&["late", "early", "on time"]).unwrap_err();
    assert!(error.hint_text().unwrap().contains("`--classes \"early,on time,late\"`"), "{error}");
}

#[test]
fn an_order_of_many_classes_is_told_from_the_most_frequent_pairs() {
    // Output n is label n + 1, with some rows elsewhere.
    let count = 9;
    let pairs: Vec<Vec<usize>> = (0..count)
        .map(|output| {
            (0..count)
                .map(|label| if label == (output + 1) % count { 50 } else { (output + label) % 3 })
                .collect()
        })
        .collect();
    let wanted: Vec<usize> = (0..count).map(|output| (output + 1) % count).collect();
    assert_eq!(rows::likely_order(&pairs), wanted);
    assert_eq!(rows::likely_order(&vec![vec![0; 3]; 3]), [0, 1, 2]);
}
