//! `recant expand --dataset`: further wrong images, in a list and on a contact sheet.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};

use crate::cli::Context;
use crate::cli::arguments::ExpandArgs;
use crate::cli::sheets;
use crate::cli::values::counted;
use crate::commands::{ExpandImages, ExpandedImages, SheetSource, expand_images};
use crate::error::{Error, Result};
use crate::evaluate::words::{count, count_of, percent};
use crate::experiments::images::Reading;
use crate::jobs::expand_images::ClassCounts;
use crate::label_errors::images::ImagesVerdict;

/// Classes of the known images that are told.
const MOST_CLASSES: usize = 5;

/// Images in place of a sheet.
#[derive(Debug, Args)]
#[command(next_help_heading = "Images in place of a sheet")]
pub struct ImageSetArgs {
    /// Image set: folder (one for each class, with PNG, JPEG or WebP files), cifar10, cifar20, cifar100, or made-up; --flags is then a list of
    /// image names and --out a folder
    #[arg(long, value_name = "NAME", conflicts_with_all = ["sheet_files", "label", "probabilities", "classes", "checked", "tick_contradictions",
        "tick_doubtful", "key"])]
    pub dataset: Option<String>,
    /// Folder of the images, or folder or archive of the set's official files (nothing is ever downloaded)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::AnyPath, requires = "dataset")]
    pub data: Option<PathBuf>,
    /// Height and width (8 to 1,024) that the images of a folder are resized to [default: their own, which must be one]
    #[arg(long, value_name = "PIXELS", requires = "dataset", value_parser = counted::<usize>(8, 1_024))]
    pub image_size: Option<usize>,
    /// Image network that is trained to see what images have in common [default: fast; resnet-tiny below 16 pixels]
    #[arg(long, value_name = "NAME", requires = "dataset", conflicts_with = "model")]
    pub network: Option<String>,
    /// Passes over the images (1 to 100,000) [default: the network's own]
    #[arg(long, value_name = "N", requires = "dataset", conflicts_with = "model", value_parser = counted::<usize>(1, 100_000))]
    pub epochs: Option<usize>,
}

/// A folder in place of a sheet that holds images: said in words what to write instead.
pub(super) fn refuse_images(sheet_files: &[PathBuf]) -> Result<()> {
    let [folder] = sheet_files else { return Ok(()) };
    let endings = ["png", "jpg", "jpeg", "webp"];
    let is_image = |path: &Path| {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        ending.is_some_and(|ending| endings.contains(&ending.as_str()))
    };
    let inside = |path: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.take(1_000).map(|entry| entry.path()).collect()
    };
    let classes: Vec<PathBuf> = inside(folder).into_iter().filter(|path| path.is_dir()).collect();
    // Folders `train` and `test` hold those of the classes.
    let deeper = classes.iter().take(2).flat_map(|class| inside(class));
    let holds = |path: &PathBuf| inside(path).iter().any(|file| is_image(file));
    if classes.iter().take(3).any(holds) || deeper.filter(|path| path.is_dir()).take(3).any(|path| holds(&path)) {
        return Err(
            Error::input(format!("`{}` is a folder of images and no sheet", folder.display())).hint(format!(
                "recant expand --dataset folder --data {} --flags wrong.csv --out found",
                sheets::shown(folder)
            )),
        );
    }
    Ok(())
}

pub(super) fn run(context: &Context, arguments: &ExpandArgs, dataset: &str) -> Result<()> {
    let images = &arguments.images;
    let request = ExpandImages {
        dataset,
        reading: Reading {
            place: images.data.as_deref(),
            size: images.image_size,
        },
        flags: SheetSource::File(&arguments.flags),
        list_reading: sheets::read_options(&arguments.reading)?,
        network: images.network.as_deref(),
        epochs: images.epochs,
        model: arguments.model.as_deref(),
        out: &arguments.out,
    };
    let expanded = expand_images(&context.run(&context.console.progress()), &request)?;
    say(context, arguments, &expanded);
    Ok(())
}

fn say(context: &Context, arguments: &ExpandArgs, expanded: &ExpandedImages) {
    let (console, found) = (&context.console, &expanded.found);
    console.notes(&expanded.notes);
    let mut classes: Vec<&ClassCounts> = found.classes.iter().collect();
    classes.sort_by_key(|counts| std::cmp::Reverse(counts.known));
    let told = classes.iter().take(MOST_CLASSES);
    let mut by_class: Vec<String> = told
        .map(|counts| format!("{} recorded as {}", count(counts.known), counts.class))
        .collect();
    if classes.len() > MOST_CLASSES {
        by_class.push(format!("others as {} further classes", count(classes.len() - MOST_CLASSES)));
    }
    console.item(
        "Known",
        format!(
            "{} of {}: {}",
            count(found.known.len()),
            count_of(found.images, "image"),
            by_class.join(", ")
        ),
    );
    if found.rules.is_empty() {
        console.item("Pattern", &found.sentence);
    }
    for (place, rule) in found.rules.iter().enumerate() {
        console.item(if place == 0 { "Pattern" } else { "" }, rule);
    }
    match found.proposed.len() {
        0 => console.item("Proposed", "no further image"),
        proposed => console.item(
            "Proposed",
            format!(
                "{}; by their chances about {} of them are wrong",
                count_of(proposed, "image"),
                count(found.expected_wrong.round() as usize)
            ),
        ),
    }
    console.item(
        "Network",
        format!(
            "{}, gives {} of the images their recorded class",
            found.network,
            percent(found.learned, 1)
        ),
    );
    let written = [&expanded.list, &expanded.report, &expanded.network].map(|path| path.display().to_string());
    console.item("Written", written.join(", "));
    if found.verdict == ImagesVerdict::Pattern {
        let images = &arguments.images;
        let data = images.data.as_deref().map(|data| format!(" --data {}", sheets::shown(data)));
        let size = images.image_size.map(|size| format!(" --image-size {size}"));
        console.next_step(
            "Next, look through the report, set is_label_issue to FALSE in the list where an image is right, and correct or take out the others. To look \
             for more with what you ticked:",
            &format!(
                "recant expand --dataset {}{}{} --flags {} --model {} --out {}-2",
                images.dataset.as_deref().unwrap_or_default(),
                data.unwrap_or_default(),
                size.unwrap_or_default(),
                sheets::shown(&expanded.list),
                sheets::shown(&expanded.network),
                sheets::shown(&arguments.out),
            ),
        );
    }
    let mut value = serde_json::to_value(found).unwrap_or_default();
    value["known"] = serde_json::json!(found.known.len());
    value["proposed"] = serde_json::json!(found.proposed.len());
    value["out"] = sheets::in_result(&arguments.out);
    value["notes"] = serde_json::json!(expanded.notes);
    console.result(&value);
}
