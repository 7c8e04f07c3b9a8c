#!/usr/bin/env bash
# The long run of the fuzzer (tests/it/fuzz): damaged files of every format, with time and memory of each; prints the table of docs/fuzzing.md.
# usage: [INPUTS=20000] bash benchmarks/fuzz.sh
set -euo pipefail
cd "$(dirname "$0")/.."
export RECANT_FUZZ_INPUTS="${INPUTS:-20000}"
# Address space: what the system lends beyond 6 GiB is refused, so that a claim of terabytes fails here as it does on a small machine.
ulimit -v $((6 * 1024 * 1024))
cargo test --test it -- --ignored --nocapture --exact fuzz::many_damaged_files
