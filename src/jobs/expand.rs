//! Finding the rest of the wrong rows, from a few flags or from none.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::evaluate::record::{ExpansionRecord, ExpansionRule, ExpansionShare, RepairRecord};
use crate::jobs::alone::SheetAlone;
use crate::jobs::rows::TrainingSheet;
use crate::label_errors::expand::Shared;
use crate::label_errors::flags::{Part, ResolvedFlag, ResolvedFlags};
use crate::label_errors::proposals::{self, Ticks};
use crate::label_errors::suspects::{Suspects, SuspectsRequest, suspects as find_suspects};
use crate::label_errors::{ExpandOptions, ExpandRequest, Expansion, Proposal, expand as find_rest};
use crate::model::ModelFolder;
use crate::nn::Recipe;
use crate::notes::Notes;
use crate::progress::Progress;
use crate::seed::Seed;
use crate::tables::{Rule, Table};

/// Where to look: a sheet that a model was trained on, and how networks that judge its rows are made.
pub struct Search<'a> {
    /// Hidden layers of networks that judge rows: those of the model.
    pub hidden: Vec<usize>,
    /// How they are trained.
    pub recipe: &'a Recipe,
    /// Probabilities (training rows x classes) by models that did not see the row, where the person has them.
    pub said: Option<&'a [f32]>,
    /// The sheet it was trained on.
    pub table: &'a Table,
    /// The same, encoded and matched with the model's rows.
    pub sheet: &'a TrainingSheet,
    /// Run seed.
    pub seed: Seed,
    /// Cores to use.
    pub threads: usize,
}

impl<'a> Search<'a> {
    /// A model folder and its sheet.
    pub fn of_model(model: &'a ModelFolder, table: &'a Table, sheet: &'a TrainingSheet, seed: Seed, threads: usize) -> Self {
        Self {
            hidden: model.info.network.member().hidden,
            recipe: &model.info.recipe,
            said: None,
            table,
            sheet,
            seed,
            threads,
        }
    }

    /// A sheet without a model of Recant's.
    pub fn of_sheet(alone: &'a SheetAlone, said: Option<&'a [f32]>, table: &'a Table, seed: Seed, threads: usize) -> Self {
        Self {
            hidden: alone.hidden.clone(),
            recipe: &alone.recipe,
            said,
            table,
            sheet: &alone.sheet,
            seed,
            threads,
        }
    }
}

/// Finds the rest from the flags.
///
/// # Errors
/// Where more than half of the training rows are flagged, training fails, or the person stops it.
pub fn expand(
    search: &Search,
    flags: &ResolvedFlags,
    options: &ExpandOptions,
    notes: &mut Notes,
    progress: &dyn Progress,
) -> Result<Expansion> {
    let flagged = flags.positions();
    let corrections = corrections(flags);
    let found = find_rest(
        &ExpandRequest {
            table: search.table,
            prepared: &search.sheet.prepared,
            labels: &search.sheet.data.labels,
            flagged: &flagged,
            corrections: &corrections,
            hidden: &search.hidden,
            recipe: search.recipe,
            said: search.said,
            options,
            seed: search.seed,
            threads: search.threads,
        },
        progress,
    )?;
    if found.pattern.len() * 5 > found.training_rows {
        notes.add(
            "many-proposed",
            format!(
                "{} of {} training rows are proposed as a pattern",
                found.pattern.len(),
                found.training_rows
            ),
            "look at the rule before you repair with them",
        );
    }
    Ok(found)
}

/// Correct labels of flagged training rows, where the person gave them.
fn corrections(flags: &ResolvedFlags) -> BTreeMap<u32, u8> {
    let given = flags.training.iter();
    given.filter_map(|flag| Some((flag.position, flag.correction?))).collect()
}

/// Ranks likely label errors without flags.
///
/// # Errors
/// Where training fails or the person stops it.
pub fn suspects(search: &Search, folds: usize, progress: &dyn Progress) -> Result<Suspects> {
    find_suspects(
        &SuspectsRequest {
            table: search.table,
            prepared: &search.sheet.prepared,
            labels: &search.sheet.data.labels,
            hidden: &search.hidden,
            recipe: search.recipe,
            said: search.said,
            folds,
            seed: search.seed,
            threads: search.threads,
        },
        progress,
    )
}

/// What was found as a sheet that `recant repair --flags` takes.
///
/// # Errors
/// None in practice: what was found is of this sheet.
pub fn proposal_sheet(search: &Search, flags: &ResolvedFlags, found: &Expansion, ticks: Ticks) -> Result<Table> {
    let corrections = corrections(flags);
    proposals::of_expansion(
        found,
        &flags.positions(),
        &corrections,
        ticks,
        search.table,
        &search.sheet.prepared,
        &search.sheet.data.labels,
    )
}

/// Suspects, or all rows, as a sheet that `recant repair --flags` takes.
///
/// # Errors
/// None in practice: they are of this sheet.
pub fn suspect_sheet(search: &Search, found: &Suspects, all: bool) -> Result<Table> {
    proposals::of_suspects(found, all, search.table, &search.sheet.prepared, &search.sheet.data.labels)
}

/// The flags with rows of the pattern added, as a repair takes them. Counts stay those of the flag file. Of the proposed rows, and of the
/// doubtful ones below the cut, each is taken with its chance of being wrong: then the labels of a rule's rows are on average those of a
/// clean sheet, where taking the sure ones alone would leave a model believing the error wherever it is hard to see. Methods that train
/// learn the taken rows, and the flagged ones that follow a rule and came without a correct label, as their likeliest class.
pub fn with_pattern(flags: &ResolvedFlags, found: &Expansion, model: &ModelFolder, sheet: &TrainingSheet, seed: Seed) -> ResolvedFlags {
    let entries = model.rows.part(Part::Train);
    let mut all = with_likeliest(flags, found);
    all.training.extend(found.drawn(seed).iter().map(|proposal| {
        let position = proposal.row as usize;
        ResolvedFlag {
            position: proposal.row,
            name: sheet.prepared.train.keys.get(position).cloned().unwrap_or_default(),
            sheet_row: entries.get(position).map_or(0, |entry| entry.sheet_row as usize),
            observed: sheet.data.labels.get(position).copied().unwrap_or_default(),
            // A method that trains on rows learns them as what they should be; dropping them all would leave a hole there.
            correction: Some(proposal.likeliest),
            // No line of the flag file: a repair with the training sheet at hand needs none.
            flag: usize::MAX,
        }
    }));
    all.training.sort_by_key(|flag| flag.position);
    all
}

/// The flags, of which those that follow a rule and came without a correct label have their likeliest label in its place, for methods that
/// train.
pub fn with_likeliest(flags: &ResolvedFlags, found: &Expansion) -> ResolvedFlags {
    let mut all = flags.clone();
    for flag in &mut all.training {
        let explained = found.explained.binary_search_by_key(&flag.position, |proposal| proposal.row).ok();
        flag.correction = flag.correction.or_else(|| Some(found.explained.get(explained?)?.likeliest));
    }
    all
}

/// Marks of the training rows where flags lie that follow no rule: those that meet the first thing that the flags share beyond what slips would, and
/// were checked where somebody said which. `None` where flags follow a rule, or share nothing that can be written as one.
///
/// # Errors
/// Where a rule does not fit the sheet.
pub fn where_flags_lie(found: &Expansion, checked: Option<&Rule>, sheet: &TrainingSheet, table: &Table) -> Result<Option<Vec<bool>>> {
    if !found.rules.is_empty() {
        return Ok(None);
    }
    let first = found.shared.iter().find(|shared| !shared.as_slips_would);
    let shared = first.and_then(|shared| shared.rule.as_deref()).map(Rule::parse).transpose()?;
    let rules: Vec<Vec<bool>> = [shared.as_ref(), checked]
        .into_iter()
        .flatten()
        .map(|rule| rule.matches(table, &mut Notes::new()))
        .collect::<Result<_>>()?;
    let meets = |row: &usize| rules.iter().all(|rule| rule.get(*row) == Some(&true));
    Ok((!rules.is_empty()).then(|| sheet.prepared.train.table_rows.iter().map(meets).collect()))
}

/// Of the corrections in a record only those that the person typed are shown as such.
pub fn show_only_typed(typed: &ResolvedFlags, flags: &ResolvedFlags, record: &mut RepairRecord) {
    for ((flag, typed), row) in flags.training.iter().zip(&typed.training).zip(&mut record.flagged_rows) {
        if flag.position == typed.position && typed.correction.is_none() {
            row.correction = None;
        }
    }
}

fn share(shared: &Shared) -> ExpansionShare {
    ExpansionShare {
        conditions: shared.conditions.clone(),
        flags: shared.flags,
        flagged: shared.flagged,
        rows: shared.rows,
        of_rows: shared.of_rows,
        lift: shared.lift,
        p: shared.p,
        as_slips_would: shared.as_slips_would,
    }
}

/// Puts what was found into the record of a repair that was made with [`with_pattern`]'s flags: flagged and proposed rows apart.
/// `typed`: the flags as the person gave them; only corrections of theirs are shown as such.
pub fn record(found: &Expansion, typed: &ResolvedFlags, flags: &ResolvedFlags, record: &mut RepairRecord) {
    let rules = found.rules.iter().map(|rule| ExpansionRule {
        conditions: rule.conditions.clone(),
        flags: rule.flags,
        rows: rule.rows,
        estimated_wrong: rule.estimated_wrong,
        proposed: rule.proposed,
        expected_precision: rule.expected_precision,
    });
    // The record lists the rows in the order of the flags that the repair was given.
    let among = |proposals: &[Proposal], position: u32| proposals.binary_search_by_key(&position, |proposal| proposal.row).is_ok();
    let mut of_doubtful = 0;
    let (mut flagged, mut rows) = (Vec::new(), Vec::new());
    let corrected: BTreeSet<u32> = typed
        .training
        .iter()
        .filter(|flag| flag.correction.is_some())
        .map(|flag| flag.position)
        .collect();
    for (flag, mut row) in flags.training.iter().zip(std::mem::take(&mut record.flagged_rows)) {
        let doubtful = among(&found.doubtful, flag.position);
        of_doubtful += usize::from(doubtful);
        if doubtful || among(&found.pattern, flag.position) {
            rows.push(row);
            continue;
        }
        if !corrected.contains(&flag.position) {
            row.correction = None;
        }
        flagged.push(row);
    }
    record.flagged_rows = flagged;
    record.expansion = Some(ExpansionRecord {
        sentence: found.sentence.clone(),
        shared: found.shared.iter().map(share).collect(),
        rules: rules.collect(),
        expected_precision: found.expected_precision,
        contradictions: found.contradictions.len(),
        proposed: found.pattern.len(),
        doubtful: found.doubtful.len(),
        doubtful_taken: of_doubtful,
        rows,
    });
}
