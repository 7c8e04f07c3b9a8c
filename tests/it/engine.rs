//! The engine against slow obvious versions, against candle, and against itself on other numbers of threads.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use rand_chacha::rand_core::RngCore;
use recant::learner::{CandleNetwork, Classifier, Plan, Rows, Statistic};
use recant::nn::{
    Examples, Forget, ImportanceKind, MlpSpec, Network, OutputSize, Real, Recipe, TrainingJob, importance, logits, predictions,
    probabilities, store_importances, train, train_many,
};
use recant::progress::Silent;
use recant::repair::{self, METHODS, Reference, RepairOptions, Request, Session, SsdOptions, Trained};
use recant::seed::Seed;

/// Rows of a problem that can be learned: labels follow the inputs, with some noise.
pub(super) struct Data<T> {
    pub(super) spec: MlpSpec,
    pub(super) x: Vec<T>,
    pub(super) y: Vec<u8>,
}

pub(super) fn data<T: Real>(rows: usize, hidden: &[usize], seed: u64) -> Data<T> {
    let (inputs, classes) = (7, 3);
    let mut random = Seed(seed).stream("test-data", 0);
    let mut number = || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let row: Vec<f64> = (0..inputs).map(|_| 3.0 * number()).collect();
        let score = row[0] * row[1] + row[2] + 0.3 * number();
        y.push(if score < -0.5 { 0 } else { 1 + u8::from(score > 0.6) });
        x.extend(row.into_iter().map(T::from_f64));
    }
    Data {
        spec: MlpSpec::new(inputs, hidden.to_vec(), classes).unwrap(),
        x,
        y,
    }
}

impl<T: Real> Data<T> {
    pub(super) fn all(&self) -> Examples<'_, T> {
        Examples::all(&self.x, self.spec.inputs, &self.y)
    }

    pub(super) fn initial(&self) -> Network<T> {
        Network::initial(&self.spec, Seed(5)).unwrap()
    }

    pub(super) fn trained(&self, recipe: &Recipe) -> Network<T> {
        let mut network = self.initial();
        train(&mut network, &self.all(), recipe, 2, &Silent::default()).unwrap();
        network
    }

    pub(super) fn take(&self, rows: &[u32]) -> (Vec<T>, Vec<u8>) {
        let row = |row: &u32| self.x[*row as usize * self.spec.inputs..][..self.spec.inputs].to_vec();
        (
            rows.iter().flat_map(row).collect(),
            rows.iter().map(|row| self.y[*row as usize]).collect(),
        )
    }
}

pub(super) fn recipe(epochs: usize, batch: usize) -> Recipe {
    Recipe {
        epochs,
        batch,
        learning_rate: 0.1,
        weight_decay: 1e-3,
        ..Recipe::default()
    }
}

/// The bits, so that -0 and 0, or two NaNs, would not pass for equal.
fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn largest_difference<T: Real>(a: &[T], b: &[T]) -> f64 {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(a, b)| (a.to_f64() - b.to_f64()).abs());
    differences.fold(0.0, |largest, difference| {
        if difference > largest || difference.is_nan() {
            difference
        } else {
            largest
        }
    })
}

#[test]
fn training_gives_the_same_bits_on_any_number_of_threads_alone_or_beside_others() {
    // Batches of 1100 rows have three chunks, the last batch two.
    let data = data::<f32>(3000, &[33, 20], 1);
    let weighted = Recipe {
        momentum: 0.5,
        class_weights: Some(vec![1.0, 2.0, 0.5]),
        ..recipe(3, 1100)
    };
    let rows: Vec<u32> = (0..3000).filter(|row| row % 7 != 0).collect();
    let subset = Examples {
        rows: Some(&rows),
        ..data.all()
    };
    for (examples, recipe) in [(data.all(), recipe(3, 1100)), (subset, weighted)] {
        let run = |threads: usize| {
            let mut network = data.initial();
            let log = train(&mut network, &examples, &recipe, threads, &Silent::default()).unwrap();
            (bits(network.parameters()), bits(network.buffers()), log)
        };
        let one = run(1);
        for threads in [2, 3, 8] {
            assert!(run(threads) == one, "{threads} threads");
        }
        for threads in [1, 2, 5] {
            let mut networks = vec![data.initial(); 3];
            let mut jobs: Vec<_> = networks
                .iter_mut()
                .map(|network| TrainingJob {
                    network,
                    examples,
                    recipe: &recipe,
                })
                .collect();
            let logs = train_many(&mut jobs, threads, &Silent::default());
            for (network, log) in networks.iter().zip(logs) {
                assert!(
                    (bits(network.parameters()), bits(network.buffers()), log.unwrap()) == one,
                    "beside others"
                );
            }
        }
    }
}

#[test]
fn evaluation_and_importances_give_the_same_bits_on_any_number_of_threads() {
    let data = data::<f32>(5000, &[33, 20], 2);
    let network = data.trained(&recipe(1, 1100));
    let positions: Vec<u32> = (0..5000).step_by(13).collect();
    let (inputs, labels) = data.take(&positions);
    let forget = Forget {
        inputs: &inputs,
        labels: &labels,
        positions: &positions,
    };
    let run = |threads: usize| {
        let stored = store_importances(&network, &data.all(), 700, threads).unwrap();
        let mut values = Vec::new();
        for kind in ImportanceKind::ALL {
            values.push(importance(&network, &data.all(), kind, 700, threads).unwrap().values);
            values.push(stored.retain(&network, &forget, kind, threads).unwrap().values);
        }
        let probabilities = probabilities(&network, &data.x, threads).unwrap();
        (
            stored,
            values,
            bits(&probabilities),
            bits(&logits(&network, &data.x, threads).unwrap()),
        )
    };
    let one = run(1);
    for threads in [2, 3, 16] {
        assert!(run(threads) == one, "{threads} threads");
    }
}

/// Loss of a network in training mode on one batch, by plain loops.
fn slow_loss(network: &Network<f64>, x: &[f64], y: &[u8]) -> f64 {
    let spec = network.spec();
    let tensors = spec.tensors();
    let tensor = |index: usize| &network.parameters()[tensors[index].range()];
    let linear = |rows: &[Vec<f64>], first: usize| -> Vec<Vec<f64>> {
        let (weight, bias) = (tensor(first), tensor(first + 1));
        let output = |row: &Vec<f64>, out: usize| {
            let terms = row.iter().enumerate().map(|(input, value)| value * weight[out * row.len() + input]);
            terms.sum::<f64>() + bias[out]
        };
        rows.iter()
            .map(|row| (0..bias.len()).map(|out| output(row, out)).collect())
            .collect()
    };
    let mut rows: Vec<Vec<f64>> = x.chunks(spec.inputs).map(<[f64]>::to_vec).collect();
    for (layer, width) in spec.hidden.iter().enumerate() {
        rows = linear(&rows, 4 * layer);
        for feature in 0..*width {
            let count = rows.len() as f64;
            let mean = rows.iter().map(|row| row[feature]).sum::<f64>() / count;
            let variance = rows.iter().map(|row| (row[feature] - mean).powi(2)).sum::<f64>() / count;
            for row in &mut rows {
                let normal = (row[feature] - mean) / (variance + 1e-5).sqrt();
                row[feature] = (normal * tensor(4 * layer + 2)[feature] + tensor(4 * layer + 3)[feature]).max(0.0);
            }
        }
    }
    let rows = linear(&rows, 4 * spec.hidden.len());
    let loss = |row: &Vec<f64>, label: u8| row.iter().map(|logit| logit.exp()).sum::<f64>().ln() - row[usize::from(label)];
    rows.iter().zip(y).map(|(row, label)| loss(row, *label)).sum::<f64>() / y.len() as f64
}

#[test]
fn the_training_gradient_is_the_slope_of_the_loss() {
    // One batch of three chunks; the gradient is read off one step of plain SGD.
    let data = data::<f64>(1200, &[6, 5], 3);
    let mut start = data.initial();
    // Away from the starting values of batch norm, where all weights are 1 and all biases 0.
    let mut random = Seed(4).stream("shift", 0);
    for value in start.parameters_mut() {
        *value += (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64 * 0.4 - 0.2;
    }
    let rate = 1e-3;
    let step = Recipe {
        learning_rate: rate,
        weight_decay: 0.0,
        ..recipe(1, 1200)
    };
    let mut after = start.clone();
    let log = train(&mut after, &data.all(), &step, 2, &Silent::default()).unwrap();
    assert!((log.epochs[0].loss - slow_loss(&start, &data.x, &data.y)).abs() < 1e-12);
    for index in 0..start.parameters().len() {
        let gradient = (start.parameters()[index] - after.parameters()[index]) / rate;
        let at = |shift: f64| {
            let mut moved = start.clone();
            moved.parameters_mut()[index] += shift;
            slow_loss(&moved, &data.x, &data.y)
        };
        // A small step, lest some row crosses the kink of its ReLU.
        let slope = (at(1e-7) - at(-1e-7)) / 2e-7;
        assert!((gradient - slope).abs() < 1e-6, "parameter {index}: {gradient} and {slope}");
    }
}

fn agrees_with_candle<T: Real>(hidden: &[usize], tolerance: f64) {
    let data = data::<T>(1400, hidden, 6);
    let recipe = Recipe {
        momentum: 0.3,
        class_weights: Some(vec![0.5, 1.5, 2.0]),
        ..recipe(2, 600)
    };
    let rows: Vec<u32> = (0..1400).rev().filter(|row| row % 5 != 0).collect();
    let all = Rows::table(&data.x, 7, &data.y);
    let quiet = Silent::default();
    let plan = Plan::from(&recipe);
    let ours = data.initial();
    let theirs = CandleNetwork::of_mlp(&ours).unwrap();
    let (ours, our_log) = ours.train((&all, &rows), &plan, (), 2.into(), &quiet).unwrap();
    let (theirs, their_log) = theirs.train((&all, &rows), &plan, (), 2.into(), &quiet).unwrap();
    assert!(largest_difference(ours.parameters(), theirs.parameters()) < tolerance);
    assert!(largest_difference(ours.buffers(), theirs.buffers()) < tolerance);
    let our_logits = ours.logits(&all, None, 2.into(), &quiet).unwrap();
    let their_logits = theirs.logits(&all, None, 2.into(), &quiet).unwrap();
    assert!(largest_difference(&our_logits, &their_logits) < 10.0 * tolerance);
    assert_eq!(our_log.epochs.len(), their_log.epochs.len());
    for (a, b) in our_log.epochs.iter().zip(&their_log.epochs) {
        assert!((a.loss - b.loss).abs() < tolerance && a.learning_rate == b.learning_rate && a.epoch == b.epoch);
    }
    // Measured on the same network.
    let theirs = CandleNetwork::of_mlp(&ours).unwrap();
    for what in ImportanceKind::ALL
        .map(Statistic::Importance)
        .into_iter()
        .chain([OutputSize::SquaredLength, OutputSize::Length].map(Statistic::Sensitivity))
    {
        let a = ours.measure(what, (&all, &rows[..90]), 40, 2.into(), &quiet).unwrap();
        let b = theirs.measure(what, (&all, &rows[..90]), 40, 2.into(), &quiet).unwrap();
        let largest = b.iter().fold(0.0_f64, |largest, value| largest.max(*value));
        assert!(largest_difference(&a, &b) < tolerance * largest, "{what:?}");
    }
}

#[test]
fn candle_agrees_in_both_precisions_with_and_without_hidden_layers() {
    agrees_with_candle::<f64>(&[9, 6], 1e-10);
    agrees_with_candle::<f64>(&[], 1e-10);
    agrees_with_candle::<f32>(&[9, 6], 2e-5);
}

#[test]
fn the_per_sample_fisher_is_the_squared_gradient_of_batches_of_one_row() {
    let data = data::<f64>(700, &[8, 5], 7);
    let network = data.trained(&recipe(2, 200));
    let slow = importance(&network, &data.all(), ImportanceKind::SquaredBatchGradient, 1, 2).unwrap();
    let fast = importance(&network, &data.all(), ImportanceKind::PerSampleFisher, 250, 2).unwrap();
    for (slow, fast) in slow.values.iter().zip(&fast.values) {
        assert!((slow - fast).abs() <= 1e-12 * slow.abs() + 1e-18);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn subtracting_flagged_rows_equals_measuring_on_the_others(
        flagged in prop::collection::btree_set(0_u32..150, 0..40), batch in 20_usize..90, whole in prop::option::of(0_usize..2),
    ) {
        let data = data::<f64>(150, &[8, 5], 8);
        let network = data.trained(&recipe(2, 50));
        let mut flagged = flagged;
        if let Some(index) = whole {
            // A batch whose rows are all flagged counts no more.
            flagged.extend((index * batch) as u32..((index + 1) * batch).min(150) as u32);
        }
        prop_assume!(flagged.len() < 150);
        let positions: Vec<u32> = flagged.iter().copied().collect();
        let (inputs, labels) = data.take(&positions);
        let stored = store_importances(&network, &data.all(), batch, 2).unwrap();
        let forget = Forget { inputs: &inputs, labels: &labels, positions: &positions };
        let left = |range: std::ops::Range<u32>| range.filter(|row| !flagged.contains(row)).collect::<Vec<u32>>();
        let mut parts = Vec::new();
        for start in (0..150).step_by(batch) {
            let rows = left(start..(start + batch as u32).min(150));
            if !rows.is_empty() {
                let examples = Examples { rows: Some(&rows), ..data.all() };
                parts.push(importance(&network, &examples, ImportanceKind::SquaredBatchGradient, 1000, 1).unwrap().values);
            }
        }
        let found = stored.retain(&network, &forget, ImportanceKind::SquaredBatchGradient, 2).unwrap().values;
        for (index, found) in found.into_iter().enumerate() {
            let expected = parts.iter().map(|part| part[index]).sum::<f64>() / parts.len() as f64;
            prop_assert!((found - expected).abs() < 1e-12);
        }
        let rows = left(0..150);
        let examples = Examples { rows: Some(&rows), ..data.all() };
        let expected = importance(&network, &examples, ImportanceKind::PerSampleFisher, 1000, 1).unwrap().values;
        let found = stored.retain(&network, &forget, ImportanceKind::PerSampleFisher, 2).unwrap().values;
        prop_assert!(largest_difference(&found, &expected) < 1e-12);
    }

    #[test]
    fn no_repair_by_dampening_makes_a_weight_larger_and_an_empty_forget_set_changes_nothing(
        flagged in prop::collection::btree_set(0_u32..200, 0..60), method in 0_usize..2, kind in 0_usize..2, reference in 0_usize..3,
    ) {
        let data = data::<f32>(200, &[8, 5], 9);
        let recipe = recipe(3, 64);
        let network = data.trained(&recipe);
        let positions: Vec<u32> = flagged.into_iter().collect();
        let (inputs, labels) = data.take(&positions);
        let request = Request {
            positions: &positions,
            flagged: Some(Rows::table(&inputs, 7, &labels)),
            corrections: &[],
            training: Some(Rows::table(&data.x, 7, &data.y)),
            augmented: None,
        };
        let trained = Trained {
            classifier: &network,
            initial: None,
            plan: (&recipe).into(),
            training_rows: 200,
            importance_batch: recipe.batch,
            stored: None,
            full_set: &[],
        };
        let quiet = Silent::default();
        let mut model = Session::new(trained, request, 2, &quiet).unwrap();
        let options = RepairOptions {
            importance: ImportanceKind::ALL[kind],
            reference: Reference::ALL[reference],
            ssd: SsdOptions { alpha: 2.0, ..SsdOptions::default() },
            ..RepairOptions::default()
        };
        let outcome = repair::apply(METHODS[method], &mut model, &options, &Silent::default()).unwrap();
        let (before, after) = (network.parameters(), model.network().parameters());
        prop_assert!(before.iter().zip(after).all(|(before, after)| after.abs() <= before.abs()));
        prop_assert_eq!(network.buffers(), model.network().buffers());
        if positions.is_empty() {
            prop_assert_eq!(before, after);
            prop_assert_eq!(outcome.dampening, None);
        }
    }
}

#[test]
fn a_single_row_left_over_joins_the_batch_before_it() {
    let data = data::<f32>(101, &[8], 10);
    let network = data.trained(&recipe(3, 50));
    assert!(network.is_finite());
    // 101 rows in batches of 50 are batches of 50 and 51, which two batches of 51 rows would not be.
    let rows: Vec<u32> = (0..101).collect();
    let other = CandleNetwork::of_mlp(&data.initial()).unwrap();
    let all = Rows::table(&data.x, 7, &data.y);
    let plan = Plan::from(&recipe(3, 50));
    let (other, _) = other.train((&all, &rows), &plan, (), 1.into(), &Silent::default()).unwrap();
    assert!(largest_difference(network.parameters(), other.parameters()) < 1e-5);
    // Without batch norm nothing speaks against a batch of one row, nor against a single row.
    let plain = self::data::<f32>(1, &[], 10);
    let mut network = plain.initial();
    train(&mut network, &plain.all(), &recipe(3, 50), 1, &Silent::default()).unwrap();
    assert!(network.is_finite());
}

#[test]
fn training_learns_and_the_log_tells_so() {
    let data = data::<f32>(3000, &[32, 32], 11);
    let mut network = data.initial();
    let log = train(&mut network, &data.all(), &recipe(30, 128), 2, &Silent::default()).unwrap();
    assert_eq!(log.epochs.len(), 30);
    assert!(log.epochs[29].loss < 0.5 * log.epochs[0].loss);
    assert!((log.epochs[29].learning_rate - 0.1 * 0.95_f64.powi(29)).abs() < 1e-15);
    let found = predictions(&probabilities(&network, &data.x, 2).unwrap(), 3);
    let right = found.iter().zip(&data.y).filter(|(found, label)| found == label).count();
    assert!(right > 2700, "{right} of 3000");
}

#[test]
fn what_cannot_be_trained_is_refused_and_leaves_the_network_alone() {
    let data = data::<f32>(300, &[8], 12);
    let start = data.initial();
    let stopped = Silent(Arc::new(AtomicBool::new(true)));
    let going = Silent::default();
    let none: [u32; 0] = [];
    let cases: Vec<(Examples<f32>, Recipe, &Silent, &str)> = vec![
        (
            data.all(),
            Recipe {
                learning_rate: 1e30,
                ..recipe(5, 50)
            },
            &going,
            "diverged",
        ),
        (data.all(), recipe(5, 50), &stopped, "stopped"),
        (
            Examples {
                rows: Some(&none),
                ..data.all()
            },
            recipe(1, 50),
            &going,
            "no rows",
        ),
        (
            Examples {
                rows: Some(&[3]),
                ..data.all()
            },
            recipe(1, 50),
            &going,
            "single row",
        ),
        (
            Examples {
                rows: Some(&[300]),
                ..data.all()
            },
            recipe(1, 50),
            &going,
            "row 300",
        ),
        (Examples { width: 5, ..data.all() }, recipe(1, 50), &going, "input columns"),
        (data.all(), recipe(1, 1), &going, "batch size"),
        (
            data.all(),
            Recipe {
                learning_rate: f64::NAN,
                ..recipe(1, 50)
            },
            &going,
            "learning rate",
        ),
        (
            data.all(),
            Recipe {
                momentum: 1.0,
                ..recipe(1, 50)
            },
            &going,
            "momentum",
        ),
        (
            data.all(),
            Recipe {
                weight_decay: -1.0,
                ..recipe(1, 50)
            },
            &going,
            "weight decay",
        ),
        (
            data.all(),
            Recipe {
                decay: 0.0,
                ..recipe(1, 50)
            },
            &going,
            "decay",
        ),
        (
            data.all(),
            Recipe {
                class_weights: Some(vec![1.0]),
                ..recipe(1, 50)
            },
            &going,
            "class weights",
        ),
    ];
    for (examples, recipe, progress, words) in cases {
        for threads in [1, 2] {
            let mut network = start.clone();
            let error = train(&mut network, &examples, &recipe, threads, progress).unwrap_err();
            assert!(error.to_string().contains(words), "{error} should speak of {words}");
            assert!(network == start);
        }
    }
}
