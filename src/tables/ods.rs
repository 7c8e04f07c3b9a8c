//! A walk through the content of an OpenDocument sheet before its parser gets it: how many cells it would spell out from repeat counts, and what the
//! parser does not tell (merged cells, hidden rows).

use std::collections::BTreeMap;
use std::io::BufRead;

use calamine::Dimensions;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::limits::{MAX_COLUMNS, MAX_EXCEL_ROWS, MAX_ODS_CELLS};
use super::marks::Marks;

const TABLE: &str = "table:table";
const ROW: &str = "table:table-row";

/// The row being read.
#[derive(Default)]
struct Row {
    /// Its number from 0, and how many rows it stands for.
    number: usize,
    repeats: usize,
    /// Columns so far, up to the last filled cell, and of the blank ones since.
    cells: usize,
    pending: usize,
}

/// Walks through the content: well-formed to its end, with every tag closed.
pub(super) fn check_content(reader: impl BufRead) -> Result<BTreeMap<String, Marks>, String> {
    let mut xml = Reader::from_reader(reader);
    let mut buffer = Vec::new();
    let mut depth = 0_usize;
    let mut cells: usize = 0;
    let mut tables = BTreeMap::new();
    let mut table: Option<(String, Marks)> = None;
    let mut row = Row::default();
    loop {
        buffer.clear();
        let event = xml.read_event_into(&mut buffer).map_err(|error| error.to_string())?;
        let (start, empty) = match &event {
            Event::Start(start) => {
                depth += 1;
                (Some(start), false)
            }
            Event::Empty(start) => (Some(start), true),
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                if end.name().as_ref() == ROW {
                    // Empty rows between filled ones are spelt out too; the widest row decides their width, so count them at least once.
                    cells = cells.saturating_add(row.cells.saturating_mul(row.repeats.max(1)));
                    if cells > MAX_ODS_CELLS {
                        return Err("its repeat counts spell out too many cells".to_owned());
                    }
                } else if end.name().as_ref() == TABLE {
                    tables.extend(table.take());
                }
                (None, false)
            }
            Event::Eof if depth > 0 => return Err("it is cut off".to_owned()),
            Event::Eof => return Ok(tables),
            _ => (None, false),
        };
        let Some(start) = start else { continue };
        match start.name().as_ref() {
            TABLE => {
                table = Some((value(start, "table:name").unwrap_or_default(), Marks::default()));
                row = Row::default();
            }
            ROW => {
                row = Row {
                    number: row.number + row.repeats,
                    repeats: repeats(start, "table:number-rows-repeated").min(MAX_EXCEL_ROWS),
                    ..Row::default()
                };
                let visibility = value(start, "table:visibility");
                if let (Some((_, marks)), Some("collapse" | "filter")) = (&mut table, visibility.as_deref()) {
                    marks.filtered |= visibility.as_deref() == Some("filter");
                    let last = (row.number + row.repeats).min(MAX_EXCEL_ROWS);
                    marks.hidden.extend(row.number as u32..last as u32);
                }
            }
            "table:table-cell" | "table:covered-table-cell" => {
                if let Some((_, marks)) = &mut table {
                    marks.merged.extend(region(start, row.number, row.cells + row.pending));
                }
                let count = repeats(start, "table:number-columns-repeated").min(MAX_COLUMNS);
                if empty {
                    row.pending += count;
                } else {
                    row.cells = (row.cells + row.pending + count).min(MAX_COLUMNS);
                    row.pending = 0;
                }
            }
            _ => {}
        }
    }
}

/// The cells that a merged cell spans.
fn region(start: &BytesStart<'_>, row: usize, column: usize) -> Option<Dimensions> {
    let height = repeats(start, "table:number-rows-spanned").clamp(1, MAX_EXCEL_ROWS);
    let width = repeats(start, "table:number-columns-spanned").clamp(1, MAX_COLUMNS);
    (height > 1 || width > 1).then(|| Dimensions {
        start: (row as u32, column as u32),
        end: ((row + height - 1) as u32, (column + width - 1) as u32),
    })
}

fn value(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = start.try_get_attribute(name).ok().flatten()?;
    Some(match quick_xml::escape::unescape(&attribute.value) {
        Ok(text) => text.into_owned(),
        Err(_) => attribute.value.into_owned(),
    })
}

fn repeats(start: &BytesStart<'_>, name: &str) -> usize {
    start
        .try_get_attribute(name)
        .ok()
        .flatten()
        .and_then(|attribute| attribute.value.parse().ok())
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeat_counts_are_added_up() {
        let content = |rows: usize| {
            format!(
                "<t><table:table-row table:number-rows-repeated=\"{rows}\"><table:table-cell table:number-columns-repeated=\"16384\" office:value=\"1\"><p>1</p></table:table-cell></table:table-row></t>"
            )
        };
        assert!(check_content(content(10).as_bytes()).is_ok());
        assert!(check_content(content(1_000_000).as_bytes()).is_err());
    }

    #[test]
    fn merged_cells_and_hidden_rows_are_found() {
        let cell = "<table:table-cell><p>1</p></table:table-cell>";
        let content = format!(
            "<o><table:table table:name=\"A &amp; B\"><table:table-row table:number-rows-repeated=\"3\">{cell}</table:table-row>\
             <table:table-row table:visibility=\"filter\"><table:table-cell/><table:table-cell table:number-columns-spanned=\"2\" table:number-rows-spanned=\"4\"><p>x</p></table:table-cell></table:table-row>\
             <table:table-row table:visibility=\"collapse\" table:number-rows-repeated=\"2\">{cell}</table:table-row></table:table></o>"
        );
        let tables = check_content(content.as_bytes()).unwrap();
        let marks = &tables["A & B"];
        assert_eq!(marks.hidden, [3, 4, 5]);
        assert!(marks.filtered);
        assert_eq!(
            marks.merged,
            [Dimensions {
                start: (3, 1),
                end: (6, 2)
            }]
        );
    }
}
