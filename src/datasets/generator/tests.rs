//! What a generated sheet promises, held against the text that is written.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDateTime, TimeDelta};

use super::*;
use crate::progress::Silent;

/// A sheet as named columns of text, read back from the written bytes by splitting at commas.
struct Written {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Written {
    fn of(sheet: &Sheet) -> Self {
        let bytes = sheet.csv_bytes().unwrap();
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        Self {
            names: lines.next().unwrap(),
            rows: lines.collect(),
        }
    }

    fn column(&self, name: &str) -> Vec<&str> {
        let place = self
            .names
            .iter()
            .position(|other| other == name)
            .unwrap_or_else(|| panic!("no column {name}"));
        self.rows.iter().map(|row| row[place].as_str()).collect()
    }

    fn numbers(&self, name: &str) -> Vec<f64> {
        self.column(name)
            .iter()
            .map(|cell| cell.parse().unwrap_or_else(|_| panic!("{name}: `{cell}`")))
            .collect()
    }

    fn dates(&self, name: &str) -> Vec<NaiveDateTime> {
        self.column(name)
            .iter()
            .map(|cell| NaiveDateTime::parse_from_str(cell, "%m/%d/%Y %H:%M").unwrap())
            .collect()
    }

    fn classes(&self) -> Vec<usize> {
        let scheduled = self.numbers("Days for shipment (scheduled)");
        self.numbers("Days for shipping (real)")
            .iter()
            .zip(scheduled)
            .map(|(real, planned)| (real.total_cmp(&planned) as i8 + 1) as usize)
            .collect()
    }
}

fn options(rows: usize, seed: u64) -> Options {
    Options {
        rows,
        seed: Seed(seed),
        ..Options::default()
    }
}

fn share<T>(items: &[T], wanted: impl Fn(&T) -> bool) -> f64 {
    items.iter().filter(|item| wanted(item)).count() as f64 / items.len() as f64
}

#[test]
fn the_header_is_the_originals_and_the_rows_are_exactly_as_many_as_asked_for() {
    assert_eq!(DATACO_COLUMNS.len(), 53);
    assert_eq!(
        (DATACO_COLUMNS[0], DATACO_COLUMNS[28], DATACO_COLUMNS[52]),
        ("Type", "order date (DateOrders)", "Shipping Mode")
    );
    for rows in [1, 2, 511, 1_409, 5_000] {
        let written = Written::of(&Sheet::past(&options(rows, 3)).unwrap());
        assert_eq!(written.names, DATACO_COLUMNS);
        assert_eq!(written.rows.len(), rows);
        assert!(written.rows.iter().all(|row| row.len() == 53), "a cell holds a comma");
    }
}

#[test]
fn the_columns_are_those_of_the_original_file_where_it_is_at_hand() {
    let folder = std::env::var("RECANT_DATA").unwrap_or_else(|_| format!("{}/../shared/data", env!("CARGO_MANIFEST_DIR")));
    let Ok(file) = std::fs::File::open(format!("{folder}/dataco/DataCoSupplyChainDataset.csv.gz")) else {
        println!("skipped: the DataCo file is not at hand (set RECANT_DATA)");
        return;
    };
    let lines = std::io::BufRead::split(std::io::BufReader::new(flate2::read::GzDecoder::new(file)), b'\n');
    let (mut formatted, mut moved) = (0, 0);
    for (index, line) in lines.take(3_000).enumerate() {
        let line: String = line.unwrap().iter().map(|byte| char::from(*byte)).collect();
        let cells: Vec<&str> = line.trim_end().split(',').collect();
        if index == 0 {
            assert_eq!(cells, DATACO_COLUMNS);
            continue;
        }
        // Figures of the original come out of our number format as they went in, but for one in a hundred whose last digit somebody
        // else's arithmetic moved (29.52001 for 29.52000999): those must be the same number.
        for place in [3, 4, 22, 23, 31, 32, 34, 35, 37, 38, 39, 49] {
            if cells[place].is_empty() {
                continue;
            }
            let mut text = String::new();
            row::push_single(&mut text, cells[place].parse().unwrap());
            if text == cells[place] {
                formatted += 1;
                continue;
            }
            let (ours, theirs): (f64, f64) = (text.parse().unwrap(), cells[place].parse().unwrap());
            assert!(
                (ours - theirs).abs() <= 3e-9 * theirs.abs().max(10.0),
                "line {}, column {}: {ours} {theirs}",
                index + 1,
                DATACO_COLUMNS[place]
            );
            moved += 1;
        }
    }
    assert!(
        formatted > 20_000 && moved < formatted / 50,
        "{formatted} figures as in the original, {moved} in the last digit only"
    );
}

#[test]
fn equal_seeds_give_equal_bytes_on_any_number_of_threads_and_others_differ() {
    let sheet = Sheet::past(&options(40_000, 5)).unwrap();
    let bytes = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| (sheet.csv_bytes().unwrap(), sheet.summary()))
    };
    let one = bytes(1);
    assert!(one == bytes(3));
    assert_ne!(one.0, Sheet::past(&options(40_000, 6)).unwrap().csv_bytes().unwrap());
}

#[test]
fn an_order_is_one_shipment_and_only_its_items_differ() {
    let written = Written::of(&Sheet::past(&options(6_000, 1)).unwrap());
    let orders = written.column("Order Id");
    let items: BTreeSet<&str> = written.column("Order Item Id").into_iter().collect();
    assert_eq!(items.len(), 6_000, "item ids repeat");
    let of_item: BTreeSet<&str> = [
        "Benefit per order",
        "Sales per customer",
        "Category Id",
        "Category Name",
        "Department Id",
        "Department Name",
        "Order Item Cardprod Id",
        "Order Item Discount",
        "Order Item Discount Rate",
        "Order Item Id",
        "Order Item Product Price",
        "Order Item Profit Ratio",
        "Order Item Quantity",
        "Sales",
        "Order Item Total",
        "Order Profit Per Order",
        "Product Card Id",
        "Product Category Id",
        "Product Image",
        "Product Name",
        "Product Price",
    ]
    .into();
    for name in DATACO_COLUMNS {
        let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (order, cell) in orders.iter().zip(written.column(name)) {
            seen.entry(order).or_default().insert(cell);
        }
        let varies = seen.values().any(|cells| cells.len() > 1);
        assert_eq!(varies, of_item.contains(name), "{name}");
        if name == "Order Item Id" {
            let mean = 6_000.0 / seen.len() as f64;
            assert!((2.6..2.9).contains(&mean), "{mean} items an order");
            assert!(seen.values().all(|cells| cells.len() <= 5));
        }
    }
}

#[test]
fn shipping_dates_delivery_status_and_late_risk_follow_from_the_days() {
    let written = Written::of(&Sheet::past(&options(6_000, 2)).unwrap());
    let (ordered, shipped) = (
        written.dates("order date (DateOrders)"),
        written.dates("shipping date (DateOrders)"),
    );
    let real = written.numbers("Days for shipping (real)");
    let (status, order_status) = (written.column("Delivery Status"), written.column("Order Status"));
    let (risk, mode) = (written.column("Late_delivery_risk"), written.column("Shipping Mode"));
    let planned = written.numbers("Days for shipment (scheduled)");
    for (row, class) in written.classes().into_iter().enumerate() {
        assert_eq!(shipped[row], ordered[row] + TimeDelta::days(real[row] as i64));
        let expected = match order_status[row] {
            "CANCELED" | "SUSPECTED_FRAUD" => "Shipping canceled",
            _ => ["Advance shipping", "Shipping on time", "Late delivery"][class],
        };
        assert_eq!(status[row], expected);
        assert_eq!(risk[row], if expected == "Late delivery" { "1" } else { "0" });
        let days = match mode[row] {
            "Same Day" => 0.0,
            "First Class" => 1.0,
            "Second Class" => 2.0,
            "Standard Class" => 4.0,
            other => panic!("unknown mode {other}"),
        };
        assert_eq!(planned[row], days);
        assert!((0.0..=8.0).contains(&real[row]));
    }
    assert!(ordered.is_sorted());
    assert_eq!(
        (ordered[0].date().to_string(), ordered[5_999].date().to_string()),
        ("2015-01-01".to_owned(), "2018-01-31".to_owned())
    );
    assert!(
        written
            .column("order date (DateOrders)")
            .iter()
            .any(|date| date.starts_with("1/2/2015 ") || date.starts_with("1/1/2015 ")),
        "padded dates"
    );
}

#[test]
fn money_adds_up_to_the_cent() {
    let written = Written::of(&Sheet::past(&options(4_000, 4)).unwrap());
    let [price, quantity, sales, rate, discount, total, ratio, profit] = [
        "Order Item Product Price",
        "Order Item Quantity",
        "Sales",
        "Order Item Discount Rate",
        "Order Item Discount",
        "Order Item Total",
        "Order Item Profit Ratio",
        "Order Profit Per Order",
    ]
    .map(|name| written.numbers(name));
    for row in 0..4_000 {
        assert!((price[row] * quantity[row] - sales[row]).abs() < 1e-3);
        assert!((sales[row] * rate[row] - discount[row]).abs() < 0.0052);
        assert!((sales[row] - discount[row] - total[row]).abs() < 1e-3);
        assert!(
            (total[row] * ratio[row] - profit[row]).abs() < 0.0101,
            "{} {} {}",
            total[row],
            ratio[row],
            profit[row]
        );
    }
    assert_eq!(written.column("Product Price"), written.column("Order Item Product Price"));
    assert_eq!(written.column("Benefit per order"), written.column("Order Profit Per Order"));
    assert_eq!(written.column("Order Customer Id"), written.column("Customer Id"));
}

#[test]
fn masked_and_empty_columns_are_as_in_the_original_and_nothing_is_a_formula() {
    let written = Written::of(&Sheet::past(&options(20_000, 8)).unwrap());
    assert!(written.column("Customer Email").iter().all(|cell| *cell == "XXXXXXXXX"));
    assert!(written.column("Customer Password").iter().all(|cell| *cell == "XXXXXXXXX"));
    assert!(written.column("Product Description").iter().all(|cell| cell.is_empty()));
    let zips = written.column("Order Zipcode");
    let countries = written.column("Order Country");
    assert!(
        zips.iter()
            .zip(&countries)
            .all(|(zip, country)| zip.is_empty() == (*country != "Estados Unidos"))
    );
    assert!((0.75..0.9).contains(&share(&zips, |zip| zip.is_empty())));
    let bytes = Sheet::past(&options(20_000, 8)).unwrap().csv_bytes().unwrap();
    assert!(bytes.contains(&0xE9), "no é: latin-1 would not matter");
    assert!(
        !bytes.iter().any(|byte| b"?\"\r\t;".contains(byte) || (0x7F..0xA0).contains(byte)),
        "a letter outside latin-1, or one that needs quotes"
    );
    for name in [
        "Customer Fname",
        "Customer Lname",
        "Customer Street",
        "Product Name",
        "Order City",
        "Order State",
        "Order Country",
        "Customer City",
    ] {
        for cell in written.column(name) {
            assert!(cell.starts_with(char::is_alphanumeric), "{name}: `{cell}`");
        }
    }
    for (name, at_least) in [
        ("Order Country", 80),
        ("Order City", 200),
        ("Order Region", 23),
        ("Category Name", 50),
        ("Department Name", 11),
        ("Market", 5),
    ] {
        let distinct: BTreeSet<&str> = written.column(name).into_iter().collect();
        assert!(distinct.len() >= at_least, "{name}: {}", distinct.len());
    }
}

#[test]
fn class_shares_and_the_best_reachable_accuracy_are_as_promised() {
    let sheet = Sheet::past(&options(60_000, 9)).unwrap();
    let summary = sheet.summary();
    assert!((0.50..0.57).contains(&summary.majority_share), "{}", summary.majority_share);
    assert!((0.82..0.87).contains(&summary.bayes_accuracy), "{}", summary.bayes_accuracy);
    assert!(summary.class_shares.iter().all(|share| *share > 0.15), "{:?}", summary.class_shares);
    let written = Written::of(&sheet);
    let classes = written.classes();
    for class in 0..3 {
        assert!((share(&classes, |other| *other == class) - summary.class_shares[class]).abs() < 1e-12);
    }
    let complete = share(&written.column("Order Status"), |status| **status == *"COMPLETE");
    assert!(
        (complete - 0.33).abs() < 0.01 && complete == summary.complete_rows as f64 / 60_000.0,
        "{complete}"
    );
    assert_eq!(summary.orders, written.column("Order Id").iter().collect::<BTreeSet<_>>().len());
    // Pure chance where the signal is off: nothing beats the most frequent class.
    let chance = Sheet::past(&Options {
        signal: 0.0,
        ..options(60_000, 9)
    })
    .unwrap()
    .summary();
    assert!((chance.bayes_accuracy - chance.majority_share).abs() < 0.01, "{chance:?}");
}

#[test]
fn who_always_picks_the_likelier_class_is_right_as_often_as_the_summary_says() {
    let sheet = Sheet::past(&options(60_000, 10)).unwrap();
    let (mut right, mut rows, mut groups) = (0.0, 0.0, Vec::new());
    for chunk in 0..sheet.plan.chunks() {
        for order in sheet.plan.chunk(chunk) {
            let best = (0..3)
                .max_by(|a, b| order.probabilities[*a].total_cmp(&order.probabilities[*b]))
                .unwrap();
            let items = order.items.len() as f64;
            right += if order.class() == best { items } else { 0.0 };
            rows += items;
            groups.push(items);
        }
    }
    let stated = sheet.summary().bayes_accuracy;
    // Orders share a label: five standard errors by order.
    let error = (stated * (1.0 - stated) * groups.iter().map(|size| size * size).sum::<f64>()).sqrt() / rows;
    assert!((right / rows - stated).abs() < 5.0 * error, "{} against {stated}", right / rows);
}

#[test]
fn frequencies_of_columns_without_leaks_already_come_near_the_best_accuracy() {
    let written = Written::of(&Sheet::past(&options(120_000, 11)).unwrap());
    let classes = written.classes();
    let months: Vec<String> = written
        .column("order date (DateOrders)")
        .iter()
        .map(|date| date.split('/').next().unwrap().to_owned())
        .collect();
    let (mode, region) = (written.column("Shipping Mode"), written.column("Order Region"));
    // Counts by mode x region x third of the year among the first 80 %, majority within each cell.
    let cell = |row: usize| {
        let season = ["12", "1", "11"]
            .iter()
            .position(|peak| *peak == months[row])
            .map_or_else(|| usize::from(["6", "7", "8", "9"].contains(&months[row].as_str())), |_| 2);
        (mode[row], region[row], season)
    };
    let cut = 96_000;
    let mut counts: BTreeMap<_, [usize; 3]> = BTreeMap::new();
    for (row, class) in classes.iter().enumerate().take(cut) {
        counts.entry(cell(row)).or_default()[*class] += 1;
    }
    let mut right = 0;
    for (row, class) in classes.iter().enumerate().take(120_000).skip(cut) {
        let guess = counts
            .get(&cell(row))
            .map_or(2, |count| (0..3).max_by_key(|class| count[*class]).unwrap());
        right += usize::from(guess == *class);
    }
    let accuracy = right as f64 / 24_000.0;
    assert!((0.76..0.87).contains(&accuracy), "{accuracy}");
}

#[test]
fn some_lanes_late_orders_are_a_few_percent_of_the_rows_and_easy_to_name() {
    let summary = Sheet::past(&options(60_000, 12)).unwrap().summary();
    let lane = summary
        .lanes
        .iter()
        .find(|lane| lane.market == "LATAM" && lane.mode == "Standard Class")
        .unwrap();
    assert!(
        lane.late.unwrap() > 0.6 && (0.03..0.065).contains(&lane.late_share_of_all),
        "{lane:?}"
    );
    let fitting = summary
        .lanes
        .iter()
        .filter(|lane| lane.late.is_some_and(|late| late > 0.6) && (0.01..0.06).contains(&lane.late_share_of_all))
        .count();
    assert!(fitting >= 8, "{fitting} lanes");
    assert_eq!(summary.lanes.len(), 20);
    assert!((summary.lanes.iter().map(|lane| lane.share).sum::<f64>() - 1.0).abs() < 1e-9);
}

#[test]
fn next_weeks_sheet_goes_on_where_the_past_ends_and_knows_no_outcome() {
    let base = options(5_000, 13);
    let past = Written::of(&Sheet::past(&base).unwrap());
    let sheet = Sheet::next_week(&base, 300).unwrap();
    let week = Written::of(&sheet);
    assert_eq!(week.rows.len(), 300);
    for name in [
        "Days for shipping (real)",
        "shipping date (DateOrders)",
        "Delivery Status",
        "Late_delivery_risk",
    ] {
        assert!(week.column(name).iter().all(|cell| cell.is_empty()), "{name}");
    }
    assert!(week.column("Order Status").iter().all(|status| status.starts_with("PENDING")));
    let last = |name| past.numbers(name).into_iter().fold(0.0, f64::max);
    assert_eq!(week.numbers("Order Id")[0], last("Order Id") + 1.0);
    assert_eq!(week.numbers("Order Item Id")[0], 5_001.0);
    assert!(
        week.numbers("Customer Id")
            .into_iter()
            .all(|id| id <= (past.numbers("Order Id").len() as f64))
    );
    let dates = week.dates("order date (DateOrders)");
    assert_eq!(dates[0].date().to_string(), "2018-02-01");
    assert!(dates.iter().all(|date| date.date().to_string().as_str() <= "2018-02-07"));
    // The same orders later: the same cells wherever something was known.
    let later = Written::of(&Sheet::next_week(&base, 300).unwrap().with_outcome());
    for name in DATACO_COLUMNS {
        let open = [
            "Days for shipping (real)",
            "shipping date (DateOrders)",
            "Delivery Status",
            "Late_delivery_risk",
            "Order Status",
        ]
        .contains(&name);
        assert_eq!(week.column(name) != later.column(name), open, "{name}");
    }
}

#[test]
fn options_out_of_range_are_refused_with_a_hint() {
    for wrong in [
        Options {
            rows: 0,
            ..Options::default()
        },
        Options {
            days: 0,
            ..Options::default()
        },
        Options {
            signal: f64::NAN,
            ..Options::default()
        },
        Options {
            signal: -1.0,
            ..Options::default()
        },
        Options {
            complete_share: 1.1,
            ..Options::default()
        },
        Options {
            start: NaiveDate::MAX,
            ..Options::default()
        },
    ] {
        let error = Sheet::past(&wrong).err().unwrap_or_else(|| panic!("accepted {wrong:?}"));
        assert!(error.hint_text().is_some() && error.exit_code() == 2);
    }
    assert!(Sheet::next_week(&Options::default(), 0).is_err());
}

#[test]
fn a_written_file_holds_the_same_rows_packed_or_not_and_stopping_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let sheet = Sheet::past(&options(3_000, 14)).unwrap();
    let (plain, packed) = (folder.path().join("orders.csv"), folder.path().join("orders.csv.gz"));
    let summary = sheet.write(&plain, &Silent::default()).unwrap();
    assert_eq!(summary, sheet.write(&packed, &Silent::default()).unwrap());
    assert_eq!(summary, sheet.summary());
    let bytes = std::fs::read(&plain).unwrap();
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(
        &mut flate2::read::GzDecoder::new(std::fs::File::open(&packed).unwrap()),
        &mut unpacked,
    )
    .unwrap();
    assert!(bytes == unpacked && bytes == sheet.csv_bytes().unwrap());
    let stopped = Silent::default();
    stopped.0.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(sheet.write(&folder.path().join("stopped.csv"), &stopped).is_err());
    assert!(
        sheet
            .write(&folder.path().join("orders.docx"), &Silent::default())
            .unwrap_err()
            .hint_text()
            .is_some()
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn more_rows_than_excel_holds_are_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let sheet = Sheet::past(&options(1_048_576, 1)).unwrap();
    let error = sheet.write(&folder.path().join("orders.xlsx"), &Silent::default()).unwrap_err();
    assert!(error.message().contains("1048575") && error.hint_text().is_some(), "{error}");
}
