//! No text may become a formula when a written sheet is opened.
//!
//! A spreadsheet program takes a CSV cell that begins with `=`, `+`, `-`, `@`, a tab or a line end for a formula. When writing CSV such a cell gets an
//! apostrophe in front, and so does a cell that already reads "apostrophes, then such a character"; when reading, exactly one apostrophe in front of
//! "apostrophes, then such a character" is taken off. So whatever is written comes back unchanged, and nothing else is ever stripped.
//! Plain numbers (`-5`, `+1.5`, `-1,234.50 %`) and a lone `-` are no formulas and stay as they are.
//!
//! A program may cut the file elsewhere than it was meant: Excel separates by `;` in much of Europe. So what follows a `;`, a comma, a tab or a `|`
//! inside a cell is treated like the beginning of a cell, and so is what follows a line end: quotes in the middle of what such a program takes
//! for a cell do not hold it together. The file's own delimiter is left out: there the quotes hold.

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

/// Where a program that separates by something else than `own` would begin a new cell: the byte after each such separator, and 0.
fn starts(text: &str, own: u8) -> impl Iterator<Item = usize> + '_ {
    let cuts = move |byte: u8| match byte {
        b'\n' | b'\r' => true,
        b';' | b',' | b'\t' | b'|' => byte != own,
        _ => false,
    };
    std::iter::once(0).chain(text.bytes().enumerate().filter(move |(_, byte)| cuts(*byte)).map(|(at, _)| at + 1))
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

/// Whether the piece of a cell that begins at `start` would be taken for a formula, whatever apostrophes stand before it.
fn is_risky(text: &str, start: usize, own: u8) -> bool {
    let piece = text.get(start..).unwrap_or("").trim_start_matches('\'');
    if start == 0 {
        return looks_like_formula(piece);
    }
    // After a cut, doubled quotes are an empty quoted piece, and what follows them counts; a number ends where the next cut is.
    let piece = piece.trim_start_matches([' ', '\u{a0}', '"', '\'']);
    let end = starts(piece, own).nth(1).map_or(piece.len(), |next| next - 1);
    looks_like_formula(piece.get(..end).unwrap_or("").trim_end_matches('"'))
}

/// Whether there is nothing to look at in a text: what nearly every cell is.
fn is_harmless(text: &str) -> bool {
    !text
        .bytes()
        .any(|byte| matches!(byte, b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | b'\n') || byte == 0xef)
}

/// The text to write into a cell of a file whose delimiter is `own`.
pub(crate) fn guarded(text: &str, own: u8) -> Cow<'_, str> {
    if is_harmless(text) {
        return Cow::Borrowed(text);
    }
    let risky: Vec<usize> = starts(text, own).filter(|start| is_risky(text, *start, own)).collect();
    if risky.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut guarded = String::with_capacity(text.len() + risky.len());
    let mut done = 0;
    for start in risky {
        guarded.push_str(&text[done..start]);
        guarded.push('\'');
        done = start;
    }
    guarded.push_str(&text[done..]);
    Cow::Owned(guarded)
}

/// The text that [`guarded`] was given, with the same `own`, or that a formula of nothing but a constant shows.
pub(crate) fn unguarded(text: Cow<'_, str>, own: u8) -> Cow<'_, str> {
    if let Some(shown) = constant(&text) {
        return Cow::Owned(shown.into_owned());
    }
    if !text.as_bytes().contains(&b'\'') || is_harmless(&text) {
        return text;
    }
    let guards: Vec<usize> = starts(&text, own)
        .filter(|start| text.as_bytes().get(*start) == Some(&b'\'') && is_risky(&text, *start, own))
        .collect();
    if guards.is_empty() {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut done = 0;
    for guard in guards {
        plain.push_str(&text[done..guard]);
        done = guard + 1;
    }
    plain.push_str(&text[done..]);
    Cow::Owned(plain)
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
            assert!(guarded(text, b',').starts_with('\''), "{text:?}");
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
            assert_eq!(guarded(text, b','), text, "{text:?}");
        }
    }

    #[test]
    fn formulas_behind_the_separator_of_another_program_get_one_as_well() {
        for (text, written) in [
            ("x;=cmd|'/c calc'!A0;", "x;'=cmd|'/c calc'!A0;"),
            ("x\t=1", "x\t'=1"),
            ("x|@SUM(1)", "x|'@SUM(1)"),
            ("x\n=1", "x\n'=1"),
            ("x\r\n+A1", "x\r\n'+A1"),
            ("x; =1", "x;' =1"),
            ("x;\"=1\"", "x;'\"=1\""),
            ("x;-5+A1;", "x;'-5+A1;"),
            ("a;=1;=2", "a;'=1;'=2"),
            ("=1;=2", "'=1;'=2"),
            ("x;\u{ff1d}1", "x;'\u{ff1d}1"),
        ] {
            assert_eq!(guarded(text, b','), written);
        }
        for text in ["x;-5;+7", "a; -", "x,=1", "1;2", "Smith, +49", "x;-5,3 %", "a=b;c=d"] {
            assert_eq!(guarded(text, b','), text);
        }
        assert_eq!(guarded("x,=1", b';'), "x,'=1");
        assert_eq!(guarded("x;=1", b';'), "x;=1");
    }

    proptest::proptest! {
        #[test]
        fn any_text_of_signs_and_separators_comes_back(text in "[=+@';,|\" \t\r\na1.%e\u{ff1d}\u{a0}-]{0,12}", own in 0_usize..4) {
            let own = b",;\t|"[own];
            let written = guarded(&text, own).into_owned();
            proptest::prop_assert_eq!(unguarded(Cow::Borrowed(&written), own), text.as_str());
            // Cut anywhere that a program may cut, no piece of it is a formula.
            for start in starts(&written, own) {
                let piece = written[start..].trim_start_matches([' ', '\u{a0}', '"']);
                let end = starts(piece, own).nth(1).map_or(piece.len(), |next| next - 1);
                let piece = piece[..end].trim_end_matches('"');
                proptest::prop_assert!(start == 0 || !looks_like_formula(piece), "{written:?}");
            }
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
            assert_eq!(unguarded(Cow::Borrowed(text), b','), shown);
            assert_eq!(unguarded(Cow::Borrowed(guarded(text, b',').as_ref()), b','), text);
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
            assert_eq!(unguarded(Cow::Borrowed(guarded(text, b',').as_ref()), b','), text, "{text:?}");
        }
    }
}
