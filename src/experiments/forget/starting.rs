//! What the models of a run start from: weights drawn at random, or those of a file, with images of the size that these are for.

use std::path::Path;

use crate::datasets::images::{ImageSet, Resize};
use crate::error::{Error, Result};
use crate::nn::images::{ImageNetwork, ImageSpec, PRETRAINED_ADDRESS, StartWeights};
use crate::seed::Seed;

/// Networks that learn nothing in their published training but from published weights.
const NEED_WEIGHTS: [&str; 1] = ["vit-b-16"];

/// The weights in a file, where one is named. Nothing is downloaded.
///
/// # Errors
/// Where the network needs weights and none are named, takes none, or the file cannot be read.
pub(super) fn weights(network: &str, path: Option<&Path>) -> Result<Option<StartWeights>> {
    let patch = ImageSpec::patch(network)?;
    match path {
        None if NEED_WEIGHTS.contains(&network) => Err(Error::input(format!(
            "`{network}` starts from published weights, and none were named"
        ))
        .hint(format!(
            "get `model.safetensors` from {PRETRAINED_ADDRESS} and name it, or its folder, with `--weights FILE`; nothing is downloaded by itself"
        ))),
        None => Ok(None),
        Some(_) if patch.is_none() => Err(Error::input(format!(
            "`{network}` starts from weights drawn at random and takes none from a file"
        ))
        .hint("leave `--weights` out, or add `--network vit-b-16`")),
        Some(path) => StartWeights::open(network, path).map(Some),
    }
}

/// The network for a set, and how the set's images come to its size, where that is not theirs.
///
/// # Errors
/// Where the network cannot take such images or this many classes, or the weights are another network's or damaged.
pub(super) fn network(name: &str, set: &ImageSet, weights: Option<&StartWeights>) -> Result<(ImageSpec, Option<Resize>)> {
    let (shape, classes) = (set.train.shape, set.classes.len());
    let Some(weights) = weights else {
        return Ok((ImageSpec::named(name, shape, classes)?, None));
    };
    let spec = weights.spec(classes)?;
    // Heard now rather than once the images are read and the folder is made.
    weights.start::<f32>(&spec, Seed(0)).map(drop::<ImageNetwork<f32>>)?;
    let resize = (spec.input != shape).then(|| Resize::new(shape, spec.input)).transpose()?;
    Ok((spec, resize))
}
