//! The figures of a model, in the order of every table.

use crate::evaluate::record::Metrics;
use crate::report::format;

/// A figure of [`Metrics`] and how it is written.
pub struct Metric {
    /// Name, with the direction that is better where it is not plain.
    pub name: &'static str,
    /// Name where room is scarce.
    pub short: &'static str,
    /// The figure.
    pub of: fn(&Metrics) -> f64,
    /// The figure in print.
    pub show: fn(f64) -> String,
    /// A difference of two in print.
    pub change: fn(f64) -> String,
}

/// All figures, in the order of tables.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "Accuracy",
        short: "Accuracy",
        of: |metrics| metrics.accuracy.estimate,
        show: |value| format::percent(value, 2),
        change: |value| format::points(value, 2),
    },
    Metric {
        name: "Balanced accuracy",
        short: "Balanced accuracy",
        of: |metrics| metrics.balanced_accuracy,
        show: |value| format::percent(value, 2),
        change: |value| format::points(value, 2),
    },
    Metric {
        name: "Macro F1",
        short: "Macro F1",
        of: |metrics| metrics.macro_f1,
        show: |value| format::percent(value, 2),
        change: |value| format::points(value, 2),
    },
    Metric {
        name: "Log loss (lower is better)",
        short: "Log loss",
        of: |metrics| metrics.log_loss,
        show: |value| format::decimal(value, 4),
        change: |value| format::signed(value, 4),
    },
    Metric {
        name: "Calibration error (lower is better)",
        short: "Calibration error",
        of: |metrics| metrics.calibration_error,
        show: |value| format::percent(value, 2),
        change: |value| format::points(value, 2),
    },
];
