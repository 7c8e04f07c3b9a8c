//! What a model folder gives away of its training rows, and how little it can be made to hold.

use std::collections::BTreeSet;
use std::fs;

use recant::datasets::generator::{Options, Sheet};
use recant::features::{Profile, prepare};
use recant::label_errors::flags::{KeyHash, hash_key};
use recant::model::ModelFolder;
use recant::nn::{Examples, MlpSpec, Network, Recipe, store_importances, train};
use recant::notes::Notes;
use recant::progress::Silent;
use recant::seed::Seed;

use super::program::{contents, json, recant, text, trial, works};

/// A network trained on made-up orders by the profile `dataco`, and the rows it was trained on.
struct Victim {
    network: Network<f32>,
    inputs: Vec<f32>,
    labels: Vec<u8>,
    width: usize,
}

fn victim(rows: usize, size: &str) -> Victim {
    let options = Options {
        rows,
        seed: Seed(1),
        complete_share: 1.0,
        ..Options::default()
    };
    let table = Sheet::past(&options).unwrap().table("orders.csv", &Silent::default()).unwrap();
    let prepared = prepare(&table, &Profile::load("dataco").unwrap(), &mut Notes::new()).unwrap();
    let width = prepared.features.width();
    let spec = MlpSpec::of_size(size, width, prepared.profile.label.classes().len()).unwrap();
    let mut network = Network::<f32>::initial(&spec, Seed(1)).unwrap();
    let recipe = Recipe {
        epochs: 10,
        batch: 256,
        ..Recipe::default()
    };
    let examples = Examples::all(&prepared.train.inputs, width, &prepared.train.labels);
    train(&mut network, &examples, &recipe, 1, &Silent::default()).unwrap();
    Victim {
        network,
        width,
        labels: prepared.train.labels,
        inputs: prepared.train.inputs,
    }
}

/// Largest difference in any input at which a row counts as recovered; inputs are about 1 in size.
const EXACT: f32 = 1e-3;

impl Victim {
    fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Share of the rows whose inputs stand in the stored gradients of batches of `batch` rows to be read off by anybody: where a neuron of the
    /// first layer reacts to one row of a batch only, its weight gradient divided by its bias gradient is that row.
    fn recovered(&self, batch: usize) -> f64 {
        let examples = Examples::all(&self.inputs, self.width, &self.labels);
        let stored = store_importances(&self.network, &examples, batch, 1).unwrap();
        let tensors = stored.to_tensors(self.network.spec());
        let named = |name: &str| &tensors.iter().find(|tensor| tensor.name.ends_with(name)).unwrap().values;
        let weights = named("gradients.layers.0.linear.weight");
        let biases = named("gradients.layers.0.linear.bias");
        let neurons = self.network.spec().hidden[0];
        let mut found = BTreeSet::new();
        for (neuron, bias) in biases.iter().enumerate().filter(|(_, bias)| bias.abs() > 1e-12) {
            let guess: Vec<f32> = weights[neuron * self.width..][..self.width]
                .iter()
                .map(|weight| weight / bias)
                .collect();
            let first = neuron / neurons * batch;
            for row in first..(first + batch).min(self.rows()) {
                let inputs = &self.inputs[row * self.width..][..self.width];
                if inputs.iter().zip(&guess).all(|(input, guess)| (input - guess).abs() < EXACT) {
                    found.insert(row);
                }
            }
        }
        found.len() as f64 / self.rows() as f64
    }
}

#[test]
fn single_rows_can_be_read_off_small_batches_and_hardly_off_large_ones() {
    let victim = victim(3_000, "2x50");
    assert!(victim.recovered(1) > 0.95, "{}", victim.recovered(1));
    assert!(victim.recovered(2) > 0.5, "{}", victim.recovered(2));
    assert!(victim.recovered(1_024) < 0.01, "{}", victim.recovered(1_024));
}

/// The figures of docs/privacy.md: `cargo test --release --test it -- --ignored --nocapture what_batches_give_away`.
#[test]
#[ignore = "prints the figures of docs/privacy.md"]
fn what_batches_give_away() {
    println!("| network | rows | 1 | 2 | 16 | 32 | 64 | 256 | 1,024 |\n|---|---|---|---|---|---|---|---|---|");
    // Fewer orders for wider networks: a gradient of its own for every row would take all memory.
    for (name, orders) in [("2x50", 12_000), ("4 of 2x50", 12_000), ("3x100", 4_000), ("5x250", 2_000)] {
        let victim = victim(orders, name);
        let shares: Vec<String> = [1, 2, 16, 32, 64, 256, 1_024]
            .iter()
            .map(|batch| format!("{:.1} %", victim.recovered(*batch) * 100.0))
            .collect();
        println!("| {name} | {} | {} |", victim.rows(), shares.join(" | "));
        assert_eq!(shares.len(), 7);
    }
}

#[test]
fn no_stored_batch_is_small_and_large_ones_stay_as_they_are() {
    let victim = victim(1_200, "8");
    let examples = |rows: usize| Examples::all(&victim.inputs[..rows * victim.width], victim.width, &victim.labels[..rows]);
    let stored = |rows: usize, batch: usize| store_importances(&victim.network, &examples(rows), batch, 1).unwrap();
    for (rows, batch, smallest, batches) in [
        (257, 256, 32, 1),
        (300, 256, 32, 2),
        (640, 2, 32, 20),
        (641, 2, 32, 20),
        (20, 2, 32, 1),
        (700, 64, 1_024, 1),
    ] {
        let merged = stored(rows, batch).at_least(smallest);
        assert_eq!(
            (merged.batches(), merged.rows()),
            (batches, rows),
            "{rows} rows in batches of {batch}"
        );
        let counts = merged.to_tensors(victim.network.spec())[0].values.clone();
        assert!(
            counts.len() == 1 || counts.iter().all(|rows| *rows >= smallest as f32),
            "{counts:?}"
        );
    }
    assert_eq!(stored(640, 64).at_least(32), stored(640, 64));
    // A merged batch holds what one batch of that size holds.
    let (merged, one) = (stored(257, 256).at_least(32), stored(257, 257));
    let (merged, one) = (merged.to_tensors(victim.network.spec()), one.to_tensors(victim.network.spec()));
    for (merged, one) in merged.iter().zip(&one) {
        assert_eq!((&merged.name, &merged.shape), (&one.name, &one.shape));
        assert!(
            merged
                .values
                .iter()
                .zip(&one.values)
                .all(|(a, b)| (a - b).abs() <= 1e-4 * (1.0 + b.abs())),
            "{}",
            merged.name
        );
    }
}

#[test]
fn keys_are_hashed_with_a_key_of_the_folders_own() {
    let (model, _) = ModelFolder::load(&trial().join("model")).unwrap();
    let hashing = model.rows.hashing();
    assert!(hashing.salt().is_some() && hashing == KeyHash::drawn(Seed(1), &model.info.data.sha256));
    let keys: BTreeSet<u64> = model.rows.entries().iter().map(|entry| entry.key).collect();
    let hits = |hash: &dyn Fn(&str) -> u64| (1..=5_000).filter(|key: &u32| keys.contains(&hash(&key.to_string()))).count();
    assert!(hits(&|key| hashing.of(key)) > 100);
    assert_eq!(hits(&|key| hash_key(key)), 0, "a table made beforehand opens nothing");
}

#[test]
fn a_private_folder_has_no_trace_of_keys_and_can_still_be_repaired_with_the_sheet() {
    let here = tempfile::tempdir().unwrap();
    let sheet = trial().join("trial/corrupted.csv");
    let (sheet, flags) = (sheet.to_str().unwrap(), trial().join("trial/flags.csv"));
    works(
        here.path(),
        &[
            "train",
            sheet,
            "--network",
            "1x8",
            "--epochs",
            "1",
            "--batch",
            "64",
            "--private",
            "--out",
            "m",
        ],
    );
    let (model, _) = ModelFolder::load(&here.path().join("m")).unwrap();
    assert!(model.rows.key_column().is_none() && model.rows.group_column().is_none() && model.rows.hashing().salt().is_none());
    assert!(model.rows.entries().iter().all(|entry| entry.group.is_none()));
    let stored = model.importances.unwrap();
    assert!(stored.batches() == 1 || stored.rows() / stored.batches() >= 1_024);
    let rows = fs::read(here.path().join("m/rows.safetensors")).unwrap();
    for name in ["\"key\"", "\"group\"", "hash_key"] {
        assert!(!String::from_utf8_lossy(&rows[..400]).contains(name), "{name}");
    }
    assert!(
        fs::read_to_string(here.path().join("m/MODEL_CARD.md"))
            .unwrap()
            .contains("no hashes of keys")
    );
    let repair = [
        "repair",
        "--model",
        "m",
        "--flags",
        flags.to_str().unwrap(),
        "--method",
        "assd",
        "--data",
        sheet,
        "--out",
        "r",
    ];
    works(here.path(), &repair);
    let (repaired, _) = ModelFolder::load(&here.path().join("r")).unwrap();
    assert!(repaired.rows.key_column().is_none());
}

#[test]
fn a_shared_folder_predicts_the_same_and_holds_nothing_else() {
    let here = tempfile::tempdir().unwrap();
    let model = trial().join("model");
    let (model, week) = (model.to_str().unwrap(), trial().join("week.csv"));
    let week = week.to_str().unwrap();
    let told = json(here.path(), &["share", model, "--out", "shared"]);
    assert_eq!(told["left_out"].as_array().unwrap().len(), 6);
    let held: Vec<String> = contents(&here.path().join("shared"))
        .into_keys()
        .map(|path| path.display().to_string())
        .collect();
    assert_eq!(
        held,
        [
            "MODEL_CARD.md",
            "features.json",
            "model.json",
            "profile.toml",
            "weights.safetensors"
        ]
    );
    for (folder, out) in [(model, "a.csv"), ("shared", "b.csv")] {
        works(here.path(), &["predict", week, "--model", folder, "--out", out]);
    }
    assert_eq!(
        fs::read(here.path().join("a.csv")).unwrap(),
        fs::read(here.path().join("b.csv")).unwrap()
    );
    let stated = fs::read_to_string(here.path().join("shared/model.json")).unwrap();
    assert!(!stated.contains("corrupted.csv"), "{stated}");
    let sheet = trial().join("trial/corrupted.csv");
    let flags = trial().join("trial/flags.csv");
    let refused = [
        vec![
            "repair",
            "--model",
            "shared",
            "--flags",
            flags.to_str().unwrap(),
            "--data",
            sheet.to_str().unwrap(),
            "--out",
            "r",
        ],
        vec!["suspects", sheet.to_str().unwrap(), "--model", "shared", "--out", "s.csv"],
    ];
    for arguments in refused {
        let output = recant(here.path(), &arguments);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("shared for predictions") && said.contains("hint: "), "{said}");
    }
    // A shared folder can be shared again, and nothing is overwritten.
    works(here.path(), &["share", "shared", "--out", "again"]);
    assert_eq!(recant(here.path(), &["share", model, "--out", "again"]).status.code(), Some(2));
}

#[test]
fn columns_of_persons_are_told_by_their_values() {
    let here = tempfile::tempdir().unwrap();
    let path = here.path().join("orders.csv");
    let persons = [
        "Anna Kowalska",
        "Peter Meier",
        "Lucía Fernández",
        "Jean Dupont",
        "Mohammed Ali",
        "Priya Sharma",
        "Sven Olsson",
        "Wei Zhang",
    ];
    let given = ["Anna", "Peter", "Lucía", "Jean", "Mohammed", "Priya", "Sven", "Wei"];
    let towns = [
        "Caguas",
        "San Jose",
        "Chicago",
        "Victoria",
        "Los Angeles",
        "Madrid",
        "Austin",
        "Berlin",
    ];
    let goods = [
        "Field Hockey",
        "Max Trainer",
        "Paul Smith Shirt",
        "Fishing Rod",
        "Water Sports",
        "Camping Stove",
        "Bike Lock",
        "Kayak",
    ];
    let mut sheet = String::from("handled by,rep,town,goods\n");
    for row in 0..80 {
        sheet.push_str(&format!(
            "{},{},{},{}\n",
            persons[row % 8],
            given[row % 8],
            towns[row % 8],
            goods[row % 8]
        ));
    }
    fs::write(&path, sheet).unwrap();
    let inspected = json(here.path(), &["inspect", "orders.csv"]);
    let columns = inspected["columns"].as_array().unwrap();
    for (name, people) in [("handled by", true), ("rep", true), ("town", false), ("goods", false)] {
        let column = columns.iter().find(|column| column["name"] == name).unwrap();
        assert_eq!(column["people"].is_string(), people, "{column}");
    }
}
