//! Gradients of an imported model against finite differences, in double precision.

use rand::Rng;

use super::{Encoded, OnnxGraph, OnnxNetwork};
use crate::error::{Error, Result};
use crate::learner::{Batch, CandleNetwork, Classifier, Compute, Rows};
use crate::nn::RowLosses;
use crate::seed::Seed;

/// Step of the differences, relative to the largest parameter of the tensor, or 1.
const STEP: f64 = 1e-6;

/// What the gradient and the differences may differ by, relative to both.
const TOLERANCE: f64 = 1e-4;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradientCheck {
    /// Tensors of which the gradient was compared.
    pub tensors: usize,
    /// Rows that the loss was over.
    pub rows: usize,
    /// Largest relative difference.
    pub worst: f64,
}

/// Compares the gradient of every variable, along random directions, with differences of the loss of the first `rows` rows.
///
/// # Errors
/// Names the variable whose gradient is wrong, where one is.
pub fn check_gradients(network: &OnnxNetwork, encoded: &Encoded, labels: &[u8], rows: usize, threads: usize) -> Result<GradientCheck> {
    let rows = rows.min(encoded.rows()).min(labels.len());
    if rows == 0 {
        return Err(Error::input("there are no rows to check the model's gradients on"));
    }
    let inputs: Vec<f64> = encoded.values[..rows * encoded.width].iter().copied().map(f64::from).collect();
    let labels = &labels[..rows];
    let parameters: Vec<f64> = network.parameters().iter().copied().map(f64::from).collect();
    let mut wide: CandleNetwork<f64, OnnxGraph> = CandleNetwork::new(network.graph().clone(), parameters.clone(), Vec::new())?;
    let which: Vec<u32> = (0..rows as u32).collect();
    let weights = vec![1.0 / rows as f64; rows];
    let loss = |network: &CandleNetwork<f64, OnnxGraph>| {
        let batch = Batch {
            epoch: 0,
            which: &which,
            losses: RowLosses {
                labels,
                label_weights: &weights,
                targets: &[],
                target_weights: &[],
                temperature: 1.0,
                entropy_weights: &[],
            },
        };
        network.gradient(&Rows::table(&inputs, encoded.width, labels), &batch, Compute::from(threads))
    };
    let (_, gradient) = loss(&wide)?;
    let mut worst = 0.0_f64;
    for (number, spec) in network.tensors().iter().enumerate() {
        let range = spec.range();
        let size = parameters[range.clone()].iter().fold(1.0_f64, |most, value| most.max(value.abs()));
        let mut own = f64::INFINITY;
        // A step may cross the edge of a ReLU: a second direction, and smaller steps, tell that from a wrong gradient.
        for attempt in 0..4_u32 {
            let mut random = Seed(17).stream("gradient-check", (number * 8) as u64 + u64::from(attempt));
            let direction: Vec<f64> = range.clone().map(|_| if random.random::<bool>() { 1.0 } else { -1.0 }).collect();
            let step = STEP * size * 0.1_f64.powi(attempt as i32 / 2);
            let mut moved = |sign: f64| {
                for ((to, from), along) in wide.parameters_mut()[range.clone()]
                    .iter_mut()
                    .zip(&parameters[range.clone()])
                    .zip(&direction)
                {
                    *to = from + sign * step * along;
                }
                loss(&wide).map(|(loss, _)| loss)
            };
            let slope = (moved(1.0)? - moved(-1.0)?) / (2.0 * step);
            let expected: f64 = gradient[range.clone()]
                .iter()
                .zip(&direction)
                .map(|(gradient, along)| gradient * along)
                .sum();
            wide.parameters_mut()[range.clone()].copy_from_slice(&parameters[range.clone()]);
            // Rounding of the loss limits what differences can show.
            own = own.min((slope - expected).abs() / (slope.abs() + expected.abs() + 1e-4));
            if own < TOLERANCE {
                break;
            }
        }
        if own >= TOLERANCE {
            return Err(Error::input(format!(
                "the gradient of `{}` differs from finite differences by {:.1e} of its size, so repairs cannot be trusted",
                spec.name, own
            ))
            .hint("the model may have steps (rounding, comparisons) between weights and outputs: export it without them"));
        }
        worst = worst.max(own);
    }
    Ok(GradientCheck {
        tensors: network.tensors().len(),
        rows,
        worst,
    })
}
