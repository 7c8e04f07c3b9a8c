//! Multilayer perceptrons: their shape, and their parameters in one flat vector with named tensors in network order.

use serde::{Deserialize, Serialize};

use super::ensemble::MOST_MEMBERS;
use super::real::Real;
use crate::error::{Error, Result};
use crate::memory;
use crate::seed::Seed;

/// Added to the variance before the root, as in PyTorch's `BatchNorm1d`.
pub const NORM_EPSILON: f64 = 1e-5;
/// Share of the new batch in the running statistics, as in PyTorch's `BatchNorm1d`.
pub const NORM_MOMENTUM: f64 = 0.1;
/// Labels are stored in one byte.
pub const MOST_CLASSES: usize = 256;

/// Shape of a multilayer perceptron: per hidden layer Linear, BatchNorm, ReLU; then a linear head.
///
/// Without hidden layers it is multinomial logistic regression.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MlpSpec {
    /// Input columns.
    pub inputs: usize,
    /// Width of each hidden layer, first to last; of all members of an ensemble together.
    pub hidden: Vec<usize>,
    /// Classes, 2 to 256.
    pub classes: usize,
    /// Networks side by side whose logits are averaged ([`MlpSpec::ensemble`]); 1 for a single one. Each has its share of every hidden layer's
    /// width.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub members: usize,
}

fn one() -> usize {
    1
}

fn is_one(members: &usize) -> bool {
    *members == 1
}

/// One named tensor and where it lies in the flat vector that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorSpec {
    /// Name, such as `layers.0.linear.weight` or `head.bias`.
    pub name: String,
    /// Shape; weights are (outputs, inputs), row-major, as in PyTorch.
    pub shape: Vec<usize>,
    /// Index of its first element in the flat vector.
    pub offset: usize,
}

impl TensorSpec {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its place in the flat vector.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.len()
    }
}

/// A tensor taken out of a network, ready for a file.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Name, such as `layers.0.linear.weight`.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// Elements, row-major.
    pub values: Vec<f32>,
}

/// Where the parts of one layer lie in the flat parameter vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LayerPlan {
    /// Inputs of each output: those of the layer, or of its own block.
    pub inputs: usize,
    /// Outputs of the layer.
    pub outputs: usize,
    /// Blocks of outputs, each of which sees its own block of inputs; 1 where all see all.
    pub blocks: usize,
    /// First parameter of the layer in the flat vector.
    pub offset: usize,
    /// Whether batch norm and ReLU follow (hidden layers), or not (the head).
    pub hidden: bool,
}

impl LayerPlan {
    /// Where the bias starts within the layer; weights start at 0.
    pub fn bias(&self) -> usize {
        self.inputs * self.outputs
    }

    /// Where batch norm's weight starts within the layer.
    pub fn norm_weight(&self) -> usize {
        self.bias() + self.outputs
    }

    /// Where batch norm's bias starts within the layer.
    pub fn norm_bias(&self) -> usize {
        self.norm_weight() + self.outputs
    }

    /// Number of parameters of the layer.
    pub fn len(&self) -> usize {
        if self.hidden {
            self.norm_bias() + self.outputs
        } else {
            self.norm_weight()
        }
    }

    /// The layer's part of the flat vector.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.len()
    }
}

impl MlpSpec {
    /// A checked shape.
    ///
    /// # Errors
    /// Where there is no input, a hidden layer without width, fewer than 2 or more than 256 classes, or this many parameters
    /// that their number does not fit.
    pub fn new(inputs: usize, hidden: Vec<usize>, classes: usize) -> Result<Self> {
        if inputs == 0 {
            return Err(Error::input("a network needs at least one input column").hint("check which columns the profile keeps"));
        }
        if hidden.contains(&0) {
            return Err(Error::input("a hidden layer cannot have width 0").hint("use for example `3x100`, `100,50` or `none`"));
        }
        if !(2..=MOST_CLASSES).contains(&classes) {
            return Err(Error::input(format!(
                "a classifier needs 2 to {MOST_CLASSES} classes, and these rows have {classes}"
            )));
        }
        let spec = Self {
            inputs,
            hidden,
            classes,
            members: 1,
        };
        let mut total: usize = 0;
        let mut width = inputs;
        for &next in spec.hidden.iter().chain([&spec.classes]) {
            let layer = width.checked_add(3).and_then(|wide| wide.checked_mul(next));
            total = layer
                .and_then(|layer| total.checked_add(layer))
                .filter(|total| *total < (1 << 31))
                .ok_or_else(|| Error::input(format!("a network of {} has too many parameters", spec.name())))?;
            width = next;
        }
        Ok(spec)
    }

    /// Reads hidden widths as people write them: `3x100` (three layers of 100), `100,50`, or `none`.
    ///
    /// # Errors
    /// Where the text is none of these, a width is 0 or above 16384, or there are more than 64 layers.
    pub fn parse_hidden(text: &str) -> Result<Vec<usize>> {
        let wrong = || {
            Error::input(format!("`{text}` is not a network size"))
                .hint("use for example `3x100` (three hidden layers of 100), `100,50`, or `none`")
        };
        let number = |part: &str| part.trim().parse::<usize>().map_err(|_| wrong());
        let folded = text.trim().to_lowercase();
        let widths = if folded == "none" {
            Vec::new()
        } else if let Some((layers, width)) = folded.split_once('x') {
            let layers = number(layers)?;
            if layers > 64 {
                return Err(wrong());
            }
            vec![number(width)?; layers]
        } else {
            folded.split(',').map(number).collect::<Result<Vec<_>>>()?
        };
        if widths.len() > 64 || widths.iter().any(|width| !(1..=16_384).contains(width)) {
            return Err(wrong());
        }
        Ok(widths)
    }

    /// Reads a size that may be an ensemble's: members, and the hidden widths of each. `4 of 2x50`, or as [`parse_hidden`](Self::parse_hidden).
    ///
    /// # Errors
    /// Where the text is none of these.
    pub fn parse_size(text: &str) -> Result<(usize, Vec<usize>)> {
        let folded = text.trim().to_lowercase();
        let Some((members, size)) = folded.split_once(" of ") else {
            return Ok((1, Self::parse_hidden(text)?));
        };
        let members = members.trim().parse().ok().filter(|members| (1..=MOST_MEMBERS).contains(members));
        let hidden = Self::parse_hidden(size)?;
        match members {
            Some(members) if members == 1 || !hidden.is_empty() => Ok((members, hidden)),
            _ => Err(
                Error::input(format!("`{}` is not the size of an ensemble", text.trim())).hint(format!(
                    "use for example `4 of 2x50`: 1 to {MOST_MEMBERS} networks of two hidden layers of 50"
                )),
            ),
        }
    }

    /// Reads sizes to choose from, the first of them the usual one: `4 of 2x50 or none`. Each counts once.
    ///
    /// # Errors
    /// As [`parse_size`](Self::parse_size).
    pub fn parse_choice(text: &str) -> Result<Vec<(usize, Vec<usize>)>> {
        let mut sizes = Vec::new();
        for part in text.to_lowercase().split(" or ") {
            let size = Self::parse_size(part)?;
            if !sizes.contains(&size) {
                sizes.push(size);
            }
        }
        Ok(sizes)
    }

    /// The size as people write it: `3x100`, `100,50`, `none` or, of an ensemble, `4 of 2x50`.
    pub fn name(&self) -> String {
        if self.members > 1 {
            return format!("{} of {}", self.members, self.member().name());
        }
        match self.hidden.as_slice() {
            [] => "none".to_owned(),
            [first, rest @ ..] if rest.iter().all(|width| width == first) => format!("{}x{first}", self.hidden.len()),
            several => several.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        }
    }

    pub(super) fn layers(&self) -> Vec<LayerPlan> {
        let mut offset = 0;
        let mut inputs = self.inputs;
        let widths = self.hidden.iter().map(|width| (*width, true)).chain([(self.classes, false)]);
        widths
            .enumerate()
            .map(|(layer, (outputs, hidden))| {
                let blocks = if layer > 0 && hidden { self.members } else { 1 };
                let plan = LayerPlan {
                    inputs: inputs / blocks,
                    outputs,
                    blocks,
                    offset,
                    hidden,
                };
                offset += plan.len();
                inputs = outputs;
                plan
            })
            .collect()
    }

    /// Number of trainable parameters.
    pub fn parameters(&self) -> usize {
        self.layers().last().map_or(0, |layer| layer.range().end)
    }

    /// Number of buffer elements: a running mean and a running variance per hidden unit.
    pub fn buffers(&self) -> usize {
        2 * self.hidden.iter().sum::<usize>()
    }

    /// The trainable tensors, in network order, which is also their order in the flat vector.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        let mut list = Vec::new();
        for (index, layer) in self.layers().iter().enumerate() {
            let mut add = |name: String, shape: Vec<usize>, start: usize| {
                list.push(TensorSpec {
                    name,
                    shape,
                    offset: layer.offset + start,
                });
            };
            if layer.hidden {
                add(format!("layers.{index}.linear.weight"), vec![layer.outputs, layer.inputs], 0);
                add(format!("layers.{index}.linear.bias"), vec![layer.outputs], layer.bias());
                add(format!("layers.{index}.norm.weight"), vec![layer.outputs], layer.norm_weight());
                add(format!("layers.{index}.norm.bias"), vec![layer.outputs], layer.norm_bias());
            } else {
                add("head.weight".to_owned(), vec![layer.outputs, layer.inputs], 0);
                add("head.bias".to_owned(), vec![layer.outputs], layer.bias());
            }
        }
        list
    }

    /// The buffers, in network order; offsets count in the buffer vector.
    pub fn buffer_tensors(&self) -> Vec<TensorSpec> {
        let mut list = Vec::new();
        let mut offset = 0;
        for (index, &width) in self.hidden.iter().enumerate() {
            for part in ["running_mean", "running_var"] {
                list.push(TensorSpec {
                    name: format!("layers.{index}.norm.{part}"),
                    shape: vec![width],
                    offset,
                });
                offset += width;
            }
        }
        list
    }
}

/// A network: its shape, its trainable parameters, and apart from them the running statistics of batch norm.
#[derive(Debug, Clone, PartialEq)]
pub struct Network<T> {
    spec: MlpSpec,
    parameters: Vec<T>,
    buffers: Vec<T>,
}

impl<T: Real> Network<T> {
    /// A network with PyTorch's default initial values: weights and biases of a linear layer uniform in ±1/sqrt(inputs)
    /// (`kaiming_uniform_` with a = sqrt 5), batch norm at weight 1, bias 0, running mean 0 and running variance 1.
    /// The draws are made in f64 from the stream `initial-weights`, so both precisions start from the same numbers.
    ///
    /// # Errors
    /// Where the shape cannot be, see [`MlpSpec::new`].
    pub fn initial(spec: &MlpSpec, seed: Seed) -> Result<Self> {
        // With its gradient, averages and a copy.
        memory::check_values(
            spec.parameters(),
            4 * size_of::<T>(),
            "a network of this size",
            "give a smaller one, such as `3x100`",
        )?;
        let members = (0..spec.members as u64).map(|member| Self::drawn(&spec.member(), seed, member));
        Self::joined(members.collect::<Result<Vec<_>>>()?)
    }

    /// One member of an ensemble; a single network is the first of them.
    fn drawn(spec: &MlpSpec, seed: Seed, member: u64) -> Result<Self> {
        use rand_chacha::rand_core::RngCore;
        let mut network = Self::zeros(spec)?;
        let mut random = seed.stream("initial-weights", member);
        for layer in spec.layers() {
            let bound = 1.0 / (layer.inputs as f64).sqrt();
            let values = &mut network.parameters[layer.range()];
            for value in &mut values[..layer.norm_weight()] {
                // 53 random bits make a number in [0, 1) that no library version can change.
                let unit = (random.next_u64() >> 11) as f64 * 2.0_f64.powi(-53);
                *value = T::from_f64((2.0 * unit - 1.0) * bound);
            }
            if layer.hidden {
                values[layer.norm_weight()..layer.norm_bias()].fill(T::ONE);
            }
        }
        Ok(network)
    }

    /// A network whose parameters are all 0 and whose running variances are 1.
    ///
    /// # Errors
    /// As [`MlpSpec::new`].
    pub fn zeros(spec: &MlpSpec) -> Result<Self> {
        let spec = MlpSpec::ensemble(spec.members, spec.inputs, &spec.member().hidden, spec.classes)?;
        let parameters = vec![T::ZERO; spec.parameters()];
        let mut buffers = vec![T::ZERO; spec.buffers()];
        for tensor in spec.buffer_tensors().iter().skip(1).step_by(2) {
            buffers[tensor.range()].fill(T::ONE);
        }
        Ok(Self { spec, parameters, buffers })
    }

    /// The shape.
    pub fn spec(&self) -> &MlpSpec {
        &self.spec
    }

    /// All trainable parameters, in the order of [`MlpSpec::tensors`].
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }

    /// The same, to change.
    pub fn parameters_mut(&mut self) -> &mut [T] {
        &mut self.parameters
    }

    /// Running statistics, in the order of [`MlpSpec::buffer_tensors`].
    pub fn buffers(&self) -> &[T] {
        &self.buffers
    }

    /// The same, to change.
    pub fn buffers_mut(&mut self) -> &mut [T] {
        &mut self.buffers
    }

    /// Divides all logits: the last layer's weights and biases. Which class is the likeliest stays.
    pub(super) fn divide_logits(&mut self, by: f64) {
        if let Some(last) = self.spec.layers().last() {
            let values = &mut self.parameters[last.range()];
            values.iter_mut().for_each(|value| *value = T::from_f64(value.to_f64() / by));
        }
    }

    /// Running mean and running variance of one hidden layer.
    pub(super) fn running(&self, layer: usize) -> (&[T], &[T]) {
        let start = 2 * self.spec.hidden[..layer].iter().sum::<usize>();
        let width = self.spec.hidden[layer];
        (&self.buffers[start..start + width], &self.buffers[start + width..start + 2 * width])
    }

    /// Whether every parameter and buffer is a finite number.
    pub fn is_finite(&self) -> bool {
        self.parameters.iter().chain(&self.buffers).all(|value| value.is_finite())
    }

    /// All tensors, trainable ones first, then the buffers; in single precision, which is what files hold.
    pub fn to_tensors(&self) -> Vec<NamedTensor> {
        let take = |spec: TensorSpec, from: &[T]| NamedTensor {
            values: from[spec.range()].iter().map(|value| value.to_f64() as f32).collect(),
            name: spec.name,
            shape: spec.shape,
        };
        let mut list: Vec<_> = self.spec.tensors().into_iter().map(|spec| take(spec, &self.parameters)).collect();
        list.extend(self.spec.buffer_tensors().into_iter().map(|spec| take(spec, &self.buffers)));
        list
    }

    /// Builds a network from tensors in any order; other tensors may lie beside them.
    ///
    /// # Errors
    /// Where a tensor is missing, has another shape than the network needs, or holds NaN or infinity, or where a running
    /// variance is negative.
    pub fn from_tensors(spec: &MlpSpec, tensors: &[NamedTensor]) -> Result<Self> {
        let mut network = Self::zeros(spec)?;
        for tensor in spec.tensors() {
            fill(&mut network.parameters[tensor.range()], &tensor, tensors)?;
        }
        for tensor in spec.buffer_tensors() {
            let into = &mut network.buffers[tensor.range()];
            fill(into, &tensor, tensors)?;
            if tensor.name.ends_with("running_var") && into.iter().any(|value| *value < T::ZERO) {
                return Err(Error::input(format!("tensor `{}` holds a negative variance", tensor.name)));
            }
        }
        Ok(network)
    }
}

/// Copies the tensor that `wanted` describes out of `tensors`.
pub(super) fn fill<T: Real>(into: &mut [T], wanted: &TensorSpec, tensors: &[NamedTensor]) -> Result<()> {
    let found = tensors
        .iter()
        .find(|tensor| tensor.name == wanted.name)
        .ok_or_else(|| Error::input(format!("tensor `{}` is missing", wanted.name)))?;
    if found.shape != wanted.shape || found.values.len() != into.len() {
        return Err(Error::input(format!(
            "tensor `{}` has shape {:?} where {:?} is needed",
            wanted.name, found.shape, wanted.shape
        )));
    }
    if let Some(value) = found.values.iter().find(|value| !value.is_finite()) {
        return Err(Error::input(format!(
            "tensor `{}` holds `{value}`, which is not a finite number",
            wanted.name
        )));
    }
    for (to, from) in into.iter_mut().zip(&found.values) {
        *to = T::from_f64(f64::from(*from));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_sizes_are_read_as_people_write_them() {
        assert_eq!(MlpSpec::parse_hidden("3x100").unwrap(), [100, 100, 100]);
        assert_eq!(MlpSpec::parse_hidden(" 100, 50 ").unwrap(), [100, 50]);
        assert_eq!(MlpSpec::parse_hidden("None").unwrap(), Vec::<usize>::new());
        for wrong in [
            "",
            "x",
            "3x",
            "0",
            "3x0",
            "100,,50",
            "-1",
            "99999999999999999999",
            "65x1",
            "1.5",
            "3x100x2",
        ] {
            let error = MlpSpec::parse_hidden(wrong).expect_err(wrong);
            assert!(error.hint_text().is_some());
        }
    }

    #[test]
    fn sizes_to_choose_from_are_read_in_their_order_each_once() {
        assert_eq!(MlpSpec::parse_choice("2x50").unwrap(), [(1, vec![50, 50])]);
        assert_eq!(
            MlpSpec::parse_choice("4 of 2x50 or None OR  4 Of 50,50").unwrap(),
            [(4, vec![50, 50]), (1, vec![])]
        );
        for wrong in [
            "2x50 or",
            "or none",
            "2x50 or 0",
            "2x50 and none",
            "4 of none",
            "0 of 3x5",
            "65 of 3x5",
            "4 of 4 of 5",
        ] {
            assert!(MlpSpec::parse_choice(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_name_of_a_size_reads_back_to_it() {
        for text in ["none", "2x50", "100,50", "1x7"] {
            let hidden = MlpSpec::parse_hidden(text).unwrap();
            assert_eq!(MlpSpec::new(3, hidden, 2).unwrap().name(), text);
        }
    }

    #[test]
    fn tensors_cover_the_flat_vector_once_and_in_order() {
        let spec = MlpSpec::new(5, vec![8, 6], 3).unwrap();
        let mut end = 0;
        for tensor in spec.tensors() {
            assert_eq!(tensor.offset, end);
            end += tensor.len();
        }
        assert_eq!(end, spec.parameters());
        assert_eq!(end, 5 * 8 + 8 + 16 + 8 * 6 + 6 + 12 + 18 + 3);
        assert_eq!(spec.tensors()[0].name, "layers.0.linear.weight");
        assert_eq!(spec.buffers(), 28);
    }

    #[test]
    fn impossible_networks_are_refused() {
        assert!(MlpSpec::new(0, vec![], 2).is_err());
        assert!(MlpSpec::new(1, vec![0], 2).is_err());
        assert!(MlpSpec::new(1, vec![], 1).is_err());
        assert!(MlpSpec::new(1, vec![], 257).is_err());
        assert!(MlpSpec::new(usize::MAX, vec![2], 2).is_err());
        assert!(MlpSpec::new(1 << 20, vec![1 << 14], 2).is_err());
    }

    #[test]
    fn initial_values_are_uniform_within_pytorchs_bound_and_equal_in_both_precisions() {
        let spec = MlpSpec::new(16, vec![200], 3).unwrap();
        let network = Network::<f64>::initial(&spec, Seed(7)).unwrap();
        let weights = &network.parameters()[..16 * 200];
        assert!(weights.iter().all(|value| value.abs() <= 0.25));
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        let square = weights.iter().map(|value| value * value).sum::<f64>() / weights.len() as f64;
        assert!(mean.abs() < 0.01, "{mean}");
        assert!((square - 0.25 * 0.25 / 3.0).abs() < 1e-3, "{square}");
        let single = Network::<f32>::initial(&spec, Seed(7)).unwrap();
        assert!(single.parameters().iter().zip(network.parameters()).all(|(a, b)| *a == *b as f32));
        assert_ne!(single.parameters(), Network::<f32>::initial(&spec, Seed(8)).unwrap().parameters());
    }

    #[test]
    fn tensors_written_out_read_back_and_damage_is_named() {
        let spec = MlpSpec::new(4, vec![3], 2).unwrap();
        let network = Network::<f32>::initial(&spec, Seed(1)).unwrap();
        let mut tensors = network.to_tensors();
        tensors.reverse();
        assert_eq!(Network::from_tensors(&spec, &tensors).unwrap(), network);
        let mut broken = tensors.clone();
        broken[0].values[0] = -1.0;
        assert!(
            Network::<f32>::from_tensors(&spec, &broken)
                .unwrap_err()
                .to_string()
                .contains("running_var")
        );
        broken[0].values[0] = f32::NAN;
        assert!(
            Network::<f32>::from_tensors(&spec, &broken)
                .unwrap_err()
                .to_string()
                .contains("NaN")
        );
        tensors.pop();
        let error = Network::<f32>::from_tensors(&spec, &tensors).unwrap_err();
        assert!(error.to_string().contains("layers.0.linear.weight"), "{error}");
    }
}
