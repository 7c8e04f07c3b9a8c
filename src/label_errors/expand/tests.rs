use rand::Rng;

use super::columns::{Bins, Column, Taken};
use super::search::{Evidence, Test, evidence, search};
use super::*;
use crate::features::{Profile, prepare};
use crate::label_errors::testing::profile;
use crate::label_errors::{Amount, Bias, InjectionPlan, Known, inject_sheet, kinds};
use crate::notes::Notes;
use crate::progress::Silent;

mod complete;
mod corner;
mod random;

/// Orders of four markets and three modes; lateness depends on both, and strongly on the price. One row an order, or `items`.
fn sheet(rows: usize, items: usize) -> Table {
    let mut rng = Seed(3).stream("expand-tests", 0);
    let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); 9];
    for order in 0..rows / items {
        let (market, mode) = (rng.random_range(0..4), rng.random_range(0..3));
        let price = rng.random_range(1.0..90.0_f64);
        let planned = [1, 2, 4][mode];
        let risky = price > [30.0, 50.0, 60.0, 20.0][market];
        let draw: f64 = rng.random();
        let actual = match (risky, draw) {
            (true, draw) if draw < 0.9 => planned + 2,
            (false, draw) if draw < 0.8 => planned,
            (_, draw) if draw < 0.95 => planned - 1,
            _ => planned + 1,
        };
        let days = order * 300 / (rows / items);
        for item in 0..items {
            let cells = [
                format!("i{}", order * items + item),
                format!("O{order}"),
                ["LATAM", "Europe", "USCA", "Africa"][market].to_owned(),
                ["Same Day", "First Class", "Standard Class"][mode].to_owned(),
                planned.to_string(),
                actual.to_string(),
                "COMPLETE".to_owned(),
                format!("2017-{:02}-{:02} 08:00", 1 + days / 28, 1 + days % 28),
                format!("{price:.2}"),
            ];
            columns.iter_mut().zip(cells).for_each(|(column, cell)| column.push(Some(cell)));
        }
    }
    let names = ["Item", "Order", "Market", "Mode", "Planned", "Actual", "Status", "Ordered", "Price"];
    let height = columns[0].len();
    names
        .iter()
        .zip(columns)
        .fold(Table::new("orders.csv", height), |table, (name, cells)| {
            table.with_column(name, cells).unwrap()
        })
}

fn recipe() -> Recipe {
    Recipe {
        epochs: 12,
        learning_rate: 0.1,
        batch: 64,
        ..Recipe::default()
    }
}

static NO_CORRECTIONS: &BTreeMap<u32, u8> = &BTreeMap::new();

struct Trial {
    table: Table,
    prepared: Prepared,
    wrong: BTreeSet<u32>,
}

/// The sheet with errors in it.
fn trial(table: &Table, profile: &Profile, kind: &str, amount: Option<Amount>, whole_groups: bool) -> Trial {
    let mut notes = Notes::new();
    let clean = prepare(table, profile, &mut notes).unwrap();
    let plan = InjectionPlan {
        mistakes: kind
            .split("; ")
            .map(|kind| (kinds::parse(kind, profile.label.classes()).unwrap(), amount))
            .collect(),
        whole_groups,
        spare_validation: false,
        known: Known::default(),
        full_rows: false,
        seed: Seed(5),
    };
    let corrupted = inject_sheet(table, profile, &plan, &mut notes).unwrap().corrupted;
    let prepared = prepare(&corrupted, profile, &mut notes).unwrap();
    let differs = |row: &u32| prepared.train.labels[*row as usize] != clean.train.labels[*row as usize];
    let wrong = (0..prepared.train.len() as u32).filter(differs).collect();
    Trial {
        table: corrupted,
        prepared,
        wrong,
    }
}

impl Trial {
    fn flags(&self, share: f64, false_share: f64) -> Vec<u32> {
        let known = Known {
            share,
            false_share,
            bias: Bias::None,
        };
        let wrong: Vec<u32> = self.wrong.iter().copied().collect();
        known.draw(&wrong, self.prepared.train.len(), None, Seed(5)).unwrap().flagged
    }

    fn request<'a>(&'a self, flagged: &'a [u32], recipe: &'a Recipe, options: &'a ExpandOptions, threads: usize) -> ExpandRequest<'a> {
        ExpandRequest {
            said: None,
            table: &self.table,
            prepared: &self.prepared,
            labels: &self.prepared.train.labels,
            flagged,
            corrections: NO_CORRECTIONS,
            hidden: &[16],
            recipe,
            options,
            seed: Seed(1),
            threads,
        }
    }

    fn expand(&self, flagged: &[u32], threads: usize) -> Result<Expansion> {
        let (recipe, options) = (recipe(), ExpandOptions::default());
        expand(&self.request(flagged, &recipe, &options, threads), &Silent::default())
    }

    /// Precision and recall of the rows proposed as a pattern.
    fn precision_and_recall(&self, found: &Expansion, flagged: &[u32]) -> (f64, f64) {
        let hits = found.pattern.iter().filter(|proposal| self.wrong.contains(&proposal.row)).count() as f64;
        let unknown = self.wrong.iter().filter(|row| !flagged.contains(row)).count() as f64;
        (hits / found.pattern.len().max(1) as f64, hits / unknown)
    }
}

const LANE: &str = "segment:Market = LATAM and Mode = \"Standard Class\": late -> on time";

#[test]
fn a_lane_is_found_from_a_part_of_its_rows_and_told_in_words() {
    let trial = trial(&sheet(6_000, 1), &profile(), LANE, None, false);
    let flagged = trial.flags(0.2, 0.0);
    let found = trial.expand(&flagged, 2).unwrap();
    assert_eq!(found.verdict, Verdict::Pattern, "{}", found.sentence);
    let [rule] = found.rules.as_slice() else {
        panic!("{:#?}", found.rules)
    };
    assert!(
        rule.conditions.contains("`Market` = LATAM") && rule.conditions.contains("`Mode` = Standard Class"),
        "{rule:#?}"
    );
    assert!(rule.words.starts_with("100 % of the flagged rows: "), "{}", rule.words);
    assert!(
        rule.words.contains("recorded on time though the model without them says late"),
        "{}",
        rule.words
    );
    assert_eq!((rule.recorded_as, rule.truly, rule.flags), (Some(1), Some(2), flagged.len()));
    let ((low, high), wrong) = (rule.wrong_range.unwrap(), trial.wrong.len() as f64);
    assert!(low <= wrong && wrong <= high && high - low < wrong, "{low} to {high} for {wrong}");
    let (precision, recall) = trial.precision_and_recall(&found, &flagged);
    assert!(
        precision > 0.85 && recall > 0.9,
        "precision {precision}, recall {recall}, {rule:#?}"
    );
    assert!(found.pattern.iter().all(|proposal| !flagged.contains(&proposal.row)));
    // Every flag follows the rule, and most are told to be late orders, as they are.
    assert_eq!(found.explained.iter().map(|proposal| proposal.row).collect::<Vec<_>>(), flagged);
    assert!(found.explained.iter().filter(|proposal| proposal.likeliest == 2).count() * 10 > flagged.len() * 9);
    assert!(found.pattern.windows(2).all(|pair| pair[0].row < pair[1].row));
    // The condition reads back as a rule that selects the same rows.
    let rows = crate::tables::Rule::parse(rule.rule.as_ref().unwrap()).unwrap();
    let matches = rows.matches(&trial.table, &mut Notes::new()).unwrap();
    let met = trial.prepared.train.table_rows.iter().filter(|row| matches[**row]).count();
    assert_eq!(met, rule.region_rows);
}

#[test]
fn the_result_is_the_same_on_one_and_two_threads() {
    let trial = trial(&sheet(2_000, 1), &profile(), LANE, None, false);
    let flagged = trial.flags(0.3, 0.0);
    assert_eq!(trial.expand(&flagged, 1).unwrap(), trial.expand(&flagged, 2).unwrap());
}

#[test]
fn independent_slips_propose_nothing_as_a_pattern_even_where_whole_orders_are_wrong() {
    for whole_groups in [false, true] {
        let trial = trial(
            &sheet(4_000, 2),
            &profile(),
            "uniform",
            Some(Amount::ShareOfTraining(0.06)),
            whole_groups,
        );
        let found = trial.expand(&trial.flags(0.5, 0.0), 2).unwrap();
        assert_eq!(found.verdict, Verdict::IndependentSlips, "{}", found.sentence);
        assert!(found.pattern.is_empty() && found.sentence.starts_with("no pattern: "));
        // Half an order that disagrees with the other half is a contradiction, whole wrong orders are none.
        if !whole_groups {
            let right = found
                .contradictions
                .iter()
                .filter(|proposal| trial.wrong.contains(&proposal.row))
                .count();
            assert!(
                found.contradictions.len() > 50 && right * 10 > found.contradictions.len() * 6,
                "{right} of {}",
                found.contradictions.len()
            );
        }
    }
}

#[test]
fn a_fifth_of_false_flags_changes_little() {
    let trial = trial(&sheet(6_000, 1), &profile(), LANE, None, false);
    let flagged = trial.flags(0.3, 0.2);
    let found = trial.expand(&flagged, 2).unwrap();
    let (precision, recall) = trial.precision_and_recall(&found, &flagged);
    assert_eq!(found.verdict, Verdict::Pattern);
    assert!(precision > 0.8 && recall > 0.8, "precision {precision}, recall {recall}");
}

/// False flags lie where the right rows of their class lie, which is nowhere near where slips of that class would lie. What the first
/// rule leaves over must not become a second one because of that.
#[test]
fn many_false_flags_do_not_make_a_rule_of_their_own() {
    let trial = trial(&sheet(9_000, 1), &profile(), LANE, None, false);
    let flagged = trial.flags(0.6, 0.4);
    let (recipe, options) = (recipe(), ExpandOptions::default());
    let request = trial.request(&flagged, &recipe, &options, 2);
    let work = Work::new(&request).unwrap();
    let columns = columns::columns(&trial.table, &trial.prepared).unwrap();
    let truth = work.subject().cross_fitted(&work.flagged, 3, &Silent::default()).unwrap();
    let rules: Vec<String> = work
        .rules(&columns, &truth)
        .iter()
        .map(|region| words::conditions(&region.found.conditions, &columns))
        .collect();
    assert_eq!(rules.len(), 1, "{rules:?}");
    assert!(rules[0].contains("`Market` = LATAM"), "{rules:?}");
}

/// A model that knows nothing would say on time or early as it comes; every correction says early.
#[test]
fn corrections_decide_the_likeliest_label_of_rows_like_theirs() {
    let kind = "segment:Market = LATAM and Mode = \"Standard Class\": early -> late, 90%";
    let trial = trial(&sheet(6_000, 1), &profile(), kind, None, false);
    let flagged = trial.flags(0.4, 0.0);
    let (recipe, options) = (recipe(), ExpandOptions::default());
    let corrections: BTreeMap<u32, u8> = flagged.iter().take(flagged.len() / 2).map(|row| (*row, 0)).collect();
    let request = ExpandRequest {
        said: None,
        corrections: &corrections,
        ..trial.request(&flagged, &recipe, &options, 2)
    };
    let found = expand(&request, &Silent::default()).unwrap();
    assert_eq!(found.verdict, Verdict::Pattern, "{}", found.sentence);
    let told: Vec<u8> = found
        .explained
        .iter()
        .chain(&found.pattern)
        .map(|proposal| proposal.likeliest)
        .collect();
    assert!(told.len() >= flagged.len() && told.iter().all(|class| *class == 0), "{told:?}");
}

#[test]
fn one_or_two_flags_say_that_they_say_nothing() {
    let trial = trial(&sheet(600, 1), &profile(), LANE, None, false);
    let first: Vec<u32> = trial.wrong.iter().copied().take(2).collect();
    for flagged in [&first[..1], &first[..]] {
        let found = trial.expand(flagged, 2).unwrap();
        assert_eq!(found.verdict, Verdict::TooFewFlags);
        assert!(found.pattern.is_empty() && found.rules.is_empty());
    }
}

#[test]
fn no_flag_and_more_than_half_of_the_rows_are_refused_with_a_way_on() {
    let trial = trial(&sheet(600, 1), &profile(), LANE, None, false);
    let none = trial.expand(&[], 1).unwrap_err();
    assert!(none.hint_text().unwrap().contains("recant suspects"), "{none}");
    let most: Vec<u32> = (0..trial.prepared.train.len() as u32 * 2 / 3).collect();
    let error = trial.expand(&most, 1).unwrap_err();
    assert!(error.message().contains("more than half"), "{error}");
}

#[test]
fn fifty_rows_are_too_few_to_say_much_and_do_not_break_it() {
    let trial = trial(&sheet(50, 1), &profile(), "uniform", Some(Amount::Rows(6)), false);
    let flagged: Vec<u32> = trial.wrong.iter().copied().collect();
    let found = trial.expand(&flagged, 1).unwrap();
    assert!(found.pattern.len() <= 5, "{}", found.sentence);
}

fn column(name: &str, codes: Vec<u16>, values: u16) -> Column {
    Column {
        name: name.to_owned(),
        taken: Taken::Value,
        bins: Bins::Values((0..values).map(|value| value.to_string()).collect()),
        codes,
    }
}

#[test]
fn the_search_finds_a_planted_conjunction_and_nothing_among_random_flags() {
    let rows = 4_000;
    let mut rng = Seed(9).stream("search", 0);
    let mut draw = |values: u16| (0..rows).map(|_| rng.random_range(0..values)).collect::<Vec<u16>>();
    let columns: Vec<Column> = [5, 7, 30, 200, 9]
        .iter()
        .enumerate()
        .map(|(place, values)| column(&format!("c{place}"), draw(*values), *values))
        .collect();
    let chance = vec![1.0 / rows as f64; rows];
    let inside: Vec<u32> = (0..rows as u32)
        .filter(|row| columns[0].codes[*row as usize] == 2 && columns[1].codes[*row as usize] == 3)
        .collect();
    let flags: Vec<(u32, f64)> = inside.iter().take(12).map(|row| (*row, 1.0)).collect();
    let found = search(&Evidence {
        columns: &columns,
        chance: &chance,
        chance_if_false: None,
        flags,
    })
    .unwrap();
    let mut conditions: Vec<(usize, Test)> = found.conditions.iter().map(|c| (c.column, c.test.clone())).collect();
    conditions.sort_by_key(|(column, _)| *column);
    assert_eq!(conditions, [(0, Test::Among(vec![2])), (1, Test::Among(vec![3]))]);
    assert!(found.gain > 10.0);
    // Random flags: evidence beyond ln(100) in at most one of a hundred sheets is promised; here in none of forty.
    for sheet in 0..40 {
        let mut rng = Seed(10).stream("random-flags", sheet);
        let flags = (0..40).map(|_| (rng.random_range(0..rows as u32), 1.0)).collect();
        let found = search(&Evidence {
            columns: &columns,
            chance: &chance,
            chance_if_false: None,
            flags,
        });
        assert!(found.is_none_or(|found| found.gain < 100.0_f64.ln()), "sheet {sheet}");
    }
}

#[test]
fn evidence_is_the_log_likelihood_ratio() {
    // 8 of 10 where 2 are expected: 8 ln(8/2) + 2 ln(2/8).
    let wanted = 8.0 * 4.0_f64.ln() + 2.0 * 0.25_f64.ln();
    assert!((evidence(8.0, 2.0, 10.0) - wanted).abs() < 1e-12);
    assert_eq!(evidence(2.0, 2.0, 10.0), 0.0);
    assert_eq!(evidence(1.0, 2.0, 10.0), 0.0);
    assert!((evidence(10.0, 1.0, 10.0) - 10.0 * 10.0_f64.ln()).abs() < 1e-9);
}

/// Rows of two kinds by one column, 70 % of true class 0 recorded as 1; the model knows how the classes lie.
#[test]
fn the_mixture_tells_how_many_rows_are_wrong_and_which() {
    let mut rng = Seed(4).stream("mixture", 0);
    let rows = 4_000;
    let (mut truth, mut labels, mut clean, mut flagged) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        let likely: f64 = if rng.random::<f64>() < 0.5 { 0.9 } else { 0.2 };
        let of_class_zero = rng.random::<f64>() < likely;
        let wrong = of_class_zero && rng.random::<f64>() < 0.7;
        truth.extend([likely, 1.0 - likely]);
        clean.push(wrong);
        flagged.push(wrong && rng.random::<f64>() < 0.1);
        labels.push(u8::from(!of_class_zero || wrong));
    }
    let fitted = mixture::fit(&mixture::Region {
        truth: &truth,
        labels: &labels,
        flagged: &flagged,
        reached: None,
        known: &vec![None; flagged.len()],
        recorded_as: Some(1),
        classes: 2,
        columns: Vec::new(),
    });
    let actual = clean.iter().zip(&flagged).filter(|(wrong, flagged)| **wrong && !**flagged).count() as f64;
    let estimated: f64 = fitted
        .wrong
        .iter()
        .zip(&labels)
        .zip(&flagged)
        .filter(|((_, label), flagged)| **label == 1 && !**flagged)
        .map(|((wrong, _), _)| wrong)
        .sum();
    assert!((estimated / actual - 1.0).abs() < 0.1, "estimated {estimated}, actual {actual}");
    // Bayes' rule by hand for the likely rows: 0.9 x 0.7 x 0.9 (not flagged) / that + 0.1.
    let likely = (0..rows)
        .find(|row| truth[row * 2] == 0.9 && labels[*row] == 1 && !flagged[*row])
        .unwrap();
    let wanted = 0.9 * 0.7 * 0.9 / (0.9 * 0.7 * 0.9 + 0.1);
    assert!(
        (fitted.wrong[likely] - wanted).abs() < 0.03,
        "{} and {wanted}",
        fitted.wrong[likely]
    );
    assert!(fitted.gain > 100.0);
}

/// The model thinks both kinds of rows alike; labels and flags say otherwise, and the mixture listens.
#[test]
fn a_column_that_the_model_misjudges_is_let_in() {
    let mut rng = Seed(6).stream("mixture", 1);
    let rows = 4_000;
    let (mut labels, mut wrong_rows, mut flagged, mut codes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        let kind = u16::from(rng.random::<bool>());
        let of_class_zero = rng.random::<f64>() < [0.95, 0.05][usize::from(kind)];
        let wrong = of_class_zero && rng.random::<f64>() < 0.6;
        codes.push(kind);
        wrong_rows.push(wrong);
        flagged.push(wrong && rng.random::<f64>() < 0.1);
        labels.push(u8::from(!of_class_zero || wrong));
    }
    let fitted = mixture::fit(&mixture::Region {
        truth: &[0.6, 0.4].repeat(rows),
        labels: &labels,
        flagged: &flagged,
        reached: None,
        known: &vec![None; flagged.len()],
        recorded_as: Some(1),
        classes: 2,
        columns: vec![(codes.clone(), 2)],
    });
    let mean = |kind: u16| {
        let picked: Vec<usize> = (0..rows)
            .filter(|row| codes[*row] == kind && labels[*row] == 1 && !flagged[*row])
            .collect();
        let said: f64 = picked.iter().map(|row| fitted.wrong[*row]).sum();
        let true_share = picked.iter().filter(|row| wrong_rows[**row]).count() as f64;
        (said / picked.len() as f64, true_share / picked.len() as f64)
    };
    // Without the column both would be said to be wrong alike, at one half.
    let ((said_high, high), (said_low, low)) = (mean(0), mean(1));
    assert!(high > 0.85 && said_high > 0.7, "{said_high} for {high}");
    assert!(low < 0.1 && said_low < 0.15, "{said_low} for {low}");
}

/// The model is all but sure of class 2 in a region whose rows are mostly recorded as 0, as a proxy of the label makes it, but for one
/// value of a column, where no row is wrong. That the rows are truly 1 but for that value explains labels and flags better than that a
/// part of all rows is wrong; only, the model would be wrong about nearly every row.
#[test]
fn a_sure_model_is_not_turned_around_because_errors_spare_one_value_of_a_column() {
    for seed in 0..6 {
        let mut rng = Seed(20).stream("mixture-sure", seed);
        let rows = 1_300;
        let (mut truth, mut labels, mut flagged) = (Vec::new(), Vec::new(), Vec::new());
        let mut columns = vec![Vec::new(); 3];
        for _ in 0..rows {
            let spared = rng.random::<f64>() < 0.06;
            let wrong = !spared && rng.random::<f64>() < 0.8;
            let doubt: f64 = rng.random_range(1e-7..1e-4);
            truth.extend([doubt / 2.0, doubt / 2.0, 1.0 - doubt]);
            labels.push(if wrong { 0 } else { 2 });
            flagged.push(wrong && rng.random::<f64>() < 0.06);
            let codes = [
                rng.random_range(0..3),
                if spared { 3 } else { rng.random_range(0..3) },
                rng.random_range(0..8_u16),
            ];
            columns.iter_mut().zip(codes).for_each(|(column, code)| column.push(code));
        }
        let fitted = mixture::fit(&mixture::Region {
            truth: &truth,
            labels: &labels,
            flagged: &flagged,
            reached: None,
            known: &vec![None; flagged.len()],
            recorded_as: Some(0),
            classes: 3,
            columns: columns.into_iter().zip([3, 4, 8]).collect(),
        });
        let recorded: Vec<usize> = (0..rows).filter(|row| labels[*row] == 0).collect();
        let said: f64 = recorded.iter().map(|row| fitted.wrong[*row]).sum();
        assert!(said > 0.98 * recorded.len() as f64, "seed {seed}: {said} of {}", recorded.len());
        assert!(recorded.iter().all(|row| fitted.likeliest[*row] == 2), "seed {seed}");
    }
}

fn proxy_columns(column: Column, labels: &[u8]) -> (Vec<Contradiction>, Vec<Proposal>) {
    let mut contradictions = Vec::new();
    let given = contradictions::Given {
        labels,
        classes: 3,
        class_names: &["early".to_owned(), "on time".to_owned(), "late".to_owned()],
        groups: None,
        group_name: None,
        truth: &vec![1.0 / 3.0; labels.len() * 3],
        aside: &vec![false; labels.len()],
    };
    let found = contradictions::find(&given, &[column], &mut contradictions);
    (contradictions, found)
}

/// A region whose rows are nearly always late says something about late rows, but most of those are elsewhere: its few punctual rows
/// contradict nothing. A flag that most late rows have is a copy of the label, and those few do.
#[test]
fn a_region_that_is_nearly_always_late_is_no_copy_of_the_label_but_a_late_flag_is() {
    let rows = 3_000;
    // A tenth of the rows lies in region 4, of which 19 in 20 are late; elsewhere the three classes are as frequent as each other.
    let regions: Vec<u16> = (0..rows).map(|row| if row % 10 == 0 { 4 } else { (row % 4) as u16 }).collect();
    let labels: Vec<u8> = (0..rows)
        .map(|row| match row % 10 {
            0 => {
                if (row / 10) % 20 == 0 {
                    1
                } else {
                    2
                }
            }
            _ => (row / 10 % 3) as u8,
        })
        .collect();
    assert_eq!(proxy_columns(column("Region", regions, 5), &labels), (Vec::new(), Vec::new()));
    let mut flag: Vec<u16> = labels.iter().map(|label| u16::from(*label == 2)).collect();
    let punctual = labels.iter().position(|label| *label == 1).unwrap();
    flag[punctual] = 1;
    let (contradictions, found) = proxy_columns(column("Late flag", flag, 2), &labels);
    assert_eq!(contradictions.len(), 1);
    assert_eq!(
        found.iter().map(|found| (found.row, found.likeliest)).collect::<Vec<_>>(),
        [(punctual as u32, 2)]
    );
}

#[test]
fn rows_are_drawn_as_often_as_they_are_thought_to_be_wrong() {
    let trial = trial(&sheet(6_000, 1), &profile(), LANE, None, false);
    let flagged = trial.flags(0.2, 0.0);
    let mut found = trial.expand(&flagged, 1).unwrap();
    let listed: BTreeSet<u32> = found.pattern.iter().chain(&found.doubtful).map(|proposal| proposal.row).collect();
    assert_eq!(
        listed.len(),
        found.pattern.len() + found.doubtful.len(),
        "no row is both sure and doubtful"
    );
    assert!(!found.doubtful.is_empty() && flagged.iter().all(|row| !listed.contains(row)));
    // Every row of the rule's recorded class is flagged, proposed or doubtful.
    assert_eq!(found.rules[0].rows, listed.len() + found.explained.len());
    let drawn = found.drawn(Seed(3));
    assert_eq!(drawn, found.drawn(Seed(3)));
    assert!(drawn.is_sorted_by_key(|proposal| proposal.row) && drawn.iter().all(|proposal| listed.contains(&proposal.row)));
    // Sure ones always, impossible ones never, and a quarter a quarter of the time: 4 standard deviations are allowed.
    found.pattern = (0..400)
        .map(|row| Proposal {
            row,
            score: 1.0,
            likeliest: 0,
            rule: 0,
        })
        .collect();
    found.doubtful = (400..2_400)
        .map(|row| Proposal {
            row,
            score: if row < 800 { 0.0 } else { 0.25 },
            likeliest: 0,
            rule: 0,
        })
        .collect();
    let rows: Vec<u32> = found.drawn(Seed(4)).iter().map(|proposal| proposal.row).collect();
    assert_eq!(rows[..400], (0..400).collect::<Vec<u32>>());
    assert!(rows[400..].iter().all(|row| *row >= 800));
    assert!(
        (322..=478).contains(&(rows.len() - 400)),
        "{} of 1,600 at a quarter each",
        rows.len() - 400
    );
}
