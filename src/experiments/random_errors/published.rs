//! Table 4 of the ASSD paper (arXiv 2402.10098), to stand beside ours. The file is `data/published/table4_error_unlearning.csv`.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::experiments::random_errors::record::{BASELINE, Split};

const TABLE: &str = include_str!("../../../data/published/table4_error_unlearning.csv");

/// Where the published figures come from.
pub const SOURCE: &str = "Table 4 of arXiv 2402.10098 (DataCo, 100 scenarios per cell)";

/// Learning rate and weight decay of each size: what the published search, ten trials of Optuna's TPE with seed 42 on a random fifth of the
/// training rows, picks on the DataCo data.
const RATES: [(&str, f64, f64); 3] = [
    ("2x50", 0.021_368, 1.152_6e-5),
    ("3x100", 0.021_368, 1.152_6e-5),
    ("5x250", 0.008_47, 9.85e-4),
];
/// The published injector of errors.
pub(super) const KIND: &str = "paper";
/// The published reference set: the rows that are not flagged, in batches of their own.
pub(super) const REFERENCE: &str = "retain";
/// The published preprocessing.
pub const PROFILE: &str = "dataco-paper";
/// The published methods.
pub(super) const METHODS: &str = "retrain,finetune,assd";

/// The published learning rate and weight decay of a size.
///
/// # Errors
/// Where the paper has no such size.
pub(super) fn rates(size: &str) -> Result<(f64, f64)> {
    let found = RATES
        .iter()
        .find(|(name, ..)| *name == size)
        .map(|(_, rate, decay)| (*rate, *decay));
    found.ok_or_else(|| {
        let sizes: Vec<&str> = RATES.iter().map(|(name, ..)| *name).collect();
        Error::input(format!("the paper has no learning rate for `{size}`"))
            .hint(format!("with `--published` give sizes among `--sizes {}`", sizes.join(",")))
    })
}

/// One published cell; fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// Mean accuracy of the baseline and its standard deviation over scenarios.
    pub baseline: (f64, f64),
    /// Mean accuracy of the method and its standard deviation.
    pub method: (f64, f64),
    /// The published p-value as printed, `<0.05` or a number: unpaired, ASSD against the baseline. Absent for other methods.
    pub p: Option<String>,
}

/// The published figures of a cell, where the paper has them.
///
/// # Errors
/// Only by a fault in the bundled file.
pub fn published(size: &str, error_share: f64, method: &str, split: Split) -> Result<Option<Published>> {
    let fault = |what: &str| Error::internal(format!("the bundled table of published figures is damaged: {what}"));
    let mut lines = TABLE.lines();
    let names: Vec<&str> = lines.next().ok_or_else(|| fault("it is empty"))?.split(',').collect();
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let cells: Vec<&str> = line.split(',').collect();
        let text = |name: &str| -> Result<&str> {
            let place = names.iter().position(|known| *known == name).ok_or_else(|| fault(name))?;
            cells.get(place).copied().ok_or_else(|| fault(line))
        };
        let number = |name: &str| -> Result<f64> { text(name)?.trim().parse().map_err(|_| fault(line)) };
        if text("model")? != size || text("split")? != split.name() || (number("error_percent")? / 100.0 - error_share).abs() > 1e-9 {
            continue;
        }
        if !names.contains(&format!("{method}_mean").as_str()) {
            return Ok(None);
        }
        let pair =
            |name: &str| -> Result<(f64, f64)> { Ok((number(&format!("{name}_mean"))? / 100.0, number(&format!("{name}_sd"))? / 100.0)) };
        return Ok(Some(Published {
            baseline: pair(BASELINE)?,
            method: pair(method)?,
            p: if method == "assd" {
                Some(text("p_value")?.trim().to_owned())
            } else {
                None
            },
        }));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_size_has_a_learning_rate() {
        assert_eq!(rates("3x100").unwrap(), (0.021_368, 1.152_6e-5));
        assert_eq!(rates("5x250").unwrap(), (0.008_47, 9.85e-4));
        assert!(rates("4x100").unwrap_err().hint_text().unwrap().contains("2x50,3x100,5x250"));
    }

    #[test]
    fn the_published_table_has_every_cell_of_the_paper() {
        for size in ["2x50", "3x100", "5x250"] {
            for error in [0.0025, 0.01, 0.025, 0.05, 0.075, 0.1] {
                for method in ["retrain", "finetune", "assd"] {
                    for split in Split::ALL {
                        let found = published(size, error, method, split).unwrap().unwrap();
                        assert!(found.baseline.0 > 0.8 && found.method.0 > 0.8, "{size} {error} {method}");
                        assert_eq!(found.p.is_some(), method == "assd");
                    }
                }
            }
        }
        let cell = published("3x100", 0.05, "assd", Split::Test).unwrap().unwrap();
        assert_eq!((cell.baseline.0, cell.method.0), (0.867, 0.8742));
        assert_eq!(published("3x100", 0.05, "ssd", Split::Test).unwrap(), None);
        assert_eq!(published("4x100", 0.05, "assd", Split::Test).unwrap(), None);
        assert_eq!(published("3x100", 0.06, "assd", Split::Test).unwrap(), None);
    }
}
