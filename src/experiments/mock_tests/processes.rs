//! Processes: this test program runs itself, with one test that does nothing unless it is told where to compute.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rand::Rng;

use super::*;

const PLACE: &str = "RECANT_MOCK_RUN";

/// A process that computes a mock run.
fn worker(path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "experiments::mock_tests::processes::a_worker_computes_where_it_is_told",
            "--nocapture",
        ])
        .env(PLACE, path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

#[test]
fn a_worker_computes_where_it_is_told() {
    let Some(place) = std::env::var_os(PLACE) else { return };
    let settings = mock::<true>();
    let mut notes = Notes::new();
    let outcome = RunFolder::create_or_resume(Path::new(&place), &settings, None, &mut notes).and_then(|folder| {
        let mut engine = MockEngine {
            pause: Duration::from_millis(4),
            ..MockEngine::default()
        };
        run(&folder, None, &mut engine, &Silent::default(), &mut notes)
    });
    match outcome {
        Ok(done) => assert!(done.complete),
        Err(error) => panic!(
            "exit code {}: {error}; {}",
            error.exit_code(),
            error.hint_text().unwrap_or_default()
        ),
    }
}

fn ended(child: Child) -> (bool, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn killed_twenty_times_a_run_loses_nothing_finished_and_ends_with_the_same_bytes() {
    let place = tempfile::tempdir().unwrap();
    let expected = whole(&place.path().join("whole"), &mock::<true>());
    let mut random = Seed(3).stream("kill-points", 0);
    let (mut runs, mut kept, mut kills) = (0, 0, 0);
    for _ in 0..400 {
        if kills == 20 {
            break;
        }
        let path = place.path().join(format!("killed-{runs}"));
        let mut child = worker(&path).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(random.random_range(5..90)));
        child.kill().unwrap();
        let finished = ended(child).0;
        let now = unit_files(&path).len();
        assert!(now >= kept, "finished units are never lost");
        kept = now;
        if finished {
            assert_eq!(outputs(&path), expected);
            (runs, kept) = (runs + 1, 0);
        } else {
            kills += 1;
        }
    }
    assert_eq!(kills, 20, "too few kills hit a running process");
    let path = place.path().join(format!("killed-{runs}"));
    let (finished, told) = ended(worker(&path).spawn().unwrap());
    assert!(finished, "{told}");
    assert_eq!(outputs(&path), expected);
}

#[test]
fn of_two_processes_at_once_one_computes_and_the_other_is_told() {
    let place = tempfile::tempdir().unwrap();
    let expected = whole(&place.path().join("whole"), &mock::<true>());
    let path = place.path().join("run");
    let children = [worker(&path).spawn().unwrap(), worker(&path).spawn().unwrap()];
    let outcomes = children.map(ended);
    assert!(outcomes.iter().any(|(finished, _)| *finished), "{outcomes:?}");
    for (_, told) in outcomes.iter().filter(|(finished, _)| !finished) {
        assert!(told.contains("exit code 2: another process is working in"), "{told}");
    }
    assert_eq!(outputs(&path), expected);
}

/// A limit on the size of files stands in for a full disk: writing beyond it fails in the same way.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_takes_no_more_stops_the_run_with_exit_code_2_and_it_goes_on_afterwards() {
    let place = tempfile::tempdir().unwrap();
    let expected = whole(&place.path().join("whole"), &mock::<true>());
    // Blocks of 512 bytes: no file at all, no unit, no table of records as CSV, none as Parquet.
    let blocks = |bytes: usize| bytes.div_ceil(512) - 1;
    for (name, limit) in [("nothing", 0), ("tables", 1), ("parquet", blocks(expected[1].len()))] {
        let path = place.path().join(name);
        let own = worker(&path);
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(format!("ulimit -f {limit}; trap '' XFSZ; exec \"$0\" \"$@\""))
            .arg(own.get_program())
            .args(own.get_args())
            .env(PLACE, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let (finished, told) = ended(shell.spawn().unwrap());
        assert!(!finished && told.contains("exit code 2: cannot write"), "{name}: {told}");
        assert!(!path.join("records.parquet").exists(), "{name}");
        let (finished, told) = ended(worker(&path).spawn().unwrap());
        assert!(finished, "{name}: {told}");
        assert_eq!(outputs(&path), expected, "{name}");
    }
}
