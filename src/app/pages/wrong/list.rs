//! The list of rows under suspicion, the sheet to tick rows in, and the history of decisions.

use maud::{Markup, html};

use super::{Place, act, verdict_badge};
use crate::app::App;
use crate::app::folder::{Item, Kind};
use crate::app::line::Line;
use crate::app::made::Made;
use crate::app::pages::elements::{button, button_here, command, drop_file, form, local, select};
use crate::app::pages::model::{Part, steps, without_sheet};
use crate::app::pages::rows::{self, Before, ROWS, Seen, pager};
use crate::app::pages::{Page, asked_item, sheets_and_made, token};
use crate::app::requests::{Answer, Asked, Fault, encoded};
use crate::app::sheets::Opened;
use crate::app::store::{Counts, Decided, Store, Verdict, View};
use crate::report::elements::{Cell, Column, prose, table, theirs, theirs_short};
use crate::report::format;

/// Columns of the sheet that the list shows beside each row.
const COLUMNS: usize = 40;

/// What the address asks to see.
fn view_of(asked: &Asked) -> View {
    View {
        kind: asked.query("kind").map(str::to_owned),
        why: asked.query("why").map(str::to_owned),
        verdict: asked.query("stands").and_then(Verdict::of_name),
    }
}

fn link(base: &str, view: &View, page: usize) -> String {
    let mut pairs = Vec::new();
    for (name, value) in [("kind", &view.kind), ("why", &view.why)] {
        if let Some(value) = value {
            pairs.push(format!("{name}={}", encoded(value)));
        }
    }
    if let Some(verdict) = view.verdict {
        pairs.push(format!("stands={}", verdict.name()));
    }
    if page > 0 {
        pairs.push(format!("page={page}"));
    }
    let query = if pairs.is_empty() {
        String::new()
    } else {
        format!("?{}", pairs.join("&"))
    };
    format!("{base}/wrong{query}")
}

/// The rows under suspicion.
pub(in crate::app) fn show(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let item = asked_item(app, asked, Kind::Model, "model")?;
    let base = format!("/models/{}", item.id);
    let summary = app.summaries.of(&item)?;
    let repaired = !summary.info.repairs.is_empty();
    let title = format!("Wrong rows: {}", item.name);
    let head = html! {
        h1 { "Wrong rows" }
        (steps(&item, Part::Wrong, repaired))
    };
    let place = Place::of(app, asked);
    let (Ok(place), Some(store)) = (place, &app.store) else {
        let content = html! {
            (head)
            section aria-label="Rows" {
                @if app.read_only { p { "The app only looks; decisions are shown where they can be made." } } @else { (without_sheet(&summary.info.data.file)) }
            }
        };
        return Page::new(&title, content).under(&item.name, base).answer(app);
    };
    let view = view_of(asked);
    let counts = store.counts(&place.list)?;
    let some_wrong = counts.iter().any(|count| count.wrong > 0);
    let content = html! {
        (head)
        @if !counts.is_empty() { (review(app, store, &place, asked, &view, &counts)?) }
        (ways(app, &place, asked, some_wrong)?)
        (command(app, &line(app, &place, some_wrong)?))
    };
    Page::new(&title, content).under(&item.name, base).answer(app)
}

/// The search that comes next: for the rest where some rows are known, else for suspects.
fn line(app: &App, place: &Place, some_wrong: bool) -> Result<Line, Fault> {
    let work = match some_wrong {
        true => act::rest_of(app, place)?,
        false => act::suspects_of(app, place)?,
    };
    Ok(work.line(app.seed))
}

/// Where rows come from: a file, a search, the sheet itself.
fn ways(app: &App, place: &Place, asked: &Asked, some_wrong: bool) -> Result<Markup, Fault> {
    let base = place.base();
    let mut files: Vec<(Item, Option<Made>)> = sheets_and_made(app)?
        .into_iter()
        .filter(|(file, made)| matches!(made, None | Some(Made::List)) && file.name != place.sheet.name)
        .collect();
    files.sort_by_key(|(_, made)| made.is_none());
    let choices: Vec<(String, String)> = files.iter().map(|(file, _)| (file.id.clone(), file.name.clone())).collect();
    let how = [("flags", "a list of wrong rows"), ("corrected", "a corrected copy of the sheet")];
    Ok(html! {
        section aria-labelledby="more" {
            h2 id="more" { "Which rows were entered wrongly?" }
            div.ways {
                div.way {
                    h3 { "A file names them" }
                    (form(app, &format!("{base}/import"), html! {
                        (select("file", "File of the folder", "choose one", &choices, asked.query("file")))
                        fieldset {
                            legend { "It is" }
                            @for (place, (value, words)) in how.into_iter().enumerate() { p { label { input type="radio" name="how" value=(value) checked[place == 0]; " " (words) } } }
                        }
                        p { button type="submit" { "Take its rows" } }
                    }))
                    details {
                        summary { "The file is elsewhere" }
                        (drop_file(app, "Drop the flag file or the corrected sheet", "Keys, row numbers, whole rows, or a column that marks rows.", Some(&format!("{base}/wrong"))))
                    }
                }
                div.way {
                    h3 { "Look for the rest" }
                    p { "What the wrong rows have in common, as a rule in words, and the rows that follow it." }
                    @if some_wrong { (button(app, &format!("{base}/expand"), "Look for the rest", &[])) }
                    @else { p.small.aside { "Some rows must be decided to be wrong first." } }
                }
                div.way {
                    h3 { "Look for suspects" }
                    p { "Rows whose label models that did not see them confidently contradict. Right rows are among them: look before you decide." }
                    (button(app, &format!("{base}/suspects"), "Look for suspects", &[]))
                }
                div.way {
                    h3 { "Tick them yourself" }
                    p { a.button.plain href={ (base) "/rows" } { "Search the sheet" } }
                }
            }
        }
    })
}

fn review(app: &App, store: &Store, place: &Place, asked: &Asked, view: &View, counts: &[Counts]) -> Result<Markup, Fault> {
    let base = place.base();
    let opened = place.opened(app)?;
    let total = usize::try_from(store.count(&place.list, view)?).unwrap_or(0);
    let pages = total.div_ceil(ROWS).max(1);
    let page = asked.query("page").and_then(|page| page.parse().ok()).unwrap_or(0).min(pages - 1);
    let from = i64::try_from(page * ROWS).unwrap_or(0);
    let rows = store.rows(&place.list, view, from, i64::try_from(ROWS).unwrap_or(50))?;
    let here = link(&base, view, page);
    let sum = |of: fn(&Counts) -> i64| usize::try_from(counts.iter().map(of).sum::<i64>()).unwrap_or(0);
    let (wrong, right, open) = (sum(|count| count.wrong), sum(|count| count.right), sum(|count| count.open));
    Ok(html! {
        section aria-label="What stands" {
            ul.figures {
                li { div.name { "Decided to be wrong" } div.value { (format::count(wrong)) } }
                li { div.name { "Decided to be right" } div.value { (format::count(right)) } }
                li { div.name { "Open" } div.value { (format::count(open)) } }
            }
            div.actions {
                a.button href={ (base) "/repair" } { "Next: repair" }
                (button_here(app, &format!("{base}/undo"), "Undo the last decision", &[("back", &here)]))
                (button(app, &format!("{base}/export"), "Export as CSV", &[("as", "csv")]))
                (button(app, &format!("{base}/export"), "Export as XLSX", &[("as", "xlsx")]))
                a href={ (base) "/history" } { "History" }
            }
            (groups(app, place, view, counts))
        }
        section aria-labelledby="rows" {
            h2 id="rows" { (shown(view)) }
            (filters(&base, view))
            @if rows.is_empty() { p { "No row is here." } }
            @else {
                form.deciding method="post" action={ (base) "/decide" } data-stay {
                    (token(app))
                    input type="hidden" name="back" value=(here);
                    @if let Some(kind) = &view.kind { input type="hidden" name="kind" value=(kind); }
                    @if let Some(why) = &view.why { input type="hidden" name="why" value=(why); }
                    @if let Some(verdict) = view.verdict { input type="hidden" name="stands" value=(verdict.name()); }
                    (bulk(total))
                    (decided_rows(&rows, &opened, place))
                    p.small.aside.keys { "Keys: " kbd { "J" } " next, " kbd { "K" } " before, " kbd { "W" } " wrong, " kbd { "R" } " right, " kbd { "O" } " open, " kbd { "X" } " tick, " kbd { "U" } " undo." }
                }
                (pager(page, pages, |page| link(&base, view, page)))
            }
        }
    })
}

/// Buttons for ticked rows and for all.
fn bulk(total: usize) -> Markup {
    html! {
        div.actions {
            span { "Ticked rows:" }
            button.plain type="submit" name="ticked" value="wrong" { "✗ wrong" }
            button.plain type="submit" name="ticked" value="right" { "✓ right" }
            button.plain type="submit" name="ticked" value="open" { "○ open" }
        }
        details {
            summary { "All " (format::counted(total, "row")) " of this view at once" }
            div.actions {
                button.plain type="submit" name="every" value="wrong" { "All are wrong" }
                button.plain type="submit" name="every" value="right" { "All are right" }
                button.plain type="submit" name="every" value="open" { "All are open" }
            }
        }
    }
}

fn shown(view: &View) -> String {
    let of = view
        .verdict
        .map_or_else(|| "Rows".to_owned(), |verdict| format!("Rows that are {}", verdict.name()));
    match &view.kind {
        Some(kind) => format!("{of}, {kind}"),
        None => of,
    }
}

fn filters(base: &str, view: &View) -> Markup {
    let of = |verdict: Option<Verdict>| View { verdict, ..view.clone() };
    let all = [
        (None, "all"),
        (Some(Verdict::Open), "open"),
        (Some(Verdict::Wrong), "wrong"),
        (Some(Verdict::Right), "right"),
    ];
    html! {
        nav.filters aria-label="Which rows" {
            ul {
                @for (verdict, words) in all { li { a href=(link(base, &of(verdict), 0)) aria-current=[(view.verdict == verdict).then_some("true")] { (words) } } }
                @if view.kind.is_some() || view.why.is_some() { li { a href=(link(base, &View { verdict: view.verdict, ..View::default() }, 0)) { "every kind" } } }
            }
        }
    }
}

/// Kinds of rows, and patterns in words, each to be taken or left as a whole.
fn groups(app: &App, place: &Place, view: &View, counts: &[Counts]) -> Markup {
    let base = place.base();
    let rows = counts.iter().map(|count| {
        let own = View {
            kind: Some(count.kind.clone()),
            why: count.why.clone(),
            verdict: view.verdict,
        };
        let number = |value: i64| Cell::Figure(format::count(usize::try_from(value).unwrap_or(0)));
        let why = count.why.clone().unwrap_or_default();
        let act = |verdict: &str, label: &str| {
            button(
                app,
                &format!("{base}/decide"),
                label,
                &[("every", verdict), ("kind", &count.kind), ("why", &why)],
            )
        };
        vec![
            Cell::Markup(html! { a href=(link(&base, &own, 0)) { (theirs(&count.kind)) } }),
            Cell::Markup(prose(&why, 300)),
            Cell::Figure(count.chance.map_or_else(String::new, |chance| format::percent(chance, 0))),
            number(count.open),
            number(count.wrong),
            number(count.right),
            Cell::Markup(html! { span.actions { (act("wrong", "All wrong")) (act("right", "All right")) } }),
        ]
    });
    let columns = [
        Column::text("Kind"),
        Column::text("Rule, in words"),
        Column::figures("Chance wrong"),
        Column::figures("Open"),
        Column::figures("Wrong"),
        Column::figures("Right"),
        Column::text("As a whole"),
    ];
    table("Where the rows come from", &columns, rows.collect())
}

fn decided_rows(rows: &[Decided], opened: &Opened, place: &Place) -> Markup {
    let names = opened.table.names();
    let cell = |row: &Decided, name: &str| {
        let index = usize::try_from(row.listed.sheet_row)
            .ok()
            .and_then(|row| opened.table.row_with_number(row));
        index.and_then(|index| opened.table.cell(index, name).ok().flatten())
    };
    html! {
        div.scroll.rows role="region" tabindex="0" aria-label="Rows under suspicion" {
            table {
                caption { "The likeliest wrong first" }
                thead {
                    tr {
                        th scope="col" { "Tick" } th scope="col" class="number" { "Row" } th scope="col" { "Decision" } th scope="col" { "Label" }
                        th scope="col" { "Should be" } th scope="col" class="number" { "Chance wrong" }
                        @for name in names.iter().take(COLUMNS) { th scope="col" { (theirs_short(name, 40)) } }
                    }
                }
                tbody {
                    @for row in rows {
                        @let number = row.listed.sheet_row;
                        tr data-row=(number) tabindex="-1" {
                            td { input type="checkbox" name="row" value=(number) aria-label={ "Row " (number) }; }
                            th scope="row" class="number" { (number) }
                            td.decision {
                                (verdict_badge(row.verdict))
                                span.actions {
                                    button.plain type="submit" name="one" value={ "wrong:" (number) } aria-label={ "Row " (number) " is wrong" } { "✗" }
                                    button.plain type="submit" name="one" value={ "right:" (number) } aria-label={ "Row " (number) " is right" } { "✓" }
                                    button.plain type="submit" name="one" value={ "open:" (number) } aria-label={ "Row " (number) " is open" } { "○" }
                                }
                            }
                            td { @if let Some(given) = &row.listed.given { (theirs_short(given, 40)) } }
                            td { (should_be(row, &place.classes)) }
                            td.number {
                                @if let Some(chance) = row.listed.chance { (format::percent(chance, 0)) }
                                @else if let Some(score) = row.listed.score { "score " (format!("{score:.2}")) }
                            }
                            @for name in names.iter().take(COLUMNS) { td { @if let Some(text) = cell(row, name) { (theirs_short(&text, 60)) } } }
                        }
                    }
                }
            }
        }
    }
}

/// The likeliest label, to confirm or to change.
fn should_be(row: &Decided, classes: &[String]) -> Markup {
    let number = row.listed.sheet_row;
    let likeliest = row
        .listed
        .likeliest
        .as_ref()
        .map_or_else(|| "not known".to_owned(), |label| format!("{label}?"));
    html! {
        select name={ "label-" (number) } aria-label={ "Row " (number) " should be" } {
            option value="" { (crate::report::elements::words(&likeliest)) }
            @for class in classes { option value=(class) selected[row.label.as_ref() == Some(class)] { (crate::report::elements::words(class)) } }
        }
    }
}

/// The whole sheet, to tick rows in.
pub(in crate::app) fn all(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let place = Place::of(app, asked)?;
    let store = app.store()?;
    let opened = place.opened(app)?;
    let seen = Seen::of(asked);
    let base = format!("{}/rows", place.base());
    let here = seen.link(&base);
    let number = |row: usize| opened.table.row_number(row);
    let stands = |row: usize| store.standing(&place.list, i64::try_from(number(row)).unwrap_or(0)).ok().flatten();
    let cell = |row: usize| {
        html! {
            input type="checkbox" name="row" value=(number(row)) form="deciding" aria-label={ "Row " (number(row)) };
            @if let Some(verdict) = stands(row) { @if verdict != Verdict::Open { " " (verdict_badge(verdict)) } }
        }
    };
    let before = Before {
        title: html! { "Tick" },
        cell: &cell,
    };
    let content = html! {
        h1 { "Rows of " (theirs(&place.sheet.name)) }
        section aria-label="Rows" {
            form.deciding id="deciding" method="post" action={ (place.base()) "/decide" } data-stay {
                (token(app))
                input type="hidden" name="back" value=(here);
                div.actions {
                    span { "Ticked rows:" }
                    button.plain type="submit" name="ticked" value="wrong" { "✗ wrong" }
                    button.plain type="submit" name="ticked" value="right" { "✓ right" }
                    button.plain type="submit" name="ticked" value="open" { "○ open" }
                    a href={ (place.base()) "/wrong" } { "Back to the list" }
                }
            }
            (rows::view(&opened, &seen, &base, Some(&before))?)
        }
    };
    let title = format!("Rows of {}", place.sheet.name);
    Page::new(&title, content)
        .under(&place.item.name, place.base())
        .under("Wrong rows", format!("{}/wrong", place.base()))
        .answer(app)
}

/// Who decided what, and when.
pub(in crate::app) fn history(app: &App, asked: &Asked) -> Result<Answer, Fault> {
    let place = Place::of(app, asked)?;
    let batches = app.store()?.history(&place.list, 500)?;
    let columns = [
        Column::text("When"),
        Column::text("Who"),
        Column::text("What"),
        Column::figures("Rows"),
        Column::text("Stands"),
    ];
    let rows = batches.iter().map(|batch| {
        let undone = match &batch.undone {
            None => html! { "✓ yes" },
            Some(undone) => html! { "– undone " (theirs(undone)) },
        };
        vec![
            Cell::Words(local(&batch.at)),
            Cell::Theirs(batch.who.clone()),
            Cell::Prose(batch.what.clone()),
            Cell::Figure(format::count(usize::try_from(batch.rows).unwrap_or(0))),
            Cell::Markup(undone),
        ]
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    let content = html! {
        section aria-labelledby="history" {
            h1 id="history" { "History" }
            p { "Decisions about rows of " (theirs(&place.sheet.name)) ", the latest first. Nothing is erased: what is undone stays here." }
            @if rows.is_empty() { p { "Nothing was decided yet." } } @else { (table("Decisions", &columns, rows)) }
        }
    };
    Page::new("History", content)
        .under(&place.item.name, place.base())
        .under("Wrong rows", format!("{}/wrong", place.base()))
        .answer(app)
}
