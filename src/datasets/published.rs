//! The published tables of the ASSD paper (arXiv 2402.10098), typed in from it, for reports that print ours beside theirs.
//!
//! The files lie in `data/published/`. Figures are percent, as printed; standard deviations are over the paper's runs.

use crate::error::{Error, Result};

/// Where the figures come from, to print beside them.
pub const SOURCE: &str = "arXiv 2402.10098";

/// Mean and standard deviation, in percent, as printed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// Mean over the runs.
    pub mean: f64,
    /// Standard deviation over the runs.
    pub sd: f64,
}

/// A row of Table 4: error unlearning on DataCo, 100 scenarios per row.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorUnlearning {
    /// Network, such as `3x100`.
    pub model: String,
    /// `test` or `train`: the rows that accuracy is measured on.
    pub split: String,
    /// Share of the training rows that is mislabelled, in percent.
    pub error_percent: f64,
    /// Accuracy of the model trained on all rows.
    pub baseline: Figure,
    /// Trained without the mislabelled rows.
    pub retrain: Figure,
    /// One more epoch without them.
    pub finetune: Figure,
    /// Repaired by ASSD.
    pub assd: Figure,
    /// The p-value as printed, such as `<0.05` or `0.92`.
    pub p_value: String,
}

/// A row of Tables 1 to 3: forgetting classes, subclasses or random images.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageForgetting {
    /// What is forgotten, in the paper's abbreviation, such as `MR`.
    pub class: String,
    /// `resnet18` or `vit`.
    pub network: String,
    /// `retain` or `forget` (accuracy on those rows), or `mia` (membership inference).
    pub metric: String,
    /// Before.
    pub baseline: Figure,
    /// Trained from scratch without the forget set.
    pub retrain: Figure,
    /// By ASSD.
    pub assd: Figure,
    /// By SSD.
    pub ssd: Figure,
}

/// Table 4.
///
/// # Errors
/// Where the embedded file is damaged, a fault of ours.
pub fn error_unlearning() -> Result<Vec<ErrorUnlearning>> {
    rows(include_str!("../../data/published/table4_error_unlearning.csv"))?
        .iter()
        .map(|row| {
            Ok(ErrorUnlearning {
                model: row.text("model")?,
                split: row.text("split")?,
                error_percent: row.number("error_percent")?,
                baseline: row.figure("baseline")?,
                retrain: row.figure("retrain")?,
                finetune: row.figure("finetune")?,
                assd: row.figure("assd")?,
                p_value: row.text("p_value")?,
            })
        })
        .collect()
}

/// Tables 1 (whole classes), 2 (subclasses) or 3 (random images).
///
/// # Errors
/// For any other number.
pub fn image_forgetting(table: u8) -> Result<Vec<ImageForgetting>> {
    let text = match table {
        1 => include_str!("../../data/published/table1_fullclass.csv"),
        2 => include_str!("../../data/published/table2_subclass.csv"),
        3 => include_str!("../../data/published/table3_random.csv"),
        _ => return Err(Error::internal(format!("{SOURCE} has no image table {table}"))),
    };
    rows(text)?
        .iter()
        .map(|row| {
            Ok(ImageForgetting {
                class: row.text("class")?,
                network: row.text("network")?,
                metric: row.text("metric")?,
                baseline: row.figure("baseline")?,
                retrain: row.figure("retrain")?,
                assd: row.figure("assd")?,
                ssd: row.figure("ssd")?,
            })
        })
        .collect()
}

struct Row<'a> {
    names: Vec<&'a str>,
    cells: Vec<&'a str>,
}

impl Row<'_> {
    fn text(&self, name: &str) -> Result<String> {
        let place = self.names.iter().position(|other| *other == name);
        place
            .and_then(|place| self.cells.get(place))
            .map(|cell| (*cell).to_owned())
            .ok_or_else(|| Error::internal(format!("a published table lacks `{name}`")))
    }

    fn number(&self, name: &str) -> Result<f64> {
        let text = self.text(name)?;
        text.parse()
            .map_err(|_| Error::internal(format!("a published table holds `{text}` under `{name}`")))
    }

    fn figure(&self, method: &str) -> Result<Figure> {
        Ok(Figure {
            mean: self.number(&format!("{method}_mean"))?,
            sd: self.number(&format!("{method}_sd"))?,
        })
    }
}

fn rows(text: &str) -> Result<Vec<Row<'_>>> {
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().ok_or_else(|| Error::internal("a published table is empty"))?;
    Ok(lines
        .map(|cells| Row {
            names: names.clone(),
            cells,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_4_has_three_networks_six_rates_and_two_splits() {
        let table = error_unlearning().unwrap();
        assert_eq!(table.len(), 3 * 6 * 2);
        let row = table
            .iter()
            .find(|row| row.model == "3x100" && row.split == "test" && row.error_percent == 5.0)
            .unwrap();
        assert_eq!(row.baseline, Figure { mean: 86.70, sd: 0.30 });
        assert_eq!(row.assd, Figure { mean: 87.42, sd: 0.17 });
        assert_eq!(row.p_value, "<0.05");
        assert!(
            table
                .iter()
                .all(|row| (50.0..100.0).contains(&row.retrain.mean) && row.finetune.sd < 5.0)
        );
    }

    #[test]
    fn the_image_tables_are_complete() {
        let lengths: Vec<usize> = (1..=3).map(|table| image_forgetting(table).unwrap().len()).collect();
        assert_eq!(lengths, [63, 30, 6]);
        assert!(image_forgetting(4).is_err());
        let row = &image_forgetting(2).unwrap()[0];
        assert_eq!(
            (row.class.as_str(), row.network.as_str(), row.metric.as_str()),
            ("baby", "resnet18", "retain")
        );
        assert_eq!(row.ssd, Figure { mean: 79.25, sd: 0.0 });
    }
}
