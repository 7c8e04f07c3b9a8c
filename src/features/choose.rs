//! Finding the profile for a sheet: by name, by path, beside the sheet, or by the sheet's columns.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::label::LabelRule;
use super::profile::{Profile, TimeRule, TimeSort};
use crate::error::{Error, Result, closest};
use crate::notes::Notes;
use crate::tables::{DateOrder, Table};

/// The built-in profiles: name and TOML text.
const BUILT_IN: &[(&str, &str)] = &[
    ("dataco", include_str!("../../data/profiles/dataco.toml")),
    ("dataco-paper", include_str!("../../data/profiles/dataco-paper.toml")),
    ("generic", include_str!("../../data/profiles/generic.toml")),
];

/// What the person says on top of a profile.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Overrides {
    /// Column whose values are the classes.
    pub label: Option<String>,
    /// Key column.
    pub key: Option<String>,
    /// Group column.
    pub group: Option<String>,
    /// Time column.
    pub time: Option<String>,
    /// How text dates of the time column are written.
    pub date_order: Option<DateOrder>,
    /// Seed of a random split.
    pub seed: Option<u64>,
}

impl Profile {
    /// Names of the built-in profiles.
    pub fn builtin_names() -> Vec<&'static str> {
        BUILT_IN.iter().map(|(name, _)| *name).collect()
    }

    /// TOML text of a built-in profile, comments included.
    pub fn builtin_text(name: &str) -> Option<&'static str> {
        BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// A built-in profile by name, else a profile file by path.
    ///
    /// # Errors
    /// Where it is neither (with the closest name), or the file is no profile.
    pub fn load(name_or_path: &str) -> Result<Self> {
        if let Some(text) = Self::builtin_text(name_or_path) {
            return Self::from_toml(text);
        }
        let path = Path::new(name_or_path);
        if path.is_file() {
            return Self::from_file(path);
        }
        let looks_like_a_path = name_or_path.contains(['/', '\\']) || path.extension().is_some();
        if looks_like_a_path {
            let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
            return Err(Error::io("read the profile", path, &missing));
        }
        let names = Self::builtin_names();
        let error = Error::input(format!("there is no profile `{name_or_path}`"));
        Err(match closest(name_or_path, names.iter().copied()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("built in are {}; or give the path of a profile file", names.join(", "))),
        })
    }

    /// The profile file that belongs to a sheet: `orders.csv.recant.toml`, `orders.recant.toml` or `recant.toml` in its folder.
    pub fn find(sheet: &Path) -> Option<PathBuf> {
        let folder = sheet.parent().unwrap_or_else(|| Path::new(""));
        let name = sheet.file_name()?.to_string_lossy().into_owned();
        let stem = name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(&name).to_owned();
        let candidates = [
            format!("{name}.recant.toml"),
            format!("{stem}.recant.toml"),
            "recant.toml".to_owned(),
        ];
        candidates
            .iter()
            .map(|candidate| folder.join(candidate))
            .find(|path| path.is_file())
    }

    /// The profile to use for a sheet: the one given (name or path), else the one beside the sheet, else the one that fits its columns,
    /// else `generic` where a label column is named. What the person says on top is part of the result.
    ///
    /// # Errors
    /// Where none fits, or the profile cannot be read, or an override names a column that the sheet does not have.
    pub fn choose(table: &Table, given: Option<&str>, overrides: &Overrides, notes: &mut Notes) -> Result<Self> {
        let sheet = &table.source().path;
        let profile = if let Some(given) = given {
            Self::load(given)?
        } else if let Some(path) = Self::find(sheet) {
            let profile = Self::from_file(&path)?;
            notes.add(
                "profile-found",
                format!("no profile was named, and `{}` lies beside the sheet", path.display()),
                format!("this profile (`{}`) is used; `--profile NAME` takes another", profile.name),
            );
            profile
        } else if is_dataco(table)? {
            notes.add(
                "profile-chosen",
                "no profile was named, and the sheet has the columns of DataCo orders",
                "the profile `dataco` is used; `--profile NAME` takes another",
            );
            Self::load("dataco")?
        } else if overrides.label.is_some() {
            Self::load("generic")?
        } else {
            return Err(table
                .in_place(Error::input(
                    "no profile is named, none lies beside the sheet, and none of the built-in ones fits its columns",
                ))
                .hint(
                    "name the column that holds the class with `--label COLUMN`, or let `recant inspect SHEET` write a profile to edit",
                ));
        };
        let profile = profile.with(overrides)?;
        for column in [&overrides.label, &overrides.key, &overrides.group, &overrides.time]
            .into_iter()
            .flatten()
        {
            table.require(column)?;
        }
        Ok(profile)
    }

    /// The profile with what the person says on top.
    ///
    /// # Errors
    /// Where the two contradict each other.
    pub fn with(mut self, overrides: &Overrides) -> Result<Self> {
        if let Some(label) = &overrides.label {
            // The old sources would give the new label away, or mean nothing any more: out they go.
            let old: Vec<String> = self
                .label
                .sources()
                .into_iter()
                .map(str::to_owned)
                .filter(|source| source != label)
                .collect();
            self.label = LabelRule::column(label);
            self.forget(label);
            if !old.is_empty() {
                self.drop.push(super::profile::Dropped {
                    why: "made the label of the profile before another label was named".to_owned(),
                    columns: old,
                });
            }
        }
        for (slot, given) in [(&mut self.key, &overrides.key), (&mut self.group, &overrides.group)] {
            if let Some(column) = given {
                *slot = Some(column.clone());
            }
        }
        if let Some(column) = &overrides.time {
            let same = self.time.as_ref().is_some_and(|time| time.column == *column);
            if !same {
                self.time = Some(TimeRule {
                    column: column.clone(),
                    order: None,
                    sort: TimeSort::Exact,
                });
            }
        }
        if let Some(order) = overrides.date_order {
            match &mut self.time {
                Some(time) => time.order = Some(order),
                None => return Err(Error::input("a date order was given, but there is no time column").hint("add `--time COLUMN`")),
            }
        }
        if let Some(seed) = overrides.seed {
            // TOML has no whole numbers above this.
            self.split.seed = seed & i64::MAX as u64;
        }
        self.check()?;
        Ok(self)
    }

    /// Takes a column out of features and drop list.
    fn forget(&mut self, column: &str) {
        self.features.numeric.retain(|name| name != column);
        self.features.categorical.retain(|name| name != column);
        self.features.dates.retain(|date| date.column != column);
        for entry in &mut self.drop {
            entry.columns.retain(|name| name != column);
        }
        self.drop.retain(|entry| !entry.columns.is_empty());
    }
}

/// Whether the sheet has every column that training with the `dataco` profile needs, and its most telling features.
pub(super) fn is_dataco(table: &Table) -> Result<bool> {
    let profile = Profile::load("dataco")?;
    let mut needed = profile.needed_for_training();
    needed.extend(["Shipping Mode", "Market", "Order Region"]);
    Ok(needed.into_iter().all(|column| table.has(column)))
}
