//! Units that a workbook's cells show by their number formats alone (`#,##0.00 "kg"`, `[$EUR] 0.00`, `0 %`): the stored numbers do not tell.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::grid::damaged;
use crate::error::Result;
use crate::notes::Notes;
use crate::tables::header::counted;
use crate::tables::marks::Units;
use crate::tables::numbers;
use crate::tables::parts::attribute;

/// The unit of every style of a workbook, by the style's number.
#[derive(Debug, Default)]
pub(super) struct Styles(Vec<Option<String>>);

impl Styles {
    /// Reads the part with the styles. Nothing is kept where no format shows a unit.
    pub(super) fn read(content: &[u8]) -> Result<Self> {
        let mut xml = Reader::from_reader(content);
        let mut codes: BTreeMap<String, Option<String>> = BTreeMap::new();
        let (mut units, mut in_cells) = (Vec::new(), false);
        loop {
            match xml.read_event().map_err(damaged)? {
                Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                    "numFmt" => {
                        if let (Some(id), Some(code)) = (attribute(&tag, "numFmtId"), attribute(&tag, "formatCode")) {
                            codes.insert(id, unit_of(&code));
                        }
                    }
                    "cellXfs" => in_cells = true,
                    "xf" if in_cells => {
                        let id = attribute(&tag, "numFmtId").unwrap_or_default();
                        units.push(codes.get(&id).cloned().unwrap_or_else(|| built_in(&id)));
                    }
                    _ => {}
                },
                Event::End(tag) if tag.local_name().as_ref() == "cellXfs" => in_cells = false,
                Event::Eof => break,
                _ => {}
            }
        }
        let shown = units.iter().any(Option::is_some);
        Ok(Self(if shown { units } else { Vec::new() }))
    }

    /// Whether some format shows a unit.
    pub(super) fn show_units(&self) -> bool {
        !self.0.is_empty()
    }

    /// What a cell of this style shows beside its number; blank for nothing.
    pub(super) fn unit(&self, style: usize) -> &str {
        self.0.get(style).and_then(Option::as_deref).unwrap_or_default()
    }
}

/// The formats that every workbook has (ECMA-376, 18.8.30); those of money show the money of the place where the file is opened.
fn built_in(id: &str) -> Option<String> {
    match id {
        "9" | "10" => Some("%".to_owned()),
        _ => None,
    }
}

/// What a format writes beside a number: a sign of money, a unit in quotes, a percent sign. Only the part for positive numbers counts.
fn unit_of(code: &str) -> Option<String> {
    let mut shown = String::new();
    let mut letters = code.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ';' => break,
            '\\' => shown.extend(letters.next()),
            '_' | '*' => {
                letters.next();
            }
            '"' => shown.extend(letters.by_ref().take_while(|next| *next != '"')),
            '[' => {
                let inside: String = letters.by_ref().take_while(|next| *next != ']').collect();
                // `[$EUR-407]`; others are colours and conditions.
                if let Some(sign) = inside.strip_prefix('$') {
                    shown.push_str(sign.split('-').next().unwrap_or_default());
                }
            }
            '%' | '$' => shown.push(letter),
            _ if !letter.is_ascii() && !letter.is_whitespace() => shown.push(letter),
            // A format of dates or text is none of numbers.
            'd' | 'm' | 'h' | 'y' | 's' | 'D' | 'M' | 'H' | 'Y' | 'S' | '@' => return None,
            _ => {}
        }
    }
    let shown = shown.trim().trim_matches(['(', ')', '-', '+']).trim().to_owned();
    (!shown.is_empty() && !shown.chars().all(|letter| letter.is_ascii_digit())).then_some(shown)
}

/// The one unit or currency that a column shows; a few cells may show none, as newly added ones do.
pub(super) fn of_column(units: &Units) -> Option<String> {
    let mut named = units.iter().filter(|(unit, _)| !unit.is_empty());
    let (unit, (shown, _)) = named.next()?;
    let bare = units.get("").map_or(0, |(count, _)| *count);
    (named.next().is_none() && bare < *shown && numbers::is_unit_or_currency(unit)).then(|| unit.clone())
}

/// Says that cells of a column show different units, or percents beside plain numbers.
pub(super) fn note(name: &str, units: &Units, file_name: &str, notes: &mut Notes) {
    let named = units.keys().filter(|unit| !unit.is_empty()).count();
    if named < 2 && !(units.contains_key("%") && units.len() > 1) {
        return;
    }
    let told: Vec<String> = units
        .iter()
        .map(|(unit, (count, row))| {
            let what = if unit.is_empty() {
                "no unit".to_owned()
            } else {
                format!("`{unit}`")
            };
            format!("{what} in {} (the first in row {})", counted(*count, "cell"), u64::from(*row) + 1)
        })
        .collect();
    notes.add(
        "mixed-formats",
        format!(
            "the cells of column `{name}` of `{file_name}` show different units by their formats: {}",
            told.join(", ")
        ),
        "nothing was converted: the numbers were taken as they are stored, check them",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_show_their_units() {
        for (code, unit) in [
            ("0.00", None),
            ("#,##0.00\\ \"kg\"", Some("kg")),
            ("0.0\" lb\"", Some("lb")),
            ("\"$\"#,##0.00_);(\"$\"#,##0.00)", Some("$")),
            ("$#,##0.00", Some("$")),
            ("_-* #,##0.00\\ [$\u{20ac}-407]_-;-* 0", Some("\u{20ac}")),
            ("[$EUR]\\ 0.00", Some("EUR")),
            ("[$-409]0.00", None),
            ("[Red]0.00", None),
            ("0.0%", Some("%")),
            ("yyyy\"-\"mm", None),
            ("0 \"2\"", None),
        ] {
            assert_eq!(unit_of(code).as_deref(), unit, "{code}");
        }
    }

    #[test]
    fn styles_are_kept_where_some_show_units() {
        let styles = |formats: [&str; 2]| {
            let text = format!(
                "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='{}'/><numFmt numFmtId='165' formatCode='{}'/></numFmts>\
                 <cellStyleXfs><xf numFmtId='0'/></cellStyleXfs>\
                 <cellXfs><xf numFmtId='0'/><xf numFmtId='164'/><xf numFmtId='165'/></cellXfs></styleSheet>",
                formats[0], formats[1]
            );
            Styles::read(text.as_bytes()).unwrap()
        };
        let mixed = styles(["0 &quot;kg&quot;", "0 &quot;lb&quot;"]);
        assert!(mixed.show_units() && mixed.unit(1) == "kg" && mixed.unit(2) == "lb" && mixed.unit(0).is_empty());
        assert!(styles(["0 &quot;kg&quot;", "0.0"]).show_units() && !styles(["0", "0.00"]).show_units());
    }

    #[test]
    fn a_column_that_mixes_units_is_told_and_one_unit_beside_bare_numbers_is_not() {
        let told = |units: &[(&str, usize, u32)]| {
            let units = units
                .iter()
                .map(|(unit, count, row)| ((*unit).to_owned(), (*count, *row)))
                .collect();
            let mut notes = Notes::new();
            note("Weight", &units, "a.xlsx", &mut notes);
            notes.iter().next().map(|note| note.found.clone())
        };
        let found = told(&[("kg", 40, 1), ("lb", 1, 7)]).unwrap();
        assert!(
            found.contains("`kg` in 40 cells (the first in row 2), `lb` in 1 cell (the first in row 8)"),
            "{found}"
        );
        assert!(told(&[("%", 40, 1), ("", 2, 7)]).is_some());
        assert!(told(&[("$", 40, 1), ("", 2, 7)]).is_none() && told(&[("%", 40, 1)]).is_none());
    }

    #[test]
    fn a_column_has_the_unit_that_nearly_all_of_its_cells_show() {
        let of = |units: &[(&str, usize)]| of_column(&units.iter().map(|(unit, count)| ((*unit).to_owned(), (*count, 1))).collect());
        assert_eq!(of(&[("kg", 40)]).as_deref(), Some("kg"));
        assert_eq!(of(&[("%", 40)]).as_deref(), Some("%"));
        assert_eq!(of(&[("", 2), ("\u{20ac}", 40)]).as_deref(), Some("\u{20ac}"));
        for none in [&[("kg", 40), ("lb", 1)][..], &[("", 41), ("kg", 40)], &[("nights", 40)], &[("", 5)]] {
            assert_eq!(of(none), None, "{none:?}");
        }
    }
}
