#!/usr/bin/env bash
# Type-checks the program and all it is made of for another target: what check-windows.sh and check-macos.sh share.
#
#   bash scripts/check-target.sh TARGET
#
# With rustup: `rustup target add` it first. Without it, the distribution's compiler with its sources does (Debian: rustc-web rust-web-src, linked to where
# the compiler looks for them); it builds the standard library itself.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:?"usage: bash scripts/check-target.sh TARGET"}
if [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
  cargo check --bin recant --target "$target"
elif [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library" ]; then
  RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="target/for-$target" cargo check --bin recant -Zbuild-std=std,panic_abort --target "$target"
else
  echo "this Rust has no standard library for $target: rustup target add $target" >&2
  exit 1
fi
