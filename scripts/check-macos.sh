#!/usr/bin/env bash
# Does everything compile for macOS? Type-checks the program and all it is made of for aarch64-apple-darwin (or the target named), on Linux, without
# Apple's SDK: the few C sources are compiled by zig, which has macOS's headers (PyPI: ziglang, in the Python named by PYTHON).
#
#   bash scripts/check-macos.sh [aarch64-apple-darwin|x86_64-apple-darwin]
#
# What else it needs: the head of scripts/check-target.sh.
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
bash scripts/check-target.sh "$target"
