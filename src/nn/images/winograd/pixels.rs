//! Images pixel by pixel, each with its channels side by side, as tiles have them: what evaluation keeps between convolutions, so that
//! nothing is turned around on the way.

use super::transforms::{LANES, WIDE, both_ways, each, load, load_elements, store, to_output};
use super::{Grid, by_lanes, pitch};
use crate::nn::images::kernels::{Finish, by_activation};
use crate::nn::kernels::{dispatched, registers_hold};
use crate::nn::real::Real;

/// Copies an image of pixels into the middle of a frame.
pub(super) fn pixels_into_frame<T: Real>(frame: &mut [T], image: &[T], grid: &Grid) {
    let (channels, width) = (grid.input.channels, grid.input.width);
    for (y, line) in image.chunks_exact(width * channels).enumerate() {
        if grid.stride == 1 {
            frame[grid.place(y, 0)..][..line.len()].copy_from_slice(line);
        } else {
            for (x, pixel) in line.chunks_exact(channels).enumerate() {
                frame[grid.place(y, x)..][..channels].copy_from_slice(pixel);
            }
        }
    }
}

dispatched! {
    /// Makes the pixels of all tiles' outputs, finished.
    pub(super) fn outputs_to_pixels<T: Real>(out: &mut [T], products: &[T], grid: Grid, tiles: usize, finish: &Finish<T>) {
        by_lanes!(grid.output.channels, outputs_to_pixels_by(out, products, grid, tiles, finish))
    }
}

#[inline(always)]
fn outputs_to_pixels_by<T: Real, const L: usize>(out: &mut [T], products: &[T], grid: Grid, tiles: usize, finish: &Finish<T>) {
    by_activation!(finish.activation, |activate| finished::<T, L>(
        out, products, grid, tiles, finish, activate
    ));
}

#[inline(always)]
fn finished<T: Real, const L: usize>(
    out: &mut [T],
    products: &[T],
    grid: Grid,
    tiles: usize,
    finish: &Finish<T>,
    activate: impl Fn(T) -> T,
) {
    let (channels, height, width) = (grid.output.channels, grid.output.height, grid.output.width);
    let pitch = pitch(tiles * channels);
    for tile in 0..tiles {
        let (image, top, left) = grid.corner(tile);
        for channel in (0..channels).step_by(L) {
            let square = both_ways(load_elements::<T, L>(products, tile * channels + channel, pitch), to_output);
            let [bias, mean, inverse, weight, shift] = finish.by_channel(|values| load::<T, L>(values, channel));
            for (row, line) in square.into_iter().enumerate().take(height - top) {
                for (column, pack) in line.into_iter().enumerate().take(width - left) {
                    let pack = each::<T, L>(|lane| {
                        activate(Finish::normal(
                            pack[lane],
                            [bias[lane], mean[lane], inverse[lane], weight[lane], shift[lane]],
                        ))
                    });
                    store(
                        out,
                        ((image * height + top + row) * width + left + column) * channels + channel,
                        pack,
                    );
                }
            }
        }
    }
}
