//! Did it help: the difference with its interval, the tests, every figure before and after.

use maud::{Markup, html};

use crate::error::Result;
use crate::evaluate::record::{Comparison, Metrics};
use crate::report::elements::{Cell, Column, prose, table};
use crate::report::parts::metrics::METRICS;
use crate::report::plots::{IntervalPlot, IntervalRow, Plot};
use crate::report::repair::method_words;
use crate::report::{Body, Context, RepairSection, Section, format};

pub const SECTION: RepairSection = Section {
    id: "evidence",
    title: "Did it help? The evidence",
    draw,
};

fn draw(context: &Context<'_>) -> Result<Option<Body>> {
    let Some(test) = &context.chosen.test else {
        return Ok(Some(Body::plain(html! {
            p { "Not evaluated. Whether a repair helps can only be seen on rows whose labels can be trusted and that the model was not trained on; there were none." }
        })));
    };
    let plot = difference(context, test)?;
    let group = context.record.settings.group_column.as_deref();
    let caption = "Dot: the estimate. Bar: where the true difference lies with 95\u{a0}% confidence. If the bar crosses zero, \
                   the difference may be chance. Shaded: too small to act on.";
    let markup = html! {
        p { "Old and repaired model predicted the same test rows, so every difference below comes from the repair." }
        div.pair {
            (plot.figure(caption))
            div { (tests(context, test, group)) }
        }
        (figures(test))
        @if let Some(recorded) = &context.chosen.test_as_recorded {
            h3 { "All test rows as recorded" }
            p {
                "No verdict rests on these figures: where a recorded label is wrong, a model that rightly disagrees with it is counted as "
                "mistaken. By the labels as they stand in the sheet: " (prose(&format::without_verdict(&recorded.sentence), 900))
            }
            (metric_table(&format!("Before and after on all {} by their recorded labels", format::counted(recorded.rows, "test row")), recorded))
        }
    };
    Ok(Some(Body { markup, plots: vec![plot] }))
}

fn difference(context: &Context<'_>, test: &Comparison) -> Result<Plot> {
    let settings = &context.record.settings;
    let unit = format::visible(settings.group_column.as_deref().unwrap_or("group"), 24).into_owned();
    let mut rows = Vec::new();
    let mut add = |comparison: &Comparison, which: &str, main: bool| {
        let row = |interval: crate::evaluate::record::Interval, how: &str, main: bool| IntervalRow {
            label: format!("{which}{how}"),
            estimate: interval.estimate,
            low: interval.low,
            high: interval.high,
            main,
        };
        if let Some(measured) = &comparison.measured {
            let how = format!(", {}", format::visible(&settings.metric.change_words(), 40));
            rows.push(row(measured.gain, &how, main));
            rows.push(row(comparison.main_interval(), ", accuracy", false));
            return;
        }
        match comparison.difference_by_group {
            Some(by_group) => {
                rows.push(row(by_group, &format!(", by {unit}"), main));
                rows.push(row(comparison.difference, ", row by row", false));
            }
            None => rows.push(row(comparison.difference, "", main)),
        }
    };
    let which = if context.chosen.whole.is_some() {
        "Trusted test rows"
    } else {
        "All test rows"
    };
    add(test, which, true);
    if let Some(whole) = &context.chosen.whole {
        for (label, interval) in [
            ("All rows, doubtful ones against it", Some(whole.worst)),
            (
                "All rows, doubtful ones by their chance",
                whole.by_chance.filter(|_| whole.open > 0),
            ),
            ("All rows, doubtful ones for it", Some(whole.best)),
        ] {
            let Some(interval) = interval else { continue };
            rows.push(IntervalRow {
                label: label.to_owned(),
                estimate: interval.estimate,
                low: interval.low,
                high: interval.high,
                main: false,
            });
        }
    }
    let (title, axis) = match settings.metric.is_accuracy() {
        true => (
            "Accuracy after the repair minus accuracy before",
            "change in accuracy, percentage points",
        ),
        false => ("After the repair minus before", "change, percentage points"),
    };
    IntervalPlot {
        name: "difference",
        title,
        axis,
        minimum_effect: Some(settings.minimum_effect),
        sides: ("worse", "better"),
        rows,
    }
    .draw()
}

fn tests(context: &Context<'_>, test: &Comparison, group: Option<&str>) -> Markup {
    let settings = &context.record.settings;
    let level = settings.significance;
    let (verdict, class) = method_words(context.chosen);
    let mut rows = vec![
        row("Fixed (wrong before, right after)", format::counted(test.mcnemar.fixed, "row")),
        row("Broken (right before, wrong after)", format::counted(test.mcnemar.broken, "row")),
        row("McNemar test, exact", format::p_equals(test.mcnemar.p, level)),
    ];
    if let Some(p) = test.group_p {
        let unit = format::visible(group.unwrap_or("group"), 40);
        rows.push(row(&format!("The same with whole {unit} groups"), format::p_equals(p, level)));
    }
    if let Some(measured) = &test.measured {
        let name = format!("No change of {}, exact", measured.words);
        rows.push(row(&name, format::p_equals(measured.p, level)));
    }
    let methods = context.record.methods.len();
    let corrected = if methods > 1 {
        format!("Used for the verdict, corrected for {methods} methods")
    } else {
        "Used for the verdict".to_owned()
    };
    rows.push(row(&corrected, format::p_equals(test.p_holm, level)));
    html! {
        (table("Tests on the test rows", &[Column::text(""), Column::figures("result")], rows))
        p {
            span class={ "badge " (class) } { (verdict) } " "
            "A change is reported if p is below " (format::number(settings.significance)) " and the difference is at least "
            (format::size_in_points(settings.minimum_effect)) "."
            @if let (Some(groups), Some(unit)) = (test.groups, group) {
                " Rows of one " (format::visible(unit, 40)) " are not independent, so the "
                (format::count(groups)) " groups are what is tested."
            }
        }
    }
}

fn row(name: &str, value: String) -> Vec<Cell> {
    vec![Cell::Words(name.to_owned()), Cell::Figure(value)]
}

fn figures(test: &Comparison) -> Markup {
    let caption = format!("Before and after on {}", format::counted(test.rows, "test row"));
    let interval = |metrics: &Metrics| format::percent_between(metrics.accuracy.low, metrics.accuracy.high, 2);
    html! {
        (metric_table(&caption, test))
        p.aside.small {
            "Accuracy with its own 95\u{a0}% interval: before " (interval(&test.before)) ", after " (interval(&test.after))
            ". These two may overlap although the difference is certain, because both models saw the same rows."
        }
    }
}

/// Every figure before and after.
fn metric_table(caption: &str, test: &Comparison) -> Markup {
    let columns = [
        Column::text("figure"),
        Column::figures("before"),
        Column::figures("after"),
        Column::figures("change"),
    ];
    let rows = METRICS.iter().map(|metric| {
        let (before, after) = ((metric.of)(&test.before), (metric.of)(&test.after));
        vec![
            Cell::Words(metric.name.to_owned()),
            Cell::Figure((metric.show)(before)),
            Cell::Figure((metric.show)(after)),
            Cell::Figure((metric.change)(after - before)),
        ]
    });
    table(caption, &columns, rows.collect())
}
