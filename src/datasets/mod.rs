//! Data sets: a generator of DataCo-style sheets and the sample made by it, labelled images, citations, and the published figures we
//! compare with.

pub mod columns;
pub mod generator;
pub mod images;
pub mod published;
pub mod registry;
pub mod sample;
