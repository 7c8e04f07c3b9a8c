//! The paper's Table 4 beside ours.

use maud::html;

use crate::error::Result;
use crate::evaluate::cell_record::CellSummary;
use crate::experiments::random_errors::published::Published;
use crate::experiments::random_errors::summary::{BatchReport, MethodReport};
use crate::report::elements::{Cell, Column, table};
use crate::report::scenarios::{BatchSection, mark, sizes};
use crate::report::{Body, Section, format};

pub const SECTION: BatchSection = Section {
    id: "paper",
    title: "Beside the published table",
    draw,
};

fn draw(report: &BatchReport) -> Result<Option<Body>> {
    let Some(source) = &report.published_source else { return Ok(None) };
    let test: fn(&MethodReport) -> (&CellSummary, &Option<Published>) = |method| (&method.test, &method.published_test);
    let train: fn(&MethodReport) -> (&CellSummary, &Option<Published>) = |method| (&method.train, &method.published_train);
    let tables = sizes(report)
        .into_iter()
        .flat_map(|size| [("test rows", test), ("training rows, clean labels", train)].map(|(rows, pick)| one(report, size, rows, pick)));
    Ok(Some(Body::plain(html! {
        p {
            "Mean accuracy ± standard deviation over scenarios, ours above, published below. Published: " (source) ". "
            "Its p-values are unpaired although the scenarios are paired; ours of the same kind (Student, unpaired) stands beside the paired ones "
            "(the larger of paired t and Wilcoxon, after Holm's correction over the grid), which decide."
        }
        @for table in tables { (table) }
    })))
}

fn one(report: &BatchReport, size: &str, rows: &str, pick: fn(&MethodReport) -> (&CellSummary, &Option<Published>)) -> maud::Markup {
    let shown = |cell: &crate::experiments::random_errors::summary::CellReport| -> Vec<usize> {
        (0..cell.methods.len())
            .filter(|place| pick(&cell.methods[*place]).1.is_some())
            .collect()
    };
    let cells: Vec<_> = report
        .cells
        .iter()
        .filter(|cell| cell.size == size && !shown(cell).is_empty())
        .collect();
    let Some(first) = cells.first() else { return html! {} };
    let mut columns = vec![Column::text("errors"), Column::text("whose"), Column::figures("baseline")];
    columns.extend(shown(first).iter().map(|place| Column::figures_of(&first.methods[*place].method)));
    columns.extend(["ASSD against baseline: p unpaired", "p paired, corrected"].map(Column::figures));
    columns.push(Column::text("verdict on ASSD"));
    let pair = |mean: f64, sd: Option<f64>| match sd {
        Some(sd) => format!("{} ± {}", format::decimal(mean * 100.0, 2), format::decimal(sd * 100.0, 2)),
        None => format::decimal(mean * 100.0, 2),
    };
    let level = report.evaluation.significance;
    let mut body = Vec::new();
    for cell in cells {
        let (ours, theirs): (Vec<_>, Vec<_>) = shown(cell)
            .into_iter()
            .filter_map(|place| {
                let (summary, published) = pick(&cell.methods[place]);
                published.as_ref().map(|published| (summary, (published, &cell.methods[place])))
            })
            .unzip();
        let assd = cell
            .methods
            .iter()
            .find(|method| method.method == "assd")
            .map(|method| pick(method).0);
        let figure = |text: Option<String>| Cell::Figure(text.unwrap_or_else(|| format::UNKNOWN.to_owned()));
        let mut line = vec![Cell::Theirs(cell.error.clone()), Cell::Words("ours".to_owned())];
        line.push(figure(
            ours.first()
                .map(|summary| pair(summary.baseline.mean, summary.baseline.standard_deviation)),
        ));
        line.extend(
            ours.iter()
                .map(|summary| Cell::Figure(pair(summary.repaired.mean, summary.repaired.standard_deviation))),
        );
        line.push(figure(
            assd.and_then(|summary| summary.unpaired_student)
                .map(|test| format::p_value(test.p, level)),
        ));
        line.push(figure(assd.map(|summary| format::p_value(summary.p_holm, level))));
        line.push(Cell::Words(assd.map_or(String::new(), |summary| mark(summary.verdict).to_owned())));
        body.push(line);
        let mut line = vec![Cell::Theirs(cell.error.clone()), Cell::Words("published".to_owned())];
        line.push(figure(
            theirs
                .first()
                .map(|(published, _)| pair(published.baseline.0, Some(published.baseline.1))),
        ));
        line.extend(
            theirs
                .iter()
                .map(|(published, _)| Cell::Figure(pair(published.method.0, Some(published.method.1)))),
        );
        line.push(figure(theirs.iter().find_map(|(published, _)| published.p.clone())));
        line.push(figure(None));
        line.push(Cell::Words(String::new()));
        body.push(line);
    }
    table(&format!("{size}, {rows}: accuracy in percent"), &columns, body)
}
