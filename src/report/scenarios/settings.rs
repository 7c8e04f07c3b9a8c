//! Sizes, settings and warnings: enough to make the figures again.

use maud::html;

use crate::error::Result;
use crate::experiments::random_errors::summary::BatchReport;
use crate::report::elements::{Cell, Column, facts, table, theirs};
use crate::report::scenarios::BatchSection;
use crate::report::{Body, Section, format};

pub const SIZES: BatchSection = Section {
    id: "sizes",
    title: "Networks and their training",
    draw: sizes,
};

pub const SETTINGS: BatchSection = Section {
    id: "settings",
    title: "How to make these figures again",
    draw: settings,
};

pub const WARNINGS: BatchSection = Section {
    id: "warnings",
    title: "Warnings",
    draw: warnings,
};

fn sizes(report: &BatchReport) -> Result<Option<Body>> {
    let columns = [
        Column::text("size"),
        Column::figures("learning rate"),
        Column::figures("weight decay"),
        Column::figures("trials"),
        Column::figures("trained on clean labels: test accuracy"),
        Column::figures("its standard error by row"),
        Column::figures("by group"),
        Column::figures("always the commonest class"),
    ];
    let rows = report
        .tuned
        .iter()
        .map(|tuned| {
            let clean = &tuned.clean;
            let test = f64::from(clean.test_rows.max(1));
            vec![
                Cell::Words(tuned.size.clone()),
                Cell::Figure(format::number(tuned.learning_rate)),
                Cell::Figure(format::number(tuned.weight_decay)),
                Cell::Figure(format::count(tuned.trials.len())),
                Cell::Figure(format::percent(f64::from(clean.test_right) / test, 2)),
                Cell::Figure(format::decimal(clean.standard_error * 100.0, 2)),
                Cell::Figure(
                    clean
                        .standard_error_by_group
                        .map_or(format::UNKNOWN.to_owned(), |error| format::decimal(error * 100.0, 2)),
                ),
                Cell::Figure(format::percent(f64::from(clean.test_majority) / test, 2)),
            ]
        })
        .collect();
    Ok(Some(Body::plain(html! {
        p {
            "Learning rate and weight decay were found once per size, on clean data and rows held out of the training period (none of the test rows), "
            "or given. Standard errors are in percentage points."
        }
        (table("Networks", &columns, rows))
    })))
}

fn settings(report: &BatchReport) -> Result<Option<Body>> {
    let settings = &report.settings;
    let evaluation = &report.evaluation;
    let sizes: Vec<String> = settings.sizes.iter().map(|size| format!("{} x {}", size.size, size.runs)).collect();
    let list = vec![
        (
            "Sheet",
            html! { (theirs(&settings.data_file)) " " span.aside.small { "SHA-256 " code { (theirs(&settings.data_sha256)) } } },
        ),
        ("Profile", html! { (theirs(&settings.profile_name)) }),
        ("Sizes and scenarios per error rate", html! { (sizes.join(", ")) }),
        (
            "Error rates",
            html! { (theirs(&settings.errors.join(", "))) " of the training rows, kind " (theirs(&settings.error_kind)) },
        ),
        ("Methods", html! { (theirs(&settings.methods.join(", "))) }),
        (
            "Importance",
            html! { (settings.importance) ", compared with " (settings.reference) },
        ),
        (
            "Training",
            html! { (format::counted(settings.epochs, "epoch")) ", batches of " (format::count(settings.batch)) ", learning rate times " (format::number(settings.decay)) " per epoch" },
        ),
        (
            "Initialisations per scenario",
            html! { (settings.init_seeds) @if settings.init_seeds == 1 { " (the same for all scenarios)" } },
        ),
        (
            "Evaluation",
            html! {
                (format::counted(evaluation.resamples, "bootstrap resample")) "; significance level " (format::number(evaluation.significance))
                ", minimum effect " (format::size_in_points(evaluation.minimum_effect))
            },
        ),
        ("Seed", html! { (settings.seed) " (scenarios), " (evaluation.seed) " (evaluation)" }),
        (
            "Version",
            html! { "Recant " (theirs(&settings.recant_version)) " (scenarios), " (theirs(&report.recant_version)) " (report)" },
        ),
    ];
    Ok(Some(Body::plain(html! {
        (facts(list))
        p { "Every scenario lies in records.csv and records.parquet with all that is needed to compute it again alone." }
        details { summary { "The profile" } pre { code { (format::visible(&settings.profile.replace('\n', " ; "), 20_000)) } } }
    })))
}

fn warnings(report: &BatchReport) -> Result<Option<Body>> {
    if report.notes.is_empty() {
        return Ok(None);
    }
    Ok(Some(Body::plain(html! {
        ul { @for note in report.notes.iter() { li { (format::sentence(&note.found, 600)) " " (format::sentence(&note.done, 600)) } } }
    })))
}
