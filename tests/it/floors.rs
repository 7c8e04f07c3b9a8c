//! Data flows one way through the house: a module uses only modules of lower floors.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors, lowest first; rooms of one floor do not use each other.
const FLOORS: &[&[&str]] = &[
    &["error", "notes", "seed", "files", "progress", "visible", "memory"],
    &["stats", "nn", "trees", "tables"],
    &["learner", "features", "datasets"],
    &["label_errors", "onnx"],
    &["repair", "model"],
    &["evaluate"],
    &["jobs", "experiments"],
    &["report"],
    &["commands"],
    &["app"],
    &["cli"],
];

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Every Rust file in a folder and the folders in it.
pub(super) fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every room that a source text names as `crate::room`, with its line number; comments do not count.
fn rooms_used(text: &str) -> Vec<(usize, String)> {
    let mut used = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for part in code.split("crate::").skip(1) {
            let names: Vec<&str> = match part.strip_prefix('{') {
                Some(list) => list.split('}').next().unwrap_or_default().split(',').collect(),
                None => vec![part],
            };
            for name in names {
                let room: String = name
                    .trim()
                    .chars()
                    .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                    .collect();
                used.push((number + 1, room));
            }
        }
    }
    used
}

#[test]
fn no_module_imports_from_its_own_floor_or_above() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    assert!(files.len() > 10, "found too few files to mean anything");
    let mut wrong = Vec::new();
    let mut edges = 0;
    for file in files {
        let relative = file.strip_prefix(&source).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
        let room = first.trim_end_matches(".rs");
        if room == "lib" || room == "main" {
            continue;
        }
        let floor = floor_of(room).unwrap_or_else(|| panic!("`{room}` has no floor: add it to FLOORS and to the table in lib.rs"));
        for (line, used) in rooms_used(&fs::read_to_string(&file).unwrap()) {
            // The base floor is one landing: its few small rooms may use each other.
            let Some(used_floor) = floor_of(&used) else { continue };
            edges += 1;
            if used != room && used_floor >= floor && used_floor > 0 {
                wrong.push(format!(
                    "{}:{line} ({room}, floor {floor}) uses {used} (floor {used_floor})",
                    relative.display()
                ));
            }
        }
    }
    assert!(edges > 2, "found too few imports to mean anything");
    assert!(wrong.is_empty(), "imports that run upward:\n{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_every_form() {
    let text = "use crate::{error::Error, cli};\nuse crate::nn::Network; // crate::report\nlet x = crate::tables::read();";
    let rooms: Vec<String> = rooms_used(text).into_iter().map(|(_, room)| room).collect();
    assert_eq!(rooms, ["error", "cli", "nn", "tables"]);
}

/// Most lines of a file: what is longer does more than one thing.
const MOST_LINES: usize = 600;

#[test]
fn no_file_is_longer_than_can_be_read_at_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "examples", "python/src"] {
        let found = files.len();
        // What is packed for crates.io holds no Python.
        if folder != "python/src" || root.join(folder).exists() {
            rust_files(&root.join(folder), &mut files);
            assert!(files.len() > found, "nothing found in `{folder}`");
        }
    }
    let kernels = glob::glob(&root.join("src/**/*.cu").to_string_lossy()).unwrap();
    files.extend(kernels.map(|file| file.unwrap()));
    let lines = |file: &PathBuf| fs::read_to_string(file).unwrap().lines().count();
    let long: Vec<String> = files
        .iter()
        .filter(|file| lines(file) > MOST_LINES)
        .map(|file| format!("{} ({} lines)", file.strip_prefix(root).unwrap().display(), lines(file)))
        .collect();
    assert!(long.is_empty(), "longer than {MOST_LINES} lines: {}", long.join(", "));
}
