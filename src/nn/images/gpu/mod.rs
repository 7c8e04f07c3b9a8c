//! Image networks on a GPU: convolutions and linear layers as products of windows laid side by side, everything else by own kernels, images
//! and what happens to them on the device.
//!
//! Values lie channels last; weights as outputs x kernel rows x kernel columns x channels, with the bias behind them as the weight of a
//! column of ones. Weights, gradients, velocities and sums are of single precision whatever the values are stored in ([`Precision`]).

mod backward;
mod forward;
mod layout;
mod models;
mod pool;
#[cfg(test)]
mod tests;

use super::device::Precision;
use crate::nn::cuda::Program;
pub(super) use models::ImagesOn;

/// The kernels by name.
const KERNELS: [&str; 21] = [
    "arrange",
    "place",
    "convert",
    "columns",
    "back_columns",
    "moments",
    "finish_moments",
    "frozen",
    "norm_forward",
    "norm_sums",
    "finish_sums",
    "norm_backward",
    "add",
    "through",
    "max_pool",
    "max_pool_back",
    "pool_all",
    "pool_all_back",
    "descend",
    "add_batch",
    "add_images",
];

impl Precision {
    /// The kernels for values of this precision.
    pub fn program(self) -> Program {
        let half = u8::from(self == Self::Half);
        let text = format!("#define HALF {half}\n{}{}", include_str!("kernels.cu"), include_str!("norms.cu"));
        Program::new(&text, &KERNELS)
    }

    /// Bytes of a value.
    fn bytes(self) -> usize {
        if self == Self::Half { 2 } else { 4 }
    }

    /// Values of a unit of 16 bytes.
    fn pack(self) -> usize {
        16 / self.bytes()
    }
}

/// The kernels on the host, for tests of what is built on them; `None` where they cannot be compiled.
#[cfg(test)]
pub(crate) fn on_host(precision: Precision) -> Option<(super::Accelerated, std::sync::MutexGuard<'static, ()>)> {
    let (host, guard) = crate::nn::cuda::host::Host::with(&precision.program(), 1 << 31)?;
    let device = ImagesOn::new(host, precision).ok()?;
    Some((super::Accelerated::new(device), guard))
}

/// All programs, to see that they compile.
#[cfg(test)]
pub(in crate::nn) fn gpu_programs() -> Vec<Program> {
    [Precision::Single, Precision::Half].map(Precision::program).to_vec()
}
