//! The run folder of a study. Every file is written whole or not at all.
//!
//! ```text
//! RUN/settings.json          what is computed
//! RUN/units/UNIT.json        records of a unit, with a checksum
//! RUN/timings/UNIT.json      how long its parts took
//! RUN/records.csv, .parquet  all units in order, once all are there; timings.csv beside them
//! ```
//!
//! Processes that compute shards of a study share the folder: units are seeded by name and have the same bytes whoever writes them.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::settings::{StudySettings, Unit};
use crate::error::{Error, Result};
use crate::scenarios::pieces::{self, Seconds};

/// One method in one unit at one known share. Counts, so that nothing is lost to rounding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Share of the manipulated rows that is known; absent for the clean and the corrupted model.
    pub known: Option<f64>,
    /// Method.
    pub method: String,
    /// Flagged training rows.
    pub flags: u32,
    /// Of these, rows that are not wrong.
    pub false_flags: u32,
    /// Rows proposed beside the flagged ones, for methods that expand.
    pub proposed: Option<u32>,
    /// Of these, rows that are wrong.
    pub proposed_wrong: Option<u32>,
    /// Flagged and proposed rows that were learned as their likeliest class, for ways that relabel.
    pub relabelled: Option<u32>,
    /// Of these, rows whose clean label that is.
    pub relabelled_right: Option<u32>,
    /// Test rows of the affected domain, and how many are predicted as their clean label.
    pub affected: u32,
    /// See [`Row::affected`].
    pub affected_right: u32,
    /// Test rows outside it, and how many are predicted right.
    pub elsewhere: u32,
    /// See [`Row::elsewhere`].
    pub elsewhere_right: u32,
    /// Manipulated training rows (known or not), and how many are predicted as their clean label.
    pub manipulated: u32,
    /// See [`Row::manipulated`].
    pub manipulated_right: u32,
    /// Training rows.
    pub training_rows: u32,
    /// Share of the deletion set that is no longer given its observed label.
    pub deletion_change: Option<f64>,
    /// Accuracy on the rows that settings were chosen by (observed labels, flagged rows left out).
    pub validation_accuracy: Option<f64>,
    /// The settings chosen, as JSON, where there was a choice.
    pub chosen: Option<String>,
    /// Why the method failed, where it did; its counts are then those of the corrupted model.
    pub failed: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct UnitFile {
    unit: String,
    settings: String,
    rows: Vec<Row>,
    sha256: String,
}

/// A run folder.
#[derive(Debug)]
pub struct StudyFolder {
    path: PathBuf,
    settings: StudySettings,
    fingerprint: String,
}

impl StudyFolder {
    /// Opens a folder to compute in it; makes it where it does not exist. A study of the same settings with fewer repetitions grows.
    ///
    /// # Errors
    /// Where it holds something else or another study, or cannot be written.
    pub fn claim(path: &Path, settings: &StudySettings) -> Result<Self> {
        let file = path.join("settings.json");
        if file.exists() {
            let old = Self::look(path)?;
            if old.fingerprint != settings.fingerprint()? {
                return Err(Error::input(format!("`{}` holds a study with other settings", path.display()))
                    .hint("give another folder with `--out`, or the same settings to go on"));
            }
            if old.settings.repetitions >= settings.repetitions {
                return Ok(Self {
                    settings: settings.clone(),
                    ..old
                });
            }
        } else {
            pieces::refuse_foreign(path, "not a study", foreign)?;
        }
        pieces::write_settings(path, settings)?;
        Ok(Self {
            path: path.to_path_buf(),
            fingerprint: settings.fingerprint()?,
            settings: settings.clone(),
        })
    }

    /// Opens a folder to look at it.
    ///
    /// # Errors
    /// Where there is no study.
    pub fn look(path: &Path) -> Result<Self> {
        let settings: StudySettings = pieces::read_settings(path, "study", "bench corrective")?;
        Ok(Self {
            path: path.to_path_buf(),
            fingerprint: settings.fingerprint()?,
            settings,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is computed.
    pub fn settings(&self) -> &StudySettings {
        &self.settings
    }

    fn file(&self, part: &str, unit: &Unit) -> PathBuf {
        self.path.join(part).join(format!("{}.json", unit.name()))
    }

    /// Records of a finished unit; `None` where it is not there or damaged, so that it is computed (again).
    ///
    /// # Errors
    /// Where the file is there and cannot be read.
    pub fn unit(&self, unit: &Unit) -> Result<Option<Vec<Row>>> {
        let path = self.file("units", unit);
        let Some(file) = pieces::read::<UnitFile>(&path)? else {
            return Ok(None);
        };
        let whole = file.unit == unit.name() && file.settings == self.fingerprint && file.sha256 == pieces::checksum(&file.rows)?;
        Ok(whole.then_some(file.rows))
    }

    /// How long the parts of a unit took; empty where that is not known.
    pub fn timings(&self, unit: &Unit) -> Seconds {
        pieces::read_seconds(&self.file("timings", unit))
    }

    /// Writes a finished unit.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn write_unit(&self, unit: &Unit, rows: &[Row], seconds: &Seconds) -> Result<()> {
        let file = UnitFile {
            unit: unit.name(),
            settings: self.fingerprint.clone(),
            rows: rows.to_vec(),
            sha256: pieces::checksum(rows)?,
        };
        pieces::write(&self.file("timings", unit), seconds)?;
        pieces::write(&self.file("units", unit), &file)
    }
}

/// What a folder that was never claimed must not hold; a generated sheet may lie there.
fn foreign(entry: &fs::DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy().into_owned();
    !(name.starts_with("generated-") || name.starts_with(".recant-"))
}
