//! Several networks as one: members of the same shape that see the same inputs and whose logits are averaged (Hansen and Salamon 1990;
//! Lakshminarayanan et al. 2017). Side by side they are one multilayer perceptron whose upper hidden layers are cut into blocks, one a
//! member, and whose head is a mean. So importances, dampening, files and exports are of the whole as it predicts. Trained they are apart,
//! each from its own initial weights and with its own order of the rows: a loss of the mean would make one wide network of them.

use super::examples::Examples;
use super::network::{LayerPlan, MlpSpec, Network};
use super::real::Real;
use super::recipe::{EpochLog, Recipe, Standard, TrainingLog, order_seed};
use super::regularise::scramble;
use super::step::Run;
use super::train::for_each_on_threads;
use crate::error::{Error, Result};
use crate::progress::Progress;

/// Most members of an ensemble.
pub const MOST_MEMBERS: usize = 64;

impl MlpSpec {
    /// An ensemble of `members` networks with these hidden layers each.
    ///
    /// # Errors
    /// As [`MlpSpec::new`], and where there are no members, more than 64, or several without hidden layers.
    pub fn ensemble(members: usize, inputs: usize, hidden: &[usize], classes: usize) -> Result<Self> {
        if !(1..=MOST_MEMBERS).contains(&members) || (members > 1 && hidden.is_empty()) {
            return Err(
                Error::input(format!("an ensemble has 1 to {MOST_MEMBERS} members with hidden layers")).hint("use for example `4 of 2x50`"),
            );
        }
        let mut spec = Self::new(inputs, hidden.iter().map(|width| width.saturating_mul(members)).collect(), classes)?;
        spec.members = members;
        Ok(spec)
    }

    /// The network of a size as [`parse_size`](Self::parse_size) reads it.
    ///
    /// # Errors
    /// As [`parse_size`](Self::parse_size) and [`ensemble`](Self::ensemble).
    pub fn of_size(text: &str, inputs: usize, classes: usize) -> Result<Self> {
        let (members, hidden) = Self::parse_size(text)?;
        Self::ensemble(members, inputs, &hidden, classes)
    }

    /// The parameter of a member that lies where `from` does in the whole: where a tensor begins.
    pub(crate) fn start_in_member(&self, from: usize) -> usize {
        let (whole, own) = (self.tensors(), self.member());
        let before = whole.iter().take_while(|tensor| tensor.offset < from).count();
        own.tensors().get(before).map_or(own.parameters(), |tensor| tensor.offset)
    }

    /// The same with the hidden layers of one member.
    pub fn member(&self) -> Self {
        Self {
            hidden: self.hidden.iter().map(|width| width / self.members.max(1)).collect(),
            members: 1,
            ..self.clone()
        }
    }
}

/// Where a member's part of a layer lies within the ensemble's, and how the two compare.
struct Place<'a> {
    whole: &'a LayerPlan,
    own: &'a LayerPlan,
    number: usize,
}

impl Place<'_> {
    /// Pairs of (place in the whole layer, place in the member's layer) of a hidden layer: both have the rows of the weights one after the
    /// other, and what belongs to an output by output.
    fn hidden(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let Self { whole, own, number, .. } = self;
        let weights = (0..own.bias()).map(move |place| (number * own.bias() + place, place));
        let starts = [
            (whole.bias(), own.bias()),
            (whole.norm_weight(), own.norm_weight()),
            (whole.norm_bias(), own.norm_bias()),
        ];
        let rest = starts
            .into_iter()
            .flat_map(move |(there, here)| (0..own.outputs).map(move |output| (there + number * own.outputs + output, here + output)));
        weights.chain(rest)
    }

    /// The same of the head's weights.
    fn head(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let Self { whole, own, number, .. } = self;
        (0..own.outputs).flat_map(move |output| {
            let start = output * whole.inputs + number * own.inputs;
            (0..own.inputs).map(move |input| (start + input, output * own.inputs + input))
        })
    }
}

impl<T: Real> Network<T> {
    /// The members, one after the other; of a single network itself.
    ///
    /// # Errors
    /// Where there is no memory for them.
    pub fn members(&self) -> Result<Vec<Self>> {
        let spec = self.spec();
        if spec.members == 1 {
            return Ok(vec![self.clone()]);
        }
        let (layers, single) = (spec.layers(), spec.member());
        let own_layers = single.layers();
        (0..spec.members)
            .map(|number| {
                let mut member = Self::zeros(&single)?;
                for (whole, own) in layers.iter().zip(&own_layers) {
                    let from = &self.parameters()[whole.range()];
                    let to = &mut member.parameters_mut()[own.range()];
                    let place = Place { whole, own, number };
                    if own.hidden {
                        place.hidden().for_each(|(there, here)| to[here] = from[there]);
                        continue;
                    }
                    let share = |value: T| T::from_f64(value.to_f64() * spec.members as f64);
                    place.head().for_each(|(there, here)| to[here] = share(from[there]));
                    to[own.bias()..].copy_from_slice(&from[whole.bias()..]);
                }
                for (there, here) in buffer_places(spec, &single, number) {
                    member.buffers_mut()[here] = self.buffers()[there];
                }
                Ok(member)
            })
            .collect()
    }

    /// The ensemble of these members, which have one shape; of one itself.
    ///
    /// # Errors
    /// Where there are none, or their shapes differ.
    pub fn joined(mut members: Vec<Self>) -> Result<Self> {
        let count = members.len();
        if count <= 1 {
            return members.pop().ok_or_else(|| Error::internal("an ensemble without members"));
        }
        let single = members[0].spec().clone();
        if members.iter().any(|member| *member.spec() != single) || single.members != 1 {
            return Err(Error::internal("members of an ensemble differ in shape"));
        }
        let spec = MlpSpec::ensemble(count, single.inputs, &single.hidden, single.classes)?;
        let (layers, own_layers) = (spec.layers(), single.layers());
        let mut joined = Self::zeros(&spec)?;
        for (whole, own) in layers.iter().zip(&own_layers) {
            let mut biases = vec![0.0; own.outputs];
            for (number, member) in members.iter().enumerate() {
                let from = &member.parameters()[own.range()];
                let to = &mut joined.parameters_mut()[whole.range()];
                let place = Place { whole, own, number };
                if own.hidden {
                    place.hidden().for_each(|(there, here)| to[there] = from[here]);
                    continue;
                }
                let share = |value: T| T::from_f64(value.to_f64() / count as f64);
                place.head().for_each(|(there, here)| to[there] = share(from[here]));
                for (sum, bias) in biases.iter_mut().zip(&from[own.bias()..]) {
                    *sum += bias.to_f64();
                }
            }
            if !own.hidden {
                let to = &mut joined.parameters_mut()[whole.range()][whole.bias()..];
                to.iter_mut()
                    .zip(biases)
                    .for_each(|(to, sum)| *to = T::from_f64(sum / count as f64));
            }
        }
        for (number, member) in members.iter().enumerate() {
            for (there, here) in buffer_places(&spec, &single, number) {
                joined.buffers_mut()[there] = member.buffers()[here];
            }
        }
        Ok(joined)
    }

    /// A single network that computes the same, with zeros where the members do not touch: for formats that know dense layers only.
    ///
    /// # Errors
    /// Where it has too many parameters, or there is no memory for it.
    pub fn dense(&self) -> Result<Self> {
        let spec = self.spec();
        if spec.members == 1 {
            return Ok(self.clone());
        }
        let wide = MlpSpec::new(spec.inputs, spec.hidden.clone(), spec.classes)?;
        let mut dense = Self::zeros(&wide)?;
        for (from, to) in spec.layers().iter().zip(wide.layers()) {
            let (values, into) = (&self.parameters()[from.range()], &mut dense.parameters_mut()[to.range()]);
            let block = from.outputs / from.blocks;
            for output in 0..from.outputs {
                let start = output * to.inputs + (output / block) * from.inputs;
                into[start..start + from.inputs].copy_from_slice(&values[output * from.inputs..][..from.inputs]);
            }
            into[to.bias()..].copy_from_slice(&values[from.bias()..]);
        }
        dense.buffers_mut().copy_from_slice(self.buffers());
        Ok(dense)
    }
}

/// Pairs of places of running statistics: in the ensemble's, and in a member's.
fn buffer_places(spec: &MlpSpec, single: &MlpSpec, number: usize) -> Vec<(usize, usize)> {
    let tensors = spec.buffer_tensors().into_iter().zip(single.buffer_tensors());
    tensors
        .flat_map(|(whole, own)| (0..own.len()).map(move |place| (whole.offset + number * own.len() + place, own.offset + place)))
        .collect()
}

impl Recipe {
    /// How a member of an ensemble is trained: the first as a single network would be, the others with other orders of the rows. The
    /// temperature is of the whole.
    pub(super) fn of_member(&self, number: usize) -> Self {
        let standard = self.standard.clone().map(|standard| Standard {
            order: match number {
                0 => standard.order,
                _ => order_seed(scramble(standard.order ^ scramble(number as u64))),
            },
            temperature: 1.0,
            ..standard
        });
        Self { standard, ..self.clone() }
    }
}

/// Trains every member of an ensemble on the same rows, and joins them.
pub(super) fn train_members<T: Real>(
    network: &mut Network<T>,
    examples: &Examples<T>,
    recipe: &Recipe,
    threads: usize,
    progress: &dyn Progress,
) -> Result<TrainingLog> {
    let mut members: Vec<(usize, Network<T>)> = network.members()?.into_iter().enumerate().collect();
    let logs = for_each_on_threads(&mut members, threads, |(number, member), threads| {
        let recipe = recipe.of_member(*number);
        Run::prepare(member, examples, &recipe)?.execute(member, threads, progress)
    });
    let logs = logs.into_iter().collect::<Result<Vec<_>>>()?;
    let mut joined = Network::joined(members.into_iter().map(|(_, member)| member).collect())?;
    if let Some(standard) = &recipe.standard {
        joined.divide_logits(standard.temperature);
    }
    *network = joined;
    Ok(mean_log(&logs))
}

/// The mean loss of every epoch.
fn mean_log(logs: &[TrainingLog]) -> TrainingLog {
    let epochs = logs.first().map_or(&[][..], |log| &log.epochs);
    let mean = |(number, first): (usize, &EpochLog)| EpochLog {
        loss: logs.iter().map(|log| log.epochs[number].loss).sum::<f64>() / logs.len() as f64,
        ..*first
    };
    TrainingLog {
        epochs: epochs.iter().enumerate().map(mean).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Forget, ImportanceKind, RowLosses, Stepper, importance, logits, store_importances, train};
    use crate::progress::Silent;
    use crate::seed::Seed;
    use rand::Rng;

    const INPUTS: usize = 5;
    const ROWS: usize = 90;

    fn rows() -> (Vec<f64>, Vec<u8>) {
        let mut random = Seed(8).stream("ensemble-test", 0);
        let inputs: Vec<f64> = (0..ROWS * INPUTS).map(|_| random.random_range(-1.0..1.0)).collect();
        let labels = inputs
            .chunks(INPUTS)
            .map(|row| u8::from(row[0] > 0.2) + u8::from(row[1] > 0.0))
            .collect();
        (inputs, labels)
    }

    /// An ensemble none of whose values is that of a fresh network.
    fn ensemble(members: usize, hidden: &[usize]) -> Network<f64> {
        let spec = MlpSpec::ensemble(members, INPUTS, hidden, 3).unwrap();
        let mut network = Network::initial(&spec, Seed(5)).unwrap();
        let mut random = Seed(8).stream("ensemble-test", 1);
        network
            .parameters_mut()
            .iter_mut()
            .for_each(|value| *value += random.random_range(-0.1..0.1));
        network
            .buffers_mut()
            .iter_mut()
            .for_each(|value| *value += random.random_range(0.1..0.4));
        network
    }

    fn close(one: &[f64], other: &[f64]) {
        assert_eq!(one.len(), other.len());
        for (one, other) in one.iter().zip(other) {
            assert!((one - other).abs() < 1e-9 * (1.0 + other.abs()), "{one} {other}");
        }
    }

    fn mean(parts: &[Vec<f64>]) -> Vec<f64> {
        (0..parts[0].len())
            .map(|place| parts.iter().map(|part| part[place]).sum::<f64>() / parts.len() as f64)
            .collect()
    }

    /// Places of the ensemble's parameters in those of the dense network.
    fn places_in_dense(spec: &MlpSpec) -> Vec<usize> {
        let wide = MlpSpec::new(spec.inputs, spec.hidden.clone(), spec.classes).unwrap();
        let mut places = Vec::new();
        for (own, wide) in spec.layers().iter().zip(wide.layers()) {
            let block = own.outputs / own.blocks;
            for output in 0..own.outputs {
                let start = wide.offset + output * wide.inputs + output / block * own.inputs;
                places.extend(start..start + own.inputs);
            }
            places.extend(wide.offset + wide.bias()..wide.range().end);
        }
        places
    }

    #[test]
    fn an_ensemble_answers_as_the_mean_of_its_members_and_as_the_dense_network() {
        let (inputs, _) = rows();
        for (members, hidden) in [(2, vec![7, 6, 4]), (3, vec![5]), (4, vec![3, 8])] {
            let network = ensemble(members, &hidden);
            let apart = network.members().unwrap();
            assert_eq!(apart.len(), members);
            assert!(apart.iter().all(|member| *member.spec() == network.spec().member()));
            let each: Vec<Vec<f64>> = apart.iter().map(|member| logits(member, &inputs, 2).unwrap()).collect();
            assert_ne!(each[0], each[1]);
            let said = logits(&network, &inputs, 2).unwrap();
            close(&said, &mean(&each));
            close(&said, &logits(&network.dense().unwrap(), &inputs, 2).unwrap());
            let again = Network::joined(apart).unwrap();
            close(again.parameters(), network.parameters());
            assert_eq!((again.spec(), again.buffers()), (network.spec(), network.buffers()));
            assert_eq!(
                Network::<f64>::from_tensors(network.spec(), &network.to_tensors()).unwrap().spec(),
                network.spec()
            );
        }
    }

    #[test]
    fn importances_and_gradients_are_those_of_the_dense_network_where_the_members_touch() {
        let (inputs, labels) = rows();
        let examples = Examples::all(&inputs, INPUTS, &labels);
        let network = ensemble(3, &[6, 5, 4]);
        let (dense, places) = (network.dense().unwrap(), places_in_dense(network.spec()));
        assert_eq!(places.len(), network.spec().parameters());
        let picked = |values: &[f64]| -> Vec<f64> { places.iter().map(|place| values[*place]).collect() };
        let stored = store_importances(&network, &examples, 40, 2).unwrap();
        for kind in [ImportanceKind::SquaredBatchGradient, ImportanceKind::PerSampleFisher] {
            let own = importance(&network, &examples, kind, 40, 2).unwrap().values;
            let wide = importance(&dense, &examples, kind, 40, 2).unwrap().values;
            close(&own, &picked(&wide));
            close(&stored.full(kind).values, &own);
            let flagged: Vec<u32> = (0..9).collect();
            let forget = Forget {
                positions: &flagged,
                inputs: &inputs[..9 * INPUTS],
                labels: &labels[..9],
            };
            let wide = store_importances(&dense, &examples, 40, 2).unwrap();
            let retained = wide.retain(&dense, &forget, kind, 1).unwrap().values;
            close(&stored.retain(&network, &forget, kind, 1).unwrap().values, &picked(&retained));
        }
        let batch: Vec<u32> = (0..ROWS as u32).collect();
        let weights = vec![1.0 / ROWS as f64; ROWS];
        let losses = RowLosses {
            labels: &labels,
            label_weights: &weights,
            targets: &[],
            target_weights: &[],
            temperature: 1.0,
            entropy_weights: &[],
        };
        let (own, wide) = (&mut Stepper::new(&network), &mut Stepper::new(&dense));
        let (loss, gradient) = own.gradient(&inputs, &batch, &losses).unwrap();
        let (other, wide) = wide.gradient(&inputs, &batch, &losses).unwrap();
        close(&[loss], &[other]);
        close(gradient, &picked(wide));
    }

    #[test]
    fn members_are_trained_apart_and_the_first_as_a_single_network() {
        let (inputs, labels) = rows();
        let examples = Examples::all(&inputs, INPUTS, &labels);
        let spec = MlpSpec::ensemble(4, INPUTS, &[6, 5], 3).unwrap();
        let initial = Network::<f64>::initial(&spec, Seed(5)).unwrap();
        let mut recipe = Recipe::standard(6, 0.05, 1e-3, 30, 11);
        recipe.standard.as_mut().unwrap().temperature = 2.0;
        let trained = |threads: usize| {
            let mut network = initial.clone();
            let log = train(&mut network, &examples, &recipe, threads, &Silent::default()).unwrap();
            (network, log)
        };
        let (network, log) = trained(1);
        assert_eq!((network.clone(), log.clone()), trained(3));
        let apart: Vec<(Network<f64>, TrainingLog)> = initial
            .members()
            .unwrap()
            .into_iter()
            .enumerate()
            .map(|(number, mut member)| {
                let recipe = recipe.of_member(number);
                let log = train(&mut member, &examples, &recipe, 1, &Silent::default()).unwrap();
                (member, log)
            })
            .collect();
        let each: Vec<Vec<f64>> = apart.iter().map(|(member, _)| logits(member, &inputs, 1).unwrap()).collect();
        let halved: Vec<f64> = mean(&each).iter().map(|logit| logit / 2.0).collect();
        close(&logits(&network, &inputs, 1).unwrap(), &halved);
        let losses: Vec<f64> = apart.iter().map(|(_, log)| log.epochs[5].loss).collect();
        close(&[log.epochs[5].loss], &[losses.iter().sum::<f64>() / 4.0]);
        assert!(losses.windows(2).all(|pair| pair[0] != pair[1]));
        // The first member begins where a single network does but for the head's biases, of which an ensemble has the mean.
        let single = Network::<f64>::initial(&spec.member(), Seed(5)).unwrap();
        let head = spec.member().layers()[2];
        let first = &initial.members().unwrap()[0];
        close(
            &first.parameters()[..head.offset + head.bias()],
            &single.parameters()[..head.offset + head.bias()],
        );
    }

    #[test]
    fn a_step_that_starts_at_a_layer_starts_at_that_layer_of_every_member() {
        let spec = MlpSpec::ensemble(3, INPUTS, &[6, 5], 3).unwrap();
        for (whole, own) in spec.tensors().iter().zip(spec.member().tensors()) {
            assert_eq!(whole.name, own.name);
            assert_eq!(spec.start_in_member(whole.offset), own.offset);
        }
        assert_eq!(spec.start_in_member(spec.parameters()), spec.member().parameters());
    }

    #[test]
    fn what_is_no_ensemble_is_refused() {
        assert!(MlpSpec::ensemble(0, INPUTS, &[4], 3).is_err());
        assert!(MlpSpec::ensemble(65, INPUTS, &[4], 3).is_err());
        assert!(MlpSpec::ensemble(2, INPUTS, &[], 3).is_err());
        assert!(Network::<f64>::joined(Vec::new()).is_err());
        let (small, large) = (ensemble(1, &[4]), ensemble(1, &[5]));
        assert!(Network::joined(vec![small, large]).is_err());
        let text = serde_json::to_string(&MlpSpec::new(2, vec![3], 2).unwrap()).unwrap();
        assert!(!text.contains("members"), "{text}");
        assert_eq!(serde_json::from_str::<MlpSpec>(&text).unwrap().members, 1);
    }
}
