//! The parts of an Office workbook, found as Office finds them: through relations, wherever they lie and whatever they are called.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufReader, Cursor, Read, Write};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::package::{Counted, bomb, damaged};
use crate::error::{Error, Result};

/// A relation of the workbook to another part.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Relation {
    id: String,
    /// The last word of its type: `worksheet`, `styles`, `sharedStrings`.
    kind: String,
    /// The part's name; relations to other files are left out.
    target: String,
    /// Whether the way to it goes up and down through folders, which the parser does not follow.
    winding: bool,
}

/// A sheet as the workbook lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    name: String,
    relation: String,
    state: String,
}

/// An archive with a workbook in it.
pub(crate) struct Parts<'a> {
    bytes: &'a [u8],
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Names of the parts as archives may spell them, by the name in small letters with plain slashes.
    names: BTreeMap<String, String>,
    main: String,
    relations: Vec<Relation>,
}

/// A part's name for comparisons.
fn plain(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_ascii_lowercase()
}

/// Where a relation leads, seen from the folder of the part that has it.
fn resolved(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let mut steps: Vec<&str> = if target.starts_with('/') {
        Vec::new()
    } else {
        folder.split('/').collect()
    };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            _ => steps.push(step),
        }
    }
    steps.retain(|step| !step.is_empty());
    steps.join("/")
}

pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag
        .attributes()
        .with_checks(false)
        .flatten()
        .find(|attribute| attribute.key.local_name().as_ref() == name)?;
    Some(match quick_xml::escape::unescape(&found.value) {
        Ok(value) => value.into_owned(),
        Err(_) => found.value.into_owned(),
    })
}

/// Calls `found` with every opening tag of an XML part.
fn each_tag(content: &[u8], mut found: impl FnMut(&BytesStart<'_>)) -> std::result::Result<(), String> {
    let mut xml = Reader::from_reader(content);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer).map_err(|error| error.to_string())? {
            Event::Start(tag) | Event::Empty(tag) => found(&tag),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn relations(content: &[u8], folder: &str) -> std::result::Result<Vec<Relation>, String> {
    let mut found = Vec::new();
    each_tag(content, |tag| {
        if tag.local_name().as_ref() == "Relationship"
            && let (Some(id), Some(kind), Some(target)) = (attribute(tag, "Id"), attribute(tag, "Type"), attribute(tag, "Target"))
            && attribute(tag, "TargetMode").as_deref() != Some("External")
        {
            found.push(Relation {
                id,
                kind: kind.rsplit('/').next().unwrap_or_default().to_owned(),
                target: resolved(folder, &target),
                winding: target.split(['/', '\\']).any(|step| step == ".." || step == "."),
            });
        }
    })?;
    Ok(found)
}

fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl<'a> Parts<'a> {
    /// Finds the main part and its relations; `None` where the archive has no relation to an Office document.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Option<Self>> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
        let names = archive
            .file_names()
            .map(|name| name.map(Cow::into_owned))
            .collect::<std::result::Result<Vec<String>, _>>()
            .map_err(damaged)?;
        let mut parts = Self {
            bytes,
            archive,
            names: names.into_iter().map(|name| (plain(&name), name)).collect(),
            main: String::new(),
            relations: Vec::new(),
        };
        if !parts.has("_rels/.rels") {
            return Ok(None);
        }
        let package = parts.read("_rels/.rels")?;
        let package = relations(&package, "").map_err(|error| damaged(format_args!("_rels/.rels: {error}")))?;
        let Some(main) = package.into_iter().find(|relation| relation.kind == "officeDocument") else {
            return Ok(None);
        };
        parts.main = main.target;
        let folder = folder_of(&parts.main).to_owned();
        let name = parts.relations_name();
        if parts.has(&name) {
            let content = parts.read(&name)?;
            parts.relations = relations(&content, &folder).map_err(|error| damaged(format_args!("{name}: {error}")))?;
        }
        Ok(Some(parts))
    }

    fn relations_name(&self) -> String {
        let file = self.main.rsplit('/').next().unwrap_or_default();
        resolved(folder_of(&self.main), &format!("_rels/{file}.rels"))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains_key(&plain(name))
    }

    /// The name of the main part.
    pub(crate) fn main(&self) -> &str {
        &self.main
    }

    /// Unpacks a part.
    ///
    /// # Errors
    /// Where it is not there, damaged, or unpacks to an absurd size.
    pub(crate) fn read(&mut self, name: &str) -> Result<Vec<u8>> {
        let missing = || damaged(format_args!("it has no part `{name}`"));
        let stored = self.names.get(&plain(name)).ok_or_else(missing)?;
        let part = self.archive.by_name(stored).map_err(damaged)?;
        let mut counted = Counted::new(part, self.bytes.len() as u64);
        let mut content = Vec::new();
        let outcome = counted.read_to_end(&mut content);
        if counted.exceeded {
            return Err(bomb());
        }
        outcome.map_err(|error| damaged(format_args!("{name}: {error}")))?;
        Ok(content)
    }

    pub(crate) fn read_main(&mut self) -> Result<Vec<u8>> {
        let name = self.main.clone();
        self.read(&name)
    }

    /// The part that the workbook has as its `kind`.
    pub(crate) fn related(&self, kind: &str) -> Option<String> {
        let found = self
            .relations
            .iter()
            .find(|relation| relation.kind == kind && self.has(&relation.target))?;
        Some(found.target.clone())
    }

    /// The part of a worksheet by the relation that the list of sheets names.
    pub(crate) fn sheet(&self, relation: &str) -> Option<String> {
        let known = |known: &&Relation| known.id == relation && known.kind == "worksheet" && self.has(&known.target);
        self.relations.iter().find(known).map(|found| found.target.clone())
    }

    /// Names of all parts that are read: small letters, plain slashes.
    pub(crate) fn read_parts(&self) -> Vec<(String, bool)> {
        let mut read: Vec<(String, bool)> = vec![
            ("_rels/.rels".into(), false),
            (plain(&self.main), false),
            (plain(&self.relations_name()), false),
        ];
        for relation in &self.relations {
            let is_sheet = relation.kind == "worksheet";
            if is_sheet || matches!(relation.kind.as_str(), "sharedStrings" | "styles") {
                read.push((plain(&relation.target), is_sheet));
            }
        }
        read.sort();
        read.dedup();
        read.into_iter()
            .filter_map(|(name, is_sheet)| Some((self.names.get(&name)?.clone(), is_sheet)))
            .collect()
    }

    fn listed(&mut self) -> Result<Vec<Listed>> {
        let content = self.read_main()?;
        let mut listed = Vec::new();
        each_tag(&content, |tag| {
            if tag.local_name().as_ref() == "sheet" {
                listed.push(Listed {
                    name: attribute(tag, "name").unwrap_or_default(),
                    relation: attribute(tag, "id").unwrap_or_default(),
                    state: attribute(tag, "state").unwrap_or_default(),
                });
            }
        })
        .map_err(|error| damaged(format_args!("{}: {error}", self.main)))?;
        Ok(listed)
    }

    /// The part of an `.xlsx` sheet by its name.
    pub(crate) fn sheet_named(&mut self, name: &str) -> Result<Option<String>> {
        let relation = self
            .listed()?
            .into_iter()
            .find(|sheet| sheet.name == name)
            .map(|sheet| sheet.relation);
        Ok(relation.and_then(|relation| self.sheet(&relation)))
    }

    /// The same `.xlsx` workbook with its parts under their usual names and without sheets that have no part, where the parser needs that.
    /// Also says which sheets were left out.
    ///
    /// # Errors
    /// Where none of the sheets has a part.
    pub(crate) fn tidied(&mut self) -> Result<Option<(Vec<u8>, Vec<String>)>> {
        let listed = self.listed()?;
        let is_chart = |sheet: &Listed| {
            let other = |relation: &Relation| relation.id == sheet.relation && relation.kind != "worksheet" && self.has(&relation.target);
            self.relations.iter().any(other)
        };
        let is_usual = |kind: &str, name: &str| self.related(kind).is_none_or(|part| part == name);
        let whole = |sheet: &Listed| self.sheet(&sheet.relation).is_some();
        let usual = is_usual("sharedStrings", &resolved(folder_of(&self.main), "sharedStrings.xml"))
            && is_usual("styles", &resolved(folder_of(&self.main), "styles.xml"));
        let straight = self
            .relations
            .iter()
            .all(|relation| !relation.winding || relation.kind != "worksheet");
        if usual && straight && listed.iter().all(|sheet| whole(sheet) || is_chart(sheet)) {
            return Ok(None);
        }
        let (kept, dropped): (Vec<Listed>, Vec<Listed>) = listed.into_iter().filter(|sheet| !is_chart(sheet)).partition(whole);
        if kept.is_empty() {
            return Err(damaged("the sheet is not where the book says"));
        }
        let settings = if self.is_1904()? { "<workbookPr date1904=\"1\"/>" } else { "" };
        let failed = |_| Error::internal("a workbook could not be put in order");
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let (mut sheets, mut related) = (String::new(), String::new());
        let relation = |place: usize, kind: &str, target: &str| {
            format!(
                "<Relationship Id=\"r{place}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\" Target=\"{target}\"/>"
            )
        };
        let mut copies = Vec::new();
        for (place, sheet) in kept.iter().enumerate() {
            let name = quick_xml::escape::escape(sheet.name.as_str());
            let state = if sheet.state.is_empty() { "visible" } else { &sheet.state };
            sheets.push_str(&format!(
                "<sheet name=\"{name}\" sheetId=\"{0}\" state=\"{state}\" r:id=\"r{0}\"/>",
                place + 1
            ));
            related.push_str(&relation(place + 1, "worksheet", &format!("worksheets/sheet{}.xml", place + 1)));
            copies.push((self.sheet(&sheet.relation), format!("xl/worksheets/sheet{}.xml", place + 1)));
        }
        for (place, kind) in ["sharedStrings", "styles"].into_iter().enumerate() {
            if let Some(part) = self.related(kind) {
                related.push_str(&relation(kept.len() + place + 1, kind, &format!("{kind}.xml")));
                copies.push((Some(part), format!("xl/{kind}.xml")));
            }
        }
        for (part, name) in copies {
            let stored = part.and_then(|part| self.names.get(&plain(&part)));
            let raw = self.archive.index_for_name(stored.map_or("", String::as_str)).unwrap_or(usize::MAX);
            let file = self.archive.by_index_raw(raw).map_err(failed)?;
            writer.raw_copy_file_rename(file, name).map_err(failed)?;
        }
        let package = relation(1, "officeDocument", "xl/workbook.xml");
        let wrap = |inside: &str| {
            format!("<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{inside}</Relationships>")
        };
        let book = format!(
            "<workbook xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">{settings}<sheets>{sheets}</sheets></workbook>"
        );
        for (name, content) in [
            ("_rels/.rels", wrap(&package)),
            ("xl/_rels/workbook.xml.rels", wrap(&related)),
            ("xl/workbook.xml", book),
        ] {
            writer.start_file(name, SimpleFileOptions::default()).map_err(failed)?;
            writer
                .write_all(content.as_bytes())
                .map_err(|_| Error::internal("a workbook could not be put in order"))?;
        }
        let bytes = writer.finish().map_err(failed)?.into_inner();
        Ok(Some((bytes, dropped.into_iter().map(|sheet| sheet.name).collect())))
    }

    /// Whether an `.xlsx` workbook counts its days from 1904.
    fn is_1904(&mut self) -> Result<bool> {
        let content = self.read_main()?;
        let mut found = false;
        each_tag(&content, |tag| {
            let value = (tag.local_name().as_ref() == "workbookPr")
                .then(|| attribute(tag, "date1904"))
                .flatten();
            found |= value.is_some_and(|value| value == "1" || value == "true");
        })
        .map_err(damaged)?;
        Ok(found)
    }

    /// The same archive with another content of one part.
    pub(crate) fn with_part(&mut self, name: &str, content: &[u8]) -> Result<Vec<u8>> {
        let failed = |_| Error::internal("a workbook could not be put in order");
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let stored: Vec<(String, String)> = self.names.iter().map(|(known, stored)| (known.clone(), stored.clone())).collect();
        for (known, stored) in stored {
            if known == plain(name) {
                writer.start_file(stored, SimpleFileOptions::default()).map_err(failed)?;
                writer
                    .write_all(content)
                    .map_err(|_| Error::internal("a workbook could not be put in order"))?;
            } else if let Some(place) = self.archive.index_for_name(&stored) {
                writer
                    .raw_copy_file(self.archive.by_index_raw(place).map_err(failed)?)
                    .map_err(failed)?;
            }
        }
        Ok(writer.finish().map_err(failed)?.into_inner())
    }

    /// A part as a stream, for parts that need not be held in memory.
    pub(crate) fn stream(&mut self, name: &str) -> Result<impl std::io::BufRead> {
        let missing = || damaged(format_args!("it has no part `{name}`"));
        let stored = self.names.get(&plain(name)).ok_or_else(missing)?;
        Ok(BufReader::with_capacity(1 << 16, self.archive.by_name(stored).map_err(damaged)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_lead_from_the_folder_of_the_part_that_has_them() {
        for (folder, target, part) in [
            ("xl", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("xl", "/xl/a.xml", "xl/a.xml"),
            ("", "workbook.xml", "workbook.xml"),
            ("xl/worksheets", "../styles.xml", "xl/styles.xml"),
            ("xl", ".\\a\\b.xml", "xl/a/b.xml"),
            ("", "../../a.xml", "a.xml"),
        ] {
            assert_eq!(resolved(folder, target), part);
        }
    }

    #[test]
    fn prefixes_do_not_hide_relations() {
        let content = b"<n:Relationships><n:Relationship Id=\"a\" Type=\"x/worksheet\" Target=\"s &amp; t.xml\"/><n:Relationship Id=\"b\" Type=\"x/hyperlink\" Target=\"http://x\" TargetMode=\"External\"/></n:Relationships>";
        let found = relations(content, "xl").unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].id.as_str(), found[0].kind.as_str(), found[0].target.as_str()),
            ("a", "worksheet", "xl/s & t.xml")
        );
    }
}
