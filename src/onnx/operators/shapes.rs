//! What moves values and changes no number, and arithmetic of shapes.

use candle_core::Tensor;

use super::{Call, Results, loaded, one};
use crate::onnx::file::Values;
use crate::onnx::plan::IN_TRAINING;
use crate::onnx::value::{Array, Computed, Value, axis, broadcast, broadcast_places, mapped, strides, words};

pub(super) fn identity(call: &Call) -> Results {
    one(call.input(0)?.clone())
}

/// Off, as in evaluation.
pub(super) fn dropout(call: &Call) -> Results {
    let x = call.input(0)?;
    if let Some(training) = call.optional(2)
        && training.numbers()?.iter().any(|value| *value != 0.0)
    {
        return Err(IN_TRAINING.to_owned());
    }
    let mask = Array::new(x.shape(), vec![1; x.len()]);
    Ok(vec![x.clone(), Value::Integer(mask)])
}

pub(super) fn constant(call: &Call) -> Results {
    if let Some((_, values, shape)) = call.constant("value") {
        return one(loaded(values, shape, call.precision)?);
    }
    if let Some(attribute) = call.node.attributes.first() {
        return one(match attribute.name.as_str() {
            "value_float" => Value::Float(call.tensor(vec![f64::from(attribute.float.unwrap_or_default())], &[])?),
            "value_floats" => {
                let values: Vec<f64> = attribute.floats.iter().copied().map(f64::from).collect();
                Value::Float(call.tensor(values, &[attribute.floats.len()])?)
            }
            "value_int" => Value::Integer(Array::new(vec![], vec![attribute.integer.unwrap_or_default()])),
            "value_ints" => Value::Integer(Array::list(attribute.integers.clone())),
            "value_string" => Value::Text(Array::new(vec![], vec![attribute.text.clone().unwrap_or_default()])),
            "value_strings" => Value::Text(Array::new(vec![attribute.texts.len()], attribute.texts.clone())),
            other => return Err(format!("has a value of the kind `{other}`, which is not supported")),
        });
    }
    Err("has no value".to_owned())
}

pub(super) fn constant_of_shape(call: &Call) -> Results {
    let shape = sizes(&call.input(0)?.integers()?.data)?;
    let count = call.room(&shape)?;
    one(match call.constant("value") {
        None => Value::Float(call.tensor(vec![0.0; count], &shape)?),
        Some((_, Values::Floats(values), _)) if values.len() == 1 => Value::Float(call.tensor(vec![values[0]; count], &shape)?),
        Some((_, Values::Integers(values), _)) if values.len() == 1 => Value::Integer(Array::new(shape, vec![values[0]; count])),
        Some(_) => return Err("has a value that is not one number".to_owned()),
    })
}

pub(super) fn range(call: &Call) -> Results {
    let of = |place: usize| -> Computed<f64> {
        let found = call.input(place)?.numbers()?;
        found.first().copied().ok_or_else(|| "has an empty bound".to_owned())
    };
    let (start, end, step) = (of(0)?, of(1)?, of(2)?);
    let count = ((end - start) / step).ceil().max(0.0);
    if !count.is_finite() {
        return Err("counts in steps of 0".to_owned());
    }
    let count = call.room(&[count as usize])?;
    let values = (0..count).map(|place| start + place as f64 * step);
    one(match call.input(0)? {
        Value::Integer(_) => Value::Integer(Array::list(values.map(|value| value as i64).collect())),
        _ => Value::Float(call.tensor(values.collect(), &[count])?),
    })
}

fn sizes(list: &[i64]) -> Computed<Vec<usize>> {
    let size = |size: &i64| usize::try_from(*size).map_err(|_| format!("is given the size {size}"));
    list.iter().map(size).collect()
}

pub(super) fn shape(call: &Call) -> Results {
    let shape = call.input(0)?.shape();
    if call.node.operator == "Size" {
        return one(Value::Integer(Array::new(Vec::new(), vec![shape.iter().product::<usize>() as i64])));
    }
    let rank = shape.len() as i64;
    let place = |named: i64| (if named < 0 { named.saturating_add(rank) } else { named }).clamp(0, rank) as usize;
    let (start, end) = (place(call.integer("start", 0)), place(call.integer("end", rank)));
    let part = shape.get(start..end.max(start)).unwrap_or_default();
    one(Value::Integer(Array::list(part.iter().map(|size| *size as i64).collect())))
}

pub(super) fn reshape(call: &Call) -> Results {
    let value = call.input(0)?;
    let old = value.shape();
    let wanted = &call.input(1)?.integers()?.data;
    let keep_zero = call.integer("allowzero", 0) == 0;
    let mut new = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (place, size) in wanted.iter().enumerate() {
        new.push(match size {
            0 if keep_zero => *old
                .get(place)
                .ok_or_else(|| format!("keeps dimension {place}, which is not there"))?,
            -1 if open.is_none() => {
                open = Some(place);
                1
            }
            size => usize::try_from(*size).map_err(|_| format!("is given the size {size}"))?,
        });
    }
    if let Some(place) = open {
        let known: usize = new
            .iter()
            .try_fold(1_usize, |count, size| count.checked_mul(*size))
            .unwrap_or_default();
        new[place] = value.len().checked_div(known).unwrap_or_default();
    }
    call.room(&new)?;
    one(value.reshaped(&new)?)
}

pub(super) fn flatten(call: &Call) -> Results {
    let value = call.input(0)?;
    let shape = value.shape();
    let named = call.integer("axis", 1);
    let cut = if named == shape.len() as i64 {
        shape.len()
    } else {
        axis(named, shape.len())?
    };
    let rows: usize = shape[..cut].iter().product();
    one(value.reshaped(&[rows, shape[cut..].iter().product()])?)
}

pub(super) fn squeeze(call: &Call) -> Results {
    let value = call.input(0)?;
    let shape = value.shape();
    let gone = match call.list("axes", 1)? {
        Some(list) => list.iter().map(|named| axis(*named, shape.len())).collect::<Computed<Vec<_>>>()?,
        None => (0..shape.len()).filter(|place| shape[*place] == 1).collect(),
    };
    if gone.iter().any(|place| shape[*place] != 1) {
        return Err(format!("takes away a dimension that is not 1 of {shape:?}"));
    }
    let left: Vec<usize> = (0..shape.len())
        .filter(|place| !gone.contains(place))
        .map(|place| shape[place])
        .collect();
    one(value.reshaped(&left)?)
}

pub(super) fn unsqueeze(call: &Call) -> Results {
    let value = call.input(0)?;
    let shape = value.shape();
    let list = call.list("axes", 1)?.ok_or_else(|| "has no axes".to_owned())?;
    let rank = shape.len() + list.len();
    let new = list.iter().map(|named| axis(*named, rank)).collect::<Computed<Vec<_>>>()?;
    let mut old = shape.iter();
    let sizes: Vec<usize> = (0..rank)
        .map(|place| {
            if new.contains(&place) {
                1
            } else {
                old.next().copied().unwrap_or(1)
            }
        })
        .collect();
    one(value.reshaped(&sizes)?)
}

pub(super) fn transpose(call: &Call) -> Results {
    let value = call.input(0)?;
    let shape = value.shape();
    let order = match call.integers("perm") {
        Some(list) => list.iter().map(|named| axis(*named, shape.len())).collect::<Computed<Vec<_>>>()?,
        None => (0..shape.len()).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted != (0..shape.len()).collect::<Vec<_>>() {
        return Err(format!("has {order:?} for an order of {} dimensions", shape.len()));
    }
    if let Value::Float(tensor) = value {
        let turned = tensor.permute(order).and_then(|turned| turned.contiguous());
        return one(Value::Float(turned.map_err(words)?));
    }
    let new: Vec<usize> = order.iter().map(|place| shape[*place]).collect();
    let steps = strides(&shape);
    let places = mapped(&new, |index| index.iter().zip(&order).map(|(at, place)| at * steps[*place]).sum());
    one(value.picked(&places, &new)?)
}

pub(super) fn concat(call: &Call) -> Results {
    let parts: Vec<&Value> = (0..call.inputs.len()).map(|place| call.input(place)).collect::<Computed<_>>()?;
    let first = parts.first().ok_or_else(|| "has no inputs".to_owned())?.shape();
    let along = axis(call.integer("axis", 0), first.len())?;
    let mut shape = first.clone();
    shape[along] = 0;
    for part in &parts {
        let own = part.shape();
        let fits = own.len() == first.len() && (0..own.len()).all(|place| place == along || own[place] == first[place]);
        if !fits {
            return Err(format!("cannot put the shapes {first:?} and {own:?} together along axis {along}"));
        }
        shape[along] += own[along];
    }
    call.room(&shape)?;
    if parts.iter().any(|part| matches!(part, Value::Text(_))) {
        let parts = parts.iter().map(|part| part.texts()).collect::<Computed<Vec<_>>>()?;
        return one(Value::Text(joined(&parts, along, shape)));
    }
    if parts.iter().all(|part| matches!(part, Value::Integer(_))) {
        let parts = parts.iter().map(|part| part.integers()).collect::<Computed<Vec<_>>>()?;
        return one(Value::Integer(joined(&parts, along, shape)));
    }
    let tensors = parts.iter().map(|part| part.float()).collect::<Computed<Vec<_>>>()?;
    one(Value::Float(Tensor::cat(&tensors, along).map_err(words)?))
}

fn joined<T: Clone>(parts: &[&Array<T>], along: usize, shape: Vec<usize>) -> Array<T> {
    let outer: usize = shape[..along].iter().product();
    let mut data = Vec::with_capacity(shape.iter().product());
    for row in 0..outer {
        for part in parts {
            let run: usize = part.shape[along..].iter().product();
            data.extend_from_slice(&part.data[row * run..(row + 1) * run]);
        }
    }
    Array::new(shape, data)
}

/// A run of indices along one axis.
fn narrowed(value: &Value, along: usize, start: usize, length: usize) -> Computed<Value> {
    if let Value::Float(tensor) = value {
        let part = tensor.narrow(along, start, length).and_then(|part| part.contiguous());
        return Ok(Value::Float(part.map_err(words)?));
    }
    along_axis(value, along, &(start..start + length).collect::<Vec<_>>())
}

/// Chosen indices along one axis.
fn along_axis(value: &Value, along: usize, chosen: &[usize]) -> Computed<Value> {
    let mut shape = value.shape();
    let steps = strides(&shape);
    shape[along] = chosen.len();
    let places = mapped(&shape, |index| {
        let each = index
            .iter()
            .enumerate()
            .map(|(place, at)| if place == along { chosen[*at] } else { *at });
        each.zip(&steps).map(|(at, step)| at * step).sum()
    });
    value.picked(&places, &shape)
}

pub(super) fn slice(call: &Call) -> Results {
    // Attributes before version 10.
    let list = |name: &str, place: usize| call.list(name, place)?.ok_or_else(|| format!("has no `{name}`"));
    let (starts, ends) = (list("starts", 1)?, list("ends", 2)?);
    let mut value = call.input(0)?.clone();
    let rank = value.shape().len();
    let axes = call.list("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = match call.optional(4) {
        Some(list) => list.integers()?.data.clone(),
        None => vec![1; starts.len()],
    };
    if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() {
        return Err("has lists of different lengths".to_owned());
    }
    for place in 0..starts.len() {
        let along = axis(axes[place], rank)?;
        let size = value.shape()[along] as i64;
        let step = steps[place];
        if size == 0 && step != 0 {
            continue;
        }
        let from_end = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
        let (low, high) = if step < 0 { (-1, size - 1) } else { (0, size) };
        let (start, end) = (
            from_end(starts[place]).clamp(low.max(0), high),
            from_end(ends[place]).clamp(low, high),
        );
        let chosen: Vec<usize> = match step {
            0 => return Err("goes in steps of 0".to_owned()),
            1 => {
                value = narrowed(&value, along, start as usize, (end - start).max(0) as usize)?;
                continue;
            }
            step if step > 0 => (start..end.max(start))
                .step_by(step.unsigned_abs() as usize)
                .map(|at| at as usize)
                .collect(),
            step => {
                let back = (end + 1..=start).rev();
                back.step_by(step.unsigned_abs() as usize).map(|at| at as usize).collect()
            }
        };
        value = along_axis(&value, along, &chosen)?;
    }
    one(value)
}

pub(super) fn split(call: &Call) -> Results {
    let value = call.input(0)?;
    let shape = value.shape();
    let along = axis(call.integer("axis", 0), shape.len())?;
    let size = shape[along];
    let parts = match call.list("split", 1)? {
        Some(list) => sizes(&list)?,
        None => {
            let count = usize::try_from(call.integer("num_outputs", call.node.outputs.len() as i64))
                .unwrap_or_default()
                .max(1);
            let each = size.div_ceil(count);
            (0..count.min(size.max(1)))
                .map(|part| each.min(size.saturating_sub(part * each)))
                .collect()
        }
    };
    if parts.iter().try_fold(0_usize, |sum, part| sum.checked_add(*part)) != Some(size) {
        return Err(format!("cuts {size} into {parts:?}"));
    }
    let mut start = 0;
    let mut results = Vec::with_capacity(parts.len());
    for length in parts {
        results.push(narrowed(value, along, start, length)?);
        start += length;
    }
    Ok(results)
}

/// Rows of a table by index: embeddings, and parts of shapes.
pub(super) fn gather(call: &Call) -> Results {
    let (value, which) = (call.input(0)?, call.input(1)?.integers()?);
    let shape = value.shape();
    let along = axis(call.integer("axis", 0), shape.len())?;
    let size = shape[along] as i64;
    let index = |named: &i64| {
        let counted = if *named < 0 { named.saturating_add(size) } else { *named };
        usize::try_from(counted)
            .ok()
            .filter(|at| *at < shape[along])
            .ok_or_else(|| format!("takes number {named} of {size}"))
    };
    let chosen = which.data.iter().map(index).collect::<Computed<Vec<_>>>()?;
    let new: Vec<usize> = shape[..along]
        .iter()
        .chain(&which.shape)
        .chain(&shape[along + 1..])
        .copied()
        .collect();
    call.room(&new)?;
    let found = match value {
        Value::Float(tensor) => {
            let numbers: Vec<u32> = chosen.iter().map(|at| *at as u32).collect();
            let numbers = Tensor::from_vec(numbers, chosen.len(), tensor.device()).map_err(words)?;
            Value::Float(
                tensor
                    .contiguous()
                    .and_then(|tensor| tensor.index_select(&numbers, along))
                    .map_err(words)?,
            )
        }
        other => along_axis(other, along, &chosen)?,
    };
    one(found.reshaped(&new)?)
}

pub(super) fn expand(call: &Call) -> Results {
    let value = call.input(0)?;
    let wanted = sizes(&call.input(1)?.integers()?.data)?;
    let shape = broadcast(&value.shape(), &wanted)?;
    call.room(&shape)?;
    if let Value::Float(tensor) = value {
        let wide = tensor.broadcast_as(shape).and_then(|wide| wide.contiguous());
        return one(Value::Float(wide.map_err(words)?));
    }
    one(value.picked(&broadcast_places(&value.shape(), &shape), &shape)?)
}

pub(super) fn tile(call: &Call) -> Results {
    let value = call.input(0)?;
    let shape = value.shape();
    let times = sizes(&call.input(1)?.integers()?.data)?;
    if times.len() != shape.len() {
        return Err(format!("repeats {} dimensions of {}", times.len(), shape.len()));
    }
    let multiplied = shape.iter().zip(&times).map(|(size, times)| size.checked_mul(*times));
    let new: Vec<usize> = multiplied.collect::<Option<_>>().ok_or_else(|| "would be too large".to_owned())?;
    call.room(&new)?;
    let steps = strides(&shape);
    let places = mapped(&new, |index| {
        index
            .iter()
            .zip(&shape)
            .zip(&steps)
            .map(|((at, size), step)| at % size * step)
            .sum()
    });
    one(value.picked(&places, &new)?)
}

pub(super) fn pad(call: &Call) -> Results {
    let value = call.input(0)?;
    let shape = value.shape();
    let list = call.list("pads", 1)?.ok_or_else(|| "has no sizes".to_owned())?;
    let named = match call.optional(3) {
        Some(list) => list
            .integers()?
            .data
            .iter()
            .map(|named| axis(*named, shape.len()))
            .collect::<Computed<Vec<_>>>()?,
        None => (0..shape.len()).collect(),
    };
    if list.len() != 2 * named.len() {
        return Err(format!("has {} sizes for {} dimensions", list.len(), named.len()));
    }
    let fill = match call.optional(2) {
        Some(value) => value.numbers()?.first().copied().unwrap_or(0.0),
        None => call.number("value", 0.0),
    };
    let mode = call.text("mode").unwrap_or("constant");
    let (mut before, mut new) = (vec![0_i64; shape.len()], shape.clone());
    for (place, along) in named.iter().enumerate() {
        before[*along] = list[place];
        let size = (shape[*along] as i64)
            .checked_add(list[place])
            .and_then(|size| size.checked_add(list[named.len() + place]));
        new[*along] = size
            .and_then(|size| usize::try_from(size).ok())
            .ok_or_else(|| "takes away more than there is".to_owned())?;
    }
    call.room(&new)?;
    padded(value, &before, &new, mode, fill)
}

/// Values in a larger (or smaller) frame: `before` of new ones before each axis.
fn padded(value: &Value, before: &[i64], new: &[usize], mode: &str, fill: f64) -> Results {
    let shape = value.shape();
    let steps = strides(&shape);
    let outside = value.len();
    let source = |at: usize, along: usize| -> Option<usize> {
        let (size, at) = (shape[along] as i64, at as i64 - before[along]);
        let inside = match mode {
            "edge" => at.max(0).min(size - 1),
            "reflect" if at < 0 => -at,
            "reflect" if at >= size => 2 * (size - 1) - at,
            "wrap" => at.rem_euclid(size.max(1)),
            _ => at,
        };
        (0..size).contains(&inside).then_some(inside as usize)
    };
    if !["constant", "edge", "reflect", "wrap"].contains(&mode) {
        return Err(format!("pads by `{mode}`, which is not supported"));
    }
    let places = mapped(new, |index| {
        let each = index.iter().enumerate().map(|(along, at)| source(*at, along));
        each.zip(&steps)
            .try_fold(0, |sum, (at, step)| at.map(|at| sum + at * step))
            .unwrap_or(outside)
    });
    match value {
        Value::Float(tensor) => {
            let extra = Tensor::full(fill as f32, 1, tensor.device()).and_then(|extra| extra.to_dtype(tensor.dtype()));
            let flat = tensor.flatten_all().and_then(|flat| Tensor::cat(&[&flat, &extra?], 0));
            one(Value::Float(flat.map_err(words)?).picked(&places, new)?)
        }
        Value::Integer(array) => {
            let mut data = array.data.clone();
            data.push(fill as i64);
            one(Value::Integer(Array::list(data)).picked(&places, new)?)
        }
        Value::Text(_) => Err("takes numbers, and is given texts".to_owned()),
    }
}
