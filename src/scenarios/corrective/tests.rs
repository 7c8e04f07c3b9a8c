//! A small study end to end, on a made-up sheet.

use super::folder::StudyFolder;
use super::settings::{Proposed, StudyOptions, way, without_proposing};
use super::*;
use crate::datasets::generator::{Options, Sheet};
use crate::features::Profile;
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
        network: Some("12".to_owned()),
        epochs: Some(4),
        seed: 3,
    }
}

#[test]
fn a_study_is_computed_resumed_sharded_and_summarised() {
    let table = sheet();
    let profile = Profile::load("dataco").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let study = Study::new(&table, &profile, &options(), &mut Notes::new()).unwrap();
    let at = |name: &str| StudyFolder::claim(&folder.path().join(name), study.settings()).unwrap();
    let whole = at("whole");
    let done = run(&study, &whole, None, 2, &Silent::default()).unwrap();
    assert_eq!((done.computed, done.found, done.assembled), (2, 0, true));
    let again = run(&study, &whole, None, 2, &Silent::default()).unwrap();
    assert_eq!((again.computed, again.found), (0, 2));

    // Shards by another study object, on another number of threads, give the same bytes.
    let other = Study::new(&table, &profile, &options(), &mut Notes::new()).unwrap();
    let shared = at("shared");
    let first = run(&other, &shared, Some(Shard::new(1, 2).unwrap()), 1, &Silent::default()).unwrap();
    assert!(!first.assembled);
    let second = run(&other, &shared, Some(Shard::new(2, 2).unwrap()), 1, &Silent::default()).unwrap();
    assert!(second.assembled);
    let bytes = |name: &str| std::fs::read(folder.path().join(name).join("records.csv")).unwrap();
    assert_eq!(bytes("whole"), bytes("shared"));

    // A damaged unit is computed again.
    let unit = &study.settings().units()[0];
    let file = folder.path().join("whole/units").join(format!("{}.json", unit.name()));
    let text = std::fs::read_to_string(&file)
        .unwrap()
        .replacen("\"affected_right\":", "\"affected_right\":1", 1);
    std::fs::write(&file, text).unwrap();
    assert_eq!(run(&study, &whole, None, 1, &Silent::default()).unwrap().computed, 1);
    assert_eq!(bytes("whole"), bytes("shared"));

    let report = summarise(&whole).unwrap();
    assert_eq!(report.patterns.len(), 2);
    let segment = &report.patterns[0];
    assert!(segment.affected > 0 && segment.wrong_share > 0.02);
    assert_eq!(segment.methods.len(), 8);
    for found in &report.patterns[0].methods {
        assert_eq!(found.failed, 0, "{}", found.method);
    }
    // Retraining without every wrong row is at least as far from the corrupted model as retraining without a fifth of them.
    let rows = whole.unit(unit).unwrap().unwrap();
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
        Study::new(&table, &profile, &options, &mut Notes::new())
    };
    StudyFolder::claim(&path, study(&|_| {}).unwrap().settings()).unwrap();
    StudyFolder::claim(&path, study(&|options| options.repetitions = 3).unwrap().settings()).unwrap();
    assert_eq!(StudyFolder::look(&path).unwrap().settings().repetitions, 3);
    assert!(StudyFolder::claim(&path, study(&|options| options.seed = 4).unwrap().settings()).is_err());
    for wrong in [
        (|options: &mut StudyOptions| options.known = vec![0.0]) as fn(&mut StudyOptions),
        |options| options.methods = vec!["forget".to_owned()],
        |options| options.kinds = vec!["segment:".to_owned()],
        |options| options.rates = vec!["many".to_owned()],
        |options| options.bias = "Market =".to_owned(),
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
    for wrong in ["expand", "expand+", "cf:0", "cf:some", "assd:2", "relabel+retrain"] {
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
    let study = Study::new(&table, &profile, &options, &mut Notes::new()).unwrap();
    let run_folder = StudyFolder::claim(&folder.path().join("run"), study.settings()).unwrap();
    run(&study, &run_folder, None, 1, &Silent::default()).unwrap();
    let unit = &study.settings().units()[0];
    let rows = run_folder.unit(unit).unwrap().unwrap();
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
    let seconds = run_folder.timings(unit);
    assert!(seconds.contains_key("0.3 expand") && seconds.contains_key("0.3 expand-relabel+cf:2"));
    let report = summarise(&run_folder).unwrap();
    let figures = |method: &str| report.patterns[0].methods.iter().find(|found| found.method == method).unwrap();
    let against = figures("expand+retrain").against_without.unwrap();
    let difference = figures("expand+retrain").figures.affected.unwrap() - figures("retrain").figures.affected.unwrap();
    assert!((against.affected.unwrap() - difference).abs() < 1e-12);
    assert!(figures("retrain").against_without.is_none() && figures("retrain").expanding_seconds.is_none());
}
