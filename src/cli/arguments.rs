//! The command line as typed: names, shapes and help texts. Nothing here is checked against files; see the commands.

mod shared;

use std::path::PathBuf;

use super::expand_images::ImageSetArgs;
use super::values::{method_names, parse_amount, parse_device, parse_share};
use crate::label_errors::Amount;
use crate::nn::DeviceChoice;
use clap::{Args, Parser, Subcommand, ValueHint};

pub use shared::*;

/// Repairs a trained model after some of its training labels turn out to be wrong, and proves whether that helped.
#[derive(Debug, Parser)]
#[command(
    name = "recant",
    version,
    about,
    propagate_version = true,
    disable_help_subcommand = true,
    after_help = "The whole job on made-up orders, in under a minute:\n  recant demo\nWhat is in your own sheet, and a profile to edit:\n  recant inspect orders.csv\n\nEvery command explains itself: recant COMMAND --help\nExit codes: 0 done, 2 something about the input or the files, 70 a fault of Recant, 130 stopped by you"
)]
pub struct CommandLine {
    /// What applies to every command.
    #[command(flatten)]
    pub global: GlobalOptions,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options every command takes.
#[derive(Debug, Clone, Args)]
pub struct GlobalOptions {
    /// Print one JSON object instead of text (fractions, not percent)
    #[arg(long, global = true, help_heading = "Every command")]
    pub json: bool,
    /// Print nothing but errors
    #[arg(long, short, global = true, help_heading = "Every command")]
    pub quiet: bool,
    /// Seed of all random choices: the same seed gives the same files
    #[arg(long, global = true, value_name = "S", default_value_t = 1, help_heading = "Every command")]
    pub seed: u64,
    /// Processor cores to use [default: all]; the results are the same for any number
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Every command")]
    pub threads: Option<u16>,
    /// Memory that may be used, such as 8G; what would take more is refused before it is read [default: three quarters of what is free]
    #[arg(long, global = true, value_name = "SIZE", value_parser = crate::memory::parse, help_heading = "Every command")]
    pub memory: Option<u64>,
    /// What computes: auto, cpu, cuda, or cuda:1 for the second GPU; only `scenarios` and benchmarks on images compute on a GPU (see recant doctor)
    #[arg(long, global = true, value_name = "DEVICE", default_value = "auto", value_parser = parse_device, help_heading = "Every command")]
    pub device: DeviceChoice,
}

/// The commands, in the order of the job.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole job on made-up orders: train, find wrong rows, repair, report
    #[command(after_help = "Examples:\n  recant demo\n  recant demo --out my-first-repair")]
    Demo(DemoArgs),
    /// Do the whole job in the browser, on your own machine
    #[command(
        after_help = "Examples:\n  recant app\n  recant app recant-demo\n  recant app orders-2018 --read-only\n\nThe app listens on this machine alone. The link that it prints opens it in one browser, once; the next one is printed then.\nEverything it does is a command of the terminal, and each page shows which."
    )]
    App(AppArgs),
    /// Look into a sheet: columns, dates, classes, columns that give the label away, a profile to edit
    #[command(
        after_help = "Examples:\n  recant inspect orders.xlsx\n  recant inspect orders.csv --label \"Delivery Status\" --write-profile orders.recant.toml"
    )]
    Inspect(InspectArgs),
    /// Train a classifier on a sheet
    #[command(
        after_help = "Examples:\n  recant train orders.csv --out model\n  recant train orders.csv --profile dataco --network 3x100 --trials 10 --out model"
    )]
    Train(TrainArgs),
    /// Mislabel a share of the training rows, to try a repair where the truth is known
    #[command(
        after_help = "Examples:\n  recant inject orders.csv --rate 5% --out trial\n  recant inject orders.csv --kind 'segment:Market = LATAM and \"Shipping Mode\" = \"Standard Class\": late -> on time, 60%' --out trial"
    )]
    Inject(InjectArgs),
    /// Find the rest: further rows, or images, that are wrong like the flagged ones, and the rule that they follow
    #[command(
        after_help = "Examples:\n  recant expand orders.csv --model model --flags wrong-ids.csv --out proposals.xlsx\n  recant repair --model model --flags proposals.xlsx --correct-column likeliest_label --data orders.csv --out model-repaired\n  recant expand --dataset folder --data photos --flags wrong.csv --out found\n\nThe file lists the flagged rows, rows of a pattern (ticked: is_label_issue is TRUE), doubtful rows of the same rule, and rows that\ncontradict the rest of their group or a proxy of the label (neither ticked). Untick and tick as you see fit; `recant repair --flags` takes the ticked ones,\nand with `--correct-column likeliest_label` methods that train learn them as their likeliest label, which recovers most.\nWhere the flags look like independent slips it says so and proposes nothing for being like them.\nOf images (`--dataset`), a folder with the list, the network and a report with the pictures is written."
    )]
    Expand(ExpandArgs),
    /// Rank likely label errors without any flags
    #[command(
        after_help = "Examples:\n  recant suspects orders.csv --model model --out suspects.xlsx\n  recant suspects orders.csv --label status --probabilities forest.csv --key order --out suspects.xlsx\n  recant repair --model model --flags suspects.xlsx --data orders.csv --out model-repaired"
    )]
    Suspects(SuspectsArgs),
    /// Repair a model, given the rows that were entered wrongly
    #[command(
        after_help = "Examples:\n  recant repair --model model --flags wrong-rows.csv --test orders-2018.csv --out model-repaired\n  recant repair --model model --flags wrong-ids.xlsx --data orders.csv --out model-repaired\n  recant repair --model model --flags some-ids.csv --expand --data orders.csv --out model-repaired\n  recant repair --model model --corrected orders-corrected.xlsx --data orders.xlsx --out model-repaired\n  recant repair --model model.onnx --data train.csv --label status --flags wrong.csv --out repaired.onnx\n\nWithout `--method` every method is tried, settings included, and the best is taken only if rows of the training period that chose nothing bear it out; else the old model is written, and said so. The advice at the end is one of: use the repaired model, keep the old one, check some rows first (`recant check`). `--method all` shows all methods side by side, with their default settings. `--method NAME` writes the model of that method."
    )]
    Repair(Box<RepairArgs>),
    /// Look up the truth of some rows to know whether a repair helped
    #[command(
        after_help = "Examples:\n  recant check --model model --repaired model-repaired --data orders.csv --rows 30 --out check.xlsx\n  recant check --read check.xlsx\n\nDraws rows at random among those on which the two models differ. The sheet does not tell which model said what; that is kept beside it,\nin check.xlsx.key.json. Read back, it gives the change in accuracy with an exact interval, a verdict, and how many more rows would decide it.\n`recant repair --looked-up check.xlsx` lets the truths count in the next repair."
    )]
    Check(CheckArgs),
    /// Predict next week's sheet: class, probabilities, warnings
    #[command(after_help = "Examples:\n  recant predict next-week.xlsx --model model-repaired --out predictions.xlsx")]
    Predict(PredictArgs),
    /// Does a repair help? Many random error scenarios, resumable, with a tested report
    #[command(
        after_help = "Examples:\n  recant scenarios orders.csv --profile dataco --sizes 2x50,3x100 --errors 1%,5% --runs 100 --out run\n  recant scenarios status run\n  recant scenarios report run\n\nThe third of eight parts, each on a computer of its own, and all of them put together:\n  recant scenarios orders.csv --shard 3/8 --out run\n  recant scenarios merge run\n\nStopped or killed, the same command goes on where it stopped and ends with the same bytes."
    )]
    Scenarios(Box<super::scenarios::ScenariosArgs>),
    /// Studies over many trials: which method helps when only a part of the wrong rows is known?
    #[command(
        after_help = "Examples:\n  recant bench corrective --generated 60000 --kind 'segment:Market = LATAM: late -> on time, 60%' --out study"
    )]
    Bench(super::bench::BenchArgs),
    /// Rebuild a report from stored records
    #[command(
        after_help = "Examples:\n  recant report model-repaired --out report\n  recant report model --out training-report\n  recant report model-repaired/report/record.json --out report"
    )]
    Report(ReportArgs),
    /// Write a model as one ONNX file, raw columns in, for Python, C#, Java or a browser
    #[command(
        after_help = "Examples:\n  recant export model-repaired --out model.onnx\n  recant export model-repaired --out model.onnx --data orders.csv\n\nThe file holds the whole encoding: it takes texts, numbers, and dates as days since 1970-01-01, and gives class and probabilities.\nWhat each input takes is printed, and written into the file. With `--data` its predictions are compared with the model's. See docs/onnx.md."
    )]
    Export(ExportArgs),
    /// Copy of a model folder that predicts and holds nothing else: no keys, gradients, records or reports
    #[command(
        after_help = "Examples:\n  recant share model-repaired --out for-the-depot\n\nWhat a model folder holds of your orders: docs/privacy.md"
    )]
    Share(ShareArgs),
    /// Write made-up order sheets in the DataCo form
    #[command(
        after_help = "Examples:\n  recant generate --rows 20000 --out orders.csv\n  recant generate --rows 500 --next-week --out next-week.xlsx"
    )]
    Generate(GenerateArgs),
    /// What this machine offers: cores, memory, GPUs; what is not used, and why
    #[command(after_help = "Examples:\n  recant doctor\n  recant doctor --json")]
    Doctor,
    /// Print a completion script for your shell
    #[command(after_help = "Examples:\n  recant completions bash > ~/.local/share/bash-completion/completions/recant")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write manual pages, one for each command
    #[command(after_help = "Examples:\n  recant man --out man1")]
    Man(ManArgs),
}

/// `recant demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Folder to make
    #[arg(long, value_name = "DIR", default_value = "recant-demo", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
}

/// `recant app`
#[derive(Debug, Args)]
pub struct AppArgs {
    /// Folder with sheets and models
    #[arg(value_name = "FOLDER", default_value = ".", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// Port to listen on [default: a free one]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Do not open the page in a browser; the link is printed either way
    #[arg(long)]
    pub no_browser: bool,
    /// Change nothing in the folder
    #[arg(long)]
    pub read_only: bool,
}

/// `recant inspect`
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The sheet: CSV, Excel, OpenDocument or Parquet; several files, a folder or a quoted pattern are one sheet
    #[arg(value_name = "SHEET", value_hint = ValueHint::FilePath, required = true)]
    pub sheet_files: Vec<PathBuf>,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub profile: ProfileOptions,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub reading: SheetOptions,
    /// Write the proposed profile to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub write_profile: Option<PathBuf>,
}

/// `recant train`
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// The sheet: CSV, Excel, OpenDocument or Parquet; several files, a folder or a quoted pattern are one sheet
    #[arg(value_name = "SHEET", value_hint = ValueHint::FilePath, required = true)]
    pub sheet_files: Vec<PathBuf>,
    /// Model folder to make
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub profile: ProfileOptions,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub training: TrainingOptions,
    /// What counts as better than a simple model: `accuracy`, `balanced-accuracy`, `macro-f1`, `recall:CLASS`, or `cost:FILE`, as for repair
    #[arg(long, value_name = "MEASURE", default_value = "accuracy")]
    pub metric: String,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub reading: SheetOptions,
}

/// `recant inject`
#[derive(Debug, Args)]
pub struct InjectArgs {
    /// The sheet: CSV, Excel, OpenDocument or Parquet; several files, a folder or a quoted pattern are one sheet
    #[arg(value_name = "SHEET", value_hint = ValueHint::FilePath, required = true)]
    pub sheet_files: Vec<PathBuf>,
    /// Folder to make: corrupted sheet, flag file, and the true labels apart
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// Kind of error: uniform, paper, placebo, confusion:A,B, segment:RULE, poison:COLUMN=VALUE->CLASS; may be given several times
    #[arg(long, value_name = "KIND", default_value = "uniform")]
    pub kind: Vec<String>,
    /// Share of the training rows to mislabel, or a number of rows: 5%, 0.05, 200 [default: 5%, or what the kind itself says]
    #[arg(long, visible_alias = "errors", value_name = "AMOUNT", value_parser = parse_amount)]
    pub rate: Option<Amount>,
    /// Mislabel all rows of a group (such as the items of an order) together
    #[arg(long)]
    pub whole_groups: bool,
    /// Which of the wrong rows are found first: none (a random part), earliest, latest, or a condition such as 'Market = LATAM'
    #[arg(long, value_name = "BIAS", default_value = "none")]
    pub bias: String,
    /// Share of the mislabelled rows that the flag file names
    #[arg(long, value_name = "SHARE", default_value = "100%", value_parser = parse_share)]
    pub known: f64,
    /// Share of the flags that point at rows without an error
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = parse_share)]
    pub false_flags: f64,
    /// Write whole rows into the flag file, so that a repair needs no other data
    #[arg(long)]
    pub full_rows: bool,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub profile: ProfileOptions,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub reading: SheetOptions,
}

/// `recant expand`
#[derive(Debug, Args)]
pub struct ExpandArgs {
    /// The sheet that the model was trained on
    #[arg(value_name = "SHEET", value_hint = ValueHint::FilePath, required_unless_present = "dataset")]
    pub sheet_files: Vec<PathBuf>,
    /// Model folder made by `recant train`, or a file of a model trained elsewhere (with --label); none where --label names the class. Of images the
    /// network that an earlier search left, instead of training one
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::AnyPath, required_unless_present_any = ["label", "dataset"])]
    pub model: Option<PathBuf>,
    /// Rows that are known to be wrong: keys, row numbers or whole rows (CSV, Excel, Parquet); of images their names
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub flags: PathBuf,
    /// File to write: .csv, or .xlsx to tick; of images a folder
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub force: ForceOption,
    /// Rows that somebody looked at for errors, where these are not all, such as "Market = LATAM": flags elsewhere could not be, and the search
    /// learns within these rows only
    #[arg(long, value_name = "RULE")]
    pub checked: Option<String>,
    /// Tick the rows that contradict something as well
    #[arg(long)]
    pub tick_contradictions: bool,
    /// Tick rows of the pattern, doubtful ones too, at random with their chance of being wrong, as `repair --expand` takes them
    #[arg(long)]
    pub tick_doubtful: bool,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub images: ImageSetArgs,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub labels: LabelOptions,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub flag_reading: FlagOptions,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub reading: SheetOptions,
}

/// `recant suspects`
#[derive(Debug, Args)]
pub struct SuspectsArgs {
    /// The sheet that the model was trained on
    #[arg(value_name = "SHEET", value_hint = ValueHint::FilePath, required = true)]
    pub sheet_files: Vec<PathBuf>,
    /// Model folder made by `recant train`, or a file of a model trained elsewhere (with --label); none where --label names the class
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::AnyPath, required_unless_present = "label")]
    pub model: Option<PathBuf>,
    /// File to write: .csv, or .xlsx to tick
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub force: ForceOption,
    /// Column that names each row, where the sheet has no model of Recant's
    #[arg(long, value_name = "COLUMN")]
    pub key: Option<String>,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub labels: LabelOptions,
    /// Parts that the rows are cut into, each judged by a model trained on the others
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(2..=50))]
    pub folds: u8,
    /// List every training row, not only the suspects, the most doubted label first
    #[arg(long)]
    pub all: bool,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub reading: SheetOptions,
}

/// `recant repair`
#[derive(Debug, Args)]
pub struct RepairArgs {
    /// Model folder made by `recant train`, or the file of a model that was trained elsewhere (.onnx, .safetensors, .pt)
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::AnyPath)]
    pub model: PathBuf,
    /// The rows that were entered wrongly: whole rows, keys or row numbers (CSV, Excel, Parquet)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, required_unless_present = "corrected")]
    pub flags: Option<PathBuf>,
    /// Instead of flags: a corrected copy of the sheet; rows whose label differs there are the flags, with their correct label
    #[arg(long, value_name = "SHEET2", value_hint = ValueHint::FilePath, conflicts_with = "flags")]
    pub corrected: Option<PathBuf>,
    /// Look for further rows that are wrong like the flagged ones, as `recant expand` does, and repair with them too (needs --data)
    #[arg(long)]
    pub expand: bool,
    /// Repair with the flagged rows alone; else `auto` repairs with further rows too where they follow what the flags have in common and a
    /// repair with them is accepted
    #[arg(long, conflicts_with = "expand")]
    pub only_flagged: bool,
    /// Rows that somebody looked at for errors, where these are not all, as `recant expand` takes them (needs --data)
    #[arg(long, value_name = "RULE")]
    pub checked: Option<String>,
    /// The sheet the model was trained on (needed where the flag file has only keys, and by all methods but assd and ssd); may be given several times
    #[arg(long, value_name = "SHEET", value_hint = ValueHint::FilePath)]
    pub data: Vec<PathBuf>,
    /// A sheet to judge by, whose labels you vouch for [default: the test rows of --data, those under suspicion left out]
    #[arg(long, value_name = "SHEET", value_hint = ValueHint::FilePath)]
    pub test: Option<PathBuf>,
    /// A sheet of `recant check` with truths filled in: those rows judge by them
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub looked_up: Option<PathBuf>,
    /// For trials: the rows that the errors could have hit (truth/affected-rows.csv of `recant inject`), which the report then shows apart
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub affected: Option<PathBuf>,
    /// Repair method; `auto`: the one that helps most, accepted by rows that chose nothing, or the old model; `all`: all of them side by side
    #[arg(long, value_name = "METHOD", default_value = "auto", value_parser = method_names())]
    pub method: String,
    /// Model folder to make, with the report inside; for an .onnx model the .onnx file to make, with the report in a folder beside it
    #[arg(long, value_name = "MODEL2", value_hint = ValueHint::AnyPath)]
    pub out: PathBuf,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub imported: ImportedOptions,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub flag_reading: FlagOptions,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub evidence: EvidenceOptions,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub dampening: DampeningOptions,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub reading: SheetOptions,
}

/// `recant check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The model before the repair: a folder, or a file of a model trained elsewhere
    #[arg(long, value_name = "OLD", value_hint = ValueHint::AnyPath, conflicts_with = "read")]
    pub model: Option<PathBuf>,
    /// The model after it
    #[arg(long, value_name = "NEW", value_hint = ValueHint::AnyPath, conflicts_with = "read")]
    pub repaired: Option<PathBuf>,
    /// The sheet to draw rows from; of the sheet that the model was trained on only its test rows are drawn
    #[arg(long, value_name = "SHEET", value_hint = ValueHint::FilePath, conflicts_with = "read")]
    pub data: Vec<PathBuf>,
    /// Rows to draw
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=2000))]
    pub rows: u16,
    /// File to write: .xlsx with a drop-down of the classes, or .csv
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "read")]
    pub out: Option<PathBuf>,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub force: ForceOption,
    /// A sheet with the truths filled in
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub read: Option<PathBuf>,
    /// Smallest difference in accuracy, as measured, that is called a change
    #[arg(long, value_name = "SHARE", default_value = "0.1%", value_parser = parse_share)]
    pub minimum_effect: f64,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub imported: ImportedColumns,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub reading: SheetOptions,
}

/// `recant predict`
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// The sheet: CSV, Excel, OpenDocument or Parquet; several files, a folder or a quoted pattern are one sheet
    #[arg(value_name = "SHEET", value_hint = ValueHint::FilePath, required = true)]
    pub sheet_files: Vec<PathBuf>,
    /// Model folder, or the file of a model that was trained elsewhere (.onnx, .safetensors, .pt)
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::AnyPath)]
    pub model: PathBuf,
    /// File to write: .csv, .xlsx or .parquet
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub force: ForceOption,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub imported: ImportedColumns,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub reading: SheetOptions,
}

/// `recant report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// A model folder (repaired or trained), a report folder, or a record itself: record.json or training.json
    #[arg(value_name = "MODEL_OR_RECORD", value_hint = ValueHint::AnyPath)]
    pub run: PathBuf,
    /// Folder to make
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
}

/// `recant export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Model folder made by `recant train`, `recant repair` or `recant share`
    #[arg(value_name = "MODEL", value_hint = ValueHint::DirPath)]
    pub model: PathBuf,
    /// File to write: .onnx
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,
    /// A sheet, on whose rows the file must predict what the model predicts
    #[arg(long, value_name = "SHEET", value_hint = ValueHint::FilePath)]
    pub data: Option<PathBuf>,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub force: ForceOption,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub reading: SheetOptions,
}

/// `recant share`
#[derive(Debug, Args)]
pub struct ShareArgs {
    /// Model folder made by `recant train` or `recant repair`
    #[arg(value_name = "MODEL", value_hint = ValueHint::DirPath)]
    pub model: PathBuf,
    /// Folder to make
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
}

/// `recant man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Folder to make, for pages such as recant.1 and recant-train.1
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
}

/// `recant generate`
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Rows (order items)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=50_000_000))]
    pub rows: u32,
    /// File to write: .csv (latin-1, like the original), .csv.gz, .xlsx or .parquet
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub force: ForceOption,
    /// Orders that have not shipped yet: no actual days, shipping date or final status
    #[arg(long)]
    pub next_week: bool,
    /// With --next-week: how many past rows the orders follow on (ids and customers go on from there)
    #[arg(long, value_name = "N", default_value_t = 180_519, requires = "next_week")]
    pub after: u32,
    /// Strength of what delays depend on: 1 is normal, 0 pure chance, at most 10
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, allow_negative_numbers = true)]
    pub signal: f64,
    /// Share of orders with the status COMPLETE
    #[arg(long, value_name = "SHARE", default_value = "33%", value_parser = parse_share)]
    pub complete_share: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
