#!/usr/bin/env bash
# Does everything compile for Windows? Type-checks the program and all it is made of; needs a MinGW C compiler (Debian: gcc-mingw-w64-x86-64).
# With rustup: `rustup target add x86_64-pc-windows-gnu` first. Without that target, the distribution's compiler with its sources does
# (Debian: rustc-web rust-web-src, linked to where the compiler looks for them); it builds the standard library itself.
set -euo pipefail
cd "$(dirname "$0")/.."
target=x86_64-pc-windows-gnu
command -v x86_64-w64-mingw32-gcc >/dev/null || command -v x86_64-w64-mingw32-gcc-win32 >/dev/null || {
  echo "no MinGW C compiler (x86_64-w64-mingw32-gcc): install gcc-mingw-w64-x86-64" >&2
  exit 1
}
if [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
  cargo check --bin recant --target "$target"
elif [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library" ]; then
  RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=target/windows cargo check --bin recant -Zbuild-std=std,panic_abort --target "$target"
else
  echo "this Rust has no standard library for $target: rustup target add $target" >&2
  exit 1
fi
