//! `recant bench corrective --dataset`: the corrective study on images.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::cli::Context;
use crate::cli::bench::CorrectiveArgs;
use crate::cli::values::counted;
use crate::cli::{experiments, gpu};
use crate::error::{Error, Result};
use crate::experiments::corrective_images::figures;
use crate::experiments::corrective_images::{ImageStudy, ImageStudyOptions, ImageStudySettings};
use crate::experiments::folder::raw_settings;
use crate::experiments::images::{Reading, RecipeChanges};
use crate::experiments::{Done, RunFolder, Study};
use crate::files;
use crate::notes::Notes;
use crate::report;

/// Images in place of a sheet.
#[derive(Debug, Args)]
#[command(next_help_heading = "Images in place of a sheet")]
pub struct ImageStudyArgs {
    /// Image set: cifar10, cifar20, cifar100, folder (PNG, JPEG, WebP), or made-up (needs no files)
    #[arg(long, value_name = "NAME", conflicts_with_all = ["sheet", "generated", "kind", "rate", "profile"])]
    pub dataset: Option<String>,
    /// Folder or archive of the image set's official files, or a folder with one for each class (nothing is ever downloaded)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::AnyPath, requires = "dataset")]
    pub data: Option<PathBuf>,
    /// Height and width (8 to 1,024) that the images of a folder are resized to [default: their own, which must be one]
    #[arg(long, value_name = "PIXELS", requires = "dataset", value_parser = counted::<usize>(8, 1_024))]
    pub image_size: Option<usize>,
    /// What is wrong with n training images: poison:n=500, blend:n=500, sinusoid:n=500, confusion:n=2500,pair=cat/dog or relabel:n=1000, with
    /// further settings after commas; may be given several times
    #[arg(long, value_name = "KIND:n=N", requires = "dataset")]
    pub manipulation: Vec<String>,
    /// The manipulations of a figure of the paper: 2, 3 and 6 (poison) or 4, 5 and 7 (confusion)
    #[arg(long, value_name = "N", requires = "dataset", conflicts_with = "manipulation")]
    pub figure: Option<u8>,
    /// Training images (1 to 100,000,000), drawn at random [default: all]
    #[arg(long, value_name = "N", requires = "dataset", value_parser = counted::<usize>(1, 100_000_000))]
    pub rows: Option<usize>,
    /// Test images (1 to 100,000,000), drawn at random [default: all]
    #[arg(long, value_name = "N", requires = "dataset", value_parser = counted::<usize>(1, 100_000_000))]
    pub test_rows: Option<usize>,
    /// Steps (1 to 10,000,000) of 512 images in place of passes, the learning rate falling in a straight line
    #[arg(long, value_name = "N", requires = "dataset", value_parser = counted::<usize>(1, 10_000_000))]
    pub steps: Option<usize>,
    /// Images of a step (1 to 65,536) [default: as published]
    #[arg(long, value_name = "N", requires = "dataset", value_parser = counted::<usize>(1, 65_536))]
    pub batch: Option<usize>,
    /// Highest learning rate [default: as published]
    #[arg(long, value_name = "RATE", requires = "dataset")]
    pub learning_rate: Option<f64>,
    /// Augmentation: none, crop-flip, few-epochs (a smaller crop, mirrored every second epoch), or published (turned a little as well) [default: the set's]
    #[arg(long, value_name = "NAME", requires = "dataset")]
    pub augment: Option<String>,
    /// Numbers that a GPU (--device cuda) computes with: f32, tf32 (factors of 10 bits), bf16 (16 bits, fastest)
    #[arg(long, value_name = "PRECISION", default_value = "f32", requires = "dataset")]
    pub precision: String,
}

/// Whether a study is one of images: it names an image set, or the run folder that is to be reported on is of images.
pub(super) fn is_of_images(arguments: &CorrectiveArgs) -> bool {
    let mark = ImageStudySettings::ABOUT.mark;
    arguments.images.dataset.is_some()
        || (arguments.part.report_only && raw_settings(&arguments.out).is_ok_and(|settings| settings.get(mark).is_some()))
}

fn options(context: &Context, arguments: &CorrectiveArgs) -> Result<ImageStudyOptions> {
    let images = &arguments.images;
    let dataset = images
        .dataset
        .clone()
        .ok_or_else(|| Error::internal("a study of images without a set"))?;
    let manipulations = match images.figure {
        Some(figure) => figures::manipulations(figure, &dataset)?,
        None => images.manipulation.clone(),
    };
    Ok(ImageStudyOptions {
        dataset,
        manipulations,
        known: arguments.known.clone(),
        bias: arguments.bias.clone(),
        false_flags: arguments.false_flags,
        methods: arguments.methods.clone(),
        seeds: arguments.runs.unwrap_or(3),
        search: !arguments.no_search,
        network: arguments.network.clone(),
        rows: images.rows,
        test_rows: images.test_rows,
        recipe: RecipeChanges {
            epochs: arguments.epochs,
            steps: images.steps,
            batch: images.batch,
            learning_rate: images.learning_rate,
        },
        augmentation: images.augment.clone(),
        seed: context.seed.0,
    })
}

pub(super) fn run(context: &Context, arguments: &CorrectiveArgs) -> Result<()> {
    if arguments.part.report_only {
        return write_report(context, arguments, None, Notes::new());
    }
    let mut notes = Notes::new();
    let shard = arguments.part.shard.resolve(&mut notes)?;
    files::check_place(&arguments.out.join("settings.json"))?;
    let images = &arguments.images;
    let reading = Reading {
        place: images.data.as_deref(),
        size: images.image_size,
    };
    let precision = images.precision.parse()?;
    let study = ImageStudy::new(&options(context, arguments)?, &reading, context.threads, &mut notes)?;
    let mut study = gpu::for_images(context, study, &arguments.out, precision, &mut notes)?;
    let settings = study.settings().clone();
    experiments::compute_and_report(context, &arguments.out, &settings, shard, &mut study, notes, |done, notes| {
        write_report(context, arguments, Some(done), notes)
    })
}

fn write_report(context: &Context, arguments: &CorrectiveArgs, done: Option<Done>, mut notes: Notes) -> Result<()> {
    let out = &arguments.out;
    let judged = ImageStudySettings::summarise(&RunFolder::open(out)?, &(), &mut notes)?;
    let paths = report::corrective_images::write(&out.join("report"), &judged)?;
    experiments::reported(context, out, &judged, judged.pieces, &paths.html, done, &notes)
}
