//! Months, quarters and weeks of a year: `2018-01`, `01/2018`, `January 2018`, `Q1 2018`, `2018-W05`. A period is read as its first day and knows its length.

use super::parse::{Form, Parsed, civil_from_days, days_from_civil};
use super::words::{Tongue, month_of};

/// Longer texts are no periods.
const MAX_BYTES: usize = 32;
const QUARTERS: &[&str] = &["q", "qtr", "quarter", "quartal", "kwartaal", "kvartal", "trimestre", "trimester"];
const WEEKS: &[&str] = &[
    "w",
    "wk",
    "week",
    "kw",
    "cw",
    "woche",
    "kalenderwoche",
    "semaine",
    "semana",
    "settimana",
    "uge",
    "uke",
    "vecka",
];

/// A run of digits or of letters.
enum Part<'a> {
    Number(i32, usize),
    Word(&'a str),
}

/// Reads a period; `None` where the text is none.
pub(super) fn period(text: &str) -> Option<Parsed> {
    let parts = parts(text)?;
    let (year, month, day, tongue, further) = match parts[..] {
        [Part::Number(year, 4), Part::Number(month, 1 | 2)] | [Part::Number(month, 1 | 2), Part::Number(year, 4)]
            if text.contains(['-', '/']) =>
        {
            (year, month, 1, Tongue::Unknown, Further::Months(1))
        }
        [Part::Number(year, 4), Part::Word(word)] | [Part::Word(word), Part::Number(year, 4)] => {
            let month = month_of(word.as_bytes())?;
            (year, month.month as i32, 1, month.tongue, Further::Months(1))
        }
        [Part::Word(word), Part::Number(number, 1 | 2), Part::Number(year, 4)]
        | [Part::Number(year, 4), Part::Word(word), Part::Number(number, 1 | 2)]
        | [Part::Number(number, 1 | 2), Part::Word(word), Part::Number(year, 4)] => of_word(word, number, year)?,
        _ => return None,
    };
    let fits = (1950..2100).contains(&year) && (1..=12).contains(&month);
    let further_days = match further {
        Further::Days(days) => days,
        Further::Months(months) if fits => days_of_months(year, month, months) - 1,
        Further::Months(_) => 0,
    };
    fits.then_some(Parsed {
        form: Form::Named {
            year,
            month: month as u32,
            day,
        },
        seconds: 0,
        zone: None,
        short_year: false,
        tongue,
        further_days,
        of_taiwan: false,
    })
}

/// How far a period reaches from its first day.
enum Further {
    /// Days beyond the first.
    Days(u16),
    Months(i32),
}

/// The days of a number of months from the given one on (1 to 12); the last of them is at most December.
fn days_of_months(year: i32, month: i32, months: i32) -> u16 {
    let after = month + months;
    let (next_year, next) = if after > 12 { (year + 1, after - 12) } else { (year, after) };
    (days_from_civil(next_year, next as u32, 1) - days_from_civil(year, month as u32, 1)) as u16
}

/// The first day of a quarter or week, as year, month and day, and how far it reaches.
fn of_word(word: &str, number: i32, year: i32) -> Option<(i32, i32, u32, Tongue, Further)> {
    let word = word.to_lowercase();
    if QUARTERS.contains(&word.as_str()) && (1..=4).contains(&number) {
        return Some((year, 3 * number - 2, 1, Tongue::Unknown, Further::Months(3)));
    }
    if !WEEKS.contains(&word.as_str()) || !(1..=53).contains(&number) || !(1950..2100).contains(&year) {
        return None;
    }
    // ISO 8601: week 1 holds 4 January.
    let fourth = days_from_civil(year, 1, 4);
    let monday = fourth - (fourth + 3).rem_euclid(7) + i64::from(number - 1) * 7;
    let (year, month, day) = civil_from_days(monday);
    Some((i32::try_from(year).ok()?, month as i32, day, Tongue::Unknown, Further::Days(6)))
}

/// The parts of a text; blanks, hyphens, slashes and points between them are left out.
fn parts(text: &str) -> Option<Vec<Part<'_>>> {
    if text.len() > MAX_BYTES || text.len() < 6 || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest
            .find(|c: char| if digits { !c.is_ascii_digit() } else { !c.is_alphabetic() })
            .unwrap_or(rest.len());
        if end == 0 {
            if !matches!(first, ' ' | '-' | '/' | '.' | ',') || found.is_empty() {
                return None;
            }
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (part, behind) = rest.split_at(end);
        found.push(if digits {
            Part::Number(part.parse().ok()?, part.len())
        } else {
            Part::Word(part)
        });
        rest = behind;
        if found.len() > 3 {
            return None;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_their_first_day() {
        let day = |text: &str| match period(text).map(|parsed| parsed.form) {
            Some(Form::Named { year, month, day }) => Some((year, month, day)),
            _ => None,
        };
        for (text, first) in [
            ("2018-02", (2018, 2, 1)),
            ("2018/2", (2018, 2, 1)),
            ("02/2018", (2018, 2, 1)),
            ("Feb 2018", (2018, 2, 1)),
            ("Februar 2018", (2018, 2, 1)),
            ("2018 f\u{e9}vrier", (2018, 2, 1)),
            ("Feb-2018", (2018, 2, 1)),
            ("Q2 2018", (2018, 4, 1)),
            ("2018-Q2", (2018, 4, 1)),
            ("2018Q2", (2018, 4, 1)),
            ("2. Quartal 2018", (2018, 4, 1)),
            ("2018-W05", (2018, 1, 29)),
            ("KW 05/2018", (2018, 1, 29)),
            ("2019 week 1", (2018, 12, 31)),
        ] {
            assert_eq!(day(text), Some(first), "{text}");
        }
        let further = |text: &str| period(text).map(|parsed| parsed.further_days);
        for (text, days) in [
            ("2018-02", 27),
            ("2016-02", 28),
            ("12/2018", 30),
            ("Q4 2018", 91),
            ("Q1 2018", 89),
            ("2018-W05", 6),
        ] {
            assert_eq!(further(text), Some(days), "{text}");
        }
        for text in [
            "2018",
            "13/2018",
            "2018-13",
            "Market 2018",
            "Q5 2018",
            "W54 2018",
            "2/18",
            "Feb 18",
            "10.2018",
            "1/2/2018",
            "-02/2018",
            "",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
