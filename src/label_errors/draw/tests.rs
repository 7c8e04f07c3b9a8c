use proptest::prelude::*;
use rand::Rng as _;

use super::*;
use crate::label_errors::kinds::parse;
use crate::seed::Seed;

fn classes() -> Vec<String> {
    ["Early", "On time", "Late"].map(str::to_owned).to_vec()
}

fn some_labels(rows: usize, seed: u64) -> Vec<u8> {
    let mut rng = Seed(seed).stream("labels", 0);
    (0..rows).map(|_| rng.random_range(0..3)).collect()
}

fn inject(spec: &str, clean: &[u8], amount: &str, seed: u64) -> Injected {
    let mistake = parse(spec, &classes()).unwrap();
    inject_labels(
        mistake.as_ref(),
        &Domain::rows(clean, 3),
        amount.parse().unwrap(),
        &mut Seed(seed).stream("inject", 0),
    )
    .unwrap()
}

#[test]
fn a_uniform_error_hits_exactly_so_many_rows_and_always_changes_the_label() {
    let clean = some_labels(10_000, 1);
    let injected = inject("uniform", &clean, "7.5%", 3);
    assert_eq!(injected.flagged.len(), 750);
    assert!(injected.flagged.is_sorted_by(|left, right| left < right));
    let changed: Vec<u32> = (0..clean.len() as u32)
        .filter(|row| clean[*row as usize] != injected.labels[*row as usize])
        .collect();
    assert_eq!(changed, injected.flagged);
}

#[test]
fn uniform_errors_reach_each_other_class_equally_often() {
    let clean = vec![1; 30_000];
    let injected = inject("uniform", &clean, "30000", 3);
    let to_early = injected.labels.iter().filter(|label| **label == 0).count();
    // 30,000 fair draws: standard deviation 87.
    assert!((15_000_i64 - to_early as i64).abs() < 450, "{to_early}");
}

#[test]
fn the_published_injector_returns_five_eighths_of_class_0_and_a_quarter_of_class_1_and_never_makes_class_2() {
    let share = |clean: u8, recorded: u8| {
        let labels = vec![clean; 80_000];
        let injected = inject("paper", &labels, "80000", 5);
        injected.labels.iter().filter(|label| **label == recorded).count() as f64 / 80_000.0
    };
    let expected = [[0.625, 0.375, 0.0], [0.75, 0.25, 0.0], [0.5, 0.5, 0.0]];
    for clean in 0..3 {
        for recorded in 0..3 {
            let (found, wanted) = (share(clean, recorded), expected[usize::from(clean)][usize::from(recorded)]);
            // Standard deviation at most 0.0018; an impossible outcome must never occur.
            assert!((found - wanted).abs() < 0.008, "{clean} as {recorded}: {found}");
            assert!(wanted > 0.0 || found == 0.0);
        }
    }
}

#[test]
fn confusion_takes_half_from_each_class_and_swaps_them() {
    let clean = some_labels(3_000, 2);
    let injected = inject("confusion:Early,Late", &clean, "301", 1);
    let from = |class: u8| injected.flagged.iter().filter(|row| clean[**row as usize] == class).count();
    assert_eq!((from(0), from(1), from(2)), (151, 0, 150));
    for row in &injected.flagged {
        assert_eq!(injected.labels[*row as usize], 2 - clean[*row as usize]);
    }
}

#[test]
fn confusion_fills_up_from_the_larger_class_where_the_smaller_is_used_up() {
    for clean in [[vec![0; 10], vec![2; 90]].concat(), [vec![2; 10], vec![0; 90]].concat()] {
        let injected = inject("confusion:Early,Late", &clean, "50", 1);
        assert_eq!(injected.flagged.len(), 50);
        let small = injected.flagged.iter().filter(|row| **row < 10).count();
        assert_eq!(small, 10);
    }
}

#[test]
fn rows_hit_before_and_rows_off_the_condition_are_left_alone() {
    let clean = some_labels(1_000, 4);
    let matches: Vec<bool> = (0..1_000).map(|row| row % 2 == 0).collect();
    let taken: Vec<bool> = (0..1_000).map(|row| row % 3 == 0).collect();
    let domain = Domain {
        matches: Some(&matches),
        taken: Some(&taken),
        ..Domain::rows(&clean, 3)
    };
    let mistake = parse("uniform", &classes()).unwrap();
    let injected = inject_labels(
        mistake.as_ref(),
        &domain,
        Amount::ShareOfDomain(1.0),
        &mut Seed(1).stream("inject", 0),
    )
    .unwrap();
    let expected: Vec<u32> = (0..1_000).filter(|row| row % 2 == 0 && row % 3 != 0).collect();
    assert_eq!(injected.flagged, expected);
}

#[test]
fn whole_groups_carry_one_wrong_label_and_are_never_split() {
    let groups: Vec<u32> = (0..4_000_u32).map(|row| (row * 7919) % 1_300).collect();
    let clean: Vec<u8> = groups.iter().map(|group| (group % 3) as u8).collect();
    for spec in ["uniform", "confusion:Early,Late"] {
        let mistake = parse(spec, &classes()).unwrap();
        let domain = Domain {
            groups: Some(&groups),
            ..Domain::rows(&clean, 3)
        };
        let injected = inject_labels(mistake.as_ref(), &domain, Amount::Rows(401), &mut Seed(9).stream("inject", 0)).unwrap();
        assert!((395..=401).contains(&injected.flagged.len()), "{}", injected.flagged.len());
        assert_eq!(injected.wanted, 401);
        let mut seen: std::collections::BTreeMap<u32, (bool, u8)> = std::collections::BTreeMap::new();
        for row in 0..clean.len() {
            let state = (injected.flagged.binary_search(&(row as u32)).is_ok(), injected.labels[row]);
            assert_eq!(*seen.entry(groups[row]).or_insert(state), state, "group {}", groups[row]);
            assert_eq!(state.0, injected.labels[row] != clean[row]);
        }
    }
}

#[test]
fn a_group_with_a_row_that_cannot_be_hit_is_left_alone() {
    let clean = [0, 0, 2, 0];
    let groups = [0, 0, 1, 1];
    let mistake = parse("segment:x = 1: Early -> Late", &classes()).unwrap();
    let domain = Domain {
        groups: Some(&groups),
        ..Domain::rows(&clean, 3)
    };
    let injected = inject_labels(
        mistake.as_ref(),
        &domain,
        Amount::ShareOfDomain(1.0),
        &mut Seed(9).stream("inject", 0),
    )
    .unwrap();
    assert_eq!(injected.flagged, [0, 1]);
}

#[test]
fn too_many_or_no_rows_is_an_error_and_not_fewer_rows() {
    let mistake = parse("confusion:Early,Late", &classes()).unwrap();
    let mut rng = Seed(9).stream("inject", 0);
    let clean = [1, 1, 0];
    let error = inject_labels(mistake.as_ref(), &Domain::rows(&clean, 3), Amount::Rows(2), &mut rng).unwrap_err();
    assert!(error.message().contains("only 1 training rows"), "{error}");
    assert!(inject_labels(mistake.as_ref(), &Domain::rows(&[], 3), Amount::Rows(1), &mut rng).is_err());
}

#[test]
fn rows_get_only_labels_that_they_can_be_recorded_under_each_with_equal_probability() {
    // Every third row can only be class 1, another third 0 or 1: of the 1s there only 0 is left; the rest anything.
    let can_book = |row: usize, label: u8| match row % 3 {
        0 => label == 1,
        1 => label < 2,
        _ => true,
    };
    let clean = vec![1; 30_000];
    let mistake = parse("uniform", &classes()).unwrap();
    let domain = Domain {
        can_book: Some(&can_book),
        ..Domain::rows(&clean, 3)
    };
    let injected = inject_labels(
        mistake.as_ref(),
        &domain,
        Amount::ShareOfDomain(1.0),
        &mut Seed(1).stream("inject", 0),
    )
    .unwrap();
    assert_eq!(injected.flagged.len(), 20_000);
    for (row, label) in injected.labels.iter().enumerate() {
        assert!(if row % 3 == 0 {
            *label == 1
        } else {
            *label != 1 && can_book(row, *label)
        });
    }
    let free = injected.labels.iter().skip(2).step_by(3).filter(|label| **label == 2).count();
    assert!((4_700..5_300).contains(&free), "{free}");
    // In groups every row must be able to take the common label.
    let groups: Vec<u32> = (0..30_000).map(|row| row / 2).collect();
    let domain = Domain {
        groups: Some(&groups),
        ..domain
    };
    let injected = inject_labels(
        mistake.as_ref(),
        &domain,
        Amount::ShareOfDomain(1.0),
        &mut Seed(1).stream("inject", 0),
    )
    .unwrap();
    for pair in injected.flagged.chunks(2) {
        let [first, second] = [pair[0] as usize, pair[1] as usize];
        assert_eq!((groups[first], injected.labels[first]), (groups[second], injected.labels[second]));
        assert!(can_book(first, injected.labels[first]) && can_book(second, injected.labels[second]));
    }
    assert_eq!(injected.flagged.len(), 10_000);
}

#[test]
fn what_a_kind_can_make_of_a_label_is_what_it_makes() {
    for spec in [
        "uniform",
        "paper",
        "confusion:Early,Late",
        "segment:x = 1: any -> Late",
        "segment:x = 1: Early -> other",
        "poison:x=1->Early",
    ] {
        let mistake = parse(spec, &classes()).unwrap();
        let mut rng = Seed(4).stream("inject", 0);
        for clean in (0..3).filter(|clean| mistake.can_hit(*clean)) {
            let mut seen = [false; 3];
            (0..200).for_each(|_| seen[usize::from(mistake.wrong_label(clean, &mut rng))] = true);
            for label in 0..3 {
                let wrong = seen[usize::from(label)] && label != clean;
                assert_eq!(mistake.reaches(clean, label), wrong, "{spec}: {clean} as {label}");
            }
        }
    }
}

proptest! {
    #[test]
    fn equal_seeds_give_equal_results_and_unflagged_rows_keep_their_label(
        clean in prop::collection::vec(0_u8..4, 20..200),
        rows in 1_usize..20,
        seed in 0_u64..1000,
        by_group in any::<bool>(),
        which in 0_usize..3,
    ) {
        let names = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let spec = ["uniform", "segment:x = 1: any -> other", "poison:x=1->b"][which];
        let mistake = parse(spec, &names).unwrap();
        let groups: Vec<u32> = (0..clean.len() as u32).map(|row| row / 3).collect();
        let domain = Domain { groups: by_group.then_some(groups.as_slice()), ..Domain::rows(&clean, 4) };
        let run = |seed: u64| inject_labels(mistake.as_ref(), &domain, Amount::Rows(rows), &mut Seed(seed).stream("inject", 0));
        let first = run(seed);
        let again = run(seed);
        prop_assert_eq!(first.as_ref().ok(), again.as_ref().ok());
        if let Ok(injected) = first {
            prop_assert!(by_group || injected.flagged.len() == rows);
            prop_assert!(injected.flagged.len() <= rows);
            for (row, (label, clean)) in injected.labels.iter().zip(&clean).enumerate() {
                let flagged = injected.flagged.binary_search(&(row as u32)).is_ok();
                prop_assert_eq!(flagged, label != clean);
                prop_assert!(*label < 4);
            }
        }
    }
}
