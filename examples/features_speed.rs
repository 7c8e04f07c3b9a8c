//! How long reading a sheet and making features of it takes: what `recant train` does before training, and nothing else.
//!
//! usage: `features_speed SHEET [--profile dataco-paper] [--rounds 3] [--out DIR]`
//!
//! Prints one JSON object: seconds per round for reading and for the features, rows and columns, a checksum of inputs and labels, and the
//! peak memory of the process (Linux). `--out` writes X_train.npy, y_train.npy, X_test.npy, y_test.npy and columns.txt, as the pandas peer
//! does. `RAYON_NUM_THREADS` sets the number of threads. `benchmarks/features_speed.py` runs it against that peer.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use recant::features::{self, Part, Prepared, Profile};
use recant::notes::Notes;
use recant::tables::{self, ReadOptions};
use sha2::{Digest, Sha256};

fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::parse()?;
    let profile = Profile::load(&settings.profile)?;
    let mut rounds = Vec::new();
    let mut last = None;
    for _ in 0..settings.rounds {
        // The tables of the round before are gone first, as they are when a program starts.
        last = None;
        let mut notes = Notes::new();
        let start = Instant::now();
        let table = tables::read(&settings.sheet, &ReadOptions::default(), &mut notes)?;
        let read = start.elapsed().as_secs_f64();
        let prepared = features::prepare(&table, &profile, &mut notes)?;
        let total = start.elapsed().as_secs_f64();
        rounds.push(serde_json::json!({ "read": read, "prepare": total - read, "total": total }));
        last.replace((table.height(), table.width(), prepared));
    }
    let (height, width, prepared) = last.ok_or("at least one round is needed")?;
    if let Some(folder) = &settings.out {
        write(folder, &prepared)?;
    }
    let result = serde_json::json!({
        "rounds": rounds,
        "sheet": { "rows": height, "columns": width },
        "train_rows": prepared.train.len(),
        "validation_rows": prepared.validation.as_ref().map_or(0, Part::len),
        "test_rows": prepared.test.len(),
        "columns": prepared.features.names(),
        "checksum": checksum(&prepared),
        "threads": rayon::current_num_threads(),
        "peak_memory_bytes": peak_memory(),
    });
    println!("{result}");
    Ok(())
}

struct Settings {
    sheet: PathBuf,
    profile: String,
    rounds: usize,
    out: Option<PathBuf>,
}

impl Settings {
    fn parse() -> Result<Self, Box<dyn Error>> {
        let mut sheet = None;
        let (mut profile, mut rounds, mut out) = ("dataco-paper".to_owned(), 3, None);
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--profile" => profile = value()?,
                "--rounds" => rounds = value()?.parse()?,
                "--out" => out = Some(PathBuf::from(value()?)),
                _ if word.starts_with("--") => return Err(format!("unknown option {word}").into()),
                _ => sheet = Some(PathBuf::from(word)),
            }
        }
        let sheet = sheet.ok_or("usage: features_speed SHEET [--profile dataco-paper] [--rounds 3] [--out DIR]")?;
        Ok(Self {
            sheet,
            profile,
            rounds,
            out,
        })
    }
}

/// SHA-256 over inputs and labels of all parts, so that two builds can be held against each other bit for bit.
fn checksum(prepared: &Prepared) -> String {
    let mut hash = Sha256::new();
    for part in [Some(&prepared.train), prepared.validation.as_ref(), Some(&prepared.test)]
        .into_iter()
        .flatten()
    {
        hash.update(little_endian(&part.inputs));
        hash.update(&part.labels);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn little_endian(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn write(folder: &Path, prepared: &Prepared) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let width = prepared.features.width();
    for (name, part) in [("train", &prepared.train), ("test", &prepared.test)] {
        let rows = part.len();
        let inputs = npy("<f4", &format!("({rows}, {width})"), &little_endian(&part.inputs));
        fs::write(folder.join(format!("X_{name}.npy")), inputs)?;
        fs::write(
            folder.join(format!("y_{name}.npy")),
            npy("|u1", &format!("({rows},)"), &part.labels),
        )?;
    }
    fs::write(folder.join("columns.txt"), prepared.features.names().join("\n") + "\n")
}

/// An array file of numpy, format 1.0: the header is padded to a multiple of 64 bytes.
fn npy(kind: &str, shape: &str, content: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    let unpadded = 10 + header.len() + 1;
    header.push_str(&" ".repeat(unpadded.next_multiple_of(64) - unpadded));
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(content);
    file
}

/// The most memory this process has held, where the system tells it as Linux does.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
