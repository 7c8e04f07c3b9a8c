//! A run in figures: means and standard deviations over the seeds, and the published figures beside them.

use serde::{Deserialize, Serialize};

use super::record::Record;
use super::settings::{ForgetSettings, Piece};
use super::task::published_place;
use super::{BASELINE, SWEEP};
use crate::datasets::published::{self, Figure, ImageForgetting};
use crate::error::{Error, Result};
pub use crate::experiments::images::Spread;
use crate::experiments::images::mean;
use crate::experiments::{RunFolder, Unit};
use crate::notes::Notes;

/// A run, summarised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForgetReport {
    /// What was computed.
    pub settings: ForgetSettings,
    /// Pieces that are there, and pieces planned.
    pub pieces: (usize, usize),
    /// By image set and task, in the order of the settings; those of which something is there.
    pub tasks: Vec<TaskReport>,
}

/// One task on one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Index of its set among the settings.
    pub part: usize,
    /// Image set.
    pub dataset: String,
    /// Task.
    pub task: String,
    /// Training images to forget, in the first model.
    pub forget_rows: u32,
    /// Whether the forget accuracy is that on the training images to forget.
    pub judged_on_training: bool,
    /// Table of the paper that has this task.
    pub table: Option<u8>,
    /// The model as it was trained, then the methods.
    pub methods: Vec<MethodReport>,
    /// SSD over alphas and lambdas, means over the seeds.
    pub sweep: Vec<SweepPoint>,
    /// Alpha that ASSD chose, mean over the seeds.
    pub assd_alpha: Option<f64>,
}

/// One method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodReport {
    /// Its name.
    pub method: String,
    /// Accuracy on the test images to keep.
    pub retain: Spread,
    /// Accuracy on the images to forget.
    pub forget: Spread,
    /// Share of the training images to forget that membership inference takes for training images.
    pub membership: Spread,
    /// Seconds, mean.
    pub seconds: Option<f64>,
    /// Share of the parameters that were dampened, mean.
    pub dampened: Option<f64>,
    /// Published figures, as fractions: of ResNet-18 or ViT, on the whole set.
    pub published: Option<PublishedFigures>,
    /// Seeds in which it failed.
    pub failed: usize,
}

/// Mean and standard deviation as published, as fractions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PublishedFigures {
    /// Accuracy on what is kept.
    pub retain: (f64, f64),
    /// Accuracy on what is forgotten.
    pub forget: (f64, f64),
    /// Membership inference.
    pub membership: (f64, f64),
}

/// SSD at one alpha and lambda.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SweepPoint {
    /// Selection weighting.
    pub alpha: f64,
    /// Dampening constant.
    pub lambda: f64,
    /// Accuracy on the test images to keep, mean.
    pub retain: f64,
    /// Accuracy on the images to forget, mean.
    pub forget: f64,
    /// Membership inference, mean.
    pub membership: f64,
}

fn spread(records: &[Record], figure: fn(&Record) -> Option<f64>) -> Spread {
    Spread::of(&records.iter().filter_map(figure).collect::<Vec<f64>>())
}

/// Summarises what is there of a run.
///
/// # Errors
/// Where a piece cannot be read, or none is there.
pub(super) fn summarise(folder: &RunFolder<ForgetSettings>, notes: &mut Notes) -> Result<ForgetReport> {
    let settings = folder.settings();
    let units = folder.units()?;
    let (mut tasks, mut there) = (Vec::new(), 0);
    for (part, about) in settings.parts.iter().enumerate() {
        for task in 0..about.tasks.len() {
            let own = units.iter().filter(|unit| (unit.key.part, unit.key.task) == (part, task));
            let own: Vec<&Unit<Piece>> = own.collect();
            let (found, count) = task_report(folder, &own, notes)?;
            there += count;
            tasks.extend(found);
        }
    }
    if tasks.is_empty() {
        return Err(
            Error::input("nothing of this run is computed yet").hint("start `recant bench forget` again: it goes on where it stopped")
        );
    }
    Ok(ForgetReport {
        settings: settings.clone(),
        pieces: (there, units.len()),
        tasks,
    })
}

/// Seconds of a method itself; those of the model as it was trained are its training's.
fn own_seconds(folder: &RunFolder<ForgetSettings>, unit: &Unit<Piece>) -> Option<f64> {
    let part = if unit.key.name == BASELINE { "train" } else { &unit.key.name };
    folder.timings(unit)?.stages.get(part).copied()
}

fn task_report(folder: &RunFolder<ForgetSettings>, units: &[&Unit<Piece>], notes: &mut Notes) -> Result<(Option<TaskReport>, usize)> {
    let settings = folder.settings();
    let Some(first) = units.first().map(|unit| &unit.key) else {
        return Ok((None, 0));
    };
    let (dataset, task) = (&settings.part(first).dataset, &settings.task(first).task);
    let place = published_place(dataset, task);
    let rows = published_rows(place, &settings.network)?;
    let (mut methods, mut sweep, mut there) = (Vec::new(), Vec::new(), 0);
    let (mut forget_rows, mut judged_on_training, mut assd_alpha) = (0, false, None);
    for piece in settings.pieces() {
        let (mut records, mut seconds) = (Vec::new(), Vec::new());
        for unit in units.iter().filter(|unit| unit.key.name == piece) {
            if let Some(found) = folder.whole_records(unit, notes)? {
                there += 1;
                records.extend(found);
                seconds.extend(own_seconds(folder, unit));
            }
        }
        let Some(one) = records.first() else { continue };
        (forget_rows, judged_on_training) = (one.forget_rows, task.starts_with("random"));
        if piece == SWEEP {
            sweep = points(&records);
            continue;
        }
        if piece == "assd" {
            assd_alpha = mean(&records.iter().filter_map(|record| record.alpha).collect::<Vec<f64>>());
        }
        let dampened: Vec<f64> = records
            .iter()
            .filter_map(|record| Some(record.dampened? as f64 / record.parameters.max(1) as f64))
            .collect();
        methods.push(MethodReport {
            method: piece.to_owned(),
            retain: spread(&records, Record::retain_accuracy),
            forget: spread(&records, Record::forget_accuracy),
            membership: spread(&records, Record::membership),
            seconds: mean(&seconds),
            dampened: mean(&dampened),
            published: published_figures(&rows, piece),
            failed: records.iter().filter(|record| record.failed.is_some()).count(),
        });
    }
    let report = TaskReport {
        part: first.part,
        dataset: dataset.clone(),
        task: task.clone(),
        forget_rows,
        judged_on_training,
        table: place.map(|(table, _)| table),
        sweep,
        assd_alpha,
        methods,
    };
    Ok(((there > 0).then_some(report), there))
}

/// Means over the records of equal alpha and lambda, in their first order.
fn points(records: &[Record]) -> Vec<SweepPoint> {
    let mut found: Vec<SweepPoint> = Vec::new();
    for record in records {
        let (Some(alpha), Some(lambda)) = (record.alpha, record.lambda) else {
            continue;
        };
        if found.iter().any(|point| (point.alpha, point.lambda) == (alpha, lambda)) {
            continue;
        }
        let same = records
            .iter()
            .filter(|other| (other.alpha, other.lambda) == (Some(alpha), Some(lambda)));
        let same: Vec<Record> = same.cloned().collect();
        found.push(SweepPoint {
            alpha,
            lambda,
            retain: spread(&same, Record::retain_accuracy).mean,
            forget: spread(&same, Record::forget_accuracy).mean,
            membership: spread(&same, Record::membership).mean,
        });
    }
    found
}

fn of_transformer(network: &str) -> bool {
    network.starts_with("vit")
}

/// The network whose published figures stand beside those of this one.
pub fn published_network(network: &str) -> &'static str {
    if of_transformer(network) { "ViT-B/16" } else { "ResNet-18" }
}

/// The rows of a table about one task: retain, forget, membership. ViT stands beside ViT, ResNet-18 beside everything else.
fn published_rows(place: Option<(u8, &str)>, network: &str) -> Result<Vec<ImageForgetting>> {
    let Some((table, class)) = place else { return Ok(Vec::new()) };
    let network = if of_transformer(network) { "vit" } else { "resnet18" };
    let rows = published::image_forgetting(table)?.into_iter();
    Ok(rows.filter(|row| row.class == class && row.network == network).collect())
}

fn published_figures(rows: &[ImageForgetting], method: &str) -> Option<PublishedFigures> {
    let of = |metric: &str| -> Option<(f64, f64)> {
        let row = rows.iter().find(|row| row.metric == metric)?;
        let figure: &Figure = match method {
            BASELINE => &row.baseline,
            "retrain" => &row.retrain,
            "assd" => &row.assd,
            "ssd" => &row.ssd,
            _ => return None,
        };
        Some((figure.mean / 100.0, figure.sd / 100.0))
    };
    Some(PublishedFigures {
        retain: of("retain")?,
        forget: of("forget")?,
        membership: of("mia")?,
    })
}
