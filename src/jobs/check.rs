//! Checking a repair by rows whose truth a person looks up.
//!
//! The difference in accuracy of two models depends only on rows where their predictions differ. A random sample of those, with the truth
//! looked up, gives an unbiased estimate and an exact interval ([`population_change`]): the only chance in it is the draw. Rows are drawn
//! one by one, whatever hangs together, and the rows of an order are listed side by side.

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::evaluate::record::{Advice, Interval, Verdict};
use crate::evaluate::{INTERVAL_LEVEL, predictions};
use crate::jobs::imported::{self, SheetPlan};
use crate::jobs::rows::JudgedRows;
use crate::model::ModelFolder;
use crate::nn::probabilities;
use crate::notes::Notes;
use crate::onnx::Model;
use crate::seed::Seed;
use crate::stats::{DrawnChanges, population_change, rows_to_decide};
use crate::tables::{Table, Texts};

/// Column that names a drawn row.
pub const CHECK_ROW: &str = "check_row";
/// Column for the truth.
pub const TRUE_LABEL: &str = "true_label";
/// Layout of the answer file.
const KEY_VERSION: u32 = 1;
/// Columns by which the rows of a check are known again.
const KNOWN_BY: usize = 6;

/// What is kept apart from the sheet, so that the person who looks up truths does not know which model said what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerKey {
    /// Layout version.
    pub version: u32,
    /// Class names, in label order.
    pub classes: Vec<String>,
    /// SHA-256 of the sheet that rows were drawn from.
    pub sheet_sha256: String,
    /// File name of that sheet.
    pub sheet: String,
    /// Rows that both models were judged on.
    pub rows: usize,
    /// Of these, rows on which they differ.
    pub differing: usize,
    /// Seed of the draw.
    pub seed: u64,
    /// Each drawn row.
    pub drawn: Vec<DrawnRow>,
    /// What the drawn rows hold in columns that tell them apart, by column: a sheet with other rows is the copy of another check.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cells: BTreeMap<String, Vec<String>>,
}

/// A drawn row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawnRow {
    /// Row number as the person sees it in the sheet.
    pub sheet_row: usize,
    /// Class that the old model says.
    pub old: u8,
    /// Class that the repaired model says.
    pub repaired: u8,
}

/// A drawn sample: the sheet to fill in, and the key to it.
pub struct Drawn {
    /// The rows' own columns with an empty column for the truth.
    pub sheet: Table,
    /// What the models said.
    pub key: AnswerKey,
}

/// What two models say of the same rows.
pub struct Sayings {
    /// Class names, in label order.
    pub classes: Vec<String>,
    /// What the old model says of each row.
    pub before: Vec<u8>,
    /// What the repaired one says.
    pub after: Vec<u8>,
    /// Index of each row in the sheet.
    pub table_rows: Vec<usize>,
    /// Group of each row, where there are groups.
    pub groups: Option<Vec<u32>>,
}

/// What two model folders say of some rows.
///
/// # Errors
/// Where the models do not belong together.
pub fn sayings(rows: &JudgedRows, (old, repaired): (&ModelFolder, &ModelFolder), threads: usize) -> Result<Sayings> {
    let classes = &old.info.classes;
    if *classes != repaired.info.classes || old.features.width() != repaired.features.width() {
        return Err(strangers());
    }
    let says = |model: &ModelFolder| predictions(&probabilities(&model.network, &rows.inputs, threads)?, classes.len());
    Ok(Sayings {
        classes: classes.clone(),
        before: says(old)?,
        after: says(repaired)?,
        table_rows: rows.table_rows.clone(),
        groups: rows.groups.clone(),
    })
}

/// What two files of models that were trained elsewhere say of every row of a sheet.
///
/// # Errors
/// Where the models do not belong together, or the sheet does not fit them.
pub fn sayings_of_files(
    table: &Table,
    (old, repaired): (&Model, &Model),
    plan: &SheetPlan,
    threads: usize,
    notes: &mut Notes,
) -> Result<Sayings> {
    let names = |model: &Model| -> Vec<String> { model.inputs().iter().map(|input| input.name.clone()).collect() };
    if names(old) != names(repaired) {
        return Err(strangers());
    }
    let before = imported::predict(old, table, plan, threads, notes)?;
    let after = imported::predict(repaired, table, plan, threads, &mut Notes::new())?;
    if before.classes != after.classes {
        return Err(strangers());
    }
    Ok(Sayings {
        table_rows: (0..before.predicted.len()).collect(),
        classes: before.classes,
        before: before.predicted,
        after: after.predicted,
        groups: None,
    })
}

fn strangers() -> Error {
    Error::input("the two models do not belong together: their classes or inputs differ")
        .hint("give the model that was repaired with `--model`, and what `recant repair` made of it with `--repaired`")
}

/// Draws rows on which the two models differ. A larger number draws the same rows and more.
///
/// # Errors
/// Where the models nowhere differ.
pub fn draw(table: &Table, said: &Sayings, wanted: usize, seed: Seed) -> Result<Drawn> {
    let (before, after) = (&said.before, &said.after);
    let mut differing: Vec<usize> = (0..before.len()).filter(|row| before[*row] != after[*row]).collect();
    if differing.is_empty() {
        return Err(Error::input(format!(
            "the two models say the same on all {} rows, so there is nothing to look up",
            crate::evaluate::words::count(before.len())
        ))
        .in_file(&table.source().file_name)
        .hint("either of them may be used; give more rows with `--data SHEET` to see whether they differ elsewhere"));
    }
    let count = differing.len();
    differing.shuffle(&mut seed.stream("rows-to-check", 0));
    differing.truncate(wanted);
    side_by_side(&mut differing, said.groups.as_deref());
    let lines: Vec<usize> = differing.iter().map(|row| said.table_rows[*row]).collect();
    let free = |name: &str| {
        if table.has(name) {
            Err(Error::input(format!("the sheet has a column `{name}` already"))
                .in_file(&table.source().file_name)
                .hint("rename that column: it is where the truth goes"))
        } else {
            Ok(())
        }
    };
    free(CHECK_ROW)?;
    free(TRUE_LABEL)?;
    let blank = vec![None; lines.len()];
    let names: Vec<String> = [CHECK_ROW.to_owned(), TRUE_LABEL.to_owned()]
        .into_iter()
        .chain(table.names().iter().cloned())
        .collect();
    let sheet = table
        .take(&lines)
        .with_integers(CHECK_ROW, (1..=lines.len() as i64).map(Some).collect())?
        .with_column(TRUE_LABEL, blank)?
        .select(&names)?;
    let drawn = differing.iter().map(|row| DrawnRow {
        sheet_row: table.row_number(said.table_rows[*row]),
        old: before[*row],
        repaired: after[*row],
    });
    Ok(Drawn {
        key: AnswerKey {
            version: KEY_VERSION,
            classes: said.classes.clone(),
            sheet_sha256: table.source().sha256.clone(),
            sheet: table.source().file_name.clone(),
            rows: before.len(),
            differing: count,
            seed: seed.0,
            drawn: drawn.collect(),
            cells: telling_apart(&table.take(&lines))?,
        },
        sheet,
    })
}

/// The columns of rows in which most of them differ, the first few of these, with their cells.
fn telling_apart(rows: &Table) -> Result<BTreeMap<String, Vec<String>>> {
    let mut cells = BTreeMap::new();
    for name in rows.names() {
        let texts = rows.texts(name)?;
        let own: Vec<String> = (0..rows.height())
            .map(|row| texts.get(row).unwrap_or_default().to_owned())
            .collect();
        let different: BTreeSet<&String> = own.iter().collect();
        if different.len() * 2 > own.len() {
            cells.insert(name.clone(), own);
        }
        if cells.len() == KNOWN_BY {
            break;
        }
    }
    Ok(cells)
}

/// Whether two cells hold the same, though a program may have written one of them again (`12.50` and `12.5`).
fn same_cell(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) => (one - other).abs() <= 1e-9 * one.abs().max(other.abs()),
        _ => one.to_lowercase() == other.to_lowercase(),
    }
}

/// That a filled-in sheet holds the rows that were drawn: in one column at least most of them are the same. Columns may have been taken out, or
/// written in another way. `places`: row of the sheet and its check row.
fn check_rows(sheet: &Table, key: &AnswerKey, places: &[(usize, usize)]) -> Result<()> {
    let mut compared = false;
    for (name, cells) in key.cells.iter().filter(|(name, _)| sheet.has(name)) {
        let texts = sheet.texts(name)?;
        let same = |(row, place): &&(usize, usize)| {
            let drawn = cells.get(*place - 1);
            drawn.is_some_and(|drawn| same_cell(drawn, texts.get(*row).unwrap_or_default()))
        };
        if places.iter().filter(same).count() * 2 >= places.len() {
            return Ok(());
        }
        compared = true;
    }
    match compared {
        false => Ok(()),
        true => Err(
            Error::input("its rows are not those that were drawn: it is the filled-in copy of another check")
                .in_file(&sheet.source().file_name)
                .hint("read it with the check that it is a copy of, whose key (`….key.json`) lies beside it"),
        ),
    }
}

/// Brings the rows of a group together, each group where its first row was drawn.
fn side_by_side(rows: &mut Vec<usize>, groups: Option<&[u32]>) {
    let Some(groups) = groups else { return };
    let mut place: BTreeMap<u32, usize> = BTreeMap::new();
    let order: Vec<usize> = rows
        .iter()
        .enumerate()
        .map(|(at, row)| match groups[*row] {
            u32::MAX => at,
            group => *place.entry(group).or_insert(at),
        })
        .collect();
    let mut sorted: Vec<(usize, usize)> = order.into_iter().zip(rows.iter().copied()).collect();
    sorted.sort_by_key(|(at, _)| *at);
    *rows = sorted.into_iter().map(|(_, row)| row).collect();
}

/// What looked-up truths say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// Rows both models were judged on.
    pub rows: usize,
    /// On which they differ.
    pub differing: usize,
    /// Drawn.
    pub drawn: usize,
    /// Of these with a truth.
    pub looked_up: usize,
    /// Where the repaired model is right.
    pub fixed: usize,
    /// Where the old model is right.
    pub broken: usize,
    /// Change in accuracy over all rows, with its exact 95 % interval.
    pub change: Interval,
    /// Two-sided exact p-value of no change.
    pub p: f64,
    /// What follows.
    pub verdict: Verdict,
    /// What to do.
    pub advice: Advice,
    /// Rows to look up in all until it would be decided, if shares stay as they are; absent where it is decided.
    pub rows_to_decide: Option<usize>,
}

/// Reads truths off a filled-in sheet: by check row, the class.
///
/// # Errors
/// Where columns are missing, a row is named twice or not among the drawn, a truth is no class, or the rows are those of another check.
pub fn truths(sheet: &Table, key: &AnswerKey, notes: &mut Notes) -> Result<BTreeMap<usize, u8>> {
    let places = sheet.numbers(CHECK_ROW, notes)?;
    let labels = sheet.texts(TRUE_LABEL)?;
    let (mut found, mut named) = (BTreeMap::new(), Vec::new());
    for (row, place) in places.iter().enumerate() {
        let code = labels.codes[row];
        if code == Texts::MISSING {
            continue;
        }
        let at = |error: Error, column: &str| sheet.at(error, row, column);
        let number = place
            .filter(|place| place.fract() == 0.0 && (1.0..=key.drawn.len() as f64).contains(place))
            .ok_or_else(|| {
                at(
                    Error::input("this is none of the drawn rows").hint("leave the column `check_row` as it was"),
                    CHECK_ROW,
                )
            })?;
        let text = labels.values[code as usize].trim();
        let class = key
            .classes
            .iter()
            .position(|class| class.to_lowercase() == text.to_lowercase())
            .ok_or_else(|| {
                let error = Error::input(format!("`{text}` is no class"));
                at(
                    error.hint(format!(
                        "use one of: {}; leave the cell blank where the truth cannot be found",
                        key.classes.join(", ")
                    )),
                    TRUE_LABEL,
                )
            })?;
        named.push((row, number as usize));
        if found
            .insert(number as usize, class as u8)
            .is_some_and(|before| before != class as u8)
        {
            return Err(at(
                Error::input(format!("row {number} of the check has two different truths")),
                TRUE_LABEL,
            ));
        }
    }
    check_rows(sheet, key, &named)?;
    if found.len() < key.drawn.len() && !found.is_empty() {
        let missing = key.drawn.len() - found.len();
        notes.add(
            "truths-missing",
            format!("{missing} of {} drawn rows have no truth", key.drawn.len()),
            "the others are taken as the sample; if the missing ones are those that were hard to find out, the estimate leans",
        );
    }
    Ok(found)
}

/// Estimate, interval and verdict from the truths.
///
/// # Errors
/// Where no truth is given.
pub fn judge(key: &AnswerKey, truths: &BTreeMap<usize, u8>, minimum_effect: f64) -> Result<Checked> {
    if truths.is_empty() {
        return Err(Error::input("no truth is filled in").hint("write the true class of each row into the column `true_label`, and save"));
    }
    let right = |of: fn(&DrawnRow) -> u8| truths.iter().filter(|(row, truth)| of(&key.drawn[**row - 1]) == **truth).count();
    let (fixed, broken) = (right(|row| row.repaired), right(|row| row.old));
    let sample = DrawnChanges {
        population: key.differing as u64,
        drawn: truths.len() as u64,
        fixed: fixed as u64,
        broken: broken as u64,
        neither: key.classes.len() > 2,
    };
    let found = population_change(sample, INTERVAL_LEVEL)?;
    let of_all = |rows: f64| rows / key.rows as f64 + 0.0;
    let change = Interval {
        estimate: of_all(found.estimate),
        low: of_all(found.low as f64),
        high: of_all(found.high as f64),
    };
    let verdict = match change {
        Interval { low, estimate, .. } if low > 0.0 && estimate >= minimum_effect => Verdict::Better,
        Interval { high, estimate, .. } if high < 0.0 && -estimate >= minimum_effect => Verdict::Worse,
        Interval { low, high, .. } if low > -minimum_effect && high < minimum_effect => Verdict::NoChangeDetected,
        _ => Verdict::CannotBeJudged,
    };
    let open = verdict == Verdict::CannotBeJudged;
    Ok(Checked {
        rows: key.rows,
        differing: key.differing,
        drawn: key.drawn.len(),
        looked_up: truths.len(),
        fixed,
        broken,
        change,
        p: found.p,
        verdict,
        advice: match verdict {
            Verdict::Better => Advice::Use,
            Verdict::Worse | Verdict::NoChangeDetected => Advice::Keep,
            Verdict::CannotBeJudged => Advice::CheckFirst,
        },
        rows_to_decide: open
            .then(|| rows_to_decide(sample, INTERVAL_LEVEL))
            .transpose()?
            .map(|rows| rows as usize),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(differing: usize, drawn: usize) -> AnswerKey {
        AnswerKey {
            version: KEY_VERSION,
            classes: ["on time", "late"].map(str::to_owned).to_vec(),
            sheet_sha256: String::new(),
            sheet: "orders.csv".to_owned(),
            rows: 2_000,
            differing,
            seed: 1,
            drawn: (0..drawn)
                .map(|row| DrawnRow {
                    sheet_row: row + 2,
                    old: 0,
                    repaired: 1,
                })
                .collect(),
            cells: BTreeMap::new(),
        }
    }

    #[test]
    fn the_copy_of_another_check_is_refused() {
        let sheet = |ids: &[&str], sums: &[&str]| {
            let cells = |texts: &[&str]| texts.iter().map(|text| Some((*text).to_owned())).collect::<Vec<_>>();
            Table::new("copy.csv", 3)
                .with_column(CHECK_ROW, cells(&["1", "2", "3"]))
                .and_then(|table| table.with_column(TRUE_LABEL, cells(&["late", "late", "on time"])))
                .and_then(|table| table.with_column("Order", cells(ids)))
                .and_then(|table| table.with_column("Sum", cells(sums)))
                .and_then(|table| table.with_column("Market", cells(&["LATAM"; 3])))
                .unwrap()
        };
        let drawn = sheet(&["A1", "B2", "C3"], &["12.50", "8", "9.75"]);
        let key = AnswerKey {
            cells: telling_apart(&drawn.select(&["Order", "Sum", "Market"].map(str::to_owned)).unwrap()).unwrap(),
            ..key(400, 3)
        };
        assert_eq!(
            key.cells.keys().collect::<Vec<_>>(),
            ["Order", "Sum"],
            "markets do not tell rows apart"
        );
        let read = |sheet: &Table| truths(sheet, &key, &mut Notes::new()).map(|found| found.len());
        assert_eq!(read(&drawn).unwrap(), 3);
        // A program wrote the sums again, and somebody mistyped the orders: they are the rows all the same.
        assert_eq!(read(&sheet(&["x", "y", "z"], &["12.5", "8.00", "9.75"])).unwrap(), 3);
        let error = read(&sheet(&["D4", "E5", "F6"], &["1", "2", "3"])).unwrap_err();
        assert!(error.message().contains("another check"), "{error}");
        let without = sheet(&["D4", "E5", "F6"], &["1", "2", "3"]);
        let without = without.select(&[CHECK_ROW, TRUE_LABEL].map(str::to_owned)).unwrap();
        assert_eq!(read(&without).unwrap(), 3, "what was taken out says nothing");
    }

    #[test]
    fn truths_tell_the_change_over_all_rows() {
        let truths: BTreeMap<usize, u8> = (1..=30).map(|row| (row, u8::from(row <= 24))).collect();
        let found = judge(&key(400, 30), &truths, 0.001).unwrap();
        assert_eq!((found.fixed, found.broken), (24, 6));
        // 18 of 30 of 400 rows of 2,000.
        assert!((found.change.estimate - 0.12).abs() < 1e-12);
        assert_eq!((found.verdict, found.advice), (Verdict::Better, Advice::Use));
        assert!(found.change.low > 0.03 && found.change.high < 0.19 && found.rows_to_decide.is_none());
        let even: BTreeMap<usize, u8> = (1..=30).map(|row| (row, u8::from(row <= 17))).collect();
        let open = judge(&key(400, 30), &even, 0.001).unwrap();
        assert_eq!((open.verdict, open.advice), (Verdict::CannotBeJudged, Advice::CheckFirst));
        assert!(open.rows_to_decide.unwrap() > 60);
        assert!(judge(&key(400, 30), &BTreeMap::new(), 0.001).is_err());
    }

    #[test]
    fn a_filled_in_sheet_is_read_and_wrong_entries_are_named() {
        let sheet = |places: &[&str], labels: &[&str]| {
            let cells = |texts: &[&str]| texts.iter().map(|text| (!text.is_empty()).then(|| (*text).to_owned())).collect();
            Table::new("check.csv", places.len())
                .with_column(CHECK_ROW, cells(places))
                .and_then(|table| table.with_column(TRUE_LABEL, cells(labels)))
                .unwrap()
        };
        let mut notes = Notes::new();
        let found = truths(&sheet(&["2", "1", "3"], &["Late", "on time", ""]), &key(400, 3), &mut notes).unwrap();
        assert_eq!(found, BTreeMap::from([(1, 0), (2, 1)]));
        assert_eq!(notes.iter().count(), 1);
        let wrong = truths(&sheet(&["1"], &["perhaps"]), &key(400, 3), &mut notes).unwrap_err();
        assert!(wrong.message().contains("`perhaps` is no class") && wrong.hint_text().unwrap().contains("on time, late"));
        assert!(truths(&sheet(&["9"], &["late"]), &key(400, 3), &mut notes).is_err());
    }

    #[test]
    fn rows_of_an_order_stand_side_by_side() {
        let mut rows = vec![5, 2, 9, 3];
        side_by_side(&mut rows, Some(&[0, 0, 7, 8, 0, 8, 0, 0, 0, 7]));
        assert_eq!(rows, [5, 3, 2, 9]);
    }
}
