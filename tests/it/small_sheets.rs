//! Sheets of a few hundred rows, and flags on rows that nothing was learnt from.

use crate::program::{json, recant, text, works};

/// `corrupted.csv` and `flags.csv` in `trial/`, and a model trained on the sheet.
fn trial() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    works(
        at,
        &[
            "generate",
            "--rows",
            "800",
            "--seed",
            "3",
            "--complete-share",
            "100%",
            "--out",
            "orders.csv",
        ],
    );
    let error = "segment:\"Customer Segment\" = Corporate or Market = LATAM: late -> on time, 90%";
    works(
        at,
        &["inject", "orders.csv", "--profile", "dataco", "--kind", error, "--out", "trial"],
    );
    works(at, &["train", "trial/corrupted.csv", "--profile", "dataco", "--out", "model"]);
    folder
}

/// Of 800 rows fewer than 60 validation rows can be trusted: nothing is chosen, and every method was called better and advised against at once.
#[test]
fn where_nothing_can_choose_a_fixed_method_is_put_to_the_test_rows() {
    let folder = trial();
    let repair = [
        "repair",
        "--model",
        "model",
        "--flags",
        "trial/flags.csv",
        "--data",
        "trial/corrupted.csv",
        "--out",
        "repaired",
    ];
    let found = json(folder.path(), &repair);
    let reason = found["recommendation"]["reason"].as_str().unwrap();
    assert_eq!(found["chosen"], "retrain", "{reason}");
    assert_eq!(found["recommendation"]["advice"], "use", "{reason}");
    assert!(reason.contains("which needs no choice, was put to the test rows"), "{reason}");
}

/// All flags lie on test rows: that is said, and not that they may belong to another sheet.
#[test]
fn flags_on_nothing_but_test_rows_are_told_from_flags_of_another_sheet() {
    let folder = trial();
    let at = folder.path();
    let last: String = (790..=798).map(|key| format!("{key}\n")).collect();
    std::fs::write(at.join("late.csv"), format!("Order Item Id\n{last}")).unwrap();
    let output = recant(
        at,
        &[
            "repair",
            "--model",
            "model",
            "--flags",
            "late.csv",
            "--data",
            "trial/corrupted.csv",
            "--out",
            "repaired",
        ],
    );
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("in the test part") && said.contains("the model learnt nothing from these rows"),
        "{said}"
    );
    assert!(!said.contains("belong to the sheet"), "{said}");
}
