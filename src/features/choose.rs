//! Finding the profile for a sheet: by name, by path, beside the sheet, or by the sheet's columns.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::inspect::{group_of_rows, label_options};
use super::label::LabelRule;
use super::look::{Look, kind_of_side, look};
use super::profile::{Dropped, Profile, RecipeKind, Scaling, TimeRule, TimeSort};
use super::words;
use crate::error::{Error, Result, closest};
use crate::notes::Notes;
use crate::tables::{ColumnKind, DateOrder, Rule, Table};

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
    /// Column of what came true; with `planned` it makes the label.
    pub actual: Option<String>,
    /// Column of what was planned.
    pub planned: Option<String>,
    /// Columns that must not be inputs.
    pub leave_out: Vec<String>,
    /// Condition on the rows that are used, on top of the profile's.
    pub condition: Option<String>,
    /// How text dates of the time column are written.
    pub date_order: Option<DateOrder>,
    /// Seed of a random split.
    pub seed: Option<u64>,
}

/// Says that the test rows are drawn at random though a column holds dates.
fn note_dates(table: &Table, overrides: &Overrides, notes: &mut Notes) -> Result<()> {
    const ROWS: usize = 500;
    let top = table.take(&(0..table.height().min(ROWS)).collect::<Vec<_>>());
    let used = [&overrides.label, &overrides.actual, &overrides.planned];
    let mut dates: Vec<&String> = Vec::new();
    for name in top.names() {
        if used.iter().all(|column| column.as_ref() != Some(name)) && top.kind(name)? == ColumnKind::Date {
            dates.push(name);
        }
    }
    // When the order was placed, before what was planned and what came of it.
    dates.sort_by_key(|name| {
        (
            !words::names_start(name),
            words::names_plan(name),
            words::after_the_fact(name).is_some(),
        )
    });
    if let Some(name) = dates.first() {
        notes.add(
            "no-time-column",
            format!("`{name}` holds dates, and no column is named that orders the rows in time"),
            format!("the test rows are drawn at random; `--time \"{name}\"` tests on the latest rows"),
        );
    }
    Ok(())
}

impl Profile {
    /// Keeps the rows of one order together, where an id that several rows share nearly settles the label and nobody named a column for that: rows of one
    /// order on both sides of the division would give each other's label away.
    fn keep_orders_together(&mut self, table: &Table, notes: &mut Notes) -> Result<()> {
        let named: Vec<&String> = table
            .names()
            .iter()
            .filter(|name| words::names_id(name) || words::names_paper(name))
            .collect();
        let looks: Vec<(&String, Look)> = named
            .into_iter()
            .map(|name| Ok((name, look(table, name)?)))
            .collect::<Result<_>>()?;
        self.group = group_of_rows(table, looks.iter().map(|(name, look)| (*name, look)), self);
        if let Some(group) = &self.group {
            notes.add(
                "rows-together",
                format!("rows with the same `{group}` nearly always have the same label"),
                "they are kept together, in training or in test; `--group COLUMN` names another column".to_owned(),
            );
        }
        Ok(())
    }
}

/// How to say what the columns of a sheet mean, in a command to paste.
fn profile_hint(sheet: &Path) -> String {
    let by_label = "name the column that holds the class with `--label COLUMN`";
    if !sheet.is_file() {
        return format!("{by_label}, or let `recant inspect SHEET` write a profile to edit");
    }
    let name = sheet.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(&name);
    let profile = sheet.with_file_name(format!("{stem}.recant.toml"));
    format!(
        "`recant inspect \"{}\" --write-profile \"{}\"` writes a profile, which the next command finds; or {by_label}",
        sheet.display(),
        profile.display()
    )
}

impl Profile {
    /// Trains by another recipe, with the scaling and weight decay that belong to it where the profile has those of its own recipe; what it
    /// states otherwise stays, and nothing changes where the recipe is the profile's own.
    pub fn take_recipe(&mut self, recipe: RecipeKind) {
        let own = |kind| match kind {
            RecipeKind::Paper => (Scaling::MinMax, 1e-4),
            RecipeKind::Standard => (Scaling::Robust, 1e-2),
        };
        let (before, after) = (own(self.training.recipe), own(recipe));
        self.training.recipe = recipe;
        if self.features.scaling == before.0 {
            self.features.scaling = after.0;
        }
        if self.training.weight_decay == before.1 {
            self.training.weight_decay = after.1;
        }
    }

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
        let looks_like_a_path = name_or_path.contains(['/', '\\']) || path.extension().is_some();
        if path.exists() && (looks_like_a_path || !path.is_dir()) {
            return Self::from_file(path);
        }
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
        } else if overrides.label.is_some() || overrides.actual.is_some() {
            let mut generic = Self::load("generic")?;
            generic.features.rare = rare_for(table.height());
            if overrides.time.is_none() {
                note_dates(table, overrides, notes)?;
            }
            generic
        } else {
            if let Some(error) = nearly_dataco(table)? {
                return Err(error);
            }
            return Err(table
                .in_place(Error::input(
                    "no profile is named, none lies beside the sheet, and none of the built-in ones fits its columns",
                ))
                .hint(match label_options(table)? {
                    Some(options) => format!("the sheet seems to have a label: add `{options}`; or {}", profile_hint(sheet)),
                    None => profile_hint(sheet),
                }));
        };
        profile.check_derived_names(table)?;
        let table = &*profile.derived(table, &mut Notes::new())?;
        overrides.require(table)?;
        let mut profile = profile.with_pair(overrides, table)?;
        if profile.name == "generic" && profile.group.is_none() {
            profile.keep_orders_together(table, notes)?;
        }
        Ok(profile)
    }

    /// The profile `generic`, as it is taken for a sheet of which nothing is known but its label column.
    ///
    /// # Errors
    /// Where an override names a column that the sheet does not have.
    pub fn for_any_sheet(table: &Table, overrides: &Overrides) -> Result<Self> {
        let mut generic = Self::load("generic")?;
        generic.features.rare = rare_for(table.height());
        overrides.require(table)?;
        generic.with_pair(overrides, table)
    }

    /// As [`Profile::with`], and where actual and planned are stated, with the label that their kind in the sheet makes of them.
    ///
    /// # Errors
    /// As [`Profile::with`]; where the two columns are not both numbers or both dates.
    pub fn with_pair(self, overrides: &Overrides, table: &Table) -> Result<Self> {
        let mut profile = self.with(overrides)?;
        if let (Some(actual), Some(planned)) = (&overrides.actual, &overrides.planned) {
            profile.relabel(label_of_pair(table, actual, planned)?);
            profile.check()?;
        }
        Ok(profile)
    }

    /// Another label. The sources of the old one would give the new one away, or mean nothing any more: out they go.
    fn relabel(&mut self, label: LabelRule) {
        let old: Vec<String> = self.label.sources().into_iter().map(str::to_owned).collect();
        let old: Vec<String> = old
            .into_iter()
            .filter(|source| !label.sources().contains(&source.as_str()))
            .collect();
        label.never_features().into_iter().for_each(|source| self.forget(source));
        self.label = label;
        if !old.is_empty() {
            old.iter().for_each(|column| self.forget(column));
            self.drop.push(Dropped {
                why: "made the label of the profile before another label was named".to_owned(),
                columns: old,
            });
        }
    }

    /// The profile with what the person says on top.
    ///
    /// # Errors
    /// Where the two contradict each other.
    pub fn with(mut self, overrides: &Overrides) -> Result<Self> {
        if let Some(label) = &overrides.label {
            self.relabel(LabelRule::column(label));
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
        if !overrides.leave_out.is_empty() {
            overrides.leave_out.iter().for_each(|column| self.forget(column));
            self.drop.push(Dropped {
                why: "left out as stated (`--leave-out`)".to_owned(),
                columns: overrides.leave_out.clone(),
            });
        }
        if let Some(condition) = &overrides.condition {
            Rule::parse(condition)?;
            self.filter.conditions.push(condition.clone());
        }
        if let Some(seed) = overrides.seed {
            // TOML has no whole numbers above this.
            self.split.seed = seed & i64::MAX as u64;
        }
        self.check()?;
        Ok(self)
    }

    /// Takes a column out of features and drop list.
    pub(super) fn forget(&mut self, column: &str) {
        self.features.numeric.retain(|name| name != column);
        self.features.categorical.retain(|name| name != column);
        self.features.dates.retain(|date| date.column != column);
        for entry in &mut self.drop {
            entry.columns.retain(|name| name != column);
        }
        self.drop.retain(|entry| !entry.columns.is_empty());
    }
}

impl Overrides {
    /// That the sheet has every column that is named.
    ///
    /// # Errors
    /// Names the first that it lacks, with the closest one that it has.
    pub fn require(&self, table: &Table) -> Result<()> {
        let named = [&self.label, &self.key, &self.group, &self.time, &self.actual, &self.planned];
        named
            .into_iter()
            .flatten()
            .chain(&self.leave_out)
            .try_for_each(|column| table.require(column))
    }
}

/// Early, on time or late by two columns, which are both numbers or both dates.
fn label_of_pair(table: &Table, actual: &str, planned: &str) -> Result<LabelRule> {
    let kinds = [kind_of_side(table, actual)?, kind_of_side(table, planned)?];
    let dates = match kinds {
        [ColumnKind::Date, ColumnKind::Date] => true,
        [ColumnKind::Number, ColumnKind::Number] => false,
        _ => {
            let what = |kind: ColumnKind| match kind {
                ColumnKind::Date => "dates",
                ColumnKind::Number => "numbers",
                ColumnKind::Empty => "nothing",
                ColumnKind::Constant => "one value only",
                ColumnKind::Category | ColumnKind::Text => "text",
            };
            return Err(table
                .in_place(Error::input(format!(
                    "`{actual}` holds {} and `{planned}` {}, so one cannot be taken from the other",
                    what(kinds[0]),
                    what(kinds[1])
                )))
                .hint("name two columns of dates, or two of days as numbers"));
        }
    };
    LabelRule::early_or_late(actual, planned, dates)
}

/// Training rows that a category needs for an input of its own: few in a small sheet, where else no category would have any.
pub(super) fn rare_for(rows: usize) -> usize {
    (rows / 50).clamp(2, 20)
}

/// Whether the sheet has every column that training with the `dataco` profile needs, and its most telling features.
pub(super) fn is_dataco(table: &Table) -> Result<bool> {
    Ok(dataco_columns()?.iter().all(|column| table.has(column)))
}

fn dataco_columns() -> Result<Vec<String>> {
    let profile = Profile::load("dataco")?;
    let mut needed = profile.needed_for_training();
    needed.extend(["Shipping Mode", "Market", "Order Region"]);
    Ok(needed.into_iter().map(str::to_owned).collect())
}

/// An error that names what a sheet lacks that has nearly all columns of DataCo orders.
fn nearly_dataco(table: &Table) -> Result<Option<Error>> {
    const FEW: usize = 3;
    let needed = dataco_columns()?;
    let lacking: Vec<&str> = needed.iter().map(String::as_str).filter(|column| !table.has(column)).collect();
    if lacking.is_empty() || lacking.len() > FEW || lacking.len() * 2 > needed.len() {
        return Ok(None);
    }
    let listed: Vec<String> = lacking
        .iter()
        .map(|column| match closest(column, table.names().iter().map(String::as_str)) {
            Some(near) => format!("`{column}` (is it `{near}`?)"),
            None => format!("`{column}`"),
        })
        .collect();
    let error = Error::input(format!(
        "no profile is named; the sheet has most columns of DataCo orders, but lacks {}",
        listed.join(", ")
    ));
    Ok(Some(table.in_place(error).hint(
        "rename the column, or name the class with `--label COLUMN`, or let `recant inspect SHEET` write a profile to edit",
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_profile_loads_and_survives_toml() {
        for name in Profile::builtin_names() {
            let profile = Profile::load(name).unwrap();
            assert_eq!(profile.name, name);
            assert_eq!(Profile::from_toml(&profile.to_toml().unwrap()).unwrap(), profile);
        }
    }

    #[test]
    fn an_unknown_entry_is_named_with_its_line_and_the_nearest_known_one() {
        let text = Profile::builtin_text("generic").unwrap().replace("max_categories", "max_categorys");
        let error = Profile::from_toml(&text).unwrap_err();
        assert!(
            error.message().contains("unknown entry `max_categorys`") && error.message().starts_with("line "),
            "{error}"
        );
        assert_eq!(error.hint_text(), Some("did you mean `max_categories`?"));
        let text = Profile::builtin_text("generic").unwrap().replace("\"robust\"", "\"robus\"");
        let error = Profile::from_toml(&text).unwrap_err();
        assert!(error.message().contains("unknown value `robus`"), "{error}");
        assert_eq!(error.hint_text(), Some("did you mean `robust`?"));
        let error = Profile::from_toml("name = \"x\"\n[label]\nkind = \"column\"\ncolum = \"y\"").unwrap_err();
        assert_eq!(error.hint_text(), Some("did you mean `column`?"), "{error}");
        assert!(Profile::from_toml("name = ").unwrap_err().message().contains("line 1"));
        assert!(Profile::from_toml("").unwrap_err().message().contains("name"));
    }

    #[test]
    fn entries_out_of_range_and_contradictions_are_refused() {
        let generic = |from: &str, to: &str| {
            let text = Profile::builtin_text("generic").unwrap();
            assert!(text.contains(from), "{from}");
            Profile::from_toml(&text.replace(from, to)).unwrap_err().message().to_owned()
        };
        assert!(generic("test = 0.2", "test = 1.2").contains("`split.test` is 1.2"));
        assert!(generic("validation = 0.1", "validation = -1.0").contains("`split.validation`"));
        assert!(generic("test = 0.2", "test = nan").contains("`split.test` is NaN"));
        assert!(generic("epochs = 25", "epochs = 0").contains("`training.epochs` is 0"));
        assert!(generic("learning_rate = 0.03", "learning_rate = 0.0").contains("`training.learning_rate`"));
        assert!(generic("max_categories = 100", "max_categories = 0").contains("`features.max_categories`"));
        assert!(generic("others = \"auto\"", "numeric = [\"a\"]\ncategorical = [\"a\"]").contains("`a` is named twice"));
        assert!(
            generic(
                "[features]",
                "[[drop]]\nwhy = \"an id\"\ncolumns = [\"a\"]\n[features]\nnumeric = [\"a\"]"
            )
            .contains("both a feature and dropped")
        );
        assert!(
            generic(
                "kind = \"column\"",
                "kind = \"column\"\ncolumn = \"a\"\n[features]\nnumeric = [\"a\"]\n[unused]"
            )
            .contains("duplicate")
        );
        assert!(generic("[features]", "[[filter]]\ncolumn = \"a\"\n[features]").contains("names no values"));
    }

    #[test]
    fn a_profile_of_no_such_name_or_path_is_refused_with_a_suggestion() {
        let error = Profile::load("dataco-papier").unwrap_err();
        assert_eq!(error.hint_text(), Some("did you mean `dataco-paper`?"));
        assert!(
            Profile::load("zzz")
                .unwrap_err()
                .hint_text()
                .unwrap()
                .contains("dataco, dataco-paper, generic")
        );
        assert!(Profile::load("no/such.toml").unwrap_err().message().contains("no such file"));
    }

    #[test]
    fn the_profile_beside_a_sheet_is_found_the_most_particular_first() {
        let folder = tempfile::tempdir().unwrap();
        let sheet = folder.path().join("orders.csv.gz");
        assert_eq!(Profile::find(&sheet), None);
        for name in ["recant.toml", "orders.recant.toml", "orders.csv.gz.recant.toml"] {
            std::fs::write(folder.path().join(name), "").unwrap();
            assert_eq!(Profile::find(&sheet), Some(folder.path().join(name)));
        }
    }

    #[test]
    fn the_profile_is_chosen_by_what_was_said_then_by_place_then_by_columns() {
        let cells = || vec![Some("1".to_owned()); 2];
        let mut dataco = Table::new("orders.csv", 2);
        for column in Profile::load("dataco").unwrap().needed_for_training() {
            dataco = dataco.with_column(column, cells()).unwrap();
        }
        for column in ["Shipping Mode", "Market", "Order Region"] {
            dataco = dataco.with_column(column, cells()).unwrap();
        }
        let mut notes = Notes::new();
        let none = Overrides::default();
        assert_eq!(Profile::choose(&dataco, None, &none, &mut notes).unwrap().name, "dataco");
        assert!(notes.has("profile-chosen"));
        assert_eq!(
            Profile::choose(&dataco, Some("dataco-paper"), &none, &mut notes).unwrap().name,
            "dataco-paper"
        );
        let other = Table::new("other.csv", 2).with_column("late", cells()).unwrap();
        let error = Profile::choose(&other, None, &none, &mut notes).unwrap_err();
        assert!(error.hint_text().unwrap().contains("recant inspect"), "{error}");
        let label = Overrides {
            label: Some("late".to_owned()),
            ..Overrides::default()
        };
        let generic = Profile::choose(&other, None, &label, &mut notes).unwrap();
        assert_eq!((generic.name.as_str(), generic.label.sources()), ("generic", vec!["late"]));
        let misspelt = Overrides {
            label: Some("lat".to_owned()),
            ..Overrides::default()
        };
        assert_eq!(
            Profile::choose(&other, None, &misspelt, &mut notes).unwrap_err().hint_text(),
            Some("closest match is `late`")
        );
    }

    #[test]
    fn another_label_turns_the_old_sources_out_of_the_features() {
        let overrides = Overrides {
            label: Some("Late_delivery_risk".to_owned()),
            key: Some("Order Id".to_owned()),
            time: Some("shipping date (DateOrders)".to_owned()),
            date_order: Some(DateOrder::DayFirst),
            seed: Some(u64::MAX),
            ..Overrides::default()
        };
        let profile = Profile::load("dataco").unwrap().with(&overrides).unwrap();
        assert!(profile.dropped().any(|(column, _)| column == "Days for shipping (real)"));
        assert!(!profile.dropped().any(|(column, _)| column == "Late_delivery_risk"));
        assert_eq!(profile.key.as_deref(), Some("Order Id"));
        assert_eq!(profile.time.as_ref().unwrap().order, Some(DateOrder::DayFirst));
        assert_eq!(Profile::from_toml(&profile.to_toml().unwrap()).unwrap(), profile);
    }

    #[test]
    fn the_other_recipe_brings_its_scaling_and_weight_decay_but_keeps_what_is_stated() {
        let mut profile = Profile::load("dataco").unwrap();
        assert_eq!((profile.features.scaling, profile.training.weight_decay), (Scaling::Robust, 1e-2));
        profile.take_recipe(RecipeKind::Paper);
        assert_eq!(
            (profile.training.recipe, profile.features.scaling, profile.training.weight_decay),
            (RecipeKind::Paper, Scaling::MinMax, 1e-4)
        );
        let mut stated = Profile::load("generic").unwrap();
        (stated.features.scaling, stated.training.weight_decay) = (Scaling::Standard, 3e-5);
        stated.take_recipe(RecipeKind::Paper);
        assert_eq!((stated.features.scaling, stated.training.weight_decay), (Scaling::Standard, 3e-5));
        let paper = Profile::load("dataco-paper").unwrap();
        let mut same = paper.clone();
        same.take_recipe(RecipeKind::Paper);
        assert_eq!(same, paper);
    }
}
