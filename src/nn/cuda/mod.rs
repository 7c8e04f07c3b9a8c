//! NVIDIA GPUs, with `--features cuda`. The libraries are opened when they are first needed, so a program built so starts anywhere.

mod driver;

pub(super) use driver::{gpus, opens};
