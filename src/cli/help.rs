//! Help texts. clap breaks long lines at spaces, also those of an example, which could then not be pasted: here examples stay in one piece.

use std::ffi::OsString;
use std::io::Write;

use clap::error::ErrorKind;
use clap::{Command, CommandFactory, FromArgMatches};

use crate::cli::arguments::CommandLine;
use crate::visible;

/// Stands for a space where a line must not be broken. No help text and no option has one.
const GLUE: &str = "\u{a0}";

/// Reads the command line. Help and mistakes come back as an error for [`show`].
///
/// # Errors
/// Where the arguments are wrong, or help or the version is asked for.
pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<CommandLine, clap::Error> {
    let mut command = with_whole_examples(CommandLine::command());
    let arguments = without_data_before_sheets(arguments.into_iter().collect());
    let matches = command
        .try_get_matches_from_mut(&arguments)
        .map_err(|error| with_visible_arguments(&arguments).unwrap_or(error))?;
    CommandLine::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// The arguments without a `--data` before a sheet, where a command takes its sheets without an option: other commands want it there, and nobody need
/// remember which. Of images `--data` names their folder.
fn without_data_before_sheets(arguments: Vec<OsString>) -> Vec<OsString> {
    const BARE: [&str; 5] = ["inspect", "train", "suspects", "expand", "predict"];
    let bare = arguments
        .get(1)
        .and_then(|command| command.to_str())
        .is_some_and(|command| BARE.contains(&command));
    if !bare || arguments.iter().any(|argument| argument.to_string_lossy().starts_with("--dataset")) {
        return arguments;
    }
    arguments.into_iter().filter(|argument| argument != "--data").collect()
}

/// The same mistake told with arguments that can be seen: a pattern such as `*` may stand for file names that hold line breaks.
fn with_visible_arguments(arguments: &[OsString]) -> Option<clap::Error> {
    let shown = arguments
        .iter()
        .map(|argument| visible::line(&argument.to_string_lossy()).into_owned());
    with_whole_examples(CommandLine::command()).try_get_matches_from(shown).err()
}

/// Glues the indented lines of what stands below the options.
fn with_whole_examples(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let command = match command.get_after_help().map(ToString::to_string) {
        Some(text) => {
            let glued: Vec<String> = text
                .lines()
                .map(|line| {
                    if line.starts_with("  ") {
                        line.replace(' ', GLUE)
                    } else {
                        line.to_owned()
                    }
                })
                .collect();
            command.after_help(glued.join("\n"))
        }
        None => command,
    };
    names
        .into_iter()
        .fold(command, |command, name| command.mut_subcommand(name, with_whole_examples))
}

/// Prints help to stdout, mistakes to stderr.
pub(super) fn show(error: &clap::Error) {
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    // A reader that has gone away (`| head`) is no error.
    let rendered = error.render().ansi().to_string();
    // A mistake shows what was typed, or what a pattern such as `*` stood for: text from outside.
    let text = if is_help {
        rendered.replace(GLUE, " ")
    } else {
        visible::terminal(&rendered).into_owned()
    };
    let _ = if error.use_stderr() {
        anstream::stderr().write_all(text.as_bytes())
    } else {
        anstream::stdout().write_all(text.as_bytes())
    };
}
