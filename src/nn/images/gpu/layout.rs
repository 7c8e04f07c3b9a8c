//! Where a network's steps and parameters lie on a GPU.

use std::ops::Range;

use super::super::kernels::Activation;
use super::super::plan::{Operation, Plan, Weights};
use super::super::shape::ImageShape;

/// Rows of matrices and blocks of parameters begin at multiples of this many values.
const EVEN: usize = 8;

/// A convolution or linear layer as products: every output pixel's window is a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub input: ImageShape,
    pub output: ImageShape,
    pub kernel: (usize, usize),
    pub stride: usize,
    pub padding: usize,
    /// Values of a row: the window, the bias's 1, zeros.
    pub pitch: usize,
    pub ones: bool,
    /// The rows are the pixels themselves.
    pub plain: bool,
}

impl Window {
    fn new(input: ImageShape, output: ImageShape, kernel: (usize, usize), (stride, padding): (usize, usize), bias: bool) -> Self {
        let window = input.channels * kernel.0 * kernel.1 + usize::from(bias);
        let plain = kernel == (1, 1) && stride == 1 && padding == 0 && !bias && window.is_multiple_of(EVEN);
        Self {
            input,
            output,
            kernel,
            stride,
            padding,
            pitch: window.next_multiple_of(EVEN),
            ones: bias,
            plain,
        }
    }
}

/// What follows a sum or a norm, as kernels take it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bend {
    pub kind: usize,
    pub alpha: f32,
}

impl Bend {
    pub const NONE: Self = Self { kind: 0, alpha: 1.0 };

    fn new(activation: Activation<f64>) -> Self {
        match activation {
            Activation::Identity => Self::NONE,
            Activation::Relu => Self { kind: 1, alpha: 1.0 },
            Activation::Celu(alpha) => Self {
                kind: 2,
                alpha: alpha as f32,
            },
            Activation::Scale(factor) => Self {
                kind: 3,
                alpha: factor as f32,
            },
        }
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Work {
    /// The weights' first place.
    Product(Window, usize),
    /// The weights' first place (biases come behind them), the batch norm's number, the place of its running means.
    Norm {
        place: usize,
        number: usize,
        running: usize,
        bend: Bend,
    },
    Bend(Bend),
    MaxPool {
        size: usize,
        stride: usize,
    },
    PoolAll {
        mean: bool,
    },
    Add {
        other: usize,
        bend: Bend,
    },
}

/// One step; slots are those of the plan.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Task {
    pub work: Work,
    pub input: usize,
}

/// A block of parameters on the device and where its values lie in network order.
#[derive(Debug, Clone, PartialEq)]
struct Block {
    place: usize,
    /// Rows (1 for a norm), pixels of a kernel, channels, pitch of a row.
    sizes: (usize, usize, usize, usize),
    weight: Range<usize>,
    bias: Range<usize>,
}

impl Block {
    /// The place on the device of every value, with its place in network order.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let (rows, cells, channels, pitch) = self.sizes;
        let weights = (0..rows * channels * cells).map(move |index| {
            let (row, channel, cell) = (index / (channels * cells), index / cells % channels, index % cells);
            (self.place + row * pitch + cell * channels + channel, self.weight.start + index)
        });
        // A norm has one row and a bias for each channel, a product a bias for each row.
        let step = if self.bias.len() == rows { pitch } else { 1 };
        let biases = (0..self.bias.len()).map(move |index| (self.place + channels * cells + index * step, self.bias.start + index));
        weights.chain(biases)
    }
}

/// A network as a GPU has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    pub tasks: Vec<Task>,
    /// Shape of every slot.
    pub shapes: Vec<ImageShape>,
    pub norms: usize,
    /// Parameters on the device, with the gaps.
    pub len: usize,
    /// Parameters in network order.
    parameters: usize,
    blocks: Vec<Block>,
}

impl Layout {
    /// Of a plan; `None` where it has a step that is not known here.
    pub fn new(plan: &Plan) -> Option<Self> {
        let mut layout = Self {
            tasks: Vec::new(),
            shapes: plan.shapes.clone(),
            norms: plan.norms,
            len: 0,
            parameters: plan.parameters(),
            blocks: Vec::new(),
        };
        for (index, step) in plan.steps.iter().enumerate() {
            let (input, output) = (plan.shapes[step.input], plan.shapes[index + 1]);
            let work = match &step.operation {
                Operation::Conv(geometry, weights) => {
                    let kernel = (geometry.kernel, geometry.kernel);
                    let sizes = (geometry.stride, geometry.padding);
                    layout.product(Window::new(input, output, kernel, sizes, !weights.bias.is_empty()), weights)
                }
                Operation::Linear { weights, inputs } if *inputs == input.len() => {
                    let kernel = (input.height, input.width);
                    layout.product(Window::new(input, output, kernel, (1, 0), !weights.bias.is_empty()), weights)
                }
                Operation::Norm {
                    number,
                    weights,
                    means,
                    activation,
                } => Work::Norm {
                    place: layout.block((1, 1, input.channels, 2 * input.channels), weights),
                    number: *number,
                    running: means.start,
                    bend: Bend::new(*activation),
                },
                Operation::Activation(activation) => Work::Bend(Bend::new(*activation)),
                Operation::MaxPool { size, stride } => Work::MaxPool {
                    size: *size,
                    stride: *stride,
                },
                Operation::GlobalAverage => Work::PoolAll { mean: true },
                Operation::GlobalMax => Work::PoolAll { mean: false },
                Operation::Add { other, activation } => Work::Add {
                    other: *other,
                    bend: Bend::new(*activation),
                },
                Operation::Linear { .. }
                | Operation::Tokens { .. }
                | Operation::LayerNorm { .. }
                | Operation::Attention { .. }
                | Operation::Gelu
                | Operation::ClassToken => return None,
            };
            layout.tasks.push(Task { work, input: step.input });
        }
        // The logits are of single precision, which only products make.
        matches!(
            layout.tasks.last(),
            Some(Task {
                work: Work::Product(..),
                ..
            })
        )
        .then_some(layout)
    }

    fn product(&mut self, window: Window, weights: &Weights) -> Work {
        let (outputs, cells) = (window.output.channels, window.kernel.0 * window.kernel.1);
        let place = self.block((outputs, cells, window.input.channels, window.pitch), weights);
        Work::Product(window, place)
    }

    fn block(&mut self, sizes: (usize, usize, usize, usize), weights: &Weights) -> usize {
        let place = self.len;
        self.len = (place + sizes.0 * sizes.3).next_multiple_of(EVEN);
        self.blocks.push(Block {
            place,
            sizes,
            weight: weights.weight.clone(),
            bias: weights.bias.clone(),
        });
        place
    }

    /// From network order; gaps are 0.
    pub fn to_device_order(&self, values: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; self.len];
        for (to, from) in self.blocks.iter().flat_map(Block::places) {
            out[to] = values[from];
        }
        out
    }

    /// Where the parameters of the network from `from` on begin, which begins a layer; `None` where others lie behind them.
    pub fn first_of(&self, from: usize) -> Option<usize> {
        let split = self
            .blocks
            .iter()
            .position(|block| block.weight.start >= from)
            .unwrap_or(self.blocks.len());
        let behind = self.blocks[split..].iter().all(|block| block.weight.start >= from);
        behind.then(|| self.blocks.get(split).map_or(self.len, |block| block.place))
    }

    /// To network order.
    pub fn to_network_order<V: Copy + Default>(&self, values: &[V]) -> Vec<V> {
        let mut out = vec![V::default(); self.parameters];
        for (from, to) in self.blocks.iter().flat_map(Block::places) {
            out[to] = values[from];
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::layer::ImageSpec;
    use super::*;

    #[test]
    fn every_parameter_has_a_place_of_its_own_and_comes_back() {
        for name in ["resnet9", "resnet18", "resnet-tiny"] {
            let plan = Plan::new(&ImageSpec::named(name, ImageShape::CIFAR, 10).unwrap()).unwrap();
            let layout = Layout::new(&plan).unwrap();
            let values: Vec<f32> = (1..=plan.parameters()).map(|value| value as f32).collect();
            let there = layout.to_device_order(&values);
            let used = there.iter().filter(|value| **value != 0.0).count();
            assert_eq!((used, there.len()), (plan.parameters(), layout.len), "{name}");
            assert!(layout.to_network_order(&there) == values, "{name}");
            // The last layer, and all of them.
            let head = layout.blocks.last().unwrap();
            assert_eq!(layout.first_of(head.weight.start), Some(head.place), "{name}");
            assert_eq!(
                (layout.first_of(0), layout.first_of(plan.parameters())),
                (Some(0), Some(layout.len)),
                "{name}"
            );
        }
        let plan = Plan::new(&ImageSpec::named("vit-tiny", ImageShape::CIFAR, 10).unwrap()).unwrap();
        assert!(Layout::new(&plan).is_none(), "attention is not known here");
    }

    #[test]
    fn weights_lie_by_kernel_pixel_then_channel_and_the_bias_behind_them() {
        let (input, output) = (ImageShape::new(2, 1, 2), ImageShape::new(2, 1, 1));
        let window = Window::new(input, output, (1, 2), (1, 0), true);
        let mut layout = Layout {
            tasks: Vec::new(),
            shapes: vec![input, output],
            norms: 0,
            len: 0,
            parameters: 10,
            blocks: Vec::new(),
        };
        layout.product(window, &Weights { weight: 0..8, bias: 8..10 });
        assert_eq!(window.pitch, 8);
        let there = layout.to_device_order(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]);
        // Output 0 has channel 0 at (1, 2) and channel 1 at (3, 4).
        assert_eq!(there[..8], [1.0, 3.0, 2.0, 4.0, 9.0, 0.0, 0.0, 0.0]);
        assert_eq!(there[8..], [5.0, 7.0, 6.0, 8.0, 10.0, 0.0, 0.0, 0.0]);
    }
}
