//! What a batch of scenarios computes: everything that decides a byte of its records, and nothing else.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files;
use crate::label_errors::Amount;

/// Version of the layout of a run folder; a newer one is refused.
pub const LAYOUT_VERSION: u32 = 1;

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
    pub fn check(&self) -> Result<()> {
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
        if self.trials == 0 && self.learning_rate.is_none() {
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

    /// As JSON text, the bytes of `settings.json`.
    ///
    /// # Errors
    /// Never for settings that pass [`Settings::check`].
    pub fn to_json(&self) -> Result<String> {
        let mut text = serde_json::to_string_pretty(self).map_err(|error| Error::internal(format!("settings as JSON: {error}")))?;
        text.push('\n');
        Ok(text)
    }

    /// Reads `settings.json`.
    ///
    /// # Errors
    /// Where it cannot be read, is damaged, or was written by a newer version.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = files::read("read the settings", path, files::SETTINGS)?;
        let damaged = |why: String| {
            Error::input(format!("the settings of this run are damaged: {why}"))
                .in_file(path)
                .hint("start the run again in a new folder, or put back the file from a copy")
        };
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        match value.get("layout_version").and_then(serde_json::Value::as_u64) {
            Some(version) if version > u64::from(LAYOUT_VERSION) => {
                return Err(
                    Error::input(format!("this run folder has layout {version}, this Recant knows {LAYOUT_VERSION}"))
                        .in_file(path)
                        .hint("use the version of Recant that wrote it, or a newer one"),
                );
            }
            Some(_) => {}
            None => return Err(damaged("it names no layout version".to_owned())),
        }
        let settings: Self = serde_json::from_value(value).map_err(|error| damaged(error.to_string()))?;
        settings.check().map_err(|error| error.in_file(path))?;
        Ok(settings)
    }

    /// What differs from `other`, as `name: ours, not theirs`; the grid (sizes, runs, error rates) counts only if `grid`.
    pub fn differences(&self, other: &Settings, grid: bool) -> Vec<String> {
        let (Ok(serde_json::Value::Object(ours)), Ok(serde_json::Value::Object(theirs))) =
            (serde_json::to_value(self), serde_json::to_value(other))
        else {
            return vec!["settings that cannot be compared".to_owned()];
        };
        let mut found = Vec::new();
        if self.device != other.device {
            found.push(format!("device: `{}` here, `{}` there", self.device, other.device));
        }
        for (name, value) in &ours {
            if name == "device" {
                continue; // not written for the processor, so compared above
            }
            if !grid && matches!(name.as_str(), "sizes" | "errors") {
                continue;
            }
            let other = &theirs[name];
            if value != other {
                found.push(match name.as_str() {
                    "profile" => "profile: its text differs".to_owned(),
                    _ => format!("{}: {} here, {} there", name.replace('_', " "), plain(value), plain(other)),
                });
            }
        }
        found
    }

    /// Whether `self` is the batch `old` with the same or more sizes, error rates and scenarios: then its finished chunks stay good,
    /// because scenarios are seeded by name.
    pub fn grows(&self, old: &Settings) -> bool {
        let sizes = old
            .sizes
            .iter()
            .all(|before| self.sizes.iter().any(|size| size.size == before.size && size.runs >= before.runs));
        let errors = old.errors.iter().all(|before| self.errors.contains(before));
        sizes && errors && self.differences(old, false).is_empty()
    }
}

/// A setting as people read it.
fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => format!("`{text}`"),
        serde_json::Value::Null => "searched".to_owned(),
        serde_json::Value::Array(list) => {
            let parts: Vec<String> = list
                .iter()
                .map(|item| match (item.get("size"), item.get("runs")) {
                    (Some(size), Some(runs)) => format!("{} x {runs}", size.as_str().unwrap_or_default()),
                    _ => item.as_str().map_or_else(|| item.to_string(), str::to_owned),
                })
                .collect();
            format!("`{}`", parts.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::scenarios) fn small() -> Settings {
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
            trials: 0,
            sweep_runs: 0,
            chunk: 3,
            seed: 1,
            device: CPU.to_owned(),
        }
    }

    #[test]
    fn settings_read_back_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        std::fs::write(&path, small().to_json().unwrap()).unwrap();
        assert_eq!(Settings::read(&path).unwrap(), small());
    }

    #[test]
    fn damaged_newer_and_impossible_settings_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        let text = small().to_json().unwrap();
        let refused = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Settings::read(&path).unwrap_err().to_string()
        };
        assert!(refused(&text[..text.len() / 2]).contains("damaged"));
        assert!(refused("{}").contains("names no layout version"));
        assert!(refused(&text.replace("\"layout_version\": 1", "\"layout_version\": 99")).contains("layout 99"));
        assert!(refused(&text.replace("\"5%\"", "\"0.01\"")).contains("given twice"));
        assert!(refused(&text.replace("\"5%\"", "\"five\"")).contains("not an amount"));
        assert!(refused(&text.replace("\"runs\": 7", "\"runs\": 0")).contains("0 scenarios"));
        assert!(refused(&text.replace("\"learning_rate\": 0.03", "\"learning_rate\": null")).contains("given together"));
        assert!(refused(&text.replace("\"seed\"", "\"seeds\"")).contains("seeds"));
        assert!(refused(&text.replace("\"seed\": 1", "\"seed\": 1,\n  \"device\": \"abacus\"")).contains("abacus"));
    }

    #[test]
    fn the_device_is_written_only_where_it_is_no_processor_and_a_run_keeps_to_one() {
        let ours = small();
        assert!(!ours.to_json().unwrap().contains("device"));
        let mut other = ours.clone();
        other.device = CUDA.to_owned();
        assert!(other.to_json().unwrap().contains("\"device\": \"cuda\""));
        assert!(!other.grows(&ours) && !ours.grows(&other));
        assert_eq!(other.differences(&ours, true), ["device: `cuda` here, `cpu` there"]);
        assert_eq!(ours.differences(&other, true), ["device: `cpu` here, `cuda` there"]);
    }

    #[test]
    fn a_batch_may_grow_but_not_change() {
        let old = small();
        let mut more = old.clone();
        more.sizes[0].runs = 100;
        more.errors.insert(0, "0.25%".to_owned());
        assert!(more.grows(&old) && !old.grows(&more));
        let mut other = old.clone();
        other.seed = 2;
        other.learning_rate = None;
        other.weight_decay = None;
        assert!(!other.grows(&old));
        assert_eq!(
            other.differences(&old, true),
            [
                "learning rate: searched here, 0.03 there",
                "weight decay: searched here, 0.00001 there",
                "seed: 2 here, 1 there"
            ]
        );
    }
}
