//! Spans of time as hours: `36:15`, `2 days 03:00`, `PT12M`, `1h 30m`, `3 Tage`; times of day as hours since midnight.

use crate::tables::dates;
use crate::tables::digits::ascii;
use crate::tables::text::trimmed;

/// Longer texts are taken for no durations.
const MAX_BYTES: usize = 48;

const SECOND: f64 = 1.0;
const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;
const DAY: f64 = 86_400.0;
const WEEK: f64 = 604_800.0;

/// Words for units in lower case, by language: English, German, Dutch, Danish, Norwegian, Swedish, French, Spanish, Portuguese, Italian, Romanian,
/// Polish, Czech, Slovak, Slovenian, Croatian, Hungarian, Finnish, Turkish, Indonesian, Russian, Ukrainian, Greek, Vietnamese, Chinese, Japanese, Korean.
/// A bare `m` is minutes only beside another unit: it may be metres.
const UNITS: &[(f64, &str)] = &[
    (
        SECOND,
        " s sec secs second seconds sek sekunde sekunden seconde seconden sekund sekunder secondes seg segundo segundos secondo secondi secunde \
         sekundy sekunda sekundi sekunti sekuntia saniye detik сек секунд секунды секунда gi\u{e2}y 秒 초 ",
    ),
    (
        MINUTE,
        " min mins minute minutes minuten minuut minuter minutter minuto minutos minuti minut minuty min\u{fa}t minuta perc minuuttia minuutti dakika dk \
         menit мин минут минуты минута хв хвилин хвилини \u{3bb}\u{3b5}\u{3c0}\u{3c4}\u{3ac} ph\u{fa}t 分 分钟 分鐘 分間 분 ",
    ),
    (
        HOUR,
        " h hr hrs hour hours std stunde stunden uur uren u time timer timme timmar tim heure heures hora horas ora ore or\u{103} godz godzina godziny \
         godzin hod hodin hodina hodiny hod\u{ed}n ura ure sat sati sata \u{f3}ra tunti tuntia saat sa jam ч час часа часов год годин години \
         \u{3ce}\u{3c1}\u{3b5}\u{3c2} gi\u{1edd} 小时 小時 時間 시간 ",
    ),
    (
        DAY,
        " d day days tag tage tagen dag dagen dage dager dagar jour jours j d\u{ed}a d\u{ed}as dia dias giorno giorni gg zi zile dzie\u{144} dni den dny \
         dn\u{16f} de\u{148} dn\u{ed} dan dana nap p\u{e4}iv\u{e4} p\u{e4}iv\u{e4}\u{e4} pv g\u{fc}n hari дн день дня дней дні днів \
         \u{3b7}\u{3bc}\u{3ad}\u{3c1}\u{3b5}\u{3c2} ng\u{e0}y 天 日間 日 일 ",
    ),
    (
        WEEK,
        " w wk wks week weeks woche wochen weken vecka veckor uge uger uke uker semaine semaines semana semanas settimana settimane s\u{103}pt\u{103}m\u{e2}ni \
         tydzie\u{144} tygodnie tygodni t\u{fd}den t\u{fd}dny t\u{fd}dn\u{16f} teden tedna tjedan tjedna h\u{e9}t viikko viikkoa hafta minggu неделя недели \
         недель тижні тижнів tu\u{1ea7}n 周 週間 주 ",
    ),
];

fn unit(word: &str) -> Option<f64> {
    let word = word.trim_end_matches(['.', '(', ')']).trim_end_matches("(s").to_lowercase();
    if word.is_empty() {
        return None;
    }
    let listed = format!(" {word} ");
    UNITS.iter().find(|(_, words)| words.contains(&listed)).map(|(seconds, _)| *seconds)
}

/// The seconds of a duration; `None` where the text is none.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    let text = ascii(trimmed(text));
    let text = trimmed(&text);
    if text.len() > MAX_BYTES || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if let Some(seconds) = text.strip_prefix('-').and_then(days_and_clock) {
        return Some(seconds);
    }
    let (negative, bare) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let seconds = match bare.as_bytes().first()? {
        b'P' | b'p' => iso(bare)?,
        _ => clock(bare)
            .or_else(|| words(bare))
            .or_else(|| half_day(bare))
            .or_else(|| told_clock(bare))?,
    };
    Some(if negative { -seconds } else { seconds })
}

/// What pandas, Python and PostgreSQL write behind the minus sign of a negative duration: `1 days +20:00:00`, `1 day, 20:00:00`, `1 days -04:00:00`. The
/// sign is that of the days alone.
fn days_and_clock(text: &str) -> Option<f64> {
    let (amount, rest) = text.split_once(' ')?;
    let rest = rest.strip_prefix("days").or_else(|| rest.strip_prefix("day"))?;
    let (sign, time) = if let Some(time) = rest.strip_prefix(", ").or_else(|| rest.strip_prefix(" +")) {
        (1.0, time)
    } else {
        (-1.0, rest.strip_prefix(" -")?)
    };
    let of_day = time.starts_with(|first: char| first.is_ascii_digit()).then(|| clock(time))??;
    let days = number(amount)?;
    (of_day < DAY).then_some(sign * of_day - days * DAY)
}

/// A time of day of twelve hours: `10:30 PM`, `10:30 p. m.`
fn half_day(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == ':'))?;
    let word = text[end..].trim_start();
    let (afternoon, length) = dates::half_day(word)?;
    let seconds = clock(&text[..end]).filter(|seconds| *seconds < 13.0 * HOUR && length == word.len())?;
    Some(seconds % (12.0 * HOUR) + if afternoon { 12.0 * HOUR } else { 0.0 })
}

/// A clock time with its word behind it: `08:30 Uhr`, `08.30 Uhr`, `36:15 h`.
fn told_clock(text: &str) -> Option<f64> {
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let (time, word) = (&text[..end], text[end..].trim_start());
    if word.trim_end_matches('.').eq_ignore_ascii_case("uhr") {
        return clock(&time.replace('.', ":"));
    }
    (unit(word)? == HOUR).then(|| clock(time))?
}

/// A number with at most one decimal mark and no sign.
fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','));
    if !plain || !text.ends_with(|c: char| c.is_ascii_digit()) || !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    text.replace(',', ".").parse().ok()
}

/// ISO 8601: `P3DT4H`, `PT12M`, `P2W`, `PT1H30.5S`, and with signs of the parts, as pandas writes them: `P-1DT20H0M0S`. Years and months have no fixed length and are refused.
fn iso(text: &str) -> Option<f64> {
    let rest = text.get(1..)?.to_ascii_uppercase();
    let (date, time) = match rest.split_once('T') {
        Some((date, time)) if !time.is_empty() => (date, time),
        Some(_) => return None,
        None => (rest.as_str(), ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let mut total = 0.0;
    for (part, units) in [
        (date, [('W', WEEK), ('D', DAY), ('D', DAY)]),
        (time, [('H', HOUR), ('M', MINUTE), ('S', SECOND)]),
    ] {
        let mut rest = part;
        for (letter, seconds) in units {
            if let Some((amount, behind)) = rest.split_once(letter) {
                total += match amount.strip_prefix('-') {
                    Some(amount) => -number(amount)?,
                    None => number(amount)?,
                } * seconds;
                rest = behind;
            }
        }
        if !rest.is_empty() {
            return None;
        }
    }
    Some(total)
}

/// `36:15`, `36:15:30.5`, and days before it: `2 days 03:00`, `1 day, 2:03:04`, `2.03:00:00`, `+1 02:03:04`.
fn clock(text: &str) -> Option<f64> {
    let colon = text.find(':')?;
    let start = text[..colon].rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    let (days, clock) = text.split_at(start);
    let days = match days {
        "" => 0.0,
        _ => {
            let bare = days.trim_end_matches([' ', ',', '.', '+']);
            match bare.split_once(' ') {
                Some((amount, word)) => (unit(word.trim())? == DAY).then(|| number(amount))??,
                None => {
                    let letters = bare.find(|c: char| !c.is_ascii_digit()).unwrap_or(bare.len());
                    let (amount, word) = bare.split_at(letters);
                    (word.is_empty() || unit(word)? == DAY).then(|| number(amount))??
                }
            }
        }
    };
    let mut parts = clock.split(':');
    let hours: f64 = parts.next().filter(|hours| (1..=6).contains(&hours.len())).and_then(number)?;
    let minutes = parts.next().filter(|minutes| minutes.len() == 2).and_then(number)?;
    let seconds = match parts.next() {
        None => 0.0,
        Some(seconds) => {
            let whole = seconds.split(['.', ',']).next()?;
            (whole.len() == 2).then(|| number(seconds))??
        }
    };
    let fits = minutes < 60.0 && seconds < 60.0 && (start == 0 || hours < 24.0) && parts.next().is_none();
    fits.then_some(days * DAY + hours * HOUR + minutes * MINUTE + seconds)
}

/// `1h 30m`, `1 h 30 min`, `3 Tage`, `1,5 Std.`, `2 Wochen und 3 Tage`: amounts with units, the larger first.
fn words(text: &str) -> Option<f64> {
    let (mut total, mut last, mut rest) = (0.0, f64::INFINITY, text);
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',')))
            .unwrap_or(rest.len());
        let amount = number(&rest[..digits])?;
        rest = rest[digits..].trim_start();
        // The minutes of `2h30`.
        if rest.is_empty() && last == HOUR && digits == 2 && amount < 60.0 {
            return Some(total + amount * MINUTE);
        }
        let letters = rest
            .find(|c: char| c.is_ascii_digit() || matches!(c, ' ' | ','))
            .unwrap_or(rest.len());
        let word = &rest[..letters];
        let seconds = match word {
            "m" | "m." | "M" if last.is_finite() || rest.len() > letters => MINUTE,
            _ => unit(word)?,
        };
        if seconds >= last {
            return None;
        }
        (total, last) = (total + amount * seconds, seconds);
        rest = rest[letters..].trim_start_matches([' ', ',']);
        for and in ["and ", "und ", "et ", "y ", "e ", "en ", "og ", "och "] {
            rest = rest.strip_prefix(and).unwrap_or(rest);
        }
    }
    last.is_finite().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_the_usual_spellings() {
        for (text, hours) in [
            ("20:00:00", 20.0),
            ("36:15", 36.25),
            ("12:30 PM", 12.5),
            ("12:30 a. m.", 0.5),
            ("10:30:00 pm", 22.5),
            ("08:30", 8.5),
            ("-1:30", -1.5),
            ("100:00:36", 100.01),
            ("2 days 03:00", 51.0),
            ("2 days 03:00:00", 51.0),
            ("0 days 00:30:00.000000", 0.5),
            ("1 day, 2:30:00", 26.5),
            ("2.03:00:00", 51.0),
            ("+01 02:30:00.000", 26.5),
            ("1 02:30", 26.5),
            ("PT12M", 0.2),
            ("P3DT4H", 76.0),
            ("P2W", 336.0),
            ("PT1H30M", 1.5),
            ("PT1.5H", 1.5),
            ("-P1D", -24.0),
            ("P-1DT20H0M0S", -4.0),
            ("P1DT-2H", 22.0),
            ("-1 days +20:00:00", -4.0),
            ("-1 days +23:59:59.500000", -0.5 / 3600.0),
            ("-1 day, 20:00:00", -4.0),
            ("-3 days, 1:00:00", -71.0),
            ("-1 days -04:00:00", -28.0),
            ("-1 day 4:00", -28.0),
            ("-2.03:00:00", -51.0),
            ("-01 02:30:00", -26.5),
            ("1h 30m", 1.5),
            ("1h30m", 1.5),
            ("1 h 30 min", 1.5),
            ("90 min", 1.5),
            ("3 Tage", 72.0),
            ("3 days", 72.0),
            ("1 day(s)", 24.0),
            ("1,5 Std.", 1.5),
            ("2 Wochen und 3 Tage", 408.0),
            ("2 jours", 48.0),
            ("3 d\u{ed}as 2 horas", 74.0),
            ("2 giorni", 48.0),
            ("2 dni", 48.0),
            ("3 dn\u{16f}", 72.0),
            ("2 дня", 48.0),
            ("3天", 72.0),
            ("5日", 120.0),
            ("2時間30分", 2.5),
            ("2시간", 2.0),
            ("2 ng\u{e0}y", 48.0),
            ("2 g\u{fc}n", 48.0),
            ("3600 s", 1.0),
            ("2h30", 2.5),
            ("12 h 05", 12.0 + 5.0 / 60.0),
            ("08:30 Uhr", 8.5),
            ("8.30 Uhr", 8.5),
            ("36:15 h", 36.25),
            ("36:15 hrs", 36.25),
        ] {
            let found = seconds(text).map(|seconds| seconds / HOUR);
            assert!(found.is_some_and(|found| (found - hours).abs() < 1e-9), "{text}: {found:?}");
        }
        for text in [
            "",
            "12",
            "5 m",
            "12 kg",
            "1:2",
            "1:99",
            "13:30 PM",
            "P1Y",
            "P",
            "PT",
            "Pallet 3",
            "3 or 4 days",
            "30m 1h",
            "1:2:3:4",
            "2 weeks 25:00",
            "10:30:99",
            "12h 12h",
            "5 business days",
            "2h3",
            "2h75",
            "h30",
            "2 days 30",
            "25.75 Uhr",
            "8:30 min",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
