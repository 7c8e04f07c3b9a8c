//! The rows of an imported model: columns, classes and labels from a sheet.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::columns::{input_columns, other_width, own_inputs};
use super::reading;
use super::spelling::{Spelling, as_number};
use crate::error::{Error, Result, closest};
use crate::jobs::export::raw_rows;
use crate::label_errors::flags::{RowEntry, RowIndex, hash_key};
use crate::learner::{Classifier, Compute, Rows};
use crate::notes::Notes;
use crate::onnx::{Encoded, InputData, InputKind, Layers, Model, OnnxNetwork};
use crate::progress::Silent;
use crate::tables::Table;

/// Most classes whose orders are all tried.
const ORDERS_OF: usize = 6;

/// What the file of an imported model does not tell: how its sheet is read, and which layers a state_dict is of.
#[derive(Debug, Clone, Default)]
pub struct SheetPlan {
    /// Column of the class.
    pub label: String,
    /// Column that names rows, where there is one.
    pub key: Option<String>,
    /// Columns of the inputs, in the model's order, or in any where they are the names of its several inputs; empty: by these names, or all
    /// others in their order.
    pub inputs: Vec<String>,
    /// Class names, in the order of the model's outputs; empty: from the file, or from the label column.
    pub classes: Vec<String>,
    /// What names and shapes of a state_dict do not tell.
    pub layers: Layers,
}

/// Rows of a sheet as a model takes them.
#[derive(Debug, Clone)]
pub struct ImportedRows {
    /// Values.
    pub encoded: Encoded,
    /// Observed classes.
    pub labels: Vec<u8>,
    /// Index of each row in the sheet.
    pub table_rows: Vec<usize>,
    /// Key of each row, or its row number as text.
    pub keys: Vec<String>,
    /// Row numbers as the person sees them.
    pub numbers: Vec<usize>,
    /// The cells as the file's inputs take them, where the file does something to them before its first weight.
    pub raw: Option<Vec<InputData>>,
}

impl ImportedRows {
    /// Some of the rows, in this order.
    pub fn subset(&self, places: &[usize]) -> Self {
        let width = self.encoded.width;
        let mut encoded = self.encoded.clone();
        encoded.values = places
            .iter()
            .flat_map(|row| self.encoded.values[row * width..(row + 1) * width].iter().copied())
            .collect();
        let rows = self.labels.len().max(1);
        Self {
            encoded,
            labels: places.iter().map(|row| self.labels[*row]).collect(),
            table_rows: places.iter().map(|row| self.table_rows[*row]).collect(),
            keys: places.iter().map(|row| self.keys[*row].clone()).collect(),
            numbers: places.iter().map(|row| self.numbers[*row]).collect(),
            raw: self
                .raw
                .as_ref()
                .map(|raw| raw.iter().map(|input| input.rows(places, rows)).collect()),
        }
    }

    /// The rows as another model of the same inputs encodes them.
    ///
    /// # Errors
    /// Where its preprocessing fails on them.
    pub fn encoded_by(&self, model: &Model) -> Result<Cow<'_, Encoded>> {
        match &self.raw {
            Some(raw) => model.encode(raw, self.labels.len()).map(Cow::Owned),
            None => Ok(Cow::Borrowed(&self.encoded)),
        }
    }
}

/// A model and the sheet that it was trained on.
pub struct Imported<'a> {
    /// The file.
    pub model: &'a Model,
    /// Its network.
    pub network: OnnxNetwork,
    /// Training rows.
    pub rows: ImportedRows,
    /// Class names.
    pub classes: Vec<String>,
    /// Columns of the inputs.
    pub columns: Vec<String>,
}

/// The data of a model's inputs from some rows of a sheet.
fn input_data(model: &Model, table: &Table, columns: &[String], rows: &[usize], notes: &mut Notes) -> Result<Vec<InputData>> {
    let spelling = Spelling::of(model);
    let mut left = columns;
    let mut data = Vec::new();
    for (place, input) in model.inputs().iter().enumerate() {
        let fixed: Option<usize> = input.shape.iter().copied().product();
        let last = place + 1 == model.inputs().len();
        let take = fixed.unwrap_or(if last { left.len() } else { 1 });
        if take > left.len() || (last && take != left.len()) {
            return Err(other_width(model, table, columns));
        }
        let (own, rest) = left.split_at(take);
        left = rest;
        data.push(match input.kind {
            InputKind::Texts => {
                let texts = own
                    .iter()
                    .map(|column| spelling.texts(table, column, notes))
                    .collect::<Result<Vec<_>>>()?;
                let cells = rows
                    .iter()
                    .flat_map(|row| texts.iter().map(move |texts| texts.get(*row).unwrap_or_default().to_owned()));
                InputData::Texts(cells.collect())
            }
            _ => {
                let numbers = own.iter().map(|column| table.numbers(column, notes)).collect::<Result<Vec<_>>>()?;
                let cells = rows
                    .iter()
                    .flat_map(|row| numbers.iter().map(move |numbers| numbers[*row].unwrap_or(f64::NAN)));
                InputData::Numbers(cells.collect())
            }
        });
    }
    Ok(data)
}

/// Some rows as the model takes them, and their cells.
pub(super) fn encode_rows(
    model: &Model,
    table: &Table,
    columns: &[String],
    rows: &[usize],
    notes: &mut Notes,
) -> Result<(Encoded, Vec<InputData>)> {
    let own = own_inputs(model);
    let data = match &own {
        Some(inputs) => raw_rows(inputs, &table.take(rows), notes)?,
        None => input_data(model, table, columns, rows, notes)?,
    };
    let encoded = match model.encode(&data, rows.len()) {
        Ok(encoded) => encoded,
        Err(error) => {
            return Err(match first_at_fault(model, &data, rows.len()) {
                Some((place, error)) => {
                    let error = table.in_place(error).at_row(table.row_number(rows[place]));
                    match error.hint_text() {
                        Some(_) => error,
                        None => error.hint("correct the cell, or leave the row out; the model takes what it was trained on"),
                    }
                }
                None => table.in_place(error),
            });
        }
    };
    if let Some(place) = encoded.first_gap() {
        let (row, number) = (rows[place], table.row_number(rows[place]));
        let error = |what: &str| {
            Error::input(format!(
                "{what} of row {number} is missing, or no finite number, and the model has nothing to fill it with"
            ))
        };
        let gap = gap_of(&data, place, rows.len()).filter(|_| own.is_none());
        let error = match gap.and_then(|gap| columns.get(gap)) {
            Some(column) => table.at(error(&format!("`{column}`")), row, column),
            None => table.in_place(error("an input")).at_row(number),
        };
        return Err(error.hint("fill it as the model's training did, or leave the row out"));
    }
    Ok((encoded, data))
}

/// The first row that preprocessing fails on by itself, and its error.
fn first_at_fault(model: &Model, data: &[InputData], rows: usize) -> Option<(usize, Error)> {
    let fails = |places: &[usize]| {
        let part: Vec<InputData> = data.iter().map(|input| input.rows(places, rows)).collect();
        model.encode(&part, places.len()).err()
    };
    // The shortest beginning of the sheet that fails ends with the row.
    let (mut good, mut bad) = (0, rows);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        let places: Vec<usize> = (good..middle).collect();
        match fails(&places) {
            Some(_) => bad = middle,
            None => good = middle,
        }
    }
    fails(&[good]).map(|error| (good, error))
}

/// Which of the values that a row is given is no finite number, counted over all inputs.
fn gap_of(data: &[InputData], row: usize, rows: usize) -> Option<usize> {
    let mut before = 0;
    for input in data {
        match input {
            InputData::Numbers(values) => {
                let width = values.len() / rows.max(1);
                let own = &values[row * width..(row + 1) * width];
                if let Some(place) = own.iter().position(|value| !value.is_finite()) {
                    return Some(before + place);
                }
                before += width;
            }
            InputData::Texts(values) => before += values.len() / rows.max(1),
        }
    }
    None
}

/// That there is a name for each class that the model tells apart.
pub(super) fn check_classes(network: &OnnxNetwork, classes: &[String]) -> Result<()> {
    match network.classes() == classes.len() {
        true => Ok(()),
        false => Err(Error::input(format!(
            "the model tells {} classes apart, and there are {} ({})",
            network.classes(),
            classes.len(),
            classes.join(", ")
        ))
        .hint("name them in the order of the model's outputs: `--classes A,B,C`")),
    }
}

/// Class names: stated, in the file, or the values of the label column in their order.
pub(super) fn class_names(model: &Model, table: &Table, plan: &SheetPlan, notes: &mut Notes) -> Result<Vec<String>> {
    if !plan.classes.is_empty() {
        let sorted = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
        let other_order = |names: &&[String]| *names != plan.classes.as_slice() && sorted(names) == sorted(&plan.classes);
        if let Some(names) = model.class_names().filter(other_order) {
            notes.add(
                "class-order",
                format!(
                    "the file names its classes in the order {}, and `--classes` in the order {}",
                    names.join(", "),
                    plan.classes.join(", ")
                ),
                "those of `--classes` were taken; leave it out where the file is right",
            );
        }
        return Ok(plan.classes.clone());
    }
    if let Some(names) = model.class_names() {
        return Ok(names.to_vec());
    }
    if plan.label.is_empty() {
        return Err(Error::input("the model does not name its classes")
            .hint("name them in the order of its outputs: `--classes A,B,C`; or the column that holds them: `--label COLUMN`"));
    }
    let mut values = table.texts(&plan.label)?.values;
    let number = |text: &String| as_number(text);
    if values.iter().all(|value| number(value).is_some()) {
        values.sort_by(|one, other| number(one).unwrap_or_default().total_cmp(&number(other).unwrap_or_default()));
    } else {
        values.sort();
    }
    notes.add(
        "class-order",
        format!(
            "the model does not name its classes: those of `{}` in their order are taken: {}",
            plan.label,
            values.join(", ")
        ),
        "`--classes A,B,C` names them in the order of the model's outputs",
    );
    Ok(values)
}

/// The class of every row, where it has one.
pub(super) fn labels(table: &Table, plan: &SheetPlan, classes: &[String]) -> Result<Vec<Option<u8>>> {
    let texts = table.texts(&plan.label)?;
    let number = as_number;
    let whole = texts
        .values
        .iter()
        .all(|text| number(text).is_some_and(|value| value.fract() == 0.0 && value >= 0.0 && value < classes.len() as f64));
    let class = |text: &String| {
        let same = |class: &&String| class.trim() == text.trim() || (number(class).is_some() && number(class) == number(text));
        let found = classes.iter().position(|class| same(&class));
        // Codes of the classes, where none of their names is a number.
        found.or_else(|| number(text).filter(|_| whole).map(|value| value as usize))
    };
    let mut codes = Vec::with_capacity(texts.values.len());
    for text in &texts.values {
        codes.push(class(text).map(|class| class as u8).ok_or_else(|| {
            let row = (0..table.height()).find(|row| texts.get(*row) == Some(text)).unwrap_or_default();
            let error = Error::input(format!("`{text}` is none of the model's classes ({})", classes.join(", ")));
            let near = closest(text, classes.iter().map(String::as_str)).map(|near| format!("the closest class is `{near}`"));
            table
                .at(error, row, &plan.label)
                .hint(near.unwrap_or_else(|| "name the classes in the order of the model's outputs: `--classes A,B,C`".to_owned()))
        })?);
    }
    Ok(texts.codes.iter().map(|code| codes.get(*code as usize).copied()).collect())
}

/// Rows of a sheet that have a class.
fn read_rows(
    model: &Model,
    table: &Table,
    plan: &SheetPlan,
    classes: &[String],
    columns: &[String],
    notes: &mut Notes,
) -> Result<ImportedRows> {
    let labels = labels(table, plan, classes)?;
    let table_rows: Vec<usize> = (0..table.height()).filter(|row| labels[*row].is_some()).collect();
    if table_rows.is_empty() {
        return Err(table.in_place(Error::input(format!("no row has a value in `{}`", plan.label))));
    }
    if table_rows.len() < table.height() {
        notes.add(
            "no-label",
            format!(
                "{} rows of `{}` have no label",
                table.height() - table_rows.len(),
                table.source().file_name
            ),
            "they were left out",
        );
    }
    let (encoded, data) = encode_rows(model, table, columns, &table_rows, notes)?;
    let numbers: Vec<usize> = table_rows.iter().map(|row| table.row_number(*row)).collect();
    let names = plan.key.as_ref().map(|key| table.texts(key)).transpose()?;
    let name = |(row, number): (&usize, &usize)| {
        let key = names.as_ref().and_then(|names| names.get(*row));
        key.map_or_else(|| format!("row {number}"), str::to_owned)
    };
    Ok(ImportedRows {
        encoded,
        labels: table_rows.iter().filter_map(|row| labels[*row]).collect(),
        keys: table_rows.iter().zip(&numbers).map(name).collect(),
        table_rows,
        numbers,
        raw: (model.preprocessing() > 0).then_some(data),
    })
}

impl<'a> Imported<'a> {
    /// Brings a model and the sheet that it was trained on together.
    ///
    /// # Errors
    /// Where columns, classes or rows do not fit the model.
    pub fn new(model: &'a Model, table: &Table, plan: &SheetPlan, threads: usize, notes: &mut Notes) -> Result<Self> {
        table.require(&plan.label)?;
        if let Some(key) = &plan.key {
            table.require(key)?;
        }
        let columns = input_columns(model, table, plan)?;
        if columns.contains(&plan.label) {
            return Err(Error::input(format!("`{}` is the label and cannot be an input too", plan.label)));
        }
        let classes = class_names(model, table, plan, notes)?;
        let rows = read_rows(model, table, plan, &classes, &columns, notes)?;
        let network = model.network(&rows.encoded)?;
        check_classes(&network, &classes)?;
        if model.read_as().is_none() {
            notes.add(
                "model-end",
                format!("the model's output is read as {}", network.graph().ending().words()),
                "export it with its logits or a softmax at the end where that is wrong",
            );
        }
        let imported = Self {
            model,
            network,
            rows,
            classes,
            columns,
        };
        reading::check_one_logit(&imported, threads)?;
        imported.check_order(plan, threads)?;
        reading::check(&imported, threads, notes)?;
        Ok(imported)
    }

    /// The rows of another sheet.
    ///
    /// # Errors
    /// As [`Imported::new`].
    pub fn other_rows(&self, table: &Table, plan: &SheetPlan, notes: &mut Notes) -> Result<ImportedRows> {
        table.require(&plan.label)?;
        let rows = read_rows(self.model, table, plan, &self.classes, &self.columns, notes)?;
        match rows.encoded.fits(&self.rows.encoded) {
            true => Ok(rows),
            false => Err(Error::input("the sheets give rows of different sizes").in_file(&table.source().file_name)),
        }
    }

    /// Whether the classes are in the model's order, stated or not: another order must not fit the labels much better. What the file says
    /// of them is taken.
    fn check_order(&self, plan: &SheetPlan, threads: usize) -> Result<()> {
        let count = self.classes.len();
        if count < 2 || (plan.classes.is_empty() && self.model.class_names().is_some()) {
            return Ok(());
        }
        let probabilities = probabilities(&self.network, &self.rows.encoded, threads)?;
        let predicted = crate::nn::predictions(&probabilities, count);
        let mut pairs = vec![vec![0_usize; count]; count];
        for (label, predicted) in self.rows.labels.iter().zip(&predicted) {
            pairs[usize::from(*predicted)][usize::from(*label)] += 1;
        }
        let agree = |order: &[usize]| order.iter().enumerate().map(|(output, label)| pairs[output][*label]).sum::<usize>();
        let own: Vec<usize> = (0..count).collect();
        let best = match count {
            ..=ORDERS_OF => orders(count).into_iter().max_by_key(|order| agree(order)),
            _ => Some(likely_order(&pairs)),
        };
        let best = best.unwrap_or_else(|| own.clone());
        let rows = self.rows.labels.len();
        if agree(&best) * 10 <= agree(&own) * 10 + rows {
            return Ok(());
        }
        let share = |order: &[usize]| 100.0 * agree(order) as f64 / rows as f64;
        let names: Vec<&str> = best.iter().map(|label| self.classes[*label].as_str()).collect();
        Err(Error::input(format!(
            "the model agrees with {:.1} % of the labels with its classes in the order {}, and with {:.1} % in the order {}",
            share(&own),
            self.classes.join(", "),
            share(&best),
            names.join(", ")
        ))
        .hint(format!(
            "name the classes in the order of the model's outputs: `--classes \"{}\"`",
            names.join(",")
        )))
    }

    /// The training rows as flag files find them.
    ///
    /// # Errors
    /// Only by a fault of ours.
    pub fn index(&self, table: &Table, plan: &SheetPlan) -> Result<RowIndex> {
        let entry = |table_row: usize, key: Option<&str>, label: Option<u8>| {
            let number = table.row_number(table_row);
            RowEntry {
                key: key.map_or_else(|| hash_key(&format!("\0row {number}")), hash_key),
                group: None,
                table_row: table_row as u32,
                sheet_row: number as u32,
                label,
            }
        };
        let keys = plan.key.as_ref().map(|key| table.texts(key)).transpose()?;
        let key = |row: usize| keys.as_ref().and_then(|keys| keys.get(row));
        let known: BTreeSet<usize> = self.rows.table_rows.iter().copied().collect();
        let training = self.rows.table_rows.iter().zip(&self.rows.labels);
        let training = training.map(|(row, label)| entry(*row, key(*row), Some(*label))).collect();
        let others = (0..table.height()).filter(|row| !known.contains(row));
        let excluded = others.map(|row| entry(row, key(row), None)).collect();
        RowIndex::new(
            plan.key.clone(),
            None,
            self.classes.clone(),
            "they have no label".to_owned(),
            [training, Vec::new(), Vec::new(), excluded],
        )
        .map(|index| index.below(table.left_out_at_top()))
    }
}

/// For each output the label that rows most often have where it is the largest, the most frequent pairs first.
pub(super) fn likely_order(pairs: &[Vec<usize>]) -> Vec<usize> {
    let count = pairs.len();
    let mut all: Vec<(usize, usize)> = (0..count).flat_map(|output| (0..count).map(move |label| (output, label))).collect();
    // A class that is as likely in its own place stays there.
    all.sort_by_key(|(output, label)| (std::cmp::Reverse(pairs[*output][*label]), output != label));
    let (mut order, mut taken) = (vec![None; count], vec![false; count]);
    for (output, label) in all {
        if order[output].is_none() && !taken[label] {
            order[output] = Some(label);
            taken[label] = true;
        }
    }
    order.into_iter().flatten().collect()
}

/// All orders of this many classes.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..count {
        let longer = |order: Vec<usize>| {
            let left: Vec<usize> = (0..count).filter(|class| !order.contains(class)).collect();
            left.into_iter().map(move |class| [order.as_slice(), &[class]].concat())
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    all
}

/// Probabilities of rows, rows x classes.
pub(crate) fn probabilities(network: &OnnxNetwork, rows: &Encoded, threads: usize) -> Result<Vec<f32>> {
    // No label changes what a row's logits are.
    let labels = vec![0; rows.rows()];
    let table = Rows::table(&rows.values, rows.width, &labels);
    let mut logits = network.logits(&table, None, Compute::from(threads), &Silent::default())?;
    for row in logits.chunks_mut(network.classes()) {
        let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        row.iter_mut().for_each(|value| *value = (*value - most).exp());
        let total: f32 = row.iter().sum();
        row.iter_mut().for_each(|value| *value /= total);
    }
    Ok(logits)
}
