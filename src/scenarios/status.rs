//! How far a batch is, and how long the rest will take.

use std::path::Path;

use serde::Serialize;

use crate::error::Result;
use crate::notes::Notes;
use crate::scenarios::folder::RunFolder;
use crate::scenarios::merge::shard_folders;
use crate::scenarios::plan::{Chunk, Plan};
use crate::scenarios::settings::Settings;

/// How far a batch is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The settings.
    pub settings: Settings,
    /// Scenarios finished, over all shards.
    pub done: u64,
    /// Scenarios in the plan.
    pub total: u64,
    /// Per cell.
    pub cells: Vec<CellStatus>,
    /// Per shard folder; empty where there are none.
    pub shards: Vec<ShardStatus>,
    /// Wall seconds spent on the finished chunks, summed over processes.
    pub seconds_spent: f64,
    /// Seconds the rest takes one process, by the measured time per scenario; sizes that have not begun are estimated from the number of
    /// their weights. Absent where nothing is measured yet.
    pub seconds_left: Option<f64>,
    /// Whether `records.csv` is there.
    pub assembled: bool,
}

/// How far a cell is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CellStatus {
    /// Network size.
    pub size: String,
    /// Error rate.
    pub error: String,
    /// Scenarios finished.
    pub done: u64,
    /// Scenarios planned.
    pub total: u64,
}

/// How far a shard is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShardStatus {
    /// `3/8`.
    pub shard: String,
    /// Scenarios finished.
    pub done: u64,
    /// Scenarios planned for it.
    pub total: u64,
}

/// Looks at a run folder and the shards in it.
///
/// # Errors
/// Where there is neither, or a file cannot be read.
pub fn status(path: &Path, notes: &mut Notes) -> Result<Status> {
    let shards = if path.is_dir() { shard_folders(path)? } else { Vec::new() };
    let mut folders = Vec::new();
    let own = path.join("settings.json").exists() || shards.is_empty();
    if own {
        folders.push(RunFolder::look(path)?);
    }
    for (_, folder) in &shards {
        folders.push(RunFolder::look(folder)?);
    }
    let settings = folders[0].settings().clone();
    let plan = Plan::new(&settings)?;
    let mut cells: Vec<CellStatus> = settings
        .sizes
        .iter()
        .flat_map(|size| {
            settings.errors.iter().map(|error| CellStatus {
                size: size.size.clone(),
                error: error.clone(),
                done: 0,
                total: u64::from(size.runs),
            })
        })
        .collect();
    let mut measured = vec![(0.0, 0_u64); settings.sizes.len()];
    let mut finished = std::collections::BTreeSet::new();
    let (mut done, mut seconds_spent) = (0, 0.0);
    for chunk in &plan.chunks {
        let Some(holder) = holder(chunk, &folders, notes)? else { continue };
        let scenarios = chunk.runs.len() as u64;
        done += scenarios;
        finished.insert(chunk.name.as_str());
        cells[chunk.cell.size * settings.errors.len() + chunk.cell.error].done += scenarios;
        if let Some(timings) = holder.timings(chunk) {
            seconds_spent += timings.seconds;
            measured[chunk.cell.size].0 += timings.seconds;
            measured[chunk.cell.size].1 += scenarios;
        }
    }
    let shards = shards
        .iter()
        .map(|(shard, _)| {
            let chunks: Vec<&Chunk> = plan.of_shard(*shard).collect();
            let count = |chunks: &mut dyn Iterator<Item = &&Chunk>| chunks.map(|chunk| chunk.runs.len() as u64).sum();
            ShardStatus {
                shard: shard.to_string(),
                done: count(&mut chunks.iter().filter(|chunk| finished.contains(chunk.name.as_str()))),
                total: count(&mut chunks.iter()),
            }
        })
        .collect();
    Ok(Status {
        seconds_left: seconds_left(&settings, &cells, &measured),
        done,
        total: plan.scenarios(),
        cells,
        shards,
        seconds_spent,
        assembled: path.join("records.csv").exists(),
        settings,
    })
}

/// The folder that holds a chunk.
fn holder<'a>(chunk: &Chunk, folders: &'a [RunFolder], notes: &mut Notes) -> Result<Option<&'a RunFolder>> {
    for folder in folders {
        if folder.has(chunk, notes)? {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

/// Weights between hidden layers decide the time of a wide network; the constant stands for what a narrow one costs anyway.
fn cost(size: &str) -> f64 {
    let widths: Vec<f64> = match size.split_once('x') {
        Some((layers, width)) => vec![width.parse().unwrap_or(1.0); layers.parse().unwrap_or(1)],
        None => size.split(',').filter_map(|width| width.parse().ok()).collect(),
    };
    let weights: f64 = widths.windows(2).map(|pair| pair[0] * pair[1]).sum();
    weights + 40.0 * widths.iter().sum::<f64>() + 1000.0
}

fn seconds_left(settings: &Settings, cells: &[CellStatus], measured: &[(f64, u64)]) -> Option<f64> {
    let known: Vec<f64> = measured
        .iter()
        .zip(&settings.sizes)
        .filter(|((_, scenarios), _)| *scenarios > 0)
        .map(|((seconds, scenarios), size)| seconds / *scenarios as f64 / cost(&size.size))
        .collect();
    let left: Vec<u64> = settings
        .sizes
        .iter()
        .map(|size| {
            cells
                .iter()
                .filter(|cell| cell.size == size.size)
                .map(|cell| cell.total - cell.done)
                .sum()
        })
        .collect();
    if left.iter().all(|left| *left == 0) {
        return Some(0.0);
    }
    let per_cost = known.iter().sum::<f64>() / known.len() as f64;
    if known.is_empty() {
        return None;
    }
    let seconds = measured
        .iter()
        .zip(&settings.sizes)
        .zip(&left)
        .map(|(((seconds, scenarios), size), left)| {
            let each = if *scenarios > 0 {
                seconds / *scenarios as f64
            } else {
                per_cost * cost(&size.size)
            };
            each * *left as f64
        });
    Some(seconds.sum())
}
