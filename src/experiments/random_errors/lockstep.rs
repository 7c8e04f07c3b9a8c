//! Scenarios through a GPU: all of a chunk trained, repaired and judged in lockstep, as many at once as its memory holds.
//!
//! What is drawn (errors, initial weights) and what is recorded is the CPU engine's; what is computed agrees with it to rounding, so
//! single rows near a boundary may be counted otherwise. The settings of a run folder name the device for that reason.

use std::time::Instant;

use crate::error::{Error, ErrorKind, Result};
use crate::experiments::random_errors::compute::{Clock, RandomErrors, Scenario, Yield, count_right, mislabelled, renamed};
use crate::experiments::random_errors::data::Data;
use crate::experiments::random_errors::plan::Chunk;
use crate::experiments::random_errors::record::{BASELINE, ChunkRecords, Dampening, Record, Row, Split, Sweep, SweepRow};
use crate::experiments::random_errors::settings::Settings;
use crate::experiments::random_errors::sweep::{ALPHAS, LAMBDAS};
use crate::experiments::random_errors::tuning::{initial_network, recipe};
use crate::experiments::{Computed, Engine, RunFolder, Timings, Unit};
use crate::label_errors::Injected;
use crate::nn::cuda::{Accelerator, Dampened, Lockstep, Place, Rows, Shared, most_models};
use crate::nn::{ImportanceKind, MlpSpec, Network, Recipe};
use crate::progress::{Background, Progress};
use crate::repair::{Reference, assd_percentile};

/// Methods that can be computed in lockstep.
const METHODS: [&str; 4] = ["retrain", "finetune", "assd", "ssd"];

/// That every method of a batch can be computed in lockstep.
///
/// # Errors
/// Names the first that cannot.
pub fn check_methods(methods: &[String]) -> Result<()> {
    for name in methods {
        let parts: Vec<&str> = name.split('+').map(str::trim).collect();
        let known = parts.iter().all(|part| METHODS.contains(part));
        // Importances are those of the model as it was trained.
        let dampens_late = parts.iter().skip(1).any(|part| part.ends_with("ssd"));
        if !known || dampens_late {
            return Err(
                Error::input(format!("the method `{name}` cannot be computed on a GPU")).hint(format!(
                    "leave it out, or use `--device cpu`; on a GPU: {}, and a dampening first and training after it",
                    METHODS.join(", ")
                )),
            );
        }
    }
    Ok(())
}

/// Computes chunks on a device.
pub struct LockstepEngine<'a, D: Accelerator> {
    engine: RandomErrors<'a>,
    device: D,
    /// Scenarios of the last chunk that were in lockstep, at most.
    pub widest: usize,
}

impl<'a, D: Accelerator> LockstepEngine<'a, D> {
    /// An engine for a batch, on a device.
    ///
    /// # Errors
    /// As [`RandomErrors::new`], or where a method cannot be computed in lockstep.
    pub fn new(data: &'a Data, settings: &'a Settings, threads: usize, device: D) -> Result<Self> {
        check_methods(&settings.methods)?;
        Ok(Self {
            engine: RandomErrors::new(data, settings, threads)?,
            device,
            widest: 0,
        })
    }
}

impl<D: Accelerator> Engine<Settings> for LockstepEngine<'_, D> {
    fn prepare(&mut self, unit: &Unit<Chunk>, folder: &RunFolder<Settings>, progress: &dyn Progress) -> Result<()> {
        self.engine.tune(&unit.key, folder, progress)
    }

    fn compute(&mut self, unit: &Unit<Chunk>, _folder: &RunFolder<Settings>, progress: &dyn Progress) -> Result<Computed<Record>> {
        let chunk = &unit.key;
        let started = Instant::now();
        let (data, settings) = (self.engine.data, self.engine.settings);
        let items = self.engine.items(chunk);
        let (spec, tuned) = self.engine.tuned()?.clone();
        let shared = Shared {
            spec: &spec,
            batch: settings.batch,
            training: &data.train.inputs,
            test: &data.test.inputs,
            fisher: self.engine.options.importance == ImportanceKind::PerSampleFisher,
        };
        let recipe = recipe(settings, tuned.learning_rate, tuned.weight_decay);
        self.device.release_all();
        self.widest = most_models(&self.device, &shared)?.min(items.len());
        let mut records = ChunkRecords::default();
        let mut timings = Timings {
            models: items.len() as u32,
            threads: 1,
            ..Timings::default()
        };
        // Groups of even size, so that the last is not left with a few.
        let groups = items.len().div_ceil(self.widest.max(1));
        for group in items.chunks(items.len().div_ceil(groups.max(1))) {
            let draw = |(run, init): &(u32, u32)| Drawn::of(&self.engine, chunk, &spec, *run, *init);
            let drawn: Vec<Drawn> = group.iter().map(draw).collect::<Result<_>>()?;
            let lockstep = Lockstep::new(&mut self.device, &shared, group.len())?;
            let batch = Group {
                engine: &self.engine,
                lockstep,
                drawn: &drawn,
                spec: &spec,
                recipe: &recipe,
                measured: false,
                clock: Clock::start(),
                found: Yield::default(),
                rows: vec![Vec::new(); group.len()],
            };
            let found = batch
                .compute(&Background(progress))
                .map_err(|error| named(error, &chunk.name, group))?;
            records.rows.extend(found.records.rows);
            records.sweep.extend(found.records.sweep);
            for (stage, seconds) in found.stages {
                *timings.stages.entry(stage).or_default() += seconds;
            }
            progress.advance(group.iter().filter(|(_, init)| *init == 0).count() as u64);
        }
        timings.seconds = started.elapsed().as_secs_f64();
        Ok(Computed {
            records: records.into(),
            timings,
        })
    }
}

/// Says which scenarios failed.
fn named(error: Error, chunk: &str, group: &[(u32, u32)]) -> Error {
    match (error.kind(), group.first(), group.last()) {
        (ErrorKind::Interrupted, ..) | (_, None, _) | (_, _, None) => error,
        (_, Some((first, _)), Some((last, _))) => renamed(
            &error,
            format!("scenarios {first} to {last} of {chunk}, in lockstep: {}", error.message()),
        ),
    }
}

/// What is drawn for a scenario.
struct Drawn {
    run: u32,
    init: u32,
    injected: Injected,
    mislabelled: u32,
    /// Flagged rows in the order of training, their observed labels, and all other rows.
    flagged: Vec<u32>,
    flagged_labels: Vec<u8>,
    retain: Vec<u32>,
    class_weights: Option<Vec<f64>>,
    initial: Network<f32>,
}

impl Drawn {
    fn of(engine: &RandomErrors, chunk: &Chunk, spec: &MlpSpec, run: u32, init: u32) -> Result<Self> {
        let injected = engine.inject(chunk, run)?;
        let mut flagged = injected.flagged.clone();
        flagged.sort_unstable();
        let mut kept = vec![true; injected.labels.len()];
        flagged.iter().for_each(|row| kept[*row as usize] = false);
        Ok(Self {
            run,
            init,
            mislabelled: mislabelled(engine.data, &injected),
            flagged_labels: flagged.iter().map(|row| injected.labels[*row as usize]).collect(),
            flagged,
            retain: (0..kept.len() as u32).filter(|row| kept[*row as usize]).collect(),
            class_weights: engine.data.class_weights(&injected.labels),
            initial: initial_network(spec, engine.settings, run, init)?,
            injected,
        })
    }

    fn scenario<'s>(&'s self, data: &'s Data, recipe: &'s Recipe) -> Scenario<'s> {
        Scenario {
            data,
            run: self.run,
            init: self.init,
            injected: &self.injected,
            flagged_inputs: &[],
            flagged_labels: &self.flagged_labels,
            mislabelled: self.mislabelled,
            recipe,
        }
    }
}

/// Scenarios in lockstep.
struct Group<'g, 'a, D: Accelerator> {
    engine: &'g RandomErrors<'a>,
    lockstep: Lockstep<'g, D>,
    drawn: &'g [Drawn],
    spec: &'g MlpSpec,
    recipe: &'g Recipe,
    /// Whether the importances of the models as they were trained are on the device.
    measured: bool,
    clock: Clock,
    found: Yield,
    /// Records by scenario; they are put one after the other at the end.
    rows: Vec<Vec<Row>>,
}

/// A list of each scenario, as the lockstep takes it.
fn each<'d, T: ?Sized>(drawn: &'d [Drawn], of: impl Fn(&'d Drawn) -> &'d T) -> Vec<&'d T> {
    drawn.iter().map(of).collect()
}

impl<'g, D: Accelerator> Group<'g, '_, D> {
    fn compute(mut self, progress: &dyn Progress) -> Result<Yield> {
        self.lockstep.set_networks(&self.initial())?;
        self.lockstep
            .set_labels(&each(self.drawn, |drawn| drawn.injected.labels.as_slice()))?;
        self.lockstep.leave_out(&each(self.drawn, |drawn| drawn.flagged.as_slice()))?;
        self.train(Rows::Training, self.recipe, progress)?;
        self.lap("train");
        self.count(BASELINE, None)?;
        self.lockstep.save()?;
        let engine = self.engine;
        for chain in &engine.chains {
            self.lockstep.restore()?;
            let mut dampening = None;
            for method in &chain.methods {
                dampening = dampening.or(self.apply(method.name(), progress)?);
            }
            self.lap(&chain.name);
            self.count(&chain.name, dampening.as_deref())?;
        }
        if self.drawn.iter().any(|drawn| self.is_swept(drawn)) {
            self.sweep()?;
            self.lap("sweep");
        }
        self.found.records.rows = self.rows.into_iter().flatten().collect();
        Ok(self.found)
    }

    fn lap(&mut self, stage: &str) {
        self.clock.lap(stage, &mut self.found.stages);
    }

    fn initial(&self) -> Vec<&'g Network<f32>> {
        each(self.drawn, |drawn| &drawn.initial)
    }

    fn is_swept(&self, drawn: &Drawn) -> bool {
        drawn.run < self.engine.settings.sweep_runs && drawn.init == 0
    }

    fn train(&mut self, rows: Rows, recipe: &Recipe, progress: &dyn Progress) -> Result<()> {
        // All scenarios weight classes or none does.
        let weights: Option<Vec<Vec<f64>>> = self.drawn.iter().map(|drawn| drawn.class_weights.clone()).collect();
        let weights = weights.map(|all| all.concat());
        self.lockstep.train(rows, recipe, weights.as_deref(), progress).map(drop)
    }

    /// Makes the rows that are not flagged each model's list.
    fn list_retain(&mut self) -> Result<()> {
        let retain = each(self.drawn, |drawn| drawn.retain.as_slice());
        if retain.iter().any(|rows| rows.len() < 2) {
            return Err(Error::input("every training row is flagged, so there is nothing left to train on").hint("use lower error rates"));
        }
        self.lockstep.list(&retain)
    }

    fn apply(&mut self, method: &str, progress: &dyn Progress) -> Result<Option<Vec<Dampening>>> {
        let options = &self.engine.options;
        let percentile = assd_percentile(self.drawn[0].flagged.len(), self.engine.data.train.len());
        match method {
            "retrain" => {
                self.lockstep.set_networks(&self.initial())?;
                self.list_retain()?;
                self.train(Rows::Listed, self.recipe, progress)?;
                Ok(None)
            }
            "finetune" => {
                self.list_retain()?;
                self.train(Rows::Listed, &self.recipe.continued(options.finetune.epochs), progress)?;
                Ok(None)
            }
            "assd" => {
                self.measure()?;
                let alphas = self.lockstep.alphas_at(percentile)?;
                let done = self.lockstep.dampen(&alphas, 1.0)?;
                Ok(Some(dampenings(&done, Some(percentile), 1.0)))
            }
            "ssd" => {
                self.measure()?;
                let alphas = vec![options.ssd.alpha; self.drawn.len()];
                let done = self.lockstep.dampen(&alphas, options.ssd.lambda)?;
                Ok(Some(dampenings(&done, None, options.ssd.lambda)))
            }
            other => Err(Error::internal(format!("`{other}` in lockstep"))),
        }
    }

    /// Importances of the models as they were trained, once.
    fn measure(&mut self) -> Result<()> {
        if self.measured {
            return Ok(());
        }
        let options = &self.engine.options;
        let (kind, batch) = (options.importance, self.recipe.batch);
        let (rows, leave_out) = match options.reference {
            Reference::RetainOnOriginalBatches => (Rows::Training, true),
            Reference::Full => (Rows::Training, false),
            Reference::Retain => {
                self.list_retain()?;
                (Rows::Listed, false)
            }
        };
        self.lockstep.importance(rows, kind, batch, leave_out, Place::Reference)?;
        self.lockstep.list(&each(self.drawn, |drawn| drawn.flagged.as_slice()))?;
        self.lockstep.importance(Rows::Listed, kind, batch, false, Place::Forget)?;
        self.measured = true;
        Ok(())
    }

    /// Adds every model's records on both splits.
    fn count(&mut self, method: &str, dampening: Option<&[Dampening]>) -> Result<()> {
        for split in Split::ALL {
            let rows = match split {
                Split::Test => Rows::Test,
                Split::Train => Rows::Training,
            };
            let predicted = self.lockstep.predictions(rows)?;
            let count = self.lockstep.rows(rows);
            for (model, (drawn, records)) in self.drawn.iter().zip(&mut self.rows).enumerate() {
                let dampening = dampening.map(|all| all[model]);
                let of_model = &predicted[model * count..][..count];
                let scenario = drawn.scenario(self.engine.data, self.recipe);
                records.push(scenario.row(method, split, of_model, self.spec.parameters(), dampening));
            }
        }
        self.lap("evaluate");
        Ok(())
    }

    /// Dampening over the grids of alpha and lambda; every model goes along, and those that are asked for are recorded.
    fn sweep(&mut self) -> Result<()> {
        self.lockstep.restore()?;
        self.measure()?;
        self.lockstep.list(&each(self.drawn, |drawn| drawn.flagged.as_slice()))?;
        let models = self.drawn.len();
        let picked = self
            .lockstep
            .alphas_at(assd_percentile(self.drawn[0].flagged.len(), self.engine.data.train.len()))?;
        let points = ALPHAS
            .iter()
            .map(|alpha| (Sweep::Alpha, vec![*alpha; models], 1.0))
            .chain(LAMBDAS.iter().map(|lambda| (Sweep::Lambda, picked.clone(), *lambda)));
        let mut rows: Vec<Vec<SweepRow>> = vec![Vec::new(); models];
        let test = &self.engine.data.test;
        for (sweep, alphas, lambda) in points {
            self.lockstep.restore()?;
            let done = self.lockstep.dampen(&alphas, lambda)?;
            let predicted = self.lockstep.predictions(Rows::Test)?;
            let of_flagged = self.lockstep.predictions(Rows::Listed)?;
            for (model, drawn) in self.drawn.iter().enumerate() {
                let flagged = drawn.flagged.len();
                rows[model].push(SweepRow {
                    run: drawn.run,
                    init: drawn.init,
                    sweep,
                    alpha: done[model].alpha,
                    lambda,
                    dampened: done[model].parameters,
                    rows: test.len() as u32,
                    right: count_right(&predicted[model * test.len()..][..test.len()], &test.labels),
                    flagged: flagged as u32,
                    flagged_as_observed: count_right(&of_flagged[model * flagged..][..flagged], &drawn.flagged_labels),
                });
            }
        }
        let wanted = self.drawn.iter().zip(rows).filter(|(drawn, _)| self.is_swept(drawn));
        self.found.records.sweep = wanted.flat_map(|(_, rows)| rows).collect();
        Ok(())
    }
}

fn dampenings(done: &[Dampened], percentile: Option<f64>, lambda: f64) -> Vec<Dampening> {
    let one = |done: &Dampened| Dampening {
        percentile,
        alpha: done.alpha,
        lambda,
        dampened: done.parameters,
    };
    done.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
