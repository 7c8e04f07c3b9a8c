//! Convolution with 3 x 3 kernels and stride 1, or 5 x 5 kernels and stride 2, by minimal filtering (Winograd 1980; Lavin and Gray 2015,
//! arXiv 1509.09308, F(4x4, 3x3)).
//!
//! Every 4 x 4 pixels of output are made from 6 x 6 of input. With the transforms Bt, G, At of the paper, for every pair of channels
//!
//! out = At [(G g Gt) * (Bt d B)] A,
//!
//! where * multiplies element by element: 36 products instead of 144. Over channels and tiles each of the 36 elements is a matrix
//! product. The expression is linear in kernel g and input d, so the backward pass is the transposed transforms around the same products.
//! In single precision the error is a few millionths of the largest output, about ten times that of the plain sum.
//!
//! A 5 x 5 kernel with stride 2 is a 3 x 3 kernel with stride 1 over four times the channels: the *phases* of an image, which are its pixels
//! in even and odd rows and columns. The kernel's own phases have 3 or 2 rows and columns; a missing one is 0.
//!
//! Between transforms and products a tile's channels are neighbours, [`LANES`] of which or twice as many are handled at once.
mod loops;
mod pixels;
mod transforms;

use std::sync::RwLock;

use super::convolution::{Geometry, room};
use super::kernels::Finish;
use super::shape::{ImageShape, Layout};
use crate::nn::kernels::{Matrix, multiply};
use crate::nn::real::Real;
use crate::nn::team::{read, write};
use loops::{
    inputs_backward, inputs_forward, into_frame, kernel_backward, kernel_forward, out_of_frame, outputs_backward, outputs_forward,
};
use transforms::{LANES, SPAN, TILE};

/// Calls a function with the most channels at once that the processor's registers hold and that divide `channels`.
macro_rules! by_lanes {
    ($channels:expr, $name:ident($($argument:expr),*)) => {
        if $channels.is_multiple_of(WIDE) && registers_hold::<T>(WIDE) {
            $name::<T, WIDE>($($argument),*)
        } else {
            $name::<T, LANES>($($argument),*)
        }
    };
}
use by_lanes;

/// Elements of a transformed tile.
const ELEMENTS: usize = SPAN * SPAN;
/// Tiles that a matrix product gets at most, where one image has fewer. Results do not depend on it but in the last places.
const MOST_TILES: usize = 512;
/// With fewer tiles, reading 36 transformed weights instead of 9 would cost more than the products save.
const LEAST_TILES: usize = 16;
/// Between the elements: at a power of two they would compete for the same few lines of the cache.
const GAP: usize = 48;

/// Where the tiles of images lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    input: ImageShape,
    output: ImageShape,
    padding: usize,
    stride: usize,
    kernel: usize,
    /// Tiles of an image, in a column and in a row.
    down: usize,
    right: usize,
}

impl Grid {
    /// The tiles of a convolution over this many images, where this way is worth it.
    pub fn of(geometry: &Geometry, images: usize) -> Option<Self> {
        let (input, output) = (geometry.input, geometry.output());
        let grid = Self {
            input,
            output,
            padding: geometry.padding,
            stride: geometry.stride,
            kernel: geometry.kernel,
            down: output.height.div_ceil(TILE),
            right: output.width.div_ceil(TILE),
        };
        let channels = |count: usize| count >= 2 * LANES && count.is_multiple_of(LANES);
        let filled = 2 * output.plane() >= grid.tiles() * TILE * TILE;
        let fits = matches!((geometry.kernel, geometry.stride, geometry.padding), (3, 1, 0..=1) | (5, 2, 0..=2));
        (fits && filled && channels(input.channels) && channels(output.channels) && images * grid.tiles() >= LEAST_TILES).then_some(grid)
    }

    /// Tiles of one image.
    fn tiles(&self) -> usize {
        self.down * self.right
    }

    /// The image of a tile among those of several, and the row and column of the image's output where it begins.
    #[inline(always)]
    fn corner(&self, tile: usize) -> (usize, usize, usize) {
        let own = tile % self.tiles();
        (tile / self.tiles(), own / self.right * TILE, own % self.right * TILE)
    }

    /// Channels of all phases.
    fn inputs(&self) -> usize {
        self.input.channels * self.stride * self.stride
    }

    /// Where the channels of a pixel lie in a frame: those of its phase among those of all phases.
    fn place(&self, y: usize, x: usize) -> usize {
        let (y, x) = (y + self.padding, x + self.padding);
        let phase = y % self.stride * self.stride + x % self.stride;
        (y / self.stride * self.frame_width() + x / self.stride) * self.inputs() + phase * self.input.channels
    }

    /// Which of a kernel's weights stands at `row` and `column` of its phase, if any does.
    fn weight(&self, phase: usize, row: usize, column: usize) -> Option<usize> {
        let (row, column) = (row * self.stride + phase / self.stride, column * self.stride + phase % self.stride);
        (row < self.kernel && column < self.kernel).then_some(row * self.kernel + column)
    }

    /// Images that go into one product.
    fn group(&self) -> usize {
        (MOST_TILES / self.tiles()).max(1)
    }

    /// Values of an image with 0 around it, so that every tile lies within.
    fn framed(&self) -> usize {
        self.frame_width() * (self.down * TILE + 2) * self.inputs()
    }

    fn frame_width(&self) -> usize {
        self.right * TILE + 2
    }

    /// Length of a transformed kernel.
    fn kernel_len(&self) -> usize {
        ELEMENTS * pitch(self.inputs() * self.output.channels)
    }
}

/// From one element's matrix of `len` values to the next one's.
fn pitch(len: usize) -> usize {
    len + GAP
}

/// Buffers of one thread.
#[derive(Debug, Default)]
pub(super) struct Buffers<T> {
    frame: Vec<T>,
    inputs: Vec<T>,
    outputs: Vec<T>,
    kernel: Vec<T>,
}

/// One element's matrix.
fn element<T>(values: &[T], index: usize, rows: usize, columns: usize) -> Matrix<'_, T> {
    let start = index * pitch(rows * columns);
    Matrix::row_major(&values[start..start + rows * columns], rows, columns)
}

/// The transformed kernels of a network, by step: made when first asked for, shared by all threads.
#[derive(Debug, Default)]
pub(super) struct Kernels<T>(Vec<RwLock<Kernel<T>>>);

/// A transformed kernel; only a buffer to use again where it is not `fresh`.
#[derive(Debug, Default)]
struct Kernel<T> {
    fresh: bool,
    values: Vec<T>,
}

impl<T: Real> Kernels<T> {
    /// Forgets all kernels, as the weights may have changed since, and makes room for those of a network of `steps` steps.
    pub fn forget(&mut self, steps: usize) {
        self.0.resize_with(steps, RwLock::default);
        for kernel in &self.0 {
            write(kernel).fresh = false;
        }
    }

    /// Hands the kernel of step `step`, whose weights are `weights`, to `then`.
    pub fn with<R>(&self, step: usize, grid: &Grid, weights: &[T], then: impl FnOnce(&[T]) -> R) -> R {
        let place = &self.0[step];
        if !read(place).fresh {
            let mut kernel = write(place);
            // Another thread may have been faster.
            if !kernel.fresh {
                kernel.values.resize(grid.kernel_len(), T::ZERO);
                kernel_forward(&mut kernel.values, weights, *grid);
                kernel.fresh = true;
            }
        }
        then(&read(place).values)
    }
}

/// Convolves `images` into `out` with a transformed kernel; no bias.
pub(super) fn forward<T: Real>(grid: &Grid, images: &[T], kernel: &[T], out: &mut [T], buffers: &mut Buffers<T>) {
    products(grid, (images, Layout::Planes), kernel, out, buffers, |out, products, tiles| {
        outputs_forward(out, products, *grid, tiles);
    });
}

/// The same from images that lie as [`Layout`] says to finished pixels ([`Layout::Pixels`]).
pub(super) fn forward_to_pixels<T: Real>(
    grid: &Grid,
    (images, layout): (&[T], Layout),
    kernel: &[T],
    finish: &Finish<T>,
    out: &mut [T],
    buffers: &mut Buffers<T>,
) {
    products(grid, (images, layout), kernel, out, buffers, |out, products, tiles| {
        pixels::outputs_to_pixels(out, products, *grid, tiles, finish);
    });
}

/// The products of tiles and kernel, some images at a time, handed to `then` with the place for these images and the number of tiles.
fn products<T: Real>(
    grid: &Grid,
    (images, layout): (&[T], Layout),
    kernel: &[T],
    out: &mut [T],
    buffers: &mut Buffers<T>,
    then: impl Fn(&mut [T], &[T], usize),
) {
    let (inputs, outputs) = (grid.inputs(), grid.output.channels);
    let groups = images
        .chunks(grid.group() * grid.input.len())
        .zip(out.chunks_mut(grid.group() * grid.output.len()));
    for (images, out) in groups {
        let tiles = images.len() / grid.input.len() * grid.tiles();
        let transformed = room(&mut buffers.inputs, ELEMENTS * pitch(tiles * inputs));
        take_in(grid, images, layout, &mut buffers.frame, transformed);
        let products = room(&mut buffers.outputs, ELEMENTS * pitch(tiles * outputs));
        for index in 0..ELEMENTS {
            let left = element(transformed, index, tiles, inputs);
            let right = element(kernel, index, outputs, inputs).transposed();
            let start = index * pitch(tiles * outputs);
            multiply(&mut products[start..start + tiles * outputs], (outputs, 1), T::ZERO, left, right);
        }
        then(out, products, tiles);
    }
}

/// Transforms the tiles of some images.
fn take_in<T: Real>(grid: &Grid, images: &[T], layout: Layout, frame: &mut Vec<T>, transformed: &mut [T]) {
    let count = images.len() / grid.input.len();
    let frame = room(frame, grid.framed());
    frame.fill(T::ZERO);
    for (index, image) in images.chunks_exact(grid.input.len()).enumerate() {
        // The frame around stays 0.
        match layout {
            Layout::Planes => into_frame(frame, image, *grid),
            Layout::Pixels => pixels::pixels_into_frame(frame, image, grid),
        }
        inputs_forward(transformed, frame, *grid, index * grid.tiles(), count * grid.tiles());
    }
}

/// Backward pass: adds to the weights' gradient and, where `input_deltas` is not empty, writes d loss / d input there.
pub(super) fn backward<T: Real>(
    grid: &Grid,
    images: &[T],
    deltas: &[T],
    kernel: &[T],
    weight_gradient: &mut [T],
    input_deltas: &mut [T],
    buffers: &mut Buffers<T>,
) {
    let (inputs, outputs) = (grid.inputs(), grid.output.channels);
    let groups = images
        .chunks(grid.group() * grid.input.len())
        .zip(deltas.chunks(grid.group() * grid.output.len()));
    let kernel_gradient = room(&mut buffers.kernel, grid.kernel_len());
    for (group, (images, deltas)) in groups.enumerate() {
        let tiles = images.len() / grid.input.len() * grid.tiles();
        let transformed = room(&mut buffers.inputs, ELEMENTS * pitch(tiles * inputs));
        take_in(grid, images, Layout::Planes, &mut buffers.frame, transformed);
        let spread = room(&mut buffers.outputs, ELEMENTS * pitch(tiles * outputs));
        outputs_backward(spread, deltas, *grid, tiles);
        let keep = if group == 0 { T::ZERO } else { T::ONE };
        for index in 0..ELEMENTS {
            let left = element(spread, index, tiles, outputs);
            let start = index * pitch(outputs * inputs);
            let into = &mut kernel_gradient[start..start + outputs * inputs];
            multiply(
                into,
                (inputs, 1),
                keep,
                left.transposed(),
                element(transformed, index, tiles, inputs),
            );
        }
        if input_deltas.is_empty() {
            continue;
        }
        for index in 0..ELEMENTS {
            let left = element(spread, index, tiles, outputs);
            let start = index * pitch(tiles * inputs);
            let into = &mut transformed[start..start + tiles * inputs];
            multiply(into, (inputs, 1), T::ZERO, left, element(kernel, index, outputs, inputs));
        }
        let frame = room(&mut buffers.frame, grid.framed());
        let start = group * grid.group() * grid.input.len();
        let into = &mut input_deltas[start..start + images.len()];
        for (index, into) in into.chunks_exact_mut(grid.input.len()).enumerate() {
            frame.fill(T::ZERO);
            inputs_backward(frame, transformed, *grid, index * grid.tiles(), tiles);
            out_of_frame(into, frame, *grid);
        }
    }
    kernel_backward(weight_gradient, kernel_gradient, *grid);
}

#[cfg(test)]
mod tests;
