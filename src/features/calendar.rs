//! Calendar arithmetic on naive local seconds since 1970-01-01, and what a profile may take from a date.

use super::profile::DatePart;

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const QUARTERS: [&str; 4] = ["Q1", "Q2", "Q3", "Q4"];

/// Year, month (1-12) and day (1-31) of a day counted from 1970-01-01, in the Gregorian calendar.
pub fn civil(days: i64) -> (i64, u32, u32) {
    // Years are counted from March, so that the leap day is the last of its year; an era is 400 years.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// `2018-01-31`, or `2018-01-31T09:30` where the time of day is not midnight.
pub fn iso(seconds: i64) -> String {
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (of_day, of_day % 60) {
        (0, _) => date,
        (_, 0) => format!("{date}T{:02}:{:02}", of_day / 3600, of_day / 60 % 60),
        (_, second) => format!("{date}T{:02}:{:02}:{second:02}", of_day / 3600, of_day / 60 % 60),
    }
}

/// 365 x year + 31 x month + day: what the published code of arXiv 2402.10098 sorts by.
pub fn published_index(seconds: i64) -> i64 {
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    365 * year + 31 * i64::from(month) + i64::from(day)
}

impl DatePart {
    /// The names of this part's categories in calendar order; `None` for parts that are numbers.
    pub fn categories(self) -> Option<&'static [&'static str]> {
        match self {
            DatePart::Weekday => Some(&WEEKDAYS),
            DatePart::Month => Some(&MONTHS),
            DatePart::Quarter => Some(&QUARTERS),
            _ => None,
        }
    }

    /// Which category a date has (an index into [`DatePart::categories`]), or the number.
    pub fn value(self, seconds: i64) -> f64 {
        let days = seconds.div_euclid(86_400);
        let (year, month, day) = civil(days);
        match self {
            // 1970-01-01 was a Thursday.
            DatePart::Weekday => (days + 3).rem_euclid(7) as f64,
            DatePart::Month => f64::from(month - 1),
            DatePart::Quarter => f64::from((month - 1) / 3),
            DatePart::DayOfMonth => f64::from(day),
            DatePart::DayOfYear => {
                let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
                let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][month as usize - 1];
                f64::from(before + day + u32::from(leap && month > 2))
            }
            DatePart::Hour => seconds.rem_euclid(86_400) as f64 / 3600.0,
            DatePart::Year => year as f64,
            DatePart::Trend => seconds as f64 / 86_400.0,
            DatePart::PublishedIndex => published_index(seconds) as f64,
        }
    }

    /// The part in words: `weekday`.
    pub fn words(self) -> &'static str {
        match self {
            DatePart::Weekday => "weekday",
            DatePart::Month => "month",
            DatePart::Quarter => "quarter",
            DatePart::DayOfMonth => "day of month",
            DatePart::DayOfYear => "day of year",
            DatePart::Hour => "hour",
            DatePart::Year => "year",
            DatePart::Trend => "trend",
            DatePart::PublishedIndex => "time index",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, NaiveDate};

    #[test]
    fn every_day_of_four_centuries_agrees_with_chrono() {
        let start = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        for offset in -80_000..80_000 {
            let date = start + chrono::Duration::days(offset);
            assert_eq!(civil(offset), (i64::from(date.year()), date.month(), date.day()));
            let seconds = offset * 86_400 + 5;
            assert_eq!(DatePart::Weekday.value(seconds), f64::from(date.weekday().num_days_from_monday()));
            assert_eq!(DatePart::DayOfYear.value(seconds), f64::from(date.ordinal()));
        }
    }

    #[test]
    fn dates_are_shown_as_short_as_they_are() {
        assert_eq!(iso(0), "1970-01-01");
        assert_eq!(iso(1_517_391_000), "2018-01-31T09:30");
        assert_eq!(iso(-1), "1969-12-31T23:59:59");
    }

    #[test]
    fn the_published_index_puts_late_december_after_early_january() {
        let day = |year, month, day| {
            NaiveDate::from_ymd_opt(year, month, day)
                .unwrap()
                .and_hms_opt(0, 0, 0)
                .unwrap()
                .and_utc()
                .timestamp()
        };
        assert_eq!(published_index(day(2015, 12, 31)), 365 * 2015 + 31 * 12 + 31);
        assert!(published_index(day(2015, 12, 31)) > published_index(day(2016, 1, 1)));
    }
}
