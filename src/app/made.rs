//! Which files of the folder Recant itself wrote: no one trains on these or predicts from them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::folder::{Item, Kind};
use super::work::Work;
use crate::jobs::check::{CHECK_ROW, TRUE_LABEL};
use crate::label_errors::proposals::{CORRECT_LABEL, LIKELIEST_LABEL};
use crate::label_errors::sheet::GIVEN_LABEL;
use crate::report::workbook;
use crate::tables::peek;

/// What Recant wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    Predictions,
    /// Rows to decide about or to flag.
    List,
    /// Rows whose truth is looked up.
    Check,
    Report,
}

impl Made {
    /// What the columns and worksheets of a file tell.
    fn of(names: &[String], worksheets: &[String]) -> Option<Self> {
        let has = |name: &str| names.iter().any(|own| own == name);
        if is_predicted(names) {
            Some(Self::Predictions)
        } else if workbook::is_report(worksheets) {
            Some(Self::Report)
        } else if has(CHECK_ROW) && has(TRUE_LABEL) {
            Some(Self::Check)
        } else if has(GIVEN_LABEL) || (has(LIKELIEST_LABEL) && has(CORRECT_LABEL)) {
            Some(Self::List)
        } else {
            None
        }
    }

    /// What a piece of work writes beside its models.
    pub fn by(work: &Work) -> Self {
        match work {
            Work::Predict { .. } => Self::Predictions,
            Work::Check { .. } => Self::Check,
            _ => Self::List,
        }
    }
}

/// Whether a sheet is what a prediction wrote.
pub(super) fn is_predicted(names: &[String]) -> bool {
    let begins = |with: &str| names.iter().any(|name| name.starts_with(with));
    begins("predicted") && begins("probability of ")
}

type Known = HashMap<PathBuf, (u64, Option<SystemTime>, Option<Made>)>;

/// What the files of the folder are; each is looked into once, and again where it changed.
#[derive(Default)]
pub(super) struct Looked(Mutex<Known>);

impl Looked {
    /// What Recant wrote a file as; nothing for a sheet of the person's own.
    pub fn made(&self, item: &Item) -> Option<Made> {
        if item.kind != Kind::Sheet {
            return None;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((bytes, changed, made)) = known.get(&item.path)
            && (*bytes, *changed) == (item.bytes, item.changed)
        {
            return *made;
        }
        let top = peek(&item.path);
        let made = Made::of(&top.names, &top.worksheets);
        known.insert(item.path.clone(), (item.bytes, item.changed, made));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_columns() {
        let of = |names: &[&str]| Made::of(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), &[]);
        assert_eq!(
            of(&["predicted", "warning", "Order Id", "probability of late"]),
            Some(Made::Predictions)
        );
        assert_eq!(of(&["Order Item Id", "given_label"]), Some(Made::List));
        assert_eq!(of(&["check_row", "Order Id", "true_label"]), Some(Made::Check));
        for orders in [&["Order Id", "predicted"][..], &["true_label", "Order Id"], &["label"], &[]] {
            assert_eq!(of(orders), None, "{orders:?}");
        }
    }
}
