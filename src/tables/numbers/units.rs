//! Units of measure behind the numbers of a column: `12.5 kg`, `30 pcs`. One unit for the whole column, or several that are powers of ten of one
//! another (`12.5 kg` and `800 g`, `950` and `1.2k`), else the numbers are not comparable.

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

/// Units that are powers of ten of one another; the first has the power 0 and is what the others are told in.
const POWERS: [&[(&str, i8)]; 4] = [
    &[
        ("kg", 0),
        ("kgs", 0),
        ("\u{43a}\u{433}", 0),
        ("g", -3),
        ("gr", -3),
        ("mg", -6),
        ("t", 3),
        ("tonne", 3),
        ("tonnes", 3),
        ("tonnen", 3),
    ],
    &[("m", 0), ("mm", -3), ("cm", -2), ("km", 3), ("\u{43c}", 0), ("\u{43a}\u{43c}", 3)],
    &[
        ("l", 0),
        ("ltr", 0),
        ("ml", -3),
        ("cl", -2),
        ("hl", 2),
        ("m3", 3),
        ("m\u{b3}", 3),
        ("cbm", 3),
    ],
    COUNTS,
];
/// Powers of ten by themselves. A number without one is what it is.
const COUNTS: &[(&str, i8)] = &[
    ("", 0),
    ("k", 3),
    ("tsd", 3),
    ("tys", 3),
    ("\u{442}\u{44b}\u{441}", 3),
    ("M", 6),
    ("mn", 6),
    ("mio", 6),
    ("mln", 6),
    ("\u{43c}\u{43b}\u{43d}", 6),
    ("bn", 9),
    ("mrd", 9),
    ("mlrd", 9),
    ("lakh", 5),
    ("lakhs", 5),
    ("lac", 5),
    ("crore", 7),
    ("crores", 7),
    ("\u{4e07}", 4),
    ("\u{842c}", 4),
    ("\u{5104}", 8),
    ("\u{4ebf}", 8),
];

/// The power of a unit in a list; `M` is a million where `m` is a metre.
fn power(list: &[(&str, i8)], unit: &str) -> Option<i8> {
    let small = unit.to_lowercase();
    list.iter().find(|(own, _)| *own == unit || *own == small).map(|(_, power)| *power)
}

/// The list that has all of these units.
fn related(units: &BTreeSet<&str>) -> Option<&'static [(&'static str, i8)]> {
    POWERS.into_iter().find(|list| units.iter().all(|unit| power(list, unit).is_some()))
}

/// What the numbers of some texts are told in.
enum Measure {
    /// All have this unit, or none.
    One(String),
    /// Several that are powers of ten of one another.
    Several(&'static [(&'static str, i8)]),
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
    let counts = power(COUNTS, &first).is_some();
    if units.iter().all(|unit| unit.to_lowercase() == first.to_lowercase()) && !(bare && counts) {
        return Some(Measure::One(first));
    }
    let mut all: BTreeSet<&str> = units.iter().map(String::as_str).collect();
    if bare {
        all.insert("");
    }
    related(&all).map(Measure::Several)
}

/// A number times a power of ten, its marks as they are.
fn scaled(number: &str, power: i8) -> Option<String> {
    let written = if power == 0 {
        number.to_owned()
    } else {
        format!("{number}E{power}")
    };
    parse::shape(&written).map(|_| written)
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
    let listed = format!(" {} ", unit.to_lowercase());
    // `Ft` is Hungary's money; feet are `ft` and `FT`.
    (!unit.is_empty() && unit != "Ft" && UNITS.contains(&listed) && parse::shape(number).is_some()).then_some((trimmed(number), unit))
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
    /// Whether there were several.
    pub(super) several: bool,
    pub(super) column: Column,
}

impl Bare {
    /// Says what was done with the units of a column.
    pub(super) fn note(&self, name: &str, notes: &mut Notes) {
        let unit = &self.unit;
        let (found, done) = match (self.several, unit.as_str()) {
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
    for cell in &cells {
        match (cell, &measure) {
            (CellView::Text(text), Measure::One(_)) => builder.push_text(split(text).map_or_else(|| trimmed(text), |(number, _)| number)),
            (CellView::Text(text), Measure::Several(list)) => match split(text) {
                Some((number, unit)) => builder.push_text(&scaled(number, power(list, unit)?)?),
                None => builder.push_text(trimmed(text)),
            },
            // Typed numbers stay what they are, whatever the mark of the texts.
            (CellView::Number(_) | CellView::Integer(_), _) => builder.push_view(cell),
            (CellView::Blank | CellView::Error(_), _) => builder.push_text(""),
            (CellView::Bool(_) | CellView::Date(_), _) => return None,
        }
    }
    let column = builder.finish().into_column();
    Some(match measure {
        Measure::One(unit) => Bare {
            unit,
            several: false,
            column,
        },
        Measure::Several(list) => Bare {
            unit: list.first().map(|(unit, _)| (*unit).to_owned()).unwrap_or_default(),
            several: true,
            column,
        },
    })
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
        assert_eq!(unit(&["12 kg", "5 lbs"]), None);
        assert_eq!(unit(&["12 m", "5 cm"]).as_deref(), Some("m"));
        assert_eq!(unit(&["1.2M", "5k", "950"]).as_deref(), Some("k"));
        assert_eq!(unit(&["12", "5"]), None);
        assert_eq!(unit(&["12 kg", "A7"]), None);
    }
}
