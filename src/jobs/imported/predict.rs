//! What an imported model says of the rows of a sheet.

use super::columns::input_columns;
use super::rows::{check_classes, class_names, encode_rows, probabilities};
use super::{SheetPlan, reading};
use crate::error::Result;
use crate::evaluate::predictions;
use crate::jobs::predict::Predictions;
use crate::notes::Notes;
use crate::onnx::Model;
use crate::tables::Table;

/// Predicts every row of a sheet. The label column need not be there; where it is, `plan` names it, so that it is no input.
///
/// # Errors
/// Where columns or classes do not fit the model, or an input is missing that it does not fill itself.
pub fn predict(model: &Model, table: &Table, plan: &SheetPlan, threads: usize, notes: &mut Notes) -> Result<Predictions> {
    if let Some(read_as) = model.read_as() {
        reading::tell(read_as, notes);
    }
    let columns = input_columns(model, table, plan)?;
    let classes = class_names(model, table, plan, notes)?;
    let rows: Vec<usize> = (0..table.height()).collect();
    if rows.is_empty() {
        return Ok(Predictions {
            classes,
            predicted: Vec::new(),
            probabilities: Vec::new(),
            warnings: Vec::new(),
        });
    }
    let (encoded, _) = encode_rows(model, table, &columns, &rows, notes)?;
    let network = model.network(&encoded)?;
    check_classes(&network, &classes)?;
    let said = probabilities(&network, &encoded, threads)?;
    Ok(Predictions {
        predicted: predictions(&said, classes.len())?,
        probabilities: said,
        warnings: vec![None; rows.len()],
        classes,
    })
}
