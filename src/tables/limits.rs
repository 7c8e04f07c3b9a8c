//! How large a sheet may be. Past these a person gets a sentence, not an hour of waiting or a machine without memory.

/// The text of a delimited file once unpacked and decoded: positions are kept in 32 bits.
pub const MAX_TEXT_BYTES: u64 = u32::MAX as u64 - 1;

/// What a packed file (`.gz`, or the parts of a workbook together) may unpack to.
pub const MAX_UNPACKED_BYTES: u64 = MAX_TEXT_BYTES;

/// Up to this size any compression ratio is believed.
pub const ALWAYS_UNPACKED_BYTES: u64 = 64 << 20;

/// Past [`ALWAYS_UNPACKED_BYTES`] a file that unpacks to more than this many times its size is taken for a bomb.
pub const MAX_UNPACKED_RATIO: u64 = 300;

/// Columns of a sheet; Excel's own limit.
pub const MAX_COLUMNS: usize = 16_384;

/// Rows of an Excel sheet.
pub const MAX_EXCEL_ROWS: usize = 1_048_576;

/// Bytes of one cell. Excel holds 32,767 characters; far more is a quote that was never closed.
pub const MAX_CELL_BYTES: usize = 1 << 20;

/// Cells of a workbook's sheet (filled rows times filled columns).
pub const MAX_WORKBOOK_CELLS: usize = 100_000_000;

/// Cells that an OpenDocument sheet may spell out through its repeat counts.
pub const MAX_ODS_CELLS: usize = 30_000_000;

/// Cells that short rows of delimited text may lack, beyond one for every byte of the text.
pub const MAX_FILLED_CELLS: usize = 50_000_000;

/// What a cell takes while a sheet is read, about, beside its text.
pub const BYTES_OF_A_CELL: usize = 16;

/// A column whose unreadable cells are at most this share of its filled cells is used with those cells missing and a note;
/// one more and reading stops with an error that names the first of them.
pub const TOLERATED_SHARE: f64 = 0.01;

/// In a short column this number of unreadable cells is passed over as well, where ...
pub const TOLERATED_CELLS: usize = 2;
/// ... it has this many times as many values.
pub const VALUES_OF_A_TOLERATED_CELL: usize = 20;

/// A column of numbers or dates may hold words in place of them in at most this share of its filled cells; each is then a missing value
/// and a named exception.
pub const EXCEPTION_SHARE: f64 = 0.5;
