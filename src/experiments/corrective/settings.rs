//! What a study computes: everything that decides a byte of its records.

use serde::{Deserialize, Serialize};

use super::record::{self, Row};
use super::summary::{self, StudyReport};
use super::tables;
use crate::error::{Error, Result};
use crate::experiments::study::Shards;
use crate::experiments::{About, RunFolder, Study, Unit};
use crate::features::{Prepared, Profile, RecipeKind};
use crate::label_errors::{Amount, Bias, kinds};
use crate::nn::MlpSpec;
use crate::notes::Notes;
use crate::repair::{self, RepairMethod, RepairOptions};
use crate::tables::Table;

/// Version of the layout of a run folder; another one is refused.
pub const LAYOUT_VERSION: u32 = 2;

/// A rate that stands for the amount that the kind itself states.
pub const OWN_RATE: &str = "own";

/// Share of the training rows that is held out for choosing settings where the profile keeps no validation rows.
pub const HELD_OUT: f64 = 0.1;

fn paper() -> RecipeKind {
    RecipeKind::Paper
}

fn is_paper(recipe: &RecipeKind) -> bool {
    *recipe == RecipeKind::Paper
}

/// What the person asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyOptions {
    /// Error specifications, such as `segment:Market = LATAM: late -> on time, 60%`; several at once joined by ` & `.
    pub kinds: Vec<String>,
    /// Rates that each is tried at; empty: the amounts that they state.
    pub rates: Vec<String>,
    /// Known shares of the manipulated rows.
    pub known: Vec<f64>,
    /// Which of them are found first.
    pub bias: String,
    /// Share of the flags on clean rows.
    pub false_flags: f64,
    /// Ways to repair, see [`way`].
    pub methods: Vec<String>,
    /// Repetitions.
    pub repetitions: u32,
    /// Whether settings are chosen by the rule of the paper; else each method runs with its defaults.
    pub search: bool,
    /// The paper's recipe or the standard one.
    pub recipe: RecipeKind,
    /// Hidden layers; the profile's where absent.
    pub network: Option<String>,
    /// Passes; the profile's where absent.
    pub epochs: Option<usize>,
    /// Run seed.
    pub seed: u64,
}

/// Settings of a study, stored in the run folder as `settings.json`. Threads and shards are not among them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudySettings {
    /// [`LAYOUT_VERSION`].
    pub layout_version: u32,
    /// Version of Recant that computes.
    pub recant_version: String,
    /// File name of the sheet.
    pub data_file: String,
    /// SHA-256 of the sheet.
    pub data_sha256: String,
    /// The profile as TOML, whole.
    pub profile: String,
    /// Name of the profile.
    pub profile_name: String,
    /// The paper's recipe or the standard one.
    #[serde(default = "paper", skip_serializing_if = "is_paper")]
    pub recipe: RecipeKind,
    /// Hidden layers.
    pub network: String,
    /// Passes over the training rows.
    pub epochs: usize,
    /// Rows per step.
    pub batch: usize,
    /// Learning rate of the first pass.
    pub learning_rate: f64,
    /// Factor on it after every pass.
    pub decay: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Share of the training rows held out for choosing settings; absent where the profile keeps validation rows.
    pub held_out: Option<f64>,
    /// See [`StudyOptions::kinds`].
    pub kinds: Vec<String>,
    /// See [`StudyOptions::rates`]; [`OWN_RATE`] alone where none were given.
    pub rates: Vec<String>,
    /// See [`StudyOptions::known`].
    pub known: Vec<f64>,
    /// See [`StudyOptions::bias`].
    pub bias: String,
    /// See [`StudyOptions::false_flags`].
    pub false_flags: f64,
    /// See [`StudyOptions::methods`].
    pub methods: Vec<String>,
    /// See [`StudyOptions::repetitions`].
    pub repetitions: u32,
    /// See [`StudyOptions::search`].
    pub search: bool,
    /// Run seed.
    pub seed: u64,
}

/// One pattern at one rate in one repetition: what a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Index into [`StudySettings::kinds`].
    pub kind: usize,
    /// Index into [`StudySettings::rates`].
    pub rate: usize,
    /// Counted from 0.
    pub repetition: u32,
}

/// What is done with rows that were proposed beside the flagged ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proposed {
    /// They are flagged too: methods that train leave them out.
    Drop,
    /// They are flagged too, and methods that train learn them, and the flagged rows that follow the same rule, as their likeliest class.
    Relabel,
    /// As before, but what each row of the pattern is learned as, and each row below the cut, is drawn with its chance of being wrong: on
    /// average the labels are then those of the clean sheet, as far as the chances are right.
    Draw,
}

/// One method of a way to repair.
pub struct Step {
    /// The method.
    pub method: &'static dyn RepairMethod,
    /// Passes over the retain set, where the way states them (fine-tuning and CF).
    pub passes: Option<usize>,
    /// Layers that are trained, counted from the last, where the way states them (CF).
    pub layers: Option<usize>,
    /// See [`repair::RepairOptions::by_text`].
    pub by_text: bool,
}

impl Step {
    /// Sets what the step's name states; `per_pass` counts the steps of a pass, where that matters.
    ///
    /// # Errors
    /// As `per_pass`.
    pub fn settle(&self, options: &mut RepairOptions, per_pass: impl FnOnce() -> Result<usize>) -> Result<()> {
        options.by_text = self.by_text;
        options.unlearning.cf.layers = self.layers;
        if let Some(passes) = self.passes {
            options.finetune.epochs = passes;
            options.unlearning.cf.steps = Some(passes * per_pass()?);
        }
        Ok(())
    }
}

/// A way to repair, as the settings name it.
pub struct Way {
    /// Its name.
    pub name: String,
    /// Whether further rows are proposed first, and what is done with them.
    pub proposed: Option<Proposed>,
    /// Whether they are looked for a second time, with the model repaired from what the first found.
    pub twice: bool,
    /// Methods, one after the other.
    pub steps: Vec<Step>,
}

/// Prefixes of ways that propose further rows first.
const PROPOSING: [(&str, Proposed, bool); 5] = [
    ("expand+", Proposed::Drop, false),
    ("expand-relabel+", Proposed::Relabel, false),
    ("expand-draw+", Proposed::Draw, false),
    ("expand-twice+", Proposed::Drop, true),
    ("expand-relabel-twice+", Proposed::Relabel, true),
];

/// The same way without proposed rows; `None` where it proposes none.
pub fn without_proposing(name: &str) -> Option<&str> {
    PROPOSING.iter().find_map(|(prefix, ..)| name.strip_prefix(prefix))
}

/// Reads a method and what its name states after a colon.
fn step(part: &str) -> Result<Step> {
    let (name, stated) = part.split_once(':').map_or((part, None), |(name, stated)| (name, Some(stated)));
    let mut step = Step {
        method: repair::method(name)?,
        passes: None,
        layers: None,
        by_text: false,
    };
    let Some(stated) = stated else { return Ok(step) };
    let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number > 0);
    match (name, stated.strip_prefix("last-").map(number), number(stated)) {
        ("ssd" | "scrub", ..) if stated == "text" => step.by_text = true,
        ("cf", Some(Some(layers)), _) => step.layers = Some(layers),
        ("finetune" | "cf", None, Some(passes)) => step.passes = Some(passes),
        _ => {
            return Err(Error::input(format!("`{stated}` says nothing that `{name}` knows in `{part}`"))
                .hint("passes of `finetune` and `cf`, such as `cf:3`; the last layers that `cf` trains, such as `cf:last-2`; `ssd:text`, `scrub:text`"));
        }
    }
    Ok(step)
}

/// Reads the name of a way to repair: a method, or several joined by `+` and applied one after the other. `cf:3` and `finetune:4` state
/// the passes, `cf:last-2` the layers that are trained; `ssd:text` and `scrub:text` follow the text of the corrective paper ([`RepairOptions::by_text`]). `expand+` in front proposes further rows first and drops them with the flagged ones, `expand-relabel+` has methods that
/// train learn them as their likeliest class; `expand-twice+` and `expand-relabel-twice+` look a second time, with the model so repaired.
///
/// # Errors
/// For a name that is none.
pub fn way(name: &str) -> Result<Way> {
    let proposing = PROPOSING.iter().find(|(prefix, ..)| name.starts_with(prefix));
    let steps = without_proposing(name).unwrap_or(name).split('+').map(|part| step(part.trim()));
    Ok(Way {
        name: name.to_owned(),
        proposed: proposing.map(|(_, proposed, _)| *proposed),
        twice: proposing.is_some_and(|(.., twice)| *twice),
        steps: steps.collect::<Result<Vec<_>>>()?,
    })
}

impl StudySettings {
    /// Fixes the settings of a study on a sheet.
    ///
    /// # Errors
    /// Where an option cannot be read or is out of range.
    pub fn new(table: &Table, profile: &Profile, prepared: &Prepared, options: &StudyOptions) -> Result<Self> {
        let defaults = &profile.training;
        let mut rates = options.rates.clone();
        if rates.is_empty() {
            rates.push(OWN_RATE.to_owned());
        }
        let settings = Self {
            layout_version: LAYOUT_VERSION,
            recant_version: env!("CARGO_PKG_VERSION").to_owned(),
            data_file: table.source().file_name.clone(),
            data_sha256: table.source().sha256.clone(),
            profile: profile.to_toml()?,
            profile_name: profile.name.clone(),
            recipe: options.recipe,
            network: options.network.clone().unwrap_or_else(|| defaults.usual_network().to_owned()),
            epochs: options.epochs.unwrap_or(defaults.epochs),
            batch: match options.recipe {
                RecipeKind::Paper => defaults.batch,
                RecipeKind::Standard => defaults.batch_for(prepared.train.len()),
            },
            learning_rate: defaults.learning_rate,
            decay: defaults.decay,
            weight_decay: defaults.weight_decay,
            held_out: prepared.validation.as_ref().is_none_or(|part| part.is_empty()).then_some(HELD_OUT),
            kinds: options.kinds.clone(),
            rates,
            known: once(&options.known),
            bias: options.bias.clone(),
            false_flags: options.false_flags,
            methods: once(&options.methods),
            repetitions: options.repetitions,
            search: options.search,
            seed: options.seed,
        };
        settings.check()?;
        for kind in settings.kinds.iter().flat_map(|kind| parts(kind)) {
            kinds::parse(kind, prepared.profile.label.classes())?;
        }
        Ok(settings)
    }

    /// The amount that a rate stands for.
    ///
    /// # Errors
    /// Where it is neither [`OWN_RATE`] nor an amount.
    pub fn amount(&self, rate: &str) -> Result<Option<Amount>> {
        if rate == OWN_RATE { Ok(None) } else { rate.parse().map(Some) }
    }

    /// A unit as the runner takes it.
    fn unit(&self, place: Place) -> Unit<Place> {
        let Place { kind, rate, repetition } = place;
        Unit {
            name: format!("kind-{}_rate-{}_{repetition:03}", kind + 1, rate + 1),
            cell: match self.rates[rate].as_str() {
                OWN_RATE => self.kinds[kind].clone(),
                amount => format!("{} at {amount}", self.kinds[kind]),
            },
            group: String::new(),
            count: 1,
            cost: 1.0,
            key: place,
        }
    }
}

impl Study for StudySettings {
    type Key = Place;
    type Record = Row;
    type Judging = ();
    type Summary = StudyReport;

    const ABOUT: About = About {
        name: "corrective study",
        command: "bench corrective",
        mark: "known",
        layout: LAYOUT_VERSION,
        units: "units",
        counted: "unit",
        beside: &[],
        shards: Shards::OneFolder,
        kept: "",
    };

    fn check(&self) -> Result<()> {
        MlpSpec::parse_size(&self.network)?;
        if self.kinds.is_empty() || self.known.is_empty() || self.methods.is_empty() || self.rates.is_empty() || self.repetitions == 0 {
            return Err(Error::input(
                "a study needs at least one kind, one known share, one method and one repetition",
            ));
        }
        for rate in &self.rates {
            self.amount(rate)?;
        }
        if let Some(wrong) = self.known.iter().find(|share| !(**share > 0.0 && **share <= 1.0)) {
            return Err(Error::input(format!("a known share is {wrong}, and must be above 0 and at most 1")).hint("such as `10%,30%,100%`"));
        }
        Bias::parse(&self.bias)?;
        for name in &self.methods {
            if way(name)?.twice {
                return Err(Error::input(format!("`{name}` looks twice, which is for images alone"))
                    .hint("`expand+`, `expand-relabel+` or `expand-draw+` in front"));
            }
        }
        Ok(())
    }

    /// Repetition by repetition, so that a run stopped early has some of everything.
    fn units(&self) -> Result<Box<dyn Iterator<Item = Unit<Place>> + '_>> {
        let of_repetition = move |repetition: u32| {
            let kinds = 0..self.kinds.len();
            kinds.flat_map(move |kind| (0..self.rates.len()).map(move |rate| self.unit(Place { kind, rate, repetition })))
        };
        Ok(Box::new((0..self.repetitions).flat_map(of_repetition)))
    }

    fn base(&self) -> Self {
        Self {
            repetitions: 0,
            ..self.clone()
        }
    }

    fn joined(mut self, old: &Self) -> std::result::Result<Self, String> {
        self.repetitions = self.repetitions.max(old.repetitions);
        Ok(self)
    }

    fn check_records(&self, _unit: &Unit<Place>, records: &[Row]) -> std::result::Result<(), String> {
        record::check(self, records)
    }

    fn tables(folder: &RunFolder<Self>) -> Result<()> {
        tables::write(folder)
    }

    fn summarise(folder: &RunFolder<Self>, (): &(), notes: &mut Notes) -> Result<StudyReport> {
        summary::summarise(folder, notes)
    }
}

/// Each value once, in the order of its first place.
pub(in crate::experiments) fn once<T: PartialEq + Clone>(values: &[T]) -> Vec<T> {
    let mut found: Vec<T> = Vec::new();
    for value in values {
        if !found.contains(value) {
            found.push(value.clone());
        }
    }
    found
}

/// The errors of a kind that joins several.
pub fn parts(kind: &str) -> impl Iterator<Item = &str> {
    kind.split(" & ").map(str::trim)
}
