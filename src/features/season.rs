//! Whether weekday and month tell anything about labels: on a small sheet, what a calendar seems to teach is mostly chance, and inputs that
//! tell nothing cost accuracy.

use super::profile::DatePart;

/// With this many training rows a network tells for itself what a calendar is worth.
const ENOUGH_ROWS: usize = 5_000;
/// Share of the training rows, the earlier ones, that class shares are counted in; the others judge them.
const COUNTED: f64 = 0.7;
/// Rows of the overall shares that join those of each weekday or month.
const LEAN: f64 = 10.0;
/// Log likelihood of the later rows (nats, in sum) that a part must gain over the overall shares.
const GAIN: f64 = 1.0;

/// Why a column of dates is no input of which no part tells anything.
pub const SILENT: &str = "its weekday and month tell nothing about the labels of later training rows";

/// Those parts of a date that tell the labels of later training rows better than the overall class shares do. Parts that are numbers stay,
/// and so do all where there are enough rows. `dates` and `labels` are of the training rows, earlier ones first.
pub fn telling(parts: &[DatePart], dates: &[Option<i64>], labels: &[u8]) -> Vec<DatePart> {
    if labels.len() >= ENOUGH_ROWS {
        return parts.to_vec();
    }
    parts
        .iter()
        .copied()
        .filter(|part| gain(*part, dates, labels).is_none_or(|gain| gain > GAIN))
        .collect()
}

/// Log likelihood that the class shares by this part gain on later rows; `None` for a number.
fn gain(part: DatePart, dates: &[Option<i64>], labels: &[u8]) -> Option<f64> {
    let names = part.categories()?.len();
    let classes = labels.iter().max().map_or(1, |largest| usize::from(*largest) + 1);
    let cut = (labels.len() as f64 * COUNTED) as usize;
    // A row without a date is a category of its own.
    let place = |date: &Option<i64>| date.map_or(names, |seconds| part.value(seconds) as usize);
    let mut overall = vec![1.0; classes];
    let mut counts = vec![0.0; (names + 1) * classes];
    for (date, label) in dates.iter().zip(labels).take(cut) {
        overall[usize::from(*label)] += 1.0;
        counts[place(date) * classes + usize::from(*label)] += 1.0;
    }
    let all: f64 = overall.iter().sum();
    let gained = |(date, label): (&Option<i64>, &u8)| {
        let own = &counts[place(date) * classes..][..classes];
        let share = overall[usize::from(*label)] / all;
        let leaning = (own[usize::from(*label)] + LEAN * share) / (own.iter().sum::<f64>() + LEAN);
        (leaning / share).ln()
    };
    Some(dates.iter().zip(labels).skip(cut).map(gained).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use rand::Rng;

    const DAY: i64 = 86_400;

    /// Rows over two years, late more often on Mondays by `monday`.
    fn rows(count: usize, monday: f64) -> (Vec<Option<i64>>, Vec<u8>) {
        let mut rng = Seed(1).stream("season-test", 0);
        let date = |row: usize| 730 * row as i64 / count as i64 * DAY;
        let late = |seconds: i64, rng: &mut dyn rand::RngCore| {
            let more = if DatePart::Weekday.value(seconds) == 0.0 { monday } else { 0.0 };
            u8::from(rng.random::<f64>() < 0.3 + more)
        };
        (0..count).map(|row| (Some(date(row)), late(date(row), &mut rng))).unzip()
    }

    #[test]
    fn parts_of_a_date_stay_where_they_tell_something_of_later_rows() {
        let parts = vec![DatePart::Weekday, DatePart::Month, DatePart::Hour];
        let (dates, labels) = rows(1_000, 0.5);
        assert_eq!(telling(&parts, &dates, &labels), [DatePart::Weekday, DatePart::Hour]);
        let (dates, labels) = rows(1_000, 0.0);
        assert_eq!(telling(&parts, &dates, &labels), [DatePart::Hour]);
        let (dates, labels) = rows(ENOUGH_ROWS, 0.0);
        assert_eq!(telling(&parts, &dates, &labels), parts);
        assert_eq!(telling(&parts, &[None, Some(0)], &[0, 1]), [DatePart::Hour]);
    }
}
