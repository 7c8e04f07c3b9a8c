//! Words in dates: months, days of the week, time zones.

/// Time zones by their usual letters: minutes east of UTC.
pub(super) const ZONES: &[(&str, i16)] = &[
    ("Z", 0),
    ("UTC", 0),
    ("GMT", 0),
    ("WET", 0),
    ("BST", 60),
    ("CET", 60),
    ("MEZ", 60),
    ("CEST", 120),
    ("MESZ", 120),
    ("EET", 120),
    ("EEST", 180),
    ("MSK", 180),
    ("JST", 540),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
];

/// Months by the beginnings of their names in English, German, French, Spanish, Italian and Portuguese, lower case.
const MONTHS: &[(&str, u32)] = &[
    ("jan", 1),
    ("j\u{e4}n", 1),
    ("ene", 1),
    ("gen", 1),
    ("feb", 2),
    ("f\u{e9}v", 2),
    ("fev", 2),
    ("mar", 3),
    ("m\u{e4}r", 3),
    ("mrz", 3),
    ("apr", 4),
    ("avr", 4),
    ("abr", 4),
    ("may", 5),
    ("mai", 5),
    ("mag", 5),
    ("jun", 6),
    ("juin", 6),
    ("giu", 6),
    ("jul", 7),
    ("juil", 7),
    ("lug", 7),
    ("aug", 8),
    ("ao\u{fb}", 8),
    ("aou", 8),
    ("ago", 8),
    ("sep", 9),
    ("set", 9),
    ("oct", 10),
    ("okt", 10),
    ("out", 10),
    ("ott", 10),
    ("nov", 11),
    ("dec", 12),
    ("dez", 12),
    ("d\u{e9}c", 12),
    ("dic", 12),
];

/// The names in full, so that a word that merely begins like a month (`Market`, `Decline`) is none.
const FULL_MONTHS: &str = " january february march april may june july august september october november december sept \
    januar j\u{e4}nner jaenner februar feber m\u{e4}rz mai juni juli oktober dezember \
    janvier janv f\u{e9}vrier fevrier f\u{e9}vr mars avril juin juillet juil ao\u{fb}t aout septembre octobre novembre d\u{e9}cembre decembre \
    enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre \
    gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre \
    janeiro fevereiro mar\u{e7}o marco maio junho julho setembro outubro novembro dezembro ";

/// The month a word names.
pub(super) fn month_of(word: &[u8]) -> Option<u32> {
    if word.len() < 3 || word.len() > 12 {
        return None;
    }
    let word = std::str::from_utf8(word).ok()?.to_lowercase();
    let short = MONTHS.iter().find(|(name, _)| *name == word);
    if let Some((_, month)) = short {
        return Some(*month);
    }
    FULL_MONTHS
        .contains(&format!(" {word} "))
        .then(|| {
            MONTHS
                .iter()
                .rev()
                .find(|(name, _)| word.starts_with(name))
                .map(|(_, month)| *month)
        })
        .flatten()
}

/// Whether a word names a day of the week.
pub(super) fn is_weekday(word: &[u8]) -> bool {
    const DAYS: &str = " mon monday tue tues tuesday wed wednesday thu thur thurs thursday fri friday sat saturday sun sunday \
        mo montag di dienstag mi mittwoch do donnerstag fr freitag sa samstag so sonntag \
        lun lundi mardi mer mercredi jeu jeudi ven vendredi sam samedi dim dimanche ";
    std::str::from_utf8(word).is_ok_and(|word| !word.is_empty() && DAYS.contains(&format!(" {} ", word.to_lowercase())))
}
