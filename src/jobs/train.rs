//! Training a classifier on a sheet: label, split, features, search, training, baselines, importances, record.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::evaluate::record::{EvaluationSettings, ModelSummary, Timings};
use crate::evaluate::train_record::{
    ColumnUse, EpochRecord, LeftOutRows, SearchRecord, SearchTrial, SplitSummary, TRAIN_RECORD_VERSION, TrainRecord, TrainingSettings,
    UsefulnessRecord,
};
use crate::evaluate::words::{count_of, percent};
use crate::evaluate::{RowSet, Rows, judge_usefulness, metrics};
use crate::features::{Coding, Encoder, Part, Prepared, Profile, RecipeKind, Ties, leakage_audit, prepare};
use crate::jobs::baselines::baselines;
use crate::jobs::fitting::{Chosen, Fit, Fitting};
use crate::jobs::{convert, fitting};
use crate::nn::search::Search;
use crate::nn::{Examples, MlpSpec, Network, Recipe, Stopping, StoredImportances, TrainingLog, probabilities, store_importances};
use crate::notes::Notes;
use crate::progress::Progress;
use crate::seed::Seed;
use crate::tables::Table;

/// Fewest training rows a model is trained on.
const FEWEST_ROWS: usize = 20;

/// Most settings that a search limited by time alone tries.
const MOST_TRIALS: usize = 10_000;

/// What the person asks for on top of the profile; absent settings are the profile's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrainOptions {
    /// Hidden layers, such as `3x100` or `4 of 2x50`, or several to choose from, such as `4 of 2x50 or none`.
    pub network: Option<String>,
    /// Passes over the training rows.
    pub epochs: Option<usize>,
    /// Learning rate of the first epoch.
    pub learning_rate: Option<f64>,
    /// Weight decay.
    pub weight_decay: Option<f64>,
    /// Rows per step.
    pub batch: Option<usize>,
    /// Whether every class counts the same in sum.
    pub balance_classes: bool,
    /// Settings the search tries; 0 for no search.
    pub trials: usize,
    /// Time after which the search tries no further settings. Given alone, it tries settings until then.
    pub budget: Option<Duration>,
    /// Whether the model folder leaves out keys and groups ([`ModelFolder::private`](crate::model::ModelFolder::private)).
    pub private: bool,
}

/// Everything a training needs.
pub struct TrainRequest<'a> {
    /// The sheet.
    pub table: &'a Table,
    /// The profile, overrides applied.
    pub profile: &'a Profile,
    /// What the person asks for on top.
    pub options: &'a TrainOptions,
    /// Name of the model, for records.
    pub name: String,
    /// Command line for records.
    pub command: String,
    /// How the model is judged against baselines.
    pub settings: EvaluationSettings,
    /// Run seed.
    pub seed: Seed,
    /// Cores to use.
    pub threads: usize,
}

/// A trained model with all that belongs to it.
pub struct Trained {
    /// Trained network.
    pub network: Network<f32>,
    /// The weights it started from; retraining starts there again.
    pub initial: Network<f32>,
    /// How it was trained.
    pub recipe: Recipe,
    /// What a repair needs besides the flagged rows.
    pub importances: StoredImportances<f32>,
    /// Profile, features, split and encoded rows.
    pub prepared: Prepared,
    /// Whether its folder leaves out keys and groups.
    pub private: bool,
    /// What the report shows.
    pub record: TrainRecord,
    /// Seconds by stage.
    pub timings: Timings,
}

/// Trains a classifier.
///
/// # Errors
/// Where the sheet does not fit the profile, too few rows remain, training diverges, or the person stops it.
pub fn train(request: &TrainRequest, notes: &mut Notes, progress: &dyn Progress) -> Result<Trained> {
    let mut timings = Timings::default();
    let mut clock = Instant::now();
    let mut lap = |stage: &str| {
        timings.stages.push((stage.to_owned(), clock.elapsed().as_secs_f64()));
        clock = Instant::now();
    };
    progress.start("reading features", 0);
    let prepared = prepare(request.table, request.profile, notes)?;
    progress.finish();
    lap("features");
    progress.check()?;
    let classes = prepared.profile.label.classes().to_vec();
    request.settings.metric.check(&classes)?;
    if prepared.train.len() < FEWEST_ROWS {
        return Err(Error::input(format!(
            "{} training rows are too few to train on; at least {FEWEST_ROWS} are needed",
            prepared.train.len()
        ))
        .in_file(&request.table.source().file_name)
        .hint("`recant inspect SHEET` tells which rows are left out and why"));
    }
    let plain = fitting::recipe(request, &prepared);
    let specs = network_specs(request, &prepared, classes.len())?;
    specs.iter().try_for_each(|spec| plain.check(spec))?;
    let Chosen { spec, scheduled } = fitting::choose_network(request, &prepared, &specs, &plain, notes, progress)?;
    if scheduled.is_some() {
        lap("choosing the network");
    }
    let mut found = match (request.options.trials, request.options.budget) {
        (0, None) => None,
        (0, Some(_)) => Some(fitting::run_search(request, &prepared, &spec, &plain, MOST_TRIALS, progress)?),
        (trials, _) => Some(fitting::run_search(request, &prepared, &spec, &plain, trials, progress)?),
    };
    if let Some((found, _)) = &found {
        note_budget(request, found, notes);
        lap("search");
    }
    let initial = Network::<f32>::initial(&spec, request.seed)?;
    let fitting = Fitting {
        request,
        prepared: &prepared,
        initial: &initial,
        scheduled,
        progress,
    };
    let Fit {
        recipe,
        stopping,
        network,
        log,
    } = match &mut found {
        None => fitting.fit(&plain, &mut lap)?,
        Some((found, _)) => fitting.fit_searched(&plain, found, &mut lap, notes)?,
    };
    let examples = examples(&prepared.train, &prepared);
    progress.start("measuring importances", 0);
    let importances = store_importances(&network, &examples, recipe.batch, request.threads)?;
    progress.finish();
    lap("importances");
    progress.start("judging the model", 0);
    let audit = leakage_audit(request.table, &prepared.profile, notes)?;
    let parts = RecordParts {
        request,
        prepared: &prepared,
        network: &network,
        recipe: &recipe,
        log: &log,
        stopping: stopping.as_ref(),
        search: found.as_ref(),
        classes: &classes,
    };
    let mut record = parts.record(notes)?;
    record.leakage = Some(audit.iter().map(convert::finding).collect());
    record.notes = notes.clone();
    progress.finish();
    lap("judging");
    Ok(Trained {
        network,
        initial,
        recipe,
        importances,
        prepared,
        private: request.options.private,
        record,
        timings,
    })
}

fn note_budget(request: &TrainRequest, found: &Search, notes: &mut Notes) {
    if request.options.budget.is_some() {
        let made = found.trials.len();
        notes.add(
            "search-budget",
            format!("the search had time for {}", count_of(made, "trial")),
            format!("the best was taken; `--trials {made}` without `--budget` repeats this training on any machine"),
        );
    }
}

/// The rows of a part, as training and importances take them.
pub(super) fn examples<'a>(part: &'a Part, prepared: &Prepared) -> Examples<'a, f32> {
    Examples::all(&part.inputs, prepared.features.width(), &part.labels)
}

/// The networks to choose from, the usual one first.
fn network_specs(request: &TrainRequest, prepared: &Prepared, classes: usize) -> Result<Vec<MlpSpec>> {
    let training = &prepared.profile.training;
    let usual = match training.recipe {
        RecipeKind::Standard => &training.network,
        RecipeKind::Paper => training.usual_network(),
    };
    let named = request.options.network.as_deref().unwrap_or(usual);
    let sizes = MlpSpec::parse_choice(named)?.into_iter();
    sizes
        .map(|(members, hidden)| MlpSpec::ensemble(members, prepared.features.width(), &hidden, classes))
        .collect()
}

/// What the record is made of.
struct RecordParts<'a> {
    request: &'a TrainRequest<'a>,
    prepared: &'a Prepared,
    network: &'a Network<f32>,
    recipe: &'a Recipe,
    log: &'a TrainingLog,
    stopping: Option<&'a Stopping>,
    search: Option<&'a (Search, String)>,
    classes: &'a [String],
}

impl RecordParts<'_> {
    fn record(&self, notes: &mut Notes) -> Result<TrainRecord> {
        let Self {
            request,
            prepared,
            classes,
            ..
        } = self;
        let judge =
            |part: &Part| -> Result<_> { metrics(&part.labels, &probabilities(self.network, &part.inputs, request.threads)?, classes) };
        let validation = prepared
            .validation
            .as_ref()
            .filter(|part| !part.is_empty())
            .map(judge)
            .transpose()?;
        let (test, baselines, usefulness) = if prepared.test.is_empty() {
            (None, Vec::new(), UsefulnessRecord::not_evaluated())
        } else {
            let (baselines, usefulness) = self.against_baselines(notes)?;
            (Some(judge(&prepared.test)?), baselines, usefulness)
        };
        Ok(TrainRecord {
            record_version: TRAIN_RECORD_VERSION,
            recant_version: env!("CARGO_PKG_VERSION").to_owned(),
            command: request.command.clone(),
            model: model_summary(request, prepared, self.network, classes),
            split: split_summary(request.table, prepared),
            columns: columns(prepared),
            training: TrainingSettings {
                epochs: self.recipe.epochs,
                learning_rate: self.recipe.learning_rate,
                decay: self.recipe.decay,
                weight_decay: self.recipe.weight_decay,
                batch: self.recipe.batch,
                class_weights: self.recipe.class_weights.clone(),
                most_epochs: self.recipe.standard.as_ref().map(|standard| standard.horizon),
                temperature: self.stopping.map(|stopping| stopping.temperature),
            },
            search: self.search.map(search_record),
            epochs: self.epochs(),
            settings: request.settings.clone(),
            training_metrics: judge(&prepared.train)?,
            validation,
            test,
            baselines,
            usefulness,
            leakage: None,
            notes: Notes::new(),
        })
    }

    fn epochs(&self) -> Vec<EpochRecord> {
        let judged = |epoch: usize| self.stopping.and_then(|stopping| stopping.accuracies.get(epoch).copied());
        let record = |(number, epoch): (usize, &crate::nn::EpochLog)| EpochRecord {
            epoch: epoch.epoch + 1,
            learning_rate: epoch.learning_rate,
            loss: epoch.loss,
            validation_accuracy: judged(number),
        };
        self.log.epochs.iter().enumerate().map(record).collect()
    }

    fn against_baselines(&self, notes: &mut Notes) -> Result<(Vec<crate::evaluate::train_record::BaselineRecord>, UsefulnessRecord)> {
        let Self {
            request,
            prepared,
            classes,
            ..
        } = self;
        let test = &prepared.test;
        let baselines = baselines(request, prepared, (self.network.spec(), self.recipe), classes, notes)?;
        let rows = Rows {
            set: RowSet::Test,
            labels: &test.labels,
            groups: test.groups.as_deref(),
            classes,
        };
        let model = probabilities(self.network, &test.inputs, request.threads)?;
        judge_usefulness(&rows, &model, &baselines, &request.settings)
    }
}

fn model_summary(request: &TrainRequest, prepared: &Prepared, network: &Network<f32>, classes: &[String]) -> ModelSummary {
    ModelSummary {
        name: request.name.clone(),
        network: network.spec().name(),
        parameters: network.spec().parameters(),
        inputs: prepared.features.width(),
        classes: classes.to_vec(),
        profile: prepared.profile.name.clone(),
        data_file: request.table.source().file_name.clone(),
        data_sha256: request.table.source().sha256.clone(),
        training_rows: prepared.train.len(),
        training_period: prepared.train.period(),
        test_period: prepared.test.period(),
        class_shares: prepared.class_shares.clone(),
        seed: request.seed.0,
    }
}

fn split_summary(table: &Table, prepared: &Prepared) -> SplitSummary {
    let validation = prepared.validation.as_ref();
    SplitSummary {
        sheet_rows: table.height(),
        training_rows: prepared.train.len(),
        validation_rows: validation.map_or(0, Part::len),
        test_rows: prepared.test.len(),
        rule: split_in_words(prepared),
        training_period: prepared.train.period(),
        validation_period: validation.and_then(Part::period),
        test_period: prepared.test.period(),
        left_out: prepared
            .left_out
            .iter()
            .map(|left| LeftOutRows {
                reason: left.reason.clone(),
                count: left.rows,
            })
            .collect(),
    }
}

fn columns(prepared: &Prepared) -> Vec<ColumnUse> {
    let encoders = prepared.features.encoders();
    let inputs = |column: &str| encoders.iter().filter(|encoder| encoder.source.column == column).map(outputs).sum();
    prepared
        .columns
        .iter()
        .map(|column| convert::column_use(column, inputs(&column.column)))
        .collect()
}

/// Input columns that an encoder writes.
fn outputs(encoder: &Encoder) -> usize {
    match &encoder.coding {
        Coding::Number(number) => {
            let exceptions = number.exceptions.iter().filter_map(|exception| exception.output.as_ref());
            number.output.iter().chain(&number.indicator).chain(exceptions).count()
        }
        Coding::Category(category) => category
            .outputs
            .iter()
            .flatten()
            .chain(&category.other)
            .chain(&category.missing)
            .count(),
    }
}

/// How the sheet was divided, as a sentence without a full stop.
fn split_in_words(prepared: &Prepared) -> String {
    let profile = &prepared.profile;
    let share = percent(profile.split.test, 0);
    let whole = match (&profile.group, profile.split.ties) {
        (Some(group), Ties::Together) => format!(", rows of one `{group}` kept together"),
        _ => String::new(),
    };
    match &profile.time {
        Some(time) => format!("test rows are the last {share} by `{}`{whole}", time.column),
        None => format!("test rows are {share} drawn at random with seed {}{whole}", profile.split.seed),
    }
}

fn search_record((search, measure): &(Search, String)) -> SearchRecord {
    let trial = |trial: &crate::nn::search::Trial| SearchTrial {
        learning_rate: trial.learning_rate,
        weight_decay: trial.weight_decay,
        score: trial.accuracy,
    };
    SearchRecord {
        sampler: "TPE".to_owned(),
        measure: measure.clone(),
        trials: search.trials.iter().map(trial).collect(),
        chosen: search.best,
    }
}
