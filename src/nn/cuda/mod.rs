//! NVIDIA GPUs, with `--features cuda`: many models of one shape trained, measured, dampened and judged in lockstep. The libraries are
//! opened when they are first needed, so a program built so starts anywhere.
//!
//! [`Lockstep`] says what is launched; an [`Accelerator`] launches it: [`GpuDevice`] on a GPU, and in the tests the same kernels compiled for
//! the host.

mod accelerator;
#[allow(unsafe_code)]
mod driver;
mod frozen;
#[cfg(test)]
#[allow(unsafe_code)]
pub(crate) mod host;
mod lockstep;
mod passes;
#[cfg(test)]
mod tests;

pub use accelerator::{Accelerator, Argument, BlasCall, Memory, Numbers, Program, Shape};
pub(super) use accelerator::{Matrices, blas_call};
pub use driver::GpuDevice;
pub(super) use driver::{gpus, opens};
pub use frozen::{Dampened, Place};
pub use lockstep::{Lockstep, Rows, Shared, most_models};
