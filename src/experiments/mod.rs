//! Studies over many trained models, on one runner.
//!
//! A study is a type ([`Study`], implemented by its settings) with units, records and a summary, and an [`Engine`] that computes a unit.
//! The runner owns the rest, the same for all:
//!
//! - [`folder`]: the run folder, which survives being killed at any moment; [`run()`]: computing what is missing;
//! - [`shard`]: which part this process takes (by hand, Slurm, Kubernetes); [`merge()`]: parts put together; [`status()`]: how far a run is;
//! - [`tables`]: the records as CSV and Parquet, and the timings.
//!
//! Every unit is seeded by its name, so any part of a run can be computed alone, on any machine of the same processor kind, with any number
//! of threads, and gives the same bytes. On a GPU records agree with the processor's to rounding.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::notes::Notes;

pub mod corrective;
pub mod corrective_images;
mod differences;
pub mod folder;
pub mod forget;
pub mod images;
mod lock;
pub mod merge;
pub mod random_errors;
pub mod runner;
pub mod shard;
pub mod status;
pub mod study;
pub mod tables;
mod unit_file;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod mock_tests;

pub use folder::RunFolder;
pub use merge::{Merged, merge};
pub use runner::{Done, run};
pub use shard::Shard;
pub use status::{Status, status};
pub use study::{About, Computed, ComputedOf, Engine, Study, Timings, Unit, UnitOf};

/// All studies. A new one is a line here.
pub const STUDIES: &[&dyn Listed] = &[
    &Of::<random_errors::Settings>::NEW,
    &Of::<corrective::StudySettings>::NEW,
    &Of::<forget::ForgetSettings>::NEW,
    &Of::<corrective_images::ImageStudySettings>::NEW,
];

/// What can be done with a run folder whatever its study.
pub trait Listed: Sync {
    /// What it is.
    fn about(&self) -> About;
    /// See [`status()`].
    ///
    /// # Errors
    /// As there.
    fn status(&self, path: &Path, notes: &mut Notes) -> Result<Status>;
    /// See [`merge()`].
    ///
    /// # Errors
    /// As there.
    fn merge(&self, path: &Path, more: &[PathBuf], notes: &mut Notes) -> Result<Merged>;
}

/// A study as a value.
struct Of<S>(PhantomData<fn() -> S>);

impl<S> Of<S> {
    const NEW: Self = Self(PhantomData);
}

impl<S: Study> Listed for Of<S> {
    fn about(&self) -> About {
        S::ABOUT
    }

    fn status(&self, path: &Path, notes: &mut Notes) -> Result<Status> {
        status::<S>(path, notes)
    }

    fn merge(&self, path: &Path, more: &[PathBuf], notes: &mut Notes) -> Result<Merged> {
        merge::<S>(path, more, notes)
    }
}

/// The study whose run, or whose shards, a folder holds. `more`: folders that may tell where it does not.
///
/// # Errors
/// Where there is none.
pub fn study_of(path: &Path, more: &[PathBuf]) -> Result<&'static dyn Listed> {
    let shards = if path.is_dir() { merge::shard_folders(path)? } else { Vec::new() };
    let inside = shards.into_iter().map(|(_, folder)| folder);
    let places = std::iter::once(path.to_path_buf()).chain(inside).chain(more.iter().cloned());
    let place = places.into_iter().find(|place| place.join("settings.json").exists());
    let settings = folder::raw_settings(place.as_deref().unwrap_or(path))?;
    let found = STUDIES.iter().copied().find(|study| settings.get(study.about().mark).is_some());
    found.ok_or_else(|| {
        let commands: Vec<String> = STUDIES.iter().map(|study| format!("`recant {}`", study.about().command)).collect();
        Error::input(format!("`{}` holds settings of no study known here", path.display()))
            .hint(format!("give a folder that one of these made: {}", commands.join(", ")))
    })
}
