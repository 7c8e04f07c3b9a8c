//! A study in figures: means and standard deviations over the seeds.

use serde::{Deserialize, Serialize};

use super::claims::{self, Claim};
use super::record::Record;
use super::settings::{ImageStudySettings, Model, Piece};
use crate::error::{Error, Result};
use crate::experiments::images::{Spread, mean};
use crate::experiments::{RunFolder, Unit};
use crate::notes::Notes;

/// A study, summarised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageStudyReport {
    /// What was computed.
    pub settings: ImageStudySettings,
    /// Results that are there, and results planned.
    pub pieces: (usize, usize),
    /// By manipulation, in the order of the settings; those of which something is there.
    pub manipulations: Vec<ManipulationReport>,
    /// The paper's claims.
    pub claims: Vec<Claim>,
}

/// One manipulation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManipulationReport {
    /// The manipulation with all its settings.
    pub manipulation: String,
    /// Its kind.
    pub kind: String,
    /// Manipulated training images.
    pub count: usize,
    /// Images of a training.
    pub training_images: u32,
    /// Test images of the affected domain, and outside it.
    pub test_images: (u32, u32),
    /// The model trained on the set as it was; absent where it is not there yet.
    pub clean: Option<Figures>,
    /// The spoiled model.
    pub spoiled: Option<Figures>,
    /// By known share, then method, in the order of the settings.
    pub methods: Vec<MethodFigures>,
}

/// Accuracies by clean labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// On the affected test images.
    pub affected: Spread,
    /// On the test images outside; absent where there are none.
    pub elsewhere: Option<Spread>,
    /// On the manipulated training images.
    pub manipulated: Spread,
    /// Seconds of its training or repair, mean.
    pub seconds: Option<f64>,
}

/// One method at one known share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodFigures {
    /// Method.
    pub method: String,
    /// Known share.
    pub known: f64,
    /// Flagged training images, mean.
    pub flags: f64,
    /// Accuracies.
    pub figures: Figures,
    /// See [`healed_and_utility`]; mean over seeds.
    pub healed: Option<f64>,
    /// See [`healed_and_utility`]; mean over seeds.
    pub utility: Option<f64>,
    /// Share of the gap on the affected domain that is closed: (method - spoiled) / (clean - spoiled), mean over seeds with a gap of at least
    /// one point.
    pub recovered: Option<f64>,
    /// Accuracy outside minus that of the spoiled model, mean.
    pub elsewhere_change: Option<f64>,
    /// Images proposed beside the flagged ones, for ways that expand, mean.
    pub proposed: Option<f64>,
    /// Share of them that were manipulated, mean over seeds in which any was proposed.
    pub precision: Option<f64>,
    /// Share of the manipulated images that are not known which is proposed, mean.
    pub recall: Option<f64>,
    /// What the flagged images have in common, in the first seed.
    pub rules: Vec<String>,
    /// Seconds of finding the rest, for ways that do, mean; not in those of the repair.
    pub expanding_seconds: Option<f64>,
    /// Seconds of the repair and of finding the rest as a share of those of the spoiled model's training, mean.
    pub of_training: Option<f64>,
    /// Seeds in which it failed.
    pub failed: usize,
}

impl MethodFigures {
    /// Healed x utility.
    pub fn product(&self) -> Option<f64> {
        Some(self.healed? * self.utility?)
    }
}

/// Smallest gap that a share of it means something for.
const LEAST_GAP: f64 = 0.01;

/// A model of one seed: its record and the seconds that making it took.
struct Found {
    record: Record,
    seconds: Option<f64>,
    /// Of finding the rest, where that was done.
    expanding: Option<f64>,
    seed: u32,
}

/// Healed: accuracy on the manipulated training images, whose clean label is then given. Utility: accuracy on the test images that a user
/// has, without a trigger: those outside the affected domain, or the affected ones where there are no others.
pub fn healed_and_utility(record: &Record) -> (Option<f64>, Option<f64>) {
    let utility = record.elsewhere_accuracy().or_else(|| record.affected_accuracy());
    (record.manipulated_accuracy(), utility)
}

/// Summarises what is there of a study.
///
/// # Errors
/// Where a unit cannot be read, or none is there.
pub(super) fn summarise(folder: &RunFolder<ImageStudySettings>, notes: &mut Notes) -> Result<ImageStudyReport> {
    let settings = folder.settings();
    let units = folder.units()?;
    let (mut manipulations, mut there) = (Vec::new(), 0);
    for (number, spec) in settings.manipulations.iter().enumerate() {
        let of = |model: Model, notes: &mut Notes| -> Result<Vec<Found>> {
            let own = units
                .iter()
                .filter(|unit| unit.key.manipulation == number && unit.key.model == model);
            let mut found = Vec::new();
            for unit in own {
                if let Some(records) = folder.whole_records(unit, notes)? {
                    let seconds = seconds_of(folder, unit);
                    let expanding = folder.timings(unit).and_then(|timings| timings.stages.get("expand").copied());
                    let seed = unit.key.seed;
                    let one = |record| Found {
                        record,
                        seconds,
                        expanding,
                        seed,
                    };
                    found.extend(records.into_iter().map(one));
                }
            }
            Ok(found)
        };
        let (clean, spoiled) = (of(Model::Clean, notes)?, of(Model::Spoiled, notes)?);
        there += clean.len() + spoiled.len();
        let mut methods = Vec::new();
        for (known, share) in settings.known_shares.iter().enumerate() {
            for (method, name) in settings.methods.iter().enumerate() {
                let found = of(Model::Repaired { known, method }, notes)?;
                there += found.len();
                methods.extend(method_figures((name, *share), &found, &clean, &spoiled));
            }
        }
        let Some(one) = spoiled.first() else { continue };
        manipulations.push(ManipulationReport {
            manipulation: spec.clone(),
            kind: spec.split(':').next().unwrap_or_default().to_owned(),
            count: one.record.manipulated as usize,
            training_images: one.record.training_images,
            test_images: (one.record.affected, one.record.elsewhere),
            clean: figures(&clean),
            spoiled: figures(&spoiled),
            methods,
        });
    }
    if manipulations.is_empty() {
        return Err(Error::input("nothing of this study is computed yet")
            .hint("start `recant bench corrective` again: it goes on where it stopped"));
    }
    Ok(ImageStudyReport {
        settings: settings.clone(),
        pieces: (there, units.len()),
        claims: claims::held(&settings.dataset, &manipulations),
        manipulations,
    })
}

/// Seconds of the training of an unrepaired model, or of a repair alone.
fn seconds_of(folder: &RunFolder<ImageStudySettings>, unit: &Unit<Piece>) -> Option<f64> {
    let stages = folder.timings(unit)?.stages;
    match unit.key.model {
        Model::Repaired { .. } => stages.get("repair").copied(),
        _ => stages.get("train").copied(),
    }
}

fn figures(found: &[Found]) -> Option<Figures> {
    let values = |of: &dyn Fn(&Record) -> Option<f64>| found.iter().filter_map(|one| of(&one.record)).collect::<Vec<f64>>();
    let elsewhere = values(&Record::elsewhere_accuracy);
    let seconds: Vec<f64> = found.iter().filter_map(|one| one.seconds).collect();
    (!found.is_empty()).then(|| Figures {
        affected: Spread::of(&values(&Record::affected_accuracy)),
        elsewhere: (!elsewhere.is_empty()).then(|| Spread::of(&elsewhere)),
        manipulated: Spread::of(&values(&Record::manipulated_accuracy)),
        seconds: mean(&seconds),
    })
}

fn method_figures((method, known): (&str, f64), found: &[Found], clean: &[Found], spoiled: &[Found]) -> Option<MethodFigures> {
    let of_seed = |all: &[Found], seed: u32| all.iter().position(|one| one.seed == seed);
    let values = |of: &dyn Fn(&Found) -> Option<f64>| mean(&found.iter().filter_map(of).collect::<Vec<f64>>());
    let before = |one: &Found| of_seed(spoiled, one.seed).map(|place| &spoiled[place]);
    let recovered = |one: &Found| {
        let clean = clean[of_seed(clean, one.seed)?].record.affected_accuracy()?;
        let spoiled = before(one)?.record.affected_accuracy()?;
        (clean - spoiled >= LEAST_GAP).then_some((one.record.affected_accuracy()? - spoiled) / (clean - spoiled))
    };
    Some(MethodFigures {
        method: method.to_owned(),
        known,
        flags: values(&|one| Some(f64::from(one.record.flags)))?,
        figures: figures(found)?,
        healed: values(&|one| healed_and_utility(&one.record).0),
        utility: values(&|one| healed_and_utility(&one.record).1),
        recovered: values(&recovered),
        elsewhere_change: values(&|one| Some(one.record.elsewhere_accuracy()? - before(one)?.record.elsewhere_accuracy()?)),
        proposed: values(&|one| one.record.proposed.map(f64::from)),
        precision: values(&|one| one.record.precision()),
        recall: values(&|one| one.record.recall()),
        rules: found.first().map_or_else(Vec::new, |one| one.record.rules.clone()),
        expanding_seconds: values(&|one| one.expanding),
        of_training: values(&|one| {
            let training = before(one)?.seconds.filter(|seconds| *seconds > 0.0)?;
            Some((one.seconds? + one.expanding.unwrap_or_default()) / training)
        }),
        failed: found.iter().filter(|one| one.record.failed.is_some()).count(),
    })
}

impl ManipulationReport {
    /// Gap on the affected test images between the model trained on the set as it was and the spoiled one.
    pub fn gap(&self) -> Option<f64> {
        Some(self.clean?.affected.mean - self.spoiled?.affected.mean)
    }
}
