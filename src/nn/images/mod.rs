//! Networks for images: layers as data, forward and backward over `gemm`, training.
//!
//! An image lies plane by plane: channel, then row, then column, as in PyTorch. Results are the same bits for any number of threads.

mod answers;
mod convolution;
mod device;
mod evaluation;
mod features;
#[cfg(feature = "cuda")]
mod gpu;
mod importance;
mod kernels;
mod layer;
mod network;
mod part;
mod pass;
mod plan;
mod pool;
mod pretrained;
mod shape;
mod source;
mod tokens;
mod train;
mod trainer;
mod whitening;
mod winograd;
mod zoo;

#[cfg(test)]
mod learning_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod token_tests;

pub use answers::{ImageAnswers, logits_with, source_logits};
pub use device::{Accelerated, Compute, Precision};
pub use evaluation::image_logits;
pub use features::image_features;
#[cfg(all(test, feature = "cuda"))]
pub(in crate::nn) use gpu::gpu_programs;
#[cfg(all(test, feature = "cuda"))]
pub(crate) use gpu::on_host;
pub use importance::{image_importance, image_importance_in_batches, image_output_sensitivity};
pub use layer::{ImageSpec, Layer};
pub use network::ImageNetwork;
pub use pass::{Mode, image_gradient, image_loss_gradient};
pub use pretrained::{PRETRAINED_ADDRESS, StartWeights};
pub use shape::ImageShape;
pub use source::{AugmentParams, ByteImages, ImageSource, PlainImages, SelectedImages};
pub use train::{ImageRecipe, ImageStepper, Length, Schedule, StepImages};
pub use trainer::{Checkpoint, Checkpoints, ImageTraining, NoCheckpoints, train_images};
pub use zoo::FAST;
