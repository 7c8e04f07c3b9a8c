//! How late an order is: the one place that decides what a classifier can learn.
//!
//! An order has a slippage `mu`, the sum of effects that are known when the order is placed: lane (market x shipping mode), region by
//! kind of carrier, country, weekday, season by part of the world, customer segment, bulk and number of pieces. A logistic error of
//! scale 1 is added to it; below `-ON_TIME` the order is early, above `ON_TIME` late, else on time. So
//! P(early) = s(-ON_TIME - mu) and P(late) = s(mu - ON_TIME), s the logistic function, and the best accuracy anyone can reach
//! (the Bayes accuracy) is the mean over rows of the largest of the three. Same Day cannot be early: that mass is on time.

use super::catalogue::DEPARTMENTS;
use super::places::{Market, REGIONS};
use crate::seed::Seed;

use super::draw::Draw;

/// Half the width of the band of slippage that counts as on time.
pub(super) const ON_TIME: f64 = 1.85;

/// Turns the round figures of the tables below into slippage; chosen so that about 85 % can be known beforehand.
const STRENGTH: f64 = 1.8;

/// Slippage per further day of delay.
const DAY: f64 = 4.0;

/// The longest delay that is recorded, in days.
const LONGEST_DELAY: u32 = 4;

/// Shipping mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    SameDay,
    First,
    Second,
    Standard,
}

impl Mode {
    /// All modes, with the number of orders per 100.
    pub(super) const ALL: [(Mode, u32); 4] = [(Mode::SameDay, 10), (Mode::First, 18), (Mode::Second, 22), (Mode::Standard, 50)];

    /// As written in the sheet.
    pub(super) fn name(self) -> &'static str {
        ["Same Day", "First Class", "Second Class", "Standard Class"][self as usize]
    }

    /// Planned shipping days.
    pub(super) fn scheduled(self) -> u32 {
        [0, 1, 2, 4][self as usize]
    }

    fn is_express(self) -> bool {
        matches!(self, Mode::SameDay | Mode::First)
    }
}

/// Customer segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Segment {
    Consumer,
    Corporate,
    HomeOffice,
}

impl Segment {
    /// As written in the sheet.
    pub(super) fn name(self) -> &'static str {
        ["Consumer", "Corporate", "Home Office"][self as usize]
    }
}

/// What is known of an order when it is placed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation {
    pub(super) mode: Mode,
    /// Index into [`REGIONS`].
    pub(super) region: usize,
    /// Index into the region's countries.
    pub(super) country: usize,
    /// 0 is Monday.
    pub(super) weekday: usize,
    /// 0 is January.
    pub(super) month: usize,
    pub(super) segment: Segment,
    /// Mean over the order's items of their department's effect.
    pub(super) bulk: f64,
    /// Pieces in the order.
    pub(super) pieces: u32,
}

/// Slippage by market (LATAM, Europe, Pacific Asia, USCA, Africa) and mode (Same Day, First, Second, Standard): the lanes.
const LANES: [[f64; 4]; 5] = [
    [2.4, 3.2, 1.4, 0.9],
    [0.2, 2.6, 2.4, -2.6],
    [1.6, 3.6, 3.6, -1.4],
    [-1.0, 0.8, 1.0, -4.0],
    [3.2, 4.2, 4.2, 3.0],
];

/// Slippage by weekday of the order (Monday first) for ground and express carriers: nobody picks up at the weekend.
const WEEKDAYS: [[f64; 2]; 7] = [
    [0.3, 0.3],
    [-0.2, -1.1],
    [-0.3, -1.3],
    [-0.2, -0.9],
    [0.1, 1.2],
    [0.2, 2.4],
    [0.1, 1.4],
];

/// Slippage by month (January first) for ground and express carriers: the end-of-year peak everywhere.
const PEAK: [[f64; 12]; 2] = [
    [0.8, -0.6, -0.8, -0.8, -0.6, -0.6, -0.4, -0.3, -0.3, 0.2, 1.4, 2.6],
    [0.2, -0.2, -0.2, -0.2, -0.2, -0.2, -0.2, -0.2, -0.2, 0.0, 0.4, 0.8],
];

/// What each part of the world adds by month.
const MONSOON: [f64; 12] = [-0.4, -0.4, -0.4, -0.2, 0.2, 1.2, 2.0, 2.2, 1.6, 0.4, -0.4, -0.4];
const SUMMER_CLOSURE: [f64; 12] = [0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.8, 1.8, 0.2, 0.0, 0.0, 0.0];
const CARNIVAL: [f64; 12] = [0.4, 1.8, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
const NONE: [f64; 12] = [0.0; 12];

/// Largest size of a country's own effect.
const COUNTRY_SPREAD: f64 = 0.7;

/// The whole world of effects, with the drawn country effects in place. It is the same for every seed of a sheet.
pub(super) struct World {
    /// By region, then country.
    countries: Vec<Vec<f64>>,
    signal: f64,
}

impl World {
    /// `signal` multiplies every effect: 1 is the normal strength, 0 leaves pure chance.
    pub(super) fn new(signal: f64) -> Self {
        let countries = REGIONS
            .iter()
            .enumerate()
            .map(|(index, region)| {
                let mut draw = Draw::new(Seed(0), "country effects", index as u64);
                region
                    .countries
                    .iter()
                    .map(|_| COUNTRY_SPREAD * (2.0 * draw.unit() - 1.0))
                    .collect()
            })
            .collect();
        Self { countries, signal }
    }

    /// The slippage of an order.
    pub(super) fn slippage(&self, order: &Situation) -> f64 {
        let region = &REGIONS[order.region];
        let express = usize::from(order.mode.is_express());
        let season = match (region.market, region.name) {
            (Market::PacificAsia, "Southeast Asia" | "South Asia" | "Eastern Asia") => &MONSOON,
            (Market::Europe, _) => &SUMMER_CLOSURE,
            (Market::Latam, "South America" | "Caribbean") => &CARNIVAL,
            _ => &NONE,
        };
        let segment = match order.segment {
            Segment::Consumer => 0.0,
            Segment::Corporate => -0.4,
            Segment::HomeOffice => 0.3,
        };
        // Pieces count up to a full pallet; six is about the mean.
        let pieces = 0.06 * (f64::from(order.pieces.min(15)) - 6.0);
        let sum = LANES[region.market as usize][order.mode as usize]
            + if express == 1 { region.express } else { region.ground }
            + self.countries[order.region][order.country]
            + WEEKDAYS[order.weekday][express]
            + PEAK[express][order.month]
            + season[order.month]
            + segment
            + order.bulk
            + pieces;
        self.signal * STRENGTH * sum
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// P(early), P(on time), P(late) of an order with this slippage.
pub(super) fn probabilities(mode: Mode, slippage: f64) -> [f64; 3] {
    let below = logistic(-ON_TIME - slippage);
    let late = logistic(slippage - ON_TIME);
    match mode.scheduled() {
        0 => [0.0, 1.0 - late, late],
        _ => [below, 1.0 - below - late, late],
    }
}

/// The shipping days that come of it; `chance` is uniform in (0, 1).
pub(super) fn real_days(mode: Mode, slippage: f64, chance: f64) -> u32 {
    let latent = slippage + (chance / (1.0 - chance)).ln();
    let scheduled = mode.scheduled();
    let days_beyond = |excess: f64| 1 + (excess / DAY) as u32;
    if latent > ON_TIME {
        scheduled + days_beyond(latent - ON_TIME).min(LONGEST_DELAY)
    } else if latent < -ON_TIME {
        // Nobody delivers before the order, and a day's work is a day's work: at most two days early.
        scheduled.saturating_sub(days_beyond(-ON_TIME - latent).min(2))
    } else {
        scheduled
    }
}

/// Mean effect of the departments of an order's items.
pub(super) fn bulk(departments: impl Iterator<Item = usize>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for department in departments {
        sum += DEPARTMENTS[department].2;
        count += 1.0;
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_days_follow_the_stated_probabilities() {
        for (mode, _) in Mode::ALL {
            for slippage in [-4.0, -1.0, 0.0, 0.7, 3.0] {
                let stated = probabilities(mode, slippage);
                assert!((stated.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                let steps = 20_000;
                let mut counted = [0_u32; 3];
                for step in 0..steps {
                    let days = real_days(mode, slippage, (f64::from(step) + 0.5) / f64::from(steps));
                    counted[(days.cmp(&mode.scheduled()) as i8 + 1) as usize] += 1;
                }
                for (class, count) in counted.iter().enumerate() {
                    let share = f64::from(*count) / f64::from(steps);
                    assert!(
                        (share - stated[class]).abs() < 2e-4,
                        "{mode:?} {slippage}: {share} against {}",
                        stated[class]
                    );
                }
            }
        }
    }

    #[test]
    fn without_signal_every_order_has_the_same_slippage() {
        let world = World::new(0.0);
        let order = Situation {
            mode: Mode::First,
            region: 3,
            country: 1,
            weekday: 5,
            month: 11,
            segment: Segment::Corporate,
            bulk: 0.4,
            pieces: 9,
        };
        assert!(world.slippage(&order).abs() < 1e-12);
        assert!(World::new(1.0).slippage(&order).abs() > 1.0);
    }
}
