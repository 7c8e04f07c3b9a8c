//! Columns of ticks: which lines of a sheet somebody marked, in the words and signs that people use for it.

use super::words::words;
use crate::tables::Texts;

/// Words and signs that say yes.
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
    "ano",
    "áno",
    "igen",
    "так",
    "ναι",
    "예",
    "네",
    "có",
    "ya",
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
];
/// Words that say of a row that it is wrong, whatever the column is called.
const YES_WRONG: &[&str] = &[
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
    "typo",
    "nok",
    "n.i.o.",
    "nio",
    "erroné",
    "errada",
    "chyba",
    "błąd",
    "hiba",
    "hibás",
    "ошибка",
    "неверно",
    "fel",
    "feil",
    "fejl",
    "virhe",
    "hata",
    "yanlış",
    "错",
    "错误",
    "錯誤",
    "誤り",
];
/// Words and signs that say no.
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
    "ne",
    "nem",
    "nej",
    "nei",
    "nu",
    "ні",
    "όχι",
    "아니오",
    "không",
    "tidak",
    "ei",
    "hayır",
    "いいえ",
    "否",
    "☐",
    "□",
    "unchecked",
    "none",
    "-",
    "–",
    "—",
];
/// Words that say of a row that it is right, whatever the column is called.
const NO_RIGHT: &[&str] = &[
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
    "in ordnung",
    "i.o.",
    "no error",
    "správně",
    "poprawne",
    "верно",
    "正确",
    "正しい",
];
/// Words that say "no" in a column of truth values, and "wrong" beside words for "right".
const EITHER: &[&str] = &["falsch", "faux", "falso", "onwaar"];
/// What a truth value of yes is called in their languages.
const TRUTHS: &[&str] = &["wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar"];
const RIGHT: &[&str] = &[
    "richtig", "korrekt", "gut", "juste", "correcto", "correto", "corretto", "goed", "ok", "okay",
];

/// First letters of yes and no, or of true and false, that say so beside each other only: oui and non, sí and no, wahr and falsch, vrai (vero,
/// verdadero) and faux, ano and ne, evet and hayır, igen and nem, да and нет.
const LETTERS: &[(&str, &str)] = &[
    ("o", "n"),
    ("s", "n"),
    ("w", "f"),
    ("v", "f"),
    ("a", "n"),
    ("e", "h"),
    ("i", "n"),
    ("д", "н"),
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
    // Such letters mean something in a column of nothing else.
    let pair = LETTERS.iter().find(|(yes, no)| {
        let within = |value: &String| [*yes, *no, ""].contains(&value.as_str());
        any(&[*yes]) && any(&[*no]) && plain.iter().all(within)
    });
    plain
        .iter()
        .map(|value| match value.as_str() {
            value if pair.is_some_and(|(yes, _)| *yes == value) => Some(true),
            value if pair.is_some_and(|(_, no)| *no == value) => Some(false),
            value if YES.contains(&value) || YES_WRONG.contains(&value) => Some(true),
            value if NO.contains(&value) || NO_RIGHT.contains(&value) => Some(false),
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

/// Whether a value of a column of ticks says by itself that a row is wrong or right (`wrong`, `ok`), and not only yes or no.
pub fn speak_of_errors(values: &[String]) -> bool {
    values.iter().any(|value| {
        let value = plain(value);
        YES_WRONG.contains(&value.as_str()) || NO_RIGHT.contains(&value.as_str())
    })
}

/// Whether all values are words that say "no" and "wrong" (`falsch`).
pub fn speak_of_either(values: &[String]) -> bool {
    !values.is_empty() && values.iter().all(|value| EITHER.contains(&plain(value).as_str()))
}

/// Words for what is wrong.
const WRONG: &[&str] = &[
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
    "suspicious",
    "suspect",
    "suspected",
    "bad",
    "invalid",
    "corrupt",
    "corrupted",
    "falsch",
    "fehler",
    "fehlerhaft",
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
    "anomaly",
    "anomalous",
    "outlier",
    "noisy",
    "noise",
    "inkorrekt",
    "ungültig",
    "chyba",
    "chybně",
    "błąd",
    "błędny",
    "błędne",
    "hiba",
    "hibás",
    "ошибка",
    "ошибки",
    "ошибочно",
    "неверно",
    "помилка",
    "fel",
    "felaktig",
    "feil",
    "fejl",
    "forkert",
    "virhe",
    "virheellinen",
    "hata",
    "hatalı",
    "yanlış",
    "greška",
    "greșit",
    "eroare",
    "λάθος",
    "错误",
    "錯誤",
    "错",
    "誤り",
    "エラー",
    "오류",
    "sai",
    "salah",
];
/// Words for a mark of any kind.
const MARK: &[&str] = &[
    "check",
    "tick",
    "ticked",
    "mark",
    "marked",
    "prüfen",
    "markiert",
    "markierung",
    "marcado",
    "x",
    "✓",
    "✗",
];
/// Words for what is right.
const CORRECT: &[&str] = &[
    "right",
    "correct",
    "correctly",
    "ok",
    "okay",
    "valid",
    "clean",
    "good",
    "fine",
    "richtig",
    "korrekt",
    "gültig",
    "juste",
    "correcto",
    "correcta",
    "correto",
    "correta",
    "corretto",
    "corretta",
    "goed",
    "juist",
    "správně",
    "poprawne",
    "poprawny",
    "helyes",
    "верно",
    "правильно",
    "rätt",
    "riktig",
    "rigtig",
    "oikein",
    "doğru",
    "正确",
    "正しい",
];
const BESIDE: &[&str] = &[
    "is", "are", "has", "a", "an", "the", "label", "labels", "row", "rows", "line", "lines", "data", "entry", "entries", "entered", "to",
    "be", "this", "was", "ist", "zeile", "eintrag", "class", "status", "klasse",
];
const NOT: &[&str] = &[
    "not", "no", "non", "nicht", "kein", "pas", "niet", "inte", "ikke", "nie", "ne", "нет", "не",
];

fn has_any(words: &[String], list: &[&str]) -> bool {
    words.iter().any(|word| list.contains(&word.as_str()))
}

/// Whether a column's name says no more than that it marks rows as wrong: `wrong?`, `is_label_issue`, `Fehler`, `not ok`.
pub fn names_ticks(name: &str) -> bool {
    let words = words(name);
    let denied = has_any(&words, NOT);
    let marks = if denied {
        has_any(&words, CORRECT) && !has_any(&words, WRONG)
    } else {
        has_any(&words, WRONG) || has_any(&words, MARK)
    };
    let known = |word: &String| {
        let lists = if denied { [CORRECT, NOT, BESIDE] } else { [WRONG, MARK, BESIDE] };
        lists.iter().any(|list| list.contains(&word.as_str()))
    };
    marks && words.iter().all(known)
}

/// Whether a column's name says no more than that it marks rows as right: `ok`, `label correct?`, `is_valid`.
pub fn names_right(name: &str) -> bool {
    let words = words(name);
    let known = |word: &String| [CORRECT, BESIDE].iter().any(|list| list.contains(&word.as_str()));
    has_any(&words, CORRECT) && words.iter().all(known)
}

/// Whether a column's name speaks of what is wrong, whatever else it says: `p_wrong`, `error type`.
pub fn speaks_of_wrong(name: &str) -> bool {
    has_any(&words(name), WRONG)
}

/// Words for what stands in place of something else.
const TRUTH: &[&str] = &[
    "true",
    "truth",
    "corrected",
    "correction",
    "new",
    "should",
    "fixed",
    "verified",
    "gold",
    "actual",
    "neu",
    "neue",
    "neuer",
    "korrigiert",
    "korrektur",
    "soll",
    "nouveau",
    "nouvelle",
    "corrigé",
    "corrigée",
    "nuevo",
    "nueva",
    "corregido",
    "corregida",
    "novo",
    "nova",
    "corrigido",
    "corrigida",
    "nuovo",
    "nuova",
    "nieuw",
    "nieuwe",
    "gecorrigeerd",
    "nowy",
    "nowe",
    "nové",
    "правильный",
    "верный",
    "poprawione",
    "poprawiony",
    "düzeltilmiş",
    "正解",
    "正しい値",
    "修正",
    "修正後",
    "更正",
    "更正后",
    "正确值",
    "正確",
    "正確值",
];

/// Whether the name of a column of yes and no may ask if a row is right, rather than give the label that it should have: `is_correct`, `label ok`,
/// `Correct?`, `right`, but not `correct label` or `new status`.
pub fn may_ask(name: &str) -> bool {
    const ASKING: &[&str] = &["is", "was", "are", "ok", "okay", "valid", "correctly", "entered", "ist"];
    const LABELS: &[&str] = &["label", "labels", "class", "status", "value", "answer", "klasse", "wert"];
    let words = words(name);
    name.trim_end().ends_with(['?', '\u{ff1f}']) || has_any(&words, ASKING) || !(has_any(&words, TRUTH) || has_any(&words, LABELS))
}

/// Whether a column's name says that its labels are those that the rows should have: `true label`, `new status`, `corrected`.
pub fn names_truth(name: &str) -> bool {
    let words = words(name);
    (has_any(&words, TRUTH) || has_any(&words, CORRECT)) && !has_any(&words, NOT)
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
    fn first_letters_say_yes_and_no_beside_each_other_only() {
        for [yes, no] in [["O", "N"], ["s", "n"], ["W", "F"], ["V", "F"], ["A", "N"], ["E", "H"], ["Д", "Н"]] {
            assert_eq!(said(&[no, yes, ""]), [Some(false), Some(true), Some(false)], "{yes} {no}");
            assert_eq!(said(&[yes]), [None], "{yes}");
            assert_eq!(said(&[yes, no, "Z"])[0], None, "{yes}");
        }
        // Standing for other things: low and high.
        assert_eq!(said(&["L", "H"]), [None, None]);
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
            "not ok",
            "chyba",
            "错误",
        ] {
            assert!(names_ticks(name) && !names_right(name), "{name}");
        }
        for name in ["ok", "Label correct?", "is_valid", "richtig", "Label korrekt?"] {
            assert!(names_right(name) && !names_ticks(name), "{name}");
        }
        assert!(
            ["is_correct", "Correct?", "correct", "label_ok", "Label correct?", "right"]
                .iter()
                .all(|name| may_ask(name))
        );
        assert!(
            !["correct label", "true label", "New status", "korrigiert", "right answer"]
                .iter()
                .any(|name| may_ask(name))
        );
        assert!(names_truth("true label") && names_truth("New status") && !names_truth("old") && !names_truth("not true"));
        for name in [
            "Express flag",
            "Error code",
            "Late",
            "Check-in date",
            "Row",
            "Late_delivery_risk",
            "Damage issue type",
        ] {
            assert!(!names_ticks(name) && !names_right(name), "{name}");
        }
    }
}
