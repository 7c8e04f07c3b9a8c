//! All implementations do the same: an MLP written as each of them gives one network's gradients, answers and trainings.

use rand::Rng;
use recant::learner::{Batch, CandleNetwork, Classifier, Graph, Operation, Plan, Rows, Statistic};
use recant::nn::images::{ImageNetwork, ImageRecipe, ImageShape, ImageSpec, Layer, Length, Schedule};
use recant::nn::{ImportanceKind, MlpSpec, Network, OutputSize, Recipe, RowLosses, TrainingLog, softened};
use recant::progress::Silent;
use recant::repair::{METHODS, RepairOptions, Request, Session, SsdOptions, Trained, apply};
use recant::seed::Seed;

const WIDTH: usize = 5;
const CLASSES: usize = 3;
const ROWS: usize = 41;
const FLAGGED: [u32; 4] = [31, 4, 5, 17];

struct Case {
    inputs: Vec<f64>,
    labels: Vec<u8>,
    network: Network<f64>,
}

fn case() -> Case {
    let mut rng = Seed(8).stream("learner-test", 0);
    let inputs: Vec<f64> = (0..ROWS * WIDTH).map(|_| rng.random_range(-1.0..1.0)).collect();
    let labels = inputs
        .chunks(WIDTH)
        .map(|row| if row[0] > 0.3 { 0 } else { 1 + u8::from(row[1] > 0.0) })
        .collect();
    let network = Network::initial(&MlpSpec::new(WIDTH, vec![8], CLASSES).unwrap(), Seed(3)).unwrap();
    Case { inputs, labels, network }
}

/// The image network that a multilayer perceptron of one hidden layer is.
fn as_image_network(network: &Network<f64>) -> ImageNetwork<f64> {
    let linear = |name: &str, outputs| Layer::Linear {
        name: name.to_owned(),
        outputs,
        bias: true,
    };
    let spec = ImageSpec {
        name: "mlp".to_owned(),
        input: ImageShape::new(network.spec().inputs, 1, 1),
        classes: network.spec().classes,
        layers: vec![
            linear("a", network.spec().hidden[0]),
            Layer::Norm { name: "b".to_owned() },
            Layer::Relu,
            linear("c", network.spec().classes),
        ],
    };
    let mut images = ImageNetwork::zeros(&spec).unwrap();
    images.parameters_mut().copy_from_slice(network.parameters());
    images.buffers_mut().copy_from_slice(network.buffers());
    images
}

fn near(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let apart = (found - expected).abs();
        assert!(apart < tolerance, "{what} {index}: {found} and not {expected}");
    }
}

/// A batch with every kind of term.
fn with_batch<R>(then: impl Fn(&Batch<f64>) -> R) -> R {
    let mut rng = Seed(9).stream("learner-targets", 0);
    let which: Vec<u32> = (0..ROWS as u32).rev().step_by(2).collect();
    let logits: Vec<f64> = (0..which.len() * CLASSES).map(|_| rng.random_range(-2.0..2.0)).collect();
    let weights = |of: [f64; 3]| (0..which.len()).map(|row| of[row % 3]).collect::<Vec<_>>();
    let labels: Vec<u8> = which.iter().map(|row| (row % 3) as u8).collect();
    then(&Batch {
        epoch: 0,
        which: &which,
        losses: RowLosses {
            labels: &labels,
            label_weights: &weights([0.03, -0.02, 0.0]),
            targets: &softened(&logits, CLASSES, 2.0),
            target_weights: &weights([0.0, 0.05, -0.01]),
            temperature: 2.0,
            entropy_weights: &weights([0.02, 0.0, -0.03]),
        },
    })
}

fn check_gradient<C: Classifier<Value = f64>>(classifier: &C, rows: &Rows<f64>) -> (f64, Vec<f64>) {
    with_batch(|batch| {
        let (loss, gradient) = classifier.gradient(rows, batch, 2.into()).unwrap();
        for index in (0..gradient.len()).step_by(3) {
            let at = |change: f64| {
                let mut moved = classifier.clone();
                moved.parameters_mut()[index] += change;
                moved.gradient(rows, batch, 1.into()).unwrap().0
            };
            let expected = (at(1e-6) - at(-1e-6)) / 2e-6;
            let found = gradient[index];
            assert!((found - expected).abs() < 1e-7, "{index}: {found} and {expected}");
        }
        (loss, gradient)
    })
}

#[test]
fn gradients_of_every_loss_term_are_finite_differences_and_the_same_in_every_implementation() {
    let case = case();
    let rows = Rows::table(&case.inputs, WIDTH, &case.labels);
    let (loss, gradient) = check_gradient(&case.network, &rows);
    let images = check_gradient(&as_image_network(&case.network), &rows);
    let candle = check_gradient(&CandleNetwork::of_mlp(&case.network).unwrap(), &rows);
    for (name, (own_loss, own)) in [("images", images), ("candle", candle)] {
        assert!((loss - own_loss).abs() < 1e-12, "{name}");
        near(name, &own, &gradient, 1e-12);
    }
}

/// What an implementation measures and answers over some rows.
fn measured<C: Classifier<Value = f64>>(classifier: &C, rows: &Rows<f64>, which: &[u32]) -> Vec<Vec<f64>> {
    let quiet = Silent::default();
    let importances = ImportanceKind::ALL.map(Statistic::Importance);
    let mut all: Vec<Vec<f64>> = importances
        .into_iter()
        .chain([OutputSize::SquaredLength, OutputSize::Length].map(Statistic::Sensitivity))
        .map(|what| classifier.measure(what, (rows, which), 7, 2.into(), &quiet).unwrap())
        .collect();
    let batches = [vec![1, 5, 2], vec![], vec![7, 3]];
    all.push(classifier.measure_in_batches(rows, &batches, 1.into(), &quiet).unwrap());
    let logits = classifier.logits(rows, Some(which), 2.into(), &quiet).unwrap();
    let answers = classifier.answers(*rows, 1.into()).unwrap().logits(0, which).unwrap();
    near("answers", &answers, &logits, 1e-12);
    all.push(logits);
    all
}

#[test]
fn every_implementation_measures_and_answers_alike() {
    let case = case();
    let rows = Rows::table(&case.inputs, WIDTH, &case.labels);
    let which: Vec<u32> = (0..ROWS as u32).filter(|row| row % 4 != 1).collect();
    let expected = measured(&case.network, &rows, &which);
    let images = measured(&as_image_network(&case.network), &rows, &which);
    let candle = measured(&CandleNetwork::of_mlp(&case.network).unwrap(), &rows, &which);
    for (index, expected) in expected.iter().enumerate() {
        near("images", &images[index], expected, 1e-12);
        near("candle", &candle[index], expected, 1e-12);
    }
}

#[test]
fn every_implementation_trains_alike_by_either_plan() {
    let case = case();
    let rows = Rows::table(&case.inputs, WIDTH, &case.labels);
    let quiet = Silent::default();
    let which: Vec<u32> = (0..ROWS as u32).filter(|row| row % 4 != 1).collect();
    let (images, candle) = (as_image_network(&case.network), CandleNetwork::of_mlp(&case.network).unwrap());
    let recipe = Recipe {
        epochs: 3,
        batch: 10,
        learning_rate: 0.2,
        weight_decay: 1e-3,
        momentum: 0.5,
        ..Recipe::default()
    };
    let of_images = ImageRecipe {
        length: Length::Epochs(3),
        batch: 10,
        learning_rate: 0.2,
        momentum: 0.9,
        nesterov: true,
        weight_decay: 1e-3,
        schedule: Schedule::Linear { warm_up: 0.2, reach: 1.25 },
        label_smoothing: 0.2,
    };
    assert_eq!(which.len() % 10, 1, "the row left over joins the batch before it");
    for count in [which.len(), which.len() - 9] {
        let which = &which[..count];
        for plan in [Plan::from(&recipe), Plan::shuffled(&of_images, Seed(4))] {
            let (mlp, log) = case.network.train((&rows, which), &plan, (), 2.into(), &quiet).unwrap();
            let (image, image_log) = images.train((&rows, which), &plan, None, 2.into(), &quiet).unwrap();
            let (other, other_log) = candle.train((&rows, which), &plan, (), 2.into(), &quiet).unwrap();
            near("images", image.parameters(), mlp.parameters(), 1e-11);
            near("candle", other.parameters(), mlp.parameters(), 1e-11);
            near("buffers of images", image.buffers(), mlp.buffers(), 1e-11);
            near("buffers of candle", other.buffers(), mlp.buffers(), 1e-11);
            let losses = |log: &TrainingLog| log.epochs.iter().map(|epoch| epoch.loss).collect::<Vec<_>>();
            near("losses of images", &losses(&image_log), &losses(&log), 1e-11);
            near("losses of candle", &losses(&other_log), &losses(&log), 1e-11);
        }
    }
}

#[test]
fn a_graph_is_drawn_as_the_network_that_it_stands_for_and_a_broken_one_is_refused() {
    let case = case();
    let drawn = CandleNetwork::of_mlp(&case.network).unwrap().reinitialised(Seed(11)).unwrap();
    let expected = Network::<f64>::initial(case.network.spec(), Seed(11)).unwrap();
    assert_eq!(drawn.parameters(), expected.parameters());
    assert_eq!(drawn.buffers(), expected.buffers());
    let graph = drawn.graph();
    let breaks: [fn(&mut Graph); 4] = [
        |graph| graph.nodes[0].inputs = vec![3],
        |graph| graph.nodes[1].inputs = Vec::new(),
        |graph| graph.nodes[0].operation = Operation::Linear { weight: 0, bias: 99 },
        |graph| graph.tensors[1].offset += 1,
    ];
    for wrong in breaks {
        let mut graph = graph.clone();
        wrong(&mut graph);
        assert!(CandleNetwork::new(graph, drawn.parameters().to_vec(), drawn.buffers().to_vec()).is_err());
    }
    assert!(CandleNetwork::new(graph.clone(), vec![0.0; 3], Vec::new()).is_err());
}

/// The parameters after a repair of a network trained on all rows.
fn repaired<C: Classifier<Value = f64>>(
    classifier: &C,
    initial: &C,
    case: &Case,
    plan: &Plan,
    method: usize,
    options: &RepairOptions,
) -> Vec<f64> {
    let rows = Rows::table(&case.inputs, WIDTH, &case.labels);
    let quiet = Silent::default();
    let trained = Trained {
        classifier,
        initial: Some(initial),
        plan: plan.clone(),
        training_rows: ROWS,
        importance_batch: 16,
        stored: None,
        full_set: &[],
    };
    let request = Request {
        positions: &FLAGGED,
        flagged: None,
        corrections: &[None, Some(2), None, None],
        training: Some(rows),
        augmented: None,
    };
    let teacher = initial.reinitialised(Seed(21)).unwrap();
    let mut session = Session::new(trained, request, 2, &quiet)
        .unwrap()
        .with_random_teacher(teacher)
        .unwrap();
    apply(METHODS[method], &mut session, options, &quiet).unwrap();
    session.network().parameters().to_vec()
}

#[test]
fn every_method_does_the_same_to_candle_as_to_our_engine() {
    let case = case();
    let recipe = Recipe {
        epochs: 8,
        batch: 16,
        learning_rate: 0.2,
        weight_decay: 1e-3,
        ..Recipe::default()
    };
    let all: Vec<u32> = (0..ROWS as u32).collect();
    let plan = Plan::from(&recipe);
    let trained = |case: &Case| {
        let rows = Rows::table(&case.inputs, WIDTH, &case.labels);
        case.network
            .train((&rows, &all), &plan, (), 1.into(), &Silent::default())
            .unwrap()
            .0
    };
    // Of rows that nothing sets apart potion takes no label away, and then leaves the model as it was: for it they carry a mark.
    let mut marked = self::case();
    for (row, values) in marked.inputs.chunks_mut(WIDTH).enumerate() {
        values[WIDTH - 1] = if FLAGGED.contains(&(row as u32)) { 3.0 } else { 0.0 };
    }
    FLAGGED.iter().for_each(|row| marked.labels[*row as usize] = 0);
    let (network, of_marked) = (trained(&case), trained(&marked));
    let of = |network: &Network<f64>| CandleNetwork::of_mlp(network).unwrap();
    let options = RepairOptions {
        ssd: SsdOptions {
            alpha: 2.0,
            ..SsdOptions::default()
        },
        ..RepairOptions::default()
    };
    for (index, method) in METHODS.iter().enumerate() {
        let (case, network) = if method.name() == "potion" {
            (&marked, &of_marked)
        } else {
            (&case, &network)
        };
        let ours = repaired(network, &case.network, case, &plan, index, &options);
        let theirs = repaired(&of(network), &of(&case.network), case, &plan, index, &options);
        assert!(
            ours != network.parameters() || method.name() == "potion",
            "{} does something",
            method.name()
        );
        near(method.name(), &theirs, &ours, 1e-8);
    }
}

#[test]
fn cf_of_the_last_layer_moves_nothing_before_it_whatever_the_network() {
    let case = case();
    let recipe = Recipe {
        epochs: 4,
        batch: 16,
        learning_rate: 0.2,
        weight_decay: 1e-3,
        ..Recipe::default()
    };
    let of_images = ImageRecipe {
        length: Length::Epochs(4),
        batch: 16,
        learning_rate: 0.2,
        momentum: 0.9,
        nesterov: false,
        weight_decay: 1e-3,
        schedule: Schedule::Linear { warm_up: 0.0, reach: 1.25 },
        label_smoothing: 0.0,
    };
    let method = METHODS.iter().position(|method| method.name() == "cf").unwrap();
    let mut options = RepairOptions::default();
    options.unlearning.cf.steps = Some(9);
    let network = &case.network;
    let head = network.tensors().iter().rfind(|tensor| tensor.shape.len() == 2).unwrap().offset;
    assert!(head > 0);
    for plan in [Plan::from(&recipe), Plan::shuffled(&of_images, Seed(4))] {
        let mut of_layers = |layers: Option<usize>| {
            options.unlearning.cf.layers = layers;
            let (images, candle) = (as_image_network(network), CandleNetwork::of_mlp(network).unwrap());
            let ours = repaired(network, network, &case, &plan, method, &options);
            near("images", &repaired(&images, &images, &case, &plan, method, &options), &ours, 1e-11);
            near("candle", &repaired(&candle, &candle, &case, &plan, method, &options), &ours, 1e-11);
            ours
        };
        let (last, all, more) = (of_layers(Some(1)), of_layers(None), of_layers(Some(99)));
        assert_eq!(last[..head], network.parameters()[..head]);
        let moved = |found: &[f64], place: usize| found[place] != network.parameters()[place];
        assert!((head..last.len()).all(|place| moved(&last, place)));
        assert!(moved(&all, 0) && all == more);
    }
}
