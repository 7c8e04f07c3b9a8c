//! Labelled rows, as training and importances take them.

use super::network::MlpSpec;
use super::real::Real;
use crate::error::{Error, Result};

/// Rows of inputs with their observed labels; nothing is copied, so many models can share one input matrix.
#[derive(Debug, Clone, Copy)]
pub struct Examples<'a, T> {
    /// Inputs, row-major, rows x `width`.
    pub inputs: &'a [T],
    /// Columns.
    pub width: usize,
    /// Observed label of every row of `inputs`.
    pub labels: &'a [u8],
    /// The rows to use, in this order; all rows in order if absent.
    pub rows: Option<&'a [u32]>,
}

impl<'a, T: Real> Examples<'a, T> {
    /// All rows of a matrix.
    pub fn all(inputs: &'a [T], width: usize, labels: &'a [u8]) -> Self {
        Self {
            inputs,
            width,
            labels,
            rows: None,
        }
    }

    /// Some rows of a matrix, in the order given.
    pub fn subset(inputs: &'a [T], width: usize, labels: &'a [u8], rows: &'a [u32]) -> Self {
        Self {
            inputs,
            width,
            labels,
            rows: Some(rows),
        }
    }

    /// Inputs whose labels nobody will ask for.
    pub(super) fn inputs_only(inputs: &'a [T], width: usize) -> Self {
        Self {
            inputs,
            width,
            labels: &[],
            rows: None,
        }
    }

    /// Number of rows used.
    pub fn len(&self) -> usize {
        self.rows.map_or(self.labels.len(), <[u32]>::len)
    }

    /// Whether no row is used.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows at `positions` of the order of use.
    pub(super) fn rows_at(&self, positions: std::ops::Range<usize>, into: &mut Vec<u32>) {
        into.clear();
        match self.rows {
            Some(rows) => into.extend_from_slice(&rows[positions]),
            // `check` has made sure that row numbers fit.
            None => into.extend(positions.map(|row| row as u32)),
        }
    }

    /// That the pieces fit each other and the network.
    ///
    /// # Errors
    /// Where widths or lengths differ, a row does not exist, or a label is no class of the network.
    pub fn check(&self, spec: &MlpSpec) -> Result<()> {
        let fault = |message: String| Err(Error::internal(message));
        if self.width != spec.inputs {
            return Err(Error::input(format!(
                "the rows have {} input columns and the network takes {}",
                self.width, spec.inputs
            )));
        }
        if self.inputs.len() != self.labels.len() * self.width {
            return fault(format!(
                "{} inputs for {} rows of {}",
                self.inputs.len(),
                self.labels.len(),
                self.width
            ));
        }
        if self.labels.len() > u32::MAX as usize {
            return Err(Error::input(format!("{} rows are more than can be trained on", self.labels.len())));
        }
        if let Some(row) = self
            .rows
            .and_then(|rows| rows.iter().find(|row| **row as usize >= self.labels.len()))
        {
            return fault(format!("row {row} of {}", self.labels.len()));
        }
        let largest = match self.rows {
            Some(rows) => rows.iter().map(|row| self.labels[*row as usize]).max(),
            None => self.labels.iter().max().copied(),
        };
        match largest {
            Some(label) if usize::from(label) >= spec.classes => fault(format!("label {label} of {} classes", spec.classes)),
            _ => Ok(()),
        }
    }
}
