//! Which scenarios there are, what each is called, and how they are cut into chunks.

use crate::error::Result;
use crate::label_errors::Amount;
use crate::scenarios::settings::Settings;
use crate::scenarios::shard::Shard;

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

/// All chunks of a batch, in the order in which they are computed and merged: by size, then scenario numbers, then error rate.
///
/// So a run that was stopped early has some scenarios at every error rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The chunks.
    pub chunks: Vec<Chunk>,
}

impl Plan {
    /// The plan of a batch.
    ///
    /// # Errors
    /// Where an error rate cannot be read.
    pub fn new(settings: &Settings) -> Result<Self> {
        let errors: Vec<String> = settings
            .errors
            .iter()
            .map(|text| Ok(text.parse::<Amount>()?.to_string().replace('%', "pct")))
            .collect::<Result<_>>()?;
        let mut chunks = Vec::new();
        for (size, entry) in settings.sizes.iter().enumerate() {
            let mut start = 0;
            while start < entry.runs {
                let end = start.saturating_add(settings.chunk).min(entry.runs);
                for (error, rate) in errors.iter().enumerate() {
                    chunks.push(Chunk {
                        cell: Cell { size, error },
                        runs: start..end,
                        name: format!("{}_{rate}_{start:04}-{:04}", entry.size.replace(',', "-"), end - 1),
                    });
                }
                start = end;
            }
        }
        Ok(Self { chunks })
    }

    /// Scenarios in all.
    pub fn scenarios(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.runs.len() as u64).sum()
    }

    /// The chunks of one shard: every n-th, so that each shard gets its part of every size.
    pub fn of_shard(&self, shard: Shard) -> impl Iterator<Item = &Chunk> {
        self.chunks.iter().skip(shard.index() as usize).step_by(shard.count() as usize)
    }
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
    use crate::scenarios::settings::tests::small;

    #[test]
    fn every_scenario_is_in_exactly_one_chunk() {
        let settings = small();
        let plan = Plan::new(&settings).unwrap();
        assert_eq!(plan.scenarios(), 3 * (7 + 4));
        let mut seen = std::collections::BTreeSet::new();
        for chunk in &plan.chunks {
            assert!(chunk.runs.len() <= 3 && !chunk.runs.is_empty());
            for run in chunk.runs.clone() {
                assert!(seen.insert((chunk.cell, run)));
            }
        }
        assert_eq!(seen.len(), 33);
        let names: std::collections::BTreeSet<_> = plan.chunks.iter().map(|chunk| &chunk.name).collect();
        assert_eq!(names.len(), plan.chunks.len());
        assert_eq!(plan.chunks[1].name, "2x5_5pct_0000-0002");
    }

    #[test]
    fn shards_divide_the_plan_and_each_gets_its_part_of_every_size() {
        let mut settings = small();
        settings.sizes.iter_mut().for_each(|size| size.runs = 40);
        let plan = Plan::new(&settings).unwrap();
        for count in [1, 2, 3, 5, 7] {
            let mut all = Vec::new();
            for number in 1..=count {
                let shard = Shard::new(number, count).unwrap();
                let part: Vec<_> = plan.of_shard(shard).cloned().collect();
                for size in 0..2 {
                    let here = part.iter().filter(|chunk| chunk.cell.size == size).count();
                    let fair = plan.chunks.iter().filter(|chunk| chunk.cell.size == size).count() / count as usize;
                    assert!(here.abs_diff(fair) <= 1, "{count} shards, size {size}: {here} against {fair}");
                }
                all.extend(part.into_iter().map(|chunk| chunk.name));
            }
            all.sort();
            let mut names: Vec<_> = plan.chunks.iter().map(|chunk| chunk.name.clone()).collect();
            names.sort();
            assert_eq!(all, names);
        }
    }

    #[test]
    fn a_grown_batch_keeps_the_names_of_whole_chunks() {
        let old = small();
        let mut more = old.clone();
        more.sizes[0].runs = 30;
        let names =
            |settings: &Settings| -> Vec<String> { Plan::new(settings).unwrap().chunks.into_iter().map(|chunk| chunk.name).collect() };
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
