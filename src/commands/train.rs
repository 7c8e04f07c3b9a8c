//! Training a classifier on a sheet, with its report.

use std::path::Path;

use super::{Run, SheetSource, folder_name, repair::default_evidence};
use crate::error::Result;
use crate::evaluate::Metric;
use crate::evaluate::record::EvaluationSettings;
use crate::features::{Overrides, Profile, RecipeKind};
use crate::jobs::save::{folder_of, save_trained};
use crate::jobs::train::{TrainOptions, TrainRequest, Trained, train};
use crate::notes::Notes;
use crate::report;
use crate::tables::ReadOptions;

/// What to train.
pub struct TrainSheet<'a> {
    /// The sheet.
    pub sheet: SheetSource<'a>,
    /// How to read it.
    pub reading: ReadOptions,
    /// Name of a built-in profile, or a profile file.
    pub profile: Option<&'a str>,
    /// What the person says on top of the profile.
    pub overrides: Overrides,
    /// How to train, where not as the profile says.
    pub recipe: Option<RecipeKind>,
    /// Settings on top of the recipe's.
    pub options: TrainOptions,
    /// What counts as better than a simple model.
    pub metric: Metric,
    /// Whether the folder keeps the encoded test rows.
    pub keep_test_rows: bool,
    /// Model folder to make.
    pub out: &'a Path,
}

/// That `out` does not exist yet and can be made: better to hear it before minutes of work than after.
///
/// # Errors
/// Where it exists, or cannot be made.
pub fn check_new_folder(out: &Path) -> Result<()> {
    crate::files::check_new_folder(out)?;
    crate::files::check_place(out)
}

/// Trains, and writes the model folder with its report.
///
/// # Errors
/// Where the sheet or the options cannot be used, `out` exists, or the person stops it.
pub fn train_sheet(run: &Run, request: &TrainSheet) -> Result<Trained> {
    check_new_folder(request.out)?;
    let mut notes = Notes::new();
    let table = request.sheet.read_rows(&request.reading, &mut notes)?;
    let mut profile = Profile::choose(&table, request.profile, &request.overrides, &mut notes)?;
    if let Some(recipe) = request.recipe {
        profile.take_recipe(recipe);
    }
    let job = TrainRequest {
        table: &table,
        profile: &profile,
        options: &request.options,
        name: folder_name(request.out),
        command: run.command.clone(),
        settings: EvaluationSettings {
            metric: request.metric.clone(),
            ..default_evidence(run.seed)
        },
        seed: run.seed,
        threads: run.threads,
    };
    let trained = train(&job, &mut notes, run.progress)?;
    let model = folder_of(&trained, &table, request.keep_test_rows)?;
    save_trained(
        &model,
        Some(&report::training::model_card(&trained.record)),
        request.out,
        |folder| report::write_training(&folder.join("report"), &trained.record, &trained.timings).map(drop),
    )?;
    Ok(trained)
}
