//! Spellings of classes: what people type for one and the same class, and for not knowing it.

use std::collections::BTreeMap;

use super::super::ticks;
use super::super::words::punctuality;
use super::sort_values;
use crate::notes::Notes;
use crate::tables::{Texts, plain_signs, without_accents};

/// One spelling for all that differ in case, blanks, hyphens and underscores only; numbers by their value.
pub(in crate::features) fn folded(text: &str) -> String {
    if let Ok(number) = text.trim().parse::<f64>()
        && number.is_finite()
    {
        // Both zeros are one number.
        return format!("{}", number + 0.0);
    }
    let spaced: String = text
        .to_lowercase()
        .chars()
        .map(|letter| match letter {
            '-' | '_' | '\u{2010}' | '\u{2011}' => ' ',
            '\u{200b}' | '\u{feff}' => ' ',
            letter => letter,
        })
        .collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    if words.is_empty() {
        text.trim().to_owned()
    } else {
        words.join(" ")
    }
}

/// One spelling for all that mean the same class to a person: as [`folded`], without regard to blanks at all, accents (`ü` is `ue`), full-width letters,
/// quotes around and marks behind; a sign at the end (`A-`) counts.
pub(in crate::features) fn alike(text: &str) -> String {
    let text = plain_signs(text.trim());
    if text.parse::<f64>().is_ok_and(f64::is_finite) {
        return folded(&text);
    }
    const QUOTES: [char; 10] = [
        '"', '\'', '`', '\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{ab}', '\u{bb}', '\u{201a}',
    ];
    let bare = text.trim_matches(QUOTES).trim_end_matches(['.', ',', ';', ':', '!']).trim();
    let bare = if bare.is_empty() { text.trim() } else { bare };
    // A coloured dot or tick beside a word says nothing more; by itself it is the class.
    let worded = bare.chars().any(char::is_alphanumeric);
    let letters: Vec<char> = bare.chars().filter(|letter| !(worded && is_picture(*letter))).collect();
    let start = letters.iter().position(|letter| *letter != ' ').unwrap_or(0);
    let end = letters.iter().rposition(|letter| *letter != ' ').map_or(0, |end| end + 1);
    let letters = letters[start..end.max(start)].to_vec();
    let mut plain = String::with_capacity(bare.len());
    for (place, letter) in letters.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|before| letters.get(before));
        let digits = before.is_some_and(char::is_ascii_digit) && letters.get(place + 1).is_some_and(char::is_ascii_digit);
        let within = before.is_some() && place + 1 < letters.len();
        match letter {
            ' ' | '-' | '_' if digits => plain.push(' '),
            ' ' | '_' => {}
            '-' if within => {}
            'ä' | 'Ä' | 'æ' | 'Æ' => plain.push_str("ae"),
            'ö' | 'Ö' | 'ø' | 'Ø' => plain.push_str("oe"),
            'ü' | 'Ü' => plain.push_str("ue"),
            'ß' => plain.push_str("ss"),
            // The dots of a letter that was written as two characters.
            '\u{308}' if plain.ends_with(['a', 'o', 'u']) => plain.push('e'),
            letter => plain.push_str(&without_accents(letter.encode_utf8(&mut [0; 4]))),
        }
    }
    plain
}

/// Whether a character is a sign that people set beside words: coloured dots, ticks, arrows, faces, and what joins or colours them.
fn is_picture(letter: char) -> bool {
    matches!(letter, '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' | '\u{2190}'..='\u{21ff}' | '\u{25a0}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{1f300}'..='\u{1faff}')
}

/// Whether two texts are spellings of one class (`On-Time` and `on time`).
pub fn is_same_class(left: &str, right: &str) -> bool {
    !alike(left).is_empty() && alike(left) == alike(right)
}

/// Whether two texts are the same truth value: `yes` and `TRUE`, `N` and `0`.
fn same_truth(left: &str, right: &str) -> bool {
    let meanings = ticks::meanings(&[left.to_owned(), right.to_owned()]);
    meanings[0].is_some() && meanings[0] == meanings[1]
}

/// Texts that say that a class is not known.
const UNKNOWN: &[&str] = &[
    "-",
    "--",
    "---",
    "–",
    "—",
    "?",
    "??",
    "???",
    ".",
    "..",
    "...",
    "/",
    "none",
    "na",
    "n/a",
    "n.a.",
    "n.a",
    "#n/a",
    "nan",
    "nil",
    "null",
    "unknown",
    "not known",
    "not available",
    "undefined",
    "missing",
    "blank",
    "(blank)",
    "tbd",
    "tba",
    "unbekannt",
    "k.a.",
    "keine angabe",
    "n.v.",
    "inconnu",
    "inconnue",
    "desconocido",
    "desconocida",
    "desconhecido",
    "sconosciuto",
    "onbekend",
];

/// The classes of a column: each with its most frequent spelling first, and the texts that say that the class is not known.
pub(super) struct Classes {
    pub(super) names: Vec<String>,
    pub(super) values: Vec<Vec<String>>,
    pub(super) missing: Vec<String>,
}

/// Puts the texts of a label column together into classes. `stated`: the texts that the profile says mean no class; where it says
/// nothing, those that usually do, unless they are what is left to tell apart.
pub(super) fn classes(texts: &Texts, stated: &[String]) -> Classes {
    let counts = texts.counts();
    let mut groups: BTreeMap<String, Vec<(usize, &String)>> = BTreeMap::new();
    for (text, count) in texts.values.iter().zip(counts) {
        groups.entry(alike(text)).or_default().push((count, text));
    }
    merge_truths(&mut groups);
    let says_nothing = |text: &str| match stated {
        [] => UNKNOWN.contains(&text.trim().to_lowercase().as_str()),
        _ => is_stated(text, stated),
    };
    let (unknown, known): (Vec<_>, Vec<_>) = groups
        .into_values()
        .partition(|spellings| spellings.iter().all(|(_, text)| says_nothing(text)));
    let told_apart = known.len() >= 2 || !stated.is_empty();
    let (classes, missing) = if told_apart {
        (known, unknown)
    } else {
        (known.into_iter().chain(unknown).collect(), Vec::new())
    };
    let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mut spellings in classes {
        spellings.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(right.1)));
        let values: Vec<String> = spellings.into_iter().map(|(_, text)| text.clone()).collect();
        by_name.insert(values[0].clone(), values);
    }
    let mut names: Vec<String> = by_name.keys().cloned().collect();
    sort_values(&mut names);
    let mut missing: Vec<String> = missing.into_iter().flatten().map(|(_, text)| text.clone()).collect();
    missing.sort();
    Classes {
        values: names.iter().filter_map(|name| by_name.get(name).cloned()).collect(),
        names,
        missing,
    }
}

/// Where all texts are truth values in more than two spellings (`yes`, `Y`, `1`, `TRUE` and their opposites), there are two classes.
fn merge_truths(groups: &mut BTreeMap<String, Vec<(usize, &String)>>) {
    let known: Vec<(String, String)> = groups
        .iter()
        .filter(|(_, spellings)| {
            !spellings
                .iter()
                .all(|(_, text)| UNKNOWN.contains(&text.trim().to_lowercase().as_str()))
        })
        .map(|(key, spellings)| (key.clone(), spellings[0].1.clone()))
        .collect();
    let texts: Vec<String> = known.iter().map(|(_, text)| text.clone()).collect();
    let meanings = ticks::meanings(&texts);
    if known.len() < 3 || !meanings.iter().all(Option::is_some) || ticks::speak_of_errors(&texts) {
        return;
    }
    for wanted in [Some(true), Some(false)] {
        let mut same = known
            .iter()
            .zip(&meanings)
            .filter(|(_, meaning)| **meaning == wanted)
            .map(|((key, _), _)| key);
        let Some(first) = same.next() else { continue };
        let others: Vec<(usize, &String)> = same.filter_map(|key| groups.remove(key)).flatten().collect();
        groups.entry(first.clone()).or_default().extend(others);
    }
}

/// Whether a text is among those stated to mean no class.
pub(super) fn is_stated(text: &str, stated: &[String]) -> bool {
    stated.iter().any(|known| known.trim().to_lowercase() == text.trim().to_lowercase())
}

/// Says which spellings were taken as one class.
pub(super) fn note_spellings(column: &str, texts: &Texts, classes: &[Option<u8>], names: &[String], notes: &mut Notes) {
    let mut several = Vec::new();
    for (class, name) in names.iter().enumerate() {
        let mut own: Vec<&String> = texts
            .values
            .iter()
            .zip(classes)
            .filter(|(text, of)| {
                let same = |text: &str| alike(text) == alike(name) || same_truth(text, name) || means_the_same(text, name);
                **of == u8::try_from(class).ok() && *text != name && same(text)
            })
            .map(|(text, _)| text)
            .collect();
        own.sort();
        if !own.is_empty() {
            let own: Vec<String> = own.into_iter().map(|text| format!("`{text}`")).collect();
            several.push(format!("`{name}` also as {}", own.join(", ")));
        }
    }
    if !several.is_empty() {
        notes.add(
            "label-spellings",
            format!("`{column}` writes a class in several ways: {}", several.join("; ")),
            "taken as one class; `[label]` `classes` in a profile says otherwise",
        );
    }
    note_typos(column, texts, classes, names, notes);
}

fn means_the_same(text: &str, name: &str) -> bool {
    punctuality(text).is_some_and(|said| punctuality(name) == Some(said))
}

/// Says which classes both say early, on time or late, such as `late` and `versp\u{e4}tet`.
pub(super) fn note_same_meaning(column: &str, names: &[String], notes: &mut Notes) {
    let mut pairs = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let others = names[place + 1..].iter().filter(|other| means_the_same(other, name));
        pairs.extend(others.map(|other| format!("`{name}` and `{other}`")));
    }
    if !pairs.is_empty() {
        notes.add(
            "classes-of-one-meaning",
            format!("classes of `{column}` seem to mean the same: {}", pairs.join(", ")),
            "kept apart; `[label]` `classes` in a profile, or one word for both in the sheet, makes them one class",
        );
    }
}

/// Says which classes of hardly any rows are one letter away from a class of many: slips of the keyboard, perhaps.
fn note_typos(column: &str, texts: &Texts, classes: &[Option<u8>], names: &[String], notes: &mut Notes) {
    const TIMES: usize = 20;
    const LETTERS: usize = 4;
    let mut rows = vec![0_usize; names.len()];
    for (count, class) in texts.counts().into_iter().zip(classes) {
        if let Some(rows) = class.and_then(|class| rows.get_mut(usize::from(class))) {
            *rows += count;
        }
    }
    for (rare, name) in names
        .iter()
        .enumerate()
        .filter(|(class, name)| rows[*class] > 0 && name.chars().count() >= LETTERS)
    {
        let near = |(class, other): &(usize, &String)| {
            rows[*class] >= TIMES * rows[rare]
                && one_slip(&alike(name), &alike(other))
                && !name.bytes().any(|letter| letter.is_ascii_digit())
        };
        if let Some((frequent, other)) = names.iter().enumerate().find(near) {
            notes.add(
                "label-typos",
                format!(
                    "`{column}` has {} with `{name}`, one slip away from `{other}` ({} rows)",
                    counted_rows(rows[rare]),
                    rows[frequent]
                ),
                "kept as a class of its own: correct the sheet, or list both values under one class in `[label]` `classes` of a profile",
            );
        }
    }
}

fn counted_rows(count: usize) -> String {
    format!("{count} {}", if count == 1 { "row" } else { "rows" })
}

/// Whether one text becomes the other by a letter more, less or other, or two letters exchanged.
fn one_slip(left: &str, right: &str) -> bool {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let same = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
    let (left, right) = (&left[same..], &right[same..]);
    let end = left
        .iter()
        .rev()
        .zip(right.iter().rev())
        .take_while(|(left, right)| left == right)
        .count();
    let (left, right) = (&left[..left.len() - end], &right[..right.len() - end]);
    matches!((left, right), ([_], [] | [_]) | ([], [_])) || matches!((left, right), ([a, b], [c, d]) if a == d && b == c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[(&str, usize)]) -> Texts {
        let mut texts = Texts::default();
        for (code, (value, count)) in values.iter().enumerate() {
            texts.values.push((*value).to_owned());
            texts.codes.extend(std::iter::repeat_n(code as u32, *count));
        }
        texts
    }

    #[test]
    fn spellings_of_one_class_are_one_and_what_says_nothing_is_none() {
        let found = classes(
            &texts(&[
                ("yes", 5),
                ("Yes", 3),
                ("YES", 2),
                ("no", 4),
                ("NO", 4),
                ("-", 1),
                ("?", 1),
                ("None", 2),
                ("unknown", 1),
            ]),
            &[],
        );
        assert_eq!(found.names, ["NO", "yes"]);
        assert_eq!(
            found.values,
            [vec!["NO", "no"], vec!["yes", "Yes", "YES"]].map(|values| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
        );
        assert_eq!(found.missing, ["-", "?", "None", "unknown"]);
        let found = classes(&texts(&[("on time", 3), ("On-Time", 2), ("on_time", 1), ("late", 2)]), &[]);
        assert_eq!(found.names, ["late", "on time"]);
    }

    #[test]
    fn spellings_that_look_different_to_a_program_alone_are_one_class() {
        for (left, right) in [
            ("on time", "OnTime"),
            ("on time", "ON_TIME"),
            ("late", "\u{ff2c}\u{ff21}\u{ff34}\u{ff25}"),
            ("p\u{fc}nktlich", "pu\u{308}nktlich"),
            ("p\u{fc}nktlich", "puenktlich"),
            ("late", "Late."),
            ("late", "'late'"),
            ("ret\u{e1}rd", "retard"),
        ] {
            assert_eq!(alike(left), alike(right), "{left} {right}");
        }
        for (left, right) in [
            ("A", "A-"),
            ("A+", "A"),
            ("1", "-1"),
            ("<5", ">5"),
            ("1-2", "12"),
            ("3 4", "34"),
            ("-", "?"),
        ] {
            assert_ne!(alike(left), alike(right), "{left} {right}");
        }
        let found = classes(&texts(&[("yes", 5), ("Y", 2), ("1", 1), ("no", 4), ("FALSE", 1), ("0", 2)]), &[]);
        assert_eq!(found.names, ["no", "yes"]);
        assert_eq!(classes(&texts(&[("A", 5), ("A-", 2), ("A+", 1)]), &[]).names, ["A", "A+", "A-"]);
    }

    #[test]
    fn a_class_of_a_row_that_is_a_slip_of_another_is_told() {
        let told = |rare: &str| {
            let found = texts(&[("late", 60), ("on time", 30), (rare, 1)]);
            let names = ["late", "on time", rare].map(str::to_owned);
            let mut notes = Notes::new();
            note_spellings("Status", &found, &[Some(0), Some(1), Some(2)], &names, &mut notes);
            notes.has("label-typos")
        };
        assert!(told("laet") && told("latte") && told("lade"));
        assert!(!told("lost") && !told("early"));
    }

    #[test]
    fn what_says_nothing_is_a_class_where_else_there_would_be_only_one() {
        let found = classes(&texts(&[("damaged", 3), ("None", 2)]), &[]);
        assert_eq!((found.names.len(), found.missing.len()), (2, 0));
        let stated = ["open".to_owned()];
        let found = classes(&texts(&[("late", 3), ("fine", 2), ("Open", 1), ("-", 1)]), &stated);
        assert_eq!(
            (found.names, found.missing),
            (vec!["-".to_owned(), "fine".to_owned(), "late".to_owned()], vec!["Open".to_owned()])
        );
    }
}
