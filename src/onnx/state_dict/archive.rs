//! `.pt` files as `torch.save` writes them since PyTorch 1.6: a zip archive of uncompressed parts, a pickle that describes tensors and
//! one part for the values of each storage.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::ops::Range;

use zip::{CompressionMethod, ZipArchive};

use super::StoredTensor;
use super::pickle::{self, PickledTensor};
use crate::onnx::file::kind;
use crate::onnx::wire::Read;

/// Bytes of the largest pickle that is read: that of an MLP has a few thousand.
const LARGEST_PICKLE: usize = 16 << 20;

/// Parts of an archive.
const MOST_PARTS: usize = 50_000;

/// Values of a storage in the file, and the places of their checksum.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::onnx) struct Part {
    data: Range<usize>,
    sums: Vec<usize>,
}

/// What an archive holds.
pub(super) struct Archive {
    /// In the order of the pickle.
    pub tensors: Vec<StoredTensor>,
    /// The parts that hold their values.
    pub parts: Vec<Part>,
    /// The entry of a checkpoint that they are.
    pub entry: Option<String>,
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

/// Writes the checksums of values that were changed.
pub(in crate::onnx) fn seal(bytes: &mut [u8], parts: &[Part]) {
    for part in parts {
        let sum = checksum(&bytes[part.data.clone()]).to_le_bytes();
        part.sums.iter().for_each(|place| bytes[*place..*place + 4].copy_from_slice(&sum));
    }
}

/// Reads an archive; every place that comes out lies in `bytes`.
pub(super) fn read(bytes: &[u8]) -> Read<Archive> {
    if !bytes.starts_with(b"PK") {
        return Err(match bytes.first() {
            Some(0x80) => {
                "it is in PyTorch's format before version 1.6 or a bare pickle, and only archives of `torch.save` are read".to_owned()
            }
            _ => "it is no archive of `torch.save`".to_owned(),
        });
    }
    let parts = parts(bytes)?;
    let mut pickles = parts.keys().filter_map(|name| name.strip_suffix("data.pkl"));
    let folder = match (pickles.next(), pickles.next()) {
        (Some(folder), None) if folder.is_empty() || folder.ends_with('/') => folder.to_owned(),
        _ => return Err("it is no archive of `torch.save`: it has no `data.pkl`, or several".to_owned()),
    };
    if let Some(order) = parts
        .get(&format!("{folder}byteorder"))
        .filter(|part| bytes[part.data.clone()] != *b"little")
    {
        return Err(format!(
            "its values are in another order of bytes ({})",
            String::from_utf8_lossy(&bytes[order.data.clone()])
        ));
    }
    let text = parts.get(&format!("{folder}data.pkl")).map(|part| &bytes[part.data.clone()]);
    let text = text
        .filter(|text| text.len() <= LARGEST_PICKLE)
        .ok_or_else(|| "its pickle is too large for a state_dict".to_owned())?;
    let (described, entry) = pickle::tensors(text)?;
    let (mut tensors, mut used) = (Vec::with_capacity(described.len()), BTreeMap::new());
    for (name, tensor) in described {
        let place = format!("{folder}data/{}", tensor.key);
        let part = parts
            .get(&place)
            .ok_or_else(|| format!("the values of `{name}` are said to be `{place}`, which the archive does not have"))?;
        tensors.push(stored(name, &tensor, &part.data)?);
        used.insert(place, part.clone());
    }
    Ok(Archive {
        tensors,
        parts: used.into_values().collect(),
        entry,
    })
}

/// All parts by their names, with checksums that fit.
fn parts(bytes: &[u8]) -> Read<BTreeMap<String, Part>> {
    let damaged = |error: zip::result::ZipError| format!("its archive is damaged: {error}");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    if archive.len() > MOST_PARTS {
        return Err(format!("its archive has more than {MOST_PARTS} parts"));
    }
    let (mut found, mut all) = (BTreeMap::new(), 0_usize);
    for number in 0..archive.len() {
        let part = archive.by_index_raw(number).map_err(damaged)?;
        let name = part.name().map_err(damaged)?.into_owned();
        if name.starts_with("code/") || name.contains("/code/") {
            return Err("it is a TorchScript program, and not a state_dict".to_owned());
        }
        if part.compression() != CompressionMethod::Stored || part.encrypted() {
            return Err(format!("`{name}` in it is compressed, which `torch.save` does not do"));
        }
        let outside = || format!("`{name}` in it is said to lie outside of the file");
        let start = part
            .data_start()
            .and_then(|start| usize::try_from(start).ok())
            .ok_or_else(outside)?;
        let size = usize::try_from(part.size()).map_err(|_| outside())?;
        let end = start
            .checked_add(size)
            .filter(|end| *end <= bytes.len() && part.compressed_size() == part.size());
        let data = start..end.ok_or_else(outside)?;
        all = all.saturating_add(size);
        if all > bytes.len() {
            return Err("the parts of its archive lie over each other".to_owned());
        }
        let sum = part.crc32();
        if checksum(&bytes[data.clone()]) != sum {
            return Err(format!(
                "the checksum of `{name}` in it does not fit: it is damaged, or was saved with `set_crc32_options(False)`"
            ));
        }
        let sums = sums(bytes, (part.header_start(), part.central_header_start()), &data, sum);
        if found.insert(name.clone(), Part { data, sums }).is_some() {
            return Err(format!("its archive has two parts `{name}`"));
        }
    }
    Ok(found)
}

/// Where the checksum of a part stands: in its header, behind its data, in the directory.
fn sums(bytes: &[u8], (header, directory): (u64, u64), data: &Range<usize>, sum: u32) -> Vec<usize> {
    let place = |start: u64, offset: usize| usize::try_from(start).ok()?.checked_add(offset);
    let behind = bytes.get(data.end..data.end + 4) == Some(b"PK\x07\x08");
    let places = [place(header, 14), behind.then_some(data.end + 4), place(directory, 16)];
    let holds = |place: &usize| bytes.get(*place..*place + 4) == Some(&sum.to_le_bytes()[..]);
    places.into_iter().flatten().filter(holds).collect()
}

/// A tensor's place in the file.
fn stored(name: String, tensor: &PickledTensor, data: &Range<usize>) -> Read<StoredTensor> {
    let wrong = |what: &str| format!("tensor `{name}` {what}");
    let size = kind::size(tensor.kind).ok_or_else(|| wrong("is of a kind without a fixed size"))?;
    let count = tensor.shape.iter().try_fold(1_i64, |count, length| count.checked_mul(*length));
    let count = count.ok_or_else(|| wrong("has dimensions that are too large"))?;
    let mut step = 1_i64;
    let mut in_order = tensor.shape.len() == tensor.strides.len();
    for (length, stride) in tensor.shape.iter().zip(&tensor.strides).rev() {
        in_order = in_order && (*length == 1 || *stride == step);
        step = step.saturating_mul(*length);
    }
    if !in_order && count > 0 {
        return Err(wrong("is a view whose values do not lie in order: save it with `.contiguous()`"));
    }
    let end = tensor.offset.checked_add(count);
    let bytes = |values: i64| usize::try_from(values).ok()?.checked_mul(size);
    if end.is_none_or(|end| end > tensor.stored) || bytes(tensor.stored) != Some(data.len()) {
        return Err(wrong(&format!(
            "is said to be values {} to {} of a storage of {}, which has {} bytes",
            tensor.offset,
            tensor.offset.saturating_add(count),
            tensor.stored,
            data.len()
        )));
    }
    let start = bytes(tensor.offset).ok_or_else(|| wrong("has dimensions that are too large"))?;
    Ok(StoredTensor {
        start: data.start + start,
        kind: tensor.kind,
        shape: tensor.shape.iter().map(|length| *length as usize).collect(),
        name,
    })
}
