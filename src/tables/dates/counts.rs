//! Numbers where dates are wanted: days of Excel, counts since 1970 or the year 1, dates without marks between their numbers.

use super::Item;
use super::parse::{self, Form, Parsed};
use super::words::Tongue;

/// What a bare number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tick {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
    /// Of .NET: 100 nanoseconds, since the year 1.
    Hundreds,
}

impl Tick {
    pub(super) const ALL: [Self; 5] = [
        Self::Seconds,
        Self::Milliseconds,
        Self::Microseconds,
        Self::Nanoseconds,
        Self::Hundreds,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Microseconds => "microseconds",
            Self::Nanoseconds => "nanoseconds",
            Self::Hundreds => "units of 100 nanoseconds",
        }
    }

    pub(super) fn since(self) -> &'static str {
        match self {
            Self::Hundreds => "the year 1, as .NET does",
            _ => "1970",
        }
    }
}

/// What .NET counts at the beginning of some years: units of 100 nanoseconds since the year 1.
const DOTNET_1970: f64 = 621_355_968_000_000_000.0;
const DOTNET_2000: f64 = 630_822_816_000_000_000.0;
const DOTNET_2060: f64 = 649_756_512_000_000_000.0;

/// A number where a date is wanted: `20180131`, Excel's day count (1928 to 2173), or a count since 1970, whose size tells the unit:
/// seconds from 1973 to 5138, thousand times as many milliseconds, and so on.
pub(super) fn bare_number(number: f64, epoch: i64) -> Item {
    let whole = number.fract() == 0.0;
    if number == 0.0 {
        return Item::Marked;
    }
    if let Some(parsed) = run_together(number).filter(|_| whole) {
        return Item::Text(parsed);
    }
    if (10_300.0..100_000.0).contains(&number) {
        let seconds = (number * 86_400.0).round() as i64;
        return Item::Serial(epoch * 86_400 + seconds);
    }
    let written_out = [1e7, 1.9e11, 1.9e13].into_iter().zip([1e8, 2.2e11, 2.2e13]);
    if whole && written_out.into_iter().any(|(low, high)| (low..high).contains(&number)) {
        if let Some(parsed) = parse::parse(&format!("{number}")) {
            return Item::Text(parsed);
        }
        if number < 1e8 {
            return Item::Unreadable;
        }
    }
    // From 2000 to 2060; nanoseconds since 1970 would be a few months of 1990.
    if whole && (DOTNET_2000..DOTNET_2060).contains(&number) {
        return Item::Unix(((number - DOTNET_1970) / 1e7).floor() as i64, Tick::Hundreds);
    }
    let ticks = [
        (1e8, 1.0, Tick::Seconds),
        (1e11, 1e3, Tick::Milliseconds),
        (1e14, 1e6, Tick::Microseconds),
        (1e17, 1e9, Tick::Nanoseconds),
    ];
    ticks
        .into_iter()
        .find(|(least, _, _)| (*least..least * 1e3).contains(&number))
        .map_or(Item::Unreadable, |(_, per_second, tick)| {
            Item::Unix((number / per_second).floor() as i64, tick)
        })
}

/// Dates without marks between their numbers, the year last or of two digits: `31012018` (as a number without its first zero), `180131`, `310118`.
pub(crate) fn run_together(number: f64) -> Option<Parsed> {
    if !(100_000.0..32_000_000.0).contains(&number) {
        return None;
    }
    let number = number as u32;
    let short = number < 1_000_000;
    let (rest, third) = if short {
        (number / 100, number % 100)
    } else {
        (number / 10_000, number % 10_000)
    };
    let (first, second) = (rest / 100, rest % 100);
    let fits = if short {
        (1..=31).contains(&second)
    } else {
        (1950..2100).contains(&third) && (1..=31).contains(&first) && (1..=31).contains(&second)
    };
    fits.then_some(Parsed {
        form: Form::Numbers {
            first,
            second,
            third: third as i32,
            separator: b'/',
        },
        seconds: 0,
        zone: None,
        short_year: short,
        tongue: Tongue::Unknown,
        further_days: 0,
        of_taiwan: false,
    })
}
