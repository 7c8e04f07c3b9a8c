//! No text may become a formula when a written sheet is opened.
//!
//! A spreadsheet program takes a CSV cell that begins with `=`, `+`, `-`, `@`, a tab or a line end for a formula. When writing CSV such a cell gets an
//! apostrophe in front, and so does a cell that already reads "apostrophes, then such a character"; when reading, exactly one apostrophe in front of
//! "apostrophes, then such a character" is taken off. So whatever is written comes back unchanged, and nothing else is ever stripped.
//! Plain numbers (`-5`, `+1.5`, `-1,234.50 %`) and a lone `-` are no formulas and stay as they are.

use std::borrow::Cow;

/// Whether a spreadsheet program might run this text.
fn looks_like_formula(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '\u{a0}']);
    let Some(first) = text.chars().next() else {
        return false;
    };
    if !matches!(
        first,
        '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}'
    ) {
        return false;
    }
    text != "-" && !is_plain_number(text)
}

/// A sign, digits with separators, an exponent, a percent sign: nothing that can call or refer to anything.
fn is_plain_number(text: &str) -> bool {
    let text = text.trim_end();
    let text = text.strip_suffix('%').map_or(text, str::trim_end);
    let Some(digits) = text.strip_prefix(['-', '+']) else {
        return false;
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let starts_well = mantissa.starts_with(|c: char| c.is_ascii_digit()) || (mantissa.starts_with('.') && mantissa.len() > 1);
    let exponent_is_fine = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && exponent.bytes().all(|byte| byte.is_ascii_digit())
    });
    starts_well && exponent_is_fine && mantissa.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
}

/// The text to write into a CSV cell.
pub(crate) fn guarded(text: &str) -> Cow<'_, str> {
    if looks_like_formula(text.trim_start_matches('\'')) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that a formula of nothing but a constant shows: exports write `="00123"` so that Excel keeps the zeros.
pub(crate) fn constant(text: &str) -> Option<Cow<'_, str>> {
    let rest = text.strip_prefix('=')?;
    if let Some(inside) = rest.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        let doubled = inside.replace("\"\"", "");
        return (!doubled.contains('"')).then(|| {
            if inside.contains('"') {
                Cow::Owned(inside.replace("\"\"", "\""))
            } else {
                Cow::Borrowed(inside)
            }
        });
    }
    let digits = rest.strip_prefix('-').unwrap_or(rest);
    let is_number =
        digits.starts_with(|first: char| first.is_ascii_digit()) && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_number.then_some(Cow::Borrowed(rest))
}

/// The text that [`guarded`] was given, or that a formula of nothing but a constant shows.
pub(crate) fn unguarded(text: Cow<'_, str>) -> Cow<'_, str> {
    if let Some(shown) = constant(&text) {
        return Cow::Owned(shown.into_owned());
    }
    if text.as_bytes().first() != Some(&b'\'') || !looks_like_formula(text.trim_start_matches('\'')) {
        return text;
    }
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[1..]),
        Cow::Owned(mut text) => {
            text.remove(0);
            Cow::Owned(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_get_an_apostrophe_and_numbers_do_not() {
        for text in [
            "=1+1",
            "+A1",
            "-A1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            " =1",
            "-5+cmd|' /C calc'!A0",
            "--5",
            "\u{ff1d}1",
            "-1e",
            "+",
        ] {
            assert!(guarded(text).starts_with('\''), "{text:?}");
        }
        for text in [
            "-5",
            "+5",
            "-1,234.50",
            "-5%",
            "-.5",
            "-1E+05",
            "-",
            "a=1",
            "",
            "'tis",
            "5-4",
            "1=1",
        ] {
            assert_eq!(guarded(text), text, "{text:?}");
        }
    }

    #[test]
    fn formulas_of_a_constant_are_what_they_show() {
        for (text, shown) in [
            ("=\"00123\"", "00123"),
            ("=\"a \"\"b\"\"\"", "a \"b\""),
            ("=12.5", "12.5"),
            ("=-3", "-3"),
            ("=\"\"", ""),
        ] {
            assert_eq!(unguarded(Cow::Borrowed(text)), shown);
            assert_eq!(unguarded(Cow::Borrowed(guarded(text).as_ref())), text);
        }
        for text in ["=A1", "=\"a\"&\"b\"", "=1+1", "=", "=\"", "=\"a", "a=\"1\""] {
            assert_eq!(constant(text), None, "{text}");
        }
    }

    #[test]
    fn whatever_is_guarded_comes_back_unchanged() {
        for text in [
            "=1", "'=1", "''=1", "' =1", "'-5", "'", "''", "'x", "-", "'-", "plain", "-5", "\t", "'\t",
        ] {
            assert_eq!(unguarded(Cow::Borrowed(guarded(text).as_ref())), text, "{text:?}");
        }
    }
}
