use super::*;

fn sample() -> Table {
    let text = |values: &[&str]| values.iter().map(|value| Some((*value).to_owned())).collect();
    Table::new("orders.csv", 3)
        .with_column("Mode", text(&["Air", " Sea ", "Air"]))
        .and_then(|table| table.with_numbers("Days", vec![Some(3.0), None, Some(4.5)]))
        .unwrap()
}

#[test]
fn changed_cells_take_the_type_of_the_cell_they_replace_and_the_others_stay() {
    let day = 86_400;
    let table = Table::new("orders.csv", 3)
        .with_integers("Id", vec![Some(1), Some(2), None])
        .and_then(|table| table.with_numbers("Days", vec![Some(3.0), None, Some(4.5)]))
        .and_then(|table| table.with_dates("Shipped", vec![Some(0), Some(day), None]))
        .and_then(|table| table.with_column("Mode", vec![Some("Air".to_owned()), Some(" Sea".to_owned()), None]))
        .unwrap();
    let change = |name: &str, row: usize, text: &str| {
        let changed = table.with_changed_cells(name, &[(row, text.to_owned())]).unwrap();
        let column = changed.column(name).unwrap();
        for other in (0..3).filter(|other| *other != row) {
            assert_eq!(column.get(other), table.column(name).unwrap().get(other));
        }
        format!("{:?}", column.get(row))
    };
    assert_eq!(change("Id", 0, "7"), "Integer(7)");
    assert_eq!(change("Id", 0, "7.5"), "Number(7.5)");
    assert_eq!(change("Days", 2, "7"), "Number(7.0)");
    assert_eq!(change("Days", 2, "soon"), "Text(\"soon\")");
    assert_eq!(change("Shipped", 1, "1970-01-03"), format!("Date({})", 2 * day * 1_000_000));
    assert_eq!(change("Mode", 0, "Air"), "Text(\"Air\")");
    assert_eq!(change("Mode", 2, ""), "Blank");
    assert!(table.with_changed_cells("Id", &[(3, String::new())]).is_err());
}

#[test]
fn a_missing_column_gets_the_closest_name() {
    let error = sample().require("days").unwrap_err();
    assert_eq!(error.to_string(), "column `days` not found (in orders.csv)");
    assert_eq!(error.hint_text(), Some("closest match is `Days`"));
}

#[test]
fn taking_rows_keeps_cells_and_row_numbers_together() {
    let taken = sample().take(&[2, 0, 2]).take(&[2, 1]);
    assert_eq!(taken.height(), 2);
    assert_eq!((taken.row_number(0), taken.row_number(1)), (4, 2));
    assert_eq!(taken.cell(0, "Days").unwrap().as_deref(), Some("4.5"));
    assert_eq!(taken.cell(1, "Days").unwrap().as_deref(), Some("3"));
    let more = taken.with_integers("Id", vec![Some(7), Some(8)]).unwrap().take(&[1]);
    assert_eq!(more.cell(0, "Id").unwrap().as_deref(), Some("8"));
    assert_eq!(more.cell(0, "Days").unwrap().as_deref(), Some("3"));
    assert_eq!(more.row_with_number(2), Some(0));
    assert_eq!(more.row_with_number(4), None);
    assert!(taken.with_integers("Id", vec![Some(7)]).is_err());
}

#[test]
fn texts_are_trimmed_and_coded_by_first_appearance() {
    let texts = sample().texts("Mode").unwrap();
    assert_eq!(texts.codes, [0, 1, 0]);
    assert_eq!(texts.values, ["Air", "Sea"]);
    let days = sample().texts("Days").unwrap();
    assert_eq!(days.codes, [0, Texts::MISSING, 1]);
    assert_eq!((days.missing_count(), days.counts()), (1, vec![1, 1]));
    assert_eq!(sample().missing_count("Days").unwrap(), 1);
}

#[test]
fn columns_are_replaced_in_place_dropped_and_selected() {
    let table = sample().with_column("Mode", vec![None, None, Some("x".into())]).unwrap();
    assert_eq!(table.names(), ["Mode", "Days"]);
    assert_eq!(table.cell(2, "Mode").unwrap().as_deref(), Some("x"));
    assert_eq!(table.without(&["Mode", "nothing"]).names(), ["Days"]);
    assert_eq!(table.select(&["Days", "Mode"]).unwrap().names(), ["Days", "Mode"]);
    assert!(table.cell(3, "Mode").is_err());
}
