//! Cells in quotes of another kind: `'North, East'` as databases write them, `“North”` as word processors do.

/// Quotes that open and close a cell.
const PAIRS: [(char, char); 5] = [
    ('\'', '\''),
    ('\u{201c}', '\u{201d}'),
    ('\u{2018}', '\u{2019}'),
    ('\u{ab}', '\u{bb}'),
    ('`', '`'),
];
/// Lines that are looked at.
const SAMPLE: usize = 200;

/// The text with such quotes as quotation marks, and the quotes; `None` where the names of the columns do not all stand in them, most lines have none, or
/// quotation marks have a meaning of their own there.
pub(super) fn plain(text: &str, delimiter: u8) -> Option<(String, char, char)> {
    if memchr::memchr(b'"', text.as_bytes()).is_some() {
        return None;
    }
    let delimiter = char::from(delimiter);
    let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let names: Vec<&str> = lines.next()?.split(delimiter).map(str::trim).collect();
    let (open, close) = PAIRS.into_iter().find(|(open, close)| {
        let inside = |name: &&str| name.strip_prefix(*open).and_then(|name| name.strip_suffix(*close)).is_some();
        names.len() > 1 && names.iter().all(inside)
    })?;
    let sample: Vec<&str> = lines.take(SAMPLE).collect();
    let closed = |line: &&&str| {
        let mut cells = line.split(delimiter).map(str::trim);
        cells.any(|cell| cell.chars().count() > 1 && cell.starts_with(open) && cell.ends_with(close))
    };
    let quoted = sample.iter().filter(closed).count();
    if sample.is_empty() || quoted * 10 < sample.len() * 9 {
        return None;
    }
    let mut written = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let (mut inside, mut begins) = (false, true);
    while let Some(letter) = letters.next() {
        let ends = letters.peek().is_none_or(|next| *next == delimiter || matches!(next, '\n' | '\r'));
        let quote = !inside && begins && letter == open || inside && letter == close && ends;
        inside ^= quote;
        begins = !inside && (letter == delimiter || letter == '\n' || begins && letter == ' ');
        written.push(if quote { '"' } else { letter });
    }
    // A quote that is never closed is no quote of a cell.
    (!inside).then_some((written, open, close))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_of_another_kind_hold_cells_together() {
        let read = |text: &str| plain(text, b',').map(|(text, ..)| text);
        assert_eq!(
            read("'Id','Place'\n'1','North, East'\n2,'O'Hara'\n").as_deref(),
            Some("\"Id\",\"Place\"\n\"1\",\"North, East\"\n2,\"O'Hara\"\n")
        );
        assert_eq!(
            read("\u{201c}Id\u{201d},\u{201c}Place\u{201d}\r\n\u{201c}1\u{201d},\u{201c}North\u{201d}\r\n").as_deref(),
            Some("\"Id\",\"Place\"\r\n\"1\",\"North\"\r\n")
        );
        for text in [
            "Id,Place\n'1','North'\n",
            "'Id','Place'\n'1,North\n",
            "'Id','Place'\n1,North\n2,South\n",
            "'Id','Pla\"ce'\n'1','North'\n",
            "'Id'\n'1'\n",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
