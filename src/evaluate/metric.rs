//! What counts as better: accuracy, or another measure that the person names.
//!
//! The change of every measure is a sum over rows of what each row's prediction is worth before and after. So one exact test and one
//! bootstrap, by row or by group, serve them all. What a prediction is worth is written as a table of whole numbers, `worth[true][predicted]`,
//! because sums of whole numbers have an exact sign-flip distribution. Accuracy, recall and cost are such sums by definition, balanced
//! accuracy is one with the rows of a class weighed by how few they are, and the change of F1 is one by an identity: with `T` right, `N`
//! rows and `P` predictions of a class before (0) and after (1),
//!
//! `F1₁ - F1₀ = (2 (T₁ - T₀) - f (P₁ - P₀)) / (N + p)`, where `f = (F1₀ + F1₁) / 2` and `p = (P₀ + P₁) / 2`.

use serde::{Deserialize, Serialize};

use super::metrics::check_labels;
use super::record::Metrics;
use crate::error::{Error, Result};

/// Steps of a unit in which weights that are no whole multiples of each other are written; the error is half a step.
const STEPS: f64 = 1000.0;

/// What counts as better.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Share of rows predicted right.
    #[default]
    Accuracy,
    /// Mean recall over the classes that occur.
    BalancedAccuracy,
    /// Mean F1 over the classes that occur.
    MacroF1,
    /// Share of the rows of this class that are found.
    Recall(String),
    /// Mean cost of a prediction.
    Cost(CostTable),
}

/// What predictions cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostTable {
    /// Name of the file that they come from.
    pub file: String,
    /// Class names of rows and columns.
    pub classes: Vec<String>,
    /// `costs[true][predicted]`, at least 0, in the units of the file.
    pub costs: Vec<Vec<f64>>,
}

impl CostTable {
    /// Cost of each pair of classes, in the order of `classes`.
    fn ordered(&self, classes: &[String]) -> Result<Vec<Vec<f64>>> {
        let places = classes
            .iter()
            .map(|name| {
                self.classes.iter().position(|class| class == name).ok_or_else(|| {
                    Error::input(format!("the costs in {} say nothing of class `{name}`", self.file))
                        .hint(format!("give a line and a column for each of: {}", classes.join(", ")))
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(places
            .iter()
            .map(|&truth| places.iter().map(|&predicted| self.costs[truth][predicted]).collect())
            .collect())
    }

    /// The dearest mistake, the unit of differences in cost.
    pub fn dearest(&self) -> f64 {
        self.costs.iter().flatten().copied().fold(0.0, f64::max)
    }
}

impl Metric {
    /// As in "recall of "late" rose from ...".
    pub fn words(&self) -> String {
        match self {
            Metric::Accuracy => "accuracy".to_owned(),
            Metric::BalancedAccuracy => "balanced accuracy".to_owned(),
            Metric::MacroF1 => "macro F1".to_owned(),
            Metric::Recall(class) => format!("recall of \"{class}\""),
            Metric::Cost(table) => format!("mean cost of a prediction ({})", table.file),
        }
    }

    /// As in "accuracy changes by 2 points"; of a cost, what is saved counts.
    pub fn change_words(&self) -> String {
        match self {
            Metric::Cost(_) => "what predictions save of the dearest mistake".to_owned(),
            _ => self.words(),
        }
    }

    /// What the dearest mistake costs; absent where the measure is a share.
    pub fn dearest(&self) -> Option<f64> {
        match self {
            Metric::Cost(table) => Some(table.dearest()),
            _ => None,
        }
    }

    /// Whether it is accuracy.
    pub fn is_accuracy(&self) -> bool {
        *self == Metric::Accuracy
    }

    /// Whether all classes of the model are provided for.
    ///
    /// # Errors
    /// Names the class that is missing, or the one that the model does not know.
    pub fn check(&self, classes: &[String]) -> Result<()> {
        match self {
            Metric::Recall(class) => known_class(class, classes),
            Metric::Cost(table) => table.ordered(classes).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Its value, from the confusion table: a share, or a mean cost in the units of the file; absent where no row can tell.
    pub fn value(&self, metrics: &Metrics) -> Option<f64> {
        match self {
            Metric::Accuracy => Some(metrics.accuracy.estimate),
            Metric::BalancedAccuracy => Some(metrics.balanced_accuracy),
            Metric::MacroF1 => Some(metrics.macro_f1),
            Metric::Recall(class) => metrics.classes.iter().find(|found| found.name == *class)?.recall,
            Metric::Cost(table) => {
                let names: Vec<String> = metrics.classes.iter().map(|class| class.name.clone()).collect();
                let costs = table.ordered(&names).ok()?;
                let rows: usize = metrics.confusion.iter().flatten().sum();
                let pairs = metrics.confusion.iter().flatten().zip(costs.iter().flatten());
                Some(pairs.map(|(count, cost)| *count as f64 * cost).sum::<f64>() / rows as f64)
            }
        }
    }

    /// What predictions on these rows are worth. `before` and `after` are predicted classes; only F1 looks at them.
    ///
    /// # Errors
    /// Where sizes do not fit, or a class is not provided for.
    pub(super) fn worth(&self, labels: &[u8], before: &[u8], after: &[u8], classes: &[String]) -> Result<Worth> {
        let width = classes.len();
        check_labels(labels, before.len(), width)?;
        check_labels(labels, after.len(), width)?;
        self.check(classes)?;
        let rows = labels.len() as f64;
        let of_class = |which: &[u8], class: usize| which.iter().filter(|found| usize::from(**found) == class).count() as f64;
        let counts: Vec<f64> = (0..width).map(|class| of_class(labels, class)).collect();
        let occurring = counts.iter().filter(|count| **count > 0.0).count().max(1) as f64;
        let mut worth = vec![vec![0.0; width]; width];
        match self {
            Metric::Accuracy => (0..width).for_each(|class| worth[class][class] = 1.0),
            Metric::BalancedAccuracy => {
                let present = (0..width).filter(|class| counts[*class] > 0.0);
                present.for_each(|class| worth[class][class] = rows / (occurring * counts[class]));
            }
            Metric::Recall(name) => {
                let present = (0..width).filter(|class| classes[*class] == *name && counts[*class] > 0.0);
                present.for_each(|class| worth[class][class] = rows / counts[class]);
            }
            Metric::MacroF1 => {
                let right = |which: &[u8], class: usize| {
                    let both = labels.iter().zip(which);
                    both.filter(|(label, found)| usize::from(**label) == class && label == found)
                        .count() as f64
                };
                for class in (0..width).filter(|class| counts[*class] > 0.0) {
                    let f1 = |which: &[u8]| 2.0 * right(which, class) / (counts[class] + of_class(which, class));
                    let middle = (f1(before) + f1(after)) / 2.0;
                    let predicted = (of_class(before, class) + of_class(after, class)) / 2.0;
                    for (truth, row) in worth.iter_mut().enumerate() {
                        let found = if truth == class { 2.0 } else { 0.0 };
                        row[class] = rows * (found - middle) / (counts[class] + predicted) / occurring;
                    }
                }
            }
            Metric::Cost(table) => {
                let dearest = table.dearest();
                worth = table.ordered(classes)?;
                worth.iter_mut().flatten().for_each(|cost| *cost /= -dearest);
            }
        }
        Ok(Worth::of(&worth))
    }
}

/// Where a class is named that the model does not know.
///
/// # Errors
/// Lists those that it knows.
pub fn known_class(name: &str, classes: &[String]) -> Result<()> {
    if classes.iter().any(|class| class == name) {
        return Ok(());
    }
    Err(Error::input(format!("the model knows no class `{name}`")).hint(format!("its classes are: {}", classes.join(", "))))
}

/// What a prediction is worth, as whole numbers of a unit: the mean over rows, times the unit, is the measure's change.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Worth {
    table: Vec<Vec<i64>>,
    unit: f64,
}

impl Worth {
    fn of(worth: &[Vec<f64>]) -> Self {
        let largest = worth.iter().flatten().fold(0.0_f64, |most, value| most.max(value.abs()));
        if largest == 0.0 {
            return Self {
                table: vec![vec![0; worth.len()]; worth.len()],
                unit: 1.0,
            };
        }
        // The fewest steps that write every weight as it is, such as 1 for accuracy; else as many as make the error small.
        let whole = |steps: f64| {
            let mut scaled = worth.iter().flatten().map(|value| value / largest * steps);
            scaled.all(|value| (value - value.round()).abs() < 1e-9)
        };
        let steps = (1..=60).map(f64::from).find(|steps| whole(*steps)).unwrap_or(STEPS);
        Self {
            table: worth
                .iter()
                .map(|row| row.iter().map(|value| (value / largest * steps).round() as i64).collect())
                .collect(),
            unit: largest / steps,
        }
    }

    /// What the change of a row's prediction is worth, in units; positive is better.
    pub(super) fn change(&self, truth: u8, before: u8, after: u8) -> i64 {
        let row = &self.table[usize::from(truth)];
        row[usize::from(after)] - row[usize::from(before)]
    }

    /// The change of each row, in units.
    pub(super) fn changes(&self, labels: &[u8], before: &[u8], after: &[u8]) -> Vec<i64> {
        let both = before.iter().zip(after);
        labels
            .iter()
            .zip(both)
            .map(|(label, (before, after))| self.change(*label, *before, *after))
            .collect()
    }

    /// By how much the measure changes where the mean change of the rows is one unit.
    pub(super) fn unit(&self) -> f64 {
        self.unit
    }

    /// The most that one row can change, in units; at least 1.
    pub(super) fn largest(&self) -> i64 {
        let span = |row: &Vec<i64>| row.iter().max().copied().unwrap_or(0) - row.iter().min().copied().unwrap_or(0);
        self.table.iter().map(span).max().unwrap_or(0).max(1)
    }
}
