//! Guessing, from names and values, which column could be label, time, key and group, and what the others are good for.

use crate::error::Result;
use crate::features::audit::Subject;
use crate::features::choose::{Overrides, rare_for};
use crate::features::label::LabelRule;
use crate::features::look::Look;
use crate::features::plan::{self, ColumnUse, Role};
use crate::features::prepare::Usable;
use crate::features::profile::{DateFeatures, Dropped, Others, Profile, Scaling, TimeRule, TimeSort};
use crate::features::{auto, split, words};
use crate::notes::Notes;
use crate::tables::{ColumnKind, Table, Texts};

/// A proposed profile.
pub struct Proposal {
    pub profile: Profile,
    /// Remarks for the profile text: entry and remark.
    pub remarks: Vec<(&'static str, String)>,
    /// What becomes of every column; absent where the sheet could not be tried.
    pub uses: Option<Vec<ColumnUse>>,
}

/// Columns by name with their looks.
struct Columns<'a> {
    names: &'a [String],
    looks: &'a [Look],
}

impl<'a> Columns<'a> {
    fn iter(&self) -> impl Iterator<Item = (&'a String, &'a Look)> + use<'a> {
        self.names.iter().zip(self.looks)
    }

    fn look(&self, name: &str) -> Option<&'a Look> {
        self.iter().find(|(column, _)| *column == name).map(|(_, look)| look)
    }
}

/// Proposes a profile for a sheet that no built-in one fits.
pub fn propose(table: &Table, looks: &[Look], overrides: &Overrides, notes: &mut Notes) -> Result<Proposal> {
    let columns = Columns {
        names: table.names(),
        looks,
    };
    let mut remarks: Vec<(&'static str, String)> = Vec::new();
    let label = match &overrides.label {
        Some(column) => LabelRule::column(column),
        // Made from the two columns further down.
        None if overrides.actual.is_some() => LabelRule::without_column()?,
        None => {
            let (label, candidates) = propose_label(&columns)?;
            if !candidates.is_empty() {
                let taken = label.sources().join("` minus `");
                let others = candidates.join(", ");
                remarks.push(("label", format!("It could also be {others}.")));
                notes.add(
                    "label-candidates",
                    format!("the label could be made from several columns: `{taken}`, and also {others}"),
                    format!("proposed is `{taken}`; `--actual COLUMN --planned COLUMN` or `--label COLUMN` takes another"),
                );
            }
            label
        }
    };
    if label.sources().is_empty() && overrides.actual.is_none() {
        let candidates: Vec<String> = columns
            .iter()
            .filter(|(_, look)| could_be_class(look))
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let list = if candidates.is_empty() {
            "none of them has a few values".to_owned()
        } else {
            candidates.join(", ")
        };
        remarks.push((
            "label",
            format!("No column looks like the class to predict. Columns with a few values: {list}."),
        ));
    }
    let name = table
        .source()
        .file_name
        .split('.')
        .next()
        .filter(|stem| !stem.is_empty())
        .unwrap_or("sheet")
        .to_owned();
    let mut profile = Profile::new(&name, label);
    let stated = Overrides {
        actual: overrides.actual.clone(),
        planned: overrides.planned.clone(),
        leave_out: overrides.leave_out.clone(),
        condition: overrides.condition.clone(),
        ..Overrides::default()
    };
    profile = profile.with_pair(&stated, table)?;
    profile.label = profile.label.resolve(table).unwrap_or(profile.label);
    profile.features.rare = rare_for(table.height());
    profile.description = format!("Written by `recant inspect` for {}.", table.source().file_name);
    profile.reading = table.source().stated;
    profile.time = overrides
        .time
        .clone()
        .or_else(|| propose_time(table, &columns, &profile.label))
        .map(|column| TimeRule {
            order: overrides.date_order.or_else(|| table.date_order(&column).ok().flatten()),
            column,
            sort: TimeSort::Exact,
        });
    profile.key = overrides.key.clone().or_else(|| propose_key(&columns));
    profile.group = overrides.group.clone().or_else(|| propose_group(table, &columns, &profile));
    if let Some(seed) = overrides.seed {
        profile.split.seed = seed & i64::MAX as u64;
    }
    let rows = table.height();
    profile.features.scaling = Scaling::Robust;
    profile.training.network = if rows >= 20_000 { "3x100" } else { "2x50" }.to_owned();
    profile.training.batch = [(20_000, 1024), (2_000, 256), (0, 64)]
        .into_iter()
        .find(|(least, _)| rows >= *least)
        .map_or(64, |(_, batch)| batch);
    let uses = spell_out(table, &mut profile, &columns);
    Ok(Proposal { profile, remarks, uses })
}

fn could_be_class(look: &Look) -> bool {
    (2..=10).contains(&look.distinct()) && look.present() > 0 && look.people.is_none()
}

/// Actual against planned where the names say so, else a column of words for early, on time and late, else the column whose name says that it
/// is a label; with other candidates, in words.
fn propose_label(columns: &Columns) -> Result<(LabelRule, Vec<String>)> {
    let named = columns
        .iter()
        .filter(|(name, look)| could_be_class(look) && label_score(name) > 0)
        .max_by_key(|(name, look)| (label_score(name), std::cmp::Reverse(look.distinct())));
    if let Some((name, _)) = named.filter(|(name, _)| label_score(name) >= 3) {
        return Ok((LabelRule::column(name), Vec::new()));
    }
    let pairs: Vec<(Pair, bool)> = [ColumnKind::Number, ColumnKind::Date]
        .into_iter()
        .flat_map(|kind| pairs(columns, kind).into_iter().map(move |pair| (pair, kind == ColumnKind::Date)))
        .collect();
    // The first of the best: days as numbers come before dates, which they are mostly made from.
    let best = pairs.iter().map(|(pair, _)| pair.rank).max();
    if let Some((pair, dates)) = pairs.iter().find(|(pair, _)| Some(pair.rank) == best) {
        // The same columns told in another unit are no other label; another day is.
        let others = pairs
            .iter()
            .filter(|(other, kind)| kind == dates && (other.actual != pair.actual || other.planned != pair.planned))
            .map(|(other, _)| format!("`{}` minus `{}`", other.actual, other.planned));
        let mut others: Vec<String> = others.collect();
        others.dedup();
        return Ok((LabelRule::early_or_late(pair.actual, pair.planned, *dates)?, others));
    }
    let statuses: Vec<&String> = columns
        .iter()
        .filter(|(_, look)| tells_punctuality(look))
        .map(|(name, _)| name)
        .collect();
    if let [first, others @ ..] = statuses.as_slice() {
        return Ok((LabelRule::column(first), others.iter().map(|name| format!("`{name}`")).collect()));
    }
    match named {
        Some((name, _)) => Ok((LabelRule::column(name), Vec::new())),
        None => Ok((LabelRule::without_column()?, Vec::new())),
    }
}

/// Whether a column's values say early, on time or late: at least two of them, in at least half of the rows.
fn tells_punctuality(look: &Look) -> bool {
    if !could_be_class(look) {
        return false;
    }
    let said: Vec<Option<words::Punctuality>> = look.texts.values.iter().map(|value| words::punctuality(value)).collect();
    let rows: usize = said
        .iter()
        .zip(&look.counts)
        .filter(|(said, _)| said.is_some())
        .map(|(_, count)| count)
        .sum();
    let mut kinds: Vec<words::Punctuality> = said.into_iter().flatten().collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.len() >= 2 && rows * 2 >= look.present()
}

/// How much a name looks like that of a label: 0 not at all, 3 it says so.
fn label_score(name: &str) -> u8 {
    let words = words::words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if has(&["label", "target", "y", "groundtruth"]) || (words.len() == 1 && has(&["class"])) {
        3
    } else if has(&[
        "late",
        "delayed",
        "delay",
        "ontime",
        "overdue",
        "churn",
        "default",
        "fraud",
        "defect",
        "verspätet",
        "retard",
    ]) {
        2
    } else if has(&["outcome", "result"]) || (has(&["delivery", "shipment"]) && has(&["status"])) {
        1
    } else {
        0
    }
}

/// Two columns of which one is what happened and the other the plan.
struct Pair<'a> {
    /// What the names say: that it happened to the customer, then how many words they share.
    rank: (u8, usize),
    actual: &'a str,
    planned: &'a str,
}

/// The pairs of a kind whose names have a word in common, each of what happened with the plan that it shares most words with.
fn pairs<'a>(columns: &Columns<'a>, kind: ColumnKind) -> Vec<Pair<'a>> {
    let of_kind: Vec<&String> = columns
        .iter()
        .filter(|(_, look)| look.kind == kind && look.distinct() > 1)
        .map(|(name, _)| name)
        .collect();
    let units = [
        "day",
        "days",
        "hour",
        "hours",
        "date",
        "time",
        "duration",
        "lead",
        "tage",
        "tagen",
        "stunden",
        "lieferzeit",
        "laufzeit",
        "dauer",
        "jours",
        "heures",
        "délai",
        "días",
        "dias",
        "horas",
        "plazo",
        "giorni",
        "ore",
        "dagen",
        "uren",
        "dni",
    ];
    // `ETA` goes with `ATA`, `ETD` with `ATD`.
    let ports = [("ata", "eta"), ("atd", "etd")];
    let stems = |name: &str| -> Vec<String> { words::words(name).iter().map(|word| stem(word)).collect() };
    let mut found: Vec<Pair> = Vec::new();
    for actual in of_kind.iter().filter(|name| words::after_the_fact(name).is_some()) {
        let own = stems(actual);
        let timed = kind == ColumnKind::Date || words::words(actual).iter().any(|word| units.contains(&word.as_str()));
        let plans = of_kind.iter().filter(|name| timed && words::names_plan(name)).map(|planned| {
            let plan = stems(planned);
            let paired =
                |(actual, planned): &(&str, &str)| own.iter().any(|word| word == actual) && plan.iter().any(|word| word == planned);
            let shared = own.iter().filter(|word| plan.contains(word)).count() + ports.iter().filter(|pair| paired(pair)).count();
            (shared, planned)
        });
        let mut plans: Vec<(usize, &&String)> = plans.filter(|(shared, _)| *shared > 0).collect();
        let most = plans.iter().map(|(shared, _)| *shared).max();
        plans.retain(|(shared, _)| Some(*shared) == most);
        // The first of those that share most; a promise before a wish.
        plans.sort_by_key(|(_, planned)| words::names_wish(planned));
        let wished = |planned: &str| words::names_wish(planned);
        for (place, (shared, planned)) in plans.iter().enumerate() {
            if place == 0 || wished(planned) && !wished(plans[0].1) {
                found.push(Pair {
                    rank: (words::happened(actual), *shared),
                    actual,
                    planned,
                });
            }
        }
    }
    found
}

/// `delivered`, `delivery` and `deliveries` are one word.
fn stem(word: &str) -> String {
    let cut = |ending: &str| word.strip_suffix(ending).filter(|stem| stem.chars().count() >= 4);
    ["ies", "ed", "ery", "ment", "ing", "y", "s"]
        .into_iter()
        .find_map(cut)
        .map_or_else(|| word.to_owned(), |stem| stem.trim_end_matches("er").to_owned())
}

/// A date column that says when things began; else the first that is not a plan and not known only afterwards. Nearly every row that has a label has it:
/// of an order's further rows some programs leave both out.
fn propose_time(table: &Table, columns: &Columns, label: &LabelRule) -> Option<String> {
    let labels = label
        .labels(table, &mut Notes::new())
        .ok()
        .filter(|labels| labels.iter().any(Option::is_some));
    let used = |row: usize| labels.as_ref().is_none_or(|labels| labels[row].is_some());
    let rows: Vec<usize> = (0..table.height()).filter(|row| used(*row)).collect();
    let dates: Vec<(&String, &Look)> = columns
        .iter()
        .filter(|(name, look)| look.kind == ColumnKind::Date && look.distinct() > 1 && !label.sources().contains(&name.as_str()))
        .filter(|(_, look)| rows.iter().filter(|row| look.texts.codes[**row] == Texts::MISSING).count() * 10 <= rows.len())
        .collect();
    let first = |test: &dyn Fn(&str) -> bool| dates.iter().find(|(name, _)| test(name)).map(|(name, _)| (*name).clone());
    first(&words::names_start).or_else(|| first(&|name| !words::names_plan(name) && words::after_the_fact(name).is_none()))
}

/// An id that every row has and no two share; the most particular one where there are several.
fn propose_key(columns: &Columns) -> Option<String> {
    let unique = columns
        .iter()
        .filter(|(name, look)| words::names_id(name) && look.missing() == 0 && look.present() > 1 && look.distinct() == look.present());
    let particular = |name: &str| {
        let words = words::words(name);
        words
            .iter()
            .filter(|word| ["item", "line", "row", "position", "record"].contains(&word.as_str()))
            .count()
    };
    // The first of the most particular ones.
    let mut best: Option<(usize, &String)> = None;
    for (name, _) in unique {
        let score = particular(name);
        if best.is_none_or(|(most, _)| score > most) {
            best = Some((score, name));
        }
    }
    best.map(|(_, name)| name.clone())
}

/// An id that several rows share and that nearly settles the label: rows of one order.
fn propose_group(table: &Table, columns: &Columns, profile: &Profile) -> Option<String> {
    let labels = profile.label.labels(table, &mut Notes::new()).ok()?;
    columns
        .iter()
        .filter(|(name, look)| words::names_id(name) && profile.key.as_ref() != Some(name) && look.missing() * 20 <= look.texts.codes.len())
        .filter(|(_, look)| look.distinct() * 10 <= look.present() * 9 && look.distinct() * 50 >= look.present())
        .find(|(_, look)| {
            // Rows beyond the first of their group, and how many of them have its label.
            let mut first: Vec<Option<u8>> = vec![None; look.distinct()];
            let (mut further, mut alike) = (0_usize, 0_usize);
            for (code, label) in look.texts.codes.iter().zip(&labels) {
                if let (Some(slot), Some(label)) = (first.get_mut(*code as usize), label) {
                    match slot {
                        Some(first) => {
                            further += 1;
                            alike += usize::from(first == label);
                        }
                        None => *slot = Some(*label),
                    }
                }
            }
            further > 0 && alike as f64 >= 0.98 * further as f64
        })
        .map(|(name, _)| name.clone())
}

/// Tries the profile with every column left to `auto`, and writes what came of it into the profile as plain lists.
fn spell_out(table: &Table, profile: &mut Profile, columns: &Columns) -> Option<Vec<ColumnUse>> {
    profile.features.others = Others::Auto;
    let uses = try_out(table, profile).ok()?;
    let mut drops: Vec<Dropped> = Vec::new();
    let mut left_out = |column: &str, why: &str| match drops.iter_mut().find(|entry| entry.why == why) {
        Some(entry) => entry.columns.push(column.to_owned()),
        None => drops.push(Dropped {
            why: why.to_owned(),
            columns: vec![column.to_owned()],
        }),
    };
    for entry in &uses {
        let column = &entry.column;
        match entry.role {
            Role::Number => profile.features.numeric.push(column.clone()),
            Role::Category => profile.features.categorical.push(column.clone()),
            Role::Date => {
                let parts = columns.look(column).map(auto::date_parts).unwrap_or_default();
                let order = table.date_order(column).ok().flatten();
                profile.features.dates.push(DateFeatures {
                    column: column.clone(),
                    parts,
                    order,
                });
            }
            Role::LeftOut => left_out(column, &entry.why),
            Role::Key | Role::Group | Role::Label | Role::Time | Role::Filter => {}
        }
    }
    profile.drop = drops;
    profile.features.others = Others::Drop;
    Some(uses)
}

fn try_out(table: &Table, profile: &Profile) -> Result<Vec<ColumnUse>> {
    let mut aside = Notes::new();
    let mut resolved = profile.clone();
    resolved.label = resolved.label.resolve(table)?;
    let usable = Usable::find(table, &resolved, &mut aside)?;
    let sort = resolved.time.as_ref().map(|time| time.sort).unwrap_or_default();
    let (division, _) = split::divide(&usable.split_rows(), &resolved.split, sort, &mut aside)?;
    let findings = Subject::of_rows(&usable, &division.train, &resolved)?.findings()?;
    let (_, uses) = plan::plan(&usable, &resolved, &division.train, Some(&findings), &mut aside)?;
    Ok(uses)
}
