//! A small study end to end, on a made-up sheet.

use std::sync::atomic::{AtomicU64, Ordering};

use super::settings::{Proposed, StudyOptions, way, without_proposing};
use super::*;
use crate::datasets::generator::{Options, Sheet};
use crate::error::Error;
use crate::experiments::mock::StopAfter;
use crate::experiments::{RunFolder, Shard, Study, run};
use crate::features::{Profile, RecipeKind};
use crate::notes::Notes;
use crate::progress::Silent;
use crate::seed::Seed;
use crate::tables::{ReadOptions, Table, read};

const PATTERN: &str = "segment:Market = LATAM: late -> on time, 80%";

fn sheet() -> Table {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    let options = Options {
        rows: 4_000,
        seed: Seed(2),
        complete_share: 0.9,
        ..Options::default()
    };
    Sheet::past(&options).unwrap().write(&path, &Silent::default()).unwrap();
    read(&path, &ReadOptions::default(), &mut Notes::new()).unwrap()
}

fn options() -> StudyOptions {
    StudyOptions {
        kinds: vec![PATTERN.to_owned(), "poison:Department Name=Fitness -> early & uniform".to_owned()],
        rates: vec!["4%".to_owned()],
        known: vec![0.2, 1.0],
        bias: "none".to_owned(),
        false_flags: 0.0,
        methods: ["retrain", "assd", "scrub", "assd+finetune"].map(str::to_owned).to_vec(),
        repetitions: 1,
        search: true,
        recipe: RecipeKind::Paper,
        network: Some("12".to_owned()),
        epochs: Some(4),
        seed: 3,
    }
}

#[test]
fn a_study_trains_by_the_standard_recipe_and_ensembles_where_it_is_asked_to() {
    let table = sheet();
    let profile = Profile::load("dataco").unwrap();
    let options = StudyOptions {
        kinds: vec![PATTERN.to_owned()],
        methods: ["assd", "retrain", "scrub"].map(str::to_owned).to_vec(),
        known: vec![1.0],
        recipe: RecipeKind::Standard,
        network: Some("2 of 12".to_owned()),
        search: false,
        ..options()
    };
    let folder = tempfile::tempdir().unwrap();
    let mut study = Corrective::new(&table, &profile, &options, 1, &mut Notes::new()).unwrap();
    let settings = study.settings().clone();
    // Robust scaling and the weight decay of the standard recipe come with it, and batches for few rows.
    assert!(
        settings.weight_decay == 1e-2 && settings.batch < profile.training.batch,
        "{settings:?}"
    );
    let text = serde_json::to_string(&settings).unwrap();
    assert!(text.contains(r#""recipe":"standard""#), "{text}");
    assert_eq!(serde_json::from_str::<StudySettings>(&text).unwrap(), settings);
    let opened = RunFolder::create_or_resume(&folder.path().join("run"), &settings, None, &mut Notes::new()).unwrap();
    let patience = StopAfter(AtomicU64::new(u64::MAX));
    assert!(run(&opened, None, &mut study, &patience, &mut Notes::new()).unwrap().complete);
    let report = StudySettings::summarise(&opened, &(), &mut Notes::new()).unwrap();
    assert!(report.settings.recipe == RecipeKind::Standard && report.patterns[0].repetitions == 1);
    // The paper's recipe is not written down: folders of before are of it.
    let paper = Corrective::new(&table, &profile, &self::options(), 1, &mut Notes::new()).unwrap();
    let text = serde_json::to_string(paper.settings()).unwrap();
    assert!(!text.contains(r#""recipe":"#), "{text}");
    assert_eq!(serde_json::from_str::<StudySettings>(&text).unwrap().recipe, RecipeKind::Paper);
}

#[test]
fn a_study_is_computed_resumed_sharded_and_summarised() {
    let table = sheet();
    let profile = Profile::load("dataco").unwrap();
    let folder = tempfile::tempdir().unwrap();
    // Checks whether to stop that are left until somebody stops the run.
    let patience = StopAfter(AtomicU64::new(u64::MAX));
    let at = |name: &str, shard: Option<Shard>, threads: usize| {
        let mut study = Corrective::new(&table, &profile, &options(), threads, &mut Notes::new()).unwrap();
        let settings = study.settings().clone();
        let place = folder.path().join(name);
        let opened = RunFolder::create_or_resume(&place, &settings, shard, &mut Notes::new()).unwrap();
        let done = run(&opened, shard, &mut study, &patience, &mut Notes::new())?;
        Ok::<_, Error>((done.computed, done.found, done.complete))
    };
    assert_eq!(at("whole", None, 2).unwrap(), (2, 0, true));
    assert_eq!(at("whole", None, 2).unwrap(), (0, 2, true));

    // Stopped in its second unit, a run keeps the first, says so, and goes on to the same bytes.
    let checks = u64::MAX - patience.0.load(Ordering::Relaxed);
    patience.0.store(checks * 3 / 4, Ordering::Relaxed);
    let error = at("stopped", None, 1).unwrap_err();
    assert!(
        error.exit_code() == 130 && error.to_string().contains("1 of 2 units are finished and kept in"),
        "{error}"
    );
    patience.0.store(u64::MAX, Ordering::Relaxed);
    assert_eq!(at("stopped", None, 1).unwrap(), (1, 1, true));

    // Shards on another number of threads give the same bytes.
    assert_eq!(at("shared", Shard::new(1, 2).ok(), 1).unwrap(), (1, 0, false));
    assert_eq!(at("shared", Shard::new(2, 2).ok(), 1).unwrap(), (1, 0, true));
    let bytes = |name: &str| std::fs::read(folder.path().join(name).join("records.csv")).unwrap();
    assert_eq!(bytes("whole"), bytes("stopped"));
    assert_eq!(bytes("whole"), bytes("shared"));
    let whole = RunFolder::<StudySettings>::open(&folder.path().join("whole")).unwrap();
    let unit = &whole.units().unwrap()[0];

    let report = StudySettings::summarise(&whole, &(), &mut Notes::new()).unwrap();
    assert_eq!(report.patterns.len(), 2);
    let segment = &report.patterns[0];
    assert!(segment.affected > 0 && segment.wrong_share > 0.02);
    assert_eq!(segment.methods.len(), 8);
    for found in &report.patterns[0].methods {
        assert_eq!(found.failed, 0, "{}", found.method);
    }
    // Retraining without every wrong row is at least as far from the corrupted model as retraining without a fifth of them.
    let rows = whole.records(unit).unwrap().unwrap();
    let flags = |known: f64| rows.iter().find(|row| row.known == Some(known)).unwrap().flags;
    assert_eq!(flags(1.0), rows[0].manipulated);
    assert!(flags(0.2) < flags(1.0));
    assert!(rows.iter().filter(|row| row.method == "scrub").all(|row| row.chosen.is_some()));
}

#[test]
fn another_study_is_not_mixed_in_and_a_study_may_grow() {
    let table = sheet();
    let profile = Profile::load("dataco").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let study = |change: &dyn Fn(&mut StudyOptions)| {
        let mut options = options();
        change(&mut options);
        Corrective::new(&table, &profile, &options, 1, &mut Notes::new())
    };
    let open = |change: &dyn Fn(&mut StudyOptions)| {
        RunFolder::create_or_resume(&path, study(change).unwrap().settings(), None, &mut Notes::new())
            .map(|folder| folder.settings().repetitions)
    };
    assert_eq!(open(&|_| {}).unwrap(), 1);
    assert_eq!(open(&|options| options.repetitions = 3).unwrap(), 3);
    assert_eq!(open(&|_| {}).unwrap(), 3, "what the folder has stays");
    let error = open(&|options| options.seed = 4).unwrap_err().to_string();
    assert!(error.contains("other settings: seed: 4 here, 3 there"), "{error}");
    for wrong in [
        (|options: &mut StudyOptions| options.known = vec![0.0]) as fn(&mut StudyOptions),
        |options| options.methods = vec!["forget".to_owned()],
        |options| options.kinds = vec!["segment:".to_owned()],
        |options| options.rates = vec!["many".to_owned()],
        |options| options.bias = "Market =".to_owned(),
        |options| options.methods = vec!["expand-twice+retrain".to_owned()],
    ] {
        assert!(study(&wrong).is_err());
    }
}

#[test]
fn a_way_to_repair_is_a_chain_that_may_begin_with_proposals() {
    let found = way("expand+assd+finetune").unwrap();
    assert_eq!(found.proposed, Some(Proposed::Drop));
    assert_eq!(
        found.steps.iter().map(|step| step.method.name()).collect::<Vec<_>>(),
        ["assd", "finetune"]
    );
    let found = way("expand-relabel+assd+cf:3").unwrap();
    assert_eq!(found.proposed, Some(Proposed::Relabel));
    assert_eq!(found.steps.iter().map(|step| step.passes).collect::<Vec<_>>(), [None, Some(3)]);
    assert_eq!(without_proposing(&found.name), Some("assd+cf:3"));
    assert_eq!(way("neggrad-plus").unwrap().proposed, None);
    let found = way("expand-relabel-twice+retrain").unwrap();
    assert_eq!((found.proposed, found.twice, found.steps.len()), (Some(Proposed::Relabel), true, 1));
    let found = way("expand+ssd:text+cf:2").unwrap();
    assert_eq!(found.steps.iter().map(|step| step.by_text).collect::<Vec<_>>(), [true, false]);
    assert_eq!(way("cf:last-2").unwrap().steps[0].layers, Some(2));
    for wrong in [
        "expand",
        "expand+",
        "cf:0",
        "cf:some",
        "assd:2",
        "assd:text",
        "cf:last-0",
        "finetune:last-1",
        "cf:text",
        "relabel+retrain",
    ] {
        assert!(way(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn proposed_rows_are_dropped_or_learned_as_their_likeliest_class_and_timed_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    let generated = Options {
        rows: 5_000,
        seed: Seed(2),
        complete_share: 1.0,
        signal: 3.0,
        ..Options::default()
    };
    Sheet::past(&generated).unwrap().write(&path, &Silent::default()).unwrap();
    let table = read(&path, &ReadOptions::default(), &mut Notes::new()).unwrap();
    let options = StudyOptions {
        kinds: vec!["segment:Market = LATAM and \"Shipping Mode\" = \"Standard Class\": late -> on time, 80%".to_owned()],
        rates: Vec::new(),
        known: vec![0.3],
        methods: ["retrain", "cf:2", "expand+retrain", "expand-relabel+retrain", "expand-relabel+cf:2"]
            .map(str::to_owned)
            .to_vec(),
        epochs: Some(6),
        ..options()
    };
    let profile = Profile::load("dataco").unwrap();
    let mut study = Corrective::new(&table, &profile, &options, 1, &mut Notes::new()).unwrap();
    let settings = study.settings().clone();
    let run_folder = RunFolder::create_or_resume(&folder.path().join("run"), &settings, None, &mut Notes::new()).unwrap();
    run(&run_folder, None, &mut study, &Silent::default(), &mut Notes::new()).unwrap();
    let unit = &run_folder.units().unwrap()[0];
    let rows = run_folder.records(unit).unwrap().unwrap();
    let of = |method: &str| rows.iter().find(|row| row.method == method).unwrap();
    let (dropped, relabelled) = (of("expand+retrain"), of("expand-relabel+retrain"));
    assert!(dropped.proposed.unwrap() > dropped.flags, "{dropped:?}");
    assert_eq!((dropped.relabelled, of("retrain").proposed), (None, None));
    // Every proposed row and the flagged ones that follow the rule; most of them rightly.
    assert!(relabelled.relabelled.unwrap() > relabelled.proposed.unwrap());
    assert!(
        relabelled.relabelled_right.unwrap() * 4 > relabelled.relabelled.unwrap() * 3,
        "{relabelled:?}"
    );
    let seconds = run_folder.timings(unit).unwrap().stages;
    assert!(seconds.contains_key("0.3 expand") && seconds.contains_key("0.3 expand-relabel+cf:2"));
    let report = StudySettings::summarise(&run_folder, &(), &mut Notes::new()).unwrap();
    let figures = |method: &str| report.patterns[0].methods.iter().find(|found| found.method == method).unwrap();
    let against = figures("expand+retrain").against_without.unwrap();
    let difference = figures("expand+retrain").figures.affected.unwrap() - figures("retrain").figures.affected.unwrap();
    assert!((against.affected.unwrap() - difference).abs() < 1e-12);
    assert!(figures("retrain").against_without.is_none() && figures("retrain").expanding_seconds.is_none());
}
