//! Reports as Excel workbooks.

pub mod grid;
mod sheets;

pub use sheets::{RepairSheet, SHEETS, is_report, workbook};
