//! Batches of scenarios as a person runs them: killed, resumed, shared between processes, sharded and merged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rand::Rng;
use recant::seed::Seed;

const OUTPUTS: [&str; 3] = ["records.csv", "records.parquet", "sweep.csv"];

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A folder with a small made-up sheet.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new(env!("CARGO_BIN_EXE_recant"))
            .args(["generate", "--rows", "2500", "--seed", "7", "--quiet", "--out"])
            .arg(folder.path().join("orders.csv"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", words(&made));
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `recant scenarios` on the sheet, quick settings, into `out`.
    fn command(&self, out: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_recant"));
        for variable in ["SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "JOB_COMPLETION_INDEX"] {
            command.env_remove(variable);
        }
        command
            .arg("scenarios")
            .arg(self.path("orders.csv"))
            .args("--profile dataco --sizes 2x12,none --errors 5%,10% --runs 10 --epochs 4 --trials 2 --sweep-runs 2 --chunk 1".split(' '))
            .args(more)
            .arg("--out")
            .arg(self.path(out));
        command
    }

    fn run(&self, out: &str, more: &[&str]) -> Output {
        self.command(out, more).output().unwrap()
    }

    fn whole(&self) -> Vec<Vec<u8>> {
        let output = self.run("whole", &[]);
        assert!(output.status.success(), "{}", words(&output));
        self.outputs("whole")
    }

    fn outputs(&self, out: &str) -> Vec<Vec<u8>> {
        OUTPUTS.iter().map(|name| fs::read(self.path(out).join(name)).unwrap()).collect()
    }
}

fn words(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn chunks(path: &Path) -> usize {
    fs::read_dir(path.join("chunks")).map_or(0, |entries| {
        let whole = |name: &std::ffi::OsStr| name.to_string_lossy().ends_with(".jsonl");
        entries.filter(|entry| whole(&entry.as_ref().unwrap().file_name())).count()
    })
}

#[test]
fn killed_at_random_points_a_batch_ends_with_the_bytes_of_an_undisturbed_one() {
    let place = Place::new();
    let begun = Instant::now();
    let whole = place.whole();
    let length = begun.elapsed().as_secs_f64();
    let mut random = Seed(3).stream("kill-points", 0);
    let (mut folder, mut kept, mut cut_short) = (0, 0, 0);
    // A process that was over before it could be killed does not count.
    for _ in 0..100 {
        if cut_short == 4 {
            break;
        }
        let name = format!("killed-{folder}");
        let mut child = place
            .command(&name, &[])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_secs_f64(random.random_range(0.0..length)));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        let now = chunks(&place.path(&name));
        assert!(now >= kept, "finished chunks are never lost");
        kept = now;
        if status.success() {
            assert_eq!(place.outputs(&name), whole);
            (folder, kept) = (folder + 1, 0);
        } else {
            cut_short += 1;
        }
    }
    assert_eq!(cut_short, 4, "too few kills hit a running process");
    let name = format!("killed-{folder}");
    let output = place.run(&name, &[]);
    assert!(output.status.success(), "{}", words(&output));
    assert_eq!(place.outputs(&name), whole);
    let temporary = |part: &str| {
        let entries = fs::read_dir(place.path(&name).join(part)).unwrap();
        entries
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".recant-"))
            .count()
    };
    assert_eq!(["", "chunks", "timings", "tuning"].map(temporary), [0; 4]);
}

#[test]
fn two_processes_on_one_run_folder_do_not_corrupt_it() {
    let place = Place::new();
    let whole = place.whole();
    let mut children: Vec<_> = (0..2)
        .map(|_| {
            place
                .command("shared", &[])
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let outputs: Vec<Output> = children.drain(..).map(|child| child.wait_with_output().unwrap()).collect();
    assert!(outputs.iter().any(|output| output.status.success()), "{}", words(&outputs[0]));
    for output in outputs.iter().filter(|output| !output.status.success()) {
        assert_eq!(output.status.code(), Some(2));
        assert!(words(output).contains("another process is working"), "{}", words(output));
    }
    assert_eq!(place.outputs("shared"), whole);
}

#[test]
fn shards_of_array_jobs_merge_to_the_bytes_of_one_process_whatever_the_threads() {
    let place = Place::new();
    let whole = place.whole();
    for threads in ["1", "3"] {
        let output = place.run(&format!("threads-{threads}"), &["--threads", threads]);
        assert!(output.status.success(), "{}", words(&output));
        assert_eq!(place.outputs(&format!("threads-{threads}")), whole);
    }
    let slurm = place
        .command("run", &[])
        .envs([
            ("SLURM_ARRAY_TASK_ID", "0"),
            ("SLURM_ARRAY_TASK_COUNT", "3"),
            ("SLURM_ARRAY_TASK_MIN", "0"),
        ])
        .output()
        .unwrap();
    assert!(slurm.status.success(), "{}", words(&slurm));
    let by_hand = place.run("run", &["--shard", "3/3"]);
    assert!(by_hand.status.success(), "{}", words(&by_hand));
    let merge = || {
        Command::new(env!("CARGO_BIN_EXE_recant"))
            .args(["scenarios", "merge"])
            .arg(place.path("run"))
            .output()
            .unwrap()
    };
    let early = merge();
    assert_eq!(early.status.code(), Some(2));
    assert!(words(&early).contains("2/3 (not there)"), "{}", words(&early));
    let kubernetes = place
        .command("run", &["--shard", "auto/3"])
        .env("JOB_COMPLETION_INDEX", "1")
        .output()
        .unwrap();
    assert!(kubernetes.status.success(), "{}", words(&kubernetes));
    let merged = merge();
    assert!(merged.status.success(), "{}", words(&merged));
    assert_eq!(place.outputs("run"), whole);
    let report = Command::new(env!("CARGO_BIN_EXE_recant"))
        .args(["scenarios", "report", "--resamples", "200", "--json"])
        .arg(place.path("run"))
        .output()
        .unwrap();
    assert!(report.status.success(), "{}", words(&report));
    let value: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(value["result"]["cells"].as_array().unwrap().len(), 4);
    assert!(place.path("run/report/report.html").exists() && place.path("run/report/report.xlsx").exists());
}

#[test]
fn other_settings_are_refused_and_status_says_how_far_a_run_is() {
    let place = Place::new();
    place.whole();
    let refused = place.run("whole", &["--kind", "paper"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        words(&refused).contains("error kind: `paper` here, `uniform` there"),
        "{}",
        words(&refused)
    );
    let status = Command::new(env!("CARGO_BIN_EXE_recant"))
        .args(["scenarios", "status", "--json"])
        .arg(place.path("whole"))
        .output()
        .unwrap();
    let value: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!((value["done"].as_u64(), value["total"].as_u64()), (Some(40), Some(40)));
}

/// A file-size limit stands in for a full disk: writing beyond it fails in the same way.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_takes_no_more_stops_the_run_and_it_goes_on_afterwards() {
    let place = Place::new();
    let whole = place.whole();
    let largest = |part: &str| {
        let entries = fs::read_dir(place.path("whole").join(part)).unwrap();
        entries.map(|entry| entry.unwrap().metadata().unwrap().len()).max().unwrap()
    };
    let small = largest("chunks").max(fs::metadata(place.path("whole/settings.json")).unwrap().len());
    assert!(
        whole[0].len() as u64 > small + 4096,
        "the records must be the first file that does not fit"
    );
    let run = place.command("full", &[]);
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("ulimit -f {}; trap '' XFSZ; exec \"$0\" \"$@\"", small / 512 + 2))
        .arg(run.get_program())
        .args(run.get_args());
    let output = shell.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", words(&output));
    assert!(words(&output).contains("what was finished is kept"), "{}", words(&output));
    assert!(!place.path("full/records.csv").exists());
    assert_eq!(chunks(&place.path("full")), 40);
    let output = place.run("full", &[]);
    assert!(output.status.success(), "{}", words(&output));
    assert_eq!(place.outputs("full"), whole);
}

#[test]
fn a_folder_that_cannot_be_written_is_a_clear_error() {
    let place = Place::new();
    fs::write(place.path("file"), b"x").unwrap();
    let output = place.run("file/run", &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("file/run"), "{}", words(&output));
}
