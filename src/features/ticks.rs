//! Columns of ticks: which lines of a sheet somebody marked, in the words and signs that people use for it.

use super::words::words;
use crate::tables::Texts;

const YES: &[&str] = &[
    "true",
    "t",
    "yes",
    "y",
    "x",
    "xx",
    "xxx",
    "ja",
    "j",
    "oui",
    "si",
    "sí",
    "sì",
    "sim",
    "да",
    "tak",
    "kyllä",
    "evet",
    "hai",
    "はい",
    "是",
    "wahr",
    "vrai",
    "verdadero",
    "verdadeiro",
    "vero",
    "waar",
    "✓",
    "✔",
    "☑",
    "✅",
    "☒",
    "🗹",
    "🗸",
    "checked",
    "ticked",
    "marked",
    "wrong",
    "incorrect",
    "bad",
    "invalid",
    "flag",
    "flagged",
    "issue",
    "error",
    "mistake",
    "fehler",
    "fehlerhaft",
    "erreur",
    "incorrecto",
    "erróneo",
    "errado",
    "errore",
    "sbagliato",
    "fout",
    "mislabeled",
    "mislabelled",
];
const NO: &[&str] = &[
    "",
    "false",
    "f",
    "no",
    "n",
    "nein",
    "non",
    "não",
    "nao",
    "nee",
    "нет",
    "nie",
    "ei",
    "hayır",
    "いいえ",
    "否",
    "☐",
    "□",
    "unchecked",
    "ok",
    "okay",
    "fine",
    "right",
    "correct",
    "good",
    "valid",
    "richtig",
    "korrekt",
    "gut",
    "juste",
    "correcto",
    "correto",
    "corretto",
    "goed",
    "-",
    "–",
    "—",
];
/// Words that say "no" in a column of truth values, and "wrong" beside words for "right".
const EITHER: &[&str] = &["falsch", "faux", "falso", "onwaar"];
/// What a truth value of yes is called in their languages.
const TRUTHS: &[&str] = &["wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar"];
const RIGHT: &[&str] = &[
    "richtig", "korrekt", "gut", "juste", "correcto", "correto", "corretto", "goed", "ok", "okay",
];

/// A cell of ticks in one spelling: lower case, without the variation selectors that follow some signs, numbers as `0` and `1`.
fn plain(text: &str) -> String {
    let text: String = text.trim().to_lowercase().chars().filter(|letter| *letter != '\u{fe0f}').collect();
    match text.parse::<f64>() {
        Ok(0.0) => "no".to_owned(),
        Ok(1.0) => "yes".to_owned(),
        _ => text,
    }
}

/// What each of the distinct texts of a column of ticks says: ticked, not ticked, or neither of them for certain.
pub fn meanings(values: &[String]) -> Vec<Option<bool>> {
    let plain: Vec<String> = values.iter().map(|value| plain(value)).collect();
    let any = |list: &[&str]| plain.iter().any(|value| list.contains(&value.as_str()));
    // `FALSCH` is what a German Excel shows for FALSE, and what a person writes for "wrong".
    let either = match (any(TRUTHS), any(RIGHT)) {
        (true, false) => Some(false),
        (false, true) => Some(true),
        _ => None,
    };
    plain
        .iter()
        .map(|value| match value.as_str() {
            value if YES.contains(&value) => Some(true),
            value if NO.contains(&value) => Some(false),
            value if EITHER.contains(&value) => either,
            _ => None,
        })
        .collect()
}

/// Whether a text by itself is a truth value as programs write it: 0, 1, True, False.
pub fn is_truth(text: &str) -> bool {
    let text = text.trim();
    matches!(text.parse::<f64>(), Ok(0.0 | 1.0)) || ["true", "false"].contains(&text.to_lowercase().as_str())
}

/// Whether all values of a column are ticks or the lack of them, and there is one at least.
pub fn are_ticks(texts: &Texts) -> bool {
    !texts.values.is_empty() && meanings(&texts.values).iter().all(Option::is_some)
}

/// Whether a column's name says no more than that it marks rows as wrong: `wrong?`, `is_label_issue`, `Fehler`.
pub fn names_ticks(name: &str) -> bool {
    const MARKS: &[&str] = &[
        "wrong",
        "wrongly",
        "flag",
        "flags",
        "flagged",
        "error",
        "errors",
        "erroneous",
        "mistake",
        "mistakes",
        "mistaken",
        "incorrect",
        "incorrectly",
        "mislabeled",
        "mislabelled",
        "issue",
        "issues",
        "check",
        "checked",
        "suspicious",
        "suspect",
        "suspected",
        "bad",
        "invalid",
        "tick",
        "ticked",
        "mark",
        "marked",
        "corrupt",
        "corrupted",
        "falsch",
        "fehler",
        "fehlerhaft",
        "prüfen",
        "geprüft",
        "markiert",
        "markierung",
        "faux",
        "fausse",
        "erreur",
        "erreurs",
        "incorrecto",
        "incorrecta",
        "erróneo",
        "errado",
        "errada",
        "erro",
        "sbagliato",
        "errore",
        "fout",
        "fouten",
        "marcado",
        "x",
        "✓",
        "✗",
    ];
    const BESIDE: &[&str] = &[
        "is", "are", "has", "a", "an", "the", "label", "labels", "row", "rows", "line", "lines", "data", "entry", "entries", "entered",
        "to", "be", "this", "was", "ist", "zeile", "eintrag", "class",
    ];
    let words = words(name);
    words.iter().any(|word| MARKS.contains(&word.as_str()))
        && words
            .iter()
            .all(|word| MARKS.contains(&word.as_str()) || BESIDE.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(values: &[&str]) -> Vec<Option<bool>> {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        meanings(&values)
    }

    #[test]
    fn ticks_are_read_in_the_words_and_signs_that_people_use() {
        for yes in [
            "x",
            "X",
            "ja",
            "Oui",
            "sí",
            "✓",
            "✔",
            "✔\u{fe0f}",
            "☑",
            "1",
            "1.0",
            "1.000000000000000000e+00",
            "TRUE",
            "yes",
            "wrong",
            "Error",
        ] {
            assert_eq!(said(&[yes]), [Some(true)], "{yes}");
        }
        for no in ["0", "0.000000000000000000e+00", "False", "no", "nein", "ok", "☐", "-"] {
            assert_eq!(said(&[no]), [Some(false)], "{no}");
        }
        for unclear in ["maybe", "2", "0.5", "❌", "falsch"] {
            assert_eq!(said(&[unclear]), [None], "{unclear}");
        }
    }

    #[test]
    fn a_word_for_false_and_wrong_means_what_stands_beside_it() {
        assert_eq!(said(&["WAHR", "FALSCH"]), [Some(true), Some(false)]);
        assert_eq!(said(&["richtig", "falsch"]), [Some(false), Some(true)]);
        assert_eq!(said(&["VRAI", "FAUX"]), [Some(true), Some(false)]);
    }

    #[test]
    fn only_a_name_that_says_nothing_else_names_ticks() {
        for name in [
            "wrong?",
            "Flag",
            "is_label_issue",
            "Error",
            "label wrong",
            "Fehler",
            "check",
            "entered wrongly?",
        ] {
            assert!(names_ticks(name), "{name}");
        }
        for name in [
            "Express flag",
            "Error code",
            "Late",
            "Check-in date",
            "Row",
            "Late_delivery_risk",
            "Damage issue type",
        ] {
            assert!(!names_ticks(name), "{name}");
        }
    }
}
