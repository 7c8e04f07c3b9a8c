//! What a study is: settings, units, records, a summary; and what computes its units.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::folder::RunFolder;
use crate::error::{Error, Result};
use crate::files::hex;
use crate::notes::Notes;
use crate::progress::Progress;

/// Seconds by part of a unit.
pub type Seconds = BTreeMap<String, f64>;

/// What the runner must know of a kind of study beside its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// What a run of it is called: `corrective study`.
    pub name: &'static str,
    /// The command that computes it: `bench corrective`.
    pub command: &'static str,
    /// A setting that no other study has; tells whose folder a run folder is.
    pub mark: &'static str,
    /// Version of the layout of its run folder; another one is refused.
    pub layout: u32,
    /// Folder of the records of its units.
    pub units: &'static str,
    /// What is counted for people, singular: `scenario`.
    pub counted: &'static str,
    /// Folders of what units share and what is made once, such as trained networks; a merge copies them.
    pub beside: &'static [&'static str],
    /// Where processes put their shards.
    pub shards: Shards,
    /// What else an interrupted run keeps, as a sentence; may be empty.
    pub kept: &'static str,
}

/// Where shards are computed, and which units fall to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shards {
    /// Each in a folder of its own inside the run folder, put together by a merge; every n-th unit.
    OwnFolders,
    /// All in the run folder; every n-th unit.
    OneFolder,
    /// All in the run folder; units that stand together, because neighbours share what takes long to make.
    Neighbours,
}

/// The smallest part of a run that is computed and written at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit<K> {
    /// Its name, which is its file name without ending. What is random in it is seeded by its name or what the name stands for.
    pub name: String,
    /// What it is listed under when a run's progress is shown.
    pub cell: String,
    /// Units of one group share what [`Engine::prepare`] makes; they stand one after the other.
    pub group: String,
    /// How many of [`About::counted`] it is.
    pub count: u32,
    /// Relative time that it takes, for estimating the rest.
    pub cost: f64,
    /// What it is to the study.
    pub key: K,
}

/// How long a unit took. In a file of its own, because it differs from run to run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Wall seconds of the unit.
    pub seconds: f64,
    /// Trained models in it.
    #[serde(alias = "scenarios")]
    pub models: u32,
    /// Threads.
    pub threads: usize,
    /// Seconds by part (`train`, `retrain`, `assd`, ...), summed over threads.
    pub stages: Seconds,
}

/// What computing a unit yields.
#[derive(Debug, Clone, PartialEq)]
pub struct Computed<R> {
    /// Its records, in order.
    pub records: Vec<R>,
    /// How long it took.
    pub timings: Timings,
}

/// A kind of study; implemented by its settings, everything that decides a byte of its records. Threads, shards and folders are not among
/// them: they decide when and where something is computed, never what.
pub trait Study: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What a unit is: indices into the settings.
    type Key: Clone + Debug + PartialEq + Send + Sync;
    /// One line of a unit's records. Counts rather than shares, so that nothing is lost to rounding.
    type Record: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send;
    /// How a run is to be judged.
    type Judging;
    /// A judged run, from which its report is written.
    type Summary: Serialize;

    /// See [`About`].
    const ABOUT: About;

    /// Checks ranges and contradictions.
    ///
    /// # Errors
    /// Names the setting, its value and what is allowed.
    fn check(&self) -> Result<()>;

    /// The units, in the order of computing and of the tables. They are made one by one, so that absurd settings of a forged file cost no
    /// memory.
    ///
    /// # Errors
    /// Where a setting cannot be read.
    fn units(&self) -> Result<Box<dyn Iterator<Item = Unit<Self::Key>> + '_>>;

    /// The settings without what a run may gain later (repetitions, methods), which must stay the same as long as the folder is used.
    #[must_use]
    fn base(&self) -> Self;

    /// These settings and what an older run of the same folder has beside them; the two have the same [`Study::base`].
    ///
    /// # Errors
    /// Says what keeps the two apart.
    fn joined(self, old: &Self) -> std::result::Result<Self, String>;

    /// Settings that concern a unit and are not in [`Study::base`]; its records are good for no others.
    fn unit_settings(&self, _unit: &Unit<Self::Key>) -> Option<Value> {
        None
    }

    /// Whether these can be the records of a unit: none missing, none too many, no count above its whole. A file may have been altered.
    ///
    /// # Errors
    /// Says what is wrong.
    fn check_records(&self, unit: &Unit<Self::Key>, records: &[Self::Record]) -> std::result::Result<(), String>;

    /// Writes `records.csv` and what else shall stand beside it, once all units are there.
    ///
    /// # Errors
    /// Where a unit cannot be read or the folder cannot be written.
    fn tables(folder: &RunFolder<Self>) -> Result<()>;

    /// Judges what is there of a run.
    ///
    /// # Errors
    /// Where nothing is there, or a unit cannot be read.
    fn summarise(folder: &RunFolder<Self>, judging: &Self::Judging, notes: &mut Notes) -> Result<Self::Summary>;

    /// SHA-256 of [`Study::base`], which every file of a run names.
    ///
    /// # Errors
    /// Only by a fault of ours.
    fn fingerprint(&self) -> Result<String> {
        let text = serde_json::to_vec(&self.base()).map_err(|error| Error::internal(format!("settings as JSON: {error}")))?;
        Ok(hex(&Sha256::digest(text)))
    }
}

/// A unit of a study.
pub type UnitOf<S> = Unit<<S as Study>::Key>;
/// What computing a unit of a study yields.
pub type ComputedOf<S> = Computed<<S as Study>::Record>;
/// Computes a unit while others are computed on other threads.
pub type ComputeOne<'a, S> = Box<dyn Fn(&UnitOf<S>, &dyn Progress) -> Result<ComputedOf<S>> + Sync + 'a>;

/// What computes the units of a study. The same unit must always give the same records.
pub trait Engine<S: Study> {
    /// Gets ready for the units of a group, such as training the network that they share. Called before the first unit of a group that
    /// has anything left to compute.
    ///
    /// # Errors
    /// Whatever stops the run.
    fn prepare(&mut self, _unit: &UnitOf<S>, _folder: &RunFolder<S>, _progress: &dyn Progress) -> Result<()> {
        Ok(())
    }

    /// Computes a unit, advancing `progress` by its count in all.
    ///
    /// # Errors
    /// Whatever stops the run.
    fn compute(&mut self, unit: &UnitOf<S>, folder: &RunFolder<S>, progress: &dyn Progress) -> Result<ComputedOf<S>>;

    /// Where a unit uses one thread: the number of threads, and what computes units on them. Such an engine prepares nothing.
    fn side_by_side(&self) -> Option<(usize, ComputeOne<'_, S>)> {
        None
    }

    /// Where every unit has progress of its own (a number of passes over the images): the stage that it is shown as.
    fn stage(&self, _unit: &UnitOf<S>) -> Option<String> {
        None
    }
}
