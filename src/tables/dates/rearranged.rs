//! Dates whose parts stand apart: the year behind the time, a zone in brackets at the end, blanks or underscores between numbers.

/// The text with its parts where they usually are; `None` where nothing was moved.
pub(super) fn text(text: &str) -> Option<String> {
    let bare = match text.rfind(" (") {
        Some(at) if text.ends_with(')') && text.contains(':') => &text[..at],
        _ => text,
    };
    if let Some(moved) = year_last(bare).or_else(|| spaced(bare)) {
        return Some(moved);
    }
    (bare.len() < text.len()).then(|| bare.to_owned())
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

/// `2018_01_31` and `31 01 2018` with hyphens.
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
    (digits && matches!(lengths[..], [4, 2, 2] | [2, 2, 4])).then(|| parts.join("-"))
}
