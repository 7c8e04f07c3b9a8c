//! Initial weights from the images, for the network `fast`: what airbench94 (Jordan 2024, arXiv 2404.00498) starts from.
//!
//! - The first convolution whitens: its filters are the principal directions of the windows it sees, each divided by the square root of its
//!   variance, and their negatives.
//! - Every later convolution that keeps the size begins as an identity in its first outputs, as many as it has inputs.

use super::layer::Layer;
use super::network::ImageNetwork;
use super::source::ImageSource;
use crate::error::{Error, Result};
use crate::nn::Real;

/// Images whose windows are looked at.
const IMAGES: u32 = 2_000;
/// Added to every variance, so that directions without any do not blow up.
const LEAST_VARIANCE: f64 = 5e-4;
/// Sweeps of Jacobi's method, which needs about ten.
const SWEEPS: usize = 30;

impl<T: Real> ImageNetwork<T> {
    /// Parameters at the front that no step changes: the whitening weights of a network that whitens its images. They are of the images, not of
    /// what is learned from their labels (as in airbench94).
    pub fn kept_weights(&self) -> usize {
        match self.tensors().first() {
            Some(first) if self.spec().whitens() => first.range().end,
            _ => 0,
        }
    }

    /// With the first convolution whitening these images and the later ones beginning as identities.
    ///
    /// # Errors
    /// Where the network does not begin with a convolution, or takes other images.
    pub fn whitened(mut self, source: &dyn ImageSource<T>, threads: usize) -> Result<Self> {
        let Some(Layer::Conv { name, outputs, kernel, .. }) = self.spec().layers.first().cloned() else {
            return Err(Error::internal("a network that is to whiten begins with no convolution"));
        };
        if source.shape() != self.spec().input || source.labels().is_empty() {
            return Err(Error::internal("images of another size, or none, are to be whitened"));
        }
        let filters = filters(source, kernel, outputs, threads)?;
        for tensor in self.tensors().to_vec() {
            let range = tensor.range();
            if tensor.name == format!("{name}.weight") {
                for (into, value) in self.parameters_mut()[range].iter_mut().zip(&filters) {
                    *into = T::from_f64(*value);
                }
            } else if tensor.name == format!("{name}.bias") {
                self.parameters_mut()[range].fill(T::ZERO);
            } else if let [outputs, inputs, 3, 3] = tensor.shape[..] {
                let weights = &mut self.parameters_mut()[range];
                for output in 0..outputs.min(inputs) {
                    let own = &mut weights[output * inputs * 9..][..inputs * 9];
                    own.fill(T::ZERO);
                    own[output * 9 + 4] = T::ONE;
                }
            }
        }
        Ok(self)
    }
}

/// Filters, output after output: channel x kernel x kernel each.
fn filters<T: Real>(source: &dyn ImageSource<T>, kernel: usize, outputs: usize, threads: usize) -> Result<Vec<f64>> {
    let shape = source.shape();
    let (size, window) = (shape.len(), shape.channels * kernel * kernel);
    let count = IMAGES.min(source.labels().len() as u32);
    let rows: Vec<u32> = (0..count).collect();
    let mut values = vec![T::ZERO; rows.len() * size];
    source.fill(0, &rows, threads, &mut values)?;
    let mut covariance = vec![0.0; window * window];
    let (mut patch, mut seen) = (vec![0.0; window], 0.0);
    for image in values.chunks_exact(size) {
        for row in 0..=shape.height.saturating_sub(kernel) {
            for column in 0..=shape.width.saturating_sub(kernel) {
                for (at, into) in patch.iter_mut().enumerate() {
                    let (channel, down, right) = (at / (kernel * kernel), at / kernel % kernel, at % kernel);
                    *into = image[channel * shape.plane() + (row + down) * shape.width + column + right].to_f64();
                }
                for (into, first) in covariance.chunks_exact_mut(window).zip(&patch) {
                    into.iter_mut().zip(&patch).for_each(|(into, second)| *into += first * second);
                }
                seen += 1.0;
            }
        }
    }
    covariance.iter_mut().for_each(|value| *value /= seen);
    let (variances, directions) = principal(covariance, window);
    let mut filters = Vec::with_capacity(outputs * window);
    for output in 0..outputs {
        // Each direction, then each with the other sign, then again from the first.
        let (direction, sign) = (output % window, if output / window % 2 == 0 { 1.0 } else { -1.0 });
        let scale = sign / (variances[direction] + LEAST_VARIANCE).sqrt();
        filters.extend(directions[direction * window..][..window].iter().map(|value| scale * value));
    }
    Ok(filters)
}

/// Variances, falling, and principal directions of a symmetric matrix, by Jacobi's method; each direction's largest value is positive.
fn principal(mut matrix: Vec<f64>, width: usize) -> (Vec<f64>, Vec<f64>) {
    let mut vectors = vec![0.0; width * width];
    (0..width).for_each(|at| vectors[at * width + at] = 1.0);
    for _ in 0..SWEEPS {
        for first in 0..width {
            for second in first + 1..width {
                let off = matrix[first * width + second];
                if off == 0.0 {
                    continue;
                }
                let ratio = (matrix[second * width + second] - matrix[first * width + first]) / (2.0 * off);
                let tangent = ratio.signum() / (ratio.abs() + (ratio * ratio + 1.0).sqrt());
                let tangent = if ratio == 0.0 { 1.0 } else { tangent };
                let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
                let sine = tangent * cosine;
                for at in 0..width {
                    let (one, other) = (matrix[at * width + first], matrix[at * width + second]);
                    matrix[at * width + first] = cosine * one - sine * other;
                    matrix[at * width + second] = sine * one + cosine * other;
                }
                for at in 0..width {
                    let (one, other) = (matrix[first * width + at], matrix[second * width + at]);
                    matrix[first * width + at] = cosine * one - sine * other;
                    matrix[second * width + at] = sine * one + cosine * other;
                    // Rows of `vectors` are the directions.
                    let (one, other) = (vectors[first * width + at], vectors[second * width + at]);
                    vectors[first * width + at] = cosine * one - sine * other;
                    vectors[second * width + at] = sine * one + cosine * other;
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|one, other| matrix[other * width + other].total_cmp(&matrix[one * width + one]));
    let variances = order.iter().map(|at| matrix[at * width + at].max(0.0)).collect();
    let mut directions = Vec::with_capacity(width * width);
    for at in order {
        let own = &vectors[at * width..][..width];
        let largest = own
            .iter()
            .copied()
            .fold(0.0, |most: f64, value| if value.abs() > most.abs() { value } else { most });
        directions.extend(own.iter().map(|value| if largest < 0.0 { -value } else { *value }));
    }
    (variances, directions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::images::{ImageShape, ImageSpec, PlainImages};
    use crate::seed::Seed;

    #[test]
    fn principal_directions_give_back_the_matrix() {
        let matrix = [4.0, 1.0, 0.5, 1.0, 3.0, -0.25, 0.5, -0.25, 1.0];
        let (variances, directions) = principal(matrix.to_vec(), 3);
        assert!(variances.is_sorted_by(|one, other| one >= other));
        for first in 0..3 {
            for second in 0..3 {
                let sum: f64 = (0..3)
                    .map(|at| variances[at] * directions[at * 3 + first] * directions[at * 3 + second])
                    .sum();
                assert!((sum - matrix[first * 3 + second]).abs() < 1e-12);
                let product: f64 = (0..3).map(|at| directions[first * 3 + at] * directions[second * 3 + at]).sum();
                assert!((product - f64::from(u8::from(first == second))).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn the_first_filters_whiten_what_they_see_and_later_ones_pass_it_on() {
        let shape = ImageShape::CIFAR;
        let spec = ImageSpec::named("fast", shape, 10).unwrap();
        // Neighbours alike, channels of unlike size: far from white.
        let mut random = Seed(4).stream("test", 0);
        let values: Vec<f64> = (0..6 * shape.len())
            .map(|at| {
                use rand::Rng;
                (at % shape.len() / shape.plane() + 1) as f64 * ((at as f64 / 7.0).sin() + random.random::<f64>() - 0.5)
            })
            .collect();
        let source = PlainImages {
            shape,
            values: &values,
            labels: &[0; 6],
        };
        let plain = ImageNetwork::<f64>::initial(&spec, Seed(1)).unwrap();
        let network = plain.clone().whitened(&source, 1).unwrap();
        assert!(network == plain.whitened(&source, 3).unwrap());
        let first = &network.tensors()[0];
        let [outputs, _, kernel, _] = first.shape[..] else {
            panic!("{first:?}")
        };
        let window = 3 * kernel * kernel;
        let weights = &network.parameters()[first.range()];
        let (mut sums, mut count) = (vec![0.0; window * window], 0.0);
        for image in values.chunks(shape.len()) {
            for row in 0..=32 - kernel {
                for column in 0..=32 - kernel {
                    let seen = |filter: usize| -> f64 {
                        let each = weights[filter * window..][..window].iter().enumerate();
                        each.map(|(at, weight)| {
                            let (channel, down, right) = (at / (kernel * kernel), at / kernel % kernel, at % kernel);
                            weight * image[channel * 1024 + (row + down) * 32 + column + right]
                        })
                        .sum()
                    };
                    let out: Vec<f64> = (0..window).map(seen).collect();
                    for (at, sum) in sums.iter_mut().enumerate() {
                        *sum += out[at / window] * out[at % window];
                    }
                    count += 1.0;
                }
            }
        }
        for (at, sum) in sums.iter().enumerate() {
            let expected = if at / window == at % window { 1.0 } else { 0.0 };
            assert!((sum / count - expected).abs() < 0.05, "{at}: {}", sum / count);
        }
        assert!(outputs == 2 * window && (0..window).all(|at| weights[at] == -weights[window * window + at]));
        let second = network
            .tensors()
            .iter()
            .find(|tensor| tensor.shape.len() == 4 && tensor.shape[2] == 3)
            .unwrap();
        let own = &network.parameters()[second.range()];
        assert!(own[4] == 1.0 && own[..9].iter().sum::<f64>() == 1.0);
    }
}
