//! The model against other models on the same test rows: the simplest, and boosted trees.

use maud::html;

use crate::error::Result;
use crate::evaluate::record::Metrics;
use crate::report::elements::{Cell, Column, prose, table};
use crate::report::parts::metrics::METRICS;
use crate::report::plots::{IntervalPlot, IntervalRow};
use crate::report::repair::verdict_words;
use crate::report::training::{TrainContext, TrainSection};
use crate::report::{Body, Section, format};

pub const SECTION: TrainSection = Section {
    id: "usefulness",
    title: "Is it of any use?",
    draw,
};

fn draw(context: &TrainContext<'_>) -> Result<Option<Body>> {
    let record = context.record;
    let Some(test) = record.test.as_ref().filter(|_| !record.baselines.is_empty()) else {
        return Ok(Some(Body::plain(html! {
            p { "Not evaluated. Whether a model is of use can only be seen on rows that it was not trained on; there were none." }
        })));
    };
    let plot = IntervalPlot {
        name: "baselines",
        title: "Accuracy of the model minus accuracy of other models",
        axis: "model minus other model, percentage points",
        minimum_effect: Some(record.settings.minimum_effect),
        sides: ("other model better", "model better"),
        rows: record
            .baselines
            .iter()
            .map(|baseline| {
                let interval = baseline.comparison.difference_by_group.unwrap_or(baseline.comparison.difference);
                IntervalRow {
                    label: format!("against {}", baseline.title),
                    estimate: interval.estimate,
                    low: interval.low,
                    high: interval.high,
                    main: true,
                }
            })
            .collect(),
    }
    .draw()?;
    let columns = [
        Column::text("against"),
        Column::text("the model is"),
        Column::figures("difference"),
        Column::figures("p, corrected"),
    ];
    let level = record.settings.significance;
    let tests = record.baselines.iter().map(|baseline| {
        vec![
            Cell::Theirs(baseline.title.clone()),
            Cell::Words(verdict_words(Some(baseline.comparison.verdict)).0.to_owned()),
            Cell::Figure(format::points(baseline.comparison.difference.estimate, 2)),
            Cell::Figure(format::p_value(baseline.comparison.p_holm, level)),
        ]
    });
    let mut figures = vec![Column::text("figure"), Column::figures("this model")];
    figures.extend(record.baselines.iter().map(|baseline| Column::figures_of(&baseline.title)));
    let others: Vec<&Metrics> = record.baselines.iter().map(|baseline| &baseline.comparison.before).collect();
    let rows = METRICS.iter().map(|metric| {
        let mut cells = vec![Cell::Words(metric.name.to_owned())];
        cells.extend(
            std::iter::once(&test)
                .chain(&others)
                .map(|metrics| Cell::Figure((metric.show)((metric.of)(metrics)))),
        );
        cells
    });
    let caption = format!("On the same {}", format::counted(record.split.test_rows, "test row"));
    let markup = html! {
        p { "A model earns its keep if it beats what anybody could do without it: always giving the commonest answer, or a simple statistical model." }
        @if record.baselines.iter().any(|baseline| baseline.name == "boosted-trees") {
            p { "Boosted trees are no simple model; they are what many would take instead of a network. Recant repairs networks, not trees." }
        }
        div.pair {
            (plot.figure("Dot: the estimate. Bar: where the true difference lies with 95\u{a0}% confidence. Shaded: too small to matter."))
            div { (table("The model against other models on the test rows", &columns, tests.collect())) }
        }
        (table(&caption, &figures, rows.collect()))
        @for baseline in &record.baselines {
            @for caution in &baseline.comparison.cautions { p { strong { "Caution: " } (prose(caution, 400)) } }
        }
    };
    Ok(Some(Body { markup, plots: vec![plot] }))
}
