//! The operators that can be computed, one list: [`OPERATORS`]. A graph with any other is refused by the operator's name.

mod attention;
mod choosing;
mod control;
mod einsum;
mod learning;
mod numbers;
mod products;
mod recurrent;
mod shapes;
mod windows;

use candle_core::{DType, Device, Tensor};

use super::body::Body;
use super::file::{AttributeMessage, NodeMessage, Values};
use super::value::{Array, Computed, Value, words};
use crate::error::Error;

/// A node with what it needs, as it is computed.
pub(super) struct Call<'a> {
    pub node: &'a NodeMessage,
    /// Version of the operator set.
    pub opset: i64,
    /// Values of its inputs; `None` where an optional one is left out.
    pub inputs: Vec<Option<&'a Value>>,
    /// Values of tensors among the attributes, by name.
    pub constants: &'a [(String, Values, Vec<usize>)],
    /// Graphs inside it.
    pub bodies: &'a [Body],
    /// Precision.
    pub precision: DType,
    /// The most values that a result may have.
    pub most: usize,
}

/// What an operator makes: one value per output.
type Results = Computed<Vec<Value>>;

/// An operator.
pub(super) struct Operator {
    pub domain: &'static str,
    pub name: &'static str,
    pub compute: fn(&Call) -> Results,
}

const fn onnx(name: &'static str, compute: fn(&Call) -> Results) -> Operator {
    Operator { domain: "", name, compute }
}

const fn learning(name: &'static str, compute: fn(&Call) -> Results) -> Operator {
    Operator {
        domain: LEARNING,
        name,
        compute,
    }
}

/// The domain of classical machine learning.
pub(super) const LEARNING: &str = "ai.onnx.ml";

/// Every operator, by domain and name.
pub(super) const OPERATORS: &[Operator] = &[
    onnx("Abs", numbers::unary),
    onnx("Add", numbers::binary),
    onnx("And", numbers::compare),
    onnx("ArgMax", numbers::arg_extreme),
    onnx("ArgMin", numbers::arg_extreme),
    onnx("Asinh", numbers::unary),
    onnx("Atan", numbers::unary),
    onnx("Attention", attention::attention),
    onnx("AveragePool", windows::average_pool),
    onnx("BatchNormalization", products::batch_norm),
    onnx("Cast", numbers::cast),
    onnx("CastLike", numbers::cast),
    onnx("Ceil", numbers::unary),
    onnx("Celu", numbers::unary),
    onnx("Clip", numbers::clip),
    onnx("Concat", shapes::concat),
    onnx("Constant", shapes::constant),
    onnx("ConstantOfShape", shapes::constant_of_shape),
    onnx("Conv", windows::conv),
    onnx("Cos", numbers::unary),
    onnx("Cosh", numbers::unary),
    onnx("CumSum", choosing::running_sum),
    onnx("Div", numbers::binary),
    onnx("Dropout", shapes::dropout),
    onnx("Einsum", einsum::einsum),
    onnx("Elu", numbers::unary),
    onnx("Equal", numbers::compare),
    onnx("Erf", numbers::unary),
    onnx("Exp", numbers::unary),
    onnx("Expand", shapes::expand),
    onnx("Flatten", shapes::flatten),
    onnx("Floor", numbers::unary),
    onnx("GRU", recurrent::recurrent),
    onnx("Gather", shapes::gather),
    onnx("GatherElements", choosing::gather_elements),
    onnx("GatherND", choosing::gather_slices),
    onnx("Gelu", numbers::unary),
    onnx("Gemm", products::gemm),
    onnx("GlobalAveragePool", windows::global_average),
    onnx("GlobalMaxPool", windows::global_max),
    onnx("Greater", numbers::compare),
    onnx("GreaterOrEqual", numbers::compare),
    onnx("GroupNormalization", products::group_norm),
    onnx("HardSigmoid", numbers::unary),
    onnx("HardSwish", numbers::unary),
    onnx("Identity", shapes::identity),
    onnx("If", control::branch),
    onnx("InstanceNormalization", products::instance_norm),
    onnx("IsInf", numbers::is_infinite),
    onnx("IsNaN", numbers::is_nan),
    onnx("LSTM", recurrent::recurrent),
    onnx("LayerNormalization", products::layer_norm),
    onnx("LeakyRelu", numbers::unary),
    onnx("Less", numbers::compare),
    onnx("LessOrEqual", numbers::compare),
    onnx("Log", numbers::unary),
    onnx("LogSoftmax", attention::softmax),
    onnx("Loop", control::repeat),
    onnx("LpNormalization", products::lp_norm),
    onnx("MatMul", products::matmul),
    onnx("Max", numbers::extreme),
    onnx("MaxPool", windows::max_pool),
    onnx("Mean", numbers::sum),
    onnx("Min", numbers::extreme),
    onnx("Mish", numbers::unary),
    onnx("Mod", numbers::remainder),
    onnx("Mul", numbers::binary),
    onnx("Neg", numbers::negative),
    onnx("Not", numbers::negative),
    onnx("OneHot", numbers::one_hot),
    onnx("Or", numbers::compare),
    onnx("PRelu", numbers::slopes),
    onnx("Pad", shapes::pad),
    onnx("Pow", numbers::power),
    onnx("RMSNormalization", products::rms_norm),
    onnx("RNN", recurrent::recurrent),
    onnx("Range", shapes::range),
    onnx("Reciprocal", numbers::unary),
    onnx("ReduceL1", numbers::reduce),
    onnx("ReduceL2", numbers::reduce),
    onnx("ReduceLogSum", numbers::reduce),
    onnx("ReduceLogSumExp", numbers::reduce),
    onnx("ReduceMax", numbers::reduce_extreme),
    onnx("ReduceMean", numbers::reduce),
    onnx("ReduceMin", numbers::reduce_extreme),
    onnx("ReduceProd", numbers::product_of),
    onnx("ReduceSum", numbers::reduce),
    onnx("ReduceSumSquare", numbers::reduce),
    onnx("Relu", numbers::unary),
    onnx("Reshape", shapes::reshape),
    onnx("Round", numbers::unary),
    onnx("ScatterElements", choosing::scatter),
    onnx("ScatterND", choosing::scatter),
    onnx("Selu", numbers::unary),
    onnx("Shape", shapes::shape),
    onnx("Sigmoid", numbers::unary),
    onnx("Sign", numbers::unary),
    onnx("Sin", numbers::unary),
    onnx("Sinh", numbers::unary),
    onnx("Size", shapes::shape),
    onnx("Slice", shapes::slice),
    onnx("Softmax", attention::softmax),
    onnx("Softplus", numbers::unary),
    onnx("Softsign", numbers::unary),
    onnx("Split", shapes::split),
    onnx("Sqrt", numbers::unary),
    onnx("Squeeze", shapes::squeeze),
    onnx("Sub", numbers::binary),
    onnx("Sum", numbers::sum),
    onnx("Swish", numbers::unary),
    onnx("Tan", numbers::unary),
    onnx("Tanh", numbers::unary),
    onnx("ThresholdedRelu", numbers::unary),
    onnx("Tile", shapes::tile),
    onnx("TopK", choosing::top),
    onnx("Transpose", shapes::transpose),
    onnx("Trilu", choosing::triangle),
    onnx("Unsqueeze", shapes::unsqueeze),
    onnx("Where", numbers::choose),
    onnx("Xor", numbers::compare),
    learning("ArrayFeatureExtractor", learning::extract_features),
    learning("Binarizer", learning::binarizer),
    learning("FeatureVectorizer", learning::vectorize),
    learning("Imputer", learning::imputer),
    learning("LabelEncoder", learning::label_encoder),
    learning("Normalizer", learning::normalizer),
    learning("OneHotEncoder", learning::one_hot),
    learning("Scaler", learning::scaler),
];

/// The operator of a node, where there is one.
pub(super) fn operator(node: &NodeMessage) -> Option<&'static Operator> {
    let is = |operator: &&Operator| operator.domain == node.domain && operator.name == node.operator;
    OPERATORS.iter().find(is)
}

/// An operator that cannot be computed, and how to export the model without it.
pub(super) fn unsupported(node: &NodeMessage, name: &str, local: bool) -> Error {
    let domain = match node.domain.as_str() {
        "" => String::new(),
        other => format!(" (of `{other}`)"),
    };
    let hint = match node.operator.as_str() {
        _ if local => "export the model with its functions inlined (`onnx.inliner.inline_local_functions`)",
        "Scan" => "export it with `torch.onnx.export` for fixed shapes, without Python loops over values",
        "TreeEnsembleClassifier" | "TreeEnsemble" | "TreeEnsembleRegressor" => {
            "trees have no gradients to repair by: leave the flagged rows out and train them again"
        }
        "LinearClassifier" | "LinearRegressor" | "SVMClassifier" | "SVMRegressor" => {
            "its weights are attributes of the node, which no repair changes: leave the flagged rows out and fit it again; `expand` and `suspects` take its predictions (`--probabilities FILE`)"
        }
        "QuantizeLinear" | "DequantizeLinear" | "QLinearMatMul" | "DynamicQuantizeLinear" | "MatMulInteger" => {
            "repair the model before it is quantised, and quantise the repaired one"
        }
        _ if node.domain == "com.microsoft" => {
            "onnxruntime makes such operators where it optimises a model: repair the file that it was made of, which the exporter wrote"
        }
        _ => "export it with simpler operators; `docs/onnx.md` lists those that can be computed",
    };
    Error::input(format!("{name}{domain} is not supported")).hint(hint)
}

impl<'a> Call<'a> {
    /// An input that must be there.
    pub fn input(&self, place: usize) -> Computed<&'a Value> {
        self.optional(place).ok_or_else(|| format!("has no input {}", place + 1))
    }

    pub fn optional(&self, place: usize) -> Option<&'a Value> {
        self.inputs.get(place).copied().flatten()
    }

    pub fn float(&self, place: usize) -> Computed<&'a Tensor> {
        self.input(place)?.float()
    }

    pub fn attribute(&self, name: &str) -> Option<&'a AttributeMessage> {
        self.node.attributes.iter().find(|attribute| attribute.name == name)
    }

    pub fn number(&self, name: &str, default: f64) -> f64 {
        self.attribute(name).and_then(|found| found.float).map_or(default, f64::from)
    }

    pub fn integer(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).and_then(|found| found.integer).unwrap_or(default)
    }

    pub fn integers(&self, name: &str) -> Option<&'a [i64]> {
        self.attribute(name).map(|found| found.integers.as_slice())
    }

    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.attribute(name)?.text.as_deref()
    }

    /// A tensor among the attributes.
    pub fn constant(&self, name: &str) -> Option<&'a (String, Values, Vec<usize>)> {
        self.constants.iter().find(|(own, _, _)| own == name)
    }

    /// A list that is an attribute in older versions and an input in newer ones.
    pub fn list(&self, name: &str, place: usize) -> Computed<Option<Vec<i64>>> {
        if let Some(list) = self.integers(name) {
            return Ok(Some(list.to_vec()));
        }
        self.optional(place)
            .map(|value| value.integers().map(|array| array.data.clone()))
            .transpose()
    }

    /// That a result of this shape is not too large to be made.
    pub fn room(&self, shape: &[usize]) -> Computed<usize> {
        let count = shape.iter().try_fold(1_usize, |count, size| count.checked_mul(*size));
        count
            .filter(|count| *count <= self.most)
            .ok_or_else(|| format!("would make values of the shape {shape:?}, which is too large"))
    }

    /// A tensor of floats in the precision of the run.
    pub fn tensor(&self, values: Vec<f64>, shape: &[usize]) -> Computed<Tensor> {
        tensor(values, shape, self.precision)
    }
}

/// A tensor of floats.
pub(super) fn tensor(values: Vec<f64>, shape: &[usize], precision: DType) -> Computed<Tensor> {
    let made = Tensor::from_vec(values, shape, &Device::Cpu).and_then(|tensor| tensor.to_dtype(precision));
    made.map_err(words)
}

/// Stored values as they flow through a graph.
pub(super) fn loaded(values: &Values, shape: &[usize], precision: DType) -> Computed<Value> {
    Ok(match values {
        Values::Floats(values) => Value::Float(tensor(values.clone(), shape, precision)?),
        Values::Integers(values) => Value::Integer(Array::new(shape.to_vec(), values.clone())),
        Values::Texts(values) => Value::Text(Array::new(shape.to_vec(), values.clone())),
    })
}

/// One output.
fn one(value: Value) -> Results {
    Ok(vec![value])
}

/// One output of floats.
fn floats(tensor: candle_core::Result<Tensor>) -> Results {
    Ok(vec![Value::Float(tensor.map_err(words)?)])
}
