//! A network for images: its shape, its trainable parameters in one flat vector, and apart from them batch norm's running statistics.

use super::layer::ImageSpec;
use super::plan::{Operation, Plan};
use crate::error::{Error, Result};
use crate::nn::network::fill;
use crate::nn::{NamedTensor, Real, TensorSpec};
use crate::seed::Seed;

/// Uniform in ±1/sqrt(this): a standard deviation of 0.02.
const TOKEN_WINDOW: usize = 833;

/// A network for images.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageNetwork<T> {
    spec: ImageSpec,
    plan: Plan,
    parameters: Vec<T>,
    buffers: Vec<T>,
}

impl<T: Real> ImageNetwork<T> {
    /// A network with PyTorch's default initial values: weights and biases of convolutions and linear layers uniform in
    /// ±1/sqrt(values that meet in one output), batch norm and layer norm at weight 1, bias 0, running mean 0 and running variance 1;
    /// class token and positions, for which PyTorch has no default, uniform with the standard deviation 0.02 of the reference vision
    /// transformer. The draws are made in f64 from the stream `initial-weights`.
    ///
    /// # Errors
    /// Where the layers do not fit each other.
    pub fn initial(spec: &ImageSpec, seed: Seed) -> Result<Self> {
        use rand_chacha::rand_core::RngCore;
        let mut network = Self::zeros(spec)?;
        let mut random = seed.stream("initial-weights", 0);
        let mut draw = |values: &mut [T], window: usize| {
            let bound = 1.0 / (window as f64).sqrt();
            for value in values {
                // 53 random bits make a number in [0, 1) that no library version can change.
                let unit = (random.next_u64() >> 11) as f64 * 2.0_f64.powi(-53);
                *value = T::from_f64((2.0 * unit - 1.0) * bound);
            }
        };
        for step in &network.plan.steps {
            match &step.operation {
                Operation::Conv(geometry, weights) => {
                    draw(&mut network.parameters[weights.weight.start..weights.bias.end], geometry.window())
                }
                Operation::Linear { weights, inputs } => draw(&mut network.parameters[weights.weight.start..weights.bias.end], *inputs),
                Operation::Tokens { class, positions } => draw(&mut network.parameters[class.start..positions.end], TOKEN_WINDOW),
                Operation::Norm { weights, .. } | Operation::LayerNorm { weights, .. } => {
                    network.parameters[weights.weight.clone()].fill(T::ONE)
                }
                _ => {}
            }
        }
        Ok(network)
    }

    /// A network whose parameters are all 0 and whose running variances are 1.
    ///
    /// # Errors
    /// Where the layers do not fit each other.
    pub fn zeros(spec: &ImageSpec) -> Result<Self> {
        let plan = Plan::new(spec)?;
        let mut buffers = vec![T::ZERO; plan.buffer_len()];
        for tensor in plan.buffers.iter().skip(1).step_by(2) {
            buffers[tensor.range()].fill(T::ONE);
        }
        Ok(Self {
            parameters: vec![T::ZERO; plan.parameters()],
            spec: spec.clone(),
            plan,
            buffers,
        })
    }

    /// The shape.
    pub fn spec(&self) -> &ImageSpec {
        &self.spec
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The trainable tensors, in network order.
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.plan.tensors
    }

    /// The buffers, in network order.
    pub fn buffer_tensors(&self) -> &[TensorSpec] {
        &self.plan.buffers
    }

    /// All trainable parameters, in the order of [`ImageNetwork::tensors`].
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }

    /// The same, to change.
    pub fn parameters_mut(&mut self) -> &mut [T] {
        &mut self.parameters
    }

    /// Running statistics, in the order of [`ImageNetwork::buffer_tensors`].
    pub fn buffers(&self) -> &[T] {
        &self.buffers
    }

    /// The same, to change.
    pub fn buffers_mut(&mut self) -> &mut [T] {
        &mut self.buffers
    }

    /// Whether every parameter and buffer is a finite number.
    pub fn is_finite(&self) -> bool {
        self.parameters.iter().chain(&self.buffers).all(|value| value.is_finite())
    }

    /// All tensors, trainable ones first, then the buffers; in single precision, which is what files hold.
    pub fn to_tensors(&self) -> Vec<NamedTensor> {
        let take = |spec: &TensorSpec, from: &[T]| NamedTensor {
            values: from[spec.range()].iter().map(|value| value.to_f64() as f32).collect(),
            name: spec.name.clone(),
            shape: spec.shape.clone(),
        };
        let trainable = self.plan.tensors.iter().map(|spec| take(spec, &self.parameters));
        trainable
            .chain(self.plan.buffers.iter().map(|spec| take(spec, &self.buffers)))
            .collect()
    }

    /// Builds a network from tensors in any order; other tensors may lie beside them.
    ///
    /// # Errors
    /// Where a tensor is missing, has another shape than the network needs, or holds NaN or infinity, or where a running
    /// variance is negative.
    pub fn from_tensors(spec: &ImageSpec, tensors: &[NamedTensor]) -> Result<Self> {
        let mut network = Self::zeros(spec)?;
        for tensor in &network.plan.tensors {
            fill(&mut network.parameters[tensor.range()], tensor, tensors)?;
        }
        for tensor in &network.plan.buffers {
            let into = &mut network.buffers[tensor.range()];
            fill(into, tensor, tensors)?;
            if tensor.name.ends_with("running_var") && into.iter().any(|value| *value < T::ZERO) {
                return Err(Error::input(format!("tensor `{}` holds a negative variance", tensor.name)));
            }
        }
        Ok(network)
    }

    /// That images and labels fit each other and the network.
    ///
    /// # Errors
    /// Where they do not, or there are none.
    pub fn check(&self, images: &[T], labels: &[u8]) -> Result<()> {
        if labels.is_empty() {
            return Err(Error::input("there are no images"));
        }
        if images.len() != labels.len() * self.spec.input.len() {
            return Err(Error::internal(format!(
                "{} values for {} images of {}",
                images.len(),
                labels.len(),
                self.spec.input
            )));
        }
        self.check_labels(labels, labels.len())
    }

    /// That there are this many labels, each of a class.
    pub(super) fn check_labels(&self, labels: &[u8], images: usize) -> Result<()> {
        if labels.is_empty() {
            return Err(Error::input("there are no images"));
        }
        if labels.len() != images {
            return Err(Error::internal(format!("{} labels for {images} images", labels.len())));
        }
        match labels.iter().find(|label| usize::from(**label) >= self.spec.classes) {
            Some(label) => Err(Error::internal(format!("label {label} of {} classes", self.spec.classes))),
            None => Ok(()),
        }
    }
}
