//! Wrong labels: making them (for trials), and reading which rows a person says are wrong.
//!
//! - [`kinds`]: the ways a label can go wrong, one file each, one list;
//! - [`change`]: conditions over the columns of a sheet ([`crate::tables::rules`]) with the change of label that they stand for;
//! - [`sheet`]: mislabelling rows of a sheet;
//! - [`draw`]: mislabelling label vectors, fast, for scenarios;
//! - [`flags`]: flag files, and finding their rows among those a model knows;
//! - [`known`]: which part of the wrong rows somebody has found;
//! - [`expand()`]: finding the rest from a few flags;
//! - [`images`]: the same among images;
//! - [`suspects`]: likely label errors without any flags, and [`episodes`] of one value among them;
//! - [`proposals`]: both as a sheet to tick.
//!
//! Injection happens on clean labels that the caller holds; what it returns keeps observed labels, flags and true labels apart.

pub mod amount;
pub mod change;
mod columns;
mod doubt;
pub mod draw;
pub mod episodes;
pub mod expand;
pub mod flags;
pub mod images;
mod in_training;
pub mod kinds;
pub mod known;
mod noise;
mod out_of_fold;
pub mod proposals;
pub mod sheet;
pub mod suspects;
#[cfg(test)]
pub(crate) mod testing;

pub use amount::Amount;
pub use draw::{Domain, Injected, inject_labels};
pub use expand::{ExpandOptions, ExpandRequest, Expansion, Proposal, Verdict, expand};
pub use kinds::{CorruptionKind, KINDS, LabelCorruption};
pub use known::{Bias, Known, KnownFlags};
pub use sheet::{
    CorruptionSummary, InjectedSheet, InjectionPlan, InjectionSummary, PlannedCorruption, affected_rows, inject_sheet, parse_mistakes,
};
