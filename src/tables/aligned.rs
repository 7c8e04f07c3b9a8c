//! Columns that stand below each other with blanks between them, as `print` of a frame and old programs write them.

/// Fewer rows show no columns.
const LEAST_ROWS: usize = 5;
/// Fewer columns may be words of a sentence.
const LEAST_COLUMNS: usize = 3;
/// Wider lines are no such text.
const WIDEST: usize = 4096;

/// The text with tabs between the columns; absent where the rows do not all have blanks in the same places, or the first does not name every column.
pub(super) fn divided(text: &str) -> Option<String> {
    if text.contains('\t') {
        return None;
    }
    let lines: Vec<Vec<char>> = text.lines().map(|line| line.trim_end().chars().collect()).collect();
    let filled: Vec<&Vec<char>> = lines.iter().filter(|line| !line.is_empty()).collect();
    let (header, rows) = filled.split_first()?;
    let width = filled.iter().map(|line| line.len()).max().filter(|width| *width <= WIDEST)?;
    if rows.len() < LEAST_ROWS {
        return None;
    }
    let mut blank = vec![true; width];
    for row in rows {
        for (place, letter) in row.iter().enumerate() {
            blank[place] &= *letter == ' ';
        }
    }
    // Where columns of cells begin and end; a name may reach beyond its cells, to the next column.
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for (place, blank) in blank.iter().enumerate() {
        if !blank {
            match spans.last_mut().filter(|(_, end)| *end == place) {
                Some(span) => span.1 = place + 1,
                None => spans.push((place, place + 1)),
            }
        }
    }
    if spans.len() < LEAST_COLUMNS {
        return None;
    }
    let cut = |line: &[char], from: usize, to: usize| -> String {
        let part: String = line
            .get(from.min(line.len())..to.min(line.len()))
            .unwrap_or_default()
            .iter()
            .collect();
        part.trim().to_owned()
    };
    let names = names(header, &spans)?;
    let mut out = names.join("\t");
    out.push('\n');
    // Blank lines stay, so that rows keep their numbers.
    for line in lines.iter().skip_while(|line| line.is_empty()).skip(1) {
        let cells: Vec<String> = spans.iter().map(|(from, to)| cut(line, *from, *to)).collect();
        out.push_str(&cells.join("\t"));
        out.push('\n');
    }
    let before = lines.iter().take_while(|line| line.is_empty()).count();
    Some("\n".repeat(before) + &out)
}

/// The text with its lines of dashes blank, and how many there were: programs that draw tables with bars put them between rows. Absent where there are
/// none.
pub(super) fn without_rules(text: &str) -> Option<(String, usize)> {
    const SHORTEST: usize = 5;
    memchr::memmem::find(text.as_bytes(), b"---")?;
    let rule = |line: &str| {
        let line = line.trim();
        line.len() >= SHORTEST && line.contains("---") && line.bytes().all(|byte| matches!(byte, b'-' | b'+' | b'|' | b':' | b' '))
    };
    let mut lines = 0;
    let plain: String = text
        .split_inclusive('\n')
        .map(|line| match rule(line) {
            true => {
                lines += 1;
                if line.ends_with('\n') { "\n" } else { "" }
            }
            false => line,
        })
        .collect();
    (lines > 0).then_some((plain, lines))
}

/// The name above every column: the words of the first line that end or begin where the column does.
fn names(header: &[char], spans: &[(usize, usize)]) -> Option<Vec<String>> {
    let mut names: Vec<Vec<String>> = vec![Vec::new(); spans.len()];
    let mut place = 0;
    while place < header.len() {
        if header[place] == ' ' {
            place += 1;
            continue;
        }
        let end = (place..header.len()).find(|at| header[*at] == ' ').unwrap_or(header.len());
        let word: String = header[place..end].iter().collect();
        // The column that the word stands above, else the next to the right, whose cells end below the end of its name.
        let over = spans
            .iter()
            .position(|(from, to)| place < *to && end > *from)
            .or_else(|| spans.iter().position(|(from, _)| *from >= end))?;
        names[over].push(word);
        place = end;
    }
    let joined: Vec<String> = names.into_iter().map(|words| words.join(" ")).collect();
    // An index has no name.
    let unnamed = joined.iter().take_while(|name| name.is_empty()).count();
    let named = joined.iter().skip(unnamed).all(|name| !name.is_empty());
    (named && (unnamed == 0 || unnamed == 1 && joined.len() > LEAST_COLUMNS)).then_some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_below_each_other_are_divided() {
        let text = [
            " Order no    Created Mode    Kg",
            "   100000 2024-01-03 Road 23.90",
            "   100001 2024-01-04 Rail  3.56",
            "   100002 2024-01-04  Air 41.00",
            "   100003 2024-01-05 Road",
            "   100004 2024-01-05  Sea  7.12",
        ]
        .join("\n");
        let lines = divided(&text).unwrap();
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(lines[0], "Order no\tCreated\tMode\tKg");
        assert_eq!(lines[2], "100001\t2024-01-04\tRail\t3.56");
        assert_eq!(lines[4], "100003\t2024-01-05\tRoad\t");
        // An index in front has no name.
        let indexed: Vec<String> = text
            .lines()
            .enumerate()
            .map(|(row, line)| match row {
                0 => format!("  {line}"),
                row => format!("{} {line}", row - 1),
            })
            .collect();
        assert!(divided(&indexed.join("\n")).unwrap().starts_with("\tOrder no\tCreated\t"));
    }

    #[test]
    fn lines_of_dashes_become_blank_and_keep_the_numbers_of_rows() {
        let text = "| id | mode |\n|---:|:-----|\n| 1  | Air  |\n+----+------+\n| 2  | ---  |\n-----";
        let (plain, lines) = without_rules(text).unwrap();
        assert_eq!((plain.as_str(), lines), ("| id | mode |\n\n| 1  | Air  |\n\n| 2  | ---  |\n", 3));
        assert_eq!(without_rules("a|b\n1|---\n"), None);
    }

    #[test]
    fn sentences_keys_of_several_words_and_few_rows_are_no_columns() {
        for text in [
            "Comment\nthe box was wet today\nnobody was at home here\nleft at the door again\nasked to come back\nno such street there\nx y z a b\n",
            "Order\nSO 12 A\nSO 13 B\nSO 14 C\nSO 15 D\nSO 16 E\nSO 17 F\n",
            "a b c\n1 2 3\n4 5 6\n",
        ] {
            assert_eq!(divided(text), None, "{text}");
        }
    }
}
