//! One text as a date: its parts, and whether day and month are told apart by the form.

use super::words::{ZONES, is_weekday, month_of};

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

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn skip(&mut self, byte: u8) -> bool {
        if self.peek() == Some(byte) {
            self.rest = &self.rest[1..];
            true
        } else {
            false
        }
    }

    fn blanks(&mut self) -> bool {
        let mut any = false;
        loop {
            if self.skip(b' ') || self.skip(b'\t') {
                any = true;
            } else if let Some(rest) = ["\u{a0}", "\u{202f}"]
                .iter()
                .find_map(|blank| self.rest.strip_prefix(blank.as_bytes()))
            {
                // Excel's newer versions put a narrow no-break blank before AM and PM.
                self.rest = rest;
                any = true;
            } else {
                return any;
            }
        }
    }

    /// A run of digits: value and length, nine at most.
    fn number(&mut self) -> Option<(u32, usize)> {
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 || length > 9 {
            return None;
        }
        let value = self.rest[..length]
            .iter()
            .fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
        self.rest = &self.rest[length..];
        Some((value, length))
    }

    /// A run of letters (all of UTF-8 beyond ASCII counts as letters, except blanks).
    fn word(&mut self) -> &'a [u8] {
        let length = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80)
            .count();
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        word
    }
}

/// Reads a trimmed text as a date with an optional time and zone; `None` where it is none.
pub(crate) fn parse(text: &str) -> Option<Parsed> {
    if text.len() > 64 {
        return None;
    }
    let mut reader = Reader { rest: text.as_bytes() };
    let first = reader.peek()?;
    let (form, short_year) = if first.is_ascii_digit() {
        digits_first(&mut reader)?
    } else if first.is_ascii_alphabetic() || first >= 0x80 {
        word_first(&mut reader)?
    } else {
        return None;
    };
    let valid = match form {
        Form::YearFirst { year, month, day } | Form::Named { year, month, day } => is_day(year, month, day),
        Form::Numbers { first, second, .. } => first <= 99 && second <= 31,
    };
    if !valid {
        return None;
    }
    let (seconds, zone) = time(&mut reader)?;
    Some(Parsed {
        form,
        seconds,
        zone,
        short_year,
    })
}

fn digits_first(reader: &mut Reader<'_>) -> Option<(Form, bool)> {
    let (first, length) = reader.number()?;
    match (length, reader.peek()) {
        (8, _) => {
            let form = Form::YearFirst {
                year: (first / 10_000) as i32,
                month: first / 100 % 100,
                day: first % 100,
            };
            Some((form, false))
        }
        (4, Some(separator @ (b'-' | b'/' | b'.'))) => {
            reader.skip(separator);
            if reader.peek()?.is_ascii_alphabetic() {
                let month = month_of(reader.word())?;
                reader.skip(separator);
                let (day, _) = reader.number()?;
                return Some((
                    Form::Named {
                        year: first as i32,
                        month,
                        day,
                    },
                    false,
                ));
            }
            let (month, month_length) = reader.number()?;
            if month_length > 2 || !reader.skip(separator) {
                return None;
            }
            let (day, day_length) = reader.number()?;
            let form = Form::YearFirst {
                year: first as i32,
                month,
                day,
            };
            (day_length <= 2).then_some((form, false))
        }
        (1 | 2, Some(_)) => day_or_month_first(reader, first),
        _ => None,
    }
}

/// `31/01/2018`, `31.1.18`, `31-Jan-2018`, `31. January 2018`, `31st Jan 2018`.
fn day_or_month_first(reader: &mut Reader<'_>, first: u32) -> Option<(Form, bool)> {
    let separator = reader.peek()?;
    if matches!(separator, b'/' | b'-' | b'.') && reader.rest.get(1).is_some_and(u8::is_ascii_digit) {
        reader.skip(separator);
        let (second, second_length) = reader.number()?;
        if second_length > 2 || !reader.skip(separator) {
            return None;
        }
        let (third, short_year) = year(reader)?;
        return Some((
            Form::Numbers {
                first,
                second,
                third,
                separator,
            },
            short_year,
        ));
    }
    if separator.is_ascii_alphabetic() {
        let ordinal = reader
            .rest
            .get(..2)
            .is_some_and(|two| [b"st", b"nd", b"rd", b"th"].iter().any(|end| two.eq_ignore_ascii_case(*end)));
        if ordinal && !reader.rest.get(2).is_some_and(u8::is_ascii_alphabetic) {
            reader.rest = &reader.rest[2..];
        }
    }
    let _ = reader.skip(b'.') || reader.skip(b'-') || reader.skip(b'/');
    reader.blanks();
    let month = month_of(reader.word())?;
    let _ = reader.skip(b'.') || reader.skip(b',') || reader.skip(b'-') || reader.skip(b'/');
    reader.blanks();
    let (number, short_year) = year(reader)?;
    Some((
        Form::Named {
            year: year_of(number, short_year),
            month,
            day: first,
        },
        short_year,
    ))
}

/// `Jan 31 2018`, `January 31st, 2018`, `Wed, 31 Jan 2018`, `Wednesday 2018-01-31`.
fn word_first(reader: &mut Reader<'_>) -> Option<(Form, bool)> {
    let word = reader.word();
    let Some(month) = month_of(word) else {
        if !is_weekday(word) {
            return None;
        }
        let _ = reader.skip(b'.') || reader.skip(b',');
        let _ = reader.skip(b',');
        reader.blanks();
        return match reader.peek()? {
            byte if byte.is_ascii_digit() => digits_first(reader),
            _ => {
                let month = month_of(reader.word())?;
                month_first(reader, month)
            }
        };
    };
    month_first(reader, month)
}

fn month_first(reader: &mut Reader<'_>, month: u32) -> Option<(Form, bool)> {
    let _ = reader.skip(b'.') || reader.skip(b'-') || reader.skip(b'/');
    reader.blanks();
    let (day, length) = reader.number()?;
    if length > 2 {
        return None;
    }
    if reader.peek()?.is_ascii_alphabetic() {
        let ordinal = reader.word();
        if ![b"st", b"nd", b"rd", b"th"].iter().any(|end| ordinal.eq_ignore_ascii_case(*end)) {
            return None;
        }
    }
    let separated = reader.skip(b',') || reader.skip(b'-') || reader.skip(b'/');
    if !(reader.blanks() || separated) {
        return None;
    }
    let (number, length) = reader.number()?;
    // `Jan 31 10:22` names no year: two digits followed by a colon are an hour.
    if !matches!(length, 2 | 4) || reader.peek() == Some(b':') {
        return None;
    }
    let short_year = length == 2;
    Some((
        Form::Named {
            year: year_of(number as i32, short_year),
            month,
            day,
        },
        short_year,
    ))
}

fn year(reader: &mut Reader<'_>) -> Option<(i32, bool)> {
    let (number, length) = reader.number()?;
    match length {
        4 => Some((number as i32, false)),
        2 => Some((number as i32, true)),
        _ => None,
    }
}

/// The rest of a date: nothing, or a time with an optional zone. Seconds of the day as written.
fn time(reader: &mut Reader<'_>) -> Option<(u32, Option<i16>)> {
    let comma = reader.skip(b',');
    let blank = reader.blanks();
    if reader.rest.is_empty() {
        return (!comma).then_some((0, None));
    }
    let letter = matches!(reader.peek(), Some(b'T' | b't')) && {
        reader.rest = &reader.rest[1..];
        true
    };
    if !(comma || blank || letter) {
        // A date may still carry a zone, as `2018-01-31Z`.
        let zone = zone(reader)?;
        return reader.rest.is_empty().then_some((0, Some(zone)));
    }
    let (hour, length) = reader.number()?;
    let (mut hour, minute, second) = match length {
        6 if letter => (hour / 10_000, hour / 100 % 100, hour % 100),
        4 if letter => (hour / 100, hour % 100, 0),
        1 | 2 => {
            let (mut minute, mut second) = (0, 0);
            if reader.skip(b':') {
                minute = two_digits(reader)?;
                if reader.skip(b':') {
                    second = two_digits(reader)?;
                    if reader.skip(b'.') || reader.skip(b',') {
                        let digits = reader.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                        if digits == 0 {
                            return None;
                        }
                        reader.rest = &reader.rest[digits..];
                    }
                }
            } else if !half_day_follows(reader) {
                return None;
            }
            (hour, minute, second)
        }
        _ => return None,
    };
    let blank = reader.blanks();
    if let Some(afternoon) = half_day(reader) {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + if afternoon { 12 } else { 0 };
        reader.blanks();
    } else if blank && reader.rest.is_empty() {
        return None;
    }
    let end_of_day = hour == 24 && minute == 0 && second == 0;
    if !(hour < 24 || end_of_day) || minute > 59 || second > 60 {
        return None;
    }
    let zone = if reader.rest.is_empty() { None } else { Some(zone(reader)?) };
    let seconds = hour * 3600 + minute * 60 + second.min(59);
    reader.rest.is_empty().then_some((seconds, zone))
}

fn two_digits(reader: &mut Reader<'_>) -> Option<u32> {
    let (number, length) = reader.number()?;
    (length == 2).then_some(number)
}

fn half_day_follows(reader: &Reader<'_>) -> bool {
    let mut ahead = Reader { rest: reader.rest };
    ahead.blanks();
    half_day(&mut ahead).is_some()
}

/// `AM`, `p.m.` and the like: whether it is afternoon.
fn half_day(reader: &mut Reader<'_>) -> Option<bool> {
    let afternoon = match reader.peek()? {
        b'a' | b'A' => false,
        b'p' | b'P' => true,
        _ => return None,
    };
    let rest = &reader.rest[1..];
    let rest = rest.strip_prefix(b".").unwrap_or(rest);
    let rest = rest.strip_prefix(b"m").or_else(|| rest.strip_prefix(b"M"))?;
    reader.rest = rest.strip_prefix(b".").unwrap_or(rest);
    Some(afternoon)
}

/// A zone: `Z`, `UTC`, `+02:00`, `-0530`, `CET`; a name in brackets behind an offset is passed over. Minutes east of UTC.
fn zone(reader: &mut Reader<'_>) -> Option<i16> {
    let sign = match reader.peek()? {
        b'+' => 1,
        b'-' => -1,
        _ => {
            let word = reader.word();
            return ZONES
                .iter()
                .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word))
                .map(|(_, minutes)| *minutes);
        }
    };
    reader.rest = &reader.rest[1..];
    let (number, length) = reader.number()?;
    let (hours, minutes) = match length {
        1 | 2 if reader.skip(b':') => (number, two_digits(reader)?),
        1 | 2 => (number, 0),
        4 => (number / 100, number % 100),
        _ => return None,
    };
    if reader.skip(b'[') {
        let end = reader.rest.iter().position(|byte| *byte == b']')?;
        reader.rest = &reader.rest[end + 1..];
    }
    (hours <= 18 && minutes < 60).then(|| sign * (hours * 60 + minutes) as i16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days_from_civil(2018, 1, 31), 17_562);
        assert_eq!(days_from_civil(2000, 3, 1), 11_017);
        for days in (-800_000..800_000).step_by(17) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year as i32, month, day), days);
            assert!(is_day(year as i32, month, day) || year < 1);
        }
        assert!(is_day(2016, 2, 29) && !is_day(2018, 2, 29) && !is_day(1900, 2, 29) && is_day(2000, 2, 29));
    }

    #[test]
    fn dates_with_one_reading() {
        let day = |text: &str| match parse(text).map(|parsed| parsed.form) {
            Some(Form::YearFirst { year, month, day } | Form::Named { year, month, day }) => Some((year, month, day)),
            _ => None,
        };
        for text in [
            "2018-01-31",
            "2018/1/31",
            "2018.01.31",
            "20180131",
            "2018-Jan-31",
            "31 Jan 2018",
            "31-Jan-2018",
            "31-Jan-18",
            "31. Januar 2018",
            "31 janv. 2018",
            "31st January 2018",
            "Jan 31 2018",
            "Jan 31, 2018",
            "January 31st, 2018",
            "jan-31-2018",
            "Wed Jan 31 2018",
            "Wed, 31 Jan 2018",
            "Wednesday, January 31, 2018",
        ] {
            assert_eq!(day(text), Some((2018, 1, 31)), "{text}");
        }
        assert_eq!(day("14 juillet 2018"), Some((2018, 7, 14)));
        assert_eq!(day("14 juin 2018"), Some((2018, 6, 14)));
        assert_eq!(day("5 M\u{e4}rz 2018"), Some((2018, 3, 5)));
    }

    #[test]
    fn times_and_zones_are_read_as_written() {
        let time = |text: &str| parse(text).map(|parsed| (parsed.seconds, parsed.zone));
        for (text, seconds, zone) in [
            ("1/31/2018 22:56", 82_560, None),
            ("1/31/2018 10:56 PM", 82_560, None),
            ("1/31/2018 10:56\u{202f}PM", 82_560, None),
            ("1/31/2018 12:05 a.m.", 300, None),
            ("1/31/2018 10 PM", 79_200, None),
            ("2018-01-31T22:56:00Z", 82_560, Some(0)),
            ("2018-01-31 22:56:00+00:00", 82_560, Some(0)),
            ("2018-01-31T22:56:07.123-0530", 82_567, Some(-330)),
            ("2018-01-31 22:56 UTC", 82_560, Some(0)),
            ("2018-01-31T22:56:00+01:00[Europe/Berlin]", 82_560, Some(60)),
            ("20180131T225600", 82_560, None),
            ("31.01.2018, 22:56", 82_560, None),
            ("2018-01-31 24:00", 86_400, None),
        ] {
            assert_eq!(time(text), Some((seconds, zone)), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "abc",
            "2018",
            "2018-13-01",
            "2018-02-30",
            "1/2",
            "1/2/3",
            "1/2/201",
            "12:30",
            "5 pipe 2018",
            "Market 3 2018",
            "2018-01-31 25:00",
            "2018-01-31 1:2",
            "2018-01-31x",
            "31/12-2018",
            "1.5",
            "99999999",
            "1/31/2018 22:56 XX",
            "Jan 31",
            "Jan 31 10:22",
            "100/1/2018",
            "2018-01-31,",
            "20180131T",
            "32 Jan 2018",
            "1/31/2018 13:00 PM",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
