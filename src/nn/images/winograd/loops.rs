//! The loops over tiles, for [`LANES`] channels at once and, where registers hold them, for [`WIDE`].
// Rows and columns of small squares: an index says more than an iterator.
#![allow(clippy::needless_range_loop)]

use super::transforms::{
    LANES, SPAN, TILE, WIDE, add, both_ways, each, from_input, from_kernel, from_output, load, load_elements, store, store_elements,
    to_input, to_kernel, to_output,
};
use super::{Grid, by_lanes, pitch};
use crate::nn::kernels::{dispatched, registers_hold};
use crate::nn::real::Real;

dispatched! {
    /// Copies an image into the middle of a frame, its channels side by side.
    pub(super) fn into_frame<T: Real>(frame: &mut [T], image: &[T], grid: Grid) {
        by_lanes!(grid.input.channels, into_frame_by(frame, image, grid))
    }

    /// Backward pass of [`into_frame`].
    pub(super) fn out_of_frame<T: Real>(image: &mut [T], frame: &[T], grid: Grid) {
        by_lanes!(grid.input.channels, out_of_frame_by(image, frame, grid))
    }

    /// Transforms the tiles of one image, which get the rows from `first` of `tiles` in each element's matrix.
    pub(super) fn inputs_forward<T: Real>(transformed: &mut [T], frame: &[T], grid: Grid, first: usize, tiles: usize) {
        by_lanes!(grid.inputs(), inputs_forward_by(transformed, frame, grid, first, tiles))
    }

    /// Backward pass of [`inputs_forward`]: adds what every tile gives to its pixels.
    pub(super) fn inputs_backward<T: Real>(frame: &mut [T], transformed: &[T], grid: Grid, first: usize, tiles: usize) {
        by_lanes!(grid.inputs(), inputs_backward_by(frame, transformed, grid, first, tiles))
    }

    /// Makes the pixels of all tiles' outputs.
    pub(super) fn outputs_forward<T: Real>(out: &mut [T], products: &[T], grid: Grid, tiles: usize) {
        by_lanes!(grid.output.channels, outputs_forward_by(out, products, grid, tiles))
    }

    /// Backward pass of [`outputs_forward`].
    pub(super) fn outputs_backward<T: Real>(spread: &mut [T], deltas: &[T], grid: Grid, tiles: usize) {
        by_lanes!(grid.output.channels, outputs_backward_by(spread, deltas, grid, tiles))
    }

    /// Transforms a kernel, outputs x inputs x kernel x kernel, into 36 matrices, outputs x inputs of all phases.
    pub(super) fn kernel_forward<T: Real>(transformed: &mut [T], weights: &[T], grid: Grid) {
        by_lanes!(grid.input.channels, kernel_forward_by(transformed, weights, grid))
    }

    /// Backward pass of [`kernel_forward`]: adds to the gradient.
    pub(super) fn kernel_backward<T: Real>(gradient: &mut [T], transformed: &[T], grid: Grid) {
        by_lanes!(grid.input.channels, kernel_backward_by(gradient, transformed, grid))
    }
}

#[inline(always)]
fn into_frame_by<T: Real, const L: usize>(frame: &mut [T], image: &[T], grid: Grid) {
    let (channels, plane) = (grid.input.channels, grid.input.plane());
    for y in 0..grid.input.height {
        for x in 0..grid.input.width {
            let (pixel, start) = (y * grid.input.width + x, grid.place(y, x));
            for channel in (0..channels).step_by(L) {
                let image = &image[channel * plane..][..L * plane];
                store(frame, start + channel, each::<T, L>(|lane| image[lane * plane + pixel]));
            }
        }
    }
}

#[inline(always)]
fn out_of_frame_by<T: Real, const L: usize>(image: &mut [T], frame: &[T], grid: Grid) {
    let (channels, plane) = (grid.input.channels, grid.input.plane());
    for channel in (0..channels).step_by(L) {
        let image = &mut image[channel * plane..][..L * plane];
        for y in 0..grid.input.height {
            for x in 0..grid.input.width {
                let pixel = y * grid.input.width + x;
                let pack = load::<T, L>(frame, grid.place(y, x) + channel);
                for lane in 0..L {
                    image[lane * plane + pixel] = pack[lane];
                }
            }
        }
    }
}

#[inline(always)]
fn inputs_forward_by<T: Real, const L: usize>(transformed: &mut [T], frame: &[T], grid: Grid, first: usize, tiles: usize) {
    let channels = grid.inputs();
    let (row_step, pitch) = (grid.frame_width() * channels, pitch(tiles * channels));
    for tile in 0..grid.tiles() {
        let corner = (tile / grid.right * TILE) * row_step + tile % grid.right * TILE * channels;
        for channel in (0..channels).step_by(L) {
            let mut square = [[[T::ZERO; L]; SPAN]; SPAN];
            for row in 0..SPAN {
                for column in 0..SPAN {
                    square[row][column] = load::<T, L>(frame, corner + row * row_step + column * channels + channel);
                }
            }
            let square = both_ways(square, to_input);
            store_elements(transformed, (first + tile) * channels + channel, pitch, &square);
        }
    }
}

#[inline(always)]
fn inputs_backward_by<T: Real, const L: usize>(frame: &mut [T], transformed: &[T], grid: Grid, first: usize, tiles: usize) {
    let channels = grid.inputs();
    let (row_step, pitch) = (grid.frame_width() * channels, pitch(tiles * channels));
    for tile in 0..grid.tiles() {
        let corner = (tile / grid.right * TILE) * row_step + tile % grid.right * TILE * channels;
        for channel in (0..channels).step_by(L) {
            let square = load_elements::<T, L>(transformed, (first + tile) * channels + channel, pitch);
            let square = both_ways(square, from_input);
            for row in 0..SPAN {
                for column in 0..SPAN {
                    let place = corner + row * row_step + column * channels + channel;
                    let sum = add(load::<T, L>(frame, place), square[row][column]);
                    store(frame, place, sum);
                }
            }
        }
    }
}

#[inline(always)]
fn outputs_forward_by<T: Real, const L: usize>(out: &mut [T], products: &[T], grid: Grid, tiles: usize) {
    let (channels, plane, width) = (grid.output.channels, grid.output.plane(), grid.output.width);
    let pitch = pitch(tiles * channels);
    for tile in 0..tiles {
        let (image, top, left) = grid.corner(tile);
        let (rows, columns) = ((grid.output.height - top).min(TILE), (width - left).min(TILE));
        for channel in (0..channels).step_by(L) {
            let square = both_ways(load_elements::<T, L>(products, tile * channels + channel, pitch), to_output);
            let out = &mut out[(image * channels + channel) * plane..][..L * plane];
            for row in 0..rows {
                for lane in 0..L {
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

#[inline(always)]
fn outputs_backward_by<T: Real, const L: usize>(spread: &mut [T], deltas: &[T], grid: Grid, tiles: usize) {
    let (channels, plane, width) = (grid.output.channels, grid.output.plane(), grid.output.width);
    let pitch = pitch(tiles * channels);
    for tile in 0..tiles {
        let (image, top, left) = grid.corner(tile);
        let (rows, columns) = ((grid.output.height - top).min(TILE), (width - left).min(TILE));
        for channel in (0..channels).step_by(L) {
            let deltas = &deltas[(image * channels + channel) * plane..][..L * plane];
            let mut square = [[[T::ZERO; L]; TILE]; TILE];
            for row in 0..rows {
                for lane in 0..L {
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

#[inline(always)]
fn kernel_forward_by<T: Real, const L: usize>(transformed: &mut [T], weights: &[T], grid: Grid) {
    let (channels, window) = (grid.input.channels, grid.kernel * grid.kernel);
    let pitch = pitch(grid.output.channels * grid.inputs());
    for output in 0..grid.output.channels {
        for input in (0..grid.inputs()).step_by(L) {
            let (phase, channel) = (input / channels, input % channels);
            let own = &weights[(output * channels + channel) * window..][..L * window];
            let mut square = [[[T::ZERO; L]; 3]; 3];
            for row in 0..3 {
                for column in 0..3 {
                    if let Some(weight) = grid.weight(phase, row, column) {
                        square[row][column] = each::<T, L>(|lane| own[lane * window + weight]);
                    }
                }
            }
            store_elements(transformed, output * grid.inputs() + input, pitch, &both_ways(square, to_kernel));
        }
    }
}

#[inline(always)]
fn kernel_backward_by<T: Real, const L: usize>(gradient: &mut [T], transformed: &[T], grid: Grid) {
    let (channels, window) = (grid.input.channels, grid.kernel * grid.kernel);
    let pitch = pitch(grid.output.channels * grid.inputs());
    for output in 0..grid.output.channels {
        for input in (0..grid.inputs()).step_by(L) {
            let (phase, channel) = (input / channels, input % channels);
            let square = both_ways(
                load_elements::<T, L>(transformed, output * grid.inputs() + input, pitch),
                from_kernel,
            );
            let own = &mut gradient[(output * channels + channel) * window..][..L * window];
            for row in 0..3 {
                for column in 0..3 {
                    if let Some(weight) = grid.weight(phase, row, column) {
                        for lane in 0..L {
                            own[lane * window + weight] += square[row][column][lane];
                        }
                    }
                }
            }
        }
    }
}
