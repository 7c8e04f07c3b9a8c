//! Options that several commands share.

use std::path::PathBuf;
use std::time::Duration;

use super::super::values::{counted, parse_amount, parse_dates, parse_decimal, parse_share, parse_time, recipe_kind};
use crate::features::RecipeKind;
use crate::jobs::imported::SheetPlan;
use crate::label_errors::Amount;
use crate::onnx::{ACTIVATIONS, Activation, Layers};
use crate::tables::{DateOrder, DecimalMark};
use clap::{Args, ValueEnum, ValueHint};

/// What to do with a file that is there already.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct ForceOption {
    /// Replace the file at `--out` if it exists
    #[arg(long)]
    pub force: bool,
}

impl ForceOption {
    /// What the option means for the file.
    pub fn existing(self) -> crate::files::Existing {
        crate::files::Existing::forced(self.force)
    }
}

/// How to read a sheet; everything is detected unless said here.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Reading the sheet (detected unless given)")]
pub struct SheetOptions {
    /// Sheet of a workbook, by name or number (1 is the first)
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// Row of the column names, as the spreadsheet numbers rows, from 1
    #[arg(long, value_name = "ROW")]
    pub header_row: Option<usize>,
    /// Encoding of a CSV: utf-8, windows-1252, utf-16
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// Character between the cells of a CSV: , ; or tab
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<String>,
    /// Decimal mark of numbers: , or .
    #[arg(long, value_name = "MARK", value_parser = parse_decimal)]
    pub decimal: Option<DecimalMark>,
    /// Order of day, month and year in dates such as 3/2/2018: dmy, mdy or ymd
    #[arg(long, value_name = "ORDER", value_parser = parse_dates)]
    pub dates: Option<DateOrder>,
    /// Leave out rows of a workbook that are hidden, by hand or by a filter
    #[arg(long)]
    pub visible_only: bool,
}

/// Which profile to use, and what to change in it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Profile")]
pub struct ProfileOptions {
    /// Built-in profile (dataco, dataco-paper, generic) or a profile file [default: beside the sheet, else by its columns]
    #[arg(long, value_name = "NAME|FILE")]
    pub profile: Option<String>,
    /// Column that holds the label
    #[arg(long, value_name = "COLUMN")]
    pub label: Option<String>,
    /// Column that names each row
    #[arg(long, value_name = "COLUMN")]
    pub key: Option<String>,
    /// Column that orders the rows in time
    #[arg(long, value_name = "COLUMN")]
    pub time: Option<String>,
    /// Column whose equal values belong together, such as an order number
    #[arg(long, value_name = "COLUMN")]
    pub group: Option<String>,
    /// Column of the day or number of days that came true; with --planned, the label is early, on time or late
    #[arg(long, value_name = "COLUMN", requires = "planned", conflicts_with = "label")]
    pub actual: Option<String>,
    /// Column of the day or number of days that was planned
    #[arg(long, value_name = "COLUMN", requires = "actual")]
    pub planned: Option<String>,
    /// Rows that are used, such as "Market = LATAM and Days < 60"
    #[arg(long = "where", value_name = "CONDITION")]
    pub condition: Option<String>,
    /// Column that must not be an input; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub leave_out: Vec<String>,
}

/// How to train; the profile's values unless given.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Training (the profile's values unless given)")]
pub struct TrainingOptions {
    /// How to train: standard (shuffled batches, ends by validation rows) or paper (arXiv 2402.10098)
    #[arg(long, value_name = "NAME", value_parser = recipe_kind)]
    pub recipe: Option<RecipeKind>,
    /// Hidden layers: 2x50, 3x100, 64,32 or none; "4 of 2x50" is the mean of four networks; of "4 of 2x50 or none" the one that
    /// predicts later rows best is taken
    #[arg(long, value_name = "SIZE")]
    pub network: Option<String>,
    /// Passes over the training rows (1 to 100,000); with the standard recipe the most, and no longer schedule is tried
    #[arg(long, value_name = "N", value_parser = counted::<usize>(1, 100_000))]
    pub epochs: Option<usize>,
    /// Learning rate of the first pass
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub learning_rate: Option<f64>,
    /// Weight decay
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub weight_decay: Option<f64>,
    /// Rows per step (2 to 10,000,000)
    #[arg(long, value_name = "ROWS", value_parser = counted::<usize>(2, 10_000_000))]
    pub batch: Option<usize>,
    /// Weight the classes so that rare ones count as much as common ones
    #[arg(long)]
    pub balance_classes: bool,
    /// Search learning rate and weight decay with this many trials, the first the settings as they are, on rows held out of training (0 to 10,000; 0: no search)
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = counted::<usize>(0, 10_000))]
    pub trials: usize,
    /// Time that the search may take (90s, 5m, 1h); without `--trials` it tries settings until then. How many it tries, and so the model, depends on the machine
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub budget: Option<Duration>,
    /// Keep the encoded test rows in the model folder, so that repairs can be judged without the sheet (this stores data)
    #[arg(long)]
    pub keep_test_rows: bool,
    /// Leave out of the model folder all hashes of keys and groups, and gradients of few rows: repairs then find flagged rows by number, or need `--data` (docs/privacy.md)
    #[arg(long, conflicts_with = "keep_test_rows")]
    pub private: bool,
}

/// What a sheet does not tell whose model Recant did not train.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Models trained elsewhere")]
pub struct LabelOptions {
    /// Column of the sheet with the class
    #[arg(long, value_name = "COLUMN")]
    pub label: Option<String>,
    /// Probabilities of your own model for the rows of the sheet, by models that did not see the row (CSV, a column for each class; by --key, or in row order)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub probabilities: Option<PathBuf>,
    /// Class names of the model [default: those in its file, or the values of the label column]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub classes: Vec<String>,
}

/// An activation, by its name.
fn activation(name: &str) -> Result<Activation, String> {
    Activation::of(name).ok_or_else(|| {
        let names: Vec<&str> = ACTIVATIONS.iter().map(|known| known.name).collect();
        format!("it is none of {}", names.join(", "))
    })
}

/// What an imported model's file does not tell of a sheet.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Models trained elsewhere (.onnx, .safetensors, .pt)")]
pub struct ImportedColumns {
    /// Column of the sheet with the class that the model predicts
    #[arg(long, value_name = "COLUMN")]
    pub label: Option<String>,
    /// Columns of the model's inputs, in its order [default: by the names of its inputs, or all others of the sheet]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub inputs: Vec<String>,
    /// Class names in the order of the model's outputs [default: those in the file, or the values of the label column in their order]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub classes: Vec<String>,
    /// Activation between the layers of a state_dict, which does not hold it: relu, leaky_relu, elu, selu, celu, gelu, silu, mish, softplus, hardswish, tanh or sigmoid [default: relu]
    #[arg(long, value_name = "NAME", value_parser = activation)]
    pub activation: Option<Activation>,
    /// Modules and activations of a state_dict in the order in which rows go through them, as fc1,relu,fc2 [default: told from names and shapes]
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "activation")]
    pub layers: Vec<String>,
}

impl ImportedColumns {
    /// How the sheet is read.
    pub fn plan(&self, key: Option<&str>) -> SheetPlan {
        SheetPlan {
            label: self.label.clone().unwrap_or_default(),
            key: key.map(str::to_owned),
            inputs: self.inputs.clone(),
            classes: self.classes.clone(),
            layers: Layers {
                activation: self.activation,
                order: self.layers.clone(),
            },
        }
    }
}

/// What an imported model's file does not tell of a repair.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Models trained elsewhere (.onnx, .safetensors, .pt)")]
pub struct ImportedOptions {
    #[allow(missing_docs)]
    #[command(flatten)]
    pub columns: ImportedColumns,
    /// Learning rate at which methods that train go on: the one that the model's training ended with [default: 0.001]
    #[arg(long, value_name = "RATE")]
    pub learning_rate: Option<f64>,
    /// Sheet to choose among several methods by: rows that the model was not trained on and whose labels you vouch for [default: a random fifth of the training rows that are not flagged]
    #[arg(long, value_name = "SHEET", value_hint = ValueHint::FilePath)]
    pub validation: Option<PathBuf>,
    /// Your command that trains the model: leaves out the rows in the file $RECANT_FLAGS and writes $RECANT_OUT (docs/onnx.md)
    #[arg(long, value_name = "COMMAND")]
    pub retrain: Option<String>,
    /// Seconds that one run of it may take
    #[arg(long, value_name = "N", default_value_t = 86_400, requires = "retrain", value_parser = clap::value_parser!(u64).range(1..))]
    pub retrain_seconds: u64,
}

/// How to read the flag file.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Reading the flag file")]
pub struct FlagOptions {
    /// Column that names each row, in the flag file [default: the model's key column]
    #[arg(long, value_name = "COLUMN")]
    pub key: Option<String>,
    /// Column that says whether a row is flagged (yes/no, 1/0, true/false), or column and value such as `Audit=failed` (`*`: any)
    #[arg(long, value_name = "COLUMN")]
    pub flag_column: Option<String>,
    /// The flags are row numbers: `sheet` (as the spreadsheet shows them), `from-1` or `from-0` (first data row is 1 or 0)
    #[arg(long, value_name = "HOW")]
    pub row_numbers: Option<RowNumbers>,
    /// Column with the label that a row is said to have, checked against the model's [default: given_label]
    #[arg(long, value_name = "COLUMN")]
    pub given_column: Option<String>,
    /// Column with the correct label, where it is known for some rows [default: correct_label]
    #[arg(long, value_name = "COLUMN")]
    pub correct_column: Option<String>,
    /// Flag rows whose label-quality score is at least as bad as this
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    pub score_cut: Option<f64>,
    /// Flag the rows with the worst scores: how many, as a count or a share (50, 2%); 100% flags every line of any file
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount)]
    pub worst: Option<Amount>,
    /// Worksheet that holds the flags, by name or number [default: the one with the columns named here, else the first]
    #[arg(long, value_name = "NAME")]
    pub flags_sheet: Option<String>,
    /// What labels that are numbers mean, such as 0=early,1=late [default: the way that agrees with every given label]
    #[arg(long, value_name = "CODES", allow_hyphen_values = true)]
    pub label_codes: Option<String>,
    /// Take keys that differ only in leading zeros, a trailing .0, spaces or case as the same
    #[arg(long)]
    pub loose_keys: bool,
}

/// How row numbers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RowNumbers {
    /// As the spreadsheet shows them: the header is a row
    Sheet,
    /// The first data row is 1
    #[value(name = "from-1")]
    FromOne,
    /// The first data row is 0
    #[value(name = "from-0")]
    FromZero,
}

/// What counts as evidence.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Evidence")]
pub struct EvidenceOptions {
    /// What counts as better: `accuracy`, `balanced-accuracy`, `macro-f1`, `recall:CLASS`, or `cost:FILE` (what each mistake costs: a line for
    /// each true class, a column for each predicted one)
    #[arg(long, value_name = "MEASURE", default_value = "accuracy")]
    pub metric: String,
    /// Class that must not be found less often after the repair; may be repeated [default: all, or none with another measure than accuracy]
    #[arg(long, value_name = "CLASS")]
    pub matters: Vec<String>,
    /// Smallest difference in what counts, as measured, that is called a change: 0.1% is a tenth of a percentage point
    #[arg(long, value_name = "SHARE", default_value = "0.1%", value_parser = parse_share)]
    pub minimum_effect: f64,
    /// Significance level, after correction for the number of methods
    #[arg(long, value_name = "LEVEL", default_value = "5%", value_parser = parse_share)]
    pub significance: f64,
    /// Bootstrap resamples (100 to 1,000,000)
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = counted::<usize>(100, 1_000_000))]
    pub resamples: usize,
}

/// For researchers: how ASSD and SSD dampen.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Dampening (for researchers)")]
pub struct DampeningOptions {
    /// Importance measure
    #[arg(long, value_name = "KIND", default_value = "squared-batch-gradient")]
    pub importance: ImportanceChoice,
    /// What the flagged rows are compared with
    #[arg(long, value_name = "SET", default_value = "retain-original-batches")]
    pub reference: ReferenceChoice,
    /// SSD's selection weighting alpha
    #[arg(long, value_name = "ALPHA", default_value_t = 10.0, allow_negative_numbers = true)]
    pub alpha: f64,
    /// SSD's dampening constant lambda
    #[arg(long, value_name = "LAMBDA", default_value_t = 1.0, allow_negative_numbers = true)]
    pub lambda: f64,
}

/// Importance measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportanceChoice {
    /// Mean over mini-batches of the squared mean gradient, as the papers' code computes it
    SquaredBatchGradient,
    /// Mean over rows of the squared gradient
    PerSampleFisher,
}

/// Reference sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReferenceChoice {
    /// The unflagged rows in the batches of the training (needs no training data)
    RetainOriginalBatches,
    /// The unflagged rows in new batches (needs --data)
    Retain,
    /// All training rows
    Full,
}
