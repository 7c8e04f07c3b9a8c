//! What is in a sheet, which columns give the label away, and a profile to edit.

use std::path::Path;

use super::{Run, SheetSource};
use crate::error::{Error, Result};
use crate::features::{Inspection, Overrides, Profile, inspect};
use crate::files;
use crate::notes::Notes;
use crate::tables::{ReadOptions, Table};

/// What to look into.
pub struct InspectSheet<'a> {
    /// The sheet.
    pub sheet: SheetSource<'a>,
    /// How to read it.
    pub reading: ReadOptions,
    /// Name of a built-in profile, or a profile file.
    pub profile: Option<&'a str>,
    /// What the person says on top of the profile.
    pub overrides: Overrides,
    /// Where to write the proposed profile.
    pub write_profile: Option<&'a Path>,
}

/// What was found.
pub struct InspectedSheet {
    /// Columns, classes, leaks and a profile.
    pub inspection: Inspection,
    /// The sheet as it was read.
    pub table: Table,
    /// What was noticed while reading.
    pub notes: Notes,
}

/// Looks into a sheet.
///
/// # Errors
/// Where the sheet or the profile cannot be used, or the profile's file exists already.
pub fn inspect_sheet(_run: &Run, request: &InspectSheet) -> Result<InspectedSheet> {
    if let Some(path) = request.write_profile {
        files::check_new_file(path, files::Existing::Keep).map_err(|error| match path.exists() {
            true => Error::input(format!("`{}` already exists and is never overwritten", path.display()))
                .hint("give another name with `--write-profile`, or move the old one away"),
            false => error,
        })?;
    }
    let mut notes = Notes::new();
    let table = request.sheet.read(&request.reading, &mut notes)?.into_owned();
    let given = request.profile.map(Profile::load).transpose()?;
    let inspection = inspect(&table, given.as_ref(), &request.overrides, &mut notes)?;
    if let Some(path) = request.write_profile {
        files::write_file(path, files::Existing::Keep, |writer| {
            writer
                .write_all(inspection.profile_toml.as_bytes())
                .map_err(|error| Error::io("write", path, &error))
        })?;
    }
    Ok(InspectedSheet { inspection, table, notes })
}
