use super::*;

#[test]
fn days_and_dates_are_each_others_inverse() {
    assert_eq!(days_from_civil(1970, 1, 1), 0);
    assert_eq!(days_from_civil(2018, 1, 31), 17_562);
    assert_eq!(days_from_civil(2000, 3, 1), 11_017);
    for days in (-800_000..800_000).step_by(17) {
        let (year, month, day) = civil_from_days(days);
        assert_eq!(days_from_civil(year as i32, month, day), days);
        assert!(is_day(year as i32, month, day) || year < 1);
    }
    assert!(is_day(2016, 2, 29) && !is_day(2018, 2, 29) && !is_day(1900, 2, 29) && is_day(2000, 2, 29));
}

#[test]
fn dates_with_one_reading() {
    let day = |text: &str| match parse(text).map(|parsed| parsed.form) {
        Some(Form::YearFirst { year, month, day } | Form::Named { year, month, day }) => Some((year, month, day)),
        _ => None,
    };
    for text in [
        "2018-01-31",
        "2018/1/31",
        "2018.01.31",
        "20180131",
        "2018-Jan-31",
        "31 Jan 2018",
        "31-Jan-2018",
        "31-Jan-18",
        "31. Januar 2018",
        "31 janv. 2018",
        "31st January 2018",
        "Jan 31 2018",
        "Jan 31, 2018",
        "January 31st, 2018",
        "jan-31-2018",
        "Wed Jan 31 2018",
        "Wed, 31 Jan 2018",
        "Wednesday, January 31, 2018",
        "31 de enero de 2018",
        "mi\u{e9}rcoles, 31 de enero de 2018",
        "31 de janeiro de 2018",
        "quarta-feira, 31 de janeiro de 2018",
        "mercredi 31 janvier 2018",
        "mer. 31 janv. 2018",
        "Mi, 31. J\u{e4}nner 2018",
        "31 gennaio 2018",
        "31-jan-2018",
        "31. januar 2018",
        "onsdag den 31. januar 2018",
        "31 januari 2018",
        "31. tammikuuta 2018",
        "31 stycznia 2018 r.",
        "31. ledna 2018",
        "31. janu\u{e1}ra 2018",
        "2018. janu\u{e1}r 31.",
        "2018. jan. 31.",
        "31 ianuarie 2018",
        "31. sije\u{10d}nja 2018.",
        "31. januara 2018.",
        "31 Ocak 2018",
        "31 Ocak 2018 \u{c7}ar\u{15f}amba",
        "31 января 2018 г.",
        "31 січня 2018 р.",
        "31 Ιανουαρίου 2018",
        "31 Januari 2018",
        "31 th\u{e1}ng 1 n\u{103}m 2018",
        "31 thg 1, 2018",
        "2018\u{5e74}1\u{6708}31\u{65e5}",
        "2018\u{5e74}01\u{6708}31\u{65e5}(\u{6c34})",
        "2018\u{b144} 1\u{c6d4} 31\u{c77c}",
        "2018. 1. 31.",
        "2018.01.31.",
        "2018-W05-3",
        "2018W053",
        "2018 Jan 31",
        "31.I.2018",
        "31 I 2018",
        "\u{5e73}\u{6210}30\u{5e74}1\u{6708}31\u{65e5}",
        "\u{6c11}\u{570b}107\u{5e74}1\u{6708}31\u{65e5}",
        "31 \u{5d9}\u{5e0}\u{5d5}\u{5d0}\u{5e8} 2018",
        "31 \u{e21}\u{e01}\u{e23}\u{e32}\u{e04}\u{e21} 2018",
        "31 \u{91c}\u{928}\u{935}\u{930}\u{940} 2018",
        "2018_01_31",
        "2018 01 31",
        "Wed Jan 31 22:56:07 2018",
        "Wed Jan 31 22:56:07 CET 2018",
        "Wed Jan 31 2018 22:56:07 GMT+0100 (Central European Standard Time)",
        "31 Jan '18",
        "31/Jan/2018",
        "\u{662}\u{660}\u{661}\u{668}-\u{660}\u{661}-\u{663}\u{661}",
    ] {
        assert_eq!(day(text), Some((2018, 1, 31)), "{text}");
    }
    assert_eq!(day("14 V 2018"), Some((2018, 5, 14)));
    assert_eq!(day("14 juillet 2018"), Some((2018, 7, 14)));
    assert_eq!(day("14 juin 2018"), Some((2018, 6, 14)));
    assert_eq!(day("5 M\u{e4}rz 2018"), Some((2018, 3, 5)));
    assert_eq!(day("mar. 1 mai 2018"), Some((2018, 5, 1)));
    assert_eq!(day("1er mars 2018"), Some((2018, 3, 1)));
    assert_eq!(day("2-mrt-2018"), Some((2018, 3, 2)));
    for (month, names) in (1..).zip([
        "Januar janvier enero gennaio janeiro januari tammikuu stycze\u{144} leden janu\u{e1}r ianuarie sije\u{10d}anj ocak январь січень Ιανουάριος",
        "Februar f\u{e9}vrier febrero febbraio fevereiro februari helmikuu luty \u{fa}nor febru\u{e1}r februarie velja\u{10d}a \u{15f}ubat февраль лютий Φεβρουάριος",
        "M\u{e4}rz mars marzo mar\u{e7}o maart marts maaliskuu marzec b\u{159}ezen m\u{e1}rcius martie o\u{17e}ujak mart март березень Μάρτιος Maret",
        "April avril abril aprile huhtikuu kwiecie\u{144} duben \u{e1}prilis aprilie travanj nisan апрель квітень Απρίλιος",
        "Mai mayo maggio maio mei maj toukokuu kv\u{11b}ten m\u{e1}jus svibanj may\u{131}s май травень Μάιος",
        "Juni juin junio giugno junho kes\u{e4}kuu czerwiec \u{10d}erven j\u{fa}nius iunie lipanj haziran июнь червень Ιούνιος",
        "Juli juillet julio luglio julho hein\u{e4}kuu lipiec \u{10d}ervenec j\u{fa}lius iulie srpanj temmuz июль липень Ιούλιος",
        "August ao\u{fb}t agosto augustus augusti elokuu sierpie\u{144} srpen augusztus kolovoz a\u{11f}ustos август серпень Αύγουστος Agustus",
        "September septembre septiembre settembre setembro syyskuu wrzesie\u{144} z\u{e1}\u{159}\u{ed} szeptember septembrie rujan eyl\u{fc}l сентябрь вересень Σεπτέμβριος",
        "Oktober octobre octubre ottobre outubro lokakuu pa\u{17a}dziernik \u{159}\u{ed}jen okt\u{f3}ber octombrie ekim октябрь жовтень Οκτώβριος",
        "November novembre noviembre novembro marraskuu noiembrie studeni kas\u{131}m ноябрь листопад Νοέμβριος",
        "Dezember d\u{e9}cembre diciembre dicembre dezembro december desember joulukuu grudzie\u{144} prosinec decembrie prosinac aral\u{131}k декабрь грудень Δεκέμβριος",
    ]) {
        for name in names.split_whitespace() {
            assert_eq!(day(&format!("7 {name} 2018")), Some((2018, month, 7)), "{name}");
        }
    }
}

#[test]
fn times_and_zones_are_read_as_written() {
    let time = |text: &str| parse(text).map(|parsed| (parsed.seconds, parsed.zone));
    for (text, seconds, zone) in [
        ("1/31/2018 22:56", 82_560, None),
        ("1/31/2018 10:56 PM", 82_560, None),
        ("1/31/2018 10:56\u{202f}PM", 82_560, None),
        ("1/31/2018 12:05 a.m.", 300, None),
        ("1/31/2018 10 PM", 79_200, None),
        ("2018-01-31T22:56:00Z", 82_560, Some(0)),
        ("2018-01-31 22:56:00+00:00", 82_560, Some(0)),
        ("2018-01-31T22:56:07.123-0530", 82_567, Some(-330)),
        ("2018-01-31 22:56 UTC", 82_560, Some(0)),
        ("2018-01-31T22:56:00+01:00[Europe/Berlin]", 82_560, Some(60)),
        ("20180131T225600", 82_560, None),
        ("31.01.2018, 22:56", 82_560, None),
        ("2018-01-31 24:00", 86_399, None),
        ("1/31/2018 10:56 p. m.", 82_560, None),
        ("1/31/2018 12:05 a.\u{a0}m.", 300, None),
        ("31/01/2018 22.56", 82_560, None),
        ("31.01.2018 22.56.00", 82_560, None),
        ("31-JAN-18 10.56.00.000000000 PM", 82_560, None),
        ("31-JAN-18 12.05.00.000000000 AM", 300, None),
        ("31-JAN-18 10.56.00.000000 PM +01:00", 82_560, Some(60)),
        ("2018-01-31-22.56.00.000000", 82_560, None),
        ("31/Jan/2018:22:56:00 +0100", 82_560, Some(60)),
        ("31/01/2018 22h56", 82_560, None),
        ("31.01.2018 um 22:56 Uhr", 82_560, None),
        ("31.01.2018 22 Uhr", 79_200, None),
        ("31. januar 2018 kl. 22.56", 82_560, None),
        ("31 de enero de 2018 a las 22:56", 82_560, None),
        ("2018\u{5e74}1\u{6708}31\u{65e5} 22\u{6642}56\u{5206}", 82_560, None),
        ("2018\u{b144} 1\u{c6d4} 31\u{c77c} \u{c624}\u{d6c4} 10:56", 82_560, None),
        ("2018/1/31 \u{4e0b}\u{5348}10:56", 82_560, None),
        ("31/1/2018 10:56 \u{3bc}.\u{3bc}.", 82_560, None),
        ("31/1/2018 10:56 CH", 82_560, None),
        ("2018. 1. 31. \u{c624}\u{d6c4} 10:56:00", 82_560, None),
        ("20180131225600", 82_560, None),
        ("31 \u{44f}\u{43d}\u{432}\u{430}\u{440}\u{44f} 2018 \u{433}., 22:56", 82_560, None),
        ("2018. janu\u{e1}r 31. 22:56", 82_560, None),
        ("31 stycznia 2018 r. 22:56", 82_560, None),
        ("31. tammikuuta 2018 klo 22.56", 82_560, None),
        ("31 th\u{e1}ng 1, 2018 22:56", 82_560, None),
        ("2018-W05-3 22:56", 82_560, None),
        ("2018\u{5e74}1\u{6708}31\u{65e5} \u{4e0b}\u{5348}10:56", 82_560, None),
        ("201801312256", 82_560, None),
        ("Wed Jan 31 22:56:00 CET 2018", 82_560, Some(60)),
        ("Wed Jan 31 2018 22:56:00 GMT+0100 (CET)", 82_560, Some(60)),
        ("2018-01-31 22:56 GMT+1", 82_560, Some(60)),
    ] {
        assert_eq!(time(text), Some((seconds, zone)), "{text}");
    }
}

#[test]
fn what_is_no_date_is_refused() {
    for text in [
        "",
        "abc",
        "2018",
        "2018-13-01",
        "2018-02-30",
        "1/2",
        "1/2/3",
        "1/2/201",
        "12:30",
        "5 pipe 2018",
        "Market 3 2018",
        "2018-01-31 25:00",
        "2018-01-31 1:2",
        "2018-01-31x",
        "31/12-2018",
        "1.5",
        "99999999",
        "1/31/2018 22:56 XX",
        "Jan 31",
        "Jan 31 10:22",
        "100/1/2018",
        "2018-01-31,",
        "20180131T",
        "32 Jan 2018",
        "1/31/2018 13:00 PM",
        "R4.10.19",
        "v2.10.19",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}
