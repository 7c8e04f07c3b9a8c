//! Parts of a date as nodes of a graph: integer arithmetic on days since 1970-01-01, as `features` does it on seconds.

use std::collections::BTreeMap;

use crate::features::DatePart;
use crate::onnx::{Attribute, Builder, Kind};

/// Days from which years are counted so that all divisions are of positive numbers: 0000-03-01, and 1,000 eras of 400 years before.
const SHIFT: i64 = 719_468 + 1_000 * 146_097;

/// Days farther from 1970 than this are taken for this many: they are no dates of orders.
const FARTHEST: f64 = 1e8;

/// A date column of the graph, with the values that were made of it.
pub(super) struct Days {
    /// The input: days since 1970-01-01, with the time of day as the fraction.
    input: String,
    /// Whether it is a finite number.
    pub present: String,
    /// The input with 0 for what is no number.
    safe: String,
    /// The whole days, with and without a point.
    floor: String,
    whole: String,
    made: BTreeMap<&'static str, String>,
}

impl Days {
    pub fn new(graph: &mut Builder, input: String) -> Self {
        let zero = graph.doubles(&[0.0], &[]);
        let difference = graph.node("Sub", &[&input, &input], &[]);
        let present = graph.node("Equal", &[&difference, &zero], &[]);
        let filled = graph.node("Where", &[&present, &input, &zero], &[]);
        let (low, high) = (graph.doubles(&[-FARTHEST], &[]), graph.doubles(&[FARTHEST], &[]));
        let safe = graph.node("Clip", &[&filled, &low, &high], &[]);
        let floor = graph.node("Floor", &[&safe], &[]);
        let whole = cast(graph, &floor, Kind::Integer);
        Self {
            input,
            present,
            safe,
            floor,
            whole,
            made: BTreeMap::new(),
        }
    }

    /// A part that is a number, as a value with a point; not a number where the date is missing.
    pub fn number(&mut self, graph: &mut Builder, part: DatePart) -> String {
        let value = match part {
            DatePart::Trend => return self.input.clone(),
            DatePart::Hour => {
                let of_day = graph.node("Sub", &[&self.safe, &self.floor], &[]);
                let hours = graph.doubles(&[24.0], &[]);
                graph.node("Mul", &[&of_day, &hours], &[])
            }
            _ => {
                let whole = self.integer(graph, part);
                cast(graph, &whole, Kind::Double)
            }
        };
        let none = graph.doubles(&[f64::NAN], &[]);
        graph.node("Where", &[&self.present, &value, &none], &[])
    }

    /// A part that is a whole number; of categories, their number.
    pub fn integer(&mut self, graph: &mut Builder, part: DatePart) -> String {
        match part {
            // 1970-01-01 was a Thursday.
            DatePart::Weekday => {
                let shifted = with(graph, "Add", &self.whole, 3);
                with(graph, "Mod", &shifted, 7)
            }
            DatePart::Month => {
                let month = self.month(graph);
                with(graph, "Sub", &month, 1)
            }
            DatePart::Quarter => {
                let month = self.month(graph);
                let from_0 = with(graph, "Sub", &month, 1);
                with(graph, "Div", &from_0, 3)
            }
            DatePart::DayOfMonth => self.day(graph),
            DatePart::DayOfYear => self.day_of_year(graph),
            DatePart::Year => self.year(graph),
            DatePart::PublishedIndex => {
                let (year, month, day) = (self.year(graph), self.month(graph), self.day(graph));
                let (years, months) = (with(graph, "Mul", &year, 365), with(graph, "Mul", &month, 31));
                let sum = graph.node("Add", &[&years, &months], &[]);
                graph.node("Add", &[&sum, &day], &[])
            }
            DatePart::Hour | DatePart::Trend => self.whole.clone(),
        }
    }

    /// What was made under a name, or is made now.
    fn once(&mut self, graph: &mut Builder, name: &'static str, make: fn(&mut Self, &mut Builder) -> String) -> String {
        if let Some(made) = self.made.get(name) {
            return made.clone();
        }
        let made = make(self, graph);
        self.made.insert(name, made.clone());
        made
    }

    fn shifted(&mut self, graph: &mut Builder) -> String {
        self.once(graph, "shifted", |days, graph| with(graph, "Add", &days.whole, SHIFT))
    }

    /// Day of an era of 400 years, from 0.
    fn day_of_era(&mut self, graph: &mut Builder) -> String {
        self.once(graph, "day of era", |days, graph| {
            let shifted = days.shifted(graph);
            with(graph, "Mod", &shifted, 146_097)
        })
    }

    fn year_of_era(&mut self, graph: &mut Builder) -> String {
        self.once(graph, "year of era", |days, graph| {
            let day = days.day_of_era(graph);
            let (fours, hundreds, last) = (
                with(graph, "Div", &day, 1_460),
                with(graph, "Div", &day, 36_524),
                with(graph, "Div", &day, 146_096),
            );
            let less = graph.node("Sub", &[&day, &fours], &[]);
            let more = graph.node("Add", &[&less, &hundreds], &[]);
            let even = graph.node("Sub", &[&more, &last], &[]);
            with(graph, "Div", &even, 365)
        })
    }

    /// Day of a year that starts with March, from 0.
    fn day_from_march(&mut self, graph: &mut Builder) -> String {
        self.once(graph, "day from March", |days, graph| {
            let (day, year) = (days.day_of_era(graph), days.year_of_era(graph));
            let (plain, fours, hundreds) = (
                with(graph, "Mul", &year, 365),
                with(graph, "Div", &year, 4),
                with(graph, "Div", &year, 100),
            );
            let more = graph.node("Add", &[&plain, &fours], &[]);
            let before = graph.node("Sub", &[&more, &hundreds], &[]);
            graph.node("Sub", &[&day, &before], &[])
        })
    }

    /// Months from March, from 0.
    fn month_from_march(&mut self, graph: &mut Builder) -> String {
        self.once(graph, "month from March", |days, graph| {
            let day = days.day_from_march(graph);
            let fives = with(graph, "Mul", &day, 5);
            let even = with(graph, "Add", &fives, 2);
            with(graph, "Div", &even, 153)
        })
    }

    fn day(&mut self, graph: &mut Builder) -> String {
        self.once(graph, "day", |days, graph| {
            let (day, month) = (days.day_from_march(graph), days.month_from_march(graph));
            let months = with(graph, "Mul", &month, 153);
            let even = with(graph, "Add", &months, 2);
            let before = with(graph, "Div", &even, 5);
            let from_0 = graph.node("Sub", &[&day, &before], &[]);
            with(graph, "Add", &from_0, 1)
        })
    }

    /// 1 in January and February, else 0.
    fn before_march(&mut self, graph: &mut Builder) -> String {
        self.once(graph, "before March", |days, graph| {
            let month = days.month_from_march(graph);
            let tenth = graph.integers(&[10], &[]);
            let late = graph.node("GreaterOrEqual", &[&month, &tenth], &[]);
            cast(graph, &late, Kind::Integer)
        })
    }

    fn month(&mut self, graph: &mut Builder) -> String {
        self.once(graph, "month", |days, graph| {
            let (month, late) = (days.month_from_march(graph), days.before_march(graph));
            let from_1 = with(graph, "Add", &month, 3);
            let over = with(graph, "Mul", &late, 12);
            graph.node("Sub", &[&from_1, &over], &[])
        })
    }

    fn year(&mut self, graph: &mut Builder) -> String {
        self.once(graph, "year", |days, graph| {
            let (shifted, of_era, late) = (days.shifted(graph), days.year_of_era(graph), days.before_march(graph));
            let era = with(graph, "Div", &shifted, 146_097);
            let eras = with(graph, "Mul", &era, 400);
            let sum = graph.node("Add", &[&eras, &of_era], &[]);
            let year = graph.node("Add", &[&sum, &late], &[]);
            with(graph, "Sub", &year, 400_000)
        })
    }

    /// From 1. January 1 is day 306 of the year from March; March 1 is day 60, or 61 of a leap year.
    fn day_of_year(&mut self, graph: &mut Builder) -> String {
        let (year, day, late) = (self.year(graph), self.day_from_march(graph), self.before_march(graph));
        let mut divides = |by: i64| {
            let rest = with(graph, "Mod", &year, by);
            let zero = graph.integers(&[0], &[]);
            let even = graph.node("Equal", &[&rest, &zero], &[]);
            cast(graph, &even, Kind::Integer)
        };
        let (four, hundred, all) = (divides(4), divides(100), divides(400));
        let less = graph.node("Sub", &[&four, &hundred], &[]);
        let leap = graph.node("Add", &[&less, &all], &[]);
        let plain = with(graph, "Add", &day, 60);
        let from_march = graph.node("Add", &[&plain, &leap], &[]);
        let in_winter = with(graph, "Sub", &day, 305);
        let winter = cast_to_bool(graph, &late);
        graph.node("Where", &[&winter, &in_winter, &from_march], &[])
    }
}

/// An operation with a whole number.
fn with(graph: &mut Builder, operator: &str, value: &str, number: i64) -> String {
    let number = graph.integers(&[number], &[]);
    graph.node(operator, &[value, &number], &[])
}

pub(super) fn cast(graph: &mut Builder, value: &str, kind: Kind) -> String {
    graph.node("Cast", &[value], &[Attribute::Integer("to", kind.number())])
}

fn cast_to_bool(graph: &mut Builder, value: &str) -> String {
    cast(graph, value, Kind::Truth)
}
