//! The jobs as library functions: train, inject, repair, predict. They read no arguments and print nothing.

pub mod alone;
mod baselines;
pub mod check;
mod choosing;
mod convert;
pub mod expand;
pub mod expand_images;
pub mod export;
mod fitting;
pub mod imported;
mod placebo;
pub mod predict;
pub mod repair;
pub mod rows;
pub mod rule_chance;
pub mod save;
pub mod train;
pub mod trust;
