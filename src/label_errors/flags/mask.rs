//! Masks: a file of one column that says for every row of the sheet, in its order, whether it is wrong.

use super::RowIndex;
use super::columns::{Columns, folded};
use crate::error::{Error, Result};
use crate::features::ticks;

/// A mark for every row of the sheet.
pub(super) struct Mask {
    /// Per row of the sheet whether it is flagged.
    pub(super) ticked: Vec<bool>,
    /// Whether the first line, which reading took for a header, is one of them.
    pub(super) headless: bool,
    /// Whether the column's name says that a tick marks a row that is right.
    pub(super) inverted: bool,
}

/// More lines of nothing but 0 and 1 than this repeat themselves, so they are no keys and no row numbers.
const TWO: usize = 2;

/// The mask that a file is; `None` where it is none.
///
/// # Errors
/// Where it is one by its content but has not one line for each row, or the person says that its lines are row numbers.
pub(super) fn find(columns: &Columns, index: &RowIndex) -> Result<Option<Mask>> {
    let (table, options) = (columns.table, columns.options);
    let [only] = table.names() else { return Ok(None) };
    let names_rows = [index.key_column(), index.group_column()];
    let known = names_rows.into_iter().flatten().any(|column| folded(column) == folded(only));
    if known || options.key.is_some() || columns.stated_flags().is_some_and(|(column, _)| column == only) {
        return Ok(None);
    }
    let texts = table.texts(only)?;
    let headless = ticks::is_truth(only) && columns.has_header_line();
    let lines = table.height() + usize::from(headless);
    if lines <= TWO || !ticks::are_ticks(&texts) {
        return Ok(None);
    }
    if options.numbering.is_some() {
        return Err(
            Error::input("the file holds nothing but marks such as 0 and 1, over and over: they are no row numbers")
                .hint("leave out `--row-numbers` where the file has one line for each row of the sheet, in its order"),
        );
    }
    let rows = index.entries().len();
    // What pandas writes above a series without a name; above numbers it could be a line too many.
    let numbers = texts.values.iter().all(|text| text.parse::<f64>().is_ok());
    let pandas = only == "0" && table.height() == rows && !numbers;
    if lines != rows && !pandas {
        let trained = index.part(super::Part::Train).len();
        let but = if lines == trained {
            ", as many as the model was trained on; but they do not say which rows these are"
        } else {
            ""
        };
        return Err(Error::input(format!(
            "the file holds nothing but marks such as 0 and 1, in {lines} lines, where the sheet has {rows} rows{but}"
        ))
        .hint("write one line for each row of the sheet, in its order, or a list of keys or row numbers"));
    }
    let meanings = ticks::meanings(&texts.values);
    let of_row = |row: usize| {
        texts
            .codes
            .get(row)
            .and_then(|code| *meanings.get(*code as usize)?)
            .unwrap_or(false)
    };
    let headless = headless && !pandas;
    let inverted = columns.right_is_ticked(only)?;
    let first = headless.then(|| ticks::meanings(std::slice::from_ref(only))[0].unwrap_or(false));
    Ok(Some(Mask {
        ticked: first
            .into_iter()
            .chain((0..table.height()).map(|row| of_row(row) != inverted))
            .collect(),
        headless,
        inverted,
    }))
}
