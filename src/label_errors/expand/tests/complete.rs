//! A list of flags that is complete where most of them lie.

use super::*;

const TWO_LANES: &str = "segment:Market = LATAM and Mode = \"Standard Class\": late -> on time; \
                         segment:Market = Europe and Mode = \"First Class\": late -> on time";

/// The wrong rows of the first lane that `every` leaves, and a quarter of those of the second.
fn flags(trial: &Trial, every: usize) -> Vec<u32> {
    let markets = trial.table.take(&trial.prepared.train.table_rows).texts("Market").unwrap();
    let of = |market: &str| -> Vec<u32> {
        let lies_there = |row: &u32| markets.get(*row as usize) == Some(market);
        trial.wrong.iter().copied().filter(lies_there).collect()
    };
    let (all, some) = (of("LATAM").into_iter().step_by(every), of("Europe").into_iter().step_by(4));
    let mut flagged: Vec<u32> = all.chain(some).collect();
    flagged.sort_unstable();
    flagged
}

#[test]
fn rows_of_another_rule_are_listed_and_not_proposed_where_most_flags_leave_none() {
    let trial = trial(&sheet(6_000, 1), &profile(), TWO_LANES, None, false);
    let whole = trial.expand(&flags(&trial, 1), 2).unwrap();
    assert!(whole.rules.len() >= 2, "{:#?}", whole.rules);
    assert!(whole.pattern.is_empty() && whole.doubtful.len() > 50, "{}", whole.sentence);
    assert!(whole.sentence.contains("the list may well be complete"), "{}", whole.sentence);
    assert!(
        whole
            .rules
            .iter()
            .all(|rule| rule.proposed == 0 && rule.expected_precision.is_none())
    );

    // Half of them leave the other half.
    let flagged = flags(&trial, 2);
    let part = trial.expand(&flagged, 2).unwrap();
    let (precision, _) = trial.precision_and_recall(&part, &flagged);
    assert!(
        precision > 0.8 && part.pattern.len() > 50,
        "precision {precision}, {}",
        part.sentence
    );
    assert!(!part.sentence.contains("complete"), "{}", part.sentence);
}

#[test]
fn flags_that_leave_nothing_to_propose_follow_their_rule_all_the_same() {
    let trial = trial(&sheet(6_000, 1), &profile(), LANE, None, false);
    let flagged = trial.flags(1.0, 0.0);
    let found = trial.expand(&flagged, 2).unwrap();
    assert_eq!(found.verdict, Verdict::Pattern, "{}", found.sentence);
    assert!(
        found.sentence.contains("none looks wrong") || found.sentence.contains("no further row meets it"),
        "{}",
        found.sentence
    );
    assert!(found.pattern.len() * 50 < flagged.len(), "{} proposed", found.pattern.len());
    // A rule may leave out a price at which hardly any flag lies.
    assert!(found.explained.iter().all(|proposal| flagged.contains(&proposal.row)));
    assert!(
        found.explained.len() * 100 > flagged.len() * 97,
        "{} of {}",
        found.explained.len(),
        flagged.len()
    );
    assert!(found.explained.iter().filter(|proposal| proposal.likeliest == 2).count() * 10 > flagged.len() * 9);
    let shared: Vec<&str> = found.shared.iter().map(|shared| shared.conditions.as_str()).collect();
    assert!(
        shared.contains(&"`Market` = LATAM, `Mode` = Standard Class") || shared.contains(&"`Market` = LATAM"),
        "{shared:?}"
    );
}
