//! Imported models against what PyTorch and onnxruntime make of them (`examples/onnx/make_models.py`), and broken files.

mod ends;
mod sequences;

use std::path::{Path, PathBuf};

use rand::Rng;
use serde_json::Value as Json;

use super::*;
use crate::error::ErrorKind;
use crate::learner::{Classifier, Compute, Rows, Statistic};
use crate::nn::ImportanceKind;
use crate::progress::Silent;
use crate::seed::Seed;

const MODELS: &[&str] = &[
    "mlp",
    "mlp_external",
    "residual",
    "residual_dynamo",
    "attention",
    "embeddings",
    "conv1d",
    "conv2d",
    "conv2d_dynamo",
    "one_logit",
    "activations",
    "norms",
    "machine",
    "scikit",
    "scikit_two",
    "scikit_pipeline",
    "scikit_shapes",
    "keras",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx")
}

fn file(name: &str) -> PathBuf {
    folder().join(format!("{name}.onnx"))
}

fn expected() -> Json {
    serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap()
}

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap_or(f64::NAN))
        .collect()
}

/// A model with its rows and their labels.
struct Case {
    model: Model,
    rows: Encoded,
    labels: Vec<u8>,
    network: OnnxNetwork,
    expected: Json,
}

fn case(name: &str, all: &Json) -> Case {
    let expected = all[name].clone();
    let model = Model::read(&file(name), &Layers::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let labels: Vec<u8> = numbers(&expected["labels"]).into_iter().map(|label| label as u8).collect();
    let given = expected["inputs"].as_array().unwrap();
    assert_eq!(given.len(), model.inputs().len(), "{name}");
    let data = model.inputs().iter().zip(given).map(|(input, values)| match input.kind {
        InputKind::Texts => InputData::Texts(
            values
                .as_array()
                .unwrap()
                .iter()
                .map(|text| text.as_str().unwrap().to_owned())
                .collect(),
        ),
        _ => InputData::Numbers(numbers(values)),
    });
    let data: Vec<InputData> = data.collect();
    let rows = model.encode(&data, labels.len()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let network = model.network(&rows).unwrap_or_else(|error| panic!("{name}: {error}"));
    Case {
        model,
        rows,
        labels,
        network,
        expected,
    }
}

impl Case {
    fn rows(&self) -> Rows<'_, f32> {
        Rows::table(&self.rows.values, self.rows.width, &self.labels)
    }

    fn logits(&self, network: &OnnxNetwork) -> Vec<f32> {
        network.logits(&self.rows(), None, Compute::from(1), &Silent::default()).unwrap()
    }

    /// As the file's own output is.
    fn outputs(&self) -> Vec<f64> {
        let classes = self.network.classes();
        let logits = self.logits(&self.network);
        let wide = numbers(&self.expected["outputs"]).len() / self.labels.len();
        let mut outputs = Vec::new();
        for row in logits.chunks(classes) {
            let total: f64 = row.iter().map(|value| f64::from(*value).exp()).sum();
            match self.network.graph().ending() {
                Ending::Softmax | Ending::Sigmoid => {
                    outputs.extend(row[classes - wide..].iter().map(|value| f64::from(*value).exp() / total))
                }
                _ => outputs.extend(row.iter().map(|value| f64::from(*value))),
            }
        }
        outputs
    }
}

fn close(one: &[f64], other: &[f64], tolerance: f64, what: &str) {
    assert_eq!(one.len(), other.len(), "{what}");
    let scale = other.iter().fold(1e-3_f64, |most, value| most.max(value.abs()));
    for (place, (one, other)) in one.iter().zip(other).enumerate() {
        assert!(
            (one - other).abs() <= tolerance * scale.max(1e-3),
            "{what}, value {place}: {one} and {other}"
        );
    }
}

#[test]
fn outputs_are_those_of_onnxruntime() {
    outputs_agree(MODELS, &expected());
}

/// That the outputs of these models are those in the file.
fn outputs_agree(models: &[&str], all: &Json) {
    for name in models {
        let case = case(name, all);
        close(&case.outputs(), &numbers(&case.expected["outputs"]), 1e-5, name);
    }
}

#[test]
fn gradients_and_importances_are_those_of_pytorch() {
    let compared = gradients_agree(MODELS, &expected());
    assert!(compared > 60, "{compared}");
}

/// Compares gradients and importances with those in the file; the number of tensors compared.
fn gradients_agree(models: &[&str], all: &Json) -> usize {
    let mut compared = 0;
    for name in models {
        let case = case(name, all);
        let Some(gradients) = case.expected["gradient"].as_object() else {
            continue;
        };
        let which: Vec<u32> = (0..case.labels.len() as u32).collect();
        let weights = vec![1.0 / which.len() as f64; which.len()];
        let batch = crate::learner::Batch {
            epoch: 0,
            which: &which,
            losses: crate::nn::RowLosses {
                labels: &case.labels,
                label_weights: &weights,
                targets: &[],
                target_weights: &[],
                temperature: 1.0,
                entropy_weights: &[],
            },
        };
        let (_, gradient) = case.network.gradient(&case.rows(), &batch, Compute::from(1)).unwrap();
        let half = case.expected["batch"].as_u64().unwrap() as usize;
        let kind = Statistic::Importance(ImportanceKind::SquaredBatchGradient);
        let squared = case
            .network
            .measure(kind, (&case.rows(), &which), half, Compute::from(1), &Silent::default())
            .unwrap();
        for spec in case.network.tensors() {
            let Some(wanted) = gradients.get(&spec.name) else { continue };
            let own: Vec<f64> = gradient[spec.range()].iter().map(|value| f64::from(*value)).collect();
            close(&own, &numbers(wanted), 1e-4, &format!("{name} {}", spec.name));
            let wanted = numbers(&case.expected["squared"][&spec.name]);
            close(
                &squared[spec.range()],
                &wanted,
                1e-4,
                &format!("{name} importance of {}", spec.name),
            );
            compared += 1;
        }
    }
    compared
}

#[test]
fn gradients_are_finite_differences_for_every_model() {
    differences_agree(MODELS, &expected());
}

/// That the gradient of every variable is what differences of the loss are.
fn differences_agree(models: &[&str], all: &Json) {
    for name in models {
        let case = case(name, all);
        let check = check_gradients(&case.network, &case.rows, &case.labels, 6, 1).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(check.tensors, case.network.tensors().len());
    }
}

#[test]
fn what_was_not_trained_is_no_variable() {
    let all = expected();
    let names = |name: &str| -> Vec<String> { case(name, &all).network.tensors().into_iter().map(|spec| spec.name).collect() };
    assert!(!names("mlp").iter().any(|name| name.contains("running")));
    assert_eq!(names("mlp").len(), 10);
    assert!(names("attention").contains(&"weight".to_owned()), "a token's weight is trained");
    assert_eq!(
        names("scikit_pipeline"),
        ["coefficient", "intercepts", "coefficient1", "intercepts1"]
    );
    assert_eq!(case("scikit", &all).model.class_names().unwrap(), ["early", "late", "on time"]);
}

/// Bytes at which two files differ.
fn differing(one: &Path, other: &Path) -> usize {
    let (one, other) = (std::fs::read(one).unwrap(), std::fs::read(other).unwrap());
    assert_eq!(one.len(), other.len());
    one.iter().zip(&other).filter(|(one, other)| one != other).count()
}

#[test]
fn a_written_model_differs_in_the_changed_values_only() {
    let all = expected();
    for name in ["mlp", "mlp_external", "scikit"] {
        let mut case = case(name, &all);
        let folder = tempfile::tempdir().unwrap();
        let same = folder.path().join("same.onnx");
        case.model.write(case.network.parameters(), &same).unwrap();
        assert_eq!(differing(&file(name), &same), 0, "{name}");
        for data in case.model.data_files() {
            std::fs::remove_file(folder.path().join(data)).unwrap();
        }
        let value = &mut case.network.parameters_mut()[3];
        *value *= 0.25;
        let changed = folder.path().join("changed.onnx");
        case.model.write(case.network.parameters(), &changed).unwrap();
        let mut bytes = differing(&file(name), &changed);
        for data in case.model.data_files() {
            bytes += differing(&folder.path().join(data), &super::tests::folder().join(data));
        }
        assert!((1..=4).contains(&bytes), "{name}: {bytes} bytes");
        let again = Model::read(&changed, &Layers::default()).unwrap().network(&case.rows).unwrap();
        assert_eq!(case.logits(&again), case.logits(&case.network), "{name}");
        // A second model beside it would take the data file of the first.
        if !case.model.data_files().is_empty() {
            assert!(
                case.model
                    .write(case.network.parameters(), &folder.path().join("third.onnx"))
                    .is_err()
            );
        }
    }
}

#[test]
fn what_another_process_wrote_in_the_meantime_stays() {
    let all = expected();
    for name in ["mlp", "mlp_external"] {
        let case = case(name, &all);
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new.onnx");
        std::fs::write(&out, b"of somebody else").unwrap();
        let error = case.model.write(case.network.parameters(), &out).unwrap_err();
        assert!(error.to_string().contains("already exists"), "{error}");
        assert_eq!(std::fs::read(&out).unwrap(), b"of somebody else", "{name}");
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "{name}: nothing of ours is left"
        );
    }
}

/// Reads and runs a file; what goes wrong is an error of the input.
fn survive(path: &Path, rows: &[InputData], count: usize) -> bool {
    let found = Model::read(path, &Layers::default()).and_then(|model| {
        let rows = model.encode(&rows[..model.inputs().len().min(rows.len())], count)?;
        model.network(&rows)
    });
    match found {
        Ok(_) => true,
        Err(error) => {
            // Rows for another number of inputs are a fault of this test alone.
            assert!(
                error.kind() != ErrorKind::Internal || error.message().contains("data for another number"),
                "{error}"
            );
            assert!(!error.message().is_empty());
            false
        }
    }
}

#[test]
fn broken_files_are_refused_and_nothing_panics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.onnx");
    let mut random = Seed(5).stream("broken-models", 0);
    let rows = [InputData::Numbers(vec![0.5; 15]), InputData::Numbers(vec![1.0; 9])];
    let mut refused = 0;
    for name in ["mlp", "attention", "scikit", "conv1d"] {
        let whole = std::fs::read(file(name)).unwrap();
        for turn in 0..90 {
            let mut bytes = whole.clone();
            match turn % 3 {
                0 => bytes.truncate(random.random_range(0..whole.len())),
                1 => {
                    let at = random.random_range(0..whole.len());
                    bytes[at] ^= 1 << random.random_range(0..8);
                }
                _ => {
                    for _ in 0..random.random_range(2..12) {
                        let at = random.random_range(0..whole.len());
                        bytes[at] = random.random();
                    }
                }
            }
            std::fs::write(&path, &bytes).unwrap();
            refused += usize::from(!survive(&path, &rows, 3));
        }
    }
    assert!(refused > 150, "{refused}");
}

/// A field of protobuf that holds bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut all = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        all.push(length as u8 | 0x80);
        length >>= 7;
    }
    all.push(length as u8);
    all.extend(bytes);
    all
}

fn whole(number: u8, value: u64) -> Vec<u8> {
    let mut all = vec![number << 3];
    let mut left = value;
    while left >= 0x80 {
        all.push(left as u8 | 0x80);
        left >>= 7;
    }
    all.push(left as u8);
    all
}

fn node(operator: &str, name: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs = inputs.iter().flat_map(|input| field(1, input.as_bytes()));
    let rest = [
        field(2, output.as_bytes()),
        field(3, name.as_bytes()),
        field(4, operator.as_bytes()),
    ]
    .concat();
    field(1, &inputs.chain(rest).collect::<Vec<_>>())
}

fn value(number: u8, name: &str, width: u64) -> Vec<u8> {
    let open = field(1, &field(2, b"rows"));
    let shape = field(2, &[open, field(1, &whole(1, width))].concat());
    let kind = field(2, &field(1, &[whole(1, 1), shape].concat()));
    field(number, &[field(1, name.as_bytes()), kind].concat())
}

fn weight(name: &str, dims: &[u64], floats: &[f32]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|dim| whole(1, *dim)).collect();
    let raw: Vec<u8> = floats.iter().flat_map(|value| value.to_le_bytes()).collect();
    field(5, &[dims, whole(2, 1), field(8, name.as_bytes()), field(9, &raw)].concat())
}

fn model(opset: u64, graph: &[Vec<u8>]) -> Vec<u8> {
    [whole(1, 8), field(7, &graph.concat()), field(8, &whole(2, opset))].concat()
}

fn said(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, bytes).unwrap();
    let found = Model::read(&path, &Layers::default()).and_then(|model| {
        let rows = model.encode(&[InputData::Numbers(vec![0.5; 6])], 3)?;
        model.network(&rows)
    });
    let error = found.expect_err("a broken model was read");
    assert_eq!(error.exit_code(), 2);
    error.to_string()
}

#[test]
fn what_is_wrong_is_named() {
    let (x, y) = (value(11, "x", 2), value(12, "y", 2));
    let good = weight("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let product = node("MatMul", "head", &["x", "w"], "y");
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (model(17, &[x.clone(), y.clone(), product.clone()]), "`w`"),
        (
            model(17, &[x.clone(), y.clone(), weight("w", &[2, 3], &[1.0; 4]), product.clone()]),
            "`w`",
        ),
        (
            model(17, &[x.clone(), y.clone(), weight("w", &[3, 2], &[1.0; 6]), product.clone()]),
            "`head`",
        ),
        (
            model(
                17,
                &[x.clone(), y.clone(), weight("w", &[1 << 40, 1 << 40], &[1.0; 4]), product.clone()],
            ),
            "`w`",
        ),
        (
            model(
                17,
                &[
                    x.clone(),
                    y.clone(),
                    weight("w", &[2, 2], &[1.0, f32::NAN, 1.0, 1.0]),
                    product.clone(),
                ],
            ),
            "`w`",
        ),
        (
            model(17, &[x.clone(), y.clone(), good.clone(), node("Loop", "again", &["x", "w"], "y")]),
            "`Loop` of node `again`",
        ),
        (
            model(
                17,
                &[
                    x.clone(),
                    y.clone(),
                    good.clone(),
                    node("MatMul", "a", &["b", "w"], "y"),
                    node("Relu", "r", &["y"], "b"),
                ],
            ),
            "cycle",
        ),
        (
            model(17, &[x.clone(), y.clone(), good.clone(), node("MatMul", "a", &["y", "w"], "y")]),
            "cycle",
        ),
        (model(8, &[x.clone(), y.clone(), good.clone(), product.clone()]), "operator set 8"),
        (
            model(
                17,
                &[x.clone(), y.clone(), good.clone(), product.clone(), node("Relu", "r", &["x"], "y")],
            ),
            "`r`",
        ),
        (model(17, &[x.clone(), good.clone(), product.clone()]), "no output"),
        (model(17, &[y.clone(), good.clone(), product.clone()]), "`x`"),
    ];
    for (place, (bytes, wanted)) in cases.iter().enumerate() {
        let said = said(bytes);
        assert!(said.contains(wanted), "{place}: {said}");
    }
}

#[test]
fn data_files_are_read_from_the_models_own_folder_only() {
    let external = |location: &str, length: &str| {
        let pair = |key: &str, value: &str| field(13, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat());
        let parts = [
            whole(1, 2),
            whole(1, 2),
            whole(2, 1),
            field(8, b"w"),
            pair("location", location),
            pair("length", length),
            whole(14, 1),
        ];
        let tensor = field(5, &parts.concat());
        model(
            17,
            &[
                value(11, "x", 2),
                value(12, "y", 2),
                tensor,
                node("MatMul", "head", &["x", "w"], "y"),
            ],
        )
    };
    for location in ["../../etc/passwd", "/etc/passwd", "", "a/../../b", "missing.data"] {
        let said = said(&external(location, "16"));
        assert!(said.contains("`w`") || said.contains("missing.data"), "{said}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("w.data"), [0_u8; 16]).unwrap();
    let path = folder.path().join("model.onnx");
    for (length, fits) in [("16", true), ("20", false), ("99999999999999999999", false), ("8", false)] {
        std::fs::write(&path, external("w.data", length)).unwrap();
        assert_eq!(Model::read(&path, &Layers::default()).is_ok(), fits, "{length}");
    }
}

/// Gradients go back through all nodes of a long chain without running out of stack, and longer ones are refused.
#[test]
fn a_long_chain_has_a_gradient() {
    let chain = |length: usize| {
        let mut graph = vec![
            value(11, "x", 2),
            value(12, "y", 2),
            weight("w", &[2, 2], &[1.0, 0.5, 0.25, 1.0]),
            weight("s", &[2], &[1.0, 1.0]),
        ];
        graph.push(node("MatMul", "first", &["x", "w"], "v0"));
        for place in 0..length {
            let (from, to) = (format!("v{place}"), format!("v{}", place + 1));
            let (operator, inputs): (&str, &[&str]) = if place % 2 == 0 {
                ("LayerNormalization", &[&from, "s"])
            } else {
                ("Add", &[&from, "v0"])
            };
            graph.push(node(operator, &format!("n{place}"), inputs, &to));
        }
        graph.push(node("Identity", "last", &[&format!("v{length}")], "y"));
        model(17, &graph)
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, chain(490)).unwrap();
    let model = Model::read(&path, &Layers::default()).unwrap();
    let rows = model.encode(&[InputData::Numbers(vec![0.5, 0.1, 0.2, -0.4, 0.3, 0.9])], 3).unwrap();
    let network = model.network(&rows).unwrap();
    let weights = [1.0 / 3.0; 3];
    let batch = crate::learner::Batch {
        epoch: 0,
        which: &[0, 1, 2],
        losses: crate::nn::RowLosses {
            labels: &[0, 1, 0],
            label_weights: &weights,
            targets: &[],
            target_weights: &[],
            temperature: 1.0,
            entropy_weights: &[],
        },
    };
    let (loss, gradient) = network
        .gradient(&Rows::table(&rows.values, 2, &[0, 1, 0]), &batch, Compute::from(1))
        .unwrap();
    assert!(loss.is_finite() && gradient.iter().any(|value| *value != 0.0));
    std::fs::write(&path, chain(600)).unwrap();
    assert!(
        Model::read(&path, &Layers::default())
            .unwrap_err()
            .to_string()
            .contains("more than 500 nodes one after the other")
    );
}
