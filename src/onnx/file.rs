//! An ONNX file as it lies on the disk: messages with the places of their numbers, so that numbers can be replaced and all else stays.
//!
//! Field numbers are those of `onnx.proto` (ONNX 1.23) and of nothing else.

use std::fs;
use std::ops::Range;
use std::path::{Component, Path};

pub(super) use super::kind;
use super::parts::Parts;
use super::wire::{Field, Fields, Read, eight, four};
use crate::error::{Error, Result};
use crate::files;

/// Files above this size are refused: one message of protobuf cannot be larger.
const LARGEST: u64 = 2 << 30;

/// The bytes of a model: its own file, and the files beside it that hold its larger tensors.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    /// The file itself first, then the files of external data, by name.
    pub files: Vec<(String, Vec<u8>)>,
}

/// What is needed of a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ModelMessage {
    /// Version of each operator set, by domain; `""` is ONNX's own.
    pub opsets: Vec<(String, i64)>,
    pub producer: String,
    pub graph: GraphMessage,
    pub metadata: Vec<(String, String)>,
    /// Names of the functions that the file defines for itself.
    pub functions: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct GraphMessage {
    pub nodes: Vec<NodeMessage>,
    pub initializers: Vec<TensorMessage>,
    pub inputs: Vec<ValueMessage>,
    pub outputs: Vec<ValueMessage>,
    pub sparse: bool,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct NodeMessage {
    pub name: String,
    pub operator: String,
    pub domain: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    pub attributes: Vec<AttributeMessage>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct AttributeMessage {
    pub name: String,
    pub float: Option<f32>,
    pub integer: Option<i64>,
    pub text: Option<String>,
    pub tensor: Option<TensorMessage>,
    pub floats: Vec<f32>,
    pub integers: Vec<i64>,
    pub texts: Vec<String>,
    /// A graph of its own, as loops and branches have.
    pub graph: Option<Box<GraphMessage>>,
}

/// Name, kind of value and shape of an input or output; `None` is a size that is not fixed.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ValueMessage {
    pub name: String,
    pub kind: i64,
    pub shape: Option<Vec<Option<i64>>>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct TensorMessage {
    pub name: String,
    pub kind: i64,
    pub dims: Vec<i64>,
    raw: Option<Range<usize>>,
    four: Vec<usize>,
    eight: Vec<usize>,
    integers: Vec<i64>,
    texts: Vec<String>,
    external: Vec<(String, String)>,
    is_external: bool,
}

/// The values of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Values {
    Floats(Vec<f64>),
    Integers(Vec<i64>),
    Texts(Vec<String>),
}

/// Where the values of a tensor lie: in which file, and the place of each.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Places {
    pub file: usize,
    pub kind: i64,
    start: usize,
    scattered: Vec<usize>,
    count: usize,
}

impl Places {
    fn of(&self, index: usize) -> usize {
        match self.scattered.get(index) {
            Some(place) => *place,
            None => self.start + index * kind::size(self.kind).unwrap_or(1),
        }
    }

    /// Writes one value.
    pub fn set(&self, stored: &mut Stored, index: usize, value: f64) {
        let at = self.of(index);
        let Some((_, bytes)) = stored.files.get_mut(self.file) else {
            return;
        };
        let mut put = |new: &[u8]| {
            if let Some(old) = bytes.get_mut(at..at + new.len()) {
                old.copy_from_slice(new);
            }
        };
        match self.kind {
            kind::DOUBLE => put(&value.to_le_bytes()),
            kind::FLOAT16 => put(&half::f16::from_f64(value).to_le_bytes()),
            kind::BFLOAT16 => put(&half::bf16::from_f64(value).to_le_bytes()),
            _ => put(&(value as f32).to_le_bytes()),
        }
    }

    pub fn len(&self) -> usize {
        self.count
    }
}

impl Stored {
    /// Reads a model and the files that its tensors lie in, which must be in the model's own folder.
    ///
    /// # Errors
    /// Where a file cannot be read, or is not an ONNX model.
    pub fn read(path: &Path) -> Result<(Self, ModelMessage)> {
        let bytes = files::read("read the model", path, LARGEST)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut stored = Self {
            files: vec![(name, bytes)],
        };
        let model = ModelMessage::parse(&stored.files[0].1).map_err(|what| {
            Error::input(format!("this is not an ONNX model that can be read: {what}"))
                .in_file(path)
                .hint("export the model again, and copy the whole file")
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for tensor in model.tensors() {
            if let Some(location) = tensor.location() {
                stored.add(folder, location, &tensor.name).map_err(|error| error.in_file(path))?;
            }
        }
        Ok((stored, model))
    }

    /// A model in memory, whose values all lie in it.
    ///
    /// # Errors
    /// Where it is not an ONNX model.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<(Self, ModelMessage)> {
        let model =
            ModelMessage::parse(&bytes).map_err(|what| Error::input(format!("this is not an ONNX model that can be read: {what}")))?;
        let files = vec![(String::new(), bytes)];
        Ok((Self { files }, model))
    }

    fn add(&mut self, folder: &Path, location: &str, tensor: &str) -> Result<()> {
        if self.files.iter().skip(1).any(|(name, _)| name == location) {
            return Ok(());
        }
        let plain = Path::new(location);
        let inside = !location.is_empty() && plain.components().all(|part| matches!(part, Component::Normal(_)));
        let refused = |what: &str| {
            Error::input(format!("the values of `{tensor}` are said to lie in `{location}`, {what}"))
                .hint("keep the data file beside the model, or export it as one file")
        };
        if !inside {
            return Err(refused("which is not in the model's folder"));
        }
        if self.files.len() > 64 {
            return Err(refused("and that is more than 64 files"));
        }
        let path = folder.join(plain);
        // A link may lead out of the folder.
        let link = plain.components().scan(folder.to_path_buf(), |path, part| {
            path.push(part);
            Some(path.clone())
        });
        for path in link {
            if fs::symlink_metadata(&path).is_ok_and(|found| found.file_type().is_symlink()) {
                return Err(refused("which is a link"));
            }
        }
        self.files
            .push((location.to_owned(), files::read("read the model's data", &path, LARGEST)?));
        Ok(())
    }

    /// Number of the file that a tensor lies in.
    fn file_of(&self, tensor: &TensorMessage) -> Option<usize> {
        match tensor.location() {
            None => Some(0),
            Some(location) => self
                .files
                .iter()
                .skip(1)
                .position(|(name, _)| name == location)
                .map(|place| place + 1),
        }
    }

    /// Where the values of a tensor lie; `None` where they are not whole bytes.
    pub fn places(&self, tensor: &TensorMessage) -> Read<Places> {
        let count = tensor.count()?;
        let size = kind::size(tensor.kind).ok_or_else(|| "it is of a kind without a fixed size".to_owned())?;
        let places = |file, start| Places {
            file,
            kind: tensor.kind,
            start,
            scattered: Vec::new(),
            count,
        };
        let fits = |found: usize| match found == count.saturating_mul(size) {
            true => Ok(()),
            false => Err(format!("it should have {count} values of {size} bytes and has {found} bytes")),
        };
        if tensor.is_external {
            let file = self.file_of(tensor).ok_or_else(|| "its data file is not there".to_owned())?;
            let all = self.files[file].1.len();
            let start = tensor.external_number("offset")?.unwrap_or(0);
            let length = tensor.external_number("length")?.unwrap_or(count.saturating_mul(size));
            if start.checked_add(length).is_none_or(|end| end > all) {
                return Err(format!(
                    "its values are said to be bytes {start} to {} of `{}`, which has {all}",
                    start.saturating_add(length),
                    self.files[file].0
                ));
            }
            fits(length)?;
            return Ok(places(file, start));
        }
        if let Some(raw) = &tensor.raw {
            fits(raw.len())?;
            return Ok(places(0, raw.start));
        }
        let scattered = if size == 8 { &tensor.eight } else { &tensor.four };
        fits(scattered.len().saturating_mul(size))?;
        Ok(Places {
            scattered: scattered.clone(),
            ..places(0, 0)
        })
    }

    /// The values of a tensor.
    pub fn values(&self, tensor: &TensorMessage) -> Read<Values> {
        let count = tensor.count()?;
        if tensor.kind == kind::STRING {
            return match tensor.texts.len() == count {
                true => Ok(Values::Texts(tensor.texts.clone())),
                false => Err(format!("it should have {count} texts and has {}", tensor.texts.len())),
            };
        }
        let listed = tensor.raw.is_none() && !tensor.is_external && !matches!(tensor.kind, kind::FLOAT | kind::DOUBLE);
        if listed {
            if tensor.integers.len() != count {
                return Err(format!("it should have {count} values and has {}", tensor.integers.len()));
            }
            // Numbers of two bytes are listed as the whole numbers of their bits.
            let bits = |value: &i64| *value as u16;
            return Ok(match tensor.kind {
                kind::FLOAT16 => Values::Floats(
                    tensor
                        .integers
                        .iter()
                        .map(|value| half::f16::from_bits(bits(value)).to_f64())
                        .collect(),
                ),
                kind::BFLOAT16 => Values::Floats(
                    tensor
                        .integers
                        .iter()
                        .map(|value| half::bf16::from_bits(bits(value)).to_f64())
                        .collect(),
                ),
                _ => Values::Integers(tensor.integers.clone()),
            });
        }
        let places = self.places(tensor)?;
        let bytes = &self.files[places.file].1;
        let two = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let at = (0..count).map(|index| places.of(index));
        Ok(match tensor.kind {
            kind::FLOAT => Values::Floats(at.map(|at| f64::from(four(bytes, at))).collect()),
            kind::DOUBLE => Values::Floats(at.map(|at| eight(bytes, at)).collect()),
            kind::FLOAT16 => Values::Floats(at.map(|at| half::f16::from_bits(two(at)).to_f64()).collect()),
            kind::BFLOAT16 => Values::Floats(at.map(|at| half::bf16::from_bits(two(at)).to_f64()).collect()),
            kind::INT64 | kind::UINT64 => Values::Integers(at.map(|at| eight(bytes, at).to_bits() as i64).collect()),
            kind::INT32 => Values::Integers(at.map(|at| i64::from(four(bytes, at).to_bits() as i32)).collect()),
            kind::UINT32 => Values::Integers(at.map(|at| i64::from(four(bytes, at).to_bits())).collect()),
            kind::INT16 => Values::Integers(at.map(|at| i64::from(two(at) as i16)).collect()),
            kind::UINT16 => Values::Integers(at.map(|at| i64::from(two(at))).collect()),
            kind::INT8 => Values::Integers(at.map(|at| i64::from(bytes[at] as i8)).collect()),
            kind::UINT8 => Values::Integers(at.map(|at| i64::from(bytes[at])).collect()),
            kind::BOOL => Values::Integers(at.map(|at| i64::from(bytes[at] != 0)).collect()),
            other => return Err(format!("it holds values of kind {other}, which are not supported")),
        })
    }
}

impl ModelMessage {
    /// All tensors of initialisers and constants.
    fn tensors(&self) -> impl Iterator<Item = &TensorMessage> {
        self.graph.tensors().into_iter()
    }

    fn parse(bytes: &[u8]) -> Read<Self> {
        let mut model = Self::default();
        let mut fields = Fields::new(bytes, 0..bytes.len());
        let (mut version, mut has_graph) = (0, false);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => version = field.integer()?,
                2 => model.producer = field.text(bytes)?,
                7 => {
                    has_graph = true;
                    model.graph = GraphMessage::parse(bytes, field.bytes()?, &Parts::default())?;
                }
                8 => {
                    let (mut domain, mut opset) = (String::new(), 0);
                    each(bytes, field.bytes()?, |number, field| {
                        match number {
                            1 => domain = field.text(bytes)?,
                            2 => opset = field.integer()?,
                            _ => {}
                        }
                        Ok(())
                    })?;
                    let domain = if domain == "ai.onnx" { String::new() } else { domain };
                    model.opsets.push((domain, opset));
                }
                14 => model.metadata.push(pair(bytes, field.bytes()?)?),
                25 => each(bytes, field.bytes()?, |number, field| {
                    if number == 1 {
                        model.functions.push(field.text(bytes)?);
                    }
                    Ok(())
                })?,
                _ => {}
            }
        }
        if !has_graph || version <= 0 {
            return Err("it has no graph".to_owned());
        }
        Ok(model)
    }
}

/// Every field of a part.
fn each(bytes: &[u8], range: Range<usize>, mut with: impl FnMut(u32, Field) -> Read<()>) -> Read<()> {
    let mut fields = Fields::new(bytes, range);
    while let Some((number, field)) = fields.next()? {
        with(number, field)?;
    }
    Ok(())
}

/// A key and its value.
fn pair(bytes: &[u8], range: Range<usize>) -> Read<(String, String)> {
    let mut found = (String::new(), String::new());
    each(bytes, range, |number, field| {
        match number {
            1 => found.0 = field.text(bytes)?,
            2 => found.1 = field.text(bytes)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

impl GraphMessage {
    /// All tensors of initialisers and constants, those of branches and loops too.
    fn tensors(&self) -> Vec<&TensorMessage> {
        let attributes = || self.nodes.iter().flat_map(|node| &node.attributes);
        let constants = attributes().filter_map(|attribute| attribute.tensor.as_ref());
        let inside = attributes().filter_map(|attribute| attribute.graph.as_ref());
        let inside = inside.flat_map(|graph| graph.tensors());
        self.initializers.iter().chain(constants).chain(inside).collect()
    }

    fn parse(bytes: &[u8], range: Range<usize>, parts: &Parts) -> Read<Self> {
        let mut graph = Self::default();
        each(bytes, range, |number, field| {
            match number {
                1 => {
                    parts.node()?;
                    graph.nodes.push(NodeMessage::parse(bytes, field.bytes()?, parts)?);
                }
                5 => {
                    parts.initializer()?;
                    graph.initializers.push(TensorMessage::parse(bytes, field.bytes()?)?);
                }
                11 => graph.inputs.push(ValueMessage::parse(bytes, field.bytes()?)?),
                12 => graph.outputs.push(ValueMessage::parse(bytes, field.bytes()?)?),
                15 => graph.sparse = true,
                _ => {}
            }
            Ok(())
        })?;
        Ok(graph)
    }
}

impl NodeMessage {
    fn parse(bytes: &[u8], range: Range<usize>, parts: &Parts) -> Read<Self> {
        let mut node = Self::default();
        each(bytes, range, |number, field| {
            match number {
                1 => node.inputs.push(field.text(bytes)?),
                2 => node.outputs.push(field.text(bytes)?),
                3 => node.name = field.text(bytes)?,
                4 => node.operator = field.text(bytes)?,
                5 if node.attributes.len() >= 100 => return Err(format!("node `{}` has more than 100 attributes", node.name)),
                5 => node.attributes.push(AttributeMessage::parse(bytes, field.bytes()?, parts)?),
                7 => node.domain = field.text(bytes)?,
                _ => {}
            }
            Ok(())
        })?;
        if node.domain == "ai.onnx" {
            node.domain.clear();
        }
        Ok(node)
    }
}

impl AttributeMessage {
    fn parse(bytes: &[u8], range: Range<usize>, parts: &Parts) -> Read<Self> {
        let mut attribute = Self::default();
        each(bytes, range, |number, field| {
            match number {
                1 => attribute.name = field.text(bytes)?,
                2 => attribute.float = Some(field.float(bytes)?),
                3 => attribute.integer = Some(field.integer()?),
                4 => attribute.text = Some(field.text(bytes)?),
                5 => attribute.tensor = Some(TensorMessage::parse(bytes, field.bytes()?)?),
                6 => attribute.graph = Some(Box::new(GraphMessage::parse(bytes, field.bytes()?, &parts.inside()?)?)),
                7 => {
                    let mut places = Vec::new();
                    field.places(4, &mut places)?;
                    attribute.floats.extend(places.iter().map(|at| four(bytes, *at)));
                }
                8 => field.integers(bytes, &mut attribute.integers)?,
                9 => attribute.texts.push(field.text(bytes)?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(attribute)
    }
}

impl ValueMessage {
    fn parse(bytes: &[u8], range: Range<usize>) -> Read<Self> {
        let mut value = Self::default();
        each(bytes, range, |number, field| {
            match number {
                1 => value.name = field.text(bytes)?,
                2 => each(bytes, field.bytes()?, |number, field| {
                    // A tensor; sequences and maps are outputs of classifiers, which are not read.
                    if number != 1 {
                        return Ok(());
                    }
                    each(bytes, field.bytes()?, |number, field| {
                        match number {
                            1 => value.kind = field.integer()?,
                            2 => value.shape = Some(shape(bytes, field.bytes()?)?),
                            _ => {}
                        }
                        Ok(())
                    })
                })?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(value)
    }
}

fn shape(bytes: &[u8], range: Range<usize>) -> Read<Vec<Option<i64>>> {
    let mut sizes = Vec::new();
    each(bytes, range, |number, field| {
        if number == 1 {
            let mut size = None;
            each(bytes, field.bytes()?, |number, field| {
                if number == 1 {
                    size = Some(field.integer()?);
                }
                Ok(())
            })?;
            sizes.push(size);
        }
        Ok(())
    })?;
    Ok(sizes)
}

impl TensorMessage {
    fn parse(bytes: &[u8], range: Range<usize>) -> Read<Self> {
        let mut tensor = Self::default();
        each(bytes, range, |number, field| {
            match number {
                1 => field.integers(bytes, &mut tensor.dims)?,
                2 => tensor.kind = field.integer()?,
                4 => field.places(4, &mut tensor.four)?,
                5 | 7 | 11 => field.integers(bytes, &mut tensor.integers)?,
                6 => tensor.texts.push(field.text(bytes)?),
                8 => tensor.name = field.text(bytes)?,
                9 => tensor.raw = Some(field.bytes()?),
                10 => field.places(8, &mut tensor.eight)?,
                13 => tensor.external.push(pair(bytes, field.bytes()?)?),
                14 => tensor.is_external = field.integer()? == 1,
                _ => {}
            }
            Ok(())
        })?;
        Ok(tensor)
    }

    /// Number of values by its dimensions.
    pub fn count(&self) -> Read<usize> {
        let size = |dim: &i64| usize::try_from(*dim).map_err(|_| format!("it has a dimension of {dim}"));
        self.dims.iter().try_fold(1_usize, |count, dim| {
            count
                .checked_mul(size(dim)?)
                .ok_or_else(|| "its dimensions are too large".to_owned())
        })
    }

    /// Sizes.
    pub fn shape(&self) -> Vec<usize> {
        self.dims.iter().map(|dim| usize::try_from(*dim).unwrap_or_default()).collect()
    }

    fn location(&self) -> Option<&str> {
        let found = self.external.iter().find(|(key, _)| key == "location");
        self.is_external.then(|| found.map_or("", |(_, value)| value.as_str()))
    }

    fn external_number(&self, wanted: &str) -> Read<Option<usize>> {
        let found = self.external.iter().find(|(key, _)| key == wanted);
        found
            .map(|(_, value)| value.parse().map_err(|_| format!("its {wanted} `{value}` is not a whole number")))
            .transpose()
    }
}
