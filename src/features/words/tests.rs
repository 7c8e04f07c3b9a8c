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
fn plans_and_what_came_true_are_told_apart_in_many_languages() {
    for name in [
        "EDD",
        "Est. Delivery",
        "Need By",
        "LFDAT",
        "Planlanan Teslim Tarihi",
        "Geplande leverdatum",
        "Плановая дата",
        "计划送达日期",
        "到着予定日",
        "納期",
        "배송예정일",
        "التسليم المتوقع",
        "Ngày giao dự kiến",
    ] {
        assert!(names_plan(name) && after_the_fact(name).is_none(), "{name}");
    }
    for name in [
        "Act.GI Date",
        "POD Date",
        "Date Fulfilled",
        "Effective Date",
        "WADAT_IST",
        "Gerçekleşen Teslim Tarihi",
        "Werkelijke leverdatum",
        "Фактическая дата",
        "实际送达日期",
        "納品日",
        "실제배송일",
        "التسليم الفعلي",
        "Ngày giao thực tế",
    ] {
        assert!(after_the_fact(name).is_some() && !names_plan(name), "{name}");
    }
    // Ports, places and ways of delivery are known beforehand; so are rates and estates.
    for name in [
        "POD",
        "East",
        "Est",
        "到货地",
        "納品先",
        "到着港",
        "Tipo de entrega",
        "Effective rate",
        "Cable reel",
        "Mode de livraison",
    ] {
        assert!(after_the_fact(name).is_none() && !names_plan(name), "{name}");
    }
    assert!(names_paper("Order") && names_paper("Sales Order") && names_paper("Lieferung") && names_paper("PO"));
    assert!(!names_paper("Order Date") && !names_paper("Delivery days") && !names_paper("Orders"));
    assert!(names_lateness("OTIF") && names_lateness("是否延迟") && !names_lateness("Plate"));
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
        "N. ordine",
        "N.º encomenda",
        "VBELN",
        "AWB",
        "Číslo objednávky",
        "Rendelésszám",
        "订单号",
        "注文番号",
        "주문번호",
        "رقم الطلب",
        "เลขที่ใบสั่ง",
        "Mã đơn hàng",
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
        "N. colli",
        "N. di pezzi",
        "Számla összege",
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
