//! Ends of graphs, operators of old sets, and weights of half precision.

use super::*;

/// A node with attributes: whole numbers, and numbers with a point.
fn with(node: &[u8], whole_numbers: &[(&str, i64)], numbers: &[(&str, f32)], lists: &[(&str, &[u64])]) -> Vec<u8> {
    // The node's own field, unpacked: number and length take two bytes here. No attribute states its type: the reader needs none.
    let mut inner = node[2..].to_vec();
    for (name, value) in whole_numbers {
        inner.extend(field(5, &[field(1, name.as_bytes()), whole(3, *value as u64)].concat()));
    }
    for (name, value) in numbers {
        let float = [&[2 << 3 | 5], value.to_le_bytes().as_slice()].concat();
        inner.extend(field(5, &[field(1, name.as_bytes()), float].concat()));
    }
    for (name, values) in lists {
        let all: Vec<u8> = values.iter().flat_map(|value| whole(8, *value)).collect();
        inner.extend(field(5, &[field(1, name.as_bytes()), all].concat()));
    }
    field(1, &inner)
}

/// What is said of a model that is refused, with its hint.
fn refused(bytes: Vec<u8>) -> String {
    let found = Model::from_bytes(bytes).and_then(|model| {
        let rows = model.encode(&[InputData::Numbers(vec![0.5; 6])], 3)?;
        model.network(&rows)
    });
    let error = found.expect_err("a broken model was read");
    format!("{error}; {}", error.hint_text().unwrap_or("no hint"))
}

fn logits(bytes: Vec<u8>) -> Vec<f32> {
    let model = Model::from_bytes(bytes).unwrap();
    let rows = model.encode(&[InputData::Numbers(vec![1.0, 0.0, 0.0, 1.0, 2.0, -1.0])], 3).unwrap();
    let network = model.network(&rows).unwrap();
    let table = Rows::table(&rows.values, rows.width, &[0, 0, 0]);
    network.logits(&table, None, Compute::from(1), &Silent::default()).unwrap()
}

/// x (rows x 2) times w, and what comes after it.
fn product(opset: u64, rest: &[Vec<u8>]) -> Vec<u8> {
    let start = [
        value(11, "x", 2),
        value(12, "y", 2),
        weight("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0]),
        node("MatMul", "head", &["x", "w"], "v"),
    ];
    model(opset, &[start.as_slice(), rest].concat())
}

#[test]
fn a_softmax_that_does_not_choose_among_the_classes_is_refused_by_name() {
    let plain = [1.0, 2.0, 3.0, 4.0, -1.0, 0.0];
    let softmax = |operator: &str, from: &str, axis: i64| with(&node(operator, "last", &[from], "y"), &[("axis", axis)], &[], &[]);
    for (opset, axis) in [(17, 1), (17, -1), (11, 1), (11, -1)] {
        assert_eq!(logits(product(opset, &[softmax("Softmax", "v", axis)])), plain, "{opset}, {axis}");
    }
    assert_eq!(logits(product(11, &[node("Softmax", "last", &["v"], "y")])), plain);
    assert_eq!(logits(product(17, &[node("Softmax", "last", &["v"], "y")])), plain);
    for (opset, axis) in [(17, 0), (17, -2), (11, 0)] {
        let told = refused(product(opset, &[softmax("Softmax", "v", axis)]));
        assert!(
            told.contains("`Softmax` of node `last` chooses among the rows"),
            "{opset}, {axis}: {told}"
        );
    }
    // rows x 1 x 2: over the axis of length 1 every probability is 1.
    let deep = with(&node("Unsqueeze", "deep", &["v"], "d"), &[], &[], &[("axes", &[1])]);
    assert_eq!(logits(product(12, &[deep.clone(), softmax("Softmax", "d", 1)])), plain);
    assert_eq!(logits(product(12, &[deep.clone(), softmax("Softmax", "d", 2)])), plain);
    let last = with(&node("Unsqueeze", "deep", &["v"], "d"), &[], &[], &[("axes", &[2])]);
    let told = refused(product(12, &[last, softmax("Softmax", "d", 2)]));
    assert!(told.contains("chooses among 1 of the 2 values of a row (axis 2)"), "{told}");
    assert!(told.contains("softmax over the classes"), "{told}");
}

/// `torch.sigmoid(x).squeeze(-1)` and `torch.sigmoid(x)[:, 0]` end in one probability, whose values alone could be a logit's.
#[test]
fn a_probability_stays_one_behind_nodes_that_shape_choose_or_bound_it() {
    let one = |rest: &[Vec<u8>]| {
        let start = [
            value(11, "x", 2),
            value(12, "y", 2),
            weight("w", &[2, 1], &[1.0, -2.0]),
            node("MatMul", "head", &["x", "w"], "v"),
            node("Sigmoid", "s", &["v"], "p"),
        ];
        model(12, &[start.as_slice(), rest].concat())
    };
    let squeeze = with(&node("Squeeze", "q", &["p"], "y"), &[], &[], &[("axes", &[1])]);
    let wanted = [0.0, 1.0, 0.0, -2.0, 0.0, 4.0];
    assert_eq!(logits(one(&[node("Identity", "i", &["p"], "y")])), wanted);
    assert_eq!(logits(one(&[squeeze])), wanted);
    let clip = with(&node("Clip", "c", &["p"], "d"), &[], &[("min", 0.0), ("max", 1.0)], &[]);
    let bounded = [clip, with(&node("Flatten", "f", &["d"], "y"), &[("axis", 1)], &[], &[])];
    for (place, row) in logits(one(&bounded)).chunks(2).enumerate() {
        // The logit is the difference of the two logarithms.
        assert!((row[1] - row[0] - wanted[2 * place + 1]).abs() < 1e-5, "{place}: {row:?}");
    }
    let found = Model::from_bytes(one(&bounded)).unwrap();
    let rows = found.encode(&[InputData::Numbers(vec![0.5; 6])], 3).unwrap();
    assert_eq!(found.network(&rows).unwrap().graph().ending(), Ending::OneProbability);
    let several = product(
        12,
        &[
            node("Sigmoid", "s", &["v"], "p"),
            with(&node("Flatten", "f", &["p"], "y"), &[("axis", 1)], &[], &[]),
        ],
    );
    let told = refused(several);
    assert!(told.contains("2 independent probabilities"), "{told}");
}

/// What exporters compute of shapes has no gradient, so it does not count where gradients go back through nodes one inside the other.
#[test]
fn arithmetic_of_shapes_does_not_make_a_model_too_deep() {
    let mut rest = Vec::new();
    let mut from = "v".to_owned();
    for place in 0..150 {
        let name = |what: &str| format!("{what}{place}");
        rest.push(node("Shape", &name("s"), &[&from], &name("shape")));
        rest.push(node("Identity", &name("i"), &[&name("shape")], &name("same")));
        rest.push(node("Identity", &name("j"), &[&name("same")], &name("again")));
        rest.push(node("Reshape", &name("r"), &[&from, &name("again")], &name("u")));
        from = name("u");
    }
    rest.push(node("Identity", "last", &[&from], "y"));
    assert_eq!(logits(product(17, &rest)), [1.0, 2.0, 3.0, 4.0, -1.0, 0.0]);
}

#[test]
fn operators_of_old_sets_are_read_by_their_attributes() {
    let clip = with(&node("Clip", "c", &["v"], "d"), &[], &[("min", 0.5), ("max", 3.5)], &[]);
    let slice = with(
        &node("Slice", "s", &["d"], "y"),
        &[],
        &[],
        &[("starts", &[0]), ("ends", &[2]), ("axes", &[1])],
    );
    assert_eq!(logits(product(9, &[clip, slice])), [1.0, 2.0, 3.0, 3.5, 0.5, 0.5]);
    let told = refused(product(8, &[node("Identity", "i", &["v"], "y")]));
    assert!(told.contains("operator set 8") && told.contains("convert_version"), "{told}");
    // What a newer set would not mend is told first.
    let told = refused(product(8, &[node("Scan", "again", &["v"], "y")]));
    assert!(told.contains("`Scan` of node `again`"), "{told}");
}

/// What `torch.nan_to_num` becomes.
#[test]
fn infinite_values_are_replaced() {
    let graph = [
        node("Div", "over", &["x", "z"], "d"),
        with(&node("IsInf", "up", &["d"], "above"), &[("detect_negative", 0)], &[], &[]),
        node("Where", "w1", &["above", "high", "d"], "e"),
        node("IsInf", "any", &["e"], "below"),
        node("Where", "w2", &["below", "low", "e"], "y"),
        weight("z", &[2], &[1.0, 0.0]),
        weight("high", &[1], &[7.0]),
        weight("low", &[1], &[-7.0]),
        value(11, "x", 2),
        value(12, "y", 2),
    ];
    let model = Model::from_bytes(model(17, &graph)).unwrap();
    let rows = model.encode(&[InputData::Numbers(vec![1.0, 2.0, 2.0, -3.0])], 2).unwrap();
    let network = model.network(&rows).unwrap();
    let table = Rows::table(&rows.values, rows.width, &[0, 0]);
    let found = network.logits(&table, None, Compute::from(1), &Silent::default()).unwrap();
    assert_eq!(found, [1.0, 7.0, 2.0, -7.0]);
}

#[test]
fn an_export_in_training_mode_is_told_what_to_do_about_it() {
    let norm = with(
        &node("BatchNormalization", "norm", &["v", "b", "b", "b", "b"], "y"),
        &[("training_mode", 1)],
        &[],
        &[],
    );
    let told = refused(product(17, &[norm, weight("b", &[2], &[1.0, 1.0])]));
    assert!(
        told.contains("`norm` is in training mode") && told.contains("model.eval()"),
        "{told}"
    );
    assert!(!told.contains("dynamic_axes"), "{told}");
}

/// Parameters are rounded to what the file holds before they are judged, so that what is written is what was judged.
#[test]
fn weights_of_half_precision_are_written_as_they_were_rounded() {
    let model = Model::read(&file("half"), &Layers::default()).unwrap();
    assert!(model.is_half());
    let rows = model.encode(&[InputData::Numbers(vec![0.5; 8])], 2).unwrap();
    let before = model.network(&rows).unwrap().parameters().to_vec();
    let mut same = before.clone();
    model.round(&mut same);
    assert_eq!(same, before);
    let mut changed: Vec<f32> = before.iter().map(|value| value * 1.0001 + 1e-5).collect();
    let exact = changed.clone();
    model.round(&mut changed);
    assert_ne!(changed, exact);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.onnx");
    model.write(&changed, &out).unwrap();
    let written = Model::read(&out, &Layers::default()).unwrap();
    assert_eq!(written.network(&rows).unwrap().parameters(), changed);
    let single = Model::read(&file("mlp"), &Layers::default()).unwrap();
    assert!(!single.is_half());
}
