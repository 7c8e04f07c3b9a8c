//! The record as plain text for the terminal: the verdict, the methods, the warnings.

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::error::Result;
use crate::evaluate::record::{RepairRecord, Timings, Verdict};
use crate::notes::Notes;
use crate::report::sections::{METRICS, headline, verdict_words};
use crate::report::{Context, format};

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

fn verdict_style(verdict: Option<Verdict>) -> Style {
    match verdict {
        Some(Verdict::Better) => AnsiColor::Green.on_default().bold(),
        Some(Verdict::Worse) => AnsiColor::Red.on_default().bold(),
        _ => AnsiColor::Yellow.on_default().bold(),
    }
}

/// What came of a repair, in about a screen of text that ends with a line break.
///
/// # Errors
/// Where the record contradicts itself.
pub fn repair(record: &RepairRecord, timings: &Timings, look: Look) -> Result<String> {
    let context = Context::new(record, timings)?;
    let mut text = String::new();
    let test = context.chosen.test.as_ref();
    let verdict = test.map(|test| test.verdict);
    let mark = verdict_words(verdict).0.chars().next().unwrap_or(' ');
    text.push_str(&look.paint(verdict_style(verdict), &format!("{mark} {}", headline(&context))));
    text.push('\n');
    if let Some(test) = test {
        text.push_str(&wrap(&test.sentence, "  ", "  ", look));
    }
    text.push('\n');
    facts(&mut text, &what(&context), look);
    if let Some(test) = test {
        text.push('\n');
        let mut rows: Vec<Vec<String>> = METRICS
            .iter()
            .map(|metric| {
                let (before, after) = ((metric.of)(&test.before), (metric.of)(&test.after));
                vec![
                    metric.name.to_owned(),
                    (metric.show)(before),
                    (metric.show)(after),
                    (metric.change)(after - before),
                ]
            })
            .collect();
        let (fixed, broken) = (test.mcnemar.fixed, test.mcnemar.broken);
        rows.push(vec![
            "Test rows fixed, broken".to_owned(),
            String::new(),
            String::new(),
            format!("{}, {}", format::count(fixed), format::count(broken)),
        ]);
        text.push_str(&table(&[("", 9), ("before", 9), ("after", 9), ("change", 9)], &rows, look));
    }
    if record.methods.len() > 1 {
        text.push('\n');
        text.push_str(&methods(&context, look));
    }
    text.push('\n');
    text.push_str(&wrap(&format!("Recommendation: {}", record.recommendation.reason), "", "  ", look));
    text.push_str(&warnings(&record.notes, look));
    Ok(text)
}

fn what(context: &Context<'_>) -> Vec<(&'static str, String)> {
    let model = &context.record.model;
    let flags = &context.record.flags;
    let mut facts = vec![
        (
            "model",
            format!(
                "{}, trained on {} ({})",
                model.name,
                model.data_file,
                format::counted(model.training_rows, "row")
            ),
        ),
        (
            "flagged",
            format!(
                "{} in {} ({} of all)",
                format::counted(flags.used, "training row"),
                flags.file,
                format::percent(flags.share_of_training, 2)
            ),
        ),
        ("method", context.chosen.title.clone()),
    ];
    let set_aside: usize = flags.ignored.iter().map(|ignored| ignored.count).sum();
    if set_aside > 0 {
        facts.push(("set aside", format::counted(set_aside, "flag")));
    }
    if let Some(test) = &context.chosen.test {
        facts.push(("judged on", format::counted(test.rows, "test row")));
    }
    facts
}

fn methods(context: &Context<'_>, look: Look) -> String {
    let unknown = || format::UNKNOWN.to_owned();
    let rows: Vec<Vec<String>> = context
        .record
        .methods
        .iter()
        .map(|method| {
            let test = method.test.as_ref();
            let validation = method.validation.as_ref();
            let written = if method.name == context.record.chosen { " *" } else { "" };
            vec![
                format!("{}{written}", method.name),
                verdict_words(test.map(|test| test.verdict)).0.to_owned(),
                test.map_or_else(unknown, |test| format::points(test.difference.estimate, 2)),
                test.map_or_else(unknown, |test| format::percent(test.after.accuracy.estimate, 2)),
                test.map_or_else(unknown, |test| format::p_value(test.p_holm, context.record.settings.significance)),
                test.map_or_else(unknown, |test| {
                    format!("{}, {}", format::count(test.mcnemar.fixed), format::count(test.mcnemar.broken))
                }),
                validation.map_or_else(unknown, |validation| format::points(validation.difference.estimate, 2)),
                context
                    .timings
                    .methods
                    .get(&method.name)
                    .map_or_else(unknown, |seconds| format::seconds(*seconds)),
            ]
        })
        .collect();
    let columns = [
        ("method", 9),
        ("verdict", 8),
        ("change", 7),
        ("test", 5),
        ("p", 6),
        ("fixed, broken", 2),
        ("validation", 4),
        ("time", 1),
    ];
    let mut text = table(&columns, &rows, look);
    text.push_str(&wrap(
        "* the method whose model was written; p is corrected for several methods",
        "",
        "  ",
        look,
    ));
    text
}

/// Warnings and what was done about each; nothing where there are none.
pub fn warnings(notes: &Notes, look: Look) -> String {
    let count = notes.iter().count();
    if count == 0 {
        return String::new();
    }
    let mut text = String::from("\n");
    text.push_str(&look.paint(BOLD, &format::counted(count, "warning")));
    text.push('\n');
    for note in notes.iter() {
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
    let text = format::visible(text, 2000);
    let mut wrapped = String::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
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
