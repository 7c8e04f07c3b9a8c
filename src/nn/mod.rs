//! Networks and all that is computed with them: training, evaluation, gradients and importances. Knows no table.
//!
//! Results are the same bits for any number of threads. They may differ in the last places between processors of different
//! instruction sets, because matrix products are summed in another order there.

mod chunk;
#[cfg(feature = "cuda")]
pub mod cuda;
mod device;
mod ensemble;
mod evaluate;
mod examples;
pub mod images;
mod importance;
#[allow(unsafe_code)]
mod kernels;
mod logistic;
mod network;
mod real;
mod recipe;
mod regularise;
pub mod search;
mod speed;
mod step;
mod steps;
mod stopping;
mod stored;
mod team;
mod train;

pub use device::{Cuda, Device, DeviceChoice, Gpu, LIBRARIES_VARIABLE, Library, Processor, Resolved, Survey, built_with_cuda, survey};
pub use evaluate::{logits, predictions, probabilities};
pub use examples::Examples;
pub use importance::{Importance, ImportanceKind, OutputSize, importance, output_sensitivity};
pub(crate) use kernels::{Matrix, multiply};
pub use logistic::logistic_regression;
pub use network::{MOST_CLASSES, MlpSpec, NORM_EPSILON, NORM_MOMENTUM, NamedTensor, Network, TensorSpec};
pub use real::Real;
pub use recipe::{EpochLog, Recipe, Standard, TrainingLog, order_seed};
pub use speed::product_peak;
pub use steps::{RowLosses, Sgd, Stepper, softened};
pub use stopping::{Fold, Freedom, Stopping, choose_epochs, choose_schedule};
pub use stored::{Forget, StoredImportances, store_importances};
pub use train::{TrainingJob, train, train_many};
