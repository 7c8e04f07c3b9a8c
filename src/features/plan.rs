//! Deciding what each column of a sheet is used for.

use serde::{Deserialize, Serialize};

use super::load::Source;
use super::profile::{Others, Profile};
use crate::error::{Error, Result, closest};
use crate::notes::Notes;
use crate::tables::Table;

/// What became of a column, for records and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnUse {
    /// Column of the sheet.
    pub column: String,
    /// What it is used for.
    pub role: Role,
    /// Why, as half a sentence; empty where the role says it all.
    pub why: String,
}

/// What a column is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Names the row.
    Key,
    /// Says which rows belong together.
    Group,
    /// The label is made from it.
    Label,
    /// Says when the row happened (parts of it may be features as well).
    Time,
    /// Decides whether the row is used for training.
    Filter,
    /// Used as a number.
    Number,
    /// Used as categories.
    Category,
    /// Parts of the date are used.
    Date,
    /// Not used.
    LeftOut,
}

/// The sources of features in the order of their input columns, numbers before date parts before categories, and the use of every column.
///
/// # Errors
/// Where the profile names features but the sheet has none of them.
pub fn plan(
    table: &Table,
    profile: &Profile,
    _labels: &[u8],
    _train: &[usize],
    notes: &mut Notes,
) -> Result<(Vec<Source>, Vec<ColumnUse>)> {
    let rules = &profile.features;
    let mut columns: Vec<ColumnUse> = Vec::with_capacity(table.names().len());
    let mut numbers: Vec<Source> = Vec::new();
    let mut dates: Vec<Source> = Vec::new();
    let mut categories: Vec<Source> = Vec::new();
    let named = rules.numeric.iter().chain(&rules.categorical).chain(rules.dates.iter().map(|date| &date.column));
    let absent: Vec<&str> = named.clone().map(String::as_str).filter(|column| !table.has(column)).collect();
    if !absent.is_empty() {
        note_absent(table, &absent, notes);
        if absent.len() == named.count() && rules.others == Others::Drop {
            return Err(Error::input(format!("the sheet has none of the columns that profile `{}` uses as features", profile.name))
                .in_file(&table.source().file_name)
                .hint("`recant inspect SHEET` writes a profile for this sheet"));
        }
    }
    numbers.extend(rules.numeric.iter().filter(|column| table.has(column)).map(|column| Source::number(column)));
    for date in rules.dates.iter().filter(|date| table.has(&date.column)) {
        dates.extend(date.parts.iter().map(|part| Source::date(&date.column, *part, date.order)));
    }
    for column in table.names() {
        let (role, why) = role_of(profile, column);
        if role == Role::Category {
            categories.push(Source::category(column));
        }
        columns.push(ColumnUse {
            column: column.clone(),
            role,
            why,
        });
    }
    // Categories named in the profile keep the profile's order, the others that of the sheet.
    let place = |source: &Source| rules.categorical.iter().position(|column| *column == source.column).unwrap_or(usize::MAX);
    categories.sort_by_key(place);
    numbers.extend(dates);
    let (numeric, by_category): (Vec<Source>, Vec<Source>) = numbers.into_iter().partition(|source| source.number);
    Ok((numeric.into_iter().chain(by_category).chain(categories).collect(), columns))
}

fn role_of(profile: &Profile, column: &String) -> (Role, String) {
    let rules = &profile.features;
    let is = |name: &Option<String>| name.as_ref() == Some(column);
    if rules.numeric.contains(column) {
        return (Role::Number, String::new());
    }
    if rules.categorical.contains(column) {
        return (Role::Category, String::new());
    }
    if rules.dates.iter().any(|date| date.column == *column) {
        return (Role::Date, String::new());
    }
    if profile.label.sources().contains(&column.as_str()) {
        return (Role::Label, String::new());
    }
    if is(&profile.key) {
        return (Role::Key, String::new());
    }
    if is(&profile.group) {
        return (Role::Group, String::new());
    }
    if let Some((_, why)) = profile.dropped().find(|(dropped, _)| dropped == column) {
        return (Role::LeftOut, why.to_owned());
    }
    // A time or filter column may still be used as categories by a profile that uses all columns so.
    match rules.others {
        Others::Categorical => (Role::Category, String::new()),
        _ if profile.time.as_ref().is_some_and(|time| time.column == *column) => (Role::Time, String::new()),
        _ if profile.filter.iter().any(|filter| filter.column == *column) => (Role::Filter, String::new()),
        Others::Drop | Others::Auto => (Role::LeftOut, "the profile does not name it".to_owned()),
    }
}

fn note_absent(table: &Table, absent: &[&str], notes: &mut Notes) {
    let listed: Vec<String> = absent
        .iter()
        .map(|column| match closest(column, table.names().iter().map(String::as_str)) {
            Some(near) => format!("`{column}` (is it `{near}`?)"),
            None => format!("`{column}`"),
        })
        .collect();
    notes.add(
        "features-absent",
        format!("`{}` lacks columns that the profile uses as features: {}", table.source().file_name, listed.join(", ")),
        "the model is trained without them",
    );
}

/// Marks a column as left out.
pub fn leave_out(columns: &mut [ColumnUse], column: &str, why: &str) {
    for entry in columns.iter_mut().filter(|entry| entry.column == column) {
        // A time column stays one even where no part of it is a feature.
        if matches!(entry.role, Role::Number | Role::Category | Role::Date) {
            entry.role = Role::LeftOut;
            entry.why = why.to_owned();
        }
    }
}
