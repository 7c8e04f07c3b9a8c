//! Which rows of a sheet meet a condition.
