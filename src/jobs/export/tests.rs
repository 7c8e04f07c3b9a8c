//! The encoding of a graph against the encoding of `features`, cell by cell, on sheets with everything a sheet may hold.

use rand::Rng;
use serde_json::json;

use super::*;
use crate::features::FittedFeatures;
use crate::seed::Seed;
use crate::tables::{self, ReadOptions};

const PARTS: [&str; 6] = ["day-of-month", "day-of-year", "hour", "year", "trend", "published-index"];

fn number(column: &str, part: Option<&str>, outputs: [Option<usize>; 2], coding: serde_json::Value) -> serde_json::Value {
    let mut number = json!({
        "output": outputs[0], "indicator": outputs[1], "fill": 12.5, "offset": 3.25, "scale": 0.37, "low": -5.0, "high": 40.0, "clip": false,
    });
    for (key, value) in coding.as_object().unwrap() {
        number[key] = value.clone();
    }
    let mut source = json!({ "column": column, "number": true });
    if let Some(part) = part {
        source["part"] = json!(part);
    }
    json!({ "source": source, "blanks": 3, "coding": { "number": number } })
}

fn category(column: &str, part: Option<&str>, coding: serde_json::Value) -> serde_json::Value {
    let mut source = json!({ "column": column, "number": false });
    if let Some(part) = part {
        source["part"] = json!(part);
    }
    json!({ "source": source, "blanks": 3, "coding": { "category": coding } })
}

/// Encoders of every kind, with input columns out of order and some left out for lack of variance.
fn features() -> FittedFeatures {
    let mut encoders = vec![
        number("weight", None, [Some(3), Some(0)], json!({ "clip": true, "smooth": true })),
        number("price", None, [Some(1), None], json!({})),
        number(
            "delay",
            None,
            [Some(2), Some(4)],
            json!({ "exceptions": [
                { "words": "Not Captured", "output": 5 }, { "words": "Lost", "output": null },
            ] }),
        ),
        category(
            "mode",
            None,
            json!({ "values": ["Air", "Sea, slow", "rare A", "rare B"], "outputs": [6, 8, 7, 7], "other": 7, "missing": 9 }),
        ),
        category(
            "town",
            None,
            json!({ "values": ["Cádiz", "Oslo"], "outputs": [10, null], "other": null, "missing": null }),
        ),
        category(
            "when",
            Some("weekday"),
            json!({ "values": ["Monday", "Tuesday", "Sunday", "On Hold"], "outputs": [11, 12, 13, 14],
                "other": 15, "missing": 16, "weight": 0.3 }),
        ),
        category(
            "when",
            Some("month"),
            json!({ "values": ["January", "February", "December"], "outputs": [17, 18, null], "other": null, "missing": null }),
        ),
        category(
            "when",
            Some("quarter"),
            json!({ "values": ["Q1", "Q4"], "outputs": [19, 20], "other": 21, "missing": null }),
        ),
    ];
    let mut width = 22;
    for part in PARTS {
        let scale = if part == "hour" { 0.37 } else { 0.001 };
        encoders.push(number(
            "when",
            Some(part),
            [Some(width), Some(width + 1)],
            json!({ "scale": scale, "low": -1e9, "high": 1e9 }),
        ));
        width += 2;
    }
    encoders.push(number("not there", None, [Some(width), Some(width + 1)], json!({})));
    let names: Vec<String> = (0..width + 2).map(|place| format!("column {place}")).collect();
    let features: FittedFeatures = serde_json::from_value(json!({ "names": names, "encoders": encoders })).unwrap();
    features.check().unwrap();
    features
}

fn sheet(rows: usize) -> Table {
    let mut random = Seed(3).stream("exported-sheet", 0);
    let mut text = "weight,price,delay,mode,town,when\n".to_owned();
    for row in 0..rows {
        let mut pick = |from: &[&str]| from[random.random_range(0..from.len())].to_owned();
        let (mode, town) = (
            pick(&["Air", "\"Sea, slow\"", "rare A", "rare B", "Rail", "", "N/A"]),
            pick(&["Cádiz", "Oslo", "Bergen", ""]),
        );
        let words = pick(&["Not Captured", "Lost", "Unheard", ""]);
        let hold = pick(&["On Hold", "Other words", ""]);
        let number = |low: f64, high: f64, random: &mut rand_chacha::ChaCha8Rng| format!("{:.3}", random.random_range(low..high));
        let weight = if row % 9 == 0 {
            String::new()
        } else {
            number(-300.0, 300.0, &mut random)
        };
        let price = if row % 11 == 0 {
            String::new()
        } else {
            number(0.0, 2e7, &mut random)
        };
        let delay = if row % 5 == 0 { words } else { number(-10.0, 50.0, &mut random) };
        let day = chrono::NaiveDate::from_ymd_opt(1930, 1, 1).unwrap() + chrono::Duration::days(random.random_range(0..60_000));
        let clock = ["00:00:00", "23:59:59", "12:30:10", "00:00:01"][random.random_range(0..4)];
        let when = if row % 7 == 0 { hold } else { format!("{day} {clock}") };
        text += &format!("{weight},{price},{delay},{mode},{town},{when}\n");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    std::fs::write(&path, text).unwrap();
    tables::read(&path, &ReadOptions::default(), &mut Notes::new()).unwrap()
}

/// The rows that a graph's encoding makes of a sheet.
fn encoded(features: &FittedFeatures, table: &Table) -> Vec<f32> {
    let mut graph = Builder::default();
    graph.reserve(["price", "w", "b", "logits"]);
    let (inputs, rows) = encoding::encode(&mut graph, features);
    let width = features.width();
    let weight = graph.weights("w", &vec![0.1; 2 * width], &[2, width]);
    let bias = graph.weights("b", &[0.0, 0.1], &[2]);
    graph.node_to("Gemm", &[&rows, &weight, &bias], &[Attribute::Integer("transB", 1)], "logits");
    graph.output("logits", Kind::Float, Some(2), "");
    let model = Model::from_bytes(graph.finish("", &[])).unwrap();
    let names: Vec<&str> = model.inputs().iter().map(|input| input.name.as_str()).collect();
    assert!(
        names.contains(&"price (2)"),
        "a column is not called as a value of the graph is: {names:?}"
    );
    assert_eq!(names, inputs.iter().map(|input| input.name.as_str()).collect::<Vec<_>>());
    let data = raw_rows(&inputs, table, &mut Notes::new()).unwrap();
    let found = model.encode(&data, table.height()).unwrap();
    assert_eq!(found.width, width);
    found.values
}

#[test]
fn a_graph_encodes_every_cell_as_the_features_do() {
    let (features, table) = (features(), sheet(1500));
    let mut notes = Notes::new();
    let wanted = features.transform(&table, &mut notes).unwrap().inputs;
    let found = encoded(&features, &table);
    assert_eq!(wanted.len(), found.len());
    let width = features.width();
    let mut used = vec![0; width];
    for (place, (wanted, found)) in wanted.iter().zip(&found).enumerate() {
        // A sheet without the column has blanks as far as a graph can tell; the docs say so.
        if place % width == width - 1 {
            assert_eq!((*wanted, *found), (0.0, 1.0));
            continue;
        }
        let close = (wanted - found).abs() <= 1e-6 * wanted.abs().max(1.0);
        assert!(
            close,
            "row {}, {}: {wanted} and {found}",
            place / width,
            features.names()[place % width]
        );
        used[place % width] += usize::from(*wanted != 0.0);
    }
    // Every column is something in some row, or the test would show nothing of it.
    for (column, rows) in used[..width - 1].iter().enumerate() {
        assert!(*rows > 0, "column {column} is 0 in every row");
    }
}

#[test]
fn inputs_say_what_they_take() {
    let mut graph = Builder::default();
    let (inputs, _) = encoding::encode(&mut graph, &features());
    let names: Vec<(&str, RawKind)> = inputs.iter().map(|input| (input.name.as_str(), input.kind)).collect();
    assert_eq!(
        names,
        [
            ("weight", RawKind::Number),
            ("price", RawKind::Number),
            ("delay", RawKind::Number),
            ("mode", RawKind::Text),
            ("town", RawKind::Text),
            ("when: days since 1970-01-01", RawKind::Days),
            ("when: words", RawKind::Words),
            ("not there", RawKind::Number),
            ("delay: words", RawKind::Words),
        ]
    );
    assert!(inputs.iter().all(|input| input.told().ends_with('.')));
}
