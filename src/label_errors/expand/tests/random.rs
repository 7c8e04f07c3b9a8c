//! Flags on right rows: nothing sets them apart, and nothing may be proposed for being like them.

use super::corner::checked;
use super::*;

/// A sheet without errors, and one in a number of its rows flagged, of one market where that is named.
fn right_rows(market: Option<&str>, every: usize) -> (Trial, Vec<u32>) {
    let table = sheet(5_000, 1);
    let prepared = prepare(&table, &profile(), &mut Notes::new()).unwrap();
    let trial = Trial {
        wrong: BTreeSet::new(),
        table,
        prepared,
    };
    let markets = trial.table.take(&trial.prepared.train.table_rows).texts("Market").unwrap();
    let mut rng = Seed(9).stream("right-rows", 0);
    let inside = |row: &u32| market.is_none_or(|market| markets.get(*row as usize) == Some(market));
    let rows = (0..trial.prepared.train.len() as u32).filter(inside);
    let flagged = rows.filter(|_| rng.random_bool(1.0 / every as f64)).collect();
    (trial, flagged)
}

#[test]
fn flags_on_right_rows_look_like_a_random_sample_and_nothing_is_proposed() {
    let (trial, flagged) = right_rows(None, 20);
    let found = trial.expand(&flagged, 2).unwrap();
    assert_eq!(found.verdict, Verdict::RandomSample, "{}", found.sentence);
    assert!(found.sentence.contains("look like a random sample of rows"), "{}", found.sentence);
    assert!(found.rules.is_empty() && found.pattern.is_empty() && found.doubtful.is_empty());
}

#[test]
fn right_rows_of_the_checked_market_are_a_random_sample_of_it() {
    let (trial, flagged) = right_rows(Some("Africa"), 8);
    let found = checked(&trial, &flagged, "Market = Africa").unwrap();
    assert_eq!(found.verdict, Verdict::RandomSample, "{}", found.sentence);
    assert!(found.sentence.contains("a random sample of the checked rows"), "{}", found.sentence);
    assert!(found.pattern.is_empty() && found.doubtful.is_empty());
}

#[test]
fn slips_are_doubted_and_are_no_random_sample() {
    let trial = trial(&sheet(4_000, 1), &profile(), "uniform", Some(Amount::ShareOfTraining(0.06)), false);
    let flagged = trial.flags(0.5, 0.0);
    let found = trial.expand(&flagged, 2).unwrap();
    assert_eq!(found.verdict, Verdict::IndependentSlips, "{}", found.sentence);
}

/// Somebody looked at one market only and flagged right rows there. That all flags lie there is no error of the market.
#[test]
fn right_rows_of_one_market_are_no_pattern_of_it_even_where_nothing_is_said_of_what_was_checked() {
    for market in ["Africa", "LATAM", "Europe"] {
        let (trial, flagged) = right_rows(Some(market), 8);
        let found = trial.expand(&flagged, 2).unwrap();
        assert!(found.rules.is_empty() && found.pattern.is_empty(), "{market}: {}", found.sentence);
        assert_eq!(found.verdict, Verdict::Shared, "{}", found.sentence);
        assert_eq!(found.corner, Some(format!("\"Market\" = \"{market}\"")));
    }
}

/// An error that books any class in the stead of any other: labels of the market are noisier than elsewhere, or flagged rows are doubted.
#[test]
fn an_error_of_a_market_without_direction_is_still_a_pattern() {
    let clean = sheet(6_000, 1);
    let once = trial(&clean, &profile(), "segment:Market = LATAM: late -> on time, 80%", None, false);
    let mut trial = trial(&once.table, &profile(), "segment:Market = LATAM: on time -> late, 50%", None, false);
    let labels = prepare(&clean, &profile(), &mut Notes::new()).unwrap().train.labels;
    let differs = |row: &u32| trial.prepared.train.labels[*row as usize] != labels[*row as usize];
    trial.wrong = (0..labels.len() as u32).filter(differs).collect();
    let flagged = trial.flags(0.3, 0.0);
    let found = trial.expand(&flagged, 2).unwrap();
    assert_eq!(found.verdict, Verdict::Pattern, "{}", found.sentence);
    assert!(found.rules[0].conditions.contains("`Market` = LATAM"), "{}", found.sentence);
}
