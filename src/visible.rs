//! Text from outside (headers, values, class names, file names) made fit to show.
//!
//! Such text could otherwise steer a terminal, begin a line of its own that looks like one of ours, or reorder and hide what stands around it.
//! Errors, notes and everything that the report and the terminal print pass through here; `tests/it/visible.rs` looks for ways around it.

use std::borrow::Cow;

/// Stands for a character that cannot be shown.
const STAND_IN: char = '\u{FFFD}';

/// Whether a character shows nothing of itself but changes what is around it: controls, direction marks, zero-width characters, tags.
pub fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{FFFE}' | '\u{FFFF}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Joiners mean something in scripts that join letters and between the parts of an emoji, which all lie beyond Latin, Greek and Cyrillic.
fn is_joiner_in_place(before: Option<char>, letter: char, after: Option<char>) -> bool {
    let joins = |neighbour: Option<char>| neighbour.is_some_and(|neighbour| neighbour >= '\u{0590}' && !is_hidden(neighbour));
    matches!(letter, '\u{200C}' | '\u{200D}') && joins(before) && joins(after)
}

/// The letters with what has to be shown in their place, as [`shown`] says.
fn replaced(text: &str, shown: impl Fn(char) -> char) -> Cow<'_, str> {
    if text.is_ascii() && !text.bytes().any(|byte| byte < b' ' || byte == 0x7f) || !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut made = String::with_capacity(text.len());
    let mut before = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let keep = !is_hidden(letter) || is_joiner_in_place(before, letter, letters.peek().copied());
        made.push(if keep { letter } else { shown(letter) });
        before = Some(letter);
    }
    Cow::Owned(made)
}

/// A text as one line: line breaks and tabs are spaces, every other hidden character is `�`.
pub fn line(text: &str) -> Cow<'_, str> {
    replaced(text, |letter| match letter {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
        _ => STAND_IN,
    })
}

/// As [`line()`], of at most `most` characters, with `…` at the cut.
pub fn short_line(text: &str, most: usize) -> Cow<'_, str> {
    let shown = line(text);
    match shown.char_indices().nth(most) {
        None => shown,
        Some(_) => {
            let mut cut: String = shown.chars().take(most.saturating_sub(1)).collect();
            cut.push('…');
            Cow::Owned(cut)
        }
    }
}

/// Whole pages and files of our own making: their line breaks and tabs stay, every other hidden character is `�`.
pub fn page(text: &str) -> Cow<'_, str> {
    replaced(text, |letter| match letter {
        '\n' | '\r' | '\t' => letter,
        _ => STAND_IN,
    })
}

/// What may reach a terminal: line breaks and the colours that Recant sets; every other hidden character is `�`.
pub fn terminal(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|letter| is_hidden(letter) && letter != '\n') {
        return Cow::Borrowed(text);
    }
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        made.push_str(&page(&rest[..at]).replace(['\r', '\t'], " "));
        let length = colour_length(&rest[at..]);
        if length == 0 {
            made.push(STAND_IN);
        }
        made.push_str(&rest[at..at + length]);
        rest = &rest[at + length.max(1)..];
    }
    made.push_str(&page(rest).replace(['\r', '\t'], " "));
    Cow::Owned(made)
}

/// Bytes of the colour or weight that a text begins with; 0 where it begins with another escape sequence.
fn colour_length(text: &str) -> usize {
    let Some(inside) = text.strip_prefix("\u{1b}[") else { return 0 };
    let Some(end) = inside.find(|letter: char| !letter.is_ascii_digit() && letter != ';') else {
        return 0;
    };
    // Hidden text (8) and a changed background (40 and above) are never ours.
    let ours = |code: &str| {
        matches!(code, "" | "0" | "1" | "2" | "4" | "22" | "24" | "39") || code.parse::<u8>().is_ok_and(|code| (31..=37).contains(&code))
    };
    if inside[end..].starts_with('m') && inside[..end].split(';').all(ours) {
        "\u{1b}[".len() + end + 1
    } else {
        0
    }
}

/// JSON text in which hidden characters of strings are written as `\uXXXX`: the same JSON, safe to print.
pub fn json(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut made = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_hidden(letter) && letter != '\n' {
            let mut units = [0_u16; 2];
            for unit in letter.encode_utf16(&mut units) {
                made.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            made.push(letter);
        }
    }
    Cow::Owned(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_hides_or_begins_a_line() {
        for (text, shown) in [
            ("plain, Ünïcode 漢字 ✓", "plain, Ünïcode 漢字 ✓"),
            ("a\nverified safe", "a verified safe"),
            ("a\r\nb\tc", "a  b c"),
            ("\u{1b}[31mred", "�[31mred"),
            ("\u{1b}]0;title\u{7}", "�]0;title�"),
            ("\u{9b}2J", "�2J"),
            ("safe\u{202e}efas", "safe�efas"),
            ("la\u{200b}te", "la�te"),
            ("l\u{200d}ate", "l�ate"),
            ("\u{feff}late", "�late"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("👩\u{200d}🚒", "👩\u{200d}🚒"),
            ("a\u{2028}b", "a b"),
            ("\u{e0041}", "�"),
        ] {
            assert_eq!(line(text), shown, "{text:?}");
            assert_eq!(line(&line(text)), line(text));
        }
        assert_eq!(short_line("abcdef", 3), "ab…");
        assert_eq!(short_line("abc", 3), "abc");
    }

    #[test]
    fn the_terminal_gets_our_colours_and_nothing_else() {
        assert_eq!(
            terminal("\u{1b}[1m\u{1b}[33mwarning:\u{1b}[0m x\n"),
            "\u{1b}[1m\u{1b}[33mwarning:\u{1b}[0m x\n"
        );
        assert_eq!(terminal("\u{1b}[1;31mx\u{1b}[39m"), "\u{1b}[1;31mx\u{1b}[39m");
        for (text, shown) in [
            ("\u{1b}[2Jx", "�[2Jx"),
            ("\u{1b}[8mhidden", "�[8mhidden"),
            ("\u{1b}[30;40mx", "�[30;40mx"),
            ("\u{1b}]8;;http://x\u{1b}\\y", "�]8;;http://x�\\y"),
            ("x\rerror", "x error"),
            ("\u{1b}", "�"),
            ("\u{1b}[", "�["),
        ] {
            assert_eq!(terminal(text), shown, "{text:?}");
        }
    }

    #[test]
    fn json_stays_the_same_json() {
        let value = serde_json::json!({ "a\u{202e}": "b\u{7f}\u{9b}\n\u{e0041}" });
        let text = value.to_string();
        let safe = json(&text);
        assert!(!safe.chars().any(is_hidden), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_in_comes_out_visible(text in "\\PC{0,6}[\u{0}-\u{9f}\u{200b}-\u{206f}a-z\u{1b}\\[0-9;m]{0,12}") {
            let calm = |shown: &str| !shown.chars().any(|letter| is_hidden(letter) && !matches!(letter, '\u{200c}' | '\u{200d}'));
            proptest::prop_assert!(calm(&line(&text)));
            let shown = terminal(&text);
            proptest::prop_assert_eq!(terminal(&shown), shown.as_ref());
        }
    }
}
