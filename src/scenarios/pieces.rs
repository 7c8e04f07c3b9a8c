//! Files that the run folders of the benchmarks share: settings, records of a piece with a checksum, and how long it took.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::files::{hex, write_bytes};

/// Seconds by part of a piece.
pub type Seconds = BTreeMap<String, f64>;

/// Reads the settings of a run. `run`: what it is called; `command`: what makes one.
pub(super) fn read_settings<S: DeserializeOwned>(folder: &Path, run: &str, command: &str) -> Result<S> {
    let file = folder.join("settings.json");
    let hint = format!("give the folder that `recant {command} ... --out` made");
    let bytes = fs::read(&file).map_err(|error| Error::io("read", &file, &error).hint(hint))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::input(format!("the settings of this {run} cannot be read: {error}")).in_file(&file))
}

/// Writes them.
pub(super) fn write_settings(folder: &Path, settings: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(settings).map_err(|error| Error::internal(format!("settings as JSON: {error}")))?;
    text.push('\n');
    write_bytes(&folder.join("settings.json"), text.as_bytes())
}

/// Refuses a folder that is none of ours: one without settings that holds an entry which is `foreign` to a run.
pub(super) fn refuse_foreign(folder: &Path, told: &str, foreign: impl Fn(&fs::DirEntry) -> bool) -> Result<()> {
    let holds = folder.is_dir()
        && fs::read_dir(folder)
            .map_err(|error| Error::io("read the folder", folder, &error))?
            .flatten()
            .any(|entry| foreign(&entry));
    if holds {
        return Err(Error::input(format!("`{}` exists and is {told}", folder.display())).hint("give a new folder with `--out`"));
    }
    Ok(())
}

/// A file of a finished piece; `None` where it is not there or damaged.
pub(super) fn read<F: DeserializeOwned>(path: &Path) -> Result<Option<F>> {
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path, &error)),
    }
}

/// How long the parts of a piece took; empty where that is not known.
pub(super) fn read_seconds(path: &Path) -> Seconds {
    serde_json::from_slice(&fs::read(path).unwrap_or_default()).unwrap_or_default()
}

/// Writes a file of a piece in one line.
pub(super) fn write(path: &Path, file: &impl Serialize) -> Result<()> {
    let bytes = serde_json::to_vec(file).map_err(|error| Error::internal(format!("a piece as JSON: {error}")))?;
    write_bytes(path, &bytes)
}

/// Checksum of records.
pub(super) fn checksum<R: Serialize>(records: &[R]) -> Result<String> {
    let bytes = serde_json::to_vec(records).map_err(|error| Error::internal(format!("records as JSON: {error}")))?;
    Ok(hex(&Sha256::digest(bytes)))
}
