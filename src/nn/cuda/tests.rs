//! The lockstep engine, with the kernels run on the host, against the CPU engine.

use super::host::Host;
use super::*;
use crate::nn::{
    Examples, Forget, Importance, ImportanceKind, MlpSpec, Network, Recipe, importance, predictions, probabilities, store_importances,
    train,
};
use crate::progress::Silent;
use crate::seed::Seed;

const ROWS: usize = 150;
const BATCH: usize = 64;

/// Rows and labels that can be learnt, other labels for each model.
struct Set {
    spec: MlpSpec,
    inputs: Vec<f32>,
    test: Vec<f32>,
    labels: Vec<Vec<u8>>,
    networks: Vec<Network<f32>>,
}

fn set(hidden: &[usize], models: usize) -> Set {
    use rand::Rng;
    let mut random = Seed(7).stream("lockstep-test", 0);
    let spec = MlpSpec::new(7, hidden.to_vec(), 3).unwrap();
    let mut draw = |rows: usize| (0..rows * 7).map(|_| random.random::<f32>()).collect::<Vec<f32>>();
    let (inputs, test) = (draw(ROWS), draw(41));
    let mut labels = Vec::new();
    for _ in 0..models {
        let label = |row: &[f32]| if row[0] + row[1] < 0.9 { 0 } else { 1 + u8::from(row[2] > 0.5) };
        let noisy = |row: &[f32]| {
            if random.random::<f32>() < 0.2 {
                random.random_range(0..3)
            } else {
                label(row)
            }
        };
        labels.push(inputs.chunks(7).map(noisy).collect());
    }
    let networks = (0..models as u64)
        .map(|seed| Network::initial(&spec, Seed(seed)).unwrap())
        .collect();
    Set {
        spec,
        inputs,
        test,
        labels,
        networks,
    }
}

impl Set {
    fn shared(&self) -> Shared<'_> {
        Shared {
            spec: &self.spec,
            batch: BATCH,
            training: &self.inputs,
            test: &self.test,
            fisher: true,
        }
    }

    fn start<'d>(&self, host: &'d mut Host) -> Lockstep<'d, Host> {
        let mut lockstep = Lockstep::new(host, &self.shared(), self.networks.len()).unwrap();
        lockstep.set_networks(&self.networks.iter().collect::<Vec<_>>()).unwrap();
        lockstep
            .set_labels(&self.labels.iter().map(Vec::as_slice).collect::<Vec<_>>())
            .unwrap();
        lockstep
    }

    fn examples(&self, model: usize) -> Examples<'_, f32> {
        Examples::all(&self.inputs, 7, &self.labels[model])
    }
}

fn recipe(epochs: usize) -> Recipe {
    Recipe {
        epochs,
        learning_rate: 0.1,
        weight_decay: 0.01,
        batch: BATCH,
        ..Recipe::default()
    }
}

/// Every `step`-th row from `first` on, `count` of them.
fn some_rows(first: usize, step: usize, count: usize) -> Vec<u32> {
    (0..count).map(|index| ((first + index * step) % ROWS) as u32).collect()
}

/// Largest difference as a share of the largest value.
fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    let most = found.iter().zip(expected).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()));
    assert!(largest > 0.0 && most.is_finite());
    most / largest
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

#[track_caller]
fn assert_same_networks(found: &[Network<f32>], expected: &[Network<f32>]) {
    for (found, expected) in found.iter().zip(expected) {
        for tensor in expected.spec().tensors() {
            let part = |network: &Network<f32>| wide(&network.parameters()[tensor.range()]);
            let away = distance(&part(found), &part(expected));
            assert!(away < 1e-4, "{}: {away}", tensor.name);
        }
        if !expected.buffers().is_empty() {
            assert!(distance(&wide(found.buffers()), &wide(expected.buffers())) < 1e-4);
        }
    }
}

#[test]
fn training_in_lockstep_agrees_with_training_each_alone() {
    let Some((mut host, _guard)) = Host::new(1 << 30) else { return };
    // Widths below and above a tile, none a multiple of it; and no hidden layer at all.
    for hidden in [&[5, 40][..], &[33], &[]] {
        let set = set(hidden, 3);
        let mut lockstep = set.start(&mut host);
        let losses = lockstep.train(Rows::Training, &recipe(3), None, &Silent::default()).unwrap();
        let mut expected = set.networks.clone();
        for (model, network) in expected.iter_mut().enumerate() {
            let log = train(network, &set.examples(model), &recipe(3), 1, &Silent::default()).unwrap();
            let last = log.epochs[2].loss;
            assert!((losses[model] - last).abs() < 1e-4 * last, "{} {last}", losses[model]);
        }
        assert_same_networks(&lockstep.networks().unwrap(), &expected);
    }
}

#[test]
fn each_model_may_have_rows_and_class_weights_of_its_own() {
    let Some((mut host, _guard)) = Host::new(1 << 30) else { return };
    let set = set(&[34, 6], 2);
    let mut lockstep = set.start(&mut host);
    // 129 rows in batches of 64: the row left over joins the second batch.
    let lists = [some_rows(0, 1, 129), some_rows(20, 7, 129)];
    let weights = [[1.0, 2.0, 0.5], [0.25, 1.0, 3.0]];
    lockstep.list(&[&lists[0], &lists[1]]).unwrap();
    lockstep
        .train(Rows::Listed, &recipe(2), Some(&weights.concat()), &Silent::default())
        .unwrap();
    let mut expected = set.networks.clone();
    for (model, network) in expected.iter_mut().enumerate() {
        let examples = Examples::subset(&set.inputs, 7, &set.labels[model], &lists[model]);
        let recipe = Recipe {
            class_weights: Some(weights[model].to_vec()),
            ..recipe(2)
        };
        train(network, &examples, &recipe, 1, &Silent::default()).unwrap();
    }
    assert_same_networks(&lockstep.networks().unwrap(), &expected);
}

/// Trained models, their flagged rows (not in order of time), and the lockstep that holds them.
fn trained<'d>(set: &mut Set, host: &'d mut Host) -> (Lockstep<'d, Host>, Vec<Vec<u32>>) {
    for model in 0..set.networks.len() {
        let mut network = set.networks[model].clone();
        train(&mut network, &set.examples(model), &recipe(20), 1, &Silent::default()).unwrap();
        set.networks[model] = network;
    }
    let mut lockstep = set.start(host);
    // The second model's flagged rows are all of the last batch (22 rows), so that this batch does not count; and 8 more.
    let mut flagged = vec![some_rows(3, 5, 30), (120..150).collect()];
    flagged.iter_mut().for_each(|list| list.sort_unstable());
    lockstep.list(&[&flagged[0], &flagged[1]]).unwrap();
    lockstep.leave_out(&[&flagged[0], &flagged[1]]).unwrap();
    (lockstep, flagged)
}

fn expected_importances(set: &Set, model: usize, flagged: &[u32], kind: ImportanceKind) -> (Importance, Importance, Importance) {
    let network = &set.networks[model];
    let forget_rows = Examples::subset(&set.inputs, 7, &set.labels[model], flagged);
    let forget = importance(network, &forget_rows, kind, BATCH, 1).unwrap();
    let stored = store_importances(network, &set.examples(model), BATCH, 1).unwrap();
    let inputs: Vec<f32> = flagged
        .iter()
        .flat_map(|row| set.inputs[*row as usize * 7..][..7].to_vec())
        .collect();
    let labels: Vec<u8> = flagged.iter().map(|row| set.labels[model][*row as usize]).collect();
    let request = Forget {
        inputs: &inputs,
        labels: &labels,
        positions: flagged,
    };
    let retain = stored.retain(network, &request, kind, 1).unwrap();
    (forget, retain, stored.full(kind))
}

#[test]
fn importances_of_both_kinds_agree_with_those_of_the_cpu() {
    let Some((mut host, _guard)) = Host::new(1 << 30) else { return };
    for hidden in [&[6, 35][..], &[]] {
        let mut set = set(hidden, 2);
        let (mut lockstep, flagged) = trained(&mut set, &mut host);
        for kind in ImportanceKind::ALL {
            lockstep.importance(Rows::Listed, kind, BATCH, false, Place::Forget).unwrap();
            lockstep.importance(Rows::Training, kind, BATCH, true, Place::Reference).unwrap();
            let (forget, retain) = (
                lockstep.measured(Place::Forget).unwrap(),
                lockstep.measured(Place::Reference).unwrap(),
            );
            lockstep.importance(Rows::Training, kind, BATCH, false, Place::Reference).unwrap();
            let full = lockstep.measured(Place::Reference).unwrap();
            let parameters = set.spec.parameters();
            for model in 0..2 {
                let of = |all: &[f64]| all[model * parameters..][..parameters].to_vec();
                let (forget_expected, retain_expected, full_expected) = expected_importances(&set, model, &flagged[model], kind);
                for (found, expected) in [(&forget, &forget_expected), (&retain, &retain_expected), (&full, &full_expected)] {
                    for tensor in set.spec.tensors() {
                        let away = distance(&of(found)[tensor.range()], &expected.values[tensor.range()]);
                        assert!(away < 1e-4, "{hidden:?} {kind:?} model {model} {}: {away}", tensor.name);
                    }
                }
            }
        }
    }
}

/// numpy's percentile of the finite ratios, by sorting.
fn percentile(forget: &[f64], reference: &[f64], percentile: f64) -> f64 {
    let mut ratios: Vec<f64> = forget
        .iter()
        .zip(reference)
        .map(|(a, b)| a / b)
        .filter(|ratio| ratio.is_finite())
        .collect();
    ratios.sort_by(f64::total_cmp);
    let place = percentile / 100.0 * (ratios.len() - 1) as f64;
    let (below, fraction) = (place.floor() as usize, place.fract());
    let above = ratios[(below + 1).min(ratios.len() - 1)];
    if fraction < 0.5 {
        ratios[below] + (above - ratios[below]) * fraction
    } else {
        above - (above - ratios[below]) * (1.0 - fraction)
    }
}

#[test]
fn alphas_and_dampened_parameters_are_those_of_the_definition() {
    let Some((mut host, _guard)) = Host::new(1 << 30) else { return };
    let mut set = set(&[6, 35], 2);
    let (mut lockstep, _) = trained(&mut set, &mut host);
    let kind = ImportanceKind::SquaredBatchGradient;
    lockstep.importance(Rows::Listed, kind, BATCH, false, Place::Forget).unwrap();
    lockstep.importance(Rows::Training, kind, BATCH, true, Place::Reference).unwrap();
    let (forget, reference) = (
        lockstep.measured(Place::Forget).unwrap(),
        lockstep.measured(Place::Reference).unwrap(),
    );
    let parameters = set.spec.parameters();
    let part = |all: &[f64], model: usize| all[model * parameters..][..parameters].to_vec();
    for share in [0.0, 0.3, 50.0, 97.8, 99.97, 100.0] {
        for (model, alpha) in lockstep.alphas_at(share).unwrap().into_iter().enumerate() {
            assert_eq!(alpha, percentile(&part(&forget, model), &part(&reference, model), share), "{share}");
        }
    }
    let alphas = lockstep.alphas_at(95.0).unwrap();
    lockstep.save().unwrap();
    for lambda in [1.0, 0.5] {
        let done = lockstep.dampen(&alphas, lambda).unwrap();
        for (model, network) in lockstep.networks().unwrap().iter().enumerate() {
            let mut count = 0;
            for (index, before) in set.networks[model].parameters().iter().enumerate() {
                let (f, r) = (part(&forget, model)[index], part(&reference, model)[index]);
                let factor = if f > alphas[model] * r { (lambda * r / f).min(1.0) } else { 1.0 };
                count += u32::from(factor < 1.0);
                assert_eq!(network.parameters()[index], (f64::from(*before) * factor) as f32);
            }
            assert_eq!(
                done[model],
                Dampened {
                    alpha: alphas[model],
                    parameters: count
                }
            );
            assert!(count > 0);
        }
        lockstep.restore().unwrap();
    }
    assert_eq!(lockstep.networks().unwrap(), set.networks);
}

#[test]
fn predictions_are_those_of_the_cpu_but_for_ties() {
    let Some((mut host, _guard)) = Host::new(1 << 30) else { return };
    let mut set = set(&[9, 40], 2);
    let (mut lockstep, flagged) = trained(&mut set, &mut host);
    for rows in [Rows::Training, Rows::Test, Rows::Listed] {
        let found = lockstep.predictions(rows).unwrap();
        let count = lockstep.rows(rows);
        assert_eq!(found.len(), 2 * count);
        for model in 0..2 {
            let listed: Vec<f32> = flagged[model]
                .iter()
                .flat_map(|row| set.inputs[*row as usize * 7..][..7].to_vec())
                .collect();
            let inputs = match rows {
                Rows::Training => &set.inputs,
                Rows::Test => &set.test,
                Rows::Listed => &listed,
            };
            let values = probabilities(&set.networks[model], inputs, 1).unwrap();
            let expected = predictions(&values, 3);
            let (mut away, mut classes) = (0, [0; 3]);
            for (row, expected) in expected.iter().enumerate() {
                away += usize::from(found[model * count + row] != *expected);
                classes[usize::from(*expected)] += 1;
            }
            assert!(away == 0, "{rows:?} model {model}: {away} of {count}");
            assert!(classes.iter().filter(|count| **count > 0).count() > 1, "{classes:?}");
        }
    }
}

#[test]
fn lockstep_takes_no_more_memory_than_it_says_and_is_as_wide_as_memory_allows() {
    let Some((mut host, _guard)) = Host::new(64 << 20) else { return };
    let set = set(&[5, 40], 3);
    let models = most_models(&host, &set.shared()).unwrap();
    assert!(models > 100, "{models}");
    let lockstep = Lockstep::new(&mut host, &set.shared(), models).unwrap();
    assert_eq!(lockstep.models(), models);
    drop(lockstep);
    assert!(host.free().unwrap() > 0);
    assert!(
        host.free().unwrap() < (64 << 20) / 3,
        "the estimate is far too high: {}",
        host.free().unwrap()
    );
    assert!(
        Lockstep::new(&mut host, &set.shared(), 20 * models)
            .err()
            .unwrap()
            .message()
            .contains("memory")
    );
    host.release_all();
    host.total = 10_000;
    let error = most_models(&host, &set.shared()).unwrap_err();
    assert!(error.hint_text().unwrap().contains("--device cpu"), "{error}");
}

#[test]
fn a_diverging_model_and_a_wish_to_stop_end_the_training() {
    let Some((mut host, _guard)) = Host::new(1 << 30) else { return };
    let set = set(&[5], 2);
    let mut lockstep = set.start(&mut host);
    let wild = Recipe {
        learning_rate: 1e30,
        decay: 1.0,
        ..recipe(4)
    };
    let error = lockstep.train(Rows::Training, &wild, None, &Silent::default()).unwrap_err();
    assert!(error.message().contains("diverged in epoch"), "{error}");
    let stop = Silent::default();
    stop.0.store(true, std::sync::atomic::Ordering::Relaxed);
    let error = lockstep.train(Rows::Training, &recipe(1), None, &stop).unwrap_err();
    assert_eq!(error.exit_code(), 130);
}

#[test]
fn what_does_not_fit_is_refused_before_it_reaches_the_device() {
    let Some((mut host, _guard)) = Host::new(1 << 30) else { return };
    let set = set(&[5], 2);
    let mut lockstep = set.start(&mut host);
    let beyond = [ROWS as u32];
    assert!(lockstep.list(&[&beyond, &[0]]).is_err());
    assert!(lockstep.list(&[&[0, 1], &[0]]).is_err());
    assert!(lockstep.leave_out(&[&beyond, &[]]).is_err());
    let wrong = vec![3_u8; ROWS];
    assert!(lockstep.set_labels(&[&wrong, &wrong]).is_err());
    assert!(lockstep.set_networks(&[&set.networks[0]]).is_err());
    let momentum = Recipe {
        momentum: 0.9,
        ..recipe(1)
    };
    assert!(lockstep.train(Rows::Training, &momentum, None, &Silent::default()).is_err());
    assert!(lockstep.dampen(&[1.0], 1.0).is_err());
}
