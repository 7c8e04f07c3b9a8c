//! `recant report`: rebuilds a report from stored records.

use std::path::{Path, PathBuf};

use crate::cli::Context;
use crate::cli::arguments::ReportArgs;
use crate::cli::sheets;
use crate::commands::check_new_folder;
use crate::error::{Error, Result};
use crate::evaluate::record::Timings;
use crate::files;
use crate::report;

/// A stored record, and what it is of.
enum Stored {
    Repair(PathBuf),
    Training(PathBuf),
}

pub(super) fn run(context: &Context, arguments: &ReportArgs) -> Result<()> {
    check_new_folder(&arguments.out)?;
    let stored = find(&arguments.run)?;
    files::write_folder(&arguments.out, |out| match &stored {
        Stored::Repair(path) => {
            let record = report::read_record(path)?;
            let timings = report::read_timings(&path.with_file_name("timings.json"))?;
            report::write_all(out, &record, &timings).map(drop)
        }
        Stored::Training(path) => {
            let record = report::read_training(path)?;
            report::write_training(out, &record, &Timings::default()).map(drop)
        }
    })?;
    let page = arguments.out.join("report.html");
    let (kind, record) = match &stored {
        Stored::Repair(path) => ("repair", path),
        Stored::Training(path) => ("training", path),
    };
    context.console.item("Report", page.display().to_string());
    context
        .console
        .result(&serde_json::json!({ "report": sheets::in_result(&page), "kind": kind, "record": record }));
    Ok(())
}

/// The record that a folder holds, or that a file is.
fn find(run: &Path) -> Result<Stored> {
    let about = std::fs::metadata(run).map_err(|error| Error::io("read", run, &error))?;
    if !about.is_dir() {
        // Neither a pipe nor a device.
        files::open("read", run)?;
        return Ok(if looks_like_training(run) {
            Stored::Training(run.to_owned())
        } else {
            Stored::Repair(run.to_owned())
        });
    }
    let inside = run.join("report");
    if let Some(path) = [&inside, run]
        .map(|folder| folder.join("record.json"))
        .into_iter()
        .find(|path| path.is_file())
    {
        return Ok(Stored::Repair(path));
    }
    let training = run.join("training.json");
    if training.is_file() {
        return Ok(Stored::Training(training));
    }
    let error = Error::input(format!(
        "`{}` holds neither a repair (record.json) nor a training (training.json)",
        run.display()
    ));
    Err(if run.join("settings.json").is_file() {
        error.hint(format!(
            "it holds a batch of scenarios: `recant scenarios report {}`",
            sheets::shown(run)
        ))
    } else {
        error.hint("give a folder that `recant train` or `recant repair` made")
    })
}

/// Whether a file is a training record: by its name, else by what only such a record has.
fn looks_like_training(path: &Path) -> bool {
    if path.file_name().is_some_and(|name| name == "training.json") {
        return true;
    }
    // Where it cannot be read, reading it as a record of a repair says why.
    let text = files::read("read", path, files::SETTINGS).unwrap_or_default();
    serde_json::from_slice::<serde_json::Value>(&text).is_ok_and(|value| value.get("usefulness").is_some())
}
