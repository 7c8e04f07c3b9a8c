//! Columns that a profile computes from others.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::profile::Profile;
use super::{FittedFeatures, LabelRule};
use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::tables::{Formula, Rule, Table};

/// The formulas of a profile, by the name of the column; those that build on others come after them.
///
/// # Errors
/// Where a formula cannot be read, or columns are made from each other.
fn in_order(derive: &BTreeMap<String, String>) -> Result<Vec<(&str, Formula)>> {
    let mut left: Vec<(&str, Formula)> = Vec::with_capacity(derive.len());
    for (name, formula) in derive {
        let formula = Formula::parse(formula).map_err(|error| {
            error
                .in_column(name)
                .hint("such as `Weight / Quantity`; names with signs stand in double quotes")
        })?;
        left.push((name, formula));
    }
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waiting: BTreeSet<&str> = left.iter().map(|(name, _)| *name).collect();
        let (ready, rest): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|(_, formula)| !formula.names().iter().any(|name| waiting.contains(name)));
        if ready.is_empty() {
            let names: Vec<String> = rest.iter().map(|(name, _)| format!("`{name}`")).collect();
            return Err(
                Error::input(format!("derived columns are made from each other: {}", names.join(", ")))
                    .hint("derive a column from columns of the sheet"),
            );
        }
        ordered.extend(ready);
        left = rest;
    }
    Ok(ordered)
}

/// Checks what needs no sheet.
///
/// # Errors
/// Where a formula cannot be read; where columns are made from each other; where one is made from what makes the label; where label, key or group
/// is one: wrong rows are named and mended in the sheet.
pub(super) fn check(profile: &Profile) -> Result<()> {
    let ordered = in_order(&profile.derive)?;
    let mut telling: BTreeSet<String> = never(&profile.label);
    for (name, formula) in &ordered {
        if let Some(source) = formula.names().into_iter().find(|source| telling.contains(*source)) {
            return Err(Error::input(format!(
                "the derived column `{name}` is made from `{source}`, which the label is made from: it would give the label away"
            ))
            .hint(format!(
                "derive it from columns that are known before, or take `{name}` out of `[derive]`"
            )));
        }
    }
    telling.extend(profile.key.iter().chain(&profile.group).cloned());
    match ordered.iter().find(|(name, _)| telling.contains(*name)) {
        Some((name, _)) => Err(Error::input(format!(
            "`{name}` is derived, and label, key and group must be columns of the sheet"
        ))
        .hint("add the column to the sheet, where wrong rows can be named and mended")),
        None => Ok(()),
    }
}

fn never(label: &LabelRule) -> BTreeSet<String> {
    label
        .sources()
        .into_iter()
        .chain(label.never_features())
        .map(str::to_owned)
        .collect()
}

impl Profile {
    /// The sheet with all derived columns; those that it has already stay.
    ///
    /// # Errors
    /// Where a formula names a column that is not there (with the closest one), or cannot be computed.
    pub fn derived<'a>(&self, table: &'a Table, notes: &mut Notes) -> Result<Cow<'a, Table>> {
        let mut whole = Cow::Borrowed(table);
        for (name, formula) in in_order(&self.derive)? {
            if !whole.has(name) {
                whole = Cow::Owned(whole.with_derived(name, &formula, notes)?);
            }
        }
        Ok(whole)
    }

    /// As [`Profile::derived`] for a sheet to predict: the columns that the features or conditions read, but for those whose own columns are not there.
    ///
    /// # Errors
    /// Where a formula cannot be computed.
    pub fn derived_where_possible<'a>(&self, table: &'a Table, features: &FittedFeatures, notes: &mut Notes) -> Result<Cow<'a, Table>> {
        let ordered = in_order(&self.derive)?;
        let mut wanted: BTreeSet<String> = features.source_columns().into_iter().map(str::to_owned).collect();
        for condition in &self.filter.conditions {
            wanted.extend(Rule::parse(condition)?.names().into_iter().map(str::to_owned));
        }
        // What others build on comes before them.
        for (name, formula) in ordered.iter().rev() {
            if wanted.contains(*name) {
                wanted.extend(formula.names().into_iter().map(str::to_owned));
            }
        }
        let mut whole = Cow::Borrowed(table);
        for (name, formula) in ordered.iter().filter(|(name, _)| wanted.contains(*name)) {
            if whole.has(name) {
                continue;
            }
            match whole.with_derived(name, formula, notes) {
                Ok(wider) => whole = Cow::Owned(wider),
                Err(error) if formula.names().iter().all(|name| whole.has(name)) => return Err(error),
                Err(_) => {}
            }
        }
        Ok(whole)
    }

    /// That a sheet has no column of the name of a derived one.
    ///
    /// # Errors
    /// Names the first that it has.
    pub(super) fn check_derived_names(&self, table: &Table) -> Result<()> {
        match self.derive.keys().find(|name| table.has(name)) {
            Some(name) => Err(table
                .in_place(Error::input(format!(
                    "`{name}` is derived in the profile, and the sheet has a column of this name"
                )))
                .hint("give the derived column another name")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(derive: &str) -> Result<Profile> {
        Profile::from_toml(&format!(
            "name = \"own\"\n[label]\nkind = \"column\"\ncolumn = \"Late\"\n[derive]\n{derive}\n"
        ))
    }

    fn table() -> Table {
        Table::new("orders.csv", 2).with_integers("Days", vec![Some(1), Some(2)]).unwrap()
    }

    #[test]
    fn derived_columns_may_build_on_each_other() {
        let profile = profile("A = \"B + 1\"\nB = \"Days * 10\"").unwrap();
        assert_eq!(Profile::from_toml(&profile.to_toml().unwrap()).unwrap(), profile);
        let sheet = table();
        let whole = profile.derived(&sheet, &mut Notes::new()).unwrap();
        assert_eq!(whole.numbers("A", &mut Notes::new()).unwrap(), [Some(11.0), Some(21.0)]);
        assert!(profile.check_derived_names(&whole).is_err() && profile.check_derived_names(&sheet).is_ok());
        // Nothing is computed twice.
        assert_eq!(profile.derived(&whole, &mut Notes::new()).unwrap().names(), whole.names());
    }

    #[test]
    fn what_cannot_be_derived_is_refused_with_a_hint() {
        for (derive, words) in [
            ("A = \"B + 1\"\nB = \"A + 1\"", "made from each other"),
            ("A = \"Days +\"", "expected a value"),
            ("A = \"Late\"", "give the label away"),
            ("Late = \"Days\"", "must be columns of the sheet"),
        ] {
            let error = profile(derive).unwrap_err();
            assert!(
                error.to_string().contains(words) && error.hint_text().is_some(),
                "{derive}: {error}"
            );
        }
        let absent = profile("A = \"Dayz + 1\"").unwrap();
        let error = absent.derived(&table(), &mut Notes::new()).unwrap_err();
        assert!(error.hint_text().unwrap().contains("Days"), "{error}");
    }
}
