//! The figures of the paper's scenario study: boxes of gains, sorted scenarios, the plateaus over alpha and lambda; and gains over the learning rate.

use maud::html;

use crate::error::Result;
use crate::evaluate::cell_record::Spread;
use crate::experiments::random_errors::record::Sweep;
use crate::experiments::random_errors::summary::{BatchReport, CellReport, MethodReport};
use crate::report::elements::{Cell, Column, table};
use crate::report::plots::{BoxGroup, BoxPlot, CurvePlot, Marker, Plot, Series};
use crate::report::scenarios::{BatchSection, main_method, sizes, stem};
use crate::report::{Body, Section, format};

pub const BOXES: BatchSection = Section {
    id: "boxes",
    title: "Gains by error rate",
    draw: boxes,
};

pub const SORTED: BatchSection = Section {
    id: "sorted",
    title: "Scenario by scenario",
    draw: sorted,
};

pub const ALPHA: BatchSection = Section {
    id: "alpha",
    title: "How much depends on alpha",
    draw: |report| sweep(report, Sweep::Alpha),
};

pub const LAMBDA: BatchSection = Section {
    id: "lambda",
    title: "How much depends on lambda",
    draw: |report| sweep(report, Sweep::Lambda),
};

pub const LEARNING_RATES: BatchSection = Section {
    id: "learning-rates",
    title: "Gains at other learning rates",
    draw: learning_rates,
};

fn body(intro: &str, plots: Vec<Plot>, caption: &str) -> Body {
    Body {
        markup: html! {
            p { (intro) }
            @for plot in &plots { (plot.figure(caption)) }
        },
        plots,
    }
}

/// Whiskers reach to the last value within 1.5 times the box (Tukey).
fn group(label: &str, method: &MethodReport, before: &[f64]) -> BoxGroup {
    let gains: Vec<f64> = method.after_test.iter().zip(before).map(|(after, before)| after - before).collect();
    let Spread {
        lower_quartile: low,
        median,
        upper_quartile: high,
        ..
    } = method.test.difference;
    let reach = 1.5 * (high - low);
    let inside = |gain: &&f64| (low - reach..=high + reach).contains(*gain);
    let ends = gains
        .iter()
        .filter(inside)
        .fold((median, median), |(least, most), gain| (least.min(*gain), most.max(*gain)));
    BoxGroup {
        label: label.to_owned(),
        five: [ends.0.min(low), low, median, high, ends.1.max(high)],
        outliers: gains.iter().filter(|gain| !inside(gain)).copied().collect(),
    }
}

fn boxes(report: &BatchReport) -> Result<Option<Body>> {
    let mut plots = Vec::new();
    for size in sizes(report) {
        let cells: Vec<&CellReport> = report.cells.iter().filter(|cell| cell.size == size).collect();
        let mut wanted: Vec<&str> = cells
            .first()
            .and_then(|cell| main_method(cell))
            .map(|method| method.method.as_str())
            .into_iter()
            .collect();
        if report.settings.methods.iter().any(|method| method == "retrain") && !wanted.contains(&"retrain") {
            wanted.push("retrain");
        }
        for name in wanted {
            let groups = cells
                .iter()
                .filter_map(|cell| {
                    let method = cell.methods.iter().find(|method| method.method == name)?;
                    Some(group(&format!("{} errors", cell.error), method, &cell.baseline_test))
                })
                .collect();
            let plot = BoxPlot {
                name: &format!("gains-{}-{}", stem(name), stem(size)),
                title: &format!("Change of test accuracy by {name}, {size}"),
                axis: "accuracy after minus before, percentage points",
                minimum_effect: Some(report.evaluation.minimum_effect),
                groups,
            };
            plots.push(plot.draw()?);
        }
    }
    Ok(Some(body(
        "Each box holds the middle half of the scenarios of a cell (the form of Figure 4 of the paper).",
        plots,
        "Box: middle half. Line: median. Whiskers: last scenario within 1.5 times the box. Shaded: too small to matter.",
    )))
}

/// The cell that is drawn scenario by scenario: 5 % errors as in the middle of the paper's grid, else the last rate.
fn drawn_cell<'a>(report: &'a BatchReport, size: &str) -> Option<&'a CellReport> {
    let of_size = || report.cells.iter().filter(|cell| cell.size == size);
    of_size()
        .find(|cell| cell.error.trim() == "5%" || cell.error.trim() == "0.05")
        .or_else(|| of_size().next_back())
}

fn sorted(report: &BatchReport) -> Result<Option<Body>> {
    let mut plots = Vec::new();
    for size in sizes(report) {
        let Some(cell) = drawn_cell(report, size) else { continue };
        let mut order: Vec<usize> = (0..cell.baseline_test.len()).collect();
        order.sort_by(|a, b| cell.baseline_test[*a].total_cmp(&cell.baseline_test[*b]).then(a.cmp(b)));
        let line = |label: &str, values: &[f64]| Series {
            label: label.to_owned(),
            points: order
                .iter()
                .enumerate()
                .map(|(place, run)| (place as f64 + 1.0, values[*run]))
                .collect(),
        };
        let mut series = vec![line("baseline", &cell.baseline_test)];
        for name in ["assd", "retrain"] {
            if let Some(method) = cell.methods.iter().find(|method| method.method == name) {
                series.push(line(name, &method.after_test));
            }
        }
        if series.len() == 1 {
            series.extend(main_method(cell).map(|method| line(&method.method, &method.after_test)));
        }
        let plot = CurvePlot {
            name: &format!("sorted-{}", stem(size)),
            title: &format!("Test accuracy of each scenario, {size}, {} errors", cell.error),
            across: "scenarios, sorted by their baseline",
            up: "test accuracy",
            logarithmic: false,
            percent: true,
            series,
            marker: None,
        };
        plots.push(plot.draw()?);
    }
    Ok(Some(body(
        "Baseline, repaired and retrained models of the same scenarios (the form of Figure 5 of the paper).",
        plots,
        "Every place from left to right is one scenario.",
    )))
}

fn sweep(report: &BatchReport, which: Sweep) -> Result<Option<Body>> {
    let found: Vec<_> = report.sweeps.iter().filter(|sweep| sweep.sweep == which).collect();
    if found.is_empty() {
        return Ok(None);
    }
    let mut plots = Vec::new();
    for size in sizes(report) {
        let of_size: Vec<_> = found.iter().filter(|sweep| sweep.size == size).collect();
        if of_size.is_empty() {
            continue;
        }
        let series = of_size
            .iter()
            .map(|sweep| Series {
                label: format!("{} errors", sweep.error),
                points: sweep
                    .points
                    .iter()
                    .map(|point| (point.value, point.test - sweep.baseline))
                    .collect(),
            })
            .map(|series| Series {
                points: series.points.into_iter().map(|(x, y)| (x, y * 100.0)).collect(),
                ..series
            })
            .collect();
        let alphas: Vec<f64> = of_size.iter().map(|sweep| sweep.assd_alpha).collect();
        let middle = crate::stats::Sample::new(&alphas)?.median();
        let marker = match which {
            Sweep::Alpha => Marker {
                label: "ASSD picks".to_owned(),
                x: middle,
            },
            Sweep::Lambda => Marker {
                label: "ASSD uses 1".to_owned(),
                x: 1.0,
            },
        };
        let plot = CurvePlot {
            name: &format!("{}-{}", which.name(), stem(size)),
            title: &format!("Change of test accuracy over {}, {size}", which.name()),
            across: which.name(),
            up: "points of test accuracy against no repair",
            logarithmic: true,
            percent: false,
            series,
            marker: Some(marker),
        };
        plots.push(plot.draw()?);
    }
    let intro = match which {
        Sweep::Alpha => {
            "Dampening with lambda = 1 at fixed alphas (the form of Figure 2). The mark is the median alpha that ASSD picks by itself."
        }
        Sweep::Lambda => "Dampening at ASSD's own alpha with other lambdas (the form of Figure 3). ASSD uses lambda = 1.",
    };
    let rows = found
        .iter()
        .flat_map(|sweep| {
            sweep.points.iter().map(move |point| {
                vec![
                    Cell::Words(sweep.size.clone()),
                    Cell::Theirs(sweep.error.clone()),
                    Cell::Figure(format::number(point.value)),
                    Cell::Figure(format::signed((point.test - sweep.baseline) * 100.0, 2)),
                    Cell::Figure(format::percent(point.dampened, 2)),
                    Cell::Figure(format::percent(point.flagged_agreement, 1)),
                    Cell::Figure(format::number(sweep.assd_alpha)),
                    Cell::Figure(format::count(sweep.scenarios)),
                ]
            })
        })
        .collect();
    let columns = [
        Column::text("size"),
        Column::text("errors"),
        Column::figures(which.name()),
        Column::figures("change, points"),
        Column::figures("parameters dampened"),
        Column::figures("flagged rows predicted as observed"),
        Column::figures("alpha that ASSD picks"),
        Column::figures("scenarios"),
    ];
    let mut drawn = body(intro, plots, "Means over scenarios; nothing here was used to choose a setting.");
    drawn.markup = html! {
        (drawn.markup)
        details { summary { "All figures" } (table(&format!("Test accuracy over {}", which.name()), &columns, rows)) }
    };
    Ok(Some(drawn))
}

fn learning_rates(report: &BatchReport) -> Result<Option<Body>> {
    if report.learning_rates.is_empty() {
        return Ok(None);
    }
    let mut plots = Vec::new();
    let mut grids: Vec<(&str, &str)> = Vec::new();
    for point in &report.learning_rates {
        if !grids.contains(&(point.size.as_str(), point.error.as_str())) {
            grids.push((&point.size, &point.error));
        }
    }
    for (size, error) in grids {
        let mut series: Vec<Series> = Vec::new();
        for point in report
            .learning_rates
            .iter()
            .filter(|point| point.size == size && point.error == error)
        {
            let place = (point.learning_rate, point.gain * 100.0);
            match series.iter_mut().find(|series| series.label == point.method) {
                Some(series) => series.points.push(place),
                None => series.push(Series {
                    label: point.method.clone(),
                    points: vec![place],
                }),
            }
        }
        if series.iter().any(|series| series.points.len() > 1) {
            let plot = CurvePlot {
                name: &format!("learning-rates-{}-{}", stem(size), stem(error)),
                title: &format!("Change of test accuracy over the learning rate, {size}, {error} errors"),
                across: "learning rate",
                up: "points of test accuracy against no repair",
                logarithmic: true,
                percent: false,
                series,
                marker: None,
            };
            plots.push(plot.draw()?);
        }
    }
    let columns = [
        Column::text("size"),
        Column::text("errors"),
        Column::text("method"),
        Column::figures("learning rate"),
        Column::figures("baseline"),
        Column::figures("change, points"),
        Column::figures("sd"),
        Column::figures("scenarios"),
    ];
    let rows = report
        .learning_rates
        .iter()
        .map(|point| {
            vec![
                Cell::Words(point.size.clone()),
                Cell::Theirs(point.error.clone()),
                Cell::Words(point.method.clone()),
                Cell::Figure(format::number(point.learning_rate)),
                Cell::Figure(format::percent(point.baseline, 2)),
                Cell::Figure(format::signed(point.gain * 100.0, 2)),
                Cell::Figure(
                    point
                        .standard_deviation
                        .map_or(format::UNKNOWN.to_owned(), |sd| format::decimal(sd * 100.0, 2)),
                ),
                Cell::Figure(format::count(point.scenarios)),
            ]
        })
        .collect();
    let mut drawn = body(
        "Where training makes too large steps, wrong labels hurt and a repair has something to recover; at lower learning rates there is little to repair.",
        plots,
        "Means over scenarios.",
    );
    drawn.markup = html! {
        (drawn.markup)
        details { summary { "All figures" } (table("Change of test accuracy by learning rate", &columns, rows)) }
    };
    Ok(Some(drawn))
}
