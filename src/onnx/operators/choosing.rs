//! Operators that take some of the values they are given: the largest ones, or those at places that are computed.

use candle_core::Tensor;

use super::products::product;
use super::{Call, Results, floats, one};
use crate::onnx::value::{Array, Computed, Value, axis, mapped, strides, words};

/// A place among `size`, counted from the end where it is negative.
fn counted(named: i64, size: usize) -> Computed<usize> {
    axis(named, size).map_err(|_| format!("takes number {named} of {size}"))
}

pub(super) fn top(call: &Call) -> Results {
    let value = call.input(0)?;
    let shape = value.shape();
    let along = axis(call.integer("axis", -1), shape.len())?;
    let count = call
        .list("k", 1)?
        .and_then(|list| list.first().copied())
        .or(call.attribute("k").and_then(|k| k.integer));
    let count = count
        .and_then(|count| usize::try_from(count).ok())
        .filter(|count| *count <= shape[along]);
    let count = count.ok_or_else(|| format!("takes another number of values than there are: {} along axis {along}", shape[along]))?;
    let largest = call.integer("largest", 1) != 0;
    let numbers = value.numbers()?;
    let step = strides(&shape)[along];
    let mut wanted = shape.clone();
    wanted[along] = 1;
    let steps = strides(&shape);
    let starts = mapped(&wanted, |index| index.iter().zip(&steps).map(|(at, step)| at * step).sum());
    // Of equals the first; what is not a number is larger than all, as in onnxruntime.
    let mut orders = Vec::with_capacity(starts.len());
    for start in &starts {
        let mut order: Vec<usize> = (0..shape[along]).collect();
        let of = |place: usize| numbers[start + place * step];
        order.sort_by(|a, b| match largest {
            true => of(*b).total_cmp(&of(*a)),
            false => of(*a).total_cmp(&of(*b)),
        });
        orders.push(order);
    }
    let mut new = shape.clone();
    new[along] = count;
    call.room(&new)?;
    let lanes = strides(&wanted);
    let mut taken = Vec::new();
    let places = mapped(&new, |index| {
        let lane = index
            .iter()
            .zip(&lanes)
            .enumerate()
            .map(|(axis, (at, step))| if axis == along { 0 } else { at * step });
        let lane: usize = lane.sum();
        let chosen = orders[lane][index[along]];
        taken.push(chosen as i64);
        starts[lane] + chosen * step
    });
    Ok(vec![value.picked(&places, &new)?, Value::Integer(Array::new(new, taken))])
}

/// One value for each place that is named, along an axis.
pub(super) fn gather_elements(call: &Call) -> Results {
    let (value, which) = (call.input(0)?, call.input(1)?.integers()?);
    let shape = value.shape();
    let along = axis(call.integer("axis", 0), shape.len())?;
    one(value.picked(&named_places(&shape, which, along)?, &which.shape)?)
}

/// For every place of `which` the flat place in values of `shape` that it names along an axis.
fn named_places(shape: &[usize], which: &Array<i64>, along: usize) -> Computed<Vec<usize>> {
    let fits = which.shape.len() == shape.len()
        && which
            .shape
            .iter()
            .zip(shape)
            .enumerate()
            .all(|(axis, (own, size))| axis == along || own <= size);
    if !fits {
        return Err(format!(
            "takes places of the shape {:?} in values of the shape {shape:?}",
            which.shape
        ));
    }
    let chosen = which
        .data
        .iter()
        .map(|named| counted(*named, shape[along]))
        .collect::<Computed<Vec<_>>>()?;
    let (steps, own) = (strides(shape), strides(&which.shape));
    Ok(mapped(&which.shape, |index| {
        let at = |axis: usize| {
            if axis == along {
                chosen[index.iter().zip(&own).map(|(at, step)| at * step).sum::<usize>()]
            } else {
                index[axis]
            }
        };
        steps.iter().enumerate().map(|(axis, step)| at(axis) * step).sum()
    }))
}

/// Flat places of the slices that rows of whole numbers name, and the shape of one.
fn slices(shape: &[usize], which: &Array<i64>, batch: usize) -> Computed<(Vec<usize>, Vec<usize>)> {
    let depth = which.shape.last().copied().unwrap_or(0);
    let inner = shape
        .get(batch + depth..)
        .ok_or_else(|| format!("names {depth} axes of values of the shape {shape:?}"))?;
    if which.shape.len() <= batch || which.shape[..batch] != shape[..batch] {
        return Err(format!(
            "takes places of the shape {:?} in values of the shape {shape:?}",
            which.shape
        ));
    }
    let steps = strides(shape);
    let outer: usize = which.shape[..which.shape.len() - 1].iter().product();
    let per_batch = outer / shape[..batch].iter().product::<usize>().max(1);
    let batch_step: usize = shape[batch..].iter().product();
    let starts = (0..outer).map(|row| {
        let named = which.data[row * depth..(row + 1) * depth].iter().enumerate();
        let at = named.map(|(axis, named)| Ok(counted(*named, shape[batch + axis])? * steps[batch + axis]));
        Ok(row / per_batch.max(1) * batch_step + at.sum::<Computed<usize>>()?)
    });
    Ok((starts.collect::<Computed<_>>()?, inner.to_vec()))
}

pub(super) fn gather_slices(call: &Call) -> Results {
    let (value, which) = (call.input(0)?, call.input(1)?.integers()?);
    let batch = usize::try_from(call.integer("batch_dims", 0)).unwrap_or(usize::MAX);
    let shape = value.shape();
    if batch > shape.len() || which.shape.is_empty() {
        return Err("has axes that do not exist".to_owned());
    }
    let (starts, inner) = slices(&shape, which, batch)?;
    let size: usize = inner.iter().product();
    let new: Vec<usize> = which.shape[..which.shape.len() - 1].iter().copied().chain(inner).collect();
    call.room(&new)?;
    let places: Vec<usize> = starts.iter().flat_map(|start| *start..start + size).collect();
    one(value.picked(&places, &new)?)
}

/// Values with others in some of their places: `ScatterElements` and `ScatterND`.
pub(super) fn scatter(call: &Call) -> Results {
    if call.text("reduction").is_some_and(|how| how != "none") {
        return Err("is not supported with these attributes".to_owned());
    }
    let (value, which, new) = (call.input(0)?, call.input(1)?.integers()?, call.input(2)?);
    let shape = value.shape();
    let places = if call.node.operator == "ScatterElements" {
        named_places(&shape, which, axis(call.integer("axis", 0), shape.len())?)?
    } else {
        let (starts, inner) = slices(&shape, which, 0)?;
        let size: usize = inner.iter().product();
        call.room(&[starts.len(), size])?;
        starts.iter().flat_map(|start| *start..start + size).collect()
    };
    if places.len() != new.len() {
        return Err(format!("has {} values for {} places", new.len(), places.len()));
    }
    let old: usize = shape.iter().product();
    let mut from: Vec<usize> = (0..old).collect();
    for (number, place) in places.iter().enumerate() {
        from[*place] = old + number;
    }
    // Both behind each other: every place takes its value from the one or the other.
    let both = match (value, new) {
        (Value::Float(value), Value::Float(new)) => Value::Float(
            value
                .flatten_all()
                .and_then(|value| Tensor::cat(&[&value, &new.flatten_all()?], 0))
                .map_err(words)?,
        ),
        (Value::Integer(value), Value::Integer(new)) => Value::Integer(Array::list([value.data.as_slice(), &new.data].concat())),
        _ => return Err("takes values of one kind".to_owned()),
    };
    one(both.picked(&from, &shape)?)
}

/// Sums of all values up to each along an axis, as a product with ones below a diagonal.
pub(super) fn running_sum(call: &Call) -> Results {
    let value = call.input(0)?;
    let shape = value.shape();
    let along = call.input(1)?.integers()?.data.first().copied().unwrap_or(0);
    let along = axis(along, shape.len())?;
    let size = shape[along];
    call.room(&[size, size])?;
    let (exclusive, reverse) = (call.integer("exclusive", 0) != 0, call.integer("reverse", 0) != 0);
    let counts = |from: usize, to: usize| {
        let (from, to) = if reverse { (to, from) } else { (from, to) };
        from < to || (from == to && !exclusive)
    };
    let ones = (0..size * size)
        .map(|at| if counts(at / size, at % size) { 1.0 } else { 0.0 })
        .collect();
    let whole = matches!(value, Value::Integer(_));
    let numbers = match value {
        Value::Float(tensor) => tensor.clone(),
        other => Tensor::from_vec(other.numbers()?, shape.as_slice(), &candle_core::Device::Cpu).map_err(words)?,
    };
    let ones = super::tensor(ones, &[size, size], numbers.dtype())?;
    let last = shape.len() - 1;
    let turned = numbers
        .transpose(along, last)
        .and_then(|turned| turned.contiguous())
        .map_err(words)?;
    let sums = product(&turned, &ones)?
        .transpose(along, last)
        .and_then(|sums| sums.contiguous())
        .map_err(words)?;
    match whole {
        true => {
            let sums = Value::Float(sums).numbers()?;
            one(Value::Integer(Array::new(shape, sums.iter().map(|sum| *sum as i64).collect())))
        }
        false => floats(Ok(sums)),
    }
}

/// The part of matrices above a diagonal, or below one.
pub(super) fn triangle(call: &Call) -> Results {
    let value = call.input(0)?;
    let shape = value.shape();
    let [.., rows, columns] = *shape.as_slice() else {
        return Err("takes matrices".to_owned());
    };
    let diagonal = match call.optional(1) {
        Some(value) => value.integers()?.data.first().copied().unwrap_or(0),
        None => 0,
    };
    let upper = call.integer("upper", 1) != 0;
    let stays = |place: usize| {
        let (row, column) = ((place / columns % rows) as i64, (place % columns) as i64);
        if upper {
            column >= row.saturating_add(diagonal)
        } else {
            column <= row.saturating_add(diagonal)
        }
    };
    match value {
        Value::Float(tensor) => {
            let mask: Vec<u8> = (0..tensor.elem_count()).map(|place| u8::from(stays(place))).collect();
            let mask = Tensor::from_vec(mask, shape.as_slice(), tensor.device());
            floats(mask.and_then(|mask| mask.where_cond(&tensor.contiguous()?, &tensor.zeros_like()?)))
        }
        Value::Integer(array) => {
            let kept = array
                .data
                .iter()
                .enumerate()
                .map(|(place, value)| if stays(place) { *value } else { 0 });
            one(Value::Integer(Array::new(shape, kept.collect())))
        }
        Value::Text(_) => Err("takes numbers, and is given texts".to_owned()),
    }
}
