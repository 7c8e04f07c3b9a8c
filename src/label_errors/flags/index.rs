//! The rows that a model knows: where each stands, by key hash and by row number.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::keys::KeyHash;
use crate::error::{Error, Result};
use crate::features::Prepared;
use crate::tables::{Table, is_rounded_number};

/// What became of a row of the sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The model was trained on it.
    Train,
    /// Validation tail of the training period: judged on, not trained on.
    Validation,
    /// Test row.
    Test,
    /// Filtered out, or without label or time.
    Excluded,
}

/// One row of the sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowEntry {
    /// Hash of its key ([`KeyHash`]); of a name made from its row number where it has no key.
    pub key: u64,
    /// Hash of its group, where the profile names a group column.
    pub group: Option<u64>,
    /// Index in the table, from 0: its place among the data rows of the sheet.
    pub table_row: u32,
    /// Row number as the person sees it in the sheet.
    pub sheet_row: u32,
    /// Observed label; `None` for excluded rows.
    pub label: Option<u8>,
}

/// All rows of the training sheet: training rows in training order, then validation, test and excluded rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowIndex {
    key_column: Option<String>,
    group_column: Option<String>,
    classes: Vec<String>,
    excluded_because: String,
    hashing: KeyHash,
    entries: Vec<RowEntry>,
    /// First entry of validation, test and excluded rows.
    starts: [usize; 3],
    by_key: Vec<(u64, u32)>,
    by_group: Vec<(u64, u32)>,
    /// Entry of each table row; every table row occurs once.
    by_table_row: Vec<u32>,
    by_sheet_row: Vec<(u32, u32)>,
    left_out_at_top: u32,
}

impl RowIndex {
    /// Builds the index of rows whose keys are hashed without a hash key; see [`RowIndex::hashed`].
    ///
    /// `parts` holds the training, validation, test and excluded rows, each in its own order; together they are all rows of the table.
    /// `excluded_because` says why rows are left out, such as "the filter keeps `Order Status` = COMPLETE only".
    ///
    /// # Errors
    /// Where the rows are not each row of a table once, or a row that is not excluded has no label.
    pub fn new(
        key_column: Option<String>,
        group_column: Option<String>,
        classes: Vec<String>,
        excluded_because: String,
        parts: [Vec<RowEntry>; 4],
    ) -> Result<Self> {
        let [train, validation, test, excluded] = parts;
        let starts = [
            train.len(),
            train.len() + validation.len(),
            train.len() + validation.len() + test.len(),
        ];
        let entries: Vec<RowEntry> = [train, validation, test, excluded].concat();
        if u32::try_from(entries.len()).is_err() {
            return Err(Error::input(format!("{} rows are more than 4,294,967,295", entries.len())));
        }
        let mut by_table_row = vec![u32::MAX; entries.len()];
        for (index, entry) in entries.iter().enumerate() {
            match by_table_row.get_mut(entry.table_row as usize) {
                Some(place) if *place == u32::MAX => *place = index as u32,
                _ => return Err(Error::input(format!("row {} occurs twice or is beyond the sheet", entry.sheet_row))),
            }
            let labelled = entry.label.is_some_and(|label| usize::from(label) < classes.len());
            if index < starts[2] && !labelled {
                return Err(Error::input(format!("row {} has no label of the class list", entry.sheet_row)));
            }
        }
        let sorted = |pick: &dyn Fn(&RowEntry) -> Option<u64>| {
            let mut pairs: Vec<(u64, u32)> = entries
                .iter()
                .enumerate()
                .filter_map(|(index, entry)| pick(entry).map(|hash| (hash, index as u32)))
                .collect();
            pairs.sort_unstable();
            pairs
        };
        let by_key = sorted(&|entry| Some(entry.key));
        let by_group = sorted(&|entry| entry.group);
        let mut by_sheet_row: Vec<(u32, u32)> = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| (entry.sheet_row, index as u32))
            .collect();
        by_sheet_row.sort_unstable();
        Ok(Self {
            key_column,
            group_column,
            classes,
            excluded_because,
            hashing: KeyHash::default(),
            entries,
            starts,
            by_key,
            by_group,
            by_table_row,
            by_sheet_row,
            left_out_at_top: 0,
        })
    }

    /// The same index, of rows whose keys are hashed so.
    #[must_use]
    pub fn hashed(self, hashing: KeyHash) -> Self {
        Self { hashing, ..self }
    }

    /// The same index of a sheet in which `rows` rows stand between the header and the first row that is known: units, blank rows.
    #[must_use]
    pub fn below(self, rows: u32) -> Self {
        Self {
            left_out_at_top: rows,
            ..self
        }
    }

    /// Rows between the header and the first row that is known.
    pub fn left_out_at_top(&self) -> u32 {
        self.left_out_at_top
    }

    /// The index of a sheet that was made ready for training.
    ///
    /// # Errors
    /// Where `prepared` does not come from this table.
    pub fn from_prepared(table: &Table, prepared: &Prepared, hashing: KeyHash) -> Result<Self> {
        let profile = &prepared.profile;
        // Each distinct text is hashed once. A number that lost digits in a spreadsheet names no row: several rows may bear it.
        let hashes = |column: &Option<String>| -> Result<Option<Vec<Option<u64>>>> {
            let Some(column) = column else { return Ok(None) };
            let texts = table.texts(column)?;
            let hashed = |text: &String| (!is_rounded_number(text)).then(|| hashing.of(text));
            let values: Vec<Option<u64>> = texts.values.par_iter().map(hashed).collect();
            Ok(Some(
                texts
                    .codes
                    .iter()
                    .map(|code| values.get(*code as usize).copied().flatten())
                    .collect(),
            ))
        };
        let (keys, groups) = (hashes(&profile.key)?, hashes(&profile.group)?);
        let hash = |hashes: &Option<Vec<Option<u64>>>, row: usize| hashes.as_ref().and_then(|hashes| hashes.get(row).copied().flatten());
        let entry = |row: usize, label: Option<u8>| {
            let number = table.row_number(row);
            Ok(RowEntry {
                key: hash(&keys, row).unwrap_or_else(|| hashing.of_nameless(number)),
                group: hash(&groups, row),
                table_row: u32::try_from(row).map_err(|_| Error::input("more than 4,294,967,295 rows"))?,
                sheet_row: u32::try_from(number).map_err(|_| Error::input("more than 4,294,967,295 rows"))?,
                label,
            })
        };
        let mut used = vec![false; table.height()];
        let mut part = |part: Option<&crate::features::Part>| {
            let rows = part.map(|part| part.table_rows.iter().zip(&part.labels));
            rows.into_iter()
                .flatten()
                .map(|(row, label)| {
                    *used.get_mut(*row).ok_or_else(|| Error::internal("a row beyond the table"))? = true;
                    entry(*row, Some(*label))
                })
                .collect::<Result<Vec<_>>>()
        };
        let (train, validation, test) = (
            part(Some(&prepared.train))?,
            part(prepared.validation.as_ref())?,
            part(Some(&prepared.test))?,
        );
        let left = used.iter().enumerate().filter(|(_, used)| !**used);
        let excluded = left.map(|(row, _)| entry(row, None)).collect::<Result<Vec<_>>>()?;
        let reasons: Vec<&str> = prepared.left_out.iter().map(|left_out| left_out.reason.as_str()).collect();
        let index = Self::new(
            profile.key.clone(),
            profile.group.clone(),
            profile.label.classes().to_vec(),
            reasons.join("; "),
            [train, validation, test, excluded],
        )?;
        Ok(index.hashed(hashing).below(table.left_out_at_top()))
    }

    /// The same rows without a trace of their keys and groups: they go by their number, or by the sheet beside them.
    ///
    /// # Errors
    /// None in practice: the rows are those of this index.
    pub fn without_keys(&self) -> Result<Self> {
        let hashing = KeyHash::default();
        let nameless = |entry: &RowEntry| RowEntry {
            key: hashing.of_nameless(entry.sheet_row as usize),
            group: None,
            ..*entry
        };
        let parts = [Part::Train, Part::Validation, Part::Test, Part::Excluded].map(|part| self.part(part).iter().map(nameless).collect());
        let index = Self::new(None, None, self.classes.clone(), self.excluded_because.clone(), parts)?;
        Ok(index.below(self.left_out_at_top))
    }

    /// The same rows with another column of their sheet as the key.
    ///
    /// # Errors
    /// Where the sheet is not the one that these rows come from.
    pub fn keyed_by(&self, sheet: &Table, column: &str) -> Result<Self> {
        let other = || {
            sheet
                .in_place(Error::input(format!(
                    "the flags name rows by `{column}`, which only the sheet knows, and its rows are not those that the model was trained on"
                )))
                .hint("give the sheet that the model was trained on, rows in any state but none added or removed")
        };
        if sheet.height() != self.entries.len() {
            return Err(other());
        }
        if let Some(key) = self.key_column.as_ref().filter(|key| sheet.has(key)) {
            let own = sheet.texts(key)?;
            let same = |entry: &RowEntry| {
                own.get(entry.table_row as usize)
                    .is_none_or(|key| self.hashing.of(key) == entry.key)
            };
            if !self.entries.iter().all(same) {
                return Err(other());
            }
        }
        let texts = sheet.texts(column)?;
        let parts = [Part::Train, Part::Validation, Part::Test, Part::Excluded].map(|part| {
            let rekeyed = |entry: &RowEntry| RowEntry {
                key: match texts.get(entry.table_row as usize) {
                    Some(key) => self.hashing.of(key),
                    None => self.hashing.of_nameless(entry.sheet_row as usize),
                },
                ..*entry
            };
            self.part(part).iter().map(rekeyed).collect()
        });
        let index = Self::new(
            Some(column.to_owned()),
            self.group_column.clone(),
            self.classes.clone(),
            self.excluded_because.clone(),
            parts,
        )?;
        Ok(index.hashed(self.hashing).below(self.left_out_at_top))
    }

    /// How keys and groups are hashed.
    pub fn hashing(&self) -> KeyHash {
        self.hashing
    }

    /// The key column of the profile, where it names one.
    pub fn key_column(&self) -> Option<&str> {
        self.key_column.as_deref()
    }

    /// The group column of the profile, where it names one.
    pub fn group_column(&self) -> Option<&str> {
        self.group_column.as_deref()
    }

    /// Class names, in label order.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Why rows are left out.
    pub fn excluded_because(&self) -> &str {
        &self.excluded_because
    }

    /// All rows: training rows in training order, then validation, test and excluded rows.
    pub fn entries(&self) -> &[RowEntry] {
        &self.entries
    }

    /// The rows of one part, in its order.
    pub fn part(&self, part: Part) -> &[RowEntry] {
        let [validation, test, excluded] = self.starts;
        match part {
            Part::Train => &self.entries[..validation],
            Part::Validation => &self.entries[validation..test],
            Part::Test => &self.entries[test..excluded],
            Part::Excluded => &self.entries[excluded..],
        }
    }

    /// Part of an entry, and its position in that part.
    pub fn place(&self, entry: usize) -> (Part, usize) {
        let [validation, test, excluded] = self.starts;
        match entry {
            entry if entry < validation => (Part::Train, entry),
            entry if entry < test => (Part::Validation, entry - validation),
            entry if entry < excluded => (Part::Test, entry - test),
            entry => (Part::Excluded, entry - excluded),
        }
    }

    /// Entries with this key, in the order of the entries.
    pub(super) fn with_key(&self, key: &str) -> Vec<usize> {
        lookup(&self.by_key, self.hashing.of(key))
    }

    /// Entries of this group.
    pub(super) fn with_group(&self, group: &str) -> Vec<usize> {
        lookup(&self.by_group, self.hashing.of(group))
    }

    /// The entry of a table row.
    pub(super) fn at_table_row(&self, row: usize) -> Option<usize> {
        self.by_table_row.get(row).map(|entry| *entry as usize)
    }

    /// The entry of a row number as seen in the sheet.
    pub(super) fn at_sheet_row(&self, row: usize) -> Option<usize> {
        let row = u32::try_from(row).ok()?;
        let found = self.by_sheet_row.binary_search_by_key(&row, |(sheet_row, _)| *sheet_row).ok()?;
        Some(self.by_sheet_row[found].1 as usize)
    }

    /// Row numbers as seen in the sheet that several rows have, as those of several files have.
    pub(super) fn repeated_sheet_rows(&self) -> BTreeSet<usize> {
        let pairs = self.by_sheet_row.windows(2);
        pairs.filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].0 as usize).collect()
    }

    /// First and last row number of the data as seen in the sheet.
    pub(super) fn sheet_rows(&self) -> Option<(usize, usize)> {
        Some((self.by_sheet_row.first()?.0 as usize, self.by_sheet_row.last()?.0 as usize))
    }
}

fn lookup(pairs: &[(u64, u32)], hash: u64) -> Vec<usize> {
    let first = pairs.partition_point(|(key, _)| *key < hash);
    pairs[first..]
        .iter()
        .take_while(|(key, _)| *key == hash)
        .map(|(_, entry)| *entry as usize)
        .collect()
}
