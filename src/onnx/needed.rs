//! Which nodes of a graph its logits need.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{ModelMessage, NodeMessage};
use crate::error::{Error, Result};

/// The most nodes that logits may need in all.
const MOST_NODES: usize = 20_000;

/// A node's name as it is told.
pub(super) fn shown(node: &NodeMessage) -> String {
    let name = match (node.name.as_str(), node.outputs.iter().find(|output| !output.is_empty())) {
        ("", Some(output)) => format!("that makes `{output}`"),
        ("", None) => "without a name".to_owned(),
        (name, _) => format!("`{name}`"),
    };
    format!("operator `{}` of node {name}", node.operator)
}

pub(super) fn refused(what: String) -> Error {
    Error::input(what)
}

/// Names from outside that the graphs inside a node take, in their order.
pub(super) fn captured(node: &NodeMessage) -> Vec<&str> {
    let graphs = node.attributes.iter().filter_map(|attribute| attribute.graph.as_ref());
    let mut names = BTreeSet::new();
    for graph in graphs {
        let made: BTreeSet<&str> = graph
            .inputs
            .iter()
            .map(|input| input.name.as_str())
            .chain(graph.initializers.iter().map(|tensor| tensor.name.as_str()))
            .chain(graph.nodes.iter().flat_map(|node| node.outputs.iter().map(String::as_str)))
            .collect();
        let taken = graph.nodes.iter().flat_map(takes);
        let ends = graph.outputs.iter().map(|output| output.name.as_str());
        names.extend(taken.chain(ends).filter(|name| !made.contains(name)));
    }
    names.into_iter().collect()
}

/// Names that a node takes: its inputs, and what the graphs inside it take from outside.
pub(super) fn takes(node: &NodeMessage) -> impl Iterator<Item = &str> {
    let inputs = node.inputs.iter().map(String::as_str).filter(|input| !input.is_empty());
    inputs.chain(captured(node))
}

/// Which node makes each name.
pub(super) type Makers<'a> = BTreeMap<&'a str, usize>;

/// The node of every name.
///
/// # Errors
/// Where two nodes make one name.
pub(super) fn makers(model: &ModelMessage) -> Result<Makers<'_>> {
    let mut makers = BTreeMap::new();
    for (number, node) in model.graph.nodes.iter().enumerate() {
        for output in node.outputs.iter().filter(|output| !output.is_empty()) {
            if makers.insert(output.as_str(), number).is_some() {
                return Err(refused(format!("{} makes `{output}`, which another node makes too", shown(node))));
            }
        }
    }
    Ok(makers)
}

/// The nodes that a name needs, in their order.
///
/// # Errors
/// Where something is missing, in a cycle, or too much.
pub(super) fn needed(model: &ModelMessage, makers: &Makers, name: &str) -> Result<Vec<usize>> {
    let graph = &model.graph;
    let given: BTreeSet<&str> = graph
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .chain(graph.initializers.iter().map(|tensor| tensor.name.as_str()))
        .collect();
    let mut found = BTreeSet::new();
    let mut open = vec![(name, None::<usize>)];
    while let Some((name, by)) = open.pop() {
        if given.contains(name) {
            continue;
        }
        let who = by.map_or_else(|| "the graph".to_owned(), |by| shown(&graph.nodes[by]));
        let Some(node) = makers.get(name).copied() else {
            return Err(refused(format!(
                "{who} needs `{name}`, which is neither an input, an initialiser nor made by a node"
            ))
            .hint("export the model with its weights in the file, and copy the whole file"));
        };
        if by.is_some_and(|by| node >= by) {
            return Err(refused(format!(
                "{who} needs `{name}`, which is made after it: the graph has a cycle, or its nodes are out of order"
            )));
        }
        if found.insert(node) {
            open.extend(takes(&graph.nodes[node]).map(|input| (input, Some(node))));
        }
        if found.len() > MOST_NODES {
            return Err(too_many(MOST_NODES));
        }
    }
    Ok(found.into_iter().collect())
}

/// A model that needs more nodes than the limit.
fn too_many(nodes: usize) -> Error {
    refused(format!("the model needs more than {nodes} nodes")).hint("simplify it with `onnxsim` or `onnxslim` first")
}

/// A model that needs more nodes one after the other than the limit.
pub(super) fn too_deep(nodes: usize) -> Error {
    refused(format!("the model needs more than {nodes} nodes one after the other")).hint("simplify it with `onnxsim` or `onnxslim` first")
}
