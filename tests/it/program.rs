//! Running the program, and a small trial that tests share.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// A small model of a sheet with a label `Status`; the sheet, its key and the place of the model follow.
pub const TRAIN_ON_STATUS: [&str; 9] = [
    "train",
    "--label",
    "Status",
    "--time",
    "Order Date",
    "--epochs",
    "2",
    "--network",
    "2x8",
];

pub fn recant(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recant"));
    command
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("RUST_BACKTRACE");
    command.output().expect("the program starts")
}

pub fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[track_caller]
pub fn works(folder: &Path, arguments: &[&str]) -> Output {
    let output = recant(folder, arguments);
    assert!(output.status.success(), "recant {}\n{}", arguments.join(" "), text(&output));
    output
}

#[track_caller]
pub fn json(folder: &Path, arguments: &[&str]) -> Value {
    let with_json = [arguments, &["--json"]].concat();
    let output = works(folder, &with_json);
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), 1, "one object on one line: {lines}");
    serde_json::from_str(&lines).unwrap()
}

/// Every file below a folder with its bytes, by relative path.
pub fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}

/// A small trial that tests share: `orders.csv`, `trial/`, `model/` (trained on the corrupted sheet), `week.csv`.
pub fn trial() -> &'static Path {
    static TRIAL: OnceLock<tempfile::TempDir> = OnceLock::new();
    TRIAL
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let at = folder.path();
            works(
                at,
                &[
                    "generate",
                    "--rows",
                    "2500",
                    "--complete-share",
                    "100%",
                    "--signal",
                    "2",
                    "--out",
                    "orders.csv",
                ],
            );
            works(
                at,
                &["generate", "--rows", "40", "--next-week", "--after", "2500", "--out", "week.csv"],
            );
            works(at, &["inject", "orders.csv", "--rate", "8%", "--full-rows", "--out", "trial"]);
            works(
                at,
                &[
                    "train",
                    "trial/corrupted.csv",
                    "--network",
                    "2x20",
                    "--epochs",
                    "6",
                    "--out",
                    "model",
                ],
            );
            folder
        })
        .path()
}

/// Copies a folder with all that is below it.
pub fn copy(from: &Path, to: &Path) {
    for (path, bytes) in contents(from) {
        let target = to.join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, bytes).unwrap();
    }
}
