//! What image networks are computed with: threads of the processor, or a device that takes whole batches through a network on its own.

use std::cell::{RefCell, RefMut};
use std::fmt;
use std::str::FromStr;

use super::network::ImageNetwork;
use super::pass::{LogitDeltas, Mode};
use super::plan::Plan;
use super::shape::ImageShape;
use super::source::{AugmentParams, ByteImages, ImageSource};
use crate::error::{Error, Result};
use crate::nn::{Device, DeviceChoice, Real, Sgd};

/// What computes.
#[derive(Clone, Copy)]
pub struct Compute<'a> {
    /// Threads of the processor; they change no result.
    pub threads: usize,
    device: Option<&'a Accelerated>,
}

/// Numbers that products on a GPU are made of, and that values are stored in there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// Single precision throughout.
    #[default]
    Single,
    /// Single precision, with factors rounded to the 10 bits of tensor cores (TF32).
    Tensor,
    /// Values and factors of 16 bits (bfloat16); sums, weights and gradients of weights in single precision.
    Half,
}

impl Precision {
    /// Name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "f32",
            Self::Tensor => "tf32",
            Self::Half => "bf16",
        }
    }
}

impl FromStr for Precision {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let all = [Self::Single, Self::Tensor, Self::Half];
        let found = all.into_iter().find(|precision| precision.name() == text);
        found.ok_or_else(|| Error::input(format!("`{text}` is no precision")).hint("write f32, tf32 or bf16"))
    }
}

/// A device that takes whole batches through networks.
pub struct Accelerated(RefCell<Box<dyn ImageDevice>>);

impl fmt::Debug for Accelerated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Accelerated")
    }
}

impl Accelerated {
    /// The device that a choice comes to, and why it is not what the person asked for; `None`: the processor computes. `auto` takes the
    /// processor where a GPU is found but cannot be opened.
    ///
    /// # Errors
    /// As [`DeviceChoice::resolve`], and where a GPU that was asked for cannot be opened.
    pub fn open(choice: DeviceChoice, precision: Precision) -> Result<(Option<Self>, Option<String>)> {
        let resolved = choice.resolve()?;
        match resolved.device {
            Device::Cpu => Ok((None, resolved.instead)),
            Device::Cuda(number) => match (Self::gpu(number, precision), choice) {
                (Ok(device), _) => Ok((Some(device), None)),
                (Err(error), DeviceChoice::Auto) => Ok((None, Some(format!("{error}.")))),
                (Err(error), _) => Err(error),
            },
        }
    }

    #[cfg(feature = "cuda")]
    fn gpu(number: usize, precision: Precision) -> Result<Self> {
        Ok(Self::new(super::gpu::ImagesOn::open(number, precision)?))
    }

    #[cfg(not(feature = "cuda"))]
    fn gpu(_number: usize, _precision: Precision) -> Result<Self> {
        Err(Error::internal("a GPU in a program built without CUDA"))
    }

    #[cfg(feature = "cuda")]
    pub(super) fn new(device: impl ImageDevice + 'static) -> Self {
        Self(RefCell::new(Box::new(device)))
    }

    /// Whether it knows every layer of this network.
    pub fn takes<T: Real>(&self, network: &ImageNetwork<T>) -> bool {
        self.0.borrow().takes(network.plan())
    }
}

impl fmt::Debug for Compute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let device = if self.device.is_some() { "a device" } else { "the processor" };
        write!(f, "{device} and {} threads", self.threads)
    }
}

impl From<usize> for Compute<'_> {
    fn from(threads: usize) -> Self {
        Self { threads, device: None }
    }
}

/// What the backward pass leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    /// The gradient of the sum of the images' losses.
    Gradient,
    /// The squares of every image's own gradient, added to the totals.
    Squares,
}

/// What is added to a model's totals of its gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Term {
    Square,
    Size,
}

/// Images on their way to a device.
#[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "read by the device alone"))]
pub(super) enum Feed<'a> {
    /// Normalised values, planes of images.
    Values(&'a [f32]),
    /// Some of the images that the device holds under this number.
    Held(usize, &'a [AugmentParams]),
}

#[cfg(feature = "cuda")]
impl Feed<'_> {
    /// Images of `len` values each.
    pub fn images(&self, len: usize) -> usize {
        match self {
            Self::Values(values) => values.len() / len.max(1),
            Self::Held(_, augment_params) => augment_params.len(),
        }
    }
}

/// d loss / d logit of all images of a batch, from their logits.
pub(super) type Deltas<'a> = &'a mut dyn FnMut(&[f32]) -> Result<Vec<f32>>;

/// Takes batches through networks on its own. Models and image sets that were put onto it are known by numbers.
pub(super) trait ImageDevice {
    /// Whether it knows every step of this network.
    fn takes(&self, plan: &Plan) -> bool;
    /// Puts a network onto it, with velocities of 0.
    ///
    /// # Errors
    /// Where there is no room.
    fn add(&mut self, plan: &Plan, parameters: &[f32], buffers: &[f32]) -> Result<usize>;
    /// Gives a model's memory back.
    fn remove(&mut self, model: usize);
    /// Trainable parameters and running statistics, in network order.
    ///
    /// # Errors
    /// Where the device fails.
    fn values(&mut self, model: usize) -> Result<(Vec<f32>, Vec<f32>)>;
    /// Velocities in network order.
    ///
    /// # Errors
    /// Where the device fails.
    fn velocities(&mut self, model: usize) -> Result<Vec<f32>>;
    /// The same, to set.
    ///
    /// # Errors
    /// Where the device fails.
    fn set_velocities(&mut self, model: usize, velocities: &[f32]) -> Result<()>;
    /// Keeps images at hand; `None` where they would take too much of its memory.
    ///
    /// # Errors
    /// Where the device fails.
    fn upload(&mut self, images: &ByteImages) -> Result<Option<usize>>;
    /// Gives the memory of images back.
    fn free(&mut self, images: usize);
    /// Logits in evaluation mode: images x classes.
    ///
    /// # Errors
    /// Where the device fails or has too little memory.
    fn logits(&mut self, model: usize, feed: &Feed) -> Result<Vec<f32>>;
    /// A batch forward and back. In training the running statistics move.
    ///
    /// # Errors
    /// As `deltas`, and where the device fails or has too little memory.
    fn pass(&mut self, model: usize, feed: &Feed, mode: Mode, back: Back, deltas: Deltas) -> Result<()>;
    /// Takes a step of SGD along the gradient of the last pass.
    ///
    /// # Errors
    /// Where the device fails.
    fn descend(&mut self, model: usize, sgd: Sgd, rate: f32) -> Result<()>;
    /// Adds something of the last pass's gradient to the totals.
    ///
    /// # Errors
    /// Where the device fails.
    fn add_up(&mut self, model: usize, term: Term) -> Result<()>;
    /// The totals, in network order; they begin at 0.
    ///
    /// # Errors
    /// Where the device fails.
    fn totals(&mut self, model: usize) -> Result<Vec<f64>>;
}

impl<'a> Compute<'a> {
    /// A device, with threads of the processor for what is done there.
    pub fn on(device: &'a Accelerated, threads: usize) -> Self {
        Self {
            threads,
            device: Some(device),
        }
    }

    /// Whether a device would take this network.
    pub(super) fn has_device<T: Real>(&self, network: &ImageNetwork<T>) -> bool {
        self.device.is_some_and(|device| device.takes(network))
    }

    /// The network on the device; `None` where the processor computes.
    pub(super) fn start<T: Real>(&self, network: &ImageNetwork<T>) -> Result<Option<OnDevice<'a>>> {
        let Some(device) = self.device.filter(|device| device.takes(network)) else {
            return Ok(None);
        };
        let model = device
            .0
            .borrow_mut()
            .add(network.plan(), &single(network.parameters()), &single(network.buffers()))?;
        Ok(Some(OnDevice {
            device,
            model,
            held: None,
            threads: self.threads,
            shape: network.spec().input,
        }))
    }
}

fn single<T: Real>(values: &[T]) -> Vec<f32> {
    values.iter().map(|value| value.to_f64() as f32).collect()
}

fn back<T: Real>(values: &[f32]) -> Vec<T> {
    values.iter().map(|value| T::from_f64(f64::from(*value))).collect()
}

/// A network on a device, and the images of a source that it holds; both leave it with this.
pub(super) struct OnDevice<'a> {
    device: &'a Accelerated,
    model: usize,
    held: Option<usize>,
    threads: usize,
    shape: ImageShape,
}

/// Which images of a batch.
pub(super) enum Batch<'a, T> {
    /// Normalised values.
    Values(&'a [T]),
    /// Rows of a source as they are in an epoch; of the source that is held, if one is.
    Rows(&'a dyn ImageSource<T>, u32, &'a [u32]),
}

impl OnDevice<'_> {
    fn device(&self) -> RefMut<'_, Box<dyn ImageDevice>> {
        self.device.0.borrow_mut()
    }

    /// Puts a source's images onto the device where they can be; [`Batch::Rows`] must then be of this source.
    pub fn upload<T>(&mut self, source: &dyn ImageSource<T>) -> Result<()> {
        self.free();
        if let Some(images) = source.bytes().filter(|images| images.shape == self.shape) {
            let held = self.device().upload(&images)?;
            self.held = held;
        }
        Ok(())
    }

    fn free(&mut self) {
        if let Some(held) = self.held.take() {
            self.device().free(held);
        }
    }

    fn with_feed<T: Real, R>(&self, batch: &Batch<T>, then: impl FnOnce(&mut dyn ImageDevice, &Feed) -> Result<R>) -> Result<R> {
        let (values, augment_params);
        let feed = match (batch, self.held) {
            (Batch::Rows(source, epoch, rows), Some(held)) => {
                augment_params = source.augment_params(*epoch, rows)?;
                Feed::Held(held, &augment_params)
            }
            (Batch::Rows(source, epoch, rows), None) => {
                let mut own = vec![T::ZERO; rows.len() * self.shape.len()];
                source.fill(*epoch, rows, self.threads, &mut own)?;
                values = single(&own);
                Feed::Values(&values)
            }
            (Batch::Values(own), _) => {
                values = single(own);
                Feed::Values(&values)
            }
        };
        then(self.device().as_mut(), &feed)
    }

    /// Logits in evaluation mode: images x classes.
    pub fn logits<T: Real>(&self, batch: &Batch<T>) -> Result<Vec<T>> {
        self.with_feed(batch, |device, feed| Ok(back(&device.logits(self.model, feed)?)))
    }

    /// A batch forward and back; the loss. `fine` may stop it after the way forward, by the loss.
    pub fn pass<T: Real>(
        &self,
        batch: &Batch<T>,
        mode: Mode,
        what: Back,
        classes: usize,
        deltas: LogitDeltas<T>,
        fine: &dyn Fn(f64) -> Result<()>,
    ) -> Result<f64> {
        let mut loss = 0.0;
        let mut of_logits = |logits: &[f32]| {
            let logits: Vec<T> = back(logits);
            let mut own = vec![T::ZERO; logits.len()];
            loss = deltas(0..logits.len() / classes.max(1), &logits, &mut own);
            fine(loss)?;
            Ok(single(&own))
        };
        self.with_feed(batch, |device, feed| device.pass(self.model, feed, mode, what, &mut of_logits))?;
        Ok(loss)
    }

    pub fn descend(&self, sgd: Sgd, rate: f64) -> Result<()> {
        self.device().descend(self.model, sgd, rate as f32)
    }

    pub fn add_up(&self, term: Term) -> Result<()> {
        self.device().add_up(self.model, term)
    }

    pub fn totals(&self) -> Result<Vec<f64>> {
        self.device().totals(self.model)
    }

    pub fn velocities<T: Real>(&self) -> Result<Vec<T>> {
        Ok(back(&self.device().velocities(self.model)?))
    }

    pub fn set_velocities<T: Real>(&self, velocities: &[T]) -> Result<()> {
        self.device().set_velocities(self.model, &single(velocities))
    }

    /// Brings a network to where the device has it.
    pub fn read_into<T: Real>(&self, network: &mut ImageNetwork<T>) -> Result<()> {
        let (parameters, buffers) = self.device().values(self.model)?;
        network.parameters_mut().copy_from_slice(&back::<T>(&parameters));
        network.buffers_mut().copy_from_slice(&back::<T>(&buffers));
        Ok(())
    }
}

impl Drop for OnDevice<'_> {
    fn drop(&mut self) {
        self.free();
        self.device().remove(self.model);
    }
}
