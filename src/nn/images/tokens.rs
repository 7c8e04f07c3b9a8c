//! What a vision transformer (Dosovitskiy et al. 2021, arXiv 2010.11929) computes beside linear layers, forward and backward.
//!
//! A sequence lies token by token, each of `width` values; of several images, image after image.

use super::kernels::add_into;
use crate::nn::kernels::{Matrix, dispatched, multiply, sum_of, sum_of_pairs};
use crate::nn::real::Real;

/// Sizes of an attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    pub tokens: usize,
    pub width: usize,
    pub heads: usize,
}

/// Buffers of one thread.
#[derive(Debug, Default)]
pub(super) struct Buffers<T> {
    shares: Vec<T>,
    deltas: Vec<T>,
}

/// From the channels of pixels to tokens: the class token first, then every pixel's channels; the positions are added.
pub(super) fn embed<T: Real>(images: &[T], (channels, pixels): (usize, usize), class: &[T], positions: &[T], out: &mut [T]) {
    let images = images.chunks_exact(channels * pixels);
    for (image, out) in images.zip(out.chunks_exact_mut((pixels + 1) * channels)) {
        out.copy_from_slice(positions);
        let (first, rest) = out.split_at_mut(channels);
        add_into(first, class);
        for (pixel, token) in rest.chunks_exact_mut(channels).enumerate() {
            for (channel, value) in token.iter_mut().enumerate() {
                *value += image[channel * pixels + pixel];
            }
        }
    }
}

/// Backward pass of [`embed`]: adds to the gradients, writes the images' deltas.
pub(super) fn embed_backward<T: Real>(
    deltas: &[T],
    (channels, pixels): (usize, usize),
    class_gradient: &mut [T],
    position_gradient: &mut [T],
    into: &mut [T],
) {
    let images = into.chunks_exact_mut(channels * pixels);
    for (image, deltas) in images.zip(deltas.chunks_exact((pixels + 1) * channels)) {
        add_into(position_gradient, deltas);
        let (first, rest) = deltas.split_at(channels);
        add_into(class_gradient, first);
        for (pixel, token) in rest.chunks_exact(channels).enumerate() {
            for (channel, value) in token.iter().enumerate() {
                image[channel * pixels + pixel] = *value;
            }
        }
    }
}

/// The first token of every image.
pub(super) fn first<T: Real>(values: &[T], (tokens, width): (usize, usize), out: &mut [T]) {
    for (values, out) in values.chunks_exact(tokens * width).zip(out.chunks_exact_mut(width)) {
        out.copy_from_slice(&values[..width]);
    }
}

/// Backward pass of [`first`].
pub(super) fn first_backward<T: Real>(deltas: &[T], (tokens, width): (usize, usize), into: &mut [T]) {
    into.fill(T::ZERO);
    for (into, deltas) in into.chunks_exact_mut(tokens * width).zip(deltas.chunks_exact(width)) {
        into[..width].copy_from_slice(deltas);
    }
}

/// The matrix of one head of one image, tokens x (width / heads).
fn head<T>(values: &[T], sizes: Sizes, index: usize) -> Matrix<'_, T> {
    let own = sizes.width / sizes.heads;
    let (image, head) = (index / sizes.heads, index % sizes.heads);
    Matrix {
        data: &values[image * sizes.tokens * sizes.width + head * own..],
        rows: sizes.tokens,
        columns: own,
        row_stride: sizes.width,
        column_stride: 1,
    }
}

/// Where that matrix is written to.
fn head_mut<T>(values: &mut [T], sizes: Sizes, index: usize) -> &mut [T] {
    let own = sizes.width / sizes.heads;
    let (image, head) = (index / sizes.heads, index % sizes.heads);
    &mut values[image * sizes.tokens * sizes.width + head * own..]
}

/// Heads over all images.
fn heads(values: usize, sizes: Sizes) -> usize {
    values / (sizes.tokens * sizes.width) * sizes.heads
}

/// softmax(query key^t / sqrt(head width)) of one head, tokens x tokens.
fn shares<'a, T: Real>(query: &[T], key: &[T], sizes: Sizes, index: usize, room: &'a mut Vec<T>) -> &'a mut [T] {
    let count = sizes.tokens * sizes.tokens;
    room.resize(count.max(room.len()), T::ZERO);
    let shares = &mut room[..count];
    let right = head(key, sizes, index).transposed();
    multiply(shares, (sizes.tokens, 1), T::ZERO, head(query, sizes, index), right);
    softmax_rows(shares, sizes.tokens, scale(sizes));
    shares
}

fn scale<T: Real>(sizes: Sizes) -> T {
    T::from_f64(((sizes.width / sizes.heads) as f64).powf(-0.5))
}

/// Attention: for every head, softmax(query key^t / sqrt(head width)) value (Vaswani et al. 2017, equation 1).
pub(super) fn attend<T: Real>(query: &[T], key: &[T], value: &[T], sizes: Sizes, out: &mut [T], buffers: &mut Buffers<T>) {
    for index in 0..heads(query.len(), sizes) {
        let shares = shares(query, key, sizes, index, &mut buffers.shares);
        let left = Matrix::row_major(shares, sizes.tokens, sizes.tokens);
        multiply(
            head_mut(out, sizes, index),
            (sizes.width, 1),
            T::ZERO,
            left,
            head(value, sizes, index),
        );
    }
}

/// What attention reads, or the deltas of it.
#[derive(Debug)]
pub(super) struct Triple<Q> {
    pub query: Q,
    pub key: Q,
    pub value: Q,
}

/// Backward pass of [`attend`]; `into` is overwritten. The shares are computed again, as holding them would take more memory than
/// anything else of a transformer.
pub(super) fn attend_backward<T: Real>(
    read: &Triple<&[T]>,
    deltas: &[T],
    sizes: Sizes,
    into: &mut Triple<Vec<T>>,
    buffers: &mut Buffers<T>,
) {
    fn square<T>(values: &[T], sizes: Sizes) -> Matrix<'_, T> {
        Matrix::row_major(values, sizes.tokens, sizes.tokens)
    }
    let strides = (sizes.width, 1);
    for index in 0..heads(deltas.len(), sizes) {
        let shares = shares(read.query, read.key, sizes, index, &mut buffers.shares);
        let own = head(deltas, sizes, index);
        multiply(
            head_mut(&mut into.value, sizes, index),
            strides,
            T::ZERO,
            square(shares, sizes).transposed(),
            own,
        );
        buffers.deltas.resize(shares.len().max(buffers.deltas.len()), T::ZERO);
        let score_deltas = &mut buffers.deltas[..shares.len()];
        let right = head(read.value, sizes, index).transposed();
        multiply(score_deltas, (sizes.tokens, 1), T::ZERO, own, right);
        through_softmax_rows(score_deltas, shares, sizes.tokens, scale(sizes));
        let (query, key) = (head(read.query, sizes, index), head(read.key, sizes, index));
        multiply(
            head_mut(&mut into.query, sizes, index),
            strides,
            T::ZERO,
            square(score_deltas, sizes),
            key,
        );
        multiply(
            head_mut(&mut into.key, sizes, index),
            strides,
            T::ZERO,
            square(score_deltas, sizes).transposed(),
            query,
        );
    }
}

dispatched! {
    /// Every row becomes softmax(scale * row).
    pub(super) fn softmax_rows<T: Real>(values: &mut [T], width: usize, scale: T) {
        for row in values.chunks_exact_mut(width) {
            // A NaN stays one: `max` would drop it.
            let largest = row.iter().fold(row[0], |top, value| if *value <= top { top } else { *value });
            for value in row.iter_mut() {
                *value = ((*value - largest) * scale).exp_of_nonpositive();
            }
            let inverse = T::ONE / sum_of(row, |value| value);
            for value in row.iter_mut() {
                *value = *value * inverse;
            }
        }
    }

    /// Backward pass of [`softmax_rows`], whose results are `shares`: delta = scale * share * (delta - sum of share * delta).
    pub(super) fn through_softmax_rows<T: Real>(deltas: &mut [T], shares: &[T], width: usize, scale: T) {
        for (deltas, shares) in deltas.chunks_exact_mut(width).zip(shares.chunks_exact(width)) {
            let mean = sum_of_pairs(deltas, shares, |delta, share| delta * share);
            for (delta, share) in deltas.iter_mut().zip(shares) {
                *delta = scale * *share * (*delta - mean);
            }
        }
    }

    /// Layer norm (Ba et al. 2016) of every token: weight * (value - mean) / sqrt(variance + epsilon) + bias, the variance biased.
    pub(super) fn layer_norm<T: Real>(out: &mut [T], values: &[T], weights: &[T], biases: &[T], epsilon: f64) {
        let width = weights.len();
        for (out, values) in out.chunks_exact_mut(width).zip(values.chunks_exact(width)) {
            let (mean, inverse) = moments(values, epsilon);
            for (((out, value), weight), bias) in out.iter_mut().zip(values).zip(weights).zip(biases) {
                *out = *weight * ((*value - mean) * inverse) + *bias;
            }
        }
    }

    /// Backward pass of [`layer_norm`]: adds to the gradients, writes the deltas of its values.
    pub(super) fn layer_norm_backward<T: Real>(into: &mut [T], values: &[T], deltas: &[T], weights: &[T], epsilon: f64, weight_gradient: &mut [T], bias_gradient: &mut [T]) {
        let width = weights.len();
        let size = T::from_f64(width as f64);
        let rows = into.chunks_exact_mut(width).zip(values.chunks_exact(width)).zip(deltas.chunks_exact(width));
        for ((into, values), deltas) in rows {
            let (mean, inverse) = moments(values, epsilon);
            for (((gradient, other), value), delta) in weight_gradient.iter_mut().zip(bias_gradient.iter_mut()).zip(values).zip(deltas) {
                *gradient += *delta * ((*value - mean) * inverse);
                *other += *delta;
            }
            for ((into, delta), weight) in into.iter_mut().zip(deltas).zip(weights) {
                *into = *delta * *weight;
            }
            let sum = sum_of(into, |delta| delta) / size;
            let product = sum_of_pairs(into, values, |delta, value| delta * ((value - mean) * inverse)) / size;
            for (into, value) in into.iter_mut().zip(values) {
                *into = inverse * (*into - sum - ((*value - mean) * inverse) * product);
            }
        }
    }

    /// GELU (Hendrycks and Gimpel 2016) in its exact form: x times the share of the normal distribution below x.
    pub(super) fn gelu<T: Real>(out: &mut [T], values: &[T]) {
        for (out, value) in out.iter_mut().zip(values) {
            *out = *value * value.normal_share();
        }
    }

    /// Backward pass of [`gelu`]: every delta times the slope at the value that came in.
    pub(super) fn through_gelu<T: Real>(deltas: &mut [T], values: &[T]) {
        let (half, height) = (T::from_f64(-0.5), T::from_f64((2.0 * std::f64::consts::PI).powf(-0.5)));
        for (delta, value) in deltas.iter_mut().zip(values) {
            let density = height * (*value * *value * half).exp_of_nonpositive();
            *delta = *delta * (value.normal_share() + *value * density);
        }
    }
}

/// Mean and 1 / sqrt(variance + epsilon) of a token's values.
#[inline(always)]
fn moments<T: Real>(values: &[T], epsilon: f64) -> (T, T) {
    let size = T::from_f64(values.len() as f64);
    let mean = sum_of(values, |value| value) / size;
    let variance = sum_of(values, |value| (value - mean) * (value - mean)) / size;
    (mean, T::from_f64(1.0 / (variance.to_f64() + epsilon).sqrt()))
}
