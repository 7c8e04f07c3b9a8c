//! Many models of one shape trained in lockstep: every launch works on the same step of all of them.
//!
//! The steps are those of the CPU engine ([`super::super::step`]): products, then one kernel for each batch norm with its ReLU, then softmax
//! with cross entropy, and back; the weights take their step of SGD inside the product that makes their gradient (W = keep W - rate D^T A).
//! Sums are made in another order than on the CPU, so results agree with its to rounding, not to the bit; the same launch on the same
//! device gives the same bits again.

use super::super::network::{LayerPlan, MlpSpec, Network};
use super::accelerator::{Accelerator, Memory};
use crate::error::{Error, Result};

/// Share of the free memory that lockstep may fill; the rest is for the libraries' own work space.
const SHARE_OF_MEMORY: f64 = 0.85;
/// Blocks that a launch can have in its second direction, one for each model.
const MOST_MODELS: usize = 65_535;

/// What a batch of scenarios works on; the same for all models.
#[derive(Debug, Clone, Copy)]
pub struct Shared<'a> {
    /// Shape of every model.
    pub spec: &'a MlpSpec,
    /// Rows of a mini-batch.
    pub batch: usize,
    /// Training rows, rows x inputs.
    pub training: &'a [f32],
    /// Test rows, rows x inputs.
    pub test: &'a [f32],
    /// Whether per-sample Fisher will be asked for.
    pub fisher: bool,
}

/// Which rows a pass goes through, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// All training rows.
    Training,
    /// All test rows.
    Test,
    /// Each model's own list of training rows, see [`Lockstep::list`].
    Listed,
}

/// Sizes in bytes of what is reserved, of one model or shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sizes {
    parameters: usize,
    buffers: usize,
    training_rows: usize,
    test_rows: usize,
    inputs: usize,
    hidden: usize,
    widest: usize,
    classes: usize,
    /// Rows of the largest mini-batch: a single row left over joins the batch before it.
    capacity: usize,
    fisher: bool,
}

impl Sizes {
    fn of(shared: &Shared) -> Self {
        let spec = shared.spec;
        Self {
            parameters: spec.parameters(),
            buffers: spec.buffers(),
            training_rows: shared.training.len() / spec.inputs,
            test_rows: shared.test.len() / spec.inputs,
            inputs: spec.inputs,
            hidden: spec.hidden.iter().sum(),
            widest: spec.hidden.iter().copied().max().unwrap_or(0),
            classes: spec.classes,
            capacity: shared.batch + 1,
            fisher: shared.fisher,
        }
    }

    /// For all models together.
    fn shared(&self) -> usize {
        4 * self.inputs * (self.training_rows + self.test_rows)
    }

    /// For one model, each reservation rounded up to the 512 bytes that drivers deal in.
    fn model(&self) -> usize {
        let numbers = 2 * (self.parameters + self.buffers) + self.hidden * (1 + 2 * self.capacity);
        let rows = self.capacity * (2 * self.widest + self.classes + self.inputs) + self.training_rows;
        let squares = if self.fisher {
            self.parameters + self.capacity * (self.squared_widths()[0] + self.squared_widths()[1])
        } else {
            0
        };
        let bytes = 2 * self.training_rows + self.training_rows.max(self.test_rows);
        let wide = 2 * self.parameters + self.classes + 4;
        4 * (numbers + rows + squares + self.parameters + 2) + bytes + 8 * wide + 512 * 40
    }

    /// Widest deltas and widest inputs of a layer.
    fn squared_widths(&self) -> [usize; 2] {
        [self.widest.max(self.classes), self.widest.max(self.inputs)]
    }
}

/// Many models in lockstep on a device.
pub struct Lockstep<'d, D: Accelerator> {
    pub(super) device: &'d mut D,
    pub(super) spec: MlpSpec,
    pub(super) layers: Vec<LayerPlan>,
    pub(super) models: usize,
    pub(super) parameters: usize,
    pub(super) buffers: usize,
    pub(super) capacity: usize,
    pub(super) training_rows: usize,
    pub(super) test_rows: usize,
    /// Length of each model's list of rows.
    pub(super) listed: usize,
    /// Models x parameters, models x buffers, and a copy of both.
    pub(super) values: Memory,
    pub(super) running: Memory,
    saved: [Memory; 2],
    pub(super) training: Memory,
    pub(super) test: Memory,
    /// Models x training rows.
    pub(super) labels: Memory,
    pub(super) left_out: Memory,
    pub(super) order: Memory,
    pub(super) gathered: Memory,
    /// By hidden layer, models x capacity x width: z, later xhat; and activations.
    pub(super) normals: Vec<Memory>,
    pub(super) outputs: Vec<Memory>,
    pub(super) inverses: Vec<Memory>,
    pub(super) deltas: [Memory; 2],
    pub(super) logits: Memory,
    pub(super) class_weights: Memory,
    pub(super) losses: Memory,
    pub(super) counts: Memory,
    /// Sums of one batch, models x parameters.
    pub(super) gradient: Memory,
    pub(super) fisher: Memory,
    pub(super) squares: [Memory; 2],
    /// Importances of the flagged rows and of what they are compared with, models x parameters, double precision.
    pub(super) importances: [Memory; 2],
    pub(super) seen: Memory,
    pub(super) alphas: Memory,
    /// One whole number for each model.
    pub(super) marks: Memory,
    pub(super) predicted: Memory,
}

/// How many models fit beside each other into a device's free memory.
///
/// # Errors
/// Where not even one fits, or the device does not answer.
pub fn most_models<D: Accelerator>(device: &D, shared: &Shared) -> Result<usize> {
    let sizes = Sizes::of(shared);
    let free = device.free()?;
    let room = (free as f64 * SHARE_OF_MEMORY) as usize;
    let models = room.saturating_sub(sizes.shared()) / sizes.model();
    if models == 0 {
        return Err(Error::input(format!(
            "the GPU has {} MiB free, and one model of {} with its rows needs {} MiB",
            free >> 20,
            shared.spec.name(),
            (sizes.shared() + sizes.model()) >> 20
        ))
        .hint("close other programs that use the GPU, or compute with `--device cpu`"));
    }
    Ok(models.min(MOST_MODELS))
}

/// Lists of numbers one after the other as bytes; written so that it becomes a plain copy, for there may be hundreds of megabytes.
fn bytes_of<'v, T: Copy + 'v, const N: usize>(lists: impl IntoIterator<Item = &'v [T]>, to_bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for list in lists {
        let start = bytes.len();
        bytes.resize(start + N * list.len(), 0);
        let (places, _) = bytes[start..].as_chunks_mut::<N>();
        places.iter_mut().zip(list).for_each(|(place, value)| *place = to_bytes(*value));
    }
    bytes
}

impl<'d, D: Accelerator> Lockstep<'d, D> {
    /// Reserves all that `models` models need, and hands over the rows.
    ///
    /// # Errors
    /// Where there is not enough memory, or sizes are too large for the kernels.
    pub fn new(device: &'d mut D, shared: &Shared, models: usize) -> Result<Self> {
        let (spec, sizes) = (shared.spec.clone(), Sizes::of(shared));
        let largest = [
            sizes.parameters,
            sizes.training_rows * 4,
            sizes.capacity * sizes.widest.max(sizes.inputs),
        ];
        if spec.members != 1 {
            return Err(Error::internal("lockstep is for single networks"));
        }
        if models == 0 || models > MOST_MODELS || largest.iter().any(|size| *size > i32::MAX as usize) {
            return Err(Error::input(format!(
                "{models} models of {} are too many or too large for lockstep",
                spec.name()
            )));
        }
        device.release_all();
        let (s, p, n) = (models, sizes.parameters, sizes.training_rows);
        let rows = |width: usize| 4 * models * sizes.capacity * width;
        let [squared_deltas, squared_inputs] = if sizes.fisher { sizes.squared_widths() } else { [0, 0] };
        let mut reserve = |bytes: usize| if bytes == 0 { Ok(Memory::NONE) } else { device.reserve(bytes) };
        let each = |reserve: &mut dyn FnMut(usize) -> Result<Memory>, bytes: &dyn Fn(usize) -> usize| {
            spec.hidden.iter().map(|width| reserve(bytes(*width))).collect::<Result<Vec<_>>>()
        };
        let engine = Self {
            layers: spec.layers(),
            models,
            parameters: p,
            buffers: sizes.buffers,
            capacity: sizes.capacity,
            training_rows: n,
            test_rows: sizes.test_rows,
            listed: 0,
            values: reserve(4 * s * p)?,
            running: reserve(4 * s * sizes.buffers)?,
            saved: [reserve(4 * s * p)?, reserve(4 * s * sizes.buffers)?],
            training: reserve(4 * n * sizes.inputs)?,
            test: reserve(4 * sizes.test_rows * sizes.inputs)?,
            labels: reserve(s * n)?,
            left_out: reserve(s * n)?,
            order: reserve(4 * s * n)?,
            gathered: reserve(rows(sizes.inputs))?,
            normals: each(&mut reserve, &rows)?,
            outputs: each(&mut reserve, &rows)?,
            inverses: each(&mut reserve, &|width| 4 * models * width)?,
            deltas: [reserve(rows(sizes.widest))?, reserve(rows(sizes.widest))?],
            logits: reserve(rows(sizes.classes))?,
            class_weights: reserve(8 * s * sizes.classes)?,
            losses: reserve(8 * s)?,
            counts: reserve(8 * s)?,
            gradient: reserve(4 * s * p)?,
            fisher: reserve(if sizes.fisher { 4 * s * p } else { 0 })?,
            squares: [reserve(rows(squared_deltas))?, reserve(rows(squared_inputs))?],
            importances: [reserve(8 * s * p)?, reserve(8 * s * p)?],
            seen: reserve(8 * s)?,
            alphas: reserve(8 * s)?,
            marks: reserve(4 * s)?,
            predicted: reserve(s * n.max(sizes.test_rows))?,
            spec: spec.clone(),
            device,
        };
        for (to, values) in [(engine.training, shared.training), (engine.test, shared.test)] {
            engine.device.write(to, &bytes_of([values], f32::to_le_bytes))?;
        }
        Ok(engine)
    }

    /// Models in lockstep.
    pub fn models(&self) -> usize {
        self.models
    }

    /// Rows of a pass.
    pub fn rows(&self, rows: Rows) -> usize {
        match rows {
            Rows::Training => self.training_rows,
            Rows::Test => self.test_rows,
            Rows::Listed => self.listed,
        }
    }

    fn one_each<T>(&self, list: &[T]) -> Result<()> {
        if list.len() != self.models {
            return Err(Error::internal(format!("{} for {} models", list.len(), self.models)));
        }
        Ok(())
    }

    /// Sets the parameters and running statistics of every model.
    ///
    /// # Errors
    /// Where there is not one network for each model, or one has another shape.
    pub fn set_networks(&mut self, networks: &[&Network<f32>]) -> Result<()> {
        self.one_each(networks)?;
        if networks.iter().any(|network| *network.spec() != self.spec) {
            return Err(Error::internal("a network of another shape in lockstep"));
        }
        let values = networks.iter().map(|network| network.parameters());
        self.device.write(self.values, &bytes_of(values, f32::to_le_bytes))?;
        let running = networks.iter().map(|network| network.buffers());
        self.device.write(self.running, &bytes_of(running, f32::to_le_bytes))
    }

    /// All models as they are.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn networks(&mut self) -> Result<Vec<Network<f32>>> {
        let values = self.read_floats(self.values, self.models * self.parameters)?;
        let running = self.read_floats(self.running, self.models * self.buffers)?;
        let network = |model: usize| {
            let mut network = Network::zeros(&self.spec)?;
            let (p, b) = (self.parameters, self.buffers);
            network.parameters_mut().copy_from_slice(&values[model * p..][..p]);
            network.buffers_mut().copy_from_slice(&running[model * b..][..b]);
            Ok(network)
        };
        (0..self.models).map(network).collect()
    }

    /// Keeps all models as they are, for [`Lockstep::restore`].
    ///
    /// # Errors
    /// Where the device fails.
    pub fn save(&mut self) -> Result<()> {
        self.device.copy(self.saved[0], self.values, self.values.bytes)?;
        self.device.copy(self.saved[1], self.running, self.running.bytes)
    }

    /// Brings back what [`Lockstep::save`] kept.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn restore(&mut self) -> Result<()> {
        self.device.copy(self.values, self.saved[0], self.values.bytes)?;
        self.device.copy(self.running, self.saved[1], self.running.bytes)
    }

    /// Sets every model's observed labels of all training rows.
    ///
    /// # Errors
    /// Where there is not one list for each model, or a label is no class.
    pub fn set_labels(&mut self, labels: &[&[u8]]) -> Result<()> {
        self.one_each(labels)?;
        let wrong = |list: &&&[u8]| list.len() != self.training_rows || list.iter().any(|label| usize::from(*label) >= self.spec.classes);
        if labels.iter().any(|list| wrong(&list)) {
            return Err(Error::internal("labels that do not fit the training rows and classes"));
        }
        self.device.write(self.labels, &labels.concat())
    }

    /// Sets which training rows each model leaves out of importances that say so.
    ///
    /// # Errors
    /// Where there is not one list for each model, or a row does not exist.
    pub fn leave_out(&mut self, rows: &[&[u32]]) -> Result<()> {
        self.one_each(rows)?;
        let mut marks = vec![0_u8; self.models * self.training_rows];
        for (model, list) in rows.iter().enumerate() {
            for row in *list {
                let mark = marks[model * self.training_rows..][..self.training_rows].get_mut(*row as usize);
                *mark.ok_or_else(|| Error::internal(format!("row {row} is left out and no training row")))? = 1;
            }
        }
        self.device.write(self.left_out, &marks)
    }

    /// Sets each model's list of training rows for [`Rows::Listed`]; all lists are equally long.
    ///
    /// # Errors
    /// Where there is not one list for each model, lengths differ, or a row does not exist.
    pub fn list(&mut self, rows: &[&[u32]]) -> Result<()> {
        self.one_each(rows)?;
        let length = rows[0].len();
        let beyond = |list: &&[u32]| list.len() != length || list.iter().any(|row| *row as usize >= self.training_rows);
        if length == 0 || length > self.training_rows || rows.iter().any(beyond) {
            return Err(Error::internal(
                "lists of rows for lockstep differ in length or name rows that do not exist",
            ));
        }
        let bytes = bytes_of(rows.iter().copied(), u32::to_le_bytes);
        self.listed = length;
        self.device.write(self.order, &bytes)
    }

    pub(super) fn read_bytes(&mut self, from: Memory, bytes: usize) -> Result<Vec<u8>> {
        let mut read = vec![0; bytes];
        self.device.read(from, &mut read)?;
        Ok(read)
    }

    fn read_floats(&mut self, from: Memory, count: usize) -> Result<Vec<f32>> {
        let bytes = self.read_bytes(from, 4 * count)?;
        let (numbers, _) = bytes.as_chunks::<4>();
        Ok(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
    }

    pub(super) fn read_doubles(&mut self, from: Memory, count: usize) -> Result<Vec<f64>> {
        let bytes = self.read_bytes(from, 8 * count)?;
        let (numbers, _) = bytes.as_chunks::<8>();
        Ok(numbers.iter().map(|number| f64::from_le_bytes(*number)).collect())
    }

    pub(super) fn write_doubles(&mut self, to: Memory, values: &[f64]) -> Result<()> {
        let bytes = bytes_of([values], f64::to_le_bytes);
        self.device.write(to, &bytes)
    }
}
