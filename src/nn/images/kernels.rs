//! The loops over pixels. Plain safe code, compiled for several instruction sets by [`dispatched!`]; values lie image by image,
//! plane by plane.

use crate::nn::kernels::{dispatched, sum_of, sum_of_pairs};
use crate::nn::real::Real;

use super::convolution::Geometry;

/// What is applied to every value after a normalisation, a sum, or alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Activation<T> {
    /// The value itself.
    Identity,
    /// max(x, 0).
    Relu,
    /// x above 0, else alpha * (exp(x / alpha) - 1).
    Celu(T),
    /// This times x.
    Scale(T),
}

impl<T: Real> Activation<T> {
    #[inline(always)]
    pub(super) fn of(self, x: T) -> T {
        match self {
            Self::Identity => x,
            // Written so that a NaN passes.
            Self::Relu => {
                if x < T::ZERO {
                    T::ZERO
                } else {
                    x
                }
            }
            Self::Celu(alpha) => {
                let low = if x < T::ZERO { x } else { T::ZERO };
                let bent = alpha * ((low / alpha).exp_of_nonpositive() - T::ONE);
                if x < T::ZERO { bent } else { x }
            }
            Self::Scale(factor) => factor * x,
        }
    }

    /// The derivative where the result is `y`.
    #[inline(always)]
    fn slope(self, y: T) -> T {
        match self {
            Self::Identity => T::ONE,
            Self::Relu => {
                if y > T::ZERO {
                    T::ONE
                } else {
                    T::ZERO
                }
            }
            Self::Celu(alpha) => {
                if y > T::ZERO {
                    T::ONE
                } else {
                    y / alpha + T::ONE
                }
            }
            Self::Scale(factor) => factor,
        }
    }
}

/// Copies rows of `W` neighbours.
#[inline(always)]
fn copy_rows<T: Real, const W: usize>(to: &mut [T], from: &[T], step: usize) {
    for (row, to) in to.as_chunks_mut::<W>().0.iter_mut().enumerate() {
        if let Some(from) = from.get(row * step..row * step + W).and_then(|from| from.first_chunk::<W>()) {
            *to = *from;
        }
    }
}

/// Adds rows of `W` neighbours.
#[inline(always)]
fn add_rows<T: Real, const W: usize>(to: &mut [T], from: &[T], step: usize) {
    for (row, from) in from.as_chunks::<W>().0.iter().enumerate() {
        if let Some(to) = to.get_mut(row * step..row * step + W).and_then(|to| to.first_chunk_mut::<W>()) {
            for (to, from) in to.iter_mut().zip(from) {
                *to += *from;
            }
        }
    }
}

/// What a convolution's outputs go through: activation(weight * ((output + bias) - mean) * inverse + shift), all by channel.
#[derive(Debug, Clone)]
pub(super) struct Finish<T> {
    pub biases: Vec<T>,
    pub means: Vec<T>,
    pub inverses: Vec<T>,
    pub weights: Vec<T>,
    pub shifts: Vec<T>,
    pub activation: Activation<T>,
}

impl<T: Real> Finish<T> {
    /// The biases, means, inverses, weights and shifts of some channels.
    #[inline(always)]
    pub fn by_channel<'a, R>(&'a self, of: impl FnMut(&'a Vec<T>) -> R) -> [R; 5] {
        [&self.biases, &self.means, &self.inverses, &self.weights, &self.shifts].map(of)
    }

    /// A value of a channel before the activation.
    #[inline(always)]
    pub fn normal(value: T, [bias, mean, inverse, weight, shift]: [T; 5]) -> T {
        weight * (((value + bias) - mean) * inverse) + shift
    }

    /// Biases alone.
    pub fn nothing(biases: Vec<T>) -> Self {
        let (none, all) = (vec![T::ZERO; biases.len()], vec![T::ONE; biases.len()]);
        Self {
            biases,
            means: none.clone(),
            inverses: all.clone(),
            weights: all,
            shifts: none,
            activation: Activation::Identity,
        }
    }
}

/// Runs an expression with what an activation makes of a value, compiled for each activation.
macro_rules! by_activation {
    ($activation:expr, |$activate:ident| $run:expr) => {
        match $activation {
            $crate::nn::images::kernels::Activation::Identity => {
                let $activate = |value| value;
                $run
            }
            $crate::nn::images::kernels::Activation::Relu => {
                let $activate = |value| $crate::nn::images::kernels::Activation::Relu.of(value);
                $run
            }
            $crate::nn::images::kernels::Activation::Celu(alpha) => {
                let $activate = move |value| $crate::nn::images::kernels::Activation::Celu(alpha).of(value);
                $run
            }
            $crate::nn::images::kernels::Activation::Scale(factor) => {
                let $activate = move |value| factor * value;
                $run
            }
        }
    };
}
pub(super) use by_activation;

/// Finishes every pixel with an activation.
#[inline(always)]
fn finish_each<T: Real>(values: &mut [T], finish: &Finish<T>, activate: impl Fn(T) -> T) {
    let channels = finish.biases.len();
    let [biases, means, inverses, weights, shifts] = finish.by_channel(|values| &values[..channels]);
    for pixel in values.chunks_exact_mut(channels) {
        for (channel, value) in pixel.iter_mut().enumerate() {
            *value = activate(Finish::normal(
                *value,
                [
                    biases[channel],
                    means[channel],
                    inverses[channel],
                    weights[channel],
                    shifts[channel],
                ],
            ));
        }
    }
}

dispatched! {
    /// The windows of one image side by side: `columns` (inputs x kernel x kernel rows of `pitch` values, of which this image has
    /// those from `start`), taken from the image's phases (see [`Geometry`]).
    pub(super) fn unfold<T: Real>(columns: &mut [T], phases: &[T], geometry: Geometry, pitch: usize, start: usize) {
        let (size, step, width) = (geometry.out_plane(), geometry.phase_width, geometry.out_width);
        for row in 0..geometry.window() {
            let to = &mut columns[row * pitch + start..][..size];
            let from = &phases[geometry.source(row)..];
            match width {
                32 => copy_rows::<T, 32>(to, from, step),
                16 => copy_rows::<T, 16>(to, from, step),
                8 => copy_rows::<T, 8>(to, from, step),
                4 => copy_rows::<T, 4>(to, from, step),
                _ => {
                    for (line, to) in to.chunks_exact_mut(width).enumerate() {
                        to.copy_from_slice(&from[line * step..][..width]);
                    }
                }
            }
        }
    }

    /// Backward pass: adds every window's values to where they came from.
    pub(super) fn fold_back<T: Real>(phases: &mut [T], columns: &[T], geometry: Geometry, pitch: usize, start: usize) {
        let (size, step, width) = (geometry.out_plane(), geometry.phase_width, geometry.out_width);
        for row in 0..geometry.window() {
            let from = &columns[row * pitch + start..][..size];
            let to = &mut phases[geometry.source(row)..];
            match width {
                32 => add_rows::<T, 32>(to, from, step),
                16 => add_rows::<T, 16>(to, from, step),
                8 => add_rows::<T, 8>(to, from, step),
                4 => add_rows::<T, 4>(to, from, step),
                _ => {
                    for (line, from) in from.chunks_exact(width).enumerate() {
                        for (to, from) in to[line * step..][..width].iter_mut().zip(from) {
                            *to += *from;
                        }
                    }
                }
            }
        }
    }

    /// Adds one number to each plane: `biases` has one per channel.
    pub(super) fn add_to_planes<T: Real>(values: &mut [T], plane: usize, biases: &[T]) {
        if plane == 1 {
            for values in values.chunks_exact_mut(biases.len()) {
                values.iter_mut().zip(biases).for_each(|(value, bias)| *value += *bias);
            }
            return;
        }
        for (index, values) in values.chunks_exact_mut(plane).enumerate() {
            let bias = biases[index % biases.len()];
            for value in values {
                *value += bias;
            }
        }
    }

    /// Adds the sum of each plane to its channel's sum.
    pub(super) fn add_plane_sums<T: Real>(values: &[T], plane: usize, sums: &mut [T]) {
        let channels = sums.len();
        if plane == 1 {
            for values in values.chunks_exact(channels) {
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += *value);
            }
            return;
        }
        for (index, values) in values.chunks_exact(plane).enumerate() {
            sums[index % channels] += sum_of(values, |value| value);
        }
    }

    /// Mean and sum of squared deviations of each channel over all images of `values`, in double precision, combined plane by
    /// plane (Chan, Golub, LeVeque 1983).
    pub(super) fn plane_moments<T: Real>(values: &[T], plane: usize, moments: &mut [(f64, f64)]) {
        let channels = moments.len();
        let size = T::from_f64(plane as f64);
        moments.fill((0.0, 0.0));
        for (index, values) in values.chunks_exact(plane).enumerate() {
            let mean = sum_of(values, |value| value) / size;
            let squares = sum_of(values, |value| (value - mean) * (value - mean)).to_f64();
            let before = (index / channels * plane) as f64;
            let (total_mean, total_squares) = &mut moments[index % channels];
            let difference = mean.to_f64() - *total_mean;
            let count = before + plane as f64;
            *total_squares += squares + difference * difference * before * plane as f64 / count;
            *total_mean += difference * plane as f64 / count;
        }
    }

    /// Batch norm and what follows it: `outputs` = activation(weight * (value - mean) * inverse + bias).
    pub(super) fn normalise_planes<T: Real>(outputs: &mut [T], values: &[T], plane: usize, means: &[T], inverses: &[T], weights: &[T], biases: &[T], activation: Activation<T>) {
        let channels = means.len();
        for (index, (outputs, values)) in outputs.chunks_exact_mut(plane).zip(values.chunks_exact(plane)).enumerate() {
            let channel = index % channels;
            let (mean, inverse, weight, bias) = (means[channel], inverses[channel], weights[channel], biases[channel]);
            let line = |value: T| weight * ((value - mean) * inverse) + bias;
            by_activation!(activation, |activate| outputs.iter_mut().zip(values).for_each(|(to, value)| *to = activate(line(*value))));
        }
    }

    /// What follows a convolution or is a norm, of images that lie pixel by pixel.
    pub(super) fn finish_pixels<T: Real>(values: &mut [T], finish: &Finish<T>) {
        by_activation!(finish.activation, |activate| finish_each(values, finish, activate));
    }

    /// Turns images that lie pixel by pixel into such that lie plane by plane.
    pub(super) fn pixels_to_planes<T: Real>(planes: &mut [T], pixels: &[T], plane: usize, channels: usize) {
        let size = plane * channels;
        for (planes, pixels) in planes.chunks_exact_mut(size).zip(pixels.chunks_exact(size)) {
            for (place, pixel) in pixels.chunks_exact(channels).enumerate() {
                for (channel, value) in pixel.iter().enumerate() {
                    planes[channel * plane + place] = *value;
                }
            }
        }
    }

    /// Back through an activation, by its results: each delta times the slope.
    pub(super) fn through_activation<T: Real>(deltas: &mut [T], outputs: &[T], activation: Activation<T>) {
        match activation {
            Activation::Identity => {}
            Activation::Relu => deltas.iter_mut().zip(outputs).for_each(|(delta, y)| *delta = *delta * Activation::Relu.slope(*y)),
            Activation::Celu(alpha) => deltas.iter_mut().zip(outputs).for_each(|(delta, y)| *delta = *delta * Activation::Celu(alpha).slope(*y)),
            Activation::Scale(factor) => deltas.iter_mut().for_each(|delta| *delta = *delta * factor),
        }
    }

    /// An activation alone.
    pub(super) fn activate<T: Real>(values: &mut [T], activation: Activation<T>) {
        match activation {
            Activation::Identity => {}
            Activation::Relu => values.iter_mut().for_each(|value| *value = Activation::Relu.of(*value)),
            Activation::Celu(alpha) => values.iter_mut().for_each(|value| *value = Activation::Celu(alpha).of(*value)),
            Activation::Scale(factor) => values.iter_mut().for_each(|value| *value = Activation::Scale(factor).of(*value)),
        }
    }

    /// Adds to each channel's pair the sums of dy and of dy * xhat, xhat = (value - mean) * inverse.
    pub(super) fn norm_sums<T: Real>(deltas: &[T], values: &[T], plane: usize, means: &[T], inverses: &[T], sums: &mut [(T, T)]) {
        let channels = sums.len();
        for (index, (deltas, values)) in deltas.chunks_exact(plane).zip(values.chunks_exact(plane)).enumerate() {
            let channel = index % channels;
            let (mean, inverse) = (means[channel], inverses[channel]);
            sums[channel].0 += sum_of(deltas, |delta| delta);
            sums[channel].1 += sum_of_pairs(deltas, values, |delta, value| delta * ((value - mean) * inverse));
        }
    }

    /// Back through batch norm in training: `deltas` = factor * (dy - mean dy - xhat * mean (dy * xhat)), factor = weight * inverse.
    pub(super) fn through_batch_norm<T: Real>(deltas: &mut [T], values: &[T], plane: usize, means: &[T], inverses: &[T], factors: &[T], shares: &[(T, T)]) {
        let channels = means.len();
        for (index, (deltas, values)) in deltas.chunks_exact_mut(plane).zip(values.chunks_exact(plane)).enumerate() {
            let channel = index % channels;
            let (mean, inverse, factor, (sum, product)) = (means[channel], inverses[channel], factors[channel], shares[channel]);
            for (delta, value) in deltas.iter_mut().zip(values) {
                *delta = factor * (*delta - sum - ((*value - mean) * inverse) * product);
            }
        }
    }

    /// Back through batch norm in evaluation: each plane times its channel's factor.
    pub(super) fn scale_planes<T: Real>(values: &mut [T], plane: usize, factors: &[T]) {
        for (index, values) in values.chunks_exact_mut(plane).enumerate() {
            let factor = factors[index % factors.len()];
            for value in values {
                *value = *value * factor;
            }
        }
    }

    /// `to` += `from`.
    pub(super) fn add_into<T: Real>(to: &mut [T], from: &[T]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to += *from;
        }
    }
}
