//! A copy of a model folder that predicts, and holds nothing else of the training.

use std::path::Path;

use super::check_new_folder;
use crate::error::Result;
use crate::model::PredictionModel;

/// Writes what a prediction needs of the model folder `model` into the new folder `out`, and returns it.
/// What such a folder lacks: [`NOT_IN_A_SHARED_FOLDER`](crate::model::NOT_IN_A_SHARED_FOLDER).
///
/// # Errors
/// Where it is no model folder, or `out` exists or cannot be written.
pub fn share_model(model: &Path, out: &Path) -> Result<PredictionModel> {
    check_new_folder(out)?;
    let (model, _) = PredictionModel::load(model)?;
    let model = model.to_share();
    model.save(out)?;
    Ok(model)
}
