//! Reports that one can send on: HTML, workbook, plots, and plain text for the terminal. Reads records, computes nothing.
//!
//! A section of a report is one file and one line in its list ([`repair::SECTIONS`], [`training::SECTIONS`]); a sheet of the
//! workbook is one function and one line in [`workbook::SHEETS`]. [`page`], [`elements`], [`parts`], [`format`](mod@format) and
//! [`plots`] know nothing of repairs, so that other reports can be made of them: collect the sections with [`assemble`], put
//! them on a [`page::Page`], write both with [`write_page`].

pub mod corrective;
pub mod corrective_images;
pub mod elements;
pub mod expanded_images;
pub mod forget;
pub mod format;
pub mod page;
pub mod parts;
mod pictures;
pub mod plots;
mod reading;
pub mod repair;
pub mod scenarios;
pub mod terminal;
pub mod training;
pub mod workbook;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::{Error, Result};
use crate::evaluate::record::{MethodRecord, RepairRecord, Timings};
use crate::evaluate::train_record::TrainRecord;
use crate::files;
use crate::report::page::{Page, Part};
use crate::report::plots::Plot;
use crate::visible;

pub use reading::{read_record, read_timings, read_training};

/// What a section of the repair report draws from: the record, and the method whose model was written.
pub struct Context<'a> {
    /// The whole record.
    pub record: &'a RepairRecord,
    /// Seconds; may be empty.
    pub timings: &'a Timings,
    /// The method whose model was written.
    pub chosen: &'a MethodRecord,
}

impl<'a> Context<'a> {
    /// Finds the chosen method.
    ///
    /// # Errors
    /// Where the record names a method that it does not hold.
    pub fn new(record: &'a RepairRecord, timings: &'a Timings) -> Result<Self> {
        let chosen = record.methods.iter().find(|method| method.name == record.chosen).ok_or_else(|| {
            let name = format::visible(&record.chosen, 60);
            Error::input(format!(
                "the record says that method `{name}` was written, but holds no such method"
            ))
            .hint("the record was altered or is not whole: run the repair again")
        })?;
        Ok(Self { record, timings, chosen })
    }
}

/// What a section puts on the page.
pub struct Body {
    /// Its markup, without the heading.
    pub markup: maud::Markup,
    /// Its plots, which are also saved as files.
    pub plots: Vec<Plot>,
}

impl Body {
    /// A section without plots.
    pub fn plain(markup: maud::Markup) -> Self {
        Self { markup, plots: Vec::new() }
    }
}

/// A section of a report; `D` is the function that draws it, or `None` where there is nothing to say.
pub struct Section<D> {
    /// Anchor, kebab-case.
    pub id: &'static str,
    /// Heading.
    pub title: &'static str,
    /// Draws it.
    pub draw: D,
}

/// A section of the repair report.
pub type RepairSection = Section<fn(&Context<'_>) -> Result<Option<Body>>>;

/// Draws sections in order and collects their plots.
///
/// # Errors
/// As the sections.
pub fn assemble<D>(sections: &[Section<D>], draw: impl Fn(&D) -> Result<Option<Body>>) -> Result<(Vec<Part>, Vec<Plot>)> {
    let mut parts = Vec::new();
    let mut plots = Vec::new();
    for section in sections {
        if let Some(body) = draw(&section.draw)? {
            plots.extend(body.plots);
            parts.push(Part {
                id: section.id,
                title: section.title.to_owned(),
                body: body.markup,
            });
        }
    }
    Ok((parts, plots))
}

/// The last line of a page.
pub fn footer(version: &str) -> String {
    let version = format::visible(version, 40);
    format!("Made by Recant {version}. This page is one file: it loads nothing from the network and runs no scripts.")
}

/// The repair report as one HTML file, and its plots.
///
/// # Errors
/// Where the record contradicts itself.
pub fn html(record: &RepairRecord, timings: &Timings) -> Result<(String, Vec<Plot>)> {
    let context = Context::new(record, timings)?;
    let (parts, plots) = assemble(repair::SECTIONS, |draw| draw(&context))?;
    let page = Page {
        title: &format!("{}: repair of {}", repair::headline(&context), record.model.name),
        kind: "Repair report",
        first_screen: repair::first_screen(&context, ""),
        parts: &parts,
        footer: &footer(&record.recant_version),
    };
    Ok((page.render(), plots))
}

/// Where a report was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportPaths {
    /// The page.
    pub html: PathBuf,
    /// The workbook, where there is one.
    pub workbook: Option<PathBuf>,
    /// The plots.
    pub plots: Vec<PathBuf>,
}

/// Writes `report.html`, `report.xlsx` and `plots/*.svg` into a folder; each file whole or not at all, and none before all are made.
///
/// # Errors
/// Where the record contradicts itself, or the folder cannot be written.
pub fn write_all(folder: &Path, record: &RepairRecord, timings: &Timings) -> Result<ReportPaths> {
    let (page, plots) = html(record, timings)?;
    let book = workbook::workbook(record, timings)?;
    write_page(folder, &page, &plots, Some(&book))
}

/// Writes the report of a training: `report.html` and `plots/*.svg`. The model card is a text of its own: [`training::model_card`].
///
/// # Errors
/// As [`write_all`].
pub fn write_training(folder: &Path, record: &TrainRecord, timings: &Timings) -> Result<ReportPaths> {
    let (page, plots) = training::html(record, timings)?;
    write_page(folder, &page, &plots, None)
}

/// Writes what a report is made from as `report.json`.
fn write_json(folder: &Path, report: &impl Serialize) -> Result<()> {
    let mut json = serde_json::to_string_pretty(report).map_err(|error| Error::internal(format!("the report as JSON: {error}")))?;
    json.push('\n');
    files::write_bytes(&folder.join("report.json"), json.as_bytes())
}

/// Writes `report.html`, `report.json`, `summary.csv` and `plots/*.svg` of a benchmark into a folder.
fn write_benchmark(folder: &Path, report: &impl Serialize, summary: &str, (page, plots): (String, Vec<Plot>)) -> Result<ReportPaths> {
    write_json(folder, report)?;
    files::write_bytes(&folder.join("summary.csv"), summary.as_bytes())?;
    write_page(folder, &page, &plots, None)
}

/// Writes a page, its plots and its workbook; the page last, so that it never points at what is not there.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write_page(folder: &Path, page: &str, plots: &[Plot], workbook: Option<&[u8]>) -> Result<ReportPaths> {
    let paths = ReportPaths {
        html: folder.join("report.html"),
        workbook: workbook.map(|_| folder.join("report.xlsx")),
        plots: plots
            .iter()
            .map(|plot| folder.join("plots").join(format!("{}.svg", plot.name)))
            .collect(),
    };
    for (plot, path) in plots.iter().zip(&paths.plots) {
        files::write_bytes(path, visible::page(plot.file().as_ref()).as_bytes())?;
    }
    if let (Some(path), Some(book)) = (&paths.workbook, workbook) {
        files::write_bytes(path, book)?;
    }
    files::write_bytes(&paths.html, visible::page(page).as_bytes())?;
    Ok(paths)
}
