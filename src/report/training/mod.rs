//! The report of a training: is the model of any use, how it was made, what it saw. And its model card.

mod baselines;
mod calibration;
mod card;
mod classes;
mod columns;
mod common;
mod fit;
mod split;

use maud::{Markup, html};

pub use card::model_card;
pub use classes::per_class;

use crate::error::Result;
use crate::evaluate::record::Timings;
use crate::evaluate::train_record::{TrainRecord, Usefulness};
use crate::evaluate::words;
use crate::report::elements::{Card, callout, cards, facts, prose, theirs};
use crate::report::page::Page;
use crate::report::parts::leakage;
use crate::report::plots::Plot;
use crate::report::{Body, Section, assemble, footer, format};

/// What a section of the training report draws from.
pub struct TrainContext<'a> {
    /// The whole record.
    pub record: &'a TrainRecord,
    /// Seconds; may be empty.
    pub timings: &'a Timings,
}

/// A section of the training report.
pub type TrainSection = Section<fn(&TrainContext<'_>) -> Result<Option<Body>>>;

/// All sections, in the order of the page. The first screen stands above them.
pub const SECTIONS: &[TrainSection] = &[
    baselines::SECTION,
    classes::SECTION,
    calibration::SECTION,
    fit::SECTION,
    split::SECTION,
    columns::SECTION,
    common::LEAKAGE,
    common::WARNINGS,
    common::PROVENANCE,
    common::GLOSSARY,
];

/// The report as one HTML file, and its plots.
///
/// # Errors
/// Only by a fault of ours.
pub fn html(record: &TrainRecord, timings: &Timings) -> Result<(String, Vec<Plot>)> {
    let context = TrainContext { record, timings };
    let (parts, plots) = assemble(SECTIONS, |draw| draw(&context))?;
    let page = Page {
        title: &format!("{}: {}", headline(record), record.model.name),
        kind: "Training report",
        first_screen: first_screen(record),
        parts: &parts,
        footer: &footer(&record.recant_version),
    };
    Ok((page.render(), plots))
}

/// The judgement as a headline; a class that occurs among the test rows and is never predicted is part of it.
pub fn headline(record: &TrainRecord) -> String {
    let words = judgement(record.usefulness.usefulness);
    let missed: Vec<String> = record
        .test
        .iter()
        .flat_map(|test| test.classes.iter().enumerate().map(move |(class, of)| (test, class, of)))
        .filter(|(test, class, of)| of.rows > 0 && test.confusion.iter().all(|row| row[*class] == 0))
        .map(|(.., of)| format!("\"{}\"", format::visible(&of.name, 40)))
        .collect();
    match missed.as_slice() {
        [] => words.to_owned(),
        missed => format!("{words}; it never says {}", missed.join(" or ")),
    }
}

fn judgement(usefulness: Usefulness) -> &'static str {
    match usefulness {
        Usefulness::Useful => "This model is useful",
        Usefulness::NoBetterThanSimple => "A simpler model does as well",
        Usefulness::WorseThanSimple => "A simpler model does better",
        Usefulness::TellsClassesApart => "Useful for ranking, not for its answers",
        Usefulness::Useless => "This model is useless",
        Usefulness::NotEvaluated => "Not evaluated: there were no test rows",
    }
}

/// The judgement in a few words, with a mark that tells it apart without colour, and its style class.
pub fn usefulness_words(usefulness: Usefulness) -> (&'static str, &'static str) {
    match usefulness {
        Usefulness::Useful => ("▲ useful", "better"),
        Usefulness::NoBetterThanSimple => ("= no better than a simple model", "same"),
        Usefulness::WorseThanSimple => ("▼ worse than a simple model", "worse"),
        Usefulness::TellsClassesApart => ("◆ for ranking", "same"),
        Usefulness::Useless => ("▼ useless", "worse"),
        Usefulness::NotEvaluated => ("○ not evaluated", "unknown"),
    }
}

/// The first screen: headline, verdict, main figures.
pub fn first_screen(record: &TrainRecord) -> Markup {
    let (words, class) = usefulness_words(record.usefulness.usefulness);
    let leaking = leakage::still_used(record.leakage.as_deref());
    html! {
        div class={ "verdict " (class) } {
            span class={ "badge " (class) } { (words) }
            h1 { (headline(record)) }
            p.lead { (prose(&format::without_verdict(&record.usefulness.sentence), 900)) }
        }
        @if let Some(warning) = leakage::warning(leaking) { (callout(warning)) }
        (cards(&figures(record)))
        (what(record))
    }
}

fn figures(record: &TrainRecord) -> Vec<Card> {
    let Some(test) = &record.test else { return Vec::new() };
    let mut cards = vec![Card {
        name: "Accuracy on test rows".to_owned(),
        before: None,
        value: format::percent(test.accuracy.estimate, 2),
        note: format!(
            "95\u{a0}% interval {}",
            format::percent_between(test.accuracy.low, test.accuracy.high, 1)
        ),
    }];
    for baseline in &record.baselines {
        cards.push(Card {
            name: format::visible(&baseline.title, 60).into_owned(),
            before: None,
            value: format::percent(baseline.comparison.before.accuracy.estimate, 2),
            note: "on the same rows".to_owned(),
        });
    }
    let chance = record.usefulness.balanced_accuracy_by_chance;
    cards.push(Card {
        name: "Balanced accuracy".to_owned(),
        before: None,
        value: format::percent(test.balanced_accuracy, 2),
        note: chance.map_or_else(String::new, |chance| format!("one answer always: {}", format::percent(chance, 1))),
    });
    cards
}

fn what(record: &TrainRecord) -> Markup {
    let model = &record.model;
    let split = &record.split;
    let classes = html! { @for (place, class) in model.classes.iter().take(8).enumerate() { @if place > 0 { ", " } (theirs(class)) } @if model.classes.len() > 8 { " and more" } };
    let rows = |rows: usize, period: &Option<(String, String)>| {
        html! { (format::counted(rows, "row")) @if let Some(period) = period { " (" span.whole { (format::period(period)) } ")" } }
    };
    let mut list = vec![
        (
            "Model",
            html! { (theirs(&model.name)) ", a network " (theirs(&words::network_size(&model.network))) " that tells apart: " (classes) },
        ),
        (
            "Trained on",
            html! { (rows(split.training_rows, &split.training_period)) " of " (theirs(&model.data_file)) },
        ),
    ];
    if split.validation_rows > 0 {
        list.push(("Validated on", rows(split.validation_rows, &split.validation_period)));
    }
    if split.test_rows > 0 {
        list.push(("Judged on", rows(split.test_rows, &split.test_period)));
    }
    facts(list)
}
