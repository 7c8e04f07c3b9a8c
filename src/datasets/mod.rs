//! Data sets: the DataCo sheet's columns and citation, a generator of sheets like it.

pub mod columns;
pub mod generator;
