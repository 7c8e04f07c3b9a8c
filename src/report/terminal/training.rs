//! What came of a training.

use crate::evaluate::train_record::TrainRecord;
use crate::evaluate::words;
use crate::report::format;
use crate::report::parts::{leakage, metrics::METRICS};
use crate::report::terminal::{Look, cautions, facts, table, warnings, wrap, wrap_headline};
use crate::report::training::{headline, usefulness_words};

/// What came of a training, in about a screen of text that ends with a line break.
pub fn training(record: &TrainRecord, look: Look) -> String {
    let judged = &record.usefulness;
    let mut text = wrap_headline(usefulness_words(judged.usefulness), &headline(record), look);
    text.push_str(&wrap(&format::without_verdict(&judged.sentence), "  ", "  ", look));
    // What limits one comparison mostly limits all.
    let mut limits: Vec<String> = Vec::new();
    for caution in record.baselines.iter().flat_map(|baseline| &baseline.comparison.cautions) {
        if !limits.contains(caution) {
            limits.push(caution.clone());
        }
    }
    text.push_str(&cautions(&limits, look));
    text.push('\n');
    facts(&mut text, &what(record), look);
    if let Some(test) = &record.test {
        text.push('\n');
        let mut columns = vec![("on test rows", 9), ("this model", 9)];
        columns.extend(
            record
                .baselines
                .iter()
                .map(|baseline| (baseline.name.split('-').next().unwrap_or_default(), 5)),
        );
        let rows: Vec<Vec<String>> = METRICS
            .iter()
            .map(|metric| {
                let all = std::iter::once(test).chain(record.baselines.iter().map(|baseline| &baseline.comparison.before));
                let figures = all.map(|metrics| (metric.show)((metric.of)(metrics)));
                std::iter::once(metric.short.to_owned()).chain(figures).collect()
            })
            .collect();
        text.push_str(&table(&columns, &rows, look));
    }
    if let Some((what, so)) = leakage::words(leakage::still_used(record.leakage.as_deref())) {
        text.push('\n');
        text.push_str(&wrap(&format!("{what} {so}"), "! ", "  ", look));
    }
    text.push_str(&warnings(&record.notes, look));
    text
}

fn what(record: &TrainRecord) -> Vec<(&'static str, String)> {
    let model = &record.model;
    let split = &record.split;
    let rows = |rows: usize, period: &Option<(String, String)>| {
        let period = period
            .as_ref()
            .map_or_else(String::new, |period| format!(" ({})", format::period(period)));
        format!("{}{period}", format::counted(rows, "row"))
    };
    let mut facts = vec![
        (
            "model",
            format!(
                "{}, network {}, {}",
                model.name,
                words::network_size(&model.network),
                format::counted(model.inputs, "input")
            ),
        ),
        (
            "trained on",
            format!("{} of {}", rows(split.training_rows, &split.training_period), model.data_file),
        ),
    ];
    if split.validation_rows > 0 {
        facts.push(("validated on", rows(split.validation_rows, &split.validation_period)));
    }
    if split.test_rows > 0 {
        facts.push(("judged on", rows(split.test_rows, &split.test_period)));
    }
    facts
}
