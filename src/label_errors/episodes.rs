//! What went wrong for a while: rows of one value of a column that were, in some period, recorded as one class far more often than before and
//! after.
//!
//! Models of the other periods say how many rows of each value, period and class are expected (`Judges::trees`). What is recorded beyond that
//! differs from cell to cell anyway: values differ, times differ, and models are not right. So an excess counts only against the spread of all
//! cells: log-odds by which a cell departs, less the medians of its value and of its period (Tukey's median polish), over the standard error that its
//! rows and the spread between cells (median absolute deviation) give it; Student's t, times the number of all cells looked at. Rows of a group count
//! as far as they are several.
//!
//! An episode may be an error or a fact (a strike): labels cannot tell. Its rows are listed first, and not ticked.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::columns::{Bins, Column, Taken};
use super::expand::{Condition, Test, conditions};
use crate::error::Result;
use crate::features::iso;
use crate::stats::{Sample, design_effect, upper_tail};

/// Periods of about equally many rows.
const PERIODS: usize = 10;
/// The most frequent values of a column that are looked at, and the ranges that its numbers are cut into.
const MOST_VALUES: usize = 16;
const RANGES: usize = 8;
/// A value needs this share of all rows, and this number.
const SMALLEST_SHARE: f64 = 0.01;
const FEWEST_ROWS: usize = 30;
/// A cell that tells less about its log-odds (sum of p (1 - p)) is left out.
const LEAST_INFORMATION: f64 = 3.0;
/// Fewest cells of a column that show how much cells differ.
const FEWEST_CELLS: usize = 12;
/// Rounds of taking medians away.
const ROUNDS: usize = 3;
/// Median absolute deviation of a normal distribution, as a factor of its standard deviation.
const NORMAL_DEVIATION: f64 = 1.482_6;
/// Standard errors from which a neighbouring period belongs to an episode that was found.
const NEIGHBOUR: f64 = 3.0;
/// Most episodes told.
const MOST_TOLD: usize = 5;
/// An episode of which this share of the rows belongs to others that were found before says nothing new.
const KNOWN_ALREADY: f64 = 0.5;

/// Rows of a value that were recorded as one class more often than at other times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// The value or range in words.
    pub conditions: String,
    /// First and last time of its rows.
    pub from: String,
    /// See `from`.
    pub to: String,
    /// Class that they were recorded as.
    pub recorded_as: u8,
    /// Rows of that value and time.
    pub rows: usize,
    /// Those of them that were recorded so.
    pub recorded: usize,
    /// How many would be, by models of other times.
    pub expected: f64,
    /// How many are wrong, if it is an error.
    pub wrong: f64,
    /// Chance of as much if nothing had happened, times all that was looked at.
    pub p: f64,
    /// The rows recorded so, ascending, with their chance of being wrong, if it is an error.
    #[serde(skip)]
    pub members: Vec<(u32, f64)>,
}

/// Rows, and what models of other periods say of them.
pub(super) struct Given<'a> {
    pub columns: &'a [Column],
    /// Probabilities, rows x classes.
    pub said: &'a [f64],
    pub labels: &'a [u8],
    pub classes: usize,
    /// Seconds.
    pub times: &'a [i64],
    pub groups: Option<&'a [u32]>,
    /// Chance of telling something although nothing happened.
    pub significance: f64,
}

/// Values of a column that are looked at, as cells: the test that each stands for, and the cell of every row.
struct Values {
    tests: Vec<Test>,
    of_row: Vec<Option<u16>>,
}

/// A cell that departs from the others.
struct Departure {
    column: usize,
    value: usize,
    class: usize,
    period: usize,
    p: f64,
    /// Standard errors of the value in every period.
    errors: Vec<f64>,
}

/// Finds episodes, the surest first.
///
/// # Errors
/// None in practice: of a t distribution without degrees of freedom.
pub(super) fn find(given: &Given) -> Result<Vec<Episode>> {
    let periods = periods(given.times);
    let design = design_effect(given.groups);
    let (mut departures, mut cells) = (Vec::new(), 0);
    let values: Vec<Values> = given.columns.iter().map(of_column).collect();
    for (column, values) in values.iter().enumerate().filter(|(_, values)| values.tests.len() > 1) {
        for class in 0..given.classes {
            cells += departing(given, values, (column, class), &periods, design, &mut departures)?;
        }
    }
    departures.iter_mut().for_each(|departure| departure.p *= cells as f64);
    departures.retain(|departure| departure.p < given.significance);
    departures.sort_by(|a, b| {
        a.p.total_cmp(&b.p)
            .then((a.column, a.value, a.period).cmp(&(b.column, b.value, b.period)))
    });
    let mut known: BTreeSet<u32> = BTreeSet::new();
    let mut found = Vec::new();
    for departure in departures {
        let episode = told(given, &values[departure.column], &departure, &periods);
        let before = episode.members.iter().filter(|(row, _)| known.contains(row)).count();
        if before as f64 >= KNOWN_ALREADY * episode.members.len() as f64 {
            continue;
        }
        known.extend(episode.members.iter().map(|(row, _)| row));
        found.push(episode);
        if found.len() == MOST_TOLD {
            break;
        }
    }
    Ok(found)
}

/// The period of every row; rows of one time share it.
fn periods(times: &[i64]) -> Vec<u8> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let place = |time: &i64| sorted.partition_point(|other| other < time);
    times
        .iter()
        .map(|time| (place(time) * PERIODS / sorted.len().max(1)) as u8)
        .collect()
}

/// The frequent values of a column, or ranges of about equally many rows. Of times the hour and the weekday count: the others are the periods.
fn of_column(column: &Column) -> Values {
    let rows = column.codes.len();
    let mut counts = vec![0_usize; column.bin_count() + 1];
    column.codes.iter().for_each(|code| counts[usize::from(*code)] += 1);
    let tests: Vec<Test> = match (&column.bins, column.taken) {
        (_, Taken::Period | Taken::Month) => Vec::new(),
        (Bins::Values(_), _) => {
            let least = ((rows as f64 * SMALLEST_SHARE) as usize).max(FEWEST_ROWS);
            let mut frequent: Vec<usize> = (0..column.bin_count()).filter(|code| counts[*code] >= least).collect();
            frequent.sort_by(|a, b| counts[*b].cmp(&counts[*a]).then(a.cmp(b)));
            frequent.truncate(MOST_VALUES);
            frequent.into_iter().map(|code| Test::Among(vec![code as u16])).collect()
        }
        (Bins::Ranges(_), _) => {
            let (mut tests, mut first, mut inside) = (Vec::new(), 0, 0);
            for (code, count) in counts.iter().enumerate().take(column.bin_count()) {
                inside += count;
                if inside * RANGES >= rows || code + 1 == column.bin_count() {
                    tests.push(Test::Between(first as u16, code as u16));
                    (first, inside) = (code + 1, 0);
                }
            }
            tests
        }
    };
    let mut cell_of: Vec<Option<u16>> = vec![None; counts.len()];
    for (cell, test) in tests.iter().enumerate() {
        let holds = |code: &usize| test.holds(*code as u16);
        (0..column.bin_count())
            .filter(holds)
            .for_each(|code| cell_of[code] = Some(cell as u16));
    }
    Values {
        of_row: column.codes.iter().map(|code| cell_of[usize::from(*code)]).collect(),
        tests,
    }
}

/// Tests every cell (value x period) of a column for one class; returns how many there are.
fn departing(
    given: &Given,
    values: &Values,
    (column, class): (usize, usize),
    periods: &[u8],
    design: f64,
    departures: &mut Vec<Departure>,
) -> Result<usize> {
    let count = values.tests.len();
    let (mut excess, mut information) = (vec![0.0_f64; count * PERIODS], vec![0.0_f64; count * PERIODS]);
    for (row, cell) in values.of_row.iter().enumerate() {
        let Some(value) = cell else { continue };
        let place = usize::from(*value) * PERIODS + usize::from(periods[row]);
        let chance = given.said[row * given.classes + class];
        excess[place] += f64::from(u8::from(usize::from(given.labels[row]) == class)) - chance;
        information[place] += chance * (1.0 - chance);
    }
    let used: Vec<usize> = (0..count * PERIODS)
        .filter(|place| information[*place] / design >= LEAST_INFORMATION)
        .collect();
    let taken = |by: &dyn Fn(usize) -> usize| used.iter().map(|place| by(*place)).collect::<BTreeSet<usize>>().len();
    let spent = taken(&|place| place / PERIODS) + taken(&|place| place % PERIODS);
    if used.len() < FEWEST_CELLS.max(spent + 1) {
        return Ok(0);
    }
    let mut beyond: Vec<f64> = excess
        .iter()
        .zip(&information)
        .map(|(excess, all)| excess / all.max(1e-9))
        .collect();
    for _ in 0..ROUNDS {
        for by_value in [true, false] {
            let name = |place: usize| if by_value { place / PERIODS } else { place % PERIODS };
            for wanted in 0..if by_value { count } else { PERIODS } {
                let places: Vec<usize> = used.iter().copied().filter(|place| name(*place) == wanted).collect();
                let middle = median(&places.iter().map(|place| beyond[*place]).collect::<Vec<_>>());
                places.iter().for_each(|place| beyond[*place] -= middle);
            }
        }
    }
    let deviation = NORMAL_DEVIATION * median(&used.iter().map(|place| beyond[*place].abs()).collect::<Vec<_>>());
    let variance = |place: usize| design / information[place];
    let between = (deviation * deviation - median(&used.iter().map(|place| variance(*place)).collect::<Vec<_>>())).max(0.0);
    let mut errors = vec![0.0; count * PERIODS];
    for place in &used {
        errors[*place] = beyond[*place] / (variance(*place) + between).sqrt();
    }
    let freedom = (used.len() - spent) as f64;
    for place in used.iter().filter(|place| errors[**place] > NEIGHBOUR) {
        let start = place / PERIODS * PERIODS;
        departures.push(Departure {
            column,
            value: place / PERIODS,
            class,
            period: place % PERIODS,
            p: upper_tail(errors[*place], freedom)?,
            errors: errors[start..start + PERIODS].to_vec(),
        });
    }
    Ok(used.len())
}

/// A departure with its neighbours, and the chances of its rows: of those not of the class a share is recorded as it wrongly.
fn told(given: &Given, values: &Values, departure: &Departure, periods: &[u8]) -> Episode {
    let belongs = |period: &usize| departure.errors[*period] > NEIGHBOUR;
    let first = (0..departure.period).rev().take_while(belongs).last().unwrap_or(departure.period);
    let last = (departure.period + 1..PERIODS)
        .take_while(belongs)
        .last()
        .unwrap_or(departure.period);
    let inside =
        |row: &usize| values.of_row[*row].map(usize::from) == Some(departure.value) && (first..=last).contains(&usize::from(periods[*row]));
    let rows: Vec<usize> = (0..given.labels.len()).filter(inside).collect();
    let chance = |row: usize| given.said[row * given.classes + departure.class];
    let recorded: Vec<usize> = rows
        .iter()
        .copied()
        .filter(|row| usize::from(given.labels[*row]) == departure.class)
        .collect();
    let expected: f64 = rows.iter().map(|row| chance(*row)).sum();
    let others = rows.len() as f64 - expected;
    let wrongly = ((recorded.len() as f64 - expected) / others.max(1e-9)).clamp(0.0, 1.0);
    let wrong = |row: usize| {
        let by_error = wrongly * (1.0 - chance(row));
        by_error / (chance(row) + by_error).max(1e-12)
    };
    let members: Vec<(u32, f64)> = recorded.iter().map(|row| (*row as u32, wrong(*row))).collect();
    let of_time = |time: Option<i64>| time.map(iso).unwrap_or_default();
    Episode {
        conditions: conditions(
            &[Condition {
                column: departure.column,
                test: values.tests[departure.value].clone(),
            }],
            given.columns,
        ),
        from: of_time(rows.iter().map(|row| given.times[*row]).min()),
        to: of_time(rows.iter().map(|row| given.times[*row]).max()),
        recorded_as: departure.class as u8,
        rows: rows.len(),
        recorded: recorded.len(),
        expected,
        wrong: members.iter().map(|(_, chance)| chance).sum(),
        p: departure.p.min(1.0),
        members,
    }
}

/// 0 where there are none.
fn median(values: &[f64]) -> f64 {
    Sample::new(values).map_or(0.0, |sample| sample.median())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use rand::Rng;

    const ROWS: usize = 6_000;

    /// Five lanes and numbers, in the order of time; of every row what is expected (a fifth is late, more on odd lanes and some days), and its label.
    fn sheet(seed: u64, strike: bool) -> (Vec<Column>, Vec<f64>, Vec<u8>, Vec<i64>) {
        let mut rng = Seed(60).stream("episodes", seed);
        let lanes: Vec<u16> = (0..ROWS).map(|_| rng.random_range(0..5)).collect();
        let numbers: Vec<u16> = (0..ROWS).map(|_| rng.random_range(0..40)).collect();
        let mut labels = Vec::with_capacity(ROWS);
        let mut said = Vec::with_capacity(2 * ROWS);
        for row in 0..ROWS {
            let late = 0.15 + 0.1 * f64::from(lanes[row] % 2) + 0.01 * f64::from(numbers[row] % 10);
            said.extend([1.0 - late, late]);
            // What models do not know: a slow drift, and lanes that differ.
            let really = late + 0.05 * (row as f64 / 900.0).sin() + 0.02 * f64::from(lanes[row]);
            let hidden = strike && lanes[row] == 3 && (2_000..3_200).contains(&row);
            labels.push(u8::from(!hidden && rng.random_bool(really)));
        }
        let column = |name: &str, bins: Bins, codes: Vec<u16>| Column {
            name: name.to_owned(),
            taken: Taken::Value,
            bins,
            codes,
        };
        let columns = vec![
            column("lane", Bins::Values((0..5).map(|lane| format!("L{lane}")).collect()), lanes),
            column(
                "number",
                Bins::Ranges((0..40).map(|number| (f64::from(number), f64::from(number))).collect()),
                numbers,
            ),
        ];
        let times = (0..ROWS as i64).map(|row| 1_420_000_000 + row * 7_200).collect();
        (columns, said, labels, times)
    }

    fn found(seed: u64, strike: bool, groups: Option<&[u32]>) -> Vec<Episode> {
        let (columns, said, labels, times) = sheet(seed, strike);
        let given = Given {
            columns: &columns,
            said: &said,
            labels: &labels,
            classes: 2,
            times: &times,
            groups,
            significance: 0.001,
        };
        find(&given).unwrap()
    }

    #[test]
    fn late_rows_of_one_lane_that_are_recorded_on_time_for_a_while_are_found_with_their_time() {
        for seed in 0..3 {
            let found = found(seed, true, None);
            let [only] = found.as_slice() else { panic!("{found:#?}") };
            assert_eq!((only.conditions.as_str(), only.recorded_as), ("`lane` = L3", 0));
            assert!(only.recorded as f64 > 0.85 * only.rows as f64 && only.p < 0.001, "{only:#?}");
            // About a third of them are late, of which models expect all but what they do not know.
            assert!((0.15..0.4).contains(&(only.wrong / only.rows as f64)), "{only:#?}");
            let (first, last) = (only.members[0].0, only.members[only.members.len() - 1].0);
            assert!(
                (1_700..2_500).contains(&first) && (2_700..3_700).contains(&last),
                "{first} to {last}"
            );
        }
    }

    /// Drift and lanes that differ are no episodes: nothing is told of twenty sheets.
    #[test]
    fn nothing_is_told_where_nothing_happened() {
        for seed in 0..20 {
            let found = found(seed, false, None);
            assert!(found.is_empty(), "sheet {seed}: {found:#?}");
        }
    }

    /// Where every row says the same as forty others, a fortieth of them speaks.
    #[test]
    fn rows_of_one_group_speak_once() {
        let groups: Vec<u32> = (0..ROWS as u32).map(|row| row / 40).collect();
        assert_eq!(design_effect(Some(&groups)), 40.0);
        assert!(found(0, true, Some(&groups)).is_empty());
    }
}
