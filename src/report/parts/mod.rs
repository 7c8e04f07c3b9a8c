//! Pieces of a page that several reports share.

pub mod classes;
pub mod glossary;
pub mod leakage;
pub mod metrics;
pub mod provenance;
pub mod warnings;
