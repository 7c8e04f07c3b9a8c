//! The end of a graph: which of its values are logits or probabilities, and what the classes are called.

use super::file::{GraphMessage, ModelMessage, NodeMessage, kind};
use super::needed::{Makers, shown};
use crate::error::{Error, Result};

/// Where a graph's logits come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Head {
    pub kind: Ending,
    /// Where the values are that they are made of.
    pub slot: usize,
    /// What makes them probabilities, where that is a softmax.
    pub softmax: Option<LastSoftmax>,
}

/// The softmax at the end of a graph, which is left out of what is computed: the logits go into it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LastSoftmax {
    /// The node, as it is told.
    pub node: String,
    axis: Option<i64>,
}

impl LastSoftmax {
    /// That it makes one choice among all values of a row, which have this shape together with the rows.
    pub fn check(&self, shape: &[usize], opset: i64) -> Result<()> {
        let rank = shape.len() as i64;
        let old = opset < 13;
        let axis = self.axis.unwrap_or(if old { 1 } else { -1 });
        let along = if axis < 0 { axis + rank } else { axis };
        let values: usize = shape.iter().skip(1).product();
        let chosen = usize::try_from(along)
            .ok()
            .filter(|along| *along > 0 && *along < shape.len())
            .map(|along| {
                // Before version 13 all axes from the given one on are one.
                if old { shape[along..].iter().product() } else { shape[along] }
            });
        if chosen == Some(values) {
            return Ok(());
        }
        let over = match (along, chosen) {
            (0, _) => "the rows".to_owned(),
            (_, Some(chosen)) => format!("{chosen} of the {values} values of a row"),
            _ => format!("axis {axis}, which does not exist"),
        };
        Err(Error::input(format!(
            "{} chooses among {over} (axis {axis}), and not among the classes of a row",
            self.node
        ))
        .hint("export the model with its softmax over the classes (`dim=1` of values with the shape rows x classes), or with its logits"))
    }
}

/// How the outputs of a model are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Probabilities by softmax; the logits are what goes into it.
    Softmax,
    /// One probability by a sigmoid; the logits are 0 and what goes into it.
    Sigmoid,
    /// Logarithms of probabilities.
    LogSoftmax,
    /// No operator tells: logits, or probabilities where all rows sum to 1.
    Open,
    /// Probabilities by sums of rows.
    Probabilities,
    /// Logits by sums of rows.
    Logits,
    /// One logit, of the second of two classes.
    OneLogit,
    /// One probability, of the second of two classes, of which no logit can be told.
    OneProbability,
}

impl Ending {
    /// What is told of it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Softmax => "probabilities, made by a softmax",
            Self::Sigmoid => "one probability, made by a sigmoid: that of the second class",
            Self::LogSoftmax => "logarithms of probabilities",
            Self::Open | Self::Logits => "logits: no operator at the end makes them probabilities",
            Self::Probabilities => "probabilities: in every row they sum to 1",
            Self::OneLogit => "one logit, that of the second class",
            Self::OneProbability => "one probability, that of the second class",
        }
    }
}

/// A name whose values the logits are made of.
pub(super) struct Found {
    pub name: String,
    pub kind: Ending,
    pub softmax: Option<LastSoftmax>,
}

impl Found {
    fn new(name: String, kind: Ending) -> Self {
        Self { name, kind, softmax: None }
    }
}

/// Finds the output that tells classes apart, and what is behind it.
pub(super) fn find(graph: &GraphMessage, makers: &Makers) -> Result<Found> {
    let node = |name: &str| makers.get(name).map(|number| &graph.nodes[*number]);
    let mut candidates = Vec::new();
    for output in &graph.outputs {
        match node(&output.name) {
            Some(zip) if zip.operator == "ZipMap" => candidates.extend(zip.inputs.first().cloned()),
            _ if kind::is_float(output.kind) => candidates.push(output.name.clone()),
            _ => {}
        }
    }
    let telling = |name: &&String| ["prob", "logit", "score"].iter().any(|word| name.to_lowercase().contains(word));
    let chosen = match candidates.as_slice() {
        [] => {
            return Err(
                Error::input("the model has no output of numbers with a point, so there are no logits or probabilities")
                    .hint("export a classifier with its probabilities or logits"),
            );
        }
        [one] => one,
        several => {
            let named: Vec<&String> = several.iter().filter(telling).collect();
            match named.as_slice() {
                [one] => *one,
                _ => {
                    let names: Vec<String> = several.iter().map(|name| format!("`{name}`")).collect();
                    return Err(Error::input(format!(
                        "the model has several outputs of numbers ({}), and it is not clear which are its logits",
                        names.join(", ")
                    ))
                    .hint("export it with one output for all classes (scikit-learn: `options={\"zipmap\": False}`)"));
                }
            }
        }
    };
    Ok(behind(graph, makers, chosen.clone()))
}

/// Nodes that only change the shape of what they are given.
const SHAPES: &[&str] = &["Flatten", "Reshape", "Squeeze", "Unsqueeze"];

/// Nodes that choose among values or bound them, as `sigmoid(x)[:, 0]` does.
const CHOICES: &[&str] = &["Clip", "Gather", "Slice"];

/// The one probability that a sigmoid makes, where nodes follow it that only change its shape, choose or bound: no logit, as its values alone
/// would be taken for.
fn one_probability(graph: &GraphMessage, makers: &Makers, end: &str) -> Option<Found> {
    let (mut name, mut only_shapes) = (end.to_owned(), true);
    for _ in 0..graph.nodes.len() {
        let node = makers.get(name.as_str()).map(|number| &graph.nodes[*number])?;
        let (operator, first) = (node.operator.as_str(), node.inputs.first()?);
        match operator {
            "Sigmoid" if only_shapes => return Some(Found::new(first.clone(), Ending::Sigmoid)),
            "Sigmoid" => return Some(Found::new(end.to_owned(), Ending::OneProbability)),
            "Identity" | "Cast" => {}
            _ if SHAPES.contains(&operator) => {}
            _ if CHOICES.contains(&operator) => only_shapes = false,
            _ => return None,
        }
        name.clone_from(first);
    }
    None
}

fn behind(graph: &GraphMessage, makers: &Makers, mut name: String) -> Found {
    // A graph has no more nodes than this to go back through.
    for _ in 0..graph.nodes.len() {
        let Some(node) = makers.get(name.as_str()).map(|number| &graph.nodes[*number]) else {
            break;
        };
        let first = node.inputs.first().cloned().unwrap_or_default();
        match node.operator.as_str() {
            "Identity" | "Cast" if !first.is_empty() => name = first,
            "Softmax" | "LogSoftmax" => {
                let axis = node.attributes.iter().find(|attribute| attribute.name == "axis");
                let softmax = Some(LastSoftmax {
                    node: shown(node),
                    axis: axis.and_then(|found| found.integer),
                });
                let (name, kind) = match node.operator.as_str() {
                    "Softmax" => (first, Ending::Softmax),
                    _ => (name, Ending::LogSoftmax),
                };
                return Found { name, kind, softmax };
            }
            "Sigmoid" => return Found::new(first, Ending::Sigmoid),
            "Concat" => match sigmoid_pair(graph, makers, node) {
                Some(name) => return Found::new(name, Ending::Sigmoid),
                None => break,
            },
            _ => break,
        }
    }
    one_probability(graph, makers, &name).unwrap_or_else(|| Found::new(name, Ending::Open))
}

/// What goes into the sigmoid p where a node makes (1 - p, p) of it, as scikit-learn's exporter does.
fn sigmoid_pair(graph: &GraphMessage, makers: &Makers, node: &NodeMessage) -> Option<String> {
    let made = |name: &String| makers.get(name.as_str()).map(|number| &graph.nodes[*number]);
    let [rest, own] = node.inputs.as_slice() else { return None };
    let sigmoid = made(own).filter(|node| node.operator == "Sigmoid")?;
    let minus = made(rest).filter(|node| node.operator == "Sub")?;
    (minus.inputs.get(1) == Some(own)).then(|| sigmoid.inputs.first().cloned())?
}

/// Class names in the file, in the order of the outputs.
pub(super) fn class_names(model: &ModelMessage) -> Option<Vec<String>> {
    let graph = &model.graph;
    for node in &graph.nodes {
        let attribute = |name: &str| node.attributes.iter().find(|attribute| attribute.name == name);
        if node.operator == "ZipMap" {
            if let Some(found) = attribute("classlabels_strings").filter(|found| !found.texts.is_empty()) {
                return Some(found.texts.clone());
            }
            if let Some(found) = attribute("classlabels_int64s").filter(|found| !found.integers.is_empty()) {
                return Some(found.integers.iter().map(i64::to_string).collect());
            }
        }
        let from_places = node.operator == "LabelEncoder" && graph.outputs.iter().any(|output| node.outputs.contains(&output.name));
        if from_places && let (Some(keys), Some(values)) = (attribute("keys_int64s"), attribute("values_strings")) {
            let in_order = keys.integers.iter().enumerate().all(|(place, key)| place as i64 == *key);
            if in_order && keys.integers.len() == values.texts.len() {
                return Some(values.texts.clone());
            }
        }
    }
    let told = model
        .metadata
        .iter()
        .find(|(key, _)| ["classes", "class_names", "labels"].contains(&key.to_lowercase().as_str()));
    let (_, text) = told?;
    serde_json::from_str::<Vec<String>>(text)
        .ok()
        .or_else(|| Some(text.split(',').map(|name| name.trim().to_owned()).collect()))
        .filter(|names: &Vec<String>| names.len() > 1 && names.iter().all(|name| !name.is_empty()))
}
