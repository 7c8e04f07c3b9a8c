//! `model.json` and what it vouches for: length and SHA-256 of every other file, and its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::info::{FORMAT_VERSION, ModelInfo};
use crate::error::{Error, Result};
use crate::files::{self, hex};

/// The file that makes a folder a model folder.
pub(crate) const MODEL: &str = "model.json";

/// What helps where a folder was damaged or altered.
pub(super) const COPY_AGAIN: &str = "copy the model folder again from where it was made, or train again";

/// Lengths and hashes of the files of the report. A file of its own: reports tell seconds, and `model.json` is the same bytes whenever the same
/// model is made.
pub(super) const REPORTS: &str = "report.seal.json";

/// No `model.json` is this long.
const LONGEST_MODEL_JSON: u64 = 64 << 20;

/// Name of the field with the hash of `model.json` itself, taken with this field empty. It is the last one.
const OWN_HASH: &str = "model_json_sha256";

/// Files and what they were when they were sealed, by name (with `/` between folders).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seal(BTreeMap<String, FileSeal>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileSeal {
    bytes: u64,
    sha256: String,
}

#[derive(Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    info: &'a ModelInfo,
    files: &'a Seal,
    model_json_sha256: &'a str,
}

#[derive(Deserialize)]
struct Read {
    #[serde(flatten)]
    info: ModelInfo,
    files: Seal,
    /// Of reports, in folders whose reports were sealed here.
    #[serde(default)]
    reports: Seal,
}

impl Read {
    /// What the files of the report were; nothing where they were not sealed, as older versions did.
    fn reports(&self, folder: &Path) -> Result<Seal> {
        let path = folder.join(REPORTS);
        let Some(bytes) = files::read_if_there("read", &path, LONGEST_MODEL_JSON)? else {
            return Ok(self.reports.clone());
        };
        serde_json::from_slice(&bytes).map_err(|error| {
            Error::input(format!("cannot be understood: {error}"))
                .in_file(&path)
                .hint(COPY_AGAIN)
        })
    }
}

impl Seal {
    /// The text of [`REPORTS`]; `None` where there is no report.
    pub fn to_json(&self) -> Result<Option<String>> {
        let text = || serde_json::to_string_pretty(self).map_err(|error| Error::internal(format!("{REPORTS}: {error}")));
        (!self.0.is_empty()).then(text).transpose()
    }

    pub fn of(contents: &BTreeMap<String, Vec<u8>>) -> Self {
        let seal = |bytes: &Vec<u8>| FileSeal {
            bytes: bytes.len() as u64,
            sha256: sha256(bytes),
        };
        Self(contents.iter().map(|(name, bytes)| (name.clone(), seal(bytes))).collect())
    }

    /// Of all other files in a folder and the folders in it: the report.
    pub fn of_others(folder: &Path, contents: &BTreeMap<String, Vec<u8>>) -> Result<Self> {
        let mut seals = BTreeMap::new();
        let mut open = vec![String::new()];
        while let Some(inside) = open.pop() {
            let place = folder.join(&inside);
            for entry in fs::read_dir(&place).map_err(|error| Error::io("read", &place, &error))? {
                let entry = entry.map_err(|error| Error::io("read", &place, &error))?;
                let name = format!("{inside}{}", entry.file_name().to_string_lossy());
                let about = entry.metadata().map_err(|error| Error::io("read", &entry.path(), &error))?;
                if about.is_dir() {
                    open.push(format!("{name}/"));
                } else if !contents.contains_key(&name) {
                    let sha256 = files::sha256_of(&entry.path())?;
                    seals.insert(
                        name,
                        FileSeal {
                            bytes: about.len(),
                            sha256,
                        },
                    );
                }
            }
        }
        Ok(Self(seals))
    }
}

/// Files of the report in a model folder that are not as they were sealed, by name; a report that somebody has removed is none of them.
///
/// # Errors
/// Where the folder is no model folder or its `model.json` was altered.
pub fn altered_reports(folder: &Path) -> Result<Vec<String>> {
    let reports = read_sealed_json(folder)?.0.reports(folder)?;
    let altered = reports.0.iter().filter(|(name, seal)| {
        let path = folder.join(name);
        is_inside(name) && path.exists() && !seal.holds(&path)
    });
    Ok(altered.map(|(name, _)| name.clone()).collect())
}

/// What the `model.json` of a folder says; the other files are not looked at.
///
/// # Errors
/// Where the folder is no model folder or its `model.json` was altered.
pub fn read_info(folder: &Path) -> Result<ModelInfo> {
    Ok(read_sealed_json(folder)?.0.info)
}

/// Checks a file of a report against the seal of the model folder that it lies in; a file outside of model folders has none.
///
/// # Errors
/// Where the file, or the folder's `model.json`, was altered after it was written.
pub fn check_report(path: &Path) -> Result<()> {
    let absolute = fs::canonicalize(path).map_err(|error| Error::io("read", path, &error))?;
    let Some(folder) = absolute.ancestors().skip(1).take(2).find(|folder| folder.join(MODEL).is_file()) else {
        return Ok(());
    };
    let name = absolute
        .strip_prefix(folder)
        .unwrap_or(&absolute)
        .to_string_lossy()
        .replace('\\', "/");
    let read = read_sealed_json(folder)?.0;
    match read.reports(folder)?.0.get(&name).or_else(|| read.files.0.get(&name)) {
        Some(seal) if !seal.holds(&absolute) => Err(Error::input(format!("`{name}` was altered after it was written"))
            .in_file(path)
            .hint("restore it from a copy, or run the training or repair again")),
        _ => Ok(()),
    }
}

impl FileSeal {
    /// Whether a file is as it was; one that cannot be read is not.
    fn holds(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() == self.bytes)
            && files::sha256_of(path).is_ok_and(|sha256| sha256 == self.sha256)
    }
}

/// Whether a name leads to a place inside the folder.
fn is_inside(name: &str) -> bool {
    !name.contains(['\\', ':']) && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
}

/// SHA-256 as lower-case hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The text of `model.json`.
pub(super) fn seal(info: &ModelInfo, files: &Seal) -> Result<String> {
    let text = |own: &str| {
        let written = Written {
            info,
            files,
            model_json_sha256: own,
        };
        serde_json::to_string_pretty(&written).map_err(|error| Error::internal(format!("model.json: {error}")))
    };
    let own = sha256(text("")?.as_bytes());
    text(&own)
}

/// An opened model folder: all files read and found unaltered.
pub(super) struct Opened {
    pub info: ModelInfo,
    pub files: Files,
    /// Of `model.json` as it lies there.
    pub sha256: String,
}

/// The files of a model folder.
pub(super) struct Files {
    folder: PathBuf,
    contents: BTreeMap<String, Vec<u8>>,
}

impl Files {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn optional(&self, name: &str) -> Option<&[u8]> {
        self.contents.get(name).map(Vec::as_slice)
    }

    pub fn required(&self, name: &str) -> Result<&[u8]> {
        self.optional(name)
            .ok_or_else(|| Error::input(format!("`model.json` does not list `{name}`, which every model has")).in_file(self.path(MODEL)))
    }
}

/// Opens a folder and checks every file against its seal.
pub(super) fn open(folder: &Path) -> Result<Opened> {
    let (read, sha256) = read_sealed_json(folder)?;
    let mut contents = BTreeMap::new();
    for (name, seal) in &read.files.0 {
        contents.insert(name.clone(), read_sealed(folder, name, seal)?);
    }
    Ok(Opened {
        info: read.info,
        files: Files {
            folder: folder.to_path_buf(),
            contents,
        },
        sha256,
    })
}

/// `model.json`, checked against its own hash, and its SHA-256 as it lies there.
fn read_sealed_json(folder: &Path) -> Result<(Read, String)> {
    let text = read_model_json(folder)?;
    let path = folder.join(MODEL);
    let altered = |what: &str| Error::input(format!("`{MODEL}` {what}")).in_file(&path).hint(COPY_AGAIN);
    let text = String::from_utf8(text).map_err(|_| altered("is not text: it was truncated or altered"))?;
    // The version first: a newer layout may have other fields.
    let loose: serde_json::Value = serde_json::from_str(&text).map_err(|error| altered(&format!("is no longer valid JSON ({error})")))?;
    let version = loose.get("format_version").and_then(serde_json::Value::as_u64);
    match version {
        Some(version) if version == u64::from(FORMAT_VERSION) => {}
        Some(version) if version > u64::from(FORMAT_VERSION) => {
            let writer = loose
                .get("recant_version")
                .and_then(serde_json::Value::as_str)
                .unwrap_or("a newer version");
            return Err(Error::input(format!(
                "this model was written by Recant {writer} in format {version}; this is Recant {}, which reads format {FORMAT_VERSION}",
                env!("CARGO_PKG_VERSION")
            ))
            .in_file(&path)
            .hint("install the newer Recant"));
        }
        _ => {
            return Err(altered(
                "states no format version that there has been: it was altered, or is not from Recant",
            ));
        }
    }
    if !own_hash_holds(&text) {
        return Err(altered("was altered after it was written"));
    }
    let read: Read = serde_json::from_str(&text).map_err(|error| altered(&format!("cannot be understood ({error})")))?;
    let sha256 = sha256(text.as_bytes());
    Ok((read, sha256))
}

/// The bytes of `model.json`, or what is wrong with the folder.
fn read_model_json(folder: &Path) -> Result<Vec<u8>> {
    let about = fs::metadata(folder).map_err(|error| Error::io("open the model folder", folder, &error))?;
    if !about.is_dir() {
        let inside = folder.parent().filter(|parent| parent.join(MODEL).is_file());
        let error = Error::input(format!("`{}` is a file, not a model folder", folder.display()));
        return Err(match inside {
            Some(parent) => error.hint(format!("name the folder it lies in: `--model {}`", parent.display())),
            None => error.hint("`--model` wants the folder that `recant train --out` wrote"),
        });
    }
    let path = folder.join(MODEL);
    match fs::metadata(&path) {
        Ok(about) if about.len() <= LONGEST_MODEL_JSON && about.is_file() => files::read("read", &path, LONGEST_MODEL_JSON),
        Ok(_) => Err(Error::input(format!("`{MODEL}` is no file of a sensible size")).in_file(&path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let error = Error::input(format!("`{}` is not a model folder: it has no `{MODEL}`", folder.display()));
            Err(match model_inside(folder) {
                Some(inside) => error.hint(format!("did you mean `--model {}`?", inside.display())),
                None => error.hint("`--model` wants the folder that `recant train --out` wrote"),
            })
        }
        Err(error) => Err(Error::io("read", &path, &error)),
    }
}

/// The first sub-folder, by name, that is a model folder.
fn model_inside(folder: &Path) -> Option<PathBuf> {
    let mut inside: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    inside.sort();
    inside.into_iter().find(|path| path.join(MODEL).is_file())
}

fn own_hash_holds(text: &str) -> bool {
    let field = format!("\"{OWN_HASH}\": \"");
    let Some(start) = text.rfind(&field).map(|at| at + field.len()) else {
        return false;
    };
    let Some(stated) = text.get(start..start + 64) else { return false };
    let emptied = [&text[..start], &text[start + 64..]].concat();
    sha256(emptied.as_bytes()) == stated
}

fn read_sealed(folder: &Path, name: &str, seal: &FileSeal) -> Result<Vec<u8>> {
    let path = folder.join(name);
    let broken = |what: String| Error::input(what).in_file(&path).hint(COPY_AGAIN);
    // A name with a separator would lead out of the folder.
    if name.is_empty() || name.contains(['/', '\\', ':']) || name.starts_with('.') {
        return Err(broken(format!("`{name}` is not the name of a file of a model")));
    }
    let about = match fs::metadata(&path) {
        Ok(about) if about.is_file() => about,
        Ok(_) => return Err(broken(format!("`{name}` is not a file"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(broken(format!("`{name}` is missing from the model folder")));
        }
        Err(error) => return Err(Error::io("read", &path, &error)),
    };
    if about.len() != seal.bytes {
        let what = if about.len() < seal.bytes { "truncated" } else { "altered" };
        return Err(broken(format!(
            "`{name}` is {what}: it has {} bytes, and had {} when it was written",
            about.len(),
            seal.bytes
        )));
    }
    let bytes = files::read("read", &path, seal.bytes)?;
    if sha256(&bytes) != seal.sha256 {
        return Err(broken(format!(
            "`{name}` was altered after it was written: its SHA-256 is not the one in `{MODEL}`"
        )));
    }
    Ok(bytes)
}
