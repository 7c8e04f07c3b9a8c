//! The real files, where they are at hand: `RECANT_DATA`, else `../shared/data` beside the repository.

use std::path::{Path, PathBuf};

use recant::notes::Notes;
use recant::tables::{ColumnKind, DateOrder, ReadOptions, Table, read};

fn data(file: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("RECANT_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
    };
    let path = folder.join(file);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: there is no {} (name its folder in RECANT_DATA)", path.display());
    None
}

fn open(path: &Path) -> (Table, Notes) {
    let mut notes = Notes::new();
    let table = read(path, &ReadOptions::default(), &mut notes).unwrap();
    (table, notes)
}

#[test]
fn the_whole_dataco_file_reads_with_its_known_facts() {
    let Some(path) = data("dataco/DataCoSupplyChainDataset.csv.gz") else {
        return;
    };
    let (table, notes) = open(&path);
    assert_eq!((table.height(), table.width()), (180_519, 53));
    assert_eq!(table.source().encoding.as_deref(), Some("windows-1252"));
    assert_eq!(table.source().sha256, recant::files::sha256_of(&path).unwrap());
    assert!(notes.has("encoding") && notes.iter().count() == 1, "{notes:?}");
    assert_eq!(table.row_number(180_518), 180_520);
    let status = table.texts("Order Status").unwrap();
    let complete = status.values.iter().position(|value| value == "COMPLETE").unwrap();
    assert_eq!(status.counts()[complete], 59_491);
    let filled = |name: &str| table.height() - table.missing_count(name).unwrap();
    assert_eq!(filled("Order Item Profit Ratio"), 14_471);
    let mut reading = Notes::new();
    let real = table.numbers("Days for shipping (real)", &mut reading).unwrap();
    let ordered = table.dates("order date (DateOrders)", None, &mut reading).unwrap();
    let shipped = table.dates("shipping date (DateOrders)", None, &mut reading).unwrap();
    assert!(reading.is_empty(), "{reading:?}");
    assert_eq!(table.date_order("order date (DateOrders)").unwrap(), Some(DateOrder::MonthFirst));
    // In DataCo the day of shipping is the day of the order and the real shipping days, in every row; the times of day may differ by twelve hours.
    let day = |moment: Option<i64>| moment.unwrap().div_euclid(86_400);
    for row in 0..table.height() {
        let days = day(shipped[row]) - day(ordered[row]);
        assert_eq!(Some(days as f64), real[row], "row {}", table.row_number(row));
    }
    assert_eq!(table.kind("Shipping Mode").unwrap(), ColumnKind::Category);
    assert_eq!(table.kind("Product Description").unwrap(), ColumnKind::Empty);
}

#[test]
fn the_incom_file_reads_with_its_time_zones() {
    let Some(path) = data("incom2024_delay_example_dataset.csv.gz") else {
        return;
    };
    let (table, _) = open(&path);
    assert_eq!((table.height(), table.width()), (15_549, 25));
    let mut notes = Notes::new();
    let ordered = table.dates("order_date", None, &mut notes).unwrap();
    let shipped = table.dates("shipping_date", None, &mut notes).unwrap();
    assert!(notes.has("time-zones"), "{notes:?}");
    let before = ordered.iter().zip(&shipped).filter(|(ordered, shipped)| shipped < ordered).count();
    assert!(before * 4 > table.height(), "{before}");
}
