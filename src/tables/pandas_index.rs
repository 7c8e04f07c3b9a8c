//! The index of a pandas frame that counts on: pandas stores its name and bounds beside the columns, and no column for it. With a name it is one, such
//! as an order number.

use polars::prelude::{Column, DataFrame};
use serde::Deserialize;

/// An index as pandas describes it; of other kinds it gives the name of a column.
#[derive(Deserialize)]
struct Range {
    kind: String,
    name: Option<String>,
    start: i64,
    stop: i64,
    step: i64,
}

/// How pandas begins the description of a frame.
const BEGIN: &[u8] = b"{\"index_columns\": [{\"kind\": \"range\"";
/// Bytes that are searched at either end of a file: footers and headers hold the description.
const SEARCHED: usize = 1 << 20;
/// A longer description of one index is none.
const LONGEST: usize = 4096;

/// The frame with its index as the first column, where the file tells of one that has a name, counts the rows and is no column already.
pub(super) fn with_index(mut frame: DataFrame, file: &[u8]) -> DataFrame {
    let Some((name, numbers)) = range(file, frame.height()) else {
        return frame;
    };
    if frame.column(&name).is_ok() {
        return frame;
    }
    let added = frame.insert_column(0, Column::new(name.as_str().into(), numbers)).is_ok();
    debug_assert!(added, "as long as the frame, and of a new name");
    frame
}

fn range(file: &[u8], height: usize) -> Option<(String, Vec<i64>)> {
    let tail = &file[file.len().saturating_sub(SEARCHED)..];
    let head = &file[..file.len().min(SEARCHED)];
    let text = [tail, head].into_iter().find_map(|part| {
        let found = memchr::memmem::find(part, BEGIN)?;
        let rest = &part[found + BEGIN.len() - b"{\"kind\": \"range\"".len()..];
        let end = rest.iter().take(LONGEST).position(|byte| *byte == b'}')?;
        std::str::from_utf8(&rest[..=end]).ok()
    })?;
    let range: Range = serde_json::from_str(text).ok()?;
    let name = range.name.filter(|name| !name.trim().is_empty() && range.kind == "range")?;
    let last = range.start.checked_add(range.step.checked_mul(i64::try_from(height).ok()?)?)?;
    (height > 0 && range.step != 0 && last == range.stop).then(|| {
        let numbers = (0..height as i64).map(|row| range.start + row * range.step).collect();
        (name, numbers)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(description: &str) -> DataFrame {
        let frame = DataFrame::new(3, vec![Column::new("mode".into(), ["Air", "Sea", "Air"])]).unwrap();
        let file = format!("PAR1 cells {{\"index_columns\": [{description}], \"column_indexes\": []}} PAR1");
        with_index(frame, file.as_bytes())
    }

    #[test]
    fn an_index_that_counts_and_has_a_name_becomes_a_column() {
        let frame = with(r#"{"kind": "range", "name": "order_id", "start": 100, "stop": 106, "step": 2}"#);
        assert_eq!(frame.get_column_names(), ["order_id", "mode"]);
        let numbers: Vec<Option<i64>> = frame.column("order_id").unwrap().i64().unwrap().iter().collect();
        assert_eq!(numbers, [Some(100), Some(102), Some(104)]);
        for other in [
            r#"{"kind": "range", "name": null, "start": 0, "stop": 3, "step": 1}"#,
            r#"{"kind": "range", "name": "order_id", "start": 0, "stop": 9, "step": 1}"#,
            r#"{"kind": "range", "name": "mode", "start": 0, "stop": 3, "step": 1}"#,
            r#"{"kind": "range", "name": "x", "start": 9223372036854775807, "stop": 3, "step": 1}"#,
            r#"{"kind": "range", "name": "x""#,
            r#""__index_level_0__""#,
        ] {
            assert_eq!(with(other).get_column_names(), ["mode"], "{other}");
        }
    }
}
