//! Flags that were never a file: keys, and rows of a table.

use std::path::{Path, PathBuf};

use recant::commands::{Further, RepairSheet, RepairedSheet, Run, WrongRows, default_evidence, repair_sheet};
use recant::error::Result;
use recant::label_errors::flags::FlagOptions;
use recant::notes::Notes;
use recant::progress::Silent;
use recant::repair::RepairOptions;
use recant::seed::Seed;
use recant::tables::{ReadOptions, Table, read};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The bundled model repaired without its sheet, and nothing written.
fn repaired(wrong: WrongRows, key: Option<&str>) -> Result<RepairedSheet> {
    let progress = Silent::default();
    let run = Run {
        seed: Seed(1),
        threads: 1,
        command: "test".to_owned(),
        progress: &progress,
    };
    repair_sheet(
        &run,
        &RepairSheet {
            model: &root().join("models/delay-sample"),
            wrong,
            flag_options: FlagOptions {
                key: key.map(str::to_owned),
                ..FlagOptions::default()
            },
            flags_sheet: None,
            data: None,
            test: None,
            reading: ReadOptions::default(),
            looked_up: None,
            affected: None,
            further: Further::Never,
            checked: None,
            method: "assd",
            options: RepairOptions::default(),
            evidence: default_evidence(Seed(1)),
            out: None,
        },
    )
}

/// Ten whole rows of the sample.
fn ten_rows() -> Table {
    let sample = root().join("data/sample/orders.csv.gz");
    let table = read(Path::new(&sample), &ReadOptions::default(), &mut Notes::new()).unwrap();
    let complete = table.texts("Order Status").unwrap();
    let rows: Vec<usize> = (0..table.height())
        .filter(|row| complete.get(*row) == Some("COMPLETE"))
        .take(10)
        .collect();
    table.take(&rows)
}

#[test]
fn whole_rows_of_a_table_need_no_file_and_keys_alone_need_the_sheet() {
    let rows = ten_rows();
    let by_rows = repaired(WrongRows::FlagTable(&rows), None).unwrap();
    assert_eq!(by_rows.repaired.record.flags.used, 10);
    let keys = rows.texts("Order Item Id").unwrap();
    let keys: Vec<String> = (0..10).filter_map(|row| keys.get(row).map(str::to_owned)).collect();
    for key in [None, Some("Order Item Id")] {
        let error = repaired(WrongRows::Keys(&keys), key).err().unwrap();
        assert!(error.message().contains("names rows without their values"), "{error}");
    }
    let error = repaired(WrongRows::Keys(&["no such order".to_owned()]), None).err().unwrap();
    assert!(error.to_string().contains("no such order"), "{error}");
}
