//! The row index as a safetensors file: one tensor per property, rows in the order of [`RowIndex::entries`].

use safetensors::{Dtype, SafeTensors};

use super::ModelInfo;
use super::tensors::{Raw, open, write_raw};
use crate::error::{Error, Result};
use crate::features::Profile;
use crate::label_errors::flags::{KeyHash, Part, RowEntry, RowIndex, SALT_BYTES};

/// Name of the tensor with the folder's own hash key.
const HASH_KEY: &str = "hash_key";

/// Name of the tensor with the number of rows between the header and the first row, where there are some.
const LEFT_OUT_AT_TOP: &str = "rows_left_out_at_top";

/// Stands for "no label"; labels are below 255.
const NO_LABEL: u8 = u8::MAX;

pub(super) fn write(rows: &RowIndex) -> Result<Vec<u8>> {
    let entries = rows.entries();
    let raw = |name: &str, dtype: Dtype, shape: Vec<usize>, bytes: Vec<u8>| Raw {
        name: name.to_owned(),
        dtype,
        shape,
        bytes,
    };
    let column = |name: &str, dtype: Dtype, bytes: Vec<u8>| raw(name, dtype, vec![entries.len()], bytes);
    let parts = [Part::Train, Part::Validation, Part::Test, Part::Excluded];
    let counts = parts
        .iter()
        .flat_map(|part| (rows.part(*part).len() as u64).to_le_bytes())
        .collect();
    let mut tensors = vec![
        column(
            "table_row",
            Dtype::U32,
            entries.iter().flat_map(|entry| entry.table_row.to_le_bytes()).collect(),
        ),
        column(
            "sheet_row",
            Dtype::U32,
            entries.iter().flat_map(|entry| entry.sheet_row.to_le_bytes()).collect(),
        ),
        column(
            "label",
            Dtype::U8,
            entries.iter().map(|entry| entry.label.unwrap_or(NO_LABEL)).collect(),
        ),
        raw("rows_of_train_validation_test_excluded", Dtype::U64, vec![parts.len()], counts),
    ];
    if rows.left_out_at_top() > 0 {
        tensors.push(raw(
            LEFT_OUT_AT_TOP,
            Dtype::U32,
            vec![1],
            rows.left_out_at_top().to_le_bytes().to_vec(),
        ));
    }
    if rows.key_column().is_some() || rows.group_column().is_some() {
        // Of rows without a key column, too: their group is hashed so.
        if let Some(salt) = rows.hashing().salt() {
            tensors.push(raw(HASH_KEY, Dtype::U8, vec![SALT_BYTES], salt.to_vec()));
        }
    }
    if rows.key_column().is_some() {
        let keys = entries.iter().flat_map(|entry| entry.key.to_le_bytes()).collect();
        tensors.push(column("key", Dtype::U64, keys));
    }
    if rows.group_column().is_some() {
        let has_group = entries.iter().map(|entry| u8::from(entry.group.is_some())).collect();
        tensors.push(column("has_group", Dtype::U8, has_group));
        let groups = entries
            .iter()
            .flat_map(|entry| entry.group.unwrap_or_default().to_le_bytes())
            .collect();
        tensors.push(column("group", Dtype::U64, groups));
    }
    write_raw(&tensors)
}

pub(super) fn read(bytes: &[u8], info: &ModelInfo, profile: &Profile) -> Result<RowIndex> {
    let file = open(bytes)?;
    let counts = column::<8>(&file, "rows_of_train_validation_test_excluded", Dtype::U64, None)?;
    let counts: Vec<usize> = counts
        .into_iter()
        .filter_map(|bytes| usize::try_from(u64::from_le_bytes(bytes)).ok())
        .collect();
    let labels = column::<1>(&file, "label", Dtype::U8, None)?;
    let rows = labels.len();
    if counts.len() != 4 || counts.iter().try_fold(0_usize, |sum, count| sum.checked_add(*count)) != Some(rows) {
        return Err(Error::input("the numbers of rows do not add up"));
    }
    let hashing = match file.names().contains(&HASH_KEY) {
        true => {
            let salt: Vec<u8> = column::<1>(&file, HASH_KEY, Dtype::U8, Some(SALT_BYTES))?
                .into_iter()
                .flatten()
                .collect();
            salt.try_into().map_or_else(|_| KeyHash::default(), KeyHash::salted)
        }
        // Older folders hash without one.
        false => KeyHash::default(),
    };
    // A private folder names neither keys nor groups, whatever the profile does.
    let has = |column: &Option<String>, tensor: &str| column.clone().filter(|_| file.names().contains(&tensor));
    let (key_column, group_column) = (has(&profile.key, "key"), has(&profile.group, "group"));
    let keys = match key_column {
        Some(_) => Some(column::<8>(&file, "key", Dtype::U64, Some(rows))?),
        None => None,
    };
    let table_rows = column::<4>(&file, "table_row", Dtype::U32, Some(rows))?;
    let sheet_rows = column::<4>(&file, "sheet_row", Dtype::U32, Some(rows))?;
    let groups = match group_column {
        Some(_) => {
            let present = column::<1>(&file, "has_group", Dtype::U8, Some(rows))?;
            let groups = column::<8>(&file, "group", Dtype::U64, Some(rows))?;
            Some((present, groups))
        }
        None => None,
    };
    let mut entries = (0..rows).map(|row| RowEntry {
        key: match &keys {
            Some(keys) => u64::from_le_bytes(keys[row]),
            None => hashing.of_nameless(u32::from_le_bytes(sheet_rows[row]) as usize),
        },
        group: groups
            .as_ref()
            .and_then(|(present, groups)| (present[row] == [1]).then(|| u64::from_le_bytes(groups[row]))),
        table_row: u32::from_le_bytes(table_rows[row]),
        sheet_row: u32::from_le_bytes(sheet_rows[row]),
        label: Some(labels[row][0]).filter(|label| *label != NO_LABEL),
    });
    let mut part = |count: usize| entries.by_ref().take(count).collect::<Vec<_>>();
    let parts = [part(counts[0]), part(counts[1]), part(counts[2]), part(counts[3])];
    let reasons: Vec<&str> = info.left_out.iter().map(|left_out| left_out.reason.as_str()).collect();
    let index = RowIndex::new(key_column, group_column, info.classes.clone(), reasons.join("; "), parts)?;
    let at_top = match file.names().contains(&LEFT_OUT_AT_TOP) {
        true => column::<4>(&file, LEFT_OUT_AT_TOP, Dtype::U32, Some(1))?
            .into_iter()
            .map(u32::from_le_bytes)
            .sum(),
        false => 0,
    };
    Ok(index.hashed(hashing).below(at_top))
}

/// The elements of a tensor with one axis, as bytes.
fn column<const WIDTH: usize>(file: &SafeTensors, name: &str, dtype: Dtype, rows: Option<usize>) -> Result<Vec<[u8; WIDTH]>> {
    let view = file.tensor(name).map_err(|_| Error::input(format!("tensor `{name}` is missing")))?;
    if view.dtype() != dtype || view.shape().len() != 1 || rows.is_some_and(|rows| view.shape() != [rows]) {
        return Err(Error::input(format!("tensor `{name}` has another type or shape than it must have")));
    }
    let (chunks, _) = view.data().as_chunks::<WIDTH>();
    Ok(chunks.to_vec())
}
