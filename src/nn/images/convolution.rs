//! Convolution as matrix products: the windows of an image side by side (im2col), times the weights.
//!
//! Windows are copied from the image's *phases*: the padded image, of which every `stride`-th row and column is put together, so
//! that neighbours in a window row are neighbours in memory whatever the stride.

use super::kernels;
use super::shape::ImageShape;
use super::{tokens, winograd};
use crate::error::{Error, Result};
use crate::nn::kernels::{Matrix, multiply};
use crate::nn::real::Real;

/// Pixels of output that are worked on at once, where images are smaller: a product of fewer columns would not be worth packing
/// the weights. Results depend on it in the last places, so it is a constant.
const COLUMNS: usize = 256;

/// Sizes of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    pub input: ImageShape,
    pub outputs: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub out_height: usize,
    pub out_width: usize,
    phase_height: usize,
    pub phase_width: usize,
}

impl Geometry {
    /// Checked sizes.
    pub fn new(input: ImageShape, outputs: usize, kernel: usize, stride: usize, padding: usize) -> Result<Self> {
        let wrong = |why: String| Err(Error::input(format!("a convolution {why}")));
        if outputs == 0 || kernel == 0 || stride == 0 || input.is_empty() {
            return wrong(format!(
                "of {input} to {outputs} channels with a {kernel} x {kernel} kernel and stride {stride} makes nothing"
            ));
        }
        let (height, width) = (input.height + 2 * padding, input.width + 2 * padding);
        if kernel > height || kernel > width || padding >= kernel.max(2) {
            let told = format!("with a {kernel} x {kernel} kernel and padding {padding} does not fit images of {input}");
            return wrong(told).map_err(|error| error.hint("use larger images, such as of 32 x 32 pixels, or another network"));
        }
        Ok(Self {
            input,
            outputs,
            kernel,
            stride,
            padding,
            out_height: (height - kernel) / stride + 1,
            out_width: (width - kernel) / stride + 1,
            phase_height: height.div_ceil(stride),
            phase_width: width.div_ceil(stride),
        })
    }

    /// What comes out.
    pub fn output(&self) -> ImageShape {
        ImageShape::new(self.outputs, self.out_height, self.out_width)
    }

    /// Pixels of an output channel.
    pub fn out_plane(&self) -> usize {
        self.out_height * self.out_width
    }

    /// Values of a window, which are the weights of one output channel: inputs x kernel x kernel.
    pub fn window(&self) -> usize {
        self.input.channels * self.kernel * self.kernel
    }

    fn phases(&self) -> usize {
        self.input.channels * self.stride * self.stride * self.phase_height * self.phase_width
    }

    /// Where the first of the values that meet weight `row` of a window lies in the phases.
    #[inline(always)]
    pub fn source(&self, row: usize) -> usize {
        let (channel, place) = (row / (self.kernel * self.kernel), row % (self.kernel * self.kernel));
        let (down, right) = (place / self.kernel, place % self.kernel);
        let phase = (channel * self.stride + down % self.stride) * self.stride + right % self.stride;
        (phase * self.phase_height + down / self.stride) * self.phase_width + right / self.stride
    }

    /// Whether the windows are the pixels themselves.
    fn is_plain(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.padding == 0
    }

    /// Images that are worked on at once.
    fn group(&self, images: usize) -> usize {
        (COLUMNS / self.out_plane()).clamp(1, images.max(1))
    }

    /// Where image row `y` starts in a channel's phases, and the phase of its pixels' rows.
    fn rows(&self, channel: usize, y: usize) -> usize {
        let padded = y + self.padding;
        ((channel * self.stride + padded % self.stride) * self.stride * self.phase_height + padded / self.stride) * self.phase_width
    }

    /// From one phase of a row to the next.
    fn next_phase(&self) -> usize {
        self.phase_height * self.phase_width
    }

    fn split<T: Real>(&self, image: &[T], phases: &mut [T]) {
        phases.fill(T::ZERO);
        for (index, line) in image.chunks_exact(self.input.width).enumerate() {
            let start = self.rows(index / self.input.height, index % self.input.height);
            if self.stride == 1 {
                phases[start + self.padding..][..line.len()].copy_from_slice(line);
            } else {
                for (x, value) in line.iter().enumerate() {
                    let padded = x + self.padding;
                    phases[start + padded % self.stride * self.next_phase() + padded / self.stride] = *value;
                }
            }
        }
    }

    /// Backward pass of [`Geometry::split`].
    fn join<T: Real>(&self, phases: &[T], image: &mut [T]) {
        for (index, line) in image.chunks_exact_mut(self.input.width).enumerate() {
            let start = self.rows(index / self.input.height, index % self.input.height);
            if self.stride == 1 {
                line.copy_from_slice(&phases[start + self.padding..][..self.input.width]);
            } else {
                for (x, value) in line.iter_mut().enumerate() {
                    let padded = x + self.padding;
                    *value = phases[start + padded % self.stride * self.next_phase() + padded / self.stride];
                }
            }
        }
    }
}

/// Buffers of one thread.
#[derive(Debug, Default)]
pub(super) struct Scratch<T> {
    phases: Vec<T>,
    columns: Vec<T>,
    gathered: Vec<T>,
    /// Those of the other way to convolve.
    pub tiles: winograd::Buffers<T>,
    pub tokens: tokens::Buffers<T>,
}

/// A buffer of at least that length, whatever it holds.
pub(super) fn room<T: Real>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    if buffer.len() < len {
        buffer.resize(len, T::ZERO);
    }
    &mut buffer[..len]
}

/// The windows of a group of images, side by side: window x (images * pixels).
fn gather_windows<'a, T: Real>(geometry: &Geometry, images: &[T], phases: &mut Vec<T>, columns: &'a mut Vec<T>) -> &'a [T] {
    let count = images.len() / geometry.input.len();
    let pitch = count * geometry.out_plane();
    let columns = room(columns, geometry.window() * pitch);
    let phases = room(phases, geometry.phases());
    for (index, image) in images.chunks_exact(geometry.input.len()).enumerate() {
        geometry.split(image, phases);
        kernels::unfold(columns, phases, *geometry, pitch, index * geometry.out_plane());
    }
    columns
}

/// Copies image after image (outputs x pixels each) into one matrix, outputs x (images * pixels).
fn side_by_side<T: Real>(geometry: &Geometry, images: &[T], into: &mut [T]) {
    let (plane, count) = (geometry.out_plane(), images.len() / geometry.output().len());
    for (index, from) in images.chunks_exact(plane).enumerate() {
        let (image, channel) = (index / geometry.outputs, index % geometry.outputs);
        into[(channel * count + image) * plane..][..plane].copy_from_slice(from);
    }
}

/// Backward pass of [`side_by_side`].
fn one_by_one<T: Real>(geometry: &Geometry, from: &[T], images: &mut [T]) {
    let (plane, count) = (geometry.out_plane(), images.len() / geometry.output().len());
    for (index, into) in images.chunks_exact_mut(plane).enumerate() {
        let (image, channel) = (index / geometry.outputs, index % geometry.outputs);
        into.copy_from_slice(&from[(channel * count + image) * plane..][..plane]);
    }
}

/// Convolves `images` into `out` with `weights` (outputs x inputs x kernel x kernel) and, unless empty, `biases`.
pub(super) fn forward<T: Real>(geometry: &Geometry, images: &[T], weights: &[T], biases: &[T], out: &mut [T], scratch: &mut Scratch<T>) {
    let (window, outputs, plane) = (geometry.window(), geometry.outputs, geometry.out_plane());
    let group = geometry.group(images.len() / geometry.input.len());
    let parts = images
        .chunks(group * geometry.input.len())
        .zip(out.chunks_mut(group * geometry.output().len()));
    for (images, out) in parts {
        let count = images.len() / geometry.input.len();
        let pitch = count * plane;
        let columns = match geometry.is_plain() && count == 1 {
            true => images,
            false => gather_windows(geometry, images, &mut scratch.phases, &mut scratch.columns),
        };
        let (left, right) = (
            Matrix::row_major(weights, outputs, window),
            Matrix::row_major(columns, window, pitch),
        );
        if count == 1 {
            multiply(out, (pitch, 1), T::ZERO, left, right);
        } else {
            let gathered = room(&mut scratch.gathered, outputs * pitch);
            multiply(gathered, (pitch, 1), T::ZERO, left, right);
            one_by_one(geometry, gathered, out);
        }
    }
    if !biases.is_empty() {
        kernels::add_to_planes(out, plane, biases);
    }
}

/// Convolves `images` into `out` pixel by pixel, the channels of each side by side; no bias.
pub(super) fn forward_to_pixels<T: Real>(geometry: &Geometry, images: &[T], weights: &[T], out: &mut [T], scratch: &mut Scratch<T>) {
    let (window, outputs) = (geometry.window(), geometry.outputs);
    let group = geometry.group(images.len() / geometry.input.len());
    let parts = images
        .chunks(group * geometry.input.len())
        .zip(out.chunks_mut(group * geometry.output().len()));
    for (images, out) in parts {
        let pitch = out.len() / outputs;
        let columns = gather_windows(geometry, images, &mut scratch.phases, &mut scratch.columns);
        let (left, right) = (
            Matrix::row_major(columns, window, pitch).transposed(),
            Matrix::row_major(weights, outputs, window).transposed(),
        );
        multiply(out, (outputs, 1), T::ZERO, left, right);
    }
}

/// Backward pass: adds the gradients of weights and, unless empty, biases; and where `input_deltas` is not empty, writes
/// d loss / d input there.
pub(super) fn backward<T: Real>(
    geometry: &Geometry,
    images: &[T],
    deltas: &[T],
    weights: &[T],
    (weight_gradient, bias_gradient): (&mut [T], &mut [T]),
    input_deltas: &mut [T],
    scratch: &mut Scratch<T>,
) {
    let (window, outputs, plane) = (geometry.window(), geometry.outputs, geometry.out_plane());
    let group = geometry.group(images.len() / geometry.input.len());
    let parts = images
        .chunks(group * geometry.input.len())
        .zip(deltas.chunks(group * geometry.output().len()));
    for (part, (images, deltas)) in parts.enumerate() {
        let count = images.len() / geometry.input.len();
        let pitch = count * plane;
        let Scratch {
            phases, columns, gathered, ..
        } = scratch;
        let deltas = match count {
            1 => deltas,
            _ => {
                let gathered = room(gathered, outputs * pitch);
                side_by_side(geometry, deltas, gathered);
                gathered
            }
        };
        let left = Matrix::row_major(deltas, outputs, pitch);
        let windows = gather_windows(geometry, images, phases, columns);
        let right = Matrix::row_major(windows, window, pitch).transposed();
        multiply(weight_gradient, (window, 1), T::ONE, left, right);
        if input_deltas.is_empty() {
            continue;
        }
        let columns = room(columns, window * pitch);
        multiply(
            columns,
            (pitch, 1),
            T::ZERO,
            Matrix::row_major(weights, outputs, window).transposed(),
            left,
        );
        let phases = room(phases, geometry.phases());
        let into = &mut input_deltas[part * group * geometry.input.len()..];
        for (index, into) in into.chunks_exact_mut(geometry.input.len()).take(count).enumerate() {
            phases.fill(T::ZERO);
            kernels::fold_back(phases, columns, *geometry, pitch, index * plane);
            geometry.join(phases, into);
        }
    }
    if !bias_gradient.is_empty() {
        kernels::add_plane_sums(deltas, plane, bias_gradient);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use rand::Rng;

    fn numbers(count: usize, index: u64) -> Vec<f64> {
        let mut random = Seed(8).stream("convolution-test", index);
        (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
    }

    /// Sum over every weight and pixel that meet: the definition. Calls `meet` with the indices of output, input and weight.
    fn each_product(geometry: &Geometry, images: usize, mut meet: impl FnMut(usize, usize, usize)) {
        let (input, output) = (geometry.input, geometry.output());
        for image in 0..images {
            for out in 0..output.len() {
                let (channel, y, x) = (out / output.plane(), out % output.plane() / output.width, out % output.width);
                for place in 0..geometry.window() {
                    let square = geometry.kernel * geometry.kernel;
                    let (from, down, right) = (place / square, place % square / geometry.kernel, place % geometry.kernel);
                    let (y, x) = (y * geometry.stride + down, x * geometry.stride + right);
                    let inside = |at: usize, size: usize| (geometry.padding..size + geometry.padding).contains(&at);
                    if inside(y, input.height) && inside(x, input.width) {
                        let pixel = from * input.plane() + (y - geometry.padding) * input.width + x - geometry.padding;
                        meet(
                            image * output.len() + out,
                            image * input.len() + pixel,
                            channel * geometry.window() + place,
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn both_ways_agree_with_the_definition_for_every_kernel_stride_and_padding() {
        let mut cases = 0;
        for (height, width) in [(8, 8), (7, 5), (6, 16)] {
            for (kernel, stride, padding) in [
                (1, 1, 0),
                (1, 2, 0),
                (3, 1, 1),
                (3, 1, 0),
                (3, 2, 1),
                (5, 2, 2),
                (2, 3, 1),
                (5, 1, 2),
            ] {
                let geometry = Geometry::new(ImageShape::new(2, height, width), 3, kernel, stride, padding).unwrap();
                let images = 3;
                let input = numbers(images * geometry.input.len(), 1);
                let weights = numbers(geometry.outputs * geometry.window(), 2);
                let biases = numbers(3, 3);
                let deltas = numbers(images * geometry.output().len(), 4);
                let mut expected = vec![0.0; deltas.len()];
                let (mut expected_weights, mut expected_input) = (vec![1.0; weights.len()], vec![0.0; input.len()]);
                each_product(&geometry, images, |out, pixel, weight| {
                    expected[out] += input[pixel] * weights[weight];
                    expected_weights[weight] += input[pixel] * deltas[out];
                    expected_input[pixel] += weights[weight] * deltas[out];
                });
                for (index, value) in expected.iter_mut().enumerate() {
                    *value += biases[index / geometry.out_plane() % 3];
                }
                let mut scratch = Scratch::default();
                let mut out = vec![f64::NAN; deltas.len()];
                forward(&geometry, &input, &weights, &biases, &mut out, &mut scratch);
                let (mut weight_gradient, mut bias_gradient) = (vec![1.0; weights.len()], vec![0.0; 3]);
                let mut input_deltas = vec![f64::NAN; input.len()];
                let gradients = (weight_gradient.as_mut_slice(), bias_gradient.as_mut_slice());
                backward(&geometry, &input, &deltas, &weights, gradients, &mut input_deltas, &mut scratch);
                let near = |found: &[f64], expected: &[f64]| {
                    for (found, expected) in found.iter().zip(expected) {
                        assert!((found - expected).abs() < 1e-12, "{geometry:?}: {found} {expected}");
                    }
                };
                near(&out, &expected);
                near(&weight_gradient, &expected_weights);
                near(&input_deltas, &expected_input);
                for (channel, found) in bias_gradient.iter().enumerate() {
                    let own = deltas.chunks(geometry.out_plane()).skip(channel).step_by(3);
                    assert!((found - own.flatten().sum::<f64>()).abs() < 1e-12);
                }
                cases += 1;
            }
        }
        assert_eq!(cases, 24);
    }

    #[test]
    fn sizes_that_make_nothing_are_refused() {
        let shape = ImageShape::new(2, 4, 4);
        for (outputs, kernel, stride, padding) in [(0, 3, 1, 1), (1, 0, 1, 0), (1, 3, 0, 1), (1, 5, 1, 0), (1, 3, 1, 9)] {
            assert!(Geometry::new(shape, outputs, kernel, stride, padding).is_err());
        }
    }
}
