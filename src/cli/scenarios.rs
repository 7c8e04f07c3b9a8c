//! `recant scenarios`: batches of random error scenarios, resumable and shardable, with a tested report.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueHint};

use crate::cli::Context;
use crate::cli::arguments::{ProfileOptions, SheetOptions};
use crate::cli::experiments::{self, MergeArgs, RunArgs, ShardOptions};
use crate::cli::values::counted;
use crate::cli::{gpu, sheets};
use crate::commands::{JudgeScenarios, PlanScenarios, SheetSource, default_evidence, judge_scenarios, plan_scenarios};
use crate::error::{Error, Result};
use crate::evaluate::record::EvaluationSettings;
use crate::experiments::random_errors::settings::CPU;
use crate::experiments::random_errors::{BatchOptions, Settings};
use crate::experiments::{RunFolder, Shard, Study, UnitOf, status};
use crate::notes::Notes;
use crate::report;
use crate::report::format;

/// Scenarios of a chunk on the processor unless said otherwise.
const CHUNK: u32 = 10;

/// `recant scenarios`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ScenariosArgs {
    /// What to do with a run folder
    #[command(subcommand)]
    pub action: Option<Action>,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub batch: BatchArgs,
}

/// What can be done with a run folder.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Show the scenarios of a run folder, their chunks, and which are left
    Plan(PlanArgs),
    /// Show how far a run is and how long the rest will take
    Status(RunArgs),
    /// Put shards together: the same records as one process would have written
    Merge(MergeArgs),
    /// Judge a run: HTML, workbook, JSON and plots
    Report(ReportArgs),
}

/// `recant scenarios plan`
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The run folder
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub run: PathBuf,
    /// Show how the plan would be divided into this many shards
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub shards: Option<u32>,
}

/// `recant scenarios report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run folder
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub run: PathBuf,
    /// Run folders of the same sheet at other learning rates, to show gains over the learning rate; may be given several times
    #[arg(long, value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub with: Vec<PathBuf>,
    /// Where to write the report [default: RUN/report]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// Smallest change of accuracy worth acting on, in percentage points
    #[arg(long, value_name = "POINTS", default_value_t = 0.1)]
    pub minimum_effect_points: f64,
    /// Bootstrap resamples (100 to 1,000,000)
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = counted::<usize>(100, 1_000_000))]
    pub resamples: usize,
}

/// What to compute.
#[derive(Debug, Args)]
pub struct BatchArgs {
    /// The sheet: CSV, Excel, OpenDocument or Parquet
    #[arg(value_name = "SHEET", required = true, value_hint = ValueHint::FilePath)]
    pub sheet_file: Option<PathBuf>,
    /// Run folder: made if it is not there, gone on with if it is
    #[arg(long, value_name = "RUN", required = true, value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// Network sizes; differing widths with dashes, such as 100-50
    #[arg(long, value_name = "SIZES", default_value = "2x50,3x100,5x250")]
    pub sizes: String,
    /// Error rates: shares of the training rows, or numbers of rows
    #[arg(long, value_name = "RATES", default_value = "0.25%,1%,2.5%,5%,7.5%,10%")]
    pub errors: String,
    /// Scenarios per size and error rate; one number, or one per size
    #[arg(long, value_name = "N", default_value = "100")]
    pub runs: String,
    /// As published for the DataCo data (arXiv 2402.10098, Table 4): learning rate and weight decay of each size, `--kind paper`,
    /// `--reference retain`, `--methods retrain,finetune,assd` and `--profile dataco-paper`; each but the rates can be given otherwise
    #[arg(long, conflicts_with_all = ["learning_rate", "weight_decay", "trials"])]
    pub published: bool,
    /// Repair methods: all, or names such as retrain,finetune,assd,ssd; joined by + they are applied one after the other [default: all]
    #[arg(long, value_name = "METHODS")]
    pub methods: Option<String>,
    /// Kind of error: uniform, paper (the published injector, faults and all), or placebo (right rows are flagged, nothing is wrong)
    /// [default: uniform]
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Initialisations nested under each scenario (1 to 10,000); 1: one for all scenarios, as in the paper
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = counted::<u32>(1, 10_000))]
    pub init_seeds: u32,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub part: ShardOptions,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub training: BatchTraining,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub profile: ProfileOptions,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub reading: SheetOptions,
}

/// Training and dampening, for researchers.
#[derive(Debug, Args)]
#[command(next_help_heading = "Training and dampening (for researchers)")]
pub struct BatchTraining {
    /// Learning rate of the first pass [default: searched once per size on clean data]
    #[arg(long, value_name = "RATE")]
    pub learning_rate: Option<f64>,
    /// Weight decay, with --learning-rate [default: the profile's]
    #[arg(long, value_name = "RATE", requires = "learning_rate")]
    pub weight_decay: Option<f64>,
    /// Trials of the search (0 to 10,000)
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = counted::<u32>(0, 10_000))]
    pub trials: u32,
    /// Passes over the training rows (1 to 100,000) [default: the profile's]
    #[arg(long, value_name = "N", value_parser = counted::<usize>(1, 100_000))]
    pub epochs: Option<usize>,
    /// Importance: squared-batch-gradient or per-sample-fisher
    #[arg(long, value_name = "KIND", default_value = "squared-batch-gradient")]
    pub importance: String,
    /// What the flagged rows are compared with: retain-original-batches, retain or full [default: retain-original-batches]
    #[arg(long, value_name = "SET")]
    pub reference: Option<String>,
    /// In how many scenarios of each cell (0 to 1,000,000) dampening is tried over a grid of alpha and lambda
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = counted::<u32>(0, 1_000_000))]
    pub sweep_runs: u32,
    /// Scenarios that are written together (1 to 10,000): what a kill loses at most [default: 10, on a GPU 100]
    #[arg(long, value_name = "N", value_parser = counted::<u32>(1, 10_000))]
    pub chunk: Option<u32>,
}

pub(super) fn run(context: &Context, arguments: &ScenariosArgs) -> Result<()> {
    match &arguments.action {
        None => run_batch(context, &arguments.batch),
        Some(Action::Plan(arguments)) => show_plan(context, arguments),
        Some(Action::Status(arguments)) => experiments::show_status(context, &arguments.run),
        Some(Action::Merge(arguments)) => experiments::run_merge(context, arguments, "recant scenarios report RUN"),
        Some(Action::Report(arguments)) => run_report(context, arguments),
    }
}

fn run_batch(context: &Context, arguments: &BatchArgs) -> Result<()> {
    let (Some(sheet), Some(out)) = (&arguments.sheet_file, &arguments.out) else {
        return Err(Error::input("a sheet and `--out RUN` are needed").hint("recant scenarios orders.csv --out run"));
    };
    let mut notes = Notes::new();
    let shard = arguments.part.resolve(&mut notes)?;
    let request = PlanScenarios {
        sheet: SheetSource::File(sheet),
        reading: sheets::read_options(&arguments.reading)?,
        profile: arguments.profile.profile.as_deref(),
        overrides: sheets::overrides(&arguments.profile, context.seed),
        options: options(context, arguments),
    };
    let (mut settings, data) = plan_scenarios(&request, &mut notes)?;
    let place = RunFolder::<Settings>::place(out, shard);
    let gpu = gpu::open(context, &place, &settings.methods, &mut notes)?;
    if gpu.is_some() {
        gpu::mark(&mut settings, arguments.training.chunk);
    }
    let mut engine = gpu::engine(&data, &settings, context.threads, gpu)?;
    let (done, _folder) = experiments::compute(context, out, &settings, shard, engine.as_mut(), &mut notes)?;
    let console = &context.console;
    if done.complete {
        console.next_step("Next, judge them:", &format!("recant scenarios report {}", sheets::shown(out)));
    }
    let mut value = experiments::computed(out, shard, done, &notes);
    value["run"] = sheets::in_result(&place);
    value["device"] = serde_json::json!(settings.device);
    console.result(&value);
    Ok(())
}

fn options(context: &Context, arguments: &BatchArgs) -> BatchOptions {
    let reading = &arguments.reading;
    let given: Vec<String> = [
        reading.sheet.as_ref().map(|name| format!("sheet {name}")),
        reading.header_row.map(|row| format!("header row {row}")),
        reading.encoding.as_ref().map(|name| format!("encoding {name}")),
        reading.delimiter.as_ref().map(|text| format!("delimiter {text}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    BatchOptions {
        sizes: arguments.sizes.clone(),
        runs: arguments.runs.clone(),
        errors: arguments.errors.clone(),
        published: arguments.published,
        error_kind: arguments.kind.clone(),
        methods: arguments.methods.clone(),
        init_seeds: arguments.init_seeds,
        importance: arguments.training.importance.clone(),
        reference: arguments.training.reference.clone(),
        epochs: arguments.training.epochs,
        learning_rate: arguments.training.learning_rate,
        weight_decay: arguments.training.weight_decay,
        trials: arguments.training.trials,
        sweep_runs: arguments.training.sweep_runs,
        chunk: arguments.training.chunk.unwrap_or(CHUNK),
        seed: context.seed.0,
        reading: given.join(", "),
        device: CPU.to_owned(),
    }
}

/// Settings of a run folder, or of the first shard in it.
fn settings_of(path: &Path) -> Result<Settings> {
    let seen = status::<Settings>(path, &mut Notes::new())?;
    serde_json::from_value(seen.settings).map_err(|error| Error::internal(error.to_string()))
}

fn show_plan(context: &Context, arguments: &PlanArgs) -> Result<()> {
    let settings = settings_of(&arguments.run)?;
    let units: Vec<UnitOf<Settings>> = settings.units()?.collect();
    let scenarios: usize = units.iter().map(|unit| unit.count as usize).sum();
    let console = &context.console;
    console.say(format!(
        "{} in {}: each cell below, {} at a time.",
        format::counted(scenarios, "scenario"),
        format::counted(units.len(), "chunk"),
        settings.chunk
    ));
    for size in &settings.sizes {
        console.item(
            &size.size,
            format!("{} scenarios at each of {}", size.runs, settings.errors.join(", ")),
        );
    }
    let mut shards = Vec::new();
    for number in 1..=arguments.shards.unwrap_or(0) {
        let shard = Shard::new(number, arguments.shards.unwrap_or(0))?;
        let own: usize = shard
            .part(&units, Settings::ABOUT.shards)
            .iter()
            .map(|unit| unit.count as usize)
            .sum();
        console.item(&shard.to_string(), format::counted(own, "scenario"));
        shards.push(serde_json::json!({ "shard": shard.to_string(), "scenarios": own }));
    }
    let chunks: Vec<&str> = units.iter().map(|unit| unit.name.as_str()).collect();
    console.result(&serde_json::json!({ "settings": settings, "scenarios": scenarios, "chunks": chunks, "shards": shards }));
    Ok(())
}

fn run_report(context: &Context, arguments: &ReportArgs) -> Result<()> {
    let out = arguments.out.clone().unwrap_or_else(|| arguments.run.join("report"));
    let mut notes = Notes::new();
    let request = JudgeScenarios {
        run: &arguments.run,
        with: &arguments.with,
        evaluation: EvaluationSettings {
            minimum_effect: arguments.minimum_effect_points / 100.0,
            resamples: arguments.resamples,
            ..default_evidence(context.seed)
        },
        out: &out,
    };
    let judged = judge_scenarios(&request, &mut notes)?;
    let (page, workbook) = (out.join("report.html"), out.join("report.xlsx"));
    let console = &context.console;
    console.notes(&notes);
    console.say(report::scenarios::headline(&judged));
    for cell in &judged.cells {
        if let Some(method) = cell.methods.iter().find(|method| method.method == "assd").or(cell.methods.first()) {
            console.item(
                &format!("{}, {}", cell.size, cell.error),
                format!("{}: {}", method.method, method.test.sentence),
            );
        }
    }
    console.item("Report", page.display().to_string());
    let value = serde_json::to_value(&judged).map_err(|error| Error::internal(error.to_string()))?;
    console.result(&serde_json::json!({ "report": sheets::in_result(&page), "workbook": sheets::in_result(&workbook), "result": value }));
    Ok(())
}
