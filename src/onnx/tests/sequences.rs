//! Models that remember, attend, choose and branch (`examples/onnx/make_sequences.py`), and graphs inside nodes that are broken.

use super::*;

const SEQUENCES: &[&str] = &[
    "gru",
    "gru_dynamo",
    "lstm",
    "lstm_dynamo",
    "rnn",
    "experts",
    "sparse",
    "squeezed",
    "heads",
    "scripted",
    "by_hand",
];

fn expected() -> Json {
    serde_json::from_slice(&std::fs::read(folder().join("expected_sequences.json")).unwrap()).unwrap()
}

#[test]
fn recurrent_layers_attention_and_branches_give_what_onnxruntime_gives() {
    outputs_agree(SEQUENCES, &expected());
}

#[test]
fn their_gradients_are_those_of_pytorch_and_of_finite_differences() {
    let all = expected();
    let compared = gradients_agree(SEQUENCES, &all);
    assert!(compared > 20, "{compared}");
    differences_agree(SEQUENCES, &all);
}

#[test]
fn weights_that_only_a_loop_or_a_branch_uses_are_trained() {
    let all = expected();
    let case = case("scripted", &all);
    let names: Vec<String> = case.network.tensors().into_iter().map(|spec| spec.name).collect();
    assert_eq!(names, ["state.weight", "state.bias", "out.weight", "out.bias"]);
    // Where a network of random weights is needed they are drawn, and not left at 0.
    let (drawn, _) = crate::learner::TensorGraph::initial::<f32>(case.network.graph(), Seed(1));
    for spec in case.network.tensors().iter().filter(|spec| spec.name.ends_with("weight")) {
        assert!(drawn[spec.range()].iter().all(|value| *value != 0.0), "{}", spec.name);
    }
}

#[test]
fn a_row_alone_gets_what_it_gets_among_others_where_the_graph_squeezes_it() {
    let all = expected();
    for name in ["squeezed", "mlp"] {
        let all = if name == "mlp" { super::expected() } else { all.clone() };
        let case = case(name, &all);
        let together = case.logits(&case.network);
        let width = case.rows.width;
        let first = numbers(&case.expected["inputs"][0])[..width].to_vec();
        let alone = case.model.encode(&[InputData::Numbers(first)], 1).unwrap();
        let network = case.model.network(&alone).unwrap();
        let one = network
            .logits(&Rows::table(&alone.values, width, &[0]), None, Compute::from(1), &Silent::default())
            .unwrap();
        for (one, other) in one.iter().zip(&together) {
            assert!((one - other).abs() < 1e-5, "{name}: {one} and {other}");
        }
    }
}

/// A node with graphs of its own.
fn holding(node: &[u8], graphs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    // The node's own field, unpacked: number and length take two bytes here.
    let mut inner = node[2..].to_vec();
    for (name, graph) in graphs {
        inner.extend(field(5, &[field(1, name.as_bytes()), field(6, graph)].concat()));
    }
    field(1, &inner)
}

/// x (rows x 2) times w, then nodes that make y of v.
fn product(rest: &[Vec<u8>]) -> Vec<u8> {
    let start = [
        value(11, "x", 2),
        value(12, "y", 2),
        weight("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0]),
        weight("yes", &[1], &[1.0]),
        node("MatMul", "head", &["x", "w"], "v"),
        node("Equal", "truth", &["yes", "yes"], "true"),
    ];
    model(17, &[start.as_slice(), rest].concat())
}

fn refused(bytes: Vec<u8>) -> String {
    let found = Model::from_bytes(bytes).and_then(|model| {
        let rows = model.encode(&[InputData::Numbers(vec![0.5; 6])], 3)?;
        model.network(&rows)
    });
    let error = found.expect_err("a broken model was read");
    assert_eq!(error.exit_code(), 2, "{error}");
    error.to_string()
}

#[test]
fn branches_that_are_broken_are_refused_by_name() {
    let twice = |from: &str, to: &str| [node("Add", "twice", &[from, "v"], to), value(12, to, 2)].concat();
    let branches = |yes: Vec<u8>, no: Vec<u8>| holding(&node("If", "split", &["true"], "y"), &[("then_branch", yes), ("else_branch", no)]);
    let sound = product(&[branches(twice("v", "a"), twice("v", "b"))]);
    let model = Model::from_bytes(sound).unwrap();
    let rows = model.encode(&[InputData::Numbers(vec![1.0, 0.0, 0.0, 1.0, 2.0, -1.0])], 3).unwrap();
    let network = model.network(&rows).unwrap();
    let logits = network
        .logits(&Rows::table(&rows.values, 2, &[0; 3]), None, Compute::from(1), &Silent::default())
        .unwrap();
    assert_eq!(logits, [2.0, 4.0, 6.0, 8.0, -2.0, 0.0]);

    assert!(refused(product(&[branches(twice("missing", "a"), twice("v", "b"))])).contains("`missing`"));
    assert!(refused(product(&[branches(twice("b", "a"), twice("v", "b"))])).contains("`b`"));
    assert!(refused(product(&[branches(Vec::new(), twice("v", "b"))])).contains("operator `If` of node `split`"));
    let unknown = [node("Einstein", "inner", &["v"], "a"), value(12, "a", 2)].concat();
    assert!(refused(product(&[branches(unknown, twice("v", "b"))])).contains("operator `Einstein` of node `inner`"));
    let alone = holding(&node("If", "split", &["true"], "y"), &[("else_branch", twice("v", "b"))]);
    assert!(refused(product(&[alone])).contains("has no `then_branch`"));
    let by_numbers = holding(
        &node("If", "split", &["v"], "y"),
        &[("then_branch", twice("v", "a")), ("else_branch", twice("v", "b"))],
    );
    assert!(refused(product(&[by_numbers])).contains("operator `If` of node `split`"));
}

#[test]
fn graphs_inside_each_other_and_loops_without_end_are_bounded() {
    let mut graph = [node("Identity", "core", &["v"], "a"), value(12, "a", 2)].concat();
    for _ in 0..40 {
        let deeper = holding(
            &node("If", "split", &["true"], "a"),
            &[("then_branch", graph.clone()), ("else_branch", Vec::new())],
        );
        graph = [deeper, value(12, "a", 2)].concat();
    }
    let deep = holding(
        &node("If", "split", &["true"], "y"),
        &[("then_branch", graph), ("else_branch", Vec::new())],
    );
    assert!(refused(product(&[deep])).contains("graphs inside each other"));
    let body = [
        value(11, "turn", 1),
        value(11, "on", 1),
        value(11, "state", 2),
        node("Identity", "goes", &["on"], "still"),
        node("Add", "sum", &["state", "v"], "next"),
        value(12, "still", 1),
        value(12, "next", 2),
    ]
    .concat();
    let endless = holding(&node("Loop", "turns", &["", "true", "v"], "y"), &[("body", body)]);
    assert!(refused(product(&[endless])).contains("repeats its 2 nodes more than"));
    let empty = holding(&node("Loop", "turns", &["", "true", "v"], "y"), &[("body", Vec::new())]);
    assert!(refused(product(&[empty])).contains("operator `Loop` of node `turns`"));
}
