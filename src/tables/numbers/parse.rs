//! One cell as a number: what it says for certain, and what depends on the column's decimal mark.

use super::DecimalMark;
use crate::tables::text::trimmed;

/// Longer texts are taken for no numbers.
const MAX_NUMBER_BYTES: usize = 64;

/// A text that is a number, and how sure its marks are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    negative: bool,
    pub(crate) percent: bool,
    pub(crate) currency: Option<String>,
    pub(crate) marks: Marks,
    /// Digits, at most one mark (kept as typed where ambiguous, else as a point), and an exponent.
    digits: String,
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
        let magnitude = if self.percent { magnitude / 100.0 } else { magnitude };
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

const CURRENCIES: &[&str] = &[
    "$", "\u{20ac}", "\u{a3}", "\u{a5}", "\u{20b9}", "\u{20bd}", "\u{20a9}", "\u{20ba}", "\u{20ab}", "\u{20b4}", "\u{20aa}", "\u{20b1}",
    "\u{e3f}", "\u{20a6}", "\u{20a1}", "\u{20b2}", "\u{20b5}", "\u{20b8}", "\u{20bc}", "\u{20be}", "\u{a2}", "\u{ffe5}", "\u{ff04}", "US$",
    "R$", "A$", "AU$", "C$", "CA$", "HK$", "NT$", "NZ$", "S$", "MX$", "kr", "z\u{142}", "K\u{10d}", "Ft", "lei", "Rs", "Fr", "Euro", "EUR",
    "USD", "GBP", "CHF", "JPY", "CNY", "RMB", "INR", "AUD", "CAD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN", "TRY",
    "RUB", "UAH", "BRL", "MXN", "ARS", "CLP", "COP", "PEN", "ZAR", "NGN", "KES", "EGP", "MAD", "ILS", "AED", "SAR", "QAR", "KWD", "SGD",
    "HKD", "TWD", "KRW", "THB", "MYR", "IDR", "PHP", "VND", "PKR", "BDT", "LKR", "DOP", "CRC", "GTQ", "HNL", "UYU", "PAB",
];

fn currency(token: &str) -> Option<String> {
    let token = token.trim();
    CURRENCIES.iter().find(|known| **known == token).map(|known| (*known).to_owned())
}

/// A character that may stand in the number itself.
fn is_number_char(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+' | '(' | ')' | '%' | '\u{2212}') || is_group_mark(c)
}

/// Blanks and apostrophes between thousands.
fn is_group_mark(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{2007}' | '\'' | '\u{2019}')
}

/// Reads a text as a number in any of the usual spellings; `None` where it is none.
pub(crate) fn shape(text: &str) -> Option<Shape> {
    let mut rest = trimmed(text);
    rest = rest.strip_prefix('\'').unwrap_or(rest);
    if rest.is_empty() || rest.len() > MAX_NUMBER_BYTES {
        return None;
    }
    let (mut sign, mut parentheses, mut percent, mut money) = (None, false, false, None);
    loop {
        rest = trimmed(rest);
        let first = rest.chars().next()?;
        let last = rest.chars().next_back()?;
        if sign.is_none() && matches!(first, '-' | '+' | '\u{2212}') {
            sign = Some(first != '+');
            rest = &rest[first.len_utf8()..];
        } else if !parentheses && first == '(' && last == ')' && rest.len() > 2 {
            parentheses = true;
            rest = &rest[1..rest.len() - 1];
        } else if !percent && last == '%' {
            percent = true;
            rest = &rest[..rest.len() - 1];
        } else if sign.is_none() && matches!(last, '-' | '\u{2212}') {
            // SAP writes negative numbers that way.
            sign = Some(true);
            rest = &rest[..rest.len() - last.len_utf8()];
        } else if money.is_none() && !is_number_char(first) {
            let end = rest.find(is_number_char)?;
            money = Some(currency(&rest[..end])?);
            rest = &rest[end..];
        } else if money.is_none() && !is_number_char(last) {
            let start = rest
                .char_indices()
                .rev()
                .find(|(_, c)| is_number_char(*c))
                .map(|(at, c)| at + c.len_utf8())?;
            money = Some(currency(&rest[start..])?);
            rest = &rest[..start];
        } else {
            break;
        }
    }
    if parentheses && sign.is_some() {
        return None;
    }
    let (marks, digits) = magnitude(rest)?;
    Some(Shape {
        negative: parentheses || sign == Some(true),
        percent,
        currency: money,
        marks,
        digits,
    })
}

/// Digits with separators, without sign and signs of money.
fn magnitude(text: &str) -> Option<(Marks, String)> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
    }
    let mut groups: Vec<String> = vec![String::new()];
    let mut marks: Vec<char> = Vec::new();
    for c in mantissa.chars() {
        if c.is_ascii_digit() {
            groups.last_mut()?.push(c);
        } else if matches!(c, '.' | ',') {
            marks.push(c);
            groups.push(String::new());
        } else if is_group_mark(c) {
            marks.push(' ');
            groups.push(String::new());
        } else {
            return None;
        }
    }
    if groups.iter().all(String::is_empty) {
        return None;
    }
    let count = |mark: char| marks.iter().filter(|there| **there == mark).count();
    let (points, commas, blanks) = (count('.'), count(','), count(' '));
    let decimal = match (points, commas) {
        (0, 0) => None,
        (1, 0) | (0, 1) => marks.last().copied().filter(|mark| *mark != ' '),
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
    if decimal.is_some_and(|mark| count(mark) != 1) || !thousands(whole, &marks) {
        return None;
    }
    let mark_of = |c: char| if c == '.' { DecimalMark::Point } else { DecimalMark::Comma };
    let other = |c: char| if c == '.' { DecimalMark::Comma } else { DecimalMark::Point };
    let mut digits = whole.concat();
    let certainty = match decimal {
        None if points > 0 => Marks::Certain(other('.')),
        None if commas > 0 => Marks::Certain(other(',')),
        None => Marks::Neutral,
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
    Some((certainty, digits))
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
mod tests {
    use super::*;

    fn value(text: &str) -> Option<f64> {
        shape(text).and_then(|shape| shape.value(DecimalMark::Point))
    }

    #[test]
    fn numbers_in_the_usual_spellings() {
        for (text, number) in [
            ("12", 12.0),
            ("-12.5", -12.5),
            ("1,234.56", 1234.56),
            ("1.234,56", 1234.56),
            ("1 234,56", 1234.56),
            ("1\u{a0}234\u{a0}567", 1_234_567.0),
            ("1'234.50", 1234.5),
            ("12,34,567.80", 1_234_567.8),
            ("1.234.567", 1_234_567.0),
            ("$1,234.50", 1234.5),
            ("-$5", -5.0),
            ("$-5", -5.0),
            ("5,00 \u{20ac}", 5.0),
            ("EUR 5", 5.0),
            ("US$ 7.25", 7.25),
            ("(1,234.50)", -1234.5),
            ("($5.00)", -5.0),
            ("12-", -12.0),
            ("\u{2212}3", -3.0),
            ("12.5%", 0.125),
            ("-12,5 %", -0.125),
            ("1.2E+05", 120_000.0),
            ("1,2e3", 1200.0),
            ("'42", 42.0),
            (".5", 0.5),
            (",5", 0.5),
            ("5.", 5.0),
            ("0,123", 0.123),
            ("1234,567", 1234.567),
            ("1,234", 1234.0),
            ("1.234", 1.234),
        ] {
            assert_eq!(value(text), Some(number), "{text}");
        }
        assert_eq!(shape("1,234").unwrap().value(DecimalMark::Comma), Some(1.234));
        assert_eq!(shape("1.234").unwrap().value(DecimalMark::Comma), Some(1234.0));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "abc",
            "12a",
            "1-2",
            "12 34",
            "1.23.4",
            "1,23,4",
            "1.234,567.8",
            "--5",
            "5%%",
            "(5",
            "-(5)",
            "0x10",
            "1e",
            "e5",
            "12 kg",
            "31/1/2018",
            ".",
            "-",
            "1_000",
            "1,234 567.0",
            "12.345.67",
        ] {
            assert_eq!(value(text), None, "{text}");
        }
    }

    #[test]
    fn the_quick_path_agrees_with_the_thorough_one() {
        for text in [
            "0", "12", "-12.5", "+3", "1.234", "1234.567", "0.123", "5.", ".5", "1e5", "-1.5E-3", "1.234e2",
        ] {
            let (number, point) = plain(text).unwrap();
            let shape = shape(text).unwrap();
            assert_eq!(shape.value(DecimalMark::Point), Some(number), "{text}");
            assert_eq!(matches!(shape.marks, Marks::Ambiguous(_)), point == PlainPoint::Ambiguous, "{text}");
        }
        for text in ["inf", "nan", "1,5", "1.2.3", "e5", "-", "1e", "--1", "1e5e5", "5-"] {
            assert!(plain(text).is_none(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_looks_plain_is_what_the_thorough_look_finds(text in "[0-9.,eE+$% -]{0,12}|[+-]?[0-9]{0,4}[.][0-9]{0,4}|[0-9]{60,70}[.]?") {
            if let Some(point) = plain_shape(&text) {
                let shape = shape(&text).unwrap();
                let marks = match point {
                    PlainPoint::None => Marks::Neutral,
                    PlainPoint::Certain => Marks::Certain(DecimalMark::Point),
                    PlainPoint::Ambiguous => Marks::Ambiguous(DecimalMark::Point),
                };
                proptest::prop_assert_eq!((shape.marks, shape.percent, shape.currency), (marks, false, None));
            }
        }
    }
}
