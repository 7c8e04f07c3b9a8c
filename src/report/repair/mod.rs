//! The repair report: its sections, one file each.

mod affected;
mod calibration;
mod changed;
mod classes;
mod common;
mod dampening;
mod evidence;
mod first_screen;
mod flagged;
pub(super) mod methods;
mod proposed;

pub use first_screen::{advice_words, badge, first_screen, headline, method_words, verdict_words};

use crate::report::RepairSection;

/// All sections, in the order of the page. The first screen stands above them.
pub const SECTIONS: &[RepairSection] = &[
    evidence::SECTION,
    affected::SECTION,
    classes::SECTION,
    calibration::SECTION,
    methods::SECTION,
    dampening::SECTION,
    flagged::SECTION,
    proposed::SECTION,
    changed::SECTION,
    common::LEAKAGE,
    common::WARNINGS,
    common::PROVENANCE,
    common::GLOSSARY,
];

/// Rows that the page shows of a long list; the workbook has all.
const ROWS_SHOWN: usize = 12;

/// Tells how much of a list the page shows.
fn shown_of(total: usize, noun: &str, sheet: &str) -> String {
    let all = crate::report::format::counted(total, noun);
    if total <= ROWS_SHOWN {
        all
    } else {
        format!("The first {ROWS_SHOWN} of {all}; the rest is in report.xlsx, sheet “{sheet}”")
    }
}
