//! The columns of the sheet in the form that rules are searched in: every cell one of a few bins.

use rayon::prelude::*;

use crate::error::Result;
use crate::features::{DatePart, Look, Prepared, civil, identifies_person, look};
use crate::tables::{ColumnKind, Table, Texts};
use crate::trees::Binned;

/// Most bins of a column of numbers; each holds about as many rows as the next.
const NUMBER_BINS: usize = 48;
/// Most different values of a column that is looked at by value.
const MOST_VALUES: usize = 20_000;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// What is taken from a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// Its value.
    Value,
    /// Of a date: the calendar month of its year, so that ranges of time can be told.
    Period,
    /// Of a date: January to December.
    Month,
    /// Of a date: Monday to Sunday.
    Weekday,
    /// Of a date: the hour, 0 to 23.
    Hour,
}

/// What the bins of a column are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Bins {
    /// One bin per value.
    Values(Vec<String>),
    /// Ranges in ascending order: lowest and highest number in each (days since 1970 for periods).
    Ranges(Vec<(f64, f64)>),
}

/// A column, binned.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    pub name: String,
    pub taken: Taken,
    pub bins: Bins,
    /// Bin of every row; the number of bins for a blank.
    pub codes: Vec<u16>,
}

impl Column {
    /// Number of bins, without the one for blanks.
    pub fn bin_count(&self) -> usize {
        match &self.bins {
            Bins::Values(values) => values.len(),
            Bins::Ranges(ranges) => ranges.len(),
        }
    }

    /// The column as trees take it.
    pub fn binned(&self) -> Binned<'_> {
        Binned {
            codes: &self.codes,
            bins: self.bin_count(),
            ordered: matches!(self.bins, Bins::Ranges(_)),
        }
    }
}

/// The columns of the sheet at the training rows that rules may speak of: all but the label's own sources, key and group, people's
/// data, texts that hardly repeat, and columns that never vary.
pub(super) fn columns(table: &Table, prepared: &Prepared) -> Result<Vec<Column>> {
    let profile = &prepared.profile;
    let rows = table.take(&prepared.train.table_rows);
    let mut skipped: Vec<&str> = profile.label.sources();
    skipped.extend(profile.key.as_deref());
    skipped.extend(profile.group.as_deref());
    let names: Vec<&String> = table.names().iter().filter(|name| !skipped.contains(&name.as_str())).collect();
    let found: Vec<Vec<Column>> = names.par_iter().map(|name| binned(&rows, name)).collect::<Result<_>>()?;
    Ok(found.into_iter().flatten().collect())
}

fn binned(table: &Table, name: &str) -> Result<Vec<Column>> {
    let look = look(table, name)?;
    if look.people.is_some() || look.web || look.distinct() < 2 || identifies_person(name) {
        return Ok(Vec::new());
    }
    let one = |column: Option<Column>| column.into_iter().collect();
    Ok(match (&look.kind, &look.numbers, &look.dates) {
        (_, _, Some(dates)) => of_dates(name, dates),
        (_, Some(numbers), _) => one(of_numbers(name, Taken::Value, numbers)),
        (ColumnKind::Constant | ColumnKind::Empty, _, _) => Vec::new(),
        _ => one(of_texts(name, &look)),
    })
}

fn of_texts(name: &str, look: &Look) -> Option<Column> {
    let distinct = look.distinct();
    if distinct > MOST_VALUES || distinct * 2 > look.present() {
        return None;
    }
    let blank = distinct as u16;
    let code = |code: &u32| if *code == Texts::MISSING { blank } else { *code as u16 };
    Some(Column {
        name: name.to_owned(),
        taken: Taken::Value,
        bins: Bins::Values(look.texts.values.clone()),
        codes: look.texts.codes.iter().map(code).collect(),
    })
}

/// Each number its own bin where there are few, else bins of about equally many rows.
fn of_numbers(name: &str, taken: Taken, numbers: &[Option<f64>]) -> Option<Column> {
    let mut sorted: Vec<f64> = numbers.iter().flatten().copied().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let rows = sorted.len();
    let mut ranges: Vec<(f64, f64)> = Vec::new();
    let mut distinct = sorted.clone();
    distinct.dedup();
    if distinct.len() <= 2 * NUMBER_BINS {
        ranges = distinct.iter().map(|number| (*number, *number)).collect();
    } else {
        let mut start = 0;
        while start < rows {
            // Equal numbers stay in one bin.
            let mut end = (start + rows.div_ceil(NUMBER_BINS)).min(rows);
            while end < rows && sorted[end] == sorted[end - 1] {
                end += 1;
            }
            ranges.push((sorted[start], sorted[end - 1]));
            start = end;
        }
    }
    if ranges.len() < 2 {
        return None;
    }
    let blank = ranges.len() as u16;
    let code = |number: &Option<f64>| match number {
        Some(number) => ranges.partition_point(|(_, high)| high < number) as u16,
        None => blank,
    };
    Some(Column {
        name: name.to_owned(),
        taken,
        codes: numbers.iter().map(code).collect(),
        bins: Bins::Ranges(ranges),
    })
}

fn of_dates(name: &str, dates: &[Option<i64>]) -> Vec<Column> {
    let column = |taken: Taken, of: &dyn Fn(i64) -> f64| {
        let numbers: Vec<Option<f64>> = dates.iter().map(|date| date.map(of)).collect();
        of_numbers(name, taken, &numbers)
    };
    let named = |taken: Taken, part: DatePart| {
        let names = part.categories()?;
        let codes = dates
            .iter()
            .map(|date| date.map_or(names.len(), |date| part.value(date) as usize) as u16);
        let codes: Vec<u16> = codes.collect();
        let varies = codes.windows(2).any(|pair| pair[0] != pair[1]);
        varies.then(|| Column {
            name: name.to_owned(),
            taken,
            bins: Bins::Values(names.iter().map(|name| (*name).to_owned()).collect()),
            codes,
        })
    };
    let found = [
        period(name, dates),
        named(Taken::Month, DatePart::Month),
        named(Taken::Weekday, DatePart::Weekday),
        column(Taken::Hour, &|date| (date.rem_euclid(DAY) / 3600) as f64),
    ];
    found.into_iter().flatten().collect()
}

/// Calendar months, or single days where the dates span fewer than three of them; a range is named by its first and last day there is.
fn period(name: &str, dates: &[Option<i64>]) -> Option<Column> {
    let month = |days: i64| {
        let (year, month, _) = civil(days);
        year * 12 + i64::from(month)
    };
    let days: Vec<Option<i64>> = dates.iter().map(|date| date.map(|date| date.div_euclid(DAY))).collect();
    let (first, last) = (days.iter().flatten().min()?, days.iter().flatten().max()?);
    let by_month = month(*last) - month(*first) >= 3;
    if !by_month || month(*last) - month(*first) > 600 {
        let numbers: Vec<Option<f64>> = days.iter().map(|day| day.map(|day| day as f64)).collect();
        return of_numbers(name, Taken::Period, &numbers);
    }
    let start = month(*first);
    let mut ranges: Vec<Option<(f64, f64)>> = vec![None; (month(*last) - start + 1) as usize];
    for day in days.iter().flatten() {
        let range = &mut ranges[(month(*day) - start) as usize];
        let day = *day as f64;
        *range = Some(range.map_or((day, day), |(low, high)| (low.min(day), high.max(day))));
    }
    let mut code_of = vec![0_u16; ranges.len()];
    let mut kept = Vec::new();
    for (place, range) in ranges.iter().enumerate() {
        code_of[place] = kept.len() as u16;
        kept.extend(*range);
    }
    let blank = kept.len() as u16;
    let code = |day: &Option<i64>| day.map_or(blank, |day| code_of[(month(day) - start) as usize]);
    Some(Column {
        name: name.to_owned(),
        taken: Taken::Period,
        codes: days.iter().map(code).collect(),
        bins: Bins::Ranges(kept),
    })
}
