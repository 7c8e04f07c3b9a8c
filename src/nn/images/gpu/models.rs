//! Models and image sets on a GPU.

use std::rc::Rc;

use super::super::device::Precision;
use super::super::device::{Back, Deltas, Feed, ImageDevice, Term};
use super::super::pass::Mode;
use super::super::plan::Plan;
use super::super::source::ByteImages;
use super::layout::Layout;
use super::pool::Pool;
use crate::error::{Error, Result};
use crate::nn::Sgd;
use crate::nn::cuda::{Accelerator, Argument, GpuDevice, Memory, Shape};

/// Bytes of windows laid side by side at a time. Sums over a batch are made piece by piece, so results depend on it in the last places, and
/// it is a constant and no tuning knob.
const WINDOWS: usize = 1 << 30;

/// Share of the memory that is free at the start that a pass over images in evaluation mode may fill.
const SHARE_OF_MEMORY: f64 = 0.6;

/// A kernel's arguments.
macro_rules! arguments {
    ($($argument:expr),* $(,)?) => { vec![$(crate::nn::cuda::Argument::from($argument)),*] };
}
pub(super) use arguments;

/// Image networks on a device.
pub struct ImagesOn<D> {
    pub(super) device: D,
    pub(super) precision: Precision,
    pub(super) pool: Pool,
    models: Vec<Option<Model>>,
    sets: Vec<Option<Set>>,
    /// [`WINDOWS`], or less to see pieces being put together.
    pub(super) windows: usize,
    /// Bytes that a pass in evaluation mode may fill.
    room: usize,
}

/// A network's memory.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub layout: Rc<Layout>,
    pub parameters: Memory,
    /// What products read; the parameters themselves in single precision.
    pub copies: Memory,
    pub gradient: Memory,
    pub running: Memory,
    velocities: Memory,
    pub totals: Memory,
}

/// Images as bytes, and what each brightness becomes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Set {
    pub pixels: Memory,
    pub tables: Memory,
}

impl ImagesOn<GpuDevice> {
    /// Opens the GPU of this number and compiles the kernels. The libraries must have been found (see
    /// [`DeviceChoice::resolve`](crate::nn::DeviceChoice::resolve)).
    ///
    /// # Errors
    /// Where the driver, NVRTC or cuBLAS fail.
    pub fn open(number: usize, precision: Precision) -> Result<Self> {
        Self::new(GpuDevice::open(number, &precision.program())?, precision)
    }
}

impl<D: Accelerator> ImagesOn<D> {
    /// On a device with the kernels of this precision ([`Precision::program`]).
    ///
    /// # Errors
    /// Where the device does not answer.
    pub fn new(device: D, precision: Precision) -> Result<Self> {
        let room = (device.free()? as f64 * SHARE_OF_MEMORY) as usize;
        Ok(Self {
            device,
            precision,
            pool: Pool::default(),
            models: Vec::new(),
            sets: Vec::new(),
            windows: WINDOWS,
            room,
        })
    }

    pub(super) fn model(&self, model: usize) -> Result<Model> {
        let found = self.models.get(model).and_then(Option::as_ref);
        found
            .cloned()
            .ok_or_else(|| Error::internal(format!("no model {model} on the device")))
    }

    pub(super) fn set(&self, set: usize) -> Result<Set> {
        let found = self.sets.get(set).copied().flatten();
        found.ok_or_else(|| Error::internal(format!("no images {set} on the device")))
    }

    /// Starts a kernel of one thread for each of `total` units; the number of units comes after `arguments`, then `after`.
    pub(super) fn line(&mut self, kernel: &'static str, total: usize, mut arguments: Vec<Argument>, after: Option<bool>) -> Result<()> {
        if total == 0 {
            return Ok(());
        }
        arguments.push(Argument::from(Pool::count(total)?));
        arguments.extend(after.map(Argument::from));
        self.device.launch(kernel, Shape::line(total, 1), &arguments)
    }

    fn read<const N: usize, V>(&mut self, from: Memory, of: impl Fn([u8; N]) -> V) -> Result<Vec<V>> {
        let mut bytes = vec![0; from.bytes];
        self.device.read(from, &mut bytes)?;
        Ok(bytes.as_chunks::<N>().0.iter().map(|chunk| of(*chunk)).collect())
    }

    pub(super) fn read_single(&mut self, from: Memory) -> Result<Vec<f32>> {
        self.read(from, f32::from_ne_bytes)
    }

    pub(super) fn write_single(&mut self, to: Memory, values: &[f32]) -> Result<()> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
        self.device.write(to, &bytes)
    }

    /// Images that a pass in evaluation mode may take at once.
    fn at_once(&self, layout: &Layout) -> usize {
        let image: usize = layout.shapes.iter().map(|shape| shape.len()).sum::<usize>() * self.precision.bytes();
        (self.room.saturating_sub(2 * self.windows) / image.max(1)).max(1)
    }

    fn memory(&mut self, bytes: usize, held: &mut Vec<Memory>) -> Result<Memory> {
        let found = self.device.reserve(bytes.max(16));
        match found {
            Ok(memory) => {
                held.push(memory);
                Ok(memory.part(0, bytes))
            }
            Err(error) => {
                held.drain(..).for_each(|memory| self.device.release(memory));
                Err(error)
            }
        }
    }
}

fn put<V>(list: &mut Vec<Option<V>>, value: V) -> usize {
    match list.iter().position(Option::is_none) {
        Some(place) => {
            list[place] = Some(value);
            place
        }
        None => {
            list.push(Some(value));
            list.len() - 1
        }
    }
}

impl<D: Accelerator> ImageDevice for ImagesOn<D> {
    fn takes(&self, plan: &Plan) -> bool {
        Layout::new(plan).is_some()
    }

    fn add(&mut self, plan: &Plan, parameters: &[f32], buffers: &[f32]) -> Result<usize> {
        let layout = Layout::new(plan).ok_or_else(|| Error::internal("a network with steps that the device does not know"))?;
        let (len, mut held) = (4 * layout.len, Vec::new());
        let values = self.memory(len, &mut held)?;
        let copies = match self.precision {
            Precision::Half => self.memory(len / 2, &mut held)?,
            _ => values,
        };
        let model = Model {
            parameters: values,
            copies,
            gradient: self.memory(len, &mut held)?,
            velocities: self.memory(len, &mut held)?,
            totals: self.memory(2 * len, &mut held)?,
            running: self.memory(4 * buffers.len(), &mut held)?,
            layout: Rc::new(layout),
        };
        self.write_single(model.parameters, &model.layout.to_device_order(parameters))?;
        self.write_single(model.running, buffers)?;
        if self.precision == Precision::Half {
            self.line("convert", model.layout.len, arguments![model.copies, model.parameters], None)?;
        }
        Ok(put(&mut self.models, model))
    }

    fn remove(&mut self, model: usize) {
        if let Some(model) = self.models.get_mut(model).and_then(Option::take) {
            let mut all = vec![model.parameters, model.gradient, model.velocities, model.totals, model.running];
            if model.copies.address != model.parameters.address {
                all.push(model.copies);
            }
            all.into_iter().for_each(|memory| self.device.release(memory));
        }
    }

    fn values(&mut self, model: usize) -> Result<(Vec<f32>, Vec<f32>)> {
        let model = self.model(model)?;
        let parameters = self.read_single(model.parameters)?;
        Ok((model.layout.to_network_order(&parameters), self.read_single(model.running)?))
    }

    fn velocities(&mut self, model: usize) -> Result<Vec<f32>> {
        let model = self.model(model)?;
        let velocities = self.read_single(model.velocities)?;
        Ok(model.layout.to_network_order(&velocities))
    }

    fn set_velocities(&mut self, model: usize, velocities: &[f32]) -> Result<()> {
        let model = self.model(model)?;
        self.write_single(model.velocities, &model.layout.to_device_order(velocities))
    }

    fn upload(&mut self, images: &ByteImages) -> Result<Option<usize>> {
        if images.pixels.len() > self.device.free()? / 4 {
            return Ok(None);
        }
        let mut held = Vec::new();
        let set = Set {
            pixels: self.memory(images.pixels.len(), &mut held)?,
            tables: self.memory(4 * 256 * images.tables.len(), &mut held)?,
        };
        self.device.write(set.pixels, images.pixels)?;
        self.write_single(set.tables, images.tables.as_flattened())?;
        Ok(Some(put(&mut self.sets, set)))
    }

    fn free(&mut self, images: usize) {
        if let Some(set) = self.sets.get_mut(images).and_then(Option::take) {
            self.device.release(set.pixels);
            self.device.release(set.tables);
        }
    }

    fn logits(&mut self, model: usize, feed: &Feed) -> Result<Vec<f32>> {
        let model = self.model(model)?;
        let len = model.layout.shapes[0].len();
        let images = feed.images(len);
        let (most, mut logits) = (self.at_once(&model.layout), Vec::new());
        for start in (0..images).step_by(most) {
            let end = images.min(start + most);
            let part = match feed {
                Feed::Values(values) => Feed::Values(&values[start * len..end * len]),
                Feed::Held(set, augment_params) => Feed::Held(*set, &augment_params[start..end]),
            };
            let passing = self.forward(&model, &part, Mode::Evaluation, false)?;
            let last = passing.value(model.layout.tasks.len())?;
            logits.extend(self.read_single(last.memory)?);
        }
        Ok(logits)
    }

    fn pass(&mut self, model: usize, feed: &Feed, mode: Mode, back: Back, deltas: Deltas) -> Result<()> {
        let model = self.model(model)?;
        let passing = self.forward(&model, feed, mode, true)?;
        let last = passing.value(model.layout.tasks.len())?;
        let logits = self.read_single(last.memory)?;
        let deltas = deltas(&logits)?;
        self.backward(&model, passing, mode, back, &deltas)
    }

    fn descend(&mut self, model: usize, sgd: Sgd, rate: f32) -> Result<()> {
        let model = self.model(model)?;
        let (momentum, decay) = (sgd.momentum as f32, sgd.weight_decay as f32);
        let from = model
            .layout
            .first_of(sgd.from)
            .ok_or_else(|| Error::input("the last layers of this network cannot be trained alone on a GPU").hint("use `--device cpu`"))?;
        let values = arguments![
            model.parameters,
            model.copies,
            model.velocities,
            model.gradient,
            momentum,
            sgd.nesterov,
            decay,
            rate,
            from
        ];
        self.line("descend", model.layout.len, values, None)
    }

    fn add_up(&mut self, model: usize, term: Term) -> Result<()> {
        let model = self.model(model)?;
        let values = arguments![model.totals, model.gradient, term == Term::Size];
        self.line("add_batch", model.layout.len, values, None)
    }

    fn totals(&mut self, model: usize) -> Result<Vec<f64>> {
        let model = self.model(model)?;
        let totals = self.read(model.totals, f64::from_ne_bytes)?;
        Ok(model.layout.to_network_order(&totals))
    }
}
