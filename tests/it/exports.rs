//! Sheets as other programs and other countries export them: what is predicted, which column names the rows, what the cells mean.

use std::path::Path;

use recant::features::{Inspection, LabelKind, Overrides, Profile, Role, inspect};
use recant::notes::Notes;
use recant::tables::{self, ColumnKind, ReadOptions, Table};

use crate::program::{recant, text, works};

fn read(folder: &Path, name: &str, bytes: &[u8]) -> (Table, Notes) {
    std::fs::write(folder.join(name), bytes).unwrap();
    let mut notes = Notes::new();
    let table = tables::read(&folder.join(name), &ReadOptions::default(), &mut notes).unwrap();
    (table, notes)
}

fn looked_at(name: &str, bytes: &[u8]) -> (Inspection, Notes) {
    let folder = tempfile::tempdir().unwrap();
    let (table, mut notes) = read(folder.path(), name, bytes);
    (inspect(&table, None, &Overrides::default(), &mut notes).unwrap(), notes)
}

fn profile(inspection: &Inspection) -> Profile {
    Profile::from_toml(&inspection.profile_toml).unwrap()
}

fn day(number: usize) -> String {
    format!("2024-{:02}-{:02}", 1 + number / 28 % 12, 1 + number % 28)
}

/// Orders of which each third is early, on time and late: number, day of the order, planned and actual day, mode.
fn orders(header: &str, rows: usize) -> String {
    let line = |row: usize| {
        let planned = row + 5;
        let mode = ["Air", "Sea"][row / 3 % 2];
        format!(
            "{},{},{},{},{mode}\n",
            90_000 + row,
            day(row),
            day(planned),
            day(planned + row % 3 - 1)
        )
    };
    header.to_owned() + "\n" + &(1..=rows).map(line).collect::<String>()
}

#[test]
fn what_came_true_and_what_was_planned_is_found_in_many_languages_and_systems() {
    for (header, key) in [
        ("Order no,Created,Promised,Delivered,Mode", true),
        ("VBELN,ERDAT,LFDAT,WADAT_IST,VSART", true),
        ("AWB,Pickup,Est. Delivery,POD Date,Mode", true),
        ("Docket No,Booking Date,EDD,Actual Delivery Date,Mode", true),
        ("load_id,tender_dt,appt_dt,checkin_dt,mode", true),
        ("ref,booked,STA,ATA,mode", true),
        ("ref,booked,RDD,ADD,mode", true),
        ("PO,PO date,Need-by date,Receipt date,Vendor", true),
        ("PO,PO date,Delivery date,Actual delivery date,Vendor", true),
        ("MRN,Entry date,Target release,Released,Mode", true),
        ("Order ID,Created On,Requested Delivery Date,Date Fulfilled,Mode", true),
        ("Order Reference,Creation Date,Commitment Date,Effective Date,Mode", true),
        (
            "Sipariş No,Sipariş Tarihi,Planlanan Teslim Tarihi,Gerçekleşen Teslim Tarihi,Nakliye",
            true,
        ),
        (
            "N° commande,Date de commande,Date de livraison prévue,Date de livraison réelle,Mode",
            true,
        ),
        ("Réf,Créé le,Livraison promise,Livré le,Transporteur", false),
        ("Pedido,Fecha,Prometido,Entregado,Modo", true),
        ("N. ordine,Data ordine,Data consegna prevista,Data consegna effettiva,Modo", true),
        ("Ordernummer,Besteldatum,Geplande leverdatum,Werkelijke leverdatum,Vervoer", true),
        (
            "Nr zamówienia,Data zamówienia,Planowana data dostawy,Rzeczywista data dostawy,Rodzaj",
            true,
        ),
        (
            "Číslo objednávky,Datum objednávky,Plánované datum dodání,Skutečné datum dodání,Doprava",
            true,
        ),
        (
            "Rendelésszám,Rendelés dátuma,Tervezett szállítási dátum,Tényleges szállítási dátum,Mód",
            true,
        ),
        ("Ordernr,Orderdatum,Planerat leveransdatum,Faktiskt leveransdatum,Sätt", true),
        (
            "Номер заказа,Дата заказа,Плановая дата доставки,Фактическая дата доставки,Вид",
            true,
        ),
        (
            "Αρ. παραγγελίας,Ημερομηνία,Προγραμματισμένη παράδοση,Πραγματική παράδοση,Τρόπος",
            true,
        ),
        ("订单号,下单时间,计划送达日期,实际送达日期,运输方式", true),
        ("訂單編號,訂單日期,預計到貨日,實際到貨日,運送方式", true),
        ("注文番号,注文日,納期,納品日,輸送手段", true),
        ("주문번호,주문일자,배송예정일,실제배송일,운송수단", true),
        ("رقم الطلب,تاريخ الطلب,تاريخ التسليم المتوقع,تاريخ التسليم الفعلي,وسيلة", true),
        ("מספר הזמנה,תאריך הזמנה,תאריך אספקה מתוכנן,תאריך אספקה בפועל,אמצעי", true),
        ("เลขที่ใบสั่ง,วันที่สั่งซื้อ,วันที่กำหนดส่ง,วันที่ส่งจริง,วิธี", true),
        ("Mã đơn hàng,Ngày đặt hàng,Ngày giao dự kiến,Ngày giao thực tế,Phương thức", true),
        ("No. Pesanan,Tanggal Pesanan,Tanggal Kirim Rencana,Tanggal Kirim Aktual,Moda", true),
    ] {
        let names: Vec<&str> = header.split(',').collect();
        let (found, _) = looked_at("orders.csv", orders(header, 150).as_bytes());
        let proposed = profile(&found);
        assert_eq!(proposed.label.sources(), [names[3], names[2]], "{header}");
        assert_eq!(proposed.time.map(|time| time.column).as_deref(), Some(names[1]), "{header}");
        assert_eq!(
            found.classes.iter().map(|class| class.rows).collect::<Vec<_>>(),
            [50, 50, 50],
            "{header}"
        );
        if key {
            assert_eq!(proposed.key.as_deref(), Some(names[0]), "{header}");
        }
    }
}

#[test]
fn columns_that_are_no_pair_make_no_label_and_the_person_is_told_what_to_name() {
    for header in [
        // Where goods arrive, and other dates.
        "Order,Created,Valid from,Valid to,到货地",
        "Order,Created,Birthday,Printed,Mode",
    ] {
        let (found, _) = looked_at("orders.csv", orders(header, 90).as_bytes());
        assert_eq!(found.label, None, "{header}");
    }
    // Days and hours are not taken from each other.
    let lines: String = (0..90)
        .map(|row| format!("{row},{},{},{}\n", 48 + row % 5, row % 7, ["Air", "Sea"][row % 2]))
        .collect();
    let (found, _) = looked_at(
        "orders.csv",
        format!("Order,Planned lead hours,Actual lead days,Mode\n{lines}").as_bytes(),
    );
    assert_eq!(found.label, None);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("orders.csv"),
        orders("Order,Created,Valid from,Valid to,Mode", 90),
    )
    .unwrap();
    let said = text(&works(folder.path(), &["inspect", "orders.csv"]));
    for part in [
        "`--label COLUMN`; few values have `Mode`",
        "`--actual COLUMN --planned COLUMN`",
        "`Valid from`, `Valid to`",
    ] {
        assert!(
            said.split_whitespace().collect::<Vec<_>>().join(" ").contains(part),
            "{part}: {said}"
        );
    }
    assert!(said.contains("recant inspect orders.csv --label COLUMN"), "{said}");
    // Some commands want `--data` before the sheet; here it does no harm.
    let same = text(&works(folder.path(), &["inspect", "--data", "orders.csv"]));
    assert_eq!(same, said);
    assert!(!said.contains("would stop"), "told once: {said}");
}

#[test]
fn training_without_a_word_about_the_label_names_the_one_that_the_sheet_seems_to_have() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("orders.csv"),
        orders("Order no,Created,Promised,Delivered,Mode", 90),
    )
    .unwrap();
    let refused = recant(folder.path(), &["train", "orders.csv", "--out", "model"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        text(&refused).contains(r#"add `--actual "Delivered" --planned "Promised"`"#),
        "{}",
        text(&refused)
    );
}

#[test]
fn a_status_in_other_words_signs_or_numbers_is_the_label() {
    for (name, values) in [
        ("الحالة", ["مبكر", "في الموعد", "متأخر"]),
        ("是否延迟", ["是", "否", "否"]),
        ("OTIF", ["Y", "N", "Y"]),
        ("SLA met", ["Yes", "No", "Yes"]),
        ("Delivery", ["-1", "0", "1"]),
        ("Delivery", ["🟢", "🟡", "🔴"]),
        ("Durum", ["A", "B", "C"]),
    ] {
        let lines: String = (0..120)
            .map(|row| format!("SH{row},{},{},{}\n", day(row), ["Air", "Sea"][row / 3 % 2], values[row % 3]))
            .collect();
        let (found, _) = looked_at("orders.csv", format!("Shipment,Booked,Mode,{name}\n{lines}").as_bytes());
        assert_eq!(profile(&found).label.sources(), [name], "{values:?}");
    }
}

#[test]
fn days_late_are_early_on_time_or_late_by_their_sign() {
    let lines: String = (0..120)
        .map(|row| format!("SH{row},{},{}\n", ["Air", "Sea"][row / 3 % 2], row as i64 % 9 - 3))
        .collect();
    let (found, _) = looked_at("orders.csv", format!("Shipment,Mode,Days late\n{lines}").as_bytes());
    let proposed = profile(&found);
    assert!(matches!(proposed.label.kind(), LabelKind::Column { .. }));
    let classes: Vec<(&str, usize)> = found.classes.iter().map(|class| (class.class.as_str(), class.rows)).collect();
    assert_eq!(classes, [("early", 42), ("on time", 13), ("late", 65)]);
}

#[test]
fn an_order_of_several_rows_is_kept_together_and_is_no_input() {
    let line = |row: usize| {
        let order = row / 3;
        format!(
            "{},{},{},{},{}\n",
            70_000 + order,
            row % 3 + 1,
            ["Air", "Sea"][order % 2],
            3 + order % 3,
            2 + order % 5
        )
    };
    let sheet = "Order,Line,Mode,Planned days,Actual days\n".to_owned() + &(0..450).map(line).collect::<String>();
    let (found, _) = looked_at("orders.csv", sheet.as_bytes());
    let of = |column: &str| found.columns.iter().find(|report| report.name == column).unwrap().role;
    assert_eq!(of("Order"), Role::Group);
    // Training with the label alone keeps them together as well, and says so.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("orders.csv"), sheet).unwrap();
    let said = works(
        folder.path(),
        &[
            "train",
            "orders.csv",
            "--actual",
            "Actual days",
            "--planned",
            "Planned days",
            "--out",
            "model",
        ],
    );
    let said = text(&said).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("rows with the same `Order` nearly always have the same label"),
        "{said}"
    );
    let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.path().join("model/training.json")).unwrap()).unwrap();
    assert!(kept.to_string().contains("Order"), "{kept}");
}

#[test]
fn a_web_page_under_the_name_of_a_workbook_is_a_sheet() {
    let row = |row: usize| {
        format!(
            "<tr><td>{:010}</td><td>{:02}.02.2024</td><td>&euro;1.{:03},50</td><td>R&amp;D&nbsp;{}</td></tr>",
            80 + row,
            1 + row % 28,
            100 + row,
            row % 2
        )
    };
    let rows: String = (0..60).map(row).collect();
    let page = format!(
        "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=windows-1252\"></head><body><table><tr><td>menu</td></tr></table>\
         <table border=1><tr><th>Delivery</th><th>Created On</th><th>Net value</th><th>Gr\u{f6}\u{df}e</th></tr>{rows}</table></body></html>"
    );
    let bytes: Vec<u8> = page.chars().map(|letter| letter as u8).collect();
    let folder = tempfile::tempdir().unwrap();
    let (table, notes) = read(folder.path(), "export.xls", &bytes);
    assert_eq!(table.names(), ["Delivery", "Created On", "Net value", "Gr\u{f6}\u{df}e"]);
    assert_eq!((table.height(), notes.has("markup-table")), (60, true));
    assert_eq!(table.numbers("Net value", &mut Notes::new()).unwrap()[1], Some(1101.5));
    assert_eq!(table.texts("Gr\u{f6}\u{df}e").unwrap().get(0), Some("R&D 0"));
    assert_eq!(table.kind("Created On").unwrap(), ColumnKind::Date);
}

#[test]
fn columns_that_stand_below_each_other_are_divided() {
    let rows: String = (0..40)
        .map(|row| {
            format!(
                "{:>9} {} {:>4} {:>6.2}\n",
                100_000 + row,
                day(row),
                ["Air", "Sea", "Road"][row % 3],
                row as f64 * 1.5
            )
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let (table, notes) = read(
        folder.path(),
        "printed.txt",
        format!(" Order no    Created Mode     Kg\n{rows}").as_bytes(),
    );
    assert_eq!(table.names(), ["Order no", "Created", "Mode", "Kg"]);
    assert_eq!((table.height(), table.row_number(0)), (40, 2));
    assert_eq!(table.numbers("Kg", &mut Notes::new()).unwrap()[39], Some(58.5));
    assert!(notes.has("aligned-columns"));
}

#[test]
fn planned_and_actual_dates_of_different_time_zones_are_told() {
    let sheet = |zone: &str| {
        let line = |row: usize| format!("{row},{}T22:00:00Z,{}T23:30:00{zone}\n", day(row + 3), day(row + 2 + row % 3));
        "id,promised_at,delivered_at\n".to_owned() + &(0..90).map(line).collect::<String>()
    };
    let (_, notes) = looked_at("orders.csv", sheet("-05:00").as_bytes());
    let told = notes.iter().find(|note| note.code == "zones-differ").unwrap();
    assert!(told.found.contains("(-05:00) than `promised_at` (UTC)"), "{told:?}");
    assert!(!looked_at("orders.csv", sheet("Z").as_bytes()).1.has("zones-differ"));
}

#[test]
fn lines_of_dashes_in_a_list_of_bars_are_told_once() {
    let rule = "-".repeat(40);
    let rows: String = (0..60)
        .map(|row| {
            format!(
                "|{:<10}|{:<12}|{:>8}|\n{}",
                80_000 + row,
                day(row),
                row % 7,
                if row % 20 == 19 { format!("{rule}\n") } else { String::new() }
            )
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let (table, notes) = read(
        folder.path(),
        "spool.txt",
        format!("{rule}\n|{:<10}|{:<12}|{:>8}|\n{rule}\n{rows}", "Delivery", "Created On", "Pieces").as_bytes(),
    );
    assert_eq!(table.names(), ["Delivery", "Created On", "Pieces"]);
    assert_eq!((table.height(), table.row_number(0), table.row_number(20)), (60, 4, 25));
    let codes: Vec<&str> = notes.iter().map(|note| note.code.as_str()).collect();
    assert!(
        codes.contains(&"rule-lines") && !codes.contains(&"short-rows") && !codes.contains(&"blank-rows") && !codes.contains(&"no-orders"),
        "{notes:?}"
    );
}

#[test]
fn a_row_of_dashes_and_one_unit_is_no_order() {
    let sheet = orders("Order no,Created,Promised,Delivered,Mode,Weight", 0);
    let rows: String = (0..60)
        .map(|row| {
            format!(
                "{},{},{},{},{},{}\n",
                900 + row,
                day(row),
                day(row + 3),
                day(row + 2 + row % 3),
                ["Air", "Sea"][row % 2],
                row * 7 % 50
            )
        })
        .collect();
    let (found, notes) = looked_at("orders.csv", format!("{sheet}-,-,-,-,-,[kg]\n{rows}").as_bytes());
    assert_eq!(found.rows, 60);
    assert!(notes.has("no-orders"), "{notes:?}");
    let of = |column: &str| found.columns.iter().find(|report| report.name == column).unwrap();
    assert_eq!((of("Mode").distinct, of("Weight").kind), (2, ColumnKind::Number));
}
