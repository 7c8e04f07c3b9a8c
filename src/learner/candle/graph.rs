//! A network as operations over named tensors.

use std::fmt::Debug;

use candle_core::{Tensor, Var};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::nn::{MlpSpec, Real, TensorSpec};
use crate::seed::Seed;

/// A network as a function of tensors, which candle differentiates.
pub trait TensorGraph: Clone + PartialEq + Debug + Send + Sync {
    /// Shape of a row.
    fn input(&self) -> &[usize];
    /// Classes.
    fn classes(&self) -> usize;
    /// Trainable tensors; offsets count in the flat parameter vector.
    fn tensors(&self) -> &[TensorSpec];
    /// Running statistics; offsets count in the flat buffer vector.
    fn buffers(&self) -> &[TensorSpec];
    /// That it can be computed.
    ///
    /// # Errors
    /// Names the first fault.
    fn check(&self) -> Result<()>;
    /// Whether a training step normalises by its own rows, of which there must then be two.
    fn needs_two_rows(&self) -> bool;
    /// Parameters and buffers drawn from a seed.
    fn initial<T: Real>(&self, seed: Seed) -> (Vec<T>, Vec<T>);
    /// Logits of a batch (rows first): rows x classes.
    ///
    /// # Errors
    /// Where an operation fails.
    fn forward(&self, parameters: &[Var], running: &[Tensor], inputs: &Tensor, mode: Mode) -> candle_core::Result<Tensor>;
    /// What a failed operation means: a fault of ours, unless the graph is somebody else's.
    fn fault(&self, error: candle_core::Error) -> Error {
        Error::internal(format!("candle: {error}"))
    }
}

/// A network as a list of operations; the last one makes the logits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graph {
    /// Shape of a row.
    pub input: Vec<usize>,
    /// Classes, which are the values that the last operation makes.
    pub classes: usize,
    /// Operations in an order in which they can be computed.
    pub nodes: Vec<Node>,
    /// Trainable tensors; offsets count in the flat parameter vector.
    pub tensors: Vec<TensorSpec>,
    /// Running statistics of batch norm; offsets count in the flat buffer vector.
    pub buffers: Vec<TensorSpec>,
}

/// An operation and where its inputs come from: 0 is the row, n the result of node n - 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// What is computed.
    pub operation: Operation,
    /// Of what.
    pub inputs: Vec<usize>,
}

/// What a node computes. Numbers of tensors and buffers are places in [`Graph::tensors`] and [`Graph::buffers`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Operation {
    /// x W^T + b over the values of a row.
    Linear {
        /// Weight, outputs x inputs.
        weight: usize,
        /// Bias, outputs.
        bias: usize,
    },
    /// Batch norm over rows.
    BatchNorm {
        /// Weight, features.
        weight: usize,
        /// Bias, features.
        bias: usize,
        /// Running mean; the running variance is the buffer after it.
        mean: usize,
        /// Added to the variance before the root.
        epsilon: f64,
        /// Share of the new batch in the running statistics.
        momentum: f64,
    },
    /// max(x, 0).
    Relu,
    /// The sum of two results.
    Add,
}

/// The statistics of a batch that went through a batch norm.
#[derive(Debug)]
pub struct BatchStatistics {
    /// Place of the running mean among the buffers; the running variance is after it.
    pub mean: usize,
    /// Share of the new batch in the running statistics.
    pub momentum: f64,
    /// Mean of the batch.
    pub centre: Tensor,
    /// Its biased variance.
    pub variance: Tensor,
}

/// How batch norm normalises.
#[derive(Debug)]
pub enum Mode<'a> {
    /// By the batch; the statistics of each batch norm are left here, in the order of the nodes.
    Training(&'a mut Vec<BatchStatistics>),
    /// By the running statistics.
    Evaluation,
}

/// A graph's tensors on a device.
pub(super) struct Loaded {
    pub parameters: Vec<Var>,
    pub running: Vec<Tensor>,
}

impl Loaded {
    /// Gradients of a loss, in network order.
    pub fn gradients(&self, loss: &Tensor) -> candle_core::Result<Vec<Tensor>> {
        let store = loss.backward()?;
        let gradient = |variable: &Var| match store.get(variable) {
            Some(gradient) => Ok(gradient.clone()),
            None => variable.zeros_like(),
        };
        self.parameters.iter().map(gradient).collect()
    }
}

impl Graph {
    /// The graph of a multilayer perceptron.
    pub fn of_mlp(spec: &MlpSpec) -> Self {
        let mut nodes = Vec::new();
        let mut add = |operation: Operation| {
            let inputs = vec![nodes.len()];
            nodes.push(Node { operation, inputs });
        };
        for layer in 0..spec.hidden.len() {
            let first = 4 * layer;
            add(Operation::Linear {
                weight: first,
                bias: first + 1,
            });
            add(Operation::BatchNorm {
                weight: first + 2,
                bias: first + 3,
                mean: 2 * layer,
                epsilon: crate::nn::NORM_EPSILON,
                momentum: crate::nn::NORM_MOMENTUM,
            });
            add(Operation::Relu);
        }
        let head = 4 * spec.hidden.len();
        add(Operation::Linear {
            weight: head,
            bias: head + 1,
        });
        Self {
            input: vec![spec.inputs],
            classes: spec.classes,
            nodes,
            tensors: spec.tensors(),
            buffers: spec.buffer_tensors(),
        }
    }
}

impl TensorGraph for Graph {
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
        &self.buffers
    }

    fn needs_two_rows(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.operation, Operation::BatchNorm { .. }))
    }

    /// That every node names what is there, and that the tensors lie one after the other in their vectors.
    fn check(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::input(format!("the network's graph cannot be computed: {what}")));
        for (number, node) in self.nodes.iter().enumerate() {
            let wanted = if node.operation == Operation::Add { 2 } else { 1 };
            if node.inputs.len() != wanted || node.inputs.iter().any(|input| *input > number) {
                return wrong(format!("node {number} has no inputs of its own"));
            }
            let known = match node.operation {
                Operation::Linear { weight, bias } => weight.max(bias) < self.tensors.len(),
                Operation::BatchNorm { weight, bias, mean, .. } => weight.max(bias) < self.tensors.len() && mean + 1 < self.buffers.len(),
                Operation::Relu | Operation::Add => true,
            };
            if !known {
                return wrong(format!("node {number} names a tensor that is not there"));
            }
        }
        for tensors in [&self.tensors, &self.buffers] {
            let mut end = 0;
            for tensor in tensors {
                if tensor.offset != end {
                    return wrong(format!("tensor `{}` lies elsewhere", tensor.name));
                }
                end += tensor.len();
            }
        }
        if self.nodes.is_empty() || self.classes < 2 {
            return wrong("it makes no classes".to_owned());
        }
        Ok(())
    }

    /// Parameters and buffers drawn from a seed as PyTorch does by default: weights and biases of linear layers uniform in
    /// ±1/sqrt(inputs); batch norm at weight 1, bias 0, running mean 0 and running variance 1.
    fn initial<T: Real>(&self, seed: Seed) -> (Vec<T>, Vec<T>) {
        use rand_chacha::rand_core::RngCore;
        let mut random = seed.stream("initial-weights", 0);
        let size = |tensors: &[TensorSpec]| tensors.iter().map(TensorSpec::len).sum();
        let mut parameters = vec![T::ZERO; size(&self.tensors)];
        let mut buffers = vec![T::ZERO; size(&self.buffers)];
        for node in &self.nodes {
            match node.operation {
                Operation::Linear { weight, bias } => {
                    let inputs: usize = self.tensors[weight].shape.iter().skip(1).product();
                    let bound = 1.0 / (inputs.max(1) as f64).sqrt();
                    for tensor in [weight, bias] {
                        for value in &mut parameters[self.tensors[tensor].range()] {
                            // 53 random bits make a number in [0, 1) that no library version can change.
                            let unit = (random.next_u64() >> 11) as f64 * 2.0_f64.powi(-53);
                            *value = T::from_f64((2.0 * unit - 1.0) * bound);
                        }
                    }
                }
                Operation::BatchNorm { weight, mean, .. } => {
                    parameters[self.tensors[weight].range()].fill(T::ONE);
                    buffers[self.buffers[mean + 1].range()].fill(T::ONE);
                }
                Operation::Relu | Operation::Add => {}
            }
        }
        (parameters, buffers)
    }

    fn forward(&self, parameters: &[Var], running: &[Tensor], inputs: &Tensor, mut mode: Mode) -> candle_core::Result<Tensor> {
        let mut results = vec![inputs.clone()];
        for node in &self.nodes {
            let x = &results[node.inputs[0]];
            let result = match node.operation {
                Operation::Linear { weight, bias } => x.matmul(&parameters[weight].t()?)?.broadcast_add(&parameters[bias])?,
                Operation::BatchNorm {
                    weight,
                    bias,
                    mean,
                    epsilon,
                    momentum,
                } => {
                    let (centre, variance) = match &mut mode {
                        Mode::Evaluation => (running[mean].clone(), running[mean + 1].clone()),
                        Mode::Training(statistics) => {
                            let centre = x.mean(0)?;
                            let variance = x.broadcast_sub(&centre)?.sqr()?.mean(0)?;
                            statistics.push(BatchStatistics {
                                mean,
                                momentum,
                                centre: centre.detach(),
                                variance: variance.detach(),
                            });
                            (centre, variance)
                        }
                    };
                    let deviation = (variance + epsilon)?.sqrt()?;
                    let normal = x.broadcast_sub(&centre)?.broadcast_div(&deviation)?;
                    let scaled = normal.broadcast_mul(&parameters[weight])?;
                    scaled.broadcast_add(&parameters[bias])?
                }
                Operation::Relu => x.relu()?,
                Operation::Add => (x + &results[node.inputs[1]])?,
            };
            results.push(result);
        }
        Ok(results.pop().unwrap_or_else(|| inputs.clone()))
    }
}
