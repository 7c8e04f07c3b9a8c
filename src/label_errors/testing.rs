//! A small made-up order sheet for tests of this room and of those above.

use rand::Rng;

use crate::features::Profile;
use crate::seed::Seed;
use crate::tables::Table;

/// Profile of [`orders`]: delay classes early, on time, late; rows of one order belong together; only COMPLETE rows.
pub(crate) const PROFILE: &str = r#"
name = "orders"
key = "Item"
group = "Order"
[label]
kind = "difference"
actual = "Actual"
planned = "Planned"
classes = [{ name = "early", below = 0 }, { name = "on time", up_to = 0 }, { name = "late" }]
[time]
column = "Ordered"
order = "year-first"
[[filter]]
column = "Status"
values = ["COMPLETE"]
[features]
numeric = ["Price"]
categorical = ["Market", "Mode"]
others = "drop"
[split]
test = 0.2
validation = 0.1
"#;

/// The profile of [`orders`].
pub(crate) fn profile() -> Profile {
    Profile::from_toml(PROFILE).unwrap()
}

/// Rows of orders with one to three items, by time; keys are `i00001` and so on, every fifth order is not COMPLETE, orders by
/// `Same Day` are planned for 0 days and so cannot be early.
pub(crate) fn orders(rows: usize) -> Table {
    let mut rng = Seed(7).stream("test-orders", 0);
    let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); 9];
    let mut order = 0;
    while columns[0].len() < rows {
        order += 1;
        let (market, mode) = (["LATAM", "Europe", "USCA"][rng.random_range(0..3)], rng.random_range(0..3));
        let planned = [0, 2, 4][mode];
        let actual = (planned + rng.random_range(-2..=3)).max(0);
        let minutes = order * 47;
        let ordered = format!(
            "2017-{:02}-{:02} {:02}:{:02}",
            1 + minutes / 40_320,
            1 + minutes / 1440 % 28,
            minutes / 60 % 24,
            minutes % 60
        );
        for _ in 0..rng.random_range(1..=3) {
            if columns[0].len() == rows {
                break;
            }
            let cells = [
                format!("i{:05}", columns[0].len() + 1),
                format!("O{order}"),
                market.to_owned(),
                ["Same Day", "First Class", "Standard Class"][mode].to_owned(),
                planned.to_string(),
                actual.to_string(),
                if order % 5 == 0 { "PENDING" } else { "COMPLETE" }.to_owned(),
                ordered.clone(),
                format!("{:.2}", rng.random_range(1.0..90.0)),
            ];
            columns.iter_mut().zip(cells).for_each(|(column, cell)| column.push(Some(cell)));
        }
    }
    let names = ["Item", "Order", "Market", "Mode", "Planned", "Actual", "Status", "Ordered", "Price"];
    names
        .iter()
        .zip(columns)
        .fold(Table::new("orders.csv", rows), |table, (name, cells)| {
            table.with_column(name, cells).unwrap()
        })
}
