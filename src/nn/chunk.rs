//! One chunk of rows on its way forward and backward through the layers.
//!
//! Per hidden layer a chunk keeps two matrices. `normals` holds z = a W^T, later xhat; `outputs` holds the activations
//! max(weight * xhat + bias, 0), later, once nothing needs them any more, the deltas d loss / d output.

use super::examples::Examples;
use super::importance::OutputSize;
use super::kernels::{self, CHUNK, Matrix, STRIDE, multiply};
use super::network::{LayerPlan, MOST_CLASSES, MlpSpec};
use super::real::Real;

/// Buffers for one chunk, allocated once.
#[derive(Debug)]
pub(super) struct Chunk<T> {
    /// Rows in use, at most [`CHUNK`].
    pub rows: usize,
    /// Which rows of the examples these are.
    pub row_numbers: Vec<u32>,
    inputs: Vec<T>,
    normals: Vec<Vec<T>>,
    outputs: Vec<Vec<T>>,
    /// Logits, then probabilities, then d loss / d logit.
    logits: Vec<T>,
    largest: [T; CHUNK],
    totals: [T; CHUNK],
    squared: [Vec<T>; 2],
}

impl<T: Real> Chunk<T> {
    /// Buffers for a network.
    pub fn new(spec: &MlpSpec) -> Self {
        let matrices = || spec.hidden.iter().map(|width| vec![T::ZERO; width * STRIDE]).collect();
        Self {
            rows: 0,
            row_numbers: Vec::with_capacity(CHUNK),
            inputs: vec![T::ZERO; spec.inputs * STRIDE],
            normals: matrices(),
            outputs: matrices(),
            logits: vec![T::ZERO; spec.classes * STRIDE],
            largest: [T::ZERO; CHUNK],
            totals: [T::ZERO; CHUNK],
            squared: [Vec::new(), Vec::new()],
        }
    }

    /// Takes in the rows at these positions of the examples.
    pub fn load(&mut self, examples: &Examples<T>, positions: std::ops::Range<usize>) {
        examples.rows_at(positions, &mut self.row_numbers);
        self.rows = self.row_numbers.len();
        kernels::gather(&mut self.inputs, examples.inputs, examples.width, &self.row_numbers);
    }

    fn layer_inputs(&self, layer: usize) -> &[T] {
        if layer == 0 { &self.inputs } else { &self.outputs[layer - 1] }
    }

    /// z = a W^T for hidden layer `layer`; the bias is left out, see the callers.
    pub fn linear(&mut self, layer: usize, plan: &LayerPlan, weight: &[T]) {
        let inputs = if layer == 0 { &self.inputs } else { &self.outputs[layer - 1] };
        weigh(plan, &mut self.normals[layer], inputs, self.rows, weight);
    }

    /// Mean and squared deviations of z per feature.
    pub fn moments(&self, layer: usize, means: &mut [T], squares: &mut [T]) {
        kernels::moments(&self.normals[layer], self.rows, means, squares);
    }

    /// Batch norm and ReLU of a hidden layer.
    pub fn normalise(&mut self, layer: usize, means: &[T], inverses: &[T], weights: &[T], biases: &[T]) {
        let (normals, outputs) = (&mut self.normals[layer], &mut self.outputs[layer]);
        kernels::normalise(normals, outputs, self.rows, means, inverses, weights, biases);
    }

    /// Dropout (Srivastava et al. 2014) of a hidden layer's activations, or of the deltas in their place: about a fifth of the units of every
    /// row are set to 0, drawn from the key, and the others grow so that the mean stays.
    pub fn drop_out(&mut self, layer: usize, key: u64) {
        super::regularise::drop_out(&mut self.outputs[layer], self.rows, key);
    }

    /// Linear, folded batch norm and ReLU where nothing is kept for a backward pass.
    pub fn layer_forward(&mut self, layer: usize, plan: &LayerPlan, weight: &[T], scales: &[T], shifts: &[T]) {
        let (before, after) = self.outputs.split_at_mut(layer);
        let inputs = if layer == 0 { &self.inputs } else { &before[layer - 1] };
        let output = &mut after[0];
        weigh(plan, output, inputs, self.rows, weight);
        kernels::scale_shift_relu(output, self.rows, scales, shifts);
    }

    /// Logits without their bias.
    pub fn head(&mut self, plan: &LayerPlan, weight: &[T]) {
        let inputs = match self.outputs.last() {
            Some(outputs) => outputs,
            None => &self.inputs,
        };
        weigh(plan, &mut self.logits, inputs, self.rows, weight);
    }

    /// Class `class` of row `place`: its logit without bias after [`Chunk::head`], its probability after [`Chunk::softmax`].
    pub fn value(&self, place: usize, class: usize) -> T {
        self.logits[class * STRIDE + place]
    }

    /// Replaces that value.
    pub fn set_value(&mut self, place: usize, class: usize, value: T) {
        self.logits[class * STRIDE + place] = value;
    }

    /// Adds the head's biases and turns logits into probabilities.
    pub fn softmax(&mut self, biases: &[T]) {
        kernels::softmax(&mut self.logits, self.rows, biases, &mut self.largest, &mut self.totals);
    }

    /// Adds the head's biases and turns logits z into d size(z) / d z.
    pub fn output_size(&mut self, biases: &[T], size: OutputSize) {
        for (column, bias) in self.logits.chunks_mut(STRIDE).zip(biases) {
            column[..self.rows].iter_mut().for_each(|value| *value += *bias);
        }
        for row in 0..self.rows {
            let slope = T::from_f64(size.slope((0..biases.len()).map(|class| self.logits[class * STRIDE + row])));
            for class in 0..biases.len() {
                let value = &mut self.logits[class * STRIDE + row];
                *value = *value * slope;
            }
        }
    }

    /// Cross entropy with softmax, natural logarithm: adds the head's biases, turns logits into
    /// d loss / d logit = scale(label) * (p - onehot), and returns the sum over the rows of scale(label) * -ln p(label).
    /// `scales` has one entry per class.
    pub fn cross_entropy(&mut self, biases: &[T], labels: &[u8], scales: &[T]) -> f64 {
        let mut picked = [T::ZERO; CHUNK];
        for (picked, (place, row)) in picked.iter_mut().zip(self.row_numbers.iter().enumerate()) {
            let label = usize::from(labels[*row as usize]);
            *picked = self.logits[label * STRIDE + place] + biases[label];
        }
        self.softmax(biases);
        // -ln p = ln(total) + largest - logit. Logarithms are slow, so those of one class are taken of products of totals,
        // each between 1 and 256.
        let mut products = [1.0_f64; MOST_CLASSES];
        let mut loss = 0.0;
        let mut row_scales = [T::ZERO; CHUNK];
        for (place, row) in self.row_numbers.iter().enumerate() {
            let label = usize::from(labels[*row as usize]);
            let scale = scales[label].to_f64();
            row_scales[place] = scales[label];
            loss += scale * (self.largest[place] - picked[place]).to_f64();
            products[label] *= self.totals[place].to_f64();
            if products[label] > 1e290 {
                loss += scale * products[label].ln();
                products[label] = 1.0;
            }
            let probability = &mut self.logits[label * STRIDE + place];
            *probability = *probability - T::ONE;
        }
        for (product, scale) in products.iter().zip(scales) {
            loss += scale.to_f64() * product.ln();
        }
        for column in self.logits.chunks_mut(STRIDE).take(scales.len()) {
            for (value, scale) in column[..self.rows].iter_mut().zip(&row_scales) {
                *value = *value * *scale;
            }
        }
        loss
    }

    /// Gradient of a layer's linear weights, `keep` * gradient + delta^T a, into `gradient` (outputs x inputs).
    pub fn weight_gradient(&self, layer: usize, plan: &LayerPlan, keep: T, gradient: &mut [T]) {
        let deltas = if plan.hidden { &self.outputs[layer] } else { &self.logits };
        products_over_rows(plan, gradient, keep, deltas, self.layer_inputs(layer), self.rows);
    }

    /// Adds the sum over rows of d loss / d logit: the gradient of the head's bias.
    pub fn add_head_bias_gradient(&self, gradient: &mut [T]) {
        kernels::add_feature_sums(&self.logits, self.rows, gradient);
    }

    /// d loss / d a for the inputs of `layer` (not for layer 0), which takes the place of the activations there.
    pub fn input_deltas(&mut self, layer: usize, plan: &LayerPlan, weight: &[T]) {
        let (before, after) = self.outputs.split_at_mut(layer);
        let deltas = if plan.hidden { &after[0] } else { &self.logits };
        for block in Block::all(plan) {
            multiply(
                &mut before[layer - 1][block.inputs..],
                (1, STRIDE),
                T::ZERO,
                Matrix::chunk(&deltas[block.outputs..], self.rows, block.width),
                Matrix::row_major(&weight[block.weights..], block.width, plan.inputs),
            );
        }
    }

    /// Back through ReLU; sums of dy and of dy * xhat over the rows.
    pub fn mask_and_sum(&mut self, layer: usize, weights: &[T], biases: &[T], sums: &mut [T], products: &mut [T]) {
        let (deltas, normals) = (&mut self.outputs[layer], &self.normals[layer]);
        kernels::mask_and_sum(deltas, normals, self.rows, weights, biases, sums, products);
    }

    /// Back through batch norm in training.
    pub fn through_norm(&mut self, layer: usize, factors: &[T], mean_sums: &[T], mean_products: &[T]) {
        let (deltas, normals) = (&mut self.outputs[layer], &self.normals[layer]);
        kernels::through_norm(deltas, normals, self.rows, factors, mean_sums, mean_products);
    }

    /// Back through batch norm in evaluation.
    pub fn scale_deltas(&mut self, layer: usize, factors: &[T]) {
        kernels::scale_features(&mut self.outputs[layer], self.rows, factors);
    }

    /// Adds sums over rows of dy^2 and (dy * xhat)^2: per-sample Fisher of batch norm's bias and weight. To be called
    /// between [`Chunk::mask_and_sum`] and [`Chunk::scale_deltas`].
    pub fn add_norm_fisher(&self, layer: usize, bias_fisher: &mut [T], weight_fisher: &mut [T]) {
        kernels::add_square_sums(&self.outputs[layer], &self.normals[layer], self.rows, bias_fisher, weight_fisher);
    }

    /// Per-sample Fisher of a layer's linear weights: `keep` * fisher + (delta^2)^T (a^2); and added to `bias_fisher` the sum
    /// of delta^2. To be called before [`Chunk::input_deltas`] overwrites a.
    pub fn linear_fisher(&mut self, layer: usize, plan: &LayerPlan, keep: T, fisher: &mut [T], bias_fisher: &mut [T]) {
        let [squared_deltas, squared_inputs] = &mut self.squared;
        squared_deltas.resize(squared_deltas.len().max(plan.outputs * STRIDE), T::ZERO);
        squared_inputs.resize(squared_inputs.len().max(plan.blocks * plan.inputs * STRIDE), T::ZERO);
        let inputs = if layer == 0 { &self.inputs } else { &self.outputs[layer - 1] };
        let deltas = if plan.hidden { &self.outputs[layer] } else { &self.logits };
        kernels::square_into(squared_deltas, deltas, plan.outputs, self.rows);
        kernels::square_into(squared_inputs, inputs, plan.blocks * plan.inputs, self.rows);
        kernels::add_feature_sums(squared_deltas, self.rows, bias_fisher);
        products_over_rows(plan, fisher, keep, squared_deltas, squared_inputs, self.rows);
    }
}

/// A block of a layer's outputs with its inputs: where they begin in a chunk's matrices, and where its weights do.
struct Block {
    inputs: usize,
    outputs: usize,
    weights: usize,
    /// Outputs of the block.
    width: usize,
}

impl Block {
    /// The blocks of a layer; a single one where all outputs see all inputs.
    fn all(plan: &LayerPlan) -> impl Iterator<Item = Self> {
        let (width, inputs) = (plan.outputs / plan.blocks, plan.inputs);
        (0..plan.blocks).map(move |block| Self {
            inputs: block * inputs * STRIDE,
            outputs: block * width * STRIDE,
            weights: block * width * inputs,
            width,
        })
    }
}

/// out = inputs x weight^T, block by block.
fn weigh<T: Real>(plan: &LayerPlan, out: &mut [T], inputs: &[T], rows: usize, weight: &[T]) {
    for block in Block::all(plan) {
        multiply(
            &mut out[block.outputs..],
            (1, STRIDE),
            T::ZERO,
            Matrix::chunk(&inputs[block.inputs..], rows, plan.inputs),
            Matrix::row_major(&weight[block.weights..], block.width, plan.inputs).transposed(),
        );
    }
}

/// `out` (outputs x inputs) = keep * out + deltas^T inputs, block by block.
fn products_over_rows<T: Real>(plan: &LayerPlan, out: &mut [T], keep: T, deltas: &[T], inputs: &[T], rows: usize) {
    for block in Block::all(plan) {
        multiply(
            &mut out[block.weights..],
            (plan.inputs, 1),
            keep,
            Matrix::chunk(&deltas[block.outputs..], rows, block.width).transposed(),
            Matrix::chunk(&inputs[block.inputs..], rows, plan.inputs),
        );
    }
}
