//! PyTorch's `state_dict`s of plain multilayer perceptrons, as the graph that an ONNX file of the same network would hold: its initialisers
//! lie in the file as external data do, so that a repair changes values in place, and all else is that of every imported model.
//!
//! | file | what it does |
//! |---|---|
//! | `safetensors` | `.safetensors`: where the tensors lie |
//! | `archive`, `pickle` | `.pt` and `.pth`: the same, without executing anything |
//! | `layers`, `order` | which layers the tensors are of |

mod archive;
mod layers;
mod order;
mod pickle;
mod safetensors;

use std::path::Path;

pub use layers::{ACTIVATIONS, Activation, Layers};

use self::archive::Part;
use self::layers::{ModuleKind, Network, Step};
use super::build::{Attribute, Builder, Kind};
use super::file::{ModelMessage, Stored, kind};
use crate::error::{Error, Result};
use crate::files;

/// Bytes of the largest file that is read.
const LARGEST: u64 = 2 << 30;

/// What PyTorch adds to the variances of a batch norm; a file does not hold it.
const EPSILON: f32 = 1e-5;

/// Ends of the names of such files.
pub(super) const ENDINGS: &[&str] = &["safetensors", "pt", "pth", "ckpt"];

/// A tensor, and where its values begin in the file.
#[derive(Debug, Clone, PartialEq)]
struct StoredTensor {
    name: String,
    /// What its values are, as ONNX numbers it; 0 for a kind that is not read.
    kind: i64,
    shape: Vec<usize>,
    start: usize,
}

impl StoredTensor {
    fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * kind::size(self.kind).unwrap_or(1)
    }

    fn end(&self) -> usize {
        self.start + self.bytes()
    }

    fn sizes(&self) -> String {
        match self.shape.as_slice() {
            [] => "one value".to_owned(),
            sizes => sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(" x "),
        }
    }
}

/// What a state_dict was read as.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadAs {
    /// Its network in one line.
    pub network: String,
    /// The activation, where it was not stated.
    pub assumed: Option<&'static str>,
    /// Modules that `Layers::order` leaves out.
    pub left_out: Vec<String>,
    /// The entry of a checkpoint that it is.
    pub entry: Option<String>,
    /// Whether it has batch norms, whose epsilon is not in the file.
    pub has_norms: bool,
    /// Parts of a `.pt` file, with their checksums.
    parts: Vec<Part>,
}

impl ReadAs {
    /// Makes the file whole again after values were changed.
    pub(super) fn seal(&self, bytes: &mut [u8]) {
        archive::seal(bytes, &self.parts);
    }
}

/// Whether a file is a state_dict by its name.
pub(super) fn is_state_dict(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| ENDINGS.iter().any(|ending| extension.eq_ignore_ascii_case(ending)))
}

/// Reads a state_dict as the graph of its network.
///
/// # Errors
/// Where the file cannot be read, or its layers cannot be told: the message names the tensor or module.
pub(super) fn read(path: &Path, layers: &Layers) -> Result<(Stored, ModelMessage, ReadAs)> {
    let bytes = files::read("read the model", path, LARGEST)?;
    of_bytes(bytes, path, layers).map_err(|error| error.in_file(path))
}

/// As [`read`], of a file that was read.
pub(super) fn of_bytes(bytes: Vec<u8>, path: &Path, layers: &Layers) -> Result<(Stored, ModelMessage, ReadAs)> {
    let broken = |what: String| {
        Error::input(format!("this is not a state_dict that can be read: {what}")).hint(
            "save it again: `torch.save(model.state_dict(), \"model.pt\")`, or `safetensors.torch.save_file`; or export the model as ONNX",
        )
    };
    let is_archive = !path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"));
    let (tensors, parts, entry) = match is_archive {
        true => {
            let found = archive::read(&bytes).map_err(broken)?;
            (found.tensors, found.parts, found.entry)
        }
        false => (safetensors::read(&bytes).map_err(broken)?, Vec::new(), None),
    };
    let network = Network::of(&tensors, layers, is_archive)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (graph, has_norms) = graph(&network, &name);
    let (mut stored, message) = Stored::from_bytes(graph)?;
    stored.files.push((name, bytes));
    let read_as = ReadAs {
        network: network.words(),
        assumed: (layers.activation.is_none() && layers.order.is_empty()).then_some(ACTIVATIONS[0].name),
        left_out: network.left_out,
        entry,
        has_norms,
        parts,
    };
    Ok((stored, message, read_as))
}

/// The graph of a network whose values lie in the file `location`; and whether it has batch norms.
fn graph(network: &Network, location: &str) -> (Vec<u8>, bool) {
    let mut graph = Builder::default();
    graph.reserve(network.tensors().into_iter().map(|tensor| tensor.name.as_str()));
    let mut has_norms = false;
    let mut rows: Option<String> = None;
    let outside = |graph: &mut Builder, tensor: &StoredTensor| {
        graph.outside(&tensor.name, (tensor.kind, &tensor.shape), (location, tensor.start, tensor.bytes()))
    };
    let start = |graph: &mut Builder, width: usize| {
        let name = graph.free_name("inputs");
        graph.input(&name, Kind::Float, width, "")
    };
    let mut outputs = 0;
    for step in &network.steps {
        let made = match step {
            Step::Activation(activation) => {
                // No network begins with an activation: `Network::of` refuses that.
                let Some(before) = &rows else { continue };
                let alpha: Vec<Attribute> = activation.alpha.map(|alpha| Attribute::Float("alpha", alpha)).into_iter().collect();
                graph.node(activation.operator, &[before], &alpha)
            }
            Step::Module(module) => match &module.kind {
                ModuleKind::Linear {
                    inputs,
                    outputs: gives,
                    weight,
                    bias,
                } => {
                    outputs = *gives;
                    let before = rows.take().unwrap_or_else(|| start(&mut graph, *inputs));
                    let weight = outside(&mut graph, weight);
                    let bias = bias.as_ref().map(|bias| outside(&mut graph, bias));
                    let names: Vec<&str> = [&before, &weight].into_iter().chain(&bias).map(String::as_str).collect();
                    graph.node("Gemm", &names, &[Attribute::Integer("transB", 1)])
                }
                ModuleKind::Norm {
                    width,
                    mean,
                    variance,
                    scale,
                } => {
                    (outputs, has_norms) = (*width, true);
                    let before = rows.take().unwrap_or_else(|| start(&mut graph, *width));
                    let (scale, shift) = match scale {
                        Some((scale, shift)) => (outside(&mut graph, scale), outside(&mut graph, shift)),
                        None => (
                            graph.floats(&vec![1.0; *width], &[*width]),
                            graph.floats(&vec![0.0; *width], &[*width]),
                        ),
                    };
                    let (mean, variance) = (outside(&mut graph, mean), outside(&mut graph, variance));
                    graph.node(
                        "BatchNormalization",
                        &[&before, &scale, &shift, &mean, &variance],
                        &[Attribute::Float("epsilon", EPSILON)],
                    )
                }
            },
        };
        rows = Some(made);
    }
    graph.output(&rows.unwrap_or_default(), Kind::Float, Some(outputs), "");
    (graph.finish("", &[]), has_norms)
}

#[cfg(test)]
mod tests;
