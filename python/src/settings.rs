//! From the options of Python's functions, which come as dictionaries, to those of the commands.

use pyo3::prelude::*;
use recant::Result;
use recant::commands::{Further, default_evidence, metric, refuse_for_imported_models};
use recant::error::{Error, closest};
use recant::evaluate::record::EvaluationSettings;
use recant::features::Overrides;
use recant::files::Existing;
use recant::jobs::train::TrainOptions;
use recant::label_errors::flags::{FlagOptions, parse_codes};
use recant::label_errors::{Amount, Bias, Known};
use recant::nn::ImportanceKind;
use recant::repair::{Reference, RepairOptions, SsdOptions};
use recant::seed::Seed;
use recant::tables::{ReadOptions, Rule, Writing, parse_delimiter};

/// How to read a sheet.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Reading {
    sheet: Option<String>,
    header_row: Option<usize>,
    encoding: Option<String>,
    delimiter: Option<String>,
    decimal: Option<String>,
    dates: Option<String>,
    visible_only: bool,
}

impl Reading {
    pub(crate) fn options(&self) -> Result<ReadOptions> {
        Ok(ReadOptions {
            sheet: self.sheet.clone(),
            header_row: self.header_row,
            encoding: self.encoding.clone(),
            delimiter: self.delimiter.as_deref().map(parse_delimiter).transpose()?,
            writing: Writing {
                decimal: self.decimal.as_deref().map(str::parse).transpose()?,
                dates: self.dates.as_deref().map(str::parse).transpose()?,
            },
            visible_only: self.visible_only,
        })
    }

    /// What is said of reading, for the settings of a run folder, in the words of the command line.
    pub(crate) fn words(&self) -> String {
        let given = [
            self.sheet.as_ref().map(|name| format!("sheet {name}")),
            self.header_row.map(|row| format!("header row {row}")),
            self.encoding.as_ref().map(|name| format!("encoding {name}")),
            self.delimiter.as_ref().map(|text| format!("delimiter {text}")),
        ];
        given.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// Which profile, and what to change in it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct ProfileChoice {
    pub(crate) profile: Option<String>,
    label: Option<String>,
    key: Option<String>,
    time: Option<String>,
    group: Option<String>,
    actual: Option<String>,
    planned: Option<String>,
    #[pyo3(item("where"))]
    condition: Option<String>,
    leave_out: Vec<String>,
}

impl ProfileChoice {
    pub(crate) fn overrides(&self, seed: Seed) -> Result<Overrides> {
        if self.actual.is_some() != self.planned.is_some() {
            return Err(Error::input("`actual` and `planned` make the label together").hint("give both, or `label` instead"));
        }
        Ok(Overrides {
            label: self.label.clone(),
            key: self.key.clone(),
            group: self.group.clone(),
            time: self.time.clone(),
            actual: self.actual.clone(),
            planned: self.planned.clone(),
            condition: self.condition.clone(),
            leave_out: self.leave_out.clone(),
            seed: Some(seed.0),
            ..Overrides::default()
        })
    }
}

/// How to train.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Training {
    pub(crate) recipe: Option<String>,
    network: Option<String>,
    epochs: Option<usize>,
    learning_rate: Option<f64>,
    weight_decay: Option<f64>,
    batch: Option<usize>,
    balance_classes: bool,
    trials: usize,
    pub(crate) metric: String,
    pub(crate) keep_test_rows: bool,
    private: bool,
}

impl Training {
    pub(crate) fn options(&self) -> TrainOptions {
        TrainOptions {
            budget: None,
            network: self.network.clone(),
            epochs: self.epochs,
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            batch: self.batch,
            balance_classes: self.balance_classes,
            trials: self.trials,
            private: self.private,
        }
    }
}

/// How to read flags.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct FlagReading {
    flag_key: Option<String>,
    flag_column: Option<String>,
    row_numbers: Option<String>,
    given_column: Option<String>,
    correct_column: Option<String>,
    score_cut: Option<f64>,
    worst: Option<String>,
    pub(crate) flags_sheet: Option<String>,
    label_codes: Option<String>,
    loose_keys: bool,
}

impl FlagReading {
    pub(crate) fn options(&self) -> Result<FlagOptions> {
        Ok(FlagOptions {
            key: self.flag_key.clone(),
            numbering: self.row_numbers.as_deref().map(str::parse).transpose()?,
            flag_column: self.flag_column.clone(),
            given_column: self.given_column.clone(),
            correct_column: self.correct_column.clone(),
            score_cut: self.score_cut,
            worst: self.worst.as_deref().map(str::parse::<Amount>).transpose()?,
            loose_keys: self.loose_keys,
            label_codes: self.label_codes.as_deref().map(parse_codes).transpose()?,
        })
    }
}

/// How to repair, and what counts as evidence.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Repairing {
    expand: bool,
    only_flagged: bool,
    checked: Option<String>,
    pub(crate) method: String,
    metric: String,
    matters: Vec<String>,
    minimum_effect: f64,
    significance: f64,
    resamples: usize,
    importance: String,
    reference: String,
    alpha: f64,
    lambda: f64,
}

impl Repairing {
    pub(crate) fn further(&self) -> Further {
        match (self.expand, self.only_flagged) {
            (true, _) => Further::Always,
            (_, true) => Further::Never,
            _ => Further::WhereAccepted,
        }
    }

    /// That nothing is said which needs a model that Recant trained.
    pub(crate) fn own_models_only(&self, corrected: bool, looked_up: bool, affected: bool) -> Result<()> {
        refuse_for_imported_models(&[
            ("expand", self.expand),
            ("checked", self.checked.is_some()),
            ("corrected", corrected),
            ("looked_up", looked_up),
            ("affected", affected),
        ])
    }

    pub(crate) fn checked(&self) -> Result<Option<Rule>> {
        self.checked.as_deref().map(Rule::parse).transpose()
    }

    pub(crate) fn options(&self) -> Result<RepairOptions> {
        Ok(RepairOptions {
            importance: named("importance", &self.importance, &ImportanceKind::ALL, ImportanceKind::name)?,
            reference: named("reference", &self.reference, &Reference::ALL, Reference::name)?,
            ssd: SsdOptions {
                alpha: self.alpha,
                lambda: self.lambda,
            },
            ..RepairOptions::default()
        })
    }

    pub(crate) fn evidence(&self, seed: Seed) -> Result<EvaluationSettings> {
        Ok(EvaluationSettings {
            minimum_effect: share("minimum_effect", self.minimum_effect)?,
            significance: share("significance", self.significance)?,
            resamples: self.resamples,
            metric: metric(&self.metric)?,
            matters: self.matters.clone(),
            ..default_evidence(seed)
        })
    }
}

/// What to mislabel.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Injecting {
    pub(crate) kind: Vec<String>,
    rate: Option<String>,
    pub(crate) whole_groups: bool,
    bias: String,
    known: f64,
    false_flags: f64,
    pub(crate) full_rows: bool,
}

impl Injecting {
    pub(crate) fn rate(&self) -> Result<Option<Amount>> {
        self.rate.as_deref().map(str::parse).transpose()
    }

    pub(crate) fn known(&self) -> Result<Known> {
        Ok(Known {
            share: share("known", self.known)?,
            false_share: share("false_flags", self.false_flags)?,
            bias: Bias::parse(&self.bias)?,
        })
    }
}

/// What every function takes.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Running {
    seed: u64,
    threads: Option<usize>,
    pub(crate) command: String,
    pub(crate) force: bool,
    pub(crate) progress: Option<Py<PyAny>>,
}

impl Running {
    pub(crate) fn seed(&self) -> Seed {
        Seed(self.seed)
    }

    pub(crate) fn threads(&self) -> Result<usize> {
        match self.threads {
            Some(threads) if (1..=1024).contains(&threads) => Ok(threads),
            Some(threads) => Err(Error::input(format!("`threads` is {threads}")).hint("give 1 to 1024, or leave it out for all cores")),
            None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
        }
    }

    pub(crate) fn existing(&self) -> Existing {
        Existing::forced(self.force)
    }
}

/// A fraction from 0 to 1.
pub(crate) fn share(name: &str, value: f64) -> Result<f64> {
    if (0.0..=1.0).contains(&value) {
        return Ok(value);
    }
    Err(Error::input(format!("`{name}` is {value}")).hint("give a fraction from 0 to 1, such as 0.05"))
}

/// One of a list, by its name.
fn named<T: Copy>(what: &str, text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T> {
    if let Some(found) = all.iter().find(|one| name(**one) == text) {
        return Ok(*found);
    }
    let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
    let error = Error::input(format!("there is no {what} `{text}`"));
    Err(match closest(text, names.iter().copied()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("there are {}", names.join(", "))),
    })
}
