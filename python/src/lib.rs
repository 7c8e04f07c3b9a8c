//! Recant for Python: every function calls the command of the same name in the library, and hands back what it returns as
//! JSON texts and Arrow tables, which `recant/` (pure Python) makes into typed objects.
//!
//! `unsafe` is in [`exchange`] alone: the Arrow C stream interface is made of raw pointers.

#![deny(unsafe_code)]

mod calls;
mod elsewhere;
mod error;
mod exchange;
mod results;
mod scenarios;
mod settings;
mod work;

use pyo3::prelude::*;

/// The compiled half of `recant`.
#[pymodule]
fn _recant(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Faults are told as an exception, not as a trace on the screen, unless one is wanted.
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        std::panic::set_hook(Box::new(|_| {}));
    }
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<exchange::ArrowTable>()?;
    calls::add(module)
}
