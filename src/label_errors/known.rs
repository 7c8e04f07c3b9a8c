//! The known part of the wrong rows: in practice nobody finds all of them, some flags are false, and what is found is not a
//! random part (arXiv 2402.14015, section 3: the deletion set S_f of the manipulated set S_m).

use super::draw::choose;
use crate::error::{Error, Result};
use crate::seed::Seed;
use crate::tables::Rule;

/// Which part of the manipulated set is flagged.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Share of the manipulated rows that is flagged, in (0, 1]; rounded down, at least one row.
    pub share: f64,
    /// Share of the flags that sit on clean rows, in [0, 1).
    pub false_share: f64,
    /// Which of the manipulated rows are found first.
    pub bias: Bias,
}

impl Default for Known {
    /// All wrong rows are known, and no flag is false.
    fn default() -> Self {
        Self {
            share: 1.0,
            false_share: 0.0,
            bias: Bias::None,
        }
    }
}

/// Which of the manipulated rows are found first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bias {
    /// None: a random part.
    None,
    /// The first in time (training order).
    Earliest,
    /// The last in time.
    Latest,
    /// Rows that meet a condition before all others; a random part of each.
    Meeting(Rule),
}

impl Bias {
    /// Reads `none`, `earliest`, `latest` or a condition over the columns of the sheet.
    ///
    /// # Errors
    /// Where it is none of these words and not a condition either.
    pub fn parse(text: &str) -> Result<Self> {
        match text.trim().to_lowercase().as_str() {
            "none" => Ok(Bias::None),
            "earliest" => Ok(Bias::Earliest),
            "latest" => Ok(Bias::Latest),
            _ => Rule::parse(text)
                .map(Bias::Meeting)
                .map_err(|error| error.hint("give `none`, `earliest`, `latest`, or a condition such as `Market = LATAM`")),
        }
    }
}

/// The flags that somebody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFlags {
    /// Positions of all flagged rows, ascending.
    pub flagged: Vec<u32>,
    /// Those of them that are clean, ascending.
    pub false_flags: Vec<u32>,
}

impl Known {
    /// Draws the flags. `manipulated`: positions of the wrong rows, ascending; `rows`: number of training rows;
    /// `meets`: for [`Bias::Meeting`], which training rows meet its condition.
    ///
    /// With one seed, a larger share holds all flags of a smaller one.
    ///
    /// # Errors
    /// Where a share is out of range, or there are too few clean rows for the false flags.
    pub fn draw(&self, manipulated: &[u32], rows: usize, meets: Option<&[bool]>, seed: Seed) -> Result<KnownFlags> {
        if !(self.share > 0.0 && self.share <= 1.0) {
            return Err(
                Error::input(format!("the known share must be above 0 and at most 100 %, found {}", self.share)).hint("such as `30%`"),
            );
        }
        if !(0.0..1.0).contains(&self.false_share) {
            return Err(Error::input(format!(
                "the share of false flags must be from 0 to below 100 %, found {}",
                self.false_share
            ))
            .hint("such as `20%`"));
        }
        if manipulated.is_empty() || manipulated.iter().any(|position| *position as usize >= rows) {
            return Err(Error::internal("known flags: no manipulated rows, or one beyond the training rows"));
        }
        let found = ((manipulated.len() as f64 * self.share + 1e-9).floor() as usize).max(1);
        let mut right = self.in_order_of_discovery(manipulated, meets, seed)?;
        right.truncate(found);

        let wrong = (found as f64 * self.false_share / (1.0 - self.false_share)).round() as usize;
        let mut clean: Vec<u32> = (0..rows as u32)
            .filter(|position| manipulated.binary_search(position).is_err())
            .collect();
        if wrong > clean.len() {
            return Err(
                Error::input(format!("{wrong} false flags are wanted, but only {} rows are clean", clean.len()))
                    .hint("lower the share of false flags"),
            );
        }
        choose(&mut clean, wrong, &mut seed.stream("false-flags", 0));
        clean.sort_unstable();
        let mut flagged = [right, clean.clone()].concat();
        flagged.sort_unstable();
        Ok(KnownFlags {
            flagged,
            false_flags: clean,
        })
    }

    fn in_order_of_discovery(&self, manipulated: &[u32], meets: Option<&[bool]>, seed: Seed) -> Result<Vec<u32>> {
        let mut order = manipulated.to_vec();
        match &self.bias {
            Bias::Earliest => {}
            Bias::Latest => order.reverse(),
            Bias::None | Bias::Meeting(_) => {
                let all = order.len();
                choose(&mut order, all, &mut seed.stream("known-flags", 0));
            }
        }
        if let Bias::Meeting(_) = self.bias {
            let meets = meets.ok_or_else(|| Error::internal("known flags: a condition that was not evaluated"))?;
            if meets.len() <= manipulated.last().map_or(0, |last| *last as usize) {
                return Err(Error::internal("known flags: a condition evaluated on too few rows"));
            }
            order.sort_by_key(|position| !meets[*position as usize]);
        }
        Ok(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manipulated() -> Vec<u32> {
        (0..200).map(|index| index * 4 + 1).collect()
    }

    fn draw(share: f64, false_share: f64, bias: Bias, meets: Option<&[bool]>) -> KnownFlags {
        Known { share, false_share, bias }
            .draw(&manipulated(), 1_000, meets, Seed(3))
            .unwrap()
    }

    #[test]
    fn a_larger_known_share_holds_the_smaller_one() {
        let mut last: Vec<u32> = Vec::new();
        for tenths in 1..=10 {
            let known = draw(f64::from(tenths) / 10.0, 0.0, Bias::None, None);
            assert_eq!(known.flagged.len(), 20 * tenths as usize);
            assert!(known.false_flags.is_empty());
            assert!(last.iter().all(|position| known.flagged.binary_search(position).is_ok()));
            last = known.flagged;
        }
        assert_eq!(last, manipulated());
    }

    #[test]
    fn false_flags_are_clean_rows_in_the_stated_share() {
        let known = draw(0.4, 0.2, Bias::None, None);
        assert_eq!((known.flagged.len(), known.false_flags.len()), (100, 20));
        assert!(
            known
                .false_flags
                .iter()
                .all(|position| manipulated().binary_search(position).is_err())
        );
        assert!(known.flagged.is_sorted_by(|left, right| left < right));
    }

    #[test]
    fn a_bias_finds_the_earliest_the_latest_or_those_that_meet_a_condition_first() {
        assert_eq!(draw(0.1, 0.0, Bias::Earliest, None).flagged, manipulated()[..20]);
        assert_eq!(draw(0.1, 0.0, Bias::Latest, None).flagged, manipulated()[180..]);
        let meets: Vec<bool> = (0..1_000).map(|row| (100..200).contains(&row)).collect();
        let bias = Bias::parse("Market = LATAM").unwrap();
        let known = draw(0.1, 0.0, bias.clone(), Some(&meets));
        assert!(known.flagged.iter().all(|position| (100..200).contains(position)));
        let more = draw(0.5, 0.0, bias, Some(&meets));
        assert_eq!(more.flagged.iter().filter(|position| (100..200).contains(*position)).count(), 25);
        assert_eq!(more.flagged.len(), 100);
    }

    #[test]
    fn shares_out_of_range_are_refused() {
        for (share, false_share) in [
            (0.0, 0.0),
            (1.1, 0.0),
            (f64::NAN, 0.0),
            (0.5, 1.0),
            (0.5, -0.1),
            (0.5, f64::NAN),
            (1.0, 0.9),
        ] {
            let known = Known {
                share,
                false_share,
                bias: Bias::None,
            };
            assert!(known.draw(&manipulated(), 1_000, None, Seed(1)).is_err(), "{share} {false_share}");
        }
    }
}
