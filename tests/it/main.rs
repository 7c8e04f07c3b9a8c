//! All integration tests in one binary: linking is slow.

mod floors;
mod golden;
mod report;
mod report_fixture;
mod tables_formats;
