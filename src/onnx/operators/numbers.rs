//! Arithmetic, comparisons and reductions.

use candle_core::Tensor;

use super::{Call, Results, floats, one};
use crate::onnx::elementwise::Function;
use crate::onnx::file::kind;
use crate::onnx::value::{Array, Computed, Value, axis, broadcast, broadcast_places, flat, mapped, strides, words};

fn function(call: &Call) -> Computed<Function> {
    Ok(match call.node.operator.as_str() {
        "Abs" => Function::Absolute,
        "Ceil" => Function::Ceiling,
        "Celu" => Function::Celu(call.number("alpha", 1.0)),
        "Cos" => Function::Cosine,
        "Elu" => Function::Elu(call.number("alpha", 1.0)),
        "Erf" => Function::Erf,
        "Exp" => Function::Exp,
        "Floor" => Function::Floor,
        "Gelu" if call.text("approximate") == Some("tanh") => Function::GeluTanh,
        "Gelu" => Function::GeluExact,
        "HardSigmoid" => Function::HardSigmoid {
            alpha: call.number("alpha", 0.2),
            beta: call.number("beta", 0.5),
        },
        "HardSwish" => Function::HardSwish,
        "LeakyRelu" => Function::LeakyRelu(call.number("alpha", 0.01)),
        "Log" => Function::Log,
        "Mish" => Function::Mish,
        "Asinh" => Function::InverseHyperbolicSine,
        "Atan" => Function::InverseTangent,
        "Cosh" => Function::HyperbolicCosine,
        "Round" => Function::Round,
        "Sinh" => Function::HyperbolicSine,
        "Tan" => Function::Tangent,
        "Reciprocal" => Function::Reciprocal,
        "Relu" => Function::Relu,
        "Selu" => Function::Selu {
            alpha: call.number("alpha", 1.673_263_192_176_818_8),
            gamma: call.number("gamma", 1.050_701_022_148_132_3),
        },
        "Sigmoid" => Function::Sigmoid,
        "Sign" => Function::Sign,
        "Sin" => Function::Sine,
        "Softplus" => Function::Softplus,
        "Softsign" => Function::Softsign,
        "Sqrt" => Function::Sqrt,
        "Swish" if call.number("alpha", 1.0) == 1.0 => Function::Silu,
        "Tanh" => Function::Tanh,
        "ThresholdedRelu" => Function::ThresholdedRelu(call.number("alpha", 1.0)),
        _ => return Err("is not supported with these attributes".to_owned()),
    })
}

pub(super) fn unary(call: &Call) -> Results {
    if let Value::Integer(array) = call.input(0)? {
        let new = |with: fn(i64) -> i64| Array::new(array.shape.clone(), array.data.iter().map(|value| with(*value)).collect());
        return match call.node.operator.as_str() {
            "Abs" => one(Value::Integer(new(i64::wrapping_abs))),
            "Sign" => one(Value::Integer(new(i64::signum))),
            _ => Err("takes numbers with a point, and is given whole numbers".to_owned()),
        };
    }
    floats(function(call)?.of(call.float(0)?))
}

pub(super) fn negative(call: &Call) -> Results {
    match call.input(0)? {
        Value::Integer(array) => {
            let not = call.node.operator == "Not";
            let new = |value: &i64| if not { i64::from(*value == 0) } else { value.wrapping_neg() };
            one(Value::Integer(Array::new(
                array.shape.clone(),
                array.data.iter().map(new).collect(),
            )))
        }
        other => floats(other.float()?.neg()),
    }
}

/// Two arrays of whole numbers or texts, brought to one shape.
fn together<T: Clone>(call: &Call, one: &Array<T>, other: &Array<T>) -> Computed<(Array<T>, Array<T>)> {
    let shape = broadcast(&one.shape, &other.shape)?;
    call.room(&shape)?;
    let picked = |array: &Array<T>| array.picked(&broadcast_places(&array.shape, &shape), &shape);
    Ok((picked(one), picked(other)))
}

/// Both inputs as floats, where one is.
fn as_floats(call: &Call, place: usize) -> Computed<Tensor> {
    match call.input(place)? {
        Value::Float(tensor) => Ok(tensor.clone()),
        other => call.tensor(other.numbers()?, &other.shape()),
    }
}

pub(super) fn binary(call: &Call) -> Results {
    let name = call.node.operator.as_str();
    if let (Value::Integer(left), Value::Integer(right)) = (call.input(0)?, call.input(1)?) {
        let (left, right) = together(call, left, right)?;
        let with = |(a, b): (&i64, &i64)| match name {
            "Add" => Ok(a.wrapping_add(*b)),
            "Sub" => Ok(a.wrapping_sub(*b)),
            "Mul" => Ok(a.wrapping_mul(*b)),
            // Towards 0, as in C.
            _ => a.checked_div(*b).ok_or_else(|| "divides a whole number by 0".to_owned()),
        };
        let data = left.data.iter().zip(&right.data).map(with).collect::<Computed<_>>()?;
        return one(Value::Integer(Array::new(left.shape, data)));
    }
    let (left, right) = (as_floats(call, 0)?, as_floats(call, 1)?);
    call.room(&broadcast(left.dims(), right.dims())?)?;
    floats(match name {
        "Add" => left.broadcast_add(&right),
        "Sub" => left.broadcast_sub(&right),
        "Mul" => left.broadcast_mul(&right),
        _ => left.broadcast_div(&right),
    })
}

/// What is left of a division of whole numbers, with the sign of the divisor, or of the dividend (`fmod`).
pub(super) fn remainder(call: &Call) -> Results {
    let (left, right) = together(call, call.input(0)?.integers()?, call.input(1)?.integers()?)?;
    let as_in_c = call.integer("fmod", 0) != 0;
    let rest = |(a, b): (&i64, &i64)| {
        let rest = a.checked_rem(*b).ok_or_else(|| "divides a whole number by 0".to_owned())?;
        let turned = !as_in_c && rest != 0 && (rest < 0) != (*b < 0);
        Ok(if turned { rest + b } else { rest })
    };
    let data = left.data.iter().zip(&right.data).map(rest).collect::<Computed<_>>()?;
    one(Value::Integer(Array::new(left.shape, data)))
}

/// The sum of several, or their mean.
pub(super) fn sum(call: &Call) -> Results {
    let mut total = as_floats(call, 0)?;
    for place in 1..call.inputs.len() {
        let next = as_floats(call, place)?;
        call.room(&broadcast(total.dims(), next.dims())?)?;
        total = total.broadcast_add(&next).map_err(words)?;
    }
    if call.node.operator == "Mean" {
        total = (total / call.inputs.len() as f64).map_err(words)?;
    }
    one(Value::Float(total))
}

/// The larger or smaller of several, value by value; of equals the first.
pub(super) fn extreme(call: &Call) -> Results {
    let largest = call.node.operator == "Max";
    if call.inputs.iter().flatten().all(|value| matches!(value, Value::Integer(_))) {
        let mut found = call.input(0)?.integers()?.clone();
        for place in 1..call.inputs.len() {
            let (left, right) = together(call, &found, call.input(place)?.integers()?)?;
            let pick = |(a, b): (&i64, &i64)| if largest { *a.max(b) } else { *a.min(b) };
            found = Array::new(left.shape, left.data.iter().zip(&right.data).map(pick).collect());
        }
        return one(Value::Integer(found));
    }
    let mut found = as_floats(call, 0)?;
    for place in 1..call.inputs.len() {
        let other = as_floats(call, place)?;
        let shape = broadcast(found.dims(), other.dims())?;
        call.room(&shape)?;
        let whole = |tensor: &Tensor| {
            tensor
                .broadcast_as(shape.as_slice())
                .and_then(|wide| wide.contiguous())
                .map_err(words)
        };
        let (left, right) = (whole(&found)?, whole(&other)?);
        let take_left = if largest { left.ge(&right) } else { left.le(&right) };
        found = take_left.and_then(|mask| mask.where_cond(&left, &right)).map_err(words)?;
    }
    one(Value::Float(found))
}

pub(super) fn compare(call: &Call) -> Results {
    let name = call.node.operator.as_str();
    let test = |a: f64, b: f64| match name {
        "And" => a != 0.0 && b != 0.0,
        "Or" => a != 0.0 || b != 0.0,
        "Xor" => (a != 0.0) != (b != 0.0),
        "Equal" => a == b,
        "Greater" => a > b,
        "GreaterOrEqual" => a >= b,
        "Less" => a < b,
        _ => a <= b,
    };
    let (left, right) = (call.input(0)?, call.input(1)?);
    if let (Value::Text(left), Value::Text(right)) = (left, right) {
        let (left, right) = together(call, left, right)?;
        let data = left.data.iter().zip(&right.data).map(|(a, b)| i64::from(a == b)).collect();
        return one(Value::Integer(Array::new(left.shape, data)));
    }
    let (left, right) = (
        Array::new(left.shape(), left.numbers()?),
        Array::new(right.shape(), right.numbers()?),
    );
    let (left, right) = together(call, &left, &right)?;
    let data = left.data.iter().zip(&right.data).map(|(a, b)| i64::from(test(*a, *b))).collect();
    one(Value::Integer(Array::new(left.shape, data)))
}

pub(super) fn choose(call: &Call) -> Results {
    let condition = call.input(0)?.integers()?;
    let (yes, no) = (call.input(1)?, call.input(2)?);
    let shape = broadcast(&broadcast(&condition.shape, &yes.shape())?, &no.shape())?;
    call.room(&shape)?;
    let chosen = condition.picked(&broadcast_places(&condition.shape, &shape), &shape);
    match (yes, no) {
        (Value::Integer(_), Value::Integer(_)) | (Value::Text(_), Value::Text(_)) => {
            let whole = |value: &Value| value.picked(&broadcast_places(&value.shape(), &shape), &shape);
            one(match (whole(yes)?, whole(no)?) {
                (Value::Integer(yes), Value::Integer(no)) => Value::Integer(merged(&chosen, &yes, &no)),
                (Value::Text(yes), Value::Text(no)) => Value::Text(merged(&chosen, &yes, &no)),
                (yes, _) => yes,
            })
        }
        _ => {
            let whole = |tensor: Tensor| {
                tensor
                    .broadcast_as(shape.as_slice())
                    .and_then(|wide| wide.contiguous())
                    .map_err(words)
            };
            let (yes, no) = (whole(as_floats(call, 1)?)?, whole(as_floats(call, 2)?)?);
            let mask: Vec<u8> = chosen.data.iter().map(|value| u8::from(*value != 0)).collect();
            let mask = Tensor::from_vec(mask, shape.as_slice(), yes.device());
            floats(mask.and_then(|mask| mask.where_cond(&yes, &no)))
        }
    }
}

fn merged<T: Clone>(chosen: &Array<i64>, yes: &Array<T>, no: &Array<T>) -> Array<T> {
    let pairs = chosen.data.iter().zip(yes.data.iter().zip(&no.data));
    let data = pairs.map(|(chosen, (yes, no))| if *chosen != 0 { yes.clone() } else { no.clone() });
    Array::new(chosen.shape.clone(), data.collect())
}

pub(super) fn cast(call: &Call) -> Results {
    let value = call.input(0)?;
    let to = match (call.node.operator.as_str(), call.optional(1)) {
        ("CastLike", Some(Value::Float(_))) => kind::FLOAT,
        ("CastLike", Some(Value::Integer(_))) => kind::INT64,
        ("CastLike", Some(Value::Text(_))) => kind::STRING,
        _ => call.integer("to", 0),
    };
    let shape = value.shape();
    if kind::is_float(to) {
        return match value {
            Value::Float(tensor) => one(Value::Float(tensor.clone())),
            Value::Integer(_) => one(Value::Float(call.tensor(value.numbers()?, &shape)?)),
            Value::Text(array) => {
                let read = |text: &String| {
                    text.trim()
                        .parse()
                        .map_err(|_| format!("takes `{text}` for a number, and it is none"))
                };
                let numbers = array.data.iter().map(read).collect::<Computed<Vec<f64>>>()?;
                one(Value::Float(call.tensor(numbers, &shape)?))
            }
        };
    }
    match (to, value) {
        (kind::STRING, Value::Text(array)) => one(Value::Text(array.clone())),
        (kind::STRING, Value::Integer(array)) => one(Value::Text(Array::new(shape, array.data.iter().map(i64::to_string).collect()))),
        (kind::STRING, Value::Float(tensor)) => {
            let texts = flat(tensor)?.into_iter().map(|value| (value as f32).to_string());
            one(Value::Text(Array::new(shape, texts.collect())))
        }
        (kind::BOOL, value) => {
            let data = value.numbers()?.into_iter().map(|value| i64::from(value != 0.0));
            one(Value::Integer(Array::new(shape, data.collect())))
        }
        (_, Value::Text(array)) => {
            let read = |text: &String| {
                text.trim()
                    .parse()
                    .map_err(|_| format!("takes `{text}` for a whole number, and it is none"))
            };
            one(Value::Integer(Array::new(
                shape,
                array.data.iter().map(read).collect::<Computed<_>>()?,
            )))
        }
        (_, Value::Integer(array)) => one(Value::Integer(array.clone())),
        (_, value) => {
            let data = value.numbers()?.into_iter().map(|value| value as i64);
            one(Value::Integer(Array::new(shape, data.collect())))
        }
    }
}

pub(super) fn clip(call: &Call) -> Results {
    let bound = |place: usize, default: f64| -> Computed<f64> {
        let found = call.optional(place).map(Value::numbers).transpose()?;
        Ok(found.and_then(|values| values.first().copied()).unwrap_or(default))
    };
    // Attributes before version 11.
    let (low, high) = (
        bound(1, call.number("min", f64::NEG_INFINITY))?,
        bound(2, call.number("max", f64::INFINITY))?,
    );
    match call.input(0)? {
        Value::Integer(array) => {
            let data = array.data.iter().map(|value| (*value as f64).max(low).min(high) as i64);
            one(Value::Integer(Array::new(array.shape.clone(), data.collect())))
        }
        other => floats(Function::Clip { low, high }.of(other.float()?)),
    }
}

pub(super) fn power(call: &Call) -> Results {
    let base = as_floats(call, 0)?;
    let exponent = call.input(1)?;
    let powers = exponent.numbers()?;
    let (first, same) = match powers.first() {
        Some(first) => (*first, powers.iter().all(|power| power == first)),
        None => return Err("has no exponent".to_owned()),
    };
    if !same {
        return one(Value::Float(powers_apart(call, &base, exponent)?));
    }
    let shape = broadcast(base.dims(), &exponent.shape())?;
    call.room(&shape)?;
    let wide = base.broadcast_as(shape.as_slice()).map_err(words)?;
    floats(match first {
        2.0 => wide.contiguous().and_then(|wide| &wide * &wide),
        power => Function::Power(power).of(&wide),
    })
}

/// The most exponents that one node may have.
const MOST_EXPONENTS: usize = 1024;

/// Powers with exponents that differ, such as one of each column; gradients go to the base.
fn powers_apart(call: &Call, base: &Tensor, exponent: &Value) -> Computed<Tensor> {
    let shape = broadcast(base.dims(), &exponent.shape())?;
    call.room(&shape)?;
    let own = exponent.numbers()?;
    let own: Vec<f64> = broadcast_places(&exponent.shape(), &shape)
        .into_iter()
        .map(|place| own[place])
        .collect();
    let mut distinct = own.clone();
    distinct.sort_unstable_by(f64::total_cmp);
    distinct.dedup();
    if distinct.len() > MOST_EXPONENTS {
        return Err(format!(
            "has {} exponents, and {MOST_EXPONENTS} at most are supported",
            distinct.len()
        ));
    }
    let wide = base
        .broadcast_as(shape.as_slice())
        .and_then(|wide| wide.contiguous())
        .map_err(words)?;
    let one = wide.ones_like().map_err(words)?;
    let mut found = wide.zeros_like().map_err(words)?;
    for power in distinct {
        let mask: Vec<u8> = own
            .iter()
            .map(|own| u8::from(*own == power || own.is_nan() && power.is_nan()))
            .collect();
        let run = || {
            let mask = Tensor::from_vec(mask, shape.as_slice(), wide.device())?;
            // 1 elsewhere, so that no other value makes a gradient that is no number.
            let own = mask.where_cond(&wide, &one)?;
            mask.where_cond(&Function::Power(power).of(&own)?, &found)
        };
        found = run().map_err(words)?;
    }
    Ok(found)
}

/// Axes to reduce over; all, where none are named.
fn axes(call: &Call, rank: usize) -> Computed<Option<Vec<usize>>> {
    let named = call.list("axes", 1)?.filter(|list| !list.is_empty());
    if named.is_none() && call.integer("noop_with_empty_axes", 0) == 1 {
        return Ok(None);
    }
    let mut axes = match named {
        Some(list) => list.iter().map(|named| axis(*named, rank)).collect::<Computed<Vec<_>>>()?,
        None => (0..rank).collect(),
    };
    axes.sort_unstable();
    axes.dedup();
    Ok(Some(axes))
}

/// The shape of a reduction, with or without the axes that it was over.
fn reduced(shape: &[usize], axes: &[usize], keep: bool) -> Vec<usize> {
    let left = shape.iter().enumerate().filter(|(place, _)| keep || !axes.contains(place));
    left.map(|(place, size)| if axes.contains(&place) { 1 } else { *size }).collect()
}

pub(super) fn reduce(call: &Call) -> Results {
    let value = call.input(0)?;
    let shape = value.shape();
    let Some(axes) = axes(call, shape.len())? else {
        return one(value.clone());
    };
    let kept = reduced(&shape, &axes, call.integer("keepdims", 1) != 0);
    let name = call.node.operator.as_str();
    if let Value::Integer(array) = value {
        let open = reduced(&shape, &axes, true);
        let mut totals = vec![0_i64; open.iter().product()];
        for (value, place) in array.data.iter().zip(broadcast_places(&open, &shape)) {
            totals[place] = totals[place].wrapping_add(*value);
        }
        if name != "ReduceSum" {
            return Err("takes numbers with a point, and is given whole numbers".to_owned());
        }
        return one(Value::Integer(Array::new(kept, totals)));
    }
    let tensor = value.float()?;
    let count: usize = axes.iter().map(|place| shape[*place]).product();
    let sum = |of: &Tensor| of.sum_keepdim(axes.as_slice()).and_then(|total| total.reshape(kept.as_slice()));
    floats(match name {
        "ReduceMean" => sum(tensor).and_then(|total| total / count as f64),
        "ReduceL1" => sum(&Function::Absolute.of(tensor).map_err(words)?),
        "ReduceL2" => sum(&tensor.sqr().map_err(words)?).and_then(|total| Function::Power(0.5).of(&total)),
        "ReduceSumSquare" => tensor.sqr().and_then(|square| sum(&square)),
        "ReduceLogSum" => sum(tensor).and_then(|total| total.log()),
        "ReduceLogSumExp" => {
            // The largest value goes out first, so that nothing overflows.
            let places = extreme_places(&value.numbers()?, &shape, &axes, true)?;
            let largest = value.picked(&places, &reduced(&shape, &axes, true))?.float()?.detach();
            let rest = tensor.broadcast_sub(&largest).and_then(|rest| rest.exp()).map_err(words)?;
            sum(&rest).and_then(|total| total.log()? + largest.reshape(kept.as_slice())?)
        }
        _ => sum(tensor),
    })
}

/// The product along axes; whole numbers are sizes of shapes.
pub(super) fn product_of(call: &Call) -> Results {
    let value = call.input(0)?;
    let shape = value.shape();
    let Some(axes) = axes(call, shape.len())? else {
        return one(value.clone());
    };
    let kept = reduced(&shape, &axes, call.integer("keepdims", 1) != 0);
    if let Value::Integer(array) = value {
        let open = reduced(&shape, &axes, true);
        let mut products = vec![1_i64; open.iter().product()];
        for (value, place) in array.data.iter().zip(broadcast_places(&open, &shape)) {
            products[place] = products[place].wrapping_mul(*value);
        }
        return one(Value::Integer(Array::new(kept, products)));
    }
    let mut found = value.float()?.clone();
    for along in axes {
        let parts = found.chunk(shape[along], along).map_err(words)?;
        let mut parts = parts.into_iter();
        let first = parts.next().ok_or_else(|| "has no values to multiply".to_owned())?;
        found = parts.try_fold(first, |product, part| product * part).map_err(words)?;
    }
    floats(found.reshape(kept.as_slice()))
}

/// Below 0 a slope of its own for every channel.
pub(super) fn slopes(call: &Call) -> Results {
    let (x, slope) = (call.float(0)?, call.float(1)?);
    if broadcast(x.dims(), slope.dims())? != x.dims() {
        return Err(format!(
            "has slopes of the shape {:?} for values of the shape {:?}",
            slope.dims(),
            x.dims()
        ));
    }
    let run = || {
        let above = Function::Relu.of(x)?;
        let below = (x - &above)?;
        above + below.broadcast_mul(slope)?
    };
    floats(run())
}

/// 1 where a number is infinite, in the directions that count.
pub(super) fn is_infinite(call: &Call) -> Results {
    let value = call.input(0)?;
    let (below, above) = (call.integer("detect_negative", 1) != 0, call.integer("detect_positive", 1) != 0);
    let counts = |number: f64| number.is_infinite() && if number < 0.0 { below } else { above };
    let data = value.numbers()?.into_iter().map(|number| i64::from(counts(number)));
    one(Value::Integer(Array::new(value.shape(), data.collect())))
}

/// 1 where a number is missing.
pub(super) fn is_nan(call: &Call) -> Results {
    let value = call.input(0)?;
    let data = value.numbers()?.into_iter().map(|number| i64::from(number.is_nan()));
    one(Value::Integer(Array::new(value.shape(), data.collect())))
}

/// Codes as a new axis of values that are off but for one.
pub(super) fn one_hot(call: &Call) -> Results {
    let codes = call.input(0)?;
    let depth = call.input(1)?.numbers()?.first().copied().unwrap_or(0.0);
    if !(1.0..=1e6).contains(&depth) {
        return Err(format!("has the depth {depth}"));
    }
    let depth = depth as usize;
    let values = call.input(2)?;
    if values.len() != 2 {
        return Err("takes two values, for off and on".to_owned());
    }
    let mut shape = codes.shape();
    let along = axis(call.integer("axis", -1), shape.len() + 1)?;
    shape.insert(along, depth);
    call.room(&shape)?;
    let numbers = codes.numbers()?;
    let steps = strides(&codes.shape());
    let places = mapped(&shape, |index| {
        let outer = index.iter().enumerate().filter(|(place, _)| *place != along).map(|(_, at)| at);
        let code = numbers[outer.zip(&steps).map(|(at, step)| at * step).sum::<usize>()];
        // Codes below 0 count from the end.
        let code = if code < 0.0 { code + depth as f64 } else { code };
        usize::from(code == index[along] as f64)
    });
    one(values.picked(&places, &shape)?)
}

/// The largest or smallest along axes, as a choice of places: gradients go to the first of equals.
pub(super) fn reduce_extreme(call: &Call) -> Results {
    let value = call.input(0)?;
    let shape = value.shape();
    let Some(axes) = axes(call, shape.len())? else {
        return one(value.clone());
    };
    let kept = reduced(&shape, &axes, call.integer("keepdims", 1) != 0);
    let places = extreme_places(&value.numbers()?, &shape, &axes, call.node.operator == "ReduceMax")?;
    one(value.picked(&places, &kept)?)
}

/// Where the first of the largest (smallest) values along some axes lies, for every index along the others.
fn extreme_places(numbers: &[f64], shape: &[usize], axes: &[usize], largest: bool) -> Computed<Vec<usize>> {
    let open = reduced(shape, axes, true);
    let mut best: Vec<Option<usize>> = vec![None; open.iter().product()];
    for (place, group) in broadcast_places(&open, shape).into_iter().enumerate() {
        let better = best[group].is_none_or(|old| {
            if largest {
                numbers[place] > numbers[old]
            } else {
                numbers[place] < numbers[old]
            }
        });
        if better {
            best[group] = Some(place);
        }
    }
    best.into_iter()
        .map(|place| place.ok_or_else(|| "has no values to choose from".to_owned()))
        .collect()
}

/// Place of the largest or the smallest value along an axis.
pub(super) fn arg_extreme(call: &Call) -> Results {
    let value = call.input(0)?;
    let shape = value.shape();
    let along = axis(call.integer("axis", 0), shape.len())?;
    let kept = reduced(&shape, &[along], call.integer("keepdims", 1) != 0);
    let step = strides(&shape)[along];
    let largest = call.node.operator == "ArgMax";
    let places = extreme_places(&value.numbers()?, &shape, &[along], largest)?;
    let data = places.into_iter().map(|place| (place / step % shape[along]) as i64).collect();
    one(Value::Integer(Array::new(kept, data)))
}
