use super::*;

fn value(text: &str) -> Option<f64> {
    shape(text).and_then(|shape| shape.value(DecimalMark::Point))
}

#[test]
fn numbers_in_the_usual_spellings() {
    for (text, number) in [
        ("12", 12.0),
        ("-12.5", -12.5),
        ("1,234.56", 1234.56),
        ("1.234,56", 1234.56),
        ("1 234,56", 1234.56),
        ("1\u{a0}234\u{a0}567", 1_234_567.0),
        ("1'234.50", 1234.5),
        ("12,34,567.80", 1_234_567.8),
        ("1.234.567", 1_234_567.0),
        ("$1,234.50", 1234.5),
        ("-$5", -5.0),
        ("$-5", -5.0),
        ("5,00 \u{20ac}", 5.0),
        ("EUR 5", 5.0),
        ("US$ 7.25", 7.25),
        ("(1,234.50)", -1234.5),
        ("($5.00)", -5.0),
        ("12-", -12.0),
        ("\u{2212}3", -3.0),
        ("12.5%", 0.125),
        ("-12,5 %", -0.125),
        ("1.2E+05", 120_000.0),
        ("1,2e3", 1200.0),
        ("'42", 42.0),
        (".5", 0.5),
        (",5", 0.5),
        ("1_000_000", 1_000_000.0),
        ("1\u{2019}234.50", 1234.5),
        ("1\u{2009}234", 1234.0),
        ("\u{661}\u{662}\u{66b}\u{665}", 12.5),
        ("\u{661}\u{66c}\u{662}\u{663}\u{664}", 1234.0),
        ("\u{ff11}\u{ff12}\u{ff0e}\u{ff15}", 12.5),
        ("120,-", 120.0),
        ("120.\u{2013}", 120.0),
        ("120,\u{2014} \u{20ac}", 120.0),
        ("CHF 120.--", 120.0),
        ("Fr. 120.-", 120.0),
        ("120:-", 120.0),
        ("Rs. 1,500/-", 1500.0),
        ("-120,-", -120.0),
        ("120.00 CR", -120.0),
        ("120.00Dr.", 120.0),
        ("120,00 H", -120.0),
        ("120,00 S", 120.0),
        ("12 percent", 0.12),
        ("12,5 Prozent", 0.125),
        ("$1,234.50 MXN", 1234.5),
        ("COP $ 56.065,00", 56_065.0),
        ("1,234.50 \u{631}.\u{633}", 1234.5),
        ("E\u{a3}40", 40.0),
        ("\u{25b3}120", -120.0),
        ("Cr. 5", -5.0),
        ("$ -", 0.0),
        ("- \u{20ac}", 0.0),
        ("12 \u{2030}", 0.012),
        ("%12", 0.12),
        ("12+", 12.0),
        ("\u{2013}5", -5.0),
        ("Rs.99", 99.0),
        ("Rs.1500", 1500.0),
        ("Rs. 0.50", 0.5),
        ("rs 12", 12.0),
        ("kr.120", 120.0),
        ("120 kr.", 120.0),
        ("Kr 120,50", 120.5),
        ("Fr.12.50", 12.5),
        ("Lei.7", 7.0),
        ("USD.40", 40.0),
        ("EUR,40", 40.0),
        ("K\u{10d} 40", 40.0),
        ("40 z\u{142}", 40.0),
        ("R$ 40,50", 40.5),
        ("S/.40", 40.0),
        ("S/ 40", 40.0),
        ("Bs.40", 40.0),
        ("Bs.F.40", 40.0),
        ("Rp.40", 40.0),
        ("Tk.40", 40.0),
        ("Gs.40", 40.0),
        ("40 \u{440}\u{443}\u{431}.", 40.0),
        ("40 \u{433}\u{440}\u{43d}.", 40.0),
        ("40 \u{43b}\u{432}.", 40.0),
        ("40 din.", 40.0),
        ("R 1 500,00", 1500.0),
        ("R1,500.00", 1500.0),
        ("RM12.50", 12.5),
        ("\u{5186}40", 40.0),
        ("40\u{5143}", 40.0),
        ("$.50", 0.5),
        ("$(120)", -120.0),
        ("5.", 5.0),
        ("0,123", 0.123),
        ("1234,567", 1234.567),
        ("1,234", 1234.0),
        ("1.234", 1.234),
    ] {
        assert_eq!(value(text), Some(number), "{text}");
    }
    assert_eq!(shape("1,234").unwrap().value(DecimalMark::Comma), Some(1.234));
    assert_eq!(shape("1.234").unwrap().value(DecimalMark::Comma), Some(1234.0));
}

#[test]
fn what_is_no_number_is_refused() {
    for text in [
        "",
        "abc",
        "12a",
        "1-2",
        "12 34",
        "1.23.4",
        "1,23,4",
        "1.234,567.8",
        "--5",
        "5%%",
        "(5",
        "-(5)",
        "0x10",
        "1e",
        "e5",
        "12 kg",
        "R5",
        "Q1",
        "Q 1",
        "5 ft",
        "5 km",
        "Frachten 5",
        "Rs",
        "$",
        "kr.",
        "A-",
        "Dr Smith 5",
        "12 C",
        "EUR 12 USD",
        "$12 \u{20ac}",
        "31/1/2018",
        ".",
        "-",
        "1,234 567.0",
        "12.345.67",
    ] {
        assert_eq!(value(text), None, "{text}");
    }
}

#[test]
fn the_quick_path_agrees_with_the_thorough_one() {
    for text in [
        "0", "12", "-12.5", "+3", "1.234", "1234.567", "0.123", "5.", ".5", "1e5", "-1.5E-3", "1.234e2",
    ] {
        let (number, point) = plain(text).unwrap();
        let shape = shape(text).unwrap();
        assert_eq!(shape.value(DecimalMark::Point), Some(number), "{text}");
        assert_eq!(matches!(shape.marks, Marks::Ambiguous(_)), point == PlainPoint::Ambiguous, "{text}");
    }
    for text in ["inf", "nan", "1,5", "1.2.3", "e5", "-", "1e", "--1", "1e5e5", "5-"] {
        assert!(plain(text).is_none(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn what_looks_plain_is_what_the_thorough_look_finds(text in "[0-9.,eE+$% -]{0,12}|[+-]?[0-9]{0,4}[.][0-9]{0,4}|[0-9]{60,70}[.]?") {
        if let Some(point) = plain_shape(&text) {
            let shape = shape(&text).unwrap();
            let marks = match point {
                PlainPoint::None => Marks::Neutral,
                PlainPoint::Certain => Marks::Certain(DecimalMark::Point),
                PlainPoint::Ambiguous => Marks::Ambiguous(DecimalMark::Point),
            };
            proptest::prop_assert_eq!((shape.marks, shape.parts, shape.currency), (marks, None, None));
        }
    }
}
