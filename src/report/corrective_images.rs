//! The report of a corrective study on images: the paper's claims, accuracies by the known share as in figures 2 to 7 of arXiv 2402.14015,
//! and times as in its table 3.

use std::path::Path;

use maud::{Markup, html};

use crate::error::Result;
use crate::experiments::corrective::settings::{Way, way};
use crate::experiments::corrective_images::claims::{Claim, Verdict};
use crate::experiments::corrective_images::figures::FIGURES;
use crate::experiments::corrective_images::settings::{HELD_OUT, IMPORTANCE_BATCH};
use crate::experiments::corrective_images::summary::{Figures, ImageStudyReport, ManipulationReport, MethodFigures};
use crate::experiments::images::Spread;
use crate::experiments::images::data::dataset;
use crate::nn::images::Length;
use crate::report::elements::{Cell, Column, facts, table, theirs};
use crate::report::page::Page;
use crate::report::plots::{GridPlot, Panel, Plot};
use crate::report::{Body, ReportPaths, Section, assemble, footer, format, write_benchmark};

/// A section of the report of a study.
pub type ImageStudySection = Section<fn(&ImageStudyReport) -> Result<Option<Body>>>;

/// All sections, in the order of the page.
pub const SECTIONS: &[ImageStudySection] = &[
    ImageStudySection {
        id: "claims",
        title: "The paper's claims",
        draw: claims,
    },
    ImageStudySection {
        id: "known",
        title: "By the known share",
        draw: by_known_share,
    },
    ImageStudySection {
        id: "rest",
        title: "Finding the rest",
        draw: finding_the_rest,
    },
    ImageStudySection {
        id: "figures",
        title: "All figures",
        draw: all_figures,
    },
    ImageStudySection {
        id: "settings",
        title: "Settings",
        draw: settings,
    },
    ImageStudySection {
        id: "words",
        title: "What the figures are",
        draw: words,
    },
];

/// The report as one HTML file, and its plots.
///
/// # Errors
/// Only by a fault of ours.
pub fn html(report: &ImageStudyReport) -> Result<(String, Vec<Plot>)> {
    let (parts, plots) = assemble(SECTIONS, |draw| draw(report))?;
    let page = Page {
        title: &format!("{}: corrective study on {}", headline(report), report.settings.dataset),
        kind: "Corrective study on images",
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
pub fn write(folder: &Path, report: &ImageStudyReport) -> Result<ReportPaths> {
    write_benchmark(folder, report, &summary_csv(report), html(report)?)
}

/// Mean of a figure of one method over manipulations at one known share; `None` unless every manipulation has it, so that methods are
/// compared over the same.
fn mean_of(report: &ImageStudyReport, method: &str, known: f64, figure: fn(&MethodFigures) -> Option<f64>) -> Option<f64> {
    let of = |found: &ManipulationReport| {
        let cell = found.methods.iter().find(|cell| cell.method == method && cell.known == known);
        cell.and_then(figure)
    };
    let found: Vec<f64> = report.manipulations.iter().map(of).collect::<Option<_>>()?;
    (!found.is_empty()).then(|| found.iter().sum::<f64>() / found.len() as f64)
}

fn least_known(report: &ImageStudyReport) -> Option<f64> {
    report.settings.known_shares.iter().copied().reduce(f64::min)
}

/// How far the healed x utility of a method may be off by the images it is counted on and, of several seeds, from seed to seed: the standard error of
/// its mean over manipulations. One seed tells nothing of how far another would lie.
fn uncertainty(report: &ImageStudyReport, method: &str, known: f64) -> f64 {
    let squared = |found: &ManipulationReport| {
        let cell = found.methods.iter().find(|cell| cell.method == method && cell.known == known)?;
        let (healed, utility) = (cell.healed?, cell.utility?);
        let figures = &cell.figures;
        let seeds = figures.affected.count.max(1) as f64;
        let judged = if figures.elsewhere.is_some() {
            found.test_images.1
        } else {
            found.test_images.0
        };
        let of_mean = |sd: Option<f64>, share: f64, images: f64| {
            let by_images = share * (1.0 - share) / (images.max(1.0) * seeds);
            by_images.max(sd.map_or(0.0, |sd| sd * sd / seeds))
        };
        let of_healed = of_mean(figures.manipulated.sd, healed, found.count as f64);
        let of_utility = of_mean(figures.elsewhere.unwrap_or(figures.affected).sd, utility, f64::from(judged));
        Some(utility * utility * of_healed + healed * healed * of_utility)
    };
    let sum: f64 = report.manipulations.iter().filter_map(squared).sum();
    sum.sqrt() / report.manipulations.len().max(1) as f64
}

/// The method with most healed x utility at the smallest known share, beside retraining; or all that cannot be told apart from it, which lie
/// within two standard errors of the difference.
fn headline(report: &ImageStudyReport) -> String {
    let product = |method: &str, known: f64| mean_of(report, method, known, MethodFigures::product);
    let Some(known) = least_known(report) else {
        return "Nothing to compare yet".to_owned();
    };
    let all = report.settings.methods.iter();
    let mut found: Vec<(&str, f64)> = all.filter_map(|method| Some((method.as_str(), product(method, known)?))).collect();
    found.sort_by(|one, other| other.1.total_cmp(&one.1));
    let Some(&(best, most)) = found.first() else {
        return "Nothing to compare yet".to_owned();
    };
    let own = uncertainty(report, best, known);
    let tied = found
        .iter()
        .filter(|(method, product)| most - product <= 2.0 * own.hypot(uncertainty(report, method, known)));
    let tied: Vec<&(&str, f64)> = tied.collect();
    let known_share = format::percent(known, 0);
    if let [_, .., (_, least)] = tied[..] {
        let cells = report.manipulations.iter().flat_map(|found| &found.methods);
        // Of those planned some may not be there yet.
        let seeds = cells.filter(|cell| cell.known == known).map(|cell| cell.figures.affected.count);
        let names: Vec<&str> = tied.iter().map(|(method, _)| *method).collect();
        let names = match names.len() {
            2 | 3 => names.join(" and "),
            count => format!("The best {count} methods"),
        };
        return format!(
            "{names} cannot be told apart with {} and {known_share} known: healed x utility {} to {}",
            format::counted(seeds.min().unwrap_or_default(), "seed"),
            format::percent(*least, 1),
            format::percent(most, 1),
        );
    }
    let retrain = product("retrain", known).filter(|_| best != "retrain" && found.len() > 1);
    let beside = retrain.map(|share| format!(" (retraining: {})", format::percent(share, 1)));
    format!(
        "{best} does best with {known_share} known: healed x utility {}{}",
        format::percent(most, 1),
        beside.unwrap_or_default()
    )
}

fn first_screen(report: &ImageStudyReport) -> Markup {
    let (done, planned) = report.pieces;
    let settings = &report.settings;
    let mut columns = vec![Column::text("method")];
    columns.extend(
        settings
            .known_shares
            .iter()
            .map(|known| Column::figures(&format!("{} known", format::percent(*known, 0)))),
    );
    columns.push(Column::figures("time, of training"));
    let rows = settings.methods.iter().map(|method| {
        let mut row = vec![Cell::Words(format::visible(method, 60).into_owned())];
        let products = settings
            .known_shares
            .iter()
            .map(|known| mean_of(report, method, *known, MethodFigures::product));
        row.extend(products.map(|found| Cell::Figure(format::percent_or_unknown(found, 1))));
        let times: Vec<f64> = settings
            .known_shares
            .iter()
            .filter_map(|known| mean_of(report, method, *known, |found| found.of_training))
            .collect();
        let time = (!times.is_empty()).then(|| times.iter().sum::<f64>() / times.len() as f64);
        row.push(Cell::Figure(format::percent_or_unknown(time, 0)));
        row
    });
    html! {
        h1 { (theirs(&headline(report))) }
        p {
            (theirs(&settings.dataset)) ", " (theirs(&settings.network)) ", " (format::counted(report.manipulations.len(), "manipulation")) ", "
            (format::counted(settings.seeds as usize, "model")) " each. "
            @if done < planned { (format::count(done)) " of " (format::counted(planned, "result")) " are there; the rest is missing below. " }
            "A part of the training images is spoiled; a method is given a part of these and repairs the network. Settings were never chosen on test images."
        }
        @if let Some(told) = reduced(report) { p { (told) } }
        (table("Healed x utility, mean over manipulations and models", &columns, rows.collect()))
    }
}

/// What differs from the published benchmark, in a sentence.
fn reduced(report: &ImageStudyReport) -> Option<String> {
    let settings = &report.settings;
    let published = dataset(&settings.dataset).ok()?.corrective;
    let mut told = Vec::new();
    for (name, (used, whole)) in [("training", settings.training_images), ("test", settings.test_images)] {
        if used < whole {
            told.push(format!(
                "{} of {} {name} images, drawn at random",
                format::count(used),
                format::count(whole)
            ));
        }
    }
    if settings.network != published.network {
        told.push(format!("the network {} in place of {}", settings.network, published.network));
    }
    if settings.recipe != (published.recipe)(&settings.network, settings.classes) {
        told.push(format!("a training of {}", length(report)));
    }
    if settings.dataset == "made-up" {
        told.push("images that are made up".to_owned());
    }
    (!told.is_empty()).then(|| format!("Not the published benchmark but {}.", told.join("; ")))
}

fn length(report: &ImageStudyReport) -> String {
    let recipe = &report.settings.recipe;
    let length = match recipe.length {
        Length::Epochs(epochs) => format::counted(epochs, "epoch"),
        Length::Steps(steps) => format::counted(steps, "step"),
    };
    format!(
        "{length} in batches of {}, learning rate {}",
        recipe.batch,
        format::number(recipe.learning_rate)
    )
}

fn verdict(claim: &Claim) -> &'static str {
    match claim.verdict {
        Verdict::Confirmed => "confirmed",
        Verdict::Refuted => "refuted",
        Verdict::NotRun => "not run",
    }
}

fn claims(report: &ImageStudyReport) -> Result<Option<Body>> {
    let columns = [
        Column::figures("no."),
        Column::text("claim"),
        Column::text("here"),
        Column::text("figures"),
    ];
    let rows = report.claims.iter().map(|claim| {
        vec![
            Cell::Figure(claim.number.to_string()),
            Cell::Words(claim.text.clone()),
            Cell::Words(verdict(claim).to_owned()),
            Cell::Words(format!("{} {}", claim.rule, claim.figures.join(" "))),
        ]
    });
    Ok(Some(Body::plain(html! {
        p { "The paper's figures carry no numbers, so what counts as confirmed is ours and stated with each claim. A claim is refuted by one cell that contradicts it." }
        (table("Claims of arXiv 2402.14015", &columns, rows.collect()))
    })))
}

/// One grid of small multiples for each manipulation: a panel for each method.
fn by_known_share(report: &ImageStudyReport) -> Result<Option<Body>> {
    let mut plots = Vec::new();
    for (number, found) in report.manipulations.iter().enumerate() {
        if !found.methods.is_empty() {
            plots.push(grid(report, found, &format!("known-{}", number + 1))?);
        }
    }
    if plots.is_empty() {
        return Ok(None);
    }
    let of_paper = FIGURES
        .iter()
        .map(|figure| format!("{} ({}, {})", figure.number, figure.kind, figure.shows));
    let of_paper = of_paper.collect::<Vec<_>>().join("; ");
    Ok(Some(Body {
        markup: html! {
            p { "Accuracy by clean labels against the share of the manipulated images that is known. The paper shows the same apart, as figures " (of_paper) "." }
            @for plot in &plots { (plot.figure(&format!("{}. Means over models.", plot.title))) }
        },
        plots,
    }))
}

fn grid(report: &ImageStudyReport, found: &ManipulationReport, name: &str) -> Result<Plot> {
    let line = |method: &str, figure: fn(&Figures) -> Option<f64>| -> Vec<(f64, f64)> {
        let cells = found.methods.iter().filter(|cell| cell.method == method);
        cells
            .filter_map(|cell| Some((cell.known * 100.0, figure(&cell.figures)?)))
            .collect()
    };
    let methods = report
        .settings
        .methods
        .iter()
        .filter(|method| found.methods.iter().any(|cell| cell.method == **method));
    let panels = methods.map(|method| Panel {
        title: method.clone(),
        lines: vec![
            line(method, |figures| Some(figures.affected.mean)),
            line(method, |figures| Some(figures.manipulated.mean)),
            line(method, |figures| Some(figures.elsewhere?.mean)),
        ],
    });
    let level = |name: &str, figures: Option<Figures>| figures.map(|figures| (name.to_owned(), figures.affected.mean));
    GridPlot {
        name,
        title: &found.manipulation,
        across: "share of the manipulated images that is known, %",
        keys: ["affected test images", "manipulated training images", "test images outside"]
            .map(str::to_owned)
            .to_vec(),
        levels: [
            level("affected test images, trained on the clean set", found.clean),
            level("affected test images, spoiled", found.spoiled),
        ]
        .into_iter()
        .flatten()
        .collect(),
        panels: panels.collect(),
    }
    .draw()
}

/// What was proposed from the known images alone: once for every way that looks once, and by each way that looks twice.
fn finding_the_rest(report: &ImageStudyReport) -> Result<Option<Body>> {
    let ways = report.settings.methods.iter().filter_map(|method| way(method).ok());
    let (twice, once): (Vec<Way>, Vec<Way>) = ways.filter(|way| way.proposed.is_some()).partition(|way| way.twice);
    let searches: Vec<Way> = once.into_iter().take(1).chain(twice).collect();
    if searches.is_empty() {
        return Ok(None);
    }
    let columns = [
        Column::text("manipulation"),
        Column::text("search"),
        Column::figures("known"),
        Column::figures("flags"),
        Column::figures("proposed"),
        Column::figures("precision"),
        Column::figures("recall"),
        Column::figures("time"),
        Column::text("what they have in common"),
    ];
    let mut rows = Vec::new();
    for found in &report.manipulations {
        let each = searches.iter().flat_map(|way| found.methods.iter().map(move |cell| (way, cell)));
        for (way, cell) in each.filter(|(way, cell)| cell.method == way.name) {
            rows.push(vec![
                Cell::Words(format::visible(&found.manipulation, 80).into_owned()),
                Cell::Words(if way.twice {
                    format::visible(&way.name, 60).into_owned()
                } else {
                    "once".to_owned()
                }),
                Cell::Figure(format::percent(cell.known, 0)),
                Cell::Figure(format::decimal(cell.flags, 0)),
                Cell::Figure(cell.proposed.map(|count| format::decimal(count, 0)).unwrap_or_default()),
                Cell::Figure(format::percent_or_unknown(cell.precision, 1)),
                Cell::Figure(format::percent_or_unknown(cell.recall, 1)),
                Cell::Figure(cell.expanding_seconds.map(format::seconds).unwrap_or_default()),
                Cell::Words(format::visible(&cell.rules.join(" "), 400).into_owned()),
            ]);
        }
    }
    Ok(Some(Body::plain(html! {
        p { "Ways that begin with expand first propose further images from the known ones alone, and drop them with these (expand-relabel: learn all as their likeliest other class; twice: look again with the network so repaired). Recall is over the manipulated images that are not known." }
        (table("Proposed images, means over models", &columns, rows))
    })))
}

fn show(spread: Option<Spread>) -> Cell {
    Cell::Figure(spread.filter(|spread| spread.mean.is_finite()).map_or_else(String::new, |spread| {
        let sd = spread
            .sd
            .map(|sd| format!(" ± {}", format::decimal(sd * 100.0, 2)))
            .unwrap_or_default();
        format!("{}{sd}", format::decimal(spread.mean * 100.0, 2))
    }))
}

fn all_figures(report: &ImageStudyReport) -> Result<Option<Body>> {
    let columns = [
        Column::text("method"),
        Column::figures("known"),
        Column::figures("flags"),
        Column::figures("affected, %"),
        Column::figures("manipulated, %"),
        Column::figures("outside, %"),
        Column::figures("healed x utility"),
        Column::figures("gap closed"),
        Column::figures("time"),
        Column::figures("of training"),
    ];
    let blank = || Cell::Figure(String::new());
    let base = |name: &str, figures: Option<Figures>| {
        figures.map(|figures| {
            let mut row = vec![Cell::Words(name.to_owned()), blank(), blank()];
            row.extend([
                show(Some(figures.affected)),
                show(Some(figures.manipulated)),
                show(figures.elsewhere),
            ]);
            row.extend([blank(), blank()]);
            row.extend([Cell::Figure(figures.seconds.map(format::seconds).unwrap_or_default()), blank()]);
            row
        })
    };
    let rows = |found: &ManipulationReport| -> Vec<Vec<Cell>> {
        let unrepaired = [base("trained on the clean set", found.clean), base("spoiled", found.spoiled)];
        unrepaired
            .into_iter()
            .flatten()
            .chain(found.methods.iter().map(figure_row))
            .collect()
    };
    Ok(Some(Body::plain(html! {
        @for found in &report.manipulations {
            h3 { (theirs(&found.manipulation)) }
            p {
                (format::counted(found.count, "manipulated image")) " of " (format::count(found.training_images as usize)) " that the network is trained on ("
                (format::share(found.count, found.training_images as usize, 2)) "); " (format::count(found.test_images.0 as usize)) " affected test images, "
                (format::count(found.test_images.1 as usize)) " outside."
            }
            (table("Clean-label accuracies, mean and standard deviation over models", &columns, rows(found)))
        }
    })))
}

fn figure_row(found: &MethodFigures) -> Vec<Cell> {
    let mut name = format::visible(&found.method, 60).into_owned();
    if found.failed > 0 {
        name = format!("{name} (failed in {})", found.failed);
    }
    vec![
        Cell::Words(name),
        Cell::Figure(format::percent(found.known, 0)),
        Cell::Figure(format::decimal(found.flags, 0)),
        show(Some(found.figures.affected)),
        show(Some(found.figures.manipulated)),
        show(found.figures.elsewhere),
        Cell::Figure(format::percent_or_unknown(found.product(), 1)),
        Cell::Figure(format::percent_or_unknown(found.recovered, 0)),
        Cell::Figure(found.figures.seconds.map(format::seconds).unwrap_or_default()),
        Cell::Figure(found.of_training.map(|share| format::percent(share, 0)).unwrap_or_default()),
    ]
}

fn settings(report: &ImageStudyReport) -> Result<Option<Body>> {
    let settings = &report.settings;
    let choice = if settings.search {
        format!(
            "by the mean of the deletion change and the accuracy on {} held-out training images ({}), with their recorded labels, flagged ones left out",
            format::count(settings.held_out),
            format::percent(HELD_OUT, 0)
        )
    } else {
        "none: every method runs with its defaults".to_owned()
    };
    Ok(Some(Body::plain(facts(vec![
        ("Image set", theirs(&settings.dataset)),
        (
            "Network",
            html! { (theirs(&settings.network)) ", " (format::counted(settings.parameters, "parameter")) },
        ),
        ("Training", html! { (length(report)) }),
        ("Device", theirs(&settings.device)),
        (
            "Importances",
            html! { "squared gradients of batches of " (IMPORTANCE_BATCH) ", flagged images against all" },
        ),
        ("Choice of settings", html! { (choice) }),
        ("Flags found first", theirs(&settings.bias)),
        ("False flags", html! { (format::percent(settings.false_flags, 0)) }),
        ("Seed", html! { (settings.seed) }),
    ]))))
}

fn words(_report: &ImageStudyReport) -> Result<Option<Body>> {
    Ok(Some(Body::plain(html! {
        p {
            "All accuracies are by clean labels. " strong { "Affected" } ": test images that the manipulation strikes, of a poison every test image with the trigger put in, "
            "of a confusion those of the two classes. " strong { "Manipulated" } ": the training images that were spoiled, known or not. "
            strong { "Outside" } ": the other test images; of a poison all of them, without the trigger."
        }
        p {
            strong { "Healed x utility" } ": accuracy on the manipulated training images times accuracy outside (on the affected test images where there are no others). "
            strong { "Gap closed" } ": (method - spoiled) / (clean - spoiled) on the affected test images, of models with a gap of at least one point. "
            strong { "Time" } ": of the repair alone, with the search for its settings; importances over all training images are measured once for all known shares and not in it."
        }
        p {
            "The deletion change is the share of the flagged images that the network no longer gives their recorded label."
        }
    })))
}

/// The table of figures as CSV, fractions as fractions.
fn summary_csv(report: &ImageStudyReport) -> String {
    let mut text = String::from(
        "manipulation,method,known,flags,affected_accuracy,affected_sd,manipulated_accuracy,manipulated_sd,elsewhere_accuracy,elsewhere_sd,healed,utility,product,recovered,elsewhere_change,proposed,precision,recall,expanding_seconds,seconds,of_training,models\n",
    );
    let cell = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    for found in &report.manipulations {
        let mut line = |method: &str, figures: Option<Figures>, of: Option<&MethodFigures>| {
            let Some(figures) = figures else { return };
            let cells = [
                quoted(&found.manipulation),
                quoted(method),
                cell(of.map(|of| of.known)),
                cell(of.map(|of| of.flags)),
                cell(Some(figures.affected.mean)),
                cell(figures.affected.sd),
                cell(Some(figures.manipulated.mean)),
                cell(figures.manipulated.sd),
                cell(figures.elsewhere.map(|spread| spread.mean)),
                cell(figures.elsewhere.and_then(|spread| spread.sd)),
                cell(of.and_then(|of| of.healed)),
                cell(of.and_then(|of| of.utility)),
                cell(of.and_then(MethodFigures::product)),
                cell(of.and_then(|of| of.recovered)),
                cell(of.and_then(|of| of.elsewhere_change)),
                cell(of.and_then(|of| of.proposed)),
                cell(of.and_then(|of| of.precision)),
                cell(of.and_then(|of| of.recall)),
                cell(of.and_then(|of| of.expanding_seconds)),
                cell(figures.seconds),
                cell(of.and_then(|of| of.of_training)),
                figures.affected.count.to_string(),
            ];
            text.push_str(&cells.join(","));
            text.push('\n');
        };
        line("clean", found.clean, None);
        line("none", found.spoiled, None);
        for of in &found.methods {
            line(&of.method, Some(of.figures), Some(of));
        }
    }
    text
}

#[cfg(test)]
#[path = "corrective_images_tests.rs"]
mod tests;
