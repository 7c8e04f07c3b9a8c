//! Finds the flagged rows among those a model knows.

mod judge;

use std::collections::BTreeMap;

use super::keys::variants;
use super::labels::{self, Coding};
use super::numbering::{self, Numbering, numbers, whole};
use super::{Addressing, Flag, FlagFile, Part, RowIndex};
use crate::error::{Error, Result};
use crate::notes::Notes;

/// What is said of flagged rows that a model is judged by.
const NOT_LEARNT: &str = "which the model was not trained on";

/// Flags matched with the rows of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedFlags {
    /// The forget set: flagged training rows by ascending position, each once; never empty and never all training rows.
    pub training: Vec<ResolvedFlag>,
    /// Positions of flagged validation rows, ascending.
    pub validation: Vec<u32>,
    /// Positions of flagged test rows, ascending.
    pub test: Vec<u32>,
    /// Rows to judge by whose label the person looked up, and that label; it may be the one in the sheet, and such a row is not flagged.
    pub looked_up: Vec<LookedUp>,
    /// Everything counted.
    pub counts: FlagCounts,
}

impl ResolvedFlags {
    /// Positions of the flagged training rows, ascending.
    pub fn positions(&self) -> Vec<u32> {
        self.training.iter().map(|flag| flag.position).collect()
    }

    /// No flag at all.
    pub fn none(index: &RowIndex) -> Self {
        Self {
            training: Vec::new(),
            validation: Vec::new(),
            test: Vec::new(),
            looked_up: Vec::new(),
            counts: FlagCounts {
                file: String::new(),
                addressed_by: String::new(),
                flagged: 0,
                used: 0,
                on_test_rows: 0,
                ignored: Vec::new(),
                with_correction: 0,
                per_class: vec![0; index.classes().len()],
                training_rows: index.part(Part::Train).len(),
            },
        }
    }

    /// Adds the truth of a validation or test row, by its row number in the sheet; rows that the model does not judge by are passed over.
    pub fn look_up(&mut self, index: &RowIndex, sheet_row: usize, label: u8) {
        for part in [Part::Validation, Part::Test] {
            let found = index.part(part).iter().position(|entry| entry.sheet_row as usize == sheet_row);
            self.looked_up.extend(found.map(|position| LookedUp {
                part,
                position: position as u32,
                label,
            }));
        }
    }
}

/// A validation or test row whose label the person looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookedUp {
    /// Validation or test.
    pub part: Part,
    /// Position in that part.
    pub position: u32,
    /// The label that the person gave.
    pub label: u8,
}

/// One flagged training row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedFlag {
    /// Position among the training rows.
    pub position: u32,
    /// Key or row number as the flag file has it.
    pub name: String,
    /// Row number in the sheet as the person sees it.
    pub sheet_row: usize,
    /// Observed label.
    pub observed: u8,
    /// The correct label, where the person gave one; differs from `observed`.
    pub correction: Option<u8>,
    /// Index of the flag in [`FlagFile::flags`].
    pub flag: usize,
}

/// The flags, counted: `flagged` = `used` + all that were ignored. A flag on a group counts once for each of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagCounts {
    /// File name.
    pub file: String,
    /// How rows were named, in words.
    pub addressed_by: String,
    /// Rows that are flagged.
    pub flagged: usize,
    /// Of these, training rows that form the forget set.
    pub used: usize,
    /// Flags on test rows (also among `ignored`).
    pub on_test_rows: usize,
    /// Flags that were not used for the repair, by reason.
    pub ignored: Vec<Ignored>,
    /// Used flags with a correct label.
    pub with_correction: usize,
    /// Used flags per observed class, in label order.
    pub per_class: Vec<usize>,
    /// Training rows.
    pub training_rows: usize,
}

/// Flags that were not used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// A sentence.
    pub reason: String,
    /// How many.
    pub count: usize,
    /// Up to five of them as the person wrote them.
    pub examples: Vec<String>,
}

const EXAMPLES: usize = 5;

/// Matches a flag file with the rows of a model. Notes tell what was ignored and why.
///
/// # Errors
/// Where nothing is flagged, no flag is a training row, all training rows are flagged, most given labels are not those of the model's
/// sheet, a label is not a class, or it is not clear how rows are counted.
pub fn resolve(file: &FlagFile, index: &RowIndex, notes: &mut Notes) -> Result<ResolvedFlags> {
    if file.flags.is_empty() {
        return Err(Error::input("no row is flagged")
            .in_file(&file.file)
            .hint("flag rows by a key column, row numbers, or `--flag-column NAME` with 1 for wrong rows"));
    }
    matched(file, index, notes).map_err(|error| error.in_file(&file.file))
}

fn matched(file: &FlagFile, index: &RowIndex, notes: &mut Notes) -> Result<ResolvedFlags> {
    let mut matcher = Matcher::new(file, index)?;
    let addressed_by = matcher.find_rows(notes)?;
    matcher.read_labels(notes)?;
    matcher.finish(addressed_by, notes)
}

struct Matcher<'a> {
    file: &'a FlagFile,
    index: &'a RowIndex,
    /// The ways in which labels can be read.
    codings: Vec<Coding>,
    /// How rows are counted, where they go by number or order.
    numbering: Option<Numbering>,
    given: Vec<Option<u8>>,
    correct: Vec<Option<u8>>,
    /// (entry, flag), in the order of the file.
    found: Vec<(usize, usize)>,
    ignored: IgnoredList,
}

/// Reasons in the order in which they first came up.
#[derive(Default)]
struct IgnoredList(Vec<Ignored>);

impl IgnoredList {
    fn add(&mut self, reason: &str, example: String) {
        self.add_many(reason, 1, example);
    }

    fn add_many(&mut self, reason: &str, count: usize, example: String) {
        let place = match self.0.iter().position(|ignored| ignored.reason == reason) {
            Some(place) => place,
            None => {
                self.0.push(Ignored {
                    reason: reason.to_owned(),
                    count: 0,
                    examples: Vec::new(),
                });
                self.0.len() - 1
            }
        };
        let ignored = &mut self.0[place];
        ignored.count += count;
        if ignored.examples.len() < EXAMPLES && !ignored.examples.contains(&example) {
            ignored.examples.push(example);
        }
    }

    fn sum(&self) -> usize {
        self.0.iter().map(|ignored| ignored.count).sum()
    }
}

impl<'a> Matcher<'a> {
    fn new(file: &'a FlagFile, index: &'a RowIndex) -> Result<Self> {
        Ok(Self {
            file,
            index,
            codings: labels::codings(file, index)?,
            numbering: None,
            given: vec![None; file.flags.len()],
            correct: vec![None; file.flags.len()],
            found: Vec::with_capacity(file.flags.len()),
            ignored: IgnoredList::default(),
        })
    }

    /// Fills `found`, and says how rows were named.
    fn find_rows(&mut self, notes: &mut Notes) -> Result<String> {
        let file = self.file;
        match &file.addressing {
            Addressing::Key { column } => {
                self.find_by_name(notes, &|index, name| index.with_key(name), "row");
                Ok(format!("key column `{column}`"))
            }
            Addressing::Group { column } => {
                self.find_by_name(notes, &|index, name| index.with_group(name), "group");
                self.note_groups(column, notes);
                Ok(format!("group column `{column}`, each naming all its rows"))
            }
            Addressing::RowNumbers { numbering } => {
                if self.counts_on() {
                    self.refuse_sorted()?;
                }
                let numbers = numbers(&file.flags)?;
                let numbering = self.settle_numbering(*numbering, &numbers, notes)?;
                if self.file.flags.iter().all(|flag| flag.given.is_none()) {
                    numbering::refuse_two_readings(numbering, &numbers, self.index)?;
                }
                self.numbering = Some(numbering);
                self.find_by_number(numbering, &numbers);
                Ok(numbering.in_words().to_owned())
            }
            Addressing::LineByLine { lines } => {
                self.refuse_sorted()?;
                let rows = self.index.entries().len();
                if *lines != rows {
                    return Err(Error::input(format!(
                        "the file names rows neither by key nor by number, and has {lines} lines where the sheet has {rows} rows"
                    ))
                    .hint("name the column with the keys by `--key COLUMN`"));
                }
                let numbers = numbers(&file.flags)?;
                self.numbering = Some(Numbering::FromZero);
                self.find_by_number(Numbering::FromZero, &numbers);
                Ok("one line for each row of the sheet, in its order".to_owned())
            }
        }
    }

    /// Says that names of groups flag more rows than the file has lines.
    fn note_groups(&self, column: &str, notes: &mut Notes) {
        let (lines, rows) = (self.file.flags.len(), self.found.len());
        if rows > lines {
            notes.add(
                "flags-by-group",
                format!("`{column}` names several rows each: {lines} flagged lines name {rows} rows of the sheet"),
                "all of them count as flagged; name single rows by their numbers, or by a further column of the sheet beside `--data SHEET`",
            );
        }
    }

    /// Whether the numbers of all lines of the file, in its order, are one after the other: they may have been written after sorting.
    fn counts_on(&self) -> bool {
        let mut lines: Vec<&Flag> = self.file.flags.iter().chain(&self.file.fine).collect();
        lines.sort_by_key(|line| line.line);
        let numbers: Option<Vec<usize>> = lines.iter().map(|line| whole(&line.name)).collect();
        numbers.is_some_and(|numbers| numbers.windows(2).all(|pair| pair[1] == pair[0] + 1))
    }

    fn refuse_sorted(&self) -> Result<()> {
        match &self.file.sorted_by {
            None => Ok(()),
            Some(column) => Err(Error::input(format!(
                "the lines are sorted by `{column}` and nothing in them names rows: they are not in the order of the sheet"
            ))
            .hint(UNSORTED)),
        }
    }

    /// How rows are counted: as stated, else the only way that is possible by all lines of the file.
    fn settle_numbering(&self, stated: Option<Numbering>, flagged: &[usize], notes: &mut Notes) -> Result<Numbering> {
        let fine = self.file.fine.iter().filter_map(|line| whole(&line.name));
        let all: Vec<usize> = flagged.iter().copied().chain(fine).collect();
        let lines = || self.file.flags.iter().chain(&self.file.fine);
        let agrees = |numbering: Numbering| {
            let known = |line: &Flag| {
                let entry = numbering.entry(whole(&line.name)?, self.index)?;
                Some(self.index.entries()[entry].label)
            };
            let classes = self.index.classes();
            let fits = |coding: &Coding, line: &Flag| match (&line.given, known(line)) {
                (None, found) => found.is_some(),
                (Some(_), None) => false,
                (Some(given), Some(label)) => label.is_none() || coding.class(given, classes) == label,
            };
            self.codings.iter().any(|coding| lines().all(|line| fits(coding, line)))
        };
        let labelled = lines().any(|line| line.given.is_some());
        numbering::settle(stated, &all, self.index, labelled.then_some(&agrees), notes)
    }

    /// The entry of a line that is not flagged, where it names one row.
    fn entry_of(&self, line: &Flag) -> Option<usize> {
        match &self.file.addressing {
            Addressing::Key { .. } => match self.index.with_key(&line.name)[..] {
                [only] => Some(only),
                _ => None,
            },
            Addressing::Group { .. } => None,
            Addressing::RowNumbers { .. } | Addressing::LineByLine { .. } => self.numbering?.entry(whole(&line.name)?, self.index),
        }
    }

    fn find_by_number(&mut self, numbering: Numbering, numbers: &[usize]) {
        let denied = &self.file.contradicted;
        for (flag, number) in numbers.iter().enumerate() {
            let name = &self.file.flags[flag].name;
            match numbering.entry(*number, self.index) {
                _ if denied.contains(name) => self.ignored.add(CONTRADICTED, name.clone()),
                Some(entry) => self.found.push((entry, flag)),
                None => self.ignored.add("no data row has this number in the training sheet", name.clone()),
            }
        }
    }

    fn find_by_name(&mut self, notes: &mut Notes, find: &dyn Fn(&RowIndex, &str) -> Vec<usize>, what: &str) {
        let mut loosened: BTreeMap<&'static str, (usize, String)> = BTreeMap::new();
        let mut shared: BTreeMap<&str, usize> = BTreeMap::new();
        for (number, flag) in self.file.flags.iter().enumerate() {
            let name = flag.name.as_str();
            if self.file.contradicted.contains(name) {
                self.ignored.add(CONTRADICTED, name.to_owned());
                continue;
            }
            if name.is_empty() {
                self.ignored.add("the line has no key", format!("line {}", flag.line));
                continue;
            }
            let mut entries = find(self.index, name);
            if entries.is_empty() {
                let near = variants(name).into_iter().find_map(|(how, text)| {
                    let entries = find(self.index, &text);
                    (!entries.is_empty()).then_some((how, text, entries))
                });
                match near {
                    Some((how, text, near)) if self.file.loose_keys => {
                        loosened.entry(how).or_insert((0, format!("`{name}` as `{text}`"))).0 += 1;
                        entries = near;
                    }
                    Some((how, text, _)) => {
                        self.ignored.add(
                            &format!("not in the training sheet as written, but it is {how}"),
                            format!("{name} (sheet: {text})"),
                        );
                        continue;
                    }
                    None => {
                        self.ignored.add("not in the training sheet", name.to_owned());
                        continue;
                    }
                }
            }
            if entries.len() > 1 && what == "row" {
                shared.insert(name, entries.len());
            }
            self.found.extend(entries.into_iter().map(|entry| (entry, number)));
        }
        for (how, (count, example)) in loosened {
            notes.add(
                "loose-keys",
                format!(
                    "{count} {} in the sheet only {how}",
                    if count == 1 { "flagged key is" } else { "flagged keys are" }
                ),
                format!("taken as the same key, such as {example}"),
            );
        }
        if let Some((name, rows)) = shared.iter().next() {
            notes.add(
                "shared-key",
                format!(
                    "{} {} in more than one row of the sheet, such as `{name}` in {rows} rows",
                    shared.len(),
                    if shared.len() == 1 {
                        "flagged key stands"
                    } else {
                        "flagged keys stand"
                    }
                ),
                "every row with such a key counts as flagged",
            );
        }
    }

    /// Reads the labels that the file gives, and holds those of all its lines, flagged or not, against the sheet. Flags with another label
    /// than the sheet's are ignored; where rows go by number or order, one such line shows that the rows may be other ones.
    fn read_labels(&mut self, notes: &mut Notes) -> Result<()> {
        let (file, index) = (self.file, self.index);
        let labelled = |entry: usize, line: &'a Flag| Some((line, line.given.as_deref()?, index.entries()[entry].label?));
        let flagged = self.found.iter().filter_map(|(entry, flag)| labelled(*entry, &file.flags[*flag]));
        let fine = file.fine.iter().filter_map(|line| labelled(self.entry_of(line)?, line));
        let lines: Vec<(&Flag, &str, u8)> = flagged.chain(fine).collect();
        let evidence: Vec<(&str, u8)> = lines.iter().map(|(_, given, label)| (*given, *label)).collect();
        let coding = labels::settle(file, index, &self.codings, &evidence)?;
        if let Coding::Codes { by, .. } = &coding {
            notes.add(
                "label-codes",
                format!("`{}` gives labels as numbers", file.file),
                format!(
                    "read {by}: {}; {} given labels agree with the sheet so",
                    coding.in_words(index.classes()),
                    evidence.len()
                ),
            );
        }
        let class = |text: &Option<String>| text.as_deref().and_then(|text| coding.class(text, index.classes()));
        self.given = file.flags.iter().map(|flag| class(&flag.given)).collect();
        self.correct = file.flags.iter().map(|flag| class(&flag.correct)).collect();
        let wrong: Vec<&(&Flag, &str, u8)> = lines
            .iter()
            .filter(|(_, given, label)| coding.class(given, index.classes()) != Some(*label))
            .collect();
        let Some((line, given, label)) = wrong.first() else { return Ok(()) };
        if file.perhaps_corrected && matches!(file.addressing, Addressing::Key { .. }) {
            return Err(self.perhaps_corrected(wrong.len(), lines.len(), line, given, *label));
        }
        if self.numbering.is_some() || wrong.len() * 2 > lines.len() {
            return Err(self.other_rows(wrong.len(), lines.len(), line, given, *label));
        }
        for (entry, flag) in std::mem::take(&mut self.found) {
            let differs = |label: u8| self.given[flag].is_some_and(|given| given != label);
            if index.entries()[entry].label.is_some_and(differs) {
                self.ignored.add(
                    "the given label is not the one in the training sheet",
                    file.flags[flag].name.clone(),
                );
            } else {
                self.found.push((entry, flag));
            }
        }
        Ok(())
    }

    /// Lines with another label than the sheet's beside lines with the same one: wrong rows with their corrections, or a list of both.
    fn perhaps_corrected(&self, other: usize, all: usize, line: &Flag, given: &str, label: u8) -> Error {
        Error::input(format!(
            "{other} of {all} lines have another label than the sheet the model was trained on, so the file may be a corrected part of the sheet, of \
             which only these lines are wrong; the first is `{given}` for `{}`, where the sheet has `{}`",
            line.name,
            self.index.classes()[usize::from(label)]
        ))
        .at_row(line.line)
        .hint(
            "give a corrected sheet by `--corrected FILE` in place of `--flags FILE`; for a list of wrong rows leave the columns of the label out of \
             the file, or put correct labels into a column `correct_label`",
        )
    }

    /// Given labels show that the rows of the file are not those of the sheet.
    fn other_rows(&self, wrong: usize, all: usize, line: &Flag, given: &str, label: u8) -> Error {
        let name = match &self.file.addressing {
            Addressing::LineByLine { .. } => format!("row {}", whole(&line.name).map_or(0, |row| row + 1)),
            _ => format!("`{}`", line.name),
        };
        let hint = match (&self.file.addressing, self.numbering) {
            (Addressing::LineByLine { .. }, _) => UNSORTED,
            (_, Some(_)) => {
                "check the row numbering (`--row-numbers sheet`, `from-1` or `from-0`), and that the flags belong to this sheet as it was trained on; a column with the keys (`--key COLUMN`) is safer"
            }
            _ => {
                "check the key column or the row numbering (`--row-numbers sheet`, `from-1` or `from-0`), and that the flags belong to this sheet"
            }
        };
        Error::input(format!(
            "{wrong} of {all} given labels are not those of the sheet the model was trained on; the first is `{given}` for {name}, where the sheet has `{}`",
            self.index.classes()[usize::from(label)]
        ))
        .at_row(line.line)
        .hint(hint)
    }

    fn finish(mut self, addressed_by: String, notes: &mut Notes) -> Result<ResolvedFlags> {
        let mut by_entry: Vec<(usize, usize)> = std::mem::take(&mut self.found);
        // Stable: the first mention of a row stays first.
        by_entry.sort_by_key(|(entry, _)| *entry);
        let mut result = ResolvedFlags::none(self.index);
        result.counts.file.clone_from(&self.file.file);
        result.counts.addressed_by = addressed_by;
        for mentions in by_entry.chunk_by(|left, right| left.0 == right.0) {
            self.take_row(mentions, &mut result, notes);
        }
        let counts = &mut result.counts;
        counts.used = result.training.len();
        counts.flagged = counts.used + self.ignored.sum();
        counts.with_correction = result.training.iter().filter(|flag| flag.correction.is_some()).count();
        for flag in &result.training {
            counts.per_class[usize::from(flag.observed)] += 1;
        }
        counts.ignored = self.ignored.0;
        self.index.judge(&result, notes)?;
        Ok(result)
    }

    /// One row of the sheet with all flags that name it.
    fn take_row(&mut self, mentions: &[(usize, usize)], result: &mut ResolvedFlags, notes: &mut Notes) {
        let (entry, flag) = mentions[0];
        let row = self.index.entries()[entry];
        let name = self.file.flags[flag].name.clone();
        if mentions.len() > 1 {
            self.ignored
                .add_many("flagged more than once; counted once", mentions.len() - 1, name.clone());
        }
        let mut corrections: Vec<u8> = mentions.iter().filter_map(|(_, flag)| self.correct[*flag]).collect();
        corrections.sort_unstable();
        corrections.dedup();
        if corrections.len() > 1 {
            notes.add(
                "contradictory-corrections",
                format!("`{name}` is flagged more than once with different correct labels"),
                "the row stays flagged, without a correct label",
            );
            corrections.clear();
        }
        let (part, position) = self.index.place(entry);
        match part {
            Part::Train => {}
            Part::Validation | Part::Test => {
                let correction = corrections.first().copied();
                self.take_judge(part, position as u32, (correction, row.label), name, result);
                return;
            }
            Part::Excluded => {
                let reason = format!("left out of training: {}", self.index.excluded_because());
                self.ignored.add(&reason, name);
                return;
            }
        }
        let observed = row.label.unwrap_or_default();
        let correction = corrections.first().copied();
        if correction == Some(observed) {
            self.ignored
                .add("the correct label given is the one in the sheet, so nothing is wrong", name);
            return;
        }
        result.training.push(ResolvedFlag {
            position: position as u32,
            name,
            sheet_row: row.sheet_row as usize,
            observed,
            correction,
            flag,
        });
    }

    /// A flagged row that the model was not trained on: it cannot be repaired, but it tells what may be judged by.
    fn take_judge(
        &mut self,
        part: Part,
        position: u32,
        (correction, recorded): (Option<u8>, Option<u8>),
        name: String,
        result: &mut ResolvedFlags,
    ) {
        result.looked_up.extend(correction.map(|label| LookedUp { part, position, label }));
        if correction.is_some() && correction == recorded {
            self.ignored
                .add("looked up and right as it is in the sheet; rows to judge by", name);
            return;
        }
        if part == Part::Validation {
            result.validation.push(position);
            self.ignored.add(&format!("in the validation part, {NOT_LEARNT}"), name);
        } else {
            result.test.push(position);
            result.counts.on_test_rows += 1;
            self.ignored.add(&format!("in the test part, {NOT_LEARNT}"), name);
        }
    }
}

/// What helps where lines are not in the order of the sheet.
const UNSORTED: &str = "write the lines in the order of the sheet's rows, or with what names them: the index (pandas: `frame.to_csv(\"flags.csv\")` before any `reset_index`) or a column with the keys (`--key COLUMN`)";
const CONTRADICTED: &str = "listed both as wrong and as fine";

#[cfg(test)]
mod tests;
