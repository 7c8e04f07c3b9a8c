//! The sheets of a repair's workbook: every row, where the page shows the first few. One function and one line in [`SHEETS`] per sheet.

use crate::error::Result;
use crate::evaluate::record::{ChangedRow, Comparison, FlaggedRow, Interval, RepairRecord, Timings};
use crate::report::parts::metrics::METRICS;
use crate::report::repair::{advice_words, headline, method_words};
use crate::report::workbook::grid::{Grid, Sheet, Value, book};
use crate::report::{Context, format};

/// A sheet of a repair's workbook.
pub type RepairSheet = Sheet<fn(&Context<'_>, &mut Grid<'_>) -> Result<()>>;

/// The sheet that is there only where a repair looked beyond the flags.
const PROPOSED: &str = "Proposed rows";

/// All sheets, in order.
pub const SHEETS: &[RepairSheet] = &[
    Sheet {
        name: "Summary",
        fill: summary,
    },
    Sheet {
        name: "Methods",
        fill: methods,
    },
    Sheet {
        name: "Per class",
        fill: per_class,
    },
    Sheet {
        name: "Confusion",
        fill: confusion,
    },
    Sheet {
        name: "Flagged rows",
        fill: flagged_rows,
    },
    Sheet {
        name: PROPOSED,
        fill: proposed_rows,
    },
    Sheet {
        name: "Fixed",
        fill: fixed,
    },
    Sheet {
        name: "Broken",
        fill: broken,
    },
    Sheet {
        name: "Leakage audit",
        fill: leakage,
    },
    Sheet {
        name: "Notes",
        fill: notes,
    },
    Sheet {
        name: "Settings",
        fill: settings,
    },
];

/// Whether these are the worksheets of such a workbook; the first of them tell.
pub fn is_report(worksheets: &[String]) -> bool {
    let first = SHEETS.iter().take(4).map(|sheet| sheet.name);
    worksheets.len() > 4 && first.eq(worksheets.iter().take(4).map(String::as_str))
}

/// The workbook of a repair, as the bytes of an .xlsx file. Equal records give equal bytes.
///
/// # Errors
/// Where the record contradicts itself.
pub fn workbook(record: &RepairRecord, timings: &Timings) -> Result<Vec<u8>> {
    let context = Context::new(record, timings)?;
    let title = format!("Repair report of Recant {}", record.recant_version);
    let proposed = record.expansion.is_some();
    let sheets: Vec<RepairSheet> = SHEETS.iter().filter(|sheet| proposed || sheet.name != PROPOSED).copied().collect();
    book(&title, &sheets, |fill, grid| fill(&context, grid))
}

fn summary(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    let record = context.record;
    grid.header(&["what", "before", "after", "change", "from", "to"])?;
    grid.words("Result", &headline(context))?;
    match context.chosen.verdict_sentence() {
        Some(sentence) => grid.words("In a sentence", sentence)?,
        None => grid.words(
            "In a sentence",
            "Nothing shows whether the repaired model is better: there were no test rows.",
        )?,
    }
    for caution in context.chosen.test.iter().flat_map(|test| &test.cautions) {
        grid.words("Caution", caution)?;
    }
    grid.words(
        "Recommendation",
        &format!("{} {}", advice_words(record), record.recommendation.reason),
    )?;
    if let Some(title) = record.written_without_recommendation() {
        grid.words(
            "Written",
            &format!("the model of {title}, so that there is one; it is not recommended"),
        )?;
    }
    grid.words("Method", &context.chosen.title)?;
    grid.words("Model", &record.model.name)?;
    grid.words("Training sheet", &record.model.data_file)?;
    grid.words("Flag file", &record.flags.file)?;
    grid.row(&[Value::Text("Training rows"), Value::Count(record.model.training_rows)])?;
    grid.row(&[Value::Text("Flagged training rows"), Value::Count(record.flags.used)])?;
    grid.row(&[
        Value::Text("Share of training rows flagged"),
        Value::Share(record.flags.share_of_training),
    ])?;
    if let Some(test) = &context.chosen.test {
        summary_of(grid, "Test rows", test)?;
    }
    if let Some(test) = &context.chosen.test_as_recorded {
        summary_of(grid, "All test rows as recorded (no verdict rests on these)", test)?;
    }
    if let Some(agreement) = context.chosen.flagged_agreement {
        grid.row(&[
            Value::Text("Flagged labels that the model repeats"),
            Value::Share(agreement.before),
            Value::Share(agreement.after),
            Value::Change(agreement.after - agreement.before),
        ])?;
    }
    if let Some(affected) = &record.affected {
        grid.row(&[Value::Text("Where the error struck: test rows"), Value::Count(affected.rows)])?;
        for (name, after) in &affected.after {
            let what = format!("Where the error struck: accuracy, {name}");
            let change = Value::Change(after - affected.before);
            grid.row(&[Value::Text(&what), Value::Share(affected.before), Value::Share(*after), change])?;
        }
    }
    Ok(())
}

fn summary_of(grid: &mut Grid<'_>, which: &str, test: &Comparison) -> Result<()> {
    grid.row(&[Value::Text(which), Value::Count(test.rows)])?;
    for (place, metric) in METRICS.iter().enumerate() {
        let what = format!("{which}: {}", metric.name);
        let (before, after) = ((metric.of)(&test.before), (metric.of)(&test.after));
        // Percent or plain, as the metric itself prints.
        let percent = (metric.show)(0.5).ends_with('%');
        let value = |value| if percent { Value::Share(value) } else { Value::Figure(value) };
        let change = if percent {
            Value::Change(after - before)
        } else {
            Value::Figure(after - before)
        };
        let interval = (place == 0).then(|| test.difference_by_group.unwrap_or(test.difference));
        let limit = |of: fn(Interval) -> f64| Value::or_empty(interval.map(|interval| Value::Change(of(interval))));
        grid.row(&[
            Value::Text(&what),
            value(before),
            value(after),
            change,
            limit(|interval| interval.low),
            limit(|interval| interval.high),
        ])?;
    }
    for (what, rows) in [("fixed", test.mcnemar.fixed), ("broken", test.mcnemar.broken)] {
        grid.row(&[Value::Text(&format!("{which}: {what}")), Value::Count(rows)])?;
    }
    grid.row(&[Value::Text(&format!("{which}: McNemar p")), Value::P(test.mcnemar.p)])?;
    if let Some(p) = test.group_p {
        grid.row(&[Value::Text(&format!("{which}: p by group")), Value::P(p)])?;
    }
    grid.row(&[Value::Text(&format!("{which}: p used, Holm-corrected")), Value::P(test.p_holm)])
}

fn methods(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&[
        "method",
        "title",
        "written",
        "verdict",
        "rows",
        "accuracy before",
        "accuracy after",
        "change",
        "from",
        "to",
        "fixed",
        "broken",
        "McNemar p",
        "p by group",
        "p, Holm-corrected",
        "doubtful and flagged test rows",
        "change on all test rows as recorded",
        "validation rows",
        "validation change",
        "flagged labels repeated before",
        "flagged labels repeated after",
        "parameters dampened",
        "alpha",
        "lambda",
        "seconds",
    ])?;
    for method in &context.record.methods {
        let test = method.test.as_ref();
        let of = |value: &dyn Fn(&Comparison) -> Value<'static>| test.map_or(Value::Empty, value);
        let interval = |test: &Comparison| test.difference_by_group.unwrap_or(test.difference);
        let recorded = method.test_as_recorded.as_ref();
        let validation = method.validation.as_ref();
        let agreement = method.flagged_agreement;
        let dampening = method.dampening.as_ref();
        grid.row(&[
            Value::Text(&method.name),
            Value::Text(&method.title),
            Value::Text(if method.name == context.record.chosen { "yes" } else { "no" }),
            Value::Text(method_words(method).0),
            of(&|test| Value::Count(test.rows)),
            of(&|test| Value::Share(test.before.accuracy.estimate)),
            of(&|test| Value::Share(test.after.accuracy.estimate)),
            of(&|test| Value::Change(test.difference.estimate)),
            of(&|test| Value::Change(interval(test).low)),
            of(&|test| Value::Change(interval(test).high)),
            of(&|test| Value::Count(test.mcnemar.fixed)),
            of(&|test| Value::Count(test.mcnemar.broken)),
            of(&|test| Value::P(test.mcnemar.p)),
            of(&|test| test.group_p.map_or(Value::Empty, Value::P)),
            of(&|test| Value::P(test.p_holm)),
            Value::or_empty(method.whole.as_ref().map(|whole| Value::Count(whole.rows - whole.trusted))),
            Value::or_empty(recorded.map(|test| Value::Change(test.difference.estimate))),
            Value::or_empty(validation.map(|validation| Value::Count(validation.rows))),
            Value::or_empty(validation.map(|validation| Value::Change(validation.difference.estimate))),
            Value::or_empty(agreement.map(|agreement| Value::Share(agreement.before))),
            Value::or_empty(agreement.map(|agreement| Value::Share(agreement.after))),
            Value::or_empty(dampening.map(|dampening| Value::Count(dampening.dampened))),
            Value::or_empty(dampening.map(|dampening| Value::Number(dampening.alpha))),
            Value::or_empty(dampening.map(|dampening| Value::Number(dampening.lambda))),
            Value::or_empty(context.timings.methods.get(&method.name).map(|seconds| Value::Number(*seconds))),
        ])?;
    }
    Ok(())
}

fn per_class(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&[
        "method",
        "class",
        "test rows",
        "recall before",
        "recall after",
        "precision before",
        "precision after",
        "F1 before",
        "F1 after",
        "flagged training rows",
        "share of training rows",
    ])?;
    let record = context.record;
    let share = |value: Option<f64>| value.map_or(Value::Empty, Value::Share);
    for method in &record.methods {
        let Some(test) = &method.test else { continue };
        for (place, (before, after)) in test.before.classes.iter().zip(&test.after.classes).enumerate() {
            grid.row(&[
                Value::Text(&method.name),
                Value::Text(&before.name),
                Value::Count(before.rows),
                share(before.recall),
                share(after.recall),
                share(before.precision),
                share(after.precision),
                share(before.f1),
                share(after.f1),
                Value::or_empty(record.flags.per_class.get(place).map(|flagged| Value::Count(*flagged))),
                share(record.model.class_shares.get(place).copied()),
            ])?;
        }
    }
    Ok(())
}

fn confusion(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&[
        "model",
        "label in the sheet",
        "prediction",
        "test rows",
        "share of the label's rows",
    ])?;
    let old = context
        .record
        .methods
        .iter()
        .find_map(|method| method.test.as_ref())
        .map(|test| ("before", &test.before));
    let new = context
        .record
        .methods
        .iter()
        .filter_map(|method| Some((method.name.as_str(), &method.test.as_ref()?.after)));
    for (name, metrics) in old.into_iter().chain(new) {
        let class = |place: usize| Value::Text(metrics.classes.get(place).map_or("", |class| &class.name));
        for (observed, counts) in metrics.confusion.iter().enumerate() {
            let total = format::total(counts.iter().copied());
            for (predicted, count) in counts.iter().enumerate() {
                let share = if total > 0 {
                    Value::Share(*count as f64 / total as f64)
                } else {
                    Value::Empty
                };
                grid.row(&[Value::Text(name), class(observed), class(predicted), Value::Count(*count), share])?;
            }
        }
    }
    Ok(())
}

fn flagged_rows(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    list_rows(grid, "correct label", &context.record.flagged_rows)
}

fn proposed_rows(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    let rows = context.record.expansion.as_ref().map_or(&[][..], |expansion| &expansion.rows);
    list_rows(grid, "likeliest label", rows)
}

fn list_rows(grid: &mut Grid<'_>, corrected: &str, rows: &[FlaggedRow]) -> Result<()> {
    grid.header(&[
        "key",
        "row in the sheet",
        "label in the sheet",
        corrected,
        "prediction before",
        "probability before",
        "prediction after",
        "probability after",
    ])?;
    for row in rows {
        grid.row(&[
            Value::Text(&row.key),
            row.row.map_or(Value::Empty, Value::Row),
            Value::Text(&row.observed),
            row.correction.as_deref().map_or(Value::Empty, Value::Text),
            Value::Text(&row.before),
            Value::Share(row.before_probability),
            Value::Text(&row.after),
            Value::Share(row.after_probability),
        ])?;
    }
    Ok(())
}

fn fixed(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    changed(grid, context.record.changed_rows.iter().filter(|row| row.fixed))
}

fn broken(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    changed(grid, context.record.changed_rows.iter().filter(|row| !row.fixed))
}

fn changed<'r>(grid: &mut Grid<'_>, rows: impl Iterator<Item = &'r ChangedRow>) -> Result<()> {
    grid.header(&[
        "key",
        "row in the sheet",
        "label in the sheet",
        "prediction before",
        "prediction after",
        "flagged itself",
    ])?;
    for row in rows {
        grid.row(&[
            Value::Text(&row.key),
            row.row.map_or(Value::Empty, Value::Row),
            Value::Text(&row.observed),
            Value::Text(&row.before),
            Value::Text(&row.after),
            Value::Text(if row.flagged { "yes" } else { "no" }),
        ])?;
    }
    Ok(())
}

fn leakage(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&[
        "column",
        "kind",
        "used by the model",
        "accuracy alone",
        "majority share",
        "evidence",
    ])?;
    let Some(findings) = &context.record.leakage else {
        return grid.row(&[Value::Text("No leakage audit was made.")]);
    };
    for finding in findings {
        grid.row(&[
            Value::Text(&finding.column),
            Value::Text(&finding.kind),
            Value::Text(if finding.dropped { "no" } else { "yes" }),
            Value::or_empty(finding.accuracy.map(|accuracy| Value::Share(accuracy.after))),
            Value::or_empty(finding.accuracy.map(|accuracy| Value::Share(accuracy.before))),
            Value::Text(&finding.evidence),
        ])?;
    }
    Ok(())
}

fn notes(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&["note", "what was found", "what was done"])?;
    for note in context.record.notes.iter() {
        grid.row(&[Value::Text(&note.code), Value::Text(&note.found), Value::Text(&note.done)])?;
    }
    for ignored in &context.record.flags.ignored {
        let found = format!("flags: {} (for instance {})", ignored.reason, ignored.examples.join(", "));
        let done = format!("{} ignored", ignored.count);
        grid.row(&[Value::Text("ignored-flags"), Value::Text(&found), Value::Text(&done)])?;
    }
    Ok(())
}

fn settings(context: &Context<'_>, grid: &mut Grid<'_>) -> Result<()> {
    grid.header(&["setting", "value"])?;
    let record = context.record;
    let model = &record.model;
    let mut line = |what: &str, value: Value<'_>| grid.row(&[Value::Text(what), value]);
    line("command", Value::Text(&record.command))?;
    line("Recant version", Value::Text(&record.recant_version))?;
    line("record layout", Value::Count(record.record_version as usize))?;
    line("model", Value::Text(&model.name))?;
    line("network", Value::Text(&model.network))?;
    line("parameters", Value::Count(model.parameters))?;
    line("input columns", Value::Count(model.inputs))?;
    line("profile", Value::Text(&model.profile))?;
    line("training sheet", Value::Text(&model.data_file))?;
    line("SHA-256 of the training sheet", Value::Text(&model.data_sha256))?;
    line("training rows", Value::Count(model.training_rows))?;
    for (what, period) in [("training period", &model.training_period), ("test period", &model.test_period)] {
        if let Some((from, to)) = period {
            line(&format!("{what}, from"), Value::Text(from))?;
            line(&format!("{what}, to"), Value::Text(to))?;
        }
    }
    // A seed may have more digits than a number of Excel keeps.
    line("training seed", Value::Text(&model.seed.to_string()))?;
    line("evaluation seed", Value::Text(&record.settings.seed.to_string()))?;
    line("bootstrap resamples", Value::Count(record.settings.resamples))?;
    line("significance level", Value::Number(record.settings.significance))?;
    line("minimum effect", Value::Share(record.settings.minimum_effect))?;
    line(
        "group column",
        Value::or_empty(record.settings.group_column.as_deref().map(Value::Text)),
    )?;
    line("flag file", Value::Text(&record.flags.file))?;
    line("flags addressed by", Value::Text(&record.flags.addressed_by))?;
    if let Some(dampening) = &context.chosen.dampening {
        line("importance", Value::Text(&dampening.importance))?;
        line("reference set", Value::Text(&dampening.reference))?;
        line("percentile", dampening.percentile.map_or(Value::Empty, Value::Number))?;
        line("alpha", Value::Number(dampening.alpha))?;
        line("lambda", Value::Number(dampening.lambda))?;
    }
    for (stage, seconds) in &context.timings.stages {
        line(&format!("seconds: {stage}"), Value::Number(*seconds))?;
    }
    Ok(())
}
