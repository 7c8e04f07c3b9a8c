//! How the values of options are read from what was typed; each says what it takes where it cannot read one.

use std::time::Duration;

use clap::builder::RangedU64ValueParser;

use crate::error::Error;
use crate::features::RecipeKind;
use crate::label_errors::Amount;
use crate::nn::DeviceChoice;
use crate::tables::{DateOrder, DecimalMark};

/// What a value may be; the command line itself says which value it was.
fn hint(error: Error) -> String {
    error.hint_text().unwrap_or_default().to_owned()
}

/// A count from `least` to `most`; the help says so.
pub(super) fn counted<T: TryFrom<u64> + Clone + Send + Sync + 'static>(least: u64, most: u64) -> RangedU64ValueParser<T> {
    RangedU64ValueParser::new().range(least..=most)
}

pub(super) fn parse_decimal(text: &str) -> Result<DecimalMark, String> {
    text.parse().map_err(hint)
}

pub(super) fn parse_dates(text: &str) -> Result<DateOrder, String> {
    text.parse().map_err(hint)
}

pub(super) fn recipe_kind(text: &str) -> Result<RecipeKind, String> {
    text.parse().map_err(hint)
}

/// Reads `5%`, `0.05` or `.05` as a fraction in 0..=1.
pub(super) fn parse_share(text: &str) -> Result<f64, String> {
    let trimmed = text.trim();
    let (digits, scale) = match trimmed.strip_suffix('%') {
        Some(digits) => (digits.trim(), 0.01),
        None => (trimmed, 1.0),
    };
    let value: f64 = digits
        .replace(',', ".")
        .parse()
        .map_err(|_| format!("`{text}` is not a share: write 5% or 0.05"))?;
    let share = value * scale;
    if !(0.0..=1.0).contains(&share) {
        return Err(format!("`{text}` is not between 0% and 100%: write 5% or 0.05"));
    }
    Ok(share)
}

/// Reads `90`, `90s`, `5m` or `1h` as a time of at least a second.
pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    let trimmed = text.trim();
    let (digits, unit) = match trimmed.char_indices().last() {
        Some((at, 's')) => (&trimmed[..at], 1.0),
        Some((at, 'm')) => (&trimmed[..at], 60.0),
        Some((at, 'h')) => (&trimmed[..at], 3600.0),
        _ => (trimmed, 1.0),
    };
    match digits.trim().parse::<f64>().map(|value| value * unit) {
        Ok(seconds) if (1.0..=7.0 * 86_400.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        Ok(_) => Err(format!("`{text}` is not between a second and a week: write 90s, 5m or 1h")),
        Err(_) => Err(format!("`{text}` is no time: write 90s, 5m or 1h")),
    }
}

pub(super) fn parse_amount(text: &str) -> Result<Amount, String> {
    text.parse().map_err(|error: Error| error.message().to_owned())
}

pub(super) fn parse_device(text: &str) -> Result<DeviceChoice, String> {
    text.parse()
        .map_err(|error: Error| format!("{}: {}", error.message(), error.hint_text().unwrap_or_default()))
}

pub(super) fn method_names() -> clap::builder::PossibleValuesParser {
    let mut names: Vec<&'static str> = crate::repair::METHODS.iter().map(|method| method.name()).collect();
    names.extend(["all", "auto"]);
    clap::builder::PossibleValuesParser::new(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        assert_eq!(parse_time("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_time("1.5 m"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_time("2h"), parse_time("7200"));
        for text in ["", "m", "0", "-5m", "5 d", "NaN", "1e99h", "5µ"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_read_in_percent_and_as_fractions() {
        assert_eq!(parse_share("5%"), Ok(0.05));
        assert_eq!(parse_share("0.25 %"), Ok(0.0025));
        assert_eq!(parse_share("0,5"), Ok(0.5));
        assert!(parse_share("7").is_err());
        assert!(parse_share("-1%").is_err());
        assert!(parse_share("NaN").is_err());
        assert!(parse_share("five").is_err());
    }
}
