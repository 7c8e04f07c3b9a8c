//! What scikit-learn's exporter puts around a network: preprocessing. Gradients stop here.

use std::collections::HashMap;

use super::{Call, Results, one};
use crate::onnx::file::{AttributeMessage, Values};
use crate::onnx::value::{Array, Computed, Value};

/// Rows and columns of a table; a list is one row.
fn table(value: &Value) -> Computed<(usize, usize)> {
    match value.shape().as_slice() {
        [columns] => Ok((1, *columns)),
        [rows, columns] => Ok((*rows, *columns)),
        other => Err(format!("takes a table, and is given the shape {other:?}")),
    }
}

fn floats_of<'a>(call: &Call<'a>, name: &str) -> Option<&'a [f32]> {
    call.attribute(name)
        .map(|found| found.floats.as_slice())
        .filter(|list| !list.is_empty())
}

/// A list with one value, or one per column.
fn per_column<T: Copy>(list: &[T], columns: usize, name: &str) -> Computed<Vec<T>> {
    match list {
        [one] => Ok(vec![*one; columns]),
        list if list.len() == columns => Ok(list.to_vec()),
        list => Err(format!("has {} values of `{name}` for {columns} columns", list.len())),
    }
}

/// 1 above a threshold, else 0.
pub(super) fn binarizer(call: &Call) -> Results {
    let x = call.input(0)?;
    let threshold = call.number("threshold", 0.0);
    let found = x.numbers()?.into_iter().map(|value| f64::from(u8::from(value > threshold)));
    one(Value::Float(call.tensor(found.collect(), &x.shape())?))
}

pub(super) fn scaler(call: &Call) -> Results {
    let x = call.input(0)?;
    let (_, columns) = table(x)?;
    let part = |name: &str, default: f32| -> Computed<Vec<f32>> {
        floats_of(call, name).map_or_else(|| Ok(vec![default; columns]), |list| per_column(list, columns, name))
    };
    let (offset, scale) = (part("offset", 0.0)?, part("scale", 1.0)?);
    let numbers = x.numbers()?.into_iter().enumerate();
    // In single precision, as it is defined.
    let scaled = numbers.map(|(place, value)| f64::from((value as f32 - offset[place % columns]) * scale[place % columns]));
    one(Value::Float(call.tensor(scaled.collect(), &x.shape())?))
}

/// Tables side by side, as floats.
pub(super) fn vectorize(call: &Call) -> Results {
    let widths = call.integers("inputdimensions").unwrap_or_default();
    let mut parts = Vec::with_capacity(call.inputs.len());
    let mut rows = 0;
    for place in 0..call.inputs.len() {
        let part = call.input(place)?;
        let (height, columns) = table(part)?;
        if widths.get(place).is_some_and(|width| *width != columns as i64) || (place > 0 && height != rows) {
            return Err(format!(
                "is given a part of {height} rows and {columns} columns, which does not fit"
            ));
        }
        rows = height;
        parts.push((part.numbers()?, columns));
    }
    let width: usize = parts.iter().map(|(_, columns)| columns).sum();
    let mut all = Vec::with_capacity(call.room(&[rows, width])?);
    for row in 0..rows {
        for (numbers, columns) in &parts {
            all.extend_from_slice(&numbers[row * columns..(row + 1) * columns]);
        }
    }
    one(Value::Float(call.tensor(all, &[rows, width])?))
}

pub(super) fn normalizer(call: &Call) -> Results {
    let x = call.input(0)?;
    let (_, columns) = table(x)?;
    let norm = call.text("norm").unwrap_or("MAX");
    let mut numbers = x.numbers()?;
    for row in numbers.chunks_mut(columns.max(1)) {
        let size = match norm {
            "L1" => row.iter().map(|value| value.abs()).sum(),
            "L2" => row.iter().map(|value| value * value).sum::<f64>().sqrt(),
            "MAX" => row.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            other => return Err(format!("has the norm `{other}`, which does not exist")),
        };
        if size != 0.0 {
            row.iter_mut().for_each(|value| *value /= size);
        }
    }
    one(Value::Float(call.tensor(numbers, &x.shape())?))
}

pub(super) fn imputer(call: &Call) -> Results {
    let x = call.input(0)?;
    let (_, columns) = table(x)?;
    if let Value::Integer(array) = x {
        let missing = call.integer("replaced_value_int64", 0);
        let list = call.integers("imputed_value_int64s").unwrap_or_default();
        let new = per_column(list, columns, "imputed_value_int64s")?;
        let filled = array
            .data
            .iter()
            .enumerate()
            .map(|(place, value)| if *value == missing { new[place % columns] } else { *value });
        return one(Value::Integer(Array::new(array.shape.clone(), filled.collect())));
    }
    let missing = call.number("replaced_value_float", 0.0);
    let list = floats_of(call, "imputed_value_floats").unwrap_or_default();
    let new = per_column(list, columns, "imputed_value_floats")?;
    let is_missing = |value: f64| value == missing || (missing.is_nan() && value.is_nan());
    let numbers = x.numbers()?.into_iter().enumerate();
    let filled = numbers.map(|(place, value)| {
        if is_missing(value) {
            f64::from(new[place % columns])
        } else {
            value
        }
    });
    one(Value::Float(call.tensor(filled.collect(), &x.shape())?))
}

pub(super) fn one_hot(call: &Call) -> Results {
    let x = call.input(0)?;
    let strict = call.integer("zeros", 1) == 0;
    let texts = call.attribute("cats_strings").filter(|found| !found.texts.is_empty());
    let (width, codes): (usize, Vec<Option<usize>>) = match (x, texts) {
        (Value::Text(array), Some(known)) => {
            let code = |text: &String| known.texts.iter().position(|known| known == text);
            (known.texts.len(), array.data.iter().map(code).collect())
        }
        (Value::Text(_), None) | (_, Some(_)) => return Err("is given numbers for texts, or texts for numbers".to_owned()),
        (other, None) => {
            let known = call.integers("cats_int64s").unwrap_or_default();
            let code = |value: f64| known.iter().position(|known| *known as f64 == value);
            (known.len(), other.numbers()?.into_iter().map(code).collect())
        }
    };
    if strict && let Some(place) = codes.iter().position(Option::is_none) {
        let given = match x {
            Value::Text(array) => array.data.get(place).map(|text| match text.as_str() {
                "" => "a blank".to_owned(),
                text => format!("`{text}`"),
            }),
            other => other.numbers()?.get(place).map(f64::to_string),
        };
        return Err(format!(
            "is given {}, which is none of the categories that it knows",
            given.unwrap_or_default()
        ));
    }
    let shape: Vec<usize> = x.shape().into_iter().chain([width]).collect();
    let count = call.room(&shape)?;
    let mut hot = vec![0.0; count];
    for (row, code) in codes.into_iter().enumerate() {
        if let Some(code) = code {
            hot[row * width + code] = 1.0;
        }
    }
    one(Value::Float(call.tensor(hot, &shape)?))
}

/// Keys or values of a label encoder.
enum Labels<'a> {
    Texts(&'a [String]),
    Integers(Vec<i64>),
    Floats(Vec<f64>),
}

fn labels<'a>(call: &Call<'a>, what: &str) -> Computed<Labels<'a>> {
    let filled = |name: String| call.attribute(&name);
    let list = |found: Option<&'a AttributeMessage>| {
        found.filter(|found| !found.texts.is_empty() || !found.integers.is_empty() || !found.floats.is_empty())
    };
    if let Some(found) = list(filled(format!("{what}_strings"))) {
        return Ok(Labels::Texts(&found.texts));
    }
    if let Some(found) = list(filled(format!("{what}_int64s"))) {
        return Ok(Labels::Integers(found.integers.clone()));
    }
    if let Some(found) = list(filled(format!("{what}_floats"))) {
        return Ok(Labels::Floats(found.floats.iter().copied().map(f64::from).collect()));
    }
    match call.constant(&format!("{what}_tensor")) {
        Some((_, Values::Texts(texts), _)) => Ok(Labels::Texts(texts)),
        Some((_, Values::Integers(values), _)) => Ok(Labels::Integers(values.clone())),
        Some((_, Values::Floats(values), _)) => Ok(Labels::Floats(values.clone())),
        None => Err(format!("has no {what}")),
    }
}

pub(super) fn label_encoder(call: &Call) -> Results {
    let x = call.input(0)?;
    let found: Vec<Option<usize>> = match (x, labels(call, "keys")?) {
        (Value::Text(array), Labels::Texts(keys)) => {
            // Of equal keys the first counts.
            let places: HashMap<&str, usize> = keys.iter().enumerate().rev().map(|(place, key)| (key.as_str(), place)).collect();
            array.data.iter().map(|text| places.get(text.as_str()).copied()).collect()
        }
        (Value::Text(_), _) | (_, Labels::Texts(_)) => return Err("is given numbers for texts, or texts for numbers".to_owned()),
        (other, keys) => {
            let keys = match keys {
                Labels::Integers(keys) => keys.into_iter().map(|key| key as f64).collect(),
                Labels::Floats(keys) => keys,
                Labels::Texts(_) => Vec::new(),
            };
            // Keys with a point are of single precision, whatever preprocessing is of.
            let same = |key: f64, value: f64| key == value || key as f32 == value as f32 || (key.is_nan() && value.is_nan());
            let place = |value: f64| keys.iter().position(|key| same(*key, value));
            other.numbers()?.into_iter().map(place).collect()
        }
    };
    let shape = x.shape();
    let short = || "has fewer values than keys".to_owned();
    match labels(call, "values")? {
        Labels::Texts(values) => {
            let other = call.text("default_string").unwrap_or("_Unused");
            let text = |place: &Option<usize>| {
                place
                    .map_or(Some(other.to_owned()), |place| values.get(place).cloned())
                    .ok_or_else(short)
            };
            one(Value::Text(Array::new(shape, found.iter().map(text).collect::<Computed<_>>()?)))
        }
        Labels::Integers(values) => {
            let other = call.integer("default_int64", -1);
            let number = |place: &Option<usize>| place.map_or(Some(other), |place| values.get(place).copied()).ok_or_else(short);
            one(Value::Integer(Array::new(
                shape,
                found.iter().map(number).collect::<Computed<_>>()?,
            )))
        }
        Labels::Floats(values) => {
            let default = match call.constant("default_tensor") {
                Some((_, Values::Floats(values), _)) => values.first().copied().unwrap_or(0.0),
                _ => 0.0,
            };
            let other = call.number("default_float", default);
            let number = |place: &Option<usize>| place.map_or(Some(other), |place| values.get(place).copied()).ok_or_else(short);
            let values = found.iter().map(number).collect::<Computed<_>>()?;
            one(Value::Float(call.tensor(values, &shape)?))
        }
    }
}

/// Columns of a table, by number.
pub(super) fn extract_features(call: &Call) -> Results {
    let x = call.input(0)?;
    let (rows, columns) = table(x)?;
    let which = call.input(1)?.integers()?;
    let chosen = which.data.iter().map(|at| usize::try_from(*at).ok().filter(|at| *at < columns));
    let chosen = chosen
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| format!("takes a column that is not among {columns}"))?;
    let places: Vec<usize> = (0..rows)
        .flat_map(|row| chosen.iter().map(move |column| row * columns + column))
        .collect();
    one(x.picked(&places, &[rows, chosen.len()])?)
}
