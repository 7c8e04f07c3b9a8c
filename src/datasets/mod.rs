//! Data sets: a generator of DataCo-style sheets and the sample made by it, citations, and the published figures we compare with.

pub mod columns;
pub mod generator;
pub mod published;
pub mod registry;
pub mod sample;
