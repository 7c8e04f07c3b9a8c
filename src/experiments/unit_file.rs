//! The file of a unit's records: a line that says what they are of, a line for each record, and a line with a checksum over all before it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::files::hex;

/// What a file must be of.
pub(super) struct Expected<'a> {
    pub unit: String,
    pub settings: &'a str,
    pub unit_settings: Option<Value>,
}

/// First line.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    /// The unit's name.
    chunk: String,
    /// Fingerprint of the settings.
    settings: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit_settings: Option<Value>,
}

/// Last line.
#[derive(Debug, Serialize, Deserialize)]
struct Footer {
    lines: usize,
    sha256: String,
}

impl Expected<'_> {
    fn header(&self) -> Header {
        Header {
            chunk: self.unit.clone(),
            settings: self.settings.to_owned(),
            unit_settings: self.unit_settings.clone(),
        }
    }
}

fn push(bytes: &mut Vec<u8>, line: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *bytes, line).map_err(|error| Error::internal(format!("a record as JSON: {error}")))?;
    bytes.push(b'\n');
    Ok(())
}

/// The file's bytes.
pub(super) fn encode<R: Serialize>(records: &[R], expected: &Expected<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    push(&mut bytes, &expected.header())?;
    for record in records {
        push(&mut bytes, record)?;
    }
    let footer = Footer {
        lines: records.len(),
        sha256: hex(&Sha256::digest(&bytes)),
    };
    push(&mut bytes, &footer)?;
    Ok(bytes)
}

/// The records of a file; `Err` says what is wrong with it.
pub(super) fn decode<R: DeserializeOwned>(bytes: &[u8], expected: &Expected<'_>) -> std::result::Result<Vec<R>, String> {
    let body = bytes.strip_suffix(b"\n").ok_or("its end is missing")?;
    let cut = body.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    let footer: Footer = serde_json::from_slice(&body[cut..]).map_err(|_| "its last line is missing")?;
    if hex(&Sha256::digest(&bytes[..cut])) != footer.sha256 {
        return Err("its checksum is wrong".to_owned());
    }
    let mut lines = bytes[..cut].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let header: Option<Header> = lines.next().and_then(|line| serde_json::from_slice(line).ok());
    if header.ok_or("its first line is missing")? != expected.header() {
        return Err("it belongs to a run with other settings".to_owned());
    }
    let records = lines
        .map(|line| serde_json::from_slice(line).map_err(|error| error.to_string()))
        .collect::<std::result::Result<Vec<R>, String>>()?;
    if records.len() != footer.lines {
        return Err("a line is missing".to_owned());
    }
    Ok(records)
}

/// A file of one JSON object, as two of the studies wrote it before all had the same form.
#[derive(Deserialize)]
struct Object<R> {
    unit: String,
    #[serde(default)]
    piece: Option<String>,
    settings: String,
    #[serde(default)]
    task: Option<Value>,
    #[serde(alias = "rows")]
    records: Vec<R>,
    sha256: String,
}

/// The records of such a file.
pub(super) fn decode_object<R: DeserializeOwned + Serialize>(bytes: &[u8], expected: &Expected<'_>) -> std::result::Result<Vec<R>, String> {
    let file: Object<R> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let unit = match file.piece {
        Some(piece) => format!("{}_{piece}", file.unit),
        None => file.unit,
    };
    if unit != expected.unit || file.settings != expected.settings || file.task != expected.unit_settings {
        return Err("it belongs to a run with other settings".to_owned());
    }
    let checksum = serde_json::to_vec(&file.records).map_err(|error| error.to_string())?;
    if file.sha256 != hex(&Sha256::digest(checksum)) {
        return Err("its checksum is wrong".to_owned());
    }
    Ok(file.records)
}
