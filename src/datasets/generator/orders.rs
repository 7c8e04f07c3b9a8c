//! Draws orders: how many items each has, when it was placed, by whom, where to, and what came of it.
//!
//! Orders are drawn in chunks, each from a stream of its own, so that any number of threads gives the same orders.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime};

use super::catalogue::{CATEGORIES, Product};
use super::delay::{self, Mode, Situation, World};
use super::draw::Draw;
use super::people::{self, Customer};
use super::places::{City, Country, REGIONS, Region};
use super::{Options, Part};
use crate::error::{Error, Result};

/// Orders per chunk, the unit that one thread draws and writes.
const CHUNK: usize = 512;

/// Share of orders with a single item; the others have two to five, equally often. Mean 2.745, as in the original.
const SINGLE_ITEM: f64 = 0.302;

/// Orders per customer in the original.
const ORDERS_PER_CUSTOMER: f64 = 3.18;

/// Discount rates in percent, equally often, as in the original.
const DISCOUNTS: [u32; 18] = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13, 15, 16, 17, 18, 20, 25];

/// Payment type and status of orders that are not COMPLETE, per 1,000 of them, as in the original.
const UNFINISHED: [(&str, &str, u32); 8] = [
    ("CASH", "CLOSED", 162),
    ("DEBIT", "ON_HOLD", 81),
    ("PAYMENT", "PAYMENT_REVIEW", 16),
    ("PAYMENT", "PENDING_PAYMENT", 329),
    ("TRANSFER", "PENDING", 167),
    ("TRANSFER", "PROCESSING", 181),
    ("TRANSFER", "SUSPECTED_FRAUD", 33),
    ("TRANSFER", "CANCELED", 31),
];

/// One line of an order.
pub(super) struct Item {
    pub(super) id: u64,
    /// Index into [`CATEGORIES`].
    pub(super) category: usize,
    pub(super) product: &'static Product,
    pub(super) quantity: u32,
    pub(super) discount_percent: u32,
    /// Profit per 100 of the item's total.
    pub(super) profit_percent: i32,
}

/// An order with its items.
pub(super) struct Order {
    pub(super) id: u64,
    pub(super) placed: NaiveDateTime,
    pub(super) customer: Customer,
    pub(super) mode: Mode,
    pub(super) region: &'static Region,
    pub(super) country: &'static Country,
    pub(super) city: &'static City,
    pub(super) zip: Option<u32>,
    pub(super) payment: &'static str,
    pub(super) status: &'static str,
    /// Actual shipping days.
    pub(super) real_days: u32,
    /// P(early), P(on time), P(late), given all that is known when the order is placed.
    pub(super) probabilities: [f64; 3],
    pub(super) items: Vec<Item>,
}

impl Order {
    /// 0 early, 1 on time, 2 late.
    pub(super) fn class(&self) -> usize {
        match self.real_days.cmp(&self.mode.scheduled()) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => 1,
            std::cmp::Ordering::Greater => 2,
        }
    }
}

/// What is settled before any chunk is drawn.
pub(super) struct Plan {
    options: Options,
    /// Prefix of the stream names, which keeps the part of next week apart from the past.
    stream: &'static str,
    sizes: Vec<u8>,
    /// Items before each chunk.
    rows_before: Vec<u64>,
    /// Ids that earlier parts took.
    orders_before: u64,
    items_before: u64,
    customers: u64,
    calendar: Calendar,
    world: World,
}

impl Plan {
    /// Settles the sizes of all orders, so that there are exactly as many rows as asked for.
    pub(super) fn new(options: &Options, part: Part) -> Result<Self> {
        let past = order_sizes(options, "order sizes", options.rows);
        let customers = ((past.len() as f64 / ORDERS_PER_CUSTOMER).ceil() as u64).max(1);
        let (stream, sizes, orders_before, items_before, calendar) = match part {
            Part::Past => ("orders", past, 0, 0, Calendar::new(options.start, options.days)?),
            Part::NextWeek { rows } => (
                "next week",
                order_sizes(options, "next week's order sizes", rows),
                past.len() as u64,
                options.rows as u64,
                Calendar::new(after(options.start, options.days)?, 7)?,
            ),
        };
        let mut rows_before = vec![0];
        let mut total = 0;
        for chunk in sizes.chunks(CHUNK) {
            total += chunk.iter().map(|size| u64::from(*size)).sum::<u64>();
            rows_before.push(total);
        }
        let world = World::new(options.signal);
        Ok(Self {
            options: options.clone(),
            stream,
            sizes,
            rows_before,
            orders_before,
            items_before,
            customers,
            calendar,
            world,
        })
    }

    /// Number of chunks.
    pub(super) fn chunks(&self) -> usize {
        self.rows_before.len() - 1
    }

    /// Number of orders.
    pub(super) fn orders(&self) -> usize {
        self.sizes.len()
    }

    /// The orders of one chunk.
    pub(super) fn chunk(&self, chunk: usize) -> Vec<Order> {
        let mut draw = Draw::new(self.options.seed, self.stream, chunk as u64);
        let first = chunk * CHUNK;
        let last = self.sizes.len().min(first + CHUNK);
        let mut item_id = self.items_before + self.rows_before[chunk];
        (first..last)
            .map(|index| {
                let items = draw_items(&mut draw, self.sizes[index], item_id);
                item_id += items.len() as u64;
                self.draw_order(&mut draw, index, items)
            })
            .collect()
    }

    fn draw_order(&self, draw: &mut Draw, index: usize, items: Vec<Item>) -> Order {
        let placed = self.calendar.moment((index as f64 + draw.unit()) / self.sizes.len() as f64);
        let customer = people::customer(self.options.seed, 1 + draw.below(self.customers));
        let region_index = draw.by_weight(REGIONS, |region| region.share);
        let region = &REGIONS[region_index];
        let country_index = draw.by_weight(region.countries, |country| country.weight);
        let country = &region.countries[country_index];
        let city = draw.one_of(country.cities);
        let zip = city.zip.map(|zip| zip + draw.below(30) as u32);
        let mode = Mode::ALL[draw.by_weight(&Mode::ALL, |(_, share)| *share)].0;
        let complete = draw.unit() < self.options.complete_share;
        let unfinished = UNFINISHED[draw.by_weight(&UNFINISHED, |(_, _, share)| *share)];
        let (payment, status) = if complete {
            ("DEBIT", "COMPLETE")
        } else {
            (unfinished.0, unfinished.1)
        };
        let slippage = self.world.slippage(&Situation {
            mode,
            region: region_index,
            country: country_index,
            weekday: placed.weekday().num_days_from_monday() as usize,
            month: placed.month0() as usize,
            segment: customer.segment,
            bulk: delay::bulk(items.iter().map(|item| CATEGORIES[item.category].department as usize)),
            pieces: items.iter().map(|item| item.quantity).sum(),
        });
        Order {
            id: self.orders_before + index as u64 + 1,
            placed,
            customer,
            mode,
            region,
            country,
            city,
            zip,
            payment,
            status,
            real_days: delay::real_days(mode, slippage, draw.unit()),
            probabilities: delay::probabilities(mode, slippage),
            items,
        }
    }
}

/// Sizes of as many orders as it takes for `rows` items; the last order is cut to fit.
fn order_sizes(options: &Options, stream: &str, rows: usize) -> Vec<u8> {
    let mut draw = Draw::new(options.seed, stream, 0);
    let mut sizes = Vec::new();
    let mut left = rows;
    while left > 0 {
        let size = if draw.unit() < SINGLE_ITEM { 1 } else { 2 + draw.below(4) as usize };
        let size = size.min(left);
        sizes.push(size as u8);
        left -= size;
    }
    sizes
}

fn draw_items(draw: &mut Draw, size: u8, items_before: u64) -> Vec<Item> {
    let main = draw.by_weight(CATEGORIES, |category| category.share);
    let department = CATEGORIES[main].department;
    (0..size)
        .map(|place| {
            // Most of an order comes from one department.
            let category = match place {
                0 => main,
                _ if draw.unit() < 0.6 => draw.by_weight(
                    CATEGORIES,
                    |category| if category.department == department { category.share } else { 0 },
                ),
                _ => draw.by_weight(CATEGORIES, |category| category.share),
            };
            let products = CATEGORIES[category].products;
            // One product makes most of a category's sales, as in the original.
            let product = if draw.unit() < 0.8 { &products[0] } else { draw.one_of(products) };
            let profit_percent = if draw.unit() < 0.81 {
                (51.0 * draw.unit().sqrt()) as i32
            } else {
                -(275.0 * draw.unit().powi(3)) as i32
            };
            Item {
                id: items_before + u64::from(place) + 1,
                category,
                product,
                // Dear things are bought one at a time.
                quantity: if product.cents >= 12_000 { 1 } else { 1 + draw.below(5) as u32 },
                discount_percent: *draw.one_of(&DISCOUNTS),
                profit_percent,
            }
        })
        .collect()
}

fn after(start: NaiveDate, days: u32) -> Result<NaiveDate> {
    start
        .checked_add_days(Days::new(u64::from(days)))
        .filter(|date| date.year() <= 9_998)
        .ok_or_else(|| Error::input(format!("{days} days from {start} end beyond the year 9998")).hint("choose an earlier `--start`"))
}

/// When orders come in: more on Mondays and Fridays and before the end of the year, fewer at night.
struct Calendar {
    start: NaiveDate,
    /// Expected orders up to and including each day, in arbitrary units.
    cumulative: Vec<f64>,
}

impl Calendar {
    fn new(start: NaiveDate, days: u32) -> Result<Self> {
        const WEEKDAY: [f64; 7] = [1.08, 1.0, 0.98, 1.0, 1.08, 0.96, 0.9];
        const MONTH: [f64; 12] = [0.95, 0.92, 0.97, 0.98, 1.0, 0.98, 0.97, 0.98, 1.0, 1.03, 1.12, 1.1];
        after(start, days)?;
        let mut sum = 0.0;
        let cumulative = start
            .iter_days()
            .take(days as usize)
            .map(|day| {
                sum += WEEKDAY[day.weekday().num_days_from_monday() as usize] * MONTH[day.month0() as usize];
                sum
            })
            .collect();
        Ok(Self { start, cumulative })
    }

    /// The moment at which the share `quantile` of the period's orders has come in, to the minute.
    fn moment(&self, quantile: f64) -> NaiveDateTime {
        let total = self.cumulative.last().copied().unwrap_or(1.0);
        let target = quantile * total;
        let day = self
            .cumulative
            .partition_point(|sum| *sum <= target)
            .min(self.cumulative.len().saturating_sub(1));
        let before = if day == 0 { 0.0 } else { self.cumulative[day - 1] };
        let within = ((target - before) / (self.cumulative[day] - before)).clamp(0.0, 1.0);
        // Six hours of night take an eighth of the day's orders.
        let hours = if within < 0.125 {
            within / 0.125 * 6.0
        } else {
            6.0 + (within - 0.125) / 0.875 * 18.0
        };
        let minutes = ((hours * 60.0) as i64).min(24 * 60 - 1);
        let midnight = (self.start + Days::new(day as u64)).and_time(chrono::NaiveTime::MIN);
        midnight + chrono::Duration::minutes(minutes)
    }
}
