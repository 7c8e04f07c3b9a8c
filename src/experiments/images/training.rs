//! Networks and importances that are made once and kept in `models` of the run folder.

use std::time::Instant;

use super::store::{self, About, FileCheckpoints, Stored};
use crate::datasets::images::{Augmentation, ImageSet, Normalisation, Resize, TrainingImages};
use crate::error::Result;
use crate::experiments::{RunFolder, Study};
use crate::learner::{Classifier, Rows, Statistic};
use crate::nn::EpochLog;
use crate::nn::images::{Compute, ImageNetwork, ImageRecipe, ImageSource, ImageSpec, ImageTraining};
use crate::progress::Progress;
use crate::seed::Seed;

/// An image set made ready.
pub(in crate::experiments) struct Loaded {
    pub set: ImageSet,
    pub normalisation: Normalisation,
    /// To the size that the network takes, where that is not the images' own.
    pub resize: Option<Resize>,
    pub spec: ImageSpec,
}

impl Loaded {
    /// The training images.
    pub fn source(&self, augmentation: Augmentation, seed: Seed) -> TrainingImages<'_> {
        TrainingImages {
            images: &self.set.train,
            normalisation: &self.normalisation,
            augmentation,
            resize: self.resize.as_ref(),
            seed,
        }
    }
}

/// Initial weights from a seed, whitening these images where the network does.
///
/// # Errors
/// Where network and images do not fit each other.
pub(in crate::experiments) fn initial(
    spec: &ImageSpec,
    seed: Seed,
    source: &dyn ImageSource<f32>,
    threads: usize,
) -> Result<ImageNetwork<f32>> {
    let network = ImageNetwork::initial(spec, seed)?;
    if spec.whitens() {
        network.whitened(source, threads)
    } else {
        Ok(network)
    }
}

/// A network to be trained.
pub(in crate::experiments) struct Training<'a> {
    /// What it is called in the run folder.
    pub name: &'a str,
    pub initial: &'a ImageNetwork<f32>,
    pub source: &'a dyn ImageSource<f32>,
    pub recipe: &'a ImageRecipe,
    pub seed: Seed,
    pub compute: Compute<'a>,
}

impl Training<'_> {
    /// The trained network and the seconds that its training took: from the run folder, or trained now, from its last checkpoint on.
    ///
    /// # Errors
    /// Where training fails or is stopped, or the folder cannot be written.
    pub fn network<S: Study>(&self, folder: &RunFolder<S>, progress: &dyn Progress) -> Result<(ImageNetwork<f32>, f64)> {
        let checkpoints = checkpoints(folder, self.name, self.initial.spec());
        let made = made_once(folder, (self.name, self.initial.spec()), progress, || {
            let training = ImageTraining {
                source: self.source,
                recipe: self.recipe,
                seed: self.seed,
                first_epoch: 0,
                compute: self.compute,
            };
            let (network, log) = training.run(self.initial, &checkpoints, progress)?;
            Ok((network, log.epochs, checkpoints.seconds()))
        })?;
        checkpoints.remove();
        Ok(made)
    }
}

/// A network of this name and the seconds that it took: from the run folder, or made now and kept there.
///
/// # Errors
/// As `make`; where the folder cannot be written.
pub(in crate::experiments) fn made_once<S: Study>(
    folder: &RunFolder<S>,
    (name, spec): (&str, &ImageSpec),
    progress: &dyn Progress,
    make: impl FnOnce() -> Result<(ImageNetwork<f32>, Vec<EpochLog>, f64)>,
) -> Result<(ImageNetwork<f32>, f64)> {
    let (path, of) = (folder.path().join("models").join(format!("{name}.safetensors")), folder.of(name));
    // A process of another shard may make it just now.
    let _making = folder.alone(name, progress)?;
    if let Some((network, about)) = store::read_network(&path, &of, spec)? {
        return Ok((network, about.seconds));
    }
    let (network, epochs, seconds) = make()?;
    store::write_network(&path, &of, &network, epochs, seconds)?;
    Ok((network, seconds))
}

/// Where a training of this name keeps its checkpoints.
pub(in crate::experiments) fn checkpoints<'a, S: Study>(folder: &RunFolder<S>, name: &str, spec: &'a ImageSpec) -> FileCheckpoints<'a> {
    let path = folder.path().join("checkpoints").join(format!("{name}.safetensors"));
    FileCheckpoints::new(path, folder.of(name), spec)
}

/// A statistic of every parameter of a network (its name in the run folder) over all images of a source, in mini-batches of `batch` images,
/// and the seconds that measuring took: from the run folder, or measured now.
///
/// # Errors
/// Where it cannot be measured, or the folder cannot be written.
pub(in crate::experiments) fn measured<S: Study>(
    folder: &RunFolder<S>,
    (network, model): (&ImageNetwork<f32>, &str),
    (what, batch): (Statistic, usize),
    source: &dyn ImageSource<f32>,
    compute: Compute,
    progress: &dyn Progress,
) -> Result<(f64, Vec<f64>)> {
    let name = format!("{model}_{}_{batch}", what.name());
    let (path, of) = (folder.path().join("models").join(format!("{name}.safetensors")), folder.of(&name));
    let _measuring = folder.alone(&name, progress)?;
    let found = store::read(&path, &of)?.and_then(|(about, tensors)| Some((about.seconds, tensors.first()?.doubles()?)));
    if let Some(found) = found.filter(|(_, values)| values.len() == network.parameters().len()) {
        return Ok(found);
    }
    let begun = Instant::now();
    let rows: Vec<u32> = (0..source.labels().len() as u32).collect();
    let values = network.measure(what, (&Rows::images(source), &rows), batch, compute, progress)?;
    let about = About {
        of,
        epochs: Vec::new(),
        seconds: begun.elapsed().as_secs_f64(),
        sha256: String::new(),
    };
    let seconds = about.seconds;
    store::write(&path, about, &[Stored::double(what.name(), &values)])?;
    Ok((seconds, values))
}
