//! Spellings of classes: what people type for one and the same class, and for not knowing it.

use std::collections::BTreeMap;

use super::sort_values;
use crate::notes::Notes;
use crate::tables::Texts;

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
        groups.entry(folded(text)).or_default().push((count, text));
    }
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
            .filter(|(text, of)| **of == u8::try_from(class).ok() && *text != name && folded(text) == folded(name))
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
