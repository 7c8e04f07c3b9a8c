use super::*;
use crate::scenarios::plan::Plan;
use crate::scenarios::record::{BASELINE, Split};
use crate::scenarios::settings::tests::small;

/// Records of the first chunk of [`small`]: runs 0 to 2.
fn records() -> ChunkRecords {
    let row = |run: u32, method: &str, split: Split| Row {
        run,
        init: 0,
        method: method.to_owned(),
        split,
        rows: 10,
        right: 7,
        flagged: 1,
        mislabelled: 1,
        flagged_right: None,
        flagged_as_observed: None,
        learning_rate: 0.1 + 0.2,
        weight_decay: 1e-5,
        parameters: 12,
        dampening: None,
    };
    let mut records = ChunkRecords::default();
    for run in 0..3 {
        for method in [BASELINE, "retrain", "assd"] {
            records.rows.extend(Split::ALL.map(|split| row(run, method, split)));
        }
    }
    records
}

fn claim(path: &Path, settings: &Settings) -> Result<RunFolder> {
    RunFolder::claim(path, settings, &mut Notes::new())
}

#[test]
fn a_chunk_reads_back_bit_for_bit() {
    let place = tempfile::tempdir().unwrap();
    let folder = claim(&place.path().join("run"), &small()).unwrap();
    let chunk = &Plan::new(&small()).unwrap().chunks[0];
    assert_eq!(folder.chunk(chunk).unwrap(), None);
    folder.write_chunk(chunk, &records(), &ChunkTimings::default()).unwrap();
    assert_eq!(folder.chunk(chunk).unwrap(), Some(records()));
    assert!(folder.timings(chunk).is_some());
}

#[test]
fn any_damage_to_a_chunk_is_noticed_and_counts_as_missing() {
    let place = tempfile::tempdir().unwrap();
    let folder = claim(&place.path().join("run"), &small()).unwrap();
    let chunk = &Plan::new(&small()).unwrap().chunks[0];
    folder.write_chunk(chunk, &records(), &ChunkTimings::default()).unwrap();
    let path = folder.chunk_path(chunk);
    let whole = fs::read(&path).unwrap();
    let mut damaged = vec![Vec::new(), whole[..whole.len() - 1].to_vec(), whole[whole.len() / 2..].to_vec()];
    for place in (0..whole.len()).step_by(7) {
        damaged.push(whole[..place].to_vec());
        let mut flipped = whole.clone();
        flipped[place] ^= 1;
        damaged.push(flipped);
    }
    for bytes in damaged {
        fs::write(&path, &bytes).unwrap();
        let mut notes = Notes::new();
        assert!(folder.chunk(chunk).is_err(), "{}", String::from_utf8_lossy(&bytes));
        assert!(!folder.has(chunk, &mut notes).unwrap());
        assert!(notes.has("damaged-chunk"));
    }
    // A whole chunk of other settings is refused just so.
    let mut other = small();
    other.seed = 9;
    fs::write(&path, encode(&records(), chunk, &other).unwrap()).unwrap();
    assert!(folder.chunk(chunk).unwrap_err().to_string().contains("other settings"));
}

#[test]
fn a_chunk_that_somebody_made_up_is_no_chunk_however_good_its_checksum() {
    let place = tempfile::tempdir().unwrap();
    let folder = claim(&place.path().join("run"), &small()).unwrap();
    let chunk = &Plan::new(&small()).unwrap().chunks[0];
    let forgeries: [fn(&mut ChunkRecords); 9] = [
        |records| records.rows.clear(),
        |records| records.rows.truncate(5),
        |records| records.rows[1] = records.rows[0].clone(),
        |records| records.rows[3].run = 3,
        |records| records.rows[3].init = 1,
        |records| records.rows[3].method = "magic".to_owned(),
        |records| records.rows[3].right = 11,
        |records| records.rows[3].rows = 9,
        |records| records.rows[3].mislabelled = 2,
    ];
    for forge in forgeries {
        let mut forged = records();
        forge(&mut forged);
        folder.write_chunk(chunk, &forged, &ChunkTimings::default()).unwrap();
        let error = folder.chunk(chunk).unwrap_err();
        assert!(error.exit_code() == 2 && error.hint_text().is_some(), "{error}");
        assert!(!folder.has(chunk, &mut Notes::new()).unwrap());
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_or_device_in_the_place_of_a_chunk_or_lock_is_neither_read_nor_waited_for() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let folder = claim(&path, &small()).unwrap();
    let chunk = &Plan::new(&small()).unwrap().chunks[0];
    folder.write_chunk(chunk, &records(), &ChunkTimings::default()).unwrap();
    fs::remove_file(folder.chunk_path(chunk)).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.chunk_path(chunk)).unwrap();
    assert!(folder.chunk(chunk).unwrap_err().message().contains("a pipe or a device"));
    drop(folder);
    for name in ["settings.json", "lock"] {
        let file = path.join(name);
        let kept = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
        assert_eq!(claim(&path, &small()).unwrap_err().exit_code(), 2, "{name}");
        fs::remove_file(&file).unwrap();
        fs::write(&file, kept).unwrap();
    }
    claim(&path, &small()).unwrap();
}

#[test]
fn two_processes_cannot_work_in_one_folder_but_one_after_the_other_can() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let first = claim(&path, &small()).unwrap();
    let error = claim(&path, &small()).unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    assert!(error.hint_text().unwrap().contains("--shard"));
    drop(first);
    claim(&path, &small()).unwrap();
}

#[test]
fn litter_of_a_killed_process_is_cleared_away() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    drop(claim(&path, &small()).unwrap());
    fs::create_dir_all(path.join("chunks")).unwrap();
    fs::write(path.join("chunks/.recant-abc"), b"half").unwrap();
    fs::write(path.join(".recant-def"), b"half").unwrap();
    claim(&path, &small()).unwrap();
    assert!(!path.join("chunks/.recant-abc").exists() && !path.join(".recant-def").exists());
}

#[test]
fn a_folder_of_other_settings_or_of_something_else_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    drop(claim(&path, &small()).unwrap());
    let mut other = small();
    other.seed = 2;
    let error = claim(&path, &other).unwrap_err();
    assert!(error.to_string().contains("seed: 2 here, 1 there"), "{error}");
    let mut fewer = small();
    fewer.sizes[0].runs = 1;
    assert!(claim(&path, &fewer).unwrap_err().to_string().contains("2x5 x 1"));
    let foreign = place.path().join("holiday");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("photo.jpg"), b"x").unwrap();
    assert!(claim(&foreign, &small()).unwrap_err().to_string().contains("not a run folder"));
    assert_eq!(fs::read_dir(&foreign).unwrap().count(), 1, "nothing was written into it");
    assert!(RunFolder::look(&foreign).is_err());
    assert!(RunFolder::look(&place.path().join("nowhere")).is_err());
}

#[test]
fn a_folder_that_cannot_be_made_is_a_clear_error() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("file"), b"x").unwrap();
    let error = claim(&place.path().join("file/run"), &small()).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("file/run"), "{error}");
}

#[test]
fn a_chunk_that_cannot_be_written_says_that_the_rest_is_kept() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let folder = claim(&path, &small()).unwrap();
    fs::write(path.join("chunks"), b"a file where the folder belongs").unwrap();
    let chunk = &Plan::new(&small()).unwrap().chunks[0];
    let error = folder.write_chunk(chunk, &records(), &ChunkTimings::default()).unwrap_err();
    assert!(error.to_string().contains("what was finished is kept"), "{error}");
    assert!(error.hint_text().unwrap().contains("same command again"));
}
