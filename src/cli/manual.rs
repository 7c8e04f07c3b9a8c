//! `recant man`: the manual pages, from the same texts as `--help`.

use clap::CommandFactory;

use crate::cli::arguments::{CommandLine, ManArgs};
use crate::cli::{Context, sheets};
use crate::commands::check_new_folder;
use crate::error::{Error, Result};
use crate::files;

pub(super) fn run(context: &Context, arguments: &ManArgs) -> Result<()> {
    let out = &arguments.out;
    check_new_folder(out)?;
    files::write_folder(out, |folder| {
        clap_mangen::generate_to(CommandLine::command(), folder).map_err(|error| Error::io("write", out, &error))
    })?;
    let console = &context.console;
    console.item("Written", out.display().to_string());
    console.next_step("Read the first one:", &format!("man -l {}", sheets::shown(&out.join("recant.1"))));
    console.result(&serde_json::json!({ "out": sheets::in_result(out) }));
    Ok(())
}
