//! The part of a model folder that a prediction needs, and folders that hold nothing else.

use std::collections::BTreeMap;
use std::path::Path;

use super::sealed::{self, Files, Seal};
use super::{CARD, Contents, FEATURES, ModelInfo, Origin, PROFILE, WEIGHTS, card, folder_name, from_json, json, tensors, text};
use crate::error::{Error, Result};
use crate::features::{Coding, FittedFeatures, Profile};
use crate::files;
use crate::nn::{MlpSpec, Network};

/// What stands in a shared folder for names and hashes of the person's files.
const NOT_SHARED: &str = "not shared";

/// A model as far as a prediction needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionModel {
    /// What `model.json` says.
    pub info: ModelInfo,
    /// The profile with everything settled that it left to the sheet.
    pub profile: Profile,
    /// Encoders, fitted on the training rows.
    pub features: FittedFeatures,
    /// The trained network.
    pub network: Network<f32>,
}

/// What a shared folder lacks, and what for: file, content, what can no longer be done.
pub const NOT_IN_A_SHARED_FOLDER: [(&str, &str, &str); 6] = [
    (
        "rows.safetensors",
        "row numbers, labels and hashes of keys of the training sheet",
        "flags cannot be matched with the training rows, so no repair is possible",
    ),
    (
        "importances.safetensors",
        "sums of gradients of batches of training rows",
        "no repair without the training sheet (assd, ssd)",
    ),
    (
        "initial.safetensors",
        "the network before training",
        "no retraining from the same start",
    ),
    (
        "evaluation.safetensors",
        "encoded validation and test rows, where they were kept",
        "no judging of a repair without a sheet",
    ),
    ("training.json", "the record of the training", "`recant report` has nothing to show"),
    ("report/", "reports of the training and of repairs", "the evidence stays with you"),
];

impl PredictionModel {
    /// Reads and checks a model folder, a shared one or a whole one.
    ///
    /// # Errors
    /// As [`ModelFolder::load`](super::ModelFolder::load).
    pub fn load(path: &Path) -> Result<(Self, Origin)> {
        let read = || {
            let opened = sealed::open(path)?;
            let model = Self::from_files(opened.info, &opened.files)?;
            model.check().map_err(|error| error.in_file(path))?;
            let origin = Origin {
                name: folder_name(path),
                sha256: opened.sha256,
            };
            Ok((model, origin))
        };
        read().map_err(|error: Error| error.hint(sealed::COPY_AGAIN))
    }

    /// The same without the names and hashes of the person's files, and marked as fit for predictions only.
    #[must_use]
    pub fn to_share(mut self) -> Self {
        let info = &mut self.info;
        info.contents = Contents::Prediction;
        info.data.file = NOT_SHARED.to_owned();
        info.data.sha256 = NOT_SHARED.to_owned();
        info.left_out.clear();
        for repair in &mut info.repairs {
            repair.flags_file = NOT_SHARED.to_owned();
            repair.flags_sha256 = NOT_SHARED.to_owned();
            repair.parent.name = NOT_SHARED.to_owned();
            repair.parent.sha256 = NOT_SHARED.to_owned();
        }
        self
    }

    /// Columns whose values the encoders hold word for word, with how many they hold.
    pub fn categories(&self) -> Vec<(&str, usize)> {
        let held = self.features.encoders().iter().filter_map(|encoder| match &encoder.coding {
            Coding::Category(category) => Some((encoder.source.column.as_str(), category.values.len())),
            Coding::Number(_) => None,
        });
        held.filter(|(_, values)| *values > 0).collect()
    }

    /// Writes a folder that predicts and does nothing else.
    ///
    /// # Errors
    /// Where the folder exists or cannot be written.
    pub fn save(&self, path: &Path) -> Result<Origin> {
        self.check()?;
        let mut contents = self.contents()?;
        let text = card::shared(self);
        contents.insert(CARD.to_owned(), crate::visible::page(&text).into_owned().into_bytes());
        files::write_folder(path, |folder| {
            for (name, bytes) in &contents {
                files::write_bytes(&folder.join(name), bytes)?;
            }
            let text = sealed::seal(&self.info, &Seal::of(&contents))?;
            files::write_bytes(&folder.join(sealed::MODEL), text.as_bytes())?;
            Ok(Origin {
                name: folder_name(path),
                sha256: sealed::sha256(text.as_bytes()),
            })
        })
    }

    /// Bytes of the files, by name.
    pub(super) fn contents(&self) -> Result<BTreeMap<String, Vec<u8>>> {
        Ok(BTreeMap::from([
            (WEIGHTS.to_owned(), tensors::write(&self.network.to_tensors())?),
            (FEATURES.to_owned(), json(&self.features)?),
            (PROFILE.to_owned(), self.profile.to_toml()?.into_bytes()),
        ]))
    }

    pub(super) fn from_files(info: ModelInfo, files: &Files) -> Result<Self> {
        let spec = spec_of(&info, files)?;
        let network = read_network(&spec, files, WEIGHTS)?;
        let profile = text(files, PROFILE).and_then(|text| Profile::from_toml(text).map_err(|error| error.in_file(files.path(PROFILE))))?;
        let features: FittedFeatures = from_json(files, FEATURES)?;
        features.check().map_err(|error| error.in_file(files.path(FEATURES)))?;
        Ok(Self {
            info,
            profile,
            features,
            network,
        })
    }

    /// That the parts fit each other.
    pub(super) fn check(&self) -> Result<()> {
        let spec = self.network.spec();
        if &self.info.network != spec {
            return Err(misfit("the network has another shape than stated"));
        }
        if self.features.width() != spec.inputs {
            return Err(misfit(&format!(
                "{} input columns for a network with {} inputs",
                self.features.width(),
                spec.inputs
            )));
        }
        let classes = &self.info.classes;
        if classes.len() != spec.classes || self.profile.label.classes() != classes.as_slice() {
            return Err(misfit("the class lists differ"));
        }
        if !self.network.is_finite() {
            return Err(misfit("a weight is not a finite number"));
        }
        Ok(())
    }
}

/// The shape of the network, as stated.
pub(super) fn spec_of(info: &ModelInfo, files: &Files) -> Result<MlpSpec> {
    let MlpSpec {
        inputs, classes, members, ..
    } = info.network;
    MlpSpec::ensemble(members, inputs, &info.network.member().hidden, classes).map_err(|error| error.in_file(files.path(sealed::MODEL)))
}

/// A network of a folder.
pub(super) fn read_network(spec: &MlpSpec, files: &Files, name: &str) -> Result<Network<f32>> {
    let bytes = files.required(name)?;
    // Before memory for the whole network is asked for.
    if spec.parameters().saturating_mul(4) > bytes.len() {
        return Err(Error::input("too short for the network that `model.json` describes")
            .in_file(files.path(name))
            .hint(sealed::COPY_AGAIN));
    }
    tensors::read(bytes)
        .and_then(|tensors| Network::from_tensors(spec, &tensors))
        .map_err(|error| error.in_file(files.path(name)).hint(sealed::COPY_AGAIN))
}

/// Parts of a model that do not fit each other.
pub(super) fn misfit(what: &str) -> Error {
    Error::input(format!("the parts of the model do not fit each other: {what}")).hint(sealed::COPY_AGAIN)
}
