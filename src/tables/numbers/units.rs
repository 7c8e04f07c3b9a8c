//! Units of measure behind the numbers of a column: `12.5 kg`, `30 pcs`. One unit for the whole column, or several of one family (`12.5 kg`, `800 g` and
//! `20 lb`, `950` and `1.2k`), else the numbers are not comparable.

use std::collections::BTreeSet;

use super::parse;
use crate::notes::Notes;
use crate::tables::cells::CellsBuilder;
use crate::tables::column::{CellView, Column};
use crate::tables::exceptions::is_exception;
use crate::tables::text::{is_missing_value, trimmed};

/// Units in small letters.
const UNITS: &str = " kg kgs g gr mg t to ton tons tonne tonnes tonnen lb lbs oz km m cm mm mi miles ft yd l ltr ml cl hl gal k tsd mio mn bn m2 m3 m\u{b2} m\u{b3} qm cbm ccm kwh mwh kw \
    pcs pc pce ea each unit units stk st\u{fc}ck stck pi\u{e8}ces pieces piece pi\u{e8}ce uds unidades pz pezzi szt szt. ks db box boxes ctn ctns carton cartons karton kartons \
    kilogramm kilogram kilograms kilogramme kilogrammes pound pounds in inch inches st x \u{7bb1} \u{53f0} \u{5305} \u{888b} \u{76d2} \
    pallet pallets plt plts pal palette paletten colli collo kolli \u{b0}c \u{43a}\u{433} \u{448}\u{442} \u{43c} \u{43a}\u{43c} \u{43b} \u{500b} \u{4ef6} \u{516c}\u{65a4} \u{5343}\u{514b} \u{ac1c} \
    lakh lakhs lac crore crores mln mrd mlrd tys \u{442}\u{44b}\u{441} \u{43c}\u{43b}\u{43d} \u{4e07} \u{842c} \u{5104} \u{4ebf} ";

/// Units of one family, each with how many of the first it is. Tons, gallons and miles of several kinds are in none.
const FAMILIES: [&[(&str, f64)]; 6] = [MASSES, LENGTHS, VOLUMES, ENERGIES, PIECES, COUNTS];
const MASSES: &[(&str, f64)] = &[
    ("kg", 1.0),
    ("kgs", 1.0),
    ("kilogramm", 1.0),
    ("kilogram", 1.0),
    ("kilograms", 1.0),
    ("kilogramme", 1.0),
    ("kilogrammes", 1.0),
    ("\u{43a}\u{433}", 1.0),
    ("\u{516c}\u{65a4}", 1.0),
    ("\u{5343}\u{514b}", 1.0),
    ("g", 1e-3),
    ("gr", 1e-3),
    ("mg", 1e-6),
    ("t", 1e3),
    ("tonne", 1e3),
    ("tonnes", 1e3),
    ("tonnen", 1e3),
    ("lb", 0.453_592_37),
    ("lbs", 0.453_592_37),
    ("pound", 0.453_592_37),
    ("pounds", 0.453_592_37),
    ("oz", 0.028_349_523_125),
];
const LENGTHS: &[(&str, f64)] = &[
    ("m", 1.0),
    ("\u{43c}", 1.0),
    ("mm", 1e-3),
    ("cm", 1e-2),
    ("km", 1e3),
    ("\u{43a}\u{43c}", 1e3),
    ("mi", 1_609.344),
    ("miles", 1_609.344),
    ("yd", 0.914_4),
    ("ft", 0.304_8),
    ("in", 0.025_4),
    ("inch", 0.025_4),
    ("inches", 0.025_4),
];
const VOLUMES: &[(&str, f64)] = &[
    ("l", 1.0),
    ("ltr", 1.0),
    ("\u{43b}", 1.0),
    ("ml", 1e-3),
    ("ccm", 1e-3),
    ("cl", 1e-2),
    ("hl", 1e2),
    ("m3", 1e3),
    ("m\u{b3}", 1e3),
    ("cbm", 1e3),
];
const ENERGIES: &[(&str, f64)] = &[("kwh", 1.0), ("mwh", 1e3)];
const PIECES: &[(&str, f64)] = &[
    ("pcs", 1.0),
    ("pc", 1.0),
    ("pce", 1.0),
    ("ea", 1.0),
    ("each", 1.0),
    ("unit", 1.0),
    ("units", 1.0),
    ("stk", 1.0),
    ("st\u{fc}ck", 1.0),
    ("stck", 1.0),
    ("pi\u{e8}ce", 1.0),
    ("pi\u{e8}ces", 1.0),
    ("piece", 1.0),
    ("pieces", 1.0),
    ("uds", 1.0),
    ("unidades", 1.0),
    ("pz", 1.0),
    ("pezzi", 1.0),
    ("szt", 1.0),
    ("ks", 1.0),
    ("\u{448}\u{442}", 1.0),
    ("\u{500b}", 1.0),
    ("\u{4ef6}", 1.0),
    ("\u{ac1c}", 1.0),
];
/// Powers of ten by themselves. A number without one is what it is.
const COUNTS: &[(&str, f64)] = &[
    ("", 1.0),
    ("k", 1e3),
    ("tsd", 1e3),
    ("tys", 1e3),
    ("\u{442}\u{44b}\u{441}", 1e3),
    ("M", 1e6),
    ("mn", 1e6),
    ("mio", 1e6),
    ("mln", 1e6),
    ("\u{43c}\u{43b}\u{43d}", 1e6),
    ("bn", 1e9),
    ("mrd", 1e9),
    ("mlrd", 1e9),
    ("lakh", 1e5),
    ("lakhs", 1e5),
    ("lac", 1e5),
    ("crore", 1e7),
    ("crores", 1e7),
    ("\u{4e07}", 1e4),
    ("\u{842c}", 1e4),
    ("\u{5104}", 1e8),
    ("\u{4ebf}", 1e8),
];

type Family = &'static [(&'static str, f64)];

/// How many of a family's first a unit is; `M` is a million where `m` is a metre.
fn factor(family: Family, unit: &str) -> Option<f64> {
    let small = unit.to_lowercase();
    family
        .iter()
        .find(|(own, _)| *own == unit || *own == small)
        .map(|(_, factor)| *factor)
}

/// The family that has all of these units.
fn related(units: &BTreeSet<&str>) -> Option<Family> {
    FAMILIES
        .into_iter()
        .find(|family| units.iter().all(|unit| factor(family, unit).is_some()))
}

/// How many of `wanted` one of `unit` is: 1 for the same, `None` where one cannot be told in the other.
pub(crate) fn conversion(unit: &str, wanted: &str) -> Option<f64> {
    if unit.to_lowercase() == wanted.to_lowercase() {
        return Some(1.0);
    }
    let family = related(&[unit, wanted].into())?;
    Some(factor(family, unit)? / factor(family, wanted)?)
}

/// What the numbers of some texts are told in.
enum Measure {
    /// All have this unit, or none.
    One(String),
    /// Several of one family.
    Several(Family),
}

/// The units of some texts; `None` where none has a unit, two are not related, or a text is neither number nor words.
fn measure<'a>(texts: impl Iterator<Item = &'a str>) -> Option<Measure> {
    let mut units: BTreeSet<String> = BTreeSet::new();
    let mut bare = false;
    for text in texts {
        match split(text) {
            Some((_, own)) => {
                units.insert(own.to_owned());
            }
            None if is_missing_value(text) || is_exception(text) => {}
            None if parse::shape(text).is_some() => bare = true,
            None => return None,
        }
    }
    // Small letters come last: `kg` before `KG`.
    let first = units.last()?.clone();
    let counts = factor(COUNTS, &first).is_some();
    if units.iter().all(|unit| unit.to_lowercase() == first.to_lowercase()) && !counts {
        return Some(Measure::One(first));
    }
    let mut all: BTreeSet<&str> = units.iter().map(String::as_str).collect();
    if bare {
        let _ = all.insert("");
    }
    related(&all).map(Measure::Several)
}

/// Whether a text is a unit.
pub(super) fn is_unit(text: &str) -> bool {
    let unit = trimmed(text).trim_end_matches('.');
    // `Ft` is Hungary's money; feet are `ft` and `FT`.
    !unit.is_empty() && unit != "Ft" && UNITS.contains(&format!(" {} ", unit.to_lowercase()))
}

/// Number and unit of a text.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = trimmed(text);
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let (number, unit) = text.split_at(end);
    let unit = trimmed(unit).trim_end_matches('.');
    // The digit of `m2` and `m3` belongs to the unit.
    let (number, unit) = match (unit, number.strip_suffix(['2', '3'])) {
        ("", Some(rest)) if rest.ends_with(['m', 'M']) => text.split_at(rest.len() - 1),
        _ => (number, unit),
    };
    (is_unit(unit) && parse::shape(number).is_some()).then_some((trimmed(number), unit))
}

/// The number of a text that has this unit, or one that is told in it.
pub(super) fn stripped<'a>(unit: &str, text: &'a str) -> Option<&'a str> {
    let fits = |own: &str| own.to_lowercase() == unit.to_lowercase() || related(&[own, unit].into()).is_some();
    split(text).filter(|(_, own)| fits(own)).map(|(number, _)| number)
}

/// The one unit of some texts, or one of several related ones; `None` where none has a unit, two are not related, or a text is neither number nor
/// words.
pub(crate) fn common<'a>(texts: impl Iterator<Item = &'a str>) -> Option<String> {
    match measure(texts)? {
        Measure::One(unit) => Some(unit),
        Measure::Several(list) if list == COUNTS => Some("k".to_owned()),
        Measure::Several(list) => list.first().map(|(unit, _)| (*unit).to_owned()),
    }
}

/// A column whose units were taken away.
pub(super) struct Bare {
    /// The unit, for people; of several the one that they were told in.
    pub(super) unit: String,
    /// What the number of each row is to be multiplied with, where there were several.
    factors: Option<Vec<f64>>,
    pub(super) column: Column,
}

impl Bare {
    /// The numbers that were read from the bare column, all told in the one unit.
    pub(super) fn told_in_one(&self, mut values: Vec<Option<f64>>) -> Vec<Option<f64>> {
        for (value, factor) in values.iter_mut().zip(self.factors.iter().flatten()) {
            *value = value.map(|value| multiplied(value, *factor));
        }
        values
    }

    /// Says what was done with the units of a column.
    pub(super) fn note(&self, name: &str, notes: &mut Notes) {
        let unit = &self.unit;
        let (found, done) = match (self.factors.is_some(), unit.as_str()) {
            (false, _) => (
                format!("the numbers of column `{name}` have the unit `{unit}` behind them"),
                "read as numbers, the unit was left out; a number without it was taken to be in the same unit".to_owned(),
            ),
            (true, "") => (
                format!("numbers of column `{name}` are told in thousands, millions or the like (`1.2k`)"),
                "read as the numbers that they stand for: `1.2k` is 1200, and a number without a sign as it stands".to_owned(),
            ),
            (true, _) => (
                format!("the numbers of column `{name}` have several units behind them"),
                format!("all were read in `{unit}`"),
            ),
        };
        notes.add("unit-of-numbers", found, done);
    }
}

/// The column with its units left out.
pub(super) fn without(column: &Column, height: usize) -> Option<Bare> {
    // The first text that is no number tells most columns.
    let odd = |row: usize| match column.get(row) {
        CellView::Text(text) => Some(text).filter(|text| {
            let text = trimmed(text);
            !(text.is_empty() || is_missing_value(text) || parse::plain(text).is_some() || is_exception(text))
        }),
        _ => None,
    };
    split(&(0..height).find_map(odd)?)?;
    let cells: Vec<CellView<'_>> = (0..height).map(|row| column.get(row)).collect();
    let texts = cells.iter().filter_map(|cell| match cell {
        CellView::Text(text) => Some(trimmed(text)).filter(|text| !text.is_empty()),
        CellView::Number(_) | CellView::Integer(_) => Some("1"),
        _ => None,
    });
    let measure = measure(texts)?;
    let mut builder = CellsBuilder::default();
    let mut factors = vec![1.0; height];
    for (cell, slot) in cells.iter().zip(&mut factors) {
        match cell {
            CellView::Text(text) => match split(text) {
                Some((number, unit)) => {
                    builder.push_text(number);
                    if let Measure::Several(family) = measure {
                        *slot = factor(family, unit)?;
                    }
                }
                None => builder.push_text(trimmed(text)),
            },
            // Typed numbers stay what they are, whatever the mark of the texts.
            CellView::Number(_) | CellView::Integer(_) => builder.push_view(cell),
            CellView::Blank | CellView::Error(_) => builder.push_text(""),
            CellView::Bool(_) | CellView::Date(_) => return None,
        }
    }
    let column = builder.finish().into_column();
    Some(match measure {
        Measure::One(unit) => Bare {
            unit,
            factors: None,
            column,
        },
        Measure::Several(family) => Bare {
            unit: family.first().map(|(unit, _)| (*unit).to_owned()).unwrap_or_default(),
            factors: Some(factors),
            column,
        },
    })
}

/// A product of decimal fractions without the last digits that binary ones add: 800 times 0.001 is 0.8.
pub(crate) fn multiplied(value: f64, factor: f64) -> f64 {
    if factor == 1.0 {
        return value;
    }
    let product = value * factor;
    format!("{product:.14e}").parse().unwrap_or(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unit_is_left_out_and_two_are_no_numbers() {
        for (text, parts) in [
            ("12.5 kg", Some(("12.5", "kg"))),
            ("1.200,5KG", Some(("1.200,5", "KG"))),
            ("30 Stk.", Some(("30", "Stk"))),
            ("40 m3", Some(("40", "m3"))),
            ("40m\u{b3}", Some(("40", "m\u{b3}"))),
            ("74.7k", Some(("74.7", "k"))),
            ("12", None),
            ("12a", None),
            ("kg", None),
            ("A12 kg", None),
            ("12 kg netto", None),
        ] {
            assert_eq!(split(text), parts, "{text}");
        }
        let unit = |texts: &[&str]| common(texts.iter().copied());
        assert_eq!(unit(&["12 kg", "5", "tbd", "7.5 KG", "-"]).as_deref(), Some("kg"));
        assert_eq!(unit(&["12 kg", "500 g"]).as_deref(), Some("kg"));
        assert_eq!(unit(&["12 kg", "500 g", "5"]), None);
        assert_eq!(unit(&["12 kg", "5 lbs"]).as_deref(), Some("kg"));
        assert_eq!(unit(&["12 kg", "5 pcs"]), None);
        assert_eq!(unit(&["30 Stk.", "5 pcs"]).as_deref(), Some("pcs"));
        assert_eq!(unit(&["12 m", "5 cm"]).as_deref(), Some("m"));
        assert_eq!(unit(&["1.2M", "5k", "950"]).as_deref(), Some("k"));
        assert_eq!(unit(&["12", "5"]), None);
        assert_eq!(unit(&["12 kg", "A7"]), None);
    }

    #[test]
    fn one_unit_is_told_in_another_of_its_family() {
        for (unit, wanted, factor) in [
            ("t", "kg", Some(1e3)),
            ("KG", "kg", Some(1.0)),
            ("lb", "kg", Some(0.453_592_37)),
            ("kg", "g", Some(1e3)),
            ("km", "mi", Some(1e3 / 1_609.344)),
            ("Stk", "pcs", Some(1.0)),
            ("m3", "l", Some(1e3)),
            ("kg", "pcs", None),
            ("ton", "kg", None),
            ("pallets", "pcs", None),
        ] {
            assert_eq!(conversion(unit, wanted), factor, "{unit} in {wanted}");
        }
        assert_eq!(multiplied(800.0, 1e-3), 0.8);
        assert_eq!(multiplied(8.01, 1e3), 8010.0);
    }
}
