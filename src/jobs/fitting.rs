//! How a sheet's network is trained: its recipe, rows to end the training by, and the search for settings.

use rand_chacha::rand_core::RngCore;

use crate::error::{Error, Result};
use crate::evaluate::metrics;
use crate::evaluate::words::{count_of, network_size};
use crate::features::{ClassWeights, Prepared, RecipeKind};
use crate::jobs::train::{TrainRequest, examples};
use crate::nn::search::{Search, SearchPlan, search};
use crate::nn::{
    Examples, Fold, Freedom, MlpSpec, Network, Recipe, Stopping, TrainingLog, choose_schedule, order_seed, probabilities, train,
};
use crate::notes::Notes;
use crate::progress::Progress;

/// Share of the training rows that the search holds out where the profile keeps no validation tail.
const SEARCH_SHARE: f64 = 0.2;
/// With fewer validation rows than this, the end of training is chosen on blocks of the training rows as well.
const ENOUGH_TO_JUDGE: usize = 500;
/// Where those blocks begin and end, as shares of the training rows; each is judged after training on the rows before it.
const BLOCKS: [(f64, f64); 2] = [(0.6, 0.8), (0.8, 1.0)];
/// Fewest rows that a block is trained on.
const FEWEST_TO_FIT: usize = 32;
/// A longer schedule goes through no more rows than this, all its epochs together.
const MOST_VISITS: usize = 1_000_000;

/// The recipe that profile and person ask for.
pub(super) fn recipe(request: &TrainRequest, prepared: &Prepared) -> Recipe {
    let defaults = &prepared.profile.training;
    let options = request.options;
    let balanced = options.balance_classes || defaults.class_weights == ClassWeights::Balanced;
    let class_weights = balanced.then(|| {
        let shares = &prepared.class_shares;
        let present = shares.iter().filter(|share| **share > 0.0).count().max(1) as f64;
        shares
            .iter()
            .map(|share| if *share > 0.0 { 1.0 / (share * present) } else { 0.0 })
            .collect()
    });
    let epochs = options.epochs.unwrap_or(defaults.epochs);
    let learning_rate = options.learning_rate.unwrap_or(defaults.learning_rate);
    let weight_decay = options.weight_decay.unwrap_or(defaults.weight_decay);
    let batch = options.batch.unwrap_or_else(|| defaults.batch_for(prepared.train.len()));
    let recipe = match defaults.recipe {
        RecipeKind::Paper => Recipe {
            epochs,
            learning_rate,
            decay: defaults.decay,
            weight_decay,
            batch,
            ..Recipe::default()
        },
        RecipeKind::Standard => {
            let order = order_seed(request.seed.stream("row-order", 0).next_u64());
            Recipe::standard(epochs, learning_rate, weight_decay, batch, order)
        }
    };
    Recipe { class_weights, ..recipe }
}

/// A network trained with a recipe.
pub(super) struct Fit {
    pub recipe: Recipe,
    /// How the end was chosen; absent for a recipe that runs to its end.
    pub stopping: Option<Stopping>,
    pub network: Network<f32>,
    pub log: TrainingLog,
}

/// The network to be trained, of several; and, where there were several, how it is trained with the recipe as it is.
pub(super) struct Chosen {
    pub spec: MlpSpec,
    pub scheduled: Option<(Recipe, Stopping)>,
}

/// Of these networks the one that predicts later rows best, each with its own schedule, end and temperature; the first where the recipe
/// judges none or there are no rows to judge by. Never by test rows.
///
/// # Errors
/// As [`choose_schedule`].
pub(super) fn choose_network(
    request: &TrainRequest,
    prepared: &Prepared,
    specs: &[MlpSpec],
    recipe: &Recipe,
    notes: &mut Notes,
    progress: &dyn Progress,
) -> Result<Chosen> {
    let usual = specs.first().ok_or_else(|| Error::internal("no network to choose"))?;
    let folds = folds(request, prepared);
    if specs.len() == 1 || recipe.standard.is_none() || folds.is_empty() {
        return Ok(Chosen {
            spec: usual.clone(),
            scheduled: None,
        });
    }
    let tried = specs
        .iter()
        .map(|spec| {
            let initial = Network::initial(spec, request.seed)?;
            let freedom = freedom(request, prepared);
            choose_schedule(&initial, &folds.each(), recipe, freedom, request.threads, progress)
        })
        .collect::<Result<Vec<_>>>()?;
    let losses: Vec<f64> = tried.iter().map(|(_, stopping)| stopping.loss()).collect();
    let best = (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b])).unwrap_or(0);
    if best > 0 {
        notes.add(
            "network-chosen",
            format!(
                "a network {} predicts later rows better than one {} (cross entropy {:.3}, {:.3})",
                network_size(&specs[best].name()),
                network_size(&usual.name()),
                losses[best],
                losses[0]
            ),
            format!("it was taken; `--network {}` trains the other", quoted(&usual.name())),
        );
    }
    Ok(Chosen {
        spec: specs[best].clone(),
        scheduled: tried.into_iter().nth(best),
    })
}

/// As a shell takes it.
fn quoted(size: &str) -> String {
    if size.contains(' ') {
        format!("\"{size}\"")
    } else {
        size.to_owned()
    }
}

/// A network to be trained on a sheet.
pub(super) struct Fitting<'a> {
    pub request: &'a TrainRequest<'a>,
    pub prepared: &'a Prepared,
    pub initial: &'a Network<f32>,
    /// How it is trained with the recipe as it is, where that was found when the network was chosen.
    pub scheduled: Option<(Recipe, Stopping)>,
    pub progress: &'a dyn Progress,
}

impl Fitting<'_> {
    /// Trains with the recipe as profile and person ask for it. `lap` is told when each stage is done.
    pub fn fit(&self, plain: &Recipe, lap: &mut dyn FnMut(&str)) -> Result<Fit> {
        match &self.scheduled {
            Some((recipe, stopping)) => self.train(recipe, Some(stopping.clone()), lap),
            None => self.fit_scheduled(plain, freedom(self.request, self.prepared), lap),
        }
    }

    /// Trains: schedule, end and temperature chosen by later rows where the recipe is the standard one, then on all training rows.
    fn fit_scheduled(&self, recipe: &Recipe, freedom: Freedom, lap: &mut dyn FnMut(&str)) -> Result<Fit> {
        let folds = folds(self.request, self.prepared);
        if recipe.standard.is_none() || folds.is_empty() {
            return self.train(recipe, None, lap);
        }
        let (recipe, stopping) = choose_schedule(self.initial, &folds.each(), recipe, freedom, self.request.threads, self.progress)?;
        lap("choosing when to stop");
        self.train(&recipe, Some(stopping), lap)
    }

    fn train(&self, recipe: &Recipe, stopping: Option<Stopping>, lap: &mut dyn FnMut(&str)) -> Result<Fit> {
        let mut network = self.initial.clone();
        let rows = examples(&self.prepared.train, self.prepared);
        let log = train(&mut network, &rows, recipe, self.request.threads, self.progress)?;
        lap("training");
        Ok(Fit {
            recipe: recipe.clone(),
            stopping,
            network,
            log,
        })
    }

    /// Trains with the settings that a search found; with the profile's (`plain`) where those of the standard recipe do better on the
    /// validation rows.
    pub fn fit_searched(&self, plain: &Recipe, found: &mut Search, lap: &mut dyn FnMut(&str), notes: &mut Notes) -> Result<Fit> {
        // The trials chose their schedules.
        let searched = self.fit_scheduled(&found.apply(plain), Freedom::default(), lap)?;
        let validation = self.prepared.validation.as_ref().filter(|part| !part.is_empty());
        let (Some(validation), Some(_), false) = (validation, &plain.standard, found.best == 0) else {
            return Ok(searched);
        };
        let without = self.fit(plain, lap)?;
        let judge = |network: &Network<f32>| -> Result<_> {
            let said = probabilities(network, &validation.inputs, self.request.threads)?;
            metrics(&validation.labels, &said, self.prepared.profile.label.classes())
        };
        let (with, plainly) = (judge(&searched.network)?, judge(&without.network)?);
        if with.accuracy.estimate >= plainly.accuracy.estimate && with.log_loss <= plainly.log_loss {
            return Ok(searched);
        }
        found.best = 0;
        notes.add(
            "search-without-gain",
            format!(
                "none of the settings that were tried did better than the profile's on the {}",
                count_of(validation.len(), "validation row")
            ),
            "the profile's settings were used",
        );
        Ok(without)
    }
}

/// How far the schedule may be changed: not where the person gave it.
pub(super) fn freedom(request: &TrainRequest, prepared: &Prepared) -> Freedom {
    let options = request.options;
    let most = MOST_VISITS / prepared.train.len().max(1);
    Freedom {
        most_epochs: if options.epochs.is_some() { 0 } else { most },
        lighter: options.weight_decay.is_none(),
    }
}

/// The training rows, earlier ones first; where no column says when a row was, in an order drawn at random, groups together.
fn in_time_order(request: &TrainRequest, prepared: &Prepared) -> Vec<u32> {
    let train = &prepared.train;
    let mut order: Vec<u32> = (0..train.len() as u32).collect();
    match (&train.times, &train.groups) {
        (Some(times), _) => order.sort_by_key(|row| times[*row as usize]),
        (None, groups) => {
            let count = groups
                .as_ref()
                .and_then(|groups| groups.iter().max())
                .map_or(train.len(), |last| *last as usize + 1);
            let mut random = request.seed.stream("blocks", 0);
            let places: Vec<u64> = (0..count).map(|_| random.next_u64()).collect();
            let group = |row: u32| groups.as_ref().map_or(row, |groups| groups[row as usize]);
            order.sort_by_key(|row| (places[group(*row) as usize], *row));
        }
    }
    order
}

/// Rows to train on and later rows to judge by: the validation rows, and on small sheets two blocks of the training rows before them. Never
/// test rows.
struct Folds<'a> {
    all: Examples<'a, f32>,
    validation: Option<Examples<'a, f32>>,
    /// The training rows, earlier ones first, and where blocks of them begin and end.
    order: Vec<u32>,
    blocks: Vec<(usize, usize)>,
}

impl<'a> Folds<'a> {
    fn is_empty(&self) -> bool {
        self.validation.is_none() && self.blocks.is_empty()
    }

    fn each(&'a self) -> Vec<Fold<'a, f32>> {
        let Examples { inputs, width, labels, .. } = self.all;
        let part = |range: std::ops::Range<usize>| Examples::subset(inputs, width, labels, &self.order[range]);
        let block = |(start, end): &(usize, usize)| Fold {
            fit: part(0..*start),
            judge: part(*start..*end),
        };
        let validation = self.validation.map(|judge| Fold { fit: self.all, judge });
        self.blocks.iter().map(block).chain(validation).collect()
    }

    /// Rows that are judged, in words.
    fn words(&self) -> String {
        let in_blocks: usize = self.blocks.iter().map(|(start, end)| end - start).sum();
        match (&self.validation, in_blocks) {
            (Some(validation), 0) => format!("accuracy on {} validation rows", validation.len()),
            (Some(validation), rows) => format!(
                "accuracy on {} validation rows and {rows} training rows, each after training on earlier ones",
                validation.len()
            ),
            (None, rows) => format!("accuracy on the last {rows} training rows, held out for the search only"),
        }
    }
}

fn folds<'a>(request: &TrainRequest, prepared: &'a Prepared) -> Folds<'a> {
    let validation = prepared.validation.as_ref().filter(|part| !part.is_empty());
    let order = in_time_order(request, prepared);
    let place = |share: f64| (share * order.len() as f64).round() as usize;
    let few = validation.map_or(0, crate::features::Part::len) < ENOUGH_TO_JUDGE;
    let blocks = match (few, validation.is_some()) {
        (false, _) => &[][..],
        (true, true) => &BLOCKS[..],
        (true, false) => &BLOCKS[1..],
    };
    let blocks = blocks.iter().map(|(start, end)| (place(*start), place(*end)));
    Folds {
        all: examples(&prepared.train, prepared),
        validation: validation.map(|part| examples(part, prepared)),
        blocks: blocks.filter(|(start, end)| *start >= FEWEST_TO_FIT && end > start).collect(),
        order,
    }
}

/// Searches with the rows that choose the end of a training; with the paper's recipe on the validation tail, or on the last part of the
/// training rows where there is none. Never on test rows.
pub(super) fn run_search(
    request: &TrainRequest,
    prepared: &Prepared,
    spec: &MlpSpec,
    recipe: &Recipe,
    trials: usize,
    progress: &dyn Progress,
) -> Result<(Search, String)> {
    let folds = match recipe.standard {
        Some(_) => folds(request, prepared),
        None => in_sheet_order(prepared),
    };
    let plan = SearchPlan {
        spec,
        folds: &folds.each(),
        recipe,
        freedom: freedom(request, prepared),
        trials,
        budget: request.options.budget,
        seed: request.seed,
    };
    Ok((search(&plan, request.threads, progress)?, folds.words()))
}

/// The validation rows, or the last part of the training rows in the order of the sheet.
fn in_sheet_order(prepared: &Prepared) -> Folds<'_> {
    let all = examples(&prepared.train, prepared);
    let validation = prepared.validation.as_ref().filter(|part| !part.is_empty());
    let cut = all.len() - (all.len() as f64 * SEARCH_SHARE) as usize;
    Folds {
        all,
        validation: validation.map(|part| examples(part, prepared)),
        order: (0..all.len() as u32).collect(),
        blocks: if validation.is_some() { Vec::new() } else { vec![(cut, all.len())] },
    }
}
