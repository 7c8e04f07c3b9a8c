//! What is read is a regular file: no pipe is waited for, no device read without end. And names that are no Unicode.
#![cfg(unix)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::program::{recant, text, trial};

/// Makes a pipe and a link to an endless device.
fn endless(folder: &Path) -> Vec<String> {
    std::os::unix::fs::symlink("/dev/zero", folder.join("zero.csv")).unwrap();
    let pipe = Command::new("mkfifo").arg(folder.join("pipe.csv")).status();
    let made = pipe.is_ok_and(|status| status.success());
    ["zero.csv", "pipe.csv"][..if made { 2 } else { 1 }]
        .iter()
        .map(|name| folder.join(name).display().to_string())
        .collect()
}

/// Every command that reads a file which the person names, with `IT` in its place.
const READERS: [&str; 9] = [
    "inspect IT",
    "inspect orders.csv --profile IT",
    "train IT --out OUT",
    "predict IT --model model --out OUT.csv",
    "repair --model model --flags IT --data trial/corrupted.csv --out OUT",
    "repair --model model --flags trial/flags.csv --data IT --out OUT",
    "expand trial/corrupted.csv --model model --flags IT --out OUT.csv",
    "report IT --out OUT",
    "inject IT --out OUT",
];

#[test]
fn no_command_waits_for_a_pipe_or_reads_a_device_without_end() {
    let here = tempfile::tempdir().unwrap();
    let started = Instant::now();
    for path in endless(here.path()) {
        for template in READERS {
            let out = here.path().join("out").display().to_string();
            let words: Vec<String> = template
                .split(' ')
                .map(|word| if word == "IT" { path.clone() } else { word.replace("OUT", &out) })
                .collect();
            let output = recant(trial(), &words.iter().map(String::as_str).collect::<Vec<_>>());
            let said = text(&output);
            assert_eq!(output.status.code(), Some(2), "{template}: {said}");
            assert!(said.contains("a pipe or a device") && said.contains("hint: "), "{template}: {said}");
        }
    }
    assert!(started.elapsed() < Duration::from_secs(60));
    assert!(!here.path().join("out").exists());
}

#[test]
fn a_pipe_or_device_among_images_is_no_image() {
    let here = tempfile::tempdir().unwrap();
    let set = here.path().join("set");
    for class in ["cat", "dog"] {
        fs::create_dir_all(set.join(class)).unwrap();
    }
    let endless = endless(here.path());
    fs::rename(&endless[0], set.join("cat/0.png")).unwrap();
    fs::rename(endless.last().unwrap(), set.join("dog/1.png")).unwrap_or_default();
    // Enough files in each class; what is in them is not reached.
    for (class, number) in [("cat", 2), ("cat", 3), ("dog", 2), ("dog", 3)] {
        fs::write(set.join(class).join(format!("{number}.png")), b"no image").unwrap();
    }
    let set = set.display().to_string();
    let out = here.path().join("run").display().to_string();
    let command = [
        "bench",
        "forget",
        "--data",
        &set,
        "--dataset",
        "folder",
        "--image-size",
        "8",
        "--network",
        "resnet-tiny",
        "--out",
        &out,
    ];
    let output = recant(here.path(), &command);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("a pipe or a device"), "{}", text(&output));
}

#[test]
fn a_name_that_is_no_unicode_can_be_written_to() {
    let here = tempfile::tempdir().unwrap();
    let named = |ending: &str| {
        let name = [b"\xff\xfeout".as_slice(), ending.as_bytes()].concat();
        here.path().join(OsString::from_vec(name))
    };
    let orders = trial().join("orders.csv");
    let sheet = orders.to_str().unwrap();
    let trained = trial().join("model");
    for (arguments, out) in [
        (vec!["generate", "--rows", "30", "--json"], named(".csv")),
        (vec!["inject", sheet, "--rate", "5%"], named("-trial")),
        (
            vec!["predict", sheet, "--model", trained.to_str().unwrap(), "--json"],
            named("-predicted.csv"),
        ),
        (vec!["train", sheet, "--network", "1x4", "--epochs", "1", "--json"], named("-model")),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_recant"))
            .current_dir(here.path())
            .args(&arguments)
            .arg("--out")
            .arg(&out)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success() && out.exists(), "{arguments:?}: {}", text(&output));
    }
}
