//! Rows for a repair: the flagged ones, the training rows, and those to judge by; each from what the person has at hand.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::evaluate::Standing;
use crate::evaluate::words::count;
use crate::features::{Part, Prepared, apply};
use crate::label_errors::flags::{FlagFile, LookedUp, Part as Place, ResolvedFlags, RowEntry};
use crate::model::ModelFolder;
use crate::notes::Notes;
use crate::tables::Table;

/// The flagged training rows, in the order of [`ResolvedFlags::training`].
#[derive(Debug, Clone, PartialEq)]
pub struct FlaggedInputs {
    /// Row-major, rows x input columns.
    pub inputs: Vec<f32>,
    /// Observed labels, as the model was trained with them.
    pub labels: Vec<u8>,
}

/// All training rows, in training order.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingData {
    /// Row-major, rows x input columns.
    pub inputs: Vec<f32>,
    /// Observed labels, as the model was trained with them.
    pub labels: Vec<u8>,
}

/// Labelled rows that the model was not trained on.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedRows {
    /// Row-major, rows x input columns.
    pub inputs: Vec<f32>,
    /// Observed labels.
    pub labels: Vec<u8>,
    /// Group of each row, where the profile names a group column.
    pub groups: Option<Vec<u32>>,
    /// Key of each row, or its row number as text.
    pub keys: Vec<String>,
    /// Row number as the person sees it, where known.
    pub numbers: Option<Vec<usize>>,
    /// Whether the row is flagged.
    pub flagged: Vec<bool>,
    /// Whether its label was looked up by the person, and stands among the labels.
    pub looked_up: Vec<bool>,
    /// What is known of its label.
    pub standing: Vec<Standing>,
    /// First and last time, ISO 8601, where the profile has a time column.
    pub period: Option<(String, String)>,
    /// Index of each row in the table it was read from; empty for rows kept in a model folder.
    pub table_rows: Vec<usize>,
}

/// A training sheet, encoded as the model does and checked to be the one it was trained on.
pub struct TrainingSheet {
    /// The sheet's rows.
    pub prepared: Prepared,
    /// Training rows with the labels the model was trained with.
    pub data: TrainingData,
}

impl TrainingSheet {
    /// Encodes the sheet and matches it with the model's rows.
    ///
    /// # Errors
    /// Where the sheet cannot be read as the model's, or its training rows are not the model's.
    pub fn read(table: &Table, model: &ModelFolder, notes: &mut Notes) -> Result<Self> {
        let prepared = apply(table, &model.profile, &model.features, &model.info.split, notes)?;
        let known = model.rows.part(Place::Train);
        let file = &table.source().file_name;
        let hint = format!(
            "give the sheet that the model was trained on (`{}`), rows in any state but none added or removed",
            model.info.data.file
        );
        if prepared.train.len() != known.len() {
            return Err(Error::input(format!(
                "the sheet gives {} training rows, and the model was trained on {}",
                count(prepared.train.len()),
                count(known.len())
            ))
            .in_file(file)
            .hint(hint));
        }
        let keyed = model.rows.key_column().is_some();
        // A row without a key goes by its row number; the index keeps such names apart from keys that look like them.
        let differs = |(key, entry): &(&String, &RowEntry)| {
            let hashing = model.rows.hashing();
            let nameless = || **key == format!("row {}", entry.sheet_row) && hashing.of_nameless(entry.sheet_row as usize) == entry.key;
            keyed && hashing.of(key) != entry.key && !nameless()
        };
        if let Some(position) = prepared.train.keys.iter().zip(known).position(|pair| differs(&pair)) {
            let row = table.row_number(prepared.train.table_rows[position]);
            return Err(Error::input(format!(
                "row {row} (`{}`) is not where the model's training had it",
                prepared.train.keys[position]
            ))
            .in_file(file)
            .at_row(row)
            .hint(hint));
        }
        let labels: Vec<u8> = known.iter().map(|entry| entry.label.unwrap_or_default()).collect();
        let changed = labels.iter().zip(&prepared.train.labels).filter(|(then, now)| then != now).count();
        if changed > 0 {
            notes.add(
                "labels-changed",
                format!(
                    "{} training rows of `{file}` have another label now than when the model was trained",
                    count(changed)
                ),
                "the labels of the training are used; give corrected labels in the flag file (`--correct-column COLUMN`), or a corrected sheet (`--corrected SHEET2`)",
            );
        }
        let data = TrainingData {
            inputs: prepared.train.inputs.clone(),
            labels,
        };
        Ok(Self { prepared, data })
    }

    /// The flagged rows of the sheet.
    pub fn flagged(&self, flags: &ResolvedFlags, width: usize) -> FlaggedInputs {
        let positions = flags.training.iter().map(|flag| flag.position as usize);
        FlaggedInputs {
            inputs: positions
                .flat_map(|position| self.data.inputs[position * width..(position + 1) * width].iter().copied())
                .collect(),
            labels: flags.training.iter().map(|flag| flag.observed).collect(),
        }
    }

    /// The test rows of the sheet; `None` where it has none.
    pub fn test(&self, table: &Table, flags: &ResolvedFlags) -> Option<JudgedRows> {
        judged(&self.prepared.test, table, Place::Test, flags)
    }

    /// The validation rows of the sheet; `None` where it has none.
    pub fn validation(&self, table: &Table, flags: &ResolvedFlags) -> Option<JudgedRows> {
        judged(self.prepared.validation.as_ref()?, table, Place::Validation, flags)
    }
}

fn judged(part: &Part, table: &Table, place: Place, flags: &ResolvedFlags) -> Option<JudgedRows> {
    if part.is_empty() {
        return None;
    }
    let mut labels = part.labels.clone();
    let known = Known::of(place, flags, &mut labels);
    Some(JudgedRows {
        inputs: part.inputs.clone(),
        labels,
        groups: part.groups.clone(),
        keys: part.keys.clone(),
        numbers: Some(part.table_rows.iter().map(|row| table.row_number(*row)).collect()),
        flagged: known.flagged,
        looked_up: known.looked_up,
        standing: known.standing,
        period: part.period(),
        table_rows: part.table_rows.clone(),
    })
}

/// What flags tell of rows to judge by.
struct Known {
    flagged: Vec<bool>,
    looked_up: Vec<bool>,
    standing: Vec<Standing>,
}

impl Known {
    /// Of the rows of one part; labels that were looked up take the place of the recorded ones.
    fn of(place: Place, flags: &ResolvedFlags, labels: &mut [u8]) -> Self {
        let positions = if place == Place::Test { &flags.test } else { &flags.validation };
        let mut known = Self {
            flagged: vec![false; labels.len()],
            looked_up: vec![false; labels.len()],
            standing: vec![Standing::Trusted; labels.len()],
        };
        for position in positions
            .iter()
            .map(|position| *position as usize)
            .filter(|position| *position < labels.len())
        {
            known.flagged[position] = true;
            known.standing[position] = Standing::KnownWrong;
        }
        for LookedUp { position, label, .. } in flags.looked_up.iter().filter(|found| found.part == place) {
            let position = *position as usize;
            if position < labels.len() {
                labels[position] = *label;
                known.looked_up[position] = true;
                known.standing[position] = Standing::Trusted;
            }
        }
        known
    }
}

/// The flagged rows from a flag file that holds whole rows.
///
/// # Errors
/// Where the flag file has keys only: the message says what to add.
pub fn flagged_from_file(
    file: &FlagFile,
    table: &Table,
    flags: &ResolvedFlags,
    model: &ModelFolder,
    notes: &mut Notes,
) -> Result<FlaggedInputs> {
    let table = &table.written_as(model.profile.reading);
    let table = &*model.profile.derived_where_possible(table, &model.features, notes)?;
    let missing: Vec<&str> = model
        .features
        .source_columns()
        .into_iter()
        .filter(|column| !table.has(column))
        .collect();
    if !missing.is_empty() {
        let shown: Vec<String> = missing.iter().take(3).map(|column| format!("`{column}`")).collect();
        let more = if missing.len() > 3 {
            format!(" and {} more", missing.len() - 3)
        } else {
            String::new()
        };
        return Err(Error::input(format!(
            "the flag file names rows without their values ({}{more} are not there), and no training sheet is given",
            shown.join(", ")
        ))
        .in_file(&file.file)
        .hint(format!(
            "give the sheet that the model was trained on with `--data SHEET` (it was `{}`), or a flag file with whole rows",
            model.info.data.file
        )));
    }
    let lines: Option<Vec<usize>> = flags.training.iter().map(|flag| file.flags[flag.flag].table_row).collect();
    let lines = lines.ok_or_else(|| Error::input("the flag file has no header, so its columns have no names").in_file(&file.file))?;
    let rows = table.take(&lines);
    let encoded = model.features.transform(&rows, notes)?;
    Ok(FlaggedInputs {
        inputs: encoded.inputs,
        labels: flags.training.iter().map(|flag| flag.observed).collect(),
    })
}

/// Labelled rows of a test sheet that the model was neither trained on nor is to be chosen by.
///
/// # Errors
/// Where the sheet cannot be read as the model's, or holds no such row.
pub fn judged_from_sheet(table: &Table, model: &ModelFolder, flags: &ResolvedFlags, notes: &mut Notes) -> Result<JudgedRows> {
    let prepared = apply(table, &model.profile, &model.features, &model.info.split, notes)?;
    let parts = [Some(&prepared.train), prepared.validation.as_ref(), Some(&prepared.test)];
    let keyed = model.rows.key_column().is_some();
    let seen: BTreeSet<u64> = match keyed {
        true => [Place::Train, Place::Validation]
            .iter()
            .flat_map(|part| model.rows.part(*part))
            .map(|entry| entry.key)
            .collect(),
        false => BTreeSet::new(),
    };
    // The label that the model's sheet has for a flagged test row: where the sheet given still has it, nobody corrected it.
    let flagged_keys: BTreeMap<u64, Option<u8>> = match keyed {
        true => flags
            .test
            .iter()
            .map(|position| model.rows.part(Place::Test)[*position as usize])
            .map(|entry| (entry.key, entry.label))
            .collect(),
        false => BTreeMap::new(),
    };
    let width = model.features.width();
    let mut rows = JudgedRows {
        inputs: Vec::new(),
        labels: Vec::new(),
        groups: prepared.test.groups.as_ref().map(|_| Vec::new()),
        keys: Vec::new(),
        numbers: Some(Vec::new()),
        flagged: Vec::new(),
        looked_up: Vec::new(),
        standing: Vec::new(),
        period: None,
        table_rows: Vec::new(),
    };
    let mut times: Vec<i64> = Vec::new();
    let mut known = 0;
    for part in parts.into_iter().flatten() {
        for row in 0..part.len() {
            let key = model.rows.hashing().of(&part.keys[row]);
            if seen.contains(&key) {
                known += 1;
                continue;
            }
            rows.inputs.extend_from_slice(&part.inputs[row * width..(row + 1) * width]);
            rows.labels.push(part.labels[row]);
            if let (Some(groups), Some(of_part)) = (&mut rows.groups, &part.groups) {
                groups.push(of_part[row]);
            }
            rows.keys.push(part.keys[row].clone());
            if let Some(numbers) = &mut rows.numbers {
                numbers.push(table.row_number(part.table_rows[row]));
            }
            let recorded = flagged_keys.get(&key);
            let unchanged = recorded == Some(&Some(part.labels[row]));
            rows.flagged.push(recorded.is_some());
            rows.looked_up.push(recorded.is_some() && !unchanged);
            rows.standing.push(if unchanged { Standing::KnownWrong } else { Standing::Trusted });
            rows.table_rows.push(part.table_rows[row]);
            times.extend(part.times.as_ref().map(|times| times[row]));
        }
    }
    if known > 0 {
        notes.add(
            "known-rows",
            format!(
                "{} rows of `{}` are training or validation rows of the model",
                count(known),
                table.source().file_name
            ),
            "they were left out of the evaluation",
        );
    }
    if !keyed {
        notes.add(
            "no-key",
            "the model has no key column, so it cannot be told whether it was trained on rows of the test sheet",
            "all labelled rows of the test sheet were used",
        );
    }
    if rows.labels.is_empty() {
        return Err(Error::input(
            "no row of the test sheet can be used: rows need a label, must pass the profile's filter, and must not be training rows",
        )
        .in_file(&table.source().file_name)
        .hint("leave out `--test` to judge by the test rows of `--data`"));
    }
    rows.period = times
        .iter()
        .min()
        .zip(times.iter().max())
        .map(|(first, last)| (crate::features::iso(*first), crate::features::iso(*last)));
    Ok(rows)
}

/// The encoded test or validation rows that a model folder may carry.
pub fn judged_from_model(model: &ModelFolder, place: Place, flags: &ResolvedFlags) -> Option<JudgedRows> {
    let kept = model.evaluation.as_ref()?;
    let inputs = match place {
        Place::Test => &kept.test,
        Place::Validation => &kept.validation,
        Place::Train | Place::Excluded => return None,
    };
    let entries = model.rows.part(place);
    if inputs.is_empty() || entries.is_empty() {
        return None;
    }
    let mut groups: Vec<u64> = entries.iter().filter_map(|entry| entry.group).collect();
    groups.sort_unstable();
    groups.dedup();
    let code = |group: Option<u64>| {
        group
            .and_then(|group| groups.binary_search(&group).ok())
            .map_or(u32::MAX, |code| code as u32)
    };
    let mut labels: Vec<u8> = entries.iter().map(|entry| entry.label.unwrap_or_default()).collect();
    let known = Known::of(place, flags, &mut labels);
    Some(JudgedRows {
        inputs: inputs.clone(),
        labels,
        groups: (!groups.is_empty()).then(|| entries.iter().map(|entry| code(entry.group)).collect()),
        keys: entries.iter().map(|entry| format!("row {}", entry.sheet_row)).collect(),
        numbers: Some(entries.iter().map(|entry| entry.sheet_row as usize).collect()),
        flagged: known.flagged,
        looked_up: known.looked_up,
        standing: known.standing,
        period: match place {
            Place::Test => model.info.test.period.clone(),
            _ => model.info.validation.as_ref().and_then(|part| part.period.clone()),
        },
        table_rows: Vec::new(),
    })
}
