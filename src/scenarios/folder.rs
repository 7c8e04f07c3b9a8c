//! The run folder: settings, chunks, timings, searches, and a lock. Every file is written whole or not at all.
//!
//! ```text
//! RUN/settings.json            what is computed
//! RUN/tuning/SIZE.json         learning rate and weight decay of a size, found once
//! RUN/chunks/CHUNK.jsonl       records of a chunk, with a checksum in the last line
//! RUN/timings/CHUNK.json       how long it took
//! RUN/shard-I-OF-N/...         the same, of one shard
//! RUN/records.csv, .parquet    all chunks in the order of the plan, once all are there
//! RUN/sweep.csv, timings.csv
//! RUN/lock                     held while a process works in the folder
//! ```

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::files::{self, hex, write_atomic, write_bytes};
use crate::notes::Notes;
use crate::scenarios::check;
use crate::scenarios::lock::{self, Kind};
use crate::scenarios::pieces::{LITTER, clear_litter};
use crate::scenarios::plan::Chunk;
use crate::scenarios::record::{ChunkRecords, ChunkTimings, Row, SweepRow, Tuned};
use crate::scenarios::settings::Settings;

/// A run folder, or the folder of one shard in it.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    settings: Settings,
    /// Held until dropped; the system lets go of it when the process ends, however it ends.
    _lock: Option<fs::File>,
}

/// First line of a chunk file.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    chunk: String,
    settings: String,
}

/// Last line of a chunk file.
#[derive(Debug, Serialize, Deserialize)]
struct Footer {
    lines: usize,
    sha256: String,
}

/// One line between them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Row(Row),
    Sweep(SweepRow),
}

impl RunFolder {
    /// Opens a run folder to compute in it, and locks it; makes it where it does not exist. A folder of the same batch with fewer
    /// sizes, error rates or scenarios is taken over and grows.
    ///
    /// # Errors
    /// Where another process works in it, its settings differ (each difference is named), it holds something else, or it cannot be written.
    pub fn claim(path: &Path, settings: &Settings, notes: &mut Notes) -> Result<Self> {
        settings.check()?;
        let file = path.join("settings.json");
        if path.is_dir() && !file.exists() && holds_something_else(path)? {
            return Err(Error::input(format!("`{}` exists and is not a run folder", path.display())).hint("give a new folder with `--out`"));
        }
        fs::create_dir_all(path).map_err(|error| Error::io("make the folder", path, &error))?;
        let lock = Some(lock::hold(path, &path.join("lock"), Kind::Alone, notes)?);
        if file.exists() {
            let old = Settings::read(&file)?;
            if old != *settings {
                if !settings.grows(&old) {
                    let mut differences = settings.differences(&old, false);
                    if differences.is_empty() {
                        differences = settings.differences(&old, true);
                    }
                    return Err(Error::input(format!(
                        "`{}` holds a batch with other settings: {}",
                        path.display(),
                        differences.join("; ")
                    ))
                    .hint("give another folder with `--out`, or the same settings to go on"));
                }
                write_bytes(&file, settings.to_json()?.as_bytes())?;
                notes.add(
                    "batch-grows",
                    "The folder holds the same batch with fewer sizes, error rates or scenarios.",
                    "Its finished scenarios are kept and the new ones are added.",
                );
            }
        } else {
            write_bytes(&file, settings.to_json()?.as_bytes())?;
        }
        for part in ["", "chunks", "timings", "tuning"] {
            clear_litter(&path.join(part));
        }
        Ok(Self {
            path: path.to_path_buf(),
            settings: settings.clone(),
            _lock: lock,
        })
    }

    /// Opens a run folder to look at it, without a lock.
    ///
    /// # Errors
    /// Where there is none, or its settings cannot be read.
    pub fn look(path: &Path) -> Result<Self> {
        let file = path.join("settings.json");
        if path.is_dir() && !file.exists() {
            return Err(
                Error::input(format!("`{}` is not a run folder: it has no settings.json", path.display()))
                    .hint("give the folder that `recant scenarios ... --out` made"),
            );
        }
        Ok(Self {
            path: path.to_path_buf(),
            settings: Settings::read(&file)?,
            _lock: None,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is computed.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn chunk_path(&self, chunk: &Chunk) -> PathBuf {
        self.path.join("chunks").join(format!("{}.jsonl", chunk.name))
    }

    fn timings_path(&self, chunk: &Chunk) -> PathBuf {
        self.path.join("timings").join(format!("{}.json", chunk.name))
    }

    /// The bytes of a finished chunk; `None` where it is not there.
    ///
    /// # Errors
    /// Where it is there but cannot be read.
    pub fn chunk_bytes(&self, chunk: &Chunk) -> Result<Option<Vec<u8>>> {
        let path = self.chunk_path(chunk);
        files::read_if_there("read", &path, files::RESULTS)
    }

    /// The records of a finished chunk; `None` where it is not there.
    ///
    /// # Errors
    /// Where it is damaged (cut off, altered, of another batch) or cannot be read.
    pub fn chunk(&self, chunk: &Chunk) -> Result<Option<ChunkRecords>> {
        match self.chunk_bytes(chunk)? {
            None => Ok(None),
            Some(bytes) => decode(&bytes, chunk, &self.settings)
                .map(Some)
                .map_err(|error| error.in_file(self.chunk_path(chunk))),
        }
    }

    /// Whether a chunk is there and whole. A damaged one counts as missing, with a note.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn has(&self, chunk: &Chunk, notes: &mut Notes) -> Result<bool> {
        match self.chunk_bytes(chunk)? {
            None => Ok(false),
            Some(bytes) => match decode(&bytes, chunk, &self.settings) {
                Ok(_) => Ok(true),
                Err(error) => {
                    notes.add(
                        "damaged-chunk",
                        format!("`chunks/{}.jsonl` is damaged: {}.", chunk.name, error.message()),
                        "Its scenarios are computed again.",
                    );
                    Ok(false)
                }
            },
        }
    }

    /// Writes a finished chunk: timings first, so that whoever sees the records finds both.
    ///
    /// # Errors
    /// Where the folder cannot be written or the disk is full. What was finished before stays.
    pub fn write_chunk(&self, chunk: &Chunk, records: &ChunkRecords, timings: &ChunkTimings) -> Result<()> {
        let timings = serde_json::to_vec(timings).map_err(|error| Error::internal(format!("timings as JSON: {error}")))?;
        let write = || {
            write_bytes(&self.timings_path(chunk), &timings)?;
            write_bytes(&self.chunk_path(chunk), &encode(records, chunk, &self.settings)?)
        };
        write().map_err(|error| self.resumable(error))
    }

    /// Copies a finished chunk and its timings from another folder of the same batch.
    pub(super) fn take_chunk(&self, chunk: &Chunk, bytes: &[u8], timings: Option<&ChunkTimings>) -> Result<()> {
        let write = || {
            if let Some(timings) = timings {
                let timings = serde_json::to_vec(timings).map_err(|error| Error::internal(format!("timings as JSON: {error}")))?;
                write_bytes(&self.timings_path(chunk), &timings)?;
            }
            write_bytes(&self.chunk_path(chunk), bytes)
        };
        write().map_err(|error| self.resumable(error))
    }

    /// How long a chunk took; `None` where that is not known.
    pub fn timings(&self, chunk: &Chunk) -> Option<ChunkTimings> {
        let bytes = files::read("read", &self.timings_path(chunk), files::SETTINGS).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    fn tuning_path(&self, size: &str) -> PathBuf {
        self.path.join("tuning").join(format!("{}.json", size.replace(',', "-")))
    }

    /// What the search found for a size; `None` where it has not run.
    ///
    /// # Errors
    /// Where the file is there but cannot be read or is damaged.
    pub fn tuned(&self, size: &str) -> Result<Option<Tuned>> {
        let path = self.tuning_path(size);
        let Some(bytes) = files::read_if_there("read", &path, files::SETTINGS)? else {
            return Ok(None);
        };
        let tuned: Tuned = serde_json::from_slice(&bytes).map_err(|error| {
            Error::input(format!("the search result of size `{size}` is damaged: {error}"))
                .in_file(&path)
                .hint("delete this file: the search then runs again and finds the same")
        })?;
        Ok(Some(tuned))
    }

    /// Writes what the search found.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn write_tuned(&self, tuned: &Tuned) -> Result<()> {
        let mut text = serde_json::to_string_pretty(tuned).map_err(|error| Error::internal(format!("a search as JSON: {error}")))?;
        text.push('\n');
        write_bytes(&self.tuning_path(&tuned.size), text.as_bytes()).map_err(|error| self.resumable(error))
    }

    /// Writes a file of the run folder, whole or not at all.
    ///
    /// # Errors
    /// Where the folder cannot be written, or `fill` fails.
    pub fn write(&self, name: &str, fill: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
        write_atomic(&self.path.join(name), fill).map_err(|error| self.resumable(error))
    }

    /// A failed write, with the good news.
    fn resumable(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::Io {
            return error;
        }
        let text = format!("{}; what was finished is kept in `{}`", error.message(), self.path.display());
        Error::new(ErrorKind::Io, text).hint(match error.hint_text() {
            Some(hint) => format!("{hint}, then start the same command again: it goes on where it stopped"),
            None => "start the same command again: it goes on where it stopped".to_owned(),
        })
    }
}

/// A folder that exists without settings is ours if it is empty, holds shards (and, say, the logs of their jobs), or was claimed by a
/// process that was killed at once.
fn holds_something_else(path: &Path) -> Result<bool> {
    let entries = fs::read_dir(path).map_err(|error| Error::io("read the folder", path, &error))?;
    let mut foreign = false;
    for entry in entries {
        let entry = entry.map_err(|error| Error::io("read the folder", path, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if crate::scenarios::shard::Shard::from_folder(&name).is_some() {
            return Ok(false);
        }
        foreign |= name != "lock" && !name.starts_with(LITTER);
    }
    Ok(foreign)
}

/// SHA-256 over everything but the grid, so that a chunk of a batch that grew stays valid.
fn fingerprint(settings: &Settings) -> Result<String> {
    let base = Settings {
        sizes: Vec::new(),
        errors: Vec::new(),
        ..settings.clone()
    };
    Ok(hex(&Sha256::digest(base.to_json()?.as_bytes())))
}

fn encode(records: &ChunkRecords, chunk: &Chunk, settings: &Settings) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let header = Header {
        chunk: chunk.name.clone(),
        settings: fingerprint(settings)?,
    };
    push(&mut bytes, &header)?;
    for row in &records.rows {
        push(&mut bytes, &Line::Row(row.clone()))?;
    }
    for row in &records.sweep {
        push(&mut bytes, &Line::Sweep(row.clone()))?;
    }
    let footer = Footer {
        lines: records.rows.len() + records.sweep.len(),
        sha256: hex(&Sha256::digest(&bytes)),
    };
    push(&mut bytes, &footer)?;
    Ok(bytes)
}

fn push(bytes: &mut Vec<u8>, line: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *bytes, line).map_err(|error| Error::internal(format!("a record as JSON: {error}")))?;
    bytes.push(b'\n');
    Ok(())
}

/// The records of a chunk file, checked.
pub(super) fn decode(bytes: &[u8], chunk: &Chunk, settings: &Settings) -> Result<ChunkRecords> {
    let damaged = |why: &str| {
        Error::input(format!("the records of these scenarios are damaged ({why})")).hint("start the run again: they are computed anew")
    };
    let body = bytes.strip_suffix(b"\n").ok_or_else(|| damaged("its end is missing"))?;
    let cut = body.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    let footer: Footer = serde_json::from_slice(&body[cut..]).map_err(|_| damaged("its last line is missing"))?;
    if hex(&Sha256::digest(&bytes[..cut])) != footer.sha256 {
        return Err(damaged("its checksum is wrong"));
    }
    let mut lines = bytes[..cut].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let header: Header = lines
        .next()
        .and_then(|line| serde_json::from_slice(line).ok())
        .ok_or_else(|| damaged("its first line is missing"))?;
    if header.chunk != chunk.name || header.settings != fingerprint(settings)? {
        return Err(damaged("it belongs to a batch with other settings"));
    }
    let mut records = ChunkRecords::default();
    for line in lines {
        match serde_json::from_slice(line).map_err(|error| damaged(&error.to_string()))? {
            Line::Row(row) => records.rows.push(row),
            Line::Sweep(row) => records.sweep.push(row),
        }
    }
    if records.rows.len() + records.sweep.len() != footer.lines {
        return Err(damaged("a line is missing"));
    }
    check::check(&records, chunk, settings).map_err(|why| damaged(&why))?;
    Ok(records)
}

#[cfg(test)]
mod tests;
