//! Tables of web pages and of "XML Spreadsheet 2003", which many systems send under the name `.xls`: the largest table as delimited text.

use super::limits::MAX_TEXT_BYTES;

/// Columns that a table may have; spans that claim more are cut.
const MAX_COLUMNS: usize = 16_384;

/// A table under construction.
#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
    /// Text of the open cell, over how many further columns and rows it goes.
    cell: Option<(String, usize, usize)>,
    /// By column: how many rows below still have this text, of a cell that spans them.
    below: Vec<(usize, String)>,
}

impl Table {
    fn begin_row(&mut self) {
        self.end_cell();
        self.fill_row();
        self.rows.push(Vec::new());
    }

    /// Fills the places that cells of rows above span.
    fn fill_spans(&mut self) {
        let Some(row) = self.rows.last_mut() else { return };
        while let Some((rows, text)) = self.below.get_mut(row.len()).filter(|(rows, _)| *rows > 0) {
            *rows -= 1;
            row.push(text.clone());
        }
    }

    fn fill_row(&mut self) {
        let width = self.below.iter().rposition(|(rows, _)| *rows > 0).map_or(0, |last| last + 1);
        while self.rows.last().is_some_and(|row| row.len() < width) {
            let before = self.rows.last().map_or(0, Vec::len);
            self.fill_spans();
            if let Some(row) = self.rows.last_mut().filter(|row| row.len() == before) {
                row.push(String::new());
            }
        }
    }

    fn begin_cell(&mut self, tag: &str) {
        self.end_cell();
        if self.rows.is_empty() {
            self.rows.push(Vec::new());
        }
        self.fill_spans();
        let number = |name: &str| attribute(tag, name).and_then(|value| value.trim().parse::<usize>().ok());
        // Cells left out in an XML spreadsheet are told by the number of the next.
        if let (Some(place), Some(row)) = (number("ss:index"), self.rows.last_mut()) {
            row.resize(place.saturating_sub(1).clamp(row.len(), MAX_COLUMNS), String::new());
        }
        let across = number("colspan")
            .map(|span| span.saturating_sub(1))
            .or(number("ss:mergeacross"))
            .unwrap_or(0);
        let down = number("rowspan")
            .map(|span| span.saturating_sub(1))
            .or(number("ss:mergedown"))
            .unwrap_or(0);
        self.cell = Some((String::new(), across.min(MAX_COLUMNS), down));
    }

    fn end_cell(&mut self) {
        let (Some((text, across, down)), Some(row)) = (self.cell.take(), self.rows.last_mut()) else {
            return;
        };
        let text = decoded(&text);
        for place in 0..=across {
            if row.len() >= MAX_COLUMNS {
                break;
            }
            let text = if place == 0 { text.clone() } else { String::new() };
            if down > 0 {
                self.below.resize(self.below.len().max(row.len() + 1), (0, String::new()));
                self.below[row.len()] = (down, text.clone());
            }
            row.push(text);
        }
    }

    fn finish(mut self) -> Vec<Vec<String>> {
        self.end_cell();
        self.fill_row();
        self.rows
    }
}

/// The largest table of a text, as text with commas between quoted cells, and how many rows it has; absent where none has two columns and two rows.
pub(super) fn largest_table(text: &str) -> Option<(String, usize)> {
    let mut open: Vec<Table> = Vec::new();
    let mut best: Vec<Vec<String>> = Vec::new();
    let size = |rows: &[Vec<String>]| rows.iter().flatten().filter(|cell| !cell.is_empty()).count();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let between = &rest[..start];
        add(&mut open, between);
        rest = &rest[start..];
        if let Some(after) = rest.strip_prefix("<!--") {
            rest = after.find("-->").map_or("", |end| &after[end + 3..]);
            continue;
        }
        if let Some(after) = rest.strip_prefix("<![CDATA[") {
            let end = after.find("]]>").unwrap_or(after.len());
            add(&mut open, &after[..end]);
            rest = after.get(end + 3..).unwrap_or("");
            continue;
        }
        // A sign of less than within a text begins no tag.
        if !rest[1..].starts_with(|letter: char| letter.is_ascii_alphabetic() || matches!(letter, '/' | '!' | '?')) {
            add(&mut open, "<");
            rest = &rest[1..];
            continue;
        }
        let Some(end) = end_of_tag(rest) else { break };
        let tag = rest[1..end].to_lowercase();
        rest = &rest[end + 1..];
        let name = tag.split([' ', '\t', '\n', '\r', '/']).find(|part| !part.is_empty()).unwrap_or("");
        let (closing, name) = (tag.starts_with('/'), name.rsplit(':').next().unwrap_or(name));
        match (name, closing) {
            ("script" | "style", false) if !tag.ends_with('/') => {
                let closed = format!("</{name}");
                rest = find_small(rest, &closed).map_or("", |end| &rest[end..]);
            }
            ("table", false) => open.push(Table::default()),
            ("table", true) => {
                let rows = open.pop().map(Table::finish).unwrap_or_default();
                if size(&rows) > size(&best) {
                    best = rows;
                }
            }
            ("tr" | "row", false) => with(&mut open, Table::begin_row),
            ("td" | "th" | "cell", false) => {
                with(&mut open, |table| table.begin_cell(&tag));
                if tag.ends_with('/') {
                    with(&mut open, Table::end_cell);
                }
            }
            ("td" | "th" | "cell" | "tr" | "row", true) => with(&mut open, Table::end_cell),
            ("br" | "p" | "div" | "li", _) => add(&mut open, " "),
            _ => {}
        }
    }
    // A file that was cut off leaves its table open.
    for table in open {
        let rows = table.finish();
        if size(&rows) > size(&best) {
            best = rows;
        }
    }
    let width = best.iter().map(Vec::len).max().unwrap_or(0);
    let filled = best
        .iter()
        .filter(|row| row.iter().filter(|cell| !cell.is_empty()).count() >= 2)
        .count();
    (width >= 2 && filled >= 2).then_some(())?;
    let mut lines = String::with_capacity(text.len());
    for row in &best {
        for place in 0..width {
            let cell = row.get(place).map_or("", String::as_str);
            let mark = if place == 0 { "" } else { "," };
            lines.push_str(mark);
            lines.push('"');
            lines.push_str(&cell.replace('"', "\"\""));
            lines.push('"');
        }
        lines.push('\n');
        // Spans may repeat a text more often than the file is long.
        if lines.len() as u64 > MAX_TEXT_BYTES || lines.len() > text.len().saturating_mul(20) + (1 << 20) {
            return None;
        }
    }
    Some((lines, best.len()))
}

fn with(open: &mut [Table], act: impl FnOnce(&mut Table)) {
    if let Some(table) = open.last_mut() {
        act(table);
    }
}

fn add(open: &mut [Table], text: &str) {
    if let Some((cell, ..)) = open.last_mut().and_then(|table| table.cell.as_mut()) {
        cell.push_str(text);
    }
}

/// Where a tag ends; a `>` within quotes ends none.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quote = None;
    for (place, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(place),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// Where a text of small ASCII letters stands, in whatever case.
fn find_small(text: &str, wanted: &str) -> Option<usize> {
    let wanted = wanted.as_bytes();
    text.as_bytes()
        .windows(wanted.len())
        .position(|part| part.eq_ignore_ascii_case(wanted))
}

/// The value of an attribute of a tag in small letters.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let at = tag.match_indices(name).find(|(place, _)| {
        let before = place
            .checked_sub(1)
            .is_some_and(|before| tag.as_bytes()[before].is_ascii_whitespace());
        before && tag[place + name.len()..].trim_start().starts_with('=')
    })?;
    let value = tag[at.0 + name.len()..].trim_start().strip_prefix('=')?.trim_start();
    match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next(),
        _ => value.split([' ', '\t', '\n', '\r', '/', '>']).next(),
    }
}

/// Letters of Western Europe that have names, by their codes from U+00C0.
const LETTERS: &str = "Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute \
    Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc \
    euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";
/// Other names.
const NAMED: [(&str, char); 18] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("euro", '\u{20ac}'),
    ("pound", '\u{a3}'),
    ("yen", '\u{a5}'),
    ("cent", '\u{a2}'),
    ("sect", '\u{a7}'),
    ("deg", '\u{b0}'),
    ("sup2", '\u{b2}'),
    ("sup3", '\u{b3}'),
    ("middot", '\u{b7}'),
    ("ndash", '\u{2013}'),
    ("mdash", '\u{2014}'),
    ("minus", '\u{2212}'),
];

/// The character that `&name;` stands for.
fn character(name: &str) -> Option<char> {
    if let Some(code) = name.strip_prefix('#') {
        let code = match code.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => code.parse().ok()?,
        };
        return char::from_u32(code)
            .filter(|letter| *letter != '\0')
            .map(|letter| if letter == '\u{a0}' { ' ' } else { letter });
    }
    let letter = || {
        let place = LETTERS.split_whitespace().position(|known| known == name)?;
        char::from_u32(0xc0 + place as u32)
    };
    NAMED
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, sign)| *sign)
        .or_else(letter)
}

/// A cell's text as a person sees it: names as the characters they stand for, runs of blanks as one.
fn decoded(text: &str) -> String {
    const LONGEST: usize = 10;
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.bytes().take(LONGEST).position(|byte| byte == b';');
        match end.and_then(|end| Some((end, character(rest.get(1..end)?)?))) {
            Some((end, letter)) => {
                plain.push(letter);
                rest = &rest[end + 1..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The encoding that a page or an XML file names in its head.
pub(super) fn named_encoding(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).to_lowercase();
    let after = ["charset=", "encoding="]
        .iter()
        .find_map(|mark| Some(head.split_once(mark)?.1.to_owned()))?;
    let name: String = after
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
        .collect();
    encoding_rs::Encoding::for_label(name.as_bytes()).map(|_| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_table_of_a_page_is_read_as_a_person_sees_it() {
        let page = "<html><head><style>td { a: b }</style><script>if (1 < 2) '<table><tr><td>'</script></head><body>\
            <table><tr><td>Report</td></tr></table><!-- <td> -->\
            <TABLE border=1><thead><TR><TH>Order&nbsp;No<th>Mode<th colspan='2'>Weight &gt; 1</thead>\
            <tr><td>1<td>R&amp;D <b>air</b></td><td>1.234,50</td><td>\n  a \n b < 3</td></tr>\
            <tr><td rowspan=2>2</td><td>M&uuml;nchen &euro;5 &#8364; &#x41; &nope;</td><td/><td>\"q\"</td></tr>\
            <tr><td>x<br>y</td></tr></TABLE></body></html>";
        let (text, rows) = largest_table(page).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(rows, 4);
        assert_eq!(
            lines,
            [
                r#""Order No","Mode","Weight > 1","""#,
                r#""1","R&D air","1.234,50","a b < 3""#,
                r#""2","München €5 € A &nope;","","""q""""#,
                r#""2","x y","","""#,
            ]
        );
        for stranger in [
            "<html><form><input name=password></form></html>",
            "<table><tr><td>one</td></tr></table>",
            "<",
            "<table",
        ] {
            assert_eq!(largest_table(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn an_xml_spreadsheet_is_read_with_the_places_of_its_cells() {
        let sheet = "<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\"><Worksheet ss:Name=\"S\"><Table>\
            <Row><Cell><Data ss:Type=\"String\">id</Data></Cell><Cell><Data ss:Type=\"String\">mode</Data></Cell><Cell><Data>day</Data></Cell></Row>\
            <Row><Cell><Data ss:Type=\"Number\">7</Data></Cell><Cell ss:Index=\"3\"><Data ss:Type=\"DateTime\">2024-01-03T00:00:00.000</Data></Cell></Row>\
            </Table></Worksheet></Workbook>";
        let (text, _) = largest_table(sheet).unwrap();
        assert_eq!(text, "\"id\",\"mode\",\"day\"\n\"7\",\"\",\"2024-01-03T00:00:00.000\"\n");
    }

    #[test]
    fn spans_that_claim_more_than_a_sheet_has_take_no_memory() {
        let wide = "<table><tr><td colspan=99999999999>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr></table>";
        assert!(largest_table(wide).is_none_or(|(text, _)| text.len() < 1 << 22));
        let far = "<table><row><cell ss:index=\"4000000000\">a</cell><cell>b</cell></row><row><cell>1</cell><cell>2</cell></row></table>";
        assert!(largest_table(far).is_none_or(|(text, _)| text.len() < 1 << 22));
        let deep = format!(
            "<table><tr><td rowspan=99999999>{}</td><td>b</td></tr>{}</table>",
            "x".repeat(1000),
            "<tr><td>1</td></tr>".repeat(100_000)
        );
        assert!(largest_table(&deep).is_none_or(|(text, _)| text.len() < 1 << 27));
    }

    #[test]
    fn the_encoding_that_a_page_names_is_found() {
        assert_eq!(named_encoding(b"<meta charset='windows-1254'>").as_deref(), Some("windows-1254"));
        assert_eq!(
            named_encoding(b"<?xml version=\"1.0\" encoding=\"ISO-8859-2\"?>").as_deref(),
            Some("iso-8859-2")
        );
        assert_eq!(named_encoding(b"<meta charset=nonsense>"), None);
    }
}
