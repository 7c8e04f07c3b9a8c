//! The report of a batch of scenarios: does a repair help, for which error rate and network size?

mod beside_paper;
mod figures;
mod gains;
mod initialisations;
mod settings;
mod tests_in_full;
mod workbook;

use std::path::Path;

use maud::{Markup, html};

use crate::error::Result;
use crate::evaluate::record::Verdict;
use crate::experiments::random_errors::summary::{BatchReport, CellReport, MethodReport};
use crate::report::page::Page;
use crate::report::plots::Plot;
use crate::report::{Body, ReportPaths, Section, assemble, footer, format, write_json, write_page};

/// A section of the report of a batch.
pub type BatchSection = Section<fn(&BatchReport) -> Result<Option<Body>>>;

/// All sections, in the order of the page. The first screen stands above them.
pub const SECTIONS: &[BatchSection] = &[
    gains::SECTION,
    beside_paper::SECTION,
    figures::BOXES,
    figures::SORTED,
    initialisations::SECTION,
    figures::ALPHA,
    figures::LAMBDA,
    figures::LEARNING_RATES,
    tests_in_full::SENTENCES,
    tests_in_full::TESTS,
    tests_in_full::FRIEDMAN,
    tests_in_full::VARIANCE,
    settings::SIZES,
    settings::SETTINGS,
    settings::WARNINGS,
];

/// The report as one HTML file, and its plots.
///
/// # Errors
/// Only by a fault of ours.
pub fn html(report: &BatchReport) -> Result<(String, Vec<Plot>)> {
    let (parts, plots) = assemble(SECTIONS, |draw| draw(report))?;
    let page = Page {
        title: &format!("{}: scenarios on {}", headline(report), report.settings.data_file),
        kind: "Scenario report",
        first_screen: first_screen(report),
        parts: &parts,
        footer: &footer(&report.recant_version),
    };
    Ok((page.render(), plots))
}

/// Writes `report.html`, `report.xlsx`, `report.json` and `plots/*.svg` into a folder.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write(folder: &Path, report: &BatchReport) -> Result<ReportPaths> {
    let (page, plots) = html(report)?;
    let book = workbook::workbook(report)?;
    write_json(folder, report)?;
    write_page(folder, &page, &plots, Some(&book))
}

/// How many cells of a method came out how.
pub(super) fn tally(report: &BatchReport, method: &str) -> (usize, usize, usize, usize) {
    let mut counts = (0, 0, 0, 0);
    for found in report
        .cells
        .iter()
        .flat_map(|cell| &cell.methods)
        .filter(|found| found.method == method)
    {
        match found.test.verdict {
            Verdict::Better => counts.0 += 1,
            Verdict::Worse => counts.1 += 1,
            Verdict::NoChangeDetected => counts.2 += 1,
            Verdict::CannotBeJudged => counts.3 += 1,
        }
    }
    counts
}

/// The result in a few words.
pub fn headline(report: &BatchReport) -> String {
    let tallies = || report.settings.methods.iter().map(|method| (tally(report, method), method));
    let judged: usize = tallies().map(|((better, worse, same, _), _)| better + worse + same).sum();
    let best = tallies()
        .map(|((better, ..), method)| (better, method))
        .max_by_key(|(better, _)| *better);
    match best {
        Some((0, _)) | None if judged == 0 => "Too few scenarios to tell".to_owned(),
        Some((0, _)) | None => "No repair helped".to_owned(),
        Some((better, _)) if better == report.cells.len() => "A repair helped in every cell".to_owned(),
        Some(_) => "A repair helped in some cells".to_owned(),
    }
}

fn first_screen(report: &BatchReport) -> Markup {
    let (done, planned) = report.scenarios;
    let least = format::size_in_points(report.evaluation.minimum_effect);
    html! {
        h1 { (headline(report)) }
        p {
            (format::counted(done as usize, "scenario")) @if done < planned { " of " (format::count(planned as usize)) } " over "
            (format::counted(report.cells.len(), "cell")) " (network size and error rate). A cell counts as better or worse if both paired tests "
            "agree after correction over the whole grid and the mean change is at least " (least) "."
        }
        ul {
            @for method in &report.settings.methods {
                @let (better, worse, same, too_few) = tally(report, method);
                li { strong { (format::visible(method, 60)) } ": better in " (better) ", worse in " (worse) ", no change detected in " (same) " of " (better + worse + same + too_few) " cells"
                    @if too_few > 0 { ", too few runs to tell in " (too_few) } }
            }
        }
    }
}

/// The method whose curves and boxes are drawn first: ASSD, else the first.
pub(super) fn main_method(cell: &CellReport) -> Option<&MethodReport> {
    cell.methods
        .iter()
        .find(|method| method.method == "assd")
        .or_else(|| cell.methods.first())
}

/// Sizes in the order of the settings that have a judged cell.
pub(super) fn sizes(report: &BatchReport) -> Vec<&str> {
    let sizes = report.settings.sizes.iter().map(|size| size.size.as_str());
    sizes.filter(|size| report.cells.iter().any(|cell| cell.size == *size)).collect()
}

/// A verdict as a word with a mark that needs no colour.
pub(super) fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "▲ better",
        Verdict::Worse => "▼ worse",
        Verdict::NoChangeDetected => "no change",
        Verdict::CannotBeJudged => "too few runs",
    }
}

/// A size as part of a file name.
pub(super) fn stem(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect()
}

#[cfg(test)]
mod tests;
