//! Words among numbers or dates: `Weight Captured Separately` where a weight is wanted. They name exceptions, which are missing values of a known kind.

use std::collections::BTreeMap;

use super::header::counted;
use super::limits::{EXCEPTION_SHARE, TOLERATED_CELLS, TOLERATED_SHARE, VALUES_OF_A_TOLERATED_CELL};
use super::table::shortened;
use super::text::{Texts, trimmed};
use crate::notes::Notes;

/// A column with fewer different values than this is not taken for one with exceptions: sizes such as 38, 40, `Medium` are categories.
pub(crate) const LEAST_DIFFERENT: usize = 10;

/// Whether a text that is no value names an exception in words: `Date Not Captured`, `See DN-304`, `tbd`, `n.v.`, but no code such as `12a` or `A7`.
pub(crate) fn is_exception(text: &str) -> bool {
    let text = trimmed(text);
    let first = text.split_whitespace().next().unwrap_or_default();
    let letters = first.chars().filter(|c| c.is_alphabetic()).count();
    let plain = first
        .chars()
        .all(|c| c.is_alphabetic() || matches!(c, '.' | '/' | '-' | ',' | ':' | '(' | ')' | '\''));
    let digits = text.chars().any(|c| c.is_numeric());
    letters >= 2 && plain && (!digits || first.len() < text.len())
}

/// What a column holds besides its values.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mix {
    /// Cells with a value, and whether at least [`LEAST_DIFFERENT`] of these differ.
    pub(crate) values: usize,
    pub(crate) differ: bool,
    /// Cells that name an exception.
    pub(crate) exceptions: usize,
    /// Cells that are neither.
    pub(crate) others: usize,
}

impl Mix {
    fn filled(&self) -> usize {
        self.values + self.exceptions + self.others
    }

    /// Whether few enough cells are no values to pass over them ([`TOLERATED_SHARE`], [`TOLERATED_CELLS`]).
    pub(crate) fn nearly_all_values(&self) -> bool {
        let odd = self.exceptions + self.others;
        let few = self.differ && odd <= TOLERATED_CELLS && self.values >= odd * VALUES_OF_A_TOLERATED_CELL;
        self.values > 0 && (few || odd as f64 <= TOLERATED_SHARE * self.filled() as f64)
    }

    /// Whether the column holds values with named exceptions: at most [`EXCEPTION_SHARE`] of the filled cells, and hardly anything else.
    pub(crate) fn values_with_exceptions(&self) -> bool {
        self.differ
            && self.exceptions as f64 <= EXCEPTION_SHARE * self.filled() as f64
            && self.others as f64 <= TOLERATED_SHARE * self.filled() as f64
    }
}

/// Counts up to [`LEAST_DIFFERENT`] different values.
#[derive(Debug, Default)]
pub(crate) struct Different(std::collections::BTreeSet<u64>);

impl Different {
    pub(crate) fn see(&mut self, value: u64) {
        if self.0.len() < LEAST_DIFFERENT {
            self.0.insert(value);
        }
    }

    pub(crate) fn enough(&self) -> bool {
        self.0.len() >= LEAST_DIFFERENT
    }
}

/// The exceptions of a column as texts: [`Texts::MISSING`] for every other row.
pub(crate) fn collect(height: usize, cells: impl Iterator<Item = (usize, String)>) -> Texts {
    let mut texts = Texts {
        codes: vec![Texts::MISSING; height],
        values: Vec::new(),
    };
    let mut known: BTreeMap<String, u32> = BTreeMap::new();
    for (row, text) in cells {
        let text = trimmed(&text).to_owned();
        let code = *known.entry(text).or_insert_with_key(|text| {
            texts.values.push(text.clone());
            (texts.values.len() - 1) as u32
        });
        if let Some(slot) = texts.codes.get_mut(row) {
            *slot = code;
        }
    }
    texts
}

/// Names the exceptions of a column. `what` is "number" or "date".
pub(crate) fn note(name: &str, what: &str, texts: &Texts, filled: usize, notes: &mut Notes) {
    const SHOWN: usize = 3;
    let counts = texts.counts();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    // Stable: equally frequent ones stay in the order of the sheet.
    order.sort_by_key(|code| std::cmp::Reverse(counts[*code]));
    let total: usize = counts.iter().sum();
    let listed: Vec<String> = order
        .iter()
        .take(SHOWN)
        .map(|code| format!("`{}` ({})", shortened(&texts.values[*code]), counts[*code]))
        .collect();
    let more = if order.len() > SHOWN {
        format!(" and {} more", order.len() - SHOWN)
    } else {
        String::new()
    };
    notes.add(
        "named-exceptions",
        format!(
            "{} of column `{name}` ({:.1} % of the filled ones) hold words instead of a {what}: {}{more}",
            counted(total, "cell"),
            100.0 * total as f64 / filled.max(1) as f64,
            listed.join(", ")
        ),
        format!(
            "taken as missing, each frequent one with an input of its own; up to {:.0} % of the filled cells may be words",
            100.0 * EXCEPTION_SHARE
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_exceptions_and_codes_do_not() {
        for text in [
            "Weight Captured Separately",
            "See DN-304 (ID#:10589)",
            "Date Not Captured",
            "tbd",
            "n.v.",
            "k.A.",
            "N/D",
            "unbekannt",
            "\u{672a}\u{5b9a}",
            "Pre-PQ Process",
        ] {
            assert!(is_exception(text), "{text}");
        }
        for text in ["12a", "A12", "x", "?!", "12 kg", "SW1A 1AA", "DN-304", "", "1.2.3"] {
            assert!(!is_exception(text), "{text}");
        }
    }

    #[test]
    fn a_column_of_values_with_exceptions_has_many_values_and_few_codes() {
        let mix = |values, exceptions, others| Mix {
            values,
            differ: true,
            exceptions,
            others,
        };
        assert!(mix(60, 40, 0).values_with_exceptions() && !mix(40, 60, 0).values_with_exceptions());
        assert!(!mix(60, 30, 10).values_with_exceptions() && mix(600, 300, 9).values_with_exceptions());
        assert!(mix(99, 1, 0).nearly_all_values() && !mix(197, 2, 1).nearly_all_values());
        assert!(mix(20, 0, 1).nearly_all_values() && mix(40, 1, 1).nearly_all_values() && !mix(39, 1, 1).nearly_all_values());
        let two_values = Mix {
            differ: false,
            ..mix(59, 0, 1)
        };
        assert!(!two_values.nearly_all_values());
    }
}
