//! A trained network in a file of its own, which says what images it was trained on.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::store;
use crate::datasets::images::NamedImages;
use crate::error::{Error, Result};
use crate::files::hex;
use crate::nn::images::{ImageNetwork, ImageSpec};

/// What a network was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Subject {
    network: String,
    /// Channels, height, width.
    shape: (usize, usize, usize),
    classes: Vec<String>,
    images: usize,
    /// SHA-256 over pixels and labels.
    sha256: String,
}

impl Subject {
    fn of(network: &str, set: &NamedImages) -> Self {
        let shape = set.images.shape;
        let mut hash = Sha256::new();
        hash.update(&set.images.pixels);
        hash.update(&set.images.labels);
        Self {
            network: network.to_owned(),
            shape: (shape.channels, shape.height, shape.width),
            classes: set.classes.clone(),
            images: set.images.len(),
            sha256: hex(&hash.finalize()),
        }
    }

    fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::internal(error.to_string()))
    }
}

/// Writes a network that was trained on these images with these labels.
///
/// # Errors
/// Where the file cannot be written.
pub fn write(path: &Path, network: &ImageNetwork<f32>, set: &NamedImages) -> Result<()> {
    store::write_network(path, &Subject::of(&network.spec().name, set).text()?, network, Vec::new(), 0.0)
}

/// Reads what [`write()`] wrote of the same images.
///
/// # Errors
/// Where there is no such file, it is damaged or another one, or the network was trained on other images or other labels.
pub fn read(path: &Path, set: &NamedImages) -> Result<ImageNetwork<f32>> {
    const AGAIN: &str = "leave `--model` out: a network is then trained on these images";
    let text = store::subject(path)?;
    let kept: Subject = text.as_deref().and_then(|text| serde_json::from_str(text).ok()).ok_or_else(|| {
        Error::input("this is no network that `recant expand` left beside a list of images")
            .in_file(path)
            .hint(AGAIN)
    })?;
    let own = Subject::of(&kept.network, set);
    let (height, width) = (kept.shape.1, kept.shape.2);
    let other = if kept.shape != own.shape {
        Some(format!(
            "on images of {height} x {width} pixels, and these have {} x {}",
            own.shape.1, own.shape.2
        ))
    } else if kept.classes != own.classes {
        Some("on images of other classes".to_owned())
    } else if kept.images != own.images {
        Some(format!("on {} images, and here are {}", kept.images, own.images))
    } else {
        (kept != own).then(|| "on other images, or these images had other classes then".to_owned())
    };
    if let Some(other) = other {
        return Err(Error::input(format!("the network was trained {other}")).in_file(path).hint(AGAIN));
    }
    let spec = ImageSpec::named(&kept.network, set.images.shape, set.classes.len())?;
    match store::read_network(path, &own.text()?, &spec)? {
        Some((network, _)) => Ok(network),
        None => Err(Error::input("the file of the network is damaged").in_file(path).hint(AGAIN)),
    }
}
