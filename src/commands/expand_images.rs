//! Further images that are probably wrong, like those that are known to be.

use std::path::{Path, PathBuf};

use super::{Run, SheetSource};
use crate::error::{Error, Result};
use crate::experiments::images::data::{FOLDER, dataset, quick_network, quick_training};
use crate::experiments::images::{Reading, RecipeChanges, kept};
use crate::files;
use crate::jobs::expand_images::{ImageExpansion, ImageSearch, list_of};
use crate::label_errors::images::known_images;
use crate::nn::images::ImageSpec;
use crate::notes::Notes;
use crate::report;
use crate::tables::{ReadOptions, WriteOptions};

/// What to look through, and what is known.
pub struct ExpandImages<'a> {
    /// Image set by name.
    pub dataset: &'a str,
    /// Where its files are.
    pub reading: Reading<'a>,
    /// The list of images that are known to be wrong.
    pub flags: SheetSource<'a>,
    /// How to read the list.
    pub list_reading: ReadOptions,
    /// The network to train; absent: one that is quick on processors.
    pub network: Option<&'a str>,
    /// Passes over the images; absent: the network's own.
    pub epochs: Option<usize>,
    /// A network that an earlier search left beside its list, instead of training one.
    pub model: Option<&'a Path>,
    /// Folder to make.
    pub out: &'a Path,
}

/// What was found, and where it was written.
pub struct ExpandedImages {
    /// What was found.
    pub found: ImageExpansion,
    /// The list of known and proposed images.
    pub list: PathBuf,
    /// The report with the contact sheet.
    pub report: PathBuf,
    /// The network, for another search.
    pub network: PathBuf,
    /// What was noticed.
    pub notes: Notes,
}

const LIST: &str = "images.csv";
const NETWORK: &str = "network.safetensors";

fn check_out(request: &ExpandImages) -> Result<()> {
    let ending = request.out.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    if ending.is_some_and(|ending| ["csv", "xlsx", "html"].contains(&ending.as_str())) {
        let folder = request.out.with_extension("");
        return Err(Error::input(format!(
            "`{}` is the name of a file, and a list, a report and a network are written",
            request.out.display()
        ))
        .hint(format!("name a folder: `--out {}`", folder.display())));
    }
    files::check_new_folder(request.out)?;
    files::check_place(request.out)
}

/// Looks for images that are wrong like the known ones, and writes a folder with a list, a report and the network.
///
/// # Errors
/// Where images, list or network cannot be used, training fails or is stopped, or the folder cannot be written.
pub fn expand_images(run: &Run, request: &ExpandImages) -> Result<ExpandedImages> {
    check_out(request)?;
    let mut notes = Notes::new();
    let about = dataset(request.dataset)?;
    if let Some(name) = request.network {
        // Heard before images are read.
        ImageSpec::patch(name)?;
    }
    let table = request.flags.read(&request.list_reading, &mut notes)?;
    let set = about.named(&request.reading, &mut notes)?;
    let flagged = known_images(&table, &set.names, &mut notes)?;
    let search = ImageSearch {
        set: &set,
        flagged: &flagged,
        seed: run.seed,
        threads: run.threads,
    };
    search.check()?;
    let network = match request.model {
        Some(path) => kept::read(path, &set)?,
        None => {
            let name = request.network.unwrap_or_else(|| quick_network(set.images.shape));
            let spec = ImageSpec::named(name, set.images.shape, set.classes.len()).map_err(|error| match request.dataset {
                FOLDER => error.hint("have the images resized, such as with `--image-size 32`, or take another `--network`"),
                _ => error,
            })?;
            let (recipe, augmentation) = quick_training(name, set.images.len());
            let changes = RecipeChanges {
                epochs: request.epochs,
                ..RecipeChanges::default()
            };
            search.train(&spec, &(changes.apply(recipe)?, augmentation), run.progress)?
        }
    };
    let found = search.find(&network, &mut notes, run.progress)?;
    let list = list_of(&found)?;
    files::write_folder(request.out, |folder| {
        list.write_with(&folder.join(LIST), &WriteOptions::default(), &mut notes)?;
        kept::write(&folder.join(NETWORK), &network, &set)?;
        report::expanded_images::write(folder, &found, &set.images)
    })?;
    Ok(ExpandedImages {
        found,
        list: request.out.join(LIST),
        report: request.out.join("report.html"),
        network: request.out.join(NETWORK),
        notes,
    })
}
