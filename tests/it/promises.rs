//! Every promise of the README is held by a test (`docs/promises.md`).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Names of the functions that follow `#[test]`, of every file below a folder.
fn tests_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            tests_in(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&entry).unwrap();
            for rest in text.split("#[test]").skip(1) {
                let name = rest.split_once("fn ").and_then(|(_, rest)| rest.split_once('('));
                found.extend(name.map(|(name, _)| name.to_owned()));
            }
        }
    }
}

#[test]
fn every_promise_stands_in_the_readme_and_has_its_test() {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let readme = plain(&fs::read_to_string(root().join("README.md")).unwrap());
    let mut tests = BTreeSet::new();
    tests_in(&root().join("src"), &mut tests);
    tests_in(&root().join("tests"), &mut tests);
    let table = fs::read_to_string(root().join("docs/promises.md")).unwrap();
    let mut promises = 0;
    for line in table
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| promise"))
    {
        let (promise, test) = line.trim_matches('|').rsplit_once('|').unwrap();
        let test = test.trim().trim_matches('`');
        assert!(readme.contains(promise.trim()), "the README does not say: {promise}");
        assert!(tests.contains(test), "no test has the name {test}");
        promises += 1;
    }
    assert!(promises >= 25, "{promises}");
}
