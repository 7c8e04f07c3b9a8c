//! One text as a date: its parts, and whether day and month are told apart by the form.

use super::clock::time;
use super::reader::Reader;
use super::words::{MonthName, Tongue, folded, is_link, is_weekday, month_of};
use super::{ordinal, periods, rearranged};
use crate::tables::digits::ascii;

/// Years of Taiwan's calendar that are written with three digits alone: 2011 to 2099.
const OF_TAIWAN: std::ops::RangeInclusive<u32> = 100..=188;
/// The year before the first of that calendar.
const BEFORE_TAIWANS_FIRST: u32 = 1911;
/// Longer texts are taken for no dates.
const MAX_BYTES: usize = 96;

/// A text that is a date, before the order of day and month is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) form: Form,
    /// Seconds since midnight, as written.
    pub(crate) seconds: u32,
    /// Minutes east of UTC, where the text names a zone; the time is kept as written.
    pub(crate) zone: Option<i16>,
    /// The year had two digits.
    pub(crate) short_year: bool,
    /// What the name of the month says of its language.
    pub(crate) tongue: Tongue,
    /// Days of a month, quarter or week beyond its first, as which it is read; 0 for a day.
    pub(crate) further_days: u16,
    /// The year has three digits and counts from 1911.
    pub(crate) of_taiwan: bool,
}

impl Parsed {
    /// Whether the text names a month, quarter or week.
    pub(crate) fn is_period(&self) -> bool {
        self.further_days > 0
    }
}

/// How the day is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Year first with four digits, or compact: only one reading.
    YearFirst { year: i32, month: u32, day: u32 },
    /// The month as a word.
    Named { year: i32, month: u32, day: u32 },
    /// Two numbers and a year (`3/2/2018`), or three numbers of two digits at most.
    Numbers {
        first: u32,
        second: u32,
        third: i32,
        separator: u8,
    },
}

/// Days since 1970-01-01 of a date of the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date algorithms").
pub(crate) fn days_from_civil(year: i32, month: u32, day: u32) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month, day of days since 1970-01-01.
pub(crate) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Whether the calendar has this day.
pub(crate) fn is_day(year: i32, month: u32, day: u32) -> bool {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=last).contains(&day) && (1..=9999).contains(&year)
}

/// Two digits of a year: up to 68 is 20xx, from 69 is 19xx (POSIX).
fn full_year(short: i32) -> i32 {
    if short <= 68 { 2000 + short } else { 1900 + short }
}

/// The third number of a date as a year.
pub(crate) fn year_of(number: i32, short: bool) -> i32 {
    if short { full_year(number) } else { number }
}

/// Reads a trimmed text as a date with an optional time and zone; `None` where it is none.
pub(crate) fn parse(text: &str) -> Option<Parsed> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let text = ascii(text);
    if let Some(parsed) = compact(text.as_bytes()) {
        return Some(parsed);
    }
    day_and_time(&text)
        .or_else(|| day_and_time(&rearranged::text(&text)?))
        .or_else(|| periods::period(&text))
}

/// A day with an optional time and zone behind it.
fn day_and_time(text: &str) -> Option<Parsed> {
    let mut reader = Reader { rest: text.as_bytes() };
    let first = reader.peek()?;
    let day = if first.is_ascii_digit() {
        digits_first(&mut reader)?
    } else if first.is_ascii_alphabetic() || first >= 0x80 {
        word_first(&mut reader)?
    } else {
        return None;
    };
    let valid = match day.form {
        Form::YearFirst { year, month, day } | Form::Named { year, month, day } => is_day(year, month, day),
        Form::Numbers { first, second, .. } => first <= 99 && second <= 31,
    };
    if !valid {
        return None;
    }
    let (seconds, zone) = time(&mut reader)?;
    Some(Parsed {
        form: day.form,
        seconds,
        zone,
        short_year: day.short_year,
        tongue: day.tongue,
        further_days: 0,
        of_taiwan: day.of_taiwan,
    })
}

/// `20180131225600` and `201801312256`.
fn compact(text: &[u8]) -> Option<Parsed> {
    if !matches!(text.len(), 12 | 14) || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let part = |from: usize, to: usize| text[from..to].iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    let (year, month, day) = (part(0, 4) as i32, part(4, 6), part(6, 8));
    let (hour, minute) = (part(8, 10), part(10, 12));
    let second = if text.len() == 14 { part(12, 14) } else { 0 };
    let fits = (1950..2100).contains(&year) && is_day(year, month, day) && hour < 24 && minute < 60 && second < 60;
    fits.then(|| Parsed {
        form: Form::YearFirst { year, month, day },
        seconds: hour * 3600 + minute * 60 + second,
        zone: None,
        short_year: false,
        tongue: Tongue::Unknown,
        further_days: 0,
        of_taiwan: false,
    })
}

/// The day of a date before its time.
struct Day {
    form: Form,
    short_year: bool,
    tongue: Tongue,
    of_taiwan: bool,
}

impl Day {
    fn year_first(year: u32, month: u32, day: u32) -> Self {
        let year = year as i32;
        Self {
            form: Form::YearFirst { year, month, day },
            short_year: false,
            tongue: Tongue::Unknown,
            of_taiwan: false,
        }
    }

    fn named((number, short_year): (i32, bool), name: MonthName, day: u32) -> Self {
        Self {
            form: Form::Named {
                year: year_of(number, short_year),
                month: name.month,
                day,
            },
            short_year,
            tongue: name.tongue,
            of_taiwan: false,
        }
    }
}

fn digits_first(reader: &mut Reader<'_>) -> Option<Day> {
    let (first, length) = reader.number()?;
    if matches!(length, 2 | 4) && reader.skip_text(&["\u{5e74}", "\u{b144}"]) {
        return east_asian(reader, first, length == 2);
    }
    match (length, reader.peek()) {
        (8, _) => Some(Day::year_first(first / 10_000, first / 100 % 100, first % 100)),
        (4, Some(b'W' | b'w')) => week(reader, first),
        (4, Some(b'-')) if matches!(reader.rest.get(1), Some(b'W' | b'w')) => {
            reader.skip(b'-');
            week(reader, first)
        }
        (4, Some(b' ')) => {
            reader.blanks();
            named_after_year(reader, first, b' ')
        }
        (4, Some(separator @ (b'-' | b'/' | b'.'))) => {
            reader.skip(separator);
            let spaced = separator == b'.' && reader.blanks();
            let next = reader.peek()?;
            if next.is_ascii_alphabetic() || next >= 0x80 {
                return named_after_year(reader, first, separator);
            }
            let (month, length) = reader.number()?;
            if length == 3 && separator == b'-' {
                let (year, month, day) = ordinal::parsed(i64::from(first), month)?;
                return Some(Day::year_first(year, month, day));
            }
            if length > 2 || !reader.skip(separator) {
                return None;
            }
            if spaced {
                reader.blanks();
            }
            let day = reader.short_number()?;
            Some(Day::year_first(first, month, day))
        }
        // With hyphens or points it is as often a place in a warehouse or a version.
        (3, Some(b'/')) if OF_TAIWAN.contains(&first) => {
            reader.skip(b'/');
            let month = reader.short_number()?;
            if !reader.skip(b'/') {
                return None;
            }
            let day = reader.short_number()?;
            let mut found = Day::year_first(first + BEFORE_TAIWANS_FIRST, month, day);
            found.of_taiwan = true;
            Some(found)
        }
        (1 | 2, Some(_)) => day_or_month_first(reader, first),
        _ => None,
    }
}

/// `2018-Jan-31`, `2018. janu\u{e1}r 31.`
fn named_after_year(reader: &mut Reader<'_>, year: u32, separator: u8) -> Option<Day> {
    let month = month_of(reader.word())?;
    let _ = reader.skip(separator) || reader.skip(b'.');
    reader.blanks();
    let day = reader.short_number()?;
    Some(Day::named((year as i32, false), month, day))
}

/// `2018\u{5e74}1\u{6708}31\u{65e5}` behind the sign for the year, and the same in Korean.
fn east_asian(reader: &mut Reader<'_>, year: u32, short: bool) -> Option<Day> {
    reader.blanks();
    let month = reader.short_number()?;
    if !reader.skip_text(&["\u{6708}", "\u{c6d4}"]) {
        return None;
    }
    reader.blanks();
    let day = reader.short_number()?;
    let _ = reader.skip_text(&["\u{65e5}", "\u{53f7}", "\u{865f}", "\u{c77c}"]);
    let mut found = Day::year_first(year_of(year as i32, short) as u32, month, day);
    found.short_year = short;
    Some(found)
}

/// `2018-W05-3` and `2018W053` (ISO 8601): week 1 holds 4 January, day 1 is Monday.
fn week(reader: &mut Reader<'_>, year: u32) -> Option<Day> {
    let _ = reader.skip_any(b"Ww");
    let (number, length) = reader.number()?;
    let (week, day) = match length {
        2 if reader.skip(b'-') => (number, reader.number().filter(|(_, length)| *length == 1)?.0),
        3 => (number / 10, number % 10),
        _ => return None,
    };
    if !(1..=53).contains(&week) || !(1..=7).contains(&day) || !(1..=9999).contains(&year) {
        return None;
    }
    let fourth = days_from_civil(year as i32, 1, 4);
    let monday = fourth - (fourth + 3).rem_euclid(7);
    let (year, month, day) = civil_from_days(monday + i64::from(week - 1) * 7 + i64::from(day) - 1);
    Some(Day::year_first(u32::try_from(year).ok()?, month, day))
}

/// `31/01/2018`, `31.1.18`, `31. 1. 2018`, `31-Jan-2018`, `31. January 2018`, `31st Jan 2018`, `31 de enero de 2018`.
fn day_or_month_first(reader: &mut Reader<'_>, first: u32) -> Option<Day> {
    let separator = reader.peek()?;
    let behind = reader.rest[1..].iter().find(|byte| **byte != b' ' || separator != b'.');
    if matches!(separator, b'/' | b'-' | b'.') && behind.is_some_and(u8::is_ascii_digit) {
        reader.skip(separator);
        let spaced = reader.blanks();
        let second = reader.short_number()?;
        if !reader.skip(separator) {
            return None;
        }
        if spaced {
            reader.blanks();
        }
        let (third, short_year) = year(reader)?;
        return Some(Day {
            form: Form::Numbers {
                first,
                second,
                third,
                separator,
            },
            short_year,
            tongue: Tongue::Unknown,
            of_taiwan: false,
        });
    }
    ordinal(reader);
    let _ = reader.skip_any(b".-/");
    reader.blanks();
    // The numeral of May is a word of Czech and Russian, too.
    let mut ahead = Reader { rest: reader.rest };
    let month = if let Some(month) = roman(ahead.word()) {
        reader.rest = ahead.rest;
        month
    } else {
        month_by_name(reader)?
    };
    let _ = reader.skip(b'.');
    let _ = reader.skip_any(b",-/");
    reader.blanks();
    reader.links();
    let _ = reader.skip(b'\'');
    let year = year(reader)?;
    Some(Day::named(year, month, first))
}

/// The month behind a day, as a word or counted.
fn month_by_name(reader: &mut Reader<'_>) -> Option<MonthName> {
    reader.links();
    let before = reader.rest;
    if is_month_sign(reader.word()) {
        reader.blanks();
        let month = reader.short_number().filter(|month| (1..=12).contains(month))?;
        return Some(MonthName {
            month,
            tongue: Tongue::Unknown,
        });
    }
    reader.rest = before;
    month_of(reader.word())
}

/// Months in Roman numerals, as Polish and Hungarian have them: `31.XII.2018`.
fn roman(word: &[u8]) -> Option<MonthName> {
    const NUMERALS: [&[u8]; 12] = [b"I", b"II", b"III", b"IV", b"V", b"VI", b"VII", b"VIII", b"IX", b"X", b"XI", b"XII"];
    let month = (1..).zip(NUMERALS).find(|(_, numeral)| *numeral == word)?.0;
    Some(MonthName {
        month,
        tongue: Tongue::Unknown,
    })
}

/// Vietnamese counts its months: `31 th\u{e1}ng 1 2018`.
fn is_month_sign(word: &[u8]) -> bool {
    std::str::from_utf8(word).is_ok_and(|word| matches!(folded(word).as_str(), "thang" | "thg"))
}

/// Passes over the end of an ordinal number: `31st`, `1er`, `1\u{ba}`, `31-\u{433}\u{43e}`.
fn ordinal(reader: &mut Reader<'_>) {
    const ENDS: &[&str] = &[
        "st",
        "nd",
        "rd",
        "th",
        "er",
        "re",
        "ST",
        "ND",
        "RD",
        "TH",
        "St",
        "Nd",
        "Rd",
        "Th",
        ".\u{ba}",
        "\u{ba}",
        "\u{aa}",
        "\u{b0}",
        "-\u{433}\u{43e}",
        "-\u{435}",
        "\u{433}\u{43e}",
        "e",
        ":e",
        ":a",
    ];
    let before = reader.rest;
    if reader.skip_text(ENDS) && reader.peek().is_some_and(|byte| byte.is_ascii_alphabetic() || byte >= 0x80) {
        reader.rest = before;
    }
}

/// `Jan 31 2018`, `January 31st, 2018`, `Wed, 31 Jan 2018`, `Wednesday 2018-01-31`.
fn word_first(reader: &mut Reader<'_>) -> Option<Day> {
    let before = reader.rest;
    let word = reader.word();
    if let Some(month) = month_of(word)
        && let Some(found) = month_first(reader, month)
    {
        return Some(found);
    }
    // `mar. 31 janv. 2018`: a Tuesday in French, a month in English.
    reader.rest = before;
    let word = reader.word();
    if let Some(before) = era(word) {
        let year = if reader.skip_text(&["\u{5143}"]) {
            1
        } else {
            reader.short_or_three()?
        };
        let _ = reader.skip_text(&["\u{5e74}"]);
        return east_asian(reader, before + year, false);
    }
    // A single letter is a version or an era (`R4.10.19`), no word of a date.
    // The letters of Hungarian days stand apart.
    let apart = word.len() > 1 || matches!(reader.peek(), Some(b'.' | b',' | b' '));
    if !(apart && is_weekday(word) || is_link(word) && word.len() > 1) {
        return None;
    }
    // Portuguese: `quarta-feira`.
    let _ = reader.skip_text(&["-feira"]);
    let _ = reader.skip(b'.');
    let _ = reader.skip(b',');
    reader.blanks();
    reader.links();
    match reader.peek()? {
        byte if byte.is_ascii_digit() => digits_first(reader),
        _ => {
            let month = month_of(reader.word())?;
            month_first(reader, month)
        }
    }
}

/// The year before the first of an era of Japan, or of the calendar of Taiwan.
fn era(word: &[u8]) -> Option<u32> {
    let word = std::str::from_utf8(word).ok()?;
    let eras = [
        ("\u{4ee4}\u{548c}", 2018),
        ("\u{5e73}\u{6210}", 1988),
        ("\u{662d}\u{548c}", 1925),
        ("\u{6c11}\u{570b}", BEFORE_TAIWANS_FIRST),
        ("\u{6c11}\u{56fd}", BEFORE_TAIWANS_FIRST),
    ];
    eras.into_iter().find(|(name, _)| *name == word).map(|(_, before)| before)
}

fn month_first(reader: &mut Reader<'_>, month: MonthName) -> Option<Day> {
    let _ = reader.skip_any(b".-/");
    reader.blanks();
    let day = reader.short_number()?;
    let next = reader.peek()?;
    if next.is_ascii_alphabetic() || next >= 0x80 {
        ordinal(reader);
    }
    let separated = reader.skip_any(b",-/.");
    if !(reader.blanks() || separated) {
        return None;
    }
    reader.links();
    let _ = reader.skip(b'\'');
    let (number, length) = reader.number()?;
    // `Jan 31 10:22` names no year: two digits followed by a colon are an hour.
    if !matches!(length, 2 | 4) || reader.peek() == Some(b':') {
        return None;
    }
    Some(Day::named((number as i32, length == 2), month, day))
}

fn year(reader: &mut Reader<'_>) -> Option<(i32, bool)> {
    let (number, length) = reader.number()?;
    match length {
        4 => Some((number as i32, false)),
        2 => Some((number as i32, true)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
