//! Digits, signs and blanks of other scripts and typefaces as the ASCII characters that mean the same.

use std::borrow::Cow;

/// The zeros of the decimal digits of other scripts (Unicode general category Nd): the nine others follow.
const ZEROS: &[u32] = &[
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20, 0x1040, 0x17e0, 0x1810,
];

/// Signs that programs of the web write as names between `&` and `;`.
const ENTITIES: [(&str, &str); 14] = [
    ("&amp;", "&"),
    ("&nbsp;", " "),
    ("&#160;", " "),
    ("&euro;", "\u{20ac}"),
    ("&#8364;", "\u{20ac}"),
    ("&pound;", "\u{a3}"),
    ("&#163;", "\u{a3}"),
    ("&yen;", "\u{a5}"),
    ("&minus;", "-"),
    ("&#36;", "$"),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&lt;", "<"),
    ("&gt;", ">"),
];

/// A text with such names as the signs themselves; absent where it has none.
fn without_entities(text: &str) -> Option<String> {
    let first = text.find('&')?;
    text[first..].contains(';').then_some(())?;
    let plain = ENTITIES
        .iter()
        .fold(text.to_owned(), |text, (name, sign)| match text.contains(name) {
            true => text.replace(name, sign),
            false => text,
        });
    (plain != text).then_some(plain)
}

/// A text with ASCII digits, signs and punctuation; what cannot be seen (marks of writing direction, zero-width blanks) goes.
pub(crate) fn ascii(text: &str) -> Cow<'_, str> {
    if let Some(text) = without_entities(text) {
        return Cow::Owned(text.chars().filter_map(plain).collect());
    }
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter_map(plain).collect())
}

fn plain(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c);
    }
    let code = u32::from(c);
    if let Some(zero) = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code)) {
        return char::from_digit(code - zero, 10);
    }
    Some(match c {
        // Full-width forms stand 0xFEE0 above ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(code - 0xfee0)?,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}' | '\u{ad}' => return None,
        '\u{2212}' | '\u{2010}'..='\u{2015}' | '\u{fe63}' | '\u{fe58}' => '-',
        '\u{66a}' => '%',
        '\u{66c}' => '\'',
        '\u{3000}' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' => ' ',
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' | '\u{2b9}' | '\u{2032}' | '\u{b4}' => '\'',
        _ => c,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_signs_of_other_scripts_become_ascii() {
        for (text, same) in [
            ("１，２３４．５０", "1,234.50"),
            ("\u{661}\u{662}\u{66c}\u{663}\u{664}\u{665}", "12'345"),
            ("\u{6f1}\u{6f2}", "12"),
            ("\u{967}\u{968}", "12"),
            ("\u{2212}3", "-3"),
            ("12\u{2013}", "12-"),
            ("\u{200e}12\u{202f}345\u{2009}678", "12 345 678"),
            ("1\u{2019}234", "1'234"),
            ("&euro;12.50", "\u{20ac}12.50"),
            ("1&nbsp;234", "1 234"),
            ("Road &amp; Rail", "Road & Rail"),
            ("R&D; more", "R&D; more"),
            ("a & b", "a & b"),
            ("M\u{e4}rz", "M\u{e4}rz"),
        ] {
            assert_eq!(ascii(text), same, "{text}");
        }
    }
}
