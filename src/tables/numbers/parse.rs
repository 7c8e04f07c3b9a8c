//! One cell as a number: what it says for certain, and what depends on the column's decimal mark.

use super::DecimalMark;
use super::currency::{self, Currency};
use crate::tables::digits::ascii;
use crate::tables::text::trimmed;

/// Longer texts are taken for no numbers.
const MAX_NUMBER_BYTES: usize = 64;

/// A text that is a number, and how sure its marks are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    negative: bool,
    /// What the number is divided by: 100 for `%`, 1000 for the per-mille sign.
    pub(crate) parts: Option<u16>,
    pub(crate) currency: Option<Currency>,
    /// `CR` or `DR` stood beside it.
    pub(crate) ledger: bool,
    pub(crate) marks: Marks,
    /// Blanks or apostrophes stand between thousands.
    pub(crate) grouped: bool,
    /// Digits, at most one mark (kept as typed where ambiguous, else as a point), and an exponent.
    pub(crate) digits: String,
}

/// What the separators of a number say about the decimal mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marks {
    /// No separators, or only blanks between thousands.
    Neutral,
    /// Only this decimal mark makes sense: `1,234.5`, `12,50`, `1.234.567`.
    Certain(DecimalMark),
    /// One separator with three digits behind it: `1,234` is either 1234 or 1.234. The separator that is there.
    Ambiguous(DecimalMark),
}

impl Shape {
    /// The value, an ambiguous one read with the given decimal mark.
    pub(crate) fn value(&self, decimal: DecimalMark) -> Option<f64> {
        let magnitude: f64 = match self.marks {
            Marks::Ambiguous(there) if there == decimal => self.digits.replace(',', ".").parse().ok()?,
            Marks::Ambiguous(_) => self.digits.replace([',', '.'], "").parse().ok()?,
            _ => self.digits.parse().ok()?,
        };
        let magnitude = self.parts.map_or(magnitude, |parts| magnitude / f64::from(parts));
        Some(if self.negative { -magnitude } else { magnitude })
    }
}

/// The common case: digits, one point at most, a sign, an exponent. The second value says whether the point could be a thousands mark.
pub(crate) fn plain(text: &str) -> Option<(f64, PlainPoint)> {
    let point = plain_point(text)?;
    Some((text.parse().ok()?, point))
}

/// As [`plain`], without the value, for texts that [`shape`] certainly takes for the same number.
pub(crate) fn plain_shape(text: &str) -> Option<PlainPoint> {
    let mut digits = false;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => digits = true,
            b'e' | b'E' => return None,
            _ => {}
        }
    }
    if digits && text.len() <= MAX_NUMBER_BYTES {
        plain_point(text)
    } else {
        None
    }
}

/// The point of a text that looks like a plain number; whether there are digits where they must be is not looked at.
fn plain_point(text: &str) -> Option<PlainPoint> {
    let bytes = text.as_bytes();
    let digits = match bytes.first()? {
        b'-' | b'+' => &bytes[1..],
        _ => bytes,
    };
    if !matches!(digits.first()?, b'0'..=b'9' | b'.') {
        return None;
    }
    let mut point = None;
    let mut exponent = false;
    for (place, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {}
            b'.' if point.is_none() && !exponent => point = Some(place),
            b'e' | b'E' if !exponent && place > 0 => exponent = true,
            b'-' | b'+' if exponent && matches!(digits.get(place.wrapping_sub(1)), Some(b'e' | b'E')) => {}
            _ => return None,
        }
    }
    Some(match point {
        None => PlainPoint::None,
        Some(place) if !exponent && could_be_thousands(&digits[..place], &digits[place + 1..]) => PlainPoint::Ambiguous,
        Some(_) => PlainPoint::Certain,
    })
}

/// What the point of a plain number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlainPoint {
    None,
    Certain,
    Ambiguous,
}

fn could_be_thousands(before: &[u8], after: &[u8]) -> bool {
    after.len() == 3 && (1..=3).contains(&before.len()) && before.first() != Some(&b'0')
}

/// A character that may stand in the number itself.
fn is_number_char(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+' | '(' | ')' | '%' | '\u{2030}' | '\u{66b}') || is_group_mark(c)
}

/// Blanks, apostrophes and underscores between thousands (in the form that [`ascii`] gives them).
fn is_group_mark(c: char) -> bool {
    matches!(c, ' ' | '\'' | '_' | '`')
}

/// What stands around the digits.
#[derive(Default)]
struct Around {
    /// `Some(true)` is a minus.
    sign: Option<bool>,
    parentheses: bool,
    parts: Option<u16>,
    money: Option<Currency>,
    /// A second sign of money: `$ 5 MXN`, `COP $5`.
    both: bool,
    credit: Option<bool>,
    /// Dashes in place of decimals, as in `120,-`.
    dashes: bool,
}

impl Around {
    /// Takes one sign off either end; `None` where there is none left.
    fn strip<'a>(&mut self, rest: &'a str) -> Option<&'a str> {
        let first = rest.chars().next()?;
        let last = rest.chars().next_back()?;
        let shorter = || &rest[..rest.len() - last.len_utf8()];
        if self.sign.is_none() && matches!(first, '-' | '+') && rest.len() > 1 {
            self.sign = Some(first == '-');
            return Some(&rest[1..]);
        }
        if !self.parentheses && first == '(' && last == ')' && rest.len() > 2 {
            self.parentheses = true;
            return Some(&rest[1..rest.len() - 1]);
        }
        if self.parts.is_none() && matches!(last, '%' | '\u{2030}') {
            self.parts = Some(if last == '%' { 100 } else { 1000 });
            return Some(shorter());
        }
        if self.parts.is_none() && first == '%' {
            self.parts = Some(100);
            return Some(&rest[1..]);
        }
        if self.parts.is_none()
            && let Some((parts, amount)) = parts_in_words(rest)
        {
            self.parts = Some(parts);
            return Some(amount);
        }
        // Japanese accounts write losses so.
        if self.sign.is_none() && first == '\u{25b3}' && rest.len() > first.len_utf8() {
            self.sign = Some(true);
            return Some(&rest[first.len_utf8()..]);
        }
        if !self.dashes
            && let Some(amount) = whole_amount(rest)
        {
            self.dashes = true;
            return Some(amount);
        }
        if self.sign.is_none() && matches!(last, '-' | '+') && rest.len() > 1 {
            // SAP writes negative numbers that way.
            self.sign = Some(last == '-');
            return Some(shorter());
        }
        if self.credit.is_none()
            && let Some((credit, amount)) = ledger(rest)
        {
            self.credit = Some(credit);
            return Some(amount);
        }
        if self.both {
            return None;
        }
        let front = (!is_number_char(first)).then(|| currency::strip_front(rest)).flatten();
        // The point of an abbreviation may come last.
        let back = || (!is_number_char(last) || last == '.').then(|| currency::strip_back(rest)).flatten();
        let (sign, amount) = front.or_else(back)?;
        self.money = Some(match self.money {
            None => sign,
            Some(other) => {
                // A sign and the letters of the currency that it stands for; two currencies are no amount.
                let letters =
                    |currency: &Currency| currency.sign.len() >= 3 && currency.sign.bytes().all(|letter| letter.is_ascii_uppercase());
                self.both = true;
                match (letters(&other), letters(&sign)) {
                    (true, false) => other,
                    (false, true) => sign,
                    _ => return None,
                }
            }
        });
        Some(amount)
    }
}

/// `12 percent`, `12 pct.`, `12 Prozent`: what the number is divided by, and the number.
fn parts_in_words(text: &str) -> Option<(u16, &str)> {
    const WORDS: &[(&str, u16)] = &[
        ("percent", 100),
        ("per cent", 100),
        ("pct", 100),
        ("prozent", 100),
        ("procent", 100),
        ("pour cent", 100),
        ("por ciento", 100),
        ("por cento", 100),
        ("per cento", 100),
        ("promille", 1000),
        ("per mille", 1000),
    ];
    let bare = text.strip_suffix('.').unwrap_or(text);
    WORDS.iter().find_map(|(word, parts)| {
        let start = bare.len().checked_sub(word.len())?;
        let rest = bare.get(..start)?;
        let same = bare.get(start..)?.eq_ignore_ascii_case(word);
        (same && rest.ends_with(|c: char| c.is_ascii_digit() || c == ' ')).then_some((*parts, rest))
    })
}

/// `120,-`, `120.--`, `120:-` and `1,500/-` without what says that there are no cents.
fn whole_amount(text: &str) -> Option<&str> {
    let digits = |rest: &str| rest.ends_with(|c: char| c.is_ascii_digit());
    if let Some(rest) = text.strip_suffix("/-").or_else(|| text.strip_suffix("/=")) {
        return digits(rest).then_some(rest);
    }
    let bare = text.trim_end_matches('-');
    let rest = bare.strip_suffix([',', '.', ':'])?;
    (bare.len() < text.len() && text.len() - bare.len() <= 3 && digits(rest)).then_some(rest)
}

/// Whether a text is an amount with German ledgers' `H` (Haben, a credit) or `S` (Soll, a debit) behind it, which also stand for hours and seconds.
pub(super) fn soll_or_haben(text: &str) -> Option<bool> {
    let rest = text.strip_suffix(['S', 'H'])?;
    let number = rest.trim_end();
    number.ends_with(|c: char| c.is_ascii_digit()).then(|| text.ends_with('H'))
}

/// `120.00 CR`, `Dr. 120`, `120,00 H`: whether it is a credit, and the amount.
fn ledger(text: &str) -> Option<(bool, &str)> {
    if let Some(credit) = soll_or_haben(text) {
        return Some((credit, &text[..text.len() - 1]));
    }
    for (word, credit) in [("CR", true), ("DR", false)] {
        let bare = text.strip_suffix('.').unwrap_or(text);
        if let Some(start) = bare.len().checked_sub(2)
            && bare.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(word))
        {
            let rest = &bare[..start];
            let behind_number = rest.ends_with(|c: char| c.is_ascii_digit() || matches!(c, ' ' | ')' | '.'));
            return behind_number.then_some((credit, rest));
        }
        if text.get(..2).is_some_and(|head| head.eq_ignore_ascii_case(word)) {
            let rest = &text[2..];
            let rest = rest.strip_prefix('.').unwrap_or(rest);
            return rest.starts_with(|c: char| c.is_ascii_digit() || c == ' ').then_some((credit, rest));
        }
    }
    None
}

/// Reads a text as a number in any of the usual spellings; `None` where it is none.
pub(crate) fn shape(text: &str) -> Option<Shape> {
    let text = ascii(trimmed(text));
    let mut rest = trimmed(&text);
    rest = rest.strip_prefix('\'').unwrap_or(rest);
    if rest.is_empty() || rest.len() > MAX_NUMBER_BYTES {
        return None;
    }
    if !rest.bytes().any(|byte| byte.is_ascii_digit()) {
        return dash(rest);
    }
    let mut around = Around::default();
    loop {
        rest = trimmed(rest);
        if rest.chars().all(is_number_char)
            && rest.starts_with(|c: char| c.is_ascii_digit())
            && rest.ends_with(|c: char| c.is_ascii_digit())
        {
            break;
        }
        match around.strip(rest) {
            Some(shorter) => rest = shorter,
            None => break,
        }
    }
    if around.parentheses && around.sign.is_some() {
        return None;
    }
    let magnitude = magnitude(rest)?;
    let negative = around.parentheses || around.sign == Some(true);
    Some(Shape {
        // A credit is what an account owes: less than nothing, unless it has a sign of its own.
        negative: negative || around.credit == Some(true),
        parts: around.parts,
        currency: around.money,
        ledger: around.credit.is_some(),
        marks: magnitude.marks,
        grouped: magnitude.grouped,
        digits: magnitude.digits,
    })
}

/// Excel's accounting format shows nothing as `$ -`.
fn dash(text: &str) -> Option<Shape> {
    if !(text.starts_with('-') || text.ends_with('-')) {
        return None;
    }
    let (sign, rest) = currency::strip_front(text).or_else(|| currency::strip_back(text))?;
    matches!(rest.trim(), "-" | "--").then(|| Shape {
        negative: false,
        parts: None,
        currency: Some(sign),
        ledger: false,
        marks: Marks::Neutral,
        grouped: false,
        digits: "0".to_owned(),
    })
}

struct Magnitude {
    marks: Marks,
    grouped: bool,
    digits: String,
}

fn is_exponent(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits with separators, without sign and signs of money.
fn magnitude(text: &str) -> Option<Magnitude> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    if exponent.is_some_and(|exponent| !is_exponent(exponent)) {
        return None;
    }
    let mut groups: Vec<String> = vec![String::new()];
    let mut marks: Vec<char> = Vec::new();
    for c in mantissa.chars() {
        if c.is_ascii_digit() {
            groups.last_mut()?.push(c);
        } else if matches!(c, '.' | ',' | '\u{66b}') || is_group_mark(c) {
            marks.push(c);
            groups.push(String::new());
        } else {
            return None;
        }
    }
    if groups.iter().all(String::is_empty) {
        return None;
    }
    // The Arabic decimal mark is nothing else.
    let arabic = marks.last() == Some(&'\u{66b}');
    if arabic {
        *marks.last_mut()? = '.';
    }
    let count = |mark: char| marks.iter().filter(|there| **there == mark).count();
    let (points, commas) = (count('.'), count(','));
    let blanks = marks.len() - points - commas;
    let decimal = match (points, commas) {
        (0, 0) => None,
        (1, 0) | (0, 1) => marks.last().copied().filter(|mark| !is_group_mark(*mark)),
        (_, 0) | (0, _) => None,
        _ => marks.last().copied(),
    };
    if decimal.is_none() && points + commas == 1 {
        return None;
    }
    let whole = if decimal.is_some() {
        &groups[..groups.len() - 1]
    } else {
        &groups[..]
    };
    if decimal.is_some_and(|mark| is_group_mark(mark) || count(mark) != 1) || !thousands(whole, &marks) {
        return None;
    }
    let mark_of = |c: char| if c == '.' { DecimalMark::Point } else { DecimalMark::Comma };
    let other = |c: char| if c == '.' { DecimalMark::Comma } else { DecimalMark::Point };
    let mut digits = whole.concat();
    let certainty = match decimal {
        None if points > 0 => Marks::Certain(other('.')),
        None if commas > 0 => Marks::Certain(other(',')),
        None => Marks::Neutral,
        Some(_) if arabic => {
            digits.push('.');
            digits.push_str(groups.last()?);
            Marks::Neutral
        }
        Some(mark) => {
            let fraction = groups.last()?;
            let single = points + commas == 1 && blanks == 0 && exponent.is_none();
            let ambiguous = single && could_be_thousands(digits.as_bytes(), fraction.as_bytes());
            digits.push(if ambiguous { mark } else { '.' });
            digits.push_str(fraction);
            if ambiguous {
                Marks::Ambiguous(mark_of(mark))
            } else {
                Marks::Certain(mark_of(mark))
            }
        }
    };
    if digits.starts_with('.') {
        digits.insert(0, '0');
    }
    if let Some(exponent) = exponent {
        digits.push('e');
        digits.push_str(exponent);
    }
    Some(Magnitude {
        marks: certainty,
        grouped: blanks > 0,
        digits,
    })
}

/// Whether the groups of the whole part are thousands (or lakhs and crores); the separators between them must be of one kind.
fn thousands(groups: &[String], marks: &[char]) -> bool {
    if groups.len() < 2 {
        return true;
    }
    let kind = marks.first();
    let between = &marks[..groups.len() - 1];
    let (Some(first), Some(last)) = (groups.first(), groups.last()) else {
        return false;
    };
    (1..=3).contains(&first.len())
        && last.len() == 3
        && groups[1..groups.len() - 1]
            .iter()
            .all(|group| group.len() == 3 || (group.len() == 2 && kind == Some(&',')))
        && between.iter().all(|mark| Some(mark) == kind)
}

#[cfg(test)]
mod tests;
