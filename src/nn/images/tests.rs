//! The image networks against PyTorch's numbers (tests/fixtures/image_networks.py, float64), against finite differences, and on
//! several threads.

use serde_json::Value;

use super::*;
use crate::nn::{ImportanceKind, NamedTensor, Real};
use crate::progress::Silent;
use crate::seed::Seed;

/// `count` numbers from -1 to 1 that depend on nothing but the name; the same as in the fixture's script.
pub(super) fn unit(name: &str, count: usize) -> Vec<f64> {
    let start = name
        .bytes()
        .fold(0_u64, |start, byte| start.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let one = |index: u64| {
        let mut z = start.wrapping_add(index).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 11) as f64 * 2.0_f64.powi(-52) - 1.0
    };
    (0..count as u64).map(one).collect()
}

/// A network filled as the script fills its own.
pub(super) fn filled<T: Real>(spec: &ImageSpec) -> ImageNetwork<T> {
    let mut network = ImageNetwork::<T>::zeros(spec).unwrap();
    let value = |name: &str, shape: &[usize], drawn: f64| match shape.len() {
        1 if name.ends_with("running_var") || name.ends_with("weight") => 1.0 + 0.3 * drawn,
        1 => 0.1 * drawn,
        _ => drawn / (shape[1..].iter().product::<usize>() as f64).sqrt(),
    };
    for tensor in network.tensors().to_vec() {
        let drawn = unit(&tensor.name, tensor.len());
        for (to, drawn) in network.parameters_mut()[tensor.range()].iter_mut().zip(drawn) {
            *to = T::from_f64(value(&tensor.name, &tensor.shape, drawn));
        }
    }
    for tensor in network.buffer_tensors().to_vec() {
        let drawn = unit(&tensor.name, tensor.len());
        for (to, drawn) in network.buffers_mut()[tensor.range()].iter_mut().zip(drawn) {
            *to = T::from_f64(value(&tensor.name, &tensor.shape, drawn));
        }
    }
    network
}

struct Case {
    json: Value,
    spec: ImageSpec,
    labels: Vec<u8>,
    images: Vec<f64>,
}

fn case(name: &str) -> Case {
    let golden: Value = serde_json::from_str(include_str!("../../../tests/fixtures/image_networks.json")).unwrap();
    let json = golden["cases"]
        .as_array()
        .unwrap()
        .iter()
        .find(|case| case["name"] == name)
        .unwrap()
        .clone();
    let whole = |name: &str| json[name].as_u64().unwrap() as usize;
    let (size, classes) = (whole("size"), whole("classes"));
    let input = ImageShape::new(3, size, size);
    let spec = match name {
        "wide-resnet-small" => ImageSpec {
            name: name.to_owned(),
            input,
            classes,
            layers: zoo::wide_resnet(1, 1, classes),
        },
        _ => ImageSpec::named(name, input, classes).unwrap(),
    };
    Case {
        labels: (0..whole("images")).map(|image| (image * 3 % classes) as u8).collect(),
        images: unit("images", whole("images") * input.len()),
        spec,
        json,
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

pub(super) fn near(what: &str, found: f64, expected: f64, allowed: f64) {
    assert!(
        (found - expected).abs() <= allowed,
        "{what}: {found} and {expected}, allowed {allowed:e}"
    );
}

/// Compares tensors with the summaries of a fixture: length, a product, two elements.
fn tensors_agree<T: Real>(tensors: &[crate::nn::TensorSpec], values: &[T], expected: &Value, tolerance: f64) {
    let longest = tensors.iter().map(|tensor| numbers(&expected[&tensor.name])[0]).fold(0.0, f64::max);
    for tensor in tensors {
        let expected = numbers(&expected[&tensor.name]);
        let own: Vec<f64> = values[tensor.range()].iter().map(|value| value.to_f64()).collect();
        // Gradients that are 0 but for rounding, such as of a bias before a batch norm, are held against the longest.
        let allowed = tolerance * expected[0].max(1e-2 * longest);
        let length = own.iter().map(|value| value * value).sum::<f64>().sqrt();
        let product = own
            .iter()
            .zip(unit(&format!("{}#", tensor.name), own.len()))
            .map(|(a, b)| a * b)
            .sum::<f64>();
        near(&tensor.name, length, expected[0], allowed);
        near(&tensor.name, product, expected[1], allowed);
        for (found, expected) in own.iter().zip(&expected[2..]) {
            near(&tensor.name, *found, *expected, allowed);
        }
    }
}

pub(super) fn agrees_with_pytorch<T: Real>(name: &str, modes: &[(Mode, &str)], tolerance: f64) {
    let case = case(name);
    let network = filled::<T>(&case.spec);
    let images: Vec<T> = case.images.iter().map(|value| T::from_f64(*value)).collect();
    for (mode, mode_name) in modes {
        let expected = &case.json[*mode_name];
        let (loss, gradient) = image_gradient(&network, &images, &case.labels, *mode, 2).unwrap();
        near(mode_name, loss, expected["loss"].as_f64().unwrap(), tolerance);
        tensors_agree(network.tensors(), &gradient, &expected["gradients"], tolerance);
        let names = expected["gradients"].as_object().unwrap();
        assert_eq!(names.len(), network.tensors().len());
        if *mode == Mode::Evaluation {
            let logits = image_logits(&network, &images, 2).unwrap();
            let expected = numbers(&expected["logits"]);
            let largest = expected.iter().fold(0.0_f64, |largest, logit| largest.max(logit.abs()));
            for (found, expected) in logits.iter().zip(&expected) {
                near("logit", found.to_f64(), *expected, tolerance * largest);
            }
        }
    }
}

pub(super) const TRAINING: (Mode, &str) = (Mode::Training, "training");
pub(super) const EVALUATION: (Mode, &str) = (Mode::Evaluation, "evaluation");

#[test]
fn the_small_wide_resnet_agrees_with_pytorch_in_both_modes_and_precisions() {
    agrees_with_pytorch::<f64>("wide-resnet-small", &[TRAINING, EVALUATION], 1e-10);
    agrees_with_pytorch::<f32>("wide-resnet-small", &[TRAINING, EVALUATION], 1e-4);
}

#[test]
fn resnet9_agrees_with_pytorch() {
    agrees_with_pytorch::<f64>("resnet9", &[TRAINING], 1e-9);
    agrees_with_pytorch::<f32>("resnet9", &[EVALUATION], 1e-4);
}

#[test]
fn resnet18_agrees_with_pytorch() {
    agrees_with_pytorch::<f32>("resnet18", &[EVALUATION], 1e-4);
}

#[test]
#[ignore = "slow without optimisation"]
fn all_networks_agree_with_pytorch_in_both_modes_and_precisions() {
    for name in ["resnet9", "resnet18"] {
        agrees_with_pytorch::<f64>(name, &[TRAINING, EVALUATION], 1e-9);
        agrees_with_pytorch::<f32>(name, &[TRAINING, EVALUATION], 1e-3);
    }
}

#[test]
fn three_steps_with_momentum_and_decay_are_those_of_pytorch() {
    let case = case("wide-resnet-small");
    let mut stepper = ImageStepper::new(filled::<f64>(&case.spec), 2).unwrap();
    let recipe = ImageRecipe::published_forgetting(10);
    let expected = &case.json["steps"];
    for loss in numbers(&expected["losses"]) {
        let images = StepImages::Values(&case.images);
        let found = stepper.step(images, &case.labels, &recipe, 0.05).unwrap();
        near("loss", found, loss, 1e-9);
    }
    let network = stepper.into_network().unwrap();
    tensors_agree(network.tensors(), network.parameters(), &expected["state"], 1e-9);
    tensors_agree(network.buffer_tensors(), network.buffers(), &expected["state"], 1e-9);
}

/// Every kind of layer on 2 x 6 x 6 images.
pub(super) fn every_layer() -> ImageSpec {
    let conv = |name: &str, outputs, (kernel, stride, padding), bias| Layer::Conv {
        name: name.to_owned(),
        outputs,
        kernel,
        stride,
        padding,
        bias,
    };
    let norm = |name: &str| Layer::Norm { name: name.to_owned() };
    let layers = vec![
        conv("a", 3, (3, 1, 1), true),
        Layer::Celu { alpha: 0.5 },
        norm("b"),
        Layer::Scale { factor: 1.25 },
        Layer::Residual {
            main: vec![Layer::Relu, conv("c", 4, (2, 2, 0), false), norm("d"), Layer::Celu { alpha: 0.075 }],
            shortcut: vec![Layer::MaxPool { size: 2, stride: 2 }, conv("e", 4, (1, 1, 0), true)],
        },
        Layer::Relu,
        Layer::Residual {
            main: vec![Layer::GlobalMaxPool, Layer::Scale { factor: 0.5 }],
            shortcut: vec![Layer::GlobalAveragePool],
        },
        Layer::Scale { factor: 0.75 },
        Layer::Linear {
            name: "f".to_owned(),
            outputs: 3,
            bias: true,
        },
    ];
    ImageSpec {
        name: "every layer".to_owned(),
        input: ImageShape::new(2, 6, 6),
        classes: 3,
        layers,
    }
}

pub(super) fn gradients_agree_with_finite_differences(spec: &ImageSpec) {
    let network = filled::<f64>(spec);
    let images = unit("finite", 5 * spec.input.len());
    let labels = [0, 2, 1, 1, 0];
    for mode in [Mode::Training, Mode::Evaluation] {
        let (_, gradient) = image_gradient(&network, &images, &labels, mode, 1).unwrap();
        let loss_at = |index: usize, change: f64| {
            let mut moved = network.clone();
            moved.parameters_mut()[index] += change;
            image_gradient(&moved, &images, &labels, mode, 1).unwrap().0
        };
        for (index, found) in gradient.iter().enumerate() {
            let expected = (loss_at(index, 1e-6) - loss_at(index, -1e-6)) / 2e-6;
            let tensor = network.tensors().iter().find(|tensor| tensor.range().contains(&index)).unwrap();
            assert!((found - expected).abs() < 1e-7, "{mode:?}, {}: {found} and {expected}", tensor.name);
        }
        assert!(gradient.iter().filter(|value| value.abs() > 1e-4).count() > gradient.len() / 2);
    }
}

#[test]
fn gradients_of_every_layer_agree_with_finite_differences() {
    gradients_agree_with_finite_differences(&every_layer());
}

pub(super) fn results_are_the_same_bits(spec: &ImageSpec) {
    let network = filled::<f32>(spec);
    let images: Vec<f32> = unit("threads", 21 * spec.input.len()).iter().map(|value| *value as f32).collect();
    let labels: Vec<u8> = (0..21).map(|image| image % 3).collect();
    for mode in [Mode::Training, Mode::Evaluation] {
        let one = image_gradient(&network, &images, &labels, mode, 1).unwrap();
        for threads in [2, 3, 40] {
            assert!(
                one == image_gradient(&network, &images, &labels, mode, threads).unwrap(),
                "{mode:?}, {threads} threads"
            );
        }
    }
    let one = image_logits(&network, &images, 1).unwrap();
    assert!(one == image_logits(&network, &images, 3).unwrap());
    // Of an image alone too: in evaluation, images know nothing of each other.
    let alone = image_logits(&network, &images[..spec.input.len()], 1).unwrap();
    for (alone, among) in alone.iter().zip(&one) {
        assert!((alone - among).abs() < 1e-5);
    }
}

#[test]
fn results_are_the_same_bits_for_any_number_of_threads() {
    results_are_the_same_bits(&every_layer());
}

#[test]
fn tensors_go_out_and_come_back_and_others_are_refused() {
    let spec = every_layer();
    let network = filled::<f32>(&spec);
    let tensors = network.to_tensors();
    assert_eq!(tensors[0].shape, [3, 2, 3, 3]);
    assert!(ImageNetwork::from_tensors(&spec, &tensors).unwrap() == network);
    let changed = |name: &str, change: &dyn Fn(&mut NamedTensor)| {
        let mut tensors = tensors.clone();
        change(tensors.iter_mut().find(|tensor| tensor.name == name).unwrap());
        ImageNetwork::<f32>::from_tensors(&spec, &tensors).unwrap_err().to_string()
    };
    assert!(changed("a.weight", &|tensor| tensor.name.push('x')).contains("`a.weight` is missing"));
    assert!(changed("c.weight", &|tensor| tensor.shape.reverse()).contains("`c.weight` has shape"));
    assert!(changed("f.bias", &|tensor| tensor.values[0] = f32::NAN).contains("not a finite number"));
    assert!(changed("b.running_var", &|tensor| tensor.values[0] = -1.0).contains("negative variance"));
}

#[test]
fn layers_that_do_not_fit_are_refused() {
    let refused = |change: &dyn Fn(&mut Vec<Layer>), cause: &str| {
        let mut spec = every_layer();
        change(&mut spec.layers);
        let error = ImageNetwork::<f32>::zeros(&spec).unwrap_err().to_string();
        assert!(error.contains(cause), "{error}");
    };
    refused(
        &|layers| layers.truncate(5),
        "ends with 4 x 3 x 3 and has 3 classes".trim_end_matches(" and has 3 classes"),
    );
    refused(&|layers| layers.clear(), "ends with");
    refused(
        &|layers| layers.push(Layer::Norm { name: "a".to_owned() }),
        "two layers have the name `a`",
    );
    refused(&|layers| layers[1] = Layer::Celu { alpha: 0.0 }, "alpha of a CELU is 0");
    refused(
        &|layers| layers.insert(0, Layer::MaxPool { size: 7, stride: 1 }),
        "max-pool of size 7",
    );
    refused(
        &|layers| {
            layers[3] = Layer::Residual {
                main: vec![Layer::GlobalMaxPool],
                shortcut: Vec::new(),
            }
        },
        "the two ways of a residual layer make 3 x 1 x 1 and 3 x 6 x 6",
    );
    let huge = Layer::Linear {
        name: "huge".to_owned(),
        outputs: 1 << 40,
        bias: true,
    };
    refused(&|layers| layers.push(huge.clone()), "too many parameters");
}

#[test]
fn initial_weights_are_pytorchs_default_ranges() {
    let network = ImageNetwork::<f64>::initial(&every_layer(), Seed(3)).unwrap();
    let of = |name: &str| {
        let tensor = network.tensors().iter().find(|tensor| tensor.name == name).unwrap();
        network.parameters()[tensor.range()].to_vec()
    };
    let bound = 1.0 / 18.0_f64.sqrt();
    assert!(of("a.weight").iter().chain(&of("a.bias")).all(|value| value.abs() <= bound));
    assert!(of("a.weight").iter().any(|value| value.abs() > 0.8 * bound));
    assert!(of("b.weight") == [1.0; 3] && of("b.bias") == [0.0; 3]);
    assert!(network == ImageNetwork::initial(&every_layer(), Seed(3)).unwrap());
    assert!(network != ImageNetwork::initial(&every_layer(), Seed(4)).unwrap());
}

#[test]
fn learning_rates_follow_the_published_schedules() {
    // 50,000 images in batches of 64: 782 steps an epoch.
    let recipe = ImageRecipe::published_forgetting(10);
    recipe.check().unwrap();
    assert_eq!((recipe.steps_per_epoch(50_000), recipe.steps(50_000)), (782, 15_640));
    let rate = |step| recipe.rate(step, 50_000);
    near("start", rate(0), 0.0, 0.0);
    near("half of warm-up", rate(391), 0.05, 1e-15);
    near("epoch 2", rate(782), 0.1, 1e-15);
    near("end of epoch 7", rate(7 * 782 - 1), 0.1, 1e-15);
    near("epoch 8", rate(7 * 782), 0.02, 1e-15);
    near("last", rate(15_639), 0.0008, 1e-15);
    let recipe = ImageRecipe::published_corrective(4_000);
    recipe.check().unwrap();
    let rate = |step| recipe.rate(step, 50_000);
    near("start", rate(0), 0.0, 0.0);
    near("half of warm-up", rate(20), 0.0125, 1e-15);
    near("top", rate(40), 0.025, 1e-15);
    near("end", rate(4_000), 0.025 * 1_000.0 / 4_960.0, 1e-15);
    // A single image left over joins the batch before.
    assert_eq!(
        (recipe.steps_per_epoch(513), recipe.steps_per_epoch(514), recipe.steps_per_epoch(1)),
        (1, 2, 1)
    );
    let wrong = |change: &dyn Fn(&mut ImageRecipe)| {
        let mut recipe = recipe.clone();
        change(&mut recipe);
        recipe.check().unwrap_err()
    };
    for error in [
        wrong(&|recipe| recipe.batch = 1),
        wrong(&|recipe| recipe.momentum = 1.0),
        wrong(&|recipe| recipe.learning_rate = f64::NAN),
        wrong(&|recipe| recipe.weight_decay = -1.0),
        wrong(&|recipe| recipe.schedule = Schedule::Linear { warm_up: 0.0, reach: 0.9 }),
    ] {
        assert_eq!(error.exit_code(), 2);
    }
}

#[test]
fn importances_are_those_of_the_loop_over_batches_or_images() {
    importances_are_those_of_the_loop(&every_layer());
}

pub(super) fn importances_are_those_of_the_loop(spec: &ImageSpec) {
    let network = filled::<f64>(spec);
    let size = spec.input.len();
    let values = unit("importances", 21 * size);
    let labels: Vec<u8> = (0..21).map(|image| image * 2 % 3).collect();
    let source = PlainImages {
        shape: spec.input,
        values: &values,
        labels: &labels,
    };
    let rows: Vec<u32> = (0..21).rev().filter(|row| row % 5 != 0).collect();
    let measure = |kind, batch, threads| {
        let measured = image_importance(&network, &source, &rows, (kind, batch), threads, &Silent::default());
        measured.unwrap().values
    };
    for (kind, batch) in [(ImportanceKind::SquaredBatchGradient, 6), (ImportanceKind::PerSampleFisher, 1)] {
        let batches: Vec<&[u32]> = rows.chunks(batch).collect();
        let mut expected = vec![0.0; network.parameters().len()];
        for rows in &batches {
            let images: Vec<f64> = rows
                .iter()
                .flat_map(|row| values[*row as usize * size..][..size].to_vec())
                .collect();
            let labels: Vec<u8> = rows.iter().map(|row| labels[*row as usize]).collect();
            let (_, gradient) = image_gradient(&network, &images, &labels, Mode::Evaluation, 1).unwrap();
            for (expected, gradient) in expected.iter_mut().zip(gradient) {
                *expected += gradient * gradient / batches.len() as f64;
            }
        }
        let found = measure(kind, batch, 1);
        for (found, expected) in found.iter().zip(&expected) {
            near(kind.name(), *found, *expected, 1e-12 * (1e-3 + expected));
        }
        assert!(found == measure(kind, batch, 3), "the number of threads changes nothing");
    }
    let same = measure(ImportanceKind::PerSampleFisher, 7, 1);
    assert!(
        same == measure(ImportanceKind::PerSampleFisher, 21, 2),
        "the batch size changes nothing"
    );
    let refused = |rows: &[u32], batch| {
        let kind = ImportanceKind::PerSampleFisher;
        image_importance(&network, &source, rows, (kind, batch), 1, &Silent::default()).is_err()
    };
    assert!(refused(&[], 4) && refused(&[0], 0) && refused(&[21], 4));
}
