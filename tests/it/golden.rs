//! Every step of the engine and of ASSD and SSD against PyTorch's numbers (tests/fixtures/mlp_assd.py, float64):
//! to 1e-9 in f64, and to 1e-4 relative in f32.

use std::path::Path;

use recant::learner::Rows;
use recant::nn::{
    self, Examples, Forget, ImportanceKind, MlpSpec, Network, Real, Recipe, StoredImportances, importance, logits, store_importances,
};
use recant::progress::Silent;
use recant::repair::{self, Reference, RepairOptions, Request, Session, SsdOptions, Trained};
use serde_json::Value;

struct Golden {
    json: Value,
    spec: MlpSpec,
    x: Vec<f64>,
    y: Vec<u8>,
    forget: Vec<u32>,
    recipe: Recipe,
}

/// PyTorch's names of the trainable tensors, in network order.
const PARAMETERS: [&str; 10] = [
    "0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias", "4.weight", "4.bias", "6.weight", "6.bias",
];
const BUFFERS: [&str; 4] = ["1.running_mean", "1.running_var", "4.running_mean", "4.running_var"];

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn flat(value: &Value, names: &[&str]) -> Vec<f64> {
    names.iter().flat_map(|name| numbers(&value[*name])).collect()
}

fn golden() -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mlp_assd.json");
    let json: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let whole = |value: &Value| value.as_u64().unwrap() as usize;
    let training = &json["training"];
    Golden {
        spec: MlpSpec::new(
            whole(&json["inputs"]),
            json["hidden"].as_array().unwrap().iter().map(whole).collect(),
            whole(&json["classes"]),
        )
        .unwrap(),
        x: numbers(&json["x"]),
        y: numbers(&json["y"]).iter().map(|label| *label as u8).collect(),
        forget: numbers(&json["forget_rows"]).iter().map(|row| *row as u32).collect(),
        recipe: Recipe {
            epochs: whole(&training["epochs"]),
            learning_rate: training["lr"].as_f64().unwrap(),
            decay: training["gamma_per_epoch"].as_f64().unwrap(),
            weight_decay: training["weight_decay"].as_f64().unwrap(),
            batch: whole(&json["batch"]),
            ..Recipe::default()
        },
        json,
    }
}

impl Golden {
    fn network<T: Real>(&self, state: &str) -> Network<T> {
        let mut network = Network::zeros(&self.spec).unwrap();
        let narrow = |to: &mut [T], from: Vec<f64>| to.iter_mut().zip(from).for_each(|(to, from)| *to = T::from_f64(from));
        narrow(network.parameters_mut(), flat(&self.json[state], &PARAMETERS));
        narrow(network.buffers_mut(), flat(&self.json[state], &BUFFERS));
        network
    }

    fn inputs<T: Real>(&self) -> Vec<T> {
        self.x.iter().map(|value| T::from_f64(*value)).collect()
    }

    fn retain(&self) -> Vec<u32> {
        (0..self.y.len() as u32).filter(|row| !self.forget.contains(row)).collect()
    }

    fn importances(&self, kind: ImportanceKind) -> &Value {
        let name = match kind {
            ImportanceKind::SquaredBatchGradient => "squared_batch_gradient",
            ImportanceKind::PerSampleFisher => "per_sample_fisher",
        };
        &self.json["importance"][name]
    }
}

/// 1e-9 in double precision; 1e-4 in single, relative to the value and never below `floor` x the largest of the values, since
/// a sum of terms that cancel keeps the error of its terms.
fn assert_close<T: Real>(what: &str, found: impl IntoIterator<Item = T>, expected: &[f64], floor: f64) {
    let found: Vec<f64> = found.into_iter().map(Real::to_f64).collect();
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let allowed = if size_of::<T>() == 8 {
            1e-9
        } else {
            1e-4 * expected.abs().max(floor * largest)
        };
        assert!(
            (found - expected).abs() <= allowed,
            "{what}[{index}]: {found} instead of {expected}"
        );
    }
}

fn check_training<T: Real>() {
    let golden = golden();
    let inputs = golden.inputs::<T>();
    let retain = golden.retain();
    let weights = Some(numbers(&golden.json["class_weights"]));
    let all = Examples::all(&inputs, golden.spec.inputs, &golden.y);
    let kept = Examples::subset(&inputs, golden.spec.inputs, &golden.y, &retain);
    let momentum = Recipe {
        momentum: 0.9,
        ..golden.recipe.clone()
    };
    let weighted = Recipe {
        class_weights: weights,
        ..golden.recipe.clone()
    };
    let cases = [
        ("trained", "initial", all, golden.recipe.clone()),
        ("trained_with_momentum_0.9", "initial", all, momentum),
        ("trained_with_class_weights", "initial", all, weighted),
        ("retrained", "initial", kept, golden.recipe.clone()),
        ("finetuned", "trained", kept, golden.recipe.continued(1)),
    ];
    for (state, start, examples, recipe) in cases {
        let mut network = golden.network::<T>(start);
        nn::train(&mut network, &examples, &recipe, 2, &Silent::default()).unwrap();
        let expected = &golden.json[state];
        assert_close(state, network.parameters().iter().copied(), &flat(expected, &PARAMETERS), 0.01);
        assert_close(state, network.buffers().iter().copied(), &flat(expected, &BUFFERS), 0.01);
    }
}

#[test]
fn training_follows_pytorch_in_double_precision() {
    check_training::<f64>();
}

#[test]
fn training_follows_pytorch_in_single_precision() {
    check_training::<f32>();
}

fn check_evaluation<T: Real>() {
    let golden = golden();
    let inputs = golden.inputs::<T>();
    let network = golden.network::<T>("trained");
    let found = logits(&network, &inputs, 2).unwrap();
    assert_close("logits", found, &numbers(&golden.json["logits_eval"]), 0.01);
    let (forget, retain) = (&golden.forget, golden.retain());
    for kind in ImportanceKind::ALL {
        for (name, rows) in [("forget", Some(forget.as_slice())), ("retain", Some(&retain)), ("full", None)] {
            let examples = Examples {
                rows,
                ..Examples::all(&inputs, golden.spec.inputs, &golden.y)
            };
            let found = importance(&network, &examples, kind, golden.recipe.batch, 2).unwrap();
            let expected = flat(&golden.importances(kind)[name], &PARAMETERS);
            let found = found.values.into_iter().map(T::from_f64);
            assert_close(&format!("{} {name}", kind.name()), found, &expected, 1e-3);
        }
    }
}

#[test]
fn logits_and_importances_are_pytorchs_in_double_precision() {
    check_evaluation::<f64>();
}

#[test]
fn logits_and_importances_are_pytorchs_in_single_precision() {
    check_evaluation::<f32>();
}

fn check_stored<T: Real>() {
    let golden = golden();
    let inputs = golden.inputs::<T>();
    let network = golden.network::<T>("trained");
    let all = Examples::all(&inputs, golden.spec.inputs, &golden.y);
    let stored = store_importances(&network, &all, golden.recipe.batch, 2).unwrap();
    let stored = if size_of::<T>() == 4 {
        // Single precision is what the file holds: the way through it must not change a bit.
        let back = StoredImportances::from_tensors(&golden.spec, &stored.to_tensors(&golden.spec))
            .unwrap()
            .unwrap();
        assert_eq!(back, stored);
        back
    } else {
        stored
    };
    // The flagged rows alone, in another order than that of training: no training row is at hand.
    let positions: Vec<u32> = golden.forget.iter().rev().copied().collect();
    let width = golden.spec.inputs;
    let flagged: Vec<T> = positions
        .iter()
        .flat_map(|row| inputs[*row as usize * width..][..width].to_vec())
        .collect();
    let labels: Vec<u8> = positions.iter().map(|row| golden.y[*row as usize]).collect();
    let forget = Forget {
        inputs: &flagged,
        labels: &labels,
        positions: &positions,
    };
    let narrow = |values: Vec<f64>| values.into_iter().map(T::from_f64);
    let squared = stored.retain(&network, &forget, ImportanceKind::SquaredBatchGradient, 2).unwrap();
    let expected = flat(&golden.json["retain_importance_on_original_batches"], &PARAMETERS);
    assert_close("retain on original batches", narrow(squared.values), &expected, 1e-3);
    let fisher = stored.retain(&network, &forget, ImportanceKind::PerSampleFisher, 2).unwrap();
    let expected = flat(&golden.importances(ImportanceKind::PerSampleFisher)["retain"], &PARAMETERS);
    assert_close("retain by subtraction", narrow(fisher.values), &expected, 1e-3);
    for kind in ImportanceKind::ALL {
        let expected = flat(&golden.importances(kind)["full"], &PARAMETERS);
        assert_close("full from stored", narrow(stored.full(kind).values), &expected, 1e-3);
    }
}

#[test]
fn the_retain_importance_follows_from_the_flagged_rows_alone_in_double_precision() {
    check_stored::<f64>();
}

#[test]
fn the_retain_importance_follows_from_the_flagged_rows_alone_in_single_precision() {
    check_stored::<f32>();
}

/// Runs a method on the golden model and compares parameters, alpha and percentile.
fn check_repair<T: Real>(method: &str, options: &RepairOptions, expected: &Value) {
    let golden = golden();
    let inputs = golden.inputs::<T>();
    let width = golden.spec.inputs;
    let (network, initial) = (golden.network::<T>("trained"), golden.network::<T>("initial"));
    let flagged: Vec<T> = golden
        .forget
        .iter()
        .flat_map(|row| inputs[*row as usize * width..][..width].to_vec())
        .collect();
    let labels: Vec<u8> = golden.forget.iter().map(|row| golden.y[*row as usize]).collect();
    let request = Request {
        positions: &golden.forget,
        flagged: Some(Rows::table(&flagged, width, &labels)),
        corrections: &[],
        training: Some(Rows::table(&inputs, width, &golden.y)),
        augmented: None,
    };
    let trained = Trained {
        classifier: &network,
        initial: Some(&initial),
        plan: (&golden.recipe).into(),
        training_rows: golden.y.len(),
        importance_batch: golden.recipe.batch,
        stored: None,
        full_set: &[],
    };
    let quiet = Silent::default();
    let mut model = Session::new(trained, request, 2, &quiet).unwrap();
    let outcome = repair::apply(repair::method(method).unwrap(), &mut model, options, &quiet).unwrap();
    let what = format!("{method} {} {}", options.importance.name(), options.reference.name());
    let dampened = expected.get("dampened").unwrap_or(expected);
    assert_close(
        &what,
        model.network().parameters().iter().copied(),
        &flat(dampened, &PARAMETERS),
        0.05,
    );
    if let (Some(found), Some(alpha)) = (outcome.dampening, expected.get("alpha")) {
        assert_close("alpha", [T::from_f64(found.alpha)], &[alpha.as_f64().unwrap()], 1.0);
        assert!((found.percentile.unwrap() - expected["percentile"].as_f64().unwrap()).abs() < 1e-12);
        let changed = network
            .parameters()
            .iter()
            .zip(model.network().parameters())
            .filter(|(a, b)| a != b)
            .count();
        assert_eq!(found.dampened, changed, "{what}");
        assert_eq!(found.tensors.iter().map(|tensor| tensor.dampened).sum::<usize>(), changed);
        assert_eq!(found.parameters, golden.spec.parameters());
    }
}

fn check_repairs<T: Real>() {
    let golden = golden();
    for importance in ImportanceKind::ALL {
        for (reference, name) in [(Reference::Retain, "retain"), (Reference::Full, "full")] {
            let options = RepairOptions {
                importance,
                reference,
                ssd: SsdOptions { alpha: 2.0, lambda: 0.5 },
                ..RepairOptions::default()
            };
            let values = golden.importances(importance);
            check_repair::<T>("assd", &options, &values[format!("assd_reference_{name}")]);
            check_repair::<T>("ssd", &options, &values[format!("ssd_alpha2_lambda0.5_reference_{name}")]);
        }
    }
    let default = RepairOptions::default();
    check_repair::<T>("assd", &default, &golden.json["assd_reference_retain_on_original_batches"]);
    check_repair::<T>("finetune", &default, &golden.json["finetuned"]);
    check_repair::<T>("retrain", &default, &golden.json["retrained"]);
}

#[test]
fn repairs_give_pytorchs_parameters_in_double_precision() {
    check_repairs::<f64>();
}

#[test]
fn repairs_give_pytorchs_parameters_in_single_precision() {
    check_repairs::<f32>();
}
