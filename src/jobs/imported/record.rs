//! What an imported model's repair is judged by, and its record.

use super::divide::Divided;
use super::rows::probabilities;
use super::{ImportedJob, ImportedRows, Ran};
use crate::error::Result;
use crate::evaluate::record::{Comparison, MethodRecord, ModelSummary, RECORD_VERSION, Recommendation, RepairRecord};
use crate::evaluate::{
    RowNames, RowSet, Rows as JudgedRows, SortedComparison, Standing, changed_rows, compare_sorted, flagged_agreement, flagged_rows,
};
use crate::jobs::convert;
use crate::learner::Classifier;
use crate::notes::Notes;
use crate::repair::{self, RepairMethod};

/// Probabilities before and after each method (rows x classes).
type OnRows = (Vec<f32>, Vec<Vec<f32>>);

/// All methods on all sets of rows.
pub(super) struct Judgement {
    test: Option<(OnRows, Vec<SortedComparison>)>,
    validation: Option<Vec<Option<Comparison>>>,
    pub on_validation: Option<OnRows>,
    /// The flagged rows, in the order of the flags.
    pub flagged: ImportedRows,
    pub flagged_before: Vec<f32>,
    pub flagged_after: Vec<Vec<f32>>,
}

impl Judgement {
    pub fn of(job: &ImportedJob, divided: &Divided, ran: &[Ran]) -> Result<Self> {
        let predict = |rows: &ImportedRows| -> Result<OnRows> {
            let before = probabilities(&job.imported.network, &rows.encoded, job.threads)?;
            let after = ran.iter().map(|ran| ran.probabilities(rows, job.threads)).collect::<Result<_>>()?;
            Ok((before, after))
        };
        let classes = &job.imported.classes;
        let compare = |rows: &JudgedRows, standing: &[Standing], seen: &OnRows| {
            let slices: Vec<&[f32]> = seen.1.iter().map(Vec::as_slice).collect();
            compare_sorted(rows, standing, None, &seen.0, &slices, &job.settings)
        };
        let test = match &job.test {
            None => None,
            Some(part) => {
                let seen = predict(part)?;
                // The person vouches for a sheet of its own.
                let standing = vec![Standing::Trusted; part.labels.len()];
                let compared = compare(&judged(part, classes), &standing, &seen)?;
                Some((seen, compared))
            }
        };
        let (mut on_validation, mut validation) = (None, None);
        if let Some(part) = &divided.validation {
            let seen = predict(&part.rows)?;
            let compared = compare(&part.judged.rows(RowSet::Validation, classes), &part.judged.standing, &seen)?;
            validation = Some(compared.into_iter().map(|compared| compared.trusted).collect());
            on_validation = Some(seen);
        }
        let places: Vec<usize> = job.flags.training.iter().map(|flag| flag.position as usize).collect();
        let flagged = job.imported.rows.subset(&places);
        let (flagged_before, flagged_after) = predict(&flagged)?;
        Ok(Self {
            test,
            validation,
            on_validation,
            flagged,
            flagged_before,
            flagged_after,
        })
    }

    /// A method on the test rows.
    pub fn compared(&self, place: usize) -> Option<&SortedComparison> {
        self.test.as_ref()?.1.get(place)
    }
}

fn judged<'a>(rows: &'a ImportedRows, classes: &'a [String]) -> JudgedRows<'a> {
    JudgedRows {
        set: RowSet::Test,
        labels: &rows.labels,
        groups: None,
        classes,
    }
}

/// The record of all methods, of which that at `place` was chosen.
pub(super) fn record(
    job: &ImportedJob,
    ran: &[Ran],
    found: &Judgement,
    place: usize,
    recommendation: Recommendation,
    notes: &mut Notes,
) -> Result<RepairRecord> {
    let classes = &job.imported.classes;
    let mut methods = Vec::with_capacity(ran.len());
    for (place, ran) in ran.iter().enumerate() {
        let compared = found.compared(place);
        methods.push(MethodRecord {
            name: ran.method.name().to_owned(),
            title: ran.method.title().to_owned(),
            description: ran.method.description().to_owned(),
            dampening: ran.outcome.dampening.clone(),
            test: compared.and_then(|compared| compared.trusted.clone()),
            test_as_recorded: None,
            whole: None,
            validation: found.validation.as_ref().and_then(|compared| compared[place].clone()),
            flagged_agreement: flagged_agreement(
                &found.flagged.labels,
                &found.flagged_before,
                &found.flagged_after[place],
                classes.len(),
            )?,
        });
    }
    let corrections: Vec<Option<u8>> = job.flags.training.iter().map(|flag| flag.correction).collect();
    let flagged = &found.flagged;
    let named = RowNames {
        keys: &flagged.keys,
        numbers: Some(&flagged.numbers),
    };
    let flagged_rows = flagged_rows(
        &flagged.labels,
        Some(&corrections),
        named,
        &found.flagged_before,
        &found.flagged_after[place],
        classes,
    )?;
    let changed = match (&job.test, &found.test) {
        (Some(part), Some(((before, after), _))) => {
            let named = RowNames {
                keys: &part.keys,
                numbers: Some(&part.numbers),
            };
            changed_rows(&judged(part, classes), named, before, &after[place], None)?
        }
        _ => Vec::new(),
    };
    tell(job, ran, place, &recommendation, notes);
    Ok(RepairRecord {
        record_version: RECORD_VERSION,
        recant_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: job.command.clone(),
        model: summary(job),
        flags: convert::flag_counts(&job.flags.counts),
        settings: job.settings.clone(),
        recommendation,
        methods,
        chosen: ran[place].method.name().to_owned(),
        leakage: None,
        flagged_rows,
        changed_rows: changed,
        affected: None,
        expansion: None,
        notes: notes.clone(),
    })
}

/// What is missing, and what was written all the same.
fn tell(job: &ImportedJob, ran: &[Ran], place: usize, recommendation: &Recommendation, notes: &mut Notes) {
    if job.test.is_none() {
        notes.add(
            "not-evaluated",
            "there are no test rows to judge the repair by",
            "the model was repaired and not evaluated; `--test SHEET` adds the evidence",
        );
    }
    let chosen = ran[place].method;
    if job.methods.len() > 1 && recommendation.method.is_none() && chosen.name() != repair::NO_REPAIR.name() {
        notes.add(
            "not-recommended",
            format!("none of the {} methods is recommended", ran.len()),
            format!(
                "the model of {}, the first that ran, was written; keep the old model, or `--method NAME` writes another's",
                chosen.title()
            ),
        );
    }
}

fn summary(job: &ImportedJob) -> ModelSummary {
    let (imported, rows) = (job.imported, &job.imported.rows);
    let count = imported.classes.len();
    let share =
        |class: usize| rows.labels.iter().filter(|label| usize::from(**label) == class).count() as f64 / rows.labels.len().max(1) as f64;
    ModelSummary {
        name: job.model_name.clone(),
        network: format!("imported ({})", imported.model.format()),
        parameters: imported.network.parameters().len(),
        inputs: rows.encoded.width,
        classes: imported.classes.clone(),
        profile: "imported".to_owned(),
        data_file: job.data.0.clone(),
        data_sha256: job.data.1.clone(),
        training_rows: rows.labels.len(),
        training_period: None,
        test_period: None,
        class_shares: (0..count).map(share).collect(),
        seed: job.settings.seed,
    }
}
