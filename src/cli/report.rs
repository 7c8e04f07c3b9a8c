//! `recant report`: rebuilds a report from stored records.

use crate::cli::Context;
use crate::cli::arguments::ReportArgs;
use crate::error::{Error, Result};
use crate::evaluate::record::Timings;
use crate::files;
use crate::report;

pub(super) fn run(context: &Context, arguments: &ReportArgs) -> Result<()> {
    let inside = arguments.run.join("report");
    let record_file = [&inside, &arguments.run]
        .map(|folder| folder.join("record.json"))
        .into_iter()
        .find(|path| path.is_file());
    let training_file = arguments.run.join("training.json");
    files::write_folder(&arguments.out, |out| match record_file {
        Some(path) => {
            let record = report::read_record(&path)?;
            let timings = report::read_timings(&path.with_file_name("timings.json"))?;
            report::write_all(out, &record, &timings).map(drop)
        }
        None if training_file.is_file() => {
            let record = report::read_training(&training_file)?;
            report::write_training(out, &record, &Timings::default()).map(drop)
        }
        None => Err(Error::input(format!(
            "`{}` holds neither a repair (record.json) nor a training (training.json)",
            arguments.run.display()
        ))
        .hint("give a folder that `recant train` or `recant repair` made")),
    })?;
    let paths = arguments.out.join("report.html");
    context.console.item("Report", paths.display().to_string());
    context.console.result(&serde_json::json!({ "report": paths }));
    Ok(())
}
