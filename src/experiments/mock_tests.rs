//! The runner with a study that trains nothing: stopped, shared, sharded, merged, grown, damaged; `processes`: killed, on a full disk.

mod processes;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::merge::shard_folders;
use super::mock::{Line, Mock, MockEngine, mock};
use super::*;
use crate::progress::Silent;
use crate::seed::Seed;

type Own = Mock<true>;
type Shared = Mock<false>;

const OUTPUTS: [&str; 2] = ["records.csv", "records.parquet"];

fn outputs(path: &Path) -> Vec<Vec<u8>> {
    OUTPUTS.iter().map(|name| fs::read(path.join(name)).unwrap()).collect()
}

fn compute<const OWN: bool>(path: &Path, settings: &Mock<OWN>, shard: Option<Shard>, mut engine: MockEngine) -> (Result<Done>, MockEngine) {
    let mut notes = Notes::new();
    let folder = RunFolder::create_or_resume(path, settings, shard, &mut notes).unwrap();
    let done = run(&folder, shard, &mut engine, &Silent::default(), &mut notes);
    (done, engine)
}

fn whole<const OWN: bool>(path: &Path, settings: &Mock<OWN>) -> Vec<Vec<u8>> {
    assert!(compute(path, settings, None, MockEngine::default()).0.unwrap().complete);
    outputs(path)
}

fn merged<S: Study>(path: &Path, more: &[PathBuf]) -> Result<Merged> {
    merge::<S>(path, more, &mut Notes::new())
}

fn stopping(after: usize) -> MockEngine {
    MockEngine {
        stop_after: Some(after),
        ..MockEngine::default()
    }
}

/// The folder of every unit file.
fn unit_files(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path.join("units")).into_iter().flatten();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .collect()
}

#[test]
fn a_run_stopped_anywhere_goes_on_and_ends_with_the_same_bytes() {
    let place = tempfile::tempdir().unwrap();
    let settings = mock::<true>();
    let expected = whole(&place.path().join("whole"), &settings);
    for stop in 0..20 {
        let path = place.path().join(format!("stopped-{stop}"));
        assert!(compute(&path, &settings, None, stopping(stop)).0.is_err());
        assert!(!path.join("records.csv").exists());
        let (done, engine) = compute(&path, &settings, None, MockEngine::default());
        assert_eq!(engine.computed, 20 - stop, "nothing is computed twice");
        assert_eq!(
            done.unwrap(),
            Done {
                computed: 3 * (20 - stop as u64),
                found: 3 * stop as u64,
                complete: true
            }
        );
        assert_eq!(outputs(&path), expected);
    }
    let (done, engine) = compute(&place.path().join("whole"), &settings, None, MockEngine::default());
    assert_eq!(
        (done.unwrap().computed, engine.prepared.len()),
        (0, 0),
        "a finished run prepares nothing"
    );
    let threads = MockEngine {
        threads: Some(3),
        ..MockEngine::default()
    };
    assert!(compute(&place.path().join("threads"), &settings, None, threads).0.unwrap().complete);
    assert_eq!(outputs(&place.path().join("threads")), expected);
}

#[test]
fn a_group_is_prepared_once_for_its_units_and_again_in_another_process() {
    let place = tempfile::tempdir().unwrap();
    let (_, engine) = compute(&place.path().join("run"), &mock::<true>(), None, stopping(3));
    assert_eq!(engine.prepared, ["repetition 0", "repetition 1"]);
    let (_, engine) = compute(&place.path().join("run"), &mock::<true>(), None, MockEngine::default());
    assert_eq!(engine.prepared.len(), 9);
}

#[test]
fn any_damage_to_a_file_of_records_is_noticed_told_and_mended() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let expected = whole(&path, &mock::<true>());
    let folder = RunFolder::<Own>::open(&path).unwrap();
    let unit = &folder.units().unwrap()[0];
    let file = path.join("units").join(format!("{}.jsonl", unit.name));
    let good = fs::read(&file).unwrap();
    let mut damaged = vec![
        Vec::new(),
        b"torn".to_vec(),
        good[..good.len() - 1].to_vec(),
        good[good.len() / 2..].to_vec(),
    ];
    for place in (0..good.len()).step_by(11) {
        damaged.push(good[..place].to_vec());
        let mut flipped = good.clone();
        flipped[place] ^= 1;
        damaged.push(flipped);
    }
    for bytes in damaged {
        fs::write(&file, &bytes).unwrap();
        let error = folder.records(unit).unwrap_err();
        assert!(error.exit_code() == 2 && error.hint_text().is_some(), "{error}");
        let mut notes = Notes::new();
        assert!(!folder.has(unit, &mut notes).unwrap() && notes.has("damaged-records"));
    }
    let (done, engine) = compute(&path, &mock::<true>(), None, MockEngine::default());
    assert_eq!((done.unwrap().complete, engine.computed), (true, 1));
    assert_eq!(outputs(&path), expected);

    // Forged: the checksum is right, the content cannot be, or is of something else.
    let forged = |records: &[Line], of: &UnitOf<Own>| {
        folder.write_unit(of, records, &Timings::default()).unwrap();
        if of.name != unit.name {
            fs::copy(path.join("units").join(format!("{}.jsonl", of.name)), &file).unwrap();
        }
        folder.records(unit).unwrap_err().to_string()
    };
    let line = |right: u32| Line { right, of: 100 };
    assert!(forged(&[line(101), line(1)], unit).contains("above its whole"));
    assert!(forged(&[line(1)], unit).contains("1 of 2 records"));
    let other = &folder.units().unwrap()[1];
    assert!(forged(&[line(1), line(2)], other).contains("other settings"));
}

#[cfg(unix)]
#[test]
fn a_device_in_the_place_of_a_file_of_a_run_is_neither_read_nor_waited_for() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    whole(&path, &mock::<true>());
    let folder = RunFolder::<Own>::open(&path).unwrap();
    let unit = &folder.units().unwrap()[0];
    let opened = || RunFolder::create_or_resume(&path, &mock::<true>(), None, &mut Notes::new()).map(drop);
    let refusals: [(String, &dyn Fn() -> Option<Error>); 5] = [
        (format!("units/{}.jsonl", unit.name), &|| folder.records(unit).err()),
        ("made/network.json".to_owned(), &|| {
            folder.read_json::<String>("made/network.json").err()
        }),
        ("settings.json".to_owned(), &|| opened().err()),
        ("locks/run".to_owned(), &|| opened().err()),
        ("locks/settings".to_owned(), &|| opened().err()),
    ];
    let endless = |name: &str| {
        let (file, kept) = (path.join(name), fs::read(path.join(name)).unwrap());
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
        (file, kept)
    };
    for (name, refusal) in refusals {
        let (file, kept) = endless(&name);
        let error = refusal().unwrap();
        assert!(error.exit_code() == 2 && error.hint_text().is_some(), "{name}: {error}");
        fs::remove_file(&file).unwrap();
        fs::write(&file, kept).unwrap();
    }
    endless(&format!("timings/{}.json", unit.name));
    assert_eq!(folder.timings(unit), None, "unknown, and no reason to stop");
    opened().unwrap();
}

#[test]
fn files_of_the_old_form_are_read() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let folder = RunFolder::<Own>::create_or_resume(&path, &mock(), None, &mut Notes::new()).unwrap();
    let units = folder.units().unwrap();
    let records = serde_json::json!([{"right": 1, "of": 2}, {"right": 2, "of": 2}]);
    let sha256 = crate::files::hex(&<sha2::Sha256 as sha2::Digest>::digest(
        records
            .to_string()
            .replace("\"of\":2,\"right\":1", "\"right\":1,\"of\":2")
            .replace("\"of\":2,\"right\":2", "\"right\":2,\"of\":2"),
    ));
    let fingerprint = mock::<true>().fingerprint().unwrap();
    let old = |sha256: &str| serde_json::json!({"unit": "plain", "piece": "000", "settings": fingerprint, "task": 0, "rows": records, "sha256": sha256});
    let file = path.join("units/plain_000.json");
    fs::create_dir_all(path.join("units")).unwrap();
    fs::write(&file, old(&sha256).to_string()).unwrap();
    fs::create_dir_all(path.join("timings")).unwrap();
    fs::write(path.join("timings/plain_000.json"), r#"{"train": 1.5, "assd": 0.5}"#).unwrap();
    assert_eq!(folder.records(&units[0]).unwrap().unwrap()[1], Line { right: 2, of: 2 });
    assert_eq!(folder.timings(&units[0]).unwrap().seconds, 2.0);
    fs::write(&file, old("00").to_string()).unwrap();
    assert!(folder.records(&units[0]).unwrap_err().to_string().contains("checksum"));
}

#[test]
fn shards_in_any_order_and_number_merge_to_the_bytes_of_one_process() {
    let place = tempfile::tempdir().unwrap();
    let settings = mock::<true>();
    let expected = whole(&place.path().join("whole"), &settings);
    for count in [1, 2, 3, 7, 30] {
        let path = place.path().join(format!("shards-{count}"));
        for number in (1..=count).rev() {
            let done = compute(&path, &settings, Shard::new(number, count).ok(), MockEngine::default())
                .0
                .unwrap();
            assert!(!done.complete);
        }
        for _ in 0..2 {
            let merged = merged::<Own>(&path, &[]).unwrap();
            assert_eq!((merged.shards, merged.total), (count as usize, 60));
            assert_eq!(outputs(&path), expected);
        }
        assert!(path.join("made/network.json").exists(), "what units share is copied");
    }
}

#[test]
fn shards_of_one_folder_share_it_and_the_last_one_writes_the_tables() {
    let place = tempfile::tempdir().unwrap();
    let settings = mock::<false>();
    let expected = whole(&place.path().join("whole"), &settings);
    let path = place.path().join("run");
    for number in [2, 3, 1] {
        let done = compute(&path, &settings, Shard::new(number, 3).ok(), MockEngine::default())
            .0
            .unwrap();
        assert_eq!(done.complete, number == 1);
    }
    assert_eq!(outputs(&path), expected);
    // Runs of two machines are merged from their own folders, and may have computed different repetitions.
    let mut fewer = settings.clone();
    fewer.repetitions = 4;
    whole(&place.path().join("one"), &fewer);
    compute(&place.path().join("two"), &settings, Shard::new(2, 2).ok(), MockEngine::default())
        .0
        .unwrap();
    let more = [place.path().join("one"), place.path().join("two")];
    let error = merged::<Shared>(&place.path().join("merged"), &more).unwrap_err();
    assert!(
        error.to_string().contains("6 of 60 trials are missing, among them plain_004"),
        "{error}"
    );
    compute(&place.path().join("two"), &settings, None, MockEngine::default())
        .0
        .unwrap();
    merged::<Shared>(&place.path().join("merged"), &more).unwrap();
    assert_eq!(outputs(&place.path().join("merged")), expected);
}

#[test]
fn a_merge_names_what_is_missing_what_differs_and_that_there_is_nothing() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let settings = mock::<true>();
    let shard = |number| Shard::new(number, 4).ok();
    compute(&path, &settings, shard(1), MockEngine::default()).0.unwrap();
    compute(&path, &settings, shard(3), stopping(1)).0.unwrap_err();
    let error = merged::<Own>(&path, &[]).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("2/4 (not there), 3/4 (4 of 5 parts missing), 4/4 (not there)") && !text.contains("1/4"),
        "{text}"
    );
    assert!(error.hint_text().unwrap().contains("--shard 2/4"));
    assert!(!path.join("records.csv").exists());

    let mut other = settings.clone();
    other.rate = 0.2;
    compute(&path, &other, shard(2), MockEngine::default()).0.unwrap();
    let text = merged::<Own>(&path, &[]).unwrap_err().to_string();
    assert!(text.contains("rate: 0.2 here, 0.1 there"), "{text}");
    fs::remove_dir_all(path.join("shard-2-of-4")).unwrap();
    for number in 2..=4 {
        compute(&path, &settings, shard(number), MockEngine::default()).0.unwrap();
    }
    merged::<Own>(&path, &[]).unwrap();

    let elsewhere = place.path().join("elsewhere");
    whole(&elsewhere, &settings);
    let folder = RunFolder::<Own>::open(&elsewhere).unwrap();
    let unit = &folder.units().unwrap()[0];
    let mut records = folder.records(unit).unwrap().unwrap();
    records[0].right += 1;
    folder.write_unit(unit, &records, &Timings::default()).unwrap();
    let error = merged::<Own>(&path, &[elsewhere]).unwrap_err();
    assert!(error.to_string().contains("different records of the same trials"), "{error}");

    let empty = place.path().join("empty");
    let error = merged::<Own>(&empty, &[]).unwrap_err();
    assert!(error.to_string().contains("no folder"), "{error}");
    fs::create_dir(&empty).unwrap();
    let error = merged::<Own>(&empty, &[]).unwrap_err();
    assert!(
        error.to_string().contains("no shards") && shard_folders(&empty).unwrap().is_empty(),
        "{error}"
    );
}

#[test]
fn a_run_that_grows_keeps_what_it_has_and_equals_one_begun_large() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    whole(&path, &mock::<true>());
    let mut more = mock::<true>();
    more.repetitions = 12;
    more.methods.push("third".to_owned());
    let (done, engine) = compute(&path, &more, None, MockEngine::default());
    assert_eq!((done.unwrap().found, engine.computed), (60, 36 - 20));
    assert_eq!(outputs(&path), whole(&place.path().join("large"), &more));
}

#[test]
fn other_settings_layouts_studies_and_folders_are_refused_with_the_reason() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let open = |path: &Path, settings: &Own| RunFolder::create_or_resume(path, settings, None, &mut Notes::new());
    drop(open(&path, &mock()).unwrap());
    let changed = |change: &dyn Fn(&mut Own)| {
        let mut settings = mock();
        change(&mut settings);
        open(&path, &settings).unwrap_err().to_string()
    };
    assert!(changed(&|settings| settings.mock_seed = 2).contains("mock study with other settings: mock seed: 2 here, 1 there"));
    assert!(changed(&|settings| settings.recant_version = "9".to_owned()).contains("recant version: `9` here, `0.1.0` there"));
    assert!(changed(&|settings| drop(settings.methods.pop())).contains("methods: fewer here"));
    assert!(changed(&|settings| settings.repetitions = 0).contains("needs a repetition"));

    let file = path.join("settings.json");
    let text = fs::read_to_string(&file).unwrap();
    let altered = |text: &str| {
        fs::write(&file, text).unwrap();
        let error = RunFolder::<Own>::open(&path).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(open(&path, &mock()).is_err() && status::<Own>(&path, &mut Notes::new()).is_err());
        error.to_string()
    };
    assert!(altered(&text[..text.len() / 2]).contains("damaged"));
    assert!(altered("{}").contains("names no layout version"));
    assert!(
        altered(&text.replace("\"layout_version\": 1", "\"layout_version\": 9"))
            .contains("layout 9, and this Recant reads and writes layout 1")
    );
    assert!(altered(&text.replace("mock_seed", "seed")).contains("this folder holds no mock study"));
    assert!(altered(&text.replace("\"rate\"", "\"rates\"")).contains("rates"));
    assert!(altered(&text.replace("\"repetitions\": 10", "\"repetitions\": 0")).contains("needs a repetition"));
    // Absurd, but of the right form: nothing is allocated for it.
    fs::write(&file, text.replace("\"repetitions\": 10", "\"repetitions\": 4294967295")).unwrap();
    let error = status::<Own>(&path, &mut Notes::new()).unwrap_err();
    assert!(error.to_string().contains("more than 1000000 parts"), "{error}");

    let foreign = place.path().join("holiday");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("photo.jpg"), b"x").unwrap();
    assert!(open(&foreign, &mock()).unwrap_err().to_string().contains("not a run folder"));
    assert_eq!(fs::read_dir(&foreign).unwrap().count(), 1, "nothing was written into it");
    assert!(RunFolder::<Own>::open(&foreign).is_err() && RunFolder::<Own>::open(&place.path().join("nowhere")).is_err());
    let error = open(&foreign.join("photo.jpg/run"), &mock()).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("photo.jpg/run"), "{error}");
}

#[test]
fn processes_that_would_do_the_same_work_are_kept_apart_and_leftovers_of_killed_ones_removed() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let open = |shard: Option<(u32, u32)>| {
        let shard = shard.map(|(number, count)| Shard::new(number, count).unwrap());
        RunFolder::<Shared>::create_or_resume(&path, &mock(), shard, &mut Notes::new())
    };
    let told = |shard| {
        let error = open(shard).unwrap_err();
        assert!(error.hint_text().is_some_and(|hint| hint.contains("--shard 1/2")), "{error}");
        assert!(error.to_string().contains("another process is working in"), "{error}");
    };
    let all = open(None).unwrap();
    fs::write(path.join("notes-of-mine"), "").unwrap();
    told(None);
    told(Some((1, 2)));
    drop(all);
    let (one, two) = (open(Some((1, 2))).unwrap(), open(Some((2, 2))).unwrap());
    told(None);
    told(Some((2, 2)));
    // Something is made by one of them, while the other waits.
    let making = one.alone("network", &Silent::default()).unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| two.alone("network", &Silent::default()).map(drop));
        std::thread::sleep(Duration::from_millis(120));
        assert!(!waiter.is_finished());
        drop(making);
        waiter.join().unwrap().unwrap();
    });
    drop((one, two));
    fs::create_dir_all(path.join("units")).unwrap();
    let leftovers = [path.join(".recant-half"), path.join("units/.recant-half")];
    leftovers.iter().for_each(|file| fs::write(file, "").unwrap());
    drop(open(None).unwrap());
    assert!(leftovers.iter().all(|file| !file.exists()) && path.join("notes-of-mine").exists());
}

#[test]
fn an_interruption_says_what_is_kept_and_how_to_go_on() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    compute(&path, &mock::<true>(), None, stopping(4)).0.unwrap_err();
    let mut notes = Notes::new();
    let folder = RunFolder::<Own>::create_or_resume(&path, &mock(), None, &mut notes).unwrap();
    let stop = Silent::default();
    stop.0.store(true, Ordering::Relaxed);
    let error = run(&folder, None, &mut MockEngine::default(), &stop, &mut notes).unwrap_err();
    assert_eq!(error.exit_code(), 130);
    let text = error.to_string();
    assert!(
        text.contains("12 of 60 trials are finished and kept in") && text.contains("half a trial goes on"),
        "{text}"
    );
    assert_eq!(error.hint_text(), Some("start the same command again: it goes on where it stopped"));
}

#[test]
fn status_counts_by_cell_and_shard_and_estimates_the_rest() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    compute(&path, &mock::<true>(), Shard::new(1, 2).ok(), stopping(4)).0.unwrap_err();
    let seen = status::<Own>(&path, &mut Notes::new()).unwrap();
    assert_eq!((seen.done, seen.total, seen.assembled, seen.seconds_spent), (12, 60, false, 2.0));
    // Shard 1 of 2 computes the cheap method alone: half a second each; the other costs four times as much.
    assert_eq!(seen.seconds_left, Some(6.0 * 0.5 + 10.0 * 2.0));
    let cells: Vec<(&str, u64, u64)> = seen.cells.iter().map(|cell| (cell.name.as_str(), cell.done, cell.total)).collect();
    assert_eq!(cells, [("plain", 12, 30), ("fancy", 0, 30)]);
    assert_eq!(
        (seen.shards.len(), seen.shards[0].name.as_str(), seen.shards[0].total),
        (1, "1/2", 30)
    );
    let seen = {
        whole(&path, &mock::<true>());
        status::<Own>(&path, &mut Notes::new()).unwrap()
    };
    assert_eq!((seen.done, seen.seconds_left, seen.assembled), (60, Some(0.0), true));
    let timings = fs::read_to_string(path.join("timings.csv")).unwrap();
    assert!(
        timings.starts_with("unit,models,threads,part,seconds\nplain_000,1,1,all,0.5\nplain_000,1,1,train,0.25\n"),
        "{timings}"
    );
}

#[test]
fn every_study_of_the_list_has_a_name_a_command_and_a_mark_of_its_own() {
    let marks: std::collections::BTreeSet<&str> = STUDIES.iter().map(|study| study.about().mark).collect();
    assert_eq!(marks.len(), STUDIES.len());
    let place = tempfile::tempdir().unwrap();
    for study in STUDIES {
        let about = study.about();
        let text = format!("{{\"layout_version\": {}, \"{}\": 1}}", about.layout + 7, about.mark);
        fs::write(place.path().join("settings.json"), text).unwrap();
        assert_eq!(study_of(place.path(), &[]).unwrap().about(), about);
        let error = study.status(place.path(), &mut Notes::new()).unwrap_err().to_string();
        assert!(
            error.contains(&format!("layout {}", about.layout + 7)) && error.contains(about.name),
            "{error}"
        );
    }
    fs::write(place.path().join("settings.json"), "{\"layout_version\": 1}").unwrap();
    let error = study_of(place.path(), &[]).err().unwrap();
    assert!(
        error.hint_text().is_some_and(|hint| hint.contains("recant bench corrective")),
        "{error}"
    );
}
