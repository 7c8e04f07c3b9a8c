//! The functions of a formula, one list.

use chrono::{DateTime, Datelike, Timelike};

/// A function of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    /// Without sign.
    Abs,
    /// To whole numbers, or to a number of decimals.
    Round,
    /// Small letters.
    Lower,
    /// Capital letters.
    Upper,
    /// Number of letters.
    Length,
    /// Year of a date.
    Year,
    /// Month of a date, 1 to 12.
    Month,
    /// Day of the month, 1 to 31.
    Day,
    /// Day of the week, 1 (Monday) to 7.
    Weekday,
    /// Hour of a date, 0 to 23.
    Hour,
    /// The first that is not blank.
    Coalesce,
    /// The smallest.
    Least,
    /// The largest.
    Greatest,
}

/// Name, function, and how many values it takes at least and at most.
const FUNCTIONS: &[(&str, Function, usize, usize)] = &[
    ("abs", Function::Abs, 1, 1),
    ("round", Function::Round, 1, 2),
    ("lower", Function::Lower, 1, 1),
    ("upper", Function::Upper, 1, 1),
    ("length", Function::Length, 1, 1),
    ("year", Function::Year, 1, 1),
    ("month", Function::Month, 1, 1),
    ("day", Function::Day, 1, 1),
    ("weekday", Function::Weekday, 1, 1),
    ("hour", Function::Hour, 1, 1),
    ("coalesce", Function::Coalesce, 2, 20),
    ("least", Function::Least, 2, 20),
    ("greatest", Function::Greatest, 2, 20),
];

impl Function {
    /// The function of this name.
    pub fn of(word: &str) -> Option<Self> {
        FUNCTIONS
            .iter()
            .find(|(name, ..)| word.eq_ignore_ascii_case(name))
            .map(|(_, function, ..)| *function)
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        FUNCTIONS
            .iter()
            .find(|(_, function, ..)| *function == self)
            .map_or("", |(name, ..)| name)
    }

    /// How many values it takes.
    pub fn takes(self) -> std::ops::RangeInclusive<usize> {
        let (least, most) = FUNCTIONS
            .iter()
            .find(|(_, function, ..)| *function == self)
            .map_or((1, 1), |(_, _, least, most)| (*least, *most));
        least..=most
    }

    /// All names, for messages.
    pub fn names() -> String {
        let names: Vec<&str> = FUNCTIONS.iter().map(|(name, ..)| *name).chain(["if"]).collect();
        names.join(", ")
    }
}

/// A part of a moment (seconds since 1970-01-01).
pub(super) fn part(function: Function, seconds: i64) -> Option<f64> {
    let moment = DateTime::from_timestamp(seconds, 0)?;
    Some(match function {
        Function::Year => f64::from(moment.year()),
        Function::Month => f64::from(moment.month()),
        Function::Day => f64::from(moment.day()),
        Function::Weekday => f64::from(moment.weekday().number_from_monday()),
        Function::Hour => f64::from(moment.hour()),
        _ => return None,
    })
}
