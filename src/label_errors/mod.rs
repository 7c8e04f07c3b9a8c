//! label_errors
