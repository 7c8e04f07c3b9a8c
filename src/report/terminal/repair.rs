//! What came of a repair.

use crate::error::Result;
use crate::evaluate::made_up_for_in_words;
use crate::evaluate::record::{KEPT, RepairRecord, Timings};
use crate::report::parts::metrics::METRICS;
use crate::report::repair::methods::change_in_words;
use crate::report::repair::{advice_words, badge, headline, method_words};
use crate::report::terminal::{Look, cautions, facts, table, warnings, wrap, wrap_headline};
use crate::report::{Context, format};

/// What came of a repair, in about a screen of text that ends with a line break.
///
/// # Errors
/// Where the record contradicts itself.
pub fn repair(record: &RepairRecord, timings: &Timings, look: Look) -> Result<String> {
    let context = Context::new(record, timings)?;
    let mut text = String::new();
    let test = context.chosen.test.as_ref();
    let kept = record.kept_the_old();
    text.push_str(&wrap_headline(badge(&context), &headline(&context), look));
    if let Some(sentence) = context.chosen.verdict_sentence().filter(|_| !kept) {
        text.push_str(&wrap(&format::without_verdict(sentence), "  ", "  ", look));
    }
    if let Some(test) = test.filter(|_| !kept) {
        if let Some(words) = made_up_for_in_words(test) {
            text.push_str(&wrap(&words, "  ", "  ", look));
        }
        text.push_str(&cautions(&test.cautions, look));
    }
    text.push('\n');
    facts(&mut text, &what(&context), look);
    if let Some(test) = test.filter(|_| !kept) {
        text.push('\n');
        let mut rows: Vec<Vec<String>> = METRICS
            .iter()
            .map(|metric| {
                let (before, after) = ((metric.of)(&test.before), (metric.of)(&test.after));
                vec![
                    metric.short.to_owned(),
                    (metric.show)(before),
                    (metric.show)(after),
                    (metric.change)(after - before),
                ]
            })
            .collect();
        let (fixed, broken) = (test.mcnemar.fixed, test.mcnemar.broken);
        rows.push(vec![
            "Fixed, broken rows".to_owned(),
            String::new(),
            String::new(),
            format!("{}, {}", format::count(fixed), format::count(broken)),
        ]);
        let which = if context.chosen.whole.is_some() { "on trusted rows" } else { "" };
        text.push_str(&table(&[(which, 9), ("before", 7), ("after", 9), ("change", 9)], &rows, look));
    }
    if record.methods.len() > 1 {
        text.push('\n');
        text.push_str(&methods(&context, look));
    }
    text.push('\n');
    let advice = &record.recommendation;
    text.push_str(&wrap(format!("{} {}", advice_words(record), advice.reason).trim(), "", "  ", look));
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
    let ignored = format::total(flags.ignored.iter().map(|ignored| ignored.count));
    if ignored > 0 {
        facts.push(("ignored", format::counted(ignored, "flag")));
    }
    match (&context.chosen.whole, &context.chosen.test) {
        // Of a model that was kept nothing is judged.
        _ if context.record.kept_the_old() => {}
        (Some(whole), _) => facts.push((
            "judged on",
            format!(
                "{} of {}, the others are under suspicion",
                format::count(whole.trusted),
                format::counted(whole.rows, "test row")
            ),
        )),
        (None, Some(test)) => facts.push(("judged on", format::counted(test.rows, "test row"))),
        (None, None) => {}
    }
    facts
}

fn methods(context: &Context<'_>, look: Look) -> String {
    let unknown = || format::UNKNOWN.to_owned();
    let sorted = context.record.methods.iter().any(|method| method.whole.is_some());
    let rows: Vec<Vec<String>> = context
        .record
        .methods
        .iter()
        .filter(|method| method.name != KEPT)
        .map(|method| {
            let test = method.test.as_ref();
            let validation = method.validation.as_ref();
            let written = if method.name == context.record.chosen { " *" } else { "" };
            vec![
                format!("{}{written}", method.name),
                method_words(method).0.to_owned(),
                change_in_words(method),
                test.map_or_else(unknown, |test| match sorted {
                    true => format::points(test.counted_interval().estimate, 2),
                    false => format::percent(test.after.accuracy.estimate, 2),
                }),
                test.filter(|_| !sorted)
                    .map_or_else(unknown, |test| format::p_value(test.p_holm, context.record.settings.significance)),
                test.filter(|_| !sorted).map_or_else(unknown, |test| {
                    format!("{}, {}", format::count(test.mcnemar.fixed), format::count(test.mcnemar.broken))
                }),
                validation.map_or_else(unknown, |validation| format::points(validation.counted_interval().estimate, 2)),
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
        (if sorted { "trusted rows" } else { "test" }, 5),
        ("p", 6),
        ("fixed, broken", 2),
        ("validation", 4),
        ("time", 1),
    ];
    // Of rows under suspicion there is no one p-value, and no one count.
    let shown = |place: &usize| !sorted || !matches!(columns[*place].0, "p" | "fixed, broken");
    let kept: Vec<usize> = (0..columns.len()).filter(shown).collect();
    let columns: Vec<(&str, u8)> = kept.iter().map(|place| columns[*place]).collect();
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| kept.iter().map(|place| row[*place].clone()).collect())
        .collect();
    let mut text = table(&columns, &rows, look);
    let metric = &context.record.settings.metric;
    let counts = match metric.is_accuracy() {
        true => String::new(),
        false => format!("; verdict, change, p and validation are of {}", metric.change_words()),
    };
    let estimated = context.record.methods.iter().any(|method| method.by_estimate().is_some());
    let mut legend: Vec<&str> = Vec::new();
    if sorted {
        legend.push("verdict and change: on all test rows, whatever the labels under suspicion are");
    }
    if estimated {
        legend.push("\"about\": each such row weighed by its chance of being wrong");
    }
    if !context.record.kept_the_old() {
        legend.push("* the method whose model was written");
    }
    legend.push(if sorted {
        "verdicts are corrected for several methods"
    } else {
        "p is corrected for several methods"
    });
    let legend = legend.join("; ");
    text.push_str(&wrap(&format!("{legend}{counts}"), "", "  ", look));
    text
}
