//! Which row of the training sheet a row of a corrected sheet is.

use std::collections::{BTreeMap, BTreeSet};

use super::super::RowIndex;
use super::super::keys::variants;
use super::rows;
use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::tables::{Table, Texts};

/// Columns that both sheets have, with their texts in the corrected one and in the training sheet.
type Shared = Vec<(Texts, Texts)>;

/// Rows of one key times rows of it in the other sheet, up to which all pairs are compared.
const MOST_PAIRS: usize = 1_000_000;

/// The columns that say nothing about whether two rows are the same.
fn left_out<'a>(key: &'a str, sources: &[&'a str]) -> Vec<&'a str> {
    sources.iter().copied().chain([key]).collect()
}

/// The columns of both sheets but some; none where the training sheet is not at hand as it was trained on.
fn shared(corrected: &Table, sheet: Option<&Table>, left_out: &[&str], index: &RowIndex) -> Result<Shared> {
    let Some(sheet) = sheet.filter(|sheet| sheet.height() == index.entries().len()) else {
        return Ok(Vec::new());
    };
    let of_both = corrected
        .names()
        .iter()
        .filter(|name| sheet.has(name) && !left_out.contains(&name.as_str()));
    of_both.map(|name| Ok((corrected.texts(name)?, sheet.texts(name)?))).collect()
}

/// Per row of the corrected sheet its entry. Rows that share a key are matched by their other cells, as far as the training sheet is at hand, else in
/// their order.
///
/// # Errors
/// Where no key is known, or a key names more rows than in the training sheet, with different labels.
pub(super) fn by_key(
    corrected: &Table,
    key: &str,
    index: &RowIndex,
    (labels, sources, sheet): (&[Option<u8>], &[&str], Option<&Table>),
    notes: &mut Notes,
) -> Result<Vec<Option<usize>>> {
    corrected.require(key)?;
    let texts = corrected.texts(key)?;
    let mut of_key: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (row, code) in texts.codes.iter().enumerate().filter(|(_, code)| **code != Texts::MISSING) {
        of_key.entry(*code).or_default().push(row);
    }
    let repeated = of_key.values().any(|rows| rows.len() > 1);
    let cells = if repeated {
        shared(corrected, sheet, &left_out(key, sources), index)?
    } else {
        Vec::new()
    };
    let mut found = vec![None; corrected.height()];
    for (code, own) in &of_key {
        let name = texts.values[*code as usize].as_str();
        let mut entries = index.with_key(name);
        entries.sort_by_key(|entry| index.entries()[*entry].table_row);
        let twice = |row: usize| {
            Error::input(format!(
                "`{name}` stands in {} of the corrected sheet, with different labels, and in {} of the sheet that the model was trained on",
                rows(own.len()),
                rows(entries.len())
            ))
            .in_column(key)
            .at_row(corrected.row_number(row))
            .hint("leave the row with the right label only")
        };
        if cells.is_empty() || own.len() * entries.len() <= 1 || own.len() * entries.len() > MOST_PAIRS {
            let said: BTreeSet<Option<u8>> = own.iter().map(|row| labels[*row]).collect();
            if !entries.is_empty() && own.len() > entries.len() && said.len() > 1 {
                return Err(twice(own[own.len() - 1]));
            }
            for (row, entry) in own.iter().zip(&entries) {
                found[*row] = Some(*entry);
            }
            continue;
        }
        // The pairs that have most cells in common first; of equal ones those that come first in both.
        let alike = |row: usize, entry: usize| {
            let place = index.entries()[entry].table_row as usize;
            cells
                .iter()
                .filter(|(own, known)| own.get(row).is_some() && own.get(row) == known.get(place))
                .count()
        };
        let mut pairs: Vec<(usize, usize, usize)> = own
            .iter()
            .flat_map(|row| entries.iter().map(move |entry| (*row, *entry)))
            .map(|(row, entry)| (alike(row, entry), row, entry))
            .collect();
        pairs.sort_by_key(|(alike, ..)| std::cmp::Reverse(*alike));
        let mut taken: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for (alike, row, entry) in pairs {
            if found[row].is_some() {
                continue;
            }
            match taken.get(&entry) {
                None => {
                    taken.insert(entry, (row, alike));
                    found[row] = Some(entry);
                }
                // As much like that row as the one that was taken for it.
                Some((other, most)) if own.len() > entries.len() && *most == alike && labels[*other] != labels[row] => {
                    return Err(twice(row));
                }
                Some(_) => {}
            }
        }
    }
    let known = found.iter().flatten().count();
    if known == 0 {
        return Err(unknown_keys(&texts, key, index));
    }
    let (new, missing) = (found.len() - known, index.entries().len() - known);
    if new > 0 || missing > 0 {
        notes.add(
            "corrected-rows",
            format!(
                "{} of the corrected sheet {} not in the training sheet, and {} of that {} not in the corrected one",
                rows(new),
                is(new),
                rows(missing),
                is(missing)
            ),
            "nothing is said about them: they are not flagged",
        );
    }
    Ok(found)
}

fn unknown_keys(texts: &Texts, key: &str, index: &RowIndex) -> Error {
    let error = Error::input(format!(
        "no row of the corrected sheet has a `{key}` of the sheet that the model was trained on"
    ))
    .in_column(key);
    let near = texts.values.first().and_then(|own| {
        let found = variants(own).into_iter().find(|(_, text)| !index.with_key(text).is_empty());
        found.map(|(how, text)| format!("`{own}` is there {how}: `{text}`; write the keys as they are in that sheet"))
    });
    error.hint(near.unwrap_or_else(|| "give a corrected copy of that sheet".to_owned()))
}

fn is(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// Refuses rows that have the keys of the training sheet but the cells of other rows of it, as where the keys were moved by a line or renumbered.
///
/// # Errors
/// Where no column with words agrees by more than chance.
pub(super) fn refuse_other_rows(
    corrected: &Table,
    found: &[Option<usize>],
    sources: &[&str],
    (key, index): (&str, &RowIndex),
    sheet: Option<&Table>,
) -> Result<()> {
    /// Rows from which on chance is no explanation.
    const LEAST: usize = 20;
    /// Agreement beyond chance that rows of the same sheet have by far.
    const AGREE: f64 = 0.5;
    let mut best: Option<(f64, usize, usize)> = None;
    for (own, known) in shared(corrected, sheet, &left_out(key, sources), index)? {
        // Columns that are written in another way now say nothing.
        let words: BTreeSet<&String> = known.values.iter().collect();
        let same_words = own.values.iter().filter(|value| words.contains(value)).count();
        if known.values.len() < 2 || own.values.len() < 2 || same_words * 10 < own.values.len() * 9 {
            continue;
        }
        let pairs = found.iter().enumerate().filter_map(|(row, entry)| {
            let place = index.entries()[(*entry)?].table_row as usize;
            Some((own.get(row)?, known.get(place)?))
        });
        let (mut all, mut equal) = (0_usize, 0_usize);
        let mut counts: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for (own, known) in pairs {
            all += 1;
            equal += usize::from(own == known);
            counts.entry(own).or_default().0 += 1.0;
            counts.entry(known).or_default().1 += 1.0;
        }
        if all < LEAST {
            continue;
        }
        let by_chance: f64 = counts.values().map(|(own, known)| own * known).sum::<f64>() / (all * all) as f64;
        if by_chance > 0.99 {
            continue;
        }
        let beyond = (equal as f64 / all as f64 - by_chance) / (1.0 - by_chance);
        if best.is_none_or(|(most, ..)| beyond > most) {
            best = Some((beyond, equal, all));
        }
    }
    match best {
        Some((beyond, equal, all)) if beyond < AGREE => Err(Error::input(format!(
            "the rows of the corrected sheet have the values of `{key}` but not the other cells of the sheet that the model was trained on: in the column \
             that agrees best, {equal} of {all} cells are the same"
        ))
        .in_column(key)
        .hint(format!("give a corrected copy of that sheet, in which every row keeps its `{key}`"))),
        _ => Ok(()),
    }
}
