//! How many nodes a model may have, and how deep graphs may lie in each other.

use std::cell::Cell;

use super::wire::Read;

/// Models of more nodes or initialisers are refused: what is kept of one is larger than what an empty one takes in the file.
const MOST_PARTS: usize = 50_000;

/// Branches and loops that lie one inside the other.
const DEEPEST: usize = 8;

/// What is left of the nodes and initialisers that a model may have, and how deep its graphs lie in each other.
pub(super) struct Parts<'a> {
    counted: Option<&'a Parts<'a>>,
    nodes: Cell<usize>,
    initializers: Cell<usize>,
    depth: usize,
}

impl Default for Parts<'_> {
    fn default() -> Self {
        Self {
            counted: None,
            nodes: Cell::new(MOST_PARTS),
            initializers: Cell::new(MOST_PARTS),
            depth: 0,
        }
    }
}

impl Parts<'_> {
    /// The parts of a graph inside: they count as the model's.
    pub fn inside(&self) -> Read<Parts<'_>> {
        let depth = self.depth + 1;
        match depth > DEEPEST {
            true => Err(format!("it has more than {DEEPEST} graphs inside each other")),
            false => Ok(Parts {
                counted: Some(self),
                depth,
                ..Parts::default()
            }),
        }
    }

    fn whole(&self) -> &Self {
        self.counted.map_or(self, Self::whole)
    }

    fn one(left: &Cell<usize>, what: &str) -> Read<()> {
        let fewer = left.get().checked_sub(1);
        left.set(fewer.ok_or_else(|| format!("it has more than {MOST_PARTS} {what}"))?);
        Ok(())
    }

    pub fn node(&self) -> Read<()> {
        Self::one(&self.whole().nodes, "nodes")
    }

    pub fn initializer(&self) -> Read<()> {
        Self::one(&self.whole().initializers, "initialisers")
    }
}
