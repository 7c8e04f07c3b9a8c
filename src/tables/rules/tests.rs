use proptest::prelude::*;

use super::*;

#[test]
fn conditions_are_read_with_and_before_or_and_print_in_standard_form() {
    let cases = [
        (
            "Market = LATAM and \"Shipping Mode\" = \"Standard Class\"",
            "Market = LATAM and Shipping Mode = Standard Class",
        ),
        ("a=1 or b=2 AND c=3", "a = 1 or b = 2 and c = 3"),
        ("(a=1 or b=2) and c=3", "(a = 1 or b = 2) and c = 3"),
        ("not (a=1 and b=2)", "not (a = 1 and b = 2)"),
        ("NOT a<>1", "not a != 1"),
        ("a not in (x, \"y, z\",w)", "a not in (x, \"y, z\", w)"),
        ("Cost in USD >= -5", "\"Cost in USD\" >= -5"),
        (
            "\"order date (DateOrders)\" ≤ 2017-06-01",
            "\"order date (DateOrders)\" <= 2017-06-01",
        ),
        ("“Shipping Mode” == 'First Class'", "Shipping Mode = 'First Class'"),
        ("Department = Women's Apparel", "Department = Women's Apparel"),
        ("x = \"\"", "x = \"\""),
        ("((((a = 1))))", "a = 1"),
        ("name = \"19\"\" rack\"", "name = \"19\"\" rack\""),
    ];
    for (text, standard) in cases {
        let rule = Rule::parse(text).unwrap();
        assert_eq!(rule.to_string(), standard, "{text}");
        assert_eq!(Rule::parse(standard).unwrap().to_string(), standard);
    }
}

#[test]
fn the_columns_of_a_condition_are_listed_once_in_order() {
    let rule = Rule::parse("b = 1 and (a > 2 or not b in (3)) and c != 1").unwrap();
    assert_eq!(rule.columns(), ["b", "a", "c"]);
}

#[test]
fn an_error_says_what_was_expected_and_points_at_the_character() {
    let cases = [
        ("", 1, "expected a column name, found the end"),
        ("Market", 7, "expected one of `=`"),
        ("Market = ", 10, "expected a value, found the end"),
        ("Market = and b = 2", 10, "expected a value, found `and`"),
        ("Market = LATAM and", 19, "expected a column name, found the end"),
        ("Market = LATAM) or b = 1", 15, "expected the end, found `)`"),
        ("(Market = LATAM", 16, "expected `)`, `and` or `or`, found the end"),
        ("Market in LATAM", 16, "expected one of `=`"),
        ("Market in (LATAM", 17, "expected `,` or `)`, found the end"),
        ("Market in ()", 12, "expected a value, found `)`"),
        ("Department = Health and Beauty", 31, "expected one of `=`"),
        ("Days for shipping (real) = 3", 19, "expected one of `=`"),
        ("a = \"b\" \"c\"", 9, "expected a sign between the two quoted texts"),
        ("a = \"b", 5, "this quote is never closed"),
        ("a = b: c", 6, "expected the end, found `:`"),
        ("a <> = b", 6, "expected a value, found `=`"),
    ];
    for (text, at, message) in cases {
        let error = Rule::parse(text).unwrap_err();
        assert!(error.message().starts_with(message), "{text}: {}", error.message());
        assert!(
            error.message().contains(&format!("at character {at} of the rule")),
            "{text}: {}",
            error.message()
        );
        let lines: Vec<&str> = error.message().lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert_eq!(lines[2].chars().count(), at + 2, "the caret stands below the character: {text}");
    }
    let error = Rule::parse("Department = Health and Beauty").unwrap_err();
    assert!(error.hint_text().unwrap().contains("\"Health and Beauty\""));
}

#[test]
fn a_long_rule_is_shown_around_the_place_only() {
    let text = format!("{} = ", "x".repeat(10_000));
    let error = Rule::parse(&text).unwrap_err();
    assert!(error.message().len() < 300, "{}", error.message());
    let lines: Vec<&str> = error.message().lines().collect();
    assert!(lines[1].starts_with("  ..."));
    assert_eq!(lines[2].chars().count(), lines[1].chars().count() + 1);
}

#[test]
fn deep_nesting_is_refused_and_does_not_exhaust_the_stack() {
    for text in ["(".repeat(100_000), "not ".repeat(100_000)] {
        assert!(Rule::parse(&text).unwrap_err().message().contains("inside each other"));
    }
    assert!(Rule::parse(&format!("{}a=1{}", "(".repeat(40), ")".repeat(40))).is_ok());
}

fn any_rule() -> impl Strategy<Value = String> {
    let name = prop_oneof!["[a-z]{1,6}", "[a-z]{1,4} [a-z]{1,4}", "[a-z()<>=:,\"' -]{0,8}"].prop_map(|text| quote(text.trim()));
    let value = name.clone();
    let sign = prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        (name.clone(), sign, value.clone()).prop_map(|(name, sign, value)| format!("{name} {sign} {value}")),
        (name, any::<bool>(), prop::collection::vec(value, 1..4)).prop_map(|(name, negated, values)| format!(
            "{name} {}in ({})",
            if negated { "not " } else { "" },
            values.join(", ")
        )),
    ];
    leaf.prop_recursive(4, 20, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" and "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" or "))),
            inner.prop_map(|part| format!("not ({part})")),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_a_place_inside_it(text in "\\PC{0,60}") {
        if let Err(error) = Rule::parse(&text) {
            let at: usize = error.message().split("at character ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
            prop_assert!(at >= 1 && at <= text.chars().count() + 1);
        }
        let _ = Formula::parse(&text);
    }

    #[test]
    fn near_rules_never_panic(parts in prop::collection::vec(prop::sample::select(vec![
        "a", "=", "\"", "'", "(", ")", "`", "and", "or", "not", "in", " ", ",", ":", "->", "<", "!", "5%", "ß", "+", "-", "*", "||", "is", "null", "like", "between", "abs", "if", "\u{1F69A}", "“",
    ]), 0..24)) {
        let text = parts.concat();
        let _ = Rule::parse(&text);
        let _ = Formula::parse(&text);
    }

    #[test]
    fn a_rule_prints_as_a_rule_that_prints_the_same(text in any_rule()) {
        let rule = Rule::parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {}", error.message())))?;
        let printed = rule.to_string();
        let again = Rule::parse(&printed).map_err(|error| TestCaseError::fail(format!("{printed}: {}", error.message())))?;
        prop_assert_eq!(again.to_string(), printed);
        prop_assert_eq!(again.columns(), rule.columns());
    }

    #[test]
    fn a_quoted_text_reads_back_as_itself(text in "\\PC{0,20}") {
        let text = text.trim();
        let rule = Rule::parse(&format!("x = {}", quote(text))).map_err(|error| TestCaseError::fail(error.message().to_owned()))?;
        let Node::Compare(_, _, Value::Name(value)) = &rule.root else { return Err(TestCaseError::fail("not a comparison")) };
        prop_assert_eq!(&value.text, text);
    }
}
