//! Writing an ONNX file: values with names, nodes that make new ones, and the message around them.
//!
//! Field numbers are those of `onnx.proto` (ONNX 1.23). Version 8 of the format with operator set 17 and version 3 of `ai.onnx.ml` is read
//! by every onnxruntime from 1.13 on.

use std::collections::BTreeSet;

use super::file::kind;
use super::operators::LEARNING;

/// Version of the file format.
const FORMAT: u64 = 8;

/// Version of ONNX's operator set.
const OPERATORS: u64 = 17;

/// Version of the operator set of classical machine learning.
const LEARNING_OPERATORS: u64 = 3;

/// A graph that grows node by node. Names of values are whatever the methods return.
#[derive(Debug, Default)]
pub struct Builder {
    nodes: Vec<u8>,
    initializers: Vec<u8>,
    inputs: Vec<u8>,
    outputs: Vec<u8>,
    made: usize,
    taken: BTreeSet<String>,
}

/// An attribute of a node.
pub enum Attribute<'a> {
    /// A whole number.
    Integer(&'a str, i64),
    /// A number.
    Float(&'a str, f32),
    /// Whole numbers.
    Integers(&'a str, Vec<i64>),
    /// Texts.
    Texts(&'a str, Vec<String>),
}

/// What the values of a tensor are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 64-bit floats.
    Double,
    /// 32-bit floats.
    Float,
    /// 64-bit whole numbers.
    Integer,
    /// Texts.
    Text,
    /// True or false.
    Truth,
}

impl Kind {
    /// Its number in the format.
    pub fn number(self) -> i64 {
        match self {
            Self::Double => kind::DOUBLE,
            Self::Float => kind::FLOAT,
            Self::Integer => kind::INT64,
            Self::Text => kind::STRING,
            Self::Truth => kind::BOOL,
        }
    }
}

fn varint(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

fn whole(number: u64, value: u64, into: &mut Vec<u8>) {
    varint(number << 3, into);
    varint(value, into);
}

fn bytes(number: u64, bytes: &[u8], into: &mut Vec<u8>) {
    varint(number << 3 | 2, into);
    varint(bytes.len() as u64, into);
    into.extend_from_slice(bytes);
}

fn part(number: u64, into: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    fill(&mut inner);
    bytes(number, &inner, into);
}

/// A tensor's message.
fn tensor(name: &str, kind: Kind, shape: &[usize], raw: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    shape.iter().for_each(|size| whole(1, *size as u64, &mut message));
    whole(2, kind.number() as u64, &mut message);
    bytes(8, name.as_bytes(), &mut message);
    bytes(9, raw, &mut message);
    message
}

/// Name, kind, shape and explanation of an input or output; `None` is any number of rows.
fn value(name: &str, kind: Kind, shape: &[Option<usize>], told: &str) -> Vec<u8> {
    let mut message = Vec::new();
    bytes(1, name.as_bytes(), &mut message);
    part(2, &mut message, |of_type| {
        part(1, of_type, |tensor| {
            whole(1, kind.number() as u64, tensor);
            part(2, tensor, |sizes| {
                for size in shape {
                    part(1, sizes, |dimension| match size {
                        Some(size) => whole(1, *size as u64, dimension),
                        None => bytes(2, b"rows", dimension),
                    });
                }
            });
        });
    });
    bytes(3, told.as_bytes(), &mut message);
    message
}

fn attribute(attribute: &Attribute) -> Vec<u8> {
    let mut message = Vec::new();
    let (name, kind) = match attribute {
        Attribute::Float(name, _) => (name, 1),
        Attribute::Integer(name, _) => (name, 2),
        Attribute::Integers(name, _) => (name, 7),
        Attribute::Texts(name, _) => (name, 8),
    };
    bytes(1, name.as_bytes(), &mut message);
    match attribute {
        Attribute::Float(_, value) => {
            varint(2 << 3 | 5, &mut message);
            message.extend_from_slice(&value.to_le_bytes());
        }
        Attribute::Integer(_, value) => whole(3, *value as u64, &mut message),
        Attribute::Integers(_, values) => values.iter().for_each(|value| whole(8, *value as u64, &mut message)),
        Attribute::Texts(_, values) => values.iter().for_each(|value| bytes(9, value.as_bytes(), &mut message)),
    }
    whole(20, kind, &mut message);
    message
}

impl Builder {
    /// Keeps names for values that come later.
    pub fn reserve<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        self.taken.extend(names.into_iter().map(str::to_owned));
    }

    /// The name, or one like it that no value has.
    pub fn free_name(&self, name: &str) -> String {
        let numbered = (2..).map(|number| format!("{name} ({number})"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        names.find(|name| !self.taken.contains(name)).unwrap_or_default()
    }

    /// A name that no value has, which is then taken.
    fn new_name(&mut self, what: &str) -> String {
        self.made += 1;
        let name = self.free_name(&format!("{what}_{}", self.made));
        self.taken.insert(name.clone());
        name
    }

    /// An input of `width` values a row; its name must be free.
    pub fn input(&mut self, name: &str, kind: Kind, width: usize, told: &str) -> String {
        self.taken.insert(name.to_owned());
        bytes(11, &value(name, kind, &[None, Some(width)], told), &mut self.inputs);
        name.to_owned()
    }

    /// Names a value as an output of one value (`width` `None`) or `width` values a row.
    pub fn output(&mut self, name: &str, kind: Kind, width: Option<usize>, told: &str) {
        let shape: Vec<Option<usize>> = [None].into_iter().chain(width.map(Some)).collect();
        bytes(12, &value(name, kind, &shape, told), &mut self.outputs);
    }

    /// A node of one output, which is named after it.
    pub fn node(&mut self, operator: &str, inputs: &[&str], attributes: &[Attribute]) -> String {
        let output = self.new_name(&operator.to_lowercase());
        self.node_to(operator, inputs, attributes, &output);
        output
    }

    /// A node that makes the value `output`.
    pub fn node_to(&mut self, operator: &str, inputs: &[&str], attributes: &[Attribute], output: &str) {
        let learning = super::operators::OPERATORS
            .iter()
            .any(|known| known.name == operator && known.domain == LEARNING);
        let mut message = Vec::new();
        inputs.iter().for_each(|input| bytes(1, input.as_bytes(), &mut message));
        bytes(2, output.as_bytes(), &mut message);
        bytes(3, format!("make {output}").as_bytes(), &mut message);
        bytes(4, operator.as_bytes(), &mut message);
        attributes.iter().for_each(|own| bytes(5, &attribute(own), &mut message));
        if learning {
            bytes(7, LEARNING.as_bytes(), &mut message);
        }
        bytes(1, &message, &mut self.nodes);
    }

    /// 64-bit floats, of this shape.
    pub fn doubles(&mut self, values: &[f64], shape: &[usize]) -> String {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(Kind::Double, shape, &raw)
    }

    /// Whole numbers, of this shape.
    pub fn integers(&mut self, values: &[i64], shape: &[usize]) -> String {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(Kind::Integer, shape, &raw)
    }

    /// 32-bit floats that a repair may change, under their own name.
    pub fn weights(&mut self, name: &str, values: &[f32], shape: &[usize]) -> String {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        bytes(5, &tensor(name, Kind::Float, shape, &raw), &mut self.initializers);
        name.to_owned()
    }

    /// Numbers that lie outside of the file, under their own name: `(kind, shape)` and `(file, first byte, bytes)`.
    pub(super) fn outside(&mut self, name: &str, (kind, shape): (i64, &[usize]), (file, start, length): (&str, usize, usize)) -> String {
        let mut message = Vec::new();
        shape.iter().for_each(|size| whole(1, *size as u64, &mut message));
        whole(2, kind as u64, &mut message);
        bytes(8, name.as_bytes(), &mut message);
        let place = [
            ("location", file.to_owned()),
            ("offset", start.to_string()),
            ("length", length.to_string()),
        ];
        for (key, value) in &place {
            part(13, &mut message, |pair| {
                bytes(1, key.as_bytes(), pair);
                bytes(2, value.as_bytes(), pair);
            });
        }
        whole(14, 1, &mut message);
        bytes(5, &message, &mut self.initializers);
        name.to_owned()
    }

    /// 32-bit floats that are no weights, of this shape.
    pub fn floats(&mut self, values: &[f32], shape: &[usize]) -> String {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(Kind::Float, shape, &raw)
    }

    /// A constant is a node and no initialiser, so that initialisers are what was trained.
    fn constant(&mut self, kind: Kind, shape: &[usize], raw: &[u8]) -> String {
        let name = self.new_name("constant");
        let mut value = Vec::new();
        bytes(1, b"value", &mut value);
        bytes(5, &tensor("", kind, shape, raw), &mut value);
        whole(20, 4, &mut value);
        let mut message = Vec::new();
        bytes(2, name.as_bytes(), &mut message);
        bytes(3, format!("make {name}").as_bytes(), &mut message);
        bytes(4, b"Constant", &mut message);
        bytes(5, &value, &mut message);
        bytes(1, &message, &mut self.nodes);
        name
    }

    /// The file.
    pub fn finish(self, told: &str, metadata: &[(&str, String)]) -> Vec<u8> {
        let mut graph = self.nodes;
        bytes(2, b"recant", &mut graph);
        graph.extend_from_slice(&self.initializers);
        graph.extend_from_slice(&self.inputs);
        graph.extend_from_slice(&self.outputs);
        let mut model = Vec::with_capacity(graph.len() + 4096);
        whole(1, FORMAT, &mut model);
        bytes(2, b"Recant", &mut model);
        bytes(3, env!("CARGO_PKG_VERSION").as_bytes(), &mut model);
        bytes(6, told.as_bytes(), &mut model);
        bytes(7, &graph, &mut model);
        for (domain, version) in [("", OPERATORS), (LEARNING, LEARNING_OPERATORS)] {
            part(8, &mut model, |opset| {
                bytes(1, domain.as_bytes(), opset);
                whole(2, version, opset);
            });
        }
        for (key, value) in metadata {
            part(14, &mut model, |pair| {
                bytes(1, key.as_bytes(), pair);
                bytes(2, value.as_bytes(), pair);
            });
        }
        model
    }
}
