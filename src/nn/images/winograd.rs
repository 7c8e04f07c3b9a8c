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
//! Between transforms and products a tile's channels are neighbours, [`LANES`] of which are handled at once.
// Rows and columns of small squares: an index says more than an iterator.
#![allow(clippy::needless_range_loop)]

mod transforms;

use std::sync::RwLock;

use super::convolution::Geometry;
use super::shape::ImageShape;
use crate::nn::kernels::{Matrix, dispatched, multiply};
use crate::nn::real::Real;
use crate::nn::team::{read, write};
use transforms::{
    LANES, SPAN, TILE, add, both_ways, each, from_input, from_kernel, from_output, load, load_elements, store, store_elements, to_input,
    to_kernel, to_output,
};

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
    /// The tiles of a convolution over so many images, where this way is worth it.
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

fn room<T: Real>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    if buffer.len() < len {
        buffer.resize(len, T::ZERO);
    }
    &mut buffer[..len]
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
    let (inputs, outputs) = (grid.inputs(), grid.output.channels);
    let groups = images
        .chunks(grid.group() * grid.input.len())
        .zip(out.chunks_mut(grid.group() * grid.output.len()));
    for (images, out) in groups {
        let tiles = images.len() / grid.input.len() * grid.tiles();
        let transformed = room(&mut buffers.inputs, ELEMENTS * pitch(tiles * inputs));
        take_in(grid, images, &mut buffers.frame, transformed);
        let products = room(&mut buffers.outputs, ELEMENTS * pitch(tiles * outputs));
        for index in 0..ELEMENTS {
            let left = element(transformed, index, tiles, inputs);
            let right = element(kernel, index, outputs, inputs).transposed();
            let start = index * pitch(tiles * outputs);
            multiply(&mut products[start..start + tiles * outputs], (outputs, 1), T::ZERO, left, right);
        }
        outputs_forward(out, products, *grid, tiles);
    }
}

/// Transforms the tiles of some images.
fn take_in<T: Real>(grid: &Grid, images: &[T], frame: &mut Vec<T>, transformed: &mut [T]) {
    let count = images.len() / grid.input.len();
    let frame = room(frame, grid.framed());
    frame.fill(T::ZERO);
    for (index, image) in images.chunks_exact(grid.input.len()).enumerate() {
        // The frame around stays 0.
        into_frame(frame, image, *grid);
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
        take_in(grid, images, &mut buffers.frame, transformed);
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

dispatched! {
    /// Copies an image into the middle of a frame, its channels side by side.
    pub(super) fn into_frame<T: Real>(frame: &mut [T], image: &[T], grid: Grid) {
        let (channels, plane) = (grid.input.channels, grid.input.plane());
        for y in 0..grid.input.height {
            for x in 0..grid.input.width {
                let (pixel, start) = (y * grid.input.width + x, grid.place(y, x));
                for channel in (0..channels).step_by(LANES) {
                    let image = &image[channel * plane..][..LANES * plane];
                    store(frame, start + channel, each(|lane| image[lane * plane + pixel]));
                }
            }
        }
    }

    /// Backward pass of [`into_frame`].
    pub(super) fn out_of_frame<T: Real>(image: &mut [T], frame: &[T], grid: Grid) {
        let (channels, plane) = (grid.input.channels, grid.input.plane());
        for channel in (0..channels).step_by(LANES) {
            let image = &mut image[channel * plane..][..LANES * plane];
            for y in 0..grid.input.height {
                for x in 0..grid.input.width {
                    let pixel = y * grid.input.width + x;
                    let pack = load(frame, grid.place(y, x) + channel);
                    for lane in 0..LANES {
                        image[lane * plane + pixel] = pack[lane];
                    }
                }
            }
        }
    }

    /// Transforms the tiles of one image, which get the rows from `first` of `tiles` in each element's matrix.
    pub(super) fn inputs_forward<T: Real>(transformed: &mut [T], frame: &[T], grid: Grid, first: usize, tiles: usize) {
        let channels = grid.inputs();
        let (row_step, pitch) = (grid.frame_width() * channels, pitch(tiles * channels));
        for tile in 0..grid.tiles() {
            let corner = (tile / grid.right * TILE) * row_step + tile % grid.right * TILE * channels;
            for channel in (0..channels).step_by(LANES) {
                let mut square = [[[T::ZERO; LANES]; SPAN]; SPAN];
                for row in 0..SPAN {
                    for column in 0..SPAN {
                        square[row][column] = load(frame, corner + row * row_step + column * channels + channel);
                    }
                }
                let square = both_ways(square, to_input);
                store_elements(transformed, (first + tile) * channels + channel, pitch, &square);
            }
        }
    }

    /// Backward pass of [`inputs_forward`]: adds what every tile gives to its pixels.
    pub(super) fn inputs_backward<T: Real>(frame: &mut [T], transformed: &[T], grid: Grid, first: usize, tiles: usize) {
        let channels = grid.inputs();
        let (row_step, pitch) = (grid.frame_width() * channels, pitch(tiles * channels));
        for tile in 0..grid.tiles() {
            let corner = (tile / grid.right * TILE) * row_step + tile % grid.right * TILE * channels;
            for channel in (0..channels).step_by(LANES) {
                let square = load_elements(transformed, (first + tile) * channels + channel, pitch);
                let square = both_ways(square, from_input);
                for row in 0..SPAN {
                    for column in 0..SPAN {
                        let place = corner + row * row_step + column * channels + channel;
                        let sum = add(load(frame, place), square[row][column]);
                        store(frame, place, sum);
                    }
                }
            }
        }
    }

    /// Makes the pixels of all tiles' outputs.
    pub(super) fn outputs_forward<T: Real>(out: &mut [T], products: &[T], grid: Grid, tiles: usize) {
        let (channels, plane, width) = (grid.output.channels, grid.output.plane(), grid.output.width);
        let pitch = pitch(tiles * channels);
        for tile in 0..tiles {
            let (image, own) = (tile / grid.tiles(), tile % grid.tiles());
            let (top, left) = (own / grid.right * TILE, own % grid.right * TILE);
            let (rows, columns) = ((grid.output.height - top).min(TILE), (width - left).min(TILE));
            for channel in (0..channels).step_by(LANES) {
                let square = both_ways(load_elements(products, tile * channels + channel, pitch), to_output);
                let out = &mut out[(image * channels + channel) * plane..][..LANES * plane];
                for row in 0..rows {
                    for lane in 0..LANES {
                        let line = &mut out[lane * plane + (top + row) * width + left..];
                        if columns == TILE {
                            if let Some(line) = line.first_chunk_mut::<TILE>() {
                                for column in 0..TILE {
                                    line[column] = square[row][column][lane];
                                }
                            }
                        } else {
                            for column in 0..columns {
                                line[column] = square[row][column][lane];
                            }
                        }
                    }
                }
            }
        }
    }

    /// Backward pass of [`outputs_forward`].
    pub(super) fn outputs_backward<T: Real>(spread: &mut [T], deltas: &[T], grid: Grid, tiles: usize) {
        let (channels, plane, width) = (grid.output.channels, grid.output.plane(), grid.output.width);
        let pitch = pitch(tiles * channels);
        for tile in 0..tiles {
            let (image, own) = (tile / grid.tiles(), tile % grid.tiles());
            let (top, left) = (own / grid.right * TILE, own % grid.right * TILE);
            let (rows, columns) = ((grid.output.height - top).min(TILE), (width - left).min(TILE));
            for channel in (0..channels).step_by(LANES) {
                let deltas = &deltas[(image * channels + channel) * plane..][..LANES * plane];
                let mut square = [[[T::ZERO; LANES]; TILE]; TILE];
                for row in 0..rows {
                    for lane in 0..LANES {
                        let line = &deltas[lane * plane + (top + row) * width + left..];
                        for column in 0..columns {
                            square[row][column][lane] = line[column];
                        }
                    }
                }
                store_elements(spread, tile * channels + channel, pitch, &both_ways(square, from_output));
            }
        }
    }

    /// Transforms a kernel, outputs x inputs x kernel x kernel, into 36 matrices, outputs x inputs of all phases.
    pub(super) fn kernel_forward<T: Real>(transformed: &mut [T], weights: &[T], grid: Grid) {
        let (channels, window) = (grid.input.channels, grid.kernel * grid.kernel);
        let pitch = pitch(grid.output.channels * grid.inputs());
        for output in 0..grid.output.channels {
            for input in (0..grid.inputs()).step_by(LANES) {
                let (phase, channel) = (input / channels, input % channels);
                let own = &weights[(output * channels + channel) * window..][..LANES * window];
                let mut square = [[[T::ZERO; LANES]; 3]; 3];
                for row in 0..3 {
                    for column in 0..3 {
                        if let Some(weight) = grid.weight(phase, row, column) {
                            square[row][column] = each(|lane| own[lane * window + weight]);
                        }
                    }
                }
                store_elements(transformed, output * grid.inputs() + input, pitch, &both_ways(square, to_kernel));
            }
        }
    }

    /// Backward pass of [`kernel_forward`]: adds to the gradient.
    pub(super) fn kernel_backward<T: Real>(gradient: &mut [T], transformed: &[T], grid: Grid) {
        let (channels, window) = (grid.input.channels, grid.kernel * grid.kernel);
        let pitch = pitch(grid.output.channels * grid.inputs());
        for output in 0..grid.output.channels {
            for input in (0..grid.inputs()).step_by(LANES) {
                let (phase, channel) = (input / channels, input % channels);
                let square = both_ways(load_elements(transformed, output * grid.inputs() + input, pitch), from_kernel);
                let own = &mut gradient[(output * channels + channel) * window..][..LANES * window];
                for row in 0..3 {
                    for column in 0..3 {
                        if let Some(weight) = grid.weight(phase, row, column) {
                            for lane in 0..LANES {
                                own[lane * window + weight] += square[row][column][lane];
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
