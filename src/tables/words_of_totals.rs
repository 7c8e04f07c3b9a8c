//! The words with which rows of totals begin, in the languages of those who write them.

use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Words that stand alone, begin the text or end it. In small letters.
const WORDS: &[&str] = &[
    // English
    "total",
    "totals",
    "grand total",
    "sub total",
    "sub-total",
    "subtotal",
    "subtotals",
    "sum",
    "overall",
    "all orders",
    "result",
    "results",
    "overall result",
    "grand-total",
    "average",
    "avg",
    "mean",
    "count",
    "minimum",
    "maximum",
    "median",
    "min",
    "max",
    "std",
    "stdev",
    "std dev",
    "standard deviation",
    "number of rows",
    "target",
    "targets",
    "target value",
    "goal",
    "variance",
    "deviation",
    "percentile",
    "quartile",
    "ø",
    "⌀",
    "all",
    "średnia",
    "průměr",
    "átlag",
    "keskiarvo",
    "gjennomsnitt",
    "genomsnitt",
    "gennemsnit",
    "ortalama",
    // German
    "summe",
    "summen",
    "gesamt",
    "gesamtsumme",
    "gesamtergebnis",
    "zwischensumme",
    "teilsumme",
    "endsumme",
    "insgesamt",
    "ergebnis",
    "teilergebnis",
    "total general",
    "mittelwert",
    "durchschnitt",
    "anzahl",
    "schnitt",
    "sollwert",
    "zielwert",
    "abweichung",
    // French, Italian, Spanish, Portuguese, Romanian, Catalan
    "total général",
    "total generale",
    "sous-total",
    "sous total",
    "somme",
    "moyenne",
    "totale",
    "totali",
    "totale generale",
    "totale complessivo",
    "subtotale",
    "somma",
    "media",
    "total geral",
    "totais",
    "totales",
    "suma",
    "suma total",
    "promedio",
    "objetivo",
    "objectif",
    "obiettivo",
    "média",
    "soma",
    "suma totală",
    "totaal generaal",
    // Dutch, Danish, Norwegian, Swedish, Finnish, Icelandic
    "totaal",
    "eindtotaal",
    "subtotaal",
    "som",
    "gemiddelde",
    "i alt",
    "ialt",
    "hovedtotal",
    "totalt",
    "summa",
    "totalsumma",
    "delsumma",
    "delsum",
    "yhteensä",
    "summat",
    "välisumma",
    "samtals",
    "alls",
    // Slavic languages
    "razem",
    "ogółem",
    "łącznie",
    "suma końcowa",
    "celkem",
    "celkový součet",
    "součet",
    "mezisoučet",
    "spolu",
    "súčet",
    "celkový súčet",
    "medzisúčet",
    "ukupno",
    "sveukupno",
    "skupaj",
    "vsota",
    "итого",
    "итог",
    "общий итог",
    "всего",
    "сумма",
    "среднее",
    "разом",
    "усього",
    "підсумок",
    "загалом",
    "общо",
    "всичко",
    "укупно",
    "вкупно",
    // Hungarian, Baltic languages, Greek, Turkish, Albanian
    "összesen",
    "végösszeg",
    "részösszeg",
    "mindösszesen",
    "kokku",
    "kogusumma",
    "vahesumma",
    "kopā",
    "pavisam",
    "iš viso",
    "viso",
    "σύνολο",
    "γενικό σύνολο",
    "σύνολα",
    "άθροισμα",
    "toplam",
    "genel toplam",
    "ara toplam",
    "totali i përgjithshëm",
    // Asian languages
    "合計",
    "総計",
    "総合計",
    "小計",
    "計",
    "累計",
    "平均",
    "总计",
    "合计",
    "小计",
    "总和",
    "總計",
    "合計數",
    "總和",
    "加總",
    "합계",
    "총계",
    "총합계",
    "소계",
    "누계",
    "รวม",
    "รวมทั้งหมด",
    "ผลรวม",
    "ยอดรวม",
    "tổng",
    "tổng cộng",
    "cộng",
    "jumlah",
    "total keseluruhan",
    "jumlah besar",
    "कुल",
    "कुल योग",
    "योग",
    "मोट",
    "মোট",
    "சமம்",
    "மொத்தம்",
    // Arabic, Persian, Hebrew, Urdu
    "المجموع",
    "الإجمالي",
    "الاجمالي",
    "المجموع الكلي",
    "مجموع",
    "جمع",
    "جمع کل",
    "סה\"כ",
    "סה״כ",
    "סך הכל",
    "סכום",
    "کل",
];

/// Longer texts are sentences.
const LONGEST: usize = 120;

fn words() -> &'static BTreeSet<&'static str> {
    static SET: OnceLock<BTreeSet<&'static str>> = OnceLock::new();
    SET.get_or_init(|| WORDS.iter().copied().collect())
}

/// Whether a text is such as begins a row of totals: one of the words, or one with a name (`Total Air`, `North Total`, `Summe:`).
pub(crate) fn is_total(text: &str) -> bool {
    if text.len() > LONGEST {
        return false;
    }
    let lower = text.to_lowercase();
    let is_sign = |letter: char| letter.is_whitespace() || ":.*=-()[]\u{ff1a}\u{ff08}\u{ff09}\u{3a3}\u{3c3}\u{2211}".contains(letter);
    let parts: Vec<&str> = lower
        .split(|letter: char| letter.is_whitespace() || ":()\u{ff1a}\u{ff08}\u{ff09}".contains(letter))
        .filter(|part| !part.is_empty())
        .collect();
    let plain = parts.join(" ");
    let plain = plain.trim_matches(is_sign);
    if plain.is_empty() {
        // A lone sign of a sum; SAP marks its sums by stars, one for each level.
        let stars = (1..=4).contains(&lower.len()) && lower.bytes().all(|letter| letter == b'*');
        return stars || lower.contains(['\u{3c3}', '\u{3a3}', '\u{2211}']);
    }
    let known = |text: &str| words().contains(text);
    let spaceless: String = parts.concat();
    // The first words, or the last ones, of several.
    let some = (1..=3.min(parts.len())).any(|count| known(&parts[..count].join(" ")) || known(&parts[parts.len() - count..].join(" ")));
    some || known(plain)
        || known(&spaceless)
        || is_cjk(plain)
            && WORDS
                .iter()
                .any(|word| is_cjk(word) && (plain.starts_with(word) || plain.ends_with(word)))
}

/// Whether a word is of a script that puts no spaces between words.
fn is_cjk(word: &str) -> bool {
    word.chars()
        .all(|letter| matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'))
        && word.chars().count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_many_languages_are_known() {
        for text in [
            "Total",
            "TOTAL:",
            " Grand  Total ",
            "Subtotal",
            "Sub-total",
            "Summe",
            "Gesamtergebnis",
            "Totale",
            "合計",
            "合 計",
            "小計",
            "总计",
            "합계",
            "Итого:",
            "ИТОГО",
            "Suma",
            "Razem",
            "Toplam",
            "Σύνολο",
            "North Total",
            "Total Air",
            "Total (EUR)",
            "Zwischensumme Nord",
            "Σ",
            "المجموع",
            "Összesen",
            "東京合計",
            "Average",
            "Target",
            "Ø",
            "Ø Lieferzeit",
        ] {
            assert!(is_total(text), "{text}");
        }
        for text in [
            "",
            "Totalenergies",
            "Air",
            "Summer",
            "Mediation",
            "Totally late",
            "-",
            "Gesamtschule",
            "Counter",
            "No. 5",
            "計画",
        ] {
            assert!(!is_total(text), "{text}");
        }
    }
}
