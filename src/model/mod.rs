//! A model folder: everything a repair or a prediction needs, in files that are checked on load.
//!
//! | file | what |
//! |---|---|
//! | `model.json` | versions, classes, network, recipe, seed, data, split, figures, ancestry; SHA-256 of every other file and of itself |
//! | `weights.safetensors` | the trained network |
//! | `initial.safetensors` | the same network before training: retraining starts from it |
//! | `importances.safetensors` | what training stored for repairs without training data (absent after a repair without data) |
//! | `rows.safetensors` | for every row of the sheet: hash of its key and group, row number, observed label; see [`RowIndex`] |
//! | `features.json` | fitted encoders |
//! | `profile.toml` | the profile with everything settled that it left to the sheet |
//! | `training.json` | the record of the training, where there is one |
//! | `evaluation.safetensors` | encoded validation and test rows, only on request, since that is data |
//! | `MODEL_CARD.md` | for people |
//! | `report/...` | the report of the training or repair, where there is one |
//! | `report.seal.json` | SHA-256 of the files of the report, which tell seconds and so differ from run to run |
//!
//! `model.json` and `report.seal.json` seal every file: an altered model is not used, and an altered report is not believed ([`check_report`], [`altered_reports`]).
//! A seal shows damage and careless changes. It is no signature: whoever alters a file on purpose can seal it again.
//!
//! Equal models give equal bytes. A folder is written whole or not at all, and never over another.

mod card;
mod info;
mod prediction;
mod rows;
mod sealed;
mod tensors;

use std::collections::BTreeMap;
use std::path::Path;

pub use info::{Contents, DataInfo, FORMAT_VERSION, ModelInfo, Parent, PartInfo, Repair};

use crate::error::{Error, Result};
use crate::features::{FittedFeatures, Profile};
use crate::files;
use crate::label_errors::flags::{Part, RowIndex};
use crate::nn::{Network, StoredImportances};
pub use prediction::{NOT_IN_A_SHARED_FOLDER, PredictionModel};
use prediction::{misfit, read_network, spec_of};
pub(crate) use sealed::MODEL;
use sealed::{Files, Seal};
pub use sealed::{altered_reports, check_report, read_info};

const WEIGHTS: &str = "weights.safetensors";
const INITIAL: &str = "initial.safetensors";
const IMPORTANCES: &str = "importances.safetensors";
const ROWS: &str = "rows.safetensors";
const FEATURES: &str = "features.json";
const PROFILE: &str = "profile.toml";
const TRAINING: &str = "training.json";
const EVALUATION: &str = "evaluation.safetensors";
const CARD: &str = "MODEL_CARD.md";

/// A trained model with all that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFolder {
    /// What `model.json` says.
    pub info: ModelInfo,
    /// The profile with everything settled that it left to the sheet.
    pub profile: Profile,
    /// Encoders, fitted on the training rows.
    pub features: FittedFeatures,
    /// The trained network.
    pub network: Network<f32>,
    /// The network before training.
    pub initial: Network<f32>,
    /// What training stored so that a repair needs only the flagged rows; `None` where a repair without data changed the network since.
    pub importances: Option<StoredImportances<f32>>,
    /// The rows of the training sheet.
    pub rows: RowIndex,
    /// The record of the training, as its job wrote it.
    pub training: Option<serde_json::Value>,
    /// Encoded rows to judge a repair by, where the person asked to keep them.
    pub evaluation: Option<EvaluationRows>,
}

/// Encoded rows in the order of [`ModelFolder::rows`], which has their labels and groups.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationRows {
    /// Validation rows x input columns, row-major; empty where there are none.
    pub validation: Vec<f32>,
    /// Test rows x input columns, row-major.
    pub test: Vec<f32>,
}

/// Which folder a model came from or went to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Name of the folder.
    pub name: String,
    /// SHA-256 of `model.json`, which holds those of all other files.
    pub sha256: String,
}

impl ModelFolder {
    /// The names of the training sheet's columns, where the record of the training tells them.
    pub fn sheet_columns(&self) -> Option<Vec<String>> {
        let columns = self.training.as_ref()?.get("columns")?.as_array()?;
        let name = |column: &serde_json::Value| column.get("column")?.as_str().map(str::to_owned);
        columns.iter().map(name).collect()
    }

    /// The same with as little of the training rows as a repair can do with: no trace of keys and groups, gradients of large batches only,
    /// no encoded rows.
    ///
    /// # Errors
    /// None in practice: the rows are those of the model.
    pub fn private(self) -> Result<Self> {
        let contents = Contents::Private;
        Ok(Self {
            info: ModelInfo { contents, ..self.info },
            importances: self.importances.map(|stored| stored.at_least(contents.smallest_batch())),
            rows: self.rows.without_keys()?,
            evaluation: None,
            ..self
        })
    }

    /// Writes the model into a new folder, whole or not at all, with a plain model card.
    ///
    /// # Errors
    /// Where the folder exists or cannot be written, or the parts of the model do not fit each other.
    pub fn save(&self, path: &Path) -> Result<Origin> {
        self.save_with_card(path, &card::card(self))
    }

    /// As [`ModelFolder::save`], with this text as the model card.
    ///
    /// # Errors
    /// As [`ModelFolder::save`].
    pub fn save_with_card(&self, path: &Path, card: &str) -> Result<Origin> {
        let written = files::write_folder(path, |folder| self.write_into(folder, Some(card), |_| Ok(())))?;
        Ok(Origin {
            name: folder_name(path),
            ..written
        })
    }

    /// Writes the files of the model into a folder that is there, such as the temporary one of [`files::write_folder`]; with a model card
    /// of its own where none is given. `beside` puts the report into the same folder; everything in it is sealed.
    ///
    /// # Errors
    /// Where a file cannot be written, or the parts of the model do not fit each other.
    pub fn write_into(&self, folder: &Path, card: Option<&str>, beside: impl FnOnce(&Path) -> Result<()>) -> Result<Origin> {
        self.check()?;
        let mut contents = self.contents()?;
        let card = card.map_or_else(|| card::card(self), str::to_owned) + &card::inside(self);
        contents.insert(CARD.to_owned(), crate::visible::page(&card).into_owned().into_bytes());
        for (name, bytes) in &contents {
            files::write_bytes(&folder.join(name), bytes)?;
        }
        beside(folder)?;
        if let Some(reports) = Seal::of_others(folder, &contents)?.to_json()? {
            files::write_bytes(&folder.join(sealed::REPORTS), reports.as_bytes())?;
        }
        let text = sealed::seal(&self.info, &Seal::of(&contents))?;
        files::write_bytes(&folder.join(sealed::MODEL), text.as_bytes())?;
        Ok(Origin {
            name: folder_name(folder),
            sha256: sealed::sha256(text.as_bytes()),
        })
    }

    /// Reads and checks a model folder.
    ///
    /// # Errors
    /// Where it is no model folder, a file is missing, truncated or altered, it is from a newer version, or its parts do not fit each other.
    pub fn load(path: &Path) -> Result<(Self, Origin)> {
        Self::read(path).map_err(|error| error.hint(sealed::COPY_AGAIN))
    }

    fn read(path: &Path) -> Result<(Self, Origin)> {
        let opened = sealed::open(path)?;
        if opened.info.contents == Contents::Prediction {
            return Err(Error::input("this model was shared for predictions: it holds nothing of its training rows")
                .in_file(path)
                .hint("`recant predict` works with it; for everything else ask for the folder that `recant train` or `recant repair` wrote"));
        }
        let model = Self::from_files(opened.info, &opened.files)?;
        model.check().map_err(|error| error.in_file(path))?;
        Ok((
            model,
            Origin {
                name: folder_name(path),
                sha256: opened.sha256,
            },
        ))
    }

    /// Bytes of every file but `model.json` and the card, by name.
    fn contents(&self) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut contents = BTreeMap::new();
        let mut put = |name: &str, bytes: Vec<u8>| contents.insert(name.to_owned(), bytes);
        put(WEIGHTS, tensors::write(&self.network.to_tensors())?);
        put(INITIAL, tensors::write(&self.initial.to_tensors())?);
        if let Some(importances) = &self.importances {
            put(IMPORTANCES, tensors::write(&importances.to_tensors(self.network.spec()))?);
        }
        put(ROWS, rows::write(&self.rows)?);
        put(FEATURES, json(&self.features)?);
        put(PROFILE, self.profile.to_toml()?.into_bytes());
        if let Some(training) = &self.training {
            put(TRAINING, json(training)?);
        }
        if let Some(evaluation) = &self.evaluation {
            put(EVALUATION, tensors::write(&evaluation.to_tensors(self.features.width()))?);
        }
        Ok(contents)
    }

    fn from_files(info: ModelInfo, files: &Files) -> Result<Self> {
        let spec = spec_of(&info, files)?;
        let PredictionModel {
            info,
            profile,
            features,
            network,
        } = PredictionModel::from_files(info, files)?;
        let initial = read_network(&spec, files, INITIAL)?;
        let importances = match files.optional(IMPORTANCES) {
            Some(bytes) => tensors::read(bytes)
                .and_then(|tensors| StoredImportances::from_tensors(&spec, &tensors))
                .map_err(|error| error.in_file(files.path(IMPORTANCES)))?,
            None => None,
        };
        let rows = rows::read(files.required(ROWS)?, &info, &profile).map_err(|error| error.in_file(files.path(ROWS)))?;
        let evaluation = match files.optional(EVALUATION) {
            Some(bytes) => Some(
                tensors::read(bytes)
                    .and_then(|tensors| EvaluationRows::from_tensors(tensors, features.width(), &rows))
                    .map_err(|error| error.in_file(files.path(EVALUATION)))?,
            ),
            None => None,
        };
        let training = files.optional(TRAINING).map(|_| from_json(files, TRAINING)).transpose()?;
        Ok(Self {
            info,
            profile,
            features,
            network,
            initial,
            importances,
            rows,
            training,
            evaluation,
        })
    }

    /// That the parts fit each other.
    fn check(&self) -> Result<()> {
        let spec = self.network.spec();
        let classes = &self.info.classes;
        let train = self.rows.part(Part::Train).len();
        if self.initial.spec() != spec || &self.info.network != spec {
            return Err(misfit("the network before training has another shape"));
        }
        if self.features.width() != spec.inputs {
            return Err(misfit(&format!(
                "{} input columns for a network with {} inputs",
                self.features.width(),
                spec.inputs
            )));
        }
        if classes.len() != spec.classes || self.profile.label.classes() != classes.as_slice() || self.rows.classes() != classes.as_slice()
        {
            return Err(misfit("the class lists differ"));
        }
        if !self.network.is_finite() || !self.initial.is_finite() {
            return Err(misfit("a weight is not a finite number"));
        }
        if self.info.train.rows != train || train == 0 {
            return Err(misfit(&format!("{train} training rows where {} are stated", self.info.train.rows)));
        }
        if let Some(importances) = &self.importances
            && importances.rows() != train
        {
            return Err(misfit(&format!(
                "importances over {} rows for {train} training rows",
                importances.rows()
            )));
        }
        if let Some(evaluation) = &self.evaluation {
            evaluation.check(self.features.width(), &self.rows)?;
        }
        Ok(())
    }
}

impl EvaluationRows {
    fn to_tensors(&self, width: usize) -> Vec<crate::nn::NamedTensor> {
        [("validation", &self.validation), ("test", &self.test)]
            .into_iter()
            .map(|(name, values)| crate::nn::NamedTensor {
                name: name.to_owned(),
                shape: vec![values.len() / width.max(1), width],
                values: values.clone(),
            })
            .collect()
    }

    fn from_tensors(tensors: Vec<crate::nn::NamedTensor>, width: usize, rows: &RowIndex) -> Result<Self> {
        let mut by_name: BTreeMap<String, Vec<f32>> = tensors.into_iter().map(|tensor| (tensor.name, tensor.values)).collect();
        let mut take = |name: &str| {
            by_name
                .remove(name)
                .ok_or_else(|| Error::input(format!("tensor `{name}` is missing")))
        };
        let evaluation = Self {
            validation: take("validation")?,
            test: take("test")?,
        };
        evaluation.check(width, rows)?;
        Ok(evaluation)
    }

    fn check(&self, width: usize, rows: &RowIndex) -> Result<()> {
        for (values, part) in [(&self.validation, Part::Validation), (&self.test, Part::Test)] {
            let wanted = rows.part(part).len() * width;
            if values.len() != wanted {
                return Err(Error::input(format!("{} encoded values where {wanted} are needed", values.len())));
            }
            if values.iter().any(|value| !value.is_finite()) {
                return Err(Error::input("an encoded value is not a finite number"));
            }
        }
        Ok(())
    }
}

/// The name of a folder, also where it is written as `.` or `..`.
fn folder_name(path: &Path) -> String {
    let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    whole
        .file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| Error::internal(format!("model folder: {error}")))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn text<'a>(files: &'a Files, name: &str) -> Result<&'a str> {
    std::str::from_utf8(files.required(name)?).map_err(|_| Error::input("not a text file").in_file(files.path(name)))
}

fn from_json<T: serde::de::DeserializeOwned>(files: &Files, name: &str) -> Result<T> {
    serde_json::from_slice(files.required(name)?)
        .map_err(|error| Error::input(format!("cannot be understood: {error}")).in_file(files.path(name)))
}

#[cfg(test)]
mod tests;
