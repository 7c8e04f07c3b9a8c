//! Networks in evaluation mode: logits, probabilities, predictions. Batch norm uses its running statistics.

use super::chunk::Chunk;
use super::examples::Examples;
use super::kernels::CHUNK;
use super::network::{LayerPlan, NORM_EPSILON, Network};
use super::real::Real;
use super::team;
use crate::error::{Error, Result};

/// Chunks that a thread takes at a time.
const CHUNKS_PER_PART: usize = 4;

/// Batch norm of one hidden layer in evaluation mode, in the two forms that are needed.
pub(super) struct FrozenNorm<T> {
    /// What is taken from z = a W^T before scaling: running mean minus the linear bias, which z lacks.
    pub means: Vec<T>,
    /// 1 / sqrt(running variance + epsilon).
    pub inverses: Vec<T>,
    /// weight / sqrt(running variance + epsilon).
    pub factors: Vec<T>,
    /// bias - mean * factor: relu(z * factor + shift) is the layer's output.
    shifts: Vec<T>,
}

impl<T: Real> FrozenNorm<T> {
    fn of(network: &Network<T>, layer: usize, plan: &LayerPlan) -> Self {
        let values = &network.parameters()[plan.range()];
        let (running_mean, running_var) = network.running(layer);
        let wide = |start: usize, feature: usize| values[start + feature].to_f64();
        let each = |of: &dyn Fn(usize) -> f64| (0..plan.outputs).map(|feature| T::from_f64(of(feature))).collect();
        let mean = |feature: usize| running_mean[feature].to_f64() - wide(plan.bias(), feature);
        let inverse = |feature: usize| 1.0 / (running_var[feature].to_f64() + NORM_EPSILON).sqrt();
        let factor = |feature: usize| wide(plan.norm_weight(), feature) * inverse(feature);
        Self {
            means: each(&mean),
            inverses: each(&inverse),
            factors: each(&factor),
            shifts: each(&|feature| wide(plan.norm_bias(), feature) - mean(feature) * factor(feature)),
        }
    }

    /// All hidden layers of a network.
    pub fn all(network: &Network<T>) -> Vec<Self> {
        let layers = network.spec().layers();
        let hidden = layers.iter().enumerate().filter(|(_, plan)| plan.hidden);
        hidden.map(|(layer, plan)| Self::of(network, layer, plan)).collect()
    }
}

/// Logits of all rows, rows x classes, row-major.
///
/// # Errors
/// Where `inputs` is no whole number of rows of the network's width.
pub fn logits<T: Real>(network: &Network<T>, inputs: &[T], threads: usize) -> Result<Vec<T>> {
    forward(network, inputs, threads, |chunk, biases, out| {
        for (place, row) in out.chunks_exact_mut(biases.len()).enumerate() {
            for (class, (to, bias)) in row.iter_mut().zip(biases).enumerate() {
                *to = chunk.value(place, class) + *bias;
            }
        }
    })
}

/// Class probabilities of all rows, rows x classes, row-major.
///
/// # Errors
/// Where `inputs` is no whole number of rows of the network's width.
pub fn probabilities<T: Real>(network: &Network<T>, inputs: &[T], threads: usize) -> Result<Vec<T>> {
    forward(network, inputs, threads, |chunk, biases, out| {
        chunk.softmax(biases);
        for (place, row) in out.chunks_exact_mut(biases.len()).enumerate() {
            for (class, to) in row.iter_mut().enumerate() {
                *to = chunk.value(place, class);
            }
        }
    })
}

/// The class of the largest probability of each row of `values` (rows x classes, row-major); of equals the first.
pub fn predictions<T: Real>(values: &[T], classes: usize) -> Vec<u8> {
    let best = |row: &[T]| {
        let mut best = 0;
        for (class, value) in row.iter().enumerate() {
            if *value > row[best] {
                best = class;
            }
        }
        best as u8
    };
    values.chunks_exact(classes.max(1)).map(best).collect()
}

fn forward<T: Real>(
    network: &Network<T>,
    inputs: &[T],
    threads: usize,
    finish: impl Fn(&mut Chunk<T>, &[T], &mut [T]) + Sync,
) -> Result<Vec<T>> {
    let spec = network.spec();
    if !inputs.len().is_multiple_of(spec.inputs) {
        return Err(Error::internal(format!(
            "{} inputs are no whole number of rows of {}",
            inputs.len(),
            spec.inputs
        )));
    }
    let rows = inputs.len() / spec.inputs;
    let (layers, norms) = (spec.layers(), FrozenNorm::all(network));
    let Some((head, hidden)) = layers.split_last() else {
        return Err(Error::internal("a network without layers"));
    };
    let mut out = vec![T::ZERO; rows * spec.classes];
    let part_len = CHUNKS_PER_PART * CHUNK * spec.classes;
    let parts: Vec<_> = out.chunks_mut(part_len).map(std::sync::Mutex::new).collect();
    let examples = Examples::inputs_only(inputs, spec.inputs);
    team::run(threads.clamp(1, parts.len().max(1)), |member| {
        let mut chunk = Chunk::new(spec);
        for number in member.share(parts.len()) {
            let mut part = parts[number].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for (index, out) in part.chunks_mut(CHUNK * spec.classes).enumerate() {
                let start = (number * CHUNKS_PER_PART + index) * CHUNK;
                chunk.load(&examples, start..start + out.len() / spec.classes);
                for (layer, (plan, norm)) in hidden.iter().zip(&norms).enumerate() {
                    let weight = &network.parameters()[plan.range()][..plan.bias()];
                    chunk.layer_forward(layer, plan, weight, &norm.factors, &norm.shifts);
                }
                let (weight, biases) = network.parameters()[head.range()].split_at(head.bias());
                chunk.head(head, weight);
                finish(&mut chunk, biases, out);
            }
        }
    });
    Ok(out)
}
