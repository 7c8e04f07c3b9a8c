//! Guessing, from names and values, which column could be label, time, key and group, and what the others are good for.

use crate::error::Result;
use crate::features::audit::Subject;
use crate::features::choose::{Overrides, rare_for};
use crate::features::label::LabelRule;
use crate::features::look::Look;
use crate::features::plan::{self, ColumnUse, Role};
use crate::features::prepare::Usable;
use crate::features::profile::{DateFeatures, Dropped, Others, Profile, Scaling, TimeRule, TimeSort};
use crate::features::{auto, split, words};
use crate::notes::Notes;
use crate::tables::{ColumnKind, Table, Texts};

use super::label::{could_be_class, propose_label};

/// A proposed profile.
pub struct Proposal {
    pub profile: Profile,
    /// Remarks for the profile text: entry and remark.
    pub remarks: Vec<(&'static str, String)>,
    /// What becomes of every column; absent where the sheet could not be tried.
    pub uses: Option<Vec<ColumnUse>>,
}

/// Columns by name with their looks.
pub(super) struct Columns<'a> {
    names: &'a [String],
    looks: &'a [Look],
}

impl<'a> Columns<'a> {
    pub(super) fn new(names: &'a [String], looks: &'a [Look]) -> Self {
        Self { names, looks }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a String, &'a Look)> + use<'a> {
        self.names.iter().zip(self.looks)
    }

    fn look(&self, name: &str) -> Option<&'a Look> {
        self.iter().find(|(column, _)| *column == name).map(|(_, look)| look)
    }
}

/// Proposes a profile for a sheet that no built-in one fits.
pub fn propose(table: &Table, looks: &[Look], overrides: &Overrides, notes: &mut Notes) -> Result<Proposal> {
    let columns = Columns::new(table.names(), looks);
    let mut remarks: Vec<(&'static str, String)> = Vec::new();
    let label = match &overrides.label {
        Some(column) => LabelRule::column(column),
        // Made from the two columns further down.
        None if overrides.actual.is_some() => LabelRule::without_column()?,
        None => {
            let (label, candidates) = propose_label(&columns)?;
            if !candidates.is_empty() {
                let taken = label.sources().join("` minus `");
                let others = candidates.join(", ");
                remarks.push(("label", format!("It could also be {others}.")));
                notes.add(
                    "label-candidates",
                    format!("the label could be made from several columns: `{taken}`, and also {others}"),
                    format!("proposed is `{taken}`; `--actual COLUMN --planned COLUMN` or `--label COLUMN` takes another"),
                );
            }
            label
        }
    };
    if label.sources().is_empty() && overrides.actual.is_none() {
        let candidates: Vec<String> = columns
            .iter()
            .filter(|(_, look)| could_be_class(look))
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let list = if candidates.is_empty() {
            "none of them has a few values".to_owned()
        } else {
            candidates.join(", ")
        };
        remarks.push((
            "label",
            format!("No column looks like the class to predict. Columns with a few values: {list}."),
        ));
    }
    let name = table
        .source()
        .file_name
        .split('.')
        .next()
        .filter(|stem| !stem.is_empty())
        .unwrap_or("sheet")
        .to_owned();
    let mut profile = Profile::new(&name, label);
    let stated = Overrides {
        actual: overrides.actual.clone(),
        planned: overrides.planned.clone(),
        leave_out: overrides.leave_out.clone(),
        condition: overrides.condition.clone(),
        ..Overrides::default()
    };
    profile = profile.with_pair(&stated, table)?;
    profile.label = profile.label.resolve(table).unwrap_or(profile.label);
    profile.features.rare = rare_for(table.height());
    profile.description = format!("Written by `recant inspect` for {}.", table.source().file_name);
    profile.reading = table.source().stated;
    profile.time = overrides
        .time
        .clone()
        .or_else(|| propose_time(table, &columns, &profile.label))
        .map(|column| TimeRule {
            order: overrides.date_order.or_else(|| table.date_order(&column).ok().flatten()),
            column,
            sort: TimeSort::Exact,
        });
    profile.key = overrides.key.clone().or_else(|| propose_key(&columns));
    profile.group = overrides.group.clone().or_else(|| group_of_rows(table, columns.iter(), &profile));
    if let Some(seed) = overrides.seed {
        profile.split.seed = seed & i64::MAX as u64;
    }
    let rows = table.height();
    profile.features.scaling = Scaling::Robust;
    profile.training.network = if rows >= 20_000 { "3x100" } else { "4 of 2x50 or none" }.to_owned();
    profile.training.batch = [(20_000, 1024), (2_000, 256), (0, 64)]
        .into_iter()
        .find(|(least, _)| rows >= *least)
        .map_or(64, |(_, batch)| batch);
    let uses = spell_out(table, &mut profile, &columns);
    Ok(Proposal { profile, remarks, uses })
}

/// A date column that says when things began; else the first that is not a plan and not known only afterwards. Nearly every row that has a label has it:
/// of an order's further rows some programs leave both out.
fn propose_time(table: &Table, columns: &Columns, label: &LabelRule) -> Option<String> {
    let labels = label
        .labels(table, &mut Notes::new())
        .ok()
        .filter(|labels| labels.iter().any(Option::is_some));
    let used = |row: usize| labels.as_ref().is_none_or(|labels| labels[row].is_some());
    let rows: Vec<usize> = (0..table.height()).filter(|row| used(*row)).collect();
    let dates: Vec<(&String, &Look)> = columns
        .iter()
        .filter(|(name, look)| look.kind == ColumnKind::Date && look.distinct() > 1 && !label.sources().contains(&name.as_str()))
        .filter(|(_, look)| rows.iter().filter(|row| look.texts.codes[**row] == Texts::MISSING).count() * 10 <= rows.len())
        .collect();
    let first = |test: &dyn Fn(&str) -> bool| dates.iter().find(|(name, _)| test(name)).map(|(name, _)| (*name).clone());
    first(&words::names_start).or_else(|| first(&|name| !words::names_plan(name) && words::after_the_fact(name).is_none()))
}

/// An id that every row has and no two share; the most particular one where there are several.
fn propose_key(columns: &Columns) -> Option<String> {
    let unique = columns
        .iter()
        .filter(|(name, look)| look.names_rows(name) && look.missing() == 0 && look.present() > 1 && look.distinct() == look.present());
    let particular = |name: &str| {
        let words = words::words(name);
        words
            .iter()
            .filter(|word| ["item", "line", "row", "position", "record"].contains(&word.as_str()))
            .count()
    };
    // The first of the most particular ones; a running number of the lines names no row of another sheet.
    let mut best: Option<((bool, usize), &String)> = None;
    for (name, look) in unique {
        let score = (!look.numbers_lines(), particular(name));
        if best.is_none_or(|(most, _)| score > most) {
            best = Some((score, name));
        }
    }
    best.map(|(_, name)| name.clone())
}

/// An id that several rows share and that nearly settles the label: rows of one order.
pub fn group_of_rows<'a>(table: &Table, columns: impl Iterator<Item = (&'a String, &'a Look)>, profile: &Profile) -> Option<String> {
    let label = profile.label.resolve(table).ok()?;
    let labels = label.labels(table, &mut Notes::new()).ok()?;
    columns
        .filter(|(name, look)| look.names_rows(name) && profile.key.as_ref() != Some(name) && look.missing() * 20 <= look.texts.codes.len())
        .filter(|(_, look)| look.distinct() * 10 <= look.present() * 9 && look.distinct() * 50 >= look.present())
        .find(|(_, look)| {
            // Rows beyond the first of their group, and how many of them have its label.
            let mut first: Vec<Option<u8>> = vec![None; look.distinct()];
            let (mut further, mut alike) = (0_usize, 0_usize);
            for (code, label) in look.texts.codes.iter().zip(&labels) {
                if let (Some(slot), Some(label)) = (first.get_mut(*code as usize), label) {
                    match slot {
                        Some(first) => {
                            further += 1;
                            alike += usize::from(first == label);
                        }
                        None => *slot = Some(*label),
                    }
                }
            }
            further > 0 && alike as f64 >= 0.98 * further as f64
        })
        .map(|(name, _)| name.clone())
}

/// Tries the profile with every column left to `auto`, and writes what came of it into the profile as plain lists.
fn spell_out(table: &Table, profile: &mut Profile, columns: &Columns) -> Option<Vec<ColumnUse>> {
    profile.features.others = Others::Auto;
    let uses = try_out(table, profile).ok()?;
    let mut drops: Vec<Dropped> = Vec::new();
    let mut left_out = |column: &str, why: &str| match drops.iter_mut().find(|entry| entry.why == why) {
        Some(entry) => entry.columns.push(column.to_owned()),
        None => drops.push(Dropped {
            why: why.to_owned(),
            columns: vec![column.to_owned()],
        }),
    };
    for entry in &uses {
        let column = &entry.column;
        match entry.role {
            Role::Number => profile.features.numeric.push(column.clone()),
            Role::Category => profile.features.categorical.push(column.clone()),
            Role::Date => {
                let parts = columns.look(column).map(auto::date_parts).unwrap_or_default();
                let order = table.date_order(column).ok().flatten();
                profile.features.dates.push(DateFeatures {
                    column: column.clone(),
                    parts,
                    order,
                });
            }
            Role::LeftOut => left_out(column, &entry.why),
            Role::Key | Role::Group | Role::Label | Role::Time | Role::Filter => {}
        }
    }
    profile.drop = drops;
    profile.features.others = Others::Drop;
    Some(uses)
}

fn try_out(table: &Table, profile: &Profile) -> Result<Vec<ColumnUse>> {
    let mut aside = Notes::new();
    let mut resolved = profile.clone();
    resolved.label = resolved.label.resolve(table)?;
    let usable = Usable::find(table, &resolved, &mut aside)?;
    let sort = resolved.time.as_ref().map(|time| time.sort).unwrap_or_default();
    let (division, _) = split::divide(&usable.split_rows(), &resolved.split, sort, &mut aside)?;
    let findings = Subject::of_rows(&usable, &division.train, &resolved)?.findings()?;
    let (_, uses) = plan::plan(&usable, &resolved, &division.train, Some(&findings), &mut aside)?;
    Ok(uses)
}
