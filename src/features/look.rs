//! A first look at a column: what kind of values it holds.

use std::collections::BTreeMap;

use super::words;
use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::tables::{ColumnKind, Table, Texts, are_days_of_years, are_padded_codes, is_part_of_date};

/// A column as far as it was read.
pub struct Look {
    pub kind: ColumnKind,
    pub texts: Texts,
    /// Rows per distinct value.
    pub counts: Vec<usize>,
    /// Present where `kind` is a number; what is not finite is absent.
    pub numbers: Option<Vec<Option<f64>>>,
    /// Whether the numbers are hours, money or shares: such numbers count no rows.
    pub measured: bool,
    /// Whether the numbers were written as times of day or durations.
    pub hours: bool,
    /// Present where `kind` is a date.
    pub dates: Option<Vec<Option<i64>>>,
    /// What reading the numbers or dates brought up.
    pub notes: Notes,
    /// Why the values are people's data, where they are.
    pub people: Option<String>,
    /// Whether the values are addresses on the web.
    pub web: bool,
}

/// Distinct values that are looked at for the kind of a column.
const LOOKED_AT: usize = 500;

/// What a column of a pair holds. One that says the same everywhere (every order is planned for three days) is of the kind of what it says.
///
/// # Errors
/// Where the sheet has no such column.
pub fn kind_of_side(table: &Table, column: &str) -> Result<ColumnKind> {
    let kind = look(table, column)?.kind;
    if kind != ColumnKind::Constant {
        return Ok(kind);
    }
    let mut unneeded = Notes::new();
    let numbers = table
        .numbers(column, &mut unneeded)
        .is_ok_and(|numbers| numbers.iter().any(Option::is_some));
    if numbers {
        return Ok(ColumnKind::Number);
    }
    let dates = table.dates(column, None, &mut unneeded);
    Ok(match dates.is_ok_and(|dates| dates.iter().any(Option::is_some)) {
        true => ColumnKind::Date,
        false => kind,
    })
}

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
        kind: texts.kind(),
        notes: Notes::new(),
        numbers: None,
        measured: false,
        hours: false,
        dates: None,
        people: None,
        web: share(&words::looks_like_url) > 0.5,
        counts,
        texts: Texts::default(),
    };
    // `0012345678` under `Auftrag` is no telephone number.
    let called_paper = words::names_id(column) || words::names_paper(column);
    let is_digits = |value: &str| value.bytes().all(|byte| byte.is_ascii_digit());
    if words::names_people(column) {
        look.people = Some("its name says that it holds people's data".to_owned());
    } else if share(&words::looks_personal) > 0.3 && !(called_paper && values.iter().all(|value| is_digits(value))) {
        look.people = Some("its values look like e-mail addresses, telephone numbers or streets".to_owned());
    } else if matches!(look.kind, ColumnKind::Text | ColumnKind::Category) && are_persons(values) {
        look.people = Some("its values look like names of persons".to_owned());
    }
    // Where numbers or dates cannot be told after all (decimal marks or orders of both kinds), the column is text.
    match look.kind {
        ColumnKind::Number => match table.number_column(column, None, &mut look.notes) {
            Ok(numbers) => {
                let finite = |number: Option<f64>| number.filter(|value| value.is_finite());
                (look.measured, look.hours) = (numbers.measured, numbers.hours);
                look.numbers = Some(numbers.values.into_iter().map(finite).collect());
            }
            Err(error) => look.is_text_after_all(column, &error),
        },
        ColumnKind::Date => match table.dates(column, None, &mut look.notes) {
            Ok(dates) => look.dates = Some(dates),
            Err(error) => look.is_text_after_all(column, &error),
        },
        _ => {}
    }
    if dates_as_numbers(column, look.numbers.as_deref().unwrap_or_default()) {
        let mut notes = Notes::new();
        if let Ok(dates) = table.dates(column, None, &mut notes) {
            (look.kind, look.numbers, look.dates, look.notes) = (ColumnKind::Date, None, Some(dates), notes);
        }
    }
    look.texts = texts;
    look.note_codes(column);
    look.note_no_dates(column);
    Ok(look)
}

/// Whether values are names of persons: full names with common given names, or given names alone. A few that look so are towns and brands.
fn are_persons(values: &[String]) -> bool {
    let share = |test: &dyn Fn(&str) -> bool| values.iter().filter(|value| test(value)).count() as f64 / values.len().max(1) as f64;
    values.len() >= 4 && share(&words::is_full_name) > 0.35 || values.len() >= 8 && share(&words::is_given_name) > 0.6
}

impl Look {
    /// Says that a column is called a date and its cells, which have digits enough for one or are a part of one, are read as none.
    fn note_no_dates(&mut self, column: &str) {
        const DIGITS: usize = 5;
        let told = self.notes.has("read-as-text") || self.notes.has("unlikely-years");
        if self.kind == ColumnKind::Date || self.hours || self.measured || told || !words::names_calendar_day(column) {
            return;
        }
        let long = |value: &&String| value.chars().filter(char::is_ascii_digit).count() >= DIGITS || is_part_of_date(value);
        let values = &self.texts.values[..self.texts.values.len().min(LOOKED_AT)];
        let dated = values.iter().filter(long).count();
        if values.len() < 2 || dated * 10 < values.len() * 9 {
            return;
        }
        self.notes.add(
            "named-as-date",
            format!(
                "column `{column}` is called a date, but cells such as `{}` are read as none",
                values[0]
            ),
            "taken for what they look like; write the dates as `2018-01-31` to have them as dates",
        );
    }

    /// Says that codes of a column differ in their first zeros alone, or are used as numbers since there are too many of them for categories.
    fn note_codes(&mut self, column: &str) {
        if self.kind == ColumnKind::Category {
            let is_code = |value: &&String| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            let mut bare: BTreeMap<&str, &str> = BTreeMap::new();
            let twins = self.texts.values.iter().filter(is_code).filter_map(|value| {
                let other = bare.insert(value.trim_start_matches('0'), value)?;
                Some((other, value.as_str()))
            });
            let twins: Vec<(&str, &str)> = twins.collect();
            if let Some((one, other)) = twins.first() {
                self.notes.add(
                    "codes-differ-in-zeros",
                    format!(
                        "codes of column `{column}` stand with and without zeros in front ({} of them), such as `{one}` and `{other}`: a spreadsheet \
                         program drops them",
                        twins.len()
                    ),
                    "kept apart, as two values; write them alike if they are one",
                );
            }
        }
        if self.kind == ColumnKind::Number && !self.hours && are_padded_codes(self.texts.values.iter().map(String::as_str)) {
            self.notes.add(
                "codes-as-numbers",
                format!(
                    "column `{column}` holds codes with zeros in front, such as `{}`, too many to be categories",
                    self.texts.values[0]
                ),
                "used as numbers: codes that lie close together count as alike, and `01067` is 1067",
            );
        }
    }

    fn is_text_after_all(&mut self, column: &str, error: &Error) {
        let hint = error.hint_text().map(|hint| format!("; {hint}")).unwrap_or_default();
        self.notes.add(
            "read-as-text",
            format!("column `{column}` looks like values of one kind, but {}", error.message()),
            format!("taken as text{hint}"),
        );
        self.kind = ColumnKind::Text;
    }

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

    /// Whether the column names rows or the papers that they belong to: it says so, or is called by a paper alone (`Order`) and holds as many different
    /// texts or whole numbers as papers have.
    pub fn names_rows(&self, column: &str) -> bool {
        let written = self.whole() && !self.measured && self.like_papers() || matches!(self.kind, ColumnKind::Text | ColumnKind::Category);
        let many = self.distinct() >= 20 && self.distinct() * 20 >= self.present();
        words::names_id(column) || words::names_paper(column) && written && many
    }

    /// Whether whole numbers may be those of papers and not amounts (a `Load` in kilograms): long ones, or such as count on from row to row.
    fn like_papers(&self) -> bool {
        const LONG: f64 = 1_000.0;
        let Some(numbers) = &self.numbers else { return false };
        let all: Vec<f64> = numbers.iter().flatten().copied().collect();
        all.iter().all(|number| *number >= LONG) || all.first().is_some_and(|first| *first >= 0.0) && all.is_sorted()
    }

    /// Whether the numbers are those of the lines: from 0 or 1 on, one by one.
    pub fn numbers_lines(&self) -> bool {
        let Some(numbers) = &self.numbers else { return false };
        let first = numbers.first().copied().flatten().filter(|first| *first == 0.0 || *first == 1.0);
        first.is_some_and(|first| numbers.iter().enumerate().all(|(place, own)| *own == Some(first + place as f64)))
    }

    /// Whether all numbers are whole.
    pub fn whole(&self) -> bool {
        self.numbers
            .as_ref()
            .is_some_and(|numbers| numbers.iter().flatten().all(|number| number.fract() == 0.0))
    }
}

/// Whether whole numbers are dates: 20180131, 20180131225600, 201801312256, or under a name that says so the day counts of a spreadsheet or counts since 1970.
fn dates_as_numbers(column: &str, numbers: &[Option<f64>]) -> bool {
    let named = words::names_date(column);
    let written_out = |number: f64| {
        let (year, month, day) = ((number / 1e4).floor(), (number / 100.0).floor() % 100.0, number % 100.0);
        (1950.0..2100.0).contains(&year) && (1.0..=12.0).contains(&month) && (1.0..=31.0).contains(&day) && number.fract() == 0.0
    };
    let counted = |number: f64| named && (25_000.0..75_000.0).contains(&number);
    // Seconds since 1970 and their thousandths, millionths, billionths, from 1990 to 2040.
    let moment = named || words::names_moment(column);
    let since_1970 = |number: f64| {
        moment
            && [1.0, 1e3, 1e6, 1e9]
                .iter()
                .any(|per_second| (631_152_000.0..2_208_988_800.0).contains(&(number / per_second)))
    };
    let with_time = |number: f64| {
        let day = if number < 1e13 { number / 1e4 } else { number / 1e6 };
        let long = (1.95e11..2.1e11).contains(&number) || (1.95e13..2.1e13).contains(&number);
        number.fract() == 0.0 && long && written_out(day.floor())
    };
    let mut present = numbers.iter().flatten().copied().peekable();
    // A date of zeros stands in for none.
    let none_or = |test: &dyn Fn(f64) -> bool| {
        let mut dates = numbers.iter().flatten().filter(|number| **number != 0.0).peekable();
        dates.peek().is_some() && dates.all(|number| test(*number))
    };
    present.peek().is_some()
        && (none_or(&written_out)
            || present.clone().all(with_time)
            || present.clone().all(counted)
            || counts_days(column, numbers)
            || present.all(since_1970)
            || moment && are_days_of_years(numbers.iter().flatten().copied().filter(|number| *number != 0.0))
            || run_together(numbers, named))
}

/// Whether the whole numbers of a column whose name says that something happened or is due (`Delivered`) are day counts of a spreadsheet, which may be
/// amounts as well: many different ones of few years between 2000 and 2039, not all of them round.
fn counts_days(column: &str, numbers: &[Option<f64>]) -> bool {
    const DIFFERENT: usize = 10;
    const YEARS: f64 = 15.0 * 366.0;
    if !(words::names_moment(column) || words::came_true_on(column) || words::names_limit(column)) {
        return false;
    }
    let mut days: Vec<f64> = numbers.iter().flatten().copied().collect();
    days.sort_unstable_by(f64::total_cmp);
    days.dedup();
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return false;
    };
    let fits = days.iter().all(|day| day.fract() == 0.0 && (36_526.0..51_136.0).contains(day));
    days.len() >= DIFFERENT && fits && last - first < YEARS && days.iter().any(|day| day % 10.0 != 0.0)
}

/// Whether whole numbers are dates without marks: `31012018` under any name, `310118` and `180131` under one that says so.
fn run_together(numbers: &[Option<f64>], named: bool) -> bool {
    const DIFFERENT: usize = 5;
    let days: std::collections::BTreeSet<u64> = numbers
        .iter()
        .flatten()
        .filter(|number| **number != 0.0)
        .map(|number| number.to_bits())
        .collect();
    let parts = |number: f64| {
        let number = number as u32;
        if number < 1_000_000 {
            [number / 10_000, number / 100 % 100, number % 100, 2000]
        } else {
            [number / 1_000_000, number / 10_000 % 100, 0, number % 10_000]
        }
    };
    let day = |number: u32| (1..=31).contains(&number);
    let month = |number: u32| (1..=12).contains(&number);
    let all = |test: &dyn Fn([u32; 4]) -> bool| {
        days.iter().map(|bits| f64::from_bits(*bits)).all(|number| {
            let short = named && (100_000.0..1_000_000.0).contains(&number);
            let long = (1_000_000.0..32_000_000.0).contains(&number) && (1950..2100).contains(&(number as u32 % 10_000));
            number.fract() == 0.0 && (short || long) && test(parts(number))
        })
    };
    let long = days.iter().all(|bits| f64::from_bits(*bits) >= 1_000_000.0);
    days.len() >= DIFFERENT
        && (all(&|[first, second, ..]| day(first) && month(second))
            || all(&|[first, second, ..]| month(first) && day(second))
            || !long && all(&|[_, second, third, _]| month(second) && day(third)))
}
