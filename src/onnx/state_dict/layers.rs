//! Which layers a state_dict is of, told from the names and shapes of its tensors.
//!
//! Names come in groups, one for each module: `fc1.weight`, `fc1.bias`. A matrix is a Linear layer, statistics make a BatchNorm1d; every
//! other module is an error. The Linear layers must fit one after the other, each batch norm after one of them. What a file does not say is
//! the activation: one is stated, and stands between every two Linear layers.

use std::collections::BTreeMap;

use super::StoredTensor;
use super::order::{chain, digits_off, natural};
use crate::error::{Error, Result, closest};
use crate::onnx::file::kind;

/// Modules of the largest network that is read.
const MOST_MODULES: usize = 200;

/// Ways to place batch norms that are looked at.
const MOST_WAYS: usize = 1000;

/// An activation function, by the name of PyTorch's module in small letters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Activation {
    /// Its name as an option.
    pub name: &'static str,
    /// ONNX's operator.
    pub(super) operator: &'static str,
    /// The slope or scale that PyTorch gives it.
    pub(super) alpha: Option<f32>,
}

const fn activation(name: &'static str, operator: &'static str, alpha: Option<f32>) -> Activation {
    Activation { name, operator, alpha }
}

/// All activations; the first is the default.
pub const ACTIVATIONS: &[Activation] = &[
    activation("relu", "Relu", None),
    activation("leaky_relu", "LeakyRelu", Some(0.01)),
    activation("elu", "Elu", Some(1.0)),
    activation("selu", "Selu", None),
    activation("celu", "Celu", Some(1.0)),
    activation("gelu", "Gelu", None),
    activation("silu", "Swish", None),
    activation("mish", "Mish", None),
    activation("softplus", "Softplus", None),
    activation("hardswish", "HardSwish", None),
    activation("tanh", "Tanh", None),
    activation("sigmoid", "Sigmoid", None),
];

impl Activation {
    /// The activation of a name.
    pub fn of(name: &str) -> Option<Self> {
        ACTIVATIONS.iter().copied().find(|known| known.name == name)
    }
}

/// What the names and shapes of a state_dict do not tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layers {
    /// The activation between layers; `None`: the default.
    pub activation: Option<Activation>,
    /// Modules and activations in the order in which rows go through them; empty: told from names and shapes.
    pub order: Vec<String>,
}

/// A module, with the tensors of its parts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Module {
    pub name: String,
    pub kind: ModuleKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum ModuleKind {
    Linear {
        inputs: usize,
        outputs: usize,
        weight: StoredTensor,
        bias: Option<StoredTensor>,
    },
    Norm {
        width: usize,
        mean: StoredTensor,
        variance: StoredTensor,
        scale: Option<(StoredTensor, StoredTensor)>,
    },
}

/// What rows go through, in order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Module(Box<Module>),
    Activation(Activation),
}

/// The network of a state_dict.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Network {
    pub steps: Vec<Step>,
    /// Modules that `Layers::order` leaves out.
    pub left_out: Vec<String>,
}

fn hint() -> String {
    "state the order: `--layers fc1,relu,fc2`, with the modules as the file names them; or export the model as ONNX (docs/onnx.md)"
        .to_owned()
}

impl Network {
    /// The network that tensors are of. `registered` is whether they stand in the order in which the modules were made.
    pub fn of(tensors: &[StoredTensor], layers: &Layers, registered: bool) -> Result<Self> {
        let groups = groups(tensors);
        if groups.len() > MOST_MODULES {
            return Err(Error::input(format!(
                "it has tensors of {} modules, and at most {MOST_MODULES} are read",
                groups.len()
            ))
            .hint(hint()));
        }
        let network = match layers.order.is_empty() {
            true => Self::told(&groups, layers.activation.unwrap_or(ACTIVATIONS[0]), registered)?,
            false => Self::stated(&groups, &layers.order)?,
        };
        network.check()?;
        Ok(network)
    }

    /// By names and shapes.
    fn told(groups: &[Group], activation: Activation, registered: bool) -> Result<Self> {
        let mut modules = groups.iter().map(Group::module).collect::<Result<Vec<_>>>()?;
        if !registered {
            modules.sort_by(|one, other| natural(&one.name, &other.name));
        }
        let (mut linears, mut norms) = (Vec::new(), Vec::new());
        for module in &modules {
            match module.kind {
                ModuleKind::Linear { .. } => linears.push(module),
                ModuleKind::Norm { .. } => norms.push(module),
            }
        }
        let linears = in_order(&linears, registered)?;
        let places = norm_places(&linears, &norms)?;
        let mut steps = Vec::new();
        let add_norms = |steps: &mut Vec<Step>, place: usize, late: bool| {
            let here = places
                .iter()
                .zip(&norms)
                .filter(|(found, _)| (found.after, found.late) == (place, late));
            steps.extend(here.map(|(_, norm)| Step::Module(Box::new((*norm).clone()))));
        };
        add_norms(&mut steps, 0, false);
        for (place, linear) in linears.iter().enumerate() {
            steps.push(Step::Module(Box::new((*linear).clone())));
            add_norms(&mut steps, place + 1, false);
            if place + 1 < linears.len() {
                steps.push(Step::Activation(activation));
                add_norms(&mut steps, place + 1, true);
            }
        }
        Ok(Self {
            steps,
            left_out: Vec::new(),
        })
    }

    /// As the person states it.
    fn stated(groups: &[Group], order: &[String]) -> Result<Self> {
        let mut used = vec![false; groups.len()];
        let mut steps = Vec::with_capacity(order.len());
        for name in order {
            let name = name.trim();
            match groups.iter().position(|group| group.name == name) {
                Some(place) if used[place] => {
                    return Err(Error::input(format!(
                        "`{name}` stands twice in `--layers`, and a module that is used twice cannot be repaired"
                    )));
                }
                Some(place) => {
                    used[place] = true;
                    steps.push(Step::Module(Box::new(groups[place].module()?)));
                }
                None => steps.push(Step::Activation(Activation::of(name).ok_or_else(|| {
                    let known = groups
                        .iter()
                        .map(|group| group.name.as_str())
                        .chain(ACTIVATIONS.iter().map(|known| known.name));
                    let near = closest(name, known);
                    Error::input(format!("`{name}` in `--layers` is neither a module of the file nor an activation")).hint(
                        near.map_or_else(
                            || format!("its modules: {}", shown(groups.iter().map(|group| group.name.as_str()))),
                            |near| format!("the closest is `{near}`"),
                        ),
                    )
                })?)),
            }
        }
        let left_out = groups.iter().zip(&used).filter(|(_, used)| !**used);
        Ok(Self {
            steps,
            left_out: left_out.map(|(group, _)| group.name.clone()).collect(),
        })
    }

    /// Whether every module takes what the one before it gives.
    fn check(&self) -> Result<()> {
        if let Some(Step::Activation(first)) = self.steps.first() {
            return Err(Error::input(format!(
                "`--layers` begins with the activation `{}`: a module comes first",
                first.name
            )));
        }
        let mut width = None;
        for step in &self.steps {
            let Step::Module(module) = step else { continue };
            let (takes, gives) = match module.kind {
                ModuleKind::Linear { inputs, outputs, .. } => (inputs, outputs),
                ModuleKind::Norm { width, .. } => (width, width),
            };
            if width.is_some_and(|width| width != takes) {
                return Err(Error::input(format!(
                    "module `{}` takes {takes} values a row, and those before it give {}",
                    module.name,
                    width.unwrap_or_default()
                ))
                .hint(hint()));
            }
            width = Some(gives);
        }
        let has_linear = |step: &Step| matches!(step, Step::Module(module) if matches!(module.kind, ModuleKind::Linear { .. }));
        match self.steps.iter().any(has_linear) {
            true => self.shared_values(),
            false => Err(Error::input("it has no Linear layer").hint(hint())),
        }
    }

    /// That no two tensors lie in the same bytes: a repair would change both.
    fn shared_values(&self) -> Result<()> {
        let mut tensors: Vec<&StoredTensor> = self.tensors();
        tensors.sort_by_key(|tensor| tensor.start);
        for pair in tensors.windows(2) {
            if pair[0].end() > pair[1].start {
                return Err(
                    Error::input(format!("`{}` and `{}` share their values", pair[0].name, pair[1].name))
                        .hint("save them apart: `{name: tensor.clone() for name, tensor in model.state_dict().items()}`"),
                );
            }
        }
        Ok(())
    }

    pub fn tensors(&self) -> Vec<&StoredTensor> {
        let mut tensors = Vec::new();
        for step in &self.steps {
            let Step::Module(module) = step else { continue };
            match &module.kind {
                ModuleKind::Linear { weight, bias, .. } => tensors.extend([weight].into_iter().chain(bias)),
                ModuleKind::Norm { mean, variance, scale, .. } => {
                    tensors.extend([mean, variance]);
                    tensors.extend(scale.iter().flat_map(|(scale, shift)| [scale, shift]));
                }
            }
        }
        tensors
    }

    /// The network in one line.
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        for step in &self.steps {
            match step {
                Step::Activation(activation) => words.push(activation.name.to_owned()),
                Step::Module(module) => match module.kind {
                    ModuleKind::Linear { inputs, outputs, .. } => {
                        words.push(format!("{} ({inputs} to {outputs})", shown_name(&module.name)))
                    }
                    ModuleKind::Norm { .. } => words.push(format!("{} (batch norm)", shown_name(&module.name))),
                },
            }
        }
        words.join(", ")
    }
}

fn shown_name(name: &str) -> String {
    format!("`{}`", if name.is_empty() { "the model itself" } else { name })
}

fn shown<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.take(20).map(shown_name).collect::<Vec<_>>().join(", ")
}

/// The tensors of one module.
struct Group {
    name: String,
    parts: BTreeMap<String, StoredTensor>,
}

/// Tensors by module, in the order of the first of each.
fn groups(tensors: &[StoredTensor]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for tensor in tensors {
        let (module, part) = tensor.name.rsplit_once('.').unwrap_or(("", tensor.name.as_str()));
        let place = *places.entry(module).or_insert_with(|| {
            groups.push(Group {
                name: module.to_owned(),
                parts: BTreeMap::new(),
            });
            groups.len() - 1
        });
        groups[place].parts.insert(part.to_owned(), tensor.clone());
    }
    groups
}

impl Group {
    /// The module that the tensors are of.
    fn module(&self) -> Result<Module> {
        let part = |name: &str| self.parts.get(name);
        let refused = |tensor: &StoredTensor, what: &str| {
            Error::input(format!("tensor `{}` ({}) {what}", tensor.name, tensor.sizes()))
                .hint("only Linear and BatchNorm1d are told from a state_dict: export the model as ONNX (docs/onnx.md), or name the modules to use: `--layers fc1,relu,fc2`")
        };
        let known = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
        if let Some((_, other)) = self.parts.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            return Err(refused(other, "is no part of a Linear or BatchNorm1d layer"));
        }
        for tensor in self
            .parts
            .iter()
            .filter(|(name, _)| *name != "num_batches_tracked")
            .map(|(_, tensor)| tensor)
        {
            if !kind::is_float(tensor.kind) {
                return Err(refused(tensor, "does not hold numbers with a point (of 16, 32 or 64 bits)"));
            }
            if tensor.shape.contains(&0) {
                return Err(refused(tensor, "is empty"));
            }
        }
        let kind = match (part("weight"), part("running_mean"), part("running_var")) {
            (scale, Some(mean), Some(variance)) => self.norm(scale, mean, variance, &refused)?,
            (Some(weight), None, None) if weight.shape.len() == 2 => {
                let (outputs, inputs) = (weight.shape[0], weight.shape[1]);
                let bias = part("bias");
                if let Some(bias) = bias.filter(|bias| bias.shape != [outputs]) {
                    return Err(refused(bias, &format!("is not the bias of `{}` ({})", weight.name, weight.sizes())));
                }
                ModuleKind::Linear {
                    inputs,
                    outputs,
                    weight: weight.clone(),
                    bias: bias.cloned(),
                }
            }
            (Some(weight), ..) if weight.shape.len() == 1 => {
                return Err(refused(weight, "may be of a layer norm, or of a batch norm without statistics"));
            }
            (Some(weight), ..) => return Err(refused(weight, "is of another kind of layer than Linear or BatchNorm1d")),
            (None, ..) => {
                let any = self.parts.values().next();
                return Err(any.map_or_else(
                    || Error::internal("a module without tensors"),
                    |any| refused(any, "stands without the `weight` of its module"),
                ));
            }
        };
        Ok(Module {
            name: self.name.clone(),
            kind,
        })
    }

    fn norm(
        &self,
        scale: Option<&StoredTensor>,
        mean: &StoredTensor,
        variance: &StoredTensor,
        refused: &dyn Fn(&StoredTensor, &str) -> Error,
    ) -> Result<ModuleKind> {
        let width = match mean.shape.as_slice() {
            [width] => *width,
            _ => return Err(refused(mean, "are no statistics of BatchNorm1d")),
        };
        let scale = match (scale, self.parts.get("bias")) {
            (None, None) => None,
            (Some(scale), Some(shift)) => Some((scale.clone(), shift.clone())),
            (Some(one), None) | (None, Some(one)) => {
                return Err(refused(one, "stands alone: a batch norm has both `weight` and `bias`, or neither"));
            }
        };
        let others = scale.iter().flat_map(|(scale, shift)| [scale, shift]).chain([variance]);
        for tensor in others {
            if tensor.shape != [width] {
                return Err(refused(tensor, &format!("does not fit `{}` ({})", mean.name, mean.sizes())));
            }
        }
        Ok(ModuleKind::Norm {
            width,
            mean: mean.clone(),
            variance: variance.clone(),
            scale,
        })
    }
}

/// The Linear layers as they follow each other. In the order in which they were made where that fits; else in the one order in which their
/// shapes fit, where names that differ in nothing but numbers follow these.
fn in_order<'a>(linears: &[&'a Module], registered: bool) -> Result<Vec<&'a Module>> {
    if linears.is_empty() {
        return Err(Error::input("it has no Linear layer").hint(hint()));
    }
    let sizes: Vec<(usize, usize)> = linears
        .iter()
        .filter_map(|module| match module.kind {
            ModuleKind::Linear { inputs, outputs, .. } => Some((inputs, outputs)),
            ModuleKind::Norm { .. } => None,
        })
        .collect();
    let names: Vec<&str> = linears.iter().map(|module| module.name.as_str()).collect();
    let fits = sizes.windows(2).all(|pair| pair[0].1 == pair[1].0);
    if fits && registered {
        return Ok(linears.to_vec());
    }
    let kinds: Vec<String> = names.iter().map(|name| digits_off(name)).collect();
    let described = || {
        let described: Vec<String> = names
            .iter()
            .zip(&sizes)
            .take(20)
            .map(|(name, size)| format!("`{name}` {} to {}", size.0, size.1))
            .collect();
        described.join(", ")
    };
    match chain(&sizes, &kinds) {
        Some((order, true)) => Ok(order.into_iter().map(|place| linears[place]).collect()),
        Some((_, false)) => Err(Error::input(format!(
            "names and shapes of its Linear layers do not tell in which order rows go through them: {}",
            described()
        ))
        .hint(hint())),
        None => Err(Error::input(format!("its Linear layers do not fit one after the other: {}", described())).hint(hint())),
    }
}

/// Where a batch norm stands: after how many Linear layers, and whether after the activation.
#[derive(Debug, Clone, Copy, PartialEq)]
struct NormPlace {
    after: usize,
    late: bool,
}

/// Where a batch norm stands by its name, if that tells.
type Way<'a> = dyn Fn(&Module) -> Option<NormPlace> + 'a;

/// The last part of a dotted name as a number, as `nn.Sequential` and `nn.ModuleList` name modules.
fn place_in_list(name: &str) -> Option<(&str, i64)> {
    let (list, place) = name.rsplit_once('.').unwrap_or(("", name));
    Some((list, place.parse().ok().filter(|place| *place >= 0)?))
}

/// Batch norms by their places in a list, by the module that both are parts of, by the number in their names, or by sizes where these leave
/// one way.
fn norm_places(linears: &[&Module], norms: &[&Module]) -> Result<Vec<NormPlace>> {
    let width_after = |after: usize| match (after, &linears[after.saturating_sub(1)].kind) {
        (0, ModuleKind::Linear { inputs, .. }) => *inputs,
        (_, ModuleKind::Linear { outputs, .. }) => *outputs,
        _ => 0,
    };
    let width_of = |norm: &Module| match norm.kind {
        ModuleKind::Norm { width, .. } => width,
        ModuleKind::Linear { .. } => 0,
    };
    let fits = |places: &[NormPlace]| {
        let distinct = (0..places.len()).all(|place| !places[..place].iter().any(|other| other.after == places[place].after));
        distinct
            && places
                .iter()
                .zip(norms)
                .all(|(place, norm)| width_after(place.after) == width_of(norm))
    };
    let ways: [&Way; 3] = [
        &|norm| in_list(linears, norm),
        &|norm| {
            let (parent, _) = norm.name.rsplit_once('.')?;
            same(linears, |name| name.rsplit_once('.').is_some_and(|(own, _)| own == parent))
        },
        &|norm| {
            let number = last_number(&norm.name)?;
            same(linears, |name| last_number(name) == Some(number))
        },
    ];
    for way in ways {
        if let Some(places) = norms.iter().map(|norm| way(norm)).collect::<Option<Vec<_>>>()
            && fits(&places)
        {
            return Ok(places);
        }
    }
    // After hidden layers, one after the other, where their sizes leave one way.
    let mut found: Vec<Vec<usize>> = vec![Vec::new()];
    for norm in norms {
        let more = |places: &Vec<usize>| {
            let first = places.last().map_or(1, |last| last + 1);
            let here: Vec<usize> = (first..linears.len())
                .filter(|after| width_after(*after) == width_of(norm))
                .collect();
            here.into_iter()
                .map(|after| [places.as_slice(), &[after]].concat())
                .collect::<Vec<_>>()
        };
        found = found.iter().flat_map(more).take(MOST_WAYS).collect();
    }
    match found.as_slice() {
        [places] => Ok(places
            .iter()
            .map(|after| NormPlace {
                after: *after,
                late: false,
            })
            .collect()),
        [] => Err(Error::input(format!(
            "the batch norms {} fit no Linear layers before them",
            shown(norms.iter().map(|norm| norm.name.as_str()))
        ))
        .hint(hint())),
        _ => Err(Error::input(format!(
            "names and shapes do not tell which Linear layers the batch norms {} follow",
            shown(norms.iter().map(|norm| norm.name.as_str()))
        ))
        .hint(hint())),
    }
}

/// After the Linear layer before it in the same list; after the activation where the list has room for one before the norm and none behind it.
fn in_list(linears: &[&Module], norm: &Module) -> Option<NormPlace> {
    let (list, own) = place_in_list(&norm.name)?;
    let places: Vec<i64> = linears
        .iter()
        .map(|linear| {
            place_in_list(&linear.name)
                .filter(|(other, _)| *other == list)
                .map(|(_, place)| place)
        })
        .collect::<Option<_>>()?;
    if !places.is_sorted() {
        return None;
    }
    let after = places.iter().filter(|place| **place < own).count();
    let (before, behind) = (after.checked_sub(1).map(|last| places[last]), places.get(after));
    let late = before.is_some_and(|before| own > before + 1) && behind.is_some_and(|behind| *behind == own + 1);
    Some(NormPlace { after, late })
}

/// After the one Linear layer of such a name.
fn same(linears: &[&Module], such: impl Fn(&str) -> bool) -> Option<NormPlace> {
    let mut found = linears.iter().enumerate().filter(|(_, linear)| such(&linear.name));
    match (found.next(), found.next()) {
        (Some((place, _)), None) => Some(NormPlace {
            after: place + 1,
            late: false,
        }),
        _ => None,
    }
}

/// The last number in a name.
fn last_number(name: &str) -> Option<u64> {
    let mut numbers = name.split(|letter: char| !letter.is_ascii_digit());
    numbers.rfind(|digits| !digits.is_empty())?.parse().ok()
}
