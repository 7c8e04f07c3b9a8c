//! For tests: a study that trains nothing (every unit is a little arithmetic), and a person who stops a run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::study::{ComputeOne, Shards};
use super::tables::{Cells, csv_file, parquet_file, text, whole};
use super::*;
use crate::progress::Progress;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mock<const OWN_FOLDERS: bool> {
    pub layout_version: u32,
    pub recant_version: String,
    pub mock_seed: u64,
    pub rate: f64,
    pub repetitions: u32,
    pub methods: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub right: u32,
    pub of: u32,
}

pub fn mock<const OWN_FOLDERS: bool>() -> Mock<OWN_FOLDERS> {
    Mock {
        layout_version: 1,
        recant_version: "0.1.0".to_owned(),
        mock_seed: 1,
        rate: 0.1,
        repetitions: 10,
        methods: ["plain", "fancy"].map(str::to_owned).to_vec(),
    }
}

impl<const OWN_FOLDERS: bool> Study for Mock<OWN_FOLDERS> {
    type Key = (u32, usize);
    type Record = Line;
    type Judging = ();
    type Summary = u64;

    const ABOUT: About = About {
        name: "mock study",
        command: "bench mock",
        mark: "mock_seed",
        layout: 1,
        units: "units",
        counted: "trial",
        beside: &["made"],
        shards: if OWN_FOLDERS { Shards::OwnFolders } else { Shards::Neighbours },
        kept: "half a trial goes on from its middle",
    };

    fn check(&self) -> Result<()> {
        match self.repetitions {
            0 => Err(Error::input("a mock study needs a repetition").hint("use `--runs 1`")),
            _ => Ok(()),
        }
    }

    fn units(&self) -> Result<Box<dyn Iterator<Item = Unit<(u32, usize)>> + '_>> {
        let of_repetition = |repetition: u32| {
            self.methods.iter().enumerate().map(move |(place, method)| Unit {
                name: format!("{method}_{repetition:03}"),
                cell: method.clone(),
                group: format!("repetition {repetition}"),
                count: 3,
                cost: if place == 0 { 1.0 } else { 4.0 },
                key: (repetition, place),
            })
        };
        Ok(Box::new((0..self.repetitions).flat_map(of_repetition)))
    }

    fn base(&self) -> Self {
        Self {
            repetitions: 0,
            methods: Vec::new(),
            ..self.clone()
        }
    }

    fn joined(mut self, old: &Self) -> std::result::Result<Self, String> {
        if !self.methods.starts_with(&old.methods) {
            return Err("methods: fewer here than there".to_owned());
        }
        self.repetitions = self.repetitions.max(old.repetitions);
        Ok(self)
    }

    fn unit_settings(&self, unit: &Unit<(u32, usize)>) -> Option<Value> {
        Some(Value::from(unit.key.1))
    }

    fn check_records(&self, _unit: &Unit<(u32, usize)>, records: &[Line]) -> std::result::Result<(), String> {
        match records {
            [one, _] if one.right <= one.of => Ok(()),
            [_, _] => Err("a count is above its whole".to_owned()),
            other => Err(format!("it has {} of 2 records", other.len())),
        }
    }

    fn tables(folder: &RunFolder<Self>) -> Result<()> {
        let mut rows: Vec<Cells> = Vec::new();
        for unit in folder.units()? {
            for line in folder.records(&unit)?.unwrap_or_default() {
                rows.push(vec![
                    ("unit", text(&unit.name)),
                    ("right", whole(line.right)),
                    ("of", whole(line.of)),
                ]);
            }
        }
        csv_file(folder, "records.csv", &mut rows.clone().into_iter().map(Ok))?;
        parquet_file(folder, "records.parquet", &mut rows.into_iter().map(Ok))
    }

    fn summarise(folder: &RunFolder<Self>, (): &(), notes: &mut Notes) -> Result<u64> {
        let mut right = 0;
        for unit in folder.units()? {
            let lines = folder.whole_records(&unit, notes)?.unwrap_or_default();
            right += lines.iter().map(|line| u64::from(line.right)).sum::<u64>();
        }
        Ok(right)
    }
}

/// Computes mock units; may take its time, stop, or use threads.
#[derive(Default)]
pub struct MockEngine {
    pub computed: usize,
    pub prepared: Vec<String>,
    pub stop_after: Option<usize>,
    pub pause: Duration,
    pub threads: Option<usize>,
}

fn lines(settings_seed: u64, key: (u32, usize)) -> Vec<Line> {
    let right = |place: u32| (settings_seed as u32 * 31 + key.0 * 7 + key.1 as u32 + place) % 100;
    (0..2)
        .map(|place| Line {
            right: right(place),
            of: 100,
        })
        .collect()
}

impl<const OWN_FOLDERS: bool> Engine<Mock<OWN_FOLDERS>> for MockEngine {
    fn prepare(&mut self, unit: &Unit<(u32, usize)>, folder: &RunFolder<Mock<OWN_FOLDERS>>, _progress: &dyn Progress) -> Result<()> {
        self.prepared.push(unit.group.clone());
        folder.write_json("made/network.json", &folder.of("network"))
    }

    fn compute(
        &mut self,
        unit: &Unit<(u32, usize)>,
        folder: &RunFolder<Mock<OWN_FOLDERS>>,
        progress: &dyn Progress,
    ) -> Result<Computed<Line>> {
        if self.stop_after == Some(self.computed) {
            return Err(Error::input("the mock was told to stop"));
        }
        std::thread::sleep(self.pause);
        self.computed += 1;
        progress.advance(u64::from(unit.count));
        Ok(Computed {
            records: lines(folder.settings().mock_seed, unit.key),
            timings: Timings {
                seconds: 0.5,
                models: 1,
                threads: 1,
                stages: [("train".to_owned(), 0.25)].into(),
            },
        })
    }

    fn side_by_side(&self) -> Option<(usize, ComputeOne<'_, Mock<OWN_FOLDERS>>)> {
        let compute: ComputeOne<'_, Mock<OWN_FOLDERS>> = Box::new(|unit, _| {
            Ok(Computed {
                records: lines(1, unit.key),
                timings: Timings::default(),
            })
        });
        Some((self.threads?, compute))
    }
}

/// Asks to stop after this many checks.
pub struct StopAfter(pub AtomicU64);

impl Progress for StopAfter {
    fn start(&self, _stage: &str, _steps: u64) {}
    fn advance(&self, _steps: u64) {}
    fn finish(&self) {}
    fn interrupted(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_err()
    }
}
