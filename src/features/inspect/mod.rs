//! A first look at an unknown sheet: what is in it, which column could be what, what gives the label away, and a profile to edit.

mod label;
mod propose;
mod text;

use std::borrow::Cow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::audit::{Finding, leakage_audit};
use super::calendar;
use super::choose::{Overrides, is_dataco};
use super::look::{self, Look};
use super::plan::{ColumnUse, Role};
use super::prepare::{LeftOut, Usable};
use super::profile::Profile;
use super::words;
use crate::error::Result;
use crate::notes::Notes;
pub(super) use label::label_options;
pub(super) use propose::group_of_rows;

use crate::tables::{ColumnKind, DateOrder, Source, Table};

/// What a sheet holds and how it could be used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// Where the sheet came from: file name, format, encoding, delimiter, sheet.
    pub source: Source,
    /// Rows, header not counted.
    pub rows: usize,
    /// The columns, in the order of the sheet.
    pub columns: Vec<ColumnReport>,
    /// First and last date of the time column, ISO 8601; absent where there is none.
    pub time_span: Option<(String, String)>,
    /// The label in words: "`actual` minus `planned`"; absent where no column looks like one.
    pub label: Option<String>,
    /// Classes under that label, in label order, among the rows that training could use.
    pub classes: Vec<ClassShare>,
    /// Rows that training could not use, by reason.
    pub left_out: Vec<LeftOut>,
    /// Columns that give the label away; empty where there are none or no label is known.
    pub leakage: Vec<Finding>,
    /// What stands in the way of training with the proposed profile, as an error message; absent where nothing does.
    pub obstacle: Option<String>,
    /// Name of the proposed profile: a built-in one, or made up from the file name.
    pub profile_name: String,
    /// The proposed profile as TOML text with comments, to save as `SHEET.recant.toml` and edit.
    pub profile_toml: String,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnReport {
    /// Name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// Blank cells.
    pub missing: usize,
    /// Different values.
    pub distinct: usize,
    /// Smallest and largest value of numbers and dates, as text; never of people's data.
    pub range: Option<(String, String)>,
    /// For text dates the order of day, month and year that they show for certain.
    pub date_order: Option<DateOrder>,
    /// The most frequent values, at most three; none of people's data.
    pub examples: Vec<String>,
    /// Why it is people's data, where it is.
    pub people: Option<String>,
    /// What the proposed profile uses it for.
    pub role: Role,
    /// Why, where the role does not say it all.
    pub why: String,
}

impl ColumnReport {
    /// Whether it has as few values as classes have, and so could be what is predicted.
    pub fn could_be_label(&self) -> bool {
        (2..=10).contains(&self.distinct) && self.people.is_none()
    }
}

/// A class and how many rows have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassShare {
    /// Class name.
    pub class: String,
    /// Rows.
    pub rows: usize,
    /// Share of the rows with a label.
    pub share: f64,
}

/// Looks at a sheet. `given` is the profile to look at it with; without one, the built-in profile that fits its columns, else one is proposed
/// from names and values, with `overrides` as the person's word on single columns.
///
/// A sheet that cannot be trained on is still described: [`Inspection::obstacle`] then says what stands in the way.
///
/// # Errors
/// Where an override names a column that the sheet does not have.
pub fn inspect(table: &Table, given: Option<&Profile>, overrides: &Overrides, notes: &mut Notes) -> Result<Inspection> {
    let table = &table.written_as(given.map(|profile| profile.reading).unwrap_or_default());
    let table = &*match given {
        Some(profile) => {
            profile.check_derived_names(table)?;
            profile.derived(table, notes)?
        }
        None => Cow::Borrowed(table),
    };
    overrides.require(table)?;
    let looks: Vec<Look> = table
        .names()
        .par_iter()
        .map(|column| look::look(table, column))
        .collect::<Result<_>>()?;
    let bare = *overrides == Overrides::default();
    let (profile, uses, toml) = match given {
        Some(profile) => {
            let profile = profile.clone().with_pair(overrides, table)?;
            let toml = text::commented(&profile, &[])?;
            (profile, None, toml)
        }
        None if is_dataco(table)? => {
            let profile = Profile::load("dataco")?.with_pair(overrides, table)?;
            let own = Profile::builtin_text("dataco").filter(|_| bare).map(str::to_owned);
            let toml = own.map_or_else(|| text::commented(&profile, &[]), Ok)?;
            (profile, None, toml)
        }
        None => {
            let proposed = propose::propose(table, &looks, overrides, notes)?;
            let toml = text::commented(&proposed.profile, &proposed.remarks)?;
            (proposed.profile, proposed.uses, toml)
        }
    };
    let tried = Tried::new(table, &profile, notes);
    let uses = uses.or(tried.uses).unwrap_or_default();
    let columns = table
        .names()
        .iter()
        .zip(&looks)
        .map(|(name, look)| report(table, name, look, &uses, notes))
        .collect::<Result<_>>()?;
    let time = profile
        .time
        .as_ref()
        .and_then(|time| table.names().iter().position(|name| *name == time.column));
    Ok(Inspection {
        source: table.source().clone(),
        rows: table.height(),
        columns,
        time_span: time.and_then(|place| span(looks[place].dates.as_deref()?)),
        label: label_in_words(&profile),
        classes: tried.classes,
        left_out: tried.left_out,
        leakage: tried.leakage,
        obstacle: tried.obstacle,
        profile_name: profile.name.clone(),
        profile_toml: toml,
    })
}

/// What comes of using a profile on the sheet.
#[derive(Default)]
struct Tried {
    classes: Vec<ClassShare>,
    left_out: Vec<LeftOut>,
    leakage: Vec<Finding>,
    uses: Option<Vec<ColumnUse>>,
    obstacle: Option<String>,
}

impl Tried {
    fn new(table: &Table, profile: &Profile, notes: &mut Notes) -> Self {
        let mut tried = Self::default();
        if let Err(error) = tried.fill(table, profile, notes) {
            let hint = error.hint_text().map(|hint| format!(" ({hint})")).unwrap_or_default();
            tried.obstacle = Some(format!("{}{hint}", error.message()));
        }
        tried
    }

    fn fill(&mut self, table: &Table, profile: &Profile, notes: &mut Notes) -> Result<()> {
        let mut profile = profile.clone();
        profile.label = profile.label.resolve(table)?;
        profile.check_against(table)?;
        let usable = Usable::find(table, &profile, notes)?;
        self.left_out.clone_from(&usable.left_out);
        let labels = usable.labels.len();
        for (label, class) in profile.label.classes().iter().enumerate() {
            let rows = usable.labels.iter().filter(|own| usize::from(**own) == label).count();
            self.classes.push(ClassShare {
                class: class.clone(),
                rows,
                share: rows as f64 / labels as f64,
            });
        }
        self.leakage = leakage_audit(table, &profile, notes)?;
        self.uses = Some(super::prepare::prepare(table, &profile, notes)?.columns);
        Ok(())
    }
}

fn report(table: &Table, name: &str, look: &Look, uses: &[ColumnUse], notes: &mut Notes) -> Result<ColumnReport> {
    // Mixed dates, numbers as text and the like are what a person inspects a sheet for.
    notes.extend(look.notes.clone());
    let hidden = look.people.is_some() || words::identifies_person(name);
    let own = uses.iter().find(|entry| entry.column == name);
    let (role, why) = own.map_or((Role::LeftOut, String::new()), |entry| (entry.role, entry.why.clone()));
    Ok(ColumnReport {
        name: name.to_owned(),
        kind: look.kind,
        missing: look.missing(),
        distinct: look.distinct(),
        range: if hidden { None } else { range(look) },
        date_order: if look.kind == ColumnKind::Date {
            table.date_order(name)?
        } else {
            None
        },
        examples: if hidden { Vec::new() } else { examples(look) },
        people: look.people.clone(),
        role,
        why,
    })
}

fn examples(look: &Look) -> Vec<String> {
    let mut codes: Vec<usize> = (0..look.counts.len()).collect();
    // Stable: equally frequent values stay in the order of the sheet.
    codes.sort_by_key(|code| std::cmp::Reverse(look.counts[*code]));
    codes
        .into_iter()
        .take(3)
        .map(|code| words::shown(&look.texts.values[code]))
        .collect()
}

fn range(look: &Look) -> Option<(String, String)> {
    if let Some(numbers) = &look.numbers {
        let present = || numbers.iter().flatten().copied();
        return Some((
            format!("{}", present().reduce(f64::min)?),
            format!("{}", present().reduce(f64::max)?),
        ));
    }
    span(look.dates.as_deref()?)
}

fn span(dates: &[Option<i64>]) -> Option<(String, String)> {
    let present = || dates.iter().flatten().copied();
    Some((calendar::iso(present().min()?), calendar::iso(present().max()?)))
}

fn label_in_words(profile: &Profile) -> Option<String> {
    match profile.label.sources().as_slice() {
        [actual, planned] => Some(format!("`{actual}` minus `{planned}`")),
        [column] => Some(format!("the value of `{column}`")),
        _ => None,
    }
}
