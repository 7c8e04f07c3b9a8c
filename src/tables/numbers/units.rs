//! Units of measure behind the numbers of a column: `12.5 kg`, `30 pcs`. One unit for the whole column, else the numbers are not comparable.

use super::parse;
use crate::tables::cells::CellsBuilder;
use crate::tables::column::{CellView, Column};
use crate::tables::exceptions::is_exception;
use crate::tables::text::{is_missing_value, trimmed};

/// Units in small letters.
const UNITS: &str = " kg kgs g gr mg t to ton tons tonne tonnes tonnen lb lbs oz km m cm mm mi miles ft yd l ltr ml cl hl gal k tsd mio mn bn m2 m3 m\u{b2} m\u{b3} qm cbm ccm kwh mwh kw \
    pcs pc pce ea each unit units stk st\u{fc}ck stck pi\u{e8}ces pieces piece pi\u{e8}ce uds unidades pz pezzi szt szt. ks db box boxes ctn ctns carton cartons karton kartons \
    kilogramm kilogram kilograms kilogramme kilogrammes pound pounds in inch inches st x \u{7bb1} \u{53f0} \u{5305} \u{888b} \u{76d2} \
    pallet pallets plt plts pal palette paletten colli collo kolli \u{b0}c \u{43a}\u{433} \u{448}\u{442} \u{43c} \u{43a}\u{43c} \u{43b} \u{500b} \u{4ef6} \u{516c}\u{65a4} \u{5343}\u{514b} \u{ac1c} ";

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

/// The number of a text that has this unit.
pub(super) fn stripped<'a>(unit: &str, text: &'a str) -> Option<&'a str> {
    split(text)
        .filter(|(_, own)| own.to_lowercase() == unit.to_lowercase())
        .map(|(number, _)| number)
}

/// The one unit of some texts; `None` where none has a unit, two have different ones, or a text is neither number nor words.
pub(crate) fn common<'a>(texts: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut unit: Option<String> = None;
    for text in texts {
        match split(text) {
            Some((_, own)) => match &unit {
                None => unit = Some(own.to_owned()),
                Some(known) if known.to_lowercase() == own.to_lowercase() => {}
                Some(_) => return None,
            },
            None if is_missing_value(text) || parse::shape(text).is_some() || is_exception(text) => {}
            None => return None,
        }
    }
    unit
}

/// The column with its one unit left out, and the unit.
pub(super) fn without(column: &Column, height: usize) -> Option<(String, Column)> {
    let mut unit: Option<String> = None;
    // The first text that is no number tells most columns.
    let odd = |row: usize| match column.get(row) {
        CellView::Text(text) => Some(text).filter(|text| {
            let text = trimmed(text);
            !(text.is_empty() || is_missing_value(text) || parse::plain(text).is_some() || is_exception(text))
        }),
        _ => None,
    };
    split(&(0..height).find_map(odd)?)?;
    let mut builder = CellsBuilder::default();
    for row in 0..height {
        let cell = column.get(row);
        match &cell {
            CellView::Text(text) => match split(text) {
                Some((number, own)) => {
                    if unit.get_or_insert_with(|| own.to_owned()).to_lowercase() != own.to_lowercase() {
                        return None;
                    }
                    builder.push_text(number);
                }
                None => {
                    let text = trimmed(text);
                    let fits = text.is_empty() || is_missing_value(text) || parse::shape(text).is_some() || is_exception(text);
                    if !fits {
                        return None;
                    }
                    builder.push_text(text);
                }
            },
            // Typed numbers stay what they are, whatever the mark of the texts.
            CellView::Number(_) | CellView::Integer(_) => builder.push_view(&cell),
            CellView::Blank | CellView::Error(_) => builder.push_text(""),
            CellView::Bool(_) | CellView::Date(_) => return None,
        }
    }
    Some((unit?, builder.finish().into_column()))
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
        assert_eq!(unit(&["12 kg", "500 g"]), None);
        assert_eq!(unit(&["12", "5"]), None);
        assert_eq!(unit(&["12 kg", "A7"]), None);
    }
}
