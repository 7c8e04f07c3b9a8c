//! What a sheet's columns mean: label, key, time, filter, what is left out and why, how the rest becomes numbers, and training defaults.
//!
//! A profile is a TOML file, see `data/profiles/` for the built-in ones. Every entry but `name` and `[label]` may be left out.

mod training;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::derive;
use super::filter::Filters;
use super::label::LabelRule;
use crate::error::{Error, Result, closest};
use crate::files;
use crate::tables::{DateOrder, Table, Writing};

pub use training::{ClassWeights, RecipeKind, TrainingDefaults};

/// Most values of a category column that get an input each.
const MOST_CATEGORIES: usize = 100_000;
/// Most passes over the training rows.
const MOST_EPOCHS: usize = 100_000;
/// Most rows per step.
const MOST_BATCH: usize = 10_000_000;

/// How a sheet is read as a learning task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Short name, such as `dataco`.
    pub name: String,
    /// One or two sentences for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Column whose value names a row; without one the row number as seen in the sheet does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Column whose equal values belong together (rows of one order): never split between training and test, resampled together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How numbers and dates are written, where the sheet does not show it or shows it wrongly; `--decimal` and `--dates` overrule it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reading: Writing,
    /// What is predicted.
    pub label: LabelRule,
    /// When a row happened; training comes before test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeRule>,
    /// Columns computed from those of the sheet, by name, such as `"Weight / Quantity"`; they may build on each other.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub derive: BTreeMap<String, String>,
    /// Rows that are used.
    #[serde(default, skip_serializing_if = "Filters::is_empty")]
    pub filter: Filters,
    /// Columns that never become features, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<Dropped>,
    /// How the other columns become numbers.
    #[serde(default)]
    pub features: FeatureRules,
    /// How rows are divided into training, validation and test.
    #[serde(default)]
    pub split: SplitRule,
    /// Training settings that are used unless the person gives others.
    #[serde(default)]
    pub training: TrainingDefaults,
}

/// The time column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeRule {
    /// Column with dates.
    pub column: String,
    /// Order of day, month and year in text dates; found from the column where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<DateOrder>,
    /// What rows are sorted by.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sort: TimeSort,
}

/// What rows are sorted by for the split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeSort {
    /// Date and time.
    #[default]
    Exact,
    /// 365 x year + 31 x month + day, as in the published code of arXiv 2402.10098 (late December sorts after early January).
    PublishedIndex,
}

/// Columns that never become features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropped {
    /// Why, as a sentence or half of one.
    pub why: String,
    /// Their names.
    pub columns: Vec<String>,
}

/// How columns become numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeatureRules {
    /// Columns used as numbers.
    pub numeric: Vec<String>,
    /// Columns used as categories, one input column per value.
    pub categorical: Vec<String>,
    /// Date columns, and what is taken from them.
    pub dates: Vec<DateFeatures>,
    /// What happens to columns that are named nowhere.
    pub others: Others,
    /// Most categories that a column may have.
    pub max_categories: usize,
    /// What happens to a column with more.
    pub too_many: TooMany,
    /// Which rows count for `max_categories`.
    pub count_in: CountIn,
    /// A category with fewer training rows than this shares one "other" input column; 0 or 1: every category has its own and there is no "other".
    pub rare: usize,
    /// Whether a blank is a category of its own (else all the column's inputs are 0).
    pub missing_category: bool,
    /// What stands in for a missing number.
    pub missing_number: MissingNumber,
    /// Whether a numeric column with blanks gets an input column that says "was blank".
    pub missing_indicator: bool,
    /// Scaling of numbers, by the training rows. Category inputs stay 0 and 1.
    pub scaling: Scaling,
    /// Whether numbers outside the range of the training rows are set to its edge (with a warning at prediction).
    pub clip: bool,
    /// Input columns whose population variance over the training rows, after scaling, is not above this are left out.
    pub min_variance: f64,
    /// With `others = "auto"`: whether columns that the leakage audit finds guilty are left out.
    pub drop_leaks: bool,
}

impl Default for FeatureRules {
    fn default() -> Self {
        Self {
            numeric: Vec::new(),
            categorical: Vec::new(),
            dates: Vec::new(),
            others: Others::Auto,
            max_categories: 100,
            too_many: TooMany::Frequent,
            count_in: CountIn::TrainingRows,
            rare: 20,
            missing_category: true,
            missing_number: MissingNumber::Median,
            missing_indicator: true,
            scaling: Scaling::MinMax,
            clip: true,
            min_variance: 0.0,
            drop_leaks: true,
        }
    }
}

/// What is taken from a date column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DateFeatures {
    /// Column.
    pub column: String,
    /// Parts, such as `["weekday", "month", "hour"]`.
    pub parts: Vec<DatePart>,
    /// Order of day, month and year in text dates; found from the column where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<DateOrder>,
}

/// What can be taken from a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DatePart {
    /// Monday to Sunday, as categories.
    Weekday,
    /// January to December, as categories.
    Month,
    /// Q1 to Q4, as categories.
    Quarter,
    /// 1 to 31, as a number.
    DayOfMonth,
    /// 1 to 366, as a number.
    DayOfYear,
    /// Hour with its fraction, 0 to 24, as a number.
    Hour,
    /// The year, as a number.
    Year,
    /// Days since 1970, as a number: grows beyond the training range, so it is of use only where a trend goes on.
    Trend,
    /// 365 x year + 31 x month + day, as in the published code of arXiv 2402.10098.
    PublishedIndex,
}

/// What happens to columns that a profile does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Others {
    /// Decide by looking at the training rows; people's data, ids and free text are left out.
    Auto,
    /// Use them as categories.
    Categorical,
    /// Leave them out.
    Drop,
}

/// What happens to a column with more than `max_categories` values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TooMany {
    /// The column is left out.
    Drop,
    /// The most frequent ones stay; the others share "other".
    Frequent,
}

/// Which rows count for `max_categories`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CountIn {
    /// The training rows.
    TrainingRows,
    /// All rows that pass the filter, test rows included; a blank counts as a value (the published preprocessing).
    FilteredRows,
}

/// What stands in for a missing number, by the training rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingNumber {
    /// The median.
    Median,
    /// The mean.
    Mean,
    /// Zero.
    Zero,
}

/// Scaling of numbers, by the training rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scaling {
    /// (x - minimum) / (maximum - minimum).
    MinMax,
    /// (x - mean) / standard deviation.
    Standard,
    /// z = (x - median) / interquartile range, then z / sqrt(1 + (z/3)^2), which stays within -3 to 3 wherever x lies: one mistyped value
    /// moves no other (Holzmueller, Grinsztajn and Steinwart 2024, section 3). Weekdays and months count for less than other categories, and
    /// on small sheets those that nobody named are inputs only where they tell something about the labels of later rows.
    Robust,
}

/// How rows are divided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitRule {
    /// Share of the rows that is test: the last by time, or drawn at random (by group) where there is no time column.
    pub test: f64,
    /// Share of the remaining rows, the last by time, that the model does not train on and recommendations are judged by; 0: none.
    pub validation: f64,
    /// What happens to rows of equal time at a cut.
    pub ties: Ties,
    /// Seed of the random division.
    pub seed: u64,
}

impl Default for SplitRule {
    fn default() -> Self {
        Self {
            test: 0.2,
            validation: 0.1,
            ties: Ties::Together,
            seed: 0,
        }
    }
}

/// What happens to rows of equal time at a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ties {
    /// They stay together, and so do the rows of a group.
    Together,
    /// Cut exactly at the share, in file order (the published preprocessing); groups are not looked at.
    FileOrder,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Profile {
    /// A profile with a label rule and nothing else: every other entry at its default.
    pub fn new(name: &str, label: LabelRule) -> Self {
        Self {
            name: name.to_owned(),
            description: String::new(),
            key: None,
            group: None,
            reading: Writing::default(),
            label,
            time: None,
            derive: BTreeMap::new(),
            filter: Filters::default(),
            drop: Vec::new(),
            features: FeatureRules::default(),
            split: SplitRule::default(),
            training: TrainingDefaults::default(),
        }
    }

    /// Reads a profile from TOML text.
    ///
    /// # Errors
    /// Where the text is not TOML, an entry is unknown (with the closest known one), missing, or out of its range.
    pub fn from_toml(text: &str) -> Result<Self> {
        let profile: Self = toml::from_str(text).map_err(|error| toml_error(text, &error))?;
        profile.check()?;
        Ok(profile)
    }

    /// Reads a profile file.
    ///
    /// # Errors
    /// As [`Profile::from_toml`], or where the file cannot be read.
    pub fn from_file(path: &Path) -> Result<Self> {
        let bytes = files::read("read the profile", path, files::SETTINGS)?;
        let text = String::from_utf8(bytes).map_err(|_| Error::input("the profile is not UTF-8 text"));
        text.and_then(|text| Self::from_toml(text.trim_start_matches('\u{feff}'))).map_err(|error| {
            error
                .in_file(path)
                .hint("`recant inspect SHEET --write-profile new-profile.toml` writes a whole profile with every entry explained; compare with it")
        })
    }

    /// The profile as TOML text, which [`Profile::from_toml`] reads back to the same profile.
    ///
    /// # Errors
    /// Never for a profile that passes [`Profile::check`].
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::internal(format!("a profile could not be written as TOML: {error}")))
    }

    /// Checks ranges and contradictions that need no sheet.
    ///
    /// # Errors
    /// Names the entry, its value and what is allowed.
    pub fn check(&self) -> Result<()> {
        let fault = |entry: &str, value: &dyn std::fmt::Display, allowed: &str| {
            Err(Error::input(format!(
                "profile `{}`: `{entry}` is {value}, but must be {allowed}",
                self.name
            )))
        };
        if self.name.trim().is_empty() {
            return Err(Error::input("the profile's `name` is empty"));
        }
        let (split, features, training) = (&self.split, &self.features, &self.training);
        if !(split.test > 0.0 && split.test < 1.0) {
            return fault("split.test", &split.test, "above 0 and below 1, such as 0.2");
        }
        if !(split.validation >= 0.0 && split.validation < 1.0) {
            return fault("split.validation", &split.validation, "at least 0 and below 1, such as 0.1");
        }
        if i64::try_from(split.seed).is_err() {
            return fault("split.seed", &split.seed, "below 2^63");
        }
        if !(1..=MOST_CATEGORIES).contains(&features.max_categories) {
            return fault("features.max_categories", &features.max_categories, "1 to 100000");
        }
        if !(features.min_variance >= 0.0 && features.min_variance.is_finite()) {
            return fault("features.min_variance", &features.min_variance, "0 or more");
        }
        for (entry, value, most) in [
            ("epochs", training.epochs, MOST_EPOCHS),
            ("batch", training.batch, MOST_BATCH),
            ("least_steps", training.least_steps.max(1), MOST_EPOCHS),
        ] {
            if !(1..=most).contains(&value) {
                return fault(&format!("training.{entry}"), &value, &format!("1 to {most}"));
            }
        }
        if !(training.learning_rate > 0.0 && training.learning_rate.is_finite()) {
            return fault("training.learning_rate", &training.learning_rate, "above 0");
        }
        if !(training.decay > 0.0 && training.decay <= 1.0) {
            return fault("training.decay", &training.decay, "above 0 and at most 1");
        }
        if !(training.weight_decay >= 0.0 && training.weight_decay.is_finite()) {
            return fault("training.weight_decay", &training.weight_decay, "0 or more");
        }
        self.filter.check().map_err(|error| self.named(&error))?;
        derive::check(self).map_err(|error| self.named(&error))?;
        self.label
            .check()
            .map_err(|error| Error::input(format!("profile `{}`: {}", self.name, error.message())))?;
        self.check_roles()
    }

    /// An error about an entry, with the profile that it stands in.
    fn named(&self, error: &Error) -> Error {
        let lines: Vec<String> = error.message().lines().map(str::to_owned).collect();
        let whole = match lines.split_first() {
            Some((first, rest)) => {
                let mut lines = vec![format!("profile `{}`: {first}", self.name)];
                lines.extend(rest.iter().cloned());
                Error::input_in_lines(&lines)
            }
            None => Error::input(format!("profile `{}` cannot be used", self.name)),
        };
        let whole = match error.column() {
            Some(column) => whole.in_column(column),
            None => whole,
        };
        match error.hint_text() {
            Some(hint) => whole.hint(hint),
            None => whole,
        }
    }

    /// No column may be both a feature and something that a feature must not be.
    fn check_roles(&self) -> Result<()> {
        let mut features = BTreeSet::new();
        let dates = self.features.dates.iter().map(|date| &date.column);
        for column in self.features.numeric.iter().chain(&self.features.categorical).chain(dates) {
            if !features.insert(column.as_str()) {
                return Err(Error::input(format!(
                    "profile `{}`: `{column}` is named twice under `[features]`",
                    self.name
                )));
            }
        }
        for (column, why) in self.dropped() {
            if features.contains(column) {
                return Err(
                    Error::input(format!("profile `{}`: `{column}` is both a feature and dropped ({why})", self.name))
                        .hint("name it in one of the two places only"),
                );
            }
        }
        for source in self.label.never_features() {
            if features.contains(source) {
                return Err(Error::input(format!(
                    "profile `{}`: `{source}` is a feature, but the label is made from it",
                    self.name
                ))
                .hint(format!("take `{source}` out of `[features]`")));
            }
        }
        Ok(())
    }

    /// Every dropped column with its reason.
    pub fn dropped(&self) -> impl Iterator<Item = (&str, &str)> {
        self.drop
            .iter()
            .flat_map(|entry| entry.columns.iter().map(|column| (column.as_str(), entry.why.as_str())))
    }

    /// The columns a sheet must have for training: key, group, label sources, time, filter, in this order, each once.
    pub fn needed_for_training(&self) -> Vec<&str> {
        let mut needed: Vec<&str> = Vec::new();
        let named = self.key.iter().chain(&self.group).map(String::as_str);
        let time = self.time.iter().map(|time| time.column.as_str());
        let filter = self.filter.lists.iter().map(|filter| filter.column.as_str());
        for column in named.chain(self.label.sources()).chain(time).chain(filter) {
            if !needed.contains(&column) {
                needed.push(column);
            }
        }
        needed
    }

    /// An error unless the sheet has all that training needs.
    ///
    /// # Errors
    /// Names the column, what it is for, and the closest one in the sheet.
    pub fn check_against(&self, table: &Table) -> Result<()> {
        for column in self.needed_for_training() {
            table.require(column).map_err(|error| {
                let hint = match error.hint_text() {
                    Some(hint) => format!("{hint}; profile `{}` needs this column as its {}", self.name, self.role_of(column)),
                    None => format!(
                        "profile `{}` needs this column as its {}; `recant inspect SHEET` shows what is there and writes a profile for it",
                        self.name,
                        self.role_of(column)
                    ),
                };
                rebuilt(&error, table, hint)
            })?;
        }
        Ok(())
    }

    fn role_of(&self, column: &str) -> &'static str {
        let is = |name: &Option<String>| name.as_deref() == Some(column);
        if self.label.sources().contains(&column) {
            "label"
        } else if is(&self.key) {
            "row key (`--key COLUMN` names another)"
        } else if self.time.as_ref().is_some_and(|time| time.column == column) {
            "time column (`--time COLUMN` names another)"
        } else if is(&self.group) {
            "group column"
        } else {
            "row filter"
        }
    }
}

/// The first hint of an error wins, so a better one needs a new error with the same message and place.
fn rebuilt(error: &Error, table: &Table, hint: String) -> Error {
    let rebuilt = Error::input(error.message()).hint(hint);
    if error.message().contains(&table.source().file_name) {
        rebuilt
    } else {
        rebuilt.in_file(PathBuf::from(&table.source().file_name))
    }
}

/// A TOML error in words: cause, line, and the closest known entry for an unknown one.
fn toml_error(text: &str, error: &toml::de::Error) -> Error {
    let message = error.message();
    let line = error
        .span()
        .map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    match names.split_first() {
        Some((wrong, known)) if unknown => {
            let what = if message.starts_with("unknown field") { "entry" } else { "value" };
            let built = Error::input(format!("{place}unknown {what} `{wrong}` in the profile"));
            match closest(wrong, known.iter().copied()) {
                Some(near) => built.hint(format!("did you mean `{near}`?")),
                None => built.hint(format!("known here: {}", known.join(", "))),
            }
        }
        _ => Error::input(format!("{place}the profile cannot be read: {}", message.replace('\n', " "))),
    }
}
