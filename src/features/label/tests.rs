use super::*;

fn rule(toml: &str) -> Result<LabelRule, String> {
    toml::from_str(toml).map_err(|error| error.message().to_owned())
}

fn table(columns: &[(&str, &[&str])]) -> Table {
    let mut table = Table::new("orders.csv", columns[0].1.len());
    for (name, cells) in columns {
        let cells = cells.iter().map(|cell| (!cell.is_empty()).then(|| (*cell).to_owned())).collect();
        table = table.with_column(name, cells).unwrap();
    }
    table
}

const DELAY: &str = r#"
    kind = "difference"
    actual = "real"
    planned = "plan"
    classes = [{ name = "early", below = 0 }, { name = "on time", up_to = 0 }, { name = "late" }]
"#;

#[test]
fn actual_minus_planned_falls_into_its_class_and_a_blank_into_none() {
    let table = table(&[("real", &["1", "4", "6", "", "2.5"]), ("plan", &["2", "4", "4", "4", "2"])]);
    let labels = rule(DELAY).unwrap().labels(&table, &mut Notes::new()).unwrap();
    assert_eq!(labels, [Some(0), Some(1), Some(2), None, Some(2)]);
}

#[test]
fn two_dates_differ_by_whole_calendar_days() {
    let table = table(&[
        ("arrived", &["2018-01-31 23:59", "2018-02-01 00:01", "2018-01-30 12:00"]),
        ("promised", &["2018-01-31 08:00", "2018-01-31 23:00", "2018-01-31"]),
    ]);
    let text = DELAY
        .replace("difference", "dates")
        .replace("real", "arrived")
        .replace("plan\"", "promised\"");
    let rule = rule(&text).unwrap().resolve(&table).unwrap();
    assert_eq!(rule.labels(&table, &mut Notes::new()).unwrap(), [Some(1), Some(2), Some(0)]);
}

#[test]
fn the_values_of_a_column_become_classes_by_size_or_by_alphabet() {
    let numbers = table(&[("label", &["10", "2", "1.0", "", "2"])]);
    let found = LabelRule::column("label").resolve(&numbers).unwrap();
    assert_eq!(found.classes(), ["1", "2", "10"]);
    assert_eq!(
        found.labels(&numbers, &mut Notes::new()).unwrap(),
        [Some(2), Some(1), Some(0), None, Some(1)]
    );
    let words = table(&[("label", &["on time", "late", "early"])]);
    assert_eq!(
        LabelRule::column("label").resolve(&words).unwrap().classes(),
        ["early", "late", "on time"]
    );
}

#[test]
fn values_match_whatever_their_case_or_number_form_and_strangers_are_noted() {
    let rule = rule(
        r#"kind = "column"
        column = "late"
        classes = [{ name = "no", values = ["0", "No"] }, { name = "yes", values = ["1", "Yes"] }]"#,
    )
    .unwrap();
    let mut notes = Notes::new();
    let sheet = table(&[("late", &["YES", "1.0", "0", "no", "maybe", "", "1e0"])]);
    let labels = rule.labels(&sheet, &mut notes).unwrap();
    assert_eq!(labels, [Some(1), Some(1), Some(0), Some(0), None, None, Some(1)]);
    assert!(notes.has("unknown-class"));
    let strangers = table(&[("late", &["maybe", "perhaps"])]);
    let error = rule.labels(&strangers, &mut Notes::new()).unwrap_err();
    assert!(error.message().contains("`maybe`, `perhaps`"), "{error}");
}

#[test]
fn a_rule_survives_toml() {
    let by_values = r#"kind = "column"
        column = "late"
        classes = [{ name = "no", values = ["0"] }, { name = "yes", values = ["1", "Yes"] }]"#;
    let dates = DELAY.replace("difference", "dates") + "order = \"day-first\"\n";
    let halves = DELAY.to_owned() + "step = 0.5\nlowest = -3.0\n";
    for text in [DELAY, by_values, &dates, &halves, r#"kind = "column""#] {
        let first = rule(text).unwrap();
        let written = toml::to_string(&first).unwrap();
        assert_eq!(rule(&written).unwrap(), first, "{written}");
    }
}

#[test]
fn rules_that_make_no_sense_are_refused_in_words() {
    let with_classes = |classes: &str| format!("kind = \"difference\"\nactual = \"a\"\nplanned = \"p\"\nclasses = [{classes}]");
    for (text, said) in [
        (
            with_classes("{ name = \"a\", below = 0 }, { name = \"b\", below = 0 }"),
            "the last class `b` takes all that is left",
        ),
        (
            with_classes("{ name = \"a\" }, { name = \"b\" }"),
            "class `a` needs `below` or `up_to`",
        ),
        (
            with_classes("{ name = \"a\", up_to = 1 }, { name = \"b\", below = 1 }, { name = \"c\" }"),
            "class `b` is empty",
        ),
        (
            with_classes("{ name = \"a\", below = 1, up_to = 1 }, { name = \"c\" }"),
            "both `below` and `up_to`",
        ),
        (
            with_classes("{ name = \"a\", below = 1 }, { name = \"a\" }"),
            "two classes of the label are called `a`",
        ),
        (with_classes("{ name = \"a\" }"), "at least two classes"),
        (
            with_classes("{ name = \"a\", values = [\"1\"] }, { name = \"b\" }"),
            "`values` belongs to",
        ),
        ("kind = \"difference\"\nactual = \"a\"".to_owned(), "needs `label.planned`"),
        ("kind = \"column\"\nplanned = \"a\"".to_owned(), "`label.planned` has no meaning"),
        ("kind = \"column\"\nclasses = [{ name = \"a\" }]".to_owned(), "one class only"),
        (
            "kind = \"column\"\nclasses = [{ name = \"a\", values = [\"1\"] }, { name = \"b\", values = [\"1\"] }]".to_owned(),
            "belongs to both `a` and `b`",
        ),
    ] {
        let error = rule(&text).unwrap_err();
        assert!(error.contains(said), "{text}\n{error}");
    }
}

#[test]
fn a_column_without_classes_in_it_is_refused() {
    let same = table(&[("label", &["late", "late", ""])]);
    assert!(
        LabelRule::column("label")
            .resolve(&same)
            .unwrap_err()
            .message()
            .contains("all rows have the same class")
    );
    let empty = table(&[("label", &["", ""])]);
    assert!(
        LabelRule::column("label")
            .resolve(&empty)
            .unwrap_err()
            .message()
            .contains("is empty")
    );
    let many: Vec<String> = (0..60).map(|row| row.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let ids = table(&[("label", &many)]);
    assert!(
        LabelRule::column("label")
            .resolve(&ids)
            .unwrap_err()
            .message()
            .contains("60 different values")
    );
    let misspelt = LabelRule::column("lable").resolve(&ids).unwrap_err();
    assert_eq!(misspelt.hint_text(), Some("closest match is `label`"));
}

#[test]
fn a_wrong_value_gives_the_wanted_class_and_is_never_below_the_lowest() {
    let sheet = table(&[("real", &["6", "0", "", "3"]), ("plan", &["4", "0", "2", ""])]);
    let delay = rule(DELAY).unwrap();
    let mistyper = delay.mistyper(&sheet, &mut Notes::new()).unwrap();
    assert_eq!(mistyper.column(), "real");
    assert_eq!(
        [0, 1, 2].map(|class| mistyper.value(0, class)),
        [Some("3".into()), Some("4".into()), Some("6".into())]
    );
    // What was planned for the same day cannot come earlier.
    assert_eq!(
        [0, 1, 2].map(|class| mistyper.value(1, class)),
        [None, Some("0".into()), Some("1".into())]
    );
    assert_eq!(mistyper.possible(1), [1, 2]);
    assert_eq!(mistyper.value(2, 2), Some("3".into()));
    assert!(mistyper.possible(3).is_empty());
}

#[test]
fn a_wrong_class_is_spelt_as_the_sheet_spells_it() {
    let sheet = table(&[("late", &["YES", "Yes", "Yes", "no"])]);
    let rule = rule(
        r#"kind = "column"
        column = "late"
        classes = [{ name = "no" }, { name = "yes" }, { name = "unclear" }]"#,
    )
    .unwrap();
    let mistyper = rule.mistyper(&sheet, &mut Notes::new()).unwrap();
    assert_eq!([0, 1, 2].map(|class| mistyper.value(0, class).unwrap()), ["no", "Yes", "unclear"]);
}
