//! Which scenarios there are, what each is called, and how they are cut into chunks.

use crate::error::Result;
use crate::experiments::Unit;
use crate::experiments::random_errors::settings::Settings;
use crate::label_errors::Amount;

/// One network size at one error rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Index into [`Settings::sizes`].
    pub size: usize,
    /// Index into [`Settings::errors`].
    pub error: usize,
}

/// Some scenarios of one cell that are computed and written together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The cell.
    pub cell: Cell,
    /// Scenario numbers, counted from 0.
    pub runs: std::ops::Range<u32>,
    /// Its name, which is its file name without ending: `3x100_5pct_0010-0019`.
    pub name: String,
}

/// All chunks of a batch, in the order in which they are computed and merged: by size, then scenario numbers, then error rate. So a run that
/// was stopped early has some scenarios at every error rate.
///
/// # Errors
/// Where an error rate cannot be read.
pub fn chunks(settings: &Settings) -> Result<impl Iterator<Item = Chunk> + '_> {
    let errors: Vec<String> = settings
        .errors
        .iter()
        .map(|text| Ok(text.parse::<Amount>()?.to_string().replace('%', "pct")))
        .collect::<Result<_>>()?;
    Ok(settings.sizes.iter().enumerate().flat_map(move |(size, entry)| {
        let errors = errors.clone();
        (0..entry.runs).step_by(settings.chunk.max(1) as usize).flat_map(move |start| {
            let end = start.saturating_add(settings.chunk).min(entry.runs);
            let chunk = move |(error, rate): (usize, String)| Chunk {
                cell: Cell { size, error },
                runs: start..end,
                name: format!("{}_{rate}_{start:04}-{:04}", entry.size.replace(',', "-"), end - 1),
            };
            errors.clone().into_iter().enumerate().map(chunk)
        })
    }))
}

impl Settings {
    /// A chunk as the runner takes it.
    pub(super) fn unit(&self, chunk: Chunk) -> Unit<Chunk> {
        let size = &self.sizes[chunk.cell.size].size;
        let scenarios = chunk.runs.len() as u32;
        Unit {
            name: chunk.name.clone(),
            cell: format!("{size}, {} errors", self.errors[chunk.cell.error]),
            group: size.clone(),
            count: scenarios,
            cost: f64::from(scenarios) * cost(size),
            key: chunk,
        }
    }
}

/// Relative cost of a scenario: weights between hidden layers decide the time of a wide network; the constant stands for what a narrow one
/// costs anyway.
fn cost(size: &str) -> f64 {
    let widths: Vec<f64> = match size.split_once('x') {
        Some((layers, width)) => vec![width.parse().unwrap_or(1.0); layers.parse::<usize>().unwrap_or(1).min(1_000)],
        None => size.split(',').filter_map(|width| width.parse().ok()).collect(),
    };
    let weights: f64 = widths.windows(2).map(|pair| pair[0] * pair[1]).sum();
    weights + 40.0 * widths.iter().sum::<f64>() + 1000.0
}

/// Name and index of the random stream of a scenario's errors. The same errors meet every network size, so that sizes are comparable.
///
/// `error` is the rate as [`Amount`] prints it, so `5%` and `0.05` are the same scenario.
pub fn error_stream(kind: &str, error: Amount, run: u32) -> (String, u64) {
    (format!("scenario-errors/{kind}/{error}"), u64::from(run))
}

/// Name and index of the random stream from which the seed of a scenario's initial weights is drawn.
///
/// With one initialisation it is the same for every scenario, as in the paper; with more they are nested under the scenarios.
/// Error rates and sizes share them, so that cells are comparable.
pub fn initial_stream(init_seeds: u32, run: u32, init: u32) -> (String, u64) {
    if init_seeds == 1 {
        ("scenario-initial-weights".to_owned(), 0)
    } else {
        (format!("scenario-initial-weights/{run}"), u64::from(init))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::random_errors::settings::tests::small;
    use crate::experiments::{Shard, Study};

    fn all(settings: &Settings) -> Vec<Chunk> {
        chunks(settings).unwrap().collect()
    }

    #[test]
    fn every_scenario_is_in_exactly_one_chunk() {
        let found = all(&small());
        let mut seen = std::collections::BTreeSet::new();
        for chunk in &found {
            assert!(chunk.runs.len() <= 3 && !chunk.runs.is_empty());
            for run in chunk.runs.clone() {
                assert!(seen.insert((chunk.cell, run)));
            }
        }
        assert_eq!(seen.len(), 3 * (7 + 4));
        let names: std::collections::BTreeSet<_> = found.iter().map(|chunk| &chunk.name).collect();
        assert_eq!(names.len(), found.len());
        assert_eq!(found[1].name, "2x5_5pct_0000-0002");
    }

    #[test]
    fn shards_divide_the_chunks_and_each_gets_its_part_of_every_size() {
        let mut settings = small();
        settings.sizes.iter_mut().for_each(|size| size.runs = 40);
        let found = all(&settings);
        for count in [1, 2, 3, 5, 7] {
            let mut seen = Vec::new();
            for number in 1..=count {
                let part = Shard::new(number, count).unwrap().part(&found, Settings::ABOUT.shards);
                for size in 0..2 {
                    let here = part.iter().filter(|chunk| chunk.cell.size == size).count();
                    let fair = found.iter().filter(|chunk| chunk.cell.size == size).count() / count as usize;
                    assert!(here.abs_diff(fair) <= 1, "{count} shards, size {size}: {here} against {fair}");
                }
                seen.extend(part.into_iter().map(|chunk| chunk.name.clone()));
            }
            seen.sort();
            let mut names: Vec<_> = found.iter().map(|chunk| chunk.name.clone()).collect();
            names.sort();
            assert_eq!(seen, names);
        }
    }

    #[test]
    fn a_grown_batch_keeps_the_names_of_whole_chunks() {
        let old = small();
        let mut more = old.clone();
        more.sizes[0].runs = 30;
        let names = |settings: &Settings| -> Vec<String> { all(settings).into_iter().map(|chunk| chunk.name).collect() };
        let kept = names(&old).iter().filter(|name| names(&more).contains(name)).count();
        // All but the cut-off last chunk of the first size at the three error rates.
        assert_eq!(kept, names(&old).len() - 3);
    }

    #[test]
    fn streams_are_named_by_what_the_scenario_is() {
        let stream = |text: &str| error_stream("uniform", text.parse().unwrap(), 3);
        assert_eq!(stream("5%"), stream("0.05"));
        assert_ne!(stream("5%"), stream("1%"));
        assert_eq!(initial_stream(1, 3, 0), initial_stream(1, 4, 0));
        assert_ne!(initial_stream(2, 3, 0), initial_stream(2, 4, 0));
        assert_ne!(initial_stream(2, 3, 0), initial_stream(2, 3, 1));
    }
}
