//! People's data: names, addresses, and how to reach somebody, by a column's name and by its values.

use super::{has, names_id, words};

/// Words that name a person, how to reach them, or what only they know.
const PERSONAL: &[&str] = &[
    "email",
    "mail",
    "phone",
    "telephone",
    "tel",
    "mobile",
    "cell",
    "fax",
    "password",
    "passwd",
    "pwd",
    "ssn",
    "passport",
    "iban",
    "birth",
    "birthday",
    "birthdate",
    "dob",
    "surname",
    "firstname",
    "lastname",
    "fullname",
    "fname",
    "lname",
    "forename",
    "street",
    "address",
    "addr",
    "username",
    "login",
    "vorname",
    "nachname",
    "strasse",
    "straße",
    "telefon",
    "handy",
    "geburtsdatum",
    "adresse",
    "anschrift",
    "prenom",
    "prénom",
    "apellido",
    "calle",
    "correo",
    "telefono",
    "teléfono",
    "signature",
    "gender",
    "nationality",
    "religion",
];
/// Words that make `name` the name of a person.
const PERSONS: &[&str] = &[
    "customer",
    "client",
    "buyer",
    "contact",
    "employee",
    "driver",
    "person",
    "user",
    "consignee",
    "recipient",
    "receiver",
    "sender",
    "first",
    "last",
    "full",
    "family",
    "given",
    "middle",
    "owner",
    "clerk",
    "agent",
    "kunde",
    "kunden",
    "patient",
    "manager",
    "shipper",
];

/// Whether a column's name says that it holds people's data.
pub fn names_people(name: &str) -> bool {
    let words = words(name);
    if has(&words, PERSONAL) {
        // An address on the internet or a mailing option is no person's.
        return !has(&words, &["ip", "web", "url", "mode", "type"]);
    }
    let of_a_name = has(&words, &["name", "names"]);
    of_a_name && (words.len() == 1 || has(&words, PERSONS)) && !has(&words, &["product", "company", "category", "department"])
}

/// Whether a value looks like an e-mail address, a telephone number or a street with a house number.
pub fn looks_personal(value: &str) -> bool {
    is_email(value) || is_phone(value) || is_street(value)
}

fn is_email(value: &str) -> bool {
    let Some((user, host)) = value.split_once('@') else { return false };
    !user.is_empty() && !value.contains(char::is_whitespace) && host.split('.').count() >= 2 && host.split('.').all(|part| !part.is_empty())
}

fn is_phone(value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let only_signs = value.chars().all(|letter| letter.is_ascii_digit() || " +-()/.".contains(letter));
    // A bare number or a date has no plus or bracket, and no date has more than eight digits.
    only_signs && (8..=15).contains(&digits) && (value.starts_with('+') || value.starts_with("00") || value.starts_with('('))
}

fn is_street(value: &str) -> bool {
    const KINDS: &[&str] = &[
        "street",
        "st",
        "st.",
        "avenue",
        "ave",
        "ave.",
        "road",
        "rd",
        "rd.",
        "lane",
        "ln",
        "drive",
        "dr",
        "dr.",
        "boulevard",
        "blvd",
        "highway",
        "way",
        "court",
        "ct",
        "place",
        "square",
        "terrace",
        "trail",
        "parkway",
        "circle",
        "plaza",
    ];
    let lower = value.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let starts_with_number = words.first().is_some_and(|word| word.chars().all(|letter| letter.is_ascii_digit()));
    let ends_with_number = words
        .last()
        .is_some_and(|word| word.starts_with(|letter: char| letter.is_ascii_digit()));
    let english = starts_with_number && words.len() >= 3 && words.last().is_some_and(|word| KINDS.contains(word));
    let german = ends_with_number
        && words
            .iter()
            .any(|word| word.ends_with("straße") || word.ends_with("strasse") || word.ends_with("str."));
    english || german
}

/// Whether a column's name says that its values stand for persons: a customer id, say.
pub fn identifies_person(name: &str) -> bool {
    names_id(name) && has(&words(name), PERSONS)
}
