//! Repairs in one way, from what is known and found.

use std::time::Instant;

use super::steps::{likeliest, options, take_step};
use super::{Flags, Group, ImageStudy};
use crate::datasets::images::Augmentation;
use crate::error::{ErrorKind, Result};
use crate::experiments::corrective::measure::relabelled;
use crate::experiments::corrective::settings::{Proposed, Way};
use crate::experiments::corrective_images::record::Record;
use crate::experiments::corrective_images::settings::{IMPORTANCE_BATCH, ImageStudySettings, Piece};
use crate::experiments::images;
use crate::experiments::study::Seconds;
use crate::experiments::{RunFolder, Unit};
use crate::label_errors::images::FoundImages;
use crate::learner::{Plan, Rows};
use crate::nn::images::ImageNetwork;
use crate::progress::{Background, Progress};
use crate::repair::{Needs, Repairable, Request, Session, Trained};

/// Images that a repair is told of.
struct Told {
    /// Their numbers, ascending.
    positions: Vec<u32>,
    /// The class that each is learned as; `None` of those that are dropped; empty where all are.
    classes: Vec<Option<u8>>,
}

/// What a repair came to.
struct Outcome {
    network: ImageNetwork<f32>,
    deletion_change: f64,
    validation_accuracy: Option<f64>,
    chosen: Option<String>,
    failed: Option<String>,
    seconds: f64,
}

impl Told {
    fn of(mut positions: Vec<u32>, found: Option<&FoundImages>, way: &Way) -> Self {
        positions.extend(found.iter().flat_map(|found| found.proposals.iter().map(|proposal| proposal.row)));
        let learned = found.filter(|_| way.proposed == Some(Proposed::Relabel));
        // Of what is in doubt neither label is learned. A method that does not learn would take it for wrong.
        if way.steps.iter().all(|step| step.method.needs() == Needs::TrainingRows) {
            positions.extend(learned.iter().flat_map(|found| &found.doubtful));
        }
        positions.sort_unstable();
        Self {
            classes: learned.map_or_else(Vec::new, |found| likeliest(&positions, found)),
            positions,
        }
    }
}

impl ImageStudy {
    /// Repairs in one way. A way that fails for a reason of its own leaves the spoiled model and says why.
    pub(super) fn repaired(
        &self,
        folder: &RunFolder<ImageStudySettings>,
        unit: &Unit<Piece>,
        way: &Way,
        group: &Group,
        progress: &dyn Progress,
    ) -> Result<(Record, Seconds)> {
        let settings = folder.settings();
        let flags = self.flags(settings, &unit.key, group)?;
        let flagged = &flags.training.flagged;
        let known = settings.known(&unit.key).unwrap_or_default().to_bits();
        let first = group.found.iter().find(|(share, ..)| way.proposed.is_some() && *share == known);
        let mut stages = Seconds::new();
        stages.extend(first.map(|(.., seconds)| ("expand".to_owned(), *seconds)));
        let mut found = first.map(|(_, found, _)| found.clone());
        if let Some(last) = found.as_ref().filter(|_| way.twice) {
            let (better, seconds) = self.look_again(folder, (unit, way), (group, &flags), last, progress)?;
            *stages.entry("expand".to_owned()).or_default() += seconds;
            found = Some(better);
        }
        let told = Told::of(flagged.clone(), found.as_ref(), way);
        let outcome = self.repair(folder, (unit, &unit.name, way), (group, &flags), &told, progress)?;
        stages.insert("repair".to_owned(), outcome.seconds);
        let learned = (way.proposed == Some(Proposed::Relabel)).then(|| relabelled(&told.positions, &told.classes, &self.set.train.labels));
        let proposed = found
            .as_ref()
            .map(|found| found.proposals.iter().map(|proposal| proposal.row).collect::<Vec<_>>());
        let wrong = |rows: &Vec<u32>| {
            rows.iter()
                .filter(|row| group.spoiled.manipulated.binary_search(row).is_ok())
                .count() as u32
        };
        let record = Record {
            relabelled: learned.map(|(all, _)| all),
            relabelled_right: learned.map(|(_, right)| right),
            proposed: proposed.as_ref().map(|rows| rows.len() as u32),
            proposed_wrong: proposed.as_ref().map(wrong),
            rules: found.map_or_else(Vec::new, |found| found.rules),
            flags: flagged.len() as u32,
            false_flags: flags.training.false_flags.len() as u32,
            deletion_change: Some(outcome.deletion_change),
            validation_accuracy: outcome.validation_accuracy,
            chosen: outcome.chosen,
            failed: outcome.failed,
            ..self
                .judged(group, &group.normalisation)
                .record(&outcome.network, &Background(progress))?
        };
        Ok((record, stages))
    }

    /// What the model sees that is repaired from what was found, and the seconds that this repair and the search took. A known image that the search
    /// would have missed keeps its label in this repair: so the known ones stay like the others that were missed.
    fn look_again(
        &self,
        folder: &RunFolder<ImageStudySettings>,
        (unit, way): (&Unit<Piece>, &Way),
        (group, flags): (&Group, &Flags),
        found: &FoundImages,
        progress: &dyn Progress,
    ) -> Result<(FoundImages, f64)> {
        let name = format!("{}_first", unit.name);
        let seen = |row: &u32| found.missed.binary_search(row).is_err();
        let again = flags.training.flagged.iter().copied().filter(seen).collect();
        let told = Told::of(again, Some(found), way);
        if told.positions.is_empty() {
            return Ok((found.clone(), 0.0));
        }
        let (network, seconds) = images::made_once(folder, (&name, &self.spec), progress, || {
            let outcome = self.repair(folder, (unit, &name, way), (group, flags), &told, progress)?;
            Ok((outcome.network, Vec::new(), outcome.seconds))
        })?;
        let begun = Instant::now();
        let better = self.find_with(&network, folder.settings(), &unit.key, (group, flags), progress)?;
        Ok((better, seconds + begun.elapsed().as_secs_f64()))
    }

    /// Repairs the spoiled network of these images.
    fn repair(
        &self,
        folder: &RunFolder<ImageStudySettings>,
        (unit, name, way): (&Unit<Piece>, &str, &Way),
        (group, flags): (&Group, &Flags),
        told: &Told,
        progress: &dyn Progress,
    ) -> Result<Outcome> {
        let (settings, seed) = (folder.settings(), self.model_seed(&unit.key));
        let plain = group.training(Augmentation::NONE, seed);
        let augmented = group.training(self.settings.augmentation, seed);
        let validation = group.stamped((&flags.validation, &flags.stamped), Augmentation::NONE, seed);
        let trained = Trained {
            classifier: &group.network,
            initial: Some(&group.initial),
            plan: Plan::shuffled(&settings.recipe, seed),
            training_rows: group.spoiled.images.len(),
            importance_batch: IMPORTANCE_BATCH,
            stored: None,
            full_set: &group.full_set,
        };
        let request = Request {
            positions: &told.positions,
            flagged: None,
            corrections: &told.classes,
            training: Some(Rows::images(&plain)),
            augmented: Some(Rows::images(&augmented)),
        };
        let checkpoints = images::checkpoints(folder, name, &self.spec);
        let quiet = Background(progress);
        let mut model = Session::new(trained, request, self.with(), &quiet)?
            .with_validation(Rows::images(&validation))?
            .with_checkpoints(Some(&checkpoints));
        let (mut chosen, mut failed) = (None, None);
        for (place, step) in way.steps.iter().enumerate() {
            let options = options(settings, step)?;
            // Only the first of a chain starts from the trained model, as a search does.
            let search = settings.search && place == 0 && !flags.validation.is_empty();
            match take_step(step, &mut model, &options, search, progress) {
                Ok(settings) => chosen = chosen.or(settings),
                Err(error) if error.kind() == ErrorKind::Input => {
                    model.start_over();
                    failed = Some(error.message().to_owned());
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        let outcome = Outcome {
            network: model.network().clone(),
            deletion_change: model.deletion_change()?,
            validation_accuracy: model.validation_accuracy()?,
            chosen,
            failed,
            // Of retraining, what passed before an interruption counts as well.
            seconds: checkpoints.seconds(),
        };
        checkpoints.remove();
        Ok(outcome)
    }
}
