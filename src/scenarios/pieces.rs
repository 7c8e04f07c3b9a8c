//! Files that the run folders of the benchmarks share: settings, records of a piece with a checksum, and how long it took.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::files::{self, hex, write_bytes};

/// Unfinished files of a killed process start with this (see [`crate::files`]).
pub(super) const LITTER: &str = ".recant-";

/// Seconds by part of a piece.
pub type Seconds = BTreeMap<String, f64>;

/// Reads the settings of a run. `run`: what it is called; `command`: what makes one.
pub(super) fn read_settings<S: DeserializeOwned>(folder: &Path, run: &str, command: &str) -> Result<S> {
    let file = folder.join("settings.json");
    let hint = format!("give the folder that `recant {command} ... --out` made");
    let bytes = files::read("read", &file, files::SETTINGS).map_err(|error| error.hint(hint))?;
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
    let bytes = files::read_if_there("read", path, files::RESULTS)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// How long the parts of a piece took; empty where that is not known.
pub(super) fn read_seconds(path: &Path) -> Seconds {
    serde_json::from_slice(&files::read("read", path, files::SETTINGS).unwrap_or_default()).unwrap_or_default()
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

/// Removes unfinished files of a killed process; called only under the lock.
pub(super) fn clear_litter(path: &Path) {
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(LITTER) {
            // What cannot be removed harms nobody: it has no name that is ever read.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// How many differences between settings are told.
const MOST_DIFFERENCES: usize = 4;

/// What differs between settings, for the person who goes on with a run: `learning rate: 0.1 here, 0.05 there`.
pub(super) fn differences(ours: &impl Serialize, theirs: &impl Serialize) -> String {
    let mut found = Vec::new();
    let as_json = |error| Value::String(format!("settings that cannot be told: {error}"));
    let (ours, theirs) = (
        serde_json::to_value(ours).unwrap_or_else(as_json),
        serde_json::to_value(theirs).unwrap_or_else(as_json),
    );
    compare(&[], &ours, &theirs, &mut found);
    let more = found.len().saturating_sub(MOST_DIFFERENCES);
    found.truncate(MOST_DIFFERENCES);
    if more > 0 {
        found.push(format!("{more} more"));
    }
    found.join("; ")
}

fn compare(place: &[String], ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    let below = |name: String| [place, &[name]].concat();
    match (ours, theirs) {
        (Value::Object(one), Value::Object(other)) => {
            let missing = other.keys().filter(|name| !one.contains_key(*name));
            for name in one.keys().chain(missing) {
                let of = |map: &serde_json::Map<String, Value>| map.get(name).cloned().unwrap_or_default();
                compare(&below(name.replace(['_', '-'], " ")), &of(one), &of(other), found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                let name = one.get("dataset").and_then(Value::as_str).map(str::to_owned);
                compare(&below(name.unwrap_or_else(|| (index + 1).to_string())), one, other, found);
            }
        }
        _ if ours == theirs => {}
        _ => found.push(format!("{}: {} here, {} there", place.join(" "), plain(ours), plain(theirs))),
    }
}

/// A setting as people read it; of a checksum its beginning.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) if text.len() == 64 => format!("`{}...`", &text[..12]),
        Value::String(text) => format!("`{text}`"),
        Value::Array(list) => format!("{} of them", list.len()),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| format!("{} {}", name.replace('_', " "), plain(value)));
            fields.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_name_the_setting_and_both_values() {
        let settings = |rate: f64, sha: &str, length: Value| json!({"parts": [{"dataset": "faces", "recipe": {"learning_rate": rate, "length": length}}], "sha256": sha, "seeds": 3});
        let one = settings(0.1, &"ab".repeat(32), json!({"epochs": 5}));
        assert_eq!(differences(&one, &one), "");
        assert_eq!(
            differences(&one, &settings(0.05, &"cd".repeat(32), json!({"steps": 9}))),
            "parts faces recipe learning rate: 0.1 here, 0.05 there; parts faces recipe length epochs: 5 here, none there; \
             parts faces recipe length steps: none here, 9 there; sha256: `abababababab...` here, `cdcdcdcdcdcd...` there"
        );
        assert_eq!(
            differences(&json!({"a": null}), &json!({"a": {"b_c": 1, "d": "e"}})),
            "a: none here, b c 1, d `e` there"
        );
        let many = |value: u32| Value::Object((0..9).map(|index| (index.to_string(), value.into())).collect());
        assert!(differences(&many(1), &many(2)).ends_with("3: 1 here, 2 there; 5 more"));
        assert_eq!(
            differences(&json!({"a": [1]}), &json!({"a": [1, 2]})),
            "a: 1 of them here, 2 of them there"
        );
    }
}
