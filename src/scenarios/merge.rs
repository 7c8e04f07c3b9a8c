//! Shards put together into one run folder.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::scenarios::assemble::assemble;
use crate::scenarios::folder::{RunFolder, decode};
use crate::scenarios::plan::{Chunk, Plan};
use crate::scenarios::settings::Settings;
use crate::scenarios::shard::Shard;

/// What a merge did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Folders that were read.
    pub shards: usize,
    /// Scenarios in the merged batch.
    pub scenarios: u64,
}

/// Folders of shards inside a run folder, in the order of their numbers.
///
/// # Errors
/// Where the folder cannot be read.
pub fn shard_folders(path: &Path) -> Result<Vec<(Shard, PathBuf)>> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(path).map_err(|error| Error::io("read the folder", path, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| Error::io("read the folder", path, &error))?;
        if let Some(shard) = Shard::from_folder(&entry.file_name().to_string_lossy())
            && entry.path().join("settings.json").exists()
        {
            found.push((shard, entry.path()));
        }
    }
    found.sort_by_key(|(shard, _)| (shard.count(), shard.number()));
    Ok(found)
}

/// Merges the shards in `path` and the run folders in `more` into `path`, which becomes a run folder with the records of the whole
/// batch: the same bytes as if one process had computed it.
///
/// Shards may overlap (a batch submitted again with another number of shards); their chunks must then be equal.
///
/// # Errors
/// Where there is nothing to merge, settings differ (each difference is named), shards are missing or unfinished (each is named), or two
/// shards hold different records of the same scenarios.
pub fn merge(path: &Path, more: &[PathBuf], notes: &mut Notes) -> Result<Merged> {
    let mut sources: Vec<(Option<Shard>, RunFolder)> = Vec::new();
    if path.is_dir() {
        for (shard, folder) in shard_folders(path)? {
            sources.push((Some(shard), RunFolder::look(&folder)?));
        }
    } else if more.is_empty() {
        return Err(
            Error::input(format!("there is no folder `{}`", path.display())).hint("give the folder that the shards were computed in")
        );
    }
    for folder in more {
        let shard = folder.file_name().and_then(|name| Shard::from_folder(&name.to_string_lossy()));
        sources.push((shard, RunFolder::look(folder)?));
    }
    let Some(settings) = sources.first().map(|(_, folder)| folder.settings().clone()) else {
        return Err(Error::input(format!("`{}` holds no shards", path.display()))
            .hint("shards lie in folders such as `shard-1-of-8`; give those from elsewhere after the run folder"));
    };
    refuse_differing(&settings, &sources)?;
    let plan = Plan::new(&settings)?;
    let target = RunFolder::claim(path, &settings, notes)?;
    let mut missing: Vec<&Chunk> = Vec::new();
    for chunk in &plan.chunks {
        if !collect(chunk, &sources, &target, notes)? {
            missing.push(chunk);
        }
    }
    if !missing.is_empty() {
        return Err(incomplete(&plan, &missing, &sources));
    }
    for size in &settings.sizes {
        for (_, source) in &sources {
            if let Some(tuned) = source.tuned(&size.size)? {
                target.write_tuned(&tuned)?;
                break;
            }
        }
    }
    if !assemble(&target)? {
        return Err(Error::internal("a merge with all chunks left one out"));
    }
    Ok(Merged {
        shards: sources.len(),
        scenarios: plan.scenarios(),
    })
}

fn refuse_differing(settings: &Settings, sources: &[(Option<Shard>, RunFolder)]) -> Result<()> {
    for (_, other) in sources {
        let differences = other.settings().differences(settings, true);
        if !differences.is_empty() {
            return Err(Error::input(format!(
                "`{}` was computed with other settings than `{}`: {}",
                other.path().display(),
                sources[0].1.path().display(),
                differences.join("; ")
            ))
            .hint("compute all shards with the same command, or move the odd one away"));
        }
    }
    Ok(())
}

/// Copies a chunk into the target unless it is there. Returns whether it is there now.
fn collect(chunk: &Chunk, sources: &[(Option<Shard>, RunFolder)], target: &RunFolder, notes: &mut Notes) -> Result<bool> {
    let mut kept: Option<(&RunFolder, Vec<u8>)> = None;
    for (_, source) in sources {
        let Some(bytes) = source.chunk_bytes(chunk)? else { continue };
        match &kept {
            None => {
                decode(&bytes, chunk, source.settings()).map_err(|error| error.in_file(source.path().join("chunks").join(&chunk.name)))?;
                kept = Some((source, bytes));
            }
            Some((first, known)) if *known != bytes => {
                return Err(Error::input(format!(
                    "`{}` and `{}` hold different records of the same scenarios ({})",
                    first.path().display(),
                    source.path().display(),
                    chunk.name
                ))
                .hint("they were computed on processors of different kinds, or a file was altered: keep one of the two and merge again"));
            }
            Some(_) => {}
        }
    }
    match kept {
        Some((source, bytes)) => {
            if target.chunk_bytes(chunk)?.as_deref() != Some(&bytes) {
                target.take_chunk(chunk, &bytes, source.timings(chunk).as_ref())?;
            }
            Ok(true)
        }
        None => target.has(chunk, notes),
    }
}

/// Names the shards whose chunks are missing.
fn incomplete(plan: &Plan, missing: &[&Chunk], sources: &[(Option<Shard>, RunFolder)]) -> Error {
    let scenarios: usize = missing.iter().map(|chunk| chunk.runs.len()).sum();
    let counts: std::collections::BTreeSet<u32> = sources.iter().filter_map(|(shard, _)| shard.map(Shard::count)).collect();
    let total = plan.scenarios();
    let Some(&count) = counts.iter().next_back().filter(|_| counts.len() == 1) else {
        let names: Vec<&str> = missing.iter().take(5).map(|chunk| chunk.name.as_str()).collect();
        return Error::input(format!(
            "{scenarios} of {total} scenarios are missing, among them {}",
            names.join(", ")
        ))
        .hint("compute the missing shards, then merge again");
    };
    let mut parts = Vec::new();
    let mut first = None;
    for number in 1..=count {
        let Ok(shard) = Shard::new(number, count) else { continue };
        let lacks = plan
            .of_shard(shard)
            .filter(|chunk| missing.iter().any(|other| other.name == chunk.name))
            .count();
        if lacks == 0 {
            continue;
        }
        first.get_or_insert(shard);
        if parts.len() < 20 {
            let state = if sources.iter().any(|(known, _)| *known == Some(shard)) {
                format!("{lacks} of {} chunks missing", plan.of_shard(shard).count())
            } else {
                "not there".to_owned()
            };
            parts.push(format!("{shard} ({state})"));
        }
    }
    let example = first.map_or_else(String::new, |shard| shard.to_string());
    Error::input(format!(
        "{scenarios} of {total} scenarios are missing. Shards: {}",
        parts.join(", ")
    ))
    .hint(format!(
        "compute them with the same command and `--shard {example}` and so on, then merge again"
    ))
}
