//! Predicting a sheet: class, probabilities, and a warning where a row is unlike what the model was trained on.

use crate::error::Result;
use crate::features::FittedFeatures;
use crate::nn::{Network, probabilities};
use crate::notes::Notes;
use crate::tables::Table;

/// Predictions for every row of a sheet, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// Class names, in label order.
    pub classes: Vec<String>,
    /// Predicted class of each row (the first of equally probable ones).
    pub predicted: Vec<u8>,
    /// Row-major, rows x classes.
    pub probabilities: Vec<f32>,
    /// What is unusual about a row, or `None`.
    pub warnings: Vec<Option<String>>,
}

/// Predicts every row. Neither label columns nor the training filter are needed: next week's orders have none.
///
/// # Errors
/// Where the sheet lacks columns that the model cannot do without, or cells cannot be read.
pub fn predict(
    table: &Table,
    network: &Network<f32>,
    features: &FittedFeatures,
    classes: &[String],
    threads: usize,
    notes: &mut Notes,
) -> Result<Predictions> {
    let transformed = features.transform(table, notes)?;
    let probabilities = probabilities(network, &transformed.inputs, threads)?;
    let predicted = if table.height() == 0 {
        Vec::new()
    } else {
        crate::evaluate::predictions(&probabilities, classes.len())?
    };
    let unusual = transformed.row_warnings.iter().filter(|warning| warning.is_some()).count();
    if unusual > 0 {
        notes.add(
            "unusual-rows",
            format!(
                "{} of {} rows differ from what the model was trained on",
                crate::evaluate::words::count(unusual),
                crate::evaluate::words::count(table.height())
            ),
            "they are predicted all the same; the column `warning` says what differs",
        );
    }
    Ok(Predictions {
        classes: classes.to_vec(),
        predicted,
        probabilities,
        warnings: transformed.row_warnings,
    })
}

impl Predictions {
    /// Rows predicted as each class, in label order.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for class in &self.predicted {
            counts[usize::from(*class)] += 1;
        }
        counts
    }

    /// The sheet with columns `predicted`, `probability of CLASS` and `warning` behind its own; a name that is taken gets a number.
    ///
    /// # Errors
    /// Where the sheet has another number of rows.
    pub fn append_to(&self, table: &Table) -> Result<Table> {
        let free = |table: &Table, name: &str| {
            let mut candidate = name.to_owned();
            let mut number = 2;
            while table.has(&candidate) {
                candidate = format!("{name} ({number})");
                number += 1;
            }
            candidate
        };
        let named = self
            .predicted
            .iter()
            .map(|class| Some(self.classes[usize::from(*class)].clone()))
            .collect();
        let mut wide = table.with_column(&free(table, "predicted"), named)?;
        for (class, name) in self.classes.iter().enumerate() {
            let column = self
                .probabilities
                .chunks(self.classes.len())
                .map(|row| Some(rounded(row[class])))
                .collect();
            wide = wide.with_numbers(&free(&wide, &format!("probability of {name}")), column)?;
        }
        wide.with_column(&free(&wide, "warning"), self.warnings.clone())
    }
}

/// Six decimals, and four digits of what is smaller than a thousandth: enough to order rows and to compare programs, and no longer cells.
fn rounded(probability: f32) -> f64 {
    let wide = f64::from(probability);
    let decimals = match wide {
        small if small > 0.0 && small < 1e-3 => (3 - small.log10().floor() as i32).min(12),
        _ => 6,
    };
    let scale = 10_f64.powi(decimals);
    (wide * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn probabilities_keep_the_digits_that_tell_rows_apart() {
        for (probability, shown) in [
            (0.123_456_79, "0.123457"),
            (0.999_987_4, "0.999987"),
            (0.5, "0.5"),
            (0.000_123_456, "0.0001235"),
            (1.234_567e-7, "0.0000001235"),
            (1e-30, "0"),
            (0.0, "0"),
            (1.0, "1"),
        ] {
            assert_eq!(rounded(probability).to_string(), shown);
        }
    }
}
