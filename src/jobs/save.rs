//! From finished jobs to model folders, report included, written whole or not at all.

use std::path::Path;

use crate::error::{Error, Result};
use crate::features::Part;
use crate::files;
use crate::jobs::repair::{RepairJob, Repaired};
use crate::jobs::train::Trained;
use crate::label_errors::flags::{KeyHash, RowIndex};
use crate::model::{Contents, DataInfo, EvaluationRows, FORMAT_VERSION, ModelFolder, ModelInfo, Origin, Parent, PartInfo, Repair};
use crate::nn::store_importances;
use crate::seed::Seed;
use crate::tables::Table;

/// The model folder of a training.
///
/// # Errors
/// Where the pieces do not fit each other.
pub fn folder_of(trained: &Trained, table: &Table, keep_evaluation_rows: bool) -> Result<ModelFolder> {
    let prepared = &trained.prepared;
    let record = &trained.record;
    let classes = record.model.classes.clone();
    let part = |part: &Part, accuracy: Option<f64>| PartInfo {
        rows: part.len(),
        period: part.period(),
        class_counts: counts(&part.labels, classes.len()),
        accuracy,
    };
    let info = ModelInfo {
        format_version: FORMAT_VERSION,
        recant_version: env!("CARGO_PKG_VERSION").to_owned(),
        contents: Contents::Whole,
        classes: classes.clone(),
        network: trained.network.spec().clone(),
        recipe: trained.recipe.clone(),
        seed: record.model.seed,
        data: DataInfo {
            file: record.model.data_file.clone(),
            sha256: record.model.data_sha256.clone(),
            rows: table.height(),
        },
        split: prepared.bounds.clone(),
        train: part(&prepared.train, Some(record.training_metrics.accuracy.estimate)),
        validation: prepared
            .validation
            .as_ref()
            .map(|rows| part(rows, record.validation.as_ref().map(|metrics| metrics.accuracy.estimate))),
        test: part(&prepared.test, record.test.as_ref().map(|metrics| metrics.accuracy.estimate)),
        left_out: prepared.left_out.clone(),
        repairs: Vec::new(),
    };
    let hashing = KeyHash::drawn(Seed(info.seed), &info.data.sha256);
    let model = ModelFolder {
        importances: Some(trained.importances.clone().at_least(info.contents.smallest_batch())),
        info,
        profile: prepared.profile.clone(),
        features: prepared.features.clone(),
        network: trained.network.clone(),
        initial: trained.initial.clone(),
        rows: RowIndex::from_prepared(table, prepared, hashing)?,
        training: Some(serde_json::to_value(record).map_err(|error| Error::internal(format!("training record: {error}")))?),
        evaluation: keep_evaluation_rows.then(|| EvaluationRows {
            validation: prepared.validation.as_ref().map(|part| part.inputs.clone()).unwrap_or_default(),
            test: prepared.test.inputs.clone(),
        }),
    };
    if trained.private { model.private() } else { Ok(model) }
}

/// Writes a trained model with its card (a plain one where none is given); `beside` puts the report into the same folder before it takes its name.
///
/// # Errors
/// Where the folder exists or cannot be written.
pub fn save_trained(model: &ModelFolder, card: Option<&str>, out: &Path, beside: impl FnOnce(&Path) -> Result<()>) -> Result<Origin> {
    files::write_folder(out, |folder| {
        let origin = model.write_into(folder, card, beside)?;
        Ok(Origin {
            name: out.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            ..origin
        })
    })
}

/// Writes a repaired model, which remembers what it was repaired from.
///
/// # Errors
/// As [`save_trained`].
pub fn save_repaired(
    repaired: &Repaired,
    job: &RepairJob,
    origin: &Origin,
    flags_sha256: &str,
    out: &Path,
    beside: impl FnOnce(&Path) -> Result<()>,
) -> Result<Origin> {
    let mut model = job.model.clone();
    model.network = repaired.network.clone();
    model.importances = match &job.training {
        // With the data at hand, what a next repair needs is measured again; without, the old sums do not fit the new weights.
        Some(data) => {
            let examples = crate::nn::Examples::all(&data.inputs, model.info.network.inputs, &data.labels);
            let stored = store_importances(&model.network, &examples, model.info.recipe.batch, job.threads)?;
            Some(stored.at_least(model.info.contents.smallest_batch()))
        }
        None => None,
    };
    let chosen = repaired.record.methods.iter().find(|method| method.name == repaired.record.chosen);
    model.info.train.accuracy = None;
    model.info.validation.iter_mut().for_each(|part| part.accuracy = None);
    model.info.test.accuracy = chosen
        .and_then(|method| method.test.as_ref())
        .map(|test| test.after.accuracy.estimate);
    model.info.repairs.push(Repair {
        parent: Parent {
            name: origin.name.clone(),
            sha256: origin.sha256.clone(),
        },
        method: repaired.record.chosen.clone(),
        flags_file: job.flags.counts.file.clone(),
        flags_sha256: flags_sha256.to_owned(),
        flagged: job.flags.counts.used,
        corrected: job.flags.counts.with_correction,
        recommended: chosen
            .filter(|method| method.validation.is_some())
            .map(|_| repaired.record.recommends_the_written()),
    });
    save_trained(&model, None, out, beside)
}

fn counts(labels: &[u8], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    labels.iter().for_each(|label| counts[usize::from(*label)] += 1);
    counts
}
