//! Lists of rows and shares of them.

use super::{classes, saying};
use crate::evaluate::*;

#[test]
fn fixed_and_broken_rows_are_listed_with_their_names_and_nothing_else() {
    let names = classes(&["on time", "late"]);
    let labels = [0, 1, 1, 0];
    let rows = Rows {
        set: RowSet::Test,
        labels: &labels,
        groups: None,
        classes: &names,
    };
    let keys = classes(&["a", "b", "c", "d"]);
    let numbers = [12, 13, 14, 15];
    let row_names = RowNames {
        keys: &keys,
        numbers: Some(&numbers),
    };
    // a stays right, b is fixed, c stays wrong, d is broken.
    let (before, after) = (saying(&[0, 0, 0, 0]), saying(&[0, 1, 0, 1]));
    let found = changed_rows(&rows, row_names, &before, &after, Some(&[false, false, true, true])).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].key.as_str(), found[0].row, found[0].fixed, found[0].flagged),
        ("b", Some(13), true, false)
    );
    assert_eq!(
        (found[0].observed.as_str(), found[0].before.as_str(), found[0].after.as_str()),
        ("late", "on time", "late")
    );
    assert_eq!((found[1].key.as_str(), found[1].fixed, found[1].flagged), ("d", false, true));
    let short = RowNames {
        keys: &keys[..2],
        numbers: None,
    };
    assert!(changed_rows(&rows, short, &before, &after, None).is_err());
    assert!(changed_rows(&rows, row_names, &before, &after, Some(&[true])).is_err());
    assert!(changed_rows(&rows, row_names, &before, &after[..4], None).is_err());
}

#[test]
fn flagged_rows_show_label_correction_and_both_predictions() {
    let names = classes(&["on time", "late"]);
    let keys = classes(&["7", "9"]);
    let row_names = RowNames {
        keys: &keys,
        numbers: None,
    };
    let found = flagged_rows(
        &[0, 1],
        Some(&[Some(1), None]),
        row_names,
        &saying(&[0, 1]),
        &saying(&[1, 1]),
        &names,
    )
    .unwrap();
    assert_eq!(
        (found[0].observed.as_str(), found[0].correction.as_deref()),
        ("on time", Some("late"))
    );
    assert_eq!(
        (found[0].before.as_str(), found[0].after.as_str(), found[0].after_probability),
        ("on time", "late", 0.75)
    );
    assert_eq!((found[1].correction.as_deref(), found[1].row), (None, None));
    assert!(flagged_rows(&[], None, row_names, &[], &[], &names).unwrap().is_empty());
    assert!(
        flagged_rows(
            &[0, 1],
            Some(&[Some(9), None]),
            row_names,
            &saying(&[0, 1]),
            &saying(&[1, 1]),
            &names
        )
        .is_err()
    );
}

#[test]
fn agreement_with_wrong_labels_is_a_share_of_the_flagged_rows() {
    let found = flagged_agreement(&[0, 0, 1, 1], &saying(&[0, 0, 1, 0]), &saying(&[1, 1, 1, 0]), 2)
        .unwrap()
        .unwrap();
    assert_eq!((found.before, found.after), (0.75, 0.25));
    assert!(flagged_agreement(&[], &[], &[], 2).unwrap().is_none());
}

#[test]
fn the_affected_part_is_judged_by_itself() {
    let names = classes(&["on time", "late"]);
    let rows = Rows {
        set: RowSet::Test,
        labels: &[1, 1, 0, 0],
        groups: None,
        classes: &names,
    };
    let (before, after) = (saying(&[0, 1, 0, 0]), saying(&[1, 1, 1, 0]));
    let found = affected_domain("Market = LATAM", &[true, true, false, false], &rows, &before, &[("assd", &after)])
        .unwrap()
        .unwrap();
    assert_eq!((found.rows, found.before, found.after["assd"]), (2, 0.5, 1.0));
    assert!(affected_domain("none", &[false; 4], &rows, &before, &[]).unwrap().is_none());
    assert!(affected_domain("x", &[true; 3], &rows, &before, &[]).is_err());
    assert!(affected_domain("x", &[true; 4], &rows, &before[..2], &[]).is_err());
}
