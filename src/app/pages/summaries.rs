//! What a list says of each model: read once from its records, and again where those change.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::app::folder::Item;
use crate::error::{Error, Result};
use crate::evaluate::record::Timings;
use crate::model::{ModelInfo, read_info};
use crate::report::{self, Context};

/// What is known of a model without loading it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app) struct Summary {
    pub info: ModelInfo,
    /// The verdict in a few words, and its style class.
    pub badge: (&'static str, &'static str),
    /// The verdict as a headline.
    pub headline: String,
    /// Test rows whose labels can be trusted, where a repair found that not all can: its accuracy is on these.
    pub trusted: Option<usize>,
}

type Known = HashMap<PathBuf, (Option<SystemTime>, std::result::Result<Arc<Summary>, Error>)>;

/// Summaries by folder.
#[derive(Default)]
pub(in crate::app) struct Summaries(Mutex<Known>);

impl Summaries {
    /// The summary of a model folder.
    ///
    /// # Errors
    /// Where its records cannot be read.
    pub fn of(&self, item: &Item) -> Result<Arc<Summary>> {
        let seal = item.path.join("model.json");
        let changed = std::fs::symlink_metadata(&seal).and_then(|about| about.modified()).ok();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((then, summary)) = known.get(&item.path)
            && *then == changed
        {
            return summary.clone();
        }
        if known.len() > 1000 {
            known.clear();
        }
        let summary = read(&item.path).map(Arc::new);
        known.insert(item.path.clone(), (changed, summary.clone()));
        summary
    }
}

fn read(folder: &Path) -> Result<Summary> {
    let info = read_info(folder)?;
    let (badge, headline, trusted) = match info.repairs.is_empty() {
        true => of_training(folder)?,
        false => of_repair(folder)?,
    };
    Ok(Summary {
        info,
        badge,
        headline,
        trusted,
    })
}

type Verdict = ((&'static str, &'static str), String, Option<usize>);

fn of_training(folder: &Path) -> Result<Verdict> {
    let record = report::read_training(&folder.join("training.json"))?;
    let badge = report::training::usefulness_words(record.usefulness.usefulness);
    Ok((badge, report::training::headline(&record).to_owned(), None))
}

fn of_repair(folder: &Path) -> Result<Verdict> {
    let record = report::read_record(&folder.join("report").join("record.json"))?;
    let timings = Timings::default();
    let context = Context::new(&record, &timings)?;
    let trusted = context.chosen.whole.as_ref().map(|whole| whole.trusted);
    Ok((report::repair::badge(&context), report::repair::headline(&context), trusted))
}
