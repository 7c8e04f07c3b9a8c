//! Mislabelling rows of a sheet: only the column that was "typed wrong" changes, and the true labels are kept apart from it.

use serde::{Deserialize, Serialize};

use super::draw::{Domain, inject_labels};
use super::{Amount, Known, LabelCorruption};
use crate::error::{Error, Result};
use crate::features::{Mistyper, Prepared, Profile, prepare};
use crate::notes::Notes;
use crate::seed::Seed;
use crate::tables::Table;

/// An error and how many rows it hits, where that is stated apart from it.
pub type PlannedCorruption = (Box<dyn LabelCorruption>, Option<Amount>);

/// What to do to a sheet.
#[derive(Debug)]
pub struct InjectionPlan {
    /// The errors (see [`parse_mistakes`]), one after the other; each leaves alone the rows that an earlier one hit. The amount here wins over the one that the
    /// error states itself; with neither, a `segment` hits every row it can, and the other kinds are refused.
    pub mistakes: Vec<PlannedCorruption>,
    /// Whether rows of one group (the profile's group column) are hit together and get one wrong label.
    pub whole_groups: bool,
    /// Whether the validation rows, the tail of the training period, are spared. Real errors do not stop before them.
    pub spare_validation: bool,
    /// Which of the wrong rows get into the flag file.
    pub known: Known,
    /// Whether the flag file carries all columns, so that a repair needs no other data.
    pub full_rows: bool,
    /// All randomness comes from here.
    pub seed: Seed,
}

/// A corrupted sheet with its flags; the true labels apart.
pub struct InjectedSheet {
    /// The sheet with wrong labels. Beside the mistyped column (and a trigger, if there is one) nothing differs from the original.
    pub corrupted: Table,
    /// The flag file: key (or `sheet_row`) and `given_label`, in the order of the sheet; with all columns if asked for.
    pub flags: Table,
    /// Every wrong row: key, row, true and wrong label, true and wrong cell, by which error, and whether it is flagged. After the `paper`
    /// kind also the rows that it hit and left as they were.
    pub truth: Table,
    /// The affected domain: every row of the sheet that an error could have hit, in the order of the sheet; key, row, part of the split and
    /// the errors.
    pub affected: Table,
    /// What was done, for records.
    pub summary: InjectionSummary,
}

/// Reads error specifications for the classes that a sheet has under a profile.
///
/// # Errors
/// Where a specification cannot be read, or the label rule does not fit the sheet.
pub fn parse_mistakes(table: &Table, profile: &Profile, specs: &[(&str, Option<Amount>)]) -> Result<Vec<PlannedCorruption>> {
    let label = profile.label.resolve(table)?;
    specs
        .iter()
        .map(|(spec, amount)| Ok((super::kinds::parse(spec, label.classes())?, *amount)))
        .collect()
}

/// What was done to a sheet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InjectionSummary {
    /// Rows of the training period.
    pub training_rows: usize,
    /// Rows that were mislabelled.
    pub mislabelled: usize,
    /// Rows in the flag file.
    pub flagged: usize,
    /// Of these, rows that are not wrong.
    pub false_flags: usize,
    /// The column that was changed.
    pub column: String,
    /// Run seed.
    pub seed: u64,
    /// Each error with what it did, in order.
    pub mistakes: Vec<CorruptionSummary>,
}

/// What one error did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorruptionSummary {
    /// Its specification, which reads back to the same error.
    pub spec: String,
    /// The affected part of the data, in words.
    pub affected: String,
    /// Rows that were mislabelled.
    pub rows: usize,
    /// `from_to[clean][wrong]`, counts in label order.
    pub from_to: Vec<Vec<usize>>,
}

/// The file name column of a row number as seen in the sheet; [`super::flags`] knows it.
pub const SHEET_ROW: &str = "sheet_row";
/// The column of the (wrong) label in a flag file.
pub const GIVEN_LABEL: &str = "given_label";

/// Mislabels rows of the training period.
///
/// # Errors
/// Where the sheet does not fit the profile, a rule does not fit the sheet, an amount cannot be met, or groups are asked for without
/// a group column.
pub fn inject_sheet(table: &Table, profile: &Profile, plan: &InjectionPlan, notes: &mut Notes) -> Result<InjectedSheet> {
    if plan.mistakes.is_empty() {
        return Err(Error::input("no error kind is given").hint("such as `--kind uniform`"));
    }
    let prepared = prepare(table, profile, notes)?;
    let mut work = Work::new(table, &prepared, plan, notes)?;
    for (number, (mistake, amount)) in plan.mistakes.iter().enumerate() {
        work.hit(number, mistake.as_ref(), *amount, plan, notes)?;
    }
    work.finish(plan, notes)
}

/// Which rows an error touches in principle: those that meet its rule and have one of its clean labels. `rows` are indices into the
/// table, `clean` their clean labels. An error without rule and classes touches every row. With a trigger it is every row of another
/// class, once the trigger is written into it.
///
/// # Errors
/// Where the rule does not fit the table.
pub fn affected_rows(mistake: &dyn LabelCorruption, table: &Table, rows: &[usize], clean: &[u8], notes: &mut Notes) -> Result<Vec<bool>> {
    let meets = match mistake.condition() {
        Some(rule) => Some(rule.matches(table, notes)?),
        None => None,
    };
    Ok(rows
        .iter()
        .zip(clean)
        .map(|(row, label)| mistake.can_hit(*label) && meets.as_ref().is_none_or(|meets| meets.get(*row) == Some(&true)))
        .collect())
}

struct Work<'a> {
    table: &'a Table,
    prepared: &'a Prepared,
    mistyper: Mistyper<'a>,
    /// Indices in the table of the rows of the training period, in training order.
    rows: Vec<usize>,
    clean: Vec<u8>,
    groups: Option<Vec<u32>>,
    labels: Vec<u8>,
    /// Number of the error that hit each row.
    hit_by: Vec<Option<usize>>,
    summaries: Vec<CorruptionSummary>,
}

impl<'a> Work<'a> {
    fn new(table: &'a Table, prepared: &'a Prepared, plan: &InjectionPlan, notes: &mut Notes) -> Result<Self> {
        let mut parts = vec![&prepared.train];
        if !plan.spare_validation {
            parts.extend(&prepared.validation);
        }
        let rows: Vec<usize> = parts.iter().flat_map(|part| part.table_rows.iter().copied()).collect();
        let clean: Vec<u8> = parts.iter().flat_map(|part| part.labels.iter().copied()).collect();
        let groups = if plan.whole_groups {
            let groups: Option<Vec<&Vec<u32>>> = parts.iter().map(|part| part.groups.as_ref()).collect();
            let groups = groups.ok_or_else(|| {
                Error::input("whole groups are to be mislabelled, but the profile names no group column")
                    .hint("name it in the profile, such as `group = \"Order Id\"`")
            })?;
            Some(groups.into_iter().flatten().copied().collect())
        } else {
            None
        };
        Ok(Self {
            mistyper: prepared.profile.label.mistyper(table, notes)?,
            labels: clean.clone(),
            hit_by: vec![None; rows.len()],
            summaries: Vec::new(),
            table,
            prepared,
            rows,
            clean,
            groups,
        })
    }

    fn hit(
        &mut self,
        number: usize,
        mistake: &dyn LabelCorruption,
        amount: Option<Amount>,
        plan: &InjectionPlan,
        notes: &mut Notes,
    ) -> Result<()> {
        let classes = self.prepared.profile.label.classes().len();
        let amount = amount.or(mistake.amount()).map_or_else(
            || match mistake.condition() {
                Some(_) => Ok(Amount::ShareOfDomain(1.0)),
                None => Err(Error::input(format!("`{}` does not say how many rows are wrong", mistake.spec()))
                    .hint("give a share of the training rows, such as `--errors 5%`")),
            },
            Ok,
        )?;
        let mut summary = CorruptionSummary {
            spec: mistake.spec(),
            affected: mistake.in_words(),
            rows: 0,
            from_to: vec![vec![0; classes]; classes],
        };
        self.check_trigger(mistake)?;
        let meets = match mistake.condition() {
            Some(rule) => {
                let all = rule.matches(self.table, notes)?;
                Some(self.rows.iter().map(|row| all[*row]).collect::<Vec<bool>>())
            }
            None => None,
        };
        let taken: Vec<bool> = self.hit_by.iter().map(Option::is_some).collect();
        let can_book = |position: usize, label: u8| self.mistyper.value(self.rows[position], label).is_some();
        let domain = Domain {
            clean: &self.clean,
            classes,
            matches: meets.as_deref(),
            taken: Some(&taken),
            groups: self.groups.as_deref(),
            can_book: Some(&can_book),
        };
        let mut rng = plan.seed.stream("inject", number as u64);
        let injected = inject_labels(mistake, &domain, amount, &mut rng).map_err(|error| {
            Error::input(format!("`{}`: {}", mistake.spec(), error.message())).hint(error.hint_text().unwrap_or("lower the amount"))
        })?;
        for position in &injected.flagged {
            let position = *position as usize;
            self.labels[position] = injected.labels[position];
            self.hit_by[position] = Some(number);
            summary.from_to[usize::from(self.clean[position])][usize::from(self.labels[position])] += 1;
        }
        summary.rows = injected.flagged.len();
        if summary.rows < injected.wanted {
            notes.add(
                "whole-groups-fall-short",
                format!(
                    "`{}`: no choice of whole groups was found that has {} rows",
                    summary.spec, injected.wanted
                ),
                format!("{} rows are mislabelled", summary.rows),
            );
        }
        self.summaries.push(summary);
        Ok(())
    }

    fn check_trigger(&self, mistake: &dyn LabelCorruption) -> Result<()> {
        let Some((column, _)) = mistake.trigger() else { return Ok(()) };
        self.table.require(column)?;
        let profile = &self.prepared.profile;
        if profile.label.sources().contains(&column) || profile.time.as_ref().is_some_and(|time| time.column == column) {
            return Err(
                Error::input(format!("`{column}` makes the label or the time split and cannot carry a trigger"))
                    .hint("choose a feature column"),
            );
        }
        if !self.prepared.features.source_columns().contains(&column) {
            return Err(Error::input(format!(
                "`{column}` is not among the features, so a model cannot see a trigger in it"
            ))
            .hint(format!(
                "the features come from {}",
                self.prepared.features.source_columns().join(", ")
            )));
        }
        Ok(())
    }

    fn finish(self, plan: &InjectionPlan, notes: &mut Notes) -> Result<InjectedSheet> {
        let manipulated: Vec<u32> = (0..self.rows.len() as u32)
            .filter(|position| self.hit_by[*position as usize].is_some())
            .collect();
        let meets = match &plan.known.bias {
            super::Bias::Meeting(rule) => {
                let all = rule.matches(self.table, notes)?;
                Some(self.rows.iter().map(|row| all[*row]).collect::<Vec<bool>>())
            }
            _ => None,
        };
        let known = plan.known.draw(&manipulated, self.rows.len(), meets.as_deref(), plan.seed)?;
        let corrupted = self.corrupted(plan, &manipulated)?;
        self.check(&corrupted, notes)?;
        Ok(InjectedSheet {
            flags: self.flags(&corrupted, &known.flagged, plan.full_rows)?,
            truth: self.truth(&corrupted, &manipulated, &known.flagged, plan)?,
            affected: self.affected(plan, notes)?,
            corrupted,
            summary: InjectionSummary {
                training_rows: self.rows.len(),
                mislabelled: manipulated.len(),
                flagged: known.flagged.len(),
                false_flags: known.false_flags.len(),
                column: self.mistyper.column().to_owned(),
                seed: plan.seed.0,
                mistakes: self.summaries,
            },
        })
    }

    /// The sheet with the wrong cells written in.
    fn corrupted(&self, plan: &InjectionPlan, manipulated: &[u32]) -> Result<Table> {
        let column = self.mistyper.column();
        let mut changes = Vec::with_capacity(manipulated.len());
        for position in manipulated {
            let position = *position as usize;
            if self.labels[position] == self.clean[position] {
                continue;
            }
            let cell = self.mistyper.value(self.rows[position], self.labels[position]);
            let cell = cell.ok_or_else(|| Error::internal("injection: a label that no cell value gives"))?;
            changes.push((self.rows[position], cell));
        }
        let mut table = self.table.with_changed_cells(column, &changes)?;
        for (number, (mistake, _)) in plan.mistakes.iter().enumerate() {
            let Some((column, value)) = mistake.trigger() else { continue };
            let hit = manipulated
                .iter()
                .filter(|position| self.hit_by[**position as usize] == Some(number));
            let changes: Vec<(usize, String)> = hit.map(|position| (self.rows[*position as usize], value.to_owned())).collect();
            table = table.with_changed_cells(column, &changes)?;
        }
        Ok(table)
    }

    /// That the corrupted sheet, read as any other, has exactly the labels that it is meant to have.
    fn check(&self, corrupted: &Table, notes: &mut Notes) -> Result<()> {
        let mut seen = Notes::new();
        let found = self.prepared.profile.label.labels(corrupted, &mut seen)?;
        notes.extend(seen);
        match self
            .rows
            .iter()
            .zip(&self.labels)
            .find(|(row, label)| found[**row] != Some(**label))
        {
            None => Ok(()),
            Some((row, _)) => Err(Error::internal(format!(
                "injection: row {} does not read back as its wrong label",
                self.table.row_number(*row)
            ))),
        }
    }

    /// Indices in the table of these training rows, in the order of the sheet.
    fn in_sheet_order(&self, positions: &[u32]) -> Vec<(usize, usize)> {
        let mut rows: Vec<(usize, usize)> = positions
            .iter()
            .map(|position| (self.rows[*position as usize], *position as usize))
            .collect();
        rows.sort_unstable();
        rows
    }

    fn class(&self, label: u8) -> Option<String> {
        self.prepared.profile.label.classes().get(usize::from(label)).cloned()
    }

    fn flags(&self, corrupted: &Table, flagged: &[u32], full_rows: bool) -> Result<Table> {
        let rows = self.in_sheet_order(flagged);
        let indices: Vec<usize> = rows.iter().map(|(row, _)| *row).collect();
        let given = rows.iter().map(|(_, position)| self.class(self.labels[*position])).collect();
        let base = if full_rows {
            corrupted.take(&indices)
        } else {
            self.names(&corrupted.take(&indices))?
        };
        let named = if full_rows && self.prepared.profile.key.is_none() {
            base.with_column(SHEET_ROW, self.row_numbers(&indices))?
        } else {
            base
        };
        named.with_column(GIVEN_LABEL, given)
    }

    fn row_numbers(&self, indices: &[usize]) -> Vec<Option<String>> {
        indices.iter().map(|row| Some(self.table.row_number(*row).to_string())).collect()
    }

    /// A table of these rows with the key column alone, or the row numbers where there is none.
    fn names(&self, rows: &Table) -> Result<Table> {
        match &self.prepared.profile.key {
            Some(key) => rows.select(&[key.as_str()]),
            None => {
                let numbers = (0..rows.height()).map(|row| Some(rows.row_number(row).to_string())).collect();
                rows.select::<&str>(&[])?.with_column(SHEET_ROW, numbers)
            }
        }
    }

    /// Rows that an error could have hit, test rows among them: what it costs is seen there.
    fn affected(&self, plan: &InjectionPlan, notes: &mut Notes) -> Result<Table> {
        let prepared = self.prepared;
        let parts = [
            ("train", Some(&prepared.train)),
            ("validation", prepared.validation.as_ref()),
            ("test", Some(&prepared.test)),
        ];
        let mut found: Vec<(usize, &str, Vec<String>)> = Vec::new();
        for (name, part) in parts {
            let Some(part) = part else { continue };
            let mut hit: Vec<Vec<String>> = vec![Vec::new(); part.len()];
            for (mistake, _) in &plan.mistakes {
                let marks = affected_rows(mistake.as_ref(), self.table, &part.table_rows, &part.labels, notes)?;
                let rows = hit.iter_mut().zip(marks).filter(|(_, marked)| *marked);
                rows.for_each(|(errors, _)| errors.push(mistake.spec()));
            }
            let rows = part.table_rows.iter().zip(hit).filter(|(_, errors)| !errors.is_empty());
            found.extend(rows.map(|(row, errors)| (*row, name, errors)));
        }
        found.sort_unstable_by_key(|(row, ..)| *row);
        let indices: Vec<usize> = found.iter().map(|(row, ..)| *row).collect();
        let base = self
            .names(&self.table.take(&indices))?
            .with_column(SHEET_ROW, self.row_numbers(&indices))?;
        base.with_column("part", found.iter().map(|(_, part, _)| Some((*part).to_owned())).collect())?
            .with_column("error", found.into_iter().map(|(.., errors)| Some(errors.join(" & "))).collect())
    }

    fn truth(&self, corrupted: &Table, manipulated: &[u32], flagged: &[u32], plan: &InjectionPlan) -> Result<Table> {
        let rows = self.in_sheet_order(manipulated);
        let indices: Vec<usize> = rows.iter().map(|(row, _)| *row).collect();
        let column = self.mistyper.column();
        let labels = |labels: &[u8]| rows.iter().map(|(_, position)| self.class(labels[*position])).collect::<Vec<_>>();
        let cells = |table: &Table, column: &str| indices.iter().map(|row| table.cell(*row, column)).collect::<Result<Vec<_>>>();
        let errors = rows
            .iter()
            .map(|(_, position)| self.hit_by[*position].and_then(|number| Some(plan.mistakes.get(number)?.0.spec())));
        let known = rows
            .iter()
            .map(|(_, position)| Some(u8::from(flagged.binary_search(&(*position as u32)).is_ok()).to_string()));
        let mut table = self
            .names(&self.table.take(&indices))?
            .with_column(SHEET_ROW, self.row_numbers(&indices))?
            .with_column("true_label", labels(&self.clean))?
            .with_column("wrong_label", labels(&self.labels))?
            .with_column(&format!("true {column}"), cells(self.table, column)?)?
            .with_column(&format!("wrong {column}"), cells(corrupted, column)?)?
            .with_column("error", errors.collect())?
            .with_column("flagged", known.collect())?;
        let mut triggers: Vec<&str> = plan.mistakes.iter().filter_map(|(mistake, _)| Some(mistake.trigger()?.0)).collect();
        triggers.sort_unstable();
        triggers.dedup();
        for trigger in triggers {
            table = table.with_column(&format!("true {trigger}"), cells(self.table, trigger)?)?;
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests;
