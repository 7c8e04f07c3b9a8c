//! Graphs inside a node: the branches of an `If`, and what a `Loop` repeats.

use super::file::{GraphMessage, ModelMessage, Stored, Values};
use super::needed::{refused, shown, takes};
use super::operators::{Call, loaded};
use super::plan::{Plan, Slots, Step, step};
use super::value::{Computed, Value};
use crate::error::Result;

/// A graph inside a node.
#[derive(Debug, Clone)]
pub(super) struct Body {
    /// Attribute that holds it.
    pub name: String,
    pub inputs: Vec<usize>,
    steps: Vec<Step>,
    outputs: Vec<usize>,
    constants: Vec<(usize, Values, Vec<usize>)>,
    /// Values from outside: place among those that the node takes, and slot.
    captured: Vec<(usize, usize)>,
    slots: usize,
}

impl Body {
    /// Reads one; `captured` are names from outside with their places among what the node takes.
    ///
    /// # Errors
    /// Names the node inside that cannot be used.
    pub fn of<'a>(
        stored: &Stored,
        (name, graph): (&str, &GraphMessage),
        captured: impl Iterator<Item = (&'a str, usize)>,
        opset: i64,
        model: &ModelMessage,
    ) -> Result<Self> {
        let mut slots = Slots::default();
        let mut known = |name: &str| slots.of(name).unwrap_or_default();
        let captured: Vec<(usize, usize)> = captured.map(|(name, place)| (place, known(name))).collect();
        let inputs = graph.inputs.iter().map(|input| known(&input.name)).collect();
        let mut constants = Vec::new();
        for tensor in &graph.initializers {
            let values = stored
                .values(tensor)
                .map_err(|what| refused(format!("initialiser `{}` cannot be read: {what}", tensor.name)))?;
            constants.push((known(&tensor.name), values, tensor.shape()));
        }
        let mut steps = Vec::with_capacity(graph.nodes.len());
        for node in &graph.nodes {
            // What is not made before it would be missed in the middle of a run.
            if let Some(missing) = takes(node).find(|input| !slots.0.contains_key(*input)) {
                return Err(refused(format!("{} needs `{missing}`, which is not made before it", shown(node))));
            }
            steps.push(step(stored, node, opset, model, &mut slots)?);
        }
        let outputs = graph
            .outputs
            .iter()
            .map(|output| slots.of(&output.name).unwrap_or_default())
            .collect();
        Ok(Self {
            name: name.to_owned(),
            inputs,
            steps,
            outputs,
            constants,
            captured,
            slots: slots.0.len(),
        })
    }

    /// Steps that take what the node takes at this place, with their own places for it.
    pub fn users(&self, place: usize) -> Vec<(&Step, usize)> {
        let slots = self.captured.iter().filter(|(own, _)| *own == place).map(|(_, slot)| Some(*slot));
        slots
            .flat_map(|slot| {
                let users = self
                    .steps
                    .iter()
                    .filter_map(move |step| Some((step, step.inputs.iter().position(|input| *input == slot)?)));
                users.collect::<Vec<_>>()
            })
            .collect()
    }

    /// Whether gradients do not go through it.
    pub fn is_learning(&self) -> bool {
        self.steps.iter().any(|step| step.learning)
    }

    /// Nodes, those of graphs inside too.
    pub fn len(&self) -> usize {
        let of = |step: &Step| 1 + step.bodies.iter().map(Self::len).sum::<usize>();
        self.steps.iter().map(of).sum()
    }

    /// Computes it with these values for its inputs.
    pub fn run(&self, call: &Call, given: &[Value]) -> Computed<Vec<Value>> {
        if given.len() != self.inputs.len() {
            return Err(format!(
                "gives {} values to a graph inside that takes {}",
                given.len(),
                self.inputs.len()
            ));
        }
        let mut values = vec![None; self.slots];
        for (slot, stored, shape) in &self.constants {
            values[*slot] = Some(loaded(stored, shape, call.precision)?);
        }
        for (place, slot) in &self.captured {
            values[*slot] = call.optional(*place).cloned();
        }
        for (slot, value) in self.inputs.iter().zip(given) {
            values[*slot] = Some(value.clone());
        }
        Plan::run_within(&self.steps, &mut values, call.precision, call.most).map_err(|fault| format!("fails inside: {}", fault.text()))?;
        let output = |slot: &usize| values.get(*slot).cloned().flatten();
        let outputs = self
            .outputs
            .iter()
            .map(|slot| output(slot).ok_or_else(|| "has a graph inside that does not make all its outputs".to_owned()));
        outputs.collect()
    }
}
