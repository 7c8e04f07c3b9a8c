//! Deciding what each column of a sheet is used for.

use serde::{Deserialize, Serialize};

use super::audit::Finding;
use super::auto;
use super::load::Source;
use super::look;
use super::prepare::Usable;
use super::profile::{DatePart, Others, Profile, Scaling};
use super::season;
use super::ticks;
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
/// `findings` of the leakage audit count only for columns that the profile leaves to [`Others::Auto`].
///
/// # Errors
/// Where the profile names features but the sheet has none of them.
pub fn plan(
    usable: &Usable,
    profile: &Profile,
    train: &[usize],
    findings: Option<&[Finding]>,
    notes: &mut Notes,
) -> Result<(Vec<Source>, Vec<ColumnUse>)> {
    let (table, rules) = (&usable.table, &profile.features);
    check_named(table, profile, notes)?;
    let mut columns: Vec<ColumnUse> = Vec::with_capacity(table.names().len());
    let mut numbers: Vec<Source> = rules
        .numeric
        .iter()
        .filter(|column| table.has(column))
        .map(|column| Source::number(column))
        .collect();
    let mut dates: Vec<Source> = Vec::new();
    for date in rules.dates.iter().filter(|date| table.has(&date.column)) {
        dates.extend(date.parts.iter().map(|part| Source::date(&date.column, *part, date.order)));
    }
    let looked_at = if rules.others == Others::Auto {
        Some(table.take(train))
    } else {
        None
    };
    let labels: Vec<u8> = train.iter().map(|row| usable.labels[*row]).collect();
    let order_of_time = |column: &String| {
        profile
            .time
            .as_ref()
            .filter(|time| time.column == *column)
            .and_then(|time| time.order)
    };
    let mut categories: Vec<Source> = Vec::new();
    // Weekdays and months that tell nothing, by the place of their column.
    let mut silent: Vec<(usize, DatePart)> = Vec::new();
    for column in table.names() {
        let (mut role, mut why, mut open) = role_of(profile, column);
        let named = rules.categorical.contains(column);
        if (open || role == Role::Category && !named) && ticks::names_ticks(column) && ticks::are_ticks(&table.texts(column)?) {
            (role, why, open) = (Role::LeftOut, MARKS.to_owned(), false);
        }
        if let (true, Some(train_rows)) = (open, &looked_at) {
            let look = look::look(train_rows, column)?;
            let mut decision = auto::decide(column, &look, rules, findings.unwrap_or_default());
            if let (Role::Date, Scaling::Robust, Some(dates)) = (decision.role, rules.scaling, &look.dates) {
                let telling = season::telling(&decision.parts, dates, &labels);
                silent.extend(
                    decision
                        .parts
                        .iter()
                        .filter(|part| !telling.contains(part))
                        .map(|part| (columns.len(), *part)),
                );
                decision.parts = telling;
                if decision.parts.is_empty() {
                    (decision.role, decision.why) = (Role::LeftOut, season::SILENT.to_owned());
                }
            }
            match decision.role {
                Role::Number => numbers.push(Source::number(column)),
                Role::Date => dates.extend(decision.parts.iter().map(|part| Source::date(column, *part, order_of_time(column)))),
                _ => {}
            }
            // A time column stays one where it is no feature.
            if decision.role != Role::LeftOut || role == Role::LeftOut {
                (role, why) = (decision.role, decision.why);
            }
        }
        if role == Role::Category {
            categories.push(Source::category(column));
        }
        columns.push(ColumnUse {
            column: column.clone(),
            role,
            why,
        });
    }
    // Where there is nothing else to learn from, a calendar is better than nothing.
    if numbers.is_empty() && dates.is_empty() && categories.is_empty() {
        for (place, part) in silent {
            let entry = &mut columns[place];
            dates.push(Source::date(&entry.column, part, order_of_time(&entry.column)));
            (entry.role, entry.why) = (Role::Date, String::new());
        }
    }
    // Categories named in the profile keep the profile's order, the others that of the sheet.
    let place = |source: &Source| {
        rules
            .categorical
            .iter()
            .position(|column| *column == source.column)
            .unwrap_or(usize::MAX)
    };
    categories.sort_by_key(place);
    let (as_numbers, as_categories): (Vec<Source>, Vec<Source>) = dates.into_iter().partition(|source| source.number);
    Ok((
        numbers
            .into_iter()
            .chain(as_numbers)
            .chain(as_categories)
            .chain(categories)
            .collect(),
        columns,
    ))
}

/// Notes the features that the sheet lacks.
fn check_named(table: &Table, profile: &Profile, notes: &mut Notes) -> Result<()> {
    let rules = &profile.features;
    let named = rules
        .numeric
        .iter()
        .chain(&rules.categorical)
        .chain(rules.dates.iter().map(|date| &date.column));
    let absent: Vec<&str> = named.clone().map(String::as_str).filter(|column| !table.has(column)).collect();
    if absent.is_empty() {
        return Ok(());
    }
    note_absent(table, &absent, notes);
    if absent.len() == named.count() && rules.others == Others::Drop {
        return Err(table
            .in_place(Error::input(format!(
                "the sheet has none of the columns that profile `{}` uses as features",
                profile.name
            )))
            .hint("`recant inspect SHEET` writes a profile for this sheet"));
    }
    Ok(())
}

/// Why a column is no input that the profile leaves alone.
const NOT_NAMED: &str = "the profile does not name it";
/// Why a column of ticks is no input.
const MARKS: &str = "it marks rows as wrong, and a model that looks at the marks learns nothing else";

/// What the profile says of a column, and whether it leaves the use as a feature open.
fn role_of(profile: &Profile, column: &String) -> (Role, String, bool) {
    let rules = &profile.features;
    let is = |name: &Option<String>| name.as_ref() == Some(column);
    if rules.numeric.contains(column) {
        return (Role::Number, String::new(), false);
    }
    if rules.categorical.contains(column) {
        return (Role::Category, String::new(), false);
    }
    if rules.dates.iter().any(|date| date.column == *column) {
        return (Role::Date, String::new(), false);
    }
    if profile.label.sources().contains(&column.as_str()) {
        return (Role::Label, String::new(), false);
    }
    if is(&profile.key) {
        return (Role::Key, String::new(), false);
    }
    if is(&profile.group) {
        return (Role::Group, String::new(), false);
    }
    if let Some((_, why)) = profile.dropped().find(|(dropped, _)| dropped == column) {
        return (Role::LeftOut, why.to_owned(), false);
    }
    // A time or filter column may still be used as a feature by a profile that uses what it does not name.
    let auto = rules.others == Others::Auto;
    if rules.others == Others::Categorical {
        return (Role::Category, String::new(), false);
    }
    if profile.time.as_ref().is_some_and(|time| time.column == *column) {
        return (Role::Time, String::new(), auto);
    }
    if profile.filter.lists.iter().any(|filter| filter.column == *column) {
        return (Role::Filter, String::new(), false);
    }
    (Role::LeftOut, NOT_NAMED.to_owned(), auto)
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
        format!(
            "`{}` lacks columns that the profile uses as features: {}",
            table.source().file_name,
            listed.join(", ")
        ),
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

/// Notes the columns that could have been inputs and are none, with the reason: empty, of one value, ids, text, rare values, marks. Columns
/// that the profile itself names as dropped are not among them.
pub fn note_left_out(columns: &[ColumnUse], profile: &Profile, notes: &mut Notes) {
    let by_profile = |column: &str| profile.dropped().any(|(dropped, _)| dropped == column);
    let left_out: Vec<&ColumnUse> = columns
        .iter()
        .filter(|entry| entry.role == Role::LeftOut && entry.why != NOT_NAMED && !by_profile(&entry.column))
        .collect();
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for entry in &left_out {
        let column = format!("`{}`", entry.column);
        match reasons.iter_mut().find(|(why, _)| *why == entry.why) {
            Some((_, columns)) => columns.push(column),
            None => reasons.push((&entry.why, vec![column])),
        }
    }
    if left_out.is_empty() {
        return;
    }
    let each: Vec<String> = reasons
        .iter()
        .map(|(why, columns)| format!("{} ({why})", columns.join(", ")))
        .collect();
    let count = left_out.len();
    let what = if count == 1 {
        "column is not used as an input"
    } else {
        "columns are not used as inputs"
    };
    notes.add(
        "columns-left-out",
        format!("{count} {what}: {}", each.join("; ")),
        "left out; `[features]` in a profile says otherwise",
    );
}
