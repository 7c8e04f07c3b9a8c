//! A verdict sentence for every cell, and all tests behind it.

use maud::html;

use crate::error::Result;
use crate::experiments::random_errors::summary::BatchReport;
use crate::report::elements::{Cell, Column, table};
use crate::report::scenarios::{BatchSection, mark};
use crate::report::{Body, Section, format};

pub const SENTENCES: BatchSection = Section {
    id: "verdicts",
    title: "Verdict of every cell",
    draw: sentences,
};

pub const TESTS: BatchSection = Section {
    id: "tests",
    title: "All tests",
    draw: tests,
};

pub const FRIEDMAN: BatchSection = Section {
    id: "friedman",
    title: "Do the methods differ at all?",
    draw: friedman,
};

pub const VARIANCE: BatchSection = Section {
    id: "variance",
    title: "Where the variance comes from",
    draw: variance,
};

fn sentences(report: &BatchReport) -> Result<Option<Body>> {
    Ok(Some(Body::plain(html! {
        @for cell in &report.cells {
            details {
                summary { (cell.size) ", " (format::visible(&cell.error, 20)) " errors" }
                dl.facts { @for method in &cell.methods { dt { (format::visible(&method.method, 60)) } dd { (format::sentence(&method.test.sentence, 600)) } } }
            }
        }
    })))
}

fn tests(report: &BatchReport) -> Result<Option<Body>> {
    let titles = [
        "scenarios",
        "change, points",
        "95 % interval",
        "sd",
        "paired t",
        "p, corrected",
        "Wilcoxon p",
        "p, corrected",
        "dz",
        "rank-biserial",
        "improved",
        "equivalence p",
        "unpaired p",
        "test-set se",
    ];
    let mut columns = vec![Column::text("cell"), Column::text("method"), Column::text("verdict")];
    columns.extend(titles.map(Column::figures));
    let level = report.evaluation.significance;
    let p = |p: Option<f64>| Cell::Figure(p.map_or(format::UNKNOWN.to_owned(), |p| format::p_value(p, level)));
    let number = |value: Option<f64>| Cell::Figure(value.map_or(format::UNKNOWN.to_owned(), |value| format::decimal(value, 2)));
    let rows = report
        .cells
        .iter()
        .flat_map(|cell| {
            cell.methods.iter().map(move |method| {
                let test = &method.test;
                vec![
                    Cell::Words(format!("{}, {}", cell.size, cell.error)),
                    Cell::Words(method.method.clone()),
                    Cell::Words(mark(test.verdict).to_owned()),
                    Cell::Figure(format::count(test.scenarios)),
                    Cell::Figure(format::signed(test.difference.mean * 100.0, 3)),
                    Cell::Figure(test.interval.map_or(format::UNKNOWN.to_owned(), |interval| {
                        format!(
                            "{} to {}",
                            format::signed(interval.low * 100.0, 3),
                            format::signed(interval.high * 100.0, 3)
                        )
                    })),
                    number(test.difference.standard_deviation.map(|sd| sd * 100.0)),
                    number(test.paired_t.map(|test| test.statistic)),
                    p(test.paired_t.and_then(|test| test.p_holm)),
                    p(test.wilcoxon.map(|test| test.p)),
                    p(test.wilcoxon.and_then(|test| test.p_holm)),
                    number(test.dz),
                    number(test.rank_biserial),
                    Cell::Figure(format::percent(test.share_improved, 0)),
                    p(test.equivalence_p),
                    p(test.unpaired_student.map(|test| test.p)),
                    number(test.test_set_standard_error.map(|error| error * 100.0)),
                ]
            })
        })
        .collect();
    Ok(Some(Body::plain(html! {
        p {
            "On test rows. Interval: BCa bootstrap over scenarios. Equivalence: two one-sided tests against the minimum effect of "
            (format::size_in_points(report.evaluation.minimum_effect)) ". The test-set standard error comes from the test rows being a sample: "
            "more scenarios do not lower it, and it bounds what the accuracies themselves can tell about other orders."
        }
        (table("Paired tests of every cell", &columns, rows))
    })))
}

fn friedman(report: &BatchReport) -> Result<Option<Body>> {
    let with: Vec<_> = report
        .cells
        .iter()
        .filter_map(|cell| cell.friedman.as_ref().map(|found| (cell, found)))
        .collect();
    let Some((_, first)) = with.first() else { return Ok(None) };
    let mut columns = vec![Column::text("cell"), Column::figures("p"), Column::figures("chi-squared")];
    columns.extend(first.methods.iter().map(|method| Column::figures_of(&format!("rank of {method}"))));
    let rows = with
        .iter()
        .map(|(cell, found)| {
            let mut cells = vec![
                Cell::Words(format!("{}, {}", cell.size, cell.error)),
                Cell::Figure(format::p_value(found.f_p, report.evaluation.significance)),
                Cell::Figure(format::decimal(found.chi_squared, 1)),
            ];
            cells.extend(found.average_ranks.iter().map(|rank| Cell::Figure(format::decimal(*rank, 2))));
            cells
        })
        .collect();
    Ok(Some(Body::plain(html! {
        p { "Friedman's test over baseline and methods, scenarios as blocks, with Iman and Davenport's F. Rank 1 is the highest test accuracy." }
        (table("Average ranks", &columns, rows))
    })))
}

fn variance(report: &BatchReport) -> Result<Option<Body>> {
    let columns = [
        Column::text("cell"),
        Column::text("figure"),
        Column::figures("mean"),
        Column::figures("sd between scenarios"),
        Column::figures("sd between initialisations"),
        Column::figures("share between scenarios"),
    ];
    let mut rows = Vec::new();
    for cell in &report.cells {
        let baseline = cell.baseline_variance.map(|found| ("baseline accuracy".to_owned(), found));
        let gains = cell
            .methods
            .iter()
            .filter_map(|method| Some((format!("gain of {}", method.method), method.gain_variance?)));
        for (figure, found) in baseline.into_iter().chain(gains) {
            rows.push(vec![
                Cell::Words(format!("{}, {}", cell.size, cell.error)),
                Cell::Words(figure),
                Cell::Figure(format::decimal(found.mean * 100.0, 2)),
                Cell::Figure(format::decimal(found.between_scenarios * 100.0, 3)),
                Cell::Figure(format::decimal(found.between_initialisations * 100.0, 3)),
                Cell::Figure(format::percent_or_unknown(found.share_between_scenarios, 0)),
            ]);
        }
    }
    if rows.is_empty() {
        return Ok(None);
    }
    Ok(Some(Body::plain(html! {
        p {
            "Several initialisations are nested in each scenario. What lies between initialisations of the same scenario is the luck of the "
            "starting weights, not the errors. In percentage points."
        }
        (table("Variance on test rows", &columns, rows))
    })))
}
