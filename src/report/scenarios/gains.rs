//! The grid at a glance: mean gain of every method in every cell.

use maud::html;

use crate::error::Result;
use crate::experiments::random_errors::summary::BatchReport;
use crate::report::elements::{Cell, Column, table};
use crate::report::scenarios::{BatchSection, mark, sizes};
use crate::report::{Body, Section, format};

pub const SECTION: BatchSection = Section {
    id: "gains",
    title: "Which repair helps where?",
    draw,
};

fn draw(report: &BatchReport) -> Result<Option<Body>> {
    let mut columns = vec![Column::text("errors"), Column::figures("baseline")];
    columns.extend(report.settings.methods.iter().map(|method| Column::figures_of(method)));
    let tables = sizes(report).into_iter().map(|size| {
        let rows = report
            .cells
            .iter()
            .filter(|cell| cell.size == size)
            .map(|cell| {
                let before = cell.methods.first().map_or(f64::NAN, |method| method.test.baseline.mean);
                let mut cells = vec![Cell::Theirs(cell.error.clone()), Cell::Figure(format::percent(before, 2))];
                cells.extend(cell.methods.iter().map(|method| {
                    Cell::Markup(html! {
                        (format::signed(method.test.difference.mean * 100.0, 2))
                        br;
                        span.aside.small { (mark(method.test.verdict)) }
                    })
                }));
                cells
            })
            .collect();
        table(
            &format!("{size}: accuracy on test rows, and its mean change in percentage points"),
            &columns,
            rows,
        )
    });
    Ok(Some(Body::plain(html! {
        p {
            "Baseline: trained on all rows, wrong labels included. Every method is compared with the baseline of the same scenario; "
            "the mean of these differences is shown. The mark is the verdict after correction over the grid."
        }
        @for table in tables { (table) }
    })))
}
