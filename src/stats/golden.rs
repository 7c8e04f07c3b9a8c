//! Reference values for the tests, from SciPy: `tests/fixtures/statistics.py` makes `statistics.json`.

use serde_json::Value;

/// The fixture.
pub fn fixture() -> Value {
    serde_json::from_str(include_str!("../../tests/fixtures/statistics.json")).unwrap()
}

/// The numbers of a list.
pub fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().filter_map(Value::as_f64).collect()
}

/// Asserts that `found` is within `tolerance` of the expected value, relative to it (absolute below 1e-12).
#[track_caller]
pub fn close(found: f64, expected: &Value, tolerance: f64, name: &str) {
    let expected = expected.as_f64().unwrap();
    assert!(
        (found - expected).abs() <= tolerance * expected.abs().max(1e-12),
        "{name}: found {found}, expected {expected}"
    );
}
