//! The flagged rows: how many were used, which were ignored and why, and what the models say of them.

use maud::{Markup, html};

use crate::error::Result;
use crate::evaluate::record::FlagSummary;
use crate::report::elements::{Cell, Column, prose, table, theirs};
use crate::report::repair::{ROWS_SHOWN, shown_of};
use crate::report::{Body, Context, RepairSection, Section, format};

pub const SECTION: RepairSection = Section {
    id: "flagged-rows",
    title: "The flagged rows",
    draw,
};

fn draw(context: &Context<'_>) -> Result<Option<Body>> {
    let flags = &context.record.flags;
    let markup = html! {
        p {
            (theirs(&flags.file)) " names " (format::counted(flags.flagged, "row")) " (by " (prose(&flags.addressed_by, 200)) "); "
            @if flags.used == 0 { "none of them is a training row, so there was nothing to repair" }
            @else { (format::count(flags.used)) @if flags.used == 1 { " is a training row and was used" } @else { " are training rows and were used" } }
            @if flags.with_correction > 0 { ", " (format::count(flags.with_correction)) " of them with a correct label" }
            "."
            @if flags.on_test_rows > 0 { " " (format::count(flags.on_test_rows)) " are test rows: they cannot be repaired, so the evaluation is shown with and without them." }
        }
        @if let Some(agreement) = context.chosen.flagged_agreement {
            p {
                "The old model repeated the label now called wrong for " (format::percent(agreement.before, 1)) " of the flagged training rows, the repaired one for "
                (format::percent(agreement.after, 1)) ". Some agreement is to be expected: a wrong label may be what the other rows suggest, too."
            }
        }
        @if !flags.ignored.is_empty() { (ignored(flags)) }
        @if flags.used > 0 && !flags.per_class.is_empty() { (per_class(context)) }
        @if !context.record.flagged_rows.is_empty() { (rows(context)) }
    };
    Ok(Some(Body::plain(markup)))
}

fn ignored(flags: &FlagSummary) -> Markup {
    let rows = flags.ignored.iter().map(|ignored| {
        let examples =
            html! { @for (place, example) in ignored.examples.iter().take(5).enumerate() { @if place > 0 { ", " } (theirs(example)) } };
        vec![
            Cell::Prose(ignored.reason.clone()),
            Cell::Figure(format::count(ignored.count)),
            Cell::Markup(examples),
        ]
    });
    let columns = [Column::text("reason"), Column::figures("flags"), Column::text("for instance")];
    table("Ignored flags", &columns, rows.collect())
}

fn per_class(context: &Context<'_>) -> Markup {
    let model = &context.record.model;
    let rows = context.record.flags.per_class.iter().enumerate().map(|(place, flagged)| {
        vec![
            Cell::Theirs(model.classes.get(place).cloned().unwrap_or_default()),
            Cell::Figure(format::count(*flagged)),
            Cell::Figure(format::share(*flagged, context.record.flags.used, 1)),
            Cell::Figure(format::percent_or_unknown(model.class_shares.get(place).copied(), 1)),
        ]
    });
    let columns = [
        Column::text("label in the sheet"),
        Column::figures("flagged rows"),
        Column::figures("share of the flags"),
        Column::figures("share of all training rows"),
    ];
    table("Flagged training rows by their label in the sheet", &columns, rows.collect())
}

fn rows(context: &Context<'_>) -> Markup {
    let all = &context.record.flagged_rows;
    let corrected = all.iter().any(|row| row.correction.is_some());
    let numbered = all.iter().any(|row| row.row.is_some());
    let mut columns = vec![Column::text("key")];
    if numbered {
        columns.push(Column::figures("row in the sheet"));
    }
    columns.push(Column::text("label in the sheet"));
    if corrected {
        columns.push(Column::text("correct label"));
    }
    columns.extend([Column::text("model before"), Column::text("model after")]);
    let shown = all.iter().take(ROWS_SHOWN).map(|row| {
        let says = |class: &str, probability: f64| Cell::Markup(html! { (theirs(class)) " (" (format::percent(probability, 0)) ")" });
        let mut cells = vec![Cell::Theirs(row.key.clone())];
        if numbered {
            cells.push(Cell::Figure(
                row.row.map_or_else(|| format::UNKNOWN.to_owned(), |row| row.to_string()),
            ));
        }
        cells.push(Cell::Theirs(row.observed.clone()));
        if corrected {
            cells.push(Cell::Theirs(row.correction.clone().unwrap_or_else(|| format::UNKNOWN.to_owned())));
        }
        cells.push(says(&row.before, row.before_probability));
        cells.push(says(&row.after, row.after_probability));
        cells
    });
    let caption = format!(
        "Flagged training rows and what the models say of them. {}.",
        shown_of(all.len(), "row", "Flagged rows")
    );
    table(&caption, &columns, shown.collect())
}
