//! Small runs on the made-up set.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use super::settings::{Model, Piece};
use super::*;
use crate::experiments::images::{Reading, RecipeChanges};
use crate::experiments::mock::StopAfter;
use crate::experiments::{Done, RunFolder, Shard, Study, Unit, run as run_study};
use crate::notes::Notes;
use crate::progress::{Progress, Silent};

fn options() -> ImageStudyOptions {
    ImageStudyOptions {
        dataset: "made-up".to_owned(),
        manipulations: vec!["poison:n=12,size=2".to_owned(), "confusion:n=20,pair=level/upright".to_owned()],
        known: vec![0.5],
        bias: "none".to_owned(),
        false_flags: 0.0,
        methods: ["ssd", "retrain"].map(str::to_owned).to_vec(),
        seeds: 1,
        search: true,
        network: None,
        rows: Some(120),
        test_rows: Some(40),
        recipe: RecipeChanges {
            epochs: Some(2),
            ..RecipeChanges::default()
        },
        augmentation: None,
        seed: 7,
    }
}

fn study(options: &ImageStudyOptions, threads: usize) -> ImageStudy {
    ImageStudy::new(options, &Reading::default(), threads, &mut Notes::new()).unwrap()
}

type Folder = RunFolder<ImageStudySettings>;

fn open(path: &Path, settings: &ImageStudySettings, shard: Option<Shard>) -> crate::error::Result<Folder> {
    RunFolder::create_or_resume(path, settings, shard, &mut Notes::new())
}

fn run(study: &mut ImageStudy, folder: &Folder, shard: Option<Shard>, progress: &dyn Progress) -> crate::error::Result<Done> {
    run_study(folder, shard, study, progress, &mut Notes::new())
}

/// Everything in a run folder that must be the same bytes however it came about.
fn results(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder.join("pieces")).unwrap() {
        let path = entry.unwrap().path();
        found.insert(
            path.file_name().unwrap().to_string_lossy().into_owned(),
            std::fs::read(&path).unwrap(),
        );
    }
    found.insert("records".to_owned(), std::fs::read(folder.join("records.csv")).unwrap());
    found
}

#[test]
fn a_run_stopped_again_and_again_sharded_or_grown_has_the_bytes_of_one_in_one_go() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let quiet = Silent::default();
    let mut own = study(&options(), 2);
    let folder = open(&at("whole"), own.settings(), None).unwrap();
    let done = run(&mut own, &folder, None, &quiet).unwrap();
    // The clean and the spoiled model and two methods, for each manipulation.
    assert_eq!((done.computed, done.found, done.complete), (8, 0, true));
    assert_eq!(run(&mut own, &folder, None, &quiet).unwrap().found, 8);
    let whole = results(&at("whole"));
    // Two spoiled networks, one clean one for both, and importances for SSD.
    assert_eq!(std::fs::read_dir(at("whole").join("models")).unwrap().count(), 5);

    let mut stops = 0;
    loop {
        let mut own = study(&options(), 1);
        let folder = open(&at("stopped"), own.settings(), None).unwrap();
        match run(&mut own, &folder, None, &StopAfter(AtomicU64::new(8 + 12 * stops))) {
            Ok(done) => break assert!(done.complete),
            Err(error) => assert_eq!(error.exit_code(), 130, "{error}"),
        }
        stops += 1;
    }
    assert!(stops > 2, "{stops}");
    assert_eq!(results(&at("stopped")), whole);

    for number in [2, 1] {
        let shard = Some(Shard::new(number, 2).unwrap());
        let mut own = study(&options(), 1);
        let folder = open(&at("shards"), own.settings(), shard).unwrap();
        assert_eq!(run(&mut own, &folder, shard, &quiet).unwrap().computed, 4);
    }
    assert_eq!(results(&at("shards")), whole);

    let mut less = options();
    less.manipulations.truncate(1);
    less.methods.truncate(1);
    let mut own = study(&less, 1);
    let folder = open(&at("grown"), own.settings(), None).unwrap();
    assert_eq!(run(&mut own, &folder, None, &quiet).unwrap().computed, 3);
    drop(folder);
    let mut own = study(&options(), 1);
    let folder = open(&at("grown"), own.settings(), None).unwrap();
    assert_eq!(run(&mut own, &folder, None, &quiet).unwrap().computed, 5);
    assert_eq!(results(&at("grown")), whole);

    let mut other = options();
    other.false_flags = 0.2;
    let error = open(&at("whole"), study(&other, 1).settings(), None).unwrap_err();
    assert!(
        error.to_string().contains("other settings: false flags: 0.2 here, 0.0 there"),
        "{error}"
    );
}

#[test]
fn a_poison_spoils_its_images_and_retraining_with_all_of_it_known_heals_them() {
    let place = tempfile::tempdir().unwrap();
    let mut wanted = options();
    // Without augmentation the patch stays where it is, so that few passes are enough.
    wanted.augmentation = Some("none".to_owned());
    wanted.manipulations = vec!["poison:n=60,size=2".to_owned()];
    wanted.known = vec![1.0, 0.25];
    let ways = [
        "retrain",
        "expand+retrain",
        "expand-relabel+retrain",
        "expand-relabel-twice+retrain",
    ];
    wanted.methods = ways.map(str::to_owned).to_vec();
    wanted.rows = Some(300);
    wanted.test_rows = None;
    wanted.recipe.epochs = Some(5);
    let mut own = study(&wanted, 2);
    let folder = open(&place.path().join("run"), own.settings(), None).unwrap();
    assert!(run(&mut own, &folder, None, &Silent::default()).unwrap().complete);
    let report = ImageStudySettings::summarise(&folder, &(), &mut Notes::new()).unwrap();
    let found = &report.manipulations[0];
    let (clean, spoiled) = (found.clean.unwrap(), found.spoiled.unwrap());
    assert_eq!((found.count, found.training_images, found.test_images), (60, 285, (200, 200)));
    assert!(
        clean.manipulated.mean > spoiled.manipulated.mean && spoiled.manipulated.mean < 0.5,
        "{clean:?} {spoiled:?}"
    );
    let [part, expanded, relabelled, twice, all, _, _, _] = &found.methods[..] else {
        panic!("{:?}", found.methods)
    };
    assert_eq!((part.known, part.flags, all.known, all.flags), (0.25, 15.0, 1.0, 60.0));
    assert!(all.figures.manipulated.mean > spoiled.manipulated.mean, "{all:?}");
    assert!((part.proposed, part.recall).eq(&(None, None)) && part.product().is_some());
    assert!(expanded.proposed.is_some() && expanded.expanding_seconds.is_some(), "{expanded:?}");
    assert_eq!((&relabelled.proposed, &relabelled.recall), (&expanded.proposed, &expanded.recall));
    // The second look is with a network of its own, which is kept, and its repair is a part of finding the rest.
    assert!(
        twice.proposed > Some(0.0) && twice.expanding_seconds > relabelled.expanding_seconds,
        "{twice:?}"
    );
    let models = std::fs::read_dir(place.path().join("run/models")).unwrap();
    let names: Vec<String> = models.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(
        names.iter().filter(|name| name.ends_with("_first.safetensors")).count(),
        2,
        "{names:?}"
    );
    let record = |method: &str| {
        let settings = folder.settings();
        let of = |unit: &Unit<Piece>| settings.known(&unit.key) == Some(0.25) && settings.method(&unit.key) == method;
        let unit = folder.units().unwrap().into_iter().find(of).unwrap();
        folder.records(&unit).unwrap().unwrap().remove(0)
    };
    let (dropped, learned) = (record("expand+retrain"), record("expand-relabel+retrain"));
    assert_eq!((dropped.relabelled, dropped.relabelled_right), (None, None));
    // All that is flagged or proposed is recorded as the target, and learned as another class: the clean one more often than by chance (1 of 3).
    assert_eq!(learned.relabelled, Some(learned.flags + learned.proposed.unwrap()));
    assert!(learned.relabelled_right.unwrap() * 2 > learned.relabelled.unwrap(), "{learned:?}");
    assert_eq!(report.claims.len(), 7);
}

#[test]
fn known_images_are_nested_biased_and_false_as_asked_and_never_among_the_validation_images() {
    let place = tempfile::tempdir().unwrap();
    let mut wanted = options();
    wanted.rows = None;
    wanted.known = vec![0.25, 0.5];
    wanted.bias = "class = level".to_owned();
    wanted.false_flags = 0.2;
    wanted.manipulations = vec!["confusion:n=40,pair=level/upright".to_owned()];
    let mut own = study(&wanted, 1);
    let folder = open(&place.path().join("run"), own.settings(), None).unwrap();
    let units = folder.units().unwrap();
    crate::experiments::Engine::prepare(&mut own, &units[0], &folder, &Silent::default()).unwrap();
    let known = |known: usize| {
        let unit = units
            .iter()
            .find(|unit| unit.key.model == Model::Repaired { known, method: 0 })
            .unwrap();
        own.known_images(folder.settings(), &unit.key).unwrap()
    };
    let (few, more) = (known(0), known(1));
    assert_eq!((few.flags.len(), few.false_flags.len()), (13, 3));
    assert_eq!((more.flags.len(), more.false_flags.len()), (25, 5));
    let right = |known: &engine::KnownImages| -> Vec<u32> {
        let all = known.flags.iter().filter(|row| known.false_flags.binary_search(row).is_err());
        all.copied().collect()
    };
    assert!(right(&few).iter().all(|row| right(&more).contains(row)));
    assert!(right(&more).iter().all(|row| more.manipulated.binary_search(row).is_ok()));
    assert!(
        right(&more).iter().all(|row| more.clean_labels[*row as usize] == 1),
        "the images of one class come first"
    );
    // 20 held-out images, of which 2 were manipulated as well; some of these are flagged.
    assert!(
        few.validation < 20 && more.validation <= few.validation,
        "{} {}",
        few.validation,
        more.validation
    );
}

#[test]
fn what_cannot_be_studied_is_refused_before_anything_is_trained() {
    let fails = |change: &dyn Fn(&mut ImageStudyOptions)| {
        let mut wanted = options();
        change(&mut wanted);
        let Err(error) = ImageStudy::new(&wanted, &Reading::default(), 1, &mut Notes::new()) else {
            panic!("{wanted:?}")
        };
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    };
    assert!(fails(&|wanted| wanted.manipulations = vec!["poison:n=90".to_owned()]).contains("more images than it can"));
    assert!(fails(&|wanted| wanted.manipulations = vec!["poison:n=9,size=20".to_owned()]).contains("does not fit images"));
    assert!(fails(&|wanted| wanted.manipulations = vec!["confusion:n=2,pair=level/level".to_owned()]).contains("twice"));
    assert!(fails(&|wanted| wanted.manipulations.clear()).contains("something that is wrong"));
    assert!(fails(&|wanted| wanted.known = vec![0.0]).contains("known share is 0"));
    assert!(fails(&|wanted| wanted.known.clear()).contains("at least one known share"));
    assert!(fails(&|wanted| wanted.false_flags = 1.0).contains("false flags"));
    assert!(fails(&|wanted| wanted.seeds = 0).contains("at least one seed"));
    assert!(fails(&|wanted| wanted.methods = vec!["sdd".to_owned()]).contains("sdd"));
    assert!(fails(&|wanted| wanted.methods = vec!["expand-draw+retrain".to_owned()]).contains("for tables alone"));
    assert!(fails(&|wanted| wanted.bias = "colour = red".to_owned()).contains("colour"));
    assert!(fails(&|wanted| wanted.network = Some("resnet".to_owned())).contains("resnet"));
    for number in [1, 8] {
        assert!(figures::manipulations(number, "cifar10").is_err());
    }
    assert!(figures::manipulations(2, "made-up").is_err());
    assert_eq!(
        figures::manipulations(7, "cifar10").unwrap(),
        ["confusion:n=500", "confusion:n=2500", "confusion:n=5000"]
    );
}
