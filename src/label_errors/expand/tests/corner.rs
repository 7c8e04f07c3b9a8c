//! Flags from one corner: somebody may have looked only there, and may say so.

use super::*;

/// Flags on wrong rows of one market.
fn audited(trial: &Trial, every: usize) -> Vec<u32> {
    let markets = trial.table.take(&trial.prepared.train.table_rows).texts("Market").unwrap();
    let inside = trial
        .wrong
        .iter()
        .copied()
        .filter(|row| markets.get(*row as usize) == Some("LATAM"));
    inside.step_by(every).collect()
}

pub(super) fn checked(trial: &Trial, flagged: &[u32], rule: &str) -> Result<Expansion> {
    let recipe = recipe();
    let options = ExpandOptions {
        checked: Some(Rule::parse(rule).unwrap()),
        ..ExpandOptions::default()
    };
    expand(&trial.request(flagged, &recipe, &options, 2), &Silent::default())
}

fn slips() -> Trial {
    trial(&sheet(4_000, 1), &profile(), "uniform", Some(Amount::ShareOfTraining(0.06)), false)
}

/// Slips of every class, of which somebody looked for those of one market only.
#[test]
fn slips_from_one_corner_are_told_to_share_it_and_are_no_pattern() {
    let trial = slips();
    let flagged = audited(&trial, 1);
    let found = trial.expand(&flagged, 2).unwrap();
    assert_eq!(found.shared[0].conditions, "`Market` = LATAM");
    assert_eq!((found.shared[0].flags, found.shared[0].flagged), (flagged.len(), flagged.len()));
    assert!(!found.sentence.contains("independent slips"), "{}", found.sentence);
    assert!(
        found.pattern.len() < 30,
        "{} proposed where nothing more is wrong",
        found.pattern.len()
    );
    assert_eq!(found.corner.as_deref(), Some("\"Market\" = \"LATAM\""));
}

/// Told that only one market was checked, the search finds nothing that its flags share, and says how many of the others may be wrong.
#[test]
fn slips_of_the_checked_corner_are_slips_and_the_rest_is_told_as_an_interval() {
    let trial = slips();
    let flagged = audited(&trial, 1);
    let found = checked(&trial, &flagged, "Market = LATAM").unwrap();
    assert_eq!(found.verdict, Verdict::IndependentSlips, "{}", found.sentence);
    assert!(found.pattern.is_empty() && found.doubtful.is_empty() && found.corner.is_none());
    assert!(found.shared.is_empty(), "{:#?}", found.shared);
    // Every wrong row of the market is flagged here, and errors are as frequent elsewhere: the interval holds their number.
    let bounds: Vec<f64> = found
        .sentence
        .split_once("nobody checked, ")
        .and_then(|(_, rest)| rest.split_once(" of those"))
        .map(|(range, _)| range.split(" to ").map(|bound| bound.replace(',', "").parse().unwrap()).collect())
        .unwrap();
    let elsewhere = (trial.wrong.len() - flagged.len()) as f64;
    assert!(bounds[0] <= elsewhere && elsewhere <= bounds[1], "{bounds:?} for {elsewhere}");
}

/// Within the checked market the error lies on one mode: that is found, by the rows that were checked, and nothing is proposed elsewhere.
#[test]
fn a_rule_is_learnt_among_the_checked_rows_and_proposes_none_of_the_others() {
    let trial = trial(&sheet(6_000, 1), &profile(), LANE, None, false);
    let flagged = trial.flags(0.2, 0.0);
    let found = checked(&trial, &flagged, "Market = LATAM").unwrap();
    assert_eq!(found.verdict, Verdict::Pattern, "{}", found.sentence);
    assert!(found.rules[0].conditions.contains("`Mode` = Standard Class"), "{:#?}", found.rules);
    assert!(!found.rules[0].conditions.contains("Market"), "all checked rows are of one market");
    let markets = trial.table.take(&trial.prepared.train.table_rows).texts("Market").unwrap();
    let inside = |proposal: &Proposal| markets.get(proposal.row as usize) == Some("LATAM");
    assert!(found.pattern.iter().chain(&found.doubtful).all(inside));
    let (precision, recall) = trial.precision_and_recall(&found, &flagged);
    assert!(precision > 0.8 && recall > 0.8, "precision {precision}, recall {recall}");
    let unchecked = found.rules[0].unchecked.unwrap();
    assert!(
        unchecked.rows > 100 && unchecked.wrong_low < 10.0,
        "none of them is wrong: {unchecked:?}"
    );
    assert!(unchecked.wrong_high < 0.5 * unchecked.rows as f64, "{unchecked:?}");
    assert!(
        found.rules[0].words.contains("rows that nobody checked are recorded so too"),
        "{}",
        found.rules[0].words
    );
}

#[test]
fn checked_rows_without_a_flag_are_refused() {
    let trial = slips();
    let flagged = audited(&trial, 1);
    let error = checked(&trial, &flagged, "Market = Africa").unwrap_err();
    assert!(error.message().contains("no flagged training row meets"), "{error}");
    assert!(error.hint_text().unwrap().contains("--checked"), "{error}");
}

/// The wrong rows of the lane that lie in the first third of the training rows, as whoever goes through the sheet from the top finds them.
fn of_the_first_months(trial: &Trial) -> Vec<u32> {
    let third = trial.prepared.train.len() as u32 / 3;
    trial.wrong.iter().copied().filter(|row| *row < third).collect()
}

/// Somebody looked at the first months, and the error went on: the rule has no bounds in time, and the wrong rows of later months are found.
#[test]
fn flags_of_the_first_months_do_not_bound_an_error_that_ran_on() {
    let trial = trial(&sheet(6_000, 1), &profile(), LANE, None, false);
    let flagged = of_the_first_months(&trial);
    let found = trial.expand(&flagged, 2).unwrap();
    assert_eq!(found.verdict, Verdict::Pattern, "{}", found.sentence);
    let rule = &found.rules[0];
    assert!(!rule.conditions.contains("Ordered"), "{}", found.sentence);
    assert!(rule.conditions.contains("`Market` = LATAM"), "{}", found.sentence);
    let within = rule.flags_within.as_deref().unwrap();
    assert!(within.contains("`Ordered` up to 2017-"), "{within}");
    assert!(rule.words.contains("so the error is taken to run on"), "{}", rule.words);
    let (precision, recall) = trial.precision_and_recall(&found, &flagged);
    assert!(precision > 0.8 && recall > 0.8, "precision {precision}, recall {recall}, {rule:#?}");
}

/// The error stopped where the flags stop: the rule keeps its bounds, and no later row is proposed.
#[test]
fn flags_of_an_error_that_stopped_keep_its_bounds() {
    let stopped = "segment:Market = LATAM and Mode = \"Standard Class\" and Ordered < 2017-03-20: late -> on time, 90%";
    let trial = trial(&sheet(6_000, 1), &profile(), stopped, None, false);
    let flagged: Vec<u32> = trial.wrong.iter().copied().collect();
    let found = trial.expand(&flagged, 2).unwrap();
    assert!(found.rules[0].conditions.contains("`Ordered` up to 2017-0"), "{}", found.sentence);
    assert_eq!(found.rules[0].flags_within, None);
    assert!(found.pattern.len() * 20 < flagged.len(), "{} proposed", found.pattern.len());
}

/// An error of one month is a rule that reads back: without it nothing is known of where the errors lie.
#[test]
fn a_rule_of_a_month_reads_back_as_the_rows_that_it_selects() {
    let kind = "segment:month(Ordered) = 4: late -> on time, 90%";
    let trial = trial(&sheet(6_000, 1), &profile(), kind, None, false);
    let found = trial.expand(&trial.flags(0.5, 0.0), 2).unwrap();
    let rule = &found.rules[0];
    let rows = Rule::parse(rule.rule.as_ref().unwrap()).unwrap();
    let matches = rows.matches(&trial.table, &mut Notes::new()).unwrap();
    let met = trial.prepared.train.table_rows.iter().filter(|row| matches[**row]).count();
    assert_eq!(met, rule.region_rows, "{}", found.sentence);
}
