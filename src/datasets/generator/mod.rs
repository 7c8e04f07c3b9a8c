//! Made-up DataCo-style order sheets of any size: `recant generate`.
//!
//! All 53 columns carry the original's names, order and formats. How late an order is depends on shipping mode, lane, region, country,
//! weekday, season, segment and goods, all known when the order is placed (see `delay.rs`), and on chance; so a classifier has
//! something honest to learn, and the best accuracy that anyone can reach is known exactly. Late-delivery risk, delivery status, actual
//! days and shipping date give the label away, as they do in the original. Customers, streets and products are invented.
//!
//! ```
//! use recant::datasets::generator::{Options, Sheet};
//!
//! let sheet = Sheet::past(&Options { rows: 2_000, ..Options::default() })?;
//! let summary = sheet.summary();
//! assert_eq!(summary.rows, 2_000);
//! assert!(summary.bayes_accuracy > summary.majority_share + 0.2);
//! # Ok::<(), recant::Error>(())
//! ```

mod catalogue;
mod delay;
mod draw;
mod orders;
mod people;
mod places;
mod row;
mod table;
mod write;

use chrono::NaiveDate;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::delay::Mode;
use self::orders::{Order, Plan};
use self::places::MARKETS;
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::seed::Seed;

use super::columns::DATACO_COLUMNS;

/// Chunks that are held in memory at once (about 45,000 rows).
const BATCH: usize = 32;

/// What to generate. Equal options give equal bytes, whatever the number of threads.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Rows (order items), exactly.
    pub rows: usize,
    /// Seed of customers, orders and chance. The effects behind the delays are the same for every seed.
    pub seed: Seed,
    /// First day of the period.
    pub start: NaiveDate,
    /// Days of the period; orders are spread over all of it, however many there are.
    pub days: u32,
    /// Multiplies every effect on delay, in `0..=10`: 1 is the normal strength, 0 leaves pure chance.
    pub signal: f64,
    /// Share of orders with the status COMPLETE, in `0..=1`; 0.33 in the original.
    pub complete_share: f64,
}

impl Default for Options {
    /// The original's size and period: 180,519 rows from 2015-01-01 to 2018-01-31, a third COMPLETE.
    fn default() -> Self {
        Self {
            rows: 180_519,
            seed: Seed(0),
            start: NaiveDate::from_ymd_opt(2015, 1, 1).unwrap_or_default(),
            days: 1_127,
            signal: 1.0,
            complete_share: 0.33,
        }
    }
}

impl Options {
    fn check(&self) -> Result<()> {
        let wrong = |what: &str, value: String, hint: &str| Err(Error::input(format!("{what} cannot be `{value}`")).hint(hint));
        if self.rows == 0 {
            return wrong(
                "the number of rows",
                "0".to_owned(),
                "ask for at least one row, such as `--rows 1000`",
            );
        }
        if !(1..=36_525).contains(&self.days) {
            return wrong("the number of days", self.days.to_string(), "choose from 1 to 36525 days");
        }
        if !(0.0..=10.0).contains(&self.signal) {
            return wrong(
                "the signal strength",
                self.signal.to_string(),
                "choose from 0 (pure chance) to 10; 1 is normal",
            );
        }
        if !(0.0..=1.0).contains(&self.complete_share) {
            return wrong(
                "the share of COMPLETE orders",
                self.complete_share.to_string(),
                "choose a fraction from 0 to 1",
            );
        }
        if !(1..=9_998).contains(&chrono::Datelike::year(&self.start)) {
            return wrong("the first day", self.start.to_string(), "choose a year from 1 to 9998");
        }
        Ok(())
    }
}

/// Which part of the story a sheet tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Past,
    NextWeek { rows: usize },
}

/// A sheet that can be written, turned into columns, or summed up. Holds a plan, not the rows: those are drawn when asked for.
pub struct Sheet {
    plan: Plan,
    rows: usize,
    outcome: bool,
}

/// What was generated, from the generator's own probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Rows (order items).
    pub rows: usize,
    /// Orders.
    pub orders: usize,
    /// Rows whose order is COMPLETE.
    pub complete_rows: usize,
    /// Date of the first and last order, ISO 8601.
    pub period: (String, String),
    /// Share of rows that are early, on time, late.
    pub class_shares: [f64; 3],
    /// The largest of them: what a classifier reaches that always says the same.
    pub majority_share: f64,
    /// The best accuracy anyone can expect who knows the whole order when it is placed: the mean over rows of the largest class
    /// probability. A classifier that sees one item at a time knows a little less (the order's other items count).
    pub bayes_accuracy: f64,
    /// Market by shipping mode.
    pub lanes: Vec<Lane>,
}

/// A lane: the orders of one market that go by one shipping mode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    /// Market.
    pub market: String,
    /// Shipping mode.
    pub mode: String,
    /// Share of all rows.
    pub share: f64,
    /// Share of its rows that are late; absent for a lane without rows.
    pub late: Option<f64>,
    /// Its late rows as a share of all rows.
    pub late_share_of_all: f64,
}

impl Sheet {
    /// Orders with known outcome: `options.rows` rows.
    ///
    /// # Errors
    /// Where an option is out of its range.
    pub fn past(options: &Options) -> Result<Self> {
        options.check()?;
        Ok(Self {
            plan: Plan::new(options, Part::Past)?,
            rows: options.rows,
            outcome: true,
        })
    }

    /// The orders of the seven days after the period of `options`, with the same customers and consecutive ids, as they stand before
    /// they are shipped: actual days, shipping date, delivery status and late risk are blank, the order status is PENDING (or
    /// PENDING_PAYMENT).
    ///
    /// # Errors
    /// As [`Sheet::past`], and where `rows` is 0.
    pub fn next_week(options: &Options, rows: usize) -> Result<Self> {
        options.check()?;
        Options { rows, ..options.clone() }.check()?;
        Ok(Self {
            plan: Plan::new(options, Part::NextWeek { rows })?,
            rows,
            outcome: false,
        })
    }

    /// The same orders once their outcome is recorded.
    #[must_use]
    pub fn with_outcome(mut self) -> Self {
        self.outcome = true;
        self
    }

    /// Rows, as asked for.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Draws the orders and sums them up, without writing them.
    pub fn summary(&self) -> Summary {
        let mut tally = Tally::default();
        for first in (0..self.plan.chunks()).step_by(BATCH) {
            let chunks: Vec<Tally> = self.batch(first).map(|chunk| Tally::of(&self.plan.chunk(chunk))).collect();
            chunks.iter().for_each(|chunk| tally.add(chunk));
        }
        tally.summary(self.plan.orders())
    }

    /// The sheet as a latin-1 CSV, batch by batch: `take` gets consecutive pieces of it, the first with the header line.
    fn csv(&self, progress: &dyn Progress, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<Summary> {
        progress.start("Writing orders", self.rows as u64);
        take(format!("{}\n", DATACO_COLUMNS.join(",")).as_bytes())?;
        let mut tally = Tally::default();
        for first in (0..self.plan.chunks()).step_by(BATCH) {
            progress.check()?;
            let pieces: Vec<(Vec<u8>, Tally)> = self
                .batch(first)
                .map(|chunk| {
                    let orders = self.plan.chunk(chunk);
                    (write::csv_lines(&orders, self.outcome), Tally::of(&orders))
                })
                .collect();
            for (bytes, chunk) in &pieces {
                take(bytes)?;
                tally.add(chunk);
                progress.advance(chunk.rows as u64);
            }
        }
        progress.finish();
        Ok(tally.summary(self.plan.orders()))
    }

    fn batch(&self, first: usize) -> impl IndexedParallelIterator<Item = usize> {
        (first..self.plan.chunks().min(first + BATCH)).into_par_iter()
    }
}

/// Counts behind a [`Summary`]; chunks are added up in order, so that sums come out the same on any number of threads.
#[derive(Default)]
struct Tally {
    rows: usize,
    complete: usize,
    classes: [usize; 3],
    best: f64,
    /// Rows and late rows by market and mode.
    lanes: [[[usize; 2]; 4]; 5],
    period: Option<(chrono::NaiveDateTime, chrono::NaiveDateTime)>,
}

impl Tally {
    fn of(orders: &[Order]) -> Self {
        let mut tally = Self::default();
        for order in orders {
            let rows = order.items.len();
            let class = order.class();
            tally.rows += rows;
            tally.complete += if order.status == "COMPLETE" { rows } else { 0 };
            tally.classes[class] += rows;
            tally.best += rows as f64 * order.probabilities.iter().copied().fold(0.0, f64::max);
            let lane = &mut tally.lanes[order.region.market as usize][order.mode as usize];
            lane[0] += rows;
            lane[1] += if class == 2 { rows } else { 0 };
            let (first, last) = tally.period.unwrap_or((order.placed, order.placed));
            tally.period = Some((first.min(order.placed), last.max(order.placed)));
        }
        tally
    }

    fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.complete += other.complete;
        self.best += other.best;
        for (mine, theirs) in self.classes.iter_mut().zip(other.classes) {
            *mine += theirs;
        }
        for (mine, theirs) in self
            .lanes
            .as_flattened_mut()
            .as_flattened_mut()
            .iter_mut()
            .zip(other.lanes.as_flattened().as_flattened())
        {
            *mine += theirs;
        }
        self.period = match (self.period, other.period) {
            (Some(mine), Some(theirs)) => Some((mine.0.min(theirs.0), mine.1.max(theirs.1))),
            (mine, theirs) => mine.or(theirs),
        };
    }

    fn summary(&self, orders: usize) -> Summary {
        let share = |count: usize| count as f64 / self.rows.max(1) as f64;
        let class_shares = self.classes.map(share);
        let (first, last) = self.period.unwrap_or_default();
        let mut lanes = Vec::new();
        for (market, modes) in MARKETS.iter().zip(&self.lanes) {
            for ((mode, _), [rows, late]) in Mode::ALL.iter().zip(modes) {
                lanes.push(Lane {
                    market: (*market).to_owned(),
                    mode: mode.name().to_owned(),
                    share: share(*rows),
                    late: (*rows > 0).then(|| *late as f64 / *rows as f64),
                    late_share_of_all: share(*late),
                });
            }
        }
        Summary {
            rows: self.rows,
            orders,
            complete_rows: self.complete,
            period: (first.date().to_string(), last.date().to_string()),
            class_shares,
            majority_share: class_shares.into_iter().fold(0.0, f64::max),
            bayes_accuracy: self.best / self.rows.max(1) as f64,
            lanes,
        }
    }
}

#[cfg(test)]
mod tests;
