//! All integration tests in one binary: linking is slow.

mod cli;
mod engine;
mod features;
mod features_errors;
mod flags;
mod floors;
mod generator;
mod golden;
mod report;
mod report_fixture;
mod scenarios;
mod tables_broken;
mod tables_formats;
mod tables_round_trip;
mod tables_workbooks;
