//! Sheets: CSV, Excel, OpenDocument and Parquet files as tables of cells as typed, and back.
//!
//! A [`Table`] keeps every cell as the person typed it. Its accessors interpret a whole column at once: [`Table::texts`], [`Table::numbers`],
//! [`Table::dates`]. Equal sheets give equal results from any file format.
//!
//! Codes of the notes added here: `encoding`, `damaged-text`, `title-block`, `header-looks-like-data`, `empty-header`, `duplicate-header`,
//! `short-rows`, `blank-rows`, `trailing-blank`, `error-cells`, `formulas-without-results`, `formulas-never-calculated`, `merged-cells`, `other-sheets`, `missing-markers`, `infinite-numbers`, `numbers-as-text`,
//! `ambiguous-numbers`, `thousands-marks`, `hours`, `named-exceptions`, `credit-marks`, `mixed-decimals`, `decimal-comma`, `percent-signs`, `currency-signs`, `mixed-currencies`, `unreadable-numbers`, `swapped-dates`,
//! `possibly-swapped-dates`, `mixed-dates`, `mixed-date-orders`, `ambiguous-dates`, `ambiguous-months`, `year-first-dates`, `unlikely-years`, `serial-dates`, `unix-dates`, `time-zones`, `two-digit-years`,
//! `unreadable-dates`, `unreadable-columns`, `no-rows`.

mod body;
mod column;
mod csv;
mod dates;
mod delimiter;
mod digits;
mod encoding;
mod exceptions;
mod guard;
mod header;
mod kind;
pub mod limits;
mod numbers;
mod package;
mod panics;
mod parquet;
mod read;
mod sniff;
mod source;
mod table;
mod text;
mod workbook;
mod write;

pub use dates::{DateColumn, DateOrder};
pub use kind::{ColumnKind, ColumnSummary};
pub use numbers::{DecimalMark, NumberColumn};
pub use read::{ReadOptions, read, worksheets};
pub use source::{Format, Source, Writing};
pub use table::Table;
pub use text::Texts;
pub(crate) use text::clock_text;
pub use write::{WriteOptions, check_writable_name};
