//! What the name of a flag file's column says about the key that it may hold.

use crate::features::words_of;

/// Words for the number of a paper.
const NUMBERS: [&str; 14] = [
    "no", "nr", "nro", "num", "number", "numbers", "nummer", "id", "ids", "key", "code", "ref", "numero", "n",
];

/// Things that have numbers of their own, and amounts.
const THINGS: [&str; 36] = [
    "customer",
    "customers",
    "client",
    "kunde",
    "kunden",
    "kundennr",
    "kundennummer",
    "buyer",
    "consignee",
    "cliente",
    "invoice",
    "rechnung",
    "facture",
    "factura",
    "product",
    "sku",
    "material",
    "article",
    "artikel",
    "vendor",
    "supplier",
    "lieferant",
    "carrier",
    "plant",
    "store",
    "warehouse",
    "employee",
    "driver",
    "qty",
    "quantity",
    "menge",
    "amount",
    "price",
    "weight",
    "zip",
    "plz",
];

fn bare(name: &str) -> Vec<String> {
    words_of(name)
        .into_iter()
        .filter(|word| !NUMBERS.contains(&word.as_str()))
        .collect()
}

/// Whether two names differ in the word for a number only: `Order` and `Order No`.
pub(super) fn are_of_one_paper(left: &str, right: &str) -> bool {
    let own = bare(left);
    !own.is_empty() && own == bare(right)
}

/// Whether a name is that of a thing or amount that the key is not: `Customer ID` where rows are known by `Order No`.
pub(super) fn is_another(name: &str, key: &str) -> bool {
    let of_key = words_of(key);
    words_of(name)
        .iter()
        .any(|word| THINGS.contains(&word.as_str()) && !of_key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_paper_and_of_other_things() {
        assert!(are_of_one_paper("Order", "order_no") && are_of_one_paper("OrderID", "Order Number"));
        assert!(!are_of_one_paper("Order Item Id", "Order Id") && !are_of_one_paper("No", "Id"));
        assert!(is_another("Customer ID", "Order No") && is_another("qty", "Order No"));
        assert!(!is_another("Customer ID", "Customer No") && !is_another("Orders to fix", "Order No"));
    }
}
