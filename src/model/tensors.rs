//! Named tensors to and from safetensors files.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::error::{Error, Result};
use crate::nn::NamedTensor;

/// A tensor as bytes, little-endian.
pub(super) struct Raw {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

/// Tensors as a safetensors file. Tensors are ordered by type and name there, so equal tensors give equal bytes.
pub(super) fn write(tensors: &[NamedTensor]) -> Result<Vec<u8>> {
    let raw = tensors.iter().map(|tensor| Raw {
        name: tensor.name.clone(),
        dtype: Dtype::F32,
        shape: tensor.shape.clone(),
        bytes: tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    });
    write_raw(&raw.collect::<Vec<_>>())
}

/// As [`write`], of any type.
pub(super) fn write_raw(tensors: &[Raw]) -> Result<Vec<u8>> {
    let fault = |error: safetensors::SafeTensorError| Error::internal(format!("safetensors: {error}"));
    let views = tensors
        .iter()
        .map(|tensor| {
            Ok((
                tensor.name.as_str(),
                TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes).map_err(fault)?,
            ))
        })
        .collect::<Result<Vec<_>>>()?;
    safetensors::serialize(views, None).map_err(fault)
}

/// All tensors of a file, in single precision.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<NamedTensor>> {
    let file = open(bytes)?;
    let mut tensors = Vec::new();
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(Error::input(format!(
                "tensor `{name}` has type {:?} where F32 is needed",
                view.dtype()
            )));
        }
        tensors.push(NamedTensor {
            name: name.to_owned(),
            shape: view.shape().to_vec(),
            values: view
                .data()
                .chunks_exact(4)
                .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
                .collect(),
        });
    }
    Ok(tensors)
}

pub(super) fn open(bytes: &[u8]) -> Result<SafeTensors<'_>> {
    SafeTensors::deserialize(bytes).map_err(|error| Error::input(format!("not a safetensors file ({error})")))
}
