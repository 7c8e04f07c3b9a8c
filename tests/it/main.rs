//! All integration tests in one binary: linking is slow.

mod bundled_model;
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
mod tables_dataco;
mod tables_formats;
mod tables_round_trip;
mod tables_workbooks;
