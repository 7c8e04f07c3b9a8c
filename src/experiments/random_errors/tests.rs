//! What is this study's own: its tables, growth, records that cannot be. The runner's tests are with the runner.

use std::fs;
use std::path::Path;

use super::record::{ChunkRecords, Dampening, Record, Row};
use super::settings::tests::small;
use super::*;
use crate::error::Result;
use crate::evaluate::record::EvaluationSettings;
use crate::experiments::{Computed, Done, Engine, RunFolder, Study, Timings, Unit, run};
use crate::notes::Notes;
use crate::progress::{Progress, Silent};

/// Gives every scenario its own numbers.
struct Arithmetic;

impl Engine<Settings> for Arithmetic {
    fn compute(&mut self, unit: &Unit<Chunk>, _folder: &RunFolder<Settings>, _progress: &dyn Progress) -> Result<Computed<Record>> {
        let chunk = &unit.key;
        let mut records = ChunkRecords::default();
        for run in chunk.runs.clone() {
            for (place, method) in [BASELINE, "retrain", "assd"].into_iter().enumerate() {
                for split in Split::ALL {
                    records.rows.push(Row {
                        run,
                        init: 0,
                        method: method.to_owned(),
                        split,
                        rows: 1000,
                        right: 800 + run * 7 + place as u32 + chunk.cell.error as u32,
                        flagged: 10,
                        mislabelled: 10,
                        flagged_right: (split == Split::Train).then_some(run),
                        flagged_as_observed: (split == Split::Train).then_some(1),
                        learning_rate: 0.03,
                        weight_decay: 1.0 / 3.0,
                        parameters: 9,
                        dampening: (method == "assd").then_some(Dampening {
                            percentile: Some(99.3),
                            alpha: 0.1 + f64::from(run),
                            lambda: 1.0,
                            dampened: 2,
                        }),
                    });
                }
            }
        }
        Ok(Computed {
            records: records.into(),
            timings: Timings::default(),
        })
    }
}

fn compute(path: &Path, settings: &Settings) -> Done {
    let mut notes = Notes::new();
    let folder = RunFolder::create_or_resume(path, settings, None, &mut notes).unwrap();
    run(&folder, None, &mut Arithmetic, &Silent::default(), &mut notes).unwrap()
}

fn outputs(path: &Path) -> Vec<Vec<u8>> {
    ["records.csv", "records.parquet"]
        .iter()
        .map(|name| fs::read(path.join(name)).unwrap())
        .collect()
}

#[test]
fn a_batch_that_grows_keeps_what_it_has_and_equals_one_begun_large() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let old = small();
    compute(&path, &old);
    let mut more = old.clone();
    more.sizes[1].runs = 9;
    more.errors.push("20%".to_owned());
    let done = compute(&path, &more);
    // Kept: 7 scenarios of the first size and the 3 of the second that filled a whole chunk, at three rates.
    assert_eq!((done.found, done.computed), (30, 4 * (7 + 9) - 30));
    let whole = place.path().join("whole");
    compute(&whole, &more);
    assert_eq!(outputs(&path), outputs(&whole));
}

#[test]
fn the_csv_and_the_parquet_file_hold_the_same_rows() {
    use polars::prelude::*;
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    compute(&path, &small());
    let file = fs::File::open(path.join("records.parquet")).unwrap();
    let frame = polars_io::parquet::read::ParquetReader::new(file).finish().unwrap();
    let text = fs::read_to_string(path.join("records.csv")).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(
        lines[0],
        frame.get_column_names().iter().map(|name| name.as_str()).collect::<Vec<_>>()
    );
    assert_eq!(lines.len() - 1, frame.height());
    assert_eq!(frame.height(), 33 * 3 * 2);
    let accuracy = lines[0].iter().position(|name| *name == "accuracy").unwrap();
    let alpha = lines[0].iter().position(|name| *name == "alpha").unwrap();
    let accuracies = frame.column("accuracy").unwrap().f64().unwrap();
    let alphas = frame.column("alpha").unwrap().f64().unwrap();
    for row in 0..frame.height() {
        assert_eq!(lines[row + 1][accuracy].parse::<f64>().unwrap(), accuracies.get(row).unwrap());
        assert_eq!(lines[row + 1][alpha].parse::<f64>().ok(), alphas.get(row));
    }
}

/// Records that carry a right checksum and yet cannot be.
#[test]
fn forged_records_are_named_and_count_as_missing_wherever_they_are_read() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    compute(&path, &small());
    let folder = RunFolder::<Settings>::open(&path).unwrap();
    let unit = &folder.units().unwrap()[0];
    let whole = folder.records(unit).unwrap().unwrap();
    let forged = |change: &dyn Fn(&mut Vec<Record>)| {
        let mut records = whole.clone();
        change(&mut records);
        folder.write_unit(unit, &records, &Timings::default()).unwrap();
        let error = folder.records(unit).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let mut notes = Notes::new();
        let judging = Judging {
            others: Vec::new(),
            evaluation: EvaluationSettings {
                minimum_effect: 0.001,
                significance: 0.05,
                resamples: 200,
                group_column: None,
                seed: 1,
                metric: crate::evaluate::Metric::Accuracy,
                matters: Vec::new(),
            },
        };
        Settings::summarise(&folder, &judging, &mut notes).unwrap();
        assert!(notes.has("damaged-records") && notes.has("batch-unfinished"));
        error.to_string()
    };
    let row = |records: &mut Vec<Record>, change: &dyn Fn(&mut Row)| match &mut records[3] {
        Record::Row(row) => change(row),
        Record::Sweep(_) => panic!("a row"),
    };
    assert!(forged(&|records| row(records, &|row| row.right = row.rows + 1)).contains("cannot be"));
    assert!(forged(&|records| row(records, &|row| row.rows -= 1)).contains("cannot be"));
    assert!(forged(&|records| row(records, &|row| row.mislabelled = row.flagged + 1)).contains("cannot be"));
    assert!(forged(&|records| row(records, &|row| row.run = 3)).contains("scenario 3"));
    assert!(forged(&|records| row(records, &|row| row.init = 1)).contains("scenario 0"));
    assert!(forged(&|records| row(records, &|row| row.run = 99)).contains("scenario 99"));
    assert!(forged(&|records| row(records, &|row| row.method = "magic".to_owned())).contains("magic"));
    assert!(forged(&|records| row(records, &|row| row.parameters = 0)).contains("cannot be"));
    assert!(forged(&|records| records.push(records[0].clone())).contains("twice"));
    assert!(forged(&|records| records.truncate(4)).contains("4 of 18 records"));
    assert!(forged(&|records| records.clear()).contains("0 of 18 records"));
}

#[test]
fn a_damaged_search_result_is_named_with_what_to_do() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::create_or_resume(&place.path().join("run"), &small(), None, &mut Notes::new()).unwrap();
    assert_eq!(tuning::read(&folder, "2x5").unwrap(), None);
    for text in ["{", "{}", "\"x\""] {
        folder
            .write("tuning/2x5.json", |writer| {
                writer
                    .write_all(text.as_bytes())
                    .map_err(|error| crate::error::Error::internal(error.to_string()))
            })
            .unwrap();
        let error = tuning::read(&folder, "2x5").unwrap_err();
        assert!(
            error.exit_code() == 2 && error.hint_text().unwrap().contains("delete this file"),
            "{error}"
        );
    }
}
