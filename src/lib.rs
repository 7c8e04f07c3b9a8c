//! Recant repairs a trained classifier after some of its training labels turn out to be wrong.
//!
//! Data flows one way through the house; a module imports only from lower floors (`tests/it/floors.rs` enforces it):
//!
//! | floor | modules |
//! |---|---|
//! | 0 | [`error`], [`notes`], [`seed`], [`files`], [`progress`], [`visible`], [`memory`] |
//! | 1 | [`stats`], [`nn`], [`trees`], [`tables`] |
//! | 2 | [`learner`], [`features`], [`datasets`] |
//! | 3 | [`label_errors`], [`onnx`] |
//! | 4 | [`repair`], [`model`] |
//! | 5 | [`evaluate`] |
//! | 6 | [`jobs`], [`experiments`] |
//! | 7 | [`report`] |
//! | 8 | [`commands`] |
//! | 9 | [`app`] |
//! | 10 | [`cli`] |
#![warn(missing_docs)]
// Allowed in the kernels and in the calls of the GPU driver, nowhere else; `tests/it/supply_chain.rs` counts.
#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, clippy::dbg_macro)
)]

pub mod app;
pub mod cli;
pub mod commands;
pub mod datasets;
pub mod error;
pub mod evaluate;
pub mod experiments;
pub mod features;
pub mod files;
pub mod jobs;
pub mod label_errors;
pub mod learner;
pub mod memory;
pub mod model;
pub mod nn;
pub mod notes;
pub mod onnx;
pub mod progress;
pub mod repair;
pub mod report;
pub mod seed;
pub mod stats;
pub mod tables;
pub mod trees;
pub mod visible;

pub use error::{Error, Result};
