//! What is done with all models of a lockstep in evaluation mode: importances, dampening, predictions.

use std::ops::Range;

use super::super::importance::ImportanceKind;
use super::super::train::Batches;
use super::accelerator::{Accelerator, Argument, Matrices, Memory, Shape, blas_call};
use super::lockstep::{Lockstep, Rows};
use crate::error::{Error, Result};

/// Which of a lockstep's two places for importances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Those of the flagged rows.
    Forget,
    /// Those of what the flagged rows are compared with.
    Reference,
}

/// How dampening went in one model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dampened {
    /// Selection weighting.
    pub alpha: f64,
    /// Parameters that became smaller.
    pub parameters: u32,
}

impl<D: Accelerator> Lockstep<'_, D> {
    fn place(&self, place: Place) -> Memory {
        match place {
            Place::Forget => self.importances[0],
            Place::Reference => self.importances[1],
        }
    }

    /// Measures an importance of every parameter of every model, as [`super::super::importance()`] does: over the rows in mini-batches of
    /// `batch`, without those that [`Lockstep::leave_out`] named where `leave_out` says so. A batch of which no row is left does not
    /// count, so that with all training rows this is the importance over the retain set on the original batches.
    ///
    /// # Errors
    /// Where a gradient is no finite number, or the device fails.
    pub fn importance(&mut self, rows: Rows, kind: ImportanceKind, batch: usize, leave_out: bool, place: Place) -> Result<()> {
        let fisher = kind == ImportanceKind::PerSampleFisher;
        if batch == 0 || batch > self.capacity || rows == Rows::Test || (fisher && self.fisher == Memory::NONE) {
            return Err(Error::internal("an importance that lockstep was not made for"));
        }
        let totals = self.place(place);
        for memory in [totals, self.seen, self.marks] {
            self.device.clear(memory)?;
        }
        let batches = Batches::plain(self.rows(rows), batch);
        for index in 0..batches.count() {
            self.batch_sums(rows, &batches.range(index), fisher, leave_out)?;
            let sums = if fisher { self.fisher } else { self.gradient };
            let arguments = [
                totals.into(),
                sums.into(),
                self.counts.into(),
                self.seen.into(),
                self.parameters.into(),
                (!fisher).into(),
            ];
            self.device
                .launch("add_batch", Shape::line(self.parameters, self.models), &arguments)?;
        }
        let arguments = [totals.into(), self.seen.into(), self.parameters.into(), self.marks.into()];
        self.device
            .launch("finish_means", Shape::line(self.parameters, self.models), &arguments)?;
        match self.read_marks()?.iter().position(|mark| *mark != 0) {
            None => Ok(()),
            Some(model) => Err(Error::input(format!(
                "the gradients of model {} of {} are not finite numbers, so its importances cannot be measured",
                model + 1,
                self.models
            ))
            .hint("train the model again with a lower learning rate")),
        }
    }

    fn read_marks(&mut self) -> Result<Vec<u32>> {
        let bytes = self.read_bytes(self.marks, 4 * self.models)?;
        let (numbers, _) = bytes.as_chunks::<4>();
        Ok(numbers.iter().map(|number| u32::from_le_bytes(*number)).collect())
    }

    /// What [`Lockstep::importance`] measured, models x parameters.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn measured(&mut self, place: Place) -> Result<Vec<f64>> {
        self.read_doubles(self.place(place), self.models * self.parameters)
    }

    fn frozen_forward(&mut self, first: Matrices, count: usize) -> Result<()> {
        for layer in 0..self.normals.len() {
            self.linear(layer, first, count)?;
            let mut arguments = vec![self.normals[layer].into(), self.outputs[layer].into()];
            arguments.extend(self.layer_arguments(layer));
            arguments.extend(self.running_arguments(layer));
            arguments.extend(self.size_arguments(layer, count));
            let shape = Shape::tile(self.layers[layer].outputs, self.models);
            self.device.launch("frozen_forward", shape, &arguments)?;
        }
        self.linear(self.normals.len(), first, count)
    }

    /// Sums over one batch's rows of the gradients, or of their squares.
    fn batch_sums(&mut self, rows: Rows, batch: &Range<usize>, fisher: bool, leave_out: bool) -> Result<()> {
        let count = batch.len();
        let first = self.first_inputs(rows, batch.start, count)?;
        self.frozen_forward(first, count)?;
        self.cross_entropy(rows, batch, Memory::NONE, leave_out, false)?;
        let (gradient, squares) = if fisher {
            (Memory::NONE, self.fisher)
        } else {
            (self.gradient, Memory::NONE)
        };
        let head = self.layers.len() - 1;
        let [_, stride, offset] = self.layer_arguments(head);
        let mut arguments = vec![self.logits.into(), gradient.into(), squares.into(), stride, offset];
        arguments.extend(self.size_arguments(head, count));
        self.device
            .launch("bias_sums", Shape::tile(self.spec.classes, self.models), &arguments)?;
        for layer in (0..=head).rev() {
            let plan = self.layers[layer];
            let (mut deltas, mut inputs) = (self.deltas_of(layer, count), self.inputs_of(layer, first, count));
            let into = if fisher { self.fisher } else { self.gradient };
            if fisher {
                deltas = self.squared(deltas, 0, count)?;
                inputs = self.squared(inputs, 1, count)?;
            }
            let out = Matrices::new(into.from(plan.offset), plan.outputs, plan.inputs, self.parameters);
            let call = blas_call(out, deltas.transposed(), inputs, 1.0, 0.0, self.models)?;
            self.device.multiply(&call)?;
            if layer > 0 {
                self.input_deltas(layer, self.deltas[layer % 2], count)?;
                self.frozen_backward(layer - 1, gradient, squares, count)?;
            }
        }
        Ok(())
    }

    /// value^2 of a batch's rows, in one of the two places for that.
    fn squared(&mut self, of: Matrices, which: usize, count: usize) -> Result<Matrices> {
        let to = self.squares[which];
        let arguments = [
            to.into(),
            of.memory.into(),
            of.stride.into(),
            count.into(),
            self.capacity.into(),
            of.columns.into(),
        ];
        self.device
            .launch("squared", Shape::line(count * of.columns, self.models), &arguments)?;
        Ok(self.activations(to, count, of.columns))
    }

    fn frozen_backward(&mut self, layer: usize, gradient: Memory, squares: Memory, count: usize) -> Result<()> {
        let mut arguments = vec![self.deltas_of(layer, count).memory.into(), self.normals[layer].into()];
        arguments.extend(self.layer_arguments(layer));
        arguments.extend(self.running_arguments(layer));
        arguments.extend([Argument::from(gradient), Argument::from(squares)]);
        arguments.extend(self.size_arguments(layer, count));
        let shape = Shape::tile(self.layers[layer].outputs, self.models);
        self.device.launch("frozen_backward", shape, &arguments)
    }

    /// The alpha that lies at a percentile of each model's finite importance ratios, as ASSD picks it.
    ///
    /// # Errors
    /// Where a model has no finite ratio, or the device fails.
    pub fn alphas_at(&mut self, percentile: f64) -> Result<Vec<f64>> {
        let [forget, reference] = self.importances;
        let arguments = [
            self.alphas.into(),
            forget.into(),
            reference.into(),
            self.parameters.into(),
            percentile.into(),
        ];
        self.device.launch("ratio_percentile", Shape::block(self.models), &arguments)?;
        let alphas = self.read_doubles(self.alphas, self.models)?;
        if alphas.iter().any(|alpha| alpha.is_nan()) {
            return Err(Error::input(
                "no parameter of a model matters for the rows that are not flagged, so it cannot be dampened",
            ));
        }
        Ok(alphas)
    }

    /// Dampens all models by the importances measured before, each with its alpha.
    ///
    /// # Errors
    /// Where there is not one alpha for each model, or the device fails.
    pub fn dampen(&mut self, alphas: &[f64], lambda: f64) -> Result<Vec<Dampened>> {
        if alphas.len() != self.models {
            return Err(Error::internal("not one alpha for each model"));
        }
        self.write_doubles(self.alphas, alphas)?;
        self.device.clear(self.marks)?;
        let [forget, reference] = self.importances;
        let arguments = [
            self.values.into(),
            forget.into(),
            reference.into(),
            self.alphas.into(),
            lambda.into(),
            self.parameters.into(),
            self.marks.into(),
        ];
        self.device
            .launch("dampen", Shape::line(self.parameters, self.models), &arguments)?;
        let counts = self.read_marks()?;
        let each = alphas.iter().zip(counts);
        Ok(each.map(|(alpha, parameters)| Dampened { alpha: *alpha, parameters }).collect())
    }

    /// Predicted classes, models x rows.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn predictions(&mut self, rows: Rows) -> Result<Vec<u8>> {
        let count = self.rows(rows);
        let head = self.layers.len() - 1;
        let batches = Batches::plain(count, self.capacity);
        for index in 0..batches.count() {
            let batch = batches.range(index);
            let first = self.first_inputs(rows, batch.start, batch.len())?;
            self.frozen_forward(first, batch.len())?;
            let mut arguments = vec![self.predicted.into(), count.into(), self.logits.into()];
            arguments.extend(self.layer_arguments(head));
            arguments.push(batch.start.into());
            arguments.extend(self.size_arguments(head, batch.len()));
            self.device.launch("predict", Shape::line(batch.len(), self.models), &arguments)?;
        }
        self.read_bytes(self.predicted, self.models * count)
    }
}
