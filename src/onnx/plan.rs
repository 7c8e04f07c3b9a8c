//! From a file's graph to steps that can be computed: which part makes the logits, which numbers are variables, and what is preprocessing.

use std::collections::{BTreeMap, BTreeSet};

use candle_core::DType;

use super::body::Body;
use super::file::{AttributeMessage, ModelMessage, NodeMessage, Stored, TensorMessage, Values, kind};
use super::head::{self, Head};
use super::needed::{captured, makers, needed, refused, shown, too_deep};
use super::operators::{Call, LEARNING, Operator, loaded, operator, unsupported};
use super::value::{Computed, Value};
use crate::error::Result;
use crate::nn::TensorSpec;

/// The oldest operator set that is read.
const OLDEST: i64 = 9;

/// The most nodes one after the other that logits may need after preprocessing: gradients go back through them one inside the other.
pub(super) const MOST_STEPS: usize = 500;

/// The most values that a row may become in one result.
pub(super) const MOST_PER_ROW: usize = 1 << 22;

/// A node, ready to be computed.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub node: NodeMessage,
    /// The node's name, or what it makes where it has none.
    pub name: String,
    compute: fn(&Call) -> Computed<Vec<Value>>,
    pub learning: bool,
    opset: i64,
    pub inputs: Vec<Option<usize>>,
    pub outputs: Vec<Option<usize>>,
    constants: Vec<(String, Values, Vec<usize>)>,
    /// Branches, or what a loop repeats.
    pub bodies: Vec<Body>,
}

/// What batch norm and dropout say of a graph that was exported in training mode.
pub(super) const IN_TRAINING: &str = "is in training mode";

/// A failed step.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub step: String,
    pub what: String,
}

impl Fault {
    pub fn text(&self) -> String {
        format!("{} {}", self.step, self.what)
    }

    /// What can be done about it, where the node runs on some rows and not on others.
    pub fn hint(&self) -> &'static str {
        match self.what.as_str() {
            IN_TRAINING => "export the model in evaluation mode (`model.eval()`)",
            _ => "export the model so that it takes any number of rows (`dynamic_axes` or `dynamic_shapes`)",
        }
    }
}

/// An input of the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Its name in the file.
    pub name: String,
    /// What it takes.
    pub kind: InputKind,
    /// Sizes after the first, which counts rows; `None` where the file leaves one open.
    pub shape: Vec<Option<usize>>,
    pub(super) slot: usize,
}

/// What an input takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// Numbers with a point.
    Numbers,
    /// Whole numbers, such as codes of categories.
    WholeNumbers,
    /// Texts.
    Texts,
}

/// Where a variable comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variable {
    pub slot: usize,
    /// Number of its initialiser in the file.
    pub initializer: usize,
    pub spec: TensorSpec,
    /// What it is drawn as where a network of random weights is needed.
    pub role: Role,
}

/// What a variable is to the node that uses it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Role {
    /// Of a product, with this many inputs.
    Weight(usize),
    /// Of a normalisation.
    Scale,
    /// Rows of a table.
    Table,
    /// Added.
    Bias,
}

/// A graph that can be computed.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub inputs: Vec<Input>,
    /// Steps before any variable, of preprocessing.
    pub before: Vec<Step>,
    /// The network.
    pub steps: Vec<Step>,
    pub constants: Vec<(usize, Values, Vec<usize>)>,
    pub variables: Vec<Variable>,
    /// Names of initialisers that are numbers with a point and no variables.
    pub fixed: Vec<String>,
    pub slots: usize,
    /// Whether an input is of double precision, which preprocessing then keeps.
    pub wide: bool,
    pub head: Head,
    /// What the steps take: inputs of the graph, or results of preprocessing.
    pub fed: Vec<usize>,
    pub batch_norms: usize,
    /// Class names in the file.
    pub classes: Option<Vec<String>>,
    pub opset: i64,
}

/// Numbers of names.
#[derive(Default)]
pub(super) struct Slots(pub BTreeMap<String, usize>);

impl Slots {
    pub fn of(&mut self, name: &str) -> Option<usize> {
        if name.is_empty() {
            return None;
        }
        let next = self.0.len();
        Some(*self.0.entry(name.to_owned()).or_insert(next))
    }
}

impl Plan {
    /// Finds the logits of a model and all that they need.
    ///
    /// # Errors
    /// Names the node, initialiser or input that cannot be used.
    pub fn of(stored: &Stored, model: &ModelMessage) -> Result<Self> {
        let graph = &model.graph;
        if graph.sparse {
            return Err(
                refused("the model has sparse initialisers, which are not supported".to_owned()).hint("export it with dense weights")
            );
        }
        let opset = model
            .opsets
            .iter()
            .find(|(domain, _)| domain.is_empty())
            .map_or(OLDEST, |(_, version)| *version);
        let makers = makers(model)?;
        let found = head::find(graph, &makers)?;
        let needed = needed(model, &makers, &found.name)?;
        let mut slots = Slots::default();
        let mut initializers: BTreeMap<&str, usize> = BTreeMap::new();
        for (number, tensor) in graph.initializers.iter().enumerate() {
            if initializers.insert(&tensor.name, number).is_some() {
                return Err(refused(format!("the model has two initialisers with the name `{}`", tensor.name)));
            }
        }
        let mut steps = Vec::with_capacity(needed.len());
        for node in &needed {
            steps.push(step(stored, &graph.nodes[*node], opset, model, &mut slots)?);
        }
        // Behind the operators: what trees are in would not be mended by a newer set.
        if opset < OLDEST {
            return Err(refused(format!(
                "the model uses operator set {opset}, and {OLDEST} is the oldest that is read"
            ))
            .hint(
                "convert it: `onnx.version_converter.convert_version(onnx.load(\"model.onnx\"), 17)`; or export it with operator set 17",
            ));
        }
        let head = Head {
            kind: found.kind,
            slot: slots.of(&found.name).unwrap_or_default(),
            softmax: found.softmax,
        };
        let inputs = inputs(model, &initializers, &mut slots)?;
        let used: BTreeSet<usize> = steps
            .iter()
            .flat_map(|step| step.inputs.iter().flatten().copied())
            .chain([head.slot])
            .collect();
        let inputs: Vec<Input> = inputs.into_iter().filter(|input| used.contains(&input.slot)).collect();
        if inputs.is_empty() {
            return Err(refused("the model's outputs do not depend on any of its inputs".to_owned()));
        }
        let mut plan = Self {
            inputs,
            before: Vec::new(),
            steps: Vec::new(),
            constants: Vec::new(),
            variables: Vec::new(),
            fixed: Vec::new(),
            slots: slots.0.len(),
            wide: graph.inputs.iter().any(|input| input.kind == kind::DOUBLE),
            head,
            fed: Vec::new(),
            batch_norms: graph.nodes.iter().filter(|node| node.operator == "BatchNormalization").count(),
            classes: head::class_names(model),
            opset,
        };
        let early = plan.early(&steps);
        plan.sort_initializers(stored, model, (&steps, &early), &slots)?;
        plan.part(steps, early)?;
        Ok(plan)
    }

    /// Variables, and numbers that stay as they are.
    fn sort_initializers(
        &mut self,
        stored: &Stored,
        model: &ModelMessage,
        (steps, early): (&[Step], &[bool]),
        slots: &Slots,
    ) -> Result<()> {
        let fixed = self.fixed_places(model, steps, early, slots);
        let mut offset = 0;
        for (number, tensor) in model.graph.initializers.iter().enumerate() {
            let Some(slot) = slots.0.get(&tensor.name).copied() else { continue };
            let user = steps.iter().find(|step| step.inputs.contains(&Some(slot)));
            let by = user.map_or_else(String::new, |step| format!(", which {} takes,", step.name));
            let wrong = |what: String| refused(format!("initialiser `{}`{by} cannot be read: {what}", tensor.name));
            let values = stored.values(tensor).map_err(wrong)?;
            if let Values::Floats(values) = &values
                && values.iter().any(|value| value.is_nan())
            {
                return Err(wrong("it holds a value that is not a number (NaN)".to_owned())
                    .hint("the model's training diverged: export one that works"));
            }
            let trainable = kind::is_float(tensor.kind) && !tensor.dims.is_empty() && !values_empty(&values) && !fixed.contains(&slot);
            if !trainable {
                if kind::is_float(tensor.kind) {
                    self.fixed.push(tensor.name.clone());
                }
                self.constants.push((slot, values, tensor.shape()));
                continue;
            }
            stored.places(tensor).map_err(|what| {
                refused(format!("initialiser `{}`{by} cannot be changed in the file: {what}", tensor.name))
                    .hint("save the model with raw data")
            })?;
            let spec = TensorSpec {
                name: tensor.name.clone(),
                shape: tensor.shape(),
                offset,
            };
            offset += spec.len();
            let role = user.map_or(Role::Bias, |step| role(step, slot, tensor));
            self.variables.push(Variable {
                slot,
                initializer: number,
                spec,
                role,
            });
        }
        if self.variables.is_empty() {
            let before = steps.iter().zip(early).filter(|(step, early)| **early && !step.learning);
            let floats = model
                .graph
                .initializers
                .iter()
                .filter(|tensor| kind::is_float(tensor.kind) && !tensor.dims.is_empty());
            let slots: BTreeSet<usize> = floats.filter_map(|tensor| slots.0.get(&tensor.name).copied()).collect();
            if let Some((step, _)) = before
                .into_iter()
                .find(|(step, _)| step.inputs.iter().flatten().any(|slot| slots.contains(slot)))
            {
                return Err(refused(format!(
                    "{} and all other weights come before {}, through which no gradient goes",
                    step.name,
                    last_learning(steps)
                ))
                .hint("export the network without what comes after it"));
            }
            return Err(refused("the model has no weights that a repair could change: none of its initialisers is trainable".to_owned())
                .hint("export it with its weights as initialisers (PyTorch: `keep_initializers_as_inputs=False`), or repair the trees that it holds where they were trained"));
        }
        Ok(())
    }

    /// Initialisers at places where nothing was trained: statistics of batch norm, bounds, exponents, what only shifts or scales the raw
    /// inputs, and preprocessing (`early`).
    fn fixed_places(&self, model: &ModelMessage, steps: &[Step], early: &[bool], slots: &Slots) -> BTreeSet<usize> {
        let initializers: BTreeMap<usize, &TensorMessage> = model
            .graph
            .initializers
            .iter()
            .filter_map(|tensor| Some((*slots.0.get(&tensor.name)?, tensor)))
            .collect();
        let (mut fixed, mut trained) = (BTreeSet::new(), BTreeSet::new());
        // Values of inputs that nothing was done to but preprocessing, with their number per row.
        let width = |input: &Input| input.shape.iter().copied().product::<Option<usize>>();
        let mut raw: BTreeMap<usize, Option<usize>> = self.inputs.iter().map(|input| (input.slot, width(input))).collect();
        for (step, early) in steps.iter().zip(early) {
            let first = step.inputs.first().copied().flatten();
            let scaled = first.and_then(|first| raw.get(&first).copied());
            let small = |slot: usize| {
                let count = initializers.get(&slot).and_then(|tensor| tensor.count().ok());
                matches!((count, scaled), (Some(count), Some(width)) if width.is_none_or(|width| count <= width))
            };
            let shifts = ["Add", "Sub", "Mul", "Div"].contains(&step.node.operator.as_str())
                && step.inputs.get(1).copied().flatten().is_some_and(small);
            let carries = step.learning || shifts || ["Identity", "Cast"].contains(&step.node.operator.as_str());
            if carries && let (Some(width), Some(Some(output))) = (scaled, step.outputs.first()) {
                raw.insert(*output, if step.learning { None } else { width });
            }
            for (place, slot) in step.inputs.iter().enumerate() {
                if let Some(slot) = slot.filter(|slot| initializers.contains_key(slot)) {
                    let stays = step.is_fixed(place) || (shifts && place == 1) || *early;
                    if stays {
                        fixed.insert(slot)
                    } else {
                        trained.insert(slot)
                    };
                }
            }
        }
        fixed.difference(&trained).copied().collect()
    }

    /// Which steps are preprocessing: classical operators, what they need, and what reads texts.
    fn early(&self, steps: &[Step]) -> Vec<bool> {
        let mut wanted: BTreeSet<usize> = BTreeSet::new();
        let texts: BTreeSet<usize> = self
            .inputs
            .iter()
            .filter(|input| input.kind == InputKind::Texts)
            .map(|input| input.slot)
            .collect();
        let mut early = vec![false; steps.len()];
        for (place, step) in steps.iter().enumerate().rev() {
            let makes = step.outputs.iter().flatten().any(|output| wanted.contains(output));
            let reads = step.inputs.iter().flatten().any(|input| texts.contains(input));
            if makes || reads || step.learning {
                early[place] = true;
                wanted.extend(step.inputs.iter().flatten());
            }
        }
        early
    }

    /// Cuts off preprocessing.
    fn part(&mut self, steps: Vec<Step>, early: Vec<bool>) -> Result<()> {
        let wanted: BTreeSet<usize> = steps
            .iter()
            .zip(&early)
            .filter(|(_, early)| **early)
            .flat_map(|(step, _)| step.inputs.iter().flatten().copied())
            .collect();
        if let Some(variable) = self.variables.iter().find(|variable| wanted.contains(&variable.slot)) {
            let user = steps
                .iter()
                .zip(&early)
                .find(|(step, early)| **early && step.inputs.contains(&Some(variable.slot)));
            let name = user.map_or_else(String::new, |(step, _)| step.name.clone());
            return Err(refused(format!(
                "{name} has the trainable initialiser `{}` and comes before {}, through which no gradient goes",
                variable.spec.name,
                last_learning(&steps)
            ))
            .hint("export the network without what comes after it"));
        }
        for (step, early) in steps.into_iter().zip(early) {
            if early { self.before.push(step) } else { self.steps.push(step) }
        }
        if self.depth() > MOST_STEPS {
            return Err(too_deep(MOST_STEPS));
        }
        let made: BTreeSet<usize> = self.before.iter().flat_map(|step| step.outputs.iter().flatten().copied()).collect();
        let early: BTreeSet<usize> = made.into_iter().chain(self.inputs.iter().map(|input| input.slot)).collect();
        let mut fed: Vec<usize> = Vec::new();
        for slot in self.steps.iter().flat_map(|step| step.inputs.iter().flatten()) {
            if early.contains(slot) && !fed.contains(slot) {
                fed.push(*slot);
            }
        }
        self.fed = fed;
        Ok(())
    }

    /// The most nodes one after the other that gradients go back through. They do not go through the arithmetic of shapes.
    fn depth(&self) -> usize {
        let mut depths = vec![0_usize; self.slots];
        for variable in &self.variables {
            depths[variable.slot] = 1;
        }
        for step in &self.steps {
            let before = step.inputs.iter().flatten().map(|slot| depths[*slot]).max().unwrap_or_default();
            let passed = before > 0 && !["Shape", "Size"].contains(&step.node.operator.as_str());
            for slot in step.outputs.iter().flatten().filter(|_| passed) {
                depths[*slot] = before + 1;
            }
        }
        depths.into_iter().max().unwrap_or_default()
    }

    /// Values of the constants, before anything is computed.
    pub fn start(&self, precision: DType) -> Computed<Vec<Option<Value>>> {
        let mut values = vec![None; self.slots];
        for (slot, stored, shape) in &self.constants {
            values[*slot] = Some(loaded(stored, shape, precision)?);
        }
        Ok(values)
    }

    /// Computes steps; `values` holds what they take, and then what they make. Returns the number of values made.
    pub fn run(steps: &[Step], values: &mut [Option<Value>], precision: DType, rows: usize) -> std::result::Result<usize, Fault> {
        Self::run_within(steps, values, precision, rows.saturating_mul(MOST_PER_ROW).min(1 << 28))
    }

    /// The same with no result larger than `most`.
    pub fn run_within(steps: &[Step], values: &mut [Option<Value>], precision: DType, most: usize) -> std::result::Result<usize, Fault> {
        let mut made = 0_usize;
        for step in steps {
            let fault = |what: String| Fault {
                step: step.name.clone(),
                what,
            };
            let inputs = step.inputs.iter().map(|slot| slot.and_then(|slot| values[slot].as_ref())).collect();
            let call = Call {
                node: &step.node,
                opset: step.opset,
                inputs,
                constants: &step.constants,
                bodies: &step.bodies,
                precision,
                most,
            };
            let results = (step.compute)(&call).map_err(&fault)?;
            for (result, slot) in results.into_iter().zip(&step.outputs) {
                let size = result.len();
                made = made.saturating_add(size);
                if size > most || made > most.saturating_mul(8) {
                    return Err(fault("makes more values than a table's model needs".to_owned()));
                }
                if let Some(slot) = slot {
                    values[*slot] = Some(result);
                }
            }
        }
        Ok(made)
    }
}

/// The last step that no gradient goes through, as it is told.
fn last_learning(steps: &[Step]) -> String {
    let last = steps.iter().rev().find(|step| step.learning);
    last.map_or_else(String::new, |step| format!("{} (of `{LEARNING}`)", step.name))
}

fn values_empty(values: &Values) -> bool {
    match values {
        Values::Floats(values) => values.is_empty(),
        Values::Integers(values) => values.is_empty(),
        Values::Texts(values) => values.is_empty(),
    }
}

/// A node as a step; `model` names the functions that the file defines for itself.
pub(super) fn step(stored: &Stored, node: &NodeMessage, opset: i64, model: &ModelMessage, slots: &mut Slots) -> Result<Step> {
    let name = shown(node);
    let Some(Operator { compute, .. }) = operator(node) else {
        let local = model.functions.contains(&node.operator);
        return Err(unsupported(node, &name, local));
    };
    let mut constants = Vec::new();
    for attribute in &node.attributes {
        if let Some(tensor) = &attribute.tensor {
            let values = stored
                .values(tensor)
                .map_err(|what| refused(format!("{name} has a value that cannot be read: {what}")))?;
            constants.push((attribute.name.clone(), values, tensor.shape()));
        }
    }
    let captured = captured(node);
    let mut bodies = Vec::new();
    for attribute in &node.attributes {
        if let Some(graph) = &attribute.graph {
            let places = captured.iter().zip(node.inputs.len()..).map(|(name, place)| (*name, place));
            bodies.push(Body::of(stored, (&attribute.name, graph), places, opset, model)?);
        }
    }
    // What is kept of the node does without the graphs, which are in the bodies.
    let mut kept = node.clone();
    kept.attributes.iter_mut().for_each(|attribute| attribute.graph = None);
    let inputs = node.inputs.iter().map(String::as_str).chain(captured.iter().copied());
    Ok(Step {
        name,
        compute: *compute,
        learning: node.domain == LEARNING || bodies.iter().any(Body::is_learning),
        opset,
        inputs: inputs.map(|input| slots.of(input)).collect(),
        outputs: node.outputs.iter().map(|output| slots.of(output)).collect(),
        constants,
        bodies,
        node: kept,
    })
}

impl Step {
    /// Whether a number at this place of its inputs was not trained.
    pub fn is_fixed(&self, place: usize) -> bool {
        let places: &[usize] = match self.node.operator.as_str() {
            "BatchNormalization" => &[3, 4],
            "Clip" => &[1, 2],
            "Pad" => &[2],
            "Pow" => &[1],
            _ => &[],
        };
        let inside = self.bodies.iter().flat_map(|body| body.users(place));
        places.contains(&place) || inside.into_iter().any(|(step, place)| step.is_fixed(place))
    }

    /// What a variable of this shape is at this place of its inputs.
    fn role(&self, place: usize, shape: &[usize]) -> Role {
        if let Some((step, place)) = self.bodies.iter().flat_map(|body| body.users(place)).next() {
            return step.role(place, shape);
        }
        let size = |place: usize| shape.get(place).copied().unwrap_or(1);
        let is_turned = |attribute: &AttributeMessage| attribute.name == "transB" && attribute.integer == Some(1);
        let turned = self.node.attributes.iter().any(is_turned);
        match (self.node.operator.as_str(), place) {
            ("Gemm", 1) => Role::Weight(if turned { size(1) } else { size(0) }),
            ("MatMul", 1) => Role::Weight(shape.iter().rev().nth(1).copied().unwrap_or(1)),
            ("Conv", 1) => Role::Weight(shape.iter().skip(1).product()),
            ("GRU" | "LSTM" | "RNN", 1 | 2) => Role::Weight(size(2)),
            ("BatchNormalization" | "LayerNormalization", 1) => Role::Scale,
            ("Gather", 0) => Role::Table,
            ("Transpose" | "Identity" | "Reshape", 0) if shape.len() > 1 => Role::Weight(shape.iter().skip(1).product()),
            ("Mul", _) => Role::Table,
            ("MatMul", 0) => Role::Weight(size(shape.len().saturating_sub(1))),
            _ => Role::Bias,
        }
    }
}

fn role(step: &Step, slot: usize, tensor: &TensorMessage) -> Role {
    let place = step.inputs.iter().position(|input| *input == Some(slot)).unwrap_or_default();
    step.role(place, &tensor.shape())
}

fn inputs(model: &ModelMessage, initializers: &BTreeMap<&str, usize>, slots: &mut Slots) -> Result<Vec<Input>> {
    let mut found = Vec::new();
    for input in &model.graph.inputs {
        // Old files name initialisers among the inputs.
        if initializers.contains_key(input.name.as_str()) {
            continue;
        }
        let kind = match input.kind {
            kind::STRING => InputKind::Texts,
            kind if kind::is_float(kind) => InputKind::Numbers,
            kind if kind::size(kind).is_some() => InputKind::WholeNumbers,
            _ => return Err(refused(format!("input `{}` is no tensor of numbers or texts", input.name))),
        };
        let sizes = input.shape.clone().unwrap_or_else(|| vec![None, None]);
        let size = |size: &Option<i64>| {
            size.filter(|size| *size > 0)
                .map(|size| usize::try_from(size).unwrap_or(usize::MAX))
        };
        let shape: Vec<Option<usize>> = sizes.iter().skip(1).map(size).collect();
        let wide = shape.iter().flatten().try_fold(1_usize, |count, size| count.checked_mul(*size));
        if wide.is_none_or(|wide| wide > MOST_PER_ROW) {
            return Err(refused(format!(
                "input `{}` takes more than {MOST_PER_ROW} values a row",
                input.name
            )));
        }
        if let Some(slot) = slots.of(&input.name) {
            found.push(Input {
                name: input.name.clone(),
                kind,
                shape,
                slot,
            });
        }
    }
    Ok(found)
}
