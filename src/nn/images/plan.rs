//! A network's tree of layers as a list of steps, each of which reads the values of earlier steps and makes new ones.

use std::collections::BTreeSet;
use std::ops::Range;

use super::convolution::Geometry;
use super::kernels::Activation;
use super::layer::{ImageSpec, Layer};
use super::shape::ImageShape;
use super::tokens::Sizes;
use crate::error::{Error, Result};
use crate::nn::network::MOST_CLASSES;
use crate::nn::{Real, TensorSpec};

/// Parameters that a network may have at most, so that their number fits everywhere.
const MOST_PARAMETERS: usize = 1 << 31;

/// Weights of a layer in the flat vector; `bias` is empty where there is none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    pub weight: Range<usize>,
    pub bias: Range<usize>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operation {
    Conv(Geometry, Weights),
    /// Batch norm and what follows; `number` counts batch norms, whose running means lie at `means` in the buffers and whose
    /// running variances right behind.
    Norm {
        number: usize,
        weights: Weights,
        means: Range<usize>,
        activation: Activation<f64>,
    },
    Activation(Activation<f64>),
    MaxPool {
        size: usize,
        stride: usize,
    },
    GlobalAverage,
    GlobalMax,
    /// Over each run of `inputs` values.
    Linear {
        weights: Weights,
        inputs: usize,
    },
    Tokens {
        class: Range<usize>,
        positions: Range<usize>,
    },
    LayerNorm {
        weights: Weights,
        epsilon: f64,
    },
    /// Reads the queries; keys and values are in other slots.
    Attention {
        sizes: Sizes,
        key: usize,
        value: usize,
    },
    Gelu,
    ClassToken,
    /// Sum of two, and what follows.
    Add {
        other: usize,
        activation: Activation<f64>,
    },
}

/// One step; its values get the next slot: slot 0 holds the images, slot i + 1 what step i makes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub operation: Operation,
    /// Slot it reads.
    pub input: usize,
}

impl Step {
    /// The slots that it reads.
    pub fn reads(&self) -> Vec<usize> {
        match &self.operation {
            Operation::Add { other, .. } => vec![self.input, *other],
            Operation::Attention { key, value, .. } => vec![self.input, *key, *value],
            _ => vec![self.input],
        }
    }
}

/// The steps, and where everything lies.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    pub steps: Vec<Step>,
    /// Shape of every slot.
    pub shapes: Vec<ImageShape>,
    pub tensors: Vec<TensorSpec>,
    pub buffers: Vec<TensorSpec>,
    /// Number of batch norms.
    pub norms: usize,
    names: BTreeSet<String>,
}

fn push(list: &mut Vec<TensorSpec>, name: String, shape: Vec<usize>) -> Result<Range<usize>> {
    let offset = list.last().map_or(0, |last| last.range().end);
    let len = shape.iter().try_fold(1_usize, |len, size| len.checked_mul(*size));
    let end = len.and_then(|len| len.checked_add(offset)).filter(|end| *end < MOST_PARAMETERS);
    let end = end.ok_or_else(|| Error::input(format!("a network with `{name}` of {shape:?} has too many parameters")))?;
    list.push(TensorSpec { name, shape, offset });
    Ok(offset..end)
}

impl Plan {
    /// The steps of a network.
    ///
    /// # Errors
    /// Where a layer does not fit what comes in, two layers have one name, or the last one does not make one value per class.
    pub fn new(spec: &ImageSpec) -> Result<Self> {
        if spec.input.is_empty() {
            return Err(Error::input(format!("a network cannot take images of {}", spec.input)));
        }
        if !(2..=MOST_CLASSES).contains(&spec.classes) {
            return Err(Error::input(format!(
                "a classifier needs 2 to {MOST_CLASSES} classes, not {}",
                spec.classes
            )));
        }
        let mut plan = Self {
            steps: Vec::new(),
            shapes: vec![spec.input],
            tensors: Vec::new(),
            buffers: Vec::new(),
            norms: 0,
            names: BTreeSet::new(),
        };
        let last = plan.add_layers(&spec.layers, 0)?;
        if plan.shapes[last] != ImageShape::new(spec.classes, 1, 1) || last == 0 {
            return Err(Error::input(format!(
                "the network `{}` ends with {} values and has {} classes",
                spec.name, plan.shapes[last], spec.classes
            )));
        }
        Ok(plan)
    }

    /// Number of trainable parameters.
    pub fn parameters(&self) -> usize {
        self.tensors.last().map_or(0, |last| last.range().end)
    }

    /// Number of buffer elements.
    pub fn buffer_len(&self) -> usize {
        self.buffers.last().map_or(0, |last| last.range().end)
    }

    /// Adds layers after slot `input`; the slot of what the last one makes.
    fn add_layers(&mut self, layers: &[Layer], input: usize) -> Result<usize> {
        let mut slot = input;
        for (index, layer) in layers.iter().enumerate() {
            // What the layer before in this list made is read by nobody else; what came into the list may be.
            slot = self.add_layer(layer, slot, index > 0)?;
        }
        Ok(slot)
    }

    fn add_step(&mut self, operation: Operation, input: usize, shape: ImageShape) -> usize {
        self.steps.push(Step { operation, input });
        self.shapes.push(shape);
        self.steps.len()
    }

    fn add_layer(&mut self, layer: &Layer, input: usize, alone: bool) -> Result<usize> {
        let shape = self.shapes[input];
        let channels = |height, width| ImageShape::new(shape.channels, height, width);
        match layer {
            Layer::Conv {
                name,
                outputs,
                kernel,
                stride,
                padding,
                bias,
            } => {
                let geometry = Geometry::new(shape, *outputs, *kernel, *stride, *padding).map_err(|error| {
                    let told = Error::input(format!("layer `{name}`: {}", error.message()));
                    match error.hint_text() {
                        Some(hint) => told.hint(hint),
                        None => told,
                    }
                })?;
                let weights = self.weights(name, vec![*outputs, shape.channels, *kernel, *kernel], *bias)?;
                Ok(self.add_step(Operation::Conv(geometry, weights), input, geometry.output()))
            }
            Layer::Norm { name } => {
                let weights = self.weights(name, vec![shape.channels], true)?;
                let means = push(&mut self.buffers, format!("{name}.running_mean"), vec![shape.channels])?;
                push(&mut self.buffers, format!("{name}.running_var"), vec![shape.channels])?;
                self.norms += 1;
                let operation = Operation::Norm {
                    number: self.norms - 1,
                    weights,
                    means,
                    activation: Activation::Identity,
                };
                Ok(self.add_step(operation, input, shape))
            }
            Layer::Relu => Ok(self.activate(Activation::Relu, input, alone)),
            Layer::Celu { alpha } if *alpha > 0.0 && alpha.is_finite() => Ok(self.activate(Activation::Celu(*alpha), input, alone)),
            Layer::Celu { alpha } => Err(Error::input(format!("alpha of a CELU is {alpha}, and must be a number above 0"))),
            Layer::Scale { factor } if *factor > 0.0 && factor.is_finite() => Ok(self.activate(Activation::Scale(*factor), input, alone)),
            Layer::Scale { factor } => Err(Error::input(format!(
                "values are scaled by {factor}, and the factor must be a number above 0"
            ))),
            Layer::MaxPool { size, stride } => {
                let (size, stride) = (*size, *stride);
                if size == 0 || stride == 0 || size > shape.height || size > shape.width {
                    return Err(Error::input(format!(
                        "a max-pool of size {size} and stride {stride} does not fit {shape}"
                    )));
                }
                let out = channels((shape.height - size) / stride + 1, (shape.width - size) / stride + 1);
                Ok(self.add_step(Operation::MaxPool { size, stride }, input, out))
            }
            Layer::GlobalAveragePool => Ok(self.add_step(Operation::GlobalAverage, input, channels(1, 1))),
            Layer::GlobalMaxPool => Ok(self.add_step(Operation::GlobalMax, input, channels(1, 1))),
            Layer::Linear { name, outputs, bias } => {
                if *outputs == 0 {
                    return Err(Error::input(format!("layer `{name}` has no outputs")));
                }
                let (weights, inputs) = (self.weights(name, vec![*outputs, shape.len()], *bias)?, shape.len());
                Ok(self.add_step(Operation::Linear { weights, inputs }, input, ImageShape::new(*outputs, 1, 1)))
            }
            Layer::Tokens { .. }
            | Layer::LayerNorm { .. }
            | Layer::TokenLinear { .. }
            | Layer::Attention { .. }
            | Layer::Gelu
            | Layer::ClassToken => self.add_token_layer(layer, input),
            Layer::Residual { main, shortcut } => {
                let main = self.add_layers(main, input)?;
                let other = self.add_layers(shortcut, input)?;
                if self.shapes[main] != self.shapes[other] {
                    return Err(Error::input(format!(
                        "the two ways of a residual layer make {} and {}",
                        self.shapes[main], self.shapes[other]
                    )));
                }
                let activation = Activation::Identity;
                Ok(self.add_step(Operation::Add { other, activation }, main, self.shapes[main]))
            }
        }
    }

    /// Tokens are channels of height 1: tokens x 1 x width.
    fn add_token_layer(&mut self, layer: &Layer, input: usize) -> Result<usize> {
        let shape = self.shapes[input];
        if shape.height != 1 && !matches!(layer, Layer::Tokens { .. } | Layer::Gelu) {
            return Err(Error::input(format!("{layer:?} needs tokens, and finds {shape}")));
        }
        match layer {
            Layer::Tokens { name } => {
                self.take_name(name)?;
                let (tokens, width) = (shape.plane() + 1, shape.channels);
                let class = push(&mut self.tensors, format!("{name}.cls_token"), vec![1, 1, width])?;
                let positions = push(&mut self.tensors, format!("{name}.position_embeddings"), vec![1, tokens, width])?;
                Ok(self.add_step(Operation::Tokens { class, positions }, input, ImageShape::new(tokens, 1, width)))
            }
            Layer::LayerNorm { name, epsilon } => {
                if !(*epsilon > 0.0 && epsilon.is_finite()) {
                    return Err(Error::input(format!(
                        "epsilon of layer `{name}` is {epsilon}, and must be a number above 0"
                    )));
                }
                let (weights, epsilon) = (self.weights(name, vec![shape.width], true)?, *epsilon);
                Ok(self.add_step(Operation::LayerNorm { weights, epsilon }, input, shape))
            }
            Layer::TokenLinear { name, outputs, bias } => self.add_token_linear(name, *outputs, *bias, input),
            Layer::Attention { name, heads } => {
                let (heads, width) = (*heads, shape.width);
                if heads == 0 || !width.is_multiple_of(heads) {
                    return Err(Error::input(format!(
                        "attention `{name}` cannot share {width} values among {heads} heads"
                    )));
                }
                let mut part = |part: &str| self.add_token_linear(&format!("{name}.{part}"), width, true, input);
                let (query, key, value) = (part("query")?, part("key")?, part("value")?);
                let sizes = Sizes {
                    tokens: shape.channels,
                    width,
                    heads,
                };
                Ok(self.add_step(Operation::Attention { sizes, key, value }, query, shape))
            }
            Layer::ClassToken => Ok(self.add_step(Operation::ClassToken, input, ImageShape::new(shape.width, 1, 1))),
            _ => Ok(self.add_step(Operation::Gelu, input, shape)),
        }
    }

    fn add_token_linear(&mut self, name: &str, outputs: usize, bias: bool, input: usize) -> Result<usize> {
        let shape = self.shapes[input];
        if outputs == 0 {
            return Err(Error::input(format!("layer `{name}` has no outputs")));
        }
        let (weights, inputs) = (self.weights(name, vec![outputs, shape.width], bias)?, shape.width);
        Ok(self.add_step(
            Operation::Linear { weights, inputs },
            input,
            ImageShape::new(shape.channels, 1, outputs),
        ))
    }

    /// An activation joins the step before it where that is a norm or a sum that nobody else reads.
    fn activate(&mut self, activation: Activation<f64>, input: usize, alone: bool) -> usize {
        if alone
            && input == self.steps.len()
            && let Some(step) = self.steps.last_mut()
            && let Operation::Norm { activation: place, .. } | Operation::Add { activation: place, .. } = &mut step.operation
            && *place == Activation::Identity
        {
            *place = activation;
            return input;
        }
        self.add_step(Operation::Activation(activation), input, self.shapes[input])
    }

    fn take_name(&mut self, name: &str) -> Result<()> {
        match self.names.insert(name.to_owned()) {
            true => Ok(()),
            false => Err(Error::input(format!("two layers have the name `{name}`"))),
        }
    }

    fn weights(&mut self, name: &str, shape: Vec<usize>, bias: bool) -> Result<Weights> {
        self.take_name(name)?;
        let outputs = shape[0];
        let weight = push(&mut self.tensors, format!("{name}.weight"), shape)?;
        let bias = match bias {
            true => push(&mut self.tensors, format!("{name}.bias"), vec![outputs])?,
            false => weight.end..weight.end,
        };
        Ok(Weights { weight, bias })
    }
}

impl Activation<f64> {
    /// The same in another precision.
    pub fn to<T: Real>(self) -> Activation<T> {
        match self {
            Self::Identity => Activation::Identity,
            Self::Relu => Activation::Relu,
            Self::Celu(alpha) => Activation::Celu(T::from_f64(alpha)),
            Self::Scale(factor) => Activation::Scale(T::from_f64(factor)),
        }
    }
}
