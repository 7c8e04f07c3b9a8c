#!/usr/bin/env bash
# A static Linux binary in dist/: runs on any distribution of the same processor family, whatever its C library.
set -euo pipefail
cd "$(dirname "$0")/.."
target=x86_64-unknown-linux-gnu
RUSTFLAGS="-C target-feature=+crt-static" cargo build --profile dist --target "$target" --bin recant
mkdir -p dist
cp "target/$target/dist/recant" dist/recant
size=$(stat -c %s dist/recant)
echo "dist/recant: $((size / 1024 / 1024)) MiB"
if ldd dist/recant 2>&1 | grep -qv "statically linked"; then echo "dist/recant is not static" >&2; exit 1; fi
if [ "$size" -gt $((60 * 1024 * 1024)) ]; then echo "dist/recant is larger than 60 MiB" >&2; exit 1; fi
dist/recant --version
