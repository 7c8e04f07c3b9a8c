//! Models that somebody else trained: ONNX files and PyTorch's weights, read, run and differentiated on candle, and written back with
//! nothing changed but numbers.
//!
//! | file | what it does |
//! |---|---|
//! | `wire`, `file` | protobuf read in place: every number keeps its place in the file |
//! | `plan`, `head`, `body` | which nodes make the logits, what is a variable, what is preprocessing; branches and loops |
//! | `operators` | the one list of operators that can be computed |
//! | `known` | which texts a model was trained on |
//! | `elementwise` | functions of one number with their derivatives |
//! | `graph` | the whole as a [`TensorGraph`], so that [`CandleNetwork`] is a classifier like any other |
//! | `build` | an ONNX file from nothing, for models of Recant's own |
//! | `state_dict` | PyTorch's files of weights alone, as the graph that an ONNX file of the same network would hold |
//! | `check` | gradients against finite differences |
//!
//! The reader is bounded by the file: nothing that a file says of sizes is believed before the bytes are there.
//!
//! [`TensorGraph`]: crate::learner::TensorGraph

mod body;
mod build;
mod check;
mod elementwise;
mod file;
mod graph;
mod head;
mod kind;
mod known;
mod needed;
mod operators;
mod parts;
mod plan;
mod state_dict;
mod value;
mod wire;

use std::path::Path;
use std::sync::Arc;

use candle_core::DType;

pub use build::{Attribute, Builder, Kind};
pub use check::{GradientCheck, check_gradients};
pub use graph::OnnxGraph;
pub use head::Ending;
pub use plan::{Input, InputKind};
pub use state_dict::{ACTIVATIONS, Activation, Layers, ReadAs};

use crate::error::{Error, Result};
use crate::files::{self, Existing};
use crate::learner::CandleNetwork;
use crate::nn::MOST_CLASSES;
use file::{ModelMessage, Stored, Values};
use graph::{Fed, parameter_tensors, rows_tensor};
use plan::Plan;
use value::{Array, Value};

/// Names of all operators that can be computed; those of `ai.onnx.ml` with their domain.
pub fn operator_names() -> Vec<String> {
    let name = |operator: &operators::Operator| match operator.domain {
        "" => operator.name.to_owned(),
        domain => format!("{domain}.{}", operator.name),
    };
    operators::OPERATORS.iter().map(name).collect()
}

/// The network of an imported model.
pub type OnnxNetwork = CandleNetwork<f32, OnnxGraph>;

/// Rows that preprocessing takes at a time.
const BLOCK: usize = 1024;

/// Rows that are tried when a model is read in: as many at once, and each by itself.
const TRIED: usize = 3;

/// Whole numbers above this are not all told apart in single precision.
const LARGEST_CODE: f64 = 16_777_216.0;

/// An ONNX file or a state_dict that was read.
#[derive(Debug, Clone)]
pub struct Model {
    stored: Stored,
    message: ModelMessage,
    plan: Arc<Plan>,
    /// Of a state_dict: the graph is then Recant's, and the second file is the model's own.
    read_as: Option<ReadAs>,
}

/// Whether a model is a file of somebody else's that can be read, by its name: ONNX, or PyTorch's weights.
pub fn is_model_file(path: &Path) -> bool {
    is_onnx(path) || is_state_dict(path)
}

/// Whether it is an ONNX file, by its name.
pub fn is_onnx(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"))
}

/// Whether it is PyTorch's weights alone.
pub fn is_state_dict(path: &Path) -> bool {
    state_dict::is_state_dict(path)
}

/// What one input of a graph is given: rows x values per row.
#[derive(Debug, Clone, PartialEq)]
pub enum InputData {
    /// Numbers; a missing one is NaN.
    Numbers(Vec<f64>),
    /// Texts.
    Texts(Vec<String>),
}

impl InputData {
    /// Some of a number of rows, in this order.
    pub fn rows(&self, places: &[usize], of: usize) -> Self {
        fn taken<T: Clone>(values: &[T], places: &[usize], of: usize) -> Vec<T> {
            let width = values.len() / of.max(1);
            places
                .iter()
                .flat_map(|row| values[row * width..(row + 1) * width].iter().cloned())
                .collect()
        }
        match self {
            Self::Numbers(values) => Self::Numbers(taken(values, places, of)),
            Self::Texts(values) => Self::Texts(taken(values, places, of)),
        }
    }
}

/// Rows as the network takes them, after preprocessing.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// Row-major, rows x `width`.
    pub values: Vec<f32>,
    /// Values of a row.
    pub width: usize,
    parts: Vec<Fed>,
}

impl Encoded {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    /// The first row with a value that is not a finite number.
    pub fn first_gap(&self) -> Option<usize> {
        self.values
            .iter()
            .position(|value| !value.is_finite())
            .map(|place| place / self.width.max(1))
    }

    /// Whether the other's rows are of the same make.
    pub fn fits(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Model {
    /// Reads a model, and the data files beside it. `layers` are for a state_dict, which does not hold them.
    ///
    /// # Errors
    /// Where the file cannot be read, is broken, or holds what cannot be computed: the message names the node, or the tensor.
    pub fn read(path: &Path, layers: &Layers) -> Result<Self> {
        known::check_format(path)?;
        if *layers != Layers::default() && !is_state_dict(path) {
            return Err(
                Error::input("`--activation` and `--layers` are for a state_dict: an ONNX file holds its own")
                    .in_file(path)
                    .hint("leave them out"),
            );
        }
        let (stored, message, read_as) = match is_state_dict(path) {
            true => state_dict::read(path, layers).map(|(stored, message, read_as)| (stored, message, Some(read_as)))?,
            false => Stored::read(path).map(|(stored, message)| (stored, message, None))?,
        };
        let plan = Plan::of(&stored, &message).map_err(|error| hinted(error).in_file(path))?;
        Ok(Self {
            stored,
            message,
            plan: Arc::new(plan),
            read_as,
        })
    }

    /// Reads a model whose file is in memory, and which has no other.
    ///
    /// # Errors
    /// As [`Model::read`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        let (stored, message) = Stored::from_bytes(bytes).map_err(hinted)?;
        let plan = Arc::new(Plan::of(&stored, &message).map_err(hinted)?);
        Ok(Self {
            stored,
            message,
            plan,
            read_as: None,
        })
    }

    /// What a state_dict was read as.
    pub fn read_as(&self) -> Option<&ReadAs> {
        self.read_as.as_ref()
    }

    /// A state_dict, read as the network of other layers.
    ///
    /// # Errors
    /// Where it is none, or the layers do not fit it.
    pub fn read_again(&self, layers: &Layers) -> Result<Self> {
        let (Some(_), Some((name, bytes))) = (&self.read_as, self.stored.files.get(1)) else {
            return Err(Error::internal("an ONNX file has its own layers"));
        };
        let (stored, message, read_as) = state_dict::of_bytes(bytes.clone(), Path::new(name), layers)?;
        let plan = Arc::new(Plan::of(&stored, &message)?);
        Ok(Self {
            stored,
            message,
            plan,
            read_as: Some(read_as),
        })
    }

    /// What kind of file it is, in words.
    pub fn format(&self) -> String {
        match self.read_as {
            Some(_) => "state_dict".to_owned(),
            None => format!("ONNX {}", self.opset()),
        }
    }

    /// The inputs that the classes depend on.
    pub fn inputs(&self) -> &[Input] {
        &self.plan.inputs
    }

    /// Class names that the file holds.
    pub fn class_names(&self) -> Option<&[String]> {
        self.plan.classes.as_deref()
    }

    /// An entry of the file's metadata.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        let found = self.message.metadata.iter().find(|(own, _)| own == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Program that wrote the file.
    pub fn producer(&self) -> &str {
        &self.message.producer
    }

    /// Version of ONNX's operator set.
    pub fn opset(&self) -> i64 {
        self.plan.opset
    }

    /// Initialisers of numbers with a point that are not changed: statistics, bounds, scaling of raw inputs.
    pub fn fixed(&self) -> &[String] {
        &self.plan.fixed
    }

    /// Whether it has batch norm, which goes by its stored statistics in every method.
    pub fn has_batch_norm(&self) -> bool {
        self.plan.batch_norms > 0
    }

    /// Nodes before the network that gradients do not go through.
    pub fn preprocessing(&self) -> usize {
        self.plan.before.len()
    }

    /// Values per row that an input takes, where the rows that are given have `given` values for it.
    fn shape_of(input: &Input, given: usize) -> Result<Vec<usize>> {
        let fixed: usize = input.shape.iter().flatten().product();
        let open = input.shape.iter().filter(|size| size.is_none()).count();
        let fits = match open {
            0 => fixed == given,
            1 => fixed > 0 && given.is_multiple_of(fixed) && given > 0,
            _ => false,
        };
        if !fits {
            let sizes: Vec<String> = input
                .shape
                .iter()
                .map(|size| size.map_or("?".to_owned(), |size| size.to_string()))
                .collect();
            return Err(Error::input(format!(
                "input `{}` takes {} a row, and the sheet has {given} columns for it",
                input.name,
                if open == 0 {
                    format!("{fixed} values")
                } else {
                    format!("values of the shape {}", sizes.join(" x "))
                },
            ))
            .hint("name the columns in the model's order: `--inputs COLUMN,COLUMN,...`"));
        }
        Ok(input.shape.iter().map(|size| size.unwrap_or(given / fixed.max(1))).collect())
    }

    /// Rows as the network takes them: what the graph does before its first variable is done here.
    ///
    /// # Errors
    /// Where the data does not fit the inputs, or preprocessing fails on it.
    pub fn encode(&self, inputs: &[InputData], rows: usize) -> Result<Encoded> {
        if inputs.len() != self.plan.inputs.len() || rows == 0 {
            return Err(Error::internal("data for another number of inputs, or no rows"));
        }
        let count = |data: &InputData| match data {
            InputData::Numbers(values) => values.len(),
            InputData::Texts(values) => values.len(),
        };
        let mut shapes = Vec::with_capacity(inputs.len());
        for (input, data) in self.plan.inputs.iter().zip(inputs) {
            shapes.push(Self::shape_of(input, count(data) / rows)?);
        }
        let mut encoded: Option<Encoded> = None;
        for start in (0..rows).step_by(BLOCK) {
            let block = self.encode_block(inputs, &shapes, start, BLOCK.min(rows - start))?;
            match &mut encoded {
                None => encoded = Some(block),
                Some(all) if all.parts == block.parts => all.values.extend(block.values),
                Some(_) => return Err(Error::input("preprocessing makes rows of different sizes of different rows")),
            }
        }
        encoded.ok_or_else(|| Error::internal("no rows"))
    }

    fn encode_block(&self, inputs: &[InputData], shapes: &[Vec<usize>], start: usize, rows: usize) -> Result<Encoded> {
        let wrong = |what: String| {
            Error::input(what)
                .hint("its preprocessing does not fit the inputs that the file names: export the model again where it was trained")
        };
        let precision = if self.plan.wide { DType::F64 } else { DType::F32 };
        let mut values = self.plan.start(precision).map_err(wrong)?;
        for ((input, data), shape) in self.plan.inputs.iter().zip(inputs).zip(shapes) {
            let width: usize = shape.iter().product();
            let range = start * width..(start + rows) * width;
            let shape: Vec<usize> = [&[rows], shape.as_slice()].concat();
            values[input.slot] = Some(match (data, input.kind) {
                (InputData::Texts(texts), InputKind::Texts) => Value::Text(Array::new(shape, texts[range].to_vec())),
                (InputData::Numbers(numbers), InputKind::Numbers) => {
                    Value::Float(operators::tensor(numbers[range].to_vec(), &shape, precision).map_err(wrong)?)
                }
                (InputData::Numbers(numbers), InputKind::WholeNumbers) => {
                    let whole = |value: &f64| match value.fract() == 0.0 && value.abs() < LARGEST_CODE {
                        true => Ok(*value as i64),
                        false => Err(
                            Error::input(format!("input `{}` takes whole numbers, and a row has {value}", input.name))
                                .hint("codes of categories go there: name the columns in the model's order: `--inputs COLUMN,COLUMN,...`"),
                        ),
                    };
                    Value::Integer(Array::new(shape, numbers[range].iter().map(whole).collect::<Result<_>>()?))
                }
                _ => return Err(Error::internal("texts for numbers, or numbers for texts")),
            });
        }
        Plan::run(&self.plan.before, &mut values, precision, rows).map_err(|fault| wrong(fault.text()))?;
        let mut parts = Vec::with_capacity(self.plan.fed.len());
        let mut columns = Vec::with_capacity(self.plan.fed.len());
        for slot in &self.plan.fed {
            let value = values[*slot].take().ok_or_else(|| Error::internal("a part that was not made"))?;
            let shape = value.shape();
            if shape.first() != Some(&rows) {
                return Err(wrong(format!("preprocessing makes values of the shape {shape:?} of {rows} rows"))
                    .hint("export the model so that it takes any number of rows (`dynamic_axes` or `dynamic_shapes`)"));
            }
            parts.push(Fed {
                slot: *slot,
                shape: shape[1..].to_vec(),
                whole: matches!(value, Value::Integer(_)),
            });
            columns.push(value.numbers().map_err(wrong)?);
        }
        let width = parts.iter().map(Fed::len).sum();
        let mut all = Vec::with_capacity(rows * width);
        for row in 0..rows {
            for (part, values) in parts.iter().zip(&columns) {
                all.extend(values[row * part.len()..(row + 1) * part.len()].iter().map(|value| *value as f32));
            }
        }
        Ok(Encoded { values: all, width, parts })
    }

    /// The parameters as the file has them.
    fn parameters(&self) -> Result<Vec<f32>> {
        let mut parameters = Vec::new();
        for variable in &self.plan.variables {
            let tensor = &self.message.graph.initializers[variable.initializer];
            match self.stored.values(tensor).map_err(Error::input)? {
                Values::Floats(values) => parameters.extend(values.into_iter().map(|value| value as f32)),
                _ => return Err(Error::internal("a variable that is not of floats")),
            }
        }
        Ok(parameters)
    }

    /// Rounds parameters to what the file can hold: its weights may be of half precision. What did not change stays as it is.
    pub fn round(&self, parameters: &mut [f32]) {
        for variable in &self.plan.variables {
            let kind = self.message.graph.initializers[variable.initializer].kind;
            if let Some(values) = parameters.get_mut(variable.spec.range()) {
                values.iter_mut().for_each(|value| *value = kind::rounded(kind, *value));
            }
        }
    }

    /// Whether some of its weights are of half precision.
    pub fn is_half(&self) -> bool {
        let kind = |variable: &plan::Variable| self.message.graph.initializers[variable.initializer].kind;
        self.plan.variables.iter().any(|variable| kind::size(kind(variable)) == Some(2))
    }

    /// The network, tried on the first of these rows: whether it takes any number of rows, which it treats one by one, and what its
    /// end means.
    ///
    /// # Errors
    /// Names the node that fails.
    pub fn network(&self, rows: &Encoded) -> Result<OnnxNetwork> {
        self.tried(rows).map_err(hinted)
    }

    fn tried(&self, rows: &Encoded) -> Result<OnnxNetwork> {
        let parameters = self.parameters()?;
        let mut graph = OnnxGraph {
            plan: self.plan.clone(),
            fed: rows.parts.clone(),
            input: vec![rows.width],
            classes: 0,
            ending: self.plan.head.kind,
            in_pairs: false,
            tensors: self.plan.variables.iter().map(|variable| variable.spec.clone()).collect(),
        };
        let tried = rows.rows().min(TRIED);
        let first = &rows.values[..rows.width];
        if let Err(alone) = try_rows(&graph, &parameters, first, rows.width) {
            graph.in_pairs = true;
            try_rows(&graph, &parameters, first, rows.width).map_err(|_| alone)?;
        }
        let (together, shape) = try_rows(&graph, &parameters, &rows.values[..tried * rows.width], rows.width)?;
        if let Some(softmax) = &self.plan.head.softmax {
            softmax.check(&shape, self.plan.opset)?;
        }
        let columns = together.len() / tried.max(1);
        let mut apart = Vec::new();
        for row in 0..tried {
            let (row, _) = try_rows(
                &graph,
                &parameters,
                &rows.values[row * rows.width..(row + 1) * rows.width],
                rows.width,
            )?;
            apart.extend(row);
        }
        let differs = |(one, other): (&f64, &f64)| (one - other).abs() > 1e-3 * (1.0 + one.abs());
        if apart.len() != together.len() || together.iter().zip(&apart).any(differs) {
            return Err(Error::input("the model gives a row other outputs alone than among other rows")
                .hint("export the model so that it takes any number of rows, and in evaluation mode (`model.eval()`)"));
        }
        (graph.ending, graph.classes) = resolve(graph.ending, &together, columns)?;
        if graph.classes > MOST_CLASSES {
            return Err(Error::input(format!(
                "the model has {} classes, and at most {MOST_CLASSES} are supported",
                graph.classes
            ))
            .hint("leave the flagged rows out and train it again, or repair a model of fewer classes, such as groups of these"));
        }
        CandleNetwork::new(graph, parameters, Vec::new())
    }

    /// Writes the model with these parameters: a copy of the file and of its data files in which nothing but the changed values differs.
    /// Returns the paths written.
    ///
    /// # Errors
    /// Where a file cannot be written, or one of the model's own would be.
    pub fn write(&self, parameters: &[f32], out: &Path) -> Result<()> {
        let before = self.parameters()?;
        if before.len() != parameters.len() {
            return Err(Error::internal("another number of parameters"));
        }
        let mut stored = self.stored.clone();
        for variable in &self.plan.variables {
            let places = self
                .stored
                .places(&self.message.graph.initializers[variable.initializer])
                .map_err(Error::input)?;
            let range = variable.spec.range();
            for (index, (old, new)) in before[range.clone()].iter().zip(&parameters[range]).enumerate().take(places.len()) {
                if old.to_bits() != new.to_bits() {
                    places.set(&mut stored, index, f64::from(*new));
                }
            }
        }
        if let (Some(read_as), Some((_, bytes))) = (&self.read_as, stored.files.get_mut(1)) {
            read_as.seal(bytes);
            return files::write_bytes_to(out, Existing::KeepForGood, bytes);
        }
        let folder = out.parent().unwrap_or(Path::new(""));
        let mut written = Vec::new();
        let mut put = |path: &Path, bytes: &[u8]| -> Result<()> {
            files::write_bytes_to(path, Existing::KeepForGood, bytes)?;
            written.push(path.to_owned());
            Ok(())
        };
        let mut all = || -> Result<()> {
            for (location, bytes) in stored.files.iter().skip(1) {
                let path = folder.join(location);
                if path.exists() {
                    return Err(Error::input(format!(
                        "the model names its data file `{location}`, and there is one beside `{}` already",
                        out.display()
                    ))
                    .hint("write the repaired model into a folder of its own: `--out repaired/model.onnx`"));
                }
                put(&path, bytes)?;
            }
            put(out, &stored.files[0].1)
        };
        // What another process wrote under these names in the meantime is left alone.
        all().inspect_err(|_| written.iter().for_each(|path| drop(std::fs::remove_file(path))))
    }

    /// Data files that the model's tensors lie in, as it names them.
    pub fn data_files(&self) -> Vec<&str> {
        if self.read_as.is_some() {
            return Vec::new();
        }
        self.stored.files.iter().skip(1).map(|(name, _)| name.as_str()).collect()
    }
}

/// What to do about a model that is refused, where nothing better is known.
fn hinted(error: Error) -> Error {
    match error.hint_text() {
        Some(_) => error,
        None => error.hint("export the model again, and copy the whole file; `docs/onnx.md` says what a model may be made of"),
    }
}

/// The end of the graph on some rows, which must be finite numbers, and its shape.
fn try_rows(graph: &OnnxGraph, parameters: &[f32], values: &[f32], width: usize) -> Result<(Vec<f64>, Vec<usize>)> {
    let hint = "export the model so that it takes any number of rows (`dynamic_axes` or `dynamic_shapes`)";
    let wrong = |what: String| Error::input(what).hint(hint);
    let parameters = parameter_tensors(&graph.tensors, parameters).map_err(wrong)?;
    let inputs = rows_tensor(values, width, DType::F32).map_err(wrong)?;
    let (end, _) = graph
        .end(&parameters, &inputs)
        .map_err(|fault| Error::input(fault.text()).hint(fault.hint()))?;
    let rows = values.len() / width.max(1);
    let shape = end.shape();
    if shape.first() != Some(&rows) {
        return Err(wrong(format!("the model makes values of the shape {shape:?} of {rows} rows")));
    }
    let found = end
        .float()
        .and_then(value::flat)
        .map_err(|what| wrong(format!("the model's output {what}")))?;
    match found.iter().all(|value| value.is_finite()) {
        true => Ok((found, shape)),
        false => Err(Error::input("the model's outputs are not finite numbers")
            .hint("check the scale of the inputs, and that the model works where it comes from")),
    }
}

/// What the end of a graph means, by its values on some rows, and the number of classes.
fn resolve(found: Ending, values: &[f64], columns: usize) -> Result<(Ending, usize)> {
    let ending = match (found, columns) {
        (Ending::Open, 1) => return Ok((Ending::OneLogit, 2)),
        (Ending::Sigmoid | Ending::OneProbability, 1) => return Ok((found, 2)),
        (Ending::Sigmoid | Ending::OneProbability, columns) => {
            return Err(Error::input(format!(
                "the model ends in {columns} independent probabilities (`Sigmoid`), and not in one choice of classes"
            ))
            .hint("a model whose classes exclude each other ends in a softmax, or in logits"));
        }
        (_, 0 | 1) => {
            return Err(Error::input(
                "the model has no classes to choose from: its output has one value a row",
            ));
        }
        (Ending::Open, _) => {
            let sums = values
                .chunks(columns)
                .all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-4 && row.iter().all(|value| *value >= 0.0));
            if sums { Ending::Probabilities } else { Ending::Logits }
        }
        (other, _) => other,
    };
    Ok((ending, columns))
}

#[cfg(test)]
mod tests;
