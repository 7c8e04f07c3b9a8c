//! The way forward.

use super::super::device::Feed;
use super::super::device::Precision;
use super::super::pass::Mode;
use super::super::shape::ImageShape;
use super::layout::{Bend, Layout, Window, Work};
use super::models::{ImagesOn, Model, arguments};
use super::pool::{Block, Pool};
use crate::error::{Error, Result};
use crate::nn::cuda::{Accelerator, Argument, Matrices, Memory, Shape, blas_call};

/// Threads of a line.
const LINE: usize = 256;
/// Channels side by side where shares are put together.
const ACROSS: usize = 32;
/// Blocks that sums over rows are shared among, about; a constant, because sums are made share by share.
const SHARES: usize = 512;
/// Rows of a share at least.
const LEAST_SHARE: usize = 64;

/// What a batch leaves on its way forward.
pub(super) struct Passing {
    pub images: usize,
    /// By slot.
    pub values: Vec<Option<Block>>,
    /// By batch norm: mean and 1 / sqrt(variance + epsilon) of every channel.
    pub statistics: Vec<Option<Block>>,
}

impl Passing {
    /// What a slot holds.
    pub fn value(&self, slot: usize) -> Result<&Block> {
        let found = self.values.get(slot).and_then(Option::as_ref);
        found.ok_or_else(|| Error::internal(format!("slot {slot} is empty")))
    }

    /// What a batch norm went by.
    pub fn norm(&self, number: usize) -> Result<&Block> {
        let found = self.statistics.get(number).and_then(Option::as_ref);
        found.ok_or_else(|| Error::internal(format!("batch norm {number} has no statistics")))
    }
}

/// How sums over rows are shared among blocks.
pub(super) struct Shares {
    /// Units of channels side by side in a block.
    pub wide: usize,
    /// Rows of a share.
    pub rows: usize,
    /// Number of shares.
    pub count: usize,
    /// Blocks beside each other.
    across: usize,
}

impl Shares {
    /// Of `rows` rows of this many units; in shares of `each` rows where that is given.
    pub fn new(rows: usize, units: usize, each: Option<usize>) -> Self {
        let wide = units.next_power_of_two().min(ACROSS);
        let across = units.div_ceil(wide);
        let even = rows.div_ceil((SHARES / across).max(1)).max(LEAST_SHARE);
        let share = each.unwrap_or(even);
        Self {
            wide,
            rows: share,
            count: rows.div_ceil(share),
            across,
        }
    }

    pub fn shape(&self) -> Shape {
        Shape([self.across as u32, self.count as u32, LINE as u32, 1])
    }
}

/// One thread group for each 32 of `channels`.
pub(super) fn finishing(channels: usize) -> Shape {
    Shape([channels.div_ceil(ACROSS) as u32, 1, LINE as u32, 1])
}

/// A window's sizes as kernels take them.
pub(super) fn sizes(window: &Window) -> Vec<Argument> {
    let (input, output) = (window.input, window.output);
    arguments![
        input.channels,
        input.height,
        input.width,
        output.height,
        output.width,
        window.kernel.0,
        window.kernel.1,
        window.stride,
        window.padding,
        window.pitch,
    ]
}

/// Slots by the last step that reads them.
fn last_readers(layout: &Layout) -> Vec<usize> {
    let mut last = vec![0; layout.shapes.len()];
    for (index, task) in layout.tasks.iter().enumerate() {
        last[task.input] = index;
        if let Work::Add { other, .. } = task.work {
            last[other] = index;
        }
    }
    last
}

impl<D: Accelerator> ImagesOn<D> {
    /// A block of this many values.
    pub(super) fn values_block(&mut self, values: usize) -> Result<Block> {
        let bytes = Pool::count(values)? * self.precision.bytes();
        self.pool.take(&mut self.device, bytes)
    }

    pub(super) fn bytes_block(&mut self, bytes: usize) -> Result<Block> {
        self.pool.take(&mut self.device, bytes)
    }

    /// Whether neighbouring channels can be taken together, and how many units there are of this many values.
    pub(super) fn units(&self, channels: usize, values: usize) -> (bool, usize) {
        let pack = self.precision.pack();
        match channels.is_multiple_of(pack) {
            true => (true, values / pack),
            false => (false, values),
        }
    }

    /// A matrix of values.
    pub(super) fn matrix(&self, memory: Memory, rows: usize, columns: usize) -> Matrices {
        Matrices::new(memory, rows, columns, rows * columns).half(self.precision == Precision::Half)
    }

    /// out = left x right + beta * out, for `batch` of each.
    pub(super) fn product(&mut self, out: Matrices, left: Matrices, right: Matrices, beta: f32, batch: usize) -> Result<()> {
        let rounded = self.precision == Precision::Tensor;
        let call = blas_call(out, left, right, 1.0, beta, batch)?.rounded(rounded);
        self.device.multiply(&call)
    }

    fn load(&mut self, shape: ImageShape, feed: &Feed) -> Result<(Block, usize)> {
        let images = feed.images(shape.len());
        let out = self.values_block(images * shape.len())?;
        match feed {
            Feed::Values(values) => {
                let planes = self.bytes_block(4 * values.len())?;
                self.write_single(planes.memory, values)?;
                let values = arguments![out.memory, planes.memory, shape.channels, shape.plane()];
                self.line("arrange", images * shape.len(), values, None)?;
            }
            Feed::Held(set, augment_params) => {
                let set = self.set(*set)?;
                let bytes: Vec<u8> = augment_params.iter().flat_map(|params| params.to_bytes()).collect();
                let placed = self.bytes_block(bytes.len())?;
                self.device.write(placed.memory, &bytes)?;
                let values = arguments![
                    out.memory,
                    set.pixels,
                    placed.memory,
                    set.tables,
                    shape.channels,
                    shape.height,
                    shape.width
                ];
                self.line("place", images * shape.plane(), values, None)?;
            }
        }
        Ok((out, images))
    }

    /// Takes a batch forward; `keep`: what the backward pass needs stays.
    pub(super) fn forward(&mut self, model: &Model, feed: &Feed, mode: Mode, keep: bool) -> Result<Passing> {
        let layout = &model.layout;
        let (first, images) = self.load(layout.shapes[0], feed)?;
        let last = last_readers(layout);
        let mut passing = Passing {
            images,
            values: vec![None; layout.shapes.len()],
            statistics: vec![None; layout.norms],
        };
        passing.values[0] = Some(first);
        for index in 0..layout.tasks.len() {
            let out = self.step(model, index, mode, &mut passing)?;
            passing.values[index + 1] = Some(out);
            if !keep {
                for (slot, last) in last.iter().enumerate().take(index + 1) {
                    if *last <= index {
                        passing.values[slot] = None;
                    }
                }
            }
        }
        Ok(passing)
    }

    fn step(&mut self, model: &Model, index: usize, mode: Mode, passing: &mut Passing) -> Result<Block> {
        let layout = &model.layout;
        let task = &layout.tasks[index];
        let (images, shape, out_shape) = (passing.images, layout.shapes[task.input], layout.shapes[index + 1]);
        let input = passing.value(task.input)?.clone();
        let total = images * out_shape.len();
        // The logits are of single precision.
        let out = match index + 1 == layout.tasks.len() {
            true => self.bytes_block(4 * total)?,
            false => self.values_block(total)?,
        };
        let (vector, units) = self.units(out_shape.channels, total);
        match &task.work {
            Work::Product(window, place) => self.windows_forward(model, window, *place, (&input, &out), images)?,
            Work::Norm {
                place,
                number,
                running,
                bend,
            } => {
                let statistics = self.statistics(model, (&input, shape), *running, images, mode)?;
                let weights = model.parameters.from(*place);
                let values = arguments![
                    out.memory,
                    input.memory,
                    statistics.memory,
                    weights,
                    shape.channels,
                    bend.kind,
                    bend.alpha
                ];
                self.line("norm_forward", units, values, Some(vector))?;
                passing.statistics[*number] = Some(statistics);
            }
            Work::Bend(bend) => self.sum(&out, &input, None, *bend, total)?,
            Work::Add { other, bend } => {
                let other = passing.value(*other)?.clone();
                self.sum(&out, &input, Some(&other), *bend, total)?;
            }
            Work::MaxPool { size, stride } => {
                let values = arguments![
                    out.memory,
                    input.memory,
                    shape.channels,
                    shape.height,
                    shape.width,
                    out_shape.height,
                    out_shape.width,
                    *size,
                    *size,
                    *stride
                ];
                self.line("max_pool", total, values, None)?;
            }
            Work::PoolAll { mean } => {
                let values = arguments![out.memory, input.memory, shape.channels, shape.plane(), *mean];
                self.line("pool_all", total, values, None)?;
            }
        }
        Ok(out)
    }

    /// out = bend(one + other).
    pub(super) fn sum(&mut self, out: &Block, one: &Block, other: Option<&Block>, bend: Bend, total: usize) -> Result<()> {
        let (vector, units) = self.units(total, total);
        let other = other.map_or(Memory::NONE, |other| other.memory);
        let values = arguments![out.memory, one.memory, other, bend.kind, bend.alpha];
        self.line("add", units, values, Some(vector))
    }

    /// What a batch norm goes by: mean and 1 / sqrt(variance + epsilon) of every channel.
    fn statistics(
        &mut self,
        model: &Model,
        (input, shape): (&Block, ImageShape),
        running: usize,
        images: usize,
        mode: Mode,
    ) -> Result<Block> {
        let (channels, rows) = (shape.channels, images * shape.plane());
        let statistics = self.bytes_block(8 * channels)?;
        let running = model.running.from(running);
        if mode == Mode::Evaluation {
            self.line_of_channels("frozen", arguments![statistics.memory, running], channels)?;
            return Ok(statistics);
        }
        if rows < 2 {
            return Err(Error::input(
                "batch norm needs more than one value: use a batch of at least 2 images",
            ));
        }
        let (vector, units) = self.units(channels, channels);
        let shares = Shares::new(rows, units, None);
        let partial = self.bytes_block(8 * channels * shares.count)?;
        let values = arguments![partial.memory, input.memory, rows, channels, shares.rows, shares.wide, vector];
        self.device.launch("moments", shares.shape(), &values)?;
        let values = arguments![statistics.memory, running, partial.memory, rows, channels, shares.rows];
        self.device.launch("finish_moments", finishing(channels), &values)?;
        Ok(statistics)
    }

    fn line_of_channels(&mut self, kernel: &'static str, values: Vec<Argument>, channels: usize) -> Result<()> {
        self.line(kernel, channels, values, None)
    }

    /// Images whose windows are laid side by side at a time.
    pub(super) fn piece(&self, window: &Window, images: usize) -> usize {
        if window.plain {
            return images.max(1);
        }
        let image = window.output.plane() * window.pitch * self.precision.bytes();
        // Kernels count units in an `int`.
        let most = i32::MAX as usize / (window.output.plane() * window.pitch);
        (self.windows / image.max(1)).min(most).clamp(1, images.max(1))
    }

    /// The part of a block of `images` images of `len` values that begins at image `first`.
    pub(super) fn images_of(&self, block: &Block, len: usize, first: usize, images: usize) -> Memory {
        let image = len * self.precision.bytes();
        block.memory.part(first * image, images * image)
    }

    /// Lays the windows of some images side by side.
    pub(super) fn lay(&mut self, window: &Window, input: &Block, (first, images): (usize, usize), room: Option<&Block>) -> Result<Memory> {
        let from = self.images_of(input, window.input.len(), first, images);
        let Some(room) = room else { return Ok(from) };
        let total = images * window.output.plane() * window.pitch;
        let (vector, units) = self.units(window.input.channels, total);
        let mut values = arguments![room.memory, from];
        values.extend(sizes(window));
        values.extend(arguments![window.ones]);
        self.line("columns", units, values, Some(vector))?;
        Ok(room.memory)
    }

    fn windows_forward(
        &mut self,
        model: &Model,
        window: &Window,
        place: usize,
        (input, out): (&Block, &Block),
        images: usize,
    ) -> Result<()> {
        let (outputs, plane, piece) = (window.output.channels, window.output.plane(), self.piece(window, images));
        let room = match window.plain {
            true => None,
            false => Some(self.values_block(piece * plane * window.pitch)?),
        };
        let each = out.memory.bytes / images.max(1);
        let weights = self.weights(model, window, place);
        for first in (0..images).step_by(piece) {
            let taken = piece.min(images - first);
            let rows = taken * plane;
            let windows = self.lay(window, input, (first, taken), room.as_ref())?;
            let left = self.matrix(windows, rows, window.pitch);
            let to = out.memory.part(first * each, taken * each);
            // The logits are of single precision.
            let half = self.precision == Precision::Half && each == outputs * plane * self.precision.bytes();
            let to = Matrices::new(to, rows, outputs, rows * outputs).half(half);
            self.product(to, left, weights.transposed(), 0.0, 1)?;
        }
        Ok(())
    }

    /// A layer's weights as products read them: outputs x pitch.
    pub(super) fn weights(&self, model: &Model, window: &Window, place: usize) -> Matrices {
        let bytes = self.precision.bytes();
        let (outputs, pitch) = (window.output.channels, window.pitch);
        let memory = model.copies.part(place * bytes, outputs * pitch * bytes);
        self.matrix(memory, outputs, pitch)
    }
}
