use std::sync::atomic::Ordering;

use super::*;
use crate::experiments::Study;
use crate::experiments::random_errors::data::Rows;
use crate::experiments::random_errors::plan::chunks;
use crate::experiments::random_errors::record::Sweep;
use crate::experiments::random_errors::settings::SizeRuns;
use crate::experiments::random_errors::settings::tests::small;
use crate::notes::Notes;
use crate::progress::Silent;
use rand::Rng;

/// Three classes told apart by two of four inputs, with noise.
pub(in crate::experiments::random_errors) fn data() -> Data {
    let mut random = Seed(5).stream("test-data", 0);
    let mut draw = |rows: usize| {
        let mut inputs = Vec::new();
        let mut labels = Vec::new();
        for _ in 0..rows {
            let row: [f32; 4] = std::array::from_fn(|_| random.random::<f32>());
            let sum = row[0] + row[1] + 0.2 * random.random::<f32>();
            labels.push(if sum < 0.8 { 0 } else { 1 + u8::from(sum > 1.3) });
            inputs.extend(row);
        }
        Rows {
            groups: Some((0..rows as u32).map(|row| row / 2).collect()),
            inputs,
            labels,
        }
    };
    Data {
        classes: ["early", "on time", "late"].map(str::to_owned).to_vec(),
        width: 4,
        train: draw(400),
        test: draw(150),
        balanced: false,
    }
}

pub(in crate::experiments::random_errors) fn settings() -> Settings {
    Settings {
        sizes: vec![SizeRuns {
            size: "2x6".to_owned(),
            runs: 4,
        }],
        errors: vec!["10%".to_owned()],
        methods: ALL_METHODS.map(str::to_owned).to_vec(),
        epochs: 4,
        learning_rate: Some(0.1),
        weight_decay: Some(1e-5),
        published: false,
        chunk: 4,
        sweep_runs: 2,
        ..small()
    }
}

/// The first chunk, as the runner takes it.
pub(in crate::experiments::random_errors) fn first(settings: &Settings) -> Unit<Chunk> {
    settings.unit(chunks(settings).unwrap().next().unwrap())
}

/// Records of the first chunk.
fn compute(settings: &Settings, data: &Data, threads: usize) -> ChunkRecords {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::create_or_resume(&place.path().join("run"), settings, None, &mut Notes::new()).unwrap();
    let mut engine = RandomErrors::new(data, settings, threads).unwrap();
    engine.prepare(&first(settings), &folder, &Silent::default()).unwrap();
    let chunk = &first(settings);
    engine.compute(chunk, &folder, &Silent::default()).unwrap().records.into()
}

#[test]
fn records_are_the_same_for_any_number_of_threads() {
    let (data, settings) = (data(), settings());
    let one = compute(&settings, &data, 1);
    assert_eq!(one.rows.len(), 4 * 6 * 2);
    assert_eq!(
        one.sweep.len(),
        2 * (super::super::sweep::ALPHAS.len() + super::super::sweep::LAMBDAS.len())
    );
    for threads in [2, 3, 8] {
        assert_eq!(compute(&settings, &data, threads), one);
    }
}

#[test]
fn a_scenario_does_not_depend_on_how_many_there_are_or_how_they_are_cut() {
    let (data, settings) = (data(), settings());
    let together = compute(&settings, &data, 2);
    let mut alone = settings.clone();
    alone.chunk = 1;
    alone.sizes[0].runs = 1;
    let first = compute(&alone, &data, 1);
    let rows: Vec<_> = together.rows.iter().filter(|row| row.run == 0).cloned().collect();
    assert_eq!(first.rows, rows);
}

#[test]
fn baseline_and_retrain_are_what_plain_training_gives() {
    let (data, settings) = (data(), settings());
    let records = compute(&settings, &data, 2);
    let (stream, index) = error_stream("uniform", "10%".parse().unwrap(), 2);
    let mistake = kinds::parse("uniform", &data.classes).unwrap();
    let injected = inject_labels(
        mistake.as_ref(),
        &Domain::rows(&data.train.labels, 3),
        "10%".parse().unwrap(),
        &mut Seed(settings.seed).stream(&stream, index),
    )
    .unwrap();
    assert_eq!(injected.flagged.len(), 40);
    let spec = MlpSpec::new(4, vec![6, 6], 3).unwrap();
    let kept: Vec<usize> = (0..400).filter(|row| !injected.flagged.contains(&(*row as u32))).collect();
    let inputs: Vec<f32> = kept.iter().flat_map(|row| data.train.inputs[row * 4..][..4].to_vec()).collect();
    let labels: Vec<u8> = kept.iter().map(|row| injected.labels[*row]).collect();
    let all = Examples::all(&data.train.inputs, 4, &injected.labels);
    for (method, examples) in [(BASELINE, all), ("retrain", Examples::all(&inputs, 4, &labels))] {
        let mut network = initial_network(&spec, &settings, 0, 0).unwrap();
        nn::train(&mut network, &examples, &recipe(&settings, 0.1, 1e-5), 1, &Silent::default()).unwrap();
        let row = records
            .rows
            .iter()
            .find(|row| row.run == 2 && row.method == method && row.split == Split::Test)
            .unwrap();
        let predicted = predict(&network, &data.test.inputs, 1).unwrap();
        assert_eq!(row.right, count_right(&predicted, &data.test.labels), "{method}");
        assert!(row.right > 75, "the task can be learned: {}", row.right);
    }
}

#[test]
fn counts_of_flagged_rows_add_up_and_the_paper_kind_mislabels_fewer() {
    let data = data();
    let uniform = compute(&settings(), &data, 2);
    for row in &uniform.rows {
        assert_eq!((row.flagged, row.mislabelled), (40, 40));
        match row.split {
            Split::Train => assert!(row.flagged_right.unwrap() + row.flagged_as_observed.unwrap() <= 40),
            Split::Test => assert_eq!((row.flagged_right, row.flagged_as_observed), (None, None)),
        }
        assert_eq!(row.dampening.is_some(), row.method.contains("ssd"));
    }
    let mut paper = settings();
    paper.error_kind = "paper".to_owned();
    let paper = compute(&paper, &data, 2);
    assert!(paper.rows.iter().all(|row| row.mislabelled < row.flagged));
}

#[test]
fn the_sweep_meets_assd_at_its_own_point_and_nothing_at_a_huge_alpha() {
    let (data, settings) = (data(), settings());
    let records = compute(&settings, &data, 2);
    for run in 0..2 {
        let of = |method: &str| {
            records
                .rows
                .iter()
                .find(|row| row.run == run && row.method == method && row.split == Split::Test)
                .unwrap()
        };
        let assd = of("assd");
        let dampening = assd.dampening.unwrap();
        let point = records
            .sweep
            .iter()
            .find(|row| row.run == run && row.sweep == Sweep::Lambda && row.lambda == 1.0)
            .unwrap();
        assert_eq!((point.alpha, point.dampened), (dampening.alpha, dampening.dampened));
        assert_eq!(point.right, assd.right);
        let ssd = records
            .sweep
            .iter()
            .find(|row| row.run == run && row.sweep == Sweep::Alpha && row.alpha == 10.0)
            .unwrap();
        assert_eq!(ssd.right, of("ssd").right);
        let dampened: Vec<u32> = records
            .sweep
            .iter()
            .filter(|row| row.run == run && row.sweep == Sweep::Alpha)
            .map(|row| row.dampened)
            .collect();
        assert!(dampened.is_sorted_by(|less, more| less >= more), "{dampened:?}");
        assert!(dampened[0] > 0, "{dampened:?}");
    }
}

#[test]
fn initialisations_are_nested_under_scenarios() {
    let data = data();
    let mut nested = settings();
    nested.init_seeds = 2;
    nested.sweep_runs = 0;
    let records = compute(&nested, &data, 2);
    assert_eq!(records.rows.len(), 4 * 2 * 6 * 2);
    let spec = MlpSpec::new(4, vec![6, 6], 3).unwrap();
    let weights = |run, init| initial_network(&spec, &nested, run, init).unwrap().parameters().to_vec();
    let all = [weights(0, 0), weights(0, 1), weights(1, 0), weights(1, 1)];
    for (place, one) in all.iter().enumerate() {
        assert!(all[..place].iter().all(|other| other != one));
    }
    let shared = settings();
    assert_eq!(
        initial_network(&spec, &shared, 0, 0).unwrap(),
        initial_network(&spec, &shared, 3, 0).unwrap()
    );
}

#[test]
fn the_search_is_kept_and_never_sees_test_rows() {
    let mut data = data();
    let mut settings = settings();
    (settings.learning_rate, settings.weight_decay, settings.trials) = (None, None, 3);
    settings.check().unwrap();
    let found = tune(&data, &settings, "2x6", 1, &Silent::default()).unwrap();
    assert_eq!(found.trials.len(), 3);
    assert_eq!((found.trial_training_rows, found.trial_validation_rows), (320, 80));
    data.test.labels.iter_mut().for_each(|label| *label = (*label + 1) % 3);
    let other = tune(&data, &settings, "2x6", 2, &Silent::default()).unwrap();
    assert_eq!((found.learning_rate, found.weight_decay), (other.learning_rate, other.weight_decay));
    assert_ne!(found.clean.test_right, other.clean.test_right);

    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::create_or_resume(&place.path().join("run"), &settings, None, &mut Notes::new()).unwrap();
    let mut kept = found.clone();
    kept.learning_rate = 0.012_345;
    folder.write_json("tuning/2x6.json", &kept).unwrap();
    let mut engine = RandomErrors::new(&data, &settings, 1).unwrap();
    engine.prepare(&first(&settings), &folder, &Silent::default()).unwrap();
    assert_eq!(engine.tuned().unwrap().1, kept, "a stored search is not repeated");
}

#[test]
fn what_cannot_be_computed_is_refused_before_it_begins() {
    let data = data();
    let refused = |change: &dyn Fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        RandomErrors::new(&data, &settings, 1).err().unwrap().to_string()
    };
    assert!(refused(&|settings| settings.errors = vec!["0.1%".to_owned()]).contains("less than one row"));
    assert!(refused(&|settings| settings.methods = vec!["magic".to_owned()]).contains("magic"));
    assert!(refused(&|settings| settings.error_kind = "segment:a=b: early -> late".to_owned()).contains("columns of the sheet"));
    assert!(refused(&|settings| settings.sizes[0].size = "big".to_owned()).contains("big"));
    assert!(refused(&|settings| settings.importance = "gut".to_owned()).contains("gut"));
    assert!(refused(&|settings| settings.reference = "gut".to_owned()).contains("gut"));
}

#[test]
fn a_stopped_chunk_gives_an_interruption() {
    let (data, settings) = (data(), settings());
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::create_or_resume(&place.path().join("run"), &settings, None, &mut Notes::new()).unwrap();
    let mut engine = RandomErrors::new(&data, &settings, 2).unwrap();
    engine.prepare(&first(&settings), &folder, &Silent::default()).unwrap();
    let stop = Silent::default();
    stop.0.store(true, Ordering::Relaxed);
    let error = engine.compute(&first(&settings), &folder, &stop).unwrap_err();
    assert_eq!(error.exit_code(), 130);
}
