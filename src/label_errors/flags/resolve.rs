//! Finds the flagged rows among those a model knows.

use std::collections::BTreeMap;

use super::keys::variants;
use super::numbering::{Numbering, numbers, settle};
use super::{Addressing, Flag, FlagFile, Part, RowIndex};
use crate::error::{Error, Result, closest};
use crate::notes::Notes;

/// Flags matched with the rows of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedFlags {
    /// The forget set: flagged training rows by ascending position, each once; never empty and never all training rows.
    pub training: Vec<ResolvedFlag>,
    /// Positions of flagged validation rows, ascending.
    pub validation: Vec<u32>,
    /// Positions of flagged test rows, ascending.
    pub test: Vec<u32>,
    /// Everything counted.
    pub counts: FlagCounts,
}

impl ResolvedFlags {
    /// Positions of the flagged training rows, ascending.
    pub fn positions(&self) -> Vec<u32> {
        self.training.iter().map(|flag| flag.position).collect()
    }
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

/// The flags, counted: `flagged` = `used` + all that were set aside. A flag on a group counts once for each of its rows.
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
    /// Flags on test rows (also among `set_aside`).
    pub on_test_rows: usize,
    /// Flags that were not used for the repair, by reason.
    pub set_aside: Vec<SetAside>,
    /// Used flags with a correct label.
    pub with_correction: usize,
    /// Used flags per observed class, in label order.
    pub per_class: Vec<usize>,
    /// Training rows.
    pub training_rows: usize,
}

/// Flags that were not used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// A sentence.
    pub reason: String,
    /// How many.
    pub count: usize,
    /// Up to five of them as the person wrote them.
    pub examples: Vec<String>,
}

const EXAMPLES: usize = 5;

/// Matches a flag file with the rows of a model. Notes tell what was set aside and why.
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
    let mut matcher = Matcher::new(file, index).map_err(|error| error.in_file(&file.file))?;
    let addressed_by = matcher.find_rows(notes).map_err(|error| error.in_file(&file.file))?;
    matcher.check_given_labels().map_err(|error| error.in_file(&file.file))?;
    matcher.finish(addressed_by, notes).map_err(|error| error.in_file(&file.file))
}

struct Matcher<'a> {
    file: &'a FlagFile,
    index: &'a RowIndex,
    given: Vec<Option<u8>>,
    correct: Vec<Option<u8>>,
    /// (entry, flag), in the order of the file.
    found: Vec<(usize, usize)>,
    aside: Aside,
}

/// Reasons in the order in which they first came up.
#[derive(Default)]
struct Aside(Vec<SetAside>);

impl Aside {
    fn add(&mut self, reason: &str, example: String) {
        self.add_many(reason, 1, example);
    }

    fn add_many(&mut self, reason: &str, count: usize, example: String) {
        let place = match self.0.iter().position(|aside| aside.reason == reason) {
            Some(place) => place,
            None => {
                self.0.push(SetAside {
                    reason: reason.to_owned(),
                    count: 0,
                    examples: Vec::new(),
                });
                self.0.len() - 1
            }
        };
        let aside = &mut self.0[place];
        aside.count += count;
        if aside.examples.len() < EXAMPLES && !aside.examples.contains(&example) {
            aside.examples.push(example);
        }
    }

    fn sum(&self) -> usize {
        self.0.iter().map(|aside| aside.count).sum()
    }
}

impl<'a> Matcher<'a> {
    fn new(file: &'a FlagFile, index: &'a RowIndex) -> Result<Self> {
        let labels = |pick: &dyn Fn(&Flag) -> Option<&str>, what: &str| -> Result<Vec<Option<u8>>> {
            file.flags
                .iter()
                .map(|flag| {
                    pick(flag)
                        .map(|text| class_of(text, index.classes(), what))
                        .transpose()
                        .map_err(|error| error.at_row(flag.line))
                })
                .collect()
        };
        Ok(Self {
            file,
            index,
            given: labels(&|flag| flag.given.as_deref(), "given")?,
            correct: labels(&|flag| flag.correct.as_deref(), "correct")?,
            found: Vec::with_capacity(file.flags.len()),
            aside: Aside::default(),
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
                Ok(format!("group column `{column}`, each naming all its rows"))
            }
            Addressing::RowNumbers { numbering } => {
                let numbers = numbers(&file.flags)?;
                let contradicts = |entry: usize, flag: &Flag| {
                    let given = flag
                        .given
                        .as_deref()
                        .and_then(|text| class_of(text, self.index.classes(), "given").ok());
                    matches!((given, self.index.entries()[entry].label), (Some(given), Some(label)) if given != label)
                };
                let numbering = settle(*numbering, &file.flags, &numbers, self.index, &contradicts, notes)?;
                self.find_by_number(numbering, &numbers);
                Ok(numbering.in_words().to_owned())
            }
            Addressing::LineByLine { lines } => {
                let rows = self.index.entries().len();
                if *lines != rows {
                    return Err(Error::input(format!(
                        "the file names rows neither by key nor by number, and has {lines} lines where the sheet has {rows} rows"
                    ))
                    .hint("name the column with the keys by `--key COLUMN`"));
                }
                let numbers = numbers(&file.flags)?;
                self.find_by_number(Numbering::FromZero, &numbers);
                Ok("one line for each row of the sheet, in its order".to_owned())
            }
        }
    }

    fn find_by_number(&mut self, numbering: Numbering, numbers: &[usize]) {
        let denied = &self.file.contradicted;
        for (flag, number) in numbers.iter().enumerate() {
            let name = &self.file.flags[flag].name;
            match numbering.entry(*number, self.index) {
                _ if denied.contains(name) => self.aside.add(CONTRADICTED, name.clone()),
                Some(entry) => self.found.push((entry, flag)),
                None => self.aside.add("no data row has this number in the training sheet", name.clone()),
            }
        }
    }

    fn find_by_name(&mut self, notes: &mut Notes, find: &dyn Fn(&RowIndex, &str) -> Vec<usize>, what: &str) {
        let mut loosened: BTreeMap<&'static str, (usize, String)> = BTreeMap::new();
        let mut shared: BTreeMap<&str, usize> = BTreeMap::new();
        for (number, flag) in self.file.flags.iter().enumerate() {
            let name = flag.name.as_str();
            if self.file.contradicted.contains(name) {
                self.aside.add(CONTRADICTED, name.to_owned());
                continue;
            }
            if name.is_empty() {
                self.aside.add("the line has no key", format!("line {}", flag.line));
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
                        self.aside.add(
                            &format!("not in the training sheet as written, but it is {how}"),
                            format!("{name} (sheet: {text})"),
                        );
                        continue;
                    }
                    None => {
                        self.aside.add("not in the training sheet", name.to_owned());
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
                format!("{count} flagged keys are in the sheet only {how}"),
                format!("taken as the same key, such as {example}"),
            );
        }
        if let Some((name, rows)) = shared.iter().next() {
            notes.add(
                "shared-key",
                format!(
                    "{} flagged keys stand in more than one row of the sheet, such as `{name}` in {rows} rows",
                    shared.len()
                ),
                "every row with such a key counts as flagged",
            );
        }
    }

    /// Sets aside flags whose given label is not the one the model was trained on.
    fn check_given_labels(&mut self) -> Result<()> {
        let mut wrong = 0;
        let mut checked = 0;
        let mut first = None;
        let mut kept = Vec::with_capacity(self.found.len());
        for (entry, flag) in std::mem::take(&mut self.found) {
            if let (Some(given), Some(label)) = (self.given[flag], self.index.entries()[entry].label) {
                checked += 1;
                if given != label {
                    wrong += 1;
                    first.get_or_insert((flag, given, label));
                    self.aside.add(
                        "the given label is not the one in the training sheet",
                        self.file.flags[flag].name.clone(),
                    );
                    continue;
                }
            }
            kept.push((entry, flag));
        }
        self.found = kept;
        if let Some((flag, given, label)) = first
            && wrong * 2 > checked
        {
            let classes = self.index.classes();
            let flag = &self.file.flags[flag];
            let mut hint = "check the key column or the row numbering (`--row-numbers sheet`, `from-1` or `from-0`), and that the flags belong to this sheet".to_owned();
            if flag.given.as_deref().is_some_and(|text| text.parse::<f64>().is_ok()) {
                let meanings: Vec<String> = classes
                    .iter()
                    .enumerate()
                    .map(|(index, class)| format!("{index} is {class}"))
                    .collect();
                hint = format!(
                    "labels written as numbers count the classes of the model: {}; {hint}",
                    meanings.join(", ")
                );
            }
            return Err(Error::input(format!(
                "{wrong} of {checked} given labels are not those of the sheet the model was trained on; the first is `{}` for `{}`, where the sheet has `{}`",
                classes[usize::from(given)],
                flag.name,
                classes[usize::from(label)]
            ))
            .at_row(flag.line)
            .hint(hint));
        }
        Ok(())
    }

    fn finish(mut self, addressed_by: String, notes: &mut Notes) -> Result<ResolvedFlags> {
        let mut by_entry: Vec<(usize, usize)> = std::mem::take(&mut self.found);
        // Stable: the first mention of a row stays first.
        by_entry.sort_by_key(|(entry, _)| *entry);
        let mut result = ResolvedFlags {
            training: Vec::new(),
            validation: Vec::new(),
            test: Vec::new(),
            counts: FlagCounts {
                file: self.file.file.clone(),
                addressed_by,
                flagged: 0,
                used: 0,
                on_test_rows: 0,
                set_aside: Vec::new(),
                with_correction: 0,
                per_class: vec![0; self.index.classes().len()],
                training_rows: self.index.part(Part::Train).len(),
            },
        };
        for mentions in by_entry.chunk_by(|left, right| left.0 == right.0) {
            self.take_row(mentions, &mut result, notes);
        }
        let counts = &mut result.counts;
        counts.used = result.training.len();
        counts.flagged = counts.used + self.aside.sum();
        counts.with_correction = result.training.iter().filter(|flag| flag.correction.is_some()).count();
        for flag in &result.training {
            counts.per_class[usize::from(flag.observed)] += 1;
        }
        counts.set_aside = self.aside.0;
        self.index.judge(&result, notes)?;
        Ok(result)
    }

    /// One row of the sheet with all flags that name it.
    fn take_row(&mut self, mentions: &[(usize, usize)], result: &mut ResolvedFlags, notes: &mut Notes) {
        let (entry, flag) = mentions[0];
        let row = self.index.entries()[entry];
        let name = self.file.flags[flag].name.clone();
        if mentions.len() > 1 {
            self.aside
                .add_many("flagged more than once; counted once", mentions.len() - 1, name.clone());
        }
        let (part, position) = self.index.place(entry);
        match part {
            Part::Train => {}
            Part::Validation => {
                result.validation.push(position as u32);
                self.aside.add("a validation row, which the model was not trained on", name);
                return;
            }
            Part::Test => {
                result.test.push(position as u32);
                result.counts.on_test_rows += 1;
                self.aside.add("a test row, which the model was not trained on", name);
                return;
            }
            Part::Excluded => {
                let reason = format!("left out of training: {}", self.index.excluded_because());
                self.aside.add(&reason, name);
                return;
            }
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
        let observed = row.label.unwrap_or_default();
        let correction = corrections.first().copied();
        if correction == Some(observed) {
            self.aside
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
}

const CONTRADICTED: &str = "listed both as wrong and as fine";

impl RowIndex {
    /// Refuses flags that no repair can use, and notes what looks odd.
    fn judge(&self, result: &ResolvedFlags, notes: &mut Notes) -> Result<()> {
        let counts = &result.counts;
        for aside in &counts.set_aside {
            let more = if aside.count > aside.examples.len() { ", ..." } else { "" };
            notes.add(
                "flags-set-aside",
                format!("{} flags: {} ({}{more})", aside.count, aside.reason, aside.examples.join(", ")),
                "set aside",
            );
        }
        let (used, rows) = (counts.used, counts.training_rows);
        if used == 0 {
            return Err(nothing_left(counts));
        }
        if used == rows {
            return Err(
                Error::input(format!("all {rows} training rows are flagged, so nothing is left to keep"))
                    .hint("flag only the rows that are wrong; `--flag-column` wants 1 for wrong rows and 0 or blank for the others"),
            );
        }
        if used * 2 > rows {
            notes.add(
                "most-rows-flagged",
                format!("{used} of {rows} training rows are flagged, more than half"),
                "the repair goes on, but check that the flags do not mean the opposite",
            );
        }
        let mut per_class = vec![0; counts.per_class.len()];
        for entry in self.part(Part::Train) {
            per_class[usize::from(entry.label.unwrap_or_default())] += 1;
        }
        for (class, name) in self.classes().iter().enumerate() {
            let flagged = counts.per_class[class];
            if flagged > 0 && flagged == per_class[class] {
                notes.add(
                    "class-all-flagged",
                    format!("all {flagged} training rows of class `{name}` are flagged"),
                    "the repair goes on, but nothing is left to teach the model this class",
                );
            } else if flagged == used && used > 1 {
                notes.add(
                    "flags-in-one-class",
                    format!("all {used} flagged rows have the label `{name}`"),
                    "the repair goes on; a systematic error looks like this",
                );
            }
        }
        Ok(())
    }
}

/// Why no flag is left, with the commonest reason.
fn nothing_left(counts: &FlagCounts) -> Error {
    let Some(main) = counts.set_aside.iter().max_by_key(|aside| aside.count) else {
        return Error::input("no row is flagged");
    };
    let error = Error::input(format!(
        "none of the {} flags is a training row of the model; {}: {} ({})",
        counts.flagged,
        main.count,
        main.reason,
        main.examples.join(", ")
    ));
    if main.reason.contains("as written") {
        error.hint("give the keys as they are in the sheet, or add `--loose-keys`")
    } else if main.reason.contains("test row") {
        error.hint("only rows that the model was trained on can be repaired; test rows are judged with and without the flagged ones")
    } else {
        error.hint("check that the flags belong to the sheet that the model was trained on, and the key column (`--key COLUMN`)")
    }
}

/// The class that a label text means: its name, else its name without regard to case, else its index.
fn class_of(text: &str, classes: &[String], what: &str) -> Result<u8> {
    let text = text.trim();
    let by_index = || {
        let whole = text.strip_suffix(".0").unwrap_or(text);
        whole.parse::<usize>().ok().filter(|index| *index < classes.len())
    };
    classes
        .iter()
        .position(|class| class == text)
        .or_else(|| classes.iter().position(|class| class.to_lowercase() == text.to_lowercase()))
        .or_else(by_index)
        .and_then(|index| u8::try_from(index).ok())
        .ok_or_else(|| {
            let error = Error::input(format!("`{text}` is given as the {what} label but is not a class"));
            match closest(text, classes.iter().map(String::as_str)) {
                Some(near) => error.hint(format!("closest match is `{near}`")),
                None => error.hint(format!("the classes are {}", classes.join(", "))),
            }
        })
}

#[cfg(test)]
mod tests;
