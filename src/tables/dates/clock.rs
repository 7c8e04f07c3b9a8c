//! The time of day behind a date, with its half of the day and its zone.

use super::reader::Reader;
use super::words::{self, ZONES, is_link};

/// The rest of a date: nothing, or a time with an optional zone. Seconds of the day as written.
pub(super) fn time(reader: &mut Reader<'_>) -> Option<(u32, Option<i16>)> {
    // `31.01.2018.`, `2018. 1. 31.`
    if reader.peek() == Some(b'.') && matches!(reader.rest.get(1), None | Some(b' ')) {
        reader.skip(b'.');
    }
    let comma = reader.skip(b',');
    let blank = reader.blanks();
    if reader.rest.is_empty() {
        return (!comma).then_some((0, None));
    }
    let before = reader.rest;
    // A letter right behind a digit is mistyped (`2018/02/1O`) or begins a time (`T08:00`), no word of its own.
    let glued = !(comma || blank) && reader.peek().is_some_and(|byte| byte.is_ascii_alphabetic());
    if !glued {
        reader.links();
    }
    // `31 \u{44f}\u{43d}\u{432}. 2018 \u{433}., 22:56`
    if reader.rest.len() < before.len() && reader.skip(b',') {
        reader.blanks();
    }
    if !glued {
        reader.weekday();
        reader.links();
    }
    if reader.rest.is_empty() {
        return Some((0, None));
    }
    let mut apart = comma || blank || reader.rest.len() < before.len();
    let letter = matches!(reader.peek(), Some(b'T' | b't')) && reader.rest.get(1).is_some_and(u8::is_ascii_digit) && {
        reader.rest = &reader.rest[1..];
        true
    };
    if !apart && !letter {
        // DB2 writes `2018-01-31-22.56.00`, web servers `31/Jan/2018:22:56:07`.
        let clock =
            matches!(reader.rest, [b'-' | b'_' | b':', hour, minute, b':' | b'.', ..] if hour.is_ascii_digit() && minute.is_ascii_digit());
        if clock {
            reader.rest = &reader.rest[1..];
            apart = true;
        }
    }
    let half = half_day(reader);
    if !(apart || letter || half.is_some()) {
        // A date may still carry a zone, as `2018-01-31Z`.
        let zone = zone(reader)?;
        return reader.rest.is_empty().then_some((0, Some(zone)));
    }
    reader.blanks();
    clock(reader, letter, half)
}

fn clock(reader: &mut Reader<'_>, letter: bool, half: Option<bool>) -> Option<(u32, Option<i16>)> {
    const HOURS: &[&str] = &["\u{6642}", "\u{70b9}", "\u{9ede}", "\u{65f6}", "\u{c2dc}", "h", "H"];
    const MINUTES: &[&str] = &["\u{5206}", "\u{bd84}", "min", "m"];
    const SECONDS: &[&str] = &["\u{79d2}", "\u{cd08}", "s"];
    let (hour, length) = reader.number()?;
    let (mut hour, minute, second) = match length {
        6 if letter => (hour / 10_000, hour / 100 % 100, hour % 100),
        4 if letter => (hour / 100, hour % 100, 0),
        1 | 2 => {
            let (mut minute, mut second) = (0, 0);
            let mark = reader.peek();
            if reader.skip_any(b":.") {
                minute = two_digits(reader)?;
                if mark.is_some_and(|mark| reader.skip(mark)) {
                    second = two_digits(reader)?;
                    if reader.skip_any(b".,:") {
                        let digits = reader.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                        if digits == 0 {
                            return None;
                        }
                        reader.rest = &reader.rest[digits..];
                    }
                }
            } else {
                let before = reader.rest;
                reader.blanks();
                if reader.skip_text(HOURS) {
                    reader.blanks();
                    if reader.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                        minute = two_digits(reader)?;
                        let _ = reader.skip_text(MINUTES);
                        reader.blanks();
                        if reader.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                            second = two_digits(reader)?;
                            let _ = reader.skip_text(SECONDS);
                        }
                    }
                } else {
                    let word = reader.word();
                    let said = is_link(word) && word.len() == 3;
                    reader.rest = before;
                    if !said && half.is_none() && !half_day_follows(reader) {
                        return None;
                    }
                }
            }
            (hour, minute, second)
        }
        _ => return None,
    };
    let blank = reader.blanks();
    if let Some(afternoon) = half.or_else(|| half_day(reader)) {
        if hour > 12 {
            return None;
        }
        hour = hour % 12 + if afternoon { 12 } else { 0 };
        reader.blanks();
    } else if blank && reader.rest.is_empty() {
        return None;
    }
    // `22:56 Uhr`
    reader.links();
    let _ = reader.skip_text(&["h", "hrs"]) && !reader.rest.is_empty();
    let end_of_day = hour == 24 && minute == 0 && second == 0;
    if !(hour < 24 || end_of_day) || minute > 59 || second > 60 {
        return None;
    }
    let zone = if reader.rest.is_empty() { None } else { Some(zone(reader)?) };
    // 24:00 is the end of the day that is written, not the beginning of the next.
    let seconds = (hour * 3600 + minute * 60 + second.min(59)).min(86_399);
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

/// `AM`, `p. m.` and the like: whether it is afternoon.
fn half_day(reader: &mut Reader<'_>) -> Option<bool> {
    let first = reader.peek()?;
    if first.is_ascii_digit() || first == b'+' || first == b'-' {
        return None;
    }
    let (afternoon, length) = words::half_day(std::str::from_utf8(reader.rest).ok()?)?;
    reader.rest = &reader.rest[length..];
    Some(afternoon)
}

/// A zone: `Z`, `UTC`, `+02:00`, `-0530`, `CET`; a name in brackets behind an offset is passed over. Minutes east of UTC.
fn zone(reader: &mut Reader<'_>) -> Option<i16> {
    // `GMT+0100`
    if matches!(
        reader.rest,
        [b'G', b'M', b'T', b'+' | b'-', ..] | [b'U', b'T', b'C', b'+' | b'-', ..]
    ) {
        reader.rest = &reader.rest[3..];
    }
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
