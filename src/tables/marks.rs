//! What a workbook says about rows and cells beside their values.

use std::collections::BTreeMap;

use calamine::Dimensions;

/// Rows that are not shown, and regions of cells that are merged into one. Rows and columns count from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Hidden rows, in order.
    pub(crate) hidden: Vec<u32>,
    /// Whether a filter is set: the hidden rows are those it does not let through.
    pub(crate) filtered: bool,
    pub(crate) merged: Vec<Dimensions>,
    /// By column: what the formats of its numbers show, with how many cells do and the row of the first.
    pub(crate) units: BTreeMap<u32, Units>,
}

/// Cells of one column by what their formats show: how many there are, and the row of the first.
pub(crate) type Units = BTreeMap<String, (usize, u32)>;
