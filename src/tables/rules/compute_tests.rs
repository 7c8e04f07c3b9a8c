//! Computed values and conditions over them, on a small sheet.

use crate::notes::Notes;
use crate::tables::{Formula, Rule, Table};

fn sheet() -> Table {
    let text = |values: &[&str]| {
        values
            .iter()
            .map(|value| (!value.is_empty()).then(|| (*value).to_owned()))
            .collect()
    };
    Table::new("orders.csv", 4)
        .with_column("Order Status", text(&["COMPLETE", " COMPLETE ", "CLOSED", ""]))
        .and_then(|table| table.with_column("Days", text(&["2", "10", "9", ""])))
        .and_then(|table| table.with_column("Planned", text(&["4", "4", "9", "1"])))
        .and_then(|table| table.with_column("Price", text(&["$1,200.50", "99.00", "1,000.00", "7.25"])))
        .and_then(|table| {
            table.with_column(
                "Ordered",
                text(&["1/31/2018 10:00", "2/1/2018 00:00", "2/15/2018 12:00", "3/1/2018 00:00"]),
            )
        })
        .and_then(|table| table.with_column("Shipped", text(&["1/31/2018 22:00", "2/2/2018 00:00", "2/15/2018 12:30", ""])))
        .and_then(|table| table.with_column("Code", text(&["007", "7", "007", "x - y"])))
        .and_then(|table| table.with_column("A/C", text(&["1", "2", "3", "4"])))
        .and_then(|table| table.with_column("Size", text(&["10 - 20", "20 - 30", "10 - 20", "30 up"])))
        .unwrap()
}

fn holds(condition: &str) -> Vec<bool> {
    let rule = Rule::parse(condition).unwrap_or_else(|error| panic!("{condition}: {error}"));
    let found = rule
        .holds(&sheet(), &mut Notes::new())
        .unwrap_or_else(|error| panic!("{condition}: {error}"));
    // The standard form means the same.
    let again = Rule::parse(&rule.to_string()).unwrap_or_else(|error| panic!("{rule}: {error}"));
    assert_eq!(again.holds(&sheet(), &mut Notes::new()).unwrap(), found, "{condition} and {rule}");
    found
}

#[test]
fn values_mean_what_they_mean_whatever_the_quotes() {
    for condition in [
        "Order Status = COMPLETE",
        "\"Order Status\" = 'COMPLETE'",
        "'Order Status' = \"COMPLETE\"",
        "`Order Status` == COMPLETE",
        "'COMPLETE' = \"Order Status\"",
        "Order Status like 'COMP%'",
        "Order Status LIKE '_OMPLET_'",
        "lower(Order Status) = 'complete'",
        "Order Status in ('COMPLETE', 'PENDING')",
    ] {
        assert_eq!(holds(condition), [true, true, false, false], "{condition}");
    }
    // As texts, '10' would be below '9'.
    assert_eq!(holds("Days > 9"), [false, true, false, false]);
    assert_eq!(holds("9 < Days"), [false, true, false, false]);
    assert_eq!(holds("Price >= 1000"), [true, false, true, false]);
    assert_eq!(holds("Ordered >= '2018-02-01'"), [false, true, true, true]);
    assert_eq!(holds("Code = '007'"), [true, false, true, false]);
    assert_eq!(holds("Code = x - y"), [false, false, false, true]);
    assert_eq!(holds("A/C > 2"), [false, false, true, true]);
    assert_eq!(holds("Size = 10 - 20"), [true, false, true, false]);
}

#[test]
fn columns_are_compared_with_columns_and_computed_values() {
    assert_eq!(holds("Days > Planned"), [false, true, false, false]);
    assert_eq!(holds("Days = Planned"), [false, false, true, false]);
    assert_eq!(holds("Days - Planned > 5"), [false, true, false, false]);
    assert_eq!(holds("\"Days\"*2 > Planned + 1"), [false, true, true, false]);
    assert_eq!(holds("(Days + Planned) / 2 >= 7"), [false, true, true, false]);
    assert_eq!(holds("Shipped - Ordered > 1"), [true, true, false, false]);
    assert_eq!(holds("Days between 2 and 9"), [true, false, true, false]);
    assert_eq!(holds("Days not between 2 and 9"), [false, true, false, true]);
    assert_eq!(holds("month(Ordered) = 2"), [false, true, true, false]);
    assert_eq!(holds("Shipped is null or Order Status in (CLOSED)"), [false, false, true, true]);
    assert_eq!(holds("Shipped is not blank"), [true, true, true, false]);
    assert_eq!(holds("not (Days is null)"), [true, true, true, false]);
    assert_eq!(holds("month(Ordered) in (1, 3)"), [true, false, false, true]);
}

#[test]
fn a_value_that_is_nowhere_is_told_and_a_rule_refuses_it() {
    let rule = Rule::parse("Order Status in (COMPLET, CLOSED)").unwrap();
    let mut notes = Notes::new();
    assert_eq!(rule.holds(&sheet(), &mut notes).unwrap(), [false, false, true, false]);
    assert!(notes.has("value-not-in-sheet") && notes.iter().any(|note| note.found.contains("closest match is COMPLETE")));
    assert!(rule.matches(&sheet(), &mut Notes::new()).is_err());
}

#[test]
fn errors_name_the_column_the_closest_one_and_the_place() {
    for (condition, message, hint) in [
        ("Day > 3", "there is no column `Day`", "closest match is Days"),
        ("Days > Plannd", "closest is `Planned`", "2017-06-30"),
        ("Days > 3; DROP TABLE sheet", "neither a number", "use `=` for text"),
        ("Order Status > 3", "", "use `=` for text"),
        ("Order Status + 1 > 3", "stands between texts and numbers", "||"),
        ("Days = lower(Order Status)", "cannot be compared", "with numbers"),
        ("Days*2 > 3", "there is no column `Days*2`", "Days"),
    ] {
        let error = Rule::parse(condition).unwrap().holds(&sheet(), &mut Notes::new()).unwrap_err();
        assert!(error.message().contains(message), "{condition}: {error}");
        assert!(
            error.message().contains("of the condition") && error.to_string().contains("orders.csv"),
            "{condition}: {error}"
        );
        assert!(error.hint_text().unwrap().contains(hint), "{condition}: {:?}", error.hint_text());
    }
    for (condition, message) in [
        ("abs(Days, 2) > 3", "takes 1 value, not 2"),
        ("sum(Days) > 3", "expected one of"),
        ("abs(Days > 3", "expected `)`"),
        ("Days between 3 or 5", "expected `and`"),
        ("", "expected a column name"),
    ] {
        let error = Rule::parse(condition).unwrap_err();
        assert!(error.message().contains(message), "{condition}: {error}");
    }
    let long = format!("Days {}> 3", "+ 1 ".repeat(1_000));
    assert!(Rule::parse(&long).unwrap_err().message().contains("more than 200 signs"));
    assert!(Rule::parse(&format!("{}Days{} > 3", "(".repeat(1_000), ")".repeat(1_000))).is_err());
}

fn derive(formula: &str) -> Table {
    let formula = Formula::parse(formula).unwrap_or_else(|error| panic!("{formula}: {error}"));
    sheet().with_derived("New", &formula, &mut Notes::new()).unwrap()
}

#[test]
fn derived_columns_are_numbers_texts_or_dates() {
    let numbers = |formula: &str| derive(formula).numbers("New", &mut Notes::new()).unwrap();
    assert_eq!(numbers("Days * 2 + 1"), [Some(5.0), Some(21.0), Some(19.0), None]);
    assert_eq!(numbers("Shipped - Ordered"), [Some(12.0), Some(24.0), Some(0.5), None]);
    assert_eq!(numbers("round(Price / 3, 1)"), [Some(400.2), Some(33.0), Some(333.3), Some(2.4)]);
    assert_eq!(
        numbers("Days / (Planned - 4)"),
        [None, None, Some(1.8), None],
        "nothing is divided by 0"
    );
    assert_eq!(numbers("coalesce(Days, Planned)"), [Some(2.0), Some(10.0), Some(9.0), Some(1.0)]);
    assert_eq!(numbers("greatest(Days, Planned)"), [Some(4.0), Some(10.0), Some(9.0), Some(1.0)]);
    assert_eq!(numbers("weekday(Ordered)"), [Some(3.0), Some(4.0), Some(4.0), Some(4.0)]);
    assert_eq!(numbers("if(Days > 5, 1, 0)"), [Some(0.0), Some(1.0), Some(1.0), Some(0.0)]);
    let texts = |formula: &str| {
        let table = derive(formula);
        (0..4).map(|row| table.cell(row, "New").unwrap()).collect::<Vec<_>>()
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        texts("upper(Code) || '/' || \"Order Status\"")[..2],
        [some("007/COMPLETE"), some("7/COMPLETE")]
    );
    assert_eq!(texts("Days > Planned"), ["no", "yes", "no", "no"].map(some));
    assert_eq!(texts("if(Days > 5, 'long', Order Status)")[..2], [some("COMPLETE"), some("long")]);
    let dates = derive("Ordered + 24").dates("New", None, &mut Notes::new()).unwrap();
    let ordered = sheet().dates("Ordered", None, &mut Notes::new()).unwrap();
    assert_eq!(dates[1], ordered[1].map(|seconds| seconds + 86_400));
}

#[test]
fn a_formula_that_cannot_be_used_says_why() {
    for (formula, message) in [
        ("Dayz + 1", "there is no column `Dayz`"),
        ("lower(Days)", "takes texts, and this holds numbers"),
        ("year(Code)", "takes dates"),
        ("if(Days > 3, 1, 'x')", "gives numbers and texts"),
    ] {
        let error = Formula::parse(formula)
            .and_then(|formula| sheet().with_derived("New", &formula, &mut Notes::new()))
            .unwrap_err();
        assert!(
            error.message().contains(message) && error.message().contains("of the formula"),
            "{formula}: {error}"
        );
        assert!(error.hint_text().is_some(), "{formula}");
    }
    let taken = sheet().with_derived("Days", &Formula::parse("1 + Planned").unwrap(), &mut Notes::new());
    assert!(taken.unwrap_err().message().contains("already"));
    for formula in ["", "Days +", "sum(Days)", "(Days"] {
        assert!(Formula::parse(formula).is_err(), "{formula}");
    }
}
