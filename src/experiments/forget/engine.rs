//! One unit of a run: take a trained network, let every method make it forget, count.

use std::path::PathBuf;
use std::time::Instant;

use rand::Rng;
use rand::seq::SliceRandom;

use super::measure::Judged;
use super::record::Record;
use super::settings::{self, ALPHAS, ForgetSettings, LAMBDAS, LAYOUT_VERSION, PartSettings, Piece, TaskSettings, WeightsSettings};
use super::starting;
use super::task::{ForgetSet, Task};
use super::{BASELINE, SWEEP};
use crate::datasets::images::{Augmentation, ImageSet, Normalisation, TrainingImages};
use crate::error::{Error, ErrorKind, Result};
use crate::experiments::images::data::{self, dataset};
use crate::experiments::images::{self, Loaded, OnDevice, Reading, RecipeChanges, Training};
use crate::experiments::study::{Seconds, Study};
use crate::experiments::{Computed, Engine, RunFolder, Timings, Unit};
use crate::learner::{Plan, Rows, Statistic};
use crate::nn::images::{Accelerated, Compute, ImageNetwork, Precision, StartWeights};
use crate::nn::{ImportanceKind, OutputSize};
use crate::notes::Notes;
use crate::progress::{Background, Progress};
use crate::repair::{self, Reference, Request, Session, Trained};
use crate::seed::Seed;

/// What the person asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ForgetOptions {
    /// Image sets, each with its tasks.
    pub parts: Vec<(String, Vec<String>)>,
    /// The network; absent: the set's own.
    pub network: Option<String>,
    /// File of the weights that every model starts from; absent: weights drawn at random.
    pub weights: Option<PathBuf>,
    /// Methods, or `all`.
    pub methods: Vec<String>,
    /// Models trained on each set.
    pub seeds: u32,
    /// Training images, drawn at random; absent: all.
    pub rows: Option<usize>,
    /// Test images; absent: all.
    pub test_rows: Option<usize>,
    /// Kept training images that membership inference looks at; absent: all.
    pub membership_rows: Option<usize>,
    /// Changes to the published training.
    pub recipe: RecipeChanges,
    /// Augmentation by name; absent: the set's own.
    pub augmentation: Option<String>,
    /// Which importance.
    pub importance: ImportanceKind,
    /// What the forget set is compared with.
    pub reference: Reference,
    /// SSD's alpha; absent: the published one.
    pub alpha: Option<f64>,
    /// SSD's lambda; absent: the published one.
    pub lambda: Option<f64>,
    /// Whether SSD is tried over alphas and lambdas.
    pub sweep: bool,
    /// Run seed.
    pub seed: u64,
}

/// A benchmark on image sets that are read.
pub struct Bench {
    settings: ForgetSettings,
    loaded: Vec<Loaded>,
    weights: Option<StartWeights>,
    threads: usize,
    device: Option<Accelerated>,
    /// The network of the units at hand.
    model: Option<Model>,
}

/// A trained network and what was measured over all its training images.
struct Model {
    name: String,
    initial: ImageNetwork<f32>,
    network: ImageNetwork<f32>,
    /// By the images of a mini-batch.
    full_set: Vec<(usize, Statistic, Vec<f64>)>,
    seconds: Seconds,
}

/// What the pieces of a unit share.
struct Ready<'a> {
    model: &'a Model,
    full_set: Vec<(Statistic, Vec<f64>)>,
    forget_set: ForgetSet,
    members: Vec<u32>,
    loaded: &'a Loaded,
    part: &'a PartSettings,
    seed: Seed,
}

impl Bench {
    /// Reads the sets and fixes the settings. Nothing is written.
    ///
    /// # Errors
    /// Where a set cannot be read, an option is out of range, or a forget set is nothing or everything.
    pub fn new(options: &ForgetOptions, reading: &Reading, threads: usize, notes: &mut Notes) -> Result<Self> {
        let seed = Seed(options.seed);
        let (mut loaded, mut parts) = (Vec::new(), Vec::new());
        let network = match (&options.network, options.parts.first()) {
            (Some(network), _) => network.clone(),
            (None, Some((name, _))) => dataset(name)?.forgetting.network.to_owned(),
            (None, None) => return Err(Error::internal("a benchmark without image sets")),
        };
        let methods = settings::methods(&options.methods)?;
        let weights = starting::weights(&network, options.weights.as_deref())?;
        for (name, tasks) in &options.parts {
            let about = dataset(name)?;
            let tasks = tasks.iter().map(|task| Task::parse(task)).collect::<Result<Vec<Task>>>()?;
            let augmentation = options.augmentation.as_deref().map(data::augmentation).transpose()?;
            let whole = about.load(reading, notes)?;
            let counts = (whole.train.len(), whole.test.len());
            let set = ImageSet {
                train: data::part(&whole.train, options.rows, "rows", seed)?,
                test: data::part(&whole.test, options.test_rows, "test-rows", seed)?,
                ..whole
            };
            let augmentation = augmentation.unwrap_or(about.forgetting.augmentation_of(&network));
            augmentation.check(set.train.shape)?;
            let (spec, resize) = starting::network(&network, &set, weights.as_ref())?;
            let mut found: Vec<TaskSettings> = Vec::new();
            for task in &tasks {
                let (alpha, lambda) = task.published_ssd(&network, name);
                let settings = TaskSettings {
                    task: task.named(&set)?,
                    alpha: options.alpha.unwrap_or(alpha),
                    lambda: options.lambda.unwrap_or(lambda),
                    importance_batch: task.importance_batch(),
                };
                // Heard now rather than after hours of training.
                task.resolve(&set, seed)?;
                if !found.contains(&settings) {
                    found.push(settings);
                }
            }
            parts.push(PartSettings {
                dataset: name.clone(),
                data_sha256: data::checksum(&set),
                classes: set.classes.len(),
                training_rows: (set.train.len(), counts.0),
                test_rows: (set.test.len(), counts.1),
                parameters: spec.parameters()?,
                recipe: options.recipe.apply((about.forgetting.recipe)(&network, set.classes.len()))?,
                augmentation,
                tasks: found,
            });
            loaded.push(Loaded {
                normalisation: Normalisation::fit(&set.train)?,
                set,
                resize,
                spec,
            });
        }
        let settings = ForgetSettings {
            layout_version: LAYOUT_VERSION,
            recant_version: env!("CARGO_PKG_VERSION").to_owned(),
            network,
            weights: weights.as_ref().map(|weights| WeightsSettings {
                sha256: weights.sha256().to_owned(),
                pixels: weights.input().height,
            }),
            device: images::CPU.to_owned(),
            parts,
            methods,
            seeds: options.seeds,
            importance: options.importance,
            reference: options.reference,
            membership_rows: options.membership_rows,
            sweep: options.sweep,
            seed: options.seed,
        };
        settings.check()?;
        Ok(Self {
            settings,
            loaded,
            weights,
            threads,
            device: None,
            model: None,
        })
    }

    fn with(&self) -> Compute<'_> {
        match &self.device {
            Some(device) => Compute::on(device, self.threads),
            None => self.threads.into(),
        }
    }

    /// What is asked for.
    pub fn settings(&self) -> &ForgetSettings {
        &self.settings
    }

    /// Seed of one model's weights and orders.
    fn seed(&self, folder: &RunFolder<ForgetSettings>, unit: &Piece) -> Seed {
        let name = format!("forget/{}", folder.settings().part(unit).dataset);
        Seed(Seed(self.settings.seed).stream(&name, u64::from(unit.seed)).random())
    }

    /// A unit's trained network: from the folder, or trained now.
    fn model(&self, folder: &RunFolder<ForgetSettings>, unit: &Piece, progress: &dyn Progress) -> Result<Model> {
        let (loaded, part) = (&self.loaded[unit.part], folder.settings().part(unit));
        let (name, seed) = (folder.settings().model(unit), self.seed(folder, unit));
        let initial = match &self.weights {
            Some(weights) => weights.start(&loaded.spec, seed)?,
            None => images::initial(&loaded.spec, seed, &loaded.source(Augmentation::NONE, seed), self.threads)?,
        };
        let training = Training {
            name: &name,
            initial: &initial,
            source: &loaded.source(part.augmentation, seed),
            recipe: &part.recipe,
            seed,
            compute: self.with(),
        };
        let (network, trained) = training.network(folder, progress)?;
        Ok(Model {
            name,
            initial,
            network,
            full_set: Vec::new(),
            seconds: Seconds::from([("train".to_owned(), trained)]),
        })
    }

    /// Measures over all training images, or reads, what a method needs of that.
    fn measure_full_set(&self, folder: &RunFolder<ForgetSettings>, unit: &Piece, model: &mut Model, progress: &dyn Progress) -> Result<()> {
        if self.settings.reference != Reference::Full {
            return Ok(());
        }
        let batch = folder.settings().task(unit).importance_batch;
        let loaded = &self.loaded[unit.part];
        let plain = loaded.source(Augmentation::NONE, Seed(0));
        let importance = Statistic::Importance(self.settings.importance);
        let wanted = [
            (["assd", "ssd", SWEEP].as_slice(), importance),
            (["lfssd"].as_slice(), Statistic::Sensitivity(OutputSize::SquaredLength)),
            (["potion"].as_slice(), Statistic::Sensitivity(OutputSize::Length)),
        ];
        for (users, what) in wanted {
            let known = model.full_set.iter().any(|(size, kind, _)| (*size, *kind) == (batch, what));
            if known || !users.contains(&unit.name.as_str()) {
                continue;
            }
            let of = (&model.network, model.name.as_str());
            let (seconds, values) = images::measured(folder, of, (what, batch), &plain, self.with(), progress)?;
            model
                .seconds
                .insert(format!("over all: {} in batches of {batch}", what.name()), seconds);
            model.full_set.push((batch, what, values));
        }
        Ok(())
    }

    /// What the methods on a forget set start from.
    fn ready<'r>(&'r self, folder: &'r RunFolder<ForgetSettings>, unit: &Piece, model: &'r Model) -> Result<Ready<'r>> {
        let (loaded, part, task) = (&self.loaded[unit.part], folder.settings().part(unit), folder.settings().task(unit));
        let seed = self.seed(folder, unit);
        let forget_set = Task::parse(&task.task)?.resolve(&loaded.set, seed)?;
        let kept = 0..loaded.set.train.len() as u32;
        let mut members: Vec<u32> = kept.filter(|row| forget_set.forget.binary_search(row).is_err()).collect();
        if let Some(rows) = self.settings.membership_rows.filter(|rows| *rows < members.len()) {
            members.shuffle(&mut seed.stream("forget/membership", 0));
            members.truncate(rows);
            members.sort_unstable();
        }
        let of_batch = model.full_set.iter().filter(|(batch, _, _)| *batch == task.importance_batch);
        Ok(Ready {
            full_set: of_batch.map(|(_, what, values)| (*what, values.clone())).collect(),
            model,
            forget_set,
            members,
            loaded,
            part,
            seed,
        })
    }

    /// One method, or none.
    fn piece(
        &self,
        folder: &RunFolder<ForgetSettings>,
        unit: &Piece,
        ready: &Ready,
        progress: &dyn Progress,
    ) -> Result<(Vec<Record>, Seconds)> {
        let piece = unit.name.as_str();
        let (training, plain) = (
            ready.loaded.source(ready.part.augmentation, ready.seed),
            ready.loaded.source(Augmentation::NONE, ready.seed),
        );
        let name = format!("{}_{piece}", folder.settings().name(unit));
        let checkpoints = images::checkpoints(folder, &name, &ready.loaded.spec);
        let mut model = self
            .repair(folder, unit, ready, (&training, &plain), progress)?
            .with_checkpoints(Some(&checkpoints));
        let mut record = Record::default();
        let mut seconds = ready.model.seconds.clone();
        if piece != BASELINE {
            seconds.clear();
            let method = repair::method(piece)?;
            match repair::apply(method, &mut model, &folder.settings().options(unit), progress) {
                Ok(outcome) => {
                    if let Some(dampening) = outcome.dampening {
                        record.alpha = Some(dampening.alpha);
                        record.lambda = Some(dampening.lambda);
                        record.percentile = dampening.percentile;
                        record.dampened = Some(dampening.dampened as u64);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Input => record.failed = Some(error.message().to_owned()),
                Err(error) => return Err(error),
            }
            // Of retraining, what passed before an interruption counts as well.
            seconds.insert(piece.to_owned(), checkpoints.seconds());
        }
        let record = self.count(ready, model.network(), record, progress)?;
        checkpoints.remove();
        Ok((vec![record], seconds))
    }

    /// SSD over alphas at the task's lambda and over lambdas at the task's alpha, from importances measured once.
    fn sweep(
        &self,
        folder: &RunFolder<ForgetSettings>,
        unit: &Piece,
        ready: &Ready,
        progress: &dyn Progress,
    ) -> Result<(Vec<Record>, Seconds)> {
        let plain = ready.loaded.source(Augmentation::NONE, ready.seed);
        let options = folder.settings().options(unit);
        let begun = Instant::now();
        let mut model = self.repair(folder, unit, ready, (&plain, &plain), progress)?;
        let mut points: Vec<(f64, f64)> = ALPHAS.iter().map(|alpha| (*alpha, options.ssd.lambda)).collect();
        points.extend(LAMBDAS.iter().map(|lambda| (options.ssd.alpha, *lambda)));
        let mut records: Vec<Record> = Vec::new();
        for (alpha, lambda) in points {
            progress.check()?;
            let same = |record: &&Record| (record.alpha, record.lambda) == (Some(alpha), Some(lambda));
            if records.iter().any(|record| same(&record)) {
                continue;
            }
            repair::Repairable::start_over(&mut model);
            let one = repair::RepairOptions {
                ssd: repair::SsdOptions { alpha, lambda },
                ..options.clone()
            };
            let outcome = repair::apply(repair::method("ssd")?, &mut model, &one, &Background(progress))?;
            let record = Record {
                alpha: Some(alpha),
                lambda: Some(lambda),
                dampened: outcome.dampening.map(|dampening| dampening.dampened as u64),
                ..Record::default()
            };
            records.push(self.count(ready, model.network(), record, progress)?);
        }
        Ok((records, Seconds::from([(SWEEP.to_owned(), begun.elapsed().as_secs_f64())])))
    }

    fn repair<'r>(
        &'r self,
        folder: &RunFolder<ForgetSettings>,
        unit: &Piece,
        ready: &'r Ready,
        (training, plain): (&'r TrainingImages<'r>, &'r TrainingImages<'r>),
        progress: &'r dyn Progress,
    ) -> Result<Session<'r, ImageNetwork<f32>>> {
        let trained = Trained {
            classifier: &ready.model.network,
            initial: Some(&ready.model.initial),
            plan: Plan::shuffled(&ready.part.recipe, ready.seed),
            training_rows: ready.loaded.set.train.len(),
            importance_batch: folder.settings().task(unit).importance_batch,
            stored: None,
            full_set: &ready.full_set,
        };
        let request = Request {
            positions: &ready.forget_set.forget,
            flagged: None,
            corrections: &[],
            training: Some(Rows::images(plain)),
            augmented: Some(Rows::images(training)),
        };
        Session::new(trained, request, self.with(), progress)
    }

    fn count(&self, ready: &Ready, network: &ImageNetwork<f32>, record: Record, progress: &dyn Progress) -> Result<Record> {
        let loaded = ready.loaded;
        let judged = Judged {
            set: &loaded.set,
            forget_set: &ready.forget_set,
            members: &ready.members,
            train: loaded.source(Augmentation::NONE, ready.seed),
            test: TrainingImages {
                images: &loaded.set.test,
                ..loaded.source(Augmentation::NONE, ready.seed)
            },
            compute: self.with(),
        };
        let counts = judged.counts(network, progress)?;
        Ok(Record {
            training_rows: loaded.set.train.len() as u32,
            forget_rows: ready.forget_set.forget.len() as u32,
            retain: counts.retain,
            retain_right: counts.retain_right,
            forget: counts.forget,
            forget_right: counts.forget_right,
            members: counts.members,
            parameters: network.parameters().len() as u64,
            ..record
        })
    }
}

impl Engine<ForgetSettings> for Bench {
    /// Takes the model of the units from the folder, or trains it.
    fn prepare(&mut self, unit: &Unit<Piece>, folder: &RunFolder<ForgetSettings>, progress: &dyn Progress) -> Result<()> {
        self.model = None;
        self.model = Some(self.model(folder, &unit.key, progress)?);
        Ok(())
    }

    fn compute(&mut self, unit: &Unit<Piece>, folder: &RunFolder<ForgetSettings>, progress: &dyn Progress) -> Result<Computed<Record>> {
        let begun = Instant::now();
        let taken = self.model.take();
        let mut model = taken.ok_or_else(|| Error::internal("a unit before its model was prepared"))?;
        self.measure_full_set(folder, &unit.key, &mut model, progress)?;
        let ready = self.ready(folder, &unit.key, &model)?;
        let outcome = match unit.key.name.as_str() {
            SWEEP => self.sweep(folder, &unit.key, &ready, progress),
            _ => self.piece(folder, &unit.key, &ready, progress),
        };
        drop(ready);
        self.model = Some(model);
        let (records, stages) = outcome?;
        Ok(Computed {
            records,
            timings: Timings {
                seconds: begun.elapsed().as_secs_f64(),
                models: 1,
                threads: self.threads,
                stages,
            },
        })
    }

    fn stage(&self, unit: &Unit<Piece>) -> Option<String> {
        Some(
            unit.name
                .replacen(&format!("_{}", unit.key.name), &format!(": {}", unit.key.name), 1),
        )
    }
}

impl OnDevice for Bench {
    type Settings = ForgetSettings;

    fn network(&self) -> &str {
        &self.settings.network
    }

    fn fits(&self, device: &Accelerated) -> Result<bool> {
        for loaded in &self.loaded {
            if !device.takes(&ImageNetwork::<f32>::zeros(&loaded.spec)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn on(mut self, device: Accelerated, precision: Precision) -> Self {
        self.settings.device = images::device_name(precision);
        self.device = Some(device);
        self
    }

    fn device_of(settings: &ForgetSettings) -> &str {
        &settings.device
    }
}
