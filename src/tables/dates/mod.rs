//! A column as dates: real dates, and text in any of the usual forms, mixed as they come.

mod by_file;
mod clock;
mod counts;
mod elsewhere;
mod order;
mod ordinal;
mod parse;
mod periods;
mod reader;
mod rearranged;
mod unlikely;
mod unreadable;
mod words;

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::column::{CellView, Column};
use super::exceptions::{self, Different, Mix};
use super::header::counted;
use super::source::Source;
use super::table::Table;
use super::text::{Texts, is_missing_value, trimmed};
use super::unreadable::note_unreadable;
use crate::error::{Error, Result};
use crate::notes::Notes;
use counts::bare_number;
pub(crate) use counts::{Tick, run_together};
pub(crate) use elsewhere::sheet_order;
use order::Orders;
pub(crate) use ordinal::are_days_of_years;
use parse::{Form, Parsed};
pub(crate) use parse::{civil_from_days, days_from_civil};
use unlikely::{LIKELY, note_far, note_placeholders, note_unlikely};
use unreadable::unreadable_error;
use words::Tongue;
pub(crate) use words::{folded as without_accents, half_day};

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

impl std::str::FromStr for DateOrder {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "dmy" | "day-first" => Ok(Self::DayFirst),
            "mdy" | "month-first" => Ok(Self::MonthFirst),
            "ymd" | "year-first" => Ok(Self::YearFirst),
            _ => Err(Error::input(format!("`{text}` is no order of day, month and year"))
                .hint("it is dmy (31/1/2018), mdy (1/31/2018) or ymd (18/1/31)")),
        }
    }
}

impl DateOrder {
    /// The option that states it.
    pub fn option(self) -> &'static str {
        match self {
            Self::DayFirst => "--dates dmy",
            Self::MonthFirst => "--dates mdy",
            Self::YearFirst => "--dates ymd",
        }
    }
}

/// A column read as dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateColumn {
    /// Seconds since 1970-01-01 in local time as written, one per row; `None` where there is no date.
    pub seconds: Vec<Option<i64>>,
    /// The words that stand in place of dates, where there are many of them.
    pub exceptions: Option<Texts>,
    /// How many days of a month, quarter or week come after its first, one per row (0 for a day); absent where the column names days alone.
    pub further_days: Option<Vec<u16>>,
}

impl DateColumn {
    /// The days of a cell: one, or those of a month, quarter or week. `None` where there is no date.
    pub fn span(&self, row: usize) -> Option<DaySpan> {
        let first = (*self.seconds.get(row)?)?.div_euclid(86_400);
        let further = self.further_days.as_ref().map_or(0, |days| i64::from(days[row]));
        Some(DaySpan {
            first,
            last: first + further,
        })
    }

    /// The days of every cell ([`DateColumn::span`]).
    pub fn spans(&self) -> impl Iterator<Item = Option<DaySpan>> + '_ {
        (0..self.seconds.len()).map(|row| self.span(row))
    }
}

/// A day or several in a row, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaySpan {
    /// The first day.
    pub first: i64,
    /// The last day, itself included.
    pub last: i64,
}

impl DaySpan {
    /// Whole calendar days from `planned` to this: 0 where they have a day in common, as a week that was planned is kept on any of its days.
    pub fn days_after(self, planned: Self) -> f64 {
        let days = if self.first > planned.last {
            self.first - planned.last
        } else if self.last < planned.first {
            self.last - planned.first
        } else {
            0
        };
        days as f64
    }
}

const CHUNK: usize = 1 << 14;
/// Excel's serial 0 in the usual system and in the system of 1904, in days since 1970.
const EPOCH_1900: i64 = -25_569;
const EPOCH_1904: i64 = -24_107;

/// Whether a trimmed text is a date in some order, or a month, quarter or week of a year.
pub(crate) fn looks_like_date(text: &str) -> bool {
    parse::parse(text).is_some_and(is_date)
}

/// Whether a trimmed text is a day in some order: no period, which is as often a name as a value (`January 2018` above a section or a column).
pub(crate) fn looks_like_day(text: &str) -> bool {
    parse::parse(text).is_some_and(|parsed| !parsed.is_period() && is_date(parsed))
}

/// Whether a text that is no date is a part of one: a month and a number (`Jan-18`), a day and a month (`05.01.`).
pub(crate) fn is_part_of_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '.', '/', ' ', '\'']).filter(|part| !part.is_empty()).collect();
    let [first, second] = parts[..] else { return false };
    let number = |part: &str| {
        part.parse::<u32>()
            .ok()
            .filter(|number| part.len() <= 2 && (1..=99).contains(number))
    };
    let month = |part: &str| words::month_of(part.as_bytes()).is_some();
    match (number(first), number(second)) {
        (Some(first), Some(second)) => (first <= 12 && second <= 31) || (first <= 31 && second <= 12),
        (Some(_), None) => month(second),
        (None, Some(_)) => month(first),
        (None, None) => false,
    }
}

fn is_date(parsed: Parsed) -> bool {
    match parsed.form {
        Form::Numbers {
            first,
            second,
            third,
            separator: _,
        } => [DateOrder::DayFirst, DateOrder::MonthFirst, DateOrder::YearFirst]
            .iter()
            .any(|order| order::resolve(first, second, third, parsed.short_year, *order).is_some()),
        _ => true,
    }
}

/// Whether a text is a date of zeros, which databases and spreadsheets show where there is none: `0000-00-00`, `00.00.0000`, `1900-01-00`, and the
/// `0:00:00` that Excel's day 0 is.
pub(crate) fn is_of_zeros(text: &str) -> bool {
    if matches!(text, "0:00" | "00:00" | "0:00:00" | "00:00:00") {
        return true;
    }
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    let parts: Vec<&str> = day.split(['-', '.', '/']).collect();
    let [first, second, third] = parts[..] else { return false };
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u32>().ok())?;
    match (number(first), number(second), number(third)) {
        (Some(0), Some(0), Some(0)) => true,
        // Excel's day 0, by locale.
        (Some(1900), Some(1), Some(0)) | (Some(0), Some(1), Some(1900)) | (Some(1), Some(0), Some(1900)) => true,
        _ => false,
    }
}

/// Whether a text is a day count of Excel from 1968 to 2105, which its cells of dates become where they lose their format.
pub(crate) fn is_day_count(text: &str) -> bool {
    text.len() >= 5
        && text.as_bytes()[0].is_ascii_digit()
        && text
            .replace(',', ".")
            .parse()
            .is_ok_and(|number: f64| (25_000.0..75_000.0).contains(&number))
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
    /// Seconds since 1970, and in which unit they were counted.
    Unix(i64, Tick),
    /// A number that counts the days of a year (`2018032`): seconds since 1970.
    DayOfYear(i64),
    /// Words in place of a date.
    Word,
    Unreadable,
}

fn item(cell: &CellView<'_>, epoch: i64) -> Item {
    match cell {
        CellView::Blank => Item::Missing,
        CellView::Error(_) => Item::Marked,
        CellView::Date(micros) => Item::Real(*micros),
        CellView::Bool(_) => Item::Unreadable,
        CellView::Integer(number) => bare_number(*number as f64, epoch),
        CellView::Number(number) if number.is_nan() => Item::Marked,
        CellView::Number(number) => bare_number(*number, epoch),
        CellView::Text(text) => {
            let text = trimmed(text);
            let text = text.strip_prefix('\'').unwrap_or(text);
            if text.is_empty() {
                return Item::Missing;
            }
            if is_of_zeros(text) {
                return Item::Marked;
            }
            if let Some(parsed) = parse::parse(text) {
                return Item::Text(parsed);
            }
            if is_missing_value(text) {
                return Item::Marked;
            }
            match text.as_bytes().first() {
                Some(b'0'..=b'9') => text.parse().map_or(Item::Unreadable, |number| bare_number(number, epoch)),
                _ if exceptions::is_exception(text) => Item::Word,
                _ => Item::Unreadable,
            }
        }
    }
}

pub(crate) fn items(column: &Column, height: usize, source: &Source) -> Vec<Item> {
    let epoch = if source.dates_from_1904 { EPOCH_1904 } else { EPOCH_1900 };
    let mut items: Vec<Item> = (0..height)
        .into_par_iter()
        .with_min_len(CHUNK)
        .map(|row| item(&column.get(row), epoch))
        .collect();
    ordinal::settle(column, &mut items);
    items
}

/// The dates of a column. See [`Table::date_column`].
pub(crate) fn dates(table: &Table, column: &Column, name: &str, order: Option<DateOrder>, notes: &mut Notes) -> Result<DateColumn> {
    if order.is_none()
        && let Some(parts) = table.by_file(name, |shown| shown.dates)?
    {
        return by_file::dates_of_files(&parts, name, table.height(), notes);
    }
    let items = items(column, table.height(), table.source());
    let orders = order::decide(table, name, &items, order, notes)?;
    let (mut mix, mut different) = (Mix::default(), Different::default());
    let (mut unreadable, mut unlikely) = (Vec::new(), Vec::new());
    let mut seconds = Vec::with_capacity(items.len());
    for (row, item) in items.iter().enumerate() {
        let moment = moment(item, &orders);
        match (moment, item) {
            (Some(moment), _) => {
                mix.values += 1;
                different.see(moment.div_euclid(86_400).cast_unsigned());
                if !LIKELY.contains(&moment) {
                    unlikely.push(row);
                }
            }
            (None, Item::Missing | Item::Marked) => {}
            (None, Item::Word) => {
                mix.exceptions += 1;
                unreadable.push(row);
            }
            (None, _) => {
                mix.others += 1;
                unreadable.push(row);
            }
        }
        seconds.push(moment);
    }
    mix.differ = different.enough();
    note_kinds(name, &items, table.source(), notes);
    note_unlikely(table, name, &unlikely, &mut seconds, mix.values, notes)?;
    note_placeholders(name, &mut seconds, notes);
    note_far(table, name, &mut seconds, notes);
    let filled = mix.values + unreadable.len();
    let mut exceptions = None;
    if unreadable.is_empty() {
    } else if mix.nearly_all_values() {
        note_unreadable(table, (column, name), &unreadable, ("unreadable-dates", "date"), notes);
    } else if mix.values_with_exceptions() {
        let words = unreadable
            .iter()
            .map(|row| (*row, column.get(*row).shown().unwrap_or_default().into_owned()));
        let texts = exceptions::collect(items.len(), words);
        exceptions::note(name, "date", &texts, filled, notes);
        exceptions = Some(texts);
    } else {
        return Err(unreadable_error(table, column, name, &unreadable, &items, filled, &orders));
    }
    let periods = items.iter().any(|item| matches!(item, Item::Text(parsed) if parsed.is_period()));
    let further_days = |item: &Item| match item {
        Item::Text(parsed) => parsed.further_days,
        _ => 0,
    };
    Ok(DateColumn {
        seconds,
        exceptions,
        further_days: periods.then(|| items.iter().map(further_days).collect()),
    })
}

/// Seconds since 1970 in local time as written.
fn moment(item: &Item, orders: &Orders) -> Option<i64> {
    match item {
        Item::Missing | Item::Marked | Item::Word | Item::Unreadable => None,
        Item::Real(micros) => {
            let seconds = micros.div_euclid(1_000_000);
            if orders.swapped { swap_seconds(seconds) } else { Some(seconds) }
        }
        Item::Serial(seconds) if orders.swapped => swap_seconds(*seconds),
        Item::Serial(seconds) | Item::Unix(seconds, _) | Item::DayOfYear(seconds) => Some(*seconds),
        Item::Text(parsed) => {
            let (year, month, day) = match parsed.form {
                Form::YearFirst { year, month, day } if orders.swapped && day <= 12 => (year, day, month),
                Form::Named { year, month, day } => match parsed.tongue {
                    Tongue::Either(croatian) if orders.croatian => (year, croatian, day),
                    _ => (year, month, day),
                },
                Form::YearFirst { year, month, day } => (year, month, day),
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

fn note_kinds(name: &str, items: &[Item], source: &Source, notes: &mut Notes) {
    let tell = |notes: &mut Notes, code, wanted: fn(&Item) -> bool, what, found, done| {
        let count = items.iter().filter(|item| wanted(item)).count();
        if count > 0 {
            notes.add(code, format!("{} of column `{name}` {found}", counted(count, what)), done);
        }
    };
    tell(
        notes,
        "missing-markers",
        |item| matches!(item, Item::Marked),
        "cell",
        "say `#N/A`, `NULL`, `NaN` or the like",
        "taken as missing",
    );
    let shown = if source.dates_from_1904 {
        "read as the date that Excel shows for it in this workbook, which counts from 1904"
    } else {
        "read as the date that Excel shows for it"
    };
    tell(
        notes,
        "serial-dates",
        |item| matches!(item, Item::Serial(_)),
        "cell",
        "hold Excel's day count instead of a date",
        shown,
    );
    tell(
        notes,
        "days-of-years",
        |item| matches!(item, Item::DayOfYear(_)),
        "number",
        "are a year and the day of that year",
        "read as that day: `2018032` and `118032` are 2018-02-01",
    );
    tell(
        notes,
        "years-of-taiwan",
        |item| matches!(item, Item::Text(parsed) if parsed.of_taiwan),
        "date",
        "have a year of three digits",
        "read by the calendar of Taiwan, whose year 107 is 2018",
    );
    for tick in Tick::ALL {
        let unix = items
            .iter()
            .filter(|item| matches!(item, Item::Unix(_, own) if *own == tick))
            .count();
        if unix > 0 {
            notes.add(
                "unix-dates",
                format!(
                    "{} of column `{name}` count {} since {}",
                    counted(unix, "cell"),
                    tick.name(),
                    tick.since()
                ),
                "read as dates and times in UTC",
            );
        }
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
    tell(
        notes,
        "periods",
        |item| matches!(item, Item::Text(parsed) if parsed.is_period()),
        "cell",
        "name a month, quarter or week",
        "read as its first day; a label that compares dates counts any of its days as on time",
    );
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

/// The order of day and month that a column shows for certain; `None` where it shows none or both.
pub(crate) fn date_order(table: &Table, column: &Column, name: &str) -> Option<DateOrder> {
    if table.by_file(name, |shown| shown.dates).is_ok_and(|parts| parts.is_some()) {
        return None;
    }
    table
        .source()
        .stated
        .dates
        .or_else(|| order::evident(&items(column, table.height(), table.source())))
}
