//! Merged cells, hidden rows, and rows that are no orders.

use super::made::{binary, binary_cell, binary_row, label, number, ods, record, sheet, stream, text, wide, xls, xlsb, xlsx};
use super::{cells, fixture, found, rows, table, try_read, visible_only};

const ODS_TEXT: &str = "office:value-type=\"string\"";

fn ods_row(attributes: &str, cells: &[&str]) -> String {
    let cells: String = cells
        .iter()
        .map(|cell| match cell.parse::<f64>() {
            Ok(number) => format!(
                "<table:table-cell office:value-type=\"float\" office:value=\"{number}\"><text:p>{number}</text:p></table:table-cell>"
            ),
            Err(_) => format!("<table:table-cell {ODS_TEXT}><text:p>{cell}</text:p></table:table-cell>"),
        })
        .collect();
    format!("<table:table-row {attributes}>{cells}</table:table-row>")
}

fn binary_text(column: u32, text: &str) -> Vec<u8> {
    binary_cell(6, column, &wide(text))
}

fn binary_number(column: u32, number: f64) -> Vec<u8> {
    binary_cell(5, column, &number.to_le_bytes())
}

/// Three orders of one lane, the lane in one cell merged over them: in all formats.
fn merged() -> [(&'static str, Vec<u8>); 4] {
    let xlsx = xlsx(&format!(
        "<worksheet><sheetData><row>{}{}</row><row>{}<c><v>1</v></c></row><row><c/><c><v>2</v></c></row><row><c/><c><v>3</v></c></row></sheetData>\
         <mergeCells><mergeCell ref=\"A2:A4\"/></mergeCells></worksheet>",
        text("Lane"),
        text("Days"),
        text("North")
    ));
    let spanned = format!(
        "{}<table:table-row><table:table-cell {ODS_TEXT} table:number-rows-spanned=\"3\" table:number-columns-spanned=\"1\"><text:p>North</text:p></table:table-cell>\
         <table:table-cell office:value-type=\"float\" office:value=\"1\"><text:p>1</text:p></table:table-cell></table:table-row>",
        ods_row("", &["Lane", "Days"])
    );
    let covered = |number: u8| {
        format!(
            "<table:table-row><table:covered-table-cell/><table:table-cell office:value-type=\"float\" office:value=\"{number}\"><text:p>{number}</text:p></table:table-cell></table:table-row>"
        )
    };
    let merge = [1_u16, 1, 3, 0, 0].map(u16::to_le_bytes).concat();
    let old = [
        label(0, 0, "Lane", false),
        label(0, 1, "Days", false),
        label(1, 0, "North", false),
        number(1, 1, 1.0),
        number(2, 1, 2.0),
        number(3, 1, 3.0),
        record(0x00e5, &merge),
    ];
    let region = [1_u32, 3, 0, 0].map(u32::to_le_bytes).concat();
    let new = [
        binary_row(0, false),
        binary_text(0, "Lane"),
        binary_text(1, "Days"),
        binary_row(1, false),
        binary_text(0, "North"),
        binary_number(1, 1.0),
        binary_row(2, false),
        binary_number(1, 2.0),
        binary_row(3, false),
        binary_number(1, 3.0),
        binary(0x92, &[]),
        binary(0xb0, &region),
    ];
    [
        ("a.xlsx", xlsx),
        ("a.ods", ods(&format!("{spanned}{}{}", covered(2), covered(3)))),
        ("a.xls", xls(&stream(&[], &old.concat()))),
        ("a.xlsb", xlsb(&new.concat())),
    ]
}

#[test]
fn merged_cells_mean_the_same_in_every_format() {
    for (name, bytes) in merged() {
        let (table, notes) = table(name, &bytes);
        assert_eq!(cells(&table, "Lane"), ["North"; 3], "{name}");
        assert_eq!(cells(&table, "Days"), ["1", "2", "3"], "{name}");
        assert!(found(&notes, "merged-cells").contains("2 cells"), "{name}");
    }
}

#[test]
fn hidden_rows_are_told_and_left_out_when_asked() {
    let rows_of = |hidden: &str| {
        let name = |name: &str| text(name);
        format!(
            "<worksheet><sheetData><row>{}{}</row><row><c><v>1</v></c>{}</row><row{hidden}><c><v>2</v></c>{}</row><row><c><v>3</v></c>{}</row></sheetData></worksheet>",
            name("Id"),
            name("Mode"),
            name("Air"),
            name("Sea"),
            name("Air")
        )
    };
    let old = |flags: u16| {
        let row = [2_u16, 0, 2, 0, 0, 0, flags, 0].map(u16::to_le_bytes).concat();
        let cells = [
            label(0, 0, "Id", false),
            label(0, 1, "Mode", false),
            number(1, 0, 1.0),
            label(1, 1, "Air", false),
            record(0x0208, &row),
            number(2, 0, 2.0),
            label(2, 1, "Sea", false),
            number(3, 0, 3.0),
            label(3, 1, "Air", false),
        ];
        xls(&stream(&[], &cells.concat()))
    };
    let binary = [
        binary_row(0, false),
        binary_text(0, "Id"),
        binary_text(1, "Mode"),
        binary_row(1, false),
        binary_number(0, 1.0),
        binary_text(1, "Air"),
        binary_row(2, true),
        binary_number(0, 2.0),
        binary_text(1, "Sea"),
        binary_row(3, false),
        binary_number(0, 3.0),
        binary_text(1, "Air"),
    ];
    let open = [
        ods_row("", &["Id", "Mode"]),
        ods_row("", &["1", "Air"]),
        ods_row("table:visibility=\"filter\"", &["2", "Sea"]),
        ods_row("", &["3", "Air"]),
    ];
    for (name, bytes) in [
        ("a.xlsx", xlsx(&rows_of(" hidden=\"1\""))),
        ("a.xls", old(0x20)),
        ("a.xlsb", xlsb(&binary.concat())),
        ("a.ods", ods(&open.concat())),
    ] {
        let (all, notes) = table(name, &bytes);
        assert_eq!(cells(&all, "Id"), ["1", "2", "3"], "{name}");
        assert!(found(&notes, "hidden-rows").contains("1 row that is hidden"), "{name}");
        assert!(found(&notes, "hidden-rows").contains("row 3"), "{name}");
        assert_eq!(found(&notes, "hidden-rows").contains("by a filter"), name == "a.ods");
        let (visible, notes) = try_read(name, &bytes, &visible_only()).unwrap();
        assert_eq!(
            (cells(&visible, "Id"), rows(&visible)),
            (vec!["1".to_owned(), "3".to_owned()], vec![2, 4]),
            "{name}"
        );
        assert!(notes.has("hidden-rows"), "{name}");
    }
    let (_, notes) = table("a.xlsx", &xlsx(&rows_of("")));
    assert!(!notes.has("hidden-rows"));
    assert!(!table("a.xls", &old(0)).1.has("hidden-rows"));
}

#[test]
fn a_footer_merged_over_the_table_is_no_order() {
    let mut rows: Vec<Vec<String>> = vec![["Id", "Mode", "Days", "Late"].map(str::to_owned).to_vec()];
    rows.extend((1..=8).map(|id| vec![id.to_string(), "Air".to_owned(), "3".to_owned(), "no".to_owned()]));
    rows.push(vec!["Report prepared by system X".to_owned()]);
    let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
    let merged = sheet(&rows).replace("</sheetData>", "</sheetData><mergeCells><mergeCell ref=\"A10:D10\"/></mergeCells>");
    let (table, notes) = table("a.xlsx", &xlsx(&merged));
    assert_eq!(table.height(), 8);
    assert_eq!(cells(&table, "Late"), ["no"; 8]);
    assert!(found(&notes, "no-orders").contains("row 10 (`Report prepared by system X`)"));
}

fn csv(text: &str) -> (Vec<usize>, String) {
    let (table, notes) = table("a.csv", text.as_bytes());
    (rows(&table), found(&notes, "no-orders"))
}

#[test]
fn totals_are_left_out_and_named() {
    let (rows, found) =
        csv("ID,Date,Country,Mode,Qty\n1,2024-01-01,D,Truck,53\n2,2024-01-02,H,Air,47\n3,2024-01-03,G,Ocean,470\nTotal,,,,570\n");
    assert_eq!(rows, [2, 3, 4]);
    assert!(found.contains("row 5 (a total, `Total`)"), "{found}");
    for word in [
        "Grand Total",
        "Summe",
        "Gesamt:",
        "Totale",
        "合計",
        "Итого",
        "Total général",
        "Subtotal",
    ] {
        // The word in a column of words, beside sums.
        let sheet = format!("Id,Mode,Days,Cost\n1,Air,3,10\n2,Sea,4,20.5\n3,Air,5,1\n,{word},12,31.5\n");
        assert_eq!(csv(&sheet).0, [2, 3, 4], "{word}");
        let inside = format!("Mode;Id;Days\nAir;a1;3\nAir;a2;4\n{word} Air;;7\nSea;b1;1\nSea;b2;2\n{word};;10\n");
        assert_eq!(csv(&inside).0, [2, 3, 5, 6], "{word}");
    }
    // Sums without a word.
    assert_eq!(csv("Id,Mode,Days,Note\n1,Air,3,x\n2,Sea,4,y\n3,Air,5,z\n,,12,\n").0, [2, 3, 4]);
}

#[test]
fn orders_that_look_like_totals_stay() {
    for sheet in [
        // A customer of that name, with a whole row.
        "Id,Customer,Days\n1,Shell,3\n2,Total,4\n3,BP,5\n4,Total,6\n",
        // The same with one cell missing.
        "Id,Customer,Days,Late\n1,Shell,3,no\n2,Total,,yes\n3,BP,5,no\n4,Total,6,yes\n5,BP,1,no\n",
        // An order of which little is known.
        "Id,Date,Mode,Days,Late\n1,2018-01-01,Air,3,no\n2,,,,\n3,2018-01-03,Sea,5,no\n4,2018-01-04,Sea,5,no\n",
        // Lists of few columns.
        "Order No\n10004\n10009\n",
        "Order No,Reason\n10004,late\n10009,\n,\n10010,x\n",
        // Sparse on purpose.
        "a,b,c,d\n1,,,\n,2,,\n,,3,\n,,,4\n",
        "Word,Count,X\nTotal,3,a\nOther,4,b\nSum,5,c\n",
    ] {
        let (rows, found) = csv(sheet);
        assert_eq!(
            rows.len(),
            sheet.lines().filter(|line| !line.trim_matches(',').is_empty()).count() - 1,
            "{sheet}{found}"
        );
    }
}

#[test]
fn sections_footers_and_names_again_are_left_out() {
    let sheet = "Id,Mode,Days,Late\nRegion North\n1,Air,3,no\n2,Sea,4,yes\nId,Mode,Days,Late\n3,Sea,4,yes\nRegion South,,,\n4,Air,3,no\n5,Sea,4,yes\n\nPrinted on,2018-03-01\nSource: SAP\n";
    let (rows, found) = csv(sheet);
    assert_eq!(rows, [3, 4, 6, 8, 9]);
    for part in [
        "row 2 (`Region North`)",
        "row 5 (the column names again)",
        "row 7 (`Region South`)",
        "row 12 (`Source: SAP`)",
    ] {
        assert!(found.contains(part) || found.contains("more"), "{part}: {found}");
    }
}

#[test]
fn a_row_of_units_is_no_order() {
    let (rows, found) = csv("Id,Weight,Cost,Mode\n-,kg,EUR,text\n1,3,10.5,Air\n2,4,11,Sea\n3,5,12,Air\n4,6,13,Air\n");
    assert_eq!(rows, [3, 4, 5, 6]);
    assert!(found.contains("row 2 (units"), "{found}");
}

#[test]
fn names_in_two_rows_are_those_of_the_second() {
    let rows_below = "1,2018-01-01,9,12,Sea,yes\n2,2018-01-04,2,3,Air,yes\n3,2018-01-08,6,7,Rail,no\n";
    for groups in ["Order,Order,Plan,Actual,Lane,Outcome", "Order,,Plan,Actual,Lane,Outcome"] {
        let sheet = format!("{groups}\nNo,Date,Days planned,Days real,Mode,Late\n{rows_below}");
        let (table, notes) = table("a.csv", sheet.as_bytes());
        assert_eq!(table.names(), ["No", "Date", "Days planned", "Days real", "Mode", "Late"]);
        assert_eq!((table.height(), table.source().header_row), (3, 2));
        assert!(notes.has("two-row-header") && !notes.has("duplicate-header"));
    }
    let book = sheet(&[
        &["Order", "", "Days", ""],
        &["No", "Mode", "plan", "real"],
        &["1", "Air", "3", "4"],
        &["2", "Sea", "3", "4"],
    ])
    .replace(
        "</sheetData>",
        "</sheetData><mergeCells><mergeCell ref=\"A1:B1\"/><mergeCell ref=\"C1:D1\"/></mergeCells>",
    );
    let (table, notes) = table("a.xlsx", &xlsx(&book));
    assert_eq!(table.names(), ["No", "Mode", "plan", "real"]);
    assert!(notes.has("two-row-header"));
}

#[test]
fn the_fixtures_of_other_programs_have_their_merged_cells() {
    let (table, notes) = try_read(
        "orders.ods",
        &fixture("orders.ods"),
        &recant::tables::ReadOptions {
            sheet: Some("Orders".into()),
            ..Default::default()
        },
    )
    .unwrap();
    assert_eq!(cells(&table, "Market"), ["LATAM", "LATAM", "LATAM", "Europe"]);
    assert!(notes.has("merged-cells"));
}
