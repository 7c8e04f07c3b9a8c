//! Stray quotation marks in delimited text: one at the beginning of a cell makes everything up to the next one a single cell, rows and all.

use std::borrow::Cow;

use super::csv::Scanner;
use super::header::counted;
use crate::notes::Notes;

/// Records from which the usual number of cells is taken.
const SAMPLE: usize = 200;

/// The usual number of delimiters in a record that lies on one line; `None` where hardly any do.
fn usual(text: &str, start: usize, delimiter: u8) -> Option<usize> {
    let mut scanner = Scanner::new(text, start, delimiter, false);
    let mut ends = Vec::new();
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..SAMPLE {
        let Ok(Some(record)) = scanner.next(&mut ends) else { break };
        let line = &text.as_bytes()[record.start..ends.last().map_or(record.start, |end| *end as usize)];
        if !record.blank && memchr::memchr(b'\n', line).is_none() {
            *counts.entry(ends.len()).or_insert(0_usize) += 1;
        }
    }
    let (cells, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    (cells > 1).then(|| cells - 1)
}

/// Delimiters outside quoted cells.
fn delimiters(piece: &[u8], delimiter: u8) -> usize {
    let mut quoted = false;
    piece
        .iter()
        .filter(|byte| {
            quoted ^= **byte == b'"';
            **byte == delimiter && !quoted
        })
        .count()
}

/// The text without its stray quotation marks. A pair of marks is stray where each line that begins, lies or ends between them has, the marks left
/// aside, as many cells as the rows of the sheet: a comment with line ends has not.
pub(crate) fn without<'a>(text: &'a str, start: usize, delimiter: u8, file_name: &str, notes: &mut Notes) -> Cow<'a, str> {
    let bytes = text.as_bytes();
    if memchr::memchr(b'"', &bytes[start..]).is_none() {
        return Cow::Borrowed(text);
    }
    let Some(expected) = usual(text, start, delimiter) else {
        return Cow::Borrowed(text);
    };
    let mut stray: Vec<(usize, usize)> = Vec::new();
    let mut rows: Vec<usize> = Vec::new();
    // Line ends inside cells: a record with some of them is one row.
    let mut inside = 0;
    let (mut line_from, mut line) = (start, 1);
    let mut at = start;
    while let Some(found) = memchr::memchr(b'"', &bytes[at..]) {
        let open = at + found;
        let begins = open == start || matches!(bytes[open - 1], b'\n') || bytes[open - 1] == delimiter;
        if !begins {
            at = open + 1;
            continue;
        }
        let Some(close) = closing(bytes, open) else { break };
        at = close + 1;
        let content = &bytes[open + 1..close];
        let Some(first_end) = memchr::memchr(b'\n', content) else {
            continue;
        };
        line += memchr::memchr_iter(b'\n', &bytes[line_from..open]).count();
        let row = line - inside;
        line_from = open;
        let breaks = memchr::memchr_iter(b'\n', content).count();
        let before = &bytes[memchr::memrchr(b'\n', &bytes[start..open]).map_or(start, |end| start + end + 1)..open];
        let after = &bytes[at..memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end)];
        let last_from = memchr::memrchr(b'\n', content).map_or(0, |end| end + 1);
        let count = |piece: &[u8]| delimiters(piece, delimiter);
        let whole = count(before) + count(&content[..first_end]) == expected
            && count(&content[last_from..]) + count(after) == expected
            && content[first_end..last_from.max(first_end + 1) - 1]
                .split(|byte| *byte == b'\n')
                .skip(1)
                .all(|piece| count(piece) == expected);
        if whole {
            stray.push((open, close));
            rows.extend([row, row + breaks]);
        } else {
            inside += breaks;
        }
    }
    if stray.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut mended = String::with_capacity(text.len());
    let mut from = 0;
    for place in stray.iter().flat_map(|(open, close)| [*open, *close]) {
        mended.push_str(&text[from..place]);
        from = place + 1;
    }
    mended.push_str(&text[from..]);
    const SHOWN: usize = 6;
    let mut listed = rows.iter().take(SHOWN).map(usize::to_string).collect::<Vec<_>>().join(", ");
    if rows.len() > SHOWN {
        listed.push_str(&format!(" and {} more", rows.len() - SHOWN));
    }
    notes.add(
        "stray-quotes",
        format!(
            "`{file_name}` has {} that open or close no cell, in rows {listed}: as written, the rows between two of them would be one cell",
            counted(rows.len(), "quotation mark")
        ),
        "the marks were dropped and the lines between them read as rows; look at these rows",
    );
    Cow::Owned(mended)
}

/// The place of the mark that closes the cell opened here.
fn closing(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        at += memchr::memchr(b'"', bytes.get(at..)?)?;
        if bytes.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(text: &str) -> (String, Vec<String>) {
        let mut notes = Notes::new();
        let mended = without(text, 0, b',', "a.csv", &mut notes).into_owned();
        (mended, notes.iter().map(|note| note.found.clone()).collect())
    }

    #[test]
    fn rows_between_stray_marks_are_rows_again() {
        let text = "a,b,c\n1,x,2\n2,\"y,3\n3,x,4\n4,x\",5\n5,x,6\n";
        let (mended, notes) = mended(text);
        assert_eq!(mended, text.replace('"', ""));
        assert!(notes[0].contains("rows 3, 5"), "{notes:?}");
        // Both marks at the beginning of cells, with Windows line ends.
        let text = "a,b,c\r\n1,x,2\r\n2,\"y,3\r\n3,\"x,4\r\n5,x,6\r\n";
        assert_eq!(self::mended(text).0, text.replace('"', ""));
    }

    #[test]
    fn comments_with_line_ends_stay() {
        for text in [
            "a,b,c\n1,x,2\n2,\"one\ntwo\",3\n3,x,4\n",
            "a,b\n1,x\n2,\"one\ntwo\"\n3,x\n",
            "a,b,c\n\"1\n2\",\"x\",\"3\"\n\"1\",\"well, then\nno\",\"3\"\n4,5,6\n",
            "a,b\n\"1\",\"2\"\n\"3\",\"4\"\n",
            "a\n\"1\n2\"\n3\n",
            "a,b\n1,12\" pipe\n2,6\" pipe\n",
        ] {
            assert_eq!(mended(text), (text.to_owned(), Vec::new()), "{text}");
        }
    }

    #[test]
    fn rows_are_counted_as_a_spreadsheet_counts_them() {
        let text = "a,b,c\n1,\"p\nq\",2\n2,\"y,3\n3,x\",4\n4,x,5\n5,x,6\n";
        let (mended, notes) = mended(text);
        assert!(mended.contains("\"p\nq\"") && mended.contains("2,y,3\n"));
        assert!(notes[0].contains("rows 3, 4"), "{notes:?}");
    }
}
