//! A network of linear layers and batch norm can stand behind either face, so the methods on images are held against those on tables,
//! which agree with PyTorch; what only images have is held against the slow obvious version.

use super::*;
use crate::datasets::images::{Augmentation, ImageSet, MadeUp, Normalisation, TrainingImages};
use crate::learner::{Classifier, Plan, Rows, Statistic};
use crate::nn::images::{
    ImageNetwork, ImageRecipe, ImageShape, ImageSource, ImageSpec, ImageStepper, Layer, Length, Mode, PlainImages, Schedule, StepImages,
    image_gradient, image_logits, train_images,
};
use crate::nn::{self, Examples, MlpSpec, Network, OutputSize, Recipe, train};
use crate::progress::Silent;
use crate::seed::Seed;
use rand::Rng;

const WIDTH: usize = 5;
const CLASSES: usize = 3;
const ROWS: usize = 40;

/// The image network that a multilayer perceptron of one hidden layer is.
fn as_images(network: &Network<f64>) -> ImageNetwork<f64> {
    let linear = |name: &str, outputs| Layer::Linear {
        name: name.to_owned(),
        outputs,
        bias: true,
    };
    let spec = ImageSpec {
        name: "mlp".to_owned(),
        input: ImageShape::new(WIDTH, 1, 1),
        classes: CLASSES,
        layers: vec![
            linear("a", network.spec().hidden[0]),
            Layer::Norm { name: "b".to_owned() },
            Layer::Relu,
            linear("c", CLASSES),
        ],
    };
    let mut images = ImageNetwork::zeros(&spec).unwrap();
    images.parameters_mut().copy_from_slice(network.parameters());
    images.buffers_mut().copy_from_slice(network.buffers());
    images
}

/// A request to forget these images, none of whose labels was corrected.
fn forgetting<'a, T: nn::Real>(training: &'a dyn ImageSource<T>, plain: &'a dyn ImageSource<T>, forget: &'a [u32]) -> Request<'a, T> {
    Request {
        positions: forget,
        flagged: None,
        corrections: &[],
        training: Some(Rows::images(plain)),
        augmented: Some(Rows::images(training)),
    }
}

/// The forget set is compared with all training images.
fn against_all() -> RepairOptions {
    RepairOptions {
        reference: Reference::Full,
        ..RepairOptions::default()
    }
}

#[test]
fn every_method_does_to_images_what_it_does_to_a_table() {
    assert_eq!(compared(false, |name| name != "potion"), 0);
}

/// Of rows that nothing sets apart potion takes no label away, and then leaves the model as it was.
#[test]
fn potion_does_to_images_what_it_does_to_a_table() {
    assert!(compared(true, |name| name == "potion") < 6);
}

/// Holds methods on an image network against the same on a table; how many times of six each one left the model as it was. `marked`: those to forget
/// carry a mark in the last input, and are recorded as class 0.
fn compared(marked: bool, chosen: impl Fn(&str) -> bool) -> usize {
    let mut rng = Seed(8).stream("images-test", 0);
    let mut inputs: Vec<f64> = (0..ROWS * WIDTH).map(|_| rng.random_range(-1.0..1.0)).collect();
    let mut labels: Vec<u8> = inputs
        .chunks(WIDTH)
        .map(|row| if row[0] > 0.3 { 0 } else { 1 + u8::from(row[1] > 0.0) })
        .collect();
    let positions = [31, 4, 5, 17];
    for (row, values) in (0..).zip(inputs.chunks_mut(WIDTH)).filter(|_| marked) {
        let has_mark = positions.contains(&row);
        values[WIDTH - 1] = if has_mark { 3.0 } else { 0.0 };
        if has_mark {
            labels[row as usize] = 0;
        }
    }
    // One batch holds all rows, so their order does not matter; the rate stays the same, so the schedules are one.
    let recipe = Recipe {
        epochs: 12,
        learning_rate: 0.2,
        decay: 1.0,
        weight_decay: 1e-3,
        batch: 64,
        ..Recipe::default()
    };
    let of_images = ImageRecipe {
        length: Length::Epochs(12),
        batch: 64,
        learning_rate: 0.2,
        momentum: 0.0,
        nesterov: false,
        weight_decay: 1e-3,
        schedule: Schedule::Milestones {
            milestones: Vec::new(),
            factor: 1.0,
            warm_up: 0,
        },
        label_smoothing: 0.0,
    };
    let initial = Network::initial(&MlpSpec::new(WIDTH, vec![8], CLASSES).unwrap(), Seed(3)).unwrap();
    let mut network = initial.clone();
    train(
        &mut network,
        &Examples::all(&inputs, WIDTH, &labels),
        &recipe,
        1,
        &Silent::default(),
    )
    .unwrap();
    let (initial_images, network_images) = (as_images(&initial), as_images(&network));
    let plain = PlainImages {
        shape: ImageShape::new(WIDTH, 1, 1),
        values: &inputs,
        labels: &labels,
    };
    let mut options = RepairOptions {
        ssd: SsdOptions {
            alpha: 2.0,
            ..SsdOptions::default()
        },
        finetune: FinetuneOptions { epochs: 2 },
        ..RepairOptions::default()
    };
    options.unlearning.badt.retain_share = 1.0;
    let quiet = Silent::default();
    let mut idle = 0;
    for corrections in [vec![], vec![None, Some(2), None, None]] {
        let of = |row: &u32| inputs[*row as usize * WIDTH..][..WIDTH].to_vec();
        let forget_inputs: Vec<f64> = positions.iter().flat_map(of).collect();
        let forget_labels: Vec<u8> = positions.iter().map(|row| labels[*row as usize]).collect();
        for method in METHODS.iter().filter(|method| chosen(method.name())) {
            for reference in Reference::ALL {
                options.reference = reference;
                let trained = Trained {
                    classifier: &network,
                    initial: Some(&initial),
                    plan: (&recipe).into(),
                    training_rows: ROWS,
                    importance_batch: recipe.batch,
                    stored: None,
                    full_set: &[],
                };
                let request = Request {
                    positions: &positions,
                    flagged: Some(Rows::table(&forget_inputs, WIDTH, &forget_labels)),
                    corrections: &corrections,
                    training: Some(Rows::table(&inputs, WIDTH, &labels)),
                    augmented: None,
                };
                let original = Session::new(trained.clone(), request, 1, &quiet).unwrap();
                let random = Network::initial(network.spec(), Seed(Seed(0).stream("bad-teacher", 0).random())).unwrap();
                let mut table = Session::new(trained, request, 1, &quiet)
                    .unwrap()
                    .with_random_teacher(random)
                    .unwrap();
                let of_table = apply(*method, &mut table, &options, &quiet).unwrap();

                let trained = Trained {
                    classifier: &network_images,
                    initial: Some(&initial_images),
                    plan: Plan::shuffled(&of_images, Seed(77)),
                    training_rows: ROWS,
                    importance_batch: 64,
                    stored: None,
                    full_set: &[],
                };
                let request = Request {
                    corrections: &corrections,
                    ..forgetting(&plain, &plain, &positions)
                };
                let mut images = Session::new(trained, request, 2, &quiet).unwrap();
                let near = |what: &str, one: &[f64], other: &[f64]| {
                    let scale = other.iter().copied().fold(0.0, f64::max);
                    for (index, (one, other)) in one.iter().zip(other).enumerate() {
                        let apart = (one - other).abs();
                        assert!(apart < 1e-12 * scale, "{what} {index}: {one} and not {other}, largest {scale}");
                    }
                };
                for size in [OutputSize::SquaredLength, OutputSize::Length] {
                    near(
                        "sensitivity of the forget set",
                        &images.forget_sensitivity(size).unwrap(),
                        &Repairable::forget_sensitivity(&original, size).unwrap(),
                    );
                    near(
                        "sensitivity of the retain set",
                        &images.reference_sensitivity(size, reference).unwrap(),
                        &Repairable::reference_sensitivity(&original, size, reference).unwrap(),
                    );
                }
                let of_images = apply(*method, &mut images, &options, &quiet).unwrap();
                let expected = as_images(table.network());
                let found = images.network();
                // Potion alone may leave a model as it was, and says so.
                let nothing = RepairOutcome::default();
                assert_eq!(
                    (*found == network_images, of_images == nothing),
                    (of_table == nothing, of_table == nothing)
                );
                assert!(of_table != nothing || method.name() == "potion", "{} does something", method.name());
                idle += usize::from(of_table == nothing);
                let pairs = |one: &[f64], other: &[f64]| -> f64 {
                    one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max)
                };
                let apart = pairs(found.parameters(), expected.parameters()).max(pairs(found.buffers(), expected.buffers()));
                assert!(apart < 1e-9, "{} with {}: {apart}", method.name(), reference.name());
                assert_eq!(images.deletion_change().unwrap(), table.deletion_change().unwrap());
            }
        }
    }
    idle
}

fn small(classes: usize) -> ImageSpec {
    ImageSpec::named("resnet-tiny", ImageShape::new(3, 8, 8), classes).unwrap()
}

/// A made-up set and a network trained on it.
struct Case {
    set: ImageSet,
    normalisation: Normalisation,
    recipe: ImageRecipe,
    initial: ImageNetwork<f32>,
    network: ImageNetwork<f32>,
}

const AUGMENTED: Augmentation = Augmentation {
    crop_padding: 1,
    flip: false,
    alternating: false,
    degrees: 5.0,
};

fn trained() -> Case {
    let set = MadeUp {
        train: 200,
        test: 100,
        ..MadeUp::default()
    };
    trained_on(set.make().unwrap(), 10)
}

fn trained_on(set: ImageSet, epochs: usize) -> Case {
    let normalisation = Normalisation::fit(&set.train).unwrap();
    let recipe = ImageRecipe {
        length: Length::Epochs(epochs),
        batch: 16,
        learning_rate: 0.1,
        schedule: Schedule::Milestones {
            milestones: vec![epochs * 6 / 10, epochs * 9 / 10],
            factor: 0.2,
            warm_up: 1,
        },
        ..ImageRecipe::published_forgetting(10)
    };
    let initial = ImageNetwork::initial(&small(set.classes.len()), Seed(1)).unwrap();
    let mut network = initial.clone();
    let source = TrainingImages {
        images: &set.train,
        normalisation: &normalisation,
        augmentation: AUGMENTED,
        resize: None,
        seed: Seed(5),
    };
    train_images(&mut network, &source, &recipe, Seed(5), 2, &Silent::default()).unwrap();
    Case {
        set,
        normalisation,
        recipe,
        initial,
        network,
    }
}

impl Case {
    fn source(&self, augmentation: Augmentation) -> TrainingImages<'_> {
        TrainingImages {
            images: &self.set.train,
            normalisation: &self.normalisation,
            augmentation,
            resize: None,
            seed: Seed(5),
        }
    }

    fn model(&self) -> Trained<'_, ImageNetwork<f32>> {
        Trained {
            classifier: &self.network,
            initial: Some(&self.initial),
            plan: Plan::shuffled(&self.recipe, Seed(5)),
            training_rows: self.set.train.len(),
            importance_batch: 16,
            stored: None,
            full_set: &[],
        }
    }

    fn of_class(&self, class: u8) -> Vec<u32> {
        let rows = 0..self.set.train.len() as u32;
        rows.filter(|row| self.set.train.labels[*row as usize] == class).collect()
    }

    /// Accuracy on test images of the class, and on the others.
    fn accuracies(&self, network: &ImageNetwork<f32>, class: u8) -> (f64, f64) {
        let values = self.set.test.normalised(&self.normalisation, 2).unwrap();
        let predicted = nn::predictions(&image_logits(network, &values, 2).unwrap(), self.set.classes.len());
        let share = |of_class: bool| {
            let rows = predicted
                .iter()
                .zip(&self.set.test.labels)
                .filter(|(_, label)| (**label == class) == of_class);
            let all: Vec<bool> = rows.map(|(guess, label)| guess == label).collect();
            all.iter().filter(|right| **right).count() as f64 / all.len() as f64
        };
        (share(true), share(false))
    }
}

#[test]
fn assd_is_the_loop_over_batches_a_sorted_list_and_a_factor() {
    let trained = trained();
    let (plain, augmented, quiet) = (trained.source(Augmentation::NONE), trained.source(AUGMENTED), Silent::default());
    let forget = trained.of_class(2);
    let request = forgetting(&augmented, &plain, &forget);
    let options = against_all();
    let mut model = Session::new(trained.model(), request, 2, &quiet).unwrap();
    let outcome = apply(method("assd").unwrap(), &mut model, &options, &quiet).unwrap();

    let squares = |rows: &[u32]| {
        let mut totals = vec![0.0; trained.network.parameters().len()];
        let batches: Vec<&[u32]> = rows.chunks(16).collect();
        for rows in &batches {
            let images = trained.set.train.take(rows).unwrap();
            let values = images.normalised(&trained.normalisation, 1).unwrap();
            let (_, gradient) = image_gradient(&trained.network, &values, &images.labels, Mode::Evaluation, 1).unwrap();
            for (total, value) in totals.iter_mut().zip(gradient) {
                *total += f64::from(value).powi(2) / batches.len() as f64;
            }
        }
        totals
    };
    let all: Vec<u32> = (0..trained.set.train.len() as u32).collect();
    let (of_forget, of_all) = (squares(&forget), squares(&all));
    let alpha = assd_alpha(&of_forget, &of_all, forget.len(), all.len()).unwrap();
    let dampening = outcome.dampening.unwrap();
    assert!((dampening.alpha - alpha).abs() < 1e-6 * alpha);
    assert!((dampening.percentile.unwrap() - (100.0 - 26.0_f64.ln())).abs() < 1e-12);
    let mut differing = 0;
    for (index, (found, before)) in model.network().parameters().iter().zip(trained.network.parameters()).enumerate() {
        let expected = if of_forget[index] > alpha * of_all[index] {
            *before * (of_all[index] / of_forget[index]) as f32
        } else {
            *before
        };
        if (found - expected).abs() > 1e-5 * before.abs().max(1e-3) {
            differing += 1;
        }
    }
    assert!(differing <= 1, "one parameter may sit on the cut: {differing}");
}

#[test]
fn assd_forgets_whole_classes_and_keeps_the_rest() {
    let set = MadeUp {
        classes: 12,
        noise: 100,
        train: 480,
        test: 240,
        ..MadeUp::default()
    };
    let trained = trained_on(set.make().unwrap(), 10);
    let (plain, quiet) = (trained.source(Augmentation::NONE), Silent::default());
    let mut forgotten = 0;
    for class in 0..4 {
        let forget = trained.of_class(class);
        let request = forgetting(&plain, &plain, &forget);
        let options = against_all();
        let mut model = Session::new(trained.model(), request, 2, &quiet).unwrap();
        apply(method("assd").unwrap(), &mut model, &options, &quiet).unwrap();
        let (before, after) = (
            trained.accuracies(&trained.network, class),
            trained.accuracies(model.network(), class),
        );
        println!("class {class}: {before:?} to {after:?}");
        assert!(after.1 > before.1 - 0.05, "class {class}: {before:?} to {after:?}");
        forgotten += usize::from(before.0 > 0.4 && after.0 < 0.5 * before.0);
    }
    assert!(forgotten >= 1, "in such small networks not every class goes, but some do");
}

#[test]
fn retraining_and_fine_tuning_never_see_the_forget_set() {
    let trained = trained();
    let quiet = Silent::default();
    let forget = [3, 50, 51, 120];
    // The images to forget as noise, which changes nothing where they are never looked at; all images as they are, so that a copy
    // without those rows is augmented alike.
    let mut noisy = trained.set.train.clone();
    for row in forget {
        noisy.pixels[row as usize * 192..][..192].fill(77);
    }
    let source = |images| TrainingImages {
        images,
        normalisation: &trained.normalisation,
        augmentation: AUGMENTED,
        resize: None,
        seed: Seed(5),
    };
    for name in ["retrain", "finetune", "cf"] {
        let repaired = |images| {
            let source = source(images);
            let request = forgetting(&source, &source, &forget);
            let mut model = Session::new(trained.model(), request, 2, &quiet).unwrap();
            apply(method(name).unwrap(), &mut model, &RepairOptions::default(), &quiet).unwrap();
            model.into_network()
        };
        let found = repaired(&trained.set.train);
        assert!(found == repaired(&noisy), "{name}");
        assert!(found != trained.network, "{name}");
    }
    let rows: Vec<u32> = (0..200).filter(|row| !forget.contains(row)).collect();
    let left = trained.set.train.take(&rows).unwrap();
    let values = left.normalised(&trained.normalisation, 1).unwrap();
    let without = PlainImages {
        shape: left.shape,
        values: &values,
        labels: &left.labels,
    };
    let mut by_hand = trained.initial.clone();
    train_images(&mut by_hand, &without, &trained.recipe, Seed(5), 1, &quiet).unwrap();
    let plain = trained.source(Augmentation::NONE);
    let request = forgetting(&plain, &plain, &forget);
    let mut model = Session::new(trained.model(), request, 2, &quiet).unwrap();
    apply(method("retrain").unwrap(), &mut model, &RepairOptions::default(), &quiet).unwrap();
    assert!(*model.network() == by_hand, "the copy without these rows gives the same bytes");
}

#[test]
fn continued_training_smooths_labels_as_training_did() {
    let mut trained = trained();
    trained.recipe.label_smoothing = 0.3;
    // All images are one batch, so that one step is the whole of it.
    trained.recipe.batch = 200;
    let (quiet, forget) = (Silent::default(), [3, 50]);
    let plain = trained.source(Augmentation::NONE);
    let mut model = Session::new(trained.model(), forgetting(&plain, &plain, &forget), 2, &quiet).unwrap();
    let mut options = RepairOptions::default();
    options.unlearning.cf.steps = Some(1);
    let outcome = apply(method("cf").unwrap(), &mut model, &options, &quiet).unwrap();
    let rate = outcome.training.unwrap().epochs[0].learning_rate;
    let rows: Vec<u32> = (0..200).filter(|row| !forget.contains(row)).collect();
    let labels: Vec<u8> = rows.iter().map(|row| trained.set.train.labels[*row as usize]).collect();
    let by_hand = |smoothing: f64| {
        let recipe = ImageRecipe {
            label_smoothing: smoothing,
            ..trained.recipe.clone()
        };
        let mut stepper = ImageStepper::new(trained.network.clone(), 1).unwrap();
        let images = StepImages::Rows {
            source: &plain,
            epoch: 0,
            rows: &rows,
        };
        stepper.step(images, &labels, &recipe, rate).unwrap();
        stepper.into_network().unwrap()
    };
    let away = |other: &ImageNetwork<f32>| {
        let pairs = model.network().parameters().iter().zip(other.parameters());
        pairs.map(|(one, other)| f64::from((one - other).abs())).fold(0.0, f64::max)
    };
    assert!(away(&by_hand(0.3)) < 1e-5, "{}", away(&by_hand(0.3)));
    assert!(away(&by_hand(0.0)) > 1e-3, "{}", away(&by_hand(0.0)));
}

#[test]
fn what_training_stored_serves_every_forget_set_and_only_the_network_it_belongs_to() {
    let trained = trained();
    let (plain, quiet) = (trained.source(Augmentation::NONE), Silent::default());
    let what = Statistic::Importance(ImportanceKind::SquaredBatchGradient);
    let rows: Vec<u32> = (0..200).collect();
    let stored = [(
        what,
        trained
            .network
            .measure(what, (&Rows::images(&plain), &rows), 16, 2.into(), &quiet)
            .unwrap(),
    )];
    let request = |forget| forgetting(&plain, &plain, forget);
    let forget: Vec<u32> = trained.of_class(1);
    let options = against_all();
    let repaired = |full_set| {
        let with = Trained {
            full_set,
            ..trained.model()
        };
        let mut model = Session::new(with, request(&forget), 2, &quiet).unwrap();
        apply(method("assd").unwrap(), &mut model, &options, &quiet).unwrap();
        let twice = model
            .reference_importance(ImportanceKind::SquaredBatchGradient, Reference::Full)
            .unwrap();
        (model.into_network(), twice)
    };
    let ((one, of_repaired), (other, again)) = (repaired(&stored), repaired(&[]));
    assert!(one == other && of_repaired == again);
    assert!(of_repaired != stored[0].1, "the repaired network is measured again");
    let short = [(what, vec![1.0; 3])];
    let wrong = Trained {
        full_set: &short,
        ..trained.model()
    };
    assert!(Session::new(wrong, request(&forget), 2, &quiet).is_err());
    assert!(Session::new(trained.model(), request(&[1, 1]), 2, &quiet).is_err());
    assert!(Session::new(trained.model(), request(&[200]), 2, &quiet).is_err());
    let all: Vec<u32> = (0..200).collect();
    let mut everything = Session::new(trained.model(), request(&all), 2, &quiet).unwrap();
    let error = apply(method("retrain").unwrap(), &mut everything, &options, &quiet).unwrap_err();
    assert!(error.to_string().contains("every training row is flagged"), "{error}");
    let mut nothing = Session::new(trained.model(), request(&[]), 2, &quiet).unwrap();
    apply(method("ssd").unwrap(), &mut nothing, &options, &quiet).unwrap();
    assert!(*nothing.network() == trained.network);
}

#[test]
fn steps_that_diverge_leave_the_network_as_it_was() {
    let trained = trained();
    let (plain, quiet) = (trained.source(Augmentation::NONE), Silent::default());
    let forget = trained.of_class(0);
    let request = forgetting(&plain, &plain, &forget);
    let mut model = Session::new(trained.model(), request, 2, &quiet).unwrap();
    let mut options = RepairOptions::default();
    options.unlearning.learning_rate = Some(1e30);
    let error = apply(method("neggrad-plus").unwrap(), &mut model, &options, &quiet).unwrap_err();
    assert!(error.to_string().contains("diverged"), "{error}");
    assert!(*model.network() == trained.network);
}
