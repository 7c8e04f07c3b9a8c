//! Which columns of a sheet a model's inputs are made of.

use std::collections::BTreeSet;

use super::SheetPlan;
use crate::error::{Error, Result};
use crate::jobs::export::RawInput;
use crate::notes::Notes;
use crate::onnx::{Input, InputKind, Model};
use crate::tables::Table;

/// The inputs of a file that `recant export` wrote: it takes the sheet as it stands.
pub(super) fn own_inputs(model: &Model) -> Option<Vec<RawInput>> {
    let inputs = RawInput::of_file(model)?;
    let same = inputs
        .iter()
        .map(|input| &input.name)
        .eq(model.inputs().iter().map(|input| &input.name));
    same.then_some(inputs)
}

/// Which columns a model's inputs are made of, in its order.
///
/// # Errors
/// Where they cannot be told.
pub fn input_columns(model: &Model, table: &Table, plan: &SheetPlan) -> Result<Vec<String>> {
    if !plan.inputs.is_empty() {
        plan.inputs.iter().try_for_each(|column| table.require(column))?;
        // Several inputs, all of them named: which is which is told by the names, whatever their order.
        let several = model.inputs().len() > 1 && model.inputs().len() == plan.inputs.len();
        let named = several.then(|| by_names(model.inputs(), &plan.inputs)).flatten();
        return Ok(named.unwrap_or_else(|| plan.inputs.clone()));
    }
    if let Some(own) = own_inputs(model) {
        let mut columns: Vec<String> = Vec::new();
        for input in own {
            if !columns.contains(&input.column) {
                columns.push(input.column);
            }
        }
        return Ok(columns);
    }
    let inputs = model.inputs();
    if let Some(named) = (inputs.len() > 1).then(|| by_names(inputs, table.names())).flatten() {
        return Ok(named);
    }
    let others = table
        .names()
        .iter()
        .filter(|name| **name != plan.label && Some(*name) != plan.key.as_ref());
    let others: Vec<String> = others.cloned().collect();
    if inputs.len() > 1 {
        check_places(inputs, &others).map_err(|error| table.in_place(error))?;
    }
    Ok(others)
}

/// A column's name as scikit-learn's exporter writes it, which takes letters, digits, `_` and `+` only.
fn as_exported(name: &str) -> String {
    let kept = |sign: char| if sign.is_alphanumeric() || sign == '+' { sign } else { '_' };
    name.chars().map(kept).collect()
}

/// The column that an input is named after.
fn named_after<'a>(input: &Input, columns: &'a [String]) -> Option<&'a String> {
    let mut alike = columns.iter().filter(|column| as_exported(column) == as_exported(&input.name));
    let spelt = || alike.next().filter(|_| alike.next().is_none());
    columns.iter().find(|column| **column == input.name).or_else(spelt)
}

/// A column for each input, all of their names.
fn by_names(inputs: &[Input], columns: &[String]) -> Option<Vec<String>> {
    let found: Vec<String> = inputs.iter().map_while(|input| named_after(input, columns).cloned()).collect();
    let different: BTreeSet<&String> = found.iter().collect();
    (different.len() == inputs.len()).then_some(found)
}

/// That no input would be given another column than the one of its name, where columns go to inputs by their places.
fn check_places(inputs: &[Input], columns: &[String]) -> Result<()> {
    let widths: Option<Vec<usize>> = inputs.iter().map(|input| input.shape.iter().copied().product()).collect();
    let Some(widths) = widths.filter(|widths| widths.iter().sum::<usize>() == columns.len()) else {
        return Ok(());
    };
    let mut place = 0;
    for (input, width) in inputs.iter().zip(widths) {
        if let (1, Some(own), Some(given)) = (width, named_after(input, columns), columns.get(place))
            && own != given
        {
            let without: Vec<String> = inputs
                .iter()
                .filter(|input| named_after(input, columns).is_none())
                .map(|input| format!("`{}`", input.name))
                .collect();
            return Err(Error::input(format!(
                "input `{}` would be given the column `{given}`, since not every input has a column of its name: {}",
                input.name,
                without.join(", ")
            ))
            .hint("name the columns in the model's order: `--inputs COLUMN,COLUMN,...`"));
        }
        place += width;
    }
    Ok(())
}

fn names_of(inputs: &[Input]) -> Vec<String> {
    inputs.iter().map(|input| input.name.clone()).collect()
}

/// That a sheet has another number of columns than a model takes, and which columns could be meant.
pub(super) fn other_width(model: &Model, table: &Table, columns: &[String]) -> Error {
    let width = |input: &Input| -> usize { input.shape.iter().flatten().product() };
    let wanted: usize = model.inputs().iter().map(width).sum();
    let names: Vec<String> = columns.iter().take(12).map(|name| format!("`{name}`")).collect();
    let several = match model.inputs() {
        [_] => String::new(),
        inputs => format!(" for its inputs {}", names_of(inputs).join(", ")),
    };
    let more = if columns.len() > names.len() { ", ..." } else { "" };
    let error = Error::input(format!(
        "the model takes {wanted} values a row{several}, and the sheet has {} columns beside the label: {}{more}",
        columns.len(),
        names.join(", "),
    ))
    .in_file(&table.source().file_name);
    // Where as many columns hold numbers as the model takes, these may be meant.
    let all_numbers = model.inputs().iter().all(|input| input.kind != InputKind::Texts);
    let is_number = |name: &&String| table.numbers(name, &mut Notes::new()).is_ok();
    let likely: Vec<&str> = match all_numbers && columns.len() > wanted {
        true => columns.iter().filter(is_number).map(String::as_str).collect(),
        false => Vec::new(),
    };
    match likely.len() == wanted && likely.iter().all(|name| !name.contains([',', '"'])) {
        true => error.hint(format!(
            "name the columns in the model's order, such as those that hold numbers: `--inputs \"{}\"`",
            likely.join(",")
        )),
        false => error.hint("name the columns in the model's order: `--inputs COLUMN,COLUMN,...`"),
    }
}
