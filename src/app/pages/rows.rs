//! Rows of a sheet, a page of them at a time, searched and ordered by the server.

use maud::{Markup, html};

use crate::app::requests::{Asked, encoded};
use crate::app::sheets::{Choices, Only, Opened, Search};
use crate::error::Result;
use crate::report::elements::{theirs_short, words};
use crate::report::format;
use crate::report::terminal::kind;
use crate::tables::{ColumnKind, Texts};

/// Rows of a page.
pub(super) const ROWS: usize = 50;

/// Columns that are shown; the others are told of.
const COLUMNS: usize = 60;

/// How the columns begin that a prediction appends: they come first, and rows are narrowed by them.
const PREDICTION_COLUMNS: [&str; 2] = ["predicted", "warning"];

/// Characters of a cell.
const CELL: usize = 60;

/// What the address asks to see.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub search: Search,
    /// Page, from 0.
    pub page: usize,
}

impl Seen {
    pub fn of(asked: &Asked) -> Self {
        Self {
            search: Search {
                text: asked.query("q").unwrap_or_default().to_owned(),
                by: asked.query("by").map(str::to_owned),
                falling: asked.query("falling").is_some(),
                only: asked.queries("only").filter_map(only_of).collect(),
            },
            page: asked.query("page").and_then(|page| page.parse().ok()).unwrap_or(0),
        }
    }

    /// The address of another view of the same rows.
    pub fn link(&self, base: &str) -> String {
        let mut pairs = Vec::new();
        if !self.search.text.is_empty() {
            pairs.push(format!("q={}", encoded(&self.search.text)));
        }
        if let Some(by) = &self.search.by {
            pairs.push(format!("by={}", encoded(by)));
        }
        if self.search.falling {
            pairs.push("falling=1".to_owned());
        }
        for only in &self.search.only {
            pairs.push(format!("only={}", encoded(&written(only))));
        }
        if self.page > 0 {
            pairs.push(format!("page={}", self.page));
        }
        match pairs.is_empty() {
            true => base.to_owned(),
            false => format!("{base}?{}", pairs.join("&")),
        }
    }
}

/// What a column must hold, as the address says it: the place of the column, then a text, something or nothing.
fn written((place, only): &(usize, Only)) -> String {
    match only {
        Only::Is(text) => format!("{place}={text}"),
        Only::Filled => format!("{place}+"),
        Only::Missing => format!("{place}-"),
    }
}

/// Reads what [`written`] writes.
fn only_of(asked: &str) -> Option<(usize, Only)> {
    let end = asked.find(|letter: char| !letter.is_ascii_digit())?;
    let (place, rest) = asked.split_at(end);
    let only = match rest.strip_prefix('=') {
        Some(text) => Only::Is(text.to_owned()),
        None if rest == "+" => Only::Filled,
        None if rest == "-" => Only::Missing,
        None => return None,
    };
    Some((place.parse().ok()?, only))
}

/// What stands before the cells of a row: a title for the column, and what is in it.
pub(super) struct Before<'a> {
    pub title: Markup,
    pub cell: &'a dyn Fn(usize) -> Markup,
}

/// A page of rows with a field to search, headings that order, and links to the other pages.
pub(super) fn view(opened: &Opened, seen: &Seen, base: &str, before: Option<&Before<'_>>) -> Result<Markup> {
    let found = opened.find(&seen.search)?;
    let pages = found.len().div_ceil(ROWS).max(1);
    let page = seen.page.min(pages - 1);
    let rows: Vec<usize> = found.iter().skip(page * ROWS).take(ROWS).map(|row| *row as usize).collect();
    let total = opened.table.height();
    let caption = match (seen.search.text.as_str(), seen.search.only.is_empty()) {
        ("", true) => format::counted(total, "row"),
        ("", false) => format!("{} of {}", format::count(found.len()), format::counted(total, "row")),
        (text, _) => format!(
            "{} of {} hold “{}”",
            format::count(found.len()),
            format::counted(total, "row"),
            words(text)
        ),
    };
    Ok(html! {
        form.search method="get" action=(base) role="search" {
            label for="q" { "Search" }
            input id="q" type="search" name="q" value=(seen.search.text);
            @if let Some(by) = &seen.search.by { input type="hidden" name="by" value=(by); }
            @if seen.search.falling { input type="hidden" name="falling" value="1"; }
            @for only in &seen.search.only { input type="hidden" name="only" value=(written(only)); }
            button.plain type="submit" { "Search" }
        }
        (narrowing(opened, seen, base)?)
        (cells(opened, seen, &rows, base, &caption, before)?)
        (pager(page, pages, |page| Seen { page, ..seen.clone() }.link(base)))
    })
}

fn is_prediction(name: &str) -> bool {
    PREDICTION_COLUMNS.iter().any(|of| name.starts_with(of))
}

/// Links that narrow the rows to those with a value in a column. What a prediction wrote comes first and is open to see.
fn narrowing(opened: &Opened, seen: &Seen, base: &str) -> Result<Markup> {
    let names = opened.table.names();
    let name = |choices: &Choices| names.get(choices.place).map_or("", String::as_str);
    let predicted = |choices: &&Choices| is_prediction(name(choices));
    let (first, others): (Vec<&Choices>, Vec<&Choices>) = opened.choices()?.iter().partition(predicted);
    let open = others
        .iter()
        .any(|choices| seen.search.only.iter().any(|(place, _)| *place == choices.place));
    Ok(html! {
        @for choices in &first { (group(name(choices), choices, seen, base)) }
        @if !others.is_empty() {
            details.narrowing open[open] {
                summary { "Show only rows with a value" }
                @for choices in &others { (group(name(choices), choices, seen, base)) }
            }
        }
    })
}

/// The values of a column, each a link.
fn group(name: &str, choices: &Choices, seen: &Seen, base: &str) -> Markup {
    let link = |only: Option<&Only>| {
        let mut search = seen.search.clone();
        search.only.retain(|(place, _)| *place != choices.place);
        search.only.extend(only.map(|only| (choices.place, only.clone())));
        Seen { search, page: 0 }.link(base)
    };
    let here = seen
        .search
        .only
        .iter()
        .find(|(place, _)| *place == choices.place)
        .map(|(_, only)| only);
    html! {
        nav.filters aria-label={ "Rows by " (words(name)) } {
            ul {
                li.name { (theirs_short(name, 40)) }
                li { a href=(link(None)) aria-current=[here.is_none().then_some("true")] { "all" } }
                @for (only, rows) in &choices.choices {
                    li {
                        a href=(link(Some(only))) aria-current=[(here == Some(only)).then_some("true")] {
                            @match only { Only::Is(text) => (theirs_short(text, 40)), Only::Filled => "any", Only::Missing => "none" }
                            " (" (format::count(*rows)) ")"
                        }
                    }
                }
            }
        }
    }
}

/// Links to the pages before and after.
pub(super) fn pager(page: usize, pages: usize, link: impl Fn(usize) -> String) -> Markup {
    html! {
        @if pages > 1 {
            nav.pager aria-label="Pages" {
                @if page > 0 { a.button.plain href=(link(page - 1)) rel="prev" { "← Previous" } } @else { span.aside { "← Previous" } }
                span { "Page " (format::count(page + 1)) " of " (format::count(pages)) }
                @if page + 1 < pages { a.button.plain href=(link(page + 1)) rel="next" { "Next →" } } @else { span.aside { "Next →" } }
            }
        }
    }
}

fn cells(opened: &Opened, seen: &Seen, rows: &[usize], base: &str, caption: &str, before: Option<&Before<'_>>) -> Result<Markup> {
    let (texts, kinds) = (opened.texts()?, opened.kinds()?);
    let names = opened.table.names();
    // What a prediction appended is what the reader came for.
    let (mut places, others): (Vec<usize>, Vec<usize>) = (0..names.len()).partition(|place| is_prediction(&names[*place]));
    places.extend(others);
    places.truncate(COLUMNS);
    let shown: Vec<(&String, &Texts, ColumnKind)> = places.iter().map(|place| (&names[*place], &texts[*place], kinds[*place])).collect();
    Ok(html! {
        div.scroll.rows role="region" tabindex="0" aria-label="Rows of the sheet" {
            table {
                caption { (caption) }
                thead {
                    tr {
                        @if let Some(before) = before { th scope="col" { (before.title) } }
                        th scope="col" class="number" { "Row" }
                        @for (name, _, kind) in &shown {
                            (heading(name, *kind, seen, base))
                        }
                    }
                }
                tbody {
                    @for row in rows {
                        tr id={ "row-" (opened.table.row_number(*row)) } {
                            @if let Some(before) = before { td { ((before.cell)(*row)) } }
                            th scope="row" class="number" { (opened.table.row_number(*row)) }
                            @for (_, texts, kind) in &shown { td class=[of_numbers(*kind)] { @if let Some(text) = texts.get(*row) { (cell(text)) } } }
                        }
                    }
                }
            }
        }
        @if names.len() > COLUMNS { p.small.aside { "The first " (COLUMNS) " of " (format::counted(names.len(), "column")) " are shown." } }
    })
}

/// Numbers stand below each other by their last digits.
fn of_numbers(kind: ColumnKind) -> Option<&'static str> {
    (kind == ColumnKind::Number).then_some("number")
}

/// A cell's text. Plain letters need no element to keep their direction to themselves, and a page of rows has thousands of them.
fn cell(text: &str) -> Markup {
    match text.is_ascii() {
        true => html! { (format::visible(text, CELL)) },
        false => theirs_short(text, CELL),
    }
}

/// The name of a column, which orders the rows by it: rising, then falling.
fn heading(name: &str, holds: ColumnKind, seen: &Seen, base: &str) -> Markup {
    let own = seen.search.by.as_deref() == Some(name);
    let falling = own && !seen.search.falling;
    let link = Seen {
        search: Search {
            by: Some(name.to_owned()),
            falling,
            ..seen.search.clone()
        },
        page: 0,
    };
    let (sort, mark) = match (own, seen.search.falling) {
        (false, _) => (None, ""),
        (true, false) => (Some("ascending"), " ▲"),
        (true, true) => (Some("descending"), " ▼"),
    };
    html! {
        th scope="col" class=[of_numbers(holds)] aria-sort=[sort] {
            a href=(link.link(base)) { (theirs_short(name, 40)) (mark) }
            span.holds { (kind(holds)) }
        }
    }
}
