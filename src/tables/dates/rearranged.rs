//! Dates whose parts stand apart: the year behind the time, a zone in brackets or by its region at the end, blanks or underscores between numbers,
//! no blank before the time, milliseconds in .NET's brackets.

use super::parse::civil_from_days;

/// The text with its parts where they usually are; `None` where nothing was moved.
pub(super) fn text(text: &str) -> Option<String> {
    if let Some(moment) = of_milliseconds(text).or_else(|| clock_behind_sign(text)) {
        return Some(moment);
    }
    let bare = match text.rfind(" (") {
        Some(at) if text.ends_with(')') && text.contains(':') => &text[..at],
        _ => without_region(text),
    };
    if let Some(moved) = year_last(bare).or_else(|| spaced(bare)) {
        return Some(moved);
    }
    (bare.len() < text.len()).then(|| bare.to_owned())
}

/// `/Date(1517439600000)/` as the moment in UTC.
fn of_milliseconds(text: &str) -> Option<String> {
    let inside = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let millis = inside
        .get(1..)
        .and_then(|rest| rest.find(['+', '-']))
        .map_or(inside, |at| &inside[..at + 1]);
    let seconds = millis.parse::<i64>().ok()?.div_euclid(1000);
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let clock = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    Some(format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"))
}

/// `2018\u{5e74}1\u{6708}31\u{65e5}22\u{6642}56\u{5206}` with a blank before the time.
fn clock_behind_sign(text: &str) -> Option<String> {
    let (day, clock) = ["\u{65e5}", "\u{53f7}", "\u{865f}", "\u{c77c}"]
        .iter()
        .find_map(|sign| text.split_at_checked(text.find(sign)? + sign.len()))?;
    clock
        .starts_with(|letter: char| letter.is_ascii_digit())
        .then(|| format!("{day} {clock}"))
}

/// `2018-01-31 22:56:07 Europe/Paris` without the region.
fn without_region(text: &str) -> &str {
    let region = |word: &str| {
        let mut parts = word.split('/');
        let name = |part: &str| part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        word.contains('/') && parts.all(name)
    };
    match text.rsplit_once(' ') {
        Some((bare, last)) if region(last) && bare.contains([':', '.']) => bare,
        _ => text,
    }
}

/// `Wed Jan 31 22:56:07 CET 2018` as `Wed Jan 31 2018 22:56:07 CET`.
fn year_last(text: &str) -> Option<String> {
    let mut parts: Vec<&str> = text.split(' ').filter(|part| !part.is_empty()).collect();
    let year = parts.pop()?;
    let clock = parts.iter().position(|part| part.contains(':'))?;
    let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    (is_year && clock >= 2 && parts.len() <= clock + 2).then(|| {
        parts.insert(clock, year);
        parts.join(" ")
    })
}

/// `2018_01_31` and `31 01 2018` with hyphens, `20180131 225607` and `20180131 2256` with the marks of a clock.
fn spaced(text: &str) -> Option<String> {
    let mark = text
        .chars()
        .find(|c| !c.is_ascii_digit())
        .filter(|c| matches!(c, ' ' | '_' | '\\'))?;
    let parts: Vec<&str> = text.split(mark).collect();
    let digits = parts
        .iter()
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    match (parts.as_slice(), &lengths[..]) {
        ([day, clock], [8, 4 | 6]) if digits => {
            let second = clock
                .get(4..)
                .filter(|second| !second.is_empty())
                .map(|second| format!(":{second}"));
            Some(format!("{day} {}:{}{}", &clock[..2], &clock[2..4], second.unwrap_or_default()))
        }
        (_, [4, 2, 2] | [2, 2, 4]) if digits => Some(parts.join("-")),
        _ => None,
    }
}
