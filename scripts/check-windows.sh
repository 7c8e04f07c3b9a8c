#!/usr/bin/env bash
# Does everything compile for Windows? Type-checks the program and all it is made of; needs a MinGW C compiler (Debian: gcc-mingw-w64-x86-64).
# What else it needs: the head of scripts/check-target.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
target=x86_64-pc-windows-gnu
command -v x86_64-w64-mingw32-gcc >/dev/null || command -v x86_64-w64-mingw32-gcc-win32 >/dev/null || {
  echo "no MinGW C compiler (x86_64-w64-mingw32-gcc): install gcc-mingw-w64-x86-64" >&2
  exit 1
}
bash scripts/check-target.sh "$target"
