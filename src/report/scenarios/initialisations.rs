//! Gains against the baseline's accuracy: where an initialisation ended badly, any further training has something to gain.

use maud::html;

use crate::error::Result;
use crate::experiments::random_errors::summary::{BatchReport, CellReport};
use crate::report::elements::{Cell, Column, table};
use crate::report::plots::{DotPlot, Dots, Plot};
use crate::report::scenarios::{BatchSection, sizes, stem};
use crate::report::{Body, Section, format};

pub const SECTION: BatchSection = Section {
    id: "initialisations",
    title: "Gains by how well the initialisation ended",
    draw,
};

fn draw(report: &BatchReport) -> Result<Option<Body>> {
    let several = |cell: &&CellReport| cell.methods.iter().any(|method| method.by_initialisation.is_some());
    let cells: Vec<&CellReport> = report.cells.iter().filter(several).collect();
    if cells.is_empty() {
        return Ok(None);
    }
    let mut plots: Vec<Plot> = Vec::new();
    for size in sizes(report) {
        for cell in cells.iter().filter(|cell| cell.size == size) {
            let dots = cell.methods.iter().filter_map(|method| {
                let found = method.by_initialisation.as_ref()?;
                Some(Dots {
                    label: method.method.clone(),
                    points: found.points.iter().map(|(before, gain)| (*before, gain * 100.0)).collect(),
                })
            });
            let plot = DotPlot {
                name: &format!("initialisations-{}-{}", stem(size), stem(&cell.error)),
                title: &format!("Change of test accuracy by the baseline's accuracy, {size}, {} errors", cell.error),
                across: "test accuracy of the baseline",
                up: "points of test accuracy against no repair",
                dots: dots.collect(),
            };
            plots.push(plot.draw()?);
        }
    }
    let columns = [
        Column::text("size"),
        Column::text("errors"),
        Column::text("method"),
        Column::figures("initialisations"),
        Column::figures("correlation"),
        Column::figures("change where the baseline is lowest, points"),
        Column::figures("where it is highest, points"),
    ];
    let rows = cells.iter().flat_map(|cell| {
        cell.methods.iter().filter_map(move |method| {
            let found = method.by_initialisation.as_ref()?;
            Some(vec![
                Cell::Words(cell.size.clone()),
                Cell::Theirs(cell.error.clone()),
                Cell::Words(method.method.clone()),
                Cell::Figure(format::count(found.points.len())),
                Cell::Figure(found.correlation.map_or(format::UNKNOWN.to_owned(), |r| format::signed(r, 2))),
                Cell::Figure(format::signed(found.thirds.0 * 100.0, 2)),
                Cell::Figure(format::signed(found.thirds.1 * 100.0, 2)),
            ])
        })
    });
    let rows: Vec<_> = rows.collect();
    let shown = table("Mean change in the lowest and the highest third of the baselines", &columns, rows);
    Ok(Some(Body {
        markup: html! {
            p {
                "Every dot is one initialisation in one scenario. Where gains belong to the initialisations that ended badly, a repair made up \
                 for the training rather than for the errors. A baseline that is low by chance pushes its gain up, so some slope is to be expected."
            }
            @for plot in &plots { (plot.figure("One dot an initialisation. Dashed: no change.")) }
            details { summary { "All figures" } (shown) }
        },
        plots,
    }))
}
