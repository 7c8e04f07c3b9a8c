//! The report of a corrective study: accuracy against the known share, per method, as in figures 2 and 3 of arXiv 2402.14015.

use std::path::Path;

use maud::{Markup, html};

use crate::error::Result;
use crate::experiments::corrective::settings::without_proposing;
use crate::experiments::corrective::summary::{Figures, MethodFigures, PatternReport, StudyReport};
use crate::features::RecipeKind;
use crate::report::elements::{Cell, Column, facts, table, theirs};
use crate::report::page::Page;
use crate::report::plots::{CurvePlot, Plot, Series};
use crate::report::{Body, ReportPaths, Section, assemble, footer, format, write_benchmark};

/// A section of the report of a study.
pub type StudySection = Section<fn(&StudyReport) -> Result<Option<Body>>>;

/// All sections, in the order of the page.
pub const SECTIONS: &[StudySection] = &[
    StudySection {
        id: "affected",
        title: "Accuracy where the errors strike",
        draw: affected,
    },
    StudySection {
        id: "figures",
        title: "All figures",
        draw: all_figures,
    },
    StudySection {
        id: "settings",
        title: "Settings",
        draw: settings,
    },
];

/// Methods in one plot, beside the clean and the corrupted model.
const METHODS_PER_PLOT: usize = 4;

/// The report as one HTML file, and its plots.
///
/// # Errors
/// Only by a fault of ours.
pub fn html(report: &StudyReport) -> Result<(String, Vec<Plot>)> {
    let (parts, plots) = assemble(SECTIONS, |draw| draw(report))?;
    let page = Page {
        title: &format!("{}: corrective study on {}", headline(report), report.settings.data_file),
        kind: "Corrective study",
        first_screen: first_screen(report),
        parts: &parts,
        footer: &footer(&report.settings.recant_version),
    };
    Ok((page.render(), plots))
}

/// Writes `report.html`, `report.json`, `summary.csv` and `plots/*.svg` into a folder.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write(folder: &Path, report: &StudyReport) -> Result<ReportPaths> {
    write_benchmark(folder, report, &summary_csv(report), html(report)?)
}

/// Mean recovery over the patterns at a known share; `None` where no pattern has a gap.
fn recovery(report: &StudyReport, method: &str, known: f64) -> Option<f64> {
    let found: Vec<f64> = report
        .patterns
        .iter()
        .flat_map(|pattern| &pattern.methods)
        .filter(|figures| figures.method == method && figures.known == known)
        .filter_map(|figures| figures.recovered)
        .collect();
    (!found.is_empty()).then(|| found.iter().sum::<f64>() / found.len() as f64)
}

/// The method that recovers most at the smallest known share, with that share.
fn best(report: &StudyReport) -> Option<(&str, f64, f64)> {
    let least = report.settings.known.iter().copied().reduce(f64::min)?;
    let mut best: Option<(&str, f64, f64)> = None;
    for method in &report.settings.methods {
        if let Some(found) = recovery(report, method, least)
            && best.is_none_or(|(_, most, _)| found > most)
        {
            best = Some((method, found, least));
        }
    }
    best
}

fn headline(report: &StudyReport) -> String {
    match best(report) {
        None => "Nothing to recover".to_owned(),
        Some((_, share, known)) if share < 0.1 => format!("Nothing helps with {} known", format::percent(known, 0)),
        Some((method, share, known)) => {
            format!(
                "{method} recovers {} with {} known",
                format::percent(share, 0),
                format::percent(known, 0)
            )
        }
    }
}

fn first_screen(report: &StudyReport) -> Markup {
    let (done, planned) = report.units;
    html! {
        h1 { (theirs(&headline(report))) }
        p {
            (format::counted(done, "unit")) @if done < planned { " of " (format::count(planned)) }
            ": " (format::counted(report.patterns.len(), "error pattern")) ", "
            (format::counted(report.settings.repetitions as usize, "repetition")) " each. A method is given a part of the wrong rows; what it recovers is "
            "the share of the accuracy that the errors cost on the test rows they could have hit. Settings were never chosen on test rows."
        }
        (table("Share of the lost accuracy that is recovered, mean over the patterns", &known_columns(report), report.settings.methods.iter().map(|method| {
            let mut row = vec![Cell::Words(format::visible(method, 60).into_owned())];
            row.extend(report.settings.known.iter().map(|known| Cell::Figure(format::percent_or_unknown(recovery(report, method, *known), 0))));
            let change = mean_of(report, method, |found| found.elsewhere_change);
            row.push(Cell::Figure(change.map_or_else(|| format::UNKNOWN.to_owned(), |change| format::signed(change * 100.0, 2))));
            row.push(Cell::Figure(format::percent_or_unknown(mean_of(report, method, |found| found.of_training), 0)));
            row
        }).collect()))
        @if let Some(seconds) = expanding_seconds(report) {
            p { "Ways that begin with expand propose further rows first, which took " (format::seconds(seconds)) " on average, once for all of them; the time above is that of the repair alone." }
        }
    }
}

/// Mean of a figure of one method over patterns and known shares.
fn mean_of(report: &StudyReport, method: &str, figure: fn(&MethodFigures) -> Option<f64>) -> Option<f64> {
    let all = report.patterns.iter().flat_map(|pattern| &pattern.methods);
    let found: Vec<f64> = all.filter(|found| found.method == method).filter_map(figure).collect();
    (!found.is_empty()).then(|| found.iter().sum::<f64>() / found.len() as f64)
}

fn expanding_seconds(report: &StudyReport) -> Option<f64> {
    let first = report.settings.methods.iter().find(|method| without_proposing(method).is_some())?;
    mean_of(report, first, |found| found.expanding_seconds)
}

fn known_columns(report: &StudyReport) -> Vec<Column> {
    let mut columns = vec![Column::text("method")];
    columns.extend(
        report
            .settings
            .known
            .iter()
            .map(|known| Column::figures(&format!("{} known", format::percent(*known, 0)))),
    );
    columns.push(Column::figures("elsewhere, points"));
    columns.push(Column::figures("time, of retraining"));
    columns
}

/// The ways of one plot: a handful, and beside them the way with proposed rows that recovers most at the smallest known share.
fn handfuls(report: &StudyReport) -> Vec<Vec<String>> {
    let least = report.settings.known.iter().copied().reduce(f64::min).unwrap_or_default();
    let (proposing, plain): (Vec<&String>, Vec<&String>) = report
        .settings
        .methods
        .iter()
        .partition(|method| without_proposing(method).is_some());
    let won = |method: &str| recovery(report, method, least).unwrap_or(f64::NEG_INFINITY);
    let best = proposing
        .iter()
        .copied()
        .reduce(|best, next| if won(next) > won(best) { next } else { best });
    let beside = |some: &[&String]| some.iter().copied().chain(best).cloned().collect::<Vec<_>>();
    let mut all: Vec<Vec<String>> = plain.chunks(METHODS_PER_PLOT - usize::from(best.is_some())).map(beside).collect();
    all.extend(
        proposing
            .chunks(METHODS_PER_PLOT)
            .map(|some| some.iter().copied().cloned().collect()),
    );
    all
}

/// One plot per pattern and handful of methods.
fn affected(report: &StudyReport) -> Result<Option<Body>> {
    let mut plots = Vec::new();
    let handfuls = handfuls(report);
    for (number, pattern) in report.patterns.iter().enumerate() {
        if pattern.affected == 0 {
            continue;
        }
        for (part, methods) in handfuls.iter().enumerate() {
            plots.push(curves(report, pattern, &format!("affected-{}-{}", number + 1, part + 1), methods)?);
        }
    }
    Ok(Some(Body {
        markup: html! {
            p { "Clean-label accuracy on the test rows that the errors could have hit, by the share of the wrong rows that is known." }
            @for plot in &plots { (plot.figure("Means over repetitions.")) }
        },
        plots,
    }))
}

fn curves(report: &StudyReport, pattern: &PatternReport, name: &str, methods: &[String]) -> Result<Plot> {
    let known = &report.settings.known;
    let flat = |label: &str, figures: &Figures| Series {
        label: label.to_owned(),
        points: known
            .iter()
            .map(|share| (share * 100.0, figures.affected.unwrap_or(f64::NAN)))
            .collect(),
    };
    let mut series = vec![flat("trained on clean labels", &pattern.clean), flat("corrupted", &pattern.none)];
    for method in methods {
        let of_method = pattern.methods.iter().filter(|figures| figures.method == *method);
        let mut points: Vec<(f64, f64)> = of_method
            .filter_map(|found| Some((found.known * 100.0, found.figures.affected?)))
            .collect();
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        series.push(Series {
            label: method.clone(),
            points,
        });
    }
    CurvePlot {
        name,
        title: &pattern_name(pattern),
        across: "share of the wrong rows that is known, %",
        up: "accuracy on the affected test rows",
        logarithmic: false,
        percent: true,
        series,
        marker: None,
    }
    .draw()
}

fn pattern_name(pattern: &PatternReport) -> String {
    if pattern.rate == crate::experiments::corrective::settings::OWN_RATE {
        pattern.kind.clone()
    } else {
        format!("{} at {}", pattern.kind, pattern.rate)
    }
}

fn all_figures(report: &StudyReport) -> Result<Option<Body>> {
    let columns = [
        Column::text("method"),
        Column::figures("known"),
        Column::figures("flags"),
        Column::figures("affected test rows"),
        Column::figures("sd"),
        Column::figures("recovered"),
        Column::figures("elsewhere, points"),
        Column::figures("wrong training rows"),
        Column::figures("proposed (precision)"),
        Column::figures("relabelled right"),
        Column::figures("time"),
        Column::figures("of training"),
    ];
    let rows = |pattern: &PatternReport| -> Vec<Vec<Cell>> {
        let base = |name: &str, figures: &Figures, change: Option<f64>| {
            let blank = || Cell::Figure(String::new());
            let mut row = vec![Cell::Words(name.to_owned()), blank(), blank()];
            row.extend(accuracies(figures));
            row.extend([
                blank(),
                Cell::Figure(change.map(|change| format::signed(change * 100.0, 2)).unwrap_or_default()),
            ]);
            row.push(Cell::Figure(format::percent_or_unknown(figures.manipulated, 1)));
            row.extend([blank(), blank(), blank(), blank()]);
            row
        };
        let change = pattern
            .clean
            .elsewhere
            .zip(pattern.none.elsewhere)
            .map(|(clean, none)| clean - none);
        let mut rows = vec![
            base("trained on clean labels", &pattern.clean, change),
            base("corrupted", &pattern.none, None),
        ];
        rows.extend(pattern.methods.iter().map(figure_row));
        rows
    };
    Ok(Some(Body::plain(html! {
        @for pattern in &report.patterns {
            h3 { (theirs(&pattern_name(pattern))) }
            p { (format::percent(pattern.wrong_share, 2)) " of the training rows are wrong; " (format::counted(pattern.affected as usize, "test row")) " could have been hit." }
            (table("Clean-label accuracy, means over repetitions", &columns, rows(pattern)))
        }
    })))
}

fn accuracies(figures: &Figures) -> [Cell; 2] {
    [
        Cell::Figure(format::percent_or_unknown(figures.affected, 1)),
        Cell::Figure(figures.affected_sd.map(|sd| format::decimal(sd * 100.0, 1)).unwrap_or_default()),
    ]
}

fn figure_row(found: &MethodFigures) -> Vec<Cell> {
    let mut name = format::visible(&found.method, 60).into_owned();
    if found.failed > 0 {
        name = format!("{name} (failed in {})", found.failed);
    }
    let mut row = vec![
        Cell::Words(name),
        Cell::Figure(format::percent(found.known, 0)),
        Cell::Figure(format::decimal(found.flags, 0)),
    ];
    row.extend(accuracies(&found.figures));
    let proposed = found.proposed.map(|rows| {
        let precision = found
            .precision
            .map(|share| format!(" ({})", format::percent(share, 0)))
            .unwrap_or_default();
        format!("{}{precision}", format::decimal(rows, 0))
    });
    row.extend([
        Cell::Figure(format::percent_or_unknown(found.recovered, 0)),
        Cell::Figure(
            found
                .elsewhere_change
                .map(|change| format::signed(change * 100.0, 2))
                .unwrap_or_default(),
        ),
        Cell::Figure(format::percent_or_unknown(found.figures.manipulated, 1)),
        Cell::Figure(proposed.unwrap_or_default()),
        Cell::Figure(found.relabelled_right.map(|share| format::percent(share, 0)).unwrap_or_default()),
        Cell::Figure(found.seconds.map(format::seconds).unwrap_or_default()),
        Cell::Figure(found.of_training.map(|share| format::percent(share, 0)).unwrap_or_default()),
    ]);
    row
}

fn settings(report: &StudyReport) -> Result<Option<Body>> {
    let settings = &report.settings;
    let held_out = settings.held_out.map_or("the profile's validation rows".to_owned(), |share| {
        format!(
            "the last {} of the training rows, which no model is trained on",
            format::percent(share, 0)
        )
    });
    let choice = if settings.search {
        format!("by the mean of the deletion change and the accuracy on {held_out}, with their observed labels, flagged rows left out")
    } else {
        "none: every method runs with its defaults".to_owned()
    };
    Ok(Some(Body::plain(facts(vec![
        ("Sheet", theirs(&settings.data_file)),
        ("Profile", theirs(&settings.profile_name)),
        ("Network", theirs(&settings.network)),
        (
            "Training",
            html! {
                @match settings.recipe {
                    RecipeKind::Paper => (format::counted(settings.epochs, "pass")),
                    RecipeKind::Standard => { "standard recipe, at most " (format::counted(settings.epochs, "pass")) " and as many as the validation rows choose" },
                }
                ", learning rate " (format::number(settings.learning_rate)) ", batches of " (format::count(settings.batch))
            },
        ),
        ("Choice of settings", html! { (choice) }),
        ("Flags found first", theirs(&settings.bias)),
        ("False flags", html! { (format::percent(settings.false_flags, 0)) }),
        ("Seed", html! { (settings.seed) }),
    ]))))
}

/// The table of figures as CSV, fractions as fractions.
fn summary_csv(report: &StudyReport) -> String {
    let mut text = String::from(
        "kind,rate,method,known,flags,affected_accuracy,affected_sd,recovered,elsewhere_accuracy,elsewhere_change,manipulated_accuracy,proposed,precision,relabelled_right,seconds,of_training,expanding_seconds,affected_against_without,affected_against_without_lowest,elsewhere_against_without,elsewhere_against_without_lowest,repetitions\n",
    );
    let cell = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let against = |found: Option<&MethodFigures>| found.and_then(|found| found.against_without);
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    for pattern in &report.patterns {
        let mut line = |method: &str, known: Option<f64>, figures: &Figures, found: Option<&MethodFigures>| {
            let cells = [
                quoted(&pattern.kind),
                quoted(&pattern.rate),
                quoted(method),
                cell(known),
                cell(found.map(|found| found.flags)),
                cell(figures.affected),
                cell(figures.affected_sd),
                cell(found.and_then(|found| found.recovered)),
                cell(figures.elsewhere),
                cell(found.and_then(|found| found.elsewhere_change)),
                cell(figures.manipulated),
                cell(found.and_then(|found| found.proposed)),
                cell(found.and_then(|found| found.precision)),
                cell(found.and_then(|found| found.relabelled_right)),
                cell(found.and_then(|found| found.seconds)),
                cell(found.and_then(|found| found.of_training)),
                cell(found.and_then(|found| found.expanding_seconds)),
                cell(against(found).and_then(|against| against.affected)),
                cell(against(found).and_then(|against| against.affected_lowest)),
                cell(against(found).and_then(|against| against.elsewhere)),
                cell(against(found).and_then(|against| against.elsewhere_lowest)),
                pattern.repetitions.to_string(),
            ];
            text.push_str(&cells.join(","));
            text.push('\n');
        };
        line("clean", None, &pattern.clean, None);
        line("none", None, &pattern.none, None);
        for found in &pattern.methods {
            line(&found.method, Some(found.known), &found.figures, Some(found));
        }
    }
    text
}
