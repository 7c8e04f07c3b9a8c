//! Networks for images: layers as data, forward and backward over `gemm`, training.
//!
//! An image lies plane by plane: channel, then row, then column, as in PyTorch. Results are the same bits for any number of threads.

mod convolution;
mod importance;
mod kernels;
mod layer;
mod network;
mod part;
mod pass;
mod plan;
mod pool;
mod shape;
mod source;
mod train;
mod zoo;

#[cfg(test)]
mod tests;

pub use importance::image_importance;
pub use layer::{ImageSpec, Layer};
pub use network::ImageNetwork;
pub use pass::{Mode, image_gradient, image_logits};
pub use shape::ImageShape;
pub use source::{ImageSource, PlainImages};
pub use train::{ImageRecipe, ImageStepper, Length, Schedule, train_images};
