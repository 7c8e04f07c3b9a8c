//! What a column says of a row, as one of a few groups, read off the encoded inputs.

use crate::features::{Coding, Encoder, Part};

/// The groups that a column divides rows into.
pub(super) struct Groups<'a> {
    encoder: &'a Encoder,
    /// Where a number's groups end, in ascending order.
    ends: Vec<f32>,
}

impl<'a> Groups<'a> {
    /// The groups of an encoder's column: a number is cut into `numbers` groups that the rows `rows` of a part fill about equally, a category
    /// has a group for every value.
    pub fn new(encoder: &'a Encoder, part: &Part, rows: std::ops::Range<usize>, width: usize, numbers: usize) -> Self {
        let ends = match &encoder.coding {
            Coding::Number(coding) => coding.output.map_or_else(Vec::new, |output| {
                let mut values: Vec<f32> = rows.map(|row| part.inputs[row * width + output]).collect();
                values.sort_unstable_by(f32::total_cmp);
                let mut ends: Vec<f32> = (1..numbers).map(|group| values[group * values.len() / numbers]).collect();
                ends.dedup();
                ends
            }),
            Coding::Category(_) => Vec::new(),
        };
        Self { encoder, ends }
    }

    /// Number of groups; the last is for rows without a value.
    pub fn count(&self) -> usize {
        match &self.encoder.coding {
            Coding::Number(_) => self.ends.len() + 2,
            Coding::Category(coding) => coding.outputs.len() + 3,
        }
    }

    /// Whether the groups have an order.
    pub fn ordered(&self) -> bool {
        matches!(self.encoder.coding, Coding::Number(_))
    }

    /// The group of a row by its inputs.
    pub fn of(&self, inputs: &[f32]) -> usize {
        let on = |output: &Option<usize>| output.is_some_and(|output| inputs[output] != 0.0);
        match &self.encoder.coding {
            Coding::Number(coding) if on(&coding.indicator) => self.ends.len() + 1,
            Coding::Number(coding) => coding
                .output
                .map_or(0, |output| self.ends.partition_point(|end| inputs[output] > *end)),
            Coding::Category(coding) => {
                let all = coding.outputs.iter().chain([&coding.other, &coding.missing]);
                all.clone().position(on).unwrap_or_else(|| all.count())
            }
        }
    }
}
