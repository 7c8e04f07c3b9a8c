//! Branches and loops. What decides is computed from the values of the run: whether it may depend on the rows is seen when single rows
//! are compared with several.

use candle_core::Tensor;

use super::{Call, Results};
use crate::onnx::body::Body;
use crate::onnx::plan::MOST_STEPS;
use crate::onnx::value::{Array, Computed, Value, words};

/// The graph inside that an attribute holds.
fn body<'a>(call: &Call<'a>, name: &str) -> Computed<&'a Body> {
    let found = call.bodies.iter().find(|body| body.name == name);
    found.ok_or_else(|| format!("has no `{name}`"))
}

/// One truth value.
fn truth(value: &Value) -> Computed<bool> {
    match value.integers()?.data.as_slice() {
        [one] => Ok(*one != 0),
        several => Err(format!("decides by {} values, and not by one", several.len())),
    }
}

pub(super) fn branch(call: &Call) -> Results {
    let name = if truth(call.input(0)?)? { "then_branch" } else { "else_branch" };
    let made = body(call, name)?.run(call, &[])?;
    match made.len() == call.node.outputs.len() {
        true => Ok(made),
        false => Err(format!(
            "has a branch with {} results, and {} are needed",
            made.len(),
            call.node.outputs.len()
        )),
    }
}

/// Repeats its body; the number of turns is bounded, since gradients go back through every one.
pub(super) fn repeat(call: &Call) -> Results {
    let body = body(call, "body")?;
    let most = match call.optional(0) {
        Some(count) => Some(count.integers()?.data.first().copied().unwrap_or(0)),
        None => None,
    };
    let mut goes_on = call.optional(1).map(truth).transpose()?.unwrap_or(true);
    let start = call.node.inputs.len().min(2)..call.node.inputs.len();
    let mut carried = start.map(|place| call.input(place).cloned()).collect::<Computed<Vec<_>>>()?;
    let scanned = call.node.outputs.len().saturating_sub(carried.len());
    let mut scans: Vec<Vec<Value>> = vec![Vec::new(); scanned];
    let mut turn = 0_i64;
    while goes_on && most.is_none_or(|most| turn < most) {
        if (turn as usize + 1).saturating_mul(body.len().max(1)) > MOST_STEPS {
            return Err(format!(
                "repeats its {} nodes more than {turn} times, which is too much",
                body.len()
            ));
        }
        let number = Value::Integer(Array::new(Vec::new(), vec![turn]));
        let given: Vec<Value> = [number, Value::Integer(Array::new(Vec::new(), vec![1]))]
            .into_iter()
            .chain(carried)
            .collect();
        let mut made = body.run(call, &given)?.into_iter();
        goes_on = truth(&made.next().ok_or_else(|| "has a body without a condition".to_owned())?)?;
        let all: Vec<Value> = made.collect();
        let count = given.len() - 2;
        if all.len() != count + scanned {
            return Err(format!("has a body with {} results, and {} are needed", all.len(), count + scanned));
        }
        for (scan, value) in scans.iter_mut().zip(&all[count..]) {
            scan.push(value.clone());
        }
        carried = all[..count].to_vec();
        turn += 1;
    }
    for scan in scans {
        carried.push(stacked(&scan)?);
    }
    Ok(carried)
}

/// Values of one shape, one behind the other along a new first axis.
fn stacked(values: &[Value]) -> Computed<Value> {
    let Some(first) = values.first() else {
        return Err("collects values of no turn".to_owned());
    };
    let shape: Vec<usize> = [&[values.len()], first.shape().as_slice()].concat();
    match first {
        Value::Float(_) => {
            let parts = values
                .iter()
                .map(|value| value.float().cloned())
                .collect::<Computed<Vec<Tensor>>>()?;
            Tensor::stack(&parts, 0).map(Value::Float).map_err(words)
        }
        Value::Integer(_) => {
            let parts = values.iter().map(|value| value.integers().map(|array| array.data.clone()));
            let data = parts.collect::<Computed<Vec<_>>>()?.concat();
            match data.len() == shape.iter().product::<usize>() {
                true => Ok(Value::Integer(Array::new(shape, data))),
                false => Err("collects values of different shapes".to_owned()),
            }
        }
        Value::Text(_) => Err("collects texts".to_owned()),
    }
}
