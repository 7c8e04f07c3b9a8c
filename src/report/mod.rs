//! Reports that one can send on: HTML, workbook, plots, and plain text for the terminal. Reads records, computes nothing.
//!
//! A section of the repair report is one file in `sections/` and one line in [`SECTIONS`]; a sheet of the workbook is one
//! function and one line in [`workbook::SHEETS`]. [`page`], [`elements`], [`format`](mod@format) and [`plots`] know nothing
//! of repairs, so that other reports can be made of them.

pub mod elements;
pub mod format;
pub mod page;
pub mod plots;
mod reading;
mod sections;
pub mod terminal;
pub mod workbook;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::evaluate::record::{MethodRecord, RepairRecord, Timings};
use crate::files;
use crate::report::page::{Page, Part};
use crate::report::plots::Plot;

pub use reading::{read_record, read_timings};
pub use sections::SECTIONS;

/// What a section draws from: the record, and the method whose model was written.
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

/// A section of the repair report.
pub struct Section {
    /// Anchor, kebab-case.
    pub id: &'static str,
    /// Heading.
    pub title: &'static str,
    /// Draws it; `None` where there is nothing to say.
    pub draw: fn(&Context<'_>) -> Result<Option<Body>>,
}

/// Where a report was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportPaths {
    /// The page.
    pub html: PathBuf,
    /// The workbook.
    pub workbook: PathBuf,
    /// The plots.
    pub plots: Vec<PathBuf>,
}

/// The report as one HTML file, and its plots.
///
/// # Errors
/// Where the record contradicts itself.
pub fn html(record: &RepairRecord, timings: &Timings) -> Result<(String, Vec<Plot>)> {
    let context = Context::new(record, timings)?;
    let first = sections::first_screen(&context);
    let mut parts = Vec::new();
    let mut plots = Vec::new();
    for section in SECTIONS {
        if let Some(body) = (section.draw)(&context)? {
            plots.extend(body.plots);
            parts.push(Part {
                id: section.id,
                title: section.title.to_owned(),
                body: body.markup,
            });
        }
    }
    let page = Page {
        title: &format!("{}: repair of {}", sections::headline(&context), record.model.name),
        kind: "Repair report",
        first_screen: first,
        parts: &parts,
        footer: &format!(
            "Made by Recant {}. This page is one file: it loads nothing from the network and runs no scripts.",
            format::visible(&record.recant_version, 40)
        ),
    };
    Ok((page.render(), plots))
}

/// Writes `report.html`, `report.xlsx` and `plots/*.svg` into a folder; each file whole or not at all, and none before all are made.
///
/// # Errors
/// Where the record contradicts itself, or the folder cannot be written.
pub fn write_all(folder: &Path, record: &RepairRecord, timings: &Timings) -> Result<ReportPaths> {
    let (page, plots) = html(record, timings)?;
    let book = workbook::workbook(record, timings)?;
    let paths = ReportPaths {
        html: folder.join("report.html"),
        workbook: folder.join("report.xlsx"),
        plots: plots
            .iter()
            .map(|plot| folder.join("plots").join(format!("{}.svg", plot.name)))
            .collect(),
    };
    for (plot, path) in plots.iter().zip(&paths.plots) {
        files::write_bytes(path, plot.file().as_bytes())?;
    }
    files::write_bytes(&paths.workbook, &book)?;
    files::write_bytes(&paths.html, page.as_bytes())?;
    Ok(paths)
}
