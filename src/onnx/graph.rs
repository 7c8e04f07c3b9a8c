//! A model's graph as candle computes and differentiates it.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor, Var};
use rand::Rng;

use super::elementwise::Function;
use super::head::Ending;
use super::operators::tensor;
use super::plan::{Fault, Plan, Role};
use super::value::{Array, Computed, Value, flat, words};
use crate::error::{Error, Result};
use crate::learner::{Mode, TensorGraph};
use crate::nn::{Real, TensorSpec};
use crate::seed::Seed;

/// Smallest probability whose logarithm is taken.
const LEAST: f64 = 1e-30;

/// A part of a row: what one of the network's inputs takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fed {
    pub slot: usize,
    /// Shape of a row's part.
    pub shape: Vec<usize>,
    /// Whether they are whole numbers.
    pub whole: bool,
}

impl Fed {
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The graph of an imported model, from rows of numbers to logits.
#[derive(Debug, Clone)]
pub struct OnnxGraph {
    pub(super) plan: Arc<Plan>,
    pub(super) fed: Vec<Fed>,
    pub(super) input: Vec<usize>,
    pub(super) classes: usize,
    pub(super) ending: Ending,
    /// Whether it needs two rows at once: a `squeeze` that also takes away the axis of a single row.
    pub(super) in_pairs: bool,
    pub(super) tensors: Vec<TensorSpec>,
}

impl PartialEq for OnnxGraph {
    fn eq(&self, other: &Self) -> bool {
        let names = |graph: &Self| graph.plan.steps.iter().map(|step| step.node.clone()).collect::<Vec<_>>();
        Arc::ptr_eq(&self.plan, &other.plan)
            || (self.fed == other.fed && self.tensors == other.tensors && self.ending == other.ending && names(self) == names(other))
    }
}

impl OnnxGraph {
    /// The value that the logits are made of.
    pub(super) fn end(&self, parameters: &[Tensor], inputs: &Tensor) -> std::result::Result<(Value, usize), Fault> {
        let alone = self.in_pairs && inputs.dims().first() == Some(&1);
        if !alone {
            return self.end_of(parameters, inputs);
        }
        let whole = |what: String| Fault {
            step: "the graph".to_owned(),
            what,
        };
        let twice = Tensor::cat(&[inputs, inputs], 0).map_err(|error| whole(words(error)))?;
        let (end, made) = self.end_of(parameters, &twice)?;
        let first = end.float().and_then(|end| end.narrow(0, 0, 1).map_err(words)).map_err(whole)?;
        Ok((Value::Float(first), made))
    }

    fn end_of(&self, parameters: &[Tensor], inputs: &Tensor) -> std::result::Result<(Value, usize), Fault> {
        let whole = |what: String| Fault {
            step: "the graph".to_owned(),
            what,
        };
        let precision = inputs.dtype();
        let rows = inputs.dims().first().copied().unwrap_or_default();
        let mut values = self.plan.start(precision).map_err(&whole)?;
        for (variable, parameter) in self.plan.variables.iter().zip(parameters) {
            values[variable.slot] = Some(Value::Float(parameter.clone()));
        }
        let mut start = 0;
        for fed in &self.fed {
            values[fed.slot] = Some(self.part(inputs, rows, fed, start).map_err(&whole)?);
            start += fed.len();
        }
        let made = Plan::run(&self.plan.steps, &mut values, precision, rows)?;
        let end = values[self.plan.head.slot].take();
        Ok((end.ok_or_else(|| whole("has no end".to_owned()))?, made))
    }

    fn part(&self, inputs: &Tensor, rows: usize, fed: &Fed, start: usize) -> Computed<Value> {
        let shape: Vec<usize> = [&[rows], fed.shape.as_slice()].concat();
        let part = inputs
            .narrow(1, start, fed.len())
            .and_then(|part| part.contiguous()?.reshape(shape.as_slice()))
            .map_err(words)?;
        Ok(match fed.whole {
            true => Value::Integer(Array::new(shape, flat(&part)?.into_iter().map(|value| value as i64).collect())),
            false => Value::Float(part),
        })
    }

    /// Rows x classes.
    fn finish(&self, end: &Value, rows: usize) -> Computed<Tensor> {
        let tensor = end.float()?;
        let columns = tensor.elem_count() / rows.max(1);
        let run = || {
            let table = tensor.reshape((rows, columns))?;
            let logarithm = |table: &Tensor| {
                Function::Log.of(&Function::Clip {
                    low: LEAST,
                    high: f64::INFINITY,
                }
                .of(table)?)
            };
            match self.ending {
                Ending::Sigmoid | Ending::OneLogit => Tensor::cat(&[&table.zeros_like()?, &table], 1),
                Ending::Probabilities => logarithm(&table),
                Ending::OneProbability => logarithm(&Tensor::cat(&[&table.affine(-1.0, 1.0)?, &table], 1)?),
                _ => Ok(table),
            }
        };
        run().map_err(words)
    }

    /// How the end of the graph is read.
    pub fn ending(&self) -> Ending {
        self.ending
    }
}

impl TensorGraph for OnnxGraph {
    fn input(&self) -> &[usize] {
        &self.input
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    fn buffers(&self) -> &[TensorSpec] {
        &[]
    }

    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Batch norm goes by its running statistics: it is deployed with them.
    fn needs_two_rows(&self) -> bool {
        false
    }

    /// Weights of products uniform in ±1/sqrt(inputs), tables uniform in ±1, scales of normalisations 1, all else 0.
    fn initial<T: Real>(&self, seed: Seed) -> (Vec<T>, Vec<T>) {
        let mut random = seed.stream("initial-weights", 0);
        let mut parameters = Vec::new();
        for variable in &self.plan.variables {
            let bound = match variable.role {
                Role::Weight(inputs) => 1.0 / (inputs.max(1) as f64).sqrt(),
                Role::Table => 1.0,
                Role::Scale | Role::Bias => 0.0,
            };
            let middle = if variable.role == Role::Scale { 1.0 } else { 0.0 };
            parameters.extend((0..variable.spec.len()).map(|_| T::from_f64(middle + bound * random.random_range(-1.0..1.0))));
        }
        (parameters, Vec::new())
    }

    fn forward(&self, parameters: &[Var], _: &[Tensor], inputs: &Tensor, _: Mode) -> candle_core::Result<Tensor> {
        let parameters: Vec<Tensor> = parameters.iter().map(|variable| variable.as_tensor().clone()).collect();
        let rows = inputs.dims().first().copied().unwrap_or_default();
        let found = self.end(&parameters, inputs).map_err(|fault| fault.text());
        let logits = found
            .and_then(|(end, _)| self.finish(&end, rows))
            .map_err(candle_core::Error::Msg)?;
        match logits.dims() == [rows, self.classes] {
            true => Ok(logits),
            false => Err(candle_core::Error::Msg(format!(
                "the graph makes {:?} values of {rows} rows, and not {} a row",
                logits.dims(),
                self.classes
            ))),
        }
    }

    fn fault(&self, error: candle_core::Error) -> Error {
        Error::input(words(error)).hint("export the model so that it takes any number of rows (`dynamic_axes` or `dynamic_shapes`)")
    }
}

/// Rows of floats, as a tensor.
pub(super) fn rows_tensor(values: &[f32], width: usize, precision: DType) -> Computed<Tensor> {
    let rows = values.len() / width.max(1);
    let wide = values.iter().copied().map(f64::from).collect();
    tensor(wide, &[rows, width], precision)
}

/// Parameters as tensors, for a run without gradients.
pub(super) fn parameter_tensors(tensors: &[TensorSpec], parameters: &[f32]) -> Computed<Vec<Tensor>> {
    let load = |spec: &TensorSpec| Tensor::from_slice(&parameters[spec.range()], spec.shape.as_slice(), &Device::Cpu).map_err(words);
    tensors.iter().map(load).collect()
}
