//! What sort of column this seems to be: a guess for people and for proposed profiles, cheap enough for every column.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::exceptions::{Different, Mix, is_exception};
use super::table::Table;
use super::text::{Texts, is_missing_value};
use super::{dates, numbers};
use crate::error::Result;

/// What a column seems to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    /// No value at all.
    Empty,
    /// One value in every filled row.
    Constant,
    /// Numbers, durations or times of day (at least 99 % of the filled cells or all but two, or half of them and words in the others).
    Number,
    /// Dates (at least 99 % of the filled cells or all but two, or half of them and words in the others).
    Date,
    /// Texts that repeat: at most 1,000 different ones, each twice on average.
    Category,
    /// Texts that hardly repeat.
    Text,
}

/// A column at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSummary {
    /// The column's name.
    pub name: String,
    /// What it seems to hold.
    pub kind: ColumnKind,
    /// Rows without a value.
    pub missing: usize,
    /// Different values.
    pub distinct: usize,
    /// Whether every filled row has a value of its own, and no row lacks one: it could be a key.
    pub unique: bool,
    /// The first few different values, in the order of the sheet.
    pub examples: Vec<String>,
}

const MAX_CATEGORIES: usize = 1000;
const EXAMPLES: usize = 5;

fn kind_of(texts: &Texts) -> ColumnKind {
    match texts.values.len() {
        0 => return ColumnKind::Empty,
        1 => return ColumnKind::Constant,
        _ => {}
    }
    let counts = texts.counts();
    // Texts such as `NA`, `-` or `inf` are no values where the others are numbers.
    let valued: Vec<(&String, usize)> = texts
        .values
        .iter()
        .zip(counts)
        .filter(|(value, _)| !is_missing_value(value) && !numbers::is_infinite(value) && !dates::is_of_zeros(value))
        .collect();
    // Whether the column holds values of a kind, words in place of some included.
    let mostly = |test: &dyn Fn(&str) -> bool| {
        let (mut mix, mut different) = (Mix::default(), Different::default());
        for (place, (value, count)) in valued.iter().enumerate() {
            if test(value) {
                mix.values += count;
                different.see(place as u64);
            } else if is_exception(value) {
                mix.exceptions += count;
            } else {
                mix.others += count;
            }
            // A column of texts is told by its first few.
            if place > 1000 && mix.values == 0 {
                return false;
            }
        }
        mix.differ = different.enough();
        mix.nearly_all_values() || mix.values_with_exceptions()
    };
    // Programs write large numbers as `1.2E+05`; a column of `12E5` and `87E3` holds codes, though each by itself could be a number.
    let codes = valued.iter().filter(|(value, _)| is_code_with_e(value)).count();
    let numbers = codes < 3 || codes * 2 <= valued.len();
    let rows: usize = texts.codes.len() - texts.missing_count();
    let repeats = texts.values.len() <= MAX_CATEGORIES && texts.values.len() * 2 <= rows;
    if repeats && are_padded_codes(valued.iter().map(|(value, _)| value.as_str())) {
        return ColumnKind::Category;
    }
    if numbers && mostly(&numbers::looks_like_number) {
        return ColumnKind::Number;
    }
    // Day counts of a spreadsheet among dates: its cells of dates came out as numbers.
    let few = valued.len().min(1000);
    let dated = valued.iter().take(few).filter(|(value, _)| dates::looks_like_day(value)).count();
    let counted = |value: &str| dated > 0 && dated * 5 >= few && dates::is_day_count(value);
    if mostly(&|value| dates::looks_like_date(value) || counted(value)) {
        return ColumnKind::Date;
    }
    if mostly(&numbers::looks_like_duration) {
        return ColumnKind::Number;
    }
    let texts_of_few = valued.iter().take(few).map(|(value, _)| value.as_str());
    if let Some(unit) = numbers::common_unit(texts_of_few)
        && mostly(&|value| numbers::is_number_in(&unit, value))
    {
        return ColumnKind::Number;
    }
    if repeats { ColumnKind::Category } else { ColumnKind::Text }
}

/// Whether texts are codes of digits, such as postal codes: all of one length, some with zeros in front, and too few of these for numbers that were
/// filled up to that length. Four digits that are all times of day (`0830`), and six or eight, as dates have, are none.
pub(crate) fn are_padded_codes<'a>(mut values: impl Iterator<Item = &'a str> + Clone) -> bool {
    const DIFFERENT: usize = 3;
    let all = values.clone();
    let Some(first) = values.next() else { return false };
    let length = first.len();
    if !(4..=12).contains(&length) || matches!(length, 6 | 8) {
        return false;
    }
    let (mut count, mut padded, mut clocks) = (0, 0, 0);
    for value in all {
        if value.len() != length || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return false;
        }
        count += 1;
        padded += usize::from(value.starts_with('0'));
        clocks += usize::from(length == 4 && value[..2] < *"24" && value[2..] < *"60");
    }
    count >= DIFFERENT && padded > 0 && padded * 2 <= count && clocks < count
}

/// Digits, an E and digits again, without a sign or a mark.
fn is_code_with_e(value: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    value
        .split_once(['e', 'E'])
        .is_some_and(|(left, right)| digits(left) && digits(right))
}

impl Texts {
    /// What the column that these are the texts of seems to hold: as [`Table::kind`], for who has the texts already.
    pub fn kind(&self) -> ColumnKind {
        kind_of(self)
    }
}

impl Table {
    /// What a column seems to hold.
    ///
    /// # Errors
    /// Where the column is not there.
    pub fn kind(&self, name: &str) -> Result<ColumnKind> {
        Ok(kind_of(&self.texts(name)?))
    }

    /// A column at a glance.
    ///
    /// # Errors
    /// Where the column is not there.
    pub fn summary(&self, name: &str) -> Result<ColumnSummary> {
        let texts = self.texts(name)?;
        let missing = texts.missing_count();
        Ok(ColumnSummary {
            name: name.to_owned(),
            kind: kind_of(&texts),
            missing,
            distinct: texts.values.len(),
            unique: missing == 0 && self.height() > 0 && texts.values.len() == self.height(),
            examples: texts.values.into_iter().take(EXAMPLES).collect(),
        })
    }

    /// All columns at a glance, in the order of the sheet.
    ///
    /// # Errors
    /// None in practice: every name is the table's own.
    pub fn summaries(&self) -> Result<Vec<ColumnSummary>> {
        self.names().par_iter().map(|name| self.summary(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_guessed_from_the_values() {
        let column = |values: &[&str]| {
            let cells = values.iter().map(|value| Some((*value).to_owned())).collect();
            let table = Table::new("t", values.len()).with_column("c", cells).unwrap();
            table.kind("c").unwrap()
        };
        assert_eq!(column(&["", "NULL"]), ColumnKind::Empty);
        assert_eq!(column(&["x", "x", ""]), ColumnKind::Constant);
        assert_eq!(column(&["1,5", "2", "$3", "-"]), ColumnKind::Number);
        assert_eq!(column(&["1,5", "inf", "2", "-Infinity", "1e999", "3"]), ColumnKind::Number);
        assert_eq!(column(&["inf", "-inf", "inf", "-inf"]), ColumnKind::Category);
        assert_eq!(column(&["1/31/2018", "2018-02-01", "31.12.2018"]), ColumnKind::Date);
        assert_eq!(column(&["Air", "Sea", "Air", "Sea"]), ColumnKind::Category);
        assert_eq!(column(&["Air", "Sea", "Road"]), ColumnKind::Text);
        assert_eq!(column(&["1", "2", "x"]), ColumnKind::Text);
        assert_eq!(column(&["12E5", "87E3", "15E4", "12E5", "87E3", "15E4"]), ColumnKind::Category);
        assert_eq!(column(&["1200000", "87000", "15E4", "12E5", "3", "4"]), ColumnKind::Number);
        assert_eq!(column(&["1.2E5", "8.7E3", "1.5E4", "1E+05"]), ColumnKind::Number);
    }

    #[test]
    fn codes_with_zeros_in_front_are_categories_and_filled_up_numbers_are_not() {
        let kind = |codes: &dyn Fn(usize) -> String| {
            let cells = (0..60).map(|row| Some(codes(row % 12))).collect();
            Table::new("t", 60).with_column("c", cells).unwrap().kind("c").unwrap()
        };
        assert_eq!(kind(&|row| format!("{:05}", 1067 + row * 7919)), ColumnKind::Category);
        // Numbers filled up to a length, times of day, dates, numbers of several lengths.
        assert_eq!(kind(&|row| format!("{:010}", row * 37)), ColumnKind::Number);
        assert_eq!(kind(&|row| format!("{:02}{:02}", row * 2, row)), ColumnKind::Number);
        assert_eq!(kind(&|row| format!("{:02}0118", row + 1)), ColumnKind::Number);
        assert_eq!(kind(&|row| format!("{}", 1067 + row * 7919)), ColumnKind::Number);
    }

    #[test]
    fn a_summary_says_whether_a_column_could_be_a_key() {
        let table = Table::new("t", 3)
            .with_integers("id", vec![Some(1), Some(2), Some(3)])
            .and_then(|table| table.with_integers("n", vec![Some(1), None, Some(3)]))
            .unwrap();
        let summaries = table.summaries().unwrap();
        assert!(summaries[0].unique && !summaries[1].unique);
        assert_eq!((summaries[1].missing, summaries[1].distinct), (1, 2));
    }
}
