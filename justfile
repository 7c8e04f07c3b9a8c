# `just` lists the recipes. CI runs `just check`'s script.

default:
    @just --list

# Format, lints, documentation, demo, tests: what CI runs
check:
    bash .ci/run

# Quick: own code only
quick:
    cargo fmt
    cargo clippy --all-targets -- -D warnings
    cargo test

# The whole job on the bundled sample
demo:
    cargo run --release -- demo

# Accept changed snapshots after having looked at them
snapshots:
    INSTA_UPDATE=always cargo test

# A release in dist/: archives, wheel, bill of materials, checksums (docs/releases.md)
dist:
    bash scripts/dist.sh

# Does it compile for Windows? (type-check; needs the target and a MinGW C compiler)
check-windows:
    bash scripts/check-windows.sh

# Does it compile for macOS? (type-check; needs the target or Debian's rustc-web, and zig)
check-macos:
    bash scripts/check-macos.sh

# Does it run on Windows? (under wine; needs the target, a MinGW C compiler and wine64)
try-windows:
    bash scripts/windows_check.sh

# The wheel, built and tested in a fresh virtual environment
python:
    bash python/test.sh

# Speed against the PyTorch and pandas peers (needs Python with torch, pandas, numpy)
bench:
    bash benchmarks/run.sh
