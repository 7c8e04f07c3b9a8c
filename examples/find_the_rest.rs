//! How much of what wrong rows cost is recovered when only some of them are known: none, the flagged rows, the flagged and the proposed.
//!
//! ```text
//! cargo run --release --example find_the_rest -- SHEET PROFILE --known 10%,30% --seeds 1,2 --kind 'segment:Market = LATAM: late -> on time' ...
//! ```
//!
//! One line of JSON per pattern, seed and known share. Without arguments: one lane's wrong rows in the bundled sample, a tenth of them known.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use recant::error::Error;
use recant::features::{Prepared, Profile, apply, encode_all, prepare};
use recant::label_errors::{
    Amount, Bias, ExpandOptions, ExpandRequest, InjectionPlan, Known, LabelCorruption, affected_rows, expand, inject_sheet, kinds,
};
use recant::nn::{Examples, MlpSpec, Network, Recipe, predictions, probabilities, train};
use recant::notes::Notes;
use recant::progress::Silent;
use recant::seed::Seed;
use recant::tables::{self, ReadOptions, Table};

struct Arguments {
    sheet: String,
    profile: String,
    known: Vec<f64>,
    rows: Vec<usize>,
    seeds: Vec<u64>,
    kinds: Vec<String>,
    false_share: f64,
    rate: Option<Amount>,
    threads: usize,
    retrain: bool,
    without: Vec<String>,
}

/// What runs without arguments.
const SAMPLE: [&str; 6] = [
    concat!(env!("CARGO_MANIFEST_DIR"), "/data/sample/orders.csv.gz"),
    "dataco",
    "--known",
    "10%",
    "--kind",
    "segment:Market = LATAM and \"Shipping Mode\" = \"Standard Class\": late -> on time, 100%",
];

fn arguments() -> recant::Result<Arguments> {
    let mut given: Vec<String> = std::env::args().skip(1).collect();
    if given.is_empty() {
        given = SAMPLE.map(str::to_owned).to_vec();
    }
    let mut words = given.into_iter();
    let mut next = |what: &str| words.next().ok_or_else(|| Error::input(format!("{what} is missing")));
    let mut found = Arguments {
        sheet: next("SHEET")?,
        profile: next("PROFILE")?,
        known: vec![0.1, 0.3],
        rows: Vec::new(),
        seeds: vec![1],
        kinds: Vec::new(),
        false_share: 0.0,
        rate: None,
        threads: 2,
        retrain: true,
        without: Vec::new(),
    };
    let share = |text: &str| -> recant::Result<f64> {
        match text.parse::<Amount>()? {
            Amount::ShareOfTraining(share) | Amount::ShareOfDomain(share) => Ok(share),
            Amount::Rows(rows) => Ok(rows as f64),
        }
    };
    let number = |text: &str| text.parse::<u64>().map_err(|_| Error::input(format!("`{text}` is no number")));
    while let Ok(option) = next("option") {
        match option.as_str() {
            "--known" => found.known = next("share")?.split(',').map(share).collect::<recant::Result<_>>()?,
            "--rows" => {
                found.rows = next("rows")?
                    .split(',')
                    .map(|text| Ok(number(text)? as usize))
                    .collect::<recant::Result<_>>()?
            }
            "--seeds" => found.seeds = next("seeds")?.split(',').map(number).collect::<recant::Result<_>>()?,
            "--kind" => found.kinds.push(next("kind")?),
            "--kinds" => {
                let path = next("file")?;
                let text = std::fs::read_to_string(&path).map_err(|error| Error::io("read", Path::new(&path), &error))?;
                let lines = text
                    .lines()
                    .map(str::trim)
                    .filter(|line| !line.is_empty() && !line.starts_with('#'));
                found.kinds.extend(lines.map(str::to_owned));
            }
            "--false" => found.false_share = share(&next("share")?)?,
            "--rate" => found.rate = Some(next("amount")?.parse()?),
            "--threads" => found.threads = number(&next("threads")?)? as usize,
            "--without" => found.without = next("columns")?.split(';').map(str::to_owned).collect(),
            "--no-retrain" => found.retrain = false,
            other => return Err(Error::input(format!("unknown option `{other}`"))),
        }
    }
    Ok(found)
}

/// A network trained on some rows, from the same initial weights and by the same recipe each time.
struct Trainer<'a> {
    spec: MlpSpec,
    recipe: Recipe,
    seed: Seed,
    threads: usize,
    width: usize,
    quiet: &'a Silent,
}

impl Trainer<'_> {
    fn on(&self, inputs: &[f32], labels: &[u8], rows: &[u32]) -> recant::Result<Network<f32>> {
        let mut network = Network::<f32>::initial(&self.spec, self.seed)?;
        let examples = Examples::subset(inputs, self.width, labels, rows);
        train(&mut network, &examples, &self.recipe, self.threads, self.quiet)?;
        Ok(network)
    }
}

/// Test rows with their clean labels, and which of them the error touches.
struct Judges {
    inputs: Vec<f32>,
    labels: Vec<u8>,
    affected: Vec<bool>,
}

impl Judges {
    /// Accuracy on the affected and on the other test rows.
    fn judge(&self, network: &Network<f32>, threads: usize) -> recant::Result<(f64, f64)> {
        let said = predictions(&probabilities(network, &self.inputs, threads)?, network.spec().classes);
        let share = |inside: bool| {
            let rows: Vec<usize> = (0..said.len()).filter(|row| self.affected[*row] == inside).collect();
            let right = rows.iter().filter(|row| said[**row] == self.labels[**row]).count();
            right as f64 / rows.len().max(1) as f64
        };
        Ok((share(true), share(false)))
    }
}

fn judges(clean: &Table, prepared: &Prepared, mistake: &dyn LabelCorruption, notes: &mut Notes) -> recant::Result<Judges> {
    let test = &prepared.test;
    let affected = affected_rows(mistake, clean, &test.table_rows, &test.labels, notes)?;
    let inputs = match mistake.trigger() {
        None => test.inputs.clone(),
        Some((column, value)) => {
            let touched = test.table_rows.iter().zip(&affected).filter(|(_, affected)| **affected);
            let changes: Vec<(usize, String)> = touched.map(|(row, _)| (*row, value.to_owned())).collect();
            let written = clean.with_changed_cells(column, &changes)?.take(&test.table_rows);
            encode_all(&written, &prepared.profile, &prepared.features, notes)?.0.inputs
        }
    };
    Ok(Judges {
        inputs,
        labels: test.labels.clone(),
        affected,
    })
}

fn recipe(prepared: &Prepared) -> Recipe {
    let defaults = &prepared.profile.training;
    let mut batch = defaults.batch;
    while batch >= 64 && prepared.train.len() < batch * defaults.least_steps {
        batch /= 2;
    }
    Recipe {
        epochs: defaults.epochs,
        learning_rate: defaults.learning_rate,
        decay: defaults.decay,
        weight_decay: defaults.weight_decay,
        batch,
        ..Recipe::default()
    }
}

fn main() -> recant::Result<()> {
    let arguments = arguments()?;
    let mut notes = Notes::new();
    let mut clean = tables::read(Path::new(&arguments.sheet), &ReadOptions::default(), &mut notes)?;
    if !arguments.without.is_empty() {
        let kept: Vec<String> = clean
            .names()
            .iter()
            .filter(|name| !arguments.without.contains(name))
            .cloned()
            .collect();
        clean = clean.select(&kept)?;
    }
    let profile = Profile::load(&arguments.profile)?;
    let prepared = prepare(&clean, &profile, &mut notes)?;
    for seed in &arguments.seeds {
        for kind in &arguments.kinds {
            trial(&arguments, &clean, &profile, &prepared, kind, Seed(*seed), &mut notes)?;
        }
    }
    Ok(())
}

fn trial(
    arguments: &Arguments,
    clean: &Table,
    profile: &Profile,
    prepared: &Prepared,
    kind: &str,
    seed: Seed,
    notes: &mut Notes,
) -> recant::Result<()> {
    let quiet = Silent::default();
    let classes = prepared.profile.label.classes();
    let mistake = kinds::parse(kind, classes)?;
    let plan = InjectionPlan {
        mistakes: vec![(kinds::parse(kind, classes)?, arguments.rate)],
        whole_groups: false,
        spare_validation: false,
        known: Known::default(),
        full_rows: false,
        seed,
    };
    let corrupted = inject_sheet(clean, profile, &plan, notes)?.corrupted;
    let wrong = apply(&corrupted, &prepared.profile, &prepared.features, &prepared.bounds, notes)?;
    let rows = wrong.train.len();
    let manipulated: Vec<u32> = (0..rows as u32)
        .filter(|row| wrong.train.labels[*row as usize] != prepared.train.labels[*row as usize])
        .collect();
    let is_wrong: BTreeSet<u32> = manipulated.iter().copied().collect();
    let judges = judges(clean, prepared, mistake.as_ref(), notes)?;
    let recipe = recipe(prepared);
    let trainer = Trainer {
        spec: MlpSpec::new(
            prepared.features.width(),
            MlpSpec::parse_hidden(&profile.training.network)?,
            classes.len(),
        )?,
        recipe: recipe.clone(),
        seed,
        threads: arguments.threads,
        width: prepared.features.width(),
        quiet: &quiet,
    };
    let all: Vec<u32> = (0..rows as u32).collect();
    let judge = |inputs: &[f32], labels: &[u8], rows: &[u32]| judges.judge(&trainer.on(inputs, labels, rows)?, arguments.threads);
    let nothing = (f64::NAN, f64::NAN);
    let (on_clean, on_wrong) = match arguments.retrain {
        true => (
            judge(&prepared.train.inputs, &prepared.train.labels, &all)?,
            judge(&wrong.train.inputs, &wrong.train.labels, &all)?,
        ),
        false => (nothing, nothing),
    };
    let counts = arguments
        .rows
        .iter()
        .map(|count| (*count as f64 + 0.5) / manipulated.len().max(1) as f64);
    let shares: Vec<f64> = if arguments.rows.is_empty() {
        arguments.known.clone()
    } else {
        counts.collect()
    };
    for known in shares {
        let known = Known {
            share: known.min(1.0),
            false_share: arguments.false_share,
            bias: Bias::None,
        };
        let flags = known.draw(&manipulated, rows, None, seed)?;
        let start = Instant::now();
        let found = expand(
            &ExpandRequest {
                said: None,
                corrections: &std::collections::BTreeMap::new(),
                table: &corrupted,
                prepared: &wrong,
                labels: &wrong.train.labels,
                flagged: &flags.flagged,
                hidden: &trainer.spec.hidden,
                recipe: &recipe,
                options: &ExpandOptions::default(),
                seed,
                threads: arguments.threads,
            },
            &quiet,
        )?;
        let seconds = start.elapsed().as_secs_f64();
        let flagged: BTreeSet<u32> = flags.flagged.iter().copied().collect();
        let unknown = manipulated.iter().filter(|row| !flagged.contains(row)).count();
        let proposed: BTreeSet<u32> = found.pattern_rows().into_iter().collect();
        let hits = proposed.iter().filter(|row| is_wrong.contains(row)).count();
        let truly = |row: u32| prepared.train.labels[row as usize];
        let named = found
            .pattern
            .iter()
            .filter(|proposal| proposal.likeliest == truly(proposal.row))
            .count();
        let contradicting = found
            .contradictions
            .iter()
            .filter(|proposal| is_wrong.contains(&proposal.row))
            .count();
        let without = |also: bool| -> Vec<u32> {
            let keep = |row: &u32| !(flagged.contains(row) || also && proposed.contains(row));
            all.iter().copied().filter(keep).collect()
        };
        let (only, expanded, relabelled) = if arguments.retrain {
            let only = judge(&wrong.train.inputs, &wrong.train.labels, &without(false))?;
            if proposed.is_empty() {
                (only, only, only)
            } else {
                let mut labels = wrong.train.labels.clone();
                found
                    .pattern
                    .iter()
                    .for_each(|proposal| labels[proposal.row as usize] = proposal.likeliest);
                (
                    only,
                    judge(&wrong.train.inputs, &wrong.train.labels, &without(true))?,
                    judge(&wrong.train.inputs, &labels, &without(false))?,
                )
            }
        } else {
            (nothing, nothing, nothing)
        };
        let gap = on_clean.0 - on_wrong.0;
        println!(
            "{}",
            serde_json::json!({
                "kind": kind, "seed": seed.0, "known": known.share, "false_flags": flags.false_flags.len(), "rows": rows,
                "wrong": manipulated.len(), "flags": flags.flagged.len(), "verdict": found.verdict,
                "rules": found.rules.iter().map(|rule| serde_json::json!({"conditions": rule.conditions, "recorded_as": rule.recorded_as, "flags": rule.flags, "rows": rule.rows, "estimated_wrong": rule.estimated_wrong, "proposed": rule.proposed, "cut": rule.cut, "flags_above_cut": rule.flags_above_cut, "evidence": rule.evidence, "label_evidence": rule.label_evidence})).collect::<Vec<_>>(),
                "proposed": proposed.len(), "hits": hits, "likeliest_right": named,
                "precision": hits as f64 / proposed.len().max(1) as f64, "expected_precision": found.expected_precision,
                "recall": hits as f64 / unknown.max(1) as f64,
                "contradictions": found.contradictions.len(), "contradictions_right": contradicting,
                "affected_test_rows": judges.affected.iter().filter(|affected| **affected).count(),
                "affected": {"clean": on_clean.0, "corrupted": on_wrong.0, "flags_only": only.0, "expanded": expanded.0, "relabelled": relabelled.0},
                "outside": {"clean": on_clean.1, "corrupted": on_wrong.1, "flags_only": only.1, "expanded": expanded.1, "relabelled": relabelled.1},
                "recovered": {"flags_only": (only.0 - on_wrong.0) / gap, "expanded": (expanded.0 - on_wrong.0) / gap, "relabelled": (relabelled.0 - on_wrong.0) / gap},
                "seconds": seconds,
            })
        );
    }
    Ok(())
}
