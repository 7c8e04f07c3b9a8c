//! The methods that ran, side by side, and the recommendation.

use maud::{Markup, html};

use crate::error::Result;
use crate::evaluate::Metric;
use crate::evaluate::record::{Comparison, EvaluationSettings, MethodRecord};
use crate::report::elements::{Cell, Column, prose, table, theirs};
use crate::report::plots::{IntervalPlot, IntervalRow, Plot};
use crate::report::repair::{advice_words, method_words};
use crate::report::{Body, Context, RepairSection, Section, format};

pub const SECTION: RepairSection = Section {
    id: "methods",
    title: "Methods compared",
    draw,
};

fn draw(context: &Context<'_>) -> Result<Option<Body>> {
    let methods = &context.record.methods;
    if methods.len() < 2 {
        return Ok(None);
    }
    let plot = plot(context)?;
    let advice = &context.record.recommendation;
    let markup = html! {
        p {
            "A method is chosen on validation rows that can be trusted (the end of the training period, kept out of training), never on the "
            "test rows: picking the winner on the test rows would flatter it. Half of them choose, the other half must bear the choice out."
        }
        @if let Some(plot) = &plot { (plot.figure("Filled: the method whose model was written. The p-values are corrected for having tried several methods.")) }
        (method_table(context))
        @if context.record.methods.iter().any(|method| method.whole.is_some()) {
            p {
                "Verdict and change are on all test rows and hold whatever the labels under suspicion are; where they are told by estimate or as "
                "probable, each such row is weighed by its chance of being wrong. The other figures are of the rows that can be trusted."
            }
        }
        dl.facts { @for method in methods { dt { (theirs(&method.title)) } dd { (format::visible(&method.description, 400)) } } }
        p { strong { (advice_words(context.record)) } " " (prose(&advice.reason, 1200)) }
    };
    Ok(Some(Body {
        markup,
        plots: plot.into_iter().collect(),
    }))
}

fn plot(context: &Context<'_>) -> Result<Option<Plot>> {
    let rows: Vec<IntervalRow> = context
        .record
        .methods
        .iter()
        .filter_map(|method| {
            let interval = method.change()?;
            Some(IntervalRow {
                label: method.title.clone(),
                estimate: interval.estimate,
                low: interval.low,
                high: interval.high,
                main: method.name == context.record.chosen,
            })
        })
        .collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let measure = on_test(&context.record.settings);
    let plot = IntervalPlot {
        name: "methods",
        title: &format!("Change in {measure} by method"),
        axis: &format!("change in {measure}, percentage points"),
        minimum_effect: Some(context.record.settings.minimum_effect),
        sides: ("worse", "better"),
        rows,
    };
    plot.draw().map(Some)
}

/// `test accuracy`, `balanced accuracy`.
fn on_test(settings: &EvaluationSettings) -> String {
    match &settings.metric {
        Metric::Accuracy => "test accuracy".to_owned(),
        other => format::visible(&other.change_words(), 60).into_owned(),
    }
}

fn method_table(context: &Context<'_>) -> Markup {
    let validated = context.record.methods.iter().any(|method| method.validation.is_some());
    let timed = context
        .record
        .methods
        .iter()
        .any(|method| context.timings.methods.contains_key(&method.name));
    let change = match context.record.settings.metric.is_accuracy() {
        true => "change".to_owned(),
        false => format!("change in {}", context.record.settings.metric.change_words()),
    };
    let mut columns = vec![
        Column::text("method"),
        Column::text("verdict"),
        Column::figures("test accuracy"),
        Column::figures_of(&change),
    ];
    columns.extend([Column::figures("fixed / broken"), Column::figures("p, corrected")]);
    if validated {
        columns.push(Column::figures("validation change"));
    }
    columns.push(Column::figures("repeats flagged labels"));
    if timed {
        columns.push(Column::figures("time"));
    }
    let mut rows = Vec::new();
    if let Some(test) = context.record.methods.iter().find_map(|method| method.test.as_ref()) {
        let mut cells = vec![Cell::Words("none (the old model)".to_owned()), Cell::Words(String::new())];
        cells.push(Cell::Figure(format::percent(test.before.accuracy.estimate, 2)));
        cells.resize_with(columns.len(), || Cell::Figure(String::new()));
        rows.push(cells);
    }
    for method in &context.record.methods {
        rows.push(method_row(context, method, validated, timed));
    }
    table("What each method did on the test rows", &columns, rows)
}

fn method_row(context: &Context<'_>, method: &MethodRecord, validated: bool, timed: bool) -> Vec<Cell> {
    let of = |show: &dyn Fn(&Comparison) -> String| Cell::Figure(method.test.as_ref().map_or_else(|| format::UNKNOWN.to_owned(), show));
    let written = method.name == context.record.chosen;
    let (verdict, _) = method_words(method);
    let mut cells = vec![
        Cell::Markup(html! { (theirs(&method.title)) @if written { " (written)" } }),
        Cell::Words(verdict.to_owned()),
        of(&|test| format::percent(test.after.accuracy.estimate, 2)),
        Cell::Figure(change_in_words(method)),
        of(&|test| format!("{} / {}", format::count(test.mcnemar.fixed), format::count(test.mcnemar.broken))),
        of(&|test| format::p_value(test.p_holm, context.record.settings.significance)),
    ];
    if validated {
        let change = method
            .validation
            .as_ref()
            .map(|validation| format::points(validation.counted_interval().estimate, 2));
        cells.push(Cell::Figure(change.unwrap_or_else(|| format::UNKNOWN.to_owned())));
    }
    let agreement = method
        .flagged_agreement
        .map(|agreement| format!("{} → {}", format::percent(agreement.before, 1), format::percent(agreement.after, 1)));
    cells.push(Cell::Figure(agreement.unwrap_or_else(|| format::UNKNOWN.to_owned())));
    if timed {
        let seconds = context.timings.methods.get(&method.name).map(|seconds| format::seconds(*seconds));
        cells.push(Cell::Figure(seconds.unwrap_or_else(|| format::UNKNOWN.to_owned())));
    }
    cells
}

/// The change that the verdict is on, in words: the estimate where it rests on one, between two bounds where labels are under suspicion.
pub fn change_in_words(method: &MethodRecord) -> String {
    if let Some(by_chance) = method.by_estimate() {
        return format!("about {}", format::points(by_chance.estimate, 1));
    }
    match (&method.whole, method.change()) {
        (Some(whole), _) if whole.open > 0 => format::points_between(whole.worst.estimate, whole.best.estimate, 2),
        (_, Some(change)) => format::points(change.estimate, 2),
        _ => format::UNKNOWN.to_owned(),
    }
}
