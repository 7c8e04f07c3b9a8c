//! Fitted features: from any sheet with the right columns to the network's inputs, with a warning for every row that is unlike the training rows.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::encode::{Coding, Encoder};
use super::load::{self, Source, Values};
use super::words::shown;
use crate::error::{Error, Result, closest};
use crate::memory;
use crate::notes::{Notes, rows_have};
use crate::tables::{Table, Texts};

/// All encoders of a model, fitted on its training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedFeatures {
    names: Vec<String>,
    encoders: Vec<Encoder>,
}

/// A sheet as network inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Transformed {
    /// Row-major, rows x [`FittedFeatures::width`].
    pub inputs: Vec<f32>,
    /// Per row what is unlike the training rows, or `None`.
    pub row_warnings: Vec<Option<String>>,
}

/// Rows encoded at a time by one thread.
const ROWS_PER_TASK: usize = 4096;
/// Examples shown in a note.
const EXAMPLES: usize = 5;

impl FittedFeatures {
    pub(super) fn new(names: Vec<String>, encoders: Vec<Encoder>) -> Self {
        Self { names, encoders }
    }

    /// Names of the input columns, in order, such as `Shipping Mode = First Class`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Number of input columns.
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// The encoders, in order of their input columns.
    pub fn encoders(&self) -> &[Encoder] {
        &self.encoders
    }

    /// The columns of a sheet that are looked at, each once.
    pub fn source_columns(&self) -> Vec<&str> {
        let mut columns: Vec<&str> = Vec::new();
        for encoder in &self.encoders {
            if !columns.contains(&encoder.source.column.as_str()) {
                columns.push(&encoder.source.column);
            }
        }
        columns
    }

    /// The sources, in the order [`load::load`] wants them.
    pub(super) fn sources(&self) -> Vec<&Source> {
        self.encoders.iter().map(|encoder| &encoder.source).collect()
    }

    /// Checks what was read from a file: every output number is in range and used once, numbers are finite.
    ///
    /// # Errors
    /// Says what is wrong; the model folder was then altered.
    pub fn check(&self) -> Result<()> {
        let mut used = vec![false; self.names.len()];
        for encoder in &self.encoders {
            let outputs: Vec<usize> = match &encoder.coding {
                Coding::Number(coding) => {
                    let numbers = [coding.fill, coding.offset, coding.scale, coding.low, coding.high];
                    if numbers.iter().any(|number| !number.is_finite()) || coding.low > coding.high {
                        return Err(Error::input(format!(
                            "the stored features hold no usable range for `{}`",
                            encoder.source.name()
                        )));
                    }
                    let exceptions = coding.exceptions.iter().filter_map(|exception| exception.output);
                    coding.output.into_iter().chain(coding.indicator).chain(exceptions).collect()
                }
                Coding::Category(coding) => {
                    if coding.values.len() != coding.outputs.len() {
                        return Err(Error::input(format!(
                            "the stored features of `{}` do not fit together",
                            encoder.source.name()
                        )));
                    }
                    let own = coding.outputs.iter().filter(|output| **output != coding.other).flatten();
                    own.copied().chain(coding.other).chain(coding.missing).collect()
                }
            };
            for output in outputs {
                match used.get_mut(output) {
                    Some(seen) if !*seen => *seen = true,
                    _ => {
                        return Err(Error::input(format!(
                            "the stored features name input column {output} twice or beyond the end"
                        )));
                    }
                }
            }
        }
        if used.contains(&false) {
            return Err(Error::input("the stored features leave an input column unfilled"));
        }
        Ok(())
    }

    /// Encodes every row of a sheet, which needs neither label nor filter columns and may have its columns in any order.
    ///
    /// Blank cells and missing columns get the stand-in of the training rows; values never seen in training count as "other" where there
    /// is such an input, else as none; numbers beyond the training range are clipped where the profile says so. All of it is reported.
    ///
    /// # Errors
    /// Where more than half of the columns are missing, or a column cannot be read as numbers or dates.
    pub fn transform(&self, table: &Table, notes: &mut Notes) -> Result<Transformed> {
        self.check_columns(table, notes)?;
        let values = load::load(table, &self.sources(), notes)?;
        let rows: Vec<usize> = (0..table.height()).collect();
        let inputs = self.encode(&values, &rows)?;
        let mut warnings: Vec<Vec<String>> = vec![Vec::new(); table.height()];
        let mut missing: Vec<&str> = Vec::new();
        for (encoder, values) in self.encoders.iter().zip(&values) {
            match (values, &encoder.coding) {
                (Values::Absent, _) if !missing.contains(&encoder.source.column.as_str()) => {
                    missing.push(&encoder.source.column);
                    for row in &mut warnings {
                        row.push(format!("no column `{}`", encoder.source.column));
                    }
                }
                (Values::Numbers(numbers, _), Coding::Number(coding)) => {
                    warn_of_numbers(encoder, coding, numbers, &mut warnings, notes);
                }
                (Values::Categories(texts), Coding::Category(coding)) => {
                    warn_of_categories(encoder, &coding.values, coding.other.is_some(), texts, &mut warnings, notes);
                }
                _ => {}
            }
        }
        let row_warnings = warnings.into_iter().map(|row| (!row.is_empty()).then(|| row.join("; "))).collect();
        Ok(Transformed { inputs, row_warnings })
    }

    pub(super) fn check_columns(&self, table: &Table, notes: &mut Notes) -> Result<()> {
        let columns = self.source_columns();
        let missing: Vec<&str> = columns.iter().copied().filter(|column| !table.has(column)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let listed: Vec<String> = missing
            .iter()
            .map(|column| match closest(column, table.names().iter().map(String::as_str)) {
                Some(near) if !columns.contains(&near) => format!("`{column}` (is it `{near}`?)"),
                _ => format!("`{column}`"),
            })
            .collect();
        if missing.len() * 2 > columns.len() {
            return Err(table
                .in_place(Error::input(format!(
                    "{} of the {} columns that the model looks at are missing: {}",
                    missing.len(),
                    columns.len(),
                    listed.join(", ")
                )))
                .hint("use a sheet with the same headers as the training sheet"));
        }
        notes.add(
            "missing-columns",
            format!(
                "`{}` lacks columns that the model looks at: {}",
                table.source().file_name,
                listed.join(", ")
            ),
            "values typical of the training rows were used instead, so predictions are less reliable",
        );
        Ok(())
    }

    /// Row-major inputs of the given rows. Written straight from values and category codes: nothing is one-hot in between.
    pub(super) fn encode(&self, values: &[Values], rows: &[usize]) -> Result<Vec<f32>> {
        let width = self.width();
        let instead = format!("name fewer features or lower `max_categories` ({width} input columns)");
        memory::check_values(rows.len().saturating_mul(width), size_of::<f32>(), "the encoded inputs", &instead)?;
        let plans: Vec<Plan> = self
            .encoders
            .iter()
            .zip(values)
            .map(|(encoder, values)| Plan::new(encoder, values))
            .collect();
        let mut inputs = vec![0.0_f32; rows.len() * width];
        if width == 0 {
            return Ok(inputs);
        }
        inputs
            .par_chunks_mut(ROWS_PER_TASK * width)
            .zip(rows.par_chunks(ROWS_PER_TASK))
            .for_each(|(block, rows)| {
                for plan in &plans {
                    for (inputs, row) in block.chunks_exact_mut(width).zip(rows) {
                        plan.write(*row, inputs);
                    }
                }
            });
        Ok(inputs)
    }
}

/// An encoder bound to the values of one sheet.
enum Plan<'a> {
    /// Numbers, and the codes of words in place of them with the input column of each.
    Number(
        &'a super::encode::NumberCoding,
        &'a [Option<f64>],
        Option<(&'a [u32], Vec<Option<usize>>)>,
    ),
    /// Codes, the input column of each code, the input column of blanks, and what stands in it.
    Category(&'a [u32], Vec<Option<usize>>, Option<usize>, f32),
    Absent(&'a Encoder),
}

impl<'a> Plan<'a> {
    fn new(encoder: &'a Encoder, values: &'a Values) -> Self {
        match (&encoder.coding, values) {
            (Coding::Number(coding), Values::Numbers(numbers, exceptions)) => {
                let output = |text: &String| {
                    let known = coding.exceptions.iter().find(|exception| exception.words == *text);
                    known.map_or(coding.indicator, |exception| exception.output)
                };
                let words = exceptions
                    .as_ref()
                    .map(|texts| (texts.codes.as_slice(), texts.values.iter().map(output).collect()));
                Plan::Number(coding, numbers, words)
            }
            (Coding::Category(coding), Values::Categories(texts)) => {
                let known = index_of(&coding.values);
                let output = |text: &String| match known.get(text.as_str()) {
                    Some(index) => coding.outputs[*index],
                    None => coding.other,
                };
                Plan::Category(
                    &texts.codes,
                    texts.values.iter().map(output).collect(),
                    coding.missing,
                    coding.weight.unwrap_or(1.0),
                )
            }
            _ => Plan::Absent(encoder),
        }
    }

    fn write(&self, row: usize, inputs: &mut [f32]) {
        match self {
            Plan::Number(coding, numbers, words) => {
                if let Some(output) = coding.output {
                    inputs[output] = coding.input(numbers[row]);
                }
                if numbers[row].is_none() {
                    let named = words.as_ref().and_then(|(codes, outputs)| outputs.get(codes[row] as usize));
                    if let Some(indicator) = named.copied().unwrap_or(coding.indicator) {
                        inputs[indicator] = 1.0;
                    }
                }
            }
            Plan::Category(codes, outputs, missing, weight) => {
                let output = if codes[row] == Texts::MISSING {
                    *missing
                } else {
                    outputs[codes[row] as usize]
                };
                if let Some(output) = output {
                    inputs[output] = *weight;
                }
            }
            Plan::Absent(encoder) => match &encoder.coding {
                Coding::Number(coding) => {
                    if let Some(output) = coding.output {
                        inputs[output] = coding.input(None);
                    }
                }
                Coding::Category(coding) => {
                    if let Some(missing) = coding.missing {
                        inputs[missing] = coding.weight.unwrap_or(1.0);
                    }
                }
            },
        }
    }
}

fn index_of(values: &[String]) -> BTreeMap<&str, usize> {
    values.iter().enumerate().map(|(index, value)| (value.as_str(), index)).collect()
}

fn warn_of_numbers(
    encoder: &Encoder,
    coding: &super::encode::NumberCoding,
    numbers: &[Option<f64>],
    warnings: &mut [Vec<String>],
    notes: &mut Notes,
) {
    let name = encoder.source.name();
    let (mut outside, mut blank) = (0, 0);
    for (number, warnings) in numbers.iter().zip(warnings) {
        match number {
            Some(value) if *value < coding.low || *value > coding.high => {
                outside += 1;
                warnings.push(format!(
                    "`{name}` = {value} is outside the training range {} to {}",
                    coding.low, coding.high
                ));
            }
            None if encoder.blanks == 0 => {
                blank += 1;
                warnings.push(format!("`{name}` is blank"));
            }
            _ => {}
        }
    }
    if outside > 0 {
        notes.add(
            "outside-training-range",
            format!(
                "{} a value of `{name}` outside the training range {} to {}",
                rows_have(outside),
                coding.low,
                coding.high
            ),
            if coding.clip {
                "the nearer end of the range was used"
            } else {
                "the values were used as they are"
            },
        );
    }
    note_blanks(&name, blank, notes);
}

fn warn_of_categories(encoder: &Encoder, known: &[String], other: bool, texts: &Texts, warnings: &mut [Vec<String>], notes: &mut Notes) {
    let name = encoder.source.name();
    let index = index_of(known);
    let new: Vec<bool> = texts.values.iter().map(|value| !index.contains_key(value.as_str())).collect();
    let mut examples: Vec<u32> = Vec::new();
    let (mut unseen, mut blank) = (0, 0);
    for (code, warnings) in texts.codes.iter().zip(warnings) {
        if *code == Texts::MISSING {
            if encoder.blanks == 0 {
                blank += 1;
                warnings.push(format!("`{name}` is blank"));
            }
        } else if new[*code as usize] {
            unseen += 1;
            if examples.len() <= EXAMPLES && !examples.contains(code) {
                examples.push(*code);
            }
            warnings.push(format!(
                "`{name}` = `{}` was not seen in training",
                shown(&texts.values[*code as usize])
            ));
        }
    }
    if unseen > 0 {
        let mut listed: Vec<String> = examples
            .iter()
            .take(EXAMPLES)
            .map(|code| format!("`{}`", shown(&texts.values[*code as usize])))
            .collect();
        if examples.len() > EXAMPLES {
            listed.push("...".to_owned());
        }
        notes.add(
            "unseen-categories",
            format!(
                "{} a value of `{name}` that was not seen in training: {}",
                rows_have(unseen),
                listed.join(", ")
            ),
            if other {
                "they were treated as \"other\""
            } else {
                "they count as none of the known values"
            },
        );
    }
    note_blanks(&name, blank, notes);
}

fn note_blanks(name: &str, blank: usize, notes: &mut Notes) {
    if blank > 0 {
        notes.add(
            "unusual-blanks",
            format!("{} no `{name}`, which no training row lacked", rows_have(blank)),
            "a value typical of the training rows was used",
        );
    }
}
