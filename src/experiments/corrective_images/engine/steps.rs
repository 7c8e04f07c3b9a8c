//! The steps of a way to repair, one method after the other.

use crate::error::Result;
use crate::experiments::corrective::settings::Step;
use crate::experiments::corrective_images::settings::ImageStudySettings;
use crate::label_errors::images::FoundImages;
use crate::progress::{Background, Progress};
use crate::repair::{self, RepairOptions, Repairable};

/// One method of a way; the settings chosen, where there was a choice.
pub(super) fn take_step(
    step: &Step,
    model: &mut dyn Repairable,
    options: &RepairOptions,
    search: bool,
    progress: &dyn Progress,
) -> Result<Option<String>> {
    if search && step.method.grid(model, options).len() > 1 {
        let found = repair::apply_best(step.method, model, options, &Background(progress))?;
        return Ok(serde_json::to_string(&found.trials[found.best].options).ok());
    }
    repair::apply(step.method, model, options, progress)?;
    Ok(None)
}

/// A step's settings, with the passes that it states.
pub(super) fn options(settings: &ImageStudySettings, step: &Step) -> Result<RepairOptions> {
    let mut options = settings.options(step.method.name());
    step.settle(&mut options, || Ok(settings.recipe.steps_per_epoch(settings.trained_on())))?;
    Ok(options)
}

/// The likeliest class of each of these images, of those that have one.
pub(super) fn likeliest(positions: &[u32], found: &FoundImages) -> Vec<Option<u8>> {
    let proposed = found.proposals.iter().map(|proposal| (proposal.row, proposal.likeliest));
    let mut classes: Vec<(u32, u8)> = found.known.iter().copied().chain(proposed).collect();
    classes.sort_unstable();
    let of = |row: &u32| {
        classes
            .binary_search_by_key(row, |(row, _)| *row)
            .ok()
            .map(|place| classes[place].1)
    };
    positions.iter().map(of).collect()
}
