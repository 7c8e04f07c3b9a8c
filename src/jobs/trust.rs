//! Which rows may judge: those of a sheet come from the same people who made the errors.
//!
//! Suspect is a row that follows a rule which the flags follow, with the label that the rule gives. Where no rule was found, the region is
//! learnt from the inputs alone: a small network tells flagged from other training rows, each half of the rows judged by the network of the
//! other half, and rows as likely as nine in ten flagged ones are in the region; there a label is suspect that the flagged rows carry.
//! Flags all over the place have no region. Where all of these carry one label, far more than slips or false flags would, that label is
//! suspect everywhere; else only flagged rows are known to be wrong. Beside that, a row is doubtful whose label contradicts the rest of its
//! group, where groups otherwise agree.

use std::collections::BTreeMap;

use crate::error::{ErrorKind, Result};
use crate::evaluate::words::{count, percent};
use crate::evaluate::{Chance, Standing};
use crate::jobs::expand::{Search, expand};
use crate::jobs::rows::{JudgedRows, TrainingData, TrainingSheet};
use crate::jobs::rule_chance::RuleChance;
use crate::label_errors::flags::ResolvedFlags;
use crate::label_errors::{ExpandOptions, Expansion};
use crate::model::ModelFolder;
use crate::nn::{Examples, MlpSpec, Network, Recipe, probabilities, train};
use crate::notes::Notes;
use crate::progress::{Progress, Silent};
use crate::seed::Seed;
use crate::tables::{Rule, Table};

/// A region with more of the other training rows than this says nothing.
const LARGEST_REGION: f64 = 0.4;
/// Fewest flags from which a region, or a label, is suspected.
const FEWEST_FLAGS: usize = 10;
/// Fewest flags from which a rule is looked for.
const FEWEST_FOR_A_RULE: usize = 3;
/// Share of the flagged rows' own scores below the cut.
const CUT: f64 = 0.1;
/// Labels that so small a part of the flagged rows carry are not suspect.
const RARE_LABEL: f64 = 0.1;
/// Hidden layer of the small network.
const HIDDEN: usize = 24;
/// Share of the flags that carry one label, from which that label is suspect everywhere.
const ONE_LABEL: f64 = 0.9;
/// Standard deviations by which that must exceed what slips and false flags would give.
const BEYOND_CHANCE: f64 = 4.0;
/// Share of the training groups whose rows all have one label, from which a group with several contradicts itself.
const GROUPS_AGREE: f64 = 0.99;

/// What there is to suspect rows by.
pub struct Evidence<'a> {
    /// The model.
    pub model: &'a ModelFolder,
    /// The sheet it was trained on, where that is at hand.
    pub sheet: Option<(&'a TrainingSheet, &'a Table)>,
    /// The flags as the person gave them.
    pub flags: &'a ResolvedFlags,
    /// What a search for further wrong rows found ([`quiet_search`], or one that the person asked for).
    pub found: Option<&'a Expansion>,
    /// Run seed.
    pub seed: Seed,
    /// Cores to use.
    pub threads: usize,
}

/// Which rows are under suspicion.
#[derive(Default)]
pub struct Suspicion {
    rules: Vec<SuspectRule>,
    region: Option<Region>,
    one_label: Option<u8>,
    /// By label: whether flagged rows carry it.
    carried: Vec<bool>,
    groups_agree: bool,
    words: Option<String>,
}

struct SuspectRule {
    /// By row of the training sheet, whether it meets the rule.
    inside: Vec<bool>,
    /// By row of the training sheet, whether it lies where the errors lie, whatever its label: a condition that says nearly what the label
    /// says would leave rows of some labels only.
    place: Vec<bool>,
    recorded_as: Option<u8>,
    truly: Option<u8>,
    /// Absent where the search says nothing of it.
    chance: Option<RuleChance>,
}

impl SuspectRule {
    /// The chance among these rows; the labels of those that were looked up are the true ones and tell nothing of it.
    fn chance_among(&self, rows: &JudgedRows) -> Option<Chance> {
        let chance = self.chance?;
        let recorded = |row: &usize| !rows.looked_up[*row];
        let inside = |row: &usize| {
            rows.table_rows
                .get(*row)
                .is_some_and(|place| self.inside.get(*place) == Some(&true))
        };
        let region: Vec<usize> = (0..rows.labels.len()).filter(recorded).filter(inside).collect();
        let labelled = region
            .iter()
            .filter(|row| self.recorded_as.is_none_or(|class| class == rows.labels[**row]));
        let flagged = labelled.clone().filter(|row| rows.standing[**row] == Standing::KnownWrong);
        Some(chance.among(region.len(), labelled.clone().count(), flagged.count()))
    }
}

/// Where the flagged rows lie, by their inputs.
struct Region {
    networks: Vec<Network<f32>>,
    cut: f32,
}

impl Suspicion {
    /// Sorts out what the flags have in common.
    ///
    /// # Errors
    /// Where a search fails, or the person stops it.
    pub fn find(evidence: &Evidence, progress: &dyn Progress) -> Result<Self> {
        let positions = evidence.flags.positions();
        let classes = evidence.model.info.classes.len();
        let mut carried = vec![0_usize; classes];
        evidence
            .flags
            .training
            .iter()
            .for_each(|flag| carried[usize::from(flag.observed)] += 1);
        let mut suspicion = Self {
            carried: often(&carried),
            ..Self::default()
        };
        if let Some((sheet, table)) = evidence.sheet {
            suspicion.groups_agree = groups_agree(&sheet.data.labels, sheet.prepared.train.groups.as_deref());
            if let Some(found) = evidence.found {
                suspicion.take_rules(found, table)?;
            }
            if suspicion.rules.is_empty() {
                progress.check()?;
                suspicion.region = region(&sheet.data, &positions, evidence)?;
            }
        }
        if suspicion.rules.is_empty() && suspicion.region.is_none() {
            suspicion.one_label = one_label(&carried, &evidence.model.info.train.class_counts);
        }
        suspicion.put_into_words(&evidence.model.info.classes);
        Ok(suspicion)
    }

    /// What the flags have in common by inputs and labels alone, for a model whose sheet has no profile to look for rules with.
    ///
    /// # Errors
    /// Where sizes do not fit.
    pub fn of_inputs(
        training: &TrainingData,
        width: usize,
        classes: &[String],
        flags: &ResolvedFlags,
        seed: Seed,
        threads: usize,
    ) -> Result<Self> {
        let (positions, counts) = (flags.positions(), |labels: &mut dyn Iterator<Item = u8>| {
            let mut counts = vec![0_usize; classes.len()];
            labels.for_each(|label| counts[usize::from(label)] += 1);
            counts
        });
        let carried = counts(&mut flags.training.iter().map(|flag| flag.observed));
        let region = learnt_region(training, &positions, width, seed, threads)?;
        let one_label = match region {
            Some(_) => None,
            None => one_label(&carried, &counts(&mut training.labels.iter().copied())),
        };
        let mut suspicion = Self {
            carried: often(&carried),
            region,
            one_label,
            ..Self::default()
        };
        suspicion.put_into_words(classes);
        Ok(suspicion)
    }

    fn put_into_words(&mut self, classes: &[String]) {
        let class = |label: u8| classes.get(usize::from(label)).map_or("", String::as_str);
        self.words = match (self.words.take(), &self.region, self.one_label) {
            (Some(words), ..) => Some(words),
            (None, Some(_), _) => Some("inputs like those of the flagged rows".to_owned()),
            (None, None, Some(label)) => Some(format!("label \"{}\", as on the flagged rows", class(label))),
            _ => None,
        };
    }

    fn take_rules(&mut self, found: &Expansion, table: &Table) -> Result<()> {
        let mut told = Vec::new();
        for rule in &found.rules {
            let Some(text) = &rule.rule else { continue };
            let inside = Rule::parse(text)?.matches(table, &mut Notes::new())?;
            let place = match &rule.place {
                Some(place) => Rule::parse(place)?.matches(table, &mut Notes::new())?,
                None => inside.clone(),
            };
            self.rules.push(SuspectRule {
                inside,
                place,
                recorded_as: rule.recorded_as,
                truly: rule.truly,
                chance: Some(RuleChance::of(rule.region_rows, rule.rows, rule.estimated_wrong)),
            });
            told.push(rule.conditions.clone());
        }
        self.words = (!told.is_empty()).then(|| told.join("; "));
        Ok(())
    }

    /// What the suspected rows have in common, in words; absent where none are.
    pub fn words(&self) -> Option<&str> {
        self.words.as_deref()
    }

    /// Whether rows are under suspicion for nothing but the label that nearly all flags carry.
    pub fn is_of_a_label_alone(&self) -> bool {
        self.one_label.is_some() && self.rules.is_empty() && self.region.is_none()
    }

    /// Marks the rows that are under suspicion. Of rows inside a pattern with another label, and of those whose label was looked up, the
    /// label holds, but they are no sample of it, unless no row is doubtful or known to be wrong: then nothing was taken from the sample.
    ///
    /// # Errors
    /// Where sizes do not fit.
    pub fn sort(&self, rows: &mut JudgedRows, threads: usize) -> Result<()> {
        let inside = match &self.region {
            Some(region) => Some(region.inside(&rows.inputs, threads)?),
            None => None,
        };
        let contradicts = match &rows.groups {
            Some(groups) if self.groups_agree => mixed_groups(&rows.labels, groups),
            _ => vec![false; rows.labels.len()],
        };
        let chances: Vec<Option<Chance>> = self.rules.iter().map(|rule| rule.chance_among(rows)).collect();
        for row in 0..rows.labels.len() {
            let label = rows.labels[row];
            let looked_up = rows.looked_up[row];
            let mut mark = |suspect: bool, chance: Option<Chance>, truly: Option<u8>| {
                let now = match rows.standing[row] {
                    Standing::KnownWrong => Standing::KnownWrong,
                    _ if looked_up || !suspect => Standing::BesidePattern,
                    _ => Standing::Doubtful { chance, truly },
                };
                let settled = matches!(rows.standing[row], Standing::Doubtful { .. });
                if !settled {
                    rows.standing[row] = now;
                }
            };
            let place = rows.table_rows.get(row).copied();
            for (rule, chance) in self.rules.iter().zip(&chances) {
                if place.is_some_and(|place| rule.inside.get(place) == Some(&true)) {
                    mark(
                        rule.recorded_as.is_none_or(|class| class == label),
                        *chance,
                        rule.truly.filter(|truly| *truly != label),
                    );
                } else if place.is_some_and(|place| rule.place.get(place) == Some(&true)) {
                    mark(false, None, None);
                }
            }
            if inside.as_ref().is_some_and(|inside| inside[row]) {
                mark(self.carried.get(usize::from(label)) == Some(&true), None, None);
            }
            if let Some(suspect) = self.one_label {
                mark(label == suspect, None, None);
            }
            if contradicts[row] && !looked_up {
                mark(true, None, None);
            }
        }
        if rows.standing.iter().all(|standing| standing.label_holds()) {
            rows.standing.fill(Standing::Trusted);
        }
        Ok(())
    }
}

/// Tells the person that rows to judge by are under suspicion.
pub fn warn(rows: &JudgedRows, name: &str, words: Option<&str>, notes: &mut Notes) {
    let suspect = rows
        .standing
        .iter()
        .filter(|standing| matches!(standing, Standing::Doubtful { .. }))
        .count();
    if suspect == 0 {
        return;
    }
    let like = words.map_or_else(
        || "contradict the rest of their group".to_owned(),
        |words| format!("follow what the flagged rows have in common ({words})"),
    );
    notes.add(
        "judges-under-suspicion",
        format!(
            "{} of {} {name} ({}) {like}: their labels may be wrong in the same way",
            count(suspect),
            count(rows.labels.len()),
            percent(suspect as f64 / rows.labels.len().max(1) as f64, 1)
        ),
        "no verdict rests on them; `recant check` draws some to look up, and `--test SHEET` takes a sheet whose labels you vouch for",
    );
}

/// The search that `--expand` makes, where the person did not ask for it; `None` where it cannot be made.
///
/// # Errors
/// Where the person stops it, or it fails.
pub fn quiet_search(search: &Search, flags: &ResolvedFlags, options: &ExpandOptions, progress: &dyn Progress) -> Result<Option<Expansion>> {
    if flags.training.len() < FEWEST_FOR_A_RULE {
        return Ok(None);
    }
    match expand(search, flags, options, &mut Notes::new(), progress) {
        Ok(found) => Ok(Some(found)),
        // Such as more than half of the rows being flagged: then there is nothing to compare with.
        Err(error) if error.kind() == ErrorKind::Input && options.checked.is_none() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Labels that more than a rare one of the flagged rows carry, of which `carried` counts by label.
fn often(carried: &[usize]) -> Vec<bool> {
    let all = carried.iter().sum::<usize>() as f64;
    carried.iter().map(|count| *count as f64 > RARE_LABEL * all).collect()
}

/// The label that nearly all flags carry, where neither slips nor false flags would give it so often. `flags` and `rows` count by label.
fn one_label(flags: &[usize], rows: &[usize]) -> Option<u8> {
    let (all, total) = (flags.iter().sum::<usize>() as f64, rows.iter().sum::<usize>().max(1) as f64);
    if all < FEWEST_FLAGS as f64 {
        return None;
    }
    // Slips hit rows of every other class alike and book each other class alike.
    let others = (rows.len().max(2) - 1) as f64;
    let slips = |label: usize| (total - rows[label] as f64) / total / others;
    (0..flags.len())
        .find(|label| {
            let share = flags[*label] as f64 / all;
            let by_chance = slips(*label).max(rows[*label] as f64 / total);
            let error = (by_chance * (1.0 - by_chance) / all).sqrt();
            share >= ONE_LABEL && share - by_chance > BEYOND_CHANCE * error
        })
        .and_then(|label| u8::try_from(label).ok())
}

/// Whether groups of several rows nearly always have one label.
fn groups_agree(labels: &[u8], groups: Option<&[u32]>) -> bool {
    let Some(groups) = groups else { return false };
    let mut seen: BTreeMap<u32, (u8, usize, bool)> = BTreeMap::new();
    for (label, group) in labels.iter().zip(groups) {
        let entry = seen.entry(*group).or_insert((*label, 0, false));
        entry.1 += 1;
        entry.2 |= entry.0 != *label;
    }
    let several = seen.values().filter(|(_, rows, _)| *rows > 1);
    let (all, mixed) = several.fold((0, 0), |(all, mixed), (.., differs)| (all + 1, mixed + usize::from(*differs)));
    all >= 50 && (mixed as f64) < (1.0 - GROUPS_AGREE) * f64::from(all)
}

/// Rows of groups with several labels.
fn mixed_groups(labels: &[u8], groups: &[u32]) -> Vec<bool> {
    let mut first: BTreeMap<u32, (u8, bool)> = BTreeMap::new();
    for (label, group) in labels.iter().zip(groups) {
        let entry = first.entry(*group).or_insert((*label, false));
        entry.1 |= entry.0 != *label;
    }
    groups
        .iter()
        .map(|group| *group != u32::MAX && first.get(group).is_some_and(|(_, mixed)| *mixed))
        .collect()
}

impl Region {
    fn inside(&self, inputs: &[f32], threads: usize) -> Result<Vec<bool>> {
        let mut scores: Vec<f32> = Vec::new();
        for network in &self.networks {
            let said = probabilities(network, inputs, threads)?;
            scores.resize(said.len() / 2, 0.0);
            scores
                .iter_mut()
                .zip(said.chunks_exact(2))
                .for_each(|(score, pair)| *score += pair[1] / self.networks.len() as f32);
        }
        Ok(scores.into_iter().map(|score| score >= self.cut).collect())
    }
}

/// Where the flagged training rows lie; `None` where those have no region of their own.
fn region(training: &TrainingData, flagged: &[u32], evidence: &Evidence) -> Result<Option<Region>> {
    learnt_region(training, flagged, evidence.model.features.width(), evidence.seed, evidence.threads)
}

fn learnt_region(training: &TrainingData, flagged: &[u32], width: usize, seed: Seed, threads: usize) -> Result<Option<Region>> {
    if flagged.len() < FEWEST_FLAGS {
        return Ok(None);
    }
    let rows = training.labels.len();
    let mut marks = vec![0_u8; rows];
    flagged.iter().for_each(|position| marks[*position as usize] = 1);
    let mut own = vec![0.0_f32; rows];
    let mut networks = Vec::new();
    for half in 0..2_u32 {
        // Neighbours in time are alike, so the halves are runs of 64 rows in turn.
        let (fit, judged): (Vec<u32>, Vec<u32>) = (0..rows as u32).partition(|row| (row / 64) % 2 == half);
        let found = fit.iter().filter(|row| marks[**row as usize] == 1).count();
        if found < 2 || fit.len() < 4 || found == fit.len() {
            return Ok(None);
        }
        let shares = [fit.len() - found, found].map(|count| fit.len() as f64 / (2.0 * count as f64));
        let recipe = Recipe {
            epochs: 20,
            learning_rate: 0.1,
            batch: 512.min(fit.len() / 2).max(2),
            class_weights: Some(shares.to_vec()),
            ..Recipe::default()
        };
        let mut network = Network::<f32>::initial(&MlpSpec::new(width, vec![HIDDEN], 2)?, Seed(seed.0 ^ u64::from(half)))?;
        let examples = Examples::subset(&training.inputs, width, &marks, &fit);
        if train(&mut network, &examples, &recipe, threads, &Silent::default()).is_err() {
            return Ok(None);
        }
        let all = probabilities(&network, &training.inputs, threads)?;
        judged.iter().for_each(|row| own[*row as usize] = all[*row as usize * 2 + 1]);
        networks.push(network);
    }
    let mut of_flagged: Vec<f32> = flagged.iter().map(|position| own[*position as usize]).collect();
    of_flagged.sort_by(f32::total_cmp);
    let cut = of_flagged[(of_flagged.len() as f64 * CUT) as usize];
    let others = own.iter().zip(&marks).filter(|(_, mark)| **mark == 0);
    let inside = others.clone().filter(|(score, _)| **score >= cut).count();
    if inside as f64 > LARGEST_REGION * others.count() as f64 {
        return Ok(None);
    }
    Ok(Some(Region { networks, cut }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    /// Rows of two inputs; the corner where both are high is the lane whose late orders (2) are recorded as on time (1) in part.
    fn rows(count: usize, stream: u64) -> (Vec<f32>, Vec<u8>, Vec<bool>) {
        let mut rng = Seed(8).stream("auto-test", stream);
        let inputs: Vec<f32> = (0..count * 2).map(|_| rng.random_range(-1.0..1.0)).collect();
        let wrong: Vec<bool> = inputs
            .chunks_exact(2)
            .map(|row| row[0] > 0.4 && row[1] > 0.4 && rng.random_bool(0.6))
            .collect();
        let labels = inputs
            .chunks_exact(2)
            .zip(&wrong)
            .map(|(row, wrong)| {
                if *wrong {
                    1
                } else {
                    u8::from(row[0] > 0.0) + u8::from(row[1] > 0.0)
                }
            })
            .collect();
        (inputs, labels, wrong)
    }

    fn judged(inputs: &[f32], labels: &[u8]) -> JudgedRows {
        JudgedRows {
            inputs: inputs.to_vec(),
            labels: labels.to_vec(),
            groups: None,
            keys: vec![String::new(); labels.len()],
            numbers: None,
            flagged: vec![false; labels.len()],
            looked_up: vec![false; labels.len()],
            standing: vec![Standing::Trusted; labels.len()],
            period: None,
            table_rows: Vec::new(),
        }
    }

    fn by_region(training: &TrainingData, flagged: &[u32], rows: &mut JudgedRows) {
        let suspicion = Suspicion {
            region: learnt_region(training, flagged, 2, Seed(1), 1).unwrap(),
            carried: vec![false, true, false],
            ..Suspicion::default()
        };
        suspicion.sort(rows, 1).unwrap();
    }

    #[test]
    fn rows_that_carry_the_flagged_label_in_the_flagged_corner_are_doubtful() {
        let (inputs, labels, wrong) = rows(4_000, 0);
        let (tail, tail_labels, tail_wrong) = rows(1_000, 1);
        let flagged: Vec<u32> = (0..4_000).filter(|row| wrong[*row as usize] && row % 3 == 0).collect();
        let training = TrainingData { inputs, labels };
        let mut found = judged(&tail, &tail_labels);
        found.looked_up[0] = true;
        by_region(&training, &flagged, &mut found);
        let is_doubtful = |standing: &Standing| matches!(standing, Standing::Doubtful { .. });
        let wrong_rows = tail_wrong.iter().filter(|wrong| **wrong).count();
        let held = tail_wrong
            .iter()
            .zip(&found.standing)
            .filter(|(wrong, standing)| **wrong && !is_doubtful(standing))
            .count();
        assert!((held as f64) < 0.25 * wrong_rows as f64, "{held} of {wrong_rows}");
        let right_doubted = tail_wrong
            .iter()
            .zip(&found.standing)
            .filter(|(wrong, standing)| !**wrong && is_doubtful(standing))
            .count();
        assert!(right_doubted < 60, "{right_doubted}");
        // Rows of the corner with another label hold, and are no sample of it.
        assert!(found.standing.contains(&Standing::BesidePattern));
    }

    /// A rule on the lane and on a column that tells the label: rows of the lane with another label are no sample of it either.
    #[test]
    fn a_condition_that_tells_the_label_does_not_leave_rows_of_one_label_trusted() {
        let mut found = judged(&[0.0; 10], &[1, 1, 2, 1, 2]);
        found.table_rows = vec![0, 1, 2, 3, 4];
        let suspicion = Suspicion {
            rules: vec![SuspectRule {
                inside: vec![true, false, true, false, false],
                place: vec![true, true, true, false, false],
                recorded_as: Some(1),
                truly: Some(2),
                chance: None,
            }],
            ..Suspicion::default()
        };
        suspicion.sort(&mut found, 1).unwrap();
        let doubtful = Standing::Doubtful {
            chance: None,
            truly: Some(2),
        };
        let beside = Standing::BesidePattern;
        assert_eq!(found.standing, [doubtful, beside, beside, Standing::Trusted, Standing::Trusted]);
        // Where the error had stopped before these rows, all of them are a sample.
        let mut later = judged(&[0.0; 10], &[2, 1, 2, 1, 2]);
        later.table_rows = vec![0, 1, 2, 3, 4];
        suspicion.sort(&mut later, 1).unwrap();
        assert!(later.standing.iter().all(|standing| standing.is_trusted()));
    }

    #[test]
    fn flags_all_over_the_place_cast_no_suspicion() {
        let (inputs, labels, _) = rows(4_000, 0);
        let (tail, tail_labels, _) = rows(1_000, 1);
        let flagged: Vec<u32> = (0..4_000).filter(|row| row % 25 == 7).collect();
        let training = TrainingData { inputs, labels };
        let mut found = judged(&tail, &tail_labels);
        found.standing[5] = Standing::KnownWrong;
        by_region(&training, &flagged, &mut found);
        assert_eq!(found.standing.iter().filter(|standing| !standing.is_trusted()).count(), 1);
    }

    #[test]
    fn a_label_is_suspect_everywhere_only_where_neither_slips_nor_false_flags_explain_it() {
        assert_eq!(one_label(&[0, 95, 5], &[300, 200, 500]), Some(1));
        // Slips of two classes book the rarer one most of the time; false flags hit the commoner one.
        assert_eq!(one_label(&[10, 90], &[900, 100]), None);
        assert_eq!(one_label(&[90, 10], &[900, 100]), None);
        assert_eq!(one_label(&[100, 0], &[500, 500]), Some(0));
        assert_eq!(one_label(&[0, 9, 0], &[300, 200, 500]), None);
    }

    #[test]
    fn a_group_with_two_labels_is_doubtful_where_groups_agree() {
        let groups: Vec<u32> = (0..200).map(|row| row / 2).collect();
        let labels: Vec<u8> = groups.iter().map(|group| (group % 2) as u8).collect();
        assert!(groups_agree(&labels, Some(&groups)));
        let mut mixed = labels.clone();
        (0..20).for_each(|group| mixed[group * 2] ^= 1);
        assert!(!groups_agree(&mixed, Some(&groups)));
        assert_eq!(mixed_groups(&[0, 1, 1, 1], &[7, 7, 8, 8]), [true, true, false, false]);
    }
}
