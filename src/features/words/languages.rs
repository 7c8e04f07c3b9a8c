//! What names of columns mean beyond the words of `words`: abbreviations of carriers and of SAP, words that are inflected, and names in languages
//! that are written without blanks or with letters of their own.

use super::meanings::{CAME_TRUE, LATENESS, Meaning, NUMBER, OF_PAPER, PAPER, PLAN, STATUS};
use crate::tables::without_accents;

/// The word that says that a column holds a plan.
pub(super) fn plan(name: &str, words: &[String]) -> bool {
    let by = words
        .windows(2)
        .any(|pair| ["need", "needed", "due", "wanted", "required"].contains(&pair[0].as_str()) && pair[1] == "by");
    // `Est.` is short for estimated where a day follows; by itself it is the east.
    let goes_with = [
        "delivery",
        "arrival",
        "ship",
        "shipping",
        "completion",
        "date",
        "days",
        "time",
        "eta",
    ];
    let estimated = words.iter().any(|word| word == "est") && words.iter().any(|word| goes_with.contains(&word.as_str()));
    // SAP's `WADAT` is the planned goods issue, `WADAT_IST` the actual one.
    let came_true = words.iter().any(|word| word == "ist");
    // `Liefertermin` and `Termin dostawy` are plans, `Tatsächlicher Termin` and `Termin geliefert` are none.
    let done = ["geliefert", "ausgeliefert", "zugestellt", "erledigt", "eingetroffen"];
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let term = has(&["termin", "liefertermin"]) && !has(&done) && CAME_TRUE.said(name, words).is_none();
    // `Pl. GI Date` is SAP's planned goods issue; elsewhere `PL` is a country or a plant.
    let goods = ["gds", "goods", "gi", "gr", "dlv", "deliv", "delivery"];
    let short = words.first().is_some_and(|word| word == "pl") && words.iter().any(|word| goods.contains(&word.as_str()));
    by || estimated || short || term && !came_true || !came_true && PLAN.said(name, words).is_some()
}

/// The word that says that a column tells what came true.
pub(super) fn came_true(name: &str, words: &[String]) -> Option<String> {
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    // A proof of delivery has a date; without one it is a port.
    if has(&["pod"]) && has(&["date", "time", "timestamp"]) {
        return Some("pod".to_owned());
    }
    // The effective date of a delivery is its day; an effective rate is none.
    if has(&["effective", "effectif"]) && has(&["date", "day", "datum", "livraison", "delivery", "fecha", "data"]) {
        return Some("effective".to_owned());
    }
    // Where goods arrive is known beforehand, and how.
    const PLACES: [&str; 14] = [
        "先",
        "地",
        "港",
        "址",
        "城",
        "国",
        "國",
        "区",
        "區",
        "方式",
        "方法",
        "도착지",
        "주소",
        "수령인",
    ];
    if PLACES.iter().any(|place| name.contains(place)) {
        return None;
    }
    CAME_TRUE.said(name, words)
}

/// Whether the name of a column of dates says that it is the day on which something came true; such words say nothing of columns of other kinds.
pub(super) fn came_true_on(words: &[String]) -> bool {
    const DAYS: &[&str] = &[
        "done",
        "checkin",
        "released",
        "cleared",
        "landed",
        "received",
        "receipt",
        "fulfilled",
        "grn",
    ];
    const PAIRS: [[&str; 2]; 4] = [["check", "in"], ["gate", "in"], ["dock", "date"], ["delivery", "attempt"]];
    words.iter().any(|word| DAYS.contains(&word.as_str()))
        || words == ["add"]
        || words.windows(2).any(|pair| PAIRS.iter().any(|known| pair == known))
}

/// Whether the name of a column of dates says that it is a limit.
pub(super) fn limit(words: &[String]) -> bool {
    words
        .iter()
        .any(|word| ["sla", "slot", "limit", "cutoff", "goal", "std"].contains(&word.as_str()))
}

/// Whether a name says that something reached the customer.
pub(super) fn arrived(name: &str, words: &[String]) -> bool {
    const ARRIVED: Meaning = Meaning {
        words: &["pod"],
        stems: &[
            "dostaw",
            "dostarcz",
            "teslim",
            "dorucen",
            "dodan",
            "szallit",
            "lever",
            "aankomst",
            "доставк",
            "παραδ",
        ],
        pieces: &[
            "送达",
            "送達",
            "签收",
            "簽收",
            "到货",
            "到貨",
            "納品",
            "到着",
            "着荷",
            "배송",
            "도착",
            "납품",
            "التسليم",
            "אספקה",
            "ส่ง",
            "giao",
        ],
    };
    // `ADD` is the actual date of delivery; added is something else.
    ARRIVED.said(name, words).is_some() || words == ["add"]
}

/// Whether a name says that rows are named by the column.
pub(super) fn number(name: &str, words: &[String]) -> bool {
    let start = name.trim_start().to_lowercase();
    // `N. ordine` is the number of an order, `N. colli` a number of parcels.
    const NUMBERED: [&str; 16] = [
        "ordine",
        "commande",
        "pedido",
        "encomenda",
        "fattura",
        "facture",
        "factura",
        "fatura",
        "spedizione",
        "bolla",
        "ddt",
        "documento",
        "serie",
        "livraison",
        "expedition",
        "guia",
    ];
    let short = ["n. ", "n.º", "n.° ", "n.o ", "n.ro "].iter().any(|mark| start.starts_with(mark))
        && words.iter().any(|word| NUMBERED.contains(&without_accents(word).as_str()));
    // `rendelésszám` is the number of an order, `szám` of anything.
    let joined = |word: &String| {
        let plain = without_accents(word);
        plain == "szam" || plain == "szama" || plain.len() > 6 && (plain.ends_with("szam") || plain.ends_with("cislo"))
    };
    short || words.iter().any(joined) || NUMBER.said(name, words).is_some()
}

/// Whether a name is that of a paper and says no more.
pub(super) fn paper(words: &[String]) -> bool {
    let plain: Vec<String> = words.iter().map(|word| without_accents(word)).collect();
    let is = |list: &[&str], word: &String| list.contains(&word.as_str());
    let papers = plain.iter().filter(|word| is(PAPER, word)).count();
    let named = papers > 0 || plain == ["sales", "document"] || plain == ["purchasing", "document"];
    named
        && plain
            .iter()
            .all(|word| is(PAPER, word) || is(OF_PAPER, word) || word == "purchasing")
}

/// Whether a name says that it holds a status.
pub(super) fn status(name: &str, words: &[String]) -> bool {
    STATUS.said(name, words).is_some()
}

/// Whether a name says that it tells who was late or in time.
pub(super) fn lateness(name: &str, words: &[String]) -> bool {
    let pairs = [["sla", "met"], ["sla", "missed"], ["on", "time"], ["in", "full"], ["is", "late"]];
    words.windows(2).any(|pair| pairs.iter().any(|known| pair == known)) || LATENESS.said(name, words).is_some()
}
