//! Ids of more digits than a float keeps.

use recant::notes::Notes;

use super::made::{number, record, stream, xls, xlsx};
use super::{cells, found, table};

fn with_ids(ids: &[&str]) -> String {
    let rows: String = ids
        .iter()
        .map(|id| format!("<row><c><v>{id}</v></c><c><v>3</v></c></row>"))
        .collect();
    let name = |name: &str| super::made::text(name);
    format!(
        "<worksheet><sheetData><row>{}{}</row>{rows}</sheetData></worksheet>",
        name("Id"),
        name("Days")
    )
}

#[test]
fn digits_that_are_in_the_file_are_the_id() {
    let ids = ["123456789012345678", "123456789012345679", "-123456789012345671"];
    let (table, notes) = table("a.xlsx", &xlsx(&with_ids(&ids)));
    assert_eq!(cells(&table, "Id"), ids);
    assert!(!notes.has("rounded-numbers"));
    assert_eq!(table.numbers("Days", &mut Notes::new()).unwrap(), [Some(3.0); 3]);
}

#[test]
fn rounded_ids_are_told_and_equal_no_id() {
    for ids in [
        &["1.2345678901234568E+17", "1.2345678901234570E+17"][..],
        &["123456789012345680", "123456789012345700"],
    ] {
        let (table, notes) = table("a.xlsx", &xlsx(&with_ids(ids)));
        assert!(found(&notes, "rounded-numbers").contains("column `Id`"), "{ids:?}");
        assert!(cells(&table, "Id").iter().all(|id| id.contains("E+17")), "{ids:?}");
    }
    let ids: Vec<u8> = (0..9_u16)
        .flat_map(|row| number(row + 1, 0, 1.234_567_890_123_45e15 + 10.0 * f64::from(row)))
        .collect();
    let names = super::made::label(0, 0, "Id", false);
    let (table, notes) = table("a.xls", &xls(&stream(&record(0x0042, &[0xe4, 4]), &[names, ids].concat())));
    assert!(notes.has("rounded-numbers"));
    assert_eq!(cells(&table, "Id")[0], "1.23456789012345E+15");
}

#[test]
fn long_amounts_and_exact_numbers_stay_numbers() {
    let (table, notes) = table(
        "a.xlsx",
        &xlsx(&with_ids(&["5", "7", "100000000000000000", "0.1234567890123456789"])),
    );
    assert!(!notes.has("rounded-numbers"));
    let numbers = table.numbers("Id", &mut Notes::new()).unwrap();
    assert_eq!(numbers, [Some(5.0), Some(7.0), Some(1e17), Some(0.123_456_789_012_345_68)]);
}
