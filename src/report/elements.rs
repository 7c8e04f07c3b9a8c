//! The small pieces of a page: text of the person's own, tables, figure cards, lists of facts.

use maud::{Markup, html};

use crate::report::format::{sentence, visible};

/// Longest text of a sheet, file or setting that a page shows; the workbook has it whole.
const LONGEST: usize = 160;

/// Longest sentence in a table.
const LONGEST_PROSE: usize = 400;

/// Text fit for places that take no markup, such as a title.
pub fn words(text: &str) -> String {
    visible(text, LONGEST).into_owned()
}

/// Text that came from the person's files: never markup, its direction kept to itself, cut where it is too long to show.
pub fn theirs(text: &str) -> Markup {
    theirs_short(text, LONGEST)
}

/// [`theirs`] with at most this many characters.
pub fn theirs_short(text: &str, most: usize) -> Markup {
    let shown = visible(text, most);
    // Short words stay whole in narrow tables; long ones must break somewhere.
    let short = shown.split_whitespace().all(|word| word.chars().count() <= 26);
    html! { bdi class=[short.then_some("short")] { (shown) } }
}

/// A sentence from a record: as [`theirs`], with names in backticks set as names, and no line break before a percent sign.
pub fn prose(text: &str, most: usize) -> Markup {
    let shown = sentence(text, most);
    let pieces: Vec<&str> = shown.split('`').collect();
    // Backticks come in pairs; an odd one is a sign of its own.
    let paired = pieces.len() % 2 == 1;
    html! {
        bdi {
            @if paired {
                @for (place, piece) in pieces.into_iter().enumerate() { @if place % 2 == 1 { code class=[is_option(piece).then_some("option")] { (piece) } } @else { (piece) } }
            } @else { (shown) }
        }
    }
}

/// Whether words are an option that a line must not break within.
fn is_option(words: &str) -> bool {
    words.starts_with("--") && words.len() <= 30
}

/// One cell of a table.
pub enum Cell {
    /// Text from the person's files.
    Theirs(String),
    /// A sentence from a record, which may name columns in backticks.
    Prose(String),
    /// Words of our own.
    Words(String),
    /// A figure, already formatted; set to the right.
    Figure(String),
    /// Anything else.
    Markup(Markup),
}

/// A column of a table.
pub struct Column {
    title: Markup,
    figures: bool,
}

impl Column {
    /// A column of text.
    pub fn text(title: &str) -> Self {
        Self {
            title: html! { (title) },
            figures: false,
        }
    }

    /// A column of text whose title comes from the person's files.
    pub fn text_of(title: &str) -> Self {
        Self {
            title: theirs(title),
            figures: false,
        }
    }

    /// A column of figures.
    pub fn figures(title: &str) -> Self {
        Self {
            title: html! { (title) },
            figures: true,
        }
    }

    /// A column of figures whose title comes from the person's files.
    pub fn figures_of(title: &str) -> Self {
        Self {
            title: theirs(title),
            figures: true,
        }
    }
}

/// A table with a caption; the first cell of every row is its heading. Wide tables scroll by themselves on a narrow screen.
pub fn table(caption: &str, columns: &[Column], rows: Vec<Vec<Cell>>) -> Markup {
    html! {
        div.scroll role="region" tabindex="0" aria-label=(caption) {
            table {
                caption { (caption) }
                thead { tr { @for column in columns { th scope="col" class=[column.figures.then_some("number")] { (column.title) } } } }
                tbody {
                    @for row in rows {
                        tr { @for (place, cell) in row.into_iter().enumerate() { (table_cell(place == 0, cell)) } }
                    }
                }
            }
        }
    }
}

fn table_cell(heading: bool, cell: Cell) -> Markup {
    let (figure, content) = match cell {
        Cell::Theirs(text) => (false, theirs(&text)),
        Cell::Prose(text) => (false, prose(&text, LONGEST_PROSE)),
        Cell::Words(text) => (false, html! { (text) }),
        Cell::Figure(text) => (true, html! { (text) }),
        Cell::Markup(markup) => (false, markup),
    };
    let class = figure.then_some("number");
    html! {
        @if heading { th scope="row" class=[class] { (content) } }
        @else { td class=[class] { (content) } }
    }
}

/// A figure card: name, value before and after, a line below.
pub struct Card {
    /// What is measured.
    pub name: String,
    /// Value before, where there is one.
    pub before: Option<String>,
    /// Value after, or the only value.
    pub value: String,
    /// A line below; may be empty.
    pub note: String,
}

/// Figure cards side by side.
pub fn cards(cards: &[Card]) -> Markup {
    html! {
        ul.figures {
            @for card in cards {
                li {
                    div.name { (card.name) }
                    div.value {
                        @if let Some(before) = &card.before { span.was { (before) " → " } }
                        (card.value)
                    }
                    @if !card.note.is_empty() { div.note { (card.note) } }
                }
            }
        }
    }
}

/// Names and values, one under the other.
pub fn facts(facts: Vec<(&str, Markup)>) -> Markup {
    html! { dl.facts { @for (name, value) in facts { dt { (name) } dd { (value) } } } }
}

/// A paragraph set apart.
pub fn callout(content: Markup) -> Markup {
    html! { div.callout { p { (content) } } }
}
