//! What a benchmark run computes: everything that decides a byte of its records.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::{self, Record};
use super::summary::{self, ForgetReport};
use super::task::Task;
use super::{BASELINE, SWEEP, tables};
use crate::datasets::images::Augmentation;
use crate::error::{Error, Result};
use crate::experiments::study::Shards;
use crate::experiments::{About, RunFolder, Study, Unit, images};
use crate::nn::ImportanceKind;
use crate::nn::images::ImageRecipe;
use crate::notes::Notes;
use crate::repair::{self, METHODS, Reference, RepairOptions, SsdOptions};

/// Version of the layout of a run folder; another one is refused.
pub const LAYOUT_VERSION: u32 = 1;

/// Alphas that a sweep tries at the task's lambda.
pub const ALPHAS: [f64; 12] = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 1e4];
/// Lambdas that a sweep tries at the task's alpha.
pub const LAMBDAS: [f64; 9] = [0.05, 0.1, 0.2, 0.5, 0.8, 1.0, 1.5, 2.0, 5.0];

/// One image set of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartSettings {
    /// Its name.
    pub dataset: String,
    /// SHA-256 over the pixels and labels that are used.
    pub data_sha256: String,
    /// Classes.
    pub classes: usize,
    /// Training images that are used, of this many that the set has here.
    pub training_rows: (usize, usize),
    /// Test images that are used, of this many.
    pub test_rows: (usize, usize),
    /// Trainable parameters of the network.
    pub parameters: usize,
    /// How it is trained.
    pub recipe: ImageRecipe,
    /// How training images are changed.
    pub augmentation: Augmentation,
    /// What is to be forgotten.
    pub tasks: Vec<TaskSettings>,
}

/// Published weights. Where the file lies does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsSettings {
    /// SHA-256 of the file.
    pub sha256: String,
    /// Height and width of the images that they are for, to which all images are resized.
    pub pixels: usize,
}

/// One thing to be forgotten.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSettings {
    /// The task, its class spelt as the set spells it.
    pub task: String,
    /// SSD's selection weighting.
    pub alpha: f64,
    /// SSD's dampening constant.
    pub lambda: f64,
    /// Images of a mini-batch when importances are measured.
    pub importance_batch: usize,
}

/// Settings of a run, stored in its folder as `settings.json`. Threads and shards are not among them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForgetSettings {
    /// [`LAYOUT_VERSION`].
    pub layout_version: u32,
    /// Version of Recant that computes.
    pub recant_version: String,
    /// The network.
    pub network: String,
    /// The weights in a file that every model starts from; absent: weights drawn at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<WeightsSettings>,
    /// What computes: `cpu`, or `cuda` and a precision, whose records agree with the processor's to rounding only.
    #[serde(default = "images::cpu", skip_serializing_if = "images::is_cpu")]
    pub device: String,
    /// The image sets.
    pub parts: Vec<PartSettings>,
    /// Methods.
    pub methods: Vec<String>,
    /// Models that are trained on each set, counted from 1.
    pub seeds: u32,
    /// Which importance dampening compares.
    pub importance: ImportanceKind,
    /// What the forget set is compared with.
    pub reference: Reference,
    /// Kept training images that the membership inference looks at; absent: all.
    pub membership_rows: Option<usize>,
    /// Whether SSD is tried over alphas and lambdas.
    pub sweep: bool,
    /// Run seed.
    pub seed: u64,
}

/// One method on one thing that one model is to forget: what a unit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Index into [`ForgetSettings::parts`].
    pub part: usize,
    /// Index into [`PartSettings::tasks`].
    pub task: usize,
    /// Counted from 1.
    pub seed: u32,
    /// The method, [`BASELINE`] or [`SWEEP`].
    pub name: String,
}

/// Methods as the command line names them: `all`, or a list.
///
/// # Errors
/// For a name that is none, or where there is none.
pub fn methods(names: &[String]) -> Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        let add: Vec<&str> = match name.trim() {
            // The slow yardstick comes last, so that a run stopped early has something of everything else.
            "all" => METHODS.iter().map(|method| method.name()).collect(),
            name => vec![repair::method(name)?.name()],
        };
        for name in add {
            if !found.iter().any(|other| other == name) {
                found.push(name.to_owned());
            }
        }
    }
    if found.is_empty() {
        return Err(Error::input("the benchmark needs at least one method").hint("use `--methods all` or `--methods assd,retrain`"));
    }
    Ok(found)
}

impl ForgetSettings {
    /// What is computed of every forget set: the model as it was trained, the methods, and the sweep.
    pub fn pieces(&self) -> Vec<&str> {
        let sweep = self.sweep.then_some(SWEEP);
        std::iter::once(BASELINE)
            .chain(self.methods.iter().map(String::as_str))
            .chain(sweep)
            .collect()
    }

    /// The set of a unit.
    pub fn part(&self, unit: &Piece) -> &PartSettings {
        &self.parts[unit.part]
    }

    /// What a unit is to forget.
    pub fn task(&self, unit: &Piece) -> &TaskSettings {
        &self.parts[unit.part].tasks[unit.task]
    }

    /// Name of a unit's forget set and model.
    pub fn name(&self, unit: &Piece) -> String {
        let task = &self.task(unit).task;
        let letter = |letter: char| {
            if letter.is_ascii_alphanumeric() || letter == '_' || letter == '.' {
                letter
            } else {
                '-'
            }
        };
        let slug: String = task.chars().map(letter).collect();
        format!("{}_{slug}_seed-{}", self.part(unit).dataset, unit.seed)
    }

    /// Name of a unit's model.
    pub fn model(&self, unit: &Piece) -> String {
        format!("{}_seed-{}", self.part(unit).dataset, unit.seed)
    }

    fn unit(&self, piece: Piece) -> Unit<Piece> {
        let about = self.part(&piece);
        Unit {
            name: format!("{}_{}", self.name(&piece), piece.name),
            cell: format!("{} {}", about.dataset, self.task(&piece).task),
            group: self.model(&piece),
            count: 1,
            cost: 1.0,
            key: piece,
        }
    }

    /// Settings of the repair methods in a unit.
    pub fn options(&self, unit: &Piece) -> RepairOptions {
        let task = self.task(unit);
        RepairOptions {
            importance: self.importance,
            reference: self.reference,
            ssd: SsdOptions {
                alpha: task.alpha,
                lambda: task.lambda,
            },
            ..RepairOptions::default()
        }
    }
}

impl Study for ForgetSettings {
    type Key = Piece;
    type Record = Record;
    type Judging = ();
    type Summary = ForgetReport;

    const ABOUT: About = About {
        name: "forgetting benchmark",
        command: "bench forget",
        mark: "parts",
        layout: LAYOUT_VERSION,
        units: "pieces",
        counted: "result",
        beside: &["models"],
        shards: Shards::Neighbours,
        kept: "a network in training goes on from its last whole epoch",
    };

    fn check(&self) -> Result<()> {
        if self.seeds == 0 {
            return Err(Error::input("the benchmark needs at least one seed").hint("use `--seeds 3`"));
        }
        if self.membership_rows == Some(0) {
            return Err(
                Error::input("membership inference cannot learn from 0 images").hint("leave `--membership-rows` out for all of them")
            );
        }
        for part in &self.parts {
            part.recipe.check()?;
            if part.tasks.is_empty() {
                return Err(Error::input("the benchmark needs something to forget").hint("such as `--task class:rocket` or `--table 1`"));
            }
            for task in &part.tasks {
                Task::parse(&task.task)?;
                let options = RepairOptions {
                    ssd: SsdOptions {
                        alpha: task.alpha,
                        lambda: task.lambda,
                    },
                    ..RepairOptions::default()
                };
                options.check()?;
            }
        }
        Ok(())
    }

    /// Those that share a model stand together.
    fn units(&self) -> Result<Box<dyn Iterator<Item = Unit<Piece>> + '_>> {
        let of_part = move |seed: u32, part: usize| {
            (0..self.parts[part].tasks.len()).flat_map(move |task| {
                self.pieces().into_iter().map(move |name| {
                    let name = name.to_owned();
                    self.unit(Piece { part, task, seed, name })
                })
            })
        };
        let seeds = 1..=self.seeds;
        Ok(Box::new(seeds.flat_map(move |seed| {
            (0..self.parts.len()).flat_map(move |part| of_part(seed, part))
        })))
    }

    /// Without seeds, methods, tasks and a sweep.
    fn base(&self) -> Self {
        let mut base = Self {
            seeds: 0,
            methods: Vec::new(),
            sweep: false,
            ..self.clone()
        };
        base.parts.iter_mut().for_each(|part| part.tasks.clear());
        base
    }

    fn joined(mut self, old: &Self) -> std::result::Result<Self, String> {
        self.seeds = self.seeds.max(old.seeds);
        self.sweep |= old.sweep;
        let mut methods = old.methods.clone();
        methods.extend(self.methods.iter().filter(|name| !old.methods.contains(name)).cloned());
        self.methods = methods;
        for (part, before) in self.parts.iter_mut().zip(&old.parts) {
            let mut tasks = before.tasks.clone();
            for task in &part.tasks {
                match tasks.iter().find(|other| other.task == task.task) {
                    Some(other) if other != task => return Err(format!("`{}` with another alpha or lambda", task.task)),
                    Some(_) => {}
                    None => tasks.push(task.clone()),
                }
            }
            part.tasks = tasks;
        }
        Ok(self)
    }

    fn unit_settings(&self, unit: &Unit<Piece>) -> Option<Value> {
        serde_json::to_value(self.task(&unit.key)).ok()
    }

    fn check_records(&self, unit: &Unit<Piece>, records: &[Record]) -> std::result::Result<(), String> {
        record::check(&unit.key, records)
    }

    fn tables(folder: &RunFolder<Self>) -> Result<()> {
        tables::write(folder)
    }

    fn summarise(folder: &RunFolder<Self>, (): &(), notes: &mut Notes) -> Result<ForgetReport> {
        summary::summarise(folder, notes)
    }
}
