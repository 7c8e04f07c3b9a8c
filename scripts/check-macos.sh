#!/usr/bin/env bash
# Does everything compile for macOS? Type-checks the program and all it is made of for aarch64-apple-darwin (or the target named), on Linux, without
# Apple's SDK: the few C sources are compiled by zig, which has macOS's headers (PyPI: ziglang, in the Python named by PYTHON).
#
#   bash scripts/check-macos.sh [aarch64-apple-darwin|x86_64-apple-darwin]
#
# With rustup: `rustup target add` that target first. Without it, the distribution's compiler with its sources does (Debian: rustc-web rust-web-src);
# it builds the standard library itself.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:-aarch64-apple-darwin}
python=${PYTHON:-python3}
"$python" -m ziglang version >/dev/null 2>&1 || {
  echo "no zig: pip install ziglang, and name that Python with PYTHON=..." >&2
  exit 1
}
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
cat >"$tools/cc" <<CC
#!/usr/bin/env bash
# What names the target for clang, in zig's words.
kept=()
skip=
for word in "\$@"; do
  [ -n "\$skip" ] && { skip=; continue; }
  case \$word in
  -arch | -isysroot) skip=1 ;;
  --target=* | -mmacosx-version-min=* | -mmacos-version-min=*) ;;
  *) kept+=("\$word") ;;
  esac
done
exec "$python" -m ziglang cc -target ${target%%-*}-macos "\${kept[@]}"
CC
printf '#!/usr/bin/env bash\nexec "%s" -m ziglang ar "$@"\n' "$python" >"$tools/ar"
chmod +x "$tools/cc" "$tools/ar"
name=${target//-/_}
export "CC_$name=$tools/cc" "AR_$name=$tools/ar" "CFLAGS_$name=" SDKROOT=/
if [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
  cargo check --bin recant --target "$target"
elif [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library" ]; then
  RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=target/macos cargo check --bin recant -Zbuild-std=std,panic_abort --target "$target"
else
  echo "this Rust has no standard library for $target: rustup target add $target" >&2
  exit 1
fi
