//! How many rows: a share or a count.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// How many rows to mislabel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// So many rows.
    Rows(usize),
    /// A share of the training-period rows, in (0, 1].
    ShareOfTraining(f64),
    /// A share of the rows that the error can hit (those that meet its rule and have one of its classes), in (0, 1].
    ShareOfDomain(f64),
}

impl Amount {
    /// Reads a share, `30%` or `0.3`, above 0 and up to 100 %; for settings that a number of rows makes no sense for.
    ///
    /// # Errors
    /// For anything else, `1` among it, which could mean all or one.
    pub fn parse_share(text: &str) -> Result<f64> {
        match text.parse() {
            Ok(Amount::ShareOfTraining(share)) => Ok(share),
            _ => {
                Err(Error::input(format!("`{}` is not a share", text.trim()))
                    .hint("give a share such as `30%` or `0.3`, or `100%` for all"))
            }
        }
    }

    /// The number of rows, where `training` rows are in the training period and the error can hit `domain` of them.
    /// Shares are rounded down, as the published scenarios do.
    ///
    /// # Errors
    /// Where this is less than one row, or more than the error can hit.
    pub fn rows(self, training: usize, domain: usize) -> Result<usize> {
        // The small addend keeps 29 % of 100 rows at 29, which floating point puts just below.
        let part = |share: f64, of: usize| (share * of as f64 + 1e-9).floor() as usize;
        let (rows, of) = match self {
            Amount::Rows(rows) => (rows, training),
            Amount::ShareOfTraining(share) => (part(share, training), training),
            Amount::ShareOfDomain(share) => (part(share, domain), domain),
        };
        if rows == 0 {
            return Err(Error::input(format!("`{self}` of {of} rows is less than one row")).hint("give a number of rows, such as `10`"));
        }
        if rows > domain {
            return Err(Error::input(format!(
                "{rows} rows are to be mislabelled, but only {domain} training rows can be hit by this error"
            ))
            .hint(format!("give at most `{domain}`")));
        }
        Ok(rows)
    }
}

impl FromStr for Amount {
    type Err = Error;

    /// `5%` and `0.05` are shares of the training rows, `200` is a number of rows.
    fn from_str(text: &str) -> Result<Self> {
        let trimmed = text.trim();
        let bad = || {
            Error::input(format!("`{trimmed}` is not an amount of rows"))
                .hint("give a share such as `5%` or `0.05`, or a whole number of rows such as `200`")
        };
        if let Some(percent) = trimmed.strip_suffix('%') {
            let percent: f64 = percent.trim().parse().map_err(|_| bad())?;
            if !(percent > 0.0 && percent <= 100.0) {
                return Err(bad());
            }
            return Ok(Amount::ShareOfTraining(percent / 100.0));
        }
        let count = trimmed.strip_suffix("rows").unwrap_or(trimmed).trim();
        if let Ok(rows) = count.parse::<usize>() {
            return if rows > 0 { Ok(Amount::Rows(rows)) } else { Err(bad()) };
        }
        match trimmed.parse::<f64>() {
            Ok(share) if share > 0.0 && share < 1.0 => Ok(Amount::ShareOfTraining(share)),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Rows(rows) => write!(f, "{rows}"),
            Amount::ShareOfTraining(share) | Amount::ShareOfDomain(share) => {
                // Shortest text that still says the share: 0.07 is 7 %, not 7.000000000000001 %.
                write!(f, "{}%", (share * 1e10).round() / 1e8)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_shares_or_counts_and_nothing_in_between() {
        assert_eq!("5%".parse::<Amount>().unwrap(), Amount::ShareOfTraining(0.05));
        assert_eq!(" 0.25 % ".parse::<Amount>().unwrap(), Amount::ShareOfTraining(0.0025));
        assert_eq!("0.05".parse::<Amount>().unwrap(), Amount::ShareOfTraining(0.05));
        assert_eq!("200".parse::<Amount>().unwrap(), Amount::Rows(200));
        assert_eq!("200 rows".parse::<Amount>().unwrap(), Amount::Rows(200));
        for bad in [
            "", "0", "0%", "101%", "-5%", "1.5", "1.0", "nan", "NaN%", "inf%", "five", "5%%", "1e400",
        ] {
            let error = bad.parse::<Amount>().unwrap_err();
            assert!(error.hint_text().unwrap().contains("5%"), "{bad}");
        }
    }

    #[test]
    fn a_share_is_no_number_of_rows() {
        assert_eq!(Amount::parse_share("30%").unwrap(), 0.3);
        assert_eq!(Amount::parse_share("0.3").unwrap(), 0.3);
        assert_eq!(Amount::parse_share("100%").unwrap(), 1.0);
        for bad in ["1", "30", "0", "0%", "120%", ""] {
            assert!(Amount::parse_share(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shares_are_rounded_down_to_whole_rows() {
        assert_eq!(Amount::ShareOfTraining(0.05).rows(47_593, 47_593).unwrap(), 2_379);
        assert_eq!(Amount::ShareOfTraining(0.29).rows(100, 100).unwrap(), 29);
        assert_eq!(Amount::ShareOfDomain(0.6).rows(100, 10).unwrap(), 6);
        assert!(Amount::ShareOfTraining(0.001).rows(100, 100).is_err());
        assert!(Amount::Rows(11).rows(100, 10).is_err());
    }

    #[test]
    fn an_amount_prints_as_it_is_read() {
        for text in ["5%", "0.25%", "7%", "100%", "200", "33.3%"] {
            assert_eq!(text.parse::<Amount>().unwrap().to_string(), text);
        }
    }
}
