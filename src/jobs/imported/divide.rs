//! Which rows an imported model is repaired with, and which choose among several methods.

use rand::seq::SliceRandom;

use super::{ImportedJob, ImportedRows};
use crate::error::Result;
use crate::evaluate::Standing;
use crate::evaluate::words::count;
use crate::jobs::repair::ForgetSet;
use crate::jobs::rows::{JudgedRows, TrainingData};
use crate::jobs::trust::Suspicion;
use crate::label_errors::flags::ResolvedFlags;
use crate::notes::Notes;
use crate::seed::Seed;

/// Share of the training rows that choose where no other rows are given.
const SHARE: f64 = 0.2;

/// Rows for the methods, and rows to choose by.
pub(super) struct Divided {
    /// Training rows that the methods see.
    pub training: TrainingData,
    /// Their places among all training rows.
    pub kept: Vec<usize>,
    /// The flags, by place among the rows that the methods see.
    pub flags: ResolvedFlags,
    /// Rows to choose by.
    pub validation: Option<Validation>,
}

/// Rows to choose by.
pub(super) struct Validation {
    pub rows: ImportedRows,
    pub judged: JudgedRows,
    /// Whether they are under suspicion for nothing but their label.
    pub label_alone: bool,
}

/// The rows as they may judge.
fn judged(rows: &ImportedRows) -> JudgedRows {
    let count = rows.labels.len();
    JudgedRows {
        inputs: rows.encoded.values.clone(),
        labels: rows.labels.clone(),
        groups: None,
        keys: rows.keys.clone(),
        numbers: Some(rows.numbers.clone()),
        flagged: vec![false; count],
        looked_up: vec![false; count],
        standing: vec![Standing::Trusted; count],
        period: None,
        table_rows: rows.table_rows.clone(),
    }
}

impl Divided {
    /// Where one method runs, it sees all rows. Where several do, they are chosen among by the rows that the person names, or by a random
    /// fifth of the training rows that are not flagged, which then no method sees.
    pub fn of(job: &ImportedJob, notes: &mut Notes) -> Result<Self> {
        let rows = &job.imported.rows;
        let whole = |validation| Self {
            training: TrainingData {
                inputs: rows.encoded.values.clone(),
                labels: rows.labels.clone(),
            },
            kept: (0..rows.labels.len()).collect(),
            flags: job.flags.clone(),
            validation,
        };
        if job.methods.len() < 2 {
            return Ok(whole(None));
        }
        if let Some(rows) = &job.validation {
            return Ok(whole(Some(Validation {
                rows: rows.clone(),
                judged: judged(rows),
                label_alone: false,
            })));
        }
        let seed = Seed(job.settings.seed);
        let mut flagged = vec![false; rows.labels.len()];
        job.flags.training.iter().for_each(|flag| flagged[flag.position as usize] = true);
        let mut others: Vec<usize> = (0..rows.labels.len()).filter(|row| !flagged[*row]).collect();
        others.shuffle(&mut seed.stream("imported-validation", 0));
        let drawn = (others.len() as f64 * SHARE) as usize;
        let mut chosen = others[..drawn].to_vec();
        chosen.sort_unstable();
        let mut chooses = vec![false; rows.labels.len()];
        chosen.iter().for_each(|row| chooses[*row] = true);
        let kept: Vec<usize> = (0..rows.labels.len()).filter(|row| !chooses[*row]).collect();
        let mut flags = job.flags.clone();
        for flag in &mut flags.training {
            flag.position = kept.partition_point(|row| *row < flag.position as usize) as u32;
        }
        let seen = rows.subset(&kept);
        let training = TrainingData {
            inputs: seen.encoded.values,
            labels: seen.labels,
        };
        let own = rows.subset(&chosen);
        let mut judged = judged(&own);
        let suspicion = suspect(job, &training, &flags, &mut judged)?;
        let trusted = judged.standing.iter().filter(|standing| standing.is_trusted()).count();
        // Where nothing but their label is under suspicion, all of them may choose.
        let label_alone = suspicion.is_of_a_label_alone();
        let like = match suspicion.words() {
            Some(words) if label_alone => format!("; all may choose, for nothing but their label is under suspicion ({words})"),
            Some(words) => format!(", of which {} are not under suspicion ({words})", count(trusted)),
            None => String::new(),
        };
        notes.add(
            "validation-rows-drawn",
            format!(
                "methods are chosen by {} random rows of `{}` that are not flagged (a fifth, seed {}){like}",
                count(judged.labels.len()),
                job.data.0,
                job.settings.seed
            ),
            "the methods do not see them; the model was trained on them, so they show losses better than gains: `--validation SHEET` takes others",
        );
        Ok(Self {
            training,
            kept,
            flags,
            validation: Some(Validation {
                rows: own,
                judged,
                label_alone,
            }),
        })
    }

    /// The flagged rows as methods are given them.
    pub fn forget(&self, width: usize) -> ForgetSet {
        let places = self.flags.positions();
        ForgetSet {
            inputs: places
                .iter()
                .flat_map(|row| {
                    self.training.inputs[*row as usize * width..(*row as usize + 1) * width]
                        .iter()
                        .copied()
                })
                .collect(),
            labels: self.flags.training.iter().map(|flag| flag.observed).collect(),
            corrections: self.flags.training.iter().map(|flag| flag.correction).collect(),
            positions: places,
        }
    }
}

/// Marks the rows that are under suspicion. An imported model's inputs may be of any scale: they are standardised for this.
fn suspect(job: &ImportedJob, training: &TrainingData, flags: &ResolvedFlags, judged: &mut JudgedRows) -> Result<Suspicion> {
    let width = job.imported.rows.encoded.width;
    let scale = Scale::of(&training.inputs, width);
    let scaled = TrainingData {
        inputs: scale.apply(&training.inputs),
        labels: training.labels.clone(),
    };
    let suspicion = Suspicion::of_inputs(&scaled, width, &job.imported.classes, flags, Seed(job.settings.seed), job.threads)?;
    let own = std::mem::take(&mut judged.inputs);
    judged.inputs = scale.apply(&own);
    suspicion.sort(judged, job.threads)?;
    judged.inputs = own;
    Ok(suspicion)
}

/// Mean and spread of every column.
struct Scale(Vec<(f64, f64)>);

impl Scale {
    fn of(inputs: &[f32], width: usize) -> Self {
        let rows = (inputs.len() / width.max(1)).max(1) as f64;
        let mut sums = vec![(0.0_f64, 0.0_f64); width];
        for row in inputs.chunks_exact(width.max(1)) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| sum.0 += f64::from(*value) / rows);
        }
        for row in inputs.chunks_exact(width.max(1)) {
            sums.iter_mut()
                .zip(row)
                .for_each(|(sum, value)| sum.1 += (f64::from(*value) - sum.0).powi(2) / rows);
        }
        let spread = |(mean, variance): (f64, f64)| (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 });
        Self(sums.into_iter().map(spread).collect())
    }

    fn apply(&self, inputs: &[f32]) -> Vec<f32> {
        let width = self.0.len().max(1);
        inputs
            .chunks_exact(width)
            .flat_map(|row| {
                row.iter()
                    .zip(&self.0)
                    .map(|(value, (mean, spread))| ((f64::from(*value) - mean) / spread).clamp(-10.0, 10.0) as f32)
            })
            .collect()
    }
}
