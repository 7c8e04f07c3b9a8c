//! Class by class, and who is taken for whom.

use maud::{Markup, html};

use crate::error::Result;
use crate::evaluate::record::ClassMetrics;
use crate::report::elements::{Cell, Column, table};
use crate::report::parts::classes::{MOST_CLASSES, confusion};
use crate::report::plots::{DumbbellPlot, DumbbellRow};
use crate::report::{Body, Context, RepairSection, Section, format};

pub const SECTION: RepairSection = Section {
    id: "classes",
    title: "Class by class",
    draw,
};

fn draw(context: &Context<'_>) -> Result<Option<Body>> {
    let Some(test) = &context.chosen.test else { return Ok(None) };
    let pairs: Vec<(&ClassMetrics, &ClassMetrics)> = test.before.classes.iter().zip(&test.after.classes).collect();
    if pairs.is_empty() {
        return Ok(None);
    }
    let mut shown: Vec<usize> = (0..pairs.len()).collect();
    // Stable, so that classes with equal change keep their order.
    shown.sort_by(|a, b| moved(pairs[*b]).total_cmp(&moved(pairs[*a])));
    shown.truncate(MOST_CLASSES);
    shown.sort_unstable();
    let plot = DumbbellPlot {
        name: "classes",
        title: "Share of each class that the model finds, before and after",
        axis: "recall: share of the class that is found",
        rows: shown
            .iter()
            .map(|place| DumbbellRow {
                label: pairs[*place].0.name.clone(),
                before: pairs[*place].0.recall,
                after: pairs[*place].1.recall,
            })
            .collect(),
    }
    .draw()?;
    let caption = if pairs.len() > MOST_CLASSES {
        format!(
            "The {MOST_CLASSES} of {} classes whose recall moved most; the table has all.",
            pairs.len()
        )
    } else {
        String::new()
    };
    let markup = html! {
        div.pair {
            (plot.figure(&caption))
            div {
                @if test.before.classes.len() <= MOST_CLASSES {
                    (confusion("Before: the label in the sheet, and what the old model says", &test.before))
                    (confusion("After: the label in the sheet, and what the repaired model says", &test.after))
                } @else {
                    p.aside { "With " (pairs.len()) " classes the confusion tables are in report.xlsx, sheet “Confusion”." }
                }
            }
        }
        (class_table(&pairs))
    };
    Ok(Some(Body { markup, plots: vec![plot] }))
}

fn moved((before, after): (&ClassMetrics, &ClassMetrics)) -> f64 {
    before
        .recall
        .zip(after.recall)
        .map_or(0.0, |(before, after)| (after - before).abs())
}

fn class_table(pairs: &[(&ClassMetrics, &ClassMetrics)]) -> Markup {
    let columns = [
        Column::text("class"),
        Column::figures("rows"),
        Column::figures("recall"),
        Column::figures("precision"),
        Column::figures("F1"),
    ];
    let change = |before: Option<f64>, after: Option<f64>| {
        let show = |value| format::percent_or_unknown(value, 1);
        Cell::Figure(format!("{} → {}", show(before), show(after)))
    };
    let rows = pairs.iter().map(|(before, after)| {
        vec![
            Cell::Theirs(before.name.clone()),
            Cell::Figure(format::count(before.rows)),
            change(before.recall, after.recall),
            change(before.precision, after.precision),
            change(before.f1, after.f1),
        ]
    });
    table("Per class on the test rows, before → after", &columns, rows.collect())
}
