//! The sections of the repair report, one file each.

mod affected;
mod calibration;
mod changed;
mod classes;
mod dampening;
mod evidence;
mod first_screen;
mod flagged;
mod glossary;
mod leakage;
mod methods;
mod provenance;
mod warnings;

pub use evidence::METRICS;
pub use first_screen::{first_screen, headline, verdict_words};

use crate::report::Section;

/// All sections, in the order of the page. The first screen stands above them.
pub const SECTIONS: &[Section] = &[
    evidence::SECTION,
    affected::SECTION,
    classes::SECTION,
    calibration::SECTION,
    methods::SECTION,
    dampening::SECTION,
    flagged::SECTION,
    changed::SECTION,
    leakage::SECTION,
    warnings::SECTION,
    provenance::SECTION,
    glossary::SECTION,
];

/// Rows that the page shows of a long list; the workbook has all.
const ROWS_SHOWN: usize = 12;

/// Tells how much of a list the page shows.
fn shown_of(total: usize, noun: &str, sheet: &str) -> String {
    if total <= ROWS_SHOWN {
        crate::report::format::counted(total, noun)
    } else {
        let all = crate::report::format::counted(total, noun);
        format!("The first {ROWS_SHOWN} of {all}; the rest is in report.xlsx, sheet “{sheet}”")
    }
}
