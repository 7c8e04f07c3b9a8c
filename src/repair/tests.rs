//! The methods against PyTorch's numbers (tests/fixtures/unlearning.py), and what each of them must never do.

use std::path::Path;

use serde_json::Value;

use super::*;
use crate::learner::{Rows, agreement};
use crate::nn::OutputSize::{Length, SquaredLength};
use crate::nn::{Examples, MlpSpec, Network, Real, Recipe, train};
use crate::progress::Silent;
use crate::seed::Seed;
use rand::Rng;

const PARAMETERS: [&str; 10] = [
    "0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias", "4.weight", "4.bias", "6.weight", "6.bias",
];
const BUFFERS: [&str; 4] = ["1.running_mean", "1.running_var", "4.running_mean", "4.running_var"];

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn flat(value: &Value, names: &[&str]) -> Vec<f64> {
    names.iter().flat_map(|name| numbers(&value[*name])).collect()
}

/// A trained network with its rows and flags.
struct Case<T> {
    inputs: Vec<T>,
    labels: Vec<u8>,
    positions: Vec<u32>,
    flagged_inputs: Vec<T>,
    flagged_labels: Vec<u8>,
    corrections: Vec<Option<u8>>,
    recipe: Recipe,
    initial: Network<T>,
    network: Network<T>,
}

impl<T: Real> Case<T> {
    fn new(inputs: Vec<T>, labels: Vec<u8>, positions: Vec<u32>, recipe: Recipe, initial: Network<T>, network: Network<T>) -> Self {
        let width = network.spec().inputs;
        let of = |row: &u32| inputs[*row as usize * width..][..width].to_vec();
        Self {
            flagged_inputs: positions.iter().flat_map(of).collect(),
            flagged_labels: positions.iter().map(|row| labels[*row as usize]).collect(),
            corrections: Vec::new(),
            inputs,
            labels,
            positions,
            recipe,
            initial,
            network,
        }
    }

    fn rows(&self) -> Rows<'_, T> {
        Rows::table(&self.inputs, self.network.spec().inputs, &self.labels)
    }

    fn model(&self, threads: usize) -> Session<'_, Network<T>> {
        self.without_validation(threads).with_validation(self.rows()).unwrap()
    }

    fn without_validation(&self, threads: usize) -> Session<'_, Network<T>> {
        let trained = Trained {
            classifier: &self.network,
            initial: Some(&self.initial),
            plan: (&self.recipe).into(),
            training_rows: self.labels.len(),
            importance_batch: self.recipe.batch,
            stored: None,
            full_set: &[],
        };
        let width = self.network.spec().inputs;
        let request = Request {
            positions: &self.positions,
            flagged: Some(Rows::table(&self.flagged_inputs, width, &self.flagged_labels)),
            corrections: &self.corrections,
            training: Some(self.rows()),
            augmented: None,
        };
        Session::new(trained, request, threads, silent()).unwrap()
    }
}

fn golden<T: Real>() -> (Case<T>, Value) {
    let given = fixture("mlp_assd.json");
    let whole = |value: &Value| value.as_u64().unwrap() as usize;
    let hidden = given["hidden"].as_array().unwrap().iter().map(whole).collect();
    let spec = MlpSpec::new(whole(&given["inputs"]), hidden, whole(&given["classes"])).unwrap();
    let network = |state: &str| {
        let mut network = Network::<T>::zeros(&spec).unwrap();
        let fill = |to: &mut [T], from: Vec<f64>| to.iter_mut().zip(from).for_each(|(to, from)| *to = T::from_f64(from));
        fill(network.parameters_mut(), flat(&given[state], &PARAMETERS));
        fill(network.buffers_mut(), flat(&given[state], &BUFFERS));
        network
    };
    let training = &given["training"];
    let recipe = Recipe {
        epochs: whole(&training["epochs"]),
        learning_rate: training["lr"].as_f64().unwrap(),
        decay: training["gamma_per_epoch"].as_f64().unwrap(),
        weight_decay: training["weight_decay"].as_f64().unwrap(),
        batch: whole(&given["batch"]),
        ..Recipe::default()
    };
    let case = Case::new(
        numbers(&given["x"]).into_iter().map(T::from_f64).collect(),
        numbers(&given["y"]).into_iter().map(|label| label as u8).collect(),
        numbers(&given["forget_rows"]).into_iter().map(|row| row as u32).collect(),
        recipe,
        network("initial"),
        network("trained"),
    );
    (case, fixture("unlearning.json"))
}

/// Progress that outlives every session.
pub(super) fn silent() -> &'static Silent {
    static SILENT: std::sync::LazyLock<Silent> = std::sync::LazyLock::new(Silent::default);
    &SILENT
}

fn assert_close<T: Real>(what: &str, found: &[T], expected: &[f64]) {
    let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let allowed = if size_of::<T>() == 8 {
            1e-9
        } else {
            1e-4 * expected.abs().max(0.01 * largest)
        };
        let found = found.to_f64();
        assert!(
            (found - expected).abs() <= allowed,
            "{what}[{index}]: {found} instead of {expected}"
        );
    }
}

fn check_golden<T: Real>() {
    let (case, expected) = golden::<T>();
    let scrub = &expected["scrub_settings"];
    let options = RepairOptions {
        unlearning: UnlearningOptions {
            cf: CfOptions {
                steps: expected["cf_steps"].as_u64().map(|steps| steps as usize),
                layers: None,
            },
            scrub: ScrubOptions {
                alpha: scrub["alpha"].as_f64().unwrap(),
                gamma: scrub["gamma"].as_f64().unwrap(),
                temperature: scrub["temperature"].as_f64().unwrap(),
                passes: 2,
                forget_passes: 1,
            },
            ..UnlearningOptions::default()
        },
        ..RepairOptions::default()
    };
    for name in ["cf", "scrub", "badt", "neggrad-plus"] {
        let mut model = case.model(2).with_random_teacher(case.initial.clone()).unwrap();
        let outcome = apply(method(name).unwrap(), &mut model, &options, &Silent::default()).unwrap();
        assert!(outcome.training.unwrap().epochs.iter().all(|pass| pass.loss.is_finite()));
        assert_close(name, model.network().parameters(), &flat(&expected[name], &PARAMETERS));
        assert_close(name, model.network().buffers(), &flat(&expected[name], &BUFFERS));
    }
    let model = case.model(2);
    let narrow = |values: Vec<f64>| values.into_iter().map(T::from_f64).collect::<Vec<_>>();
    for (name, found) in [
        ("sensitivity_forget", model.forget_sensitivity(SquaredLength).unwrap()),
        (
            "sensitivity_retain",
            model.reference_sensitivity(SquaredLength, Reference::Retain).unwrap(),
        ),
        ("length_sensitivity_forget", model.forget_sensitivity(Length).unwrap()),
        (
            "length_sensitivity_retain",
            model.reference_sensitivity(Length, Reference::Retain).unwrap(),
        ),
    ] {
        assert_close(name, &narrow(found), &flat(&expected[name], &PARAMETERS));
    }
}

#[test]
fn potion_dampens_what_the_same_loop_in_pytorch_does() {
    let (case, expected) = golden::<f64>();
    let rows = numbers(&expected["potion_rows"]).into_iter().map(|row| row as u32).collect();
    let case = Case::new(case.inputs, case.labels, rows, case.recipe, case.initial, case.network);
    let mut model = case.model(2);
    assert_eq!(model.deletion_change().unwrap(), 0.0);
    let outcome = apply(method("potion").unwrap(), &mut model, &RepairOptions::default(), &Silent::default()).unwrap();
    assert_close("potion", model.network().parameters(), &flat(&expected["potion"], &PARAMETERS));
    assert_eq!(outcome.dampening.unwrap().dampened, 17);
}

/// A network trained on rows with these labels, of three classes.
fn trained(inputs: Vec<f32>, labels: Vec<u8>, flagged: Vec<u32>) -> Case<f32> {
    let recipe = Recipe {
        epochs: 15,
        batch: 64,
        learning_rate: 0.1,
        ..Recipe::default()
    };
    let width = inputs.len() / labels.len();
    let initial = Network::initial(&MlpSpec::new(width, vec![16, 16], 3).unwrap(), Seed(1)).unwrap();
    let mut network = initial.clone();
    let examples = Examples::all(&inputs, width, &labels);
    train(&mut network, &examples, &recipe, 1, &Silent::default()).unwrap();
    Case::new(inputs, labels, flagged, recipe, initial, network)
}

/// Rows whose class follows from the sign of two inputs; a tenth carry a mark in a fifth input, which is 0 elsewhere, and are recorded as class 0.
/// Every second of these is flagged.
fn marked(rows: usize) -> (Case<f32>, Vec<u8>, Vec<u32>) {
    let mut rng = Seed(3).stream("marked", 0);
    let mut inputs: Vec<f32> = (0..rows * 5).map(|_| rng.random_range(-1.0..1.0)).collect();
    let (mut clean, mut labels, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for (row, values) in inputs.chunks_exact_mut(5).enumerate() {
        clean.push(u8::from(values[0] > 0.0) + u8::from(values[1] > 0.0));
        let is_marked = row % 10 == 0;
        values[4] = if is_marked { 3.0 } else { 0.0 };
        labels.push(if is_marked { 0 } else { clean[row] });
        if is_marked && clean[row] != 0 {
            wrong.push(row as u32);
        }
    }
    let flagged = wrong.iter().copied().step_by(2).collect();
    (trained(inputs, labels, flagged), clean, wrong)
}

#[test]
fn potion_stops_at_the_first_share_that_makes_the_flagged_rows_lose_their_labels_and_heals_those_that_are_not_known() {
    let (case, clean, wrong) = marked(1_500);
    let mut model = case.model(1);
    let before = 1.0 - model.deletion_change().unwrap();
    let healed = |network: &Network<f32>| {
        let rows = Rows::table(&case.inputs, 5, &clean);
        let unknown: Vec<u32> = wrong.iter().copied().skip(1).step_by(2).collect();
        agreement(network, &rows, Some(&unknown), 1.into(), silent()).unwrap() as f64 / unknown.len() as f64
    };
    let wrong_before = healed(model.network());
    let outcome = apply(method("potion").unwrap(), &mut model, &RepairOptions::default(), &Silent::default()).unwrap();
    let (kept, dampening) = (1.0 - model.deletion_change().unwrap(), outcome.dampening.unwrap());
    assert!(before > 0.9 && kept <= 0.2 * before, "{before} to {kept}");
    let right_after = healed(model.network());
    assert!(wrong_before < 0.1 && right_after > 0.6, "{wrong_before} to {right_after}");
    // Dampening with this share gives the same, and with the share of the try before the labels stay.
    let p = dampening.percentile.unwrap();
    let keeps = |percentile: f64| {
        let mut model = case.model(1);
        let measured = dampening::by_reaction(&model, &RepairOptions::default(), Length).unwrap();
        dampening::repair_by(&mut model, measured, dampening::Strength::Percentile(percentile)).unwrap();
        1.0 - model.deletion_change().unwrap()
    };
    assert_eq!(keeps(p), kept);
    let step_before = 100.0 - (((100.0 - p).exp() - 1.0) / 1.1).ln_1p();
    assert!(keeps(step_before) > 0.2 * before);
}

/// Rows of a corner share their parameters with all others, so that no share of parameters makes them lose their labels.
#[test]
fn potion_takes_the_share_with_which_fewest_keep_their_labels_where_none_makes_them_lose_these() {
    let (case, _, _) = mislabelled(1_500);
    let mut model = case.model(1);
    let before = 1.0 - model.deletion_change().unwrap();
    let outcome = apply(method("potion").unwrap(), &mut model, &RepairOptions::default(), &Silent::default()).unwrap();
    let kept = 1.0 - model.deletion_change().unwrap();
    assert!(
        kept > 0.2 * before && kept <= before && outcome.dampening.is_some(),
        "{before} to {kept}"
    );
    for percentile in [60.0, 80.0, 90.0, 99.0] {
        let mut model = case.model(1);
        let measured = dampening::by_reaction(&model, &RepairOptions::default(), Length).unwrap();
        dampening::repair_by(&mut model, measured, dampening::Strength::Percentile(percentile)).unwrap();
        assert!(1.0 - model.deletion_change().unwrap() >= kept, "{percentile}");
    }
}

#[test]
fn methods_give_pytorchs_parameters_in_double_precision() {
    check_golden::<f64>();
}

#[test]
fn methods_give_pytorchs_parameters_in_single_precision() {
    check_golden::<f32>();
}

/// Rows whose class follows from the sign of two inputs; in the corner where both are high, class 2 was recorded as class 1 in part.
fn mislabelled(rows: usize) -> (Case<f32>, Vec<u8>, Vec<u32>) {
    let mut rng = Seed(3).stream("misbooked", 0);
    let inputs: Vec<f32> = (0..rows * 4).map(|_| rng.random_range(-1.0..1.0)).collect();
    let clean: Vec<u8> = inputs
        .chunks_exact(4)
        .map(|row| u8::from(row[0] > 0.0) + u8::from(row[1] > 0.0))
        .collect();
    let mut labels = clean.clone();
    let mut wrong = Vec::new();
    for (row, label) in labels.iter_mut().enumerate() {
        if *label == 2 && row % 10 < 7 {
            *label = 1;
            wrong.push(row as u32);
        }
    }
    (trained(inputs, labels, wrong.clone()), clean, wrong)
}

#[test]
fn an_empty_forget_set_changes_nothing_whatever_the_method() {
    let (mut case, _, _) = mislabelled(400);
    case.positions.clear();
    case.flagged_inputs.clear();
    case.flagged_labels.clear();
    for method in METHODS {
        let mut model = case.model(1);
        apply(*method, &mut model, &RepairOptions::default(), &Silent::default()).unwrap();
        assert_eq!(model.network(), &case.network, "{}", method.name());
    }
}

#[test]
fn every_method_gives_the_same_bytes_on_one_and_two_threads_and_in_whatever_order_flags_are_given() {
    let (case, _, wrong) = mislabelled(1_500);
    let turned = Case::new(
        case.inputs.clone(),
        case.labels.clone(),
        wrong.iter().rev().copied().collect(),
        case.recipe.clone(),
        case.initial.clone(),
        case.network.clone(),
    );
    for method in METHODS {
        let run = |case: &Case<f32>, threads: usize| {
            let mut model = case.model(threads);
            apply(*method, &mut model, &RepairOptions::default(), &Silent::default()).unwrap();
            model.into_network()
        };
        let first = run(&case, 1);
        assert_eq!(first, run(&case, 2), "{}", method.name());
        assert_eq!(first, run(&turned, 1), "{}", method.name());
        // Potion alone may leave a model as it was.
        assert!(first != case.network || method.name() == "potion", "{}", method.name());
        assert!(first.is_finite());
    }
}

#[test]
fn one_flagged_row_is_enough_for_every_method() {
    let (case, _, wrong) = mislabelled(300);
    let one = Case::new(
        case.inputs,
        case.labels,
        wrong[..1].to_vec(),
        case.recipe,
        case.initial,
        case.network,
    );
    for method in METHODS {
        let mut model = one.model(1);
        apply(*method, &mut model, &RepairOptions::default(), &Silent::default()).unwrap();
        assert!(model.network().is_finite(), "{}", method.name());
    }
}

#[test]
fn methods_that_unlearn_labels_make_the_flagged_rows_lose_them() {
    let (case, _, _) = mislabelled(1_500);
    let before = case.model(1).deletion_change().unwrap();
    for name in ["scrub", "badt", "neggrad-plus"] {
        let mut model = case.model(1);
        apply_best(method(name).unwrap(), &mut model, &RepairOptions::default(), &Silent::default()).unwrap();
        let after = model.deletion_change().unwrap();
        assert!(after > before + 0.2, "{name}: {before} to {after}");
    }
}

#[test]
fn a_corrected_row_is_learnt_with_its_correction_and_not_held_at_the_old_answer() {
    let (mut case, clean, wrong) = mislabelled(1_500);
    case.corrections = wrong.iter().map(|row| Some(clean[*row as usize])).collect();
    assert_eq!(case.model(1).retain_rows().unwrap(), case.labels.len());
    let options = RepairOptions {
        unlearning: UnlearningOptions {
            learning_rate: Some(0.1),
            badt: BadTeacherOptions {
                retain_share: 1.0,
                passes: 4,
                ..BadTeacherOptions::default()
            },
            scrub: ScrubOptions {
                alpha: 0.5,
                temperature: 1.0,
                forget_passes: 0,
                ..ScrubOptions::default()
            },
            ..UnlearningOptions::default()
        },
        ..RepairOptions::default()
    };
    for name in ["cf", "scrub"] {
        let mut model = case.model(1);
        apply(method(name).unwrap(), &mut model, &options, &Silent::default()).unwrap();
        let rows = Rows::table(&case.inputs, 4, &clean);
        let right = agreement(model.network(), &rows, None, 1.into(), silent()).unwrap();
        assert!(right as f64 > 0.9 * clean.len() as f64, "{name}: {right} of {}", clean.len());
    }
}

#[test]
fn the_rule_takes_the_best_mean_of_deletion_change_and_validation_accuracy() {
    let (case, _, _) = mislabelled(800);
    for name in ["ssd", "lfssd", "scrub"] {
        let mut model = case.model(1);
        let chosen = apply_best(method(name).unwrap(), &mut model, &RepairOptions::default(), &Silent::default()).unwrap();
        let best = &chosen.trials[chosen.best];
        assert!(chosen.trials.iter().all(|trial| trial.score() <= best.score()));
        // The model is left with that setting, and a setting applied alone gives what it gave within the search.
        assert_eq!(model.deletion_change().unwrap(), best.deletion_change);
        assert_eq!(model.validation_accuracy().unwrap(), Some(best.validation_accuracy));
        let mut fresh = case.model(1);
        apply(method(name).unwrap(), &mut fresh, &best.options, &Silent::default()).unwrap();
        assert_eq!(fresh.network(), model.network(), "{name}");
    }
    let grid = method("ssd").unwrap().grid(&case.model(1), &RepairOptions::default());
    assert_eq!(grid.len(), 50);
}

#[test]
fn a_search_without_validation_rows_is_refused() {
    let (case, _, _) = mislabelled(300);
    let mut model = case.without_validation(1);
    let error = apply_best(method("ssd").unwrap(), &mut model, &RepairOptions::default(), &Silent::default()).unwrap_err();
    assert!(error.message().contains("validation rows"));
}

#[test]
fn settings_out_of_range_are_refused() {
    let with = |change: fn(&mut UnlearningOptions)| {
        let mut options = RepairOptions::default();
        change(&mut options.unlearning);
        options.check()
    };
    with(|_| {}).unwrap();
    for wrong in [
        (|options| options.learning_rate = Some(0.0)) as fn(&mut UnlearningOptions),
        |options| options.cf.steps = Some(0),
        |options| options.scrub.alpha = -1.0,
        |options| options.scrub.temperature = f64::NAN,
        |options| options.badt.retain_share = 0.0,
        |options| options.neggrad.weight = 0.5,
        |options| options.neggrad.passes = 0,
    ] {
        assert!(with(wrong).is_err());
    }
}

#[test]
fn methods_have_distinct_names_and_full_sentences() {
    let mut names: Vec<_> = METHODS.iter().map(|method| method.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), METHODS.len());
    for method in METHODS {
        assert!(method.description().ends_with('.'));
        assert!(!method.title().is_empty());
    }
}

#[test]
fn a_misspelt_method_gets_a_suggestion() {
    assert_eq!(method("assd").unwrap().name(), "assd");
    let error = method("fine-tune").err().unwrap();
    assert_eq!(error.hint_text(), Some("did you mean `finetune`?"));
    assert!(method("zzz").err().unwrap().hint_text().unwrap().contains("retrain"));
}

#[test]
fn options_out_of_range_are_named() {
    for (alpha, lambda, epochs) in [
        (0.0, 1.0, 1),
        (f64::NAN, 1.0, 1),
        (1.0, -0.1, 1),
        (1.0, f64::INFINITY, 1),
        (1.0, 1.0, 0),
    ] {
        let options = RepairOptions {
            ssd: SsdOptions { alpha, lambda },
            finetune: FinetuneOptions { epochs },
            ..RepairOptions::default()
        };
        assert!(options.check().is_err());
    }
    RepairOptions::default().check().unwrap();
}

#[test]
fn by_the_papers_text_ssd_counts_lambda_in_alphas_and_scrub_searches_alpha() {
    let (case, _) = golden::<f64>();
    let text = RepairOptions {
        by_text: true,
        ssd: SsdOptions { alpha: 5.0, lambda: 0.1 },
        reference: Reference::Full,
        ..RepairOptions::default()
    };
    let same = RepairOptions {
        by_text: false,
        ssd: SsdOptions { alpha: 5.0, lambda: 0.5 },
        ..text.clone()
    };
    let with = |name: &str, options: &RepairOptions| {
        let mut model = case.model(1);
        apply(method(name).unwrap(), &mut model, options, silent()).unwrap();
        model.parameters()
    };
    assert_eq!(with("ssd", &text), with("ssd", &same));
    assert_ne!(with("ssd", &text), case.model(1).parameters());
    // Without a pass that begins with a climb, only the climbs of the first fifth make a difference.
    let mut code = RepairOptions::default();
    code.unlearning.scrub.forget_passes = 0;
    assert_ne!(
        with(
            "scrub",
            &RepairOptions {
                by_text: true,
                ..code.clone()
            }
        ),
        with("scrub", &code)
    );
    let grid = method("scrub").unwrap().grid(&case.model(1), &text);
    assert_eq!(
        grid.iter().map(|one| one.unlearning.scrub.alpha).collect::<Vec<_>>(),
        [0.001, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0]
    );
    // What was stored before the switch was there reads as before, and an option that is off leaves no trace.
    let json = serde_json::to_string(&same).unwrap();
    assert!(!json.contains("by_text"));
    assert_eq!(serde_json::from_str::<RepairOptions>(&json).unwrap(), same);
}

#[test]
fn settings_are_stored_as_one_flat_record() {
    let stored = serde_json::to_string(&RepairOptions::default()).unwrap();
    assert_eq!(
        stored,
        "{\"importance\":\"squared-batch-gradient\",\"reference\":\"retain-on-original-batches\",\"ssd_alpha\":10.0,\"ssd_lambda\":1.0,\
         \"finetune_epochs\":1,\"unlearning\":{\"learning_rate\":null,\"cf_steps\":null,\"scrub_alpha\":0.001,\"scrub_gamma\":0.99,\
         \"scrub_temperature\":4.0,\"scrub_passes\":3,\"scrub_forget_passes\":2,\"badt_retain_share\":0.3,\"badt_temperature\":1.0,\
         \"badt_passes\":1,\"neggrad_weight\":0.95,\"neggrad_passes\":2,\"seed\":0}}"
    );
    assert_eq!(serde_json::from_str::<RepairOptions>(&stored).unwrap(), RepairOptions::default());
}
