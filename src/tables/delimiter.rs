//! Comma, semicolon, tab or bar: which one gives columns.

use super::csv::{Record, Scanner, unquoted};
use super::header::{self, TopRow};
use super::text::trimmed;
use crate::error::Result;

const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Marks that few programs put between cells: taken where nothing else separates anything.
const RARE: [u8; 2] = [b'^', b'~'];
const SAMPLE_RECORDS: usize = 200;

/// The top records of a text, blank ones left out.
///
/// # Errors
/// As [`Scanner::next`].
pub(crate) fn top_rows(text: &str, start: usize, delimiter: u8, carriage_returns: bool, most: usize) -> Result<Vec<TopRow>> {
    let mut scanner = Scanner::new(text, start, delimiter, carriage_returns);
    let mut ends = Vec::new();
    let mut rows = Vec::new();
    while rows.len() < most
        && let Some(record) = scanner.next(&mut ends)?
    {
        if !record.blank {
            rows.push(TopRow {
                row: record.row,
                cells: cells(text, record, &ends, delimiter),
            });
        }
    }
    Ok(rows)
}

fn cells(text: &str, record: Record, ends: &[u32], delimiter: u8) -> Vec<String> {
    let mut from = record.start;
    ends.iter()
        .map(|end| {
            let cell = text.get(from..*end as usize).unwrap_or("");
            from = *end as usize + 1;
            super::guard::unguarded(unquoted(cell), delimiter).into_owned()
        })
        .collect()
}

/// How well a delimiter explains the top of a text.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Fit {
    /// Share of records that are as wide as most.
    agreement: f64,
    width: usize,
}

fn fit(rows: &[TopRow]) -> Option<Fit> {
    let mut widths: Vec<usize> = rows.iter().map(|row| row.cells.len()).collect();
    widths.sort_unstable();
    let mut best = (0, 0);
    for group in widths.chunk_by(|a, b| a == b) {
        if group.len() >= best.0 {
            best = (group.len(), group[0]);
        }
    }
    let (count, width) = best;
    if width < 2 {
        return None;
    }
    // `1,5` in every row of a single column is a decimal comma: then the rows of that width are values below a name without a delimiter.
    let place = header::find(rows, None).ok()?.first;
    let head = rows.get(place)?;
    let filled = head.cells.iter().filter(|cell| !trimmed(cell).is_empty()).count();
    // `,0` is what pandas writes above a series: an index without a name, and a column.
    let index_and_column = filled == 1 && width == 2 && head.cells.len() == 2 && trimmed(&head.cells[0]).is_empty();
    // `Order Id,` above keys and the ticks of a column without a name.
    let column_and_blank = filled == 1 && width == 2 && head.cells.len() == 2 && trimmed(&head.cells[1]).is_empty();
    if filled < 2 && rows.len() > 1 && !index_and_column && !column_and_blank {
        return None;
    }
    Some(Fit {
        agreement: count as f64 / rows.len() as f64,
        width,
    })
}

/// Finds the delimiter; `None` where nothing separates anything (a sheet of one column). A tab in a `.tsv` file wins a tie.
pub(crate) fn detect(text: &str, start: usize, carriage_returns: bool, tab_expected: bool) -> Option<u8> {
    let mut best: Option<(Fit, u8)> = None;
    let order = if tab_expected { [b'\t', b',', b';', b'|'] } else { CANDIDATES };
    for delimiter in order {
        // A broken record below must not keep the rows above it from showing the delimiter.
        let mut rows = Vec::new();
        let mut scanner = Scanner::new(text, start, delimiter, carriage_returns);
        let mut ends = Vec::new();
        while rows.len() < SAMPLE_RECORDS {
            match scanner.next(&mut ends) {
                Ok(Some(record)) if !record.blank => rows.push(TopRow {
                    row: record.row,
                    cells: cells(text, record, &ends, delimiter),
                }),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        if scanner.too_wide {
            // It separates all too well; reading with it gives the error that says so.
            return Some(delimiter);
        }
        if let Some(fit) = fit(&rows)
            && best.is_none_or(|(known, _)| fit > known)
        {
            best = Some((fit, delimiter));
        }
    }
    let rare = || {
        RARE.into_iter()
            .find(|delimiter| divides_all(text, start, *delimiter, carriage_returns))
    };
    best.map(|(_, delimiter)| delimiter)
        .or_else(rare)
        .or_else(|| names_in_quotes(text, start, carriage_returns).then_some(b' '))
}

/// Whether a mark divides every row into as many cells.
fn divides_all(text: &str, start: usize, delimiter: u8, carriage_returns: bool) -> bool {
    let rows = top_rows(text, start, delimiter, carriage_returns, SAMPLE_RECORDS).unwrap_or_default();
    let width = rows.first().map_or(0, |row| row.cells.len());
    width > 1 && rows.len() > 1 && rows.iter().all(|row| row.cells.len() == width)
}

/// Whether blanks separate columns: the names stand in quotes with one blank between them, and all rows have a cell for each (and one for the name of the
/// row), as R writes tables.
fn names_in_quotes(text: &str, start: usize, carriage_returns: bool) -> bool {
    let first = text
        .get(start..)
        .and_then(|rest| rest.lines().next())
        .unwrap_or_default()
        .trim_end();
    let names = first.split("\" \"").count();
    let quoted = names > 1 && first.len() > 1 && first.starts_with('"') && first.ends_with('"');
    if !quoted {
        return false;
    }
    let Ok(rows) = top_rows(text, start, b' ', carriage_returns, SAMPLE_RECORDS) else {
        return false;
    };
    let width = rows.get(1).map_or(0, |row| row.cells.len());
    rows.first().is_some_and(|row| row.cells.len() == names)
        && (width == names || width == names + 1)
        && rows[1..].iter().all(|row| row.cells.len() == width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_that_gives_columns_is_found() {
        for (text, delimiter) in [
            ("a,b,c\n1,2,3\n4,5,6\n", b','),
            ("a;b\n1,5;2,5\n3,5;4,5\n", b';'),
            ("a\tb\nx, y\t1\nz, w\t2\n", b'\t'),
            ("a|b\n1|2\n", b'|'),
            ("Title\n\na;b;c\n1;2,5;3\n1;2,5;3\n", b';'),
            ("\"a,x\";b\n\"1,2\";3\n", b';'),
            ("a;b;c\n", b';'),
            (",0\n0,705\n1,877\n", b','),
            ("name;note\nx;a, b, c\ny;d, e, f\n", b';'),
            ("id^mode\n1^Air\n2^Sea\n", b'^'),
            ("\"id\" \"ship mode\"\n\"1\" 7 \"by air\"\n\"2\" 8 \"by sea\"\n", b' '),
        ] {
            assert_eq!(detect(text, 0, false, false), Some(delimiter), "{text:?}");
        }
        for text in [
            "Price\n1,5\n2,5\n3,25\n",
            "\"a\" \"b\"\nsome words here\nx y\n",
            "one\n",
            "Comment\nwell, well\nfine\n",
        ] {
            assert_eq!(detect(text, 0, false, false), None, "{text:?}");
        }
    }
}
