//! Customers nobody knows: names and streets put together from made-up syllables. Nothing here comes from anybody's data.

use super::delay::Segment;
use super::draw::Draw;
use super::places::{HOMES, Home};
use crate::seed::Seed;

const FIRST: [&str; 16] = [
    "Bav", "Corv", "Drel", "Ezm", "Fald", "Gwir", "Hult", "Jorv", "Kest", "Lund", "Morv", "Nax", "Ostr", "Plim", "Quen", "Zib",
];
const SECOND: [&str; 14] = [
    "ade", "ano", "ebel", "endo", "ique", "irr", "ith", "olm", "onde", "ouk", "úla", "umo", "yma", "ött",
];
const FAMILY_FIRST: [&str; 18] = [
    "Ambr", "Brask", "Calv", "Dask", "Ervel", "Fenn", "Grost", "Hesk", "Ilv", "Jast", "Korm", "Larn", "Mesk", "Norv", "Pelk", "Rusk",
    "Tarv", "Wend",
];
const FAMILY_SECOND: [&str; 14] = [
    "acre", "adel", "aude", "ebrook", "eck", "elló", "enhall", "idge", "ilund", "ombe", "orane", "oway", "umber", "ystad",
];
const STREET_FIRST: [&str; 20] = [
    "Alder", "Basalt", "Cinder", "Dapple", "Eddy", "Fallow", "Gantry", "Hollow", "Ingle", "Juniper", "Kelp", "Lantern", "Marl", "Nettle",
    "Osier", "Pumice", "Quarry", "Rill", "Sorrel", "Tansy",
];
const STREET_SECOND: [&str; 12] = [
    "ash", "brook", "croft", "dale", "fell", "gate", "holt", "mere", "side", "stead", "wick", "worth",
];
const STREET_KIND: [&str; 8] = ["Avenue", "Court", "Lane", "Road", "Row", "Street", "Terrace", "Way"];

/// A customer.
pub(super) struct Customer {
    pub(super) id: u64,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) street: String,
    pub(super) home: &'static Home,
    pub(super) zip: u32,
    pub(super) latitude: f64,
    pub(super) longitude: f64,
    pub(super) segment: Segment,
}

/// The customer of this number, always the same for a seed.
pub(super) fn customer(seed: Seed, id: u64) -> Customer {
    let mut draw = Draw::new(seed, "customers", id);
    let home = &HOMES[draw.by_weight(HOMES, |home| home.weight)];
    let segment = match draw.below(100) {
        0..52 => Segment::Consumer,
        52..82 => Segment::Corporate,
        _ => Segment::HomeOffice,
    };
    Customer {
        id,
        first_name: format!("{}{}", draw.one_of(&FIRST), draw.one_of(&SECOND)),
        last_name: format!("{}{}", draw.one_of(&FAMILY_FIRST), draw.one_of(&FAMILY_SECOND)),
        street: format!(
            "{} {}{} {}",
            1 + draw.below(9_899),
            draw.one_of(&STREET_FIRST),
            draw.one_of(&STREET_SECOND),
            draw.one_of(&STREET_KIND)
        ),
        home,
        // Puerto Rico's cities have one code each, as in the original.
        zip: home.zip + if home.state == "PR" { 0 } else { draw.below(24) as u32 },
        latitude: home.latitude + 0.16 * (draw.unit() - 0.5),
        longitude: home.longitude + 0.16 * (draw.unit() - 0.5),
        segment,
    }
}
