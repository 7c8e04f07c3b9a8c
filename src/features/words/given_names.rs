//! Given names that are common somewhere, to tell a column of persons from one of products or places. In small letters, without accents.

use std::collections::HashSet;
use std::sync::LazyLock;

const NAMES: &str = "
aaron abdul abdullah adam adriana agnieszka ahmed aisha akira alain alan albert alberto alejandra alejandro aleksander alessandro alex alexander
alexandra alexandre alfred ali alice alicia alina amanda amelie amina amir amit amy ana anastasia andre andrea andreas andrei andrew andrzej angela
anil anita anja anke ann anna anne annette anthony antje antoine anton antonia antonio arjun arnaud arthur asha astrid ayse barbara beata beatriz ben
benjamin bernard bernd bettina bianca birgit bjorn bo brian bruno camille carl carla carlos carmen carol carolina caroline catherine cecilia celine
chantal charles charlotte chen chloe christa christian christiane christina christine christophe christopher claire clara claudia claudio claus cristina
dagmar daniel daniela danielle david debora deborah deepak denis dennis diana diego dieter dietmar dimitri dominik dominique dora dorota dorothea
edith eduardo edward elena eleonora elisa elisabeth elizabeth elke ella ellen emilia emilie emily emma enrico eric erich erik erika ernst esther eva
evelyn fabian fatima fatma federico felix fernanda fernando florian francesca francesco francis francisco francois frank franz frederic friedrich
fritz gabriel gabriela gabriele george georg georges gerard gerd gerhard gianni gisela giorgio giovanni giulia giuseppe gloria grace greta guido
guillaume gunter gustav hana hanna hannah hans harald hassan heike heinrich heinz helen helena helga helmut henri henrik herbert hiroshi holger hugo
ian ibrahim ines inga ingo ingrid irene irina iris isabel isabella isabelle ivan jacek jack jacob jacqueline jacques jakob jakub james jan jana jane
janet janina jason javier jean jeff jennifer jens jessica jim joanna joao joe joel johan johann johanna johannes john jonas jonathan jorge jose josef
joseph juan judith julia julian juliane julie julien jurgen justyna karen karin karina karl karolina katarzyna kate katharina kathrin katja katrin
kazuo keiko kelly kenji kerstin kevin khaled kim klaus konrad krzysztof kumar kurt lars laura laurent lea leila lena leo leon leonardo leonie li
liam lieselotte lina linda lisa lorenzo louis louise luca lucas lucia lucie luis luisa luka lukas lydia magdalena mahmoud malgorzata manfred manuel
manuela marc marcel marcin marco marcus margaret margarita margit maria marianne marie mario marion mark marko markus marlene marta martha martin
martina mary masako matteo matthew matthias maurice max maximilian mehmet mei melanie michael michaela michal michel michele miguel mikael mike mila
milan ming miriam mohamed mohammad mohammed monica monika moritz muhammad mustafa nadia nadine nadja nancy natalia natalie natasha nicholas nicola
nicolas nicole niklas nina noah nora norbert oleg olga oliver olivia olivier omar oscar oskar otto pablo paola paolo pascal patricia patrick patrik
paul paula paulina pavel pedro peter petra philip philipp philippe pierre piotr priya rachel rafael ralf ralph ramon raquel rebecca regina reiner
reinhard renate rene ricardo richard rita robert roberta roberto roland rolf roman romain rosa rosemarie ruth ryan sabine salma samuel sandra sanjay
sara sarah sebastian sergei sergio sharon silke silvia simon simone sina sofia sofie sonia sonja sophia sophie stefan stefania stefano steffen
stephan stephanie stephen steve steven sunil susan susanna susanne suzanne sven svetlana sylvia sylvie takashi tamara tanja tatiana teresa theo
theresa thierry thomas thorsten tim timo tobias tom tomas tomasz tracy udo ulrich ulrike ursula ute uwe valentina valeria vanessa vera veronica
veronika victor viktor vincent viola viktoria vladimir walter wei werner wilhelm william wolfgang xavier xin yan yasmin yuki yusuf yvonne zeynep zofia
";

static KNOWN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| NAMES.split_whitespace().collect());

/// Whether a word is a given name, such as `Anna` or `Jean-Pierre`.
pub fn is_given_name(word: &str) -> bool {
    let plain: String = word
        .to_lowercase()
        .chars()
        .map(|letter| match letter {
            'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => 'a',
            'é' | 'è' | 'ê' | 'ë' | 'ę' => 'e',
            'í' | 'ì' | 'î' | 'ï' => 'i',
            'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
            'ú' | 'ù' | 'û' | 'ü' => 'u',
            'ç' | 'ć' => 'c',
            'ñ' | 'ń' => 'n',
            'ł' => 'l',
            'ş' | 'ś' => 's',
            other => other,
        })
        .collect();
    plain.split('-').next().is_some_and(|first| KNOWN.contains(first))
}

/// Whether a value reads as the full name of a person: `Anna Kowalska`, `Kowalska, Anna`, `Dr. A. Anna Kowalska`.
pub fn is_full_name(value: &str) -> bool {
    let is_word = |word: &str| {
        word.chars().next().is_some_and(char::is_uppercase)
            && word
                .chars()
                .all(|letter| letter.is_alphabetic() || matches!(letter, '-' | '\'' | '’' | '.'))
    };
    let words: Vec<&str> = value.split([' ', ',', '\u{a0}']).filter(|word| !word.is_empty()).collect();
    if !(2..=5).contains(&words.len()) || value.matches(',').count() > 1 {
        return false;
    }
    let small = |word: &str| {
        matches!(
            word,
            "de" | "da" | "di" | "del" | "der" | "den" | "van" | "von" | "la" | "le" | "bin" | "el" | "al"
        )
    };
    let given = match value.split_once(',') {
        Some((_, after)) => after.split_whitespace().next(),
        // Titles and initials end in a point.
        None => words.iter().copied().find(|word| !word.ends_with('.')),
    };
    words.iter().all(|word| is_word(word) || small(word)) && given.is_some_and(is_given_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_are_told_from_products_and_places() {
        for name in [
            "Anna Kowalska",
            "Kowalska, Anna",
            "Dr. José García",
            "Jean-Pierre Dupont",
            "M. Peter Ludwig",
            "Maria de la Cruz",
        ] {
            assert!(is_full_name(name), "{name}");
        }
        for other in [
            "Field Hockey",
            "Standard Class",
            "New York",
            "San Jose",
            "Western Europe",
            "anna kowalska",
            "Anna",
            "Max 3 Tabs",
            "Nike Men's Free 5.0",
            "Los Angeles",
            "United States",
            "Smith, Jones, Baker",
            "LATE DELIVERY",
        ] {
            assert!(!is_full_name(other), "{other}");
        }
        assert!(is_given_name("René") && is_given_name("jürgen") && !is_given_name("pallet"));
    }
}
