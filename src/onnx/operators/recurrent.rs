//! Recurrent layers: every step of a sequence takes what the step before it made.

use candle_core::Tensor;

use super::products::product;
use super::{Call, Results};
use crate::onnx::elementwise::Function;
use crate::onnx::value::{Computed, Value, words};

/// The longest sequence: gradients go back through every step.
const LONGEST: usize = 200;

/// Blocks of rows in the weights: of gates and of what is remembered.
fn blocks(operator: &str) -> usize {
    match operator {
        "LSTM" => 4,
        "GRU" => 3,
        _ => 1,
    }
}

/// The functions of one direction.
fn functions(call: &Call, direction: usize) -> Computed<Vec<Function>> {
    let usual: &[&str] = match call.node.operator.as_str() {
        "LSTM" => &["Sigmoid", "Tanh", "Tanh"],
        "GRU" => &["Sigmoid", "Tanh"],
        _ => &["Tanh"],
    };
    let stated = call.attribute("activations").map_or(&[][..], |found| &found.texts);
    let number = |list: &str, default: f64| {
        let found = call.attribute(list).and_then(|found| found.floats.first().copied());
        found.map_or(default, f64::from)
    };
    let of = |place: usize| {
        let name = stated.get(direction * usual.len() + place).map_or(usual[place], String::as_str);
        Ok(match name.to_lowercase().as_str() {
            "sigmoid" => Function::Sigmoid,
            "tanh" => Function::Tanh,
            "relu" => Function::Relu,
            "softsign" => Function::Softsign,
            "softplus" => Function::Softplus,
            "hardsigmoid" => Function::HardSigmoid {
                alpha: number("activation_alpha", 0.2),
                beta: number("activation_beta", 0.5),
            },
            _ => return Err(format!("has the activation `{name}`, which is not supported")),
        })
    };
    (0..usual.len()).map(of).collect()
}

/// What belongs to one direction, of an input with the directions along its first axis.
fn of_direction(tensor: &Tensor, direction: usize) -> Computed<Tensor> {
    tensor.narrow(0, direction, 1).and_then(|part| part.squeeze(0)).map_err(words)
}

/// One direction of a layer.
struct Direction<'a> {
    operator: &'a str,
    functions: Vec<Function>,
    hidden: usize,
    /// Blocks x hidden of the state before it, turned.
    back: Tensor,
    /// What is added to it.
    back_bias: Tensor,
    /// Weights that look at the memory, of an LSTM.
    looks: Option<Tensor>,
    reset_after: bool,
}

impl Direction<'_> {
    fn block(&self, all: &Tensor, place: usize) -> candle_core::Result<Tensor> {
        all.narrow(all.rank() - 1, place * self.hidden, self.hidden)
    }

    /// The next state and memory; `given` is what comes from the sequence, for all blocks.
    fn next(&self, given: &Tensor, state: &Tensor, memory: &Tensor) -> Computed<(Tensor, Tensor)> {
        let back = product(state, &self.back)?.broadcast_add(&self.back_bias).map_err(words)?;
        match self.operator {
            "LSTM" => self.long(&(given + back).map_err(words)?, memory).map_err(words),
            "GRU" => self.gated(given, &back, state),
            _ => {
                let state = (given + back).and_then(|sum| self.functions[0].of(&sum)).map_err(words)?;
                Ok((state, memory.clone()))
            }
        }
    }

    /// Gates in the order input, output, forget, and the candidate.
    fn long(&self, sums: &Tensor, memory: &Tensor) -> candle_core::Result<(Tensor, Tensor)> {
        let gate = |place: usize, memory: &Tensor| {
            let sum = self.block(sums, place)?;
            let sum = match &self.looks {
                Some(looks) => (sum + memory.broadcast_mul(&self.block(looks, place)?)?)?,
                None => sum,
            };
            self.functions[0].of(&sum)
        };
        let (input, forget) = (gate(0, memory)?, gate(2, memory)?);
        let candidate = self.functions[1].of(&self.block(sums, 3)?)?;
        let memory = ((forget * memory)? + (input * candidate)?)?;
        let state = (gate(1, &memory)? * self.functions[2].of(&memory)?)?;
        Ok((state, memory))
    }

    /// Gates in the order update, reset, and the candidate.
    fn gated(&self, given: &Tensor, back: &Tensor, state: &Tensor) -> Computed<(Tensor, Tensor)> {
        let gate = |place: usize| {
            let sum = (self.block(given, place)? + self.block(back, place)?)?;
            self.functions[0].of(&sum)
        };
        let (update, reset) = (gate(0).map_err(words)?, gate(1).map_err(words)?);
        let kept = if self.reset_after {
            self.block(back, 2).and_then(|back| reset * back).map_err(words)?
        } else {
            let weights = self.back.narrow(1, 2 * self.hidden, self.hidden).map_err(words)?;
            let bias = self.block(&self.back_bias, 2).map_err(words)?;
            let part = (reset * state).map_err(words)?;
            product(&part, &weights)?.broadcast_add(&bias).map_err(words)?
        };
        let run = || {
            let candidate = self.functions[1].of(&(self.block(given, 2)? + kept)?)?;
            let moved = (update * (state - &candidate)?)?;
            candidate + moved
        };
        run().map(|state| (state.clone(), state)).map_err(words)
    }
}

/// `GRU`, `LSTM` and `RNN`.
pub(super) fn recurrent(call: &Call) -> Results {
    let operator = call.node.operator.as_str();
    if call.attribute("clip").is_some() || call.integer("input_forget", 0) != 0 {
        return Err("is not supported with these attributes".to_owned());
    }
    let rows_first = call.integer("layout", 0) != 0;
    let turned = |tensor: &Tensor| tensor.transpose(0, 1).and_then(|tensor| tensor.contiguous()).map_err(words);
    let placed = |tensor: &Tensor| if rows_first { turned(tensor) } else { Ok(tensor.clone()) };
    let x = placed(call.float(0)?)?;
    let (weights, back) = (call.float(1)?, call.float(2)?);
    let (Ok((steps, rows, _)), Ok((directions, all, _)), Ok((_, _, hidden))) = (x.dims3(), weights.dims3(), back.dims3()) else {
        return Err("takes sequences and weights of three dimensions".to_owned());
    };
    let blocks = blocks(operator);
    let direction = call.text("direction").unwrap_or("forward");
    let wanted = if direction == "bidirectional" { 2 } else { 1 };
    let fits = Some(all) == hidden.checked_mul(blocks) && back.dims() == [directions, all, hidden] && directions == wanted;
    if !fits {
        return Err(format!(
            "has weights of the shapes {:?} and {:?}, which do not fit",
            weights.dims(),
            back.dims()
        ));
    }
    if steps == 0 || steps > LONGEST {
        return Err(format!("takes sequences of 1 to {LONGEST} steps, and is given {steps}"));
    }
    call.room(&[steps, directions, rows, all])?;
    if let Some(lengths) = call.optional(4)
        && lengths.integers()?.data.iter().any(|length| *length != steps as i64)
    {
        return Err("takes sequences of different lengths, which are not supported".to_owned());
    }
    let (mut sequences, mut states, mut memories) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..directions {
        let start = |place: usize| match call.optional(place) {
            Some(value) => of_direction(&placed(value.float()?)?, number),
            None => call.tensor(vec![0.0; rows * hidden], &[rows, hidden]),
        };
        let bias = match call.optional(3) {
            Some(value) => of_direction(value.float()?, number)?,
            None => call.tensor(vec![0.0; 2 * all], &[2 * all])?,
        };
        if bias.dims() != [2 * all] {
            return Err(format!("has a bias of the shape {:?}", bias.dims()));
        }
        let looks = call.optional(7).map(|value| of_direction(value.float()?, number)).transpose()?;
        let halves = |place: usize| bias.narrow(0, place * all, all).map_err(words);
        let layer = Direction {
            operator,
            functions: functions(call, number)?,
            hidden,
            back: of_direction(back, number)?.t().map_err(words)?,
            back_bias: halves(1)?,
            looks,
            reset_after: call.integer("linear_before_reset", 0) != 0,
        };
        let own = of_direction(weights, number)?.t().map_err(words)?;
        let given = product(&x, &own)?.broadcast_add(&halves(0)?).map_err(words)?;
        let backwards = number == 1 || direction == "reverse";
        let (mut state, mut memory) = (start(5)?, start(6)?);
        let mut made = Vec::with_capacity(steps);
        for turn in 0..steps {
            let step = if backwards { steps - 1 - turn } else { turn };
            let given = given.narrow(0, step, 1).and_then(|given| given.squeeze(0)).map_err(words)?;
            (state, memory) = layer.next(&given, &state, &memory)?;
            made.push(state.clone());
        }
        if backwards {
            made.reverse();
        }
        sequences.push(Tensor::stack(&made, 0).map_err(words)?);
        states.push(state);
        memories.push(memory);
    }
    // Steps x directions x rows x hidden, or rows x steps x directions x hidden.
    let all = Tensor::stack(&sequences, 1).and_then(|all| {
        if rows_first {
            all.permute((2, 0, 1, 3))?.contiguous()
        } else {
            Ok(all)
        }
    });
    let last = |parts: &[Tensor]| Tensor::stack(parts, 0).map_err(words).and_then(|all| placed(&all));
    let mut results = vec![all.map_err(words)?, last(&states)?];
    if operator == "LSTM" {
        results.push(last(&memories)?);
    }
    Ok(results.into_iter().map(Value::Float).collect())
}
