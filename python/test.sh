#!/usr/bin/env bash
# Builds the wheel and tests it in a fresh virtual environment.
# usage: python/test.sh [PROFILE [OPTIONS OF maturin build]]   PROFILE: dev (quick to build, the default) or release
# A wheel for any Linux: python/test.sh release --zig --compatibility manylinux2014   (zig's linker comes from PyPI)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
profile=${1:-dev}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "== the wheel ($profile)"
python3 -m venv "$work/build"
"$work/build/bin/pip" install --quiet 'maturin[zig]>=1.7,<2'
PATH="$work/build/bin:$PATH" maturin build --manifest-path "$root/python/Cargo.toml" --profile "$profile" --out "$work/wheels" "${@:2}"

echo "== a fresh environment"
python3 -m venv "$work/fresh"
"$work/fresh/bin/pip" install --quiet "$work"/wheels/recant-*.whl
# Nothing else is needed for the program and for sheets by path.
(cd "$work" && fresh/bin/recant --version && fresh/bin/python -c 'import recant; print(recant.inspect("'"$root"'/data/sample/orders.csv.gz"))')
"$work/fresh/bin/pip" install --quiet pytest pandas polars pyarrow scikit-learn cleanlab nbclient ipykernel

echo "== the tests"
# From elsewhere, so that the wheel is tested and not the folder `python/recant`.
(cd "$work" && PATH="$work/fresh/bin:$PATH" fresh/bin/pytest -q -p no:cacheprovider "$root/python/tests")
mkdir -p "$root/target/wheels"
cp "$work"/wheels/recant-*.whl "$root/target/wheels/"
ls -l "$root"/target/wheels/
