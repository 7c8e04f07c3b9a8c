//! Records as plain text for the terminal. Here: breaking lines, tables, facts, warnings; one file per record.

mod inspection;
mod repair;
mod training;

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::notes::Notes;
use crate::report::format;

pub use inspection::{inspection, kind, role};
pub use repair::repair;
pub use training::training;

/// How wide and how bright.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Columns of the terminal; fewer than 40 are taken as 40.
    pub width: usize,
    /// Whether to write colours; the text says everything without.
    pub colour: bool,
}

impl Look {
    fn width(self) -> usize {
        self.width.clamp(40, 120)
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.colour {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

const BOLD: Style = Style::new().bold();

/// The headline with the mark of its verdict, broken to the width of the terminal; `class` (as in the style sheet) picks the colour.
pub fn wrap_headline((words, class): (&str, &str), headline: &str, look: Look) -> String {
    let style = match class {
        "better" => AnsiColor::Green.on_default().bold(),
        "worse" => AnsiColor::Red.on_default().bold(),
        _ => AnsiColor::Yellow.on_default().bold(),
    };
    let mark = words.chars().next().unwrap_or(' ');
    let lines = wrap(headline, &format!("{mark} "), "  ", look);
    format!("{}\n", look.paint(style, lines.trim_end()))
}

/// What limits a verdict; nothing where nothing does.
pub fn cautions(cautions: &[String], look: Look) -> String {
    cautions
        .iter()
        .map(|caution| wrap(&format!("Caution: {caution}"), "  ", "  ", look))
        .collect()
}

/// Warnings and what was done about each; nothing where there are none.
pub fn warnings(notes: &Notes, look: Look) -> String {
    let notes = notes.by_matter();
    if notes.is_empty() {
        return String::new();
    }
    let mut text = String::from("\n");
    text.push_str(&look.paint(BOLD, &format::counted(notes.len(), "warning")));
    text.push('\n');
    for note in &notes {
        text.push_str(&wrap(&note.found, "! ", "  ", look));
        text.push_str(&wrap(&note.done, "  → ", "    ", look));
    }
    text
}

/// Names and values in two columns.
pub fn facts(text: &mut String, facts: &[(&str, String)], look: Look) {
    let longest = facts.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    for (name, value) in facts {
        let first = format!("  {name}{}  ", " ".repeat(longest - name.width()));
        let rest = " ".repeat(first.width());
        text.push_str(&wrap(value, &first, &rest, look));
    }
}

/// Text broken at spaces to the width of the terminal; the first line starts with `first`, the others with `rest`.
pub fn wrap(text: &str, first: &str, rest: &str, look: Look) -> String {
    let text = format::sentence(text, 2000);
    let mut wrapped = String::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        for piece in pieces(word, look.width().saturating_sub(rest.width()).max(10)) {
            if !empty && line.width() + 1 + piece.width() > look.width() {
                wrapped.push_str(line.trim_end());
                wrapped.push('\n');
                line = rest.to_owned();
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(&piece);
            empty = false;
        }
    }
    wrapped.push_str(line.trim_end());
    wrapped.push('\n');
    wrapped
}

/// A word cut into pieces that fit a line.
fn pieces(word: &str, most: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut width = 0;
    for letter in word.chars() {
        let step = letter.width().unwrap_or(0);
        if width + step > most {
            pieces.push(String::new());
            width = 0;
        }
        width += step;
        if let Some(last) = pieces.last_mut() {
            last.push(letter);
        }
    }
    pieces
}

/// A table with a weight for every column: where the terminal is too narrow, the lightest columns are left out.
/// Weight 8 and above always stays; the first column is cut where even that is too wide.
pub fn table(columns: &[(&str, u8)], rows: &[Vec<String>], look: Look) -> String {
    const GAP: usize = 2;
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| format::visible(cell, 200).into_owned()).collect())
        .collect();
    let width_of = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
        cells.chain([columns[column].0.width()]).max().unwrap_or(0)
    };
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    let mut widths: Vec<usize> = shown.iter().map(|column| width_of(*column)).collect();
    let total = |shown: &[usize], widths: &[usize]| shown.iter().map(|column| widths[*column] + GAP).sum::<usize>();
    while total(&shown, &widths) > look.width() {
        let lightest = shown
            .iter()
            .copied()
            .filter(|column| columns[*column].1 < 8)
            .min_by_key(|column| columns[*column].1);
        match lightest {
            Some(column) => shown.retain(|other| *other != column),
            None => break,
        }
    }
    let excess = total(&shown, &widths).saturating_sub(look.width());
    if let Some(first) = widths.first_mut() {
        *first = first.saturating_sub(excess).max(8);
    }
    let line = |cell: &dyn Fn(usize) -> String| {
        let mut line = String::new();
        for column in &shown {
            let text = shorten(&cell(*column), widths[*column]);
            let room = " ".repeat(widths[*column] - text.width());
            line.push_str("  ");
            // The first column and words read from the left, figures line up at the right.
            if *column == 0 || columns[*column].0 == "verdict" {
                line.push_str(&text);
                line.push_str(&room);
            } else {
                line.push_str(&room);
                line.push_str(&text);
            }
        }
        line.trim_end().to_owned()
    };
    let mut text = look.paint(BOLD, &line(&|column| columns[column].0.to_owned()));
    text.push('\n');
    for row in &rows {
        text.push_str(&line(&|column| row.get(column).cloned().unwrap_or_default()));
        text.push('\n');
    }
    text
}

fn shorten(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut width = 1;
    for letter in text.chars() {
        width += letter.width().unwrap_or(0);
        if width > most {
            break;
        }
        shown.push(letter);
    }
    shown.push('…');
    shown
}
