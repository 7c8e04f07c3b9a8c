//! Guessing what could be predicted: what came true against what was planned, or a column that says it.

use rayon::prelude::*;

use super::propose::Columns;
use crate::error::Result;
use crate::features::label::{LabelKind, LabelRule};
use crate::features::look::{Look, look};
use crate::features::words;
use crate::tables::{ColumnKind, Table, Texts};

/// Whether a column has as few values as classes have.
pub(super) fn could_be_class(look: &Look) -> bool {
    (2..=10).contains(&look.distinct()) && look.present() > 0 && look.people.is_none()
}

/// Actual against planned where the names say so, else days late, else a column of words for early, on time and late, else the column whose name
/// says that it is a label; with other candidates, in words.
pub(super) fn propose_label(columns: &Columns) -> Result<(LabelRule, Vec<String>)> {
    let named = columns
        .iter()
        .filter(|(name, look)| could_be_class(look) && label_score(name) > 0)
        .max_by_key(|(name, look)| (label_score(name), std::cmp::Reverse(look.distinct())));
    if let Some((name, _)) = named.filter(|(name, _)| label_score(name) >= 3) {
        return Ok((LabelRule::column(name), Vec::new()));
    }
    let mut pairs: Vec<(Pair, bool)> = [ColumnKind::Number, ColumnKind::Date]
        .into_iter()
        .flat_map(|kind| pairs(columns, kind).into_iter().map(move |pair| (pair, kind == ColumnKind::Date)))
        .collect();
    if pairs.is_empty() {
        pairs.extend(pairs_by_value(columns).into_iter().map(|pair| (pair, true)));
    }
    // The first of the best: days as numbers come before dates, which they are mostly made from.
    let best = pairs.iter().map(|(pair, _)| pair.rank).max();
    if let Some((pair, dates)) = pairs.iter().find(|(pair, _)| Some(pair.rank) == best) {
        // The same columns told in another unit are no other label; another day is.
        let others = pairs
            .iter()
            .filter(|(other, kind)| kind == dates && (other.actual != pair.actual || other.planned != pair.planned))
            .map(|(other, _)| format!("`{}` minus `{}`", other.actual, other.planned));
        let mut others: Vec<String> = others.collect();
        others.dedup();
        return Ok((LabelRule::early_or_late(pair.actual, pair.planned, *dates)?, others));
    }
    let statuses: Vec<&String> = columns
        .iter()
        .filter(|(_, look)| tells_punctuality(look))
        .map(|(name, _)| name)
        .collect();
    if let [first, others @ ..] = statuses.as_slice() {
        return Ok((LabelRule::column(first), others.iter().map(|name| format!("`{name}`")).collect()));
    }
    if let Some(late) = columns.iter().find_map(|(name, look)| days_late(name, look)) {
        // A column that says the class itself goes before days that it is made from.
        let days: Vec<String> = late.sources().iter().map(|name| format!("`{name}`")).collect();
        return Ok(match named.filter(|(name, _)| late.sources() != [name.as_str()]) {
            Some((name, _)) => (LabelRule::column(name), days),
            None => (late, Vec::new()),
        });
    }
    let signed = || columns.iter().find(|(_, look)| tells_by_signs(look));
    match named.or_else(signed) {
        Some((name, _)) => Ok((LabelRule::column(name), Vec::new())),
        None => Ok((LabelRule::without_column()?, Vec::new())),
    }
}

/// The options that state the label that the sheet seems to have, for a command to paste; absent where none is found, or only a profile can state it.
///
/// # Errors
/// None in practice: every name is the table's own.
pub fn label_options(table: &Table) -> Result<Option<String>> {
    let looks: Vec<Look> = table.names().par_iter().map(|column| look(table, column)).collect::<Result<_>>()?;
    let (label, _) = propose_label(&Columns::new(table.names(), &looks))?;
    Ok(match (label.kind(), label.sources().as_slice()) {
        (_, [actual, planned]) => Some(format!("--actual \"{actual}\" --planned \"{planned}\"")),
        (LabelKind::Column { values, .. }, [column]) if values.is_empty() => Some(format!("--label \"{column}\"")),
        _ => None,
    })
}

/// Whether a column's values say early, on time or late: at least two of them, in at least half of the rows.
fn tells_punctuality(look: &Look) -> bool {
    if !could_be_class(look) {
        return false;
    }
    let said: Vec<Option<words::Punctuality>> = look.texts.values.iter().map(|value| words::punctuality(value)).collect();
    let rows: usize = said
        .iter()
        .zip(&look.counts)
        .filter(|(said, _)| said.is_some())
        .map(|(_, count)| count)
        .sum();
    let mut kinds: Vec<words::Punctuality> = said.into_iter().flatten().collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.len() >= 2 && rows * 2 >= look.present()
}

/// Whether the values are -1, 0 and 1, or signs without a letter or digit, such as ticks and coloured dots.
fn tells_by_signs(look: &Look) -> bool {
    let values = || look.texts.values.iter().map(|value| value.trim());
    let three = look.distinct() == 3 && values().all(|value| ["-1", "0", "1", "+1", "-1.0", "0.0", "1.0"].contains(&value));
    let sign = |value: &str| !value.is_empty() && value.chars().all(|letter| !letter.is_alphanumeric() && !letter.is_ascii());
    could_be_class(look) && (three || values().all(sign))
}

/// Days late as a number, below zero for early: its sign is the class.
fn days_late(name: &str, look: &Look) -> Option<LabelRule> {
    const MOST: usize = 200;
    let words = words::words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    // A difference of days is one of plan and truth.
    let differs = has(&["delta", "difference", "diff"]) && unit(name) == Some("days");
    let says = differs
        || has(&["late", "delay", "lateness", "overdue", "variance", "deviation", "verzug", "retard"])
        || words::names_lateness(name);
    if !says
        || has(&[
            "cost",
            "risk",
            "probability",
            "reason",
            "code",
            "amount",
            "price",
            "qty",
            "quantity",
        ])
        || look.people.is_some()
    {
        return None;
    }
    let numbers = look.numbers.as_ref()?;
    let mut of_value: Vec<Option<f64>> = vec![None; look.distinct()];
    for (code, number) in look.texts.codes.iter().zip(numbers) {
        if *code != Texts::MISSING {
            of_value[*code as usize] = *number;
        }
    }
    let mut values: [Vec<String>; 3] = Default::default();
    let (below, above) = if counts_early(name) { (2, 0) } else { (0, 2) };
    for (value, number) in look.texts.values.iter().zip(&of_value) {
        let place = match (*number)? {
            number if number < 0.0 => below,
            0.0 => 1,
            _ => above,
        };
        values[place].push(value.clone());
    }
    // A column of 0 and 1 has classes of its own.
    let counted = values[0].len() + values[2].len() >= 3 && look.distinct() <= MOST && !values[2].is_empty();
    let classes = ["early", "on time", "late"]
        .into_iter()
        .zip(values)
        .filter(|(_, values)| !values.is_empty());
    let (classes, values): (Vec<String>, Vec<Vec<String>>) = classes.map(|(class, values)| (class.to_owned(), values)).unzip();
    let kind = LabelKind::Column {
        column: Some(name.to_owned()),
        values,
        missing: Vec::new(),
    };
    (counted && classes.len() >= 2)
        .then(|| LabelRule::new(kind, classes).ok())
        .flatten()
}

/// Whether a name says that days early are above zero: `Days early (+) / late (-)`, `planned - actual`, `Soll-Ist`, `earliness`.
fn counts_early(name: &str) -> bool {
    const PLANNED: &[&str] = &[
        "planned",
        "plan",
        "scheduled",
        "promised",
        "expected",
        "due",
        "target",
        "soll",
        "pr\u{e9}vu",
        "previsto",
    ];
    const MINUS: &[&str] = &["minus", "less"];
    let words = words::words(name);
    let has = |word: &str| words.iter().any(|own| own == word);
    let signs: String = name.to_lowercase().chars().filter(|letter| !letter.is_whitespace()).collect();
    let signed = ["early(+)", "early+", "+=early", "(+)=early", "late(-)", "-=late", "(-)=late"];
    if signed.iter().any(|sign| signs.contains(sign)) {
        return true;
    }
    let planned = words.iter().position(|word| PLANNED.contains(&word.as_str()));
    let happened = words.iter().position(|word| CAME_TRUE.contains(&word.as_str()));
    // Between the two stands nothing but a sign, or the word for one.
    let differ = planned.zip(happened).is_some_and(|(planned, happened)| {
        happened == planned + 1 && signs.contains(['-', '\u{2212}', '\u{2013}'])
            || happened == planned + 2 && MINUS.contains(&words[planned + 1].as_str())
    });
    differ || has("earliness") || has("early") && !has("late")
}

/// How much a name looks like that of a label: 0 not at all, 3 it says so.
fn label_score(name: &str) -> u8 {
    let words = words::words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    // A target of days is a plan.
    let counts = words::names_date(name) || unit(name).is_some() || has(TIMED);
    if has(&["label", "groundtruth"]) || has(&["target"]) && !counts || (words.len() == 1 && has(&["class", "y"])) {
        3
    } else if has(&[
        "late",
        "delayed",
        "delay",
        "ontime",
        "overdue",
        "churn",
        "default",
        "fraud",
        "defect",
        "verspätet",
        "retard",
    ]) || words::names_lateness(name)
    {
        2
    } else if has(&["outcome", "result"]) || (has(&["delivery", "shipment"]) && has(&["status"])) || words::names_status(name) {
        1
    } else {
        0
    }
}

/// Two columns of which one is what happened and the other the plan.
#[derive(Debug, Clone, Copy)]
struct Pair<'a> {
    /// What the names say: that it happened to the customer, then how many words they share.
    rank: (u8, usize),
    actual: &'a str,
    planned: &'a str,
}

/// Words and endings that say what a number of time counts, by unit.
const UNITS: [(&str, &[&str], &[&str]); 5] = [
    ("minutes", &["minute", "minutes", "min", "mins", "minuten"], &["分钟", "分鐘"]),
    (
        "hours",
        &[
            "hour", "hours", "hr", "hrs", "h", "stunden", "heures", "horas", "ore", "uren", "saat",
        ],
        &["小时", "小時", "時間", "시간"],
    ),
    (
        "days",
        &[
            "day", "days", "d", "tage", "tagen", "jours", "días", "dias", "giorni", "dagen", "dni", "gün",
        ],
        &["天数", "天數", "日数", "日數", "일수"],
    ),
    (
        "weeks",
        &["week", "weeks", "wk", "wks", "wochen", "semaines", "semanas"],
        &["周数", "週数"],
    ),
    ("months", &["month", "months", "monate", "mois", "meses"], &[]),
];
/// Words that say that a number is one of time, whatever it counts.
const TIMED: &[&str] = &[
    "date",
    "time",
    "duration",
    "lead",
    "transit",
    "leadtime",
    "lieferzeit",
    "laufzeit",
    "dauer",
    "délai",
    "plazo",
    "lt",
    "tat",
    "durchlaufzeit",
    "zeit",
    "tiempo",
    "tempo",
    "durée",
    "sla",
];
/// Words that say that something came true where no other does.
const CAME_TRUE: &[&str] = &["actual", "real", "ist", "final", "actually", "réel", "réelle"];

/// What a name says that its numbers count.
fn unit(name: &str) -> Option<&'static str> {
    let words = words::words(name);
    let says = |list: &[&str], pieces: &[&str]| {
        words.iter().any(|word| list.contains(&word.as_str())) || pieces.iter().any(|piece| name.contains(piece))
    };
    UNITS.iter().find(|(_, list, pieces)| says(list, pieces)).map(|(unit, ..)| *unit)
}

/// The pairs of a kind whose names have a word in common, each of what happened with the plan that it shares most words with.
fn pairs<'a>(columns: &Columns<'a>, kind: ColumnKind) -> Vec<Pair<'a>> {
    let of_kind: Vec<(&String, &Look)> = columns
        .iter()
        .filter(|(_, look)| look.kind == kind && look.distinct() > 1)
        .collect();
    // `ETA` goes with `ATA`, `ETD` with `ATD`; of SAP's dates the actual goods issue goes with the delivery date.
    const TOGETHER: [(&str, &str); 15] = [
        ("ata", "eta"),
        ("atd", "etd"),
        ("ata", "sta"),
        ("atd", "std"),
        ("add", "edd"),
        ("add", "pdd"),
        ("add", "rdd"),
        ("wadat", "lfdat"),
        ("budat", "eindt"),
        ("gi", "dlv"),
        ("gi", "deliv"),
        ("gi", "lieferdatum"),
        ("wa", "lieferdatum"),
        ("warenausg", "lief"),
        ("pod", "rdd"),
    ];
    let dates = kind == ColumnKind::Date;
    let actuals = of_kind.iter().filter(|(name, _)| {
        let words = words::words(name);
        let known = words == ["add"] || words.iter().any(|word| ["ata", "atd", "pod"].contains(&word.as_str()));
        words::after_the_fact(name).is_some() || dates && known
    });
    let mut found: Vec<Pair> = Vec::new();
    for (actual, look) in actuals {
        let own = stems(actual);
        let bare = without(actual, CAME_TRUE, words::says_came_true);
        let timed = dates || look.hours || unit(actual).is_some() || words::words(actual).iter().any(|word| TIMED.contains(&word.as_str()));
        let plans = of_kind
            .iter()
            .filter(|(planned, _)| planned != actual && same_unit(actual, planned));
        let plans = plans.filter_map(|(planned, _)| {
            let plan = stems(planned);
            let paired =
                |(actual, planned): &(&str, &str)| own.iter().any(|word| word == actual) && plan.iter().any(|word| word == planned);
            let abbreviated = TOGETHER.iter().filter(|pair| paired(pair)).count();
            let shared = own.iter().filter(|word| plan.contains(word)).count() + abbreviated + usize::from(share_letters(actual, planned));
            if words::names_plan(planned) {
                // `actual` beside `planned` has no word left to share.
                let nothing_else = bare.is_empty() && without(planned, &[], words::says_planned).is_empty();
                return (timed && shared > 0 || nothing_else).then_some((shared, *planned));
            }
            // `Lead time` beside `Actual lead time` is the plan.
            let says_what = bare
                .iter()
                .any(|word| !["date", "time", "day", "days", "datum", "at", "on"].contains(&word.as_str()));
            let called_alike = says_what && bare.len() < words::words(actual).len() && bare == words::words(planned);
            (timed && (called_alike || abbreviated > 0)).then_some((shared, *planned))
        });
        let mut plans: Vec<(usize, &String)> = plans.collect();
        let most = plans.iter().map(|(shared, _)| *shared).max();
        plans.retain(|(shared, _)| Some(*shared) == most);
        // The first of those that share most; a plan by name first, a promise before a wish, the first promise before one that was changed.
        plans.sort_by_key(|(_, planned)| {
            (
                !words::names_plan(planned),
                words::names_wish(planned),
                words::names_change(planned),
            )
        });
        let wished = |planned: &str| words::names_wish(planned) || words::names_change(planned);
        for (place, (shared, planned)) in plans.iter().enumerate() {
            if place == 0 || wished(planned) && !wished(plans[0].1) {
                found.push(Pair {
                    rank: (words::happened(actual), *shared),
                    actual,
                    planned,
                });
            }
        }
    }
    if found.is_empty() {
        found.extend(beside_its_plan(&of_kind));
    }
    found
}

/// Times beside their plan, whose name is the same but for the word that says so, in any language: `Datum isporuke` and `Planirani datum isporuke`.
fn beside_its_plan<'a>(of_kind: &[(&'a String, &'a Look)]) -> Vec<Pair<'a>> {
    let mut found = Vec::new();
    for (planned, _) in of_kind.iter().filter(|(name, _)| words::names_plan(name)) {
        let bare = without(planned, &[], words::says_planned);
        let general = |word: &String| words::names_date(word) || ["time", "at", "on", "data", "days"].contains(&word.as_str());
        let says_what = !bare.is_empty() && !bare.iter().all(general);
        let mut others = of_kind.iter().filter(|(name, _)| name != planned);
        let beside = others.find(|(name, look)| {
            let timed = look.kind == ColumnKind::Date
                || look.hours
                || unit(name).is_some()
                || words::words(name).iter().any(|word| TIMED.contains(&word.as_str()));
            timed && words::words(name) == bare && !words::names_start(name) && words::happened(name) > 0
        });
        found.extend(beside.filter(|_| says_what).map(|(actual, _)| Pair {
            rank: (words::happened(actual), bare.len()),
            actual,
            planned,
        }));
    }
    found
}

/// Pairs of dates whose names say what they are but have no word in common, such as `Delivered` and `Promised`: they lie close together.
fn pairs_by_value<'a>(columns: &Columns<'a>) -> Vec<Pair<'a>> {
    let dates: Vec<(&String, &[Option<i64>])> = columns
        .iter()
        .filter(|(_, look)| look.kind == ColumnKind::Date && look.distinct() > 1)
        .filter_map(|(name, look)| Some((name, look.dates.as_deref()?)))
        .collect();
    const CHANGED: i64 = 14 * 86_400;
    let mut found: Vec<(Pair, i64)> = Vec::new();
    for (actual, happened) in dates.iter().filter(|(name, _)| words::came_true_on(name)) {
        let plans = dates.iter().filter(|(planned, _)| planned != actual && words::names_limit(planned));
        // A promise that was changed since follows what happened, and so lies nearer.
        let farther = |planned: &str| if words::names_change(planned) { CHANGED } else { 0 };
        let near = plans.filter_map(|(planned, expected)| Some((*planned, apart(happened, expected)? + farther(planned))));
        let mut near: Vec<(&String, i64)> = near.collect();
        // The nearest: a delivery is held against the promised delivery, not against the planned dispatch.
        near.sort_by_key(|(_, seconds)| *seconds);
        for (place, (planned, seconds)) in near.into_iter().enumerate() {
            if place == 0 || words::names_change(planned) {
                let pair = Pair {
                    rank: (words::happened(actual), 0),
                    actual,
                    planned,
                };
                found.push((pair, seconds));
            }
        }
    }
    found.sort_by_key(|(_, seconds)| *seconds);
    found.into_iter().map(|(pair, _)| pair).collect()
}

/// How many seconds two columns of dates usually lie apart, where nearly all their rows do so by less than two months.
fn apart(happened: &[Option<i64>], expected: &[Option<i64>]) -> Option<i64> {
    const MOST: i64 = 60 * 86_400;
    let both = happened
        .iter()
        .zip(expected)
        .filter_map(|(actual, planned)| Some(((*actual)? - (*planned)?).abs()));
    let mut gaps: Vec<i64> = both.collect();
    let near = gaps.iter().filter(|gap| **gap <= MOST).count();
    gaps.sort_unstable();
    (gaps.len() >= 10 && near * 10 >= gaps.len() * 9).then(|| gaps[gaps.len() / 2])
}

/// Whether two names do not say that they count in different units.
fn same_unit(actual: &str, planned: &str) -> bool {
    unit(actual).zip(unit(planned)).is_none_or(|(own, other)| own == other)
}

/// The words of a name without some.
fn without(name: &str, left_out: &[&str], says: fn(&str) -> bool) -> Vec<String> {
    words::words(name)
        .into_iter()
        .filter(|word| !left_out.contains(&word.as_str()) && !says(word))
        .collect()
}

/// Whether two names have two letters in a row in common that belong to no alphabet with blanks between its words.
fn share_letters(actual: &str, planned: &str) -> bool {
    let ideographs = |letter: &char| {
        ('\u{3040}'..='\u{9fff}').contains(letter)
            || ('\u{900}'..='\u{97f}').contains(letter)
            || ('\u{ac00}'..='\u{d7a3}').contains(letter)
            || ('\u{e00}'..='\u{e7f}').contains(letter)
    };
    let letters: Vec<char> = actual.chars().collect();
    letters
        .windows(2)
        .any(|pair| pair.iter().all(ideographs) && planned.contains(&pair.iter().collect::<String>()))
}

fn stems(name: &str) -> Vec<String> {
    words::words(name).iter().map(|word| stem(word)).collect()
}

/// `delivered`, `delivery` and `deliveries` are one word.
fn stem(word: &str) -> String {
    let cut = |ending: &str| word.strip_suffix(ending).filter(|stem| stem.chars().count() >= 4);
    ["ies", "ed", "ery", "ment", "ing", "y", "s"]
        .into_iter()
        .find_map(cut)
        .map_or_else(|| word.to_owned(), |stem| stem.trim_end_matches("er").to_owned())
}
