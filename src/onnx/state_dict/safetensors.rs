//! `.safetensors` files: a table of names, kinds, shapes and places in JSON, then the values.

use safetensors::{Dtype, SafeTensors};

use super::StoredTensor;
use crate::onnx::file::kind;
use crate::onnx::wire::Read;

/// Bytes of the number that says how long the table is.
const LENGTH: usize = 8;

/// The tensors of a file; every place lies in `bytes`. They stand in the order of their names, whatever the order of the layers is.
pub(super) fn read(bytes: &[u8]) -> Read<Vec<StoredTensor>> {
    let (table, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| format!("it is no safetensors file: {error}"))?;
    let mut tensors = Vec::new();
    for (name, info) in metadata.tensors() {
        let (start, end) = info.data_offsets;
        let inside = [start, end].map(|place| place.checked_add(LENGTH + table).filter(|place| *place <= bytes.len()));
        let [Some(start), Some(_)] = inside else {
            return Err(format!("tensor `{name}` is said to lie outside of the file"));
        };
        tensors.push(StoredTensor {
            kind: of(info.dtype),
            shape: info.shape.clone(),
            start,
            name,
        });
    }
    tensors.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(tensors)
}

/// The kind as ONNX numbers it; 0 where it has none that is read.
fn of(dtype: Dtype) -> i64 {
    match dtype {
        Dtype::F64 => kind::DOUBLE,
        Dtype::F32 => kind::FLOAT,
        Dtype::F16 => kind::FLOAT16,
        Dtype::BF16 => kind::BFLOAT16,
        Dtype::I64 => kind::INT64,
        Dtype::I32 => kind::INT32,
        Dtype::I16 => kind::INT16,
        Dtype::I8 => kind::INT8,
        Dtype::U8 => kind::UINT8,
        Dtype::BOOL => kind::BOOL,
        _ => 0,
    }
}
