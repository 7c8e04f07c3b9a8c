//! What a batch of scenarios computes: everything that decides a byte of its records, and nothing else.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::plan::{self, Chunk};
use super::published;
use super::record::{self, Record};
use super::summary::{self, BatchReport, Judging};
use super::tables;
use crate::error::{Error, Result};
use crate::experiments::study::Shards;
use crate::experiments::{About, RunFolder, Study, Unit};
use crate::files::hex;
use crate::label_errors::Amount;
use crate::notes::Notes;

/// Version of the layout of a run folder; another one is refused.
pub const LAYOUT_VERSION: u32 = 1;

/// No size is tried in more scenarios at one error rate.
const MOST_RUNS: u32 = 1_000_000;

/// Most scenarios that a chunk may hold.
const MOST_PER_CHUNK: u32 = 10_000;

/// Settings of a batch, stored in the run folder as `settings.json`.
///
/// Threads, shards and folders are not among them: they decide when and where something is computed, never what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// [`LAYOUT_VERSION`].
    pub layout_version: u32,
    /// Version of Recant that computes.
    pub recant_version: String,
    /// File name of the sheet.
    pub data_file: String,
    /// SHA-256 of the sheet, lower-case hex.
    pub data_sha256: String,
    /// The profile as TOML, whole.
    pub profile: String,
    /// Name of the profile.
    pub profile_name: String,
    /// How the sheet is to be read where that is not left to Recant (delimiter, encoding, sheet, header), as text.
    pub reading: String,
    /// Network sizes and the number of scenarios of each, in the order of the report.
    pub sizes: Vec<SizeRuns>,
    /// Error rates: shares of the training rows or numbers of rows, as on the command line.
    pub errors: Vec<String>,
    /// Kind of label error, such as `uniform` or `paper`.
    pub error_kind: String,
    /// Initialisations nested under each scenario; 1: one initialisation, the same for all scenarios, as in the paper.
    pub init_seeds: u32,
    /// Methods, in the order of the report; the baseline is always there.
    pub methods: Vec<String>,
    /// Kind of importance, such as `squared-batch-gradient`.
    pub importance: String,
    /// What the flagged rows' importance is compared with, such as `retain-original-batches`.
    pub reference: String,
    /// Passes over the training rows.
    pub epochs: usize,
    /// Rows per step.
    pub batch: usize,
    /// Factor on the learning rate after every epoch.
    pub decay: f64,
    /// Learning rate; searched for each size where absent.
    pub learning_rate: Option<f64>,
    /// Weight decay; searched for each size where absent.
    pub weight_decay: Option<f64>,
    /// Whether each size has the published learning rate and weight decay.
    #[serde(default, skip_serializing_if = "is_false")]
    pub published: bool,
    /// Trials of that search.
    pub trials: u32,
    /// In how many scenarios of each cell dampening is also tried over a grid of alpha and lambda (Figures 2 and 3).
    pub sweep_runs: u32,
    /// Scenarios that are computed and written together; what a kill loses at most.
    pub chunk: u32,
    /// Run seed.
    pub seed: u64,
    /// What computes, [`CPU`] or [`CUDA`]: the two agree to rounding, so one run keeps to one of them.
    #[serde(default = "cpu", skip_serializing_if = "is_cpu")]
    pub device: String,
}

/// The processor, as settings name it.
pub const CPU: &str = "cpu";
/// A GPU, as settings name it.
pub const CUDA: &str = "cuda";

fn cpu() -> String {
    CPU.to_owned()
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_false(value: &bool) -> bool {
    !value
}

fn is_cpu(device: &str) -> bool {
    device == CPU
}

/// A network size and how many scenarios it gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizeRuns {
    /// Hidden layers, such as `3x100`.
    pub size: String,
    /// Scenarios per error rate.
    pub runs: u32,
}

impl Settings {
    /// Checks ranges and contradictions.
    ///
    /// # Errors
    /// Names the setting, its value and what is allowed.
    fn check_ranges(&self) -> Result<()> {
        if self.sizes.is_empty() {
            return Err(Error::input("no network size is given").hint("for example `--sizes 2x50,3x100`"));
        }
        if self.errors.is_empty() {
            return Err(Error::input("no error rate is given").hint("for example `--errors 1%,5%`"));
        }
        for (index, size) in self.sizes.iter().enumerate() {
            if self.sizes[..index].iter().any(|other| other.size == size.size) {
                return Err(Error::input(format!("the size `{}` is given twice", size.size)).hint("name each size once"));
            }
            if size.runs == 0 {
                return Err(Error::input(format!("size `{}` has 0 scenarios", size.size)).hint("give `--runs 100`, or leave the size out"));
            }
            if size.runs > MOST_RUNS {
                return Err(Error::input(format!(
                    "size `{}` has {} scenarios at each error rate, more than {MOST_RUNS}",
                    size.size, size.runs
                ))
                .hint("give at most `--runs 1000000`"));
            }
        }
        let mut amounts = Vec::new();
        for text in &self.errors {
            let amount: Amount = text.parse()?;
            if amounts.contains(&amount) {
                return Err(Error::input(format!("the error rate `{text}` is given twice")).hint("name each rate once"));
            }
            amounts.push(amount);
        }
        if self.init_seeds == 0 {
            return Err(Error::input("`--init-seeds` is 0").hint("give 1 for one initialisation shared by all scenarios"));
        }
        if !(1..=MOST_PER_CHUNK).contains(&self.chunk) {
            return Err(Error::input(format!(
                "`--chunk` is {}, but must be 1 to {MOST_PER_CHUNK}",
                self.chunk
            )));
        }
        if ![CPU, CUDA].contains(&self.device.as_str()) {
            return Err(Error::input(format!(
                "the device is `{}`, but must be {CPU} or {CUDA}",
                self.device
            )));
        }
        if self.epochs == 0 || self.batch < 2 {
            return Err(Error::input(format!(
                "training needs at least 1 epoch and 2 rows per batch, got {} and {}",
                self.epochs, self.batch
            )));
        }
        if self.learning_rate.is_some() != self.weight_decay.is_some() {
            return Err(
                Error::input("the learning rate and the weight decay are searched together or given together")
                    .hint("for example `--learning-rate 0.03 --weight-decay 1e-5`"),
            );
        }
        if self.published {
            if self.learning_rate.is_some() {
                return Err(Error::input("the published settings have learning rates of their own")
                    .hint("leave out `--published`, or `--learning-rate` and `--weight-decay`"));
            }
            self.sizes.iter().try_for_each(|size| published::rates(&size.size).map(drop))?;
        }
        if self.trials == 0 && self.learning_rate.is_none() && !self.published {
            return Err(
                Error::input("with `--trials 0` the learning rate and the weight decay must be given")
                    .hint("for example `--learning-rate 0.03 --weight-decay 1e-5`"),
            );
        }
        let positive = |name: &str, value: Option<f64>, zero: bool| match value {
            Some(value) if !value.is_finite() || value < 0.0 || (value == 0.0 && !zero) => {
                Err(Error::input(format!("`{name}` is {value}, but must be above 0")))
            }
            _ => Ok(()),
        };
        positive("--learning-rate", self.learning_rate, false)?;
        positive("--weight-decay", self.weight_decay, true)?;
        positive("--decay", Some(self.decay), false)
    }

    /// What the settings lack of what `old` has: a size, an error rate or scenarios.
    fn lacks(&self, old: &Self) -> bool {
        let sizes = old
            .sizes
            .iter()
            .all(|before| self.sizes.iter().any(|size| size.size == before.size && size.runs >= before.runs));
        !(sizes && old.errors.iter().all(|before| self.errors.contains(before)))
    }

    /// Sizes with their scenarios, and error rates, as people read them.
    fn grid(&self) -> String {
        let sizes: Vec<String> = self.sizes.iter().map(|size| format!("{} x {}", size.size, size.runs)).collect();
        format!("`{}` at `{}`", sizes.join(", "), self.errors.join(", "))
    }
}

impl Study for Settings {
    type Key = Chunk;
    type Record = Record;
    type Judging = Judging;
    type Summary = BatchReport;

    const ABOUT: About = About {
        name: "batch of scenarios",
        command: "scenarios",
        mark: "sizes",
        layout: LAYOUT_VERSION,
        units: "chunks",
        counted: "scenario",
        beside: &["tuning"],
        shards: Shards::OwnFolders,
        kept: "",
    };

    fn check(&self) -> Result<()> {
        self.check_ranges()
    }

    fn units(&self) -> Result<Box<dyn Iterator<Item = Unit<Chunk>> + '_>> {
        Ok(Box::new(plan::chunks(self)?.map(|chunk| self.unit(chunk))))
    }

    fn base(&self) -> Self {
        Self {
            sizes: Vec::new(),
            errors: Vec::new(),
            ..self.clone()
        }
    }

    /// Scenarios are seeded by name, so a batch may gain sizes, error rates and scenarios.
    fn joined(self, old: &Self) -> std::result::Result<Self, String> {
        if self.lacks(old) {
            return Err(format!("sizes and error rates: {} here, {} there", self.grid(), old.grid()));
        }
        Ok(self)
    }

    fn check_records(&self, unit: &Unit<Chunk>, records: &[Record]) -> std::result::Result<(), String> {
        record::check(self, &unit.key, records)
    }

    fn tables(folder: &RunFolder<Self>) -> Result<()> {
        tables::write(folder)
    }

    fn summarise(folder: &RunFolder<Self>, judging: &Judging, notes: &mut Notes) -> Result<BatchReport> {
        summary::summarise(folder, judging, notes)
    }

    /// Of the text that `settings.json` would have, so that the chunks of all runs so far stay good.
    fn fingerprint(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(&self.base()).map_err(|error| Error::internal(format!("settings as JSON: {error}")))?;
        Ok(hex(&Sha256::digest(format!("{text}\n"))))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::experiments::random_errors) fn small() -> Settings {
        Settings {
            layout_version: LAYOUT_VERSION,
            recant_version: "0.1.0".to_owned(),
            data_file: "orders.csv".to_owned(),
            data_sha256: "00".repeat(32),
            profile: "name = \"dataco\"\n".to_owned(),
            profile_name: "dataco".to_owned(),
            reading: String::new(),
            sizes: vec![
                SizeRuns {
                    size: "2x5".to_owned(),
                    runs: 7,
                },
                SizeRuns {
                    size: "none".to_owned(),
                    runs: 4,
                },
            ],
            errors: vec!["1%".to_owned(), "5%".to_owned(), "10%".to_owned()],
            error_kind: "uniform".to_owned(),
            init_seeds: 1,
            methods: vec!["retrain".to_owned(), "assd".to_owned()],
            importance: "squared-batch-gradient".to_owned(),
            reference: "retain-original-batches".to_owned(),
            epochs: 2,
            batch: 64,
            decay: 0.95,
            learning_rate: Some(0.03),
            weight_decay: Some(1e-5),
            published: false,
            trials: 0,
            sweep_runs: 0,
            chunk: 3,
            seed: 1,
            device: CPU.to_owned(),
        }
    }

    #[test]
    fn impossible_settings_are_refused_by_name() {
        let refused = |change: &dyn Fn(&mut Settings)| {
            let mut settings = small();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        assert!(refused(&|settings| settings.errors[1] = "0.01".to_owned()).contains("given twice"));
        assert!(refused(&|settings| settings.errors[1] = "five".to_owned()).contains("not an amount"));
        assert!(refused(&|settings| settings.sizes[0].runs = 0).contains("0 scenarios"));
        assert!(refused(&|settings| settings.learning_rate = None).contains("given together"));
        assert!(refused(&|settings| settings.published = true).contains("learning rates of their own"));
        let of_another_size = |settings: &mut Settings| {
            (settings.published, settings.learning_rate, settings.weight_decay) = (true, None, None);
        };
        assert!(refused(&of_another_size).contains("no learning rate for `2x5`"));
        assert!(refused(&|settings| settings.device = "abacus".to_owned()).contains("abacus"));
        assert!(refused(&|settings| settings.chunk = 0).contains("`--chunk` is 0"));
        small().check().unwrap();
    }

    #[test]
    fn the_device_is_written_only_where_it_is_no_processor() {
        let text = |settings: &Settings| serde_json::to_string(settings).unwrap();
        assert!(!text(&small()).contains("device"));
        let mut other = small();
        other.device = CUDA.to_owned();
        assert!(text(&other).contains("\"device\":\"cuda\""));
    }

    #[test]
    fn a_batch_may_grow_but_not_shrink() {
        let old = small();
        let mut more = old.clone();
        more.sizes[0].runs = 100;
        more.errors.insert(0, "0.25%".to_owned());
        assert_eq!(more.clone().joined(&old).unwrap(), more);
        let told = old.joined(&more).unwrap_err();
        assert!(told.contains("2x5 x 7, none x 4") && told.contains("2x5 x 100"), "{told}");
    }

    #[test]
    fn the_fingerprint_is_that_of_all_runs_so_far() {
        let text = serde_json::to_string_pretty(&Settings {
            sizes: Vec::new(),
            errors: Vec::new(),
            ..small()
        })
        .unwrap();
        assert_eq!(small().fingerprint().unwrap(), hex(&Sha256::digest(format!("{text}\n"))));
    }
}
