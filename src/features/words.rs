//! What a column's name and values say about it: people's data, ids, things known only afterwards, plans.

mod given_names;
mod languages;
mod meanings;
mod people;
mod punctuality;

pub use given_names::{is_full_name, is_given_name};
pub use people::{identifies_person, looks_personal, names_people};
pub use punctuality::{Punctuality, punctuality};

/// The words of a column name in lower case: `OrderItem_Id (real)` is `order item id real`.
pub fn words(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut previous_small = false;
    for letter in name.chars() {
        let boundary = letter.is_uppercase() && previous_small;
        if (!letter.is_alphanumeric() || boundary) && !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
        previous_small = letter.is_lowercase() || letter.is_numeric();
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

fn has(words: &[String], list: &[&str]) -> bool {
    words.iter().any(|word| list.contains(&word.as_str()))
}

/// Whether a value is an address on the web.
pub fn looks_like_url(value: &str) -> bool {
    ["http://", "https://", "www.", "ftp://"]
        .iter()
        .any(|start| value.starts_with(start))
}

/// Words for "number" that name an id at any place of a name but before "of".
const NUMBER: &[&str] = &[
    "no",
    "nr",
    "nro",
    "num",
    "number",
    "numbers",
    "nummer",
    "numéro",
    "numero",
    "número",
    "nº",
    "nbr",
    "numer",
    "номер",
];

/// Whether a column's name says that it is an id.
pub fn names_id(name: &str) -> bool {
    let words = words(name);
    // `Number of items` and `No. of packages` count.
    let of = |word: &String| ["of", "de", "d", "der", "von", "di"].contains(&word.as_str());
    let counts = words.windows(2).any(|pair| NUMBER.contains(&pair[0].as_str()) && of(&pair[1]));
    let joined = |word: &String| {
        let stem = |ending: &str| word.strip_suffix(ending).is_some_and(|stem| stem.chars().count() > 2);
        let of_papers = |ending: &str| {
            word.strip_suffix(ending).is_some_and(|stem| {
                [
                    "order", "item", "line", "invoice", "shipment", "delivery", "serial", "document", "doc",
                ]
                .contains(&stem)
            })
        };
        stem("nummer") || stem("nr") || of_papers("no") || of_papers("num") || of_papers("id")
    };
    let written = name.to_lowercase();
    !counts
        && (has(
            &words,
            &[
                "id",
                "ids",
                "uuid",
                "guid",
                "key",
                "ref",
                "reference",
                "index",
                "rownum",
                "serial",
                "tracking",
                "folio",
                "matricule",
            ],
        ) || has(&words, NUMBER)
            || written.contains(['#', '№'])
            || written.contains("n°")
            || words.iter().any(joined)
            || languages::number(name, &words))
}

/// Whether a column is called by a paper alone, such as `Order`, `PO` or `Lieferung`, where its number is meant.
pub fn names_paper(name: &str) -> bool {
    languages::paper(&words(name))
}

/// Whether a column's name says that it holds a status.
pub fn names_status(name: &str) -> bool {
    languages::status(name, &words(name))
}

/// Whether a column's name says that it tells who was late or in time, in words or abbreviations other than those of everyday English.
pub fn names_lateness(name: &str) -> bool {
    languages::lateness(name, &words(name))
}

/// Whether the name of a column of dates says that it is the day on which something came true.
pub fn came_true_on(name: &str) -> bool {
    !names_plan(name) && (after_the_fact(name).is_some() || languages::came_true_on(&words(name)))
}

/// Whether the name of a column of dates says that it is a plan or a limit.
pub fn names_limit(name: &str) -> bool {
    names_plan(name) || languages::limit(&words(name))
}

/// Whether a column has no name of its own: it was called after its place, or by pandas, which writes its index so.
pub fn is_unnamed(name: &str) -> bool {
    let by_place = |rest: &str| (1..=3).contains(&rest.len()) && rest.bytes().all(|letter| letter.is_ascii_uppercase());
    name.strip_prefix("Column ").is_some_and(by_place) || name.starts_with("Unnamed: ") || name.starts_with("__index_level_")
}

/// Whether a column's name says that its numbers are codes: not more, not less, only different.
pub fn names_code(name: &str) -> bool {
    has(
        &words(name),
        &[
            "code",
            "zip",
            "zipcode",
            "postal",
            "postcode",
            "plz",
            "type",
            "class",
            "group",
            "store",
            "warehouse",
            "plant",
            "sku",
        ],
    )
}

/// The word of a column's name that says it is known only after the fact, unless another says that it is a plan.
pub fn after_the_fact(name: &str) -> Option<String> {
    const AFTER: &[&str] = &[
        "actual",
        "real",
        "delivered",
        "delivery",
        "shipped",
        "shipping",
        "shipment",
        "dispatched",
        "received",
        "receipt",
        "arrival",
        "arrived",
        "status",
        "state",
        "result",
        "outcome",
        "final",
        "closed",
        "completed",
        "completion",
        "finished",
        "returned",
        "return",
        "refund",
        "refunded",
        "cancelled",
        "canceled",
        "claim",
        "penalty",
        "invoiced",
        "late",
        "delay",
        "delayed",
        "overdue",
        "ontime",
        "review",
        "rating",
        "ata",
        "atd",
        "tatsächlich",
        "ist",
        "geliefert",
        "zugestellt",
        "ausgeliefert",
        "isttermin",
        "lieferstatus",
        "versendet",
        "verspätung",
        "réel",
        "livré",
        "retard",
        "entregado",
        "entrega",
        "retraso",
    ];
    let words = words(name);
    if names_plan(name) {
        return None;
    }
    // A shipping mode or cost is chosen beforehand, an order state may be a place, a delivery address is known from the start.
    let harmless_with = |word: &str| match word {
        "shipping" | "shipment" | "delivery" => !has(
            &words,
            &[
                "date",
                "dates",
                "day",
                "days",
                "time",
                "status",
                "timestamp",
                "at",
                "on",
                "risk",
                "real",
            ],
        ),
        "status" => has(
            &words,
            &[
                "marital",
                "customer",
                "client",
                "member",
                "membership",
                "loyalty",
                "employment",
                "product",
                "stock",
                "social",
            ],
        ),
        "state" => !has(&words, &["delivery", "shipment", "process", "final"]),
        "entrega" => !has(
            &words,
            &[
                "data", "fecha", "dia", "dias", "día", "días", "hora", "horas", "prazo", "plazo", "status", "estado", "real", "tempo",
                "tiempo",
            ],
        ),
        "real" => has(&words, &["estate"]),
        "late" | "delay" | "rating" | "return" => false,
        _ => false,
    };
    words
        .iter()
        .find(|word| AFTER.contains(&word.as_str()) && !harmless_with(word))
        .cloned()
        .or_else(|| languages::came_true(name, &words))
}

/// Whether a word by itself says that something came true.
pub fn says_came_true(word: &str) -> bool {
    languages::came_true(word, &[word.to_owned()]).is_some()
}

/// Whether a word by itself says that something was planned.
pub fn says_planned(word: &str) -> bool {
    names_plan(word)
}

/// Whether a column's name says that a plan was changed since, perhaps by what happened.
pub fn names_change(name: &str) -> bool {
    has(
        &words(name),
        &[
            "revised",
            "new",
            "updated",
            "current",
            "rescheduled",
            "changed",
            "adjusted",
            "latest",
            "neu",
            "neuer",
            "nouvelle",
            "nuevo",
            "nueva",
        ],
    )
}

/// Whether a column's name says that it is a wish, which a promise may not have followed.
pub fn names_wish(name: &str) -> bool {
    has(
        &words(name),
        &[
            "requested",
            "request",
            "desired",
            "wanted",
            "wished",
            "wunsch",
            "wunschtermin",
            "souhaitée",
            "souhaité",
            "deseada",
            "desiderata",
        ],
    )
}

/// How much a name of what came true says that it is what happened to the customer: 0 for the day somebody typed it in, 2 for a delivery.
pub fn happened(name: &str) -> u8 {
    let words = words(name);
    const TYPED: &[&str] = &[
        "recorded",
        "record",
        "entered",
        "entry",
        "posted",
        "posting",
        "logged",
        "booked",
        "booking",
        "registered",
        "created",
        "updated",
        "modified",
        "invoiced",
        "invoice",
        "system",
        "confirmed",
        "scanned",
        "erfasst",
        "gebucht",
        "enregistré",
        "registrado",
        "review",
        "claim",
        "paid",
        "payment",
    ];
    const ARRIVED: &[&str] = &[
        "deliver",
        "arriv",
        "receiv",
        "recei",
        "client",
        "customer",
        "geliefert",
        "liefer",
        "zustell",
        "livr",
        "entreg",
        "consegn",
        "finish",
        "complet",
        "unload",
    ];
    // The carrier gets the goods before the customer does.
    const ON_THE_WAY: &[&str] = &[
        "carrier",
        "courier",
        "forwarder",
        "warehouse",
        "depot",
        "hub",
        "port",
        "supplier",
        "vendor",
        "spediteur",
        "transporteur",
    ];
    const TO_CUSTOMER: &[&str] = &["customer", "client", "consignee", "kunde", "kunden"];
    if has(&words, TYPED) {
        0
    } else if has(&words, ON_THE_WAY) && !has(&words, TO_CUSTOMER) {
        1
    } else if has(&words, &["ata", "end", "pod"])
        || words.iter().any(|word| ARRIVED.iter().any(|stem| word.starts_with(stem)))
        || languages::arrived(name, &words)
    {
        2
    } else {
        1
    }
}

/// Whether a column's name says that it is a plan, known beforehand.
pub fn names_plan(name: &str) -> bool {
    let words = words(name);
    // The latest date of delivery is a promise, the latest status is not.
    let latest = has(&words, &["latest"]) && has(&words, &["delivery", "ship", "arrival"]) && has(&words, &["date", "day", "time"]);
    let happened = || has(&words, &["status", "update", "updated", "event", "scan", "actual", "real"]);
    if latest && !happened() {
        return true;
    }
    languages::plan(name, &words)
        || has(
            &words,
            &[
                "planned",
                "plan",
                "scheduled",
                "schedule",
                "expected",
                "promised",
                "promise",
                "due",
                "requested",
                "request",
                "estimated",
                "estimate",
                "eta",
                "target",
                "agreed",
                "commit",
                "committed",
                "soll",
                "geplant",
                "zugesagt",
                "zugesagter",
                "vereinbart",
                "wunschtermin",
                "solltermin",
                "plantermin",
                "prévu",
                "prévue",
                "promis",
                "previsto",
                "prevista",
                "prometida",
                "prometido",
                "previsão",
                "previsao",
                "previsión",
                "estimada",
                "estimado",
                "planowana",
                "planowany",
                "planlanan",
                "etd",
            ],
        )
}

/// Whether a column's name says that it holds dates.
pub fn names_date(name: &str) -> bool {
    has(
        &words(name),
        &[
            "date",
            "dates",
            "datum",
            "day",
            "fecha",
            "timestamp",
            "dato",
            "tarih",
            "tanggal",
            "дата",
            "日付",
            "日期",
            "날짜",
        ],
    )
}

/// Whether a column's name says that it holds days of the calendar, where the day of a week or a number of days is none.
pub fn names_calendar_day(name: &str) -> bool {
    let words = words(name);
    names_date(name) && !has(&words, &["day", "days", "week", "month", "year", "diff", "difference", "key", "id"])
}

/// Whether a column's name says that it holds moments, in some unit of time since 1970 perhaps.
pub fn names_moment(name: &str) -> bool {
    names_date(name)
        || has(
            &words(name),
            &[
                "time",
                "ts",
                "epoch",
                "created",
                "updated",
                "ordered",
                "shipped",
                "delivered",
                "at",
                "unix",
            ],
        )
}

/// Whether a column's name says that it is when an order or event began.
pub fn names_start(name: &str) -> bool {
    let words = words(name);
    !names_plan(name)
        && after_the_fact(name).is_none()
        && has(
            &words,
            &[
                "order",
                "ordered",
                "created",
                "creation",
                "booked",
                "booking",
                "placed",
                "purchase",
                "start",
                "entry",
                "received",
                "bestelldatum",
                "bestellt",
            ],
        )
}

/// At most forty characters of a cell.
pub fn shown(text: &str) -> String {
    let line = crate::visible::line(text);
    match line.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.into_owned(),
    }
}

#[cfg(test)]
mod tests;
