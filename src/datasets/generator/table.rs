//! A generated sheet as a typed table, for the formats that have types: Excel and Parquet.

use std::collections::HashMap;

use chrono::NaiveDateTime;

use super::Sheet;
use super::row::Row;
use crate::datasets::columns::DATACO_COLUMNS;
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::tables::{Table, Texts};

/// Columns of fractional numbers.
const NUMBERS: [&str; 12] = [
    "Benefit per order",
    "Sales per customer",
    "Latitude",
    "Longitude",
    "Order Item Discount",
    "Order Item Discount Rate",
    "Order Item Product Price",
    "Order Item Profit Ratio",
    "Sales",
    "Order Item Total",
    "Order Profit Per Order",
    "Product Price",
];

/// Columns of whole numbers.
const INTEGERS: [&str; 16] = [
    "Days for shipping (real)",
    "Days for shipment (scheduled)",
    "Late_delivery_risk",
    "Category Id",
    "Customer Id",
    "Customer Zipcode",
    "Department Id",
    "Order Customer Id",
    "Order Id",
    "Order Item Cardprod Id",
    "Order Item Id",
    "Order Item Quantity",
    "Order Zipcode",
    "Product Card Id",
    "Product Category Id",
    "Product Status",
];

/// Columns of dates.
const DATES: [&str; 2] = ["order date (DateOrders)", "shipping date (DateOrders)"];

/// One column under construction.
enum Column {
    Texts {
        codes: Vec<u32>,
        values: Vec<String>,
        known: HashMap<String, u32>,
    },
    Integers(Vec<Option<i64>>),
    Numbers(Vec<Option<f64>>),
    /// Seconds since 1970-01-01.
    Dates(Vec<Option<i64>>),
}

impl Column {
    fn new(name: &str, rows: usize) -> Self {
        if NUMBERS.contains(&name) {
            Self::Numbers(Vec::with_capacity(rows))
        } else if INTEGERS.contains(&name) {
            Self::Integers(Vec::with_capacity(rows))
        } else if DATES.contains(&name) {
            Self::Dates(Vec::with_capacity(rows))
        } else {
            Self::Texts {
                codes: Vec::with_capacity(rows),
                values: Vec::new(),
                known: HashMap::new(),
            }
        }
    }

    fn push(&mut self, name: &str, cell: &str) -> Result<()> {
        let odd = || Error::internal(format!("the generator made `{cell}` under `{name}`"));
        match self {
            Self::Texts { codes, .. } if cell.is_empty() => codes.push(Texts::MISSING),
            Self::Texts { codes, values, known } => {
                let code = match known.get(cell) {
                    Some(code) => *code,
                    None => {
                        let code = values.len() as u32;
                        values.push(cell.to_owned());
                        known.insert(cell.to_owned(), code);
                        code
                    }
                };
                codes.push(code);
            }
            Self::Integers(numbers) => numbers.push(filled(cell).map(str::parse).transpose().map_err(|_| odd())?),
            Self::Numbers(numbers) => numbers.push(filled(cell).map(str::parse).transpose().map_err(|_| odd())?),
            Self::Dates(seconds) => {
                let moment = filled(cell).map(|cell| NaiveDateTime::parse_from_str(cell, "%m/%d/%Y %H:%M"));
                seconds.push(moment.transpose().map_err(|_| odd())?.map(|moment| moment.and_utc().timestamp()));
            }
        }
        Ok(())
    }
}

fn filled(cell: &str) -> Option<&str> {
    (!cell.is_empty()).then_some(cell)
}

impl Sheet {
    /// The sheet as a table: dates are dates, numbers are numbers, with the digits that the CSV shows. `name` is what messages call it.
    ///
    /// # Errors
    /// Where the person stops the run.
    pub fn table(&self, name: &str, progress: &dyn Progress) -> Result<Table> {
        progress.start("Drawing orders", self.rows as u64);
        let mut columns: Vec<Column> = DATACO_COLUMNS.iter().map(|name| Column::new(name, self.rows)).collect();
        let mut row = Row::default();
        for chunk in 0..self.plan.chunks() {
            progress.check()?;
            let orders = self.plan.chunk(chunk);
            for order in &orders {
                for item in &order.items {
                    row.fill(order, item, self.outcome);
                    for ((column, name), cell) in columns.iter_mut().zip(DATACO_COLUMNS).zip(row.cells()) {
                        column.push(name, cell)?;
                    }
                }
                progress.advance(order.items.len() as u64);
            }
        }
        progress.finish();
        columns
            .into_iter()
            .zip(DATACO_COLUMNS)
            .try_fold(Table::new(name, self.rows), |table, (column, name)| match column {
                Column::Texts { codes, values, .. } => table.with_texts(name, Texts { codes, values }),
                Column::Integers(numbers) => table.with_integers(name, numbers),
                Column::Numbers(numbers) => table.with_numbers(name, numbers),
                Column::Dates(seconds) => table.with_dates(name, seconds),
            })
    }
}
