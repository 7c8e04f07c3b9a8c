//! Measuring over chosen images, steps on losses of repair methods, and trainings that go on after a stop.

use super::tests::*;
use super::*;
use crate::nn::{ImportanceKind, OutputSize, RowLosses, Sgd};
use crate::progress::Silent;
use crate::seed::Seed;

#[test]
fn batches_of_ones_own_and_selected_images_are_measured_as_the_loop_does_it() {
    let spec = every_layer();
    let network = filled::<f64>(&spec);
    let size = spec.input.len();
    let values = unit("own-batches", 9 * size);
    let labels: Vec<u8> = (0..9).map(|image| image % 3).collect();
    let source = PlainImages {
        shape: spec.input,
        values: &values,
        labels: &labels,
    };
    let batches = [vec![8, 1, 4], vec![], vec![0, 2]];
    let gradient = |rows: &[u32]| -> Vec<f64> {
        let images: Vec<f64> = rows
            .iter()
            .flat_map(|row| values[*row as usize * size..][..size].to_vec())
            .collect();
        let labels: Vec<u8> = rows.iter().map(|row| labels[*row as usize]).collect();
        image_gradient(&network, &images, &labels, Mode::Evaluation, 1).unwrap().1
    };
    let (first, second) = (gradient(&batches[0]), gradient(&batches[2]));
    let found = image_importance_in_batches(&network, &source, &batches, 2, &Silent::default()).unwrap();
    for ((found, one), other) in found.values.iter().zip(&first).zip(&second) {
        near("own batches", *found, (one * one + other * other) / 2.0, 1e-12 * (1e-3 + found));
    }

    let selected = SelectedImages::new(&source, vec![8, 1, 4]).unwrap();
    assert_eq!(selected.labels(), [2, 1, 1]);
    let kind = ImportanceKind::SquaredBatchGradient;
    let of_selected = image_importance(&network, &selected, &[0, 1, 2], (kind, 3), 1, &Silent::default()).unwrap();
    let of_source = image_importance(&network, &source, &[8, 1, 4], (kind, 3), 1, &Silent::default()).unwrap();
    assert!(of_selected == of_source);
    assert!(SelectedImages::new(&source, vec![9]).is_err());

    let logits = source_logits(&network, &selected, &[2, 0], 0, 2, &Silent::default()).unwrap();
    let both = [&values[4 * size..5 * size], &values[8 * size..9 * size]].concat();
    assert!(logits == image_logits(&network, &both, 1).unwrap());
}

#[test]
fn the_reaction_of_the_output_agrees_with_finite_differences() {
    let spec = every_layer();
    let network = filled::<f64>(&spec);
    let size = spec.input.len();
    let values = unit("reaction", 5 * size);
    let source = PlainImages {
        shape: spec.input,
        values: &values,
        labels: &[0; 5],
    };
    let rows: Vec<u32> = (0..5).collect();
    for size in [OutputSize::SquaredLength, OutputSize::Length] {
        let found = image_output_sensitivity(&network, &source, &rows, (size, 3), 2, &Silent::default()).unwrap();
        let mean_size = |network: &ImageNetwork<f64>, rows: &[u32]| {
            let logits = source_logits(network, &source, rows, 0, 1, &Silent::default()).unwrap();
            let squares = logits
                .chunks(spec.classes)
                .map(|row| row.iter().map(|logit| logit * logit).sum::<f64>());
            let sizes = squares.map(|square| if size == OutputSize::Length { square.sqrt() } else { square });
            sizes.sum::<f64>() / rows.len() as f64
        };
        let count = network.parameters().len();
        for index in (0..count).step_by(count / 60) {
            let slope = |rows: &[u32]| {
                let at = |step: f64| {
                    let mut moved = network.clone();
                    moved.parameters_mut()[index] += step;
                    mean_size(&moved, rows)
                };
                (at(1e-5) - at(-1e-5)) / 2e-5
            };
            let expected = (slope(&rows[..3]).abs() + slope(&rows[3..]).abs()) / 2.0;
            near("reaction", found[index], expected, 1e-5 * (1e-2 + expected));
        }
    }
}

#[test]
fn steps_on_mixed_losses_descend_along_finite_differences() {
    let spec = every_layer();
    let start = filled::<f64>(&spec);
    let count = 5;
    let images = unit("mixed", count * spec.input.len());
    let labels = [0, 2, 1, 1, 0];
    let targets = crate::nn::softened(&unit("mixed-targets", count * 3), 3, 2.0);
    let losses = RowLosses {
        labels: &labels,
        label_weights: &[0.4, -0.3, 0.0, 0.2, 0.1],
        targets: &targets,
        target_weights: &[0.0, -0.5, 0.7, 0.0, 0.2],
        temperature: 2.0,
        entropy_weights: &[0.1, 0.0, 0.0, -0.3, 0.2],
    };
    let sgd = Sgd {
        momentum: 0.0,
        nesterov: false,
        weight_decay: 0.0,
        from: 0,
    };
    let images_of_step = StepImages::Values(&images);
    let loss_of = |network: &ImageNetwork<f64>| {
        let mut stepper = ImageStepper::new(network.clone(), 2).unwrap();
        stepper.step_on(images_of_step, &losses, sgd, 0.0).unwrap()
    };
    let mut stepper = ImageStepper::new(start.clone(), 3).unwrap();
    let loss = stepper.step_on(images_of_step, &losses, sgd, 1.0).unwrap();
    let moved = stepper.into_network().unwrap();
    near("the loss before the step", loss, loss_of(&start), 1e-12);
    let parameters = start.parameters().len();
    for index in (0..parameters).step_by(parameters / 60) {
        let at = |step: f64| {
            let mut network = start.clone();
            network.parameters_mut()[index] += step;
            loss_of(&network)
        };
        let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
        let found = start.parameters()[index] - moved.parameters()[index];
        near("mixed losses", found, expected, 1e-5 * (1e-2 + expected.abs()));
    }
    let plain = RowLosses {
        label_weights: &[0.2; 5],
        targets: &[],
        target_weights: &[],
        entropy_weights: &[],
        ..losses
    };
    let recipe = ImageRecipe::published_forgetting(10);
    let stepper = || ImageStepper::new(start.clone(), 1).unwrap();
    let (mut one, mut other) = (stepper(), stepper());
    one.step_on(images_of_step, &plain, recipe.sgd(), 0.1).unwrap();
    other.step(StepImages::Values(&images), &labels, &recipe, 0.1).unwrap();
    let (one, other) = (one.into_network().unwrap(), other.into_network().unwrap());
    for (one, other) in one.parameters().iter().zip(other.parameters()) {
        near("equal weights are a plain step", *one, *other, 1e-12);
    }
    let wrong = RowLosses {
        label_weights: &[0.2; 4],
        ..plain
    };
    assert!(stepper().step_on(images_of_step, &wrong, recipe.sgd(), 0.1).is_err());
}

/// Keeps the checkpoints of a training, or gives one.
#[derive(Default)]
struct Kept {
    all: std::sync::Mutex<Vec<Checkpoint<f64>>>,
    first: Option<Checkpoint<f64>>,
}

impl Checkpoints<f64> for Kept {
    fn last(&self) -> crate::error::Result<Option<Checkpoint<f64>>> {
        Ok(self.first.clone())
    }

    fn keep(&self, checkpoint: &Checkpoint<f64>) -> crate::error::Result<()> {
        self.all.lock().unwrap().push(checkpoint.clone());
        Ok(())
    }
}

#[test]
fn training_goes_on_from_any_epoch_with_the_bytes_of_one_that_was_never_stopped() {
    let spec = every_layer();
    let start = filled::<f64>(&spec);
    let values = unit("resumed", 13 * spec.input.len());
    let labels: Vec<u8> = (0..13).map(|image| image % 3).collect();
    let source = PlainImages {
        shape: spec.input,
        values: &values,
        labels: &labels,
    };
    for length in [Length::Epochs(4), Length::Steps(10)] {
        let recipe = ImageRecipe {
            length,
            batch: 4,
            learning_rate: 0.01,
            ..ImageRecipe::published_forgetting(10)
        };
        let training = ImageTraining {
            source: &source,
            recipe: &recipe,
            seed: Seed(3),
            first_epoch: 0,
            compute: 2.into(),
        };
        let kept = Kept::default();
        let (whole, log) = training.run(&start, &kept, &Silent::default()).unwrap();
        let mut plain = start.clone();
        let same = train_images(&mut plain, &source, &recipe, Seed(3), 1, &Silent::default()).unwrap();
        assert!(plain == whole && same == log && log.epochs.len() == 4);
        let all = kept.all.into_inner().unwrap();
        assert_eq!(all.len(), 3, "after every epoch but the last");
        for checkpoint in all {
            let from = Kept {
                first: Some(checkpoint),
                ..Kept::default()
            };
            let (resumed, again) = training.run(&start, &from, &Silent::default()).unwrap();
            assert!(resumed == whole && again == log);
        }
    }
}

#[test]
fn whitening_weights_stay_as_they_begin() {
    let shape = ImageShape::CIFAR;
    let spec = ImageSpec::named("fast", shape, 10).unwrap();
    let values: Vec<f32> = (0..4 * shape.len()).map(|at| (at as f32 * 0.37).sin()).collect();
    let labels = [0, 1, 2, 3];
    let source = PlainImages {
        shape,
        values: &values,
        labels: &labels,
    };
    let initial = ImageNetwork::initial(&spec, Seed(1)).unwrap().whitened(&source, 2).unwrap();
    let kept = initial.kept_weights();
    assert_eq!(kept, 24 * 3 * 2 * 2);
    let mut stepper = ImageStepper::new(initial.clone(), 2).unwrap();
    stepper
        .step(StepImages::Values(&values), &labels, &ImageRecipe::fast(), 0.1)
        .unwrap();
    let stepped = stepper.into_network().unwrap();
    assert_eq!(stepped.parameters()[..kept], initial.parameters()[..kept]);
    for tensor in &initial.tensors()[1..] {
        assert_ne!(
            stepped.parameters()[tensor.range()],
            initial.parameters()[tensor.range()],
            "{}",
            tensor.name
        );
    }
    // A network that whitens nothing learns all of its weights.
    let plain = ImageNetwork::<f32>::initial(&ImageSpec::named("resnet-tiny", shape, 10).unwrap(), Seed(1)).unwrap();
    assert_eq!(plain.kept_weights(), 0);
}
