//! The `recant` binary: see the library's `cli` module.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    recant::cli::main(std::env::args_os())
}
