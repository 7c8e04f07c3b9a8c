//! The first screen: what came of it, what was repaired, before and after.

use maud::{Markup, html};

use crate::evaluate::record::{Advice, Comparison, MethodRecord, RepairRecord, Verdict};
use crate::evaluate::{losses_in_words, made_up_for_in_words};
use crate::report::Context;
use crate::report::elements::{Card, callout, cards, facts, prose, theirs};
use crate::report::format;
use crate::report::parts::leakage;
use crate::report::repair::methods::change_in_words;

/// The verdict as a headline.
pub fn headline(context: &Context<'_>) -> String {
    if context.record.kept_the_old() {
        return "The old model stays: no repair was accepted".to_owned();
    }
    let by_chances = context.chosen.whole.as_ref().is_some_and(|whole| whole.rests_on_chances);
    let words = match context.chosen.verdict() {
        Some(Verdict::Better) if by_chances => "By estimate the repair made the model better",
        Some(Verdict::Worse) if by_chances => "By estimate the repair made the model worse",
        Some(Verdict::Better) => "The repair made the model better",
        Some(Verdict::Worse) => "The repair made the model worse",
        Some(Verdict::NoChangeDetected) => "No change detected",
        Some(Verdict::CannotBeJudged) => match leaning(context.chosen) {
            Some(Verdict::Better) => "Probably better, but cannot be judged from these rows for certain",
            Some(Verdict::Worse) => "Probably worse, but cannot be judged from these rows for certain",
            _ => "Cannot be judged from these rows",
        },
        None => "Not evaluated: there were no test rows",
    };
    let improved = context.chosen.verdict() == Some(Verdict::Better);
    match context.chosen.test.as_ref().and_then(losses_in_words) {
        // What loses a class that must not be lost is not called better.
        Some(losses) if improved && context.chosen.loses_a_class() => {
            format!("Better overall, but {losses}")
        }
        Some(losses) if improved => format!("{words}, but {losses}"),
        Some(losses) => format!("{words}, and {losses}"),
        None => words.to_owned(),
    }
}

/// The advice as the beginning of a sentence.
pub fn advice_words(record: &RepairRecord) -> &'static str {
    match record.recommendation.advice {
        Some(Advice::Use) => "Use the repaired model.",
        Some(Advice::Keep) => "Keep the old model.",
        Some(Advice::CheckFirst) => "Check some rows first.",
        None if record.recommendation.method.is_some() => "Recommendation:",
        None => "",
    }
}

/// The verdict in a few words, with a mark that tells it apart without colour, and its style class.
pub fn verdict_words(verdict: Option<Verdict>) -> (&'static str, &'static str) {
    match verdict {
        Some(Verdict::Better) => ("▲ better", "better"),
        Some(Verdict::Worse) => ("▼ worse", "worse"),
        Some(Verdict::NoChangeDetected) => ("= no change detected", "same"),
        Some(Verdict::CannotBeJudged) => ("? cannot be judged", "unknown"),
        None => ("○ not evaluated", "unknown"),
    }
}

/// What the estimate on a method speaks for that cannot be judged; nothing where a class is lost that must not be.
fn leaning(method: &MethodRecord) -> Option<Verdict> {
    let whole = method.whole.as_ref()?;
    whole.leans.filter(|_| !method.loses_a_class())
}

/// The verdict on a method; what is better overall and loses a class that must not be lost is called neither better nor worse.
pub fn method_words(method: &MethodRecord) -> (&'static str, &'static str) {
    match method.verdict() {
        Some(Verdict::Better) if method.loses_a_class() => ("± a class is lost", "unknown"),
        verdict => match (
            verdict,
            leaning(method),
            method.whole.as_ref().is_some_and(|whole| whole.rests_on_chances),
        ) {
            (Some(Verdict::Better), _, true) => ("▲ better by estimate", "better"),
            (Some(Verdict::Worse), _, true) => ("▼ worse by estimate", "worse"),
            (Some(Verdict::CannotBeJudged), Some(Verdict::Better), _) => ("? probably better", "unknown"),
            (Some(Verdict::CannotBeJudged), Some(Verdict::Worse), _) => ("? probably worse", "unknown"),
            _ => verdict_words(verdict),
        },
    }
}

/// The same of what was written.
pub fn badge(context: &Context<'_>) -> (&'static str, &'static str) {
    match context.record.kept_the_old() {
        true => ("= old model", "same"),
        false => method_words(context.chosen),
    }
}

/// Draws the first screen. `report`: where the rest of the report is; empty within the report itself.
pub fn first_screen(context: &Context<'_>, report: &str) -> Markup {
    let test = context.chosen.test.as_ref();
    let (words, class) = badge(context);
    html! {
        div class={ "verdict " (class) } {
            span class={ "badge " (class) } { (words) }
            h1 { (format::sentence(&headline(context), 400)) }
            @match context.chosen.verdict_sentence() {
                _ if context.record.kept_the_old() => p.lead { (prose(&context.record.recommendation.reason, 1200)) },
                Some(sentence) => p.lead { (prose(&format::without_verdict(sentence), 1200)) },
                None => p.lead {
                    "The repaired model was written, but nothing here shows whether it is better than the old one. "
                    "Hand in rows with trustworthy labels to find out: run the repair again with " code { "--test SHEET" } "."
                },
            }
            @if let Some(words) = test.filter(|_| !context.record.kept_the_old()).and_then(made_up_for_in_words) { p { (prose(&words, 400)) } }
            @for caution in test.iter().flat_map(|test| &test.cautions) { p { strong { "Caution: " } (prose(caution, 400)) } }
        }
        @if let Some(warning) = leakage::warning(leakage::still_used(context.record.leakage.as_deref())) { (callout(warning)) }
        @if let Some(test) = test { (cards(&figures(context, test))) }
        (what_was_repaired(context, report))
        @if context.record.kept_the_old() { (callout(html! { strong { "Keep the old model. " } "The written model is the old one, unchanged." })) } @else { (recommendation(context)) }
    }
}

fn figures(context: &Context<'_>, test: &Comparison) -> Vec<Card> {
    let main = test.difference_by_group.unwrap_or(test.difference);
    let change = format::points(test.difference.estimate, 2);
    // What counts takes the place of balanced accuracy.
    let counted = test.measured.as_ref().and_then(|measured| {
        let values = measured.values?;
        let show = |value: f64| match measured.dearest {
            Some(_) => format::number(value),
            None => format::percent(value, 2),
        };
        Some(Card {
            name: format::visible(&measured.words, 80).into_owned(),
            before: Some(show(values.before)),
            value: show(values.after),
            note: "what counts here".to_owned(),
        })
    });
    let mut cards = vec![
        Card {
            name: if context.chosen.whole.is_some() {
                "Accuracy on trusted test rows"
            } else {
                "Accuracy on test rows"
            }
            .to_owned(),
            before: Some(format::percent(test.before.accuracy.estimate, 2)),
            value: format::percent(test.after.accuracy.estimate, 2),
            note: format!("{change} (95\u{a0}% interval {})", format::points_between(main.low, main.high, 2)),
        },
        counted.unwrap_or_else(|| Card {
            name: "Balanced accuracy".to_owned(),
            before: Some(format::percent(test.before.balanced_accuracy, 2)),
            value: format::percent(test.after.balanced_accuracy, 2),
            note: "every class counts the same".to_owned(),
        }),
        Card {
            name: "Test predictions".to_owned(),
            before: None,
            value: format!(
                "{} fixed, {} broken",
                format::count(test.mcnemar.fixed),
                format::count(test.mcnemar.broken)
            ),
            note: format!("of {}", format::counted(test.rows, "row")),
        },
    ];
    // Where not all rows can be trusted, the verdict is on all of them.
    if let Some(whole) = &context.chosen.whole {
        let name = match context.record.settings.metric.is_accuracy() {
            true => "Change in accuracy on all test rows".to_owned(),
            false => format!(
                "Change on all test rows: {}",
                format::visible(&context.record.settings.metric.change_words(), 60)
            ),
        };
        cards.insert(
            0,
            Card {
                name,
                before: None,
                value: change_in_words(context.chosen),
                note: match context.chosen.by_estimate() {
                    Some(by_chance) => format!(
                        "estimate, each doubtful row weighed by its chance of being wrong; 95\u{a0}% interval {}; {} whatever their labels are",
                        format::points_between(by_chance.low, by_chance.high, 2),
                        format::points_between(whole.worst.low, whole.best.high, 2)
                    ),
                    None => format!(
                        "95\u{a0}% interval {}, whatever the doubtful labels are",
                        format::points_between(whole.worst.low, whole.best.high, 2)
                    ),
                },
            },
        );
    }
    if let Some(agreement) = context.chosen.flagged_agreement {
        cards.push(Card {
            name: "Still repeats the flagged labels".to_owned(),
            before: Some(format::percent(agreement.before, 1)),
            value: format::percent(agreement.after, 1),
            note: "of the flagged training rows".to_owned(),
        });
    }
    cards
}

fn what_was_repaired(context: &Context<'_>, report: &str) -> Markup {
    let model = &context.record.model;
    let flags = &context.record.flags;
    let rows = html! {
        (theirs(&model.name)) ", a classifier into " (format::counted(model.classes.len(), "class"))
        " trained on " (format::counted(model.training_rows, "row")) " of " (theirs(&model.data_file))
        @if let Some(period) = &model.training_period { " (" span.whole { (format::period(period)) } ")" }
    };
    let errors = html! {
        (format::counted(flags.used, "training row")) " flagged as wrong in " (theirs(&flags.file))
        " (" (format::percent(flags.share_of_training, 2)) " of all training rows)"
        @if flags.flagged > flags.used {
            "; " (format::count(flags.flagged - flags.used)) " of the "
            (format::counted(flags.flagged, "flag")) " could not be used, see "
            a href={ (report) "#flagged-rows" } { "flagged rows" }
        }
    };
    let judged = match &context.chosen.whole {
        Some(whole) => Some(format!(
            "{} of {}",
            format::count(whole.trusted),
            format::counted(whole.rows, "test row")
        )),
        None => context.chosen.test.as_ref().map(|test| format::counted(test.rows, "test row")),
    };
    let tested = match (judged, &model.test_period) {
        (Some(rows), Some(period)) => html! { (rows) " (" span.whole { (format::period(period)) } ")" },
        (Some(rows), None) => html! { (rows) },
        (None, _) => html! { "nothing: there were no test rows" },
    };
    facts(vec![
        ("Model", rows),
        ("Errors", errors),
        (
            "Method",
            html! { (theirs(&context.chosen.title)) ": " (format::visible(&context.chosen.description, 400)) },
        ),
        ("Judged on", tested),
    ])
}

fn recommendation(context: &Context<'_>) -> Markup {
    let advice = &context.record.recommendation;
    let reason = advice.reason.strip_prefix("No recommendation: ").unwrap_or(&advice.reason);
    let lead = html! { strong { (advice_words(context.record)) } " " };
    let written = context.record.written_without_recommendation();
    callout(html! {
        (lead) (prose(reason, 1200))
        @if let Some(title) = written { " The model of " (theirs(title)) " was written so that there is one; it is not recommended." }
    })
}
