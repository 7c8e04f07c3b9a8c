//! The run folder: settings, the records of every unit, timings, locks. Every file is written whole or not at all.
//!
//! ```text
//! RUN/settings.json          what is computed
//! RUN/UNITS/UNIT.jsonl       records of a unit, with a checksum in the last line; UNITS is `chunks`, `units` or `pieces`
//! RUN/timings/UNIT.json      how long it took
//! RUN/records.csv, ...       all units in order, once all are there; timings.csv beside them
//! RUN/locks/                 held while a process works in the folder, or on a shard of it
//! RUN/shard-I-OF-N/...       the same of one shard, for studies whose shards have folders of their own
//! ```

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::differences::differences;
use super::lock::{self, Kind};
use super::shard::Shard;
use super::study::{Shards, Study, Timings, UnitOf};
use super::unit_file::{self, Expected};
use crate::error::{Error, ErrorKind, Result};
use crate::files::{self, write_atomic, write_bytes};
use crate::notes::Notes;
use crate::progress::{Progress, Silent};

/// Unfinished files of a killed process start with this (see [`crate::files`]).
const TEMPORARY: &str = ".recant-";
/// A sheet that a study made up for itself, in its own run folder.
pub const GENERATED: &str = "generated-";
/// Most units of a run: more would be a slip, or a forged file.
const MOST_UNITS: usize = 1_000_000;

/// A run folder, or the folder of one shard in it.
#[derive(Debug)]
pub struct RunFolder<S: Study> {
    path: PathBuf,
    settings: S,
    fingerprint: String,
    /// Held until dropped; the system frees them when the process ends, however it ends.
    _locks: Vec<fs::File>,
}

/// The JSON of a settings file, and the version of the layout that it names.
fn settings_value(file: &Path) -> Result<(Value, u64)> {
    let bytes = files::read("read the settings", file, files::SETTINGS)
        .map_err(|error| error.hint("give the folder that a run was computed in (`--out` of its command)"))?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| damaged(file, &error.to_string()))?;
    match value.get("layout_version").and_then(Value::as_u64) {
        Some(version) => Ok((value, version)),
        None => Err(damaged(file, "it names no layout version")),
    }
}

fn damaged(file: &Path, why: &str) -> Error {
    Error::input(format!("the settings of this run are damaged: {why}"))
        .in_file(file)
        .hint("start the run again in a new folder, or put back the file from a copy")
}

/// The settings of the run in this folder, whatever its study, as JSON.
///
/// # Errors
/// Where there is no run, or its settings are damaged.
pub fn raw_settings(path: &Path) -> Result<Value> {
    let file = path.join("settings.json");
    if path.is_dir() && !file.exists() {
        return Err(
            Error::input(format!("`{}` is not a run folder: it has no settings.json", path.display()))
                .hint("give the folder that a run was computed in (`--out` of its command)"),
        );
    }
    settings_value(&file).map(|(value, _)| value)
}

fn read_settings<S: Study>(file: &Path) -> Result<S> {
    let (value, version) = settings_value(file)?;
    let about = S::ABOUT;
    if value.get(about.mark).is_none() {
        return Err(Error::input(format!("this folder holds no {}", about.name))
            .in_file(file)
            .hint(format!(
                "give the folder that `recant {} ... --out` made, or another one with `--out`",
                about.command
            )));
    }
    if version != u64::from(about.layout) {
        let wrote = value.get("recant_version").and_then(Value::as_str).unwrap_or("unknown");
        return Err(Error::input(format!(
            "this run folder has layout {version}, and this Recant reads and writes layout {} of a {}",
            about.layout, about.name
        ))
        .in_file(file)
        .hint(format!(
            "use the version of Recant that wrote it ({wrote}), or start the run again in a new folder"
        )));
    }
    let settings: S = serde_json::from_value(value).map_err(|error| damaged(file, &error.to_string()))?;
    settings.check().map_err(|error| error.in_file(file))?;
    Ok(settings)
}

fn write_settings(path: &Path, settings: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(settings).map_err(|error| Error::internal(format!("settings as JSON: {error}")))?;
    text.push('\n');
    write_bytes(&path.join("settings.json"), text.as_bytes())
}

/// The settings of a folder after `asked` was asked for where `old` is there.
pub(super) fn joined<S: Study>(asked: &S, old: &S, path: &Path) -> Result<S> {
    let found = differences(&asked.base(), &old.base());
    let joined = match found.is_empty() {
        true => asked.clone().joined(old),
        false => Err(found),
    };
    joined.map_err(|found| {
        Error::input(format!(
            "`{}` holds a {} with other settings: {found}",
            path.display(),
            S::ABOUT.name
        ))
        .hint("give another folder with `--out`, or the same settings to go on")
    })
}

impl<S: Study> RunFolder<S> {
    /// Where a process that computes this shard works.
    pub fn place(path: &Path, shard: Option<Shard>) -> PathBuf {
        match shard {
            Some(shard) if S::ABOUT.shards == Shards::OwnFolders => path.join(shard.folder()),
            _ => path.to_path_buf(),
        }
    }

    /// Opens a run folder to compute all of it or one shard, and locks that; makes it where it does not exist. A run of the same settings
    /// may grow (see [`Study::joined`]): what is finished is kept.
    ///
    /// # Errors
    /// Where another process works on the same, the settings differ (each difference is named), the folder is of another layout, version
    /// or study, holds something else, or cannot be written.
    pub fn create_or_resume(path: &Path, settings: &S, shard: Option<Shard>, notes: &mut Notes) -> Result<Self> {
        settings.check()?;
        let path = Self::place(path, shard);
        let file = path.join("settings.json");
        if file.exists() {
            // Told before anybody is waited for, and looked at again once nobody else writes.
            joined(settings, &read_settings::<S>(&file)?, &path)?;
        } else {
            refuse_foreign(&path)?;
            fs::create_dir_all(&path).map_err(|error| Error::io("make the folder", &path, &error))?;
        }
        let at = |name: &str| path.join("locks").join(name);
        let mut locks = Vec::new();
        match shard.filter(|_| S::ABOUT.shards != Shards::OwnFolders) {
            None => {
                locks.push(lock::hold(&path, &at("run"), Kind::Alone, notes)?);
                clear_temporary_files(&path);
            }
            Some(shard) => {
                locks.push(lock::hold(&path, &at("run"), Kind::Shared, notes)?);
                locks.push(lock::hold(&path, &at(&shard.folder()), Kind::Alone, notes)?);
            }
        }
        let _settings = lock::wait(&at("settings"), "settings", &Silent::default())?;
        let mut settings = settings.clone();
        if file.exists() {
            let old = read_settings::<S>(&file)?;
            settings = joined(&settings, &old, &path)?;
            if settings != old {
                write_settings(&path, &settings)?;
                notes.add(
                    "run-grows",
                    format!("The folder holds a smaller part of the same {}.", S::ABOUT.name),
                    "What is finished is kept and the rest is added.",
                );
            }
        } else {
            write_settings(&path, &settings)?;
        }
        Ok(Self {
            fingerprint: settings.fingerprint()?,
            settings,
            path,
            _locks: locks,
        })
    }

    /// Opens a run folder to look at it, without a lock.
    ///
    /// # Errors
    /// Where there is none, its settings cannot be read, or it is of another layout or study.
    pub fn open(path: &Path) -> Result<Self> {
        raw_settings(path)?;
        let settings: S = read_settings(&path.join("settings.json"))?;
        Ok(Self {
            path: path.to_path_buf(),
            fingerprint: settings.fingerprint()?,
            settings,
            _locks: Vec::new(),
        })
    }

    /// Waits until no other process that shares the folder makes `name` or writes it, then keeps the others waiting until what is
    /// returned is dropped.
    ///
    /// # Errors
    /// Where the folder cannot be written, or the person asks to stop.
    pub fn alone(&self, name: &str, progress: &dyn Progress) -> Result<fs::File> {
        lock::wait(&self.path.join("locks").join(name), name, progress)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is computed.
    pub fn settings(&self) -> &S {
        &self.settings
    }

    /// What a file beside the units must say that it belongs to.
    pub fn of(&self, name: &str) -> String {
        format!("{} {name}", self.fingerprint)
    }

    /// All units of the run.
    ///
    /// # Errors
    /// Where the settings make too many.
    pub fn units(&self) -> Result<Vec<UnitOf<S>>> {
        let units: Vec<UnitOf<S>> = self.settings.units()?.take(MOST_UNITS + 1).collect();
        if units.len() > MOST_UNITS {
            return Err(Error::input(format!("a {} of more than {MOST_UNITS} parts", S::ABOUT.name))
                .in_file(self.path.join("settings.json"))
                .hint("ask for fewer repetitions, or larger parts"));
        }
        Ok(units)
    }

    fn unit_path(&self, unit: &UnitOf<S>) -> PathBuf {
        self.path.join(S::ABOUT.units).join(format!("{}.jsonl", unit.name))
    }

    fn timings_path(&self, unit: &UnitOf<S>) -> PathBuf {
        self.path.join("timings").join(format!("{}.json", unit.name))
    }

    fn expected(&self, unit: &UnitOf<S>) -> Expected<'_> {
        Expected {
            unit: unit.name.clone(),
            settings: &self.fingerprint,
            unit_settings: self.settings.unit_settings(unit),
        }
    }

    /// The bytes of a finished unit; `None` where it is not there.
    ///
    /// # Errors
    /// Where it is there but cannot be read.
    fn unit_bytes(&self, unit: &UnitOf<S>) -> Result<Option<(PathBuf, Vec<u8>)>> {
        let path = self.unit_path(unit);
        // Files of one JSON object were written before all studies had the same form.
        for path in [path.clone(), path.with_extension("json")] {
            if let Some(bytes) = files::read_if_there("read", &path, files::RESULTS)? {
                return Ok(Some((path, bytes)));
            }
        }
        Ok(None)
    }

    fn decode(&self, unit: &UnitOf<S>, path: &Path, bytes: &[u8]) -> Result<Vec<S::Record>> {
        let old = path.extension().is_some_and(|ending| ending == "json");
        let read = if old { unit_file::decode_object } else { unit_file::decode };
        let records = read(bytes, &self.expected(unit)).and_then(|records: Vec<S::Record>| {
            self.settings.check_records(unit, &records)?;
            Ok(records)
        });
        records.map_err(|why| {
            Error::input(format!("the records of `{}` are damaged ({why})", unit.name))
                .in_file(path)
                .hint("start the run again: they are computed again")
        })
    }

    /// The records of a finished unit; `None` where it is not there.
    ///
    /// # Errors
    /// Where it is damaged (cut off, altered, of other settings) or cannot be read.
    pub fn records(&self, unit: &UnitOf<S>) -> Result<Option<Vec<S::Record>>> {
        match self.unit_bytes(unit)? {
            None => Ok(None),
            Some((path, bytes)) => self.decode(unit, &path, &bytes).map(Some),
        }
    }

    /// The records of a finished unit; a damaged one counts as missing, with a note.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn whole_records(&self, unit: &UnitOf<S>, notes: &mut Notes) -> Result<Option<Vec<S::Record>>> {
        let Some((path, bytes)) = self.unit_bytes(unit)? else {
            return Ok(None);
        };
        match self.decode(unit, &path, &bytes) {
            Ok(records) => Ok(Some(records)),
            Err(error) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                notes.add(
                    "damaged-records",
                    format!("`{}/{name}`: {}.", S::ABOUT.units, error.message()),
                    "They count as missing; the run computes them again.",
                );
                Ok(None)
            }
        }
    }

    /// Whether a unit is there and whole. A damaged one counts as missing, with a note.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn has(&self, unit: &UnitOf<S>, notes: &mut Notes) -> Result<bool> {
        Ok(self.whole_records(unit, notes)?.is_some())
    }

    /// Writes a finished unit: timings first, so that whoever sees the records finds both.
    ///
    /// # Errors
    /// Where the folder cannot be written or the disk is full. What was finished before stays.
    pub fn write_unit(&self, unit: &UnitOf<S>, records: &[S::Record], timings: &Timings) -> Result<()> {
        let timings = serde_json::to_vec(timings).map_err(|error| Error::internal(format!("timings as JSON: {error}")))?;
        let records = unit_file::encode(records, &self.expected(unit))?;
        let write = || {
            write_bytes(&self.timings_path(unit), &timings)?;
            write_bytes(&self.unit_path(unit), &records)
        };
        write().map_err(|error| self.resumable(error))
    }

    /// How long a unit took; `None` where that is not known.
    pub fn timings(&self, unit: &UnitOf<S>) -> Option<Timings> {
        let bytes = files::read("read", &self.timings_path(unit), files::SETTINGS).ok()?;
        let old = || {
            let stages: super::study::Seconds = serde_json::from_slice(&bytes).ok()?;
            Some(Timings {
                seconds: stages.values().sum(),
                models: 1,
                threads: 1,
                stages,
            })
        };
        serde_json::from_slice(&bytes).ok().or_else(old)
    }

    /// Writes a file of the run folder, whole or not at all.
    ///
    /// # Errors
    /// Where the folder cannot be written, or `fill` fails.
    pub fn write(&self, name: &str, fill: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
        write_atomic(&self.path.join(name), fill).map_err(|error| self.resumable(error))
    }

    /// Reads a JSON file of the run folder; `None` where it is not there.
    ///
    /// # Errors
    /// Where it is there but cannot be read or is damaged.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let path = self.path.join(name);
        let Some(bytes) = files::read_if_there("read", &path, files::SETTINGS)? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            Error::input(format!("`{name}` is damaged: {error}"))
                .in_file(&path)
                .hint("delete this file: it is then made again, with the same content")
        })
    }

    /// Writes one.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_string_pretty(value).map_err(|error| Error::internal(format!("`{name}` as JSON: {error}")))?;
        text.push('\n');
        write_bytes(&self.path.join(name), text.as_bytes()).map_err(|error| self.resumable(error))
    }

    /// A failed write, with the good news.
    pub(super) fn resumable(&self, error: Error) -> Error {
        const AGAIN: &str = "start the same command again: it goes on where it stopped";
        if error.kind() != ErrorKind::Io || error.hint_text().is_some_and(|hint| hint.ends_with(AGAIN)) {
            return error;
        }
        let text = format!("{}; what was finished is kept in `{}`", error.message(), self.path.display());
        Error::new(ErrorKind::Io, text).hint(match error.hint_text() {
            Some(hint) => format!("{hint}, then {AGAIN}"),
            None => AGAIN.to_owned(),
        })
    }
}

/// Refuses a folder that exists without settings and is none of ours. Ours is one that is empty, holds shards (and, say, the logs of their
/// jobs), or was made by a process that was killed at once.
fn refuse_foreign(path: &Path) -> Result<()> {
    if !path.is_dir() {
        return Ok(());
    }
    let mut foreign = false;
    for entry in fs::read_dir(path).map_err(|error| Error::io("read the folder", path, &error))? {
        let entry = entry.map_err(|error| Error::io("read the folder", path, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if Shard::from_folder(&name).is_some() {
            return Ok(());
        }
        foreign |= !(["lock", "locks"].contains(&name.as_str()) || name.starts_with(TEMPORARY) || name.starts_with(GENERATED));
    }
    if foreign {
        return Err(Error::input(format!("`{}` exists and is not a run folder", path.display())).hint("give a new folder with `--out`"));
    }
    Ok(())
}

/// Removes unfinished files of a killed process from the folder and the folders in it; called only under the lock.
fn clear_temporary_files(path: &Path) {
    let folders = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let folders = folders.filter(|folder| folder.is_dir());
    for folder in std::iter::once(path.to_path_buf()).chain(folders) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                // What cannot be removed harms nobody: it has no name that is ever read.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}
