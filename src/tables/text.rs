//! Cells as text: trimming, missing markers, and one spelling for a number however its sheet was saved.

use std::borrow::Cow;
use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rayon::prelude::*;

use super::column::{CellView, Column};
use super::dates;
use super::table::Table;
use crate::error::Result;

/// A column as codes into its distinct values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// For every row the place of its text in `values`, or [`Texts::MISSING`].
    pub codes: Vec<u32>,
    /// The distinct texts in the order of their first appearance.
    pub values: Vec<String>,
}

impl Texts {
    /// The code of a row without a value.
    pub const MISSING: u32 = u32::MAX;

    /// The text of a row; `None` where it is missing.
    pub fn get(&self, index: usize) -> Option<&str> {
        let code = *self.codes.get(index)?;
        self.values.get(code as usize).map(String::as_str)
    }

    /// How many rows have no value.
    pub fn missing_count(&self) -> usize {
        self.codes.iter().filter(|code| **code == Self::MISSING).count()
    }

    /// How many rows each value has, in the order of `values`.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.values.len()];
        for code in &self.codes {
            if let Some(count) = counts.get_mut(*code as usize) {
                *count += 1;
            }
        }
        counts
    }
}

/// Whitespace at the ends, including the no-break and zero-width kinds that web pages leave behind.
pub(crate) fn trimmed(text: &str) -> &str {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}')),
    }
}

/// Texts that stand for "no value" in any column, beside the empty one.
pub(crate) const MISSING_TEXTS: &[&str] = &[
    "#N/A", "#NA", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "N/A", "n/a", "NULL", "null", "Null", "NaN", "nan", "NAN",
    "-NaN", "-nan", "NaT", "<NA>", "(null)", "(NULL)", "\\N", "#NV", "#WERT!", "#BEZUG!", "#ZAHL!", "#N/D", "#VALEUR!", "#NOMBRE!",
    "#VALOR!", "#RIF!", "#VALORE!", "#N/B", "#ADR!", "#ARG!", "########",
];

/// Whether a trimmed text stands for "no value" in any column.
///
/// `NA`, `None` and `-` are not among them: they are real values (Namibia, "no discount") in text columns; see [`is_missing_value`].
pub(crate) fn is_missing(text: &str) -> bool {
    let Some(first) = text.as_bytes().first() else {
        return true;
    };
    if text.len() > 8 || !matches!(first, b'#' | b'N' | b'n' | b'-' | b'<' | b'(' | b'\\') {
        return false;
    }
    MISSING_TEXTS.contains(&text)
}

/// Whether a trimmed text stands for "no value" where a number or a date is wanted.
pub(crate) fn is_missing_value(text: &str) -> bool {
    is_missing(text)
        || matches!(
            text,
            "NA" | "na"
                | "None"
                | "none"
                | "NONE"
                | "-"
                | "--"
                | "\u{2013}"
                | "\u{2014}"
                | "\u{2015}"
                | "?"
                | "."
                | ".."
                | "..."
                | "n.a."
                | "nil"
        )
        || is_mark_of_a_program(text)
}

/// What programs show in place of a value: `#ERROR!`, `#\u{a1}VALOR!`, `Err:502`, `#####` where a column is too narrow, `[NULL]`, and `.a` to `.z`
/// (Stata's kinds of missing values).
fn is_mark_of_a_program(text: &str) -> bool {
    let bytes = text.as_bytes();
    match bytes {
        [b'#', .., b'!' | b'?'] => bytes.len() <= 16 && !text.contains(char::is_whitespace),
        [b'#', b'#', b'#', rest @ ..] => rest.iter().all(|byte| *byte == b'#'),
        [b'[', inside @ .., b']'] => inside.eq_ignore_ascii_case(b"null"),
        [b'.', b'a'..=b'z'] => true,
        _ => text
            .strip_prefix("Err:")
            .is_some_and(|number| number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit())),
    }
}

/// A number as a person would type it: the shortest digits that give it back, no `.0`.
pub(crate) fn number_text(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    format!("{number}")
}

/// Whether a text is a long whole number as Excel shows it once digits are lost: `1.23457E+17`.
pub fn is_rounded_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let Some((mantissa, exponent)) = digits.split_once(['E', 'e']) else {
        return false;
    };
    let Some(exponent) = exponent.strip_prefix('+').and_then(|exponent| exponent.parse::<usize>().ok()) else {
        return false;
    };
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    whole.len() == 1 && all_digits(whole) && all_digits(fraction) && exponent > 10 && fraction.len() < exponent
}

/// A moment as ISO text; midnight is a plain date, a fraction shows only if there is one.
pub(crate) fn date_text(micros: i64) -> String {
    let seconds = micros.div_euclid(1_000_000);
    let fraction = micros.rem_euclid(1_000_000);
    let (year, month, day) = dates::civil_from_days(seconds.div_euclid(86_400));
    let in_day = seconds.rem_euclid(86_400);
    let mut shown = format!("{year:04}-{month:02}-{day:02}");
    if in_day != 0 || fraction != 0 {
        shown.push_str(&format!(" {:02}:{:02}:{:02}", in_day / 3600, in_day / 60 % 60, in_day % 60));
    }
    if fraction != 0 {
        shown.push_str(format!(".{fraction:06}").trim_end_matches('0'));
    }
    shown
}

/// The moment that [`date_text`] shows so.
pub(crate) fn date_micros(shown: &str) -> Option<i64> {
    use chrono::{NaiveDate, NaiveDateTime};
    let moment = NaiveDateTime::parse_from_str(shown, "%Y-%m-%d %H:%M:%S%.f").ok();
    let day = || NaiveDate::parse_from_str(shown, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    moment.or_else(day).map(|moment| moment.and_utc().timestamp_micros())
}

/// A time of day or a span of seconds as `27:30:00`.
pub(crate) fn clock_text(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "-" } else { "" };
    let whole = seconds.abs().round().min(1e15) as u64;
    format!("{sign}{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}

/// One spelling for what different programs write differently: `957.0` is `957`, `1.50` is `1.5`, `True` is `TRUE`.
///
/// Excel shows and saves numbers and truth values that way, so the same sheet gives the same categories from CSV, Excel and Parquet.
/// Anything that is not a plain decimal number stays as typed: `007`, `1e5`, `1,50`.
pub(crate) fn canonical(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let Some(last) = bytes.last() else {
        return Cow::Borrowed(text);
    };
    if !matches!(last, b'0' | b'.' | b'e' | b'E') {
        return Cow::Borrowed(text);
    }
    match text {
        "True" | "true" | "TRUE" => return Cow::Borrowed("TRUE"),
        "False" | "false" | "FALSE" => return Cow::Borrowed("FALSE"),
        "-0" => return Cow::Borrowed("0"),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let Some((whole, fraction)) = digits.split_once('.') else {
        return Cow::Borrowed(text);
    };
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let no_leading_zero = whole == "0" || (!whole.is_empty() && !whole.starts_with('0'));
    if !(no_leading_zero && plain(whole) && plain(fraction)) {
        return Cow::Borrowed(text);
    }
    let shorter = text.trim_end_matches('0').trim_end_matches('.');
    Cow::Borrowed(if shorter == "-0" { "0" } else { shorter })
}

/// A text as categories and keys use it; `None` where it stands for no value.
pub(crate) fn as_category(text: &str) -> Option<Cow<'_, str>> {
    let text = trimmed(text);
    (!is_missing(text)).then(|| canonical(text))
}

/// The text of a cell as categories and keys use it; `None` for a missing one.
pub(crate) fn category<'a>(cell: &'a CellView<'a>) -> Option<Cow<'a, str>> {
    match cell {
        CellView::Blank | CellView::Error(_) => None,
        CellView::Text(text) => as_category(text),
        CellView::Number(number) if number.is_nan() => None,
        other => other.shown(),
    }
}

/// Distinct texts in order of first appearance.
struct Dictionary {
    known: HashTable<u32>,
    values: Vec<String>,
    hasher: hashbrown::DefaultHashBuilder,
}

impl Dictionary {
    fn new() -> Self {
        Self {
            known: HashTable::new(),
            values: Vec::new(),
            hasher: hashbrown::DefaultHashBuilder::default(),
        }
    }

    fn code(&mut self, text: Cow<'_, str>) -> u32 {
        let values = &mut self.values;
        let hash = self.hasher.hash_one(text.as_ref());
        match self.known.entry(
            hash,
            |code| values[*code as usize] == text,
            |code| self.hasher.hash_one(values[*code as usize].as_str()),
        ) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let code = values.len() as u32;
                entry.insert(code);
                values.push(text.into_owned());
                code
            }
        }
    }
}

const CHUNK: usize = 1 << 15;

/// The text of a cell with every sign of it, blanks at its ends too; `None` for an empty one.
fn written<'a>(cell: &'a CellView<'a>) -> Option<Cow<'a, str>> {
    match cell {
        CellView::Text(text) if text.is_empty() => None,
        CellView::Text(text) => Some(Cow::Borrowed(text.as_ref())),
        other => category(other),
    }
}

/// Codes of a column of categories.
pub(crate) fn texts(column: &Column, height: usize) -> Texts {
    coded(column, height, category)
}

impl Table {
    /// A column as text with every sign as it is written, blanks at the ends too; only empty cells are [`Texts::MISSING`].
    ///
    /// # Errors
    /// Where the column is not there.
    pub fn texts_as_written(&self, name: &str) -> Result<Texts> {
        Ok(coded(&self.column(name)?, self.height(), written))
    }
}

/// Codes of what `text` makes of the cells. Chunks are coded side by side and joined in order, so the result is the same for any number of threads.
fn coded(column: &Column, height: usize, text: for<'a> fn(&'a CellView<'a>) -> Option<Cow<'a, str>>) -> Texts {
    let coded: Vec<(Vec<u32>, Vec<String>)> = (0..height.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let rows = chunk * CHUNK..((chunk + 1) * CHUNK).min(height);
            let mut dictionary = Dictionary::new();
            let mut codes = Vec::with_capacity(rows.len());
            column.each(rows, |_, cell| {
                codes.push(match text(&cell) {
                    Some(text) => dictionary.code(text),
                    None => Texts::MISSING,
                });
            });
            (codes, dictionary.values)
        })
        .collect();
    let mut whole = Dictionary::new();
    let mut codes = Vec::with_capacity(height);
    for (chunk_codes, values) in coded {
        let renamed: Vec<u32> = values.into_iter().map(|value| whole.code(Cow::Owned(value))).collect();
        codes.extend(
            chunk_codes
                .into_iter()
                .map(|code| renamed.get(code as usize).copied().unwrap_or(Texts::MISSING)),
        );
    }
    Texts {
        codes,
        values: whole.values,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_lost_digits_are_known_by_their_spelling() {
        for text in ["1.23457E+17", "1.23456789012346E+17", "-9,1E+15", "5E+12"] {
            assert!(is_rounded_number(text), "{text}");
        }
        for text in [
            "123456789012345678",
            "1.5E+3",
            "ABE+17",
            "1.23457E-17",
            "E+17",
            "12.5E+17",
            "1.123456789012E+12",
        ] {
            assert!(!is_rounded_number(text), "{text}");
        }
    }

    #[test]
    fn numbers_and_truth_values_have_one_spelling() {
        for (typed, same) in [
            ("957.0", "957"),
            ("1.50", "1.5"),
            ("-0.0", "0"),
            ("-3.10", "-3.1"),
            ("True", "TRUE"),
            ("100", "100"),
            ("007.0", "007.0"),
            ("1e0", "1e0"),
            ("a.0", "a.0"),
            ("1.2.0", "1.2.0"),
            (".0", ".0"),
            ("5.", "5"),
        ] {
            assert_eq!(canonical(typed), same, "{typed}");
        }
        assert_eq!(number_text(957.0), "957");
        assert_eq!(number_text(-0.0), "0");
        assert_eq!(number_text(0.29), "0.29");
    }

    #[test]
    fn moments_show_only_what_they_have() {
        assert_eq!(date_text(1_517_356_800_000_000), "2018-01-31");
        assert_eq!(date_text(1_517_439_360_000_000), "2018-01-31 22:56:00");
        assert_eq!(date_text(-500_000), "1969-12-31 23:59:59.5");
        for micros in [
            0,
            1_517_356_800_000_000,
            1_517_439_360_000_000,
            -500_000,
            -62_135_596_800_000_000,
            253_402_300_799_999_999,
        ] {
            assert_eq!(date_micros(&date_text(micros)), Some(micros));
        }
    }

    #[test]
    fn namibia_and_none_are_categories_but_not_numbers() {
        assert!(!is_missing("NA") && is_missing_value("NA"));
        assert!(!is_missing("None") && is_missing_value("None"));
        assert!(is_missing("") && is_missing("#N/A") && is_missing("NULL") && is_missing("nan"));
    }
}
