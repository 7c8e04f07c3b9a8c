//! What the labels in a flag file mean: class names, or the codes that an encoder gave the classes.
//!
//! Codes say nothing by themselves: scikit-learn counts the classes by the alphabet, pandas' `factorize` in the order of the sheet, a model in its own
//! order. So every line that has a given label is held against the sheet, and only a way of counting that agrees with all of them is taken.

use std::collections::{BTreeMap, BTreeSet};

use super::numbering::whole;
use super::{FlagFile, RowIndex};
use crate::error::{Error, Result, closest};
use crate::features::{is_same_class, punctuality};

/// One way to read labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Coding {
    /// They are class names.
    Names,
    /// They are numbers: the class of each.
    Codes {
        /// Where the order comes from, in words.
        by: &'static str,
        /// Class by code.
        classes: BTreeMap<i64, u8>,
    },
}

impl Coding {
    /// The class that a text means.
    pub(super) fn class(&self, text: &str, classes: &[String]) -> Option<u8> {
        match self {
            Coding::Names => named(text, classes),
            Coding::Codes { classes, .. } => classes.get(&code(text)?).copied(),
        }
    }

    /// `0 is early, 1 is late`.
    pub(super) fn in_words(&self, classes: &[String]) -> String {
        self.listed(classes, " is ", ", ")
    }

    fn listed(&self, classes: &[String], is: &str, comma: &str) -> String {
        let Coding::Codes { classes: codes, .. } = self else {
            return String::new();
        };
        let each = codes
            .iter()
            .map(|(code, class)| format!("{code}{is}{}", classes[usize::from(*class)]));
        each.collect::<Vec<_>>().join(comma)
    }
}

/// Label codes as a person states them: `0=early,1=late`.
pub type LabelCodes = Vec<(i64, String)>;

/// Reads stated label codes.
///
/// # Errors
/// Where an entry is not `NUMBER=CLASS`, or a number occurs twice.
pub fn parse_codes(text: &str) -> Result<LabelCodes> {
    let mut codes = LabelCodes::new();
    for entry in text.split(',').filter(|entry| !entry.trim().is_empty()) {
        let pair = entry
            .split_once('=')
            .and_then(|(number, class)| Some((code(number)?, class.trim().to_owned())));
        let pair =
            pair.ok_or_else(|| Error::input(format!("`{entry}` is not a number, `=` and a class")).hint("such as `0=early,1=late`"))?;
        if codes.iter().any(|(code, _)| *code == pair.0) {
            return Err(Error::input(format!("label code {} is stated twice", pair.0)));
        }
        codes.push(pair);
    }
    Ok(codes)
}

/// All labels that a file gives, with the line of the file.
fn texts(file: &FlagFile) -> impl Iterator<Item = (&str, &'static str, usize)> {
    file.flags.iter().chain(&file.fine).flat_map(|flag| {
        let given = flag.given.as_deref().map(|text| (text, "given", flag.line));
        let correct = flag.correct.as_deref().map(|text| (text, "correct", flag.line));
        given.into_iter().chain(correct)
    })
}

/// The ways in which the labels of a file can be read, likeliest first; never empty.
///
/// # Errors
/// Where a label is neither a class name nor, all of them, a number.
pub(super) fn codings(file: &FlagFile, index: &RowIndex) -> Result<Vec<Coding>> {
    let classes = index.classes();
    let unknown = texts(file).find(|(text, ..)| named(text, classes).is_none());
    let Some((text, what, line)) = unknown else {
        return Ok(vec![Coding::Names]);
    };
    if !texts(file).all(|(text, ..)| code(text).is_some()) {
        // One that is not even a number is the better example.
        let (text, what, line) = texts(file)
            .find(|(text, ..)| named(text, classes).is_none() && code(text).is_none())
            .unwrap_or((text, what, line));
        return Err(not_a_class(text, what, classes).at_row(line));
    }
    let used: BTreeSet<i64> = texts(file).filter_map(|(text, ..)| code(text)).collect();
    let found = match &file.label_codes {
        Some(stated) => vec![stated_coding(stated, classes)?],
        None => counted(index, &used),
    };
    let able: Vec<Coding> = found.into_iter().filter(|coding| covers(coding, &used)).collect();
    if able.is_empty() {
        let last = used.last().copied();
        let (text, what, line) = texts(file).find(|(text, ..)| code(text) == last).unwrap_or((text, what, line));
        return Err(not_a_class(text, what, classes).at_row(line));
    }
    Ok(able)
}

fn covers(coding: &Coding, used: &BTreeSet<i64>) -> bool {
    match coding {
        Coding::Names => true,
        Coding::Codes { classes, .. } => used.iter().all(|code| classes.contains_key(code)),
    }
}

fn stated_coding(stated: &LabelCodes, classes: &[String]) -> Result<Coding> {
    let pairs = stated.iter().map(|(code, class)| {
        let class = named(class, classes).ok_or_else(|| not_a_class(class, "coded", classes))?;
        Ok((*code, class))
    });
    Ok(Coding::Codes {
        by: "as stated",
        classes: pairs.collect::<Result<_>>()?,
    })
}

/// The number of a label code: as [`whole`], or below zero, as a person numbers early deliveries.
fn code(text: &str) -> Option<i64> {
    let text = text.trim();
    match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => i64::try_from(whole(rest)?).ok().map(|number| -number),
        None => i64::try_from(whole(text)?).ok(),
    }
}

/// The orders in which programs and people count classes, from 0 and, where no label is 0, from 1; those from early to late also from -1.
fn counted(index: &RowIndex, used: &BTreeSet<i64>) -> Vec<Coding> {
    let classes = index.classes();
    let own: Vec<u8> = (0..classes.len() as u8).collect();
    let mut by_alphabet = own.clone();
    by_alphabet.sort_by_key(|class| &classes[usize::from(*class)]);
    let mut by_sheet: Vec<u8> = Vec::new();
    let mut rows = vec![0_usize; classes.len()];
    for entry in (0..index.entries().len()).filter_map(|row| index.at_table_row(row)) {
        let label = index.entries()[entry].label;
        by_sheet.extend(label.filter(|label| !by_sheet.contains(label)));
        if let Some(label) = label {
            rows[usize::from(label)] += 1;
        }
    }
    let mut by_frequency = by_alphabet.clone();
    by_frequency.sort_by_key(|class| std::cmp::Reverse(rows[usize::from(*class)]));
    let said: Vec<_> = classes.iter().map(|class| punctuality(class)).collect();
    let mut by_time = own.clone();
    by_time.sort_by_key(|class| said[usize::from(*class)]);
    let has_times = said.iter().all(Option::is_some)
        && by_time
            .windows(2)
            .all(|pair| said[usize::from(pair[0])] < said[usize::from(pair[1])]);
    const FROM_EARLY: &str = "from early to late";
    let mut orders = vec![
        ("by the alphabet, as scikit-learn counts them", by_alphabet),
        ("in the order of the model", own),
        ("in the order of the sheet, as pandas' factorize counts them", by_sheet),
        ("the most frequent first, as Spark counts them", by_frequency),
    ];
    if has_times {
        orders.push((FROM_EARLY, by_time));
    }
    let starts: &[i64] = if used.contains(&0) { &[0, -1] } else { &[0, 1, -1] };
    let mut found: Vec<Coding> = Vec::new();
    for start in starts {
        for (by, order) in &orders {
            if *start < 0 && (*by != FROM_EARLY || order.len() != 3) {
                continue;
            }
            let coded: BTreeMap<i64, u8> = (*start..).zip(order.iter().copied()).collect();
            let known = found
                .iter()
                .any(|coding| matches!(coding, Coding::Codes { classes, .. } if *classes == coded));
            if !known {
                found.push(Coding::Codes { by, classes: coded });
            }
        }
    }
    found
}

/// Of the ways to read labels, the one that agrees with every given label in `evidence` (text, label in the sheet), where there is only one
/// or all mean the same by the labels in use; with a note's words where labels are codes.
///
/// # Errors
/// Where codes agree with the sheet in no way, or in several that differ.
pub(super) fn settle(file: &FlagFile, index: &RowIndex, codings: &[Coding], evidence: &[(&str, u8)]) -> Result<Coding> {
    let classes = index.classes();
    if let [only @ Coding::Names] = codings {
        return Ok(only.clone());
    }
    let against = |coding: &Coding| {
        evidence
            .iter()
            .filter(|(text, label)| coding.class(text, classes) != Some(*label))
            .count()
    };
    let possible: Vec<&Coding> = codings.iter().filter(|coding| against(coding) == 0).collect();
    let example = |coding: &Coding| format!("`--label-codes \"{}\"`", coding.listed(classes, "=", ","));
    let Some(first) = possible.first() else {
        let least = codings.iter().map(against).min().unwrap_or_default();
        return Err(Error::input(format!(
            "the labels are numbers, and whichever way the classes are counted, given labels are not those of the sheet the model was trained on \
             ({least} of {} at best)",
            evidence.len()
        ))
        .hint(format!(
            "check the key column or the row numbering, and that the flags belong to this sheet; or say what the numbers mean, such as {}",
            example(&codings[0])
        )));
    };
    let used: BTreeSet<&str> = texts(file).map(|(text, ..)| text).collect();
    let differs = |other: &&Coding| used.iter().any(|text| other.class(text, classes) != first.class(text, classes));
    if let Some(other) = possible.iter().copied().find(differs) {
        return Err(Error::input(format!(
            "the labels are numbers, and the sheet does not show what they mean: {} fits, and so does {}",
            first.in_words(classes),
            other.in_words(classes)
        ))
        .hint(format!(
            "write class names into the file, or say what the numbers mean: {}",
            example(first)
        )));
    }
    Ok((*first).clone())
}

/// The class of this name: exactly, else without regard to case, as the same number, or as the one class that it is another spelling of.
pub(super) fn named(text: &str, classes: &[String]) -> Option<u8> {
    let text = text.trim();
    let number = || text.parse::<f64>().ok();
    let found = classes
        .iter()
        .position(|class| class == text)
        .or_else(|| classes.iter().position(|class| class.to_lowercase() == text.to_lowercase()))
        .or_else(|| {
            classes
                .iter()
                .position(|class| number().is_some() && class.parse::<f64>().ok() == number())
        });
    let spelt = || {
        let mut same = (0..classes.len()).filter(|class| is_same_class(&classes[*class], text));
        same.next().filter(|_| same.next().is_none())
    };
    found.or_else(spelt).and_then(|class| u8::try_from(class).ok())
}

fn not_a_class(text: &str, what: &str, classes: &[String]) -> Error {
    let error = Error::input(format!("`{text}` is given as the {what} label but is not a class"));
    match closest(text, classes.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("closest match is `{near}`")),
        None if code(text).is_some() => error.hint(format!(
            "the classes are {}; say what the numbers mean by `--label-codes \"{text}={},...\"`",
            classes.join(", "),
            classes[0]
        )),
        None => error.hint(format!("the classes are {}", classes.join(", "))),
    }
}
