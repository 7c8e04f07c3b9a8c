//! The image engine on a GPU, with the kernels run on the host, against the CPU engine in double precision.

use super::super::device::{Accelerated, Compute};
use super::super::tests::{every_layer, filled, unit};
use super::super::*;
use super::*;
use crate::nn::cuda::host::Host;
use crate::nn::{ImportanceKind, OutputSize, RowLosses, Sgd, TensorSpec};
use crate::progress::Silent;
use crate::seed::Seed;
use std::sync::MutexGuard;

/// The device, in pieces of this many bytes of windows.
fn device(precision: Precision, windows: usize) -> Option<(ImagesOn<Host>, MutexGuard<'static, ()>)> {
    let (host, guard) = Host::with(&precision.program(), 1 << 31)?;
    let mut device = ImagesOn::new(host, precision).unwrap();
    device.windows = windows;
    Some((device, guard))
}

/// Numbers of channels that are taken together, windows that overlap, a kernel that leaves no border, a residual that is read twice.
fn packed() -> ImageSpec {
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
        conv("a", 8, (3, 1, 1), true),
        norm("b"),
        Layer::Celu { alpha: 0.075 },
        conv("c", 16, (5, 2, 2), true),
        norm("d"),
        Layer::Relu,
        Layer::Residual {
            main: vec![
                conv("e", 16, (3, 1, 1), false),
                norm("f"),
                Layer::Relu,
                conv("g", 16, (1, 1, 0), false),
            ],
            shortcut: Vec::new(),
        },
        Layer::MaxPool { size: 3, stride: 2 },
        conv("h", 40, (2, 1, 0), true),
        norm("i"),
        Layer::Relu,
        Layer::Linear {
            name: "j".to_owned(),
            outputs: 5,
            bias: true,
        },
    ];
    ImageSpec {
        name: "packed".to_owned(),
        input: ImageShape::new(3, 11, 9),
        classes: 5,
        layers,
    }
}

struct Set {
    spec: ImageSpec,
    network: ImageNetwork<f64>,
    values: Vec<f64>,
    labels: Vec<u8>,
}

const IMAGES: usize = 7;

fn sets() -> Vec<Set> {
    let tiny = ImageSpec::named("resnet-tiny", ImageShape::new(3, 8, 8), 4).unwrap();
    let of = |spec: ImageSpec| Set {
        network: filled(&spec),
        values: unit("images", IMAGES * spec.input.len()),
        labels: (0..IMAGES).map(|image| (image * 3 % spec.classes) as u8).collect(),
        spec,
    };
    vec![of(every_layer()), of(packed()), of(tiny)]
}

impl Set {
    fn source(&self) -> PlainImages<'_, f64> {
        PlainImages {
            shape: self.spec.input,
            values: &self.values,
            labels: &self.labels,
        }
    }
}

fn length(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// Every tensor within `share` of its length; those that are 0 but for rounding are held against the longest.
#[track_caller]
fn assert_near(tensors: &[TensorSpec], found: &[f64], expected: &[f64], share: f64) {
    assert_eq!(found.len(), expected.len());
    let longest = tensors.iter().map(|tensor| length(&expected[tensor.range()])).fold(0.0, f64::max);
    assert!(longest > 0.0);
    for tensor in tensors {
        let (found, expected) = (&found[tensor.range()], &expected[tensor.range()]);
        let away: Vec<f64> = found.iter().zip(expected).map(|(a, b)| a - b).collect();
        let allowed = share * length(expected).max(1e-2 * longest);
        assert!(
            length(&away) <= allowed,
            "{}: {:e} of {:e}",
            tensor.name,
            length(&away),
            length(expected)
        );
    }
}

fn recipe() -> ImageRecipe {
    ImageRecipe {
        weight_decay: 0.01,
        nesterov: true,
        ..ImageRecipe::published_forgetting(10)
    }
}

/// Losses, network and velocities after three steps.
fn three_steps(set: &Set, compute: Compute) -> (Vec<f64>, ImageNetwork<f64>, Vec<f64>) {
    let mut stepper = ImageStepper::new(set.network.clone(), compute).unwrap();
    stepper.upload(&set.source()).unwrap();
    let mut losses = Vec::new();
    for round in 0..3 {
        let rows: Vec<u32> = (0..IMAGES as u32 - round).collect();
        let labels: Vec<u8> = rows.iter().map(|row| set.labels[*row as usize]).collect();
        let source = set.source();
        let images = StepImages::Rows {
            source: &source,
            epoch: 0,
            rows: &rows,
        };
        losses.push(stepper.step(images, &labels, &recipe(), 0.02).unwrap());
    }
    let velocities = stepper.velocities().unwrap();
    (losses, stepper.into_network().unwrap(), velocities)
}

#[test]
fn training_agrees_with_the_processor_also_piece_by_piece() {
    for windows in [1 << 30, 40_000] {
        for precision in [Precision::Single, Precision::Tensor] {
            let Some((device, _guard)) = device(precision, windows) else {
                return;
            };
            let device = Accelerated::new(device);
            for set in sets() {
                let expected = three_steps(&set, 2.into());
                let found = three_steps(&set, Compute::on(&device, 2));
                for (found, expected) in found.0.iter().zip(&expected.0) {
                    assert!((found - expected).abs() < 1e-4 * expected, "{found} {expected}");
                }
                assert_near(set.network.tensors(), found.1.parameters(), expected.1.parameters(), 1e-4);
                assert_near(set.network.buffer_tensors(), found.1.buffers(), expected.1.buffers(), 1e-4);
                assert_near(set.network.tensors(), &found.2, &expected.2, 1e-3);
            }
        }
    }
}

#[test]
fn the_last_layer_alone_moves_where_that_is_wanted() {
    let Some((device, _guard)) = device(Precision::Single, 1 << 30) else {
        return;
    };
    let device = Accelerated::new(device);
    for set in sets() {
        let head = set.network.tensors().iter().rfind(|tensor| tensor.shape.len() >= 2).unwrap().offset;
        let sgd = Sgd {
            from: head,
            ..recipe().sgd()
        };
        let step = |compute: Compute| {
            let mut stepper = ImageStepper::new(set.network.clone(), compute).unwrap();
            let losses = RowLosses {
                labels: &set.labels,
                label_weights: &vec![1.0 / set.labels.len() as f64; set.labels.len()],
                targets: &[],
                target_weights: &[],
                temperature: 1.0,
                entropy_weights: &[],
            };
            for _ in 0..2 {
                stepper.step_on(StepImages::Values(&set.values), &losses, sgd, 0.02).unwrap();
            }
            stepper.into_network().unwrap()
        };
        let (expected, found) = (step(2.into()), step(Compute::on(&device, 2)));
        assert_near(set.network.tensors(), found.parameters(), expected.parameters(), 1e-4);
        let same = |one: &[f64], other: &[f64]| one.iter().zip(other).all(|(one, other)| *one as f32 == *other as f32);
        assert!(same(&found.parameters()[..head], &set.network.parameters()[..head]));
        assert!(!same(&found.parameters()[head..], &set.network.parameters()[head..]));
    }
}

#[test]
fn gradients_and_logits_agree_in_evaluation_mode() {
    let Some((device, _guard)) = device(Precision::Single, 1 << 30) else {
        return;
    };
    let device = Accelerated::new(device);
    for set in sets() {
        let on = Compute::on(&device, 1);
        let expected = image_logits(&set.network, &set.values, 2).unwrap();
        let found = logits_with(&set.network, &set.values, on).unwrap();
        let whole = |len: usize| {
            vec![TensorSpec {
                name: "logits".to_owned(),
                shape: vec![len],
                offset: 0,
            }]
        };
        assert_near(&whole(found.len()), &found, &expected, 1e-5);
        let rows: Vec<u32> = vec![4, 0, 2];
        let of_rows = |compute| source_logits(&set.network, &set.source(), &rows, 0, compute, &Silent::default()).unwrap();
        assert_near(&whole(3 * set.spec.classes), &of_rows(on), &of_rows(2.into()), 1e-5);
    }
}

#[test]
fn importances_of_all_kinds_agree() {
    for windows in [1 << 30, 40_000] {
        let Some((device, _guard)) = device(Precision::Single, windows) else {
            return;
        };
        let device = Accelerated::new(device);
        for set in sets() {
            let rows: Vec<u32> = (0..IMAGES as u32).collect();
            for kind in [ImportanceKind::SquaredBatchGradient, ImportanceKind::PerSampleFisher] {
                let of = |compute: Compute| {
                    image_importance(&set.network, &set.source(), &rows, (kind, 3), compute, &Silent::default())
                        .unwrap()
                        .values
                };
                assert_near(set.network.tensors(), &of(Compute::on(&device, 1)), &of(2.into()), 1e-4);
            }
            let of = |compute: Compute| {
                let batches = [vec![0, 5], vec![], vec![3, 1, 2]];
                image_importance_in_batches(&set.network, &set.source(), &batches, compute, &Silent::default())
                    .unwrap()
                    .values
            };
            assert_near(set.network.tensors(), &of(Compute::on(&device, 1)), &of(2.into()), 1e-4);
            for size in [OutputSize::SquaredLength, OutputSize::Length] {
                let of = |compute: Compute| {
                    image_output_sensitivity(&set.network, &set.source(), &rows, (size, 4), compute, &Silent::default()).unwrap()
                };
                assert_near(set.network.tensors(), &of(Compute::on(&device, 1)), &of(2.into()), 1e-4);
            }
        }
    }
}

#[test]
fn half_precision_stays_near_single() {
    let Some((device, _guard)) = device(Precision::Half, 40_000) else {
        return;
    };
    let device = Accelerated::new(device);
    for set in sets() {
        let rows: Vec<u32> = (0..IMAGES as u32).collect();
        let of = |compute: Compute| {
            image_importance(
                &set.network,
                &set.source(),
                &rows,
                (ImportanceKind::SquaredBatchGradient, 3),
                compute,
                &Silent::default(),
            )
            .unwrap()
            .values
        };
        let (found, expected) = (of(Compute::on(&device, 1)), of(2.into()));
        assert_near(set.network.tensors(), &found, &expected, 0.15);
    }
}

#[test]
fn memory_comes_back_and_what_cannot_be_is_said() {
    let Some((host, _guard)) = Host::with(&Precision::Single.program(), 1 << 22) else {
        return;
    };
    let device = Accelerated::new(ImagesOn::new(host, Precision::Single).unwrap());
    let set = sets().remove(2);
    let on = Compute::on(&device, 1);
    for _ in 0..20 {
        logits_with(&set.network, &set.values, on).unwrap();
    }
    let mut stepper = ImageStepper::new(set.network.clone(), on).unwrap();
    let many = vec![0.5; 600 * set.spec.input.len()];
    let labels = vec![0; 600];
    let error = stepper.step(StepImages::Values(&many), &labels, &recipe(), 0.1).unwrap_err();
    assert!(error.message().contains("memory"), "{error:?}");
    stepper.step(StepImages::Values(&set.values), &set.labels, &recipe(), 0.1).unwrap();
    let alone = ImageSpec {
        input: ImageShape::new(3, 1, 1),
        classes: 2,
        name: "alone".to_owned(),
        layers: vec![
            Layer::Norm { name: "a".to_owned() },
            Layer::Linear {
                name: "b".to_owned(),
                outputs: 2,
                bias: true,
            },
        ],
    };
    let mut stepper = ImageStepper::new(ImageNetwork::<f32>::initial(&alone, Seed(1)).unwrap(), on).unwrap();
    let error = stepper
        .step(StepImages::Values(&[0.1, 0.2, 0.3]), &[1], &recipe(), 0.1)
        .unwrap_err();
    assert!(error.message().contains("at least 2 images"), "{error:?}");
    let vit = ImageSpec::named("vit-tiny", ImageShape::CIFAR, 2).unwrap();
    assert!(!device.takes(&ImageNetwork::<f32>::initial(&vit, Seed(1)).unwrap()));
}
