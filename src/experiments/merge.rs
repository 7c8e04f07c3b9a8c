//! Shards, and runs of other machines, put together into one run folder.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::{RunFolder, joined};
use super::shard::Shard;
use super::study::{Study, Timings, UnitOf};
use super::tables;
use crate::error::{Error, Result};
use crate::files;
use crate::notes::Notes;
use crate::progress::Silent;

/// What a merge did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Folders that were read.
    pub shards: usize,
    /// What the merged run has, in what its study counts.
    pub total: u64,
}

/// Folders of shards inside a run folder, in the order of their numbers.
///
/// # Errors
/// Where the folder cannot be read.
pub fn shard_folders(path: &Path) -> Result<Vec<(Shard, PathBuf)>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(path).map_err(|error| Error::io("read the folder", path, &error))?;
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

/// A folder to merge, with its shard where its name tells one.
type Source<S> = (Option<Shard>, RunFolder<S>);

/// Merges the shards in `path` and the run folders in `more` into `path`, which becomes a run folder with the records of the whole run:
/// the same bytes as if one process had computed it.
///
/// Shards may overlap (a run submitted again with another number of shards); their records must then be equal.
///
/// # Errors
/// Where there is nothing to merge, settings differ (each difference is named), shards are missing or unfinished (each is named), or two
/// folders hold different records of the same unit.
pub fn merge<S: Study>(path: &Path, more: &[PathBuf], notes: &mut Notes) -> Result<Merged> {
    let sources = sources::<S>(path, more)?;
    let mut settings = sources[0].1.settings().clone();
    for (_, other) in &sources[1..] {
        settings = joined(other.settings(), &settings, other.path())
            .map_err(|error| error.hint("compute all parts with the same command, or move the odd one away"))?;
    }
    let target = RunFolder::create_or_resume(path, &settings, None, notes)?;
    let units = target.units()?;
    let mut missing: Vec<&UnitOf<S>> = Vec::new();
    for unit in &units {
        if !collect(unit, &sources, &target, notes)? {
            missing.push(unit);
        }
    }
    copy_what_is_beside(&sources, &target)?;
    if !missing.is_empty() {
        return Err(incomplete(&units, &missing, &sources));
    }
    if !tables::write(&target, &Silent::default())? {
        return Err(Error::internal("a merge with all units left one out"));
    }
    Ok(Merged {
        shards: sources.len(),
        total: units.iter().map(|unit| u64::from(unit.count)).sum(),
    })
}

fn sources<S: Study>(path: &Path, more: &[PathBuf]) -> Result<Vec<Source<S>>> {
    let mut found: Vec<Source<S>> = Vec::new();
    if path.is_dir() {
        for (shard, folder) in shard_folders(path)? {
            found.push((Some(shard), RunFolder::open(&folder)?));
        }
    } else if more.is_empty() {
        return Err(
            Error::input(format!("there is no folder `{}`", path.display())).hint("give the folder that the shards were computed in")
        );
    }
    for folder in more {
        let shard = folder.file_name().and_then(|name| Shard::from_folder(&name.to_string_lossy()));
        found.push((shard, RunFolder::open(folder)?));
    }
    if found.is_empty() {
        return Err(Error::input(format!("`{}` holds no shards", path.display()))
            .hint("shards lie in folders such as `shard-1-of-8`; give folders from elsewhere after the run folder"));
    }
    Ok(found)
}

/// Copies a unit into the target unless it is there. Returns whether it is there now.
fn collect<S: Study>(unit: &UnitOf<S>, sources: &[Source<S>], target: &RunFolder<S>, notes: &mut Notes) -> Result<bool> {
    let mut kept: Option<(&RunFolder<S>, Vec<S::Record>)> = None;
    for (_, source) in sources {
        let Some(records) = source.records(unit)? else { continue };
        match &kept {
            None => kept = Some((source, records)),
            Some((first, known)) if *known != records => {
                return Err(Error::input(format!(
                    "`{}` and `{}` hold different records of the same {}s ({})",
                    first.path().display(),
                    source.path().display(),
                    S::ABOUT.counted,
                    unit.name
                ))
                .hint("they were computed on processors of different kinds, or a file was altered: keep one of the two and merge again"));
            }
            Some(_) => {}
        }
    }
    let there = target.whole_records(unit, notes)?;
    if let Some((source, records)) = kept
        && there.as_ref() != Some(&records)
    {
        let timings: Timings = source.timings(unit).unwrap_or_default();
        target.write_unit(unit, &records, &timings)?;
        return Ok(true);
    }
    Ok(there.is_some())
}

/// Copies what units share, such as trained networks, so that the run can be grown.
fn copy_what_is_beside<S: Study>(sources: &[Source<S>], target: &RunFolder<S>) -> Result<()> {
    for part in S::ABOUT.beside {
        for (_, source) in sources {
            for entry in fs::read_dir(source.path().join(part)).into_iter().flatten().flatten() {
                let name = format!("{part}/{}", entry.file_name().to_string_lossy());
                if !entry.path().is_file() || target.path().join(&name).exists() {
                    continue;
                }
                let from = entry.path();
                target.write(&name, |writer| {
                    let (mut file, _) = files::open("read", &from)?;
                    io::copy(&mut file, writer)
                        .map(drop)
                        .map_err(|error| Error::io("copy", &from, &error))
                })?;
            }
        }
    }
    Ok(())
}

/// Names the shards whose units are missing.
fn incomplete<S: Study>(units: &[UnitOf<S>], missing: &[&UnitOf<S>], sources: &[Source<S>]) -> Error {
    let count = |units: &[&UnitOf<S>]| -> u64 { units.iter().map(|unit| u64::from(unit.count)).sum() };
    let (lacking, counted) = (count(missing), S::ABOUT.counted);
    let total = count(&units.iter().collect::<Vec<_>>());
    let counts: BTreeSet<u32> = sources.iter().filter_map(|(shard, _)| shard.map(Shard::count)).collect();
    let Some(&shards) = counts.iter().next_back().filter(|_| counts.len() == 1) else {
        let names: Vec<&str> = missing.iter().take(5).map(|unit| unit.name.as_str()).collect();
        return Error::input(format!(
            "{lacking} of {total} {counted}s are missing, among them {}",
            names.join(", ")
        ))
        .hint("compute the missing parts, then merge again");
    };
    let mut parts = Vec::new();
    let mut first = None;
    for number in 1..=shards {
        let Ok(shard) = Shard::new(number, shards) else { continue };
        let own = shard.part(units, S::ABOUT.shards);
        let lacks = own
            .iter()
            .filter(|unit| missing.iter().any(|other| other.name == unit.name))
            .count();
        if lacks == 0 {
            continue;
        }
        first.get_or_insert(shard);
        if parts.len() < 20 {
            let state = if sources.iter().any(|(known, _)| *known == Some(shard)) {
                format!("{lacks} of {} parts missing", own.len())
            } else {
                "not there".to_owned()
            };
            parts.push(format!("{shard} ({state})"));
        }
    }
    let example = first.map_or_else(String::new, |shard| shard.to_string());
    Error::input(format!("{lacking} of {total} {counted}s are missing. Shards: {}", parts.join(", "))).hint(format!(
        "compute them with the same command and `--shard {example}` and so on, then merge again"
    ))
}
