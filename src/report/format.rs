//! Figures as people read them: percent, points, p-values, counts, dates. Records hold fractions; percent exists in print alone.

use std::borrow::Cow;

use crate::evaluate::words;
pub use crate::evaluate::words::count;

/// What stands where a figure is unknown.
pub const UNKNOWN: &str = "–";

/// `1 row`, `2 rows`: a count with its noun, which takes an s (or es).
pub fn counted(number: usize, noun: &str) -> String {
    let ending = match (number, noun.ends_with('s')) {
        (1, _) => "",
        (_, false) => "s",
        (_, true) => "es",
    };
    format!("{} {noun}{ending}", count(number))
}

/// A space that no line breaks at.
const NO_BREAK: char = '\u{A0}';

/// The sum of counts; the greatest count where there is no greater one.
pub fn total(counts: impl IntoIterator<Item = usize>) -> usize {
    counts.into_iter().fold(0, usize::saturating_add)
}

/// A fraction as percent: `0.8754` with two decimals is `87.54 %`; no line breaks within it.
pub fn percent(fraction: f64, decimals: usize) -> String {
    if !fraction.is_finite() {
        return UNKNOWN.to_owned();
    }
    format!("{}{NO_BREAK}%", unsigned_zero(fraction * 100.0, decimals))
}

/// [`percent`] of what may be unknown.
pub fn percent_or_unknown(fraction: Option<f64>, decimals: usize) -> String {
    fraction.map_or_else(|| UNKNOWN.to_owned(), |value| percent(value, decimals))
}

/// A part of a whole as percent; unknown where the whole is 0.
pub fn share(part: usize, whole: usize, decimals: usize) -> String {
    if whole == 0 {
        return UNKNOWN.to_owned();
    }
    percent(part as f64 / whole as f64, decimals)
}

/// A difference of fractions in percentage points, signed: `+1.24 points`.
pub fn points(difference: f64, decimals: usize) -> String {
    if !difference.is_finite() {
        return UNKNOWN.to_owned();
    }
    let text = signed(difference * 100.0, decimals);
    let noun = if text.trim_start_matches(['+', '−']) == format!("{:.decimals$}", 1.0) {
        "point"
    } else {
        "points"
    };
    format!("{text} {noun}")
}

/// A size in percentage points, without a sign and with as few decimals as say it: `0.1 points`.
pub fn size_in_points(fraction: f64) -> String {
    let text = words::points(fraction);
    let noun = if text == "1" { "point" } else { "points" };
    format!("{text} {noun}")
}

/// The limits of an interval of differences in percentage points: `+0.82 to +1.66 points`.
pub fn points_between(low: f64, high: f64, decimals: usize) -> String {
    if !low.is_finite() || !high.is_finite() {
        return UNKNOWN.to_owned();
    }
    format!("{} to {} points", signed(low * 100.0, decimals), signed(high * 100.0, decimals))
}

/// The limits of an interval of fractions in percent: `86.9 % to 88.1 %`.
pub fn percent_between(low: f64, high: f64, decimals: usize) -> String {
    format!("{} to {}", percent(low, decimals), percent(high, decimals))
}

/// A number with a sign: `+1.20`, `−0.40`, `0.00`.
pub fn signed(number: f64, decimals: usize) -> String {
    if !number.is_finite() {
        return UNKNOWN.to_owned();
    }
    let text = unsigned_zero(number, decimals);
    if text.starts_with('−') || text.chars().all(|letter| matches!(letter, '0' | '.')) {
        text
    } else {
        format!("+{text}")
    }
}

/// A plain number with this many decimals and a true minus sign.
pub fn decimal(number: f64, decimals: usize) -> String {
    if number.is_finite() {
        unsigned_zero(number, decimals)
    } else {
        UNKNOWN.to_owned()
    }
}

/// A p-value for a table: `0.034`, `< 0.001`; on the printed side of `level` that it is on in truth.
pub fn p_value(p: f64, level: f64) -> String {
    let text = p_equals(p, level);
    text.strip_prefix("p = ")
        .or_else(|| text.strip_prefix("p "))
        .unwrap_or(&text)
        .to_owned()
}

/// A p-value in a sentence: `p = 0.034`, `p < 0.001`.
pub fn p_equals(p: f64, level: f64) -> String {
    if p.is_finite() {
        words::p_value(p, level)
    } else {
        UNKNOWN.to_owned()
    }
}

/// A sentence from a record, fit to show: at most `most` characters, with true minus signs, and no line break between a figure and its percent sign.
pub fn sentence(text: &str, most: usize) -> String {
    let text = with_minus_signs(&visible(text, most)).replace(" %", &format!("{NO_BREAK}%"));
    text.replace("p < ", &format!("p{NO_BREAK}<{NO_BREAK}"))
        .replace("p = ", &format!("p{NO_BREAK}={NO_BREAK}"))
}

/// Records write figures as keyboards have them: the hyphen of a negative one becomes its minus sign. Names in backticks stay as they are.
fn with_minus_signs(text: &str) -> String {
    let signed = |piece: &str| {
        let mut shown = String::with_capacity(piece.len());
        let mut letters = piece.chars().peekable();
        while let Some(letter) = letters.next() {
            let begins = shown.ends_with([' ', '(']);
            let negative = letter == '-' && begins && letters.peek().is_some_and(char::is_ascii_digit);
            shown.push(if negative { '−' } else { letter });
        }
        shown
    };
    let pieces = text.split('`').enumerate();
    let pieces: Vec<String> = pieces
        .map(|(place, piece)| if place % 2 == 0 { signed(piece) } else { piece.to_owned() })
        .collect();
    pieces.join("`")
}

/// A verdict sentence for a place where a headline has already told the verdict.
pub fn without_verdict(sentence: &str) -> String {
    const TOLD: [&str; 7] = [
        "Better: ",
        "Worse: ",
        "No change detected: ",
        "Cannot be judged from these rows: ",
        "Probably better, but cannot be judged from these rows for certain: ",
        "Probably worse, but cannot be judged from these rows for certain: ",
        "This model is useful. ",
    ];
    let Some(rest) = TOLD.iter().find_map(|told| sentence.strip_prefix(told)) else {
        return sentence.to_owned();
    };
    let mut letters = rest.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A number of any size with about four digits: `12.35`, `0.00123`, `1.2e7`.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let size = value.abs();
    let text = if !(1e-4..1e7).contains(&size) {
        format!("{value:.2e}")
    } else {
        let decimals = (3 - size.log10().floor() as i32).clamp(0, 8) as usize;
        let text = format!("{value:.decimals$}");
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    };
    text.replace('-', "−").replace("e−", "e-")
}

/// Seconds for people: `0.42 s`, `12.3 s`, `3 min 20 s`, `1 h 5 min`.
pub fn seconds(value: f64) -> String {
    match value {
        value if !value.is_finite() || value < 0.0 => UNKNOWN.to_owned(),
        value if value < 9.995 => format!("{value:.2} s"),
        value if value < 99.95 => format!("{value:.1} s"),
        value => {
            let whole = value.round().min(1e12) as u64;
            if whole < 3600 {
                format!("{} min {} s", whole / 60, whole % 60)
            } else {
                format!("{} h {} min", whole / 3600, whole % 3600 / 60)
            }
        }
    }
}

/// An ISO time without what says nothing: `2017-10-02T00:00:00` as `2017-10-02`, `2017-10-02T08:30:00` as `2017-10-02 08:30`.
pub fn date(iso: &str) -> String {
    let text = visible(iso, 40);
    match text.split_once(['T', ' ']) {
        Some((day, "00:00" | "00:00:00")) => day.to_owned(),
        Some((day, time)) => {
            // Only seconds may go: `02:00` without its minutes would be read as a day and a number.
            let seconds = time.matches(':').count() == 2;
            format!("{day} {}", time.strip_suffix(":00").filter(|_| seconds).unwrap_or(time))
        }
        None => text.into_owned(),
    }
}

/// First and last day: `2015-01-01 to 2017-10-02`.
pub fn period(period: &(String, String)) -> String {
    format!("{} to {}", date(&period.0), date(&period.1))
}

/// Text of a sheet or file made fit to show, as one line of at most `most` characters; see [`crate::visible`].
pub fn visible(text: &str, most: usize) -> Cow<'_, str> {
    crate::visible::short_line(text, most)
}

/// A number with a true minus sign, and never "minus nothing".
fn unsigned_zero(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|letter| matches!(letter, '0' | '.')) => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(count(1234567), "1,234,567");
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(0, "row"), "0 rows");
        assert_eq!(counted(3, "class"), "3 classes");
    }

    #[test]
    fn differences_carry_their_sign_and_nothing_has_none() {
        assert_eq!(points(0.0124, 2), "+1.24 points");
        assert_eq!(points(-0.0124, 2), "−1.24 points");
        assert_eq!(points(0.01, 2), "+1.00 point");
        assert_eq!(points(-0.00001, 2), "0.00 points");
        assert_eq!(points(f64::NAN, 2), UNKNOWN);
        assert_eq!(points_between(-0.001, 0.0166, 2), "−0.10 to +1.66 points");
        assert_eq!(percent(-0.00001, 1), "0.0\u{A0}%");
        assert_eq!(percent(0.8754, 1), "87.5\u{A0}%");
        assert_eq!(share(1, 0, 1), UNKNOWN);
    }

    #[test]
    fn p_values_never_read_as_zero_or_change_sides() {
        assert_eq!(p_value(0.0, 0.05), "< 0.001");
        assert_eq!(p_value(0.0341, 0.05), "0.034");
        assert_eq!(p_value(0.0496, 0.05), "0.0496");
        assert_eq!(p_equals(1e-9, 0.05), "p < 0.001");
        assert_eq!(p_equals(f64::NAN, 0.05), UNKNOWN);
    }

    #[test]
    fn numbers_of_any_size_stay_short() {
        assert_eq!(number(12.3456), "12.35");
        assert_eq!(number(1.0), "1");
        assert_eq!(number(0.001234), "0.001234");
        assert_eq!(number(-1500.0), "−1500");
        assert_eq!(number(1.2e9), "1.20e9");
        assert_eq!(number(3e-12), "3.00e-12");
    }

    #[test]
    fn times_and_dates_leave_out_what_says_nothing() {
        assert_eq!(seconds(0.421), "0.42 s");
        assert_eq!(seconds(200.0), "3 min 20 s");
        assert_eq!(seconds(3900.0), "1 h 5 min");
        assert_eq!(date("2017-10-02T00:00:00"), "2017-10-02");
        assert_eq!(date("2017-10-02T08:30:00"), "2017-10-02 08:30");
        assert_eq!(date("2017-10-02"), "2017-10-02");
        assert_eq!(date("2015-01-01T02:00"), "2015-01-01 02:00");
        assert_eq!(date("2015-01-01T02:00:00"), "2015-01-01 02:00");
        assert_eq!(date("2015-01-01T02:00:07"), "2015-01-01 02:00:07");
        assert_eq!(date("2015-01-01T00:00"), "2015-01-01");
    }

    #[test]
    fn a_sentence_does_not_repeat_its_headline() {
        assert_eq!(without_verdict("Better: accuracy rose."), "Accuracy rose.");
        assert_eq!(without_verdict("No change detected: none."), "None.");
        assert_eq!(without_verdict("Something better: x"), "Something better: x");
        assert_eq!(without_verdict("Worse: "), "");
        assert_eq!(sentence("5 % (p < 0.001)", 99), "5\u{a0}% (p\u{a0}<\u{a0}0.001)");
        assert_eq!(
            sentence("by -0.60 points (-1.2 to 3; neggrad-plus, 2018-01-31, `Days < -2`)", 99),
            "by −0.60 points (−1.2 to 3; neggrad-plus, 2018-01-31, `Days < -2`)"
        );
    }

    #[test]
    fn shown_text_cannot_steer_a_terminal_or_turn_the_line_around() {
        assert_eq!(visible("a\u{1b}[31mb", 20), "a\u{FFFD}[31mb");
        assert_eq!(visible("a\u{202E}b\nc", 20), "a\u{FFFD}b c");
        assert_eq!(visible("abcdef", 4), "abc…");
        assert_eq!(visible("abcd", 4), "abcd");
        assert_eq!(visible("a\u{202E}bcd", 4), "a\u{FFFD}b…");
    }
}
