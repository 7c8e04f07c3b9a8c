//! Weights of a vision transformer from a file of the Hugging Face library `transformers`.

use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};

use super::layer::{ImageSpec, Layer};
use super::network::ImageNetwork;
use super::shape::ImageShape;
use crate::error::{Error, Result};
use crate::files::{self, hex};
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
/// How the name of the tensor of positions ends, whose size says which images the weights are for.
const POSITIONS: &str = "position_embeddings";

/// Longest side of the images that weights may be for.
const MOST_PIXELS: usize = 1_024;

impl<T: Real> ImageNetwork<T> {
    /// A network with the weights of a safetensors file, or of `model.safetensors` in a folder. Tensors are found by their names, with
    /// or without `vit.` in front; half precision is widened; tensors that the network does not have are left alone. Where the last
    /// layer (the head) is missing or for another number of classes, it is drawn at random from `seed`, with a note.
    ///
    /// # Errors
    /// Where there is no such file, it is damaged or of another network, or holds NaN or infinity.
    pub fn from_safetensors(spec: &ImageSpec, path: &Path, seed: Seed, notes: &mut Notes) -> Result<Self> {
        let path = find(path)?;
        let bytes = files::read("read", &path, files::WEIGHTS)?;
        let file = opened(&bytes, &path)?;
        check_shapes(spec, &file, true).map_err(|error| error.in_file(&path))?;
        // The seed gives the head, should it be needed, and nothing else remains of it.
        let mut network = Self::initial(spec, seed)?;
        if network.fill_from(&file, true).map_err(|error| error.in_file(&path))? {
            notes.add(
                "fresh-head",
                format!("{} has no last layer for {} classes", path.display(), spec.classes),
                "a new one was drawn from the seed; the network needs training before its answers mean anything",
            );
        }
        Ok(network)
    }

    /// Takes over a file's tensors, those of the head where `with_head` is set and they fit. Returns whether the head stayed as it was.
    fn fill_from(&mut self, file: &SafeTensors, with_head: bool) -> Result<bool> {
        let spec = self.spec().clone();
        let mut fresh = false;
        for tensor in self.tensors().to_vec() {
            let Some(found) = wanted(&spec, &tensor, file, with_head)? else {
                fresh = true;
                continue;
            };
            let named = NamedTensor {
                name: tensor.name.clone(),
                shape: found.shape().to_vec(),
                values: widened(&found, &tensor.name)?,
            };
            fill(&mut self.parameters_mut()[tensor.range()], &tensor, &[named]).map_err(|error| error.hint(another(&spec)))?;
        }
        Ok(fresh)
    }
}

/// The file's tensor for one of the network's; `None` where the head is to be drawn.
fn wanted<'b>(spec: &ImageSpec, tensor: &TensorSpec, file: &SafeTensors<'b>, with_head: bool) -> Result<Option<TensorView<'b>>> {
    let of_head = head(spec).is_some_and(|head| tensor.name.rsplit_once('.').is_some_and(|(layer, _)| layer == head));
    let found = named(file, &tensor.name);
    if of_head && (!with_head || found.as_ref().is_none_or(|found| other_classes(found.shape(), &tensor.shape))) {
        return Ok(None);
    }
    found.map(Some).ok_or_else(|| missing(&tensor.name, file))
}

/// That every tensor is there in the right shape, before anything large is made of them.
fn check_shapes(spec: &ImageSpec, file: &SafeTensors, with_head: bool) -> Result<()> {
    for tensor in spec.tensors()? {
        let Some(found) = wanted(spec, &tensor, file, with_head)? else {
            continue;
        };
        if found.shape() != tensor.shape {
            let hint = match tensor.name.ends_with(POSITIONS) {
                true => format!(
                    "the weights are for images of another size than {}: resize the images, most likely to 224",
                    spec.input
                ),
                false => another(spec),
            };
            let error = Error::input(format!(
                "tensor `{}` has shape {:?} where {:?} is needed",
                tensor.name,
                found.shape(),
                tensor.shape
            ));
            return Err(error.hint(hint));
        }
    }
    Ok(())
}

/// What to do where a file is of no use.
fn another(spec: &ImageSpec) -> String {
    format!(
        "the file is damaged or not one of `{}`; the weights of `vit-b-16` are at {PRETRAINED_ADDRESS}",
        spec.name
    )
}

/// Weights in a file that vision transformers start from: everything but the head, which is drawn again for every network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartWeights {
    path: PathBuf,
    sha256: String,
    network: String,
    pixels: usize,
}

impl StartWeights {
    /// Looks at a safetensors file, or at `model.safetensors` in a folder. The file is read again for every network that starts from it.
    ///
    /// # Errors
    /// Where the network is no vision transformer, or the file is not there, damaged, or does not say which images it is for.
    pub fn open(network: &str, path: &Path) -> Result<Self> {
        let patch = ImageSpec::patch(network)?.ok_or_else(|| {
            Error::input(format!("`{network}` starts from random weights and takes none from a file"))
                .hint("leave the weights out, or name a vision transformer such as `vit-b-16`")
        })?;
        let path = find(path)?;
        let bytes = files::read("read", &path, files::WEIGHTS)?;
        let file = opened(&bytes, &path)?;
        let positions = named(&file, &format!("{PREFIX}embeddings.{POSITIONS}"));
        let positions = positions.ok_or_else(|| missing(POSITIONS, &file).in_file(&path))?;
        // A class token, then as many tokens as a square of patches has.
        let side = match positions.shape() {
            [1, tokens, _] => tokens.saturating_sub(1).isqrt(),
            _ => 0,
        };
        let pixels = side.saturating_mul(patch);
        if side == 0 || positions.shape()[1] != side * side + 1 || pixels > MOST_PIXELS {
            return Err(Error::input(format!(
                "tensor `{POSITIONS}` has the shape {:?}, which is that of no square image of up to {MOST_PIXELS} pixels",
                positions.shape()
            ))
            .in_file(&path)
            .hint(format!("is it the file of {PRETRAINED_ADDRESS}?")));
        }
        Ok(Self {
            sha256: hex(&Sha256::digest(&bytes)),
            network: network.to_owned(),
            path,
            pixels,
        })
    }

    /// SHA-256 of the file.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Size of the images that the weights are for.
    pub fn input(&self) -> ImageShape {
        ImageShape::new(3, self.pixels, self.pixels)
    }

    /// The network for these images and a number of classes.
    ///
    /// # Errors
    /// As [`ImageSpec::named`].
    pub fn spec(&self, classes: usize) -> Result<ImageSpec> {
        ImageSpec::named(&self.network, self.input(), classes)
    }

    /// A network with the weights of the file and a head drawn from `seed`.
    ///
    /// # Errors
    /// Where the file has changed since it was opened, is of another network, or holds NaN or infinity.
    pub fn start<T: Real>(&self, spec: &ImageSpec, seed: Seed) -> Result<ImageNetwork<T>> {
        let bytes = files::read("read", &self.path, files::WEIGHTS)?;
        if hex(&Sha256::digest(&bytes)) != self.sha256 {
            return Err(Error::input("the weights were changed while they were in use")
                .in_file(&self.path)
                .hint("start again, with the weights that the run began with"));
        }
        let file = opened(&bytes, &self.path)?;
        check_shapes(spec, &file, false).map_err(|error| error.in_file(&self.path))?;
        let mut network = ImageNetwork::initial(spec, seed)?;
        network.fill_from(&file, false).map_err(|error| error.in_file(&self.path))?;
        Ok(network)
    }
}

fn opened<'b>(bytes: &'b [u8], path: &Path) -> Result<SafeTensors<'b>> {
    SafeTensors::deserialize(bytes).map_err(|error| {
        Error::input(format!("the file cannot be read as safetensors: {error}"))
            .in_file(path)
            .hint(format!(
                "it may have been cut short on the way: get `{FILE}` again from {PRETRAINED_ADDRESS}"
            ))
    })
}

/// A file's tensor of this name, with or without `vit.` in front.
fn named<'b>(file: &SafeTensors<'b>, name: &str) -> Option<TensorView<'b>> {
    let bare = || name.strip_prefix(PREFIX).and_then(|bare| file.tensor(bare).ok());
    file.tensor(name).ok().or_else(bare)
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

fn missing(tensor: &str, file: &SafeTensors) -> Error {
    let mut names: Vec<&str> = file.names().into_iter().collect();
    names.sort_unstable();
    let some = names.iter().take(3).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    Error::input(format!("tensor `{tensor}` is missing")).hint(format!(
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
