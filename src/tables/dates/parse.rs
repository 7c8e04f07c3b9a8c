//! One text as a date: its parts, and whether day and month are told apart by the form.

use super::clock::time;
use super::reader::Reader;
use super::words::{MonthName, Tongue, folded, is_link, is_weekday, month_of};
use super::{periods, rearranged};
use crate::tables::digits::ascii;

/// Longer texts are taken for no dates.
const MAX_BYTES: usize = 96;

/// A text that is a date, before the order of day and month is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) form: Form,
    /// Seconds since midnight, as written.
    pub(crate) seconds: u32,
    /// Minutes east of UTC, where the text names a zone; the time is kept as written.
    pub(crate) zone: Option<i16>,
    /// The year had two digits.
    pub(crate) short_year: bool,
    /// What the name of the month says of its language.
    pub(crate) tongue: Tongue,
    /// A month, quarter or week, read as its first day.
    pub(crate) period: bool,
}

/// How the day is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Year first with four digits, or compact: only one reading.
    YearFirst { year: i32, month: u32, day: u32 },
    /// The month as a word.
    Named { year: i32, month: u32, day: u32 },
    /// Two numbers and a year (`3/2/2018`), or three numbers of two digits at most.
    Numbers {
        first: u32,
        second: u32,
        third: i32,
        separator: u8,
    },
}

/// Days since 1970-01-01 of a date of the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date algorithms").
pub(crate) fn days_from_civil(year: i32, month: u32, day: u32) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month, day of days since 1970-01-01.
pub(crate) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Whether the calendar has this day.
pub(crate) fn is_day(year: i32, month: u32, day: u32) -> bool {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=last).contains(&day) && (1..=9999).contains(&year)
}

/// Two digits of a year: up to 68 is 20xx, from 69 is 19xx (POSIX).
fn full_year(short: i32) -> i32 {
    if short <= 68 { 2000 + short } else { 1900 + short }
}

/// The third number of a date as a year.
pub(crate) fn year_of(number: i32, short: bool) -> i32 {
    if short { full_year(number) } else { number }
}

/// Reads a trimmed text as a date with an optional time and zone; `None` where it is none.
pub(crate) fn parse(text: &str) -> Option<Parsed> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let text = ascii(text);
    if let Some(parsed) = compact(text.as_bytes()) {
        return Some(parsed);
    }
    day_and_time(&text)
        .or_else(|| day_and_time(&rearranged::text(&text)?))
        .or_else(|| periods::period(&text))
}

/// A day with an optional time and zone behind it.
fn day_and_time(text: &str) -> Option<Parsed> {
    let mut reader = Reader { rest: text.as_bytes() };
    let first = reader.peek()?;
    let day = if first.is_ascii_digit() {
        digits_first(&mut reader)?
    } else if first.is_ascii_alphabetic() || first >= 0x80 {
        word_first(&mut reader)?
    } else {
        return None;
    };
    let valid = match day.form {
        Form::YearFirst { year, month, day } | Form::Named { year, month, day } => is_day(year, month, day),
        Form::Numbers { first, second, .. } => first <= 99 && second <= 31,
    };
    if !valid {
        return None;
    }
    let (seconds, zone) = time(&mut reader)?;
    Some(Parsed {
        form: day.form,
        seconds,
        zone,
        short_year: day.short_year,
        tongue: day.tongue,
        period: false,
    })
}

/// `20180131225600` and `201801312256`.
fn compact(text: &[u8]) -> Option<Parsed> {
    if !matches!(text.len(), 12 | 14) || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let part = |from: usize, to: usize| text[from..to].iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    let (year, month, day) = (part(0, 4) as i32, part(4, 6), part(6, 8));
    let (hour, minute) = (part(8, 10), part(10, 12));
    let second = if text.len() == 14 { part(12, 14) } else { 0 };
    let fits = (1950..2100).contains(&year) && is_day(year, month, day) && hour < 24 && minute < 60 && second < 60;
    fits.then(|| Parsed {
        form: Form::YearFirst { year, month, day },
        seconds: hour * 3600 + minute * 60 + second,
        zone: None,
        short_year: false,
        tongue: Tongue::Unknown,
        period: false,
    })
}

/// The day of a date before its time.
struct Day {
    form: Form,
    short_year: bool,
    tongue: Tongue,
}

impl Day {
    fn year_first(year: u32, month: u32, day: u32) -> Self {
        let year = year as i32;
        Self {
            form: Form::YearFirst { year, month, day },
            short_year: false,
            tongue: Tongue::Unknown,
        }
    }

    fn named((number, short_year): (i32, bool), name: MonthName, day: u32) -> Self {
        Self {
            form: Form::Named {
                year: year_of(number, short_year),
                month: name.month,
                day,
            },
            short_year,
            tongue: name.tongue,
        }
    }
}

fn digits_first(reader: &mut Reader<'_>) -> Option<Day> {
    let (first, length) = reader.number()?;
    if matches!(length, 2 | 4) && reader.skip_text(&["\u{5e74}", "\u{b144}"]) {
        return east_asian(reader, first, length == 2);
    }
    match (length, reader.peek()) {
        (8, _) => Some(Day::year_first(first / 10_000, first / 100 % 100, first % 100)),
        (4, Some(b'W' | b'w')) => week(reader, first),
        (4, Some(b'-')) if matches!(reader.rest.get(1), Some(b'W' | b'w')) => {
            reader.skip(b'-');
            week(reader, first)
        }
        (4, Some(b' ')) => {
            reader.blanks();
            named_after_year(reader, first, b' ')
        }
        (4, Some(separator @ (b'-' | b'/' | b'.'))) => {
            reader.skip(separator);
            let spaced = separator == b'.' && reader.blanks();
            let next = reader.peek()?;
            if next.is_ascii_alphabetic() || next >= 0x80 {
                return named_after_year(reader, first, separator);
            }
            let month = reader.short_number()?;
            if !reader.skip(separator) {
                return None;
            }
            if spaced {
                reader.blanks();
            }
            let day = reader.short_number()?;
            Some(Day::year_first(first, month, day))
        }
        (1 | 2, Some(_)) => day_or_month_first(reader, first),
        _ => None,
    }
}

/// `2018-Jan-31`, `2018. janu\u{e1}r 31.`
fn named_after_year(reader: &mut Reader<'_>, year: u32, separator: u8) -> Option<Day> {
    let month = month_of(reader.word())?;
    let _ = reader.skip(separator) || reader.skip(b'.');
    reader.blanks();
    let day = reader.short_number()?;
    Some(Day::named((year as i32, false), month, day))
}

/// `2018\u{5e74}1\u{6708}31\u{65e5}` behind the sign for the year, and the same in Korean.
fn east_asian(reader: &mut Reader<'_>, year: u32, short: bool) -> Option<Day> {
    reader.blanks();
    let month = reader.short_number()?;
    if !reader.skip_text(&["\u{6708}", "\u{c6d4}"]) {
        return None;
    }
    reader.blanks();
    let day = reader.short_number()?;
    let _ = reader.skip_text(&["\u{65e5}", "\u{53f7}", "\u{865f}", "\u{c77c}"]);
    let mut found = Day::year_first(year_of(year as i32, short) as u32, month, day);
    found.short_year = short;
    Some(found)
}

/// `2018-W05-3` and `2018W053` (ISO 8601): week 1 holds 4 January, day 1 is Monday.
fn week(reader: &mut Reader<'_>, year: u32) -> Option<Day> {
    let _ = reader.skip_any(b"Ww");
    let (number, length) = reader.number()?;
    let (week, day) = match length {
        2 if reader.skip(b'-') => (number, reader.number().filter(|(_, length)| *length == 1)?.0),
        3 => (number / 10, number % 10),
        _ => return None,
    };
    if !(1..=53).contains(&week) || !(1..=7).contains(&day) || !(1..=9999).contains(&year) {
        return None;
    }
    let fourth = days_from_civil(year as i32, 1, 4);
    let monday = fourth - (fourth + 3).rem_euclid(7);
    let (year, month, day) = civil_from_days(monday + i64::from(week - 1) * 7 + i64::from(day) - 1);
    Some(Day::year_first(u32::try_from(year).ok()?, month, day))
}

/// `31/01/2018`, `31.1.18`, `31. 1. 2018`, `31-Jan-2018`, `31. January 2018`, `31st Jan 2018`, `31 de enero de 2018`.
fn day_or_month_first(reader: &mut Reader<'_>, first: u32) -> Option<Day> {
    let separator = reader.peek()?;
    let behind = reader.rest[1..].iter().find(|byte| **byte != b' ' || separator != b'.');
    if matches!(separator, b'/' | b'-' | b'.') && behind.is_some_and(u8::is_ascii_digit) {
        reader.skip(separator);
        let spaced = reader.blanks();
        let second = reader.short_number()?;
        if !reader.skip(separator) {
            return None;
        }
        if spaced {
            reader.blanks();
        }
        let (third, short_year) = year(reader)?;
        return Some(Day {
            form: Form::Numbers {
                first,
                second,
                third,
                separator,
            },
            short_year,
            tongue: Tongue::Unknown,
        });
    }
    ordinal(reader);
    let _ = reader.skip_any(b".-/");
    reader.blanks();
    // The numeral of May is a word of Czech and Russian, too.
    let mut ahead = Reader { rest: reader.rest };
    let month = if let Some(month) = roman(ahead.word()) {
        reader.rest = ahead.rest;
        month
    } else {
        month_by_name(reader)?
    };
    let _ = reader.skip(b'.');
    let _ = reader.skip_any(b",-/");
    reader.blanks();
    reader.links();
    let _ = reader.skip(b'\'');
    let year = year(reader)?;
    Some(Day::named(year, month, first))
}

/// The month behind a day, as a word or counted.
fn month_by_name(reader: &mut Reader<'_>) -> Option<MonthName> {
    reader.links();
    let before = reader.rest;
    if is_month_sign(reader.word()) {
        reader.blanks();
        let month = reader.short_number().filter(|month| (1..=12).contains(month))?;
        return Some(MonthName {
            month,
            tongue: Tongue::Unknown,
        });
    }
    reader.rest = before;
    month_of(reader.word())
}

/// Months in Roman numerals, as Polish and Hungarian have them: `31.XII.2018`.
fn roman(word: &[u8]) -> Option<MonthName> {
    const NUMERALS: [&[u8]; 12] = [b"I", b"II", b"III", b"IV", b"V", b"VI", b"VII", b"VIII", b"IX", b"X", b"XI", b"XII"];
    let month = (1..).zip(NUMERALS).find(|(_, numeral)| *numeral == word)?.0;
    Some(MonthName {
        month,
        tongue: Tongue::Unknown,
    })
}

/// Vietnamese counts its months: `31 th\u{e1}ng 1 2018`.
fn is_month_sign(word: &[u8]) -> bool {
    std::str::from_utf8(word).is_ok_and(|word| matches!(folded(word).as_str(), "thang" | "thg"))
}

/// Passes over the end of an ordinal number: `31st`, `1er`, `1\u{ba}`, `31-\u{433}\u{43e}`.
fn ordinal(reader: &mut Reader<'_>) {
    const ENDS: &[&str] = &[
        "st",
        "nd",
        "rd",
        "th",
        "er",
        "re",
        "ST",
        "ND",
        "RD",
        "TH",
        "St",
        "Nd",
        "Rd",
        "Th",
        ".\u{ba}",
        "\u{ba}",
        "\u{aa}",
        "\u{b0}",
        "-\u{433}\u{43e}",
        "-\u{435}",
        "\u{433}\u{43e}",
        "e",
        ":e",
        ":a",
    ];
    let before = reader.rest;
    if reader.skip_text(ENDS) && reader.peek().is_some_and(|byte| byte.is_ascii_alphabetic() || byte >= 0x80) {
        reader.rest = before;
    }
}

/// `Jan 31 2018`, `January 31st, 2018`, `Wed, 31 Jan 2018`, `Wednesday 2018-01-31`.
fn word_first(reader: &mut Reader<'_>) -> Option<Day> {
    let before = reader.rest;
    let word = reader.word();
    if let Some(month) = month_of(word)
        && let Some(found) = month_first(reader, month)
    {
        return Some(found);
    }
    // `mar. 31 janv. 2018`: a Tuesday in French, a month in English.
    reader.rest = before;
    let word = reader.word();
    if let Some(before) = era(word) {
        let year = if reader.skip_text(&["\u{5143}"]) {
            1
        } else {
            reader.short_or_three()?
        };
        let _ = reader.skip_text(&["\u{5e74}"]);
        return east_asian(reader, before + year, false);
    }
    // A single letter is a version or an era (`R4.10.19`), no word of a date.
    // The letters of Hungarian days stand apart.
    let apart = word.len() > 1 || matches!(reader.peek(), Some(b'.' | b',' | b' '));
    if !(apart && is_weekday(word) || is_link(word) && word.len() > 1) {
        return None;
    }
    // Portuguese: `quarta-feira`.
    let _ = reader.skip_text(&["-feira"]);
    let _ = reader.skip(b'.');
    let _ = reader.skip(b',');
    reader.blanks();
    reader.links();
    match reader.peek()? {
        byte if byte.is_ascii_digit() => digits_first(reader),
        _ => {
            let month = month_of(reader.word())?;
            month_first(reader, month)
        }
    }
}

/// The year before the first of an era of Japan, or of the calendar of Taiwan.
fn era(word: &[u8]) -> Option<u32> {
    let word = std::str::from_utf8(word).ok()?;
    let eras = [
        ("\u{4ee4}\u{548c}", 2018),
        ("\u{5e73}\u{6210}", 1988),
        ("\u{662d}\u{548c}", 1925),
        ("\u{6c11}\u{570b}", 1911),
        ("\u{6c11}\u{56fd}", 1911),
    ];
    eras.into_iter().find(|(name, _)| *name == word).map(|(_, before)| before)
}

fn month_first(reader: &mut Reader<'_>, month: MonthName) -> Option<Day> {
    let _ = reader.skip_any(b".-/");
    reader.blanks();
    let day = reader.short_number()?;
    let next = reader.peek()?;
    if next.is_ascii_alphabetic() || next >= 0x80 {
        ordinal(reader);
    }
    let separated = reader.skip_any(b",-/.");
    if !(reader.blanks() || separated) {
        return None;
    }
    reader.links();
    let _ = reader.skip(b'\'');
    let (number, length) = reader.number()?;
    // `Jan 31 10:22` names no year: two digits followed by a colon are an hour.
    if !matches!(length, 2 | 4) || reader.peek() == Some(b':') {
        return None;
    }
    Some(Day::named((number as i32, length == 2), month, day))
}

fn year(reader: &mut Reader<'_>) -> Option<(i32, bool)> {
    let (number, length) = reader.number()?;
    match length {
        4 => Some((number as i32, false)),
        2 => Some((number as i32, true)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days_from_civil(2018, 1, 31), 17_562);
        assert_eq!(days_from_civil(2000, 3, 1), 11_017);
        for days in (-800_000..800_000).step_by(17) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year as i32, month, day), days);
            assert!(is_day(year as i32, month, day) || year < 1);
        }
        assert!(is_day(2016, 2, 29) && !is_day(2018, 2, 29) && !is_day(1900, 2, 29) && is_day(2000, 2, 29));
    }

    #[test]
    fn dates_with_one_reading() {
        let day = |text: &str| match parse(text).map(|parsed| parsed.form) {
            Some(Form::YearFirst { year, month, day } | Form::Named { year, month, day }) => Some((year, month, day)),
            _ => None,
        };
        for text in [
            "2018-01-31",
            "2018/1/31",
            "2018.01.31",
            "20180131",
            "2018-Jan-31",
            "31 Jan 2018",
            "31-Jan-2018",
            "31-Jan-18",
            "31. Januar 2018",
            "31 janv. 2018",
            "31st January 2018",
            "Jan 31 2018",
            "Jan 31, 2018",
            "January 31st, 2018",
            "jan-31-2018",
            "Wed Jan 31 2018",
            "Wed, 31 Jan 2018",
            "Wednesday, January 31, 2018",
            "31 de enero de 2018",
            "mi\u{e9}rcoles, 31 de enero de 2018",
            "31 de janeiro de 2018",
            "quarta-feira, 31 de janeiro de 2018",
            "mercredi 31 janvier 2018",
            "mer. 31 janv. 2018",
            "Mi, 31. J\u{e4}nner 2018",
            "31 gennaio 2018",
            "31-jan-2018",
            "31. januar 2018",
            "onsdag den 31. januar 2018",
            "31 januari 2018",
            "31. tammikuuta 2018",
            "31 stycznia 2018 r.",
            "31. ledna 2018",
            "31. janu\u{e1}ra 2018",
            "2018. janu\u{e1}r 31.",
            "2018. jan. 31.",
            "31 ianuarie 2018",
            "31. sije\u{10d}nja 2018.",
            "31. januara 2018.",
            "31 Ocak 2018",
            "31 Ocak 2018 \u{c7}ar\u{15f}amba",
            "31 января 2018 г.",
            "31 січня 2018 р.",
            "31 Ιανουαρίου 2018",
            "31 Januari 2018",
            "31 th\u{e1}ng 1 n\u{103}m 2018",
            "31 thg 1, 2018",
            "2018\u{5e74}1\u{6708}31\u{65e5}",
            "2018\u{5e74}01\u{6708}31\u{65e5}(\u{6c34})",
            "2018\u{b144} 1\u{c6d4} 31\u{c77c}",
            "2018. 1. 31.",
            "2018.01.31.",
            "2018-W05-3",
            "2018W053",
            "2018 Jan 31",
            "31.I.2018",
            "31 I 2018",
            "\u{5e73}\u{6210}30\u{5e74}1\u{6708}31\u{65e5}",
            "\u{6c11}\u{570b}107\u{5e74}1\u{6708}31\u{65e5}",
            "31 \u{5d9}\u{5e0}\u{5d5}\u{5d0}\u{5e8} 2018",
            "31 \u{e21}\u{e01}\u{e23}\u{e32}\u{e04}\u{e21} 2018",
            "31 \u{91c}\u{928}\u{935}\u{930}\u{940} 2018",
            "2018_01_31",
            "2018 01 31",
            "Wed Jan 31 22:56:07 2018",
            "Wed Jan 31 22:56:07 CET 2018",
            "Wed Jan 31 2018 22:56:07 GMT+0100 (Central European Standard Time)",
            "31 Jan '18",
            "31/Jan/2018",
            "\u{662}\u{660}\u{661}\u{668}-\u{660}\u{661}-\u{663}\u{661}",
        ] {
            assert_eq!(day(text), Some((2018, 1, 31)), "{text}");
        }
        assert_eq!(day("14 V 2018"), Some((2018, 5, 14)));
        assert_eq!(day("14 juillet 2018"), Some((2018, 7, 14)));
        assert_eq!(day("14 juin 2018"), Some((2018, 6, 14)));
        assert_eq!(day("5 M\u{e4}rz 2018"), Some((2018, 3, 5)));
        assert_eq!(day("mar. 1 mai 2018"), Some((2018, 5, 1)));
        assert_eq!(day("1er mars 2018"), Some((2018, 3, 1)));
        assert_eq!(day("2-mrt-2018"), Some((2018, 3, 2)));
        for (month, names) in (1..).zip([
            "Januar janvier enero gennaio janeiro januari tammikuu stycze\u{144} leden janu\u{e1}r ianuarie sije\u{10d}anj ocak январь січень Ιανουάριος",
            "Februar f\u{e9}vrier febrero febbraio fevereiro februari helmikuu luty \u{fa}nor febru\u{e1}r februarie velja\u{10d}a \u{15f}ubat февраль лютий Φεβρουάριος",
            "M\u{e4}rz mars marzo mar\u{e7}o maart marts maaliskuu marzec b\u{159}ezen m\u{e1}rcius martie o\u{17e}ujak mart март березень Μάρτιος Maret",
            "April avril abril aprile huhtikuu kwiecie\u{144} duben \u{e1}prilis aprilie travanj nisan апрель квітень Απρίλιος",
            "Mai mayo maggio maio mei maj toukokuu kv\u{11b}ten m\u{e1}jus svibanj may\u{131}s май травень Μάιος",
            "Juni juin junio giugno junho kes\u{e4}kuu czerwiec \u{10d}erven j\u{fa}nius iunie lipanj haziran июнь червень Ιούνιος",
            "Juli juillet julio luglio julho hein\u{e4}kuu lipiec \u{10d}ervenec j\u{fa}lius iulie srpanj temmuz июль липень Ιούλιος",
            "August ao\u{fb}t agosto augustus augusti elokuu sierpie\u{144} srpen augusztus kolovoz a\u{11f}ustos август серпень Αύγουστος Agustus",
            "September septembre septiembre settembre setembro syyskuu wrzesie\u{144} z\u{e1}\u{159}\u{ed} szeptember septembrie rujan eyl\u{fc}l сентябрь вересень Σεπτέμβριος",
            "Oktober octobre octubre ottobre outubro lokakuu pa\u{17a}dziernik \u{159}\u{ed}jen okt\u{f3}ber octombrie ekim октябрь жовтень Οκτώβριος",
            "November novembre noviembre novembro marraskuu noiembrie studeni kas\u{131}m ноябрь листопад Νοέμβριος",
            "Dezember d\u{e9}cembre diciembre dicembre dezembro december desember joulukuu grudzie\u{144} prosinec decembrie prosinac aral\u{131}k декабрь грудень Δεκέμβριος",
        ]) {
            for name in names.split_whitespace() {
                assert_eq!(day(&format!("7 {name} 2018")), Some((2018, month, 7)), "{name}");
            }
        }
    }

    #[test]
    fn times_and_zones_are_read_as_written() {
        let time = |text: &str| parse(text).map(|parsed| (parsed.seconds, parsed.zone));
        for (text, seconds, zone) in [
            ("1/31/2018 22:56", 82_560, None),
            ("1/31/2018 10:56 PM", 82_560, None),
            ("1/31/2018 10:56\u{202f}PM", 82_560, None),
            ("1/31/2018 12:05 a.m.", 300, None),
            ("1/31/2018 10 PM", 79_200, None),
            ("2018-01-31T22:56:00Z", 82_560, Some(0)),
            ("2018-01-31 22:56:00+00:00", 82_560, Some(0)),
            ("2018-01-31T22:56:07.123-0530", 82_567, Some(-330)),
            ("2018-01-31 22:56 UTC", 82_560, Some(0)),
            ("2018-01-31T22:56:00+01:00[Europe/Berlin]", 82_560, Some(60)),
            ("20180131T225600", 82_560, None),
            ("31.01.2018, 22:56", 82_560, None),
            ("2018-01-31 24:00", 86_400, None),
            ("1/31/2018 10:56 p. m.", 82_560, None),
            ("1/31/2018 12:05 a.\u{a0}m.", 300, None),
            ("31/01/2018 22.56", 82_560, None),
            ("31.01.2018 22.56.00", 82_560, None),
            ("31-JAN-18 10.56.00.000000000 PM", 82_560, None),
            ("31-JAN-18 12.05.00.000000000 AM", 300, None),
            ("31-JAN-18 10.56.00.000000 PM +01:00", 82_560, Some(60)),
            ("2018-01-31-22.56.00.000000", 82_560, None),
            ("31/Jan/2018:22:56:00 +0100", 82_560, Some(60)),
            ("31/01/2018 22h56", 82_560, None),
            ("31.01.2018 um 22:56 Uhr", 82_560, None),
            ("31.01.2018 22 Uhr", 79_200, None),
            ("31. januar 2018 kl. 22.56", 82_560, None),
            ("31 de enero de 2018 a las 22:56", 82_560, None),
            ("2018\u{5e74}1\u{6708}31\u{65e5} 22\u{6642}56\u{5206}", 82_560, None),
            ("2018\u{b144} 1\u{c6d4} 31\u{c77c} \u{c624}\u{d6c4} 10:56", 82_560, None),
            ("2018/1/31 \u{4e0b}\u{5348}10:56", 82_560, None),
            ("31/1/2018 10:56 \u{3bc}.\u{3bc}.", 82_560, None),
            ("31/1/2018 10:56 CH", 82_560, None),
            ("2018. 1. 31. \u{c624}\u{d6c4} 10:56:00", 82_560, None),
            ("20180131225600", 82_560, None),
            ("31 \u{44f}\u{43d}\u{432}\u{430}\u{440}\u{44f} 2018 \u{433}., 22:56", 82_560, None),
            ("2018. janu\u{e1}r 31. 22:56", 82_560, None),
            ("31 stycznia 2018 r. 22:56", 82_560, None),
            ("31. tammikuuta 2018 klo 22.56", 82_560, None),
            ("31 th\u{e1}ng 1, 2018 22:56", 82_560, None),
            ("2018-W05-3 22:56", 82_560, None),
            ("2018\u{5e74}1\u{6708}31\u{65e5} \u{4e0b}\u{5348}10:56", 82_560, None),
            ("201801312256", 82_560, None),
            ("Wed Jan 31 22:56:00 CET 2018", 82_560, Some(60)),
            ("Wed Jan 31 2018 22:56:00 GMT+0100 (CET)", 82_560, Some(60)),
            ("2018-01-31 22:56 GMT+1", 82_560, Some(60)),
        ] {
            assert_eq!(time(text), Some((seconds, zone)), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "abc",
            "2018",
            "2018-13-01",
            "2018-02-30",
            "1/2",
            "1/2/3",
            "1/2/201",
            "12:30",
            "5 pipe 2018",
            "Market 3 2018",
            "2018-01-31 25:00",
            "2018-01-31 1:2",
            "2018-01-31x",
            "31/12-2018",
            "1.5",
            "99999999",
            "1/31/2018 22:56 XX",
            "Jan 31",
            "Jan 31 10:22",
            "100/1/2018",
            "2018-01-31,",
            "20180131T",
            "32 Jan 2018",
            "1/31/2018 13:00 PM",
            "R4.10.19",
            "v2.10.19",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
