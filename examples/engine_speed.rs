//! How fast the training engine is, and what share of the processor's matrix-product peak it reaches.
//!
//! `cargo run --release --example engine_speed -- [--data FOLDER] [--hidden 3x100] [--threads 2] [--epochs 25] [--scenarios 4]`
//!
//! FOLDER holds `X_train.npy` (float32, rows x columns) and `y_train.npy` (int64), as `pandas_features.py` writes them;
//! without it, made-up rows of the same shape are used (times do not depend on the values). Prints one JSON object:
//! seconds to train one model on all threads; for ASSD with importances measured on the retain set (the work that the PyTorch
//! peer does), and from what training stored (what `recant repair` does); and per scenario (train, retrain, fine-tune, ASSD)
//! with one scenario per thread. The peak is that of
//! plain products of rows by a hidden layer's weights, on all threads at once.
//! `benchmarks/engine_speed.py` runs it in turns with PyTorch.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use recant::learner;
use recant::nn::{Examples, MlpSpec, Network, Recipe, StoredImportances, product_peak, store_importances, train};
use recant::progress::Silent;
use recant::repair::{self, Reference, RepairOptions, Request, Session, Trained};
use recant::seed::Seed;
use recant::{Error, Result};
use serde_json::json;

struct Settings {
    data: Option<String>,
    hidden: Vec<usize>,
    threads: usize,
    epochs: usize,
    scenarios: usize,
}

struct Rows {
    width: usize,
    inputs: Vec<f32>,
    labels: Vec<u8>,
}

fn settings() -> Result<Settings> {
    let mut settings = Settings {
        data: None,
        hidden: vec![100; 3],
        threads: 2,
        epochs: 25,
        scenarios: 4,
    };
    let mut words = std::env::args().skip(1);
    while let Some(option) = words.next() {
        let value = words.next().unwrap_or_default();
        let number = || value.parse().map_err(|_| Error::input(format!("`{option} {value}` is no number")));
        match option.as_str() {
            "--data" => settings.data = Some(value),
            "--hidden" => settings.hidden = MlpSpec::parse_hidden(&value)?,
            "--threads" => settings.threads = number()?,
            "--epochs" => settings.epochs = number()?,
            "--scenarios" => settings.scenarios = number()?,
            _ => return Err(Error::input(format!("there is no option `{option}`"))),
        }
    }
    Ok(settings)
}

/// The shape and the bytes of a NumPy file.
fn npy(path: &Path) -> Result<(Vec<usize>, Vec<u8>)> {
    let bytes = std::fs::read(path).map_err(|error| Error::io("read", path, &error))?;
    let broken = || Error::input(format!("`{}` is no NumPy file", path.display()));
    let length = bytes
        .get(8..10)
        .map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])))
        .ok_or_else(broken)?;
    let header = String::from_utf8_lossy(bytes.get(10..10 + length).ok_or_else(broken)?).into_owned();
    let shape = header
        .split("'shape': (")
        .nth(1)
        .and_then(|rest| rest.split(')').next())
        .ok_or_else(broken)?;
    let shape = shape.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    Ok((shape, bytes[10 + length..].to_vec()))
}

fn rows(settings: &Settings) -> Result<Rows> {
    let Some(folder) = &settings.data else {
        use rand_chacha::rand_core::RngCore;
        let (rows, width) = (47_593, 28);
        let mut random = Seed(1).stream("made-up-rows", 0);
        return Ok(Rows {
            width,
            inputs: (0..rows * width).map(|_| (random.next_u32() & 1) as f32).collect(),
            labels: (0..rows).map(|_| (random.next_u32() % 3) as u8).collect(),
        });
    };
    let folder = Path::new(folder);
    let (shape, inputs) = npy(&folder.join("X_train.npy"))?;
    let (_, labels) = npy(&folder.join("y_train.npy"))?;
    Ok(Rows {
        width: shape.get(1).copied().unwrap_or(1),
        inputs: inputs.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        labels: labels.as_chunks::<8>().0.iter().map(|bytes| bytes[0]).collect(),
    })
}

/// Runs `work` on so many threads at once and returns the seconds until all are done.
fn at_once(threads: usize, work: impl Fn() + Sync) -> f64 {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(&work);
        }
    });
    start.elapsed().as_secs_f64()
}

/// Multiplications and additions of one pass forward and backward over the rows.
fn operations(spec: &MlpSpec, rows: usize) -> f64 {
    let widths: Vec<usize> = [&[spec.inputs], spec.hidden.as_slice(), &[spec.classes]].concat();
    let layer = |(index, pair): (usize, &[usize])| (if index == 0 { 4 } else { 6 }) * pair[0] * pair[1];
    (widths.windows(2).enumerate().map(layer).sum::<usize>() * rows) as f64
}

/// One per cent of the rows, mislabelled.
struct Flagged {
    labels: Vec<u8>,
    positions: Vec<u32>,
    inputs: Vec<f32>,
    observed: Vec<u8>,
}

fn mislabel(rows: &Rows, scenario: usize) -> Flagged {
    let positions: Vec<u32> = (scenario..rows.labels.len()).step_by(100).map(|row| row as u32).collect();
    let mut labels = rows.labels.clone();
    positions
        .iter()
        .for_each(|row| labels[*row as usize] = (labels[*row as usize] + 1) % 3);
    Flagged {
        inputs: positions
            .iter()
            .flat_map(|row| rows.inputs[*row as usize * rows.width..][..rows.width].to_vec())
            .collect(),
        observed: positions.iter().map(|row| labels[*row as usize]).collect(),
        positions,
        labels,
    }
}

/// What a scenario's repairs work on.
struct Trial<'a> {
    rows: &'a Rows,
    flagged: &'a Flagged,
    initial: &'a Network<f32>,
    network: &'a Network<f32>,
    recipe: &'a Recipe,
    stored: Option<&'a StoredImportances<f32>>,
}

fn repair_with(trial: &Trial, method: &str, reference: Reference, threads: usize) -> Result<f64> {
    let start = Instant::now();
    let width = trial.rows.width;
    let trained = Trained {
        classifier: trial.network,
        initial: Some(trial.initial),
        plan: trial.recipe.into(),
        training_rows: trial.rows.labels.len(),
        importance_batch: trial.recipe.batch,
        stored: trial.stored,
        full_set: &[],
    };
    let request = Request {
        positions: &trial.flagged.positions,
        flagged: Some(learner::Rows::table(&trial.flagged.inputs, width, &trial.flagged.observed)),
        corrections: &[],
        training: Some(learner::Rows::table(&trial.rows.inputs, width, &trial.flagged.labels)),
        augmented: None,
    };
    let options = RepairOptions {
        reference,
        ..RepairOptions::default()
    };
    let quiet = Silent::default();
    let mut model = Session::new(trained, request, threads, &quiet)?;
    repair::apply(repair::method(method)?, &mut model, &options, &quiet)?;
    Ok(start.elapsed().as_secs_f64())
}

/// Train, retrain, fine-tune and dampen on one thread.
fn scenario(rows: &Rows, initial: &Network<f32>, recipe: &Recipe, number: usize) -> Result<()> {
    let flagged = mislabel(rows, number);
    let mut network = initial.clone();
    let examples = Examples::all(&rows.inputs, rows.width, &flagged.labels);
    train(&mut network, &examples, recipe, 1, &Silent::default())?;
    let trial = Trial {
        rows,
        flagged: &flagged,
        initial,
        network: &network,
        recipe,
        stored: None,
    };
    for method in ["retrain", "finetune", "assd"] {
        repair_with(&trial, method, Reference::Retain, 1)?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let settings = settings()?;
    let rows = rows(&settings)?;
    let spec = MlpSpec::new(rows.width, settings.hidden.clone(), 3)?;
    let initial = Network::<f32>::initial(&spec, Seed(0))?;
    let recipe = Recipe {
        epochs: settings.epochs,
        ..Recipe::default()
    };
    let widest = spec.hidden.iter().copied().max().unwrap_or(rows.width);
    let peak = product_peak(widest, settings.threads);
    let pass = operations(&spec, rows.labels.len()) / 1e9;

    let flagged = mislabel(&rows, 0);
    let examples = Examples::all(&rows.inputs, rows.width, &flagged.labels);
    let mut network = initial.clone();
    let start = Instant::now();
    train(&mut network, &examples, &recipe, settings.threads, &Silent::default())?;
    let training = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let stored = store_importances(&network, &examples, recipe.batch, settings.threads)?;
    let storing = start.elapsed().as_secs_f64();
    let trial = Trial {
        rows: &rows,
        flagged: &flagged,
        initial: &initial,
        network: &network,
        recipe: &recipe,
        stored: Some(&stored),
    };
    let assd = repair_with(&trial, "assd", Reference::Retain, settings.threads)?;
    let assd_stored = repair_with(&trial, "assd", Reference::RetainOnOriginalBatches, settings.threads)?;

    let next = AtomicUsize::new(0);
    let seconds = at_once(settings.threads, || {
        while next.fetch_add(1, Ordering::Relaxed) < settings.scenarios {
            let number = next.load(Ordering::Relaxed);
            if let Err(error) = scenario(&rows, &initial, &recipe, number) {
                eprintln!("{error}");
            }
        }
    });
    let per_scenario = (settings.scenarios > 0).then(|| seconds / settings.scenarios as f64);
    let share = |passes: f64, seconds: f64| pass * passes / seconds / peak;
    println!(
        "{}",
        json!({
            "network": spec.name(), "rows": rows.labels.len(), "inputs": rows.width, "epochs": settings.epochs, "threads": settings.threads,
            "peak_gflops": peak, "gflop_per_pass": pass,
            "train": training, "train_share_of_peak": share(settings.epochs as f64, training),
            "assd": assd, "assd_share_of_peak": share(1.0, assd), "assd_from_stored": assd_stored, "store_importances": storing,
            "scenario": per_scenario,
            "scenario_share_of_peak": per_scenario.map(|seconds| share(2.0 * settings.epochs as f64 + 2.0, seconds)),
        })
    );
    Ok(())
}
