//! How far a run is, and how long the rest will take.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::folder::{RunFolder, joined};
use super::merge::shard_folders;
use super::shard::Shard;
use super::study::{Study, UnitOf};
use crate::error::{Error, Result};
use crate::notes::Notes;

/// How far a run is. Counts are in what its study counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// What it is a run of.
    pub study: &'static str,
    /// What is counted, singular.
    pub counted: &'static str,
    /// The settings.
    pub settings: Value,
    /// Finished, over all shards.
    pub done: u64,
    /// Planned.
    pub total: u64,
    /// By cell.
    pub cells: Vec<PartStatus>,
    /// By shard folder; empty where there are none.
    pub shards: Vec<PartStatus>,
    /// Wall seconds spent on the finished units, summed over processes.
    pub seconds_spent: f64,
    /// Seconds the rest takes one process, by the measured time of what is finished; cells that have not begun are estimated from their
    /// relative cost. Absent where nothing is measured yet.
    pub seconds_left: Option<f64>,
    /// Whether `records.csv` is there.
    pub assembled: bool,
    /// Names of the units, in order.
    #[serde(skip)]
    pub units: Vec<String>,
}

/// How far a part of a run is.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PartStatus {
    /// The cell, or the shard as `3/8`.
    pub name: String,
    /// Finished.
    pub done: u64,
    /// Planned.
    pub total: u64,
}

/// Measured and remaining cost of a cell.
#[derive(Default)]
struct Measured {
    seconds: f64,
    cost: f64,
    left: f64,
}

/// Looks at a run folder and the shards in it.
///
/// # Errors
/// Where there is neither, their settings differ, or a file cannot be read.
pub fn status<S: Study>(path: &Path, notes: &mut Notes) -> Result<Status> {
    let shards = if path.is_dir() { shard_folders(path)? } else { Vec::new() };
    let mut folders: Vec<RunFolder<S>> = Vec::new();
    if path.join("settings.json").exists() || shards.is_empty() {
        folders.push(RunFolder::open(path)?);
    }
    for (_, folder) in &shards {
        let folder = RunFolder::open(folder)?;
        if let Some(first) = folders.first() {
            joined(folder.settings(), first.settings(), folder.path())?;
        }
        folders.push(folder);
    }
    let units = folders[0].units()?;
    let mut names: Vec<&str> = Vec::new();
    let mut cells: BTreeMap<&str, (PartStatus, Measured)> = BTreeMap::new();
    let mut finished = Vec::with_capacity(units.len());
    let mut seconds_spent = 0.0;
    for unit in &units {
        let (cell, measured) = cells.entry(&unit.cell).or_insert_with(|| {
            names.push(&unit.cell);
            let name = unit.cell.clone();
            (
                PartStatus {
                    name,
                    ..PartStatus::default()
                },
                Measured::default(),
            )
        });
        cell.total += u64::from(unit.count);
        let holder = holder(unit, &folders, notes)?;
        finished.push(holder.is_some());
        let Some(holder) = holder else {
            measured.left += unit.cost;
            continue;
        };
        cell.done += u64::from(unit.count);
        if let Some(timings) = holder.timings(unit) {
            seconds_spent += timings.seconds;
            measured.seconds += timings.seconds;
            measured.cost += unit.cost;
        }
    }
    let of_shard = |shard: Shard| {
        let numbered: Vec<(&UnitOf<S>, bool)> = units.iter().zip(finished.iter().copied()).collect();
        let own = shard.part(&numbered, S::ABOUT.shards);
        let count = |all: bool| {
            own.iter()
                .filter(|(_, done)| all || *done)
                .map(|(unit, _)| u64::from(unit.count))
                .sum()
        };
        PartStatus {
            name: shard.to_string(),
            done: count(false),
            total: count(true),
        }
    };
    let seconds_left = seconds_left(cells.values().map(|(_, measured)| measured));
    let cells: Vec<PartStatus> = names.iter().filter_map(|name| cells.remove(name)).map(|(cell, _)| cell).collect();
    Ok(Status {
        study: S::ABOUT.name,
        counted: S::ABOUT.counted,
        settings: serde_json::to_value(folders[0].settings()).map_err(|error| Error::internal(format!("settings as JSON: {error}")))?,
        done: cells.iter().map(|cell| cell.done).sum(),
        total: cells.iter().map(|cell| cell.total).sum(),
        shards: shards.iter().map(|(shard, _)| of_shard(*shard)).collect(),
        cells,
        seconds_spent,
        seconds_left,
        assembled: path.join("records.csv").exists(),
        units: units.into_iter().map(|unit| unit.name).collect(),
    })
}

/// The folder that holds a unit.
fn holder<'a, S: Study>(unit: &UnitOf<S>, folders: &'a [RunFolder<S>], notes: &mut Notes) -> Result<Option<&'a RunFolder<S>>> {
    for folder in folders {
        if folder.has(unit, notes)? {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

fn seconds_left<'a>(cells: impl Iterator<Item = &'a Measured> + Clone) -> Option<f64> {
    if cells.clone().all(|cell| cell.left <= 0.0) {
        return Some(0.0);
    }
    let rates: Vec<f64> = cells
        .clone()
        .filter(|cell| cell.cost > 0.0)
        .map(|cell| cell.seconds / cell.cost)
        .collect();
    if rates.is_empty() {
        return None;
    }
    let mean = rates.iter().sum::<f64>() / rates.len() as f64;
    let rate = |cell: &Measured| if cell.cost > 0.0 { cell.seconds / cell.cost } else { mean };
    Some(cells.map(|cell| cell.left * rate(cell)).sum())
}
