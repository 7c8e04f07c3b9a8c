//! Proposed rows as a sheet: to look at, to tick, and to give to `recant repair --flags`.
//!
//! | column | what |
//! |---|---|
//! | the key column, or none | names the row |
//! | `sheet_row` | its number as the spreadsheet shows it |
//! | `is_label_issue` | TRUE where a repair will take the row as wrong: the box to tick |
//! | `kind` | flagged, pattern, doubtful, contradiction, suspect, or other (of all rows, no suspect) |
//! | `given_label` | the label it has |
//! | `likeliest_label` | the label it should probably have (`repair --correct-column likeliest_label` learns it); of a flagged row the one the person gave, if any |
//! | `score` | of suspects only: how much the label is doubted, 0 to 1. It ranks, and is no chance |
//! | `chance_wrong` | estimated chance that its label is wrong; blank for flagged rows, and for suspects where the sheet does not show it |
//! | `correct_label` | the correct label: for flagged rows where the person gave one; else blank, for a person to fill in. It wins over `likeliest_label` |
//! | `why` | the rule or contradiction, in words; of a flagged row the rule that it follows, or what it shares with others |
//! | the sheet's own columns | the row as the sheet has it, to judge it by |

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::episodes::Episode;
use super::expand::{Expansion, Proposal, Shared};
use super::sheet::{GIVEN_LABEL, SHEET_ROW};
use super::suspects::{RankedBy, Suspect, Suspects};
use crate::error::{Error, Result};
use crate::features::Prepared;
use crate::seed::Seed;
use crate::tables::{Table, WriteOptions};

/// The column of ticks; cleanlab's name, which [`super::flags`] knows.
pub const TICK: &str = "is_label_issue";

/// The column of the label that a row should probably have.
pub const LIKELIEST_LABEL: &str = "likeliest_label";
/// The column of the label that a person says is correct.
pub const CORRECT_LABEL: &str = "correct_label";

/// One line of the sheet.
struct Line {
    row: u32,
    ticked: bool,
    kind: &'static str,
    likeliest: Option<u8>,
    chance: Option<f64>,
    correct: Option<u8>,
    why: String,
}

/// Which proposed rows are ticked; flagged ones always are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ticks {
    /// Rows that contradict something too.
    pub contradictions: bool,
    /// Of the rows that follow a rule, doubtful or not, those drawn with their chance of being wrong ([`Expansion::drawn`]), instead of all
    /// those of the pattern.
    pub drawn: Option<Seed>,
}

/// What an expansion found: flagged rows, rows of a pattern (both ticked), doubtful rows that follow its rule too, rows that contradict
/// something (neither ticked unless asked for), the surest first. `corrections`: correct labels of flagged rows, where known.
///
/// # Errors
/// Where the expansion is not of this sheet.
pub fn of_expansion(
    found: &Expansion,
    flagged: &[u32],
    corrections: &BTreeMap<u32, u8>,
    ticks: Ticks,
    table: &Table,
    prepared: &Prepared,
    labels: &[u8],
) -> Result<Table> {
    let explained = |row: u32| {
        let place = found.explained.binary_search_by_key(&row, |proposal| proposal.row).ok()?;
        found.explained.get(place)
    };
    let mut lines: Vec<Line> = flagged
        .iter()
        .map(|row| Line {
            row: *row,
            ticked: true,
            kind: "flagged",
            likeliest: corrections.get(row).copied().or_else(|| Some(explained(*row)?.likeliest)),
            chance: None,
            correct: corrections.get(row).copied(),
            why: found.why_flagged(*row),
        })
        .collect();
    let drawn: Option<BTreeSet<u32>> = ticks
        .drawn
        .map(|seed| found.drawn(seed).iter().map(|proposal| proposal.row).collect());
    let is_drawn = |row: u32| drawn.as_ref().is_some_and(|drawn| drawn.contains(&row));
    let mut add = |proposals: &[Proposal], kind: &'static str, ticked: bool, why: &dyn Fn(&Proposal) -> String| {
        let mut sorted: Vec<&Proposal> = proposals.iter().collect();
        sorted.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
        lines.extend(sorted.into_iter().map(|proposal| Line {
            row: proposal.row,
            ticked: ticked || is_drawn(proposal.row),
            kind,
            likeliest: Some(proposal.likeliest),
            chance: Some(proposal.score),
            correct: None,
            why: why(proposal),
        }));
    };
    let rule = |proposal: &Proposal| {
        let rule = found.rules.get(proposal.rule);
        rule.map(|rule| rule.conditions.clone()).unwrap_or_default()
    };
    add(&found.pattern, "pattern", drawn.is_none(), &rule);
    let mut doubtful = found.listed_doubtful();
    let listed: BTreeSet<u32> = doubtful.iter().map(|proposal| proposal.row).collect();
    let only_drawn = |proposal: &&Proposal| is_drawn(proposal.row) && !listed.contains(&proposal.row) && !found.contradicts(proposal.row);
    doubtful.extend(found.doubtful.iter().filter(only_drawn));
    add(&doubtful, "doubtful", false, &rule);
    add(&found.contradictions, "contradiction", ticks.contradictions, &|proposal| {
        let contradiction = found.contradicted.get(proposal.rule);
        contradiction.map(|contradiction| contradiction.words.clone()).unwrap_or_default()
    });
    sheet("proposals.csv", &lines, None, table, prepared, labels)
}

/// Suspects, or `all` rows, the most doubted label first; ticked as many as are estimated to be wrong.
///
/// # Errors
/// Where the suspects are not of this sheet.
pub fn of_suspects(found: &Suspects, all: bool, table: &Table, prepared: &Prepared, labels: &[u8]) -> Result<Table> {
    let why = |suspect: &Suspect| {
        let member = |shared: &&Shared| shared.members.binary_search(&suspect.row).is_ok();
        let in_it = |episode: &&Episode| episode.members.binary_search_by_key(&suspect.row, |member| member.0).is_ok();
        let most = if found.ticked() == 0 { "most doubted" } else { "ticked" };
        match (found.episodes.iter().find(in_it), found.shared.iter().find(member)) {
            (Some(episode), _) => format!(
                "{} from {} to {}: {} of {} recorded so, models of other times expect {:.0}",
                episode.conditions, episode.from, episode.to, episode.recorded, episode.rows, episode.expected
            ),
            (None, Some(shared)) => format!(
                "shares {} with {} of {} {most} rows",
                shared.conditions, shared.flags, shared.flagged
            ),
            (None, None) if suspect.suspect && found.ranked_by == RankedBy::Learning => {
                "another class was the likeliest for most of the training, or models that did not see the row say otherwise".to_owned()
            }
            (None, None) if suspect.suspect => "models that did not see the row, or the rest of its group, say otherwise".to_owned(),
            (None, None) => String::new(),
        }
    };
    let listed: Vec<&Suspect> = found.rows.iter().filter(|row| all || row.suspect).collect();
    let lines: Vec<Line> = listed
        .iter()
        .map(|suspect| Line {
            row: suspect.row,
            ticked: suspect.ticked,
            kind: if suspect.suspect { "suspect" } else { "other" },
            likeliest: Some(suspect.likeliest),
            chance: suspect.chance,
            correct: None,
            why: why(suspect),
        })
        .collect();
    let scores: Vec<f64> = listed.iter().map(|suspect| suspect.score).collect();
    sheet("suspects.csv", &lines, Some(&scores), table, prepared, labels)
}

/// `scores`: of every line, in a sheet that has scores.
fn sheet(name: &str, lines: &[Line], scores: Option<&[f64]>, table: &Table, prepared: &Prepared, labels: &[u8]) -> Result<Table> {
    let train = &prepared.train;
    if lines.iter().any(|line| line.row as usize >= train.len()) || labels.len() != train.len() {
        return Err(Error::internal("proposals for rows that are not there"));
    }
    let classes = prepared.profile.label.classes();
    let class = |label: u8| classes.get(usize::from(label)).cloned();
    let row_of = |line: &Line| train.table_rows[line.row as usize];
    let rows: Vec<usize> = lines.iter().map(row_of).collect();
    let mut sheet = Table::new(name, lines.len());
    if let Some(key) = &prepared.profile.key {
        sheet = sheet.with_column(key, lines.iter().map(|line| Some(train.keys[line.row as usize].clone())).collect())?;
    }
    let numbers = lines.iter().map(|line| i64::try_from(table.row_number(row_of(line))).ok());
    sheet = sheet
        .with_integers(SHEET_ROW, numbers.collect())?
        .with_column(
            TICK,
            texts(lines, |line| Some(if line.ticked { "TRUE" } else { "FALSE" }.to_owned())),
        )?
        .with_column("kind", texts(lines, |line| Some(line.kind.to_owned())))?
        .with_column(GIVEN_LABEL, texts(lines, |line| class(labels[line.row as usize])))?
        .with_column(LIKELIEST_LABEL, texts(lines, |line| line.likeliest.and_then(class)))?;
    if let Some(scores) = scores {
        sheet = sheet.with_numbers("score", scores.iter().map(|score| Some(rounded(*score))).collect())?;
    }
    sheet = sheet
        .with_numbers("chance_wrong", lines.iter().map(|line| line.chance.map(rounded)).collect())?
        .with_column(CORRECT_LABEL, texts(lines, |line| line.correct.and_then(class)))?
        .with_column("why", texts(lines, |line| Some(line.why.clone()).filter(|why| !why.is_empty())))?;
    sheet.beside(&table.take(&rows))
}

/// How proposals are written: in the manner of the sheet; in a workbook with the classes and ticks to choose from.
pub fn manner(table: &Table, classes: &[String], out: &Path) -> WriteOptions {
    let ticks = ["TRUE", "FALSE"].map(str::to_owned).to_vec();
    WriteOptions {
        choices: vec![
            (TICK.to_owned(), ticks),
            (LIKELIEST_LABEL.to_owned(), classes.to_vec()),
            (CORRECT_LABEL.to_owned(), classes.to_vec()),
        ],
        ..WriteOptions::in_the_manner_of(table, out)
    }
}

fn texts(lines: &[Line], cell: impl Fn(&Line) -> Option<String>) -> Vec<Option<String>> {
    lines.iter().map(cell).collect()
}

/// Four decimals: more would be noise to a reader.
fn rounded(chance: f64) -> f64 {
    (chance * 10_000.0).round() / 10_000.0
}
