//! What a study computes: everything that decides a byte of its records.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::record::{self, Record};
use super::summary::{self, ImageStudyReport};
use super::{CLEAN, NONE, tables};
use crate::datasets::images::Augmentation;
use crate::error::{Error, Result};
use crate::experiments::corrective::settings::{Proposed, Way, once, way};
use crate::experiments::study::Shards;
use crate::experiments::{About, RunFolder, Study, Unit, images};
use crate::files::hex;
use crate::label_errors::Bias;
use crate::nn::images::{ImageRecipe, Length};
use crate::notes::Notes;
use crate::repair::{METHODS, Reference, RepairOptions};

/// Version of the layout of a run folder; another one is refused.
pub const LAYOUT_VERSION: u32 = 1;

/// Share of the training images that no model is trained on and settings are chosen by.
pub const HELD_OUT: f64 = 0.05;

/// Images of a mini-batch when importances are measured.
pub const IMPORTANCE_BATCH: usize = 64;

/// CF, SCRUB and bad teacher take this share of the steps of training: 1,000 of 4,000, as published.
pub const SHARE_OF_STEPS: f64 = 0.25;

/// SCRUB's learning rate as a share of training's: 0.0025 of 0.025, as published.
pub const SCRUB_RATE: f64 = 0.1;

/// Settings of a study, stored in the run folder as `settings.json`. Threads and shards are not among them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageStudySettings {
    /// [`LAYOUT_VERSION`].
    pub layout_version: u32,
    /// Version of Recant that computes.
    pub recant_version: String,
    /// Name of the image set.
    pub dataset: String,
    /// SHA-256 over the pixels and labels that are used.
    pub data_sha256: String,
    /// Classes.
    pub classes: usize,
    /// Training images that are used, and how many the set has here.
    pub training_images: (usize, usize),
    /// Of these, images that no model is trained on.
    pub held_out: usize,
    /// Test images that are used, and how many the set has.
    pub test_images: (usize, usize),
    /// The network.
    pub network: String,
    /// Trainable parameters of it.
    pub parameters: usize,
    /// What computes: `cpu`, or `cuda` and a precision, whose records agree with the processor's to rounding only.
    #[serde(default = "images::cpu", skip_serializing_if = "images::is_cpu")]
    pub device: String,
    /// How it is trained.
    pub recipe: ImageRecipe,
    /// How training images are changed.
    pub augmentation: Augmentation,
    /// Manipulations with all their settings.
    pub manipulations: Vec<String>,
    /// Known shares of the manipulated images.
    pub known_shares: Vec<f64>,
    /// Which of them are found first.
    pub bias: String,
    /// Share of the flags on images that are not manipulated.
    pub false_flags: f64,
    /// Ways to repair: a method, or several joined by `+` and applied one after the other.
    pub methods: Vec<String>,
    /// Models that are trained for each manipulation, counted from 1.
    pub seeds: u32,
    /// Whether settings are chosen by the paper's rule; else each method runs with its defaults.
    pub search: bool,
    /// Run seed.
    pub seed: u64,
}

/// A model of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Trained on the set as it was.
    Clean,
    /// Trained on the spoiled set.
    Spoiled,
    /// The spoiled one, repaired.
    Repaired {
        /// Index into [`ImageStudySettings::known_shares`].
        known: usize,
        /// Index into [`ImageStudySettings::methods`].
        method: usize,
    },
}

/// One model after one manipulation with one seed: what a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Index into [`ImageStudySettings::manipulations`].
    pub manipulation: usize,
    /// Counted from 1.
    pub seed: u32,
    /// Which model.
    pub model: Model,
}

/// Ways to repair as the command line names them: `all`, or a list.
///
/// # Errors
/// For a name that is none.
pub fn methods(names: &[String]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for name in names {
        match name.trim() {
            "all" => found.extend(METHODS.iter().map(|method| method.name().to_owned())),
            name => {
                check_way(name)?;
                found.push(name.to_owned());
            }
        }
    }
    Ok(once(&found))
}

/// A way to repair images.
///
/// # Errors
/// For a name that is none, or a way of tables alone.
fn check_way(name: &str) -> Result<Way> {
    let way = way(name)?;
    if way.proposed == Some(Proposed::Draw) {
        return Err(
            Error::input(format!("`{name}` draws the class of each image, which is for tables alone"))
                .hint("`expand-relabel+` in front learns the proposed images as their likeliest class, `expand+` drops them"),
        );
    }
    Ok(way)
}

/// A part of a file name.
fn slug(text: &str) -> String {
    let letter = |letter: char| {
        if letter.is_ascii_alphanumeric() || "_.".contains(letter) {
            letter
        } else {
            '-'
        }
    };
    text.chars().map(letter).collect()
}

impl ImageStudySettings {
    /// Name of a unit's spoiled model: kind and number of the manipulation, the beginning of a checksum over its settings, and the seed.
    pub fn group(&self, piece: &Piece) -> String {
        let spec = &self.manipulations[piece.manipulation];
        let short: String = spec
            .split(',')
            .next()
            .map(|text| slug(&text.replace(":n=", "-")))
            .unwrap_or_default();
        let sum = hex(&Sha256::digest(spec.as_bytes()));
        format!("{short}-{}_seed-{}", &sum[..8], piece.seed)
    }

    /// Name of the model of a seed that is trained on the set as it was.
    pub fn clean_model(&self, piece: &Piece) -> String {
        format!("{CLEAN}_seed-{}", piece.seed)
    }

    /// What a unit's model is called: `clean`, `none`, or its way to repair.
    pub fn method(&self, piece: &Piece) -> &str {
        match piece.model {
            Model::Clean => CLEAN,
            Model::Spoiled => NONE,
            Model::Repaired { method, .. } => &self.methods[method],
        }
    }

    /// Known share of a unit.
    pub fn known(&self, piece: &Piece) -> Option<f64> {
        match piece.model {
            Model::Repaired { known, .. } => Some(self.known_shares[known]),
            _ => None,
        }
    }

    /// The way to repair of a unit.
    ///
    /// # Errors
    /// For a name that is none.
    pub fn way(&self, piece: &Piece) -> Result<Option<Way>> {
        match piece.model {
            Model::Repaired { method, .. } => check_way(&self.methods[method]).map(Some),
            _ => Ok(None),
        }
    }

    /// Images that models are trained on.
    pub fn trained_on(&self) -> usize {
        self.training_images.0 - self.held_out
    }

    /// Settings that a method starts from: the published ones, as shares of the training.
    pub fn options(&self, method: &str) -> RepairOptions {
        let rows = self.trained_on();
        let steps = (self.recipe.steps(rows) as f64 * SHARE_OF_STEPS).round().max(1.0) as usize;
        let passes = (steps as f64 / self.recipe.steps_per_epoch(rows).max(1) as f64).round().max(1.0) as usize;
        let mut options = RepairOptions {
            reference: Reference::Full,
            ..RepairOptions::default()
        };
        options.unlearning.cf.steps = Some(steps);
        options.unlearning.scrub.passes = passes;
        options.unlearning.badt.passes = passes;
        options.unlearning.badt.retain_share = 1.0;
        options.unlearning.learning_rate = (method == "scrub").then_some(self.recipe.learning_rate * SCRUB_RATE);
        options
    }

    fn unit(&self, piece: Piece) -> Unit<Piece> {
        let (group, method) = (self.group(&piece), slug(self.method(&piece)));
        let name = match self.known(&piece) {
            None => format!("{group}_{method}"),
            // Rounded, so that 0.07 is 7 and not 7.000000000000001.
            Some(known) => format!("{group}_known-{}_{method}", (known * 1e8).round() / 1e6),
        };
        Unit {
            name,
            cell: self.manipulations[piece.manipulation].clone(),
            group,
            count: 1,
            cost: if [CLEAN, "retrain"].contains(&self.method(&piece)) {
                3.0
            } else {
                1.0
            },
            key: piece,
        }
    }

    fn models(&self) -> impl Iterator<Item = Model> + use<> {
        let (shares, methods) = (self.known_shares.len(), self.methods.len());
        let repaired = (0..shares).flat_map(move |known| (0..methods).map(move |method| Model::Repaired { known, method }));
        [Model::Spoiled, Model::Clean].into_iter().chain(repaired)
    }
}

impl Study for ImageStudySettings {
    type Key = Piece;
    type Record = Record;
    type Judging = ();
    type Summary = ImageStudyReport;

    const ABOUT: About = About {
        name: "corrective study on images",
        command: "bench corrective",
        mark: "manipulations",
        layout: LAYOUT_VERSION,
        units: "pieces",
        counted: "result",
        beside: &["models"],
        shards: Shards::Neighbours,
        kept: "a network in training goes on from its last whole epoch",
    };

    fn check(&self) -> Result<()> {
        self.recipe.check()?;
        if matches!(self.recipe.length, Length::Epochs(0) | Length::Steps(0)) {
            return Err(Error::input("a network needs at least one epoch or step of training"));
        }
        if self.seeds == 0 {
            return Err(Error::input("the study needs at least one seed").hint("use `--seeds 3`"));
        }
        if self.manipulations.is_empty() {
            return Err(Error::input("the study needs something that is wrong with the images")
                .hint("such as `--manipulation poison:n=500` or `--figure 2`"));
        }
        if self.methods.is_empty() {
            return Err(Error::input("the study needs at least one method").hint("use `--methods all` or `--methods ssd,retrain`"));
        }
        if self.known_shares.is_empty() {
            return Err(Error::input("the study needs at least one known share").hint("such as `--known 10,50,100`"));
        }
        if let Some(wrong) = self.known_shares.iter().find(|share| !(**share > 0.0 && **share <= 1.0)) {
            return Err(
                Error::input(format!("a known share is {wrong}, and must be above 0 and at most 1")).hint("such as `--known 10,50,100`")
            );
        }
        if !(0.0..1.0).contains(&self.false_flags) {
            return Err(Error::input(format!(
                "the share of false flags is {}, and must be from 0 to below 1",
                self.false_flags
            ))
            .hint("such as `--false-flags 0.2`"));
        }
        if self.held_out >= self.training_images.0 {
            return Err(Error::input("no training image is left beside those that are held out").hint("use more training images"));
        }
        Bias::parse(&self.bias)?;
        for name in &self.methods {
            check_way(name)?;
        }
        Ok(())
    }

    /// Those that share a model stand together.
    fn units(&self) -> Result<Box<dyn Iterator<Item = Unit<Piece>> + '_>> {
        let of_seed = move |seed: u32| {
            (0..self.manipulations.len())
                .flat_map(move |manipulation| self.models().map(move |model| self.unit(Piece { manipulation, seed, model })))
        };
        Ok(Box::new((1..=self.seeds).flat_map(of_seed)))
    }

    /// Without seeds, manipulations, known shares and methods.
    fn base(&self) -> Self {
        Self {
            manipulations: Vec::new(),
            known_shares: Vec::new(),
            methods: Vec::new(),
            seeds: 0,
            ..self.clone()
        }
    }

    fn joined(mut self, old: &Self) -> std::result::Result<Self, String> {
        self.seeds = self.seeds.max(old.seeds);
        self.manipulations = once(&[old.manipulations.as_slice(), &self.manipulations].concat());
        self.methods = once(&[old.methods.as_slice(), &self.methods].concat());
        self.known_shares = once(&[old.known_shares.as_slice(), &self.known_shares].concat());
        self.known_shares.sort_by(f64::total_cmp);
        Ok(self)
    }

    fn check_records(&self, unit: &Unit<Piece>, records: &[Record]) -> std::result::Result<(), String> {
        record::check(self, &unit.key, records)
    }

    fn tables(folder: &RunFolder<Self>) -> Result<()> {
        tables::write(folder)
    }

    fn summarise(folder: &RunFolder<Self>, (): &(), notes: &mut Notes) -> Result<ImageStudyReport> {
        summary::summarise(folder, notes)
    }
}
