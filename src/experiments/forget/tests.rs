//! Tasks, settings, and small runs on the made-up set.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use safetensors::tensor::TensorView;

use super::task::{ForgetSet, Task, of_table, published_place};
use super::*;
use crate::datasets::images::ImageSet;
use crate::datasets::published::image_forgetting;
use crate::experiments::images::data::dataset;
use crate::experiments::images::{Reading, RecipeChanges, store};
use crate::experiments::mock::StopAfter;
use crate::experiments::{Done, Engine, RunFolder, Shard, Study, run as run_study};
use crate::nn::ImportanceKind;
use crate::nn::images::{ImageNetwork, ImageRecipe, ImageShape, ImageSpec, Length, Schedule};
use crate::notes::Notes;
use crate::progress::{Progress, Silent};
use crate::repair::Reference;
use crate::seed::Seed;

fn made_up() -> ImageSet {
    dataset("made-up").unwrap().load(&Reading::default(), &mut Notes::new()).unwrap()
}

fn resolve(text: &str, set: &ImageSet) -> crate::error::Result<ForgetSet> {
    Task::parse(text)?.resolve(set, Seed(4))
}

#[test]
fn tasks_name_training_rows_and_the_test_rows_of_both_accuracies() {
    let set = made_up();
    let class = resolve("class:level", &set).unwrap();
    assert_eq!(
        (class.forget.len(), class.forget_test.len(), class.retain_test.len()),
        (100, 50, 150)
    );
    assert!(class.forget.iter().all(|row| set.train.labels[*row as usize] == 1));
    assert!(class.retain_test.iter().all(|row| set.test.labels[*row as usize] != 1));

    let sub = resolve("subclass:green level", &set).unwrap();
    assert_eq!((sub.forget.len(), sub.forget_test.len(), sub.retain_test.len()), (50, 25, 175));
    let sub_labels = set.train.sub_labels.as_ref().unwrap();
    assert!(sub.forget.iter().all(|row| sub_labels[*row as usize] == 1));

    let random = resolve("random:2%", &set).unwrap();
    assert_eq!(
        (random.forget.len(), random.forget_test.len(), random.retain_test.len()),
        (8, 0, 200)
    );
    assert_eq!(random, resolve("random:2%", &set).unwrap());
    assert_ne!(random, Task::parse("random:2%").unwrap().resolve(&set, Seed(5)).unwrap());
    assert_eq!(Task::parse("random").unwrap(), Task::Random(0.00165));
    assert_eq!(Task::parse("random").unwrap().importance_batch(), 128);
    let ssd = |task: &str, network, dataset| Task::parse(task).unwrap().published_ssd(network, dataset);
    assert_eq!(
        (ssd("class:a", "resnet18", "cifar100"), ssd("random", "vit-b-16", "cifar10")),
        ((10.0, 1.0), (10.0, 1.0))
    );
    assert_eq!(
        (ssd("class:a", "vit-b-16", "cifar20"), ssd("subclass:a", "vit-b-16", "cifar20")),
        ((5.0, 1.0), (25.0, 1.0))
    );
    assert_eq!(ssd("class:a", "resnet18", "folder"), (50.0, 0.1));
}

#[test]
fn classes_are_found_by_the_words_of_their_names() {
    let mut set = made_up();
    set.classes = [
        "household_electrical_devices",
        "large_natural_outdoor_scenes",
        "vehicles_1",
        "vehicles_2",
    ]
    .map(str::to_owned)
    .to_vec();
    let named = |text: &str| Task::parse(text).unwrap().named(&set);
    assert_eq!(named("class:Electrical devices").unwrap(), "class:household_electrical_devices");
    assert_eq!(named("class: natural scenes").unwrap(), "class:large_natural_outdoor_scenes");
    assert_eq!(named("class:Vehicles 2").unwrap(), "class:vehicles_2");
    let error = named("class:vehicles").unwrap_err();
    assert_eq!(error.hint_text(), Some("write `vehicles_1` or `vehicles_2`"));
    let error = named("class:vehicels_1").unwrap_err();
    assert_eq!(error.hint_text(), Some("did you mean `vehicles_1`?"));
    assert!(
        named("class:zzz")
            .unwrap_err()
            .hint_text()
            .unwrap()
            .contains("vehicles_1, vehicles_2")
    );
}

#[test]
fn nothing_and_everything_cannot_be_forgotten() {
    let set = made_up();
    let fails = |text: &str, set: &ImageSet| resolve(text, set).unwrap_err().to_string();
    assert!(fails("random:0.01%", &set).contains("nothing to forget"));
    assert!(fails("random:100%", &set).contains("all 400 training images"));
    let mut single = set.clone();
    single.train.labels.fill(2);
    assert!(fails("class:falling", &single).contains("all 400 training images"));
    assert!(fails("class:level", &single).contains("nothing to forget"));
    let mut blind = set.clone();
    blind.test.labels.fill(2);
    assert!(fails("class:level", &blind).contains("no test image"));
    let mut flat = set;
    flat.sub_classes.clear();
    assert!(fails("subclass:level", &flat).contains("no sub-classes"));
    for wrong in ["", "class", "class:", "rocket", "random:7", "subclass: "] {
        assert_eq!(Task::parse(wrong).unwrap_err().exit_code(), 2, "{wrong}");
    }
}

#[test]
fn the_papers_tables_are_whole_and_their_tasks_stand_beside_published_figures() {
    let mut tasks = 0;
    for table in 1..=3 {
        for (name, of_set) in of_table(table).unwrap() {
            dataset(name).unwrap();
            for task in of_set {
                Task::parse(&task).unwrap();
                let (found, class) = published_place(name, &task).unwrap();
                assert_eq!(found, table);
                let rows = image_forgetting(table).unwrap().into_iter().filter(|row| row.class == class);
                assert_eq!(rows.clone().filter(|row| row.network == "resnet18").count(), 3, "{task}");
                assert_eq!(rows.filter(|row| row.network == "vit").count(), 3, "{task}");
                tasks += 1;
            }
        }
    }
    assert_eq!(tasks, 16);
    assert!(of_table(4).is_err());
    assert_eq!(published_place("made-up", "random"), None);
}

#[test]
fn a_shorter_training_keeps_the_shape_of_its_schedule() {
    let changed = |changes: RecipeChanges| changes.apply(ImageRecipe::published_forgetting(10));
    let shorter = changed(RecipeChanges {
        epochs: Some(5),
        batch: Some(32),
        ..RecipeChanges::default()
    });
    let shorter = shorter.unwrap();
    assert_eq!((shorter.length, shorter.batch), (Length::Epochs(5), 32));
    assert!(matches!(shorter.schedule, Schedule::Milestones { ref milestones, .. } if *milestones == [2, 3, 4]));
    let steps = changed(RecipeChanges {
        steps: Some(100),
        learning_rate: Some(0.1),
        ..RecipeChanges::default()
    });
    let steps = steps.unwrap();
    assert_eq!((steps.length, steps.learning_rate), (Length::Steps(100), 0.1));
    let both = RecipeChanges {
        epochs: Some(1),
        steps: Some(1),
        ..RecipeChanges::default()
    };
    assert!(changed(both).is_err());
    for wrong in [
        RecipeChanges {
            epochs: Some(0),
            ..RecipeChanges::default()
        },
        RecipeChanges {
            batch: Some(1),
            ..RecipeChanges::default()
        },
        RecipeChanges {
            learning_rate: Some(f64::NAN),
            ..RecipeChanges::default()
        },
    ] {
        assert!(changed(wrong).is_err());
    }
}

pub(super) fn options() -> ForgetOptions {
    ForgetOptions {
        parts: vec![("made-up".to_owned(), vec!["class:level".to_owned(), "random:5%".to_owned()])],
        network: None,
        weights: None,
        methods: ["assd", "ssd", "lfssd", "finetune", "retrain"].map(str::to_owned).to_vec(),
        seeds: 1,
        rows: Some(160),
        test_rows: Some(80),
        membership_rows: Some(60),
        recipe: RecipeChanges {
            epochs: Some(4),
            ..RecipeChanges::default()
        },
        augmentation: None,
        importance: ImportanceKind::SquaredBatchGradient,
        reference: Reference::Full,
        alpha: None,
        lambda: None,
        sweep: false,
        seed: 7,
    }
}

pub(super) fn bench(options: &ForgetOptions, threads: usize) -> Bench {
    Bench::new(options, &Reading::default(), threads, &mut Notes::new()).unwrap()
}

type Folder = RunFolder<ForgetSettings>;

fn open(path: &Path, settings: &ForgetSettings, shard: Option<Shard>, notes: &mut Notes) -> crate::error::Result<Folder> {
    RunFolder::create_or_resume(path, settings, shard, notes)
}

fn run(bench: &mut Bench, folder: &Folder, shard: Option<Shard>, progress: &dyn Progress) -> crate::error::Result<Done> {
    run_study(folder, shard, bench, progress, &mut Notes::new())
}

/// Everything in a run folder that must be the same bytes however it came about.
fn results(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder.join("pieces")).unwrap() {
        let path = entry.unwrap().path();
        found.insert(path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap());
    }
    for name in ["records.csv", "records.json", "settings.json"] {
        found.insert(name.into(), std::fs::read(folder.join(name)).unwrap());
    }
    found
}

#[test]
fn a_run_stopped_again_and_again_sharded_or_grown_has_the_bytes_of_one_in_one_go() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let begun = |name: &str, options: &ForgetOptions, threads: usize| {
        let bench = bench(options, threads);
        let folder = open(&at(name), bench.settings(), None, &mut Notes::new()).unwrap();
        (bench, folder)
    };
    let quiet = Silent::default();
    let (mut own, folder) = begun("whole", &options(), 2);
    let done = run(&mut own, &folder, None, &quiet).unwrap();
    assert_eq!((done.computed, done.found, done.complete), (12, 0, true));
    let whole = results(&at("whole"));
    assert_eq!(whole.len(), 12 + 3);
    assert!(
        !at("whole")
            .join("checkpoints")
            .read_dir()
            .is_ok_and(|mut entries| entries.next().is_some())
    );
    let again = run(&mut own, &folder, None, &quiet).unwrap();
    assert_eq!((again.computed, again.found), (0, 12));

    let (mut stops, mut after_checkpoint) = (0, 0);
    loop {
        let (mut own, folder) = begun("stopped", &options(), 1);
        // More and more patience, so that it comes to an end; at first not enough for an epoch.
        match run(&mut own, &folder, None, &StopAfter(AtomicU64::new(8 + 3 * stops))) {
            Ok(done) => {
                assert!(done.complete);
                break;
            }
            Err(error) => assert_eq!(error.exit_code(), 130, "{error}"),
        }
        after_checkpoint += u64::from(at("stopped").join("checkpoints").exists());
        stops += 1;
    }
    assert!(stops > 5 && after_checkpoint > 2, "{stops} {after_checkpoint}");
    assert_eq!(results(&at("stopped")), whole);

    for number in [2, 1] {
        let shard = Some(Shard::new(number, 2).unwrap());
        let mut own = bench(&options(), 1);
        let folder = open(&at("shards"), own.settings(), shard, &mut Notes::new()).unwrap();
        let done = run(&mut own, &folder, shard, &quiet).unwrap();
        assert_eq!(done.computed, 6);
    }
    assert_eq!(results(&at("shards")), whole);

    let mut less = options();
    less.methods.truncate(1);
    less.parts[0].1.truncate(1);
    let (mut own, folder) = begun("grown", &less, 1);
    assert_eq!(run(&mut own, &folder, None, &quiet).unwrap().computed, 2);
    drop(folder);
    let (mut own, folder) = begun("grown", &options(), 1);
    assert_eq!(run(&mut own, &folder, None, &quiet).unwrap().computed, 10);
    drop(folder);
    assert_eq!(results(&at("grown")), whole);

    // A damaged result and a damaged network are computed again.
    let piece = at("grown").join("pieces/made-up_class-level_seed-1_assd.jsonl");
    let text = std::fs::read_to_string(&piece).unwrap();
    std::fs::write(&piece, text.replacen("\"retain_right\":", "\"retain_right\":1", 1)).unwrap();
    std::fs::write(at("grown").join("models/made-up_seed-1.safetensors"), b"cut short").unwrap();
    let (mut own, folder) = begun("grown", &options(), 2);
    assert_eq!(run(&mut own, &folder, None, &quiet).unwrap().computed, 1);
    assert_eq!(results(&at("grown")), whole);

    let mut other = options();
    other.recipe.epochs = Some(5);
    let error = open(&at("whole"), bench(&other, 1).settings(), None, &mut Notes::new()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("other settings: parts made-up recipe length epochs: 5 here, 4 there"),
        "{error}"
    );
    let mut other = options();
    other.alpha = Some(3.0);
    let error = open(&at("whole"), bench(&other, 1).settings(), None, &mut Notes::new()).unwrap_err();
    assert!(error.to_string().contains("another alpha"), "{error}");
}

#[test]
fn a_retrained_model_does_not_know_the_class_and_the_report_says_so() {
    let place = tempfile::tempdir().unwrap();
    let mut wanted = options();
    wanted.rows = None;
    wanted.test_rows = None;
    wanted.recipe.epochs = Some(8);
    wanted.methods = vec!["ssd".to_owned(), "retrain".to_owned()];
    wanted.parts[0].1.truncate(1);
    wanted.sweep = true;
    wanted.seeds = 2;
    let mut own = bench(&wanted, 2);
    let folder = open(&place.path().join("run"), own.settings(), None, &mut Notes::new()).unwrap();
    assert!(run(&mut own, &folder, None, &Silent::default()).unwrap().complete);
    let report = ForgetSettings::summarise(&folder, &(), &mut Notes::new()).unwrap();
    let task = &report.tasks[0];
    let of = |name: &str| task.methods.iter().find(|found| found.method == name).unwrap();
    let (baseline, retrain) = (of(BASELINE), of("retrain"));
    assert!(baseline.retain.mean > 0.8 && baseline.forget.mean > 0.8, "{baseline:?}");
    assert!(retrain.retain.mean > 0.8 && retrain.forget.mean == 0.0, "{retrain:?}");
    assert_eq!((baseline.retain.count, task.forget_rows, task.judged_on_training), (2, 100, false));
    assert!(baseline.retain.sd.is_some() && retrain.published.is_none());
    // Alphas at lambda 1, lambdas at alpha 10, the point of both once.
    assert_eq!(task.sweep.len(), settings::ALPHAS.len() + settings::LAMBDAS.len() - 1);
    let ssd = task.sweep.iter().find(|point| (point.alpha, point.lambda) == (10.0, 1.0)).unwrap();
    assert_eq!((ssd.retain, ssd.forget), (of("ssd").retain.mean, of("ssd").forget.mean));
    let strongest = task.sweep.iter().find(|point| point.alpha == settings::ALPHAS[0]).unwrap();
    assert!(strongest.forget < baseline.forget.mean, "{strongest:?}");
}

/// A transformer's weights for images of 16 x 16, as a file of the library.
fn transformer(path: &Path, seed: u64) {
    let spec = ImageSpec::named("vit-tiny", ImageShape::new(3, 16, 16), 9).unwrap();
    let network = ImageNetwork::<f32>::initial(&spec, Seed(seed)).unwrap();
    let tensors: Vec<store::Stored> = network
        .to_tensors()
        .iter()
        .map(|tensor| store::Stored::single(&tensor.name, tensor.shape.clone(), &tensor.values))
        .collect();
    let views = tensors.iter().map(|tensor| {
        (
            &tensor.name,
            TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes).unwrap(),
        )
    });
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn every_model_and_every_retraining_starts_from_the_weights_of_the_file() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("model.safetensors");
    transformer(&file, 1);
    let mut wanted = options();
    wanted.network = Some("vit-tiny".to_owned());
    wanted.weights = Some(file.clone());
    wanted.seeds = 2;
    wanted.methods = ["assd", "retrain"].map(str::to_owned).to_vec();
    wanted.parts[0].1.truncate(1);
    wanted.rows = Some(60);
    wanted.test_rows = Some(40);
    wanted.recipe.epochs = Some(1);
    // So slow that what training started from can be seen in what came of it.
    wanted.recipe.learning_rate = Some(1e-9);
    let mut own = bench(&wanted, 2);
    let weights = own.settings().weights.clone().unwrap();
    assert_eq!((weights.pixels, weights.sha256), (16, crate::files::sha256_of(&file).unwrap()));
    // The images themselves stay small.
    assert_eq!(own.settings().parts[0].parameters, 62_986 - 48 * 48 - 6 * 49);
    let mut run_in = |name: &str, progress: &dyn crate::progress::Progress| {
        let folder = open(&place.path().join(name), own.settings(), None, &mut Notes::new()).unwrap();
        run(&mut own, &folder, None, progress).map(|done| (done, folder))
    };
    let (done, folder) = run_in("run", &Silent::default()).unwrap();
    assert!(done.complete);
    let started = SafeTensorsFile::read(&file);
    let trained: Vec<SafeTensorsFile> = (1..=2)
        .map(|seed| SafeTensorsFile::read(&place.path().join(format!("run/models/made-up_seed-{seed}.safetensors"))))
        .collect();
    for (name, values) in &started.0 {
        for network in &trained {
            let own = &network.0[name];
            let near = own.len() == values.len() && own.iter().zip(values).all(|(one, other)| (one - other).abs() < 1e-6);
            assert_eq!(near, !name.starts_with("classifier"), "{name}");
        }
    }
    assert!(trained[0].0["classifier.weight"] != trained[1].0["classifier.weight"]);
    let units = folder.units().unwrap();
    for pair in units.chunks(3) {
        assert_eq!([0, 1, 2].map(|place| pair[place].key.name.as_str()), [BASELINE, "assd", "retrain"]);
        let counts = |place: usize| {
            let record = folder.records(&pair[place]).unwrap().unwrap().remove(0);
            (record.retain_right, record.forget_right)
        };
        assert_eq!(counts(0), counts(2), "what both started from");
    }
    drop(folder);

    let mut stops = 0;
    while let Err(error) = run_in("stopped", &StopAfter(AtomicU64::new(5 + 4 * stops))) {
        assert_eq!(error.exit_code(), 130, "{error}");
        stops += 1;
    }
    assert!(stops > 2, "{stops}");
    assert_eq!(results(&place.path().join("stopped")), results(&place.path().join("run")));

    transformer(&file, 2);
    let folder = RunFolder::<ForgetSettings>::open(&place.path().join("run")).unwrap();
    let error = own.prepare(&units[0], &folder, &Silent::default());
    assert!(error.unwrap_err().to_string().contains("changed while they were in use"));
    let other = bench(&wanted, 2);
    let error = open(&place.path().join("run"), other.settings(), None, &mut Notes::new()).unwrap_err();
    assert!(error.to_string().contains("other settings: weights sha256: `"), "{error}");
    wanted.weights = None;
    let error = open(&place.path().join("run"), bench(&wanted, 2).settings(), None, &mut Notes::new()).unwrap_err();
    assert!(error.to_string().contains("weights: none here, sha256 `"), "{error}");
}

/// Values of a file's tensors by name.
struct SafeTensorsFile(BTreeMap<String, Vec<f32>>);

impl SafeTensorsFile {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let values = |data: &[u8]| data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        Self(file.iter().map(|(name, view)| (name.to_owned(), values(view.data()))).collect())
    }
}
