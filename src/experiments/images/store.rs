//! Networks, velocities and importances as files: safetensors, whole or not at all, with a checksum, so that a damaged one is computed
//! again.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::files::{self, hex, write_bytes};
use crate::nn::images::{Checkpoint, Checkpoints, ImageNetwork, ImageSpec};
use crate::nn::{EpochLog, NamedTensor};

/// What a file says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::experiments) struct About {
    /// Which run and which model it belongs to.
    pub of: String,
    /// What training saw so far.
    pub epochs: Vec<EpochLog>,
    /// Seconds of training so far; not part of the checksum's claim on what was computed.
    pub seconds: f64,
    /// SHA-256 over the values, in the order of the file.
    pub sha256: String,
}

/// A tensor of a file.
pub(in crate::experiments) struct Stored {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl Stored {
    /// Single precision, which networks have.
    pub fn single(name: &str, shape: Vec<usize>, values: &[f32]) -> Self {
        Self {
            name: name.to_owned(),
            dtype: Dtype::F32,
            shape,
            bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }

    /// Double precision, which importances have.
    pub fn double(name: &str, values: &[f64]) -> Self {
        Self {
            name: name.to_owned(),
            dtype: Dtype::F64,
            shape: vec![values.len()],
            bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }

    /// Values in single precision, where they are.
    pub fn singles(&self) -> Option<Vec<f32>> {
        let values = self.bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        (self.dtype == Dtype::F32).then(|| values.collect())
    }

    /// Values in double precision, where they are.
    pub fn doubles(&self) -> Option<Vec<f64>> {
        let values = self.bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes));
        (self.dtype == Dtype::F64).then(|| values.collect())
    }
}

fn fault(error: &dyn std::fmt::Display) -> Error {
    Error::internal(format!("safetensors: {error}"))
}

fn checksum<'a>(tensors: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut sorted: Vec<(&str, &[u8])> = tensors.into_iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let mut hash = Sha256::new();
    for (name, bytes) in sorted {
        hash.update(name.as_bytes());
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hex(&hash.finalize())
}

/// Writes tensors with what they are about.
pub(in crate::experiments) fn write(path: &Path, mut about: About, tensors: &[Stored]) -> Result<()> {
    about.sha256 = checksum(tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.bytes.as_slice())));
    let text = serde_json::to_string(&about).map_err(|error| fault(&error))?;
    let views = tensors
        .iter()
        .map(|tensor| {
            let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes).map_err(|error| fault(&error))?;
            Ok((tensor.name.as_str(), view))
        })
        .collect::<Result<Vec<_>>>()?;
    // A single key, so that a map without order has but one.
    let metadata = HashMap::from([("recant".to_owned(), text)]);
    write_bytes(path, &safetensors::serialize(views, Some(metadata)).map_err(|error| fault(&error))?)
}

/// What a file that [`write`] wrote says it is of; `None` where it is none.
///
/// # Errors
/// Where there is no such file, or it cannot be read.
pub(in crate::experiments) fn subject(path: &Path) -> Result<Option<String>> {
    let bytes = files::read("read", path, files::WEIGHTS)?;
    let metadata = SafeTensors::read_metadata(&bytes).ok();
    let about = metadata.and_then(|(_, metadata)| metadata.metadata().as_ref()?.get("recant").cloned());
    Ok(about
        .and_then(|text| serde_json::from_str::<About>(&text).ok())
        .map(|about| about.of))
}

/// Reads what [`write`] wrote; `None` where it is not there, damaged, or about something else.
pub(in crate::experiments) fn read(path: &Path, of: &str) -> Result<Option<(About, Vec<Stored>)>> {
    let Some(bytes) = files::read_if_there("read", path, files::WEIGHTS)? else {
        return Ok(None);
    };
    let Some(about) = SafeTensors::read_metadata(&bytes)
        .ok()
        .and_then(|(_, metadata)| metadata.metadata().as_ref()?.get("recant").cloned())
        .and_then(|text| serde_json::from_str::<About>(&text).ok())
    else {
        return Ok(None);
    };
    let Ok(file) = SafeTensors::deserialize(&bytes) else {
        return Ok(None);
    };
    let tensors: Vec<Stored> = file
        .iter()
        .map(|(name, view)| Stored {
            name: name.to_owned(),
            dtype: view.dtype(),
            shape: view.shape().to_vec(),
            bytes: view.data().to_vec(),
        })
        .collect();
    let whole = about.of == of && about.sha256 == checksum(tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.bytes.as_slice())));
    Ok(whole.then_some((about, tensors)))
}

/// Name of the velocities among a checkpoint's tensors; no layer is called like that.
const VELOCITIES: &str = "/velocities";

fn tensors_of(network: &ImageNetwork<f32>) -> Vec<Stored> {
    let tensors = network.to_tensors().into_iter();
    tensors
        .map(|tensor| Stored::single(&tensor.name, tensor.shape, &tensor.values))
        .collect()
}

fn network_of(spec: &ImageSpec, tensors: &[Stored]) -> Option<ImageNetwork<f32>> {
    let named: Option<Vec<NamedTensor>> = tensors
        .iter()
        .map(|tensor| {
            Some(NamedTensor {
                name: tensor.name.clone(),
                shape: tensor.shape.clone(),
                values: tensor.singles()?,
            })
        })
        .collect();
    ImageNetwork::from_tensors(spec, &named?).ok()
}

/// Writes a trained network.
pub(in crate::experiments) fn write_network(
    path: &Path,
    of: &str,
    network: &ImageNetwork<f32>,
    epochs: Vec<EpochLog>,
    seconds: f64,
) -> Result<()> {
    let about = About {
        of: of.to_owned(),
        epochs,
        seconds,
        sha256: String::new(),
    };
    write(path, about, &tensors_of(network))
}

/// Reads a trained network.
pub(in crate::experiments) fn read_network(path: &Path, of: &str, spec: &ImageSpec) -> Result<Option<(ImageNetwork<f32>, About)>> {
    let Some((about, tensors)) = read(path, of)? else { return Ok(None) };
    Ok(network_of(spec, &tensors).map(|network| (network, about)))
}

/// Checkpoints of one training in one file. Seconds add up over interruptions.
pub(in crate::experiments) struct FileCheckpoints<'a> {
    path: PathBuf,
    of: String,
    spec: &'a ImageSpec,
    begun: Instant,
    before: Cell<f64>,
}

impl<'a> FileCheckpoints<'a> {
    pub fn new(path: PathBuf, of: String, spec: &'a ImageSpec) -> Self {
        Self {
            path,
            of,
            spec,
            begun: Instant::now(),
            before: Cell::new(0.0),
        }
    }

    /// Seconds of training, those before an interruption included.
    pub fn seconds(&self) -> f64 {
        self.before.get() + self.begun.elapsed().as_secs_f64()
    }

    /// Takes the file away, once it is needed no more.
    pub fn remove(&self) {
        // One that stays does no harm.
        let _ = fs::remove_file(&self.path);
    }
}

impl Checkpoints<f32> for FileCheckpoints<'_> {
    fn last(&self) -> Result<Option<Checkpoint<f32>>> {
        let Some((about, mut tensors)) = read(&self.path, &self.of)? else {
            return Ok(None);
        };
        let Some(place) = tensors.iter().position(|tensor| tensor.name == VELOCITIES) else {
            return Ok(None);
        };
        let velocities = tensors.swap_remove(place).singles();
        let Some((network, velocities)) = network_of(self.spec, &tensors).zip(velocities) else {
            return Ok(None);
        };
        if velocities.len() != network.parameters().len() {
            return Ok(None);
        }
        self.before.set(about.seconds);
        Ok(Some(Checkpoint {
            network,
            velocities,
            epochs: about.epochs,
        }))
    }

    fn keep(&self, checkpoint: &Checkpoint<f32>) -> Result<()> {
        let mut tensors = tensors_of(&checkpoint.network);
        tensors.push(Stored::single(
            VELOCITIES,
            vec![checkpoint.velocities.len()],
            &checkpoint.velocities,
        ));
        let about = About {
            of: self.of.clone(),
            epochs: checkpoint.epochs.clone(),
            seconds: self.seconds(),
            sha256: String::new(),
        };
        write(&self.path, about, &tensors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::images::ImageShape;
    use crate::seed::Seed;

    #[test]
    fn checkpoints_come_back_and_damaged_or_foreign_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let spec = ImageSpec::named("resnet-tiny", ImageShape::new(3, 8, 8), 4).unwrap();
        let network = ImageNetwork::<f32>::initial(&spec, Seed(1)).unwrap();
        let checkpoint = Checkpoint {
            velocities: network.parameters().iter().map(|value| value * 2.0).collect(),
            network,
            epochs: vec![EpochLog {
                epoch: 0,
                learning_rate: 0.1,
                loss: 1.25,
            }],
        };
        let path = folder.path().join("a/one.safetensors");
        let place = |of: &str| FileCheckpoints::new(path.clone(), of.to_owned(), &spec);
        assert!(place("x").last().unwrap().is_none());
        place("x").keep(&checkpoint).unwrap();
        assert!(place("x").last().unwrap() == Some(checkpoint));
        assert!(place("y").last().unwrap().is_none());
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        let last = flipped.len() - 1;
        flipped[last] ^= 1;
        for bytes in [&whole[..whole.len() - 9], &flipped[..], b"", b"nonsense"] {
            fs::write(&path, bytes).unwrap();
            assert!(place("x").last().unwrap().is_none());
        }
        place("x").remove();
        place("x").remove();
        assert!(!path.exists());
    }
}
