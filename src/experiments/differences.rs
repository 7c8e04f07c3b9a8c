//! What differs between two settings, in words.

use serde::Serialize;
use serde_json::Value;

/// How many differences between settings are told.
const MOST_DIFFERENCES: usize = 4;

/// What differs between settings, for the person who goes on with a run: `learning rate: 0.1 here, 0.05 there`.
pub(super) fn differences(ours: &impl Serialize, theirs: &impl Serialize) -> String {
    let mut found = Vec::new();
    let as_json = |error| Value::String(format!("settings that cannot be told: {error}"));
    let (ours, theirs) = (
        serde_json::to_value(ours).unwrap_or_else(as_json),
        serde_json::to_value(theirs).unwrap_or_else(as_json),
    );
    compare(&[], &ours, &theirs, &mut found);
    let more = found.len().saturating_sub(MOST_DIFFERENCES);
    found.truncate(MOST_DIFFERENCES);
    if more > 0 {
        found.push(format!("{more} more"));
    }
    found.join("; ")
}

fn compare(place: &[String], ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    let below = |name: String| [place, &[name]].concat();
    match (ours, theirs) {
        (Value::Object(one), Value::Object(other)) => {
            let missing = other.keys().filter(|name| !one.contains_key(*name));
            for name in one.keys().chain(missing) {
                // Settings leave the device out where it is the processor.
                let absent = || if name == "device" { Value::from("cpu") } else { Value::Null };
                let of = |map: &serde_json::Map<String, Value>| map.get(name).cloned().unwrap_or_else(absent);
                compare(&below(name.replace(['_', '-'], " ")), &of(one), &of(other), found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                let name = one.get("dataset").and_then(Value::as_str).map(str::to_owned);
                compare(&below(name.unwrap_or_else(|| (index + 1).to_string())), one, other, found);
            }
        }
        _ if ours == theirs => {}
        (Value::String(text), Value::String(_)) if text.contains('\n') => found.push(format!("{}: its text differs", place.join(" "))),
        _ => found.push(format!("{}: {} here, {} there", place.join(" "), plain(ours), plain(theirs))),
    }
}

/// A setting as people read it; of a checksum its beginning.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) if text.len() == 64 => format!("`{}...`", text.chars().take(12).collect::<String>()),
        Value::String(text) => format!("`{text}`"),
        Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_string) => {
            let parts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            format!("`{}`", parts.join(", "))
        }
        Value::Array(list) => format!("{} of them", list.len()),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| format!("{} {}", name.replace('_', " "), plain(value)));
            fields.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_name_the_setting_and_both_values() {
        let settings = |rate: f64, sha: &str, length: Value| json!({"parts": [{"dataset": "faces", "recipe": {"learning_rate": rate, "length": length}}], "sha256": sha, "seeds": 3});
        let one = settings(0.1, &"ab".repeat(32), json!({"epochs": 5}));
        assert_eq!(differences(&one, &one), "");
        assert_eq!(
            differences(&one, &settings(0.05, &"cd".repeat(32), json!({"steps": 9}))),
            "parts faces recipe learning rate: 0.1 here, 0.05 there; parts faces recipe length epochs: 5 here, none there; \
             parts faces recipe length steps: none here, 9 there; sha256: `abababababab...` here, `cdcdcdcdcdcd...` there"
        );
        assert_eq!(
            differences(&json!({"a": null}), &json!({"a": {"b_c": 1, "d": "e"}})),
            "a: none here, b c 1, d `e` there"
        );
        let many = |value: u32| Value::Object((0..9).map(|index| (index.to_string(), value.into())).collect());
        assert!(differences(&many(1), &many(2)).ends_with("3: 1 here, 2 there; 5 more"));
        assert_eq!(
            differences(&json!({"a": [1]}), &json!({"a": [1, 2]})),
            "a: 1 of them here, 2 of them there"
        );
    }
}
