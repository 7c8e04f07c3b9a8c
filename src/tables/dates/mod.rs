//! A column as dates: real dates, and text in any of the usual forms, mixed as they come.

mod order;
mod parse;
mod words;

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::column::{CellView, Column};
use super::header::counted;
use super::limits::TOLERATED_SHARE;
use super::table::{Table, shortened};
use super::text::{is_missing_value, trimmed};
use crate::error::{Error, Result};
use crate::notes::Notes;
use order::Orders;
use parse::{Form, Parsed};
pub(crate) use parse::{civil_from_days, days_from_civil};

/// Which of the numbers of a date like `3/2/2018` is what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateOrder {
    /// `31/1/2018`
    DayFirst,
    /// `1/31/2018`
    MonthFirst,
    /// `18/1/31` (a year of four digits in front is understood in any case)
    YearFirst,
}

const CHUNK: usize = 1 << 14;

/// Whether a trimmed text is a date in some order.
pub(crate) fn looks_like_date(text: &str) -> bool {
    parse::parse(text).is_some_and(|parsed| match parsed.form {
        Form::Numbers {
            first,
            second,
            third,
            separator: _,
        } => [DateOrder::DayFirst, DateOrder::MonthFirst, DateOrder::YearFirst]
            .iter()
            .any(|order| order::resolve(first, second, third, parsed.short_year, *order).is_some()),
        _ => true,
    })
}

/// ISO text as microseconds since 1970, as written.
pub(crate) fn iso_micros(text: &str) -> Option<i64> {
    let parsed = parse::parse(text.trim())?;
    let Form::YearFirst { year, month, day } = parsed.form else {
        return None;
    };
    let seconds = days_from_civil(year, month, day) * 86_400 + i64::from(parsed.seconds);
    Some(seconds * 1_000_000)
}

/// One cell of the column before day and month are told apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Item {
    Missing,
    Marked,
    /// A real date: microseconds since 1970-01-01.
    Real(i64),
    Text(Parsed),
    /// Excel's day count without its date format: days and seconds since 1970.
    Serial(i64),
    /// Seconds since 1970 as a bare number.
    Unix(i64),
    Unreadable,
}

fn item(cell: &CellView<'_>) -> Item {
    match cell {
        CellView::Blank => Item::Missing,
        CellView::Error(_) => Item::Marked,
        CellView::Date(micros) => Item::Real(*micros),
        CellView::Bool(_) => Item::Unreadable,
        CellView::Integer(number) => bare_number(*number as f64),
        CellView::Number(number) if number.is_nan() => Item::Marked,
        CellView::Number(number) => bare_number(*number),
        CellView::Text(text) => {
            let text = trimmed(text);
            let text = text.strip_prefix('\'').unwrap_or(text);
            if text.is_empty() {
                return Item::Missing;
            }
            if let Some(parsed) = parse::parse(text) {
                return Item::Text(parsed);
            }
            if is_missing_value(text) || text.starts_with("0000-00-00") {
                return Item::Marked;
            }
            match text.as_bytes().first() {
                Some(b'0'..=b'9') => text.parse().map_or(Item::Unreadable, bare_number),
                _ => Item::Unreadable,
            }
        }
    }
}

/// A number where a date is wanted: `20180131`, Excel's day count (1928 to 2173), or seconds or milliseconds since 1970.
fn bare_number(number: f64) -> Item {
    const EXCEL_EPOCH: i64 = -25_569;
    let whole = number.fract() == 0.0;
    if (10_300.0..100_000.0).contains(&number) {
        let seconds = (number * 86_400.0).round() as i64;
        return Item::Serial(EXCEL_EPOCH * 86_400 + seconds);
    }
    if whole && (10_000_101.0..99_991_232.0).contains(&number) {
        return parse::parse(&format!("{number}")).map_or(Item::Unreadable, Item::Text);
    }
    if (1e8..1e11).contains(&number) {
        return Item::Unix(number.floor() as i64);
    }
    if (1e11..1e14).contains(&number) {
        return Item::Unix((number / 1000.0).floor() as i64);
    }
    Item::Unreadable
}

pub(crate) fn items(column: &Column, height: usize) -> Vec<Item> {
    (0..height)
        .into_par_iter()
        .with_min_len(CHUNK)
        .map(|row| item(&column.get(row)))
        .collect()
}

/// The dates of a column. See [`Table::dates`].
pub(crate) fn dates(table: &Table, column: &Column, name: &str, order: Option<DateOrder>, notes: &mut Notes) -> Result<Vec<Option<i64>>> {
    let items = items(column, table.height());
    let orders = order::decide(table, name, &items, order, notes)?;
    let mut unreadable = Vec::new();
    let mut seconds = Vec::with_capacity(items.len());
    for (row, item) in items.iter().enumerate() {
        let moment = moment(item, &orders);
        if moment.is_none() && !matches!(item, Item::Missing | Item::Marked) {
            unreadable.push(row);
        }
        seconds.push(moment);
    }
    note_kinds(name, &items, notes);
    report_unreadable(table, column, name, &unreadable, &items, &orders, notes)?;
    Ok(seconds)
}

/// Seconds since 1970 in local time as written.
fn moment(item: &Item, orders: &Orders) -> Option<i64> {
    match item {
        Item::Missing | Item::Marked | Item::Unreadable => None,
        Item::Real(micros) => {
            let seconds = micros.div_euclid(1_000_000);
            if orders.swapped { swap_seconds(seconds) } else { Some(seconds) }
        }
        Item::Serial(seconds) | Item::Unix(seconds) => Some(*seconds),
        Item::Text(parsed) => {
            let (year, month, day) = match parsed.form {
                Form::YearFirst { year, month, day } if orders.swapped && day <= 12 => (year, day, month),
                Form::YearFirst { year, month, day } | Form::Named { year, month, day } => (year, month, day),
                Form::Numbers {
                    first,
                    second,
                    third,
                    separator,
                } => orders.resolve(first, second, third, parsed.short_year, separator)?,
            };
            Some(days_from_civil(year, month, day) * 86_400 + i64::from(parsed.seconds))
        }
    }
}

/// A moment with day and month exchanged; `None` where no such day exists.
fn swap_seconds(seconds: i64) -> Option<i64> {
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let year = i32::try_from(year).ok()?;
    (day <= 12).then(|| days_from_civil(year, day, month) * 86_400 + seconds.rem_euclid(86_400))
}

fn note_kinds(name: &str, items: &[Item], notes: &mut Notes) {
    let count = |wanted: fn(&Item) -> bool| items.iter().filter(|item| wanted(item)).count();
    let marked = count(|item| matches!(item, Item::Marked));
    if marked > 0 {
        notes.add(
            "missing-markers",
            format!(
                "{} of column `{name}` say `#N/A`, `NULL`, `NaN` or the like",
                counted(marked, "cell")
            ),
            "taken as missing",
        );
    }
    let serial = count(|item| matches!(item, Item::Serial(_)));
    if serial > 0 {
        notes.add(
            "serial-dates",
            format!(
                "{} of column `{name}` hold Excel's day count instead of a date",
                counted(serial, "cell")
            ),
            "read as the date that Excel shows for it",
        );
    }
    let unix = count(|item| matches!(item, Item::Unix(_)));
    if unix > 0 {
        notes.add(
            "unix-dates",
            format!(
                "{} of column `{name}` count seconds or milliseconds since 1970",
                counted(unix, "cell")
            ),
            "read as UTC",
        );
    }
    let mut zones = BTreeSet::new();
    let (mut zoned, mut short) = (0, 0);
    for item in items {
        if let Item::Text(parsed) = item {
            if let Some(zone) = parsed.zone {
                zoned += 1;
                zones.insert(zone);
            }
            short += usize::from(parsed.short_year);
        }
    }
    if zoned > 0 {
        let shown: Vec<String> = zones.iter().take(5).map(|minutes| offset_text(*minutes)).collect();
        let differing = if zones.len() > 1 {
            ", which differ: times of different rows are not on one clock"
        } else {
            ""
        };
        notes.add(
            "time-zones",
            format!(
                "{} of column `{name}` name a time zone ({}{differing})",
                counted(zoned, "date"),
                shown.join(", ")
            ),
            "the local time was kept as written and the zone left out",
        );
    }
    if short > 0 {
        notes.add(
            "two-digit-years",
            format!("{} of column `{name}` have a year of two digits", counted(short, "date")),
            "69 to 99 was read as 1969 to 1999, 00 to 68 as 2000 to 2068",
        );
    }
}

fn offset_text(minutes: i16) -> String {
    if minutes == 0 {
        return "UTC".to_owned();
    }
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

fn report_unreadable(
    table: &Table,
    column: &Column,
    name: &str,
    unreadable: &[usize],
    items: &[Item],
    orders: &Orders,
    notes: &mut Notes,
) -> Result<()> {
    let Some(first) = unreadable.first() else {
        return Ok(());
    };
    let filled = items.iter().filter(|item| !matches!(item, Item::Missing | Item::Marked)).count();
    let shown = shortened(&column.get(*first).shown().unwrap_or_default());
    if unreadable.len() as f64 > TOLERATED_SHARE * filled as f64 {
        let is_numbers = matches!(items.get(*first), Some(Item::Text(_)));
        let hint = if is_numbers {
            format!(
                "read {}, as {}; if the order is another one, state it",
                orders.described(),
                orders.reason
            )
        } else if unreadable.len() * 2 > filled {
            format!("most of column `{name}` is no date; name another time column")
        } else {
            "write it as 2018-01-31 or 2018-01-31 22:56, or empty the cell".to_owned()
        };
        return Err(table.at(Error::input(format!("`{shown}` is not a date")), *first, name).hint(hint));
    }
    notes.add(
        "unreadable-dates",
        format!(
            "{} of column `{name}` hold no date, the first in row {}: `{shown}`",
            counted(unreadable.len(), "cell"),
            table.row_number(*first)
        ),
        "taken as missing (up to 1 % of the filled cells)",
    );
    Ok(())
}

/// The order of day and month that a column shows for certain; `None` where it shows none or both.
pub(crate) fn date_order(column: &Column, height: usize) -> Option<DateOrder> {
    order::evident(&items(column, height))
}
