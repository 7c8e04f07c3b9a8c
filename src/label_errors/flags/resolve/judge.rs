//! Whether a repair can use the flags that were found.

use super::{FlagCounts, NOT_LEARNT, ResolvedFlags};
use crate::error::{Error, Result};
use crate::label_errors::flags::{Part, RowIndex};
use crate::notes::Notes;

impl RowIndex {
    /// Refuses flags that no repair can use, and notes what looks odd.
    pub(super) fn judge(&self, result: &ResolvedFlags, notes: &mut Notes) -> Result<()> {
        let counts = &result.counts;
        for ignored in &counts.ignored {
            let more = if ignored.count > ignored.examples.len() { ", ..." } else { "" };
            notes.add(
                "flags-ignored",
                format!(
                    "{} {}: {} ({}{more})",
                    ignored.count,
                    if ignored.count == 1 { "flag" } else { "flags" },
                    ignored.reason,
                    ignored.examples.join(", ")
                ),
                "ignored",
            );
        }
        let (used, rows) = (counts.used, counts.training_rows);
        let misspelt: usize = counts
            .ignored
            .iter()
            .filter(|ignored| ignored.reason.contains(AS_WRITTEN))
            .map(|ignored| ignored.count)
            .sum();
        if used == 0 || misspelt * 2 > counts.flagged {
            return Err(nothing_left(counts));
        }
        if used == rows {
            return Err(
                Error::input(format!("all {rows} training rows are flagged, so nothing is left to keep")).hint(
                    "flag only the rows that are wrong: leave the others out of the file, or mark the wrong ones in a column \
                         (`--flag-column COLUMN`); colours, comments and filters of a spreadsheet program are not read as marks",
                ),
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

/// What a reason says of a key that is another one only by its spelling.
const AS_WRITTEN: &str = "as written";

/// Why no flag is left, or hardly one, with the commonest reason.
fn nothing_left(counts: &FlagCounts) -> Error {
    let Some(main) = counts.ignored.iter().max_by_key(|ignored| ignored.count) else {
        return Error::input("no row is flagged")
            .hint("flag rows by a key column, row numbers, or `--flag-column NAME` with 1 for wrong rows");
    };
    let which = match (counts.used, counts.flagged) {
        (0, 1) => "the only flag is no training row".to_owned(),
        (0, flagged) => format!("none of the {flagged} flags is a training row"),
        (1, flagged) => format!("only 1 of the {flagged} flags is a training row"),
        (used, flagged) => format!("only {used} of the {flagged} flags are training rows"),
    };
    let error = Error::input(format!(
        "{which} of the model; {}: {} ({})",
        main.count,
        main.reason,
        main.examples.join(", ")
    ));
    if main.reason.contains(AS_WRITTEN) {
        error.hint("give the keys as they are in the sheet, or add `--loose-keys`")
    } else if main.reason.contains(NOT_LEARNT) {
        error.hint(
            "the model learnt nothing from these rows, so nothing of them can be taken out of it: flag rows of its training period that are wrong, \
             too. Wrong rows among those that it is judged by are to be corrected in the sheet, or left out of one that you give with `--test SHEET`",
        )
    } else {
        error.hint("check that the flags belong to the sheet that the model was trained on, and the key column (`--key COLUMN`)")
    }
}
