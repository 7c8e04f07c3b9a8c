//! Places that cannot be written: a full disk, a read-only one, a path below a file. Exit code 2, a clear word, nothing half-written, nothing lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use super::program::{contents, recant, text, trial, works};

/// What the commands below read: the shared trial, a repaired model and a run of scenarios.
fn place() -> &'static Path {
    static PLACE: OnceLock<tempfile::TempDir> = OnceLock::new();
    PLACE
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let at = folder.path();
            for name in ["model", "trial"] {
                super::program::copy(&trial().join(name), &at.join(name));
            }
            for name in ["orders.csv", "week.csv"] {
                fs::copy(trial().join(name), at.join(name)).unwrap();
            }
            fs::write(at.join("wrong-images.csv"), "image\n0\n1\n2\n3\n4\n").unwrap();
            run_in(
                at,
                "repair --model model --flags trial/flags.csv --data orders.csv --out repaired --quiet",
            );
            run_in(at, &format!("scenarios orders.csv {BATCH} --out run --quiet"));
            folder
        })
        .path()
}

const BATCH: &str = "--profile dataco --sizes 1x4 --errors 5% --runs 2 --epochs 1 --trials 1 --sweep-runs 1 --chunk 1";

fn run_in(at: &Path, command: &str) -> Output {
    works(at, &command.split(' ').collect::<Vec<_>>())
}

/// Every command that writes, with `OUT` for what it writes.
const WRITERS: [(&str, &str); 15] = [
    ("demo", "demo --out OUT"),
    ("generate", "generate --rows 4000 --out OUT.csv"),
    ("generate, packed", "generate --rows 4000 --out OUT.csv.gz"),
    ("generate, Excel", "generate --rows 2000 --out OUT.xlsx"),
    ("generate, Parquet", "generate --rows 4000 --out OUT.parquet"),
    ("inspect", "inspect orders.csv --write-profile OUT.toml"),
    ("inject", "inject orders.csv --full-rows --out OUT"),
    ("train", "train orders.csv --network 2x20 --epochs 1 --out OUT"),
    (
        "repair",
        "repair --model model --flags trial/flags.csv --data trial/corrupted.csv --out OUT",
    ),
    ("predict", "predict orders.csv --model model --out OUT.csv"),
    ("predict, Excel", "predict orders.csv --model model --out OUT.xlsx"),
    (
        "expand, images",
        "expand --dataset made-up --flags wrong-images.csv --epochs 1 --out OUT",
    ),
    ("report", "report repaired --out OUT"),
    ("scenarios report", "scenarios report run --resamples 200 --out OUT"),
    ("man", "man --out OUT"),
];

fn command_of(template: &str, out: &Path) -> Vec<String> {
    template.split(' ').map(|word| word.replace("OUT", out.to_str().unwrap())).collect()
}

/// Checks a failed write: code, words, no panic.
fn complaint(output: &Output, words: &[&str]) -> Option<String> {
    let said = text(output);
    match output.status.code() {
        Some(2) => match words.iter().find(|word| !said.contains(**word)) {
            Some(word) => Some(format!("does not say `{word}`: {said}")),
            None if said.contains("panicked") => Some(format!("panics: {said}")),
            None => None,
        },
        code => Some(format!("exit code {code:?}: {said}")),
    }
}

/// Runs the program where no file may grow beyond so many bytes: writing fails part-way, as it does on a full disk.
#[cfg(unix)]
fn with_small_files(at: &Path, arguments: &[String], bytes: u64) -> Output {
    Command::new("sh")
        .current_dir(at)
        .arg("-c")
        // Blocks of 512 bytes; the signal is ignored so that the write fails instead, as with a full disk.
        .arg(format!("ulimit -f {}; trap '' XFSZ; exec \"$0\" \"$@\"", bytes / 512))
        .arg(env!("CARGO_BIN_EXE_recant"))
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap()
}

/// Sizes below which a run fails at its largest file, at one of middle size, and at its first.
fn limits(sizes: &[u64]) -> Vec<u64> {
    let mut sizes: Vec<u64> = sizes.iter().copied().filter(|size| *size > 1024).collect();
    sizes.sort_unstable();
    let mut limits: Vec<u64> = [sizes.len() - 1, sizes.len() / 2]
        .iter()
        .map(|place| (sizes[*place] - 1) / 512 * 512)
        .collect();
    limits.push(0);
    limits.dedup();
    limits
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_grow_stops_every_command_and_leaves_nothing() {
    let mut wrong = Vec::new();
    for (name, template) in WRITERS {
        let here = tempfile::tempdir().unwrap();
        let out = here.path().join("made");
        let limits = if name == "demo" {
            // Its first file is the sample; the corrupted sheet after it is larger. Both are written before it trains.
            let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample/orders.csv.gz");
            vec![fs::metadata(sample).unwrap().len() + 512, 0]
        } else {
            run_in(place(), &command_of(template, &out).join(" "));
            let sizes: Vec<u64> = contents(here.path()).values().map(|bytes| bytes.len() as u64).collect();
            for entry in fs::read_dir(here.path()).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    fs::remove_dir_all(path).unwrap()
                } else {
                    fs::remove_file(path).unwrap()
                }
            }
            limits(&sizes)
        };
        for limit in limits {
            let output = with_small_files(place(), &command_of(template, &out), limit);
            let left: Vec<PathBuf> = contents(here.path()).into_keys().collect();
            if let Some(complaint) = complaint(&output, &["error: cannot write", "limit", "hint: "]) {
                wrong.push(format!("{name}, {limit} bytes: {complaint}"));
            }
            if !left.is_empty() || fs::read_dir(here.path()).unwrap().next().is_some() {
                wrong.push(format!("{name}, {limit} bytes: left behind {left:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---\n"));
}

#[cfg(unix)]
#[test]
fn old_predictions_and_sheets_stay_whole_where_new_ones_do_not_fit() {
    for template in [
        "predict orders.csv --model model --out OUT.csv",
        "predict orders.csv --model model --out OUT.xlsx",
        "generate --rows 4000 --out OUT.csv",
    ] {
        let here = tempfile::tempdir().unwrap();
        let out = here.path().join("made");
        let arguments = command_of(template, &out);
        let old = PathBuf::from(arguments.last().unwrap());
        fs::write(&old, "last week's").unwrap();
        let output = with_small_files(place(), &arguments, 4096);
        assert_eq!(output.status.code(), Some(2), "{template}: {}", text(&output));
        assert_eq!(fs::read_to_string(&old).unwrap(), "last week's", "{template}");
        assert_eq!(fs::read_dir(here.path()).unwrap().count(), 1, "{template}");
    }
}

/// Runs the program with a small disk of its own at `disk`, then lists what is on it. `None` where this system does not let us mount one.
#[cfg(target_os = "linux")]
fn on_a_disk(at: &Path, disk: &Path, options: &str, arguments: &[String]) -> Option<(Output, String)> {
    const SCRIPT: &str = "disk=$1; options=$2; shift 2; mount -t tmpfs -o \"$options\" none \"$disk\" || exit 99; \
        \"$@\"; code=$?; echo; echo \"== left:\"; ls -A \"$disk\"; exit $code";
    let run = Command::new("unshare")
        .current_dir(at)
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh"])
        .args([disk.to_str().unwrap(), options, env!("CARGO_BIN_EXE_recant")])
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("RUST_BACKTRACE")
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let Some((_, left)) = said.split_once("== left:\n") else {
        println!("skipped: this system does not let us mount a small disk: {}", text(&run));
        return None;
    };
    let left = left.trim().to_owned();
    Some((run, left))
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_and_left_as_it_was() {
    let disk = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (name, template) in WRITERS {
        let arguments = command_of(template, &disk.path().join("made"));
        // Room for a part of what is written, and for next to nothing.
        let sizes: &[&str] = match name {
            "inspect" | "demo" => &["size=4k"],
            _ => &["size=40k", "size=4k"],
        };
        for size in sizes {
            let Some((output, left)) = on_a_disk(place(), disk.path(), size, &arguments) else {
                return;
            };
            if let Some(complaint) = complaint(&output, &["the disk is full", disk.path().to_str().unwrap()]) {
                wrong.push(format!("{name}, {size}: {complaint}"));
            }
            if !left.is_empty() {
                wrong.push(format!("{name}, {size}: left behind {left}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---\n"));
}

/// A batch keeps what is finished, so it leaves its folder behind.
#[cfg(target_os = "linux")]
#[test]
fn a_batch_of_scenarios_that_fills_the_disk_says_so_and_how_to_go_on() {
    let disk = tempfile::tempdir().unwrap();
    let arguments = command_of(&format!("scenarios orders.csv {BATCH} --out OUT"), &disk.path().join("made"));
    for size in ["size=40k", "size=32k", "size=24k", "size=4k"] {
        let Some((output, _)) = on_a_disk(place(), disk.path(), size, &arguments) else {
            return;
        };
        let words = ["the disk is full", "what was finished is kept", "start the same command again"];
        assert_eq!(complaint(&output, &words), None, "{size}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_disk_is_named_before_any_work() {
    let disk = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (name, template) in WRITERS {
        let arguments = command_of(template, &disk.path().join("made"));
        let Some((output, left)) = on_a_disk(place(), disk.path(), "ro", &arguments) else {
            return;
        };
        if let Some(complaint) = complaint(&output, &["the disk is read-only", disk.path().to_str().unwrap(), "hint: "]) {
            wrong.push(format!("{name}: {complaint}"));
        }
        assert_eq!(left, "", "{name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---\n"));
}

#[test]
fn a_place_below_a_file_is_refused_by_every_command_before_any_work() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("file"), "precious").unwrap();
    let mut wrong = Vec::new();
    for (name, template) in WRITERS {
        for below in ["file/made", "file/folder/made"] {
            let out = here.path().join(below);
            let arguments = command_of(template, &out);
            let output = recant(place(), &arguments.iter().map(String::as_str).collect::<Vec<_>>());
            if let Some(complaint) = complaint(&output, &["file/", "a part of the path is a file"]) {
                wrong.push(format!("{name}: {complaint}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---\n"));
    assert_eq!(fs::read_to_string(here.path().join("file")).unwrap(), "precious");
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 1);
}

#[test]
fn folders_and_profiles_that_are_there_are_never_overwritten() {
    let here = tempfile::tempdir().unwrap();
    for (name, template) in WRITERS {
        if name.starts_with("generate") || name.starts_with("predict") || name == "scenarios report" {
            continue;
        }
        let out = here.path().join("made");
        let arguments = command_of(template, &out);
        let taken = PathBuf::from(arguments.last().unwrap());
        fs::create_dir(&taken).unwrap();
        fs::write(taken.join("precious"), "x").unwrap();
        let output = recant(place(), &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let option = if name == "inspect" { "--write-profile" } else { "--out" };
        assert_eq!(complaint(&output, &["already exists", option]), None, "{name}");
        assert_eq!(fs::read(taken.join("precious")).unwrap(), b"x");
        fs::remove_dir_all(&taken).unwrap();
    }
}

/// What is printed into a file on a full disk is lost, and the program says so instead of pretending.
#[cfg(target_os = "linux")]
#[test]
fn output_that_does_not_get_through_is_an_error_and_a_closed_pipe_is_none() {
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in [
        &["inspect", "orders.csv", "--json"][..],
        &["inspect", "orders.csv"],
        &["completions", "bash"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_recant"))
            .current_dir(place())
            .args(arguments)
            .stdout(full())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(complaint(&output, &["standard output", "the disk is full"]), None, "{arguments:?}");
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_recant"))
        .current_dir(place())
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}
