//! The jobs as library functions: train, inject, repair, predict. They read no arguments and print nothing.

pub mod auto;
mod baselines;
mod convert;
pub mod expand;
mod fitting;
pub mod predict;
pub mod repair;
pub mod rows;
pub mod save;
pub mod train;
