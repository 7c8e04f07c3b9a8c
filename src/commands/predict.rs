//! Class, probabilities and a warning for every row of a sheet.

use std::path::Path;

use super::{Run, SheetSource};
use crate::error::{Error, Result};
use crate::files::{self, Existing};
use crate::jobs::imported::{self, SheetPlan};
use crate::jobs::predict::{Predictions, predict};
use crate::model::{PredictionModel, altered_reports};
use crate::notes::Notes;
use crate::onnx::Model;
use crate::tables::{ReadOptions, Table, WriteOptions};

/// What to predict.
pub struct PredictSheet<'a> {
    /// The sheet.
    pub sheet: SheetSource<'a>,
    /// How to read it.
    pub reading: ReadOptions,
    /// Model folder, or the file of a model that was trained elsewhere.
    pub model: &'a Path,
    /// How the sheet is read for a model that was trained elsewhere.
    pub plan: SheetPlan,
    /// File to write, where one is wanted.
    pub out: Option<&'a Path>,
    /// What to do with a file that is there already.
    pub existing: Existing,
}

/// A sheet with predictions.
pub struct PredictedSheet {
    /// Classes of the model, in the order of the probabilities.
    pub classes: Vec<String>,
    /// What was predicted.
    pub predictions: Predictions,
    /// The sheet, with the predictions appended.
    pub table: Table,
    /// What was noticed.
    pub notes: Notes,
}

/// Predicts a sheet, and writes it with the predictions appended.
///
/// # Errors
/// Where sheet or model cannot be used, or the file cannot be written.
pub fn predict_sheet(run: &Run, request: &PredictSheet) -> Result<PredictedSheet> {
    if let Some(out) = request.out {
        if request.sheet.is_file(out) {
            return Err(Error::input("the predictions would overwrite the sheet they are made from")
                .hint("give another name with `--out predictions.xlsx`"));
        }
        files::check_new_file(out, request.existing)?;
    }
    let mut notes = Notes::new();
    let (table, predictions) = match super::is_imported(request.model) {
        true => by_imported(run, request, &mut notes)?,
        false => by_own(run, request, &mut notes)?,
    };
    let with_predictions = predictions.append_to(&table)?;
    if let Some(out) = request.out {
        let manner = WriteOptions {
            existing: request.existing,
            ..WriteOptions::in_the_manner_of(&table, out)
        };
        with_predictions.write_with(out, &manner, &mut notes)?;
    }
    Ok(PredictedSheet {
        classes: predictions.classes.clone(),
        predictions,
        table: with_predictions,
        notes,
    })
}

fn by_imported(run: &Run, request: &PredictSheet, notes: &mut Notes) -> Result<(Table, Predictions)> {
    let model = Model::read(request.model, &request.plan.layers)?;
    let table = request.sheet.read(&request.reading, notes)?.into_owned();
    let predictions = imported::predict(&model, &table, &request.plan, run.threads, notes)?;
    Ok((table, predictions))
}

fn by_own(run: &Run, request: &PredictSheet, notes: &mut Notes) -> Result<(Table, Predictions)> {
    let (model, _) = PredictionModel::load(request.model)?;
    let altered = altered_reports(request.model)?;
    if !altered.is_empty() {
        notes.add(
            "altered-report",
            format!(
                "in the model folder, {} changed after it was written: do not rely on the report there",
                altered.join(", ")
            ),
            "predicted all the same: a prediction does not use the report",
        );
    }
    if let Some(last) = model.info.repairs.last()
        && last.recommended == Some(false)
    {
        notes.add(
            "not-recommended",
            format!(
                "the repair that made this model ({}) is not recommended; its report says why",
                last.method
            ),
            format!("predicted all the same; the model before it is `{}`", last.parent.name),
        );
    }
    let table = request
        .sheet
        .read(&request.reading, notes)?
        .into_owned()
        .written_as(model.profile.reading);
    let (wide, rows) = model.profile.to_predict(&table, &model.features, notes)?;
    let table = match rows {
        Some(rows) => table.take(&rows),
        None => table,
    };
    let predictions = predict(&wide, &model.network, &model.features, &model.info.classes, run.threads, notes)?;
    Ok((table, predictions))
}
