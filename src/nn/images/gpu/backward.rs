//! The backward pass.

use super::super::device::Back;
use super::super::device::Precision;
use super::super::pass::Mode;
use super::super::shape::ImageShape;
use super::forward::{Passing, Shares, finishing, sizes};
use super::layout::{Bend, Layout, Window, Work};
use super::models::{ImagesOn, Model, arguments};
use super::pool::Block;
use crate::error::{Error, Result};
use crate::nn::cuda::{Accelerator, Matrices, Memory};

/// What the backward pass of a batch goes through.
struct Returning<'a> {
    model: &'a Model,
    passing: Passing,
    /// By slot: d loss / d value.
    deltas: Vec<Option<Block>>,
    mode: Mode,
    back: Back,
}

impl Returning<'_> {
    fn layout(&self) -> &Layout {
        &self.model.layout
    }
}

impl<D: Accelerator> ImagesOn<D> {
    /// Takes a batch back from d loss / d logit, images x classes, in single precision.
    pub(super) fn backward(&mut self, model: &Model, passing: Passing, mode: Mode, back: Back, logits: &[f32]) -> Result<()> {
        let tasks = model.layout.tasks.len();
        if logits.len() != passing.images * model.layout.shapes[tasks].len() {
            return Err(Error::internal("deltas of another number of images"));
        }
        let wide = self.bytes_block(4 * logits.len())?;
        self.write_single(wide.memory, logits)?;
        let first = match self.precision {
            Precision::Half => {
                let narrow = self.values_block(logits.len())?;
                self.line("convert", logits.len(), arguments![narrow.memory, wide.memory], None)?;
                narrow
            }
            _ => wide,
        };
        let mut returning = Returning {
            model,
            deltas: vec![None; tasks + 1],
            passing,
            mode,
            back,
        };
        returning.deltas[tasks] = Some(first);
        for index in (0..tasks).rev() {
            if let Some(deltas) = returning.deltas[index + 1].take() {
                self.step_back(&mut returning, index, deltas)?;
            }
            // Nobody reads it any longer.
            returning.passing.values[index + 1] = None;
        }
        Ok(())
    }

    fn step_back(&mut self, returning: &mut Returning, index: usize, deltas: Block) -> Result<()> {
        let layout = returning.layout();
        let task = layout.tasks[index].clone();
        let (images, shape, out_shape) = (returning.passing.images, layout.shapes[task.input], layout.shapes[index + 1]);
        let input = returning.passing.value(task.input)?.clone();
        match task.work {
            Work::Product(window, place) => self.windows_back(returning, (&window, place), task.input, &input, &deltas),
            Work::Norm { place, number, bend, .. } => {
                let norm = (place, number, bend);
                let out = self.norm_back(returning, norm, shape, &input, &deltas)?;
                self.give(returning, task.input, out)
            }
            Work::Bend(bend) => {
                let out = self.through(returning, index + 1, bend, &deltas, images * shape.len())?;
                self.give(returning, task.input, out)
            }
            Work::Add { other, bend } => {
                let out = self.through(returning, index + 1, bend, &deltas, images * shape.len())?;
                self.give(returning, other, out.clone())?;
                self.give(returning, task.input, out)
            }
            Work::MaxPool { size, stride } => {
                let total = images * shape.len();
                let out = self.values_block(total)?;
                let values = arguments![
                    out.memory,
                    input.memory,
                    deltas.memory,
                    shape.channels,
                    shape.height,
                    shape.width,
                    out_shape.height,
                    out_shape.width,
                    size,
                    size,
                    stride
                ];
                self.line("max_pool_back", total, values, None)?;
                self.give(returning, task.input, out)
            }
            Work::PoolAll { mean } => {
                let out = self.values_block(images * shape.len())?;
                let values = arguments![out.memory, input.memory, deltas.memory, shape.channels, shape.plane(), mean];
                self.line("pool_all_back", images * shape.channels, values, None)?;
                self.give(returning, task.input, out)
            }
        }
    }

    /// Back through what follows a sum, by what it made.
    fn through(&mut self, returning: &Returning, slot: usize, bend: Bend, deltas: &Block, total: usize) -> Result<Block> {
        if bend == Bend::NONE {
            return Ok(deltas.clone());
        }
        let results = returning.passing.value(slot)?.clone();
        let out = self.values_block(total)?;
        let (vector, units) = self.units(total, total);
        let values = arguments![out.memory, deltas.memory, results.memory, bend.kind, bend.alpha];
        self.line("through", units, values, Some(vector))?;
        Ok(out)
    }

    /// Hands deltas to the step that made a slot; where several steps read it, theirs add up.
    fn give(&mut self, returning: &mut Returning, slot: usize, deltas: Block) -> Result<()> {
        // Nobody asks for the gradient of the images.
        if slot == 0 {
            return Ok(());
        }
        let sum = match returning.deltas[slot].take() {
            None => deltas,
            Some(before) => {
                let total = returning.passing.images * returning.layout().shapes[slot].len();
                let sum = self.values_block(total)?;
                self.sum(&sum, &before, Some(&deltas), Bend::NONE, total)?;
                sum
            }
        };
        returning.deltas[slot] = Some(sum);
        Ok(())
    }

    fn norm_back(
        &mut self,
        returning: &Returning,
        (place, number, bend): (usize, usize, Bend),
        shape: ImageShape,
        input: &Block,
        deltas: &Block,
    ) -> Result<Block> {
        let model = returning.model;
        let (channels, images) = (shape.channels, returning.passing.images);
        let (rows, total) = (images * shape.plane(), images * shape.len());
        let statistics = returning.passing.norm(number)?.clone();
        let weights = model.parameters.from(place);
        let (vector, units) = self.units(channels, channels);
        let by_image = (returning.back == Back::Squares).then(|| shape.plane());
        let shares = Shares::new(rows, units, by_image);
        let partial = self.bytes_block(8 * channels * shares.count)?;
        let values = arguments![
            partial.memory,
            input.memory,
            deltas.memory,
            statistics.memory,
            weights,
            bend.kind,
            bend.alpha,
            rows,
            channels,
            shares.rows,
            shares.wide,
            vector
        ];
        self.device.launch("norm_sums", shares.shape(), &values)?;
        let means = self.bytes_block(8 * channels)?;
        if returning.back == Back::Squares {
            self.add_images(model, place, partial.memory, (images, 2 * channels))?;
        } else {
            let gradient = model.gradient.from(place);
            let values = arguments![gradient, means.memory, partial.memory, shares.count, rows, channels];
            self.device.launch("finish_sums", finishing(2 * channels), &values)?;
        }
        let shares = match returning.mode {
            Mode::Training => means.memory,
            Mode::Evaluation => Memory::NONE,
        };
        let out = self.values_block(total)?;
        let (vector, units) = self.units(channels, total);
        let values = arguments![
            out.memory,
            input.memory,
            deltas.memory,
            statistics.memory,
            weights,
            shares,
            channels,
            bend.kind,
            bend.alpha
        ];
        self.line("norm_backward", units, values, Some(vector))?;
        Ok(out)
    }

    /// Adds the squares of the images' own gradients of the parameters from `place` on, images x len, to the totals.
    fn add_images(&mut self, model: &Model, place: usize, gradients: Memory, (images, len): (usize, usize)) -> Result<()> {
        let totals = model.totals.part(8 * place, 8 * len);
        self.line("add_images", len, arguments![totals, gradients, images], None)
    }

    fn windows_back(
        &mut self,
        returning: &mut Returning,
        (window, place): (&Window, usize),
        slot: usize,
        input: &Block,
        deltas: &Block,
    ) -> Result<()> {
        let (model, images) = (returning.model, returning.passing.images);
        let (outputs, plane, pitch) = (window.output.channels, window.output.plane(), window.pitch);
        let piece = self.piece(window, images);
        let room = match window.plain {
            true => None,
            false => Some(self.values_block(piece * plane * pitch)?),
        };
        let target = if slot == 0 {
            None
        } else {
            Some(self.target(returning, window, slot)?)
        };
        let weights = self.weights(model, window, place);
        for first in (0..images).step_by(piece) {
            let taken = piece.min(images - first);
            let rows = taken * plane;
            let windows = self.lay(window, input, (first, taken), room.as_ref())?;
            let own = self.images_of(deltas, window.output.len(), first, taken);
            match returning.back {
                Back::Gradient => {
                    let gradient = model.gradient.part(4 * place, 4 * outputs * pitch);
                    let out = Matrices::new(gradient, outputs, pitch, 0);
                    let beta = if first == 0 { 0.0 } else { 1.0 };
                    let (left, right) = (self.matrix(own, rows, outputs).transposed(), self.matrix(windows, rows, pitch));
                    self.product(out, left, right, beta, 1)?;
                }
                Back::Squares => self.squares(model, (window, place), own, windows, taken)?,
            }
            let Some((target, add)) = &target else { continue };
            let to = self.images_of(target, window.input.len(), first, taken);
            let left = self.matrix(own, rows, outputs);
            // The windows have done their part; what they are told takes their place.
            let told = room.as_ref().map_or(to, |room| room.memory);
            let out = self.matrix(told, rows, pitch);
            let beta = if window.plain && *add { 1.0 } else { 0.0 };
            self.product(out, left, weights, beta, 1)?;
            if !window.plain {
                let (vector, units) = self.units(window.input.channels, taken * window.input.len());
                let mut values = arguments![to, told];
                values.extend(sizes(window));
                values.extend(arguments![*add]);
                self.line("back_columns", units, values, Some(vector))?;
            }
        }
        if let Some((target, _)) = target {
            returning.deltas[slot] = Some(target);
        }
        Ok(())
    }

    /// Where a product's deltas go, and whether onto what is there.
    fn target(&mut self, returning: &mut Returning, window: &Window, slot: usize) -> Result<(Block, bool)> {
        let len = returning.passing.images * window.input.len();
        match returning.deltas[slot].take() {
            Some(before) if before.alone() => Ok((before, true)),
            Some(before) => {
                let own = self.values_block(len)?;
                self.device.copy(own.memory, before.memory, own.memory.bytes)?;
                Ok((own, true))
            }
            None => Ok((self.values_block(len)?, false)),
        }
    }

    /// Adds the squares of every image's own gradient of a layer's weights, a few images at a time.
    fn squares(&mut self, model: &Model, (window, place): (&Window, usize), deltas: Memory, windows: Memory, images: usize) -> Result<()> {
        let (outputs, plane, pitch) = (window.output.channels, window.output.plane(), window.pitch);
        let each = 4 * outputs * pitch;
        let few = (self.windows / each).clamp(1, images);
        let room = self.bytes_block(few * each)?;
        let bytes = self.precision.bytes();
        for first in (0..images).step_by(few) {
            let taken = few.min(images - first);
            let part = |memory: Memory, width: usize| memory.part(first * plane * width * bytes, taken * plane * width * bytes);
            let left = self.matrix(part(deltas, outputs), plane, outputs).transposed();
            let right = self.matrix(part(windows, pitch), plane, pitch);
            let out = Matrices::new(room.memory, outputs, pitch, outputs * pitch);
            self.product(out, left, right, 0.0, taken)?;
            self.add_images(model, place, room.memory, (taken, outputs * pitch))?;
        }
        Ok(())
    }
}
