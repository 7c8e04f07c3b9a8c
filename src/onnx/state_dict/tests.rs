//! State_dicts against what PyTorch makes of them (`examples/onnx/make_state_dicts.py`), and broken ones.

use std::io::Write;
use std::path::PathBuf;

use rand::Rng;
use serde_json::Value as Json;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;
use crate::learner::{Classifier, Compute, Rows};
use crate::onnx::{Encoded, InputData, Model, OnnxNetwork, check_gradients};
use crate::progress::Silent;
use crate::seed::Seed;

const FILES: &[&str] = &["named.pt", "named.safetensors", "blocks.safetensors", "apart.pt", "checkpoint.pth"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx/state_dicts")
}

fn expected() -> Json {
    serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap()
}

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn with(activation: &str) -> Layers {
    Layers {
        activation: Some(Activation::of(activation).unwrap()),
        ..Layers::default()
    }
}

fn stated(order: &str) -> Layers {
    Layers {
        order: order.split(',').map(str::to_owned).collect(),
        ..Layers::default()
    }
}

struct Case {
    model: Model,
    rows: Encoded,
    network: OnnxNetwork,
}

fn case(path: &Path, inputs: Vec<f64>, layers: &Layers) -> Case {
    let model = Model::read(path, layers).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let width = model.inputs()[0].shape[0].unwrap();
    let count = inputs.len() / width;
    let rows = model.encode(&[InputData::Numbers(inputs)], count).unwrap();
    let network = model.network(&rows).unwrap();
    Case { model, rows, network }
}

fn logits(case: &Case) -> Vec<f32> {
    let labels = vec![0; case.rows.rows()];
    let rows = Rows::table(&case.rows.values, case.rows.width, &labels);
    case.network.logits(&rows, None, Compute::from(1), &Silent::default()).unwrap()
}

fn fixture(name: &str, all: &Json) -> Case {
    let layers = with(all[name]["activation"].as_str().unwrap());
    case(&folder().join(name), numbers(&all[name]["inputs"]), &layers)
}

#[test]
fn logits_are_those_of_pytorch() {
    let all = expected();
    for name in FILES {
        let found = logits(&fixture(name, &all));
        let wanted = numbers(&all[*name]["logits"]);
        assert_eq!(found.len(), wanted.len(), "{name}");
        for (found, wanted) in found.iter().zip(&wanted) {
            assert!(
                (f64::from(*found) - wanted).abs() < 1e-5 * (1.0 + wanted.abs()),
                "{name}: {found} and {wanted}"
            );
        }
    }
}

#[test]
fn gradients_are_finite_differences() {
    let all = expected();
    for name in FILES {
        let case = fixture(name, &all);
        let labels: Vec<u8> = (0..case.rows.rows()).map(|row| (row % 2) as u8).collect();
        let found = check_gradients(&case.network, &case.rows, &labels, 4, 1).unwrap();
        assert!(found.worst < 1e-4, "{name}: {}", found.worst);
    }
}

#[test]
fn layers_are_told_from_names_and_shapes() {
    let said = |name: &str| {
        Model::read(&folder().join(name), &Layers::default())
            .unwrap()
            .read_as()
            .unwrap()
            .clone()
    };
    let registered = said("named.pt");
    assert_eq!(
        registered.network,
        "`input` (5 to 8), relu, `hidden1` (8 to 8), relu, `hidden2` (8 to 8), relu, `classify` (8 to 3)"
    );
    assert_eq!(said("named.safetensors").network, registered.network);
    assert_eq!((registered.assumed, registered.has_norms), (Some("relu"), false));
    let blocks = said("blocks.safetensors").network;
    assert!(
        blocks.contains("`layers.1.linear` (6 to 6), `layers.1.norm` (batch norm), relu, `layers.2.linear`")
            && blocks.ends_with("`layers.10.linear` (6 to 6), `layers.10.norm` (batch norm), relu, `head` (6 to 2)"),
        "{blocks}"
    );
    assert_eq!(
        said("apart.pt").network,
        "`fc1` (6 to 6), `bn1` (batch norm), relu, `fc2` (6 to 6), `bn2` (batch norm), relu, `fc3` (6 to 3)"
    );
    let checkpoint = said("checkpoint.pth");
    assert_eq!(checkpoint.entry.as_deref(), Some("model_state_dict"));
    assert_eq!(
        checkpoint.network,
        "`0` (batch norm), `1` (4 to 6), relu, `3` (batch norm), `4` (6 to 6), relu, `6` (batch norm), `7` (6 to 3)"
    );
}

#[test]
fn stated_layers_are_taken_and_others_left_out() {
    let path = folder().join("named.pt");
    let read = Model::read(&path, &stated("input,tanh,hidden2,gelu,classify"))
        .unwrap()
        .read_as()
        .unwrap()
        .clone();
    assert_eq!(
        read.network,
        "`input` (5 to 8), tanh, `hidden2` (8 to 8), gelu, `classify` (8 to 3)"
    );
    assert_eq!((read.left_out, read.assumed), (vec!["hidden1".to_owned()], None));
    for (order, wanted) in [
        ("input,tanh,hidden3,classify", "`hidden3` in `--layers` is neither"),
        (
            "input,classify,hidden1",
            "module `hidden1` takes 8 values a row, and those before it give 3",
        ),
        ("input,input,classify", "stands twice"),
        ("tanh,input", "begins with the activation `tanh`"),
        ("relu", "begins with the activation"),
    ] {
        let error = Model::read(&path, &stated(order)).unwrap_err();
        assert!(error.message().contains(wanted) && error.exit_code() == 2, "{order}: {error}");
    }
}

#[test]
fn a_written_file_differs_in_changed_values_and_their_checksums_only() {
    let all = expected();
    let at = tempfile::tempdir().unwrap();
    for name in FILES {
        let case = fixture(name, &all);
        let before = std::fs::read(folder().join(name)).unwrap();
        let out = at.path().join(name);
        case.model.write(case.network.parameters(), &out).unwrap();
        assert_eq!(std::fs::read(&out).unwrap(), before, "{name}: nothing changed");
        std::fs::remove_file(&out).unwrap();
        let mut parameters = case.network.parameters().to_vec();
        let last = parameters.len() - 1;
        parameters[0] = 0.0;
        parameters[last] *= 0.5;
        case.model.write(&parameters, &out).unwrap();
        let after = std::fs::read(&out).unwrap();
        assert_eq!(after.len(), before.len());
        let changed = before.iter().zip(&after).filter(|(one, other)| one != other).count();
        // Two values of up to eight bytes, and up to three checksums for each.
        assert!((1..=2 * (8 + 12)).contains(&changed), "{name}: {changed} bytes");
        let again = fixture_at(&out, name, &all);
        assert_eq!(again.network.parameters(), parameters, "{name}");
    }
}

fn fixture_at(path: &Path, name: &str, all: &Json) -> Case {
    let layers = with(all[name]["activation"].as_str().unwrap());
    case(path, numbers(&all[name]["inputs"]), &layers)
}

/// A tensor of a made-up pickle.
#[derive(Clone)]
struct Made {
    name: &'static str,
    storage: &'static str,
    key: &'static str,
    count: i32,
    offset: i32,
    shape: Vec<i32>,
    strides: Vec<i32>,
}

fn made(name: &'static str, key: &'static str, shape: &[i32]) -> Made {
    let mut strides = vec![1; shape.len()];
    for place in (0..shape.len().saturating_sub(1)).rev() {
        strides[place] = strides[place + 1] * shape[place + 1];
    }
    Made {
        name,
        storage: "FloatStorage",
        key,
        count: shape.iter().product(),
        offset: 0,
        shape: shape.to_vec(),
        strides,
    }
}

fn text(text: &str) -> Vec<u8> {
    [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn whole(value: i32) -> Vec<u8> {
    [b"J".as_slice(), &value.to_le_bytes()].concat()
}

fn tuple(values: &[i32]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|value| whole(*value)).collect();
    [b"(".as_slice(), &values, b"t"].concat()
}

impl Made {
    fn pickled(&self) -> Vec<u8> {
        [
            text(self.name),
            b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
            text("storage"),
            format!("ctorch\n{}\n", self.storage).into_bytes(),
            text(self.key),
            text("cpu"),
            whole(self.count),
            b"tQ".to_vec(),
            whole(self.offset),
            tuple(&self.shape),
            tuple(&self.strides),
            b"\x89ccollections\nOrderedDict\n)RtR".to_vec(),
        ]
        .concat()
    }
}

fn pickle(entries: &[Vec<u8>]) -> Vec<u8> {
    [b"\x80\x02}(".to_vec(), entries.concat(), b"u.".to_vec()].concat()
}

/// Parts of an archive.
fn archive(parts: &[(&str, &[u8])], compression: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        writer
            .start_file(*name, SimpleFileOptions::default().compression_method(compression))
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn stored_archive(pickle: &[u8], values: &[(&str, usize)]) -> Vec<u8> {
    let values: Vec<(String, Vec<u8>)> = values
        .iter()
        .map(|(key, bytes)| (format!("m/data/{key}"), vec![0; *bytes]))
        .collect();
    let mut parts: Vec<(&str, &[u8])> = vec![("m/data.pkl", pickle)];
    parts.extend(values.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
    archive(&parts, CompressionMethod::Stored)
}

/// What is said of a file, which must be refused.
fn refused(bytes: &[u8], name: &str) -> String {
    let at = tempfile::tempdir().unwrap();
    let path = at.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let error = Model::read(&path, &Layers::default()).expect_err("a broken file was read");
    assert_eq!(error.exit_code(), 2, "{error}");
    error.to_string()
}

/// Two layers of 2 values, 3 and 2.
fn two_layers() -> Vec<Made> {
    vec![
        made("a.weight", "0", &[3, 2]),
        made("a.bias", "1", &[3]),
        made("b.weight", "2", &[2, 3]),
        made("b.bias", "3", &[2]),
    ]
}

const VALUES: &[(&str, usize)] = &[("0", 24), ("1", 12), ("2", 24), ("3", 8)];

fn of(tensors: &[Made]) -> Vec<u8> {
    stored_archive(&pickle(&tensors.iter().map(Made::pickled).collect::<Vec<_>>()), VALUES)
}

fn changed(place: usize, change: impl Fn(&mut Made)) -> Vec<u8> {
    let mut tensors = two_layers();
    change(&mut tensors[place]);
    of(&tensors)
}

#[test]
fn a_made_up_archive_is_read() {
    let at = tempfile::tempdir().unwrap();
    let path = at.path().join("model.pt");
    std::fs::write(&path, of(&two_layers())).unwrap();
    let read = Model::read(&path, &Layers::default()).unwrap();
    assert_eq!(read.read_as().unwrap().network, "`a` (2 to 3), relu, `b` (3 to 2)");
}

#[test]
fn what_is_wrong_with_tensors_is_named() {
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            changed(0, |tensor| tensor.shape = vec![4, 2]),
            "`a.weight` is said to be values 0 to 8 of a storage of 6",
        ),
        (
            changed(0, |tensor| tensor.count = 7),
            "`a.weight` is said to be values 0 to 6 of a storage of 7, which has 24 bytes",
        ),
        (changed(0, |tensor| tensor.shape = vec![i32::MAX, i32::MAX]), "`a.weight`"),
        (
            changed(0, |tensor| tensor.shape = vec![i32::MAX; 3]),
            "`a.weight` has dimensions that are too large",
        ),
        (changed(0, |tensor| tensor.shape = vec![-3, 2]), "a size that is no whole number"),
        (changed(0, |tensor| tensor.shape = vec![1; 20]), "20 dimensions"),
        (
            changed(0, |tensor| tensor.strides = vec![1, 3]),
            "`a.weight` is a view whose values do not lie in order",
        ),
        (changed(0, |tensor| tensor.strides = vec![2]), "`a.weight` is a view"),
        (
            changed(2, |tensor| tensor.offset = 1),
            "`b.weight` is said to be values 1 to 7 of a storage of 6",
        ),
        (changed(2, |tensor| tensor.offset = -1), "`b.weight`"),
        (changed(1, |tensor| tensor.key = "9"), "`a.bias` are said to be `m/data/9`"),
        (changed(1, |tensor| tensor.key = "../0"), "`a.bias` are said to be `m/data/../0`"),
        (
            changed(1, |tensor| tensor.storage = "QInt8Storage"),
            "an object `torch.QInt8Storage`",
        ),
        (
            changed(1, |tensor| tensor.storage = "IntStorage"),
            "`a.bias` (3) does not hold numbers with a point",
        ),
        (
            changed(1, |tensor| tensor.name = "a.scale"),
            "`a.scale` (3) is no part of a Linear or BatchNorm1d layer",
        ),
        (
            changed(1, |tensor| (tensor.shape, tensor.strides) = (vec![3, 1], vec![1, 1])),
            "`a.bias` (3 x 1) is not the bias of `a.weight` (3 x 2)",
        ),
        (
            changed(0, |tensor| (tensor.shape, tensor.strides) = (vec![3, 2, 1], vec![2, 1, 1])),
            "`a.weight` (3 x 2 x 1)",
        ),
        (
            changed(0, |tensor| (tensor.shape, tensor.strides) = (vec![6], vec![1])),
            "`a.weight`",
        ),
        (
            changed(0, |tensor| tensor.name = "c.weight"),
            "`a.bias` (3) stands without the `weight`",
        ),
        (
            changed(2, |tensor| (tensor.shape, tensor.strides) = (vec![3, 2], vec![2, 1])),
            "`b.bias` (2) is not the bias of `b.weight` (3 x 2)",
        ),
        (
            of(&[made("a.weight", "0", &[3, 2]), made("b.weight", "2", &[3, 2])]),
            "do not fit one after the other: `a` 2 to 3, `b` 2 to 3",
        ),
        (
            of(&[made("a.weight", "0", &[2, 3]), made("b.weight", "0", &[3, 2])]),
            "`a.weight` and `b.weight` share their values",
        ),
        (
            of(&[made("a.running_mean", "1", &[3]), made("a.running_var", "1", &[3])]),
            "no Linear layer",
        ),
        (
            of(&[made("a.running_mean", "1", &[3])]),
            "`a.running_mean` (3) stands without the `weight`",
        ),
    ];
    for (place, (bytes, wanted)) in cases.iter().enumerate() {
        let said = refused(bytes, "model.pt");
        assert!(said.contains(wanted), "{place}: {said}");
        assert!(said.contains("model.pt"), "{place}: {said}");
    }
}

#[test]
fn what_a_pickle_may_not_hold_is_named_and_nothing_is_executed() {
    let bad = |instructions: &[u8]| stored_archive(&[b"\x80\x02".as_slice(), instructions].concat(), VALUES);
    let good = two_layers()[0].pickled();
    let beside =
        |key: &str, instructions: &[u8]| stored_archive(&pickle(&[good.clone(), [text(key), instructions.to_vec()].concat()]), VALUES);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            bad(b"cos\nsystem\n(X\x04\x00\x00\x00ls /tR."),
            "an object `os.system`, which can be loaded only by executing code",
        ),
        (bad(b"c__main__\nNet\n)\x81."), "an object `__main__.Net`"),
        (bad(b"\x8c\x08builtins\x8c\x04eval\x93."), "an object `builtins.eval`"),
        (beside("config", b"cargparse\nNamespace\n)\x81"), "an object `argparse.Namespace`"),
        (bad(b"ccollections\nOrderedDict\n)\x81."), "the instruction 0x81"),
        (bad(b"i"), "the instruction 0x69"),
        (bad(b"P0\n."), "the instruction 0x50"),
        (bad(b"}X\xff\xff\xff\xffab"), "ends in the middle"),
        (bad(b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffab"), "ends in the middle"),
        (bad(b"}"), "ends in the middle"),
        (bad(b"ctorch"), "ends in the middle of a name"),
        (bad(b"."), "takes more than it put down"),
        (bad(b"(."), "takes more than it put down"),
        (bad(b"t."), "takes more than it put down"),
        (bad(b"h\x07."), "recalls what it did not keep"),
        (bad(b"K\x01K\x02R."), "calls what is no name"),
        (bad(b"ctorch\nFloatStorage\n)R."), "calls `torch.FloatStorage`"),
        (bad(b"K\x01Q."), "describes a storage in a way"),
        (bad(b"ctorch._utils\n_rebuild_tensor_v2\n)R."), "describes a tensor in a way"),
        (bad(b"ctorch._utils\n_rebuild_parameter\n)R."), "without arguments"),
        (bad(b"K\x01K\x02a."), "adds parts to what is no list"),
        (bad(b"}(K\x01u."), "adds parts to what is no list or dictionary"),
        (bad(b"ccollections\nOrderedDict\n}b."), "sets the attributes of an object"),
        (bad(b"ccollections\nOrderedDict\n(](K\x01etR."), "of what are no pairs"),
        (bad(b"\x8a\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01."), "more than eight bytes"),
        (bad(b"K\x01."), "no dictionary of tensors"),
        (bad(b"]q\x00h\x00a."), "no dictionary of tensors"),
        (
            bad(b"}q\x00(X\x01\x00\x00\x00ah\x00u."),
            "no dictionary of tensors by their names, but a",
        ),
        (beside("epoch", b"K\x03"), "but a.weight, epoch"),
        (
            stored_archive(
                &pickle(&["model", "ema"].map(|name| [text(name), b"}(".to_vec(), good.clone(), b"u".to_vec()].concat())),
                VALUES,
            ),
            "several dictionaries of tensors (model, ema)",
        ),
    ];
    for (place, (bytes, wanted)) in cases.iter().enumerate() {
        let said = refused(bytes, "model.pt");
        assert!(said.contains(wanted), "{place}: {said}");
    }
    // A million instructions that grow nothing end as well.
    let long = [b"\x80\x02".to_vec(), vec![b'N'; 1_000_001], b".".to_vec()].concat();
    assert!(refused(&stored_archive(&long, VALUES), "model.pt").contains("more than 1000000 instructions"));
}

#[test]
fn archives_that_torch_save_does_not_write_are_refused() {
    let whole = of(&two_layers());
    let text = pickle(&two_layers().iter().map(Made::pickled).collect::<Vec<_>>());
    let place = whole.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    let broken = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole.clone();
        change(&mut bytes);
        bytes
    };
    let values = whole.windows(10).position(|bytes| bytes == b"m/data/0\0\0").unwrap() + 10;
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"\x80\x02\x8a\x0a".to_vec(), "before version 1.6"),
        (b"hello".to_vec(), "no archive of `torch.save`"),
        (Vec::new(), "no archive of `torch.save`"),
        (b"PK".to_vec(), "its archive is damaged"),
        (whole[..whole.len() - 30].to_vec(), "its archive is damaged"),
        (whole[..200].to_vec(), "its archive is damaged"),
        (
            archive(&[("m/data.pkl", &text)], CompressionMethod::Deflated),
            "`m/data.pkl` in it is compressed",
        ),
        (archive(&[("m/other", b"x")], CompressionMethod::Stored), "no `data.pkl`"),
        (
            archive(&[("m/data.pkl", &text), ("n/data.pkl", &text)], CompressionMethod::Stored),
            "or several",
        ),
        (
            archive(&[("m/data.pkl", &text), ("m/code/a.py", b"")], CompressionMethod::Stored),
            "a TorchScript program",
        ),
        (
            archive(&[("m/data.pkl", &text), ("m/byteorder", b"big")], CompressionMethod::Stored),
            "another order of bytes (big)",
        ),
        (
            archive(&[("m/data.pkl", &text)], CompressionMethod::Stored),
            "`m/data/0`, which the archive does not have",
        ),
        (broken(&|bytes| bytes[values] ^= 1), "the checksum of `m/data/0` in it does not fit"),
        (broken(&|bytes| bytes[place + 20..place + 28].fill(0x7f)), ""),
        (broken(&|bytes| bytes[place + 42..place + 46].fill(0xf0)), ""),
    ];
    for (place, (bytes, wanted)) in cases.iter().enumerate() {
        let said = refused(bytes, "model.pt");
        assert!(said.contains(wanted), "{place}: {said}");
    }
}

#[test]
fn broken_safetensors_are_refused() {
    let file = |table: &str, values: usize| [&(table.len() as u64).to_le_bytes(), table.as_bytes(), &vec![0; values]].concat();
    let tensor = |shape: &str, range: &str| format!(r#"{{"a.weight":{{"dtype":"F32","shape":{shape},"data_offsets":{range}}}}}"#);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "no safetensors file"),
        (vec![1, 0, 0], "no safetensors file"),
        (vec![0xff; 40], "no safetensors file"),
        (file("{", 0), "no safetensors file"),
        (file("[]", 0), "no safetensors file"),
        (file("{}", 0), "no Linear layer"),
        (file(&tensor("[2,3]", "[0,24]"), 8), "no safetensors file"),
        (file(&tensor("[2,3]", "[0,20]"), 20), "no safetensors file"),
        (file(&tensor("[2,3]", "[24,0]"), 24), "no safetensors file"),
        (
            file(&tensor("[4294967296,4294967296,4294967296]", "[0,24]"), 24),
            "no safetensors file",
        ),
        (
            file(&tensor("[2,3]", "[18446744073709551600,18446744073709551615]"), 24),
            "no safetensors file",
        ),
        (file(&tensor("[-2,3]", "[0,24]"), 24), "no safetensors file"),
        (file(&tensor("[2,3]", "[0,24]").replace("F32", "F99"), 24), "no safetensors file"),
        (
            file(&tensor("[2,3]", "[0,24]").replace("F32", "I32"), 24),
            "`a.weight` (2 x 3) does not hold numbers with a point",
        ),
        (file(&tensor("[0,3]", "[0,0]"), 0), "`a.weight` (0 x 3) is empty"),
        (file(&tensor("[2,3,1]", "[0,24]"), 24), "`a.weight` (2 x 3 x 1)"),
        (file(&tensor("[6]", "[0,24]"), 24), "`a.weight` (6) may be of a layer norm"),
        (
            file(&tensor("[2,3]", "[0,24]").replace("a.weight", "a.gain"), 24),
            "`a.gain` (2 x 3) is no part",
        ),
    ];
    for (place, (bytes, wanted)) in cases.iter().enumerate() {
        let said = refused(bytes, "model.safetensors");
        assert!(said.contains(wanted), "{place}: {said}");
    }
    // A weight that is not a number is named.
    let name = folder().join("blocks.safetensors");
    let mut bytes = std::fs::read(name).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(refused(&bytes, "model.safetensors").contains("not a number (NaN)"));
}

#[test]
fn damaged_files_never_panic() {
    let at = tempfile::tempdir().unwrap();
    let mut random = Seed(5).stream("broken-state-dicts", 0);
    let mut refused = 0;
    for name in FILES {
        let whole = std::fs::read(folder().join(name)).unwrap();
        let path = at.path().join(name);
        for turn in 0..70 {
            let mut bytes = whole.clone();
            match turn % 3 {
                0 => bytes.truncate(random.random_range(0..whole.len())),
                1 => {
                    let place = random.random_range(0..whole.len());
                    bytes[place] ^= 1 << random.random_range(0..8);
                }
                _ => {
                    for _ in 0..random.random_range(2..12) {
                        let place = random.random_range(0..whole.len());
                        bytes[place] = random.random();
                    }
                }
            }
            std::fs::write(&path, &bytes).unwrap();
            if let Err(error) = Model::read(&path, &Layers::default()) {
                assert!(error.exit_code() == 2 && !error.message().is_empty(), "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 150, "{refused}");
}
