//! What the benchmarks on images share: the image sets ([`data`]), networks and importances that are made once and kept in the run folder,
//! the device that computes, and means over seeds.

pub mod data;
pub mod kept;
pub(in crate::experiments) mod store;
mod training;

use serde::{Deserialize, Serialize};

pub use data::{Reading, RecipeChanges};
pub(in crate::experiments) use training::{Loaded, Training, checkpoints, initial, made_once, measured};

use crate::error::Result;
use crate::experiments::Study;
use crate::nn::images::{Accelerated, Precision};
use crate::stats::Sample;

/// What settings name as the device of the processor.
pub const CPU: &str = "cpu";

pub(in crate::experiments) fn cpu() -> String {
    CPU.to_owned()
}

pub(in crate::experiments) fn is_cpu(device: &str) -> bool {
    device == CPU
}

/// What settings name as the device of a GPU that computes with numbers of this precision.
pub(in crate::experiments) fn device_name(precision: Precision) -> String {
    format!("cuda {}", precision.name())
}

/// A benchmark whose networks a GPU may compute.
pub trait OnDevice: Sized {
    /// Its settings.
    type Settings: Study;

    /// The network.
    fn network(&self) -> &str;
    /// Whether a device knows every layer of the networks.
    ///
    /// # Errors
    /// As [`crate::nn::images::ImageNetwork::zeros`].
    fn fits(&self, device: &Accelerated) -> Result<bool>;
    /// On a device that computes with numbers of this precision.
    #[must_use]
    fn on(self, device: Accelerated, precision: Precision) -> Self;
    /// What settings say of the device.
    fn device_of(settings: &Self::Settings) -> &str;
}

/// Mean and standard deviation over seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean; not a number where there is no seed.
    pub mean: f64,
    /// Standard deviation; absent of a single one.
    pub sd: Option<f64>,
    /// Seeds.
    pub count: usize,
}

impl Spread {
    /// Of these values, one a seed.
    pub fn of(values: &[f64]) -> Self {
        let sample = Sample::new(values).ok();
        Self {
            mean: mean(values).unwrap_or(f64::NAN),
            sd: sample.and_then(|sample| sample.standard_deviation().ok()),
            count: values.len(),
        }
    }
}

/// Mean; `None` of nothing.
pub(in crate::experiments) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
