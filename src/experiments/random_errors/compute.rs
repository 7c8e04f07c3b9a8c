//! Scenarios through the engine, one on each thread: mislabel, train, repair in every way, count.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::experiments::random_errors::data::Data;
use crate::experiments::random_errors::plan::{Chunk, error_stream};
use crate::experiments::random_errors::record::{BASELINE, ChunkRecords, Dampening, Record, Row, Split, Tuned};
use crate::experiments::random_errors::settings::Settings;
use crate::experiments::random_errors::sweep::sweep;
use crate::experiments::random_errors::tuning::{self, initial_network, recipe, tune};
use crate::experiments::runner::side_by_side;
use crate::experiments::{Computed, Engine, RunFolder, Timings, Unit};
use crate::label_errors::{Amount, Domain, Injected, LabelCorruption, inject_labels, kinds};
use crate::learner::Rows;
use crate::nn::{self, Examples, ImportanceKind, MlpSpec, Network, Recipe, store_importances};
use crate::progress::{Background, Progress};
use crate::repair::{self, Reference, RepairMethod, RepairOptions, Repairable, Request, Session, Trained};
use crate::seed::Seed;

/// What `--methods all` stands for: retraining, fine-tuning, ASSD, SSD, and ASSD followed by fine-tuning.
pub const ALL_METHODS: [&str; 5] = ["retrain", "finetune", "assd", "ssd", "assd+finetune"];

/// Predicted classes of some rows.
pub(super) fn predict(network: &Network<f32>, inputs: &[f32], threads: usize) -> Result<Vec<u8>> {
    let logits = nn::logits(network, inputs, threads)?;
    Ok(nn::predictions(&logits, network.spec().classes))
}

/// Rows predicted as these labels.
pub(super) fn count_right(predicted: &[u8], labels: &[u8]) -> u32 {
    predicted.iter().zip(labels).filter(|(one, other)| one == other).count() as u32
}

/// One method, or several applied one after the other (`assd+finetune`).
pub(super) struct Chain {
    pub name: String,
    pub methods: Vec<&'static dyn RepairMethod>,
}

/// Reads a method's name, or several joined by `+`.
///
/// # Errors
/// For a name that is no method.
pub fn check_method(name: &str) -> Result<()> {
    chain(name).map(|_| ())
}

fn chain(name: &str) -> Result<Chain> {
    let methods = name
        .split('+')
        .map(|part| repair::method(part.trim()))
        .collect::<Result<Vec<_>>>()?;
    Ok(Chain {
        name: name.to_owned(),
        methods,
    })
}

/// The importance and reference set that the settings name.
///
/// # Errors
/// For a name that is neither.
pub fn repair_options(settings: &Settings) -> Result<RepairOptions> {
    let importance = ImportanceKind::ALL
        .into_iter()
        .find(|kind| kind.name() == settings.importance)
        .ok_or_else(|| {
            Error::input(format!("there is no importance `{}`", settings.importance)).hint(format!(
                "the kinds are {}",
                ImportanceKind::ALL.map(ImportanceKind::name).join(", ")
            ))
        })?;
    let reference = Reference::ALL
        .into_iter()
        .find(|set| set.name() == settings.reference)
        .ok_or_else(|| {
            Error::input(format!("there is no reference set `{}`", settings.reference))
                .hint(format!("the sets are {}", Reference::ALL.map(Reference::name).join(", ")))
        })?;
    Ok(RepairOptions {
        importance,
        reference,
        ..RepairOptions::default()
    })
}

/// Computes scenarios.
pub struct RandomErrors<'a> {
    pub(super) data: &'a Data,
    pub(super) settings: &'a Settings,
    mistake: Box<dyn LabelCorruption>,
    pub(super) chains: Vec<Chain>,
    pub(super) options: RepairOptions,
    threads: usize,
    tuned: Option<(MlpSpec, Tuned)>,
}

/// A scenario while it is computed.
pub(super) struct Scenario<'a> {
    pub data: &'a Data,
    pub run: u32,
    pub init: u32,
    pub injected: &'a Injected,
    /// The flagged rows' inputs, rows x width, and their observed labels.
    pub flagged_inputs: &'a [f32],
    pub flagged_labels: &'a [u8],
    pub mislabelled: u32,
    pub recipe: &'a Recipe,
}

/// What one scenario yields, or several.
#[derive(Default)]
pub(super) struct Yield {
    pub records: ChunkRecords,
    pub stages: BTreeMap<String, f64>,
}

impl<'a> RandomErrors<'a> {
    /// An engine for a batch on this data.
    ///
    /// # Errors
    /// Where the settings name something that does not exist, a size cannot be read, or an error rate does not fit the training rows.
    pub fn new(data: &'a Data, settings: &'a Settings, threads: usize) -> Result<Self> {
        let mistake = kinds::parse(&settings.error_kind, &data.classes)?;
        if mistake.condition().is_some() || mistake.trigger().is_some() {
            return Err(Error::input(format!(
                "scenarios draw random errors; `{}` needs the columns of the sheet",
                settings.error_kind
            ))
            .hint("use `--kind uniform`, `paper`, `placebo` or `confusion:A,B`"));
        }
        for size in &settings.sizes {
            MlpSpec::new(data.width, MlpSpec::parse_hidden(&size.size)?, data.classes.len())?;
        }
        let can_be_hit = data.train.labels.iter().filter(|label| mistake.can_hit(**label)).count();
        for error in &settings.errors {
            error.parse::<Amount>()?.rows(data.train.len(), can_be_hit)?;
        }
        Ok(Self {
            data,
            settings,
            mistake,
            chains: settings.methods.iter().map(|name| chain(name)).collect::<Result<_>>()?,
            options: repair_options(settings)?,
            threads: threads.max(1),
            tuned: None,
        })
    }

    pub(super) fn tuned(&self) -> Result<&(MlpSpec, Tuned)> {
        self.tuned
            .as_ref()
            .ok_or_else(|| Error::internal("a chunk before its size was prepared"))
    }

    /// The errors of a scenario.
    pub(super) fn inject(&self, chunk: &Chunk, run: u32) -> Result<Injected> {
        let amount: Amount = self.settings.errors[chunk.cell.error].parse()?;
        let (stream, index) = error_stream(&self.settings.error_kind, amount, run);
        let domain = Domain::rows(&self.data.train.labels, self.data.classes.len());
        inject_labels(
            self.mistake.as_ref(),
            &domain,
            amount,
            &mut Seed(self.settings.seed).stream(&stream, index),
        )
    }

    /// Scenarios of a chunk and their initialisations, in the order of the records.
    pub(super) fn items(&self, chunk: &Chunk) -> Vec<(u32, u32)> {
        let inits = self.settings.init_seeds;
        chunk.runs.clone().flat_map(|run| (0..inits).map(move |init| (run, init))).collect()
    }

    fn scenario(&self, chunk: &Chunk, run: u32, init: u32, progress: &dyn Progress) -> Result<Yield> {
        let (spec, tuned) = self.tuned()?;
        let data = self.data;
        let injected = self.inject(chunk, run)?;
        let mut flagged_inputs = Vec::with_capacity(injected.flagged.len() * data.width);
        for row in &injected.flagged {
            flagged_inputs.extend_from_slice(&data.train.inputs[*row as usize * data.width..][..data.width]);
        }
        let flagged_labels: Vec<u8> = injected.flagged.iter().map(|row| injected.labels[*row as usize]).collect();
        let recipe = Recipe {
            class_weights: data.class_weights(&injected.labels),
            ..recipe(self.settings, tuned.learning_rate, tuned.weight_decay)
        };
        let scenario = Scenario {
            data,
            run,
            init,
            mislabelled: mislabelled(data, &injected),
            injected: &injected,
            flagged_inputs: &flagged_inputs,
            flagged_labels: &flagged_labels,
            recipe: &recipe,
        };
        let initial = initial_network(spec, self.settings, run, init)?;
        self.compute_scenario(&scenario, &initial, progress)
            .map_err(|error| named(error, &chunk.name, run, init))
    }

    fn compute_scenario(&self, scenario: &Scenario, initial: &Network<f32>, progress: &dyn Progress) -> Result<Yield> {
        let quiet = Background(progress);
        let mut found = Yield::default();
        let mut clock = Clock::start();
        let data = scenario.data;
        let observed = Examples::all(&data.train.inputs, data.width, &scenario.injected.labels);
        let mut baseline = initial.clone();
        nn::train(&mut baseline, &observed, scenario.recipe, 1, &quiet)?;
        clock.lap("train", &mut found.stages);
        scenario.count(BASELINE, &baseline, None, &mut found.records)?;
        clock.lap("evaluate", &mut found.stages);
        let stored = store_importances(&baseline, &observed, scenario.recipe.batch, 1)?;
        clock.lap("importances", &mut found.stages);
        let trained = Trained {
            classifier: &baseline,
            initial: Some(initial),
            plan: scenario.recipe.into(),
            training_rows: data.train.len(),
            importance_batch: scenario.recipe.batch,
            stored: Some(&stored),
            full_set: &[],
        };
        let request = Request {
            positions: &scenario.injected.flagged,
            flagged: Some(Rows::table(scenario.flagged_inputs, data.width, scenario.flagged_labels)),
            corrections: &[],
            training: Some(Rows::table(&data.train.inputs, data.width, &scenario.injected.labels)),
            augmented: None,
        };
        let mut model = Session::new(trained, request, 1, &quiet)?;
        for chain in &self.chains {
            model.start_over();
            let mut dampening = None;
            for method in &chain.methods {
                let outcome = repair::apply(*method, &mut model, &self.options, &quiet)?;
                dampening = dampening.or(outcome.dampening);
            }
            clock.lap(&chain.name, &mut found.stages);
            let dampening = dampening.map(|done| Dampening {
                percentile: done.percentile,
                alpha: done.alpha,
                lambda: done.lambda,
                dampened: done.dampened as u32,
            });
            scenario.count(&chain.name, model.network(), dampening, &mut found.records)?;
            clock.lap("evaluate", &mut found.stages);
        }
        if scenario.run < self.settings.sweep_runs && scenario.init == 0 {
            model.start_over();
            found.records.sweep = sweep(scenario, &mut model, &self.options)?;
            clock.lap("sweep", &mut found.stages);
        }
        Ok(found)
    }
}

impl RandomErrors<'_> {
    /// Finds the learning rate of the chunk's size, or reads it from the folder, where it is searched once.
    pub(super) fn tune(&mut self, chunk: &Chunk, folder: &RunFolder<Settings>, progress: &dyn Progress) -> Result<()> {
        let size = &self.settings.sizes[chunk.cell.size].size;
        let spec = MlpSpec::new(self.data.width, MlpSpec::parse_hidden(size)?, self.data.classes.len())?;
        let tuned = match tuning::read(folder, size)? {
            Some(tuned) => tuned,
            None => {
                let tuned = tune(self.data, self.settings, size, self.threads, progress)?;
                folder.write_json(&tuning::file(size), &tuned)?;
                tuned
            }
        };
        self.tuned = Some((spec, tuned));
        Ok(())
    }
}

impl Engine<Settings> for RandomErrors<'_> {
    fn prepare(&mut self, unit: &Unit<Chunk>, folder: &RunFolder<Settings>, progress: &dyn Progress) -> Result<()> {
        self.tune(&unit.key, folder, progress)
    }

    fn compute(&mut self, unit: &Unit<Chunk>, _folder: &RunFolder<Settings>, progress: &dyn Progress) -> Result<Computed<Record>> {
        let chunk = &unit.key;
        let started = Instant::now();
        let items = self.items(chunk);
        let engine = &*self;
        let found = side_by_side(&items, self.threads, |(run, init)| {
            let found = engine.scenario(chunk, *run, *init, progress);
            if found.is_ok() && *init == 0 {
                progress.advance(1);
            }
            found
        });
        let mut records = ChunkRecords::default();
        let mut timings = Timings {
            models: items.len() as u32,
            threads: self.threads.min(items.len()),
            ..Timings::default()
        };
        for found in found {
            let found = found?;
            records.rows.extend(found.records.rows);
            records.sweep.extend(found.records.sweep);
            for (stage, seconds) in found.stages {
                *timings.stages.entry(stage).or_default() += seconds;
            }
        }
        timings.seconds = started.elapsed().as_secs_f64();
        Ok(Computed {
            records: records.into(),
            timings,
        })
    }
}

/// Flagged rows whose observed label is not the clean one.
pub(super) fn mislabelled(data: &Data, injected: &Injected) -> u32 {
    let wrong = |row: &&u32| data.train.labels[**row as usize] != injected.labels[**row as usize];
    injected.flagged.iter().filter(wrong).count() as u32
}

impl Scenario<'_> {
    /// Adds the rows of a model on both splits.
    fn count(&self, method: &str, network: &Network<f32>, dampening: Option<Dampening>, records: &mut ChunkRecords) -> Result<()> {
        for split in Split::ALL {
            let rows = match split {
                Split::Test => &self.data.test,
                Split::Train => &self.data.train,
            };
            let predicted = predict(network, &rows.inputs, 1)?;
            records
                .rows
                .push(self.row(method, split, &predicted, network.spec().parameters(), dampening));
        }
        Ok(())
    }

    /// The record of a model that predicts these classes for the rows of a split.
    pub(super) fn row(&self, method: &str, split: Split, predicted: &[u8], parameters: usize, dampening: Option<Dampening>) -> Row {
        let flagged = &self.injected.flagged;
        let rows = match split {
            Split::Test => &self.data.test,
            Split::Train => &self.data.train,
        };
        let of_flagged = |labels: &[u8]| {
            let same = flagged.iter().filter(|row| predicted[**row as usize] == labels[**row as usize]);
            (split == Split::Train).then(|| same.count() as u32)
        };
        Row {
            run: self.run,
            init: self.init,
            method: method.to_owned(),
            split,
            rows: rows.len() as u32,
            right: count_right(predicted, &rows.labels),
            flagged: flagged.len() as u32,
            mislabelled: self.mislabelled,
            flagged_right: of_flagged(&rows.labels),
            flagged_as_observed: of_flagged(&self.injected.labels),
            learning_rate: self.recipe.learning_rate,
            weight_decay: self.recipe.weight_decay,
            parameters: parameters as u32,
            dampening,
        }
    }
}

/// Says which scenario failed.
fn named(error: Error, chunk: &str, run: u32, init: u32) -> Error {
    if error.kind() == crate::error::ErrorKind::Interrupted {
        return error;
    }
    renamed(
        &error,
        format!("scenario {run} (initialisation {init}) of {chunk}: {}", error.message()),
    )
}

/// The same error with another message.
pub(super) fn renamed(error: &Error, text: String) -> Error {
    let named = Error::new(error.kind(), text);
    match error.hint_text() {
        Some(hint) => named.hint(hint),
        None => named,
    }
}

/// Seconds since the last lap.
pub(super) struct Clock(Instant);

impl Clock {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn lap(&mut self, stage: &str, stages: &mut BTreeMap<String, f64>) {
        let now = Instant::now();
        *stages.entry(stage.to_owned()).or_default() += (now - self.0).as_secs_f64();
        self.0 = now;
    }
}

#[cfg(test)]
pub(super) mod tests;
