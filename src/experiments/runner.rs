//! Computing a run: unit by unit, skipping what is there already.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::folder::RunFolder;
use super::shard::Shard;
use super::study::{ComputeOne, ComputedOf, Engine, Shards, Study, UnitOf};
use super::tables;
use crate::error::{Error, ErrorKind, Result};
use crate::notes::Notes;
use crate::progress::Progress;

/// What a run did, in what its study counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Computed now.
    pub computed: u64,
    /// There already.
    pub found: u64,
    /// Whether the whole run is there and its tables were written.
    pub complete: bool,
}

/// Computes what is missing of the run (or of one shard), then writes the tables if the whole run is there.
///
/// # Errors
/// As [`Engine`] and the folder say. Finished units stay whatever happens; the same call goes on where it stopped.
pub fn run<S: Study>(
    folder: &RunFolder<S>,
    shard: Option<Shard>,
    engine: &mut dyn Engine<S>,
    progress: &dyn Progress,
    notes: &mut Notes,
) -> Result<Done> {
    let units = folder.units()?;
    let ours: Vec<&UnitOf<S>> = match shard {
        Some(shard) => shard.part(&units, S::ABOUT.shards),
        None => units.iter().collect(),
    };
    let mut missing = Vec::new();
    let mut found = 0;
    for unit in &ours {
        if folder.has(unit, notes)? {
            found += u64::from(unit.count);
        } else {
            missing.push(*unit);
        }
    }
    let left: u64 = missing.iter().map(|unit| u64::from(unit.count)).sum();
    let computed = AtomicU64::new(0);
    let outcome = if missing.is_empty() {
        Ok(())
    } else {
        let together = engine.side_by_side();
        let together = together.map(|(threads, compute)| on_threads(folder, &missing, threads, &compute, progress, &computed));
        together.unwrap_or_else(|| in_turn(folder, &missing, engine, progress, &computed))
    };
    let computed = computed.into_inner();
    outcome.map_err(|error| stopped(error, found + computed, found + left, folder))?;
    let complete = match (shard, S::ABOUT.shards) {
        (Some(_), Shards::OwnFolders) => false,
        _ => tables::write(folder, progress)?,
    };
    Ok(Done { computed, found, complete })
}

fn in_turn<S: Study>(
    folder: &RunFolder<S>,
    missing: &[&UnitOf<S>],
    engine: &mut dyn Engine<S>,
    progress: &dyn Progress,
    computed: &AtomicU64,
) -> Result<()> {
    let left: u64 = missing.iter().map(|unit| u64::from(unit.count)).sum();
    let own_stages = engine.stage(missing[0]).is_some();
    if !own_stages {
        progress.start(&format!("{}s", S::ABOUT.counted), left);
    }
    let mut group: Option<&str> = None;
    for unit in missing {
        progress.check()?;
        // Where processes share the work unevenly (`1/2` and `1/3`), another one may have come here first.
        if folder.has(unit, &mut Notes::new())? {
            continue;
        }
        if group != Some(&unit.group) {
            engine.prepare(unit, folder, progress)?;
            group = Some(&unit.group);
        }
        let stage = engine.stage(unit);
        if let Some(stage) = &stage {
            progress.start(stage, 0);
        }
        let outcome = engine.compute(unit, folder, progress);
        if stage.is_some() {
            progress.finish();
        }
        keep(folder, unit, &outcome?)?;
        computed.fetch_add(u64::from(unit.count), Ordering::Relaxed);
    }
    if !own_stages {
        progress.finish();
    }
    Ok(())
}

fn on_threads<S: Study>(
    folder: &RunFolder<S>,
    missing: &[&UnitOf<S>],
    threads: usize,
    compute: &ComputeOne<'_, S>,
    progress: &dyn Progress,
    computed: &AtomicU64,
) -> Result<()> {
    let left: u64 = missing.iter().map(|unit| u64::from(unit.count)).sum();
    progress.start(&format!("{}s", S::ABOUT.counted), left);
    let outcomes = side_by_side(missing, threads, |unit| {
        progress.check()?;
        keep(folder, unit, &compute(unit, progress)?)?;
        computed.fetch_add(u64::from(unit.count), Ordering::Relaxed);
        Ok(())
    });
    progress.finish();
    outcomes.into_iter().collect()
}

/// Writes a unit. Records that would count as damaged are a fault of the engine, and better heard now than by the next process.
fn keep<S: Study>(folder: &RunFolder<S>, unit: &UnitOf<S>, done: &ComputedOf<S>) -> Result<()> {
    let checked = folder.settings().check_records(unit, &done.records);
    checked.map_err(|why| Error::internal(format!("the records of `{}`: {why}", unit.name)))?;
    folder.write_unit(unit, &done.records, &done.timings)
}

/// An interruption or a full disk loses nothing that was finished, and says so.
fn stopped<S: Study>(error: Error, done: u64, of: u64, folder: &RunFolder<S>) -> Error {
    match error.kind() {
        ErrorKind::Io => folder.resumable(error),
        ErrorKind::Interrupted => {
            let about = S::ABOUT;
            let mut text = format!(
                "stopped; {done} of {of} {}s are finished and kept in `{}`",
                about.counted,
                folder.path().display()
            );
            if !about.kept.is_empty() {
                text = format!("{text}; {}", about.kept);
            }
            Error::new(ErrorKind::Interrupted, text).hint("start the same command again: it goes on where it stopped")
        }
        _ => error,
    }
}

/// Runs `work` on every item, items spread over the threads as they become free; results in the order of the items. After a failure no
/// further item is begun.
pub fn side_by_side<I: Sync, R: Send>(items: &[I], threads: usize, work: impl Fn(&I) -> Result<R> + Sync) -> Vec<Result<R>> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<Result<R>>>> = items.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let result = work(item);
                    if result.is_err() {
                        next.store(items.len(), Ordering::Relaxed);
                    }
                    *results[index].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
                }
            });
        }
    });
    let taken = results
        .into_iter()
        .map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner));
    taken.flatten().collect()
}
