//! Runs, shards and merges with an arithmetic stand-in for the engine; the engine's own are beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::merge::shard_folders;
use super::record::{ChunkRecords, ChunkTimings, Dampening, Row};
use super::settings::tests::small;
use super::*;
use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::progress::{Progress, Silent};

/// Gives every scenario its own numbers; may stop after some chunks.
#[derive(Default)]
struct Arithmetic {
    chunks: usize,
    prepared: Vec<usize>,
    stop_after: Option<usize>,
}

impl Compute for Arithmetic {
    fn prepare(&mut self, size: usize, _folder: &RunFolder, _progress: &dyn Progress) -> Result<()> {
        self.prepared.push(size);
        Ok(())
    }

    fn compute(&mut self, chunk: &Chunk, _progress: &dyn Progress) -> Result<(ChunkRecords, ChunkTimings)> {
        if self.stop_after == Some(self.chunks) {
            return Err(Error::input("the stand-in was told to stop"));
        }
        self.chunks += 1;
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
        let timings = ChunkTimings {
            seconds: 0.5 * chunk.runs.len() as f64,
            scenarios: chunk.runs.len() as u32,
            threads: 1,
            stages: BTreeMap::new(),
        };
        Ok((records, timings))
    }
}

fn compute(path: &Path, settings: &Settings, shard: Option<Shard>, stop_after: Option<usize>) -> (Result<Done>, Arithmetic) {
    let mut notes = Notes::new();
    let mut work = Arithmetic {
        stop_after,
        ..Arithmetic::default()
    };
    let folder = RunFolder::claim(path, settings, &mut notes).unwrap();
    let done = run(&folder, shard, &mut work, &Silent::default(), &mut notes);
    (done, work)
}

const OUTPUTS: [&str; 2] = ["records.csv", "records.parquet"];

fn outputs(path: &Path) -> Vec<Vec<u8>> {
    OUTPUTS.iter().map(|name| fs::read(path.join(name)).unwrap()).collect()
}

#[test]
fn a_run_stopped_anywhere_goes_on_and_ends_with_the_same_bytes() {
    let place = tempfile::tempdir().unwrap();
    let settings = small();
    let whole = place.path().join("whole");
    assert!(compute(&whole, &settings, None, None).0.unwrap().assembled);
    let chunks = Plan::new(&settings).unwrap().chunks.len();
    for stop in 0..chunks {
        let path = place.path().join(format!("stopped-{stop}"));
        assert!(compute(&path, &settings, None, Some(stop)).0.is_err());
        assert!(!path.join("records.csv").exists());
        let (done, work) = compute(&path, &settings, None, None);
        assert_eq!(work.chunks, chunks - stop, "nothing is computed twice");
        assert!(done.unwrap().assembled);
        assert_eq!(outputs(&path), outputs(&whole));
    }
}

#[test]
fn a_finished_run_started_again_computes_nothing_and_prepares_nothing() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    compute(&path, &small(), None, None).0.unwrap();
    let before = outputs(&path);
    let (done, work) = compute(&path, &small(), None, None);
    assert_eq!(done.unwrap().computed, 0);
    assert!(work.prepared.is_empty());
    assert_eq!(outputs(&path), before);
}

#[test]
fn a_damaged_chunk_is_computed_again() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    compute(&path, &small(), None, None).0.unwrap();
    let before = outputs(&path);
    let chunk = fs::read_dir(path.join("chunks")).unwrap().next().unwrap().unwrap().path();
    fs::write(&chunk, b"torn").unwrap();
    let (done, work) = compute(&path, &small(), None, None);
    assert_eq!((work.chunks, done.unwrap().assembled), (1, true));
    assert_eq!(outputs(&path), before);
}

#[test]
fn shards_in_any_order_and_number_merge_to_the_bytes_of_one_process() {
    let place = tempfile::tempdir().unwrap();
    let settings = small();
    let whole = place.path().join("whole");
    compute(&whole, &settings, None, None).0.unwrap();
    for count in [1, 2, 3, 7, 20] {
        let path = place.path().join(format!("shards-{count}"));
        for number in (1..=count).rev() {
            let shard = Shard::new(number, count).unwrap();
            let done = compute(&path.join(shard.folder()), &settings, Some(shard), None).0.unwrap();
            assert!(!done.assembled);
        }
        let merged = merge(&path, &[], &mut Notes::new()).unwrap();
        assert_eq!((merged.shards, merged.scenarios), (count as usize, 33));
        assert_eq!(outputs(&path), outputs(&whole));
        // Merging again changes nothing.
        merge(&path, &[], &mut Notes::new()).unwrap();
        assert_eq!(outputs(&path), outputs(&whole));
    }
}

#[test]
fn a_merge_names_the_shards_that_are_missing_or_unfinished() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path();
    let settings = small();
    let shard = |number| Shard::new(number, 4).unwrap();
    compute(&path.join(shard(1).folder()), &settings, Some(shard(1)), None).0.unwrap();
    compute(&path.join(shard(3).folder()), &settings, Some(shard(3)), Some(1))
        .0
        .unwrap_err();
    let error = merge(path, &[], &mut Notes::new()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("2/4 (not there), 3/4 (3 of 4 chunks missing), 4/4 (not there)"),
        "{text}"
    );
    assert!(!text.contains("1/4"), "{text}");
    assert!(error.hint_text().unwrap().contains("--shard 2/4"));
    assert!(!path.join("records.csv").exists());
    for number in 2..=4 {
        compute(&path.join(shard(number).folder()), &settings, Some(shard(number)), None)
            .0
            .unwrap();
    }
    merge(path, &[], &mut Notes::new()).unwrap();
}

#[test]
fn a_merge_refuses_shards_of_differing_settings_and_differing_records() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path();
    let settings = small();
    let shard = |number| Shard::new(number, 2).unwrap();
    compute(&path.join(shard(1).folder()), &settings, Some(shard(1)), None).0.unwrap();
    let mut other = settings.clone();
    other.learning_rate = Some(0.06);
    compute(&path.join(shard(2).folder()), &other, Some(shard(2)), None).0.unwrap();
    let text = merge(path, &[], &mut Notes::new()).unwrap_err().to_string();
    assert!(text.contains("learning rate: 0.06 here, 0.03 there"), "{text}");
    assert!(!path.join("settings.json").exists() && !path.join("records.csv").exists());

    fs::remove_dir_all(path.join(shard(2).folder())).unwrap();
    compute(&path.join(shard(2).folder()), &settings, Some(shard(2)), None).0.unwrap();
    let elsewhere = place.path().join("elsewhere");
    compute(&elsewhere, &settings, None, None).0.unwrap();
    let folder = RunFolder::look(&elsewhere).unwrap();
    let chunk = &Plan::new(&settings).unwrap().chunks[0];
    let mut records = folder.chunk(chunk).unwrap().unwrap();
    records.rows[0].right += 1;
    folder.write_chunk(chunk, &records, &ChunkTimings::default()).unwrap();
    let error = merge(path, &[elsewhere], &mut Notes::new()).unwrap_err();
    assert!(error.to_string().contains("different records of the same scenarios"), "{error}");
}

#[test]
fn a_merge_of_nothing_says_so() {
    let place = tempfile::tempdir().unwrap();
    assert!(
        merge(place.path(), &[], &mut Notes::new())
            .unwrap_err()
            .to_string()
            .contains("no shards")
    );
    assert!(
        merge(&place.path().join("none"), &[], &mut Notes::new())
            .unwrap_err()
            .to_string()
            .contains("no folder")
    );
    assert!(shard_folders(place.path()).unwrap().is_empty());
}

#[test]
fn a_batch_that_grows_keeps_what_it_has_and_equals_one_begun_large() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let old = small();
    compute(&path, &old, None, None).0.unwrap();
    let mut more = old.clone();
    more.sizes[1].runs = 9;
    more.errors.push("20%".to_owned());
    let (done, _) = compute(&path, &more, None, None);
    let done = done.unwrap();
    // Kept: 7 scenarios of the first size and the 3 of the second that filled a whole chunk, at three rates.
    assert_eq!((done.found, done.computed), (30, 4 * (7 + 9) - 30));
    let whole = place.path().join("whole");
    compute(&whole, &more, None, None).0.unwrap();
    assert_eq!(outputs(&path), outputs(&whole));
}

#[test]
fn status_counts_scenarios_by_cell_and_shard_and_estimates_the_rest() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path();
    let settings = small();
    let shard = |number| Shard::new(number, 2).unwrap();
    compute(&path.join(shard(2).folder()), &settings, Some(shard(2)), Some(2))
        .0
        .unwrap_err();
    let seen = status(path, &mut Notes::new()).unwrap();
    assert_eq!((seen.done, seen.total, seen.assembled), (6, 33, false));
    assert_eq!(seen.seconds_spent, 3.0);
    assert!(seen.seconds_left.unwrap() > 5.0);
    assert_eq!(seen.cells.iter().map(|cell| cell.done).sum::<u64>(), 6);
    assert_eq!((seen.shards.len(), seen.shards[0].shard.as_str()), (1, "2/2"));
    compute(&path.join(shard(1).folder()), &settings, Some(shard(1)), None).0.unwrap();
    compute(&path.join(shard(2).folder()), &settings, Some(shard(2)), None).0.unwrap();
    merge(path, &[], &mut Notes::new()).unwrap();
    let seen = status(path, &mut Notes::new()).unwrap();
    assert_eq!((seen.done, seen.seconds_left, seen.assembled), (33, Some(0.0), true));
}

#[test]
fn the_csv_and_the_parquet_file_hold_the_same_rows() {
    use polars::prelude::*;
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    compute(&path, &small(), None, None).0.unwrap();
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

#[test]
fn an_interruption_says_how_much_is_kept() {
    let place = tempfile::tempdir().unwrap();
    let mut notes = Notes::new();
    let folder = RunFolder::claim(&place.path().join("run"), &small(), &mut notes).unwrap();
    let stop = Silent::default();
    stop.0.store(true, std::sync::atomic::Ordering::Relaxed);
    let error = run(&folder, None, &mut Arithmetic::default(), &stop, &mut notes).unwrap_err();
    assert_eq!(error.exit_code(), 130);
    assert!(error.to_string().contains("0 of 33 scenarios are finished"), "{error}");
}
