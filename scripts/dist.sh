#!/usr/bin/env bash
# Makes a release in dist/: archives with the program for Linux (static) and Windows, the wheel, a bill of materials, checksums.
# usage: scripts/dist.sh [linux] [windows] [wheel]     without words: all three, Windows only where its compilers are there
# PROFILE: dist (default), release (larger, sooner built) or, to try this script, dev. The version is that of Cargo.toml.
# Windows needs Rust's target (`rustup target add x86_64-pc-windows-gnu`) and a MinGW C compiler (Debian: gcc-mingw-w64-x86-64). The wheel
# needs Python 3.9 or newer and PyPI, which has maturin and zig; it then runs on any Linux of the last ten years (manylinux2014).
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${PROFILE:-dist}
built=$profile
[ "$profile" = dev ] && built=debug
windows=x86_64-pc-windows-gnu
version=$(cargo pkgid --package recant | sed 's/.*[#@]//')
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p dist

has_windows() { [ -d "$(rustc --print sysroot)/lib/rustlib/$windows" ] && command -v x86_64-w64-mingw32-gcc >/dev/null; }
parts=("$@")
if [ ${#parts[@]} = 0 ]; then
  parts=(linux wheel)
  if has_windows; then parts+=(windows); else echo "no Windows program: see the head of $0 for what it needs" >&2; fi
fi

# What lies beside the program: manual pages and completions, written by the program itself, and licences.
beside() {
  local program=$1
  "$program" --quiet man --out "$work/man"
  mkdir -p "$work/completions"
  for shell in bash zsh fish powershell elvish; do "$program" completions "$shell" >"$work/completions/recant.$shell"; done
  python3 scripts/dependencies.py "$work/about"
  cp "$work/about/recant.cdx.json" "dist/recant-$version.cdx.json"
}

# archive NAME PROGRAM: a folder NAME with the program and all that lies beside it, as .tar.gz, for Windows as .zip
archive() {
  local name=$1 program=$2
  local folder="$work/$name"
  mkdir -p "$folder"
  cp "$program" "$folder/"
  cp -r "$work/man" "$work/completions" "$folder/"
  cp README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$work/about/THIRD-PARTY-LICENCES.txt" "$folder/"
  if [[ "$program" == *.exe ]]; then
    find "$folder" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
    rm -f "dist/$name.zip"
    (cd "$work" && python3 -m zipfile -c "$name.zip" "$name")
    mv "$work/$name.zip" dist/
  else
    tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -c "$name" | gzip -9n >"dist/$name.tar.gz"
  fi
}

program=""
for part in linux windows wheel; do
  [[ " ${parts[*]} " == *" $part "* ]] || continue
  echo "== $part"
  case $part in
    linux)
      # Only linking is another for a static program: what it is made of is built once for this and for `cargo build`.
      cargo rustc --profile "$profile" --bin recant -- -C target-feature=+crt-static
      program="$work/recant"
      cp "target/$built/recant" "$program"
      if ldd "$program" 2>&1 | grep -qv "statically linked"; then echo "$program is not static" >&2; exit 1; fi
      if [ "$profile" = dist ] && [ "$(stat -c %s "$program")" -gt $((60 * 1024 * 1024)) ]; then echo "$program is larger than 60 MiB" >&2; exit 1; fi
      beside "$program"
      archive "recant-$version-linux-x86_64" "$program"
      ;;
    windows)
      has_windows || { echo "Windows needs more: see the head of $0" >&2; exit 1; }
      cargo build --profile "$profile" --target "$windows" --bin recant
      if [ -z "$program" ]; then
        cargo build --bin recant
        beside target/debug/recant
      fi
      archive "recant-$version-windows-x86_64" "target/$windows/$built/recant.exe"
      ;;
    wheel)
      python3 -m venv "$work/build"
      "$work/build/bin/pip" install --quiet 'maturin[zig]>=1.7,<2'
      # The wheel holds the licences, too.
      python3 scripts/dependencies.py "$work/about"
      cp "$work/about/THIRD-PARTY-LICENCES.txt" python/recant/
      PATH="$work/build/bin:$PATH" maturin build --manifest-path python/Cargo.toml --profile "$profile" --zig --compatibility manylinux2014 --out dist
      ;;
  esac
done
(cd dist && sha256sum -- recant-"$version"* >SHA256SUMS && cat SHA256SUMS)
