//! All integration tests in one binary: linking is slow.

mod broken_jobs;
mod broken_writes;
mod bundled_model;
mod cli;
mod cli_help;
mod cli_results;
mod device;
mod engine;
mod expand;
mod expand_bad_input;
mod features;
mod features_errors;
mod flags;
mod floors;
mod forget;
mod generator;
mod golden;
mod program;
mod report;
mod report_fixture;
mod scenarios;
mod tables_broken;
mod tables_dataco;
mod tables_formats;
mod tables_round_trip;
mod tables_workbooks;
