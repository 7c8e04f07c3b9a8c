//! How the models of a study are trained.

use std::sync::PoisonError;

use rand::Rng;

use super::engine::Corrective;
use crate::error::Result;
use crate::features::{ClassWeights, RecipeKind};
use crate::nn::{self, Examples, Fold, Freedom, Network, Recipe};
use crate::progress::{Background, Progress};
use crate::seed::Seed;

impl Corrective<'_> {
    /// The study's recipe for rows with these labels.
    fn recipe(&self, labels: &[u8], repetition: u32) -> Recipe {
        let settings = &self.settings;
        let class_weights = (self.prepared.profile.training.class_weights == ClassWeights::Balanced).then(|| {
            let mut counts = vec![0_usize; self.spec.classes];
            labels.iter().for_each(|label| counts[usize::from(*label)] += 1);
            let each = labels.len() as f64 / self.spec.classes as f64;
            counts
                .iter()
                .map(|count| if *count == 0 { 0.0 } else { each / *count as f64 })
                .collect()
        });
        let recipe = match settings.recipe {
            RecipeKind::Paper => Recipe {
                epochs: settings.epochs,
                batch: settings.batch,
                learning_rate: settings.learning_rate,
                decay: settings.decay,
                weight_decay: settings.weight_decay,
                ..Recipe::default()
            },
            RecipeKind::Standard => {
                let drawn: u64 = Seed(settings.seed).stream("corrective/row-order", u64::from(repetition)).random();
                Recipe::standard(
                    settings.epochs,
                    settings.learning_rate,
                    settings.weight_decay,
                    settings.batch,
                    nn::order_seed(drawn),
                )
            }
        };
        Recipe { class_weights, ..recipe }
    }

    /// A model with its recipe: of the standard one end and temperature are chosen on the validation rows as they are recorded, as
    /// `recant train` does.
    pub(super) fn train(&self, fold: &Fold<f32>, repetition: u32, progress: &dyn Progress) -> Result<(Network<f32>, Recipe)> {
        let mut network = self.initial(repetition)?;
        let mut recipe = self.recipe(fold.fit.labels, repetition);
        if recipe.standard.is_some() {
            let chosen = nn::choose_schedule(&network, &[*fold], &recipe, Freedom::default(), 1, &Background(progress))?;
            recipe = chosen.0;
        }
        nn::train(&mut network, &fold.fit, &recipe, 1, &Background(progress))?;
        Ok((network, recipe))
    }

    /// Rows to train on, and the validation rows.
    pub(super) fn fold<'r>(&self, train: (&'r [f32], &'r [u8]), validation: (&'r [f32], &'r [u8])) -> Fold<'r, f32> {
        let all = |(inputs, labels): (&'r [f32], &'r [u8])| Examples::all(inputs, self.width(), labels);
        Fold {
            fit: all(train),
            judge: all(validation),
        }
    }

    /// Initial weights are shared by all patterns and rates of a repetition, so that those are comparable.
    pub(super) fn initial(&self, repetition: u32) -> Result<Network<f32>> {
        let seed = Seed(self.settings.seed)
            .stream("corrective/initial-weights", u64::from(repetition))
            .random();
        Network::initial(&self.spec, Seed(seed))
    }

    /// The model of a repetition on clean labels, trained once.
    pub(super) fn trained_clean(&self, repetition: u32, progress: &dyn Progress) -> Result<Network<f32>> {
        if let Some(found) = self.clean.lock().unwrap_or_else(PoisonError::into_inner).get(&repetition) {
            return Ok(found.clone());
        }
        let (part, later) = (&self.prepared.train, self.validation()?);
        let fold = self.fold((&part.inputs, &part.labels), (&later.inputs, &later.labels));
        let (network, _) = self.train(&fold, repetition, progress)?;
        self.clean
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(repetition, network.clone());
        Ok(network)
    }
}
