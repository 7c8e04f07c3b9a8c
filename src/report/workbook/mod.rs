//! Reports as Excel workbooks.

pub mod grid;
mod sheets;

pub use sheets::{RepairSheet, SHEETS, workbook};
