//! Networks as data: a tree of named layers.

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::shape::ImageShape;
use crate::error::Result;
use crate::nn::TensorSpec;

/// One layer. Sizes of what goes in follow from the layers before; names are those of PyTorch's state dicts, so that weights can be
/// exchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Layer {
    /// Convolution with a square kernel: `NAME.weight` (outputs, inputs, kernel, kernel) and `NAME.bias` (outputs).
    Conv {
        /// Name.
        name: String,
        /// Channels that come out.
        outputs: usize,
        /// Height and width of the kernel.
        kernel: usize,
        /// Pixels from one window to the next.
        stride: usize,
        /// Pixels of 0 around the image.
        padding: usize,
        /// Whether a number is added to every output channel.
        bias: bool,
    },
    /// Batch norm over images and pixels: `NAME.weight`, `NAME.bias`, and the buffers `NAME.running_mean`, `NAME.running_var`.
    Norm {
        /// Name.
        name: String,
    },
    /// max(x, 0).
    Relu,
    /// x above 0, else alpha (exp(x / alpha) - 1) (Barron 2017).
    Celu {
        /// Where it levels off below 0: above 0.
        alpha: f64,
    },
    /// Every value times a fixed number, which is not trained.
    Scale {
        /// Above 0.
        factor: f64,
    },
    /// The largest value of every window; of equals the first gets the gradient, as in PyTorch.
    MaxPool {
        /// Height and width of the window.
        size: usize,
        /// Pixels from one window to the next.
        stride: usize,
    },
    /// The mean of every channel.
    GlobalAveragePool,
    /// The largest value of every channel.
    GlobalMaxPool,
    /// Linear layer over all values: `NAME.weight` (outputs, inputs) and `NAME.bias` (outputs).
    Linear {
        /// Name.
        name: String,
        /// Values that come out.
        outputs: usize,
        /// Whether a number is added to every output.
        bias: bool,
    },
    /// From channels to tokens, for a vision transformer: every pixel becomes a token of `channels` values, a class token comes first,
    /// and a position is added to each: `NAME.cls_token` (1, 1, width) and `NAME.position_embeddings` (1, tokens, width).
    Tokens {
        /// Name.
        name: String,
    },
    /// Layer norm of every token: `NAME.weight` and `NAME.bias` (width).
    LayerNorm {
        /// Name.
        name: String,
        /// Added to the variance: above 0.
        epsilon: f64,
    },
    /// Linear layer over the values of every token: `NAME.weight` (outputs, width) and `NAME.bias` (outputs).
    TokenLinear {
        /// Name.
        name: String,
        /// Values of a token that come out.
        outputs: usize,
        /// Whether a number is added to every output.
        bias: bool,
    },
    /// Self-attention of several heads: linear layers `NAME.query`, `NAME.key` and `NAME.value` of every token, then
    /// softmax(query key^t / sqrt(width of a head)) value.
    Attention {
        /// Name.
        name: String,
        /// Heads; the width is a multiple of it.
        heads: usize,
    },
    /// x times the share of the standard normal distribution below x.
    Gelu,
    /// The first token alone.
    ClassToken,
    /// What `main` makes plus what `shortcut` makes; an empty shortcut hands on what came in.
    Residual {
        /// The long way.
        main: Vec<Layer>,
        /// The short way.
        shortcut: Vec<Layer>,
    },
}

/// The shape of an image network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageSpec {
    /// Name, such as `resnet18`.
    pub name: String,
    /// Size of the images it takes.
    pub input: ImageShape,
    /// Classes, 2 to 256: the values the last layer makes.
    pub classes: usize,
    /// The layers, in order.
    pub layers: Vec<Layer>,
}

impl ImageSpec {
    /// The trainable tensors, in network order, which is also their order in the flat vector.
    ///
    /// # Errors
    /// Where the layers do not fit each other.
    pub fn tensors(&self) -> Result<Vec<TensorSpec>> {
        Plan::new(self).map(|plan| plan.tensors)
    }

    /// The running statistics of batch norm, in network order; offsets count in the buffer vector.
    ///
    /// # Errors
    /// As [`ImageSpec::tensors`].
    pub fn buffer_tensors(&self) -> Result<Vec<TensorSpec>> {
        Plan::new(self).map(|plan| plan.buffers)
    }

    /// Number of trainable parameters.
    ///
    /// # Errors
    /// As [`ImageSpec::tensors`].
    pub fn parameters(&self) -> Result<usize> {
        Plan::new(self).map(|plan| plan.parameters())
    }
}
