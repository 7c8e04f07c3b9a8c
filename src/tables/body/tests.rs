use super::*;
use proptest::prelude::*;

fn cut(text: &str, delimiter: u8, header_row: usize, width: usize) -> Cut {
    Cut {
        start: 0,
        delimiter,
        carriage_returns: !text.contains('\n') && text.contains('\r'),
        header_row,
        width,
    }
}

fn cell(body: &Body, row: usize, column: usize) -> &str {
    body.columns
        .get(column)
        .and_then(|cells| cells.str().unwrap().get(row))
        .unwrap_or("")
}

fn read(text: &str, header_row: usize, width: usize) -> Result<Body> {
    body(text, cut(text, b',', header_row, width))
}

#[test]
fn row_numbers_count_blank_lines_but_not_quoted_newlines() {
    let body = read("h,i\n\"a\nb\",1\n\nc,2\n\n\n", 1, 2).unwrap();
    assert_eq!(body.row_numbers, Some(vec![2, 4]));
    assert_eq!((body.irregular.blank, body.irregular.trailing_blank), (1, 2));
    assert_eq!(cell(&body, 0, 0), "a\nb");
    assert_eq!(cell(&body, 1, 1), "2");
    assert_eq!((body.height, body.columns.len()), (2, 2));
}

#[test]
fn short_rows_are_filled_and_long_rows_refused() {
    let body = read("a,b,c\n1\n1,2,3,,\n", 1, 3).unwrap();
    assert_eq!((body.irregular.short, body.irregular.first_short), (1, Some(2)));
    assert_eq!(cell(&body, 0, 1), "");
    assert_eq!(cell(&body, 0, 2), "");
    assert_eq!(cell(&body, 1, 2), "3");
    let error = read("a,b,c\n1,2,3\n1,2,3,4\n", 1, 3).err().unwrap();
    assert!(
        error.to_string().contains("4 cells") && error.to_string().contains("row 3"),
        "{error}"
    );
}

#[test]
fn errors_name_their_row_whatever_the_ranges() {
    let text = "a,b\n\n1,\"2\n2\"\n1,2\n1,2,3\n4,\"5\n";
    for range in 1..text.len() {
        let error = body_in_ranges(text, cut(text, b',', 1, 2), range).err().unwrap();
        assert!(error.to_string().contains("row 5"), "range {range}: {error}");
    }
}

/// What the slow reader finds: rows with their numbers, and what was irregular.
#[derive(Debug, Default, PartialEq, Eq)]
struct Slow {
    rows: Vec<(usize, Vec<String>)>,
    irregular: Irregular,
}

/// The slow, obvious reader: one character after the other. `Err` holds the row of an open quote or of a row that is too long.
fn slow(text: &str, cut: Cut) -> std::result::Result<Slow, usize> {
    let characters: Vec<char> = text.chars().collect();
    let delimiter = char::from(cut.delimiter);
    let line_end = if cut.carriage_returns { '\r' } else { '\n' };
    let mut found = Slow::default();
    let (mut at, mut row, mut blanks) = (0, 0, 0);
    while at < characters.len() {
        row += 1;
        let (mut cells, mut filled, mut extra_filled) = (Vec::new(), false, false);
        loop {
            let mut cell = String::new();
            let extra = cells.len() >= cut.width;
            if characters.get(at) == Some(&'"') {
                filled = true;
                at += 1;
                loop {
                    let c = *characters.get(at).ok_or(row)?;
                    at += 1;
                    if c != '"' {
                        extra_filled |= extra && c != delimiter && c > ' ';
                        cell.push(c);
                    } else if characters.get(at) == Some(&'"') {
                        at += 1;
                        cell.push('"');
                    } else {
                        break;
                    }
                }
            }
            let mut plain = String::new();
            while let Some(c) = characters.get(at).filter(|c| **c != delimiter && **c != line_end) {
                filled |= *c > ' ';
                extra_filled |= extra && *c > ' ' && *c != '"';
                plain.push(*c);
                at += 1;
            }
            let ended = characters.get(at);
            if ended == Some(&'\n') && plain.ends_with('\r') {
                plain.pop();
            }
            at += 1;
            cells.push(guard::unguarded((cell + &plain).into(), delimiter as u8).into_owned());
            if ended != Some(&delimiter) {
                break;
            }
        }
        if row <= cut.header_row {
            continue;
        }
        if !filled {
            blanks += 1;
            continue;
        }
        if extra_filled {
            return Err(row);
        }
        found.irregular.blank += std::mem::take(&mut blanks);
        if cells.len() < cut.width {
            found.irregular.short += 1;
            found.irregular.first_short.get_or_insert(row);
        } else if cells.len() > cut.width {
            found.irregular.long += 1;
            found.irregular.first_long.get_or_insert(row);
        }
        cells.resize(cut.width, String::new());
        found.rows.push((row, cells));
    }
    found.irregular.trailing_blank = blanks;
    Ok(found)
}

fn agrees(text: &str, cut: Cut, range: usize) -> std::result::Result<(), TestCaseError> {
    match (body_in_ranges(text, cut, range), slow(text, cut)) {
        (Ok(body), Ok(slow)) => {
            let rows: Vec<(usize, Vec<String>)> = (0..body.height)
                .map(|row| {
                    let number = body
                        .row_numbers
                        .as_ref()
                        .map_or(cut.header_row + 1 + row, |numbers| numbers[row] as usize);
                    let cells = (0..cut.width).map(|column| cell(&body, row, column).to_owned()).collect();
                    (number, cells)
                })
                .collect();
            prop_assert_eq!(rows, slow.rows, "range {}", range);
            prop_assert_eq!(body.irregular, slow.irregular, "range {}", range);
        }
        (Err(error), Err(row)) => {
            let place = error.place().unwrap_or_default();
            prop_assert!(
                place.ends_with(&format!("row {row}")),
                "range {}: {}, not row {}",
                range,
                place,
                row
            );
        }
        (Ok(_), Err(row)) => prop_assert!(false, "range {}: row {} should be refused", range, row),
        (Err(error), Ok(_)) => prop_assert!(false, "range {}: {}", range, error),
    }
    Ok(())
}

const RANGES: [usize; 7] = [1, 2, 3, 7, 20, 50, usize::MAX];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_reads_as_the_slow_reader_reads_it(text in "[ab1,,\"\"\n\n\r '=\u{fc}]{0,80}", header in 0_usize..3, width in 1_usize..4) {
        for range in RANGES {
            agrees(&text, cut(&text, b',', header, width), range)?;
        }
    }

    #[test]
    fn well_formed_sheets_read_as_the_slow_reader_reads_them(
        rows in proptest::collection::vec(proptest::collection::vec(
            proptest::sample::select(vec!["", " ", "x", "1.50", "'=1+1", "\u{fc}ber", "\"a;b\"", "\"l1\nl2\"", "\"l1\r\n\r\n\"", "\"he \"\"x\"\"\"", "\"\""]), 1..4), 0..30),
        windows_lines in proptest::bool::ANY,
        end in proptest::bool::ANY,
    ) {
        let line_end = if windows_lines { "\r\n" } else { "\n" };
        let mut text = rows.iter().map(|row| row.join(";")).collect::<Vec<_>>().join(line_end);
        if end {
            text.push_str(line_end);
        }
        for range in RANGES {
            agrees(&text, cut(&text, b';', 1, 3), range)?;
        }
    }
}
