//! Weights of a vision transformer from a file of the Hugging Face library `transformers`.

use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::layer::{ImageSpec, Layer};
use super::network::ImageNetwork;
use crate::error::{Error, Result};
use crate::nn::network::fill;
use crate::nn::{NamedTensor, Real, TensorSpec};
use crate::notes::Notes;
use crate::seed::Seed;

/// Where the published weights are.
pub const PRETRAINED_ADDRESS: &str = "https://huggingface.co/google/vit-base-patch16-224";
/// The file that holds them.
const FILE: &str = "model.safetensors";
/// What the names of a whole classifier's tensors begin with, and those of a bare transformer's do not.
const PREFIX: &str = "vit.";

impl<T: Real> ImageNetwork<T> {
    /// A network with the weights of a safetensors file, or of `model.safetensors` in a folder. Tensors are found by their names, with
    /// or without `vit.` in front; half precision is widened; tensors that the network does not have are left alone. Where the last
    /// layer (the head) is missing or for another number of classes, it is drawn anew from `seed`, with a note.
    ///
    /// # Errors
    /// Where there is no such file, it is damaged or of another network, or holds NaN or infinity.
    pub fn from_safetensors(spec: &ImageSpec, path: &Path, seed: Seed, notes: &mut Notes) -> Result<Self> {
        let path = find(path)?;
        let bytes = std::fs::read(&path).map_err(|error| Error::io("read", &path, &error))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|error| {
            Error::input(format!("the file cannot be read as safetensors: {error}"))
                .in_file(&path)
                .hint(format!(
                    "it may have been cut short on the way: get `{FILE}` again from {PRETRAINED_ADDRESS}"
                ))
        })?;
        // The seed gives the head, should it be needed, and nothing else remains of it.
        let mut network = Self::initial(spec, seed)?;
        let head = head(spec);
        let mut fresh = false;
        for tensor in network.tensors().to_vec() {
            let of_head = head.is_some_and(|head| tensor.name.rsplit_once('.').is_some_and(|(layer, _)| layer == head));
            let found = file.tensor(&tensor.name);
            let found = found.or_else(|error| match tensor.name.strip_prefix(PREFIX) {
                Some(bare) => file.tensor(bare),
                None => Err(error),
            });
            if of_head && found.as_ref().map_or(true, |found| other_classes(found.shape(), &tensor.shape)) {
                fresh = true;
                continue;
            }
            let place = |error: Error| error.in_file(&path);
            let found = found.map_err(|_| place(missing(&tensor, &file)))?;
            let values = widened(&found, &tensor.name).map_err(place)?;
            let named = NamedTensor {
                name: tensor.name.clone(),
                shape: found.shape().to_vec(),
                values,
            };
            fill(&mut network.parameters_mut()[tensor.range()], &tensor, &[named]).map_err(|error| {
                let hint = match tensor.name.ends_with("position_embeddings") && found.shape() != tensor.shape {
                    true => format!(
                        "the weights are for images of another size than {}: resize the images, most likely to 224",
                        spec.input
                    ),
                    false => format!(
                        "the file is damaged or not one of `{}`, whose weights are at {PRETRAINED_ADDRESS}",
                        spec.name
                    ),
                };
                place(error).hint(hint)
            })?;
        }
        if fresh {
            notes.add(
                "fresh-head",
                format!("{} has no last layer for {} classes", path.display(), spec.classes),
                "a new one was drawn from the seed; the network needs training before its answers mean anything",
            );
        }
        Ok(network)
    }
}

fn find(path: &Path) -> Result<PathBuf> {
    let hint = format!("get `{FILE}` from {PRETRAINED_ADDRESS} and give its path; nothing is downloaded by itself");
    if path.is_dir() {
        let file = path.join(FILE);
        return match file.is_file() {
            true => Ok(file),
            false => Err(Error::input(format!("there is no `{FILE}` here")).in_file(path).hint(hint)),
        };
    }
    match path.is_file() {
        true => Ok(path.to_path_buf()),
        false => Err(Error::input(format!("there is no file `{}`", path.display())).hint(hint)),
    }
}

/// Name of the last layer, where it is a linear one.
fn head(spec: &ImageSpec) -> Option<&str> {
    match spec.layers.last() {
        Some(Layer::Linear { name, .. }) => Some(name),
        _ => None,
    }
}

/// Whether two shapes differ in the first size, and in no other.
fn other_classes(found: &[usize], wanted: &[usize]) -> bool {
    found.len() == wanted.len() && found[0] != wanted[0] && found[1..] == wanted[1..]
}

fn missing(tensor: &TensorSpec, file: &SafeTensors) -> Error {
    let mut names: Vec<&str> = file.names().into_iter().collect();
    names.sort_unstable();
    let some = names.iter().take(3).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    Error::input(format!("tensor `{}` is missing", tensor.name)).hint(format!(
        "the file has {} tensors, among them {some}: is it that of {PRETRAINED_ADDRESS}?",
        names.len()
    ))
}

/// A tensor's values in single precision.
fn widened(tensor: &TensorView, name: &str) -> Result<Vec<f32>> {
    let data = tensor.data();
    match tensor.dtype() {
        Dtype::F32 => Ok(data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()),
        Dtype::F16 => Ok(data.as_chunks().0.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect()),
        Dtype::BF16 => Ok(data
            .as_chunks()
            .0
            .iter()
            .map(|bytes| bf16::from_le_bytes(*bytes).to_f32())
            .collect()),
        other => Err(Error::input(format!("tensor `{name}` is of type {other:?}")).hint("save the weights in single or half precision")),
    }
}
