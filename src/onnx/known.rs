//! What is known of a model beside its network: the format of its file, and the texts that its preprocessing tells apart.

use std::collections::BTreeSet;
use std::path::Path;

use super::file::{TensorMessage, Values, kind};
use super::{Model, is_model_file};
use crate::error::{Error, Result};

/// Lists of categories among the attributes of classical operators.
const LISTS: &[&str] = &["cats_strings", "keys_strings"];

/// What to do about a file of another program, by its ending.
fn way_to_onnx(ending: &str) -> &'static str {
    match ending {
        "pkl" | "pickle" | "joblib" | "skops" => {
            "export it as ONNX: `skl2onnx.to_onnx(model, X[:1])`, and write its `SerializeToString()` into `model.onnx`"
        }
        "keras" | "h5" | "hdf5" | "tflite" | "pb" => "export it as ONNX: `model.export(\"model.onnx\", format=\"onnx\")`",
        _ => "export it as ONNX (docs/onnx.md); a model of Recant's own is the folder that `recant train --out` wrote",
    }
}

/// That a file is one of the formats that are read.
///
/// # Errors
/// Where it is another one: what to do depends on the program that wrote it.
pub(super) fn check_format(path: &Path) -> Result<()> {
    if is_model_file(path) {
        return Ok(());
    }
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    Err(Error::input(format!(
        "`{}` is neither a model folder nor a file of a model that can be read: .onnx, .safetensors, .pt, .pth, .ckpt",
        path.display()
    ))
    .hint(way_to_onnx(&ending.to_string_lossy())))
}

impl Model {
    /// The texts that the graph compares its inputs with, as far as lists, initialisers and constants hold them.
    pub fn categories(&self) -> BTreeSet<String> {
        let graph = &self.message.graph;
        let attributes = || graph.nodes.iter().flat_map(|node| &node.attributes);
        let listed = attributes().filter(|attribute| LISTS.contains(&attribute.name.as_str()));
        let tensors = attributes()
            .filter_map(|attribute| attribute.tensor.as_ref())
            .chain(&graph.initializers);
        let texts = |tensor: &TensorMessage| match self.stored.values(tensor) {
            Ok(Values::Texts(texts)) => texts,
            _ => Vec::new(),
        };
        listed
            .flat_map(|attribute| attribute.texts.iter().cloned())
            .chain(tensors.filter(|tensor| tensor.kind == kind::STRING).flat_map(texts))
            .collect()
    }
}
