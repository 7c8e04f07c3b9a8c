use super::*;
use crate::label_errors::testing::{orders, profile};
use crate::label_errors::{Bias, kinds};

fn plan(specs: &[(&str, Option<&str>)]) -> InjectionPlan {
    let profile = profile();
    InjectionPlan {
        mistakes: specs
            .iter()
            .map(|(spec, amount)| {
                (
                    kinds::parse(spec, profile.label.classes()).unwrap(),
                    amount.map(|amount| amount.parse().unwrap()),
                )
            })
            .collect(),
        whole_groups: false,
        spare_validation: false,
        known: Known::default(),
        full_rows: false,
        seed: Seed(11),
    }
}

fn inject(plan: &InjectionPlan) -> (Table, InjectedSheet) {
    let table = orders(2_000);
    let injected = inject_sheet(&table, &profile(), plan, &mut Notes::new()).unwrap();
    (table, injected)
}

fn column(table: &Table, name: &str) -> Vec<String> {
    (0..table.height())
        .map(|row| table.cell(row, name).unwrap().unwrap_or_default())
        .collect()
}

/// Rows whose cell in a column differs.
fn changed(before: &Table, after: &Table, name: &str) -> Vec<usize> {
    let (before, after) = (column(before, name), column(after, name));
    (0..before.len()).filter(|row| before[*row] != after[*row]).collect()
}

#[test]
fn only_the_mistyped_column_changes_and_only_in_the_rows_that_truth_lists() {
    for whole_groups in [false, true] {
        let plan = InjectionPlan {
            whole_groups,
            ..plan(&[("uniform", Some("10%"))])
        };
        let (table, injected) = inject(&plan);
        let prepared = prepare(&table, &profile(), &mut Notes::new()).unwrap();
        let training = prepared.train.len() + prepared.validation.as_ref().unwrap().len();
        assert_eq!(injected.summary.training_rows, training);
        assert_eq!(injected.summary.mislabelled, training / 10);
        for name in table.names() {
            let expected = if name == "Actual" { training / 10 } else { 0 };
            assert_eq!(changed(&table, &injected.corrupted, name).len(), expected, "{name}");
        }
        let items: Vec<String> = changed(&table, &injected.corrupted, "Actual")
            .into_iter()
            .map(|row| table.cell(row, "Item").unwrap().unwrap())
            .collect();
        assert_eq!(column(&injected.truth, "Item"), items);
        assert_eq!(column(&injected.flags, "Item"), items);
        let (right, wrong) = (column(&injected.truth, "true_label"), column(&injected.truth, "wrong_label"));
        assert!(right.iter().zip(&wrong).all(|(right, wrong)| right != wrong));
        assert_eq!(column(&injected.flags, GIVEN_LABEL), wrong);
        assert!(column(&injected.truth, "error").iter().all(|error| error == "uniform"));
        // No test row and no row that is filtered out.
        let test: Vec<&str> = prepared.test.keys.iter().map(String::as_str).collect();
        assert!(items.iter().all(|item| !test.contains(&item.as_str())));
        let labels = profile().label.labels(&injected.corrupted, &mut Notes::new()).unwrap();
        let order = column(&table, "Order");
        if whole_groups {
            let mut by_order: std::collections::BTreeMap<&str, Option<u8>> = Default::default();
            for (row, label) in labels.iter().enumerate() {
                assert_eq!(by_order.entry(&order[row]).or_insert(*label), label, "order {}", order[row]);
            }
        }
    }
}

#[test]
fn a_segment_is_hit_where_it_says_and_noise_on_top_leaves_it_alone() {
    let segment = "segment:Market = LATAM and Mode = Standard Class: late -> on time, 60%";
    let (table, injected) = inject(&plan(&[(segment, None), ("uniform", Some("5%"))]));
    let [first, second] = &injected.summary.mistakes[..] else {
        panic!()
    };
    assert_eq!(first.spec, segment);
    assert_eq!(first.affected, "Market = LATAM and Mode = Standard Class: late recorded as on time");
    let prepared = prepare(&table, &profile(), &mut Notes::new()).unwrap();
    let parts = [&prepared.train, prepared.validation.as_ref().unwrap()];
    let rows: Vec<usize> = parts.iter().flat_map(|part| part.table_rows.clone()).collect();
    let clean: Vec<u8> = parts.iter().flat_map(|part| part.labels.clone()).collect();
    let mistake = kinds::parse(segment, profile().label.classes()).unwrap();
    let affected = affected_rows(mistake.as_ref(), &table, &rows, &clean, &mut Notes::new()).unwrap();
    let domain = affected.iter().filter(|affected| **affected).count();
    assert_eq!(first.rows, domain * 6 / 10);
    assert_eq!(first.from_to[2][1], first.rows);
    assert_eq!(second.rows, rows.len() / 20);
    assert_eq!(injected.truth.height(), first.rows + second.rows);
    for row in 0..injected.truth.height() {
        let cell = |name: &str| injected.truth.cell(row, name).unwrap().unwrap();
        if cell("error") == segment {
            assert_eq!((cell("true_label").as_str(), cell("wrong_label").as_str()), ("late", "on time"));
        }
    }
}

#[test]
fn a_trigger_is_written_and_the_row_recorded_as_the_class() {
    let (table, injected) = inject(&plan(&[("poison:Market=Atlantis->on time", Some("50"))]));
    let hit = changed(&table, &injected.corrupted, "Market");
    assert_eq!(hit.len(), 50);
    assert_eq!(changed(&table, &injected.corrupted, "Actual"), hit);
    assert!(column(&injected.truth, "wrong_label").iter().all(|label| label == "on time"));
    assert!(column(&injected.truth, "true Market").iter().all(|market| market != "Atlantis"));
    for (spec, message) in [
        ("poison:Actual=3->late", "makes the label"),
        ("poison:Status=X->late", "not among the features"),
        ("poison:Merket=X->late", "column `Merket` not found"),
    ] {
        let plan = plan(&[(spec, Some("50"))]);
        let error = inject_sheet(&orders(500), &profile(), &plan, &mut Notes::new()).err().unwrap();
        assert!(error.message().contains(message), "{spec}: {error}");
    }
}

#[test]
fn the_known_part_and_false_flags_go_into_the_flag_file_and_the_truth_stays_whole() {
    let mut plan = plan(&[("uniform", Some("100"))]);
    plan.known = Known {
        share: 0.4,
        false_share: 0.2,
        bias: Bias::parse("Market = LATAM").unwrap(),
    };
    plan.full_rows = true;
    let (table, injected) = inject(&plan);
    assert_eq!((injected.truth.height(), injected.flags.height()), (100, 50));
    assert_eq!((injected.summary.flagged, injected.summary.false_flags), (50, 10));
    let known = column(&injected.truth, "flagged").iter().filter(|flag| *flag == "1").count();
    assert_eq!(known, 40);
    let wrong = column(&injected.truth, "Item");
    let items = column(&injected.flags, "Item");
    assert_eq!(items.iter().filter(|item| !wrong.contains(item)).count(), 10);
    // Full rows are those of the corrupted sheet.
    assert_eq!(injected.flags.names().len(), table.names().len() + 1);
    let labels = profile().label.labels(&injected.flags, &mut Notes::new()).unwrap();
    for (label, given) in labels.iter().zip(column(&injected.flags, GIVEN_LABEL)) {
        assert_eq!(profile().label.classes()[usize::from(label.unwrap())], given);
    }
    // Only rows of the market are found while there are any.
    let market: Vec<bool> = column(&injected.corrupted, "Market")
        .iter()
        .map(|market| market == "LATAM")
        .collect();
    let all = column(&table, "Item");
    let in_market = |item: &String| market[all.iter().position(|other| other == item).unwrap()];
    let found = items.iter().filter(|item| wrong.contains(item) && in_market(item)).count();
    assert_eq!(found, wrong.iter().filter(|item| in_market(item)).count().min(40));
}

#[test]
fn equal_seeds_give_equal_sheets_and_others_do_not() {
    let run = |seed: u64| {
        let mut plan = plan(&[("uniform", Some("10%"))]);
        plan.seed = Seed(seed);
        let (_, injected) = inject(&plan);
        (
            column(&injected.corrupted, "Actual"),
            column(&injected.flags, "Item"),
            injected.summary.mistakes,
        )
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).0, run(2).0);
}

#[test]
fn sparing_the_validation_rows_hits_training_rows_only() {
    let mut plan = plan(&[("uniform", Some("100%"))]);
    plan.mistakes[0].1 = Some(Amount::ShareOfDomain(1.0));
    plan.spare_validation = true;
    let (table, injected) = inject(&plan);
    let prepared = prepare(&table, &profile(), &mut Notes::new()).unwrap();
    assert_eq!(injected.summary.training_rows, prepared.train.len());
    assert_eq!(injected.summary.mislabelled, prepared.train.len());
}

#[test]
fn without_a_key_column_rows_are_named_by_their_number_in_the_sheet() {
    let mut keyless = profile();
    keyless.key = None;
    let table = orders(500);
    let injected = inject_sheet(&table, &keyless, &plan(&[("uniform", Some("20"))]), &mut Notes::new()).unwrap();
    assert_eq!(injected.flags.names(), [SHEET_ROW, GIVEN_LABEL]);
    let rows: Vec<String> = changed(&table, &injected.corrupted, "Actual")
        .iter()
        .map(|row| (row + 2).to_string())
        .collect();
    assert_eq!(column(&injected.flags, SHEET_ROW), rows);
}

#[test]
fn what_cannot_be_done_is_said_before_anything_is_written() {
    let run = |specs: &[(&str, Option<&str>)], whole_groups: bool, group: Option<&str>| {
        let mut profile = profile();
        profile.group = group.map(str::to_owned);
        let plan = InjectionPlan {
            whole_groups,
            ..plan(specs)
        };
        inject_sheet(&orders(500), &profile, &plan, &mut Notes::new()).err().unwrap()
    };
    let order = Some("Order");
    assert!(run(&[], false, order).message().contains("no error kind"));
    assert!(run(&[("uniform", None)], false, order).hint_text().unwrap().contains("--errors 5%"));
    assert!(
        run(&[("uniform", Some("99999"))], false, order)
            .message()
            .contains("`uniform`: 99999 rows")
    );
    assert!(run(&[("uniform", Some("5%"))], true, None).message().contains("no group column"));
    let error = run(&[("segment:Market = LATIN: late -> early", None)], false, order);
    assert!(error.message().contains("no cell of column `Market` is `LATIN`"), "{error}");
}

#[test]
fn the_affected_domain_is_listed_apart_with_its_test_rows() {
    let segment = "segment:Market = LATAM: late -> on time, 60%";
    let confusion = "confusion:early,late";
    let (table, injected) = inject(&plan(&[(segment, None), (confusion, Some("20"))]));
    let prepared = prepare(&table, &profile(), &mut Notes::new()).unwrap();
    let (parts, errors) = (column(&injected.affected, "part"), column(&injected.affected, "error"));
    let rows: Vec<usize> = column(&injected.affected, SHEET_ROW)
        .iter()
        .map(|number| table.row_with_number(number.parse().unwrap()).unwrap())
        .collect();
    assert!(rows.is_sorted());
    for (name, part) in [
        ("train", &prepared.train),
        ("validation", prepared.validation.as_ref().unwrap()),
        ("test", &prepared.test),
    ] {
        let listed: Vec<usize> = (0..rows.len()).filter(|index| parts[*index] == name).collect();
        let latam_or_not_on_time = part.table_rows.iter().zip(&part.labels).filter(|(_, label)| **label != 1).count();
        assert_eq!(listed.len(), latam_or_not_on_time, "{name}");
        for index in listed {
            let place = part.table_rows.iter().position(|row| *row == rows[index]).unwrap();
            let late = part.labels[place] == 2;
            let latam = table.cell(rows[index], "Market").unwrap().unwrap() == "LATAM";
            assert_eq!(errors[index].contains("segment"), late && latam);
            assert!(errors[index].contains("confusion"));
        }
    }
    // Every wrong row lies in the domain.
    let items = column(&injected.affected, "Item");
    assert!(column(&injected.truth, "Item").iter().all(|item| items.contains(item)));
}
