//! A model folder as one ONNX file that takes raw columns.

use std::path::Path;

use super::{Run, SheetSource};
use crate::error::{Error, Result};
use crate::files::{self, Existing};
use crate::jobs::export::{ExportedModel, TOLERANCE, export, probabilities};
use crate::jobs::predict::predict;
use crate::model::PredictionModel;
use crate::notes::Notes;
use crate::onnx::{self, Model};
use crate::tables::ReadOptions;

/// What to export.
pub struct ExportModel<'a> {
    /// Model folder.
    pub model: &'a Path,
    /// The file to write.
    pub out: &'a Path,
    /// What to do with a file that is there already.
    pub existing: Existing,
    /// A sheet to compare the file's predictions on.
    pub data: Option<SheetSource<'a>>,
    /// How to read it.
    pub reading: ReadOptions,
}

/// A written ONNX file.
pub struct WrittenExport {
    /// What was written.
    pub exported: ExportedModel,
    /// Rows on which its predictions were compared with those of the model, and the largest difference of a probability.
    pub compared: Option<(usize, f32)>,
    /// What was noticed.
    pub notes: Notes,
}

/// Writes a model folder as an ONNX file. The file is read back before it is written, and its predictions for the rows of `data` must be those
/// of the model.
///
/// # Errors
/// Where the model or the sheet cannot be used, the predictions differ, or the file cannot be written.
pub fn export_model(run: &Run, request: &ExportModel) -> Result<WrittenExport> {
    if !onnx::is_onnx(request.out) {
        return Err(Error::input(format!(
            "`{}` is to be an ONNX file, and does not end in .onnx",
            request.out.display()
        ))
        .hint("name the file to write: `--out model.onnx`"));
    }
    files::check_new_file(request.out, request.existing)?;
    if onnx::is_onnx(request.model) && request.model.is_file() {
        return Err(Error::input(format!("`{}` is an ONNX file already", request.model.display()))
            .hint("give a model folder that `recant train` or `recant repair` wrote"));
    }
    let mut notes = Notes::new();
    let (model, _) = PredictionModel::load(request.model)?;
    let exported = export(&model)?;
    let compared = match request.data {
        None => {
            Model::from_bytes(exported.bytes.clone())?;
            None
        }
        Some(source) => {
            let table = source
                .read_rows(&request.reading, &mut notes)?
                .into_owned()
                .written_as(model.profile.reading);
            let own = predict(
                &table,
                &model.network,
                &model.features,
                &model.info.classes,
                run.threads,
                &mut notes,
            )?;
            let theirs = probabilities(&exported, &table, run.threads, &mut Notes::new())?;
            let differences = own.probabilities.iter().zip(&theirs).map(|(one, other)| (one - other).abs());
            let largest = differences.fold(0.0_f32, f32::max);
            if own.probabilities.len() != theirs.len() || largest.is_nan() || largest > TOLERANCE {
                return Err(Error::internal(format!(
                    "the graph's probabilities differ from the model's by up to {largest:.1e}; nothing was written"
                )));
            }
            Some((table.height(), largest))
        }
    };
    files::write_file(request.out, request.existing, |file| {
        file.write_all(&exported.bytes)
            .map_err(|error| Error::io("write", request.out, &error))
    })?;
    Ok(WrittenExport { exported, compared, notes })
}
