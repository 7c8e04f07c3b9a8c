//! What the lockstep engine asks of a device: memory, copies, kernels, batched matrix products. A GPU offers this through its driver
//! ([`super::driver`]); the tests offer it on the host, by the same kernels compiled as C++ (`host.rs`), so that what the engine launches, in
//! which order and with which shapes and strides, is checked without a GPU.

use super::super::network::{NORM_EPSILON, NORM_MOMENTUM};
use crate::error::{Error, Result};

/// Features of a tile: see `kernels.cu`.
const TILE: usize = 32;
/// Rows of a tile's threads.
const DEEP: usize = 8;
/// Threads of a line.
const LINE: usize = 256;

/// The tables engine's kernels by name.
const KERNELS: [&str; 14] = [
    "gather",
    "norm_forward",
    "norm_backward",
    "cross_entropy",
    "bias_step",
    "frozen_forward",
    "frozen_backward",
    "bias_sums",
    "squared",
    "add_batch",
    "finish_means",
    "ratio_percentile",
    "dampen",
    "predict",
];

/// Kernels that are compiled together.
#[derive(Debug, Clone)]
pub struct Program {
    /// Source text.
    pub(in crate::nn) source: String,
    /// Their names.
    pub(in crate::nn) kernels: &'static [&'static str],
}

impl Program {
    /// From a source text, with the engine's constants.
    pub(in crate::nn) fn new(text: &str, kernels: &'static [&'static str]) -> Self {
        Self {
            source: format!("#define NORM_EPSILON {NORM_EPSILON:e}\n#define NORM_MOMENTUM {NORM_MOMENTUM:e}\n{text}"),
            kernels,
        }
    }

    /// Those of the tables engine.
    pub fn tables() -> Self {
        Self::new(include_str!("kernels.cu"), &KERNELS)
    }
}

/// Memory of a device, or a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Where it begins; 0 for none.
    pub(in crate::nn) address: u64,
    /// Its length.
    pub(in crate::nn) bytes: usize,
}

impl Memory {
    /// No memory: what a kernel takes for something absent.
    pub(in crate::nn) const NONE: Self = Self { address: 0, bytes: 0 };

    /// The part from `start` on, counted in numbers of four bytes.
    pub(in crate::nn) fn from(self, start: usize) -> Self {
        // A start beyond the end is a fault of this room that must not become an address.
        assert!(start * 4 <= self.bytes, "a part beyond its memory");
        Self {
            address: self.address + (start * 4) as u64,
            bytes: self.bytes - start * 4,
        }
    }

    /// `bytes` of it from byte `start` on.
    pub(in crate::nn) fn part(self, start: usize, bytes: usize) -> Self {
        assert!(start + bytes <= self.bytes, "a part beyond its memory");
        Self {
            address: self.address + start as u64,
            bytes,
        }
    }
}

/// An argument of a kernel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Argument {
    /// An address.
    Address(u64),
    /// `int`.
    Int(i32),
    /// `float`.
    Float(f32),
    /// `double`.
    Double(f64),
}

impl Argument {
    /// As a kernel finds it in a slot of eight bytes. The unused half holds no zeros, so that a kernel that reads too much gets nonsense
    /// at once and not only some day.
    pub(super) fn slot(self) -> u64 {
        const UNUSED: u64 = 0xCCCC_CCCC_0000_0000;
        match self {
            Self::Address(address) => address,
            Self::Int(value) => UNUSED | u64::from(value.cast_unsigned()),
            Self::Float(value) => UNUSED | u64::from(value.to_bits()),
            Self::Double(value) => value.to_bits(),
        }
    }
}

impl From<Memory> for Argument {
    fn from(memory: Memory) -> Self {
        Self::Address(memory.address)
    }
}

impl From<usize> for Argument {
    /// Sizes are checked to fit when the engine is made.
    fn from(value: usize) -> Self {
        Self::Int(i32::try_from(value).unwrap_or(i32::MAX))
    }
}

impl From<bool> for Argument {
    fn from(value: bool) -> Self {
        Self::Int(i32::from(value))
    }
}

impl From<f32> for Argument {
    fn from(value: f32) -> Self {
        Self::Float(value)
    }
}

impl From<f64> for Argument {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

/// Blocks of a launch in x and y, and threads of a block in x and y.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape(pub(in crate::nn) [u32; 4]);

impl Shape {
    /// A tile for `width` features of each model.
    pub(super) fn tile(width: usize, models: usize) -> Self {
        Self([width.div_ceil(TILE) as u32, models as u32, TILE as u32, DEEP as u32])
    }

    /// A line of `elements` for each model.
    pub(in crate::nn) fn line(elements: usize, models: usize) -> Self {
        Self([elements.div_ceil(LINE).max(1) as u32, models as u32, LINE as u32, 1])
    }

    /// One block of a line for each model.
    pub(super) fn block(models: usize) -> Self {
        Self::line(1, models)
    }
}

/// What a product reads, makes and computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Numbers {
    /// Whether A, B and C are bfloat16 instead of single precision.
    pub(in crate::nn) half: [bool; 3],
    /// Whether factors of single precision may be rounded to the 10 bits of tensor cores (TF32).
    pub(in crate::nn) rounded: bool,
}

/// A matrix of each model: row-major, `stride` numbers from one model's to the next (0: all models share one).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::nn) struct Matrices {
    pub memory: Memory,
    pub rows: usize,
    pub columns: usize,
    pub stride: usize,
    /// Read with rows and columns swapped; `rows` and `columns` are as stored.
    pub transposed: bool,
    /// bfloat16 instead of single precision.
    pub half: bool,
}

impl Matrices {
    pub fn new(memory: Memory, rows: usize, columns: usize, stride: usize) -> Self {
        Self {
            memory,
            rows,
            columns,
            stride,
            transposed: false,
            half: false,
        }
    }

    pub fn half(self, half: bool) -> Self {
        Self { half, ..self }
    }

    pub fn transposed(self) -> Self {
        Self {
            transposed: !self.transposed,
            ..self
        }
    }

    fn shape(&self) -> (usize, usize) {
        if self.transposed {
            (self.columns, self.rows)
        } else {
            (self.rows, self.columns)
        }
    }

    /// That `models` of them lie within their memory.
    fn check(&self, models: usize) -> Result<()> {
        let numbers = (models.max(1) - 1) * self.stride + self.rows * self.columns;
        if numbers * if self.half { 2 } else { 4 } > self.memory.bytes {
            return Err(Error::internal(format!(
                "{models} matrices of {} x {} reach beyond {} bytes",
                self.rows, self.columns, self.memory.bytes
            )));
        }
        Ok(())
    }
}

/// A batched product as `cublasSgemmStridedBatched` takes it: column-major, C = alpha op(A) op(B) + beta C, op(A) m x k, op(B) k x n.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlasCall {
    pub(super) transpose: [bool; 2],
    pub(super) m: i32,
    pub(super) n: i32,
    pub(super) k: i32,
    pub(super) alpha: f32,
    pub(super) beta: f32,
    /// A, B, C.
    pub(super) addresses: [u64; 3],
    pub(super) leading: [i32; 3],
    pub(super) strides: [i64; 3],
    pub(super) batch: i32,
    pub(super) numbers: Numbers,
}

impl BlasCall {
    /// With factors rounded to the 10 bits of tensor cores, where they are of single precision.
    pub(in crate::nn) fn rounded(mut self, rounded: bool) -> Self {
        self.numbers.rounded = rounded;
        self
    }
}

/// out = alpha * left x right + beta * out, row-major, for every model. A row-major matrix is its transpose in column-major order, so the
/// operands change places.
///
/// # Errors
/// Where shapes do not fit each other or reach beyond their memory.
pub(in crate::nn) fn blas_call(out: Matrices, left: Matrices, right: Matrices, alpha: f32, beta: f32, models: usize) -> Result<BlasCall> {
    let ((rows, inner), (inner_right, columns)) = (left.shape(), right.shape());
    if inner != inner_right || (rows, columns) != (out.rows, out.columns) || out.transposed || (models > 1 && out.stride == 0) {
        return Err(Error::internal(format!(
            "a product of {rows} x {inner} and {inner_right} x {columns} into {} x {}",
            out.rows, out.columns
        )));
    }
    for matrices in [&out, &left, &right] {
        matrices.check(models)?;
    }
    Ok(BlasCall {
        transpose: [right.transposed, left.transposed],
        m: columns as i32,
        n: rows as i32,
        k: inner as i32,
        alpha,
        beta,
        addresses: [right.memory.address, left.memory.address, out.memory.address],
        leading: [right.columns as i32, left.columns as i32, out.columns as i32],
        strides: [right.stride as i64, left.stride as i64, out.stride as i64],
        batch: models as i32,
        numbers: Numbers {
            half: [right.half, left.half, out.half],
            rounded: false,
        },
    })
}

/// A device.
pub trait Accelerator {
    /// Free memory in bytes.
    ///
    /// # Errors
    /// Where the device does not answer.
    fn free(&self) -> Result<usize>;
    /// Reserves memory, filled with zeros, until the device is dropped or [`Accelerator::release_all`].
    ///
    /// # Errors
    /// Where there is not enough.
    fn reserve(&mut self, bytes: usize) -> Result<Memory>;
    /// Gives back what was reserved as a whole.
    fn release(&mut self, memory: Memory);
    /// Gives back all that was reserved.
    fn release_all(&mut self);
    /// Copies to the device.
    ///
    /// # Errors
    /// Where it does not fit, or the device fails.
    fn write(&mut self, to: Memory, bytes: &[u8]) -> Result<()>;
    /// Copies from the device, after all that was launched before.
    ///
    /// # Errors
    /// Where it does not fit, or the device fails.
    fn read(&mut self, from: Memory, bytes: &mut [u8]) -> Result<()>;
    /// Copies `bytes` within the device.
    ///
    /// # Errors
    /// Where it does not fit, or the device fails.
    fn copy(&mut self, to: Memory, from: Memory, bytes: usize) -> Result<()>;
    /// Fills with zeros.
    ///
    /// # Errors
    /// Where the device fails.
    fn clear(&mut self, memory: Memory) -> Result<()>;
    /// Starts a kernel.
    ///
    /// # Errors
    /// Where the device fails.
    fn launch(&mut self, kernel: &'static str, shape: Shape, arguments: &[Argument]) -> Result<()>;
    /// Starts a batched product.
    ///
    /// # Errors
    /// Where the device fails.
    fn multiply(&mut self, call: &BlasCall) -> Result<()>;
}

/// That `needed` bytes lie within some memory.
pub(super) fn within(memory: Memory, needed: usize) -> Result<()> {
    if needed > memory.bytes {
        return Err(Error::internal(format!("{needed} bytes in a place of {}", memory.bytes)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_cover_every_feature_and_element_and_slots_show_their_type() {
        assert_eq!(Shape::tile(33, 7).0, [2, 7, 32, 8]);
        assert_eq!(Shape::line(257, 3).0, [2, 3, 256, 1]);
        assert_eq!(Argument::from(3_usize).slot() as u32, 3);
        assert_ne!(Argument::from(3_usize).slot(), 3);
        assert_eq!(Argument::from(1.5_f64).slot(), 1.5_f64.to_bits());
        let text = Program::tables().source;
        assert!(text.contains("#define NORM_EPSILON 1e-5") && text.contains("#define NORM_MOMENTUM 1e-1"));
        for (name, size) in [("TILE", TILE), ("DEEP", DEEP), ("LINE", LINE)] {
            assert!(text.contains(&format!("#define {name} {size}\n")), "{name}");
        }
        for kernel in KERNELS {
            assert!(text.contains(&format!("__global__ void {kernel}(")), "{kernel}");
        }
        assert_eq!(text.matches("extern \"C\" __global__").count(), KERNELS.len());
    }

    #[test]
    fn products_that_do_not_fit_are_refused() {
        let memory = Memory {
            address: 4096,
            bytes: 4 * 24,
        };
        let of = |rows, columns, stride| Matrices::new(memory, rows, columns, stride);
        assert!(blas_call(of(2, 4, 8), of(2, 3, 6), of(3, 4, 12), 1.0, 0.0, 2).is_ok());
        assert!(blas_call(of(2, 4, 8), of(2, 3, 6), of(4, 3, 12), 1.0, 0.0, 2).is_err());
        assert!(blas_call(of(2, 4, 8), of(2, 3, 6), of(4, 3, 12).transposed(), 1.0, 0.0, 2).is_ok());
        assert!(blas_call(of(2, 4, 8), of(2, 3, 6), of(3, 4, 12), 1.0, 0.0, 3).is_err());
        assert!(blas_call(of(2, 4, 0), of(2, 3, 6), of(3, 4, 12), 1.0, 0.0, 2).is_err());
    }
}
