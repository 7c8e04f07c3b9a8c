//! Files damaged at random, from a seed: nothing that is read panics, reports a fault of Recant, hangs or takes all memory.
//!
//! A test of a few seconds, and a long run: `benchmarks/fuzz.sh`, with its figures in docs/fuzzing.md.

mod corpus;
mod mutate;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use recant::Result;
use recant::error::ErrorKind;
use recant::features::{Overrides, Profile, inspect};
use recant::label_errors::flags::{FlagOptions, FlagPlace, FlagSource, find};
use recant::model::{ModelFolder, PredictionModel};
use recant::notes::Notes;
use recant::onnx::{Input, InputData, InputKind, Layers, Model};
use recant::seed::Seed;
use recant::tables::{ReadOptions, read};
use sha2::{Digest, Sha256};

use crate::program::{copy, trial};

type Mutate = fn(&mut ChaCha8Rng, &[u8]) -> Vec<u8>;

/// A format: its name, an ending, files to begin with, and how they are damaged.
struct Format {
    name: &'static str,
    file: &'static str,
    seeds: Vec<Vec<u8>>,
    mutate: Mutate,
    reads: fn(&Bench, &Path) -> Result<()>,
}

/// What reading needs besides the file.
struct Bench {
    model: ModelFolder,
    folder: tempfile::TempDir,
}

fn sheet(_: &Bench, path: &Path) -> Result<()> {
    let table = read(path, &ReadOptions::default(), &mut Notes::new())?;
    inspect(&table, None, &Overrides::default(), &mut Notes::new()).map(drop)
}

fn flags(bench: &Bench, path: &Path) -> Result<()> {
    let source = FlagSource {
        place: FlagPlace::File {
            path,
            reading: &ReadOptions::default(),
        },
        options: &FlagOptions::default(),
        index: &bench.model.rows,
        label: Some(&bench.model.profile.label),
        inputs: &[],
        sheet: None,
        sheet_columns: None,
    };
    find(&source, &mut Notes::new()).map(drop)
}

/// Rows that an input of this shape takes; an open size is taken as `open`.
fn data(input: &Input, rows: usize, open: usize) -> InputData {
    let sizes = input.shape.iter().map(|size| size.unwrap_or(open));
    // A file may claim any size: what a sheet could hold is tried.
    let width = sizes.fold(1_usize, usize::saturating_mul).min(4096);
    match input.kind {
        InputKind::Texts => InputData::Texts(vec!["a".to_owned(); rows * width]),
        _ => InputData::Numbers(vec![1.0; rows * width]),
    }
}

/// A model that was trained elsewhere is read, and computes two rows.
fn imported(_: &Bench, path: &Path) -> Result<()> {
    let model = Model::read(path, &Layers::default())?;
    let inputs: Vec<InputData> = model.inputs().iter().map(|input| data(input, 2, 5)).collect();
    let rows = model.encode(&inputs, 2)?;
    model.network(&rows).map(drop)
}

fn profile(_: &Bench, path: &Path) -> Result<()> {
    Profile::from_file(path).map(drop)
}

fn formats() -> Vec<Format> {
    let format = |name, file, seeds, mutate, reads| Format {
        name,
        file,
        seeds,
        mutate,
        reads,
    };
    vec![
        format(
            "CSV",
            "a.csv",
            corpus::texts(),
            mutate::text as Mutate,
            sheet as fn(&Bench, &Path) -> Result<()>,
        ),
        format("CSV, packed", "a.csv.gz", corpus::packed(), mutate::bytes, sheet),
        format("XLSX", "a.xlsx", corpus::xlsx(), mutate::zipped, sheet),
        format("XLSB", "a.xlsb", corpus::xlsb(), mutate::zipped, sheet),
        format("XLS", "a.xls", corpus::xls(), mutate::bytes, sheet),
        format("ODS", "a.ods", corpus::ods(), mutate::zipped, sheet),
        format("Parquet", "a.parquet", corpus::parquet(), mutate::tail, sheet),
        format("Arrow", "a.arrow", corpus::arrow(), mutate::tail, sheet),
        format("NumPy", "a.npy", corpus::numpy(), mutate::bytes, sheet),
        format("NumPy archive", "a.npz", corpus::numpy_archives(), mutate::zipped, sheet),
        format("ONNX", "a.onnx", corpus::onnx(), mutate::bytes, imported),
        format("weights", "a.safetensors", corpus::weights(), safetensors, imported),
        format("weights, pickled", "a.pt", corpus::pickled_weights(), mutate::zipped, imported),
        format("flags", "flags.csv", corpus::flags(), mutate::text, flags),
        format("profile", "profile.toml", corpus::profiles(), mutate::text, profile),
    ]
}

/// What came of the inputs of one format.
#[derive(Default)]
struct Tally {
    inputs: u64,
    read: u64,
    refused: u64,
    without_hint: u64,
    slowest: Duration,
    most_memory: u64,
    faults: Vec<String>,
}

/// Longest that an input may take, and most memory (bytes).
const MOST_TIME: Duration = Duration::from_secs(30);
const MOST_MEMORY: u64 = 2 << 30;

impl Tally {
    /// Reads an input and says what became of it. `keep`: saves an input that shows a fault.
    fn add(&mut self, read: impl FnOnce() -> Result<()>, measured: bool, keep: impl FnOnce(&str) -> String) {
        self.inputs += 1;
        if measured {
            let _ = fs::write("/proc/self/clear_refs", "5");
        }
        let started = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(read));
        let (took, memory) = (started.elapsed(), if measured { peak_memory() } else { 0 });
        self.slowest = self.slowest.max(took);
        self.most_memory = self.most_memory.max(memory);
        let fault = match &outcome {
            Err(_) => Some("panics".to_owned()),
            Ok(Err(error)) if error.kind() == ErrorKind::Internal => Some(format!("is a fault of Recant: {error}")),
            Ok(Err(error)) if error.message().is_empty() => Some("has no message".to_owned()),
            _ if took > MOST_TIME => Some(format!("takes {} s", took.as_secs())),
            _ if memory > MOST_MEMORY => Some(format!("takes {} MiB", memory >> 20)),
            _ => None,
        };
        match outcome {
            Ok(Ok(())) => self.read += 1,
            Ok(Err(error)) => {
                self.refused += 1;
                self.without_hint += u64::from(error.hint_text().is_none());
                if error.hint_text().is_none() && std::env::var_os("RECANT_FUZZ_HINTS").is_some() {
                    println!("no hint: {error}");
                }
            }
            Err(_) => {}
        }
        if let Some(fault) = fault {
            self.faults.push(keep(&fault));
        }
    }
}

/// The most memory that this process has held since it was last asked (Linux; else 0).
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok())
        .unwrap_or(0)
        << 10
}

impl Bench {
    fn new() -> Self {
        let (model, _) = ModelFolder::load(&trial().join("model")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        copy(&trial().join("model"), &folder.path().join("model"));
        Self { model, folder }
    }

    /// Reads one damaged file of a format. Where it shows a fault it is kept.
    fn input(&self, format: &Format, number: u64, measured: bool, tally: &mut Tally) {
        let mut random = Seed(2026).stream(&format!("fuzz/{}", format.name), number);
        let seed = &format.seeds[random.random_range(0..format.seeds.len())];
        let damaged = (format.mutate)(&mut random, seed);
        let path = self.folder.path().join(format.file);
        fs::write(&path, &damaged).unwrap();
        tally.add(
            || (format.reads)(self, &path),
            measured,
            |fault| kept(format.name, number, format.file, &damaged, fault),
        );
    }

    /// Reads a model folder with one damaged file, sealed again as whoever damages on purpose would.
    fn model(&self, files: &[(PathBuf, Vec<u8>)], number: u64, measured: bool, tally: &mut Tally) {
        let mut random = Seed(2026).stream("fuzz/model", number);
        let (name, seed) = &files[random.random_range(0..files.len())];
        let ending = name.extension().and_then(|ending| ending.to_str());
        let damaged = match ending {
            Some("safetensors") => safetensors(&mut random, seed),
            _ => mutate::text(&mut random, seed),
        };
        let folder = self.folder.path().join("model");
        let sealed = folder.join("model.json");
        let stated = fs::read(&sealed).unwrap();
        let is_seal = name == Path::new("model.json");
        let text = if is_seal { damaged.clone() } else { stated.clone() };
        let text = resealed(&text, (!is_seal).then_some((name.to_str().unwrap(), damaged.as_slice())));
        fs::write(folder.join(name), &damaged).unwrap();
        fs::write(&sealed, text).unwrap();
        let load = || {
            let whole = ModelFolder::load(&folder).map(drop);
            let part = PredictionModel::load(&folder).map(drop);
            whole.and(part)
        };
        tally.add(load, measured, |fault| {
            kept("model", number, name.to_str().unwrap(), &damaged, fault)
        });
        fs::write(folder.join(name), seed).unwrap();
        fs::write(&sealed, stated).unwrap();
    }
}

/// A safetensors file with its header or its bytes damaged.
fn safetensors(random: &mut ChaCha8Rng, bytes: &[u8]) -> Vec<u8> {
    match random.random_bool(0.5) {
        true => head(random, bytes),
        false => mutate::bytes(random, bytes),
    }
}

/// The header of a safetensors file damaged, its length put right.
fn head(random: &mut ChaCha8Rng, bytes: &[u8]) -> Vec<u8> {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return bytes.to_vec();
    };
    let length = (u64::from_le_bytes(*length) as usize).min(rest.len());
    let header = mutate::text(random, &rest[..length]);
    [&(header.len() as u64).to_le_bytes()[..], &header, &rest[length..]].concat()
}

/// `model.json` with the hash of a changed file and its own put right, where it still is JSON.
fn resealed(text: &[u8], changed: Option<(&str, &[u8])>) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(text) else {
        return text.to_vec();
    };
    let hash = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    if !value.is_object() {
        return text.to_vec();
    }
    if let Some((name, bytes)) = changed {
        value["files"][name] = serde_json::json!({ "bytes": bytes.len(), "sha256": hash(bytes) });
    }
    value["model_json_sha256"] = "".into();
    let own = hash(serde_json::to_string_pretty(&value).unwrap().as_bytes());
    value["model_json_sha256"] = own.into();
    serde_json::to_vec_pretty(&value).unwrap()
}

/// Saves an input for whoever looks into it.
fn kept(format: &str, number: u64, file: &str, bytes: &[u8], fault: &str) -> String {
    let folder = std::env::temp_dir().join("recant-fuzz");
    let path = folder.join(format!("{format}-{number}-{file}").replace([',', ' '], ""));
    let saved = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, bytes));
    format!("{format} input {number} {fault} ({}, {saved:?})", path.display())
}

#[test]
fn damaged_files_of_every_format_are_read_or_refused_and_nothing_else() {
    let (bench, formats, files) = (Bench::new(), formats(), corpus::model());
    let mut tallies: Vec<Tally> = formats.iter().map(|_| Tally::default()).chain([Tally::default()]).collect();
    let until = Instant::now() + Duration::from_secs(4);
    for number in 0.. {
        for (format, tally) in formats.iter().zip(&mut tallies) {
            bench.input(format, number, false, tally);
        }
        bench.model(&files, number, false, tallies.last_mut().unwrap());
        // Always a few of each.
        if number >= 3 && Instant::now() > until {
            break;
        }
    }
    let faults: Vec<&String> = tallies.iter().flat_map(|tally| &tally.faults).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(
        tallies
            .iter()
            .all(|tally| tally.read + tally.refused == tally.inputs && tally.inputs >= 4)
    );
    for (name, tally) in formats.iter().map(|format| format.name).chain(["model"]).zip(&tallies) {
        assert_eq!(tally.without_hint, 0, "{name}: of {} refused", tally.refused);
    }
}

/// See `benchmarks/fuzz.sh`: `RECANT_FUZZ_INPUTS` inputs over all formats, with time and memory of each.
#[test]
#[ignore = "takes minutes; benchmarks/fuzz.sh runs it"]
fn many_damaged_files() {
    let inputs: u64 = std::env::var("RECANT_FUZZ_INPUTS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_000);
    let (bench, formats, files) = (Bench::new(), formats(), corpus::model());
    let each = inputs.div_ceil(formats.len() as u64 + 1);
    static BEGUN: AtomicU64 = AtomicU64::new(0);
    // An input that never ends is ended with the process, and told.
    std::thread::spawn(|| {
        let mut last = (0, Instant::now());
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let now = BEGUN.load(Ordering::Relaxed);
            if now != last.0 {
                last = (now, Instant::now());
            } else if last.1.elapsed() > 2 * MOST_TIME {
                eprintln!("input {now} hangs");
                std::process::abort();
            }
        }
    });
    let mut faults = Vec::new();
    println!("| format | inputs | read | refused | without a hint | slowest | most memory | faults |\n|---|---|---|---|---|---|---|---|");
    for place in 0..=formats.len() {
        let mut tally = Tally::default();
        for number in 0..each {
            BEGUN.fetch_add(1, Ordering::Relaxed);
            match formats.get(place) {
                Some(format) => bench.input(format, number, true, &mut tally),
                None => bench.model(&files, number, true, &mut tally),
            }
        }
        println!(
            "| {} | {} | {} | {} | {} | {:.2} s | {} MiB | {} |",
            formats.get(place).map_or("model folder", |format| format.name),
            tally.inputs,
            tally.read,
            tally.refused,
            tally.without_hint,
            tally.slowest.as_secs_f64(),
            tally.most_memory >> 20,
            tally.faults.len()
        );
        faults.extend(tally.faults);
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_same_seed_damages_alike() {
    for format in formats() {
        let once = |number| {
            let mut random = Seed(2026).stream(&format!("fuzz/{}", format.name), number);
            (format.mutate)(&mut random, &format.seeds[0])
        };
        assert_eq!(once(1), once(1), "{}", format.name);
        assert!((0..8).any(|number| once(number) != format.seeds[0]), "{}", format.name);
    }
}
