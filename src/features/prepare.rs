//! From a sheet and a profile to training, validation and test inputs.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::audit;
use super::calendar;
use super::encode;
use super::far;
use super::filter::Filter;
use super::fitted::FittedFeatures;
use super::load::{self, Source, Values};
use super::plan::{self, ColumnUse};
use super::profile::{CountIn, Others, Profile};
use super::split::{self, Division, SplitBounds, SplitRows};
use crate::error::{Error, Result};
use crate::notes::{Notes, rows_have};
use crate::tables::{Rule, Table, Texts};

/// Rows of one part, encoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Row-major, rows x width.
    pub inputs: Vec<f32>,
    /// Observed labels, indices into the class names.
    pub labels: Vec<u8>,
    /// For every row its index in the table (not the row number a person sees: [`Table::row_number`] gives that).
    pub table_rows: Vec<usize>,
    /// For every row the value of the key column, or the row number as seen in the sheet where there is none.
    pub keys: Vec<String>,
    /// For every row a number that rows of one group share, the same in all parts; absent without a group column.
    pub groups: Option<Vec<u32>>,
    /// For every row its time in seconds; absent without a time column.
    pub times: Option<Vec<i64>>,
}

impl Part {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Share of each class, in label order.
    pub fn class_shares(&self, classes: usize) -> Vec<f64> {
        let mut counts = vec![0_usize; classes];
        for label in &self.labels {
            counts[usize::from(*label)] += 1;
        }
        counts.iter().map(|count| *count as f64 / self.len().max(1) as f64).collect()
    }

    /// First and last time, ISO 8601; absent without a time column or rows.
    pub fn period(&self) -> Option<(String, String)> {
        let times = self.times.as_ref()?;
        Some((calendar::iso(*times.iter().min()?), calendar::iso(*times.iter().max()?)))
    }
}

/// Rows of the sheet that no part uses, by reason.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LeftOut {
    /// A half sentence: "`Order Status` is not COMPLETE".
    pub reason: String,
    /// How many rows.
    pub rows: usize,
}

/// A sheet made ready for training or evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The profile with everything settled that it left to the sheet.
    pub profile: Profile,
    /// Encoders, fitted on `train` only.
    pub features: FittedFeatures,
    /// Where the sheet was cut.
    pub bounds: SplitBounds,
    /// Training rows, in the order training goes through them.
    pub train: Part,
    /// Rows of the training period that are not trained on; absent where the profile asks for none or there are too few.
    pub validation: Option<Part>,
    /// Test rows.
    pub test: Part,
    /// Share of each class among the training rows.
    pub class_shares: Vec<f64>,
    /// Rows that no part uses, by reason, in the order the reasons were looked at.
    pub left_out: Vec<LeftOut>,
    /// What became of every column of the sheet; empty from [`apply`].
    pub columns: Vec<ColumnUse>,
}

/// Reads labels, divides the rows, fits the encoders on the training rows and encodes all parts.
///
/// # Errors
/// Where columns are missing or cannot be read, no row is left, the training rows have one class only, or no column can be a feature.
pub fn prepare(table: &Table, profile: &Profile, notes: &mut Notes) -> Result<Prepared> {
    profile.check()?;
    let mut profile = profile.clone();
    let table = &table.written_as(profile.reading);
    let table = &*profile.derived(table, notes)?;
    profile.reading = table.source().stated;
    profile.label = profile.label.resolve(table)?;
    profile.check_against(table)?;
    if let Some(time) = &mut profile.time
        && time.order.is_none()
    {
        // A later sheet may be too short to show it.
        time.order = table.date_order(&time.column)?;
        for date in profile.features.dates.iter_mut().filter(|date| date.column == time.column) {
            date.order = date.order.or(time.order);
        }
    }
    let usable = Usable::find(table, &profile, notes)?;
    let sort = profile.time.as_ref().map(|time| time.sort).unwrap_or_default();
    let (division, bounds) = split::divide(&usable.split_rows(), &profile.split, sort, notes)?;
    usable.check_classes(&division, &profile, table, notes)?;
    let findings = if profile.features.others == Others::Auto && profile.features.drop_leaks {
        Some(audit::Subject::of_rows(&usable, &division.train, &profile)?.findings()?)
    } else {
        None
    };
    let (sources, columns) = plan::plan(&usable, &profile, &division.train, findings.as_deref(), notes)?;
    let (features, columns, values) = fit(&usable.table, &profile, sources, columns, &division, notes)?;
    plan::note_left_out(&columns, &profile, notes);
    if features.width() == 0 {
        return Err(table
            .in_place(Error::input(
                "no column of the sheet can be a feature: all are dropped, empty or constant in the training rows",
            ))
            .hint("`recant inspect SHEET` says why for each column"));
    }
    usable.assemble(profile, features, bounds, &division, &values, columns)
}

/// Divides a sheet at stored cuts and encodes it with stored features: for a repair, or an evaluation on another sheet of the same kind.
///
/// `profile` is the resolved one that [`prepare`] returned. Parts may be empty where the sheet has no rows on that side of a cut.
///
/// # Errors
/// As [`prepare`], and as [`FittedFeatures::transform`] for missing columns.
pub fn apply(table: &Table, profile: &Profile, features: &FittedFeatures, bounds: &SplitBounds, notes: &mut Notes) -> Result<Prepared> {
    profile.check_against(table)?;
    let table = &table.written_as(profile.reading);
    let table = &*profile.derived(table, notes)?;
    let usable = Usable::find(table, profile, notes)?;
    let division = split::divide_at(&usable.split_rows(), bounds, &profile.split)?;
    features.check_columns(&usable.table, notes)?;
    let values = load::load(&usable.table, &features.sources(), notes)?;
    usable.assemble(profile.clone(), features.clone(), bounds.clone(), &division, &values, Vec::new())
}

/// Every row of a sheet that passes the filter and has label and time, encoded with stored features as one part in the order of the sheet:
/// for a test sheet of its own, or a flag file with full rows. Also says what was left out.
///
/// # Errors
/// As [`apply`].
pub fn encode_all(table: &Table, profile: &Profile, features: &FittedFeatures, notes: &mut Notes) -> Result<(Part, Vec<LeftOut>)> {
    profile.check_against(table)?;
    let table = &table.written_as(profile.reading);
    let table = &*profile.derived(table, notes)?;
    let usable = Usable::find(table, profile, notes)?;
    features.check_columns(&usable.table, notes)?;
    let values = load::load(&usable.table, &features.sources(), notes)?;
    let all: Vec<usize> = (0..usable.rows.len()).collect();
    Ok((usable.part(features, &values, &all)?, usable.left_out))
}

/// The rows that pass the filter and have label and time, as a sheet of their own.
pub(super) struct Usable {
    pub(super) table: Table,
    /// Index of every usable row in the sheet it came from.
    rows: Vec<usize>,
    pub(super) labels: Vec<u8>,
    keys: Vec<String>,
    pub(super) groups: Option<Vec<u32>>,
    group_names: Vec<String>,
    times: Option<Vec<i64>>,
    pub(super) left_out: Vec<LeftOut>,
}

impl Usable {
    pub(super) fn find(table: &Table, profile: &Profile, notes: &mut Notes) -> Result<Self> {
        if table.height() == 0 {
            return Err(table.in_place(Error::input("the sheet has no rows")));
        }
        let mut left_out = Vec::new();
        let mut rows: Vec<usize> = (0..table.height()).collect();
        for filter in &profile.filter.lists {
            keep(&mut rows, &mut left_out, filter_reason(filter), &passing(table, filter)?);
            if rows.is_empty() {
                return Err(all_filtered(table, filter)?);
            }
        }
        for condition in &profile.filter.conditions {
            let mut own = Notes::new();
            let holds = Rule::parse(condition)?.holds(table, &mut own)?;
            keep(&mut rows, &mut left_out, format!("`{condition}` does not hold"), &holds);
            if rows.is_empty() {
                let absent = own
                    .iter()
                    .find(|note| note.code == "value-not-in-sheet")
                    .map(|note| note.found.clone());
                let why = absent.unwrap_or_else(|| format!("`{condition}` holds for none that was left"));
                return Err(table
                    .in_place(Error::input(format!("the filter leaves no rows: {why}")))
                    .hint("change the condition (`--where`, `filter` in the profile), or hand in a sheet with such rows"));
            }
            notes.extend(own);
        }
        // Everything below looks at the kept rows only: the others may hold anything.
        let filtered = if rows.len() < table.height() {
            table.take(&rows)
        } else {
            table.clone()
        };
        let labels = profile.label.labels(&filtered, notes)?;
        let times = match &profile.time {
            Some(time) => Some(filtered.dates(&time.column, time.order, notes)?),
            None => None,
        };
        let mut kept: Vec<usize> = (0..filtered.height()).collect();
        let labelled: Vec<bool> = labels.iter().map(Option::is_some).collect();
        let sources: Vec<String> = profile.label.sources().iter().map(|source| format!("`{source}`")).collect();
        keep(
            &mut kept,
            &mut left_out,
            format!("no label ({} blank or of no class)", sources.join(" or ")),
            &labelled,
        );
        if kept.is_empty() {
            return Err(table.in_place(Error::input(format!(
                "no row has a label: {} is blank in every row",
                sources.join(" or ")
            ))));
        }
        if let (Some(time), Some(times)) = (&profile.time, &times) {
            let dated: Vec<bool> = times.iter().map(Option::is_some).collect();
            keep(&mut kept, &mut left_out, format!("no date in `{}`", time.column), &dated);
            if kept.is_empty() {
                return Err(table
                    .in_place(Error::input(format!(
                        "the time column `{}` is blank in every usable row",
                        time.column
                    )))
                    .hint("name another time column with `--time COLUMN`"));
            }
        }
        for entry in &left_out {
            // Rows that a filter sets aside are meant to be; blanks are not.
            if entry.reason.starts_with("no ") {
                notes.add(
                    "rows-left-out",
                    format!(
                        "{} {} {}",
                        entry.rows,
                        if entry.rows == 1 { "row has" } else { "rows have" },
                        entry.reason
                    ),
                    "they are not used",
                );
            }
        }
        let labels = kept.iter().filter_map(|row| labels[*row]).collect();
        let times = times.map(|times| kept.iter().filter_map(|row| times[*row]).collect());
        let whole = kept.len() == filtered.height();
        let usable = if whole { filtered } else { filtered.take(&kept) };
        let rows: Vec<usize> = kept.iter().map(|index| rows[*index]).collect();
        let keys = keys(&usable, profile, notes)?;
        let (groups, group_names) = groups(&usable, profile)?;
        Ok(Self {
            table: usable,
            rows,
            labels,
            keys,
            groups,
            group_names,
            times,
            left_out,
        })
    }

    fn name(&self, row: usize) -> String {
        match &self.groups {
            Some(groups) => self.group_names[groups[row] as usize].clone(),
            None => self.keys[row].clone(),
        }
    }

    pub(super) fn split_rows(&self) -> SplitRows<'_> {
        SplitRows {
            times: self.times.as_deref(),
            groups: self.groups.as_deref(),
            names: Box::new(|row| self.name(row)),
            height: self.rows.len(),
        }
    }

    fn check_classes(&self, division: &Division, profile: &Profile, table: &Table, notes: &mut Notes) -> Result<()> {
        let classes = profile.label.classes();
        let count = |rows: &[usize]| {
            let mut counts = vec![0_usize; classes.len()];
            rows.iter().for_each(|row| counts[usize::from(self.labels[*row])] += 1);
            counts
        };
        let train = count(&division.train);
        let present: Vec<&String> = classes
            .iter()
            .zip(&train)
            .filter(|(_, count)| **count > 0)
            .map(|(class, _)| class)
            .collect();
        if let [only] = present.as_slice() {
            return Err(table
                .in_place(Error::input(format!(
                    "all {} training rows have the same class `{only}`: there is nothing to learn",
                    division.train.len()
                )))
                .hint("use a sheet that covers more classes, or check the label rule and the filter in the profile"));
        }
        let all = |part: &str, counts: &[usize], done: &str, notes: &mut Notes| {
            for (class, count) in classes.iter().zip(counts) {
                if *count == 0 {
                    notes.add("class-absent", format!("no {part} row has class `{class}`"), done);
                }
            }
        };
        all("training", &train, "the model can never predict it", notes);
        all(
            "test",
            &count(&division.test),
            "nothing can be said about how well it is recognised",
            notes,
        );
        if division.train.len() < 50 {
            notes.add(
                "few-rows",
                format!("there are {} training rows", division.train.len()),
                "training goes on, but no figure of it is worth much",
            );
        }
        Ok(())
    }

    fn part(&self, features: &FittedFeatures, values: &[Values], rows: &[usize]) -> Result<Part> {
        Ok(Part {
            inputs: features.encode(values, rows)?,
            labels: rows.iter().map(|row| self.labels[*row]).collect(),
            table_rows: rows.iter().map(|row| self.rows[*row]).collect(),
            keys: rows.iter().map(|row| self.keys[*row].clone()).collect(),
            groups: self.groups.as_ref().map(|groups| rows.iter().map(|row| groups[*row]).collect()),
            times: self.times.as_ref().map(|times| rows.iter().map(|row| times[*row]).collect()),
        })
    }

    fn assemble(
        self,
        profile: Profile,
        features: FittedFeatures,
        bounds: SplitBounds,
        division: &Division,
        values: &[Values],
        columns: Vec<ColumnUse>,
    ) -> Result<Prepared> {
        let part = |rows: &[usize]| self.part(&features, values, rows);
        let train = part(&division.train)?;
        let class_shares = train.class_shares(profile.label.classes().len());
        let validation = (!division.validation.is_empty()).then(|| part(&division.validation)).transpose()?;
        let test = part(&division.test)?;
        Ok(Prepared {
            profile,
            features,
            bounds,
            train,
            validation,
            test,
            class_shares,
            left_out: self.left_out,
            columns,
        })
    }
}

/// Keeps the rows for which `passes` holds; `passes` is indexed by the row itself.
fn keep(rows: &mut Vec<usize>, left_out: &mut Vec<LeftOut>, reason: String, passes: &[bool]) {
    let before = rows.len();
    rows.retain(|row| passes[*row]);
    if rows.len() < before {
        left_out.push(LeftOut {
            reason,
            rows: before - rows.len(),
        });
    }
}

fn filter_reason(filter: &Filter) -> String {
    let or = |values: &[String]| values.join(" or ");
    match (filter.values.is_empty(), filter.except.is_empty()) {
        (false, true) => format!("`{}` is not {}", filter.column, or(&filter.values)),
        (true, _) => format!("`{}` is {}", filter.column, or(&filter.except)),
        (false, false) => format!("`{}` is not {}, or is {}", filter.column, or(&filter.values), or(&filter.except)),
    }
}

/// For every row of the sheet whether it passes. A blank passes only where any value may.
pub(super) fn passing(table: &Table, filter: &Filter) -> Result<Vec<bool>> {
    let texts = table.texts(&filter.column)?;
    let same = |value: &str, wanted: &[String]| wanted.iter().any(|wanted| wanted.trim().to_lowercase() == value.to_lowercase());
    let passes: Vec<bool> = texts
        .values
        .iter()
        .map(|value| (filter.values.is_empty() || same(value, &filter.values)) && !same(value, &filter.except))
        .collect();
    let blank = filter.values.is_empty();
    Ok(texts
        .codes
        .iter()
        .map(|code| if *code == Texts::MISSING { blank } else { passes[*code as usize] })
        .collect())
}

fn all_filtered(table: &Table, filter: &Filter) -> Result<Error> {
    let texts = table.texts(&filter.column)?;
    let shown: Vec<String> = texts.values.iter().take(5).map(|value| format!("`{value}`")).collect();
    let more = if texts.values.len() > 5 { ", ..." } else { "" };
    Ok(table
        .in_place(Error::input(format!(
            "the filter leaves no rows: {} in every row that was left; the sheet holds {}{more}",
            filter_reason(filter),
            if shown.is_empty() {
                "blanks only".to_owned()
            } else {
                shown.join(", ")
            }
        )))
        .hint("change `[[filter]]` in the profile, or hand in a sheet with such rows"))
}

fn keys(table: &Table, profile: &Profile, notes: &mut Notes) -> Result<Vec<String>> {
    let Some(column) = &profile.key else {
        return Ok((0..table.height()).map(|row| table.row_number(row).to_string()).collect());
    };
    let texts = table.texts(column)?;
    let mut blank = 0;
    let mut keys = Vec::with_capacity(table.height());
    for (row, code) in texts.codes.iter().enumerate() {
        keys.push(if *code == Texts::MISSING {
            blank += 1;
            format!("row {}", table.row_number(row))
        } else {
            texts.values[*code as usize].clone()
        });
    }
    if blank > 0 {
        notes.add(
            "blank-keys",
            format!("{} no value in the key column `{column}`", rows_have(blank)),
            "they are named by their row number in the sheet, as in `row 17`",
        );
    }
    let repeated = table.height() - blank - texts.values.len();
    if repeated > 0 {
        notes.add(
            "duplicate-keys",
            format!(
                "{repeated} {} a value of the key column `{column}`",
                if repeated == 1 { "row repeats" } else { "rows repeat" }
            ),
            "a flag on such a value means all of its rows",
        );
    }
    Ok(keys)
}

/// Group codes and names; a blank group is a group of its own.
fn groups(table: &Table, profile: &Profile) -> Result<(Option<Vec<u32>>, Vec<String>)> {
    let Some(column) = &profile.group else {
        return Ok((None, Vec::new()));
    };
    let mut texts = table.texts(column)?;
    for row in 0..texts.codes.len() {
        if texts.codes[row] == Texts::MISSING {
            texts.codes[row] = texts.values.len() as u32;
            texts.values.push(format!("row {}", table.row_number(row)));
        }
    }
    Ok((Some(texts.codes), texts.values))
}

/// Fits every source on the training rows, columns side by side; the order of the input columns is that of the sources.
fn fit(
    table: &Table,
    profile: &Profile,
    sources: Vec<Source>,
    mut columns: Vec<ColumnUse>,
    division: &Division,
    notes: &mut Notes,
) -> Result<(FittedFeatures, Vec<ColumnUse>, Vec<Values>)> {
    let rules = &profile.features;
    let sources: Vec<Result<Source>> = sources.into_par_iter().map(|source| source.as_written_in(table)).collect();
    let sources: Vec<Source> = sources.into_iter().collect::<Result<_>>()?;
    let values = load::load(table, &sources.iter().collect::<Vec<_>>(), notes)?;
    let fitted: Vec<Result<encode::Fitted, String>> = sources
        .par_iter()
        .zip(&values)
        .map(|(source, values)| {
            let distinct = match (rules.count_in, values) {
                (CountIn::FilteredRows, Values::Categories(texts)) => Some(texts.values.len() + usize::from(texts.missing_count() > 0)),
                _ => None,
            };
            encode::fit(source, values, &division.train, distinct, rules)
        })
        .collect();
    let mut names = Vec::new();
    let mut encoders = Vec::new();
    let mut kept_values = Vec::new();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut reasons: Vec<(&str, String)> = Vec::new();
    for ((source, values), fitted) in sources.iter().zip(values).zip(fitted) {
        let fitted = fitted.map(|fitted| (fitted.why_nothing_is_left(rules), fitted.select(rules.min_variance, &mut names)));
        match fitted {
            Ok((_, Some(encoder))) => {
                used.insert(&source.column);
                encoders.push(encoder);
                kept_values.push(values);
            }
            Ok((why, None)) => reasons.push((&source.column, why)),
            Err(why) => reasons.push((&source.column, why)),
        }
    }
    for (column, why) in reasons.into_iter().filter(|(column, _)| !used.contains(column)) {
        plan::leave_out(&mut columns, column, &why);
    }
    let features = FittedFeatures::new(names, encoders);
    far::note_far_values(&features, &kept_values, table, &division.train, notes);
    Ok((features, columns, kept_values))
}
