//! A first look at a column: what kind of values it holds.

use serde::{Deserialize, Serialize};

use super::words;
use crate::error::Result;
use crate::notes::Notes;
use crate::tables::{Table, Texts};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    /// Nothing but blanks.
    Empty,
    /// Numbers, also as text.
    Number,
    /// Dates, also as text.
    Date,
    /// Anything else.
    Text,
}

/// A column as far as it was read.
pub struct Look {
    pub kind: ColumnKind,
    pub texts: Texts,
    /// Rows per distinct value.
    pub counts: Vec<usize>,
    /// Present where `kind` is a number; what is not finite is absent.
    pub numbers: Option<Vec<Option<f64>>>,
    /// Present where `kind` is a date.
    pub dates: Option<Vec<Option<i64>>>,
    /// Why the values are people's data, where they are.
    pub people: Option<String>,
    /// Whether the values are addresses on the web.
    pub web: bool,
}

/// Distinct values that are looked at for the kind of a column.
const LOOKED_AT: usize = 500;

/// Looks at one column.
///
/// # Errors
/// Where the sheet has no such column.
pub fn look(table: &Table, column: &str) -> Result<Look> {
    let texts = table.texts(column)?;
    let counts = texts.counts();
    let values = &texts.values[..texts.values.len().min(LOOKED_AT)];
    let share = |test: &dyn Fn(&str) -> bool| values.iter().filter(|value| test(value)).count() as f64 / values.len().max(1) as f64;
    let mut look = Look {
        kind: if values.is_empty() { ColumnKind::Empty } else { ColumnKind::Text },
        numbers: None,
        dates: None,
        people: None,
        web: share(&words::looks_like_url) > 0.5,
        counts,
        texts: Texts::default(),
    };
    if words::names_people(column) {
        look.people = Some("its name says that it holds people's data".to_owned());
    } else if share(&words::looks_personal) > 0.3 {
        look.people = Some("its values look like e-mail addresses, telephone numbers or streets".to_owned());
    }
    // Notes about single cells belong to the columns that are used later; here only the kind is asked for.
    let mut aside = Notes::new();
    if share(&number_like) >= 0.9 {
        if let Ok(mut numbers) = table.numbers(column, &mut aside) {
            numbers
                .iter_mut()
                .for_each(|number| *number = number.filter(|value| value.is_finite()));
            look.kind = ColumnKind::Number;
            look.numbers = Some(numbers);
        }
    } else if share(&date_like) >= 0.9 {
        if let Ok(dates) = table.dates(column, None, &mut aside) {
            look.kind = ColumnKind::Date;
            look.dates = Some(dates);
        }
    }
    look.texts = texts;
    Ok(look)
}

impl Look {
    /// Distinct values.
    pub fn distinct(&self) -> usize {
        self.texts.values.len()
    }

    /// Blank cells.
    pub fn missing(&self) -> usize {
        self.texts.missing_count()
    }

    /// Cells that are not blank.
    pub fn present(&self) -> usize {
        self.texts.codes.len() - self.missing()
    }

    /// Whether nearly every cell differs from every other.
    pub fn nearly_unique(&self) -> bool {
        self.present() >= 20 && self.distinct() as f64 >= 0.9 * self.present() as f64
    }

    /// Whether all numbers are whole.
    pub fn whole(&self) -> bool {
        self.numbers
            .as_ref()
            .is_some_and(|numbers| numbers.iter().flatten().all(|number| number.fract() == 0.0))
    }
}

/// Whether a text may be a number: digits with signs, separators, a currency or a percent sign around them.
fn number_like(text: &str) -> bool {
    let core = text.trim_matches(|letter: char| letter.is_whitespace() || "+-()%$€£¥".contains(letter));
    let core = core
        .trim_start_matches(|letter: char| letter.is_ascii_uppercase())
        .trim_end_matches(|letter: char| letter.is_ascii_uppercase())
        .trim();
    let digits = core.chars().filter(char::is_ascii_digit).count();
    let others = core
        .chars()
        .filter(|letter| !letter.is_ascii_digit() && !".,'eE+- \u{a0}\u{202f}".contains(*letter))
        .count();
    // Two dashes inside are a date, not a number.
    digits > 0 && others == 0 && core.matches('-').count() <= 1 && !date_like(text) && text.len() < 40
}

/// Whether a text may be a date: three groups of digits, or two and the name of a month.
fn date_like(text: &str) -> bool {
    let groups: Vec<&str> = text
        .split(|letter: char| !letter.is_ascii_digit())
        .filter(|group| !group.is_empty())
        .collect();
    let separators = |letter: char| text.matches(letter).count();
    let month = || {
        const MONTHS: &[&str] = &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "mär", "mai", "okt", "dez",
        ];
        let lower = text.to_lowercase();
        MONTHS.iter().any(|month| lower.contains(month))
    };
    let short = |count: usize| groups.len() >= count && groups.iter().take(count).all(|group| group.len() <= 4);
    let dotted = separators('.') == 2 && !text.contains(',') && groups.iter().take(2).all(|group| group.len() <= 2);
    let slashed = separators('/') == 2 || separators('-') >= 2 || dotted;
    text.len() < 40 && ((short(3) && slashed) || (short(2) && month()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_dates_are_told_apart() {
        for text in [
            "1",
            "-1.5",
            "1.234,56",
            "1,234.56",
            "$ 12.00",
            "12 %",
            "EUR 3",
            "1e-5",
            "1.234.567",
            "(5)",
        ] {
            assert!(number_like(text) && !date_like(text), "{text}");
        }
        for text in [
            "2018-01-31",
            "1/31/2018 9:30",
            "31.1.2018",
            "31 Jan 2018",
            "2015-08-12 00:00:00+01:00",
            "01-02-2018",
        ] {
            assert!(date_like(text) && !number_like(text), "{text}");
        }
        for text in ["Market", "A12-B", "12 Monkeys", "", "first class"] {
            assert!(!date_like(text) && !number_like(text), "{text}");
        }
    }
}
