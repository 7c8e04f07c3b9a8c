//! Softmax and attention.

use candle_core::Tensor;

use super::products::product;
use super::{Call, Results, floats};
use crate::onnx::value::{Computed, Value, axis, words};

/// What a place that is masked gets instead of its score.
const MASKED: f64 = -1e30;

/// Softmax along an axis, or its logarithm.
fn softened(x: &Tensor, along: usize, logarithm: bool) -> candle_core::Result<Tensor> {
    let shifted = x.broadcast_sub(&x.max_keepdim(along)?.detach())?;
    let powers = shifted.exp()?;
    let total = powers.sum_keepdim(along)?;
    if logarithm {
        shifted.broadcast_sub(&total.log()?)
    } else {
        powers.broadcast_div(&total)
    }
}

/// Softmax and its logarithm. Before version 13 all axes from the given one on are one.
pub(super) fn softmax(call: &Call) -> Results {
    let x = call.float(0)?;
    let shape = x.dims().to_vec();
    let old = call.opset < 13;
    let along = axis(call.integer("axis", if old { 1 } else { -1 }), shape.len())?;
    let (flat, along) = if old {
        let rows: usize = shape[..along].iter().product();
        (vec![rows, shape[along..].iter().product()], 1)
    } else {
        (shape.clone(), along)
    };
    if flat.contains(&0) {
        return Err("has no values".to_owned());
    }
    let logarithm = call.node.operator == "LogSoftmax";
    let run = || softened(&x.reshape(flat.as_slice())?, along, logarithm)?.reshape(shape.as_slice());
    floats(run())
}

/// An input as rows x heads x places x values, whether its heads lie side by side or on an axis of their own.
fn heads(call: &Call, place: usize, count: &str) -> Computed<Tensor> {
    let x = call.float(place)?;
    match *x.dims() {
        [_, _, _, _] => Ok(x.clone()),
        [rows, places, all] => {
            let heads = usize::try_from(call.integer(count, 0)).unwrap_or(0);
            if heads == 0 || !all.is_multiple_of(heads) {
                return Err(format!("cannot divide {all} values into {heads} heads"));
            }
            let parted = x
                .reshape((rows, places, heads, all / heads))
                .and_then(|x| x.transpose(1, 2)?.contiguous());
            parted.map_err(words)
        }
        _ => Err(format!("takes values of three or four dimensions, and is given {:?}", x.dims())),
    }
}

/// Every head as often as queries share it.
fn shared(x: Tensor, heads: usize) -> Computed<Tensor> {
    let (rows, own, places, width) = x.dims4().map_err(words)?;
    if own == heads {
        return Ok(x);
    }
    if own == 0 || !heads.is_multiple_of(own) {
        return Err(format!("has {heads} heads of queries for {own} heads of keys"));
    }
    let times = heads / own;
    let wide = x.unsqueeze(2).and_then(|x| {
        x.broadcast_as((rows, own, times, places, width))?
            .contiguous()?
            .reshape((rows, heads, places, width))
    });
    wide.map_err(words)
}

/// What is added to the scores: a mask of numbers, or one of truths.
fn mask(call: &Call) -> Computed<Option<Tensor>> {
    Ok(match call.optional(3) {
        None => None,
        Some(Value::Integer(array)) => {
            let added = array.data.iter().map(|seen| if *seen == 0 { MASKED } else { 0.0 }).collect();
            Some(call.tensor(added, &array.shape)?)
        }
        Some(other) => {
            let numbers = other.float()?;
            // Places that are masked by infinity: what is subtracted from it is not a number.
            let least = Tensor::new(MASKED, numbers.device()).and_then(|least| least.to_dtype(numbers.dtype()));
            Some(least.and_then(|least| numbers.broadcast_maximum(&least)).map_err(words)?)
        }
    })
}

/// Attention of version 23: queries, keys and values in heads, with a mask.
pub(super) fn attention(call: &Call) -> Results {
    if (4..=6).any(|place| call.optional(place).is_some()) {
        return Err("takes keys and values of the past, which a table's model has none of".to_owned());
    }
    if call.number("softcap", 0.0) != 0.0 || call.node.outputs.iter().skip(3).any(|name| !name.is_empty()) {
        return Err("is not supported with these attributes".to_owned());
    }
    let (queries, keys, values) = (
        heads(call, 0, "q_num_heads")?,
        heads(call, 1, "kv_num_heads")?,
        heads(call, 2, "kv_num_heads")?,
    );
    let (rows, count, places, width) = queries.dims4().map_err(words)?;
    let others = keys.dims()[2];
    call.room(&[rows, count, places, others])?;
    let (present_keys, present_values) = (keys.clone(), values.clone());
    let (keys, values) = (shared(keys, count)?, shared(values, count)?);
    call.room(keys.dims())?;
    let scale = match call.number("scale", 0.0) {
        0.0 => 1.0 / (width.max(1) as f64).sqrt(),
        scale => scale,
    };
    let turned = keys.transpose(2, 3).and_then(|keys| keys.contiguous()).map_err(words)?;
    let mut scores = (product(&queries, &turned)? * scale).map_err(words)?;
    if let Some(mask) = mask(call)? {
        scores = scores.broadcast_add(&mask).map_err(words)?;
    }
    if call.integer("is_causal", 0) != 0 {
        let later = (0..places * others).map(|at| if at % others > at / others { MASKED } else { 0.0 });
        let later = call.tensor(later.collect(), &[places, others])?;
        scores = scores.broadcast_add(&later).map_err(words)?;
    }
    if scores.dims() != [rows, count, places, others] {
        return Err(format!(
            "has a mask that does not fit scores of the shape {:?}",
            [rows, count, places, others]
        ));
    }
    let found = product(&softened(&scores, 3, false).map_err(words)?, &values)?;
    let side_by_side = call.float(0)?.rank() == 3;
    let found = match side_by_side {
        true => found
            .transpose(1, 2)
            .and_then(|found| found.contiguous()?.reshape((rows, places, ()))),
        false => Ok(found),
    };
    Ok([found.map_err(words)?, present_keys, present_values].map(Value::Float).into())
}
