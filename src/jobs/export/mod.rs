//! A model of Recant's own as one ONNX graph: raw columns in, class and probabilities out.
//!
//! Everything between a cell's value and the prediction is in the graph: look-up of categories, parts of dates, stand-ins for blanks, scaling,
//! the network. What is not: reading text as numbers and dates, which a graph of tensors has no operators for. Dates come in as days.

mod dates;
mod encoding;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::PredictionModel;
use crate::nn::{NORM_EPSILON, NamedTensor};
use crate::notes::Notes;
use crate::onnx::{Attribute, Builder, InputData, Kind, Model};
use crate::tables::{DateOrder, DecimalMark, Table, Texts};

/// What the probabilities of the graph may differ by from those of the model.
pub const TOLERANCE: f32 = 1e-5;

/// What a raw input takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RawKind {
    /// The cell's text.
    Text,
    /// The cell's number.
    Number,
    /// Days from 1970-01-01 to the cell's date, with the time of day as the fraction.
    Days,
    /// The words of a cell that holds no number or date.
    Words,
}

impl RawKind {
    fn input_name(self, column: &str) -> String {
        match self {
            Self::Text | Self::Number => column.to_owned(),
            Self::Days => format!("{column}: days since 1970-01-01"),
            Self::Words => format!("{column}: words"),
        }
    }

    fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Words)
    }
}

/// An input of an exported graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawInput {
    /// Its name in the graph.
    pub name: String,
    /// The column of the sheet.
    pub column: String,
    /// What it takes.
    pub kind: RawKind,
    /// Whether the number counts hours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hours: bool,
    /// How its dates were written in the training sheet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<DateOrder>,
    /// The decimal mark of the training sheet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<DecimalMark>,
}

/// Entry of a file's metadata that lists its inputs.
const INPUTS: &str = "recant.inputs";

impl RawInput {
    /// The inputs of a file that [`export`] made.
    pub fn of_file(model: &Model) -> Option<Vec<Self>> {
        serde_json::from_str(model.metadata(INPUTS)?).ok()
    }

    /// What to give it, in a sentence.
    pub fn told(&self) -> String {
        let column = &self.column;
        match self.kind {
            RawKind::Text => format!("The text in column `{column}`, without blanks at its ends; empty where the cell is blank."),
            RawKind::Number if self.hours => {
                format!("The duration in column `{column}` in hours, 36:15 as 36.25; NaN where the cell is blank.")
            }
            RawKind::Number => format!("The number in column `{column}`; NaN where the cell is blank."),
            RawKind::Days => format!(
                "The date in column `{column}` as days since 1970-01-01 00:00, in local time as written: days from the calendar, plus hours/24 + minutes/1440 + \
                 seconds/86400 (2018-01-31 22:56 is 17562.955555...); NaN where the cell holds no date."
            ),
            RawKind::Words => {
                format!("The words in column `{column}` where it holds neither number nor date, such as `Not Captured`; else empty.")
            }
        }
    }
}

/// A model as an ONNX file.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedModel {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// The graph's inputs.
    pub inputs: Vec<RawInput>,
    /// Class names, in the order of the probabilities.
    pub classes: Vec<String>,
}

/// The graph of a model.
///
/// # Errors
/// Where the model has a tensor that the export does not know, which is a fault of ours.
pub fn export(model: &PredictionModel) -> Result<ExportedModel> {
    let classes = &model.info.classes;
    let tensors = model.network.dense()?.to_tensors();
    let mut graph = Builder::default();
    graph.reserve(tensors.iter().map(|tensor| tensor.name.as_str()).chain(["class", "probabilities"]));
    let (inputs, rows) = encoding::encode(&mut graph, &model.features);
    let logits = network(&mut graph, &tensors, model.network.spec().hidden.len(), rows)?;
    graph.node_to("Softmax", &[&logits], &[Attribute::Integer("axis", 1)], "probabilities");
    let first = [Attribute::Integer("axis", 1), Attribute::Integer("keepdims", 0)];
    let best = graph.node("ArgMax", &["probabilities"], &first);
    let names = [
        Attribute::Integers("keys_int64s", (0..classes.len() as i64).collect()),
        Attribute::Texts("values_strings", classes.clone()),
    ];
    graph.node_to("LabelEncoder", &[&best], &names, "class");
    graph.output("class", Kind::Text, None, "The most probable class; of equals the first.");
    let told = format!("The probability of each class, in this order: {}.", classes.join(", "));
    graph.output("probabilities", Kind::Float, Some(classes.len()), &told);
    let fault = |error: serde_json::Error| Error::internal(error.to_string());
    let metadata = [
        ("classes", serde_json::to_string(classes).map_err(fault)?),
        (INPUTS, serde_json::to_string(&inputs).map_err(fault)?),
    ];
    let lines: Vec<String> = inputs.iter().map(|input| format!("- `{}`: {}", input.name, input.told())).collect();
    let told = format!(
        "A model of Recant {}: raw columns in, one value a row (shape rows x 1), class and probabilities out.\n{}",
        env!("CARGO_PKG_VERSION"),
        lines.join("\n")
    );
    Ok(ExportedModel {
        bytes: graph.finish(&told, &metadata),
        inputs,
        classes: classes.clone(),
    })
}

/// Hidden layers (linear, batch norm by its stored statistics, ReLU) and the head.
fn network(graph: &mut Builder, tensors: &[NamedTensor], hidden: usize, mut rows: String) -> Result<String> {
    let load = |graph: &mut Builder, name: String| {
        let found = tensors.iter().find(|tensor| tensor.name == name);
        let found = found.ok_or_else(|| Error::internal(format!("the network has no tensor `{name}`")))?;
        Ok::<_, Error>(graph.weights(&found.name, &found.values, &found.shape))
    };
    for layer in 0..hidden {
        let (weight, bias) = (
            load(graph, format!("layers.{layer}.linear.weight"))?,
            load(graph, format!("layers.{layer}.linear.bias"))?,
        );
        let linear = graph.node("Gemm", &[&rows, &weight, &bias], &[Attribute::Integer("transB", 1)]);
        let mut norm = vec![linear];
        for part in ["weight", "bias", "running_mean", "running_var"] {
            norm.push(load(graph, format!("layers.{layer}.norm.{part}"))?);
        }
        let inputs: Vec<&str> = norm.iter().map(String::as_str).collect();
        let normed = graph.node("BatchNormalization", &inputs, &[Attribute::Float("epsilon", NORM_EPSILON as f32)]);
        rows = graph.node("Relu", &[&normed], &[]);
    }
    let (weight, bias) = (load(graph, "head.weight".to_owned())?, load(graph, "head.bias".to_owned())?);
    Ok(graph.node("Gemm", &[&rows, &weight, &bias], &[Attribute::Integer("transB", 1)]))
}

/// The rows of a sheet as the inputs of a graph, in its order.
///
/// # Errors
/// Where a column cannot be read as numbers or dates.
pub fn raw_rows(inputs: &[RawInput], table: &Table, notes: &mut Notes) -> Result<Vec<InputData>> {
    let rows = table.height();
    let mut data = Vec::with_capacity(inputs.len());
    for input in inputs {
        let column = &input.column;
        let words = |found: Option<Texts>| {
            let word = |row: usize| found.as_ref().and_then(|texts| texts.get(row)).unwrap_or_default().to_owned();
            InputData::Texts((0..rows).map(word).collect())
        };
        data.push(match input.kind {
            _ if !table.has(column) && input.kind.is_text() => InputData::Texts(vec![String::new(); rows]),
            _ if !table.has(column) => InputData::Numbers(vec![f64::NAN; rows]),
            RawKind::Text => words(Some(table.texts(column)?)),
            RawKind::Number => {
                let found = table.number_column(column, input.mark, notes)?.values;
                InputData::Numbers(found.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect())
            }
            RawKind::Days => {
                let found = table.date_column(column, input.order, notes)?.seconds;
                let days = |seconds: Option<i64>| seconds.map_or(f64::NAN, |seconds| seconds as f64 / 86_400.0);
                InputData::Numbers(found.into_iter().map(days).collect())
            }
            RawKind::Words if inputs.iter().any(|other| other.column == *column && other.kind == RawKind::Days) => {
                words(table.date_column(column, input.order, notes)?.exceptions)
            }
            RawKind::Words => words(table.number_column(column, input.mark, notes)?.exceptions),
        });
    }
    Ok(data)
}

/// Probabilities that an exported graph gives for the rows of a sheet (rows x classes), computed from its bytes as any other program would.
///
/// # Errors
/// Where the bytes cannot be read back, or the sheet cannot be read.
pub fn probabilities(exported: &ExportedModel, table: &Table, threads: usize, notes: &mut Notes) -> Result<Vec<f32>> {
    let model = Model::from_bytes(exported.bytes.clone())?;
    let data = raw_rows(&exported.inputs, table, notes)?;
    let encoded = model.encode(&data, table.height())?;
    let network = model.network(&encoded)?;
    super::imported::probabilities(&network, &encoded, threads)
}

#[cfg(test)]
mod tests;
