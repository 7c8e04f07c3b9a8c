use super::*;

fn sheet() -> Table {
    let text = |cells: &[&str]| cells.iter().map(|cell| (!cell.is_empty()).then(|| (*cell).to_owned())).collect();
    Table::new("orders.csv", 6)
        .with_column("Market", text(&["LATAM", "Europe", "LATAM", "", "USCA", "LATAM"]))
        .and_then(|table| {
            table.with_column(
                "Shipping Mode",
                text(&["Standard Class", "Standard Class", "First Class", "Same Day", "", "Standard Class"]),
            )
        })
        .and_then(|table| table.with_column("Quantity", text(&["1", "2.0", "3", "", "1.0", "5"])))
        .and_then(|table| {
            table.with_column(
                "order date (DateOrders)",
                text(&[
                    "1/31/2017 9:30",
                    "2/1/2017 0:00",
                    "2/28/2017 23:59",
                    "3/1/2017 0:00",
                    "",
                    "12/31/2017 10:00",
                ]),
            )
        })
        .unwrap()
}

fn rows(rule: &str) -> Vec<usize> {
    let met = Rule::parse(rule).unwrap().matches(&sheet(), &mut Notes::new()).unwrap();
    met.iter().enumerate().filter(|(_, met)| **met).map(|(row, _)| row).collect()
}

fn refused(rule: &str) -> Error {
    Rule::parse(rule).unwrap().matches(&sheet(), &mut Notes::new()).unwrap_err()
}

#[test]
fn conditions_select_the_rows_they_say() {
    let cases: &[(&str, &[usize])] = &[
        ("Market = LATAM", &[0, 2, 5]),
        ("Market != LATAM", &[1, 3, 4]),
        ("Market = \"\"", &[3]),
        ("Market != \"\"", &[0, 1, 2, 4, 5]),
        ("Market in (LATAM, USCA)", &[0, 2, 4, 5]),
        ("Market in (USCA, \"\")", &[3, 4]),
        ("Market not in (LATAM, USCA)", &[1, 3]),
        ("Market = LATAM and \"Shipping Mode\" = \"Standard Class\"", &[0, 5]),
        ("Market = USCA or Market = Europe", &[1, 4]),
        ("not (Market = LATAM or Quantity = 2)", &[3, 4]),
        ("Market = Europe or Market = LATAM and Quantity > 2", &[1, 2, 5]),
        ("(Market = Europe or Market = LATAM) and Quantity > 2", &[2, 5]),
        ("Quantity = 1", &[0, 4]),
        ("Quantity = 2", &[1]),
        ("Quantity < 3", &[0, 1, 4]),
        ("Quantity <= 3", &[0, 1, 2, 4]),
        ("Quantity > 1.5", &[1, 2, 5]),
        ("Quantity >= 5", &[5]),
        (
            "\"order date (DateOrders)\" >= 2017-02-01 and \"order date (DateOrders)\" < 2017-03-01",
            &[1, 2],
        ),
        ("\"order date (DateOrders)\" > 2017-02-28", &[3, 5]),
        ("\"order date (DateOrders)\" <= 2017-02-28", &[0, 1, 2]),
        ("\"order date (DateOrders)\" = 2017-02-28", &[2]),
        ("\"order date (DateOrders)\" in (2017-02-28, 2017-12-31)", &[2, 5]),
        ("\"order date (DateOrders)\" < \"2017-01-31 09:31\"", &[0]),
    ];
    for (rule, expected) in cases {
        assert_eq!(rows(rule), *expected, "{rule}");
    }
}

#[test]
fn unknown_columns_and_values_are_pointed_at_with_the_closest_match() {
    let cases = [
        (
            "Marked = LATAM",
            "there is no column `Marked` at character 1",
            "closest match is Market",
        ),
        (
            "x = 1 or Market = LATAM",
            "there is no column `x` at character 1",
            "written as in the sheet",
        ),
        (
            "Market = latam",
            "no cell of column `Market` is `latam` at character 10",
            "closest match is LATAM",
        ),
        (
            "Market in (LATAM, Europa)",
            "is `Europa` at character 19",
            "closest match is Europe",
        ),
        ("Market = Atlantis", "is `Atlantis`", "the column holds LATAM, Europe, USCA"),
        ("Shipping Mode = Standard", "is `Standard`", "closest match is Standard Class"),
        (
            "Quantity < few",
            "`few` is neither a number nor a date at character 12",
            "use `=` for text",
        ),
        ("Market < 3", "at character 1", "compares numbers or dates"),
        ("Quantity > 2017-01-01", "at character 1", ""),
        ("\"order date (DateOrders)\" = 2016-02-28", "is `2016-02-28`", ""),
    ];
    for (rule, message, hint) in cases {
        let error = refused(rule);
        assert!(error.message().contains(message), "{rule}: {}", error.message());
        assert!(
            error.hint_text().unwrap_or_default().contains(hint),
            "{rule}: {:?}",
            error.hint_text()
        );
        assert_eq!(error.exit_code(), 2);
    }
}

#[test]
fn a_day_is_a_day_and_a_minute_a_minute() {
    assert_eq!(date("1970-01-02"), Some((86_400, 172_800)));
    assert_eq!(date("1970-01-01 00:01"), Some((60, 120)));
    assert_eq!(date("1970-01-01T00:01:05"), Some((65, 66)));
    for bad in ["1970", "1970-02-30", "01/02/1970", "", "1970-01-01 25:00"] {
        assert_eq!(date(bad), None, "{bad}");
    }
}
