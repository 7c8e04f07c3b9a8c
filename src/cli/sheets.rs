//! From options to sheets and profiles: what several commands share.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::cli::arguments::{ProfileOptions, SheetOptions};
use crate::commands::SheetSource;
use crate::error::Result;
use crate::features::{Overrides, Profile};
use crate::notes::Notes;
use crate::seed::Seed;
use crate::tables::{ReadOptions, Table, Writing, parse_delimiter};

/// Reads a sheet as the options say.
pub(super) fn read(path: &Path, options: &SheetOptions, notes: &mut Notes) -> Result<Table> {
    Ok(SheetSource::File(path).read(&read_options(options)?, notes)?.into_owned())
}

/// The options in the form that the reader takes.
pub(super) fn read_options(options: &SheetOptions) -> Result<ReadOptions> {
    Ok(ReadOptions {
        sheet: options.sheet.clone(),
        header_row: options.header_row,
        encoding: options.encoding.clone(),
        delimiter: options.delimiter.as_deref().map(parse_delimiter).transpose()?,
        writing: Writing {
            decimal: options.decimal,
            dates: options.dates,
        },
        visible_only: options.visible_only,
    })
}

/// What the person says on top of a profile.
pub(super) fn overrides(options: &ProfileOptions, seed: Seed) -> Overrides {
    Overrides {
        label: options.label.clone(),
        key: options.key.clone(),
        group: options.group.clone(),
        time: options.time.clone(),
        actual: options.actual.clone(),
        planned: options.planned.clone(),
        leave_out: options.leave_out.clone(),
        condition: options.condition.clone(),
        seed: Some(seed.0),
        ..Overrides::default()
    }
}

/// A path as a person would type it: quoted where it has spaces.
pub(super) fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |letter: char| letter.is_alphanumeric() || "/\\._-:~+".contains(letter);
    if text.chars().all(plain) { text } else { format!("\"{text}\"") }
}

/// The options that say of another sheet what was said of these: stated, or found in a profile beside them. With a blank before each.
pub(super) fn profile_options(options: &ProfileOptions, sheets: &[PathBuf]) -> String {
    let beside = || sheets.first().and_then(|sheet| Profile::find(sheet)).map(|path| shown(&path));
    let quoted = |text: &String| format!("\"{}\"", text.replace('"', "\\\""));
    let stated = [
        (
            "profile",
            options.profile.as_ref().map(|profile| shown(Path::new(profile))).or_else(beside),
        ),
        ("label", options.label.as_ref().map(quoted)),
        ("key", options.key.as_ref().map(quoted)),
        ("time", options.time.as_ref().map(quoted)),
        ("group", options.group.as_ref().map(quoted)),
        ("actual", options.actual.as_ref().map(quoted)),
        ("planned", options.planned.as_ref().map(quoted)),
        ("where", options.condition.as_ref().map(quoted)),
    ];
    let left_out = options.leave_out.iter().map(|column| ("leave-out", Some(quoted(column))));
    stated
        .into_iter()
        .chain(left_out)
        .filter_map(|(name, value)| Some(format!(" --{name} {}", value?)))
        .collect()
}

/// How the sheet was said to be read, for a command on the same sheet: with a blank before each option. Decimal marks and the order of dates are
/// kept in profiles and models.
pub(super) fn reading_options(options: &SheetOptions) -> String {
    let quoted = |text: &String| shown(Path::new(&text.replace('"', "\\\"")));
    let stated = [
        ("sheet", options.sheet.as_ref().map(quoted)),
        ("header-row", options.header_row.map(|row| row.to_string())),
        ("encoding", options.encoding.as_ref().map(quoted)),
        ("delimiter", options.delimiter.as_ref().map(quoted)),
    ];
    let mut told: String = stated
        .into_iter()
        .filter_map(|(name, value)| Some(format!(" --{name} {}", value?)))
        .collect();
    if options.visible_only {
        told.push_str(" --visible-only");
    }
    told
}

/// Several paths as a person would type them.
pub(super) fn shown_all(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| shown(path)).collect();
    shown.join(" ")
}

/// The same as the sheet of another command: `--data` for each.
pub(super) fn as_data(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| format!("--data {}", shown(path))).collect();
    shown.join(" ")
}

/// A sheet that may not be given.
pub(super) fn source(paths: &[PathBuf]) -> Option<SheetSource<'_>> {
    (!paths.is_empty()).then_some(SheetSource::Files(paths))
}

/// A path in a result. Names that are no Unicode are shown as well as they can be: the file is written either way.
pub(super) fn in_result(path: &Path) -> serde_json::Value {
    path.to_string_lossy().into_owned().into()
}

/// The command line for records: file names only, no folders of the person's machine, and without what changes no result.
pub(super) fn command_for_records(arguments: &[OsString]) -> String {
    let mut words = vec!["recant".to_owned()];
    let mut arguments = arguments.iter().skip(1);
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy().into_owned();
        let (name, with_value) = text.split_once('=').map_or((text.as_str(), false), |(name, _)| (name, true));
        if ["--json", "--quiet", "-q"].contains(&name) {
            continue;
        }
        if ["--threads", "--memory"].contains(&name) {
            if !with_value {
                arguments.next();
            }
            continue;
        }
        if name == "--retrain" {
            let line = match text.split_once('=') {
                Some((_, line)) => line.to_owned(),
                None => arguments.next().map(|line| line.to_string_lossy().into_owned()).unwrap_or_default(),
            };
            // A command of the person's: each of its words may be a path.
            let bare = |word: &str| word.rsplit(std::path::MAIN_SEPARATOR).next().unwrap_or_default().to_owned();
            words.push(format!(
                "--retrain '{}'",
                line.split_whitespace().map(bare).collect::<Vec<_>>().join(" ")
            ));
            continue;
        }
        let path = Path::new(&text);
        let bare = match path.file_name() {
            Some(name) if text.contains(std::path::MAIN_SEPARATOR) && !text.starts_with("--") && !text.contains("->") => {
                name.to_string_lossy().into_owned()
            }
            _ => text,
        };
        words.push(if bare.contains(' ') { format!("'{bare}'") } else { bare });
    }
    words.join(" ")
}
