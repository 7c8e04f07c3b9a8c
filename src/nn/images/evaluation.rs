//! Forward only, in evaluation mode: logits of images.
//!
//! Between convolutions the values of images lie pixel by pixel ([`Layout::Pixels`]), and what follows a convolution is done as its outputs are
//! made. Every value is computed as in [`Part::forward`].

use std::sync::RwLock;

use super::convolution::{self, Scratch};
use super::kernels::{self, Finish};
use super::network::ImageNetwork;
use super::part::{NormValues, Part};
use super::pass::{MOST_VALUES, at_a_time, frozen_norms};
use super::plan::{Operation, Plan};
use super::pool::Pool;
use super::shape::Layout;
use super::winograd::{self, Grid, Kernels};
use crate::error::{Error, Result};
use crate::nn::real::Real;
use crate::nn::team::{self, write};

/// Images that a thread takes at a time at least and at most, where memory allows: many, so that a transformed kernel is read from memory
/// for many of them; few of a small batch, so that it still gives two threads some.
const AT_A_TIME: (usize, usize) = (8, 32);

/// What is made once for all images of a network: what its norms do, transformed kernels, buffers of every thread.
#[derive(Debug)]
pub(super) struct Evaluation<T> {
    norms: Vec<NormValues<T>>,
    /// By step, what is done to the outputs of a convolution or norm.
    finishes: Vec<Option<Finish<T>>>,
    /// By step, whether it is done together with the one before.
    done: Vec<bool>,
    kernels: Kernels<T>,
    rooms: Vec<RwLock<Room<T>>>,
}

/// What a thread has.
#[derive(Debug)]
struct Room<T> {
    part: Part<T>,
    /// How the values of each slot lie.
    layouts: Vec<Layout>,
    scratch: Scratch<T>,
}

impl<T: Real> Evaluation<T> {
    /// For a network that does not change any more.
    pub fn of(network: &ImageNetwork<T>) -> Self {
        let plan = network.plan();
        let mut kernels = Kernels::default();
        kernels.forget(plan.steps.len());
        let norms = frozen_norms(network);
        let done: Vec<bool> = (0..plan.steps.len()).map(|step| follows_a_convolution(plan, step)).collect();
        let finishes = (0..plan.steps.len()).map(|step| finish_of(network, &norms, &done, step)).collect();
        Self {
            norms,
            finishes,
            done,
            kernels,
            rooms: Vec::new(),
        }
    }

    /// Logits of images, images x classes, by the network that this was made of.
    ///
    /// # Errors
    /// Where `images` is no whole number of images of the network's size.
    pub fn logits(&mut self, network: &ImageNetwork<T>, images: &[T], threads: usize) -> Result<Vec<T>> {
        let plan = network.plan();
        let size = plan.shapes[0].len();
        if !images.len().is_multiple_of(size) {
            return Err(Error::internal(format!(
                "{} values are no whole number of images of {size}",
                images.len()
            )));
        }
        let count = images.len() / size;
        let few = at_a_time(plan, MOST_VALUES / 4).min(count.div_ceil(2).clamp(AT_A_TIME.0, AT_A_TIME.1));
        let classes = network.spec().classes;
        let mut logits = vec![T::ZERO; count * classes];
        let blocks: Vec<_> = images
            .chunks(few * size)
            .zip(logits.chunks_mut(few * classes))
            .map(RwLock::new)
            .collect();
        let threads = threads.clamp(1, blocks.len().max(1));
        while self.rooms.len() < threads {
            self.rooms.push(RwLock::new(Room {
                part: Part::new(plan),
                layouts: vec![Layout::Planes; plan.shapes.len()],
                scratch: Scratch::default(),
            }));
        }
        team::run(threads, |member| {
            let mut room = write(&self.rooms[member.index]);
            for index in member.share(blocks.len()) {
                let mut block = write(&blocks[index]);
                let (images, out) = &mut *block;
                room.part.load(plan, images);
                for step in (0..plan.steps.len()).filter(|step| !self.done[*step]) {
                    self.forward(network, step, &mut room);
                }
                let last = plan.shapes.len() - 1;
                room.lay_in_planes(plan, last);
                out.copy_from_slice(room.part.logits());
            }
        });
        drop(blocks);
        Ok(logits)
    }

    /// One step, and the norm after a convolution.
    fn forward(&self, network: &ImageNetwork<T>, index: usize, room: &mut Room<T>) {
        let (plan, parameters) = (network.plan(), network.parameters());
        let step = &plan.steps[index];
        let together = self.done.get(index + 1).is_some_and(|done| *done);
        let into = index + 1 + usize::from(together);
        let layout = room.layouts[step.input];
        let images = room.part.images;
        match (&step.operation, &self.finishes[index]) {
            (Operation::Conv(geometry, weights), Some(finish)) => {
                let weights = &parameters[weights.weight.clone()];
                let grid = Grid::of(geometry, images);
                if grid.is_none() {
                    room.lay_in_planes(plan, step.input);
                }
                let (before, after) = room.part.values.split_at_mut(into);
                let (input, out) = (&before[step.input], &mut after[0]);
                out.resize(images * plan.shapes[into].len(), T::ZERO);
                match grid {
                    Some(grid) => self.kernels.with(index, &grid, weights, |kernel| {
                        winograd::forward_to_pixels(&grid, (input, layout), kernel, finish, out, &mut room.scratch.tiles);
                    }),
                    None => {
                        convolution::forward_to_pixels(geometry, input, weights, out, &mut room.scratch);
                        kernels::finish_pixels(out, finish);
                    }
                }
                room.layouts[into] = Layout::Pixels;
            }
            (Operation::Norm { .. }, Some(finish)) if layout == Layout::Pixels => {
                let (before, after) = room.part.values.split_at_mut(into);
                after[0].clone_from(&before[step.input]);
                kernels::finish_pixels(&mut after[0], finish);
                room.layouts[into] = Layout::Pixels;
            }
            (Operation::MaxPool { size, stride }, _) if layout == Layout::Pixels => {
                let (shape, out_shape) = (plan.shapes[step.input], plan.shapes[into]);
                let (before, after) = room.part.values.split_at_mut(into);
                after[0].resize(images * out_shape.len(), T::ZERO);
                Pool::windows(shape, out_shape, *size, *stride).max_of_pixels(&before[step.input], &mut after[0]);
                room.layouts[into] = Layout::Pixels;
            }
            (operation, _) => {
                let each_by_itself = match operation {
                    Operation::Activation(_) => true,
                    Operation::Add { other, .. } => room.layouts[*other] == layout,
                    _ => false,
                };
                if !each_by_itself {
                    step.reads().into_iter().for_each(|slot| room.lay_in_planes(plan, slot));
                }
                let nothing = NormValues::default();
                let norm = match operation {
                    Operation::Norm { number, .. } => &self.norms[*number],
                    _ => &nothing,
                };
                room.part.forward(plan, index, parameters, norm, &self.kernels, &mut room.scratch);
                room.layouts[into] = if each_by_itself { layout } else { Layout::Planes };
            }
        }
    }
}

/// Whether step `index` is a norm that alone reads what the convolution before it makes.
fn follows_a_convolution(plan: &Plan, index: usize) -> bool {
    let before = index.checked_sub(1).map(|before| &plan.steps[before].operation);
    let readers = plan.steps.iter().flat_map(|step| step.reads()).filter(|slot| *slot == index);
    matches!(plan.steps[index].operation, Operation::Norm { .. })
        && matches!(before, Some(Operation::Conv(..)))
        && readers.count() == 1
        && plan.steps[index].input == index
}

/// What is done to the outputs of a convolution, with the norm after it, or of a norm.
fn finish_of<T: Real>(network: &ImageNetwork<T>, norms: &[NormValues<T>], done: &[bool], index: usize) -> Option<Finish<T>> {
    let (plan, parameters) = (network.plan(), network.parameters());
    let channels = plan.shapes[index + 1].channels;
    let biases = match &plan.steps[index].operation {
        Operation::Conv(_, weights) if !weights.bias.is_empty() => parameters[weights.bias.clone()].to_vec(),
        Operation::Conv(..) | Operation::Norm { .. } => vec![T::ZERO; channels],
        _ => return None,
    };
    let norm = match &plan.steps[index].operation {
        Operation::Conv(..) if done.get(index + 1).is_some_and(|done| *done) => &plan.steps[index + 1].operation,
        operation => operation,
    };
    let finish = match norm {
        Operation::Norm {
            number,
            weights,
            activation,
            ..
        } => Finish {
            biases,
            means: norms[*number].means.clone(),
            inverses: norms[*number].inverses.clone(),
            weights: parameters[weights.weight.clone()].to_vec(),
            shifts: parameters[weights.bias.clone()].to_vec(),
            activation: activation.to(),
        },
        _ => Finish::nothing(biases),
    };
    Some(finish)
}

impl<T: Real> Room<T> {
    /// Lays the values of a slot plane by plane.
    fn lay_in_planes(&mut self, plan: &Plan, slot: usize) {
        if self.layouts[slot] == Layout::Pixels {
            let channels = plan.shapes[slot].channels;
            let pixels = std::mem::take(&mut self.part.values[slot]);
            let mut planes = self.part.buffer(pixels.len());
            kernels::pixels_to_planes(&mut planes, &pixels, plan.shapes[slot].plane(), channels);
            self.part.values[slot] = planes;
            self.part.keep(pixels);
            self.layouts[slot] = Layout::Planes;
        }
    }
}

/// Logits of images in evaluation mode, images x classes; `images` holds normalised values, image after image.
///
/// # Errors
/// Where `images` is no whole number of images of the network's size.
pub fn image_logits<T: Real>(network: &ImageNetwork<T>, images: &[T], threads: usize) -> Result<Vec<T>> {
    Evaluation::of(network).logits(network, images, threads)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::pass::{Mode, Workspace};
    use super::super::shape::ImageShape;
    use super::super::tests::{every_layer, filled, unit};
    use super::super::{ImageSpec, Layer};
    use super::*;

    /// Logits as the forward half of a backward pass makes them: plane by plane, a step at a time.
    fn step_by_step<T: Real>(network: &ImageNetwork<T>, images: &[T]) -> Vec<T> {
        let classes = network.spec().classes;
        let found = Mutex::new(vec![T::ZERO; images.len() / network.spec().input.len() * classes]);
        Workspace::new().pass(network, images, Mode::Evaluation, 1, &|range, logits, deltas| {
            deltas.fill(T::ZERO);
            found.lock().unwrap()[range.start * classes..range.end * classes].copy_from_slice(logits);
            0.0
        });
        found.into_inner().unwrap()
    }

    /// A norm before the convolution, a convolution that two steps read, pools of other windows, a residual of both layouts.
    fn odd_one() -> ImageSpec {
        let conv = |name: &str, sizes: (usize, usize, usize)| Layer::Conv {
            name: name.to_owned(),
            outputs: 16,
            kernel: sizes.0,
            stride: sizes.1,
            padding: sizes.2,
            bias: name < "c",
        };
        let norm = |name: &str| Layer::Norm { name: name.to_owned() };
        ImageSpec {
            name: "odd one".to_owned(),
            input: ImageShape::new(3, 17, 18),
            classes: 4,
            layers: vec![
                norm("first"),
                conv("a", (3, 1, 1)),
                Layer::Residual {
                    main: vec![
                        norm("n1"),
                        Layer::Relu,
                        conv("b", (3, 1, 1)),
                        Layer::Celu { alpha: 0.3 },
                        conv("c", (3, 1, 1)),
                    ],
                    shortcut: vec![],
                },
                Layer::MaxPool { size: 3, stride: 1 },
                Layer::Residual {
                    main: vec![conv("d", (3, 1, 1)), norm("n2")],
                    shortcut: vec![conv("e", (1, 1, 0)), norm("n3"), Layer::Scale { factor: 0.5 }],
                },
                conv("f", (5, 2, 2)),
                norm("n4"),
                Layer::GlobalAveragePool,
                Layer::Linear {
                    name: "head".to_owned(),
                    outputs: 4,
                    bias: true,
                },
            ],
        }
    }

    fn agree<T: Real>(spec: &ImageSpec, images: usize, allowed: f64) {
        let network = filled::<T>(spec);
        let values: Vec<T> = unit(&spec.name, images * spec.input.len()).into_iter().map(T::from_f64).collect();
        let expected = step_by_step(&network, &values);
        let largest = expected.iter().fold(0.0_f64, |largest, logit| largest.max(logit.to_f64().abs()));
        let mut evaluation = Evaluation::of(&network);
        let found = evaluation.logits(&network, &values, 2).unwrap();
        for (found, expected) in found.iter().zip(&expected) {
            let off = (found.to_f64() - expected.to_f64()).abs() / largest;
            assert!(off < allowed, "{}: {found} for {expected}", spec.name);
        }
        // Buffers of one batch say nothing in the next, which is smaller.
        let fewer = &values[..3 * spec.input.len()];
        let again = evaluation.logits(&network, fewer, 1).unwrap();
        assert!(again == image_logits(&network, fewer, 2).unwrap(), "{}", spec.name);
    }

    #[test]
    fn logits_are_those_of_the_steps_one_by_one() {
        let named = |name: &str, side: usize| ImageSpec::named(name, ImageShape::new(3, side, side), 5).unwrap();
        let specs = [
            odd_one(),
            every_layer(),
            named("resnet9", 16),
            named("resnet9", 21),
            named("fast", 18),
            named("resnet18", 16),
        ];
        for spec in specs {
            agree::<f64>(&spec, 19, 1e-11);
            agree::<f32>(&spec, 19, 1e-4);
        }
    }
}
