//! The feature encoding of a model as nodes of a graph: what `features` computes from cells, from raw columns.

use std::collections::BTreeMap;

use super::dates::{Days, cast};
use super::{RawInput, RawKind};
use crate::features::{CategoryCoding, Coding, DatePart, Encoder, FittedFeatures, NumberCoding, Source};
use crate::onnx::{Attribute, Builder, Kind};
use crate::tables::MISSING_TEXTS;

/// Scaled values lie within this of 0, as in `NumberCoding::input`.
const LIMIT: f64 = 1e6;

/// Where smooth clipping bends: z / sqrt(1 + (z/3)^2).
const BEND: f64 = 3.0;

/// Values of rows that become input columns of the network, side by side.
struct Block {
    name: String,
    width: usize,
    /// Input column and column of the block.
    places: Vec<(usize, usize)>,
}

/// A graph that grows by one encoder after the other.
pub(super) struct Encoding<'a> {
    graph: &'a mut Builder,
    pub inputs: Vec<RawInput>,
    days: BTreeMap<String, Days>,
    blocks: Vec<Block>,
}

/// Every distinct input column that a category coding writes to, with its number in the coding's own block.
fn own_places(coding: &CategoryCoding) -> BTreeMap<usize, usize> {
    let all = coding.outputs.iter().flatten().chain(&coding.other).chain(&coding.missing);
    let mut places: BTreeMap<usize, usize> = all.map(|output| (*output, 0)).collect();
    places.values_mut().enumerate().for_each(|(number, place)| *place = number);
    places
}

/// Adds the encoding; returns the raw inputs, and the rows as the network takes them.
pub(super) fn encode(graph: &mut Builder, features: &FittedFeatures) -> (Vec<RawInput>, String) {
    let mut encoding = Encoding {
        graph,
        inputs: Vec::new(),
        days: BTreeMap::new(),
        blocks: Vec::new(),
    };
    let mut numbers = Vec::new();
    for encoder in features.encoders() {
        match &encoder.coding {
            Coding::Number(coding) => {
                let value = encoding.value(&encoder.source);
                numbers.push((encoder, coding, value));
            }
            Coding::Category(coding) => encoding.category(encoder, coding),
        }
    }
    encoding.numbers(&numbers);
    let rows = encoding.join(features.width());
    (encoding.inputs, rows)
}

impl Encoding<'_> {
    /// The input of a column, made where it is not there yet.
    fn input(&mut self, source: &Source, kind: RawKind) -> String {
        let same = |input: &&RawInput| input.column == source.column && input.kind == kind;
        if let Some(input) = self.inputs.iter().find(same) {
            return input.name.clone();
        }
        let name = self.graph.free_name(&kind.input_name(&source.column));
        let input = RawInput {
            name,
            column: source.column.clone(),
            kind,
            hours: source.hours,
            order: source.order,
            mark: source.mark,
        };
        let of_graph = if kind.is_text() { Kind::Text } else { Kind::Double };
        let name = self.graph.input(&input.name, of_graph, 1, &input.told());
        self.inputs.push(input);
        name
    }

    fn date(&mut self, source: &Source) -> &mut Days {
        let input = self.input(source, RawKind::Days);
        let graph = &mut *self.graph;
        self.days.entry(source.column.clone()).or_insert_with(|| Days::new(graph, input))
    }

    /// The number of a source, not a number where it is missing.
    fn value(&mut self, source: &Source) -> String {
        let Some(part) = source.part else {
            return self.input(source, RawKind::Number);
        };
        self.date(source);
        let graph = &mut *self.graph;
        match self.days.get_mut(&source.column) {
            Some(days) => days.number(graph, part),
            None => String::new(),
        }
    }

    /// A text as the number that it has in `codes`; blanks have `missing`, others `other`.
    fn looked_up(&mut self, input: &str, codes: &[(&str, i64)], missing: i64, other: i64) -> String {
        let known = |text: &&&str| !codes.iter().any(|(key, _)| key == *text);
        let blanks: Vec<&str> = std::iter::once(&"").chain(MISSING_TEXTS).filter(known).copied().collect();
        let keys = codes.iter().map(|(text, _)| *text).chain(blanks.iter().copied());
        let values = codes.iter().map(|(_, code)| *code).chain(blanks.iter().map(|_| missing));
        let attributes = [
            Attribute::Texts("keys_strings", keys.map(str::to_owned).collect()),
            Attribute::Integers("values_int64s", values.collect()),
            Attribute::Integer("default_int64", other),
        ];
        self.graph.node("LabelEncoder", &[input], &attributes)
    }

    /// A block with `weight` in the column of each row's code, and 0 for codes beyond its width.
    fn one_hot(&mut self, code: &str, width: usize, weight: Option<f32>) -> String {
        let known = Attribute::Integers("cats_int64s", (0..width as i64).collect());
        let hot = self.graph.node("OneHotEncoder", &[code], &[known, Attribute::Integer("zeros", 1)]);
        let shape = self.graph.integers(&[-1, width as i64], &[2]);
        let table = self.graph.node("Reshape", &[&hot, &shape], &[]);
        match weight {
            None => table,
            Some(weight) => {
                let weight = self.graph.floats(&[weight], &[]);
                self.graph.node("Mul", &[&table, &weight], &[])
            }
        }
    }

    fn category(&mut self, encoder: &Encoder, coding: &CategoryCoding) {
        let places = own_places(coding);
        let none = places.len() as i64;
        let code_of = |output: Option<usize>| output.and_then(|output| places.get(&output)).map_or(none, |place| *place as i64);
        let (missing, other) = (code_of(coding.missing), code_of(coding.other));
        let known = |text: &str| {
            let place = coding.values.iter().position(|value| value == text)?;
            Some(code_of(coding.outputs.get(place).copied().flatten()))
        };
        let code = match encoder.source.part {
            None => {
                let input = self.input(&encoder.source, RawKind::Text);
                let codes: Vec<(&str, i64)> = coding
                    .values
                    .iter()
                    .zip(&coding.outputs)
                    .map(|(value, output)| (value.as_str(), code_of(*output)))
                    .collect();
                self.looked_up(&input, &codes, missing, other)
            }
            Some(part) => {
                let names = part.categories().unwrap_or_default();
                let table: Vec<i64> = names.iter().map(|name| known(name).unwrap_or(other)).collect();
                let words: Vec<(&str, i64)> = coding
                    .values
                    .iter()
                    .zip(&coding.outputs)
                    .filter(|(value, _)| !names.contains(&value.as_str()))
                    .map(|(value, output)| (value.as_str(), code_of(*output)))
                    .collect();
                self.date_code(&encoder.source, part, &table, &words, (missing, other))
            }
        };
        let block = Block {
            name: self.one_hot(&code, places.len(), coding.weight),
            width: places.len(),
            places: places.into_iter().collect(),
        };
        self.blocks.push(block);
    }

    /// The code of a weekday, month or quarter; of words where there is no date.
    fn date_code(&mut self, source: &Source, part: DatePart, table: &[i64], words: &[(&str, i64)], (missing, other): (i64, i64)) -> String {
        self.date(source);
        let absent = match words {
            // Any other words are one code where blanks are another.
            [] if missing == other => self.graph.integers(&[missing], &[]),
            words => {
                let input = self.input(source, RawKind::Words);
                self.looked_up(&input, words, missing, other)
            }
        };
        let graph = &mut *self.graph;
        let Some(days) = self.days.get_mut(&source.column) else {
            return absent;
        };
        let number = days.integer(graph, part);
        let table = graph.integers(table, &[table.len()]);
        let code = graph.node("Gather", &[&table, &number], &[Attribute::Integer("axis", 0)]);
        graph.node("Where", &[&days.present, &code, &absent], &[])
    }

    /// All numbers at once: filled, scaled, drawn in; and what stands in their place.
    fn numbers(&mut self, numbers: &[(&Encoder, &NumberCoding, String)]) {
        if numbers.is_empty() {
            return;
        }
        let width = numbers.len();
        let graph = &mut *self.graph;
        let names: Vec<&str> = numbers.iter().map(|(_, _, name)| name.as_str()).collect();
        let values = graph.node("Concat", &names, &[Attribute::Integer("axis", 1)]);
        let difference = graph.node("Sub", &[&values, &values], &[]);
        let zero = graph.doubles(&[0.0], &[]);
        let present = graph.node("Equal", &[&difference, &zero], &[]);
        let scaled = scaled(graph, numbers, &values, &present);
        let places = |output: fn(&NumberCoding) -> Option<usize>| -> Vec<(usize, usize)> {
            let each = numbers.iter().enumerate();
            each.filter_map(|(place, (_, coding, _))| Some((output(coding)?, place))).collect()
        };
        self.blocks.push(Block {
            name: cast(graph, &scaled, Kind::Float),
            width,
            places: places(|coding| coding.output),
        });
        let plain = places(|coding| coding.indicator.filter(|_| coding.exceptions.is_empty()));
        if !plain.is_empty() {
            let blank = graph.node("Not", &[&present], &[]);
            let name = cast(graph, &blank, Kind::Float);
            self.blocks.push(Block {
                name,
                width,
                places: plain,
            });
        }
        for (place, (encoder, coding, _)) in numbers.iter().enumerate() {
            if !coding.exceptions.is_empty() {
                self.exceptions(&encoder.source, coding, &present, place);
            }
        }
    }

    /// Columns that are 1 where words stand in place of a number.
    fn exceptions(&mut self, source: &Source, coding: &NumberCoding, present: &str, place: usize) {
        let named = coding.exceptions.iter().filter_map(|exception| exception.output);
        let outputs: Vec<usize> = named.chain(coding.indicator).collect();
        if outputs.is_empty() {
            return;
        }
        let none = outputs.len() as i64;
        let code_of = |output: Option<usize>| {
            let place = output.and_then(|output| outputs.iter().position(|own| *own == output));
            place.map_or(none, |place| place as i64)
        };
        let codes: Vec<(&str, i64)> = coding
            .exceptions
            .iter()
            .map(|exception| (exception.words.as_str(), code_of(exception.output)))
            .collect();
        let unnamed = code_of(coding.indicator);
        let input = self.input(source, RawKind::Words);
        let words = self.looked_up(&input, &codes, unnamed, unnamed);
        let which = self.graph.integers(&[place as i64], &[1]);
        let there = self.graph.node("Gather", &[present, &which], &[Attribute::Integer("axis", 1)]);
        let nothing = self.graph.integers(&[none], &[]);
        let code = self.graph.node("Where", &[&there, &nothing, &words], &[]);
        let block = Block {
            name: self.one_hot(&code, outputs.len(), None),
            width: outputs.len(),
            places: outputs.iter().copied().enumerate().map(|(place, output)| (output, place)).collect(),
        };
        self.blocks.push(block);
    }

    /// All blocks side by side, in the order of the input columns.
    fn join(&mut self, width: usize) -> String {
        let mut order = vec![0_i64; width];
        let mut start = 0;
        for block in &self.blocks {
            for (output, place) in &block.places {
                if let Some(column) = order.get_mut(*output) {
                    *column = (start + place) as i64;
                }
            }
            start += block.width;
        }
        let names: Vec<&str> = self.blocks.iter().map(|block| block.name.as_str()).collect();
        let widths = self.blocks.iter().map(|block| block.width as i64).collect();
        let joined = self
            .graph
            .node("FeatureVectorizer", &names, &[Attribute::Integers("inputdimensions", widths)]);
        let order = self.graph.integers(&order, &[width]);
        self.graph.node("ArrayFeatureExtractor", &[&joined, &order], &[])
    }
}

/// As `NumberCoding::input` for every column.
fn scaled(graph: &mut Builder, numbers: &[(&Encoder, &NumberCoding, String)], values: &str, present: &str) -> String {
    let of = |part: fn(&NumberCoding) -> f64| -> Vec<f64> { numbers.iter().map(|(_, coding, _)| part(coding)).collect() };
    let row = [1, numbers.len()];
    let mut clipped = values.to_owned();
    if numbers.iter().any(|(_, coding, _)| coding.clip) {
        let low = graph.doubles(&of(|coding| if coding.clip { coding.low } else { f64::MIN }), &row);
        let high = graph.doubles(&of(|coding| if coding.clip { coding.high } else { f64::MAX }), &row);
        let above = graph.node("Max", &[&clipped, &low], &[]);
        clipped = graph.node("Min", &[&above, &high], &[]);
    }
    let fill = graph.doubles(&of(|coding| coding.fill), &row);
    let filled = graph.node("Where", &[present, &clipped, &fill], &[]);
    let (offset, scale) = (
        graph.doubles(&of(|coding| coding.offset), &row),
        graph.doubles(&of(|coding| coding.scale), &row),
    );
    let moved = graph.node("Sub", &[&filled, &offset], &[]);
    let scaled = graph.node("Mul", &[&moved, &scale], &[]);
    let (low, high) = (graph.doubles(&[-LIMIT], &[]), graph.doubles(&[LIMIT], &[]));
    let bounded = graph.node("Clip", &[&scaled, &low, &high], &[]);
    if numbers.iter().all(|(_, coding, _)| !coding.smooth) {
        return bounded;
    }
    let (bend, one) = (graph.doubles(&[BEND], &[]), graph.doubles(&[1.0], &[]));
    let part = graph.node("Div", &[&bounded, &bend], &[]);
    let square = graph.node("Mul", &[&part, &part], &[]);
    let sum = graph.node("Add", &[&square, &one], &[]);
    let root = graph.node("Sqrt", &[&sum], &[]);
    let smooth = graph.node("Div", &[&bounded, &root], &[]);
    if numbers.iter().all(|(_, coding, _)| coding.smooth) {
        return smooth;
    }
    let half = graph.doubles(&[0.5], &[]);
    let which = graph.doubles(&of(|coding| if coding.smooth { 1.0 } else { 0.0 }), &row);
    let which = graph.node("Greater", &[&which, &half], &[]);
    graph.node("Where", &[&which, &smooth, &bounded], &[])
}
