//! A second look at an `.xlsx` sheet for what its parser does not tell: hidden rows, the digits of long numbers as they are written, the units that formats
//! show, and error values that it does not know.

use std::collections::BTreeMap;
use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::super::marks::{Marks, Units};
use super::grid::damaged;
use super::shown_units::Styles;
use crate::error::Result;

/// Digits that a float keeps for certain.
const SAFE_DIGITS: usize = 15;

/// What the second look found. Places are (row, column) from 0.
#[derive(Debug, Default)]
pub(super) struct SecondLook {
    pub(super) marks: Marks,
    /// Whole numbers of more than 15 digits, as written.
    pub(super) long: BTreeMap<(u32, u32), String>,
    /// What the formats of a column's numbers show.
    pub(super) units: BTreeMap<u32, Units>,
    /// Where in the XML error values stand that the parser does not know.
    pub(super) errors: Vec<std::ops::Range<usize>>,
}

/// The place that `AB12` names.
fn place_of(reference: &str) -> Option<(u32, u32)> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (column, row) = reference.split_at(letters);
    let column = column.bytes().try_fold(0_u32, |column, letter| {
        column
            .checked_mul(26)?
            .checked_add(u32::from(letter.to_ascii_uppercase() - b'A') + 1)
    })?;
    Some((row.parse::<u32>().ok()?.checked_sub(1)?, column.checked_sub(1)?))
}

fn value<'a>(tag: &'a BytesStart<'_>, name: &str) -> Option<std::borrow::Cow<'a, str>> {
    tag.try_get_attribute(name).ok().flatten().map(|attribute| attribute.value)
}

fn is_known_error(text: &str) -> bool {
    ["#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#GETTING_DATA"].contains(&text)
}

fn is_long(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.len() > SAFE_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads a sheet's XML.
pub(super) fn look(reader: impl BufRead, styles: &Styles) -> Result<SecondLook> {
    let mut xml = Reader::from_reader(reader);
    let mut found = SecondLook::default();
    let mut buffer = Vec::new();
    let (mut row, mut column) = (0_u32, 0_u32);
    let (mut kind, mut in_value, mut text) = (String::new(), false, String::new());
    let (mut value_from, mut before) = (0, 0);
    let mut style = 0_usize;
    loop {
        buffer.clear();
        let event_from = before;
        let event = xml.read_event_into(&mut buffer).map_err(damaged)?;
        before = xml.buffer_position() as usize;
        match event {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "row" => {
                    start_row(&tag, &mut row, &mut found);
                    column = 0;
                }
                "c" => {
                    start_cell(&tag, row, &mut column);
                    kind.clear();
                    kind.push_str(value(&tag, "t").as_deref().unwrap_or("n"));
                    style = value(&tag, "s").and_then(|style| style.parse().ok()).unwrap_or_default();
                }
                "v" => {
                    in_value = true;
                    value_from = before;
                    text.clear();
                }
                "filterColumn" => found.marks.filtered = true,
                _ => {}
            },
            Event::Empty(tag) => match tag.local_name().as_ref() {
                "row" => {
                    start_row(&tag, &mut row, &mut found);
                    row = row.saturating_add(1);
                }
                "c" => {
                    start_cell(&tag, row, &mut column);
                    column = column.saturating_add(1);
                }
                "filterColumn" => found.marks.filtered = true,
                _ => {}
            },
            Event::Text(part) if in_value => text.push_str(&part.xml10_content()),
            Event::End(tag) => match tag.local_name().as_ref() {
                "row" => row = row.saturating_add(1),
                "c" => column = column.saturating_add(1),
                "v" => {
                    in_value = false;
                    if kind == "n" && styles.show_units() {
                        let units = found.units.entry(column).or_default();
                        let cells = units.entry(styles.unit(style).to_owned()).or_insert((0, row));
                        cells.0 += 1;
                    }
                    if kind == "e" && !is_known_error(&text) {
                        found.errors.push(value_from..event_from);
                    } else if kind == "n" && is_long(&text) {
                        found.long.insert((row, column), std::mem::take(&mut text));
                    }
                }
                _ => {}
            },
            Event::Eof => break,
            _ => {}
        }
    }
    found.drop_rounded();
    Ok(found)
}

fn start_row(tag: &BytesStart<'_>, row: &mut u32, found: &mut SecondLook) {
    if let Some(number) = value(tag, "r").and_then(|number| number.parse::<u32>().ok()) {
        *row = number.saturating_sub(1);
    }
    if value(tag, "hidden").is_some_and(|hidden| hidden == "1" || hidden == "true") {
        found.marks.hidden.push(*row);
    }
}

fn start_cell(tag: &BytesStart<'_>, row: u32, column: &mut u32) {
    if let Some((there, place)) = value(tag, "r").and_then(|reference| place_of(&reference))
        && there == row
    {
        *column = place;
    }
}

impl SecondLook {
    /// The sheet with an error value that the parser knows in the place of each that it does not.
    pub(super) fn with_known_errors(&self, content: &[u8]) -> Vec<u8> {
        let mut mended = Vec::with_capacity(content.len());
        let mut from = 0;
        for place in &self.errors {
            mended.extend_from_slice(content.get(from..place.start).unwrap_or_default());
            mended.extend_from_slice(b"#N/A");
            from = place.end;
        }
        mended.extend_from_slice(content.get(from..).unwrap_or_default());
        mended
    }

    /// Digits are exact only where somebody wrote more of them than a float keeps: numbers that passed through a float are written back as the
    /// shortest digits that give the same float, filled up with zeros. One column is of one kind.
    fn drop_rounded(&mut self) {
        const ENOUGH: usize = 8;
        let mut columns: BTreeMap<u32, (usize, bool, bool)> = BTreeMap::new();
        for ((_, column), digits) in &self.long {
            let shortest = digits.parse::<f64>().is_ok_and(|number| format!("{number}") == *digits);
            let (count, all_shortest, all_zero) = columns.entry(*column).or_insert((0, true, true));
            *count += 1;
            *all_shortest &= shortest && digits.parse::<f64>().is_ok_and(|number| number.abs() >= 9_007_199_254_740_992.0);
            *all_zero &= digits.ends_with('0');
        }
        self.long.retain(|(_, column), _| {
            let (count, all_shortest, all_zero) = columns.get(column).copied().unwrap_or_default();
            let rounded = all_shortest && (all_zero || count >= ENOUGH);
            !rounded
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_rows_long_numbers_and_unknown_errors_are_found() {
        let sheet = "<x:worksheet><x:sheetData><x:row r=\"2\" hidden=\"1\"><x:c r=\"B2\"><x:v>123456789012345678</x:v></x:c>\
                     <x:c t=\"e\"><x:v>#BUSY!</x:v></x:c><x:c t=\"e\"><x:v>#N/A</x:v></x:c></x:row><x:row><x:c><x:v>1.5</x:v></x:c></x:row>\
                     </x:sheetData><x:autoFilter><x:filterColumn colId=\"0\"/></x:autoFilter></x:worksheet>";
        let found = look(sheet.as_bytes(), &Styles::default()).unwrap();
        assert_eq!(found.marks.hidden, [1]);
        assert!(found.marks.filtered);
        assert_eq!(
            found.long.clone().into_iter().collect::<Vec<_>>(),
            [((1, 1), "123456789012345678".to_owned())]
        );
        assert_eq!(
            found.errors.iter().map(|place| &sheet[place.clone()]).collect::<Vec<_>>(),
            ["#BUSY!"]
        );
        assert_eq!(
            found.with_known_errors(sheet.as_bytes()),
            sheet.replace("#BUSY!", "#N/A").into_bytes()
        );
    }

    #[test]
    fn digits_that_passed_through_a_float_are_not_exact() {
        let sheet = |numbers: &[&str]| {
            let rows: String = numbers.iter().map(|number| format!("<row><c><v>{number}</v></c></row>")).collect();
            look(rows.as_bytes(), &Styles::default()).unwrap().long.len()
        };
        assert_eq!(sheet(&["123456789012345680", "123456789012345700"]), 0);
        assert_eq!(sheet(&["123456789012345680", "123456789012345678"]), 2);
        // Sixteen digits below 2^53 are exact in a float too.
        assert_eq!(sheet(&["1234567890123450", "1234567890123460"]), 2);
        assert_eq!(sheet(&["123456789012345"]), 0);
    }

    #[test]
    fn references_are_places() {
        assert_eq!(place_of("A1"), Some((0, 0)));
        assert_eq!(place_of("AB12"), Some((11, 27)));
        assert_eq!(place_of("XFD1048576"), Some((1_048_575, 16_383)));
        assert_eq!(place_of("12"), None);
        assert_eq!(place_of("A0"), None);
    }
}
