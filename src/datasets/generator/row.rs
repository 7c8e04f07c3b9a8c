//! One row of the sheet, as text: the 53 cells of an order's item in the original's formats.

use chrono::{Datelike, NaiveDateTime, Timelike};

use super::catalogue::{CATEGORIES, DEPARTMENTS};
use super::orders::{Item, Order};
use super::places::MARKETS;
use crate::datasets::columns::DATACO_COLUMNS;

/// What the customer's address and password look like in the original.
const MASK: &str = "XXXXXXXXX";

/// The cells of a row, end to end in one buffer that is used again for the next row.
#[derive(Default)]
pub(super) struct Row {
    text: String,
    ends: Vec<usize>,
}

impl Row {
    /// Fills in an item of an order; without `outcome`, what is only known afterwards stays open: days, shipping date, delivery status and
    /// late risk are blank, the order status is one of those that wait.
    pub(super) fn fill(&mut self, order: &Order, item: &Item, outcome: bool) {
        self.text.clear();
        self.ends.clear();
        let category = &CATEGORIES[item.category];
        let (department_id, department_name, _) = DEPARTMENTS[category.department as usize];
        let customer = &order.customer;
        let money = Money::of(item);

        self.cell(order.payment);
        self.maybe(outcome.then_some(order.real_days));
        self.whole(order.mode.scheduled().into());
        self.amount(money.profit);
        self.amount(money.total);
        self.cell(if outcome { delivery_status(order) } else { "" });
        self.maybe(outcome.then_some(u32::from(delivery_status(order) == "Late delivery")));
        self.whole(category.id.into());
        self.cell(category.name);
        self.cell(customer.home.city);
        self.cell(if customer.home.state == "PR" { "Puerto Rico" } else { "EE. UU." });
        self.cell(MASK);
        self.cell(&customer.first_name);
        self.whole(customer.id);
        self.cell(&customer.last_name);
        self.cell(MASK);
        self.cell(customer.segment.name());
        self.cell(customer.home.state);
        self.cell(&customer.street);
        self.whole(customer.zip.into());
        self.whole(department_id.into());
        self.cell(department_name);
        self.single(customer.latitude);
        self.single(customer.longitude);
        self.cell(MARKETS[order.region.market as usize]);
        self.cell(order.city.name);
        self.cell(order.country.name);
        self.whole(customer.id);
        self.date(order.placed);
        self.whole(order.id);
        self.whole(item.product.id.into());
        self.amount(money.discount);
        self.amount(item.discount_percent.into());
        self.whole(item.id);
        self.amount(item.product.cents.into());
        self.amount(item.profit_percent.into());
        self.whole(item.quantity.into());
        self.amount(money.sales);
        self.amount(money.total);
        self.amount(money.profit);
        self.cell(order.region.name);
        self.cell(order.city_state());
        self.cell(if outcome { order.status } else { order.waiting_status() });
        self.maybe(order.zip);
        self.whole(item.product.id.into());
        self.whole(category.id.into());
        self.cell("");
        self.image(item.product.name);
        self.cell(item.product.name);
        self.amount(item.product.cents.into());
        self.whole(0);
        match outcome {
            true => self.date(order.placed + chrono::Duration::days(order.real_days.into())),
            false => self.cell(""),
        }
        self.cell(order.mode.name());
        debug_assert_eq!(self.ends.len(), DATACO_COLUMNS.len());
    }

    /// The cells, left to right.
    pub(super) fn cells(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let cell = &self.text[start..*end];
            start = *end;
            cell
        })
    }

    fn end(&mut self) {
        self.ends.push(self.text.len());
    }

    fn cell(&mut self, text: &str) {
        self.text.push_str(text);
        self.end();
    }

    fn whole(&mut self, number: u64) {
        self.digits(number);
        self.end();
    }

    fn maybe(&mut self, number: Option<u32>) {
        match number {
            Some(number) => self.whole(number.into()),
            None => self.end(),
        }
    }

    /// Hundredths, such as cents, as the single-precision number the original holds.
    fn amount(&mut self, hundredths: i64) {
        self.single(hundredths as f64 / 100.0);
    }

    fn single(&mut self, number: f64) {
        push_single(&mut self.text, number);
        self.end();
    }

    /// `M/D/YYYY H:MM`, unpadded but for the minutes.
    fn date(&mut self, moment: NaiveDateTime) {
        self.digits(moment.month().into());
        self.text.push('/');
        self.digits(moment.day().into());
        self.text.push('/');
        self.digits(u64::from(moment.year().unsigned_abs()));
        self.text.push(' ');
        self.digits(moment.hour().into());
        self.text.push(':');
        if moment.minute() < 10 {
            self.text.push('0');
        }
        self.digits(moment.minute().into());
        self.end();
    }

    fn image(&mut self, name: &str) {
        self.text.push_str("http://images.example.com/");
        for letter in name.chars() {
            match letter {
                ' ' => self.text.push('+'),
                '\'' => self.text.push_str("%27"),
                '&' => self.text.push_str("%26"),
                letter => self.text.push(letter),
            }
        }
        self.end();
    }

    fn digits(&mut self, number: u64) {
        push_digits(&mut self.text, number, 1);
    }
}

impl Order {
    fn city_state(&self) -> &'static str {
        self.city.state
    }

    /// The status of an order that has not been shipped.
    fn waiting_status(&self) -> &'static str {
        if self.payment == "PAYMENT" { "PENDING_PAYMENT" } else { "PENDING" }
    }
}

/// The delivery status as the original derives it.
fn delivery_status(order: &Order) -> &'static str {
    match (order.status, order.class()) {
        ("CANCELED" | "SUSPECTED_FRAUD", _) => "Shipping canceled",
        (_, 0) => "Advance shipping",
        (_, 1) => "Shipping on time",
        _ => "Late delivery",
    }
}

/// An item's figures in cents.
struct Money {
    sales: i64,
    discount: i64,
    total: i64,
    profit: i64,
}

impl Money {
    fn of(item: &Item) -> Self {
        let sales = i64::from(item.product.cents) * i64::from(item.quantity);
        let discount = (sales * i64::from(item.discount_percent) + 50) / 100;
        let total = sales - discount;
        let profit = (total * i64::from(item.profit_percent)).div_euclid(100);
        Self {
            sales,
            discount,
            total,
            profit,
        }
    }
}

/// At least `width` digits.
fn push_digits(text: &mut String, mut number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    while number > 0 || digits.len() - start < width {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    text.extend(digits[start..].iter().map(|digit| char::from(*digit)));
}

/// A number as the original file shows it: rounded to single precision, then to ten digits (a leading 0 counts), without trailing zeros.
/// So 59.99 is `59.99000168` and 0.2 is `0.200000003`.
pub(super) fn push_single(text: &mut String, number: f64) {
    let single = f64::from(number as f32);
    if single < 0.0 {
        text.push('-');
    }
    let size = single.abs();
    let mut decimals = 9;
    let mut bound = 10.0;
    while decimals > 0 && size >= bound {
        bound *= 10.0;
        decimals -= 1;
    }
    let scale = 10_u64.pow(decimals);
    // Exact: a 24-bit number times 10^9, which is 21 bits and a power of two.
    let scaled = (size * scale as f64).round() as u64;
    push_digits(text, scaled / scale, 1);
    let (mut rest, mut width) = (scaled % scale, decimals as usize);
    if rest == 0 {
        return;
    }
    while rest % 10 == 0 {
        rest /= 10;
        width -= 1;
    }
    text.push('.');
    push_digits(text, rest, width);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(number: f64) -> String {
        let mut text = String::new();
        push_single(&mut text, number);
        text
    }

    #[test]
    fn numbers_look_as_in_the_original() {
        for (number, text) in [
            (59.99, "59.99000168"),
            (299.98, "299.980011"),
            (0.2, "0.200000003"),
            (0.07, "0.07"),
            (0.03, "0.029999999"),
            (4.8, "4.800000191"),
            (1999.99, "1999.98999"),
            (50.0, "50"),
            (0.0, "0"),
            (-66.370_613_1, "-66.3706131"),
            (-0.3, "-0.300000012"),
        ] {
            assert_eq!(shown(number), text);
        }
    }
}
