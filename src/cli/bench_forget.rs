//! `recant bench forget`: how well networks forget images.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::cli::Context;
use crate::cli::bench::PartOptions;
use crate::cli::values::counted;
use crate::cli::{experiments, gpu};
use crate::error::{Error, Result};
use crate::experiments::forget::{Bench, ForgetOptions, ForgetSettings, task};
use crate::experiments::images::{Reading, RecipeChanges};
use crate::experiments::{Done, RunFolder, Study};
use crate::files;
use crate::nn::ImportanceKind;
use crate::notes::Notes;
use crate::repair::Reference;
use crate::report;

/// `recant bench forget`
#[derive(Debug, Args)]
pub struct ForgetArgs {
    /// Folder or archive of the image set's official files, or a folder with one for each class (nothing is ever downloaded)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::AnyPath)]
    pub data: Option<PathBuf>,
    /// Image set: cifar10, cifar20, cifar100, folder (PNG, JPEG, WebP), or made-up (needs no files)
    #[arg(long, value_name = "NAME", default_value = "cifar10")]
    pub dataset: String,
    /// Height and width that the images of a folder are resized to (8 to 1,024) [default: their own, which must be one]
    #[arg(long, value_name = "PIXELS", value_parser = counted::<usize>(8, 1_024))]
    pub image_size: Option<usize>,
    /// What to forget: class:NAME, subclass:NAME, random or random:SHARE; several with commas
    #[arg(long, value_name = "TASKS", default_value = "random", value_delimiter = ',')]
    pub task: Vec<String>,
    /// All tasks of a table of the ASSD paper: 1 (classes), 2 (sub-classes) or 3 (random), without its faces
    #[arg(long, value_name = "N", conflicts_with_all = ["dataset", "task"])]
    pub table: Option<u8>,
    /// Network: resnet18, resnet9, wide-resnet-28-10, vit-b-16 (needs --weights), resnet-tiny, vit-tiny [default: resnet18; resnet-tiny for made-up]
    #[arg(long, value_name = "NAME")]
    pub network: Option<String>,
    /// Published weights that every vision transformer starts from: model.safetensors or its folder (nothing is ever downloaded); images are
    /// resized to the size that they are for
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub weights: Option<PathBuf>,
    /// Methods: all, or names such as assd,ssd,retrain
    #[arg(long, value_name = "METHODS", default_value = "all", value_delimiter = ',')]
    pub methods: Vec<String>,
    /// Models trained on each image set (up to 10,000)
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = counted::<u32>(0, 10_000))]
    pub seeds: u32,
    /// Run folder: made if it is not there, gone on with if it is
    #[arg(long, value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// Numbers that a GPU (--device cuda) computes with: f32, tf32 (factors of 10 bits), bf16 (16 bits, fastest)
    #[arg(long, value_name = "PRECISION", default_value = "f32")]
    pub precision: String,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub part: PartOptions,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub smaller: SmallerOptions,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub dampening: ForgetDampening,
}

/// To make do with less than the published training; the report says so.
#[derive(Debug, Args)]
#[command(next_help_heading = "Less than the published training (the report says so)")]
pub struct SmallerOptions {
    /// Training images (1 to 100,000,000), drawn at random [default: all]
    #[arg(long, value_name = "N", value_parser = counted::<usize>(1, 100_000_000))]
    pub rows: Option<usize>,
    /// Test images (1 to 100,000,000), drawn at random [default: all]
    #[arg(long, value_name = "N", value_parser = counted::<usize>(1, 100_000_000))]
    pub test_rows: Option<usize>,
    /// Kept training images (1 to 100,000,000) that membership inference learns from [default: all]
    #[arg(long, value_name = "N", value_parser = counted::<usize>(1, 100_000_000))]
    pub membership_rows: Option<usize>,
    /// Passes over the training images (up to 100,000); milestones move along [default: as published]
    #[arg(long, value_name = "N", conflicts_with = "steps", value_parser = counted::<usize>(0, 100_000))]
    pub epochs: Option<usize>,
    /// Steps (1 to 10,000,000) of 512 images in place of passes, the learning rate falling in a straight line
    #[arg(long, value_name = "N", value_parser = counted::<usize>(1, 10_000_000))]
    pub steps: Option<usize>,
    /// Images of a step (1 to 65,536) [default: as published]
    #[arg(long, value_name = "N", value_parser = counted::<usize>(1, 65_536))]
    pub batch: Option<usize>,
    /// Highest learning rate [default: as published]
    #[arg(long, value_name = "RATE")]
    pub learning_rate: Option<f64>,
    /// Augmentation: none, crop-flip, few-epochs (a smaller crop, mirrored every second epoch), or published (turned a little as well) [default: the set's]
    #[arg(long, value_name = "NAME")]
    pub augment: Option<String>,
}

/// For researchers: how ASSD and SSD dampen.
#[derive(Debug, Args)]
#[command(next_help_heading = "Dampening (for researchers)")]
pub struct ForgetDampening {
    /// Importance: squared-batch-gradient or per-sample-fisher
    #[arg(long, value_name = "KIND", default_value = "squared-batch-gradient")]
    pub importance: String,
    /// What the forget set is compared with: full, retain or retain-original-batches
    #[arg(long, value_name = "SET", default_value = "full")]
    pub reference: String,
    /// SSD's alpha [default: the published one of network and task]
    #[arg(long, value_name = "ALPHA")]
    pub alpha: Option<f64>,
    /// SSD's lambda [default: the published one of network and task]
    #[arg(long, value_name = "LAMBDA")]
    pub lambda: Option<f64>,
    /// Try SSD over a range of alphas and lambdas as well (figures 2 and 3)
    #[arg(long)]
    pub sweep: bool,
}

/// The choice of this name.
fn named<T: Copy>(what: &str, name: &str, all: &[T], name_of: fn(T) -> &'static str) -> Result<T> {
    all.iter().copied().find(|one| name_of(*one) == name).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|one| name_of(*one)).collect();
        Error::input(format!("there is no {what} `{name}`")).hint(format!("use one of: {}", names.join(", ")))
    })
}

fn options(context: &Context, arguments: &ForgetArgs) -> Result<ForgetOptions> {
    let parts = match arguments.table {
        Some(table) => {
            let parts = task::of_table(table)?.into_iter();
            parts.map(|(dataset, tasks)| (dataset.to_owned(), tasks)).collect()
        }
        None => vec![(arguments.dataset.clone(), arguments.task.clone())],
    };
    let (smaller, dampening) = (&arguments.smaller, &arguments.dampening);
    Ok(ForgetOptions {
        parts,
        network: arguments.network.clone(),
        weights: arguments.weights.clone(),
        methods: arguments.methods.clone(),
        seeds: arguments.seeds,
        rows: smaller.rows,
        test_rows: smaller.test_rows,
        membership_rows: smaller.membership_rows,
        recipe: RecipeChanges {
            epochs: smaller.epochs,
            steps: smaller.steps,
            batch: smaller.batch,
            learning_rate: smaller.learning_rate,
        },
        augmentation: smaller.augment.clone(),
        importance: named("importance", &dampening.importance, &ImportanceKind::ALL, ImportanceKind::name)?,
        reference: named("reference set", &dampening.reference, &Reference::ALL, Reference::name)?,
        alpha: dampening.alpha,
        lambda: dampening.lambda,
        sweep: dampening.sweep,
        seed: context.seed.0,
    })
}

pub(super) fn run(context: &Context, arguments: &ForgetArgs) -> Result<()> {
    if arguments.part.report_only {
        return write_report(context, arguments, None, Notes::new());
    }
    let mut notes = Notes::new();
    let shard = arguments.part.shard.resolve(&mut notes)?;
    files::check_place(&arguments.out.join("settings.json"))?;
    let reading = Reading {
        place: arguments.data.as_deref(),
        size: arguments.image_size,
    };
    let precision = arguments.precision.parse()?;
    let bench = Bench::new(&options(context, arguments)?, &reading, context.threads, &mut notes)?;
    let mut bench = gpu::for_images(context, bench, &arguments.out, precision, &mut notes)?;
    let settings = bench.settings().clone();
    experiments::compute_and_report(context, &arguments.out, &settings, shard, &mut bench, notes, |done, notes| {
        write_report(context, arguments, Some(done), notes)
    })
}

fn write_report(context: &Context, arguments: &ForgetArgs, done: Option<Done>, mut notes: Notes) -> Result<()> {
    let out = &arguments.out;
    let judged = ForgetSettings::summarise(&RunFolder::open(out)?, &(), &mut notes)?;
    let paths = report::forget::write(&out.join("report"), &judged)?;
    experiments::reported(context, out, &judged, judged.pieces, &paths.html, done, &notes)
}
