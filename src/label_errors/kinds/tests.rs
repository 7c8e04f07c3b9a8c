use super::*;

fn classes() -> Vec<String> {
    ["Early", "On time", "Late"].map(str::to_owned).to_vec()
}

#[test]
fn every_kind_prints_a_specification_that_reads_back_to_the_same() {
    let specs = [
        "uniform",
        "paper",
        "placebo",
        "confusion:Early,On time",
        "segment:Market = LATAM and Shipping Mode = Standard Class: Late -> On time, 60%",
        "segment:Market in (LATAM, \"A, B\") or not \"Days (real)\" >= 3: any -> other, 12",
        "poison:Product Name = \"x->y\" -> Late",
    ];
    for spec in specs {
        let mistake = parse(spec, &classes()).unwrap();
        assert_eq!(mistake.spec(), spec);
        assert!(!mistake.in_words().is_empty());
    }
    let tried: Vec<&str> = specs.iter().map(|spec| spec.split(':').next().unwrap()).collect();
    for kind in KINDS {
        assert!(tried.contains(&kind.name()), "no specification of `{}` tried", kind.name());
        assert!(kind.usage().starts_with(kind.name()));
        assert!(!kind.about().is_empty());
    }
}

#[test]
fn classes_are_found_without_regard_to_case_and_misspellings_get_a_hint() {
    let mistake = parse("confusion: early , \"LATE\"", &classes()).unwrap();
    assert_eq!(mistake.spec(), "confusion:Early,Late");
    let cases = [
        ("unifrom", "unknown error kind `unifrom`", "closest match is `uniform`"),
        ("nonsense", "unknown error kind", "the kinds are uniform, confusion"),
        ("uniform:5", "takes no argument", "write `uniform`"),
        ("confusion", "needs an argument", "write `confusion:A,B`"),
        ("confusion:Early", "does not name two classes", "confusion:Early,On time"),
        ("confusion:Early,Lat", "`Lat` is not a class", "closest match is `Late`"),
        (
            "confusion:Late,late",
            "two different classes",
            "the classes are Early, On time, Late",
        ),
        (
            "segment:Market = LATAM: Lte -> On time",
            "`Lte` is not a class at character 17",
            "closest match is `Late`",
        ),
        ("segment:Market = LATAM: Late -> Late", "recorded as itself", "the classes are"),
        ("segment:Market = LATAM", "expected `and`, `or` or `:`", "-> On time"),
        (
            "segment:Market = LATAM: Late -> On time, 600%",
            "not an amount of rows at character 34",
            "`60%`",
        ),
        ("poison:Market->Late", "expected `=`", "poison:COLUMN=VALUE->CLASS"),
        ("poison:Market=X->Soon", "`Soon` is not a class", "the classes are"),
    ];
    for (spec, message, hint) in cases {
        let error = parse(spec, &classes()).unwrap_err();
        assert!(error.message().contains(message), "{spec}: {}", error.message());
        assert!(
            error.hint_text().unwrap_or_default().contains(hint),
            "{spec}: {:?}",
            error.hint_text()
        );
    }
}

#[test]
fn class_names_with_commas_are_found() {
    let classes = ["a", "b, c", "d"].map(str::to_owned).to_vec();
    assert_eq!(parse("confusion:b, c,d", &classes).unwrap().spec(), "confusion:\"b, c\",d");
    assert_eq!(parse("confusion:\"b, c\",d", &classes).unwrap().spec(), "confusion:\"b, c\",d");
}

#[test]
fn classes_that_are_called_any_or_other_win_over_the_words() {
    let classes = ["any", "other"].map(str::to_owned).to_vec();
    let mistake = parse("segment:x = 1: any -> other", &classes).unwrap();
    assert!(mistake.can_hit(0) && !mistake.can_hit(1));
    let mistake = parse("segment:x = 1: * -> other", &classes).unwrap();
    assert!(mistake.can_hit(0) && !mistake.can_hit(1));
}

#[test]
fn a_segment_states_its_own_amount_as_a_share_of_the_rows_it_can_hit() {
    let mistake = parse("segment:x = 1: Late -> On time, 60%", &classes()).unwrap();
    assert_eq!(mistake.amount(), Some(Amount::ShareOfDomain(0.6)));
    let mistake = parse("segment:x = 1: Late -> On time, 60", &classes()).unwrap();
    assert_eq!(mistake.amount(), Some(Amount::Rows(60)));
}
