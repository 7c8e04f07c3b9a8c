//! Batches of random error scenarios: from a sheet to what is computed, and from a run folder to its report.

use std::path::{Path, PathBuf};

use super::SheetSource;
use crate::error::Result;
use crate::evaluate::record::EvaluationSettings;
use crate::experiments::random_errors::{BatchOptions, BatchReport, Data, Judging, PUBLISHED_PROFILE, Settings, batch};
use crate::experiments::{RunFolder, Study};
use crate::features::{Overrides, Profile};
use crate::files;
use crate::notes::Notes;
use crate::report;
use crate::tables::ReadOptions;

/// What to compute.
pub struct PlanScenarios<'a> {
    /// The sheet.
    pub sheet: SheetSource<'a>,
    /// How to read it.
    pub reading: ReadOptions,
    /// Name of a built-in profile, or a profile file.
    pub profile: Option<&'a str>,
    /// What the person says on top of the profile.
    pub overrides: Overrides,
    /// Sizes, error rates, methods, training.
    pub options: BatchOptions,
}

/// Fixes the settings of a batch and encodes its sheet. Computed by [`run`](crate::experiments::run()) with an engine of these.
///
/// # Errors
/// Where the sheet or the profile cannot be used, or an option cannot be read.
pub fn plan_scenarios(request: &PlanScenarios, notes: &mut Notes) -> Result<(Settings, Data)> {
    let table = request.sheet.read_rows(&request.reading, notes)?;
    let published = request.options.published.then_some(PUBLISHED_PROFILE);
    let profile = Profile::choose(&table, request.profile.or(published), &request.overrides, notes)?;
    batch(&table, &profile, &request.options, notes)
}

/// What to judge.
pub struct JudgeScenarios<'a> {
    /// The run folder.
    pub run: &'a Path,
    /// Run folders of the same sheet at other learning rates.
    pub with: &'a [PathBuf],
    /// Smallest effect, significance level, resamples, seed.
    pub evaluation: EvaluationSettings,
    /// Folder for the report; an older report in it is replaced.
    pub out: &'a Path,
}

/// Judges a run folder and writes the report.
///
/// # Errors
/// Where a folder is no run folder of scenarios, no cell has two scenarios, or the report cannot be written.
pub fn judge_scenarios(request: &JudgeScenarios, notes: &mut Notes) -> Result<BatchReport> {
    files::check_place(request.out)?;
    let folder = RunFolder::<Settings>::open(request.run)?;
    let others = request.with.iter().map(|path| RunFolder::open(path)).collect::<Result<Vec<_>>>()?;
    let judging = Judging {
        others,
        evaluation: request.evaluation.clone(),
    };
    let judged = Settings::summarise(&folder, &judging, notes)?;
    // A new folder whole or not at all; in an old one the page is written last.
    if request.out.exists() {
        report::scenarios::write(request.out, &judged)?;
    } else {
        files::write_folder(request.out, |folder| report::scenarios::write(folder, &judged).map(drop))?;
    }
    Ok(judged)
}
