//! Mislabelling a label vector: which rows, and which wrong label. Fast enough for many thousand scenarios.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{Amount, LabelCorruption};
use crate::error::{Error, Result};

/// Whether a row (its position) can be recorded under a class at all: a derived label may have no cell value that gives it.
pub type CanBook<'a> = &'a dyn Fn(usize, u8) -> bool;

/// The rows an error may hit. All slices have one entry per training row, in training order.
#[derive(Clone, Copy)]
pub struct Domain<'a> {
    /// Clean labels, class indices below `classes`.
    pub clean: &'a [u8],
    /// Number of classes, at least 2.
    pub classes: usize,
    /// Which rows meet the condition of the error; `None`: all.
    pub matches: Option<&'a [bool]>,
    /// Rows that an earlier error has already hit; they are left alone.
    pub taken: Option<&'a [bool]>,
    /// Group of each row, such as its order: groups are hit whole or not at all, and rows of one group with one clean label
    /// get one wrong label. A group is hit only if each of its rows can be.
    pub groups: Option<&'a [u32]>,
    /// Which classes a row can be recorded under; `None`: all. Rows without a possible wrong class are not hit, and the others get
    /// the error's wrong label given that it is possible.
    pub can_book: Option<CanBook<'a>>,
}

impl<'a> Domain<'a> {
    /// All rows, one by one.
    pub fn rows(clean: &'a [u8], classes: usize) -> Self {
        Self {
            clean,
            classes,
            matches: None,
            taken: None,
            groups: None,
            can_book: None,
        }
    }

    fn check(&self) -> Result<()> {
        let rows = self.clean.len();
        let lengths = [
            self.matches.map(<[bool]>::len),
            self.taken.map(<[bool]>::len),
            self.groups.map(<[u32]>::len),
        ];
        if lengths.iter().flatten().any(|length| *length != rows) {
            return Err(Error::internal("injection: slices of unequal length"));
        }
        if u32::try_from(rows).is_err() {
            return Err(Error::input(format!("{rows} training rows are more than 4,294,967,295")));
        }
        match self.clean.iter().max() {
            None => Err(Error::input("there are no training rows to mislabel")),
            Some(largest) if usize::from(*largest) >= self.classes || self.classes < 2 => {
                Err(Error::internal("injection: a label beyond the class list"))
            }
            Some(_) => Ok(()),
        }
    }
}

/// What came of an injection. The clean labels stay with the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injected {
    /// Observed labels, one per training row.
    pub labels: Vec<u8>,
    /// Positions of the mislabelled rows (the manipulated set), ascending. With the `paper` kind some of them kept their label.
    pub flagged: Vec<u32>,
    /// Rows that were to be hit; more than `flagged` only where whole groups do not add up to it.
    pub wanted: usize,
}

/// Mislabels rows. Draws from `rng` alone: equal generators give equal results.
///
/// Without groups exactly `amount` rows are hit. Whole groups may not add up to it: then it is the most that fits, going through
/// the groups in random order and skipping those that would exceed it.
///
/// # Errors
/// Where the amount is less than one row or more than the error can hit.
pub fn inject_labels(mistake: &dyn LabelCorruption, domain: &Domain, amount: Amount, rng: &mut ChaCha8Rng) -> Result<Injected> {
    domain.check()?;
    let flagged = match domain.groups {
        None => draw_rows(mistake, domain, amount, rng)?,
        Some(groups) => return inject_groups(mistake, domain, groups, amount, rng),
    };
    let mut labels = domain.clean.to_vec();
    for position in &flagged {
        let label = &mut labels[*position as usize];
        *label = wrong_label(mistake, *label, std::slice::from_ref(position), domain, rng);
    }
    let wanted = flagged.len();
    Ok(Injected { labels, flagged, wanted })
}

/// Redraws before giving up on chance; with one possible class of 255 the probability of needing more is e^-15.
const REDRAWS: usize = 4_000;

/// A wrong label that all of these rows, which have the same clean label, can be recorded under.
fn wrong_label(mistake: &dyn LabelCorruption, clean: u8, rows: &[u32], domain: &Domain, rng: &mut ChaCha8Rng) -> u8 {
    let Some(can_book) = domain.can_book else {
        return mistake.wrong_label(clean, rng);
    };
    let possible = |label: u8| rows.iter().all(|row| can_book(*row as usize, label));
    for _ in 0..REDRAWS {
        let label = mistake.wrong_label(clean, rng);
        if possible(label) {
            return label;
        }
    }
    // Eligible rows have such a class.
    let classes = 0..domain.classes as u8;
    classes
        .into_iter()
        .find(|label| mistake.reaches(clean, *label) && possible(*label))
        .unwrap_or(clean)
}

/// Whether rows of one clean label have a wrong class in common that they can be recorded under.
fn bookable(mistake: &dyn LabelCorruption, clean: u8, rows: &[u32], domain: &Domain) -> bool {
    domain.can_book.is_none_or(|can_book| {
        (0..domain.classes as u8).any(|label| mistake.reaches(clean, label) && rows.iter().all(|row| can_book(*row as usize, label)))
    })
}

/// Positions, ascending, that the error can hit.
fn eligible(mistake: &dyn LabelCorruption, domain: &Domain) -> Vec<u32> {
    let hit: Vec<bool> = (0..domain.classes).map(|class| mistake.can_hit(class as u8)).collect();
    (0..domain.clean.len() as u32)
        .filter(|position| {
            let row = *position as usize;
            hit[usize::from(domain.clean[row])]
                && domain.matches.is_none_or(|matches| matches[row])
                && domain.taken.is_none_or(|taken| !taken[row])
                && bookable(mistake, domain.clean[row], std::slice::from_ref(position), domain)
        })
        .collect()
}

fn draw_rows(mistake: &dyn LabelCorruption, domain: &Domain, amount: Amount, rng: &mut ChaCha8Rng) -> Result<Vec<u32>> {
    let mut pool = eligible(mistake, domain);
    let rows = amount.rows(domain.clean.len(), pool.len())?;
    let mut drawn = match mistake.quotas(rows, &per_class(domain, &pool)) {
        None => {
            choose(&mut pool, rows, rng);
            pool
        }
        Some(quotas) => {
            let mut drawn = Vec::with_capacity(rows);
            for (class, quota) in quotas.iter().enumerate().filter(|(_, quota)| **quota > 0) {
                let mut part: Vec<u32> = pool
                    .iter()
                    .copied()
                    .filter(|position| usize::from(domain.clean[*position as usize]) == class)
                    .collect();
                choose(&mut part, *quota, rng);
                drawn.append(&mut part);
            }
            drawn
        }
    };
    drawn.sort_unstable();
    Ok(drawn)
}

fn per_class(domain: &Domain, pool: &[u32]) -> Vec<usize> {
    let mut counts = vec![0; domain.classes];
    for position in pool {
        counts[usize::from(domain.clean[*position as usize])] += 1;
    }
    counts
}

/// Keeps `count` random elements of a list, in random order: the first steps of a Fisher-Yates shuffle.
pub(super) fn choose(pool: &mut Vec<u32>, count: usize, rng: &mut ChaCha8Rng) {
    let count = count.min(pool.len());
    for index in 0..count {
        let other = rng.random_range(index..pool.len());
        pool.swap(index, other);
    }
    pool.truncate(count);
}

fn inject_groups(mistake: &dyn LabelCorruption, domain: &Domain, groups: &[u32], amount: Amount, rng: &mut ChaCha8Rng) -> Result<Injected> {
    let mut can_be_hit = vec![false; domain.clean.len()];
    for position in eligible(mistake, domain) {
        can_be_hit[position as usize] = true;
    }
    // Rows of one group stand together, groups in the order of their first row.
    let mut by_group: Vec<u32> = (0..domain.clean.len() as u32).collect();
    by_group.sort_by_key(|position| groups[*position as usize]);
    let mut members: Vec<&[u32]> = by_group
        .chunk_by(|left, right| groups[*left as usize] == groups[*right as usize])
        .filter(|rows| rows.iter().all(|position| can_be_hit[*position as usize]))
        .filter(|rows| {
            by_label(rows, domain)
                .iter()
                .all(|(clean, part)| bookable(mistake, *clean, part, domain))
        })
        .collect();
    members.sort_by_key(|rows| rows[0]);
    let pool: Vec<u32> = members.iter().flat_map(|rows| rows.iter().copied()).collect();
    let rows = amount.rows(domain.clean.len(), pool.len())?;
    let mut room = match mistake.quotas(rows, &per_class(domain, &pool)) {
        Some(quotas) => quotas,
        None => vec![rows; domain.classes],
    };

    let mut order: Vec<u32> = (0..members.len() as u32).collect();
    let all = order.len();
    choose(&mut order, all, rng);
    let mut labels = domain.clean.to_vec();
    let mut flagged = Vec::with_capacity(rows);
    for index in order {
        let group = members[index as usize];
        let counts = per_class(domain, group);
        let fits = counts.iter().zip(&room).all(|(count, room)| count <= room);
        if flagged.len() + group.len() > rows || !fits {
            continue;
        }
        for (clean, part) in by_label(group, domain) {
            let wrong = wrong_label(mistake, clean, &part, domain, rng);
            part.iter().for_each(|position| labels[*position as usize] = wrong);
        }
        flagged.extend_from_slice(group);
        room.iter_mut().zip(&counts).for_each(|(room, count)| *room -= count);
        if flagged.len() == rows {
            break;
        }
    }
    if flagged.is_empty() {
        return Err(Error::input(format!("no whole group has {rows} rows or fewer")).hint("mislabel more rows, or rows one by one"));
    }
    flagged.sort_unstable();
    Ok(Injected {
        labels,
        flagged,
        wanted: rows,
    })
}

/// The rows of a group by clean label, ascending.
fn by_label(group: &[u32], domain: &Domain) -> Vec<(u8, Vec<u32>)> {
    let mut parts: Vec<(u8, Vec<u32>)> = Vec::new();
    for position in group {
        let clean = domain.clean[*position as usize];
        match parts.binary_search_by_key(&clean, |(label, _)| *label) {
            Ok(place) => parts[place].1.push(*position),
            Err(place) => parts.insert(place, (clean, vec![*position])),
        }
    }
    parts
}

#[cfg(test)]
mod tests;
