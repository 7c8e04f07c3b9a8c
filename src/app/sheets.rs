//! Sheets that are looked at: read once, kept while they are, and searched and sorted without reading them again.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use rayon::prelude::*;

use super::folder::Item;
use super::reading::Reading;
use crate::commands::{InspectedSheet, SheetSource};
use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::tables::{ColumnKind, Table, Texts, worksheets};

/// Sheets that are kept; memory is for the work.
const KEPT: usize = 2;

/// What names a sheet as it is: another size or time is another sheet.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    path: PathBuf,
    bytes: u64,
    changed: Option<SystemTime>,
    reading: Reading,
}

/// Sheets by name and reading.
#[derive(Default)]
pub(super) struct Sheets(Mutex<VecDeque<(Key, Arc<Opened>)>>);

impl Sheets {
    /// The sheet, read if it was not. One at a time is read: a hundred requests take the memory of one.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn open(&self, item: &Item, reading: &Reading) -> Result<Arc<Opened>> {
        let key = Key {
            path: item.path.clone(),
            bytes: item.bytes,
            changed: item.changed,
            reading: reading.clone(),
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = kept.iter().position(|(other, _)| *other == key)
            && let Some(entry) = kept.remove(place)
        {
            let opened = Arc::clone(&entry.1);
            kept.push_front(entry);
            return Ok(opened);
        }
        kept.truncate(KEPT - 1);
        let mut notes = Notes::new();
        let table = SheetSource::File(&item.path).read(&reading.options(), &mut notes)?.into_owned();
        let opened = Arc::new(Opened {
            table,
            notes,
            texts: OnceLock::new(),
            kinds: OnceLock::new(),
            choices: OnceLock::new(),
            last: Mutex::new(None),
            inspected: Mutex::new(None),
            worksheets: OnceLock::new(),
        });
        kept.push_front((key, Arc::clone(&opened)));
        Ok(opened)
    }
}

/// Which rows are looked at, and in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Search {
    /// Text that a cell of the row holds, whatever its case.
    pub text: String,
    /// Column that orders the rows.
    pub by: Option<String>,
    pub falling: bool,
    /// What columns must hold, by their place in the sheet; all of it must hold.
    pub only: Vec<(usize, Only)>,
}

/// What a column must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Only {
    /// This text.
    Is(String),
    /// Anything.
    Filled,
    /// Nothing.
    Missing,
}

/// Texts of a column that are few enough to choose from, with their numbers of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choices {
    /// Place of the column in the sheet.
    pub place: usize,
    pub choices: Vec<(Only, usize)>,
}

/// A column of more texts than this is offered as filled or empty only.
const MOST_CHOICES: usize = 12;

/// A sheet that is looked at.
pub(super) struct Opened {
    pub table: Table,
    pub notes: Notes,
    texts: OnceLock<Vec<Texts>>,
    kinds: OnceLock<Vec<ColumnKind>>,
    choices: OnceLock<Vec<Choices>>,
    last: Mutex<Option<(Search, Arc<Vec<u32>>)>>,
    inspected: Mutex<Option<(ProfileKey, Arc<InspectedSheet>)>>,
    worksheets: OnceLock<Vec<String>>,
}

/// What names a profile as it is: its file, how large it is and when it changed.
pub(super) type ProfileKey = Option<(PathBuf, u64, Option<SystemTime>)>;

impl Opened {
    /// Names of the worksheets of its workbook; none of any other file. The file is not read again for each page.
    pub fn worksheets(&self) -> &[String] {
        let source = self.table.source();
        self.worksheets.get_or_init(|| match source.sheet {
            Some(_) => worksheets(&source.path).unwrap_or_default(),
            None => Vec::new(),
        })
    }

    /// The cells of every column, in the order of the columns.
    ///
    /// # Errors
    /// None in practice: every name is the table's own.
    pub fn texts(&self) -> Result<&[Texts]> {
        if let Some(texts) = self.texts.get() {
            return Ok(texts);
        }
        let texts = self
            .table
            .names()
            .par_iter()
            .map(|name| self.table.texts(name))
            .collect::<Result<Vec<_>>>()?;
        Ok(self.texts.get_or_init(|| texts))
    }

    /// What each column seems to hold; looked for once, since it goes through all different cells of a column.
    ///
    /// # Errors
    /// As [`Opened::texts`].
    pub fn kinds(&self) -> Result<&[ColumnKind]> {
        let texts = self.texts()?;
        Ok(self.kinds.get_or_init(|| texts.par_iter().map(Texts::kind).collect()))
    }

    /// What an inspection of the sheet with a profile says; asked of `inspect` where it is not known. One at a time is made.
    ///
    /// # Errors
    /// As `inspect`.
    pub fn inspected(&self, key: &ProfileKey, inspect: impl FnOnce() -> Result<InspectedSheet>) -> Result<Arc<InspectedSheet>> {
        let mut last = self.inspected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, found)) = last.as_ref()
            && known == key
        {
            return Ok(Arc::clone(found));
        }
        let found = Arc::new(inspect()?);
        *last = Some((key.clone(), Arc::clone(&found)));
        Ok(found)
    }

    /// The rows that are looked for, by their place in the table.
    ///
    /// # Errors
    /// Where they are to be ordered by a column that is not there.
    pub fn find(&self, search: &Search) -> Result<Arc<Vec<u32>>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, rows)) = last.as_ref()
            && known == search
        {
            return Ok(Arc::clone(rows));
        }
        let texts = self.texts()?;
        let mut rows: Vec<u32> = match search.text.as_str() {
            "" => (0..u32::try_from(self.table.height()).unwrap_or(u32::MAX)).collect(),
            text => self.holding(texts, text),
        };
        for (place, only) in &search.only {
            let Some(texts) = texts.get(*place) else {
                return Err(Error::input(format!("the sheet has no column {}", place + 1)));
            };
            let code = match only {
                Only::Is(text) => texts.values.iter().position(|value| value == text),
                _ => None,
            };
            rows.retain(|row| {
                let own = texts.codes[*row as usize];
                match only {
                    Only::Is(_) => code.is_some_and(|code| own as usize == code),
                    Only::Filled => own != Texts::MISSING,
                    Only::Missing => own == Texts::MISSING,
                }
            });
        }
        if let Some(by) = &search.by {
            self.order(texts, by, search.falling, &mut rows)?;
        }
        let rows = Arc::new(rows);
        *last = Some((search.clone(), Arc::clone(&rows)));
        Ok(rows)
    }

    /// What rows can be narrowed by: columns of a few texts, and those that are filled in some rows only.
    ///
    /// # Errors
    /// As [`Opened::texts`].
    pub fn choices(&self) -> Result<&[Choices]> {
        let texts = self.texts()?;
        Ok(self.choices.get_or_init(|| {
            let of = |(place, texts): (usize, &Texts)| {
                let missing = texts.missing_count();
                let filled = texts.codes.len() - missing;
                let few = texts.values.len() <= MOST_CHOICES;
                let mut choices: Vec<(Only, usize)> = match few {
                    true => texts.values.iter().cloned().map(Only::Is).zip(texts.counts()).collect(),
                    false => vec![(Only::Filled, filled)],
                };
                choices.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
                if missing > 0 {
                    choices.push((Only::Missing, missing));
                }
                (choices.len() > 1).then_some(Choices { place, choices })
            };
            texts.iter().enumerate().filter_map(of).collect()
        }))
    }

    fn holding(&self, texts: &[Texts], text: &str) -> Vec<u32> {
        let wanted = text.to_lowercase();
        let plain = wanted.is_ascii();
        let holds = |value: &String| match plain && value.is_ascii() {
            true => {
                value.len() >= wanted.len()
                    && value
                        .as_bytes()
                        .windows(wanted.len())
                        .any(|part| part.eq_ignore_ascii_case(wanted.as_bytes()))
            }
            false => value.to_lowercase().contains(&wanted),
        };
        let marks: Vec<Vec<bool>> = texts.par_iter().map(|texts| texts.values.par_iter().map(holds).collect()).collect();
        let columns: Vec<(&Texts, &Vec<bool>)> = texts.iter().zip(&marks).filter(|(_, marks)| marks.contains(&true)).collect();
        let hit = |row: usize| {
            let mut cells = columns
                .iter()
                .map(|(texts, marks)| marks.get(texts.codes[row] as usize).copied().unwrap_or(false));
            cells.any(|hit| hit)
        };
        let rows = (0..self.table.height()).into_par_iter().filter(|row| hit(*row));
        rows.map(|row| u32::try_from(row).unwrap_or(u32::MAX)).collect()
    }

    /// Orders rows by the numbers, dates or texts of a column; rows without a value come last.
    fn order(&self, texts: &[Texts], by: &str, falling: bool, rows: &mut [u32]) -> Result<()> {
        let Some(place) = self.table.names().iter().position(|name| name == by) else {
            return Err(Error::input(format!("there is no column `{by}`")));
        };
        let texts = &texts[place];
        let mut aside = Notes::new();
        let numbers: Option<Vec<Option<f64>>> = match texts.kind() {
            ColumnKind::Number => self.table.numbers(by, &mut aside).ok(),
            ColumnKind::Date => {
                let dates = self.table.dates(by, None, &mut aside).ok();
                dates.map(|dates| dates.into_iter().map(|date| date.map(|date| date as f64)).collect())
            }
            _ => None,
        };
        let keys = numbers.unwrap_or_else(|| ranks(texts));
        let key = |row: &u32| keys.get(*row as usize).copied().flatten();
        rows.par_sort_by(|a, b| match (key(a), key(b)) {
            (Some(a), Some(b)) if falling => b.total_cmp(&a),
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        });
        Ok(())
    }
}

/// The place of every row's text in the alphabet.
fn ranks(texts: &Texts) -> Vec<Option<f64>> {
    let mut order: Vec<usize> = (0..texts.values.len()).collect();
    order.par_sort_by_key(|code| (texts.values[*code].to_lowercase(), *code));
    let mut rank = vec![0.0; order.len()];
    for (place, code) in order.into_iter().enumerate() {
        rank[code] = place as f64;
    }
    texts.codes.iter().map(|code| rank.get(*code as usize).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> Opened {
        let cells = |values: &[&str]| values.iter().map(|value| Some((*value).to_owned())).collect();
        let table = Table::new("t", 4)
            .with_column("name", cells(&["Äpfel", "birnen", "", "Cola"]))
            .and_then(|table| table.with_column("number", cells(&["10", "9", "100", ""])))
            .unwrap();
        Opened {
            table,
            notes: Notes::new(),
            texts: OnceLock::new(),
            kinds: OnceLock::new(),
            choices: OnceLock::new(),
            last: Mutex::new(None),
            inspected: Mutex::new(None),
            worksheets: OnceLock::new(),
        }
    }

    #[test]
    fn rows_are_found_whatever_the_case_and_ordered_by_what_they_mean() {
        let opened = opened();
        let find = |text: &str, by: Option<&str>, falling| {
            let search = Search {
                text: text.to_owned(),
                by: by.map(str::to_owned),
                falling,
                only: Vec::new(),
            };
            opened.find(&search).unwrap().to_vec()
        };
        assert_eq!(find("", None, false), [0, 1, 2, 3]);
        assert_eq!(find("BIRN", None, false), [1]);
        assert_eq!(find("äPF", None, false), [0]);
        assert_eq!(find("10", None, false), [0, 2]);
        assert_eq!(find("nothing", None, false), [0_u32; 0]);
        assert_eq!(find("", Some("number"), false), [1, 0, 2, 3]);
        assert_eq!(find("", Some("number"), true), [2, 0, 1, 3]);
        assert_eq!(find("", Some("name"), false), [1, 3, 0, 2]);
        assert!(
            opened
                .find(&Search {
                    by: Some("no".to_owned()),
                    ..Search::default()
                })
                .is_err()
        );
    }

    #[test]
    fn rows_are_narrowed_by_what_their_columns_hold() {
        let cells = |values: &[&str]| values.iter().map(|value| Some((*value).to_owned())).collect();
        let many: Vec<String> = (0..20)
            .map(|row| if row < 5 { String::new() } else { format!("text {row}") })
            .collect();
        let class: Vec<&str> = (0..20).map(|row| if row % 4 == 0 { "late" } else { "on time" }).collect();
        let table = Table::new("t", 20)
            .with_column("class", cells(&class))
            .and_then(|table| table.with_column("warning", many.iter().cloned().map(Some).collect()))
            .and_then(|table| table.with_column("same", vec![Some("x".to_owned()); 20]))
            .unwrap();
        let opened = Opened { table, ..opened() };
        let found = opened.choices().unwrap();
        let class = Choices {
            place: 0,
            choices: vec![(Only::Is("on time".to_owned()), 15), (Only::Is("late".to_owned()), 5)],
        };
        let warning = Choices {
            place: 1,
            choices: vec![(Only::Filled, 15), (Only::Missing, 5)],
        };
        assert_eq!(found, [class, warning]);
        let find = |only: &[(usize, Only)]| {
            let only = only.to_vec();
            opened.find(&Search { only, ..Search::default() }).map(|rows| rows.to_vec())
        };
        let late = (0, Only::Is("late".to_owned()));
        assert_eq!(find(std::slice::from_ref(&late)).unwrap(), [0, 4, 8, 12, 16]);
        assert_eq!(find(&[late.clone(), (1, Only::Missing)]).unwrap(), [0, 4]);
        assert_eq!(find(&[late, (1, Only::Filled)]).unwrap(), [8, 12, 16]);
        assert_eq!(find(&[(0, Only::Is("early".to_owned()))]).unwrap(), [0_u32; 0]);
        assert!(find(&[(9, Only::Filled)]).is_err());
    }
}
