//! Multinomial logistic regression trained until it no longer gains, for models to be compared with.
//!
//! The smallest sum over rows of cross entropy + 1/2 |weights|^2, biases free: scikit-learn's `LogisticRegression` with its default C = 1.
//! Found by L-BFGS (Nocedal and Wright 2006, algorithm 7.5) in double precision.

use std::collections::VecDeque;

use rayon::prelude::*;

use super::examples::Examples;
use super::network::{MlpSpec, Network};
use crate::error::{Error, Result};

/// Most iterations; on scaled inputs a few dozen are enough.
const ITERATIONS: usize = 200;
/// Pairs of steps and gradients remembered.
const MEMORY: usize = 10;
/// Done where no slope of the mean loss is above this.
const TOLERANCE: f64 = 1e-6;
/// Rows of a partial sum. Sums are joined in their order, so the result is the same on any number of threads.
const ROWS_PER_PART: usize = 2_048;

/// Inputs without their zeros: most inputs made from categories are 0.
struct Sparse {
    /// Where each row begins in `entries`, and the end.
    starts: Vec<usize>,
    entries: Vec<(u32, f32)>,
    labels: Vec<u8>,
}

struct Problem {
    rows: Sparse,
    inputs: usize,
    classes: usize,
}

/// Trains a network without hidden layers on these rows.
///
/// # Errors
/// Where the rows do not fit each other, or there are none.
pub fn logistic_regression(examples: &Examples<f32>, classes: usize) -> Result<Network<f32>> {
    let spec = MlpSpec::new(examples.width, Vec::new(), classes)?;
    examples.check(&spec)?;
    if examples.is_empty() {
        return Err(Error::input("there are no rows to train on"));
    }
    let problem = Problem {
        rows: Sparse::of(examples),
        inputs: examples.width,
        classes,
    };
    let found = problem.minimise();
    let mut network = Network::zeros(&spec)?;
    for (to, from) in network.parameters_mut().iter_mut().zip(&found) {
        *to = *from as f32;
    }
    Ok(network)
}

impl Sparse {
    fn of(examples: &Examples<f32>) -> Self {
        let mut order = Vec::new();
        examples.rows_at(0..examples.len(), &mut order);
        let mut sparse = Self {
            starts: vec![0],
            entries: Vec::new(),
            labels: Vec::with_capacity(order.len()),
        };
        for row in order {
            let values = &examples.inputs[row as usize * examples.width..][..examples.width];
            let present = values.iter().enumerate().filter(|(_, value)| **value != 0.0);
            sparse.entries.extend(present.map(|(input, value)| (input as u32, *value)));
            sparse.starts.push(sparse.entries.len());
            sparse.labels.push(examples.labels[row as usize]);
        }
        sparse
    }
}

impl Problem {
    /// Loss and gradient, both divided by the number of rows. Parameters: weights, classes x inputs, then biases.
    fn loss(&self, parameters: &[f64]) -> (f64, Vec<f64>) {
        let (weights, biases) = parameters.split_at(self.classes * self.inputs);
        let rows = self.rows.labels.len();
        let parts: Vec<(f64, Vec<f64>)> = (0..rows.div_ceil(ROWS_PER_PART))
            .into_par_iter()
            .map(|part| {
                let mut gradient = vec![0.0; parameters.len()];
                let mut shares = vec![0.0; self.classes];
                let mut loss = 0.0;
                for row in part * ROWS_PER_PART..rows.min((part + 1) * ROWS_PER_PART) {
                    let entries = &self.rows.entries[self.rows.starts[row]..self.rows.starts[row + 1]];
                    let label = usize::from(self.rows.labels[row]);
                    for (class, share) in shares.iter_mut().enumerate() {
                        let own = &weights[class * self.inputs..][..self.inputs];
                        *share = biases[class]
                            + entries
                                .iter()
                                .map(|(input, value)| own[*input as usize] * f64::from(*value))
                                .sum::<f64>();
                    }
                    let largest = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let own = shares[label];
                    shares.iter_mut().for_each(|share| *share = (*share - largest).exp());
                    let total: f64 = shares.iter().sum();
                    loss += total.ln() + largest - own;
                    for (class, share) in shares.iter().enumerate() {
                        let delta = share / total - f64::from(u8::from(class == label));
                        let into = &mut gradient[class * self.inputs..][..self.inputs];
                        entries
                            .iter()
                            .for_each(|(input, value)| into[*input as usize] += delta * f64::from(*value));
                        gradient[self.classes * self.inputs + class] += delta;
                    }
                }
                (loss, gradient)
            })
            .collect();
        let mut loss = 0.5 * weights.iter().map(|weight| weight * weight).sum::<f64>();
        let mut gradient = weights.to_vec();
        gradient.resize(parameters.len(), 0.0);
        for (of_part, part) in parts {
            loss += of_part;
            gradient.iter_mut().zip(part).for_each(|(total, part)| *total += part);
        }
        gradient.iter_mut().for_each(|slope| *slope /= rows as f64);
        (loss / rows as f64, gradient)
    }

    fn minimise(&self) -> Vec<f64> {
        let mut at = vec![0.0; self.classes * (self.inputs + 1)];
        let (mut loss, mut gradient) = self.loss(&at);
        let mut memory: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
        for _ in 0..ITERATIONS {
            if gradient.iter().all(|slope| slope.abs() < TOLERANCE) {
                break;
            }
            let direction = direction(&gradient, &memory);
            let slope = dot(&direction, &gradient);
            let mut length = if memory.is_empty() {
                1.0 / dot(&gradient, &gradient).sqrt().max(1.0)
            } else {
                1.0
            };
            // Backtracking until the loss falls by a share of what the slope promises (Armijo).
            let step = (0..40).find_map(|_| {
                let next: Vec<f64> = at.iter().zip(&direction).map(|(at, step)| at + length * step).collect();
                let (found, slopes) = self.loss(&next);
                let enough = found <= loss + 1e-4 * length * slope;
                length *= 0.5;
                enough.then_some((next, found, slopes))
            });
            let Some((next, found, slopes)) = step else { break };
            let moved: Vec<f64> = next.iter().zip(&at).map(|(next, at)| next - at).collect();
            let turned: Vec<f64> = slopes.iter().zip(&gradient).map(|(next, at)| next - at).collect();
            if dot(&moved, &turned) > 1e-14 {
                memory.push_back((moved, turned));
                if memory.len() > MEMORY {
                    memory.pop_front();
                }
            }
            (at, loss, gradient) = (next, found, slopes);
        }
        at
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// The two loops of L-BFGS: downhill, bent by the curvature that was met so far.
fn direction(gradient: &[f64], memory: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|slope| -slope).collect();
    let mut shares = Vec::with_capacity(memory.len());
    for (moved, turned) in memory.iter().rev() {
        let share = dot(moved, &direction) / dot(moved, turned);
        direction.iter_mut().zip(turned).for_each(|(step, turned)| *step -= share * turned);
        shares.push(share);
    }
    if let Some((moved, turned)) = memory.back() {
        let scale = dot(moved, turned) / dot(turned, turned);
        direction.iter_mut().for_each(|step| *step *= scale);
    }
    for ((moved, turned), share) in memory.iter().zip(shares.into_iter().rev()) {
        let back = dot(turned, &direction) / dot(moved, turned);
        direction
            .iter_mut()
            .zip(moved)
            .for_each(|(step, moved)| *step += (share - back) * moved);
    }
    direction
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use rand::Rng;

    fn rows(count: usize, width: usize, classes: u8) -> (Vec<f32>, Vec<u8>) {
        let mut rng = Seed(4).stream("logistic-test", 0);
        let inputs: Vec<f32> = (0..count * width).map(|_| rng.random_range(-2.0..2.0)).collect();
        let labels = inputs
            .chunks_exact(width)
            .map(|row| {
                if row[0] + rng.random_range(-1.0..1.0) > 0.0 {
                    0
                } else {
                    rng.random_range(0..classes)
                }
            })
            .collect();
        (inputs, labels)
    }

    #[test]
    fn the_slope_is_zero_at_the_end_and_agrees_with_finite_differences_on_the_way() {
        let (inputs, labels) = rows(5_000, 4, 3);
        let examples = Examples::all(&inputs, 4, &labels);
        let problem = Problem {
            rows: Sparse::of(&examples),
            inputs: 4,
            classes: 3,
        };
        let mut rng = Seed(4).stream("logistic-test", 1);
        let at: Vec<f64> = (0..15).map(|_| rng.random_range(-0.5..0.5)).collect();
        let (_, slopes) = problem.loss(&at);
        for (index, slope) in slopes.iter().enumerate() {
            let moved = |change: f64| {
                let mut at = at.clone();
                at[index] += change;
                problem.loss(&at).0
            };
            let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((slope - expected).abs() < 1e-8, "{slope} {expected}");
        }
        let end = problem.minimise();
        assert!(problem.loss(&end).1.iter().all(|slope| slope.abs() < TOLERANCE));
    }

    #[test]
    fn a_network_without_hidden_layers_comes_out_that_predicts_the_deciding_input() {
        let (inputs, labels) = rows(2_000, 3, 2);
        let network = logistic_regression(&Examples::all(&inputs, 3, &labels), 2).unwrap();
        let weights = network.parameters();
        assert!(weights[0] - weights[3] > 0.5, "{weights:?}");
        assert!((weights[1] - weights[4]).abs() < 0.2, "{weights:?}");
        assert!(logistic_regression(&Examples::all(&[], 3, &[]), 2).is_err());
    }
}
