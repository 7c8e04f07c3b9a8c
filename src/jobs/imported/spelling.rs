//! Cells as the categories that a model was trained on: `West of USA ` with its blank, `1.0`, `True`.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::notes::Notes;
use crate::onnx::Model;
use crate::tables::{Table, Texts, as_category};

/// The categories of a model.
pub(super) struct Spelling {
    known: BTreeSet<String>,
    /// By the spelling that all programs share; `None` where several of them have it.
    by_category: BTreeMap<String, Option<String>>,
}

impl Spelling {
    pub fn of(model: &Model) -> Self {
        let known = model.categories();
        let mut by_category = BTreeMap::new();
        for text in &known {
            if let Some(category) = as_category(text) {
                let found = by_category.entry(category.into_owned());
                found.and_modify(|other| *other = None).or_insert_with(|| Some(text.clone()));
            }
        }
        Self { known, by_category }
    }

    /// A column as the model takes it: what it was trained on, sign by sign; else the one category that the cell is another spelling of; else
    /// the cell as it stands, and nothing where it stands for no value (`N/A`).
    ///
    /// # Errors
    /// Where the column is not there.
    pub fn texts(&self, table: &Table, column: &str, notes: &mut Notes) -> Result<Texts> {
        let mut texts = table.texts_as_written(column)?;
        let mut others = Vec::new();
        for text in &mut texts.values {
            if self.known.contains(text) {
                continue;
            }
            match as_category(text) {
                None => text.clear(),
                Some(category) => {
                    if let Some(Some(known)) = self.by_category.get(category.as_ref()) {
                        others.push((text.clone(), known.clone()));
                        text.clone_from(known);
                    }
                }
            }
        }
        if let Some((written, known)) = others.first() {
            notes.add(
                "spelling",
                format!(
                    "{} of the values of `{column}` are spelt otherwise than in the model, such as `{written}` for `{known}`",
                    others.len()
                ),
                "they were taken as what the model knows; in your own program, spell them as it does",
            );
        }
        Ok(texts)
    }
}

/// A label or class as a number, truth values as 1 and 0.
pub(super) fn as_number(text: &str) -> Option<f64> {
    let text = text.trim();
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(1.0),
        _ if text.eq_ignore_ascii_case("false") => Some(0.0),
        _ => text.parse().ok(),
    }
}
