//! `recant bench`: studies over many trials, resumable and shardable.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use crate::cli::Context;
use crate::cli::arguments::{ProfileOptions, SheetOptions};
use crate::cli::bench_forget::{self, ForgetArgs};
use crate::cli::bench_images::{self, ImageStudyArgs};
use crate::cli::experiments::{self, MergeArgs, RunArgs, ShardOptions};
use crate::cli::sheets;
use crate::cli::values::{counted, parse_share, recipe_kind};
use crate::datasets::generator::{Options as Generated, Sheet};
use crate::error::{Error, Result};
use crate::experiments::corrective::{Corrective, StudyOptions, StudySettings};
use crate::experiments::folder::GENERATED;
use crate::experiments::{Done, RunFolder, Study};
use crate::features::{Profile, RecipeKind};
use crate::label_errors::Amount;
use crate::notes::Notes;
use crate::repair::METHODS;
use crate::report;

/// `recant bench`
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Which study
    #[command(subcommand)]
    pub study: StudyCommand,
}

/// The studies.
#[derive(Debug, Subcommand)]
pub enum StudyCommand {
    /// Only a part of the wrong rows, or of the spoiled images, is known: which method recovers what they cost?
    #[command(
        after_help = "Examples:\n  recant bench corrective --sheet orders.csv --profile dataco --kind 'segment:Market = LATAM: late -> on time, 60%' --out study\n  recant bench corrective --generated 60000 --kind 'confusion:late,on time' --rate 2%,5% --known 10%,30%,100% --out study\n  recant bench corrective --dataset cifar10 --data DIR --manipulation poison:n=500 --known 10,50,100 --methods all --seeds 3 --out run\n  recant bench corrective --dataset cifar10 --data DIR --figure 2 --out figure-2\n  recant bench corrective --report-only --out study\n\nStopped or killed, the same command goes on where it stopped. Shards (--shard 1/2, --shard 2/2) share the folder."
    )]
    Corrective(Box<CorrectiveArgs>),
    /// A network is to forget a class, a sub-class or some images: which method does it, and what is lost?
    #[command(
        after_help = "Examples:\n  recant bench forget --dataset made-up --task class:level --seeds 1 --out run\n  recant bench forget --data cifar --dataset cifar20 --task subclass:rocket --sweep --out run\n  recant bench forget --data cifar --table 1 --out table-1\n  recant bench forget --report-only --out run\n\nStopped or killed, the same command goes on where it stopped. Shards (--shard 1/2, --shard 2/2) share the folder."
    )]
    Forget(Box<ForgetArgs>),
    /// Show how far the run of a study is and how long the rest will take
    Status(RunArgs),
    /// Put together parts that were computed in different folders, such as those of two machines
    Merge(MergeArgs),
}

/// `recant bench corrective`
#[derive(Debug, Args)]
pub struct CorrectiveArgs {
    /// The sheet: CSV, Excel, OpenDocument or Parquet
    #[arg(long, value_name = "SHEET", value_hint = ValueHint::FilePath)]
    pub sheet: Option<PathBuf>,
    /// Make up a sheet of this many rows instead (kept in the run folder)
    #[arg(long, value_name = "ROWS", conflicts_with = "sheet", value_parser = clap::value_parser!(u32).range(1_000..=5_000_000))]
    pub generated: Option<u32>,
    /// Run folder: made if it is not there, gone on with if it is
    #[arg(long, value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// Kind of error, as in `recant inject`; several at once joined by ` & `; may be given several times
    #[arg(long, value_name = "KIND")]
    pub kind: Vec<String>,
    /// Rates that every kind is tried at: shares of the training rows [default: the amounts that the kinds state]
    #[arg(long, value_name = "RATES", value_delimiter = ',')]
    pub rate: Vec<String>,
    /// Known shares of the wrong rows or images; 10 is 10%
    #[arg(long, value_name = "SHARES", default_value = "10%,20%,30%,40%,50%,60%,70%,80%,90%,100%", value_delimiter = ',', value_parser = known_share)]
    pub known: Vec<f64>,
    /// Which wrong rows are found first: none (a random part), earliest, latest, or a condition; of images over `class` and `label`
    #[arg(long, value_name = "BIAS", default_value = "none")]
    pub bias: String,
    /// Share of the flags that sit on clean rows
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = parse_share)]
    pub false_flags: f64,
    /// Methods, joined by + to be applied one after the other; all
    #[arg(long, value_name = "METHODS", default_value = "all", value_delimiter = ',')]
    pub methods: Vec<String>,
    /// Repetitions (1 to 10,000), each with a model of its own [default: 5; with --dataset 3]
    #[arg(long, value_name = "N", visible_alias = "seeds", value_parser = counted::<u32>(1, 10_000))]
    pub runs: Option<u32>,
    /// Run every method with its defaults instead of choosing settings on validation rows
    #[arg(long)]
    pub no_search: bool,
    /// How to train on a sheet: paper (arXiv 2402.10098) or standard (as `recant train` does) [default: paper]
    #[arg(long, value_name = "NAME", value_parser = recipe_kind, conflicts_with = "dataset")]
    pub recipe: Option<RecipeKind>,
    /// Hidden layers [default: the profile's], or image network by name [default: the published one]
    #[arg(long, value_name = "SIZE")]
    pub network: Option<String>,
    /// Passes over the training rows or images (1 to 100,000) [default: the profile's; the published training]
    #[arg(long, value_name = "N", conflicts_with = "steps", value_parser = counted::<usize>(1, 100_000))]
    pub epochs: Option<usize>,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub images: ImageStudyArgs,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub part: PartOptions,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub profile: ProfileOptions,
}

/// How much of a benchmark a process computes.
#[derive(Debug, Args)]
pub struct PartOptions {
    #[allow(missing_docs)]
    #[command(flatten)]
    pub shard: ShardOptions,
    /// Compute nothing; write the report of what is there
    #[arg(long)]
    pub report_only: bool,
}

pub(super) fn run(context: &Context, arguments: &BenchArgs) -> Result<()> {
    match &arguments.study {
        StudyCommand::Corrective(arguments) => run_corrective(context, arguments),
        StudyCommand::Forget(arguments) => bench_forget::run(context, arguments),
        StudyCommand::Status(arguments) => experiments::show_status(context, &arguments.run),
        StudyCommand::Merge(arguments) => {
            let command = experiments::command(arguments)?;
            experiments::run_merge(context, arguments, &format!("recant {command} --report-only --out RUN"))
        }
    }
}

/// A known share: `10%`, `0.1`, or a whole number of percent from 2 on; 1 could mean all.
fn known_share(text: &str) -> std::result::Result<f64, String> {
    match text.trim().parse::<u32>() {
        Ok(percent @ 2..=100) => Ok(f64::from(percent) / 100.0),
        _ => Amount::parse_share(text).map_err(|error| match error.hint_text() {
            Some(hint) => format!("{}; {hint}", error.message()),
            None => error.message().to_owned(),
        }),
    }
}

fn run_corrective(context: &Context, arguments: &CorrectiveArgs) -> Result<()> {
    if bench_images::is_of_images(arguments) {
        return bench_images::run(context, arguments);
    }
    if arguments.part.report_only {
        return write_report(context, arguments, None);
    }
    let mut notes = Notes::new();
    let shard = arguments.part.shard.resolve(&mut notes)?;
    let progress = context.console.progress();
    let sheet = match (&arguments.sheet, arguments.generated) {
        (Some(sheet), _) => sheet.clone(),
        (None, Some(rows)) => {
            let path = arguments.out.join(format!("{GENERATED}{rows}-seed-{}.csv", context.seed.0));
            if !path.exists() {
                let options = Generated {
                    rows: rows as usize,
                    seed: context.seed,
                    ..Generated::default()
                };
                std::fs::create_dir_all(&arguments.out).map_err(|error| Error::io("make the folder", &arguments.out, &error))?;
                Sheet::past(&options)?.write(&path, &progress)?;
            }
            path
        }
        (None, None) => {
            return Err(Error::input("a study needs a sheet")
                .hint("give one with `--sheet orders.csv`, let one be made up with `--generated 60000`, or name an image set: `--dataset cifar10`"));
        }
    };
    let table = sheets::read(&sheet, &SheetOptions::default(), &mut notes)?;
    let overrides = sheets::overrides(&arguments.profile, context.seed);
    let profile = Profile::choose(&table, arguments.profile.profile.as_deref(), &overrides, &mut notes)?;
    let options = StudyOptions {
        kinds: arguments.kind.clone(),
        rates: arguments.rate.clone(),
        known: arguments.known.clone(),
        bias: arguments.bias.clone(),
        false_flags: arguments.false_flags,
        methods: all_methods(&arguments.methods),
        repetitions: arguments.runs.unwrap_or(5),
        search: !arguments.no_search,
        recipe: arguments.recipe.unwrap_or(RecipeKind::Paper),
        network: arguments.network.clone(),
        epochs: arguments.epochs,
        seed: context.seed.0,
    };
    let mut study = Corrective::new(&table, &profile, &options, context.threads, &mut notes)?;
    let settings = study.settings().clone();
    let (done, _folder) = experiments::compute(context, &arguments.out, &settings, shard, &mut study, &mut notes)?;
    if !done.complete {
        context.console.result(&experiments::computed(&arguments.out, shard, done, &notes));
        return Ok(());
    }
    write_report(context, arguments, Some(done))
}

/// `all` among names of methods stands for every method.
fn all_methods(names: &[String]) -> Vec<String> {
    let all = || METHODS.iter().map(|method| method.name().to_owned()).collect();
    let each = |name: &String| if name.trim() == "all" { all() } else { vec![name.clone()] };
    names.iter().flat_map(each).collect()
}

fn write_report(context: &Context, arguments: &CorrectiveArgs, done: Option<Done>) -> Result<()> {
    let folder = RunFolder::<StudySettings>::open(&arguments.out)?;
    let mut notes = Notes::new();
    let judged = StudySettings::summarise(&folder, &(), &mut notes)?;
    let paths = report::corrective::write(&arguments.out.join("report"), &judged)?;
    let console = &context.console;
    console.notes(&notes);
    console.item("Report", paths.html.display().to_string());
    let mut value = serde_json::to_value(&judged).map_err(|error| Error::internal(error.to_string()))?;
    value["run"] = sheets::in_result(&arguments.out);
    value["report"] = sheets::in_result(&paths.html);
    value["computed"] = serde_json::json!(done.map(|done| done.computed));
    console.result(&value);
    Ok(())
}
