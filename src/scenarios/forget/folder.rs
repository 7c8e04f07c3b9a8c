//! The run folder of a benchmark. Every file is written whole or not at all.
//!
//! ```text
//! RUN/settings.json              what is computed
//! RUN/models/*.safetensors       trained networks, and what was measured over all their training images
//! RUN/checkpoints/*.safetensors  trainings under way, after every epoch
//! RUN/pieces/UNIT_METHOD.json    records of one method on one forget set of one model, with a checksum
//! RUN/timings/UNIT_METHOD.json   how long it took
//! RUN/locks/                     held while a process works in the folder, on a shard of it, or trains a model
//! RUN/records.csv, records.json  all records that are there, in order; sweep.csv and timings.csv beside them
//! ```
//!
//! Processes that compute shards share the folder: everything is seeded by name and has the same bytes whoever writes it.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::settings::{ForgetSettings, TaskSettings, Unit};
use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::progress::{Progress, Silent};
use crate::scenarios::lock::{self, Kind};
use crate::scenarios::pieces::{self, LITTER, Seconds, clear_litter};
use crate::scenarios::shard::Shard;

/// One model after one method (or one setting of a sweep). Counts, so that nothing is lost to rounding.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Training images of the model.
    pub training_rows: u32,
    /// Training images to forget.
    pub forget_rows: u32,
    /// Test images of the retain accuracy, and how many are predicted right.
    pub retain: u32,
    /// See [`Record::retain`].
    pub retain_right: u32,
    /// Images of the forget accuracy, and how many are predicted right.
    pub forget: u32,
    /// See [`Record::forget`].
    pub forget_right: u32,
    /// Training images to forget that membership inference takes for training images.
    pub members: u32,
    /// Selection weighting, for methods that dampen.
    pub alpha: Option<f64>,
    /// Dampening constant, for methods that dampen.
    pub lambda: Option<f64>,
    /// Percentile of the ratios that ASSD cut at.
    pub percentile: Option<f64>,
    /// Parameters that became smaller.
    pub dampened: Option<u64>,
    /// Parameters in all.
    pub parameters: u64,
    /// Why the method failed, where it did; the counts are then those of the model as it was.
    pub failed: Option<String>,
}

fn share(right: u32, of: u32) -> Option<f64> {
    (of > 0).then(|| f64::from(right) / f64::from(of))
}

impl Record {
    /// Accuracy on the test images that are to be kept.
    pub fn retain_accuracy(&self) -> Option<f64> {
        share(self.retain_right, self.retain)
    }

    /// Accuracy on the images that are to be forgotten.
    pub fn forget_accuracy(&self) -> Option<f64> {
        share(self.forget_right, self.forget)
    }

    /// Share of the training images to forget that membership inference takes for training images.
    pub fn membership(&self) -> Option<f64> {
        share(self.members, self.forget_rows)
    }
}

#[derive(Serialize, Deserialize)]
struct PieceFile {
    unit: String,
    piece: String,
    settings: String,
    task: TaskSettings,
    records: Vec<Record>,
    sha256: String,
}

/// A run folder.
#[derive(Debug)]
pub struct ForgetFolder {
    path: PathBuf,
    settings: ForgetSettings,
    fingerprint: String,
    /// Held until dropped.
    _locks: Vec<File>,
}

impl ForgetFolder {
    /// Opens a folder to compute all of it or one shard, and locks that; makes it where it does not exist. A run of the same settings may
    /// gain seeds, methods, tasks and a sweep; what it has beside what is asked for now stays among its settings.
    ///
    /// # Errors
    /// Where another process computes the same shard, or all; where it holds something else or another run (what differs is named), or
    /// cannot be written.
    pub fn claim(path: &Path, settings: &ForgetSettings, shard: Option<Shard>, notes: &mut Notes) -> Result<Self> {
        settings.check()?;
        if !path.join("settings.json").exists() {
            let foreign = |entry: &std::fs::DirEntry| !entry.file_name().to_string_lossy().starts_with(LITTER);
            pieces::refuse_foreign(path, "no benchmark run", foreign)?;
            pieces::write_settings(path, settings)?;
        }
        // Told before anybody is waited for, and looked at again once nobody else writes.
        Self::look(path)?.merged(settings)?;
        let at = |name: &str| path.join("locks").join(name);
        let mut locks = Vec::new();
        match shard {
            None => {
                locks.push(lock::hold(path, &at("run"), Kind::Alone, notes)?);
                for part in ["", "models", "checkpoints", "pieces", "timings"] {
                    clear_litter(&path.join(part));
                }
            }
            Some(shard) => {
                locks.push(lock::hold(path, &at("run"), Kind::Shared, notes)?);
                locks.push(lock::hold(path, &at(&shard.folder()), Kind::Alone, notes)?);
            }
        }
        let _settings = lock::wait(&at("settings"), "settings", &Silent::default())?;
        let old = Self::look(path)?;
        let settings = old.merged(settings)?;
        if settings != old.settings {
            pieces::write_settings(path, &settings)?;
        }
        Ok(Self {
            settings,
            _locks: locks,
            ..old
        })
    }

    /// These settings and what this run has beside them.
    fn merged(&self, settings: &ForgetSettings) -> Result<ForgetSettings> {
        if self.fingerprint != settings.fingerprint()? {
            let differences = pieces::differences(&settings.base(), &self.settings.base());
            return Err(
                Error::input(format!("`{}` holds a run with other settings: {differences}", self.path.display()))
                    .hint("give another folder with `--out`, or the same settings to go on"),
            );
        }
        settings.clone().with(&self.settings)
    }

    /// Waits until no other process that shares the folder makes `name` or writes it, then keeps the others waiting until what is
    /// returned is dropped.
    ///
    /// # Errors
    /// Where the folder cannot be written, or the person asks to stop.
    pub fn alone(&self, name: &str, progress: &dyn Progress) -> Result<File> {
        lock::wait(&self.path.join("locks").join(name), name, progress)
    }

    /// Opens a folder to look at it.
    ///
    /// # Errors
    /// Where there is no run.
    pub fn look(path: &Path) -> Result<Self> {
        let settings: ForgetSettings = pieces::read_settings(path, "run", "bench forget")?;
        Ok(Self {
            path: path.to_path_buf(),
            fingerprint: settings.fingerprint()?,
            settings,
            _locks: Vec::new(),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is computed.
    pub fn settings(&self) -> &ForgetSettings {
        &self.settings
    }

    /// What a stored network must say that it belongs to.
    pub(super) fn of(&self, name: &str) -> String {
        format!("{} {name}", self.fingerprint)
    }

    fn file(&self, part: &str, unit: &Unit, piece: &str) -> PathBuf {
        self.path.join(part).join(format!("{}_{piece}.json", self.settings.name(unit)))
    }

    /// Records of a finished piece; `None` where it is not there or damaged, so that it is computed (again).
    ///
    /// # Errors
    /// Where the file is there and cannot be read.
    pub fn piece(&self, unit: &Unit, piece: &str) -> Result<Option<Vec<Record>>> {
        let path = self.file("pieces", unit, piece);
        let Some(file) = pieces::read::<PieceFile>(&path)? else {
            return Ok(None);
        };
        let whole = file.unit == self.settings.name(unit)
            && file.piece == piece
            && file.settings == self.fingerprint
            && file.task == *self.settings.task(unit)
            && file.sha256 == pieces::checksum(&file.records)?;
        Ok(whole.then_some(file.records))
    }

    /// How long the parts of a piece took; empty where that is not known.
    pub fn timings(&self, unit: &Unit, piece: &str) -> Seconds {
        pieces::read_seconds(&self.file("timings", unit, piece))
    }

    /// Writes a finished piece.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn write_piece(&self, unit: &Unit, piece: &str, records: &[Record], seconds: &Seconds) -> Result<()> {
        let file = PieceFile {
            unit: self.settings.name(unit),
            piece: piece.to_owned(),
            settings: self.fingerprint.clone(),
            task: self.settings.task(unit).clone(),
            records: records.to_vec(),
            sha256: pieces::checksum(records)?,
        };
        pieces::write(&self.file("timings", unit, piece), seconds)?;
        pieces::write(&self.file("pieces", unit, piece), &file)
    }
}
