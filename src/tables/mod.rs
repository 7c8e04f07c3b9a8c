//! Sheets: CSV, Excel, OpenDocument, Parquet and Arrow files as Polars frames of cells as typed, and back.
//!
//! Polars reads delimited text, Parquet and Arrow, and carries the cells; ours is what it has not: row numbers as a person sees them, encodings, title
//! blocks, workbooks, bounds on what a file may claim, and what a text means as a number or date.
//!
//! A [`Table`] keeps every cell as the person typed it. Its accessors interpret a whole column at once: [`Table::texts`], [`Table::numbers`],
//! [`Table::dates`]. Equal sheets give equal results from any file format.
//!
//! Codes of the notes added here: `encoding`, `damaged-text`, `title-block`, `header-looks-like-data`, `empty-header`, `duplicate-header`,
//! `short-rows`, `blank-rows`, `trailing-blank`, `error-cells`, `formulas-without-results`, `formulas-never-calculated`, `merged-cells`, `hidden-rows`, `other-sheets`, `missing-sheets`, `two-row-header`, `no-orders`, `rounded-numbers`, `long-times`, `mixed-formats`, `stray-quotes`, `missing-markers`, `infinite-numbers`, `numbers-as-text`,
//! `ambiguous-numbers`, `thousands-marks`, `hours`, `times-with-points`, `codes-as-numbers`, `named-exceptions`, `credit-marks`, `mixed-decimals`, `decimal-comma`, `percent-signs`, `currency-signs`, `mixed-currencies`, `unreadable-numbers`, `swapped-dates`,
//! `possibly-swapped-dates`, `mixed-dates`, `mixed-date-orders`, `ambiguous-dates`, `ambiguous-months`, `year-first-dates`, `unlikely-years`, `serial-dates`, `unix-dates`, `time-zones`, `two-digit-years`,
//! `placeholder-dates`, `far-dates`, `markup-table`, `rule-lines`, `aligned-columns`, `periods`, `unit-of-numbers`, `quoted-lines`, `other-quotes`, `rows-in-two-files`, `blank-together`, `ambiguous-files`, `other-date-order`, `decimal-marks-by-file`, `date-orders-by-file`, `unreadable-dates`, `unreadable-columns`, `no-rows`.

mod aligned;
mod arrow;
mod as_above;
mod body;
mod cells;
mod column;
mod csv;
mod dates;
mod delimiter;
mod digits;
mod encoding;
mod encoding_guess;
mod exceptions;
mod frame;
mod gather;
mod guard;
mod header;
mod kind;
pub mod limits;
mod marks;
mod markup;
mod memory;
mod no_orders;
mod numbers;
mod numpy;
mod ods;
mod other_quotes;
mod package;
mod pandas_index;
mod panics;
mod parquet;
mod parts;
mod peek;
mod read;
pub mod rules;
mod several;
mod sniff;
mod source;
mod stray_quotes;
mod table;
mod text;
mod thrift;
mod two_rows;
mod unreadable;
mod words_of_totals;
mod workbook;
mod write;

pub use dates::{DateColumn, DateOrder, DaySpan};
pub(crate) use dates::{are_days_of_years, is_part_of_date, without_accents};
pub(crate) use digits::ascii as plain_signs;
pub(crate) use kind::are_padded_codes;
pub use kind::{ColumnKind, ColumnSummary};
pub use numbers::{DecimalMark, NumberColumn};
pub(crate) use numbers::{PERCENT, conversion, may_be_one_currency, multiplied};
pub use peek::{Top, peek};
pub use read::{ReadOptions, parse_delimiter, read, worksheets};
pub use rules::{Formula, Rule};
pub use several::read_all;
pub use source::{Format, Source, Writing};
pub use table::Table;
pub(crate) use text::{MISSING_TEXTS, as_category, clock_text};
pub use text::{Texts, is_rounded_number};
pub use write::{WriteOptions, check_writable_name};
