//! What is built in: licences, crates that must not be there, and where unsafe code may stand. The lists are those of `deny.toml`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn policy() -> toml::Table {
    fs::read_to_string(root().join("deny.toml")).unwrap().parse().unwrap()
}

/// Name, version and licence of every crate that is built for this machine.
fn built() -> Vec<(String, String, String)> {
    built_with("{p}|{l}")
}

/// Name, version and what the format tells of every crate that is built for this machine.
fn built_with(format: &str) -> Vec<(String, String, String)> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args([
            "tree",
            "--offline",
            "--locked",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            format,
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: BTreeSet<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    let parsed = lines.iter().filter(|line| !line.ends_with("(*)")).map(|line| {
        let (package, licence) = line.split_once('|').unwrap();
        let mut words = package.split_whitespace();
        let (name, version) = (words.next().unwrap(), words.next().unwrap().trim_start_matches('v'));
        (name.to_owned(), version.to_owned(), licence.to_owned())
    });
    parsed.collect()
}

/// Whether a licence expression can be met with allowed licences: every part that is joined by AND needs an allowed one among its ORs.
fn is_met(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], " ");
    expression.split(" AND ").all(|part| {
        let mut choices = part.split(" OR ").map(str::trim).filter(|choice| !choice.is_empty());
        choices.any(|choice| allowed.contains(choice))
    })
}

#[test]
fn every_crate_has_an_allowed_licence() {
    let policy = policy();
    let allowed: BTreeSet<&str> = policy["licenses"]["allow"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|name| name.as_str())
        .collect();
    let crates = built();
    assert!(crates.len() > 100, "{} crates", crates.len());
    let wrong: Vec<_> = crates.iter().filter(|(_, _, licence)| !is_met(licence, &allowed)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(!is_met("GPL-3.0", &allowed) && !is_met("MIT AND GPL-3.0", &allowed) && !is_met("", &allowed));
}

#[test]
fn nothing_that_is_built_can_talk_to_the_web() {
    let policy = policy();
    let banned = policy["bans"]["deny"].as_array().unwrap();
    assert!(banned.len() > 15);
    for (name, version, _) in built() {
        let ban = banned.iter().find(|ban| ban["name"].as_str() == Some(name.as_str()));
        let below = |limit: &str| {
            let numbers = |text: &str| text.split('.').map_while(|part| part.parse().ok()).collect::<Vec<u64>>();
            numbers(&version) < numbers(limit.trim_start_matches('<'))
        };
        let hit = ban.is_some_and(|ban| ban.get("version").and_then(|limit| limit.as_str()).is_none_or(below));
        assert!(!hit, "{name} {version} is banned by deny.toml");
    }
}

#[test]
fn what_listens_is_built_without_what_calls() {
    let policy = policy();
    let rules = policy["bans"]["features"].as_array().unwrap();
    let crates = built_with("{p}|{f}");
    for rule in rules {
        let name = rule["crate"].as_str().unwrap();
        let denied: Vec<&str> = rule["deny"].as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
        let found = crates.iter().find(|(other, ..)| other == name);
        let (.., features) = found.unwrap_or_else(|| panic!("{name} is not built: its rule in deny.toml can go"));
        let on: Vec<&str> = features.split(',').collect();
        assert!(
            on.contains(&"default") || on.len() > 1 || !on[0].is_empty(),
            "{name} tells its features"
        );
        assert!(!denied.iter().any(|feature| on.contains(feature)), "{name}: {features}");
    }
}

/// Rust files below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Where unsafe code may stand, and how many modules may say so.
const UNSAFE: [&str; 4] = [
    "python/src/exchange.rs",
    "src/nn/cuda/driver.rs",
    "src/nn/cuda/host.rs",
    "src/nn/kernels.rs",
];

#[test]
fn unsafe_code_stands_in_the_kernels_the_gpu_driver_and_the_exchange_with_python_only() {
    for lib in ["src/lib.rs", "python/src/lib.rs"] {
        let lib = fs::read_to_string(root().join(lib)).unwrap();
        assert!(lib.contains("#![deny(unsafe_code)]"));
    }
    let (mut files, mut holders, mut allowances) = (Vec::new(), BTreeSet::new(), 0);
    sources(&root().join("src"), &mut files);
    sources(&root().join("python/src"), &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let uses = |line: &&str| {
            ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"]
                .iter()
                .any(|form| line.contains(form))
        };
        if code.iter().any(uses) {
            holders.insert(file.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/"));
        }
        allowances += code
            .iter()
            .filter(|line| line.contains("allow(") && line.contains("unsafe_code"))
            .count();
    }
    assert_eq!(holders.iter().map(String::as_str).collect::<Vec<_>>(), UNSAFE);
    // One for each of those modules, and one in the macro that kernels of other rooms are made with.
    assert_eq!(allowances, UNSAFE.len() + 1);
}

#[test]
fn the_package_is_small_and_leaves_the_benchmarks_out() {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["package", "--package", "recant", "--list", "--allow-dirty", "--offline", "--locked"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).unwrap();
    let parts: BTreeSet<&str> = listed.lines().filter_map(|line| line.split('/').next()).collect();
    for needed in ["src", "data", "models", "README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        assert!(parts.contains(needed), "{needed} is not in {parts:?}");
    }
    for not_wanted in ["benchmarks", "python", ".ci", "dist", "target"] {
        assert!(!parts.contains(not_wanted), "{not_wanted} is in {parts:?}");
    }
    let packed = |line: &str| {
        // Some files of the list are made while packing.
        let content = fs::read(root().join(line)).unwrap_or_default();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, &content).unwrap();
        encoder.finish().unwrap().len()
    };
    let size: usize = listed.lines().map(packed).sum();
    assert!((1_000_000..10_000_000).contains(&size), "{size} bytes");
}

#[test]
fn the_readme_names_the_files_that_a_release_of_this_version_has() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    for name in [
        "cp39-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "linux-x86_64.tar.gz",
        "windows-x86_64.zip",
    ] {
        assert!(readme.contains(&format!("recant-{version}-{name}")), "{name}");
    }
    let others: Vec<&str> = readme
        .split("recant-")
        .skip(1)
        .filter(|rest| rest.starts_with(|first: char| first.is_ascii_digit()) && !rest.starts_with(version))
        .collect();
    assert!(others.is_empty(), "of another version: {others:?}");
}
